//! What users and browsers may send that is not as it should be, from outside: each ends as the flow says or is refused by name,
//! and never in a session. What a browser's passkey and a provider's token may get wrong stands in `runtime/webauthn/tests`,
//! `runtime/jose` and `stdlib/tests/it/{passkeys,oidc}.rs`.

use serde_json::{Value, json};

use crate::admit::{Done, Folder};

const PASSWORD: &str = "correct horse battery staple";
const ALICE: &str = "alice@cymmetri.com";

fn cymmetri() -> Folder {
    let folder = Folder::example("cymmetri");
    folder.admit("user import users.jsonl").code(0);
    folder
}

fn login(folder: &Folder, input: &[u8]) -> Done {
    folder.run(&["run", "login", "--event", "events/office.json", "--input", "-", "--format", "json"], input, &[])
}

fn ends(done: &Done) -> (String, String) {
    let answer = done.json();
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    (text("outcome"), text("reason"))
}

#[test]
fn t19_identifiers_that_look_alike_are_nobody_and_those_that_are_alike_are_one() {
    let folder = cymmetri();
    let try_it = |identifier: &str, password: &str| {
        let input = json!({"identifier": identifier, "password": password}).to_string();
        ends(&login(&folder, input.as_bytes()))
    };
    let is_in = ("session".to_owned(), String::new());
    let is_out = ("deny".to_owned(), "invalid_credentials".to_owned());
    for same in [ALICE, " Alice@Cymmetri.COM ", "\u{ff41}lice@cymmetri.com", "alice@\u{ff43}ymmetri.com"] {
        assert_eq!(try_it(same, PASSWORD), is_in, "{same:?}");
    }
    let long = format!("{ALICE}{}", "x".repeat(60_000));
    for other in [
        "\u{430}lice@cymmetri.com",
        "alice@cymmetri.\u{441}om",
        "al\u{131}ce@cymmetri.com",
        "al\u{200b}ice@cymmetri.com",
        "alice\u{301}@cymmetri.com",
        "\u{202e}alice@cymmetri.com",
        "alice@cymmetri.com\u{0}",
        "alice\u{0}@cymmetri.com",
        "alice@cymmetri.com@evil.example",
        "alice@evil.example,alice@cymmetri.com",
        "<alice@cymmetri.com>",
        "alice+1@cymmetri.com",
        "a.lice@cymmetri.com",
        "alice",
        "alice%40cymmetri.com",
        "alice@cymmetri.com'--",
        "%",
        "*",
        "",
        "\u{feff}",
        &long,
        &"\u{fdfa}".repeat(10_000),
    ] {
        let shown: String = other.chars().take(40).collect();
        assert_eq!(try_it(other, PASSWORD), is_out, "{shown:?}");
    }
    let long = PASSWORD.repeat(2_000);
    for password in [
        "",
        "correct horse battery stapl",
        "correct horse battery staple ",
        "correct horse battery staple\n",
        "correct horse battery staple\u{0}",
        "correct horse battery staple\u{0}x",
        "Correct horse battery staple",
        "correct\u{a0}horse battery staple",
        "correct horse battery stаple",
        &long,
    ] {
        assert_eq!(try_it(ALICE, password), is_out, "{:?}", password.chars().take(40).collect::<String>());
    }
}

