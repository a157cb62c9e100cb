//! The index: what the names of a project stand for. A pure value, cheap to rebuild, that borrows the AST.
//!
//! The first declaration of a name counts; a second one is a diagnostic. Flows are checked against the index alone,
//! so that one flow of a project can be checked again without the others.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use admit_plan::code::Set;
use admit_plan::types::Type;
use rustc_hash::{FxHashMap, FxHashSet};
use semver::Version;
use smol_str::SmolStr;

use crate::ast::{File, Flow, Item, ItemKind, ListDecl, Name, Param, Rule, RunAction, Test};
use crate::diagnostic::Diagnostic;
use crate::library::Library;
use crate::library::types::{self, Place};
use crate::project::TextData;
use crate::schema::Contract;
use crate::source::Span;
use crate::typed::action::Kind as ActionKind;

pub mod action;

use action::Action;

/// What the names of a project stand for.
#[derive(Debug)]
pub struct Index<'a> {
    /// Blocks, event, session, contracts.
    pub library: &'a Library,
    /// Flows by name.
    pub flows: BTreeMap<&'a str, FlowItem<'a>>,
    /// Params by name.
    pub params: BTreeMap<&'a str, ParamItem<'a>>,
    /// Lists by name.
    pub lists: BTreeMap<&'a str, ListItem<'a>>,
    /// Secrets by name.
    pub secrets: BTreeMap<&'a str, &'a Name>,
    /// Actions by slug, each with its versions in the order of the source; the library's templates of other slugs too.
    pub actions: BTreeMap<&'a str, Vec<Action<'a>>>,
    /// Rules in the order of the source.
    pub rules: Vec<(&'a Item, &'a Rule)>,
    /// Tests in the order of the source.
    pub tests: Vec<(&'a Item, &'a Test)>,
    /// The type of the event under each contract, and of a custom flow checked by itself (`""`).
    events: FxHashMap<&'a str, Type>,
    /// An item of the kind did not parse, so that a name that is not there may be in it.
    pub broken: bool,
    /// Engine time per request of a system flow that says no budget, in milliseconds.
    pub budget: u64,
    /// What each text of messages needs, by name.
    pub texts: &'a BTreeMap<SmolStr, TextData>,
}

/// A flow and its item.
#[derive(Debug)]
pub struct FlowItem<'a> {
    /// The item.
    pub item: &'a Item,
    /// The flow.
    pub flow: &'a Flow,
    /// It is the library's, for the project has none of its name.
    pub is_default: bool,
    /// What checking a custom flow by itself finds, by code and place: filled by the first flow that runs it.
    pub(crate) faults: OnceLock<FxHashSet<(&'static str, Span)>>,
}

/// A param and its type.
#[derive(Debug)]
pub struct ParamItem<'a> {
    /// The declaration.
    pub param: &'a Param,
    /// Its type.
    pub ty: Type,
}

/// A list and its entries.
#[derive(Debug)]
pub struct ListItem<'a> {
    /// The declaration.
    pub list: &'a ListDecl,
    /// Its entries, sorted; none where its file could not be read.
    pub set: Option<&'a Set>,
}

