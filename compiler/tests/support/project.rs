//! Helpers of the compiler's tests: the standard library from disk, projects from fenced files, findings as text.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::path::{Path, PathBuf};

use admit_compiler::diagnostic::{Diagnostic, Level};
use admit_compiler::library::Library;
use admit_compiler::project::Project;
use admit_compiler::source::Sources;

/// The declarations of the standard library and the sources of its templates, as they stand in the tree.
pub fn stdlib_files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stdlib");
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "admit" || end == "ts") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
                files.push((format!("stdlib/{name}"), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// The standard library with further declarations of a host.
pub fn library_with(more: &[(String, String)]) -> (Library, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let mut parsed = Vec::new();
    let mut diagnostics = Vec::new();
    // Contracts of a host may have other stages than those that the templates' triggers name, and take the place of the
    // standard one with its default flow.
    let replaced = |name: &str| {
        let flow = name.strip_prefix("stdlib/flows/").and_then(|name| name.strip_suffix(".admit"));
        let flow = flow.map(|name| name.trim_start_matches("defaults/"));
        flow.is_some_and(|flow| more.iter().any(|(_, text)| text.contains(&format!("contract {flow} on"))))
    };
    let standard = stdlib_files()
        .into_iter()
        .filter(|(name, _)| (more.is_empty() || !name.contains("/templates/")) && !replaced(name));
    for (name, text) in standard.collect::<Vec<_>>().iter().chain(more) {
        let id = sources.add(name.clone(), text.clone());
        if name.ends_with(".ts") {
            continue;
        }
        let file = admit_compiler::parse::parse(id, text);
        diagnostics.extend(file.diagnostics);
        parsed.push(file.file);
    }
    let (library, found) = Library::read(sources, &parsed);
    diagnostics.extend(found);
    (library, diagnostics)
}

/// The standard library, which is sound.
pub fn library() -> Library {
    let (library, diagnostics) = library_with(&[]);
    assert!(diagnostics.is_empty(), "the standard library: {diagnostics:?}");
    library
}

/// Reads and checks a project of files.
pub fn check(library: &Library, files: &[(String, String)]) -> (Project, Vec<Diagnostic>) {
    let (project, mut diagnostics) = Project::read(library, files);
    let checked = admit_compiler::check::check(&project, library);
    diagnostics.extend(checked.diagnostics);
    (project, diagnostics)
}

/// One line for a finding: level, code, place, message.
pub fn line(project: &Project, found: &Diagnostic) -> String {
    let level = match found.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    format!("{level} {} {}: {}", found.code, place(project, found.primary.span), found.message)
}

/// `file:line` of a span, and the text that it covers.
pub fn place(project: &Project, span: admit_compiler::source::Span) -> String {
    let source = project.sources.get(span.file).unwrap();
    let line = source.text[..span.start as usize].matches('\n').count() + 1;
    let text = source.text[span.start as usize..span.end as usize].replace('\n', " ");
    let short: String = text.chars().take(40).collect();
    format!("{}:{line} `{short}`", source.name)
}
