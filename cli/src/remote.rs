//! A server elsewhere, as commands call it: its address, a key, and answers as JSON or the problem that it tells.

use std::path::PathBuf;
use std::time::Duration;

use admit_runtime::tenant::TenantId;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::failure::Failure;
use crate::files;

/// Names the tenant that a key with the scope `operate` acts in.
const TENANT: HeaderName = HeaderName::from_static("admit-tenant");
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
    client: Client,
    base: Url,
    key: HeaderValue,
}

/// An answer.
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Value,
}

impl Reply {
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
        let mut key = HeaderValue::from_str(&format!("Bearer {}", args.key.trim()))
            .map_err(|_| Failure::new("the key is none").help("give the key as `admit keys create` has shown it"))?;
        key.set_sensitive(true);
        let ca = args.ca.as_deref().map(files::read).transpose()?;
        let client = admit_host::operator_client(ca.as_deref(), LONGEST).map_err(Failure::new)?;
        Ok(Self { client, base, key })
    }

    /// Calls it, in this tenant where one is named.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        tenant: Option<&TenantId>,
        headers: &[(HeaderName, String)],
        body: Vec<u8>,
    ) -> Result<Reply, Failure> {
        let url = self.base.join(path).map_err(|error| Failure::new(format!("`{path}` is no address: {error}")))?;
        let mut all = HeaderMap::new();
        all.insert(AUTHORIZATION, self.key.clone());
        all.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| Failure::new("a header field cannot be sent"));
        if let Some(tenant) = tenant {
            all.insert(TENANT, value(tenant.as_str())?);
        }
        for (name, text) in headers {
            all.insert(name.clone(), value(text)?);
        }
        let sent = self.client.request(method, url).headers(all).body(body).send().await;
        let unreachable = |error: &reqwest::Error| {
            Failure::new(format!("cannot reach `{}`: {}", self.base, reason(error)))
                .help("look at the address, and whether the server runs")
        };
        let answer = sent.map_err(|error| unreachable(&error))?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|error| unreachable(&error))?;
        Ok(Reply { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }

    /// As [`Remote::call`], where everything but success is a failure.
    pub async fn get(&self, path: &str, tenant: Option<&TenantId>) -> Result<Reply, Failure> {
        let reply = self.call(Method::GET, path, tenant, &[], Vec::new()).await?;
        if reply.status.is_success() { Ok(reply) } else { Err(Failure::new(reply.why())) }
    }
}

/// The innermost cause: the outer ones say no more than that a request failed.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
