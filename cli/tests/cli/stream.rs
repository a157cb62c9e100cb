//! What happened, as it is read over the API: the audit stream, filters, explanations, what has not changed, and limits.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::admit::Folder;
use super::served::{Served, connect};

/// A stream, after its head.
fn listen(served: &Served, path: &str, last: Option<&str>) -> BufReader<TcpStream> {
    let mut socket = connect(&served.address);
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let last = last.map(|last| format!("last-event-id: {last}\r\n")).unwrap_or_default();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n{last}\r\n", served.key);
    socket.write_all(request.as_bytes()).unwrap();
    let mut reader = BufReader::new(socket);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    reader
}

/// The next event: its id and its entry. None where the stream ends.
fn next(reader: &mut BufReader<TcpStream>) -> Option<(u64, Value)> {
    let mut id = None;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        if let Some(text) = line.strip_prefix("id: ") {
            id = text.trim().parse().ok();
        } else if let Some(text) = line.strip_prefix("data: ") {
            return Some((id.unwrap(), serde_json::from_str(text).unwrap()));
        } else if line.trim_end() == "0" {
            // The last chunk.
            return None;
        }
    }
}

fn login(folder: &Folder) -> Value {
    serde_json::from_str(&folder.read("requests/login.json")).unwrap()
}

#[test]
fn entries_come_as_they_are_written_go_on_where_they_ended_and_end_with_the_server() {
    let folder = Folder::example("cymmetri");
    let served = Served::start(&folder, &[]);
    let mut all = listen(&served, "/v1/audit/stream", Some("0"));
    let mut flows = listen(&served, "/v1/audit/stream?type=flow.run_completed", None);
    let mut seen = vec![next(&mut all).unwrap()];
    let began = Instant::now();
    assert_eq!(served.post("/v1/flows/login/runs", &login(&folder)).json()["outcome"], "session");
    let (id, completed) = next(&mut flows).unwrap();
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(completed["type"], "flow.run_completed", "what there was before is not told");
    assert_eq!(completed["context"]["ip"], "203.0.113.0/24", "{completed}");
    assert_eq!(completed["context"]["geo"], json!({ "country": "FR", "city": "Paris" }));
    assert!(completed["context"]["request_id"].as_str().unwrap().starts_with("req_"));
    while seen.last().unwrap().0 < id {
        seen.push(next(&mut all).unwrap());
    }
    let numbers: Vec<u64> = seen.iter().map(|(id, _)| *id).collect();
    assert_eq!(numbers, (1..=id).collect::<Vec<u64>>(), "every entry once, in order");
    let mut again = listen(&served, "/v1/audit/stream", Some(&(id - 1).to_string()));
    assert_eq!(next(&mut again).unwrap(), (id, completed));
    // Who asks for too many gets no more, and the rest still come.
    let mut more: Vec<_> = (0..13).map(|_| listen(&served, "/v1/audit/stream", None)).collect();
    let refused = served.get("/v1/audit/stream");
    assert_eq!((refused.status, refused.json()["code"].as_str()), (429, Some("too_many_streams")));
    let began = Instant::now();
    assert!(served.stop(), "streams do not keep it from ending");
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(next(&mut flows).is_none() && next(&mut more[0]).is_none());
}

