//! A software authenticator whose answers can be bent before they are signed, so that one thing alone is wrong.

use std::path::PathBuf;

use admit_webauthn::{
    Algorithm, Asserted, Asserting, AssertionResponse, Passkey, Refusal, Registered, Registering, RegistrationResponse,
    RelyingParty, UserVerification, verify_assertion, verify_registration,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;

pub const ORIGIN: &str = "https://login.example.com";
pub const RP_ID: &str = "example.com";
pub const HANDLE: &[u8] = b"usr_0123456789";
pub const UP: u8 = 0x01;
pub const UV: u8 = 0x04;
pub const BE: u8 = 0x08;
pub const BS: u8 = 0x10;
pub const AT: u8 = 0x40;
pub const ED: u8 = 0x80;

pub fn party() -> RelyingParty {
    RelyingParty {
        id: RP_ID.to_owned(),
        name: "Example".to_owned(),
        origins: vec![ORIGIN.to_owned(), "https://example.com".to_owned()],
        top_origins: Vec::new(),
    }
}

/// A file of the conformance data.
pub fn conformance(name: &str) -> serde_json::Value {
    let shared = std::env::var_os("ADMIT_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let path = shared.join("conformance").join(name);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap()
}

pub fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// The head of a CBOR item in its shortest form.
pub fn head(major: u8, number: u64) -> Vec<u8> {
    let width = match number {
        0..=23 => 0,
        24..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    wide_head(major, number, width)
}

/// The head with this many bytes of number.
pub fn wide_head(major: u8, number: u64, width: usize) -> Vec<u8> {
    if width == 0 {
        return vec![major << 5 | u8::try_from(number).unwrap()];
    }
    let info = 24 + u8::try_from(width.trailing_zeros()).unwrap();
    [&[major << 5 | info], &number.to_be_bytes()[8 - width..]].concat()
}

pub fn int(value: i64) -> Vec<u8> {
    if value < 0 { head(1, (-1 - value) as u64) } else { head(0, value as u64) }
}

pub fn bytes(value: &[u8]) -> Vec<u8> {
    [head(2, value.len() as u64), value.to_vec()].concat()
}

pub fn text(value: &str) -> Vec<u8> {
    [head(3, value.len() as u64), value.as_bytes().to_vec()].concat()
}

pub fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let entries_bytes: Vec<u8> =
        entries.iter().flat_map(|(key, value)| [key.clone(), value.clone()].concat()).collect();
    [head(5, entries.len() as u64), entries_bytes].concat()
}

/// An authenticator with one passkey.
pub struct Soft {
    pair: EcdsaKeyPair,
    pub id: Vec<u8>,
}

/// A registration before it is signed; `None` parts are made as they should be.
#[derive(Clone)]
pub struct Create {
    pub challenge: Vec<u8>,
    pub client_data: Option<Vec<u8>>,
    pub kind: String,
    pub said_challenge: Option<String>,
    pub origin: String,
    /// More members of the client data, as JSON text after a comma.
    pub more: String,
    pub rp_id_hash: Vec<u8>,
    pub flags: u8,
    pub count: u32,
    pub id: Vec<u8>,
    pub key: Vec<u8>,
    /// After the key within the authenticator data.
    pub tail: Vec<u8>,
    /// Signs for itself; else the format `none`.
    pub signs: bool,
    /// The attestation object, given the authenticator data and the signature.
    pub object: fn(&[u8], &[u8]) -> Vec<u8>,
    pub verification: UserVerification,
    pub algorithms: Vec<Algorithm>,
    /// Ids of the JSON response.
    pub json_ids: Option<(String, String)>,
}

/// An assertion before it is signed.
#[derive(Clone)]
pub struct Get {
    pub challenge: Vec<u8>,
    pub client_data: Option<Vec<u8>>,
    pub kind: String,
    pub said_challenge: Option<String>,
    pub origin: String,
    pub more: String,
    pub rp_id_hash: Vec<u8>,
    pub flags: u8,
    pub count: u32,
    pub tail: Vec<u8>,
    pub id: Vec<u8>,
    pub json_ids: Option<(String, String)>,
    pub handle: Option<Vec<u8>>,
    pub verification: UserVerification,
    pub is_usernameless: bool,
    pub allowed: Vec<Vec<u8>>,
    pub kept_count: u32,
    pub bend_signature: fn(Vec<u8>) -> Vec<u8>,
}

pub fn none_object(data: &[u8], _: &[u8]) -> Vec<u8> {
    map(&[(text("fmt"), text("none")), (text("attStmt"), map(&[])), (text("authData"), bytes(data))])
}

pub fn packed_object(data: &[u8], signature: &[u8]) -> Vec<u8> {
    let statement = map(&[(text("alg"), int(-7)), (text("sig"), bytes(signature))]);
    map(&[(text("fmt"), text("packed")), (text("attStmt"), statement), (text("authData"), bytes(data))])
}

impl Soft {
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let id = sha256(pair.public_key().as_ref());
        Self { pair, id }
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }

    /// Entries of the COSE key, in order.
    pub fn cose(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let point = self.pair.public_key().as_ref();
        vec![
            (int(1), int(2)),
            (int(3), int(-7)),
            (int(-1), int(1)),
            (int(-2), bytes(&point[1..33])),
            (int(-3), bytes(&point[33..])),
        ]
    }

    pub fn create(&self) -> Create {
        Create {
            challenge: (0..32).collect(),
            client_data: None,
            kind: "webauthn.create".to_owned(),
            said_challenge: None,
            origin: ORIGIN.to_owned(),
            more: r#","crossOrigin":false"#.to_owned(),
            rp_id_hash: sha256(RP_ID.as_bytes()),
            flags: UP | UV | BE | BS | AT,
            count: 0,
            id: self.id.clone(),
            key: map(&self.cose()),
            tail: Vec::new(),
            signs: false,
            object: none_object,
            verification: UserVerification::Required,
            algorithms: Algorithm::ALL.to_vec(),
            json_ids: None,
        }
    }

    pub fn register(&self, create: &Create) -> Result<Registered, Refusal> {
        let length = u16::try_from(create.id.len()).unwrap().to_be_bytes();
        let data = [
            create.rp_id_hash.as_slice(),
            &[create.flags],
            &create.count.to_be_bytes(),
            &[7; 16],
            &length,
            &create.id,
            &create.key,
            &create.tail,
        ]
        .concat();
        let client_data = client_data(
            create.client_data.as_ref(),
            (&create.kind, create.said_challenge.as_ref(), &create.origin, &create.more),
            &create.challenge,
        );
        let signature =
            if create.signs { self.sign(&[data.clone(), sha256(&client_data)].concat()) } else { Vec::new() };
        let object = (create.object)(&data, &signature);
        let id = URL_SAFE_NO_PAD.encode(&create.id);
        let (id, raw_id) = create.json_ids.clone().unwrap_or_else(|| (id.clone(), id));
        let response = json!({"id": id, "rawId": raw_id, "type": "public-key", "clientExtensionResults": {}, "response": {
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            "attestationObject": URL_SAFE_NO_PAD.encode(object),
            "transports": ["internal"],
        }});
        let response = RegistrationResponse::read(response.to_string().as_bytes())?;
        let asked = Registering {
            challenge: &create.challenge,
            verification: create.verification,
            algorithms: &create.algorithms,
        };
        verify_registration(&party(), asked, &response)
    }

    pub fn passkey(&self) -> Passkey {
        self.register(&self.create()).unwrap().passkey
    }

    pub fn get(&self) -> Get {
        Get {
            challenge: (32..64).collect(),
            client_data: None,
            kind: "webauthn.get".to_owned(),
            said_challenge: None,
            origin: ORIGIN.to_owned(),
            more: r#","crossOrigin":false"#.to_owned(),
            rp_id_hash: sha256(RP_ID.as_bytes()),
            flags: UP | UV | BE | BS,
            count: 0,
            tail: Vec::new(),
            id: self.id.clone(),
            json_ids: None,
            handle: Some(HANDLE.to_vec()),
            verification: UserVerification::Required,
            is_usernameless: false,
            allowed: vec![self.id.clone()],
            kept_count: 0,
            bend_signature: |signature| signature,
        }
    }

    pub fn assert(&self, passkey: &Passkey, get: &Get) -> Result<Asserted, Refusal> {
        let data = [get.rp_id_hash.as_slice(), &[get.flags], &get.count.to_be_bytes(), get.tail.as_slice()].concat();
        let client_data = client_data(
            get.client_data.as_ref(),
            (&get.kind, get.said_challenge.as_ref(), &get.origin, &get.more),
            &get.challenge,
        );
        let signature = (get.bend_signature)(self.sign(&[data.clone(), sha256(&client_data)].concat()));
        let id = URL_SAFE_NO_PAD.encode(&get.id);
        let (id, raw_id) = get.json_ids.clone().unwrap_or_else(|| (id.clone(), id));
        let mut response = json!({"id": id, "rawId": raw_id, "type": "public-key", "response": {
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature),
        }});
        if let Some(handle) = &get.handle {
            response["response"]["userHandle"] = URL_SAFE_NO_PAD.encode(handle).into();
        }
        let response = AssertionResponse::read(response.to_string().as_bytes())?;
        let asked = Asserting {
            challenge: &get.challenge,
            verification: get.verification,
            user_handle: HANDLE,
            is_usernameless: get.is_usernameless,
            allowed: &get.allowed,
            sign_count: get.kept_count,
        };
        verify_assertion(&party(), asked, passkey, &response)
    }
}

