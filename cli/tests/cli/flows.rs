//! The default system flows as somebody goes through them: real mail, a real database, a process for each request.

use serde_json::json;

use crate::site::{PASSWORD, Site, denied, outcome};
use crate::totp;

const NEW_PASSWORD: &str = "seven quiet harbours in the fog";

#[test]
fn a_users_story_from_sign_up_to_sign_out() {
    let site = Site::new();
    let alice = "alice@example.com";

    // She signs up, and is nobody before she has opened the link.
    let sign_up = json!({"identifier": alice, "password": PASSWORD, "name": "Alice"});
    let waiting = site.run("registration", &sign_up);
    assert_eq!((outcome(&waiting), &waiting["label"]), ("suspended", &json!("verification-check")), "{waiting}");
    site.turned_away(alice, PASSWORD);
    let link = site.link(alice, "/verify-email");
    assert_eq!(outcome(&site.answer(&waiting, &json!({"token": link}))), "finalized");
    let list = site.folder.admit("user list --format json").code(0).json();
    assert_eq!(list["users"][0]["identifiers"], json!([alice]), "{list}");

    // The password is enough, until she has set up an app.
    let first = site.login(alice, PASSWORD);
    assert_eq!((outcome(&first), &first["session"]["aal"]), ("session", &json!("aal1")), "{first}");
    let session = first["token"].as_str().unwrap();
    let shown = site.within(session, "mfa-enrol", &json!({}));
    let seed = shown["challenge"]["secret"].as_str().unwrap().to_owned();
    assert!(shown["challenge"]["otpauth_uri"].as_str().unwrap().starts_with("otpauth://totp/"), "{shown}");
    let codes = site.answer(&shown, &json!({"code": totp::code_of(&seed, 0)}));
    let backup = codes["challenge"]["backup_codes"][0].as_str().unwrap().to_owned();
    assert_eq!(outcome(&site.answer(&codes, &json!({}))), "finalized");

    // From now on she is asked for it.
    let waiting = site.login(alice, PASSWORD);
    assert_eq!((outcome(&waiting), &waiting["label"]), ("suspended", &json!("mfa")), "{waiting}");
    let second = site.answer(&waiting, &json!({"code": totp::code_of(&seed, 1)}));
    assert_eq!((outcome(&second), &second["session"]["aal"]), ("session", &json!("aal2")), "{second}");
    let strong = second["token"].as_str().unwrap();

    // She forgets the password. The link lets her choose another one; who was in is out.
    assert_eq!(outcome(&site.run("password-reset", &json!({"identifier": alice}))), "finalized");
    let link = site.link(alice, "/reset-password");
    let reset = site.run("password-reset-complete", &json!({"token": link, "password": NEW_PASSWORD}));
    assert_eq!(outcome(&reset), "finalized", "{reset}");
    for token in [session, strong] {
        assert_eq!(denied(&site.within(token, "logout", &json!({}))), "not_authenticated");
    }
    site.turned_away(alice, PASSWORD);

    // The new one, the app's place taken by a backup code, and tokens for a client that works while she is away.
    let waiting = site.tokens(alice, NEW_PASSWORD);
    let answer = site.answer(&waiting, &json!({"factor": "backup_code", "code": backup}));
    assert_eq!(outcome(&answer), "tokens", "{answer}");
    let refreshed = site.refresh(answer["refresh_token"].as_str().unwrap());
    assert_eq!((outcome(&refreshed), &refreshed["session"]["id"]), ("tokens", &answer["session"]["id"]), "{refreshed}");
    assert_ne!(refreshed["refresh_token"], answer["refresh_token"]);

    // She signs out.
    let waiting = site.login(alice, NEW_PASSWORD);
    let third = site.answer(&waiting, &json!({"code": totp::code_after(&seed, 1)}));
    let session = third["token"].as_str().unwrap();
    assert_eq!(outcome(&site.within(session, "logout", &json!({}))), "finalized");
    assert_eq!(denied(&site.within(session, "logout", &json!({}))), "not_authenticated");
    assert!(site.mails.no_more_mail());
}

#[test]
fn a_session_is_asked_for_a_second_factor_and_says_whether_it_was_shown() {
    let site = Site::new();
    let user = json!({"email": "bob@example.com", "password": PASSWORD, "totp_secret": totp::SEED});
    site.folder.write("users.jsonl", user.to_string());
    site.folder.admit("user import users.jsonl").code(0);
    let waiting = site.login("bob@example.com", PASSWORD);
    let code = totp::code();
    let session = site.answer(&waiting, &json!({"code": code}));
    let token = session["token"].as_str().unwrap();
    // The code was used: it does not count again. Three tries, and the answer is no.
    let mut waiting = site.within(token, "mfa-verify", &json!({}));
    for left in [2, 1] {
        waiting = site.answer(&waiting, &json!({"code": code}));
        assert_eq!((outcome(&waiting), &waiting["challenge"]["attempts_left"]), ("suspended", &json!(left)));
    }
    assert_eq!(denied(&site.answer(&waiting, &json!({"code": code}))), "mfa_failed");
    let waiting = site.within(token, "mfa-verify", &json!({}));
    assert_eq!(outcome(&site.answer(&waiting, &json!({"code": totp::code_of(totp::SEED, 1)}))), "finalized");
}
