//! An Action cannot outlive its limits: whatever it does, it has ended a little after its deadline, and the next Action of
//! its tenant finds nothing of it.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use admit_actions::{Options, Pool, Program, Rate};
use admit_eval::value;
use admit_plan::bundle::{Action, Module};
use admit_runtime::action::{ActionCall, ActionEffects, ActionError, Actions as _, Revealed};
use admit_runtime::tenant::TenantId;
use admit_runtime::testing::TestHost;
use tokio::runtime::Runtime;

use super::Target;
use crate::choices::Choices;
use crate::{action, histogram};

/// The target.
pub const TARGET: Target = Target {
    name: "action-limits",
    promise: "an Action ends with its limits, and the next one finds nothing of it",
    run,
    kinds,
};

/// Wall time, in milliseconds.
const WALL: u64 = 40;
/// How much later it may have ended where other things run too.
const MARGIN: Duration = Duration::from_millis(1_500);
const CANARY: &str = "export function execute() {
  if (globalThis.kept !== undefined || Object.prototype.then !== undefined) throw new Error('something was left');
  if (JSON.stringify([3, 1].sort()) !== '[1,3]') throw new Error('something was changed');
}";

static WORKER: OnceLock<PathBuf> = OnceLock::new();
static BENCH: OnceLock<Bench> = OnceLock::new();

struct Bench {
    runtime: Runtime,
    pool: Pool,
    host: TestHost,
    tenant: TenantId,
}

/// The program whose workers are used: `admit-fuzz`, where another program runs this target.
pub fn use_worker(path: &str) {
    // Two tests of one program name the same.
    let _ = WORKER.set(path.into());
}

/// Runs one input.
pub fn run(data: &[u8]) {
    let bench = BENCH.get_or_init(bench);
    let program = action::program(&mut Choices::new(data));
    let start = Instant::now();
    let result = invoke(bench, &program);
    let took = start.elapsed();
    assert!(took < Duration::from_millis(WALL) + MARGIN, "it took {took:?}:\n{program}");
    histogram::count(match result {
        Ok(_) => "ended",
        Err(ActionError::Threw { .. } | ActionError::Invalid(_)) => "failed",
        Err(ActionError::TimedOut(_)) => "out of time",
        Err(ActionError::OutOfMemory(_)) => "out of memory",
        Err(ActionError::TooMuch(_)) => "gave too much",
        Err(ActionError::Crashed(_)) => "crashed",
        Err(ActionError::Unavailable(why)) => unreachable!("{why}"),
    });
    // Its time is not the point here, and a busy machine may need more.
    let mut next = invoke(bench, CANARY);
    for _ in 0..20 {
        if !matches!(next, Err(ActionError::TimedOut(_))) {
            break;
        }
        next = invoke(bench, CANARY);
    }
    assert!(next.is_ok(), "{next:?} after:\n{program}");
}

/// Every kind of statement, and the ways to end that programs always find.
pub fn kinds() -> Vec<String> {
    action::kinds().chain(["ended", "failed", "out of time", "out of memory"]).map(str::to_owned).collect()
}

#[expect(clippy::expect_used, reason = "a target that cannot run its input says why and stops")]
fn bench() -> Bench {
    let mut program = Program::default();
    if let Some(path) = WORKER.get() {
        program.path.clone_from(path);
    }
    let cpu = Rate { share: 1_000.0, burst: Duration::from_secs(1_000) };
    let options = Options { program, cpu, patience: Duration::from_secs(30), ..Options::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    Bench {
        runtime: runtime.expect("a runtime"),
        pool: Pool::new(options).expect("a pool"),
        host: TestHost::new(value::Instant { seconds: 1_790_000_000, nanos: 0 }, 1),
        tenant: "fuzz".parse().expect("a slug"),
    }
}

#[expect(clippy::expect_used, reason = "the pool always answers")]
fn invoke(bench: &Bench, code: &str) -> Result<ActionEffects, ActionError> {
    let modules = vec![Module { path: "action.js".into(), code: code.to_owned() }];
    let action = Action {
        slug: 0,
        version: 0,
        hash: Action::hash_of(&modules),
        modules,
        defaults: Vec::new(),
        fetch: Vec::new(),
        claims: Vec::new(),
        secrets: Vec::new(),
        prompts: false,
        enabled: true,
    };
    let call = ActionCall {
        tenant: &bench.tenant,
        name: "fuzz@1.0.0",
        action: &action,
        maps: &[],
        input: "{}",
        fetch: &[],
        claims: &[],
        secrets: &[],
        may_demand_mfa: false,
        wall: WALL,
        now: value::Instant { seconds: 1_790_000_000, nanos: 0 },
        revealed: &Revealed::default(),
        idempotency_key: "fuzz",
    };
    bench.runtime.block_on(async {
        bench.pool.ready().await?;
        bench.pool.run(&bench.host, call).await.result.expect("a result")
    })
}
