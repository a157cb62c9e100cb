//! TOTP (RFC 6238: 30 s steps, 6 digits, HMAC-SHA-1): what `mfa` and `require_mfa` share.
//!
//! Tries are counted before the comparison; a step that was accepted once, or an earlier one, is wrong from then on.
//! The step is taken by compare-and-set in the commit that advances the run.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_runtime::block::{BlockError, Call, Done, Output, Prompt};
use admit_runtime::host::Credential;
use admit_runtime::unit::{AuditEntry, Unit, Write};
use totp_rs::{Algorithm, Builder, Totp};

use crate::config::{event_text, failed_before, record, secret_input, text, with_method};

const STEP_SECONDS: u64 = 30;
const DIGITS: u8 = 6;
/// Steps of clock difference accepted either way.
const SKEW: i64 = 1;
/// Failures of one account within an hour, over all its runs: at most 3 x 10 of 10^6 codes.
const PER_ACCOUNT: u64 = 10;
const ACCOUNT_WINDOW: u64 = 60 * 60;
const PROMPT_SECONDS: u64 = 5 * 60;

/// What the declaration asks for.
pub(crate) struct Ask {
    pub attempts: i64,
    pub must_verify: bool,
    /// TOTP is among the factors that count.
    pub totp: bool,
    /// The block has an output `factor`.
    pub says_factor: bool,
}

/// One visit of the block: prompts, or compares what was submitted.
pub(crate) async fn ask(call: Call<'_>, ask: Ask) -> Result<Done, BlockError> {
    let user_id = event_text(call.event, "user.id");
    let enrolled = match (&user_id, ask.totp) {
        (Some(id), true) => call.host.store().credentials(call.tenant, id, "totp").await?,
        (_, _) => Vec::new(),
    };
    // A known user without the factor cannot pass; an unknown one is asked like anybody.
    if !ask.totp || (user_id.is_some() && enrolled.is_empty()) {
        return Ok(not_verified(&ask, call.unit, call.label, user_id.as_deref(), "no_factor"));
    }
    let failed = failed_before(&call);
    let Some(code) = secret_input(call.input, "code") else { return Ok(prompt(&ask, failed)) };

    let account = match &user_id {
        Some(id) => format!("mfa:totp:user:{id}"),
        None => format!("mfa:totp:run:{}", call.run_id),
    };
    let count = call.host.store().count(call.tenant, &account, ACCOUNT_WINDOW, call.now).await?;
    let taken = matching_step(&enrolled, code.expose(), call.now, call.unit);
    if let (Some((credential_id, step)), Some(id)) = (taken, &user_id)
        && count <= PER_ACCOUNT
    {
        call.host.store().reset_count(call.tenant, &account).await?;
        call.unit.writes.push(Write::TakeTotpStep { credential_id, step });
        call.unit.audit.push(entry("mfa.verified", id, "success", call.label, "totp"));
        let sets = vec![with_method(call.event, "totp")];
        return Ok(Done::Output(Output { fields: fields(&ask, true), user: None, sets }));
    }
    if failed + 1 < ask.attempts && count <= PER_ACCOUNT {
        let who = user_id.as_deref().unwrap_or("anonymous");
        call.unit.audit.push(entry("mfa.failed", who, "failure", call.label, "wrong_code"));
        return Ok(prompt(&ask, failed + 1));
    }
    Ok(not_verified(&ask, call.unit, call.label, user_id.as_deref(), "wrong_code"))
}

/// The credential and step that the code is of, later than every step taken before.
fn matching_step(enrolled: &[Credential], code: &[u8], now: Instant, unit: &Unit) -> Option<(String, i64)> {
    let code: String = std::str::from_utf8(code).ok()?.chars().filter(|each| *each != ' ').collect();
    enrolled.iter().find_map(|credential| {
        let taken = unit.writes.iter().filter_map(|write| match write {
            Write::TakeTotpStep { credential_id, step } if *credential_id == credential.id => Some(*step),
            _ => None,
        });
        let last = taken.chain(credential.last_step).max();
        let step = step_of(credential.material.expose(), &code, now)?;
        (last.is_none_or(|last| step > last)).then(|| (credential.id.clone(), step))
    })
}

/// The step within the skew whose code this is.
fn step_of(seed: &[u8], code: &str, now: Instant) -> Option<i64> {
    if code.len() != usize::from(DIGITS) {
        return None;
    }
    let totp = totp(seed, DIGITS);
    let current = now.seconds.div_euclid(STEP_SECONDS.cast_signed());
    // Compared with each step, newest first, so that the step taken is the latest that it can be.
    (-SKEW..=SKEW).rev().map(|skew| current + skew).find(|step| {
        u64::try_from(*step)
            .ok()
            .and_then(|step| step.checked_mul(STEP_SECONDS))
            .is_some_and(|time| totp.check(code, time).is_some())
    })
}

fn totp(seed: &[u8], digits: u8) -> Totp {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(digits)
        .with_skew(0)
        .with_step_duration(STEP_SECONDS)
        .with_secret(seed.to_vec())
        .build_noncompliant()
}

fn prompt(ask: &Ask, failed: i64) -> Done {
    let mut challenge = vec![
        (text("kind"), text("mfa")),
        (text("factors"), Datum::List(vec![text("totp")])),
        (text("attempts_left"), Datum::Int(ask.attempts - failed)),
    ];
    if failed > 0 {
        challenge.push((text("problem"), text("the code is wrong, or was used before")));
    }
    Done::Prompt(Prompt {
        challenge: Datum::Map(challenge),
        memory: record([("failed", Datum::Int(failed))]),
        expires_in: PROMPT_SECONDS,
    })
}

fn not_verified(ask: &Ask, unit: &mut Unit, label: &str, user_id: Option<&str>, why: &str) -> Done {
    unit.audit.push(entry("mfa.failed", user_id.unwrap_or("anonymous"), "failure", label, why));
    if ask.must_verify {
        Done::Deny { reason: "mfa_failed".to_owned(), user_message: None }
    } else {
        Done::Output(Output { fields: fields(ask, false), ..Output::default() })
    }
}

fn fields(ask: &Ask, verified: bool) -> Vec<(String, Datum)> {
    let mut fields = vec![("verified".to_owned(), Datum::Bool(verified))];
    if ask.says_factor {
        fields.push(("factor".to_owned(), text("totp")));
    }
    fields
}

fn entry(kind: &str, who: &str, outcome: &str, label: &str, detail: &str) -> AuditEntry {
    AuditEntry {
        kind: kind.to_owned(),
        actor: who.to_owned(),
        target: who.to_owned(),
        outcome: outcome.to_owned(),
        data: record([("step", text(label)), ("detail", text(detail))]),
    }
}

#[cfg(test)]
#[path = "totp/tests.rs"]
mod tests;
