//! A server elsewhere, as commands call it: its address, a key, and answers as JSON or the problem that it tells.

use std::path::PathBuf;
use std::time::Duration;

use admit_host::{OperatorCall, OperatorClient};
use admit_runtime::tenant::TenantId;
use serde_json::Value;
use url::Url;

use crate::failure::Failure;
use crate::files;

/// Names the tenant that a key with the scope `operate` acts in.
const TENANT: &str = "admit-tenant";
/// A bundle may take a while to be verified, and longer to arrive.
const LONGEST: Duration = Duration::from_secs(120);

/// Which server, and who calls.
#[derive(Debug, clap::Args)]
pub struct RemoteArgs {
    /// The server: `https://admit.example.com`
    #[arg(long, value_name = "URL", env = "ADMIT_SERVER")]
    pub server: Url,
    /// The API key; better in ADMIT_KEY, where other users of this machine do not see it
    #[arg(long, value_name = "KEY", env = "ADMIT_KEY", hide_env_values = true)]
    pub key: String,
    /// Certificates (PEM) that are trusted besides the public ones
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

/// A server.
pub struct Remote {
    client: OperatorClient,
    base: Url,
}

/// An answer.
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Value,
}

impl Reply {
    /// It is what was asked for.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A text below the body.
    pub fn text(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// What a problem says.
    pub fn why(&self) -> String {
        match self.body.get("detail").and_then(Value::as_str) {
            Some(detail) => detail.to_owned(),
            None => format!("the server answers {}", self.status),
        }
    }
}

impl Remote {
    /// The server of these arguments. A key goes over https, or to this machine.
    pub fn new(args: &RemoteArgs) -> Result<Self, Failure> {
        let base = args.server.clone();
        let is_local = base.host_str().is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host));
        if base.scheme() != "https" && !(base.scheme() == "http" && is_local) {
            return Err(Failure::new(format!("a key is not sent to `{base}`")).help("name an address over https"));
        }
        let ca = args.ca.as_deref().map(files::read).transpose()?;
        let client = OperatorClient::new(&args.key, ca.as_deref(), LONGEST).map_err(Failure::new)?;
        Ok(Self { client, base })
    }

    /// Calls it, in this tenant where one is named.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        tenant: Option<&TenantId>,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Reply, Failure> {
        let url = self.base.join(path).map_err(|error| Failure::new(format!("`{path}` is no address: {error}")))?;
        let mut all = vec![("content-type", "application/octet-stream".to_owned())];
        all.extend(tenant.map(|tenant| (TENANT, tenant.to_string())));
        all.extend_from_slice(headers);
        let call = OperatorCall { method, url: url.as_str(), headers: &all, body };
        let answer = self.client.call(call).await.map_err(|why| {
            Failure::new(format!("cannot reach `{}`: {why}", self.base))
                .help("look at the address, and whether the server runs")
        })?;
        Ok(Reply { status: answer.status, body: serde_json::from_slice(&answer.body).unwrap_or(Value::Null) })
    }

    /// As [`Remote::call`], where everything but success is a failure.
    pub async fn get(&self, path: &str, tenant: Option<&TenantId>) -> Result<Reply, Failure> {
        let reply = self.call("GET", path, tenant, &[], Vec::new()).await?;
        if reply.is_success() { Ok(reply) } else { Err(Failure::new(reply.why())) }
    }
}
