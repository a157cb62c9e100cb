//! A server that is operated: measured, watched, logged, traced, told to stop, given certificates, short of files and of disk.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus_parse::{Scrape, Value as Sample};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use crate::admit::Folder;
use crate::npm;
use crate::served::{Served, connect, read};
use crate::webhook::{self, Service};

fn login(folder: &Folder) -> Value {
    serde_json::from_str(&folder.read("requests/login.json")).unwrap()
}

fn started(folder: &Folder, shell: &str, more: &[&str]) -> Served {
    let memory = ["--database", "memory", "--management", "127.0.0.1:0"];
    Served::start_by(folder, shell, &[], &[&memory, more].concat())
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_is_measured_is_read_by_a_parser_of_others_and_names_no_tenant() {
    let folder = Folder::example("cymmetri");
    let served = started(&folder, "exec \"$@\"", &[]);
    for _ in 0..3 {
        assert_eq!(served.post("/v1/flows/login/runs", &login(&folder)).json()["outcome"], "session");
    }
    assert_eq!(served.get("/v1/runs/run_none").status, 404);
    let scraped = served.watched("/metrics");
    assert!(scraped.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let scrape = Scrape::parse(scraped.body.lines().map(|line| Ok(line.to_owned()))).unwrap();
    let sample = |name: &str, labels: &[(&str, &str)]| {
        let fits = |one: &&prometheus_parse::Sample| {
            one.metric == name && labels.iter().all(|(label, value)| one.labels.get(label) == Some(value))
        };
        let found =
            scrape.samples.iter().find(fits).unwrap_or_else(|| panic!("no {name} {labels:?} in {}", scraped.body));
        match &found.value {
            Sample::Counter(value) | Sample::Gauge(value) | Sample::Untyped(value) => *value,
            Sample::Histogram(buckets) => buckets.last().unwrap().count,
            Sample::Summary(_) => panic!("{name} is a summary"),
        }
    };
    assert_eq!(sample("admit_runs_total", &[("flow", "login"), ("outcome", "session")]), 3.0);
    assert_eq!(sample("admit_http_request_seconds", &[("route", "/v1/flows/:flow/runs"), ("status", "200")]), 3.0);
    assert_eq!(sample("admit_http_request_seconds", &[("route", "/v1/runs/:run"), ("status", "404")]), 1.0);
    assert_eq!(sample("admit_block_seconds", &[("block", "password_check")]), 3.0);
    assert!(sample("admit_store_commit_seconds", &[]) >= 3.0);
    assert!(sample("admit_connections_open", &[]) >= 1.0);
    assert_eq!(sample("admit_queue_depth", &[]), 0.0);
    assert_eq!(sample("admit_ready", &[]), 1.0);
    assert!(sample("admit_action_workers", &[("state", "living")]) >= 0.0);
    for hidden in ["local", "usr_", "run_none", &served.key] {
        assert!(!scraped.body.contains(&format!("\"{hidden}")), "{hidden}");
    }
    // What is watched is not public.
    assert_eq!(served.get("/metrics").status, 404);
    assert_eq!((served.get("/healthz").status, served.watched("/healthz").status), (404, 200));
    assert_eq!(served.watched("/v1/runs").status, 404);
}

#[test]
fn f21_told_to_stop_it_is_not_ready_ends_what_is_under_way_and_exits_well() {
    let folder = Folder::example("cymmetri");
    let served = started(&folder, "exec \"$@\"", &["--drain", "2s", "--stop-after", "10s"]);
    assert_eq!(served.watched("/readyz").status, 200);
    let body = login(&folder).to_string();
    // One has sent half of its request when the word comes.
    let mut slow = connect(&served.address);
    let head = format!(
        "POST /v1/flows/login/runs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        served.key,
        body.len()
    );
    slow.write_all(head.as_bytes()).unwrap();
    assert!(Command::new("kill").args(["-TERM", &served.id().to_string()]).status().unwrap().success());
    until("it is not ready any more", || served.watched("/readyz").status == 503);
    assert_eq!(served.post("/v1/flows/login/runs", &login(&folder)).json()["outcome"], "session", "it still serves");
    std::thread::sleep(Duration::from_millis(2_500));
    slow.write_all(body.as_bytes()).unwrap();
    let mut text = String::new();
    slow.read_to_string(&mut text).unwrap();
    assert_eq!(read(&text).json()["outcome"], "session", "what was under way has ended");
    assert!(served.stop(), "exit code 0");
}

#[test]
fn t24_whatever_callers_send_a_log_line_is_one_json_object() {
    let folder = Folder::example("cymmetri");
    let more = ["--log-format", "json", "--log-requests", "--log-level", "debug"];
    let served = started(&folder, "exec \"$@\" 2>log", &more);
    let key = format!("Bearer {}", served.key);
    let given = "req-1.2:3/4+5=6_7";
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let made = |headers: &[(&str, &str)]| {
        let headers = [&[("authorization", key.as_str())], headers].concat();
        let reply = served.call("POST", "/v1/flows/login/runs", &headers, login(&folder).to_string().as_bytes());
        assert_eq!(reply.status, 200);
        reply.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(made(&[("x-request-id", given)]), given);
    assert_eq!(made(&[("traceparent", trace)]), "4bf92f3577b34da6a3ce929d0e0e4736");
    let escape = [("authorization", key.as_str()), ("x-request-id", "\u{1b}[31mred")];
    assert_eq!(served.call("GET", "/v1/runs", &escape, b"").status, 400, "no field holds that");
    let bad = ["a b", "x\"}{\"level\":\"ERROR", "é", &"x".repeat(200), ""];
    for bad in bad {
        assert!(made(&[("x-request-id", bad)]).starts_with("req_"), "{bad:?}");
    }
    assert!(made(&[("x-request-id", "one"), ("x-request-id", "two")]).starts_with("req_"), "which of them is it?");
    for path in ["/v1/runs/%0d%0alevel=ERROR", "/%1b%5b31m", "/v1/flows/%22%7d/runs"] {
        served.get(path);
        served.call("GET", path, &[("user-agent", "\u{1b}]0;title\u{7}"), ("referer", "\" , \"")], b"");
    }
    // The id is in the audit log, beside what it was about.
    let audit = served.get("/v1/audit?type=flow.run_completed").json().to_string();
    assert!(audit.contains(given) && audit.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{audit}");
    assert!(served.stop());
    let log = folder.read("log");
    let events: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    assert!(log.bytes().all(|byte| byte == b'\n' || byte >= 0x20), "no sign that a terminal would heed");
    let of = |id: &str| events.iter().filter(|event| event["request_id"] == id).count();
    assert_eq!(of(given), 1);
    assert!(events.iter().any(|event| event["message"] == "stopped"));
    assert!(
        events.iter().all(|event| event["level"] == "INFO" || event["level"] == "WARN" || event["level"] == "DEBUG")
    );
    let email = login(&folder)["input"]["identifier"].as_str().unwrap().to_owned();
    let password = login(&folder)["input"]["password"].as_str().unwrap().to_owned();
    for canary in [email, password, served_secret(&key)] {
        assert!(!log.contains(&canary), "a line holds what is nobody's business");
    }
}

fn served_secret(key: &str) -> String {
    key.rsplit('.').next().unwrap().to_owned()
}

#[test]
fn f27_a_log_that_cannot_be_written_stops_nobody() {
    let folder = Folder::example("cymmetri");
    let served = started(&folder, "exec \"$@\" 2>/dev/full", &["--log-requests"]);
    for _ in 0..3 {
        assert_eq!(served.post("/v1/flows/login/runs", &login(&folder)).json()["outcome"], "session");
    }
    let lost = |line: &&str| line.starts_with("admit_log_lines_lost_total");
    let metrics = served.watched("/metrics").body;
    let line = metrics.lines().find(lost).unwrap_or_else(|| panic!("{metrics}"));
    assert!(line.rsplit(' ').next().unwrap().parse::<u64>().unwrap() >= 3, "{line}");
    assert!(served.stop());
}

#[test]
fn f22_a_server_out_of_descriptors_recovers() {
    let folder = Folder::example("cymmetri");
    let served = started(&folder, "ulimit -n 96; exec \"$@\"", &[]);
    let many: Vec<TcpStream> = (0..200).map(|_| connect(&served.address)).collect();
    std::thread::sleep(Duration::from_millis(500));
    drop(many);
    until("it accepts again", || {
        let reply = std::panic::catch_unwind(|| served.post("/v1/flows/login/runs", &login(&folder)).status);
        reply.is_ok_and(|status| status == 200)
    });
    assert!(served.stop());
}

#[test]
fn spans_of_requests_and_blocks_reach_a_collector_below_the_callers() {
    let folder = Folder::example("cymmetri");
    let collector = Service::new("{}");
    let endpoint = format!("http://127.0.0.1:{}", collector.port);
    let header = "authorization=Bearer canary-otlp";
    let served = started(&folder, "exec \"$@\"", &["--otlp-endpoint", &endpoint, "--otlp-header", header]);
    let key = format!("Bearer {}", served.key);
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let unsampled = "00-11111111111111111111111111111111-00f067aa0ba902b7-00";
    for parent in [trace, unsampled] {
        let headers = [("authorization", key.as_str()), ("traceparent", parent)];
        served.call("POST", "/v1/flows/login/runs", &headers, login(&folder).to_string().as_bytes());
    }
    assert!(served.stop(), "what is left is sent before it ends");
    let received = collector.requests();
    assert!(received.iter().all(|one| one.starts_with("POST /v1/traces HTTP/1.1")));
    assert!(received[0].contains("authorization: Bearer canary-otlp"));
    let spans: Vec<Value> = received
        .iter()
        .map(|one| serde_json::from_str::<Value>(body_of(one)).unwrap())
        .flat_map(|body| body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone())
        .collect();
    let ours: Vec<&Value> = spans.iter().filter(|one| one["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736").collect();
    let root = ours.iter().find(|one| one["name"] == "POST /v1/flows/{flow}/runs").unwrap();
    assert_eq!(root["parentSpanId"], "00f067aa0ba902b7");
    let block = ours.iter().find(|one| one["name"] == "password_check").unwrap();
    assert_eq!(block["parentSpanId"], root["spanId"]);
    let nanos = |one: &Value, name: &str| one[name].as_str().unwrap().parse::<u128>().unwrap();
    assert!(nanos(block, "endTimeUnixNano") >= nanos(block, "startTimeUnixNano"));
    assert!(spans.iter().all(|one| one["traceId"] != "1".repeat(32)), "whoever began it does not record it");
    let all = received.join("");
    assert!(!all.contains(login(&folder)["input"]["identifier"].as_str().unwrap()), "names and labels alone");
}

#[test]
fn a_call_that_leaves_names_the_trace_that_it_belongs_to() {
    let service = Service::new(r#"{"risk_score": 0.1}"#);
    let folder = webhook::project(&service);
    let peer = format!("127.0.0.1:{}", service.port);
    let more = ["--tenant", "acme", "--secret", "fraud-key=env:FRAUD_KEY", "--allow-egress", &peer];
    let served = Served::start_by(&folder, "exec \"$@\"", &[("FRAUD_KEY", "key-of-the-fraud-service")], &more);
    let part = |name: &str| serde_json::from_str::<Value>(&folder.read(name)).unwrap();
    let body = json!({ "event": part("events/office.json"), "input": part("inputs/alice.json") }).to_string();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for headers in [&[("traceparent", trace)][..], &[]] {
        assert_eq!(
            served.with_key("POST", "/v1/flows/login/runs", headers, body.as_bytes()).json()["outcome"],
            "session"
        );
    }
    let requests = service.requests();
    assert!(requests[0].contains(&format!("traceparent: {trace}")), "{}", requests[0]);
    assert!(!requests[1].contains("traceparent"), "who is in no trace begins none");
}

/// What follows the head of a request, which the service keeps without the empty line.
fn body_of(request: &str) -> &str {
    request.find('{').map_or("", |at| &request[at..])
}

#[test]
fn subscribers_get_signed_deliveries_that_the_reference_library_verifies() {
    let folder = Folder::example("cymmetri");
    let receiver = Service::new("{}");
    let peer = format!("127.0.0.1:{}", receiver.port);
    let served = started(&folder, "exec \"$@\"", &["--allow-egress", &peer]);
    let subscribe = |url: &str, types: Value| served.post("/v1/webhooks", &json!({ "url": url, "types": types }));
    for (url, code) in [
        ("http://example.com/hook", "bad_url"),
        ("https://169.254.169.254/latest", "bad_url"),
        ("https://localhost/hook", "bad_url"),
        ("not a url", "bad_url"),
    ] {
        let refused = subscribe(url, json!(["*"]));
        assert_eq!((refused.status, refused.json()["code"].as_str()), (400, Some(code)), "{url}");
    }
    let url = format!("http://{peer}/hook");
    for types in [json!([]), json!(["User.Created"]), json!(["*.*"]), json!(["user."])] {
        assert_eq!(subscribe(&url, types.clone()).json()["code"], "bad_types", "{types}");
    }
    let made = subscribe(&url, json!(["flow.run_completed"])).json();
    let (id, secret) = (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned());
    assert!(secret.starts_with("whsec_"));
    assert!(!served.get("/v1/webhooks").body.contains(&secret) && !served.get("/v1/audit").body.contains(&secret));
    assert_eq!(served.post(&format!("/v1/webhooks/{id}/test"), &json!({})).json()["delivered"], true);
    let run = served.post("/v1/flows/login/runs", &login(&folder)).json();
    until("it is delivered", || receiver.requests().len() == 2);

    let verified = verify(&receiver.requests()[1], &secret);
    assert_eq!((&verified["type"], &verified["data"]["run"]), (&json!("flow.run_completed"), &run["run"]));
    let bent = receiver.requests()[1].replace("flow.run_completed", "flow.run_cancelled");
    assert!(std::panic::catch_unwind(|| verify(&bent, &secret)).is_err(), "what was changed does not verify");

    let deliveries = format!("/v1/webhooks/{id}/deliveries");
    until("it is told of", || served.get(&deliveries).json()["deliveries"][0]["state"] == "delivered");
    let listed = served.get(&deliveries).json()["deliveries"][0].clone();
    let name = listed["id"].as_str().unwrap();
    assert!(receiver.requests()[1].contains(&format!("webhook-id: {name}")));
    assert_eq!(served.post(&format!("{deliveries}/{name}/retry"), &json!({})).json()["state"], "waiting");
    until("it is delivered again", || receiver.requests().len() == 3);
    assert!(receiver.requests()[2].contains(&format!("webhook-id: {name}")), "under the same name");
    assert_eq!(served.with_key("DELETE", &format!("/v1/webhooks/{id}"), &[], b"").status, 200);
    assert_eq!(served.get(&deliveries).status, 404);
    assert!(served.get("/v1/audit").body.contains("webhook.removed"));
}

#[test]
fn a_node_works_off_what_other_tenants_have_queued() {
    let folder = Folder::example("cymmetri");
    let receiver = Service::new("{}");
    let peer = format!("127.0.0.1:{}", receiver.port);
    let other = Served::start(&folder, &["--tenant", "acme", "--allow-egress", &peer]);
    let subscription = json!({ "url": format!("http://{peer}/hook"), "types": ["flow.run_completed"] });
    assert_eq!(other.post("/v1/webhooks", &subscription).status, 200);
    assert!(other.stop());
    let served = Served::start(&folder, &["--allow-egress", &peer]);
    folder.admit("run login --tenant acme --event events/office.json --input inputs/alice.json").code(0);
    until("it is delivered", || receiver.requests().len() == 1);
    assert!(served.stop());
    // Nobody is told twice.
    let again = Served::start(&folder, &["--allow-egress", &peer]);
    std::thread::sleep(Duration::from_millis(1_500));
    assert!(again.stop());
    assert_eq!(receiver.requests().len(), 1);
}

/// Verifies a request as a receiver would, with the library of Standard Webhooks; answers its body.
fn verify(request: &str, secret: &str) -> Value {
    let headers: serde_json::Map<String, Value> = request
        .lines()
        .take_while(|line| !line.starts_with('{'))
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.trim().into()))
        .collect();
    let given = json!({ "secret": secret, "headers": headers, "body": body_of(request) });
    let script = npm::modules().parent().unwrap().join("webhook.mjs");
    let mut child = Command::new("node")
        .arg(script)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "it does not verify");
    serde_json::from_slice(&done.stdout).unwrap()
}

#[test]
fn certificates_are_served_renewed_and_refused_where_they_do_not_fit() {
    let folder = Folder::example("cymmetri");
    let (first, second) = (certificate(&folder, "one"), certificate(&folder, "two"));
    let names = |chain: &str, key: &str| {
        format!("serve --database memory --listen 127.0.0.1:0 --tls-cert {chain} --tls-key {key}")
    };
    folder
        .admit(&names("one.pem", "two.key"))
        .code(2)
        .says("the key in `two.key` is not that of the certificate in `one.pem`");
    folder.admit(&names("one.key", "one.key")).code(2).says("holds no certificate");
    folder.admit(&names("one.pem", "one.pem")).code(2).says("holds no private key");
    folder.admit(&names("none.pem", "one.key")).code(2).says("cannot read `none.pem`");
    folder.admit("serve --tls-cert one.pem").code(2).says("--tls-key");

    std::fs::copy(folder.file("one.pem"), folder.file("tls.pem")).unwrap();
    std::fs::copy(folder.file("one.key"), folder.file("tls.key")).unwrap();
    let served = started(&folder, "exec \"$@\" 2>log", &["--tls-cert", "tls.pem", "--tls-key", "tls.key"]);
    assert!(served.said[0].starts_with("listening on https://"));
    assert_eq!(encrypted(&served, &first).unwrap(), 401);
    assert!(encrypted(&served, &second).is_err(), "another's certificate is not trusted");
    // What does not fit is said, and changes nothing.
    std::fs::copy(folder.file("two.pem"), folder.file("tls.pem")).unwrap();
    let hang_up = || Command::new("kill").args(["-HUP", &served.id().to_string()]).status().unwrap();
    hang_up();
    until("it says so", || folder.read("log").contains("the certificate stays as it was"));
    assert_eq!(encrypted(&served, &first).unwrap(), 401);
    std::fs::copy(folder.file("two.key"), folder.file("tls.key")).unwrap();
    hang_up();
    until("the new one is served", || encrypted(&served, &second).is_ok_and(|status| status == 401));
    assert!(served.stop());

    expired(&folder);
    let served = started(&folder, "exec \"$@\" 2>log", &["--tls-cert", "old.pem", "--tls-key", "old.key"]);
    assert!(folder.read("log").contains("has expired: clients will refuse it"));
    assert!(served.stop());
}

fn certificate(folder: &Folder, name: &str) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    folder.write(&format!("{name}.pem"), made.cert.pem());
    folder.write(&format!("{name}.key"), made.signing_key.serialize_pem());
    made.cert.der().clone()
}

fn expired(folder: &Folder) {
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    folder.write("old.pem", params.self_signed(&key).unwrap().pem());
    folder.write("old.key", key.serialize_pem());
}

/// The status of a request over TLS by a client that trusts this certificate alone.
fn encrypted(served: &Served, trusted: &CertificateDer<'static>) -> std::io::Result<u16> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, connect(&served.address));
    stream.write_all(b"GET /v1/runs HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(read(&text).status)
}

#[test]
fn a_service_manager_is_told_that_it_is_ready_lives_and_stops() {
    let folder = Folder::example("cymmetri");
    let path = folder.file("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let variables = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "200000")];
    let served = Served::start_by(&folder, "exec \"$@\"", &variables, &["--database", "memory"]);
    let stopping = std::thread::spawn(move || served.stop());
    let mut heard = String::new();
    while !heard.contains("STOPPING=1") {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
        heard.push('\n');
    }
    assert!(heard.contains("READY=1") && heard.contains("WATCHDOG=1"), "{heard}");
    assert!(stopping.join().unwrap());
}
