//! `run flow`.

use std::rc::Rc;

use admit_plan::types::Kind;
use smol_str::{SmolStr, format_smolstr};

use super::block::typed_step;
use super::modifiers::Takes;
use super::state::{Implied, State};
use super::walk::{Frame, Walk};
use crate::ast::{ModifierKind, RunFlow, Step};
use crate::diagnostic::{Diagnostic, Level};
use crate::nearest::nearest;
use crate::resolve::FlowItem;
use crate::typed::facts::{Facts, Place};
use crate::typed::flow::{self, OnError, StepKind};

impl<'a, 'i> Walk<'a, 'i> {
    /// Checks `run flow`: the custom flow is walked here, with what is known here.
    pub(super) fn run_flow(&mut self, step: &'a Step, run: &'a RunFlow, state: State) -> (Option<flow::Step>, State) {
        let slug = &run.slug;
        self.no_modifiers(&run.modifiers, "`run flow`", &["timeout", "on error"]);
        let id = self.number();
        self.define(&slug.text, id, Kind::Record([].into()).into());
        let Some(item) = self.callee(run) else {
            self.frame.broken = true;
            return (None, state);
        };
        let (limit, on_error) = self.call_modifiers(run);
        let budget = match (limit, item.flow.budget) {
            (Some(limit), Some(budget)) => Some(limit.min(budget.millis)),
            (limit, budget) => limit.or(budget.map(|budget| budget.millis)),
        };
        let before = state.clone();
        let (stages, mut after) = self.inside(item, run, budget, state);
        if on_error == OnError::Continue {
            let implied = Rc::clone(&before.implied);
            let mut passed_over = before;
            passed_over.elapsed = passed_over.elapsed.max(after.elapsed);
            after = after.join(passed_over, &implied);
        }
        if after.alive {
            after.mark(id);
            after.learn(&Facts::present(&self.place(&slug.text, id)));
        } else if after.ended.is_none() {
            after.ended = Some(slug.span);
        }
        let typed = flow::RunFlow { flow: slug.text.clone(), budget, on_error, stages };
        (Some(typed_step(step, id, slug.text.clone(), false, StepKind::RunFlow(Box::new(typed)))), after)
    }

    /// Walks a custom flow in the place that runs it.
    fn inside(
        &mut self,
        item: &FlowItem<'a>,
        run: &RunFlow,
        budget: Option<u64>,
        state: State,
    ) -> (Vec<flow::Stage>, State) {
        let caller_implied = Rc::clone(&state.implied);
        let mut inner = state;
        inner.facts = inner.facts.rename(|place| Some(to_parent(place)));
        inner.implied = Rc::new(inner.implied.iter().map(|implied| Rc::new(renamed(implied))).collect());
        let inner_implied = Rc::clone(&inner.implied);
        let mut ignored = Vec::new();
        let mut frame = Frame::new(item.flow, self.frame.contract, self.frame.event.clone(), self.index, &mut ignored);
        frame.system = self.frame.system.clone();
        frame.stage = self.frame.stage.clone();
        frame.broken = item.item.broken;
        let caller = std::mem::replace(&mut self.frame, frame);
        self.parent = Some(caller);
        let cap =
            std::mem::replace(&mut self.cap, budget.map_or(u64::MAX, |budget| inner.elapsed.saturating_add(budget)));
        let said = std::mem::take(&mut self.out);

        let (stages, fell_out) = self.stages(inner);

        let found = std::mem::replace(&mut self.out, said);
        self.cap = cap;
        let exits = std::mem::take(&mut self.frame.exits);
        let broken = self.frame.broken;
        if let Some(caller) = self.parent.take() {
            self.frame = caller;
        }
        self.frame.broken |= broken;
        self.faults_here(item, run, found);

        let mut after: Option<State> = None;
        for exit in exits.into_iter().chain(fell_out.alive.then_some(fell_out)) {
            after = Some(match after {
                None => exit,
                Some(after) => after.join(exit, &inner_implied),
            });
        }
        let mut after = after.unwrap_or_else(|| State::dead(Some(run.slug.span)));
        after.facts = after.facts.rename(from_parent);
        // What the custom flow's own results imply ends with their names.
        after.implied = caller_implied;
        (stages, after)
    }

