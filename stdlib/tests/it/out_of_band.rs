//! Codes that are sent as a second factor, on a SQLite file and over a gateway on this machine: T17, T19, T38.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use admit_eval::datum::Datum;
use admit_eval::value::Span;
use admit_host::{Egress, Options, Outlets, SmsGateway};
use admit_runtime::block::{Done, Output, Prompt};
use admit_runtime::host::Host;
use admit_runtime::message::{KIND, Message};
use admit_runtime::unit::{Material, NewCredential, Unit, Write};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::support::*;

const NUMBER: &str = "+49301234567";
const OTHER: &str = "+49307654321";
const BEGIN: i64 = 1_700_000_000;

/// A gateway that takes every message, and keeps the bodies that it was sent.
async fn gateway() -> (u16, Arc<Mutex<Vec<serde_json::Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = String::new();
            let mut buffer = [0; 4096];
            let body = loop {
                match socket.read(&mut buffer).await {
                    Ok(0) | Err(_) => break None,
                    Ok(read) => request.push_str(&String::from_utf8_lossy(&buffer[..read])),
                }
                let body = request.split_once("\r\n\r\n").map(|(_, body)| serde_json::from_str(body));
                if let Some(Ok(body)) = body {
                    break Some(body);
                }
            };
            log.lock().unwrap().extend(body);
            let _gone = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        }
    });
    (port, seen)
}

/// A world whose texts leave over the gateway at this port. Alice has an app and a verified mailbox; whoever is asked has a number.
async fn phone_world(port: u16) -> World {
    let mut peers = Egress::default();
    peers.allow_peer(&format!("127.0.0.1:{port}")).unwrap();
    let sms = SmsGateway {
        url: format!("http://127.0.0.1:{port}/messages"),
        body: serde_json::json!({ "to": "{{ to }}", "text": "{{ text }}" }),
        secret: None,
        signs: false,
        countries: Vec::new(),
    };
    let outlets = Outlets { sms: Some(sms), peers, ..Outlets::default() };
    let world = world_of(Options { outlets, ..Options::default() }).await;
    has_number(&world, NUMBER).await;
    world
}

async fn has_number(world: &World, number: &str) {
    let new = NewCredential {
        id: "crd_sms".to_owned(),
        user_id: "usr_alice".to_owned(),
        kind: "sms".to_owned(),
        material: Material::new(number.as_bytes()),
        data: Datum::Map(Vec::new()),
        counter: None,
        external_id: None,
    };
    let unit = Unit { writes: vec![Write::InsertCredential(Box::new(new))], ..Unit::default() };
    world.commit("run_enrolled", unit).await.unwrap();
}

/// A visit of a block: what it gave, and what left with it.
struct Visit {
    done: Done,
    unit: Unit,
    messages: Vec<Message>,
}

impl Visit {
    fn prompt(&self) -> &Prompt {
        match &self.done {
            Done::Prompt(prompt) => prompt,
            other => panic!("no prompt: {}", name(other)),
        }
    }

    fn output(&self) -> &Output {
        match &self.done {
            Done::Output(output) => output,
            other => panic!("no output: {}", name(other)),
        }
    }

    fn problem(&self) -> String {
        self.prompt().challenge.get("problem").and_then(Datum::as_str).unwrap_or_default().to_owned()
    }

    fn memory(&self) -> Option<Datum> {
        Some(self.prompt().memory.clone())
    }

    fn code(&self) -> String {
        let [message] = self.messages.as_slice() else { panic!("{} messages", self.messages.len()) };
        message.content.text.chars().filter(char::is_ascii_digit).take(6).collect()
    }
}

static RUNS: AtomicU32 = AtomicU32::new(0);

