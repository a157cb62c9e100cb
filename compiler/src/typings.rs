//! Actions as their authors see them: TypeScript declarations of what one gets and may do, and the JSON Schema of its
//! config.
//!
//! What an Action sees depends on where flows run it: of the event, what is known at every such place is always there,
//! and everything else may be absent; a step is there if it has run at every such place.

mod json_schema;
mod typescript;

use std::collections::{BTreeMap, BTreeSet};

use admit_plan::types::Type;
use smol_str::SmolStr;

use crate::check::Checked;
use crate::library::Library;
use crate::schema::Event;
use crate::typed::action::{Action, Sees, Step};
use crate::typed::flow::{Stage, StepKind};

pub use json_schema::{Schema, json_schema};
pub use typescript::{MARK, declaration, tsconfig, tsconfig_of_all};

/// What an Action sees at all places that run it.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The Action.
    pub action: &'a Action,
    /// The event as declared.
    pub event: &'a Event,
    /// The slots where flows run it; none: no flow does.
    pub slots: BTreeSet<SmolStr>,
    /// Fields of the event that need not be there but are known to be, wherever it runs: paths below `event`.
    pub known: BTreeSet<SmolStr>,
    /// The steps that may have run, by label.
    pub steps: BTreeMap<SmolStr, Seen>,
}

/// A step, at all places that see it.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Its outputs, which may differ from flow to flow; none where that is not known.
    pub outputs: Vec<Option<Type>>,
    /// It has run wherever the Action runs.
    pub sure: bool,
}

/// What each Action of the project sees, and each of the library's that a flow runs, by slug and version in order.
pub fn views<'a>(checked: &'a Checked, library: &'a Library) -> Vec<View<'a>> {
    let mut uses: BTreeMap<(&str, String), Vec<(&SmolStr, &Sees)>> = BTreeMap::new();
    for flow in checked.flows.values().filter(|flow| flow.contract.is_some()) {
        flow.stages.iter().for_each(|stage| collect(stage, &mut uses));
    }
    let view = |action: &'a Action| {
        let places = uses.remove(&(action.slug.as_str(), action.version.to_string())).unwrap_or_default();
        let beginnings: Vec<Sees>;
        let seen: Vec<&Sees> = if places.is_empty() {
            beginnings = action.triggers.iter().map(|trigger| beginning(trigger, library)).collect();
            beginnings.iter().collect()
        } else {
            places.iter().map(|(_, sees)| *sees).collect()
        };
        View {
            action,
            event: &library.event,
            slots: places.iter().map(|(slot, _)| (*slot).clone()).collect(),
            known: everywhere(&seen),
            steps: steps(&seen),
        }
    };
    checked.actions.values().map(view).collect()
}

fn collect<'c>(stage: &'c Stage, uses: &mut BTreeMap<(&'c str, String), Vec<(&'c SmolStr, &'c Sees)>>) {
    fn steps<'c>(
        list: &'c [crate::typed::flow::Step],
        uses: &mut BTreeMap<(&'c str, String), Vec<(&'c SmolStr, &'c Sees)>>,
    ) {
        for step in list {
            match &step.kind {
                StepKind::RunAction(run) => {
                    let places = uses.entry((run.slug.as_str(), run.version.to_string())).or_default();
                    places.push((&run.trigger, &run.sees));
                }
                StepKind::RunFlow(run) => run.stages.iter().for_each(|stage| collect(stage, uses)),
                StepKind::Decision(decision) => {
                    let branches = decision.cases.iter().map(|case| &case.branch).chain(&decision.default);
                    branches.for_each(|branch| steps(&branch.steps, uses));
                }
                StepKind::Block(_) | StepKind::Condition(_) => {}
            }
        }
    }
    steps(&stage.steps, uses);
}

/// What is known in a trigger's flow from its beginning.
fn beginning(trigger: &str, library: &Library) -> Sees {
    let contract = trigger.split('.').next().and_then(|flow| library.contract(flow));
    let mut sees = Sees::default();
    if contract.is_some_and(|contract| contract.needs_session) {
        sees.event.push(SmolStr::new_static("user"));
    }
    if contract.is_some_and(|contract| contract.input.iter().any(|field| field.name == "identifier")) {
        sees.event.push(SmolStr::new_static("identifier"));
    }
    sees
}

fn everywhere(seen: &[&Sees]) -> BTreeSet<SmolStr> {
    let first = seen.first().map_or(&[][..], |sees| sees.event.as_slice());
    first.iter().filter(|path| seen.iter().all(|sees| sees.event.contains(path))).cloned().collect()
}

fn steps(seen: &[&Sees]) -> BTreeMap<SmolStr, Seen> {
    let mut steps: BTreeMap<SmolStr, Seen> = BTreeMap::new();
    for (label, Step { output, .. }) in seen.iter().flat_map(|sees| &sees.steps) {
        let step = steps.entry(label.clone()).or_default();
        if !step.outputs.contains(output) {
            step.outputs.push(output.clone());
        }
    }
    for (label, step) in &mut steps {
        step.sure = seen.iter().all(|sees| sees.steps.get(label).is_some_and(|step| step.sure));
    }
    steps
}
