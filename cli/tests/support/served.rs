//! `admit serve` as a process of a test: its address, its first key, and calls of its API.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::admit::Folder;

/// A server, its address and its first key.
pub struct Served {
    pub child: Child,
    pub address: String,
    pub key: String,
    /// The lines that it has printed.
    pub said: Vec<String>,
}

/// An answer: status, head and body.
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Served {
    /// Serves the project in a folder, with its users.
    pub fn start(folder: &Folder, more: &[&str]) -> Self {
        Self::start_by(folder, "exec \"$@\"", &[], more)
    }

    /// Started by a line of shell, which ends in `exec "$@"`, with these variables.
    pub fn start_by(folder: &Folder, shell: &str, variables: &[(&str, &str)], more: &[&str]) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", shell, "sh", env!("CARGO_BIN_EXE_admit")])
            .args(["serve", "--listen", "127.0.0.1:0", "--users", "users.jsonl"])
            .args(more)
            .current_dir(folder.path())
            .envs(variables.iter().copied());
        Self::of(command)
    }

    /// Runs the command, which is `admit serve`, until it is ready.
    pub fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut said = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            said.push(line.unwrap());
            if said.last().unwrap() == "ready" {
                break;
            }
        }
        let after = |words: &str| said.iter().find_map(|line| line.strip_prefix(words)).unwrap_or_default().to_owned();
        let (address, key) = (after("listening on "), after("API key, shown this once: "));
        let address = address.trim_start_matches("https://").trim_start_matches("http://").to_owned();
        assert_eq!(said.last().map(String::as_str), Some("ready"));
        Self { child, address, key, said }
    }

    /// Where it is watched.
    pub fn management(&self) -> String {
        let line = self.said.iter().find_map(|line| line.strip_prefix("management on http://"));
        line.unwrap_or_else(|| panic!("there is no management port")).to_owned()
    }

    /// `GET` of the management port.
    pub fn watched(&self, path: &str) -> Reply {
        let address = self.management();
        exchange(&address, format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn raw(&self, request: &[u8]) -> Reply {
        exchange(&self.address, request)
    }

    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.raw(&request(&self.address, method, path, headers, body))
    }

    pub fn get(&self, path: &str) -> Reply {
        self.call("GET", path, &[("authorization", &format!("Bearer {}", self.key))], b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        let key = format!("Bearer {}", self.key);
        self.call("POST", path, &[("authorization", &key)], body.to_string().as_bytes())
    }

    /// As [`Self::call`], with its key.
    pub fn with_key(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let key = format!("Bearer {}", self.key);
        self.call(method, path, &[&[("authorization", key.as_str())], headers].concat(), body)
    }

    /// Tells it to stop, and waits.
    pub fn stop(mut self) -> bool {
        self.stop_well()
    }

    /// Tells it to stop, and waits: whether it ended well.
    pub fn stop_well(&mut self) -> bool {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        told.success() && self.child.wait().unwrap().success()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _gone_already = self.child.wait();
    }
}

/// One request, and its answer to the end of the connection.
pub fn exchange(address: &str, request: &[u8]) -> Reply {
    try_exchange(address, request).unwrap()
}

/// An answer as it came.
pub fn read(text: &str) -> Reply {
    whole(text).unwrap_or_else(|| panic!("{text}"))
}

/// An answer, unless it was cut off.
fn whole(text: &str) -> Option<Reply> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    let is_whole = length.is_none_or(|length| body.len() >= length);
    is_whole.then(|| Reply { status, head: head.to_owned(), body: body.to_owned() })
}

#[expect(clippy::disallowed_methods, reason = "a caller of the API, from outside")]
pub fn connect(address: &str) -> TcpStream {
    TcpStream::connect(address).unwrap()
}

/// One request on a connection of its own.
pub fn request(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

/// As [`exchange`], of a server that may be gone.
#[expect(clippy::disallowed_methods, reason = "a caller of the API, from outside")]
pub fn try_exchange(address: &str, request: &[u8]) -> std::io::Result<Reply> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(60)))?;
    socket.write_all(request)?;
    let mut text = String::new();
    socket.read_to_string(&mut text)?;
    whole(&text).ok_or_else(|| std::io::Error::new(std::io::ErrorKind::UnexpectedEof, text))
}
