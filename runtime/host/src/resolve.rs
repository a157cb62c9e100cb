//! Resolving names: once per connection, every answer checked, and only checked answers are dialled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use admit_runtime::feeds::MailServers;
use admit_runtime::host::BoxFuture;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use tokio::sync::OnceCell;

use crate::address::is_public;
use crate::egress::Route;

/// Asks name servers.
pub trait Lookup: Send + Sync {
    /// All addresses of the name; an error as text.
    fn lookup<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>>;

    /// Who takes mail for the domain; an error as text where that could not be learned.
    fn mail<'a>(&'a self, domain: &'a str) -> BoxFuture<'a, Result<MailServers, String>>;
}

/// The system's name servers, or others.
#[derive(Default)]
pub struct SystemLookup {
    servers: Vec<SocketAddr>,
    resolver: OnceCell<TokioResolver>,
}

impl SystemLookup {
    /// Asks these name servers instead of the system's.
    pub fn asking(servers: Vec<SocketAddr>) -> Self {
        Self { servers, resolver: OnceCell::new() }
    }

    #[expect(clippy::disallowed_methods, reason = "the one place where name servers are asked")]
    async fn resolver(&self) -> Result<&TokioResolver, String> {
        let build = async || match self.servers.is_empty() {
            true => TokioResolver::builder_tokio()?.build(),
            false => {
                let servers = self.servers.iter().map(|server| name_server(*server)).collect();
                let config = ResolverConfig::from_parts(None, Vec::new(), servers);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build()
            }
        };
        self.resolver.get_or_try_init(build).await.map_err(|error: NetError| format!("no name servers: {error}"))
    }
}

fn name_server(server: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = server.port();
        connection
    });
    NameServerConfig::new(server.ip(), true, connections.into())
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
            let resolver = self.resolver().await?;
            let answer = resolver.lookup_ip(rooted(name)).await.map_err(|error| error.to_string())?;
            Ok(answer.iter().collect())
        })
    }

    fn mail<'a>(&'a self, domain: &'a str) -> BoxFuture<'a, Result<MailServers, String>> {
        Box::pin(async move {
            let resolver = self.resolver().await?;
            match resolver.mx_lookup(rooted(domain)).await {
                Ok(answer) => {
                    let records = answer.answers().iter().filter_map(|record| match &record.data {
                        RData::MX(record) => Some((record.preference, record.exchange.to_ascii())),
                        _ => None,
                    });
                    let records: Vec<(u16, String)> = records.collect();
                    if !records.is_empty() {
                        return Ok(named(records));
                    }
                }
                Err(error) if error.is_nx_domain() => return Ok(MailServers::Nobody),
                Err(error) if error.is_no_records_found() => {}
                Err(error) => return Err(error.to_string()),
            }
            match resolver.lookup_ip(rooted(domain)).await {
                // Private addresses take mail from nobody outside.
                Ok(answer) if answer.iter().any(is_public) => Ok(MailServers::Itself),
                Ok(_) => Ok(MailServers::Nobody),
                Err(error) if error.is_no_records_found() => Ok(MailServers::Nobody),
                Err(error) => Err(error.to_string()),
            }
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

/// With the root's dot, so that no search domain is tried.
fn rooted(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

/// MX records, at least one, as who they stand for. A null MX beside others says nothing (RFC 7505 section 3).
fn named(mut records: Vec<(u16, String)>) -> MailServers {
    records.retain(|(_, host)| host != ".");
    if records.is_empty() {
        return MailServers::Refused;
    }
    records.sort();
    MailServers::Named(records.into_iter().map(|(_, host)| host.trim_end_matches('.').to_lowercase()).collect())
}

fn addresses(answers: Vec<IpAddr>) -> Addrs {
    Box::new(answers.into_iter().map(|answer| SocketAddr::new(answer, 0)))
}
