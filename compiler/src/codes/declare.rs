//! Codes of declarations: A0500-A0599.

use super::{Code, code};

pub(super) const CODES: &[Code] = &[
    code!(Error, "A0500", "a library holds something other than declarations"),
    code!(Error, "A0501", "a block, a contract, the event or the session is declared twice"),
    code!(Error, "A0502", "a name stands twice"),
    code!(Error, "A0503", "there is no such type"),
    code!(Error, "A0504", "a type is put together wrongly"),
    code!(Error, "A0505", "a type is nested too deeply"),
    code!(Error, "A0506", "a range is none"),
    code!(Error, "A0507", "a field of a record has a default"),
    code!(Error, "A0508", "a label means nothing here"),
    code!(Error, "A0509", "a clause stands twice"),
    code!(Error, "A0510", "a declaration names what is not there"),
    code!(Error, "A0511", "`known when` stands outside the event"),
    code!(Error, "A0512", "a field of the event has a default that its reader does not know"),
    code!(Error, "A0513", "the clauses of a block contradict each other"),
    code!(Error, "A0514", "a contract names what is not there"),
    code!(Error, "A0515", "a project declares what only a library may"),
];
