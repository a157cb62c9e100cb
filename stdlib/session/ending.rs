//! What `session_revoke` and `logout` share: which sessions end, and the write and audit entry that end them.

use admit_runtime::block::{BlockError, Call};
use admit_runtime::unit::{AuditEntry, Revoke, Session, Write};

use crate::config::{Fields, event_text, invalid, record, text};

/// Which sessions of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one that the flow was started within.
    Current,
    /// All.
    All,
    /// All but that one.
    Others,
}

impl Which {
    pub fn of(word: &str) -> Result<Self, BlockError> {
        match word {
            "current" => Ok(Self::Current),
            "all" => Ok(Self::All),
            "others" => Ok(Self::Others),
            _ => Err(invalid("which", "`current`, `all` or `others`")),
        }
    }
}

/// Ends them; answers those that were live.
pub(crate) async fn end(call: &mut Call<'_>, user_id: &str, which: Which) -> Result<Vec<Session>, BlockError> {
    let current = call.session.map(|session| Fields(session).text("id")).transpose()?;
    let revoke = match (which, current) {
        (Which::Current, None) => return Ok(Vec::new()),
        (Which::Current, Some(id)) => Revoke::One(id.to_owned()),
        (Which::All, _) | (Which::Others, None) => Revoke::All,
        (Which::Others, Some(id)) => Revoke::Others(id.to_owned()),
    };
    let mut sessions = call.host.store().sessions().live_sessions(call.tenant, user_id, call.now).await?;
    sessions.retain(|session| match &revoke {
        Revoke::One(id) => session.id == *id,
        Revoke::All => true,
        Revoke::Others(id) => session.id != *id,
    });
    for session in &sessions {
        call.unit.audit.push(AuditEntry {
            kind: "session.revoked".to_owned(),
            actor: user_id.to_owned(),
            target: user_id.to_owned(),
            outcome: "success".to_owned(),
            data: record([("session", text(&session.id)), ("step", text(call.label))]),
        });
    }
    // Also a session that was made since they were read.
    call.unit.writes.push(Write::RevokeSessions { user_id: user_id.to_owned(), which: revoke });
    Ok(sessions)
}

/// Whether a user may be sent there: the client has registered it, or the project allows it.
pub(crate) fn may_go(call: &Call<'_>, url: &str) -> bool {
    let client = event_text(call.event, "client.id").and_then(|id| call.host.client(call.tenant, &id));
    let is_registered = client.is_some_and(|client| client.post_logout_redirect_uris.iter().any(|known| known == url));
    is_registered || call.host.may_redirect(call.tenant, url)
}
