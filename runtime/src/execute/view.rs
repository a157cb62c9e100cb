//! The event as a block sees it: what the runtime knows first, then what the caller submitted.

use admit_eval::datum::Datum;
use smol_str::SmolStr;

use crate::block::Event;
use crate::event::RUNTIME_GROUPS;
use crate::execute::slots;
use crate::expression::from_json;
use crate::state::{Run, at_path};

/// The event of a run.
pub(super) struct View<'r> {
    pub(super) run: &'r Run,
}

impl Event for View<'_> {
    fn get(&self, path: &str) -> Option<Datum> {
        let path: Vec<SmolStr> = path.split('.').map(SmolStr::from).collect();
        read(self.run, &path)
    }
}

/// The event at a path.
pub(super) fn read(run: &Run, path: &[SmolStr]) -> Option<Datum> {
    if let Some(known) = slots::known(run, path) {
        return Some(known);
    }
    if RUNTIME_GROUPS.contains(&path.first()?.as_str()) {
        return None;
    }
    let tree = run.tree.get_or_init(|| from_json(&run.event)).as_ref()?;
    at_path(tree, path).filter(|value| **value != Datum::Null).cloned()
}
