//! `profile_update`: what is known of the user, but for what identifies them.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::host::BoxFuture;
use admit_runtime::unit::{AuditEntry, Change, UserChanges, Write};

use super::{Config, Error, Outputs};
use crate::config::{event_text, record, text};
use crate::traits;

/// See `profile_update.admit`.
pub struct ProfileUpdate;

impl Block for ProfileUpdate {
    fn name(&self) -> &'static str {
        "profile_update"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let Config { traits: given } = Config::read(&call)?;
    let user_id = event_text(call.event, "user.id").ok_or_else(|| Error::NoUser.because("the run has no user"))?;
    let before = call.user(&user_id).await?.ok_or_else(|| Error::NoUser.because("the user is gone"))?;
    traits::check_name(given.name.as_deref()).map_err(|why| Error::InvalidTraits.because(why))?;
    let set = |list: Option<Vec<String>>| list.map_or(Change::Keep, Change::Set);
    let changes = UserChanges {
        name: match given.name {
            None => Change::Keep,
            Some(name) if name.is_empty() => Change::Clear,
            Some(name) => Change::Set(name),
        },
        groups: set(given.groups),
        roles: set(given.roles),
        app_metadata: given.app_metadata.map(Datum::record),
        user_metadata: given.user_metadata.map(Datum::record),
        ..UserChanges::default()
    };
    let after = changes.over(before.clone());
    for name in ["app_metadata", "user_metadata"] {
        let metadata = after.get(name).unwrap_or(&Datum::Null);
        traits::check_metadata(metadata).map_err(|why| Error::InvalidTraits.because(why))?;
    }
    let updated = after != before;
    if updated {
        call.unit.writes.push(Write::UpdateUser { user_id: user_id.clone(), changes: Box::new(changes) });
        call.unit.audit.push(AuditEntry {
            kind: "user.updated".to_owned(),
            actor: user_id.clone(),
            target: user_id,
            outcome: "success".to_owned(),
            data: record([("step", text(call.label))]),
        });
    }
    Ok(Done::Output(Output { user: Some(after), ..Outputs { updated }.into() }))
}
