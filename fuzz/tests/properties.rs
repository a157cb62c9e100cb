//! Every fuzz target's promise as a property: proptest draws the bytes that the generators make whole inputs of, and
//! shrinks those that break it.

use admit_fuzz::targets;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

/// Runs a target on `cases` drawn inputs.
fn holds(name: &str, cases: u32, longest: usize) {
    let found = targets::find(name);
    assert!(found.is_some(), "there is no target `{name}`");
    let Some(target) = found else { return };
    let mut config = ProptestConfig::with_cases(cases);
    config.failure_persistence = None;
    let bytes = proptest::collection::vec(any::<u8>(), 0..longest);
    // The same inputs at every run: searching for new ones is the driver's work, for as long as one likes.
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let drawn = TestRunner::new_with_rng(config, random).run(&bytes, |input| {
        (target.run)(&input);
        Ok(())
    });
    assert!(drawn.is_ok(), "{name}: {drawn:?}");
}

#[test]
fn any_text_parses_to_an_ast_and_diagnostics() {
    holds("parse", 40, 1024);
}

#[test]
fn formatting_is_idempotent_and_keeps_the_meaning() {
    holds("format", 40, 1024);
}

#[test]
fn plans_round_trip() {
    holds("plan-roundtrip", 60, 1024);
}

#[test]
fn hostile_plans_are_refused_or_sound() {
    holds("hostile-plan", 60, 1024);
}

#[test]
fn machine_code_gives_what_the_interpreter_gives() {
    holds("when-agree", 10, 512);
}

#[test]
fn what_checks_does_not_go_wrong() {
    holds("check-sound", 8, 1024);
}

#[test]
fn what_a_hostile_worker_sends_is_refused_or_within_limits() {
    holds("action-frames", 60, 1024);
}

#[test]
fn an_action_cannot_outlive_its_limits() {
    targets::action_limits::use_worker(env!("CARGO_BIN_EXE_admit-fuzz"));
    holds("action-limits", 10, 128);
}

#[test]
fn records_of_runs_round_trip() {
    holds("run-record", 100, 1024);
}
