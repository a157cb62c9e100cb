//! Vectors and bounds of password hashes.

use argon2::ParamsBuilder;
use serde_json::Value;

use super::*;

#[test]
fn a_hash_verifies_its_password_and_no_other() {
    let long = "p".repeat(200);
    for password in ["", "correct horse battery staple", "пароль пароль", long.as_str()] {
        let hash = hash_password(password.as_bytes()).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(password_hash_fault(&hash), None);
        assert_eq!(verify(password.as_bytes(), &hash), Verdict::Right(None));
        assert_eq!(verify(format!("{password} ").as_bytes(), &hash), Verdict::Wrong);
        if !password.is_empty() {
            let cut = &password.as_bytes()[..password.len() - 1];
            assert_eq!(verify(cut, &hash), Verdict::Wrong, "no byte is cut off");
        }
    }
}

#[test]
fn nobodys_hash_has_our_parameters() {
    assert_eq!(password_hash_fault(NOBODY), None);
    assert!(is_ours(NOBODY));
    let ours = hash_password(b"x").unwrap();
    let parameters = |phc: &str| phc.split('$').take(4).collect::<Vec<_>>().join("$");
    assert_eq!(parameters(NOBODY), parameters(&ours));
    let lengths = |phc: &str| phc.split('$').skip(4).map(str::len).collect::<Vec<_>>();
    assert_eq!(lengths(NOBODY)[1], lengths(&ours)[1]);
}

#[test]
fn older_parameters_give_a_better_hash() {
    let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
    better(b"secret", &old.hash_password(b"secret").unwrap().to_string());
}

/// The password is right and its new hash is ours; another password is wrong.
fn better(password: &[u8], hash: &str) {
    assert_eq!(password_hash_fault(hash), None, "{hash}");
    let Verdict::Right(Some(better)) = verify(password, hash) else { panic!("{hash}: no better hash") };
    assert!(is_ours(&better), "{better}");
    assert_eq!(verify(password, &better), Verdict::Right(None));
    assert_eq!(verify(b"another password", hash), Verdict::Wrong);
}

