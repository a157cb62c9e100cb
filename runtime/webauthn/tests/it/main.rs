//! WebAuthn against the W3C's vectors, a software authenticator and its mutations, and Wycheproof. One test binary.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod options;
mod support;
mod t33_assertion;
mod t33_cbor;
mod t33_registration;
mod vectors;
mod wycheproof;
