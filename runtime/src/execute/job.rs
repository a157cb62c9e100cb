//! An `async` block: queued in the unit of work when the walk passes it, its config evaluated then; run from the
//! queue after the commit, at least once, whatever becomes of the run.

use std::panic::AssertUnwindSafe;
use std::pin::pin;

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_plan::bundle::{BlockNode, Node};
use admit_plan::types::Type;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::block::{Call, Done, Registry};
use crate::engine::Engine;
use crate::execute::apply::block_name;
use crate::execute::config::{Config, Part, reveal};
use crate::execute::view::Nothing;
use crate::host::Host;
use crate::record::packed::Packed;
use crate::state::Run;
use crate::tenant::TenantId;
use crate::unit::{Unit, Write};

/// Names the handler of these jobs in the queue.
pub const KIND: &str = "block";

const VERSION: u8 = 1;

/// A queued block. Secrets are names in it; they are fetched when it runs.
#[derive(Serialize, Deserialize)]
struct Job {
    version: u8,
    run_id: SmolStr,
    flow: SmolStr,
    label: SmolStr,
    block: SmolStr,
    timeout: u64,
    config: Packed,
    types: Vec<(String, Type)>,
    secrets: Vec<(String, Vec<Part>)>,
    now: Instant,
}

/// The write that queues a block.
pub(super) fn enqueue(
    engine: &Engine,
    run: &Run,
    node: &Node,
    block: &BlockNode,
    config: Config,
    now: Instant,
) -> Result<Write, String> {
    let flow = engine.bundle.flows.get(run.flow).map(|flow| engine.text(flow.name).clone());
    let label = engine.text(node.label).clone();
    let job = Job {
        version: VERSION,
        run_id: run.id.clone(),
        flow: flow.unwrap_or_default(),
        label: label.clone(),
        block: block_name(engine, block).cloned().unwrap_or_default(),
        timeout: block.timeout,
        config: Packed(config.record),
        types: config.types,
        secrets: config.secrets,
        now,
    };
    let payload = postcard::to_stdvec(&job).map_err(|error| error.to_string())?;
    // The node is part of the key: default labels may repeat, and a walk passes each node once in a run.
    Ok(Write::Enqueue {
        key: format!("{}/{label}/{}", run.id, run.at.unwrap_or_default()),
        kind: KIND.to_owned(),
        payload,
    })
}

/// Runs a queued block once, and gives the unit of work that it leaves to be committed. The queue decides on further
/// tries. It sees its config, not the event: the run has gone on.
///
/// # Errors
/// Why it failed, for operators.
pub async fn run_job(registry: &Registry, host: &dyn Host, tenant: &TenantId, payload: &[u8]) -> Result<Unit, String> {
    let job: Job = postcard::from_bytes(payload).map_err(|_| "the job is damaged".to_owned())?;
    if job.version != VERSION {
        return Err(format!("the job has version {}, this is version {VERSION}", job.version));
    }
    let block = registry.get(&job.block).ok_or_else(|| format!("there is no block `{}`", job.block))?;
    let mut unit = Unit::default();
    let attempt = AssertUnwindSafe(async {
        let secrets = reveal(host, tenant, &job.secrets).await.map_err(|_| String::new())?;
        let call = Call {
            tenant,
            host,
            now: job.now,
            run_id: &job.run_id,
            flow: &job.flow,
            label: &job.label,
            config: &job.config.0,
            secrets: &secrets,
            types: &job.types,
            event: &Nothing,
            input: None,
            memory: None,
            unit: &mut unit,
            time_left: job.timeout,
            action: None,
            claims: &[],
        };
        block.run(call).await.map_err(|error| error.to_string())
    })
    .catch_unwind();
    let done = match select(pin!(attempt), host.sleep(job.timeout.saturating_mul(1_000_000))).await {
        Either::Left((Ok(done), _)) => done?,
        Either::Left((Err(_), _)) => return Err("the block panicked".to_owned()),
        Either::Right(((), _)) => return Err(format!("no end within {} ms", job.timeout)),
    };
    match done {
        // Nobody reads its outputs.
        Done::Output(_) | Done::Stubbed(_) => Ok(unit),
        Done::Prompt(_) | Done::Deny { .. } | Done::Settle(_) | Done::Acted(_) => {
            Err("a queued block may only do its work".to_owned())
        }
    }
}

/// Nothing of a config's value is shown: it may hold personal data.
impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("run_id", &self.run_id).field("label", &self.label).finish_non_exhaustive()
    }
}

/// Reads the config back for tests of what was queued.
///
/// # Errors
/// If the job is damaged.
pub fn config_of(payload: &[u8]) -> Result<Datum, String> {
    let job: Job = postcard::from_bytes(payload).map_err(|_| "the job is damaged".to_owned())?;
    Ok(job.config.0)
}
