//! The login of `examples/cymmetri` from text to a session: compiled, run by the engine on the real host and a SQLite
//! file, suspended, and resumed by another opening of that file.

use std::path::Path;
use std::sync::Arc;

use admit_compiler::library::Library;
use admit_compiler::project::Project;
use admit_compiler::{check, lower};
use admit_eval::json;
use admit_host::{KeyFile, Options, RealHost};
use admit_plan::{encode, verify};
use admit_runtime::engine::{Engine, Params};
use admit_runtime::execute::{self, Known, Outcome, Start, StepError};
use admit_runtime::host::{Host, StoreError};
use admit_runtime::session::SESSION_TOKEN;
use admit_runtime::tenant::TenantId;
use admit_stdlib::password::{hash_password, password_hash_fault};
use admit_store::seal::SealKey;
use admit_store::{Passwords, SqlStore, Status, parse_users};
use totp_rs::{Algorithm, Builder};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/cymmetri");
const WRONG: &str = r#"{"identifier": "alice@cymmetri.com", "password": "Tr0ub4dor&3"}"#;
const NOBODY: &str = r#"{"identifier": "nobody@cymmetri.com", "password": "Tr0ub4dor&3"}"#;

/// What one process has.
struct Node {
    store: SqlStore,
    host: RealHost,
    engine: Arc<Engine>,
    params: Params,
    tenant: TenantId,
}

fn project_files(folder: &Path, below: &str, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{below}{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            project_files(&path, &format!("{name}/"), files);
        } else if [".admit", ".toml", ".txt", ".ts"].iter().any(|end| name.ends_with(end)) {
            files.push((name, std::fs::read(&path).unwrap()));
        }
    }
    files.sort();
}

async fn node(dir: &Path) -> Node {
    let mut files = Vec::new();
    project_files(Path::new(EXAMPLE), "", &mut files);
    let (library, faults) = Library::load(&admit_stdlib::files());
    assert!(faults.is_empty(), "{faults:?}");
    let (project, faults) = Project::read(&library, &files);
    assert!(faults.is_empty(), "{faults:?}");
    let checked = check::check(&project, &library);
    let units = admit_script::units(&project, &checked);
    let (scripts, faults) = admit_script::compile(&units, &project.sources, &project.action_sources);
    assert!(faults.is_empty(), "{faults:?}");
    let bundle = lower::build(&project, &library, &checked, &scripts).unwrap_or_else(|faults| panic!("{faults:?}"));
    let verified = verify::load(&encode::encode(&bundle).unwrap()).unwrap();
    let engine = Engine::from_verified(verified, &admit_stdlib::registry()).unwrap();
    let params = engine.params(&[]).unwrap();
    let database = dir.join("admit.db");
    let (keys, _) = KeyFile::open_or_create(&KeyFile::beside(&database)).unwrap();
    let store = SqlStore::open(&database, SealKey::new(keys.sealing())).await.unwrap();
    let host = RealHost::new(Arc::new(store.clone()), keys, Options::default()).unwrap();
    Node { store, host, engine, params, tenant: "local".parse().unwrap() }
}

/// A node with the example's users.
async fn seeded(dir: &Path) -> Node {
    let node = node(dir).await;
    let text = std::fs::read_to_string(format!("{EXAMPLE}/users.jsonl")).unwrap();
    let passwords = Passwords { hash: &|password| hash_password(password), fault: &password_hash_fault };
    let users = parse_users(&text, &passwords).unwrap_or_else(|faults| panic!("{faults:?}"));
    node.store.import_users(&node.tenant, &users, node.host.now()).await.unwrap();
    node
}

fn example(file: &str) -> String {
    std::fs::read_to_string(format!("{EXAMPLE}/{file}")).unwrap()
}

/// A request from elsewhere: another device, another country.
fn elsewhere(device: &str, country: &str) -> String {
    let mut event: serde_json::Value = serde_json::from_str(&example("events/office.json")).unwrap();
    if let Some(request) = event.get_mut("request") {
        *request.get_mut("device").unwrap() = serde_json::json!({"id": device});
        *request.get_mut("geo").unwrap() = serde_json::json!({"country": country});
    }
    event.to_string()
}

impl Node {
    async fn login(&self, event: &str, input: &str) -> Outcome {
        let input = json::from_json(&serde_json::from_str(input).unwrap());
        let start = Start { flow: "login", event: event.as_bytes(), input: Some(input), known: Known::default() };
        let options = execute::Options::default();
        self.engine.start(&self.host, &self.tenant, &self.params, start, options).await.unwrap().outcome
    }

    async fn resume(&self, token: &str, code: &str) -> Result<Outcome, StepError> {
        let bundles = |hash: [u8; 32]| (hash == self.engine.hash()).then(|| (self.engine.clone(), self.params.clone()));
        let input = json::from_json(&serde_json::json!({"code": code}));
        execute::resume(&bundles, &self.host, &self.tenant, token, Some(input), execute::Options::default())
            .await
            .map(|answer| answer.outcome)
    }

