//! What a browser answers in a passkey ceremony: CBOR, COSE keys, attestations and their certificates. No bytes make a panic, and
//! nothing is registered for another ceremony than the one that was asked for.

use admit_webauthn::{
    Asserting, AssertionResponse, PublicKey, Refusal, Registering, RegistrationResponse, RelyingParty,
    UserVerification, verify_assertion, verify_registration,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::Target;
use crate::choices::Choices;
use crate::histogram;

/// The target.
pub const TARGET: Target =
    Target { name: "passkey", promise: "no answer of a browser is more than what it shows", run, kinds };

const KINDS: [&str; 6] =
    ["registered", "cbor", "authenticator data", "attestation", "refused otherwise", "no response"];
const CHALLENGE: [u8; 32] = [7; 32];
const ID: [u8; 16] = [9; 16];
/// The base point of P-256, which is a key like any other.
const X: [u8; 32] = [
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d,
    0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
];
const Y: [u8; 32] = [
    0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
    0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];
/// SHA-256 of `localhost`.
const RP_ID_HASH: [u8; 32] = [
    0x49, 0x96, 0x0d, 0xe5, 0x88, 0x0e, 0x8c, 0x68, 0x74, 0x34, 0x17, 0x0f, 0x64, 0x76, 0x60, 0x5b, 0x8f, 0xe4, 0xae,
    0xb9, 0xa2, 0x86, 0x32, 0xc7, 0x99, 0x5c, 0xf3, 0xba, 0x83, 0x1d, 0x97, 0x63,
];

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    match choices.below(4) {
        0 => raw(choices.rest()),
        1 => assertion(&mut choices),
        _ => registration(&mut choices),
    }
}

/// Kinds of ends.
pub fn kinds() -> Vec<String> {
    KINDS.map(str::to_owned).into()
}

/// Bytes as they are, wherever bytes are read.
fn raw(bytes: &[u8]) {
    let _ = PublicKey::read(bytes);
    if RegistrationResponse::read(bytes).is_err() && AssertionResponse::read(bytes).is_err() {
        histogram::count("no response");
    }
    register(&CHALLENGE, bytes);
}

fn registration(choices: &mut Choices<'_>) {
    let mut key = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
    key.extend(X);
    key.extend([0x22, 0x58, 0x20]);
    key.extend(Y);
    if choices.one_in(4) {
        bend(&mut key, choices);
    }
    let mut data = RP_ID_HASH.to_vec();
    data.push(0x45);
    data.extend([0; 20]);
    data.extend([0, 16]);
    data.extend(ID);
    data.extend(key);
    if choices.one_in(4) {
        bend(&mut data, choices);
    }
    let format =
        choices.pick(&["none", "packed", "fido-u2f", "apple", "android-key", "tpm", "android-safetynet", "compound"]);
    let mut object = vec![0xa3, 0x63];
    object.extend(b"fmt");
    // Each of them is shorter than 24 bytes, so that its length is in its head.
    object.push(0x60 | (format.len() as u8));
    object.extend(format.bytes());
    object.push(0x67);
    object.extend(b"attStmt");
    object.extend(statement(choices));
    object.push(0x68);
    object.extend(b"authData");
    // They are shorter than 256 bytes, and where they are as short as to be 23, the longer form is one that must be refused.
    object.extend([0x58, data.len() as u8]);
    object.extend(data);
    if choices.one_in(4) {
        bend(&mut object, choices);
    }
    let asked = if choices.one_in(8) { [8; 32] } else { CHALLENGE };
    let is_registered = register(&asked, &object);
    assert!(!is_registered || asked == CHALLENGE, "a challenge of another ceremony is taken");
}

/// A statement: often an empty one, else members as the formats have them, with whatever bytes.
fn statement(choices: &mut Choices<'_>) -> Vec<u8> {
    let names = ["alg", "sig", "x5c", "ver", "certInfo", "pubArea"];
    let count = if choices.one_in(2) { 0 } else { choices.below(names.len() + 1) };
    let mut out = vec![0xa0 | (count as u8)];
    for name in names.iter().take(count) {
        out.push(0x60 | (name.len() as u8));
        out.extend(name.bytes());
        match choices.below(4) {
            0 => out.push(0x26),
            1 => {
                let bytes: Vec<u8> = (0..choices.below(24)).map(|_| choices.byte()).collect();
                out.push(0x40 | (bytes.len() as u8));
                out.extend(bytes);
            }
            2 => out.extend([0x81, 0x43, 0x30, 0x01, choices.byte()]),
            _ => out.extend([0x63, b'2', b'.', b'0']),
        }
    }
    out
}

