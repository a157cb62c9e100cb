//! The host: the one trait through which the runtime reaches the world. The real one is `admit-host` over
//! `admit-store`; tests and dry runs double it.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use thiserror::Error;

use crate::action::Actions;
use crate::feeds::{Feeds, MailServers, NoFeeds};
use crate::keys::{Keys, NoKeys};
use crate::message::{Channel, Message, SendError};
use crate::relying::{OAuthClient, Provider};
use crate::session::{NoSessions, Sessions};
use crate::tenant::TenantId;
use crate::trace::Trace;
use crate::unit::{CredentialInfo, InboxEntry, Session, Unit};

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Everything outside a run.
pub trait Host: Send + Sync {
    /// Wall-clock time; only for stamps, expiries and TOTP.
    fn now(&self) -> Instant;

    /// Monotonic time in nanoseconds since an arbitrary start; for budgets and durations.
    fn monotonic(&self) -> u64;

    /// Fills the buffer from the CSPRNG.
    fn random(&self, buffer: &mut [u8]);

    /// Waits.
    fn sleep(&self, nanos: u64) -> BoxFuture<'_, ()>;

    /// Runs work that needs CPU for milliseconds (password hashing) off the async threads, bounded in number.
    fn blocking(&self, job: Box<dyn FnOnce() -> Datum + Send>) -> BoxFuture<'_, Result<Datum, HostError>>;

    /// The store.
    fn store(&self) -> &dyn Store;

    /// The one outbound client (security.md decision 3).
    fn http<'a>(&'a self, tenant: &'a TenantId, request: HttpRequest)
    -> BoxFuture<'a, Result<HttpResponse, HttpError>>;

    /// Whether messages of the tenant may leave over this channel. Asked before one is queued, so that none waits for what
    /// nobody has set up.
    ///
    /// # Errors
    /// Why not, and what to set.
    fn can_send(&self, _tenant: &TenantId, channel: Channel) -> Result<(), HostError> {
        Err(HostError::NotFound(format!("this host sends no messages over {channel:?}")))
    }

    /// Sends one message; at least once for each that is queued. A message whose receiver is told apart by its id.
    fn send<'a>(&'a self, _tenant: &'a TenantId, _message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(ready(Err(SendError::for_good("this host sends no messages"))))
    }

    /// Where the links of messages lead, without a `/` at the end: `https://login.example.com`.
    ///
    /// # Errors
    /// Where none is set.
    fn link_base(&self, _tenant: &TenantId) -> Result<String, HostError> {
        Err(HostError::NotFound("this host has no address for links".to_owned()))
    }

    /// The feeds: what is known of addresses and breached passwords.
    fn feeds(&self) -> Arc<dyn Feeds> {
        Arc::new(NoFeeds)
    }

    /// Who takes mail for a domain (A-labels, lower case), by the name servers.
    fn mail_servers<'a>(&'a self, _domain: &'a str) -> BoxFuture<'a, Result<MailServers, HostError>> {
        Box::pin(ready(Err(HostError::NotFound("this host asks no name servers".to_owned()))))
    }

    /// A secret of the tenant by name.
    fn secret<'a>(&'a self, tenant: &'a TenantId, name: &'a str) -> BoxFuture<'a, Result<Secret, HostError>>;

    /// Who runs Actions; none where this host runs none.
    fn actions(&self) -> Option<&dyn Actions>;

    /// Whether an outcome of the tenant may redirect to this URL.
    fn may_redirect(&self, tenant: &TenantId, url: &str) -> bool;

    /// Who asks the tenant's users for passkeys; none where the project names nobody.
    fn relying_party(&self, tenant: &TenantId) -> Option<RelyingParty> {
        let _ = tenant;
        None
    }

    /// A hash of the message under a key of the tenant that nobody outside knows, and that stays the same: for what must look
    /// random and be the same each time. `purpose` keeps uses apart.
    ///
    /// # Errors
    /// There is no key.
    fn keyed_hash(&self, tenant: &TenantId, purpose: &str, message: &[u8]) -> Result<[u8; 32], HostError> {
        let _ = (tenant, purpose, message);
        Err(HostError::NotFound("this host has no key for hashes".to_owned()))
    }

    /// Signs claims (a JSON object) as a compact JWS of this `typ` with the tenant's current key.
    fn sign_jwt<'a>(
        &'a self,
        tenant: &'a TenantId,
        kind: &'a str,
        claims: &'a str,
    ) -> BoxFuture<'a, Result<String, HostError>>;

    /// The claims of a token of this `typ` that the tenant has signed and whose time it is.
    fn verify_jwt<'a>(
        &'a self,
        tenant: &'a TenantId,
        kind: &'a str,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Datum, HostError>>;

    /// `iss` of the tenant's tokens.
    fn issuer(&self, tenant: &TenantId) -> String {
        format!("urn:admit:tenant:{tenant}")
    }

    /// An OpenID provider of the tenant by its name in flows.
    fn provider(&self, tenant: &TenantId, name: &str) -> Option<&Provider> {
        let _ = (tenant, name);
        None
    }

    /// A client of the tenant by its id.
    fn client(&self, tenant: &TenantId, id: &str) -> Option<&OAuthClient> {
        let _ = (tenant, id);
        None
    }
}

