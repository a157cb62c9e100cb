//! Enrolling a factor: what `require_mfa_enroll` and `credential_set` share. A factor counts once it was shown to work.

use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Prompt};
use admit_runtime::host::{ChallengeOf, HostError, Tried};
use admit_runtime::message::Channel;
use admit_runtime::unit::{Material, NewCredential, Proved, Write};
use totp_rs::{Algorithm, Builder};

use crate::challenge::out_of_band::{Delivery, FACTOR_DIGITS, FACTOR_SECONDS, Sent, send, send_again};
use crate::challenge::{PHONE, typed_code};
use crate::config::{Fields, event_text, field_input, fresh_id, record, secret_input, text};
use crate::factor::{Factor, backup, entry};
use crate::otp::{Form, SEED_BYTES, digits_of, totp_step};
use crate::passkey::{KIND, begin_registration, ceremony, finish_registration};
use crate::receiver;

const PROMPT_SECONDS: u64 = 10 * 60;
/// Most credentials of one kind that a user may have.
const MOST_OF_A_KIND: usize = 10;
/// Longest issuer and account of a QR code, in characters.
const LONGEST_NAME: usize = 64;

/// What the declaration asks for.
pub(crate) struct Enrol {
    /// Factors that may be enrolled.
    pub factors: Vec<Factor>,
    pub attempts: i64,
    /// How many backup codes a user gets who has none; 0: none.
    pub backup_codes: usize,
    /// Who an authenticator app says that it is of.
    pub issuer: Option<String>,
    /// The text of the code that shows a number to be the user's, by name.
    pub template: String,
}

/// How a visit ended.
pub(crate) enum Enrolled {
    /// The user is asked.
    Asked(Prompt),
    /// The factor is enrolled.
    Done(Factor),
    /// It was not shown to work within the attempts.
    Failed,
}

/// What the block keeps over its suspensions. The seed is in the run's record, which is sealed and goes when it is
/// resumed: the challenge beside it shows it anyway.
#[derive(Default)]
struct State {
    failed: i64,
    factor: Option<Factor>,
    seed: Option<String>,
    /// The options that the last challenge held, for a passkey.
    options: Option<Datum>,
    /// The number that a code was sent to, in E.164.
    phone: Option<String>,
    sent: Option<Sent>,
    /// The factor is stored; the backup codes were shown.
    done: bool,
}

/// One visit: asks which factor, shows what it takes, compares what shows that it works, hands out backup codes.
///
/// # Errors
/// `too_many`: the user has ten of this kind already.
pub(crate) async fn visit(call: &mut Call<'_>, enrol: &Enrol, user_id: &str) -> Result<Enrolled, BlockError> {
    let mut state = State::read(call.memory);
    if let (true, Some(factor)) = (state.done, state.factor) {
        return Ok(Enrolled::Done(factor));
    }
    let chosen = field_input(call.input, "factor").and_then(Datum::as_str).and_then(Factor::of);
    let only = enrol.factors.first().copied().filter(|_| enrol.factors.len() == 1);
    let Some(factor) = chosen.filter(|factor| enrol.factors.contains(factor)).or(state.factor).or(only) else {
        return Ok(choose(enrol, &state));
    };
    if state.factor != Some(factor) {
        state = State { failed: state.failed, factor: Some(factor), ..State::default() };
    }
    match factor {
        Factor::Totp => totp(call, enrol, state, user_id).await,
        Factor::WebAuthn => passkey(call, enrol, state, user_id).await,
        Factor::Sms => phone(call, enrol, state, user_id).await,
        // Handed out with the others, never enrolled alone; a mailbox is no factor.
        Factor::BackupCode | Factor::Email => Ok(Enrolled::Failed),
    }
}

fn choose(enrol: &Enrol, state: &State) -> Enrolled {
    let factors = enrol.factors.iter().map(|factor| text(factor.word())).collect();
    Enrolled::Asked(prompt(vec![("factors", Datum::List(factors))], enrol, state, None))
}

