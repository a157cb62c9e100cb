//! Times in answers and queries: RFC 3339; answers are in UTC.

use admit_eval::datum::Datum;
use admit_eval::func::convert;
use admit_eval::json;
use admit_eval::value::Instant;
use serde_json::Value;

use super::problem::Problem;

/// `2026-11-28T04:20:00Z`
pub fn text(at: Instant) -> String {
    match json::to_json(&Datum::Timestamp(at)) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// The time that a field of a query names.
///
/// # Errors
/// It is none.
pub fn read(field: &str, given: Option<&str>) -> Result<Option<Instant>, Problem> {
    let bad = || Problem::bad("bad_query", format!("`{field}` is a time of RFC 3339, `2026-11-28T04:20:00Z`"));
    given.map(|text| convert::instant(text).ok_or_else(bad)).transpose()
}
