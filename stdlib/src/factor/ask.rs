//! Asking for a second factor: what `mfa` and `require_mfa` share.
//!
//! One prompt serves all factors. The challenge names the factors that the user has among those allowed and the one that is
//! asked for now; the answer holds what that one shows, or `factor` to be asked for another. Tries are counted, for the
//! account over all its runs and factors, before anything is compared.

use admit_eval::datum::Datum;
use admit_eval::value::Span;
use admit_runtime::block::{BlockError, Call, Done, Output, Prompt};
use admit_runtime::unit::{Unit, Write};
use admit_webauthn::UserVerification;

use crate::config::{Fields, event_text, field_input, record, secret_input, text, with_method};
use crate::factor::{Factor, account, backup, code, count, device, enrolled, entry};
use crate::passkey::{Asked, Wish, begin_assertion, ceremony, finish_assertion};

const PROMPT_SECONDS: u64 = 5 * 60;
/// Who nobody is: there are no credentials of theirs.
const NOBODY: &str = "usr_none";

/// What the declaration asks for.
pub(crate) struct Ask {
    /// Factors that count, the one to ask for first at the front.
    pub factors: Vec<Factor>,
    pub attempts: i64,
    pub must_verify: bool,
    /// How long a device may be trusted; none: no device is.
    pub remember: Option<Span>,
    /// The block has the outputs `factor` and `trusted_device`.
    pub says_factor: bool,
}

/// What the block keeps over its suspensions.
#[derive(Default)]
struct State {
    failed: i64,
    /// What was asked for.
    factor: Option<Factor>,
    /// Hash of the token that the last challenge offered.
    device: Option<[u8; 32]>,
    /// The options that the last challenge held, for a passkey.
    options: Option<Datum>,
}

/// What is asked of whom.
struct Asking<'a> {
    ask: &'a Ask,
    user_id: Option<String>,
    /// The factors that may be chosen.
    usable: Vec<Factor>,
}

/// One visit of the block: prompts, or compares what was submitted.
pub(crate) async fn ask(call: Call<'_>, ask: Ask) -> Result<Done, BlockError> {
    let user_id = event_text(call.event, "user.id");
    let usable = match &user_id {
        Some(id) => enrolled(&call, id, &ask.factors).await?,
        // Somebody unknown is asked like anybody.
        None => ask.factors.first().copied().into_iter().collect(),
    };
    let asking = Asking { ask: &ask, user_id, usable };
    let mut state = State::read(call.memory);
    if trusted(&call, &asking).await? {
        return Ok(asking.trusted(call));
    }
    let Some(first) = asking.usable.first().copied() else {
        // A known user without a factor cannot pass.
        return Ok(asking.not_verified(call.unit, call.label, "no_factor"));
    };
    let wanted = match field_input(call.input, "factor") {
        None => state.factor.unwrap_or(first),
        Some(word) => match word.as_str().and_then(Factor::of).filter(|factor| asking.usable.contains(factor)) {
            Some(factor) => factor,
            None => {
                let problem = "this factor is not set up or not taken here";
                return asking.prompt(call, state, first, Some(problem)).await;
            }
        },
    };
    if wanted == Factor::WebAuthn {
        return asking.passkey(call, state).await;
    }
    let Some(shown) = secret_input(call.input, "code") else {
        return asking.prompt(call, state, wanted, None).await;
    };

    let account = account(&call, asking.user_id.as_deref());
    let too_many = count(&call, &account).await?;
    let user_id = asking.user_id.as_deref().unwrap_or(NOBODY);
    let taken = match wanted {
        Factor::Totp => code::compare(&call, user_id, shown.expose()).await?,
        Factor::BackupCode => backup::compare(&call, user_id, shown.expose()).await?,
        // Asked above: a passkey shows no code.
        Factor::WebAuthn => None,
    };
    if let (Some(write), Some(id), false) = (taken, &asking.user_id, too_many) {
        call.host.store().reset_count(call.tenant, &account).await?;
        let remembered = asking.trust(&call, &state, id);
        call.unit.writes.push(write);
        call.unit.writes.extend(remembered);
        call.unit.audit.push(entry("mfa.verified", id, "success", call.label, wanted.word()));
        let sets = vec![with_method(call.event, wanted.word())];
        return Ok(Done::Output(Output { fields: asking.fields(true, Some(wanted)), user: None, sets }));
    }
    state.failed += 1;
    if state.failed < ask.attempts && !too_many {
        let who = asking.user_id.as_deref().unwrap_or("anonymous");
        call.unit.audit.push(entry("mfa.failed", who, "failure", call.label, "wrong_code"));
        return asking.prompt(call, state, wanted, Some("the code is wrong, or was used before")).await;
    }
    Ok(asking.not_verified(call.unit, call.label, "wrong_code"))
}

/// The device that asks is one that the user trusts.
async fn trusted(call: &Call<'_>, asking: &Asking<'_>) -> Result<bool, BlockError> {
    match (asking.ask.remember, secret_input(call.input, "device_token"), &asking.user_id) {
        // Who has no factor has none to spare.
        (Some(_), Some(token), Some(id)) if !asking.usable.is_empty() => {
            device::is_trusted(call, id, token.expose()).await
        }
        (_, _, _) => Ok(false),
    }
}

