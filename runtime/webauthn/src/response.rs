//! What the browser answers, as JSON: `RegistrationResponseJSON` and `AuthenticationResponseJSON` (section 5.1), which
//! `PublicKeyCredential.toJSON()` gives.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};

use crate::Refusal;

/// The most that a response may hold; a long chain of certificates takes a few KiB.
const LONGEST: usize = 64 * 1024;

/// The answer of `navigator.credentials.create`.
#[derive(Clone, Debug)]
pub struct RegistrationResponse {
    pub(crate) id: Vec<u8>,
    pub(crate) client_data: Vec<u8>,
    pub(crate) attestation_object: Vec<u8>,
    pub(crate) transports: Vec<String>,
}

/// The answer of `navigator.credentials.get`.
#[derive(Clone, Debug)]
pub struct AssertionResponse {
    pub(crate) id: Vec<u8>,
    pub(crate) client_data: Vec<u8>,
    pub(crate) authenticator_data: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) user_handle: Option<Vec<u8>>,
}

#[derive(Deserialize)]
struct Credential<R> {
    id: String,
    #[serde(rename = "rawId")]
    raw_id: Base64Url,
    #[serde(rename = "type")]
    kind: String,
    response: R,
}

#[derive(Deserialize)]
struct Created {
    #[serde(rename = "clientDataJSON")]
    client_data: Base64Url,
    #[serde(rename = "attestationObject")]
    attestation_object: Base64Url,
    #[serde(default)]
    transports: Vec<String>,
}

#[derive(Deserialize)]
struct Got {
    #[serde(rename = "clientDataJSON")]
    client_data: Base64Url,
    #[serde(rename = "authenticatorData")]
    authenticator_data: Base64Url,
    signature: Base64Url,
    #[serde(rename = "userHandle", default)]
    user_handle: Option<Base64Url>,
}

/// base64url without padding, in its one spelling.
struct Base64Url(Vec<u8>);

impl RegistrationResponse {
    /// Reads it.
    ///
    /// # Errors
    /// [`Refusal::Response`], or [`Refusal::CredentialId`] where it has two ids.
    pub fn read(json: &[u8]) -> Result<Self, Refusal> {
        let (id, response) = read::<Created>(json)?;
        Ok(Self {
            id,
            client_data: response.client_data.0,
            attestation_object: response.attestation_object.0,
            transports: transports(response.transports),
        })
    }
}

impl AssertionResponse {
    /// Reads it.
    ///
    /// # Errors
    /// As [`RegistrationResponse::read`].
    pub fn read(json: &[u8]) -> Result<Self, Refusal> {
        let (id, response) = read::<Got>(json)?;
        Ok(Self {
            id,
            client_data: response.client_data.0,
            authenticator_data: response.authenticator_data.0,
            signature: response.signature.0,
            user_handle: response.user_handle.map(|handle| handle.0),
        })
    }

    /// The passkey that answered.
    pub fn credential_id(&self) -> &[u8] {
        &self.id
    }

    /// Who it is of, by its own word: the user's id, where the passkey holds it.
    pub fn user_handle(&self) -> Option<&[u8]> {
        self.user_handle.as_deref()
    }
}

fn read<'j, R: Deserialize<'j>>(json: &'j [u8]) -> Result<(Vec<u8>, R), Refusal> {
    if json.len() > LONGEST {
        return Err(Refusal::Response("it is too long"));
    }
    let credential: Credential<R> =
        serde_json::from_slice(json).map_err(|_| Refusal::Response("it is not the JSON of a public key credential"))?;
    if credential.kind != "public-key" {
        return Err(Refusal::Response("it is of another type than `public-key`"));
    }
    if credential.id != URL_SAFE_NO_PAD.encode(&credential.raw_id.0) {
        return Err(Refusal::CredentialId("`id` and `rawId` differ"));
    }
    Ok((credential.raw_id.0, credential.response))
}

/// Hints for a later ceremony: short words only (section 5.8.4 lets any word stand).
fn transports(words: Vec<String>) -> Vec<String> {
    let fits = |word: &String| {
        (1..=32).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    words.into_iter().filter(fits).take(8).collect()
}

impl<'de> Deserialize<'de> for Base64Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        URL_SAFE_NO_PAD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}
