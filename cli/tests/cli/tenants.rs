//! Many tenants on one server: each with what it is set up with, and nobody with anything of another's.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::admit::{Folder, LOGIN};
use crate::mail::MailServer;
use crate::provider::Real;
use crate::served::{Reply, Served};

const WAYS: &str = r#"param greeting: string = "hello"
param limit: int(0 .. 10) = 3

system flow login {
  stage pre-login {
    identity_lookup
    decision way {
      when event.transaction.?prompt.orValue("") == "passkey" -> passkey {
        webauthn_begin
        webauthn_finish { options: step.webauthn-begin.options }
        decision passkey-result {
          when !step.webauthn-finish.verified -> refused { deny { reason: "invalid_credentials" } }
          default                             -> verified
        }
      }
      when event.transaction.?prompt.orValue("") == "social" -> social {
        social_oidc_redirect as away { provider: "acme" }
        social_oidc_callback as back { provider: "acme", link: "create" }
        decision known {
          when !step.back.verified -> nobody { deny { reason: "not_signed_in" } }
          default                  -> somebody
        }
      }
      default -> password {
        password_check
        decision password-result {
          when !step.password-check.verified -> wrong { deny { reason: "invalid_credentials" } }
          default                            -> verified
        }
      }
    }
  }
  stage post-auth {
    decision kind {
      when event.client.type == "m2m" -> machine { deny { reason: "not_for_machines" } }
      default                         -> human
    }
    decision first {
      when params.limit == 0 -> closed { deny { reason: "closed" } }
      default                -> open
    }
  }
  stage post-login {
    send_email { to: "ops@example.com", template: "signed-in", data: {"who": params.greeting} }
    issue_session
  }
}
"#;

/// Flows name providers of the project; which one that is, is the tenant's.
const PROVIDER: &str = r#"
[providers.acme]
issuer = "https://id.example"
client_id = "project"
redirect_uri = "https://login.example/back"
"#;

/// A project whose flow goes each of the ways that depend on what a tenant is set up with.
fn project() -> Folder {
    let folder = Folder::project(WAYS);
    folder.write("admit.toml", format!("[project]\nname = \"x\"\ncatalogue = \"1\"\n{PROVIDER}"));
    folder.write("templates/signed-in.txt", "Subject: Sign-in\nData: who: string\n\nIt was {{ who }}.\n");
    folder.write("users.jsonl", r#"{"email": "alice@example.com", "password": "correct horse battery staple"}"#);
    folder
}

fn request(prompt: Option<&str>) -> Value {
    let mut event: Value = serde_json::from_str(include_str!("../../src/command/new_project/event.json")).unwrap();
    if let Some(prompt) = prompt {
        event["transaction"]["prompt"] = prompt.into();
    }
    json!({
        "event": event,
        "input": { "identifier": "alice@example.com", "password": "correct horse battery staple" },
    })
}

/// The server with another key, or in another tenant.
struct As<'s> {
    served: &'s Served,
    key: String,
    tenant: Option<&'s str>,
}

impl<'s> As<'s> {
    fn key(served: &'s Served, key: &str) -> Self {
        Self { served, key: key.to_owned(), tenant: None }
    }

    fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let key = format!("Bearer {}", self.key);
        let mut all = vec![("authorization", key.as_str())];
        all.extend(self.tenant.map(|tenant| ("admit-tenant", tenant)));
        all.extend_from_slice(headers);
        self.served.call(method, path, &all, body)
    }

    fn get(&self, path: &str) -> Reply {
        self.call("GET", path, &[], b"")
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.call(method, path, &[], body.to_string().as_bytes())
    }
}

/// A key that operates the server, made on the command line against its database.
fn operator(folder: &Folder) -> String {
    let made =
        folder.admit("keys create --scopes operate,run,read,deploy,manage --name operator --format json").code(0);
    made.json()["key"].as_str().unwrap().to_owned()
}

#[track_caller]
fn good(reply: Reply) -> Value {
    assert!((200..300).contains(&reply.status), "{} {}", reply.status, reply.body);
    if reply.body.is_empty() { Value::Null } else { reply.json() }
}

