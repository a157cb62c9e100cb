//! What is known of the request's address: the feeds, and what the event says over them.

use std::net::IpAddr;

use admit_eval::datum::Datum;
use admit_runtime::block::Event;
use admit_runtime::feeds::AddressFacts;
use admit_runtime::host::Host;

use crate::config::{event_flag, event_text};

/// What is known of the request, and its address: the feeds, with what the event says over them. A flag holds where
/// either says so, and where both know a value, the event's holds. No address: what the event says alone.
pub(crate) fn facts(host: &dyn Host, event: &dyn Event) -> (Option<IpAddr>, AddressFacts) {
    let address: Option<IpAddr> = event_text(event, "request.ip").and_then(|ip| ip.trim().parse().ok());
    let mut facts = address.map(|address| host.feeds().address(address.to_canonical())).unwrap_or_default();
    let flag = |name: &str| event_flag(event, &format!("request.asn.{name}"));
    facts.is_tor |= flag("is_tor");
    facts.is_vpn |= flag("is_vpn");
    facts.is_proxy |= flag("is_proxy");
    facts.is_hosting |= flag("is_hosting");
    facts.is_bogon |= flag("is_bogon");
    if let Some(country) = event_text(event, "request.geo.country") {
        facts.country = Some(country.into());
    }
    if let Some(Datum::Int(number)) = event.get("request.asn.number") {
        facts.asn = u32::try_from(number).ok();
    }
    if let Some(org) = event_text(event, "request.asn.org") {
        facts.org = Some(org.into());
    }
    (address, facts)
}
