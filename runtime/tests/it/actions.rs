//! `run action`: what an Action is given, and what becomes of what it wants.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_plan::bundle::{
    ACTION_EFFECTS, Action, ActionUse, BlockType, ConfigValue, Module, NodeId, NodeKind, OnError, RUN_ACTION,
};
use admit_plan::code::Expr;
use admit_plan::func::Func;
use admit_plan::types::{Kind, Type};
use admit_runtime::action::{ActionEffects, ActionError, ActionReport, Verdict};
use admit_runtime::execute::job::{JobEnd, KIND, Queued, run_job};
use admit_runtime::execute::{Answer, Outcome};
use admit_runtime::testing::{ScriptedActions, TestHost, block_on};
use admit_runtime::trace::{BlockEnd, Level, TraceEvent};
use admit_runtime::unit::{AuditEntry, Write};

use crate::support::*;

/// The Action's node in [`signing_in`].
const AT: NodeId = 2;

/// A sign-in whose third step runs the Action `tag@1.2.0` with the outputs `segment` (by default `self_serve`) and
/// `score`. It may set `tier`, and demand a second factor, whose step does as told.
fn signing_in(factor: Does) -> Flow {
    let mut flow = Flow::new();
    let lookup = flow.declare("identity_lookup", record_type(&[]), READS, Does::User("usr_1"));
    let check = flow.declare("password_check", record_type(&[]), READS, Does::Now(Vec::new()));
    let output = record_type(&[
        ("segment", words(&["corporate", "self_serve"])),
        ("score", Type::optional(score_type())),
        ("key", Type::optional(labelled(string_type(), false, true))),
    ]);
    let name = flow.str(RUN_ACTION);
    flow.bundle.blocks.push(BlockType { name, output, prompt: None, effects: ACTION_EFFECTS, takes: Vec::new() });
    let action = (flow.bundle.blocks.len() - 1) as u32;
    let mfa = flow.declare("mfa", record_type(&[("verified", bool_type())]), PROMPTS, factor);
    let issue = flow.terminal("issue_session", Does::Session);
    let (aal1, aal2) = (flow.str("aal1"), flow.str("aal2"));
    flow.block("identity-lookup", lookup, Some(1));
    flow.provides_user(0);
    flow.block("password-check", check, Some(AT));
    flow.sets(1, "authentication.aal", Some(Expr::Str(aal1)), None);
    flow.block("tag", action, Some(4));
    let trigger = flow.str("login.post-auth");
    flow.node(AT).action =
        Some(Box::new(ActionUse { action: 0, trigger, demand: Some(3), fetch: Vec::new(), claims: Vec::new() }));
    flow.block("tag-mfa", mfa, Some(4));
    let must = flow.str("must_verify");
    flow.node(3).config.push((must, ConfigValue::Expr(Expr::Bool(true))));
    flow.sets(3, "authentication.aal", Some(Expr::Str(aal2)), None);
    flow.block("issue-session", issue, None);
    let modules = vec![Module { path: "action.js".into(), code: "export async function execute() {}".to_owned() }];
    let (slug, version, tier) = (flow.str("tag"), flow.str("1.2.0"), flow.str("tier"));
    let (segment, default) = (flow.str("segment"), flow.str("self_serve"));
    flow.bundle.actions.push(Action {
        slug,
        version,
        hash: Action::hash_of(&modules),
        modules,
        defaults: vec![(segment, Expr::Str(default))],
        fetch: Vec::new(),
        claims: vec![tier],
        secrets: Vec::new(),
        prompts: true,
        enabled: true,
    });
    flow.bundle.event = Some(event_type());
    flow
}

