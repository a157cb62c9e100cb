//! Names that an Action declares, and what they may be: by checking and by verification alike.

use crate::claims::RESERVED;

/// The longest name of a claim, in bytes.
pub const MAX_CLAIM: usize = 128;

/// Whether a claim may be an Action's to set.
pub fn is_claim(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_CLAIM && !name.chars().any(char::is_control) && !RESERVED.contains(&name)
}

/// Whether it is a host's name alone (RFC 1123 section 2.1): no scheme, port, path or wildcard.
pub fn is_host(name: &str) -> bool {
    let part = |part: &str| {
        (1..=63).contains(&part.len())
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

/// Whether it is a slug: `[a-z][a-z0-9]*(-[a-z0-9]+)*`.
pub fn is_slug(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}
