//! `run action`: what an Action is given, what becomes of what it gives back. Its effects are applied only where it ended
//! well and all of them hold against its declaration; its logs and its audit entry are kept whatever came of it.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_plan::bundle::{Action, ActionUse, NodeId};
use smol_str::SmolStr;
use zeroize::Zeroizing;

use crate::action::{ActionCall, ActionError, ActionReport, Revealed};
use crate::block::Done;
use crate::engine::Engine;
use crate::execute::Work;
use crate::execute::invoke::Miss;
use crate::execute::walk::Invocation;
use crate::host::Secret;
use crate::state::{Run, str_datum};
use crate::tenant::TenantId;
use crate::trace::TraceEvent;
use crate::unit::AuditEntry;

mod effects;
mod input;

pub(crate) use effects::patch_metadata;
pub(super) use input::Context;

/// How long the engine waits beyond an Action's time, in milliseconds, for whoever runs it to end it: what it logged is
/// told only then.
pub(super) const GRACE: u64 = 150;

/// Longest text of an Action that goes into audit or to a user, in bytes.
const MAX_TEXT: usize = 1024;

/// Everything that one try of an Action needs, borrowed from nothing that changes.
pub(super) struct Prepared<'e> {
    action: &'e Action,
    maps: &'e [Option<String>],
    name: &'e str,
    fetch: Vec<&'e str>,
    claims: Vec<&'e str>,
    secrets: Vec<&'e str>,
    input: Zeroizing<String>,
    idempotency_key: String,
    may_demand_mfa: bool,
    wall: u64,
    now: Instant,
    revealed: Revealed,
}

/// What an audit entry says of one execution.
pub(super) struct Executed<'a> {
    pub engine: &'a Engine,
    pub action: u32,
    pub run_id: &'a str,
    pub flow: &'a str,
    pub label: &'a str,
    /// 1 first.
    pub attempt: u32,
    pub is_async: bool,
    pub nanos: u64,
}

/// How an execution ended, as audit has it.
pub(super) enum Ended<'a> {
    Continue,
    /// With the reason that the Action gave.
    Block(&'a str),
    Error(&'a str),
}

/// What an Action is given that does not change from try to try, and that a queued one is stored with.
pub(super) struct Given {
    pub event: String,
    pub step: String,
}

impl Given {
    /// As it stands now at this node.
    ///
    /// # Errors
    /// If the event is not as declared.
    pub(super) fn of(engine: &Engine, run: &Run, node: NodeId) -> Result<Self, String> {
        Ok(Self { event: input::event(engine, run)?, step: input::steps(engine, run, node) })
    }
}

/// The same at every try of a step of a run. The node is part of it: default labels may repeat, and a walk passes each
/// node once in a run.
pub(super) fn idempotency_key(run_id: &str, label: &str, node: NodeId) -> String {
    format!("{run_id}/{label}/{node}")
}

/// What one try of an Action at a node of a run needs.
///
/// # Errors
/// If the plan or the event is not as it must be.
pub(super) fn prepare<'e>(
    work: &Work<'e>,
    run: &Run,
    invocation: &Invocation,
    used: &'e ActionUse,
    secrets: &[(String, Secret)],
    (attempt, wall): (u32, u64),
) -> Result<Prepared<'e>, String> {
    let engine = work.engine;
    let flow = engine.bundle.flows.get(run.flow).ok_or("there is no such flow")?;
    let node = flow.nodes.get(invocation.node as usize).ok_or("there is no such step")?;
    let label = engine.text(node.label);
    let given = Given::of(engine, run, invocation.node)?;
    let key = idempotency_key(&run.id, label, invocation.node);
    let context = Context {
        flow: engine.text(flow.name),
        run_id: &run.id,
        tenant: run.tenant.as_str(),
        label,
        attempt,
        idempotency_key: &key,
        now: invocation.now,
        is_async: false,
    };
    let config = (&invocation.config.record, secrets);
    let may_demand_mfa = used.demand.is_some() && work.settled.is_none();
    Prepared::new(engine, used, &context, &given, config, (may_demand_mfa, wall))
}

impl<'e> Prepared<'e> {
    pub(super) fn new(
        engine: &'e Engine,
        used: &'e ActionUse,
        context: &Context<'_>,
        given: &Given,
        (config, secrets): (&Datum, &[(String, Secret)]),
        (may_demand_mfa, wall): (bool, u64),
    ) -> Result<Self, String> {
        let (plan, entry) = engine.action(used.action).ok_or("there is no such Action")?;
        let words =
            |own: &'e [u32], here: &'e [u32]| own.iter().chain(here).map(|id| engine.text(*id).as_str()).collect();
        let revealed = Revealed::default();
        secrets.iter().for_each(|(path, secret)| revealed.add(&format!("config.{path}"), secret));
        let secret_names = plan.secrets.iter().filter_map(|index| engine.bundle.secrets.get(*index as usize));
        Ok(Self {
            action: plan,
            maps: engine.maps(used.action),
            name: &entry.name,
            fetch: words(&plan.fetch, &used.fetch),
            claims: words(&plan.claims, &used.claims),
            secrets: secret_names.map(|id| engine.text(*id).as_str()).collect(),
            input: input::input(engine.text(used.trigger), context, (&given.event, &given.step), config, secrets),
            idempotency_key: context.idempotency_key.to_owned(),
            may_demand_mfa,
            wall,
            now: context.now,
            revealed,
        })
    }

