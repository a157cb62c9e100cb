//! Sign-in elsewhere from the command line: the page of `admit run` sends a browser to a real OpenID provider, and takes what it
//! comes back with, if that is right.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::admit::Folder;
use crate::provider::Real;

const FLOW: &str = r#"system flow login {
  stage pre-login {
    identity_lookup
    social_oidc_redirect as away { provider: "acme" }
    social_oidc_callback as back { provider: "acme", link: "create" }
    decision known {
      when !step.back.verified -> nobody { deny { reason: "not_signed_in" } }
      default                  -> somebody
    }
  }
  stage post-auth {}
  stage post-login { issue_session }
}
"#;

/// A project whose provider this one is; users come back to `redirect`.
fn project(real: &Real, redirect: &str) -> Folder {
    let folder = Folder::project(FLOW);
    let peer = real.issuer.strip_prefix("http://").unwrap();
    folder.write(
        "admit.toml",
        format!(
            "[project]\nname = \"x\"\ncatalogue = \"1\"\n\n[providers.acme]\nissuer = \"{}\"\nclient_id = \"terminal\"\n\
             redirect_uri = \"{redirect}\"\n",
            real.issuer
        ),
    );
    folder.write("e.json", "{}");
    folder.write("i.json", r#"{"identifier": "carol"}"#);
    folder.write("peer", peer);
    folder
}

/// `admit run` that waits at its page.
struct Waiting {
    child: Child,
    page: String,
    /// What it said before.
    said: String,
}

/// What a page answers.
struct Page {
    status: u16,
    head: String,
}

impl Waiting {
    fn start(folder: &Folder, more: &[&str]) -> Self {
        let peer = folder.read("peer");
        let args = ["run", "login", "--event", "e.json", "--input", "i.json", "--format", "json", "--pages"];
        let mut child = Command::new(env!("CARGO_BIN_EXE_admit"))
            .args(args)
            .args(["--allow-egress", &peer])
            .args(more)
            .current_dir(folder.path())
            .env_remove("ADMIT_DATABASE")
            .env_remove("ADMIT_FORMAT")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut page = String::new();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        while page.is_empty() {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended without a page: {said}");
            if let Some((_, rest)) = line.split_once("needs a browser: open ") {
                page = rest.split(' ').next().unwrap().to_owned();
            }
            said.push_str(&line);
        }
        child.stderr = Some(stderr.into_inner());
        Self { child, page, said }
    }

    /// The outcome.
    fn end(mut self) -> Value {
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.child.wait().unwrap();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}\n{}", self.said))
    }

    fn origin(&self) -> &str {
        let (host, _) = self.page.strip_prefix("http://").unwrap().split_once('/').unwrap();
        &self.page[..host.len() + "http://".len()]
    }

    /// The browser goes where the page sends it, signs in there, and is sent back: the query that it would bring, and its cookie.
    fn signed_in(&self, real: &mut Real) -> (String, String) {
        let page = get(&self.page, "");
        assert_eq!(page.status, 303, "{}", page.head);
        let cookie = page.field("set-cookie");
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/callback"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        let end = real.ask(&["sign-in", &page.field("location")]);
        let (back, query) = end.split_once('?').unwrap_or_else(|| panic!("{end}"));
        assert_eq!(back, format!("{}/callback", self.origin()));
        (query.to_owned(), cookie.split(';').next().unwrap().to_owned())
    }

    fn come_back(&self, query: &str, cookie: &str) -> u16 {
        get(&format!("{}/callback?{query}", self.origin()), cookie).status
    }
}

impl Page {
    fn field(&self, name: &str) -> String {
        let found = self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.unwrap_or_else(|| panic!("no `{name}` in {}", self.head)).to_owned()
    }
}

fn get(url: &str, cookie: &str) -> Page {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    #[expect(clippy::disallowed_methods, reason = "the page of the command, on this machine")]
    let mut socket = TcpStream::connect(host).unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    Page { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head: head.to_owned() }
}

/// The query with this parameter set, or without it.
fn with(query: &str, name: &str, value: Option<&str>) -> String {
    let start = format!("{name}=");
    let kept = query.split('&').filter(|pair| !pair.starts_with(&start)).map(str::to_owned);
    kept.chain(value.map(|value| format!("{start}{value}"))).collect::<Vec<_>>().join("&")
}

#[test]
fn a_browser_signs_in_at_a_real_provider_and_the_run_goes_on() {
    let mut real = Real::start();
    // Whatever port the page gets: that of a loopback address is not compared (RFC 8252 section 7.3).
    let folder = project(&real, "http://127.0.0.1/callback");
    for _ in 0..2 {
        let waiting = Waiting::start(&folder, &[]);
        assert!(waiting.page.starts_with("http://127.0.0.1:"), "{}", waiting.page);
        let told = real.ask(&["visit", &waiting.page]);
        assert!(told.starts_with("200 The answer was taken."), "{told}");
        let answer = waiting.end();
        assert_eq!(answer["outcome"], "session", "{answer}");
        assert_eq!((&answer["session"]["aal"], &answer["session"]["methods"]), (&json!("aal1"), &json!(["social"])));
    }
    // Both times the same user, who was made the first time.
    let users = folder.admit("user list --format json").code(0).json();
    assert_eq!(users["users"].as_array().unwrap().len(), 1, "{users}");
}

