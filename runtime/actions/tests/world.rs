//! What an Action gets, what it may give back, and what becomes of mistakes: scripts in, effects out.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

#[path = "support/mod.rs"]
mod support;

use admit_actions::wire::{Effects, Failure, LogLevel, Verdict};
use support::{EVENT, run};

const ALLOWLIST: &str = r"export async function execute(input) {
  const email = input.user?.email
  if (email?.endsWith('@cymmetri.com')) {
    return { kind: 'continue' }
  }
  return {
    kind: 'block',
    reason: 'Sign-in is restricted to Cymmetri employees.',
    code: 'domain_not_allowed',
  }
}";

#[test]
fn the_domain_allowlist_of_the_documentation_lets_its_domain_in() {
    assert_eq!(run(ALLOWLIST, EVENT).outcome, Ok(Effects::default()));
}

#[test]
fn the_domain_allowlist_of_the_documentation_blocks_others() {
    let event = EVENT.replace("@cymmetri.com", "@elsewhere.com");
    let verdict =
        Verdict::Block(Some("domain_not_allowed".into()), Some("Sign-in is restricted to Cymmetri employees.".into()));
    assert_eq!(run(ALLOWLIST, &event).outcome, Ok(Effects { verdict, ..Effects::default() }));
}

#[test]
fn an_endless_loop_ends_at_the_deadline() {
    assert_eq!(run("export function execute() { for (;;) {} }", EVENT).outcome, Err(Failure::TimedOut));
}

#[test]
fn calls_effects_and_log_lines_reach_the_host() {
    let ran = run(
        r"export async function execute(input, api) {
            const [a, b] = await Promise.all([api.fetch('https://a.test/', { method: 'post', body: 'hi' }), api.rateLimit('k', 5, 60)])
            api.state.set('key', { got: (await a.json()).got, at: Date.now(), secret: api.secrets.get('KEY'), left: b.remaining })
            console.log('user %s', input.user.id, { a: [1, 'x'] })
        }",
        EVENT,
    );
    let state = vec![("key".into(), r#"{"got":"hi","at":1700000000050,"secret":"s3cret","left":2}"#.into())];
    assert_eq!(ran.outcome, Ok(Effects { state, ..Effects::default() }));
    assert_eq!(ran.log, [(LogLevel::Info, "user usr_123 { a: [ 1, 'x' ] }".to_owned())]);
    assert_eq!(ran.asked.len(), 3);
}
