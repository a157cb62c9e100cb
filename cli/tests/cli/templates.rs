//! The Action templates as a user runs them: real workers, counters in SQLite, receivers on this machine. Cases of their
//! configs and of odd input are text, in `cli/tests/templates`.

use serde_json::{Value, json};

use crate::admit::{Done, Folder};
use crate::webhook::Service;

const RUN: &str = "run login --event event.json --input alice.json";

/// A project with these steps before the session and after it, and alice in its database.
fn project(post_auth: &str, post_login: &str) -> Folder {
    let folder = Folder::project(&flow(post_auth, post_login));
    folder.write("event.json", event("203.0.113.9"));
    folder.write("alice.json", r#"{"identifier": "alice@cymmetri.com", "password": "correct horse battery staple"}"#);
    let alice = r#"{"email": "alice@cymmetri.com", "email_verified": true, "name": "Alice <!channel>", "groups": ["admins", "beta"], "password": "correct horse battery staple", "app_metadata": {"tier": "enterprise"}}"#;
    folder.write("users.jsonl", format!("{alice}\n"));
    folder.admit("user import users.jsonl").code(0);
    folder
}

fn flow(post_auth: &str, post_login: &str) -> String {
    format!(
        r#"system flow login {{
  budget 20s
  stage pre-login {{
    identity_lookup
    password_check
    decision password-result {{
      when step.password-check.verified -> verified
      default -> wrong {{ deny {{ reason: "invalid_credentials" }} }}
    }}
  }}
  stage post-auth {{
    {post_auth}
  }}
  stage post-login {{
    issue_session
    {post_login}
  }}
}}
"#
    )
}

fn event(ip: &str) -> String {
    let event = json!({
        "client": {"id": "app", "type": "web"},
        "connection": {"id": "con", "strategy": "database"},
        "request": {"ip": ip, "method": "POST", "path": "/login", "device": {"id": "dev"}, "geo": {"country": "FR"}},
        "transaction": {"id": "txn_1"},
    });
    event.to_string()
}

/// The claims of the token that was issued.
fn claims(done: &Done) -> Value {
    let answer = done.json();
    let payload = answer["token"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&base64_url(payload)).unwrap()
}

fn base64_url(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let bits =
            group.iter().enumerate().fold(0_u32, |bits, (at, byte)| bits | u32::from(digit(*byte)) << (18 - 6 * at));
        bytes.extend(bits.to_be_bytes()[1..group.len()].iter());
    }
    bytes
}

/// Head and JSON body of a request that came.
fn received(request: &str) -> (&str, Value) {
    let (head, body) = request.split_at(request.find('{').unwrap_or(request.len()));
    (head, serde_json::from_str(body).unwrap_or(Value::Null))
}

