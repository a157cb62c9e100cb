//! What stands around an Action: what it has asked for, what it wants done, how much of its limits is used.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use super::Bridge;
use crate::wire::{Ask, Effects, Failure, Invocation, Limits, LogLevel, Reply, Verdict};

/// Calls of `api.rateLimit` and `api.secrets.get` in one invocation.
const MOST_CALLS: u32 = 100;

/// The state of an invocation outside of its world.
#[derive(Default)]
pub(super) struct Shell {
    host: Option<Rc<RefCell<dyn Bridge>>>,
    claims: Vec<String>,
    may_demand_mfa: bool,
    /// The limits.
    pub(super) limits: Limits,
    /// What the Action wants done so far.
    pub(super) effects: Effects,
    /// How large that is as JSON, in bytes.
    size: u64,
    /// Why it fails, whatever it does from now on.
    pub(super) broken: Option<Failure>,
    /// Calls under way.
    pub(super) waiting: HashMap<u32, Waiting>,
    /// Answers that came while another one was waited for.
    pub(super) early: VecDeque<(u32, Reply)>,
    /// Bytes of answers to `api.fetch`.
    pub(super) fetched: u64,
    next: u32,
    fetches: u32,
    calls: u32,
    lines: u32,
    logged: u64,
    log_closed: bool,
}

/// A call that is waited for by a promise.
pub(super) enum Waiting {
    /// `api.fetch` of this URL.
    Fetch(String),
    /// `api.rateLimit`.
    Rate,
}

/// A call of the `api` object that is refused: what is thrown.
pub(super) enum Refused {
    /// The Action may not do this.
    Type(String),
    /// It is too much, or too often.
    Range(String),
}

impl Refused {
    /// Why.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Type(text) | Self::Range(text) => text,
        }
    }
}

impl Shell {
    /// At the start of an invocation.
    pub(super) fn of(invocation: &Invocation, host: Rc<RefCell<dyn Bridge>>) -> Self {
        Self {
            host: Some(host),
            claims: invocation.claims.clone(),
            may_demand_mfa: invocation.may_demand_mfa,
            limits: invocation.limits,
            ..Self::default()
        }
    }

    /// The host, if an invocation has begun.
    pub(super) fn host(&self) -> Option<Rc<RefCell<dyn Bridge>>> {
        self.host.clone()
    }