/// The relying party of passkeys (WebAuthn Level 3 section 5.1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelyingParty {
    /// The domain that they are bound to: `example.com`.
    pub id: String,
    /// Its name, for the user.
    pub name: String,
    /// Origins of pages that may ask for them: `https://login.example.com`.
    pub origins: Vec<String>,
}

/// The store, as far as blocks and the engine need it. Every method takes the tenant.
pub trait Store: Send + Sync {
    /// The part that keeps sessions.
    fn sessions(&self) -> &dyn Sessions {
        &NoSessions
    }

    /// The part that keeps signing keys.
    fn keys(&self) -> &dyn Keys {
        &NoKeys
    }

    /// A user by identifier (e-mail, phone or user name), or none.
    fn user_by_identifier<'a>(
        &'a self,
        tenant: &'a TenantId,
        identifier: &'a str,
    ) -> BoxFuture<'a, Result<Option<Datum>, StoreError>>;

    /// A user by id, as the record `event.user` of blocks.md.
    fn user<'a>(&'a self, tenant: &'a TenantId, id: &'a str) -> BoxFuture<'a, Result<Option<Datum>, StoreError>>;

    /// A user that this run has made and that is pending, by id or identifier: nobody else sees it. Blocks read through
    /// [`Call::user`](crate::block::Call::user), which asks this where it has to.
    fn pending_user<'a>(
        &'a self,
        tenant: &'a TenantId,
        run_id: &'a str,
        id_or_identifier: &'a str,
    ) -> BoxFuture<'a, Result<Option<Datum>, StoreError>>;

    /// The credentials of a user of one kind (see [`NewCredential`](crate::unit::NewCredential)) that can be used: id and
    /// secret material, unsealed. Blocks read through [`Call::credentials`](crate::block::Call::credentials).
    fn credentials<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
        kind: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Credential>, StoreError>>;

    /// All credentials of a user that can be used, without their material, in the order of their ids.
    fn credential_list<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
    ) -> BoxFuture<'a, Result<Vec<CredentialInfo>, StoreError>>;

    /// A credential by what an authenticator or provider names it
    /// ([`NewCredential::external_id`](crate::unit::NewCredential::external_id)), of whichever user that runs can see.
    fn credential_by_external_id<'a>(
        &'a self,
        tenant: &'a TenantId,
        kind: &'a str,
        external_id: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Credential>, StoreError>>;

    /// Something is shown for a challenge: the attempt is counted, at once and in the statement that precedes the comparison,
    /// which is in constant time (security.md decision 6).
    fn try_challenge<'a>(
        &'a self,
        tenant: &'a TenantId,
        of: ChallengeOf<'a>,
        shown: &'a [u8],
        now: Instant,
    ) -> BoxFuture<'a, Result<Tried, StoreError>>;

    /// What was kept with a challenge that nobody has met and that something may still be shown for, be its time over or not:
    /// one that can get another secret. Nothing is counted.
    fn open_challenge<'a>(
        &'a self,
        tenant: &'a TenantId,
        of: ChallengeOf<'a>,
    ) -> BoxFuture<'a, Result<Option<Datum>, StoreError>>;

    /// A challenge that is found by its secret alone (a link), that nobody has met and whose time is not over.
    fn challenge_by_secret<'a>(
        &'a self,
        tenant: &'a TenantId,
        kind: &'a str,
        secret: &'a [u8],
        now: Instant,
    ) -> BoxFuture<'a, Result<Option<FoundChallenge>, StoreError>>;

    /// A session that was stored, not revoked, whose time is not over, and whose user may sign in.
    fn session<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
        now: Instant,
    ) -> BoxFuture<'a, Result<Option<Session>, StoreError>>;

    /// The sign-ins that risk signals compare with, newest first, at most `limit`.
    fn sign_ins<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<SignIn>, StoreError>>;

    /// Adds one to a counter and answers how it stands; committed at once. The window begins with the first count after the
    /// one before was over.
    fn count_in<'a>(
        &'a self,
        tenant: &'a TenantId,
        key: &'a str,
        window_seconds: u64,
        now: Instant,
    ) -> BoxFuture<'a, Result<Counted, StoreError>>;

    /// As [`Store::count_in`]; the count alone.
    fn count<'a>(
        &'a self,
        tenant: &'a TenantId,
        key: &'a str,
        window_seconds: u64,
        now: Instant,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move { Ok(self.count_in(tenant, key, window_seconds, now).await?.count) })
    }

    /// Sets a counter back to zero (a success after failures).
    fn reset_count<'a>(&'a self, tenant: &'a TenantId, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// What was left for a user to read in the application, newest first, at most `limit`; older than the entry `before`
    /// where one is given.
    fn inbox<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
        before: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<InboxEntry>, StoreError>>;

    /// Marks an entry of a user's inbox as read. `NotFound` where this user has none by this id.
    fn mark_read<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
        id: &'a str,
        now: Instant,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Notes a failed sign-in under a key, at once. Failures older than two days may be forgotten.
    fn note_failure<'a>(
        &'a self,
        tenant: &'a TenantId,
        key: &'a str,
        now: Instant,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// When the failures under a key were, newest first, none before `since`, at most `limit`.
    fn failures<'a>(
        &'a self,
        tenant: &'a TenantId,
        key: &'a str,
        since: Instant,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Instant>, StoreError>>;

    /// Forgets the failures under a key (a success).
    fn forget_failures<'a>(&'a self, tenant: &'a TenantId, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Commits a request: the unit of work, audit and the run's row, in one transaction.
    fn commit<'a>(&'a self, tenant: &'a TenantId, commit: RunCommit) -> BoxFuture<'a, Result<(), StoreError>>;

    /// A suspended run and the bundle that it waits for, by the hash of its resume token; none where no such run waits. Asked before the run is taken, so that a bundle that is not here costs nobody the run.
    fn waiting_run<'a>(
        &'a self,
        tenant: &'a TenantId,
        token_hash: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<WaitingRun>, StoreError>>;

    /// Takes a suspended run by the hash of its resume token: compare-and-set, so that of any number of racing
    /// resumes exactly one gets it. `Conflict` if it was taken, `NotFound` if there is none, `Expired`.
    fn take_run<'a>(
        &'a self,
        tenant: &'a TenantId,
        token_hash: [u8; 32],
        now: Instant,
    ) -> BoxFuture<'a, Result<StoredRun, StoreError>>;
}

