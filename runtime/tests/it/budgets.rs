//! Budgets of engine time.

use admit_plan::bundle::OnError;

use crate::support::*;

fn slow(times: u32) -> Flow {
    let mut flow = Flow::new();
    flow.flow().budget = 1_000;
    let block = flow.declare("slow", record_type(&[]), READS, Does::After(400, Vec::new()));
    let allow = flow.terminal("allow", Does::Allow);
    for number in 0..times {
        flow.block(&format!("slow-{number}"), block, Some(number + 1));
    }
    flow.block("allow", allow, None);
    flow
}

#[test]
fn a_flow_within_its_budget_ends() {
    assert_eq!(outcome(&slow(2).start(&host())), "allow");
}

#[test]
fn a_flow_over_its_budget_is_an_error_whatever_the_block_says() {
    let mut flow = slow(3);
    for policy in [OnError::Halt, OnError::Continue] {
        flow.node(2).on_error = policy;
        let host = host();
        let answer = flow.start(&host);
        assert_eq!(outcome(&answer), "error");
        assert!(failure(&answer).contains("budget"), "{}", failure(&answer));
        assert_eq!(host.clock.elapsed(), 1_000_000_000, "it is stopped when the budget ends, not later");
    }
}

#[test]
fn pauses_between_tries_count() {
    let mut flow = Flow::new();
    flow.flow().budget = 1_000;
    let block = flow.declare("fails", record_type(&[]), READS, Does::Fails);
    let allow = flow.terminal("allow", Does::Allow);
    flow.block("fails", block, Some(1));
    flow.node(0).retry = Some((10, 300));
    flow.block("allow", allow, None);
    let host = host();
    let answer = flow.start(&host);
    assert_eq!(outcome(&answer), "error");
    assert!(failure(&answer).contains("budget"), "{}", failure(&answer));
}

#[test]
fn a_budget_is_of_one_request_and_never_the_users_time() {
    let mut flow = Flow::new();
    flow.flow().budget = 1_000;
    let slow = flow.declare("slow", record_type(&[]), READS, Does::After(400, Vec::new()));
    let asks = flow.declare("asks", record_type(&[("verified", bool_type())]), PROMPTS, Does::Asks);
    let allow = flow.terminal("allow", Does::Allow);
    flow.block("before-1", slow, Some(1));
    flow.block("before-2", slow, Some(2));
    flow.block("asks", asks, Some(3));
    flow.block("after-1", slow, Some(4));
    flow.block("after-2", slow, Some(5));
    flow.block("allow", allow, None);
    let host = host();
    let first = flow.start(&host);
    host.clock.advance(30_000_000_000);
    let answer = flow.resume(&host, &token(&first), record([("code", text("right"))])).unwrap();
    assert_eq!(outcome(&answer), "allow", "{}", failure(&answer));
}
