//! Awaiting a block: under its timeout, its retries and the budgets, with a panic held to this block.

use std::panic::AssertUnwindSafe;
use std::pin::pin;

use admit_plan::bundle::{BlockNode, NodeId, NodeKind};
use futures_util::FutureExt;
use futures_util::future::{Either, select};

use crate::block::{BlockError, Call, Done};
use crate::execute::Work;
use crate::execute::action::{self, GRACE};
use crate::execute::config::reveal;
use crate::execute::view::View;
use crate::execute::walk::{Fault, Finished, Invocation, Mark};
use crate::state::Run;
use crate::texts::Written;
use crate::trace::{Level, TraceEvent};

const NANOS_PER_MS: u64 = 1_000_000;

/// How a try ended that did not end well.
pub(super) enum Miss {
    Failed(String),
    /// As every further try would.
    FailedForGood(String),
    /// With an error that its declaration does not name.
    Undeclared(String),
    OutOfBudget(Option<NodeId>),
}

/// Runs a block to its end.
pub(crate) async fn invoke(work: &mut Work<'_>, run: &Run, invocation: Invocation) -> Finished {
    let began = work.elapsed();
    let result = tries(work, run, &invocation).await;
    let nanos = work.elapsed().saturating_sub(began);
    Finished { invocation, nanos, result }
}

async fn tries(work: &mut Work<'_>, run: &Run, invocation: &Invocation) -> Result<Done, Fault> {
    let Some(block) = block_of(work, run, invocation.node) else {
        return Err(Fault::Block("there is no such block".to_owned()));
    };
    let (further, pause) = block.retry.unwrap_or((0, 0));
    let mut tried = 0;
    loop {
        work.attempt = tried + 1;
        let detail = match one_try(work, run, invocation, block).await {
            Ok(done) => return Ok(done),
            Err(Miss::OutOfBudget(frame)) => return Err(Fault::Budget(frame)),
            Err(Miss::FailedForGood(detail)) => return Err(Fault::Block(detail)),
            Err(Miss::Undeclared(detail)) => return Err(Fault::Internal(detail)),
            Err(Miss::Failed(detail)) => detail,
        };
        if tried >= further {
            return Err(Fault::Block(detail));
        }
        tried += 1;
        let label = work.engine.bundle.flows.get(run.flow).and_then(|flow| flow.nodes.get(invocation.node as usize));
        let label = label.map(|node| work.engine.text(node.label).clone()).unwrap_or_default();
        let text = format!("try {tried} failed: {detail}");
        work.trace.events.push(TraceEvent::Log { label, level: Level::Warning, text });
        let pause = pause.saturating_mul(NANOS_PER_MS);
        let (left, whose) = budget_left(work, run);
        if pause >= left {
            return Err(Fault::Budget(whose));
        }
        if pause > 0 {
            work.host.sleep(pause).await;
        }
    }
}

