//! Running one test: the flow on the doubles, its prompts answered by the test's replies, then every expectation.

use std::str::FromStr;
use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_plan::verify::Verified;
use smol_str::SmolStr;

use crate::block::Registry;
use crate::engine::Engine;
use crate::execute::job::{self, Queued, run_job};
use crate::execute::{self, Known, Options, Outcome, Start, StepError};
use crate::expression::to_json;
use crate::host::{Host, HttpResponse};
use crate::state::{field, str_datum};
use crate::tenant::TenantId;
use crate::testing::baseline;
use crate::testing::case::{Target, TestCase, TestResult};
use crate::testing::expect::{Ended, unmet};
use crate::testing::given::begin_within;
use crate::testing::host::{Outside, TestHost};
use crate::testing::stub::{StubStore, stubbed};
use crate::trace::Trace;

/// More suspensions than a sensible test has: a flow that prompts for ever is stopped here.
const MAX_REQUESTS: usize = 64;

/// Runs a test. Never fails itself: what is wrong is in the result.
pub async fn run_test(plan: &Verified, registry: &Registry, case: &TestCase, outside: &Outside) -> TestResult {
    let mut traces = Vec::new();
    match attempt(plan, registry, case, outside, &mut traces).await {
        Ok((outcome, failures)) => TestResult { failures, outcome: Some(outcome), traces },
        Err(failure) => TestResult { failures: vec![failure], outcome: None, traces },
    }
}

async fn attempt(
    plan: &Verified,
    registry: &Registry,
    case: &TestCase,
    outside: &Outside,
    traces: &mut Vec<Trace>,
) -> Result<(Outcome, Vec<String>), String> {
    let now = case.now.unwrap_or(baseline::NOW);
    let mut host = TestHost::new(now, 0);
    host.admit(outside);
    let host = Arc::new(host);
    for (name, value) in &case.secrets {
        host.set_secret(name, value);
    }
    for (url, answer) in &case.fetches {
        match fetched(answer).map_err(|why| format!("the stub of `{url}`: {why}"))? {
            Ok(response) => host.answer(url, response),
            Err(why) => host.fail(url, &why),
        }
    }
    let store: Arc<dyn StubStore> = host.clone();
    let engine =
        Engine::from_verified(plan.clone(), &stubbed(registry, case, &store)).map_err(|error| error.to_string())?;
    let engine = match case.off.is_empty() {
        true => engine,
        false => {
            let is_off = |slug: &str| case.off.iter().any(|off| off == slug);
            engine.without(&is_off, &stubbed(registry, case, &store)).map_err(|error| error.to_string())?
        }
    };
    let params = engine.params(&case.params).map_err(|error| error.to_string())?;
    let tenant = case.tenant.clone().map_or_else(|| TenantId::from_str("test"), Ok)?;
    for user in &case.users {
        host.store.put_user(&tenant, user.clone());
    }
    let options = Options { explain: case.explain, stubs: true, ..Options::default() };
    let (event, mut known) = event_of(case)?;
    let input = input_of(&engine, case);
    let flow = engine.flow_index(&case.flow).and_then(|index| engine.bundle().flows.get(index));
    if let (Some(flow), Some(input)) = (flow, &input) {
        begin_within(&host, &tenant, flow, (&event, None), input, &mut known);
    }
    let start = Start { flow: &case.flow, event: event.as_bytes(), input, known };
    let mut answer = engine.start(&*host, &tenant, &params, start, options).await.map_err(|error| refused(&error))?;
    let mut replies = Replies { case, used: vec![false; case.replies.len()] };
    traces.push(answer.trace.clone());
    while let Outcome::Suspended { label, resume_token, .. } = &answer.outcome {
        let Some(reply) = replies.next(label, &block_of(&answer.trace, label)) else { break };
        if traces.len() >= MAX_REQUESTS {
            return Err(format!("the run has asked {MAX_REQUESTS} times and asks again at `{label}`"));
        }
        let bundles = |hash: [u8; 32]| (hash == engine.hash()).then(|| (Arc::clone(&engine), params.clone()));
        let resumed = execute::resume(&bundles, &*host, &tenant, resume_token, Some(reply), options).await;
        answer = resumed.map_err(|error| refused(&error))?;
        traces.push(answer.trace.clone());
        if let Outcome::Suspended { problem: Some(problem), label, .. } = &answer.outcome {
            return Err(format!("the reply to `{label}` is refused: {problem}"));
        }
    }
    let ended =
        Ended { engine: &engine, params: &params, answer: &answer, traces, signed: host.signed(), now: host.now() };
    let mut failures: Vec<String> = case.expects.iter().filter_map(|expects| unmet(&ended, expects)).collect();
    failures.extend(replies.unused());
    let queued = queued_actions(&engine, registry, &host, &tenant, case).await;
    for (trace, failure) in queued {
        traces.push(trace);
        failures.extend(failure);
    }
    // The test's own mistake, even where the flow passes over the error of a block that sends.
    let unstubbed = host.unanswered();
    failures.extend(
        unstubbed.iter().map(|url| format!("a test sends nothing: stub what calls `{url}`, or the fetch itself")),
    );
    Ok((answer.outcome, failures))
}

