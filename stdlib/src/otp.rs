//! One-time passwords: HOTP (RFC 4226) and TOTP (RFC 6238) with SHA-1, SHA-256 and SHA-512, and codes as users type them.
//!
//! Pure functions. Who calls them counts the try before and takes the step or counter by compare-and-set after.

use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

/// Steps of clock difference accepted either way (RFC 6238 section 5.2 recommends one).
pub(crate) const SKEW: i64 = 1;
/// How far ahead of the stored counter a token may be (RFC 4226 section 7.4).
pub(crate) const LOOK_AHEAD: i64 = 10;
/// Length of a seed that we make, in bytes (RFC 4226 section 4, R6).
pub(crate) const SEED_BYTES: usize = 20;

/// How the codes of a seed are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// SHA-1 unless the token was made with another.
    pub hash: Hash,
    /// 6 to 8.
    pub digits: u8,
    /// Length of a step in seconds; of no meaning for HOTP.
    pub step: u64,
}

/// The hash below HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

impl Default for Form {
    fn default() -> Self {
        Self { hash: Hash::Sha1, digits: 6, step: 30 }
    }
}

impl Form {
    /// From what is kept with a credential; none where it says something that is not known or not safe.
    pub fn read(hash: Option<&str>, digits: Option<i64>, step: Option<i64>) -> Option<Self> {
        let hash = match hash {
            None | Some("SHA1") => Hash::Sha1,
            Some("SHA256") => Hash::Sha256,
            Some("SHA512") => Hash::Sha512,
            Some(_) => return None,
        };
        let digits = u8::try_from(digits.unwrap_or(6)).ok().filter(|digits| (6..=8).contains(digits))?;
        let step = u64::try_from(step.unwrap_or(30)).ok().filter(|step| (15..=120).contains(step))?;
        Some(Self { hash, digits, step })
    }
}

/// The step at this time within the skew whose code this is, the latest if there are several.
pub(crate) fn totp_step(seed: &[u8], form: Form, code: &str, seconds: i64) -> Option<i64> {
    let current = seconds.div_euclid(i64::try_from(form.step).ok()?);
    (-SKEW..=SKEW).rev().map(|skew| current + skew).find(|step| is_code(seed, form, *step, code))
}

/// The counter whose code this is, from the one that comes next to the end of the look-ahead window. All of the window is
/// computed whatever matches, so that time says nothing of where the token stands.
pub(crate) fn hotp_counter(seed: &[u8], form: Form, code: &str, next: i64) -> Option<i64> {
    let window = (0..=LOOK_AHEAD).filter_map(|ahead| next.checked_add(ahead));
    window.filter(|counter| is_code(seed, form, *counter, code)).fold(None, |first, counter| first.or(Some(counter)))
}

/// A code as it was typed: white space and hyphens between groups do not count, nothing but ASCII digits does. None where
/// it is no code of that many digits.
pub(crate) fn digits_of(typed: &[u8], digits: u8) -> Option<Zeroizing<String>> {
    let typed = std::str::from_utf8(typed).ok()?;
    let mut code = Zeroizing::new(String::with_capacity(usize::from(digits)));
    for each in typed.chars().filter(|each| !each.is_whitespace() && *each != '-') {
        if !each.is_ascii_digit() || code.len() == usize::from(digits) {
            return None;
        }
        code.push(each);
    }
    (code.len() == usize::from(digits)).then_some(code)
}

/// In constant time over the code.
fn is_code(seed: &[u8], form: Form, counter: i64, code: &str) -> bool {
    // The library counts time in steps; of one second each, its time is the counter.
    u64::try_from(counter).is_ok_and(|counter| generator(seed, form).check(code, counter).is_some())
}