async fn one_try(work: &mut Work<'_>, run: &Run, invocation: &Invocation, block: &BlockNode) -> Result<Done, Miss> {
    let engine = work.engine;
    let host = work.host;
    let (left, whose) = budget_left(work, run);
    if left == 0 {
        return Err(Miss::OutOfBudget(whose));
    }
    let own = block.timeout.saturating_mul(NANOS_PER_MS);
    let limit = own.min(left);
    let (Some(implementation), Some(ty)) = (engine.implementation(block.block), engine.block_type(block.block)) else {
        return Err(Miss::Failed("there is no such block".to_owned()));
    };
    let flow = engine.bundle.flows.get(run.flow);
    let node = flow.and_then(|flow| flow.nodes.get(invocation.node as usize));
    let asked = run.memory.as_ref().filter(|(asked, _)| *asked == invocation.node);
    let takes = ty.takes.iter().map(|name| engine.text(*name).as_str());
    let input = work.submitted.for_block(asked.is_some(), takes);
    let errors = work.engine.errors(block.block);
    let mark = Mark::of(&work.unit);
    let attempt_number = work.attempt;
    let began = work.elapsed();
    let mut unit = std::mem::take(&mut work.unit);
    let asking = &*work;
    let attempt = AssertUnwindSafe(async {
        let secrets = reveal(host, &run.tenant, &invocation.config.secrets).await?;
        let action = block.action.as_deref().map(|used| {
            let limits = (attempt_number, limit / NANOS_PER_MS);
            action::prepare(asking, run, invocation, used, &secrets, limits)
        });
        let action = action.transpose().map_err(Miss::FailedForGood)?;
        let call = Call {
            tenant: &run.tenant,
            host,
            now: invocation.now,
            run_id: &run.id,
            flow: flow.map_or("", |flow| engine.text(flow.name)),
            label: node.map_or("", |node| engine.text(node.label)),
            config: &invocation.config.record,
            secrets: &secrets,
            types: &invocation.config.types,
            event: &View { run },
            input: input.as_ref(),
            memory: asked.map(|(_, memory)| memory),
            unit: &mut unit,
            time_left: limit / NANOS_PER_MS,
            action: action.as_ref().map(|action| action.call(&run.tenant)),
            session: run.session.as_ref(),
            claims: &run.claims,
            texts: &Written(&engine.bundle.texts),
        };
        implementation.run(call).await.map_err(|error| failed(error, errors))
    })
    .catch_unwind();
    // Whoever runs an Action keeps its time, and tells what it logged; the engine only makes sure.
    let grace = if block.action.is_some() { GRACE * NANOS_PER_MS } else { 0 };
    let result = match select(pin!(attempt), host.sleep(limit.saturating_add(grace))).await {
        Either::Left((Ok(result), _)) => result,
        Either::Left((Err(_), _)) => Err(Miss::Failed("the block panicked".to_owned())),
        Either::Right(((), _)) if own <= left => Err(Miss::Failed(format!("no end within {} ms", block.timeout))),
        Either::Right(((), _)) => Err(Miss::OutOfBudget(whose)),
    };
    // The future that wrote to the unit is gone here, whichever side won.
    work.unit = unit;
    if result.is_err() {
        mark.roll_back(&mut work.unit);
    }
    let Some(used) = block.action.as_deref() else { return result };
    let nanos = work.elapsed().saturating_sub(began);
    let result = action::tried(work, run, used, invocation.node, nanos, result);
    match result {
        // Whose time it was that ran out: what the Action itself is told of is the least of both.
        Err(Miss::Failed(_)) if own > left && nanos >= left => Err(Miss::OutOfBudget(whose)),
        result => result,
    }
}

/// A block's error, told apart by whether a further try can help.
pub(super) fn failed(error: BlockError, declared: &[&str]) -> Miss {
    if error.undeclared(declared).is_some() {
        return match Fault::undeclared(&error) {
            Fault::Internal(detail) | Fault::Block(detail) => Miss::Undeclared(detail),
            Fault::Budget(frame) => Miss::OutOfBudget(frame),
        };
    }
    if error.is_final() { Miss::FailedForGood(error.to_string()) } else { Miss::Failed(error.to_string()) }
}

fn block_of<'h>(work: &Work<'h>, run: &Run, node: NodeId) -> Option<&'h BlockNode> {
    match &work.engine.bundle.flows.get(run.flow)?.nodes.get(node as usize)?.kind {
        NodeKind::Block(block) => Some(block),
        NodeKind::Stage { .. }
        | NodeKind::Decision { .. }
        | NodeKind::Condition { .. }
        | NodeKind::EnterFlow { .. }
        | NodeKind::LeaveFlow { .. } => None,
    }
}

/// Engine time left, in nanoseconds, and whose budget it is: the flow's (none) or that of a custom flow.
fn budget_left(work: &Work<'_>, run: &Run) -> (u64, Option<NodeId>) {
    let elapsed = work.elapsed();
    let Some(flow) = work.engine.bundle.flows.get(run.flow) else { return (0, None) };
    let mut least = (flow.budget.saturating_mul(NANOS_PER_MS).saturating_sub(elapsed), None);
    for frame in &run.frames {
        let Some(NodeKind::EnterFlow { budget: Some(budget), .. }) =
            flow.nodes.get(frame.enter as usize).map(|node| &node.kind)
        else {
            continue;
        };
        let used = elapsed.saturating_sub(frame.since);
        let left = budget.saturating_mul(NANOS_PER_MS).saturating_sub(used);
        if left < least.0 {
            least = (left, Some(frame.enter));
        }
    }
    least
}