/// A second tenant with the same bundle: its key.
fn second(folder: &Folder, operating: &As<'_>) -> String {
    let made = good(operating.send("POST", "/v1/tenants", &json!({ "slug": "acme" })));
    folder.admit("build -o all.admitplan").code(0);
    let key = made["key"].as_str().unwrap().to_owned();
    let plan = std::fs::read(folder.file("all.admitplan")).unwrap();
    let acme = As::key(operating.served, &key);
    good(acme.call("PUT", "/v1/bundles", &[("if-none-match", "*")], &plan));
    let user = json!({ "email": "alice@example.com", "password": "correct horse battery staple" });
    good(acme.send("POST", "/v1/users", &user));
    key
}

#[test]
fn each_tenant_has_its_own_mail_server_relying_party_and_provider() {
    let folder = project();
    let (ours, theirs) = (MailServer::start(json!({})), MailServer::start(json!({})));
    let real = Real::start();
    let peers = [
        format!("localhost:{}", ours.port),
        format!("localhost:{}", theirs.port),
        real.issuer.strip_prefix("http://").unwrap().to_owned(),
    ];
    let allowed: Vec<&str> = peers.iter().flat_map(|peer| ["--allow-egress", peer.as_str()]).collect();
    let served = Served::start(&folder, &allowed);
    let local = As::key(&served, &served.key);
    let operating = As::key(&served, &operator(&folder));
    let acme = As::key(&served, &second(&folder, &operating));
    let settings = |port: u16, domain: &str, client: &str| {
        json!({
            "smtp": { "host": format!("localhost:{port}"), "security": "none", "from": format!("login@{domain}") },
            "webauthn": { "rp_id": domain, "origins": [format!("https://login.{domain}")] },
            "providers": { "acme": {
                "issuer": real.issuer, "client_id": client, "redirect_uri": format!("https://login.{domain}/back"),
            } },
        })
    };
    good(local.send("PUT", "/v1/settings", &settings(ours.port, "ours.example", "terminal")));
    good(acme.send("PUT", "/v1/settings", &settings(theirs.port, "theirs.example", "public")));
    for (tenant, mail, domain, client) in
        [(&local, &ours, "ours.example", "terminal"), (&acme, &theirs, "theirs.example", "public")]
    {
        let path = "/v1/flows/login/runs";
        assert_eq!(good(tenant.send("POST", path, &request(None)))["outcome"], "session");
        let told = mail.mail().to_string();
        assert!(told.contains(&format!("login@{domain}")), "{told}");
        let asked = good(tenant.send("POST", path, &request(Some("passkey"))));
        assert_eq!(asked["outcome"], "suspended", "{asked}");
        assert!(asked["challenge"].to_string().contains(&format!("\"{domain}\"")), "{asked}");
        let away = good(tenant.send("POST", path, &request(Some("social"))));
        let challenge = away["challenge"].to_string();
        assert!(challenge.contains(&format!("client_id={client}")), "{away}");
        assert!(challenge.contains(&format!("login.{domain}")), "{away}");
    }
    assert!(ours.no_more_mail() && theirs.no_more_mail(), "each mail went to its tenant's server alone");
}

