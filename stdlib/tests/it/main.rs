//! The blocks against real parts: a SQLite file, the real host, a server on this machine. One test binary.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[expect(dead_code, reason = "the contract test registers passkeys with it too")]
#[path = "../support/authenticator.rs"]
mod authenticator;
mod factors;
mod identity;
mod login;
mod messages;
mod mfa;
#[path = "../../../runtime/host/tests/support/npm.rs"]
mod npm;
mod oidc;
mod out_of_band;
mod passkeys;
mod passwords;
mod peers;
#[path = "../support/provider.rs"]
mod provider;
mod provider_keys;
mod risk;
mod secrets;
mod sessions;
mod support;
mod tokens;
mod webhooks;
