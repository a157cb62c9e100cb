//! `allow` in Rust: written from `terminal/allow.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

#[path = "../../terminal/allow.rs"]
mod block;

pub use block::Allow;
