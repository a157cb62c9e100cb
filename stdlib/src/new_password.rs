//! Setting a password: asked for until it holds against the policy, then hashed. What `credential_set` and `password_update`
//! share.

use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Prompt};
use admit_runtime::host::HostError;
use admit_runtime::unit::{Material, Write};
use zeroize::Zeroizing;

use crate::config::{failed_before, fresh_id, invalid, record, secret_input, text};
use crate::factor::entry;
use crate::generated::shared::Class;
use crate::password::hash_password;
use crate::policy::{Policy, Verdict, judge, personal_words};

const PROMPT_SECONDS: u64 = 10 * 60;

/// What the declaration asks for.
pub(crate) struct NewPassword {
    pub policy: Policy,
    pub attempts: i64,
}

/// How a visit ended.
pub(crate) enum Set {
    /// The user is asked.
    Asked(Prompt),
    /// The write is in the unit of work.
    Done,
    /// No password held within the attempts.
    Refused,
}

/// The policy of config fields named as those of `password_policy`.
///
/// # Errors
/// A most that is less than the least.
pub(crate) fn policy(
    with_mfa: bool,
    (min_length, max_length): (Option<i64>, i64),
    classes: Vec<Class>,
    blocklist: Vec<String>,
    min_score: i64,
) -> Result<Policy, BlockError> {
    let size = |size: i64| usize::try_from(size).map_err(|_| invalid("max_length", "a length"));
    let mut policy = Policy::new(with_mfa);
    if let Some(length) = min_length {
        policy.min_length = size(length)?;
    }
    policy.max_length = size(max_length)?;
    if policy.max_length < policy.min_length {
        return Err(invalid("max_length", "at least `min_length`"));
    }
    policy.min_score = u8::try_from(min_score).map_err(|_| invalid("min_score", "0 to 4"))?;
    Ok(Policy { classes, blocklist, ..policy })
}

/// One visit. A password that came with the request, before anybody was asked, is the new one only where `submitted` says so:
/// in a sign-in it is the old one.
pub(crate) async fn set(
    call: &mut Call<'_>,
    new: &NewPassword,
    user_id: &str,
    submitted: bool,
) -> Result<Set, BlockError> {
    let failed = failed_before(call);
    let is_answer = call.memory.is_some();
    let Some(password) = secret_input(call.input, "password").filter(|_| is_answer || submitted) else {
        return Ok(Set::Asked(prompt(new, failed, None)));
    };
    let verdict = judge(call.host, password, &new.policy, personal_words(call.event)).await?;
    if !verdict.violations.is_empty() {
        call.unit.audit.push(entry("user.password_refused", user_id, "failure", call.label, "policy"));
        let failed = failed + 1;
        return Ok(if failed < new.attempts { Set::Asked(prompt(new, failed, Some(&verdict))) } else { Set::Refused });
    }
    let password = Zeroizing::new(password.expose().to_vec());
    let job = move || hash_password(&password).map_or(Datum::Null, text);
    let Datum::Str(hash) = call.host.blocking(Box::new(job)).await? else {
        return Err(HostError::Failed("the password could not be hashed".to_owned()).into());
    };
    call.unit.writes.push(Write::SetPassword {
        user_id: user_id.to_owned(),
        credential_id: fresh_id(call.host, "crd"),
        hash: Material::new(hash.as_bytes()),
    });
    call.unit.audit.push(entry("user.password_changed", user_id, "success", call.label, "password"));
    Ok(Set::Done)
}

/// Says what is asked of a password, and of one that was refused why (SP 800-63B-4 section 3.1.1.2).
fn prompt(new: &NewPassword, failed: i64, refused: Option<&Verdict>) -> Prompt {
    let size = |length: usize| Datum::Int(i64::try_from(length).unwrap_or(i64::MAX));
    let mut challenge = vec![
        (text("kind"), text("new_password")),
        (text("min_length"), size(new.policy.min_length)),
        (text("max_length"), size(new.policy.max_length)),
        (text("attempts_left"), Datum::Int(new.attempts - failed)),
    ];
    if let Some(verdict) = refused {
        let violations = &verdict.violations;
        let reasons: Vec<String> = violations.iter().map(|violation| violation.reason(&new.policy)).collect();
        challenge.push((text("problem"), text(reasons.join("; "))));
        let words = violations.iter().map(|violation| text(violation.word())).collect();
        challenge.push((text("violations"), Datum::List(words)));
    }
    Prompt {
        challenge: Datum::Map(challenge),
        memory: record([("failed", Datum::Int(failed))]),
        expires_in: PROMPT_SECONDS,
        wants: vec!["password"],
        takes: Vec::new(),
    }
}
