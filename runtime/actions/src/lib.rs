//! Custom Actions: QuickJS worlds in sandboxed worker processes, their limits and the `api` object.

pub mod wire;
pub mod world;
