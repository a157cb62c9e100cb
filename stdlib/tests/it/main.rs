//! The blocks against real parts: a SQLite file, the real host, a server on this machine. One test binary.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod factors;
mod identity;
mod login;
mod messages;
mod mfa;
mod passwords;
mod risk;
mod secrets;
mod sessions;
mod support;
mod webhooks;
