//! What a request of a run came to, as JSON: the form of `admit run --format json` and of the API.

use admit_eval::json;
use admit_runtime::execute::{Answer, Outcome, Told};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What a request of a run came to. Tokens stand in it in the clear: it is for the caller alone.
#[derive(Serialize, ToSchema)]
pub struct RunAnswer {
    /// The run: `run_...`
    pub run: String,
    /// Where to send the user, where an Action has said so; checked against the allowlist.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub redirect_to: Option<String>,
    /// The results of the contract's milestones, where the flow has such.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub result: Option<Value>,
    /// How it went.
    #[serde(flatten)]
    pub outcome: RunOutcome,
}

/// The outcomes, by the field `outcome`.
#[derive(Serialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RunOutcome {
    /// A session was made.
    Session {
        /// Its record.
        #[schema(value_type = Object)]
        session: Value,
        /// The signed token: told this once.
        token: String,
        /// How to set it as a cookie, where the flow says so: name and attributes.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<Object>, nullable = false)]
        cookie: Option<Value>,
    },
    /// Tokens were made.
    Tokens {
        /// The session's record.
        #[schema(value_type = Object)]
        session: Value,
        /// A JWT (RFC 9068).
        access_token: String,
        /// Opaque, used once.
        refresh_token: Option<String>,
        /// `Bearer`
        token_type: &'static str,
        /// When the access token expires, in seconds since the epoch.
        expires_at: i64,
        /// The scopes granted, joined by spaces.
        scope: String,
    },
    /// `allow`
    Allow,
    /// `finalize`
    Finalized,
    /// Nobody is let in.
    Deny {
        /// A constant word.
        reason: String,
        /// For the user; null: the application's general text.
        user_message: Option<String>,
    },
    /// The run waits for the user.
    Suspended {
        /// The prompting block.
        label: String,
        /// What to show.
        #[schema(value_type = Object)]
        challenge: Value,
        /// Resumes the run, once.
        resume_token: String,
        /// The answer was refused, and is asked for again: why.
        problem: Option<String>,
    },
    /// The run failed.
    Error {
        /// Names the failure in trace and audit; says nothing of it.
        error_id: String,
        /// Where it failed.
        label: Option<String>,
    },
}

impl RunAnswer {
    /// As the caller sees it.
    pub fn of(told: &Told<'_>) -> Self {
        Self {
            run: told.run_id.to_owned(),
            redirect_to: told.redirect_to.map(str::to_owned),
            result: told.result.map(json::to_json),
            outcome: outcome(told.outcome),
        }
    }

    /// As it is sent.
    pub fn write(told: &Told<'_>) -> Vec<u8> {
        // Text keys and JSON values alone: it cannot fail.
        serde_json::to_vec(&Self::of(told)).unwrap_or_default()
    }
}

fn outcome(outcome: &Outcome) -> RunOutcome {
    match outcome {
        Outcome::Session { session, token, cookie } => RunOutcome::Session {
            session: json::to_json(session),
            token: token.clone(),
            cookie: cookie.as_ref().map(json::to_json),
        },
        Outcome::Tokens { session, tokens } => RunOutcome::Tokens {
            session: json::to_json(session),
            access_token: tokens.access_token.clone(),
            refresh_token: tokens.refresh_token.clone(),
            token_type: "Bearer",
            expires_at: tokens.expires_at,
            scope: tokens.scope.clone(),
        },
        Outcome::Allow => RunOutcome::Allow,
        Outcome::Finalized => RunOutcome::Finalized,
        Outcome::Deny { reason, user_message } => {
            RunOutcome::Deny { reason: reason.to_string(), user_message: user_message.clone() }
        }
        Outcome::Suspended { label, challenge, resume_token, problem, .. } => RunOutcome::Suspended {
            label: label.to_string(),
            challenge: json::to_json(challenge),
            resume_token: resume_token.clone(),
            problem: problem.clone(),
        },
        Outcome::Error { id, label } => {
            RunOutcome::Error { error_id: id.to_string(), label: label.as_ref().map(ToString::to_string) }
        }
    }
}

/// As a JSON value, to which more can be added.
pub fn as_json(answer: &Answer) -> Value {
    // Text keys and JSON values alone: it cannot fail.
    serde_json::to_value(RunAnswer::of(&answer.told())).unwrap_or_default()
}

/// Adds a field to an object.
pub fn insert(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(name.to_owned(), value);
    }
}
