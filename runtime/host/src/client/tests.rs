//! T14: nothing but what the guard admits is ever dialled; redirects are checked like first requests.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use admit_runtime::host::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Answers from a list, one list per look-up; the last one stays.
#[derive(Default)]
struct FakeLookup {
    answers: HashMap<String, Vec<Vec<IpAddr>>>,
    asked: Mutex<HashMap<String, usize>>,
}

impl Lookup for FakeLookup {
    fn lookup<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>> {
        Box::pin(async move {
            let answers = self.answers.get(name).ok_or("no such name")?;
            let mut asked = self.asked.lock().unwrap();
            let count = asked.entry(name.to_owned()).or_default();
            *count += 1;
            Ok(answers[(*count - 1).min(answers.len() - 1)].clone())
        })
    }

    fn mail<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<admit_runtime::feeds::MailServers, String>> {
        Box::pin(async { Err("nobody asks for mail here".to_owned()) })
    }
}

/// A server that answers each request by `answer` and keeps what it was sent.
async fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (answer, log) = (Arc::new(answer), seen.clone());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (answer, log) = (answer.clone(), log.clone());
            tokio::spawn(async move {
                let mut buffer = vec![0; 16 * 1024];
                let read = socket.read(&mut buffer).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
                log.lock().unwrap().push(request.clone());
                let _ = socket.write_all(&answer(&request)).await;
                let _ = socket.shutdown().await;
            });
        }
    });
    (port, seen)
}

