//! Sessions and refresh families: what the store says of them, when a refresh token is good, and what a run that takes a
//! session begins with.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use sha2::{Digest, Sha256};

use crate::execute::Known;
use crate::host::{BoxFuture, Host, HostError, Secret, StoreError};
use crate::state::field;
use crate::tenant::TenantId;
use crate::unit::{Family, Session};

/// `typ` of a session token.
pub const SESSION_TOKEN: &str = "session+jwt";
/// `typ` of an access token (RFC 9068 section 2.1).
pub const ACCESS_TOKEN: &str = "at+jwt";
/// `typ` of a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4).
pub const LOGOUT_TOKEN: &str = "logout+jwt";

/// How long after its use the previous refresh token may be sent again by the client that used it, in seconds.
pub const RETRY_SECONDS: i64 = 10;

/// The part of a store that keeps sessions. Every method takes the tenant.
pub trait Sessions: Send + Sync {
    /// A session that is neither revoked, expired nor idle too long, of a user who may sign in; its idle time begins anew.
    /// None where there is no such session.
    fn use_session<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
        now: Instant,
    ) -> BoxFuture<'a, Result<Option<Session>, StoreError>>;

    /// The live sessions of a user, newest first.
    fn live_sessions<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
        now: Instant,
    ) -> BoxFuture<'a, Result<Vec<Session>, StoreError>>;

    /// A refresh token by its hash, with the family that it is of; none where nobody issued it.
    fn refresh_token<'a>(
        &'a self,
        tenant: &'a TenantId,
        hash: [u8; 32],
        now: Instant,
    ) -> BoxFuture<'a, Result<Option<RefreshToken>, StoreError>>;
}

/// The sessions of a store that keeps none.
pub struct NoSessions;

/// A refresh token as stored.
pub struct RefreshToken {
    /// Its family.
    pub family: Family,
    /// The session that the family hangs on.
    pub session: Session,
    /// Family and session are neither revoked nor out of their time.
    pub is_live: bool,
    /// Number in the family, 0 first.
    pub generation: u32,
    /// How it was used; none: it is the family's current token.
    pub used: Option<Used>,
}

/// How a refresh token was used.
pub struct Used {
    /// When.
    pub at: Instant,
    /// What the client that used it was bound to.
    pub binding: [u8; 32],
    /// What it got: only of the token immediately before the current one.
    pub pair: Option<Secret>,
}

/// What a refresh token that is shown is worth (security.md decision 7, T18).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Worth {
    /// It may be exchanged.
    Current,
    /// Its answer was lost: the client that used it gets the same answer again.
    Retry,
    /// Somebody else has a copy, or had one: the family ends.
    Reused,
    /// Its family has ended.
    Dead,
}

impl RefreshToken {
    /// What it is worth to a client with this id and binding.
    pub fn worth(&self, client_id: &str, binding: &[u8; 32], now: Instant) -> Worth {
        if !self.is_live {
            return Worth::Dead;
        }
        if self.family.client_id != client_id {
            return Worth::Reused;
        }
        match &self.used {
            None => Worth::Current,
            Some(used) => {
                let age = now.seconds.saturating_sub(used.at.seconds).saturating_mul(1_000_000_000)
                    + i64::from(now.nanos)
                    - i64::from(used.at.nanos);
                // A clock that was set back makes nobody a retry for longer.
                let in_time = (-1_000_000_000..=RETRY_SECONDS * 1_000_000_000).contains(&age);
                if used.pair.is_some() && in_time && used.binding == *binding { Worth::Retry } else { Worth::Reused }
            }
        }
    }
}

/// A hash over what a client is known by: its parts with their lengths, so that no two lists give the same.
pub fn binding(parts: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

/// What a run begins with that is given this session token: the session and its user. None where the token was not issued
/// here, is another kind of token, or its session is over: such a run has no session.
///
/// # Errors
/// If the store fails.
pub async fn known(host: &dyn Host, tenant: &TenantId, token: &str) -> Result<Option<Known>, HostError> {
    let Ok(claims) = host.verify_jwt(tenant, SESSION_TOKEN, token).await else { return Ok(None) };
    let claim = |name: &str| match field(&claims, name) {
        Some(Datum::Str(text)) => Some(text.to_string()),
        _ => None,
    };
    let (Some(id), Some(subject)) = (claim("sid"), claim("sub")) else { return Ok(None) };
    let failed = |error: StoreError| HostError::Failed(error.to_string());
    let session = host.store().sessions().use_session(tenant, &id, host.now()).await.map_err(failed)?;
    let Some(session) = session.filter(|session| session.user_id == subject) else { return Ok(None) };
    let user = host.store().user(tenant, &session.user_id).await.map_err(failed)?;
    Ok(user.map(|user| Known { session: Some(session.record()), user: Some(user), ..Known::default() }))
}

impl Sessions for NoSessions {
    fn use_session<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
        _: Instant,
    ) -> BoxFuture<'a, Result<Option<Session>, StoreError>> {
        Box::pin(async { Ok(None) })
    }

    fn live_sessions<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
        _: Instant,
    ) -> BoxFuture<'a, Result<Vec<Session>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn refresh_token<'a>(
        &'a self,
        _: &'a TenantId,
        _: [u8; 32],
        _: Instant,
    ) -> BoxFuture<'a, Result<Option<RefreshToken>, StoreError>> {
        Box::pin(async { Ok(None) })
    }
}
