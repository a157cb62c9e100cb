//! A software authenticator with one passkey (Ed25519), for the tests of blocks: it answers options as a browser does.

use admit_webauthn::Passkey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const BACKED_UP: u8 = 0x18;
const ATTESTED: u8 = 0x40;

pub struct Authenticator {
    pair: Ed25519KeyPair,
    pub origin: String,
    pub rp_id: String,
    /// It checks who holds it.
    pub verifies: bool,
    /// The counter; each assertion adds one to it, unless it is 0.
    pub count: u32,
    /// The user handle that it keeps.
    pub handle: Option<Vec<u8>>,
}

impl Authenticator {
    pub fn new(seed: u8) -> Self {
        Self {
            pair: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap(),
            origin: "https://example.com".to_owned(),
            rp_id: "example.com".to_owned(),
            verifies: true,
            count: 0,
            handle: None,
        }
    }

    pub fn id(&self) -> Vec<u8> {
        sha256(self.pair.public_key().as_ref())
    }

    /// The COSE key: `{1: 1, 3: -8, -1: 6, -2: x}`.
    fn key(&self) -> Vec<u8> {
        [&[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20], self.pair.public_key().as_ref()].concat()
    }

    /// The passkey as it is kept when it was registered before.
    pub fn passkey(&self) -> Passkey {
        Passkey {
            id: self.id(),
            key: self.key(),
            sign_count: self.count,
            user_verified: true,
            backup_eligible: true,
            backed_up: true,
            aaguid: [7; 16],
            transports: vec!["internal".to_owned()],
        }
    }

    /// Answers options of `navigator.credentials.create`.
    pub fn create(&mut self, options: &Value) -> Value {
        self.handle = options["user"]["id"].as_str().map(|id| URL_SAFE_NO_PAD.decode(id).unwrap());
        let id = self.id();
        let data = [self.data(ATTESTED), vec![7; 16], vec![0, 32], id.clone(), self.key()].concat();
        let length = u8::try_from(data.len()).unwrap();
        // {"fmt": "none", "attStmt": {}, "authData": bytes}
        let object =
            [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".as_slice(), &[length], data.as_slice()].concat();
        self.credential(json!({
            "clientDataJSON": encode(&self.client_data("webauthn.create", options)),
            "attestationObject": encode(&object),
            "transports": ["internal"],
        }))
    }

    /// Answers options of `navigator.credentials.get`.
    pub fn get(&mut self, options: &Value) -> Value {
        self.count += u32::from(self.count > 0);
        let (data, client_data) = (self.data(0), self.client_data("webauthn.get", options));
        let signature = self.pair.sign(&[data.clone(), sha256(&client_data)].concat());
        self.credential(json!({
            "clientDataJSON": encode(&client_data),
            "authenticatorData": encode(&data),
            "signature": encode(signature.as_ref()),
            "userHandle": self.handle.as_ref().map(|handle| encode(handle)),
        }))
    }

    fn credential(&self, response: Value) -> Value {
        let id = encode(&self.id());
        json!({"id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {}})
    }

    fn data(&self, more: u8) -> Vec<u8> {
        let flags = PRESENT | if self.verifies { VERIFIED } else { 0 } | BACKED_UP | more;
        [sha256(self.rp_id.as_bytes()), vec![flags], self.count.to_be_bytes().to_vec()].concat()
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        json!({"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false})
            .to_string()
            .into_bytes()
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}
