//! Timeout, retry, on error, async.

use admit_eval::datum::Datum;
use admit_plan::bundle::{Effects, OnError};
use admit_plan::code::{Expr, Source};
use admit_runtime::execute::job::{KIND, MOST_TRIES, Queued, config_of, pause_after, run_job};
use admit_runtime::testing::block_on;
use admit_runtime::trace::{BlockEnd, TraceEvent};

use crate::support::*;

/// One block, then `allow`.
fn one(does: Does) -> Flow {
    let mut flow = Flow::new();
    let block = flow.declare("one", record_type(&[]), READS, does);
    let allow = flow.terminal("allow", Does::Allow);
    flow.block("one", block, Some(1));
    flow.block("allow", allow, None);
    flow
}

#[test]
fn retry_tries_again_so_often_and_no_more() {
    for (fails, further, wanted) in [(1, 1, "allow"), (2, 1, "error"), (2, 2, "allow"), (1, 0, "error")] {
        let mut flow = one(Does::FailsTimes(fails));
        flow.node(0).retry = (further > 0).then_some((further, 10));
        assert_eq!(outcome(&flow.start(&host())), wanted, "{fails} failures, {further} further tries");
    }
}

#[test]
fn backoff_is_slept() {
    let mut flow = one(Does::FailsTimes(2));
    flow.node(0).retry = Some((2, 40));
    let host = host();
    flow.start(&host);
    assert_eq!(host.clock.elapsed(), 80_000_000);
}

#[test]
fn a_timeout_is_the_blocks_error() {
    let mut flow = one(Does::After(600, Vec::new()));
    let answer = flow.start(&host());
    assert_eq!(outcome(&answer), "error");
    assert_eq!(failure(&answer), "one: no end within 500 ms");
    flow.node(0).timeout = 700;
    assert_eq!(outcome(&flow.start(&host())), "allow");
}

#[test]
fn on_error_continue_leaves_the_outputs_absent() {
    let mut flow = Flow::new();
    let risk = flow.declare("risk", record_type(&[("ok", bool_type())]), READS, Does::Fails);
    let allow = flow.terminal("allow", Does::Allow);
    let deny = flow.terminal("deny", Does::Denies);
    flow.block("risk", risk, Some(1));
    flow.node(0).on_error = OnError::Continue;
    let path = flow.path("ok");
    let slot = flow.slot(Source::Step(0, path), bool_type(), true);
    flow.decision("gate", vec![(Expr::Has(slot), "ran", Some(2))], Some(("failed", None)), Some(3));
    flow.block("deny", deny, None);
    flow.block("allow", allow, None);
    assert_eq!(outcome(&flow.start(&host())), "allow");
}

#[test]
fn on_error_deny_denies_with_its_reason() {
    let mut flow = one(Does::Fails);
    let id = flow.str("risk_unavailable");
    flow.node(0).on_error = OnError::Deny(id);
    assert_eq!(reason(&flow.start(&host())), "risk_unavailable");
}

#[test]
fn t40_an_error_that_the_declaration_does_not_name_ends_the_run_whatever_the_plan_says() {
    let mut flow = one(Does::Names("teapot"));
    let reason_id = flow.str("unavailable");
    for policy in [OnError::Halt, OnError::Continue, OnError::Deny(reason_id)] {
        flow.node(0).on_error = policy;
        flow.node(0).retry = Some((2, 10));
        let answer = flow.start(&host());
        assert_eq!(outcome(&answer), "error");
        let said = failure(&answer);
        assert_eq!(
            said,
            "one: internal error: the block failed with what its declaration does not name: teapot: as told"
        );
        let tries = answer.trace.events.iter().filter(|event| matches!(event, TraceEvent::Log { .. })).count();
        assert_eq!(tries, 0, "no further try can help");
    }
    // Declared, it is an error as any other; so is a config that no checked plan has.
    let block = flow.registry.get("one").unwrap().clone();
    flow.registry.add_declared(block, &["teapot"]);
    assert_eq!(reason(&flow.start(&host())), "unavailable");
    let mut flow = one(Does::Names("invalid_config"));
    flow.node(0).on_error = OnError::Continue;
    assert_eq!(outcome(&flow.start(&host())), "allow");
}

