//! What `refresh_token_validate` and `issue_tokens` share: the refresh token that was submitted, and what the client that
//! shows it is bound to.

use admit_runtime::block::{BlockError, Call};
use admit_runtime::host::Host;
use admit_runtime::session::{RefreshToken, binding};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;

use crate::config::{event_text, secret_input};

/// What refresh tokens begin with, so that scanners of leaked secrets know them.
const PREFIX: &str = "art_";

/// A new token and its hash: 256 random bits.
pub(crate) fn fresh(host: &dyn Host) -> (String, [u8; 32]) {
    let mut bytes = [0; 32];
    host.random(&mut bytes);
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
    let hash = hash(&token);
    (token, hash)
}

/// What is stored of a token.
pub(crate) fn hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    hash
}

/// The hash of the token that was submitted, if one was.
pub(crate) fn submitted(call: &Call<'_>) -> Option<[u8; 32]> {
    let token = secret_input(call.input, "refresh_token")?;
    std::str::from_utf8(token.expose()).ok().map(hash)
}

/// What the store knows of it; none where nobody issued it.
pub(crate) async fn find(call: &Call<'_>, hash: [u8; 32]) -> Result<Option<RefreshToken>, BlockError> {
    Ok(call.host.store().sessions().refresh_token(call.tenant, hash, call.now).await?)
}

/// The client that sends the request.
pub(crate) fn client(call: &Call<'_>) -> String {
    event_text(call.event, "client.id").unwrap_or_default()
}

/// What the client is known by: its id, its device and its software. A retry comes from the same.
pub(crate) fn bound_to(call: &Call<'_>) -> [u8; 32] {
    let part = |path: &str| event_text(call.event, path).unwrap_or_default();
    binding(&[
        &part("client.id"),
        &part("request.device.id"),
        &part("request.device.fingerprint"),
        &part("request.user_agent"),
    ])
}
