//! The reference of a library: what its declarations say, as values that are printed as text, Markdown or JSON.
//!
//! The JSON (`admit doc --json`) is this structure as it stands; [`VERSION`] grows when a field changes its meaning or
//! goes away.

pub mod markdown;
pub mod text;

use admit_plan::bundle::Effects;
use admit_plan::code::Escape;
use admit_plan::types::{Kind, Type};
use serde::Serialize;

use crate::ast::expr::Expr;
use crate::library::Library;
use crate::schema::{Block, ConfigField, EventField, Family, Named, PlainField, Rules};
use crate::source::Span;

/// The version of the JSON form.
pub const VERSION: u32 = 1;

/// What is syntax and no declaration, but a block to whoever writes flows: name and how it is written.
const SYNTAX: [(&str, &str); 4] = [
    ("decision", "decision NAME { when EXPR -> BRANCH { ... }  default -> BRANCH }"),
    ("condition", "condition NAME { FIELD: EXPR, ... }"),
    ("run_custom_flow", "run flow SLUG"),
    ("run_custom_action", "run action SLUG@VERSION { ... }"),
];

/// All that a library declares.
#[derive(Clone, Debug, Serialize)]
pub struct Catalogue {
    /// Of the form: [`VERSION`].
    pub version: u32,
    /// Blocks by family, in the order of the families, by name in each.
    pub blocks: Vec<Entry>,
    /// Paths of the event, in the order declared.
    pub event: Vec<Line>,
    /// Fields of the session.
    pub session: Vec<Line>,
    /// Contracts of the system flows.
    pub flows: Vec<Contract>,
}

/// A block.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its family.
    pub family: &'static str,
    /// The first sentence of its text.
    pub summary: String,
    /// Its text: Markdown.
    pub doc: String,
    /// How it is written, where it is not `name { ... }`.
    pub written: Option<&'static str>,
    /// The system flows that it may stand in; none: all.
    pub flows: Option<Vec<String>>,
    /// `reads`, `writes`, `sends`, `prompts`, `mints`, `ends`.
    pub effects: Vec<&'static str>,
    /// Engine time per try, in milliseconds, where the flow says none.
    pub timeout_ms: Option<u64>,
    /// Fields of the contract's input that it reads.
    pub takes: Vec<String>,
    /// Config.
    pub config: Vec<Line>,
    /// Outputs: `step.<label>.<name>`.
    pub output: Vec<Line>,
    /// What the user is asked for.
    pub answer: Vec<Line>,
    /// Errors by name.
    pub errors: Vec<String>,
    /// What it does to the event and what is known afterwards, as declared.
    pub clauses: Vec<String>,
    /// Examples and notes: Markdown; none where there is no page beside the declaration.
    pub example: Option<String>,
}

/// A field.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Its name; of the event, its path.
    pub name: String,
    /// Its type as written, with its labels.
    #[serde(rename = "type")]
    pub ty: String,
    /// Its default, as written.
    pub default: Option<String>,
    /// Its text.
    pub doc: String,
}

/// A contract.
#[derive(Clone, Debug, Serialize)]
pub struct Contract {
    /// The system flow.
    pub name: String,
    /// Its text.
    pub doc: String,
    /// What starts it.
    pub trigger: String,
    /// It takes a verified session.
    pub needs_session: bool,
    /// What the user submits.
    pub input: Vec<Line>,
    /// Stages in order.
    pub stages: Vec<Stage>,
    /// Terminals that may end it, besides `deny`.
    pub ends: Vec<String>,
    /// The source of the flow that stands where a project has none.
    pub default: Option<String>,
}

/// A stage of a contract.
#[derive(Clone, Debug, Serialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// The condition under which it runs, as written.
    pub when: Option<String>,
    /// Milestones, as written.
    pub milestones: Vec<String>,
}

