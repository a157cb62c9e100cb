//! Secrets that an Action was given, and personal data of its event, are taken out of what it says (security.md decision 5): the last
//! layer, for an Action that logs or throws what it should keep to itself.

use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use super::{ActionError, ActionReport, Verdict};
use crate::expression::from_json;
use crate::host::Secret;

/// Shorter values are found by chance in any text.
const SHORTEST: usize = 4;

/// What the declaration of the event labels `pii` outside of records of any form: a test holds it to that.
pub const PERSONAL: [&str; 6] = ["identifier", "request.ip", "user.email", "user.phone", "user.username", "user.name"];

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

    /// Takes what is personal in the input's event out of logs, errors and reasons; not out of what a user is told themselves.
    pub(crate) fn redact_personal(report: &mut ActionReport, input: &str) {
        let says = match &report.result {
            Some(Ok(effects)) => matches!(effects.verdict, Verdict::Deny { .. }),
            Some(Err(_)) => true,
            None => false,
        };
        if !says && report.logs.is_empty() {
            return;
        }
        let Some(input) = from_json(input.as_bytes()) else { return };
        let found = PERSONAL.iter().filter_map(|path| {
            let place = path.split('.').try_fold(input.get("event")?, |at, name| at.get(name))?;
            place.as_str().filter(|text| text.len() >= SHORTEST).map(|text| (*path, text))
        });
        let mut found: Vec<(&str, &str)> = found.collect();
        found.sort_by_key(|(_, text)| std::cmp::Reverse(text.len()));
        let redact = |text: &mut String| {
            for (path, personal) in &found {
                if text.contains(personal) {
                    *text = text.replace(personal, &format!("[pii {path}]"));
                }
            }
        };
        report.logs.iter_mut().for_each(|(_, text)| redact(text));
        match &mut report.result {
            Some(Ok(effects)) => match &mut effects.verdict {
                Verdict::Deny { reason } => redact(reason),
                Verdict::Continue | Verdict::Block { .. } => {}
            },
            Some(Err(error)) => texts_of(error).into_iter().for_each(redact),
            None => {}
        }
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
            Some(Err(error)) => texts_of(error).into_iter().for_each(redact),
            None => {}
        }
    }
}

/// What an error says in words that may be the Action's.
fn texts_of(error: &mut ActionError) -> Vec<&mut String> {
    match error {
        ActionError::Threw { message, stack } => vec![message, stack],
        ActionError::TooMuch(text)
        | ActionError::Invalid(text)
        | ActionError::Crashed(text)
        | ActionError::Unavailable(text) => vec![text],
        ActionError::TimedOut(_) | ActionError::OutOfMemory(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::Revealed;
    use crate::action::{ActionEffects, ActionError, ActionReport, Verdict};
    use crate::host::Secret;
    use crate::trace::Level;

    #[test]
    fn t21_what_an_action_says_is_told_without_what_is_personal() {
        let input =
            r#"{"event": {"identifier": "alice@cymmetri.com", "user": {"email": "alice@cymmetri.com", "name": "Al"}}}"#;
        let verdict = Verdict::Deny { reason: "no alice@cymmetri.com".to_owned() };
        let mut report = ActionReport {
            result: Some(Ok(ActionEffects { verdict, ..ActionEffects::default() })),
            logs: vec![(Level::Info, "Al is alice@cymmetri.com".to_owned())],
            ..ActionReport::default()
        };
        Revealed::redact_personal(&mut report, input);
        assert_eq!(report.logs[0].1, "Al is [pii identifier]");
        let Some(Ok(effects)) = report.result else { panic!() };
        assert_eq!(effects.verdict, Verdict::Deny { reason: "no [pii identifier]".to_owned() });
    }

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