fn response(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

fn request(url: &str) -> HttpRequest {
    HttpRequest {
        method: "POST",
        url: url.to_owned(),
        headers: vec![
            ("authorization".to_owned(), "Bearer canary-secret".to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
        ],
        body: Some(b"{\"a\":1}".to_vec()),
        timeout: 2_000,
        hosts: None,
    }
}

/// Everything allowed that can be allowed, so that only the address checks are left.
fn open(peers: &[u16]) -> Egress {
    let mut egress = Egress::new(["*"]).unwrap();
    egress.allow_plain_http();
    for port in peers {
        egress.allow_peer(&format!("127.0.0.1:{port}")).unwrap();
    }
    egress
}

fn guarded(lookup: FakeLookup) -> Guarded {
    Guarded::new(Arc::new(lookup)).unwrap()
}

fn suite() -> Option<serde_json::Value> {
    let shared = std::env::var("ADMIT_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    let text = std::fs::read_to_string(format!("{shared}/conformance/ssrf.json")).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn t14_every_case_of_the_suite_is_judged_as_it_says() {
    let Some(suite) = suite() else {
        println!("ssrf.json is not here: 88 cases did not run");
        return;
    };
    let egress = open(&[]);
    let list = |name: &str| suite[name].as_array().unwrap().clone();
    let mut ran = 0;
    for url in list("must_block") {
        assert!(egress.admit(url.as_str().unwrap()).is_err(), "{url}");
        // The same through the client: refused, nothing sent.
        let answer = guarded(FakeLookup::default()).send(&egress, request(url.as_str().unwrap())).await;
        assert!(matches!(answer, Err(HttpError::Refused(_))), "{url}: {answer:?}");
        ran += 1;
    }
    for case in list("must_block_by_resolution") {
        let url = case["url"].as_str().unwrap();
        let answers: Vec<IpAddr> =
            case["answers"].as_array().unwrap().iter().map(|each| each.as_str().unwrap().parse().unwrap()).collect();
        let name = Url::parse(url).unwrap().host_str().unwrap().to_owned();
        let lookup = FakeLookup { answers: HashMap::from([(name, vec![answers])]), ..FakeLookup::default() };
        let answer = guarded(lookup).send(&egress, request(url)).await;
        assert!(matches!(answer, Err(HttpError::Refused(_))), "{url}: {answer:?}");
        ran += 1;
    }
    for url in list("must_allow_when_resolver_answers_public") {
        let admitted = egress.admit(url.as_str().unwrap());
        assert_eq!(admitted.map(|admitted| admitted.route), Ok(Route::Public), "{url}");
        ran += 1;
    }
    println!("{ran} cases");
    assert_eq!(ran, 75 + 6 + 7);
}

#[tokio::test]
async fn t14_a_name_that_is_bound_anew_never_reaches_this_machine() {
    let (port, seen) = serve(|_| response("200 OK", "", "caught")).await;
    let mut egress = open(&[]);
    egress.ports.push(port);
    let ips = |list: &[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
    // A resolver that answers otherwise each time it is asked; no answer is all public, so none is dialled.
    let answers =
        vec![ips(&["127.0.0.1"]), ips(&["127.0.0.1", "93.184.216.34"]), ips(&["::ffff:127.0.0.1"]), ips(&["::1"])];
    let lookup = FakeLookup { answers: HashMap::from([("rebind.test".to_owned(), answers)]), ..FakeLookup::default() };
    let client = guarded(lookup);
    for _ in 0..6 {
        let answer = client.send(&egress, request(&format!("http://rebind.test:{port}/"))).await;
        assert_eq!(
            answer.unwrap_err(),
            HttpError::Refused("`rebind.test` resolves to an address that may not be called".to_owned())
        );
    }
    assert!(seen.lock().unwrap().is_empty(), "the canary was reached");
}

#[tokio::test]
async fn t14_no_spelling_of_a_local_address_reaches_a_canary() {
    let mut canaries = Vec::new();
    for place in ["127.0.0.1:0", "127.8.9.10:0", "[::1]:0"] {
        // A machine without IPv6 has nobody to protect there.
        canaries.extend(TcpListener::bind(place).await.ok());
    }
    let mut egress = open(&[]);
    let ports: Vec<u16> = canaries.iter().map(|canary| canary.local_addr().unwrap().port()).collect();
    egress.ports.extend(&ports);
    let local = || vec!["127.0.0.1".parse().unwrap()];
    let names = ["one.test", "127.0.0.1.nip.test", "localtest.test"];
    let hosts = [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "127.0.0.1.",
        "127.000.000.001",
        "0",
        "0.0.0.0",
        "127.8.9.10",
        "0x7f08090a",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "ip6-localhost",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f08:90a]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:0:0:0:0:80ff:fffe]",
        "[fe80::5efe:7f00:1]",
        "[::1%25lo]",
        "[::1%lo]",
        "127\u{3002}0\u{3002}0\u{3002}1",
        "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
        "\u{2460}\u{2461}\u{2466}.0.0.1",
        "loc%61lhost",
        "%31%32%37.0.0.1",
        "user@127.0.0.1",
        "example.com@127.0.0.1",
        "one.test",
        "127.0.0.1.nip.test",
        "localtest.test",
    ];
    for port in ports {
        for host in hosts {
            let answers = names.map(|name| (name.to_owned(), vec![local()]));
            let client = guarded(FakeLookup { answers: HashMap::from(answers), ..FakeLookup::default() });
            for scheme in ["http", "https"] {
                let answer = client.send(&egress, request(&format!("{scheme}://{host}:{port}/"))).await;
                assert!(matches!(answer, Err(HttpError::Refused(_))), "{scheme} {host}: {answer:?}");
            }
        }
    }
    for canary in canaries {
        let visited = tokio::time::timeout(Duration::from_millis(30), canary.accept()).await;
        assert!(visited.is_err(), "somebody came to {:?}", canary.local_addr());
    }
}

#[tokio::test]
async fn t14_redirects_are_checked_like_first_requests() {
    let (canary, caught) = serve(|_| response("200 OK", "", "caught")).await;
    for (status, location, refusal) in [
        ("302 Found", format!("http://127.0.0.1:{canary}/"), "is not allowed"),
        ("302 Found", format!("http://localhost:{canary}/"), "is not allowed"),
        ("302 Found", format!("//127.0.0.1:{canary}/"), "is not allowed"),
        ("302 Found", "http://169.254.169.254/".to_owned(), "is not public"),
        ("302 Found", "file:///etc/passwd".to_owned(), "scheme `file`"),
        ("307 Temporary Redirect", "http://10.0.0.1/".to_owned(), "is not public"),
        ("302 Found", "https://example.com/".to_owned(), "changes the scheme"),
        ("302 Found", "http://example.com/".to_owned(), "leads to this machine or away from it"),
        ("302 Found", "http://rebind.test/".to_owned(), "leads to this machine or away from it"),
        ("302 Found", "http://[::1".to_owned(), "not a valid url"),
        ("302 Found", "http://user@127.0.0.1/".to_owned(), "user name"),
    ] {
        let header = format!("location: {location}\r\n");
        let (port, _) = serve(move |_| response(status, &header, "")).await;
        let answer =
            guarded(FakeLookup::default()).send(&open(&[port]), request(&format!("http://127.0.0.1:{port}/"))).await;
        match answer {
            Err(HttpError::Refused(why)) => assert!(why.contains(refusal), "{location}: {why}"),
            other => panic!("{location}: {other:?}"),
        }
    }
    assert!(caught.lock().unwrap().is_empty(), "the canary was reached");
}

#[tokio::test]
async fn t14_an_https_redirect_to_http_or_to_this_machine_is_refused() {
    let mut egress = open(&[9000]);
    egress.allow_peer("localhost:443").unwrap();
    let hop = || Hop {
        target: egress.admit("https://example.com/a").unwrap(),
        method: Method::POST,
        headers: HeaderMap::new(),
        body: None,
    };
    let to = |location| next_hop(&egress, hop(), StatusCode::FOUND, location).map(|hop| hop.target.url.to_string());
    assert_eq!(to("http://example.com/"), Err("redirect refused: it changes the scheme".to_owned()));
    assert!(to("https://localhost/").unwrap_err().contains("leads to this machine"));
    assert_eq!(to("/b"), Ok("https://example.com/b".to_owned()));
}

#[tokio::test]
async fn at_most_three_redirects_are_followed() {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let (port, seen) = serve(move |_| {
        let hop = counter.fetch_add(1, Ordering::SeqCst);
        response("302 Found", &format!("location: /{hop}\r\n"), "")
    })
    .await;
    let answer =
        guarded(FakeLookup::default()).send(&open(&[port]), request(&format!("http://127.0.0.1:{port}/"))).await;
    assert_eq!(answer.unwrap_err(), HttpError::Refused("more than 3 redirects".to_owned()));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 4);
    assert!(seen[0].starts_with("POST / ") && seen[0].contains("canary-secret") && seen[0].ends_with("{\"a\":1}"));
    assert!(seen[1].starts_with("GET /0 ") && !seen[1].contains("{\"a\":1}"), "{}", seen[1]);
    assert!(seen[1].contains("canary-secret"), "the same origin keeps its header fields");
}

#[tokio::test]
async fn header_fields_stay_with_their_origin() {
    let (other, seen) = serve(|_| response("200 OK", "x-a: b\r\n", "done")).await;
    let (port, _) = serve(move |_| {
        response("307 Temporary Redirect", &format!("location: http://127.0.0.1:{other}/there\r\n"), "")
    })
    .await;
    let egress = open(&[port, other]);
    let answer =
        guarded(FakeLookup::default()).send(&egress, request(&format!("http://127.0.0.1:{port}/"))).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"done"[..]));
    assert!(answer.headers.contains(&("x-a".to_owned(), "b".to_owned())));
    let seen = seen.lock().unwrap();
    assert!(seen[0].starts_with("POST /there ") && seen[0].ends_with("{\"a\":1}"), "{}", seen[0]);
    assert!(seen[0].contains("application/json") && !seen[0].contains("canary-secret"), "{}", seen[0]);
}

