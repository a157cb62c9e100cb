//! T21: passwords, codes, tokens, secrets and personal data are planted, go through every kind of step of a real `admit serve`, and then
//! are looked for in all that it leaves: its log, traces, audit, metrics, errors and the raw files of its database. T39: what the database
//! holds is no credential.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::admit::Folder;
use crate::served::{Reply, Served};
use crate::totp;
use crate::webhook::Service;

const PASSWORD: &str = "canary-lantern 42 river of the north";
const WRONG: &str = "canary-wrong 17 harbour of the south";
const HOOK_KEY: &str = "canary-hook-key-b81c5f2e9d";
const CHATTY: &str = "canary-chatty-0a9f7e6d5c";
const EMAIL: &str = "canary.alice@example.com";
const PHONE: &str = "+4915112349876";
const NAME: &str = "Canary Q. Nightingale";
const NOBODY: &str = "canary.nobody@example.com";
const IP: &str = "198.51.100.237";

const FLOW: &str = r#"system flow login {
  budget 20s
  stage pre-login {
    identity_lookup
    password_check { attempts: 3 }
    decision password-result {
      when !step.password-check.verified -> wrong { deny { reason: "invalid_credentials" } }
      default -> verified
    }
  }
  stage post-auth {
    decision second-factor {
      when "sms" in event.transaction.acr_values -> text {
        channel_otp_send as send-text { channel: "sms" }
        channel_otp_verify as text-code { challenge: step.send-text.challenge }
        decision text-result {
          when !step.text-code.verified -> wrong { deny { reason: "wrong_code" } }
          default -> right
        }
      }
      when "mail" in event.transaction.acr_values -> mail {
        channel_otp_send as send-mail { channel: "email" }
        channel_otp_verify as mail-code { challenge: step.send-mail.challenge }
        decision mail-result {
          when !step.mail-code.verified -> wrong { deny { reason: "wrong_code" } }
          default -> right
        }
      }
      default -> app { mfa { factors: ["totp"], remember_device: true } }
    }
    bot_detection
    brute_force
    risk_evaluate as risk
    call_webhook as hook {
      url: "http://127.0.0.1:PORT/score"
      headers: { "authorization": "Bearer {{ secrets.hook-key }}" }
      body: { "email": event.user.?email.orValue(""), "ip": event.request.ip }
      sign: secrets.hook-key
    }
    run action chatty@1.0.0 { token: secrets.chatty } on error continue
    log_event { name: "canary.passed", data: {"who": event.user.id} }
  }
  stage post-login {
    decision grant {
      when "offline_access" in event.transaction.scopes -> tokens { issue_tokens }
      default -> session { issue_session }
    }
  }
}

secret hook-key
secret chatty
"#;

const CHATTY_ADMIT: &str = r#"action chatty {
  version  "1.0.0"
  source   "action.js"
  triggers login.post-auth
  config   { token: secret string }
  secrets  hook-key
}
"#;

const CHATTY_JS: &str = r#"export async function execute({ config, user, event }, api) {
  console.log("it has", config.token, { key: api.secrets.get("hook-key") })
  console.warn("it is", user.id, user, event.identifier, event.request.ip)
  throw new Error(`told by ${config.token} of ${user.email}`)
}
"#;

/// Its log goes into a file.
const LOGGED: &str = "exec \"$@\" 2>>log";
const VARIABLES: [(&str, &str); 2] = [("HOOK_KEY", HOOK_KEY), ("CHATTY", CHATTY)];
const MORE: [&str; 12] = [
    "--database",
    "canary.db",
    "--mailbox",
    "mail",
    "--management",
    "127.0.0.1:0",
    "--log-format",
    "json",
    "--secret",
    "hook-key=env:HOOK_KEY",
    "--secret",
    "chatty=env:CHATTY",
];

/// A server with canaries planted, what it was told and what it may not tell.
struct Planted {
    served: Served,
    folder: Folder,
    /// What must be nowhere.
    secrets: Vec<(String, String)>,
    /// Answers to calls other than those of runs.
    told: Vec<(String, String)>,
}

