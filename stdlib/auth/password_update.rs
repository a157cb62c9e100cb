//! `password_update`: the new password at the end of a reset. Other sessions end, and devices are not trusted any more.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::host::BoxFuture;
use admit_runtime::unit::{Revoke, Write};

use super::Config;
use crate::config::event_text;
use crate::factor::{device, entry};
use crate::new_password::{NewPassword, Set, policy, set};
use crate::policy::Policy;

/// See `password_update.admit`.
pub struct PasswordUpdate;

impl Block for PasswordUpdate {
    fn name(&self) -> &'static str {
        "password_update"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(mut call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    let attempts = config.attempts;
    let new = NewPassword { policy: judged_by(config)?, attempts };
    let Some(user_id) = event_text(call.event, "user.id").filter(|_| is_proved(&call)) else {
        return Ok(Done::Deny { reason: "not_authenticated".to_owned(), user_message: None });
    };
    let submitted = has_recovered(&call);
    match set(&mut call, &new, &user_id, submitted).await? {
        Set::Asked(prompt) => Ok(Done::Prompt(prompt)),
        Set::Refused => Ok(output(false, false)),
        Set::Done => {
            let which = event_text(call.event, "session.id").map_or(Revoke::All, Revoke::Others);
            call.unit.writes.push(Write::RevokeSessions { user_id: user_id.clone(), which });
            let forgotten = device::forget_all(&call, &user_id).await?;
            call.unit.writes.extend(forgotten);
            call.unit.audit.push(entry("session.revoked", &user_id, "success", call.label, "password_update"));
            Ok(output(true, true))
        }
    }
}

/// Somebody has shown in this run that they are the user: with the link of a reset, a code, or a credential.
fn is_proved(call: &Call<'_>) -> bool {
    has_recovered(call)
        || matches!(call.event.get("authentication.methods"), Some(Datum::List(methods)) if !methods.is_empty())
        || matches!(event_text(call.event, "authentication.aal").as_deref(), Some("aal1" | "aal2" | "aal3"))
}

/// The link of a reset was opened in this run.
fn has_recovered(call: &Call<'_>) -> bool {
    call.event.get("authentication.recovered") == Some(Datum::Bool(true))
}

fn output(updated: bool, sessions_revoked: bool) -> Done {
    let fields = [("updated", updated), ("sessions_revoked", sessions_revoked)];
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), Datum::Bool(value))).collect();
    Done::Output(Output { fields, ..Output::default() })
}

fn judged_by(config: Config) -> Result<Policy, BlockError> {
    let lengths = (config.min_length, config.max_length);
    policy(config.with_mfa, lengths, config.classes, config.blocklist, config.min_score)
}
