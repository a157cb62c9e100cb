//! Wycheproof's signatures through the keys that passkeys are verified with.

use admit_webauthn::PublicKey;
use serde_json::Value;

use crate::support::{bytes, conformance, hex, int, map};

/// Runs a file; each group's key comes as a COSE key, or none where a COSE key cannot hold it.
fn run(file: &str, least: usize, key: impl Fn(&Value) -> Vec<u8>) {
    let file_name = file;
    let file = conformance(&format!("wycheproof/{file}"));
    let (mut valid, mut invalid, mut either) = (0, 0, 0);
    for group in file["testGroups"].as_array().unwrap() {
        let key = PublicKey::read(&key(group)).unwrap();
        for test in group["tests"].as_array().unwrap() {
            let (message, signature) = (hex(test["msg"].as_str().unwrap()), hex(test["sig"].as_str().unwrap()));
            let is_right = key.verify(&message, &signature).is_ok();
            let case = format!("{file_name} {}: {}", test["tcId"], test["comment"]);
            match test["result"].as_str().unwrap() {
                "valid" => {
                    assert!(is_right, "{case}");
                    valid += 1;
                }
                "invalid" => {
                    assert!(!is_right, "{case}");
                    invalid += 1;
                }
                "acceptable" => either += 1,
                other => panic!("{other}"),
            }
        }
    }
    println!("{file_name}: {valid} valid, {invalid} invalid, {either} either way");
    assert!(valid + invalid + either >= least && valid > 0 && invalid > 0);
}

/// A number of 32 bytes from one with a sign byte or without leading zeros.
fn coordinate(text: &str) -> Vec<u8> {
    let number: Vec<u8> = hex(text).into_iter().skip_while(|byte| *byte == 0).collect();
    [vec![0; 32 - number.len()], number].concat()
}

#[test]
fn ecdsa_on_p256_as_wycheproof_has_it() {
    run("ecdsa_secp256r1_sha256.json", 480, |group| {
        let key = &group["publicKey"];
        map(&[
            (int(1), int(2)),
            (int(3), int(-7)),
            (int(-1), int(1)),
            (int(-2), bytes(&coordinate(key["wx"].as_str().unwrap()))),
            (int(-3), bytes(&coordinate(key["wy"].as_str().unwrap()))),
        ])
    });
}

#[test]
fn ed25519_as_wycheproof_has_it() {
    run("ed25519.json", 150, |group| {
        let key = hex(group["publicKey"]["pk"].as_str().unwrap());
        map(&[(int(1), int(1)), (int(3), int(-8)), (int(-1), int(6)), (int(-2), bytes(&key))])
    });
}

#[test]
fn rsa_as_wycheproof_has_it() {
    run("rsa_signature_2048_sha256.json", 250, |group| {
        let key = &group["publicKey"];
        let number = |name: &str| hex(key[name].as_str().unwrap()).into_iter().skip_while(|byte| *byte == 0);
        let (n, e): (Vec<u8>, Vec<u8>) = (number("modulus").collect(), number("publicExponent").collect());
        map(&[(int(1), int(3)), (int(3), int(-257)), (int(-1), bytes(&n)), (int(-2), bytes(&e))])
    });
}
