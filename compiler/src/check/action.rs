//! `run action`.

mod declared;
pub(super) mod grants;
mod sees;

use std::rc::Rc;

use admit_plan::bundle::FACTOR;
use admit_plan::types::Kind;
use semver::Version;
use smol_str::{SmolStr, ToSmolStr, format_smolstr};

use super::block::{typed_step, worst_time};
use super::config::{Declared, Owner, listed};
use super::labels::demand_label;
use super::modifiers::Takes;
use super::state::State;
use super::walk::Walk;
use crate::ast::{RunAction, Step};
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::resolve::action::Action;
use crate::schema::Block;
use crate::typed::facts::Facts;
use crate::typed::flow::{self, OnError, Role, StepKind};

pub(super) use declared::declared;
use grants::Grants;

impl<'a, 'i> Walk<'a, 'i> {
    /// Checks `run action`.
    pub(super) fn run_action(
        &mut self,
        step: &'a Step,
        run: &'a RunAction,
        mut state: State,
    ) -> (Option<flow::Step>, State) {
        let index = self.index;
        let slug = &run.slug;
        let label = run.label.as_ref().unwrap_or(slug).text.clone();
        let id = self.number();
        self.used.actions.insert(slug.text.clone());
        let Some(action) = self.pinned(run) else {
            self.define(&label, id, Kind::Error.into());
            state.facts = state.facts.and(&Facts::present(&self.place(&label, id)));
            return (None, state);
        };
        let before = self.errors();
        for secret in action.secrets {
            self.used.secrets.insert(secret.text.clone());
            if !index.secrets.contains_key(secret.text.as_str()) && !index.broken {
                self.error(
                    Diagnostic::error(
                        "A0285",
                        slug.span,
                        format!("the action `{}` reads a secret that the project lacks", slug.text),
                    )
                    .label(secret.span, "this one")
                    .help(format!("declare it: `secret {}`", secret.text)),
                );
            }
        }
        let trigger = self.frame.system.as_ref().map(|system| format_smolstr!("{system}.{}", self.frame.stage));
        if let Some(trigger) = &trigger
            && !action.triggers.contains(trigger)
        {
            self.error(
                Diagnostic::error(
                    "A0284",
                    slug.span,
                    format!("the action `{}` does not run in `{trigger}`", slug.text),
                )
                .label(action.name.span, "declared here")
                .help(format!("its triggers are {}", listed(action.triggers.iter().map(SmolStr::as_str)))),
            );
        }
        if !action.enabled {
            self.error(
                Diagnostic::warning(
                    "A0286",
                    slug.span,
                    format!("the action `{}` is disabled, and is skipped", slug.text),
                )
                .label(action.name.span, "declared here")
                .help("take `enabled false` away, or the step"),
            );
        }
        let takes = Takes {
            span: slug.span,
            timeout: action.budget,
            must_end: action.prompts.then(|| format!("the action `{}` may ask the user", slug.text)),
            line: None,
            not_async: None,
            no_retry: action.prompts.then(|| format!("the action `{}` may ask the user", slug.text)),
        };
        let modifiers = self.modifiers(&run.modifiers, &takes);
        if let Some(settled) = state.settled
            && action.prompts
        {
            self.error(
                Diagnostic::error(
                    "A0288",
                    slug.span,
                    format!("the action `{}` may ask the user, and the outcome is settled", slug.text),
                )
                .label(settled, "settled here")
                .help("run it before the terminal"),
            );
        }
        let owner = Owner { name: &slug.text, span: slug.span, label: &label, sends: true, fixed: &[], line: None };
        let declared: Vec<Declared<'_>> = action
            .config
            .iter()
            .map(|field| Declared {
                name: &field.field.name.text,
                ty: &field.resolved.ty,
                rules: &field.resolved.rules,
                default: field.field.default.as_ref(),
            })
            .collect();
        let config = self.config(&owner, &declared, run.config.as_ref(), &state);
        let grants = if self.errors() > before { Grants::default() } else { self.grants(action, run, &config) };
        let output = action.output_type();
        let sees = self.sees(&state);
        self.define(&label, id, output.clone());
        let mut demand = None;
        if !modifiers.is_async {
            let cost = worst_time(&modifiers);
            self.costs.push((cost, slug.span, slug.text.clone()));
            self.spend(&mut state, cost);
            state.mark(id);
            let skipped = state.clone();
            state.learn(&Facts::present(&self.place(&label, id)));
            if modifiers.on_error == OnError::Continue {
                let implied = Rc::clone(&skipped.implied);
                state = state.join(skipped, &implied);
            }
            if action.prompts
                && let Some(mfa) = index.library.block(FACTOR)
            {
                (demand, state) = self.demand(mfa, run, &label, state);
            }
        }
        if self.errors() > before {
            return (None, state);
        }
        let typed = flow::RunAction {
            slug: slug.text.clone(),
            version: action.version.clone(),
            trigger: trigger.or_else(|| action.triggers.first().cloned()).unwrap_or_default(),
            config: config.fields,
            modifiers,
            output,
            enabled: action.enabled,
            demand,
            fetch: grants.fetch,
            claims: grants.claims,
            sees,
        };
        (Some(typed_step(step, id, label, run.label.is_some(), StepKind::RunAction(Box::new(typed)))), state)
    }

