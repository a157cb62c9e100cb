//! The real host: clock, randomness, a bounded pool for CPU work, secrets, signing keys, and the one guarded outbound
//! client. The store is passed in.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_runtime::action::Actions;
use admit_runtime::feeds::{Feeds, MailServers, NoFeeds};
use admit_runtime::host::{
    BoxFuture, Host, HostError, HttpError, HttpRequest, HttpResponse, RelyingParty, Secret, Store,
};
use admit_runtime::message::{Channel, Message, SendError};
use admit_runtime::relying::{OAuthClient, Provider};
use admit_runtime::tenant::TenantId;
use thiserror::Error;

pub mod address;
mod client;
mod egress;
mod exporter;
mod feeds;
mod keyring;
mod keys;
mod message;
mod operator;
mod pool;
mod reach;
mod redirect;
mod resolve;
mod secrets;
mod subscriber;

pub use client::{LONGEST as LONGEST_REQUEST, MOST_BODY};
pub use egress::Egress;
pub use exporter::Exporter;
pub use feeds::{Built, FeedFiles, FeedKind, FeedOptions, FeedSource, FeedStatus, POLL, Watch, build_breached};
pub use keyring::{KeySummary, Signing};
pub use keys::{KeyError, KeyFile};
pub use message::{Outlets, Security, SmsGateway, SmtpServer, default_body, mailbox};
pub use operator::{OperatorCall, OperatorClient, OperatorReply};
pub use reach::Reach;
pub use redirect::Redirects;
pub use resolve::{Lookup, SystemLookup};
pub use secrets::Secrets;

/// Everything outside a run, for real.
pub struct RealHost {
    store: Arc<dyn Store>,
    keys: Arc<KeyFile>,
    signing: Signing,
    keyring: Arc<keyring::KeyRing>,
    providers: Vec<Provider>,
    clients: Vec<OAuthClient>,
    secrets: Secrets,
    egress: Egress,
    tenants: HashMap<TenantId, Egress>,
    client: Arc<client::Guarded>,
    lookup: Arc<dyn Lookup>,
    outlets: Outlets,
    tenant_outlets: HashMap<TenantId, Outlets>,
    actions: Option<Arc<dyn Actions>>,
    redirects: Redirects,
    relying_party: Option<RelyingParty>,
    feeds: Arc<dyn Feeds>,
    pool: Arc<pool::Pool>,
    start: std::time::Instant,
}

/// What a host is made of besides store and keys.
pub struct Options {
    /// Secrets by name.
    pub secrets: Secrets,
    /// What tenants without an entry of their own may call.
    pub egress: Egress,
    /// What single tenants may call.
    pub tenants: HashMap<TenantId, Egress>,
    /// Who resolves names.
    pub lookup: Arc<dyn Lookup>,
    /// What is known of addresses and breached passwords.
    pub feeds: Arc<dyn Feeds>,
    /// Who runs Actions, if any.
    pub actions: Option<Arc<dyn Actions>>,
    /// Where outcomes may redirect to.
    pub redirects: Redirects,
    /// Who asks for passkeys, if anybody.
    pub relying_party: Option<RelyingParty>,
    /// Where messages of tenants without an entry of their own leave.
    pub outlets: Outlets,
    /// Where messages of single tenants leave.
    pub tenant_outlets: HashMap<TenantId, Outlets>,
    /// CPU jobs at once; 0: as many as there are cores.
    pub jobs: usize,
    /// How tokens are signed.
    pub signing: Signing,
    /// OpenID providers by name.
    pub providers: Vec<Provider>,
    /// Clients that sessions and tokens are made for.
    pub clients: Vec<OAuthClient>,
}

/// Why a host cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The system has no randomness to give (F25).
    #[error("the system gives no randomness: {0}")]
    NoRandomness(String),
    /// The outbound client cannot be made.
    #[error("{0}")]
    Client(String),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            secrets: Secrets::default(),
            egress: Egress::default(),
            tenants: HashMap::new(),
            lookup: Arc::new(SystemLookup::default()),
            feeds: Arc::new(NoFeeds),
            actions: None,
            redirects: Redirects::default(),
            relying_party: None,
            outlets: Outlets::default(),
            tenant_outlets: HashMap::new(),
            jobs: 0,
            signing: Signing::default(),
            providers: Vec::new(),
            clients: Vec::new(),
        }
    }
}

