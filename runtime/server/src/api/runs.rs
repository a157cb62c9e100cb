//! Runs: started, resumed, listed, read.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_plan::encode::ContentHash;
use admit_runtime::context;
use admit_runtime::execute::{self, Answer, Known, Options, Start, StepError};
use admit_runtime::session;
use admit_runtime::tenant::TenantId;
use admit_runtime::trace::Trace;
use admit_store::{RunFilter, RunSummary};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::Server;
use super::auth::{Caller, Runner, caller};
use super::extract::{Asked, Body, Path, read};
use super::once::{Once, answered};
use super::page::Page;
use super::problem::Problem;
use super::time::{self, text};
use crate::answer::RunAnswer;
use crate::key::Scope;
use crate::trace::{self, Event, ExplainedStep};

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
    /// Record the value of each part of each decision and condition, for `GET /v1/runs/{run}?explain=true`. Slow.
    explain: Option<bool>,
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
    /// As of the start.
    explain: Option<bool>,
}

/// What else to tell of a run.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Reading {
    /// The value of each part of each decision and condition, for requests that have recorded them (`explain` in their body).
    explain: Option<bool>,
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
    /// That began then or later.
    #[param(format = DateTime)]
    since: Option<String>,
    /// That began before then.
    #[param(format = DateTime)]
    until: Option<String>,
    /// Of this user: `usr_...`
    user: Option<String>,
    /// That walked through this block: its label in the flow, or its type.
    #[param(pattern = "^[a-z][a-z0-9_-]*$")]
    block: Option<String>,
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
    /// Content hash of the bundle that it began with.
    bundle: String,
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
    /// The value of each part of each decision and condition, request by request: where it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    explanation: Option<Vec<Vec<ExplainedStep>>>,
}

/// Start a run
///
/// Walks the flow until it ends or waits for the user. A deny is an answer, not an error. The outcome says what came of it.
#[utoipa::path(
    post, path = "/v1/flows/{flow}/runs", operation_id = "startRun", tag = "runs",
    params(
        ("flow" = String, Path, description = "Name of the flow."),
        ("Idempotency-Key" = Option<String>, Header, description = "Sent twice under one key, the call is done once and answered alike, for a day."),
    ),
    request_body = StartRun,
    security(("key" = ["run"])),
    responses((status = 200, description = "What the request came to.", body = RunAnswer)),
)]
pub async fn start(
    State(server): State<Arc<Server>>,
    Path(flow): Path<String>,
    Runner(caller): Runner,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let once = Once::of(&caller, &headers, format!("start {flow}"), &body)?;
    whole(&server, &caller.tenant.clone(), once, move |server, options| started(server, caller, flow, body, options))
        .await
}

async fn started(
    server: Arc<Server>,
    caller: Arc<Caller>,
    flow: String,
    body: Bytes,
    mut options: Options,
) -> Result<Answer, Problem> {
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
    options.explain = body.explain.unwrap_or_default();
    let answer = loaded.engine.start(host, &caller.tenant, &loaded.params, start, options).await?;
    server.observe(&answer.trace);
    Ok(answer)
}

/// Go on with a run that waits
///
/// The resume token says which. One that was used, is over, forged or another tenant's is refused alike, with 409.
#[utoipa::path(
    post, path = "/v1/runs/{run}/resume", operation_id = "resumeRun", tag = "runs",
    params(
        ("run" = String, Path, description = "The run, as the answer gave it."),
        ("Idempotency-Key" = Option<String>, Header, description = "Sent twice under one key, the call is done once and answered alike, for a day."),
    ),
    request_body = ResumeRun,
    security(("key" = ["run"])),
    responses((status = 200, description = "What the request came to.", body = RunAnswer)),
)]
pub async fn resume(
    State(server): State<Arc<Server>>,
    Path(run): Path<String>,
    Runner(caller): Runner,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let once = Once::of(&caller, &headers, format!("resume {run}"), &body)?;
    whole(&server, &caller.tenant.clone(), once, move |server, options| resumed(server, caller, run, body, options))
        .await
}

async fn resumed(
    server: Arc<Server>,
    caller: Arc<Caller>,
    run: String,
    body: Bytes,
    mut options: Options,
) -> Result<Answer, Problem> {
    let body: ResumeRun<'_> = read(&body)?;
    let tenancy = server.tenancy(&caller.tenant).await?;
    let host = &**tenancy.host()?;
    let input = input(body.input)?;
    let waiting = execute::waiting_for(host, &caller.tenant, &body.resume_token).await?;
    // A token of another run, too.
    let waiting = waiting.filter(|waiting| waiting.run_id == run).ok_or(StepError::NoRun)?;
    let loaded = server.loaded(&tenancy, waiting.bundle).await?;
    let find = |hash: [u8; 32]| {
        let loaded = Some(&loaded).filter(|loaded| loaded.engine.hash() == hash)?;
        Some((Arc::clone(&loaded.engine), loaded.params.clone()))
    };
    options.explain = body.explain.unwrap_or_default();
    let answer = execute::resume(&find, host, &caller.tenant, &body.resume_token, input, options).await?;
    server.observe(&answer.trace);
    Ok(answer)
}

