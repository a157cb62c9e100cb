//! T33: an assertion (section 7.2) with one thing wrong is refused for that thing. Each is signed after it was bent.

use admit_webauthn::{Refusal, UserVerification};

use crate::support::{AT, BE, BS, ED, Get, Soft, Tally, UP, UV, bytes, map, near, text};

#[test]
fn t33_an_assertion_with_one_thing_wrong_is_refused_for_it() {
    let soft = Soft::new();
    let passkey = soft.passkey();
    let good = soft.get();
    assert!(soft.assert(&passkey, &good).unwrap().user_verified);
    let mut tally = Tally::default();
    let bent = |bend: &dyn Fn(&mut Get)| {
        let mut get = good.clone();
        bend(&mut get);
        soft.assert(&passkey, &get)
    };

    for kind in near("webauthn.get").into_iter().chain(["webauthn.create".to_owned(), "payment.get".to_owned()]) {
        let result = bent(&|get| get.kind = kind.clone());
        tally.refused("type", &kind, result, |why| *why == Refusal::Type);
    }

    let right = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";
    assert!(bent(&|get| get.said_challenge = Some(right.to_owned())).is_ok());
    for said in near(right) {
        let result = bent(&|get| get.said_challenge = Some(said.clone()));
        tally.refused("challenge", &said, result, |why| *why == Refusal::Challenge);
    }

    let others =
        ["null", "http://login.example.com", "https://login.example.com:8443", "https://evil.example", "file://"];
    for origin in near("https://login.example.com").into_iter().chain(others.map(str::to_owned)) {
        let result = bent(&|get| get.origin = origin.clone());
        tally.refused("origin", &origin, result, |why| *why == Refusal::Origin);
    }
    for more in [
        r#","crossOrigin":true"#,
        r#","crossOrigin":true,"topOrigin":"https://login.example.com""#,
        r#","crossOrigin":true,"topOrigin":"https://evil.example""#,
    ] {
        let result = bent(&|get| get.more = more.to_owned());
        tally.refused("cross-origin", &more, result, |why| *why == Refusal::CrossOrigin);
    }

    for bit in 0..256 {
        let result = bent(&|get| get.rp_id_hash[bit / 8] ^= 1 << (bit % 8));
        tally.refused("rpIdHash", &bit, result, |why| *why == Refusal::RpIdHash);
    }

    // Every combination of flags, judged by the words of section 7.2 steps 16 to 19.
    for flags in (0..=255u8).filter(|flags| flags & (AT | ED) == 0) {
        for verification in [UserVerification::Required, UserVerification::Preferred] {
            let result = bent(&|get| (get.flags, get.verification) = (flags, verification));
            let wanted = if flags & UP == 0 {
                Some(Refusal::UserNotPresent)
            } else if verification == UserVerification::Required && flags & UV == 0 {
                Some(Refusal::UserNotVerified)
            } else if flags & BS != 0 && flags & BE == 0 {
                Some(Refusal::Backup("backed up, but not eligible for it"))
            } else if flags & BE == 0 {
                Some(Refusal::Backup("eligibility never changes"))
            } else {
                None
            };
            match wanted {
                Some(wanted) => tally.refused("flags", &flags, result, |why| *why == wanted),
                None => assert!(result.is_ok(), "{flags:#x}: {result:?}"),
            }
        }
    }
    for flags in [AT, ED, AT | ED] {
        let result = bent(&|get| get.flags |= flags);
        let is_right = |why: &Refusal| matches!(why, Refusal::AuthenticatorData(_) | Refusal::Cbor(_));
        tally.refused("flags", &flags, result, is_right);
    }
    let credential = [&[7; 16], [0, 1, 9].as_slice(), &map(&soft.cose())].concat();
    let result = bent(&|get| (get.flags, get.tail) = (get.flags | AT, credential.clone()));
    let wanted = Refusal::AuthenticatorData("an assertion holds a credential");
    tally.refused("flags", &"a whole credential", result, |why| *why == wanted);

    for kept in [1, 2, 3, 7, 100, 1 << 16, u32::MAX - 1, u32::MAX] {
        for sent in [0, 1, kept / 2, kept - 1, kept] {
            let result = bent(&|get| (get.kept_count, get.count) = (kept, sent.min(kept)));
            let wanted = Refusal::CounterRollback { kept, sent: sent.min(kept) };
            tally.refused("counter", &(kept, sent), result, |why| *why == wanted);
        }
        if kept < u32::MAX {
            let result = bent(&|get| (get.kept_count, get.count) = (kept, kept + 1));
            assert_eq!(result.map(|asserted| asserted.sign_count), Ok(kept + 1));
        }
    }
    assert!(bent(&|get| (get.kept_count, get.count) = (0, 0)).is_ok(), "an authenticator without a counter");

    for byte in 0..32 {
        let mut id = soft.id.clone();
        id[byte] ^= 1;
        let result = bent(&|get| get.id = id.clone());
        tally.refused("ids", &byte, result, |why| matches!(why, Refusal::CredentialId(_)));
    }
    for byte in 0..14 {
        let mut handle = b"usr_0123456789".to_vec();
        handle[byte] ^= 0x10;
        let result = bent(&|get| get.handle = Some(handle.clone()));
        tally.refused("ids", &byte, result, |why| *why == Refusal::UserHandle);
    }
    let result = bent(&|get| (get.handle, get.is_usernameless) = (None, true));
    tally.refused("ids", &"no user handle", result, |why| *why == Refusal::UserHandle);
    let result = bent(&|get| get.handle = Some(Vec::new()));
    tally.refused("ids", &"an empty user handle", result, |why| *why == Refusal::UserHandle);
    let result = bent(&|get| get.allowed = vec![vec![1; 32]]);
    tally.refused("ids", &"not asked for", result, |why| matches!(why, Refusal::CredentialId(_)));
    let result = bent(&|get| get.json_ids = Some(("AAAA".to_owned(), "AAAB".to_owned())));
    tally.refused("ids", &"two ids", result, |why| matches!(why, Refusal::CredentialId(_)));
    assert!(bent(&|get| get.handle = None).is_ok(), "a known user's passkey need not say whose it is");

    let flips: [fn(Vec<u8>) -> Vec<u8>; 8] = [
        |signature| signature[..signature.len() - 1].to_vec(),
        |signature| [signature, vec![0]].concat(),
        |_| Vec::new(),
        |_| vec![0x30, 6, 2, 1, 0, 2, 1, 0],
        |_| vec![0x30, 6, 2, 1, 1, 2, 1, 1],
        |signature| signature.into_iter().rev().collect(),
        |signature| [&[0x30, 0x81, signature[1]], &signature[2..]].concat(),
        |signature| vec![0; signature.len()],
    ];
    for (number, flip) in flips.into_iter().enumerate() {
        let result = bent(&|get| get.bend_signature = flip);
        tally.refused("signature", &number, result, |why| *why == Refusal::Signature);
    }
    for _ in 0..40 {
        // Another key signs, and the same key signs something else.
        let other = Soft::new();
        let mut get = good.clone();
        get.bend_signature = |signature| signature;
        let result = other.assert(&passkey, &get);
        tally.refused("signature", &"another key", result, |why| *why == Refusal::Signature);
    }

    for length in 1..=48 {
        let result = bent(&|get| get.tail = vec![length; usize::from(length)]);
        tally.refused("trailing bytes", &length, result, |why| matches!(why, Refusal::AuthenticatorData(_)));
    }
    for more in ["}", "{}", " x", "\0", ",", "null", "\u{feff}"] {
        let whole = format!(
            r#"{{"type":"webauthn.get","challenge":"{right}","origin":"https://login.example.com","crossOrigin":false}}{more}"#
        );
        let result = bent(&|get| get.client_data = Some(whole.clone().into_bytes()));
        tally.refused("trailing bytes", &more, result, |why| matches!(why, Refusal::ClientData(_)));
    }
    // Extensions: their form counts.
    let named = map(&[(text("credProtect"), vec![2])]);
    assert!(bent(&|get| (get.flags, get.tail) = (get.flags | ED, named.clone())).is_ok());
    for tail in [vec![], vec![0xa0], vec![0x80], vec![0xbf, 0xff], [named.clone(), vec![0]].concat(), bytes(b"x")] {
        let result = bent(&|get| (get.flags, get.tail) = (get.flags | ED, tail.clone()));
        tally.refused("extensions", &tail, result, |why| {
            matches!(why, Refusal::AuthenticatorData(_) | Refusal::Cbor(_))
        });
    }

    let wanted = ["type", "challenge", "origin", "rpIdHash", "flags", "counter", "ids", "signature", "trailing bytes"];
    assert!(tally.finish("assertion", &wanted) >= 600);
}

