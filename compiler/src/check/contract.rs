//! The contract of a system flow: its stages, its milestones, and the conditions on its stages.

use admit_plan::code;
use admit_plan::types::{Kind, Type};
use smol_str::{SmolStr, format_smolstr};

use super::config::listed;
use super::same::bare;
use super::settle::names_of;
use super::state::State;
use super::walk::{Instance, Walk};
use crate::ast::expr::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::ast::{Stage, Step, StepKind};
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::schema::{Contract, ContractStage, Milestone};
use crate::source::Span;
use crate::typed::facts::Facts;
use crate::typed::flow::{self, Source};

/// The condition on a stage.
pub(super) struct StageCondition {
    /// As code.
    pub expr: flow::Expr,
    /// Known inside.
    pub yes: Facts,
    /// Known where the stage is skipped.
    pub no: Facts,
}

impl<'a> Walk<'a, '_> {
    /// The stages and milestones of a system flow against its contract, before the walk.
    pub(super) fn structure(&mut self, contract: &'a Contract) {
        let flow = self.frame.flow;
        let known = |name: &str| contract.stages.iter().position(|stage| stage.name == name);
        let mut last: Option<(usize, Span)> = None;
        for stage in &flow.stages {
            let name = &stage.name;
            match known(&name.text) {
                None => {
                    let found = Diagnostic::error(
                        "A0256",
                        name.span,
                        format!("`{}` has no stage `{}`", contract.name, name.text),
                    )
                    .label(contract.span, "the contract");
                    let names = contract.stages.iter().map(|stage| stage.name.as_str());
                    self.frame.broken = true;
                    self.error(match nearest(&name.text, names.clone()) {
                        Some(near) => found.help(format!("did you mean `{near}`?")),
                        None => found.help(format!("its stages are {}, in this order", listed(names))),
                    });
                }
                Some(position) => {
                    if let Some((before, span)) = last
                        && position < before
                    {
                        let names = contract.stages.iter().map(|stage| stage.name.as_str());
                        self.error(
                            Diagnostic::error(
                                "A0257",
                                name.span,
                                format!("the stage `{}` stands in the wrong place", name.text),
                            )
                            .label(span, "it belongs before this one")
                            .help(format!("the order is {}", listed(names))),
                        );
                    }
                    if last.is_none_or(|(before, _)| position > before) {
                        last = Some((position, name.span));
                    }
                }
            }
        }
        for stage in &contract.stages {
            match flow.stages.iter().find(|written| written.name.text == stage.name) {
                Some(written) => self.milestones(contract, stage, written),
                None if self.frame.broken => {}
                None => {
                    self.frame.missing.extend(stage.milestones.iter().map(|milestone| milestone.span));
                    self.error(
                        Diagnostic::error(
                            "A0255",
                            flow.name.span,
                            format!("`{}` has no stage `{}`", flow.name.text, stage.name),
                        )
                        .label(stage.span, "the contract's line")
                        .help("all stages of the contract are written, in its order; a stage may be empty"),
                    );
                }
            }
        }
    }

    /// The milestones of one stage.
    fn milestones(&mut self, contract: &Contract, stage: &ContractStage, written: &Stage) {
        for milestone in &stage.milestones {
            if finds(&written.steps, milestone).is_some() {
                continue;
            }
            self.frame.missing.push(milestone.span);
            // A block that does not exist may be meant for it: that is said where it stands.
            if written.broken || self.frame.broken || self.holds_unknown(&written.steps) {
                continue;
            }
            let elsewhere = self
                .frame
                .flow
                .stages
                .iter()
                .filter(|other| other.name.text != stage.name)
                .filter(|other| !holds_too(contract, &other.name.text, milestone))
                .find_map(|other| finds(&other.steps, milestone));
            let names = names_of(milestone);
            self.error(match elsewhere {
                Some(span) => {
                    Diagnostic::error("A0259", span, format!("{names} belongs in the stage `{}`", stage.name))
                        .label(milestone.span, "the contract's line")
                        .label(written.name.span, "here")
                        .help("move it there")
                }
                None => Diagnostic::error(
                    "A0258",
                    written.name.span,
                    format!("the stage `{}` of `{}` has no {names}", stage.name, contract.name),
                )
                .label(milestone.span, "the contract's line")
                .help(format!("add {names} to the stage")),
            });
        }
    }

    fn holds_unknown(&self, steps: &[Step]) -> bool {
        steps.iter().any(|step| match &step.kind {
            StepKind::Block(block) => self.index.library.block(&block.ty.text).is_none(),
            StepKind::Decision(decision) => {
                decision.cases.iter().any(|case| self.holds_unknown(case.steps.as_deref().unwrap_or(&[])))
            }
            StepKind::RunAction(_) | StepKind::RunFlow(_) | StepKind::Condition(_) | StepKind::Broken => false,
        })
    }

    /// A milestone that stands below a later one of its stage, on one path, has been moved.
    pub(super) fn in_order(&mut self, instance: &Instance, state: &State) {
        let Some(contract) = self.frame.contract.filter(|_| self.frame.flow.system) else { return };
        for stage in &contract.stages {
            let position = stage
                .milestones
                .iter()
                .position(|milestone| milestone.alternatives.iter().any(|one| one.block == instance.block));
            let Some(position) = position else { continue };
            let own = stage.milestones.get(position);
            let later = stage.milestones.get(position + 1..).unwrap_or(&[]);
            let passed = self.frame.instances.iter().find(|passed| {
                state.ran.contains(passed.id)
                    && later.iter().any(|one| one.alternatives.iter().any(|one| one.block == passed.block))
                    // The same block again, after it stood where it belongs, is no move.
                    && !self.frame.instances.iter().any(|before| before.block == instance.block && before.id < passed.id)
            });
            if let (Some(passed), Some(own)) = (passed, own) {
                let found = Diagnostic::error(
                    "A0259",
                    instance.span,
                    format!("`{}` belongs before `{}`", instance.block, passed.block),
                )
                .label(passed.span, "runs before it here")
                .label(own.span, "the contract's line")
                .help("move it up");
                self.out.push(found);
            }
        }
    }

    /// The condition that the contract puts on a stage.
    pub(super) fn stage_condition(&mut self, stage: &Stage) -> Option<StageCondition> {
        let contract = self.frame.contract.filter(|_| self.frame.flow.system)?;
        let declared = contract.stages.iter().find(|declared| declared.name == stage.name.text)?;
        let when = declared.when.as_ref()?;
        let (code, yes, no) = self.over_results(when)?;
        let expr = flow::Expr { code, ty: Kind::Bool.into(), span: stage.name.span, spans: Vec::new() };
        Some(StageCondition { expr, yes, no })
    }

    /// A condition over the results of blocks, `mfa.verified`: of every block of the type that has run.
    fn over_results(&mut self, when: &Expr) -> Option<(code::Expr, Facts, Facts)> {
        match &bare(when).kind {
            ExprKind::Unary(UnaryOp::Not, inner) => {
                let (code, yes, no) = self.over_results(inner)?;
                Some((code::Expr::Not(Box::new(code)), no, yes))
            }
            ExprKind::Binary { op: BinaryOp::And, left, right, .. } => {
                let (left, left_yes, left_no) = self.over_results(left)?;
                let (right, right_yes, right_no) = self.over_results(right)?;
                Some((code::Expr::And(vec![left, right]), left_yes.and(&right_yes), left_no.or(&right_no)))
            }
            ExprKind::Binary { op: BinaryOp::Or, left, right, .. } => {
                let (left, left_yes, left_no) = self.over_results(left)?;
                let (right, right_yes, right_no) = self.over_results(right)?;
                Some((code::Expr::Or(vec![left, right]), left_yes.or(&right_yes), left_no.and(&right_no)))
            }
            ExprKind::Select { operand, field, .. } => {
                let ExprKind::Ident(block) = &bare(operand).kind else { return None };
                Some(self.result_of(&block.text, &field.text))
            }
            _ => None,
        }
    }

    fn result_of(&mut self, block: &str, result: &SmolStr) -> (code::Expr, Facts, Facts) {
        let instances: Vec<Instance> =
            self.frame.instances.iter().filter(|instance| instance.block == block).cloned().collect();
        let mut yes = Facts::impossible();
        let mut no = Facts::nothing();
        let mut any = Vec::with_capacity(instances.len());
        for instance in &instances {
            let place = format_smolstr!("{}.{result}", instance.place);
            yes = yes.or(&Facts::is(&place, true));
            no = no.and(&Facts::is(&place, false).or(&Facts::absent(&instance.place)));
            let source = Source::Step(instance.id, vec![result.clone()]);
            let slot = self.slots.slot(source, &place, &Type::from(Kind::Bool), true);
            any.push(code::Expr::And(vec![code::Expr::Has(slot), code::Expr::Slot(slot)]));
        }
        let code = match any.len() {
            0 => code::Expr::Bool(false),
            1 => any.remove(0),
            _ => code::Expr::Or(any),
        };
        (code, yes, no)
    }
}

/// Where a step of the list, or of a branch in it, is one of the milestone's alternatives.
fn finds(steps: &[Step], milestone: &Milestone) -> Option<Span> {
    steps.iter().find_map(|step| match &step.kind {
        StepKind::Block(block) => {
            milestone.alternatives.iter().any(|one| one.block == block.ty.text).then_some(block.ty.span)
        }
        StepKind::Decision(decision) => {
            decision.cases.iter().find_map(|case| finds(case.steps.as_deref().unwrap_or(&[]), milestone))
        }
        StepKind::RunAction(_) | StepKind::RunFlow(_) | StepKind::Condition(_) | StepKind::Broken => None,
    })
}

/// The stage has a milestone of its own with one of the same blocks.
fn holds_too(contract: &Contract, stage: &str, milestone: &Milestone) -> bool {
    contract.stages.iter().filter(|other| other.name == stage).flat_map(|other| &other.milestones).any(|other| {
        other.alternatives.iter().any(|one| milestone.alternatives.iter().any(|wanted| wanted.block == one.block))
    })
}
