//! The corpus of the checker: `check/*.md`. Each case is a heading, the files, and in `expect` the codes with the text
//! that each points at; without it the case is clean. Warnings of names that nothing uses are left out.

#[path = "support/project.rs"]
mod support;

use std::path::Path;

#[test]
fn every_case_finds_what_stands_beside_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check");
    let library = support::library();
    let mut failed = String::new();
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for case in text.split("\n## ").skip(1) {
            cases += 1;
            let title = case.lines().next().unwrap();
            let (mut files, mut expected) = (Vec::new(), Vec::new());
            let mut parts = case.split("```");
            while let (Some(_), Some(fence)) = (parts.next(), parts.next()) {
                let (name, body) = fence.split_once('\n').unwrap();
                match name {
                    "expect" => expected.extend(body.lines().map(str::to_owned)),
                    "admit" => files.push(("example.admit".to_owned(), body.to_owned())),
                    other => files.push((other.to_owned(), body.to_owned())),
                }
            }
            let (project, found) = support::check(&library, &files);
            let said: Vec<String> = found
                .iter()
                .filter(|found| found.code != "A0290")
                .map(|found| {
                    let span = found.primary.span;
                    let source = project.sources.get(span.file).unwrap();
                    format!("{} {}", found.code, &source.text[span.start as usize..span.end as usize])
                })
                .collect();
            if said != expected {
                failed.push_str(&format!("{title}\n  expected {expected:?}\n"));
                for one in &found {
                    failed.push_str(&format!("  found {}\n", support::line(&project, one)));
                }
            }
        }
    }
    assert!(failed.is_empty(), "of {cases} cases:\n{failed}");
}
