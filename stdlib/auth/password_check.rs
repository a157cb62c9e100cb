//! `password_check`: the password against the stored hash; the same reads, work and answer whether the user is unknown,
//! has no password, is blocked or locked, or the password is wrong or empty.
//!
//! Failures are counted before the comparison (security.md decision 6), for the account from one address and for the
//! account from anywhere; a success sets both back. While a limit is exceeded every password is wrong, and so is a blocked
//! user's: who knows neither may not learn from the answer which it was. Every wrong answer is noted for `brute_force`.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Output, Prompt};
use admit_runtime::host::{BoxFuture, Credential, Host, StoreError};
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::{AuditEntry, Write};
use zeroize::Zeroizing;

use super::{Answer, Config, Outputs};
use crate::config::{Fields, event_text, failed_before, record, text, with_method};
use crate::failures::{self, Shown};
use crate::password::{NOBODY, Verdict, verify};

/// Failures from one address within a quarter of an hour.
const PER_ADDRESS: u64 = 10;
const ADDRESS_WINDOW: u64 = 15 * 60;
/// Failures from anywhere within a day (NIST SP 800-63B-4 section 3.2.2: at most 100 in a row).
const PER_ACCOUNT: u64 = 100;
const ACCOUNT_WINDOW: u64 = 24 * 60 * 60;
const PROMPT_SECONDS: u64 = 10 * 60;

/// See `password_check.admit`.
pub struct PasswordCheck;

/// What a user's password is compared with.
struct Subject {
    /// None: there is no such user.
    user: Option<(String, Datum)>,
    /// Counter key without its purpose.
    account: String,
}

impl Block for PasswordCheck {
    fn name(&self) -> &'static str {
        "password_check"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let attempts = Config::read(&call)?.attempts;
    let failed = failed_before(&call);
    let Some(answer) = Answer::read(call.input) else {
        return Ok(prompt(attempts, failed));
    };
    let password = Zeroizing::new(answer.password.expose().to_vec());

    let subject = subject(&call).await?;
    let locked = count(&call, &subject.account).await?;
    let id = subject.user.as_ref().map_or("usr_none", |(id, _)| id);
    let stored = call.host.store().credentials(call.tenant, id, "password").await?;
    let verdict = compare(call.host, password, stored.first()).await?;

    match (verdict, subject.user) {
        (Verdict::Right(better), Some((id, user))) if !locked && !is_blocked(&user) => {
            reset(call.host, call.tenant, &call, &subject.account).await?;
            failures::forget(&call, &subject.account, Shown::Password).await?;
            let needs_rehash = better.is_some();
            if let (Some(new), Some(old)) = (better, stored.first()) {
                let old = phc(old).unwrap_or_default().to_owned();
                call.unit.writes.push(Write::RehashPassword { user_id: id, old, new });
            }
            let sets = vec![with_method(call.event, "password")];
            let outputs = Outputs { verified: true, needs_rehash, locked: false };
            Ok(Done::Output(Output { user: Some(user), sets, ..outputs.into() }))
        }
        (Verdict::Right(_) | Verdict::Wrong, user) => {
            let blocked = user.as_ref().is_some_and(|(_, user)| is_blocked(user));
            let who = user.map_or_else(|| "anonymous".to_owned(), |(id, _)| id);
            failures::note(&call, &subject.account, Shown::Password).await?;
            call.unit.audit.push(failure(&who, call.label, locked, blocked));
            if failed + 1 < attempts {
                return Ok(prompt(attempts, failed + 1));
            }
            Ok(Done::Output(Outputs { verified: false, needs_rehash: false, locked }.into()))
        }
    }
}

/// The user that the run is about, or else whoever has the identifier. Both are read in any case, so that a lookup before
/// this block that found nobody changes nothing.
async fn subject(call: &Call<'_>) -> Result<Subject, StoreError> {
    let store = call.host.store();
    let known = event_text(call.event, "user.id");
    let identifier = event_text(call.event, "identifier").unwrap_or_default();
    let by_id = store.user(call.tenant, known.as_deref().unwrap_or("usr_none")).await?;
    let by_identifier = store.user_by_identifier(call.tenant, &identifier).await?;
    let (id, user) = match known {
        Some(id) => (Some(id), by_id),
        None => {
            let id = by_identifier.as_ref().and_then(|user| Fields(user).optional_text("id").ok().flatten());
            (id.map(str::to_owned), by_identifier)
        }
    };
    let account = match &id {
        Some(id) => format!("user:{id}"),
        None => format!("typed:{}", identifier.trim().to_lowercase()),
    };
    Ok(Subject { user: id.zip(user), account })
}

fn is_blocked(user: &Datum) -> bool {
    Fields(user).get("blocked") == Some(&Datum::Bool(true))
}

/// Counts this try before it is compared; true if there were too many.
async fn count(call: &Call<'_>, account: &str) -> Result<bool, StoreError> {
    let store = call.host.store();
    let near = store.count(call.tenant, &address_key(call, account), ADDRESS_WINDOW, call.now).await?;
    let all = store.count(call.tenant, &account_key(account), ACCOUNT_WINDOW, call.now).await?;
    Ok(near > PER_ADDRESS || all > PER_ACCOUNT)
}

async fn reset(host: &dyn Host, tenant: &TenantId, call: &Call<'_>, account: &str) -> Result<(), StoreError> {
    host.store().reset_count(tenant, &address_key(call, account)).await?;
    host.store().reset_count(tenant, &account_key(account)).await
}

fn address_key(call: &Call<'_>, account: &str) -> String {
    format!("password:{account}:{}", event_text(call.event, "request.ip").unwrap_or_default())
}

fn account_key(account: &str) -> String {
    format!("password:{account}")
}

/// The comparison, off the async threads; with a hash that nobody has where there is none.
async fn compare(
    host: &dyn Host,
    password: Zeroizing<Vec<u8>>,
    stored: Option<&Credential>,
) -> Result<Verdict, BlockError> {
    let known = stored.is_some();
    let stored = Zeroizing::new(stored.and_then(phc).unwrap_or(NOBODY).to_owned());
    let job = move || match verify(&password, &stored) {
        Verdict::Wrong => Datum::Bool(false),
        Verdict::Right(None) => Datum::Bool(true),
        Verdict::Right(Some(better)) => text(better),
    };
    Ok(match host.blocking(Box::new(job)).await? {
        Datum::Bool(true) if known => Verdict::Right(None),
        Datum::Str(better) if known => Verdict::Right(Some(better.into())),
        _ => Verdict::Wrong,
    })
}

fn phc(credential: &Credential) -> Option<&str> {
    std::str::from_utf8(credential.material.expose()).ok()
}

fn prompt(attempts: i64, failed: i64) -> Done {
    let mut challenge = vec![(text("kind"), text("password")), (text("attempts_left"), Datum::Int(attempts - failed))];
    if failed > 0 {
        challenge.push((text("problem"), text("identifier or password is wrong")));
    }
    Done::Prompt(Prompt {
        challenge: Datum::Map(challenge),
        memory: record([("failed", Datum::Int(failed))]),
        expires_in: PROMPT_SECONDS,
        wants: vec!["password"],
        takes: Vec::new(),
    })
}

fn failure(who: &str, label: &str, locked: bool, blocked: bool) -> AuditEntry {
    AuditEntry {
        kind: "user.password_failed".to_owned(),
        actor: who.to_owned(),
        target: who.to_owned(),
        outcome: "failure".to_owned(),
        data: record([("step", text(label)), ("locked", Datum::Bool(locked)), ("blocked", Datum::Bool(blocked))]),
    }
}
