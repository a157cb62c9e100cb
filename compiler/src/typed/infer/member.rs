//! Selection and indexing: `a.b`, `a.?b`, `a[i]`, `a[?i]`, `has(a.b)`.

use admit_plan::code::Expr as Code;
use admit_plan::types::{Kind, Type};

use super::name::{guarded, no_field};
use super::{Cx, Node};
use crate::ast::Name;
use crate::ast::expr::Expr;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::typed::{Typed, fit, narrow, signatures};

/// What a selection finds.
struct Member {
    ty: Type,
    /// The field is optional by declaration.
    optional: bool,
}

impl Cx<'_> {
    /// `operand.name`, `operand.?name`.
    pub(super) fn select(&mut self, operand: Typed, name: &Name, optional: bool, span: Span) -> Typed {
        let chained = matches!(operand.ty.kind, Kind::Optional(_));
        let member = self.member(&operand, operand.ty.present().clone(), name);
        if member.optional && !optional && !chained {
            self.guard(&operand, name, span);
        }
        self.select_as(operand, name, optional, chained, member.ty, span)
    }

    /// `operand.name` where it is known to be there.
    pub(super) fn select_present(&mut self, operand: Typed, name: &Name, span: Span) -> Typed {
        let chained = matches!(operand.ty.kind, Kind::Optional(_));
        let member = self.member(&operand, operand.ty.present().clone(), name);
        self.select_as(operand, name, false, chained, member.ty, span)
    }

    /// `has(operand.name)`.
    pub(super) fn has_field(&mut self, operand: Typed, name: &Name, span: Span) -> Typed {
        self.member(&operand, operand.ty.present().clone(), name);
        let id = self.scope.pool().string(&name.text);
        let mut node = Node::new(span);
        let (_, code) = node.child(operand);
        node.done(Kind::Bool, Code::HasField(Box::new(code), id))
    }

    /// `operand[index]`, `operand[?index]`.
    pub(super) fn index(&mut self, span: Span, operand: &Expr, index: &Expr, optional: bool) -> Typed {
        let operand = self.value(operand);
        if let (Kind::Record(_), crate::ast::expr::ExprKind::Str(text)) = (&operand.ty.present().kind, &index.kind) {
            let name = Name { text: text.clone(), span: index.span };
            return self.select(operand, &name, optional, span);
        }
        let at = self.value(index);
        let item = self.item(operand.ty.present(), &at, index.span, span);
        let chained = matches!(operand.ty.kind, Kind::Optional(_));
        let ty = if optional || chained { Type::optional(item) } else { item };
        let mut node = Node::new(span);
        let (_, operand) = node.child(operand);
        let (_, at) = node.child(at);
        let pair = Box::new((operand, at));
        node.done(ty, if optional { Code::OptIndex(pair) } else { Code::Index(pair) })
    }

    fn select_as(&mut self, operand: Typed, name: &Name, optional: bool, chained: bool, ty: Type, span: Span) -> Typed {
        let id = self.scope.pool().string(&name.text);
        let ty = if optional || chained { Type::optional(ty) } else { ty };
        let mut node = Node::new(span);
        let (_, code) = node.child(operand);
        node.done(ty, if optional { Code::OptSelect(Box::new(code), id) } else { Code::Select(Box::new(code), id) })
    }

    fn member(&mut self, operand: &Typed, ty: Type, name: &Name) -> Member {
        let (ty, optional) = match &ty.kind {
            Kind::Record(fields) => match fields.iter().find(|field| field.name == name.text) {
                Some(field) => (field.ty.present().clone(), matches!(field.ty.kind, Kind::Optional(_))),
                None => {
                    let what = narrow::place(&operand.code, self.scope).unwrap_or_else(|| "the record".into());
                    let what = if what.starts_with('$') { "the record".into() } else { what };
                    self.report(no_field(&what, name, fields.iter().map(|field| field.name.as_str())));
                    (Kind::Error.into(), false)
                }
            },
            Kind::Map(key, value) if fit::comparable(&key.kind, &Kind::String) => ((**value).clone(), false),
            Kind::Dyn => (Kind::Dyn.into(), false),
            Kind::Error => (Kind::Error.into(), false),
            other => {
                let mut diagnostic = Diagnostic::error(
                    "A0102",
                    name.span,
                    format!("a value of type `{other}` has no field `{}`", name.text),
                );
                if signatures::is_method(&name.text) {
                    diagnostic = diagnostic.help(format!("call it: `{}()`", name.text));
                }
                self.report(diagnostic);
                (Kind::Error.into(), false)
            }
        };
        Member { ty, optional }
    }

    /// Reports a field that may be absent, unless facts know that it is there.
    fn guard(&mut self, operand: &Typed, name: &Name, span: Span) {
        let place = narrow::place(&operand.code, self.scope).map(|place| format!("{place}.{}", name.text));
        if place.as_deref().is_some_and(|place| self.facts.is_present(place)) {
            return;
        }
        let diagnostic = Diagnostic::error("A0106", span, format!("`{}` may be absent here", name.text));
        let diagnostic = match place.filter(|place| !place.starts_with('$')) {
            Some(place) => guarded(diagnostic, &place, &place),
            None => {
                diagnostic.help(format!("guard it with `has(...)`, or give a default: `.?{}.orValue(...)`", name.text))
            }
        };
        self.report(diagnostic);
    }

    /// The type of an element.
    fn item(&mut self, of: &Type, at: &Typed, at_span: Span, span: Span) -> Type {
        let wrong = match &of.kind {
            Kind::Error => return Kind::Error.into(),
            Kind::Dyn => return Kind::Dyn.into(),
            Kind::List(item) if matches!(at.ty.kind, Kind::Int(_) | Kind::Dyn | Kind::Error) => {
                return (**item).clone();
            }
            Kind::List(_) => format!("a list is indexed by `int`, not by `{}`", at.ty),
            Kind::Map(key, value) if fit::comparable(&key.kind, &at.ty.kind) => return (**value).clone(),
            Kind::Map(key, _) => format!("the map's keys are `{key}`, not `{}`", at.ty),
            Kind::Record(_) => return Kind::Dyn.into(),
            Kind::Null
            | Kind::Bool
            | Kind::Int(_)
            | Kind::Uint(_)
            | Kind::Double(_)
            | Kind::String
            | Kind::Enum(_)
            | Kind::Bytes
            | Kind::Timestamp
            | Kind::Duration
            | Kind::Optional(_)
            | Kind::Type
            | Kind::Ip
            | Kind::Cidr => {
                let kind = &of.kind;
                self.report(Diagnostic::error("A0103", span, format!("a value of type `{kind}` cannot be indexed")));
                return Kind::Error.into();
            }
        };
        self.report(Diagnostic::error("A0103", at_span, wrong));
        Kind::Error.into()
    }
}
