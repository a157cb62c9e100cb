//! Syntax: which mistakes are found, where and with what code; bounds; that recovery keeps items apart; formatting.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use admit_compiler::diagnostic::{Diagnostic, Level};
use admit_compiler::parse::{MAX_NESTING, parse, parse_expr, source_text};
use admit_compiler::source::FileId;
use admit_compiler::{codes, format, print};
use proptest::prelude::*;

const ID: FileId = FileId(0);

/// `line:column code message` of each finding.
fn shown(text: &str, found: &[Diagnostic]) -> String {
    let lines = found.iter().map(|found| {
        let before = &text[..found.primary.span.start as usize];
        let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
        format!("{}:{column} {} {}\n", before.matches('\n').count() + 1, found.code, found.message)
    });
    lines.collect()
}

#[test]
fn each_mistake_gives_its_message() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/syntax/mistakes.txt");
    let table = fs::read_to_string(&path).unwrap();
    let mut written = String::new();
    let mut wrong = Vec::new();
    for case in table.split("=== ").skip(1) {
        let (name, rest) = case.split_once('\n').unwrap();
        let (source, expected) = rest.split_once("---\n").unwrap();
        let actual = shown(source, &parse(ID, source).diagnostics);
        if actual.trim_end() != expected.trim_end() {
            wrong.push(format!("{name}: expected\n{expected}got\n{actual}"));
        }
        written.push_str(&format!("=== {name}\n{source}---\n{actual}\n"));
    }
    if std::env::var_os("ADMIT_BLESS").is_some() {
        fs::write(path, written).unwrap();
        return;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The formatted text of each case; and formatting it again changes nothing.
#[test]
fn each_text_has_its_canonical_form() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/syntax/format.txt");
    let table = fs::read_to_string(&path).unwrap();
    let mut written = String::new();
    let mut wrong = Vec::new();
    for case in table.split("=== ").skip(1) {
        let (name, rest) = case.split_once('\n').unwrap();
        let (source, expected) = rest.split_once("---\n").unwrap();
        let actual = format::format(source).unwrap_or_else(|found| shown(source, &found));
        if actual.trim_end() != expected.trim_end() {
            wrong.push(format!("{name}: expected\n{expected}got\n{actual}"));
        }
        let again = format::format(&actual);
        if again.as_ref() != Ok(&actual) {
            wrong.push(format!("{name}: formatted again\n{again:?}"));
        }
        written.push_str(&format!("=== {name}\n{source}---\n{actual}\n"));
    }
    if std::env::var_os("ADMIT_BLESS").is_some() {
        fs::write(path, written).unwrap();
    }
    assert!(wrong.is_empty() || std::env::var_os("ADMIT_BLESS").is_some(), "{}", wrong.join("\n"));
}

#[test]
fn the_page_of_each_code_raises_it() {
    let mut tried = 0;
    for code in codes::all().filter(|code| code.id < "A0100") {
        let mut blocks =
            code.page.split("```admit\n").skip(1).filter_map(|rest| rest.split_once("```").map(|(block, _)| block));
        // A file that is too large, or not UTF-8, cannot stand in a page.
        if matches!(code.id, "A0007" | "A0017") {
            continue;
        }
        let (wrong, right) = (blocks.next().unwrap(), blocks.next().unwrap());
        let found = parse(ID, wrong).diagnostics;
        assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), [code.id], "{wrong}{found:?}");
        assert!(found.iter().all(|found| found.level == code.level));
        assert_eq!(parse(ID, right).diagnostics, [], "{right}");
        tried += 1;
    }
    assert_eq!(tried, 18);
}