/// As declared events are, in small.
fn event_type() -> Type {
    let optional = |ty: Type| Type::optional(ty);
    let asn = record_type(&[("is_tor", bool_type()), ("is_vpn", bool_type()), ("org", optional(string_type()))]);
    record_type(&[
        ("authentication", record_type(&[("aal", aal_type()), ("methods", Type::list(string_type()))])),
        ("request", record_type(&[("ip", labelled(string_type(), true, false)), ("asn", asn)])),
        ("tenant", record_type(&[("id", string_type())])),
        (
            "user",
            record_type(&[
                ("id", string_type()),
                ("email", optional(string_type())),
                ("groups", Type::list(string_type())),
                ("app_metadata", Kind::Dyn.into()),
            ]),
        ),
    ])
}

/// Without what prompts: it may be async, tried again, passed over.
fn quiet() -> Flow {
    let mut flow = signing_in(Does::Asks);
    flow.bundle.actions[0].prompts = false;
    flow.node(AT).action.as_mut().unwrap().demand = None;
    // Nothing leads to the second factor: the Action stands where it stood.
    let NodeKind::Block(action) = flow.flow().nodes[AT as usize].kind.clone() else { panic!("no block") };
    flow.flow().nodes[3].kind = NodeKind::Block(action);
    flow.flow().nodes[3].label = flow.flow().nodes[AT as usize].label;
    flow.flow().nodes.remove(AT as usize);
    flow.flow().nodes[AT as usize].next = Some(3);
    flow
}

fn on(actions: ScriptedActions) -> (TestHost, Arc<ScriptedActions>) {
    let mut host = host();
    host.store.put_user(&tenant(), user("usr_1"));
    host.redirects = Arc::new(|url| url == "https://beta.example.com/");
    let actions = Arc::new(actions);
    host.actions = Some(actions.clone());
    (host, actions)
}

fn run(flow: &Flow, effects: ActionEffects) -> (TestHost, Answer) {
    let (host, _) = on(ScriptedActions::wanting(effects));
    let answer = flow.start(&host);
    (host, answer)
}

fn failing(error: ActionError) -> ScriptedActions {
    let logs = vec![(Level::Debug, "before".to_owned())];
    ScriptedActions::new(move |_| ActionReport {
        result: Some(Err(error.clone())),
        logs: logs.clone(),
        ..ActionReport::default()
    })
}

fn threw() -> ActionError {
    ActionError::Threw { message: "TypeError: no".to_owned(), stack: "at execute (action.ts:3:5)".to_owned() }
}

fn executed(host: &TestHost) -> Vec<AuditEntry> {
    let audit = host.store.audit(&tenant());
    audit.into_iter().filter(|entry| entry.kind == "flow.action_executed").collect()
}

fn said(entry: &AuditEntry, name: &str) -> String {
    entry.data.get(name).and_then(Datum::as_str).unwrap_or_default().to_owned()
}

fn list(items: &[&str]) -> Datum {
    Datum::List(items.iter().map(|item| text(item)).collect())
}

#[test]
fn an_action_is_given_the_declared_event_and_what_has_run() {
    let mut flow = signing_in(Does::Asks);
    let loud = flow.str("loud");
    flow.config(AT, "mode", Expr::Str(loud));
    // What has no value is left out.
    flow.config(AT, "gone", Expr::Call(Func::OptNone, Vec::new()));
    let (host, actions) = on(ScriptedActions::wanting(ActionEffects::default()));
    let event = r#"{"extra": 1, "request": {"ip": "203.0.113.9", "asn": {"is_tor": true, "more": 1}}}"#;
    let answer = flow.start_with(&host, event, None).unwrap();
    assert_eq!(outcome(&answer), "session");
    let call = actions.calls().remove(0);
    assert_eq!(call.name, "tag@1.2.0");
    assert!(call.may_demand_mfa);
    let input = call.input;
    assert_eq!(input.get("trigger"), Some(&text("login.post-auth")));
    assert_eq!(input.get("config"), Some(&record([("mode", text("loud"))])));
    let steps = record([("identity-lookup", record([])), ("password-check", record([]))]);
    assert_eq!(input.get("step"), Some(&steps));
    let context = input.get("context").unwrap();
    for (name, value) in [
        ("flow", "login"),
        ("tenant", "acme"),
        ("label", "tag"),
        ("now", "2026-01-01T12:00:00Z"),
        ("run_id", &answer.run_id),
    ] {
        assert_eq!(context.get(name), Some(&text(value)), "{name}");
    }
    assert_eq!(context.get("idempotency_key"), Some(&text(&call.idempotency_key)));
    assert_eq!((context.get("attempt"), context.get("is_async")), (Some(&Datum::Int(1)), Some(&Datum::Bool(false))));
    let event = record([
        ("authentication", record([("aal", text("aal1")), ("methods", list(&[]))])),
        (
            "request",
            record([
                ("asn", record([("is_tor", Datum::Bool(true)), ("is_vpn", Datum::Bool(false))])),
                ("ip", text("203.0.113.9")),
            ]),
        ),
        ("tenant", record([("id", text("acme"))])),
        ("user", record([("email", text("a@x.io")), ("groups", list(&[])), ("id", text("usr_1"))])),
    ]);
    assert_eq!(input.get("event"), Some(&event));
}

