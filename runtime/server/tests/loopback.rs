//! The loopback pages as a browser, another page and another program of this machine meet them.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests, which call this machine alone")]

use std::time::Duration;

use admit_server::loopback::{Answer, Ceremony, Home, Loopback, LoopbackError, Page};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Sends a request; the whole response as text.
async fn send(port: u16, request: String) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

fn get(path: &str, host: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n")
}

fn post(path: &str, host: &str, more: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn passkey() -> Page {
    Page::Passkey { ceremony: Ceremony::Get, options: json!({"challenge": "AAAA"}) }
}

/// Runs a page, and what a client does with it: port, path of the page, host as it must be named.
async fn with<F: Future<Output = ()>>(
    page: Page,
    limit: Duration,
    client: impl FnOnce(u16, String, String) -> F,
) -> Result<Answer, LoopbackError> {
    let loopback = Loopback::bind(None).unwrap();
    let port = loopback.port();
    let (told, address) = oneshot::channel();
    let ask = loopback.ask(page, |address| told.send(address.to_owned()).unwrap(), limit);
    let visit = async {
        let address = address.await.unwrap();
        let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
        client(port, format!("/{path}"), host.to_owned()).await;
    };
    let (answer, ()) = tokio::join!(ask, visit);
    answer
}

fn status(response: &str) -> u16 {
    response.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_page_takes_one_answer_from_its_own_origin() {
    let answer = with(passkey(), Duration::from_secs(20), async |port, path, host| {
        let page = send(port, get(&path, &host, "")).await;
        assert_eq!(status(&page), 200);
        assert!(page.contains("Sign in with a passkey"), "{page}");
        for file in ["page.js", "page.css", "options"] {
            let response = send(port, get(&format!("{path}{file}"), &host, "")).await;
            assert_eq!(status(&response), 200, "{file}");
        }
        let own = format!("Origin: http://{host}\r\nContent-Type: application/json\r\n");
        let to = format!("{path}answer");
        let first = send(port, post(&to, &host, &own, r#"{"id":"x"}"#)).await;
        assert_eq!(status(&first), 200);
    })
    .await;
    assert_eq!(answer.unwrap(), Answer::Passkey(json!({"id": "x"})));
}

#[tokio::test]
async fn t30_other_pages_hosts_and_addresses_get_nothing() {
    let answer = with(passkey(), Duration::from_secs(3), async |port, path, host| {
        let own = format!("Origin: http://{host}\r\nContent-Type: application/json\r\n");
        let to = format!("{path}answer");
        let body = r#"{"id":"x"}"#;
        let mut guess = path.clone();
        let last = if guess.as_bytes()[5] == b'A' { "B" } else { "A" };
        guess.replace_range(5..6, last);
        for (case, request, wanted) in [
            ("a rebound name", get(&path, "evil.example", ""), 421),
            ("an address of digits", get(&path, &format!("127.0.0.1:{port}"), ""), 421),
            ("another port", get(&path, "localhost:1", ""), 421),
            ("no address", get("/", &host, ""), 404),
            ("a guess", get(&guess, &host, ""), 404),
            ("the callback of no redirect", get("/callback?code=1", &host, ""), 404),
            ("no origin", post(&to, &host, "Content-Type: application/json\r\n", body), 403),
            (
                "another origin",
                post(&to, &host, "Origin: https://evil.example\r\nContent-Type: application/json\r\n", body),
                403,
            ),
            ("the origin null", post(&to, &host, "Origin: null\r\nContent-Type: application/json\r\n", body), 403),
            ("two origins", post(&to, &host, &format!("{own}Origin: https://evil.example\r\n"), body), 403),
            ("another site", post(&to, &host, &format!("{own}Sec-Fetch-Site: cross-site\r\n"), body), 403),
            ("a form", post(&to, &host, &format!("Origin: http://{host}\r\nContent-Type: text/plain\r\n"), body), 415),
            ("no JSON", post(&to, &host, &own, "x"), 400),
            ("a list", post(&to, &host, &own, "[]"), 400),
            ("too much", post(&to, &host, &own, &format!(r#"{{"id":"{}"}}"#, "x".repeat(70_000))), 413),
            ("an answer by GET", get(&to, &host, ""), 404),
        ] {
            let response = send(port, request).await;
            assert_eq!(status(&response), wanted, "{case}: {response}");
            if wanted == 413 {
                continue;
            }
            let head = response.to_lowercase();
            for header in [
                "content-security-policy: default-src 'none'; script-src 'self'",
                "frame-ancestors 'none'",
                "x-frame-options: deny",
                "cache-control: no-store",
                "referrer-policy: no-referrer",
                "x-content-type-options: nosniff",
            ] {
                assert!(head.contains(header), "{case}: {header}");
            }
            assert!(!head.contains("access-control-allow"), "{case}");
        }
    })
    .await;
    assert!(matches!(answer, Err(LoopbackError::TimedOut(3))), "none of them was an answer");
}

#[tokio::test]
async fn the_second_answer_comes_too_late() {
    let mut second = String::new();
    let answer = with(passkey(), Duration::from_secs(20), async |port, path, host| {
        let own = format!("Origin: http://{host}\r\nContent-Type: application/json\r\n");
        let to = format!("{path}answer");
        let requests = [r#"{"id":"1"}"#, r#"{"id":"2"}"#].map(|body| send(port, post(&to, &host, &own, body)));
        let [one, two] = requests;
        let (one, two) = tokio::join!(one, two);
        let mut both = [status(&one), status(&two)];
        both.sort_unstable();
        assert_eq!(both, [200, 409]);
        second = if status(&one) == 409 { one } else { two };
    })
    .await;
    assert!(matches!(answer.unwrap(), Answer::Passkey(_)));
    assert!(second.contains("answered before"), "{second}");
}

#[tokio::test]
async fn giving_up_is_an_answer() {
    let answer = with(passkey(), Duration::from_secs(20), async |port, path, host| {
        let own = format!("Origin: http://{host}\r\nContent-Type: application/json\r\n");
        send(port, post(&format!("{path}answer"), &host, &own, "null")).await;
    })
    .await;
    assert_eq!(answer.unwrap(), Answer::Cancelled);
}

#[tokio::test]
async fn a_redirect_comes_back_in_the_same_browser_to_the_name_that_it_left() {
    for (home, name) in [(Home::Name, "localhost"), (Home::V4, "127.0.0.1"), (Home::V6, "[::1]")] {
        let page = Page::Redirect { to: "https://op.example/authorize?state=s".to_owned(), home };
        let answer = with(page, Duration::from_secs(20), async |port, path, host| {
            assert_eq!(host, format!("{name}:{port}"));
            let gone = send(port, get(&path, &host, "")).await;
            assert_eq!(status(&gone), 303);
            assert!(gone.contains("location: https://op.example/authorize?state=s\r\n"), "{gone}");
            let cookie = gone.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap().to_owned();
            let back = "/callback?code=a%20b&state=s&state=t";
            let other = send(port, get(back, &host, "")).await;
            assert_eq!(status(&other), 403, "another browser");
            let cookie = format!("Cookie: x=y; {cookie}\r\n");
            for other in
                ["localhost", "127.0.0.1", "[::1]", "rebound.example"].into_iter().filter(|other| *other != name)
            {
                let other = send(port, get(back, &format!("{other}:{port}"), &cookie)).await;
                assert_eq!(status(&other), 421, "another name");
            }
            let ours = send(port, get(back, &host, &cookie)).await;
            assert_eq!(status(&ours), 200);
        })
        .await;
        let query = [("code", "a b"), ("state", "s"), ("state", "t")];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        assert_eq!(answer.unwrap(), Answer::Callback(query));
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_said() {
    let first = Loopback::bind(None).unwrap();
    let port = first.port();
    assert!(matches!(Loopback::bind(Some(port)), Err(LoopbackError::Listen(_))));
}
