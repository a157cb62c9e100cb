//! Refresh families, sessions and logging out, from the text of flows to a SQLite file that several openings share: T18, T34.

use std::path::Path;
use std::sync::{Arc, Mutex};

use admit_compiler::diagnostic::Level;
use admit_compiler::library::Library;
use admit_compiler::project::Project;
use admit_compiler::{check, lower};
use admit_eval::datum::Datum;
use admit_eval::json;
use admit_eval::value::Instant;
use admit_host::{Egress, KeyFile, Options, RealHost};
use admit_plan::{encode, verify};
use admit_runtime::action::Actions;
use admit_runtime::block::Tokens;
use admit_runtime::engine::{Engine, Params};
use admit_runtime::execute::{self, Answer, Known, Outcome, Start};
use admit_runtime::host::{BoxFuture, Host, HostError, HttpError, HttpRequest, HttpResponse, Secret, Store};
use admit_runtime::relying::{OAuthClient, Provider};
use admit_runtime::session::{self, ACCESS_TOKEN, SESSION_TOKEN, Sessions};
use admit_runtime::tenant::TenantId;
use admit_store::seal::SealKey;
use admit_store::{NewUser, SqlStore, Status};

use crate::support::{PASSWORD, TOTP};

const FLOWS: &[(&str, &str)] = &[
    ("admit.toml", "[project]\nname = \"tokens\"\ncatalogue = \"1\"\n"),
    (
        "flows/login.admit",
        r#"system flow login {
  stage pre-login {
    identity_lookup
    password_check
    decision known {
      when !step.password-check.verified -> wrong { deny { reason: "invalid_credentials" } }
      default -> right
    }
  }
  stage post-auth {}
  stage post-login {
    decision how {
      when event.client.type == "web" -> session { issue_session { ttl: 1h, idle: 10m } }
      default -> tokens { issue_tokens { ttl: 5m, session_ttl: 1h, idle: 10m } }
    }
  }
}
"#,
    ),
    (
        "flows/token-refresh.admit",
        r#"system flow token-refresh {
  stage pre-issue {
    refresh_token_validate
    decision good {
      when !step.refresh-token-validate.valid -> bad { deny { reason: "invalid_grant" } }
      default -> good
    }
    issue_tokens
  }
}
"#,
    ),
    (
        "flows/logout.admit",
        r#"system flow logout {
  stage pre-logout {
    logout
    finalize { redirect_to: step.logout.?redirect_to, result: {"ended": step.logout.ended} }
  }
}
"#,
    ),
];

/// The real host, with a clock that the test sets.
struct Timed {
    inner: RealHost,
    now: Arc<Mutex<Instant>>,
}

impl Host for Timed {
    fn now(&self) -> Instant {
        *self.now.lock().unwrap()
    }
    fn monotonic(&self) -> u64 {
        self.inner.monotonic()
    }
    fn random(&self, buffer: &mut [u8]) {
        self.inner.random(buffer);
    }
    fn sleep(&self, nanos: u64) -> BoxFuture<'_, ()> {
        self.inner.sleep(nanos)
    }
    fn blocking(&self, job: Box<dyn FnOnce() -> Datum + Send>) -> BoxFuture<'_, Result<Datum, HostError>> {
        self.inner.blocking(job)
    }
    fn store(&self) -> &dyn Store {
        self.inner.store()
    }
    fn http<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        self.inner.http(tenant, request)
    }
    fn secret<'a>(&'a self, tenant: &'a TenantId, name: &'a str) -> BoxFuture<'a, Result<Secret, HostError>> {
        self.inner.secret(tenant, name)
    }
    fn actions(&self) -> Option<&dyn Actions> {
        self.inner.actions()
    }
    fn may_redirect(&self, tenant: &TenantId, url: &str) -> bool {
        self.inner.may_redirect(tenant, url)
    }
    fn sign_jwt<'a>(
        &'a self,
        tenant: &'a TenantId,
        kind: &'a str,
        claims: &'a str,
    ) -> BoxFuture<'a, Result<String, HostError>> {
        self.inner.sign_jwt(tenant, kind, claims)
    }
    fn verify_jwt<'a>(
        &'a self,
        tenant: &'a TenantId,
        kind: &'a str,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Datum, HostError>> {
        self.inner.verify_jwt(tenant, kind, token)
    }
    fn provider(&self, tenant: &TenantId, name: &str) -> Option<&Provider> {
        self.inner.provider(tenant, name)
    }
    fn client(&self, tenant: &TenantId, id: &str) -> Option<&OAuthClient> {
        self.inner.client(tenant, id)
    }
}

