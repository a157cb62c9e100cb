//! `finalize` in Rust: written from `session/finalize.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

#[path = "../../session/finalize.rs"]
mod block;

pub use block::Finalize;
