//! Declarations of blocks.

use admit_plan::bundle::Effects;
use admit_plan::types::{Kind, Type};
use smol_str::SmolStr;

use super::types::{Place, plain_fields, resolve, unique};
use crate::ast::{BlockClause, BlockDecl, FieldDecl, Item, Name, Path, TypeExprKind};
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::schema::{
    Block, ConfigField, DEFAULT_TIMEOUT, Ensures, Event, Family, OutputField, Provides, RUNTIME_GROUPS, SYSTEM_FLOWS,
    Sets,
};
use crate::source::Span;

const EFFECTS: &[&str] = &["reads", "writes", "sends", "prompts", "mints", "ends"];

/// A block.
pub(super) fn block(decl: &BlockDecl, item: &Item, event: &Event, diagnostics: &mut Vec<Diagnostic>) -> Block {
    let mut block = Block {
        name: decl.name.text.clone(),
        doc: item.doc.clone(),
        family: family(&decl.family, diagnostics),
        flows: None,
        effects: Effects::default(),
        timeout: DEFAULT_TIMEOUT,
        takes: Vec::new(),
        config: Vec::new(),
        output: Vec::new(),
        prompt: None,
        errors: Vec::new(),
        sets: Vec::new(),
        provides: Vec::new(),
        ensures: Vec::new(),
        span: decl.name.span,
    };
    let mut seen: Vec<&'static str> = Vec::new();
    let mut outputs: &[FieldDecl] = &[];
    let mut prompt: Option<Span> = None;
    for clause in &decl.clauses {
        if let Some(word) = once(clause) {
            if seen.contains(&word) {
                let message = format!("the block `{}` has two clauses `{word}`", block.name);
                diagnostics.push(Diagnostic::error("A0509", place(clause, decl), message).help("make them one"));
                continue;
            }
            seen.push(word);
        }
        match clause {
            BlockClause::Flows(names) => block.flows = Some(flows(names, diagnostics)),
            BlockClause::Effects(names) => block.effects = effects(names, diagnostics),
            BlockClause::Timeout(time) => {
                if time.millis == 0 {
                    diagnostics.push(Diagnostic::error("A0513", time.span, "a block needs time: its timeout is zero"));
                }
                block.timeout = time.millis;
            }
            BlockClause::Takes(paths) => block.takes = takes(paths, diagnostics),
            BlockClause::Config(fields) => block.config = config(fields, diagnostics),
            BlockClause::Output(fields) => outputs = fields,
            BlockClause::Prompt(fields) => {
                prompt = fields.first().map(|field| field.name.span).or(Some(decl.name.span));
                block.prompt = Some(plain_fields(fields, diagnostics));
            }
            BlockClause::Errors(names) => block.errors = names.iter().map(|name| name.text.clone()).collect(),
            BlockClause::Sets(clause) => {
                if let Some(path) = sets_path(&clause.path, event, diagnostics) {
                    let (to, when) = (clause.to.clone(), clause.when.clone());
                    block.sets.push(Sets { path, to, when, span: clause.path.span });
                }
            }
            BlockClause::Provides(path, when) => {
                if let Some(below) = provides_path(path, event, diagnostics) {
                    block.provides.push(Provides { path: below, when: when.clone(), span: path.span });
                }
            }
            BlockClause::Ensures(what, when) => {
                block.ensures.push(Ensures { what: what.clone(), when: when.clone() });
            }
        }
    }
    // Outputs may name config fields, wherever these are written.
    block.output = output(outputs, &block.config, diagnostics);
    match (block.effects.prompts, prompt) {
        (true, None) => diagnostics.push(
            Diagnostic::error("A0513", decl.name.span, format!("`{}` prompts, but does not say for what", block.name))
                .help("add `prompt { ... }` with the fields of the user's answer"),
        ),
        (false, Some(span)) => diagnostics.push(
            Diagnostic::error("A0513", span, format!("`{}` has a prompt, but not the effect `prompts`", block.name))
                .help("add `prompts` to its effects"),
        ),
        (true, Some(_)) | (false, None) => {}
    }
    block
}

/// The clause's word, if it may stand once only.
fn once(clause: &BlockClause) -> Option<&'static str> {
    match clause {
        BlockClause::Flows(_) => Some("flows"),
        BlockClause::Effects(_) => Some("effects"),
        BlockClause::Timeout(_) => Some("timeout"),
        BlockClause::Takes(_) => Some("takes"),
        BlockClause::Config(_) => Some("config"),
        BlockClause::Output(_) => Some("output"),
        BlockClause::Prompt(_) => Some("prompt"),
        BlockClause::Errors(_) => Some("errors"),
        BlockClause::Sets(_) | BlockClause::Provides(..) | BlockClause::Ensures(..) => None,
    }
}

/// Where to point for a clause that should not be there.
fn place(clause: &BlockClause, decl: &BlockDecl) -> Span {
    let found = match clause {
        BlockClause::Flows(names) | BlockClause::Effects(names) | BlockClause::Errors(names) => {
            names.first().map(|name| name.span)
        }
        BlockClause::Timeout(time) => Some(time.span),
        BlockClause::Takes(paths) => paths.first().map(|path| path.span),
        BlockClause::Config(fields) | BlockClause::Output(fields) | BlockClause::Prompt(fields) => {
            fields.first().map(|field| field.name.span)
        }
        BlockClause::Sets(clause) => Some(clause.path.span),
        BlockClause::Provides(path, _) => Some(path.span),
        BlockClause::Ensures(what, _) => Some(what.span),
    };
    found.unwrap_or(decl.name.span)
}

