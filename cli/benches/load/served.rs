//! Servers in processes of their own, each held to one core.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::Value;

use crate::bare;

/// A server, where it listens and what it is asked.
pub struct Served {
    child: Child,
    /// `127.0.0.1:port`
    pub address: String,
    path: &'static str,
    key: String,
}

/// Two cores that this process may use.
pub fn two_cores() -> [usize; 2] {
    let may = sched_getaffinity(None).unwrap();
    let mut cores = (0..CpuSet::MAX_CPU).filter(|core| may.is_set(*core));
    match (cores.next(), cores.next()) {
        (Some(one), Some(other)) => [one, other],
        _ => panic!("the benchmark needs two cores"),
    }
}

/// Holds this thread, and the processes that it starts from now on, to a core.
pub fn pinned_to(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).unwrap();
}

impl Served {
    /// The bare handler.
    pub fn bare(core: Option<usize>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(bare::ARGUMENT);
        Self::start(core, command, "/")
    }

    /// `admit serve` with these arguments, held to a core where one is given.
    pub fn admit(core: Option<usize>, project: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_admit"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--project"]).arg(project).args(more);
        Self::start(core, command, "/v1/flows/login/runs")
    }

    fn start(core: Option<usize>, mut command: Command, path: &'static str) -> Self {
        let ours = sched_getaffinity(None).unwrap();
        if let Some(core) = core {
            pinned_to(core);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        sched_setaffinity(None, &ours).unwrap();
        let mut said = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            if line == "ready" {
                break;
            }
            said.push(line);
        }
        let after = |words: &str| said.iter().find_map(|line| line.strip_prefix(words)).unwrap_or_default().to_owned();
        let (address, key) = (after("listening on http://"), after("API key, shown this once: "));
        assert!(!address.is_empty(), "the server did not start: {said:?}");
        Self { child, address, path, key }
    }

    /// CPU that it has used, user and system, in seconds.
    pub fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // After the name, which stands in parentheses: state first, utime and stime are fields 14 and 15 (proc_pid_stat(5)).
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        ticks as f64 / rustix::param::clock_ticks_per_second() as f64
    }

    /// Its resident memory, in kB.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The answer to a run with this body.
    pub fn post(&self, body: &[u8]) -> Value {
        self.call(&self.request(body))
    }

    /// The answer at this path.
    pub fn get(&self, path: &str) -> Value {
        self.call(&self.head("GET", path, b""))
    }

    /// A request with this body.
    pub fn request(&self, body: &[u8]) -> Vec<u8> {
        self.head("POST", self.path, body)
    }

    fn head(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        let (address, key, length) = (&self.address, &self.key, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        [head.as_bytes(), body].concat()
    }

    /// Asks once, and holds the answer to what it must be: the echo, or a run of ten blocks that can be read again where runs
    /// are kept.
    pub fn check(&self, body: &[u8]) {
        let answer = self.call(&self.request(body));
        if self.key.is_empty() {
            assert_eq!(answer, serde_json::from_slice::<Value>(body).unwrap());
            return;
        }
        assert_eq!((answer["outcome"].as_str(), answer["reason"].as_str()), (Some("deny"), Some("step_up_needed")));
        let path = format!("/v1/runs/{}", answer["run"].as_str().unwrap());
        let kept = self.call(&self.head("GET", &path, b""));
        if let Some(trace) = kept["trace"][0].as_array() {
            let count = |word: &str| trace.iter().filter(|event| event["event"] == word).count();
            assert_eq!(count("started") + count("branch") + count("condition"), 10, "{kept}");
        } else {
            assert_eq!(kept["status"], 404);
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a caller of the API, from outside")]
    fn call(&self, request: &[u8]) -> Value {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket
            .write_all(
                &String::from_utf8_lossy(request).replacen("host:", "connection: close\r\nhost:", 1).into_bytes(),
            )
            .unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).unwrap();
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|_| panic!("{text}"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _gone_already = self.child.wait();
    }
}
