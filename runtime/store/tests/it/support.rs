//! What the store's tests share.

#[macro_use]
mod place;
mod postgres;
mod race;

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_runtime::host::{RunCommit, SuspendedRow};
use admit_runtime::tenant::TenantId;
use admit_runtime::trace::{Level, Trace, TraceEvent};
use admit_runtime::unit::{AuditEntry, Unit};
use admit_store::NewUser;
use admit_store::seal::SealKey;

pub use place::Place;
pub use race::{own_store, process, race, racer};

pub const SEED_CANARY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
pub const HASH_CANARY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Q0FOQVJZQ0FOQVJZ$Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2E";

pub fn tenant(slug: &str) -> TenantId {
    slug.parse().unwrap()
}

pub fn at(seconds: i64) -> Instant {
    Instant { seconds, nanos: 0 }
}

pub fn key() -> SealKey {
    SealKey::new([7; 32])
}

pub fn alice() -> NewUser {
    NewUser {
        id: Some("usr_alice".to_owned()),
        email: Some("Alice@Canary-Mail.example".to_owned()),
        phone: Some("+91 20 5550199".to_owned()),
        username: Some("canaryalice".to_owned()),
        groups: vec!["staff".to_owned()],
        password_hash: Some(HASH_CANARY.to_owned().into()),
        totp_secret: Some(SEED_CANARY.to_owned().into()),
        ..NewUser::default()
    }
}

pub fn entry(text: &str) -> AuditEntry {
    AuditEntry {
        kind: "flow.run_completed".to_owned(),
        actor: "usr_alice".to_owned(),
        target: "usr_alice".to_owned(),
        outcome: "success".to_owned(),
        data: Datum::Map(vec![(Datum::Str("note".into()), Datum::Str(text.into()))]),
    }
}

pub fn trace() -> Trace {
    let line = TraceEvent::Log { label: "x".into(), level: Level::Info, text: "canary-trace".to_owned() };
    Trace { events: vec![line] }
}

pub fn commit(run: &str, seq: u32, outcome: &str) -> RunCommit {
    RunCommit {
        run_id: run.to_owned(),
        flow: "login".to_owned(),
        bundle: [3; 32],
        seq,
        user_id: None,
        outcome: outcome.to_owned(),
        detail: None,
        suspended: None,
        context: None,
        kept: None,
        trace: Arc::new(trace()),
        unit: Unit { writes: Vec::new(), audit: vec![entry(&format!("{run}/{seq}"))] }.into(),
        at: at(1_000 + i64::from(seq)),
    }
}

pub fn suspended(run: &str, seq: u32, token: u8) -> RunCommit {
    RunCommit {
        suspended: Some(SuspendedRow {
            record: b"canary-record".to_vec(),
            token_hash: [token; 32],
            expires_at: at(2_000),
        }),
        ..commit(run, seq, "suspended")
    }
}