#[test]
fn t12_what_is_no_input_of_the_flow_starts_no_run() {
    let folder = cymmetri();
    let deep = format!("{{\"identifier\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let large = json!({"identifier": ALICE, "password": "x".repeat(1 << 20)}).to_string();
    let inputs: [(&[u8], &str); 14] = [
        (large.as_bytes(), "it is larger than 65536 bytes"),
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"{\"identifier\": \"\xc3\x28\", \"password\": \"x\"}", "not JSON"),
        (br#"{"identifier": "\ud800", "password": "x"}"#, "not JSON"),
        (br#"{"identifier": "a", "identifier": "b"}"#, "not JSON"),
        (deep.as_bytes(), "not JSON"),
        (b"[]", "must be an object"),
        (b"null", "object"),
        (br#"{"identifier": 5}"#, "`identifier`: expected pii string"),
        (br#"{"identifier": ["alice@cymmetri.com"]}"#, "`identifier`: expected pii string"),
        (br#"{"identifier": {"$ne": ""}}"#, "`identifier`: expected pii string"),
        (br#"{"identifier": "a", "user": {"id": "usr_1"}}"#, "user"),
    ];
    for (input, says) in inputs {
        login(&folder, input).code(2).says(says).hides("session").hides("token");
    }
}

/// Signs in with a code: the token that the run waits under.
fn asked(folder: &Folder, identifier: &str) -> String {
    let input = json!({"identifier": identifier}).to_string();
    let args =
        ["run", "login", "--event", "events/office.json", "--input", "-", "--format", "json", "--mailbox", "mail"];
    let answer = folder.run(&args, input.as_bytes(), &[]).code(0).json();
    assert_eq!(answer["outcome"], "suspended", "{answer}");
    answer["resume_token"].as_str().unwrap().to_owned()
}

/// The codes that were mailed to somebody.
fn codes(folder: &Folder, to: &str) -> Vec<String> {
    let mails = std::fs::read_dir(folder.file("mail")).unwrap().map(|entry| entry.unwrap().path());
    let mails =
        mails.map(|path| std::fs::read_to_string(path).unwrap()).filter(|mail| mail.contains(&format!("To: {to}")));
    mails.map(|mail| mail.split("your code is ").nth(1).unwrap()[..6].to_owned()).collect()
}

fn answer(folder: &Folder, token: &str, code: &str) -> Value {
    let input = json!({"code": code}).to_string();
    folder
        .run(
            &["run", "--resume", token, "--input", "-", "--format", "json", "--mailbox", "mail"],
            input.as_bytes(),
            &[],
        )
        .json()
}

#[test]
fn t17_a_code_counts_in_its_own_run_of_its_own_user_once_and_as_it_was_sent() {
    let folder = Folder::example("passwordless");
    folder.admit("user import users.jsonl").code(0);
    let (alices, bobs) = (asked(&folder, ALICE), asked(&folder, "bob@example.net"));
    let (to_alice, to_bob) = (codes(&folder, ALICE), codes(&folder, "bob@example.net"));
    assert_eq!((to_alice.len(), to_bob.len()), (1, 1));
    // Each other's code, in each other's run.
    let again = answer(&folder, &bobs, &to_alice[0]);
    assert_eq!(again["outcome"], "suspended", "{again}");
    let bobs = again["resume_token"].as_str().unwrap().to_owned();
    // Bob's second run has its own code; that of the first is none in it.
    let second = asked(&folder, "bob@example.net");
    let again = answer(&folder, &second, &to_bob[0]);
    assert_eq!(again["outcome"], "suspended", "{again}");
    // Oversized, in other digits, with more around it: no code, whatever it costs.
    let mut token = alices;
    let wide: String =
        to_alice[0].chars().map(|digit| char::from_u32(0xff10 + digit.to_digit(10).unwrap()).unwrap()).collect();
    for wrong in [wide, "1".repeat(1 << 20)] {
        let again = answer(&folder, &token, &wrong);
        assert_eq!(again["outcome"], "suspended", "{again}");
        token = again["resume_token"].as_str().unwrap().to_owned();
    }
    let (first, rest) = to_alice[0].split_at(3);
    let entered = answer(&folder, &token, &format!(" {first}-{rest} "));
    assert_eq!((&entered["outcome"], &entered["session"]["aal"]), (&json!("session"), &json!("aal1")), "{entered}");
    // Used up, in this run and in the next one.
    let args = ["run", "--resume", &token, "--input", "-"];
    folder.run(&args, json!({"code": to_alice[0]}).to_string().as_bytes(), &[]).code(2).hides("outcome: session");
    let next = asked(&folder, ALICE);
    assert_eq!(answer(&folder, &next, &to_alice[0])["outcome"], "suspended");
    assert_eq!(answer(&folder, &bobs, &to_bob[0])["outcome"], "session", "bob's own code in his own run");
}
