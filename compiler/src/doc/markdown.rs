//! The reference as pages: one for each block, one for each system flow, one for the event, and one that lists them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::text::ends;
use super::{Catalogue, Contract, Entry, Line};

/// The pages by path below the folder `blocks`, and what the summary of the book says of them.
pub fn pages(catalogue: &Catalogue) -> (BTreeMap<String, String>, String) {
    let mut pages = BTreeMap::new();
    let mut summary = "- [Blocks and system flows](blocks/overview.md)\n".to_owned();
    let mut add = |path: String, title: &str, text: String| {
        let _ = writeln!(summary, "  - [{title}](blocks/{path})");
        pages.insert(path, text);
    };
    for entry in &catalogue.blocks {
        add(format!("{}.md", entry.name), &entry.name, block(entry));
    }
    for contract in &catalogue.flows {
        add(format!("flow-{}.md", contract.name), &format!("flow: {}", contract.name), flow(contract));
    }
    add("event.md".to_owned(), "The event", event(catalogue));
    pages.insert("overview.md".to_owned(), overview(catalogue));
    (pages, summary)
}

fn overview(catalogue: &Catalogue) -> String {
    let mut text = "# Blocks and system flows\n\nEvery block, by family. `admit doc BLOCK` prints a page in the terminal, `admit doc --json` the whole \
         catalogue for programs.\n"
        .to_owned();
    let mut family = "";
    for block in &catalogue.blocks {
        if block.family != family {
            family = block.family;
            let _ = write!(text, "\n## {family}\n\n| block | what it does |\n| --- | --- |\n");
        }
        let _ = writeln!(text, "| [{0}]({0}.md) | {1} |", block.name, cell(&block.summary));
    }
    text.push_str("\n## System flows\n\n| flow | what it does |\n| --- | --- |\n");
    for flow in &catalogue.flows {
        let _ = writeln!(text, "| [{0}](flow-{0}.md) | {1} |", flow.name, cell(&super::first_sentence(&flow.doc)));
    }
    text
}

fn block(block: &Entry) -> String {
    let mut text = format!("# {}\n\n{}\n", block.name, block.doc);
    if let Some(form) = block.written {
        let _ = write!(text, "\n`{form}`\n");
    }
    if let Some(timeout) = block.timeout_ms {
        let _ = write!(text, "\n| family | effects | flows | timeout |\n| --- | --- | --- | --- |\n");
        let effects = if block.effects.is_empty() { "none".to_owned() } else { block.effects.join(", ") };
        let flows = block.flows.as_ref().map_or_else(|| "all".to_owned(), |flows| flows.join(", "));
        let _ = writeln!(text, "| {} | {effects} | {flows} | {timeout} ms |", block.family);
    }
    table(&mut text, "Config", &block.config);
    table(&mut text, "Outputs", &block.output);
    table(&mut text, "The user's answer", &block.answer);
    if !block.takes.is_empty() {
        let names: Vec<String> = block.takes.iter().map(|name| format!("`input.{name}`")).collect();
        let _ = write!(text, "\nIt takes {} where the request has it.\n", names.join(", "));
    }
    if !block.clauses.is_empty() {
        let _ = write!(text, "\n## What is known afterwards\n\n```text\n{}\n```\n", block.clauses.join("\n"));
    }
    if !block.errors.is_empty() {
        text.push_str("\n## Errors\n\n");
        for error in &block.errors {
            let _ = writeln!(text, "- `{error}`");
        }
    }
    if let Some(example) = &block.example {
        let _ = write!(text, "\n## Example\n\n{example}\n");
    }
    text
}

fn flow(flow: &Contract) -> String {
    let mut text =
        format!("# {}\n\n{}\n\nStarted by `{}`. It ends in {}.\n", flow.name, flow.doc, flow.trigger, ends(flow));
    if flow.needs_session {
        text.push_str("\nIt needs a session that is verified and not revoked; without one the run ends in deny `not_authenticated`.\n");
    }
    table(&mut text, "Input", &flow.input);
    text.push_str("\n## Stages\n\n| stage | runs when | milestones |\n| --- | --- | --- |\n");
    for stage in &flow.stages {
        let when = stage.when.as_ref().map_or_else(String::new, |when| format!("`{}`", cell(when)));
        let milestones: Vec<String> = stage.milestones.iter().map(|one| format!("`{}`", cell(one))).collect();
        let _ = writeln!(text, "| `{}` | {when} | {} |", stage.name, milestones.join("<br>"));
    }
    if let Some(default) = &flow.default {
        let _ = write!(
            text,
            "\n## The default\n\nWhere a project has no flow of this name, this one stands.\n\n```admit\n{default}\n```\n"
        );
    }
    text
}

fn event(catalogue: &Catalogue) -> String {
    let mut text = "# The event\n\nWhat a flow knows of the request, the user and the world around it. Unknown is absent, never `\"\"` or `0`.\n".to_owned();
    table(&mut text, "Paths", &catalogue.event);
    table(&mut text, "The session", &catalogue.session);
    text
}

fn table(text: &mut String, title: &str, lines: &[Line]) {
    if lines.is_empty() {
        return;
    }
    let _ = write!(text, "\n## {title}\n\n| name | type | default | |\n| --- | --- | --- | --- |\n");
    for line in lines {
        let default = line.default.as_ref().map_or_else(String::new, |default| format!("`{}`", cell(default)));
        let _ = writeln!(text, "| `{}` | `{}` | {default} | {} |", line.name, cell(&line.ty), cell(&line.doc));
    }
}

/// Text inside a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
