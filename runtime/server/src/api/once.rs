//! `Idempotency-Key`: a call that is sent twice under one key is done once (draft-ietf-httpapi-idempotency-key-header).

use std::sync::Arc;

use admit_runtime::execute::{Answer, Keep};
use admit_runtime::tenant::TenantId;
use admit_store::Claimed;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::Server;
use super::auth::Caller;
use super::problem::Problem;
use crate::answer::RunAnswer;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Says of an answer that it was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The longest key.
const LONGEST: usize = 255;

/// A call that is to be done once.
pub struct Once {
    tenant: TenantId,
    caller: String,
    key: String,
    call: String,
    body: Bytes,
}

impl Once {
    /// Of a call with the header; none without it.
    ///
    /// # Errors
    /// The header names no key.
    pub fn of(caller: &Caller, headers: &HeaderMap, call: String, body: &Bytes) -> Result<Option<Self>, Problem> {
        let Some(given) = headers.get(HEADER) else { return Ok(None) };
        let bad = || {
            let detail = format!("`Idempotency-Key` is one text of 1 to {LONGEST} visible ASCII characters");
            Problem::bad("bad_idempotency_key", detail)
        };
        let text = given.to_str().map_err(|_| bad())?.trim();
        // A string of structured fields (RFC 8941), as the draft has it; or bare, as many send it.
        let key = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        let is_good = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if key.is_empty()
            || key.len() > LONGEST
            || !key.bytes().all(is_good)
            || headers.get_all(HEADER).iter().count() > 1
        {
            return Err(bad());
        }
        let (tenant, caller) = (caller.tenant.clone(), caller.key_id.clone());
        Ok(Some(Self { tenant, caller, key: key.to_owned(), call, body: body.clone() }))
    }

    /// Does the call, or gives the answer that it was given.
    ///
    /// # Errors
    /// As the call; or the key is used for another one, or by one that is under way.
    pub async fn run<F>(&self, server: &Arc<Server>, run: impl FnOnce(Keep) -> F) -> Result<Response, Problem>
    where
        F: Future<Output = Result<Answer, Problem>>,
    {
        let store = &server.parts.store;
        let now = admit_runtime::host::Host::now(&*server.parts.host);
        let claimed = store.claim(&self.tenant, (&self.caller, &self.key), (&self.call, &self.body), now).await?;
        let claim = match claimed {
            Claimed::Mine(claim) => claim,
            Claimed::Done(body) => {
                let mut response = answered(body.to_vec());
                response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
                return Ok(response);
            }
            Claimed::UnderWay => {
                let detail = "a call with this `Idempotency-Key` is under way; ask again in a moment";
                return Err(Problem::new(StatusCode::CONFLICT, "idempotency_in_progress", detail).after(1));
            }
            Claimed::Other => {
                let detail =
                    "this `Idempotency-Key` was used for another call or another body; take a new one for each call";
                return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_mismatch", detail));
            }
            Claimed::Erased => {
                let detail = "the call was done, and its answer was erased with its user";
                return Err(Problem::new(StatusCode::CONFLICT, "conflict", detail));
            }
        };
        let answer = run(Keep { claim, write: RunAnswer::write }).await;
        match answer {
            Ok(answer) => Ok(answered(RunAnswer::write(&answer.told()))),
            Err(problem) => {
                // Nothing was committed, so the same call may be sent again. Where this fails too, the claim ends by itself.
                if let Err(error) = store.give_back(&self.tenant, &claim).await {
                    tracing::warn!(%error, "a claim was not given back");
                }
                Err(problem)
            }
        }
    }
}

/// The answer of a run.
pub fn answered(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
