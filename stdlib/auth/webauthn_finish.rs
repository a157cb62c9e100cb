//! `webauthn_finish`: asks for the passkey and checks what it shows.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Event, Output};
use admit_runtime::host::BoxFuture;

use super::{Answer, Config, Error, Outputs};
use crate::config::{Fields, event_text, text, with_method};
use crate::failures;
use crate::passkey::{Asked, Shown, ask, configured, finish_assertion};

/// See `webauthn_finish.admit`.
pub struct WebauthnFinish;

impl Block for WebauthnFinish {
    fn name(&self) -> &'static str {
        "webauthn_finish"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(mut call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    configured(&call)?;
    let not_begun = || Error::NotBegun.because("`options` is not of `webauthn_begin`");
    let asked = Asked::read(&config.options).ok_or_else(not_begun)?;
    let Some(Answer { credential }) = Answer::read(call.input) else {
        return Ok(Done::Prompt(ask(&config.options)));
    };
    let user_id = event_text(call.event, "user.id");
    let Some(shown) = finish_assertion(&mut call, &asked, user_id.as_deref(), &credential).await? else {
        failures::note(&call, &failures::account(&call, user_id.as_deref()), failures::Shown::Factor).await?;
        let outputs =
            Outputs { verified: false, user_verified: false, credential_id: None, sign_count: 0, backed_up: false };
        return Ok(Done::Output(outputs.into()));
    };
    let owner = Fields(&shown.user).optional_text("id")?;
    failures::forget(&call, &failures::account(&call, owner), failures::Shown::Factor).await?;
    let sets = vec![level(call.event, &shown), with_method(call.event, "webauthn")];
    let outputs = Outputs {
        verified: true,
        user_verified: shown.user_verified,
        credential_id: Some(shown.credential_id),
        sign_count: i64::from(shown.sign_count),
        backed_up: shown.backed_up,
    };
    Ok(Done::Output(Output { user: Some(shown.user), sets, ..outputs.into() }))
}

/// NIST SP 800-63B-4 section 2.2: two factors are aal2, whether in one authenticator or in two. It only rises.
fn level(event: &dyn Event, shown: &Shown) -> (String, Datum) {
    let methods = event.get("authentication.methods");
    let has_password = matches!(methods, Some(Datum::List(methods)) if methods.contains(&text("password")));
    let reached = if shown.user_verified || has_password { "aal2" } else { "aal1" };
    let before = event_text(event, "authentication.aal").unwrap_or_default();
    // The words are in order.
    let level = if before.as_str() > reached { before.as_str() } else { reached };
    ("authentication.aal".to_owned(), text(level))
}