#[test]
fn t9_bounds_are_errors_and_quick() {
    let first = |text: &str| parse(ID, text).diagnostics.first().map(|found| found.code);
    for (open, close) in [("(", ")"), ("[", "]"), ("{a: ", "}"), ("f(", ")"), ("a[", "]")] {
        let nested = |depth: usize| format!("param x: int = {}1{}\n", open.repeat(depth), close.repeat(depth));
        assert_eq!(first(&nested(MAX_NESTING)), None, "{open}");
        assert_eq!(first(&nested(MAX_NESTING + 1)), Some("A0006"), "{open}");
        assert_eq!(first(&nested(100_000)), Some("A0006"), "{open}");
        assert_eq!(first(&format!("param x: int = {}", open.repeat(100_000))), Some("A0006"), "{open}");
    }
    assert_eq!(first(&"x".repeat(50 << 20)), Some("A0007"));
    let value = |value: String| first(&format!("param x: dyn = {value}\n"));
    assert_eq!(value(format!("1{}", " + 1".repeat(20_000))), Some("A0008"));
    assert_eq!(value(format!("{}1", "-".repeat(20_000))), Some("A0008"));
    assert_eq!(value(format!("a{}", ".b".repeat(20_000))), Some("A0008"));
    assert_eq!(value(format!("a{}", " ? b : c".repeat(20_000))), Some("A0008"));
    assert_eq!(value(format!("[{}]", "1,".repeat(1025))), Some("A0008"));
    assert_eq!(value(format!("[{}]", "1,".repeat(1024))), None);
    assert_eq!(first(&"}".repeat(100_000)), Some("A0018"));
    assert_eq!(first(&"when ".repeat(20_000)), Some("A0001"));
    let (_, found) = parse_expr(ID, &"(".repeat(100_000));
    assert_eq!(found.first().map(|found| found.code), Some("A0006"));
}

#[test]
fn an_item_that_nests_too_deep_leaves_the_others_alone() {
    let text = format!("param a: int = {}\nparam b: int = \nsecret c\n", "(".repeat(100));
    let parsed = parse(ID, &text);
    assert_eq!(parsed.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), ["A0006", "A0001"]);
    assert_eq!(parsed.file.items.len(), 1);
}

#[test]
fn bytes_that_are_not_utf_8_are_a_finding_at_the_first() {
    let found = source_text(ID, b"param \xffa").unwrap_err();
    assert_eq!((found.code, found.primary.span.start), ("A0017", 6));
    assert_eq!(source_text(ID, "é".as_bytes()).unwrap(), "é");
}

#[test]
fn expressions_of_the_conformance_suite_parse() {
    let shared = std::env::var_os("ADMIT_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let Ok(text) = fs::read_to_string(shared.join("conformance/cel.json")) else {
        println!("no cel.json in {}: 995 expressions were not parsed", shared.display());
        return;
    };
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    for case in &cases {
        let text = case["expr"].as_str().unwrap();
        assert_eq!(parse_expr(ID, text).1, [], "{text}");
    }
    println!("{} expressions parsed", cases.len());
}

/// Every source of the project: examples, the standard library, the two samples of the language reference.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = vec![root.join("examples"), root.join("stdlib"), root.join("compiler/tests/syntax")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "admit") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found.sort();
    assert!(found.len() > 10);
    found
}

#[test]
fn every_source_of_the_project_parses_and_formats() {
    for (path, text) in sources() {
        let parsed = parse(ID, &text);
        assert_eq!(parsed.diagnostics, [], "{}", path.display());
        let formatted = format::format(&text).unwrap();
        assert_eq!(format::format(&formatted).as_deref(), Ok(formatted.as_str()), "{}", path.display());
        let trees = (print::ast::file(&parsed.file), print::ast::file(&parse(ID, &formatted).file));
        assert_eq!(trees.0, trees.1, "{}", path.display());
    }
}

