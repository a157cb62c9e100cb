//! Times in answers: RFC 3339, UTC.

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_eval::value::Instant;
use serde_json::Value;

/// `"2026-11-28T04:20:00Z"`
pub fn text(at: Instant) -> Value {
    json::to_json(&Datum::Timestamp(at))
}
