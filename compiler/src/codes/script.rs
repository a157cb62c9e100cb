//! Codes of Actions' scripts: A0950-A0979. They are raised by `compiler/script`.

use super::{Code, code};

pub(super) const CODES: &[Code] = &[
    code!(Error, "A0950", "a script does not parse"),
    code!(Error, "A0951", "a script has no function to run, or more than one"),
    code!(Error, "A0952", "a script imports something other than a module of its Action"),
    code!(Error, "A0953", "a script imports a module that is not there"),
    code!(Error, "A0954", "a script awaits while it is loaded"),
    code!(Error, "A0955", "a script is too large"),
    code!(Warning, "A0956", "a script names a global that Actions do not have"),
    code!(Error, "A0957", "a script uses syntax that the engine does not have"),
    code!(Error, "A0958", "a script imports a name that the module does not export"),
    code!(Error, "A0959", "the compiler of scripts fails on a file"),
    code!(Error, "A0960", "a script is nested too deeply"),
];
