//! Passkeys: what `webauthn_begin`, `webauthn_finish`, `mfa`, `require_mfa`, `require_mfa_enroll` and `credential_set` share.
//!
//! A ceremony is options and one answer. Its challenge is in the run's sealed record, so it is of this run alone, and in the
//! store, where it is taken by compare-and-set whatever the answer was: nobody answers it twice.

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_eval::value::Instant;
use admit_runtime::block::{BlockError, Call, Prompt};
use admit_runtime::unit::{AuditEntry, Challenge, Material, NewCredential, Write};
use admit_webauthn::{
    Algorithm, Asserting, AssertionResponse, CHALLENGE_BYTES, Passkey, Refusal, Registering, RegistrationResponse,
    RelyingParty, ResidentKey, User, UserVerification, assertion_options, registration_options, verify_assertion,
    verify_registration,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

use crate::config::{Fields, event_text, fresh_id, record, text};

/// The kind of credential in the store.
pub(crate) const KIND: &str = "webauthn";
/// How long a ceremony may take (section 15.1 of WebAuthn recommends five to ten minutes).
const SECONDS: u64 = 5 * 60;
/// The longest user handle (section 5.4.3).
const LONGEST_HANDLE: usize = 64;

/// What an assertion shall be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub verification: UserVerification,
    /// The user's passkeys are named, where the user is known.
    pub names_passkeys: bool,
}

/// What was asked, read back from options that were given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    challenge: Vec<u8>,
    verification: UserVerification,
    allowed: Vec<Vec<u8>>,
}

/// What a passkey has shown.
pub(crate) struct Shown {
    /// Whose it is: the record `event.user`.
    pub user: Datum,
    /// base64url
    pub credential_id: String,
    pub sign_count: u32,
    pub backed_up: bool,
    pub user_verified: bool,
}

/// Options to show a passkey. Their challenge goes to the unit of work.
///
/// # Errors
/// `not_configured`; the store.
pub(crate) async fn begin_assertion(
    call: &mut Call<'_>,
    wish: Wish,
    user_id: Option<&str>,
) -> Result<Datum, BlockError> {
    let party = party(call)?;
    let known = match user_id.filter(|_| wish.names_passkeys) {
        Some(id) => passkeys(call, id).await?.into_iter().map(|(_, passkey)| passkey).collect(),
        None => Vec::new(),
    };
    let mut allowed: Vec<(Vec<u8>, Vec<String>)> = known.into_iter().map(|each| (each.id, each.transports)).collect();
    let named = event_text(call.event, "identifier").or_else(|| user_id.map(str::to_owned));
    if let (true, true, Some(named)) = (wish.names_passkeys, allowed.is_empty(), named) {
        allowed = decoys(call, &named)?;
    }
    let challenge = fresh_challenge(call, user_id);
    let allowed = allowed.iter().map(|(id, transports)| (id.as_slice(), transports.as_slice()));
    let options = assertion_options(&party, &challenge, allowed, wish.verification, SECONDS * 1000);
    Ok(json::from_json(&options))
}

/// The question to the user.
pub(crate) fn ask(options: &Datum) -> Prompt {
    Prompt {
        challenge: record([("kind", text(KIND)), (KIND, ceremony("get", options))]),
        memory: record([]),
        expires_in: SECONDS,
        wants: vec!["credential"],
        takes: Vec::new(),
    }
}

/// What the pages of the command line and of the server know a ceremony by.
pub(crate) fn ceremony(which: &str, options: &Datum) -> Datum {
    record([("ceremony", text(which)), ("options", options.clone())])
}

