//! The checker: everything of language.md section 7 that is proved of flows, rules and tests before they run.
//!
//! [`check_flow`] is a pure function of one flow and the index, so that one flow can be checked again alone;
//! [`check`] checks a whole project, flows side by side, and its diagnostics come in the order of the source.

mod action;
mod as_type;
mod block;
mod clause;
mod code;
mod config;
mod constant;
mod contract;
mod decision;
mod effects;
mod egress;
mod expr;
mod known;
mod labels;
mod lint;
mod modifiers;
mod named;
mod params;
mod rules;
mod run;
mod same;
mod scope;
mod settle;
mod state;
mod tests;
mod texts;
mod unused;
mod walk;

use std::collections::BTreeMap;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use semver::Version;
use smol_str::SmolStr;

use crate::ast::{Flow, Item, ItemKind};
use crate::diagnostic::{Diagnostic, Level};
use crate::library::Library;
use crate::nearest::nearest;
use crate::project::Project;
use crate::resolve::{self, Index};
use crate::schema::{Contract, SYSTEM_FLOWS};
use crate::typed::action::Actions;
use crate::typed::flow;
use crate::typed::tables::{Interner, Slots};
use crate::typed::test::Test;
use state::State;
use walk::{Frame, Walk, beginning};

pub use params::Param;
pub use walk::Used;

/// Engine time per request of a system flow that says no budget, in milliseconds, where `admit.toml` says none either.
pub const DEFAULT_BUDGET: u64 = 10_000;

/// A checked flow.
#[derive(Clone, Debug)]
pub struct CheckedFlow {
    /// What it means; none if there is an error in it.
    pub typed: Option<flow::Flow>,
    /// What was found.
    pub diagnostics: Vec<Diagnostic>,
    /// Names of the project that it uses.
    pub used: Used,
}

/// Checks one flow. `item` is a flow; anything else has nothing to find.
pub fn check_flow(item: &Item, index: &Index<'_>) -> CheckedFlow {
    let ItemKind::Flow(flow) = &item.kind else {
        return CheckedFlow { typed: None, diagnostics: Vec::new(), used: Used::default() };
    };
    let mut out = Vec::new();
    let contract = contract_of(flow, index, &mut out);
    let frame = Frame::new(flow, contract, index.event(contract), index, &mut out);
    let mut walk = Walk {
        index,
        out,
        pool: Interner::default(),
        clauses: FxHashMap::default(),
        lists: FxHashMap::default(),
        slots: Slots::default(),
        secrets: Vec::new(),
        steps: 0,
        frame,
        parent: None,
        egress: Vec::new(),
        used: Used::default(),
        worst: 0,
        cap: u64::MAX,
        costs: Vec::new(),
    };
    walk.frame.broken = item.broken || (flow.system && contract.is_none());
    if flow.system {
        walk.frame.system = Some(flow.name.text.clone());
    }
    walk.stage_names();
    if let Some(contract) = contract {
        walk.structure(contract);
    }
    let (stages, end) = walk.stages(State::start(beginning(contract)));
    walk.at_end(&end);
    let budget = flow.budget.map(|budget| budget.millis).or(flow.system.then_some(index.budget));
    walk.within_budget(budget);
    let broken = item.broken || walk.frame.broken || walk.out.iter().any(|found| found.level == Level::Error);
    let mut diagnostics = std::mem::take(&mut walk.out);
    if diagnostics.iter().any(|found| found.code == "A0260") {
        // A result that nobody has decided on leaves unknown what it would provide: one mistake, one message.
        diagnostics.retain(|found| found.code != "A0237");
    }
    let used = std::mem::take(&mut walk.used);
    let typed = (!broken).then(|| typed_flow(item, flow, contract, budget, stages, walk));
    CheckedFlow { typed, diagnostics, used }
}

