//! What a tenant is set up with, at work: its host, its params, its clients. Read again when its number has risen, which is asked for
//! once a second, so that a change on another node is seen here by then.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use admit_eval::datum::Datum;
use admit_host::{Reach, RealHost};
use admit_plan::types::Type;
use admit_runtime::host::Host as _;
use admit_runtime::tenant::TenantId;
use admit_store::{ConfigEntry, ConfigKind, TenantState};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smol_str::SmolStr;
use zeroize::Zeroizing;

use super::Server;
use super::problem::Problem;

/// How long a tenant's set-up may be taken from memory.
const FRESH: Duration = Duration::from_secs(1);

/// Reads what tenants are set up with, by the code that reads a project's files.
pub trait Formats: Send + Sync {
    /// What the tenant reaches.
    ///
    /// # Errors
    /// What is wrong with its settings or clients, a line each.
    fn reach(&self, tenant: &TenantId, setup: &Setup) -> Result<Reach, Vec<String>>;

    /// A value of a param.
    ///
    /// # Errors
    /// Why it is none of the type.
    fn param(&self, value: &Value, ty: &Type, name: &str) -> Result<Datum, String>;

    /// An event with what the tenant keeps of its client; none where there is nothing to add.
    fn with_client(&self, event: &[u8], clients: &Map<String, Value>) -> Option<Vec<u8>>;

    /// The hash of a password to keep. Takes tens of milliseconds.
    ///
    /// # Errors
    /// Why it has none.
    fn hash_password(&self, password: &[u8]) -> Result<String, String>;

    /// What is wrong with a hash that was made elsewhere.
    fn password_hash_fault(&self, hash: &str) -> Option<String>;

    /// Defaults of outputs by block type, from the declarations: what a stub of a simulation leaves out.
    fn stub_defaults(&self) -> &[StubDefaults];
}

/// A block type, and the defaults of its outputs.
pub type StubDefaults = (SmolStr, Vec<(SmolStr, Datum)>);

/// What a tenant is set up with, as it is kept. No `Debug`: it holds secrets.
#[derive(Clone, Default)]
pub struct Setup {
    /// Sections as in `admit.toml`, clients apart.
    pub settings: Map<String, Value>,
    /// Clients by id, as in `[clients.<id>]`.
    pub clients: Map<String, Value>,
    /// Secrets by name.
    pub secrets: Vec<(String, Zeroizing<Vec<u8>>)>,
    /// Own values of params, as they were given.
    pub params: Vec<(String, Value)>,
    /// Slugs of Actions that are off.
    pub disabled: BTreeSet<String>,
}

/// A tenant at work.
pub struct Tenancy {
    /// Whose it is.
    pub tenant: TenantId,
    /// Nobody is served in it.
    pub is_disabled: bool,
    /// The number of its set-up.
    pub version: u64,
    /// What it is set up with.
    pub setup: Setup,
    is_usable: bool,
    host: Arc<RealHost>,
}

/// The tenants that were asked for.
#[derive(Default)]
pub struct Tenancies(Mutex<HashMap<TenantId, (Instant, Arc<Tenancy>)>>);

impl Setup {
    /// From what is kept.
    ///
    /// # Errors
    /// Which entry cannot be read.
    pub fn of(entries: Vec<ConfigEntry>) -> Result<Self, Problem> {
        let mut setup = Self::default();
        for entry in entries {
            match entry.kind {
                ConfigKind::Settings => setup.settings = Kept::of(&entry)?.object(),
                ConfigKind::Client => {
                    let document = Kept::of(&entry)?.document;
                    setup.clients.insert(entry.name, document);
                }
                ConfigKind::Param => {
                    let document = Kept::of(&entry)?.document;
                    setup.params.push((entry.name, document));
                }
                ConfigKind::Secret => setup.secrets.push((entry.name, entry.value)),
                ConfigKind::Disabled => {
                    setup.disabled.insert(entry.name);
                }
                ConfigKind::List => {}
            }
        }
        Ok(setup)
    }
}

