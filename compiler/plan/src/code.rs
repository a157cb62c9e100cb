//! Typed expression code: what a checked CEL expression is lowered to.
//!
//! A tree over numbered slots (values ready before evaluation) and numbered locals (variables of `cel.bind` and of
//! comprehensions). Names, sets and regular expressions are indices into a [`Pool`]. Nothing here is trusted: a
//! plan that was read is verified in full before it is evaluated or compiled.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::depth::bounded;
use crate::func::Func;
use crate::types::Type;

/// Index into [`Pool::strings`].
pub type StrId = u32;
/// Index into [`Pool::sets`].
pub type SetId = u32;
/// Index into [`Pool::regexes`].
pub type RegexId = u32;
/// Index into the slots of the flow (or of the standalone program).
pub type SlotId = u32;
/// A variable bound by `Bind` or a comprehension: its depth, counted from the outermost binder of the expression.
pub type LocalId = u32;

/// Constants that expressions share. One per bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Names and string literals.
    pub strings: Vec<SmolStr>,
    /// Constant sets, for `x in lists.name` and `x in ["a", "b"]`.
    pub sets: Vec<Set>,
    /// Regular expressions known at check time; each compiles within the limit of 256 KiB.
    pub regexes: Vec<SmolStr>,
}

/// A set of strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set {
    /// Matching ignores case (Unicode simple lower case); `entries` are lower case then.
    pub ignore_case: bool,
    /// Sorted, without duplicates.
    pub entries: Vec<SmolStr>,
}

/// A value ready before evaluation: its declared type decides how it is decoded and what may be assumed of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Where it comes from.
    pub source: Source,
    /// What it holds when it is there. Not `Optional`: absence is a property of the slot (`maybe_absent`).
    pub ty: Type,
    /// The slot may be absent when an expression that names it runs.
    pub maybe_absent: bool,
}

/// Where a slot's value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Source {
    /// `event.a.b`: path below `event`. Where an event that may leave the field out does so and the slot is not
    /// `maybe_absent`: a bool is false, a list, map or dyn empty; anything else refuses the event, naming the path.
    Event(Vec<StrId>),
    /// `input.a`: what the user submitted, never a secret field.
    Input(Vec<StrId>),
    /// `step.x.a.b`: the node that is block x, then the path in its outputs.
    Step(u32, Vec<StrId>),
    /// `session.a`.
    Session(Vec<StrId>),
    /// `params.x`: index into the bundle's params.
    Param(u32),
    /// `secrets.x`: index into the bundle's secrets.
    Secret(u32),
    /// `now`.
    Now,
    /// A variable of a standalone expression (`admit eval`), by name.
    Variable(StrId),
}

/// The text as `ignore case` compares it: Unicode lower case. Entries of such a [`Set`] are stored in this form.
pub fn fold_case(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Typed expression code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub enum Expr {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A double.
    Double(f64),
    /// A string.
    Str(StrId),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A duration literal or constant, in nanoseconds.
    Duration(i64),
    /// A type value, by CEL name (`int`, `google.protobuf.Timestamp`).
    Type(StrId),
    /// The slot's value; the error `absent` where it is not there.
    Slot(SlotId),
    /// Whether the slot is there.
    Has(SlotId),
    /// The slot as an optional.
    OptSlot(SlotId),
    /// A bound variable.
    Local(LocalId),
    /// `a.name` on a map, record or dyn; error `no such key`. On an optional: an optional, as CEL says.
    Select(Box<Expr>, StrId),
    /// `has(a.name)`.
    HasField(Box<Expr>, StrId),
    /// `a.?name`.
    OptSelect(Box<Expr>, StrId),
    /// `a[i]`.
    Index(Box<(Expr, Expr)>),
    /// `a[?i]`.
    OptIndex(Box<(Expr, Expr)>),
    /// `!a`.
    Not(Box<Expr>),
    /// `-a`.
    Neg(Box<Expr>),
    /// Arithmetic and comparison.
    Binary(BinOp, Box<(Expr, Expr)>),
    /// `a && b && ...`, two or more: false if any is false, else the first error, else true.
    And(Vec<Expr>),
    /// `a || b || ...`, two or more: true if any is true, else the first error, else false.
    Or(Vec<Expr>),
    /// `c ? a : b`.
    Cond(Box<(Expr, Expr, Expr)>),
    /// `[a, ?b]`.
    List(Vec<Item>),
    /// `{k: v, ?k: v}`; records are maps with string keys.
    Map(Vec<Entry>),
    /// `x in set`: x a string (or dyn: another kind is simply not in it).
    InSet(Box<Expr>, SetId),
    /// `s.matches(constant)`.
    Matches(Box<Expr>, RegexId),
    /// A function by name; dispatch on the arguments' kinds, `no such overload` where none fits. The receiver of a
    /// method is the first argument.
    Call(Func, Vec<Expr>),
    /// A macro over a list or map.
    Comprehension(Box<Comprehension>),
    /// `cel.bind`: the value, then the body with one more local.
    Bind(Box<(Expr, Expr)>),
    /// A template: text and holes, each hole escaped for the field's kind.
    Template(Vec<Part>),
}

/// One element of a list literal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The element; an optional where `optional`.
    pub value: Expr,
    /// `?e`: added only if the optional has a value.
    pub optional: bool,
}

