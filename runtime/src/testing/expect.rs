//! Expectations against what a run came to: folds over its outcome, its traces and its last state.

use admit_eval::datum::Datum;
use admit_eval::value::{Instant, Value};
use admit_plan::code::{Expr, Pool, Slot};
use bumpalo::Bump;
use smol_str::SmolStr;

use crate::engine::{Engine, Params};
use crate::execute::{self, Outcome};
use crate::expression::{self, Meaning, from_json, to_json, to_value};
use crate::state::{Kept, at_path, field, str_datum};
use crate::testing::case::{Expectation, Path};
use crate::trace::Trace;
use crate::typed::conform;

/// A run that has ended, for the expectations.
pub(super) struct Ended<'r> {
    pub(super) engine: &'r Engine,
    pub(super) params: &'r Params,
    pub(super) answer: &'r execute::Answer,
    pub(super) traces: &'r [Trace],
    pub(super) signed: Vec<String>,
    pub(super) now: Instant,
}

/// What is wrong, if the expectation does not hold.
pub(super) fn unmet(ended: &Ended<'_>, expects: &Expectation) -> Option<String> {
    match expects {
        Expectation::Outcome(word) => {
            let is_met = ended.answer.outcome.word() == word;
            (!is_met).then(|| format!("expected {word}, {}", ended.came_to()))
        }
        Expectation::Deny(wanted) => match &ended.answer.outcome {
            Outcome::Deny { reason, .. } if reason == wanted => None,
            _ => Some(format!("expected deny \"{wanted}\", {}", ended.came_to())),
        },
        Expectation::Suspended(wanted) => match &ended.answer.outcome {
            Outcome::Suspended { label, .. } if label == wanted => None,
            _ => Some(format!("expected suspended {wanted}, {}", ended.came_to())),
        },
        Expectation::Error(wanted) => match &ended.answer.outcome {
            Outcome::Error { label: Some(label), .. } if label == wanted => None,
            _ => Some(format!("expected error {wanted}, {}", ended.came_to())),
        },
        Expectation::Redirect(url) => match &ended.answer.redirect_to {
            Some(found) if found == url => None,
            Some(found) => Some(format!("expected redirect \"{url}\", it redirects to \"{found}\"")),
            None => Some(format!("expected redirect \"{url}\", the run redirects nowhere; {}", ended.came_to())),
        },
        Expectation::Ran(labels) => ended.ran(labels),
        Expectation::NotRan(labels) => labels.iter().find_map(|label| {
            ended.has_run(label).then(|| format!("expected that `{label}` does not run, but it ran"))
        }),
        Expectation::Branch(decision, wanted) => ended.branch(decision, wanted),
        Expectation::Claim(name, wanted) => ended.claim(name, wanted),
        Expectation::Holds { code, pool, slots, text } => ended.holds(code, pool, slots, text),
    }
}

