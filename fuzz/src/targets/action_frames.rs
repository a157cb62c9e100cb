//! A worker is hostile: whatever bytes it sends, the host refuses them or takes what is within the limits.

use std::time::{Duration, Instant};

use admit_actions::frame;
use admit_actions::testing::hear;
use admit_actions::wire::{Ask, Effects, Failure, FromWorker, Limits, LogLevel, Verdict};
use admit_eval::value;
use admit_plan::bundle::{Action, Module};
use admit_runtime::action::{self, ActionCall, ActionEffects, ActionError, Revealed};
use admit_runtime::testing::TestHost;

use super::Target;
use crate::choices::Choices;
use crate::histogram;

/// The target.
pub const TARGET: Target =
    Target { name: "action-frames", promise: "whatever a worker sends is refused, or taken within limits", run, kinds };

const LIMITS: Limits = Limits {
    wall: 300,
    cpu: 100,
    memory: 16 << 20,
    stack: 256 << 10,
    output: 256,
    log_lines: 4,
    log_bytes: 64,
    fetches: 2,
    fetch_request: 64,
    fetch_response: 64,
    jobs: 1_000,
};
const TEXTS: &[&str] = &[
    "",
    "x",
    "1",
    "null",
    "{\"a\":[1,2.5,\"b\"]}",
    "{",
    "\"\\ud800\"",
    "1e999",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]",
    "\u{1b}]8;;evil\u{7}",
    "\u{202e}abc",
    "https://api.example.com/",
    "https://evil.example/",
    "http://127.0.0.1:1/",
    "file:///etc/passwd",
    "GET",
    "POST",
    "TRACE",
    "host",
    "content-type",
    "a\r\nb: c",
    "crm",
    "other",
    "    at f (action.js:1:2)\n    at g (native)\n    at action.js:99999999999:1",
    "at (action.js:0:0)",
];

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let sent = bytes(&mut choices);
    let start = Instant::now();
    let report = invoke(&sent);
    assert!(start.elapsed() < Duration::from_millis(LIMITS.wall) + Duration::from_secs(5), "it hangs");
    let text: usize = report.logs.iter().map(|(_, text)| text.len()).sum();
    assert!(report.logs.len() <= 4 && text <= 64, "{:?}", report.logs);
    assert!(report.logs.iter().all(|(_, text)| is_plain(text)), "{:?}", report.logs);
    assert!(report.fetches <= LIMITS.fetches);
    if !report.logs.is_empty() {
        histogram::count("logged");
    }
    if report.fetches > 0 {
        histogram::count("fetched");
    }
    match report.result.as_ref() {
        Some(Ok(effects)) => {
            histogram::count("ended");
            within(effects);
        }
        Some(Err(error)) => {
            assert!(is_plain(&error.to_string()) && error.to_string().len() < 2_048, "{error:?}");
            histogram::count(match error {
                ActionError::Threw { stack, .. } => {
                    assert!(is_plain(stack) && stack.len() < 4_096 && stack.lines().count() <= 10, "{stack}");
                    "threw"
                }
                ActionError::TimedOut(_) => "out of time",
                ActionError::OutOfMemory(_) => "out of memory",
                ActionError::TooMuch(_) => "too much",
                ActionError::Invalid(_) => "invalid",
                ActionError::Crashed(_) => "refused",
                ActionError::Unavailable(_) => "unavailable",
            });
        }
        None => unreachable!("no result"),
    }
}

/// Every way to end but those that need a real worker.
pub fn kinds() -> Vec<String> {
    ["logged", "fetched", "ended", "threw", "out of time", "out of memory", "too much", "invalid", "refused"]
        .map(str::to_owned)
        .to_vec()
}

fn within(effects: &ActionEffects) {
    let ActionEffects { verdict, state, claims, app_metadata, redirect, demand_mfa: _ } = effects;
    let names: usize = state.iter().chain(claims).map(|(name, _)| name.len()).sum();
    assert!(names <= 256 && state.len() + claims.len() + app_metadata.len() <= 256);
    assert!(redirect.as_ref().is_none_or(|url| url.bytes().all(|byte| byte.is_ascii_graphic())));
    match verdict {
        action::Verdict::Continue => {}
        action::Verdict::Deny { reason } => assert!(is_plain(reason)),
        action::Verdict::Block { code, reason } => {
            assert!(code.bytes().all(|byte| byte.is_ascii_graphic()) && !code.is_empty());
            assert!(reason.as_deref().is_none_or(is_plain));
        }
    }
}

fn is_plain(text: &str) -> bool {
    !text
        .chars()
        .any(|character| character.is_control() && !matches!(character, '\n' | '\t') || character == '\u{202e}')
}

