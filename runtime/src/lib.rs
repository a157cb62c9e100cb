//! The runtime: executes a verified plan against the one [`host::Host`] trait and records a trace.
//!
//! It does no I/O of its own and knows no HTTP, SQL or JavaScript; blocks are registered by name.

pub mod block;
pub mod event;
pub mod host;
pub mod tenant;
pub mod unit;