/// A checked project.
#[derive(Debug, Default)]
pub struct Checked {
    /// Its flows by name, those without errors.
    pub flows: BTreeMap<SmolStr, flow::Flow>,
    /// The library's flows where it has none of their name.
    pub defaults: BTreeMap<SmolStr, flow::Flow>,
    /// Its params in the order of their names.
    pub params: Vec<Param>,
    /// Its Actions, the library's where it has none of their slug; those without errors in their declaration.
    pub actions: Actions,
    /// Its tests, those without errors.
    pub tests: Vec<Test>,
    /// What was found, in the order of the source.
    pub diagnostics: Vec<Diagnostic>,
}

impl Checked {
    /// A flow by name: the project's, else the library's.
    pub fn flow(&self, name: &str) -> Option<&flow::Flow> {
        self.flows.get(name).or_else(|| self.defaults.get(name))
    }

    /// The flows that can be run: the project's system flows, and the library's where it has none.
    pub fn system_flows(&self) -> impl Iterator<Item = &flow::Flow> {
        self.flows.values().filter(|flow| flow.contract.is_some()).chain(self.defaults.values())
    }

    /// The versions of Actions that the flows pin, with the places that run each: custom flows by themselves, once.
    pub fn pins(&self) -> BTreeMap<(SmolStr, Version), usize> {
        let mut pins = BTreeMap::new();
        self.flows.values().for_each(|flow| {
            flow.for_each_action(&mut |run, inlined| {
                *pins.entry((run.slug.clone(), run.version.clone())).or_default() += usize::from(!inlined);
            })
        });
        pins
    }
}

/// Checks a project: every flow, rule and test, and what only shows across them.
pub fn check(project: &Project, library: &Library) -> Checked {
    let lists = project.list_sets();
    let mut diagnostics = Vec::new();
    let mut index = resolve::index(&project.files, &lists, library, &mut diagnostics);
    if !project.text_data.is_empty() {
        index.texts = &project.text_data;
    }
    index.budget = project.manifest.settings.limits.budget.unwrap_or(DEFAULT_BUDGET);
    let (params, param_used) = params::params(&index, &mut diagnostics);
    let flows: Vec<(&str, CheckedFlow)> =
        index.flows.par_iter().map(|(name, item)| (*name, check_flow(item.item, &index))).collect();
    let mut used = param_used;
    let actions = action::declared(&index, &mut diagnostics);
    let mut checked = Checked { params, actions, ..Checked::default() };
    for (name, flow) in flows {
        diagnostics.extend(flow.diagnostics);
        used.add(&flow.used);
        if let Some(typed) = flow.typed {
            let is_default = index.flows.get(name).is_some_and(|item| item.is_default);
            let flows = if is_default { &mut checked.defaults } else { &mut checked.flows };
            flows.insert(name.into(), typed);
        }
    }
    rules::rules(&index, &mut used, &mut diagnostics);
    tests::names(&index, &mut diagnostics);
    let tests: Vec<tests::CheckedTest> =
        index.tests.par_iter().map(|(item, test)| tests::check_test(item, test, &index)).collect();
    for test in tests {
        diagnostics.extend(test.diagnostics);
        used.add(&test.used);
        checked.tests.extend(test.typed);
    }
    unused::unused(&index, &used, &mut diagnostics);
    egress::egress(project, &index, &used, &mut diagnostics);
    named::named(project, &used, &mut diagnostics);
    order(&mut diagnostics);
    checked.diagnostics = diagnostics;
    checked
}

/// The declared default of a block's output: a constant, and the pool that its code indexes.
pub fn output_default(field: &crate::schema::OutputField) -> Option<(admit_plan::code::Expr, admit_plan::code::Pool)> {
    let default = field.default.as_ref()?;
    let found = constant::constant(default, Some(&field.ty), "a default", &mut Vec::new())?;
    Some((found.code, found.pool))
}

/// Diagnostics in the order of the source; the same finding once.
fn order(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|left, right| {
        (left.primary.span, left.code, &left.message).cmp(&(right.primary.span, right.code, &right.message))
    });
    diagnostics.dedup();
}

