//! A worker process as the host sees it: a child, its socket, and what it holds.

use std::io;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::code::Codes;
use crate::frame::{self, Inbox};
use crate::pool::Order;
use crate::socket::Socket;
use crate::wire::FromWorker;

/// How long a new worker may take to shut itself in and prepare a world.
const START: Duration = Duration::from_secs(10);
/// How long a dead worker's exit status is waited for, in steps of a millisecond.
const FUNERAL: u32 = 100;

/// The program that becomes a worker.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its file.
    pub path: PathBuf,
    /// What makes it a worker.
    pub arguments: Vec<String>,
}

/// A worker.
#[derive(Debug)]
pub(crate) struct Process {
    /// None once it is buried.
    child: Option<Child>,
    place: Place,
    pub socket: Socket,
    pub inbox: Inbox,
    pub outbox: Vec<u8>,
    /// Whether each Action whose code it holds was quick the last time.
    pub codes: Codes<bool>,
    /// Invocations so far.
    pub runs: u64,
    /// CPU time of the process that was charged to its tenant so far, in nanoseconds.
    pub charged: u64,
}

/// A worker's place among those that the pool may have.
#[derive(Debug)]
pub(crate) struct Place {
    taken: Arc<AtomicUsize>,
    keeper: mpsc::Sender<Order>,
}

/// Why there is no worker.
#[derive(Clone, Debug)]
pub(crate) enum NoWorker {
    /// The system cannot sandbox one, now or later.
    NoSandbox(String),
    /// It could not be started, this time.
    NotStarted(String),
}

impl Default for Program {
    /// This program, which must call [`crate::worker::run_if_asked`] first thing.
    fn default() -> Self {
        Self { path: PathBuf::from("/proc/self/exe"), arguments: vec![crate::worker::ARGUMENT.to_owned()] }
    }
}

impl Place {
    /// Takes one. It is free again when the worker is gone.
    pub fn take(taken: &Arc<AtomicUsize>, keeper: &mpsc::Sender<Order>) -> Self {
        taken.fetch_add(1, Ordering::Relaxed);
        Self { taken: Arc::clone(taken), keeper: keeper.clone() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
        let _ = self.keeper.send(Order::Look);
    }
}

impl Process {
    /// Starts one and waits until it has shut itself in. The thread that calls this must live as long as the worker: the
    /// kernel kills a worker whose parent thread ends.
    pub fn start(program: &Program, place: Place) -> Result<Self, NoWorker> {
        let fault = |error: io::Error| NoWorker::NotStarted(error.to_string());
        let (ours, theirs) = UnixStream::pair().map_err(fault)?;
        let child = Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            // Actions see UTC wherever the server stands.
            .env("TZ", "UTC0")
            .current_dir("/")
            .stdin(std::os::fd::OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A signal of the terminal is for the server, which then lets runs end.
            .process_group(0)
            .spawn()
            .map_err(fault)?;
        let mut process = Self::new(Some(child), place, Socket::None);
        ours.set_read_timeout(Some(START)).map_err(fault)?;
        process.greet(&ours)?;
        ours.set_nonblocking(true).map_err(fault)?;
        process.socket = Socket::Idle(ours);
        Ok(process)
    }

    /// A socket at whose other end is no process.
    pub fn without_child(socket: UnixStream) -> Self {
        let (keeper, _) = mpsc::channel();
        Self::new(None, Place::take(&Arc::default(), &keeper), Socket::Idle(socket))
    }

    fn new(child: Option<Child>, place: Place, socket: Socket) -> Self {
        let (inbox, outbox, codes) = (Inbox::default(), Vec::new(), Codes::default());
        Self { child, place, socket, inbox, outbox, codes, runs: 0, charged: 0 }
    }

    /// Its process id, for as long as it lives.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Kills it and says how it ended.
    pub async fn end(mut self) -> String {
        let Some(mut child) = self.child.take() else { return "it was gone".to_owned() };
        let _ = child.kill();
        for _ in 0..FUNERAL {
            if let Ok(Some(status)) = child.try_wait() {
                return how(status);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let _ = self.place.keeper.send(Order::Bury(child));
        "it takes long to die".to_owned()
    }

    /// CPU time of the process so far, by the kernel's books, in nanoseconds; none where they are closed.
    pub fn cpu(&self) -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/schedstat", self.id()?)).ok()?;
        text.split(' ').next()?.parse().ok()
    }

    fn greet(&mut self, socket: &UnixStream) -> Result<(), NoWorker> {
        use std::io::Read as _;
        let mut socket = socket;
        loop {
            match self.inbox.next(frame::LONGEST_FROM_WORKER) {
                Ok(Some(FromWorker::Ready(Ok(())))) => return Ok(()),
                Ok(Some(FromWorker::Ready(Err(why)))) => return Err(NoWorker::NoSandbox(why)),
                Ok(None) => {}
                Ok(Some(_)) | Err(_) => return Err(NoWorker::NotStarted("it did not greet".to_owned())),
            }
            match socket.read(self.inbox.room()) {
                Ok(0) => return Err(NoWorker::NotStarted(format!("it ended at once: {}", self.wait()))),
                Ok(count) => self.inbox.filled(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(NoWorker::NotStarted(format!("it did not greet: {error}"))),
            }
        }
    }

    fn wait(&mut self) -> String {
        let status = self.child.as_mut().map(Child::wait);
        status.and_then(Result::ok).map_or_else(|| "it was gone".to_owned(), how)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // At once; only the waiting is left to another thread. Who has died already cannot be killed.
            let _ = child.kill();
            let _ = self.place.keeper.send(Order::Bury(child));
        }
    }
}

fn how(status: ExitStatus) -> String {
    let name = |signal| match signal {
        4 => " (illegal instruction)",
        6 => " (abort)",
        7 => " (bus error)",
        9 => " (killed)",
        11 => " (segmentation fault)",
        24 => " (cpu time)",
        31 => " (forbidden system call)",
        _ => "",
    };
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("signal {signal}{}", name(signal)),
        (None, code) => format!("exit code {}", code.unwrap_or_default()),
    }
}
