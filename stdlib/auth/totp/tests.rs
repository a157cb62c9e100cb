//! TOTP against the vectors of RFC 4226 and RFC 6238, skew and replay.

use super::*;
use admit_runtime::host::Secret;

fn at(seconds: i64) -> Instant {
    Instant { seconds, nanos: 0 }
}

fn vectors() -> Option<serde_json::Value> {
    let shared = std::env::var("ADMIT_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").to_owned());
    let text = std::fs::read_to_string(format!("{shared}/conformance/otp.json")).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn codes_are_those_of_the_rfcs() {
    let Some(vectors) = vectors() else {
        println!("otp.json is not here: 16 cases did not run");
        return;
    };
    let seed = b"12345678901234567890";
    let rfc6238 = &vectors["totp_rfc6238_appB"];
    for (time, code) in rfc6238["times"].as_array().unwrap().iter().zip(rfc6238["SHA1"].as_array().unwrap()) {
        let time = time.as_u64().unwrap();
        let code = code.as_str().unwrap();
        assert_eq!(totp(seed, 8).check(code, time), Some(time / 30), "{time}");
        // The last six digits are the code of six digits.
        assert_eq!(step_of(seed, &code[2..], at(time.cast_signed())), Some((time / 30).cast_signed()), "{time}");
    }
    let rfc4226 = &vectors["hotp_rfc4226_appD"];
    for (count, code) in rfc4226["codes"].as_array().unwrap().iter().enumerate() {
        let count = i64::try_from(count).unwrap();
        assert_eq!(step_of(seed, code.as_str().unwrap(), at(count * 30)), Some(count));
    }
}

#[test]
fn one_step_of_difference_is_accepted_and_no_more() {
    let seed = b"12345678901234567890";
    // Step 5 of RFC 4226.
    for (seconds, found) in [(89, None), (119, None), (120, Some(5)), (150, Some(5)), (209, Some(5)), (210, None)] {
        assert_eq!(step_of(seed, "254676", at(seconds)), found, "{seconds}");
    }
    for code in ["", "25467", "2546760", "25467a", "abcdef", "２５４６７６"] {
        assert_eq!(step_of(seed, code, at(150)), None, "{code}");
    }
    assert_eq!(step_of(seed, "254676", at(-1)), None);
    assert_eq!(step_of(seed, "254676", at(i64::MAX)), None);
}

#[test]
fn a_step_counts_once() {
    let credential = |last_step| Credential {
        id: "crd_1".to_owned(),
        user_id: "usr_1".to_owned(),
        material: Secret::new(*b"12345678901234567890"),
        last_step,
        counter: None,
        data: Datum::Map(Vec::new()),
        created_at: Instant { seconds: 0, nanos: 0 },
    };
    let mut unit = Unit::default();
    let step = |last, unit: &Unit| matching_step(&[credential(last)], b"254 676", at(150), unit).map(|(_, step)| step);
    assert_eq!(step(None, &unit), Some(5));
    assert_eq!(step(Some(4), &unit), Some(5));
    assert_eq!(step(Some(5), &unit), None);
    assert_eq!(step(Some(6), &unit), None);
    unit.writes.push(Write::TakeTotpStep { credential_id: "crd_1".to_owned(), step: 5 });
    assert_eq!(step(None, &unit), None, "taken in this request already");
}
