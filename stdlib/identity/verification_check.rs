//! `verification_check`: takes the token of a link, once.

use admit_runtime::block::{Block, BlockError, Call, Done, Output, Prompt};
use admit_runtime::host::{BoxFuture, FoundChallenge};
use admit_runtime::message::Channel;
use admit_runtime::unit::{AuditEntry, Write};

use super::{Answer, Config, Outputs, Purpose};
use crate::challenge::{ADDRESS, RECOVERY, proved_by, token_bytes};
use crate::config::{Fields, event_text, record, text};

const PROMPT_SECONDS: u64 = 60 * 60;

/// See `verification_check.admit`.
pub struct VerificationCheck;

impl Block for VerificationCheck {
    fn name(&self) -> &'static str {
        "verification_check"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    let Some(answer) = Answer::read(call.input) else {
        return Ok(Done::Prompt(Prompt {
            challenge: record([("kind", text("token"))]),
            memory: record([]),
            expires_in: PROMPT_SECONDS,
            wants: vec!["token"],
            takes: Vec::new(),
        }));
    };
    let kind = match config.purpose {
        Purpose::Address => ADDRESS,
        Purpose::Recovery => RECOVERY,
    };
    // A text that can be no token is looked for like any other one.
    let shown = token_bytes(answer.token.expose()).unwrap_or_default();
    let found = call.host.store().challenge_by_secret(call.tenant, kind, &shown, call.now).await?;
    let found = found.filter(|found| {
        let is_it = config.challenge.as_ref().is_none_or(|wanted| *wanted == found.id);
        is_it && found.run_id.as_deref().is_none_or(|run| run == call.run_id)
    });
    match user_of(&call, found.as_ref()).await? {
        Some((user_id, found)) => verified(call, user_id, found).await,
        None => {
            call.unit.audit.push(entry("anonymous", "failure", call.label));
            Ok(Done::Output(Outputs { verified: false }.into()))
        }
    }
}

/// Whose challenge it is: somebody who is there, may sign in, and is whom the run is about if that is known.
async fn user_of<'f>(
    call: &Call<'_>,
    found: Option<&'f FoundChallenge>,
) -> Result<Option<(String, &'f FoundChallenge)>, BlockError> {
    let id = found.and_then(|found| found.user_id.as_deref());
    // Read for nobody too.
    let user = call.user(id.unwrap_or("usr_none")).await?;
    let may = user.is_some_and(|user| Fields(&user).boolean("blocked") == Ok(false));
    let known = event_text(call.event, "user.id");
    Ok(found
        .zip(id)
        .filter(|(_, id)| may && known.is_none_or(|known| known == *id))
        .map(|(it, id)| (id.to_owned(), it)))
}

async fn verified(call: Call<'_>, user_id: String, found: &FoundChallenge) -> Result<Done, BlockError> {
    let kept = Fields(&found.data);
    let value = kept.optional_text("to")?.unwrap_or_default().to_owned();
    let channel = match kept.optional_text("channel")? {
        Some("sms") => Channel::Sms,
        Some(_) | None => Channel::Mail,
    };
    call.unit.writes.push(Write::TakeChallenge { id: found.id.clone() });
    call.unit.writes.push(Write::SetVerified { user_id: user_id.clone(), what: proved_by(channel), value });
    call.unit.audit.push(entry(&user_id, "success", call.label));
    let user = call.user(&user_id).await?;
    Ok(Done::Output(Output { user, ..Outputs { verified: true }.into() }))
}

fn entry(who: &str, outcome: &str, label: &str) -> AuditEntry {
    AuditEntry {
        kind: "user.verification_checked".to_owned(),
        actor: who.to_owned(),
        target: who.to_owned(),
        outcome: outcome.to_owned(),
        data: record([("step", text(label))]),
    }
}
