//! Drives an Action: input, module, entry, promise jobs and the host's answers, until it has ended.

use std::cell::RefCell;
use std::rc::Rc;

use rquickjs::promise::PromiseState;
use rquickjs::{Ctx, Error, Function, Module, Object, Promise, Result, Value};

use super::clock::Clock;
use super::prelude;
use super::shell::{Ended, Shell, Waiting};
use crate::wire::{Effects, Failure, Invocation, Rate, Reply, Response, Verdict};

/// Jobs between two looks at the clock: a job may be too brief for the engine to look.
const JOBS_PER_LOOK: u32 = 64;

/// How the work on an Action stopped; what it did is in the shell.
pub(super) enum Driven {
    /// It ended by itself.
    Ended,
    /// It waits for what will never come.
    Stuck,
    /// No time, or no jobs, are left.
    OutOfTime,
    /// The Action's code cannot be called.
    Unusable(String),
}

/// Runs the Action of `modules`, the entry first.
///
/// # Errors
/// What the engine says where it cannot go on: the process has no memory left.
pub(super) fn drive<'js>(
    ctx: &Ctx<'js>,
    prelude: &Object<'js>,
    invocation: &Invocation,
    modules: &[(String, String)],
    shell: &Rc<RefCell<Shell>>,
    clock: &Clock,
) -> Result<Driven> {
    let run = Run { ctx, prelude, shell, clock };
    let Some((path, source)) = modules.first() else { return Ok(Driven::Unusable("the Action has no code".into())) };
    let input = match run.begin(invocation) {
        Ok(input) => input,
        Err(error) => return run.threw(error),
    };
    let (module, loaded) = match Module::declare(ctx.clone(), path.as_str(), source.as_str()).and_then(Module::eval) {
        Ok(evaluated) => evaluated,
        Err(error) => return run.threw(error),
    };
    let stopped = run.until(|| loaded.state() != PromiseState::Pending)?;
    if !matches!(stopped, Driven::Ended) {
        return Ok(stopped);
    }
    if let Some(Err(error)) = loaded.result::<Value>() {
        return run.threw(error);
    }
    let entry = match entry(&module.namespace()?) {
        Ok(Some(entry)) => entry,
        Ok(None) => return Ok(Driven::Unusable("the Action exports no function: export `execute`".into())),
        Err(error) => return run.threw(error),
    };
    let promise: Promise = match run.call("drive", (entry, input)) {
        Ok(promise) => promise,
        Err(error) => return run.threw(error),
    };
    run.until(|| promise.state() != PromiseState::Pending)
}

/// What became of an Action. `is_full` says whether its memory is used up, nearly.
pub(super) fn judge(
    driven: Result<Driven>,
    shell: &RefCell<Shell>,
    clock: &Clock,
    is_full: impl FnOnce() -> bool,
) -> std::result::Result<Effects, Failure> {
    let mut shell = shell.borrow_mut();
    if clock.was_over() || matches!(driven, Ok(Driven::OutOfTime)) {
        return Err(Failure::TimedOut);
    }
    if let Some(failure) = shell.broken.take() {
        return Err(failure);
    }
    match (driven, shell.ended.take()) {
        (Ok(Driven::Unusable(text)), _) => Err(Failure::Invalid(text)),
        (Ok(Driven::Stuck), None) => {
            Err(Failure::Invalid("the Action never settles: it waits for a promise that nothing resolves".into()))
        }
        (_, Some(Ended::Well)) => Ok(settled(std::mem::take(&mut shell.effects))),
        // The engine throws `null` where no memory is left for an error; an Action may throw it too.
        (_, Some(Ended::Threw(_, _, true))) if is_full() => Err(Failure::OutOfMemory),
        (_, Some(Ended::Threw(text, _, _))) if text == "InternalError: out of memory" => Err(Failure::OutOfMemory),
        (_, Some(Ended::Threw(text, stack, _))) => Err(Failure::Threw(text, without_prelude(&stack))),
        // Neither what it threw could be read, nor that it ended: there was no memory to do so.
        (Err(_) | Ok(Driven::Ended | Driven::OutOfTime), None) => Err(Failure::OutOfMemory),
    }
}

/// A denial outdoes what was to happen after success.
fn settled(mut effects: Effects) -> Effects {
    if effects.verdict != Verdict::Continue {
        effects.redirect = None;
        effects.demand_mfa = false;
    }
    effects
}

/// A stack without the frames of the prelude.
fn without_prelude(stack: &str) -> String {
    let frames = stack.lines().filter(|line| !line.contains(prelude::NAME));
    frames.fold(String::new(), |text, line| text + line + "\n")
}

/// `execute`, else the only function that is exported, else the default export.
fn entry<'js>(exports: &Object<'js>) -> Result<Option<Function<'js>>> {
    let mut functions = Vec::new();
    for name in exports.keys::<String>() {
        let name = name?;
        if let Some(function) = exports.get::<_, Value>(name.as_str())?.into_function() {
            functions.push((name, function));
        }
    }
    let named = |wanted: &str| functions.iter().position(|(name, _)| name == wanted);
    let only = || (functions.len() == 1).then_some(0);
    let at = named("execute").or_else(only).or_else(|| named("default"));
    Ok(at.map(|at| functions.swap_remove(at).1))
}

