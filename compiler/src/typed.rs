//! The typed IR: what the source means. Expressions are typed straight into `admit_plan::code` over slots, with their
//! static type; flows into [`flow`].

pub mod action;
pub mod constant;
pub mod facts;
mod fit;
pub mod flow;
pub(crate) mod infer;
pub mod narrow;
pub mod scope;
mod signatures;
pub mod tables;
pub mod test;

use admit_plan::code::Expr;
use admit_plan::types::Type;

use crate::schema::Rules;
use crate::source::Span;

pub use fit::{closed, fits, join};
pub use infer::{infer, qualified};

/// What the place of an expression asks of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expect<'a> {
    /// The type that the value must fit; none: any.
    pub ty: Option<&'a Type>,
    /// How holes of templates are escaped, in the value and in what is inside it; none: templates are refused.
    pub rules: Option<&'a Rules>,
    /// What the place is called in messages: ``field `url` ``, ``the condition``; empty: nothing special.
    pub what: &'a str,
}

/// A typed expression.
#[derive(Clone, Debug)]
pub struct Typed {
    /// Its type; `Kind::Error` if it has a diagnostic that leaves no type.
    pub ty: Type,
    /// Its code. Only to be lowered if no error was reported.
    pub code: Expr,
    /// Where each node of the code stands in the source, in preorder of the code; none for nodes that typing made up.
    pub spans: Vec<Option<Span>>,
    /// It names no slot: its value is known at check time.
    pub constant: bool,
    /// It names a secret: it becomes a `ConfigValue::Secret` or `Record`, never a value.
    pub secret: bool,
}