#[test]
fn t33_client_data_are_read_strictly() {
    let soft = Soft::new();
    let passkey = soft.passkey();
    let right = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";
    let data = |kind: &str, more: &str| {
        format!(r#"{{"type":{kind},"challenge":"{right}","origin":"https://login.example.com"{more}}}"#)
    };
    let good = r#""webauthn.get""#;
    let assert = |whole: Vec<u8>| {
        let mut get = soft.get();
        get.client_data = Some(whole);
        soft.assert(&passkey, &get)
    };
    for fine in [
        data(good, ""),
        data(good, r#","other":{"deep":[1,2]}"#),
        data(r#""web\u0061uthn.get""#, ""),
        format!(" {} ", data(good, "")),
    ] {
        assert!(assert(fine.clone().into_bytes()).is_ok(), "{fine}");
    }
    for wrong in [
        data(good, r#","type":"webauthn.get""#),
        data(good, r#","origin":"https://login.example.com""#),
        data(good, &format!(r#","challenge":"{right}""#)),
        data(good, r#","crossOrigin":null"#),
        data(good, r#","crossOrigin":"false""#),
        data(good, r#","crossOrigin":0"#),
        data(good, r#","topOrigin":"https://login.example.com""#),
        data(good, r#","topOrigin":null"#),
        data("null", ""),
        data("1", ""),
        data(r#"["webauthn.get"]"#, ""),
        format!("[{}]", data(good, "")),
        format!("\u{feff}{}", data(good, "")),
        data(good, ","),
        String::new(),
        "{}".to_owned(),
        data(good, &format!(r#","x":"{}""#, "y".repeat(9000))),
    ] {
        assert!(matches!(assert(wrong.clone().into_bytes()), Err(Refusal::ClientData(_))), "{wrong}");
    }
    let not_utf8 =
        data(good, r#","x":"?""#).into_bytes().into_iter().map(|byte| if byte == b'?' { 0xff } else { byte });
    assert_eq!(assert(not_utf8.collect()), Err(Refusal::ClientData("they are not UTF-8")));
}
