//! Dry runs: the live flow on doubles of the host and the store. Nothing is written, nobody is called; what a step would ask of the
//! world is stubbed, or fails and says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_plan::bundle::Bundle;
use admit_runtime::execute::Outcome;
use admit_runtime::host::{Host, Store as _};
use admit_runtime::testing::{Answer as StubAnswer, Outside, Stub, Target, TestCase, TestResult, run_test};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use smol_str::SmolStr;
use utoipa::ToSchema;

use super::auth::{Caller, caller};
use super::extract::{Body, Path, read};
use super::problem::Problem;
use super::runs::ok;
use super::{Server, live, time};
use crate::key::Scope;
use crate::trace::{self, Event, ExplainedStep};

/// Steps that one simulation stubs, replies that it gives, at most.
const MOST: usize = 200;

/// A dry run.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Simulate<'a> {
    /// The event, as it is: nothing is laid below it. It may hold `user` and `authentication` too.
    #[serde(borrow)]
    #[schema(value_type = Object)]
    event: &'a RawValue,
    /// What the user has submitted already.
    #[serde(borrow)]
    #[schema(value_type = Option<Object>)]
    input: Option<&'a RawValue>,
    /// A user of the tenant whom steps find: an identifier or an id. Their credentials are not there.
    user: Option<String>,
    /// When the run is; left out: now.
    #[schema(format = DateTime)]
    now: Option<String>,
    /// What steps answer instead of doing their work.
    #[serde(default)]
    stubs: Vec<StubGiven>,
    /// What URLs answer: `{status, headers, body}` or `{error}`.
    #[serde(default)]
    #[schema(value_type = Object)]
    fetches: BTreeMap<String, Value>,
    /// What the user answers to prompts, in order.
    #[serde(default)]
    replies: Vec<ReplyGiven>,
    /// Values of params instead of the tenant's.
    #[serde(default)]
    #[schema(value_type = Object)]
    params: Map<String, Value>,
    /// Add the value of each part of each decision.
    #[serde(default)]
    explain: bool,
}

/// What a step answers.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StubGiven {
    /// The label of one step.
    step: Option<String>,
    /// A block type: every step of it that no label names.
    block: Option<String>,
    /// Its outputs; those that are left out have their defaults.
    #[serde(default)]
    #[schema(value_type = Object)]
    outputs: Map<String, Value>,
    /// The user that it gives: laid over the one there is.
    #[schema(value_type = Option<Object>)]
    user: Option<Map<String, Value>>,
    /// It fails with this text instead.
    error: Option<String>,
}

/// What the user answers to a prompt.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplyGiven {
    /// The label of the step that prompts.
    step: Option<String>,
    /// A block type: any step of it.
    block: Option<String>,
    /// The answer.
    #[schema(value_type = Object)]
    input: Map<String, Value>,
}

/// What a dry run came to.
#[derive(Serialize, ToSchema)]
pub struct Simulated {
    /// `session`, `tokens`, `allow`, `finalized`, `deny`, `suspended`, `error`; null: it did not begin.
    outcome: Option<String>,
    /// Reason of a deny, label of a suspension or an error.
    detail: Option<String>,
    /// What the user would be told.
    user_message: Option<String>,
    /// What is wrong with the simulation itself: what was called and not stubbed, replies that nothing asked for.
    problems: Vec<String>,
    /// What happened, request by request; masked as traces are.
    trace: Vec<Vec<Event>>,
    /// The values of the parts of each decision, request by request, where they were asked for.
    explained: Vec<Vec<ExplainedStep>>,
}

/// Simulate a flow
///
/// The live bundle with the tenant's params, on doubles: a clock that stands, a store with nothing in it but the user that is named,
/// no network. Sessions and tokens that it makes are nobody's, and are not shown.
#[utoipa::path(
    post, path = "/v1/flows/{flow}/simulate", operation_id = "simulate", tag = "runs",
    params(("flow" = String, Path, description = "Name of the flow.")),
    request_body = Simulate,
    security(("key" = ["run"])),
    responses((status = 200, description = "What it came to.", body = Simulated)),
)]
pub async fn simulate(
    State(server): State<Arc<Server>>,
    Path(flow): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Run).await?;
    let _place = server.runs.take(&caller.tenant).ok_or_else(Problem::busy)?;
    let given: Simulate<'_> = read(&body)?;
    let tenancy = server.tenancy(&caller.tenant).await?;
    let host = Arc::clone(tenancy.host()?);
    let live = server.live(&tenancy).await?;
    let bundle = live.engine.bundle();
    if !bundle.flows.iter().any(|known| live::text(bundle, known.name) == flow) {
        return Err(Problem::not_found("flow"));
    }
    let mut case = case(&server, &caller, &given, bundle, &flow).await?;
    case.off = tenancy.setup.disabled.iter().map(|slug| SmolStr::from(slug.as_str())).collect();
    let own = tenancy.setup.params.iter().map(|(name, value)| (name, value));
    for (name, value) in own.filter(|(name, _)| !given.params.contains_key(*name)).chain(&given.params) {
        let Some((_, ty, _)) = live.engine.declared_params().find(|(known, ..)| *known == name.as_str()) else {
            continue;
        };
        let value = server.parts.formats.param(value, ty, name);
        let refused = |why| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "params_refused", why);
        case.params.push((name.as_str().into(), value.map_err(refused)?));
    }
    let hash = live.engine.hash();
    let bytes = server.parts.store.bundle(&caller.tenant, hash).await?.ok_or_else(|| Problem::not_found("bundle"))?;
    let plan = tokio::task::spawn_blocking(move || admit_plan::verify::load(&bytes)).await;
    let refused = |why: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bundle_refused", why);
    let plan = plan.map_err(|_| Problem::internal())?.map_err(|refusal| refused(refusal.to_string()))?;
    let redirects = Arc::clone(&host);
    let tenant = caller.tenant.clone();
    let outside = Outside {
        actions: server.parts.host.shared_actions(),
        redirects: Some(Arc::new(move |url: &str| redirects.may_redirect(&tenant, url))),
        providers: host.providers().to_vec(),
        clients: host.clients().to_vec(),
        feeds: Some(host.feeds()),
        relying_party: host.relying_party(&caller.tenant),
    };
    let registry = server.parts.registry.clone();
    let ran = tokio::spawn(async move { run_test(&plan, &registry, &case, &outside).await }).await;
    let result = ran.map_err(|_| Problem::internal())?;
    Ok(ok(&shown(&result, bundle, given.explain)))
}

