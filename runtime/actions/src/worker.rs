//! A worker process: it prepares a world, shuts itself in, and then runs what its one socket brings, one invocation at a
//! time. It ends when the host closes the socket.

use std::cell::RefCell;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::time::{ClockId, clock_gettime};

use crate::code::Codes;
use crate::frame::{self, Inbox};
use crate::sandbox;
use crate::wire::{Ask, FromWorker, LogLevel, Reply, ToWorker};
use crate::world::{Bridge, World};

/// The hidden argument that makes a program a worker.
pub const ARGUMENT: &str = "action-worker";

/// The worker's end of the socket. Where the host is gone, or what it sends makes no sense, the process ends.
#[derive(Default)]
struct Link {
    inbox: Inbox,
    outbox: Vec<u8>,
}

/// Becomes a worker if the program's first argument says so. The first thing that `main` does: nothing else may have
/// opened files or started threads.
pub fn run_if_asked() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == ARGUMENT) {
        run();
    }
}

/// Becomes a worker.
pub fn run() -> ! {
    if !sandbox::has_socket() {
        eprintln!("`{ARGUMENT}` is how the server starts its own workers; it is of no use by hand");
        sandbox::exit(2);
    }
    // What a panic says goes nowhere; the host sees how the process ended.
    std::panic::set_hook(Box::new(|_| {}));
    let ended = std::panic::catch_unwind(serve);
    sandbox::exit(if ended.is_ok() { 0 } else { 101 })
}

fn serve() {
    let link = Rc::new(RefCell::new(Link::default()));
    let stands = World::warm_up().and_then(|()| World::prepare()).and_then(|world| sandbox::enter().map(|()| world));
    link.borrow_mut().send(&FromWorker::Ready(stands.as_ref().map(drop).map_err(Clone::clone)));
    let Ok(mut world) = stands else { return };
    let mut codes: Codes<Rc<[_]>> = Codes::default();
    loop {
        let message = link.borrow_mut().receive();
        match message {
            ToWorker::Code { hash, modules } => {
                let size = modules.iter().map(|(path, code)| path.len() + code.len()).sum();
                codes.insert(hash, size, modules.into());
            }
            ToWorker::Run(invocation) => {
                let Some(modules) = codes.get(&invocation.hash) else { return };
                let before = cpu();
                let outcome = world.run(&invocation, modules, Rc::clone(&link) as Rc<RefCell<dyn Bridge>>);
                let cpu = cpu().saturating_sub(before);
                link.borrow_mut().send(&FromWorker::Done { outcome, cpu });
                world.renew();
            }
            // The answer to a call of an invocation that ended without waiting for it.
            ToWorker::Reply { .. } => {}
        }
    }
}

/// CPU time of this thread, the only one, in nanoseconds.
fn cpu() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let parts = (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0));
    parts.0.saturating_mul(1_000_000_000).saturating_add(parts.1)
}

impl Link {
    fn send(&mut self, message: &FromWorker) {
        self.outbox.clear();
        if frame::push(message, &mut self.outbox).is_err() {
            sandbox::exit(1);
        }
        let mut rest = self.outbox.as_slice();
        while !rest.is_empty() {
            match rustix::io::write(std::io::stdin().as_fd(), rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => sandbox::exit(0),
            }
        }
    }

    fn receive(&mut self) -> ToWorker {
        loop {
            if let Some(message) = self.next() {
                return message;
            }
            self.read();
        }
    }

    fn next(&mut self) -> Option<ToWorker> {
        let message = self.inbox.next(frame::LONGEST_FROM_HOST).unwrap_or_else(|_| sandbox::exit(1));
        if message.is_some() {
            self.inbox.shrink();
        }
        message
    }

    fn read(&mut self) {
        match rustix::io::read(std::io::stdin().as_fd(), self.inbox.room()) {
            Ok(0) => sandbox::exit(0),
            Ok(count) => self.inbox.filled(count),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => sandbox::exit(1),
        }
    }
}

impl Bridge for Link {
    fn ask(&mut self, id: u32, ask: Ask) {
        self.send(&FromWorker::Ask { id, ask });
    }

    fn wait(&mut self, deadline: Instant) -> Option<(u32, Reply)> {
        loop {
            match self.next() {
                Some(ToWorker::Reply { id, reply }) => return Some((id, reply)),
                Some(ToWorker::Code { .. } | ToWorker::Run(_)) => sandbox::exit(1),
                None => {}
            }
            let left = deadline.checked_duration_since(Instant::now()).filter(|left| *left > Duration::ZERO)?;
            let left = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let stdin = std::io::stdin();
            match rustix::event::poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&left)) {
                Ok(0) => return None,
                Ok(_) => self.read(),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => sandbox::exit(1),
            }
        }
    }

    fn log(&mut self, level: LogLevel, text: String) {
        self.send(&FromWorker::Log { level, text });
    }
}
