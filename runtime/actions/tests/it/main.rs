//! Actions from outside: through a pool of real workers.
#![cfg(test)]

mod attack;
mod calls;
mod limits;
mod pool;
mod sandbox;
mod support;
