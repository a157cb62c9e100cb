//! Asking for a second factor: what `mfa` and `require_mfa` share.
//!
//! One prompt serves all factors. The challenge names the factors that the user has among those allowed and the one that is
//! asked for now; the answer holds what that one shows, or `factor` to be asked for another. Tries are counted, for the
//! account over all its runs and factors, before anything is compared.

use admit_eval::datum::Datum;
use admit_eval::value::Span;
use admit_runtime::block::{BlockError, Call, Done, Output, Prompt};
use admit_runtime::host::{ChallengeOf, Tried};
use admit_runtime::unit::{Unit, Write};
use admit_webauthn::UserVerification;
use zeroize::Zeroizing;

use crate::challenge::out_of_band::{Delivery, FACTOR_DIGITS, FACTOR_SECONDS, Sent, send, send_again};
use crate::challenge::{self, FACTOR};
use crate::config::{Fields, event_text, field_input, record, secret_input, text, with_method};
use crate::factor::{Factor, account, address, backup, code, count, device, enrolled, entry, makes_two};
use crate::failures::{self, Shown};
use crate::passkey::{Asked, Wish, begin_assertion, ceremony, finish_assertion};

const PROMPT_SECONDS: u64 = 5 * 60;
/// Who nobody is: there are no credentials of theirs.
const NOBODY: &str = "usr_none";

/// The text of codes that are sent, where nothing is said.
pub(crate) const TEMPLATE: &str = "code";

/// What the declaration asks for.
pub(crate) struct Ask {
    /// Factors that count, the one to ask for first at the front.
    pub factors: Vec<Factor>,
    pub attempts: i64,
    pub must_verify: bool,
    /// How long a device may be trusted; none: no device is.
    pub remember: Option<Span>,
    /// The text of codes that are sent, by name.
    pub template: String,
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
    /// Codes that were sent, by factor.
    sent: Vec<(Factor, Sent)>,
}

/// What is asked of whom.
struct Asking<'a> {
    ask: &'a Ask,
    user_id: Option<String>,
    /// The factors that may be chosen.
    usable: Vec<Factor>,
}

/// Why an answer was none: for the audit log, and for the user.
type Why = (&'static str, &'static str);

const WRONG: Why = ("wrong_code", "the code is wrong, or was used before");
const RUN_OUT: Why = ("expired_code", "the code has run out: ask for another one");
const REFUSED: Why = ("passkey_refused", "the passkey was refused");

