//! Projects from files, findings as text.

use std::path::{Path, PathBuf};

use admit_compiler::check::Checked;
use admit_compiler::diagnostic::{Diagnostic, Level};
use admit_compiler::library::Library;
use admit_compiler::project::Project;
use admit_compiler::scripts::{Script, Scripts};

/// What an Action is declared as where a case does not say.
const DECLARATION: &str = "action tag {\n  version \"1.0.0\"\n  source \"SOURCE\"\n  triggers login.post-login\n}\n";

/// Where it lies.
pub const FOLDER: &str = "actions/tag/1.0.0/";

/// Compiles the Actions of a project.
pub fn compile(files: &[(String, String)]) -> (Project, Scripts, Vec<Diagnostic>) {
    let (project, found) = Project::read(&Library::default(), files);
    assert!(found.is_empty(), "{found:?}");
    let (scripts, found) = admit_script::compile(
        &admit_script::units(&project, &Checked::default()),
        &project.sources,
        &project.action_sources,
    );
    (project, scripts, found)
}

/// Compiles one Action from the files of its folder, the first of which is its source.
pub fn compile_one(files: &[(String, String)]) -> (Project, Option<Script>, Vec<Diagnostic>) {
    let mut all: Vec<_> = files.iter().map(|(name, text)| (format!("{FOLDER}{name}"), text.clone())).collect();
    all.push((format!("{FOLDER}action.admit"), DECLARATION.replace("SOURCE", &files.first().unwrap().0)));
    let (project, scripts, found) = compile(&all);
    (project, scripts.into_values().next(), found)
}

/// A finding as text: level, code, place, what stands there, message; other places and help below it.
pub fn show(project: &Project, found: &Diagnostic) -> String {
    let level = match found.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let place = |span: admit_compiler::source::Span| {
        let source = project.sources.get(span.file).unwrap();
        let before = &source.text[..span.start as usize];
        let (line, column) =
            (before.matches('\n').count() + 1, before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1);
        let text = source.text[span.start as usize..span.end as usize].lines().next().unwrap_or_default();
        format!("{}:{line}:{column} `{text}`", source.name.strip_prefix(FOLDER).unwrap_or(&source.name))
    };
    let mut lines = format!("{level} {} {}: {}\n", found.code, place(found.primary.span), found.message);
    for label in found.secondary.iter().chain([&found.primary]).filter(|label| !label.message.is_empty()) {
        lines.push_str(&format!("  at {}: {}\n", place(label.span), label.message));
    }
    for help in &found.help {
        lines.push_str(&format!("  help: {help}\n"));
    }
    lines
}

/// The sources of this crate.
pub fn rust_files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}
