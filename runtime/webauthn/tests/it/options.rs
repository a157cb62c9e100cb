//! The options that browsers read.

use admit_webauthn::{ResidentKey, User, UserVerification, assertion_options, registration_options};

use crate::support::{HANDLE, Soft, party};

#[test]
fn registration_asks_for_no_attestation_and_excludes_what_there_is() {
    let soft = Soft::new();
    let user = User { handle: HANDLE, name: "alice@example.com", display_name: "Alice" };
    let known = [soft.passkey()];
    let wish = (UserVerification::Required, ResidentKey::Preferred);
    let options = registration_options(&party(), &[1; 32], user, &known, wish, 60_000);
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["rp"]["id"], "example.com");
    assert_eq!(options["challenge"], "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE");
    assert_eq!(options["user"]["id"], "dXNyXzAxMjM0NTY3ODk");
    assert_eq!(options["excludeCredentials"].as_array().unwrap().len(), 1);
    assert_eq!(options["excludeCredentials"][0]["transports"][0], "internal");
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(options["authenticatorSelection"]["residentKey"], "preferred");
    let numbers: Vec<i64> =
        options["pubKeyCredParams"].as_array().unwrap().iter().map(|each| each["alg"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [-7, -8, -35, -257]);
}

#[test]
fn assertion_names_the_passkeys_or_none() {
    let none: [(&[u8], &[String]); 0] = [];
    let options = assertion_options(&party(), &[2; 32], none, UserVerification::Preferred, 60_000);
    assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 0);
    assert_eq!(options["rpId"], "example.com");
    let id = [9; 16];
    let options =
        assertion_options(&party(), &[2; 32], [(id.as_slice(), [].as_slice())], UserVerification::Required, 60_000);
    assert_eq!(options["allowCredentials"][0]["id"], "CQkJCQkJCQkJCQkJCQkJCQ");
    assert_eq!(options["allowCredentials"][0].get("transports"), None);
    assert_eq!(options["userVerification"], "required");
}