fn family(name: &Name, diagnostics: &mut Vec<Diagnostic>) -> Family {
    if let Some(family) = Family::ALL.into_iter().find(|family| family.word() == name.text) {
        return family;
    }
    let mut found = Diagnostic::error("A0510", name.span, format!("there is no family `{}`", name.text));
    found = match nearest(&name.text, Family::ALL.map(Family::word)) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found.help(format!("families are {}", quoted(&Family::ALL.map(Family::word)))),
    };
    diagnostics.push(found);
    Family::Notification
}

fn flows(names: &[Name], diagnostics: &mut Vec<Diagnostic>) -> Vec<SmolStr> {
    for name in names {
        if !SYSTEM_FLOWS.contains(&name.text.as_str()) {
            diagnostics.push(unknown("system flow", name, SYSTEM_FLOWS));
        }
    }
    names.iter().map(|name| name.text.clone()).collect()
}

fn effects(names: &[Name], diagnostics: &mut Vec<Diagnostic>) -> Effects {
    let mut effects = Effects::default();
    for name in names {
        match name.text.as_str() {
            "reads" => effects.reads = true,
            "writes" => effects.writes = true,
            "sends" => effects.sends = true,
            "prompts" => effects.prompts = true,
            "mints" => effects.mints = true,
            "ends" => effects.ends = true,
            _ => diagnostics.push(unknown("effect", name, EFFECTS)),
        }
    }
    effects
}

fn takes(paths: &[Path], diagnostics: &mut Vec<Diagnostic>) -> Vec<SmolStr> {
    let mut taken = Vec::with_capacity(paths.len());
    for path in paths {
        match path.parts.as_slice() {
            [root, field] if root.text == "input" => taken.push(field.text.clone()),
            _ => diagnostics.push(
                Diagnostic::error("A0510", path.span, "a block takes fields of `input`")
                    .help("write `takes input.password`, for example"),
            ),
        }
    }
    taken
}

fn config(fields: &[FieldDecl], diagnostics: &mut Vec<Diagnostic>) -> Vec<ConfigField> {
    unique(fields, false, diagnostics)
        .map(|field| (field, resolve(&field.ty, Place::Config, diagnostics)))
        .map(|(field, resolved)| ConfigField {
            name: field.name.text.clone(),
            doc: field.doc.clone(),
            ty: resolved.ty,
            rules: resolved.rules,
            default: field.default.clone(),
            span: field.name.span,
        })
        .collect()
}

fn output(fields: &[FieldDecl], config: &[ConfigField], diagnostics: &mut Vec<Diagnostic>) -> Vec<OutputField> {
    let mut outputs = Vec::with_capacity(fields.len());
    for field in unique(fields, false, diagnostics) {
        let follows = match &field.ty.kind {
            TypeExprKind::Name(name) => config
                .iter()
                .find(|config| config.name == name.text && config.ty.present().kind == Kind::Type)
                .map(|config| config.name.clone()),
            _ => None,
        };
        let ty = match &follows {
            Some(_) => Type::from(Kind::Dyn),
            None => resolve(&field.ty, Place::Plain, diagnostics).ty,
        };
        outputs.push(OutputField {
            name: field.name.text.clone(),
            doc: field.doc.clone(),
            ty,
            follows,
            default: field.default.clone(),
            span: field.name.span,
        });
    }
    outputs
}

/// The path below `event`, if the event has it.
pub(super) fn event_path(path: &Path, event: &Event, diagnostics: &mut Vec<Diagnostic>) -> Option<Vec<SmolStr>> {
    let (root, below) = path.parts.split_first()?;
    if root.text != "event" || below.is_empty() {
        let message = "the path does not name a field of `event`";
        diagnostics.push(Diagnostic::error("A0510", path.span, message).help("write `event.user`, for example"));
        return None;
    }
    let names: Vec<SmolStr> = below.iter().map(|part| part.text.clone()).collect();
    let found = event.walk(&names);
    if let Some(wrong) = below.get(found.len()) {
        let (whose, fields) = match found.last() {
            Some(field) => (field.name.as_str(), &field.fields),
            None => ("event", &event.fields),
        };
        let mut said = Diagnostic::error("A0510", wrong.span, format!("`{whose}` has no field `{}`", wrong.text));
        if let Some(near) = nearest(&wrong.text, fields.iter().map(|field| field.name.as_str())) {
            said = said.help(format!("did you mean `{near}`?"));
        }
        diagnostics.push(said);
        return None;
    }
    Some(names)
}

fn sets_path(path: &Path, event: &Event, diagnostics: &mut Vec<Diagnostic>) -> Option<Vec<SmolStr>> {
    let names = event_path(path, event, diagnostics)?;
    if !names.first().is_some_and(|group| RUNTIME_GROUPS.contains(&group.as_str())) {
        let message = "blocks set only what the runtime owns of the event";
        let help = format!("that is below {}", quoted(&["event.user", "event.authentication", "event.tenant"]));
        diagnostics.push(Diagnostic::error("A0510", path.span, message).help(help));
        return None;
    }
    Some(names)
}

fn provides_path(path: &Path, event: &Event, diagnostics: &mut Vec<Diagnostic>) -> Option<Vec<SmolStr>> {
    let names = event_path(path, event, diagnostics)?;
    let field = *event.walk(&names).last()?;
    if field.known != Some(crate::ast::Known::Provided) {
        let message = format!("`{}` is not known only when a block provides it", field.name);
        diagnostics.push(
            Diagnostic::error("A0510", path.span, message)
                .label(field.span, "declared here")
                .help("declare it `known when provided`, or write `sets`"),
        );
        return None;
    }
    Some(names)
}

fn unknown(what: &str, name: &Name, known: &[&str]) -> Diagnostic {
    let found = Diagnostic::error("A0510", name.span, format!("there is no {what} `{}`", name.text));
    match nearest(&name.text, known.iter().copied()) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found.help(format!("there are {}", quoted(known))),
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
