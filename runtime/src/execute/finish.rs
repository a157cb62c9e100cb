//! The end of a request: its outcome, made in one place, and the one commit without which it does not hold.

use std::mem;
use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_plan::bundle::NodeId;
use smol_str::SmolStr;

use crate::audit;
use crate::block::{Prompt, Settled, Tokens};
use crate::context;
use crate::execute::apply::session_user;
use crate::execute::fields::with_fields;
use crate::execute::walk::prompt_of;
use crate::execute::{Answer, Outcome, StepError, Told, Work};
use crate::host::{KeptAnswer, RunCommit, Secret, StoreError, SuspendedRow};
use crate::record::{self, Record};
use crate::session::Worth;
use crate::state::Run;
use crate::token;
use crate::trace::{Level, TraceEvent};
use crate::unit::Write;

/// How the walk of a request ended.
pub(crate) enum Ending {
    /// In a terminal, or after one.
    Settled(Settled),
    /// In deny.
    Deny { reason: SmolStr, user_message: Option<String>, label: Option<SmolStr> },
    /// At a prompt.
    Suspend { node: NodeId, prompt: Prompt, problem: Option<String> },
    /// In an error, at a step or at none.
    Error { label: Option<SmolStr> },
}

/// Longest and shortest time that a prompt may wait, in seconds.
const PROMPT_SECONDS: (u64, u64) = (1, 24 * 60 * 60);

impl Ending {
    pub(crate) fn deny(reason: &'static str) -> Self {
        Self::Deny { reason: SmolStr::new_static(reason), user_message: None, label: None }
    }

    pub(crate) fn error(label: Option<SmolStr>) -> Self {
        Self::Error { label }
    }
}

/// Commits a request and gives its answer. An outcome that cannot be committed as it is becomes an error, and where
/// not even that can be stored there is no outcome at all.
///
/// # Errors
/// If the store fails.
pub(crate) async fn finish(work: &mut Work<'_>, mut run: Box<Run>, ending: Ending) -> Result<Answer, StepError> {
    let now = work.host.now();
    let (outcome, label, suspended) = decide(work, &mut run, ending, now);
    if work.options.unrecorded {
        return unrecorded(work, run, outcome, label.as_ref());
    }
    match commit(work, &run, &outcome, label.as_ref(), suspended, now).await {
        Ok(()) => return Ok(answer(work, run, outcome)),
        // A step that is there already, or a write that did not apply: somebody else was first.
        Err(StoreError::Conflict) => {
            if let Some(again) = again(work, &run, &outcome, now).await {
                work.unit.writes.retain(|write| matches!(write, Write::Enqueue { .. }));
                // It was the winner that refreshed the session.
                work.unit.audit.retain(|entry| entry.kind != "session.refreshed");
                return match commit(work, &run, &again, None, None, now).await {
                    Ok(()) => Ok(answer(work, run, again)),
                    Err(StoreError::Conflict) => Err(StepError::Taken),
                    Err(error) => Err(StepError::Store(error)),
                };
            }
        }
        Err(error) => return Err(StepError::Store(error)),
    }
    let text = "the unit of work did not apply: something it relied on has changed".to_owned();
    let label = label.unwrap_or_default();
    work.trace.events.push(TraceEvent::Log { label: label.clone(), level: Level::Error, text });
    // What was used is used, and what is sent whatever becomes of the run is sent; nothing else of it holds.
    work.unit.writes.retain(Write::survives);
    let outcome =
        Outcome::Error { id: token::error_id(work.host), label: Some(label).filter(|label| !label.is_empty()) };
    let failed = commit(work, &run, &outcome, None, None, now).await;
    match failed {
        Ok(()) => Ok(answer(work, run, outcome)),
        Err(StoreError::Conflict) => Err(StepError::Taken),
        Err(error) => Err(StepError::Store(error)),
    }
}

/// The answer of a run that leaves nothing: one that decides, and no more.
fn unrecorded(
    work: &mut Work<'_>,
    run: Box<Run>,
    outcome: Outcome,
    label: Option<&SmolStr>,
) -> Result<Answer, StepError> {
    let unit = mem::take(&mut work.unit);
    let unit = if keeps_all(&outcome) { unit } else { unit.denied() };
    let needs_records = match &outcome {
        Outcome::Session { .. } | Outcome::Tokens { .. } | Outcome::Suspended { .. } => true,
        Outcome::Allow | Outcome::Finalized | Outcome::Deny { .. } | Outcome::Error { .. } => {
            !unit.writes.is_empty() || !unit.audit.is_empty()
        }
    };
    if needs_records {
        return Err(StepError::NeedsRecords);
    }
    ended(work, &outcome, label);
    Ok(answer(work, run, outcome))
}

