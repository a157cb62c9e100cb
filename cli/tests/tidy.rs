//! The walls of the house, kept by a test: who may name which crate, what every file begins with, how long it may be.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/markdown.rs"]
#[expect(dead_code, reason = "shared with the tests that run examples; this one needs only the folder")]
mod markdown;

use std::fs;
use std::path::{Path, PathBuf};

use markdown::root;

const LONGEST: usize = 700;

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "node_modules" {
                found.extend(rust_files(&path));
            }
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

#[test]
fn every_file_says_what_it_is_and_fits_in_one_sitting() {
    let files = rust_files(&root());
    assert!(files.len() > 50);
    let mut wrong = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        if !text.starts_with("//!") {
            wrong.push(format!("{}: the first line does not say what the file is", relative(&path)));
        }
        let lines = text.lines().count();
        if lines > LONGEST {
            wrong.push(format!("{}: {lines} lines, the wall is {LONGEST}", relative(&path)));
        }
        if path.file_name().is_some_and(|name| name == "mod.rs") {
            wrong.push(format!("{}: name it after its folder", relative(&path)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_stands_only_in_machine_code_the_sandbox_and_the_memory_of_worlds() {
    for path in rust_files(&root()) {
        let name = relative(&path);
        let text = fs::read_to_string(&path).unwrap();
        let has = text.lines().any(|line| {
            let code = line.split("//").next().unwrap_or_default();
            code.contains("unsafe {")
                || code.contains("unsafe fn")
                || code.contains("unsafe impl")
                || code.contains("unsafe extern")
        });
        assert!(
            !has || name.starts_with("runtime/src/when/jit")
                || name.starts_with("runtime/actions/src/sandbox")
                || name == "runtime/actions/src/world/arena.rs"
                || name == "cli/tests/tidy.rs",
            "{name} holds unsafe code"
        );
    }
}

#[test]
fn lints_are_silenced_by_expect_with_a_reason_only() {
    for path in rust_files(&root()) {
        let text = fs::read_to_string(&path).unwrap();
        let name = relative(&path);
        for line in text.lines().filter(|_| name != "cli/tests/tidy.rs") {
            assert!(!line.contains("#[allow(") && !line.contains("#![allow("), "{name}: {line}");
            assert!(!line.contains("#[ignore"), "{name}: {line}");
        }
    }
}

/// Which crate may name which dependency.
const WALLS: [(&str, &[&str]); 8] = [
    ("oxc", &["compiler/script"]),
    ("pest", &["grammar"]),
    ("cranelift", &["runtime"]),
    ("sqlx", &["runtime/store"]),
    ("axum", &["runtime/server"]),
    ("reqwest", &["runtime/host"]),
    ("codespan-reporting", &["compiler"]),
    ("admit-stdlib", &["cli", "fuzz"]),
];

#[test]
fn heavy_dependencies_stay_behind_their_walls() {
    for manifest in manifests(&root()) {
        let name = relative(manifest.parent().unwrap());
        let text = fs::read_to_string(&manifest).unwrap();
        let normal = text.split("[dev-dependencies]").next().unwrap_or_default();
        for (dependency, owners) in WALLS {
            let names = normal.lines().any(|line| line.starts_with(dependency));
            assert!(!names || name.is_empty() || owners.contains(&name.as_str()), "{name} names {dependency}");
        }
        if name == "compiler" {
            assert!(
                !normal.contains("admit-runtime") && !normal.contains("admit-stdlib"),
                "the compiler sees the runtime"
            );
        }
        if name == "runtime" {
            assert!(
                !normal.contains("admit-compiler") && !normal.contains("admit-grammar"),
                "the runtime sees the compiler"
            );
        }
    }
}

fn manifests(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
            found.extend(manifests(&path));
        } else if name == "Cargo.toml" {
            found.push(path);
        }
    }
    found
}

#[test]
fn nothing_committed_is_unfinished() {
    for path in rust_files(&root()) {
        let name = relative(&path);
        if name == "cli/tests/tidy.rs" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for mark in ["todo!(", "unimplemented!(", "dbg!("] {
            assert!(!text.contains(mark), "{name} holds `{mark}`");
        }
    }
}