    pub(super) fn call<'a>(&'a self, tenant: &'a TenantId) -> ActionCall<'a> {
        ActionCall {
            tenant,
            name: self.name,
            action: self.action,
            maps: self.maps,
            input: &self.input,
            fetch: &self.fetch,
            claims: &self.claims,
            secrets: &self.secrets,
            may_demand_mfa: self.may_demand_mfa,
            wall: self.wall,
            now: self.now,
            revealed: &self.revealed,
            idempotency_key: &self.idempotency_key,
        }
    }
}

/// A try has ended: its logs go on the trace. One that failed is told in audit here, one that ended well when its effects
/// have been checked.
pub(super) fn tried(
    work: &mut Work<'_>,
    run: &Run,
    used: &ActionUse,
    node: NodeId,
    nanos: u64,
    result: Result<Done, Miss>,
) -> Result<Done, Miss> {
    let engine = work.engine;
    let flow = engine.bundle.flows.get(run.flow);
    let label = flow.and_then(|flow| flow.nodes.get(node as usize)).map(|node| engine.text(node.label).clone());
    let label = label.unwrap_or_default();
    let result = match result {
        Ok(Done::Acted(mut report)) => {
            work.trace.events.extend(logged(&label, &mut report));
            match report.result {
                Some(Ok(_)) => Ok(Done::Acted(report)),
                Some(Err(error)) => Err(Miss::Failed(failure(&error))),
                None => Err(Miss::Failed("whoever runs Actions says nothing of it".to_owned())),
            }
        }
        other => other,
    };
    if let Err(miss) = &result {
        let why = match miss {
            Miss::Failed(why) | Miss::FailedForGood(why) | Miss::Undeclared(why) => why,
            Miss::OutOfBudget(_) => "the budget of engine time is used up",
        };
        let executed = Executed {
            engine,
            action: used.action,
            run_id: &run.id,
            flow: flow.map_or("", |flow| engine.text(flow.name)),
            label: &label,
            attempt: work.attempt,
            is_async: false,
            nanos,
        };
        let entry = audit(&executed, &Ended::Error(why));
        work.unit.audit.push(entry);
    }
    result
}

/// The log of an Action as events of a trace.
pub(super) fn logged(label: &SmolStr, report: &mut ActionReport) -> impl Iterator<Item = TraceEvent> + use<> {
    let label = label.clone();
    std::mem::take(&mut report.logs).into_iter().map(move |(level, text)| TraceEvent::Log {
        label: label.clone(),
        level,
        text,
    })
}

/// Why an Action failed, with where: for trace and audit.
pub(super) fn failure(error: &ActionError) -> String {
    match error {
        ActionError::Threw { message, stack } if !stack.is_empty() => format!("{message}\n{stack}"),
        ActionError::Threw { .. }
        | ActionError::TimedOut(_)
        | ActionError::OutOfMemory(_)
        | ActionError::TooMuch(_)
        | ActionError::Invalid(_)
        | ActionError::Crashed(_)
        | ActionError::Unavailable(_) => error.to_string(),
    }
}

/// `flow.action_executed` (runtime.md section 7).
pub(super) fn audit(executed: &Executed<'_>, ended: &Ended<'_>) -> AuditEntry {
    let engine = executed.engine;
    let action = engine.action(executed.action).map(|(action, _)| action);
    let text = |id: Option<u32>| id.map_or("", |id| engine.text(id).as_str());
    let (slug, version) = (text(action.map(|action| action.slug)), text(action.map(|action| action.version)));
    let (outcome, word, said) = match ended {
        Ended::Continue => ("success", "continue", None),
        Ended::Block(reason) => ("denied", "block", Some(("reason", *reason))),
        Ended::Error(why) => ("failure", "error", Some(("error", *why))),
    };
    let millis = i64::try_from(executed.nanos / 1_000_000).unwrap_or(i64::MAX);
    let mut data = vec![
        (str_datum("run"), str_datum(executed.run_id)),
        (str_datum("flow"), str_datum(executed.flow)),
        (str_datum("label"), str_datum(executed.label)),
        (str_datum("slug"), str_datum(slug)),
        (str_datum("version"), str_datum(version)),
        (str_datum("outcome"), str_datum(word)),
        (str_datum("duration_ms"), Datum::Int(millis)),
        (str_datum("attempt"), Datum::Int(executed.attempt.into())),
        (str_datum("async"), Datum::Bool(executed.is_async)),
    ];
    data.extend(said.map(|(name, said)| (str_datum(name), str_datum(&plain(said)))));
    AuditEntry {
        kind: "flow.action_executed".to_owned(),
        // The platform acts, not the user: the run that it acted in is in the data.
        actor: "platform".to_owned(),
        target: format!("action:{slug}@{version}"),
        outcome: outcome.to_owned(),
        data: Datum::Map(data),
    }
}

/// A text of an Action with an end, and without what would forge lines or move a terminal.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len().min(MAX_TEXT));
    for char in text.chars() {
        if plain.len() + char.len_utf8() > MAX_TEXT {
            break;
        }
        plain.push(if char.is_control() && char != '\n' { ' ' } else { char });
    }
    plain
}
