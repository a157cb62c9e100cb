//! The tenant: a type that `Host` and every method of a store take, so that no call can forget it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A tenant's slug: `[a-z][a-z0-9]*(-[a-z0-9]+)*`, at most 63 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// The slug.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts_ok = text.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
        if parts_ok && text.len() <= 63 && text.starts_with(|first: char| first.is_ascii_lowercase()) {
            Ok(Self(Arc::from(text)))
        } else {
            Err(format!(
                "`{text}` is not a tenant slug: lower-case letters and digits, parts joined by `-`, at most 63"
            ))
        }
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
