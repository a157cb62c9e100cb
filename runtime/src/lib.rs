//! The runtime: executes a verified plan against the one [`host::Host`] trait and records a trace.
//!
//! It does no I/O of its own and knows no HTTP, SQL or JavaScript; blocks are registered by name.

pub mod action;
mod audit;
pub mod block;
pub mod context;
pub mod engine;
pub mod event;
pub mod execute;
pub mod explain;
mod expression;
pub mod feeds;
pub mod host;
pub mod identifier;
pub mod keys;
pub mod message;
pub mod patch;
pub mod record;
pub mod relying;
pub mod session;
pub mod state;
pub mod tenant;
pub mod testing;
mod texts;
mod token;
pub mod trace;
mod typed;
pub mod unit;
pub mod when;
