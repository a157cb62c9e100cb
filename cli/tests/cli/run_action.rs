//! Actions from outside: in runs, in tests, and in a queue that survives whatever happens to its process.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::admit::Folder;

/// Async steps of one run, and runs: 1,000 jobs.
const STEPS: usize = 250;
const RUNS: usize = 4;

/// Tells the receiver at its config's URL.
const TELL: &str = r#"action tell {
  version  "1.0.0"
  source   "action.js"
  triggers login.post-login
  config   { url: string }
  fetch    "127.0.0.1"
  budget   2s
}
"#;

const TELL_JS: &str = r#"export async function execute(input, api) {
  const answer = await api.fetch(input.config.url, { method: "POST", body: input.context.label })
  if (answer.status !== 200) throw new Error(`status ${answer.status}`)
}
"#;

/// A receiver that keeps how often it has seen each idempotency key.
struct Receiver {
    port: u16,
    seen: Arc<Mutex<BTreeMap<String, u32>>>,
}

impl Receiver {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(BTreeMap::new()));
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || receive(&stream.unwrap(), &kept));
            }
        });
        Self { port, seen }
    }

    fn keys(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

/// Requests of one connection, until it closes.
fn receive(stream: &TcpStream, seen: &Mutex<BTreeMap<String, u32>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut key, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap(),
                "idempotency-key" => value.trim().clone_into(&mut key),
                _ if line == "\r\n" => break,
                _ => {}
            }
        }
        if reader.read_exact(&mut vec![0; length]).is_err() {
            return;
        }
        *seen.lock().unwrap().entry(key).or_default() += 1;
        let mut stream = stream;
        if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").is_err() {
            return;
        }
    }
}

/// A login that ends in these steps.
fn login(steps: &str) -> String {
    crate::admit::LOGIN.replace("{ issue_session }", &format!("{{\n    issue_session\n{steps}  }}"))
}

/// A project with the Action `tell`, alice, and what is needed to sign her in.
fn project(steps: &str) -> Folder {
    let folder = Folder::example("step-up-mfa-on-risk");
    std::fs::remove_dir_all(folder.file("tests")).unwrap();
    folder.write("flows/login.admit", login(steps));
    folder.write("actions/tell/1.0.0/action.admit", TELL);
    folder.write("actions/tell/1.0.0/action.js", TELL_JS);
    folder.admit("user import users.jsonl").code(0);
    folder
}

const RUN: &str = "run login --event events/office.json --input inputs/alice.json --no-input";

#[test]
fn an_action_runs_in_its_worker_and_its_log_is_on_the_trace() {
    let receiver = Receiver::new();
    let steps = format!("    run action tell@1.0.0 {{ url: \"http://127.0.0.1:{}/\" }}\n", receiver.port);
    let folder = project(&steps);
    folder.replace(
        "actions/tell/1.0.0/action.js",
        "const answer",
        "console.debug(\"quietly\")\n  console.warn(\"telling\")\n  const answer",
    );
    let allowed = format!("{RUN} --trace --allow-egress 127.0.0.1:{}", receiver.port);
    folder.admit(&allowed).code(0).says("outcome: session").says("tell  debug: quietly").says("tell  warning: telling");
    assert_eq!(receiver.keys(), 1);
    folder.admit(RUN).code(1).says("outcome: error").says("because: `tell`: TypeError: egress refused");
    folder.replace("actions/tell/1.0.0/action.js", "const answer", "throw new RangeError(\"no\")\n  const answer");
    folder.admit(RUN).code(1).says("because: `tell`: RangeError: no").says("action.js:4");
    assert_eq!(receiver.keys(), 1);
}

#[test]
fn t21_an_action_that_says_its_secrets_is_told_without_them() {
    let folder = project("    run action tell@1.0.0 { url: secrets.hook }\n");
    folder.replace("flows/login.admit", "system flow", "secret hook\nsecret token\n\nsystem flow");
    let declaration =
        TELL.replace("url: string", "url: secret string").replace("  budget", "  secrets  token\n  budget");
    folder.write("actions/tell/1.0.0/action.admit", declaration);
    let code = r#"export function execute(input, api) {
  const token = api.secrets.get("token")
  console.log("calling", input.config.url, { token })
  throw new Error("refused: " + token)
}
"#;
    folder.write("actions/tell/1.0.0/action.js", code);
    let env = [("TOKEN", "canary-token"), ("HOOK", "https://127.0.0.1/canary-hook")];
    let args = format!("{RUN} --trace --secret token=env:TOKEN --secret hook=env:HOOK");
    let done = folder.with(&args, "", &env).code(1);
    let done = done.says("calling [secret config.url]").says("refused: [secret token]");
    done.hides("canary");
}

#[test]
fn tests_run_actions_in_the_sandbox_and_send_nothing() {
    let folder = project("    run action tell@1.0.0 { url: \"https://127.0.0.1/hook\" }\n");
    let test = |more: &str, expected: &str| {
        format!(
            "test \"t\" of login {{\n  stub identity_lookup {{ found: true, user: {{ id: \"usr_1\" }} }}\n  \
             stub password_check {{ verified: true }}\n{more}  expect {expected}\n}}\n"
        )
    };
    for (more, expected, code, says) in [
        ("  stub fetch \"https://127.0.0.1/hook\" { status: 200 }\n", "session", 0, "1 passed"),
        ("  stub fetch \"https://127.0.0.1/hook\" { status: 500 }\n", "error tell", 0, "1 passed"),
        ("  stub fetch \"https://127.0.0.1/hook\" { error: \"reset\" }\n", "error tell", 0, "1 passed"),
        ("  stub tell {}\n", "session", 0, "1 passed"),
        ("", "error tell", 1, "a test sends nothing"),
    ] {
        folder.write("tests/login.admit", test(more, expected));
        folder.admit("test").code(code).says(says);
    }
}

/// Issue 3: killing the process loses no queued Action, and the key lets the receiver see each once.
#[test]
fn f_kill_no_queued_action_is_lost_when_its_process_is_killed() {
    let receiver = Receiver::new();
    let step = format!("    run action tell@1.0.0 {{ url: \"http://127.0.0.1:{}/\" }} async\n", receiver.port);
    let folder = project(&step.repeat(STEPS));
    let args = format!("{RUN} --allow-egress 127.0.0.1:{}", receiver.port);
    let start = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_admit"));
        command.args(args.split(' ')).current_dir(folder.path()).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let began = Instant::now();
    let patience = Duration::from_secs(240);
    for run in 1..=RUNS {
        let before = receiver.keys();
        let mut child = start();
        // In the midst of its queue, or of what an earlier one left; the last one is killed too.
        while receiver.keys() < before + STEPS / 3 && child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < patience, "run {run} did not get on: {} keys", receiver.keys());
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let all = RUNS * STEPS;
    let left = receiver.keys();
    assert!(left < all, "all were sent before the process was killed");
    // Leases of the killed processes run out, and any later run on the database does what is left.
    let mut more = 0;
    while receiver.keys() < all + more * STEPS {
        assert!(began.elapsed() < patience, "{} of {} keys", receiver.keys(), all + more * STEPS);
        std::thread::sleep(Duration::from_secs(11));
        assert!(start().wait().unwrap().success());
        more += 1;
    }
    let seen = receiver.seen.lock().unwrap();
    assert_eq!(seen.len(), all + more * STEPS, "each key once");
    println!(
        "{} jobs, {left} done before the kills, {} sent twice",
        seen.len(),
        seen.values().filter(|times| **times > 1).count()
    );
}
