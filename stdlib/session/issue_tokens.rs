//! `issue_tokens`: an access token (RFC 9068) and a refresh token of a family (RFC 9700 section 4.14), new or rotated.

use admit_eval::value::Instant;
use admit_runtime::block::{Block, BlockError, Call, Done, Settled, Tokens};
use admit_runtime::host::{BoxFuture, HostError};
use admit_runtime::session::{ACCESS_TOKEN, RefreshToken, Worth};
use admit_runtime::unit::{AuditEntry, Family, Rotation, Session, Write};
use serde_json::Value;

use super::Config;
use crate::config::{event_text, fresh_id, invalid, record, text};
use crate::mint::{self, Allowed, denied, later};
use crate::refresh;

/// The flow that exchanges refresh tokens; every other one begins a family.
const REFRESH_FLOW: &str = "token-refresh";

/// See `issue_tokens.admit`.
pub struct IssueTokens;

/// What the config asks for.
struct Grant {
    audience: String,
    scopes: Vec<String>,
    ttl: i64,
}

impl Block for IssueTokens {
    fn name(&self) -> &'static str {
        "issue_tokens"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    let scopes = config.scopes.clone().unwrap_or_default();
    // RFC 6749 section 3.3: they are joined by spaces.
    let is_scope = |scope: &String| {
        !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
    };
    if !scopes.iter().all(is_scope) {
        return Err(invalid("scopes", "words of printable ASCII without quotes and backslashes"));
    }
    let grant = Grant {
        audience: config
            .audience
            .clone()
            .or_else(|| event_text(call.event, "transaction.audience"))
            .unwrap_or_else(|| call.host.issuer(call.tenant)),
        scopes,
        ttl: config.ttl.seconds,
    };
    if grant.ttl < 1 {
        return Err(invalid("ttl", "at least one second"));
    }
    if call.flow == REFRESH_FLOW { rotate(call, &config, grant).await } else { begin(call, &config, grant).await }
}

/// A session, and the first token of a family that hangs on it.
async fn begin(mut call: Call<'_>, config: &Config, grant: Grant) -> Result<Done, BlockError> {
    let session = match mint::session(&call, config.aal_min.word(), config.session_ttl, config.idle).await? {
        Allowed::Session(session) => session,
        Allowed::Denied(done) => return Ok(done),
    };
    let access = access_token(&call, &session, &grant).await?;
    let refresh = config.refresh.then(|| refresh::fresh(call.host));
    let tokens = tokens(access, refresh.as_ref().map(|(token, _)| token.clone()), &grant);
    let settled = Settled::Tokens { session: session.record(), tokens };
    let family = refresh.map(|(_, hash)| {
        let family = Family {
            id: fresh_id(call.host, "fam"),
            session_id: session.id.clone(),
            client_id: refresh::client(&call),
            audience: grant.audience,
            scopes: grant.scopes,
            expires_at: session.expires_at,
        };
        Write::InsertFamily(family, hash)
    });
    mint::record_it(&mut call, *session);
    call.unit.writes.extend(family);
    Ok(Done::Settle(settled))
}

/// The token that was shown, exchanged for the next one of its family.
async fn rotate(call: Call<'_>, config: &Config, grant: Grant) -> Result<Done, BlockError> {
    let Some(old) = refresh::submitted(&call) else { return Ok(denied("invalid_grant")) };
    let Some(token) = refresh::find(&call, old).await? else { return Ok(denied("invalid_grant")) };
    let user_id = match mint::user(&call, config.aal_min.word()).await? {
        Ok(user_id) => user_id,
        Err(done) => return Ok(done),
    };
    if user_id != token.session.user_id {
        return Ok(denied("invalid_grant"));
    }
    let binding = refresh::bound_to(&call);
    match token.worth(&refresh::client(&call), &binding, call.now) {
        Worth::Current => {}
        Worth::Retry => return again(&token),
        Worth::Reused | Worth::Dead => return Ok(denied("invalid_grant")),
    }
    let RefreshToken { family, session, .. } = token;
    // RFC 6749 section 6: no scope that was not granted before.
    if !grant.scopes.iter().all(|scope| family.scopes.contains(scope)) {
        return Ok(denied("invalid_scope"));
    }
    let scopes = if grant.scopes.is_empty() { family.scopes.clone() } else { grant.scopes };
    let grant = Grant { audience: family.audience.clone(), scopes, ttl: grant.ttl };
    let access = access_token(&call, &session, &grant).await?;
    let (next, new) = refresh::fresh(call.host);
    let tokens = tokens(access, Some(next), &grant);
    let rotation = Rotation {
        family_id: family.id.clone(),
        session_id: session.id.clone(),
        user_id,
        old,
        new,
        binding,
        pair: tokens.pair().map_err(HostError::Failed)?,
    };
    call.unit.audit.push(AuditEntry {
        kind: "session.refreshed".to_owned(),
        actor: session.user_id.clone(),
        target: session.user_id.clone(),
        outcome: "success".to_owned(),
        data: record([("session", text(&session.id)), ("family", text(&family.id))]),
    });
    call.unit.writes.push(Write::RotateRefresh(Box::new(rotation)));
    Ok(Done::Settle(Settled::Tokens { session: session.record(), tokens }))
}

/// The answer that was lost, byte for byte.
fn again(token: &RefreshToken) -> Result<Done, BlockError> {
    let pair = token.used.as_ref().and_then(|used| used.pair.as_ref());
    let tokens = pair.and_then(|pair| Tokens::of_pair(pair.expose()));
    match tokens {
        Some(tokens) => Ok(Done::Settle(Settled::Tokens { session: token.session.record(), tokens })),
        None => Err(HostError::Failed("the stored pair of a refresh token is damaged".to_owned()).into()),
    }
}

/// A JWT for the audience and when it expires: never after its session.
async fn access_token(call: &Call<'_>, session: &Session, grant: &Grant) -> Result<(String, Instant), BlockError> {
    let expires = later(call.now, grant.ttl).min(session.expires_at);
    let mut claims = mint::claims(call, session);
    claims.insert("aud".to_owned(), grant.audience.as_str().into());
    claims.insert("client_id".to_owned(), refresh::client(call).into());
    claims.insert("exp".to_owned(), expires.seconds.into());
    if !grant.scopes.is_empty() {
        claims.insert("scope".to_owned(), grant.scopes.join(" ").into());
    }
    let token = call.host.sign_jwt(call.tenant, ACCESS_TOKEN, &Value::Object(claims).to_string()).await?;
    Ok((token, expires))
}

fn tokens((access_token, expires): (String, Instant), refresh_token: Option<String>, grant: &Grant) -> Tokens {
    Tokens { access_token, refresh_token, expires_at: expires.seconds, scope: grant.scopes.join(" "), is_again: false }
}
