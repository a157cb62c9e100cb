//! The store on real files and on a real PostgreSQL server: one test binary.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[macro_use]
mod support;

mod audit;
mod challenges;
mod configs;
mod credentials;
mod deploys;
mod inbox;
mod jobs;
mod kept;
mod opening;
mod operation;
mod people;
mod races;
mod runs;
mod secrets;
mod users;

/// How many cases there are for each database.
fn cases() -> usize {
    audit::CASES
        + challenges::CASES
        + configs::CASES
        + credentials::CASES
        + deploys::CASES
        + inbox::CASES
        + jobs::CASES
        + kept::CASES
        + opening::CASES
        + operation::CASES
        + people::CASES
        + races::CASES
        + runs::CASES
        + secrets::CASES
        + users::CASES
}