/// An Action under way.
struct Run<'a, 'js> {
    ctx: &'a Ctx<'js>,
    prelude: &'a Object<'js>,
    shell: &'a RefCell<Shell>,
    clock: &'a Clock,
}

impl<'js> Run<'_, 'js> {
    fn begin(&self, invocation: &Invocation) -> Result<Object<'js>> {
        let limits = invocation.limits;
        let read = self.ctx.json_parse(invocation.input.as_str())?;
        let halves = (invocation.seed >> 32, invocation.seed & u64::from(u32::MAX));
        #[expect(clippy::cast_precision_loss, reason = "times, halves of a seed and limits are below 2^53")]
        let numbers =
            (invocation.now as f64, halves.0 as f64, halves.1 as f64, limits.output as f64, limits.log_bytes as f64);
        self.call("begin", (read, numbers.0, numbers.1, numbers.2, numbers.3, numbers.4))
    }

    fn call<A, R>(&self, name: &str, args: A) -> Result<R>
    where
        A: rquickjs::function::IntoArgs<'js>,
        R: rquickjs::FromJs<'js>,
    {
        self.prelude.get::<_, Function>(name)?.call(args)
    }

    /// The Action ended by what was thrown.
    fn threw(&self, error: Error) -> Result<Driven> {
        let thrown = match error {
            Error::Exception => self.ctx.catch(),
            other => return Ok(Driven::Unusable(format!("the Action cannot be run: {other}"))),
        };
        self.call::<_, ()>("fail", (thrown,))?;
        Ok(Driven::Ended)
    }

    /// Runs jobs, and waits for the host, until `is_done`.
    fn until(&self, is_done: impl Fn() -> bool) -> Result<Driven> {
        let most = self.shell.borrow().limits.jobs;
        let mut jobs = 0;
        loop {
            if self.clock.was_over() {
                return Ok(Driven::OutOfTime);
            }
            if is_done() {
                return Ok(Driven::Ended);
            }
            if self.ctx.execute_pending_job() {
                jobs += 1;
                if jobs > most || (jobs % JOBS_PER_LOOK == 0 && self.clock.is_over()) {
                    return Ok(Driven::OutOfTime);
                }
                continue;
            }
            if self.shell.borrow().waiting.is_empty() {
                return Ok(Driven::Stuck);
            }
            let Some((id, reply)) = self.answer() else { return Ok(Driven::OutOfTime) };
            self.deliver(id, reply)?;
            jobs = 0;
        }
    }

    fn answer(&self) -> Option<(u32, Reply)> {
        let early = self.shell.borrow_mut().early.pop_front();
        if early.is_some() {
            return early;
        }
        let host = self.shell.borrow().host()?;
        host.borrow_mut().wait(self.clock.deadline())
    }

    /// Hands an answer to the promise that waits for it.
    fn deliver(&self, id: u32, reply: Reply) -> Result<()> {
        let waiting = self.shell.borrow_mut().waiting.remove(&id);
        match (waiting, reply) {
            (Some(Waiting::Fetch(url)), Reply::Fetch(Ok(response))) => self.deliver_response(id, &url, &response),
            (Some(Waiting::Rate), Reply::RateLimit(Ok(rate))) => {
                let Rate { allowed, count, remaining, retry_after, waited } = rate;
                self.call(
                    "settleRate",
                    (id, number(waited), allowed, number(count), number(remaining), number(retry_after)),
                )
            }
            (Some(_), Reply::Fetch(Err(text)) | Reply::RateLimit(Err(text))) => self.refuse(id, 0, &text),
            (Some(_), Reply::Fetch(Ok(_)) | Reply::RateLimit(Ok(_)) | Reply::Secret(_)) => {
                self.refuse(id, 0, "the host answered another call")
            }
            (None, _) => Ok(()),
        }
    }

    fn deliver_response(&self, id: u32, url: &str, response: &Response) -> Result<()> {
        let (fetched, most) = {
            let mut shell = self.shell.borrow_mut();
            shell.fetched = shell.fetched.saturating_add(u64::try_from(response.body.len()).unwrap_or(u64::MAX));
            (shell.fetched, shell.limits.fetch_response)
        };
        if fetched > most {
            let text = format!("the answers to `api.fetch` have more than {most} bytes together");
            return self.refuse(id, response.waited, &text);
        }
        let mut lines = String::new();
        for (name, value) in &response.headers {
            for part in [name, value] {
                lines.extend(part.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
                lines.push('\n');
            }
        }
        let body = String::from_utf8_lossy(&response.body);
        self.call("settleFetch", (id, number(response.waited), response.status, url, lines, body.as_ref()))
    }

    fn refuse(&self, id: u32, waited: u64, text: &str) -> Result<()> {
        self.call("settle", (id, number(waited), text, true))
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds and counts are below 2^53")]
fn number(of: u64) -> f64 {
    of as f64
}
