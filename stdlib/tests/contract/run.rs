//! Runs a case: the steps on the doubles, with what the case gives, held against what it expects.

use std::sync::{Arc, Mutex};

use admit_compiler::library::Library;
use admit_eval::datum::Datum;
use admit_eval::json;
use admit_eval::value::Instant;
use admit_runtime::block::Registry;
use admit_runtime::engine::Engine;
use admit_runtime::execute::{self, Answer, Known, Options, Outcome, Start};
use admit_runtime::feeds::{AddressFacts, BREACHED_RANGES, FeedError, Feeds, MailServers};
use admit_runtime::host::{HttpResponse, Store};
use admit_runtime::message::{Channel, Message};
use admit_runtime::relying::OAuthClient;
use admit_runtime::tenant::TenantId;
use admit_runtime::testing::{TestHost, baseline, begin_within, block_on};
use admit_runtime::trace::{Trace, TraceEvent};
use admit_runtime::unit::{Material, NewCredential};
use toml::{Table, Value};

use super::authenticator::Authenticator;
use super::corpus::Case;
use super::flow;
use super::oidc;
use super::real::Real;
use super::record::{Log, Seen, recorded};

/// What a case runs in.
struct World {
    host: Arc<TestHost>,
    engine: Arc<Engine>,
    tenant: TenantId,
    flow: String,
    /// The challenges so far, in order: what the user has seen.
    challenges: Mutex<Vec<Datum>>,
    authenticator: Mutex<Authenticator>,
    /// What the case gives.
    given: Table,
    /// The real store that it runs on, if any, and the credentials that it was given.
    real: Option<(Arc<Real>, Vec<NewCredential>)>,
}

/// Runs it; gives what the blocks did, or what is wrong.
pub fn run(library: &Library, block: &str, case: &Case) -> Result<Vec<Seen>, String> {
    let log = Log::default();
    let (answer, traces) = walk(library, block, case, &|host| recorded(host, &log))??;
    let seen: Vec<Seen> = std::mem::take(&mut *log.lock().unwrap());
    expect(&case.given, &answer, &traces, &seen)?;
    Ok(seen)
}

/// What became of a case: its last answer, and the traces of its requests; or why a request did not go on.
pub type Walked = Result<(Answer, Vec<Trace>), String>;

/// Walks through a case with these blocks, on the double of the store.
///
/// # Errors
/// What is wrong with the case itself.
pub fn walk(
    library: &Library,
    block: &str,
    case: &Case,
    blocks: &dyn Fn(&Arc<TestHost>) -> Registry,
) -> Result<Walked, String> {
    walk_on(library, block, case, blocks, None)
}

/// The same, on a real store where one is given.
///
/// # Errors
/// What is wrong with the case itself.
pub fn walk_on(
    library: &Library,
    block: &str,
    case: &Case,
    blocks: &dyn Fn(&Arc<TestHost>) -> Registry,
    real: Option<&Arc<Real>>,
) -> Result<Walked, String> {
    let tenant = real.map_or_else(|| "test".parse(), |real| Ok(real.tenant.clone()))?;
    let given = &case.given;
    let declared = library.block(block).and_then(|block| block.flows.as_ref()?.first().map(ToString::to_string));
    let flow = text(given, "flow").or(declared).unwrap_or_else(|| "login".to_owned());
    let now =
        given.get("now").and_then(Value::as_integer).map_or(baseline::NOW, |seconds| Instant { seconds, nanos: 0 });
    let mut host = TestHost::new(now, 0);
    if given.get("webauthn").and_then(Value::as_bool) == Some(false) {
        host.relying_party = None;
    }
    host.clients = list(given, "clients").into_iter().map(client).collect();
    host.providers = oidc::providers(given);
    host.real = real.map(|real| Arc::new(real.store.clone()) as Arc<dyn Store>);
    let host = Arc::new(host);
    let credentials = seed(&host, &tenant, given)?;
    oidc::seed(&host, given);
    let plan = flow::plan(library, &flow, &case.steps, &case.files)?;
    let engine = Engine::from_verified(plan, &blocks(&host)).map_err(|error| error.to_string())?;
    let mut authenticator = Authenticator::new(1);
    authenticator.count = list(given, "users").iter().find_map(|user| number(user, "passkey")).unwrap_or(0);
    let world = World {
        host,
        engine,
        tenant,
        real: real.map(|real| (Arc::clone(real), credentials)),
        flow,
        authenticator: Mutex::new(authenticator),
        challenges: Mutex::default(),
        given: given.clone(),
    };
    for before in list(given, "before") {
        let before = before.as_table().ok_or("a run before is a table")?;
        world.walk(given, before, &[]).map_err(|why| format!("a run before: {why}"))?;
        world.pass(before);
    }
    Ok(world.walk(given, given, &list(given, "answers")))
}

