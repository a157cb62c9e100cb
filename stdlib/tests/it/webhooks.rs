//! `call_webhook` against a server on this machine.

use std::sync::{Arc, Mutex};

use admit_host::{Egress, Secrets};
use admit_plan::types::{Field, Kind, Type};
use admit_runtime::block::BlockError;
use admit_runtime::host::{HttpError, Secret};
use admit_runtime::unit::Unit;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::support::*;
use admit_eval::datum::Datum;

/// A server with one answer; keeps what it was sent.
pub async fn serve(status: &str, body: &str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-two: a\r\nx-two: b\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = vec![0; 16 * 1024];
            let read = socket.read(&mut buffer).await.unwrap_or(0);
            log.lock().unwrap().push(String::from_utf8_lossy(buffer.get(..read).unwrap()).into_owned());
            let _ = socket.write_all(answer.as_bytes()).await;
            let _ = socket.shutdown().await;
        }
    });
    (port, seen)
}

pub async fn world_calling(port: u16) -> World {
    let mut egress = Egress::default();
    egress.allow_peer(&format!("127.0.0.1:{port}")).unwrap();
    world_with(egress, Secrets::default()).await
}

fn risk_score() -> Type {
    let fields = vec![Field { name: "risk_score".into(), ty: Kind::DOUBLE.into() }];
    Kind::Record(fields.into()).into()
}

fn call(port: u16) -> Given {
    Given {
        config: vec![
            ("url", text(&format!("http://127.0.0.1:{port}/score?user=usr_1"))),
            ("method", text("POST")),
            ("headers", Datum::Map(vec![(text("x-flow"), text("login"))])),
            ("body", Datum::Map(vec![(text("ip"), text("203.0.113.9")), (text("count"), Datum::Int(2))])),
        ],
        config_secrets: vec![
            ("headers.authorization".to_owned(), Secret::new(*b"Bearer canary-secret")),
            ("sign".to_owned(), Secret::new(*b"signing-secret")),
        ],
        types: vec![("expect".to_owned(), risk_score())],
        at: 1_700_000_000,
        ..Given::default()
    }
}

#[tokio::test]
async fn the_answer_is_typed_and_the_request_is_signed() {
    let (port, seen) = serve("200 OK", r#"{"risk_score": 1, "model": "m7"}"#).await;
    let world = world_calling(port).await;
    let done = output(world.run("call_webhook", call(port), &mut Unit::default()).await);
    assert_eq!(field(&done, "status"), Datum::Int(200));
    assert_eq!(field(&done, "headers").get("x-two"), Some(&text("a, b")));
    // The int of the JSON became the double asked for; what was not asked for is left out.
    assert_eq!(field(&done, "body"), Datum::Map(vec![(text("risk_score"), Datum::Double(1.0))]));
    let seen = seen.lock().unwrap();
    let sent = seen.first().unwrap();
    let (head, body) = sent.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, r#"{"count":2,"ip":"203.0.113.9"}"#);
    assert!(head.starts_with("POST /score?user=usr_1 HTTP/1.1\r\n"), "{head}");
    for line in ["x-flow: login", "authorization: Bearer canary-secret", "content-type: application/json"] {
        assert!(head.lines().any(|each| each == line), "{line} in {head}");
    }
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"signing-secret");
    let tag = ring::hmac::sign(&key, format!("1700000000.{body}").as_bytes());
    let tag: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(head.lines().any(|line| line == format!("x-admit-signature: t=1700000000,v1={tag}")), "{head}");
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_named_without_its_values() {
    for (body, detail) in [
        (r#"{"risk_score": "canary"}"#, "the answer (status 200) does not fit `expect` at `body.risk_score`"),
        (r#"{"score": 0.5}"#, "the answer (status 200) does not fit `expect` at `body.risk_score`"),
        (r#"["canary"]"#, "the answer (status 200) does not fit `expect` at `body`"),
        ("<html>canary</html>", "the answer (status 200) is not JSON: expected value at line 1 column 1"),
        ("", "the answer (status 200) is not JSON: EOF while parsing a value at line 1 column 0"),
    ] {
        let (port, _) = serve("200 OK", body).await;
        let error =
            world_calling(port).await.run("call_webhook", call(port), &mut Unit::default()).await.err().unwrap();
        assert_eq!(error, BlockError::Named { name: "unexpected_body", detail: detail.to_owned() });
    }
}

#[tokio::test]
async fn without_expect_the_body_is_what_came() {
    for (body, expected) in [
        (r#"{"a": [1]}"#, Datum::Map(vec![(text("a"), Datum::List(vec![Datum::Int(1)]))])),
        ("pong", text("pong")),
        ("", Datum::Null),
    ] {
        let (port, seen) = serve("503 Service Unavailable", body).await;
        let mut given = call(port);
        given.types.clear();
        given.config_secrets.clear();
        given.config = vec![
            ("url", text(&format!("http://127.0.0.1:{port}/"))),
            ("method", text("GET")),
            ("body", Datum::Optional(None)),
        ];
        let done = output(world_calling(port).await.run("call_webhook", given, &mut Unit::default()).await);
        assert_eq!((field(&done, "status"), field(&done, "body")), (Datum::Int(503), expected));
        let seen = seen.lock().unwrap();
        let sent = seen.first().unwrap();
        assert!(sent.starts_with("GET / ") && sent.ends_with("\r\n\r\n") && !sent.contains("content-type"), "{sent}");
    }
}

#[tokio::test]
async fn t14_what_was_not_allowed_is_not_called() {
    let (port, seen) = serve("200 OK", "{}").await;
    let world = world().await;
    let error = world.run("call_webhook", call(port), &mut Unit::default()).await.err().unwrap();
    assert!(matches!(error, BlockError::Http(HttpError::Refused(_))), "{error}");
    let world = world_calling(port).await;
    for (path, value) in [("headers.x-a", "b\r\nx-c: d"), ("headers.host", "evil.example"), ("headers.x\na", "b")] {
        let mut given = call(port);
        given.config_secrets.push((path.to_owned(), Secret::new(value.as_bytes())));
        let error = world.run("call_webhook", given, &mut Unit::default()).await.err().unwrap();
        assert!(matches!(error, BlockError::Http(HttpError::Refused(_))), "{error}");
        assert!(!error.to_string().contains(value));
    }
    assert!(seen.lock().unwrap().is_empty());
}
