//! `issue_session`: a signed JWT and a row that can be revoked. Refuses below `aal_min`, whatever the checker said.

use std::fmt::Write as _;

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_eval::value::Instant;
use admit_plan::claims::RESERVED;
use admit_runtime::block::{Block, BlockError, Call, Done, Settled};
use admit_runtime::host::BoxFuture;
use admit_runtime::unit::{AuditEntry, Session, Write};

use super::Config;
use crate::config::{Fields, event_double, event_flag, event_text, fresh_id, invalid, record, text};

/// See `issue_session.admit`.
pub struct IssueSession;

impl Block for IssueSession {
    fn name(&self) -> &'static str {
        "issue_session"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    let ttl = config.ttl;
    if ttl.seconds < 1 {
        return Err(invalid("ttl", "at least one second"));
    }
    let aal = event_text(call.event, "authentication.aal").unwrap_or_default();
    if rank(&aal) < rank(config.aal_min.word()).max(1) {
        return Ok(denied("insufficient_aal"));
    }
    let Some(user_id) = event_text(call.event, "user.id") else { return Ok(denied("not_authenticated")) };
    // Read again: the user may have been blocked or erased since the run began.
    let Some(user) = call.host.store().user(call.tenant, &user_id).await? else {
        return Ok(denied("not_authenticated"));
    };
    if Fields(&user).boolean("blocked")? {
        return Ok(denied("user_blocked"));
    }
    let session = Session {
        id: fresh_id(call.host, "ses"),
        user_id,
        aal,
        methods: methods(&call),
        issued_at: call.now,
        expires_at: Instant { seconds: call.now.seconds.saturating_add(ttl.seconds), nanos: call.now.nanos },
    };
    let token = call.host.sign_jwt(call.tenant, &claims(&call, &session)).await?;
    let settled = Settled::Session { session: as_record(&session), token };
    record_it(call, session);
    Ok(Done::Settle(settled))
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

fn denied(reason: &str) -> Done {
    Done::Deny { reason: reason.to_owned(), user_message: None }
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

/// RFC 7519 claims; `amr` as RFC 8176 names them.
fn claims(call: &Call<'_>, session: &Session) -> String {
    let mut amr: Vec<&str> = session.methods.iter().map(|method| amr(method)).collect();
    if amr.len() > 1 {
        amr.push("mfa");
    }
    let mut claims = serde_json::json!({
        "iss": format!("urn:admit:tenant:{}", call.tenant),
        "sub": session.user_id,
        "sid": session.id,
        "jti": fresh_id(call.host, "jti"),
        "aal": session.aal,
        "amr": amr,
        "iat": session.issued_at.seconds,
        "exp": session.expires_at.seconds,
    });
    if let Some(claims) = claims.as_object_mut() {
        if let Some(client) = event_text(call.event, "client.id") {
            claims.insert("aud".to_owned(), client.into());
        }
        // Refused where they are set already; here nobody overwrites what the token means.
        for (name, value) in call.claims.iter().filter(|(name, _)| !RESERVED.contains(&name.as_str())) {
            claims.entry(name.as_str()).or_insert_with(|| json::to_json(value));
        }
    }
    claims.to_string()
}

fn amr(method: &str) -> &str {
    match method {
        "password" => "pwd",
        "totp" | "backup_code" | "email" => "otp",
        "webauthn" => "hwk",
        other => other,
    }
}

fn as_record(session: &Session) -> Datum {
    record([
        ("id", text(&session.id)),
        ("user_id", text(&session.user_id)),
        ("aal", text(&session.aal)),
        ("methods", Datum::List(session.methods.iter().map(text).collect())),
        ("issued_at", Datum::Timestamp(session.issued_at)),
        ("expires_at", Datum::Timestamp(session.expires_at)),
    ])
}

fn record_it(call: Call<'_>, session: Session) {
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
            ("ip", text(event_text(call.event, "request.ip").unwrap_or_default())),
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
    call.unit.writes.push(Write::InsertSession(session));
}
