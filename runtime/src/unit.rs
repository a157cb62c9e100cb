//! The unit of work: the store writes of one request, committed once with the run's row, audit and outbox when the
//! run ends or suspends, discarded on deny or error (except what is marked to survive: audit of the denial).

use admit_eval::datum::Datum;
use admit_eval::value::Instant;

use crate::execute::job;

mod credential;
mod session;
mod user;
mod view;

pub use credential::{Challenge, CredentialInfo, Material, NewCredential, Revoke};
pub use session::{Family, Rotation, Session};
pub use user::{Change, IDENTIFIERS, NewUser, Proved, UserChanges};
pub(crate) use user::{has_identifier, put};
pub use view::factors;

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
    /// A refresh family begins, with the hash of its first token.
    InsertFamily(Family, [u8; 32]),
    /// A refresh token is exchanged for the next one of its family.
    RotateRefresh(Box<Rotation>),
    /// A refresh family ends, and the session that it hangs on: one of its tokens was used twice. Holds whatever becomes of the
    /// run.
    RevokeFamily {
        /// Which.
        family_id: String,
        /// The session.
        session_id: String,
    },
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
    /// A job for the queue (an `async` block, a message): done at least once after the commit. An `async` block that the walk
    /// has passed is done whatever becomes of the run; a run that is denied sends no message. A second job with the same key
    /// is the same job.
    Enqueue {
        /// Idempotency key, unique in the tenant: run, label and try.
        key: String,
        /// What kind of job: names the handler.
        kind: String,
        /// The job, encoded by its handler; stored sealed.
        payload: Vec<u8>,
    },
    /// A user is made. Until the run ends well they are pending: nobody but this run sees them, they cannot sign in, their
    /// identifiers stay free. The commit that ends the run well activates them, and is a conflict if an identifier was taken
    /// meanwhile; one that ends it in deny or error discards them.
    InsertUser(Box<NewUser>),
    /// A user is changed. A conflict if an identifier belongs to somebody else, or there is no such user.
    UpdateUser {
        /// Whose.
        user_id: String,
        /// What.
        changes: Box<UserChanges>,
    },
    /// An address or number was proved to be the user's: a conflict if it is not theirs any more.
    SetVerified {
        /// Whose.
        user_id: String,
        /// Which of both.
        what: Proved,
        /// The address or number that was proved.
        value: String,
    },
    /// A credential is stored: a conflict if its `external_id` is known.
    InsertCredential(Box<NewCredential>),
    /// What is not secret of a credential becomes this.
    UpdateCredential {
        /// Whose.
        user_id: String,
        /// Which.
        credential_id: String,
        /// As [`NewCredential::data`].
        data: Datum,
    },
    /// The user's password becomes this one; what they had before goes.
    SetPassword {
        /// Whose.
        user_id: String,
        /// `crd_...`: the id of the new credential.
        credential_id: String,
        /// PHC string.
        hash: Material,
    },
    /// A credential goes; nothing happens if it is gone.
    DeleteCredential {
        /// Whose.
        user_id: String,
        /// Which.
        credential_id: String,
    },
    /// A credential that counts once (a backup code) is used: a conflict if it was used before.
    TakeCredential {
        /// Which.
        credential_id: String,
    },
    /// The counter of a credential becomes greater (HOTP, RFC 4226; the sign count of WebAuthn): a conflict if it is as great
    /// already.
    AdvanceCounter {
        /// Which.
        credential_id: String,
        /// What it becomes: of HOTP the counter after the one that matched.
        to: i64,
    },
    /// A challenge is made.
    InsertChallenge(Box<Challenge>),
    /// A challenge gets another secret (a code is sent again). The attempts stay counted.
    RenewChallenge {
        /// Which.
        id: String,
        /// What must be shown now.
        secret: Material,
        /// Until when.
        expires_at: Instant,
    },
    /// A challenge is met: a conflict if it was met before or its time is over.
    TakeChallenge {
        /// Which.
        id: String,
    },
    /// Sessions of a user end.
    RevokeSessions {
        /// Whose.
        user_id: String,
        /// Which of them.
        which: Revoke,
    },
    /// Something for a user to read in the application. A second one with the same id is the same one; it does nothing
    /// where the user was erased meanwhile.
    InsertInbox(InboxEntry),
}

impl Write {
    /// What must not be undone, whatever becomes of the run or the try that wrote it: what counts once was used (RFC 6238
    /// section 5.2, SP 800-63B-4 section 3.1.3).
    pub fn is_use(&self) -> bool {
        match self {
            Self::TakeTotpStep { .. }
            | Self::TakeCredential { .. }
            | Self::AdvanceCounter { .. }
            | Self::TakeChallenge { .. }
            | Self::RevokeFamily { .. } => true,
            Self::InsertSession(_)
            | Self::InsertFamily(..)
            | Self::RotateRefresh(_)
            | Self::RehashPassword { .. }
            | Self::RecordSignIn { .. }
            | Self::PatchAppMetadata { .. }
            | Self::Enqueue { .. }
            | Self::InsertUser(_)
            | Self::UpdateUser { .. }
            | Self::SetVerified { .. }
            | Self::InsertCredential(_)
            | Self::UpdateCredential { .. }
            | Self::SetPassword { .. }
            | Self::DeleteCredential { .. }
            | Self::InsertChallenge(_)
            | Self::RenewChallenge { .. }
            | Self::RevokeSessions { .. }
            | Self::InsertInbox(_) => false,
        }
    }

    /// What of a run that ends in deny or error holds all the same.
    pub fn survives(&self) -> bool {
        match self {
            Self::Enqueue { kind, .. } => kind == job::KIND,
            other => other.is_use(),
        }
    }

    /// It changes which credentials a user has.
    pub(crate) fn changes_credentials(&self) -> bool {
        matches!(
            self,
            Self::InsertUser(_)
                | Self::InsertCredential(_)
                | Self::SetPassword { .. }
                | Self::DeleteCredential { .. }
                | Self::TakeCredential { .. }
        )
    }
}

impl Unit {
    /// What is committed of a unit whose run ends in deny or error: audit, jobs that the walk has passed, and what was used
    /// (a code is used once, whatever came of it). Nothing else.
    pub fn denied(mut self) -> Self {
        self.writes.retain(Write::survives);
        self
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
