//! `channel_otp_verify`: the code of a challenge, each try counted before the comparison (T17).

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Output, Prompt};
use admit_runtime::host::{BoxFuture, ChallengeOf, Tried};
use admit_runtime::message::Channel;
use admit_runtime::unit::{AuditEntry, Write};
use zeroize::Zeroizing;

use super::{Answer, Config, Outputs};
use crate::challenge::{self, CODE, proved_by};
use crate::config::{Fields, failed_before, record, text, with_method};

const PROMPT_SECONDS: u64 = 10 * 60;

/// See `channel_otp_verify.admit`.
pub struct ChannelOtpVerify;

impl Block for ChannelOtpVerify {
    fn name(&self) -> &'static str {
        "channel_otp_verify"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    let failed = failed_before(&call);
    let Some(answer) = Answer::read(call.input) else { return Ok(prompt(config.attempts, failed)) };
    let subject = challenge::subject(&call).await?;
    let may_try = subject.may_try(&call).await?;
    let shown: Zeroizing<Vec<u8>> =
        Zeroizing::new(answer.code.expose().iter().copied().filter(|byte| !b" -".contains(byte)).collect());
    let of = ChallengeOf { id: &config.challenge, kind: CODE, run_id: call.run_id, user_id: subject.id() };
    let tried = call.host.store().try_challenge(call.tenant, of, &shown, call.now).await?;
    match (tried, subject.user.as_ref()) {
        (Tried::Right { data }, Some((id, _))) if may_try => {
            subject.forget_tries(&call).await?;
            let id = id.clone();
            verified(call, config, id, &data, failed).await
        }
        (Tried::Wrong { attempts_left }, _) if may_try => {
            let left = i64::from(attempts_left).min(config.attempts.saturating_sub(failed + 1)).max(0);
            call.unit.audit.push(entry("user.code_failed", subject.id(), "failure", call.label));
            if left > 0 {
                return Ok(prompt(config.attempts, failed + 1));
            }
            Ok(Done::Output(Outputs { verified: false, attempts_left: 0 }.into()))
        }
        (Tried::Right { .. } | Tried::Wrong { .. } | Tried::Spent | Tried::Expired | Tried::Unknown, _) => {
            call.unit.audit.push(entry("user.code_failed", subject.id(), "failure", call.label));
            Ok(Done::Output(Outputs { verified: false, attempts_left: 0 }.into()))
        }
    }
}

async fn verified(
    call: Call<'_>,
    config: Config,
    user_id: String,
    data: &Datum,
    failed: i64,
) -> Result<Done, BlockError> {
    let kept = Fields(data);
    let value = kept.optional_text("to")?.unwrap_or_default().to_owned();
    let (channel, method) = match kept.optional_text("channel")? {
        Some("sms") => (Channel::Sms, "sms"),
        Some(_) | None => (Channel::Mail, "email"),
    };
    call.unit.writes.push(Write::TakeChallenge { id: config.challenge });
    call.unit.writes.push(Write::SetVerified { user_id: user_id.clone(), what: proved_by(channel), value });
    call.unit.audit.push(entry("user.code_verified", Some(&user_id), "success", call.label));
    let user = call.user(&user_id).await?;
    let outputs = Outputs { verified: true, attempts_left: config.attempts.saturating_sub(failed + 1).max(0) };
    let sets = vec![with_method(call.event, method)];
    Ok(Done::Output(Output { user, sets, ..outputs.into() }))
}

fn prompt(attempts: i64, failed: i64) -> Done {
    let mut challenge = vec![(text("kind"), text("code")), (text("attempts_left"), Datum::Int(attempts - failed))];
    if failed > 0 {
        challenge.push((text("problem"), text("the code is wrong")));
    }
    Done::Prompt(Prompt {
        challenge: Datum::Map(challenge),
        memory: record([("failed", Datum::Int(failed))]),
        expires_in: PROMPT_SECONDS,
    })
}

fn entry(kind: &str, user_id: Option<&str>, outcome: &str, label: &str) -> AuditEntry {
    let who = user_id.unwrap_or("anonymous").to_owned();
    AuditEntry {
        kind: kind.to_owned(),
        actor: who.clone(),
        target: who,
        outcome: outcome.to_owned(),
        data: record([("step", text(label))]),
    }
}