/// Checks the answer to options; none where it is refused, which is audited. Whatever it is, the challenge is taken.
///
/// # Errors
/// `not_configured`; the store.
pub(crate) async fn finish_assertion(
    call: &mut Call<'_>,
    asked: &Asked,
    user_id: Option<&str>,
    credential: &Datum,
) -> Result<Option<Shown>, BlockError> {
    let party = party(call)?;
    call.unit.writes.push(Write::TakeChallenge { id: challenge_id(&asked.challenge) });
    match checked(call, &party, asked, user_id, credential).await? {
        Ok(shown) => Ok(Some(shown)),
        Err((who, refusal)) => {
            let who = who.or_else(|| user_id.map(str::to_owned)).unwrap_or_else(|| "anonymous".to_owned());
            let kind = match refusal {
                Refusal::CounterRollback { .. } => "webauthn.counter_rollback",
                _ => "webauthn.refused",
            };
            call.unit.audit.push(entry(kind, &who, "failure", call.label, &refusal.to_string()));
            Ok(None)
        }
    }
}

/// Who it was of, as far as that is known, and why it is refused.
type Refused = (Option<String>, Refusal);

async fn checked(
    call: &mut Call<'_>,
    party: &RelyingParty,
    asked: &Asked,
    user_id: Option<&str>,
    credential: &Datum,
) -> Result<Result<Shown, Refused>, BlockError> {
    let response = match AssertionResponse::read(json::to_json(credential).to_string().as_bytes()) {
        Ok(response) => response,
        Err(refusal) => return Ok(Err((None, refusal))),
    };
    let unknown = Refusal::CredentialId("nobody here has it");
    let owner = match user_id {
        Some(id) => Some(id.to_owned()),
        None => {
            let store = call.host.store();
            let found = store.credential_by_external_id(call.tenant, KIND, response.credential_id()).await?;
            found.map(|found| found.user_id)
        }
    };
    let Some(owner) = owner else { return Ok(Err((None, unknown))) };
    let known = passkeys(call, &owner).await?;
    let found = known.into_iter().find(|(_, passkey)| passkey.id == response.credential_id());
    let user = call.user(&owner).await?.filter(|user| Fields(user).get("blocked") != Some(&Datum::Bool(true)));
    let (Some((stored, passkey)), Some(user)) = (found, user) else { return Ok(Err((Some(owner), unknown))) };
    let asserting = Asserting {
        challenge: &asked.challenge,
        verification: asked.verification,
        user_handle: &handle(&owner),
        is_usernameless: user_id.is_none(),
        allowed: &asked.allowed,
        sign_count: stored.counter,
    };
    let shown = match verify_assertion(party, asserting, &passkey, &response) {
        Ok(shown) => shown,
        Err(refusal) => return Ok(Err((Some(owner), refusal))),
    };
    if shown.sign_count > 0 {
        // A conflict where another run has counted further meanwhile: then this one is the copy's.
        let to = i64::from(shown.sign_count);
        call.unit.writes.push(Write::AdvanceCounter { credential_id: stored.id, to });
    }
    call.unit.audit.push(entry("webauthn.verified", &owner, "success", call.label, "passkey"));
    Ok(Ok(Shown {
        user,
        credential_id: URL_SAFE_NO_PAD.encode(&passkey.id),
        sign_count: shown.sign_count,
        backed_up: shown.backed_up,
        user_verified: shown.user_verified,
    }))
}

/// Options to make a passkey for the user, beside those that they have. Their challenge goes to the unit of work.
///
/// # Errors
/// `not_configured`; the store.
pub(crate) async fn begin_registration(call: &mut Call<'_>, user_id: &str) -> Result<Datum, BlockError> {
    let party = party(call)?;
    let known: Vec<Passkey> = passkeys(call, user_id).await?.into_iter().map(|(_, passkey)| passkey).collect();
    let user = call.user(user_id).await?.unwrap_or(Datum::Null);
    let word = |name| Fields(&user).optional_text(name).ok().flatten();
    let name = ["email", "username", "phone"].into_iter().find_map(word).unwrap_or(user_id);
    let display_name = word("name").unwrap_or(name);
    let challenge = fresh_challenge(call, Some(user_id));
    let user = User { handle: &handle(user_id), name, display_name };
    let wish = (UserVerification::Preferred, ResidentKey::Preferred);
    Ok(json::from_json(&registration_options(&party, &challenge, user, &known, wish, SECONDS * 1000)))
}