async fn case(
    server: &Server,
    caller: &Caller,
    given: &Simulate<'_>,
    bundle: &Bundle,
    flow: &str,
) -> Result<TestCase, Problem> {
    if given.stubs.len() > MOST || given.replies.len() > MOST || given.fetches.len() > MOST {
        return Err(Problem::bad("bad_body", format!("`stubs`, `fetches` and `replies` hold at most {MOST} each")));
    }
    let event = given.event.get().as_bytes();
    let filled = (server.parts.complete)(event, true);
    let event = filled.as_deref().unwrap_or(event);
    let named = server.tenancy(&caller.tenant).await?.with_client(&*server.parts.formats, event);
    let event = json::read(named.as_deref().unwrap_or(event))
        .map_err(|why| Problem::bad("bad_event", format!("the event is refused: {why}")))?;
    if !matches!(event, Datum::Map(_)) {
        return Err(Problem::bad("bad_event", "the event is refused: it is no JSON object"));
    }
    let input = given.input.map(|input| json::read(input.get().as_bytes())).transpose();
    let now = time::read("now", given.now.as_deref())?.unwrap_or_else(|| server.now());
    let mut case = TestCase {
        title: "simulation".to_owned(),
        flow: flow.into(),
        event: Some(event),
        input: input.map_err(|why| Problem::bad("bad_input", format!("the input is refused: {why}")))?,
        now: Some(now),
        defaults: server.parts.formats.stub_defaults().to_vec(),
        // Whatever is sent with them is stubbed, so nobody reads them.
        secrets: bundle
            .secrets
            .iter()
            .map(|id| (live::text(bundle, *id), b"a-secret-of-simulations".to_vec()))
            .collect(),
        explain: given.explain,
        bare: true,
        tenant: Some(caller.tenant.clone()),
        ..TestCase::default()
    };
    if let Some(wanted) = &given.user {
        let store = &server.parts.store;
        let found = store.find_user(&caller.tenant, wanted).await?.ok_or_else(|| Problem::not_found("user"))?;
        case.users.extend(store.user(&caller.tenant, &found.id).await?);
    }
    for stub in &given.stubs {
        let answer = match &stub.error {
            Some(text) => StubAnswer::Error(text.clone()),
            None => StubAnswer::Outputs {
                outputs: stub.outputs.iter().map(|(name, value)| (name.into(), json::from_json(value))).collect(),
                user: stub.user.as_ref().map(object),
            },
        };
        case.stubs.push(Stub { target: target(stub.step.as_deref(), stub.block.as_deref())?, answer, after: 0 });
    }
    for (url, answer) in &given.fetches {
        case.fetches.push((url.clone(), json::from_json(answer)));
    }
    for reply in &given.replies {
        case.replies.push((target(reply.step.as_deref(), reply.block.as_deref())?, object(&reply.input)));
    }
    Ok(case)
}

fn target(step: Option<&str>, block: Option<&str>) -> Result<Target, Problem> {
    match (step, block) {
        (Some(label), None) => Ok(Target::Label(label.into())),
        (None, Some(name)) => Ok(Target::Type(name.into())),
        (Some(_), Some(_)) | (None, None) => {
            Err(Problem::bad("bad_body", "a stub or reply names a `step` by its label, or a `block` type"))
        }
    }
}

fn object(fields: &Map<String, Value>) -> Datum {
    json::from_json(&Value::Object(fields.clone()))
}

fn shown(result: &TestResult, bundle: &Bundle, explain: bool) -> Simulated {
    let (mut detail, mut user_message) = (None, None);
    match &result.outcome {
        Some(Outcome::Deny { reason, user_message: told }) => {
            (detail, user_message) = (Some(reason.to_string()), told.clone());
        }
        Some(Outcome::Suspended { label, .. }) => detail = Some(label.to_string()),
        Some(Outcome::Error { label, .. }) => detail = label.as_ref().map(ToString::to_string),
        Some(Outcome::Session { .. } | Outcome::Tokens { .. } | Outcome::Allow | Outcome::Finalized) | None => {}
    }
    let explained = result.traces.iter().filter(|_| explain).map(|trace| trace::explained(trace, bundle));
    Simulated {
        outcome: result.outcome.as_ref().map(|outcome| outcome.word().to_owned()),
        detail,
        user_message,
        problems: result.failures.clone(),
        trace: result.traces.iter().map(trace::events).collect(),
        explained: explained.collect(),
    }
}
