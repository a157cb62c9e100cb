//! `ip_reputation`: what feeds and event know of the request's address.

use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;

use super::{Config, Error, Outputs};
use crate::facts::facts;

/// See `ip_reputation.admit`.
pub struct IpReputation;

impl Block for IpReputation {
    fn name(&self) -> &'static str {
        "ip_reputation"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move { assess(&call) })
    }
}

fn assess(call: &Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(call)?;
    let known = call.host.feeds().lists();
    if let Some(unknown) = config.feeds.iter().find(|name| !known.iter().any(|known| known == name.as_str())) {
        return Err(Error::UnknownFeed.because(format!("`[feeds]` of admit.toml has no threat list `{unknown}`")));
    }
    let (address, facts) = facts(call.host, call.event);
    if address.is_none() {
        return Err(Error::BadAddress.because("`event.request.ip` is no address"));
    }
    let asked = |list: &str| config.feeds.is_empty() || config.feeds.iter().any(|name| name == list);
    let feed = facts.lists.iter().find(|list| asked(list)).map(ToString::to_string);
    let country = facts.country.map(|country| country.to_string());
    let country_denied = country
        .as_ref()
        .is_some_and(|country| config.deny_countries.iter().any(|denied| denied.eq_ignore_ascii_case(country)));
    let outputs = Outputs {
        listed: feed.is_some() || country_denied,
        feed,
        country_denied,
        is_tor: facts.is_tor,
        is_vpn: facts.is_vpn,
        is_proxy: facts.is_proxy,
        is_hosting: facts.is_hosting,
        is_bogon: facts.is_bogon,
        country,
        asn: facts.asn.map(i64::from),
        org: facts.org.map(|org| org.to_string()),
    };
    Ok(Done::Output(outputs.into()))
}
