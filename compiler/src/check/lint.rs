//! Enumeration safety: a flow must not do more, or something else, for a user that exists than for one that does not.

use smol_str::{SmolStr, format_smolstr};

use super::same::{bare, same};
use super::state::State;
use super::walk::Walk;
use crate::ast::expr::{Expr, ExprKind};
use crate::ast::{Case, ConfigValue, Decision, Step, StepKind};
use crate::diagnostic::Diagnostic;

impl Walk<'_, '_> {
    /// Warns of branches on whether a user was found that do unequal work, where no credential has been verified yet.
    pub(super) fn enumeration(&mut self, decision: &Decision, state: &State) {
        let Some(tests) = self.tests_for_user(state) else { return };
        let telling = decision.cases.iter().filter_map(|case| case.when.as_ref()).find(|when| names_any(when, &tests));
        let Some(telling) = telling else { return };
        let Some((first, rest)) = decision.cases.split_first() else { return };
        let unequal = rest.iter().find(|case| !equal(steps(first), steps(case)));
        let Some(other) = unequal else { return };
        self.out.push(
            Diagnostic::warning(
                "A0291",
                telling.span,
                format!("the branches of `{}` tell whether the user exists: they do unequal work", decision.name.text),
            )
            .label(first.branch.span, "this branch")
            .label(other.branch.span, "does something else than this one")
            .help("let the flow go on: each credential block prompts, works as long and answers the same for an unknown user"),
        );
    }

    /// Places that say whether the user exists, where asking is telling: `step.identity-lookup.found`, `event.user`.
    fn tests_for_user(&self, state: &State) -> Option<Vec<SmolStr>> {
        let library = self.index.library;
        let mut tests = vec![SmolStr::new_static("event.user")];
        for instance in &self.frame.instances {
            let Some(block) = library.block(&instance.block) else { continue };
            for provides in
                block.provides.iter().filter(|provides| provides.path.first().is_some_and(|path| path == "user"))
            {
                let Some(result) = provides.when.as_ref().and_then(super::effects::single_output) else { continue };
                let place = format_smolstr!("{}.{result}", instance.place);
                // What the user has to show, at once or when asked: an identifier alone tells who exists, a secret does not.
                if block.effects.prompts || !block.takes.is_empty() {
                    // A credential that is known to be verified: who asks now knows the user already.
                    if state.facts.known_bool(&place) == Some(true) {
                        return None;
                    }
                } else {
                    tests.push(place);
                }
            }
        }
        (tests.len() > 1).then_some(tests)
    }
}

fn steps(case: &Case) -> &[Step] {
    case.steps.as_deref().unwrap_or(&[])
}

/// The expression names one of the places, or what is below it.
fn names_any(expr: &Expr, places: &[SmolStr]) -> bool {
    if let Some(path) = dotted(expr) {
        return places.iter().any(|place| {
            path.strip_prefix(place.as_str())
                .is_some_and(|rest| rest.is_empty() || (place == "event.user" && rest.starts_with('.')))
        });
    }
    let mut parts: Vec<&Expr> = Vec::new();
    match &expr.kind {
        ExprKind::Select { operand, .. } => parts.push(operand),
        ExprKind::Index { operand, index, .. } => parts.extend([&**operand, &**index]),
        ExprKind::Call { target, args, .. } => parts.extend(target.iter().map(|target| &**target).chain(args)),
        ExprKind::Unary(_, inner) | ExprKind::Paren(inner) => parts.push(inner),
        ExprKind::Binary { left, right, .. } => parts.extend([&**left, &**right]),
        ExprKind::Cond(condition, yes, no) => parts.extend([&**condition, &**yes, &**no]),
        ExprKind::List(items) => parts.extend(items.iter().map(|item| &item.value)),
        ExprKind::Map(entries) => parts.extend(entries.iter().map(|entry| &entry.value)),
        _ => {}
    }
    parts.into_iter().any(|part| names_any(part, places))
}

/// `a.b.c` as text.
fn dotted(expr: &Expr) -> Option<SmolStr> {
    match &bare(expr).kind {
        ExprKind::Ident(name) => Some(name.text.clone()),
        ExprKind::Select { operand, field, .. } => Some(format_smolstr!("{}.{}", dotted(operand)?, field.text)),
        _ => None,
    }
}

/// The steps do the same work: the same blocks with the same config in the same order.
fn equal(left: &[Step], right: &[Step]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal_step(&left.kind, &right.kind))
}

fn equal_step(left: &StepKind, right: &StepKind) -> bool {
    match (left, right) {
        (StepKind::Block(left), StepKind::Block(right)) => {
            let fields = |block: &crate::ast::BlockStep| {
                let mut fields: Vec<_> = block.config.iter().flat_map(|config| config.fields.clone()).collect();
                fields.sort_by(|a, b| a.name.text.cmp(&b.name.text));
                fields
            };
            let (left_fields, right_fields) = (fields(left), fields(right));
            left.ty.text == right.ty.text
                && left_fields.len() == right_fields.len()
                && left_fields.iter().zip(&right_fields).all(|(left, right)| {
                    left.name.text == right.name.text
                        && match (&left.value, &right.value) {
                            (ConfigValue::Expr(left), ConfigValue::Expr(right)) => same(left, right),
                            (ConfigValue::Type(_), ConfigValue::Type(_)) => true,
                            (ConfigValue::Expr(_) | ConfigValue::Type(_), _) => false,
                        }
                })
        }
        (StepKind::RunFlow(left), StepKind::RunFlow(right)) => left.slug.text == right.slug.text,
        (StepKind::RunAction(left), StepKind::RunAction(right)) => {
            left.slug.text == right.slug.text && left.version.text == right.version.text
        }
        (StepKind::Broken, _) | (_, StepKind::Broken) => true,
        (
            StepKind::Block(_)
            | StepKind::RunFlow(_)
            | StepKind::RunAction(_)
            | StepKind::Decision(_)
            | StepKind::Condition(_),
            _,
        ) => false,
    }
}
