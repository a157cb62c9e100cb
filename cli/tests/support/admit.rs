//! Runs the built `admit` as a user would, in a folder that goes when the test ends.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How an invocation ended.
pub struct Done {
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// A folder to work in.
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// An empty one.
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A copy of an example.
    pub fn example(name: &str) -> Self {
        let folder = Self::new();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("examples").join(name);
        copy(&example, folder.path());
        folder
    }

    /// A project with these flows.
    pub fn project(flows: &str) -> Self {
        let folder = Self::new();
        folder.write("admit.toml", "[project]\nname = \"x\"\ncatalogue = \"1\"\n");
        folder.write("flows/login.admit", flows);
        folder
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, and the folders that it lies in.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.file(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Reads a file as text.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    /// Replaces a text in a file, which holds it.
    pub fn replace(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} does not hold {from}");
        self.write(name, text.replace(from, to));
    }

    /// Runs `admit` here; the arguments stand between blanks.
    pub fn admit(&self, args: &str) -> Done {
        self.with(args, "", &[])
    }

    /// Runs `admit` here with standard input and environment variables.
    pub fn with(&self, args: &str, stdin: &str, env: &[(&str, &str)]) -> Done {
        self.run(&args.split(' ').filter(|arg| !arg.is_empty()).collect::<Vec<_>>(), stdin.as_bytes(), env)
    }

    /// Runs `admit` here with arguments as they are. No command takes longer than a user would wait.
    pub fn run(&self, args: &[&str], stdin: &[u8], env: &[(&str, &str)]) -> Done {
        let began = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_admit"))
            .args(args)
            .current_dir(self.path())
            .env_remove("ADMIT_FORMAT")
            .env_remove("ADMIT_DATABASE")
            .env_remove("CLICOLOR_FORCE")
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let stdin = stdin.to_vec();
        // A command that reads no standard input may have ended before all of it is written.
        let writer = std::thread::spawn(move || drop(pipe.write_all(&stdin)));
        let done = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(began.elapsed() < Duration::from_secs(30), "admit {args:?} took {:?}", began.elapsed());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Done { code: done.status.code().unwrap_or(-1), out: text(done.stdout), err: text(done.stderr) }
    }
}

impl Done {
    /// The same, ended with this code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{}{}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// The same, with this text on one of the streams.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text) || self.err.contains(text), "no `{text}` in\n{}{}", self.out, self.err);
        self
    }

    /// The same, without this text.
    #[track_caller]
    pub fn hides(self, text: &str) -> Self {
        assert!(!self.out.contains(text) && !self.err.contains(text), "`{text}` in\n{}{}", self.out, self.err);
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{}{}", self.out, self.err))
    }
}

/// A project's smallest login.
pub const LOGIN: &str = r#"system flow login {
  stage pre-login {
    identity_lookup
    password_check
    decision password-result {
      when !step.password-check.verified -> wrong { deny { reason: "invalid_credentials" } }
      default                            -> verified
    }
  }
  stage post-auth {}
  stage post-login { issue_session }
}
"#;

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        // A database that somebody made by hand is no part of the example.
        if path.file_name().unwrap().to_str().unwrap().starts_with("admit.db") {
            continue;
        }
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
