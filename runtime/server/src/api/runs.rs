//! Runs: started, resumed, listed, read.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_runtime::execute::{self, Answer, Known, Options, Start};
use admit_runtime::session;
use admit_runtime::trace::Trace;
use admit_store::{RunFilter, RunSummary};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Server;
use super::auth::caller;
use super::extract::{Asked, Body};
use super::problem::Problem;
use super::time::text;
use crate::answer::as_json;
use crate::key::Scope;
use crate::trace;

/// The most runs that one page of a listing holds.
const PAGE: u32 = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StartBody<'a> {
    /// What the platform knows: kept as it was written, because the engine refuses what two readers could read differently.
    #[serde(borrow)]
    event: &'a RawValue,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    /// The session that the flow is run within: its token.
    session_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResumeBody<'a> {
    resume_token: String,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    flow: Option<String>,
    outcome: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// `POST /v1/flows/{flow}/runs`
pub async fn start(
    State(server): State<Arc<Server>>,
    Path(flow): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Run).await?;
    whole(Arc::clone(&server), async move {
        let body: StartBody<'_> = read(&body)?;
        let loaded = server.live(&caller.tenant).await?;
        let event = (server.parts.complete)(body.event.get().as_bytes(), loaded.reads_device);
        let event = event.as_deref().unwrap_or(body.event.get().as_bytes());
        let host = &*server.parts.host;
        let known = match &body.session_token {
            Some(token) => session::known(host, &caller.tenant, token).await?.unwrap_or_default(),
            None => Known::default(),
        };
        let start = Start { flow: &flow, event, input: input(body.input)?, known };
        Ok(loaded.engine.start(host, &caller.tenant, &loaded.params, start, Options::default()).await?)
    })
    .await
}

/// `POST /v1/runs/{run}/resume`
pub async fn resume(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Run).await?;
    whole(Arc::clone(&server), async move {
        let body: ResumeBody<'_> = read(&body)?;
        let host = &*server.parts.host;
        let input = input(body.input)?;
        let waiting = execute::waiting_for(host, &caller.tenant, &body.resume_token).await?;
        let loaded = match waiting {
            Some(hash) => Some(server.loaded(&caller.tenant, hash).await?),
            None => None,
        };
        let find = |hash: [u8; 32]| {
            let loaded = loaded.as_ref().filter(|loaded| loaded.engine.hash() == hash)?;
            Some((Arc::clone(&loaded.engine), loaded.params.clone()))
        };
        Ok(execute::resume(&find, host, &caller.tenant, &body.resume_token, input, Options::default()).await?)
    })
    .await
}

/// A request of a run, to its end: a caller that hangs up does not leave one half done. As many at once as the server takes.
async fn whole(
    server: Arc<Server>,
    run: impl Future<Output = Result<Answer, Problem>> + Send + 'static,
) -> Result<Response, Problem> {
    let permit = Arc::clone(&server.runs).try_acquire_owned().map_err(|_| Problem::busy())?;
    let run = tokio::spawn(async move {
        let _permit = permit;
        run.await
    });
    let answer = run.await.map_err(|_| Problem::internal())??;
    Ok(ok(&as_json(&answer)))
}

/// `GET /v1/runs`
pub async fn list(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Listing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Read).await?;
    let limit = asked.limit.unwrap_or(50).clamp(1, PAGE);
    let before = match &asked.cursor {
        Some(cursor) => Some(
            RunFilter::cursor(cursor).ok_or_else(|| Problem::bad("bad_cursor", "take a cursor as a page gave it"))?,
        ),
        None => None,
    };
    let filter = RunFilter { flow: asked.flow, outcome: asked.outcome, before };
    let runs = server.parts.store.runs_where(&caller.tenant, &filter, limit).await?;
    let full = usize::try_from(limit).is_ok_and(|limit| runs.len() == limit);
    let next = runs.last().filter(|_| full).map(RunSummary::cursor);
    let runs: Vec<Value> = runs.iter().map(summary).collect();
    Ok(ok(&json!({ "runs": runs, "next_cursor": next })))
}

/// `GET /v1/runs/{run}`
pub async fn one(
    State(server): State<Arc<Server>>,
    Path(run): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Read).await?;
    let found = server.parts.store.run(&caller.tenant, &run).await?.ok_or_else(|| Problem::not_found("run"))?;
    let mut requests = Vec::new();
    for encoded in server.parts.store.traces(&caller.tenant, &run).await? {
        // A user who was erased has taken the key along.
        let trace = encoded.and_then(|bytes| Trace::decode(&bytes).ok());
        requests.push(trace.as_ref().map_or(Value::Null, trace::as_json));
    }
    let mut object = summary(&found);
    if let Value::Object(fields) = &mut object {
        fields.insert("trace".to_owned(), Value::Array(requests));
    }
    Ok(ok(&object))
}

fn summary(run: &RunSummary) -> Value {
    json!({
        "id": run.id,
        "flow": run.flow,
        "requests": u64::from(run.seq) + 1,
        "outcome": run.outcome,
        "detail": run.detail,
        "started_at": text(run.started_at),
        "updated_at": text(run.updated_at),
    })
}

/// Reads a body. What it says of a fault names places, never values: they may be passwords.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = match error.classify() {
            serde_json::error::Category::Data => {
                format!("is not of the form that is asked for: {}", first_words(&error))
            }
            serde_json::error::Category::Eof => "ends too early".to_owned(),
            serde_json::error::Category::Io | serde_json::error::Category::Syntax => "is not JSON".to_owned(),
        };
        Problem::bad("bad_body", format!("the body {what} (line {line}, column {column})"))
    })
}

/// What serde says of fields, which are ours; of values it says nothing here.
fn first_words(error: &serde_json::Error) -> String {
    let said = error.to_string();
    match ["missing field", "unknown field", "duplicate field"].iter().any(|known| said.starts_with(known)) {
        true => said.split(" at line").next().unwrap_or_default().to_owned(),
        false => "a value has another type".to_owned(),
    }
}

fn input(given: Option<&RawValue>) -> Result<Option<Datum>, Problem> {
    let read = |raw: &RawValue| json::read(raw.get().as_bytes());
    given.map(read).transpose().map_err(|why| Problem::bad("bad_input", format!("the input is refused: {why}")))
}

/// An answer.
pub fn ok(value: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
