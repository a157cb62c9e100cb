//! One invocation, from the host's side: sends it, answers what it asks, and ends the worker if it is not done in time.

use std::io;
use std::time::Duration;

use admit_runtime::action::{ActionCall, ActionEffects, ActionError, ActionReport};
use admit_runtime::host::Host;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::io::Interest;
use tokio::time::Instant;

use crate::answer::{Answer, Answerer};
use crate::effects;
use crate::frame::{self, FrameError, LONGEST_FROM_WORKER};
use crate::process::Process;
use crate::text;
use crate::wire::{Effects, Failure, FromWorker, Invocation, Limits, ToWorker};

/// How much later than the worker itself the host ends an invocation.
const GRACE: Duration = Duration::from_millis(50);

/// How long the thread that sends an invocation waits for its end at most. It can do nothing else meanwhile.
const QUICK: Duration = Duration::from_micros(400);

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

type Outcome = Result<Effects, Failure>;

/// Runs it.
pub(crate) async fn run(process: &mut Process, host: &dyn Host, call: &ActionCall<'_>, limits: Limits) -> Supervised {
    let started = Instant::now();
    let deadline = started + Duration::from_millis(limits.wall);
    process.runs += 1;
    let mut talk = Talk {
        answerer: Answerer::new(host, call, limits, deadline),
        logs: text::Logs::new(limits),
        pending: FuturesUnordered::new(),
        asked: false,
        report: ActionReport::default(),
        process,
    };
    let ended = match talk.begin(host, call, limits) {
        Ok(Some(outcome)) => Ok(Ok(outcome)),
        Ok(None) => tokio::time::timeout_at(deadline + GRACE, talk.go_on()).await,
        Err(broken) => Ok(Err(broken)),
    };
    let ended = ended.map(|ended| ended.and_then(|outcome| talk.end(outcome, call, limits)));
    let (result, end) = match ended {
        Ok(Ok(result)) => (Some(result), End::Healthy),
        Ok(Err(Broken::Hostile(why))) => (Some(Err(ActionError::Crashed(why))), End::Killed),
        Ok(Err(Broken::Closed)) => (None, End::Died),
        Err(_) => (Some(Err(ActionError::TimedOut(call.wall))), End::Killed),
    };
    let mut report = talk.report;
    report.result = result;
    // Its own word counts up to what the clock allows.
    let most = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
    report.cpu = if matches!(end, End::Healthy) { report.cpu.min(most) } else { 0 };
    Supervised { cpu: report.cpu, report, end }
}

/// What host and worker say to each other during an invocation.
struct Talk<'a> {
    process: &'a mut Process,
    answerer: Answerer<'a>,
    logs: text::Logs,
    pending: FuturesUnordered<Answer<'a>>,
    /// It has called the host.
    asked: bool,
    report: ActionReport,
}

impl Talk<'_> {
    /// Sends the invocation. Where this Action was quick the last time, the thread waits for it: to hand the wait to the
    /// runtime and back takes as long as the Action, and wakes its other threads.
    fn begin(&mut self, host: &dyn Host, call: &ActionCall<'_>, limits: Limits) -> Result<Option<Outcome>, Broken> {
        let was_quick = send(self.process, host, call, limits)?;
        self.flush()?;
        let mut outcome = None;
        if was_quick && self.process.outbox.is_empty() {
            let started = std::time::Instant::now();
            while let Some(left) = QUICK.checked_sub(started.elapsed()) {
                if !self.process.socket.wait(left)? {
                    break;
                }
                self.read()?;
                outcome = self.hear()?;
                if outcome.is_some() || !self.pending.is_empty() {
                    break;
                }
            }
        }
        Ok(outcome)
    }

    /// Until the worker is done.
    async fn go_on(&mut self) -> Result<Outcome, Broken> {
        loop {
            self.flush()?;
            let interest = if self.process.outbox.is_empty() {
                Interest::READABLE
            } else {
                Interest::READABLE | Interest::WRITABLE
            };
            tokio::select! {
                Some((id, reply)) = self.pending.next(), if !self.pending.is_empty() => {
                    frame::push(&ToWorker::Reply { id, reply }, &mut self.process.outbox)?;
                }
                ready = self.process.socket.ready(interest) => {
                    ready?;
                    self.read()?;
                    if let Some(outcome) = self.hear()? {
                        return Ok(outcome);
                    }
                }
            }
        }
    }

    /// What came of it.
    fn end(
        &mut self,
        outcome: Outcome,
        call: &ActionCall<'_>,
        limits: Limits,
    ) -> Result<Result<ActionEffects, ActionError>, Broken> {
        self.report.fetches = self.answerer.fetches();
        let process = &mut *self.process;
        if let Some(quick) = process.codes.get(&call.action.hash) {
            *quick = !self.asked && u128::from(self.report.cpu) < QUICK.as_nanos();
        }
        // Nothing may follow before the next invocation is sent.
        if !process.inbox.is_empty() || !process.outbox.is_empty() {
            return Err(Broken::Hostile("it went on after its end".to_owned()));
        }
        process.inbox.shrink();
        process.socket.rest()?;
        effects::result(outcome, call, limits).map_err(Broken::Hostile)
    }

    /// Takes what has come in.
    fn hear(&mut self) -> Result<Option<Outcome>, Broken> {
        while let Some(message) = self.process.inbox.next(LONGEST_FROM_WORKER)? {
            match message {
                FromWorker::Ask { id, ask } => {
                    self.asked = true;
                    self.pending.push(self.answerer.answer(id, ask));
                }
                FromWorker::Log { level, text } => self.logs.push(level, &text, &mut self.report.logs),
                FromWorker::Done { outcome, cpu } => {
                    self.report.cpu = cpu;
                    return Ok(Some(outcome));
                }
                FromWorker::Ready(_) => return Err(Broken::Hostile("it greeted twice".to_owned())),
            }
        }
        Ok(None)
    }

    /// Writes what the socket takes.
    fn flush(&mut self) -> Result<(), Broken> {
        let process = &mut *self.process;
        let mut written = 0;
        while let Some(rest) = process.outbox.get(written..).filter(|rest| !rest.is_empty()) {
            match process.socket.write(rest) {
                Ok(0) => return Err(Broken::Closed),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
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
    fn read(&mut self) -> Result<(), Broken> {
        let Process { socket, inbox, .. } = &mut *self.process;
        match socket.read(inbox.room()) {
            Ok(0) => Err(Broken::Closed),
            Ok(count) => {
                inbox.filled(count);
                Ok(())
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Puts the invocation, and its code where the worker has it not, in the outbox; says whether the Action was quick the last
/// time, if there was one.
fn send(process: &mut Process, host: &dyn Host, call: &ActionCall<'_>, limits: Limits) -> Result<bool, Broken> {
    let hash = call.action.hash;
    let was_quick = process.codes.get(&hash).map(|quick| *quick);
    if was_quick.is_none() {
        let modules: Vec<_> =
            call.action.modules.iter().map(|module| (module.path.to_string(), module.code.clone())).collect();
        let size = modules.iter().map(|(path, code)| path.len() + code.len()).sum();
        frame::push(&ToWorker::Code { hash, modules }, &mut process.outbox)?;
        process.codes.insert(hash, size, true);
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
    frame::push(&ToWorker::Run(invocation), &mut process.outbox)?;
    Ok(was_quick.unwrap_or(true))
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
