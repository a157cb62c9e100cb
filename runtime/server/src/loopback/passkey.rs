//! The page of a passkey ceremony: plain HTML that a keyboard and a screen reader can use, its script and style in files
//! of their own.

use super::Ceremony;

pub(super) const SCRIPT: &str = include_str!("passkey/page.js");
pub(super) const STYLE: &str = include_str!("passkey/page.css");

/// The page. Nothing in it comes from outside: what the options hold, the script reads.
pub(super) fn page(ceremony: Ceremony) -> &'static str {
    match ceremony {
        Ceremony::Create => include_str!("passkey/create.html"),
        Ceremony::Get => include_str!("passkey/get.html"),
    }
}
