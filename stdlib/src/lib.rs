//! The standard library: declarations as text ([`SOURCES`]) and an implementation beside each; the Action templates
//! ([`TEMPLATES`]) and default flows ([`DEFAULTS`]). A block is a declaration and an implementation in `<family>/`; [`generated`] is written from the
//! declarations and holds, for each, its types in Rust around its implementation.

mod challenge;
mod config;
mod form;
pub mod generated;
pub mod mailbox;
mod message;
mod passkey;
pub mod password;
mod receiver;
pub mod request;
mod texts;
mod traits;
mod value;

// What blocks share.
mod agent;
mod bots;
mod breached;
mod factor;
mod facts;
mod failures;
mod new_password;
mod otp;
mod policy;

#[path = "../session/ending.rs"]
mod ending;
#[path = "../session/oidc/id_token.rs"]
pub mod id_token;
#[path = "../session/mint.rs"]
mod mint;
#[path = "../session/oidc.rs"]
mod oidc;
#[path = "../session/refresh.rs"]
mod refresh;

pub use generated::{DEFAULTS, PAGES, SOURCES, TEMPLATES, registry};
pub use texts::TEXTS;
pub use value::Value;

/// All that a project is checked against: the declarations, the default flows, then the templates with their sources,
/// and the texts of messages.
pub fn files() -> Vec<(&'static str, &'static str)> {
    SOURCES.iter().chain(DEFAULTS).chain(TEMPLATES).chain(TEXTS).copied().collect()
}
