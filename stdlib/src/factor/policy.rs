//! Who may bind a credential to an account (NIST SP 800-63B-4 section 4.1.2): never somebody who was only looked up, and
//! never below the level that the account's factors reach, else a stolen password were enough to add a factor.

use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Done};

use crate::config::{event_text, text};
use crate::factor::{device, numbers};
use crate::receiver;

/// The user that a credential may be bound to now; else how the run ends: deny `not_authenticated` or
/// `insufficient_aal`.
pub(crate) async fn may_bind(call: &Call<'_>) -> Result<Result<String, Done>, BlockError> {
    let denied = |reason: &str| Done::Deny { reason: reason.to_owned(), user_message: None };
    let Some(id) = event_text(call.event, "user.id") else { return Ok(Err(denied("not_authenticated"))) };
    // Asked when the block begins: what it has bound since must not stop it.
    if call.memory.is_some() || is_new(call, &id).await? {
        return Ok(Ok(id));
    }
    match event_text(call.event, "authentication.aal").as_deref() {
        Some("aal2" | "aal3") => Ok(Ok(id)),
        Some("aal1") => {
            let known = call.credential_list(&id).await?;
            let its_phone = is_its_phone(call, &id).await?;
            let has_factor = known.iter().any(|known| match known.kind.as_str() {
                "password" | "social" | device::KIND => false,
                // A code to the account's number shows this one where it is the same number.
                "sms" => !(its_phone && was_used(call, "sms")),
                kind => !was_used(call, kind),
            });
            Ok(if has_factor { Err(denied("insufficient_aal")) } else { Ok(id) })
        }
        _ => Ok(Err(denied("not_authenticated"))),
    }
}

/// The user is made by this very run, which has not ended: who runs it is who registers.
pub(crate) async fn is_new(call: &Call<'_>, id: &str) -> Result<bool, BlockError> {
    let stored = call.host.store().user(call.tenant, id).await?;
    Ok(stored.is_none() && call.user(id).await?.is_some())
}

/// All numbers that are enrolled are the account's own.
async fn is_its_phone(call: &Call<'_>, id: &str) -> Result<bool, BlockError> {
    let phone = event_text(call.event, "user.phone").and_then(|phone| receiver::phone(&phone));
    Ok(numbers(call, id).await?.iter().all(|number| Some(number) == phone.as_ref()))
}

/// A factor that was itself the way in: a passkey without a password is the one that the account has.
fn was_used(call: &Call<'_>, kind: &str) -> bool {
    matches!(call.event.get("authentication.methods"), Some(Datum::List(methods)) if methods.contains(&text(kind)))
}