/// What the worker sends: messages, most of them well-formed, with some bytes changed now and then.
fn bytes(choices: &mut Choices<'_>) -> Vec<u8> {
    if choices.one_in(8) {
        return choices.rest().to_vec();
    }
    let mut sent = Vec::new();
    for _ in 0..choices.below(6) {
        push(&talk(choices), &mut sent);
    }
    if !choices.one_in(8) {
        let outcome = outcome(choices);
        push(&FromWorker::Done { outcome, cpu: u64::from(choices.byte()) << 56 }, &mut sent);
    }
    while choices.one_in(4) && !sent.is_empty() {
        let place = choices.below(sent.len());
        let byte = choices.byte();
        if let Some(spoilt) = sent.get_mut(place) {
            *spoilt = byte;
        }
    }
    sent
}

fn push(message: &FromWorker, sent: &mut Vec<u8>) {
    // All of them are small.
    let _ = frame::push(message, sent);
}

fn talk(choices: &mut Choices<'_>) -> FromWorker {
    let id = u32::from(choices.byte());
    let ask = match choices.below(6) {
        0 => return FromWorker::Ready(Ok(())),
        1 | 2 => {
            let level = match choices.below(4) {
                0 => LogLevel::Debug,
                1 => LogLevel::Info,
                2 => LogLevel::Warn,
                _ => LogLevel::Error,
            };
            return FromWorker::Log { level, text: text(choices) };
        }
        3 => Ask::Fetch {
            method: choices.pick(&["GET", "POST", "GET", "TRACE", "G\r\n"]).to_owned(),
            url: choices.pick(&["https://api.example.com/", "https://evil.example/", "x"]).to_owned(),
            headers: (0..choices.below(3)).map(|_| (text(choices), text(choices))).collect(),
            body: choices.one_in(2).then(|| text(choices).into_bytes()),
        },
        4 => Ask::Secret(text(choices)),
        _ => Ask::RateLimit {
            key: text(choices),
            limit: u64::from(choices.byte()) << (choices.below(8) * 8),
            window: u64::from(choices.byte()) << (choices.below(8) * 8),
        },
    };
    FromWorker::Ask { id, ask }
}

fn outcome(choices: &mut Choices<'_>) -> Result<Effects, Failure> {
    Err(match choices.below(9) {
        0 => Failure::Threw(text(choices), text(choices)),
        1 => Failure::TimedOut,
        2 => Failure::OutOfMemory,
        3 => Failure::TooMuch(text(choices)),
        4 => Failure::Invalid(text(choices)),
        _ => {
            let pairs = |choices: &mut Choices<'_>| {
                (0..choices.below(3)).map(|_| (text(choices), text(choices))).collect::<Vec<_>>()
            };
            return Ok(Effects {
                verdict: match choices.below(3) {
                    0 => Verdict::Continue,
                    1 => Verdict::Deny(text(choices)),
                    _ => Verdict::Block(
                        choices.one_in(2).then(|| text(choices)),
                        choices.one_in(2).then(|| text(choices)),
                    ),
                },
                state: pairs(choices),
                claims: pairs(choices),
                app_metadata: (0..choices.below(3)).map(|_| text(choices)).collect(),
                redirect: choices.one_in(4).then(|| text(choices)),
                demand_mfa: choices.one_in(2),
            });
        }
    })
}

fn text(choices: &mut Choices<'_>) -> String {
    let text = choices.pick(TEXTS);
    if choices.one_in(16) { text.repeat(200) } else { text.to_owned() }
}

#[expect(clippy::expect_used, reason = "a target that cannot run its input says why and stops")]
fn invoke(sent: &[u8]) -> action::ActionReport {
    let modules = vec![Module { path: "action.js".into(), code: "throw 1".to_owned() }];
    let action = Action {
        slug: 0,
        version: 0,
        hash: Action::hash_of(&modules),
        modules,
        defaults: Vec::new(),
        fetch: Vec::new(),
        claims: Vec::new(),
        secrets: Vec::new(),
        prompts: false,
        enabled: true,
    };
    let map = r#"{"version":3,"sources":["action.ts"],"names":[],"mappings":"AAAA,CAAC"}"#;
    let call = ActionCall {
        tenant: &"fuzz".parse().expect("a slug"),
        name: "fuzz@1.0.0",
        action: &action,
        maps: &[Some(map.to_owned())],
        input: "{}",
        fetch: &["api.example.com"],
        claims: &[],
        secrets: &["crm"],
        may_demand_mfa: false,
        wall: LIMITS.wall,
        now: value::Instant { seconds: 1_790_000_000, nanos: 0 },
        revealed: &Revealed::default(),
        idempotency_key: "fuzz",
    };
    let host = TestHost::new(call.now, 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(hear(sent, &host, &call, LIMITS)).expect("a socket")
}