impl Ended<'_> {
    fn came_to(&self) -> String {
        let why = || self.traces.last().and_then(Trace::failure).map(|(label, text)| (label.clone(), text.to_owned()));
        match &self.answer.outcome {
            Outcome::Session { .. } => "the run ended in session".to_owned(),
            Outcome::Tokens { .. } => "the run ended in tokens".to_owned(),
            Outcome::Allow => "the run ended in allow".to_owned(),
            Outcome::Finalized => "the run ended in finalized".to_owned(),
            Outcome::Deny { reason, .. } => format!("the run ended in deny \"{reason}\""),
            Outcome::Suspended { label, .. } => format!("the run waits at `{label}`, and no reply to it is left"),
            Outcome::Error { label, .. } => match (label, why()) {
                (Some(label), Some((_, text))) => format!("the run ended in error at `{label}`: {text}"),
                (None, Some((label, text))) => format!("the run ended in error: `{label}`: {text}"),
                (Some(label), None) => format!("the run ended in error at `{label}`"),
                (None, None) => "the run ended in error".to_owned(),
            },
        }
    }

    /// Blocks, decisions and conditions alike count as run.
    fn has_run(&self, label: &str) -> bool {
        self.order().any(|known| known == label)
    }

    fn order(&self) -> impl Iterator<Item = &SmolStr> {
        self.traces.iter().flat_map(|trace| &trace.events).filter_map(|event| event.ran_label())
    }

    /// In this order, others between them or not.
    fn ran(&self, labels: &[SmolStr]) -> Option<String> {
        let mut order = self.order();
        for label in labels {
            if !order.any(|known| known == label) {
                let ran: Vec<String> = self.order().map(|label| format!("`{label}`")).collect();
                let what = if self.has_run(label) { "in this order" } else { "at all" };
                return Some(format!("expected that `{label}` runs {what}; what ran: {}", ran.join(", ")));
            }
        }
        None
    }

    fn branch(&self, decision: &str, wanted: &str) -> Option<String> {
        let taken = self.traces.iter().flat_map(Trace::branches).filter(|(label, _)| *label == decision).last();
        match taken {
            Some((_, branch)) if branch == wanted => None,
            Some((_, branch)) => Some(format!("expected branch {decision}.{wanted}, it took `{branch}`")),
            None => {
                Some(format!("expected branch {decision}.{wanted}, the decision was not reached; {}", self.came_to()))
            }
        }
    }

    fn claim(&self, name: &str, wanted: &Datum) -> Option<String> {
        let claims = self.signed.last().and_then(|claims| from_json(claims.as_bytes()));
        let found = claims.as_ref().and_then(|claims| field(claims, name));
        match found {
            Some(found) if found == wanted => None,
            Some(found) => Some(format!("expected claim \"{name}\" == {}, it is {}", shown(wanted), shown(found))),
            None => Some(format!("expected claim \"{name}\", there is none; {}", self.came_to())),
        }
    }

    fn holds(&self, code: &Expr, pool: &Pool, slots: &[(Path, Slot)], text: &str) -> Option<String> {
        let meaning = match Meaning::of(pool) {
            Ok(meaning) => meaning,
            Err(error) => return Some(format!("`{text}`: {error}")),
        };
        let arena = Bump::new();
        let values: Vec<Value<'_>> = slots
            .iter()
            .map(|(path, slot)| {
                let found = self.read(path).and_then(|found| conform(found, slot.ty.present()).ok());
                found.map_or(Value::Absent, |found| to_value(&found, &arena))
            })
            .collect();
        match expression::eval(code, &values, &meaning.cx(&arena)) {
            Ok(Value::Bool(true)) => None,
            Ok(_) => Some(format!("expected `{text}`, it does not hold; {}", self.came_to())),
            Err(error) => Some(format!("expected `{text}`, it fails: {error}; {}", self.came_to())),
        }
    }

    fn read(&self, path: &Path) -> Option<Datum> {
        let run = &self.answer.run;
        match path {
            Path::Event(path) => execute::read_event(run, path),
            Path::Session(path) => at_path(run.session.as_ref()?, path).cloned(),
            Path::Param(name) => {
                let params = &self.engine.bundle().params;
                let index = params.iter().position(|param| self.engine.text(param.name) == name)?;
                self.params.values.get(index).cloned()
            }
            Path::Now => Some(Datum::Timestamp(self.now)),
            Path::Step(label, path) => {
                let flow = self.engine.bundle().flows.get(run.flow)?;
                let named = (0..).zip(&flow.nodes).filter(|(_, node)| self.engine.text(node.label) == label);
                let (node, kept) = named.filter_map(|(id, node)| Some((node, run.kept(id)?))).last()?;
                self.step(node, kept, path)
            }
        }
    }

    fn step(&self, node: &admit_plan::bundle::Node, kept: &Kept, path: &[SmolStr]) -> Option<Datum> {
        use admit_plan::bundle::NodeKind;
        match (kept, &node.kind) {
            (Kept::Output(record), _) => at_path(&record.0, path).cloned(),
            (Kept::Branch(name), _) => Some(str_datum(self.engine.text(*name))),
            (Kept::Conditions(values), NodeKind::Condition { fields }) => match path.first()?.as_str() {
                "all" => Some(Datum::Bool(values.iter().all(|value| *value))),
                "any" => Some(Datum::Bool(values.iter().any(|value| *value))),
                wanted => {
                    let index = fields.iter().position(|(name, _)| self.engine.text(*name) == wanted)?;
                    values.get(index).map(|value| Datum::Bool(*value))
                }
            },
            (Kept::Conditions(_), _) => None,
        }
    }
}

fn shown(value: &Datum) -> String {
    to_json(value)
}
