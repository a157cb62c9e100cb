//! Secrets that an Action was given are taken out of what it says (security.md decision 5): the last layer, for an Action
//! that logs or throws what it should keep to itself.

use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use super::{ActionError, ActionReport, Verdict};
use crate::host::Secret;

/// Shorter values are found by chance in any text.
const SHORTEST: usize = 4;

/// The secrets of one invocation.
#[derive(Default)]
pub struct Revealed(Mutex<Vec<(String, Zeroizing<String>)>>);

impl Revealed {
    /// Notes a secret that the Action is about to get. One that is not text cannot be said.
    pub fn add(&self, name: &str, secret: &Secret) {
        let Ok(text) = std::str::from_utf8(secret.expose()) else { return };
        if text.len() < SHORTEST {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.push((name.to_owned(), Zeroizing::new(text.to_owned())));
        // The longest first: one may be part of another.
        known.sort_by_key(|(_, text)| std::cmp::Reverse(text.len()));
    }

    /// Takes them out of logs, errors and reasons. What an Action sets as state, claim or metadata is left as it is: that
    /// is data, not talk.
    pub(crate) fn redact(&self, report: &mut ActionReport) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_empty() {
            return;
        }
        let redact = |text: &mut String| {
            for (name, secret) in known.iter().filter(|(_, secret)| !secret.is_empty()) {
                if text.contains(secret.as_str()) {
                    *text = text.replace(secret.as_str(), &format!("[secret {name}]"));
                }
            }
        };
        report.logs.iter_mut().for_each(|(_, text)| redact(text));
        match &mut report.result {
            Some(Ok(effects)) => match &mut effects.verdict {
                Verdict::Continue => {}
                Verdict::Deny { reason } => redact(reason),
                Verdict::Block { code, reason } => {
                    redact(code);
                    reason.iter_mut().for_each(redact);
                }
            },
            Some(Err(ActionError::Threw { message, stack })) => {
                redact(message);
                redact(stack);
            }
            Some(Err(
                ActionError::TooMuch(text)
                | ActionError::Invalid(text)
                | ActionError::Crashed(text)
                | ActionError::Unavailable(text),
            )) => redact(text),
            Some(Err(ActionError::TimedOut(_) | ActionError::OutOfMemory(_))) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Revealed;
    use crate::action::{ActionEffects, ActionError, ActionReport, Verdict};
    use crate::host::Secret;
    use crate::trace::Level;

    #[test]
    fn t21_what_an_action_says_is_told_without_its_secrets() {
        let revealed = Revealed::default();
        revealed.add("hook-token", &Secret::new(*b"canary-1234"));
        revealed.add("config.url", &Secret::new(*b"https://hooks.example.com/canary-1234"));
        revealed.add("pin", &Secret::new(*b"123"));
        let mut report = ActionReport {
            result: Some(Err(ActionError::Threw {
                message: "Error: canary-1234".to_owned(),
                stack: "at execute (canary-1234)".to_owned(),
            })),
            logs: vec![(Level::Info, "to https://hooks.example.com/canary-1234, 123, canary-1234".to_owned())],
            ..ActionReport::default()
        };
        revealed.redact(&mut report);
        assert_eq!(report.logs[0].1, "to [secret config.url], 123, [secret hook-token]");
        let Some(Err(ActionError::Threw { message, stack })) = &report.result else { panic!() };
        assert_eq!(
            (message.as_str(), stack.as_str()),
            ("Error: [secret hook-token]", "at execute ([secret hook-token])")
        );

        let verdict = Verdict::Block { code: "canary-1234".to_owned(), reason: Some("x canary-1234".to_owned()) };
        let effects = ActionEffects { verdict, ..ActionEffects::default() };
        let mut report = ActionReport { result: Some(Ok(effects)), ..ActionReport::default() };
        revealed.redact(&mut report);
        let Some(Ok(effects)) = report.result else { panic!() };
        let reason = Some("x [secret hook-token]".to_owned());
        assert_eq!(effects.verdict, Verdict::Block { code: "[secret hook-token]".to_owned(), reason });
    }
}