/// Runs the Actions that were queued and that no stub stands in for: the trace of each, and what is wrong with it. One that a
/// stubbed fetch has told to fail is tried again where it is real, so nothing is wrong with it.
async fn queued_actions(
    engine: &Arc<Engine>,
    registry: &Registry,
    host: &Arc<TestHost>,
    tenant: &TenantId,
    case: &TestCase,
) -> Vec<(Trace, Option<String>)> {
    let mut ran = Vec::new();
    if host.actions().is_none() {
        return ran;
    }
    let told_to_fail = case.fetches.iter().any(|(_, answer)| match fetched(answer) {
        Ok(Ok(response)) => response.status >= 400,
        Ok(Err(_)) => true,
        Err(_) => false,
    });
    let stubbed =
        |label: &str| case.stubs.iter().any(|stub| matches!(&stub.target, Target::Label(named) if named == label));
    let bundles = |hash: [u8; 32]| (hash == engine.hash()).then(|| Arc::clone(engine));
    for (key, kind, payload) in host.store.queued(tenant) {
        let label = if kind == job::KIND { job::action_of(&payload) } else { None };
        let Some(label) = label.filter(|label| !stubbed(label)) else { continue };
        let queued = Queued { key: &key, kind: &kind, payload: &payload, attempt: 1 };
        let end = run_job(&bundles, registry, &**host, tenant, queued).await;
        let failure = end.failure.filter(|_| !told_to_fail);
        ran.push((end.trace, failure.map(|failure| format!("the queued `{label}` failed: {}", failure.detail))));
    }
    ran
}

