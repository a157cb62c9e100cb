//! The pages of declarations, plans and project files: the wrong example raises exactly that code, the right one none.

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
    for code in codes::all().filter(|code| matches!(&code.id[..3], "A05" | "A06" | "A09")) {
        assert!(code.page.starts_with(&format!("# {}: {}\n", code.id, code.title)), "{}", code.id);
        let wrong = fences(code.page, "Wrong");
        if wrong.is_empty() {
            without.push(code.id);
            continue;
        }
        let found = raised(&wrong);
        assert!(found.contains(&(code.id, code.level)), "{}: {found:?}", code.id);
        let others = found.iter().any(|(id, level)| *id != code.id && *level == Level::Error);
        assert!(!others, "{}: {found:?}", code.id);
        let right = raised(&fences(code.page, "Right"));
        let bad = right.iter().any(|(id, level)| *id == code.id || *level == Level::Error);
        assert!(!bad, "{}, right: {right:?}", code.id);
    }
    // Those that no project in text shows: bytes that are no text, a second event, plans, faults.
    assert_eq!(without, ["A0512", "A0600", "A0601", "A0901", "A0902"]);
}

#[test]
fn every_code_that_is_raised_here_has_its_entry() {
    for text in [
        include_str!("../src/library.rs"),
        include_str!("../src/library/types.rs"),
        include_str!("../src/library/blocks.rs"),
        include_str!("../src/library/contracts.rs"),
        include_str!("../src/library/event.rs"),
        include_str!("../src/lower.rs"),
        include_str!("../src/project/text.rs"),
        include_str!("../src/project/lists.rs"),
        include_str!("../src/project/manifest.rs"),
        include_str!("../src/project/actions.rs"),
        include_str!("../src/project/tenants.rs"),
    ] {
        for part in text.split("\"A0").skip(1) {
            let id = format!("A0{}", &part[..3]);
            assert!(codes::find(&id).is_some(), "{id}");
        }
    }
}
