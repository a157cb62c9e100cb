//! The network extension: IP addresses and CIDR blocks.

use std::net::IpAddr;

use admit_plan::func::Func;
use ipnet::{IpNet, Ipv4Net};

use super::{Called, invalid};
use crate::cx::Cx;
use crate::error::EvalError;
use crate::ops::no_overload;
use crate::value::Value;

pub(super) fn call<'a>(func: Func, args: &[Value<'a>], cx: &Cx<'a>) -> Called<'a> {
    match (func, args) {
        (Func::Ip, [Value::Str(text)]) => cx.ip(address(text)?),
        (Func::Ip, [Value::Ip(_)]) | (Func::Cidr, [Value::Cidr(_)]) => Ok(*args.first().unwrap_or(&Value::Null)),
        (Func::Ip, [Value::Cidr(block)]) => cx.ip(block.addr()),
        (Func::IsIp, [Value::Str(text)]) => Ok(Value::Bool(address(text).is_ok())),
        (Func::IpIsCanonical, [Value::Str(text)]) => Ok(Value::Bool(address(text)?.to_string() == *text)),
        (Func::Cidr, [Value::Str(text)]) => cx.cidr(block(text)?),
        (Func::IsCidr, [Value::Str(text)]) => Ok(Value::Bool(block(text).is_ok())),
        (_, [Value::Ip(address)]) => of_address(func, **address).ok_or_else(|| no_overload(func.name(), args)),
        (Func::ContainsIp, [Value::Cidr(block), Value::Ip(address)]) => Ok(Value::Bool(block.contains(*address))),
        (Func::ContainsIp, [Value::Cidr(block), Value::Str(text)]) => Ok(Value::Bool(block.contains(&address(text)?))),
        (Func::ContainsCidr, [Value::Cidr(outer), Value::Cidr(inner)]) => Ok(Value::Bool(contains(outer, inner))),
        (Func::ContainsCidr, [Value::Cidr(outer), Value::Str(text)]) => Ok(Value::Bool(contains(outer, &block(text)?))),
        (Func::Masked, [Value::Cidr(block)]) => cx.cidr(block.trunc()),
        (Func::PrefixLength, [Value::Cidr(block)]) => Ok(Value::Int(i64::from(block.prefix_len()))),
        _ => Err(no_overload(func.name(), args)),
    }
}

fn of_address<'a>(func: Func, address: IpAddr) -> Option<Value<'a>> {
    let is = match func {
        Func::Family => return Some(Value::Int(if address.to_canonical().is_ipv4() { 4 } else { 6 })),
        Func::IsUnspecified => address.is_unspecified(),
        Func::IsLoopback => address.is_loopback(),
        Func::IsGlobalUnicast => is_global_unicast(address),
        Func::IsLinkLocalMulticast => match address {
            IpAddr::V4(v4) => matches!(v4.octets(), [224, 0, 0, _]),
            IpAddr::V6(v6) => v6.segments().first().is_some_and(|first| first & 0xff0f == 0xff02),
        },
        Func::IsLinkLocalUnicast => is_link_local(address),
        _ => return None,
    };
    Some(Value::Bool(is))
}

/// As Go's `netip.Addr.IsGlobalUnicast`: private addresses are, the unspecified, loopback, link-local, multicast and
/// broadcast ones are not.
fn is_global_unicast(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !(address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || is_link_local(address)
        || broadcast)
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.segments().first().is_some_and(|first| first & 0xffc0 == 0xfe80),
    }
}

/// An address without a zone, and not an IPv4 address mapped into IPv6 in dotted form. Mapped in hexadecimal form it is
/// the IPv4 address that it stands for: no list of IPv4 blocks can be walked around with it.
fn address(text: &str) -> Result<IpAddr, EvalError> {
    if text.contains('%') {
        return Err(invalid("IP Address with zone value is not allowed"));
    }
    let bad = || {
        invalid(format!(
            "IP Address '{}' parse error during conversion from string",
            text.chars().take(60).collect::<String>()
        ))
    };
    let parsed: IpAddr = text.parse().map_err(|_| bad())?;
    refuse_mapped(text)?;
    Ok(parsed.to_canonical())
}

fn block(text: &str) -> Result<IpNet, EvalError> {
    if text.contains('%') {
        return Err(invalid("CIDR with zone value is not allowed"));
    }
    let parsed = text.parse().map_err(|_| invalid("network address parse error during conversion from string"))?;
    refuse_mapped(text)?;
    let IpNet::V6(v6) = parsed else { return Ok(parsed) };
    // A block of mapped addresses is the block of IPv4 addresses that they stand for.
    match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) {
        (Some(v4), Some(prefix)) => Ok(Ipv4Net::new(v4, prefix).map_or(parsed, IpNet::V4)),
        _ => Ok(parsed),
    }
}

fn refuse_mapped(text: &str) -> Result<(), EvalError> {
    if text.contains(':') && text.contains('.') {
        return Err(invalid("IPv4-mapped IPv6 address is not allowed"));
    }
    Ok(())
}

fn contains(outer: &IpNet, inner: &IpNet) -> bool {
    outer.prefix_len() <= inner.prefix_len() && outer.contains(&inner.addr())
}
