//! Comparisons and `in`: kinds that can be equal, words that an enum has, numbers that a range can reach.

use admit_plan::code::{BinOp, Expr as Code};
use admit_plan::types::{Kind, Range, Type};
use smol_str::SmolStr;

use super::name::did_you_mean;
use super::{Cx, Node, leaf};
use crate::ast::expr::{BinaryOp, Expr, ExprKind};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::typed::facts::values::Values;
use crate::typed::{Typed, fit, narrow};

impl Cx<'_> {
    /// `a == b`, `a < b`, ...
    pub(super) fn compare(&mut self, span: Span, op: BinaryOp, op_span: Span, left: &Expr, right: &Expr) -> Typed {
        let left_typed = self.value(left);
        let right_typed = self.value(right);
        let fine = if self.comparable(op, op_span, (left, &left_typed), (right, &right_typed)) {
            self.reachable(op, span, (&left_typed, left.span), (&right_typed, right.span))
        } else {
            false
        };
        let mut node = Node::new(span);
        let (_, left) = node.child(left_typed);
        let (_, right) = node.child(right_typed);
        node.done(if fine { Kind::Bool } else { Kind::Error }, Code::Binary(code(op), Box::new((left, right))))
    }

    /// `a in b`
    pub(super) fn is_in(&mut self, span: Span, left: &Expr, right: &Expr) -> Typed {
        if let Some(set) = self.list_name(right) {
            let typed = self.value(left);
            if !matches!(typed.ty.kind, Kind::String | Kind::Enum(_) | Kind::Dyn | Kind::Error) {
                self.not_text(&typed, left.span);
            }
            let mut node = Node::new(span);
            let (_, code) = node.child(typed);
            return node.done(Kind::Bool, Code::InSet(Box::new(code), set)).varying();
        }
        let typed = self.value(left);
        if let Some(words) = words(right).filter(|words| !words.is_empty()) {
            return self.in_words(span, left, typed, &words);
        }
        let container = self.value(right);
        let item = match &container.ty.kind {
            Kind::List(item) => Some((**item).clone()),
            Kind::Map(key, _) => Some((**key).clone()),
            Kind::Record(_) => Some(Kind::String.into()),
            Kind::Dyn | Kind::Error => None,
            other => {
                let message = format!("`in` looks into a list or a map, this is `{other}`");
                let mut diagnostic = Diagnostic::error("A0103", right.span, message);
                if matches!(other, Kind::String) {
                    diagnostic = diagnostic.help("for a part of a text: `text.contains(part)`");
                }
                self.report(diagnostic);
                None
            }
        };
        if let Some(item) = item
            && !fit::comparable(&typed.ty.kind, &item.kind)
        {
            self.never_equal(left.span, &typed.ty, right.span, &item);
        }
        let mut node = Node::new(span);
        let (_, left) = node.child(typed);
        let (_, right) = node.child(container);
        node.done(Kind::Bool, Code::Binary(BinOp::In, Box::new((left, right))))
    }

    /// `a in ["x", "y"]`: a set.
    fn in_words(&mut self, span: Span, left: &Expr, typed: Typed, words: &[(SmolStr, Span)]) -> Typed {
        match &typed.ty.kind {
            Kind::Enum(known) if self.declared() => {
                let known = known.clone();
                let mut unknown = words.iter().filter(|(word, _)| !known.contains(word)).peekable();
                if unknown.peek().is_some() {
                    for (word, at) in unknown {
                        self.foreign_word(word, *at, &known);
                    }
                    return Typed::error(span);
                }
            }
            Kind::String | Kind::Enum(_) | Kind::Dyn | Kind::Error => {}
            _ => self.not_text(&typed, left.span),
        }
        let set = self.scope.pool().set(words.iter().map(|(word, _)| word.clone()).collect(), false);
        let mut node = Node::new(span);
        let (_, code) = node.child(typed);
        node.done(Kind::Bool, Code::InSet(Box::new(code), set))
    }

    fn not_text(&mut self, typed: &Typed, span: Span) {
        let mut diagnostic = Diagnostic::error("A0124", span, format!("the list holds text, this is `{}`", typed.ty));
        if matches!(typed.ty.kind, Kind::Optional(_)) {
            diagnostic = diagnostic.help("give the optional a default: `.orValue(\"\")`");
        }
        self.report(diagnostic);
    }

    /// Reports operands whose kinds cannot be compared so.
    fn comparable(&mut self, op: BinaryOp, op_span: Span, left: (&Expr, &Typed), right: (&Expr, &Typed)) -> bool {
        let (left, left_ty) = (left.0, &left.1.ty);
        let (right, right_ty) = (right.0, &right.1.ty);
        if matches!(op, BinaryOp::Eq | BinaryOp::Ne) {
            if fit::comparable(&left_ty.kind, &right_ty.kind) {
                return true;
            }
            self.never_equal(left.span, left_ty, right.span, right_ty);
            return false;
        }
        if ordered(&left_ty.kind, &right_ty.kind) {
            return true;
        }
        let message = format!("`{}` does not order `{left_ty}` and `{right_ty}`", op.symbol());
        let mut diagnostic = Diagnostic::error("A0103", op_span, message)
            .label(left.span, format!("`{left_ty}`"))
            .label(right.span, format!("`{right_ty}`"));
        if let (Kind::Enum(_), _) | (_, Kind::Enum(_)) = (&left_ty.kind, &right_ty.kind) {
            diagnostic = diagnostic.help("words have no order: compare with `==`, or with `in [...]`");
        } else if let (Kind::Optional(_), _) | (_, Kind::Optional(_)) = (&left_ty.kind, &right_ty.kind) {
            diagnostic = diagnostic.help("give the optional a default: `.orValue(...)`");
        }
        self.report(diagnostic);
        false
    }

    fn never_equal(&mut self, left: Span, left_ty: &Type, right: Span, right_ty: &Type) {
        let message = format!("`{left_ty}` and `{right_ty}` are never equal");
        let mut diagnostic = Diagnostic::error("A0124", right, message)
            .here(format!("`{right_ty}`"))
            .label(left, format!("`{left_ty}`"));
        if let (Kind::Optional(_), _) | (_, Kind::Optional(_)) = (&left_ty.kind, &right_ty.kind) {
            diagnostic = diagnostic.help("give the optional a default: `.orValue(...)`");
        } else if let (Kind::Null, _) | (_, Kind::Null) = (&left_ty.kind, &right_ty.kind) {
            diagnostic = diagnostic.help("what is not there is absent, not null: ask `has(...)`");
        }
        self.report(diagnostic);
    }

    /// Holds a comparison with a constant against the declared type of the other side.
    fn reachable(&mut self, op: BinaryOp, span: Span, left: (&Typed, Span), right: (&Typed, Span)) -> bool {
        if !self.declared() {
            return true;
        }
        let Some(relation) = narrow::relation(code(op)) else { return true };
        if let (Kind::Enum(a), Kind::Enum(b)) = (&left.0.ty.kind, &right.0.ty.kind)
            && !a.iter().any(|word| b.contains(word))
        {
            self.never_equal(left.1, &left.0.ty, right.1, &right.0.ty);
            return false;
        }
        let (subject, bound, relation) = if is_literal(&right.0.code) {
            (left, right, relation)
        } else if is_literal(&left.0.code) {
            (right, left, narrow::mirrored(relation))
        } else {
            return true;
        };
        let ty = &subject.0.ty;
        if let (Kind::Enum(known), Code::Str(word)) = (&ty.kind, &bound.0.code) {
            let word = SmolStr::from(self.scope.pool().text(*word));
            if !known.contains(&word) {
                let known = known.clone();
                self.foreign_word(&word, bound.1, &known);
                return false;
            }
        }
        if !has_range(&ty.kind) {
            return true;
        }
        let ty = ty.clone();
        let Some(holds) = narrow::that(&ty, relation, &bound.0.code, |_| SmolStr::default()) else { return true };
        let all = Values::of(&ty.kind);
        let never = all.meet(&holds).is_empty();
        let always = all.without(&holds).is_empty();
        let equality = matches!(op, BinaryOp::Eq | BinaryOp::Ne);
        if never || (always && equality) {
            self.report(
                Diagnostic::error("A0110", bound.1, format!("a value of type `{ty}` cannot reach this number"))
                    .label(subject.1, format!("`{ty}`")),
            );
            return false;
        }
        if always {
            self.report(Diagnostic::warning("A0111", span, format!("this comparison holds for every `{ty}`")));
        }
        true
    }

    /// A word that an enum does not have.
    pub(super) fn foreign_word(&mut self, word: &str, span: Span, known: &[SmolStr]) {
        let diagnostic = Diagnostic::error("A0109", span, format!("`{word:?}` is not one of its words"));
        let help = did_you_mean(word, known.iter().map(SmolStr::as_str)).unwrap_or_else(|| {
            let words: Vec<String> = known.iter().map(|word| format!("`{word:?}`")).collect();
            format!("it is one of {}", words.join(", "))
        });
        self.report(diagnostic.help(help));
    }

    /// A text literal where a type is expected: a word of an enum.
    pub(super) fn fitted_text(&mut self, text: &SmolStr, span: Span, want: &Type) -> Typed {
        let typed = self.text(text, span);
        if let Kind::Enum(known) = &want.present().kind {
            if !known.contains(text) {
                self.foreign_word(text, span, known);
                return Typed::error(span);
            }
            return Typed { ty: Kind::Enum(known.clone()).into(), ..typed };
        }
        typed
    }

    /// A text literal.
    pub(super) fn text(&mut self, text: &str, span: Span) -> Typed {
        let id = self.scope.pool().string(text);
        leaf(Kind::String, Code::Str(id), span)
    }
}

