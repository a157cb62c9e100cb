//! A wall clock that stands later for the commands of a test.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// What `clock.c` beside this is compiled to, once for the process.
fn library() -> &'static str {
    static LIBRARY: OnceLock<(tempfile::TempDir, String)> = OnceLock::new();
    let (_, path) = LIBRARY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clock.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/clock.c");
        let made = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&path).arg(source).arg("-ldl").status();
        assert!(made.unwrap().success(), "the C compiler that a build needs cannot compile clock.c");
        let path = path.to_str().unwrap().to_owned();
        (folder, path)
    });
    path
}

/// The environment of a command that takes place so many seconds later.
pub fn later(seconds: u64) -> Vec<(&'static str, String)> {
    vec![("LD_PRELOAD", library().to_owned()), ("CLOCK_SHIFT_SECONDS", seconds.to_string())]
}
