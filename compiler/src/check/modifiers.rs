//! Modifiers: which step takes which, and what they come to.

use super::walk::Walk;
use crate::ast::{Modifier, ModifierKind};
use crate::diagnostic::Diagnostic;
use crate::schema::{Block, SET_CLAIM};
use crate::source::Span;
use crate::typed::flow::{Modifiers, OnError};

/// The most further tries.
const MAX_RETRY: u64 = 10;

/// What decides which modifiers a step takes.
pub(super) struct Takes {
    /// Where it stands.
    pub span: Span,
    /// Engine time per try without `timeout`.
    pub timeout: u64,
    /// Why it cannot be passed over: neither `on error continue` nor `async`.
    pub must_end: Option<String>,
    /// The contract's line that says so.
    pub line: Option<Span>,
    /// Why it cannot be `async` (besides).
    pub not_async: Option<String>,
    /// Why it cannot be tried again.
    pub no_retry: Option<String>,
}

impl Takes {
    /// What a block takes; `line` is the contract's, if it is a milestone.
    pub fn block(block: &Block, span: Span, line: Option<Span>) -> Self {
        let effects = block.effects;
        let held =
            [(effects.prompts, "asks the user"), (effects.mints, "makes a session"), (effects.ends, "ends the run")]
                .into_iter()
                .find_map(|(holds, what)| holds.then_some(what));
        let must_end = match (line, held) {
            (Some(_), _) => Some(format!("`{}` is a milestone of the contract", block.name)),
            (None, Some(what)) => Some(format!("`{}` {what}", block.name)),
            (None, None) => None,
        };
        let gives = !block.sets.is_empty() || !block.provides.is_empty();
        Self {
            span,
            timeout: block.timeout,
            must_end,
            line,
            not_async: if block.name == SET_CLAIM {
                Some(format!("`{SET_CLAIM}` sets a claim of the token that is made below"))
            } else {
                gives.then(|| format!("`{}` changes the event for the steps below", block.name))
            },
            no_retry: (effects.prompts || effects.mints).then(|| match held {
                Some(what) => format!("`{}` {what}", block.name),
                None => format!("`{}` cannot run twice", block.name),
            }),
        }
    }
}

impl Walk<'_, '_> {
    /// Modifiers with defaults filled in; what is wrong with them is said.
    pub(super) fn modifiers(&mut self, written: &[Modifier], takes: &Takes) -> Modifiers {
        let mut result = Modifiers { timeout: takes.timeout, retry: None, on_error: OnError::Halt, is_async: false };
        let mut seen: Vec<(&'static str, Span)> = Vec::new();
        for modifier in written {
            let word = word(&modifier.kind);
            if let Some((_, first)) = seen.iter().find(|(known, _)| *known == word) {
                self.error(
                    Diagnostic::error("A0225", modifier.span, format!("`{word}` is written twice"))
                        .label(*first, "first here")
                        .help("each modifier stands once"),
                );
                continue;
            }
            seen.push((word, modifier.span));
            match &modifier.kind {
                ModifierKind::Timeout(time) => {
                    if time.millis == 0 {
                        self.bound(time.span, "a timeout of 0 leaves no time at all");
                    }
                    result.timeout = time.millis;
                }
                ModifierKind::Retry { times, backoff } => {
                    if let Some(why) = &takes.no_retry {
                        self.refuse("A0228", modifier.span, takes, "retry", why);
                    } else if *times == 0 || *times > MAX_RETRY {
                        self.bound(modifier.span, &format!("`retry` takes 1 to {MAX_RETRY} further tries"));
                    }
                    let times = u32::try_from(*times).unwrap_or(u32::MAX);
                    result.retry = Some((times, backoff.map_or(0, |backoff| backoff.millis)));
                }
                ModifierKind::OnErrorHalt => result.on_error = OnError::Halt,
                ModifierKind::OnErrorContinue => {
                    if let Some(why) = &takes.must_end {
                        self.refuse(must_end_code(takes), modifier.span, takes, "on error continue", why);
                    }
                    result.on_error = OnError::Continue;
                }
                ModifierKind::OnErrorDeny(reason) => {
                    self.reason_word(&reason.value, reason.span);
                    result.on_error = OnError::Deny(reason.value.as_str().into());
                }
                ModifierKind::Async => {
                    if let Some(why) = takes.must_end.as_ref() {
                        self.refuse(must_end_code(takes), modifier.span, takes, "async", why);
                    } else if let Some(why) = &takes.not_async {
                        self.refuse("A0229", modifier.span, takes, "async", why);
                    }
                    result.is_async = true;
                }
            }
        }
        result
    }

    /// Modifiers of a step that takes none but those named.
    pub(super) fn no_modifiers(&mut self, written: &[Modifier], what: &str, but: &[&str]) {
        for modifier in written {
            let word = word(&modifier.kind);
            if but.contains(&word) {
                continue;
            }
            let found = Diagnostic::error("A0226", modifier.span, format!("{what} takes no `{word}`"));
            self.error(if but.is_empty() {
                found.help("remove it")
            } else {
                let list = but.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" and ");
                found.help(format!("it takes only {list}"))
            });
        }
    }

    /// A reason is a word that audit, metrics and the caller's code can hold on to.
    pub(super) fn reason_word(&mut self, reason: &str, span: Span) {
        const LONGEST: usize = 64;
        let mut letters = reason.chars();
        let begins = letters.next().is_some_and(|first| first.is_ascii_lowercase());
        let word =
            begins && letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
        if !word || reason.len() > LONGEST {
            self.error(
                Diagnostic::error("A0220", span, "the reason is no constant word")
                    .help("write lower-case letters, digits and `_`, such as `\"invalid_credentials\"`; what the user reads is `user_message`"),
            );
        }
    }

    fn refuse(&mut self, code: &'static str, span: Span, takes: &Takes, what: &str, why: &str) {
        let mut found =
            Diagnostic::error(code, span, format!("{why}, so it takes no `{what}`")).label(takes.span, "this block");
        if let Some(line) = takes.line {
            found = found.label(line, "the contract's line");
        }
        self.error(found.help(format!("remove `{what}`")));
    }

    fn bound(&mut self, span: Span, message: &str) {
        self.error(Diagnostic::error("A0231", span, message));
    }
}

fn must_end_code(takes: &Takes) -> &'static str {
    if takes.line.is_some() { "A0227" } else { "A0228" }
}

fn word(kind: &ModifierKind) -> &'static str {
    match kind {
        ModifierKind::Timeout(_) => "timeout",
        ModifierKind::Retry { .. } => "retry",
        ModifierKind::OnErrorHalt | ModifierKind::OnErrorContinue | ModifierKind::OnErrorDeny(_) => "on error",
        ModifierKind::Async => "async",
    }
}