/// The elements of a list literal, if all are texts.
fn words(expr: &Expr) -> Option<Vec<(SmolStr, Span)>> {
    match &expr.kind {
        ExprKind::Paren(inner) => words(inner),
        ExprKind::List(elements) => elements
            .iter()
            .map(|element| match &element.value.kind {
                ExprKind::Str(text) if !element.optional => Some((text.clone(), element.value.span)),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// A constant that comparisons are held against.
fn is_literal(code: &Code) -> bool {
    matches!(code, Code::Int(_) | Code::Uint(_) | Code::Double(_) | Code::Str(_) | Code::Bool(_))
}

/// The type is a number with a declared range.
fn has_range(kind: &Kind) -> bool {
    fn bounded<T>(range: &Range<T>) -> bool {
        range.min.is_some() || range.max.is_some()
    }
    match kind {
        Kind::Int(range) => bounded(range),
        Kind::Uint(range) => bounded(range),
        Kind::Double(range) => bounded(range),
        _ => false,
    }
}

/// `<` and the like order the two.
fn ordered(left: &Kind, right: &Kind) -> bool {
    match (left, right) {
        (Kind::Error | Kind::Dyn, other) | (other, Kind::Error | Kind::Dyn) => fit::is_open(other) || has_order(other),
        (a, b) => (fit::is_number(a) && fit::is_number(b)) || (fit::same_kind(a, b) && has_order(a)),
    }
}

fn has_order(kind: &Kind) -> bool {
    matches!(kind, Kind::Bool | Kind::String | Kind::Bytes | Kind::Timestamp | Kind::Duration) || fit::is_number(kind)
}

fn code(op: BinaryOp) -> BinOp {
    match op {
        BinaryOp::Eq => BinOp::Eq,
        BinaryOp::Ne => BinOp::Ne,
        BinaryOp::Lt => BinOp::Lt,
        BinaryOp::Le => BinOp::Le,
        BinaryOp::Gt => BinOp::Gt,
        BinaryOp::Ge => BinOp::Ge,
        BinaryOp::In
        | BinaryOp::Or
        | BinaryOp::And
        | BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem => BinOp::In,
    }
}
