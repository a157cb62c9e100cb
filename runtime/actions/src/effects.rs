//! What an Action gave back, as the engine takes it: texts of a worker become values within limits.

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_runtime::action::{ActionCall, ActionEffects, ActionError, Verdict};

use crate::stack;
use crate::text::{self, LONGEST_MESSAGE};
use crate::wire::{self, Effects, Failure, Limits};

/// How deep a value may be nested.
const DEPTH: usize = 32;
/// What is said where no code was given.
const BLOCKED: &str = "blocked";
const LONGEST_CODE: usize = 64;
const LONGEST_URL: usize = 2_048;

/// The result of an invocation.
///
/// # Errors
/// What no honest worker sends.
pub(crate) fn result(
    outcome: Result<Effects, Failure>,
    call: &ActionCall<'_>,
    limits: Limits,
) -> Result<Result<ActionEffects, ActionError>, String> {
    match outcome {
        Ok(effects) => convert(effects, limits),
        Err(failure) => Ok(Err(error(failure, call, limits))),
    }
}

fn convert(effects: Effects, limits: Limits) -> Result<Result<ActionEffects, ActionError>, String> {
    let named = effects.state.iter().chain(&effects.claims);
    let size = named.map(|(name, value)| name.len() + value.len()).sum::<usize>()
        + effects.app_metadata.iter().map(String::len).sum::<usize>();
    if size as u64 > limits.output {
        let most = limits.output;
        return Ok(Err(ActionError::TooMuch(format!("what it gives back is larger than {most} bytes"))));
    }
    let values = |pairs: Vec<(String, String)>| {
        pairs.into_iter().map(|(name, text)| Ok((name, value(&text)?))).collect::<Result<Vec<_>, Fault>>()
    };
    let converted = (|| {
        Ok(ActionEffects {
            verdict: verdict(effects.verdict)?,
            state: values(effects.state)?,
            claims: values(effects.claims)?,
            app_metadata: effects.app_metadata.iter().map(|text| value(text)).collect::<Result<_, Fault>>()?,
            redirect: effects.redirect.map(redirect).transpose()?,
            demand_mfa: effects.demand_mfa,
        })
    })();
    match converted {
        Ok(effects) => Ok(Ok(effects)),
        Err(Fault::Its(error)) => Ok(Err(error)),
        Err(Fault::Hostile) => Err("it gave back what is not JSON".to_owned()),
    }
}

enum Fault {
    Its(ActionError),
    Hostile,
}

fn value(text: &str) -> Result<Datum, Fault> {
    if depth(text) > DEPTH {
        return Err(Fault::Its(ActionError::TooMuch(format!("a value is nested deeper than {DEPTH}"))));
    }
    serde_json::from_str(text).map(|value| json::from_json(&value)).map_err(|_| Fault::Hostile)
}

/// How deep a JSON text is nested at most.
fn depth(text: &str) -> usize {
    let (mut depth, mut most, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                most = most.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

fn verdict(verdict: wire::Verdict) -> Result<Verdict, Fault> {
    Ok(match verdict {
        wire::Verdict::Continue => Verdict::Continue,
        wire::Verdict::Deny(reason) => Verdict::Deny { reason: text::clean(&reason, LONGEST_MESSAGE) },
        wire::Verdict::Block(code, reason) => Verdict::Block {
            code: code.map_or_else(|| Ok(BLOCKED.to_owned()), word)?,
            reason: reason.map(|reason| text::clean(&reason, LONGEST_MESSAGE)),
        },
    })
}

fn word(code: String) -> Result<String, Fault> {
    let fits = code.starts_with(|first: char| first.is_ascii_alphabetic())
        && code.len() <= LONGEST_CODE
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if fits {
        return Ok(code);
    }
    let code = text::clean(&code, LONGEST_CODE);
    let message =
        format!("the code `{code}` is not a word of letters, digits, `_`, `-` and `.`, at most {LONGEST_CODE}");
    Err(Fault::Its(ActionError::Invalid(message)))
}

fn redirect(url: String) -> Result<String, Fault> {
    if url.len() <= LONGEST_URL && url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(url);
    }
    Err(Fault::Its(ActionError::Invalid(format!("the redirect is no url of at most {LONGEST_URL} visible characters"))))
}

fn error(failure: Failure, call: &ActionCall<'_>, limits: Limits) -> ActionError {
    match failure {
        Failure::Threw(message, stack) => {
            let message = text::clean(&message, LONGEST_MESSAGE);
            ActionError::Threw { message, stack: stack::mapped(&stack, call) }
        }
        Failure::TimedOut => ActionError::TimedOut(call.wall),
        Failure::OutOfMemory => ActionError::OutOfMemory(limits.memory >> 20),
        Failure::TooMuch(what) => ActionError::TooMuch(text::clean(&what, LONGEST_MESSAGE)),
        Failure::Invalid(what) => ActionError::Invalid(text::clean(&what, LONGEST_MESSAGE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_bounded_in_depth_and_must_be_json() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let of = |text: &str| Effects { state: vec![("k".to_owned(), text.to_owned())], ..Effects::default() };
        let convert = |effects| convert(effects, Limits::default());
        assert!(matches!(convert(of(&nested(DEPTH))), Ok(Ok(_))));
        assert!(matches!(convert(of(&nested(DEPTH + 1))), Ok(Err(ActionError::TooMuch(_)))));
        assert!(matches!(convert(of(&nested(30_000))), Ok(Err(ActionError::TooMuch(_)))));
        assert!(matches!(convert(of(r#""[[[[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[""#)), Ok(Ok(_))));
        assert!(convert(of("{")).is_err());
        assert!(convert(of("undefined")).is_err());
        assert!(matches!(convert(of(&format!("\"{}\"", "x".repeat(70_000)))), Ok(Err(ActionError::TooMuch(_)))));
    }

    #[test]
    fn a_code_is_a_word() {
        let block = |code: &str| verdict(wire::Verdict::Block(Some(code.to_owned()), None)).is_ok();
        assert!(block("domain_not_allowed") && block("E-1.b"));
        assert!(!block("") && !block("a b") && !block("1a") && !block("é") && !block(&"a".repeat(65)));
    }
}
