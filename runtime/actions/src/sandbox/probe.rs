//! What a hostile engine would try. Each probe makes one system call, by its number; in the sandbox none comes back.

/// Names of the probes.
pub const NAMES: [&str; 14] = [
    "open",
    "socket",
    "fork",
    "exec",
    "ptrace",
    "mmap-exec",
    "mmap-file",
    "mprotect-exec",
    "kill",
    "write-elsewhere",
    "prctl",
    "setrlimit",
    "io-uring",
    "x32",
];

/// Makes the call. Outside a sandbox it fails or does nothing; its result is of no interest.
pub fn attempt(name: &str) {
    const NOWHERE: u64 = 0;
    let page = 4096;
    let any = u64::MAX;
    let flag = |bits: i32| u64::from(bits.unsigned_abs());
    let data = flag(libc::PROT_READ | libc::PROT_WRITE);
    let code = flag(libc::PROT_READ | libc::PROT_EXEC);
    let private = flag(libc::MAP_PRIVATE);
    let (number, arguments) = match name {
        "open" => (libc::SYS_openat, [any, NOWHERE, 0, 0, 0, 0]),
        "socket" => (libc::SYS_socket, [flag(libc::AF_INET), flag(libc::SOCK_STREAM), 0, 0, 0, 0]),
        // Flags that no kernel takes together: nothing is made, even without a filter.
        "fork" => (libc::SYS_clone, [flag(libc::CLONE_THREAD), 0, 0, 0, 0, 0]),
        "exec" => (libc::SYS_execve, [NOWHERE, 0, 0, 0, 0, 0]),
        "ptrace" => (libc::SYS_ptrace, [any, 0, 0, 0, 0, 0]),
        "mmap-exec" => (libc::SYS_mmap, [0, page, code, private | flag(libc::MAP_ANONYMOUS), any, 0]),
        "mmap-file" => (libc::SYS_mmap, [0, page, data, private, 0, 0]),
        "mprotect-exec" => (libc::SYS_mprotect, [NOWHERE, 0, code, 0, 0, 0]),
        "kill" => (libc::SYS_kill, [0, 0, 0, 0, 0, 0]),
        "write-elsewhere" => (libc::SYS_write, [2, NOWHERE, 0, 0, 0, 0]),
        "prctl" => (libc::SYS_prctl, [flag(libc::PR_GET_DUMPABLE), 0, 0, 0, 0, 0]),
        "setrlimit" => (libc::SYS_prlimit64, [0, 0, NOWHERE, NOWHERE, 0, 0]),
        "io-uring" => (libc::SYS_io_uring_setup, [0, NOWHERE, 0, 0, 0, 0]),
        // The same calls under their other numbers (x86-64 only).
        "x32" => (libc::SYS_read | 0x4000_0000, [0, NOWHERE, 0, 0, 0, 0]),
        _ => return,
    };
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: none of the calls above is given memory of this process: pointers are null, the one length that goes
    // with a mapping is of a new one.
    #[expect(unsafe_code, reason = "a call by number, as foreign code would make it")]
    unsafe {
        libc::syscall(number, a, b, c, d, e, f);
    }
}
