//! Codes of building plans: A0600-A0649.

use super::{Code, code};

pub(super) const CODES: &[Code] = &[
    code!(Error, "A0600", "a flow runs an Action, which plans do not carry yet"),
    code!(Error, "A0601", "the compiler cannot lower a checked flow"),
];
