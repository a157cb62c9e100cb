//! Terminals: where they may stand, what must hold there, and what may follow one that settles the outcome.

use smol_str::{SmolStr, format_smolstr};

use super::config::{Checked, listed};
use super::state::State;
use super::walk::{Instance, Walk, head};
use crate::ast::{BlockStep, ModifierKind, Step, StepKind};
use crate::diagnostic::Diagnostic;
use crate::schema::{Block, Contract, Family, Milestone};
use crate::source::Span;
use crate::typed::facts::Facts;
use crate::typed::facts::values::Values;
use crate::typed::flow::Role;

impl<'a> Walk<'a, '_> {
    /// The walk comes to a terminal.
    pub(super) fn terminal(
        &mut self,
        declared: &Block,
        block: &BlockStep,
        config: &Checked,
        mut state: State,
    ) -> (Role, State) {
        let span = block.ty.span;
        if declared.name == "deny" {
            self.deny_reason(block, config);
        }
        if !self.may_end(declared, span) {
            // What it was meant to be is not known: nothing below is said to be unreachable.
            self.frame.broken = true;
            return (Role::Ends, state);
        }
        self.costs.push((declared.timeout, span, declared.name.clone()));
        self.spend(&mut state, declared.timeout);
        let by_itself = self.frame.flow.system || self.parent.is_none();
        if declared.settles() {
            if let Some(first) = state.settled {
                self.error(
                    Diagnostic::error("A0249", span, "the outcome is settled already")
                        .label(first, "here, on some path that leads on to this")
                        .help("one terminal settles a run; put each on a path of its own"),
                );
                return (Role::Settles, state);
            }
            self.at_settling(declared, config, &state, span);
            state.settled = Some(span);
            state.unsettled = false;
            return (Role::Settles, state);
        }
        if declared.name == "allow" && !by_itself {
            self.frame.exits.push(state);
            return (Role::Leaves, State::dead(Some(span)));
        }
        if self.frame.flow.system && self.frame.contract.is_some_and(|contract| contract.ends.contains(&declared.name))
        {
            // `finalize`: where nothing mints, the terminal that the contract names settles.
            self.at_settling(declared, config, &state, span);
        }
        (Role::Ends, State::dead(Some(span)))
    }

    /// What stands below a settling terminal: notifications, Actions without claims, `async` runs, and decisions over
    /// these.
    pub(super) fn after_settling(&mut self, step: &Step, state: &State) {
        let Some(settled) = state.settled else { return };
        if self.parent.is_some() {
            // The `run flow` around it may not stand there itself, which is said.
            return;
        }
        let queued = |modifiers: &[crate::ast::Modifier]| {
            modifiers.iter().any(|modifier| matches!(modifier.kind, ModifierKind::Async))
        };
        let why = match &step.kind {
            StepKind::Block(block) => match self.index.library.block(&block.ty.text) {
                // A terminal that settles says itself that it is the second.
                Some(declared) if declared.settles() => return,
                Some(declared) if declared.family == Family::Notification || queued(&block.modifiers) => return,
                Some(declared) => format!("`{}` may not follow the terminal that settled the outcome", declared.name),
                None => return,
            },
            StepKind::RunAction(run) => {
                let claims = self.index.pinned(run).is_some_and(|action| !action.claims.is_empty());
                if !claims || queued(&run.modifiers) {
                    return;
                }
                let message = format!("the action `{}` sets claims, and the session is made already", run.slug.text);
                self.error(
                    Diagnostic::error("A0287", run.slug.span, message)
                        .label(settled, "made here")
                        .help("run it before the terminal"),
                );
                return;
            }
            StepKind::RunFlow(run) => {
                format!("`run flow {}` may not follow the terminal that settled the outcome", run.slug.text)
            }
            StepKind::Condition(condition) => {
                format!("the condition `{}` may not follow the terminal that settled the outcome", condition.name.text)
            }
            StepKind::Decision(_) | StepKind::Broken => return,
        };
        self.error(Diagnostic::error("A0248", head(step), why).label(settled, "settled here").help(
            "below it stand only notification blocks, actions without claims, `async` runs, and decisions over these",
        ));
    }

    /// The end of the last stage.
    pub(super) fn at_end(&mut self, state: &State) {
        if !state.alive || !state.unsettled || self.frame.broken {
            return;
        }
        let flow = self.frame.flow;
        let lacks_terminal = self.frame.contract.is_some_and(|contract| {
            contract
                .milestones()
                .any(|(_, milestone)| self.settles_or_ends(milestone) && self.frame.missing.contains(&milestone.span))
        });
        if lacks_terminal {
            return;
        }
        let span = flow.stages.last().map_or(flow.name.span, |stage| stage.name.span);
        let ends = match (self.frame.contract, flow.system) {
            (Some(contract), true) => self.terminals_of(contract),
            (None, true) => return,
            (_, false) => "`allow` or `deny`".to_owned(),
        };
        let mut found =
            Diagnostic::error("A0245", span, format!("a path of `{}` ends without a terminal", flow.name.text))
                .here("some path falls out below this stage");
        if let Some(settled) = state.settled {
            found = found.label(settled, "this ends only some of the paths");
        }
        self.error(found.help(format!("end every path in {ends}")));
    }

    /// Whether the contract, or the custom flow, allows this terminal.
    fn may_end(&mut self, declared: &Block, span: Span) -> bool {
        let name = &declared.name;
        if !self.frame.flow.system {
            if name == "allow" || name == "deny" {
                return true;
            }
            if declared.family != Family::Session && !declared.effects.mints {
                self.error(
                    Diagnostic::error("A0246", span, format!("a custom flow may not end in `{name}`"))
                        .help("it ends in `allow`, which hands control back, or in `deny`"),
                );
            }
            return false;
        }
        let Some(contract) = self.frame.contract else { return true };
        if name == "deny" || contract.ends.contains(name) {
            return true;
        }
        let found = Diagnostic::error("A0246", span, format!("`{}` may not end in `{name}`", contract.name))
            .label(contract.span, "the contract");
        let ends = self.terminals_of(contract);
        self.error(found.help(format!("it ends in {ends}")));
        false
    }

    fn terminals_of(&self, contract: &Contract) -> String {
        let mut names: Vec<&str> = contract.ends.iter().map(SmolStr::as_str).collect();
        if !names.contains(&"deny") {
            names.push("deny");
        }
        match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or `{last}`", listed(rest.iter().copied())),
            _ => listed(names.into_iter()),
        }
    }

    fn deny_reason(&mut self, block: &BlockStep, config: &Checked) {
        let Some((_, word)) = config.words.iter().find(|(name, _)| name == "reason") else { return };
        let written = block.config.iter().flat_map(|config| &config.fields).find(|field| field.name.text == "reason");
        let span = match written.map(|field| &field.value) {
            Some(crate::ast::ConfigValue::Expr(expr)) => expr.span,
            Some(crate::ast::ConfigValue::Type(_)) | None => return,
        };
        self.reason_word(&word.clone(), span);
    }

    /// The name of a claim that a flow sets.
    pub(super) fn claim_name(&mut self, block: &BlockStep, config: &Checked) {
        let Some((_, name)) = config.words.iter().find(|(name, _)| name == "name") else { return };
        let Err((message, help)) = super::action::grants::claim(name) else { return };
        let written = block.config.iter().flat_map(|config| &config.fields).find(|field| field.name.text == "name");
        let span = match written.map(|field| &field.value) {
            Some(crate::ast::ConfigValue::Expr(expr)) => expr.span,
            Some(crate::ast::ConfigValue::Type(_)) | None => block.ty.span,
        };
        self.error(Diagnostic::error("A0289", span, message).help(help));
    }

    /// Where a terminal settles the outcome, the contract's results must be known.
    fn at_settling(&mut self, declared: &Block, config: &Checked, state: &State, span: Span) {
        if self.frame.broken {
            return;
        }
        let Some(contract) = self.frame.contract else { return };
        let missing = self.frame.missing.clone();
        let mut credentials: Vec<&Instance> = Vec::new();
        let mut said = Vec::new();
        for (stage, milestone) in contract.milestones() {
            if milestone.alternatives.iter().all(|alternative| alternative.result.is_none())
                || missing.contains(&milestone.span)
            {
                continue;
            }
            let (found, problem) = self.result_known((&stage.name, milestone), declared, state, span);
            credentials.extend(found);
            if let Some(problem) = problem {
                said.push(problem);
            }
        }
        if !said.is_empty() {
            self.out.append(&mut said);
            return;
        }
        let mut problems = Vec::new();
        for (_, milestone) in contract.milestones() {
            if missing.contains(&milestone.span) || self.settles_or_ends(milestone) {
                continue;
            }
            if milestone.alternatives.iter().any(|alternative| alternative.result.is_some()) {
                continue;
            }
            if !self.has_run(milestone, &credentials, state) {
                problems.push(
                    Diagnostic::error("A0262", span, format!("{} may not have run here", names_of(milestone)))
                        .label(milestone.span, "the contract's line")
                        .help(format!("run it on every path that leads to `{}`", declared.name)),
                );
            }
        }
        self.out.append(&mut problems);
        if missing.is_empty() {
            self.level_reached(declared, config, state, span);
        }
    }

    /// The instances whose result counts, and what is wrong with it. An alternative that stands in a later stage too (a
    /// code by mail after the password) asks for more; it is no second way in.
    fn result_known(
        &self,
        (stage, milestone): (&str, &Milestone),
        terminal: &Block,
        state: &State,
        span: Span,
    ) -> (Vec<&Instance>, Option<Diagnostic>) {
        let mut places: Vec<SmolStr> = Vec::new();
        let mut true_ones: Vec<(&str, &Instance)> = Vec::new();
        let mut all: Vec<&Instance> = Vec::new();
        for instance in &self.frame.instances {
            let Some(alternative) = milestone.alternatives.iter().find(|one| one.block == instance.block) else {
                continue;
            };
            let Some(result) = &alternative.result else { continue };
            let place = format_smolstr!("{}.{result}", instance.place);
            if instance.stage == stage && state.facts.known_bool(&place) == Some(true) {
                true_ones.push((&alternative.block, instance));
            }
            places.push(place);
            all.push(instance);
        }
        if let [(first, one), rest @ ..] = true_ones.as_slice()
            && let Some((second, other)) = rest.iter().find(|(block, _)| block != first)
        {
            let problem = Diagnostic::error(
                "A0261",
                span,
                format!("both `{first}` and `{second}` count on one path to `{}`", terminal.name),
            )
            .label(one.span, "known true here")
            .label(other.span, "and here")
            .label(milestone.span, "the contract's line")
            .help("a path has one of the alternatives; put them in branches of their own");
            return (all, Some(problem));
        }
        if state.facts.always_one_true(&places) {
            return (all, None);
        }
        let wanted: Vec<String> = milestone
            .alternatives
            .iter()
            .filter_map(|alternative| Some(format!("`{}` of `{}`", alternative.result.as_ref()?, alternative.block)))
            .collect();
        let mut problem = Diagnostic::error(
            "A0260",
            span,
            format!("{} is not known to be true at `{}`", wanted.join(" or "), terminal.name),
        )
        .label(milestone.span, "the contract's line");
        for instance in &all {
            problem = problem.label(instance.span, "its result is not known on every path to the terminal");
        }
        let step = all.first().map_or_else(|| SmolStr::new_static("step.LABEL"), |instance| instance.place.clone());
        let result = milestone.alternatives.iter().find_map(|one| one.result.clone()).unwrap_or_default();
        let problem = problem.help(format!(
            "decide on it before: `when !{step}.{result} -> wrong {{ deny {{ reason: \"invalid_credentials\" }} }}`"
        ));
        (all, Some(problem))
    }

    /// A milestone without a result has run on every path, or a credential that counts has provided what it provides.
    fn has_run(&self, milestone: &Milestone, credentials: &[&Instance], state: &State) -> bool {
        let library = self.index.library;
        let of_milestone = |instance: &&Instance| milestone.alternatives.iter().any(|one| one.block == instance.block);
        let own: Vec<&Instance> = self.frame.instances.iter().filter(of_milestone).collect();
        if own.iter().any(|instance| state.facts.is_present(&instance.place)) {
            return true;
        }
        let paths: Vec<&Vec<SmolStr>> = milestone
            .alternatives
            .iter()
            .filter_map(|one| library.block(&one.block))
            .flat_map(|block| block.provides.iter().map(|provides| &provides.path))
            .collect();
        !paths.is_empty()
            && paths.iter().all(|path| {
                let provides = credentials.iter().any(|instance| {
                    library
                        .block(&instance.block)
                        .is_some_and(|block| block.provides.iter().any(|one| one.path == **path))
                });
                provides && state.facts.is_present(&format_smolstr!("event.{}", path.join(".")))
            })
    }

    /// A terminal that wants a level of assurance which no path here has always denies.
    fn level_reached(&mut self, declared: &Block, config: &Checked, state: &State, span: Span) {
        const LEVELS: [&str; 4] = ["aal0", "aal1", "aal2", "aal3"];
        let Some((_, wanted)) = config.words.iter().find(|(name, _)| name == "aal_min") else { return };
        let Some(least) = LEVELS.iter().position(|level| level == wanted) else { return };
        let enough = LEVELS.iter().skip(least).map(|level| SmolStr::new_static(level));
        let reached = state.facts.and(&Facts::one_of("event.authentication.aal", Values::words(enough)));
        if reached.is_impossible() {
            self.error(
                Diagnostic::error(
                    "A0263",
                    span,
                    format!("no path here reaches `{wanted}`, so `{}` always denies", declared.name),
                )
                .help("run a second factor such as `mfa` before, or lower `aal_min`"),
            );
        }
    }

    fn settles_or_ends(&self, milestone: &Milestone) -> bool {
        milestone.alternatives.iter().any(|one| self.index.library.block(&one.block).is_some_and(Block::is_terminal))
    }
}

/// `` `a` or `b` ``
pub(super) fn names_of(milestone: &Milestone) -> String {
    milestone.alternatives.iter().map(|one| format!("`{}`", one.block)).collect::<Vec<_>>().join(" or ")
}