/// The catalogue of a library. `pages` are the Markdown pages beside the declarations by path
/// (`stdlib/auth/mfa.md`), each with a title.
pub fn catalogue(library: &Library, pages: &[(&str, &str)]) -> Catalogue {
    let mut blocks: Vec<Entry> = library.blocks.values().map(|block| entry(library, block, pages)).collect();
    blocks.extend(SYNTAX.iter().map(|(name, written)| syntax(name, written, pages)));
    let order = |entry: &Entry| Family::ALL.iter().position(|family| family.word() == entry.family);
    blocks.sort_by(|left, right| (order(left), &left.name).cmp(&(order(right), &right.name)));
    let mut event = Vec::new();
    paths("event", &library.event.fields, &mut event);
    Catalogue {
        version: VERSION,
        blocks,
        event,
        session: library.session.fields.iter().map(|field| plain(library, field)).collect(),
        flows: library.contracts.values().map(|declared| contract(library, declared)).collect(),
    }
}

/// The first sentence of a text, without its full stop.
pub fn first_sentence(doc: &str) -> String {
    let paragraph = doc.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let end = paragraph.find(". ").unwrap_or(paragraph.trim_end().trim_end_matches('.').len());
    paragraph.get(..end).unwrap_or(&paragraph).to_owned()
}

fn entry(library: &Library, block: &Block, pages: &[(&str, &str)]) -> Entry {
    let doc = block.doc.join("\n");
    let source = |expr: &Option<Expr>| expr.as_ref().map(|expr| written(library, expr.span));
    let when = |expr: &Option<Expr>| source(expr).map_or_else(String::new, |text| format!(" when {text}"));
    let provides = block.provides.iter().map(|one| format!("provides event.{}{}", one.path.join("."), when(&one.when)));
    let sets = block.sets.iter().map(|one| {
        let to = source(&one.to).map_or_else(String::new, |text| format!(" to {text}"));
        format!("sets event.{}{to}{}", one.path.join("."), when(&one.when))
    });
    let ensures =
        block.ensures.iter().map(|one| format!("ensures {}{}", written(library, one.what.span), when(&one.when)));
    Entry {
        name: block.name.to_string(),
        family: block.family.word(),
        summary: first_sentence(&doc),
        doc,
        written: None,
        flows: block.flows.as_ref().map(|flows| flows.iter().map(ToString::to_string).collect()),
        effects: effects(block.effects),
        timeout_ms: Some(block.timeout),
        takes: block.takes.iter().map(ToString::to_string).collect(),
        config: block.config.iter().map(|field| config(library, field)).collect(),
        output: block
            .output
            .iter()
            .map(|field| Line {
                name: field.name.to_string(),
                ty: match &field.follows {
                    Some(config) => format!("what `{config}` says"),
                    None => field.ty.to_string(),
                },
                default: source(&field.default),
                doc: text_of(&field.doc),
            })
            .collect(),
        answer: block.prompt.iter().flatten().map(|field| plain(library, field)).collect(),
        errors: block.errors.iter().map(ToString::to_string).collect(),
        clauses: provides.chain(sets).chain(ensures).collect(),
        example: page_of(&block.name, pages).map(|(_, body)| body),
    }
}

fn syntax(name: &str, form: &'static str, pages: &[(&str, &str)]) -> Entry {
    let (_, body) = page_of(name, pages).unwrap_or_default();
    // The page's first paragraph is the text; the rest are its examples.
    let (doc, example) = body.split_once("\n\n").unwrap_or((&body, ""));
    Entry {
        name: name.to_owned(),
        family: Family::Control.word(),
        summary: first_sentence(doc),
        doc: doc.to_owned(),
        written: Some(form),
        flows: None,
        effects: Vec::new(),
        timeout_ms: None,
        takes: Vec::new(),
        config: Vec::new(),
        output: Vec::new(),
        answer: Vec::new(),
        errors: Vec::new(),
        clauses: Vec::new(),
        example: (!example.is_empty()).then(|| example.to_owned()),
    }
}

