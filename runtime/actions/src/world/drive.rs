//! Drives an Action: input, module, entry, promise jobs and the host's answers, until it has ended.

use std::mem::ManuallyDrop;

use rquickjs::function::IntoArgs;
use rquickjs::object::Property;
use rquickjs::{Ctx, Error, Function, Module, Object, Promise, Result, Value};

use super::arena::Held;
use super::natives::Shared;
use super::shell::{Shell, Waiting};
use super::{Start, input, prelude, rejected};
use crate::wire::{Effects, Failure, Rate, Reply, Response, Verdict};

/// Jobs between two looks at the clock: a job may be too brief for the engine to look.
const JOBS_PER_LOOK: u32 = 64;

/// What `execute` may return.
const KINDS: &str = "the kinds are `continue`, `block`, `demand_mfa` and `redirect`";

/// How the work on an Action stopped; what it wants done is in the shell.
pub(super) enum Driven {
    /// It ended by itself.
    Well,
    /// It threw: text and stack.
    Threw(String, String),
    /// The engine threw, for want of memory.
    OutOfMemory,
    /// It waits for a promise that nothing resolves.
    Stuck,
    /// What it is or gave back makes no sense.
    Invalid(String),
    /// No time, or no jobs, are left.
    OutOfTime,
}

/// Runs an Action from where it stands, or says why it could not be compiled or evaluated.
///
/// # Errors
/// What the engine says where it cannot even say what was thrown: no memory is left.
pub(super) fn drive<'js>(ctx: &Ctx<'js>, start: Result<Start>, shared: &Shared) -> Result<Driven> {
    let run = Run { ctx, shared };
    let stopped = match run.all(start) {
        Ok(()) => return Ok(Driven::Well),
        Err(stopped) => stopped,
    };
    match stopped {
        Stopped::By(driven) => Ok(driven),
        Stopped::Error(Error::Exception) => run.threw(),
        Stopped::Error(other) => Ok(Driven::Invalid(format!("the Action cannot be run: {other}"))),
    }
}

/// What became of an Action. `is_full` says whether its memory is used up, nearly.
pub(super) fn judge(
    driven: Result<Driven>,
    shell: &mut Shell,
    is_over: bool,
    is_full: impl FnOnce() -> bool,
) -> std::result::Result<Effects, Failure> {
    if is_over {
        return Err(Failure::TimedOut);
    }
    if let Some(failure) = shell.broken.take() {
        return Err(failure);
    }
    match driven {
        Ok(Driven::Well) => Ok(settled(std::mem::take(&mut shell.effects))),
        Ok(Driven::OutOfTime) => Err(Failure::TimedOut),
        Ok(Driven::OutOfMemory) | Err(_) => Err(Failure::OutOfMemory),
        // A job that had no memory to go on settles nothing.
        Ok(Driven::Stuck) if is_full() => Err(Failure::OutOfMemory),
        Ok(Driven::Stuck) => {
            Err(Failure::Invalid("the Action never settles: it waits for a promise that nothing resolves".into()))
        }
        Ok(Driven::Invalid(text)) => Err(Failure::Invalid(text)),
        Ok(Driven::Threw(text, stack)) => Err(Failure::Threw(text, without_prelude(&stack))),
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

/// A stack without the frames of the prelude, which name no file.
fn without_prelude(stack: &str) -> String {
    let frames = stack.lines().filter(|line| !line.contains("(<null>"));
    frames.fold(String::new(), |text, line| text + line + "\n")
}

/// `execute`, else the only function that is exported, else the default export.
pub(super) fn entry<'js>(exports: &Object<'js>) -> Result<Option<Function<'js>>> {
    if let Some(execute) = exports.get::<_, Value>("execute")?.into_function() {
        return Ok(Some(execute));
    }
    let mut functions = Vec::new();
    for name in exports.keys::<String>() {
        let name = name?;
        if let Some(function) = exports.get::<_, Value>(name.as_str())?.into_function() {
            functions.push((name, function));
        }
    }
    let only = if functions.len() == 1 { Some(0) } else { functions.iter().position(|(name, _)| name == "default") };
    Ok(only.map(|at| functions.swap_remove(at).1))
}