#[test]
fn an_event_that_is_not_as_declared_is_the_actions_error() {
    let (host, actions) = on(ScriptedActions::wanting(ActionEffects::default()));
    let event = r#"{"request": {"ip": "203.0.113.9", "asn": {"is_tor": "yes"}}}"#;
    let answer = signing_in(Does::Asks).start_with(&host, event, None).unwrap();
    assert_no_session(&host, &answer, "a flag that is no bool");
    assert_eq!(failure(&answer), "tag: `event.request.asn.is_tor` is not of its declared type");
    assert!(actions.calls().is_empty());
    assert_eq!(said(&executed(&host)[0], "outcome"), "error");
}

#[test]
fn state_becomes_outputs_over_the_defaults() {
    for (state, segment) in [(Vec::new(), "self_serve"), (vec![("segment", text("corporate"))], "corporate")] {
        let state = state.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let (_, answer) = run(&signing_in(Does::Asks), ActionEffects { state, ..ActionEffects::default() });
        let ended = answer.trace.events.iter().find_map(|event| match event {
            TraceEvent::Ended { label, end: BlockEnd::Output(output), .. } if label == "tag" => Some(output.0.clone()),
            _ => None,
        });
        assert_eq!(ended, Some(record([("segment", text(segment))])));
    }
}

#[test]
fn what_is_not_declared_is_the_actions_error_and_nothing_of_it_is_done() {
    let patch = || vec![record([("plan", text("pro"))])];
    let named = |name: &str, value: Datum| vec![(name.to_owned(), value)];
    let base = ActionEffects { app_metadata: patch(), ..ActionEffects::default() };
    let big = text(&"x".repeat(5_000));
    for (effects, why) in [
        (ActionEffects { state: named("other", text("x")), ..base.clone() }, "it has no output `other`"),
        (ActionEffects { state: named("score", text("x")), ..base.clone() }, "`score`"),
        (ActionEffects { state: named("score", Datum::Int(101)), ..base.clone() }, "`score`"),
        (ActionEffects { claims: named("region", text("x")), ..base.clone() }, "the claim `region`"),
        (ActionEffects { claims: named("tier", big), ..base.clone() }, "larger than 4096 bytes"),
        (ActionEffects { redirect: Some("https://evil.example/".to_owned()), ..base.clone() }, "it redirects to"),
        (ActionEffects { app_metadata: vec![text("x")], ..base.clone() }, "must be an object"),
    ] {
        let (host, answer) = run(&signing_in(Does::Asks), effects);
        assert_no_session(&host, &answer, why);
        assert!(failure(&answer).contains(why), "{why}: {}", failure(&answer));
        assert_eq!(answer.redirect_to, None);
        assert_eq!(said(&executed(&host)[0], "outcome"), "error", "{why}");
    }
}

