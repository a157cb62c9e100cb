//! Fail closed (security.md T40, F19): whatever a block does wrong, wherever it stands, no session comes of it.

use admit_plan::bundle::OnError;
use admit_runtime::execute::{Outcome, StepError};

use crate::support::*;

fn faults() -> Vec<(&'static str, Does)> {
    vec![
        ("error", Does::Fails),
        ("panic", Does::Panics),
        ("late panic", Does::PanicsLate),
        ("panic without a future", Does::PanicsNow),
        ("hang", Does::Hangs),
        ("wrong outputs", Does::Now(vec![("nonsense", text("x"))])),
        ("settles allow", Does::Allow),
        ("settles finalized", Does::Finalize),
        ("prompts", Does::Asks),
        ("writes and fails", Does::WritesAndFails),
    ]
}

#[test]
fn t40_no_fault_at_any_position_ends_in_a_session() {
    for (what, fault) in faults() {
        for position in 0..3 {
            for policy in ["halt", "deny", "continue"] {
                let does = |at: usize, good: Does| if at == position { fault.clone() } else { good };
                let mut flow =
                    sign_in(does(0, Does::User("usr_1")), does(1, Does::Now(Vec::new())), does(2, Does::Session));
                let reason = flow.str("as_declared");
                flow.node(position as u32).on_error = match policy {
                    "halt" => OnError::Halt,
                    "deny" => OnError::Deny(reason),
                    // The verifier refuses it on a block that ends; there is nothing to run then.
                    _ if position == 2 => continue,
                    _ => OnError::Continue,
                };
                let host = host();
                host.store.put_user(&tenant(), user("usr_1"));
                let answer = flow.start(&host);
                let what = format!("{what} at {position} with {policy}");
                assert_no_session(&host, &answer, &what);
                match (policy, &answer.outcome) {
                    ("halt", Outcome::Error { .. }) | ("deny", Outcome::Deny { .. }) => {}
                    // A step that was passed over leaves assurance or the user missing.
                    ("continue", Outcome::Deny { .. } | Outcome::Error { .. }) => {}
                    (_, other) => panic!("{what}: {other:?}"),
                }
                let commits = host.store.commits(&tenant());
                assert_eq!(commits.len(), 1, "{what}");
                assert!(commits[0].unit.writes.is_empty(), "{what} left writes");
                assert_eq!(host.store.audit(&tenant()).len(), commits[0].unit.audit.len());
            }
        }
    }
}

#[test]
fn the_good_path_of_the_matrix_is_a_session() {
    let host = host();
    host.store.put_user(&tenant(), user("usr_1"));
    let answer = sign_in(Does::User("usr_1"), Does::Now(Vec::new()), Does::Session).start(&host);
    assert_eq!(outcome(&answer), "session", "{}", failure(&answer));
    assert_eq!(host.store.sessions(&tenant()).len(), 1);
}

#[test]
fn an_error_shows_the_caller_an_id_and_nothing_else() {
    let answer = sign_in(Does::Fails, Does::Fails, Does::Fails).start(&host());
    let Outcome::Error { id, .. } = &answer.outcome else { panic!("{:?}", answer.outcome) };
    assert!(id.starts_with("err_") && id.len() == 20, "{id}");
    assert!(failure(&answer).contains("as told"), "the trace says what happened");
}

#[test]
fn a_store_that_fails_gives_no_outcome() {
    let host = host();
    host.store.put_user(&tenant(), user("usr_1"));
    host.store.break_down("disk full");
    let flow = sign_in(Does::User("usr_1"), Does::Now(Vec::new()), Does::Session);
    let error = flow.start_with(&host, EVENT, None).unwrap_err();
    assert!(matches!(error, StepError::Store(_)), "{error}");
}

#[test]
fn a_unit_that_does_not_apply_is_an_error_and_writes_nothing() {
    // The store knows no such user, so the session's row does not apply.
    let host = host();
    let answer = sign_in(Does::User("usr_gone"), Does::Now(Vec::new()), Does::Session).start(&host);
    assert_no_session(&host, &answer, "a unit that does not apply");
    assert_eq!(outcome(&answer), "error");
    assert_eq!(host.store.commits(&tenant()).len(), 1);
}

#[test]
fn a_denied_run_discards_its_unit_but_not_its_audit() {
    let mut flow = Flow::new();
    let writes = flow.declare("writes", record_type(&[]), READS, Does::Writes);
    let deny = flow.terminal("deny", Does::Denies);
    flow.block("writes", writes, Some(1));
    flow.block("deny", deny, None);
    let host = host();
    host.store.put_user(&tenant(), user("usr_1"));
    flow.start(&host);
    assert!(host.store.commits(&tenant())[0].unit.writes.is_empty());
    let kinds: Vec<String> = host.store.audit(&tenant()).into_iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, ["test.wrote", "flow.run_completed"]);
}
