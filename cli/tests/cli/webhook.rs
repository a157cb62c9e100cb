//! Outbound calls: only to peers that were allowed, with the secret of the command line; else nothing is sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::admit::Folder;

/// A fraud service on this machine that answers every request alike.
pub struct Service {
    pub port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Service {
    /// One that answers with this body.
    pub fn new(body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let request = answer(&mut stream.unwrap(), body);
                kept.lock().unwrap().push(request);
            }
        });
        Self { port, requests }
    }

    /// What was received.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(stream: &mut TcpStream, body: &str) -> String {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut request = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        request.push_str(&line);
    }
    let mut content = vec![0; length];
    let _closed = reader.read_exact(&mut content);
    request.push_str(&String::from_utf8_lossy(&content));
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let _closed = stream.write_all(answer.as_bytes());
    request
}

/// The example with its service on this machine, for the tenant `acme`.
pub fn project(service: &Service) -> Folder {
    let folder = Folder::example("fraud-webhook-branch");
    let url = format!("[params]\nfraud-url = \"http://127.0.0.1:{}/score\"\n", service.port);
    folder.write("tenants/acme.toml", url);
    folder.admit("user import users.jsonl --tenant acme").code(0);
    folder
}

const RUN: &str = "run login --event events/office.json --input inputs/alice.json --tenant acme --trace";
const KEY: [(&str, &str); 1] = [("FRAUD_KEY", "key-of-the-fraud-service")];

#[test]
fn an_allowed_peer_is_called_with_the_secret() {
    let service = Service::new(r#"{"risk_score": 0.1}"#);
    let folder = project(&service);
    let args = format!("{RUN} --secret fraud-key=env:FRAUD_KEY --allow-egress 127.0.0.1:{}", service.port);
    folder.with(&args, "", &KEY).code(0).says("on-score  -> clean").says("outcome: session").hides(KEY[0].1);
    let requests = service.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].starts_with("POST /score HTTP/1.1\r\n"), "{}", requests[0]);
    assert!(requests[0].contains("authorization: Bearer key-of-the-fraud-service\r\n"), "{}", requests[0]);
    assert!(requests[0].contains("\"email\":\"alice@cymmetri.com\""), "{}", requests[0]);
}

#[test]
fn a_bad_score_denies_and_an_answer_of_another_shape_costs_a_second_factor() {
    for (body, code, says) in [
        (r#"{"risk_score": 0.9}"#, 1, "outcome: deny fraud_suspected"),
        (r#"{"risk_score": 7.5}"#, 0, "on-score  -> unknown"),
        (r#"{"score": 0.1}"#, 0, "outcome: suspended at mfa"),
        ("<html>", 0, "outcome: suspended at mfa"),
    ] {
        let service = Service::new(body);
        let folder = project(&service);
        let args = format!("{RUN} --secret fraud-key=env:FRAUD_KEY --allow-egress 127.0.0.1:{}", service.port);
        folder.with(&args, "", &KEY).code(code).says(says);
        assert!(!service.requests().is_empty());
    }
}

#[test]
fn t14_without_leave_nothing_is_sent_and_the_run_goes_on() {
    let service = Service::new(r#"{"risk_score": 0.1}"#);
    let folder = project(&service);
    let secret = "--secret fraud-key=env:FRAUD_KEY";
    let other = if service.port == 9 { 10 } else { 9 };
    for more in [secret.to_owned(), format!("{secret} --allow-egress 127.0.0.1:{other}"), String::new()] {
        let done = folder.with(&format!("{RUN} {more}"), "", &KEY).code(0);
        done.says("fraud-signal  failed: ").says("on-score  -> unknown").says(" --input FILE --tenant acme\n");
    }
    // Without the secret nothing is sent either.
    let args = format!("{RUN} --allow-egress 127.0.0.1:{}", service.port);
    folder.with(&args, "", &KEY).code(0).says("give `--secret fraud-key=env:VAR`");
    assert_eq!(service.requests(), Vec::<String>::new());
}

#[test]
fn secrets_and_peers_of_another_form_are_refused() {
    let service = Service::new("{}");
    let folder = project(&service);
    for (secret, says) in [
        ("fraud-key=hunter22", "never as its value"),
        ("fraud-key", "never as its value"),
        ("fraud-key=env:NOT_SET", "`NOT_SET` is not set"),
        ("fraud-key=env:FRAUD_KEY --secret fraud-key=env:FRAUD_KEY", "given twice"),
    ] {
        folder.with(&format!("{RUN} --secret {secret}"), "", &KEY).code(2).says(says).hides("hunter22");
    }
    for peer in
        ["example.com:80", "10.0.0.1:80", "127.0.0.1", "http://127.0.0.1:80", "169.254.169.254:80", "0.0.0.0:80"]
    {
        folder.with(&format!("{RUN} --allow-egress {peer}"), "", &KEY).code(2).says("error: ");
    }
}
