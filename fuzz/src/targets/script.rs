//! Scripts of Actions: whatever a file holds, there are findings in its text, or JavaScript that compiles to itself.

use std::collections::BTreeMap;

use admit_compiler::diagnostic::{Diagnostic, Level};
use admit_compiler::scripts::Script;
use admit_compiler::source::{FileId, Sources};
use admit_script::Unit;
use smol_str::SmolStr;

use super::Target;
use crate::choices::Choices;
use crate::histogram;

mod generate;

/// The target.
pub const TARGET: Target = Target {
    name: "script",
    promise: "any text gives findings in it, or JavaScript that compiles to itself",
    run,
    kinds,
};

const FOLDER: &str = "actions/a/1.0.0/";

/// Runs one input: the first byte says what becomes of the rest.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let files = match choices.below(8) {
        0 => vec![("a.ts".to_owned(), String::from_utf8_lossy(choices.rest()).into_owned())],
        1 => vec![("a.js".to_owned(), String::from_utf8_lossy(choices.rest()).into_owned())],
        2 => vec![("a.ts".to_owned(), generate::nested(&mut choices))],
        3..5 => vec![("a.js".to_owned(), generate::module(&mut choices, false, &[]))],
        _ => generate::modules(&mut choices),
    };
    check(&files);
}

/// Every code that a script can have, and scripts of each kind without errors.
pub fn kinds() -> Vec<String> {
    let codes = ["A0950", "A0951", "A0952", "A0953", "A0954", "A0956", "A0957", "A0958", "A0960"];
    codes.into_iter().chain(["typescript", "javascript", "several modules"]).map(str::to_owned).collect()
}

/// Holds the promise for the files of a folder, the first of which is the entry.
pub fn check(files: &[(String, String)]) {
    let (script, found) = compile(files);
    for found in &found {
        histogram::count(found.code);
        assert!(found.code != "A0959", "the compiler fails: {files:?}");
        for label in found.secondary.iter().chain([&found.primary]) {
            let text = files.get(label.span.file.0 as usize).map_or("", |(_, text)| text);
            let (start, end) = (label.span.start as usize, label.span.end as usize);
            assert!(text.get(start..end).is_some(), "{found:?} is not in the text\n{text}");
        }
    }
    let errors = found.iter().any(|found| found.level == Level::Error);
    assert_eq!(script.is_none(), errors, "{found:?}\n{files:?}");
    let Some(script) = script else { return };
    let typed = files.first().is_some_and(|(name, _)| name.ends_with(".ts"));
    histogram::count(if typed { "typescript" } else { "javascript" });
    if script.modules.len() > 1 {
        histogram::count("several modules");
    }
    let printed: Vec<_> = script.modules.iter().map(|one| (one.path.to_string(), one.code.clone())).collect();
    let (again, found) = compile(&printed);
    let errors: Vec<_> = found.iter().filter(|found| found.level == Level::Error).collect();
    assert!(errors.is_empty(), "what was compiled has errors: {errors:?}\n{files:?}\n-----\n{printed:?}");
    let again: Vec<_> =
        again.iter().flat_map(|script| &script.modules).map(|one| (one.path.to_string(), &one.code)).collect();
    let same = again.iter().zip(&printed).all(|(again, first)| again.0 == first.0 && *again.1 == first.1);
    assert!(same && again.len() == printed.len(), "another script\n{printed:?}\n-----\n{again:?}");
}

fn compile(files: &[(String, String)]) -> (Option<Script>, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let mut paths: BTreeMap<SmolStr, FileId> = BTreeMap::new();
    for (name, text) in files {
        let path = format!("{FOLDER}{name}");
        paths.insert(path.as_str().into(), sources.add(path, text.as_str()));
    }
    let version = semver::Version::new(1, 0, 0);
    let unit = Unit { slug: "a".into(), version, folder: FOLDER.into(), entry: FileId(0) };
    let (scripts, found) = admit_script::compile(&[unit], &sources, &paths);
    (scripts.into_values().next(), found)
}
