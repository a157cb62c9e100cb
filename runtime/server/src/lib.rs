//! HTTP: the API of `admit serve`, and the one-shot pages of `admit run`. The only crate that names axum.

pub mod answer;
pub mod api;
pub mod erasure;
pub mod key;
pub mod loopback;
pub mod metrics;
pub mod spans;
pub mod tls;
pub mod trace;
pub mod webhook;
pub mod work;
