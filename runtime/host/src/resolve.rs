//! Resolving names: once per connection, every answer checked, and only checked answers are dialled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use admit_runtime::host::BoxFuture;
use hickory_resolver::TokioResolver;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use tokio::sync::OnceCell;

use crate::egress::Route;

/// Asks for the addresses of a name.
pub trait Lookup: Send + Sync {
    /// All addresses of the name; an error as text.
    fn lookup<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>>;
}

/// The system's name servers.
#[derive(Default)]
pub struct SystemLookup {
    resolver: OnceCell<TokioResolver>,
}

/// Why a name was refused. Carried through the HTTP client's errors.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Refusal(pub String);

/// What the client dials for public hosts.
pub(crate) struct PublicResolver {
    pub lookup: Arc<dyn Lookup>,
}

/// What the client dials for peers on this machine: the only name is `localhost`, and it is never looked up
/// (RFC 6761 section 6.3).
pub(crate) struct LoopbackResolver;

impl Lookup for SystemLookup {
    fn lookup<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>> {
        Box::pin(async move {
            let resolver = self
                .resolver
                .get_or_try_init(async || TokioResolver::builder_tokio().and_then(|builder| builder.build()))
                .await
                .map_err(|error| format!("no name servers: {error}"))?;
            // With the root's dot, so that no search domain is tried.
            let answer = resolver
                .lookup_ip(format!("{}.", name.trim_end_matches('.')))
                .await
                .map_err(|error| error.to_string())?;
            Ok(answer.iter().collect())
        })
    }
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = self.lookup.clone();
        Box::pin(async move {
            let answers = lookup.lookup(name.as_str()).await?;
            Route::Public.check(name.as_str(), &answers).map_err(Refusal)?;
            Ok(addresses(answers))
        })
    }
}

impl Resolve for LoopbackResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            if name.as_str() != "localhost" {
                return Err(Refusal(format!("`{}` is not on this machine", name.as_str())).into());
            }
            Ok(addresses(vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]))
        })
    }
}

fn addresses(answers: Vec<IpAddr>) -> Addrs {
    Box::new(answers.into_iter().map(|answer| SocketAddr::new(answer, 0)))
}
