//! Databases in MaxMind's format: where an address is, whose it is, and whether it hides somebody. A database is checked in
//! full when it is read, so that a look-up meets no broken part of it.

use std::net::IpAddr;

use admit_runtime::feeds::AddressFacts;
use maxminddb::{Reader, geoip2};
use smol_str::{SmolStr, format_smolstr};

/// What a database is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GeoKind {
    /// Country, region, city, position, time zone.
    City,
    /// The autonomous system.
    Asn,
    /// Tor, VPN, proxy, hosting.
    Anonymous,
}

/// A database.
pub(crate) struct Geo {
    kind: GeoKind,
    reader: Reader<Vec<u8>>,
}

impl GeoKind {
    /// The key of `[geo]`.
    pub fn word(self) -> &'static str {
        match self {
            Self::City => "city",
            Self::Asn => "asn",
            Self::Anonymous => "anonymous",
        }
    }

    /// Words of the types of databases that answer it: `GeoLite2-City`, `DBIP-ASN-Lite`.
    fn types(self) -> &'static [&'static str] {
        match self {
            Self::City => &["City", "Country", "Enterprise", "Location"],
            Self::Asn => &["ASN", "ISP"],
            Self::Anonymous => &["Anonymous"],
        }
    }
}

impl Geo {
    /// Reads a database and checks all of it.
    ///
    /// # Errors
    /// What is wrong with it, or that it answers something else.
    pub fn read(kind: GeoKind, bytes: Vec<u8>) -> Result<Self, String> {
        let fault = |error: maxminddb::MaxMindDbError| format!("it is no database in MaxMind's format: {error}");
        let reader = Reader::from_source(bytes).map_err(fault)?;
        reader.verify().map_err(fault)?;
        let is = &reader.metadata().database_type;
        if !kind.types().iter().any(|word| is.contains(word)) {
            let shown: String = is.chars().filter(|letter| !letter.is_control()).take(40).collect();
            return Err(format!("it is a database of the type `{shown}`, which does not answer `{}`", kind.word()));
        }
        Ok(Self { kind, reader })
    }

    /// How many nodes its tree has: how large it is.
    pub fn len(&self) -> u64 {
        u64::from(self.reader.metadata().node_count)
    }

    /// When it was built, in seconds since 1970.
    pub fn built_at(&self) -> u64 {
        self.reader.metadata().build_epoch
    }

    /// Adds what it knows of the address. What it does not know is left as it is.
    pub fn tell(&self, address: IpAddr, facts: &mut AddressFacts) {
        match self.kind {
            GeoKind::City => self.place(address, facts),
            GeoKind::Asn => {
                let Some(found) = self.found::<geoip2::Asn<'_>>(address) else { return };
                facts.asn = found.autonomous_system_number.or(facts.asn);
                let org = found.autonomous_system_organization.map(SmolStr::new);
                facts.org = org.or_else(|| facts.org.take());
            }
            GeoKind::Anonymous => {
                let Some(found) = self.found::<geoip2::AnonymousIp>(address) else { return };
                let says = |flag: Option<bool>| flag == Some(true);
                facts.is_tor |= says(found.is_tor_exit_node);
                facts.is_vpn |= says(found.is_anonymous_vpn);
                facts.is_proxy |= says(found.is_public_proxy) || says(found.is_residential_proxy);
                facts.is_hosting |= says(found.is_hosting_provider);
            }
        }
    }

    fn place(&self, address: IpAddr, facts: &mut AddressFacts) {
        let Some(found) = self.found::<geoip2::City<'_>>(address) else { return };
        let country = found.country.iso_code.filter(|code| is_country(code));
        facts.country = country.map(SmolStr::new);
        let region = found.subdivisions.first().and_then(|region| region.iso_code);
        facts.region = match (country, region) {
            (Some(country), Some(region)) => Some(format_smolstr!("{country}-{region}")),
            (Some(_) | None, _) => None,
        };
        facts.city = found.city.names.english.map(SmolStr::new);
        facts.time_zone = found.location.time_zone.map(SmolStr::new);
        facts.position =
            found.location.latitude.zip(found.location.longitude).filter(|(latitude, longitude)| {
                (-90.0..=90.0).contains(latitude) && (-180.0..=180.0).contains(longitude)
            });
    }

    /// The record of the address; none where there is none, or one of another form.
    fn found<'d, T: serde::Deserialize<'d>>(&'d self, address: IpAddr) -> Option<T> {
        self.reader.lookup(address).ok()?.decode().ok()?
    }
}

/// ISO 3166-1 alpha-2.
fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}
