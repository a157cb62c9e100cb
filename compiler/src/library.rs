//! The library: declarations of blocks, the event, the session and contracts, read into the [`crate::schema`].

mod blocks;
mod contracts;
mod event;
pub mod types;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use smol_str::SmolStr;

use crate::ast::{File, Flow, Item, ItemKind};
use crate::diagnostic::Diagnostic;
use crate::parse::parse;
use crate::project::{ActionFile, Place, TextData, read_text, texts_together};
use crate::schema::{Block, Contract, Event, Session};
use crate::source::{FileId, Sources, Span};
use crate::typed::action::Kind;

/// What a project is checked against.
#[derive(Clone, Debug, Default)]
pub struct Library {
    /// Blocks by name, in the order declared.
    pub blocks: IndexMap<SmolStr, Block, FxBuildHasher>,
    /// The event.
    pub event: Event,
    /// The session.
    pub session: Session,
    /// Contracts by system flow, in the order declared.
    pub contracts: IndexMap<SmolStr, Contract, FxBuildHasher>,
    /// Templates: Actions that stand where a project has none of their slug. The versions of one slug follow each other.
    pub templates: Vec<Template>,
    /// System flows that stand where a project has none of their name.
    pub defaults: Vec<Item>,
    /// Files beside the templates' declarations that may be a module of one, by path.
    pub action_sources: BTreeMap<SmolStr, FileId>,
    /// What each of the library's own texts of messages needs, by name.
    pub texts: BTreeMap<SmolStr, TextData>,
    /// The declarations' files: a project's files are added after them.
    pub sources: Sources,
}

/// An Action that the library declares.
#[derive(Clone, Debug)]
pub struct Template {
    /// Its declaration: an [`ItemKind::Action`].
    pub item: Item,
    /// Where it lies.
    pub file: ActionFile,
}

impl Library {
    /// Reads declarations from `(name, text)` pairs: the standard library, then a host's extensions. A file that ends in
    /// `.ts` or `.js` is a source of the template in whose folder it lies: `templates/<slug>/<version>/action.ts`.
    pub fn load<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)]) -> (Library, Vec<Diagnostic>) {
        let mut sources = Sources::default();
        let mut diagnostics = Vec::new();
        let mut parsed = Vec::with_capacity(files.len());
        for (name, text) in files {
            let id = sources.add(name.as_ref(), text.as_ref());
            if is_source(name.as_ref()) || is_text(name.as_ref()) {
                continue;
            }
            let one = parse(id, text.as_ref());
            diagnostics.extend(one.diagnostics);
            parsed.push(one.file);
        }
        let (mut library, found) = Library::read(sources, &parsed);
        diagnostics.extend(found);
        library.texts = texts(&library.sources, &mut diagnostics);
        (library, diagnostics)
    }

    /// Reads parsed declarations: the standard library, then a host's extensions. `sources` holds their text.
    ///
    /// The result holds what is sound of them; everything else is in the diagnostics.
    pub fn read(sources: Sources, files: &[File]) -> (Library, Vec<Diagnostic>) {
        let mut library = Library { sources, ..Library::default() };
        let mut diagnostics = Vec::new();
        let named = library.sources.iter().filter(|(_, source)| is_source(&source.name));
        library.action_sources = named.map(|(id, source)| (source.name.as_str().into(), id)).collect();
        let declares = |file: &File| library.sources.get(file.id).is_some_and(|source| is_template(&source.name));
        let (templates, files): (Vec<&File>, Vec<&File>) = files.iter().partition(|file| declares(file));
        let is_default = |file: &&File| library.sources.get(file.id).is_some_and(|source| is_default(&source.name));
        let (defaults, files): (Vec<&File>, Vec<&File>) = files.into_iter().partition(is_default);
        let items: Vec<&Item> = files.iter().flat_map(|file| &file.items).collect();
        read(&mut library, &items, &mut diagnostics);
        read_templates(&mut library, &templates, &mut diagnostics);
        read_defaults(&mut library, &defaults, &mut diagnostics);
        (library, diagnostics)
    }

    /// A block by name.
    pub fn block(&self, name: &str) -> Option<&Block> {
        self.blocks.get(name)
    }

    /// The flow that stands where a project has no system flow of this name.
    pub fn default_flow(&self, name: &str) -> Option<(&Item, &Flow)> {
        self.default_flows().find(|(_, flow)| flow.name.text == name)
    }

    /// All default flows.
    pub fn default_flows(&self) -> impl Iterator<Item = (&Item, &Flow)> {
        self.defaults.iter().filter_map(|item| match &item.kind {
            ItemKind::Flow(flow) => Some((item, flow)),
            _ => None,
        })
    }

    /// A system flow's contract.
    pub fn contract(&self, name: &str) -> Option<&Contract> {
        self.contracts.get(name)
    }
}