/// One entry of a map literal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Key: bool, int, uint or string.
    pub key: Expr,
    /// Value; an optional where `optional`.
    pub value: Expr,
    /// `?k: v`.
    pub optional: bool,
}

/// Binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BinOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `in`
    In,
}

/// A macro over a list (one variable: element; two: index, element) or a map (one: key; two: key, value).
/// Locals: one per variable, bound in order, inside `cond` and `value`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comprehension {
    /// Which macro.
    pub kind: Macro,
    /// What is walked.
    pub range: Expr,
    /// One or two variables.
    pub two_vars: bool,
    /// The predicate: of `all`, `exists`, `exists_one`, `filter`; the optional filter of the others.
    pub cond: Option<Expr>,
    /// The element made: of `map`, `transformList`, `transformMap`, `transformMapEntry`.
    pub value: Option<Expr>,
}

/// The macros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Macro {
    /// True if none is false (errors absorbed by a false).
    All,
    /// True if one is true (errors absorbed by a true).
    Exists,
    /// True if exactly one is true; errors are not absorbed.
    ExistsOne,
    /// The elements for which `cond` holds.
    Filter,
    /// `value` for each element for which `cond`, if any, holds.
    Map,
    /// `transformMap`: a map with the same keys and new values.
    TransformMap,
    /// `transformMapEntry`: a map made of the one-entry maps that `value` gives.
    TransformMapEntry,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Part {
    /// Text as written.
    Text(StrId),
    /// A value put into text.
    Hole(Expr, Escape),
}

/// How a hole is escaped (language.md section 4, Templates).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Escape {
    /// As it is.
    Text,
    /// Percent-encoded: all but the unreserved characters of RFC 3986 section 2.3.
    Url,
    /// Refused (error `bad header value`) where it holds CR, LF, NUL or another control character (RFC 9110 section 5.5).
    Header,
    /// A JSON text (RFC 8259).
    Json,
    /// `& < > " '` escaped.
    Html,
}

// Expressions nest: reading them counts the depth, so that hostile bytes cannot overflow the stack.
bounded!(Expr);

impl Expr {
    /// Calls `visit` with each direct sub-expression, in the order of evaluation. This order, depth first, is the
    /// preorder that debug tables and observers number nodes by.
    pub fn for_each_child<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        match self {
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Uint(_)
            | Self::Double(_)
            | Self::Str(_)
            | Self::Bytes(_)
            | Self::Duration(_)
            | Self::Type(_)
            | Self::Slot(_)
            | Self::Has(_)
            | Self::OptSlot(_)
            | Self::Local(_) => {}
            Self::Select(inner, _)
            | Self::HasField(inner, _)
            | Self::OptSelect(inner, _)
            | Self::Not(inner)
            | Self::Neg(inner)
            | Self::InSet(inner, _)
            | Self::Matches(inner, _) => visit(inner),
            Self::Index(pair) | Self::OptIndex(pair) | Self::Binary(_, pair) | Self::Bind(pair) => {
                visit(&pair.0);
                visit(&pair.1);
            }
            Self::And(operands) | Self::Or(operands) | Self::Call(_, operands) => operands.iter().for_each(visit),
            Self::Cond(parts) => {
                visit(&parts.0);
                visit(&parts.1);
                visit(&parts.2);
            }
            Self::List(items) => items.iter().for_each(|item| visit(&item.value)),
            Self::Map(entries) => entries.iter().for_each(|entry| {
                visit(&entry.key);
                visit(&entry.value);
            }),
            Self::Comprehension(macro_) => {
                visit(&macro_.range);
                macro_.cond.iter().for_each(&mut *visit);
                macro_.value.iter().for_each(visit);
            }
            Self::Template(parts) => parts.iter().for_each(|part| match part {
                Part::Text(_) => {}
                Part::Hole(hole, _) => visit(hole),
            }),
        }
    }
}

impl BinOp {
    /// As CEL writes it.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::In => "in",
        }
    }
}
