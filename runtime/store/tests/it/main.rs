//! The store on real files: one test binary.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod audit;
mod challenges;
mod credentials;
mod inbox;
mod jobs;
mod opening;
mod people;
mod runs;
mod secrets;
mod support;
mod users;