impl RealHost {
    /// Makes a host.
    ///
    /// # Errors
    /// No randomness, or no outbound client: nothing runs without them.
    pub fn new(store: Arc<dyn Store>, keys: KeyFile, options: Options) -> Result<Self, StartError> {
        let mut probe = [0; 32];
        getrandom::fill(&mut probe).map_err(|error| StartError::NoRandomness(error.to_string()))?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            store,
            keys: Arc::new(keys),
            keyring: Arc::default(),
            signing: options.signing,
            providers: options.providers,
            clients: options.clients,
            secrets: options.secrets,
            egress: options.egress,
            tenants: options.tenants,
            actions: options.actions,
            redirects: options.redirects,
            relying_party: options.relying_party,
            client: Arc::new(client::Guarded::new(Arc::clone(&options.lookup)).map_err(StartError::Client)?),
            lookup: options.lookup,
            outlets: options.outlets,
            tenant_outlets: options.tenant_outlets,
            feeds: options.feeds,
            pool: Arc::new(pool::Pool::new(if options.jobs == 0 { cores } else { options.jobs })),
            start: std::time::Instant::now(),
        })
    }

    fn outlets_of(&self, tenant: &TenantId) -> &Outlets {
        self.tenant_outlets.get(tenant).unwrap_or(&self.outlets)
    }
}

impl Host for RealHost {
    fn now(&self) -> Instant {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        // A clock before 1970 is taken as 1970: every token and code is out of its time then.
        let since = since.unwrap_or(Duration::ZERO);
        Instant { seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX), nanos: since.subsec_nanos() }
    }

    fn monotonic(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    #[expect(clippy::panic, reason = "without randomness nothing may go on; the engine turns it into the run's error")]
    fn random(&self, buffer: &mut [u8]) {
        if let Err(error) = getrandom::fill(buffer) {
            panic!("the system gives no randomness: {error}");
        }
    }

    fn sleep(&self, nanos: u64) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(Duration::from_nanos(nanos)))
    }

    fn blocking(&self, job: Box<dyn FnOnce() -> Datum + Send>) -> BoxFuture<'_, Result<Datum, HostError>> {
        Box::pin(self.pool.run(job))
    }

    fn store(&self) -> &dyn Store {
        &*self.store
    }

    fn http<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        let egress = self.tenants.get(tenant).unwrap_or(&self.egress);
        Box::pin(self.client.send(egress, request))
    }

    fn can_send(&self, tenant: &TenantId, channel: Channel) -> Result<(), HostError> {
        self.outlets_of(tenant).can_send(channel)
    }

    fn send<'a>(&'a self, tenant: &'a TenantId, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            let outlets = self.outlets_of(tenant);
            let secret = match outlets.secret_name(message.channel) {
                // One that is not set may be set later: the message waits.
                Some(name) => {
                    Some(self.secret(tenant, name).await.map_err(|error| SendError::again(error.to_string()))?)
                }
                None => None,
            };
            let means = message::Means { client: &self.client, lookup: &*self.lookup, secret };
            outlets.send(means, message).await
        })
    }

    fn link_base(&self, tenant: &TenantId) -> Result<String, HostError> {
        self.outlets_of(tenant).link_base.clone().ok_or_else(|| {
            HostError::NotFound("links of messages lead nowhere: set `[links] base` in admit.toml".to_owned())
        })
    }

    fn feeds(&self) -> Arc<dyn Feeds> {
        Arc::clone(&self.feeds)
    }

    fn mail_servers<'a>(&'a self, domain: &'a str) -> BoxFuture<'a, Result<MailServers, HostError>> {
        Box::pin(async move { self.lookup.mail(domain).await.map_err(HostError::Failed) })
    }

    fn secret<'a>(&'a self, _tenant: &'a TenantId, name: &'a str) -> BoxFuture<'a, Result<Secret, HostError>> {
        Box::pin(async move { self.secrets.get(name) })
    }

    fn actions(&self) -> Option<&dyn Actions> {
        self.actions.as_deref()
    }

    fn may_redirect(&self, _tenant: &TenantId, url: &str) -> bool {
        self.redirects.allow(url)
    }

    fn relying_party(&self, _tenant: &TenantId) -> Option<RelyingParty> {
        self.relying_party.clone()
    }

    fn keyed_hash(&self, tenant: &TenantId, purpose: &str, message: &[u8]) -> Result<[u8; 32], HostError> {
        Ok(self.keys.keyed_hash(tenant, purpose, message))
    }

    fn sign_jwt<'a>(
        &'a self,
        tenant: &'a TenantId,
        kind: &'a str,
        claims: &'a str,
    ) -> BoxFuture<'a, Result<String, HostError>> {
        Box::pin(self.sign(tenant, kind, claims))
    }

    fn verify_jwt<'a>(
        &'a self,
        tenant: &'a TenantId,
        kind: &'a str,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Datum, HostError>> {
        Box::pin(self.verify(tenant, kind, token))
    }

    fn issuer(&self, tenant: &TenantId) -> String {
        self.signing.issuer.clone().unwrap_or_else(|| format!("urn:admit:tenant:{tenant}"))
    }

    fn provider(&self, _tenant: &TenantId, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.name == name)
    }

    fn client(&self, _tenant: &TenantId, id: &str) -> Option<&OAuthClient> {
        self.clients.iter().find(|client| client.id == id)
    }
}
