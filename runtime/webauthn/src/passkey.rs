//! A passkey as it is kept: the credential record of section 4.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is kept of a registration. The counter as it stood then: who keeps passkeys keeps the counter of the last assertion
/// beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// The credential's id: 1 to 1023 bytes.
    #[serde(serialize_with = "encode", deserialize_with = "decode")]
    pub id: Vec<u8>,
    /// The public key as a COSE key.
    #[serde(serialize_with = "encode", deserialize_with = "decode")]
    pub key: Vec<u8>,
    /// The counter when it was registered; 0 where the authenticator has none.
    pub sign_count: u32,
    /// The authenticator checked who holds it when it was registered.
    pub user_verified: bool,
    /// It may be copied to other devices of the user.
    pub backup_eligible: bool,
    /// It was, when it was registered.
    pub backed_up: bool,
    /// The authenticator's model, by its own word.
    pub aaguid: [u8; 16],
    /// How it can be reached: hints for the browser.
    pub transports: Vec<String>,
}

impl Passkey {
    /// As bytes, for the store. The form is JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// From those bytes; none if they are no passkey.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

fn encode<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
}

fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    URL_SAFE_NO_PAD.decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}
