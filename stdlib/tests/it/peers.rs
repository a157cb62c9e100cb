//! Peers that misbehave: a service of breached passwords, and services whose answers lead elsewhere, for every block that calls out.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_host::{
    Egress, FeedFiles, FeedOptions, KeyFile, Options, Outlets, RealHost, SmsGateway, build_breached, default_body,
};
use admit_jose::{Algorithm, SigningKey};
use admit_runtime::block::{BlockError, Done, Output};
use admit_runtime::host::{Host as _, HttpError, HttpRequest};
use admit_runtime::message::{Channel, Content, Message};
use admit_runtime::relying::{ClientAuthentication, Provider};
use admit_runtime::tenant::TenantId;
use admit_runtime::testing::MemoryStore;
use admit_runtime::unit::Unit;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::support::*;

/// What a peer does with a request.
enum Answer {
    /// These bytes, and then it hangs up.
    Bytes(Vec<u8>),
    /// These bytes, and then nothing for as long as anybody waits.
    Hang(Vec<u8>),
    /// These bytes, one at a time.
    Drip(Vec<u8>),
}

/// A peer on this machine, and what it was sent.
async fn peer(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (seen, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
    let log = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
            tokio::spawn(async move {
                let mut buffer = vec![0; 16 * 1024];
                let read = socket.read(&mut buffer).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
                log.lock().unwrap().push(request.clone());
                match answer(&request) {
                    Answer::Bytes(bytes) => {
                        let _ = socket.write_all(&bytes).await;
                        let _ = socket.shutdown().await;
                    }
                    Answer::Hang(bytes) => {
                        let _ = socket.write_all(&bytes).await;
                        tokio::time::sleep(Duration::from_secs(60)).await;
                    }
                    Answer::Drip(bytes) => {
                        for byte in bytes {
                            if socket.write_all(&[byte]).await.is_err() {
                                break;
                            }
                            tokio::time::sleep(Duration::from_millis(50)).await;
                        }
                    }
                }
            });
        }
    });
    (port, seen)
}