/// A document as it is kept: with who gave it.
#[derive(Deserialize, Serialize)]
pub struct Kept {
    /// It came from the project's files, and nobody has changed it since.
    #[serde(default)]
    pub of_project: bool,
    /// The document.
    pub document: Value,
    /// SHA-256 of a client's secret, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_hash: Option<String>,
}

impl Kept {
    /// As it is stored.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// As it was stored.
    ///
    /// # Errors
    /// It is damaged.
    pub fn of(entry: &ConfigEntry) -> Result<Self, Problem> {
        serde_json::from_slice(&entry.value).map_err(|_| {
            tracing::error!(
                kind = entry.kind.word(),
                name = entry.name.as_str(),
                "what a tenant is set up with is damaged"
            );
            Problem::internal()
        })
    }

    /// The document's fields.
    pub fn object(self) -> Map<String, Value> {
        match self.document {
            Value::Object(fields) => fields,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
        }
    }
}

impl Server {
    /// The tenant at work.
    pub async fn tenancy(&self, tenant: &TenantId) -> Result<Arc<Tenancy>, Problem> {
        let known = self.tenancies.lock().get(tenant).cloned();
        if let Some((_, tenancy)) = known.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(Arc::clone(tenancy));
        }
        let asked = Instant::now();
        let state = self.parts.store.tenant_state(tenant).await?.ok_or_else(|| Problem::not_found("tenant"))?;
        let same = |known: &Tenancy| TenantState { is_disabled: known.is_disabled, version: known.version } == state;
        let tenancy = match known.map(|(_, tenancy)| tenancy).filter(|known| same(known)) {
            Some(known) => known,
            None => Arc::new(self.read_tenancy(tenant, state).await?),
        };
        self.tenancies.lock().insert(tenant.clone(), (asked, Arc::clone(&tenancy)));
        Ok(tenancy)
    }

    /// What the tenant is set up with is asked anew.
    pub fn forget_tenancy(&self, tenant: &TenantId) {
        self.tenancies.lock().remove(tenant);
    }

    async fn read_tenancy(&self, tenant: &TenantId, state: TenantState) -> Result<Tenancy, Problem> {
        let (version, entries) = self.parts.store.config(tenant).await?;
        let setup = Setup::of(entries)?;
        let (reach, is_usable) = match self.parts.formats.reach(tenant, &setup) {
            Ok(reach) => (reach, true),
            Err(faults) => {
                let problem = faults.join("; ");
                tracing::error!(
                    tenant = tenant.as_str(),
                    problem = problem.as_str(),
                    "a tenant's settings are refused"
                );
                (Reach::default(), false)
            }
        };
        let host = Arc::new(self.parts.host.with(reach));
        Ok(Tenancy { tenant: tenant.clone(), is_disabled: state.is_disabled, is_usable, version, setup, host })
    }

    /// The wall clock.
    pub fn now(&self) -> admit_eval::value::Instant {
        self.parts.host.now()
    }

    /// A set-up that is to be, held to what would be refused when it is used.
    pub fn check_setup(&self, tenant: &TenantId, setup: &Setup) -> Result<(), Problem> {
        let refused =
            |faults: Vec<String>| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "settings_refused", faults.join("; "));
        self.parts.formats.reach(tenant, setup).map(|_| ()).map_err(refused)
    }
}

impl Tenancy {
    /// An event with what the tenant keeps of its client; none where there is nothing to add.
    pub fn with_client(&self, formats: &dyn Formats, event: &[u8]) -> Option<Vec<u8>> {
        if self.setup.clients.is_empty() { None } else { formats.with_client(event, &self.setup.clients) }
    }

    /// What its runs reach. Settings that were taken once may be refused by now: an older or newer program wrote them. Then
    /// nobody is served by guesses, and the settings can be put anew.
    pub fn host(&self) -> Result<&Arc<RealHost>, Problem> {
        if self.is_usable {
            return Ok(&self.host);
        }
        let detail = "this tenant is set up with what this server does not take; put its settings anew";
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unusable_settings", detail))
    }
}

impl Tenancies {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, (Instant, Arc<Tenancy>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