/// Checks a passkey that was made for those options, and stores it; the id of the credential (`crd_...`), or none where it is
/// refused, which is audited. Whatever it is, the challenge is taken.
///
/// # Errors
/// `not_configured`; the store.
pub(crate) async fn finish_registration(
    call: &mut Call<'_>,
    options: &Datum,
    user_id: &str,
    credential: &Datum,
) -> Result<Option<String>, BlockError> {
    let party = party(call)?;
    let Some(asked) = Asked::read(options) else { return Ok(None) };
    call.unit.writes.push(Write::TakeChallenge { id: challenge_id(&asked.challenge) });
    let registering =
        Registering { challenge: &asked.challenge, verification: asked.verification, algorithms: &Algorithm::ALL };
    let response = RegistrationResponse::read(json::to_json(credential).to_string().as_bytes());
    let mut registered = response.and_then(|response| verify_registration(&party, registering, &response));
    if let Ok(new) = &registered {
        // Section 7.1 step 26; the store refuses the second of two that race.
        let store = call.host.store();
        if store.credential_by_external_id(call.tenant, KIND, &new.passkey.id).await?.is_some() {
            registered = Err(Refusal::CredentialId("somebody has it already"));
        }
    }
    let passkey = match registered {
        Ok(registered) => registered.passkey,
        Err(refusal) => {
            call.unit.audit.push(entry("webauthn.refused", user_id, "failure", call.label, &refusal.to_string()));
            return Ok(None);
        }
    };
    let id = fresh_id(call.host, "crd");
    let data = record([
        ("credential_id", text(URL_SAFE_NO_PAD.encode(&passkey.id))),
        ("backup_eligible", Datum::Bool(passkey.backup_eligible)),
        ("transports", Datum::List(passkey.transports.iter().map(text).collect())),
    ]);
    call.unit.writes.push(Write::InsertCredential(Box::new(NewCredential {
        id: id.clone(),
        user_id: user_id.to_owned(),
        kind: KIND.to_owned(),
        material: Material::new(passkey.to_bytes()),
        data,
        counter: Some(i64::from(passkey.sign_count)),
        external_id: Some(passkey.id),
    })));
    Ok(Some(id))
}

impl Asked {
    /// From options; none where they are none.
    pub(crate) fn read(options: &Datum) -> Option<Self> {
        let fields = Fields(options);
        let word = |name| fields.optional_text(name).ok().flatten();
        let challenge = URL_SAFE_NO_PAD.decode(word("challenge")?).ok()?;
        let selection = fields.get("authenticatorSelection");
        let verification = match selection.map_or_else(
            || word("userVerification"),
            |selection| Fields(selection).optional_text("userVerification").ok().flatten(),
        )? {
            "required" => UserVerification::Required,
            "preferred" => UserVerification::Preferred,
            "discouraged" => UserVerification::Discouraged,
            _ => return None,
        };
        let mut allowed = Vec::new();
        if let Some(Datum::List(list)) = fields.get("allowCredentials") {
            for each in list {
                allowed.push(URL_SAFE_NO_PAD.decode(Fields(each).optional_text("id").ok()??).ok()?);
            }
        }
        (challenge.len() == CHALLENGE_BYTES).then_some(Self { challenge, verification, allowed })
    }
}

/// A passkey's id in the store, and the counter of its last assertion.
struct Stored {
    id: String,
    counter: u32,
}

