//! Every kind of node, on its good path.

use admit_eval::datum::Datum;
use admit_plan::bundle::{ConfigValue, NodeKind, OnError, Param, SecretPart};
use admit_plan::code::{BinOp, Escape, Expr, Source};
use admit_plan::types::Kind;
use admit_runtime::execute::{Known, Options, Outcome, Start, StepError};
use admit_runtime::testing::block_on;
use admit_runtime::trace::{BlockEnd, MASK, TraceEvent};

use crate::support::*;

/// `allow` unless the request comes from a Tor exit: decision 0, deny 1, allow 2.
fn tor_gate() -> Flow {
    let mut flow = Flow::new();
    let deny = flow.terminal("deny", Does::Denies);
    let allow = flow.terminal("allow", Does::Allow);
    let is_tor = flow.event("request.asn.is_tor", bool_type(), false);
    flow.decision("gate", vec![(is_tor, "tor", Some(1))], Some(("clean", None)), Some(2));
    flow.block("deny", deny, None);
    let reason = flow.str("high_risk");
    flow.config(1, "reason", Expr::Str(reason));
    flow.block("allow", allow, None);
    flow
}

#[test]
fn a_decision_takes_the_first_case_that_holds() {
    let answer = tor_gate().start_with(&host(), r#"{"request": {"asn": {"is_tor": true}}}"#, None).unwrap();
    assert_eq!(reason(&answer), "high_risk");
    assert_eq!(ran(&answer), ["gate", "deny"]);
}

#[test]
fn a_flag_that_the_event_leaves_out_is_false_and_any_other_field_is_named() {
    assert_eq!(outcome(&tor_gate().start_with(&host(), "{}", None).unwrap()), "allow");
    let mut flow = tor_gate();
    flow.event("request.ip", string_type(), false);
    let error = flow.start_with(&host(), "{}", None).unwrap_err().to_string();
    assert!(error.contains("request.ip"), "{error}");
}

#[test]
fn machine_code_walks_as_the_interpreter_does() {
    let mut flow = tor_gate();
    let zero = Expr::Binary(BinOp::Div, Box::new((Expr::Int(1), Expr::Int(0))));
    let number = flow.event("request.asn.number", Kind::INT.into(), true);
    let fails = Expr::Binary(BinOp::Eq, Box::new((zero, number)));
    let fields = vec![(flow.str("fails"), fails)];
    flow.flow().nodes.pop();
    flow.push("checks", NodeKind::Condition { fields }, Some(3));
    let allow = flow.flow().ends[0];
    flow.block("allow", allow, None);
    let (interpreted, compiled) = (flow.engine(), flow.engine());
    compiled.compile().unwrap();
    for event in [r#"{"request": {"asn": {"is_tor": true}}}"#, r#"{"request": {"asn": {"number": 1}}}"#, "{}"] {
        let traces = [&interpreted, &compiled].map(|engine| {
            let params = engine.params(&[]).unwrap();
            let start = Start { flow: "login", event: event.as_bytes(), input: None, known: Known::default() };
            let answer = block_on(engine.start(&host(), &tenant(), &params, start, Options::default())).unwrap();
            answer.trace
        });
        assert_eq!(traces[0], traces[1]);
    }
}

#[test]
fn a_decision_falls_out_to_what_stands_below() {
    let host = host();
    let answer = tor_gate().start(&host);
    assert_eq!(outcome(&answer), "allow");
    assert_eq!(answer.trace.branches().map(|(_, branch)| branch.as_str()).collect::<Vec<_>>(), ["clean"]);
    let commits = host.store.commits(&tenant());
    assert_eq!(commits.len(), 1);
    assert_eq!((commits[0].outcome.as_str(), commits[0].seq), ("allow", 0));
    let kinds: Vec<String> = host.store.audit(&tenant()).into_iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, ["flow.run_completed"]);
}

#[test]
fn the_branch_of_a_decision_can_be_read_below() {
    let mut flow = Flow::new();
    let allow = flow.terminal("allow", Does::Allow);
    let deny = flow.terminal("deny", Does::Denies);
    let is_tor = flow.event("request.asn.is_tor", bool_type(), false);
    flow.decision("gate", vec![(is_tor, "tor", None)], Some(("clean", None)), Some(1));
    let branch = flow.step(0, "branch", words(&["tor", "clean"]));
    let is_clean = flow.equals(branch, "clean");
    flow.decision("again", vec![(is_clean, "yes", Some(2))], Some(("no", None)), Some(3));
    flow.block("allow", allow, None);
    flow.block("deny", deny, None);
    assert_eq!(outcome(&flow.start(&host())), "allow");
}

