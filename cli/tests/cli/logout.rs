//! Logging out from the command line: what clients are told through the back channel, by a receiver that verifies it with a
//! library of its own (`jose` of npm); the front channel; and where the user may go.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::admit::{Folder, LOGIN};
use crate::provider::Real;

/// A client's back channel that answers each call with the next of these statuses; what it was sent.
fn receiver(statuses: &'static [u16]) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (to, heard) = channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = String::new();
            let mut buffer = [0; 4096];
            while !request.contains("logout_token=") || !is_whole(&request) {
                let read = socket.read(&mut buffer).unwrap();
                request.push_str(str::from_utf8(&buffer[..read]).unwrap());
                assert!(read > 0, "the request ends: {request}");
            }
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            socket.write_all(answer.as_bytes()).unwrap();
            to.send(request).unwrap();
        }
    });
    (port, heard)
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    body.len() >= length.parse().unwrap()
}

/// A project with alice in it, and the client `site`, which is told at this port.
fn project(port: u16) -> Folder {
    let folder = Folder::project(LOGIN);
    let text = folder.read("admit.toml");
    folder.write(
        "admit.toml",
        format!(
            "{text}\n[tokens]\nissuer = \"https://login.example\"\n\n[clients.site]\npost_logout_redirect_uris = \
             [\"https://site.example/bye\"]\nbackchannel_logout_uri = \"http://127.0.0.1:{port}/logout?x=y\"\n\
             frontchannel_logout_uri = \"https://site.example/frame?a=b\"\n"
        ),
    );
    folder.write(
        "flows/logout.admit",
        "system flow logout {\n  stage pre-logout {\n    logout\n    finalize {\n      redirect_to: step.logout.?redirect_to,\n      \
         result: { \"pages\": step.logout.front_channel_urls },\n    }\n  }\n}\n",
    );
    folder.write("e.json", r#"{"client": {"id": "site", "type": "web"}}"#);
    folder.write("i.json", r#"{"identifier": "a@x.io", "password": "a long enough sentence"}"#);
    folder.with("user add --email a@x.io --password-stdin", "a long enough sentence", &[]).code(0);
    folder
}

/// Signs in; token and id of the session.
fn sign_in(folder: &Folder) -> (String, String) {
    let answer = folder.admit("run login --event e.json --input i.json --format json").code(0).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&answer["token"]), text(&answer["session"]["id"]))
}

fn logout(folder: &Folder, (event, session): (&str, &str), port: u16) -> crate::admit::Done {
    let peer = format!("127.0.0.1:{port}");
    let args = ["run", "logout", "--event", event, "--session", session, "--format", "json", "--allow-egress", &peer];
    folder.run(&args, b"", &[])
}

#[test]
fn f13_a_client_is_told_with_a_token_that_its_own_library_verifies_and_again_where_it_was_down() {
    let (port, heard) = receiver(&[503, 302, 200]);
    let folder = project(port);
    let (token, id) = sign_in(&folder);
    let done = logout(&folder, ("e.json", &token), port).code(0).says("a queued step failed and stays queued");
    assert_eq!(done.json()["outcome"], "finalized");
    // It is the queue's from here: later commands try again when its pause is over.
    let mut requests = vec![heard.recv_timeout(Duration::from_secs(10)).unwrap()];
    let began = std::time::Instant::now();
    while requests.len() < 3 {
        assert!(began.elapsed() < Duration::from_secs(20), "{} tries", requests.len());
        std::thread::sleep(Duration::from_millis(300));
        let peer = format!("run login --event e.json --input i.json --format json --allow-egress 127.0.0.1:{port}");
        folder.admit(&peer).code(0);
        requests.extend(heard.try_iter());
    }
    let mut real = Real::start();
    let set = folder.admit("keys jwks").code(0).json().to_string();
    let expected =
        json!({"issuer": "https://login.example", "audience": "site", "typ": "logout+jwt", "algorithms": ["EdDSA"]});
    let mut ids = Vec::new();
    for request in &requests {
        assert!(request.starts_with("POST /logout?x=y HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"), "{request}");
        let (_, token) = request.split_once("\r\n\r\nlogout_token=").unwrap();
        let said = real.ask(&["verify", &set, token, &expected.to_string()]);
        let claims: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
        // Section 2.4: what must be there, and what must not.
        assert_eq!(claims["sid"], json!(id));
        assert!(claims["sub"].as_str().unwrap().starts_with("usr_") && claims.get("nonce").is_none(), "{claims}");
        assert_eq!(claims["events"], json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
        let lasts = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert!((1..=120).contains(&lasts), "{lasts} s");
        ids.push(claims["jti"].as_str().unwrap().to_owned());
        // For another client, or as a token of another kind, it is none.
        for (name, other) in [("audience", "other"), ("typ", "session+jwt"), ("issuer", "https://other.example")] {
            let mut expected = expected.clone();
            expected[name] = other.into();
            assert!(real.ask(&["verify", &set, token, &expected.to_string()]).starts_with("refused"), "{name}");
        }
        // Nor is it a session of ours.
        let answer = logout(&folder, ("e.json", token), port).json();
        assert_eq!(answer["reason"], "not_authenticated");
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "each token has an id of its own");
}

#[test]
fn a_client_that_refuses_the_token_is_told_once() {
    let (port, heard) = receiver(&[400]);
    let folder = project(port);
    let (token, _) = sign_in(&folder);
    logout(&folder, ("e.json", &token), port).code(0).says("is given up: the client refuses the logout token");
    heard.recv_timeout(Duration::from_secs(10)).unwrap();
}

#[test]
fn nobody_is_told_at_an_address_that_was_not_named_as_a_peer() {
    let (port, heard) = receiver(&[200]);
    let folder = project(port);
    let (token, _) = sign_in(&folder);
    let args = ["run", "logout", "--event", "e.json", "--session", &token];
    folder.run(&args, b"", &[]).code(0).says("outcome: finalized").says("egress refused");
    assert!(heard.try_recv().is_err());
}

#[test]
fn the_front_channel_lists_pages_and_the_user_goes_where_the_client_has_registered() {
    let (port, _heard) = receiver(&[200; 8]);
    let folder = project(port);
    for (wanted, goes) in [
        (None, None),
        (Some("https://site.example/bye"), Some("https://site.example/bye")),
        // Exactly as registered (OpenID Connect RP-Initiated Logout 1.0 section 3).
        (Some("https://site.example/bye/"), None),
        (Some("https://site.example/bye?x=1"), None),
        (Some("https://SITE.example/bye"), None),
        (Some("http://site.example/bye"), None),
        (Some("https://evil.example/bye"), None),
        (Some("javascript:alert(1)"), None),
    ] {
        let (token, id) = sign_in(&folder);
        let mut event = json!({"client": {"id": "site", "type": "web"}});
        if let Some(wanted) = wanted {
            event["transaction"] = json!({"id": "t", "requested_at": "2026-01-01T00:00:00Z", "redirect_uri": wanted});
        }
        folder.write("bye.json", event.to_string());
        let answer = logout(&folder, ("bye.json", &token), port).code(0).json();
        assert_eq!(answer["redirect_to"].as_str(), goes, "{wanted:?}: {answer}");
        let page = format!("https://site.example/frame?a=b&iss=https%3A%2F%2Flogin.example&sid={id}");
        assert_eq!(answer["result"]["pages"], json!([page]), "{wanted:?}");
    }
}
