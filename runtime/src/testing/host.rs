//! The double of the host.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::action::{ActionCall, ActionReport, Actions};
use crate::expression::from_json;
use crate::feeds::{Feeds, MailServers, NoFeeds};
use crate::host::{BoxFuture, Host, HostError, HttpError, HttpRequest, HttpResponse, RelyingParty, Secret, Store};
use crate::message::{Channel, Message, SendError};
use crate::relying::{OAuthClient, Provider};
use crate::tenant::TenantId;
use crate::testing::clock::Clock;
use crate::testing::store::MemoryStore;

/// Says which URLs outcomes may redirect to.
pub type Allowed = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// What tests take from outside: real parts that need no world.
#[derive(Clone, Default)]
pub struct Outside {
    /// Who runs Actions, for real; none: they fail.
    pub actions: Option<Arc<dyn Actions>>,
    /// Which URLs outcomes may redirect to; none: no URL.
    pub redirects: Option<Allowed>,
    /// OpenID providers.
    pub providers: Vec<Provider>,
    /// Clients.
    pub clients: Vec<OAuthClient>,
    /// What is known of addresses and breached passwords; none: nothing.
    pub feeds: Option<Arc<dyn Feeds>>,
    /// Who asks for passkeys, if not `example.com`.
    pub relying_party: Option<RelyingParty>,
}

/// Actions that run for real beside a clock that stands: it must not jump while they work.
struct Held {
    inner: Arc<dyn Actions>,
    clock: Clock,
}

impl Actions for Held {
    fn run<'a>(&'a self, host: &'a dyn Host, call: ActionCall<'a>) -> BoxFuture<'a, ActionReport> {
        Box::pin(async move {
            let _hold = self.clock.hold();
            self.inner.run(host, call).await
        })
    }
}

/// A host without a world.
pub struct TestHost {
    /// Its clock.
    pub clock: Clock,
    /// Its store.
    pub store: MemoryStore,
    /// A real store that runs use instead. Whoever sets it holds the clock, which else jumps while the database works, and puts
    /// into it what the double is given.
    pub real: Option<Arc<dyn Store>>,
    /// Who runs Actions, if any.
    pub actions: Option<Arc<dyn Actions>>,
    /// URLs that outcomes may redirect to.
    pub redirects: Allowed,
    /// Who asks for passkeys.
    pub relying_party: Option<RelyingParty>,
    /// OpenID providers.
    pub providers: Vec<Provider>,
    /// Clients.
    pub clients: Vec<OAuthClient>,
    seed: [u8; 32],
    drawn: Mutex<u64>,
    secrets: Mutex<BTreeMap<String, Vec<u8>>>,
    answers: Mutex<Vec<(String, Result<HttpResponse, HttpError>)>>,
    signed: Mutex<Vec<String>>,
    feeds: Mutex<Arc<dyn Feeds>>,
    mail: Mutex<BTreeMap<String, MailServers>>,
    unanswered: Mutex<Vec<String>>,
    sent: AtomicU64,
    messages: Mutex<Vec<Message>>,
    off: Mutex<Vec<Channel>>,
}

impl TestHost {
    /// With the clock at this time and randomness from this seed.
    pub fn new(now: Instant, seed: u64) -> Self {
        Self {
            clock: Clock::at(now),
            store: MemoryStore::default(),
            real: None,
            actions: None,
            redirects: Arc::new(|_| false),
            relying_party: Some(RelyingParty {
                id: "example.com".to_owned(),
                name: "test".to_owned(),
                origins: vec!["https://example.com".to_owned()],
            }),
            providers: Vec::new(),
            clients: Vec::new(),
            seed: *blake3::hash(&seed.to_le_bytes()).as_bytes(),
            drawn: Mutex::default(),
            secrets: Mutex::default(),
            answers: Mutex::default(),
            signed: Mutex::default(),
            feeds: Mutex::new(Arc::new(NoFeeds)),
            mail: Mutex::default(),
            unanswered: Mutex::default(),
            sent: AtomicU64::new(0),
            messages: Mutex::default(),
            off: Mutex::default(),
        }
    }

    /// Gives every tenant this secret.
    pub fn set_secret(&self, name: &str, value: &[u8]) {
        lock(&self.secrets).insert(name.to_owned(), value.to_vec());
    }