/// What one request of a run commits.
#[derive(Clone, Debug)]
pub struct RunCommit {
    /// `run_...`
    pub run_id: String,
    /// Which flow.
    pub flow: String,
    /// Content hash of the bundle it began with.
    pub bundle: [u8; 32],
    /// Number of the request in the run, 0 first; a commit of a step that is there already is a `Conflict`.
    pub seq: u32,
    /// Whose run it is, as soon as that is known: record and trace are sealed under this user's key, else the
    /// tenant's.
    pub user_id: Option<String>,
    /// `session`, `deny`, `suspended`, ...
    pub outcome: String,
    /// Reason, error id or label, as the outcome has it.
    pub detail: Option<String>,
    /// Where it is suspended: the run record (encoded), hash of its token, expiry.
    pub suspended: Option<SuspendedRow>,
    /// The trace of this request; secrets never in it. The store encodes it ([`Trace::encode`]).
    pub trace: Arc<Trace>,
    /// The unit of work: empty on deny and error, but for audit.
    pub unit: Arc<Unit>,
    /// Where the request came from, for its audit entries: a record.
    pub context: Option<Datum>,
    /// The answer that a second call under the same key gets; it stands or falls with the rest.
    pub kept: Option<Arc<KeptAnswer>>,
    /// When.
    pub at: Instant,
}

