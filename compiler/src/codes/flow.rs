//! Codes of flow checks: A0200-A0499.

use super::{Code, code};

pub(super) const CODES: &[Code] = &[code!(Error, "A0107", "a block's result is read where the block may not have run")];
