//! Prints files, flows and steps as written.

use super::ast_expr::{expr, fields, ty};
use super::ast_items::{action, block_decl, contract, rule, test};
use super::tree::{Tree, leaf, node, quoted};
use crate::ast::{
    BlockStep, Case, Config, ConfigValue, DurationLit, File, Flow, Item, ItemKind, Modifier, ModifierKind, Name, Path,
    Stage, Step, StepKind, Text,
};

/// A file: an item a tree.
pub fn file(file: &File) -> String {
    file.items.iter().map(|item| self::item(item).text()).collect()
}

/// An item.
pub fn item(item: &Item) -> Tree {
    let tree = match &item.kind {
        ItemKind::Flow(flow) => self::flow(flow),
        ItemKind::Action(decl) => action(decl),
        ItemKind::Param(param) => {
            let tree = node("param", [name(&param.name), ty(&param.ty)]);
            param.default.iter().fold(tree, |tree, default| tree.with(node("=", [expr(default)])))
        }
        ItemKind::List(list) => {
            let tree = node("list", [name(&list.name), text(&list.file)]);
            if list.ignore_case { tree.with(leaf("ignore-case")) } else { tree }
        }
        ItemKind::Secret(secret) => node("secret", [name(secret)]),
        ItemKind::Rule(decl) => rule(decl),
        ItemKind::Test(decl) => test(decl),
        ItemKind::Block(decl) => block_decl(decl),
        ItemKind::Event(decl) => node("event", fields(&decl.fields)),
        ItemKind::Session(decl) => node("session", fields(&decl.fields)),
        ItemKind::Contract(decl) => contract(decl),
    };
    if item.broken { tree.with(leaf("<broken>")) } else { tree }
}

/// A flow.
pub fn flow(flow: &Flow) -> Tree {
    let head = if flow.system { "system-flow" } else { "custom-flow" };
    let mut tree = node(head, [name(&flow.name)]);
    tree = tree.with_all(flow.title.iter().map(text));
    tree = tree.with_all(flow.budget.iter().map(|budget| node("budget", [duration(*budget)])));
    tree.with_all(flow.stages.iter().map(stage))
}

/// A name.
pub fn name(name: &Name) -> Tree {
    leaf(name.text.as_str())
}

/// A string that is no expression.
pub fn text(text: &Text) -> Tree {
    quoted(&text.value)
}

/// A dotted path.
pub fn path(path: &Path) -> Tree {
    leaf(path.parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("."))
}

/// A duration.
pub fn duration(duration: DurationLit) -> Tree {
    leaf(format!("{}ms", duration.millis))
}

fn stage(stage: &Stage) -> Tree {
    let tree = node("stage", [name(&stage.name)])
        .with_all(stage.title.iter().map(text))
        .with_all(stage.steps.iter().map(step));
    if stage.broken { tree.with(leaf("<broken>")) } else { tree }
}

fn step(step: &Step) -> Tree {
    match &step.kind {
        StepKind::Block(block) => self::block(block),
        StepKind::RunAction(run) => {
            let tree = node("run-action", [leaf(format!("{}@{}", run.slug.text, run.version.text))]);
            tail(tree, run.label.as_ref(), run.config.as_ref(), &run.modifiers)
        }
        StepKind::RunFlow(run) => tail(node("run-flow", [name(&run.slug)]), None, None, &run.modifiers),
        StepKind::Decision(decision) => {
            let tree = node("decision", [name(&decision.name)]).with_all(decision.cases.iter().map(case));
            if decision.broken { tree.with(leaf("<broken>")) } else { tree }
        }
        StepKind::Condition(condition) => node("condition", [name(&condition.name)])
            .with_all(condition.fields.iter().map(|(field, value)| node(field.text.as_str(), [expr(value)]))),
        StepKind::Broken => leaf("<broken>"),
    }
}

fn block(block: &BlockStep) -> Tree {
    tail(node("block", [name(&block.ty)]), block.label.as_ref(), block.config.as_ref(), &block.modifiers)
}

fn tail(tree: Tree, label: Option<&Name>, config: Option<&Config>, modifiers: &[Modifier]) -> Tree {
    tree.with_all(label.map(|label| node("as", [name(label)])))
        .with_all(config.map(|config| {
            node("config", config.fields.iter().map(|field| node(field.name.text.as_str(), [value(&field.value)])))
        }))
        .with_all(modifiers.iter().map(modifier))
}

/// A config value.
pub fn value(value: &ConfigValue) -> Tree {
    match value {
        ConfigValue::Expr(written) => expr(written),
        ConfigValue::Type(written) => node("type", [ty(written)]),
    }
}

fn modifier(modifier: &Modifier) -> Tree {
    match &modifier.kind {
        ModifierKind::Timeout(limit) => node("timeout", [duration(*limit)]),
        ModifierKind::Retry { times, backoff } => node("retry", [leaf(times.to_string())])
            .with_all(backoff.iter().map(|pause| node("backoff", [duration(*pause)]))),
        ModifierKind::OnErrorHalt => leaf("on-error-halt"),
        ModifierKind::OnErrorContinue => leaf("on-error-continue"),
        ModifierKind::OnErrorDeny(reason) => node("on-error-deny", [text(reason)]),
        ModifierKind::Async => leaf("async"),
    }
}

fn case(case: &Case) -> Tree {
    let tree = match &case.when {
        Some(when) => node("when", [expr(when)]),
        None => node("default", []),
    };
    tree.with(node("->", [name(&case.branch)]).with_all(case.steps.iter().flatten().map(step)))
}
