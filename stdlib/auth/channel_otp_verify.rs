//! `channel_otp_verify`: the code of a challenge, each try counted before the comparison (T17).

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Output, Prompt};
use admit_runtime::host::{BoxFuture, ChallengeOf, Tried};
use admit_runtime::message::Channel;
use admit_runtime::unit::{AuditEntry, Write};

use super::{Answer, Config, Outputs};
use crate::challenge::out_of_band::{Delivery, Sent, send_again};
use crate::challenge::{self, CODE, TRIES, proved_by};
use crate::config::{Fields, failed_before, record, text, with_method};
use crate::failures::{self, Shown};

const PROMPT_SECONDS: u64 = 10 * 60;

/// What the block keeps over its suspensions.
struct State {
    failed: i64,
    sent: Sent,
}

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

async fn run(mut call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    let state = State::read(&call, &config);
    let answer = Answer::read(call.input);
    let again = answer.as_ref().is_some_and(|answer| answer.resend == Some(true));
    if again {
        return resend(&mut call, &config, state).await;
    }
    let Some(code) = answer.and_then(|answer| answer.code) else { return Ok(prompt(&call, &config, state, None)) };
    let subject = challenge::subject(&call).await?;
    let may_try = subject.may_try(&call).await?;
    let shown = challenge::typed_code(code.expose());
    let of = ChallengeOf { id: &config.challenge, kind: CODE, run_id: call.run_id, user_id: subject.id() };
    let tried = call.host.store().try_challenge(call.tenant, of, &shown, call.now).await?;
    if let (Tried::Right { data }, Some((id, _)), true) = (&tried, subject.user.as_ref(), may_try) {
        subject.forget_tries(&call).await?;
        failures::forget(&call, &subject.account, Shown::Factor).await?;
        return verified(call, config, id.clone(), data, state.failed).await;
    }
    failures::note(&call, &subject.account, Shown::Factor).await?;
    call.unit.audit.push(entry("user.code_failed", subject.id(), "failure", call.label));
    let left = match tried {
        Tried::Wrong { attempts_left } if may_try => i64::from(attempts_left),
        Tried::Expired if may_try => i64::from(TRIES),
        Tried::Right { .. } | Tried::Wrong { .. } | Tried::Expired | Tried::Spent | Tried::Unknown => 0,
    };
    let left = left.min(config.attempts.saturating_sub(state.failed + 1));
    // A code that has run out can be had again, where somebody may still be asked.
    let problem =
        if tried == Tried::Expired { "the code has run out: ask for another one" } else { "the code is wrong" };
    if left > 0 {
        return Ok(prompt(&call, &config, State { failed: state.failed + 1, ..state }, Some(problem)));
    }
    Ok(Done::Output(Outputs { verified: false, attempts_left: 0 }.into()))
}

/// Sends another code in place of the one before; the tries stay counted.
async fn resend(call: &mut Call<'_>, config: &Config, mut state: State) -> Result<Done, BlockError> {
    let subject = challenge::subject(call).await?;
    let of = ChallengeOf { id: &config.challenge, kind: CODE, run_id: call.run_id, user_id: subject.id() };
    let kept = call.host.store().open_challenge(call.tenant, of).await?;
    let Some(delivery) = kept.as_ref().and_then(|kept| Delivery::read(CODE, kept, &subject)) else {
        return Ok(prompt(call, config, state, Some("no more codes are sent in this run")));
    };
    let problem = match send_again(call, &delivery, &state.sent).await {
        Ok(Ok(sent)) => {
            state.sent = sent;
            None
        }
        Ok(Err(why)) => Some(why),
        // The first code left; what it takes was taken away since.
        Err(BlockError::Named { .. }) => Some("no more codes can be sent for now".to_owned()),
        Err(error) => return Err(error),
    };
    Ok(prompt(call, config, state, problem.as_deref()))
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

fn prompt(call: &Call<'_>, config: &Config, state: State, problem: Option<&str>) -> Done {
    let mut challenge =
        vec![(text("kind"), text("code")), (text("attempts_left"), Datum::Int(config.attempts - state.failed))];
    challenge.extend(state.sent.wait(call.now).map(|wait| (text("resend_after"), Datum::Int(wait))));
    challenge.extend(problem.map(|problem| (text("problem"), text(problem))));
    Done::Prompt(Prompt {
        challenge: Datum::Map(challenge),
        memory: record([("failed", Datum::Int(state.failed)), ("sent", state.sent.record())]),
        expires_in: PROMPT_SECONDS,
        wants: vec!["code"],
        takes: vec!["resend"],
    })
}

impl State {
    fn read(call: &Call<'_>, config: &Config) -> Self {
        let sent = call.memory.and_then(|memory| memory.get("sent")).and_then(Sent::read);
        Self {
            failed: failed_before(call),
            // The first one left when the run came to wait here.
            sent: sent.unwrap_or(Sent { challenge: config.challenge.clone(), count: 1, at: call.now.seconds }),
        }
    }
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