#[test]
fn what_a_tenant_is_set_up_with_is_held_to_the_rules_of_the_manifest_and_to_what_was_seen() {
    let folder = project();
    let redirects = "[redirects]\nallow = [\"https://a.example\"]\n";
    folder.write("admit.toml", folder.read("admit.toml") + redirects);
    folder.write("tenants/local.toml", "[params]\nlimit = 5\n");
    let served = Served::start(&folder, &["--mailbox", "mail"]);
    let local = As::key(&served, &served.key);
    let run = || good(local.send("POST", "/v1/flows/login/runs", &request(None)));
    assert_eq!(run()["outcome"], "session");

    // The project's settings are the tenant's until somebody changes them.
    let seeded = local.get("/v1/settings");
    let tag = seeded.header("etag").unwrap().to_owned();
    let seeded = seeded.json();
    assert_eq!(seeded["settings"]["redirects"], json!({ "allow": ["https://a.example"] }));
    assert_eq!(seeded["of_project"], true);
    for (bad, said) in [
        (json!({ "egress": { "hosts": ["https://x"] } }), "is not a host"),
        (json!({ "smtp": { "host": "m.example", "from": "nobody" } }), "smtp"),
        (json!({ "smtp": { "host": "m.example", "from": "a@b.example", "ca": "/etc/passwd" } }), "ca_pem"),
        (json!({ "feeds": {} }), "no key `feeds`"),
        (json!({ "redirects": { "allow": ["https://a.example/?x"] } }), "is not an address"),
    ] {
        let refused = local.send("PUT", "/v1/settings", &bad);
        assert_eq!((refused.status, refused.json()["code"].as_str()), (422, Some("settings_refused")), "{bad}");
        assert!(refused.body.contains(said), "{}", refused.body);
    }
    assert_eq!(local.send("PUT", "/v1/settings", &json!([])).status, 400);
    let put =
        |tag: &str, body: &Value| local.call("PUT", "/v1/settings", &[("if-match", tag)], body.to_string().as_bytes());
    let changed = put(&tag, &json!({ "redirects": { "allow": ["https://b.example"] } }));
    assert_eq!(changed.status, 200, "{}", changed.body);
    let stale = put(&tag, &json!({}));
    assert_eq!((stale.status, stale.json()["code"].as_str()), (412, Some("changed_meanwhile")));
    assert_eq!(put("nonsense", &json!({})).status, 400);

    // Params are held to the live bundle's types first.
    let params = local.get("/v1/params").json();
    let limit = params["params"].as_array().unwrap().iter().find(|one| one["name"] == "limit").unwrap().clone();
    assert_eq!((limit["value"].as_i64(), limit["default"].as_i64()), (Some(5), Some(3)), "{limit}");
    assert_eq!(limit["type"], "int(0 .. 10)");
    for (name, value) in [("limit", json!(11)), ("limit", json!("5")), ("limit", json!(null)), ("nothing", json!(1))] {
        let refused = local.send("PUT", &format!("/v1/params/{name}"), &json!({ "value": value }));
        assert_eq!((refused.status, refused.json()["code"].as_str()), (422, Some("params_refused")), "{name} {value}");
    }
    assert_eq!(local.send("PUT", "/v1/params/nothing?ahead=true", &json!({ "value": 1 })).status, 200);
    good(local.send("PUT", "/v1/params/limit", &json!({ "value": 0 })));
    assert_eq!(run()["reason"], "closed");
    assert_eq!(local.call("DELETE", "/v1/params/limit", &[], b"").status, 204);
    assert_eq!(run()["outcome"], "session");
    assert_eq!(local.call("DELETE", "/v1/params/limit", &[], b"").status, 404);

    // What was changed by API stays over a restart; what was not follows the project.
    let key = served.key.clone();
    assert!(served.stop());
    folder.replace("admit.toml", "https://a.example", "https://c.example");
    let served = Served::start(&folder, &["--mailbox", "mail"]);
    let local = As::key(&served, &key);
    let stands = local.get("/v1/settings").json();
    assert_eq!(stands["settings"]["redirects"]["allow"], json!(["https://b.example"]));
    assert_eq!(local.get("/v1/params/limit").json()["value"], 5, "the project's value is nobody else's by now");
    let audit = local.get("/v1/audit").body;
    for kind in ["settings.changed", "param.changed", "param.removed"] {
        assert!(audit.contains(kind), "{kind}: {audit}");
    }
}

#[test]
fn secrets_are_written_and_never_read() {
    let folder = project();
    let served = Served::start(&folder, &["--mailbox", "mail"]);
    let local = As::key(&served, &served.key);
    let canary = "canary-9f83b1c7";
    let put = local.send("PUT", "/v1/secrets/mail-password", &json!({ "value": canary }));
    assert_eq!(put.status, 200, "{}", put.body);
    for (name, value) in [("Mail", canary), ("a_b", canary), ("empty", "")] {
        let refused = local.send("PUT", &format!("/v1/secrets/{name}"), &json!({ "value": value }));
        assert_eq!(refused.status, 400, "{name}");
        assert!(!refused.body.contains(canary), "{}", refused.body);
    }
    let listed = local.get("/v1/secrets");
    assert_eq!(listed.json()["secrets"][0]["name"], "mail-password");
    let audit = local.get("/v1/audit");
    assert!(audit.body.contains("secret.changed"));
    for body in [&put.body, &listed.body, &audit.body] {
        assert!(!body.contains(canary), "{body}");
    }
    assert_eq!(local.get("/v1/secrets/mail-password").status, 405);
    // Sealed where it lies, also in the log of the database.
    for file in ["admit.db", "admit.db-wal"] {
        let bytes = std::fs::read(folder.file(file)).unwrap();
        assert!(!bytes.windows(canary.len()).any(|window| window == canary.as_bytes()), "{file}");
    }
    assert_eq!(local.call("DELETE", "/v1/secrets/mail-password", &[("if-match", "\"v999\"")], b"").status, 412);
    assert_eq!(local.call("DELETE", "/v1/secrets/mail-password", &[], b"").status, 204);
    assert_eq!(local.get("/v1/secrets").json()["secrets"], json!([]));
}

