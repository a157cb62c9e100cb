//! `admit run`: outcomes of sign-ins, what is refused before one, traces.

use serde_json::json;

use crate::admit::{Folder, LOGIN};

const RUN: &str = "run login --event events/office.json";

fn cymmetri() -> Folder {
    let folder = Folder::example("cymmetri");
    folder.admit("user import users.jsonl").code(0).says("imported 2 users");
    folder
}

#[test]
fn a_good_password_is_a_session() {
    let folder = cymmetri();
    let done = folder.admit(&format!("{RUN} --input inputs/alice.json")).code(0);
    let words: Vec<&str> = done.out.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(words, ["outcome", "session", "token", "run"]);
    let trace = folder.admit(&format!("{RUN} --input inputs/alice.json --trace --explain")).code(0);
    for text in
        ["flow login", "stage post-auth", "route-on-risk  -> proceed", "fraud-gate  -> clean", "step.risk.severity"]
    {
        assert!(trace.out.contains(text), "no `{text}` in\n{}", trace.out);
    }
    let answer =
        folder.admit(&format!("{RUN} --input inputs/alice.json --trace --explain --format json")).code(0).json();
    assert_eq!((&answer["outcome"], &answer["session"]["aal"]), (&json!("session"), &json!("aal1")));
    assert_eq!(answer["trace"][0]["event"], "began");
    assert!(answer["explanation"].as_array().unwrap().iter().any(|one| one["step"] == "route-on-risk"));
    assert_eq!(answer["token"].as_str().unwrap().split('.').count(), 3);
}

