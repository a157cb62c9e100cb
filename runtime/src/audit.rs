//! Audit entries of the engine itself: a fold over how a request ended (runtime.md section 7).

use admit_eval::datum::Datum;

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
