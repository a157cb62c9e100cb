//! Runs: started, resumed, listed, read.

use std::pin::Pin;
use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_runtime::context;
use admit_runtime::execute::{self, Answer, Known, Options, Start};
use admit_runtime::session;
use admit_runtime::tenant::TenantId;
use admit_runtime::trace::Trace;
use admit_store::{RunFilter, RunSummary};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::Server;
use super::auth::{Runner, caller};
use super::extract::{Asked, Body, Path, read};
use super::page::Page;
use super::problem::Problem;
use super::time::text;
use crate::answer::RunAnswer;
use crate::key::Scope;
use crate::trace::{self, Event};

/// What starts a run.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRun<'a> {
    /// What the platform knows: the event, without what only the server sets.
    // Kept as it was written, because the engine refuses what two readers could read differently.
    #[serde(borrow)]
    #[schema(value_type = Object)]
    event: &'a RawValue,
    /// What the user has submitted already: fields of the flow's input.
    #[serde(borrow)]
    #[schema(value_type = Option<Object>)]
    input: Option<&'a RawValue>,
    /// The session that the flow is run within: its token.
    session_token: Option<String>,
}

/// What goes on with a run that waits.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResumeRun<'a> {
    /// As the answer gave it; good once.
    resume_token: String,
    /// What the user has answered: fields that the prompt asks for.
    #[serde(borrow)]
    #[schema(value_type = Option<Object>)]
    input: Option<&'a RawValue>,
}

/// Which runs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Of this flow.
    flow: Option<String>,
    /// With this outcome: `session`, `deny`, `suspended`, ...
    outcome: Option<String>,
    /// Most entries of the page; 50 where it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A run, without what happened in it.
#[derive(Serialize, ToSchema)]
pub struct RunShown {
    /// `run_...`
    id: String,
    /// Its flow.
    flow: String,
    /// How many requests it has had.
    requests: u64,
    /// Outcome of the last one.
    outcome: String,
    /// Reason, error id or label, as the outcome has it.
    detail: Option<String>,
    /// When it began.
    #[schema(format = DateTime)]
    started_at: String,
    /// When its last request ended.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A page of runs, newest first.
#[derive(Serialize, ToSchema)]
pub struct RunPage {
    /// The runs.
    runs: Vec<RunShown>,
    /// Gives the next page; null on the last.
    next_cursor: Option<String>,
}

/// A run with what happened in each of its requests.
#[derive(Serialize, ToSchema)]
pub struct RunWithTrace {
    #[serde(flatten)]
    run: RunShown,
    /// What happened, request by request; null for one whose user was erased.
    trace: Vec<Option<Vec<Event>>>,
}

/// Start a run
///
/// Walks the flow until it ends or waits for the user. A deny is an answer, not an error. The outcome says what came of it.
#[utoipa::path(
    post, path = "/v1/flows/{flow}/runs", operation_id = "startRun", tag = "runs",
    params(("flow" = String, Path, description = "Name of the flow.")),
    request_body = StartRun,
    security(("key" = ["run"])),
    responses((status = 200, description = "What the request came to.", body = RunAnswer)),
)]
pub async fn start(
    State(server): State<Arc<Server>>,
    Path(flow): Path<String>,
    Runner(caller): Runner,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (served, tenant) = (Arc::clone(&server), caller.tenant.clone());
    let run = async move {
        let body: StartRun<'_> = read(&body)?;
        let tenancy = server.tenancy(&caller.tenant).await?;
        let loaded = server.live(&tenancy).await?;
        let event = (server.parts.complete)(body.event.get().as_bytes(), loaded.reads_device);
        let event = event.as_deref().unwrap_or(body.event.get().as_bytes());
        let named = tenancy.with_client(&*server.parts.formats, event);
        let event = named.as_deref().unwrap_or(event);
        let host = &**tenancy.host()?;
        let known = match &body.session_token {
            Some(token) => session::known(host, &caller.tenant, token).await?.unwrap_or_default(),
            None => Known::default(),
        };
        let start = Start { flow: &flow, event, input: input(body.input)?, known };
        let options = Options::recording(server.parts.records);
        Ok(loaded.engine.start(host, &caller.tenant, &loaded.params, start, options).await?)
    };
    whole(&served, &tenant, Box::pin(run)).await
}