async fn totp(call: &mut Call<'_>, enrol: &Enrol, mut state: State, user_id: &str) -> Result<Enrolled, BlockError> {
    let known = state.seed.as_deref().and_then(|seed| totp_rs::Secret::try_from_base32(seed).ok());
    let Some(seed) = known else {
        bounded(call, user_id, "totp").await?;
        let mut seed = [0; SEED_BYTES];
        call.host.random(&mut seed);
        let seed = totp_rs::Secret::from(seed.to_vec());
        state.seed = Some(seed.to_base32());
        return show_totp(call, enrol, &state, seed, None);
    };
    let form = Form::default();
    let Some(typed) = secret_input(call.input, "code") else { return show_totp(call, enrol, &state, seed, None) };
    let step = digits_of(typed.expose(), form.digits)
        .and_then(|code| totp_step(seed.as_bytes(), form, &code, call.now.seconds));
    let Some(step) = step else {
        state.failed += 1;
        call.unit.audit.push(entry("mfa.enrol_failed", user_id, "failure", call.label, "wrong_code"));
        if state.failed >= enrol.attempts {
            return Ok(Enrolled::Failed);
        }
        return show_totp(call, enrol, &state, seed, Some("the code is wrong: is the clock of the device right?"));
    };
    let id = fresh_id(call.host, "crd");
    let new = NewCredential {
        id: id.clone(),
        user_id: user_id.to_owned(),
        kind: "totp".to_owned(),
        material: Material::new(seed.as_bytes()),
        data: record([]),
        counter: None,
        external_id: None,
    };
    call.unit.writes.push(Write::InsertCredential(Box::new(new)));
    // The code that showed it counts once, as any other.
    call.unit.writes.push(Write::TakeTotpStep { credential_id: id, step });
    finish(call, enrol, state, user_id, Factor::Totp).await
}

/// A passkey works once it is made: making it shows it.
async fn passkey(call: &mut Call<'_>, enrol: &Enrol, mut state: State, user_id: &str) -> Result<Enrolled, BlockError> {
    let made = state.options.take().zip(field_input(call.input, "credential").cloned());
    let mut problem = None;
    if let Some((options, credential)) = made {
        if finish_registration(call, &options, user_id, &credential).await?.is_some() {
            return finish(call, enrol, state, user_id, Factor::WebAuthn).await;
        }
        state.failed += 1;
        call.unit.audit.push(entry("mfa.enrol_failed", user_id, "failure", call.label, "passkey_refused"));
        if state.failed >= enrol.attempts {
            return Ok(Enrolled::Failed);
        }
        problem = Some("the passkey was refused");
    }
    bounded(call, user_id, KIND).await?;
    let options = begin_registration(call, user_id).await?;
    let shown = vec![("factor", text(Factor::WebAuthn.word())), ("webauthn", ceremony("create", &options))];
    state.options = Some(options);
    Ok(Enrolled::Asked(prompt(shown, enrol, &state, problem)))
}

/// A number is proved by a code that was sent to it before it becomes a factor.
async fn phone(call: &mut Call<'_>, enrol: &Enrol, mut state: State, user_id: &str) -> Result<Enrolled, BlockError> {
    let given = field_input(call.input, "phone").and_then(Datum::as_str).map(receiver::phone);
    let again = field_input(call.input, "resend") == Some(&Datum::Bool(true));
    let code = secret_input(call.input, "code").map(|code| typed_code(code.expose()));
    let number = match (given, &state.phone) {
        (Some(None), _) => {
            return Ok(show_phone(call, enrol, &state, Some("this is no phone number in the form +49301234567")));
        }
        (Some(Some(new)), known) if known.as_ref() != Some(&new) => new,
        (Some(Some(known)), _) if again || code.is_none() => known,
        (None, Some(known)) if again => known.clone(),
        (None | Some(Some(_)), Some(number)) => {
            let (number, sent) = (number.clone(), state.sent.clone());
            return match (code, sent) {
                (Some(code), Some(sent)) => shown_code(call, enrol, state, user_id, (&number, &sent, &code)).await,
                (_, _) => Ok(show_phone(call, enrol, &state, None)),
            };
        }
        (_, None) => {
            bounded(call, user_id, "sms").await?;
            return Ok(show_phone(call, enrol, &state, None));
        }
    };
    let delivery = Delivery {
        kind: PHONE,
        channel: Channel::Sms,
        user_id: Some(user_id),
        to: Some(&number),
        typed: "",
        template: &enrol.template,
        ttl: admit_eval::value::Span { seconds: FACTOR_SECONDS, nanos: 0 },
        digits: FACTOR_DIGITS,
    };
    let mut problem = None;
    match state.sent.clone() {
        None => {
            let posted = send(call, &delivery, None).await?;
            if !posted.left {
                problem = Some("no more codes can be sent for now".to_owned());
            }
            state.sent = Some(posted.sent);
            state.phone = Some(number);
        }
        // The code before dies with the number that it went to; where no other one is sent, both stay.
        Some(before) => match send_again(call, &delivery, &before).await? {
            Ok(sent) => {
                state.sent = Some(sent);
                state.phone = Some(number);
            }
            Err(why) => problem = Some(why),
        },
    }
    Ok(show_phone(call, enrol, &state, problem.as_deref()))
}