/// Who does a call that is done once: its key, hashed, and a random word that nobody else has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Keyed hash of the key that the caller gave.
    pub key_hash: [u8; 32],
    /// Tells this claim from one that has taken it over.
    pub token: [u8; 16],
}

/// An answer to be kept under a claim. It may hold tokens, so it is a secret.
pub struct KeptAnswer {
    /// The claim. One that is somebody else's by now makes the commit a `Conflict`.
    pub claim: Claim,
    /// The answer, as it is sent.
    pub body: Secret,
}

impl std::fmt::Debug for KeptAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptAnswer").finish_non_exhaustive()
    }
}

/// How a request ended, as far as its writes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// In an outcome that lets in or finishes: users that the run has made are activated.
    Well,
    /// It goes on: users that it makes are pending.
    Suspended,
    /// In deny or error: users that it has made are discarded, and something that was used already is no conflict, since
    /// nobody is let in.
    Badly,
}

impl RunCommit {
    /// How the request ended. A word that is not known is not well.
    pub fn end(&self) -> RunEnd {
        match self.outcome.as_str() {
            "session" | "tokens" | "allow" | "finalized" if self.suspended.is_none() => RunEnd::Well,
            "suspended" if self.suspended.is_some() => RunEnd::Suspended,
            _ => RunEnd::Badly,
        }
    }
}

/// A suspended run.
#[derive(Clone, Debug)]
pub struct SuspendedRow {
    /// The versioned record.
    pub record: Vec<u8>,
    /// SHA-256 of the resume token.
    pub token_hash: [u8; 32],
    /// Until when it may be resumed.
    pub expires_at: Instant,
}

/// A run that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRun {
    /// `run_...`
    pub run_id: String,
    /// Content hash of the bundle that it began with.
    pub bundle: [u8; 32],
}

/// A run that was taken for resuming.
#[derive(Clone, Debug)]
pub struct StoredRun {
    /// `run_...`
    pub run_id: String,
    /// Content hash of the bundle it began with.
    pub bundle: [u8; 32],
    /// The record.
    pub record: Vec<u8>,
    /// Number of the next request.
    pub seq: u32,
}

/// A credential with its material.
pub struct Credential {
    /// `crd_...`
    pub id: String,
    /// Whose.
    pub user_id: String,
    /// PHC string for passwords; raw seed for TOTP and HOTP; what [`NewCredential`](crate::unit::NewCredential) was given.
    pub material: Secret,
    /// Last TOTP step accepted.
    pub last_step: Option<i64>,
    /// Where it counts: WebAuthn, HOTP.
    pub counter: Option<i64>,
    /// What is not secret of it: a record of JSON values.
    pub data: Datum,
    /// When it was stored.
    pub created_at: Instant,
}

/// Which challenge is meant. All of it must be so, else there is no such challenge.
#[derive(Clone, Copy, Debug)]
pub struct ChallengeOf<'a> {
    /// `chl_...`
    pub id: &'a str,
    /// What it is for.
    pub kind: &'a str,
    /// The run that shows something for it. A challenge of another run is not there; one of no run is.
    pub run_id: &'a str,
    /// Whose it must be; none: nobody's.
    pub user_id: Option<&'a str>,
}

