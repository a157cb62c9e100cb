//! The runner of tests: stubs, replies, expectations, and what it says when they are not met.

use admit_eval::datum::Datum;
use admit_plan::bundle::Effects;
use admit_plan::code::{BinOp, Expr, Pool, Slot, Source};
use admit_runtime::testing::{
    Answer, Expectation, Outside, Path, Stub, Target, TestCase, TestResult, block_on, run_test,
};

use crate::support::*;

/// lookup 0 provides the user, check 1 asks and sets aal1, risk 2, gate 3: high -> deny 4, else issue 5.
fn login() -> Flow {
    let mut flow = Flow::new();
    let found = record_type(&[("found", bool_type())]);
    let lookup = flow.declare("identity_lookup", found, READS, Does::Fails);
    let check = flow.declare("password_check", record_type(&[("verified", bool_type())]), PROMPTS, Does::Asks);
    let output = record_type(&[("score", score_type()), ("severity", words(&["low", "high"]))]);
    let risk = flow.declare("risk_evaluate", output, Effects { sends: true, ..READS }, Does::Fails);
    let deny = flow.terminal("deny", Does::Denies);
    let issue = flow.terminal("issue_session", Does::Session);
    let aal1 = flow.str("aal1");
    flow.block("identity-lookup", lookup, Some(1));
    let found = Expr::Select(Box::new(Expr::Local(0)), flow.str("found"));
    let path = flow.path("user");
    flow.node(0).provides.push((path, Some(found)));
    flow.block("password-check", check, Some(2));
    let verified = Expr::Select(Box::new(Expr::Local(0)), flow.str("verified"));
    flow.sets(1, "authentication.aal", Some(Expr::Str(aal1)), Some(verified));
    flow.sets(1, "authentication.methods", None, None);
    flow.block("risk", risk, Some(3));
    let score = Expr::Select(Box::new(Expr::Local(0)), flow.str("score"));
    flow.sets(2, "authentication.risk_score", Some(score), None);
    let severity = flow.step(2, "severity", words(&["low", "high"]));
    let high = flow.equals(severity, "high");
    flow.decision("gate", vec![(high, "blocked", Some(4))], Some(("proceed", None)), Some(5));
    flow.block("deny", deny, None);
    flow.block("issue-session", issue, None);
    flow
}

fn stub(target: Target, outputs: &[(&str, Datum)]) -> Stub {
    let outputs = outputs.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
    Stub { target, answer: Answer::Outputs { outputs, user: None }, after: 0 }
}

fn label(name: &str) -> Target {
    Target::Label(name.into())
}

fn case(severity: &str, expects: Vec<Expectation>) -> TestCase {
    TestCase {
        title: "a test".to_owned(),
        flow: "login".into(),
        stubs: vec![
            stub(Target::Type("identity_lookup".into()), &[("found", Datum::Bool(true))]),
            stub(label("password-check"), &[("verified", Datum::Bool(true))]),
            stub(label("risk"), &[("score", Datum::Int(10)), ("severity", text(severity))]),
        ],
        expects,
        ..TestCase::default()
    }
}

fn run(case: &TestCase) -> TestResult {
    let flow = login();
    block_on(run_test(&flow.verified(), &flow.registry, case, &Outside::default()))
}

fn check(case: &TestCase) -> String {
    run(case).failures.join("\n")
}

fn holds(path: Path, ty: admit_plan::types::Type, word: &str) -> Expectation {
    let slot = Slot { source: Source::Now, ty, maybe_absent: true };
    let code = Expr::Binary(BinOp::Eq, Box::new((Expr::Slot(0), Expr::Str(0))));
    let pool = Pool { strings: vec![word.into()], ..Pool::default() };
    Expectation::Holds { code, pool, slots: vec![(path, slot)], text: "it holds".into() }
}

#[test]
fn a_stubbed_login_ends_in_a_session() {
    let case = case(
        "low",
        vec![
            Expectation::Outcome("session".into()),
            Expectation::Ran(vec!["identity-lookup".into(), "risk".into(), "issue-session".into()]),
            Expectation::NotRan(vec!["deny".into()]),
            Expectation::Branch("gate".into(), "proceed".into()),
            holds(Path::Session(vec!["aal".into()]), aal_type(), "aal1"),
            holds(Path::Event(vec!["user".into(), "id".into()]), string_type(), "usr_baseline"),
            holds(Path::Step("risk".into(), vec!["severity".into()]), string_type(), "low"),
            holds(Path::Step("gate".into(), vec!["branch".into()]), string_type(), "proceed"),
        ],
    );
    assert_eq!(check(&case), "");
}

#[test]
fn stubs_apply_sets_and_provides() {
    let event = Path::Event(vec!["authentication".into(), "aal".into()]);
    let case = case("high", vec![Expectation::Deny("told_to".into()), holds(event, aal_type(), "aal1")]);
    assert_eq!(check(&case), "");
}

