//! `identity_create`: makes a user, who is pending until the run ends well.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::host::BoxFuture;
use admit_runtime::identifier::normalise_identifier;
use admit_runtime::unit::{AuditEntry, NewUser, Write};

use super::{Config, Error, Outputs};
use crate::config::{fresh_id, record, text};
use crate::traits;

/// See `identity_create.admit`.
pub struct IdentityCreate;

impl Block for IdentityCreate {
    fn name(&self) -> &'static str {
        "identity_create"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let Config { identifier, traits: given, verified } = Config::read(&call)?;
    let mut user = NewUser {
        id: fresh_id(call.host, "usr"),
        email: given.email,
        phone: given.phone,
        username: given.username,
        name: given.name,
        groups: given.groups.unwrap_or_default(),
        roles: given.roles.unwrap_or_default(),
        app_metadata: Datum::record(given.app_metadata.unwrap_or_default()),
        user_metadata: Datum::record(given.user_metadata.unwrap_or_default()),
        ..NewUser::default()
    };
    let identifier = identifier.unwrap_or_default();
    let (kind, _) = normalise_identifier(&identifier);
    let place = match kind {
        "email" => &mut user.email,
        "phone" => &mut user.phone,
        _ => &mut user.username,
    };
    match place {
        Some(other) if normalise_identifier(other) != normalise_identifier(&identifier) => {
            return Err(Error::InvalidIdentifier.because(format!("`identifier` and `traits.{kind}` differ")));
        }
        Some(_) | None => *place = Some(identifier),
    }
    user.email_verified = verified && kind == "email";
    user.phone_verified = verified && kind == "phone";
    for (kind, value) in [("email", &mut user.email), ("phone", &mut user.phone), ("username", &mut user.username)] {
        let Some(value) = value else { continue };
        *value = traits::identifier(kind, value).map_err(|why| Error::InvalidIdentifier.because(why))?;
        if call.user_by_identifier(value).await?.is_some() {
            return Err(Error::IdentifierTaken.because(format!("the {kind} belongs to another user")));
        }
    }
    traits::check_name(user.name.as_deref()).map_err(|why| Error::InvalidTraits.because(why))?;
    for metadata in [&user.app_metadata, &user.user_metadata] {
        traits::check_metadata(metadata).map_err(|why| Error::InvalidTraits.because(why))?;
    }
    let user_id = user.id.clone();
    call.unit.writes.push(Write::InsertUser(Box::new(user)));
    call.unit.audit.push(AuditEntry {
        kind: "user.created".to_owned(),
        actor: user_id.clone(),
        target: user_id.clone(),
        outcome: "success".to_owned(),
        data: record([("step", text(call.label))]),
    });
    let user = call.user(&user_id).await?;
    Ok(Done::Output(Output { user, ..Outputs { user_id }.into() }))
}
