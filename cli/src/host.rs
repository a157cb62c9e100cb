//! The host of a command that runs flows: what the project's settings and the command line let it reach.

pub mod formats;
mod outlets;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use admit_compiler::project::{Project, Settings};
use admit_eval::datum::Datum;
use admit_host::{
    Egress, FeedFiles, KeyFile, Options as HostOptions, POLL, Reach, RealHost, Redirects, Secrets, Watch,
};
use admit_runtime::action::Actions;
use admit_runtime::engine::{Engine, Params};
use admit_runtime::host::{RelyingParty, Store};
use admit_runtime::tenant::TenantId;
use smol_str::SmolStr;

use crate::failure::Failure;
use crate::output::note;
use crate::project::Loaded;
use crate::world;

/// What a command may reach.
#[derive(Clone, Debug, clap::Args)]
pub struct HostArgs {
    /// The settings of this `[env.NAME]` of admit.toml
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// A declared secret, from an environment variable or a file
    #[arg(long, value_name = "NAME=env:VAR|file:PATH")]
    secret: Vec<String>,
    /// A peer on this machine that blocks may call
    #[arg(long, value_name = "HOST:PORT")]
    allow_egress: Vec<String>,
    /// Put messages into this folder instead of sending them, one file each
    #[arg(long, value_name = "DIR")]
    mailbox: Option<PathBuf>,
}

/// What a host is made over.
pub struct Over {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its keys.
    pub keys: KeyFile,
    /// Who runs Actions.
    pub actions: Option<Arc<dyn Actions>>,
    /// The project's feeds.
    pub feeds: Arc<FeedFiles>,
}

/// The host; `adjust` adds what belongs to the command itself.
pub fn host(
    args: &HostArgs,
    loaded: &Loaded,
    over: Over,
    adjust: impl FnOnce(&mut HostOptions),
) -> Result<RealHost, Failure> {
    let settings = loaded.settings(args.env.as_deref())?;
    let reach = args.reach(settings, &loaded.project.manifest.name, loaded.root.as_deref(), args.secrets()?)?;
    let mut options = HostOptions {
        secrets: reach.secrets,
        egress: reach.egress,
        redirects: reach.redirects,
        relying_party: reach.relying_party,
        actions: over.actions,
        outlets: reach.outlets,
        signing: reach.signing,
        providers: reach.providers,
        clients: reach.clients,
        feeds: over.feeds,
        ..HostOptions::default()
    };
    adjust(&mut options);
    RealHost::new(over.store, over.keys, options).map_err(|error| Failure::new(error.to_string()))
}

impl HostArgs {
    /// The secrets of the command line.
    pub fn secrets(&self) -> Result<Secrets, Failure> {
        let mut secrets = Secrets::default();
        for secret in &self.secret {
            secrets.add(secret, &|name| std::env::var(name).ok()).map_err(Failure::new)?;
        }
        Ok(secrets)
    }

    /// What these settings let a tenant reach; peers on this machine and the folder of messages are the command line's. `name` is who
    /// asks for passkeys where the settings give no name.
    pub fn reach(
        &self,
        settings: &Settings,
        name: &str,
        root: Option<&Path>,
        secrets: Secrets,
    ) -> Result<Reach, Failure> {
        let mut egress = Egress::new(settings.egress.iter().map(SmolStr::as_str)).map_err(Failure::new)?;
        for peer in &self.allow_egress {
            egress.allow_peer(peer).map_err(Failure::new)?;
        }
        let redirects = Redirects::new(settings.redirects.iter().map(SmolStr::as_str)).map_err(Failure::new)?;
        let relying_party = settings.webauthn.as_ref().map(|known| RelyingParty {
            id: known.rp_id.to_string(),
            name: known.rp_name.as_deref().unwrap_or(name).to_owned(),
            origins: known.origins.iter().map(ToString::to_string).collect(),
        });
        let outlets = outlets::outlets(settings, &egress, self.mailbox.clone(), root)?;
        Ok(Reach {
            egress,
            redirects,
            relying_party,
            outlets,
            signing: world::signing(settings)?,
            providers: world::providers(settings),
            clients: world::clients(settings),
            secrets,
        })
    }
}

/// Reads feeds anew when their files change, as long as what it gives is kept.
pub fn watch(feeds: &Arc<FeedFiles>) -> Watch {
    feeds.watch(POLL, |happened| {
        if let Err(fault) = happened {
            note(&format!("warning: {fault}; what was read before is in use\n"));
        }
    })
}

/// A tenant's own values of params.
pub fn own_params(project: &Project, tenant: &TenantId) -> Vec<(SmolStr, Datum)> {
    let own = project.tenants.get(tenant.as_str());
    own.iter().flat_map(|own| &own.params).map(|param| (param.name.clone(), param.value.clone())).collect()
}

/// The params of a tenant for this engine.
pub fn params(engine: &Engine, project: &Project, tenant: &TenantId) -> Result<Params, Failure> {
    engine.params(&own_params(project, tenant)).map_err(|error| {
        Failure::new(format!("tenant `{tenant}`: {error}"))
            .help(format!("give it under `[params]` in `tenants/{tenant}.toml`"))
    })
}

/// The project's feeds, read.
pub async fn feeds(args: &HostArgs, loaded: &Loaded) -> Result<Arc<FeedFiles>, Failure> {
    let options = world::feed_options(loaded.settings(args.env.as_deref())?, loaded.root.as_deref());
    let read = tokio::task::spawn_blocking(|| world::feeds(options)).await;
    read.map_err(|error| Failure::new(format!("the feeds cannot be read: {error}")))?.map(Arc::new)
}
