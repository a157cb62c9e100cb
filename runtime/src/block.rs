//! Blocks: what an implementation gets and gives. Registered by name; the plan knows names and declared types only.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_plan::types::Type;
use smol_str::SmolStr;
use thiserror::Error;

use crate::action::{ActionCall, ActionReport};
use crate::host::{BoxFuture, Host, HostError, HttpError, Secret, StoreError};
use crate::message::Texts;
use crate::tenant::TenantId;
use crate::unit::Unit;

/// An implementation of a block type.
pub trait Block: Send + Sync {
    /// The block's name, as declared.
    fn name(&self) -> &'static str;

    /// Runs it once. A block that needs the user answers [`Done::Prompt`]; it is run again with the answer.
    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>>;

    /// Runs it without waiting for anything: for blocks that only compute and write to the unit of work (`allow`,
    /// `deny`, `finalize`, `log_event`). None: only [`Block::run`] can, and nothing has been done. Such a block is
    /// not timed, so it must end in microseconds.
    fn run_now(&self, call: &mut Call<'_>) -> Option<Result<Done, BlockError>> {
        let _ = call;
        None
    }
}

/// The error that every block may name without declaring it: a config that no checked plan has.
pub const INVALID_CONFIG: &str = "invalid_config";

/// Finds block implementations by name.
#[derive(Clone, Default)]
pub struct Registry {
    blocks: Vec<Arc<dyn Block>>,
    /// Names of errors by block, as declared.
    errors: Vec<(&'static str, &'static [&'static str])>,
}

impl Registry {
    /// Adds one; a name that is there already is replaced, and what its declaration says stays.
    pub fn add(&mut self, block: Arc<dyn Block>) {
        self.blocks.retain(|known| known.name() != block.name());
        self.blocks.push(block);
    }

    /// Adds one with the errors that its declaration names. A block that names another one ends its run in an internal
    /// error.
    pub fn add_declared(&mut self, block: Arc<dyn Block>, errors: &'static [&'static str]) {
        self.errors.retain(|(known, _)| *known != block.name());
        self.errors.push((block.name(), errors));
        self.add(block);
    }

    /// By name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Block>> {
        self.blocks.iter().find(|block| block.name() == name)
    }

    /// The errors that a block's declaration names.
    pub fn errors(&self, name: &str) -> &'static [&'static str] {
        self.errors.iter().find(|(known, _)| *known == name).map_or(&[], |(_, errors)| *errors)
    }

    /// All of them.
    pub fn blocks(&self) -> impl Iterator<Item = &Arc<dyn Block>> {
        self.blocks.iter()
    }
}

/// What a block gets.
pub struct Call<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The world.
    pub host: &'a dyn Host,
    /// The clock, fixed for this block and recorded.
    pub now: Instant,
    /// The run's id.
    pub run_id: &'a str,
    /// The flow's name.
    pub flow: &'a str,
    /// The block's label.
    pub label: &'a str,
    /// Config, evaluated and checked: a record. Secrets are not in it.
    pub config: &'a Datum,
    /// Config values that are or hold secrets, by field path (`headers.authorization`).
    pub secrets: &'a [(String, Secret)],
    /// Config values that are types (call_webhook's `expect`), by field.
    pub types: &'a [(String, Type)],
    /// The event as it stands: groups as records; `user` absent until provided.
    pub event: &'a dyn Event,
    /// What the user submitted: the fields that the block `takes` or that its prompt declares; none if nothing
    /// was submitted.
    pub input: Option<&'a Input>,
    /// The block's own memory over its suspensions in this run: what it gave with its last prompt.
    pub memory: Option<&'a Datum>,
    /// The unit of work so far, and where its writes go.
    pub unit: &'a mut Unit,
    /// Engine time left for this try, in milliseconds.
    pub time_left: u64,
    /// The Action to run: for the block `run_custom_action` alone.
    pub action: Option<ActionCall<'a>>,
    /// The session that the run was started within: its record.
    pub session: Option<&'a Datum>,
    /// Custom claims that Actions of this run have set so far, for the block that makes the token.
    pub claims: &'a [(SmolStr, Datum)],
    /// The project's texts of messages.
    pub texts: &'a dyn Texts,
}

/// Reads of the event by path below `event`.
pub trait Event: Send + Sync {
    /// The value at `request.asn.is_tor`, or none where it is absent. What the caller submitted comes as its JSON
    /// says (a timestamp is a string); `user`, `authentication` and `tenant` as blocks gave them.
    fn get(&self, path: &str) -> Option<Datum>;
}