    /// The `mfa` block that the Action may demand: the walk goes over it, or it does not.
    fn demand(&mut self, mfa: &Block, run: &RunAction, label: &str, state: State) -> (Option<flow::Demand>, State) {
        let span = run.slug.span;
        let label = demand_label(label);
        let id = self.number();
        let owner = Owner { name: &mfa.name, span, label: &label, sends: mfa.effects.sends, fixed: &[], line: None };
        let fields: Vec<Declared<'_>> = mfa.config.iter().map(Declared::of).collect();
        let config = self.config(&owner, &fields, None, &state);
        let output = mfa.output_type(|_| None);
        let modifiers = flow::Modifiers { timeout: mfa.timeout, retry: None, on_error: OnError::Halt, is_async: false };
        self.define(&label, id, output.clone());
        let mut asked = state.clone();
        self.costs.push((mfa.timeout, span, label.clone()));
        self.spend(&mut asked, mfa.timeout);
        // It asks before it ends, and the answer is another request.
        asked.elapsed = mfa.timeout;
        asked.mark(id);
        let place = self.place(&label, id);
        self.apply_effects(mfa, &place, &config.constants, &mut asked);
        let implied = Rc::clone(&state.implied);
        let state = asked.join(state, &implied);
        let clauses = self.clauses_of(mfa);
        let block = flow::Block {
            ty: mfa.name.clone(),
            config: config.fields,
            modifiers,
            output,
            sets: clauses.sets,
            provides: clauses.provides,
            ensures: clauses.ensures,
            role: Role::Plain,
        };
        (Some(flow::Demand { id, label, block }), state)
    }

    /// The Action of the pinned version.
    fn pinned(&mut self, run: &RunAction) -> Option<&'i Action<'a>> {
        let index = self.index;
        let (slug, version) = (&run.slug, &run.version);
        let Some(versions) = index.actions.get(slug.text.as_str()) else {
            if !index.broken {
                let found = Diagnostic::error("A0204", slug.span, format!("there is no action `{}`", slug.text));
                self.error(match nearest(&slug.text, index.actions.keys().copied()) {
                    Some(near) => found.help(format!("did you mean `{near}`?")),
                    None => found.help(format!("declare it in `actions/{}/{}/action.admit`", slug.text, version.text)),
                });
            }
            return None;
        };
        let Ok(wanted) = Version::parse(&version.text) else {
            self.error(
                Diagnostic::error("A0205", version.span, format!("`{}` is no version", version.text))
                    .help("pin three numbers: `@1.2.0`"),
            );
            return None;
        };
        let found = versions.iter().find(|action| action.version == wanted);
        if found.is_none() && versions.iter().all(|action| action.versioned) {
            let known: Vec<SmolStr> = versions.iter().map(|action| action.version.to_smolstr()).collect();
            self.error(
                Diagnostic::error("A0205", version.span, format!("the action `{}` has no version {wanted}", slug.text))
                    .help(format!("there is {}", listed(known.iter().map(SmolStr::as_str)))),
            );
        }
        found
    }
}
