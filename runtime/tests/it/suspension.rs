//! Suspended runs: their tokens, their records, their races (security.md T15, T16, F9).

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use admit_plan::bundle::NodeKind;
use admit_plan::code::Expr;
use admit_runtime::execute::{Options, Outcome, StepError, resume};
use admit_runtime::testing::block_on;

use crate::support::*;

/// slow 0, asks 1, decision on it 2, allow 3, deny 4.
fn asking() -> Flow {
    let mut flow = Flow::new();
    let first =
        flow.declare("first", record_type(&[("word", string_type())]), READS, Does::Now(vec![("word", text("kept"))]));
    let asks = flow.declare("asks", record_type(&[("verified", bool_type())]), PROMPTS, Does::Asks);
    let allow = flow.terminal("allow", Does::Allow);
    let deny = flow.terminal("deny", Does::Denies);
    flow.block("first", first, Some(1));
    flow.block("asks", asks, Some(2));
    let verified = flow.step(1, "verified", bool_type());
    let word = flow.step(0, "word", string_type());
    let kept = flow.equals(word, "kept");
    let is_tor = flow.event("request.asn.is_tor", bool_type(), false);
    let when = Expr::And(vec![verified, kept, Expr::Not(Box::new(is_tor))]);
    flow.decision("gate", vec![(when, "yes", Some(3))], Some(("no", None)), Some(4));
    flow.block("allow", allow, None);
    flow.block("deny", deny, None);
    flow
}

fn right() -> admit_eval::datum::Datum {
    record([("code", text("right"))])
}

fn wrong() -> admit_eval::datum::Datum {
    record([("code", text("wrong"))])
}