#[test]
fn runs_and_entries_are_found_by_what_is_known_of_them() {
    let folder = Folder::example("cymmetri");
    let served = Served::start(&folder, &["--database", "memory"]);
    let mut wrong = login(&folder);
    wrong["input"]["password"] = json!("wrong");
    let good = served.post("/v1/flows/login/runs", &login(&folder)).json();
    served.post("/v1/flows/login/runs", &wrong);
    let user = good["session"]["user_id"].as_str().unwrap_or_else(|| panic!("{good}")).to_owned();
    let ids = |query: &str| -> Vec<String> {
        let page = served.get(&format!("/v1/runs?{query}")).json();
        let runs = page["runs"].as_array().unwrap_or_else(|| panic!("{query}: {page}")).clone();
        runs.iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
    };
    let run = good["run"].as_str().unwrap().to_owned();
    assert_eq!(ids("").len(), 2);
    assert_eq!(ids("outcome=session"), std::slice::from_ref(&run));
    assert!(ids(&format!("user={user}")).contains(&run));
    assert_eq!(ids("user=usr_nobody"), [""; 0]);
    assert_eq!((ids("block=password_check").len(), ids("block=password-check").len()), (2, 2), "by type and by label");
    assert_eq!((ids("block=issue_session").len(), ids("block=password").len()), (1, 0));
    let started = served.get(&format!("/v1/runs/{run}")).json()["started_at"].as_str().unwrap().to_owned();
    assert!(ids(&format!("since={started}")).contains(&run));
    assert!(!ids(&format!("until={started}")).contains(&run));
    assert_eq!(ids("since=2999-01-01T00:00:00Z"), [""; 0]);
    // Page by page.
    let first = served.get("/v1/runs?limit=1").json();
    let second = served.get(&format!("/v1/runs?limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).json();
    assert_ne!(first["runs"][0]["id"], second["runs"][0]["id"]);
    assert_eq!(second["next_cursor"], Value::Null);
    for bad in ["limit=0", "limit=101", "cursor=x", "since=yesterday", "block=a%20b", "nothing=1"] {
        assert_eq!(served.get(&format!("/v1/runs?{bad}")).status, 400, "{bad}");
    }

    let kinds = |query: &str| -> Vec<String> {
        let page = served.get(&format!("/v1/audit?{query}")).json();
        let entries = page["entries"].as_array().unwrap_or_else(|| panic!("{query}: {page}")).clone();
        entries.iter().map(|entry| entry["type"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds("type=flow.run_completed"), ["flow.run_completed"; 2]);
    assert_eq!(kinds("type=flow.run_completed&outcome=success"), ["flow.run_completed"]);
    assert!(kinds("type=flow.*").len() >= 3 && kinds("type=flow.*").iter().all(|kind| kind.starts_with("flow.")));
    assert_eq!(kinds("type=flow"), [""; 0]);
    assert_eq!(kinds("target=flow:login").len(), 2);
    assert_eq!(kinds(&format!("actor={user}&type=flow.run_completed")), ["flow.run_completed"; 2]);
    assert_eq!(kinds("until=2000-01-01T00:00:00Z"), [""; 0]);
    let newest = served.get("/v1/audit?limit=1").json();
    let older = served.get(&format!("/v1/audit?limit=1&cursor={}", newest["next_cursor"].as_str().unwrap())).json();
    let number = |page: &Value| page["entries"][0]["seq"].as_u64().unwrap();
    assert_eq!(number(&older), number(&newest) - 1);
    // A key that is made: from where.
    let agent = ("user-agent", "a browser");
    let made =
        served.with_key("POST", "/v1/keys", &[agent, ("x-request-id", "mine-1")], br#"{"name":"a","scopes":["run"]}"#);
    assert_eq!((made.status, made.header("x-request-id")), (200, Some("mine-1")));
    let entry = served.get("/v1/audit?type=key.created&limit=1").json()["entries"][0].clone();
    let context = json!({ "ip": "127.0.0.0/24", "user_agent": "a browser", "request_id": "mine-1" });
    assert_eq!(entry["context"], context, "{entry}");
    assert_eq!(entry["data"]["name"], "a");
}

#[test]
fn a_run_is_explained_where_that_was_asked_for_and_told_once_where_it_has_not_changed() {
    let folder = Folder::example("cymmetri");
    let served = Served::start(&folder, &["--database", "memory"]);
    let mut request = login(&folder);
    let plain = served.post("/v1/flows/login/runs", &request).json();
    request["explain"] = json!(true);
    let explained = served.post("/v1/flows/login/runs", &request).json();
    let read = |answer: &Value, query: &str| {
        served.get(&format!("/v1/runs/{}{query}", answer["run"].as_str().unwrap())).json()
    };
    assert_eq!(read(&plain, "?explain=true")["explanation"], json!([[]]));
    assert_eq!(read(&explained, "")["explanation"], Value::Null);
    let told = read(&explained, "?explain=true")["explanation"][0].clone();
    let steps = told.as_array().unwrap();
    assert!(!steps.is_empty() && steps.iter().all(|step| step["step"].is_string()), "{told}");
    assert!(told.to_string().contains("step.risk.severity"), "{told}");
    assert!(!told.to_string().contains("correct horse"), "{told}");

    for path in [format!("/v1/runs/{}", plain["run"].as_str().unwrap()), "/.well-known/jwks.json".to_owned()] {
        let first = served.get(&path);
        let tag = first.header("etag").unwrap().to_owned();
        let again = served.with_key("GET", &path, &[("if-none-match", &tag)], b"");
        assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", Some(tag.as_str())), "{path}");
        let weak = format!("\"x\", W/{tag}");
        assert_eq!(served.with_key("GET", &path, &[("if-none-match", &weak)], b"").status, 304);
        assert_eq!(served.with_key("GET", &path, &[("if-none-match", "\"x\"")], b"").body, first.body);
    }
    assert_eq!(served.get("/.well-known/jwks.json").header("cache-control"), Some("private, max-age=300"));
}

#[test]
fn a_key_that_calls_too_often_waits_and_another_does_not() {
    let folder = Folder::example("cymmetri");
    let served = Served::start(&folder, &["--database", "memory", "--rate-per-key", "5"]);
    let made = served.post("/v1/keys", &json!({ "name": "other", "scopes": ["read"] })).json();
    let other = format!("Bearer {}", made["key"].as_str().unwrap());
    let replies: Vec<_> = (0..40).map(|_| served.get("/v1/runs")).collect();
    let refused = replies.iter().find(|reply| reply.status == 429).expect("40 calls at once are more than 5 a second");
    assert_eq!(refused.json()["code"], "too_many_calls");
    assert_eq!(
        (refused.header("retry-after"), refused.header("ratelimit-policy")),
        (Some("1"), Some("\"key\";q=5;w=1"))
    );
    assert_eq!(refused.header("ratelimit"), Some("\"key\";r=0;t=1"));
    assert_eq!(served.call("GET", "/v1/runs", &[("authorization", &other)], b"").status, 200);
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(served.get("/v1/runs").status, 200);
}

#[test]
fn t12_bodies_that_are_too_large_too_deep_or_no_json_are_refused_and_the_server_goes_on() {
    let folder = Folder::example("cymmetri");
    let served = Served::start(&folder, &["--database", "memory"]);
    let path = "/v1/flows/login/runs";
    let deep = |levels: usize| {
        format!("{{\"event\": {{}}, \"input\": {{\"x\": {}1{}}}}}", "[".repeat(levels), "]".repeat(levels))
    };
    for levels in [40, 1_000, 100_000] {
        let reply = served.with_key("POST", path, &[], deep(levels).as_bytes());
        assert_eq!((reply.status, reply.json()["code"].as_str()), (400, Some("bad_body")), "{levels}: {}", reply.body);
        assert!(reply.body.contains("32"), "{}", reply.body);
    }
    let objects = format!("{}1{}", "{\"a\":".repeat(20_000), "}".repeat(20_000));
    assert_eq!(served.with_key("POST", path, &[], objects.as_bytes()).status, 400);
    // A body that never ends.
    let head = |field: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n{field}\r\n\r\n",
            served.key
        )
    };
    let mut endless = head("transfer-encoding: chunked").into_bytes();
    for _ in 0..5 {
        endless.extend_from_slice(b"10000\r\n");
        endless.extend(std::iter::repeat_n(b' ', 0x1_0000));
        endless.extend_from_slice(b"\r\n");
    }
    assert_eq!(served.raw(&endless).status, 413);
    // Heads.
    let wide = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-wide: {}\r\n\r\n", "y".repeat(64 * 1024));
    assert_eq!(served.raw(wide.as_bytes()).status, 431);
    for odd in ["\"\\ud800\"", "{\"a\":1,\"a\":2}", "1e999", "[1,]", "\u{feff}{}", "nul", "{\"event\":{}} x", "'a'"] {
        let reply = served.with_key("POST", path, &[], format!("{{\"event\": {odd}}}").as_bytes());
        assert_eq!(reply.status, 400, "{odd}: {}", reply.body);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    }
    assert_eq!(served.post(path, &login(&folder)).json()["outcome"], "session");
}

#[test]
fn t11_a_body_that_never_comes_is_answered_with_408() {
    let folder = Folder::example("cymmetri");
    let served = Served::start(&folder, &["--database", "memory"]);
    let head = format!(
        "POST /v1/flows/login/runs HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-length: 100\r\n\r\n{{",
        served.key
    );
    let late = served.raw(head.as_bytes());
    assert_eq!((late.status, late.json()["code"].as_str()), (408, Some("too_slow")));
    assert_eq!(served.post("/v1/flows/login/runs", &login(&folder)).json()["outcome"], "session");
}
