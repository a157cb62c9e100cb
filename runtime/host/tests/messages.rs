//! Messages against real peers on this machine: a mail server of npm, a gateway, and servers that misbehave.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "support/mail.rs"]
mod mail;
#[path = "support/npm.rs"]
mod npm;
#[path = "messages/peer.rs"]
mod peer;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use admit_eval::value::Instant;
use admit_host::{Egress, KeyFile, Options, Outlets, RealHost, Secrets, Security, SmsGateway, SmtpServer};
use admit_runtime::host::Host as _;
use admit_runtime::message::{Channel, Content, Message, SendError};
use admit_runtime::testing::MemoryStore;
use serde_json::json;

use mail::MailServer;
use peer::{Certificates, gateway, hanging, injecting, misbehaving};

const PASSWORD: &str = "canary-password";

fn host(folder: &Path, outlets: Outlets) -> RealHost {
    let (keys, _) = KeyFile::open_or_create(&folder.join("admit.db.key")).unwrap();
    let mut secrets = Secrets::default();
    secrets.add("outlet=env:OUTLET", &|_| Some(PASSWORD.to_owned())).unwrap();
    RealHost::new(Arc::new(MemoryStore::default()), keys, Options { secrets, outlets, ..Options::default() }).unwrap()
}

async fn send(outlets: Outlets, message: &Message) -> Result<(), SendError> {
    let folder = tempfile::tempdir().unwrap();
    host(folder.path(), outlets).send(&"local".parse().unwrap(), message).await
}

fn peers(port: u16) -> Egress {
    let mut egress = Egress::default();
    egress.allow_peer(&format!("localhost:{port}")).unwrap();
    egress.allow_peer(&format!("127.0.0.1:{port}")).unwrap();
    egress
}

fn smtp(port: u16, security: Security) -> Outlets {
    let server = SmtpServer::new(&format!("localhost:{port}"), security, "Exämple GmbH <login@example.com>").unwrap();
    Outlets { smtp: Some(server), peers: peers(port), ..Outlets::default() }
}

fn signed_in(mut outlets: Outlets, ca: Option<&Certificates>) -> Outlets {
    let server = outlets.smtp.as_mut().unwrap();
    server.user = Some("admit".to_owned());
    server.password = Some("outlet".to_owned());
    server.ca = ca.map(|ca| ca.pem.clone());
    outlets
}

fn mail(to: &str) -> Message {
    let content = Content {
        subject: "Ihr Code für Exämple: 123456 — 日本".to_owned(),
        text: "Ihr Code ist 123456.\n.\nGrüße, λ\n".to_owned(),
        html: Some("<p>Ihr Code ist <b>123456</b>. Grüße &lt;λ&gt;</p>".to_owned()),
        sms: Some("Code 123456".to_owned()),
        locale: Some("de".to_owned()),
    };
    let at = Instant { seconds: 1_700_000_000, nanos: 0 };
    Message::new(Channel::Mail, "msg_0123abcd".to_owned(), to.to_owned(), content, ("login", "send"), at)
}

