//! T33: a registration (section 7.1) with one thing wrong is refused for that thing.

use admit_webauthn::{Algorithm, Attestation, Passkey, Refusal, UserVerification};

use crate::support::{AT, BE, BS, Create, ED, Soft, Tally, UP, UV, bytes, int, map, near, packed_object, text};

#[test]
fn t33_a_registration_with_one_thing_wrong_is_refused_for_it() {
    let soft = Soft::new();
    let good = soft.create();
    let registered = soft.register(&good).unwrap();
    assert_eq!(registered.attestation, Attestation::None);
    assert_eq!(Passkey::from_bytes(&registered.passkey.to_bytes()), Some(registered.passkey));
    let mut tally = Tally::default();
    let bent = |bend: &dyn Fn(&mut Create)| {
        let mut create = good.clone();
        bend(&mut create);
        soft.register(&create)
    };

    for kind in near("webauthn.create").into_iter().chain(["webauthn.get".to_owned()]) {
        let result = bent(&|create| create.kind = kind.clone());
        tally.refused("type", &kind, result, |why| *why == Refusal::Type);
    }
    for said in near("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8") {
        let result = bent(&|create| create.said_challenge = Some(said.clone()));
        tally.refused("challenge", &said, result, |why| *why == Refusal::Challenge);
    }
    let result = bent(&|create| create.challenge = Vec::new());
    tally.refused("challenge", &"an empty one", result, |why| *why == Refusal::Challenge);
    for origin in near("https://login.example.com") {
        let result = bent(&|create| create.origin = origin.clone());
        tally.refused("origin", &origin, result, |why| *why == Refusal::Origin);
    }
    let result = bent(&|create| create.more = r#","crossOrigin":true"#.to_owned());
    tally.refused("cross-origin", &true, result, |why| *why == Refusal::CrossOrigin);
    for bit in 0..256 {
        let result = bent(&|create| create.rp_id_hash[bit / 8] ^= 1 << (bit % 8));
        tally.refused("rpIdHash", &bit, result, |why| *why == Refusal::RpIdHash);
    }
    for flags in (0..=255u8).filter(|flags| flags & (AT | ED) == AT) {
        for verification in [UserVerification::Required, UserVerification::Discouraged] {
            let result = bent(&|create| (create.flags, create.verification) = (flags, verification));
            let wanted = if flags & UP == 0 {
                Some(Refusal::UserNotPresent)
            } else if verification == UserVerification::Required && flags & UV == 0 {
                Some(Refusal::UserNotVerified)
            } else if flags & BS != 0 && flags & BE == 0 {
                Some(Refusal::Backup("backed up, but not eligible for it"))
            } else {
                None
            };
            match wanted {
                Some(wanted) => tally.refused("flags", &flags, result, |why| *why == wanted),
                None => assert!(result.is_ok(), "{flags:#x}: {result:?}"),
            }
        }
    }
    let result = bent(&|create| create.flags &= !AT);
    tally.refused("flags", &"no credential", result, |why| matches!(why, Refusal::AuthenticatorData(_)));

    for length in [0, 1024, 1025, 2000, 4096] {
        let result = bent(&|create| create.id = vec![7; length]);
        tally.refused("ids", &length, result, |why| matches!(why, Refusal::CredentialId(_)));
    }
    assert!(bent(&|create| create.id = vec![7; 1023]).is_ok());
    for byte in 0..40 {
        // The response names another credential than the authenticator.
        let mut id = [soft.id.as_slice(), &[0; 8]].concat();
        id[byte % 32] ^= 1 << (byte / 32);
        let id = base64_url(&id[..32 + byte / 32]);
        let result = bent(&|create| create.json_ids = Some((id.clone(), id.clone())));
        tally.refused("ids", &byte, result, |why| matches!(why, Refusal::CredentialId(_)));
    }

    // Keys: every algorithm but those offered, and keys that are not of their algorithm.
    let with = |at: usize, value: Vec<u8>| {
        let mut key = soft.cose();
        key[at].1 = value;
        map(&key)
    };
    for number in (-70..70).chain([-257, -258, -259, -65535, 1 << 40]).filter(|number| *number != -7) {
        let result = bent(&|create| create.key = with(1, int(number)));
        tally.refused("alg", &number, result, |why| matches!(why, Refusal::Algorithm(_) | Refusal::PublicKey(_)));
    }
    for (number, name) in [(-36, "ES512"), (-47, "ES256K"), (-53, "Ed448"), (-65535, "RS1"), (-37, "PS256")] {
        let result = bent(&|create| create.key = with(1, int(number)));
        tally.refused("alg", &name, result, |why| *why == Refusal::Algorithm(name.to_owned()));
    }
    let result = bent(&|create| create.algorithms = vec![Algorithm::EdDsa, Algorithm::Rs256]);
    tally.refused("alg", &"not offered", result, |why| *why == Refusal::NotOffered("ES256"));
    let ed448 = map(&[(int(1), int(1)), (int(3), int(-8)), (int(-1), int(7)), (int(-2), bytes(&[1; 57]))]);
    let result = bent(&|create| create.key = ed448.clone());
    tally.refused("alg", &"Ed448 under EdDSA", result, |why| *why == Refusal::Algorithm("Ed448".to_owned()));
    let rsa =
        |n: &[u8], e: &[u8]| map(&[(int(1), int(3)), (int(3), int(-257)), (int(-1), bytes(n)), (int(-2), bytes(e))]);
    let modulus = [&[0xc1], [9; 255].as_slice()].concat();
    assert!(bent(&|create| create.key = rsa(&modulus, &[1, 0, 1])).is_ok());
    for (case, key) in [
        ("another type", with(0, int(3))),
        ("another curve", with(2, int(2))),
        ("a short x", with(3, bytes(&[1; 31]))),
        ("a long y", with(4, bytes(&[1; 33]))),
        ("a compressed point", with(4, vec![0xf5])),
        ("no y", map(&soft.cose()[..4])),
        ("one more member", map(&[soft.cose(), vec![(int(-4), int(1))]].concat())),
        ("a key of 1024 bits", rsa(&modulus[..128], &[1, 0, 1])),
        ("a modulus with a zero before", rsa(&[&[0], modulus.as_slice()].concat(), &[1, 0, 1])),
        ("an even modulus", rsa(&[&modulus[..255], &[8]].concat(), &[1, 0, 1])),
        ("the exponent 1", rsa(&modulus, &[1])),
        ("an even exponent", rsa(&modulus, &[2])),
        ("no map", vec![0x80]),
        ("an empty map", map(&[])),
    ] {
        let result = bent(&|create| create.key = key.clone());
        tally.refused("key", &case, result, |why| matches!(why, Refusal::PublicKey(_)));
    }

    // The passkey signs for itself.
    let signed = |bend: &dyn Fn(&mut Create)| {
        bent(&|create| {
            (create.signs, create.object) = (true, packed_object);
            bend(create);
        })
    };
    assert_eq!(signed(&|_| {}).unwrap().attestation, Attestation::Itself);
    /// Makes an object of the authenticator's data and the signature over it.
    type Bend = fn(&[u8], &[u8]) -> Vec<u8>;
    let bends: [Bend; 9] = [
        |data, signature| packed_object(data, &signature[1..]),
        |data, signature| packed_object(data, &[signature, &[0]].concat()),
        |data, _| packed_object(data, &[]),
        |data, signature| packed_object(&[&data[..33], &[0, 0, 0, 1], &data[37..]].concat(), signature),
        |data, signature| packed_object(&[&data[..37], &[8; 16], &data[53..]].concat(), signature),
        |data, signature| statement(data, &[(text("alg"), int(-257)), (text("sig"), bytes(signature))]),
        |data, signature| statement(data, &[(text("sig"), bytes(signature))]),
        |data, signature| {
            statement(data, &[(text("alg"), int(-7)), (text("sig"), bytes(signature)), (text("x5c"), vec![0x80])])
        },
        |data, signature| {
            statement(data, &[(text("alg"), int(-7)), (text("sig"), bytes(signature)), (text("zzzz"), int(1))])
        },
    ];
    for (number, bend) in bends.into_iter().enumerate() {
        let result = signed(&|create| create.object = bend);
        tally.refused("attestation", &number, result, |why| matches!(why, Refusal::Attestation(_)));
    }
    for _ in 0..40 {
        let other = Soft::new();
        let result = other.register(&Create { signs: true, object: packed_object, ..good.clone() });
        tally.refused("signature", &"another key", result, |why| matches!(why, Refusal::Attestation(_)));
    }
    for format in ["android-safetynet", "compound", "Packed", "packed ", "", "tpm2", "none\0"] {
        let object: fn(&[u8], &[u8]) -> Vec<u8> = match format {
            "android-safetynet" => |data, _| formatted(data, "android-safetynet"),
            "compound" => |data, _| formatted(data, "compound"),
            "Packed" => |data, _| formatted(data, "Packed"),
            "packed " => |data, _| formatted(data, "packed "),
            "tpm2" => |data, _| formatted(data, "tpm2"),
            "none\0" => |data, _| formatted(data, "none\0"),
            _ => |data, _| formatted(data, ""),
        };
        let result = bent(&|create| create.object = object);
        tally.refused("format", &format, result, |why| matches!(why, Refusal::Format(_)));
    }
    let result = bent(&|create| create.object = |data, _| statement_of("none", data, &[(text("sig"), bytes(&[1]))]));
    tally.refused("format", &"none that says something", result, |why| matches!(why, Refusal::Attestation(_)));

    for length in 1..=48u8 {
        let result = bent(&|create| create.tail = vec![length; usize::from(length)]);
        tally.refused("trailing bytes", &length, result, |why| matches!(why, Refusal::AuthenticatorData(_)));
    }
    let result = bent(&|create| create.object = |data, _| [formatted(data, "none"), vec![0]].concat());
    tally.refused("trailing bytes", &"after the object", result, |why| matches!(why, Refusal::Cbor(_)));
    let extension = map(&[(text("credProtect"), vec![2])]);
    assert!(bent(&|create| (create.flags, create.tail) = (create.flags | ED, extension.clone())).is_ok());

    let wanted = ["type", "challenge", "origin", "rpIdHash", "flags", "ids", "alg", "signature", "trailing bytes"];
    assert!(tally.finish("registration", &wanted) >= 600);
}

fn formatted(data: &[u8], format: &str) -> Vec<u8> {
    statement_of(format, data, &[])
}

fn statement(data: &[u8], entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    statement_of("packed", data, entries)
}

fn statement_of(format: &str, data: &[u8], entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    map(&[(text("fmt"), text(format)), (text("attStmt"), map(entries)), (text("authData"), bytes(data))])
}

fn base64_url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