/// One visit of the block: prompts, or compares what was submitted.
pub(crate) async fn ask(call: Call<'_>, ask: Ask) -> Result<Done, BlockError> {
    let user_id = event_text(call.event, "user.id");
    let usable = match &user_id {
        Some(id) => enrolled(&call, id, &ask.factors).await?,
        // Somebody unknown is asked like anybody.
        None => ask.factors.first().copied().into_iter().collect(),
    };
    let asking = Asking { ask: &ask, user_id, usable };
    let state = State::read(call.memory);
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
                let asked = state.factor.unwrap_or(first);
                return asking.visit(call, state, asked, Some(problem)).await;
            }
        },
    };
    asking.visit(call, state, wanted, None).await
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
    /// Asks for this factor, or compares what was shown of it. With a problem nothing is compared.
    async fn visit(
        &self,
        call: Call<'_>,
        state: State,
        wanted: Factor,
        problem: Option<&str>,
    ) -> Result<Done, BlockError> {
        let shown = secret_input(call.input, "code")
            .filter(|_| problem.is_none())
            .map(|shown| Zeroizing::new(shown.expose().to_vec()));
        match (wanted, shown) {
            (Factor::WebAuthn, _) if problem.is_none() => self.passkey(call, state).await,
            (Factor::WebAuthn, _) | (Factor::Totp | Factor::BackupCode, None) => {
                self.prompt(call, state, wanted, problem).await
            }
            (Factor::Totp | Factor::BackupCode, Some(shown)) => self.code(call, state, wanted, &shown).await,
            (Factor::Sms | Factor::Email, shown) => self.sent_code(call, state, wanted, shown, problem).await,
        }
    }

    /// A code of an app, a token or the user's list.
    async fn code(&self, call: Call<'_>, state: State, wanted: Factor, shown: &[u8]) -> Result<Done, BlockError> {
        let too_many = count(&call, &account(&call, self.user_id.as_deref())).await?;
        let user_id = self.user_id.as_deref().unwrap_or(NOBODY);
        let taken = match wanted {
            Factor::Totp => code::compare(&call, user_id, shown).await?,
            Factor::BackupCode => backup::compare(&call, user_id, shown).await?,
            // Shown otherwise.
            Factor::WebAuthn | Factor::Sms | Factor::Email => None,
        };
        match taken.filter(|_| !too_many) {
            Some(write) => self.verified(call, &state, wanted, Some(write), false).await,
            None => self.failed(call, state, wanted, WRONG, too_many).await,
        }
    }

    /// A code that is sent: by this block, when the factor is asked for.
    async fn sent_code(
        &self,
        mut call: Call<'_>,
        mut state: State,
        wanted: Factor,
        shown: Option<Zeroizing<Vec<u8>>>,
        problem: Option<&str>,
    ) -> Result<Done, BlockError> {
        let Some(channel) = wanted.channel() else { return self.prompt(call, state, wanted, problem).await };
        let again = field_input(call.input, "resend") == Some(&Datum::Bool(true)) && problem.is_none();
        let before = state.sent_for(wanted).cloned();
        if let (Some(before), false, Some(shown)) = (&before, again, shown) {
            return self.compare_sent(call, state, wanted, before, &shown).await;
        }
        let mut said = problem.map(str::to_owned);
        if before.is_none() || again {
            let subject = challenge::subject(&call).await?;
            let to = match &self.user_id {
                Some(id) => address(&call, id, wanted).await?,
                None => None,
            };
            let delivery = Delivery {
                kind: FACTOR,
                channel,
                user_id: self.user_id.as_deref(),
                to: to.as_deref(),
                typed: subject.typed(),
                template: &self.ask.template,
                ttl: Span { seconds: FACTOR_SECONDS, nanos: 0 },
                digits: FACTOR_DIGITS,
            };
            match &before {
                None => {
                    let posted = send(&mut call, &delivery, None).await?;
                    if !posted.left {
                        said = Some("no more codes can be sent for now".to_owned());
                    }
                    state.sent.push((wanted, posted.sent));
                }
                Some(before) => match send_again(&mut call, &delivery, before).await? {
                    Ok(sent) => {
                        state.sent.retain(|(factor, _)| *factor != wanted);
                        state.sent.push((wanted, sent));
                    }
                    Err(why) => said = Some(why),
                },
            }
        }
        self.prompt(call, state, wanted, said.as_deref()).await
    }

    async fn compare_sent(
        &self,
        call: Call<'_>,
        state: State,
        wanted: Factor,
        sent: &Sent,
        shown: &[u8],
    ) -> Result<Done, BlockError> {
        let too_many = count(&call, &account(&call, self.user_id.as_deref())).await?;
        let typed = challenge::typed_code(shown);
        let of =
            ChallengeOf { id: &sent.challenge, kind: FACTOR, run_id: call.run_id, user_id: self.user_id.as_deref() };
        match call.host.store().try_challenge(call.tenant, of, &typed, call.now).await? {
            Tried::Right { .. } if !too_many => {
                let met = Write::TakeChallenge { id: sent.challenge.clone() };
                self.verified(call, &state, wanted, Some(met), false).await
            }
            Tried::Expired => self.failed(call, state, wanted, RUN_OUT, too_many).await,
            Tried::Right { .. } | Tried::Wrong { .. } | Tried::Spent | Tried::Unknown => {
                self.failed(call, state, wanted, WRONG, too_many).await
            }
        }
    }

    /// A visit whose factor is a passkey. Its tries are not counted for the account: nobody guesses one.
    async fn passkey(&self, mut call: Call<'_>, state: State) -> Result<Done, BlockError> {
        let asked = state.options.as_ref().and_then(Asked::read);
        let (Some(asked), Some(credential)) = (asked, field_input(call.input, "credential").cloned()) else {
            return self.prompt(call, state, Factor::WebAuthn, None).await;
        };
        // Somebody unknown has no passkey, whatever is shown.
        let shown = match &self.user_id {
            Some(id) => finish_assertion(&mut call, &asked, Some(id), &credential).await?,
            None => None,
        };
        match shown {
            Some(shown) => self.verified(call, &state, Factor::WebAuthn, None, shown.user_verified).await,
            None => self.failed(call, state, Factor::WebAuthn, REFUSED, false).await,
        }
    }

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
        if let Some(wait) = state.sent_for(factor).and_then(|sent| sent.wait(call.now)) {
            challenge.push((text("resend_after"), Datum::Int(wait)));
        }
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
        let (wants, takes) = self.fields_for(factor);
        Ok(Done::Prompt(Prompt {
            challenge: Datum::Map(challenge),
            memory: state.record(),
            expires_in: PROMPT_SECONDS,
            wants,
            takes,
        }))
    }

    /// What answers the question for this factor, and what may be given beside it.
    fn fields_for(&self, factor: Factor) -> (Vec<&'static str>, Vec<&'static str>) {
        let (wanted, resend) = match factor {
            Factor::WebAuthn => ("credential", None),
            Factor::Totp | Factor::BackupCode => ("code", None),
            Factor::Sms | Factor::Email => ("code", Some("resend")),
        };
        let another = Some("factor").filter(|_| self.usable.len() > 1);
        let device = ["remember_device", "device_token"].into_iter().filter(|_| self.ask.remember.is_some());
        (vec![wanted], resend.into_iter().chain(another).chain(device).collect())
    }

    /// The factor was shown; `taken` is what makes that count once.
    async fn verified(
        &self,
        call: Call<'_>,
        state: &State,
        factor: Factor,
        taken: Option<Write>,
        user_verified: bool,
    ) -> Result<Done, BlockError> {
        // Nobody shows anything for somebody unknown.
        let Some(id) = &self.user_id else { return Ok(self.not_verified(call.unit, call.label, WRONG.0)) };
        if factor != Factor::WebAuthn {
            call.host.store().reset_count(call.tenant, &account(&call, Some(id))).await?;
        }
        failures::forget(&call, &failures::account(&call, Some(id)), Shown::Factor).await?;
        let remembered = self.trust(&call, state, id);
        call.unit.writes.extend(taken);
        call.unit.writes.extend(remembered);
        call.unit.audit.push(entry("mfa.verified", id, "success", call.label, factor.word()));
        let two = makes_two(call.event, factor, user_verified);
        let sets = vec![with_method(call.event, factor.word())];
        Ok(Done::Output(Output { fields: self.fields(true, Some(factor), two), sets, ..Output::default() }))
    }

    /// What was shown is wrong: asks again, or ends.
    async fn failed(
        &self,
        call: Call<'_>,
        mut state: State,
        factor: Factor,
        (why, problem): Why,
        too_many: bool,
    ) -> Result<Done, BlockError> {
        failures::note(&call, &failures::account(&call, self.user_id.as_deref()), Shown::Factor).await?;
        state.failed += 1;
        if state.failed < self.ask.attempts && !too_many {
            let who = self.user_id.as_deref().unwrap_or("anonymous");
            call.unit.audit.push(entry("mfa.failed", who, "failure", call.label, why));
            return self.prompt(call, state, factor, Some(problem)).await;
        }
        Ok(self.not_verified(call.unit, call.label, why))
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
        Done::Output(Output { fields: self.fields(true, None, false), ..Output::default() })
    }

    fn not_verified(&self, unit: &mut Unit, label: &str, why: &str) -> Done {
        unit.audit.push(entry("mfa.failed", self.user_id.as_deref().unwrap_or("anonymous"), "failure", label, why));
        if self.ask.must_verify {
            Done::Deny { reason: "mfa_failed".to_owned(), user_message: None }
        } else {
            Done::Output(Output { fields: self.fields(false, None, false), ..Output::default() })
        }
    }

    fn fields(&self, verified: bool, factor: Option<Factor>, aal2: bool) -> Vec<(String, Datum)> {
        let mut fields = vec![("verified".to_owned(), Datum::Bool(verified)), ("aal2".to_owned(), Datum::Bool(aal2))];
        if self.ask.says_factor {
            fields.push(("factor".to_owned(), text(factor.map_or("none", Factor::word))));
            fields.push(("trusted_device".to_owned(), Datum::Bool(verified && factor.is_none())));
        }
        fields
    }
}

