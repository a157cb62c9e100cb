//! Typing of one expression: literals and structure here, each family of forms in a file below.
//!
//! Expected types flow inwards (empty lists, records, words of enums), types flow outwards, facts flow to the right.
//! A part that has a diagnostic gets the type `Kind::Error`, which fits everything, so that one mistake gives one
//! message. Recursion is as deep as the expression, which the parser bounds.

mod arithmetic;
mod call;
mod compare;
mod literal;
mod logic;
mod macros;
mod member;
mod name;
mod optional;
mod template;

use admit_plan::code::Expr as Code;
use admit_plan::cost;
use admit_plan::types::{Kind, Type};
use smol_str::SmolStr;

pub use name::qualified;
use template::Templates;

use super::facts::Facts;
use super::scope::{Mode, Scope};
use super::{Expect, Typed, constant, fit};
use crate::ast::expr::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::diagnostic::{Diagnostic, Level};
use crate::source::Span;

/// Types an expression and compiles it to code. What is wrong with it goes to `out`; the code must not be used if
/// that holds an error.
pub fn infer(expr: &Expr, expect: Expect<'_>, scope: &mut dyn Scope, out: &mut Vec<Diagnostic>) -> Typed {
    let facts = scope.facts().clone();
    let mode = scope.mode();
    let before = out.len();
    let mut cx = Cx {
        scope,
        out,
        facts,
        locals: Vec::new(),
        mode,
        templates: expect.rules.map(Templates::of).unwrap_or_default(),
        what: expect.what,
        secret_here: false,
    };
    let mut typed = match expect.ty {
        Some(ty) => cx.fitted(expr, ty),
        None => cx.value(expr),
    };
    if typed.ty.kind != Kind::Error {
        typed.ty = fit::closed(&typed.ty);
    }
    let sound = !cx.out.iter().skip(before).any(|found| found.level == Level::Error);
    if sound && !cx.too_large(&typed, expr.span) && !cx.too_costly(&typed, expr.span) {
        cx.constant(&typed, expr.span);
    }
    typed
}

/// Levels that code may have, and nodes: more than any expression that parses, unless macros are nested in macros.
const DEPTH: usize = admit_plan::verify::MAX_EXPR_DEPTH;
const NODES: usize = admit_plan::verify::MAX_EXPR_NODES;
/// A constant that can cost more, in units of [`cost`], is left to the run: checking stays quick.
const CONSTANT: u64 = 1 << 24;

/// What typing carries along.
struct Cx<'a> {
    scope: &'a mut dyn Scope,
    out: &'a mut Vec<Diagnostic>,
    /// What is known where typing stands.
    facts: Facts,
    /// Variables of macros and `cel.bind`, outermost first: their index is their `LocalId`.
    locals: Vec<Local>,
    mode: Mode,
    templates: Templates<'a>,
    what: &'a str,
    /// A secret may stand exactly here.
    secret_here: bool,
}

/// A variable of a macro.
struct Local {
    name: SmolStr,
    ty: Type,
}

