//! One invocation, from the host's side: sends it, answers what it asks, and ends the worker if it is not done in time.

use std::io;
use std::time::Duration;

use admit_runtime::action::{ActionCall, ActionEffects, ActionError, ActionReport};
use admit_runtime::host::Host;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::io::Interest;
use tokio::time::Instant;

use crate::answer::Answerer;
use crate::effects;
use crate::frame::{self, FrameError, LONGEST_FROM_WORKER};
use crate::process::Process;
use crate::text;
use crate::wire::{FromWorker, Invocation, Limits, ToWorker};

/// How much later than the worker itself the host ends an invocation.
const GRACE: Duration = Duration::from_millis(50);

/// Room for what goes out that is kept between invocations, in bytes.
const LARGE: usize = 64 << 10;

/// What came of it.
pub(crate) struct Supervised {
    pub report: ActionReport,
    /// CPU time to charge, in nanoseconds.
    pub cpu: u64,
    pub end: End,
}

/// What became of the worker.
pub(crate) enum End {
    /// It can run the next.
    Healthy,
    /// It is to be killed.
    Killed,
    /// It closed its socket; the report says nothing yet.
    Died,
}

/// Why no more is to be heard of a worker.
enum Broken {
    Closed,
    Hostile(String),
}

/// Runs it.
pub(crate) async fn run(process: &mut Process, host: &dyn Host, call: &ActionCall<'_>, limits: Limits) -> Supervised {
    let started = Instant::now();
    let deadline = started + Duration::from_millis(limits.wall);
    let mut report = ActionReport::default();
    process.runs += 1;
    let ended = tokio::time::timeout_at(deadline + GRACE, drive(process, host, call, limits, deadline, &mut report));
    let (result, end) = match ended.await {
        Ok(Ok(result)) => (Some(result), End::Healthy),
        Ok(Err(Broken::Hostile(why))) => (Some(Err(ActionError::Crashed(why))), End::Killed),
        Ok(Err(Broken::Closed)) => (None, End::Died),
        Err(_) => (Some(Err(ActionError::TimedOut(call.wall))), End::Killed),
    };
    report.result = result;
    // Its own word counts up to what the clock allows.
    let most = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
    report.cpu = if matches!(end, End::Healthy) { report.cpu.min(most) } else { 0 };
    Supervised { cpu: report.cpu, report, end }
}

/// Until the worker is done.
async fn drive(
    process: &mut Process,
    host: &dyn Host,
    call: &ActionCall<'_>,
    limits: Limits,
    deadline: Instant,
    report: &mut ActionReport,
) -> Result<Result<ActionEffects, ActionError>, Broken> {
    send(process, host, call, limits)?;
    let mut answerer = Answerer::new(host, call, limits, deadline);
    let mut logs = text::Logs::new(limits);
    let mut pending = FuturesUnordered::new();
    let outcome = loop {
        flush(process)?;
        let mut done = None;
        while let Some(message) = process.inbox.next(LONGEST_FROM_WORKER)? {
            match message {
                FromWorker::Ask { id, ask } => pending.push(answerer.answer(id, ask)),
                FromWorker::Log { level, text } => logs.push(level, &text, &mut report.logs),
                FromWorker::Done { outcome, cpu } => {
                    report.cpu = cpu;
                    done = Some(outcome);
                    break;
                }
                FromWorker::Ready(_) => return Err(Broken::Hostile("it greeted twice".to_owned())),
            }
        }
        if let Some(outcome) = done {
            break outcome;
        }
        let interest =
            if process.outbox.is_empty() { Interest::READABLE } else { Interest::READABLE | Interest::WRITABLE };
        tokio::select! {
            Some((id, reply)) = pending.next(), if !pending.is_empty() => {
                frame::push(&ToWorker::Reply { id, reply }, &mut process.outbox)?;
            }
            ready = process.socket.watched()?.ready(interest) => {
                ready?;
                read(process)?;
            }
        }
    };
    report.fetches = answerer.fetches();
    // Nothing may follow before the next invocation is sent.
    if !process.inbox.is_empty() || !process.outbox.is_empty() {
        return Err(Broken::Hostile("it went on after its end".to_owned()));
    }
    process.inbox.shrink();
    effects::result(outcome, call, limits).map_err(Broken::Hostile)
}

/// Puts the invocation, and its code where the worker has it not, in the outbox.
fn send(process: &mut Process, host: &dyn Host, call: &ActionCall<'_>, limits: Limits) -> Result<(), Broken> {
    let hash = call.action.hash;
    if process.codes.get(&hash).is_none() {
        let modules: Vec<_> =
            call.action.modules.iter().map(|module| (module.path.to_string(), module.code.clone())).collect();
        let size = modules.iter().map(|(path, code)| path.len() + code.len()).sum();
        frame::push(&ToWorker::Code { hash, modules }, &mut process.outbox)?;
        process.codes.insert(hash, size, ());
    }
    let mut seed = [0; 8];
    host.random(&mut seed);
    let invocation = Invocation {
        hash,
        name: call.name.to_owned(),
        input: call.input.to_owned(),
        claims: call.claims.iter().map(|name| (*name).to_owned()).collect(),
        may_demand_mfa: call.may_demand_mfa,
        limits,
        now: call.now.seconds.saturating_mul(1_000).saturating_add(i64::from(call.now.nanos / 1_000_000)),
        seed: u64::from_le_bytes(seed),
    };
    Ok(frame::push(&ToWorker::Run(invocation), &mut process.outbox)?)
}

/// Writes what the socket takes.
fn flush(process: &mut Process) -> Result<(), Broken> {
    let mut written = 0;
    while let Some(rest) = process.outbox.get(written..).filter(|rest| !rest.is_empty()) {
        match process.socket.watched()?.try_write(rest) {
            Ok(0) => return Err(Broken::Closed),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error.into()),
        }
    }
    process.outbox.drain(..written);
    // Code and large answers are rare: the room they took is not kept.
    if process.outbox.is_empty() && process.outbox.capacity() > LARGE {
        process.outbox = Vec::new();
    }
    Ok(())
}

/// Reads what the socket has.
fn read(process: &mut Process) -> Result<(), Broken> {
    let Process { socket, inbox, .. } = process;
    match socket.watched()?.try_read(inbox.room()) {
        Ok(0) => Err(Broken::Closed),
        Ok(count) => {
            inbox.filled(count);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

impl From<FrameError> for Broken {
    fn from(error: FrameError) -> Self {
        Self::Hostile(format!("it sent {error}"))
    }
}