#[test]
fn events_are_given_what_the_tenant_keeps_of_their_client() {
    let folder = project();
    let served = Served::start(&folder, &["--mailbox", "mail"]);
    let local = As::key(&served, &served.key);
    let run = || good(local.send("POST", "/v1/flows/login/runs", &request(None)));
    assert_eq!(run()["outcome"], "session");
    for (bad, status) in [
        (json!({ "type": "robot" }), 422),
        (json!({ "redirect_uris": ["http://evil.example"] }), 422),
        (json!({ "secret": "x" }), 400),
    ] {
        assert_eq!(local.send("PUT", "/v1/clients/app_console", &bad).status, status, "{bad}");
    }
    let client = json!({ "type": "m2m", "redirect_uris": ["https://a.example/cb"], "scopes": ["openid"] });
    let made = local.call("PUT", "/v1/clients/app_console", &[("if-none-match", "*")], client.to_string().as_bytes());
    assert_eq!(made.status, 200, "{}", made.body);
    let again = local.call("PUT", "/v1/clients/app_console", &[("if-none-match", "*")], client.to_string().as_bytes());
    assert_eq!(again.status, 412);
    assert_eq!(run()["reason"], "not_for_machines", "the event says `spa`, the tenant knows better");
    let secret = good(local.send("POST", "/v1/clients/app_console/secret", &json!({})));
    let secret = secret["client_secret"].as_str().unwrap();
    let shown = local.get("/v1/clients/app_console");
    assert_eq!(shown.json()["has_secret"], true);
    assert!(!shown.body.contains(secret) && secret.len() >= 43);
    good(local.send("PUT", "/v1/clients/app_console", &json!({ "type": "spa" })));
    assert_eq!(local.send("POST", "/v1/clients/app_console/secret", &json!({})).status, 422);
    assert_eq!(run()["outcome"], "session");
    assert_eq!(local.call("DELETE", "/v1/clients/app_console", &[], b"").status, 204);
    assert_eq!(local.get("/v1/clients").json()["clients"], json!([]));
}