/// Gives the double what the case says; the credentials among it.
fn seed(host: &TestHost, tenant: &TenantId, given: &Table) -> Result<Vec<NewCredential>, String> {
    let mut credentials = Vec::new();
    for user in list(given, "users") {
        let (datum, id) = (datum(user), user.get("id").and_then(Value::as_str).ok_or("a user has no id")?);
        let under = baseline::overlay(baseline::user(host.clock.now()), &datum);
        let hidden =
            ["password", "old_password", "totp_secret", "totp_count", "passkey", "passkey_seen", "factor_phone"];
        let Datum::Map(mut fields) = under else { continue };
        fields.retain(|(name, _)| !hidden.contains(&name.as_str().unwrap_or_default()));
        host.store.put_user(tenant, Datum::Map(fields));
        let mut put = |kind: &str, name: &str, material: &[u8]| {
            credentials.push(NewCredential {
                id: name.to_owned(),
                user_id: id.to_owned(),
                kind: kind.to_owned(),
                material: Material::new(material),
                data: Datum::Map(Vec::new()),
                counter: None,
                external_id: None,
            });
        };
        let secret = |name: &str| user.get(name).and_then(Value::as_str);
        if let Some(password) = secret("password") {
            let hash = admit_stdlib::password::hash_password(password.as_bytes())?;
            put("password", "crd_password", hash.as_bytes());
        }
        if let Some(password) = secret("old_password") {
            put("password", "crd_password", older(password)?.as_bytes());
        }
        if let Some(number) = secret("factor_phone") {
            put("sms", "crd_sms", number.as_bytes());
        }
        if let Some(seed) = secret("totp_secret") {
            put("totp", "crd_totp", seed.as_bytes());
        }
        for number in 0..user.get("totp_count").and_then(Value::as_integer).unwrap_or(0) {
            put("totp", &format!("crd_{number}"), format!("seed {number}").as_bytes());
        }
        if let Some(count) = number(user, "passkey") {
            let mut authenticator = Authenticator::new(1);
            authenticator.count = count;
            credentials.push(passkey(&authenticator, id, number(user, "passkey_seen")));
        }
    }
    for credential in &credentials {
        host.store.put_new_credential(tenant, credential);
    }
    for channel in list(given, "off") {
        host.turn_off(if channel.as_str() == Some("sms") { Channel::Sms } else { Channel::Mail });
    }
    feeds(host, given);
    for (name, value) in given.get("secrets").and_then(Value::as_table).into_iter().flatten() {
        host.set_secret(name, value.as_str().unwrap_or_default().as_bytes());
    }
    for (url, answer) in given.get("http").and_then(Value::as_table).into_iter().flatten() {
        match answer.get("error").and_then(Value::as_str) {
            Some(why) => host.fail(url, why),
            None => host.answer(url, response(answer)),
        }
    }
    Ok(credentials)
}

/// Feeds (`feeds`: facts by address) and name servers (`mail`: who takes mail, by domain).
fn feeds(host: &TestHost, given: &Table) {
    let mut facts = std::collections::BTreeMap::new();
    for (address, known) in given.get("feeds").and_then(Value::as_table).into_iter().flatten() {
        let flag = |name: &str| known.get(name).and_then(Value::as_bool).unwrap_or(false);
        let word = |name: &str| known.get(name).and_then(Value::as_str).map(Into::into);
        let lists = known.get("lists").and_then(Value::as_array).into_iter().flatten();
        let found = AddressFacts {
            lists: lists.filter_map(Value::as_str).map(Into::into).collect(),
            is_tor: flag("is_tor"),
            is_vpn: flag("is_vpn"),
            country: word("country"),
            asn: known.get("asn").and_then(Value::as_integer).and_then(|number| number.try_into().ok()),
            org: word("org"),
            ..AddressFacts::default()
        };
        facts.insert(address.parse().unwrap(), found);
    }
    host.set_feeds(Arc::new(KnownFeeds(facts)));
    for (domain, who) in given.get("mail").and_then(Value::as_table).into_iter().flatten() {
        let servers = match who.as_str() {
            Some("named") => MailServers::Named(vec![format!("mx.{domain}")]),
            Some("itself") => MailServers::Itself,
            Some("refused") => MailServers::Refused,
            _ => MailServers::Nobody,
        };
        host.set_mail_servers(domain, servers);
    }
}