/// What the user submitted with this request, already checked against the declared types.
#[derive(Default)]
pub struct Input {
    /// Fields that are not secret.
    pub fields: Vec<(String, Datum)>,
    /// Fields that are.
    pub secrets: Vec<(String, Secret)>,
}

/// How a block ended.
pub enum Done {
    /// It ran.
    Output(Output),
    /// A test's stand-in ran: as [`Done::Output`], but outputs may be left out. An error outside tests.
    Stubbed(Output),
    /// It needs the user.
    Prompt(Prompt),
    /// It ends the run in deny with this reason (`mfa_failed`, `already_registered`, `deny`'s own).
    Deny {
        /// The reason: a constant word.
        reason: String,
        /// For the user, if it has one.
        user_message: Option<String>,
    },
    /// It settles the outcome: `allow`, `finalized`, or a session (its record, and its token once).
    Settle(Settled),
    /// An Action ran; the engine checks what it wants done.
    Acted(ActionReport),
}

/// Outputs.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// By name; checked against the declaration.
    pub fields: Vec<(String, Datum)>,
    /// What `provides event.user` gives.
    pub user: Option<Datum>,
    /// What `sets` without `to` sets, by path below `event`.
    pub sets: Vec<(String, Datum)>,
    /// Custom claims of the token that is made later, by their names.
    pub claims: Vec<(String, Datum)>,
}

/// A question to the user.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What the caller shows: a record without secrets. The engine adds `fields`.
    pub challenge: Datum,
    /// What the block wants back in [`Call::memory`].
    pub memory: Datum,
    /// How long it may take, in seconds.
    pub expires_in: u64,
    /// Fields of the declared prompt that answer this question.
    pub wants: Vec<&'static str>,
    /// Fields that may be given beside them, or instead: to ask for another code or another factor.
    pub takes: Vec<&'static str>,
}

/// An outcome settled by a terminal.
#[derive(Clone, Debug)]
pub enum Settled {
    /// `allow`
    Allow,
    /// `finalize`
    Finalized(Finalized),
    /// `issue_session`: the record `session`, and the signed token for the caller, once.
    Session {
        /// Fields of `session`.
        session: Datum,
        /// The JWT; never traced.
        token: String,
        /// How the caller should set it as a cookie, where the flow says so: name and attributes (RFC 6265), not the value.
        cookie: Option<Datum>,
    },
    /// `issue_tokens`
    Tokens {
        /// Fields of `session`.
        session: Datum,
        /// The tokens, for the caller, once.
        tokens: Tokens,
    },
}

/// What `finalize` leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finalized {
    /// Whatever the flow gives its caller.
    pub result: Option<Datum>,
    /// Where the user goes; allowed by whoever gives it.
    pub redirect: Option<String>,
}

/// The answer of a token endpoint (RFC 6749 section 5.1).
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// A JWT (RFC 9068).
    pub access_token: String,
    /// Opaque, used once.
    pub refresh_token: Option<String>,
    /// When the access token expires, in seconds since the epoch.
    pub expires_at: i64,
    /// The scopes granted, joined by spaces.
    pub scope: String,
    /// An answer that was given before is given again: nothing was made, and nothing is written.
    pub is_again: bool,
}

/// Tokens are not for logs.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("expires_at", &self.expires_at)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// Why a block failed. The text goes to trace and audit, never to the user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BlockError {
    /// A declared error by name, with what happened.
    #[error("{name}: {detail}")]
    Named {
        /// Its name in the declaration's `errors`.
        name: &'static str,
        /// What happened.
        detail: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The host failed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// An outbound call failed.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl BlockError {
    /// Its name, where the declaration does not have it.
    pub(crate) fn undeclared(&self, declared: &[&str]) -> Option<&'static str> {
        match self {
            Self::Named { name, .. } if *name != INVALID_CONFIG && !declared.contains(name) => Some(name),
            Self::Named { .. } | Self::Store(_) | Self::Host(_) | Self::Http(_) => None,
        }
    }

    /// A further try can only fail alike: a call that is not allowed, a secret that nobody has set, a wrong config.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Named { name, .. } => *name == INVALID_CONFIG,
            Self::Host(error) => matches!(error, HostError::NotFound(_)),
            Self::Http(error) => matches!(error, HttpError::Refused(_)),
            Self::Store(_) => false,
        }
    }
}