/// What one process has.
struct Node {
    store: SqlStore,
    host: Timed,
    engine: Arc<Engine>,
    params: Params,
    tenant: TenantId,
}

/// Who sends a request.
#[derive(Clone, Copy)]
struct From {
    client: &'static str,
    kind: &'static str,
    device: &'static str,
}

const PHONE: From = From { client: "app", kind: "native", device: "dev_phone" };
const THIEF: From = From { client: "app", kind: "native", device: "dev_thief" };
const BROWSER: From = From { client: "site", kind: "web", device: "dev_browser" };

fn engine() -> Arc<Engine> {
    let files: Vec<(String, Vec<u8>)> =
        FLOWS.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    let (library, faults) = Library::load(&admit_stdlib::files());
    assert!(faults.is_empty(), "{faults:?}");
    let (project, faults) = Project::read(&library, &files);
    assert!(faults.is_empty(), "{faults:?}");
    let checked = check::check(&project, &library);
    let errors: Vec<_> = checked.diagnostics.iter().filter(|found| found.level == Level::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let units = admit_script::units(&project, &checked);
    let (scripts, _) = admit_script::compile(&units, &project.sources, &project.action_sources);
    let bundle = lower::build(&project, &library, &checked, &scripts).unwrap_or_else(|faults| panic!("{faults:?}"));
    let verified = verify::load(&encode::encode(&bundle).unwrap()).unwrap();
    Engine::from_verified(verified, &admit_stdlib::registry()).unwrap()
}

async fn node(dir: &Path, engine: &Arc<Engine>, now: &Arc<Mutex<Instant>>) -> Node {
    let database = dir.join("admit.db");
    let (keys, _) = KeyFile::open_or_create(&KeyFile::beside(&database)).unwrap();
    let store = SqlStore::open(&database, SealKey::new(keys.sealing())).await.unwrap();
    let client = OAuthClient {
        id: "site".to_owned(),
        post_logout_redirect_uris: vec!["https://site.example/bye".to_owned()],
        backchannel_logout_uri: Some("https://site.example/logout".to_owned()),
        frontchannel_logout_uri: None,
    };
    let options = Options { clients: vec![client], egress: Egress::default(), ..Options::default() };
    let inner = RealHost::new(Arc::new(store.clone()), keys, options).unwrap();
    let params = engine.params(&[]).unwrap();
    let host = Timed { inner, now: Arc::clone(now) };
    Node { store, host, engine: Arc::clone(engine), params, tenant: "local".parse().unwrap() }
}

/// A world of one node, with alice in it, at the real time.
async fn world(dir: &Path) -> (Node, Arc<Mutex<Instant>>) {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let now = Arc::new(Mutex::new(Instant { seconds: seconds.cast_signed(), nanos: 0 }));
    let node = node(dir, &engine(), &now).await;
    let alice = NewUser {
        id: Some("usr_alice".to_owned()),
        email: Some("alice@cymmetri.com".to_owned()),
        password_hash: Some(admit_stdlib::password::hash_password(PASSWORD.as_bytes()).unwrap().into()),
        totp_secret: Some(TOTP.to_owned().into()),
        ..NewUser::default()
    };
    node.store.add_user(&node.tenant, &alice, node.host.now()).await.unwrap();
    (node, now)
}

fn event(from: From, redirect: Option<&str>) -> String {
    let mut event: serde_json::Value = serde_json::from_str(admit_runtime::testing::baseline::EVENT).unwrap();
    event["client"]["id"] = from.client.into();
    event["client"]["type"] = from.kind.into();
    event["request"]["device"]["id"] = from.device.into();
    event["transaction"]["scopes"] = serde_json::json!(["read", "write"]);
    if let Some(redirect) = redirect {
        event["transaction"]["redirect_uri"] = redirect.into();
    }
    event.to_string()
}

impl Node {
    async fn run(&self, flow: &str, event: &str, input: serde_json::Value, known: Known) -> Answer {
        let input = Some(json::from_json(&input)).filter(|input| *input != Datum::Null);
        let start = Start { flow, event: event.as_bytes(), input, known };
        let options = execute::Options::default();
        self.engine.start(&self.host, &self.tenant, &self.params, start, options).await.unwrap()
    }

    async fn login(&self, from: From) -> Outcome {
        let input = serde_json::json!({"identifier": "alice@cymmetri.com", "password": PASSWORD});
        self.run("login", &event(from, None), input, Known::default()).await.outcome
    }

    async fn sign_in(&self, from: From) -> (Tokens, String) {
        match self.login(from).await {
            Outcome::Tokens { tokens, session } => (tokens, session.get("id").unwrap().as_str().unwrap().to_owned()),
            other => panic!("no tokens: {other:?}"),
        }
    }

    async fn refresh(&self, from: From, token: &str) -> Outcome {
        let input = serde_json::json!({ "refresh_token": token });
        self.run("token-refresh", &event(from, None), input, Known::default()).await.outcome
    }

    async fn refreshed(&self, from: From, token: &str) -> Tokens {
        match self.refresh(from, token).await {
            Outcome::Tokens { tokens, .. } => tokens,
            other => panic!("no tokens: {other:?}"),
        }
    }

    async fn is_refused(&self, from: From, token: &str) -> bool {
        let outcome = self.refresh(from, token).await;
        matches!(&outcome, Outcome::Deny { reason, .. } if reason == "invalid_grant")
    }

    async fn is_live(&self, session: &str) -> bool {
        self.store.use_session(&self.tenant, session, self.host.now()).await.unwrap().is_some()
    }

    async fn audited(&self, kind: &str) -> usize {
        let entries = self.store.audit(&self.tenant, 0, 100_000).await.unwrap();
        entries.iter().filter(|row| row.entry.kind == kind).count()
    }
}

fn refresh_of(tokens: &Tokens) -> &str {
    tokens.refresh_token.as_deref().unwrap()
}

fn pass(now: &Mutex<Instant>, seconds: i64) {
    now.lock().unwrap().seconds += seconds;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_a_refresh_token_is_exchanged_once_and_a_lost_answer_is_given_again() {
    let dir = tempfile::tempdir().unwrap();
    let (node, now) = world(dir.path()).await;
    let (first, session) = node.sign_in(PHONE).await;
    let second = node.refreshed(PHONE, refresh_of(&first)).await;
    assert_ne!(refresh_of(&first), refresh_of(&second));
    pass(&now, 10);
    let again = node.refreshed(PHONE, refresh_of(&first)).await;
    // Byte for byte, and nothing was made.
    assert_eq!((&again.access_token, &again.refresh_token), (&second.access_token, &second.refresh_token));
    assert!(again.is_again);
    let claims = node.host.verify_jwt(&node.tenant, ACCESS_TOKEN, &second.access_token).await.unwrap();
    let claims = json::to_json(&claims);
    assert_eq!((claims["sid"].as_str(), claims["scope"].as_str()), (Some(session.as_str()), Some("read write")));
    assert_eq!(claims["client_id"], "app");
    assert!(node.host.verify_jwt(&node.tenant, SESSION_TOKEN, &second.access_token).await.is_err(), "another kind");
    assert_eq!(node.audited("session.refreshed").await, 1);
    // The chain goes on from the child, and what the first one got is then forgotten.
    let third = node.refreshed(PHONE, refresh_of(&second)).await;
    assert_eq!(node.refreshed(PHONE, refresh_of(&second)).await.refresh_token, third.refresh_token);
    assert!(node.is_refused(PHONE, refresh_of(&first)).await);
    assert!(node.is_refused(PHONE, refresh_of(&third)).await, "the family is dead");
    assert!(!node.is_live(&session).await);
    // T39: no token is in the file.
    node.store.close().await;
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for token in [refresh_of(&first), refresh_of(&second), refresh_of(&third), &second.access_token] {
            assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_whoever_uses_a_copy_first_the_family_dies_when_it_is_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let (node, now) = world(dir.path()).await;
    for (one, other) in [(PHONE, THIEF), (THIEF, PHONE)] {
        for wait in [0, 11] {
            let (first, session) = node.sign_in(PHONE).await;
            let child = node.refreshed(one, refresh_of(&first)).await;
            pass(&now, wait);
            assert!(node.is_refused(other, refresh_of(&first)).await);
            assert!(node.is_refused(one, refresh_of(&child)).await && !node.is_live(&session).await);
        }
    }
    assert_eq!(node.audited("session.refresh_reused").await, 4);
    // Too late is no retry, also of the client itself; nor is a token before the previous one.
    let (first, session) = node.sign_in(PHONE).await;
    let child = node.refreshed(PHONE, refresh_of(&first)).await;
    pass(&now, 11);
    assert!(node.is_refused(PHONE, refresh_of(&first)).await && node.is_refused(PHONE, refresh_of(&child)).await);
    assert!(!node.is_live(&session).await);
    // Another client cannot use it, and whoever gave it away loses it.
    let (first, session) = node.sign_in(PHONE).await;
    assert!(node.is_refused(From { client: "other", ..PHONE }, refresh_of(&first)).await);
    assert!(node.is_refused(PHONE, refresh_of(&first)).await && !node.is_live(&session).await);
    // What nobody issued ends nothing.
    let (first, session) = node.sign_in(PHONE).await;
    for token in ["", "art_", "art_AAAA", &refresh_of(&first)[1..], &format!("{}A", refresh_of(&first))] {
        assert!(node.is_refused(PHONE, token).await, "{token}");
    }
    assert!(node.is_live(&session).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t18_a_thousand_raced_refreshes_mint_one_child() {
    let dir = tempfile::tempdir().unwrap();
    let (first_node, now) = world(dir.path()).await;
    let engine = Arc::clone(&first_node.engine);
    let (first, session) = first_node.sign_in(PHONE).await;
    let mut nodes = vec![Arc::new(first_node)];
    for _ in 0..3 {
        nodes.push(Arc::new(node(dir.path(), &engine, &now).await));
    }
    // So many at once as the four openings have connections: nobody waits so long that a block's time is over.
    let places = Arc::new(tokio::sync::Semaphore::new(32));
    let racers: Vec<_> = (0..1_000)
        .map(|index| {
            let (node, token) = (Arc::clone(&nodes[index % 4]), refresh_of(&first).to_owned());
            let places = Arc::clone(&places);
            tokio::spawn(async move {
                let _place = places.acquire().await.unwrap();
                node.refresh(PHONE, &token).await
            })
        })
        .collect();
    let mut pairs = std::collections::BTreeMap::new();
    let mut made = 0;
    for racer in racers {
        match racer.await.unwrap() {
            Outcome::Tokens { tokens, .. } => {
                made += usize::from(!tokens.is_again);
                *pairs.entry((tokens.access_token, tokens.refresh_token)).or_insert(0) += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((made, pairs.len(), pairs.values().sum::<i32>()), (1, 1, 1_000));
    let node = &nodes[0];
    assert!(node.is_live(&session).await);
    assert_eq!(node.audited("session.refreshed").await, 1);
    let ((_, child), _) = pairs.pop_first().unwrap();
    node.refreshed(PHONE, &child.unwrap()).await;
    assert!(node.store.verify_audit(&node.tenant).await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_scopes_do_not_grow_and_no_token_outlives_its_session() {
    let dir = tempfile::tempdir().unwrap();
    let (node, now) = world(dir.path()).await;
    let (first, session) = node.sign_in(PHONE).await;
    let refresh = |scopes: serde_json::Value, token: String| {
        let mut event: serde_json::Value = serde_json::from_str(&event(PHONE, None)).unwrap();
        event["transaction"]["scopes"] = scopes;
        let node = &node;
        async move {
            let input = serde_json::json!({ "refresh_token": token });
            node.run("token-refresh", &event.to_string(), input, Known::default()).await.outcome
        }
    };
    let more = refresh(serde_json::json!(["read", "admin"]), refresh_of(&first).to_owned()).await;
    assert!(matches!(&more, Outcome::Deny { reason, .. } if reason == "invalid_scope"), "{more:?}");
    let less = refresh(serde_json::json!(["read"]), refresh_of(&first).to_owned()).await;
    let Outcome::Tokens { tokens, .. } = less else { panic!("{less:?}") };
    assert_eq!(tokens.scope, "read");
    // Used every nine minutes, the session lasts its hour and no longer; the last access token ends with it.
    let (began, mut tokens) = (node.host.now().seconds, tokens);
    for _ in 0..6 {
        pass(&now, 9 * 60);
        tokens = node.refreshed(PHONE, refresh_of(&tokens)).await;
        assert!(tokens.expires_at <= began + 3_600);
    }
    pass(&now, 4 * 60);
    let last = node.refreshed(PHONE, refresh_of(&tokens)).await;
    assert_eq!(last.expires_at, began + 3_600);
    pass(&now, 2 * 60);
    assert!(node.is_refused(PHONE, refresh_of(&last)).await && !node.is_live(&session).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t34_sessions_that_are_over_begin_no_run_and_go_on_in_none() {
    let dir = tempfile::tempdir().unwrap();
    let (node, now) = world(dir.path()).await;
    let session_of = |outcome: Outcome| match outcome {
        Outcome::Session { token, session, .. } => (token, session.get("id").unwrap().as_str().unwrap().to_owned()),
        other => panic!("{other:?}"),
    };
    let known = |token: String| {
        let node = &node;
        async move { session::known(&node.host, &node.tenant, &token).await.unwrap() }
    };
    let (one, first) = session_of(node.login(BROWSER).await);
    let (two, second) = session_of(node.login(BROWSER).await);
    let (third, _) = session_of(node.login(BROWSER).await);
    assert_ne!(first, second, "each sign-in has an id of its own");
    assert!(known(one.clone()).await.is_some());
    // Garbage, another tenant's token and tokens of another kind are no session.
    let (tokens, _) = node.sign_in(PHONE).await;
    for token in ["", "a.b.c", &one[..one.len() - 1], &tokens.access_token, refresh_of(&tokens)] {
        assert!(known(token.to_owned()).await.is_none(), "{token}");
    }
    let other: TenantId = "other".parse().unwrap();
    assert!(session::known(&node.host, &other, &one).await.unwrap().is_none());
    // Idle too long.
    pass(&now, 9 * 60);
    assert!(known(two.clone()).await.is_some() && known(third.clone()).await.is_some());
    pass(&now, 9 * 60);
    assert!(known(one.clone()).await.is_none() && known(two.clone()).await.is_some());
    // Blocked.
    node.store.set_status(&node.tenant, "usr_alice", Status::Blocked).await.unwrap();
    assert!(known(two.clone()).await.is_none());
    node.store.set_status(&node.tenant, "usr_alice", Status::Active).await.unwrap();
    // Logged out: also the refresh tokens of that session, at once; other sessions stay.
    let begun = known(two.clone()).await.unwrap();
    let bye = event(BROWSER, Some("https://site.example/bye"));
    let answer = node.run("logout", &bye, serde_json::Value::Null, begun).await;
    assert_eq!(answer.outcome, Outcome::Finalized);
    assert_eq!(answer.redirect_to.as_deref(), Some("https://site.example/bye"));
    assert_eq!(answer.result, Some(Datum::record([("ended", Datum::Bool(true))])));
    assert!(known(two.clone()).await.is_none() && known(third.clone()).await.is_some());
    // Once more with it: not authenticated, and nothing is queued twice.
    let answer = node.run("logout", &bye, serde_json::Value::Null, known(two).await.unwrap_or_default()).await;
    assert!(matches!(&answer.outcome, Outcome::Deny { reason, .. } if reason == "not_authenticated"));
    assert_eq!(node.store.open_jobs(&node.tenant).await.unwrap(), 1, "the back channel is told once");
    // An address that nobody has registered is not gone to.
    let begun = known(third).await.unwrap();
    let evil = event(BROWSER, Some("https://site.example.evil.example/bye"));
    let answer = node.run("logout", &evil, serde_json::Value::Null, begun).await;
    assert_eq!((answer.outcome, answer.redirect_to), (Outcome::Finalized, None));
    assert_eq!(node.audited("session.revoked").await, 2);
}

/// The wall clock is set an hour back and forth, again and again: a token lives at most as much longer, whatever was done meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f11_a_clock_that_steps_an_hour_lets_no_token_outlive_its_time_by_more() {
    const STEP: i64 = 3_600;
    let dir = tempfile::tempdir().unwrap();
    let (node, now) = world(dir.path()).await;
    let ask = serde_json::json!({ "identifier": "alice@cymmetri.com" });
    for step in [-STEP, STEP, -STEP, STEP] {
        let (tokens, session) = node.sign_in(PHONE).await;
        let began = node.host.now().seconds;
        let asked = node.run("login", &event(PHONE, None), ask.clone(), Known::default()).await.outcome;
        let Outcome::Suspended { resume_token, expires_at, .. } = asked else { panic!("{asked:?}") };
        pass(&now, step);
        // Set back, a token is younger than it was; set forth, it is too old: both are answers.
        let refreshed = match node.refresh(PHONE, refresh_of(&tokens)).await {
            Outcome::Tokens { tokens, .. } => {
                assert!(step < 0 && tokens.expires_at <= began + STEP, "it ends with the session at the latest");
                tokens
            }
            Outcome::Deny { .. } => {
                assert!(step > 0);
                tokens
            }
            other => panic!("{other:?}"),
        };
        // By a clock that nobody sets, its time is over by now and the step as well.
        pass(&now, 3_600 + STEP + 1);
        assert!(node.is_refused(PHONE, refresh_of(&refreshed)).await && !node.is_live(&session).await);
        assert!(expires_at.seconds < node.host.now().seconds);
        let bundles = |_| Some((Arc::clone(&node.engine), node.params.clone()));
        let password = Some(json::from_json(&serde_json::json!({ "password": PASSWORD })));
        let options = execute::Options::default();
        let resumed = execute::resume(&bundles, &node.host, &node.tenant, &resume_token, password, options).await;
        assert_eq!(resumed.err(), Some(execute::StepError::NoRun));
        pass(&now, -step);
    }
    assert!(node.store.verify_audit(&node.tenant).await.unwrap().is_ok());
}