#[test]
fn t19_a_wrong_password_and_an_unknown_user_get_equal_answers() {
    let folder = cymmetri();
    let answer = |input: &str, format: &str| {
        let done = folder.with(&format!("{RUN} --input - --format {format}"), input, &[]).code(1);
        let lines = done.out.lines().map(|line| match line.find("run_") {
            Some(at) => format!("{}{}", &line[..at], &line[at + 36..]),
            None => line.to_owned(),
        });
        (lines.collect::<Vec<_>>(), done.err)
    };
    for format in ["human", "json"] {
        let wrong = answer(r#"{"identifier": "alice@cymmetri.com", "password": "not the password"}"#, format);
        for other in [
            r#"{"identifier": "nobody@cymmetri.com", "password": "not the password"}"#,
            r#"{"identifier": "alice@cymmetri.com", "password": ""}"#,
            r#"{"identifier": "nobody@cymmetri.com", "password": ""}"#,
            r#"{"identifier": "", "password": "x"}"#,
        ] {
            assert_eq!(answer(other, format), wrong, "{other}");
        }
        assert!(wrong.0.join("").contains("invalid_credentials"), "{:?}", wrong.0);
    }
}

#[test]
fn a_tor_exit_node_is_denied() {
    let folder = cymmetri();
    let done = folder.admit("run login --event events/tor.json --input inputs/alice.json").code(1);
    done.says("outcome: deny high_risk").hides("token");
}

#[test]
fn an_event_is_refused_that_holds_what_it_may_not_or_lacks_what_the_flow_needs() {
    let flow = LOGIN.replace(
        "stage post-auth {}",
        "stage post-auth { log_event { name: \"a\", data: {\"ip\": event.request.ip} } }",
    );
    let folder = Folder::project(&flow);
    folder.write("i.json", r#"{"identifier": "a", "password": "b"}"#);
    for (event, says) in [
        (r#"{"user": {"id": "usr_1"}}"#, "event.user: `user` is set by the runtime"),
        (r#"{"authentication": {"aal": "aal2"}}"#, "event.authentication: "),
        (r#"{"tenant": {"id": "x"}}"#, "event.tenant: "),
        ("{}", "event.request.ip: the flow needs this field"),
        (r#"{"request": {}}"#, "event.request.ip: the flow needs this field"),
        (r#"{"request": {"ip": 5}}"#, "event.request.ip"),
        (r#"{"request": {"ip": "::1", "ip": "::2"}}"#, "the key `ip` occurs twice"),
        (r#"{"request": {"ip": "::1"}} x"#, "event"),
        ("", "event"),
        ("[]", "expected an object"),
        ("{\"request\": {\"ip\": \"\\ud800\"}}", "event"),
        (&format!("{{\"a\":{}", "[".repeat(100_000)), "event"),
        (&format!("{{\"a\":\"{}\"", "x".repeat(1 << 22)), "event"),
    ] {
        folder.write("e.json", event);
        let done = folder.admit("run login --event e.json --input i.json --database memory").code(2);
        done.says("the event is refused: event").says(says).hides("outcome");
    }
    folder.write("e.json", b"{\"request\": {\"ip\": \"\xff\"}}");
    folder.admit("run login --event e.json --input i.json --database memory").code(2).says("not UTF-8");
    folder.admit("run login --event nowhere.json --input i.json").code(2).says("cannot open `nowhere.json`");
}

#[test]
fn an_input_is_refused_that_the_flow_does_not_take() {
    let folder = Folder::project(LOGIN);
    folder.write("e.json", "{}");
    for (input, says) in [
        ("", "is not JSON"),
        ("[]", "it must be an object"),
        ("{}", "`identifier` is missing"),
        (r#"{"identifier": 5}"#, "`identifier`: expected"),
        (r#"{"identifier": "a", "password": "b", "admin": true}"#, "no input `admin`"),
        (r#"{"identifier": "a", "identifier": "b"}"#, "a key occurs twice"),
        (&"[".repeat(100_000), "is not JSON"),
    ] {
        let done = folder.with("run login --event e.json --input - --database memory", input, &[]).code(2);
        done.says("the input ").says(says);
    }
    folder.run(&["run", "login", "--event", "e.json", "--input", "-"], b"\xff", &[]).code(2).says("is not JSON");
    folder.admit("run login --event e.json --input nowhere.json").code(2);
    // Nobody is there to be asked.
    folder.admit("run login --event e.json --database memory").code(2).says("`identifier` is missing");
    folder.admit("run logon --event e.json").code(2).says("did you mean `login`?");
    folder.admit("run login").code(2);
    folder.admit("run").code(2);
    folder.admit("run login --event e.json --env nowhere --input nowhere.json").code(2);
    folder.admit("run login --event e.json --tenant ../x").code(2);
}

#[test]
fn a_tenant_has_its_own_params_and_users() {
    let flow = LOGIN.replace(
        "stage post-auth {}",
        "stage post-auth { decision size { when params.limit-a > 10 -> large { deny { reason: \"large\" } } default -> small } }",
    );
    let folder = Folder::project(&format!("{flow}\nparam limit-a: int(0 .. 100) = 1\n"));
    folder.write("tenants/acme.toml", "[params]\nlimit-a = 50\n");
    folder.write("e.json", "{}");
    folder.write("u.jsonl", "{\"email\": \"a@x.io\", \"password\": \"a long enough sentence\"}\n");
    folder.write("i.json", r#"{"identifier": "a@x.io", "password": "a long enough sentence"}"#);
    let run = "run login --event e.json --input i.json";
    folder.admit(&format!("{run} --users u.jsonl")).code(0).says("outcome: session");
    folder.admit(&format!("{run} --tenant acme")).code(1).says("deny invalid_credentials");
    folder.admit(&format!("{run} --tenant acme --users u.jsonl")).code(1).says("deny large");
    folder.write("tenants/acme.toml", "[params]\nlimit-a = 500\n");
    folder.admit(&format!("{run} --tenant acme")).code(1).says("tenants/acme.toml");
    folder.write("tenants/acme.toml", "[params]\nlimit-b = 5\n");
    folder.admit("check").code(1).says("did you mean `limit-a`?");
}

#[test]
fn t24_what_an_event_holds_neither_forges_lines_of_a_trace_nor_steers_the_terminal() {
    let folder = cymmetri();
    // Nobody is welcomed a second time.
    folder.admit(&format!("{RUN} --input inputs/alice.json")).code(0);
    let lines_with = |country: &str| {
        let mut event: serde_json::Value = serde_json::from_str(&folder.read("events/office.json")).unwrap();
        event["request"]["geo"]["country"] = json!(country);
        folder.write("events/forged.json", event.to_string());
        let run = "run login --event events/forged.json --input inputs/alice.json --trace --explain";
        let done = folder.admit(run);
        let steering = |letter: char| letter.is_control() && letter != '\n' || "\u{202e}\u{2028}".contains(letter);
        assert!(!done.out.contains(steering), "{:?}", done.out);
        (done.out.lines().count(), done.out)
    };
    // What is done for a user once is done.
    let _first = lines_with("XY");
    let (plain, shown) = lines_with("XY");
    assert!(shown.contains("XY"), "the trace shows the country: {shown}");
    let (forged, _) = lines_with("XY\r\noutcome: session\u{1b}[2J\u{1b}]52;c;AA\u{7}\u{202e}\u{2028}end");
    assert_eq!(forged, plain);
}
