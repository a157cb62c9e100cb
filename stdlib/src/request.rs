//! What an event leaves out of its request and feeds know: `request.geo`, `request.asn`, and what the user agent says of
//! `request.device`.
//!
//! A group that the caller gives is the caller's, as a whole. A device's id is never made up: what a user agent says is anybody's to
//! say, and a device that is known is trusted with more.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use admit_runtime::feeds::Feeds;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

use crate::agent;

/// The event with what it leaves out; none where there is nothing to add, or the event is one that no run takes (it is no JSON
/// object, or a key occurs twice). With `device` the user agent is read, which takes a tenth of a second the first time:
/// call it off the async threads.
pub fn completed(event: &[u8], feeds: &dyn Feeds, device: bool) -> Option<Vec<u8>> {
    // What is of another form may lack something all the same.
    if serde_json::from_slice::<Glance>(event).is_ok_and(|event| !event.lacks_something(device)) {
        return None;
    }
    serde_json::from_slice::<Unique>(event).ok()?;
    let mut event: Value = serde_json::from_slice(event).ok()?;
    let request = event.get_mut("request")?.as_object_mut()?;
    let mut added = false;
    let address = request.get("ip").and_then(Value::as_str).and_then(|ip| ip.trim().parse::<IpAddr>().ok());
    if let Some(address) = address
        && (is_left_out(request, "geo") || is_left_out(request, "asn"))
    {
        let facts = feeds.address(address);
        let position = facts.position.unzip();
        let geo = [
            ("country", facts.country.as_ref().map(|it| json!(it.as_str()))),
            ("region", facts.region.as_ref().map(|it| json!(it.as_str()))),
            ("city", facts.city.as_ref().map(|it| json!(it.as_str()))),
            ("lat", position.0.map(Value::from)),
            ("long", position.1.map(Value::from)),
            ("time_zone", facts.time_zone.as_ref().map(|it| json!(it.as_str()))),
        ];
        added |= fill(request, "geo", geo);
        let flag = |is: bool| is.then_some(Value::Bool(true));
        let asn = [
            ("number", facts.asn.map(Value::from)),
            ("org", facts.org.as_ref().map(|it| json!(it.as_str()))),
            ("is_tor", flag(facts.is_tor)),
            ("is_vpn", flag(facts.is_vpn)),
            ("is_proxy", flag(facts.is_proxy)),
            ("is_hosting", flag(facts.is_hosting)),
            ("is_bogon", flag(facts.is_bogon)),
        ];
        added |= fill(request, "asn", asn);
    }
    if device && let Some(text) = request.get("user_agent").and_then(Value::as_str) {
        let agent = agent::describe(text);
        let traits = [
            ("type", agent.device.map(Value::from)),
            ("os", agent.os.map(Value::from)),
            ("browser", agent.browser.map(Value::from)),
        ];
        added |= match request.get_mut("device") {
            Some(Value::Object(given)) => fill_in(given, traits),
            Some(Value::Null) | None => fill(request, "device", traits),
            Some(_) => false,
        };
    }
    added.then(|| event.to_string().into_bytes())
}

/// Makes ready what [`completed`] needs the first time: a tenth of a second's work, off the async threads.
pub fn warm() {
    agent::warm();
}

/// The event with what the tenant keeps of its client (`name`, `type`, `first_party`, `metadata`), which counts more than what the
/// caller says; none where the tenant knows no such client, or the event is one that no run takes.
pub fn with_client<'c>(event: &[u8], known: impl FnOnce(&str) -> Option<&'c Map<String, Value>>) -> Option<Vec<u8>> {
    serde_json::from_slice::<Unique>(event).ok()?;
    let mut event: Value = serde_json::from_slice(event).ok()?;
    let client = event.get_mut("client")?.as_object_mut()?;
    let kept = known(client.get("id")?.as_str()?)?;
    for field in ["name", "type", "first_party", "metadata"] {
        if let Some(value) = kept.get(field).filter(|value| !value.is_null()) {
            client.insert(field.to_owned(), value.clone());
        }
    }
    Some(event.to_string().into_bytes())
}

