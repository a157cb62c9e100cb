//! The reference for the terminal.

use std::fmt::Write as _;

use super::{Catalogue, Contract, Entry, Line};

/// Every block, by family, a line each.
pub fn list(catalogue: &Catalogue) -> String {
    let width = catalogue.blocks.iter().map(|block| block.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut family = "";
    for block in &catalogue.blocks {
        if block.family != family {
            let _ = writeln!(text, "{}{}", if family.is_empty() { "" } else { "\n" }, block.family);
            family = block.family;
        }
        let _ = writeln!(text, "  {:width$}  {}", block.name, block.summary);
    }
    text
}

/// The page of a block.
pub fn block(block: &Entry) -> String {
    let mut text = format!("{} ({})\n\n{}\n", block.name, block.family, block.doc);
    if let Some(form) = block.written {
        let _ = write!(text, "\nwritten\n  {form}\n");
    }
    lines(&mut text, "config", &block.config);
    lines(&mut text, "outputs", &block.output);
    lines(&mut text, "the user's answer", &block.answer);
    let mut facts = Vec::new();
    if !block.effects.is_empty() {
        facts.push(("effects", block.effects.join(", ")));
    }
    if let Some(flows) = &block.flows {
        facts.push(("flows", flows.join(", ")));
    }
    if let Some(timeout) = block.timeout_ms {
        facts.push(("timeout", format!("{timeout} ms")));
    }
    if !block.takes.is_empty() {
        facts.push(("takes", block.takes.iter().map(|name| format!("input.{name}")).collect::<Vec<_>>().join(", ")));
    }
    if !block.errors.is_empty() {
        facts.push(("errors", block.errors.join(", ")));
    }
    if !facts.is_empty() {
        text.push('\n');
    }
    for (name, value) in facts {
        let _ = writeln!(text, "{name:8} {value}");
    }
    for clause in &block.clauses {
        let _ = writeln!(text, "{clause}");
    }
    if let Some(example) = &block.example {
        let _ = write!(text, "\n{example}\n");
    }
    text
}

/// Fields under a title: of the event, the session.
pub fn fields(title: &str, all: &[Line]) -> String {
    let mut text = format!("{title}\n");
    for line in all {
        field(&mut text, line);
    }
    text
}

/// A contract.
pub fn flow(flow: &Contract) -> String {
    let mut text = format!("{} (started by {})\n\n{}\n", flow.name, flow.trigger, flow.doc);
    if flow.needs_session {
        text.push_str("\nneeds a session\n");
    }
    lines(&mut text, "input", &flow.input);
    text.push_str("\nstages\n");
    for stage in &flow.stages {
        let when = stage.when.as_ref().map_or_else(String::new, |when| format!(" when {when}"));
        let _ = writeln!(text, "  {}{when}", stage.name);
        for milestone in &stage.milestones {
            let _ = writeln!(text, "    milestone {milestone}");
        }
    }
    let _ = writeln!(text, "\nends in {}", ends(flow));
    if let Some(default) = &flow.default {
        let _ = write!(text, "\nwithout a flow of your own this one stands:\n\n{default}\n");
    }
    text
}

/// The terminals that may end a flow, `deny` last.
pub(super) fn ends(flow: &Contract) -> String {
    let mut names: Vec<&str> = flow.ends.iter().map(String::as_str).filter(|name| *name != "deny").collect();
    names.push("deny");
    names.join(", ")
}

fn lines(text: &mut String, title: &str, all: &[Line]) {
    if all.is_empty() {
        return;
    }
    let _ = write!(text, "\n{title}\n");
    for line in all {
        field(text, line);
    }
}

fn field(text: &mut String, line: &Line) {
    let default = line.default.as_ref().map_or_else(String::new, |default| format!(" = {default}"));
    let _ = writeln!(text, "  {}: {}{default}", line.name, line.ty);
    if !line.doc.is_empty() {
        let _ = writeln!(text, "      {}", line.doc);
    }
}