async fn shown_code(
    call: &mut Call<'_>,
    enrol: &Enrol,
    mut state: State,
    user_id: &str,
    (number, sent, code): (&str, &Sent, &[u8]),
) -> Result<Enrolled, BlockError> {
    let of = ChallengeOf { id: &sent.challenge, kind: PHONE, run_id: call.run_id, user_id: Some(user_id) };
    let problem = match call.host.store().try_challenge(call.tenant, of, code, call.now).await? {
        Tried::Right { .. } => {
            call.unit.writes.push(Write::TakeChallenge { id: sent.challenge.clone() });
            call.unit.writes.extend(number_is_factor(call, user_id, number).await?);
            return finish(call, enrol, state, user_id, Factor::Sms).await;
        }
        Tried::Expired => "the code has run out: ask for another one",
        Tried::Wrong { .. } | Tried::Spent | Tried::Unknown => "the code is wrong",
    };
    state.failed += 1;
    call.unit.audit.push(entry("mfa.enrol_failed", user_id, "failure", call.label, "wrong_code"));
    if state.failed >= enrol.attempts {
        return Ok(Enrolled::Failed);
    }
    Ok(show_phone(call, enrol, &state, Some(problem)))
}

/// What makes the number a factor, in place of itself if it was one. Where it is the account's, it is verified too.
async fn number_is_factor(call: &Call<'_>, user_id: &str, number: &str) -> Result<Vec<Write>, BlockError> {
    let known = call.credentials(user_id, "sms").await?;
    let same = known.into_iter().filter(|known| known.material.expose() == number.as_bytes());
    let mut writes: Vec<Write> =
        same.map(|old| Write::DeleteCredential { user_id: user_id.to_owned(), credential_id: old.id }).collect();
    writes.push(Write::InsertCredential(Box::new(NewCredential {
        id: fresh_id(call.host, "crd"),
        user_id: user_id.to_owned(),
        kind: Factor::Sms.word().to_owned(),
        material: Material::new(number.as_bytes()),
        data: record([]),
        counter: None,
        // A family may share a number.
        external_id: None,
    })));
    if event_text(call.event, "user.phone").and_then(|phone| receiver::phone(&phone)).as_deref() == Some(number) {
        writes.push(Write::SetVerified { user_id: user_id.to_owned(), what: Proved::Phone, value: number.to_owned() });
    }
    Ok(writes)
}

/// Asks for a number, or for the code that went to it.
fn show_phone(call: &Call<'_>, enrol: &Enrol, state: &State, problem: Option<&str>) -> Enrolled {
    let mut shown = vec![("factor", text(Factor::Sms.word()))];
    match (&state.phone, &state.sent) {
        (Some(number), Some(sent)) => {
            shown.push(("wants", text("code")));
            shown.push(("phone", text(number)));
            shown.extend(sent.wait(call.now).map(|wait| ("resend_after", Datum::Int(wait))));
        }
        (_, _) => shown.push(("wants", text("phone"))),
    }
    Enrolled::Asked(prompt(shown, enrol, state, problem))
}

fn show_totp(
    call: &Call<'_>,
    enrol: &Enrol,
    state: &State,
    seed: totp_rs::Secret,
    problem: Option<&str>,
) -> Result<Enrolled, BlockError> {
    let secret = seed.to_base32();
    let uri = otpauth(call, enrol, seed)?;
    let svg = qr_svg(&uri)?;
    let shown = vec![
        ("factor", text(Factor::Totp.word())),
        ("secret", text(secret)),
        ("otpauth_uri", text(&uri)),
        ("qr_svg", text(svg)),
    ];
    Ok(Enrolled::Asked(prompt(shown, enrol, state, problem)))
}

/// The factor works: hands out backup codes where the user has none.
async fn finish(
    call: &mut Call<'_>,
    enrol: &Enrol,
    mut state: State,
    user_id: &str,
    factor: Factor,
) -> Result<Enrolled, BlockError> {
    call.unit.audit.push(entry("mfa.enrolled", user_id, "success", call.label, factor.word()));
    let has_codes = call.credential_list(user_id).await?.iter().any(|credential| credential.kind == backup::KIND);
    if enrol.backup_codes == 0 || has_codes {
        return Ok(Enrolled::Done(factor));
    }
    let (codes, writes) = backup::renew(call, user_id, enrol.backup_codes).await?;
    call.unit.writes.extend(writes);
    call.unit.audit.push(entry("mfa.backup_codes_made", user_id, "success", call.label, factor.word()));
    state.done = true;
    state.seed = None;
    let shown =
        vec![("factor", text(factor.word())), ("backup_codes", Datum::List(codes.into_iter().map(text).collect()))];
    Ok(Enrolled::Asked(prompt(shown, enrol, &state, None)))
}

