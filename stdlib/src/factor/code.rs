//! One-time passwords of a user's apps and tokens. A step or counter that was accepted once, or an earlier one, is wrong
//! from then on: it is taken by compare-and-set in the commit that advances the run.

use admit_runtime::block::{BlockError, Call};
use admit_runtime::host::Credential;
use admit_runtime::unit::Write;

use crate::config::Fields;
use crate::otp::{Form, digits_of, hotp_counter, totp_step};

/// Whether the code is one of the user's; if so what takes it.
pub(crate) async fn compare(call: &Call<'_>, user_id: &str, typed: &[u8]) -> Result<Option<Write>, BlockError> {
    let apps = call.credentials(user_id, "totp").await?;
    let tokens = call.credentials(user_id, "hotp").await?;
    let app = apps.iter().find_map(|credential| {
        let (form, code) = read(credential, typed)?;
        let step = totp_step(credential.material.expose(), form, &code, call.now.seconds)?;
        let credential_id = credential.id.clone();
        credential.last_step.is_none_or(|last| step > last).then_some(Write::TakeTotpStep { credential_id, step })
    });
    Ok(app.or_else(|| {
        tokens.iter().find_map(|credential| {
            let (form, code) = read(credential, typed)?;
            let next = credential.counter.unwrap_or(0);
            let counter = hotp_counter(credential.material.expose(), form, &code, next)?;
            Some(Write::AdvanceCounter { credential_id: credential.id.clone(), to: counter.checked_add(1)? })
        })
    }))
}

/// How the credential's codes are made, and the code as one of them.
fn read(credential: &Credential, typed: &[u8]) -> Option<(Form, zeroize::Zeroizing<String>)> {
    let data = Fields(&credential.data);
    let number = |name| data.optional_int(name).ok();
    let form = Form::read(data.optional_text("hash").ok()?, number("digits")?, number("step")?)?;
    Some((form, digits_of(typed, form.digits)?))
}
