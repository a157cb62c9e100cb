//! The JavaScript of Actions, as the plan carries it. Who makes it from TypeScript is not the compiler's: it is an
//! argument, so that the compiler does not wait for a JavaScript parser to build.

use std::collections::BTreeMap;

use semver::Version;
use smol_str::SmolStr;

/// The programs of Actions, by slug and version; those with mistakes are left out.
pub type Scripts = BTreeMap<(SmolStr, Version), Script>;

/// The program of an Action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Its modules: the entry first, the others by path in order.
    pub modules: Vec<ScriptModule>,
}

/// An ES module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptModule {
    /// Path below the Action's folder, ending in `.js`.
    pub path: SmolStr,
    /// JavaScript; imports of other modules name their paths as `./lib/domains.js`.
    pub code: String,
    /// Source map (version 3, JSON) where it was written in TypeScript.
    pub map: Option<String>,
}