    /// Answers requests to this URL, from now on.
    pub fn answer(&self, url: &str, response: HttpResponse) {
        lock(&self.answers).push((url.to_owned(), Ok(response)));
    }

    /// Lets requests to this URL fail.
    pub fn fail(&self, url: &str, why: &str) {
        lock(&self.answers).push((url.to_owned(), Err(HttpError::Failed(why.to_owned()))));
    }

    /// Has these feeds instead of none.
    pub fn set_feeds(&self, feeds: Arc<dyn Feeds>) {
        *lock(&self.feeds) = feeds;
    }

    /// Answers who takes mail for a domain.
    pub fn set_mail_servers(&self, domain: &str, servers: MailServers) {
        lock(&self.mail).insert(domain.to_owned(), servers);
    }

    /// Takes real parts in.
    pub fn admit(&mut self, outside: &Outside) {
        let held = |inner: &Arc<dyn Actions>| {
            Arc::new(Held { inner: Arc::clone(inner), clock: self.clock.clone() }) as Arc<dyn Actions>
        };
        self.actions = outside.actions.as_ref().map(held);
        if let Some(redirects) = &outside.redirects {
            self.redirects = Arc::clone(redirects);
        }
        self.providers.clone_from(&outside.providers);
        self.clients.clone_from(&outside.clients);
        if let Some(feeds) = &outside.feeds {
            self.set_feeds(Arc::clone(feeds));
        }
        if outside.relying_party.is_some() {
            self.relying_party.clone_from(&outside.relying_party);
        }
    }

    /// URLs that were called and that nothing answers, each once.
    pub fn unanswered(&self) -> Vec<String> {
        lock(&self.unanswered).clone()
    }

    /// Requests to the outside so far, answered or not.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Nothing takes messages of this channel from now on.
    pub fn turn_off(&self, channel: Channel) {
        lock(&self.off).push(channel);
    }

    /// Messages handed over so far.
    pub fn messages(&self) -> Vec<Message> {
        lock(&self.messages).clone()
    }

    /// Claims signed so far, as JSON objects.
    pub fn signed(&self) -> Vec<String> {
        lock(&self.signed).clone()
    }
}

impl Host for TestHost {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn monotonic(&self) -> u64 {
        self.clock.elapsed()
    }

    fn random(&self, buffer: &mut [u8]) {
        let mut drawn = lock(&self.drawn);
        *drawn += 1;
        blake3::Hasher::new_keyed(&self.seed).update(&drawn.to_le_bytes()).finalize_xof().fill(buffer);
    }