/// What came of showing something for a challenge.
#[derive(Clone, Debug, PartialEq)]
pub enum Tried {
    /// It is right. It is met with [`Write::TakeChallenge`](crate::unit::Write::TakeChallenge) in the unit of work.
    Right {
        /// What was kept with it.
        data: Datum,
    },
    /// It is wrong.
    Wrong {
        /// How often something may still be shown.
        attempts_left: u32,
    },
    /// Nothing may be shown for it any more: it was met, or its attempts are used up.
    Spent,
    /// Its time is over.
    Expired,
    /// There is no such challenge.
    Unknown,
}

/// A challenge that was found by its secret.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundChallenge {
    /// `chl_...`
    pub id: String,
    /// The run that it belongs to, if to one.
    pub run_id: Option<String>,
    /// Whose.
    pub user_id: Option<String>,
    /// What was kept with it.
    pub data: Datum,
    /// Until when.
    pub expires_at: Instant,
}

/// How a counter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Counts within the window, this one included.
    pub count: u64,
    /// When the window is over, and the count begins anew.
    pub ends_at: Instant,
}

impl Counted {
    /// Whole seconds until the window is over, rounded up; 1 at least, and the window's length at most, whatever the clock does.
    pub fn seconds_left(&self, now: Instant, window_seconds: u64) -> u64 {
        let left = self.ends_at.seconds.saturating_sub(now.seconds);
        let left = left.saturating_add(i64::from(self.ends_at.nanos > now.nanos));
        u64::try_from(left).unwrap_or(0).clamp(1, window_seconds.max(1))
    }
}

/// A past sign-in.
#[derive(Clone, Debug, PartialEq)]
pub struct SignIn {
    /// When.
    pub at: Instant,
    /// Device id or fingerprint.
    pub device: Option<String>,
    /// Country, ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Latitude and longitude in degrees.
    pub position: Option<(f64, f64)>,
    /// Address.
    pub ip: String,
}

/// A secret in memory: no `Debug`, no `Serialize`, zeroized when dropped.
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Takes the bytes.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes, for the one place that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// A request to the outside.
pub struct HttpRequest {
    /// `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`
    pub method: &'static str,
    /// Absolute URL.
    pub url: String,
    /// Names and values; values may hold secrets, so there is no `Debug`.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Option<Vec<u8>>,
    /// Time limit in milliseconds, connecting included.
    pub timeout: u64,
    /// Hosts that it may go to, redirects included, among those that the tenant may call; none: all of them.
    pub hosts: Option<Vec<String>>,
}

/// Its answer; at most 1 MiB of body.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Headers in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// Why a request failed or was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HttpError {
    /// The address, scheme, port or host is not allowed; nothing was sent.
    #[error("egress refused: {0}")]
    Refused(String),
    /// No answer in time.
    #[error("no answer within {0} ms")]
    TimedOut(u64),
    /// The answer is larger than the limit.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(u64),
    /// Connecting, TLS or HTTP failed.
    #[error("{0}")]
    Failed(String),
}

/// Why the host could not do it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HostError {
    /// Nothing by that name.
    #[error("{0}")]
    NotFound(String),
    /// Too much of it already.
    #[error("overloaded, try again")]
    Overloaded,
    /// It failed.
    #[error("{0}")]
    Failed(String),
}

/// Why the store could not do it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Somebody else was first.
    #[error("conflict")]
    Conflict,
    /// There is none.
    #[error("not found")]
    NotFound,
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// Other transactions were in the way each time it was tried; nothing was written. The same may succeed a little later.
    #[error("the store is too busy, try again")]
    Contended,
    /// The database is not there, or out of room; nothing that was acknowledged is lost. The same may succeed a little later.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// The database failed; nothing was written.
    #[error("the store failed: {0}")]
    Failed(String),
}

impl StoreError {
    /// May the same succeed a little later?
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Contended | Self::Unavailable(_) => true,
            Self::Conflict | Self::NotFound | Self::Expired | Self::Failed(_) => false,
        }
    }
}