/// Why an Action does not go on.
enum Stopped {
    Error(Error),
    By(Driven),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

fn invalid(text: impl Into<String>) -> Stopped {
    Stopped::By(Driven::Invalid(text.into()))
}

/// An Action under way.
struct Run<'a, 'js> {
    ctx: &'a Ctx<'js>,
    shared: &'a Shared,
}

impl<'js> Run<'_, 'js> {
    fn all(&self, start: Result<Start>) -> std::result::Result<(), Stopped> {
        let entry = match ManuallyDrop::into_inner(start?).restore(self.ctx)? {
            Held::Compiled(module) => {
                let (module, loaded) = module.eval()?;
                self.evaluated(&module.into_declared(), &loaded)?
            }
            Held::Begun(module, loaded) => self.evaluated(&module, &loaded)?,
            Held::Evaluated(entry) => entry,
        };
        let functions = prelude::functions(self.ctx)?;
        let input = input::made(&functions)?;
        let api: Object = functions.get("api")?;
        let returned: Value = entry.call((input, api))?;
        let result = match returned.as_promise() {
            Some(promise) => self.settle(promise)?,
            None => returned,
        };
        self.conclude(&functions.get("field")?, &result)?;
        if self.shared.rejected.get() {
            rejected::report(self.ctx, &self.shared.shell)?;
        }
        Ok(())
    }

