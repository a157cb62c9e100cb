//! What an Action that ended well wants done, checked against its declaration and applied: all of it or nothing.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_plan::bundle::{ActionUse, BlockNode, BlockType, Node, NodeId};
use admit_plan::claims::RESERVED;
use smol_str::SmolStr;

use crate::action::{ActionEffects, Verdict};
use crate::execute::action::{Ended, Executed, audit, plain};
use crate::execute::apply::outputs;
use crate::execute::finish::Ending;
use crate::execute::slots;
use crate::execute::walk::{Go, Pause, Walker};
use crate::expression::to_json;
use crate::patch::merge;
use crate::record::packed::Packed;
use crate::state::{Kept, field, str_datum};
use crate::trace::{BlockEnd, Level, TraceEvent, mask};
use crate::unit::Write;

/// Largest custom claim, and all of a run together, as JSON in bytes: tokens travel in headers.
const MAX_CLAIM: usize = 4 * 1024;
const MAX_CLAIMS: usize = 8 * 1024;

/// Longest URL to redirect to, in bytes.
const MAX_URL: usize = 2 * 1024;

/// Largest `app_metadata`, as JSON in bytes.
const MAX_METADATA: usize = 64 * 1024;

/// Longest code of a block, in bytes.
const MAX_CODE: usize = 64;

/// What a run is denied with where an Action says only why, which is not for the caller.
const DENIED: &str = "denied";

/// What a run is denied with where an Action blocks without a code.
const BLOCKED: &str = "blocked";

/// Effects that hold.
struct Checked {
    record: Datum,
    claims: Vec<(SmolStr, Datum)>,
    user: Option<Datum>,
    redirect: Option<String>,
}

impl<'a> Walker<'_, '_, 'a> {
    /// A disabled Action: nothing runs, and its outputs are those that it has by default.
    pub(in crate::execute) fn skip(&mut self, id: NodeId, node: &'a Node, used: &ActionUse) -> Go {
        let defaults = self.engine.action(used.action).map_or(&[][..], |(_, entry)| entry.defaults.as_slice());
        let record = Datum::Map(defaults.iter().map(|(name, value)| (str_datum(name), value.clone())).collect());
        self.run.keep(id, Kept::Output(Arc::new(Packed(record))));
        slots::fill_node(self, id);
        let label = self.label(node);
        self.work.trace.events.push(TraceEvent::Ended { label, nanos: 0, end: BlockEnd::Skipped });
        Go::To(node.next)
    }

    /// An Action has ended well.
    ///
    /// # Errors
    /// What of its effects does not hold: then none is applied.
    pub(in crate::execute) fn acted(
        &mut self,
        id: NodeId,
        node: &'a Node,
        (block, ty): (&BlockNode, &BlockType),
        nanos: u64,
        effects: ActionEffects,
    ) -> Result<Go, String> {
        let used = block.action.as_deref().ok_or("only an Action does what Actions do")?;
        match &effects.verdict {
            Verdict::Deny { reason } => {
                let reason = plain(reason);
                self.note(node, Level::Info, format!("denied: {reason}"));
                self.audit_action(node, used, nanos, &Ended::Block(&reason));
                return Ok(self.refuse(node, nanos, DENIED.into(), None));
            }
            Verdict::Block { code, reason } => {
                let code = self.word_of(node, code);
                let said = reason.as_deref().map(plain).filter(|text| !text.trim().is_empty());
                self.audit_action(node, used, nanos, &Ended::Block(said.as_deref().unwrap_or(&code)));
                return Ok(self.refuse(node, nanos, code, said));
            }
            Verdict::Continue => {}
        }
        let patches = effects.app_metadata.clone();
        let demands = effects.demand_mfa;
        let checked = self.check(used, ty, effects).and_then(|checked| {
            let demand = match (demands, used.demand, &self.work.settled) {
                (false, ..) => None,
                (true, Some(node), None) => Some(node),
                (true, ..) => return Err("it may not demand a second factor here".to_owned()),
            };
            Ok((checked, demand))
        });
        let (checked, demand) = match checked {
            Ok(checked) => checked,
            Err(why) => {
                self.audit_action(node, used, nanos, &Ended::Error(&why));
                return Err(why);
            }
        };
        let Checked { record, claims, user, redirect } = checked;
        self.run.claims = claims;
        self.run.redirect = redirect.or_else(|| self.run.redirect.take());
        if let Some(user) = user {
            let user_id = self.run.user_id().unwrap_or_default().to_owned();
            self.work.unit.writes.push(Write::PatchAppMetadata { user_id, patches });
            self.run.groups.user = Some(user);
            slots::fill_runtime(self);
        }
        let masked = self.engine.is_masked(block.block).then(|| mask(&record, &ty.output));
        let record = Arc::new(Packed(record));
        let shown = masked.map_or_else(|| Arc::clone(&record), |masked| Arc::new(Packed(masked)));
        self.run.keep(id, Kept::Output(record));
        slots::fill_node(self, id);
        self.audit_action(node, used, nanos, &Ended::Continue);
        let end = BlockEnd::Output(shown);
        self.work.trace.events.push(TraceEvent::Ended { label: self.label(node), nanos, end });
        Ok(match demand {
            Some(_) if self.run.fresh_factor => {
                self.note(node, Level::Info, "a second factor was verified in this run already".to_owned());
                Go::To(node.next)
            }
            Some(demand) => Go::To(Some(demand)),
            None => Go::To(node.next),
        })
    }

