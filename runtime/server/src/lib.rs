//! HTTP: the only crate that names axum. So far the pages of `admit run`, on this machine alone.

pub mod loopback;