/// Runs a block and commits what it has written, as the run does that waits for the answer.
async fn visit(world: &World, block: &str, given: Given) -> Visit {
    let mut unit = Unit::default();
    let done = world.run(block, given, &mut unit).await.unwrap();
    let run = format!("run_visit_{}", RUNS.fetch_add(1, Ordering::Relaxed));
    world.commit(&run, unit.clone()).await.unwrap();
    let sent = unit.writes.iter().filter_map(|write| match write {
        Write::Enqueue { kind, payload, .. } if kind == KIND => Some(Message::decode(payload).unwrap()),
        _ => None,
    });
    let messages = sent.collect();
    Visit { done, unit, messages }
}

fn mfa(factors: &[&str], methods: &[&str], at: i64) -> Given {
    Given {
        config: vec![
            ("factors", words(factors)),
            ("template", text("code")),
            ("attempts", Datum::Int(10)),
            ("must_verify", Datum::Bool(false)),
            ("remember_device", Datum::Bool(false)),
            ("remember_for", Datum::Duration(Span { seconds: 1_000, nanos: 0 })),
        ],
        event: vec![
            ("user.id", text("usr_alice")),
            ("user.phone", text(NUMBER)),
            ("authentication.methods", words(methods)),
            ("authentication.aal", text("aal1")),
            ("request.ip", text("203.0.113.9")),
        ],
        at,
        ..Given::default()
    }
}

fn answer(given: Given, after: &Visit, code: &str) -> Given {
    Given { memory: after.memory(), input: Some(("code", code.to_owned())), ..given }
}

fn again(given: Given, after: &Visit) -> Given {
    Given { memory: after.memory(), fields: vec![("resend", Datum::Bool(true))], ..given }
}

fn is(visit: &Visit, what: &str) -> bool {
    field(visit.output(), what) == Datum::Bool(true)
}

