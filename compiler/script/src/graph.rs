//! All modules of one Action: from its entry along what they import.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use admit_compiler::diagnostic::{Diagnostic, Level};
use admit_compiler::nearest::nearest;
use admit_compiler::scripts::{Script, ScriptModule};
use admit_compiler::source::{FileId, Sources, Span};
use smol_str::SmolStr;

use crate::module::{self, Module};
use crate::resolve::{Folder, output};
use crate::{MAX_BYTES, MAX_MODULES, Unit, entry};

/// Compiles an Action's script; none if it has errors.
pub(crate) fn compile(
    unit: &Unit,
    sources: &Sources,
    files: &BTreeMap<SmolStr, FileId>,
    out: &mut Vec<Diagnostic>,
) -> Option<Script> {
    let name = sources.get(unit.entry)?.name.as_str();
    let path = SmolStr::new(name.strip_prefix(unit.folder.as_str())?);
    let folder = Folder { path: &unit.folder, files, entry: &path };
    let mut found = Vec::new();
    let modules = modules(folder, unit.entry, sources, &mut found);
    if let Some(Some(module)) = modules.get(&path) {
        entry::check(unit.entry, &module.exports, &mut found);
    }
    links(&modules, &mut found);
    let broken = found.iter().any(|one| one.level == Level::Error);
    out.append(&mut found);
    if broken {
        return None;
    }
    let mut script = Script::default();
    let others = modules.iter().filter(|(other, _)| **other != path);
    for (path, module) in modules.get_key_value(&path).into_iter().chain(others) {
        let module = module.as_ref()?;
        let (code, map) = (module.code.clone(), module.map.clone());
        script.modules.push(ScriptModule { path: output(path), code, map });
    }
    Some(script)
}

/// Every module that the entry imports, itself included, by path; none where it has errors.
fn modules(
    folder: Folder<'_>,
    entry: FileId,
    sources: &Sources,
    out: &mut Vec<Diagnostic>,
) -> BTreeMap<SmolStr, Option<Module>> {
    let mut modules = BTreeMap::new();
    let mut seen = BTreeSet::from([SmolStr::new(folder.entry)]);
    let mut waiting = VecDeque::from([(SmolStr::new(folder.entry), entry)]);
    while let Some((path, file)) = waiting.pop_front() {
        let text = sources.get(file).map_or("", |source| &source.text);
        let start = Span { file, start: 0, end: 0 };
        if text.len() > MAX_BYTES {
            let message = format!("the module has {} bytes, more than {MAX_BYTES}", text.len());
            out.push(Diagnostic::error("A0955", start, message).help("leave out what the Action does not call"));
            modules.insert(path, None);
            continue;
        }
        let module = module::compile((file, &path, text), folder, out);
        for wanted in module.iter().flat_map(|module| &module.links.modules) {
            let Some(file) = folder.file(wanted) else { continue };
            if seen.insert(wanted.clone()) {
                waiting.push_back((wanted.clone(), file));
            }
        }
        modules.insert(path, module);
        if seen.len() > MAX_MODULES {
            let message = format!("the Action has more than {MAX_MODULES} modules");
            out.push(Diagnostic::error("A0955", start, message).help("put what belongs together into one file"));
            return modules;
        }
    }
    modules
}

/// Names that a module imports and the other does not export: the engine would refuse to link them.
fn links(modules: &BTreeMap<SmolStr, Option<Module>>, out: &mut Vec<Diagnostic>) {
    for module in modules.values().flatten() {
        for take in &module.links.takes {
            let Some(names) = names(modules, &take.module) else { continue };
            if names.contains(&take.name) {
                continue;
            }
            let message = format!("the module `{}` exports no `{}`", take.module, take.name);
            let found = Diagnostic::error("A0958", take.span, message);
            out.push(match nearest(&take.name, names.iter().map(SmolStr::as_str)) {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => found.help("if it is a type, write `import type` or `export type`"),
            });
        }
    }
}

/// The names that a module exports; none where one that it takes names from has errors.
fn names(modules: &BTreeMap<SmolStr, Option<Module>>, path: &SmolStr) -> Option<BTreeSet<SmolStr>> {
    let mut names = BTreeSet::new();
    let mut seen = BTreeSet::from([path]);
    let mut waiting = vec![path];
    while let Some(next) = waiting.pop() {
        let links = &modules.get(next)?.as_ref()?.links;
        let own = links.gives.iter().filter(|name| next == path || *name != "default");
        names.extend(own.cloned());
        waiting.extend(links.stars.iter().filter(|star| seen.insert(star)));
    }
    Some(names)
}
