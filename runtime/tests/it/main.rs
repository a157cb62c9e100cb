//! The engine over hand-built bundles: every kind of node, every way to fail, suspension, tests of flows.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the test that they help"
)]

mod actions;
mod budgets;
mod faults;
mod messages;
mod modifiers;
mod nodes;
mod records;
mod sessions;
mod support;
mod suspension;
mod test_runner;
