//! The plan: what the compiler writes and the runtime executes, and the only thing both sides know.
//!
//! It holds the types, the typed expression code, the tables of a flow and the bundle around them. It has no
//! behaviour but encoding, verifying and printing: what expressions mean is in `admit-eval`, what blocks do is
//! in the runtime.

pub mod bundle;
pub mod changes;
pub mod claims;
pub mod code;
mod compact;
pub mod cost;
mod depth;
pub mod encode;
pub mod func;
pub mod listing;
mod modifiers;
pub mod names;
pub mod rep;
pub mod text;
pub mod types;
pub mod verify;
mod words;