/// Builds the index of a project's files. `lists` are the entries of the lists by name. Names declared twice and types
/// that mean nothing are said in `diagnostics`.
pub fn index<'a>(
    files: &'a [File],
    lists: &'a BTreeMap<SmolStr, Set>,
    library: &'a Library,
    diagnostics: &mut Vec<Diagnostic>,
) -> Index<'a> {
    let mut index = Index {
        library,
        flows: BTreeMap::new(),
        params: BTreeMap::new(),
        lists: BTreeMap::new(),
        secrets: BTreeMap::new(),
        actions: BTreeMap::new(),
        rules: Vec::new(),
        tests: Vec::new(),
        events: FxHashMap::default(),
        broken: false,
        budget: crate::check::DEFAULT_BUDGET,
        texts: &library.texts,
    };
    let mut rules: BTreeMap<&str, &Name> = BTreeMap::new();
    for item in files.iter().flat_map(|file| &file.items) {
        index.broken |= item.broken;
        match &item.kind {
            ItemKind::Flow(flow) => {
                let first = index.flows.get(flow.name.text.as_str()).map(|first| &first.flow.name);
                if fresh("flow", &flow.name, first, diagnostics) {
                    index
                        .flows
                        .insert(&flow.name.text, FlowItem { item, flow, is_default: false, faults: OnceLock::new() });
                }
            }
            ItemKind::Param(param) => {
                let first = index.params.get(param.name.text.as_str()).map(|first| &first.param.name);
                if fresh("param", &param.name, first, diagnostics) {
                    let ty = types::resolve(&param.ty, Place::Plain, diagnostics).ty;
                    index.params.insert(&param.name.text, ParamItem { param, ty });
                }
            }
            ItemKind::List(list) => {
                let first = index.lists.get(list.name.text.as_str()).map(|first| &first.list.name);
                if fresh("list", &list.name, first, diagnostics) {
                    let set = lists.get(&list.name.text);
                    index.lists.insert(&list.name.text, ListItem { list, set });
                }
            }
            ItemKind::Secret(name) => {
                if fresh("secret", name, index.secrets.get(name.text.as_str()).copied(), diagnostics) {
                    index.secrets.insert(&name.text, name);
                }
            }
            ItemKind::Action(declaration) => {
                let action = action::read(item, declaration, ActionKind::Custom, library, diagnostics);
                let versions = index.actions.entry(&declaration.name.text).or_default();
                match versions.iter().find(|known| known.version == action.version) {
                    Some(first) => diagnostics.push(
                        Diagnostic::error(
                            "A0201",
                            declaration.name.span,
                            format!(
                                "version {} of the action `{}` is declared twice",
                                action.version, declaration.name.text
                            ),
                        )
                        .label(first.name.span, "first here")
                        .help("give one of them another `version`"),
                    ),
                    None => versions.push(action),
                }
            }
            ItemKind::Rule(rule) => {
                if fresh("rule", &rule.name, rules.get(rule.name.text.as_str()).copied(), diagnostics) {
                    rules.insert(&rule.name.text, &rule.name);
                }
                index.rules.push((item, rule));
            }
            ItemKind::Test(test) => index.tests.push((item, test)),
            ItemKind::Block(_) | ItemKind::Event(_) | ItemKind::Session(_) | ItemKind::Contract(_) => {
                let (what, span) = declared(item);
                diagnostics.push(Diagnostic::error("A0515", span, format!("{what} is declared in a project"))
                        .help("only the standard library and a host's extensions declare blocks, the event, the session and contracts"),
                );
            }
        }
    }
    for template in &library.templates {
        let ItemKind::Action(declaration) = &template.item.kind else { continue };
        let of_slug = index.actions.get(declaration.name.text.as_str());
        if of_slug.is_some_and(|own| own.iter().any(|action| action.kind == ActionKind::Custom)) {
            continue;
        }
        // What is wrong with it was said when the library was read.
        let action = action::read(&template.item, declaration, ActionKind::Template, library, &mut Vec::new());
        index.actions.entry(&declaration.name.text).or_default().push(action);
    }
    for (item, flow) in library.default_flows() {
        index.flows.entry(&flow.name.text).or_insert(FlowItem {
            item,
            flow,
            is_default: true,
            faults: OnceLock::new(),
        });
    }
    for (name, contract) in &library.contracts {
        index.events.insert(name.as_str(), known_type(library, Some(contract)));
    }
    index.events.insert("", known_type(library, None));
    index
}

impl<'a> Index<'a> {
    /// The Action that the step pins, if there is one.
    pub fn pinned(&self, run: &RunAction) -> Option<&Action<'a>> {
        let wanted = Version::parse(&run.version.text).ok()?;
        self.actions.get(run.slug.text.as_str())?.iter().find(|action| action.version == wanted)
    }

    /// The type of the event under a contract, or of a custom flow by itself: fields that become known later have
    /// the type that they have then.
    pub fn event(&self, contract: Option<&Contract>) -> Type {
        let key = contract.map_or("", |contract| contract.name.as_str());
        self.events.get(key).cloned().unwrap_or_else(|| admit_plan::types::Kind::Error.into())
    }
}

/// Whether `name` is the first of its kind; else says so.
fn fresh(kind: &str, name: &Name, first: Option<&Name>, diagnostics: &mut Vec<Diagnostic>) -> bool {
    let Some(first) = first else { return true };
    diagnostics.push(
        Diagnostic::error("A0201", name.span, format!("the {kind} `{}` is declared twice", name.text))
            .label(first.span, "first here")
            .help("rename one of them: all files of a project share their names"),
    );
    false
}

/// The event's type in which a field that becomes known later is not optional for that: the checker says who makes
/// it known.
fn known_type(library: &Library, contract: Option<&Contract>) -> Type {
    use admit_plan::types::{Field, Kind};

    use crate::schema::EventField;

    fn fields(all: &[EventField]) -> Type {
        Kind::Record(all.iter().map(|field| Field { name: field.name.clone(), ty: once_known(field) }).collect()).into()
    }
    fn once_known(field: &EventField) -> Type {
        if field.fields.is_empty() {
            return field.ty.clone();
        }
        let record = Type { kind: fields(&field.fields).kind, labels: field.ty.present().labels };
        match field.ty.kind {
            Kind::Optional(_) => Type::optional(record),
            _ => record,
        }
    }
    let mut event = library.event.under(contract);
    if contract.is_none()
        && let Some(identifier) = event.fields.iter_mut().find(|field| field.name == "identifier")
    {
        // A custom flow by itself: some caller could have one.
        identifier.ty = identifier.ty.present().clone();
    }
    fields(&event.fields)
}

/// What a library declares, by name, and where it says so.
fn declared(item: &Item) -> (String, Span) {
    let word = |length| Span { end: item.span.end.min(item.span.start + length), ..item.span };
    match &item.kind {
        ItemKind::Block(block) => (format!("the block `{}`", block.name.text), block.name.span),
        ItemKind::Contract(contract) => (format!("the contract `{}`", contract.name.text), contract.name.span),
        ItemKind::Session(_) => ("the session".to_owned(), word(7)),
        ItemKind::Event(_) => ("the event".to_owned(), word(5)),
        ItemKind::Flow(_)
        | ItemKind::Action(_)
        | ItemKind::Param(_)
        | ItemKind::List(_)
        | ItemKind::Secret(_)
        | ItemKind::Rule(_)
        | ItemKind::Test(_) => ("this".to_owned(), item.span),
    }
}
