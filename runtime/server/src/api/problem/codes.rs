//! The codes of problems, each once: what the document lists, the docs page tells, and a test holds every use of one to.

use axum::http::StatusCode;

/// A code: its status, and when it is answered.
pub type Code = (&'static str, StatusCode, &'static str);

/// All of them, by status.
pub const CODES: &[Code] = &[
    ("bad_body", StatusCode::BAD_REQUEST, "the body cannot be read, or is not what is asked for"),
    ("bad_cursor", StatusCode::BAD_REQUEST, "the cursor is none that a page gave"),
    ("bad_event", StatusCode::BAD_REQUEST, "the event is refused"),
    ("bad_idempotency_key", StatusCode::BAD_REQUEST, "`Idempotency-Key` is empty, too long, or has other characters"),
    ("bad_if_match", StatusCode::BAD_REQUEST, "`If-Match` holds no tag as `ETag` gave it"),
    ("bad_input", StatusCode::BAD_REQUEST, "the input is refused"),
    ("bad_last_event_id", StatusCode::BAD_REQUEST, "`Last-Event-ID` is the number of no entry"),
    ("bad_name", StatusCode::BAD_REQUEST, "a name is empty, too long, or has control characters"),
    ("bad_query", StatusCode::BAD_REQUEST, "what follows the `?` cannot be read"),
    ("bad_scopes", StatusCode::BAD_REQUEST, "a scope is unknown, or none is given"),
    ("bad_types", StatusCode::BAD_REQUEST, "a webhook names no audit types, or something else"),
    ("bad_url", StatusCode::BAD_REQUEST, "a webhook may not call this address"),
    ("no_key", StatusCode::UNAUTHORIZED, "no key that opens anything"),
    ("missing_scope", StatusCode::FORBIDDEN, "the key lacks the scope that the text names"),
    ("tenant_disabled", StatusCode::FORBIDDEN, "nobody is served in this tenant for now"),
    ("not_found", StatusCode::NOT_FOUND, "no such thing in this tenant"),
    ("nothing_deployed", StatusCode::NOT_FOUND, "the tenant runs no bundle yet"),
    ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "the method is not for this address"),
    ("too_slow", StatusCode::REQUEST_TIMEOUT, "a body took longer than 30 seconds"),
    ("conflict", StatusCode::CONFLICT, "somebody else was first"),
    ("identifier_taken", StatusCode::CONFLICT, "an identifier is another user's"),
    ("idempotency_in_progress", StatusCode::CONFLICT, "a call with this `Idempotency-Key` is under way"),
    ("not_resumable", StatusCode::CONFLICT, "the token resumes nothing"),
    ("too_many", StatusCode::CONFLICT, "the tenant has as many of these as it may"),
    ("changed_meanwhile", StatusCode::PRECONDITION_FAILED, "it is not any more what `If-Match` names"),
    ("deployed_meanwhile", StatusCode::PRECONDITION_FAILED, "another bundle is live than `If-Match` names"),
    ("too_large", StatusCode::PAYLOAD_TOO_LARGE, "a body over 256 KiB (a bundle: 64 MiB)"),
    ("bundle_refused", StatusCode::UNPROCESSABLE_ENTITY, "the bundle does not verify"),
    (
        "idempotency_mismatch",
        StatusCode::UNPROCESSABLE_ENTITY,
        "this `Idempotency-Key` was used for another call or body",
    ),
    ("needs_records", StatusCode::UNPROCESSABLE_ENTITY, "the run would leave what `--records none` does not keep"),
    ("params_refused", StatusCode::UNPROCESSABLE_ENTITY, "params do not fit the bundle"),
    ("settings_refused", StatusCode::UNPROCESSABLE_ENTITY, "settings or a client are not as `admit.toml` has them"),
    ("user_refused", StatusCode::UNPROCESSABLE_ENTITY, "a user is not as users are"),
    ("no_precondition", StatusCode::PRECONDITION_REQUIRED, "a deploy does not say what it replaces"),
    ("busy", StatusCode::TOO_MANY_REQUESTS, "`--most-runs` are under way; `Retry-After` says when to come back"),
    ("too_many_calls", StatusCode::TOO_MANY_REQUESTS, "the key makes more calls than `--rate-per-key` lets it"),
    ("too_many_streams", StatusCode::TOO_MANY_REQUESTS, "as many audit streams as may be are open"),
    ("internal", StatusCode::INTERNAL_SERVER_ERROR, "a fault of the server; nobody was let in by it"),
    ("bundle_damaged", StatusCode::SERVICE_UNAVAILABLE, "the tenant's bundle is not what was deployed"),
    ("not_ready", StatusCode::SERVICE_UNAVAILABLE, "the store does not answer"),
    (
        "unusable_settings",
        StatusCode::SERVICE_UNAVAILABLE,
        "another version wrote the tenant's settings; put them anew",
    ),
    ("unavailable", StatusCode::SERVICE_UNAVAILABLE, "the store does not answer; nothing was done"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The first text in quotes after each place where a problem is made.
    fn used(source: &str, found: &mut BTreeSet<String>) {
        for call in ["Problem::new(", "Problem::bad(", "Self::new(", "Self::bad("] {
            for after in source.split(call).skip(1) {
                // None where no text follows in the file.
                found.extend(after.split('"').nth(1).map(ToOwned::to_owned));
            }
        }
    }

    fn sources(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if !path.ends_with("problem/codes.rs") {
                used(&fs::read_to_string(&path).unwrap(), found);
            }
        }
    }

    #[test]
    fn every_code_that_is_answered_is_listed_once_and_every_listed_one_is_answered() {
        let mut found = BTreeSet::new();
        used(include_str!("../../api.rs"), &mut found);
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api"), &mut found);
        let listed: Vec<String> = CODES.iter().map(|(code, ..)| (*code).to_owned()).collect();
        let once: BTreeSet<String> = listed.iter().cloned().collect();
        assert_eq!(listed.len(), once.len());
        assert_eq!(found, once);
    }

    #[test]
    fn the_docs_list_every_code_under_its_status() {
        let page = include_str!("../../../../../docs/src/api.md");
        for (code, status, _) in CODES {
            let row = page.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{code}`")));
            let row = row.unwrap_or_else(|| panic!("docs/src/api.md does not list `{code}`"));
            assert!(row.split('|').nth(1).is_some_and(|cell| cell.contains(status.as_str())), "{row}");
        }
    }
}
