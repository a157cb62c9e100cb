//! A project without flows of its own, with a database and a mail server: what its users do through the default flows.

use std::cell::Cell;

use serde_json::{Value, json};

use crate::admit::{Done, Folder};
use crate::clock;
use crate::mail::MailServer;

/// A password that holds.
pub const PASSWORD: &str = "an unusual lantern 42 river";

pub struct Site {
    pub folder: Folder,
    pub mails: MailServer,
    /// How much later than now its commands take place, in seconds.
    later: Cell<u64>,
}

impl Site {
    /// An empty one.
    pub fn new() -> Self {
        let mails = MailServer::start(serde_json::json!({}));
        let folder = Folder::new();
        let port = mails.port;
        let manifest = format!(
            "[project]\nname = \"site\"\ncatalogue = \"1\"\n\n[links]\nbase = \"https://app.example.com\"\n\n\
             [smtp]\nhost = \"localhost:{port}\"\nsecurity = \"none\"\nfrom = \"Site <hello@example.com>\"\n"
        );
        folder.write("admit.toml", manifest);
        let event = include_str!("../../src/command/new_project/event.json");
        folder.write("event.json", event);
        folder.write("offline.json", event.replace("\"profile\"", "\"offline_access\""));
        Self { folder, mails, later: Cell::new(0) }
    }

    /// One with a user, who has a password.
    pub fn with(email: &str) -> Self {
        let site = Self::new();
        site.folder
            .write("users.jsonl", json!({"email": email, "email_verified": true, "password": PASSWORD}).to_string());
        site.folder.admit("user import users.jsonl").code(0);
        site
    }

    /// Lets time pass for all commands that follow.
    pub fn pass(&self, seconds: u64) {
        self.later.set(self.later.get() + seconds);
    }

    /// Runs a flow; gives the answer.
    pub fn run(&self, flow: &str, input: &Value) -> Value {
        self.command(&["run", flow, "--event", "event.json", "--input", "-"], input)
    }

    /// Signs up as far as the mail with the link; gives the run that waits for it, and the token of the link.
    pub fn sign_up(&self, email: &str, password: &str) -> (Value, String) {
        let waiting = self.run("registration", &json!({"identifier": email, "password": password}));
        assert_eq!(waiting["label"], "verification-check", "{waiting}");
        (waiting, self.link(email, "/verify-email"))
    }

    /// Runs a flow within a session.
    pub fn within(&self, session: &str, flow: &str, input: &Value) -> Value {
        self.command(&["run", flow, "--event", "event.json", "--input", "-", "--session", session], input)
    }

    /// Answers the prompt of a run that waits.
    pub fn answer(&self, waiting: &Value, input: &Value) -> Value {
        let token = waiting["resume_token"].as_str().unwrap_or_else(|| panic!("nothing waits: {waiting}"));
        self.command(&["run", "--resume", token, "--input", "-"], input)
    }

    /// What the command says of a run that does not go on.
    pub fn refused(&self, waiting: &Value, input: &Value) -> String {
        let token = waiting["resume_token"].as_str().unwrap();
        self.admit(&["run", "--resume", token, "--input", "-"], input).code(2).err
    }

    /// Tries a password as often as one may; gives what the user sees of it.
    pub fn turned_away(&self, email: &str, password: &str) -> Vec<Value> {
        let mut seen = vec![self.login(email, password)];
        while let Some(last) = seen.last().filter(|last| outcome(last) == "suspended") {
            seen.push(self.answer(last, &json!({"password": password})));
        }
        assert_eq!(denied(&seen[seen.len() - 1]), "invalid_credentials");
        for answer in &mut seen {
            let fields = answer.as_object_mut().unwrap();
            fields.retain(|name, _| name != "run" && name != "resume_token");
        }
        seen
    }

    /// Signs in for a client that asks for `offline_access`.
    pub fn tokens(&self, email: &str, password: &str) -> Value {
        let input = json!({"identifier": email, "password": password});
        self.command(&["run", "login", "--event", "offline.json", "--input", "-"], &input)
    }

    /// Shows a refresh token.
    pub fn refresh(&self, token: &str) -> Value {
        let input = json!({"refresh_token": token});
        self.command(&["run", "token-refresh", "--event", "offline.json", "--input", "-"], &input)
    }

    fn admit(&self, args: &[&str], input: &Value) -> Done {
        let env = if self.later.get() > 0 { clock::later(self.later.get()) } else { Vec::new() };
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.folder.run(args, input.to_string().as_bytes(), &env)
    }

    fn command(&self, args: &[&str], input: &Value) -> Value {
        let peer = format!("localhost:{}", self.mails.port);
        let args = [args, &["--format", "json", "--allow-egress", &peer]].concat();
        let done = self.admit(&args, input);
        assert!(matches!(done.code, 0 | 1), "{}{}", done.out, done.err);
        let answer = done.json();
        let is_finding = matches!(answer["outcome"].as_str(), Some("deny" | "error"));
        assert_eq!(done.code, i32::from(is_finding), "{answer}");
        answer
    }

    /// The token of the link in the next mail, which goes to this address and leads to this page.
    pub fn link(&self, to: &str, page: &str) -> String {
        let mail = self.mails.mail();
        assert_eq!(mail["to"], json!([to]), "{mail}");
        let text = mail["text"].as_str().unwrap();
        let start = format!("https://app.example.com{page}?token=");
        let token = text.split(&start).nth(1).and_then(|rest| rest.split_whitespace().next());
        token.unwrap_or_else(|| panic!("no link to {page}: {text}")).to_owned()
    }

    /// Signs in with a password.
    pub fn login(&self, email: &str, password: &str) -> Value {
        self.run("login", &json!({"identifier": email, "password": password}))
    }
}

/// The reason of a deny, with what the user is told.
#[track_caller]
pub fn denied(answer: &Value) -> &str {
    assert_eq!(answer["outcome"], "deny", "{answer}");
    answer["reason"].as_str().unwrap()
}

/// How it ended.
pub fn outcome(answer: &Value) -> &str {
    answer["outcome"].as_str().unwrap()
}
