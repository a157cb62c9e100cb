//! The sandbox of a worker: once [`enter`] is through, the process has one socket, a bounded address space and a handful
//! of system calls; any other kills it. Nothing hostile is read before.

use std::os::fd::AsFd;

use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

pub mod probe;

/// Address space above what the program itself takes, in bytes: several times the memory of a world, so that this limit
/// only ends what slips by the engine's own.
const ADDRESS_SPACE: u64 = 192 << 20;
/// CPU time of a worker's life, in seconds. Workers are retired long before.
const CPU_SECONDS: u64 = 600;

/// Shuts the process in. Its standard input is the socket to the host.
///
/// # Errors
/// Which wall does not stand; the caller must not run anything then.
pub fn enter() -> Result<(), String> {
    let base = address_space().map_err(|error| format!("the size of the process is not known: {error}"))?;
    close_files()?;
    crash_plainly();
    let limit = |resource, most: u64| {
        let both = Rlimit { current: Some(most), maximum: Some(most) };
        rustix::process::setrlimit(resource, both).map_err(|error| format!("{resource:?} cannot be limited: {error}"))
    };
    limit(Resource::As, base.saturating_add(ADDRESS_SPACE))?;
    limit(Resource::Cpu, CPU_SECONDS)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nproc, 0)?;
    limit(Resource::Nofile, 1)?;
    limit(Resource::Memlock, 0)?;
    limit(Resource::Msgqueue, 0)?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| format!("the process stays open to debuggers: {error}"))?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("the process would outlive the server: {error}"))?;
    rustix::thread::set_no_new_privs(true).map_err(|error| format!("privileges cannot be given up: {error}"))?;
    let filter = filter()?;
    seccompiler::apply_filter(&filter).map_err(|error| format!("seccomp is not to be had: {error}"))
}

/// The list of system calls, compiled: what is not on it kills the process.
///
/// # Errors
/// A machine that the filter cannot be made for.
pub fn filter() -> Result<BpfProgram, String> {
    let fault = |error: seccompiler::BackendError| format!("no system call filter for this machine: {error}");
    let only = |conditions: Vec<Result<SeccompCondition, seccompiler::BackendError>>| {
        let conditions = conditions.into_iter().collect::<Result<Vec<_>, _>>().map_err(fault)?;
        Ok::<_, String>(vec![SeccompRule::new(conditions).map_err(fault)?])
    };
    let is = |argument, value| SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value);
    let has = |argument, mask: i32, value: i32| {
        let (mask, value) = (u64::from(mask.unsigned_abs()), u64::from(value.unsigned_abs()));
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
    };
    let calls = [
        // The socket, and no other file, were there one.
        (libc::SYS_read, only(vec![is(0, 0)])?),
        (libc::SYS_write, only(vec![is(0, 0)])?),
        // To wait for the host no longer than until the deadline.
        (libc::SYS_ppoll, vec![]),
        // Memory that holds data: anonymous, private, never executable.
        (
            libc::SYS_mmap,
            only(vec![
                has(2, libc::PROT_EXEC, 0),
                has(3, libc::MAP_ANONYMOUS | libc::MAP_PRIVATE, libc::MAP_ANONYMOUS | libc::MAP_PRIVATE),
            ])?,
        ),
        (libc::SYS_munmap, vec![]),
        (libc::SYS_mremap, vec![]),
        (libc::SYS_brk, vec![]),
        // CPU time; the wall clock is read without a call.
        (libc::SYS_clock_gettime, vec![]),
        (libc::SYS_exit_group, vec![]),
    ];
    let arch = std::env::consts::ARCH.try_into().map_err(fault)?;
    SeccompFilter::new(calls.into_iter().collect(), SeccompAction::KillProcess, SeccompAction::Allow, arch)
        .and_then(BpfProgram::try_from)
        .map_err(fault)
}

/// Ends the process at once: what a program does at its ordinary end needs calls that are not on the list.
pub fn exit(code: i32) -> ! {
    // SAFETY: `_exit` takes any number, touches no memory and does not return.
    #[expect(unsafe_code, reason = "the standard library has no exit that runs nothing")]
    unsafe {
        libc::_exit(code)
    }
}

/// Whether standard input is a socket, as the host gives a worker one.
pub fn has_socket() -> bool {
    rustix::net::sockopt::socket_type(std::io::stdin().as_fd()).is_ok()
}

/// A fault of the engine shall end the process as what it is: the handler that Rust installs for stack overflows would
/// make calls that are not on the list.
fn crash_plainly() {
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: the default action runs no code of ours.
        #[expect(unsafe_code, reason = "the standard library does not take its handlers back")]
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
        }
    }
}

/// Everything but standard input: a file that the server inherited and never marked must not live on here.
fn close_files() -> Result<(), String> {
    // SAFETY: no Rust value of this process owns a file but the standard ones, and those accept being closed: writing
    // to them fails, and whoever writes is killed by the filter anyway.
    #[expect(unsafe_code, reason = "closing files by number is unsafe wherever it is offered")]
    let failed = unsafe { libc::syscall(libc::SYS_close_range, 1, libc::c_uint::MAX, 0) } != 0;
    if failed { Err(format!("files cannot be closed: {}", std::io::Error::last_os_error())) } else { Ok(()) }
}

/// Of the process now, in bytes.
fn address_space() -> Result<u64, String> {
    let statm = std::fs::read_to_string("/proc/self/statm").map_err(|error| error.to_string())?;
    let pages = statm.split(' ').next().and_then(|pages| pages.parse::<u64>().ok());
    let pages = pages.ok_or_else(|| "`/proc/self/statm` does not say".to_owned())?;
    Ok(pages.saturating_mul(rustix::param::page_size() as u64))
}
