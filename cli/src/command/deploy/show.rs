//! What a deploy would change and how it went: for people, or as one JSON document.

use admit_compiler::render::sanitize;
use serde_json::{Value, json};

use super::{Done, Planned};
use crate::output::{Output, print};

/// The parts of a plan, as people call them.
const PARTS: [(&str, &str); 6] = [
    ("flows", "flow"),
    ("actions", "Action"),
    ("egress", "host"),
    ("claims", "claim"),
    ("params", "param"),
    ("secrets", "secret"),
];

/// The plan, one for each tenant; tenants that would change alike stand together.
pub fn plan(plan: &[Planned], output: &Output) {
    let mut shown: Vec<(String, Vec<String>)> = Vec::new();
    for planned in plan {
        let text = changes(planned, output);
        let tenant = name(planned.tenant.as_ref().map(ToString::to_string));
        match shown.iter_mut().find(|(known, _)| *known == text) {
            Some((_, tenants)) => tenants.push(tenant),
            None => shown.push((text, vec![tenant])),
        }
    }
    for (text, tenants) in shown {
        print(&format!("{}\n{text}", output.paint("1", &tenants.join(", "))));
    }
}

/// How it went, a line each; or everything as JSON.
pub fn done(plan: &[Planned], done: &[Done], output: &Output) {
    if !output.human() {
        let tenants: Vec<Value> = plan
            .iter()
            .zip(done)
            .map(|(planned, done)| {
                json!({
                    "tenant": done.tenant.as_ref().map(ToString::to_string),
                    "result": done.result,
                    "detail": done.detail,
                    "live": done.bundle,
                    "bundle": planned.bundle(),
                    "replaced": planned.reply.body.get("live"),
                    "changes": planned.reply.body.get("changes"),
                    "problems": planned.problems(),
                })
            })
            .collect();
        print(&format!("{}\n", sanitize::json(&json!({ "tenants": tenants }))));
        return;
    }
    for one in done {
        let color = if matches!(one.result, "deployed" | "unchanged") { "32" } else { "31" };
        let result = output.paint(color, &one.result.replace('_', " "));
        let detail = if one.detail.is_empty() { String::new() } else { format!(": {}", sanitize::line(&one.detail)) };
        let tenant = name(one.tenant.as_ref().map(ToString::to_string));
        print(&format!("{tenant}  {result}  {}{detail}\n", short(&one.bundle)));
    }
}

fn changes(planned: &Planned, output: &Output) -> String {
    let problems = planned.problems();
    if !problems.is_empty() {
        let line = |problem: &String| format!("  {} {}\n", output.paint("31", "refused:"), sanitize::line(problem));
        return problems.iter().map(line).collect();
    }
    let mut text = match planned.live() {
        Some(live) => format!("  {} -> {}\n", short(live), short(planned.bundle())),
        None => format!("  nothing is live -> {}\n", short(planned.bundle())),
    };
    let changes = planned.reply.body.get("changes").unwrap_or(&Value::Null);
    let before = text.len();
    for (part, word) in PARTS {
        let Some(part) = changes.get(part) else { continue };
        for (how, sign, color) in [("added", "+", "32"), ("removed", "-", "31"), ("changed", "~", "33")] {
            for name in part.get(how).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
                text.push_str(&format!("  {} {word} {}\n", output.paint(color, sign), sanitize::line(name)));
            }
        }
    }
    for budget in changes.get("budgets").and_then(Value::as_array).into_iter().flatten() {
        let number = |name: &str| budget.get(name).and_then(Value::as_u64).unwrap_or(0);
        let flow = budget.get("flow").and_then(Value::as_str).unwrap_or_default();
        let (from, to) = (number("from"), number("to"));
        text.push_str(&format!("  {} budget of {flow}: {from} ms -> {to} ms\n", output.paint("33", "~")));
    }
    if text.len() == before {
        text.push_str(if planned.is_live() { "  it is live already\n" } else { "  nothing that is told of changes\n" });
    }
    text
}

fn name(tenant: Option<String>) -> String {
    tenant.unwrap_or_else(|| "the key's tenant".to_owned())
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