/// Of requests that race with one refresh token, one rotates it. Each other is what a retry is: where it comes from the same
/// client, it gets the same answer (security.md decision 7).
async fn again(work: &Work<'_>, run: &Run, outcome: &Outcome, now: Instant) -> Option<Outcome> {
    let Outcome::Tokens { session, .. } = outcome else { return None };
    let rotation = work.unit.writes.iter().find_map(|write| match write {
        Write::RotateRefresh(rotation) => Some(rotation),
        _ => None,
    })?;
    let found = work.host.store().sessions().refresh_token(&run.tenant, rotation.old, now).await.ok()??;
    match found.worth(&found.family.client_id, &rotation.binding, now) {
        Worth::Retry => {
            let pair = found.used.as_ref()?.pair.as_ref()?;
            Some(Outcome::Tokens { session: session.clone(), tokens: Tokens::of_pair(pair.expose())? })
        }
        Worth::Current | Worth::Reused | Worth::Dead => None,
    }
}

fn answer(work: &mut Work<'_>, run: Box<Run>, outcome: Outcome) -> Answer {
    let Told { redirect_to, result, .. } = told(work, &run, &outcome);
    let (redirect_to, result) = (redirect_to.map(str::to_owned), result.cloned());
    Answer { run_id: run.id.clone(), outcome, redirect_to, result, trace: mem::take(&mut work.trace), run }
}

/// Only who is let in is sent on.
fn told<'a>(work: &'a Work<'_>, run: &'a Run, outcome: &'a Outcome) -> Told<'a> {
    let redirect_to = match outcome {
        Outcome::Session { .. } | Outcome::Tokens { .. } | Outcome::Allow | Outcome::Finalized => {
            run.redirect.as_deref()
        }
        Outcome::Deny { .. } | Outcome::Suspended { .. } | Outcome::Error { .. } => None,
    };
    let result = work.result.as_ref().filter(|_| *outcome == Outcome::Finalized);
    Told { run_id: &run.id, outcome, redirect_to, result }
}

type Decided = (Outcome, Option<SmolStr>, Option<SuspendedRow>);

fn decide(work: &mut Work<'_>, run: &mut Run, ending: Ending, now: Instant) -> Decided {
    let error = |work: &Work<'_>, label: Option<SmolStr>| {
        (Outcome::Error { id: token::error_id(work.host), label: label.clone() }, label, None)
    };
    match ending {
        Ending::Settled(Settled::Allow) => (Outcome::Allow, None, None),
        Ending::Settled(Settled::Finalized(left)) => {
            work.result = left.result;
            run.redirect = left.redirect.or_else(|| run.redirect.take());
            (Outcome::Finalized, None, None)
        }
        Ending::Settled(Settled::Session { session, token, cookie }) => {
            (Outcome::Session { session, token, cookie }, None, None)
        }
        Ending::Settled(Settled::Tokens { session, tokens }) => (Outcome::Tokens { session, tokens }, None, None),
        Ending::Deny { reason, user_message, label } => (Outcome::Deny { reason, user_message }, label, None),
        Ending::Error { label } => error(work, label),
        Ending::Suspend { node, prompt, problem } => {
            let flow = work.engine.bundle.flows.get(run.flow);
            let node_label = flow.and_then(|flow| flow.nodes.get(node as usize)).map(|node| node.label);
            let label = node_label.map(|label| work.engine.text(label).clone()).unwrap_or_default();
            match suspend(work, run, node, prompt, now) {
                Ok((row, challenge, resume_token)) => {
                    let expires_at = row.expires_at;
                    work.trace.events.push(TraceEvent::Suspended { label: label.clone(), expires_at });
                    let outcome =
                        Outcome::Suspended { label: label.clone(), challenge, resume_token, expires_at, problem };
                    (outcome, Some(label), Some(row))
                }
                Err(text) => {
                    let event = TraceEvent::Log { label: label.clone(), level: Level::Error, text };
                    work.trace.events.push(event);
                    error(work, Some(label))
                }
            }
        }
    }
}

