//! T32: tokens round-trip; every token that was changed or made otherwise is refused.

use ring::signature::{ECDSA_P256_SHA256_FIXED, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde_json::json;

use super::*;
use crate::{Algorithm, key_set};

const ISSUER: &str = "urn:admit:tenant:local";

/// PKCS #8 version 2 of a seed (RFC 8410 section 10.3).
fn pkcs8(seed: &[u8]) -> Vec<u8> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
    let before = [0x30, 0x51, 2, 1, 1, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    [&before[..], seed, &[0x81, 0x21, 0], pair.public_key().as_ref()].concat()
}

fn key(seed: u8) -> SigningKey {
    SigningKey::open(Algorithm::EdDsa, &pkcs8(&[seed; 32])).unwrap()
}

fn claims() -> Value {
    json!({"iss": ISSUER, "sub": "usr_1", "iat": 100, "exp": 200})
}

fn expected(now: i64) -> Expected<'static> {
    Expected { kind: SESSION, issuer: ISSUER, audience: None, now }
}

fn check(token: &str, now: i64) -> Result<Map<String, Value>, JwtError> {
    verify(token, &[key(1).verifying()], expected(now))
}

/// A token with any header and payload, signed with our key.
fn forged(header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(key(1).sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

#[test]
fn t32_a_signed_token_verifies_until_it_expires() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let key = SigningKey::open(algorithm, &SigningKey::generate(algorithm).unwrap()).unwrap();
        let token = sign(&key, SESSION, &claims().to_string()).unwrap();
        let check = |now| verify(&token, &[key.verifying()], expected(now));
        assert_eq!(Value::Object(check(100).unwrap()), claims());
        assert!(check(199).is_ok());
        assert_eq!(check(200), Err(JwtError::NotValid("it has expired")));
        assert_eq!(check(99), Err(JwtError::NotValid("its time has not come")));
    }
    assert!(SigningKey::generate(Algorithm::Rs256).is_err());
}

#[test]
fn t32_the_algorithm_is_that_of_rfc_8037_appendix_a() {
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let key = SigningKey::open(Algorithm::EdDsa, &pkcs8(&seed)).unwrap();
    assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    assert_eq!(
        URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).unwrap()),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
}

#[test]
fn t32_the_audience_is_one_of_those_named() {
    let check = |aud: Value| {
        let mut claims = claims();
        claims["aud"] = aud;
        let token = sign(&key(1), SESSION, &claims.to_string()).unwrap();
        verify(&token, &[key(1).verifying()], Expected { audience: Some("app"), ..expected(150) }).is_ok()
    };
    assert!(check(json!("app")) && check(json!(["other", "app"])));
    for aud in [json!("App"), json!(["other"]), json!([]), json!(["app", 1]), json!({"app": "app"}), json!(null)] {
        assert!(!check(aud.clone()), "{aud}");
    }
}

#[test]
fn t32_a_verifying_key_survives_its_jwk_and_is_for_one_thing() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let key = SigningKey::open(algorithm, &SigningKey::generate(algorithm).unwrap()).unwrap().verifying();
        let jwk = key.to_jwk();
        assert_eq!(VerifyingKey::of_jwk(&jwk, Algorithm::Rs256).as_ref(), Ok(&key));
        assert!(jwk.get("d").is_none() && jwk["use"] == "sig" && jwk["kid"] == key.thumbprint());
        let other = if algorithm == Algorithm::EdDsa { "ES256" } else { "EdDSA" };
        for (name, value) in [
            ("use", json!("enc")),
            ("key_ops", json!(["sign"])),
            ("alg", json!(other)),
            ("alg", json!("none")),
            ("kty", json!("oct")),
            ("crv", json!("P-521")),
            ("crv", json!("X25519")),
            ("d", json!("AAAA")),
            ("k", json!("AAAA")),
            ("x", json!("AAAA")),
            ("x", json!(1)),
            ("kid", json!(1)),
        ] {
            let mut changed = jwk.clone();
            changed[name] = value;
            assert!(VerifyingKey::of_jwk(&changed, Algorithm::Rs256).is_err(), "{changed}");
        }
    }
}

