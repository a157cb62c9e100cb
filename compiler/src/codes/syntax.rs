//! Codes of syntax: A0001-A0099.

use super::{Code, code};

pub(super) const CODES: &[Code] = &[
    code!(Error, "A0001", "the text does not follow the grammar"),
    code!(Error, "A0002", "a bracket is not closed"),
    code!(Error, "A0003", "a string is not closed"),
    code!(Error, "A0004", "this is not an escape"),
    code!(Error, "A0005", "a number does not fit its type"),
    code!(Error, "A0006", "brackets nest too deep"),
    code!(Error, "A0007", "a source file is too large"),
    code!(Error, "A0008", "an expression is too large"),
    code!(Error, "A0009", "this is not an operator"),
    code!(Error, "A0010", "a comma is missing"),
    code!(Error, "A0011", "a keyword is misspelt"),
    code!(Error, "A0012", "a reserved word is used as a name"),
    code!(Error, "A0013", "a name is not formed as it must be"),
    code!(Error, "A0014", "a duration is not formed as it must be"),
    code!(Error, "A0015", "a hole of a template is not formed as it must be"),
    code!(Warning, "A0016", "nothing follows a doc comment"),
    code!(Error, "A0017", "a source file is not UTF-8"),
    code!(Error, "A0018", "a closing bracket closes nothing"),
    code!(Error, "A0019", "a clause is written twice"),
    code!(Error, "A0020", "an arrow is missing"),
];