    /// What the authenticator app of the example's users shows.
    fn code(&self) -> String {
        let seed = totp_rs::Secret::try_from_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_step_duration(30)
            .with_secret(seed)
            .build_noncompliant();
        totp.generate(self.host.now().seconds.unsigned_abs()).to_string()
    }
}

fn token_of(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Suspended { label, resume_token, .. } => {
            assert_eq!(label, "mfa");
            resume_token.clone()
        }
        other => panic!("not suspended: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_login_of_the_example_ends_in_a_session() {
    let dir = tempfile::tempdir().unwrap();
    let first = seeded(dir.path()).await;
    let (office, alice) = (example("events/office.json"), example("inputs/alice.json"));
    let Outcome::Session { session, token, .. } = first.login(&office, &alice).await else { panic!("no session") };
    assert_eq!(session.get("aal").and_then(|aal| aal.as_str()), Some("aal1"));
    assert!(first.host.verify_jwt(&first.tenant, SESSION_TOKEN, &token).await.is_ok());

    // The same answer whether the password or the user is wrong.
    for input in [WRONG, NOBODY] {
        let Outcome::Deny { reason, user_message } = first.login(&office, input).await else { panic!("let in") };
        let shown = (reason.as_str(), user_message.as_deref());
        assert_eq!(shown, ("invalid_credentials", Some("The user name or password is not right.")));
    }
    let tor = first.login(&example("events/tor.json"), &alice).await;
    assert!(matches!(&tor, Outcome::Deny { reason, .. } if reason == "high_risk"), "{tor:?}");

    // Another device in another country is a medium risk: the run waits for a code.
    let waiting = first.login(&elsewhere("dev_other", "BR"), &alice).await;
    let resume_token = token_of(&waiting);
    first.store.close().await;
    drop(first);

    // Another process: a wrong code, then racing resumes of which exactly one goes on.
    let second = Arc::new(node(dir.path()).await);
    let again = second.resume(&resume_token, "000000").await.unwrap();
    assert_eq!(second.resume(&resume_token, "000000").await.err(), Some(StepError::Taken));
    let resume_token = token_of(&again);
    let code = second.code();
    let racers: Vec<_> = (0..16)
        .map(|_| {
            let (node, token, code) = (second.clone(), resume_token.clone(), code.clone());
            tokio::spawn(async move { node.resume(&token, &code).await })
        })
        .collect();
    let mut sessions = Vec::new();
    for racer in racers {
        match racer.await.unwrap() {
            Ok(Outcome::Session { session, .. }) => sessions.push(session),
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert_eq!(error, StepError::Taken),
        }
    }
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions.first().and_then(|session| session.get("aal")?.as_str()), Some("aal2"));

    // The code is spent: a second run that is given it does not end in a session.
    let spent = token_of(&second.login(&elsewhere("dev_third", "CL"), &alice).await);
    assert!(!matches!(second.resume(&spent, &code).await, Ok(Outcome::Session { .. })));

    let entries = second.store.audit(&second.tenant, 0, 100).await.unwrap();
    assert_eq!(second.store.verify_audit(&second.tenant).await.unwrap(), Ok(entries.len() as u64));
    let kinds = |kind: &str| entries.iter().filter(|row| row.entry.kind == kind).count();
    assert_eq!((kinds("session.issued"), kinds("mfa.verified"), kinds("flow.run_completed")), (2, 1, 5));
    no_canary(
        dir.path(),
        &[&resume_token, &token, &code, "correct horse battery staple", "alice@cymmetri.com", "203.0.113.9"],
    );
}

#[tokio::test]
async fn a_user_who_is_blocked_while_the_run_waits_gets_no_session() {
    let dir = tempfile::tempdir().unwrap();
    let node = seeded(dir.path()).await;
    let (office, alice) = (example("events/office.json"), example("inputs/alice.json"));
    assert!(matches!(node.login(&office, &alice).await, Outcome::Session { .. }));
    let token = token_of(&node.login(&elsewhere("dev_other", "BR"), &alice).await);
    let user = node.store.find_user(&node.tenant, "alice@cymmetri.com").await.unwrap().unwrap();
    node.store.set_status(&node.tenant, &user.id, Status::Blocked).await.unwrap();
    let outcome = node.resume(&token, &node.code()).await.unwrap();
    assert!(matches!(&outcome, Outcome::Deny { reason, .. } if reason == "user_blocked"), "{outcome:?}");
    assert_eq!(node.store.set_status(&node.tenant, "usr_nobody", Status::Active).await, Err(StoreError::NotFound));
}

fn no_canary(dir: &Path, canaries: &[&str]) {
    for file in std::fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for canary in canaries.iter().filter(|canary| canary.len() > 6) {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "`{canary}` is in {}", path.display());
        }
    }
}