    /// Ends the invocation with `failure`, unless it has failed already.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.broken.get_or_insert(failure);
    }

    /// `what` is larger than what may be given back.
    pub(super) fn overflow(&mut self, what: &str) -> Refused {
        let text = format!("{what} is too much: an Action gives back at most {} bytes", self.limits.output);
        self.fail(Failure::TooMuch(text.clone()));
        Refused::Range(text)
    }

    /// The first denial stands.
    pub(super) fn deny(&mut self, reason: String) -> Result<(), Refused> {
        if !matches!(self.effects.verdict, Verdict::Deny(_)) {
            self.grow(reason.len(), 0, "the reason")?;
            self.effects.verdict = Verdict::Deny(reason);
        }
        Ok(())
    }

    /// A denial stands.
    pub(super) fn block(&mut self, code: Option<String>, reason: Option<String>) -> Result<(), Refused> {
        if matches!(self.effects.verdict, Verdict::Continue) {
            let size = code.as_ref().map_or(0, String::len) + reason.as_ref().map_or(0, String::len);
            self.grow(size, 0, "the reason")?;
            self.effects.verdict = Verdict::Block(code, reason);
        }
        Ok(())
    }

    /// Demands a second factor.
    pub(super) fn demand_mfa(&mut self) -> Result<(), Refused> {
        if !self.may_demand_mfa {
            return Err(Refused::Type("this Action may not demand a second factor: declare `effects prompts`".into()));
        }
        self.effects.demand_mfa = true;
        Ok(())
    }

    /// The last URL counts.
    pub(super) fn redirect(&mut self, url: String) -> Result<(), Refused> {
        if url.is_empty() {
            return Err(Refused::Type("a redirect needs a URL".into()));
        }
        let before = self.effects.redirect.as_ref().map_or(0, String::len);
        self.grow(url.len(), before, "the URL")?;
        self.effects.redirect = Some(url);
        Ok(())
    }

    /// The last value of a key counts.
    pub(super) fn set_state(&mut self, key: String, value: String) -> Result<(), Refused> {
        let before = put(&mut self.effects.state, key, value);
        let (len, name) =
            self.effects.state.last().map_or((0, String::new()), |(key, value)| (key.len() + value.len(), key.clone()));
        self.grow(len, before, &format!("`{name}`"))
    }

    /// The Action has declared claim `name`.
    pub(super) fn may_claim(&self, name: &str) -> Result<(), Refused> {
        if self.claims.iter().any(|declared| declared == name) {
            return Ok(());
        }
        Err(Refused::Type(format!("claim `{name}` is not declared: name it in `claims` of the Action")))
    }

    /// The last value of a claim counts.
    pub(super) fn set_claim(&mut self, name: String, value: String) -> Result<(), Refused> {
        let len = name.len() + value.len();
        let what = format!("claim `{name}`");
        let before = put(&mut self.effects.claims, name, value);
        self.grow(len, before, &what)
    }

    /// Patches add up.
    pub(super) fn patch(&mut self, patch: String) -> Result<(), Refused> {
        self.grow(patch.len(), 0, "the patch")?;
        self.effects.app_metadata.push(patch);
        Ok(())
    }

    fn grow(&mut self, by: usize, less: usize, what: &str) -> Result<(), Refused> {
        let by = u64::try_from(by).unwrap_or(u64::MAX);
        self.size = self.size.saturating_add(by).saturating_sub(u64::try_from(less).unwrap_or(0));
        if self.size > self.limits.output { Err(self.overflow(what)) } else { Ok(()) }
    }

    /// How much text may be logged still; none where no line may be. The first that may not be is answered by one that
    /// says so.
    pub(super) fn may_log(&mut self) -> Option<usize> {
        let left = self.limits.log_bytes.saturating_sub(self.logged);
        if left == 0 || self.lines >= self.limits.log_lines {
            self.close_log();
            return None;
        }
        usize::try_from(left).ok()
    }

    /// Logs a line.
    pub(super) fn log(&mut self, level: LogLevel, mut text: String) {
        let Some(room) = self.may_log() else { return };
        text.truncate(text.floor_char_boundary(room));
        self.lines = self.lines.saturating_add(1);
        self.logged = self.logged.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
        if let Some(host) = &self.host {
            host.borrow_mut().log(level, text);
        }
    }

    fn close_log(&mut self) {
        if self.log_closed {
            return;
        }
        self.log_closed = true;
        let Limits { log_lines, log_bytes, .. } = self.limits;
        let text = format!("an Action may log {log_lines} lines and {log_bytes} bytes: the rest is dropped");
        if let Some(host) = &self.host {
            host.borrow_mut().log(LogLevel::Warn, text);
        }
    }

    /// Sends a call that a promise waits for.
    pub(super) fn call(&mut self, ask: Ask) -> Result<u32, Refused> {
        let waiting = match &ask {
            Ask::Fetch { url, body, .. } => {
                let limits = self.limits;
                if self.fetches >= limits.fetches {
                    return Err(Refused::Range(format!("an Action may call `api.fetch` {} times", limits.fetches)));
                }
                let size = body.as_ref().map_or(0, |body| u64::try_from(body.len()).unwrap_or(u64::MAX));
                if size > limits.fetch_request {
                    let most = limits.fetch_request;
                    return Err(Refused::Range(format!("the body of a request may have {most} bytes, not {size}")));
                }
                self.fetches += 1;
                Waiting::Fetch(url.clone())
            }
            Ask::RateLimit { .. } | Ask::Secret(_) => {
                self.count_call()?;
                Waiting::Rate
            }
        };
        let id = self.send(ask);
        self.waiting.insert(id, waiting);
        Ok(id)
    }

    /// Sends a call that the world waits for itself.
    pub(super) fn ask_now(&mut self, ask: Ask) -> Result<u32, Refused> {
        self.count_call()?;
        Ok(self.send(ask))
    }

    fn count_call(&mut self) -> Result<(), Refused> {
        if self.calls >= MOST_CALLS {
            let text = format!("an Action may call `api.rateLimit` and `api.secrets.get` {MOST_CALLS} times");
            return Err(Refused::Range(text));
        }
        self.calls += 1;
        Ok(())
    }

    fn send(&mut self, ask: Ask) -> u32 {
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        if let Some(host) = &self.host {
            host.borrow_mut().ask(id, ask);
        }
        id
    }
}

/// Sets the value of `key`, as the last entry; gives how long the entry was that it replaces.
fn put(entries: &mut Vec<(String, String)>, key: String, value: String) -> usize {
    let at = entries.iter().position(|(known, _)| *known == key);
    let before = at.map_or(0, |at| {
        let (key, value) = entries.remove(at);
        key.len() + value.len()
    });
    entries.push((key, value));
    before
}
