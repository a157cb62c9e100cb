//! Optionals: `optMap`, `optFlatMap`, and the types of `orValue`, `or` and their like.

use admit_plan::code::Expr as Code;
use admit_plan::func::Func;
use admit_plan::types::{Kind, Range, Type};

use super::{Cx, Node};
use crate::ast::Name;
use crate::ast::expr::Expr;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::typed::{Typed, fit};

impl Cx<'_> {
    /// `a.optMap(x, e)`: `cel.bind(o, a, o.hasValue() ? optional.of(cel.bind(x, o.value(), e)) : optional.none())`.
    pub(super) fn opt_map(&mut self, span: Span, target: &Expr, function: &Name, args: &[Expr]) -> Typed {
        let [name, body] = args else { return self.unknown_code(span) };
        let optional = self.value(target);
        let inner = match &optional.ty.kind {
            Kind::Optional(inner) => (**inner).clone(),
            Kind::Dyn | Kind::Error => optional.ty.clone(),
            other => {
                let message = format!("`{}` takes an optional, this is `{other}`", function.text);
                self.report(Diagnostic::error("A0103", target.span, message));
                Kind::Error.into()
            }
        };
        let Some(name) = self.variable(function, name) else { return self.unknown_code(span) };
        let flat = function.text == "optFlatMap";
        // The optional itself has a variable that no source can name.
        let outer = u32::try_from(self.locals.len()).unwrap_or(u32::MAX);
        let hidden = ("".into(), optional.ty.clone());
        let body_typed = self.with_locals([hidden, (name, inner)], |cx| cx.value(body));
        let ty = match &body_typed.ty.kind {
            Kind::Optional(_) | Kind::Dyn | Kind::Error if flat => body_typed.ty.clone(),
            other if flat => {
                let message = format!("`optFlatMap` makes an optional, this is `{other}`");
                self.report(Diagnostic::error("A0101", body.span, message).help("for a plain value: `optMap`"));
                Kind::Error.into()
            }
            _ => Type::optional(body_typed.ty.clone()),
        };
        let silent = |code: Code, children: usize| {
            let mut node = Node::silent();
            node.spans.extend(std::iter::repeat_n(None, children));
            node.done(Kind::Error, code)
        };
        let local = || Code::Local(outer);
        let mut inner = Node::silent();
        let (_, value) = inner.child(silent(Code::Call(Func::OptValue, vec![local()]), 1));
        let (_, body) = inner.child(body_typed);
        let mut yes = inner.done(Kind::Error, Code::Bind(Box::new((value, body))));
        if !flat {
            let mut of = Node::silent();
            let (_, code) = of.child(yes);
            yes = of.done(Kind::Error, Code::Call(Func::OptOf, vec![code]));
        }
        let mut choice = Node::silent();
        let (_, condition) = choice.child(silent(Code::Call(Func::OptHasValue, vec![local()]), 1));
        let (_, yes) = choice.child(yes);
        let (_, no) = choice.child(silent(Code::Call(Func::OptNone, Vec::new()), 0));
        let choice = choice.done(Kind::Error, Code::Cond(Box::new((condition, yes, no))));
        let mut node = Node::new(span);
        let (_, optional) = node.child(optional);
        let (_, choice) = node.child(choice);
        node.done(ty, Code::Bind(Box::new((optional, choice))))
    }

    /// The type of `a.orValue(b)`.
    pub(super) fn or_value(&mut self, inner: &Type, default: &Typed, span: Span) -> Type {
        let default_ty = match (&inner.kind, &default.ty.kind, &default.code) {
            // A literal default widens the words and ranges that are declared, so that comparisons stay exact.
            (Kind::Enum(_), Kind::String, Code::Str(word)) => {
                let word = self.scope.pool().text(*word).into();
                Kind::Enum(vec![word].into()).into()
            }
            (Kind::Int(Range { min: Some(_), max: Some(_) }), _, Code::Int(value)) => {
                Kind::Int(Range { min: Some(*value), max: Some(*value) }).into()
            }
            (_, _, _) => default.ty.clone(),
        };
        fit::join(inner, &default_ty).unwrap_or_else(|| {
            let message = format!("the value is `{inner}`, the default `{}`", default.ty);
            self.report(
                Diagnostic::error("A0105", span, message)
                    .help("the default has the type of the value that may be absent"),
            );
            Kind::Error.into()
        })
    }

    /// The type of `a.or(b)`.
    pub(super) fn or_optional(&mut self, first: &Type, second: &Type, span: Span) -> Type {
        fit::join(first, second).unwrap_or_else(|| {
            let message = format!("the first is `{first}`, the second `{second}`");
            self.report(Diagnostic::error("A0105", span, message));
            Kind::Error.into()
        })
    }
}
