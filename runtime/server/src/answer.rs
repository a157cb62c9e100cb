//! What a request of a run came to, as JSON: the form of `admit run --format json` and of the API.

use admit_eval::json;
use admit_runtime::execute::{Answer, Outcome};
use serde_json::{Value, json};

/// The outcome with what belongs to it. Tokens stand in it in the clear: it is for the caller alone.
pub fn as_json(answer: &Answer) -> Value {
    let mut object = json!({ "run": answer.run_id.as_str(), "outcome": answer.outcome.word() });
    if let Some(url) = &answer.redirect_to {
        insert(&mut object, "redirect_to", url.as_str().into());
    }
    if let Some(result) = &answer.result {
        insert(&mut object, "result", json::to_json(result));
    }
    match &answer.outcome {
        Outcome::Session { session, token, cookie } => {
            insert(&mut object, "session", json::to_json(session));
            insert(&mut object, "token", token.as_str().into());
            if let Some(cookie) = cookie {
                insert(&mut object, "cookie", json::to_json(cookie));
            }
        }
        Outcome::Tokens { session, tokens } => {
            insert(&mut object, "session", json::to_json(session));
            insert(&mut object, "access_token", tokens.access_token.as_str().into());
            insert(&mut object, "refresh_token", tokens.refresh_token.as_deref().into());
            insert(&mut object, "token_type", "Bearer".into());
            insert(&mut object, "expires_at", tokens.expires_at.into());
            insert(&mut object, "scope", tokens.scope.as_str().into());
        }
        Outcome::Deny { reason, user_message } => {
            insert(&mut object, "reason", reason.as_str().into());
            insert(&mut object, "user_message", user_message.as_deref().into());
        }
        Outcome::Suspended { label, challenge, resume_token, problem, .. } => {
            insert(&mut object, "label", label.as_str().into());
            insert(&mut object, "challenge", json::to_json(challenge));
            insert(&mut object, "resume_token", resume_token.as_str().into());
            insert(&mut object, "problem", problem.as_deref().into());
        }
        Outcome::Error { id, label } => {
            insert(&mut object, "error_id", id.as_str().into());
            insert(&mut object, "label", label.as_ref().map(|label| label.as_str()).into());
        }
        Outcome::Allow | Outcome::Finalized => {}
    }
    object
}

/// Adds a field to an object.
pub fn insert(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(name.to_owned(), value);
    }
}
