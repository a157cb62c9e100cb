//! F4: the disk is full: what cannot be kept is refused, and what was acknowledged stays.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::books::Told;
use super::{Caller, START, node, not_here, project, sign_in};
use crate::served::Served;

#[test]
fn f4_a_full_disk_refuses_runs_and_loses_none() {
    let mounted = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).status();
    if !mounted.is_ok_and(|status| status.success()) {
        return not_here("a full disk: this user may not mount one");
    }
    let folder = project();
    let small = folder.file("small");
    std::fs::create_dir(&small).unwrap();
    let served = Served::of(on_small_disk(&small, &node(&folder, "small/admit.db")));
    let caller = Caller::of(&served, &served.key);
    // The disk is one of that process alone.
    let inside = PathBuf::from(format!("/proc/{}/root", served.child.id())).join(small.strip_prefix("/").unwrap());
    let mut told = Told::default();
    run_well(&caller, &mut told);

    fill(&inside.join("filler"));
    let start = Instant::now();
    loop {
        let reply = caller.post(START, &sign_in("fr")).unwrap();
        match reply.status {
            200 => drop(told.ended.insert(reply.json()["run"].as_str().unwrap().to_owned())),
            503 => {
                assert_eq!(reply.header("retry-after"), Some("1"), "{}", reply.head);
                break;
            }
            _ => panic!("{} {}", reply.status, reply.body),
        }
        assert!(start.elapsed() < Duration::from_secs(30), "the disk is never full");
    }
    // It still answers, and still reads.
    assert_eq!(caller.call("GET", "/healthz", &[], b"").unwrap().status, 200);
    let listed = caller.call("GET", "/v1/runs?limit=1", &[], b"").unwrap();
    assert_eq!(listed.status, 200, "{}", listed.body);

    std::fs::remove_file(inside.join("filler")).unwrap();
    let start = Instant::now();
    loop {
        let reply = caller.post(START, &sign_in("fr")).unwrap();
        if reply.status == 200 {
            told.ended.insert(reply.json()["run"].as_str().unwrap().to_owned());
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(15), "there is room again: {}", reply.body);
    }
    run_well(&caller, &mut told);
    for file in ["admit.db", "admit.db-wal"] {
        std::fs::copy(inside.join(file), folder.file(file)).unwrap();
    }
    told.check(folder.file("admit.db").to_str().unwrap(), &folder.file("admit.key"));
    assert!(served.stop());
}

/// The command with a disk of sixteen megabytes at this folder.
fn on_small_disk(folder: &Path, inner: &Command) -> Command {
    let script = "mount -t tmpfs -o size=16m none \"$1\" && shift && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(folder);
    command.arg(inner.get_program()).args(inner.get_args()).current_dir(inner.get_current_dir().unwrap());
    command
}

fn run_well(caller: &Caller, told: &mut Told) {
    for _ in 0..20 {
        let reply = caller.post(START, &sign_in("fr")).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.body);
        told.ended.insert(reply.json()["run"].as_str().unwrap().to_owned());
    }
}

/// Writes until there is no room.
fn fill(path: &Path) {
    use std::io::Write as _;
    let mut file = std::fs::File::create(path).unwrap();
    while file.write_all(&[1; 4_096]).is_ok() {}
    while file.write_all(&[1]).is_ok() {}
}