#[tokio::test(flavor = "multi_thread")]
async fn f13_a_mail_is_read_back_as_it_was_written() {
    let server = MailServer::start(json!({}));
    send(smtp(server.port, Security::Plain), &mail("alice@example.com")).await.unwrap();
    let got = server.mail();
    assert_eq!(got["from"], "login@example.com");
    assert_eq!(got["to"], json!(["alice@example.com"]));
    assert_eq!(got["header_from"], "\"Exämple GmbH\" <login@example.com>");
    assert_eq!(got["header_to"], "alice@example.com");
    assert_eq!(got["subject"], "Ihr Code für Exämple: 123456 — 日本");
    assert_eq!(got["text"].as_str().unwrap().trim_end(), "Ihr Code ist 123456.\n.\nGrüße, λ");
    assert_eq!(got["html"].as_str().unwrap().trim_end(), "<p>Ihr Code ist <b>123456</b>. Grüße &lt;λ&gt;</p>");
    assert_eq!((&got["id"], &got["attachments"]), (&json!("<msg_0123abcd@example.com>"), &json!(0)));
    assert_eq!(got["date"], "2023-11-14T22:13:20.000Z");
    let header = |name: &str| {
        let lines = got["headers"].as_array().unwrap().iter().filter(|line| line[0] == name);
        lines.map(|line| line[1].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(header("auto-submitted"), ["Auto-Submitted: auto-generated"]);
    assert_eq!(header("content-language"), ["Content-Language: de"]);
    for name in ["from", "to", "subject", "message-id", "date", "mime-version", "content-type"] {
        assert_eq!(header(name).len(), 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t28_nothing_in_a_mail_adds_a_header_or_a_receiver() {
    let server = MailServer::start(json!({}));
    let mut hostile = mail("alice@example.com");
    hostile.content.subject = "a\r\nBcc: eve@example.com\r\n\r\nbody".to_owned();
    hostile.content.text = "x\r\n.\r\nMAIL FROM:<eve@example.com>\r\n".to_owned();
    hostile.content.locale = None;
    send(smtp(server.port, Security::Plain), &hostile).await.unwrap();
    let got = server.mail();
    assert_eq!(got["to"], json!(["alice@example.com"]));
    assert!(got["headers"].as_array().unwrap().iter().all(|line| line[0] != "bcc"), "{got}");
    assert!(got["text"].as_str().unwrap().contains("MAIL FROM:<eve@example.com>"), "{got}");
    for to in ["a@example.com\r\nRCPT TO:<eve@example.com>", "a@example.com> <eve@example.com", ""] {
        let error = send(smtp(server.port, Security::Plain), &mail(to)).await.unwrap_err();
        assert!(error.is_final && error.detail == "the receiver is not a mail address", "{error}");
    }
    assert!(server.no_more_mail());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wants_tls_and_a_password_gets_both() {
    let folder = tempfile::tempdir().unwrap();
    let ca = Certificates::write(folder.path());
    for (how, security) in [("secure", Security::Tls), ("starttls", Security::StartTls)] {
        let server =
            MailServer::start(json!({ how: true, "key": ca.key, "cert": ca.cert, "auth": ["admit", PASSWORD] }));
        let outlets = signed_in(smtp(server.port, security), Some(&ca));
        send(outlets, &mail("alice@example.com")).await.unwrap();
        let got = server.mail();
        assert_eq!((&got["secure"], &got["user"]), (&json!(true), &json!("admit")), "{how}");
        // Without its certificate nothing is sent, and the password least of all.
        let error = send(signed_in(smtp(server.port, security), None), &mail("a@example.com")).await.unwrap_err();
        assert!(!error.is_final && error.detail.contains("certificate"), "{error}");
        assert!(server.no_more_mail());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mail_and_no_password_goes_where_starttls_was_taken_away() {
    let server = MailServer::start(json!({ "auth": ["admit", PASSWORD] }));
    let error = send(signed_in(smtp(server.port, Security::StartTls), None), &mail("a@example.com")).await.unwrap_err();
    assert_eq!(error, SendError::again("the mail server does not offer STARTTLS"));
    assert!(server.no_more_mail());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_waits_for_the_operator_and_is_not_told() {
    let server = MailServer::start(json!({ "auth": ["admit", "another"] }));
    let outlets = signed_in(smtp(server.port, Security::Plain), None);
    let error = send(outlets, &mail("a@example.com")).await.unwrap_err();
    assert!(!error.is_final && error.detail.contains("refuses to sign in: 535"), "{error}");
    assert!(!error.detail.contains(PASSWORD));
    assert!(server.no_more_mail());
}

#[tokio::test(flavor = "multi_thread")]
async fn f13_greylisting_is_tried_again_and_a_refusal_is_not() {
    let server = MailServer::start(json!({ "defer": 1 }));
    let outlets = smtp(server.port, Security::Plain);
    let error = send(outlets.clone(), &mail("a@example.com")).await.unwrap_err();
    assert!(!error.is_final && error.detail.contains("451"), "{error}");
    send(outlets, &mail("a@example.com")).await.unwrap();
    assert_eq!(server.mail()["to"], json!(["a@example.com"]));

    let server = MailServer::start(json!({ "refuse": true }));
    let error = send(smtp(server.port, Security::Plain), &mail("alice@example.com")).await.unwrap_err();
    assert!(error.is_final && error.detail.contains("550"), "{error}");
    assert!(!error.detail.contains("alice@"), "an error names no receiver: {error}");
    assert!(server.no_more_mail());
}

#[tokio::test(flavor = "multi_thread")]
async fn f13_a_mail_that_comes_twice_has_one_id() {
    let server = MailServer::start(json!({ "drop": 1 }));
    let outlets = smtp(server.port, Security::Plain);
    let error = send(outlets.clone(), &mail("a@example.com")).await.unwrap_err();
    assert!(!error.is_final, "{error}");
    send(outlets, &mail("a@example.com")).await.unwrap();
    assert_eq!(server.mail()["id"], server.mail()["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nonsense_or_hangs_up_is_tried_again() {
    let mut tries = tokio::task::JoinSet::new();
    for said in ["", "HTTP/1.1 200 OK\r\n\r\n", "220 hello\r\n", "220\u{0} \r\n999 \r\n", &"220-x\r\n".repeat(100_000)]
    {
        for security in [Security::Plain, Security::Tls] {
            let port = misbehaving(said.to_owned(), false).await;
            tries.spawn(async move { send(smtp(port, security), &mail("a@example.com")).await.unwrap_err() });
        }
    }
    while let Some(error) = tries.join_next().await {
        let error = error.unwrap();
        assert!(!error.is_final && error.detail.len() < 400, "{error}");
    }
    let error = send(smtp(1, Security::Plain), &mail("a@example.com")).await.unwrap_err();
    assert!(!error.is_final && error.detail.contains("refused"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_holds_a_try_for_a_bounded_time() {
    for said in ["", "220 hello\r\n"] {
        let port = misbehaving(said.to_owned(), true).await;
        let began = tokio::time::Instant::now();
        let error = send(smtp(port, Security::Plain), &mail("a@example.com")).await.unwrap_err();
        assert!(!error.is_final && began.elapsed() <= Duration::from_secs(31), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_at_any_step_of_the_dialogue_holds_a_try_for_a_bounded_time() {
    for step in ["EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."] {
        let (port, heard) = hanging(step).await;
        let outlets = signed_in(smtp(port, Security::Plain), None);
        let sent = tokio::spawn(async move { send(outlets, &mail("a@example.com")).await });
        let hangs = || heard.lock().unwrap().last().is_some_and(|line| line.starts_with(step));
        while !hangs() {
            assert!(!sent.is_finished(), "{step}: {:?}", heard.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // Nothing moves any more: from here time passes by itself.
        tokio::time::pause();
        let began = tokio::time::Instant::now();
        let error = sent.await.unwrap().unwrap_err();
        assert!(!error.is_final && error.detail.contains("within 30 s"), "{step}: {error}");
        assert!(began.elapsed() <= Duration::from_secs(31), "{step}");
        tokio::time::resume();
    }
    // A mail that was taken has left, however the server takes the goodbye.
    let (port, _) = hanging("QUIT").await;
    send(signed_in(smtp(port, Security::Plain), None), &mail("a@example.com")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_before_tls_is_nothing_under_tls() {
    let folder = tempfile::tempdir().unwrap();
    let ca = Certificates::write(folder.path());
    // Without somebody on the way the mail leaves: the server is one that works.
    let (port, heard) = injecting(&ca, "").await;
    let outlets = |port| signed_in(smtp(port, Security::StartTls), Some(&ca));
    send(outlets(port), &mail("alice@example.com")).await.unwrap();
    assert!(heard.lock().unwrap().iter().any(|line| line.starts_with("AUTH PLAIN")));
    for injected in [
        "250-evil.example\r\n250 AUTH LOGIN\r\n",
        "250 evil.example\r\n250 well\r\n250 well\r\n250 well\r\n354 go on\r\n250 taken\r\n",
        "250 evil.example\r\n550 5.1.1 no such user\r\n",
        "\n",
        "2",
    ] {
        let (port, heard) = injecting(&ca, injected).await;
        let error = send(outlets(port), &mail("alice@example.com")).await.unwrap_err();
        // For now, not for good: what a stranger says ends no mail.
        assert!(!error.is_final, "{injected:?}: {error}");
        assert!(heard.lock().unwrap().is_empty(), "{injected:?}: it was told {:?}", heard.lock().unwrap());
    }
}

#[tokio::test]
async fn t14_mail_leaves_only_for_checked_addresses() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // Not named as a peer, in whatever spelling; and public, but not encrypted.
    for host in ["localhost", "127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        let server = SmtpServer::new(&format!("{host}:{port}"), Security::Plain, "a@example.com").unwrap();
        let outlets = Outlets { smtp: Some(server), ..Outlets::default() };
        let error = send(outlets, &mail("a@example.com")).await.unwrap_err();
        assert!(!error.is_final && (error.detail.contains("egress") || host == "localhost"), "{host}: {error}");
    }
    let server = SmtpServer::new("8.8.8.8:25", Security::Plain, "a@example.com").unwrap();
    let outlets = Outlets { smtp: Some(server), ..Outlets::default() };
    let error = send(outlets, &mail("a@example.com")).await.unwrap_err();
    assert_eq!(error.detail, "mail goes unencrypted to this machine only");
    let visited = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(visited.is_err(), "nobody came");
}

fn sms(port: u16, secret: Option<&str>, signs: bool) -> Outlets {
    let gateway = SmsGateway {
        url: format!("http://127.0.0.1:{port}/messages"),
        body: json!({ "from": "Admit", "messages": [{ "to": "{{ to }}", "text": "{{ text }}" }] }),
        secret: secret.map(str::to_owned),
        signs,
        countries: vec!["+49".to_owned()],
    };
    Outlets { sms: Some(gateway), peers: peers(port), ..Outlets::default() }
}

fn text_message(to: &str) -> Message {
    let at = Instant { seconds: 1_700_000_000, nanos: 0 };
    let content = Content { text: "Code \"123456\"\\".to_owned(), ..Content::default() };
    Message::new(Channel::Sms, "msg_9".to_owned(), to.to_owned(), content, ("login", "send"), at)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_message_is_posted_with_its_id_and_its_secret() {
    let (port, seen) = gateway(200).await;
    send(sms(port, Some("outlet"), false), &text_message("+49301234567")).await.unwrap();
    send(sms(port, Some("outlet"), true), &text_message("+49301234567")).await.unwrap();
    let seen = seen.lock().unwrap();
    for request in seen.iter() {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["messages"][0], json!({ "to": "+49301234567", "text": "Code \"123456\"\\" }));
        assert!(head.contains("\r\nidempotency-key: msg_9\r\n"), "{head}");
    }
    assert!(seen[0].contains("\r\nauthorization: Bearer canary-password\r\n"), "{}", seen[0]);
    let (head, body) = seen[1].split_once("\r\n\r\n").unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, PASSWORD.as_bytes());
    let tag = ring::hmac::sign(&key, format!("1700000000.{body}").as_bytes());
    let tag: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(head.contains(&format!("x-admit-signature: t=1700000000,v1={tag}")), "{head}");
    assert!(!seen[1].contains(PASSWORD));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_gateway_answers_decides_on_further_tries() {
    for (status, is_final) in
        [(400, true), (404, true), (401, false), (408, false), (429, false), (500, false), (503, false)]
    {
        let (port, seen) = gateway(status).await;
        let error = send(sms(port, None, false), &text_message("+49301234567")).await.unwrap_err();
        assert_eq!(error.is_final, is_final, "{status}: {error}");
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t38_a_number_of_another_country_costs_nothing() {
    let (port, seen) = gateway(200).await;
    let error = send(sms(port, None, false), &text_message("+8801712345678")).await.unwrap_err();
    assert!(error.is_final && error.detail.contains("countries"), "{error}");
    assert!(seen.lock().unwrap().is_empty());
    // A peer that was not named is not called.
    let mut outlets = sms(port, None, false);
    outlets.peers = Egress::default();
    let error = send(outlets, &text_message("+49301234567")).await.unwrap_err();
    assert!(error.detail.contains("egress refused"), "{error}");
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_mailbox_takes_each_message_once() {
    let folder = tempfile::tempdir().unwrap();
    let outlets = Outlets { mailbox: Some(folder.path().join("new/mail")), ..Outlets::default() };
    let began = Clock::now();
    for _ in 0..2 {
        send(outlets.clone(), &mail("alice@example.com")).await.unwrap();
        send(outlets.clone(), &text_message("+49301234567")).await.unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(10));
    let mut names: Vec<_> = std::fs::read_dir(folder.path().join("new/mail"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["msg_0123abcd.eml", "msg_9.sms.txt"]);
    let text = std::fs::read_to_string(folder.path().join("new/mail/msg_9.sms.txt")).unwrap();
    assert_eq!(text, "To: +49301234567\n\nCode \"123456\"\\\n");
}

#[tokio::test]
async fn what_nobody_takes_is_refused_before_it_is_queued() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path(), Outlets::default());
    let tenant = "local".parse().unwrap();
    for (channel, section) in [(Channel::Mail, "[smtp]"), (Channel::Sms, "[sms]")] {
        let error = host.can_send(&tenant, channel).unwrap_err().to_string();
        assert!(error.contains(section) && error.contains("--mailbox"), "{error}");
    }
    assert!(host.link_base(&tenant).unwrap_err().to_string().contains("[links] base"));
}