#[test]
fn a_run_suspends_and_goes_on_elsewhere() {
    let (host, flow) = (host(), asking());
    let first = flow.start(&host);
    assert_eq!(ran(&first), ["first", "asks"]);
    let answer = flow.resume(&host, &token(&first), right()).unwrap();
    assert_eq!(outcome(&answer), "allow", "{}", failure(&answer));
    assert_eq!(answer.run_id, first.run_id);
    // Only what is left runs; the first block does not run again.
    assert_eq!(ran(&answer), ["asks", "gate", "allow"]);
    let commits = host.store.commits(&tenant());
    assert_eq!(commits.iter().map(|commit| commit.seq).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_block_that_takes_its_answer_from_the_input_does_not_suspend() {
    let input = record([("password", text("right"))]);
    let answer = asking().start_with(&host(), EVENT, Some(input)).unwrap();
    assert_eq!(outcome(&answer), "allow");
}

#[test]
fn a_block_keeps_its_own_memory_over_its_prompts() {
    let (host, flow) = (host(), asking());
    let mut answer = flow.start(&host);
    let mut asked = 1;
    while let Outcome::Suspended { .. } = &answer.outcome {
        answer = flow.resume(&host, &token(&answer), wrong()).unwrap();
        asked += 1;
    }
    assert_eq!(outcome(&answer), "deny");
    assert_eq!(asked, 4);
}

#[test]
fn t15_a_token_resumes_once() {
    let (host, flow) = (host(), asking());
    let first = flow.start(&host);
    flow.resume(&host, &token(&first), right()).unwrap();
    assert_eq!(flow.resume(&host, &token(&first), right()).unwrap_err(), StepError::Taken);
}

#[test]
fn t15_every_other_token_resumes_nothing() {
    let (host, flow) = (host(), asking());
    let token = token(&flow.start(&host));
    let mut others: Vec<String> =
        vec![String::new(), "x".into(), token[1..].into(), format!("{token}A"), "A".repeat(43)];
    others.extend((0..token.len()).map(|index| {
        let mut bytes = token.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    }));
    for other in others {
        assert_eq!(flow.resume(&host, &other, right()).unwrap_err(), StepError::NoRun, "{other}");
    }
    assert_eq!(outcome(&flow.resume(&host, &token, right()).unwrap()), "allow");
}

#[test]
fn t15_a_token_is_of_one_tenant() {
    let (host, flow) = (host(), asking());
    let token = token(&flow.start(&host));
    let engine = flow.engine();
    let params = engine.params(&[]).unwrap();
    let bundles = |_: [u8; 32]| Some((engine.clone(), params.clone()));
    let other = "globex".parse().unwrap();
    let error = block_on(resume(&bundles, &host, &other, &token, Some(right()), Options::default())).unwrap_err();
    assert_eq!(error, StepError::NoRun);
}

#[test]
fn t15_a_token_expires() {
    let (host, flow) = (host(), asking());
    let token = token(&flow.start(&host));
    host.clock.advance(60_000_000_000);
    assert_eq!(flow.resume(&host, &token, right()).unwrap_err(), StepError::NoRun);
}

#[test]
fn only_the_hash_of_a_token_is_stored() {
    let (host, flow) = (host(), asking());
    let first = flow.start(&host);
    let stored = format!("{:?}", host.store.commits(&tenant()));
    assert!(!stored.contains(&token(&first)));
}

#[test]
fn a_run_goes_on_with_its_own_bundle_only() {
    let (host, mut flow) = (host(), asking());
    let token = token(&flow.start(&host));
    let NodeKind::Decision { default, .. } = &mut flow.flow().nodes[2].kind else { panic!() };
    let before = default.as_mut().unwrap().target.replace(3);
    assert_eq!(flow.resume(&host, &token, right()).unwrap_err(), StepError::NoBundle);
    // A bundle that is not here costs nobody the run.
    let NodeKind::Decision { default, .. } = &mut flow.flow().nodes[2].kind else { panic!() };
    default.as_mut().unwrap().target = before;
    assert!(flow.resume(&host, &token, right()).is_ok());
}

#[test]
fn a_damaged_record_resumes_nothing() {
    for (index, wanted) in [(0, "not the record of a run"), (4, "version"), (9, "")] {
        let (host, flow) = (host(), asking());
        let token = token(&flow.start(&host));
        host.store.damage(&tenant(), |record| record[index] ^= 0x40);
        let error = flow.resume(&host, &token, right()).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn an_answer_of_the_wrong_form_is_asked_for_again() {
    let (host, flow) = (host(), asking());
    let first = flow.start(&host);
    for bad in [record([]), record([("code", admit_eval::datum::Datum::Int(1))]), record([("kode", text("right"))])] {
        let host_token = token(&flow.start(&host));
        let answer = flow.resume(&host, &host_token, bad).unwrap();
        let Outcome::Suspended { problem: Some(problem), resume_token, challenge, .. } = &answer.outcome else {
            panic!("{:?}", answer.outcome)
        };
        assert!(problem.contains("code") || problem.contains("kode"), "{problem}");
        let Outcome::Suspended { challenge: before, .. } = &first.outcome else { panic!() };
        assert_eq!(challenge, before);
        assert_eq!(outcome(&flow.resume(&host, resume_token, right()).unwrap()), "allow");
    }
}

#[test]
fn t16_of_racing_resumes_exactly_one_goes_on() {
    for racers in [2, 8, 16] {
        let (host, flow) = (host(), asking());
        let token = token(&flow.start(&host));
        let engine = flow.engine();
        let params = engine.params(&[]).unwrap();
        let (barrier, won, lost) = (Barrier::new(racers), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..racers {
                scope.spawn(|| {
                    let bundles = |_: [u8; 32]| Some((engine.clone(), params.clone()));
                    barrier.wait();
                    let options = Options::default();
                    match block_on(resume(&bundles, &host, &tenant(), &token, Some(right()), options)) {
                        Ok(answer) if outcome(&answer) == "allow" => won.fetch_add(1, Ordering::SeqCst),
                        Ok(answer) => panic!("{:?}", answer.outcome),
                        Err(error) => {
                            assert_eq!(error, StepError::Taken);
                            lost.fetch_add(1, Ordering::SeqCst)
                        }
                    };
                });
            }
        });
        assert_eq!((won.into_inner(), lost.into_inner()), (1, racers - 1));
        assert_eq!(host.store.commits(&tenant()).len(), 2);
    }
}

#[test]
fn a_run_can_be_moved_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let (host, flow) = (host(), asking());
    let engine = flow.engine();
    let params = engine.params(&[]).unwrap();
    let (tenant, bundles) = (tenant(), |_: [u8; 32]| None);
    is_send(&resume(&bundles, &host, &tenant, "", None, Options::default()));
    let known = admit_runtime::execute::Known::default();
    let start = admit_runtime::execute::Start { flow: "login", event: EVENT.as_bytes(), input: None, known };
    is_send(&engine.start(&host, &tenant, &params, start, Options::default()));
}

#[test]
fn a_custom_flow_suspends_inside() {
    let mut flow = Flow::new();
    let asks = flow.declare("asks", record_type(&[("verified", bool_type())]), PROMPTS, Does::Asks);
    let allow = flow.terminal("allow", Does::Allow);
    let name = flow.str("inner");
    let on_error = admit_plan::bundle::OnError::Halt;
    flow.push("inner", NodeKind::EnterFlow { flow: name, entry: 1, budget: None, on_error }, Some(3));
    flow.block("asks", asks, Some(2));
    flow.push("allow", NodeKind::LeaveFlow { enter: 0 }, Some(3));
    flow.block("done", allow, None);
    let host = host();
    let first = flow.start(&host);
    assert_eq!(outcome(&flow.resume(&host, &token(&first), right()).unwrap()), "allow");
}
