//! Rules (language.md section 8): names and types are checked here. Proving them is a stage of its own, so that each
//! rule gets the warning that it is not proved yet.

use admit_plan::types::{Kind, Type};
use smol_str::SmolStr;

use super::known::{OpenScope, Steps, steps_of};
use super::walk::Used;
use crate::ast::expr::Expr;
use crate::ast::{Item, Name, Rule, RuleClauseKind};
use crate::diagnostic::{Diagnostic, Level};
use crate::nearest::nearest;
use crate::resolve::Index;
use crate::typed::Expect;
use crate::typed::facts::Facts;
use crate::typed::infer::infer;
use crate::typed::tables::{Interner, Slots};

/// Checks all rules.
pub(super) fn rules(index: &Index<'_>, used: &mut Used, out: &mut Vec<Diagnostic>) {
    for (item, rule) in &index.rules {
        let mut found = Vec::new();
        check_rule(item, rule, index, used, &mut found);
        if !item.broken && !found.iter().any(|found| found.level == Level::Error) {
            found.push(
                Diagnostic::warning(
                    "A0800",
                    rule.name.span,
                    format!("the rule `{}` is not proved yet", rule.name.text),
                )
                .help("its names and types are checked; nothing proves it over all paths in this version"),
            );
        }
        out.append(&mut found);
    }
}

fn check_rule(item: &Item, rule: &Rule, index: &Index<'_>, used: &mut Used, out: &mut Vec<Diagnostic>) {
    if rule.clauses.is_empty() && !item.broken {
        out.push(
            Diagnostic::error("A0803", rule.name.span, format!("the rule `{}` demands nothing", rule.name.text))
                .help("write a clause, such as `before issue_session require event.authentication.aal != \"aal0\"`"),
        );
    }
    let mut steps = Steps::new();
    for name in &rule.of {
        match index.flows.get(name.text.as_str()) {
            Some(item) => merge(&mut steps, steps_of(item.flow, index)),
            None if index.library.contract(&name.text).is_some() || index.broken => {}
            None => out.push(unknown_flow("A0802", name, index)),
        }
    }
    if rule.of.is_empty() {
        for item in index.flows.values().filter(|item| item.flow.system) {
            merge(&mut steps, steps_of(item.flow, index));
        }
    }
    let mut cx = RuleCx { index, steps: &steps, used, broken: item.broken || index.broken };
    for clause in &rule.clauses {
        match &clause.kind {
            RuleClauseKind::Before(block, when, require) => {
                cx.name(block, out);
                if let Some(when) = when {
                    cx.condition(when, out);
                }
                cx.condition(require, out);
            }
            RuleClauseKind::Never(block, when) => {
                cx.name(block, out);
                if let Some(when) = when {
                    cx.condition(when, out);
                }
            }
            RuleClauseKind::After(first, later) => {
                cx.name(first, out);
                cx.name(later, out);
            }
            RuleClauseKind::EndsWithin(limit) => {
                if limit.millis == 0 {
                    out.push(Diagnostic::error("A0231", limit.span, "no run ends within 0"));
                }
            }
        }
    }
}

struct RuleCx<'r, 'a> {
    index: &'r Index<'a>,
    steps: &'r Steps,
    used: &'r mut Used,
    broken: bool,
}

impl RuleCx<'_, '_> {
    /// A block type or a label.
    fn name(&self, name: &Name, out: &mut Vec<Diagnostic>) {
        if self.steps.contains_key(&name.text) || self.index.library.block(&name.text).is_some() || self.broken {
            return;
        }
        let found = Diagnostic::error("A0801", name.span, format!("there is no block or label `{}`", name.text));
        let known = self.steps.keys().chain(self.index.library.blocks.keys()).map(SmolStr::as_str);
        out.push(match nearest(&name.text, known) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found.help("name a block type, such as `issue_session`, or the label of a step"),
        });
    }

    fn condition(&mut self, expr: &Expr, out: &mut Vec<Diagnostic>) {
        let (mut pool, mut slots) = (Interner::default(), Slots::default());
        let mut scope = OpenScope {
            index: self.index,
            steps: self.steps,
            event: self.index.event(None),
            pool: &mut pool,
            slots: &mut slots,
            used: self.used,
            facts: Facts::nothing(),
        };
        let bool = Type::from(Kind::Bool);
        infer(expr, Expect { ty: Some(&bool), rules: None, what: "a rule's condition" }, &mut scope, out);
    }
}

/// Steps of several flows: the first of a name stands for all.
fn merge(steps: &mut Steps, more: Steps) {
    for (name, mut known) in more {
        // A rule means every step of the name.
        known.count = 1;
        steps.entry(name).or_insert(known);
    }
}

/// A flow that is not there.
pub(super) fn unknown_flow(code: &'static str, name: &Name, index: &Index<'_>) -> Diagnostic {
    let found = Diagnostic::error(code, name.span, format!("there is no flow `{}`", name.text));
    let known = index.flows.keys().copied().chain(index.library.contracts.keys().map(SmolStr::as_str));
    match nearest(&name.text, known) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found,
    }
}
