//! Prints typed flows: slots with their types, steps with their typed code.

use admit_plan::bundle::{ConfigValue, SecretPart};
use admit_plan::code::{self, Pool};
use admit_plan::listing;
use smol_str::SmolStr;

use super::tree::{Tree, leaf, node};
use crate::typed::flow::{Block, Branch, Expr, Flow, Modifiers, OnError, Role, Source, Stage, Step, StepKind};

/// A typed flow.
pub fn flow(flow: &Flow) -> String {
    let slots = flow.slots.iter().enumerate().map(|(index, slot)| {
        let maybe = if slot.maybe_absent { " (maybe absent)" } else { "" };
        leaf(format!("s{index} = {}: {}{maybe}", source(&slot.source), slot.ty))
    });
    let tree = node(format!("flow {}", flow.name), [])
        .with_all(flow.budget.map(|budget| leaf(format!("(budget {budget}ms, worst {}ms)", flow.worst))))
        .with(node("slots", slots))
        .with_all(flow.stages.iter().map(|one| stage(one, flow)));
    tree.text()
}

fn source(source: &Source) -> String {
    let path = |root: &str, parts: &[SmolStr]| {
        std::iter::once(root).chain(parts.iter().map(SmolStr::as_str)).collect::<Vec<_>>().join(".")
    };
    match source {
        Source::Event(parts) => path("event", parts),
        Source::Input(parts) => path("input", parts),
        Source::Step(step, parts) => path(&format!("step#{}", step.0), parts),
        Source::ParentStep(label, parts) => path(&format!("parent.step.{label}"), parts),
        Source::Session(parts) => path("session", parts),
        Source::Param(name) => format!("params.{name}"),
        Source::Secret(index) => format!("secret#{index}"),
        Source::Now => "now".to_owned(),
        Source::Variable(name) => name.to_string(),
    }
}

fn stage(stage: &Stage, flow: &Flow) -> Tree {
    node(format!("stage {}", stage.name), [])
        .with_all(stage.when.iter().map(|when| node("when", [expr(when, flow)])))
        .with_all(stage.steps.iter().map(|one| step(one, flow)))
}

fn step(step: &Step, flow: &Flow) -> Tree {
    let head = |what: &str| node(format!("#{} {what} {}", step.id.0, step.label), []);
    match &step.kind {
        StepKind::Block(block) => self::block(head(&block.ty), block, flow),
        StepKind::RunAction(run) => head(&format!("action {}@{}", run.slug, run.version))
            .with_all(config(&run.config, flow))
            .with_all(modifiers(&run.modifiers)),
        StepKind::RunFlow(run) => head(&format!("run-flow {}", run.flow))
            .with_all(run.budget.map(|budget| leaf(format!("(budget {budget}ms)"))))
            .with(leaf(format!("(on-error {})", on_error(&run.on_error))))
            .with_all(run.stages.iter().map(|inner| stage(inner, flow))),
        StepKind::Decision(decision) => head("decision")
            .with_all(
                decision.cases.iter().map(|case| node("when", [expr(&case.when, flow), branch(&case.branch, flow)])),
            )
            .with_all(decision.default.iter().map(|default| node("default", [branch(default, flow)]))),
        StepKind::Condition(fields) => {
            head("condition").with_all(fields.iter().map(|(name, value)| node(name.as_str(), [expr(value, flow)])))
        }
    }
}

fn block(tree: Tree, block: &Block, flow: &Flow) -> Tree {
    let role = match block.role {
        Role::Plain => None,
        Role::Settles => Some(leaf("settles")),
        Role::Ends => Some(leaf("ends")),
        Role::Leaves => Some(leaf("leaves")),
    };
    let when =
        |when: &Option<code::Expr>| when.iter().map(|when| node("when", [code(when, &flow.pool)])).collect::<Vec<_>>();
    tree.with_all(role)
        .with_all(config(&block.config, flow))
        .with_all(modifiers(&block.modifiers))
        .with(leaf(format!("(output {})", block.output)))
        .with_all(block.sets.iter().map(|sets| {
            node(format!("sets event.{}", sets.path.join(".")), [])
                .with_all(sets.to.iter().map(|to| node("to", [code(to, &flow.pool)])))
                .with_all(when(&sets.when))
        }))
        .with_all(
            block.provides.iter().map(|(path, condition)| {
                node(format!("provides event.{}", path.join(".")), []).with_all(when(condition))
            }),
        )
        .with_all(
            block
                .ensures
                .iter()
                .map(|(holds, condition)| node("ensures", [code(holds, &flow.pool)]).with_all(when(condition))),
        )
}

fn config(fields: &[crate::typed::flow::Config], flow: &Flow) -> impl Iterator<Item = Tree> {
    fields.iter().map(|field| {
        node(format!("config {}", field.name), [value(&field.value, &flow.pool), leaf(format!(": {}", field.ty))])
    })
}

fn value(value: &ConfigValue, pool: &Pool) -> Tree {
    let name = |id: u32| pool.strings.get(id as usize).map_or("?", SmolStr::as_str);
    match value {
        ConfigValue::Expr(expr) => code(expr, pool),
        ConfigValue::Type(ty) => leaf(format!("(type {ty})")),
        ConfigValue::Secret(parts) => node(
            "secret",
            parts.iter().map(|part| match part {
                SecretPart::Text(text) => leaf(format!("{:?}", name(*text))),
                SecretPart::Expr(expr) => code(expr, pool),
                SecretPart::Secret(index, _) => leaf(format!("secret#{index}")),
            }),
        ),
        ConfigValue::Record(fields) => {
            node("record", fields.iter().map(|(field, inner)| node(name(*field), [self::value(inner, pool)])))
        }
    }
}

fn modifiers(modifiers: &Modifiers) -> Vec<Tree> {
    let mut trees = vec![leaf(format!("(timeout {}ms)", modifiers.timeout))];
    trees.extend(modifiers.retry.map(|(times, pause)| leaf(format!("(retry {times} backoff {pause}ms)"))));
    trees.push(leaf(format!("(on-error {})", on_error(&modifiers.on_error))));
    trees.extend(modifiers.is_async.then(|| leaf("async")));
    trees
}

fn on_error(on_error: &OnError) -> String {
    match on_error {
        OnError::Halt => "halt".to_owned(),
        OnError::Continue => "continue".to_owned(),
        OnError::Deny(reason) => format!("deny {reason:?}"),
    }
}

fn branch(branch: &Branch, flow: &Flow) -> Tree {
    node(format!("-> {}", branch.name), branch.steps.iter().map(|one| step(one, flow)))
}

fn expr(expr: &Expr, flow: &Flow) -> Tree {
    node(format!("{}", expr.ty), [code(&expr.code, &flow.pool)])
}

fn code(code: &code::Expr, pool: &Pool) -> Tree {
    leaf(listing::expr(pool, code))
}