impl State {
    fn sent_for(&self, factor: Factor) -> Option<&Sent> {
        self.sent.iter().find(|(of, _)| *of == factor).map(|(_, sent)| sent)
    }

    fn read(memory: Option<&Datum>) -> Self {
        let Some(memory) = memory.map(Fields) else { return Self::default() };
        let word = |name| memory.optional_text(name).ok().flatten();
        let sent = [Factor::Sms, Factor::Email].into_iter().filter_map(|factor| {
            let sent = memory.get("sent")?.get(factor.word())?;
            Some((factor, Sent::read(sent)?))
        });
        Self {
            failed: memory.optional_int("failed").ok().flatten().unwrap_or(0),
            factor: word("factor").and_then(Factor::of),
            device: word("device").and_then(device::hash_of),
            options: memory.get("options").filter(|options| **options != Datum::Null).cloned(),
            sent: sent.collect(),
        }
    }

    fn record(&self) -> Datum {
        let sent = self.sent.iter().map(|(factor, sent)| (text(factor.word()), sent.record()));
        record([
            ("failed", Datum::Int(self.failed)),
            ("factor", self.factor.map_or(Datum::Null, |factor| text(factor.word()))),
            ("device", self.device.map_or(Datum::Null, device::hash_text)),
            ("options", self.options.clone().unwrap_or(Datum::Null)),
            ("sent", Datum::Map(sent.collect())),
        ])
    }
}