/// What `stub fetch` answers: `{status, headers, body}`, all of them optional, or `{error}`.
fn fetched(answer: &Datum) -> Result<Result<HttpResponse, String>, String> {
    let Datum::Map(fields) = answer else { return Err("it must be a record".to_owned()) };
    let mut response = HttpResponse { status: 200, headers: Vec::new(), body: Vec::new() };
    for (name, value) in fields {
        match (name.as_str().unwrap_or_default(), value) {
            ("error", Datum::Str(why)) if fields.len() == 1 => return Ok(Err(why.to_string())),
            ("error", _) => return Err("`error` is a string, and stands alone".to_owned()),
            ("status", Datum::Int(status)) => {
                let status = u16::try_from(*status).ok().filter(|status| (100..600).contains(status));
                response.status = status.ok_or("`status` must be 100 to 599")?;
            }
            ("status", _) => return Err("`status` is an int".to_owned()),
            ("headers", Datum::Map(headers)) => {
                for header in headers {
                    let (Datum::Str(name), Datum::Str(value)) = header else {
                        return Err("`headers` is a map of strings".to_owned());
                    };
                    response.headers.push((name.to_lowercase(), value.to_string()));
                }
            }
            ("headers", _) => return Err("`headers` is a map of strings".to_owned()),
            ("body", Datum::Str(text)) => response.body = text.as_bytes().to_vec(),
            ("body", body) => {
                response.body = to_json(body).into_bytes();
                response.headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            (other, _) => return Err(format!("it has no `{other}`: write `status`, `headers`, `body`, or `error`")),
        }
    }
    Ok(Ok(response))
}

/// The event's JSON without, and what the runtime knows with, the groups that only the runtime sets.
fn event_of(case: &TestCase) -> Result<(String, Known), String> {
    let baseline = match case.bare {
        true => Datum::Map(Vec::new()),
        false => crate::expression::from_json(baseline::EVENT.as_bytes()).ok_or("the baseline event is damaged")?,
    };
    let mut whole = match &case.event {
        Some(given) => baseline::overlay(baseline, given),
        None => baseline,
    };
    let mut known = Known::default();
    let slug = case.tenant.as_ref().map_or("test", TenantId::as_str);
    let mut tenant = Datum::Map(vec![(str_datum("id"), str_datum(slug)), (str_datum("slug"), str_datum(slug))]);
    if let Some(given) = field(&whole, "tenant") {
        tenant = baseline::overlay(tenant, given);
    }
    known.tenant = Some(Arc::new(tenant));
    let now = case.now.unwrap_or(baseline::NOW);
    known.user = field(&whole, "user").map(|given| baseline::overlay(baseline::user(now), given));
    known.authentication = field(&whole, "authentication").cloned();
    if let Datum::Map(entries) = &mut whole {
        let is_runtime = |key: &Datum| matches!(key, Datum::Str(key) if crate::event::RUNTIME_GROUPS.contains(&&**key));
        entries.retain(|(key, _)| !is_runtime(key));
    }
    Ok((to_json(&whole), known))
}

fn input_of(engine: &Engine, case: &TestCase) -> Option<Datum> {
    if case.bare {
        return case.input.clone();
    }
    let flow = engine.flow_index(&case.flow).and_then(|index| engine.bundle().flows.get(index))?;
    let under = baseline::input(&flow.input);
    Some(match &case.input {
        Some(given) => baseline::overlay(under, given),
        None => under,
    })
}

fn refused(error: &StepError) -> String {
    format!("the run did not begin or go on: {error}")
}

fn block_of(trace: &Trace, label: &str) -> SmolStr {
    trace.ran().filter(|(known, _)| *known == label).map(|(_, block)| block.clone()).last().unwrap_or_default()
}

struct Replies<'c> {
    case: &'c TestCase,
    used: Vec<bool>,
}

impl Replies<'_> {
    /// The first reply to this label that is left, else to its type.
    fn next(&mut self, label: &str, block: &str) -> Option<Datum> {
        let find = |used: &[bool], is_it: &dyn Fn(&Target) -> bool| {
            let mut replies = self.case.replies.iter().zip(used).enumerate();
            replies.find(|(_, ((target, _), used))| !**used && is_it(target)).map(|(index, _)| index)
        };
        let index = find(&self.used, &|target| matches!(target, Target::Label(named) if named == label))
            .or_else(|| find(&self.used, &|target| matches!(target, Target::Type(named) if named == block)))?;
        *self.used.get_mut(index)? = true;
        self.case.replies.get(index).map(|(_, reply)| reply.clone())
    }

    fn unused(&self) -> impl Iterator<Item = String> {
        let left = self.case.replies.iter().zip(&self.used).filter(|(_, used)| !**used);
        left.map(|((target, _), _)| match target {
            Target::Label(name) | Target::Type(name) => format!("nothing asked for the reply to `{name}`"),
        })
    }
}