fn typed_flow(
    item: &Item,
    flow: &Flow,
    contract: Option<&Contract>,
    budget: Option<u64>,
    stages: Vec<flow::Stage>,
    walk: Walk<'_, '_>,
) -> flow::Flow {
    flow::Flow {
        name: flow.name.text.clone(),
        title: flow.title.as_ref().map(|title| title.value.clone()),
        doc: item.doc.join("\n"),
        span: item.span,
        contract: contract.map(|contract| flow::Contract {
            trigger: contract.trigger.clone(),
            input: contract.input_type(),
            needs_session: contract.needs_session,
            ends: contract.ends.clone(),
        }),
        budget,
        slots: walk
            .slots
            .into_slots()
            .into_iter()
            .map(|slot| flow::Slot { source: slot.source, ty: slot.ty, maybe_absent: slot.maybe_absent })
            .collect(),
        pool: walk.pool.into_pool(),
        secrets: walk.secrets,
        stages,
        steps: walk.steps,
        egress: walk.egress,
        worst: walk.worst,
    }
}

/// The contract of a system flow; a name that is none gets a diagnostic.
fn contract_of<'a>(flow: &Flow, index: &Index<'a>, out: &mut Vec<Diagnostic>) -> Option<&'a Contract> {
    if !flow.system {
        return None;
    }
    let name = &flow.name;
    let contract = index.library.contract(&name.text);
    if contract.is_some() {
        return contract;
    }
    let known = index.library.contracts.keys().map(SmolStr::as_str);
    if SYSTEM_FLOWS.contains(&name.text.as_str()) {
        out.push(
            Diagnostic::error("A0209", name.span, format!("the library has no contract for `{}` yet", name.text))
                .help(format!("the system flows that work are {}", config::listed(known))),
        );
        return None;
    }
    let found = Diagnostic::error("A0209", name.span, format!("there is no system flow `{}`", name.text));
    out.push(match nearest(&name.text, known.clone()) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found.help(format!("system flows are {}; anything else is a `custom flow`", config::listed(known))),
    });
    None
}

impl Walk<'_, '_> {
    /// Stage names are unique in a flow.
    fn stage_names(&mut self) {
        let stages = &self.frame.flow.stages;
        for (position, stage) in stages.iter().enumerate() {
            let before = stages.get(..position).unwrap_or(&[]);
            if let Some(first) = before.iter().find(|known| known.name.text == stage.name.text) {
                self.frame.broken = true;
                let name = &stage.name;
                self.out.push(
                    Diagnostic::error(
                        "A0212",
                        name.span,
                        format!("the stage `{}` stands twice in this flow", name.text),
                    )
                    .label(first.name.span, "first here")
                    .help("rename one of them, or join them"),
                );
            }
        }
    }

    /// The worst request fits the budget.
    fn within_budget(&mut self, budget: Option<u64>) {
        let flow = self.frame.flow;
        if let Some(budget) = flow.budget.filter(|budget| budget.millis == 0) {
            self.out.push(Diagnostic::error("A0231", budget.span, "a budget of 0 leaves no time at all"));
            return;
        }
        let Some(budget) = budget.filter(|budget| self.worst > *budget) else { return };
        let span = flow.budget.map_or(flow.name.span, |budget| budget.span);
        let message = format!(
            "a request to `{}` can take {}, and its budget is {}",
            flow.name.text,
            time(self.worst),
            time(budget)
        );
        let mut found = Diagnostic::error("A0275", span, message);
        let mut costs = std::mem::take(&mut self.costs);
        costs.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(&right.1)));
        for (cost, place, name) in costs.into_iter().take(3) {
            found = found.label(place, format!("`{name}` can take {}", time(cost)));
        }
        self.out.push(found.help("shorten timeouts and retries, make a step `async`, or raise `budget`"));
    }
}

/// Milliseconds as a user writes them.
fn time(millis: u64) -> String {
    if millis > 0 && millis.is_multiple_of(1_000) { format!("{}s", millis / 1_000) } else { format!("{millis}ms") }
}
