//! What the server asks of whoever knows the project's formats: what tenants are given by API is read as the project's files are.

use std::path::PathBuf;

use admit_compiler::project::documents;
use admit_eval::datum::Datum;
use admit_host::{Reach, Secrets};
use admit_plan::types::Type;
use admit_runtime::tenant::TenantId;
use admit_server::api::{Formats, Setup, StubDefaults};
use admit_stdlib::request;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::files;
use crate::host::HostArgs;
use crate::project::Loaded;
use crate::world;

/// The formats of this program, on the ground of one command line.
pub struct OwnFormats {
    args: HostArgs,
    project: String,
    root: Option<PathBuf>,
    /// Whose the secrets of the command line are.
    owner: TenantId,
    secrets: Secrets,
    defaults: Vec<StubDefaults>,
}

impl OwnFormats {
    /// For a server that `loaded` is served by; the secrets of the command line are those of `owner` alone.
    pub fn new(args: &HostArgs, loaded: &Loaded, owner: &TenantId) -> Result<Self, Failure> {
        Ok(Self {
            project: loaded.project.manifest.name.to_string(),
            root: loaded.root.clone(),
            owner: owner.clone(),
            secrets: args.secrets()?,
            defaults: crate::command::test::stub_defaults(loaded)?,
            args: args.clone(),
        })
    }
}

impl Formats for OwnFormats {
    fn reach(&self, tenant: &TenantId, setup: &Setup) -> Result<Reach, Vec<String>> {
        let mut document = setup.settings.clone();
        // A file of this machine is nothing that a tenant may name.
        if document.get("smtp").is_some_and(|smtp| smtp.get("ca").is_some()) {
            return Err(vec!["`smtp` has no key `ca` here: give the certificates themselves as `ca_pem`".to_owned()]);
        }
        document.insert("clients".to_owned(), Value::Object(setup.clients.clone()));
        let settings = documents::settings(&document)?;
        let mut secrets = if *tenant == self.owner { self.secrets.clone() } else { Secrets::default() };
        for (name, value) in &setup.secrets {
            secrets.set(name, value);
        }
        let name = if *tenant == self.owner { self.project.as_str() } else { tenant.as_str() };
        let reach = self.args.reach(&settings, name, self.root.as_deref(), secrets);
        let mut reach = reach.map_err(|failure| vec![failure.message])?;
        if *tenant != self.owner
            && let Some(folder) = &mut reach.outlets.mailbox
        {
            folder.push(tenant.as_str());
        }
        Ok(reach)
    }

    fn param(&self, value: &Value, ty: &Type, name: &str) -> Result<Datum, String> {
        documents::param(value, ty, name)
    }

    fn with_client(&self, event: &[u8], clients: &Map<String, Value>) -> Option<Vec<u8>> {
        request::with_client(event, |id| clients.get(id).and_then(Value::as_object))
    }

    fn hash_password(&self, password: &[u8]) -> Result<String, String> {
        (world::passwords().hash)(password)
    }

    fn password_hash_fault(&self, hash: &str) -> Option<String> {
        (world::passwords().fault)(hash)
    }

    fn stub_defaults(&self) -> &[StubDefaults] {
        &self.defaults
    }
}

/// A JSON object.
type Document = Map<String, Value>;

/// The settings of a project as a tenant's document, and its clients by id: files that settings name are read into them.
pub fn of_project(args: &HostArgs, loaded: &Loaded) -> Result<(Document, Document), Failure> {
    let mut settings = loaded.settings(args.env.as_deref())?.written.clone();
    let clients = match settings.remove("clients") {
        Some(Value::Object(clients)) => clients,
        _ => Map::new(),
    };
    if let Some(Value::Object(smtp)) = settings.get_mut("smtp")
        && let Some(path) = smtp.remove("ca")
    {
        let path = loaded.root.clone().unwrap_or_default().join(path.as_str().unwrap_or_default());
        let pem = String::from_utf8(files::read(&path)?);
        let pem = pem.map_err(|_| Failure::new(format!("`{}` is not PEM", path.display())))?;
        smtp.insert("ca_pem".to_owned(), json!(pem));
    }
    Ok((settings, clients))
}