fn suspend(
    work: &Work<'_>,
    run: &mut Run,
    node: NodeId,
    prompt: Prompt,
    now: Instant,
) -> Result<(SuspendedRow, Datum, String), String> {
    let (resume_token, token_hash) = token::new(work.host);
    let seconds = prompt.expires_in.clamp(PROMPT_SECONDS.0, PROMPT_SECONDS.1);
    let expires_at = Instant { seconds: now.seconds.saturating_add_unsigned(seconds), nanos: now.nanos };
    run.at = Some(node);
    let challenge = with_fields(&prompt, prompt_of(work.engine, run).as_ref());
    run.memory = Some((node, prompt.memory));
    let record =
        Record { run: run.clone(), bundle: work.engine.hash, token_hash, expires_at, challenge, expires_in: seconds };
    let bytes = record::encode(&record).map_err(|error| error.to_string())?;
    Ok((SuspendedRow { record: bytes, token_hash, expires_at }, record.challenge, resume_token))
}

async fn commit(
    work: &mut Work<'_>,
    run: &Run,
    outcome: &Outcome,
    label: Option<&SmolStr>,
    suspended: Option<SuspendedRow>,
    now: Instant,
) -> Result<(), StoreError> {
    let detail = ended(work, outcome, label);
    let unit = mem::take(&mut work.unit);
    let mut unit = if keeps_all(outcome) { unit } else { unit.denied() };
    let own = unit.audit.len();
    let user_id = match outcome {
        Outcome::Session { session, .. } | Outcome::Tokens { session, .. } => session_user(session),
        Outcome::Allow
        | Outcome::Finalized
        | Outcome::Deny { .. }
        | Outcome::Suspended { .. }
        | Outcome::Error { .. } => run.user_id().map(str::to_owned),
    };
    let flow = work.engine.bundle.flows.get(run.flow).map(|flow| work.engine.text(flow.name).to_string());
    let flow = flow.unwrap_or_default();
    unit.audit.extend(audit::of_request(run, &flow, outcome, user_id.as_deref()));
    unit.audit = unit.audit.into_iter().map(context::of_request).collect();
    let kept = work.options.keep.map(|keep| {
        let body = Secret::new((keep.write)(&told(work, run, outcome)));
        Arc::new(KeptAnswer { claim: keep.claim, body })
    });
    let (unit, trace) = (Arc::new(unit), Arc::new(mem::take(&mut work.trace)));
    let commit = RunCommit {
        run_id: run.id.to_string(),
        flow,
        bundle: work.engine.hash,
        seq: run.seq,
        user_id,
        outcome: outcome.word().to_owned(),
        detail: detail.map(|detail| detail.to_string()),
        suspended,
        trace: Arc::clone(&trace),
        unit: Arc::clone(&unit),
        context: audit::context(run),
        kept,
        at: now,
    };
    let done = work.host.store().commit(&run.tenant, commit).await;
    // A store that is done with the trace has given it back; one that keeps it (in memory) has the shared one.
    work.trace = Arc::try_unwrap(trace).unwrap_or_else(|kept| (*kept).clone());
    if done == Err(StoreError::Conflict) {
        // Another outcome will be committed, with the same audit entries of blocks.
        work.unit = Arc::try_unwrap(unit).unwrap_or_else(|kept| (*kept).clone());
        work.unit.audit.truncate(own);
    }
    done
}

/// Notes the outcome in the trace; answers its detail: reason, error id or label.
fn ended(work: &mut Work<'_>, outcome: &Outcome, label: Option<&SmolStr>) -> Option<SmolStr> {
    let detail = match outcome {
        Outcome::Deny { reason, .. } => Some(reason.clone()),
        Outcome::Error { id, .. } => Some(id.clone()),
        Outcome::Suspended { label, .. } => Some(label.clone()),
        Outcome::Session { .. } | Outcome::Tokens { .. } | Outcome::Allow | Outcome::Finalized => None,
    };
    work.trace.events.push(TraceEvent::Outcome {
        outcome: SmolStr::new_static(outcome.word()),
        detail: detail.clone(),
        label: label.cloned(),
    });
    detail
}

/// Whether all of the unit of work holds, or only what survives a deny.
fn keeps_all(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Session { .. }
        | Outcome::Tokens { .. }
        | Outcome::Allow
        | Outcome::Finalized
        | Outcome::Suspended { .. } => true,
        Outcome::Deny { .. } | Outcome::Error { .. } => false,
    }
}
