//! A short run of every target: no promise breaks, and every kind of construct is produced.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::time::Duration;

use admit_fuzz::drive::drive;
use admit_fuzz::targets::{self, action_limits};

#[test]
fn parsing_is_total_and_reaches_every_rule() {
    smoke("parse", 1500);
}

#[test]
fn formatting_keeps_meaning_and_comments() {
    smoke("format", 700);
}

#[test]
fn plans_come_back_as_they_were() {
    smoke("plan-roundtrip", 600);
}

#[test]
fn hostile_plans_are_refused_or_sound() {
    smoke("hostile-plan", 600);
}

#[test]
fn what_checks_does_not_go_wrong() {
    smoke("check-sound", 250);
}

#[test]
fn what_a_hostile_worker_sends_is_refused_or_within_limits() {
    smoke("action-frames", 1500);
}

#[test]
fn an_action_cannot_outlive_its_limits() {
    action_limits::use_worker(env!("CARGO_BIN_EXE_admit-fuzz"));
    smoke("action-limits", 150);
}

#[test]
fn scripts_are_refused_or_compile_to_themselves() {
    smoke("script", 2000);
}

#[test]
fn feeds_hold_what_their_files_say() {
    smoke("feeds", 1500);
}

#[test]
fn tokens_that_nobody_signed_are_refused() {
    smoke("token", 3000);
}

#[test]
fn tokens_of_providers_are_taken_only_if_all_of_them_is_right() {
    smoke("id-token", 3000);
}

#[test]
fn answers_of_browsers_are_what_they_show() {
    smoke("passkey", 3000);
}

/// Runs that many inputs, however long they take.
fn smoke(name: &str, inputs: u64) {
    let target = targets::find(name).unwrap();
    let report = drive(target, Duration::from_secs(120), 1, inputs);
    assert_eq!(report.crash, None, "input {} breaks {name}", report.inputs);
    assert!(report.missing.is_empty(), "{name} never produced {:?}", report.missing);
}
