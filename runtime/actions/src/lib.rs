//! Custom Actions: QuickJS worlds in sandboxed worker processes, their limits and the `api` object.

mod answer;
mod bucket;
mod code;
mod effects;
pub mod frame;
mod pool;
mod process;
pub mod sandbox;
mod socket;
mod stack;
mod supervise;
pub mod testing;
mod text;
pub mod wire;
pub mod worker;
pub mod world;

pub use bucket::Rate;
pub use pool::{Options, Pool, Stats, Status, TenantStats};
pub use process::Program;