fn generator(seed: &[u8], form: Form) -> Totp {
    let hash = match form.hash {
        Hash::Sha1 => Algorithm::SHA1,
        Hash::Sha256 => Algorithm::SHA256,
        Hash::Sha512 => Algorithm::SHA512,
    };
    Builder::new()
        .with_algorithm(hash)
        .with_digits(form.digits)
        .with_skew(0)
        .with_step_duration(1)
        .with_secret(seed.to_vec())
        .build_noncompliant()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn vectors() -> Value {
        shared("otp.json")
    }

    fn shared(file: &str) -> Value {
        let shared = std::env::var("ADMIT_SHARED").unwrap_or_else(|_| "../../shared".to_owned());
        let path = std::path::Path::new(&shared).join("conformance").join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap()
    }

    fn words(value: &Value) -> Vec<&str> {
        value.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
    }

    #[test]
    fn hotp_has_the_codes_of_rfc_4226_appendix_d() {
        let vectors = vectors();
        let hotp = &vectors["hotp_rfc4226_appD"];
        let seed = hotp["secret_ascii"].as_str().unwrap().as_bytes();
        let codes = words(&hotp["codes"]);
        assert_eq!(codes.len(), 10);
        for (counter, code) in (0_i64..).zip(codes) {
            assert_eq!(hotp_counter(seed, Form::default(), code, counter), Some(counter));
            assert_eq!(hotp_counter(seed, Form::default(), code, counter + 1), None, "a code that was passed is wrong");
            assert_eq!(hotp_counter(seed, Form::default(), code, (counter - LOOK_AHEAD).max(0)), Some(counter));
            if counter > LOOK_AHEAD {
                assert_eq!(hotp_counter(seed, Form::default(), code, counter - LOOK_AHEAD - 1), None);
            }
        }
        assert_eq!(hotp_counter(seed, Form::default(), "755224", i64::MAX), None, "the counter has an end");
    }

    #[test]
    fn totp_has_the_codes_of_rfc_6238_appendix_b() {
        let vectors = vectors();
        let totp = &vectors["totp_rfc6238_appB"];
        let mut compared = 0;
        for (name, length) in [("SHA1", 20), ("SHA256", 32), ("SHA512", 64)] {
            let form = Form::read(Some(name), totp["digits"].as_i64(), totp["step"].as_i64()).unwrap();
            let seed: Vec<u8> = b"1234567890".iter().copied().cycle().take(length).collect();
            let times = totp["times"].as_array().unwrap().iter().map(|time| time.as_i64().unwrap());
            for (time, code) in times.zip(words(&totp[name])) {
                let step = time / 30;
                assert_eq!(totp_step(&seed, form, code, time), Some(step), "{name} {time}");
                for (away, wanted) in [(-60, None), (-30, Some(step)), (30, Some(step)), (60, None)] {
                    assert_eq!(totp_step(&seed, form, code, time + away), wanted, "{name} {time} {away}");
                }
                compared += 1;
            }
        }
        assert_eq!(compared, 18);
        assert_eq!(
            totp_step(b"12345678901234567890", Form::default(), "755224", -1),
            Some(0),
            "before 1970 is no panic"
        );
        assert_eq!(totp_step(b"12345678901234567890", Form::default(), "755224", i64::MIN), None);
    }

    /// The HMACs that codes are made of, by another library that all of Wycheproof's cases are put to first; then that library's
    /// codes (RFC 4226 section 5.3) beside ours.
    #[test]
    fn codes_are_those_of_an_hmac_that_wycheproof_has_judged() {
        use ring::hmac;
        let hex = |value: &Value| -> Vec<u8> {
            let hex = value.as_str().unwrap();
            (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()).collect()
        };
        let mut compared = 0;
        for (name, file, algorithm) in [
            ("SHA1", "hmac_sha1.json", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            ("SHA256", "hmac_sha256.json", hmac::HMAC_SHA256),
            ("SHA512", "hmac_sha512.json", hmac::HMAC_SHA512),
        ] {
            let suite = shared(&format!("wycheproof/{file}"));
            let (mut judged, mut whole) = (0, 0);
            for group in suite["testGroups"].as_array().unwrap() {
                for case in group["tests"].as_array().unwrap() {
                    let (key, message, tag) = (hex(&case["key"]), hex(&case["msg"]), hex(&case["tag"]));
                    let made = hmac::sign(&hmac::Key::new(algorithm, &key), &message);
                    let is_right = made.as_ref().starts_with(&tag);
                    assert_eq!(is_right, case["result"] == "valid", "{file} {}", case["tcId"]);
                    judged += 1;
                    whole += usize::from(tag.len() == made.as_ref().len());
                }
            }
            println!("{file}: {judged} cases, {whole} of whole tags");
            assert!(judged > 100 && whole > 50, "{file}: {judged} {whole}");
            for digits in 6..=8 {
                let form = Form::read(Some(name), Some(digits), None).unwrap();
                for counter in 0..200_i64 {
                    let seed = format!("seed {name} {counter}");
                    let at = counter * 1_234_567_890_123;
                    let mac = hmac::sign(&hmac::Key::new(algorithm, seed.as_bytes()), &at.to_be_bytes());
                    let mac = mac.as_ref();
                    let offset = usize::from(mac[mac.len() - 1] & 0xf);
                    let word = u32::from_be_bytes(mac[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
                    let width = usize::try_from(digits).unwrap();
                    let code = format!("{:0width$}", word % 10_u32.pow(u32::try_from(digits).unwrap()));
                    assert_eq!(hotp_counter(seed.as_bytes(), form, &code, at), Some(at), "{name} {digits} {at}");
                    compared += 1;
                }
            }
        }
        assert_eq!(compared, 1_800);
    }

    #[test]
    fn codes_are_taken_as_users_type_them() {
        let read = |typed: &str| digits_of(typed.as_bytes(), 6).map(|code| code.to_string());
        for typed in ["123456", "123 456", " 12-34-56\n", "123\u{a0}456", "123\u{2009}456"] {
            assert_eq!(read(typed).as_deref(), Some("123456"), "{typed:?}");
        }
        // Digits of other scripts look alike, and no authenticator shows them.
        for typed in ["", "12345", "1234567", "12345a", "１２３４５６", "١٢٣٤٥٦", "123456\0", "+12345", "1e5123"]
        {
            assert_eq!(read(typed), None, "{typed:?}");
        }
        assert_eq!(digits_of(&[0xff; 6], 6), None);
        assert_eq!(digits_of("1".repeat(1 << 20).as_bytes(), 6), None);
    }

    #[test]
    fn forms_that_are_not_known_or_not_safe_are_none() {
        assert_eq!(Form::read(None, None, None), Some(Form::default()));
        for (hash, digits, step) in [
            (Some("MD5"), None, None),
            (None, Some(5), None),
            (None, Some(9), None),
            (None, None, Some(0)),
            (None, None, Some(121)),
            (None, Some(-6), None),
        ] {
            assert_eq!(Form::read(hash, digits, step), None);
        }
    }
}
