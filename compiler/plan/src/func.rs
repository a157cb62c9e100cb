//! The functions that expressions may call, by number. Numbers are part of the plan format: append only.

use serde::{Deserialize, Serialize};

/// A function of the CEL standard library or of one of its extensions that Admit has in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Func {
    /// A function that does not exist: always `no such overload`. Only from unchecked expressions.
    Unknown,
    /// `size(x)`, `x.size()`
    Size,
}
