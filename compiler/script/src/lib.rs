//! JavaScript and TypeScript of Actions: types stripped, imports resolved, mistakes as diagnostics.
//!
//! An Action's script is a set of ES modules in its folder. Each is parsed as a module of ECMAScript, TypeScript is
//! turned into the JavaScript that it stands for, and what the sandbox would refuse only when a user signs in is
//! refused here: a syntax error, an import of something else than a module of the folder, a script without a function
//! to call. Nothing here runs any of it.

mod entry;
mod globals;
mod graph;
mod module;
mod nesting;
mod resolve;
mod say;
mod syntax;

use std::collections::BTreeMap;

use admit_compiler::check::Checked;
use admit_compiler::diagnostic::Diagnostic;
use admit_compiler::project::{ActionFile, Project};
use admit_compiler::scripts::Scripts;
use admit_compiler::source::{FileId, Sources};
use admit_compiler::typed::action::Kind;
use semver::Version;
use smol_str::SmolStr;

/// Bytes of one module at most.
pub const MAX_BYTES: usize = 1 << 20;
/// Modules of one Action at most.
pub const MAX_MODULES: usize = 64;
/// Stack of the thread that compiles, in bytes: the parser and its visitors call themselves as deep as sources nest.
const STACK: usize = 256 << 20;

/// An Action whose script is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its slug.
    pub slug: SmolStr,
    /// Its version.
    pub version: Version,
    /// Its folder, as the paths of its files begin: `actions/tag/1.2.0/`.
    pub folder: SmolStr,
    /// The file that it names as its source.
    pub entry: FileId,
}

/// The Actions that a project declares and whose source file is there, and the templates that its flows pin.
pub fn units(project: &Project, checked: &Checked) -> Vec<Unit> {
    let pins = checked.pins();
    let wanted = |action: &&ActionFile| match action.kind {
        Kind::Custom => true,
        Kind::Template => pins.contains_key(&(action.slug.clone(), action.version.clone())),
    };
    let unit = |action: &ActionFile| {
        let folder = action.folder.clone();
        Some(Unit { slug: action.slug.clone(), version: action.version.clone(), folder, entry: action.source? })
    };
    project.actions.iter().filter(wanted).filter_map(unit).collect()
}

/// Compiles the scripts of these Actions. `files` has every file that may be a module of one, by its path; those of
/// one Action are those below its folder.
///
/// Scripts with errors are left out of the result; the diagnostics are in the order of the units and their modules.
pub fn compile(units: &[Unit], sources: &Sources, files: &BTreeMap<SmolStr, FileId>) -> (Scripts, Vec<Diagnostic>) {
    if units.is_empty() {
        return (Scripts::new(), Vec::new());
    }
    let compile = || {
        let (mut scripts, mut diagnostics) = (Scripts::new(), Vec::new());
        for unit in units {
            if let Some(script) = graph::compile(unit, sources, files, &mut diagnostics) {
                scripts.insert((unit.slug.clone(), unit.version.clone()), script);
            }
        }
        (scripts, diagnostics)
    };
    // The stack is memory that is asked for, and only used where sources nest deeply.
    let compiled = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("scripts".to_owned()).stack_size(STACK);
        thread.spawn_scoped(scope, compile).ok()?.join().ok()
    });
    compiled.unwrap_or_else(|| (Scripts::new(), units.iter().map(|unit| say::fault(unit.entry)).collect()))
}
