//! Decisions and conditions.

use admit_plan::types::Type;
use smol_str::{SmolStr, format_smolstr};

use super::block::typed_step;
use super::labels::{condition_output, decision_output};
use super::same::same;
use super::state::State;
use super::walk::Walk;
use crate::ast::{Case, Condition, Decision, Step};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::typed::facts::Facts;
use crate::typed::facts::values::Values;
use crate::typed::flow::{self, StepKind};

/// Names that every condition has.
const COMPUTED: [&str; 2] = ["all", "any"];

/// What the walk over a decision's cases carries.
struct Cases {
    /// Where the walk goes on.
    after: Option<State>,
    /// What is known where no case so far holds.
    rest: State,
    typed: flow::Decision,
    /// Something did not type or parse, so that nothing is said of what is left.
    unsure: bool,
}

impl<'a> Walk<'a, '_> {
    /// Checks a decision and walks over its branches.
    pub(super) fn decision(
        &mut self,
        step: &'a Step,
        decision: &'a Decision,
        state: State,
    ) -> (Option<flow::Step>, State) {
        let id = self.number();
        let name = &decision.name.text;
        let output = decision_output(decision.cases.iter().map(|case| case.branch.text.clone()));
        self.define(name, id, output.clone());
        self.frame.broken |= decision.broken;
        self.branch_names(decision);
        let mut start = state.clone();
        start.mark(id);
        start.learn(&Facts::present(&self.place(name, id)));
        let mut cases = Cases {
            after: None,
            rest: start,
            typed: flow::Decision { cases: Vec::new(), default: None },
            unsure: decision.broken,
        };
        let last = decision.cases.len().saturating_sub(1);
        for (position, case) in decision.cases.iter().enumerate() {
            match &case.when {
                Some(_) => self.case(decision, position, case, &state, &mut cases),
                None => self.default_case(decision, case, position == last, &state, &mut cases),
            }
        }
        let exhaustive = !cases.rest.alive || cases.unsure;
        if cases.typed.default.is_none() && !decision.cases.iter().any(|case| case.when.is_none()) && !exhaustive {
            self.error(
                Diagnostic::error(
                    "A0266",
                    decision.name.span,
                    format!("the cases of `{name}` do not cover everything"),
                )
                .help(
                    "add `default -> BRANCH`; it may be left out only where the cases are proved to cover everything",
                ),
            );
            // Paths below hang on the case that is not there.
            self.frame.broken = true;
        }
        self.enumeration(decision, &state);
        let ended = cases.rest.ended;
        let after = cases.after.unwrap_or_else(|| State::dead(ended));
        (Some(typed_step(step, id, name.clone(), true, StepKind::Decision(cases.typed))), after)
    }

    fn case(&mut self, decision: &'a Decision, position: usize, case: &'a Case, before: &State, cases: &mut Cases) {
        let Some(when) = &case.when else { return };
        let before_cases = decision.cases.get(..position).unwrap_or(&[]);
        let twin = before_cases.iter().find(|known| known.when.as_ref().is_some_and(|known| same(known, when)));
        let condition = self.condition_expr(when, "the condition", &cases.rest);
        if let Some(twin) = twin {
            let first = twin.when.as_ref().map_or(twin.span, |when| when.span);
            self.error(
                Diagnostic::error(
                    "A0268",
                    when.span,
                    "this condition stands above already, so the case is never taken",
                )
                .label(first, "the same condition")
                .help("remove the case, or change one of the two conditions"),
            );
        }
        cases.unsure |= !condition.sound;
        let mut inside = cases.rest.clone();
        if condition.sound {
            inside.learn(&condition.yes);
        }
        if inside.facts.is_impossible() {
            if twin.is_none() && !cases.unsure && !self.frame.broken {
                self.never_taken(when.span, before_cases, before);
            }
            inside.alive = false;
        } else {
            inside.learn(&self.taken(decision, case));
        }
        let branch = self.branch(case, inside, cases, before);
        cases.typed.cases.push(flow::Case { when: condition.expr, branch });
        if condition.sound {
            cases.rest.learn(&condition.no);
            cases.rest.alive = cases.rest.alive && !cases.rest.facts.is_impossible();
        }
    }

    fn default_case(&mut self, decision: &'a Decision, case: &'a Case, last: bool, before: &State, cases: &mut Cases) {
        if cases.typed.default.is_some() || !last {
            let what =
                if cases.typed.default.is_some() { "a decision has one `default`" } else { "`default` stands last" };
            self.error(
                Diagnostic::error("A0265", default_word(case), what)
                    .help("cases are tried from the top, and `default` takes whatever is left"),
            );
        } else if !cases.rest.alive && !cases.unsure && !self.frame.broken {
            self.error(
                Diagnostic::warning(
                    "A0269",
                    default_word(case),
                    "the cases above cover everything, so `default` is never taken",
                )
                .help("remove it"),
            );
        }
        let mut inside = cases.rest.clone();
        inside.learn(&self.taken(decision, case));
        inside.alive = inside.alive && !inside.facts.is_impossible();
        let branch = self.branch(case, inside, cases, before);
        cases.typed.default.get_or_insert(branch);
    }

    /// Walks a branch and joins what comes out of it.
    fn branch(&mut self, case: &'a Case, mut inside: State, cases: &mut Cases, before: &State) -> flow::Branch {
        self.frame.broken |= case.broken;
        if !inside.alive {
            inside.ended = None;
        }
        let (steps, out) = self.steps(case.steps.as_deref().unwrap_or(&[]), inside);
        cases.after = Some(match cases.after.take() {
            None => out,
            Some(after) => after.join(out, &before.implied),
        });
        flow::Branch { name: case.branch.text.clone(), span: case.span, steps }
    }

    /// The branch that was taken, as a fact.
    fn taken(&self, decision: &Decision, case: &Case) -> Facts {
        let label = &decision.name.text;
        let number = self.frame.labels.get(label).and_then(|label| label.id).unwrap_or(flow::StepId(u32::MAX));
        let place = self.place(label, number);
        Facts::one_of(&format_smolstr!("{place}.branch"), Values::words([case.branch.text.clone()]))
    }

    fn never_taken(&mut self, span: Span, before_cases: &[Case], _before: &State) {
        let found = Diagnostic::error("A0267", span, "this case is never taken");
        self.error(match before_cases.last().and_then(|case| case.when.as_ref()) {
            Some(last) => found
                .label(last.span, "what is left after this and what is known here never makes it true")
                .help("remove it, or put the narrower case first"),
            None => found.help("remove it: what is known here never makes it true"),
        });
    }

    fn branch_names(&mut self, decision: &Decision) {
        for (position, case) in decision.cases.iter().enumerate() {
            let before = decision.cases.get(..position).unwrap_or(&[]);
            if let Some(first) = before.iter().find(|known| known.branch.text == case.branch.text) {
                self.error(
                    Diagnostic::error(
                        "A0210",
                        case.branch.span,
                        format!("`{}` has two branches `{}`", decision.name.text, case.branch.text),
                    )
                    .label(first.branch.span, "first here")
                    .help("rename one of them"),
                );
            }
        }
    }

    /// Checks a condition: named booleans.
    pub(super) fn condition(
        &mut self,
        step: &'a Step,
        condition: &'a Condition,
        mut state: State,
    ) -> (Option<flow::Step>, State) {
        let id = self.number();
        let name = &condition.name.text;
        let mut typed: Vec<(SmolStr, flow::Expr)> = Vec::with_capacity(condition.fields.len());
        for (position, (field, expr)) in condition.fields.iter().enumerate() {
            let before = condition.fields.get(..position).unwrap_or(&[]);
            if COMPUTED.contains(&field.text.as_str()) {
                self.error(
                    Diagnostic::error("A0211", field.span, format!("every condition has `{}` already", field.text))
                        .help("`all` holds where all fields do, `any` where one does; choose another name"),
                );
            } else if let Some((first, _)) = before.iter().find(|(known, _)| known.text == field.text) {
                self.error(
                    Diagnostic::error("A0211", field.span, format!("`{name}` has two fields `{}`", field.text))
                        .label(first.span, "first here"),
                );
            }
            let checked = self.condition_expr(expr, "the condition", &state);
            typed.push((field.text.clone(), checked.expr));
        }
        let output: Type = condition_output(condition.fields.iter().map(|(field, _)| &field.text));
        self.define(name, id, output);
        state.mark(id);
        state.learn(&Facts::present(&self.place(name, id)));
        (Some(typed_step(step, id, name.clone(), true, StepKind::Condition(typed))), state)
    }
}

/// The word `default`, with which its case begins.
fn default_word(case: &Case) -> Span {
    Span { end: case.span.end.min(case.span.start + 7), ..case.span }
}
