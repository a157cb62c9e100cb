//! Fuzzing: generators of inputs, shared with property tests, and targets, one promise each.
//!
//! `admit-fuzz TARGET --seconds N [--seed S]` runs a target on generated inputs and prints what it produced.

pub mod action;
pub mod choices;
pub mod drive;
pub mod histogram;
pub mod plan;
pub mod source;
pub mod targets;
pub mod whole;