#[test]
fn a_patch_of_app_metadata_is_seen_at_once_and_stored_with_the_run() {
    let mut flow = quiet();
    let plan = flow.event("user.app_metadata.plan", string_type(), true);
    let is_pro = flow.equals(plan, "pro");
    let deny = flow.terminal("deny", Does::Denies);
    let issue = flow.flow().nodes.pop().unwrap();
    // Between the Action and the session: only who is seen as `pro` goes on.
    flow.decision("plan", vec![(is_pro, "pro", Some(4))], Some(("other", Some(5))), None);
    flow.flow().nodes.push(issue);
    flow.block("deny", deny, None);
    let effects = ActionEffects {
        app_metadata: vec![record([("plan", text("free")), ("old", Datum::Null)]), record([("plan", text("pro"))])],
        ..ActionEffects::default()
    };
    let (host, answer) = run(&flow, effects);
    assert_eq!(outcome(&answer), "session");
    let stored = block_on(admit_runtime::host::Store::user(&host.store, &tenant(), "usr_1")).unwrap().unwrap();
    assert_eq!(stored.get("app_metadata"), Some(&record([("plan", text("pro"))])));
}

#[test]
fn a_deny_says_nothing_to_the_caller_and_its_reason_to_audit() {
    let verdict = Verdict::Deny { reason: "ip 203.0.113.9 is on our list".to_owned() };
    let effects = ActionEffects {
        verdict,
        redirect: Some("https://beta.example.com/".to_owned()),
        app_metadata: vec![record([("plan", text("pro"))])],
        ..ActionEffects::default()
    };
    let (host, answer) = run(&signing_in(Does::Asks), effects);
    assert_no_session(&host, &answer, "a deny");
    let Outcome::Deny { reason, user_message } = &answer.outcome else { panic!("{:?}", answer.outcome) };
    assert_eq!((reason.as_str(), user_message.as_deref()), ("denied", None));
    assert_eq!(answer.redirect_to, None);
    let entry = &executed(&host)[0];
    assert_eq!((entry.outcome.as_str(), said(entry, "outcome").as_str()), ("denied", "block"));
    assert_eq!(said(entry, "reason"), "ip [pii request.ip] is on our list");
    assert!(host.store.commits(&tenant())[0].unit.writes.is_empty(), "a denied run writes nothing");
}

#[test]
fn a_block_gives_its_code_and_tells_the_user_why() {
    for (code, reason) in [("domain_not_allowed", "domain_not_allowed"), ("Not a code!", "blocked"), ("", "blocked")] {
        let verdict = Verdict::Block { code: code.to_owned(), reason: Some("Only staff.".to_owned()) };
        let mut flow = quiet();
        flow.node(AT).on_error = OnError::Continue;
        let (host, answer) = run(&flow, ActionEffects { verdict, ..ActionEffects::default() });
        assert_no_session(&host, &answer, code);
        let Outcome::Deny { reason: given, user_message } = &answer.outcome else { panic!("{:?}", answer.outcome) };
        assert_eq!((given.as_str(), user_message.as_deref()), (reason, Some("Only staff.")));
    }
}

#[test]
fn a_redirect_is_of_those_who_are_let_in() {
    let redirect = Some("https://beta.example.com/".to_owned());
    let effects = ActionEffects { redirect: redirect.clone(), ..ActionEffects::default() };
    let (_, answer) = run(&signing_in(Does::Asks), effects.clone());
    assert_eq!((outcome(&answer), answer.redirect_to), ("session", redirect.clone()));
    let (_, answer) = run(&signing_in(Does::Asks), ActionEffects { demand_mfa: true, ..effects.clone() });
    assert_eq!((outcome(&answer), answer.redirect_to), ("suspended", None));
}

#[test]
fn a_demand_asks_for_a_second_factor_and_what_was_set_survives_it() {
    let redirect = Some("https://beta.example.com/".to_owned());
    let effects = ActionEffects { demand_mfa: true, redirect: redirect.clone(), ..ActionEffects::default() };
    let flow = signing_in(Does::Asks);
    let (host, answer) = run(&flow, effects);
    assert_eq!(outcome(&answer), "suspended");
    let answer = flow.resume(&host, &token(&answer), record([("code", text("right"))])).unwrap();
    assert_eq!((outcome(&answer), answer.redirect_to.clone()), ("session", redirect));
    assert_eq!(host.store.sessions(&tenant())[0].aal, "aal2");
    assert_eq!(ran(&answer), ["tag-mfa", "issue-session"]);
}

