//! What an Action sees where it stands, for the types that its author writes against.

use std::collections::BTreeMap;

use admit_plan::types::Kind;
use smol_str::{SmolStr, format_smolstr};

use crate::check::labels::Loose;
use crate::check::state::State;
use crate::check::walk::Walk;
use crate::schema::EventField;
use crate::typed::action::{Sees, Step};

impl Walk<'_, '_> {
    /// What is known here of the event, and the steps that may have run.
    pub(in crate::check) fn sees(&self, state: &State) -> Sees {
        let mut sees = Sees::default();
        known(&self.index.library.event.fields, "", &mut |path, later| {
            let begins = !later && self.begins_with(path);
            if begins || state.facts.is_present(&format_smolstr!("event.{path}")) {
                sees.event.push(path.clone());
            }
        });
        sees.steps = self.passed(state);
        sees
    }

    /// The contract makes it known from the start.
    fn begins_with(&self, name: &str) -> bool {
        let Kind::Record(fields) = &self.frame.event.kind else { return false };
        fields.iter().any(|field| field.name == name && !matches!(field.ty.kind, Kind::Optional(_)))
    }

    fn passed(&self, state: &State) -> BTreeMap<SmolStr, Step> {
        let mut steps = BTreeMap::new();
        for (name, label) in &self.frame.labels {
            let Some(id) = label.id else { continue };
            // A queued step has no outputs, and neither have terminals and `run flow`.
            let without = matches!(&label.output.kind, Kind::Record(fields) if fields.is_empty());
            if without || matches!(label.loose, Loose::Async(_)) || label.what == "custom flow" {
                continue;
            }
            let own = label.count == 1 && !matches!(label.output.kind, Kind::Error);
            let sure = own && state.facts.is_present(&self.place(name, id));
            if !own || !state.facts.is_absent(&self.place(name, id)) {
                steps.insert(name.clone(), Step { output: own.then(|| label.output.clone()), sure });
            }
        }
        steps
    }
}

/// The fields that need not be there, with those inside of them; whether each becomes known only later.
fn known(fields: &[EventField], around: &str, each: &mut impl FnMut(&SmolStr, bool)) {
    for field in fields {
        let path = if around.is_empty() { field.name.clone() } else { format_smolstr!("{around}.{}", field.name) };
        if field.known.is_some() || matches!(field.ty.kind, Kind::Optional(_)) {
            each(&path, field.known.is_some());
        }
        known(&field.fields, &path, each);
    }
}
