//! What host and worker say to each other over their one socket: frames of postcard behind their length. The host takes
//! nothing on trust: every frame has a size limit, every text is checked where it is used.

use serde::{Deserialize, Serialize};

/// From the host.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToWorker {
    /// Code that this worker does not have yet; it keeps it by hash.
    Code {
        /// BLAKE3 of the modules ([`admit_plan::bundle::Action::hash_of`]).
        hash: [u8; 32],
        /// Path and JavaScript of each module, the entry first.
        modules: Vec<(String, String)>,
    },
    /// Run this now; one at a time.
    Run(Invocation),
    /// The answer to an [`Ask`].
    Reply {
        /// Which.
        id: u32,
        /// The answer.
        reply: Reply,
    },
}

/// An invocation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invocation {
    /// Which code.
    pub hash: [u8; 32],
    /// Slug and version, for stacks: `tag@1.2.0`.
    pub name: String,
    /// The input as a JSON object: `trigger`, `context`, `event`, `step`, `config`.
    pub input: String,
    /// Claims that it may set.
    pub claims: Vec<String>,
    /// It may demand a second factor.
    pub may_demand_mfa: bool,
    /// Its limits.
    pub limits: Limits,
    /// The clock at its start, in milliseconds since 1970.
    pub now: i64,
    /// What `Math.random` is seeded with.
    pub seed: u64,
}

/// Limits of one invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Wall time, in milliseconds; waiting for the host counts.
    pub wall: u64,
    /// CPU time, in milliseconds.
    pub cpu: u64,
    /// Memory of the world, in bytes.
    pub memory: u64,
    /// Stack, in bytes.
    pub stack: u64,
    /// What it gives back (state, claims, patches, verdict together), as JSON, in bytes.
    pub output: u64,
    /// Log lines.
    pub log_lines: u32,
    /// Log text, in bytes.
    pub log_bytes: u64,
    /// Calls of `api.fetch`.
    pub fetches: u32,
    /// Body of one request of `api.fetch`, in bytes.
    pub fetch_request: u64,
    /// Bodies of all its answers together, in bytes.
    pub fetch_response: u64,
    /// Promise jobs run without an awaited host call between.
    pub jobs: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: 2_000,
            cpu: 1_000,
            memory: 16 << 20,
            stack: 256 << 10,
            output: 64 << 10,
            log_lines: 100,
            log_bytes: 16 << 10,
            fetches: 10,
            fetch_request: 256 << 10,
            fetch_response: 1 << 20,
            jobs: 100_000,
        }
    }
}

/// From the worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromWorker {
    /// A world is prepared and the sandbox is up; or why it is not.
    Ready(Result<(), String>),
    /// A call that the host must answer.
    Ask {
        /// Numbers the calls of an invocation from 0.
        id: u32,
        /// What is asked.
        ask: Ask,
    },
    /// A line for the run's log.
    Log {
        /// How bad it is.
        level: LogLevel,
        /// The line.
        text: String,
    },
    /// The invocation ended; its world is being put back.
    Done {
        /// How.
        outcome: Result<Effects, Failure>,
        /// CPU time that it took, in nanoseconds.
        cpu: u64,
    },
}

/// A level of `api.log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogLevel {
    /// `debug`
    Debug,
    /// `info`
    Info,
    /// `warn`
    Warn,
    /// `error`
    Error,
}

/// A call that the host must answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// `api.fetch(url, init)`
    Fetch {
        /// `GET`, `POST`, ...
        method: String,
        /// Absolute URL.
        url: String,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// Body.
        body: Option<Vec<u8>>,
    },
    /// `api.secrets.get(name)`: the world waits for the answer.
    Secret(String),
    /// `api.rateLimit(key, limit, window)`
    RateLimit {
        /// Key of the counter, below the tenant and the Action's slug.
        key: String,
        /// How many are allowed within the window.
        limit: u64,
        /// The window, in seconds.
        window: u64,
    },
}

/// The answer to an [`Ask`]; an error is thrown, or rejects the promise, in the Action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// To [`Ask::Fetch`].
    Fetch(Result<Response, String>),
    /// To [`Ask::Secret`].
    Secret(Result<String, String>),
    /// To [`Ask::RateLimit`].
    RateLimit(Result<Rate, String>),
}

/// The answer of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// How far the Action's clock moves, in milliseconds.
    pub waited: u64,
}

/// The state of a counter, this call counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Within the limit.
    pub allowed: bool,
    /// Calls within the window.
    pub count: u64,
    /// Calls left.
    pub remaining: u64,
    /// Seconds until the window is over, where it is not allowed.
    pub retry_after: u64,
    /// How far the Action's clock moves, in milliseconds.
    pub waited: u64,
}

/// What an Action that ended well wants done. Values are JSON texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effects {
    /// How the walk goes on.
    pub verdict: Verdict,
    /// `api.state.set`: key and value, the last of each key.
    pub state: Vec<(String, String)>,
    /// Claims: name and value, the last of each name.
    pub claims: Vec<(String, String)>,
    /// Patches of `app_metadata`, in order.
    pub app_metadata: Vec<String>,
    /// Where to redirect after success.
    pub redirect: Option<String>,
    /// A second factor is demanded.
    pub demand_mfa: bool,
}

/// What becomes of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It goes on.
    #[default]
    Continue,
    /// `api.deny(reason)`.
    Deny(String),
    /// `{ kind: "block", code, reason }`.
    Block(Option<String>, Option<String>),
}

/// Why an invocation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// Something was thrown: its text, and the stack in terms of the JavaScript.
    Threw(String, String),
    /// Wall or CPU time, or jobs, ran out.
    TimedOut,
    /// Memory ran out.
    OutOfMemory,
    /// Something given back is larger than it may be.
    TooMuch(String),
    /// What it gave back makes no sense.
    Invalid(String),
}
