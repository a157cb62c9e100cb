//! Options for the browser, as JSON: `PublicKeyCredentialCreationOptionsJSON` and `PublicKeyCredentialRequestOptionsJSON`
//! (section 5.1), which `PublicKeyCredential.parse...OptionsFromJSON` reads.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::{Algorithm, Passkey, RelyingParty, UserVerification};

/// Whether the authenticator keeps the passkey, so that it can be used without naming the user (section 5.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResidentKey {
    /// It must.
    Required,
    /// It should.
    Preferred,
    /// It should not.
    Discouraged,
}

/// Who registers.
#[derive(Clone, Copy, Debug)]
pub struct User<'a> {
    /// The user's id, which the passkey gives back: 1 to 64 bytes without anything personal (section 14.6.1).
    pub handle: &'a [u8],
    /// What the user calls themselves; shown by the authenticator.
    pub name: &'a str,
    /// Their name.
    pub display_name: &'a str,
}

/// Options to register a passkey beside those that the user has. Attestation is not asked for.
pub fn registration_options(
    party: &RelyingParty,
    challenge: &[u8],
    user: User<'_>,
    known: &[Passkey],
    (verification, resident): (UserVerification, ResidentKey),
    timeout_ms: u64,
) -> Value {
    let algorithms: Vec<Value> =
        Algorithm::ALL.iter().map(|each| json!({"type": "public-key", "alg": each.number()})).collect();
    json!({
        "rp": {"id": party.id, "name": party.name},
        "user": {
            "id": URL_SAFE_NO_PAD.encode(user.handle),
            "name": user.name,
            "displayName": user.display_name,
        },
        "challenge": URL_SAFE_NO_PAD.encode(challenge),
        "pubKeyCredParams": algorithms,
        "timeout": timeout_ms,
        "excludeCredentials": descriptors(known.iter().map(|each| (each.id.as_slice(), each.transports.as_slice()))),
        "authenticatorSelection": {
            "residentKey": resident.word(),
            "requireResidentKey": resident == ResidentKey::Required,
            "userVerification": verification.word(),
        },
        "attestation": "none",
    })
}

/// Options to show a passkey: one of these (id, transports), or, where there are none, any that the authenticator has.
pub fn assertion_options<'a>(
    party: &RelyingParty,
    challenge: &[u8],
    allowed: impl IntoIterator<Item = (&'a [u8], &'a [String])>,
    verification: UserVerification,
    timeout_ms: u64,
) -> Value {
    json!({
        "challenge": URL_SAFE_NO_PAD.encode(challenge),
        "timeout": timeout_ms,
        "rpId": party.id,
        "allowCredentials": descriptors(allowed),
        "userVerification": verification.word(),
    })
}

impl ResidentKey {
    /// As the options write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
            Self::Discouraged => "discouraged",
        }
    }
}

fn descriptors<'a>(credentials: impl IntoIterator<Item = (&'a [u8], &'a [String])>) -> Vec<Value> {
    let descriptor = |(id, transports): (&[u8], &[String])| {
        let mut descriptor = json!({"type": "public-key", "id": URL_SAFE_NO_PAD.encode(id)});
        if let (Value::Object(members), false) = (&mut descriptor, transports.is_empty()) {
            members.insert("transports".to_owned(), json!(transports));
        }
        descriptor
    };
    credentials.into_iter().map(descriptor).collect()
}
