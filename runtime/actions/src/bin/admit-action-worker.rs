//! A worker and nothing else, for tests and benchmarks of this crate; `admit` carries the same behind a hidden argument.
//!
//! `probe NAME` shuts itself in and makes a system call that the sandbox forbids; `without-seccomp` is a worker on a
//! system that refuses filters.

use admit_actions::{sandbox, worker};

fn main() {
    worker::run_if_asked();
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("probe"), Some(name)) => probe(&name),
        (Some("without-seccomp"), None) => match refuse_filters() {
            Ok(()) => worker::run(),
            Err(fault) => eprintln!("{fault}"),
        },
        _ => eprintln!("usage: admit-action-worker action-worker | probe NAME | without-seccomp"),
    }
    sandbox::exit(2);
}

/// Exit codes: 3 where the sandbox does not stand, 4 where the call came back.
fn probe(name: &str) -> ! {
    if sandbox::enter().is_err() {
        sandbox::exit(3);
    }
    sandbox::probe::attempt(name);
    sandbox::exit(4)
}

/// As a system does whose administrator forbids filters: asking for one is no system call there.
fn refuse_filters() -> Result<(), String> {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
    let arch = std::env::consts::ARCH.try_into().map_err(|_| "no filter for this machine")?;
    let calls = [(libc::SYS_seccomp, vec![])].into_iter().collect();
    let answer = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, answer, arch)
        .and_then(BpfProgram::try_from)
        .map_err(|error| error.to_string())?;
    seccompiler::apply_filter(&filter).map_err(|error| error.to_string())
}
