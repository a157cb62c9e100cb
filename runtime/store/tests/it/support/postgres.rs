//! A PostgreSQL server that lives as long as this process.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Makes a cluster in `$1`, serves it from a socket there, and ends it when standard input ends, which it does with this process
/// however that ends. PostgreSQL does not run as root: the disk is waited for if `$3` is `on`. `$4...` is what changes to another user.
const SERVE: &str = r#"
folder=$1; bin=$2; disk=$3; shift 3
trap '' INT
"$@" "$bin/initdb" -D "$folder/data" -U admit -A trust -E UTF8 --locale=C --no-sync >"$folder/log" 2>&1 || exit 1
serve() {
  "$@" "$bin/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=$disk -c full_page_writes=$disk \
    -c max_connections=300 >>"$folder/log" 2>&1 </dev/null
}
# A test that wants it back after it has ended it leaves a file `again`.
(serve "$@"; while rm "$folder/again" 2>/dev/null; do sleep 1; serve "$@"; done) &
loop=$!
cat >/dev/null
kill $loop
server=$(head -n 1 "$folder/data/postmaster.pid") && kill -QUIT "$server"
for _ in $(seq 100); do kill -0 "$server" 2>/dev/null || break; sleep 0.05; done
rm -rf "$folder"
"#;

/// Starts a server; answers its address, to which `/database` is added; none where PostgreSQL is not installed. A commit waits for
/// the disk only where that is what matters.
pub fn start(is_durable: bool) -> Option<String> {
    programs().map(|bin| serve(&bin, if is_durable { "on" } else { "off" }))
}

/// Where `initdb` and `postgres` are: on the path, or where Debian has them, the newest first.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|found| found.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    versions.reverse();
    let mut folders = std::env::split_paths(&path).chain(versions);
    folders.find(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
}

#[expect(clippy::zombie_processes, reason = "it lives as long as this process, and ends by itself")]
fn serve(bin: &Path, disk: &str) -> String {
    // Short: the name of a socket has at most 107 bytes.
    let folder = tempfile::Builder::new().prefix("admit-pg").tempdir().unwrap().keep();
    let mut script = Command::new("sh");
    script.args(["-c", SERVE, "serve"]).arg(&folder).arg(bin).arg(disk);
    #[cfg(target_os = "linux")]
    if std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&folder).unwrap()) == 0 {
        const NOBODY: u32 = 65534;
        std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        script.args(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]);
    }
    let mut script = script.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Open until this process is gone.
    std::mem::forget(script.stdin.take());
    let (state, start) = (folder.join("data/postmaster.pid"), Instant::now());
    while !std::fs::read_to_string(&state).is_ok_and(|state| state.contains("ready")) {
        assert!(start.elapsed() < Duration::from_secs(60) && script.try_wait().unwrap().is_none(), "{}", log(&folder));
        std::thread::sleep(Duration::from_millis(20));
    }
    let host: String = folder.to_str().unwrap().bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("postgres://admit@{host}")
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap_or_default()
}
