//! The client data (section 5.8.1): what the browser says of the ceremony, as JSON that the authenticator signs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer};

use crate::{Refusal, RelyingParty};

const LONGEST: usize = 8 * 1024;

/// Which ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ceremony {
    Create,
    Get,
}

/// Its members; others may follow (section 5.8.1.1), and a known one that stands twice is refused.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default, deserialize_with = "given")]
    cross_origin: Option<bool>,
    #[serde(rename = "topOrigin", default, deserialize_with = "given")]
    top_origin: Option<String>,
}

/// Checks the client data (section 7.1 steps 5 to 11, section 7.2 steps 9 to 15); their SHA-256.
pub(crate) fn check(
    json: &[u8],
    ceremony: Ceremony,
    challenge: &[u8],
    party: &RelyingParty,
) -> Result<[u8; 32], Refusal> {
    if json.len() > LONGEST {
        return Err(Refusal::ClientData("they are too long"));
    }
    let text = std::str::from_utf8(json).map_err(|_| Refusal::ClientData("they are not UTF-8"))?;
    let data: ClientData = serde_json::from_str(text).map_err(|_| Refusal::ClientData("they are not its JSON"))?;
    let kind = match ceremony {
        Ceremony::Create => "webauthn.create",
        Ceremony::Get => "webauthn.get",
    };
    if data.kind != kind {
        return Err(Refusal::Type);
    }
    // Compared as text: one challenge has one spelling.
    if challenge.is_empty() || data.challenge != URL_SAFE_NO_PAD.encode(challenge) {
        return Err(Refusal::Challenge);
    }
    if !party.origins.contains(&data.origin) {
        return Err(Refusal::Origin);
    }
    let is_framed = data.cross_origin == Some(true);
    if is_framed && party.top_origins.is_empty() {
        return Err(Refusal::CrossOrigin);
    }
    match &data.top_origin {
        None => {}
        Some(_) if !is_framed => return Err(Refusal::ClientData("`topOrigin` stands without `crossOrigin`")),
        Some(top) if party.top_origins.contains(top) => {}
        Some(_) => return Err(Refusal::TopOrigin),
    }
    Ok(sha256(json))
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    // A SHA-256 has 32 bytes.
    for (place, byte) in hash.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *place = *byte;
    }
    hash
}

/// A member that is there is not `null`.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