/// Test vectors of crypt_blowfish and of OpenBSD's bcrypt, as other implementations have them.
#[test]
fn bcrypt_vectors_verify_and_are_upgraded() {
    for (password, hash) in [
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
        ("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
        ("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"),
        ("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkY8jIucDrjc8deX1s."),
        ("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"),
        ("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"),
    ] {
        if hash.len() != 60 {
            assert!(password_hash_fault(hash).is_some(), "a damaged vector is refused");
            continue;
        }
        better(password.as_bytes(), hash);
        for prefix in ["$2b$", "$2y$"] {
            let renamed = hash.replacen("$2a$", prefix, 1);
            assert!(matches!(verify(password.as_bytes(), &renamed), Verdict::Right(Some(_))), "{renamed}");
        }
    }
}

#[test]
fn bcrypt_cuts_at_72_bytes_and_its_successor_does_not() {
    let long = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".repeat(2);
    let hash = bcrypt::hash_with_salt(&long, 4, [7; 16]).unwrap().to_string();
    let first = &long.as_bytes()[..72];
    assert!(matches!(verify(first, &hash), Verdict::Right(Some(_))), "what bcrypt hashed is what is compared");
    assert_eq!(verify(&long.as_bytes()[..71], &hash), Verdict::Wrong);
    let Verdict::Right(Some(better)) = verify(long.as_bytes(), &hash) else { panic!("the whole password is right") };
    assert_eq!(verify(long.as_bytes(), &better), Verdict::Right(None));
    assert_eq!(verify(first, &better), Verdict::Wrong, "the new hash is of every byte");
}

#[test]
fn a_nul_is_never_right_with_bcrypt() {
    let with_nul = b"abc\0def";
    for hashed in [with_nul.as_slice(), b"abc"] {
        let hash = bcrypt::hash_with_salt(hashed, 4, [7; 16]).unwrap().to_string();
        assert_eq!(verify(with_nul, &hash), Verdict::Wrong);
    }
    // Ours have no such trap.
    let hash = hash_password(with_nul).unwrap();
    assert_eq!(verify(with_nul, &hash), Verdict::Right(None));
    assert_eq!(verify(b"abc", &hash), Verdict::Wrong);
}

/// RFC 7914 section 12; the last, of 1 GiB, is beyond what is accepted and only computed.
#[test]
fn scrypt_vectors_of_rfc_7914() {
    let vectors = [
        (
            "",
            "",
            4_u8,
            1_u32,
            1_u32,
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906",
        ),
        (
            "password",
            "NaCl",
            10,
            8,
            16,
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
        ),
        (
            "pleaseletmein",
            "SodiumChloride",
            14,
            8,
            1,
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887",
        ),
        (
            "pleaseletmein",
            "SodiumChloride",
            20,
            8,
            1,
            "2101cb9b6a511aaeaddbbe09cf70f881ec568d574a2ffd4dabe5ee9820adaa478e56fd8f4ba5d09ffa1c6d927c40f4c337304049e8a952fbcbf45c6fa77a41a4",
        ),
    ];
    for (password, salt, log_n, r, p, wanted) in vectors {
        let mut output = [0; 64];
        let params = scrypt::Params::new(log_n, r, p).unwrap();
        scrypt::scrypt(password.as_bytes(), salt.as_bytes(), &params, &mut output).unwrap();
        assert_eq!(hex(&output), wanted);
        if salt.len() < 8 {
            continue;
        }
        let phc = format!("$scrypt$ln={log_n},r={r},p={p}${}${}", base64(salt.as_bytes()), base64(&output));
        if log_n == 20 {
            assert!(password_hash_fault(&phc).unwrap_or_default().contains("asks for more"), "{phc}");
            assert_eq!(verify(password.as_bytes(), &phc), Verdict::Wrong);
        } else {
            better(password.as_bytes(), &phc);
        }
    }
    // Of passlib's documentation.
    better(b"password", "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E");
}

/// `argon2.json`: every tag, and every encoded Argon2id hash by our own comparison.
#[test]
fn argon2_vectors() {
    let cases = conformance("argon2.json");
    let (mut tags, mut compared) = (0, 0);
    for case in cases.as_array().unwrap() {
        let text = |name: &str| case.get(name).and_then(Value::as_str);
        let number = |name: &str| case.get(name).and_then(Value::as_u64).and_then(|value| u32::try_from(value).ok());
        let bytes = |name: &str| text(name).map(unhex).unwrap_or_default();
        let encoded = text("encoded");
        let kind = text("type").unwrap_or(text("name").unwrap()).to_lowercase();
        let algorithm = match kind.replace('_', "").trim_end_matches("v16") {
            "argon2d" => Algorithm::Argon2d,
            "argon2i" => Algorithm::Argon2i,
            "argon2id" => Algorithm::Argon2id,
            other => panic!("{other}"),
        };
        let old = encoded.map_or(number("version") == Some(16), |encoded| !encoded.contains("$v=19$"));
        let version = if old { Version::V0x10 } else { Version::V0x13 };
        let memory = number("memory_kib").or_else(|| number("m_log2").map(|log| 1 << log)).unwrap();
        let wanted = bytes("tag");
        let mut params = ParamsBuilder::new();
        params.m_cost(memory).t_cost(number("t").unwrap()).p_cost(number("p").unwrap()).output_len(wanted.len());
        let associated = bytes("ad");
        if !associated.is_empty() {
            params.data(argon2::AssociatedData::new(&associated).unwrap());
        }
        let secret = bytes("secret");
        let params = params.build().unwrap();
        let argon2 = Argon2::new_with_secret(&secret, algorithm, version, params).unwrap();
        let password = text("password_ascii").map_or_else(|| bytes("password"), |text| text.as_bytes().to_vec());
        let salt = text("salt_ascii").map_or_else(|| bytes("salt"), |text| text.as_bytes().to_vec());
        let mut tag = vec![0; wanted.len()];
        argon2.hash_password_into(&password, &salt, &mut tag).unwrap();
        assert_eq!(hex(&tag), hex(&wanted), "{case}");
        tags += 1;
        let Some(encoded) = encoded else { continue };
        if algorithm == Algorithm::Argon2id {
            assert!(matches!(verify(&password, encoded), Verdict::Right(Some(_))), "{encoded}");
            assert_eq!(verify(b"Password", encoded), Verdict::Wrong);
            compared += 1;
        } else {
            assert!(password_hash_fault(encoded).unwrap_or_default().contains("must be Argon2id"), "{encoded}");
        }
    }
    assert_eq!((tags, compared), (32, 8));
}

#[test]
fn hashes_that_cannot_be_verified_are_named() {
    for (hash, fault) in [
        ("", "neither a PHC string"),
        ("$2b$12$abcdefghijklmnopqrstuv", "is damaged"),
        ("$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "has cost 31"),
        ("$2b$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "has cost 15"),
        ("$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "has cost 3"),
        ("$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "PHC string"),
        ("$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOé", "is damaged"),
        ("$scrypt$", "not a PHC string"),
        ("$scrypt$ln=63,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E", "scrypt hash"),
        ("$scrypt$ln=19,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E", "asks for more"),
        (
            "$scrypt$ln=10,r=8,p=4294967295$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
            "scrypt hash",
        ),
        (
            "$scrypt$ln=10,r=4294967295,p=4294967295$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
            "scrypt hash",
        ),
        ("$scrypt$ln=10,r=0,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E", "not valid"),
        ("$scrypt$ln=10,r=8$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E", "`ln`, `r` and `p`"),
        ("$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A", "must be Argon2id"),
        ("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ", "lacks"),
        ("$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A", "asks for more"),
        ("$argon2id$v=19$m=262144,t=5,p=1$c29tZXNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A", "asks for more"),
    ] {
        let found = password_hash_fault(hash).unwrap_or_default();
        assert!(found.contains(fault), "{hash}: {found}");
        assert_eq!(verify(b"x", hash), Verdict::Wrong);
    }
}

fn conformance(name: &str) -> Value {
    let shared = std::env::var("ADMIT_SHARED").unwrap_or_else(|_| "../../shared".to_owned());
    let path = std::path::Path::new(&shared).join("conformance").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes)
}