#[test]
fn a_condition_gives_its_fields_and_all_and_any() {
    for (field, wanted) in [("left", true), ("right", false), ("all", false), ("any", true)] {
        let mut flow = Flow::new();
        let allow = flow.terminal("allow", Does::Allow);
        let deny = flow.terminal("deny", Does::Denies);
        let fields = vec![(flow.str("left"), Expr::Bool(true)), (flow.str("right"), Expr::Bool(false))];
        flow.push("checks", NodeKind::Condition { fields }, Some(1));
        let value = flow.step(0, field, bool_type());
        flow.decision("gate", vec![(value, "yes", Some(2))], Some(("no", None)), Some(3));
        flow.block("allow", allow, None);
        flow.block("deny", deny, None);
        assert_eq!(outcome(&flow.start(&host())) == "allow", wanted, "{field}");
    }
}

#[test]
fn a_stage_is_skipped_where_its_condition_is_false() {
    let mut flow = Flow::new();
    let allow = flow.terminal("allow", Does::Allow);
    let deny = flow.terminal("deny", Does::Denies);
    let when = Some(flow.event("request.asn.is_tor", bool_type(), false));
    flow.push("post-failure", NodeKind::Stage { when, otherwise: Some(2) }, Some(1));
    flow.block("deny", deny, None);
    flow.push("post-success", NodeKind::Stage { when: None, otherwise: None }, Some(3));
    flow.block("allow", allow, None);
    let answer = flow.start(&host());
    assert_eq!(outcome(&answer), "allow");
    let stages: Vec<bool> = answer
        .trace
        .events
        .iter()
        .filter_map(|event| match event {
            TraceEvent::Stage { skipped, .. } => Some(*skipped),
            _ => None,
        })
        .collect();
    assert_eq!(stages, [true, false]);
}

/// EnterFlow 0 { decision 1: tor -> deny 2, clean -> leave 3 }, allow 4.
fn custom(on_error: OnError, inside: Does) -> Flow {
    let mut flow = Flow::new();
    let allow = flow.terminal("allow", Does::Allow);
    let deny = flow.terminal("deny", Does::Denies);
    let inner = flow.declare("inner", record_type(&[]), READS, inside);
    let name = flow.str("fraud-screening");
    flow.push("fraud-screening", NodeKind::EnterFlow { flow: name, entry: 1, budget: Some(400), on_error }, Some(5));
    let is_tor = flow.event("request.asn.is_tor", bool_type(), false);
    flow.decision("verdict", vec![(is_tor, "fraud", Some(2))], Some(("clean", None)), Some(3));
    flow.block("deny", deny, None);
    flow.block("inner", inner, Some(4));
    flow.push("allow", NodeKind::LeaveFlow { enter: 0 }, Some(5));
    flow.block("done", allow, None);
    flow
}

#[test]
fn allow_in_a_custom_flow_hands_control_back() {
    let answer = custom(OnError::Halt, Does::Now(Vec::new())).start(&host());
    assert_eq!(outcome(&answer), "allow");
    assert_eq!(ran(&answer), ["fraud-screening", "verdict", "inner", "done"]);
}

#[test]
fn deny_in_a_custom_flow_halts_the_parent() {
    let event = r#"{"request": {"asn": {"is_tor": true}}}"#;
    let flow = custom(OnError::Continue, Does::Now(Vec::new()));
    assert_eq!(reason(&flow.start_with(&host(), event, None).unwrap()), "told_to");
}

#[test]
fn an_error_in_a_custom_flow_is_its_run_flows_error() {
    let halts = custom(OnError::Halt, Does::Fails).start(&host());
    assert!(matches!(&halts.outcome, Outcome::Error { label: Some(label), .. } if label == "inner"));
    assert_eq!(outcome(&custom(OnError::Continue, Does::Fails).start(&host())), "allow");
    let mut denies = custom(OnError::Halt, Does::Fails);
    let reason_id = denies.str("screening_failed");
    let NodeKind::EnterFlow { on_error, .. } = &mut denies.flow().nodes[0].kind else { panic!() };
    *on_error = OnError::Deny(reason_id);
    assert_eq!(reason(&denies.start(&host())), "screening_failed");
}

#[test]
fn a_custom_flows_budget_is_its_run_flows_error() {
    let slow = Does::After(450, Vec::new());
    assert_eq!(outcome(&custom(OnError::Continue, slow.clone()).start(&host())), "allow");
    assert_eq!(outcome(&custom(OnError::Halt, slow).start(&host())), "error");
}

