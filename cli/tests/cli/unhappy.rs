//! The default system flows where something is wrong: each ends in the deny that it says, and lets nobody in.

use serde_json::{Value, json};

use crate::site::{PASSWORD, Site, denied, outcome};
use crate::totp;

const ALICE: &str = "alice@example.com";

fn sign_up(identifier: &str, password: &str) -> Value {
    json!({"identifier": identifier, "password": password})
}

#[test]
fn a_sign_up_that_is_no_good_makes_nobody() {
    let site = Site::with(ALICE);
    for (input, reason) in [
        (sign_up(ALICE, PASSWORD), "already_registered"),
        // The same address in other letters.
        (sign_up("ALICE@Example.com", PASSWORD), "already_registered"),
        (sign_up("bob@example.com", "short"), "weak_password"),
        (sign_up("bob@example.com", "passwordpassword"), "weak_password"),
        // Made of what everybody knows of him.
        (sign_up("bob.lantern@example.com", "bob.lantern@example.com"), "weak_password"),
        (json!({"identifier": "bob@example.com"}), "password_required"),
        (sign_up("bob@nowhere", PASSWORD), "invalid_email"),
        (sign_up("bob", PASSWORD), "invalid_email"),
        (sign_up("", PASSWORD), "invalid_email"),
    ] {
        let answer = site.run("registration", &input);
        assert_eq!(denied(&answer), reason, "{input}");
    }
    let weak = site.run("registration", &sign_up("bob@example.com", "short"));
    assert!(weak["user_message"].as_str().unwrap().contains("15"), "{weak}");
    let list = site.folder.admit("user list --format json").code(0).json();
    assert_eq!(list["users"].as_array().unwrap().len(), 1, "{list}");
    assert!(site.mails.no_more_mail());
}

#[test]
fn a_sign_up_without_the_link_makes_nobody() {
    let site = Site::new();
    let (waiting, link) = site.sign_up(ALICE, PASSWORD);
    // The link of another sign-up is not this one's, and is not used up by it.
    let (other, others) = site.sign_up("mallory@example.com", PASSWORD);
    assert_eq!(denied(&site.answer(&other, &json!({"token": link}))), "not_verified");
    site.turned_away("mallory@example.com", PASSWORD);
    // Nor does a link prove anything once its sign-up is over.
    let (again, _) = site.sign_up("mallory@example.com", PASSWORD);
    assert_eq!(denied(&site.answer(&again, &json!({"token": others}))), "not_verified");
    assert_eq!(outcome(&site.answer(&waiting, &json!({"token": link}))), "finalized");
    site.refused(&waiting, &json!({"token": link}));
    assert_eq!(outcome(&site.login(ALICE, PASSWORD)), "session");
}

#[test]
fn of_two_sign_ups_with_one_address_one_makes_a_user() {
    let site = Site::new();
    let ends = [(); 2]
        .map(|()| site.sign_up(ALICE, PASSWORD))
        .map(|(waiting, link)| site.answer(&waiting, &json!({"token": link})));
    assert_eq!(outcome(&ends[0]), "finalized");
    assert!(matches!(outcome(&ends[1]), "deny" | "error"), "{}", ends[1]);
    let list = site.folder.admit("user list --format json").code(0).json();
    assert_eq!(list["users"].as_array().unwrap().len(), 1, "{list}");
}

#[test]
fn t19_a_reset_answers_alike_and_mails_only_whom_it_knows() {
    let site = Site::with(ALICE);
    let asked = |identifier: &str| {
        let mut answer = site.run("password-reset", &json!({"identifier": identifier}));
        answer.as_object_mut().unwrap().remove("run");
        answer
    };
    let known = asked(ALICE);
    assert_eq!(known, json!({"outcome": "finalized"}));
    site.link(ALICE, "/reset-password");
    for other in ["nobody@example.com", "nobody", "", "+4930123456"] {
        assert_eq!(asked(other), known);
    }
    assert!(site.mails.no_more_mail());
    // T38: five an hour for one address, and the answer does not say so.
    for _ in 0..5 {
        assert_eq!(asked(ALICE), known);
    }
    for _ in 0..4 {
        site.link(ALICE, "/reset-password");
    }
    assert!(site.mails.no_more_mail());
}