#[test]
fn a_demand_that_is_not_met_is_denied_as_mfa_required() {
    let effects = ActionEffects { demand_mfa: true, ..ActionEffects::default() };
    let (host, answer) = run(&signing_in(Does::Denies), effects);
    assert_no_session(&host, &answer, "no factor");
    assert_eq!(reason(&answer), "mfa_required");
}

#[test]
fn a_factor_that_was_shown_in_this_run_is_not_asked_for_again() {
    let mut flow = signing_in(Does::Asks);
    let aal2 = flow.str("aal2");
    flow.sets(1, "authentication.aal", Some(Expr::Str(aal2)), None);
    let (_, answer) = run(&flow, ActionEffects { demand_mfa: true, ..ActionEffects::default() });
    assert_eq!(outcome(&answer), "session");
    assert_eq!(ran(&answer), ["identity-lookup", "password-check", "tag", "issue-session"]);
}

#[test]
fn a_failed_action_halts_is_passed_over_or_denies_as_told() {
    let (host, _) = on(failing(threw()));
    let answer = signing_in(Does::Asks).start(&host);
    assert_no_session(&host, &answer, "halt");
    assert_eq!(failure(&answer), "tag: TypeError: no\nat execute (action.ts:3:5)");
    let logged = answer
        .trace
        .events
        .iter()
        .any(|event| matches!(event, TraceEvent::Log { level: Level::Debug, text, .. } if text == "before"));
    assert!(logged, "what it logged before is kept");
    let mut flow = quiet();
    flow.node(AT).on_error = OnError::Continue;
    let (host, _) = on(failing(threw()));
    assert_eq!(outcome(&flow.start(&host)), "session");
    assert_eq!(said(&executed(&host)[0], "outcome"), "error");
    let word = flow.str("action_failed");
    flow.node(AT).on_error = OnError::Deny(word);
    let (host, _) = on(failing(threw()));
    assert_eq!(reason(&flow.start(&host)), "action_failed");
}

#[test]
fn every_try_is_told_and_has_the_same_key() {
    let mut flow = quiet();
    flow.node(AT).retry = Some((2, 100));
    let (host, actions) = on(failing(ActionError::Crashed("signal 9".to_owned())));
    assert_eq!(outcome(&flow.start(&host)), "error");
    let calls = actions.calls();
    assert_eq!(calls.len(), 3);
    assert!(calls.iter().all(|call| call.idempotency_key == calls[0].idempotency_key));
    let attempts: Vec<_> = executed(&host).iter().map(|entry| entry.data.get("attempt").cloned()).collect();
    assert_eq!(attempts, [1, 2, 3].map(|attempt| Some(Datum::Int(attempt))));
}

#[test]
fn time_is_the_least_of_the_steps_and_what_the_run_has_left() {
    let (host, actions) = on(ScriptedActions::wanting(ActionEffects::default()).taking(200));
    let mut flow = quiet();
    flow.flow().budget = 350;
    flow.node(AT).timeout = 300;
    assert_eq!(outcome(&flow.start(&host)), "session");
    assert_eq!(actions.calls()[0].wall, 300);
    let (host, _) = on(ScriptedActions::wanting(ActionEffects::default()).taking(2_000));
    let answer = flow.start(&host);
    assert_no_session(&host, &answer, "too slow");
    assert_eq!(failure(&answer), "tag: no end within 300 ms");
    flow.flow().budget = 100;
    let (host, actions) = on(ScriptedActions::wanting(ActionEffects::default()).taking(2_000));
    let answer = flow.start(&host);
    assert_eq!(actions.calls()[0].wall, 100);
    assert_eq!(failure(&answer), "tag: the budget of engine time is used up");
}

