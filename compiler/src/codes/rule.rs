//! Codes of rules: A0800-A0849.

use super::{Code, code};

pub(super) const CODES: &[Code] = &[
    code!(Warning, "A0800", "a rule is not proved yet"),
    code!(Error, "A0801", "a rule names no block and no label"),
    code!(Error, "A0802", "a rule is about a flow that does not exist"),
    code!(Error, "A0803", "a rule demands nothing"),
];