#[test]
fn outputs_are_checked_kept_and_masked() {
    let mut flow = Flow::new();
    let output = record_type(&[("score", score_type()), ("who", labelled(string_type(), true, false))]);
    let fields = vec![("who", text("alice")), ("score", Datum::Int(61))];
    let risk = flow.declare("risk", output, READS, Does::Now(fields));
    let allow = flow.terminal("allow", Does::Allow);
    let deny = flow.terminal("deny", Does::Denies);
    flow.block("risk", risk, Some(1));
    let score = flow.step(0, "score", score_type());
    let high = Expr::Binary(BinOp::Ge, Box::new((score, Expr::Int(60))));
    flow.decision("gate", vec![(high, "high", Some(2))], Some(("low", None)), Some(3));
    flow.block("deny", deny, None);
    flow.block("allow", allow, None);
    let host = host();
    let answer = flow.start(&host);
    assert_eq!(outcome(&answer), "deny");
    let outputs = answer.trace.events.iter().find_map(|event| match event {
        TraceEvent::Ended { end: BlockEnd::Output(record), .. } => Some(record.0.clone()),
        _ => None,
    });
    assert_eq!(outputs, Some(record([("score", Datum::Int(61)), ("who", text(MASK))])));
    let stored = host.store.commits(&tenant())[0].trace.encode().unwrap();
    assert!(!stored.windows(5).any(|window| window == b"alice"), "personal data in the stored trace");
}

#[test]
fn outputs_of_another_type_are_the_blocks_error() {
    for fields in [
        vec![("score", Datum::Int(101))],
        vec![("score", text("high"))],
        vec![],
        vec![("score", Datum::Int(1)), ("more", Datum::Int(1))],
    ] {
        let mut flow = Flow::new();
        let risk = flow.declare("risk", record_type(&[("score", score_type())]), READS, Does::Now(fields));
        let allow = flow.terminal("allow", Does::Allow);
        flow.block("risk", risk, Some(1));
        flow.block("allow", allow, None);
        let answer = flow.start(&host());
        assert!(matches!(&answer.outcome, Outcome::Error { label: Some(label), .. } if label == "risk"));
    }
}

