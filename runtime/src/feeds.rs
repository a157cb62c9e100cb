//! What the host knows of addresses, passwords and mail domains from feeds and name servers: narrow, so that a test
//! can stand in for it.

use std::net::IpAddr;

use smol_str::SmolStr;
use thiserror::Error;

/// The feeds that the operator configured, as they stand in memory: never waits for anything but a disk.
pub trait Feeds: Send + Sync {
    /// What they say of an address; IPv6 forms that hold an IPv4 address mean that one (RFC 4291 section 2.5.5.2).
    fn address(&self, address: IpAddr) -> AddressFacts;

    /// The names of the threat lists among them.
    fn lists(&self) -> Vec<SmolStr>;

    /// How often a password was seen in breaches, by its SHA-1, in the offline set; `None` where there is none.
    ///
    /// Reads a file: call it off the async threads.
    ///
    /// # Errors
    /// The file cannot be read.
    fn breached(&self, sha1: &[u8; 20]) -> Option<Result<u64, FeedError>>;

    /// Where ranges of breached passwords are asked for: the URL before the five hex digits, without the slash.
    fn breached_ranges(&self) -> &str;
}

/// Why a feed could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct FeedError(pub String);

/// What is known of an address. A flag that is false: no feed says so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddressFacts {
    /// Threat lists that hold it, in the order of the configuration.
    pub lists: Vec<SmolStr>,
    /// A Tor exit.
    pub is_tor: bool,
    /// A VPN.
    pub is_vpn: bool,
    /// A proxy.
    pub is_proxy: bool,
    /// A hosting provider.
    pub is_hosting: bool,
    /// Set aside by a registry: nobody sends from it on the public internet.
    pub is_bogon: bool,
    /// ISO 3166-1 alpha-2.
    pub country: Option<SmolStr>,
    /// ISO 3166-2, with the country: `IN-MH`.
    pub region: Option<SmolStr>,
    /// The city's English name.
    pub city: Option<SmolStr>,
    /// Latitude and longitude in degrees.
    pub position: Option<(f64, f64)>,
    /// IANA name.
    pub time_zone: Option<SmolStr>,
    /// Number of the autonomous system.
    pub asn: Option<u32>,
    /// Who runs it.
    pub org: Option<SmolStr>,
}

/// Who takes mail for a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailServers {
    /// The hosts of its MX records, most preferred first (RFC 5321 section 5.1).
    Named(Vec<String>),
    /// The domain itself: it has a public address and no MX record.
    Itself,
    /// It says that it takes none: a null MX (RFC 7505).
    Refused,
    /// There is no such domain, or it has neither MX record nor public address.
    Nobody,
}

/// Where ranges of breached passwords are asked for unless configured otherwise.
pub const BREACHED_RANGES: &str = "https://api.pwnedpasswords.com/range";

/// No feeds at all: nothing is known of anything.
pub struct NoFeeds;

impl Feeds for NoFeeds {
    fn address(&self, _: IpAddr) -> AddressFacts {
        AddressFacts::default()
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