#[test]
fn t32_points_of_small_order_are_refused() {
    let small = [
        [0; 32],
        {
            let mut one = [0; 32];
            one[0] = 1;
            one
        },
        {
            let mut minus_one = [0xff; 32];
            (minus_one[0], minus_one[31]) = (0xec, 0x7f);
            minus_one
        },
    ];
    for mut point in small {
        for _ in 0..2 {
            let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(point)});
            assert!(VerifyingKey::of_jwk(&jwk, Algorithm::Rs256).is_err(), "{jwk}");
            point[31] ^= 0x80;
        }
    }
}

#[test]
fn t32_rsa_keys_have_one_algorithm_too() {
    let n = URL_SAFE_NO_PAD.encode([0xc5; 256]);
    let jwk = |alg: &str| json!({"kty": "RSA", "n": n, "e": "AQAB", "alg": alg, "use": "sig"});
    for (alg, wanted) in [("RS256", Algorithm::Rs256), ("PS256", Algorithm::Ps256)] {
        assert_eq!(VerifyingKey::of_jwk(&jwk(alg), Algorithm::Rs256).unwrap().algorithm, wanted);
    }
    for alg in ["RS1", "HS256", "RSA-OAEP", "ES256", "none"] {
        assert!(VerifyingKey::of_jwk(&jwk(alg), Algorithm::Rs256).is_err(), "{alg}");
    }
}

#[test]
fn t32_every_changed_character_is_refused() {
    let token = sign(&key(1), SESSION, &claims().to_string()).unwrap();
    for index in 0..token.len() {
        for with in ["A", "b", ".", "=", "", "-"] {
            let mut changed = token.clone();
            changed.replace_range(index..=index, with);
            if changed != token {
                assert!(check(&changed, 150).is_err(), "{index} {with}");
            }
        }
    }
    for suffix in [".", "=", " ", "\n", "A"] {
        assert!(check(&format!("{token}{suffix}"), 150).is_err());
    }
}