    fn check(&self, used: &ActionUse, ty: &BlockType, effects: ActionEffects) -> Result<Checked, String> {
        let (action, _) = self.engine.action(used.action).ok_or("there is no such Action")?;
        let mut state = effects.state;
        self.with_defaults(used.action, &mut state);
        let record = outputs(state, &ty.output, false)?;
        for (name, _) in &effects.claims {
            let is_declared =
                action.claims.iter().chain(&used.claims).any(|claim| self.engine.text(*claim) == name.as_str());
            if !is_declared {
                return Err(format!("it sets the claim `{}`, which its declaration does not name", plain(name)));
            }
        }
        let claims = self.with_claims(effects.claims)?;
        let user = match effects.app_metadata.as_slice() {
            [] => None,
            patches => {
                let user = self.run.groups.user.as_ref().ok_or("there is no user whose `app_metadata` it could set")?;
                Some(patch_metadata(user, patches)?)
            }
        };
        let redirect = effects.redirect;
        if let Some(url) = &redirect
            && (url.len() > MAX_URL || !self.work.host.may_redirect(&self.run.tenant, url))
        {
            return Err(format!("it redirects to `{}`, which `[redirects] allow` does not allow", plain(url)));
        }
        Ok(Checked { record, claims, user, redirect })
    }

    /// The claims of the run with more of them.
    ///
    /// # Errors
    /// A claim that nobody may set, or too much of them.
    pub(in crate::execute) fn with_claims(&self, more: Vec<(String, Datum)>) -> Result<Vec<(SmolStr, Datum)>, String> {
        let mut claims = self.run.claims.clone();
        if self.work.settled.is_some() && !more.is_empty() {
            return Err("it sets a claim after the token is made".to_owned());
        }
        for (name, value) in more {
            if RESERVED.contains(&name.as_str()) {
                return Err(format!("the claim `{name}` is reserved"));
            }
            if name.len() + to_json(&value).len() > MAX_CLAIM {
                return Err(format!("the claim `{}` is larger than {MAX_CLAIM} bytes", plain(&name)));
            }
            claims.retain(|(known, _)| *known != name);
            claims.push((name.into(), value));
        }
        let size: usize = claims.iter().map(|(name, value)| name.len() + to_json(value).len()).sum();
        if size > MAX_CLAIMS {
            return Err(format!("the claims of this run are larger than {MAX_CLAIMS} bytes together"));
        }
        Ok(claims)
    }

    /// The reason of a block: a word, so that callers can tell outcomes apart. What is none still blocks.
    fn word_of(&mut self, node: &Node, code: &str) -> SmolStr {
        if is_word(code) {
            return code.into();
        }
        if !code.is_empty() {
            let text = format!("`{}` is no code of a block: it is blocked with `{BLOCKED}`", plain(code));
            self.note(node, Level::Warning, text);
        }
        BLOCKED.into()
    }

    fn refuse(&mut self, node: &Node, nanos: u64, reason: SmolStr, user_message: Option<String>) -> Go {
        let label = self.label(node);
        let end = BlockEnd::Denied(reason.clone());
        self.work.trace.events.push(TraceEvent::Ended { label: label.clone(), nanos, end });
        Go::Stop(Pause::End(Ending::Deny { reason, user_message, label: Some(label) }))
    }

    fn note(&mut self, node: &Node, level: Level, text: String) {
        self.work.trace.events.push(TraceEvent::Log { label: self.label(node), level, text });
    }

    fn audit_action(&mut self, node: &Node, used: &ActionUse, nanos: u64, ended: &Ended<'_>) {
        let executed = Executed {
            engine: self.engine,
            action: used.action,
            run_id: &self.run.id,
            flow: self.engine.text(self.flow.name),
            label: self.engine.text(node.label),
            attempt: self.work.attempt,
            is_async: false,
            nanos,
        };
        self.work.unit.audit.push(audit(&executed, ended));
    }
}

/// A user with its `app_metadata` patched.
///
/// # Errors
/// If a patch is no object, or what comes of them is too large.
pub(crate) fn patch_metadata(user: &Datum, patches: &[Datum]) -> Result<Datum, String> {
    let mut metadata = match field(user, "app_metadata") {
        Some(known @ Datum::Map(_)) => known.clone(),
        Some(_) | None => Datum::Map(Vec::new()),
    };
    for patch in patches {
        if !matches!(patch, Datum::Map(_)) {
            return Err("a patch of `app_metadata` must be an object".to_owned());
        }
        metadata = merge(metadata, patch);
    }
    if to_json(&metadata).len() > MAX_METADATA {
        return Err(format!("`app_metadata` would be larger than {MAX_METADATA} bytes"));
    }
    let patch = Datum::Map(vec![(str_datum("app_metadata"), Datum::Null)]);
    let Datum::Map(mut entries) = merge(user.clone(), &patch) else { return Err("the user is no record".to_owned()) };
    entries.push((str_datum("app_metadata"), metadata));
    Ok(Datum::Map(entries))
}

/// A slug or a snake word: `domain-not-allowed`, `domain_not_allowed`.
fn is_word(code: &str) -> bool {
    let parts_ok = code
        .split(['-', '_'])
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    parts_ok && code.len() <= MAX_CODE && code.starts_with(|first: char| first.is_ascii_lowercase())
}