fn read(library: &mut Library, items: &[&Item], diagnostics: &mut Vec<Diagnostic>) {
    let mut event: Option<Span> = None;
    let mut session: Option<Span> = None;
    // The event first: clauses of blocks name its paths.
    for item in items {
        match &item.kind {
            ItemKind::Event(decl) => match event {
                Some(first) => diagnostics.push(twice("event", item.span, first)),
                None => {
                    event = Some(item.span);
                    library.event = event::event(decl, diagnostics);
                }
            },
            ItemKind::Session(decl) => match session {
                Some(first) => diagnostics.push(twice("session", item.span, first)),
                None => {
                    session = Some(item.span);
                    library.session = event::session(decl, diagnostics);
                }
            },
            _ => {}
        }
    }
    for item in items {
        if let ItemKind::Block(decl) = &item.kind {
            let block = blocks::block(decl, item, &library.event, diagnostics);
            if let Some(first) = library.blocks.get(&block.name) {
                diagnostics.push(
                    Diagnostic::error("A0501", decl.name.span, format!("the block `{}` is declared twice", block.name))
                        .label(first.span, "first here"),
                );
            } else {
                library.blocks.insert(block.name.clone(), block);
            }
        }
    }
    for item in items {
        match &item.kind {
            ItemKind::Contract(decl) => {
                let contract = contracts::contract(decl, item, library, diagnostics);
                if let Some(first) = library.contracts.get(&contract.name) {
                    diagnostics.push(
                        Diagnostic::error(
                            "A0501",
                            decl.name.span,
                            format!("the contract `{}` is declared twice", contract.name),
                        )
                        .label(first.span, "first here"),
                    );
                } else {
                    library.contracts.insert(contract.name.clone(), contract);
                }
            }
            ItemKind::Block(_) | ItemKind::Event(_) | ItemKind::Session(_) => {}
            ItemKind::Flow(_)
            | ItemKind::Action(_)
            | ItemKind::Param(_)
            | ItemKind::List(_)
            | ItemKind::Secret(_)
            | ItemKind::Rule(_)
            | ItemKind::Test(_) => diagnostics.push(
                Diagnostic::error("A0500", item.span, "a library holds declarations only")
                    .help("move it to a file of the project"),
            ),
        }
    }
}

/// Templates, in the order of slugs and versions. What their declarations say is checked as a project's is.
fn read_templates(library: &mut Library, files: &[&File], diagnostics: &mut Vec<Diagnostic>) {
    let mut templates = Vec::new();
    for file in files {
        let name = library.sources.get(file.id).map_or("", |source| &source.name);
        let below = name.find(TEMPLATES).map_or(0, |at| at + TEMPLATES.len());
        let root = name.get(..below).unwrap_or("");
        let place = Place { root, sources: &library.action_sources, kind: Kind::Template };
        let found = place.actions(name, file, diagnostics);
        templates.extend(found.into_iter().map(|(file, item)| Template { item: item.clone(), file }));
        for item in file.items.iter().filter(|item| !matches!(item.kind, ItemKind::Action(_))) {
            diagnostics.push(
                Diagnostic::error("A0500", item.span, "a template's file holds its declaration only")
                    .help("move it to another file of the library"),
            );
        }
    }
    templates
        .sort_by(|left, right| (&left.file.slug, &left.file.version).cmp(&(&right.file.slug, &right.file.version)));
    for template in &templates {
        if let ItemKind::Action(declaration) = &template.item.kind {
            crate::resolve::action::read(&template.item, declaration, Kind::Template, library, diagnostics);
        }
    }
    library.templates = templates;
}

/// Default flows: one for each contract at most. They are checked where a project uses them.
fn read_defaults(library: &mut Library, files: &[&File], diagnostics: &mut Vec<Diagnostic>) {
    for item in files.iter().flat_map(|file| &file.items) {
        let ItemKind::Flow(flow) = &item.kind else {
            let found = Diagnostic::error("A0500", item.span, "a file of a default flow holds the flow only");
            diagnostics.push(found.help("move it to another file of the library"));
            continue;
        };
        let name = &flow.name;
        if !flow.system || library.contract(&name.text).is_none() {
            let message = format!("`{}` is no system flow with a contract", name.text);
            diagnostics.push(Diagnostic::error("A0500", name.span, message).help("only these have a default"));
        } else if let Some((_, first)) = library.default_flow(&name.text) {
            let message = format!("the flow `{}` is declared twice", name.text);
            diagnostics.push(Diagnostic::error("A0501", name.span, message).label(first.name.span, "first here"));
        } else {
            library.defaults.push(item.clone());
        }
    }
}

/// Below it lie the library's texts of messages.
const TEXTS: &str = "stdlib/texts/";
/// The folder of the templates.
const TEMPLATES: &str = "templates/";

/// The folder of the default flows.
const DEFAULTS: &str = "flows/defaults/";

fn is_template(name: &str) -> bool {
    (name.starts_with(TEMPLATES) || name.contains("/templates/")) && name.ends_with(".admit")
}

fn is_default(name: &str) -> bool {
    name.starts_with(DEFAULTS) || name.contains("/flows/defaults/")
}

/// The library's texts of messages, for what they need: they are filled by the program that holds them.
fn texts(sources: &Sources, diagnostics: &mut Vec<Diagnostic>) -> BTreeMap<SmolStr, TextData> {
    let named = sources.iter().filter_map(|(id, source)| Some((id, source.name.split_once(TEXTS)?.1, &source.text)));
    let files: Vec<_> = named.filter_map(|(id, path, text)| read_text(id, path, text, diagnostics)).collect();
    texts_together(&files, &BTreeMap::new(), diagnostics).1
}

fn is_text(name: &str) -> bool {
    name.contains(TEXTS) && !name.ends_with(".admit")
}

fn is_source(name: &str) -> bool {
    name.ends_with(".ts") || name.ends_with(".js")
}

fn twice(what: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error("A0501", span, format!("the {what} is declared twice")).label(first, "first here")
}