impl Cx<'_> {
    /// Types an expression that must fit a type.
    fn fitted(&mut self, expr: &Expr, want: &Type) -> Typed {
        let accepts_secret = want.labels.secret || want.present().labels.secret;
        let secret = std::mem::replace(&mut self.secret_here, accepts_secret);
        let typed = match &expr.kind {
            ExprKind::Paren(inner) => self.fitted(inner, want),
            ExprKind::Cond(..) => self.cond(expr, Some(want)),
            ExprKind::List(_) => self.list(expr, Some(want)),
            ExprKind::Map(_) => self.map(expr, Some(want)),
            ExprKind::Str(text) => self.fitted_text(text, expr.span, want),
            ExprKind::Template(_)
            | ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Uint(_)
            | ExprKind::Double(_)
            | ExprKind::Bytes(_)
            | ExprKind::Duration(_)
            | ExprKind::Ident(_)
            | ExprKind::RootIdent(_)
            | ExprKind::Select { .. }
            | ExprKind::Index { .. }
            | ExprKind::Call { .. }
            | ExprKind::Unary(..)
            | ExprKind::Binary { .. }
            | ExprKind::Broken => self.open(expr),
        };
        self.secret_here = secret;
        self.fit(typed, want, expr.span)
    }

    /// Types an expression of which nothing is expected.
    fn value(&mut self, expr: &Expr) -> Typed {
        let secret = std::mem::replace(&mut self.secret_here, false);
        let typed = self.open(expr);
        self.secret_here = secret;
        typed
    }

    fn open(&mut self, expr: &Expr) -> Typed {
        match &expr.kind {
            ExprKind::Null => leaf(Kind::Null, Code::Null, expr.span),
            ExprKind::Bool(value) => leaf(Kind::Bool, Code::Bool(*value), expr.span),
            ExprKind::Int(value) => self.int(*value, expr.span),
            ExprKind::Uint(value) => leaf(Kind::UINT, Code::Uint(*value), expr.span),
            ExprKind::Double(value) => leaf(Kind::DOUBLE, Code::Double(*value), expr.span),
            ExprKind::Str(text) => self.text(text, expr.span),
            ExprKind::Bytes(bytes) => leaf(Kind::Bytes, Code::Bytes(bytes.clone()), expr.span),
            ExprKind::Duration(millis) => self.duration(*millis, expr.span),
            ExprKind::Template(parts) => self.template(parts, expr.span),
            ExprKind::Ident(_) | ExprKind::RootIdent(_) | ExprKind::Select { .. } => self.path(expr),
            ExprKind::Index { operand, index, optional } => self.index(expr.span, operand, index, *optional),
            ExprKind::Call { target, function, args } => self.call(expr.span, target.as_deref(), function, args),
            ExprKind::Unary(UnaryOp::Not, operand) => self.not(expr.span, operand),
            ExprKind::Unary(UnaryOp::Neg, operand) => self.neg(expr.span, operand),
            ExprKind::Binary { op, op_span, left, right } => self.binary(expr, *op, *op_span, left, right),
            ExprKind::Cond(..) => self.cond(expr, None),
            ExprKind::List(_) => self.list(expr, None),
            ExprKind::Map(_) => self.map(expr, None),
            ExprKind::Paren(inner) => self.open(inner),
            ExprKind::Broken => Typed::error(expr.span),
        }
    }

    fn binary(&mut self, expr: &Expr, op: BinaryOp, op_span: Span, left: &Expr, right: &Expr) -> Typed {
        match op {
            BinaryOp::And | BinaryOp::Or => self.logic(expr, op),
            BinaryOp::In => self.is_in(expr.span, left, right),
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge | BinaryOp::Eq | BinaryOp::Ne => {
                self.compare(expr.span, op, op_span, left, right)
            }
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => {
                self.arithmetic(expr, op, op_span)
            }
        }
    }

    /// Reports what is wrong with types. Expressions that are not checked fail when they are evaluated instead.
    fn report(&mut self, diagnostic: Diagnostic) {
        if self.mode != Mode::Unchecked {
            self.out.push(diagnostic);
        }
    }

    /// Whether impossible comparisons and constant mistakes are errors here.
    fn declared(&self) -> bool {
        self.mode == Mode::Declared
    }

    /// Reports code that has grown beyond what a plan may hold.
    fn too_large(&mut self, typed: &Typed, span: Span) -> bool {
        let large = typed.spans.len() > NODES || deeper(&typed.code, DEPTH);
        if large {
            self.out.push(
                Diagnostic::error("A0130", span, "this expression is too large once its macros are written out")
                    .help(format!("at most {NODES} parts, nested {DEPTH} deep; give a part a name in a `condition`")),
            );
        }
        large
    }

    /// Reports an expression that could cost more than any may (language.md section 5), checked or not.
    fn too_costly(&mut self, typed: &Typed, span: Span) -> bool {
        let scope = &*self.scope;
        let over =
            cost::over(&typed.code, &|slot| scope.slot(slot).map(|slot| slot.ty), scope.constants(), cost::LIMIT);
        let Some(node) = over else { return false };
        let at = typed.spans.iter().take(node + 1).rev().flatten().next().copied().unwrap_or(span);
        self.out.push(
            Diagnostic::error("A0123", at, "this can take too long: its cost has no bound that a flow may have")
                .help("a list of undeclared size counts as 1,024 entries, a text as 64 KiB; walk one list inside another at most once"),
        );
        true
    }

    /// Evaluates a value that is constant as a whole: its failure is a mistake here, not one of the run.
    fn constant(&mut self, typed: &Typed, span: Span) {
        if !self.declared() || !typed.constant || constant::is_literal(&typed.code) {
            return;
        }
        if cost::cost(&typed.code, &|_| None, self.scope.constants()) > CONSTANT {
            return;
        }
        if let Err(error) = constant::evaluate(&typed.code, self.scope.constants()) {
            let node = constant::failing(&typed.code, self.scope.constants(), &error);
            let at = typed.spans.iter().take(node + 1).rev().flatten().next().copied().unwrap_or(span);
            self.report(Diagnostic::error("A0112", at, format!("this constant always fails: {error}")));
        }
    }

    /// Adds facts, and what the scope says follows from them.
    fn learn(&mut self, facts: &Facts) {
        self.facts = self.facts.and(facts);
        self.scope.imply(&mut self.facts, facts);
    }

    /// Types `body` with variables bound, and forgets what was learnt inside.
    fn with_locals<T>(
        &mut self,
        locals: impl IntoIterator<Item = (SmolStr, Type)>,
        body: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let depth = self.locals.len();
        let facts = self.facts.clone();
        for (name, ty) in locals {
            let place = super::narrow::local_place(self.locals.len());
            self.facts = self.facts.forget(&place);
            self.locals.push(Local { name, ty });
        }
        let result = body(self);
        self.locals.truncate(depth);
        self.facts = facts;
        result
    }
}

/// The code has more levels.
fn deeper(code: &Code, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return true };
    let mut deep = false;
    code.for_each_child(&mut |child| deep = deep || deeper(child, below));
    deep
}

impl Typed {
    /// A part that has a diagnostic already.
    pub(crate) fn error(span: Span) -> Self {
        leaf(Kind::Error, Code::Null, span).varying()
    }

    /// The same, known not to be constant.
    fn varying(mut self) -> Self {
        self.constant = false;
        self
    }
}

/// A node without children.
fn leaf(kind: impl Into<Type>, code: Code, span: Span) -> Typed {
    Typed { ty: kind.into(), code, spans: vec![Some(span)], constant: true, secret: false }
}

/// Collects the spans and constancy of children in the order of the code.
struct Node {
    spans: Vec<Option<Span>>,
    constant: bool,
    secret: bool,
}

impl Node {
    fn new(span: Span) -> Self {
        Self { spans: vec![Some(span)], constant: true, secret: false }
    }

    /// A node that typing made up.
    fn silent() -> Self {
        Self { spans: vec![None], constant: true, secret: false }
    }

    /// Takes over a child; gives its type and code.
    fn child(&mut self, typed: Typed) -> (Type, Code) {
        self.spans.extend(typed.spans);
        self.constant &= typed.constant;
        self.secret |= typed.secret;
        (typed.ty, typed.code)
    }

    fn done(self, ty: impl Into<Type>, code: Code) -> Typed {
        Typed { ty: ty.into(), code, spans: self.spans, constant: self.constant, secret: self.secret }
    }
}
