//! `ip_reputation` in Rust: written from `risk/ip_reputation.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, give_some};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../risk/ip_reputation.rs"]
mod block;

pub use block::IpReputation;

/// The config of `ip_reputation`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Threat lists to look into, by their names in `[feeds]`; all of them where none is named.
    pub feeds: Vec<String>,
    /// Countries to refuse, as ISO 3166-1 alpha-2 codes.
    pub deny_countries: Vec<String>,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { feeds: config.required("feeds")?, deny_countries: config.required("deny_countries")? })
    }
}

/// The outputs of `ip_reputation`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// A threat list holds the address, or its country is one of `deny_countries`.
    pub listed: bool,
    /// The first threat list that holds it; absent where none does.
    pub feed: Option<String>,
    /// Its country is one of `deny_countries`.
    pub country_denied: bool,
    /// A Tor exit.
    pub is_tor: bool,
    /// A VPN.
    pub is_vpn: bool,
    /// A proxy.
    pub is_proxy: bool,
    /// A hosting provider.
    pub is_hosting: bool,
    /// An address that nobody sends from on the public internet.
    pub is_bogon: bool,
    /// Its country, as an ISO 3166-1 alpha-2 code; absent where it is not known.
    pub country: Option<String>,
    /// The number of its autonomous system; absent where it is not known.
    pub asn: Option<i64>,
    /// Who runs that; absent where it is not known.
    pub org: Option<String>,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let mut fields: Vec<(String, Datum)> = vec![
            ("listed".to_owned(), self.listed.give()),
            ("country_denied".to_owned(), self.country_denied.give()),
            ("is_tor".to_owned(), self.is_tor.give()),
            ("is_vpn".to_owned(), self.is_vpn.give()),
            ("is_proxy".to_owned(), self.is_proxy.give()),
            ("is_hosting".to_owned(), self.is_hosting.give()),
            ("is_bogon".to_owned(), self.is_bogon.give()),
        ];
        give_some(&mut fields, "feed", self.feed);
        give_some(&mut fields, "country", self.country);
        give_some(&mut fields, "asn", self.asn);
        give_some(&mut fields, "org", self.org);

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The errors of `ip_reputation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `bad_address`
    BadAddress,
    /// `unknown_feed`
    UnknownFeed,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::BadAddress => "bad_address",
            Self::UnknownFeed => "unknown_feed",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}