#[test]
fn what_is_expected_and_not_met_is_told() {
    let cases = [
        (Expectation::Outcome("session".into()), "expected session, the run ended in deny \"told_to\""),
        (Expectation::Deny("high_risk".into()), "expected deny \"high_risk\", the run ended in deny \"told_to\""),
        (Expectation::Suspended("mfa".into()), "expected suspended mfa, the run ended in deny \"told_to\""),
        (Expectation::Error("risk".into()), "expected error risk, the run ended in deny \"told_to\""),
        (
            Expectation::Redirect("/".into()),
            "expected redirect \"/\", the run redirects nowhere; the run ended in deny \"told_to\"",
        ),
        (Expectation::NotRan(vec!["deny".into()]), "expected that `deny` does not run, but it ran"),
        (Expectation::Branch("gate".into(), "proceed".into()), "expected branch gate.proceed, it took `blocked`"),
    ];
    for (expects, wanted) in cases {
        assert_eq!(check(&case("high", vec![expects])), wanted);
    }
    let out_of_order = Expectation::Ran(vec!["risk".into(), "password-check".into()]);
    let said = check(&case("high", vec![out_of_order]));
    assert!(
        said.starts_with("expected that `password-check` runs in this order; what ran: `identity-lookup`"),
        "{said}"
    );
}

#[test]
fn an_output_left_out_has_its_default_and_reading_one_without_is_the_tests_error() {
    let mut case = case("low", vec![Expectation::Outcome("session".into())]);
    case.stubs[2] = stub(label("risk"), &[("score", Datum::Int(1))]);
    let said = check(&case);
    let told = "the stub of `risk` gives no `severity`, which is read here: write `stub risk { severity: ... }`";
    assert!(said.contains("error at `gate`") && said.contains(told), "{said}");
    case.defaults = vec![("risk_evaluate".into(), vec![("severity".into(), text("low"))])];
    assert_eq!(check(&case), "");
    // The declaration reads it, too: the lookup provides the user where it found one.
    case.stubs[0] = stub(Target::Type("identity_lookup".into()), &[]);
    let told = "the stub of `identity-lookup` gives no `found`, which is read here: write `stub identity-lookup { found: ... }`";
    let said = check(&case);
    assert!(said.contains("error at `identity-lookup`") && said.contains(told), "{said}");
}

#[test]
fn a_stub_fails_or_is_late() {
    let mut case = case("low", vec![Expectation::Error("risk".into())]);
    case.stubs.push(Stub { target: label("risk"), answer: Answer::Error("feed down".into()), after: 0 });
    assert_eq!(check(&case), "");
    case.stubs.pop();
    case.stubs[2].after = 2_000;
    assert_eq!(check(&case), "");
}

#[test]
fn a_reply_answers_a_prompt() {
    let mut case = case("low", vec![Expectation::Outcome("session".into())]);
    case.stubs.remove(1);
    let said = check(&case);
    assert_eq!(said, "expected session, the run waits at `password-check`, and no reply to it is left");
    let reply = |code: &str| (label("password-check"), record([("code", text(code))]));
    case.replies = vec![reply("wrong"), reply("right")];
    let said = check(&case);
    // The real double does not say what it sets the methods to.
    assert!(said.contains("event.authentication.methods"), "{said}");
    case.replies.push((label("mfa"), record([])));
    assert!(check(&case).contains("nothing asked for the reply to `mfa`"));
    case.replies = vec![(label("password-check"), record([("kode", text("x"))]))];
    assert!(check(&case).contains("the reply to `password-check` is refused"));
}

#[test]
fn a_given_user_is_laid_over_the_baseline() {
    let mut case = case(
        "low",
        vec![
            holds(Path::Event(vec!["user".into(), "id".into()]), string_type(), "usr_1"),
            holds(Path::Event(vec!["user".into(), "email".into()]), string_type(), "user@example.com"),
        ],
    );
    let user = Some(record([("id", text("usr_1"))]));
    let outputs = vec![("found".into(), Datum::Bool(true))];
    case.stubs[0].answer = Answer::Outputs { outputs, user };
    assert_eq!(check(&case), "");
}

#[test]
fn an_unknown_flow_and_a_wrong_param_are_told() {
    let mut unknown = case("low", vec![]);
    unknown.flow = "logn".into();
    assert!(check(&unknown).contains("there is no flow `logn`"));
    let mut wrong = case("low", vec![]);
    wrong.params = vec![("limit".into(), Datum::Int(1))];
    assert!(check(&wrong).contains("there is no param `limit`"));
}

#[test]
fn a_terminal_is_not_stubbed() {
    let mut case = case("low", vec![Expectation::Outcome("session".into())]);
    case.stubs.push(stub(label("issue-session"), &[]));
    assert!(check(&case).contains("no terminal"), "{}", check(&case));
}
