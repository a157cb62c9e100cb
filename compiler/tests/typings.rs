//! The types of Actions: `typings/*.md`. Each case is a heading and the files of a project; `has SLUG@VERSION` holds lines
//! of the Action's `types.d.ts` (or what they begin with, where they end in `...`), `lacks SLUG@VERSION` lines that are not there, `schema SLUG@VERSION` the schema of its config.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[expect(dead_code, reason = "types need what was checked, not only what was found")]
#[path = "support/project.rs"]
mod support;

use std::path::Path;

use admit_compiler::check;
use admit_compiler::diagnostic::Level;
use admit_compiler::project::Project;
use admit_compiler::typings::{View, declaration, json_schema, views};

#[test]
fn actions_are_typed_as_flows_run_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/typings");
    let (mut failed, mut cases) = (String::new(), 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for case in text.split("\n## ").skip(1) {
            cases += 1;
            let title = case.lines().next().unwrap();
            for problem in problems(case) {
                failed.push_str(&format!("{title}: {problem}\n"));
            }
        }
    }
    assert!(failed.is_empty(), "of {cases} cases:\n{failed}");
    assert!(cases > 5);
}

fn problems(case: &str) -> Vec<String> {
    let mut parts = case.split("```");
    let mut fences = Vec::new();
    while let (Some(_), Some(fence)) = (parts.next(), parts.next()) {
        fences.push(fence.split_once('\n').unwrap());
    }
    let is_expected = |name: &str| ["has ", "lacks ", "schema "].iter().any(|word| name.starts_with(word));
    let file = |(name, text): &(&str, &str)| {
        let name = if *name == "admit" { "example.admit" } else { name };
        (name.to_owned(), (*text).to_owned())
    };
    let files: Vec<_> = fences.iter().filter(|(name, _)| !is_expected(name)).map(file).collect();
    let library = support::library();
    let (project, mut found) = Project::read(&library, &files);
    let checked = check::check(&project, &library);
    found.extend(checked.diagnostics.iter().cloned());
    let errors = found.iter().filter(|found| found.level == Level::Error);
    let mut problems: Vec<String> = errors.map(|found| support::line(&project, found)).collect();
    let views = views(&checked, &library);
    let of = |name: &str| -> Option<&View<'_>> {
        let (slug, version) = name.split_once(' ')?.1.split_once('@')?;
        views.iter().find(|view| view.action.slug == slug && view.action.version.to_string() == version)
    };
    for (name, text) in fences.iter().filter(|(name, _)| is_expected(name)) {
        let Some(view) = of(name) else {
            problems.push(format!("there is no Action `{name}`"));
            continue;
        };
        if name.starts_with("schema ") {
            let given = serde_json::to_string_pretty(&json_schema(view.action)).unwrap() + "\n";
            if given != *text {
                problems.push(format!("the schema is\n{given}"));
            }
            continue;
        }
        let given = declaration(view);
        let wanted = name.starts_with("has ");
        let stands = |line: &str| match line.strip_suffix("...") {
            Some(begin) => given.lines().any(|one| one.trim().starts_with(begin)),
            None => given.lines().any(|one| one.trim() == line),
        };
        let missed: Vec<&str> = text.lines().map(str::trim).filter(|line| stands(line) != wanted).collect();
        if !missed.is_empty() {
            problems.push(format!("`{name}`: {missed:?}, in\n{given}"));
        }
    }
    problems
}
