//! Actions from outside: through a pool of real workers.

mod attack;
mod calls;
mod limits;
mod pool;
mod sandbox;
mod support;