#[test]
fn the_keys_of_given_params_are_slugs() {
    let text = "test \"x\" of login {\n  given params {limit-per-day:20 ,a-2fa : 1-2, in: c - 1}\n  given   secrets {a-b:\"x\"}\n  expect session\n}\n";
    let canonical = "test \"x\" of login {\n  given params { limit-per-day: 20, a-2fa: 1 - 2, in: c - 1 }\n  given secrets { a-b: \"x\" }\n  expect session\n}\n";
    assert_eq!(format::format(text).as_deref(), Ok(canonical));
    assert_eq!(format::format(canonical).as_deref(), Ok(canonical));
    let (before, after) = (parse(ID, text).file, parse(ID, canonical).file);
    assert_eq!(print::ast::file(&before), print::ast::file(&after));
    // Elsewhere a `-` in a key subtracts, as in CEL.
    let event = "test \"x\" of login {\n  given event { a-b: 1 }\n  expect session\n}\n";
    assert!(format::format(event).unwrap().contains("{a - b: 1}"));
}

#[test]
fn a_file_with_mistakes_is_not_formatted() {
    let found = format::format("param a: int =\n").unwrap_err();
    assert!(found.iter().any(|found| found.level == Level::Error));
}

/// Items as they stand in the files: pieces of text, each from one item's first line to before the next one's.
fn pieces(text: &str) -> Vec<String> {
    let starts = parse(ID, text).file.items.iter().map(|item| item.span.start as usize).collect::<Vec<_>>();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(start, end)| text[*start..end].trim_end().to_owned()).collect()
}

/// Findings within a range, as places relative to its start.
fn within(found: &[Diagnostic], start: usize, end: usize) -> Vec<(String, String, usize, usize)> {
    let inside = found.iter().filter(|found| (start..end).contains(&(found.primary.span.start as usize)));
    let at = |offset: u32| offset as usize - start;
    inside
        .map(|it| (it.code.to_owned(), it.message.clone(), at(it.primary.span.start), at(it.primary.span.end)))
        .collect()
}

const GARBAGE: [&str; 18] = [
    "}",
    "{ { {",
    "((((",
    "]",
    "\"open",
    "'''",
    "\"\"\"",
    "%%% what @@",
    "= = =",
    "-> x",
    "when a -> b",
    "stage x {",
    "system flow {",
    "param",
    "\\ `",
    "é ☃",
    "1h30m",
    "test \"x\" of y { expect",
];

static ITEMS: OnceLock<Vec<String>> = OnceLock::new();

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbage_in_place_of_an_item_leaves_the_findings_of_others(
        picked in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 2..6),
        broken in any::<prop::sample::Index>(),
        garbage in prop::sample::select(&GARBAGE[..]),
    ) {
        let all = ITEMS.get_or_init(|| sources().iter().flat_map(|(_, text)| pieces(text)).collect());
        let mut items = picked.iter().map(|(index, spoilt)| {
            let item = all[index.index(all.len())].clone();
            // Some of the others have a finding of their own.
            if *spoilt { item.replacen(": ", " = ", 1) } else { item }
        }).collect::<Vec<_>>();
        let broken = broken.index(items.len());
        let findings = |items: &[String]| {
            let text = items.iter().map(|item| format!("{item}\n\n")).collect::<String>();
            let found = parse(ID, &text).diagnostics;
            let mut start = 0;
            items.iter().map(|item| {
                let end = start + item.len() + 2;
                let inside = within(&found, start, end);
                start = end;
                inside
            }).collect::<Vec<_>>()
        };
        let before = findings(&items);
        items[broken] = garbage.to_owned();
        let after = findings(&items);
        for index in (0..items.len()).filter(|index| *index != broken) {
            prop_assert_eq!(&before[index], &after[index], "item {} beside {}: {}", index, garbage, &items[index]);
        }
    }

    #[test]
    fn any_text_parses_to_something(text in "[ -~\\n\"'{}()é\\[\\]]{0,200}") {
        for found in parse(ID, &text).diagnostics {
            prop_assert!(text.get(found.primary.span.start as usize..found.primary.span.end as usize).is_some());
        }
        let _ = parse_expr(ID, &text);
    }
}
