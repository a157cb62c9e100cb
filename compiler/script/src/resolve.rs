//! Imports of an Action's modules: which file of its folder one means.
//!
//! As TypeScript resolves them: `./lib/x` and `./lib/x.js` are `lib/x.ts` where there is one, else `lib/x.js`;
//! `./lib/x.ts` is that file; a folder is its `index`.

use std::collections::BTreeMap;

use admit_compiler::source::FileId;
use smol_str::{SmolStr, ToSmolStr, format_smolstr};

/// What an import means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// This file, by its path below the Action's folder.
    Module(SmolStr),
    /// A file of types only: nothing is there when the Action runs.
    Types,
    /// No module of the Action.
    Outside,
    /// A place in the folder where no module is.
    Missing,
}

/// The files of an Action.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Folder<'a> {
    /// As paths of its files begin.
    pub path: &'a str,
    /// Every file that may be a module, by path.
    pub files: &'a BTreeMap<SmolStr, FileId>,
    /// The entry's path below the folder: where two files would be one module, it is the one meant.
    pub entry: &'a str,
}

impl Folder<'_> {
    /// The file at a path below the folder.
    pub fn file(&self, path: &str) -> Option<FileId> {
        self.files.get(format_smolstr!("{}{path}", self.path).as_str()).copied()
    }

    /// What `specifier` means in the module at `from`.
    pub fn resolve(&self, from: &str, specifier: &str) -> Target {
        let relative =
            ["./", "../"].iter().any(|begin| specifier.starts_with(begin)) || matches!(specifier, "." | "..");
        if !relative || specifier.contains(['\\', '?', '#', '%', '\0']) {
            return Target::Outside;
        }
        let Some(path) = join(from, specifier) else { return Target::Outside };
        let names_folder = specifier.ends_with('/') || matches!(path.as_str(), "") || specifier.ends_with("..");
        let found = |path: String| self.file(&path).is_some().then_some(path);
        let stem = path.strip_suffix(".js");
        let candidates = [
            (!names_folder).then(|| stem.map(|stem| format!("{stem}.ts"))).flatten(),
            (!names_folder && is_module(&path)).then(|| path.clone()),
            (!names_folder).then(|| format!("{path}.ts")),
            (!names_folder).then(|| format!("{path}.js")),
            Some(below(&path, "index.ts")),
            Some(below(&path, "index.js")),
        ];
        for path in candidates.into_iter().flatten().filter_map(found) {
            if output(&path) == output(self.entry) {
                return Target::Module(self.entry.to_smolstr());
            }
            if is_module(&path) {
                return Target::Module(path.into());
            }
        }
        let types = [
            stem.map(|stem| format!("{stem}.d.ts")),
            Some(path.clone()).filter(|path| path.ends_with(".d.ts")),
            Some(format!("{path}.d.ts")),
            Some(below(&path, "index.d.ts")),
        ];
        if types.into_iter().flatten().any(|path| self.file(&path).is_some()) { Target::Types } else { Target::Missing }
    }
}

/// The path of the JavaScript made of a module.
pub(crate) fn output(path: &str) -> SmolStr {
    match path.strip_suffix(".ts") {
        Some(stem) => format_smolstr!("{stem}.js"),
        None => path.into(),
    }
}

/// How a module names another: `./lib/x.js`, `../x.js`. Both are paths of JavaScript below the folder.
pub(crate) fn specifier(from: &str, to: &str) -> String {
    let folder: Vec<&str> = from.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect();
    let parts: Vec<&str> = to.split('/').collect();
    let common = folder.iter().zip(&parts).take_while(|(left, right)| left == right).count();
    let up = folder.len() - common;
    let begin = if up == 0 { "./".to_owned() } else { "../".repeat(up) };
    begin + &parts.get(common..).unwrap_or_default().join("/")
}

/// A module's file: JavaScript or TypeScript, not declarations of types.
fn is_module(path: &str) -> bool {
    !path.ends_with(".d.ts") && (path.ends_with(".ts") || path.ends_with(".js"))
}

/// The path that a relative specifier names, from the folder of `from`; none where it leaves the Action's folder.
fn join(from: &str, specifier: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in specifier.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}
