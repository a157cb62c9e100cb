//! The corpus: `corpus/*.md`. Each case is a heading and the files of an Action's folder, the first of which is its
//! source; `expect` holds what is found, and `out PATH` the JavaScript of a module, or the source map where the path
//! ends in `.map`. `ADMIT_BLESS=1` writes what comes out into the expectations that are there.

use std::fmt::Write;
use std::path::Path;

use crate::support;

#[test]
fn every_case_gives_what_stands_beside_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let bless = std::env::var_os("ADMIT_BLESS").is_some();
    let mut failed = String::new();
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut parts = text.split("\n## ");
        let mut whole = parts.next().unwrap().to_owned();
        for case in parts {
            cases += 1;
            let given = gives(case);
            if given != case && !bless {
                writeln!(failed, "{}: {given}\n--- instead of\n{case}", path.display()).unwrap();
            }
            write!(whole, "\n## {given}").unwrap();
        }
        if bless {
            std::fs::write(&path, whole).unwrap();
        }
    }
    assert!(failed.is_empty(), "of {cases} cases:\n{failed}");
    assert!(cases > 40, "{cases} cases");
}

/// The case with what comes out in the place of what is expected.
fn gives(case: &str) -> String {
    let fences: Vec<&str> = case.split("```").collect();
    let named: Vec<(&str, &str)> =
        fences.iter().skip(1).step_by(2).map(|fence| fence.split_once('\n').unwrap()).collect();
    let is_file = |name: &str| name != "expect" && !name.starts_with("out ");
    let files: Vec<(String, String)> = named
        .iter()
        .filter(|(name, _)| is_file(name))
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    let (project, script, found) = support::compile_one(&files);
    let mut given = String::new();
    for (at, part) in fences.iter().enumerate() {
        let written = match part.split_once('\n').filter(|_| at % 2 == 1) {
            Some(("expect", _)) => {
                let shown: String = found.iter().map(|found| support::show(&project, found)).collect();
                format!("expect\n{shown}")
            }
            Some((name, _)) if !is_file(name) => format!("{name}\n{}", out(script.as_ref(), &name[4..])),
            _ => (*part).to_owned(),
        };
        let mark = if at == 0 { "" } else { "```" };
        write!(given, "{mark}{written}").unwrap();
    }
    // What is found must be said: a case without `expect` is clean.
    if !named.iter().any(|(name, _)| *name == "expect") {
        found.iter().for_each(|found| given.push_str(&support::show(&project, found)));
    }
    given
}

fn out(script: Option<&admit_compiler::scripts::Script>, path: &str) -> String {
    let Some(script) = script else { return "no script\n".to_owned() };
    let (module, map) = match path.strip_suffix(".map") {
        Some(module) => (module, true),
        None => (path, false),
    };
    let Some(module) = script.modules.iter().find(|one| one.path == module) else {
        return format!("only {:?}\n", script.modules.iter().map(|one| one.path.as_str()).collect::<Vec<_>>());
    };
    let text = if map { module.map.clone().unwrap_or_default() } else { module.code.clone() };
    if text.ends_with('\n') { text } else { text + "\n" }
}

#[test]
fn scripts_have_bounds() {
    let long = format!("export function execute() {{}}\n//{}\n", "x".repeat(admit_script::MAX_BYTES));
    let (_, script, found) = support::compile_one(&[("action.js".to_owned(), long)]);
    assert!(script.is_none());
    assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), ["A0955"]);

    let chain = |modules: usize| {
        let module = |at: usize| match at + 1 < modules {
            true => format!("import \"./m{}\"\nexport function execute() {{}}\n", at + 1),
            false => "export function execute() {}\n".to_owned(),
        };
        let files: Vec<_> = (0..modules).map(|at| (format!("m{at}.ts"), module(at))).collect();
        support::compile_one(&files)
    };
    let (_, script, found) = chain(admit_script::MAX_MODULES);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(script.unwrap().modules.len(), admit_script::MAX_MODULES);
    let (_, script, found) = chain(admit_script::MAX_MODULES + 1);
    assert!(script.is_none());
    assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), ["A0955"]);
}

#[test]
fn the_same_sources_give_the_same_script() {
    let files = ["action.ts", "b.ts", "a.ts"].map(|name| {
        let text = match name {
            "action.ts" => "import './b'\nimport './a'\nexport enum E { A }\nexport function execute() {}\n",
            _ => "export class A { constructor(public b = 1) {} }\n",
        };
        (name.to_owned(), text.to_owned())
    });
    let (_, first, _) = support::compile_one(&files);
    let (_, second, _) = support::compile_one(&files);
    assert_eq!(first, second);
    let paths: Vec<_> = first.unwrap().modules.iter().map(|module| module.path.to_string()).collect();
    assert_eq!(paths, ["action.js", "a.js", "b.js"]);
}