#[test]
fn what_the_runtime_sets_may_not_be_submitted() {
    for group in ["user", "authentication", "tenant"] {
        let event = format!(r#"{{"{group}": {{"id": "x"}}, "request": {{"asn": {{"is_tor": false}}}}}}"#);
        let host = host();
        let error = tor_gate().start_with(&host, &event, None).unwrap_err();
        assert!(matches!(error, StepError::Event(_)), "{error}");
        assert!(host.store.commits(&tenant()).is_empty());
    }
}

#[test]
fn input_is_checked_and_secrets_reach_only_who_takes_them() {
    let mut flow = Flow::new();
    let output = record_type(&["ip", "aal", "user", "input", "secrets", "config"].map(|name| (name, string_type())));
    let takes = flow.declare("takes", output.clone(), PROMPTS, Does::Echo);
    let other = flow.declare("other", output, READS, Does::Echo);
    let allow = flow.terminal("allow", Does::Allow);
    flow.block("takes", takes, Some(1));
    flow.block("other", other, Some(2));
    flow.block("allow", allow, None);
    let host = host();
    let input = || record([("identifier", text("a@x.io")), ("password", text("hunter2"))]);
    let answer = flow.start_with(&host, EVENT, Some(input())).unwrap();
    let seen: Vec<String> = answer
        .trace
        .events
        .iter()
        .filter_map(|event| match event {
            TraceEvent::Ended { end: BlockEnd::Output(record), .. } => Some(format!("{:?}", record.0)),
            _ => None,
        })
        .collect();
    assert!(seen[0].contains(r#"Str("input"), Str("password")"#), "{}", seen[0]);
    assert!(seen[1].contains(r#"Str("input"), Str("")"#), "{}", seen[1]);
    let stored = host.store.commits(&tenant())[0].trace.encode().unwrap();
    assert!(!stored.windows(7).any(|window| window == b"hunter2"));
    for (bad, wanted) in [
        (record([("identifer", text("a"))]), "has no input `identifer`"),
        (record([("password", Datum::Int(1))]), "`password` must be a string"),
        (record([("identifier", Datum::Int(1))]), "`identifier`"),
        (text("a"), "must be an object"),
    ] {
        let error = flow.start_with(&host, EVENT, Some(bad)).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn the_identifier_is_what_the_user_submitted() {
    let mut flow = Flow::new();
    let allow = flow.terminal("allow", Does::Allow);
    let deny = flow.terminal("deny", Does::Denies);
    let identifier = flow.event("identifier", string_type(), true);
    let is_it = flow.equals(identifier, "a@x.io");
    flow.decision("gate", vec![(is_it, "yes", Some(1))], Some(("no", None)), Some(2));
    flow.block("allow", allow, None);
    flow.block("deny", deny, None);
    let input = record([("identifier", text("a@x.io"))]);
    let event = r#"{"identifier": "b@x.io"}"#;
    assert_eq!(outcome(&flow.start_with(&host(), event, Some(input)).unwrap()), "allow");
    assert_eq!(outcome(&flow.start_with(&host(), event, None).unwrap()), "deny");
}

#[test]
fn params_have_defaults_that_a_tenant_overrides() {
    let mut flow = Flow::new();
    let allow = flow.terminal("allow", Does::Allow);
    let deny = flow.terminal("deny", Does::Denies);
    let name = flow.str("limit");
    flow.bundle.params.push(Param { name, ty: score_type(), default: Some(Expr::Int(50)) });
    let limit = Expr::Slot(flow.slot(Source::Param(0), score_type(), false));
    let high = Expr::Binary(BinOp::Ge, Box::new((limit, Expr::Int(60))));
    flow.decision("gate", vec![(high, "high", Some(1))], Some(("low", None)), Some(2));
    flow.block("deny", deny, None);
    flow.block("allow", allow, None);
    assert_eq!(outcome(&flow.start(&host())), "allow");
    let engine = flow.engine();
    assert!(engine.params(&[("limit".into(), Datum::Int(60))]).is_ok());
    let wrong = engine.params(&[("limit".into(), Datum::Int(101))]).unwrap_err().to_string();
    assert!(wrong.contains("param `limit`"), "{wrong}");
    assert!(engine.params(&[("limits".into(), Datum::Int(1))]).is_err());
}

#[test]
fn a_secret_reaches_the_block_and_nothing_else() {
    let mut flow = Flow::new();
    let output = record_type(&["ip", "aal", "user", "input", "config"].map(|name| (name, string_type())));
    let output = match output.kind {
        Kind::Record(fields) => {
            let mut fields: Vec<_> = fields.to_vec();
            fields.push(admit_plan::types::Field { name: "secrets".into(), ty: labelled(string_type(), false, true) });
            Kind::Record(fields.into()).into()
        }
        _ => panic!(),
    };
    let echo = flow.declare("echo", output, READS, Does::Echo);
    let allow = flow.terminal("allow", Does::Allow);
    flow.block("echo", echo, Some(1));
    flow.block("allow", allow, None);
    let (bearer, name, authorization, headers) =
        (flow.str("Bearer "), flow.str("fraud-key"), flow.str("authorization"), flow.str("headers"));
    flow.bundle.secrets.push(name);
    let parts = vec![SecretPart::Text(bearer), SecretPart::Secret(0, Escape::Header)];
    let config = ConfigValue::Record(vec![(authorization, ConfigValue::Secret(parts))]);
    flow.node(0).config.push((headers, config));
    let host = host();
    assert!(failure(&flow.start(&host)).contains("secret `fraud-key`"));
    host.set_secret("fraud-key", b"s3cr3t");
    let answer = flow.start(&host);
    assert_eq!(outcome(&answer), "allow", "{}", failure(&answer));
    for commit in host.store.commits(&tenant()) {
        assert!(!commit.trace.encode().unwrap().windows(6).any(|window| window == b"s3cr3t"));
    }
    host.set_secret("fraud-key", b"a\r\nb: c");
    let answer = flow.start(&host);
    assert_eq!(outcome(&answer), "error");
    assert!(!failure(&answer).contains("b: c"), "{}", failure(&answer));
}

#[test]
fn a_flow_that_takes_a_session_denies_without_one() {
    let mut flow = tor_gate();
    flow.flow().needs_session = true;
    let answer = flow.start(&host());
    assert_eq!(reason(&answer), "not_authenticated");
    assert!(ran(&answer).is_empty());
}

#[test]
fn an_expression_that_fails_ends_the_run_as_error() {
    let mut flow = tor_gate();
    let zero = Expr::Binary(BinOp::Div, Box::new((Expr::Int(1), Expr::Int(0))));
    let fails = Expr::Binary(BinOp::Eq, Box::new((zero, Expr::Int(1))));
    let NodeKind::Decision { cases, .. } = &mut flow.flow().nodes[0].kind else { panic!() };
    cases[0].when = fails;
    let answer = flow.start(&host());
    assert!(matches!(&answer.outcome, Outcome::Error { label: Some(label), .. } if label == "gate"));
    assert!(failure(&answer).contains("division by zero"), "{}", failure(&answer));
}

#[test]
fn the_trace_is_the_same_each_time() {
    let (first, second) = (host(), host());
    let flow = sign_in(Does::User("usr_1"), Does::After(3, Vec::new()), Does::Session);
    for host in [&first, &second] {
        host.store.put_user(&tenant(), user("usr_1"));
        flow.start(host);
    }
    let (first, second) = (first.store.commits(&tenant()), second.store.commits(&tenant()));
    assert_eq!(first[0].trace, second[0].trace);
    assert_eq!(first[0].run_id, second[0].run_id);
}
