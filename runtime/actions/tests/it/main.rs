//! Actions from outside: through a pool of real workers.
#![cfg(test)]

mod attack;
mod calls;
mod limits;
mod native;
mod pool;
mod sandbox;
mod support;