impl Planted {
    fn start() -> (Self, Service) {
        let service = Service::new(r#"{"risk_score": 0.1}"#);
        let folder = Folder::project(&FLOW.replace("PORT", &service.port.to_string()));
        folder.write("actions/chatty/1.0.0/action.admit", CHATTY_ADMIT);
        folder.write("actions/chatty/1.0.0/action.js", CHATTY_JS);
        let user = json!({
            "email": EMAIL, "email_verified": true, "phone": PHONE, "phone_verified": true, "name": NAME,
            "password": PASSWORD, "totp_secret": totp::SEED,
        });
        folder.write("users.jsonl", user.to_string());
        let peer = ["--allow-egress".to_owned(), format!("127.0.0.1:{}", service.port)];
        let more: Vec<&str> = MORE.iter().copied().chain(peer.iter().map(String::as_str)).collect();
        let served = Served::start_by(&folder, LOGGED, &VARIABLES, &more);
        let mut secrets: Vec<(String, String)> = [
            ("the password", PASSWORD),
            ("a wrong password", WRONG),
            ("the webhook's secret", HOOK_KEY),
            ("the Action's secret", CHATTY),
            ("the seed", totp::SEED),
            ("the mail address", EMAIL),
            ("the number", PHONE),
            ("the name", NAME),
            ("what a stranger typed", NOBODY),
            ("the address", IP),
        ]
        .map(|(what, text)| (what.to_owned(), text.to_owned()))
        .into();
        secrets.push(("the API key".to_owned(), served.key.rsplit('.').next().unwrap().to_owned()));
        (Self { served, folder, secrets, told: Vec::new() }, service)
    }

    fn plant(&mut self, what: &str, text: &str) {
        assert!(text.len() >= 6, "{what}: `{text}` is found by chance");
        self.secrets.push((what.to_owned(), text.to_owned()));
    }

    /// Starts a run; what it answers is for the caller, so only secrets that were planted before are looked for in it.
    fn start_run(&mut self, flow: &str, input: &Value, acr: &[&str], scopes: &[&str]) -> Value {
        let event = json!({
            "client": {"id": "app_console", "type": "spa"},
            "connection": {"id": "con_1", "strategy": "database"},
            "request": {"ip": IP, "method": "POST", "path": "/login"},
            "transaction": {"id": "txn_51", "acr_values": acr, "scopes": scopes},
        });
        let reply = self.served.post(&format!("/v1/flows/{flow}/runs"), &json!({"event": event, "input": input}));
        self.note(flow, reply)
    }

    fn resume(&mut self, waiting: &Value, input: &Value) -> Value {
        let (run, token) = (waiting["run"].as_str().unwrap(), waiting["resume_token"].as_str().unwrap().to_owned());
        let reply =
            self.served.post(&format!("/v1/runs/{run}/resume"), &json!({"resume_token": token, "input": input}));
        self.note("resume", reply)
    }

    fn note(&mut self, what: &str, reply: Reply) -> Value {
        let answer = reply.json();
        // What the caller gets once is theirs: it is planted from here on.
        self.told.push((what.to_owned(), format!("{}\n{}", reply.head, reply.body)));
        answer
    }

    /// The code of the newest message of this kind.
    fn code(&self, ending: &str) -> String {
        let began = Instant::now();
        loop {
            let files = std::fs::read_dir(self.folder.file("mail")).into_iter().flatten().flatten();
            let texts = files.filter(|file| file.file_name().to_str().is_some_and(|name| name.ends_with(ending)));
            let codes = texts.filter_map(|file| {
                let text = std::fs::read_to_string(file.path()).ok()?;
                let (_, rest) = text.split_once("code is ")?;
                Some(rest.chars().take_while(char::is_ascii_digit).collect::<String>())
            });
            if let Some(code) = codes.last() {
                return code;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "no {ending} came");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Goes through every kind of step, well and not.
fn walked() -> (Planted, Service, Vec<(String, String)>) {
    let (mut planted, service) = Planted::start();
    let right = json!({"identifier": EMAIL, "password": PASSWORD});
    // A wrong password, then the right one, a wrong code and the right one.
    let asked = planted.start_run("login", &json!({"identifier": EMAIL, "password": WRONG}), &[], &[]);
    assert_eq!(asked["label"], "password-check", "{asked}");
    let asked = planted.resume(&asked, &json!({"password": PASSWORD}));
    assert_eq!(asked["label"], "mfa", "{asked}");
    let device = asked["challenge"]["device_token"].as_str().unwrap().to_owned();
    let asked = planted.resume(&asked, &json!({"code": "not-a-code-canary"}));
    let code = totp::code();
    let session = planted.resume(&asked, &json!({"code": code, "remember_device": true}));
    assert_eq!(session["outcome"], "session", "{session}");
    // Text message and mail; one of both for tokens.
    let asked = planted.start_run("login", &right, &["sms"], &["offline_access"]);
    assert_eq!(asked["label"], "text-code", "{asked}");
    let by_text = planted.code(".sms.txt");
    let tokens = planted.resume(&asked, &json!({"code": by_text}));
    assert_eq!(tokens["outcome"], "tokens", "{tokens}");
    let waits = planted.start_run("login", &right, &["mail"], &[]);
    let by_mail = planted.code(".eml");
    let mailed = planted.resume(&waits, &json!({"code": by_mail}));
    assert_eq!(mailed["outcome"], "session", "{mailed}");
    let refreshed = planted.start_run("token-refresh", &json!({"refresh_token": tokens["refresh_token"]}), &[], &[]);
    assert!(matches!(refreshed["outcome"].as_str(), Some("tokens" | "deny")), "{refreshed}");
    // Nobody, three times; one that is left waiting.
    let mut asked = planted.start_run("login", &json!({"identifier": NOBODY, "password": WRONG}), &[], &[]);
    while asked["outcome"] == "suspended" {
        asked = planted.resume(&asked, &json!({"password": WRONG}));
    }
    let left = planted.start_run("login", &json!({"identifier": EMAIL, "password": WRONG}), &[], &[]);
    // What cannot be read.
    planted.start_run("login", &json!({"identifier": EMAIL, "password": {"x": WRONG}}), &[], &[]);
    planted.start_run("login", &json!({"identifier": EMAIL, "no_such_field": PASSWORD}), &[], &[]);
    let reply = planted
        .served
        .post(&format!("/v1/runs/{WRONG}/resume").replace(' ', "%20"), &json!({"resume_token": PASSWORD}));
    planted.note("a token of nobody", reply);

    planted.plant("the code by text message", &by_text);
    planted.plant("the code by mail", &by_mail);
    planted.plant("the app's code", &code);
    let mut tokens_of_callers = Vec::new();
    for (what, value) in [
        ("a session token", &session["token"]),
        ("an access token", &tokens["access_token"]),
        ("a refresh token", &tokens["refresh_token"]),
        ("a resume token that waits", &left["resume_token"]),
        ("a resume token that was used", &waits["resume_token"]),
    ] {
        tokens_of_callers.push((what.to_owned(), value.as_str().unwrap().to_owned()));
    }
    tokens_of_callers.push(("a device token".to_owned(), device));
    (planted, service, tokens_of_callers)
}

#[test]
fn t21_what_is_secret_or_personal_is_in_nothing_that_the_server_leaves() {
    let (mut planted, service, tokens) = walked();
    assert!(service.requests().iter().all(|request| request.contains(HOOK_KEY)), "the peer gets its secret");
    // What was told before anybody looks: challenges, problems, outcomes.
    let mut artifacts: Vec<(String, Vec<u8>)> = Vec::new();
    let of_runs: Vec<(String, String)> = std::mem::take(&mut planted.told);
    let not_for_callers: BTreeSet<&str> =
        ["the password", "a wrong password", "the webhook's secret", "the Action's secret"].into();
    for (what, told) in &of_runs {
        for (name, secret) in planted.secrets.iter().filter(|(name, _)| not_for_callers.contains(name.as_str())) {
            assert!(!told.contains(secret.as_str()), "{name} is in the answer of {what}: {told}");
        }
    }
    let mut runs = Vec::new();
    for path in [
        "/v1/runs?limit=100",
        "/v1/audit?limit=100",
        "/v1/bundles",
        "/v1/keys",
        "/.well-known/jwks.json",
        "/readyz",
        "/openapi.json",
    ] {
        let reply = planted.served.get(path);
        if path.starts_with("/v1/runs") {
            let listed = reply.json();
            runs =
                listed["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect();
        }
        artifacts.push((path.to_owned(), format!("{}\n{}", reply.head, reply.body).into_bytes()));
    }
    assert!(runs.len() >= 6, "{runs:?}");
    for path in ["/metrics", "/readyz"] {
        let reply = planted.served.watched(path);
        assert_eq!(reply.status, 200, "{path}");
        artifacts.push((path.to_owned(), format!("{}\n{}", reply.head, reply.body).into_bytes()));
    }
    let mut traced = String::new();
    for run in &runs {
        let reply = planted.served.get(&format!("/v1/runs/{run}"));
        traced.push_str(&reply.body);
        artifacts.push((format!("the trace of {run}"), reply.body.into_bytes()));
    }
    // The steps did say something, with what is secret taken out.
    for said in ["[secret config.token]", "[secret hook-key]", "[pii user.phone]", "chatty"] {
        assert!(traced.contains(said), "no `{said}` in the traces: {traced}");
    }
    assert!(planted.served.stop_well(), "it ends well");
    artifacts.push(("the log".to_owned(), std::fs::read(planted.folder.file("log")).unwrap()));
    let mut files = 0;
    for entry in std::fs::read_dir(planted.folder.path()).unwrap().flatten() {
        let name = entry.file_name().to_str().unwrap().to_owned();
        if name.starts_with("canary.db") && !name.ends_with(".key") {
            artifacts.push((name, std::fs::read(entry.path()).unwrap()));
            files += 1;
        }
    }
    assert!(files >= 1, "there is no database");
    let mut found = Vec::new();
    for (what, secret) in planted.secrets.iter().chain(&tokens) {
        for (place, bytes) in &artifacts {
            found.extend(
                forms(secret)
                    .into_iter()
                    .filter(|(_, form)| holds(bytes, form))
                    .map(|(form, _)| format!("{what}, {form}, in {place}")),
            );
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    // The search finds what is there.
    assert!(artifacts.iter().any(|(_, bytes)| holds(bytes, b"password-check")));
}

/// A text as somebody might keep it.
fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let escaped: String = text
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    let mut forms = vec![("as it is", bytes.to_vec())];
    if text.len() >= 10 {
        forms.push(("in hex", hex(bytes).into_bytes()));
        forms.push(("in hex", hex(bytes).to_uppercase().into_bytes()));
        forms.push(("percent-encoded", escaped.into_bytes()));
        for skipped in 0..3 {
            // From a whole group of three on, whatever stands before.
            let rest = &bytes[skipped..];
            let whole = base64(&rest[..rest.len() / 3 * 3]);
            forms.push(("in base64", whole.clone().into_bytes()));
            forms.push(("in base64url", whole.replace('+', "-").replace('/', "_").into_bytes()));
        }
    }
    if text == totp::SEED {
        forms.push(("as bytes", totp::base32(text)));
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks_exact(3).flat_map(|group| {
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[(bits >> shift & 63) as usize]))
    });
    groups.collect()
}

/// Whether the bytes hold this. A code of digits within a longer number is none.
fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    let digits = wanted.iter().all(u8::is_ascii_digit);
    let digit_at = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let mut starts = bytes.windows(wanted.len()).enumerate().filter(|(_, window)| *window == wanted).map(|(at, _)| at);
    starts.any(|at| !digits || !digit_at(at.checked_sub(1)) && !digit_at(Some(at + wanted.len())))
}

/// T39: every text in the database, and the hash of each token, tried as each kind of credential.
#[test]
fn t39_what_the_database_holds_is_no_credential() {
    let (mut planted, _service, tokens) = walked();
    assert!(planted.served.stop_well());
    let bytes = std::fs::read(planted.folder.file("canary.db")).unwrap();
    let mut texts: BTreeSet<String> = BTreeSet::new();
    for run in bytes.split(|byte| !byte.is_ascii_graphic()).filter(|run| run.len() >= 20) {
        texts.insert(String::from_utf8_lossy(&run[..run.len().min(500)]).into_owned());
    }
    for (_, token) in &tokens {
        texts.insert(token.chars().rev().collect());
    }
    let key = planted.served.key.clone();
    planted.served = Served::start_by(&planted.folder, LOGGED, &VARIABLES, &MORE);
    planted.served.key = key;
    let mut tried = 0;
    let most = 300;
    let step = texts.len().div_ceil(most).max(1);
    for text in texts.iter().step_by(step) {
        let bearer = format!("Bearer {text}");
        let of_id = format!("Bearer admit_local.{text}");
        for header in [&bearer, &of_id] {
            let reply = planted.served.call("GET", "/v1/runs", &[("authorization", header)], b"");
            assert_eq!(reply.status, 401, "as an API key: {text}");
        }
        let resumed = planted.served.post("/v1/runs/run_1/resume", &json!({"resume_token": text, "input": {}}));
        assert_eq!(resumed.status, 409, "as a resume token: {text}: {}", resumed.body);
        let refreshed = planted.start_run("token-refresh", &json!({"refresh_token": text}), &[], &[]);
        assert_eq!(refreshed["outcome"], "deny", "as a refresh token: {text}: {refreshed}");
        // With the password: the text is not a trusted device's token either, so the app is asked for.
        if tried % 30 == 0 {
            let trusted = json!({"identifier": EMAIL, "password": PASSWORD, "device_token": text});
            let asked = planted.start_run("login", &trusted, &[], &[]);
            assert_eq!(asked["label"], "mfa", "as the token of a device: {text}: {asked}");
            let wrong = planted.start_run("login", &json!({"identifier": NOBODY, "password": text}), &[], &[]);
            assert_ne!(wrong["outcome"], "session", "as a password: {text}");
        }
        tried += 1;
    }
    println!("{tried} of {} texts tried", texts.len());
    assert!(tried >= 20, "only {tried} texts");
}