fn response(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

fn allowing(ports: &[u16]) -> Egress {
    let mut egress = Egress::default();
    for port in ports {
        egress.allow_peer(&format!("127.0.0.1:{port}")).unwrap();
    }
    egress
}

/// A world that keeps nothing and has nobody: quickly made, for what is between the block and the peer.
struct Light {
    _folder: tempfile::TempDir,
    host: RealHost,
    tenant: TenantId,
}

fn light(options: Options) -> Light {
    let folder = tempfile::tempdir().unwrap();
    let (keys, _) = KeyFile::open_or_create(&folder.path().join("admit.db.key")).unwrap();
    let host = RealHost::new(Arc::new(MemoryStore::default()), keys, options).unwrap();
    Light { _folder: folder, host, tenant: "local".parse().unwrap() }
}

impl Light {
    async fn run(&self, block: &str, given: Given, unit: &mut Unit) -> Result<Done, BlockError> {
        run_on(&self.host, &self.tenant, block, given, unit).await
    }
}

/// A world in which ranges of breached passwords are asked for at this URL.
fn world_asking(url: &str, egress: Egress) -> Light {
    let options = FeedOptions { breached_ranges: Some(url.to_owned()), ..FeedOptions::default() };
    let feeds = Arc::new(FeedFiles::open(options).unwrap());
    light(Options { egress, feeds, ..Options::default() })
}

async fn breached(world: &Light, password: &str) -> Result<(bool, i64, i64), BlockError> {
    let given = Given {
        config: vec![("min_count", Datum::Int(3))],
        input: Some(("password", password.to_owned())),
        ..Given::default()
    };
    let done = world.run("breached_password", given, &mut Unit::default()).await?;
    let Done::Output(output) = done else { panic!("no output") };
    let int = |name| if let Datum::Int(value) = field(&output, name) { value } else { panic!("{name} is no int") };
    Ok((field(&output, "breached") == Datum::Bool(true), int("count"), int("skipped")))
}

/// What is left of the SHA-1 of `password` when `5BAA6` was sent.
const SUFFIX: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";

#[tokio::test]
async fn a_service_is_asked_for_a_padded_range_and_told_nothing_more() {
    let padding: String = (0..800).map(|line| format!("{line:035X}:0\r\n")).collect();
    let body = format!("{padding}{SUFFIX}:12\r\n");
    let (port, seen) = peer(move |_| Answer::Bytes(response("200 OK", "content-type: text/plain\r\n", &body))).await;
    let world = world_asking(&format!("http://127.0.0.1:{port}/v3/range"), allowing(&[port]));
    assert_eq!(breached(&world, "password").await, Ok((true, 12, 0)));
    assert_eq!(breached(&world, "of nobody").await, Ok((false, 0, 0)));
    let seen = seen.lock().unwrap();
    assert!(seen[0].starts_with("GET /v3/range/5BAA6 HTTP/1.1\r\n"), "{}", seen[0]);
    assert!(seen[0].to_ascii_lowercase().contains("\r\nadd-padding: true\r\n"), "{}", seen[0]);
    let whole = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8";
    for request in seen.iter() {
        assert!(!request.contains("password") && !request.contains("nobody"), "{request}");
        assert!(!request.to_ascii_uppercase().contains(&whole[..6]), "more than five digits: {request}");
    }
}

/// Makes an answer anew for each request.
type Answering = Box<dyn Fn() -> Answer + Send + Sync>;

#[tokio::test]
async fn f12_a_service_that_fails_in_any_way_is_unavailable_and_nobody_is_called_unbreached() {
    let line = format!("{SUFFIX}:12\r\n");
    let answers: Vec<(&str, Answering)> = vec![
        ("429", Box::new(|| Answer::Bytes(response("429 Too Many Requests", "retry-after: 2\r\n", "slow down")))),
        ("503", Box::new(|| Answer::Bytes(response("503 Service Unavailable", "", "")))),
        ("404", Box::new(|| Answer::Bytes(response("404 Not Found", "", "")))),
        ("204", Box::new(|| Answer::Bytes(response("204 No Content", "", "")))),
        ("an empty body", Box::new(|| Answer::Bytes(response("200 OK", "", "")))),
        (
            "a page",
            Box::new(|| Answer::Bytes(response("200 OK", "content-type: text/html\r\n", "<html>sign in</html>"))),
        ),
        (
            "JSON",
            Box::new(|| Answer::Bytes(response("200 OK", "content-type: application/json\r\n", r#"{"count": 0}"#))),
        ),
        ("bytes", Box::new(|| Answer::Bytes([response("200 OK", "", "")[..16].to_vec(), vec![0xff; 500]].concat()))),
        ("no HTTP", Box::new(|| Answer::Bytes(b"220 mail.example.com ESMTP\r\n".to_vec()))),
        ("nothing", Box::new(|| Answer::Bytes(Vec::new()))),
        (
            "half a body",
            Box::new(|| {
                Answer::Bytes(
                    b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n0018A45C4D1DEF81644B54AB7F969B88D65:3\r\n".to_vec(),
                )
            }),
        ),
        ("too much", Box::new(|| Answer::Bytes(response("200 OK", "", &format!("{:035X}:1\r\n", 7).repeat(40_000))))),
        ("silence", Box::new(|| Answer::Hang(Vec::new()))),
        ("half, then silence", Box::new(|| Answer::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n00".to_vec()))),
        ("one byte at a time", Box::new(move || Answer::Drip(response("200 OK", "", &line.repeat(20))))),
    ];
    let mut tries = tokio::task::JoinSet::new();
    for (what, answer) in answers {
        tries.spawn(async move {
            let (port, _) = peer(move |_| answer()).await;
            let world = world_asking(&format!("http://127.0.0.1:{port}/range"), allowing(&[port]));
            (what, breached(&world, "password").await)
        });
    }
    let mut count = 0;
    while let Some(done) = tries.join_next().await {
        let (what, done) = done.unwrap();
        assert!(matches!(done, Err(BlockError::Named { name: "unavailable", .. })), "{what}: {done:?}");
        count += 1;
    }
    assert_eq!(count, 15);
    // A service that is not allowed, and one that is not there.
    for egress in [Egress::default(), allowing(&[1])] {
        let world = world_asking("http://127.0.0.1:1/range", egress);
        let done = breached(&world, "password").await;
        assert!(matches!(done, Err(BlockError::Named { name: "unavailable", .. })), "{done:?}");
    }
}

#[tokio::test]
async fn the_offline_set_is_asked_first_and_then_nobody_else() {
    let (port, seen) = peer(|_| Answer::Bytes(response("200 OK", "", ""))).await;
    let folder = tempfile::tempdir().unwrap();
    let (dump, set) = (folder.path().join("dump.txt"), folder.path().join("breached.bin"));
    std::fs::write(&dump, format!("5BAA6{SUFFIX}:3\n7C4A8D09CA3762AF61E59520943DC26494F8941B:2\n")).unwrap();
    build_breached(&dump, &set, 1).unwrap();
    let options = FeedOptions {
        breached: Some(set.clone()),
        breached_ranges: Some(format!("http://127.0.0.1:{port}/range")),
        ..FeedOptions::default()
    };
    let feeds = Arc::new(FeedFiles::open(options).unwrap());
    let world = light(Options { egress: allowing(&[port]), feeds, ..Options::default() });
    assert_eq!(breached(&world, "password").await, Ok((true, 3, 0)));
    assert_eq!(breached(&world, "123456").await, Ok((false, 2, 0)));
    assert_eq!(breached(&world, "of nobody").await, Ok((false, 0, 0)));
    // Its disk fails: the records are gone, and that is no zero.
    std::fs::OpenOptions::new().write(true).open(&set).unwrap().set_len(30).unwrap();
    let done = breached(&world, "password").await;
    assert!(matches!(done, Err(BlockError::Named { name: "unavailable", .. })), "{done:?}");
    assert!(seen.lock().unwrap().is_empty());
}

/// Who calls out, at which URL.
const CALLERS: [&str; 7] = ["webhook", "breached", "discovery", "token", "jwks", "sms", "fetch"];

/// Has one of the callers call a URL, by what a provider on this machine says where it takes one. The error as text.
async fn call_out(caller: &str, url: &str, egress: Egress) -> Result<(), String> {
    let fault = |error: BlockError| match error {
        BlockError::Named { name, detail } => format!("{name}: {detail}"),
        other => other.to_string(),
    };
    match caller {
        "webhook" => {
            let world = light(Options { egress, ..Options::default() });
            let body = ("body", Datum::Map(vec![(text("a"), Datum::Int(1))]));
            let config = vec![("url", text(url)), ("method", text("POST")), body];
            let given = Given { config, ..Given::default() };
            world.run("call_webhook", given, &mut Unit::default()).await.map(|_| ()).map_err(fault)
        }
        "breached" => {
            let world = world_asking(url, egress);
            breached(&world, "password").await.map(|_| ()).map_err(fault)
        }
        "sms" => {
            let gateway =
                SmsGateway { url: url.to_owned(), body: default_body(), secret: None, signs: false, countries: vec![] };
            let outlets = Outlets { sms: Some(gateway), peers: egress, ..Outlets::default() };
            let world = light(Options { outlets, ..Options::default() });
            let content = Content { text: "x".to_owned(), ..Content::default() };
            let message = Message::new(Channel::Sms, "msg_1".into(), "+49301234567".into(), content, ("f", "s"), at(0));
            world.host.send(&world.tenant, &message).await.map_err(|error| error.detail)
        }
        "fetch" => {
            let world = light(Options { egress, ..Options::default() });
            let host =
                url.split("://").nth(1).unwrap_or(url).split(['/', ':', '?']).next().unwrap_or_default().to_owned();
            let request = HttpRequest {
                method: "POST",
                url: url.to_owned(),
                headers: Vec::new(),
                body: Some(b"x".to_vec()),
                timeout: 2_000,
                hosts: Some(vec![host]),
            };
            match world.host.http(&world.tenant, request).await {
                Ok(_) => Ok(()),
                Err(error @ HttpError::Refused(_)) => Err(error.to_string()),
                Err(other) => panic!("{url} was called: {other}"),
            }
        }
        _ => sign_in(caller, url, egress).await.map_err(fault),
    }
}

/// A sign-in at a provider that says that its discovery document, token endpoint or keys are at the URL.
async fn sign_in(part: &str, url: &str, mut egress: Egress) -> Result<(), BlockError> {
    let key = SigningKey::open(Algorithm::EdDsa, &SigningKey::generate(Algorithm::EdDsa).unwrap()).unwrap();
    let nonce = Arc::new(Mutex::new(String::new()));
    let (known_nonce, led, which) = (Arc::clone(&nonce), url.to_owned(), part.to_owned());
    let (port, _) = peer(move |request| {
        let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
        let own = format!("http://{host}");
        let at = |this: &str, path: &str| if which == this { led.clone() } else { format!("{own}{path}") };
        let body = if request.starts_with("GET /.well-known") {
            json!({ "issuer": own, "authorization_endpoint": format!("{own}/auth"), "token_endpoint": at("token", "/token"),
                    "jwks_uri": at("jwks", "/jwks") })
        } else {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
            let claims = json!({ "iss": own, "sub": "eve", "aud": "led", "iat": now, "exp": now + 300,
                                 "nonce": known_nonce.lock().unwrap().clone() });
            json!({ "access_token": "at", "token_type": "Bearer",
                    "id_token": admit_jose::sign(&key, "JWT", &claims.to_string()).unwrap() })
        };
        Answer::Bytes(response("200 OK", "content-type: application/json\r\n", &body.to_string()))
    })
    .await;
    egress.allow_peer(&format!("127.0.0.1:{port}")).unwrap();
    let issuer = if part == "discovery" { url.to_owned() } else { format!("http://127.0.0.1:{port}") };
    let provider = Provider {
        name: "led".to_owned(),
        issuer,
        client_id: "led".to_owned(),
        secret: None,
        authentication: ClientAuthentication::None,
        scopes: vec![],
        redirect_uri: "https://app.example/callback".to_owned(),
        algorithms: vec!["EdDSA".to_owned()],
    };
    let world = light(Options { egress, providers: vec![provider], ..Options::default() });
    let given = || Given {
        config: vec![("provider", text("led")), ("link", text("create"))],
        at: world.host.now().seconds,
        ..Given::default()
    };
    let mut unit = Unit::default();
    let Done::Prompt(asked) = world.run("social_oidc_callback", given(), &mut unit).await? else { panic!("no prompt") };
    let known = |name: &str| asked.memory.get(name).and_then(|value| value.as_str().map(str::to_owned)).unwrap();
    *nonce.lock().unwrap() = known("nonce");
    let callback = json!({ "code": "c", "state": known("state") });
    let fields = vec![("callback", json::from_json(&callback))];
    let answer = Given { fields, memory: Some(asked.memory), ..given() };
    match world.run("social_oidc_callback", answer, &mut unit).await? {
        Done::Output(output) => {
            assert!(!is_verified(&output), "{part}: somebody was let in");
            Err(BlockError::Named { name: "provider_failed", detail: "nobody is verified".to_owned() })
        }
        other => panic!("{}", name(&other)),
    }
}

fn is_verified(output: &Output) -> bool {
    field(output, "verified") == Datum::Bool(true)
}

/// Everything allowed that can be, so that only the checks of addresses and forms are left.
fn open() -> Egress {
    let mut egress = Egress::new(["*"]).unwrap();
    egress.allow_plain_http();
    egress
}

/// Besides those of the suite: forms that its authors may not have thought of.
const MORE: [&str; 18] = [
    "http://2130706433/",
    "http://0x7f000001/",
    "http://017700000001/",
    "http://0x7f.0.0.0x1/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b:1::127.0.0.1]/",
    "http://[fe80::5efe:127.0.0.1]/",
    "http://[2001:0:7f00:1::]/",
    "http://[2002:c0a8:1::1]/",
    "http://[fe80::1%25eth0]/",
    "http://①②⑦.0.0.1/",
    "http://169。254。169。254/",
    "http://metadata.google.internal./",
    "http://METADATA.goog.internal/",
    "http://instance-data.ec2.internal/",
    "http://localhost.localdomain/",
    "http://printer.local/",
    "https://example.com:8080@127.0.0.1/",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t14_the_suite_holds_for_everybody_who_calls_out() {
    let shared = std::env::var("ADMIT_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").to_owned());
    let suite: Value = match std::fs::read_to_string(format!("{shared}/conformance/ssrf.json")) {
        Ok(suite) => serde_json::from_str(&suite).unwrap(),
        Err(_) => {
            println!("ssrf.json is not here: its URLs did not run");
            json!({ "must_block": [] })
        }
    };
    let suite = suite["must_block"].as_array().unwrap().iter().map(|url| url.as_str().unwrap());
    let urls: Vec<&str> = suite.chain(MORE).collect();
    let mut ran = 0;
    for caller in CALLERS {
        for url in &urls {
            let error = call_out(caller, url, open()).await.expect_err(&format!("{caller} called {url}"));
            // Refused before it was sent: by the guard, or because what takes the URL does not take one of this form.
            let refused = ["egress refused", "provider_failed", "must", "not a valid", "nobody is verified"];
            assert!(refused.iter().any(|word| error.contains(word)), "{caller} {url}: {error}");
            assert!(!error.contains("cannot connect") && !error.contains("no answer"), "{caller} {url}: {error}");
            ran += 1;
        }
    }
    println!("{ran} calls refused");
    assert_eq!(ran, CALLERS.len() * urls.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t14_no_caller_follows_a_redirect_to_where_nobody_may_call() {
    let mut canaries = Vec::new();
    for place in ["127.0.0.1:0", "127.8.9.10:0", "[::1]:0"] {
        // A machine without IPv6 has nobody to protect there.
        canaries.extend(TcpListener::bind(place.parse::<SocketAddr>().unwrap()).await.ok());
    }
    let port = |at: usize| canaries[at % canaries.len()].local_addr().unwrap().port();
    let mut targets = vec![
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://metadata.google.internal/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "gopher://127.0.0.1:11211/".to_owned(),
        "https://example.com/".to_owned(),
        format!("//127.0.0.1:{}/", port(0)),
    ];
    targets.extend(canaries.iter().map(|canary| format!("http://{}/", canary.local_addr().unwrap())));
    for spelling in ["localhost", "0x7f.1", "2130706433", "127.1", "[::ffff:127.0.0.1]", "127.0.0.1.", "127。0。0。1"]
    {
        targets.push(format!("http://{spelling}:{}/", port(0)));
    }
    for caller in CALLERS {
        for (index, target) in targets.iter().enumerate() {
            let status =
                ["302 Found", "307 Temporary Redirect", "301 Moved", "308 Permanent Redirect", "303 See Other"]
                    [index % 5];
            let location = format!("location: {target}\r\n");
            let (port, seen) = peer(move |_| Answer::Bytes(response(status, &location, ""))).await;
            let mut egress = open();
            egress.allow_peer(&format!("127.0.0.1:{port}")).unwrap();
            let error = call_out(caller, &format!("http://127.0.0.1:{port}/first"), egress).await;
            let error = error.expect_err(&format!("{caller} followed {target}"));
            assert!(!error.contains("cannot connect"), "{caller} {target}: {error}");
            assert_eq!(seen.lock().unwrap().len(), 1, "{caller} asks the first host once: {error}");
        }
    }
    for canary in canaries {
        let visited = tokio::time::timeout(Duration::from_millis(30), canary.accept()).await;
        assert!(visited.is_err(), "somebody came to {:?}", canary.local_addr());
    }
}

#[tokio::test]
async fn t14_a_tenant_calls_the_hosts_of_its_own_list_only() {
    let own = Egress::new(["api.example.com", "*.hooks.example"]).unwrap();
    let other: TenantId = "other".parse().unwrap();
    let tenants = std::collections::HashMap::from([(other.clone(), own)]);
    let world = light(Options { egress: Egress::default(), tenants, ..Options::default() });
    for (tenant, url, refusal) in [
        (&world.tenant, "https://api.example.com/", "not in the egress allowlist"),
        (&other, "https://api.example.com.evil.example/", "not in the egress allowlist"),
        (&other, "https://evil.example/?api.example.com", "not in the egress allowlist"),
        (&other, "https://hooks.example/", "not in the egress allowlist"),
        (&other, "https://api.example.com:22/", "port 22"),
        (&other, "http://api.example.com/", "plain http"),
        (&other, "https://api.example.com@evil.example/", "user name"),
    ] {
        let request = HttpRequest {
            method: "GET",
            url: url.to_owned(),
            headers: Vec::new(),
            body: None,
            timeout: 1_000,
            hosts: None,
        };
        let error = world.host.http(tenant, request).await.unwrap_err();
        assert!(matches!(&error, HttpError::Refused(why) if why.contains(refusal)), "{tenant} {url}: {error}");
    }
}
