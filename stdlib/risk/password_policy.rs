//! `password_policy`: the password that was sent, judged by [`crate::policy`].

use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;

use super::{Config, Error, Outputs, Violation};
use crate::config::{invalid, secret_input};
use crate::policy::{self, Policy, judge, personal_words};

/// See `password_policy.admit`.
pub struct PasswordPolicy;

impl Block for PasswordPolicy {
    fn name(&self) -> &'static str {
        "password_policy"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let policy = policy(Config::read(&call)?)?;
    let password = secret_input(call.input, "password")
        .ok_or_else(|| Error::NoPassword.because("no password was sent with this request"))?;
    let verdict = judge(call.host, password, &policy, personal_words(call.event)).await?;
    let word = |violation: &policy::Violation| Violation::ALL.into_iter().find(|one| one.word() == violation.word());
    let outputs = Outputs {
        ok: verdict.violations.is_empty(),
        violations: verdict.violations.iter().filter_map(word).collect(),
        reasons: verdict.violations.iter().map(|violation| violation.reason(&policy)).collect(),
        score: verdict.score.into(),
    };
    Ok(Done::Output(outputs.into()))
}

/// What the config asks for, over the defaults.
fn policy(config: Config) -> Result<Policy, BlockError> {
    let usual = Policy::new(config.with_mfa);
    let size = |size: i64| usize::try_from(size).unwrap_or(usize::MAX);
    Ok(Policy {
        min_length: config.min_length.map_or(usual.min_length, size),
        max_length: size(config.max_length),
        classes: config.classes,
        blocklist: config.blocklist,
        min_score: u8::try_from(config.min_score).map_err(|_| invalid("min_score", "0 to 4"))?,
    })
}
