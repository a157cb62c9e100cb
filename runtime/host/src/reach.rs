//! What one tenant reaches and is known by: the part of a host that belongs to a tenant, where many share a process.

use std::collections::HashMap;
use std::sync::Arc;

use admit_runtime::action::Actions;
use admit_runtime::host::RelyingParty;
use admit_runtime::relying::{OAuthClient, Provider};

use crate::RealHost;
use crate::egress::Egress;
use crate::keyring::Signing;
use crate::message::Outlets;
use crate::redirect::Redirects;
use crate::secrets::Secrets;

/// What a tenant reaches and is known by. Nothing of it may be another tenant's.
#[derive(Default)]
pub struct Reach {
    /// What it may call.
    pub egress: Egress,
    /// Where its outcomes may redirect to.
    pub redirects: Redirects,
    /// Who asks its users for passkeys, if anybody.
    pub relying_party: Option<RelyingParty>,
    /// Where its messages leave.
    pub outlets: Outlets,
    /// How its tokens are signed.
    pub signing: Signing,
    /// Its OpenID providers.
    pub providers: Vec<Provider>,
    /// Its clients.
    pub clients: Vec<OAuthClient>,
    /// Its secrets.
    pub secrets: Secrets,
}

impl RealHost {
    /// Who runs Actions, for who needs them beside a host of its own.
    pub fn shared_actions(&self) -> Option<Arc<dyn Actions>> {
        self.actions.clone()
    }

    /// Its OpenID providers.
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// Its clients.
    pub fn clients(&self) -> &[OAuthClient] {
        &self.clients
    }

    /// A host for one tenant: store, clock, pools of connections and of CPU work, signing keys, feeds and workers are those of this
    /// one; what it reaches is `reach` alone. Runs that have begun keep the host that they began with.
    #[must_use]
    pub fn with(&self, reach: Reach) -> Self {
        Self {
            store: Arc::clone(&self.store),
            keys: Arc::clone(&self.keys),
            signing: reach.signing,
            keyring: Arc::clone(&self.keyring),
            providers: reach.providers,
            clients: reach.clients,
            secrets: reach.secrets,
            egress: reach.egress,
            tenants: HashMap::new(),
            client: Arc::clone(&self.client),
            lookup: Arc::clone(&self.lookup),
            outlets: reach.outlets,
            tenant_outlets: HashMap::new(),
            actions: self.actions.clone(),
            redirects: reach.redirects,
            relying_party: reach.relying_party,
            feeds: Arc::clone(&self.feeds),
            pool: Arc::clone(&self.pool),
            start: self.start,
        }
    }
}