/// A request of a run, to its end: a caller that hangs up does not leave one half done. As many at once as the server takes.
async fn whole<F>(
    server: &Arc<Server>,
    tenant: &TenantId,
    once: Option<Once>,
    run: impl FnOnce(Arc<Server>, Options) -> F + Send + 'static,
) -> Result<Response, Problem>
where
    F: Future<Output = Result<Answer, Problem>> + Send + 'static,
{
    let place = server.runs.take(tenant).ok_or_else(Problem::busy)?;
    let server = Arc::clone(server);
    let context = context::current();
    let work = async move {
        let _place = place;
        let mut options = Options::recording(server.parts.records);
        match once {
            Some(once) => {
                let keeping = |keep| {
                    options.keep = Some(keep);
                    run(Arc::clone(&server), options)
                };
                once.run(&server, keeping).await
            }
            None => Ok(answered(RunAnswer::write(&run(Arc::clone(&server), options).await?.told()))),
        }
    };
    // In a box, because it is large and goes from hand to hand.
    let mut work = Box::pin(async move {
        match context {
            Some(context) => context::within(context, work).await,
            None => work.await,
        }
    });
    // What waits for nothing is done here; the rest goes on by itself, and is polled there again.
    match std::panic::AssertUnwindSafe(work.as_mut()).catch_unwind().now_or_never() {
        Some(answer) => answer.map_err(|_| Problem::internal())?,
        None => tokio::spawn(work).await.map_err(|_| Problem::internal())?,
    }
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
    let is_name = |name: &String| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    if asked.block.as_ref().is_some_and(|block| !is_name(block)) {
        return Err(Problem::bad("bad_query", "`block` is a label or a type of blocks: letters, digits, `_`, `-`"));
    }
    let filter = RunFilter {
        flow: asked.flow,
        outcome: asked.outcome,
        since: time::read("since", asked.since.as_deref())?,
        until: time::read("until", asked.until.as_deref())?,
        user: asked.user,
        block: asked.block,
        before: page.after.clone(),
    };
    let mut runs = server.parts.store.runs_where(&caller.tenant, &filter, page.ask()).await?;
    let next_cursor = page.cut(&mut runs, RunSummary::place);
    Ok(ok(&RunPage { runs: runs.into_iter().map(shown).collect(), next_cursor }))
}

/// Read a run
///
/// With the trace of each of its requests, masked by the types of its values.
#[utoipa::path(
    get, path = "/v1/runs/{run}", operation_id = "readRun", tag = "runs",
    params(
        ("run" = String, Path, description = "The run: `run_...`"),
        Reading,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an answer: 304 where nothing has changed."),
    ),
    security(("key" = ["read"])),
    responses(
        (status = 200, description = "The run.", body = RunWithTrace, headers(("ETag" = String))),
        (status = 304, description = "As the `ETag` says."),
    ),
)]
pub async fn one(
    State(server): State<Arc<Server>>,
    Path(run): Path<String>,
    Asked(asked): Asked<Reading>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Read).await?;
    let found = server.parts.store.run(&caller.tenant, &run).await?.ok_or_else(|| Problem::not_found("run"))?;
    let mut traces = Vec::new();
    for encoded in server.parts.store.traces(&caller.tenant, &run).await? {
        // A user who was erased has taken the key along.
        traces.push(encoded.and_then(|bytes| Trace::decode(&bytes).ok()));
    }
    let explanation = match asked.explain {
        Some(true) => {
            let tenancy = server.tenancy(&caller.tenant).await?;
            let loaded = server.loaded(&tenancy, found.bundle).await?;
            let bundle = loaded.engine.bundle();
            let explained =
                |trace: &Option<Trace>| trace.as_ref().map_or_else(Vec::new, |trace| trace::explained(trace, bundle));
            Some(traces.iter().map(explained).collect())
        }
        Some(false) | None => None,
    };
    let trace = traces.iter().map(|trace| trace.as_ref().map(trace::events)).collect();
    Ok(tagged(&headers, &RunWithTrace { run: shown(found), trace, explanation }))
}

fn shown(run: RunSummary) -> RunShown {
    RunShown {
        id: run.id,
        flow: run.flow,
        bundle: ContentHash(run.bundle).to_string(),
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

/// An answer that says what it is, so that whoever has it already need not be sent it again (RFC 9110 section 13).
pub fn tagged(headers: &HeaderMap, value: &impl Serialize) -> Response {
    let Ok(body) = serde_json::to_vec(value) else { return Problem::internal().into_response() };
    let hash: String = Sha256::digest(&body).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{hash}\"");
    let known = headers.get(IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or_default();
    // A weak tag says as much here: the comparison is the weak one (section 13.1.2).
    let is_known = known.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag);
    let headers = [(ETAG, tag), (CACHE_CONTROL, "private, no-cache".to_owned())];
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(CONTENT_TYPE, "application/json")], body).into_response()
}