#[test]
fn t32_tokens_of_other_keys_kinds_and_makes_are_refused() {
    let other = sign(&key(2), SESSION, &claims().to_string()).unwrap();
    assert_eq!(check(&other, 150), Err(JwtError::UnknownKey));
    let kind = sign(&key(1), "at+jwt", &claims().to_string()).unwrap();
    assert_eq!(check(&kind, 150), Err(JwtError::NotValid("it is of another kind")));
    let kid = key(1).id();
    let good = format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{SESSION}"}}"#);
    let payload = claims().to_string();
    assert!(check(&forged(&good, &payload), 150).is_ok());
    for header in [
        format!(r#"{{"alg":"none","kid":"{kid}","typ":"{SESSION}"}}"#),
        format!(r#"{{"alg":"HS256","kid":"{kid}","typ":"{SESSION}"}}"#),
        format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"{SESSION}"}}"#),
        format!(r#"{{"alg":"eddsa","kid":"{kid}","typ":"{SESSION}"}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"{SESSION}"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"../{kid}","typ":"{SESSION}"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}\u0000","typ":"{SESSION}"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"' OR 1=1 --","typ":"{SESSION}"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":["{kid}"],"typ":"{SESSION}"}}"#),
        format!(r#"{{"alg":["EdDSA"],"kid":"{kid}","typ":"{SESSION}"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{SESSION}","cty":"JWT"}}"#),
        format!(r#"{{"alg":"dir","enc":"A128GCM","kid":"{kid}","typ":"{SESSION}"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{SESSION}","crit":["exp"]}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{SESSION}","b64":false}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{SESSION}","jwk":{{}}}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{SESSION}","jku":"https://x"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"x","typ":"{SESSION}"}}"#),
        format!(r#"[{{"alg":"EdDSA","kid":"{kid}","typ":"{SESSION}"}}]"#),
        String::new(),
    ] {
        assert!(check(&forged(&header, &payload), 150).is_err(), "{header}");
    }
    for payload in [
        r#"{"iss":"urn:admit:tenant:local","sub":"usr_1"}"#,
        r#"{"iss":"urn:admit:tenant:local","exp":"200"}"#,
        r#"{"iss":"urn:admit:tenant:local","exp":1e99}"#,
        r#"{"iss":"urn:admit:tenant:local","exp":100,"exp":200}"#,
        r#"{"iss":"urn:admit:tenant:local","exp":200,"nbf":"1"}"#,
        r#"{"iss":"urn:admit:tenant:local","exp":200,"nbf":151}"#,
        r#"{"iss":"urn:admit:tenant:other","exp":200}"#,
        r#"{"exp":200}"#,
        "200",
        "",
    ] {
        assert!(check(&forged(&good, payload), 150).is_err(), "{payload}");
    }
    assert!(check(&"A".repeat(LONGEST + 1), 150).is_err());
    assert!(sign(&key(1), SESSION, "[]").is_err());
}

fn shared(file: &str) -> Option<Value> {
    let shared = std::env::var("ADMIT_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    let text = std::fs::read_to_string(format!("{shared}/conformance/wycheproof/{file}")).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// The keys that a group of the suite verifies with. One that does not say that it is for these signatures is none; nor is
/// a private one, so its private members are taken off first.
fn keys_of(group: &Value) -> Vec<VerifyingKey> {
    let jwk = if group["public"].is_null() { &group["private"] } else { &group["public"] };
    let mut all = jwk["keys"].as_array().cloned().unwrap_or_else(|| vec![jwk.clone()]);
    for jwk in &mut all {
        let is_symmetric = jwk["kty"] == "oct";
        let members = jwk.as_object_mut().unwrap();
        for private in ["d", "p", "q", "dp", "dq", "qi"].into_iter().filter(|_| !is_symmetric) {
            members.remove(private);
        }
    }
    key_set(json!({ "keys": all }).to_string().as_bytes(), Algorithm::Rs256).unwrap_or_default()
}

#[test]
fn t32_the_signatures_of_wycheproof_are_judged_as_it_says() {
    let mut counts = Vec::new();
    for (file, cases) in [("json_web_signature.json", 401), ("json_web_key.json", 26), ("json_web_crypto.json", 83)] {
        let Some(suite) = shared(file) else {
            println!("{file} is not here: {cases} cases did not run");
            return;
        };
        let (mut ran, mut accepted, mut stricter) = (0, 0, Vec::new());
        for group in suite["testGroups"].as_array().unwrap() {
            let keys = keys_of(group);
            for case in group["tests"].as_array().unwrap() {
                let Some(token) = case["jws"].as_str() else { continue };
                let is_accepted = verify_signature(token, &keys, Headers::Foreign).is_ok();
                let is_valid = case["result"] == "valid";
                assert!(!is_accepted || is_valid, "{file} {}: {}", case["tcId"], case["comment"]);
                ran += 1;
                accepted += usize::from(is_accepted);
                if is_valid && !is_accepted {
                    stricter.push(format!("{}: {}", group["comment"], case["comment"]));
                }
            }
        }
        println!("{file}: {ran} of {cases} cases, {accepted} accepted; valid, but refused by us: {stricter:#?}");
        counts.push((ran, accepted));
    }
    assert_eq!(counts, [(401, 16), (26, 1), (48, 2)]);
}

#[test]
fn t32_the_p256_signatures_of_wycheproof_are_judged_as_it_says() {
    let Some(suite) = shared("ecdsa_secp256r1_sha256_p1363.json") else {
        println!("ecdsa_secp256r1_sha256_p1363.json is not here: its cases did not run");
        return;
    };
    let mut ran = 0;
    for group in suite["testGroups"].as_array().unwrap() {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, hex(&group["publicKey"]["uncompressed"]));
        for case in group["tests"].as_array().unwrap() {
            let accepted = key.verify(&hex(&case["msg"]), &hex(&case["sig"])).is_ok();
            assert_eq!(accepted, case["result"] == "valid", "{} {}", case["tcId"], case["comment"]);
            ran += 1;
        }
    }
    assert!(ran > 200, "{ran}");
}

fn hex(value: &Value) -> Vec<u8> {
    let hex = value.as_str().unwrap();
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()).collect()
}

#[test]
fn t32_the_ed25519_signatures_of_wycheproof_are_judged_as_it_says() {
    let Some(suite) = shared("ed25519.json") else {
        println!("ed25519.json is not here: 151 cases did not run");
        return;
    };
    let mut ran = 0;
    for group in suite["testGroups"].as_array().unwrap() {
        let key = UnparsedPublicKey::new(&ring::signature::ED25519, hex(&group["publicKey"]["pk"]));
        for case in group["tests"].as_array().unwrap() {
            let accepted = key.verify(&hex(&case["msg"]), &hex(&case["sig"])).is_ok();
            assert_eq!(accepted, case["result"] == "valid", "{} {}", case["tcId"], case["comment"]);
            ran += 1;
        }
    }
    assert_eq!(ran, 151);
}