/// A code that this one is not.
fn not(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

#[tokio::test]
async fn a_code_goes_over_the_gateway_when_the_factor_is_chosen_and_makes_two_factors_after_a_password() {
    let (port, seen) = gateway().await;
    let world = phone_world(port).await;
    let given = |at| mfa(&["totp", "sms"], &["password"], at);
    let first = visit(&world, "mfa", given(BEGIN)).await;
    assert!(first.messages.is_empty(), "nobody has asked for it");
    let chosen = Given { memory: first.memory(), fields: vec![("factor", text("sms"))], ..given(BEGIN + 1) };
    let asked = visit(&world, "mfa", chosen).await;
    let [message] = asked.messages.as_slice() else { panic!("not one message") };
    assert_eq!((message.to.as_str(), message.user_id.as_deref()), (NUMBER, Some("usr_alice")));
    world.host.send(&world.tenant, message).await.unwrap();
    let body = seen.lock().unwrap().first().cloned().unwrap();
    assert_eq!(body["to"], NUMBER);
    let code: String = body["text"].as_str().unwrap().chars().filter(char::is_ascii_digit).take(6).collect();
    assert!(!format!("{:?}", asked.prompt()).contains(&code), "neither the challenge nor the memory holds the code");

    let done = visit(&world, "mfa", answer(given(BEGIN + 10), &asked, &format!("{} {}", &code[..3], &code[3..]))).await;
    assert!(is(&done, "verified") && is(&done, "aal2"));
    assert_eq!(field(done.output(), "factor"), text("sms"));
    assert!(done.unit.writes.iter().any(|write| matches!(write, Write::TakeChallenge { .. })));
    let replayed = visit(&world, "mfa", answer(given(BEGIN + 11), &asked, &code)).await;
    assert!(replayed.problem().contains("wrong"), "once");
}

#[tokio::test]
async fn t17_another_code_kills_the_one_before_and_gives_no_further_tries() {
    let (port, _) = gateway().await;
    let world = phone_world(port).await;
    let given = |at| mfa(&["sms"], &["password"], at);
    let first = visit(&world, "mfa", given(BEGIN)).await;
    let old = first.code();
    assert_eq!(first.prompt().challenge.get("resend_after"), Some(&Datum::Int(30)));
    let soon = visit(&world, "mfa", again(given(BEGIN + 29), &first)).await;
    assert!(
        soon.messages.is_empty() && soon.problem() == "another code can be sent in 1 seconds",
        "{}",
        soon.problem()
    );
    let mut last = soon;
    for _ in 0..3 {
        last = visit(&world, "mfa", answer(given(BEGIN + 30), &last, &not(&old))).await;
    }
    let renewed = visit(&world, "mfa", again(given(BEGIN + 31), &last)).await;
    let new = renewed.code();
    // One in a million: the same code again says nothing of the one before.
    if old != new {
        let dead = visit(&world, "mfa", answer(given(BEGIN + 32), &renewed, &old)).await;
        assert!(dead.problem().contains("wrong"));
        last = visit(&world, "mfa", answer(given(BEGIN + 32), &dead, &not(&new))).await;
        let late = visit(&world, "mfa", answer(given(BEGIN + 33), &last, &new)).await;
        assert!(late.problem().contains("wrong"), "right, but the sixth try of the challenge");
    }
}

#[tokio::test]
async fn t38_a_challenge_sends_four_codes_a_number_gets_five_an_hour_and_a_burst_no_more() {
    let (port, seen) = gateway().await;
    let world = phone_world(port).await;
    let given = |at| mfa(&["sms"], &["password"], at);
    let mut last = visit(&world, "mfa", given(BEGIN)).await;
    let mut sent = last.messages.clone();
    for round in 1..=5 {
        last = visit(&world, "mfa", again(given(BEGIN + 30 * round), &last)).await;
        sent.extend(last.messages.clone());
    }
    assert_eq!((sent.len(), last.problem().as_str()), (4, "no more codes are sent in this run"));
    assert_eq!(last.prompt().challenge.get("resend_after"), None);
    // A hundred runs at once: one more is left to this number within the hour.
    let burst = (0..100).map(|_| visit(&world, "mfa", given(BEGIN + 200)));
    for visit in futures_util::future::join_all(burst).await {
        sent.extend(visit.messages);
    }
    assert_eq!(sent.len(), 5);
    for message in &sent {
        world.host.send(&world.tenant, message).await.unwrap();
    }
    assert_eq!(seen.lock().unwrap().len(), 5);
    let codes: std::collections::BTreeSet<_> = sent.iter().map(|message| message.id.clone()).collect();
    assert_eq!(codes.len(), 5, "each is a message of its own");
}

#[tokio::test]
async fn nothing_makes_two_factors_of_a_mailbox_or_of_one_phone_twice() {
    let (port, _) = gateway().await;
    let world = phone_world(port).await;
    for (methods, two) in
        [(&["password"][..], true), (&["social"], true), (&["sms"], false), (&["email"], false), (&[], false)]
    {
        let first = visit(&world, "require_mfa", require("sms", methods)).await;
        let done = visit(&world, "require_mfa", answer(require("sms", methods), &first, &first.code())).await;
        assert!(is(&done, "verified"), "{methods:?}");
        assert_eq!(is(&done, "aal2"), two, "{methods:?}");
    }
    // An app after a code to a number or a mailbox: both only held, or one no authenticator.
    for (methods, two) in
        [(&["sms"][..], false), (&["email"], false), (&["totp"], false), (&["password", "totp"], true)]
    {
        let event = vec![("user.id", text("usr_alice")), ("authentication.methods", words(methods))];
        let given = Given { event, at: 150, input: Some(("code", CODES[5].to_owned())), ..require("totp", methods) };
        let mut unit = Unit::default();
        let done = output(world.run("require_mfa", given, &mut unit).await);
        assert_eq!(field(&done, "aal2"), Datum::Bool(two), "{methods:?}");
    }
}

fn require(factor: &'static str, methods: &[&str]) -> Given {
    let config = vec![
        ("factor", text(factor)),
        ("template", text("code")),
        ("attempts", Datum::Int(3)),
        ("must_verify", Datum::Bool(false)),
    ];
    Given { config, ..mfa(&[], methods, BEGIN) }
}

fn enroll(at: i64) -> Given {
    let config = vec![
        ("factors", words(&["sms"])),
        ("template", text("code")),
        ("attempts", Datum::Int(5)),
        ("must_verify", Datum::Bool(true)),
        ("backup_codes", Datum::Int(0)),
    ];
    let event = vec![
        ("user.id", text("usr_bob")),
        ("authentication.methods", words(&["password"])),
        ("authentication.aal", text("aal1")),
        ("request.ip", text("203.0.113.9")),
    ];
    Given { config, event, at, ..Given::default() }
}

fn with_phone(given: Given, after: &Visit, number: &str) -> Given {
    Given { memory: after.memory(), fields: vec![("phone", text(number))], ..given }
}

#[tokio::test]
async fn a_number_is_a_factor_once_the_code_that_went_to_it_was_shown() {
    let (port, _) = gateway().await;
    let world = phone_world(port).await;
    let first = visit(&world, "require_mfa_enroll", enroll(BEGIN)).await;
    assert_eq!(first.prompt().challenge.get("wants"), Some(&text("phone")));
    let bad = visit(&world, "require_mfa_enroll", with_phone(enroll(BEGIN), &first, "110")).await;
    assert!(bad.problem().contains("no phone number") && bad.messages.is_empty());
    let asked = visit(&world, "require_mfa_enroll", with_phone(enroll(BEGIN), &bad, "+49 30 1234567")).await;
    assert_eq!(asked.messages[0].to, NUMBER);
    let old = asked.code();
    // Another number within half a minute: the code of the first one proves the first one.
    let soon = visit(&world, "require_mfa_enroll", with_phone(enroll(BEGIN + 5), &asked, OTHER)).await;
    assert!(soon.messages.is_empty() && soon.problem().contains("seconds"));
    assert_eq!(soon.prompt().challenge.get("phone"), Some(&text(NUMBER)));
    // Later: it dies, and only what went to the other number proves that one.
    let other = visit(&world, "require_mfa_enroll", with_phone(enroll(BEGIN + 30), &soon, OTHER)).await;
    assert_eq!(other.messages[0].to, OTHER);
    let new = other.code();
    let mut last = other;
    if old != new {
        last = visit(&world, "require_mfa_enroll", answer(enroll(BEGIN + 31), &last, &old)).await;
        assert!(last.problem().contains("wrong"));
    }
    let done = visit(&world, "require_mfa_enroll", answer(enroll(BEGIN + 32), &last, &new)).await;
    assert!(is(&done, "enrolled"));
    let kept = admit_runtime::host::Store::credentials(&world.store, &world.tenant, "usr_bob", "sms").await.unwrap();
    assert_eq!(kept.iter().map(|one| one.material.expose()).collect::<Vec<_>>(), [OTHER.as_bytes()]);
}

fn brute(event: Vec<(&'static str, Datum)>) -> Given {
    let config = vec![
        ("by", text("user")),
        ("limit", Datum::Int(5)),
        ("window", Datum::Duration(Span { seconds: 900, nanos: 0 })),
        ("lockout", Datum::Duration(Span { seconds: 900, nanos: 0 })),
    ];
    Given { config, event, at: BEGIN + 60, ..Given::default() }
}

#[tokio::test]
async fn t17_wrong_codes_count_as_failures_and_a_right_password_does_not_set_them_back() {
    let (port, _) = gateway().await;
    let world = phone_world(port).await;
    let named = vec![("identifier", text("alice@cymmetri.com"))];
    for round in 0..5 {
        let given =
            Given { input: Some(("code", "000000".to_owned())), ..mfa(&["totp"], &["password"], BEGIN + round) };
        visit(&world, "mfa", given).await;
        // Whoever guesses has the password.
        let password = Given {
            config: vec![("attempts", Datum::Int(1))],
            event: named.clone(),
            input: Some(("password", PASSWORD.to_owned())),
            at: BEGIN + round,
            ..Given::default()
        };
        assert!(is(&visit(&world, "password_check", password).await, "verified"));
    }
    let found = output(world.run("brute_force", brute(named.clone()), &mut Unit::default()).await);
    assert_eq!((field(&found, "blocked"), field(&found, "failures")), (Datum::Bool(true), Datum::Int(5)));
    // The second factor itself does.
    let right = Given { input: Some(("code", CODES[5].to_owned())), ..mfa(&["totp"], &["password"], 150) };
    assert!(is(&visit(&world, "mfa", right).await, "verified"));
    let found = output(world.run("brute_force", brute(named), &mut Unit::default()).await);
    assert_eq!(field(&found, "failures"), Datum::Int(0));
}

#[tokio::test]
async fn t19_wrong_codes_of_nobody_count_alike() {
    let world = mail_world().await;
    for identifier in ["alice@cymmetri.com", "nobody@cymmetri.com"] {
        let event = vec![("identifier", text(identifier)), ("request.ip", text("203.0.113.9"))];
        let send = Given {
            config: vec![
                ("channel", text("email")),
                ("ttl", Datum::Duration(Span { seconds: 300, nanos: 0 })),
                ("digits", Datum::Int(10)),
                ("template", text("code")),
            ],
            event: event.clone(),
            at: BEGIN,
            ..Given::default()
        };
        let sent = visit(&world, "channel_otp_send", send).await;
        let challenge = field(sent.output(), "challenge");
        let verify = |memory| Given {
            config: vec![("challenge", challenge.clone()), ("attempts", Datum::Int(5))],
            event: event.clone(),
            input: Some(("code", "0000000000".to_owned())),
            memory,
            at: BEGIN + 1,
            ..Given::default()
        };
        let mut memory = None;
        for _ in 0..4 {
            memory = visit(&world, "channel_otp_verify", verify(memory)).await.memory();
        }
        assert!(!is(&visit(&world, "channel_otp_verify", verify(memory)).await, "verified"));
        let found = output(world.run("brute_force", brute(event.clone()), &mut Unit::default()).await);
        assert_eq!((field(&found, "blocked"), field(&found, "failures")), (Datum::Bool(true), Datum::Int(5)));
        // Another one is sent to both, or to neither; who reads the mailbox alone knows.
        let again = Given { input: None, fields: vec![("resend", Datum::Bool(true))], ..verify(None) };
        let asked = visit(&world, "channel_otp_verify", Given { at: BEGIN + 60, ..again }).await;
        assert_eq!(asked.problem(), "no more codes are sent in this run", "the tries are used up");
    }
}

#[tokio::test]
async fn t17_a_hundred_parallel_guesses_at_one_code_use_the_allowed_tries() {
    let world = mail_world().await;
    let event = vec![("identifier", text("alice@cymmetri.com")), ("request.ip", text("203.0.113.9"))];
    let config = vec![
        ("channel", text("email")),
        ("ttl", Datum::Duration(Span { seconds: 300, nanos: 0 })),
        ("digits", Datum::Int(6)),
        ("template", text("code")),
    ];
    let sent =
        visit(&world, "channel_otp_send", Given { config, event: event.clone(), at: BEGIN, ..Given::default() }).await;
    let (challenge, code) = (field(sent.output(), "challenge"), sent.code());
    let verify = |code: String| Given {
        config: vec![("challenge", challenge.clone()), ("attempts", Datum::Int(5))],
        event: event.clone(),
        input: Some(("code", code)),
        at: BEGIN + 1,
        ..Given::default()
    };
    let guesses = (0..100).map(|_| visit(&world, "channel_otp_verify", verify(not(&code))));
    let guesses = futures_util::future::join_all(guesses).await;
    // Who is asked again was compared, and so was the fifth.
    let asked = guesses.iter().filter(|guess| matches!(guess.done, Done::Prompt(_))).count();
    assert_eq!(asked, 4);
    assert!(!is(&visit(&world, "channel_otp_verify", verify(code)).await, "verified"), "right, but too late");
}