#[test]
fn a_reset_takes_its_own_link_once_and_a_password_that_holds() {
    let site = Site::with(ALICE);
    let complete = |token: &str, password: &str| {
        site.run("password-reset-complete", &json!({"token": token, "password": password}))
    };
    site.run("password-reset", &json!({"identifier": ALICE}));
    let link = site.link(ALICE, "/reset-password");
    let new = "seven quiet harbours in the fog";
    for wrong in ["", "x", &"A".repeat(43), &link[1..], &format!("{link}A")] {
        assert_eq!(denied(&complete(wrong, new)), "invalid_link", "{wrong}");
    }
    // The link of a sign-up proves an address, and lets nobody choose a password.
    let (_, address) = site.sign_up("bob@example.com", PASSWORD);
    assert_eq!(denied(&complete(&address, new)), "invalid_link");
    // A password that does not hold costs no link. That it is made of the user's own words is known once the link was opened.
    assert_eq!(denied(&complete(&link, "short")), "weak_password");
    let none = site.run("password-reset-complete", &json!({"token": link}));
    assert_eq!(denied(&none), "password_required");
    assert_eq!(outcome(&site.login(ALICE, PASSWORD)), "session");
    assert_eq!(denied(&complete(&link, ALICE)), "weak_password");
    site.run("password-reset", &json!({"identifier": ALICE}));
    let link = site.link(ALICE, "/reset-password");
    assert_eq!(outcome(&complete(&link, new)), "finalized");
    assert_eq!(denied(&complete(&link, "another of the same kind, later")), "invalid_link");
    assert_eq!(outcome(&site.login(ALICE, new)), "session");
}

#[test]
fn a_password_that_was_breached_is_nobodys() {
    let site = Site::with(ALICE);
    let breached = "nine copper kettles on the wharf";
    // Its SHA-1, as a dump of Have I Been Pwned has it.
    site.folder.write("dump.txt", "5EDE47E745B070809FBBCF0403781FDEA6991290:7\n");
    site.folder.admit("feeds build-breached dump.txt -o breached.bin").code(0);
    let manifest = site.folder.read("admit.toml");
    site.folder.write("admit.toml", format!("{manifest}\n[breached]\nfile = \"breached.bin\"\n"));
    assert_eq!(denied(&site.run("registration", &sign_up("bob@example.com", breached))), "breached_password");
    assert_eq!(site.folder.admit("user list --format json").code(0).json()["users"].as_array().unwrap().len(), 1);
    // Nor after a reset; the link is still good for another one.
    site.run("password-reset", &json!({"identifier": ALICE}));
    let link = site.link(ALICE, "/reset-password");
    let complete = |password: &str| site.run("password-reset-complete", &json!({"token": link, "password": password}));
    assert_eq!(denied(&complete(breached)), "breached_password");
    assert_eq!(outcome(&site.login(ALICE, PASSWORD)), "session");
    assert_eq!(outcome(&complete("seven quiet harbours in the fog")), "finalized");
    assert!(site.mails.no_more_mail());
}

#[test]
fn a_link_past_its_time_proves_nothing() {
    let site = Site::with(ALICE);
    let new = "seven quiet harbours in the fog";
    let complete = |link: &str| site.run("password-reset-complete", &json!({"token": link, "password": new}));
    site.run("password-reset", &json!({"identifier": ALICE}));
    let late = site.link(ALICE, "/reset-password");
    let (waiting, proof) = site.sign_up("bob@example.com", PASSWORD);
    // The link of a reset works for half an hour, that of a sign-up for an hour.
    site.pass(31 * 60);
    assert_eq!(denied(&complete(&late)), "invalid_link");
    assert_eq!(outcome(&site.login(ALICE, PASSWORD)), "session");
    site.pass(30 * 60);
    // The run that waits for it is over by then, too.
    site.refused(&waiting, &json!({"token": proof}));
    site.turned_away("bob@example.com", PASSWORD);
    // Until then both work.
    site.run("password-reset", &json!({"identifier": ALICE}));
    let link = site.link(ALICE, "/reset-password");
    let (waiting, proof) = site.sign_up("bob@example.com", PASSWORD);
    site.pass(29 * 60);
    assert_eq!(outcome(&complete(&link)), "finalized");
    site.pass(30 * 60);
    assert_eq!(outcome(&site.answer(&waiting, &json!({"token": proof}))), "finalized");
}

#[test]
fn a_link_that_is_asked_for_later_ends_with_its_run() {
    let site = Site::with(ALICE);
    // Without a token in the request the run waits for it.
    site.run("password-reset", &json!({"identifier": ALICE}));
    let link = site.link(ALICE, "/reset-password");
    let waiting = site.run("password-reset-complete", &json!({"password": "seven quiet harbours in the fog"}));
    assert_eq!(waiting["label"], "verification-check", "{waiting}");
    // The password is not kept while the run waits: it is asked for again.
    let waiting = site.answer(&waiting, &json!({"token": link}));
    assert_eq!((outcome(&waiting), &waiting["label"]), ("suspended", &json!("password-update")), "{waiting}");
    assert_eq!(outcome(&site.answer(&waiting, &json!({"password": "seven quiet harbours in the fog"}))), "finalized");
}