    /// What to call, once the module is evaluated.
    fn evaluated(&self, module: &Module<'js>, loaded: &Promise<'js>) -> std::result::Result<Function<'js>, Stopped> {
        self.settle(loaded)?;
        entry(&module.namespace()?)?.ok_or_else(|| invalid("the Action exports no function: export `execute`"))
    }

    /// What `execute` gave back.
    fn conclude(&self, field: &Function<'js>, result: &Value<'js>) -> std::result::Result<(), Stopped> {
        if result.is_undefined() {
            return Ok(());
        }
        let Some(object) = result.as_object() else {
            let type_name = result.type_name();
            return Err(invalid(format!("`execute` must return an object with a `kind`, or nothing, not {type_name}")));
        };
        let text = |name: &str| -> std::result::Result<Option<String>, Stopped> {
            let value: Value = field.call((object.clone(), name))?;
            match value.as_string() {
                Some(text) => match text.to_string() {
                    Ok(text) => Ok(Some(text)),
                    Err(_) => Err(invalid(format!("`{name}` of what `execute` returned is not well-formed Unicode"))),
                },
                None if value.is_undefined() => Ok(None),
                None => Err(invalid(format!("`{name}` of what `execute` returned must be a string"))),
            }
        };
        let kind = text("kind")?;
        let mut shell = self.shared.shell.borrow_mut();
        let refused = match kind.as_deref() {
            Some("continue") => Ok(()),
            Some("block") => {
                drop(shell);
                let (code, reason) = (text("code")?, text("reason")?);
                self.shared.shell.borrow_mut().block(code, reason)
            }
            Some("demand_mfa") => shell.demand_mfa(),
            Some("redirect") => {
                drop(shell);
                let url = text("url")?.unwrap_or_default();
                self.shared.shell.borrow_mut().redirect(url)
            }
            Some(kind) => {
                let kind = kind.get(..kind.floor_char_boundary(40)).unwrap_or_default();
                return Err(invalid(format!("`execute` returned kind `{kind}`: {KINDS}")));
            }
            None => return Err(invalid(format!("what `execute` returned has no `kind`: {KINDS}"))),
        };
        refused.map_err(|refused| invalid(refused.into_text()))
    }

    /// What was thrown, in words.
    fn threw(&self) -> Result<Driven> {
        let thrown = self.ctx.catch();
        if self.shared.clock.was_over() {
            return Ok(Driven::OutOfTime);
        }
        // What the engine throws where no memory is left even for an error. An Action that throws it itself is taken
        // for that.
        if thrown.is_null() {
            return Ok(Driven::OutOfMemory);
        }
        let described: Object = prelude::call(self.ctx, "admit:text", "describe", (thrown,))?;
        let text: String = described.get("text")?;
        if text == "InternalError: out of memory" {
            return Ok(Driven::OutOfMemory);
        }
        Ok(Driven::Threw(text, described.get("stack")?))
    }

    /// Runs jobs, and waits for the host, until `promise` is settled.
    fn settle(&self, promise: &Promise<'js>) -> std::result::Result<Value<'js>, Stopped> {
        let most = self.shared.shell.borrow().limits.jobs;
        let mut jobs = 0;
        loop {
            if self.shared.clock.was_over() {
                return Err(Stopped::By(Driven::OutOfTime));
            }
            if let Some(settled) = promise.result() {
                return Ok(settled?);
            }
            if self.ctx.execute_pending_job() {
                jobs += 1;
                if jobs > most || (jobs % JOBS_PER_LOOK == 0 && self.shared.clock.is_over()) {
                    return Err(Stopped::By(Driven::OutOfTime));
                }
                continue;
            }
            if self.shared.shell.borrow().waiting.is_empty() {
                return Err(Stopped::By(Driven::Stuck));
            }
            let Some((id, reply)) = self.answer() else { return Err(Stopped::By(Driven::OutOfTime)) };
            self.deliver(id, reply)?;
            jobs = 0;
        }
    }

    fn answer(&self) -> Option<(u32, Reply)> {
        let early = self.shared.shell.borrow_mut().early.pop_front();
        if early.is_some() {
            return early;
        }
        let host = self.shared.shell.borrow().host()?;
        host.borrow_mut().wait(self.shared.clock.deadline())
    }

    /// Hands an answer to the promise that waits for it.
    fn deliver(&self, id: u32, reply: Reply) -> Result<()> {
        let waiting = self.shared.shell.borrow_mut().waiting.remove(&id);
        match (waiting, reply) {
            (Some(Waiting::Fetch(url)), Reply::Fetch(Ok(response))) => self.deliver_response(id, &url, &response),
            (Some(Waiting::Rate), Reply::RateLimit(Ok(rate))) => self.deliver_rate(id, rate),
            (Some(_), Reply::Fetch(Err(text)) | Reply::RateLimit(Err(text))) => self.reject(id, &text),
            (Some(_), Reply::Fetch(Ok(_)) | Reply::RateLimit(Ok(_)) | Reply::Secret(_)) => {
                self.reject(id, "the host answered another call")
            }
            (None, _) => Ok(()),
        }
    }

    fn deliver_response(&self, id: u32, url: &str, response: &Response) -> Result<()> {
        self.advance(response.waited);
        let (fetched, most) = {
            let mut shell = self.shared.shell.borrow_mut();
            shell.fetched = shell.fetched.saturating_add(u64::try_from(response.body.len()).unwrap_or(u64::MAX));
            (shell.fetched, shell.limits.fetch_response)
        };
        if fetched > most {
            return self.reject(id, &format!("the answers to `api.fetch` have more than {most} bytes together"));
        }
        let mut lines = String::new();
        for (name, value) in &response.headers {
            for part in [name, value] {
                lines.extend(part.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
                lines.push('\n');
            }
        }
        let body = String::from_utf8_lossy(&response.body);
        let args = (response.status, url, lines, body.as_ref());
        let value = prelude::call::<_, Value>(self.ctx, "admit:fetch", "response", args)?;
        self.finish("resolves", id, (value,))
    }

    fn deliver_rate(&self, id: u32, rate: Rate) -> Result<()> {
        self.advance(rate.waited);
        let value = Object::new(self.ctx.clone())?;
        // Defined, not set: a setter on a prototype sees nothing.
        value.prop("allowed", Property::from(rate.allowed).enumerable())?;
        value.prop("count", Property::from(number(rate.count)).enumerable())?;
        value.prop("remaining", Property::from(number(rate.remaining)).enumerable())?;
        value.prop("retryAfter", Property::from(number(rate.retry_after)).enumerable())?;
        self.finish("resolves", id, (value,))
    }

    fn reject(&self, id: u32, text: &str) -> Result<()> {
        // A caught throw, which is how the engine makes an `Error` whatever an Action has done to the constructor.
        let _ = rquickjs::Exception::throw_type(self.ctx, text);
        self.finish("rejects", id, (self.ctx.catch(),))
    }

    /// Settles the promise of a call, for good.
    fn finish(&self, how: &str, id: u32, args: impl IntoArgs<'js>) -> Result<()> {
        let kit: Object = prelude::functions(self.ctx)?.get("kit")?;
        let settle: Option<Function> = kit.get::<_, Object>(how)?.get(id)?;
        for each in ["resolves", "rejects"] {
            kit.get::<_, Object>(each)?.remove(id)?;
        }
        settle.map_or(Ok(()), |settle| settle.call(args))
    }

    fn advance(&self, by: u64) {
        self.shared.now.set(self.shared.now.get() + number(by));
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds and counts are below 2^53")]
fn number(of: u64) -> f64 {
    of as f64
}