#[test]
fn a_failed_try_leaves_no_writes() {
    let mut flow = one(Does::WritesAndFails);
    flow.node(0).on_error = OnError::Continue;
    let host = host();
    assert_eq!(outcome(&flow.start(&host)), "allow");
    assert!(host.store.commits(&tenant())[0].unit.writes.is_empty());
}

#[test]
fn an_async_block_is_queued_and_runs_from_the_queue_even_if_the_run_is_denied() {
    let mut flow = Flow::new();
    let sends = flow.declare("sends", record_type(&[]), Effects { sends: true, ..READS }, Does::Writes);
    let deny = flow.terminal("deny", Does::Denies);
    flow.block("sends", sends, Some(1));
    flow.node(0).is_async = true;
    let ip = flow.event("request.ip", string_type(), false);
    flow.config(0, "ip", ip);
    flow.block("deny", deny, None);
    let host = host();
    let answer = flow.start(&host);
    assert_eq!(outcome(&answer), "deny");
    let queued = |event: &TraceEvent| matches!(event, TraceEvent::Ended { end: BlockEnd::Queued, .. });
    assert!(answer.trace.events.iter().any(queued));
    let jobs = host.store.jobs(&tenant());
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].0, KIND);
    assert_eq!(config_of(&jobs[0].1).unwrap(), record([("ip", text("203.0.113.9"))]));
    let bundles = |_: [u8; 32]| None;
    let queued = |payload| Queued { key: "run_1/sends/0", kind: KIND, payload, attempt: 1 };
    let end = block_on(run_job(&bundles, &flow.registry, &host, &tenant(), queued(&jobs[0].1)));
    assert_eq!((end.unit.audit.len(), end.failure), (1, None));
    let end = block_on(run_job(&bundles, &flow.registry, &host, &tenant(), queued(b"nonsense")));
    assert!(end.failure.unwrap().is_final, "a damaged job does not mend itself");
}

#[test]
fn an_async_block_sees_the_event_as_it_stood() {
    let mut flow = Flow::new();
    let lookup = flow.declare("identity_lookup", record_type(&[]), READS, Does::User("usr_1"));
    let reports = flow.declare("reports", record_type(&[]), READS, Does::Reports);
    let allow = flow.terminal("allow", Does::Allow);
    flow.block("identity-lookup", lookup, Some(1));
    flow.provides_user(0);
    flow.block("reports", reports, Some(2));
    flow.node(1).is_async = true;
    flow.block("allow", allow, None);
    let host = host();
    flow.start(&host);
    let jobs = host.store.jobs(&tenant());
    let queued = Queued { key: "run_1/reports/1", kind: KIND, payload: &jobs[0].1, attempt: 1 };
    let end = block_on(run_job(&|_| None, &flow.registry, &host, &tenant(), queued));
    assert_eq!(end.failure, None);
    assert_eq!(end.unit.audit[0].data, Datum::List(["203.0.113.9", "aal0", "usr_1"].map(text).into()));
}

#[test]
fn pauses_between_tries_grow_and_end() {
    for random in [0, 7, u64::MAX] {
        let mut longest = 0;
        for attempt in 1..MOST_TRIES {
            let pause = pause_after(attempt, random).unwrap();
            let whole = (1_000 << (attempt - 1)).min(3_600_000);
            assert!((whole / 2..=whole).contains(&pause), "try {attempt}: {pause}");
            longest = longest.max(pause);
        }
        assert!(longest >= 1_800_000);
        assert_eq!(pause_after(MOST_TRIES, random), None);
    }
}
