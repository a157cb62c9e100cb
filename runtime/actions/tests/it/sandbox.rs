//! The sandbox: its list of system calls, and what is left of a process inside it.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use admit_actions::sandbox::{filter, probe};
use admit_actions::{Options, Program};
use admit_runtime::action::ActionError;
use rustix::io::FdFlags;

use crate::support::{Bench, NOTHING, options, program};

#[test]
fn t2_what_is_not_on_the_list_kills_the_worker() {
    for name in probe::NAMES {
        let status = Command::new(program().path).args(["probe", name]).status().unwrap();
        assert_eq!(status.signal(), Some(31), "{name}: {status}");
    }
}

#[test]
fn t2_the_list_is_as_short_as_it_says() {
    let calls: Vec<i64> = (0..1_000).filter(|call| allows(*call, [0; 6]) || allows(*call, anonymous())).collect();
    let mut listed = vec![
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_brk,
        libc::SYS_mremap,
        libc::SYS_clock_gettime,
        libc::SYS_exit_group,
        libc::SYS_ppoll,
    ];
    listed.sort_unstable();
    assert_eq!(calls, listed);
    for file in [1, 2, 3, 1_000, u64::from(u32::MAX)] {
        assert!(!allows(libc::SYS_read, [file, 0, 0, 0, 0, 0]), "reads from {file}");
        assert!(!allows(libc::SYS_write, [file, 0, 0, 0, 0, 0]), "writes to {file}");
    }
    let [_, _, _, flags, ..] = anonymous();
    let map = |protection: i32, flags: u64| allows(libc::SYS_mmap, [0, 4_096, protection as u64, flags, u64::MAX, 0]);
    assert!(map(libc::PROT_READ | libc::PROT_WRITE, flags));
    assert!(!map(libc::PROT_READ | libc::PROT_EXEC, flags), "executable");
    assert!(!map(libc::PROT_EXEC, flags), "executable");
    assert!(!map(libc::PROT_READ, libc::MAP_PRIVATE as u64), "a file");
    assert!(!map(libc::PROT_READ, (libc::MAP_SHARED | libc::MAP_ANONYMOUS) as u64), "shared");
    assert!(!allows(libc::SYS_read | 0x4000_0000, [0; 6]), "x32");
}

#[tokio::test]
async fn without_a_sandbox_no_action_runs() {
    let program = Program { arguments: vec!["without-seccomp".to_owned()], ..program() };
    let bench = Bench::new(Options { program, ..options() });
    for _ in 0..3 {
        let Err(ActionError::Unavailable(why)) = bench.run(NOTHING).await else { panic!("it ran") };
        assert!(why.starts_with("actions do not run here, because their sandbox does not stand: seccomp"), "{why}");
    }
    assert!(bench.pool.ready().await.is_err());
    assert_eq!(bench.pool.status().workers, 0);
}

#[tokio::test]
async fn t2_a_worker_has_its_socket_and_nothing_of_the_servers() {
    let canary = tempfile::tempfile().unwrap();
    rustix::io::fcntl_setfd(&canary, FdFlags::empty()).unwrap();
    let bench = Bench::new(options());
    bench.run(NOTHING).await.unwrap();
    let workers = bench.workers();
    assert!(!workers.is_empty());
    for id in workers {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let is = |line: &str| status.lines().any(|found| found.split_whitespace().eq(line.split(' ')));
        assert!(is("Seccomp: 2") && is("NoNewPrivs: 1") && is("Threads: 1"), "{status}");
        let limits = fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
        for name in ["Max core file size", "Max file size", "Max processes"] {
            let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            assert_eq!(line.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"], "{name}");
        }
        // The kernel shows these of a process that is not dumpable to the administrator only.
        let Ok(files) = fs::read_dir(format!("/proc/{id}/fd")) else {
            println!("not the administrator: files and environment of a worker were not looked at");
            continue;
        };
        let files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files, ["0"]);
        let environment = fs::read_to_string(format!("/proc/{id}/environ")).unwrap();
        let names: Vec<_> =
            environment.split('\0').filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        assert_eq!(names, ["TZ"]);
        assert_eq!(fs::read_link(format!("/proc/{id}/cwd")).unwrap(), std::path::Path::new("/"));
    }
}

fn anonymous() -> [u64; 6] {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    [0, 4_096, (libc::PROT_READ | libc::PROT_WRITE) as u64, flags as u64, u64::MAX, 0]
}

/// What the filter answers to a call on this machine, as the kernel would work it out.
fn allows(call: i64, arguments: [u64; 6]) -> bool {
    let arch: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };
    let mut data = Vec::new();
    data.extend_from_slice(&(call as u32).to_ne_bytes());
    data.extend_from_slice(&arch.to_ne_bytes());
    data.extend_from_slice(&[0; 8]);
    for argument in arguments {
        data.extend_from_slice(&argument.to_ne_bytes());
    }
    let program = filter().unwrap();
    let (mut at, mut accumulator) = (0, 0_u32);
    loop {
        let step = &program[at];
        at += 1;
        let jump = |taken: bool| usize::from(if taken { step.jt } else { step.jf });
        match step.code {
            0x20 => {
                let place = step.k as usize;
                accumulator = u32::from_ne_bytes(data[place..place + 4].try_into().unwrap());
            }
            0x54 => accumulator &= step.k,
            0x05 => at += step.k as usize,
            0x15 => at += jump(accumulator == step.k),
            0x25 => at += jump(accumulator > step.k),
            0x35 => at += jump(accumulator >= step.k),
            // 0x7fff0000 lets it through, 0x80000000 kills the process.
            0x06 => return step.k == 0x7fff_0000,
            other => panic!("{other:#x}"),
        }
    }
}