/// The page of a block: its title and what stands below.
fn page_of(name: &str, pages: &[(&str, &str)]) -> Option<(String, String)> {
    let end = format!("/{name}.md");
    let (_, text) = pages.iter().find(|(path, _)| path.ends_with(&end))?;
    let (title, body) = text.split_once('\n')?;
    Some((title.trim_start_matches("# ").to_owned(), body.trim().to_owned()))
}

fn effects(effects: Effects) -> Vec<&'static str> {
    [
        (effects.reads, "reads"),
        (effects.writes, "writes"),
        (effects.sends, "sends"),
        (effects.prompts, "prompts"),
        (effects.mints, "mints"),
        (effects.ends, "ends"),
    ]
    .into_iter()
    .filter_map(|(has, word)| has.then_some(word))
    .collect()
}

fn config(library: &Library, field: &ConfigField) -> Line {
    Line {
        name: field.name.to_string(),
        ty: format!("{}{}", rules(&field.rules, &field.ty), field.ty),
        default: field.default.as_ref().map(|default| written(library, default.span)),
        doc: text_of(&field.doc),
    }
}

/// The labels of a config field that its type itself does not carry.
fn rules(rules: &Rules, ty: &Type) -> String {
    let mut words = String::new();
    if rules.constant {
        words.push_str("constant ");
    }
    if rules.secret && !ty.labels.secret && !ty.present().labels.secret {
        words.push_str("secret ");
    }
    words.push_str(match rules.names {
        None => "",
        Some(Named::Feed) => "feed ",
        Some(Named::Provider) => "provider ",
    });
    words.push_str(match rules.escape {
        None => "",
        Some(Escape::Text) => "text ",
        Some(Escape::Url) => "url ",
        Some(Escape::Header) => "header ",
        Some(Escape::Json) => "json ",
        Some(Escape::Html) => "html ",
    });
    words
}

fn plain(library: &Library, field: &PlainField) -> Line {
    Line {
        name: field.name.to_string(),
        ty: field.ty.to_string(),
        default: field.default.as_ref().map(|default| written(library, default.span)),
        doc: text_of(&field.doc),
    }
}

/// Every leaf and group of the event by its path.
fn paths(above: &str, fields: &[EventField], lines: &mut Vec<Line>) {
    for field in fields {
        let name = format!("{above}.{}", field.name);
        let ty = match (&field.ty.present().kind, field.fields.is_empty()) {
            (Kind::Record(_), false) => "record".to_owned(),
            _ => field.ty.to_string(),
        };
        let ty = match field.known {
            Some(crate::ast::Known::Provided) => format!("{ty}, known when provided"),
            Some(crate::ast::Known::Set) => format!("{ty}, known when set"),
            None => ty,
        };
        lines.push(Line { name: name.clone(), ty, default: None, doc: text_of(&field.doc) });
        paths(&name, &field.fields, lines);
    }
}

fn contract(library: &Library, declared: &crate::schema::Contract) -> Contract {
    let stages = declared.stages.iter().map(|stage| Stage {
        name: stage.name.to_string(),
        when: stage.when.as_ref().map(|when| written(library, when.span)),
        milestones: stage
            .milestones
            .iter()
            .map(|one| written(library, one.span).trim_start_matches("milestone ").to_owned())
            .collect(),
    });
    Contract {
        name: declared.name.to_string(),
        doc: declared.doc.join("\n"),
        trigger: declared.trigger.to_string(),
        needs_session: declared.needs_session,
        input: declared.input.iter().map(|field| plain(library, field)).collect(),
        stages: stages.collect(),
        ends: declared.ends.iter().map(ToString::to_string).collect(),
        default: library.default_flow(&declared.name).map(|(item, _)| written(library, item.span)),
    }
}

fn text_of(doc: &[String]) -> String {
    doc.join(" ")
}

/// The source of a span, in one line.
fn written(library: &Library, span: Span) -> String {
    let source = library.sources.get(span.file).map_or("", |source| &source.text);
    let text = source.get(span.start as usize..span.end as usize).unwrap_or_default().trim_end();
    // A flow keeps its lines.
    if text.starts_with("system flow") {
        text.to_owned()
    } else {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}
