//! What a block does to what is known: `provides`, `sets`, `ensures`.

use smol_str::{SmolStr, format_smolstr};

use super::same::bare;
use super::state::State;
use super::walk::Walk;
use crate::ast::expr::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::schema::Block;
use crate::typed::facts::values::Values;
use crate::typed::facts::{Facts, Place};

/// Config that is constant: name and value, for the conditions of clauses.
pub(super) type ConstantConfig = Vec<(SmolStr, bool)>;

/// When a clause's condition holds.
enum When {
    /// In any case.
    Always,
    /// Never, with this config.
    Never,
    /// If these outputs are so.
    If(Vec<(SmolStr, bool)>),
    /// It cannot be seen.
    Unknown,
}

/// The levels of assurance, which only rise.
const LEVELS: [&str; 4] = ["aal0", "aal1", "aal2", "aal3"];

impl Walk<'_, '_> {
    /// The block has run: what is known after it.
    pub(super) fn apply_effects(&mut self, block: &Block, place: &str, config: &ConstantConfig, state: &mut State) {
        state.learn(&Facts::present(place));
        for ensures in &block.ensures {
            let holds = match condition(ensures.when.as_ref(), place, config) {
                When::Always => true,
                // `!found when must_not_exist`, unknown: nothing is known.
                When::Never | When::If(_) | When::Unknown => false,
            };
            if holds && let When::If(results) = condition(Some(&ensures.what), place, config) {
                for (result, value) in results {
                    state.learn(&Facts::is(&result, value));
                }
            }
        }
        for provides in &block.provides {
            let path = format_smolstr!("event.{}", provides.path.join("."));
            let when = condition(provides.when.as_ref(), place, config);
            if matches!(when, When::Never) {
                continue;
            }
            state.renew(&path);
            follow(state, when, Facts::present(&path));
        }
        for sets in &block.sets {
            let path = format_smolstr!("event.{}", sets.path.join("."));
            let when = condition(sets.when.as_ref(), place, config);
            if matches!(when, When::Never) {
                continue;
            }
            let level = sets
                .to
                .as_ref()
                .and_then(constant_word)
                .and_then(|word| LEVELS.iter().position(|level| *level == word));
            match level {
                Some(level) if path == "event.authentication.aal" => raise(state, when, &path, level),
                Some(_) | None => {
                    state.renew(&path);
                    follow(state, when, Facts::present(&path));
                }
            }
        }
    }
}

/// The result that a condition tests, where it tests one alone: `found`.
pub(super) fn single_output(when: &Expr) -> Option<SmolStr> {
    match &bare(when).kind {
        ExprKind::Ident(name) => Some(name.text.clone()),
        _ => None,
    }
}

/// What follows if the condition holds is learnt now, or when its results are known.
fn follow(state: &mut State, when: When, then: Facts) {
    match when {
        When::Always => state.learn(&then),
        When::If(when) => {
            state.follow(when.iter().map(|(place, value)| (Place::new(place), *value)).collect(), then);
        }
        When::Never | When::Unknown => {}
    }
}

/// The level of assurance rises to at least `level`.
fn raise(state: &mut State, when: When, path: &SmolStr, level: usize) {
    let from = |least: usize| Values::words(LEVELS.iter().skip(least).map(|word| SmolStr::new_static(word)));
    let raised = |old: Option<&Values>| match old {
        None => from(level),
        Some(old) => {
            let mut new = old.meet(&from(level));
            if !old.without(&from(level)).is_empty() {
                new = join(new, Values::words([SmolStr::new_static(LEVELS.get(level).copied().unwrap_or("aal3"))]));
            }
            new
        }
    };
    let sure = matches!(when, When::Always);
    state.facts = state.facts.replace(path, |old| {
        let new = raised(old);
        match old {
            _ if sure => new,
            Some(old) => join(old.clone(), new),
            None => Values::Any,
        }
    });
    follow(state, when, Facts::one_of(path, from(level)));
}

/// As `Values::join`, where an empty set adds nothing.
fn join(left: Values, right: Values) -> Values {
    match (left.is_empty(), right.is_empty()) {
        (true, _) => right,
        (_, true) => left,
        (false, false) => left.join(&right),
    }
}

fn constant_word(to: &Expr) -> Option<&str> {
    match &bare(to).kind {
        ExprKind::Str(word) => Some(word),
        _ => None,
    }
}

/// When a clause holds: conditions that are results, their negations, and several of them at once.
fn condition(when: Option<&Expr>, place: &str, config: &ConstantConfig) -> When {
    let Some(when) = when else { return When::Always };
    let mut results = Vec::new();
    match literals(when, true, &mut results) {
        Some(()) => {}
        None => return When::Unknown,
    }
    let mut needed = Vec::new();
    for (name, value) in results {
        match config.iter().find(|(known, _)| *known == name) {
            Some((_, is)) if *is == value => {}
            Some(_) => return When::Never,
            None => needed.push((format_smolstr!("{place}.{name}"), value)),
        }
    }
    if needed.is_empty() { When::Always } else { When::If(needed) }
}

/// The names that must be true or false for the expression to be `value`, where they are joined by `and` alone.
fn literals(expr: &Expr, value: bool, out: &mut Vec<(SmolStr, bool)>) -> Option<()> {
    match &bare(expr).kind {
        ExprKind::Ident(name) => {
            out.push((name.text.clone(), value));
            Some(())
        }
        ExprKind::Unary(UnaryOp::Not, inner) => literals(inner, !value, out),
        ExprKind::Binary { op: BinaryOp::And, left, right, .. } if value => {
            literals(left, value, out)?;
            literals(right, value, out)
        }
        ExprKind::Binary { op: BinaryOp::Or, left, right, .. } if !value => {
            literals(left, value, out)?;
            literals(right, value, out)
        }
        _ => None,
    }
}
