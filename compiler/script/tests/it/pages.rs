//! The pages of scripts' codes: the wrong example raises exactly that code, the right one none.

use admit_compiler::codes;

use crate::support;

/// The fenced files below a heading, by the name after the fence.
fn fences(page: &str, heading: &str) -> Vec<(String, String)> {
    let Some((_, below)) = page.split_once(&format!("\n## {heading}\n")) else { return Vec::new() };
    let below = below.split("\n## ").next().unwrap();
    let mut files = Vec::new();
    let mut parts = below.split("```");
    while let (Some(_), Some(fence)) = (parts.next(), parts.next()) {
        let (name, text) = fence.split_once('\n').unwrap();
        files.push((name.to_owned(), text.to_owned()));
    }
    files
}

#[test]
fn each_page_shows_its_own_code_and_how_to_be_rid_of_it() {
    let mut without = Vec::new();
    let mut failed = Vec::new();
    for code in codes::all().filter(|code| code.id.starts_with("A095") || code.id.starts_with("A096")) {
        assert!(code.page.starts_with(&format!("# {}: {}\n", code.id, code.title)), "{}", code.id);
        let wrong = fences(code.page, "Wrong");
        if wrong.is_empty() {
            without.push(code.id);
            continue;
        }
        let (_, _, found) = support::compile(&wrong);
        if found.is_empty() || found.iter().any(|found| (found.code, found.level) != (code.id, code.level)) {
            failed.push(format!("{}: {found:?}", code.id));
        }
        let (_, scripts, right) = support::compile(&fences(code.page, "Right"));
        if !right.is_empty() || scripts.len() != 1 {
            failed.push(format!("{}, right: {right:?}", code.id));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    // Too large and too deep for a page, and a fault of ours.
    assert_eq!(without, ["A0955", "A0959", "A0960"]);
}

#[test]
fn every_code_that_is_raised_has_its_page() {
    let known: Vec<&str> = codes::all().map(|code| code.id).collect();
    for (name, text) in support::rust_files() {
        for part in text.split("\"A0").skip(1) {
            let id = format!("A0{}", part.get(..3).unwrap_or_default());
            assert!(known.contains(&id.as_str()), "{name} raises {id}");
        }
    }
}
