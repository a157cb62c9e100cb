//! What `issue_session` and `issue_tokens` share: who may get a session, its row, and the claims that say whose it is.

use std::fmt::Write as _;
use std::net::IpAddr;

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_eval::value::{Instant, Span};
use admit_plan::claims::RESERVED;
use admit_runtime::block::{BlockError, Call, Done};
use admit_runtime::unit::{AuditEntry, Revoke, Session, Write};
use ipnet::IpNet;
use serde_json::{Map, Value};

use crate::config::{Fields, event_double, event_flag, event_text, fresh_id, invalid, record, text};

/// The network that an address is of, as coarse as names nobody: its /24, or /48.
fn network(ip: &str) -> Option<String> {
    let address = ip.trim().parse::<IpAddr>().ok()?.to_canonical();
    let prefix = if address.is_ipv4() { 24 } else { 48 };
    Some(IpNet::new(address, prefix).ok()?.trunc().to_string())
}

/// A session that may be made, or how the run ends instead.
pub(crate) enum Allowed {
    Session(Box<Session>),
    Denied(Done),
}

/// Whether the run has earned a session, and which.
pub(crate) async fn session(
    call: &Call<'_>,
    aal_min: &str,
    ttl: Span,
    idle: Option<Span>,
) -> Result<Allowed, BlockError> {
    if ttl.seconds < 1 {
        return Err(invalid("ttl", "at least one second"));
    }
    if idle.is_some_and(|idle| idle.seconds < 1) {
        return Err(invalid("idle", "at least one second"));
    }
    let user_id = match user(call, aal_min).await? {
        Ok(user_id) => user_id,
        Err(denied) => return Ok(Allowed::Denied(denied)),
    };
    Ok(Allowed::Session(Box::new(Session {
        id: fresh_id(call.host, "ses"),
        user_id,
        aal: event_text(call.event, "authentication.aal").unwrap_or_default(),
        methods: methods(call),
        issued_at: call.now,
        expires_at: later(call.now, ttl.seconds),
        client_id: event_text(call.event, "client.id"),
        idle_seconds: idle.map(|idle| idle.seconds.unsigned_abs()),
    })))
}

/// The user, who is sure enough and may sign in now; else how the run ends.
pub(crate) async fn user(call: &Call<'_>, aal_min: &str) -> Result<Result<String, Done>, BlockError> {
    let aal = event_text(call.event, "authentication.aal").unwrap_or_default();
    if rank(&aal) < rank(aal_min).max(1) {
        return Ok(Err(denied("insufficient_aal")));
    }
    let Some(user_id) = event_text(call.event, "user.id") else { return Ok(Err(denied("not_authenticated"))) };
    // Read again: the user may have been blocked or erased since the run began.
    let Some(user) = call.user(&user_id).await? else { return Ok(Err(denied("not_authenticated"))) };
    if Fields(&user).boolean("blocked")? {
        return Ok(Err(denied("user_blocked")));
    }
    Ok(Ok(user_id))
}

/// Claims of every token of a session (RFC 7519; `amr` as RFC 8176 names them), without audience and expiry.
pub(crate) fn claims(call: &Call<'_>, session: &Session) -> Map<String, Value> {
    let mut amr: Vec<&str> = session.methods.iter().map(|method| amr(method)).collect();
    amr.dedup();
    if session.methods.len() > 1 {
        amr.push("mfa");
    }
    let claims = serde_json::json!({
        "iss": call.host.issuer(call.tenant),
        "sub": session.user_id,
        "sid": session.id,
        "jti": fresh_id(call.host, "jti"),
        "aal": session.aal,
        "amr": amr,
        "auth_time": session.issued_at.seconds,
        "iat": call.now.seconds,
    });
    let Value::Object(mut claims) = claims else { return Map::new() };
    // Refused where they are set already; here nobody overwrites what the token means.
    for (name, value) in call.claims.iter().filter(|(name, _)| !RESERVED.contains(&name.as_str())) {
        claims.entry(name.as_str()).or_insert_with(|| json::to_json(value));
    }
    claims
}

/// The session's row, the sign-in and its audit entry. A session that the run began within ends: at another level of
/// assurance nobody goes on with an id that was known before (T34).
pub(crate) fn record_it(call: &mut Call<'_>, session: Session) {
    let position = event_double(call.event, "request.geo.lat").zip(event_double(call.event, "request.geo.long"));
    let mut how = session.aal.clone();
    for method in &session.methods {
        // Writing to a string does not fail.
        let _ = write!(how, " {method}");
    }
    call.unit.audit.push(AuditEntry {
        kind: "session.issued".to_owned(),
        actor: session.user_id.clone(),
        target: session.user_id.clone(),
        outcome: "success".to_owned(),
        data: record([
            ("session", text(&session.id)),
            ("authentication", text(how)),
            // The address itself is personal, and kept sealed with the sign-in.
            ("network", text(event_text(call.event, "request.ip").and_then(|ip| network(&ip)).unwrap_or_default())),
            ("new_device", Datum::Bool(event_flag(call.event, "request.device.is_new"))),
        ]),
    });
    call.unit.writes.push(Write::RecordSignIn {
        user_id: session.user_id.clone(),
        at: call.now,
        device: event_text(call.event, "request.device.id"),
        country: event_text(call.event, "request.geo.country"),
        position,
        ip: event_text(call.event, "request.ip").unwrap_or_default(),
    });
    if let Some(before) = call.session.and_then(|before| Fields(before).optional_text("id").ok().flatten()) {
        let which = Revoke::One(before.to_owned());
        call.unit.writes.push(Write::RevokeSessions { user_id: session.user_id.clone(), which });
    }
    call.unit.writes.push(Write::InsertSession(session));
}

/// A deny with this reason.
pub(crate) fn denied(reason: &str) -> Done {
    Done::Deny { reason: reason.to_owned(), user_message: None }
}

/// Some seconds later.
pub(crate) fn later(now: Instant, seconds: i64) -> Instant {
    Instant { seconds: now.seconds.saturating_add(seconds), nanos: now.nanos }
}

/// `aal0` to `aal3`; anything else is below all of them.
fn rank(aal: &str) -> u8 {
    match aal {
        "aal1" => 1,
        "aal2" => 2,
        "aal3" => 3,
        _ => 0,
    }
}

fn methods(call: &Call<'_>) -> Vec<String> {
    match call.event.get("authentication.methods") {
        Some(Datum::List(items)) => items
            .into_iter()
            .filter_map(|item| match item {
                Datum::Str(word) => Some(word.into()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn amr(method: &str) -> &str {
    match method {
        "password" => "pwd",
        "totp" | "backup_code" | "email" => "otp",
        "webauthn" => "hwk",
        other => other,
    }
}
