//! A real OpenID provider on this machine (`oidc-provider` of npm), for tests of blocks and of the command line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::npm;

/// The provider's process, which is also a browser and a second opinion: see `.ci/peers/oidc.mjs`.
pub struct Real {
    child: Child,
    asks: ChildStdin,
    says: BufReader<ChildStdout>,
    /// Its issuer.
    pub issuer: String,
}

impl Real {
    /// With the clients `basic`, `post`, `public` and `terminal`.
    pub fn start() -> Self {
        Self::with("[]")
    }

    /// With more clients: JSON, as OpenID Connect Dynamic Client Registration 1.0 names their metadata.
    pub fn with(clients: &str) -> Self {
        let mut child = Command::new("node")
            .arg(npm::modules().with_file_name("oidc.mjs"))
            .arg(clients)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (asks, mut says) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut issuer = String::new();
        says.read_line(&mut issuer).unwrap();
        assert!(issuer.starts_with("http"), "the provider tells its issuer first: {issuer:?}");
        Self { child, asks, says, issuer: issuer.trim().to_owned() }
    }

    /// One command and its answer.
    pub fn ask(&mut self, parts: &[&str]) -> String {
        writeln!(self.asks, "{}", parts.join("\t")).unwrap();
        let mut line = String::new();
        self.says.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        // A process that is gone already is no fault.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
