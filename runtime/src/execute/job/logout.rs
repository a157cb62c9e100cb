//! Telling a client that a session has ended: a logout token, signed when it is sent (OpenID Connect Back-Channel Logout 1.0).

use std::fmt::Write as _;

use admit_eval::datum::Datum;
use serde::{Deserialize, Serialize};

use super::{JobEnd, Queued};
use crate::execute::invoke::Miss;
use crate::host::{Host, HttpError, HttpRequest};
use crate::session::LOGOUT_TOKEN;
use crate::tenant::TenantId;
use crate::trace::TraceEvent;
use crate::unit::{Session, Write};

/// Names the handler of these jobs in the queue.
pub const KIND: &str = "logout";

const VERSION: u8 = 1;
/// How long a logout token is good, in seconds (section 2.4: two minutes at the most).
const LASTS: i64 = 120;
/// How long a client may take, in milliseconds.
const TIMEOUT: u64 = 3_000;
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

#[derive(Serialize, Deserialize)]
struct Job {
    version: u8,
    uri: String,
    client_id: String,
    session_id: String,
    user_id: String,
}

/// The write that queues it.
///
/// # Errors
/// If it cannot be encoded.
pub fn enqueue(uri: &str, client_id: &str, session: &Session) -> Result<Write, String> {
    let job = Job {
        version: VERSION,
        uri: uri.to_owned(),
        client_id: client_id.to_owned(),
        session_id: session.id.clone(),
        user_id: session.user_id.clone(),
    };
    let payload = postcard::to_stdvec(&job).map_err(|error| error.to_string())?;
    // A session ends once: however often it is asked for, the client is told once.
    let key = format!("logout/{}/{client_id}", session.id);
    Ok(Write::Enqueue { key, kind: KIND.to_owned(), payload })
}

/// One try.
pub(super) async fn run(host: &dyn Host, tenant: &TenantId, queued: Queued<'_>) -> JobEnd {
    let job: Job = match postcard::from_bytes::<Job>(queued.payload) {
        Ok(job) if job.version == VERSION => job,
        Ok(_) | Err(_) => {
            return JobEnd::damaged("the job is damaged".to_owned());
        }
    };
    let mut end = JobEnd { user_id: Some(job.user_id.clone()), ..JobEnd::default() };
    let label = "back-channel-logout";
    end.trace.events.push(TraceEvent::Started { label: label.into(), block: "logout".into(), now: Some(host.now()) });
    let began = host.monotonic();
    let result = send(host, tenant, &job).await;
    let nanos = host.monotonic().saturating_sub(began);
    end.ended(label.into(), nanos, result, TIMEOUT);
    end
}

async fn send(host: &dyn Host, tenant: &TenantId, job: &Job) -> Result<(), Miss> {
    let now = host.now().seconds;
    let mut id = [0; 16];
    host.random(&mut id);
    let mut jti = String::from("jti_");
    for byte in id {
        // Writing to a string does not fail.
        let _ = write!(jti, "{byte:02x}");
    }
    let claims = Datum::record([
        ("iss", Datum::Str(host.issuer(tenant).into())),
        ("sub", Datum::Str(job.user_id.as_str().into())),
        ("aud", Datum::Str(job.client_id.as_str().into())),
        ("iat", Datum::Int(now)),
        ("exp", Datum::Int(now.saturating_add(LASTS))),
        ("jti", Datum::Str(jti.into())),
        ("sid", Datum::Str(job.session_id.as_str().into())),
        ("events", Datum::record([(EVENT, Datum::Map(Vec::new()))])),
    ]);
    let claims = crate::expression::to_json(&claims);
    let token = host.sign_jwt(tenant, LOGOUT_TOKEN, &claims).await.map_err(|error| Miss::Failed(error.to_string()))?;
    let request = HttpRequest {
        method: "POST",
        url: job.uri.clone(),
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        body: Some(format!("logout_token={token}").into_bytes()),
        timeout: TIMEOUT,
        hosts: None,
    };
    match host.http(tenant, request).await {
        Ok(answer) if matches!(answer.status, 200 | 204) => Ok(()),
        // Section 2.8: it does not take the token, and will not take the next one.
        Ok(answer) if answer.status == 400 => {
            Err(Miss::FailedForGood("the client refuses the logout token".to_owned()))
        }
        Ok(answer) => Err(Miss::Failed(format!("the client answers with status {}", answer.status))),
        Err(error @ HttpError::Refused(_)) => Err(Miss::FailedForGood(error.to_string())),
        Err(error) => Err(Miss::Failed(error.to_string())),
    }
}