fn bend(bytes: &mut Vec<u8>, choices: &mut Choices<'_>) {
    for _ in 0..=choices.below(3) {
        let (at, with) = (choices.below(bytes.len()), choices.byte());
        match choices.below(3) {
            0 => bytes.insert(at, with),
            1 => bytes.truncate(at),
            _ => bytes.splice(at..bytes.len().min(at + 1), [with]).for_each(drop),
        }
    }
}

fn party() -> RelyingParty {
    RelyingParty {
        id: "localhost".to_owned(),
        name: "x".to_owned(),
        origins: vec!["http://localhost:1".to_owned()],
        top_origins: Vec::new(),
    }
}

fn client_data(kind: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(CHALLENGE);
    let text = format!(
        r#"{{"type":"webauthn.{kind}","challenge":"{challenge}","origin":"http://localhost:1","crossOrigin":false}}"#
    );
    URL_SAFE_NO_PAD.encode(text)
}

fn register(challenge: &[u8], object: &[u8]) -> bool {
    let id = URL_SAFE_NO_PAD.encode(ID);
    let response = json!({"id": id, "rawId": id, "type": "public-key", "response": {
        "clientDataJSON": client_data("create"), "attestationObject": URL_SAFE_NO_PAD.encode(object),
    }});
    let Ok(response) = RegistrationResponse::read(response.to_string().as_bytes()) else { return false };
    let algorithms = &admit_webauthn::Algorithm::ALL;
    let asked = Registering { challenge, verification: UserVerification::Required, algorithms };
    let result = verify_registration(&party(), asked, &response);
    histogram::count(match &result {
        Ok(_) => "registered",
        Err(Refusal::Cbor(_)) => "cbor",
        Err(Refusal::AuthenticatorData(_)) => "authenticator data",
        Err(Refusal::Attestation(_)) => "attestation",
        Err(_) => "refused otherwise",
    });
    if let Ok(registered) = &result {
        assert_eq!(registered.passkey.id, ID, "another id is registered");
    }
    result.is_ok()
}

/// Nobody has the private half of the key, so no assertion verifies.
fn assertion(choices: &mut Choices<'_>) {
    let mut object = Vec::new();
    object.extend([0xa3, 0x63]);
    object.extend(b"fmt");
    object.push(0x64);
    object.extend(b"none");
    object.push(0x67);
    object.extend(b"attStmt");
    object.push(0xa0);
    object.push(0x68);
    object.extend(b"authData");
    let mut data = RP_ID_HASH.to_vec();
    data.push(0x45);
    data.extend([0; 20]);
    data.extend([0, 16]);
    data.extend(ID);
    data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
    data.extend(X);
    data.extend([0x22, 0x58, 0x20]);
    data.extend(Y);
    // They are shorter than 256 bytes, and where they are as short as to be 23, the longer form is one that must be refused.
    object.extend([0x58, data.len() as u8]);
    object.extend(&data);
    let id = URL_SAFE_NO_PAD.encode(ID);
    let made = json!({"id": id, "rawId": id, "type": "public-key", "response": {
        "clientDataJSON": client_data("create"), "attestationObject": URL_SAFE_NO_PAD.encode(object),
    }});
    let Ok(made) = RegistrationResponse::read(made.to_string().as_bytes()) else { return };
    let algorithms = &admit_webauthn::Algorithm::ALL;
    let asked = Registering { challenge: &CHALLENGE, verification: UserVerification::Required, algorithms };
    let registered = verify_registration(&party(), asked, &made);
    assert!(registered.is_ok(), "the key that this target begins with is not registered: {registered:?}");
    let Ok(registered) = registered else { return };
    let mut shown = RP_ID_HASH.to_vec();
    shown.extend([0x05, 0, 0, 0, 1]);
    if choices.one_in(2) {
        bend(&mut shown, choices);
    }
    let response = json!({"id": id, "rawId": id, "type": "public-key", "response": {
        "clientDataJSON": client_data("get"), "authenticatorData": URL_SAFE_NO_PAD.encode(shown),
        "signature": URL_SAFE_NO_PAD.encode(choices.rest()),
    }});
    let Ok(response) = AssertionResponse::read(response.to_string().as_bytes()) else { return };
    let asked = Asserting {
        challenge: &CHALLENGE,
        verification: UserVerification::Required,
        user_handle: b"u",
        is_usernameless: false,
        allowed: &[],
        sign_count: 0,
    };
    assert!(verify_assertion(&party(), asked, &registered.passkey, &response).is_err(), "nobody signed it");
}
