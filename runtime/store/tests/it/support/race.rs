//! Racing processes: this test binary again, several times, all of which go at once.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use admit_store::SqlStore;

use super::Place;

/// Runs the test of this name in `count` processes, which each call [`racer`]; answers what they print.
pub fn race(place: &Place, test: &str, count: usize) -> Vec<String> {
    let folder = place.folder.path();
    let racers: Vec<_> = (0..count).map(|_| process(place, test).spawn().unwrap()).collect();
    let ready = || {
        let files = std::fs::read_dir(folder).unwrap();
        files.filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().starts_with("ready")).count()
    };
    let start = Instant::now();
    while ready() < count && start.elapsed().as_secs() < 30 {
        std::thread::sleep(Duration::from_millis(2));
    }
    std::fs::write(folder.join("go"), "").unwrap();
    let said = |racer: std::process::Child| String::from_utf8(racer.wait_with_output().unwrap().stdout).unwrap();
    racers.into_iter().map(said).collect()
}

/// The test of this name in a process of its own, on this store.
pub fn process(place: &Place, test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).stdout(Stdio::piped()).stderr(Stdio::null());
    command.env("ADMIT_TEST_ADDRESS", &place.address).env("ADMIT_TEST_FOLDER", place.folder.path());
    command
}

/// In such a process: its store.
pub async fn own_store() -> Option<SqlStore> {
    let address = PathBuf::from(std::env::var_os("ADMIT_TEST_ADDRESS")?);
    Some(super::place::open(&address).await)
}

/// In a process that races: its store, when all are ready.
pub async fn racer() -> Option<SqlStore> {
    let store = own_store().await?;
    let folder = PathBuf::from(std::env::var_os("ADMIT_TEST_FOLDER")?);
    std::fs::write(folder.join(format!("ready-{}", std::process::id())), "").unwrap();
    while !folder.join("go").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    Some(store)
}