#[test]
fn t40_a_callback_that_is_not_right_signs_nobody_in() {
    let mut real = Real::start();
    let folder = project(&real, "http://127.0.0.1/callback");
    type Change = fn(&str) -> String;
    let changes: [(&str, Change); 9] = [
        ("another state", |query| with(query, "state", Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))),
        ("no state", |query| with(query, "state", None)),
        ("no iss", |query| with(query, "iss", None)),
        ("another iss", |query| with(query, "iss", Some("https%3A%2F%2Faccounts.example"))),
        ("access_denied", |query| {
            format!("{}&error=access_denied&error_description=%1B%5B31m", with(query, "code", None))
        }),
        ("an error beside a code", |query| with(query, "error", Some("server_error"))),
        ("no code", |query| with(query, "code", None)),
        ("a code of nobody", |query| with(query, "code", Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))),
        ("nothing", |_| String::new()),
    ];
    for (what, change) in changes {
        let waiting = Waiting::start(&folder, &[]);
        let (query, cookie) = waiting.signed_in(&mut real);
        assert_eq!(waiting.come_back(&change(&query), &cookie), 200, "{what}");
        let answer = waiting.end();
        assert_eq!((&answer["outcome"], &answer["reason"]), (&json!("deny"), &json!("not_signed_in")), "{what}");
        assert!(answer["session"].is_null() && answer["token"].is_null(), "{what}");
    }
    assert_eq!(folder.admit("user list --format json").code(0).json()["users"], json!([]), "nobody was made");
}

#[test]
fn t40_a_callback_counts_once_in_its_run_and_its_browser() {
    let mut real = Real::start();
    let folder = project(&real, "http://127.0.0.1/callback");
    let first = Waiting::start(&folder, &[]);
    let (query, cookie) = first.signed_in(&mut real);
    // In another browser, or one that was sent off by another page, it is nothing: the run goes on waiting.
    for stranger in ["", "admit_page=", "admit_page=AAAA", &format!("{cookie}A")] {
        assert_eq!(first.come_back(&query, stranger), 403, "{stranger}");
    }
    let second = Waiting::start(&folder, &[]);
    let (_, other) = second.signed_in(&mut real);
    assert_eq!(first.come_back(&query, &other), 403);
    // The first run's answer in the second run: its state is not that run's.
    assert_eq!(second.come_back(&query, &other), 200);
    assert_eq!(second.end()["outcome"], "deny");
    assert_eq!(first.come_back(&query, &cookie), 200);
    assert_eq!(first.end()["outcome"], "session");
    // Replayed in a new run, with that run's own cookie.
    let third = Waiting::start(&folder, &[]);
    let (_, own) = third.signed_in(&mut real);
    assert_eq!(third.come_back(&query, &own), 200);
    assert_eq!(third.end()["outcome"], "deny");
}

#[test]
fn a_provider_that_sends_users_elsewhere_gets_no_page_here() {
    let real = Real::start();
    for (redirect, says) in [
        (
            "https://app.example/callback",
            "away sends the user back to `https://app.example/callback`, where this command",
        ),
        ("http://localhost:1/callback", "not to the page of this command: give `--page-port 1`"),
    ] {
        let folder = project(&real, redirect);
        let peer = folder.read("peer");
        let run = format!("run login --event e.json --input i.json --format json --pages --allow-egress {peer}");
        let done = folder.admit(&run).code(0).says(says);
        let answer = done.json();
        assert_eq!(answer["outcome"], "suspended");
        let to = answer["challenge"]["redirect"].as_str().unwrap();
        assert!(to.starts_with(&format!("{}/auth?", real.issuer)), "{to}");
        // What somebody made up resumes the run, and signs nobody in.
        let token = answer["resume_token"].as_str().unwrap();
        let input = br#"{"callback": {"code": "x", "state": "y"}}"#;
        let args = ["run", "--resume", token, "--input", "-", "--allow-egress", &peer, "--format", "json"];
        let answer = folder.run(&args, input, &[]).code(1).json();
        assert_eq!((&answer["outcome"], &answer["reason"]), (&json!("deny"), &json!("not_signed_in")));
    }
}

#[test]
fn a_provider_that_cannot_be_reached_is_an_error_of_the_run() {
    let real = Real::start();
    let folder = project(&real, "http://127.0.0.1/callback");
    // Not named as a peer: the guard refuses. Named, but gone: nobody answers.
    let run = "run login --event e.json --input i.json --format json --no-input";
    assert_eq!(folder.admit(run).code(1).json()["outcome"], "error");
    let peer = folder.read("peer");
    drop(real);
    assert_eq!(folder.admit(&format!("{run} --allow-egress {peer}")).code(1).json()["outcome"], "error");
}
