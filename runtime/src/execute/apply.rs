//! The end of a block: its outputs checked, its effects on the event applied, its answer turned into a way on.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_plan::bundle::{BlockNode, BlockType, Node, NodeId};
use admit_plan::code::{Expr, StrId};
use admit_plan::types::{Kind, Type};
use smol_str::SmolStr;

use crate::block::{Done, Output, Settled};
use crate::engine::Engine;
use crate::execute::finish::Ending;
use crate::execute::slots;
use crate::execute::walk::{Fault, Go, Pause, Walker};
use crate::expression::to_value;
use crate::record::packed::Packed;
use crate::state::{Aal, Kept, field, text_field};
use crate::trace::{BlockEnd, TraceEvent, mask};
use crate::typed::conform;
use crate::unit::Write;

impl<'a> Walker<'_, '_, 'a> {
    /// A block has ended, one way or another.
    pub(super) fn ended(
        &mut self,
        id: NodeId,
        node: &'a Node,
        block: &'a BlockNode,
        config: Datum,
        nanos: u64,
        result: Result<Done, Fault>,
    ) -> Go {
        let Some(ty) = self.engine.block_type(block.block) else { return self.step_failed(node, String::new()) };
        let accepted = match result {
            Ok(done) => self.accept(id, node, block, ty, config, nanos, done),
            Err(Fault::Block(detail)) => Err(detail),
            Err(Fault::Internal(detail)) => return self.given_up(node, nanos, detail, None),
            Err(Fault::Budget(frame)) => {
                return self.given_up(node, nanos, "the budget of engine time is used up".to_owned(), frame);
            }
        };
        match accepted {
            Ok(go) => go,
            Err(detail) => self.block_failed(id, node, block, nanos, detail),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one call, and each is another thing that the block's end is about")]
    fn accept(
        &mut self,
        id: NodeId,
        node: &'a Node,
        block: &'a BlockNode,
        ty: &'a BlockType,
        config: Datum,
        nanos: u64,
        done: Done,
    ) -> Result<Go, String> {
        let label = self.label(node);
        let stubbed = matches!(done, Done::Stubbed(_));
        if stubbed && (!self.work.options.stubs || ty.effects.ends) {
            return Err("only tests stub blocks, and no terminal".to_owned());
        }
        match done {
            Done::Output(mut output) | Done::Stubbed(mut output) => {
                if let Some(used) = &block.action {
                    // A stub of an Action leaves out what it does not care about, as the Action itself may.
                    self.with_defaults(used.action, &mut output.fields);
                }
                let more = std::mem::take(&mut output.claims);
                let claims = if more.is_empty() { None } else { Some(self.with_claims(more)?) };
                let record = self.apply((&label, block), ty, &config, output, stubbed)?;
                if let Some(claims) = claims {
                    self.run.claims = claims;
                }
                let masked = self.engine.is_masked(block.block).then(|| mask(&record, &ty.output));
                let record = Arc::new(Packed(record));
                let shown = masked.map_or_else(|| Arc::clone(&record), |masked| Arc::new(Packed(masked)));
                self.run.keep(id, Kept::Output(record));
                self.run.memory.take_if(|(asked, _)| *asked == id);
                slots::fill_node(self, id);
                self.work.trace.events.push(TraceEvent::Ended { label, nanos, end: BlockEnd::Output(shown) });
                Ok(Go::To(node.next))
            }
            Done::Prompt(prompt) => {
                if !ty.effects.prompts || ty.prompt.is_none() {
                    return Err("it asks the user, but its declaration does not say so".to_owned());
                }
                if self.work.settled.is_some() {
                    return Err("it asks the user after the outcome is settled".to_owned());
                }
                self.work.trace.events.push(TraceEvent::Ended { label, nanos, end: BlockEnd::Prompted });
                Ok(Go::Stop(Pause::End(Ending::Suspend { node: id, prompt, problem: None })))
            }
            Done::Deny { reason, user_message } => {
                // The factor that an Action demanded was not shown: that is what the run is denied for.
                let reason = match self.table.is_demanded(id) {
                    true => SmolStr::new_static("mfa_required"),
                    false => SmolStr::from(reason),
                };
                let end = BlockEnd::Denied(reason.clone());
                self.work.trace.events.push(TraceEvent::Ended { label: label.clone(), nanos, end });
                Ok(Go::Stop(Pause::End(Ending::Deny { reason, user_message, label: Some(label) })))
            }
            Done::Settle(settled) => self.settle(id, node, block, ty, &config, nanos, settled),
            Done::Acted(report) => match report.result {
                Some(Ok(effects)) => self.acted(id, node, (block, ty), nanos, effects),
                Some(Err(_)) | None => Err("it did not end well".to_owned()),
            },
        }
    }

    /// Outputs that an Action has by default, where they are not given.
    pub(super) fn with_defaults(&self, action: u32, fields: &mut Vec<(String, Datum)>) {
        let defaults = self.engine.action(action).map_or(&[][..], |(_, entry)| entry.defaults.as_slice());
        for (name, value) in defaults {
            if !fields.iter().any(|(given, _)| given == name.as_str()) {
                fields.push((name.to_string(), value.clone()));
            }
        }
    }

    /// Checks the outputs and applies what the declaration says. Nothing is changed unless all of it holds.
    fn apply(
        &mut self,
        (label, block): (&str, &BlockNode),
        ty: &BlockType,
        config: &Datum,
        output: Output,
        stubbed: bool,
    ) -> Result<Datum, String> {
        let record = outputs(output.fields, &ty.output, stubbed)?;
        if block.sets.is_empty() && block.provides.is_empty() && block.ensures.is_empty() {
            return Ok(record);
        }
        let locals = [to_value(&record, self.arena), to_value(config, self.arena)];
        let said = |walker: &Self, failure| walker.said_of_clause(&failure, label, &ty.output, stubbed);
        let holds = |walker: &Self, code: &Expr| walker.holds(code, &locals).map_err(|failure| said(walker, failure));
        let when = |walker: &Self, code: &Option<Expr>| code.as_ref().map_or(Ok(true), |code| holds(walker, code));
        for (what, condition) in &block.ensures {
            if when(self, condition)? && !holds(self, what)? {
                return Err("it did not ensure what its declaration promises".to_owned());
            }
        }
        let mut user = None;
        for (path, condition) in &block.provides {
            if when(self, condition)? {
                user = self.provided(path, output.user.as_ref())?.or(user);
            }
        }
        let mut changes = Vec::new();
        for set in &block.sets {
            if !when(self, &set.when)? {
                continue;
            }
            let path = slots::names(self, &set.path);
            let value = match &set.to {
                Some(code) => Some(Datum::from(self.eval(code, &locals).map_err(|failure| said(self, failure))?)),
                None => {
                    let dotted = path.join(".");
                    output.sets.iter().find(|(given, _)| *given == dotted).map(|(_, value)| value.clone())
                }
            };
            match value {
                Some(value) => changes.push((path, value)),
                None if stubbed => {}
                None => return Err(format!("it did not say to what it sets `event.{}`", path.join("."))),
            }
        }
        for (path, value) in changes {
            self.set(&path, value)?;
        }
        if let Some(user) = user {
            self.run.groups.user = Some(user);
        }
        slots::fill_runtime(self);
        Ok(record)
    }

    /// `provides`: only `event.user` can be.
    fn provided(&self, path: &[StrId], user: Option<&Datum>) -> Result<Option<Datum>, String> {
        let path = slots::names(self, path);
        if path.len() != 1 || path.first().is_none_or(|first| first != "user") {
            return Err(format!("`event.{}` cannot be provided", path.join(".")));
        }
        let user = user.ok_or("it promises a user and gave none")?;
        if text_field(user, "id").is_none() {
            return Err("the user that it gave has no id".to_owned());
        }
        let known = self.run.user_id();
        if known.is_some() && known != text_field(user, "id") {
            return Err("it gave another user than the run is about".to_owned());
        }
        Ok(Some(user.clone()))
    }

    /// Sets a path of the event. Assurance only rises.
    fn set(&mut self, path: &[SmolStr], value: Datum) -> Result<(), String> {
        let groups = &mut self.run.groups;
        match path.iter().map(SmolStr::as_str).collect::<Vec<_>>().as_slice() {
            ["authentication", "aal"] => {
                let Datum::Str(word) = &value else { return Err("an assurance level must be a word".to_owned()) };
                let aal = Aal::of(word).ok_or_else(|| format!("`{word}` is no assurance level"))?;
                self.run.fresh_factor |= aal >= Aal::Two;
                groups.aal = groups.aal.max(aal);
            }
            ["authentication", "methods"] => match value {
                Datum::List(methods) => groups.methods = methods,
                Datum::Str(_) if groups.methods.contains(&value) => {}
                Datum::Str(_) => groups.methods.push(value),
                _ => return Err("methods must be a list of words".to_owned()),
            },
            ["authentication", name] => {
                let name = SmolStr::from(*name);
                groups.authentication.retain(|(known, _)| *known != name);
                groups.authentication.push((name, value));
            }
            ["authentication" | "user" | "tenant", ..] | [] => {
                return Err(format!("`event.{}` cannot be set", path.join(".")));
            }
            _ => {
                groups.others.retain(|(known, _)| known != path);
                groups.others.push((path.to_vec(), value));
            }
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "one call, and each is another thing that the block's end is about")]
    fn settle(
        &mut self,
        id: NodeId,
        node: &'a Node,
        block: &BlockNode,
        ty: &BlockType,
        config: &Datum,
        nanos: u64,
        settled: Settled,
    ) -> Result<Go, String> {
        let label = self.label(node);
        if !ty.effects.ends || !self.flow.ends.contains(&block.block) {
            return Err("this flow may not end so".to_owned());
        }
        if self.work.settled.is_some() {
            return Err("the outcome is settled already".to_owned());
        }
        if !self.run.frames.is_empty() {
            return Err("a custom flow may not settle the outcome".to_owned());
        }
        let word = match &settled {
            Settled::Allow => "allow",
            Settled::Finalized(_) => "finalized",
            Settled::Session { .. } => "session",
            Settled::Tokens { .. } => "tokens",
        };
        let minted = match &settled {
            Settled::Session { session, token, .. } => Some((session, !token.is_empty(), false)),
            Settled::Tokens { session, tokens } => Some((session, !tokens.access_token.is_empty(), tokens.is_again)),
            Settled::Allow | Settled::Finalized(_) => None,
        };
        // What mints settles with what it minted and nothing else; what does not mint never with a session.
        if ty.effects.mints != minted.is_some() {
            return Err(format!("it settles the outcome as `{word}`, which its declaration does not say"));
        }
        if let Some((session, has_token, is_again)) = minted {
            let least = text_field(config, "aal_min").and_then(Aal::of).unwrap_or(Aal::One).max(Aal::One);
            if self.run.groups.aal < least {
                let reason = SmolStr::new_static("insufficient_aal");
                let end = BlockEnd::Denied(reason.clone());
                self.work.trace.events.push(TraceEvent::Ended { label: label.clone(), nanos, end });
                return Ok(Go::Stop(Pause::End(Ending::Deny { reason, user_message: None, label: Some(label) })));
            }
            self.check_session(session, has_token, is_again)?;
            self.run.session = Some(session.clone());
            slots::fill_session(self);
        }
        self.run.keep(id, Kept::Output(Arc::new(Packed(Datum::Map(Vec::new())))));
        self.work.trace.events.push(TraceEvent::Ended { label, nanos, end: BlockEnd::Settled(word.into()) });
        match settled {
            Settled::Session { .. } | Settled::Tokens { .. } => {
                self.work.settled = Some(settled);
                Ok(Go::To(node.next))
            }
            Settled::Allow | Settled::Finalized(_) => Ok(Go::Stop(Pause::End(Ending::Settled(settled)))),
        }
    }

    /// A session is one of this run's user, no surer than the run is, and in the unit of work that is committed: made, or gone
    /// on with by rotating a refresh token, unless tokens are given again that were given before.
    fn check_session(&self, session: &Datum, has_token: bool, is_again: bool) -> Result<(), String> {
        let aal = text_field(session, "aal").and_then(Aal::of);
        let user = text_field(session, "user_id");
        let is_it = |id: &str, of: &str| Some(id) == text_field(session, "id") && Some(of) == user;
        let mut writes = self.work.unit.writes.iter();
        let stored = writes.any(|write| match write {
            Write::InsertSession(stored) => is_it(&stored.id, &stored.user_id),
            Write::RotateRefresh(rotated) => is_it(&rotated.session_id, &rotated.user_id),
            _ => false,
        });
        match (aal, user) {
            (Some(aal), Some(user))
                if aal >= Aal::One
                    && aal <= self.run.groups.aal
                    && Some(user) == self.run.user_id()
                    && (stored || is_again)
                    && has_token =>
            {
                Ok(())
            }
            _ => Err("the session is not one of this run".to_owned()),
        }
    }
}

/// The outputs as the declared record, in the order declared. A stub may leave some out.
pub(super) fn outputs(mut given: Vec<(String, Datum)>, ty: &Type, stubbed: bool) -> Result<Datum, String> {
    let Kind::Record(fields) = &ty.kind else {
        return if given.is_empty() { Ok(Datum::Map(Vec::new())) } else { Err("it has no outputs".to_owned()) };
    };
    let mut entries = Vec::with_capacity(fields.len());
    for field in fields.iter() {
        let position = given.iter().position(|(name, _)| *name == *field.name);
        let value = position.map(|position| given.swap_remove(position));
        match (value, &field.ty.kind) {
            (None | Some((_, Datum::Optional(None))), Kind::Optional(_)) => {}
            (None, _) if stubbed => {}
            (None, _) => return Err(format!("it gave no `{}`", field.name)),
            (Some((name, value)), _) => {
                let value =
                    conform(value, field.ty.present()).map_err(|detail| format!("`{}`: {detail}", field.name))?;
                entries.push((Datum::Str(name.into_boxed_str()), value));
            }
        }
    }
    match given.first() {
        Some((unknown, _)) => Err(format!("it has no output `{unknown}`")),
        None => Ok(Datum::Map(entries)),
    }
}

/// The user id of a session record.
pub(super) fn session_user(session: &Datum) -> Option<String> {
    field(session, "user_id")?;
    text_field(session, "user_id").map(str::to_owned)
}

/// Names a block type.
pub(super) fn block_name<'e>(engine: &'e Engine, block: &BlockNode) -> Option<&'e SmolStr> {
    engine.block_type(block.block).map(|ty| engine.text(ty.name))
}
