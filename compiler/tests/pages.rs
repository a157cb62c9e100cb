//! The pages of flows, declarations, plans, tests, rules and project files: the wrong example raises exactly that code,
//! the right one none.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[expect(dead_code, reason = "pages need only the library")]
#[path = "support/project.rs"]
mod support;

use admit_compiler::check::check;
use admit_compiler::codes;
use admit_compiler::diagnostic::Level;
use admit_compiler::project::Project;

/// The fenced files below a heading: `admit` is a file of the project, any other word of the fence the file's name.
fn fences(page: &str, heading: &str) -> Vec<(String, String)> {
    let Some((_, below)) = page.split_once(&format!("\n## {heading}\n")) else { return Vec::new() };
    let below = below.split("\n## ").next().unwrap();
    let mut files = Vec::new();
    let mut parts = below.split("```");
    while let (Some(_), Some(fence)) = (parts.next(), parts.next()) {
        let (name, text) = fence.split_once('\n').unwrap();
        let name = if name == "admit" { "example.admit" } else { name };
        files.push((name.to_owned(), text.to_owned()));
    }
    files
}

/// The codes that the files raise; those below `stdlib/` extend the library.
fn raised(files: &[(String, String)]) -> Vec<(&'static str, Level)> {
    let (more, files): (Vec<_>, Vec<_>) = files.iter().cloned().partition(|(name, _)| name.starts_with("stdlib/"));
    let (library, mut found) = support::library_with(&more);
    let (project, diagnostics) = Project::read(&library, &files);
    found.extend(diagnostics);
    found.extend(check(&project, &library).diagnostics);
    found.iter().map(|one| (one.code, one.level)).collect()
}

#[test]
fn each_page_shows_its_own_code_and_how_to_be_rid_of_it() {
    let mut without = Vec::new();
    let mut failed = Vec::new();
    // Those of scripts are shown where scripts are compiled.
    let here = |id: &str| (id >= "A0200" || id == "A0107") && !id.starts_with("A095") && !id.starts_with("A096");
    for code in codes::all().filter(|code| here(code.id)) {
        assert!(code.page.starts_with(&format!("# {}: {}\n", code.id, code.title)), "{}", code.id);
        let wrong = fences(code.page, "Wrong");
        if wrong.is_empty() {
            without.push(code.id);
            continue;
        }
        let found = raised(&wrong);
        let others = found.iter().any(|(id, level)| *id != code.id && *level == Level::Error);
        if !found.contains(&(code.id, code.level)) || others {
            failed.push(format!("{}: {found:?}", code.id));
        }
        let right = raised(&fences(code.page, "Right"));
        if right.iter().any(|(id, level)| *id == code.id || *level == Level::Error) {
            failed.push(format!("{}, right: {right:?}", code.id));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    // Those that no project in text shows: bytes that are no text, a second event, plans, faults.
    assert_eq!(without, ["A0512", "A0601", "A0602", "A0901", "A0902"]);
}

#[test]
fn codes_are_unique_and_every_code_in_the_source_has_its_entry() {
    let mut ids: Vec<&str> = codes::all().map(|code| code.id).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "a code is defined twice");
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut missing = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for part in text.split("\"A0").skip(1) {
                let id = format!("A0{}", part.get(..3).unwrap_or_default());
                if part.get(3..4) == Some("\"") && codes::find(&id).is_none() {
                    missing.push(id);
                }
            }
        }
    }
    missing.sort();
    missing.dedup();
    // The syntax's codes have entries of their own once its pages are in.
    missing.retain(|id| !id.starts_with("A00"));
    assert!(missing.is_empty(), "{missing:?}");
}
