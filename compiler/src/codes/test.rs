//! Codes of tests: A0700-A0749.

use super::{Code, code};

pub(super) const CODES: &[Code] = &[
    code!(Error, "A0701", "a test is of a flow that does not exist"),
    code!(Error, "A0702", "a test names what the flow does not have"),
    code!(Error, "A0703", "a value of a test does not fit"),
    code!(Error, "A0704", "a test gives what a block of the flow makes"),
    code!(Error, "A0705", "a point in time is none"),
    code!(Error, "A0706", "a reply to a step that asks nothing"),
    code!(Error, "A0707", "there is no such outcome"),
    code!(Error, "A0708", "a step that cannot be stubbed"),
    code!(Error, "A0709", "a test expects nothing"),
    code!(Error, "A0710", "two tests have one name"),
];
