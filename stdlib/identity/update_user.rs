//! `update_user`: what identifies the user, each unique in the tenant.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::host::BoxFuture;
use admit_runtime::unit::{AuditEntry, Change, UserChanges, Write};

use super::{Config, Error, Outputs};
use crate::config::{event_text, record, text};
use crate::traits;

/// See `update_user.admit`.
pub struct UpdateUser;

impl Block for UpdateUser {
    fn name(&self) -> &'static str {
        "update_user"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let Config { email, phone, username } = Config::read(&call)?;
    let user_id = event_text(call.event, "user.id").ok_or_else(|| Error::NoUser.because("the run has no user"))?;
    let before = call.user(&user_id).await?.ok_or_else(|| Error::NoUser.because("the user is gone"))?;
    let mut changes = UserChanges::default();
    let mut changed = Vec::new();
    for (kind, value, change) in [
        ("email", email, &mut changes.email),
        ("phone", phone, &mut changes.phone),
        ("username", username, &mut changes.username),
    ] {
        let Some(value) = value else { continue };
        let value = traits::identifier(kind, &value).map_err(|why| Error::InvalidIdentifier.because(why))?;
        let holder = call.user_by_identifier(&value).await?;
        if holder.is_some_and(|holder| holder.get("id").and_then(Datum::as_str) != Some(user_id.as_str())) {
            return Err(Error::IdentifierTaken.because(format!("the {kind} belongs to another user")));
        }
        *change = Change::Set(value);
        changed.push(text(kind));
    }
    let after = changes.over(before.clone());
    let updated = after != before;
    if updated {
        call.unit.writes.push(Write::UpdateUser { user_id: user_id.clone(), changes: Box::new(changes) });
        call.unit.audit.push(AuditEntry {
            kind: "user.identifier_changed".to_owned(),
            actor: user_id.clone(),
            target: user_id,
            outcome: "success".to_owned(),
            data: record([("step", text(call.label)), ("changed", Datum::List(changed))]),
        });
    }
    Ok(Done::Output(Output { user: Some(after), ..Outputs { updated }.into() }))
}
