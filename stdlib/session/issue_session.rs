//! `issue_session`: a signed JWT and a row that can be revoked. Refuses below `aal_min`, whatever the checker said.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Settled};
use admit_runtime::host::BoxFuture;
use admit_runtime::session::SESSION_TOKEN;
use admit_runtime::unit::Session;
use serde_json::Value;

use crate::config::{Fields, event_text, invalid, text};
use crate::mint::{self, Allowed};

/// Begins the name of a cookie that goes to the host that set it, and no other.
const HOST_PREFIX: &str = "__Host-";

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

async fn run(mut call: Call<'_>) -> Result<Done, BlockError> {
    let config = Fields(call.config);
    let idle = config.get("idle").map(|_| config.duration("idle")).transpose()?;
    let session = match mint::session(&call, config.text("aal_min")?, config.duration("ttl")?, idle).await? {
        Allowed::Session(session) => session,
        Allowed::Denied(done) => return Ok(done),
    };
    let cookie = config.get("cookie").map(|cookie| cookie_of(Fields(cookie), &session)).transpose()?;
    let mut claims = mint::claims(&call, &session);
    claims.insert("exp".to_owned(), session.expires_at.seconds.into());
    claims.extend(event_text(call.event, "client.id").map(|client| ("aud".to_owned(), client.into())));
    let token = call.host.sign_jwt(call.tenant, SESSION_TOKEN, &Value::Object(claims).to_string()).await?;
    let settled = Settled::Session { session: session.record(), token, cookie };
    mint::record_it(&mut call, *session);
    Ok(Done::Settle(settled))
}

/// Name and attributes of the cookie that carries the token (RFC 6265bis). It is for HTTPS only, and no script reads it.
fn cookie_of(cookie: Fields<'_>, session: &Session) -> Result<Datum, BlockError> {
    let name = cookie.text("name")?;
    let is_token = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    if !is_token(name) {
        return Err(invalid("cookie.name", "a name of a cookie: letters, digits, `-` and `_`"));
    }
    let path = cookie.optional_text("path")?.unwrap_or("/");
    if !path.starts_with('/') || path.bytes().any(|byte| byte.is_ascii_control() || byte == b';') {
        return Err(invalid("cookie.path", "a path that begins with `/`"));
    }
    let domain = cookie.optional_text("domain")?;
    let is_domain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    if domain.is_some_and(|domain| domain.is_empty() || !is_domain(domain)) {
        return Err(invalid("cookie.domain", "a domain"));
    }
    // Browsers look at the prefix without regard to case (RFC 6265bis section 5.7).
    let is_host = name.get(..HOST_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(HOST_PREFIX));
    if is_host && (domain.is_some() || path != "/") {
        return Err(invalid(
            "cookie",
            "without `domain` and with the path `/`, as the prefix `__Host-` of its name asks",
        ));
    }
    let lasts = session.expires_at.seconds.saturating_sub(session.issued_at.seconds);
    let mut fields = vec![
        ("name", text(name)),
        ("path", text(path)),
        ("secure", Datum::Bool(true)),
        ("http_only", Datum::Bool(true)),
        ("same_site", text(cookie.optional_text("same_site")?.unwrap_or("lax"))),
        ("max_age", Datum::Int(lasts)),
    ];
    fields.extend(domain.map(|domain| ("domain", text(domain))));
    Ok(Datum::Map(fields.into_iter().map(|(name, value)| (text(name), value)).collect()))
}