fn client_data(
    whole: Option<&Vec<u8>>,
    (kind, said, origin, more): (&str, Option<&String>, &str, &str),
    challenge: &[u8],
) -> Vec<u8> {
    if let Some(whole) = whole {
        return whole.clone();
    }
    let challenge = said.cloned().unwrap_or_else(|| URL_SAFE_NO_PAD.encode(challenge));
    format!(r#"{{"type":{},"challenge":{},"origin":{}{more}}}"#, json!(kind), json!(challenge), json!(origin))
        .into_bytes()
}

/// Counts mutations by what they bend, and fails on one that is accepted, or refused for another reason.
#[derive(Default)]
pub struct Tally(Vec<(&'static str, usize)>);

impl Tally {
    pub fn refused<T: std::fmt::Debug>(
        &mut self,
        what: &'static str,
        case: &dyn std::fmt::Debug,
        result: Result<T, Refusal>,
        is_right: impl Fn(&Refusal) -> bool,
    ) {
        match result {
            Ok(accepted) => panic!("{what} {case:?} is accepted: {accepted:?}"),
            Err(refusal) => assert!(is_right(&refusal), "{what} {case:?} is refused otherwise: {refusal}"),
        }
        match self.0.iter_mut().find(|(known, _)| *known == what) {
            Some((_, count)) => *count += 1,
            None => self.0.push((what, 1)),
        }
    }

    /// At least 40 of each of these; prints and returns how many in all.
    pub fn finish(&self, title: &str, wanted: &[&str]) -> usize {
        for what in wanted {
            let count = self.0.iter().find(|(known, _)| known == what).map_or(0, |(_, count)| *count);
            assert!(count >= 40, "only {count} mutations of {what}");
        }
        let all = self.0.iter().map(|(_, count)| count).sum();
        println!("{title}: {all} mutations refused: {:?}", self.0);
        all
    }
}

/// Words that look like this one: each letter left out, doubled, in the other case, replaced; cut off; with more.
pub fn near(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let join = |parts: &[&[char]]| parts.concat().into_iter().collect::<String>();
    let mut found = Vec::new();
    for (at, letter) in letters.iter().enumerate() {
        let (before, after) = (&letters[..at], &letters[at + 1..]);
        let other = if letter.is_ascii_uppercase() { letter.to_ascii_lowercase() } else { letter.to_ascii_uppercase() };
        found.push(join(&[before, after]));
        found.push(join(&[before, &[*letter, *letter], after]));
        found.push(join(&[before, &[other], after]));
        found.push(join(&[before, &['\u{0430}'], after]));
        found.push(join(&[before]));
    }
    for more in [" ", "\0", ".", "/", "=", "#", "%00", "\u{200b}"] {
        found.push(format!("{word}{more}"));
        found.push(format!("{more}{word}"));
    }
    found.retain(|each| each != word);
    found.sort();
    found.dedup();
    found
}
