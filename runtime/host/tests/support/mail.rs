//! A mail server on loopback: npm's `smtp-server`, whose mails a parser of its own reads (`.ci/peers/smtp.cjs`).

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use crate::npm;

/// The server; it goes with the test.
pub struct MailServer {
    pub port: u16,
    child: Child,
    lines: Receiver<Value>,
}

impl MailServer {
    /// One that behaves so: see the script. `{}` takes every mail.
    pub fn start(how: Value) -> Self {
        let mut child = Command::new("node")
            .arg(npm::scripts().join("smtp.cjs"))
            .arg(how.to_string())
            .env("NODE_PATH", npm::modules())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (to, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _gone = to.send(serde_json::from_str(&line).unwrap_or(Value::String(line)));
            }
        });
        let hello: Value = lines.recv_timeout(Duration::from_secs(60)).unwrap();
        let port = hello["port"].as_u64().unwrap().try_into().unwrap();
        Self { port, child, lines }
    }

    /// The next mail that it took.
    pub fn mail(&self) -> Value {
        self.lines.recv_timeout(Duration::from_secs(30)).unwrap()
    }

    /// It took no further one. What was sent was taken before the command that sent it ended.
    pub fn no_more_mail(&self) -> bool {
        self.lines.recv_timeout(Duration::from_millis(200)).is_err()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
