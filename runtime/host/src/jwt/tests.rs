//! T32: tokens round-trip; every token that was changed or made otherwise is refused.

use ring::signature::Ed25519KeyPair;
use serde_json::json;

use super::*;

const ISSUER: &str = "urn:admit:tenant:local";

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn claims() -> Value {
    json!({"iss": ISSUER, "sub": "usr_1", "iat": 100, "exp": 200})
}

fn check(token: &str, now: i64) -> Result<Map<String, Value>, JwtError> {
    verify(token, &[verifying_key(&key(1))], Expected { kind: SESSION, issuer: ISSUER, now })
}

/// A token with any header and payload, signed with our key.
fn forged(header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(key(1).sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

#[test]
fn a_signed_token_verifies_until_it_expires() {
    let token = sign(&key(1), SESSION, &claims().to_string()).unwrap();
    assert_eq!(Value::Object(check(&token, 100).unwrap()), claims());
    assert!(check(&token, 199).is_ok());
    assert_eq!(check(&token, 200), Err(JwtError::NotValid("it has expired")));
    assert_eq!(check(&token, 99), Err(JwtError::NotValid("its time has not come")));
}

#[test]
fn the_algorithm_is_that_of_rfc_8037_appendix_a() {
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let key = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    assert_eq!(key_id(&key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    assert_eq!(
        URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
}

#[test]
fn every_changed_character_is_refused() {
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
fn tokens_of_other_keys_kinds_and_makes_are_refused() {
    let other = sign(&key(2), SESSION, &claims().to_string()).unwrap();
    assert_eq!(check(&other, 150), Err(JwtError::UnknownKey));
    let kind = sign(&key(1), "at+jwt", &claims().to_string()).unwrap();
    assert_eq!(check(&kind, 150), Err(JwtError::NotValid("it is of another kind")));
    let kid = key_id(&key(1));
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

/// A key of the suite that says it is for ES256 signatures; others may not verify anything.
fn es256_key(jwk: &Value) -> Option<VerifyingKey> {
    let text = |name: &str| jwk[name].as_str();
    if (text("alg"), text("use"), text("crv")) != (Some("ES256"), Some("sig"), Some("P-256")) {
        return None;
    }
    let mut bytes = vec![4];
    bytes.extend(URL_SAFE_NO_PAD.decode(text("x")?).ok()?);
    bytes.extend(URL_SAFE_NO_PAD.decode(text("y")?).ok()?);
    Some(VerifyingKey { id: text("kid")?.to_owned(), algorithm: Algorithm::Es256, bytes })
}

#[test]
fn the_signatures_of_wycheproof_are_judged_as_it_says() {
    let Some(suite) = shared("json_web_signature.json") else {
        println!("json_web_signature.json is not here: 401 cases did not run");
        return;
    };
    let (mut ran, mut valid) = (0, 0);
    for group in suite["testGroups"].as_array().unwrap() {
        let jwk = if group["public"].is_null() { &group["private"] } else { &group["public"] };
        let keys: Vec<_> = es256_key(jwk).into_iter().collect();
        for case in group["tests"].as_array().unwrap() {
            let Some(token) = case["jws"].as_str() else { continue };
            let accepted = verify_signature(token, &keys).is_ok();
            // What is valid under an algorithm that is not on our list is refused all the same.
            let wanted = case["result"] == "valid" && !keys.is_empty();
            assert_eq!(accepted, wanted, "{} {}", case["tcId"], case["comment"]);
            ran += 1;
            valid += usize::from(accepted);
        }
    }
    println!("{ran} cases, {valid} of them valid for us");
    assert!(ran > 350 && valid == 2, "{ran} {valid}");
}

#[test]
fn the_ed25519_signatures_of_wycheproof_are_judged_as_it_says() {
    let Some(suite) = shared("ed25519.json") else {
        println!("ed25519.json is not here: 151 cases did not run");
        return;
    };
    let bytes = |value: &Value| -> Vec<u8> {
        let hex = value.as_str().unwrap();
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()).collect()
    };
    let mut ran = 0;
    for group in suite["testGroups"].as_array().unwrap() {
        let key = UnparsedPublicKey::new(&ED25519, bytes(&group["publicKey"]["pk"]));
        for case in group["tests"].as_array().unwrap() {
            let accepted = key.verify(&bytes(&case["msg"]), &bytes(&case["sig"])).is_ok();
            assert_eq!(accepted, case["result"] == "valid", "{} {}", case["tcId"], case["comment"]);
            ran += 1;
        }
    }
    assert_eq!(ran, 151);
}