/// Feeds that know these addresses, and no breached password.
struct KnownFeeds(std::collections::BTreeMap<std::net::IpAddr, AddressFacts>);

impl Feeds for KnownFeeds {
    fn address(&self, address: std::net::IpAddr) -> AddressFacts {
        self.0.get(&address).cloned().unwrap_or_default()
    }

    fn lists(&self) -> Vec<smol_str::SmolStr> {
        self.0.values().flat_map(|facts| facts.lists.clone()).collect()
    }

    fn breached(&self, _: &[u8; 20]) -> Option<Result<u64, FeedError>> {
        None
    }

    fn breached_ranges(&self) -> &str {
        BREACHED_RANGES
    }
}

/// The authenticator's passkey as it is stored, with the counter that was last seen.
fn passkey(authenticator: &Authenticator, user_id: &str, seen: Option<u32>) -> NewCredential {
    let passkey = authenticator.passkey();
    NewCredential {
        id: "crd_passkey".to_owned(),
        user_id: user_id.to_owned(),
        kind: "webauthn".to_owned(),
        material: Material::new(passkey.to_bytes()),
        data: Datum::Map(Vec::new()),
        counter: Some(i64::from(seen.unwrap_or(authenticator.count))),
        external_id: Some(passkey.id),
    }
}

fn number(value: &Value, name: &str) -> Option<u32> {
    value.get(name).and_then(Value::as_integer).and_then(|number| u32::try_from(number).ok())
}

fn client(given: &Value) -> OAuthClient {
    let text = |name: &str| given.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    let uris = given.get("post_logout_redirect_uris").and_then(Value::as_array).into_iter().flatten();
    OAuthClient {
        id: text("id").unwrap_or_default(),
        post_logout_redirect_uris: uris.filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
        backchannel_logout_uri: text("backchannel_logout_uri"),
        frontchannel_logout_uri: text("frontchannel_logout_uri"),
    }
}

