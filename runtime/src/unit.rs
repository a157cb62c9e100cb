//! The unit of work: the store writes of one request, committed once with the run's row, audit and outbox when the
//! run ends or suspends, discarded on deny or error (except what is marked to survive: audit of the denial).

use admit_eval::datum::Datum;
use admit_eval::value::Instant;

use crate::message;

/// Store writes collected by the blocks of one request, in order.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// The writes.
    pub writes: Vec<Write>,
    /// Audit entries of blocks, in order; the run's own are added by the engine.
    pub audit: Vec<AuditEntry>,
}

/// One write. Compare-and-set writes make the whole commit fail with [`crate::host::StoreError::Conflict`] if
/// they do not apply.
#[derive(Clone, Debug)]
pub enum Write {
    /// A session is stored.
    InsertSession(Session),
    /// A password hash is replaced by a better one of the same password, if it is still the old one.
    RehashPassword {
        /// Whose.
        user_id: String,
        /// What it was.
        old: String,
        /// What it becomes.
        new: String,
    },
    /// A TOTP step is taken: fails unless `step` is greater than the credential's last step (RFC 6238 section 5.2).
    TakeTotpStep {
        /// Which credential.
        credential_id: String,
        /// The step that matched.
        step: i64,
    },
    /// A successful sign-in: `last_login_at`, `login_count`, and the facts that later risk signals compare with.
    RecordSignIn {
        /// Whose.
        user_id: String,
        /// When.
        at: Instant,
        /// Device id or fingerprint.
        device: Option<String>,
        /// Country, ISO 3166-1 alpha-2.
        country: Option<String>,
        /// Latitude and longitude in degrees.
        position: Option<(f64, f64)>,
        /// Address.
        ip: String,
    },
    /// Merge patches (RFC 7396) of the user's `app_metadata`, in order, over what it is when they are committed. They do
    /// nothing where the user was erased meanwhile.
    PatchAppMetadata {
        /// Whose.
        user_id: String,
        /// Each an object.
        patches: Vec<Datum>,
    },
    /// A job for the queue (an `async` block, a message): done at least once after the commit. An `async` block is done
    /// also if the run is denied in the same request; a message is not sent then. A second job with the same key is the
    /// same job.
    Enqueue {
        /// Idempotency key, unique in the tenant: run, label and try.
        key: String,
        /// What kind of job: names the handler.
        kind: String,
        /// The job, encoded by its handler; stored sealed.
        payload: Vec<u8>,
    },
    /// Something for a user to read in the application. A second one with the same id is the same one; it does nothing
    /// where the user was erased meanwhile.
    InsertInbox(InboxEntry),
}

impl Unit {
    /// What is committed of a unit whose run ends in deny or error: audit, jobs that the walk has passed, and
    /// one-time codes that were accepted (a code is used once, whatever came of it: RFC 6238 section 5.2).
    pub fn denied(self) -> Self {
        let writes = self
            .writes
            .into_iter()
            .filter(|write| match write {
                Write::TakeTotpStep { .. } => true,
                Write::Enqueue { kind, .. } => kind != message::KIND,
                Write::InsertInbox(_)
                | Write::InsertSession(_)
                | Write::RehashPassword { .. }
                | Write::RecordSignIn { .. }
                | Write::PatchAppMetadata { .. } => false,
            })
            .collect();
        Self { writes, audit: self.audit }
    }
}

/// An entry of a user's inbox in the application.
#[derive(Clone, Debug, PartialEq)]
pub struct InboxEntry {
    /// `msg_...`
    pub id: String,
    /// Whose.
    pub user_id: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// When.
    pub at: Instant,
    /// When it was read; none: it was not.
    pub read_at: Option<Instant>,
}

/// A session as stored (blocks.md, The session).
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// `ses_...`
    pub id: String,
    /// Whose.
    pub user_id: String,
    /// `aal1`, `aal2`, `aal3`
    pub aal: String,
    /// Factors in the order passed.
    pub methods: Vec<String>,
    /// When.
    pub issued_at: Instant,
    /// Until when.
    pub expires_at: Instant,
}

/// An entry of the audit log (runtime.md section 7). Id, time, sequence and hash are the store's.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// `flow.run_completed`, `user.signed_in`, ...
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// To what.
    pub target: String,
    /// `success`, `failure`, `denied`, `partial`
    pub outcome: String,
    /// More; pii is sealed or masked by the store, secrets never get here.
    pub data: Datum,
}
