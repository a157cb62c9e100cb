//! `admit action list`: each Action with its versions, and in how many places flows run it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use admit_compiler::render::sanitize;
use admit_compiler::typed::action::Action;
use serde_json::json;

use super::places;
use crate::failure::{Exit, Failure};
use crate::output::{Output, print};
use crate::project;

/// Arguments of `admit action list`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The project's folder
    #[arg(default_value = ".")]
    path: PathBuf,
}

/// Places that run an Action, by slug and version as written.
type Attached = BTreeMap<(String, String), usize>;

/// Lists. What the project has of errors stands beside the list, which holds what is sound.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let loaded = project::load(&args.path)?;
    let mut attached = Attached::new();
    places::for_each(&loaded.project, &mut |_, run| {
        *attached.entry((run.slug.text.to_string(), run.version.text.to_string())).or_default() += 1;
    });
    let mut slugs: BTreeMap<&str, Vec<&Action>> = BTreeMap::new();
    for action in loaded.checked.actions.values() {
        slugs.entry(&action.slug).or_default().push(action);
    }
    print(&if output.human() { table(&slugs, &attached) } else { document(&slugs, &attached) });
    if loaded.has_errors() {
        output.remarks(&loaded.diagnostics, loaded.sources());
        return Ok(Exit::Findings);
    }
    Ok(Exit::Ok)
}

fn places_of(attached: &Attached, action: &Action) -> usize {
    attached.get(&(action.slug.to_string(), action.version.to_string())).copied().unwrap_or(0)
}

fn table(slugs: &BTreeMap<&str, Vec<&Action>>, attached: &Attached) -> String {
    let mut rows = vec![["name", "kind", "version", "enabled", "attached", "triggers"].map(str::to_owned)];
    for action in slugs.values().flatten() {
        rows.push([
            action.slug.to_string(),
            action.kind.word().to_owned(),
            action.version.to_string(),
            if action.enabled { "yes" } else { "no" }.to_owned(),
            places_of(attached, action).to_string(),
            action.triggers.join(", "),
        ]);
    }
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(sanitize::lines(line.trim_end()).as_ref());
        text.push('\n');
    }
    text
}

fn document(slugs: &BTreeMap<&str, Vec<&Action>>, attached: &Attached) -> String {
    let actions: Vec<_> = slugs
        .iter()
        .map(|(slug, versions)| {
            let all: usize = versions.iter().map(|action| places_of(attached, action)).sum();
            let kind = versions.first().map(|action| action.kind.word());
            let versions: Vec<_> = versions
                .iter()
                .map(|action| {
                    json!({
                        "version": action.version.to_string(),
                        "triggers": action.triggers,
                        "enabled": action.enabled,
                        "attached": places_of(attached, action),
                    })
                })
                .collect();
            json!({"slug": slug, "kind": kind, "attached": all, "versions": versions})
        })
        .collect();
    format!("{}\n", json!({ "actions": actions }))
}
