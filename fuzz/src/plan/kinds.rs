//! Counts the kinds of everything in a bundle, and names all kinds that there are.

use admit_plan::bundle::{Bundle, ConfigValue, NodeKind, SecretPart};
use admit_plan::code::{Expr, Source};

use crate::histogram::count;

/// The kinds that a run of generated plans has all of.
pub fn all() -> Vec<String> {
    let exprs = [
        "null",
        "bool",
        "int",
        "uint",
        "double",
        "str",
        "bytes",
        "duration",
        "type",
        "slot",
        "has",
        "opt-slot",
        "local",
        "select",
        "has-field",
        "opt-select",
        "index",
        "opt-index",
        "not",
        "neg",
        "binary",
        "and",
        "or",
        "cond",
        "list",
        "map",
        "in-set",
        "matches",
        "call",
        "comprehension",
        "bind",
        "template",
    ];
    let nodes = ["stage", "block", "decision", "condition", "enter-flow", "leave-flow"];
    let sources = ["event", "input", "step", "session", "param", "now"];
    let actions = ["plain", "prompts", "enabled", "disabled", "modules", "run", "demand", "async"];
    let configs = ["expr", "type", "secret", "record"];
    let mut kinds = Vec::new();
    kinds.extend(exprs.map(|kind| format!("expr {kind}")));
    kinds.extend(nodes.map(|kind| format!("node {kind}")));
    kinds.extend(sources.map(|kind| format!("source {kind}")));
    kinds.extend(actions.map(|kind| format!("action {kind}")));
    kinds.extend(configs.map(|kind| format!("config {kind}")));
    kinds
}

/// Counts everything in the bundle.
pub fn bundle(bundle: &Bundle) {
    for action in &bundle.actions {
        count(if action.prompts { "action prompts" } else { "action plain" });
        count(if action.enabled { "action enabled" } else { "action disabled" });
        if action.modules.len() > 1 {
            count("action modules");
        }
        action.defaults.iter().for_each(|(_, default)| expr(default));
    }
    for flow in &bundle.flows {
        for slot in &flow.slots {
            count(match &slot.source {
                Source::Event(_) => "source event",
                Source::Input(_) => "source input",
                Source::Step(..) => "source step",
                Source::Session(_) => "source session",
                Source::Param(_) => "source param",
                Source::Secret(_) => "source secret",
                Source::Now => "source now",
                Source::Variable(_) => "source variable",
            });
        }
        for node in &flow.nodes {
            match &node.kind {
                NodeKind::Stage { when, .. } => {
                    count("node stage");
                    when.iter().for_each(expr);
                }
                NodeKind::Block(block) => {
                    count("node block");
                    if let Some(place) = &block.action {
                        count("action run");
                        if place.demand.is_some() {
                            count("action demand");
                        }
                        if block.is_async {
                            count("action async");
                        }
                    }
                    block.config.iter().for_each(|(_, value)| config(value));
                    for set in &block.sets {
                        set.to.iter().chain(&set.when).for_each(expr);
                    }
                    block.ensures.iter().for_each(|(what, when)| {
                        expr(what);
                        when.iter().for_each(expr);
                    });
                    block.provides.iter().for_each(|(_, when)| when.iter().for_each(expr));
                }
                NodeKind::Decision { cases, .. } => {
                    count("node decision");
                    cases.iter().for_each(|case| expr(&case.when));
                }
                NodeKind::Condition { fields } => {
                    count("node condition");
                    fields.iter().for_each(|(_, when)| expr(when));
                }
                NodeKind::EnterFlow { .. } => count("node enter-flow"),
                NodeKind::LeaveFlow { .. } => count("node leave-flow"),
            }
        }
    }
}

fn config(value: &ConfigValue) {
    match value {
        ConfigValue::Expr(code) => {
            count("config expr");
            expr(code);
        }
        ConfigValue::Type(_) => count("config type"),
        ConfigValue::Secret(parts) => {
            count("config secret");
            parts.iter().for_each(|part| match part {
                SecretPart::Expr(code) => expr(code),
                SecretPart::Text(_) | SecretPart::Secret(..) => {}
            });
        }
        ConfigValue::Record(fields) => {
            count("config record");
            fields.iter().for_each(|(_, value)| config(value));
        }
    }
}

fn expr(code: &Expr) {
    let kind = match code {
        Expr::Null => "expr null",
        Expr::Bool(_) => "expr bool",
        Expr::Int(_) => "expr int",
        Expr::Uint(_) => "expr uint",
        Expr::Double(_) => "expr double",
        Expr::Str(_) => "expr str",
        Expr::Bytes(_) => "expr bytes",
        Expr::Duration(_) => "expr duration",
        Expr::Type(_) => "expr type",
        Expr::Slot(_) => "expr slot",
        Expr::Has(_) => "expr has",
        Expr::OptSlot(_) => "expr opt-slot",
        Expr::Local(_) => "expr local",
        Expr::Select(..) => "expr select",
        Expr::HasField(..) => "expr has-field",
        Expr::OptSelect(..) => "expr opt-select",
        Expr::Index(_) => "expr index",
        Expr::OptIndex(_) => "expr opt-index",
        Expr::Not(_) => "expr not",
        Expr::Neg(_) => "expr neg",
        Expr::Binary(..) => "expr binary",
        Expr::And(_) => "expr and",
        Expr::Or(_) => "expr or",
        Expr::Cond(_) => "expr cond",
        Expr::List(_) => "expr list",
        Expr::Map(_) => "expr map",
        Expr::InSet(..) => "expr in-set",
        Expr::Matches(..) => "expr matches",
        Expr::Call(..) => "expr call",
        Expr::Comprehension(_) => "expr comprehension",
        Expr::Bind(_) => "expr bind",
        Expr::Template(_) => "expr template",
    };
    count(kind);
    code.for_each_child(&mut expr);
}
