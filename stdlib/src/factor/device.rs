//! Devices that a user trusts: an unguessable token, given to the caller once, whose hash is kept as a credential of the
//! user with an end. It spares the user a prompt and is no factor: it does not raise the assurance level.

use admit_eval::datum::Datum;
use admit_eval::value::Span;
use admit_runtime::block::{BlockError, Call};
use admit_runtime::host::Host;
use admit_runtime::unit::{Material, NewCredential, Write};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;

use crate::config::{Fields, fresh_id, record, text};

/// The kind of these credentials.
pub(crate) const KIND: &str = "trusted_device";

/// Longest time that a device is trusted, in seconds: 90 days.
const LONGEST: i64 = 90 * 24 * 60 * 60;

/// A token and its hash.
pub(crate) fn fresh(host: &dyn Host) -> (String, [u8; 32]) {
    let mut bytes = [0; 32];
    host.random(&mut bytes);
    let token = format!("dvt_{}", URL_SAFE_NO_PAD.encode(bytes));
    let hash = hash(token.as_bytes());
    (token, hash)
}

/// Whether the user trusts the device that holds this token.
pub(crate) async fn is_trusted(call: &Call<'_>, user_id: &str, token: &[u8]) -> Result<bool, BlockError> {
    let found = call.host.store().credential_by_external_id(call.tenant, KIND, &hash(token)).await?;
    Ok(found.is_some_and(|device| {
        let until = Fields(&device.data).optional_int("until").ok().flatten();
        device.user_id == user_id && until.is_some_and(|until| call.now.seconds < until)
    }))
}

/// What makes the device with this hash trusted, from now on for as long.
pub(crate) fn trust(call: &Call<'_>, user_id: &str, hash: [u8; 32], time: Span) -> Write {
    let until = call.now.seconds.saturating_add(time.seconds.clamp(0, LONGEST));
    let seen = |path| crate::config::event_text(call.event, path).map_or(Datum::Null, text);
    Write::InsertCredential(Box::new(NewCredential {
        id: fresh_id(call.host, "crd"),
        user_id: user_id.to_owned(),
        kind: KIND.to_owned(),
        // The hash is all that there is; the token is the caller's.
        material: Material::new(hash),
        data: record([("until", Datum::Int(until)), ("user_agent", seen("request.user_agent"))]),
        counter: None,
        external_id: Some(hash.to_vec()),
    }))
}

/// What ends the trust in every device of the user.
pub(crate) async fn forget_all(call: &Call<'_>, user_id: &str) -> Result<Vec<Write>, BlockError> {
    let known = call.credential_list(user_id).await?;
    let devices = known.into_iter().filter(|credential| credential.kind == KIND);
    Ok(devices
        .map(|device| Write::DeleteCredential { user_id: user_id.to_owned(), credential_id: device.id })
        .collect())
}

/// As the memory of a run holds it.
pub(crate) fn hash_text(hash: [u8; 32]) -> Datum {
    text(URL_SAFE_NO_PAD.encode(hash))
}

/// From there.
pub(crate) fn hash_of(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

fn hash(token: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, token).as_ref());
    bytes
}