/// Go on with a run that waits
///
/// The resume token says which. One that was used, is over, forged or another tenant's is refused alike, with 409.
#[utoipa::path(
    post, path = "/v1/runs/{run}/resume", operation_id = "resumeRun", tag = "runs",
    params(("run" = String, Path, description = "The run, as the answer gave it.")),
    request_body = ResumeRun,
    security(("key" = ["run"])),
    responses((status = 200, description = "What the request came to.", body = RunAnswer)),
)]
pub async fn resume(
    State(server): State<Arc<Server>>,
    Runner(caller): Runner,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (served, tenant) = (Arc::clone(&server), caller.tenant.clone());
    let run = async move {
        let body: ResumeRun<'_> = read(&body)?;
        let tenancy = server.tenancy(&caller.tenant).await?;
        let host = &**tenancy.host()?;
        let input = input(body.input)?;
        let waiting = execute::waiting_for(host, &caller.tenant, &body.resume_token).await?;
        let loaded = match waiting {
            Some(hash) => Some(server.loaded(&tenancy, hash).await?),
            None => None,
        };
        let find = |hash: [u8; 32]| {
            let loaded = loaded.as_ref().filter(|loaded| loaded.engine.hash() == hash)?;
            Some((Arc::clone(&loaded.engine), loaded.params.clone()))
        };
        Ok(execute::resume(&find, host, &caller.tenant, &body.resume_token, input, Options::default()).await?)
    };
    whole(&served, &tenant, Box::pin(run)).await
}

/// A request of a run, to its end: a caller that hangs up does not leave one half done. As many at once as the server takes.
///
/// The run comes in a box, because it is large and goes from hand to hand.
async fn whole(
    server: &Server,
    tenant: &TenantId,
    run: Pin<Box<impl Future<Output = Result<Answer, Problem>> + Send + 'static>>,
) -> Result<Response, Problem> {
    let place = server.runs.take(tenant).ok_or_else(Problem::busy)?;
    let context = context::current();
    let mut run = Box::pin(async move {
        let _place = place;
        match context {
            Some(context) => context::within(context, run).await,
            None => run.await,
        }
    });
    // What waits for nothing is done here; the rest goes on by itself, and is polled there again.
    let answer = match std::panic::AssertUnwindSafe(run.as_mut()).catch_unwind().now_or_never() {
        Some(answer) => answer.map_err(|_| Problem::internal())?,
        None => tokio::spawn(run).await.map_err(|_| Problem::internal())?,
    };
    let answer = answer?;
    server.observe(&answer.trace);
    Ok(ok(&RunAnswer::of(&answer)))
}

/// List runs
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/runs", operation_id = "listRuns", tag = "runs",
    params(Listing),
    security(("key" = ["read"])),
    responses((status = 200, description = "A page of runs.", body = RunPage)),
)]
pub async fn list(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Listing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Read).await?;
    let page = Page::of(asked.limit, asked.cursor.as_deref())?;
    let filter = RunFilter { flow: asked.flow, outcome: asked.outcome, before: page.after.clone() };
    let mut runs = server.parts.store.runs_where(&caller.tenant, &filter, page.ask()).await?;
    let next_cursor = page.cut(&mut runs, RunSummary::place);
    Ok(ok(&RunPage { runs: runs.into_iter().map(shown).collect(), next_cursor }))
}

/// Read a run
///
/// With the trace of each of its requests, masked by the types of its values.
#[utoipa::path(
    get, path = "/v1/runs/{run}", operation_id = "readRun", tag = "runs",
    params(("run" = String, Path, description = "The run: `run_...`")),
    security(("key" = ["read"])),
    responses((status = 200, description = "The run.", body = RunWithTrace)),
)]
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
        requests.push(trace.as_ref().map(trace::events));
    }
    Ok(ok(&RunWithTrace { run: shown(found), trace: requests }))
}

fn shown(run: RunSummary) -> RunShown {
    RunShown {
        id: run.id,
        flow: run.flow,
        requests: u64::from(run.seq) + 1,
        outcome: run.outcome,
        detail: run.detail,
        started_at: text(run.started_at),
        updated_at: text(run.updated_at),
    }
}

fn input(given: Option<&RawValue>) -> Result<Option<Datum>, Problem> {
    let read = |raw: &RawValue| json::read(raw.get().as_bytes());
    given.map(read).transpose().map_err(|why| Problem::bad("bad_input", format!("the input is refused: {why}")))
}

/// An answer.
pub fn ok(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        // A map whose keys are no texts, which no answer has.
        Err(_) => Problem::internal().into_response(),
    }
}