#[test]
fn users_are_made_changed_by_what_was_seen_blocked_and_their_sessions_revoked() {
    let folder = project();
    let served = Served::start(&folder, &["--mailbox", "mail"]);
    let local = As::key(&served, &served.key);
    let made = local.send("POST", "/v1/users", &json!({ "email": "bob@example.com", "password": "swordfish battery" }));
    let bob = good(made);
    let path = format!("/v1/users/{}", bob["id"].as_str().unwrap());
    assert_eq!(bob["credentials"], json!(["password"]));
    for (body, status, code) in [
        (json!({ "email": "bob@example.com" }), 409, "identifier_taken"),
        (json!({}), 422, "user_refused"),
        (json!({ "email": "c@example.com", "id": "usr_x" }), 400, "bad_body"),
        (json!({ "email": "c@example.com", "password_hash": "md5" }), 422, "user_refused"),
    ] {
        let refused = local.send("POST", "/v1/users", &body);
        assert_eq!((refused.status, refused.json()["code"].as_str()), (status, Some(code)), "{}", refused.body);
    }
    let seen = local.get(&path).header("etag").unwrap().to_owned();
    let patch = |tag: &str, body: Value| local.call("PATCH", &path, &[("if-match", tag)], body.to_string().as_bytes());
    let changed = patch(&seen, json!({ "name": "Bob", "app_metadata": { "tier": "gold" }, "groups": ["staff"] }));
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.json()["app_metadata"], json!({ "tier": "gold" }));
    assert_eq!(patch(&seen, json!({ "name": "Robert" })).status, 412);
    let seen = changed.header("etag").unwrap().to_owned();
    assert_eq!(patch(&seen, json!({ "email": "alice@example.com" })).status, 409);
    assert_eq!(patch(&seen, json!({ "email": null })).status, 422, "nobody could sign in");
    let moved =
        patch(&seen, json!({ "email": "robert@example.com", "username": "bob", "app_metadata": { "tier": null } }));
    assert_eq!(moved.status, 200, "{}", moved.body);
    assert_eq!((&moved.json()["email_verified"], &moved.json()["app_metadata"]), (&json!(false), &json!({})));
    assert_eq!(local.get("/v1/users?identifier=robert@example.com").json()["users"][0]["id"], bob["id"]);
    assert_eq!(local.get("/v1/users?identifier=bob@example.com").json()["users"], json!([]));

    let sign_in = || {
        let mut body = request(None);
        body["input"] = json!({ "identifier": "bob", "password": "swordfish battery" });
        good(local.send("POST", "/v1/flows/login/runs", &body))
    };
    assert_eq!(sign_in()["outcome"], "session");
    assert_eq!(sign_in()["outcome"], "session");
    let sessions = format!("/v1/sessions?user={}", bob["id"].as_str().unwrap());
    let first = local.get(&format!("{sessions}&limit=1")).json();
    let one = first["sessions"][0]["id"].as_str().unwrap().to_owned();
    let rest = local.get(&format!("{sessions}&limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).json();
    assert_eq!((rest["sessions"].as_array().unwrap().len(), rest["next_cursor"].is_null()), (1, true));
    let revoked = good(local.call("DELETE", &format!("/v1/sessions/{one}"), &[], b""));
    assert_eq!(revoked["revoked"], json!([one]));
    assert_eq!(good(local.call("DELETE", &format!("/v1/sessions/{one}"), &[], b""))["revoked"], json!([]));
    assert_eq!(good(local.call("DELETE", &sessions, &[], b""))["revoked"].as_array().unwrap().len(), 1);
    assert!(local.get(&format!("/v1/sessions/{one}")).json()["revoked_at"].is_string());

    let tag = local.get(&path).header("etag").unwrap().to_owned();
    assert_eq!(patch(&tag, json!({ "blocked": true })).json()["status"], "blocked");
    assert_eq!(sign_in()["outcome"], "deny");
    good(local.send("PATCH", &path, &json!({ "blocked": false })));
    assert_eq!(sign_in()["outcome"], "session");
    let audit = local.get("/v1/audit?limit=100").body;
    for kind in ["user.created", "user.updated", "user.blocked", "user.unblocked", "session.revoked"] {
        assert!(audit.contains(kind), "{kind}");
    }
    assert!(!audit.contains("robert@example.com") && !audit.contains("swordfish"), "{audit}");
}

#[test]
fn an_action_that_is_off_is_skipped_in_its_tenant_and_the_trace_says_so() {
    let folder = Folder::example("domain-allowlist-action");
    let users = r#"{"email": "mallory@elsewhere.example", "password": "correct horse battery staple"}"#;
    folder.write("users.jsonl", users);
    let served = Served::start(&folder, &[]);
    let local = As::key(&served, &served.key);
    let listed = local.get("/v1/actions").json();
    let action = listed["actions"].as_array().unwrap().first().unwrap().clone();
    let slug = action["slug"].as_str().unwrap();
    assert_eq!((action["enabled"].as_bool(), action["attached"].as_u64()), (Some(true), Some(1)), "{action}");
    assert!(!action["versions"].as_array().unwrap().is_empty() && !action["triggers"].as_array().unwrap().is_empty());
    let mut body = request(None);
    body["input"] = json!({ "identifier": "mallory@elsewhere.example", "password": "correct horse battery staple" });
    let run = || good(local.send("POST", "/v1/flows/login/runs", &body));
    assert_eq!(run()["outcome"], "deny");
    let path = format!("/v1/actions/{slug}");
    let tag = local.get(&path).header("etag").unwrap().to_owned();
    let patch = |tag: &str, enabled: bool| {
        let body = json!({ "enabled": enabled }).to_string();
        local.call("PATCH", &path, &[("if-match", tag)], body.as_bytes())
    };
    let off = patch(&tag, false);
    assert_eq!((off.status, &off.json()["enabled"]), (200, &json!(false)), "{}", off.body);
    assert_eq!(patch(&tag, true).status, 412);
    let passed = run();
    assert_eq!(passed["outcome"], "session", "{passed}");
    let trace = local.get(&format!("/v1/runs/{}", passed["run"].as_str().unwrap())).body;
    assert!(trace.contains("\"skipped\""), "{trace}");
    assert_eq!(patch(off.header("etag").unwrap(), true).json()["enabled"], true);
    assert_eq!(run()["outcome"], "deny");
    let audit = local.get("/v1/audit?limit=100").body;
    assert!(audit.contains("action.disabled") && audit.contains("action.enabled"));
    assert_eq!(local.get("/v1/actions/nothing").status, 404);
}

#[test]
fn t31_only_who_operates_the_server_reaches_other_tenants_and_a_disabled_one_serves_nobody() {
    let folder = project();
    let served = Served::start(&folder, &["--mailbox", "mail"]);
    let local = As::key(&served, &served.key);
    for (method, path) in
        [("GET", "/v1/tenants"), ("POST", "/v1/tenants"), ("GET", "/v1/tenants/local"), ("PATCH", "/v1/tenants/local")]
    {
        assert_eq!(local.send(method, path, &json!({ "slug": "acme" })).status, 403, "{method} {path}");
    }
    let spoofed = As { tenant: Some("acme"), ..As::key(&served, &served.key) };
    assert_eq!(spoofed.get("/v1/runs").json()["code"], "missing_scope");
    let more = local.send("POST", "/v1/keys", &json!({ "name": "x", "scopes": ["operate"] }));
    assert_eq!(more.json()["code"], "missing_scope");

    let key = operator(&folder);
    let operating = As::key(&served, &key);
    let acme = As::key(&served, &second(&folder, &operating));
    assert_eq!(operating.send("POST", "/v1/tenants", &json!({ "slug": "acme" })).status, 409);
    assert_eq!(operating.send("POST", "/v1/tenants", &json!({ "slug": "No" })).status, 400);
    let slugs: Vec<Value> = good(operating.get("/v1/tenants"))["tenants"].as_array().unwrap().clone();
    assert_eq!(slugs.iter().map(|one| one["slug"].as_str().unwrap()).collect::<Vec<_>>(), ["acme", "local"]);
    let inside = As { tenant: Some("acme"), ..As::key(&served, &key) };
    assert_eq!(inside.send("POST", "/v1/flows/login/runs", &request(None)).json()["outcome"], "session");
    assert_eq!(acme.get("/v1/runs").json()["runs"].as_array().unwrap().len(), 1);
    let nowhere = As { tenant: Some("nobody"), ..As::key(&served, &key) };
    assert_eq!(nowhere.get("/v1/runs").status, 404);

    assert_eq!(acme.get("/v1/runs").status, 200);
    good(operating.send("PATCH", "/v1/tenants/acme", &json!({ "disabled": true })));
    let refused = acme.send("POST", "/v1/flows/login/runs", &request(None));
    assert_eq!((refused.status, refused.json()["code"].as_str()), (403, Some("tenant_disabled")));
    assert_eq!(local.get("/v1/runs").status, 200);
    folder.admit("tenant list").code(0).says("acme  disabled").says("local  served");
    folder.admit("tenant enable acme").code(0);
    // Another process has changed it: it is seen within a second, and a little for a busy machine.
    let began = Instant::now();
    while acme.get("/v1/runs").status != 200 {
        assert!(began.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(acme.get("/v1/audit").body.contains("tenant.disabled"));
}

#[test]
fn t1_what_one_tenant_has_is_not_there_for_another() {
    let folder = project();
    let served = Served::start(&folder, &["--mailbox", "mail"]);
    let local = As::key(&served, &served.key);
    let acme = As::key(&served, &second(&folder, &As::key(&served, &operator(&folder))));
    good(local.send("PUT", "/v1/settings", &json!({ "redirects": { "allow": ["https://ours.example"] } })));
    good(local.send("PUT", "/v1/params/greeting", &json!({ "value": "ours" })));
    good(local.send("PUT", "/v1/secrets/ours", &json!({ "value": "x" })));
    good(local.send("PUT", "/v1/clients/ours", &json!({ "type": "m2m" })));
    let user = good(local.send("POST", "/v1/users", &json!({ "email": "ours@example.com" })));
    let user = user["id"].as_str().unwrap();
    good(local.send("POST", "/v1/flows/login/runs", &request(None)));
    let alice =
        local.get("/v1/users?identifier=alice@example.com").json()["users"][0]["id"].as_str().unwrap().to_owned();
    let sessions = local.get(&format!("/v1/sessions?user={alice}")).json();
    let session = sessions["sessions"][0]["id"].as_str().unwrap().to_owned();

    let missing = ["x", "y"].map(|name| acme.get(&format!("/v1/clients/{name}")).body);
    assert_eq!(missing[0], missing[1]);
    let tried = [
        ("GET", "/v1/clients/ours".to_owned(), json!({})),
        ("DELETE", "/v1/clients/ours".to_owned(), json!({})),
        ("POST", "/v1/clients/ours/secret".to_owned(), json!({})),
        ("DELETE", "/v1/secrets/ours".to_owned(), json!({})),
        ("GET", format!("/v1/users/{user}"), json!({})),
        ("PATCH", format!("/v1/users/{user}"), json!({ "blocked": true })),
        ("GET", format!("/v1/sessions?user={user}"), json!({})),
        ("DELETE", format!("/v1/sessions?user={user}"), json!({})),
        ("GET", format!("/v1/sessions/{session}"), json!({})),
        ("DELETE", format!("/v1/sessions/{session}"), json!({})),
        (
            "POST",
            "/v1/bundles/0000000000000000000000000000000000000000000000000000000000000000/check".to_owned(),
            json!({}),
        ),
    ];
    for (method, path, body) in tried {
        let reply = acme.send(method, &path, &body);
        assert_eq!((reply.status, reply.json()["code"].as_str()), (404, Some("not_found")), "{method} {path}");
    }
    assert_eq!(acme.get("/v1/settings").json()["settings"], json!({}));
    assert_eq!(acme.get("/v1/secrets").json()["secrets"], json!([]));
    assert_eq!(acme.get("/v1/clients").json()["clients"], json!([]));
    assert_eq!(acme.get("/v1/params/greeting").json()["value"], Value::Null);
    let theirs = acme.get("/v1/users").body;
    assert!(!theirs.contains(user) && !theirs.contains("ours@example.com"), "{theirs}");
    assert_eq!(acme.send("POST", "/v1/flows/login/runs", &request(None)).json()["outcome"], "session");
}

/// Changes what the database keeps, as whoever has its file could.
fn tamper(folder: &Folder, statement: &str) {
    let script = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as db: db.execute(sys.argv[2])";
    let database = folder.file("admit.db");
    let args = ["-c", script, database.to_str().unwrap(), statement];
    let done = std::process::Command::new("python3").args(args).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn f16_t29_a_bundle_that_was_changed_where_it_is_kept_is_refused_and_harms_nobody_else() {
    let folder = project();
    let served = Served::start(&folder, &["--mailbox", "mail"]);
    let key = second(&folder, &As::key(&served, &operator(&folder)));
    let (first, run) =
        (served.key.clone(), |tenant: &As<'_>| tenant.send("POST", "/v1/flows/login/runs", &request(None)));
    assert!(served.stop());
    // The same length, another byte in the middle; then one that is cut off; then one that is another project's, whole.
    let half = "CAST(substr(bytes, 1, length(bytes) / 2) AS BLOB)";
    let other = Folder::project(LOGIN);
    other.admit("build -o other.admitplan").code(0);
    let plan: String =
        std::fs::read(other.file("other.admitplan")).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    for bytes in [
        format!("CAST({half} || x'00' || substr(bytes, length(bytes) / 2 + 2) AS BLOB)"),
        half.to_owned(),
        format!("x'{plan}'"),
    ] {
        tamper(&folder, &format!("UPDATE bundles SET bytes = {bytes} WHERE tenant = 'acme'"));
        let served = Served::start(&folder, &["--mailbox", "mail"]);
        let (local, acme) = (As::key(&served, &first), As::key(&served, &key));
        assert_eq!(good(run(&local))["outcome"], "session");
        for _ in 0..2 {
            let refused = run(&acme);
            assert_eq!((refused.status, refused.json()["code"].as_str()), (503, Some("bundle_damaged")), "{bytes}");
        }
        assert!(acme.get("/v1/audit").body.contains("bundle.refused"));
        assert!(!local.get("/v1/audit").body.contains("bundle.refused"));
        assert!(served.stop());
    }
}

#[test]
fn t42_a_tenant_that_floods_the_server_leaves_places_to_others() {
    let slow = LOGIN.replace("identity_lookup", "identity_lookup\n    delay { duration: 2s }");
    let folder = Folder::project(&slow);
    folder.write("users.jsonl", r#"{"email": "alice@example.com", "password": "correct horse battery staple"}"#);
    let served = Served::start(&folder, &["--most-runs", "8"]);
    let loud = As::key(&served, &served.key);
    let quiet = As::key(&served, &second(&folder, &As::key(&served, &operator(&folder))));
    let run = |tenant: &As<'_>| tenant.send("POST", "/v1/flows/login/runs", &request(None));
    std::thread::scope(|scope| {
        let flood: Vec<_> = (0..24).map(|_| scope.spawn(|| run(&loud).status)).collect();
        std::thread::sleep(Duration::from_millis(700));
        let answered = run(&quiet);
        assert_eq!((answered.status, answered.json()["outcome"].as_str()), (200, Some("session")), "{}", answered.body);
        let codes: Vec<u16> = flood.into_iter().map(|one| one.join().unwrap()).collect();
        let (served, refused) =
            (codes.iter().filter(|code| **code == 200).count(), codes.iter().filter(|code| **code == 429).count());
        assert!(served >= 6 && refused >= 1 && served + refused == 24, "{codes:?}");
    });
}

#[test]
fn t37_who_locks_an_account_does_not_lock_its_owner_out_of_a_known_device() {
    let guard = "identity_lookup\n    brute_force { by: \"user\", limit: 3 }\n    decision locked {\n      when step.brute-force.blocked -> yes { deny { reason: \"locked\" } }\n      default -> no\n    }";
    let folder = Folder::project(&LOGIN.replace("identity_lookup", guard));
    folder.write("users.jsonl", r#"{"email": "alice@example.com", "password": "correct horse battery staple"}"#);
    let served = Served::start(&folder, &["--database", "memory"]);
    let local = As::key(&served, &served.key);
    let run = |device: &str, ip: &str, password: &str| {
        let mut body = request(None);
        body["event"]["request"]["device"]["id"] = device.into();
        body["event"]["request"]["ip"] = ip.into();
        body["input"]["password"] = password.into();
        good(local.send("POST", "/v1/flows/login/runs", &body))
    };
    let right = "correct horse battery staple";
    assert_eq!(run("dev_own", "203.0.113.9", right)["outcome"], "session");
    for attempt in 0..5 {
        let refused = run("dev_attacker", "198.51.100.7", "wrong");
        assert_eq!(refused["reason"], if attempt < 3 { "invalid_credentials" } else { "locked" });
    }
    assert_eq!(run("dev_attacker", "198.51.100.7", right)["reason"], "locked");
    assert_eq!(
        run("dev_own", "203.0.113.9", right)["outcome"],
        "session",
        "from the device that they have signed in from"
    );
}

#[test]
fn the_first_keys_are_made_on_the_command_line() {
    let folder = Folder::project(LOGIN);
    let made = folder.admit("tenant create acme --format json").code(0).json();
    assert_eq!(made["slug"], "acme");
    folder.admit("tenant create acme").code(2).says("there is a tenant `acme` already");
    folder.admit("tenant create Acme").code(2).says("is not a tenant slug");
    folder.admit("keys create --scopes everything --tenant acme").code(2).says("there is no scope `everything`");
    let key = folder.admit("keys create --scopes run,read --tenant acme --name site --format json").code(0).json();
    let id = key["id"].as_str().unwrap();
    let listed = folder.admit("keys list --api --tenant acme").code(0);
    listed.says("run,read  site").says("first").hides(key["key"].as_str().unwrap().rsplit('.').next().unwrap());
    folder.admit(&format!("keys revoke {id} --tenant acme")).code(0);
    folder.admit(&format!("keys revoke {id} --tenant acme")).code(2).says("not revoked");
    folder.admit("keys list --api --tenant acme").code(0).says("revoked");
    folder.admit("tenant disable nobody").code(2).says("there is no tenant `nobody`");
}