#[test]
fn a_disabled_action_is_skipped_and_has_its_defaults() {
    let mut flow = signing_in(Does::Asks);
    flow.bundle.actions[0].enabled = false;
    let (host, actions) = on(failing(threw()));
    let answer = flow.start(&host);
    assert_eq!(outcome(&answer), "session");
    assert!(actions.calls().is_empty());
    let skipped = |event: &TraceEvent| matches!(event, TraceEvent::Ended { end: BlockEnd::Skipped, .. });
    assert!(answer.trace.events.iter().any(skipped));
    assert!(!ran(&answer).contains(&"tag".to_owned()));
    assert!(executed(&host).is_empty());
}

#[test]
fn where_nobody_runs_actions_the_step_fails() {
    let host = host();
    let answer = signing_in(Does::Asks).start(&host);
    assert_no_session(&host, &answer, "no sandbox");
    assert_eq!(failure(&answer), "tag: this host runs no Actions");
}

fn from_queue(flow: &Flow, host: &TestHost, attempt: u32) -> JobEnd {
    let engine = flow.engine();
    let payload = host.store.jobs(&tenant()).remove(0).1;
    let bundles = |hash: [u8; 32]| (hash == engine.hash()).then(|| engine.clone());
    let queued = Queued { key: "run_1/tag/2", kind: KIND, payload: &payload, attempt };
    block_on(run_job(&bundles, &flow.registry, host, &tenant(), queued))
}

#[test]
fn an_async_action_patches_and_logs_and_is_told_of_what_it_may_not_do() {
    let mut flow = quiet();
    flow.node(AT).is_async = true;
    let effects = ActionEffects {
        app_metadata: vec![record([("plan", text("pro"))])],
        state: vec![("segment".to_owned(), text("corporate"))],
        verdict: Verdict::Deny { reason: "late".to_owned() },
        ..ActionEffects::default()
    };
    let (host, actions) = on(ScriptedActions::wanting(effects));
    assert_eq!(outcome(&flow.start(&host)), "session");
    assert!(actions.calls().is_empty() && executed(&host).is_empty(), "it is queued");
    let end = from_queue(&flow, &host, 2);
    assert_eq!((end.failure, end.user_id.as_deref()), (None, Some("usr_1")));
    assert!(matches!(&end.unit.writes[..], [Write::PatchAppMetadata { user_id, .. }] if user_id == "usr_1"));
    let ignored: Vec<&str> = end
        .trace
        .events
        .iter()
        .filter_map(|event| match event {
            TraceEvent::Log { level: Level::Warning, text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(ignored.len(), 2, "{ignored:?}");
    let entry = &end.unit.audit[0];
    assert_eq!((entry.kind.as_str(), said(entry, "outcome").as_str()), ("flow.action_executed", "continue"));
    assert_eq!((entry.data.get("attempt"), entry.data.get("async")), (Some(&Datum::Int(2)), Some(&Datum::Bool(true))));
    let call = &actions.calls()[0];
    assert_eq!(call.idempotency_key, "run_1/tag/2");
    assert_eq!(call.input.get("event").and_then(|event| event.get("user")?.get("id")), Some(&text("usr_1")));
}

#[test]
fn an_async_action_that_fails_is_told_and_leaves_no_writes() {
    let mut flow = quiet();
    flow.node(AT).is_async = true;
    let (host, _) = on(failing(threw()));
    assert_eq!(outcome(&flow.start(&host)), "session");
    let end = from_queue(&flow, &host, 1);
    assert!(end.unit.writes.is_empty());
    assert!(!end.failure.unwrap().is_final);
    assert_eq!(said(&end.unit.audit[0], "outcome"), "error");
    let gone = |_: [u8; 32]| None;
    let payload = host.store.jobs(&tenant()).remove(0).1;
    let queued = Queued { key: "run_1/tag/2", kind: KIND, payload: &payload, attempt: 1 };
    let end = block_on(run_job(&gone, &flow.registry, &host, &tenant(), queued));
    assert_eq!(end.failure.unwrap().detail, "the bundle that the run began with is not loaded");
}