impl Asking<'_> {
    async fn prompt(
        &self,
        mut call: Call<'_>,
        mut state: State,
        factor: Factor,
        problem: Option<&str>,
    ) -> Result<Done, BlockError> {
        state.factor = Some(factor);
        state.device = None;
        let mut challenge = vec![
            (text("kind"), text("mfa")),
            (text("factors"), Datum::List(self.usable.iter().map(|factor| text(factor.word())).collect())),
            (text("factor"), text(factor.word())),
            (text("attempts_left"), Datum::Int(self.ask.attempts - state.failed)),
        ];
        if self.ask.remember.is_some() {
            let (token, hash) = device::fresh(call.host);
            state.device = Some(hash);
            challenge.push((text("device_token"), text(token)));
        }
        state.options = None;
        if factor == Factor::WebAuthn {
            // A second factor beside what was shown before: its owner need not be verified by it, too.
            let wish = Wish { verification: UserVerification::Preferred, names_passkeys: true };
            let options = begin_assertion(&mut call, wish, self.user_id.as_deref()).await?;
            challenge.push((text("webauthn"), ceremony("get", &options)));
            state.options = Some(options);
        }
        challenge.extend(problem.map(|problem| (text("problem"), text(problem))));
        Ok(Done::Prompt(Prompt {
            challenge: Datum::Map(challenge),
            memory: state.record(),
            expires_in: PROMPT_SECONDS,
        }))
    }

    /// A visit whose factor is a passkey. Its tries are not counted for the account: nobody guesses one.
    async fn passkey(&self, mut call: Call<'_>, mut state: State) -> Result<Done, BlockError> {
        let asked = state.options.as_ref().and_then(Asked::read);
        let (Some(asked), Some(credential)) = (asked, field_input(call.input, "credential").cloned()) else {
            return self.prompt(call, state, Factor::WebAuthn, None).await;
        };
        // Somebody unknown has no passkey, whatever is shown.
        let shown = match &self.user_id {
            Some(id) => finish_assertion(&mut call, &asked, Some(id), &credential).await?,
            None => None,
        };
        if let (Some(_), Some(id)) = (shown, &self.user_id) {
            let remembered = self.trust(&call, &state, id);
            call.unit.writes.extend(remembered);
            call.unit.audit.push(entry("mfa.verified", id, "success", call.label, Factor::WebAuthn.word()));
            let sets = vec![with_method(call.event, Factor::WebAuthn.word())];
            let fields = self.fields(true, Some(Factor::WebAuthn));
            return Ok(Done::Output(Output { fields, user: None, sets }));
        }
        state.failed += 1;
        if state.failed < self.ask.attempts {
            let who = self.user_id.as_deref().unwrap_or("anonymous");
            call.unit.audit.push(entry("mfa.failed", who, "failure", call.label, "passkey_refused"));
            return self.prompt(call, state, Factor::WebAuthn, Some("the passkey was refused")).await;
        }
        Ok(self.not_verified(call.unit, call.label, "passkey_refused"))
    }

    /// What makes the device trusted, if it was asked for and may be.
    fn trust(&self, call: &Call<'_>, state: &State, user_id: &str) -> Option<Write> {
        let wanted = field_input(call.input, "remember_device") == Some(&Datum::Bool(true));
        let (time, hash) = self.ask.remember.filter(|_| wanted).zip(state.device)?;
        Some(device::trust(call, user_id, hash, time))
    }

    fn trusted(&self, call: Call<'_>) -> Done {
        let who = self.user_id.as_deref().unwrap_or("anonymous");
        call.unit.audit.push(entry("mfa.device_trusted", who, "success", call.label, "trusted_device"));
        Done::Output(Output { fields: self.fields(true, None), ..Output::default() })
    }

    fn not_verified(&self, unit: &mut Unit, label: &str, why: &str) -> Done {
        unit.audit.push(entry("mfa.failed", self.user_id.as_deref().unwrap_or("anonymous"), "failure", label, why));
        if self.ask.must_verify {
            Done::Deny { reason: "mfa_failed".to_owned(), user_message: None }
        } else {
            Done::Output(Output { fields: self.fields(false, None), ..Output::default() })
        }
    }

    fn fields(&self, verified: bool, factor: Option<Factor>) -> Vec<(String, Datum)> {
        let mut fields = vec![("verified".to_owned(), Datum::Bool(verified))];
        if self.ask.says_factor {
            fields.push(("factor".to_owned(), text(factor.map_or("none", Factor::word))));
            fields.push(("trusted_device".to_owned(), Datum::Bool(verified && factor.is_none())));
        }
        fields
    }
}

impl State {
    fn read(memory: Option<&Datum>) -> Self {
        let Some(memory) = memory.map(Fields) else { return Self::default() };
        let word = |name| memory.optional_text(name).ok().flatten();
        Self {
            failed: memory.optional_int("failed").ok().flatten().unwrap_or(0),
            factor: word("factor").and_then(Factor::of),
            device: word("device").and_then(device::hash_of),
            options: memory.get("options").filter(|options| **options != Datum::Null).cloned(),
        }
    }

    fn record(&self) -> Datum {
        record([
            ("failed", Datum::Int(self.failed)),
            ("factor", self.factor.map_or(Datum::Null, |factor| text(factor.word()))),
            ("device", self.device.map_or(Datum::Null, device::hash_text)),
            ("options", self.options.clone().unwrap_or(Datum::Null)),
        ])
    }
}