    /// Faults of a custom flow that it has only here: both places are shown.
    fn faults_here(&mut self, item: &FlowItem<'a>, run: &RunFlow, found: Vec<Diagnostic>) {
        if found.is_empty() {
            return;
        }
        let index = self.index;
        let own = item.faults.get_or_init(|| {
            let checked = super::check_flow(item.item, index);
            checked.diagnostics.iter().map(|found| (found.code, found.primary.span)).collect()
        });
        for fault in found {
            if fault.level == Level::Warning || own.contains(&(fault.code, fault.primary.span)) {
                continue;
            }
            let message = format!("in `{}`, run here: {}", run.slug.text, fault.message);
            let mut here = Diagnostic::error(fault.code, run.slug.span, message).here("run here").label(
                fault.primary.span,
                if fault.primary.message.is_empty() { "the fault" } else { &fault.primary.message },
            );
            here.secondary.extend(fault.secondary);
            here.help = fault.help;
            self.error(here);
        }
    }

    fn callee(&mut self, run: &RunFlow) -> Option<&'i FlowItem<'a>> {
        let slug = &run.slug;
        let index = self.index;
        if !self.frame.flow.system {
            self.error(
                Diagnostic::error("A0203", slug.span, "a custom flow may not run another flow")
                    .help("run both from the system flow, one after the other"),
            );
            return None;
        }
        let Some(item) = index.flows.get(slug.text.as_str()) else {
            if !index.broken {
                let found = Diagnostic::error("A0202", slug.span, format!("there is no custom flow `{}`", slug.text));
                let custom =
                    index.flows.values().filter(|item| !item.flow.system).map(|item| item.flow.name.text.as_str());
                self.error(match nearest(&slug.text, custom) {
                    Some(near) => found.help(format!("did you mean `{near}`?")),
                    None => found.help(format!("write `custom flow {} {{ ... }}` in a file of the project", slug.text)),
                });
            }
            return None;
        };
        if item.flow.system {
            self.error(
                Diagnostic::error("A0203", slug.span, format!("`{}` is a system flow", slug.text))
                    .label(item.flow.name.span, "declared here")
                    .help("only a `custom flow` can be run by another flow"),
            );
            return None;
        }
        Some(item)
    }

    /// The time limit and what an error does, of `run flow`.
    fn call_modifiers(&mut self, run: &RunFlow) -> (Option<u64>, OnError) {
        let takes =
            Takes { span: run.slug.span, timeout: 0, must_end: None, line: None, not_async: None, no_retry: None };
        let known: Vec<_> = run
            .modifiers
            .iter()
            .filter(|modifier| match modifier.kind {
                ModifierKind::Retry { .. } | ModifierKind::Async => false,
                ModifierKind::Timeout(_)
                | ModifierKind::OnErrorHalt
                | ModifierKind::OnErrorContinue
                | ModifierKind::OnErrorDeny(_) => true,
            })
            .cloned()
            .collect();
        let limit = known.iter().any(|modifier| matches!(modifier.kind, ModifierKind::Timeout(_)));
        let modifiers = self.modifiers(&known, &takes);
        (limit.then_some(modifiers.timeout), modifiers.on_error)
    }
}

/// What the flow around calls `step.x`, a custom flow calls `parent.step.x`.
fn to_parent(place: &SmolStr) -> SmolStr {
    if place.starts_with("step.") { format_smolstr!("parent.{place}") } else { place.clone() }
}

/// And back; the custom flow's own steps are forgotten.
fn from_parent(place: &SmolStr) -> Option<SmolStr> {
    match place.strip_prefix("parent.") {
        Some(place) => Some(place.into()),
        None if place.starts_with("step.") => None,
        None => Some(place.clone()),
    }
}

fn renamed(implied: &Implied) -> Implied {
    Implied {
        when: implied.when.iter().map(|(place, value)| (Place::new(&to_parent(place.text())), *value)).collect(),
        then: implied.then.rename(|place| Some(to_parent(place))),
    }
}