#[tokio::test]
async fn f12_answers_are_bounded_in_size_and_time() {
    let huge = |announced: bool| {
        move |_: &str| {
            let body = "x".repeat(usize::try_from(MOST_BODY).unwrap() + 1);
            if announced {
                response("200 OK", "", &body)
            } else {
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}").into_bytes()
            }
        }
    };
    for announced in [true, false] {
        let (port, _) = serve(huge(announced)).await;
        let answer =
            guarded(FakeLookup::default()).send(&open(&[port]), request(&format!("http://127.0.0.1:{port}/"))).await;
        assert_eq!(answer.unwrap_err(), HttpError::TooLarge(MOST_BODY));
    }
    // Accepts and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut slow = request(&format!("http://127.0.0.1:{port}/"));
    slow.timeout = 60;
    let answer = guarded(FakeLookup::default()).send(&open(&[port]), slow).await;
    assert_eq!(answer.unwrap_err(), HttpError::TimedOut(60));
    // Nobody listens.
    drop(silent);
    let answer =
        guarded(FakeLookup::default()).send(&open(&[port]), request(&format!("http://127.0.0.1:{port}/secret"))).await;
    let Err(HttpError::Failed(why)) = answer else { panic!("{answer:?}") };
    assert!(why.starts_with("cannot connect: ") && !why.contains("secret"), "{why}");
}

#[tokio::test]
async fn header_fields_cannot_break_the_framing() {
    let (port, seen) = serve(|_| response("200 OK", "", "")).await;
    for (name, value) in [
        ("x-a", "b\r\nx-c: d"),
        ("x-a", "b\nc"),
        ("x-a\r\nx-b", "c"),
        ("x a", "b"),
        ("", "b"),
        ("host", "evil.example"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
    ] {
        let mut bad = request(&format!("http://127.0.0.1:{port}/"));
        bad.headers.push((name.to_owned(), value.to_owned()));
        let answer = guarded(FakeLookup::default()).send(&open(&[port]), bad).await;
        assert!(matches!(answer, Err(HttpError::Refused(_))), "{name}");
    }
    assert!(seen.lock().unwrap().is_empty());
}