/// What has to be known of an event to see that it is whole: most are, and need not be read into a tree.
#[derive(serde::Deserialize)]
struct Glance {
    request: Option<GlanceRequest>,
}

#[derive(serde::Deserialize)]
struct GlanceRequest {
    geo: Option<IgnoredAny>,
    asn: Option<IgnoredAny>,
    device: Option<GlanceDevice>,
    user_agent: Option<IgnoredAny>,
}

#[derive(serde::Deserialize)]
struct GlanceDevice {
    r#type: Option<IgnoredAny>,
    os: Option<IgnoredAny>,
    browser: Option<IgnoredAny>,
}

impl Glance {
    /// There may be something to fill in; `null` is as good as nothing.
    fn lacks_something(&self, device: bool) -> bool {
        let Some(request) = &self.request else { return false };
        let known = |it: &GlanceDevice| it.r#type.is_some() && it.os.is_some() && it.browser.is_some();
        let lacks_device = device && request.user_agent.is_some() && !request.device.as_ref().is_some_and(known);
        request.geo.is_none() || request.asn.is_none() || lacks_device
    }
}

/// A group that is not there, or `null`, which means the same.
fn is_left_out(request: &Map<String, Value>, group: &str) -> bool {
    request.get(group).is_none_or(Value::is_null)
}

/// Gives a group that is left out what is known of it.
fn fill<const N: usize>(request: &mut Map<String, Value>, group: &str, known: [(&str, Option<Value>); N]) -> bool {
    let mut fields = Map::new();
    let adds = is_left_out(request, group) && fill_in(&mut fields, known);
    if adds {
        request.insert(group.to_owned(), Value::Object(fields));
    }
    adds
}

/// Gives an object the fields that it lacks.
fn fill_in<const N: usize>(fields: &mut Map<String, Value>, known: [(&str, Option<Value>); N]) -> bool {
    let mut added = false;
    for (name, value) in known {
        if let Some(value) = value.filter(|_| is_left_out(fields, name)) {
            fields.insert(name.to_owned(), value);
            added = true;
        }
    }
    added
}

