//! The test vectors of WebAuthn Level 3 (section 16): those of supported algorithms pass, the others are refused by name.

use admit_webauthn::{
    Algorithm, Asserting, AssertionResponse, Attestation, Passkey, Refusal, Registering, RegistrationResponse,
    RelyingParty, UserVerification, verify_assertion, verify_registration,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{conformance, hex};

struct Case {
    id: String,
    create: Vec<u8>,
    create_data: Vec<u8>,
    object: Vec<u8>,
    get: Vec<u8>,
    get_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    credential: Vec<u8>,
}

fn cases() -> (RelyingParty, Vec<Case>) {
    let file = conformance("webauthn.json");
    let text = |name: &str| file[name].as_str().unwrap().to_owned();
    let party = RelyingParty {
        id: text("rp_id"),
        name: "W3C".to_owned(),
        origins: vec![text("origin")],
        top_origins: vec![text("topOrigin")],
    };
    let case = |case: &Value| {
        let read = |part: &str, name: &str| hex(case[part][name].as_str().unwrap_or_else(|| panic!("{part} {name}")));
        Case {
            id: case["id"].as_str().unwrap().to_owned(),
            create: read("registration", "challenge"),
            create_data: read("registration", "clientDataJSON"),
            object: read("registration", "attestationObject"),
            get: read("authentication", "challenge"),
            get_data: read("authentication", "clientDataJSON"),
            authenticator_data: read("authentication", "authenticatorData"),
            signature: read("authentication", "signature"),
            credential: read("registration", "credential_id"),
        }
    };
    (party, file["cases"].as_array().unwrap().iter().map(case).collect())
}

impl Case {
    fn register(&self, party: &RelyingParty) -> Result<(Passkey, Attestation), Refusal> {
        let id = URL_SAFE_NO_PAD.encode(&self.credential);
        let response = json!({"id": id, "rawId": id, "type": "public-key", "response": {
            "clientDataJSON": URL_SAFE_NO_PAD.encode(&self.create_data),
            "attestationObject": URL_SAFE_NO_PAD.encode(&self.object),
        }});
        let response = RegistrationResponse::read(response.to_string().as_bytes())?;
        let asked = Registering {
            challenge: &self.create,
            verification: UserVerification::Preferred,
            algorithms: &Algorithm::ALL,
        };
        verify_registration(party, asked, &response).map(|registered| (registered.passkey, registered.attestation))
    }

    fn assert(&self, party: &RelyingParty, passkey: &Passkey) -> Result<(), Refusal> {
        let id = URL_SAFE_NO_PAD.encode(&self.credential);
        let response = json!({"id": id, "rawId": id, "type": "public-key", "response": {
            "clientDataJSON": URL_SAFE_NO_PAD.encode(&self.get_data),
            "authenticatorData": URL_SAFE_NO_PAD.encode(&self.authenticator_data),
            "signature": URL_SAFE_NO_PAD.encode(&self.signature),
        }});
        let response = AssertionResponse::read(response.to_string().as_bytes())?;
        let asked = Asserting {
            challenge: &self.get,
            verification: UserVerification::Preferred,
            user_handle: b"usr_w3c",
            is_usernameless: false,
            allowed: std::slice::from_ref(&self.credential),
            sign_count: passkey.sign_count,
        };
        verify_assertion(party, asked, passkey, &response).map(|_| ())
    }
}

#[test]
fn the_vectors_of_the_w3c_are_judged_rightly() {
    let (party, cases) = cases();
    assert_eq!(cases.len(), 15);
    let (mut passed, mut refused) = (Vec::new(), Vec::new());
    for case in &cases {
        let unsupported = match case.id.as_str() {
            "packed-es512" => Some("ES512"),
            "packed-ed448" => Some("Ed448"),
            _ => None,
        };
        let registered = case.register(&party);
        if let Some(name) = unsupported {
            assert_eq!(registered, Err(Refusal::Algorithm(name.to_owned())), "{}", case.id);
            refused.push(case.id.as_str());
            continue;
        }
        let (passkey, attestation) = registered.unwrap_or_else(|refusal| panic!("{}: {refusal}", case.id));
        let wanted = match case.id.as_str() {
            id if id.starts_with("none") => Attestation::None,
            id if id.contains("self") => Attestation::Itself,
            _ => Attestation::Certified,
        };
        assert_eq!(attestation, wanted, "{}", case.id);
        case.assert(&party, &passkey).unwrap_or_else(|refusal| panic!("{}: {refusal}", case.id));
        passed.push(case.id.as_str());
    }
    println!("{} vectors pass: {passed:?}; {} are refused by name: {refused:?}", passed.len(), refused.len());
    assert_eq!((passed.len(), refused.len()), (13, 2));
}

#[test]
fn t33_pages_in_frames_are_refused_unless_named() {
    let (mut party, cases) = cases();
    let case = |id: &str| cases.iter().find(|case| case.id == id).unwrap();
    let (framed, topped) = (case("none-es256-crossOrigin"), case("none-es256-topOrigin"));
    let other = RelyingParty { top_origins: vec!["https://example.net".to_owned()], ..party.clone() };
    assert_eq!(topped.register(&other), Err(Refusal::TopOrigin));
    party.top_origins.clear();
    for case in [framed, topped] {
        assert_eq!(case.register(&party), Err(Refusal::CrossOrigin), "{}", case.id);
    }
}

#[test]
fn t33_no_bit_of_what_an_attestation_or_assertion_signs_can_be_changed() {
    let (party, cases) = cases();
    let mut flipped = 0;
    for case in &cases {
        let Ok((passkey, _)) = case.register(&party) else { continue };
        // Each byte of the assertion, one bit of it.
        for (part, length) in [(0, case.get_data.len()), (1, case.authenticator_data.len()), (2, case.signature.len())]
        {
            for at in 0..length {
                let mut bent = case.clone_parts();
                let place = match part {
                    0 => &mut bent.get_data,
                    1 => &mut bent.authenticator_data,
                    _ => &mut bent.signature,
                };
                place[at] ^= 1 << (at % 8);
                assert!(bent.assert(&party, &passkey).is_err(), "{} part {part} byte {at}", case.id);
                flipped += 1;
            }
        }
        // Of a registration that signs something: client data and authenticator data.
        if case.id.starts_with("none") {
            continue;
        }
        let data = authenticator_data_at(&case.object);
        for at in data {
            // fido-u2f signs parts of the authenticator data only: not flags, counter, model and lengths.
            let mut bent = case.clone_parts();
            bent.object[at] ^= 1 << (at % 8);
            if let Ok((changed, _)) = bent.register(&party) {
                let unsigned = case.id == "fido-u2f-es256" && changed.key == passkey.key && changed.id == passkey.id;
                assert!(unsigned, "{} byte {at} of the object", case.id);
            }
            flipped += 1;
        }
        for at in 0..case.create_data.len() {
            let mut bent = case.clone_parts();
            bent.create_data[at] ^= 1 << (at % 8);
            assert!(bent.register(&party).is_err(), "{} byte {at} of the client data", case.id);
            flipped += 1;
        }
    }
    println!("{flipped} flipped bits");
    assert!(flipped > 5000);
}

/// Where the authenticator data stand: to the end of the object, whose last member they are.
fn authenticator_data_at(object: &[u8]) -> std::ops::Range<usize> {
    let name = b"hauthData";
    let at = object.windows(name.len()).position(|window| window == name).unwrap() + name.len();
    let width = match object[at] {
        0x58 => 2,
        0x59 => 3,
        other => panic!("{other:#x}"),
    };
    at + width..object.len()
}

impl Case {
    fn clone_parts(&self) -> Self {
        Self {
            id: self.id.clone(),
            create: self.create.clone(),
            create_data: self.create_data.clone(),
            object: self.object.clone(),
            get: self.get.clone(),
            get_data: self.get_data.clone(),
            authenticator_data: self.authenticator_data.clone(),
            signature: self.signature.clone(),
            credential: self.credential.clone(),
        }
    }
}
