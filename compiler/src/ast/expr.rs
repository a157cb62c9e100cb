//! Expressions as written (CEL, language.md section 5). Macros are calls here; typing expands them.

use smol_str::SmolStr;

use super::Name;
use crate::source::Span;

/// An expression and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// Expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `1`, `0x1F`: without a sign; at most 2^63, which only fits below a `-`.
    Int(u64),
    /// `1u`
    Uint(u64),
    /// `1.5`, `1e3`
    Double(f64),
    /// `"text"`, unescaped.
    Str(SmolStr),
    /// `b"text"`
    Bytes(Vec<u8>),
    /// `300ms`: milliseconds.
    Duration(u64),
    /// A string literal in template position with at least one hole.
    Template(Vec<TemplatePart>),
    /// A name.
    Ident(Name),
    /// `.name`: a name from the root (cel-spec: no container, no local).
    RootIdent(Name),
    /// `a.name`, `a.?name`
    Select {
        /// Of what.
        operand: Box<Expr>,
        /// Which field; a slug where the operand is `step`, `params`, `lists` or `secrets` (or `parent.step`).
        field: Name,
        /// `.?`
        optional: bool,
    },
    /// `a[i]`, `a[?i]`
    Index {
        /// Of what.
        operand: Box<Expr>,
        /// Which element.
        index: Box<Expr>,
        /// `[?`
        optional: bool,
    },
    /// `f(a)`, `a.f(b)`; macros included.
    Call {
        /// The receiver.
        target: Option<Box<Expr>>,
        /// The function or method.
        function: Name,
        /// Arguments.
        args: Vec<Expr>,
    },
    /// `!a`, `-a`
    Unary(UnaryOp, Box<Expr>),
    /// `a + b` and the like; `&&` and `||` too.
    Binary {
        /// Which.
        op: BinaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// Left.
        left: Box<Expr>,
        /// Right.
        right: Box<Expr>,
    },
    /// `c ? a : b`
    Cond(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `[a, ?b]`
    List(Vec<Element>),
    /// `{k: v, name: v, ?k: v}`
    Map(Vec<MapEntry>),
    /// `(e)`: kept so that formatting and spans stay as written; typing looks through it.
    Paren(Box<Expr>),
    /// An expression that did not parse; a diagnostic says why.
    Broken,
}

/// One part of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum TemplatePart {
    /// Text, unescaped.
    Text(SmolStr),
    /// `{{ EXPR }}`
    Hole(Expr),
}

/// Unary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `!`
    Not,
    /// `-`
    Neg,
}

/// Binary operators, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `in`
    In,
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
}

/// An element of a list literal.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// `?e`
    pub optional: bool,
    /// The element.
    pub value: Expr,
}

/// An entry of a map or record literal.
#[derive(Clone, Debug, PartialEq)]
pub struct MapEntry {
    /// `?k: v`
    pub optional: bool,
    /// The key.
    pub key: MapKey,
    /// The value.
    pub value: Expr,
}

/// A key: a bare name makes a record, anything else a map.
#[derive(Clone, Debug, PartialEq)]
pub enum MapKey {
    /// `{name: v}`
    Bare(Name),
    /// `{"k": v}`, `{(name): v}`
    Expr(Expr),
}

impl BinaryOp {
    /// As written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::In => "in",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
        }
    }
}