/// Any JSON in which no key occurs twice. To write an event anew that has one would hide it from the engine, which refuses it.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = fields.next_key::<String>()? {
            if !seen.insert(key) {
                fields.next_value::<IgnoredAny>()?;
                return Err(A::Error::custom("a key occurs twice"));
            }
            fields.next_value::<Self>()?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use admit_runtime::feeds::{AddressFacts, BREACHED_RANGES, FeedError};
    use smol_str::SmolStr;

    use super::*;

    /// Knows one address.
    struct One;

    impl Feeds for One {
        fn address(&self, address: IpAddr) -> AddressFacts {
            if address != IpAddr::from([5, 188, 10, 7]) {
                return AddressFacts::default();
            }
            AddressFacts {
                is_tor: true,
                country: Some("SE".into()),
                position: Some((58.4, 15.6)),
                asn: Some(64_496),
                ..AddressFacts::default()
            }
        }

        fn lists(&self) -> Vec<SmolStr> {
            Vec::new()
        }

        fn breached(&self, _: &[u8; 20]) -> Option<Result<u64, FeedError>> {
            None
        }

        fn breached_ranges(&self) -> &str {
            BREACHED_RANGES
        }
    }

    fn filled(event: &str, device: bool) -> Option<Value> {
        completed(event.as_bytes(), &One, device).map(|event| serde_json::from_slice(&event).unwrap())
    }

    #[test]
    fn what_a_tenant_keeps_of_its_client_counts_more_than_what_the_caller_says() {
        let kept = json!({ "type": "web", "name": "Portal", "metadata": { "tier": "gold" }, "scopes": ["openid"] });
        let kept = kept.as_object().unwrap();
        let filled = |event: &str| with_client(event.as_bytes(), |id| (id == "portal").then_some(kept));
        let event =
            filled(r#"{ "client": { "id": "portal", "type": "native", "metadata": { "tier": "none" } }, "x": 1 }"#);
        let event: Value = serde_json::from_slice(&event.unwrap()).unwrap();
        let client = json!({ "id": "portal", "type": "web", "name": "Portal", "metadata": { "tier": "gold" } });
        assert_eq!(event, json!({ "client": client, "x": 1 }));
        for event in [
            r#"{ "client": { "id": "other" } }"#,
            r#"{ "client": { "id": "other", "id": "portal" } }"#,
            r#"{ "client": 7 }"#,
            "{}",
            "no",
        ] {
            assert_eq!(filled(event), None, "{event}");
        }
    }

    #[test]
    fn groups_that_are_left_out_are_filled_and_those_given_stay_as_they_are() {
        let geo = json!({ "country": "SE", "lat": 58.4, "long": 15.6 });
        let asn = json!({ "number": 64_496, "is_tor": true });
        let event = filled(r#"{ "request": { "ip": "5.188.10.7", "geo": null }, "client": { "id": "c" } }"#, false);
        assert_eq!(
            event.unwrap(),
            json!({ "request": { "ip": "5.188.10.7", "geo": geo, "asn": asn }, "client": { "id": "c" } })
        );
        let given = filled(r#"{ "request": { "ip": "5.188.10.7", "geo": { "country": "FR" }, "asn": {} } }"#, false);
        assert_eq!(given, None, "both are given");
        let one = filled(r#"{ "request": { "ip": "::ffff:5.188.10.7", "geo": {} } }"#, false);
        assert_eq!(one, None, "only what the host's feeds make of an address counts");
        let one = filled(r#"{ "request": { "ip": "5.188.10.7", "geo": {} } }"#, false).unwrap();
        assert_eq!(one["request"], json!({ "ip": "5.188.10.7", "geo": {}, "asn": asn }));
    }

    #[test]
    fn a_device_gets_its_traits_and_never_an_id() {
        let agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                     Version/18.1 Mobile/15E148 Safari/604.1";
        let event =
            |device: &str| format!(r#"{{ "request": {{ "ip": "8.8.8.8", "user_agent": "{agent}"{device} }} }}"#);
        let device = |text: &str| filled(&event(text), true).map(|event| event["request"]["device"].clone());
        let known = json!({ "type": "mobile", "os": "iOS", "browser": "Mobile Safari" });
        assert_eq!(device(""), Some(known));
        let given = r#", "device": { "id": "dev_1", "os": "Plan 9" }"#;
        let expected = json!({ "id": "dev_1", "os": "Plan 9", "type": "mobile", "browser": "Mobile Safari" });
        assert_eq!(device(given), Some(expected));
        assert_eq!(filled(&event(""), false), None, "nobody asked");
    }

    #[test]
    fn an_event_that_no_run_takes_is_left_to_the_engine() {
        for event in [
            "",
            "[]",
            "{}",
            r#"{ "request": 1 }"#,
            r#"{ "request": { "ip": "5.188.10.7" }, "request": {} }"#,
            r#"{ "request": { "ip": "5.188.10.7", "ip": "8.8.8.8" } }"#,
            r#"{ "request": { "ip": "5.188.10.7" }, "client": { "metadata": [{ "a": 1, "a": 2 }] } }"#,
            r#"{ "request": { "ip": "5.188.10.7" } } x"#,
            r#"{ "request": { "ip": "nowhere" } }"#,
            r#"{ "request": { "ip": 5 } }"#,
            r#"{ "request": { "ip": "5.188.10.7", "x": "\ud800" } }"#,
        ] {
            assert_eq!(filled(event, true), None, "{event}");
        }
        assert_eq!(completed(b"\xff", &One, true), None);
    }
}