/// A hash with parameters that are no longer ours.
fn older(password: &str) -> Result<String, String> {
    let params = argon2::Params::new(64, 1, 1, None).map_err(|error| error.to_string())?;
    let hasher = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let hash = argon2::password_hash::PasswordHasher::hash_password(&hasher, password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

fn response(answer: &Value) -> HttpResponse {
    let headers = answer.get("headers").and_then(Value::as_table).into_iter().flatten();
    HttpResponse {
        status: answer.get("status").and_then(Value::as_integer).and_then(|it| it.try_into().ok()).unwrap_or(200),
        headers: headers.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect(),
        body: answer.get("body").and_then(Value::as_str).unwrap_or_default().into(),
    }
}

impl World {
    /// One run: `own` holds its input and event, over those of the case.
    fn walk(&self, given: &Table, own: &Table, answers: &[&Value]) -> Result<(Answer, Vec<Trace>), String> {
        let (event, mut known) = event([given, own], self.host.clock.now());
        known.tenant = Some(Arc::new(Datum::record([("id", str("test")), ("slug", str("test"))])));
        let params = self.engine.params(&[]).map_err(|error| error.to_string())?;
        let flow = self.engine.bundle().flows.first().ok_or("no flow")?;
        let mut input = baseline::input(&flow.input);
        for over in [given, own].into_iter().filter_map(|table| table.get("input")) {
            input = baseline::overlay(input, &self.filled(over)?);
        }
        if given.get("issued").and_then(Value::as_bool) != Some(false) {
            let owner = text(given, "given_to");
            begin_within(&self.host, &self.tenant, flow, (&event, owner.as_deref()), &input, &mut known);
        }
        if let Some((real, credentials)) = &self.real {
            block_on(real.take_over(&self.host, credentials))?;
        }
        let start = Start { flow: &self.flow, event: event.as_bytes(), input: Some(input), known };
        let options = Options::default();
        let mut answer = block_on(self.engine.start(&*self.host, &self.tenant, &params, start, options))
            .map_err(|error| error.to_string())?;
        let mut traces = vec![answer.trace.clone()];
        for reply in answers {
            let Outcome::Suspended { resume_token, challenge, .. } = &answer.outcome else {
                return Err(format!("nothing asked for {reply}: {}", answer.outcome.word()));
            };
            self.challenges.lock().unwrap().push(challenge.clone());
            let mut reply = (*reply).clone();
            if let Some(fields) = reply.as_table_mut() {
                self.pass(fields);
                fields.remove("after");
            }
            let bundles =
                |hash: [u8; 32]| (hash == self.engine.hash()).then(|| (Arc::clone(&self.engine), params.clone()));
            let reply = self.filled(&reply)?;
            let resumed = execute::resume(&bundles, &*self.host, &self.tenant, resume_token, Some(reply), options);
            answer = block_on(resumed).map_err(|error| error.to_string())?;
            traces.push(answer.trace.clone());
        }
        Ok((answer, traces))
    }

    /// Lets the time pass that `after` says.
    fn pass(&self, table: &Table) {
        let seconds = table.get("after").and_then(Value::as_integer).and_then(|seconds| u64::try_from(seconds).ok());
        self.host.clock.advance(seconds.unwrap_or(0).saturating_mul(1_000_000_000));
    }

    /// The value with what the user would know by now.
    fn filled(&self, value: &Value) -> Result<Datum, String> {
        Ok(match value {
            Value::String(text) if text == "$passkey" => self.passkey()?,
            Value::String(text) if text.starts_with('$') => str(&self.knows(text)?),
            Value::Table(table) => Datum::Map(
                table
                    .iter()
                    .map(|(name, value)| Ok((str(name), self.filled(value)?)))
                    .collect::<Result<_, String>>()?,
            ),
            other => datum(other),
        })
    }

    /// What the first challenge that holds such a field showed; of several, the first.
    fn shown(&self, name: &str) -> Result<String, String> {
        let challenges = self.challenges.lock().unwrap();
        let found = challenges.iter().find_map(|challenge| match challenge.get(name)? {
            Datum::List(items) => items.first()?.as_str().map(str::to_owned),
            value => value.as_str().map(str::to_owned),
        });
        found.ok_or_else(|| format!("no challenge held `{name}`"))
    }

    /// What stands after this in the newest message that waits to be sent.
    fn received(&self, after: &str, is_of_it: fn(char) -> bool) -> Result<String, String> {
        let jobs = match &self.real {
            Some((real, _)) => block_on(real.payloads(self.host.clock.now())),
            None => self.host.store.jobs(&self.tenant).into_iter().map(|(_, payload)| payload).collect(),
        };
        let messages = jobs.iter().filter_map(|payload| Message::decode(payload).ok());
        let newest = messages.max_by_key(|message| message.at).ok_or("no message waits to be sent")?;
        let text = newest.content.sms.as_deref().filter(|_| newest.channel == Channel::Sms);
        let (_, rest) = text.unwrap_or(&newest.content.text).split_once(after).ok_or("it holds no such thing")?;
        Ok(rest.chars().take_while(|letter| is_of_it(*letter)).collect())
    }

    /// What the user's authenticator answers to what was asked last.
    fn passkey(&self) -> Result<Datum, String> {
        let challenge = json::to_json(self.challenges.lock().unwrap().last().ok_or("nothing was asked")?);
        let asked = challenge.get("webauthn").ok_or("nobody asked for a passkey")?;
        let mut authenticator = self.authenticator.lock().unwrap();
        let answer = match asked["ceremony"].as_str() {
            Some("create") => authenticator.create(&asked["options"]),
            Some(_) | None => authenticator.get(&asked["options"]),
        };
        Ok(json::from_json(&answer))
    }

    fn knows(&self, what: &str) -> Result<String, String> {
        match what {
            "$state" => {
                let challenges = self.challenges.lock().unwrap();
                let url = challenges.last().and_then(|challenge| challenge.get("redirect")?.as_str());
                oidc::state(&self.host, &self.given, url.unwrap_or_default(), self.host.clock.now().seconds)
            }
            "$totp" => Ok(totp(b"12345678901234567890".to_vec(), self.host.clock.now())),
            "$enrolled_totp" => {
                let seed =
                    totp_rs::Secret::try_from_base32(self.shown("secret")?).map_err(|error| error.to_string())?;
                Ok(totp(seed.as_bytes().to_vec(), self.host.clock.now()))
            }
            "$device_token" => self.shown("device_token"),
            "$backup_code" => self.shown("backup_codes"),
            "$code" => self.received("code is ", |letter| letter.is_ascii_digit()),
            "$token" => self.received("token=", |letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')),
            _ => Err(format!("nobody knows `{what}`")),
        }
    }
}

/// The code of the seed, `12345678901234567890` (RFC 6238 appendix B) if no other was shown, at this time.
fn totp(seed: Vec<u8>, now: Instant) -> String {
    let totp = totp_rs::Builder::new().with_secret(seed).build_noncompliant();
    totp.generate(u64::try_from(now.seconds).unwrap_or(0)).to_string()
}

/// The event's JSON without what only the runtime sets, and that.
fn event(given: [&Table; 2], now: Instant) -> (String, Known) {
    let mut whole = json::from_json(&serde_json::from_str(baseline::EVENT).unwrap());
    for over in given.into_iter().filter_map(|table| table.get("event")) {
        whole = baseline::overlay(whole, &datum(over));
    }
    let mut known = Known::default();
    if let Datum::Map(fields) = &mut whole {
        fields.retain(|(name, value)| match name.as_str() {
            Some("user") => {
                known.user = Some(baseline::overlay(baseline::user(now), value));
                false
            }
            Some("authentication") => {
                known.authentication = Some(value.clone());
                false
            }
            _ => true,
        });
    }
    (json::to_json(&whole).to_string(), known)
}

fn expect(given: &Table, answer: &Answer, traces: &[Trace], seen: &[Seen]) -> Result<(), String> {
    let Some(wanted) = given.get("expect").and_then(Value::as_table) else {
        return Err("it expects nothing".to_owned());
    };
    let found = answer.outcome.word();
    let outcome = text(wanted, "outcome").unwrap_or_else(|| "allow".to_owned());
    if outcome != found {
        return Err(format!("expected {outcome}, found {found}: {}", story(traces)));
    }
    if let Some(reason) = text(wanted, "reason") {
        let Outcome::Deny { reason: found, .. } = &answer.outcome else { return Err("it is no deny".to_owned()) };
        if *found != reason {
            return Err(format!("expected deny {reason}, found {found}"));
        }
    }
    let story = story(traces);
    if let Some(fails) = text(wanted, "fails")
        && !story.contains(&fails)
    {
        return Err(format!("no step fails with {fails}: {story}"));
    }
    for (label, fields) in wanted.get("step").and_then(Value::as_table).into_iter().flatten() {
        let outputs = outputs(seen, label).ok_or_else(|| format!("{label} has no outputs: {story}"))?;
        for (name, value) in fields.as_table().into_iter().flatten() {
            let found =
                outputs.iter().find(|(known, _)| known == name).map(|(_, value)| json::to_json(value).to_string());
            let wanted = json::to_json(&datum(value)).to_string();
            if found.as_deref() != Some(wanted.as_str()) {
                return Err(format!("{label}.{name}: expected {wanted}, found {found:?}"));
            }
        }
    }
    Ok(())
}

fn outputs<'s>(seen: &'s [Seen], label: &str) -> Option<&'s Vec<(String, Datum)>> {
    seen.iter().rev().filter(|seen| seen.label == label).find_map(|seen| seen.fields.as_ref())
}

fn story(traces: &[Trace]) -> String {
    let tell = |event: &TraceEvent| match event {
        TraceEvent::Ended { label, end, .. } => Some(format!("{label} {end:?}")),
        TraceEvent::Log { label, text, .. } => Some(format!("{label}: {text}")),
        _ => None,
    };
    traces.iter().flat_map(|trace| &trace.events).filter_map(tell).collect::<Vec<_>>().join("; ")
}

fn text(table: &Table, name: &str) -> Option<String> {
    table.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn list<'a>(table: &'a Table, name: &str) -> Vec<&'a Value> {
    table.get(name).and_then(Value::as_array).into_iter().flatten().collect()
}

fn str(text: &str) -> Datum {
    Datum::Str(text.into())
}

fn datum(value: &Value) -> Datum {
    json::from_json(&serde_json::to_value(value).unwrap())
}
