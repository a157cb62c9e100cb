//! Actions from outside: through a pool of real workers.

mod pool;
mod support;
