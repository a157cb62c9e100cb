//! What an Action in its real worker can reach with `api.fetch`: its own declared peers, and nothing of this machine or its network.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::admit::{Folder, LOGIN};

/// Tries each URL, and says what came of it.
const PROBE: &str = r#"action probe {
  version  "1.0.0"
  source   "action.js"
  triggers login.post-login
  config   { urls: list(string) }
  fetch    "127.0.0.1", "localhost", "10.0.0.1", "192.168.0.1", "169.254.169.254", "metadata.google.internal", "0x7f.1", "2130706433", "0.0.0.0"
  budget   5s
}
"#;

const PROBE_JS: &str = r#"export async function execute({ config }, api) {
  for (const url of config.urls) {
    try {
      const answer = await api.fetch(url)
      console.log(`${url} gives ${answer.status} ${await answer.text()}`)
    } catch (error) {
      console.log(`${url} fails: ${error.message}`)
    }
  }
}
"#;

/// A listener that counts who connects, and says so where it should have seen nobody.
fn canary(address: &str) -> Option<(u16, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind((address, 0)).ok()?;
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(socket);
        }
    });
    Some((port, seen))
}

/// A peer that answers `/to/TARGET` with a redirect to the target, and anything else with 200.
fn peer() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut lines = BufReader::new(socket.try_clone().unwrap()).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let target = first.split(' ').nth(1).and_then(|path| path.strip_prefix("/to/"));
            let head = match target {
                Some(target) => format!("302 Found\r\nlocation: {target}"),
                None => "200 OK".to_owned(),
            };
            let answer = format!("HTTP/1.1 {head}\r\ncontent-length: 4\r\nconnection: close\r\n\r\npeer");
            let _ = socket.write_all(answer.as_bytes());
        }
    });
    port
}

#[test]
fn t14_an_action_reaches_no_address_of_this_machine_or_its_network() {
    let (canary_port, seen) = canary("127.0.0.1").unwrap();
    let sixth = canary("::1");
    let peer = peer();
    let own = format!("http://127.0.0.1:{peer}");
    let reached = [format!("{own}/"), format!("{own}/to/{own}/")];
    let mut refused: Vec<String> = [
        // Loopback and its spellings, ports of others, the network, cloud metadata.
        "https://127.0.0.1/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://0.0.0.0/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://192.168.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "https://metadata.google.internal/computeMetadata/v1/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fd00:ec2::254]/",
        "file:///etc/passwd",
    ]
    .map(str::to_owned)
    .into();
    for scheme in ["http", "https"] {
        refused.push(format!("{scheme}://127.0.0.1:{canary_port}/"));
        refused.push(format!("{scheme}://localhost:{canary_port}/"));
        refused.extend(sixth.iter().map(|(port, _)| format!("{scheme}://[::1]:{port}/")));
    }
    // A declared peer that sends on to what nobody may call.
    let targets = [
        format!("http://127.0.0.1:{canary_port}/"),
        format!("http://localhost:{canary_port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "https://10.0.0.1/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ];
    refused.extend(targets.iter().map(|target| format!("{own}/to/{target}")));

    let urls: Vec<String> = reached.iter().chain(&refused).map(|url| format!("\"{url}\"")).collect();
    let mut steps = String::from("issue_session\n");
    // An invocation may call ten times.
    for (number, urls) in urls.chunks(8).enumerate() {
        steps.push_str(&format!("    run action probe@1.0.0 as probe-{number} {{ urls: [{}] }}\n", urls.join(", ")));
    }
    let login = LOGIN.replace("{ issue_session }", &format!("{{\n    {steps}  }}"));
    let login = login.replace("system flow login {", "system flow login {\n  budget 60s");
    let folder = Folder::project(&login);
    folder.write(
        "admit.toml",
        "[project]\nname = \"x\"\ncatalogue = \"1\"\n\n[egress]\nhosts = [\"127.0.0.1\", \"localhost\", \"10.0.0.1\", \
         \"192.168.0.1\", \"169.254.169.254\", \"metadata.google.internal\"]\n",
    );
    folder.write("actions/probe/1.0.0/action.admit", PROBE);
    folder.write("actions/probe/1.0.0/action.js", PROBE_JS);
    folder.write("event.json", include_str!("../../src/command/new_project/event.json"));
    folder.write("input.json", r#"{"identifier": "alice@example.com", "password": "an unusual lantern 42 river"}"#);
    folder.write("users.jsonl", r#"{"email": "alice@example.com", "password": "an unusual lantern 42 river"}"#);
    let run = format!(
        "run login --event event.json --input input.json --users users.jsonl --database memory --trace \
         --allow-egress 127.0.0.1:{peer}"
    );
    let done = folder.admit(&run).code(0);
    let said = |url: &str| {
        let line = done.out.lines().find_map(|line| line.split_once(&format!("{url} ")).map(|(_, said)| said));
        line.unwrap_or_else(|| panic!("nothing of {url} in\n{}", done.out)).to_owned()
    };
    for url in &reached {
        assert_eq!(said(url), "gives 200 peer", "{url}");
    }
    for url in &refused {
        let said = said(url);
        let says_why = ["refused: ", "not declared", "no scheme"].iter().any(|why| said.contains(why));
        let is_refused = said.starts_with("fails: ") && says_why;
        assert!(is_refused, "{url} {said}");
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0, "somebody reached the canary");
    assert!(sixth.is_none_or(|(_, seen)| seen.load(Ordering::SeqCst) == 0), "somebody reached the canary on ::1");
}
