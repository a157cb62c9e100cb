//! A session is one that the run has earned: its user, its assurance, its row.

use admit_plan::bundle::Effects;
use admit_plan::code::Expr;
use admit_runtime::execute::Outcome;

use crate::support::*;

fn run(flow: &Flow) -> (admit_runtime::testing::TestHost, admit_runtime::execute::Answer) {
    let host = host();
    host.store.put_user(&tenant(), user("usr_1"));
    host.store.put_user(&tenant(), user("usr_2"));
    let answer = flow.start(&host);
    (host, answer)
}

#[test]
fn without_assurance_there_is_no_session_whatever_the_checker_said() {
    let mut flow = sign_in(Does::User("usr_1"), Does::Now(Vec::new()), Does::Session);
    flow.node(1).sets.clear();
    let (host, answer) = run(&flow);
    assert_no_session(&host, &answer, "no assurance");
    assert_eq!(reason(&answer), "insufficient_aal");
}

#[test]
fn aal_min_is_held_by_the_engine() {
    let mut flow = sign_in(Does::User("usr_1"), Does::Now(Vec::new()), Does::Session);
    let aal2 = flow.str("aal2");
    flow.config(2, "aal_min", Expr::Str(aal2));
    let (host, answer) = run(&flow);
    assert_no_session(&host, &answer, "aal1 where aal2 is asked");
    assert_eq!(reason(&answer), "insufficient_aal");
}

#[test]
fn a_session_that_lies_is_the_blocks_error() {
    for lie in [Does::SessionOf("usr_2"), Does::SessionAt("aal3"), Does::SessionAt("aal0"), Does::SessionUnstored] {
        let (host, answer) = run(&sign_in(Does::User("usr_1"), Does::Now(Vec::new()), lie));
        assert_no_session(&host, &answer, "a lie");
        assert!(matches!(answer.outcome, Outcome::Error { .. }));
    }
}

#[test]
fn only_a_declared_terminal_makes_a_session() {
    let mut flow = sign_in(Does::User("usr_1"), Does::Session, Does::Session);
    flow.node(1).sets.clear();
    let (host, answer) = run(&flow);
    assert_no_session(&host, &answer, "a session by a block that does not mint");
}

#[test]
fn assurance_only_rises() {
    let mut flow = sign_in(Does::User("usr_1"), Does::Now(Vec::new()), Does::Session);
    let (aal1, aal2) = (flow.str("aal1"), flow.str("aal2"));
    flow.node(1).sets.clear();
    flow.sets(1, "authentication.aal", Some(Expr::Str(aal2)), None);
    flow.sets(1, "authentication.aal", Some(Expr::Str(aal1)), None);
    let (_, answer) = run(&flow);
    let Outcome::Session { session, .. } = answer.outcome else { panic!("{}", failure(&answer)) };
    assert_eq!(admit_runtime::state::field(&session, "aal"), Some(&text("aal2")));
}

#[test]
fn an_assurance_level_that_does_not_exist_is_an_error() {
    let mut flow = sign_in(Does::User("usr_1"), Does::Now(Vec::new()), Does::Session);
    let word = flow.str("aal9");
    flow.node(1).sets.clear();
    flow.sets(1, "authentication.aal", Some(Expr::Str(word)), None);
    let (host, answer) = run(&flow);
    assert_no_session(&host, &answer, "aal9");
}

#[test]
fn the_user_of_a_run_does_not_change() {
    let mut flow = sign_in(Does::User("usr_1"), Does::User("usr_2"), Does::Session);
    flow.provides_user(1);
    let (host, answer) = run(&flow);
    assert_no_session(&host, &answer, "another user");
    assert!(failure(&answer).contains("another user"), "{}", failure(&answer));
}

#[test]
fn after_the_session_an_error_discards_it() {
    let mut flow = sign_in(Does::User("usr_1"), Does::Now(Vec::new()), Does::Session);
    let fails = flow.declare("notify", record_type(&[]), Effects { sends: true, ..READS }, Does::Fails);
    flow.flow().nodes[2].next = Some(3);
    flow.block("notify", fails, None);
    let (host, answer) = run(&flow);
    assert_no_session(&host, &answer, "an error after the session");
    flow.node(3).on_error = admit_plan::bundle::OnError::Continue;
    assert_eq!(outcome(&run(&flow).1), "session");
}

#[test]
fn the_session_can_be_read_after_it_is_made() {
    let mut flow = sign_in(Does::User("usr_1"), Does::Now(Vec::new()), Does::Session);
    flow.flow().nodes[2].next = Some(3);
    let path = flow.path("aal");
    let aal = Expr::Slot(flow.slot(admit_plan::code::Source::Session(path), words(&["aal1", "aal2", "aal3"]), false));
    let is_it = flow.equals(aal, "aal1");
    flow.decision("after", vec![(is_it, "yes", None)], Some(("no", None)), None);
    let (_, answer) = run(&flow);
    assert_eq!(outcome(&answer), "session", "{}", failure(&answer));
    assert_eq!(answer.trace.branches().map(|(_, branch)| branch.as_str()).collect::<Vec<_>>(), ["yes"]);
}

#[test]
fn the_token_is_in_no_debug_print() {
    let (_, answer) = run(&sign_in(Does::User("usr_1"), Does::Now(Vec::new()), Does::Session));
    assert!(!format!("{:?}", answer.outcome).contains("tok"));
}
