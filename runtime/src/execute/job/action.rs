//! A queued Action. It may call out, log, count and patch the user's `app_metadata`; what it wants of a run that has gone
//! on without it is told as ignored.

use std::panic::AssertUnwindSafe;
use std::pin::pin;

use admit_plan::bundle::{ActionUse, NodeKind};
use futures_util::FutureExt;
use futures_util::future::{Either, select};

use crate::action::{self, ActionEffects, ActionReport, Verdict};
use crate::engine::Engine;
use crate::execute::action::{Context, Ended, Executed, GRACE, Given, Prepared, audit, failure, logged};
use crate::execute::config::reveal;
use crate::execute::invoke::Miss;
use crate::execute::job::{Job, JobEnd, Queued, What, World};
use crate::trace::{BlockEnd, Level, TraceEvent};
use crate::unit::Write;

/// Runs it once, and leaves its log, its writes and its audit entry.
pub(super) async fn run(world: &World<'_>, job: &Job, queued: Queued<'_>, end: &mut JobEnd) -> Result<(), Miss> {
    let What::Action { bundle, flow, node, event, step } = &job.what else { return Ok(()) };
    let Some(engine) = (world.bundles)(*bundle) else {
        return Err(Miss::Failed("the bundle that the run began with is not loaded".to_owned()));
    };
    let used = used(&engine, *flow as usize, *node as usize);
    let used = used.ok_or_else(|| Miss::FailedForGood("the bundle has no such Action".to_owned()))?;
    if engine.action(used.action).is_some_and(|(action, _)| !action.enabled) {
        // It was switched off while it was queued.
        end.trace.events.push(TraceEvent::Ended { label: job.label.clone(), nanos: 0, end: BlockEnd::Skipped });
        return Ok(());
    }
    let began = world.host.monotonic();
    let given = Given { event: event.clone(), step: step.clone() };
    let attempt = AssertUnwindSafe(async {
        let secrets = reveal(world.host, world.tenant, &job.secrets).await?;
        let context = Context {
            flow: &job.flow,
            run_id: &job.run_id,
            tenant: world.tenant.as_str(),
            label: &job.label,
            attempt: queued.attempt,
            idempotency_key: queued.key,
            now: job.now,
            is_async: true,
        };
        let config = (&job.config.0, secrets.as_slice());
        let limits = (false, job.timeout);
        let prepared = Prepared::new(&engine, used, &context, &given, config, limits);
        let prepared = prepared.map_err(Miss::FailedForGood)?;
        let actions = world.host.actions().ok_or_else(|| Miss::Failed("this host runs no Actions".to_owned()))?;
        Ok(action::run(actions, world.host, prepared.call(world.tenant)).await)
    })
    .catch_unwind();
    let limit = world.host.sleep(job.timeout.saturating_add(GRACE).saturating_mul(1_000_000));
    let report = match select(pin!(attempt), limit).await {
        Either::Left((Ok(report), _)) => report,
        Either::Left((Err(_), _)) => Err(Miss::Failed("whoever runs Actions panicked".to_owned())),
        Either::Right(((), _)) => Err(Miss::OutOfBudget(None)),
    };
    let nanos = world.host.monotonic().saturating_sub(began);
    let result = report.and_then(|report| apply(job, report, end));
    let why = match &result {
        Ok(()) => None,
        Err(Miss::Failed(why) | Miss::FailedForGood(why) | Miss::Undeclared(why)) => Some(why.as_str()),
        Err(Miss::OutOfBudget(_)) => Some("its time is over"),
    };
    let executed = Executed {
        engine: &engine,
        action: used.action,
        run_id: &job.run_id,
        flow: &job.flow,
        label: &job.label,
        attempt: queued.attempt,
        is_async: true,
        nanos,
    };
    end.unit.audit.push(audit(&executed, &why.map_or(Ended::Continue, Ended::Error)));
    result
}

fn used(engine: &Engine, flow: usize, node: usize) -> Option<&ActionUse> {
    match &engine.bundle.flows.get(flow)?.nodes.get(node)?.kind {
        NodeKind::Block(block) => block.action.as_deref(),
        NodeKind::Stage { .. }
        | NodeKind::Decision { .. }
        | NodeKind::Condition { .. }
        | NodeKind::EnterFlow { .. }
        | NodeKind::LeaveFlow { .. } => None,
    }
}

fn apply(job: &Job, mut report: ActionReport, end: &mut JobEnd) -> Result<(), Miss> {
    end.trace.events.extend(logged(&job.label, &mut report));
    let effects = match report.result {
        Some(Ok(effects)) => effects,
        Some(Err(error)) => return Err(Miss::Failed(failure(&error))),
        None => return Err(Miss::Failed("whoever runs Actions says nothing of it".to_owned())),
    };
    for what in ignored(&effects) {
        let text = format!("{what} has no effect in an async Action: the run has gone on");
        end.trace.events.push(TraceEvent::Log { label: job.label.clone(), level: Level::Warning, text });
    }
    if effects.app_metadata.is_empty() {
        return Ok(());
    }
    let Some(user_id) = &job.user_id else {
        return Err(Miss::FailedForGood("there is no user whose `app_metadata` it could set".to_owned()));
    };
    if effects.app_metadata.iter().any(|patch| !matches!(patch, admit_eval::datum::Datum::Map(_))) {
        return Err(Miss::FailedForGood("a patch of `app_metadata` must be an object".to_owned()));
    }
    let user_id = user_id.to_string();
    end.unit.writes.push(Write::PatchAppMetadata { user_id, patches: effects.app_metadata });
    Ok(())
}

/// What of the effects is about a run that has gone on.
fn ignored(effects: &ActionEffects) -> Vec<&'static str> {
    let ActionEffects { verdict, state, claims, app_metadata: _, redirect, demand_mfa } = effects;
    let verdict = match verdict {
        Verdict::Continue => None,
        Verdict::Deny { .. } => Some("a deny"),
        Verdict::Block { .. } => Some("a block"),
    };
    let others = [
        (!state.is_empty()).then_some("a state write"),
        (!claims.is_empty()).then_some("a claim"),
        redirect.is_some().then_some("a redirect"),
        demand_mfa.then_some("a demand for a second factor"),
    ];
    verdict.into_iter().chain(others.into_iter().flatten()).collect()
}
