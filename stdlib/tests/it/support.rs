//! What the tests of blocks share: a world of real parts, and one call of a block in it.

use std::sync::{Arc, LazyLock};

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_host::{Egress, KeyFile, Options, Outlets, RealHost, Secrets};
use admit_plan::types::Type;
use admit_runtime::block::{BlockError, Call, Done, Event, Input, Output, Prompt};
use admit_runtime::host::{Host, RunCommit, Secret, Store, StoreError};
use admit_runtime::message::NoTexts;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::Unit;
use admit_store::seal::SealKey;
use admit_store::{NewUser, SqlStore};
use smol_str::SmolStr;

pub const PASSWORD: &str = "correct horse battery staple";
/// `12345678901234567890` of the RFCs in base32.
pub const TOTP: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// Codes of that seed for steps 0 to 9 (RFC 4226 appendix D).
pub const CODES: [&str; 10] =
    ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];

/// The hash of the password: made once, since it takes as long as a world besides.
static HASH: LazyLock<String> =
    LazyLock::new(|| admit_stdlib::password::hash_password(PASSWORD.as_bytes()).unwrap().to_string());

pub struct World {
    pub dir: tempfile::TempDir,
    pub store: SqlStore,
    pub host: RealHost,
    pub tenant: TenantId,
}

/// One call of a block.
#[derive(Default)]
pub struct Given {
    pub config: Vec<(&'static str, Datum)>,
    pub config_secrets: Vec<(String, Secret)>,
    pub claims: Vec<(SmolStr, Datum)>,
    pub session: Option<Datum>,
    pub types: Vec<(String, Type)>,
    pub event: Vec<(&'static str, Datum)>,
    /// Secret input: name and value.
    pub input: Option<(&'static str, String)>,
    /// Input that is not secret.
    pub fields: Vec<(&'static str, Datum)>,
    pub memory: Option<Datum>,
    /// The run's id; `run_1` where it is left out.
    pub run: Option<String>,
    pub at: i64,
}

struct Paths(Vec<(&'static str, Datum)>);

impl Event for Paths {
    fn get(&self, path: &str) -> Option<Datum> {
        self.0.iter().find(|(known, _)| *known == path).map(|(_, value)| value.clone())
    }
}

pub fn text(value: &str) -> Datum {
    Datum::Str(value.into())
}

pub fn words(list: &[&str]) -> Datum {
    Datum::List(list.iter().map(|word| text(word)).collect())
}

pub fn at(seconds: i64) -> Instant {
    Instant { seconds, nanos: 0 }
}

/// A world with one user, alice, who has a password and TOTP.
pub async fn world() -> World {
    world_with(Egress::default(), Secrets::default()).await
}

pub async fn world_with(egress: Egress, secrets: Secrets) -> World {
    world_of(Options { egress, secrets, ..Options::default() }).await
}

/// A world that takes messages; these tests look at the queue and deliver nothing.
pub async fn mail_world() -> World {
    let link_base = Some("https://login.example.com".to_owned());
    let dir = std::env::temp_dir().join("admit-mail-of-tests");
    world_of(Options { outlets: Outlets { mailbox: Some(dir), link_base, ..Outlets::default() }, ..Options::default() })
        .await
}

pub async fn world_of(options: Options) -> World {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("admit.db");
    let (keys, _) = KeyFile::open_or_create(&KeyFile::beside(&database)).unwrap();
    let store = SqlStore::open(&database, SealKey::new(keys.sealing())).await.unwrap();
    let tenant: TenantId = "local".parse().unwrap();
    let alice = NewUser {
        id: Some("usr_alice".to_owned()),
        email: Some("alice@cymmetri.com".to_owned()),
        password_hash: Some(HASH.clone().into()),
        totp_secret: Some(TOTP.to_owned().into()),
        ..NewUser::default()
    };
    let bob = NewUser { id: Some("usr_bob".to_owned()), username: Some("bob".to_owned()), ..NewUser::default() };
    for user in [alice, bob] {
        store.add_user(&tenant, &user, at(1)).await.unwrap();
    }
    let host = RealHost::new(Arc::new(store.clone()), keys, options).unwrap();
    World { dir, store, host, tenant }
}

impl World {
    pub async fn run(&self, block: &str, given: Given, unit: &mut Unit) -> Result<Done, BlockError> {
        run_on(&self.host, &self.tenant, block, given, unit).await
    }

    pub async fn commit(&self, run: &str, unit: Unit) -> Result<(), StoreError> {
        self.commit_in(&self.store, run, unit).await
    }

    /// The same at this time.
    pub async fn commit_at(&self, run: &str, unit: Unit, seconds: i64) -> Result<(), StoreError> {
        self.commit_of(&self.store, run, unit, seconds).await
    }

    /// As another process with the file open has it.
    pub async fn commit_in(&self, store: &SqlStore, run: &str, unit: Unit) -> Result<(), StoreError> {
        self.commit_of(store, run, unit, 100).await
    }

    async fn commit_of(&self, store: &SqlStore, run: &str, unit: Unit, seconds: i64) -> Result<(), StoreError> {
        let commit = RunCommit {
            run_id: run.to_owned(),
            flow: "login".to_owned(),
            bundle: [0; 32],
            seq: 0,
            user_id: Some("usr_alice".to_owned()),
            outcome: "session".to_owned(),
            detail: None,
            suspended: None,
            context: None,
            kept: None,
            trace: Arc::default(),
            unit: Arc::new(unit),
            at: at(seconds),
        };
        store.commit(&self.tenant, commit).await
    }
}

/// One call of a block in whatever world this host stands for.
pub async fn run_on(
    host: &dyn Host,
    tenant: &TenantId,
    block: &str,
    given: Given,
    unit: &mut Unit,
) -> Result<Done, BlockError> {
    let registry = admit_stdlib::registry();
    let block = registry.get(block).unwrap().clone();
    let config = Datum::Map(given.config.into_iter().map(|(name, value)| (text(name), value)).collect());
    let event = Paths(given.event);
    let input = Input {
        fields: given.fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        secrets: given
            .input
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Secret::new(value.into_bytes())))
            .collect(),
    };
    let input = (!input.fields.is_empty() || !input.secrets.is_empty()).then_some(input);
    let call = Call {
        tenant,
        host,
        now: at(given.at),
        run_id: given.run.as_deref().unwrap_or("run_1"),
        flow: "login",
        label: "the-step",
        config: &config,
        secrets: &given.config_secrets,
        types: &given.types,
        event: &event,
        input: input.as_ref(),
        memory: given.memory.as_ref(),
        unit,
        time_left: 2_000,
        action: None,
        session: given.session.as_ref(),
        claims: &given.claims,
        texts: &NoTexts,
    };
    block.run(call).await
}

pub fn output(done: Result<Done, BlockError>) -> Output {
    match done.unwrap() {
        Done::Output(output) => output,
        other => panic!("no output: {}", name(&other)),
    }
}

pub fn prompt(done: Result<Done, BlockError>) -> Prompt {
    match done.unwrap() {
        Done::Prompt(prompt) => prompt,
        other => panic!("no prompt: {}", name(&other)),
    }
}

pub fn denied(done: Result<Done, BlockError>) -> String {
    match done.unwrap() {
        Done::Deny { reason, .. } => reason,
        other => panic!("no deny: {}", name(&other)),
    }
}

pub fn field(output: &Output, name: &str) -> Datum {
    output.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or(Datum::Null)
}

pub fn name(done: &Done) -> String {
    match done {
        Done::Output(output) => format!("output {:?}", output.fields),
        Done::Prompt(prompt) => format!("prompt {:?}", prompt.challenge),
        Done::Deny { reason, .. } => format!("deny {reason}"),
        Done::Settle(_) => "settled".to_owned(),
        Done::Stubbed(_) => "stubbed".to_owned(),
        Done::Acted(_) => "acted".to_owned(),
    }
}
