//! Codes of building plans: A0600-A0649. A0600 is retired: plans carry Actions.

use super::{Code, code};

pub(super) const CODES: &[Code] = &[
    code!(Error, "A0601", "the compiler cannot lower a checked flow"),
    code!(Error, "A0602", "an Action has no JavaScript"),
];
