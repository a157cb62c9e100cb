//! The targets: each a promise, as a function of bytes that panics where the promise is broken. A new one is a file
//! here and a line in [`TARGETS`].

pub mod action_frames;
pub mod action_limits;
pub mod check_sound;
pub mod feeds;
pub mod format;
pub mod hostile_plan;
pub mod id_token;
pub mod parse;
pub mod passkey;
pub mod plan_roundtrip;
pub mod run_record;
pub mod script;
pub mod token;
pub mod when_agree;

/// A target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it promises, in a sentence.
    pub promise: &'static str,
    /// Runs one input; counts what it produced in [`crate::histogram`].
    pub run: fn(&[u8]),
    /// The kinds of which a run must produce each, as counted.
    pub kinds: fn() -> Vec<String>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    parse::TARGET,
    format::TARGET,
    check_sound::TARGET,
    hostile_plan::TARGET,
    plan_roundtrip::TARGET,
    when_agree::TARGET,
    run_record::TARGET,
    action_frames::TARGET,
    action_limits::TARGET,
    script::TARGET,
    feeds::TARGET,
    token::TARGET,
    id_token::TARGET,
    passkey::TARGET,
];

/// The target of that name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
