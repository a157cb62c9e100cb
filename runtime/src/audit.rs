//! Audit entries of the engine itself: a fold over how a request ended (runtime.md section 7).

use admit_eval::datum::Datum;
use serde::Deserialize;

use crate::context::current;
use crate::execute::Outcome;
use crate::state::{Run, str_datum};
use crate::unit::AuditEntry;

/// The entries of a request: one when its run has completed, none while it waits.
pub(crate) fn of_request(run: &Run, flow: &str, outcome: &Outcome, user_id: Option<&str>) -> Option<AuditEntry> {
    let (word, detail) = match outcome {
        Outcome::Session { .. } | Outcome::Tokens { .. } | Outcome::Allow | Outcome::Finalized => ("success", None),
        Outcome::Deny { reason, .. } => ("denied", Some(("reason", reason))),
        Outcome::Error { id, .. } => ("failure", Some(("error", id))),
        Outcome::Suspended { .. } => return None,
    };
    let mut data = vec![(str_datum("run"), str_datum(&run.id)), (str_datum("outcome"), str_datum(outcome.word()))];
    data.extend(detail.map(|(name, value)| (str_datum(name), str_datum(value))));
    Some(AuditEntry {
        kind: "flow.run_completed".to_owned(),
        actor: user_id.unwrap_or("anonymous").to_owned(),
        target: ["flow:", flow].concat(),
        outcome: word.to_owned(),
        data: Datum::Map(data),
    })
}

/// The part of an event that says where a request came from. The rest is skipped.
#[derive(Deserialize)]
struct Seen {
    request: Option<Request>,
}

#[derive(Deserialize)]
struct Request {
    ip: Option<String>,
    user_agent: Option<String>,
    geo: Option<Geo>,
}

#[derive(Deserialize)]
struct Geo {
    country: Option<String>,
    city: Option<String>,
}

/// Where a request of a run came from, as its event says, with the id of the request that the server works on.
pub(crate) fn context(run: &Run) -> Option<Datum> {
    let seen = serde_json::from_slice::<Seen>(&run.event).ok().and_then(|seen| seen.request);
    let (ip, user_agent, geo) =
        seen.map_or((None, None, None), |request| (request.ip, request.user_agent, request.geo));
    let request_id = current().map(|context| context.request_id.to_string());
    let geo = geo.and_then(|geo| record([("country", geo.country), ("city", geo.city)].map(texts)));
    let texts = [("ip", ip), ("user_agent", user_agent), ("request_id", request_id)].map(texts);
    record(texts.into_iter().chain([("geo", geo)]))
}

fn texts((name, value): (&'static str, Option<String>)) -> (&'static str, Option<Datum>) {
    (name, value.map(|value| Datum::Str(value.into())))
}

/// A record of what is there; none of nothing.
fn record(fields: impl IntoIterator<Item = (&'static str, Option<Datum>)>) -> Option<Datum> {
    let there = fields.into_iter().filter_map(|(name, value)| Some((str_datum(name), value?)));
    let there: Vec<_> = there.collect();
    (!there.is_empty()).then_some(Datum::Map(there))
}