    fn sleep(&self, nanos: u64) -> BoxFuture<'_, ()> {
        Box::pin(self.clock.sleep(nanos))
    }

    fn blocking(&self, job: Box<dyn FnOnce() -> Datum + Send>) -> BoxFuture<'_, Result<Datum, HostError>> {
        Box::pin(async move { Ok(job()) })
    }

    fn store(&self) -> &dyn Store {
        self.real.as_deref().unwrap_or(&self.store)
    }

    fn http<'a>(
        &'a self,
        _tenant: &'a TenantId,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        if let Some(hosts) = &request.hosts
            && !hosts.iter().any(|host| host_of(&request.url).is_some_and(|wanted| wanted.eq_ignore_ascii_case(host)))
        {
            return Box::pin(ready(Err(HttpError::Refused(format!("the host of `{}` is not declared", request.url)))));
        }
        let known =
            lock(&self.answers).iter().rev().find(|(url, _)| *url == request.url).map(|(_, answer)| answer.clone());
        let mut unanswered = lock(&self.unanswered);
        if known.is_none() && !unanswered.contains(&request.url) {
            unanswered.push(request.url.clone());
        }
        drop(unanswered);
        Box::pin(ready(known.unwrap_or_else(|| {
            Err(HttpError::Refused(format!("a test sends nothing: stub the block that calls `{}`", request.url)))
        })))
    }

    /// A test takes every message and sends none.
    fn can_send(&self, _tenant: &TenantId, channel: Channel) -> Result<(), HostError> {
        if lock(&self.off).contains(&channel) {
            return Err(HostError::NotFound("nothing takes messages of this channel".to_owned()));
        }
        Ok(())
    }

    fn send<'a>(&'a self, _tenant: &'a TenantId, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        lock(&self.messages).push(message.clone());
        Box::pin(ready(Ok(())))
    }

    fn link_base(&self, _tenant: &TenantId) -> Result<String, HostError> {
        Ok("https://login.example.com".to_owned())
    }

    fn feeds(&self) -> Arc<dyn Feeds> {
        Arc::clone(&lock(&self.feeds))
    }

    fn mail_servers<'a>(&'a self, domain: &'a str) -> BoxFuture<'a, Result<MailServers, HostError>> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let known = lock(&self.mail).get(domain).cloned();
        let unknown =
            || HostError::Failed(format!("a test asks no name server: stub the block that asks for `{domain}`"));
        Box::pin(ready(known.ok_or_else(unknown)))
    }

    fn secret<'a>(&'a self, _tenant: &'a TenantId, name: &'a str) -> BoxFuture<'a, Result<Secret, HostError>> {
        let known = lock(&self.secrets).get(name).map(|value| Secret::new(value.as_slice()));
        Box::pin(ready(known.ok_or_else(|| HostError::NotFound("it is not set".to_owned()))))
    }

    fn actions(&self) -> Option<&dyn Actions> {
        self.actions.as_deref()
    }

    fn may_redirect(&self, _tenant: &TenantId, url: &str) -> bool {
        (self.redirects)(url)
    }

    fn relying_party(&self, _tenant: &TenantId) -> Option<RelyingParty> {
        self.relying_party.clone()
    }

    fn keyed_hash(&self, tenant: &TenantId, purpose: &str, message: &[u8]) -> Result<[u8; 32], HostError> {
        let mut hasher = blake3::Hasher::new_keyed(&self.seed);
        for part in [tenant.as_str().as_bytes(), purpose.as_bytes(), message] {
            hasher.update(&part.len().to_le_bytes()).update(part);
        }
        Ok(*hasher.finalize().as_bytes())
    }

    /// Not a signature: `alg` is `none`, which no verifier takes.
    fn sign_jwt<'a>(
        &'a self,
        _tenant: &'a TenantId,
        kind: &'a str,
        claims: &'a str,
    ) -> BoxFuture<'a, Result<String, HostError>> {
        lock(&self.signed).push(claims.to_owned());
        Box::pin(ready(Ok(unsigned(kind, claims))))
    }

    /// Only what this host has signed itself.
    fn verify_jwt<'a>(
        &'a self,
        _tenant: &'a TenantId,
        kind: &'a str,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Datum, HostError>> {
        let signed = lock(&self.signed);
        let claims = signed.iter().find(|claims| unsigned(kind, claims) == token);
        let claims = claims.and_then(|claims| from_json(claims.as_bytes()));
        Box::pin(ready(claims.ok_or_else(|| HostError::Failed("it was not signed here".to_owned()))))
    }

    fn provider(&self, _tenant: &TenantId, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.name == name)
    }

    fn client(&self, _tenant: &TenantId, id: &str) -> Option<&OAuthClient> {
        self.clients.iter().find(|client| client.id == id)
    }
}

fn unsigned(kind: &str, claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.", part(&format!(r#"{{"alg":"none","typ":"{kind}"}}"#)), part(claims))
}

/// The host of a URL as written, without its port.
fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    match authority.strip_prefix('[') {
        Some(address) => address.split(']').next(),
        None => authority.split(':').next(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::TestHost;
    use crate::host::{Host, HttpRequest, HttpResponse};
    use crate::tenant::TenantId;
    use crate::testing::{baseline, block_on};

    #[test]
    fn a_call_that_no_stub_answers_is_remembered_once() {
        let host = TestHost::new(baseline::NOW, 0);
        let tenant: TenantId = "test".parse().unwrap();
        host.answer("https://a.example.com/", HttpResponse { status: 200, headers: Vec::new(), body: Vec::new() });
        let call = |url: &str| {
            let (url, headers) = (url.to_owned(), Vec::new());
            block_on(
                host.http(&tenant, HttpRequest { method: "GET", url, headers, body: None, timeout: 1, hosts: None }),
            )
        };
        assert!(call("https://a.example.com/").is_ok());
        assert!(call("https://b.example.com/").is_err());
        assert!(call("https://b.example.com/").is_err());
        assert_eq!(host.unanswered(), ["https://b.example.com/"]);
    }
}