/// The user's passkeys.
async fn passkeys(call: &Call<'_>, user_id: &str) -> Result<Vec<(Stored, Passkey)>, BlockError> {
    let known = call.credentials(user_id, KIND).await?;
    let read = known.into_iter().filter_map(|credential| {
        let passkey = Passkey::from_bytes(credential.material.expose())?;
        // A counter that does not fit is as high as can be: nothing passes.
        let counter = credential.counter.unwrap_or(0);
        let counter = u32::try_from(counter).unwrap_or(u32::MAX).max(passkey.sign_count);
        Some((Stored { id: credential.id, counter }, passkey))
    });
    Ok(read.collect())
}

/// The id of a passkey that nobody has, and how it would be reached.
type Decoy = (Vec<u8>, Vec<String>);

/// Ids of passkeys that nobody has, the same each time for the same name (T19). As many and as long as many have.
fn decoys(call: &Call<'_>, named: &str) -> Result<Vec<Decoy>, BlockError> {
    let named = named.trim().to_lowercase();
    let hash = |of: &str| call.host.keyed_hash(call.tenant, "passkey decoys", format!("{of}:{named}").as_bytes());
    let shape = hash("shape")?;
    let [first, second, ..] = shape;
    let count = if first % 8 == 0 { 2 } else { 1 };
    let length = match second % 4 {
        0 => 16,
        1 => 20,
        _ => 32,
    };
    let transports = match second / 64 {
        0 => vec!["internal".to_owned()],
        _ => vec!["hybrid".to_owned(), "internal".to_owned()],
    };
    let mut decoys = Vec::with_capacity(count);
    for number in 0..count {
        let id = hash(&format!("id {number}"))?;
        decoys.push((id.into_iter().take(length).collect(), transports.clone()));
    }
    Ok(decoys)
}

fn fresh_challenge(call: &mut Call<'_>, user_id: Option<&str>) -> Vec<u8> {
    let mut challenge = vec![0; CHALLENGE_BYTES];
    call.host.random(&mut challenge);
    call.unit.writes.push(Write::InsertChallenge(Box::new(Challenge {
        id: challenge_id(&challenge),
        kind: KIND.to_owned(),
        run_id: Some(call.run_id.to_owned()),
        user_id: user_id.map(str::to_owned),
        secret: Material::new(challenge.as_slice()),
        by_secret: false,
        data: record([]),
        max_attempts: 1,
        expires_at: Instant { seconds: call.now.seconds.saturating_add(SECONDS.cast_signed()), ..call.now },
    })));
    challenge
}

/// The id under which the store keeps a challenge.
fn challenge_id(challenge: &[u8]) -> String {
    let hash = digest(&SHA256, challenge);
    format!("chl_{}", URL_SAFE_NO_PAD.encode(hash))
}

/// What authenticators keep of a user: the id, or its hash where that is too long.
fn handle(user_id: &str) -> Vec<u8> {
    if user_id.len() <= LONGEST_HANDLE {
        user_id.as_bytes().to_vec()
    } else {
        digest(&SHA256, user_id.as_bytes()).as_ref().to_vec()
    }
}

/// The project says who asks for passkeys.
///
/// # Errors
/// `not_configured`.
pub(crate) fn configured(call: &Call<'_>) -> Result<(), BlockError> {
    party(call).map(|_| ())
}

fn party(call: &Call<'_>) -> Result<RelyingParty, BlockError> {
    let party = call.host.relying_party(call.tenant).ok_or_else(|| BlockError::Named {
        name: "not_configured",
        detail: "admit.toml has no `[webauthn]`: name `rp_id` and `origins`".to_owned(),
    })?;
    Ok(RelyingParty { id: party.id, name: party.name, origins: party.origins, top_origins: Vec::new() })
}

fn entry(kind: &str, who: &str, outcome: &str, label: &str, detail: &str) -> AuditEntry {
    AuditEntry {
        kind: kind.to_owned(),
        actor: who.to_owned(),
        target: who.to_owned(),
        outcome: outcome.to_owned(),
        data: record([("step", text(label)), ("detail", text(detail))]),
    }
}