/// `too_many` where the user has as many of this kind as one may have.
async fn bounded(call: &Call<'_>, user_id: &str, kind: &str) -> Result<(), BlockError> {
    let known = call.credential_list(user_id).await?;
    if known.iter().filter(|credential| credential.kind == kind).count() < MOST_OF_A_KIND {
        return Ok(());
    }
    Err(BlockError::Named { name: "too_many", detail: format!("the user has {MOST_OF_A_KIND} factors of this kind") })
}

/// The address that authenticator apps read (Key Uri Format): `otpauth://totp/ISSUER:ACCOUNT?secret=...&issuer=...`.
fn otpauth(call: &Call<'_>, enrol: &Enrol, seed: totp_rs::Secret) -> Result<String, BlockError> {
    // A colon parts issuer and account.
    let name = |name: String| name.replace(':', " ").chars().take(LONGEST_NAME).collect::<String>();
    let issuer = enrol
        .issuer
        .clone()
        .or_else(|| event_text(call.event, "tenant.name"))
        .unwrap_or_else(|| call.tenant.as_str().to_owned());
    let account = ["user.email", "user.username", "user.phone", "user.id"];
    let account = account.iter().find_map(|path| event_text(call.event, path)).unwrap_or_default();
    let form = Form::default();
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(form.digits)
        .with_step_duration(form.step)
        .with_secret(seed)
        .with_account_name(name(account))
        .with_issuer(Some(name(issuer)))
        .build();
    let uri = totp.and_then(|totp| totp.to_url());
    Ok(uri.map_err(|error| HostError::Failed(format!("the address for the app cannot be made: {error}")))?)
}

fn qr_svg(uri: &str) -> Result<String, BlockError> {
    let code = qrcode::QrCode::new(uri.as_bytes())
        .map_err(|error| HostError::Failed(format!("the QR code cannot be made: {error}")))?;
    Ok(code.render::<qrcode::render::svg::Color<'_>>().min_dimensions(240, 240).build())
}

fn prompt(shown: Vec<(&str, Datum)>, enrol: &Enrol, state: &State, problem: Option<&str>) -> Prompt {
    let mut challenge = vec![(text("kind"), text("mfa_enroll"))];
    challenge.extend(shown.into_iter().map(|(name, value)| (text(name), value)));
    challenge.push((text("attempts_left"), Datum::Int(enrol.attempts - state.failed)));
    challenge.extend(problem.map(|problem| (text("problem"), text(problem))));
    let (wants, takes) = fields_for(enrol, state);
    Prompt { challenge: Datum::Map(challenge), memory: state.record(), expires_in: PROMPT_SECONDS, wants, takes }
}

/// What answers the question, and what may be given beside it. Any answer to backup codes goes on.
fn fields_for(enrol: &Enrol, state: &State) -> (Vec<&'static str>, Vec<&'static str>) {
    let another = || Some("factor").filter(|_| enrol.factors.len() > 1);
    match state.factor {
        Some(_) if state.done => (Vec::new(), Vec::new()),
        None => (vec!["factor"], Vec::new()),
        Some(Factor::WebAuthn) => (vec!["credential"], another().into_iter().collect()),
        Some(Factor::Sms) if state.sent.is_none() => (vec!["phone"], another().into_iter().collect()),
        Some(Factor::Sms) => (vec!["code"], ["resend", "phone"].into_iter().chain(another()).collect()),
        Some(Factor::Totp | Factor::BackupCode | Factor::Email) => (vec!["code"], another().into_iter().collect()),
    }
}

impl State {
    fn read(memory: Option<&Datum>) -> Self {
        let Some(memory) = memory.map(Fields) else { return Self::default() };
        let word = |name| memory.optional_text(name).ok().flatten();
        Self {
            failed: memory.optional_int("failed").ok().flatten().unwrap_or(0),
            factor: word("factor").and_then(Factor::of),
            seed: word("seed").map(str::to_owned),
            options: memory.get("options").filter(|options| **options != Datum::Null).cloned(),
            phone: word("phone").map(str::to_owned),
            sent: memory.get("sent").and_then(Sent::read),
            done: memory.get("done") == Some(&Datum::Bool(true)),
        }
    }

    fn record(&self) -> Datum {
        record([
            ("failed", Datum::Int(self.failed)),
            ("factor", self.factor.map_or(Datum::Null, |factor| text(factor.word()))),
            ("seed", self.seed.as_ref().map_or(Datum::Null, text)),
            ("options", self.options.clone().unwrap_or(Datum::Null)),
            ("phone", self.phone.as_ref().map_or(Datum::Null, text)),
            ("sent", self.sent.as_ref().map_or(Datum::Null, Sent::record)),
            ("done", Datum::Bool(self.done)),
        ])
    }
}