#[test]
fn a_sign_in_that_is_no_good_is_answered_alike_and_the_account_locks() {
    let site = Site::with(ALICE);
    let wrong = site.turned_away(ALICE, "not the password at all");
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    for (identifier, password) in
        [("nobody@example.com", PASSWORD), ("nobody@example.com", ""), (ALICE, ""), ("", ""), ("alice", PASSWORD)]
    {
        assert_eq!(site.turned_away(identifier, password), wrong, "{identifier} {password}");
    }
    // Six tries so far. After ten the right one is wrong too, for now, and the answer does not say why.
    assert_eq!(outcome(&site.login(ALICE, PASSWORD)), "session");
    for _ in 0..4 {
        site.turned_away(ALICE, "not the password at all");
    }
    assert_eq!(site.turned_away(ALICE, PASSWORD), wrong);
}

#[test]
fn without_the_factor_a_stolen_password_neither_signs_in_nor_binds_another() {
    let site = Site::with(ALICE);
    let session = site.login(ALICE, PASSWORD);
    let before = session["token"].as_str().unwrap().to_owned();
    let shown = site.within(&before, "mfa-enrol", &json!({}));
    let seed = shown["challenge"]["secret"].as_str().unwrap().to_owned();
    let codes = site.answer(&shown, &json!({"code": totp::code_of(&seed, 0)}));
    site.answer(&codes, &json!({}));
    let mut waiting = site.login(ALICE, PASSWORD);
    for _ in 0..2 {
        waiting = site.answer(&waiting, &json!({"code": "000000"}));
        assert_eq!(outcome(&waiting), "suspended");
    }
    assert_eq!(denied(&site.answer(&waiting, &json!({"code": "000000"}))), "mfa_failed");
    site.refused(&waiting, &json!({"code": totp::code_of(&seed, 1)}));
    // A session of before the factor is asked for it as well.
    let waiting = site.within(&before, "mfa-enrol", &json!({}));
    assert_eq!((outcome(&waiting), &waiting["label"]), ("suspended", &json!("mfa")), "{waiting}");
    let waiting = site.answer(&waiting, &json!({"code": totp::code_of(&seed, 1)}));
    assert_eq!(waiting["label"], "require-mfa-enroll", "{waiting}");
    // A factor that does not work is not kept.
    let mut waiting = waiting;
    for _ in 0..4 {
        waiting = site.answer(&waiting, &json!({"code": "000000"}));
    }
    assert_eq!(denied(&site.answer(&waiting, &json!({"code": "000000"}))), "mfa_failed");
}

#[test]
fn nobody_enrols_verifies_or_signs_out_without_a_session() {
    let site = Site::with(ALICE);
    for flow in ["mfa-enrol", "mfa-verify", "logout"] {
        assert_eq!(denied(&site.run(flow, &json!({}))), "not_authenticated", "{flow}");
        assert_eq!(denied(&site.within("nonsense", flow, &json!({}))), "not_authenticated", "{flow}");
    }
    // Nobody has a factor to show: the answer is no.
    let session = site.login(ALICE, PASSWORD);
    assert_eq!(denied(&site.within(session["token"].as_str().unwrap(), "mfa-verify", &json!({}))), "mfa_failed");
}

#[test]
fn t18_a_refresh_token_is_good_once_and_a_copy_ends_its_family() {
    let site = Site::with(ALICE);
    let tokens = site.tokens(ALICE, PASSWORD);
    let token = |answer: &Value| answer["refresh_token"].as_str().unwrap().to_owned();
    let (first, second) = (token(&tokens), token(&site.refresh(&token(&tokens))));
    for none in ["", "art_", "art_nonsense", &second[..second.len() - 1]] {
        assert_eq!(denied(&site.refresh(none)), "invalid_grant");
    }
    // Somebody else with a copy of the first: the family ends, the good one with it.
    site.folder.replace("offline.json", "dev_77aa", "dev_of_a_thief");
    assert_eq!(denied(&site.refresh(&first)), "invalid_grant");
    site.folder.replace("offline.json", "dev_of_a_thief", "dev_77aa");
    assert_eq!(denied(&site.refresh(&second)), "invalid_grant");
    // A session that has ended refreshes nothing.
    let tokens = site.tokens(ALICE, PASSWORD);
    site.run("password-reset", &json!({"identifier": ALICE}));
    let link = site.link(ALICE, "/reset-password");
    let new = "seven quiet harbours in the fog";
    site.run("password-reset-complete", &json!({"token": link, "password": new}));
    assert_eq!(denied(&site.refresh(&token(&tokens))), "invalid_grant");
}

#[test]
fn without_a_mail_server_nobody_is_made_and_the_run_says_what_to_set() {
    let site = Site::new();
    site.folder.write("admit.toml", "[project]\nname = \"site\"\ncatalogue = \"1\"\n");
    for flow in ["registration", "password-reset"] {
        let input = if flow == "registration" { sign_up(ALICE, PASSWORD) } else { json!({"identifier": ALICE}) };
        let args = format!("run {flow} --event event.json --input - --trace");
        site.folder
            .with(&args, &input.to_string(), &[])
            .code(1)
            .says("outcome: error")
            .says("not_configured")
            .says("[smtp]");
    }
    site.folder.admit("user list").code(0).says("has no users");
}