#[test]
fn a_domain_decides_who_comes_in() {
    let folder = project(r#"run action domain-allowlist@1.0.0 { domains: ["cymmetri.com"] }"#, "");
    folder.admit(&format!("{RUN} --trace")).code(0).says("matched: \"cymmetri.com\"").says("outcome: session");
    let other = r#"run action domain-allowlist@1.0.0 { domains: ["example.net"], message: "Employees only." }"#;
    folder.write("flows/login.admit", flow(other, ""));
    folder.admit(RUN).code(1).says("outcome: deny domain_not_allowed").says("message: Employees only.");
    let blocked = r#"run action domain-blocklist@1.0.0 { domains: ["Cymmetri.com"] }"#;
    folder.write("flows/login.admit", flow(blocked, ""));
    folder.admit(RUN).code(1).says("outcome: deny domain_blocked");
}

#[test]
fn a_user_without_an_address_is_blocked_by_both_lists() {
    let folder = project("", "");
    folder.write("bob.jsonl", "{\"username\": \"bob\", \"password\": \"a long enough sentence\"}\n");
    folder.admit("user import bob.jsonl").code(0);
    folder.write("alice.json", r#"{"identifier": "bob", "password": "a long enough sentence"}"#);
    for (step, reason) in [
        (r#"domain-allowlist@1.0.0 { domains: ["cymmetri.com"] }"#, "domain_not_allowed"),
        (r#"domain-allowlist@1.0.0 { domains: ["cymmetri.com"], require_verified: false }"#, "domain_not_allowed"),
        (r#"domain-blocklist@1.0.0 { domains: ["mailinator.com"] }"#, "domain_blocked"),
    ] {
        folder.write("flows/login.admit", flow(&format!("run action {step}"), ""));
        folder.admit(RUN).code(1).says(&format!("outcome: deny {reason}"));
    }
    let lenient = r#"run action domain-blocklist@1.0.0 { domains: ["mailinator.com"], without_address: "continue" }"#;
    folder.write("flows/login.admit", flow(lenient, ""));
    folder.admit(RUN).code(0);
}

/// The cases of `cli/tests/templates`.
#[test]
fn every_case_of_the_templates_holds() {
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/templates");
    let done = Folder::new().run(&["test", cases], b"", &[]).code(0);
    assert!(done.out.lines().filter(|line| line.starts_with("ok  ")).count() > 80, "{}", done.out);
}

#[test]
fn attempts_from_one_network_share_a_counter_that_outlives_the_process() {
    let folder = project("run action rate-limit-by-ip@1.0.0 { limit: 2, window_seconds: 3600 }", "");
    let from = |ip: &str| {
        folder.write("event.json", event(ip));
        folder.admit(RUN)
    };
    from("2001:db8:1:2::1").code(0);
    // The same /64, in another spelling; a wrong password after the Action counts no less.
    from("2001:0DB8:1:2:ffff::9").code(0);
    let refused =
        from("2001:db8:1:2::3").code(1).says("outcome: deny rate_limited").says("Too many attempts. Try again in ");
    let seconds: u64 = refused.out.split("again in ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((3500..=3600).contains(&seconds), "{seconds}");
    from("2001:db8:1:3::1").code(0);
    // An IPv4 address in IPv6 form is that address.
    from("::ffff:203.0.113.9").code(0);
    from("203.0.113.9").code(0);
    from("::ffff:cb00:7109").code(1);
}

#[test]
fn attempts_on_one_account_share_a_counter_whoever_makes_them() {
    let folder = project("", "");
    let step = "run action rate-limit-by-user@1.0.0 { limit: 2, window_seconds: 600 }";
    let text = flow("", "").replace("    password_check\n", &format!("    {step}\n    password_check\n"));
    folder.write("flows/login.admit", text);
    let attempt = |identifier: &str, ip: &str| {
        folder.write("event.json", event(ip));
        folder.write("alice.json", format!(r#"{{"identifier": "{identifier}", "password": "not the password"}}"#));
        folder.admit(RUN).code(1)
    };
    for who in ["alice@cymmetri.com", "nobody@cymmetri.com"] {
        attempt(who, "203.0.113.1").says("invalid_credentials");
        attempt(&who.to_uppercase(), "203.0.113.2").says("invalid_credentials");
        attempt(who, "203.0.113.3").says("rate_limited");
    }
}

#[test]
fn a_claim_is_in_the_token() {
    let steps = r#"run action decorate-token@1.0.0 as tier { claim: "tier", value: event.user.app_metadata.?tier }
    run action decorate-token@1.0.0 as region { claim: "https://cymmetri.com/region", value: event.request.geo.?country }
    run action decorate-token@1.0.0 as none { claim: "city", value: event.request.geo.?city }"#;
    let done = project(steps, "").admit(&format!("{RUN} --format json")).code(0);
    let claims = claims(&done);
    assert_eq!((&claims["tier"], &claims["https://cymmetri.com/region"]), (&json!("enterprise"), &json!("FR")));
    assert_eq!(claims.get("city"), None);
}

#[test]
fn a_webhook_gets_ids_and_what_the_flow_gives_it() {
    let service = Service::new("{}");
    let step = format!(
        r#"run action webhook-emit@1.0.0 {{ url: "http://127.0.0.1:{}/x?y=1", event: "login.completed", data: {{"a": [1, "b"]}}, token: secrets.crm-key }} async"#,
        service.port
    );
    let folder = project("", &step);
    folder.replace("flows/login.admit", "system flow", "secret crm-key\nsystem flow");
    let args = format!("{RUN} --trace --secret crm-key=env:CRM_KEY --allow-egress 127.0.0.1:{}", service.port);
    folder
        .with(&args, "", &[("CRM_KEY", "canary-of-the-crm")])
        .code(0)
        .says("outcome: session")
        .hides("canary-of-the-crm");
    let requests = service.requests();
    assert_eq!(requests.len(), 1);
    let (head, body) = received(&requests[0]);
    assert!(head.starts_with("POST /x?y=1 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: Bearer canary-of-the-crm\r\n"), "{head}");
    assert!(head.to_ascii_lowercase().contains("idempotency-key: "), "{head}");
    assert_eq!((&body["event"], &body["trigger"]), (&json!("login.completed"), &json!("login.post-login")));
    assert_eq!((&body["data"], &body["transaction"]), (&json!({"a": [1, "b"]}), &json!({"id": "txn_1"})));
    assert_eq!(body["user"].as_object().unwrap().keys().collect::<Vec<_>>(), ["id"]);
    assert!(!requests[0].contains("alice"), "{}", requests[0]);
}

#[test]
fn t14_a_webhook_calls_the_host_of_its_url_and_no_other() {
    let service = Service::new("{}");
    let folder =
        project(&format!(r#"run action webhook-emit@1.0.0 {{ url: "http://127.0.0.1:{}/" }}"#, service.port), "");
    // Not without the operator's leave.
    folder.admit(RUN).code(1).says("outcome: error");
    assert_eq!(service.requests(), Vec::<String>::new());
    folder.admit(&format!("{RUN} --allow-egress 127.0.0.1:{}", service.port)).code(0);
    assert_eq!(service.requests().len(), 1);
}

#[test]
fn slack_gets_text_that_makes_no_links_and_calls_nobody() {
    let service = Service::new("ok");
    let step = r#"run action slack-notify@1.0.0 { webhook: secrets.slack, host: "127.0.0.1", text: "Admin: {{ event.user.?name.orValue('?') }} & co" } async"#;
    let folder = project("", step);
    folder.replace("flows/login.admit", "system flow", "secret slack\nsystem flow");
    let url = format!("http://127.0.0.1:{}/services/T0/B0/canary", service.port);
    let args = format!("{RUN} --trace --secret slack=env:SLACK --allow-egress 127.0.0.1:{}", service.port);
    folder.with(&args, "", &[("SLACK", &url)]).code(0).hides("canary");
    let requests = service.requests();
    let (head, body) = received(&requests[0]);
    assert!(head.starts_with("POST /services/T0/B0/canary HTTP/1.1\r\n"), "{head}");
    assert_eq!(body["text"], "Admin: Alice &lt;!channel&gt; &amp; co");
    assert_eq!(
        (&body["mrkdwn"], &body["unfurl_links"], &body["unfurl_media"]),
        (&json!(false), &json!(false), &json!(false))
    );
    // A URL of another host than the flow names is not called, and not told to whoever reads the trace.
    let elsewhere = step.replace("127.0.0.1", "hooks.slack.com").replace(" async", "");
    folder.write("flows/login.admit", format!("secret slack\n{}", flow(&elsewhere, "")));
    folder.with(&args, "", &[("SLACK", &url)]).code(1).says("outcome: error").hides("canary");
    assert_eq!(service.requests().len(), 1);
}

#[test]
fn a_risk_score_blocks_or_costs_a_second_factor() {
    let folder = project("risk_evaluate\n    run action block-by-risk-score@1.0.0 { above: 39 }", "");
    folder.admit(RUN).code(0);
    folder.replace("event.json", r#""geo""#, r#""asn":{"is_vpn":true},"geo""#);
    folder.admit(RUN).code(1).says("outcome: deny high_risk");
    // Nobody has looked: that is no score of 0.
    folder.write("flows/login.admit", flow("run action block-by-risk-score@1.0.0", ""));
    folder.admit(RUN).code(1).says("outcome: deny high_risk");
    // Alice has no second factor.
    folder.write(
        "flows/login.admit",
        flow("risk_evaluate\n    run action demand-mfa-by-risk-score@1.0.0 { above: 39 }", ""),
    );
    folder.admit(RUN).code(1).says("outcome: deny mfa_required");
}

#[test]
fn a_group_is_sent_to_its_page_if_the_project_allows_that() {
    let step =
        r#"run action redirect-by-group@1.0.0 { rules: [{group: "beta", url: "https://staging.example.com/"}] }"#;
    let folder = project(step, "");
    folder.admit(RUN).code(1).says("outcome: error");
    let toml = folder.read("admit.toml");
    folder.write("admit.toml", format!("{toml}\n[redirects]\nallow = [\"https://staging.example.com/\"]\n"));
    folder.admit(RUN).code(0).says("https://staging.example.com/");
}
