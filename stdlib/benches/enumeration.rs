//! Whether time tells who exists: `identity_lookup` and `password_check` on a SQLite file, for an unknown user, a wrong
//! password, a locked, a blocked and a password-less user, and an empty password, interleaved at random.
//!
//! ```sh
//! cargo bench -p admit-stdlib --bench enumeration -- --samples 10000
//! cargo bench -p admit-stdlib --bench enumeration -- --samples 10000 --leak
//! ```
//!
//! Each pair of classes is compared by Welch's t over the samples below the pooled 99th percentile. It passes if |t| is
//! less than 4.5, or if the means differ by less than 1 % of the time of one Argon2id hash with the parameters in use.
//! `--leak` lets one class take 5 % of that time longer, and passes only if that is found. `--append FILE` adds the
//! samples to a file and judges all that it holds, so that a long run can be done in pieces; `--seed N` gives each piece
//! an order of its own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot run says why and stops"
)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_host::{KeyFile, Options, RealHost};
use admit_runtime::block::{Call, Done, Event, Input, Registry};
use admit_runtime::host::Secret;
use admit_runtime::message::NoTexts;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::Unit;
use admit_stdlib::password::hash_password;
use admit_store::seal::SealKey;
use admit_store::{NewUser, SqlStore};

#[path = "enumeration/statistics.rs"]
mod statistics;

/// What an attacker sends.
const CLASSES: [&str; 6] = ["unknown", "wrong", "locked", "blocked", "no-password", "empty"];
/// The class that takes longer with `--leak`.
const LEAKING: usize = 1;
const LEAK: f64 = 0.05;
const DAY: i64 = 24 * 60 * 60;
const PASSWORD: &str = "correct horse battery staple";

struct Args {
    samples: usize,
    seed: u64,
    leak: bool,
    append: Option<PathBuf>,
}

struct World {
    store: SqlStore,
    host: RealHost,
    blocks: Registry,
    tenant: TenantId,
    // Removed when the world goes.
    _dir: tempfile::TempDir,
}

struct Seen {
    identifier: String,
    user_id: Option<String>,
}

impl Event for Seen {
    fn get(&self, path: &str) -> Option<Datum> {
        match path {
            "identifier" => Some(text(&self.identifier)),
            "user.id" => self.user_id.as_deref().map(text),
            "request.ip" => Some(text("203.0.113.9")),
            _ => None,
        }
    }
}

