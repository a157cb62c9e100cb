//! `webauthn_begin`: the options with which a browser asks for a passkey.

use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;

use super::{Config, Outputs, UserVerification};
use crate::config::event_text;
use crate::passkey::{Wish, begin_assertion};

/// See `webauthn_begin.admit`.
pub struct WebauthnBegin;

impl Block for WebauthnBegin {
    fn name(&self) -> &'static str {
        "webauthn_begin"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(mut call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    let wish = Wish {
        verification: match config.user_verification {
            UserVerification::Required => admit_webauthn::UserVerification::Required,
            UserVerification::Preferred => admit_webauthn::UserVerification::Preferred,
            UserVerification::Discouraged => admit_webauthn::UserVerification::Discouraged,
        },
        names_passkeys: config.resident_key != UserVerification::Required,
    };
    let user_id = event_text(call.event, "user.id");
    let options = begin_assertion(&mut call, wish, user_id.as_deref()).await?;
    Ok(Done::Output(Outputs { options }.into()))
}
