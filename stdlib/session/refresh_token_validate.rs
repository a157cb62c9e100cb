//! `refresh_token_validate`: what the refresh token that a client shows is worth (T18).

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::host::BoxFuture;
use admit_runtime::session::{RefreshToken, Worth};
use admit_runtime::unit::{AuditEntry, Write};

use crate::config::{Fields, record, text};
use crate::refresh;

/// See `refresh_token_validate.admit`.
pub struct RefreshTokenValidate;

impl Block for RefreshTokenValidate {
    fn name(&self) -> &'static str {
        "refresh_token_validate"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let Some(hash) = refresh::submitted(&call) else { return Ok(refused(false)) };
    let Some(token) = refresh::find(&call, hash).await? else { return Ok(refused(false)) };
    match token.worth(&refresh::client(&call), &refresh::bound_to(&call), call.now) {
        Worth::Current | Worth::Retry => valid(&call, &token).await,
        Worth::Reused => {
            end(call, &token);
            Ok(refused(true))
        }
        Worth::Dead => Ok(refused(false)),
    }
}

async fn valid(call: &Call<'_>, token: &RefreshToken) -> Result<Done, BlockError> {
    let session = &token.session;
    let Some(user) = call.user(&session.user_id).await? else { return Ok(refused(false)) };
    if Fields(&user).boolean("blocked")? {
        return Ok(refused(false));
    }
    let fields = vec![
        ("valid".to_owned(), Datum::Bool(true)),
        ("reused".to_owned(), Datum::Bool(false)),
        ("session_id".to_owned(), text(&session.id)),
    ];
    let sets = vec![
        ("authentication.aal".to_owned(), text(&session.aal)),
        ("authentication.methods".to_owned(), Datum::List(session.methods.iter().map(text).collect())),
    ];
    Ok(Done::Output(Output { fields, user: Some(user), sets, ..Output::default() }))
}

/// The family and its session end: whoever has a copy of the token loses it, and so does who was robbed.
fn end(call: Call<'_>, token: &RefreshToken) {
    let (family, session) = (&token.family, &token.session);
    call.unit.writes.push(Write::RevokeFamily { family_id: family.id.clone(), session_id: session.id.clone() });
    call.unit.audit.push(AuditEntry {
        kind: "session.refresh_reused".to_owned(),
        actor: format!("client:{}", refresh::client(&call)),
        target: session.user_id.clone(),
        outcome: "denied".to_owned(),
        data: record([
            ("session", text(&session.id)),
            ("family", text(&family.id)),
            ("generation", Datum::Int(i64::from(token.generation))),
        ]),
    });
}

fn refused(reused: bool) -> Done {
    let fields = vec![
        ("valid".to_owned(), Datum::Bool(false)),
        ("reused".to_owned(), Datum::Bool(reused)),
        ("session_id".to_owned(), Datum::Optional(None)),
    ];
    Done::Output(Output { fields, ..Output::default() })
}