fn main() -> ExitCode {
    let args = match args() {
        Ok(args) => args,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(world());
    let argon2 = argon2_time();
    println!(
        "{} samples of each class, seed {}; one Argon2id hash (19 MiB, 2 passes, as in use): {:.3} ms",
        args.samples,
        args.seed,
        argon2 * 1e3,
    );
    let leak = Duration::from_secs_f64(if args.leak { LEAK * argon2 } else { 0.0 });
    let mut samples = runtime.block_on(measure(&world, &args, leak));
    if let Some(path) = &args.append {
        samples = statistics::appended(path, &samples).unwrap();
    }
    let found = statistics::judge(&CLASSES, &samples, argon2);
    let passed = found == args.leak;
    println!(
        "{}: {}",
        if passed { "passed" } else { "FAILED" },
        match (args.leak, found) {
            (false, false) => "no class can be told by its time",
            (false, true) => "a class can be told by its time",
            (true, true) => "the planted leak of 5 % is found",
            (true, false) => "the planted leak of 5 % is not found",
        }
    );
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs every class equally often, in random order; seconds by class.
async fn measure(world: &World, args: &Args, leak: Duration) -> Vec<Vec<f64>> {
    let mut order: Vec<usize> = (0..CLASSES.len()).flat_map(|class| vec![class; args.samples]).collect();
    let mut random = args.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for last in (1..order.len()).rev() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        order.swap(last, usize::try_from(random % (last as u64 + 1)).unwrap());
    }
    lock(world).await;
    for class in 0..CLASSES.len() {
        once(world, class, DAY * (2 + i64::try_from(class).unwrap())).await;
    }
    let mut samples = vec![Vec::with_capacity(args.samples); CLASSES.len()];
    for (number, class) in order.into_iter().enumerate() {
        // A day passes between the tries, so that nobody is locked but who is meant to be.
        let now = DAY * (100 + i64::try_from(number).unwrap());
        let start = Clock::now();
        once(world, class, now).await;
        if class == LEAKING && !leak.is_zero() {
            let until = Clock::now() + leak;
            while Clock::now() < until {
                std::hint::spin_loop();
            }
        }
        samples[class].push(start.elapsed().as_secs_f64());
    }
    samples
}

/// Both blocks for one request; checks that nobody is let in and who is locked.
async fn once(world: &World, class: usize, now: i64) {
    let (identifier, password) = match CLASSES[class] {
        "unknown" => ("nobody@cymmetri.com", "wrong horse battery staple"),
        "locked" => ("locked@cymmetri.com", PASSWORD),
        "blocked" => ("blocked@cymmetri.com", PASSWORD),
        "no-password" => ("without@cymmetri.com", "wrong horse battery staple"),
        "empty" => ("alice@cymmetri.com", ""),
        _ => ("alice@cymmetri.com", "wrong horse battery staple"),
    };
    // The locked user's window never ends.
    let now = if CLASSES[class] == "locked" { 1 } else { now };
    let mut seen = Seen { identifier: identifier.to_owned(), user_id: None };
    let config =
        [("identifier", text(identifier)), ("must_exist", Datum::Bool(false)), ("must_not_exist", Datum::Bool(false))];
    let Done::Output(found) = run(world, "identity_lookup", &config, &seen, None, now).await else {
        panic!("no output")
    };
    seen.user_id = found.user.as_ref().and_then(|user| user.get("id")?.as_str().map(str::to_owned));
    let config = [("attempts", Datum::Int(1))];
    let Done::Output(checked) = run(world, "password_check", &config, &seen, Some(password), now).await else {
        panic!("no output")
    };
    let is = |name: &str| checked.fields.iter().any(|(known, value)| known == name && *value == Datum::Bool(true));
    assert!(!is("verified") && checked.user.is_none(), "{identifier} was let in");
    assert_eq!(is("locked"), CLASSES[class] == "locked", "{identifier}");
}

async fn run(
    world: &World,
    block: &str,
    config: &[(&str, Datum)],
    event: &Seen,
    password: Option<&str>,
    now: i64,
) -> Done {
    let config = Datum::Map(config.iter().map(|(name, value)| (text(name), value.clone())).collect());
    let input = password.map(|password| Input {
        fields: Vec::new(),
        secrets: vec![("password".to_owned(), Secret::new(password.as_bytes()))],
    });
    let call = Call {
        tenant: &world.tenant,
        host: &world.host,
        now: Instant { seconds: now, nanos: 0 },
        run_id: "run_1",
        flow: "login",
        label: "step",
        config: &config,
        secrets: &[],
        types: &[],
        event,
        input: input.as_ref(),
        memory: None,
        unit: &mut Unit::default(),
        time_left: 2_000,
        action: None,
        claims: &[],
        texts: &NoTexts,
        session: None,
    };
    world.blocks.get(block).unwrap().run(call).await.unwrap()
}

async fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("admit.db");
    let (keys, _) = KeyFile::open_or_create(&KeyFile::beside(&database)).unwrap();
    let store = SqlStore::open(&database, SealKey::new(keys.sealing())).await.unwrap();
    let tenant: TenantId = "local".parse().unwrap();
    for (name, has_password, blocked) in
        [("alice", true, false), ("locked", true, false), ("blocked", true, true), ("without", false, false)]
    {
        let user = NewUser {
            id: Some(format!("usr_{name}")),
            email: Some(format!("{name}@cymmetri.com")),
            password_hash: has_password.then(|| hash_password(PASSWORD.as_bytes()).unwrap().into()),
            blocked,
            ..NewUser::default()
        };
        store.add_user(&tenant, &user, Instant { seconds: 1, nanos: 0 }).await.unwrap();
    }
    let host = RealHost::new(Arc::new(store.clone()), keys, Options::default()).unwrap();
    World { store, host, blocks: admit_stdlib::registry(), tenant, _dir: dir }
}

/// Locks the one who is to be locked: as many tries as it takes, counted as the block counts them.
async fn lock(world: &World) {
    use admit_runtime::host::Store as _;
    for key in ["password:user:usr_locked:203.0.113.9", "password:user:usr_locked"] {
        for _ in 0..101 {
            world.store.count(&world.tenant, key, 15 * 60, Instant { seconds: 1, nanos: 0 }).await.unwrap();
        }
    }
}

/// Seconds of one hash: the median of 21.
fn argon2_time() -> f64 {
    let mut times: Vec<f64> = (0..21)
        .map(|_| {
            let start = Clock::now();
            std::hint::black_box(hash_password(b"correct horse battery staple").unwrap());
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[10]
}

fn args() -> Result<Args, String> {
    let mut found = Args { samples: 200, seed: 1, leak: false, append: None };
    let mut given = std::env::args().skip(1);
    while let Some(word) = given.next() {
        let mut value = || given.next().ok_or(format!("`{word}` takes a value"));
        match word.as_str() {
            "--samples" => found.samples = value()?.parse().map_err(|error| format!("--samples: {error}"))?,
            "--seed" => found.seed = value()?.parse().map_err(|error| format!("--seed: {error}"))?,
            "--append" => found.append = Some(value()?.into()),
            "--leak" => found.leak = true,
            // Cargo's own.
            "--bench" => {}
            other => {
                return Err(format!(
                    "unknown argument `{other}`; known are --samples N, --seed N, --append FILE, --leak"
                ));
            }
        }
    }
    Ok(found)
}

fn text(value: &str) -> Datum {
    Datum::Str(value.into())
}
