//! What tests of Actions share: a pool of this crate's worker, a host to call, an Action from its text.

use std::sync::Arc;
use std::time::Duration;

use admit_actions::{Options, Pool, Program};
use admit_eval::value::Instant;
use admit_plan::bundle::{Action, Module};
use admit_runtime::action::{ActionCall, ActionEffects, ActionError, ActionReport, Actions as _, Revealed};
use admit_runtime::tenant::TenantId;
use admit_runtime::testing::TestHost;

/// Wants nothing.
pub const NOTHING: &str = "export function execute() { return { kind: 'continue' } }";
/// How much later than its soft deadline an invocation may end where other things run too.
pub const MARGIN: Duration = Duration::from_millis(300);

/// A pool and what its calls are made of.
pub struct Bench {
    pub pool: Pool,
    pub host: Arc<TestHost>,
    pub tenant: TenantId,
    pub wall: u64,
    pub input: String,
    pub fetch: Vec<&'static str>,
    pub secrets: Vec<&'static str>,
}

pub fn program() -> Program {
    let path = env!("CARGO_BIN_EXE_admit-action-worker").into();
    Program { path, arguments: vec![admit_actions::worker::ARGUMENT.to_owned()] }
}

pub fn options() -> Options {
    Options { program: program(), spares: 1, ..Options::default() }
}

/// An Action of one module.
pub fn action(code: &str) -> Action {
    let modules = vec![Module { path: "action.js".into(), code: code.to_owned() }];
    Action {
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
    }
}

/// Waits until something holds; it fails after ten seconds.
pub async fn eventually(holds: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to hold");
}

/// Resident memory of a process, in bytes.
pub fn resident(process: &str) -> u64 {
    let statm = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}

impl Bench {
    pub fn new(options: Options) -> Self {
        let now = Instant { seconds: 1_790_000_000, nanos: 0 };
        Self {
            pool: Pool::new(options).unwrap(),
            host: Arc::new(TestHost::new(now, 1)),
            tenant: "cymmetri".parse().unwrap(),
            wall: 2_000,
            input: "{}".to_owned(),
            fetch: Vec::new(),
            secrets: Vec::new(),
        }
    }

    /// On the login event of the conformance data, where that is there.
    pub fn on_event(options: Options) -> Option<Self> {
        let shared = std::env::var("ADMIT_SHARED").map_or_else(
            |_| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
            std::path::PathBuf::from,
        );
        let event = std::fs::read_to_string(shared.join("conformance/event.json")).ok()?;
        let input =
            format!(r#"{{"trigger":"login.post-auth","context":{{}},"event":{event},"step":{{}},"config":{{}}}}"#);
        Some(Self { input, ..Self::new(options) })
    }

    /// Process ids of all workers that do nothing now.
    pub fn workers(&self) -> Vec<u32> {
        let status = self.pool.status();
        status.idle.into_iter().flat_map(|(_, ids)| ids).chain(status.spares).collect()
    }

    pub async fn report(&self, code: &str) -> ActionReport {
        self.report_for(&self.tenant, code).await
    }

    pub async fn report_for(&self, tenant: &TenantId, code: &str) -> ActionReport {
        self.report_of(tenant, &action(code)).await
    }

    pub async fn report_of(&self, tenant: &TenantId, action: &Action) -> ActionReport {
        let call = ActionCall {
            tenant,
            name: "test@1.0.0",
            action,
            maps: &[],
            input: &self.input,
            fetch: &self.fetch,
            claims: &["tier"],
            secrets: &self.secrets,
            may_demand_mfa: true,
            wall: self.wall,
            now: Instant { seconds: 1_790_000_000, nanos: 0 },
            revealed: &Revealed::default(),
            idempotency_key: "run_1-step",
        };
        self.pool.run(&*self.host, call).await
    }

    pub async fn run(&self, code: &str) -> Result<ActionEffects, ActionError> {
        self.report(code).await.result.unwrap()
    }
}
