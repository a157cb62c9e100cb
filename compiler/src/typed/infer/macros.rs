//! Macros: `has`, `cel.bind`, and the ones that walk lists and maps.

use admit_plan::code::{Comprehension, Expr as Code, Macro};
use admit_plan::types::{Kind, Type};
use smol_str::SmolStr;

use super::name::Chain;
use super::{Cx, Node};
use crate::ast::Name;
use crate::ast::expr::{Expr, ExprKind};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::typed::{Typed, narrow};

/// A macro that walks a list or map.
#[derive(Clone, Copy)]
struct Walk {
    kind: Macro,
    /// How many variables it takes: the least and the most.
    vars: (usize, usize),
    /// It makes a value of each element (and may filter before).
    makes: bool,
}

impl Cx<'_> {
    /// The call, if it is a macro.
    pub(super) fn macro_call(
        &mut self,
        span: Span,
        target: Option<&Expr>,
        function: &Name,
        args: &[Expr],
    ) -> Option<Typed> {
        let Some(target) = target else {
            return (function.text == "has" && args.len() == 1).then(|| self.has(span, args));
        };
        if function.text == "bind" && matches!(&target.kind, ExprKind::Ident(name) if name.text == "cel") {
            return Some(self.bind(span, function, args));
        }
        if matches!(function.text.as_str(), "optMap" | "optFlatMap") && args.len() == 2 {
            return Some(self.opt_map(span, target, function, args));
        }
        let walk = walk(&function.text)?;
        let (least, most) = walk.vars;
        // After the variables: the predicate, or an optional filter and the value.
        let fits = |vars: usize| {
            let rest = args.len().checked_sub(vars);
            rest == Some(1) || (walk.makes && rest == Some(2))
        };
        let named = |count: usize| args.iter().take(count).all(|arg| matches!(arg.kind, ExprKind::Ident(_)));
        let vars = if most == 2 && fits(2) && (least == 2 || (named(2) && !(walk.makes && fits(1)))) {
            2
        } else if least == 1 && fits(1) {
            1
        } else {
            let message = format!("`{}` does not take {}", function.text, arguments(args.len()));
            self.report(Diagnostic::error("A0122", function.span, message).help(usage(&function.text)));
            return Some(self.unknown_code(span));
        };
        Some(self.comprehension(span, target, function, args, walk, vars))
    }

    /// A macro's variable.
    pub(super) fn variable(&mut self, function: &Name, arg: &Expr) -> Option<SmolStr> {
        if let ExprKind::Ident(name) = &arg.kind {
            return Some(name.text.clone());
        }
        let message = format!("`{}` takes the name of a variable here", function.text);
        self.report(Diagnostic::error("A0122", arg.span, message).help(usage(&function.text)));
        None
    }

    fn has(&mut self, span: Span, args: &[Expr]) -> Typed {
        let Some(arg) = args.first() else { return self.unknown_code(span) };
        let mut inner = arg;
        while let ExprKind::Paren(next) = &inner.kind {
            inner = next;
        }
        let mut typed = match &inner.kind {
            ExprKind::Select { operand, field, optional: false } => match Chain::of(inner) {
                Some(chain) => self.has_chain(&chain),
                None => {
                    let operand = self.value(operand);
                    self.has_field(operand, field, inner.span)
                }
            },
            _ => {
                self.report(
                    Diagnostic::error("A0122", arg.span, "`has` takes a field: `has(a.b)`")
                        .help("for a key of a map: `\"key\" in map`; for an optional: `.hasValue()`"),
                );
                return self.unknown_code(span);
            }
        };
        if let Some(first) = typed.spans.first_mut() {
            *first = Some(span);
        }
        typed
    }

    /// `cel.bind(name, value, body)`
    fn bind(&mut self, span: Span, function: &Name, args: &[Expr]) -> Typed {
        let [name, value, body] = args else {
            let message = format!("`cel.bind` does not take {}", arguments(args.len()));
            self.report(Diagnostic::error("A0122", function.span, message).help(usage("bind")));
            return self.unknown_code(span);
        };
        let value = self.value(value);
        let Some(name) = self.variable(function, name) else { return self.unknown_code(span) };
        let local = (name, value.ty.clone());
        let body = self.with_locals([local], |cx| cx.value(body));
        let mut node = Node::new(span);
        let (_, value) = node.child(value);
        let (ty, body) = node.child(body);
        node.done(ty, Code::Bind(Box::new((value, body))))
    }

    fn comprehension(
        &mut self,
        span: Span,
        target: &Expr,
        function: &Name,
        args: &[Expr],
        walk: Walk,
        vars: usize,
    ) -> Typed {
        let range = self.value(target);
        let Some((key, value)) = self.elements(&range.ty, function, target.span) else {
            return self.unknown_code(span);
        };
        let mut names = Vec::with_capacity(vars);
        for arg in args.iter().take(vars) {
            match self.variable(function, arg) {
                Some(name) if names.contains(&name) => {
                    let message = format!("the variable `{name}` is named twice");
                    self.report(Diagnostic::error("A0122", arg.span, message));
                    return self.unknown_code(span);
                }
                Some(name) => names.push(name),
                None => return self.unknown_code(span),
            }
        }
        let is_map = matches!(range.ty.present().kind, Kind::Map(..) | Kind::Record(_));
        let one = if is_map { key.clone() } else { value.clone() };
        let types = if vars == 2 { vec![key.clone(), value] } else { vec![one.clone()] };
        let rest = args.get(vars..).unwrap_or_default();
        let (cond, made) = self.with_locals(names.into_iter().zip(types), |cx| match (walk.makes, rest) {
            (false, [cond]) => (Some(cx.bool(cond, &function.text)), None),
            (true, [made]) => (None, Some(cx.value(made))),
            (true, [cond, made]) => {
                let cond = cx.bool(cond, &function.text);
                let learnt = narrow::facts_if(&cond.code, true, cx.scope);
                cx.learn(&learnt);
                (Some(cond), Some(cx.value(made)))
            }
            (_, _) => (None, None),
        });
        let made_span = rest.last().map_or(span, |made| made.span);
        let ty = self.result(walk.kind, one, key, made.as_ref(), made_span);
        let mut node = Node::new(span);
        let (_, range) = node.child(range);
        let cond = cond.map(|cond| node.child(cond).1);
        let value = made.map(|made| node.child(made).1);
        let code = Comprehension { kind: walk.kind, range, two_vars: vars == 2, cond, value };
        node.done(ty, Code::Comprehension(Box::new(code)))
    }

    /// The types of keys (or indices) and values.
    fn elements(&mut self, ty: &Type, function: &Name, span: Span) -> Option<(Type, Type)> {
        Some(match &ty.kind {
            Kind::List(item) => (Kind::INT.into(), (**item).clone()),
            Kind::Map(key, value) => ((**key).clone(), (**value).clone()),
            Kind::Record(_) => (Kind::String.into(), Kind::Dyn.into()),
            Kind::Dyn => (Kind::Dyn.into(), Kind::Dyn.into()),
            Kind::Error => (Kind::Error.into(), Kind::Error.into()),
            other => {
                let message = format!("`{}` walks a list or a map, this is `{other}`", function.text);
                let mut diagnostic = Diagnostic::error("A0103", span, message);
                if matches!(other, Kind::Optional(_)) {
                    diagnostic = diagnostic.help("give the optional a default: `.orValue([])`");
                }
                self.report(diagnostic);
                // What is not checked fails when it is evaluated.
                if self.declared() {
                    return None;
                }
                (Kind::Error.into(), Kind::Error.into())
            }
        })
    }

    fn result(&mut self, kind: Macro, one: Type, key: Type, made: Option<&Typed>, made_span: Span) -> Type {
        let made = made.map_or_else(|| Kind::Error.into(), |made| made.ty.clone());
        match kind {
            Macro::All | Macro::Exists | Macro::ExistsOne => Kind::Bool.into(),
            Macro::Filter => Type::list(one),
            Macro::Map => Type::list(made),
            Macro::TransformMap => Type::map(key, made),
            Macro::TransformMapEntry => match &made.kind {
                Kind::Map(..) | Kind::Record(_) | Kind::Dyn | Kind::Error => made,
                other => {
                    let message = format!("`transformMapEntry` makes a map of one entry, this is `{other}`");
                    self.report(Diagnostic::error("A0101", made_span, message).help("write `{key: value}`"));
                    Kind::Error.into()
                }
            },
        }
    }
}

fn walk(name: &str) -> Option<Walk> {
    let (kind, vars, makes) = match name {
        "all" => (Macro::All, (1, 2), false),
        "exists" => (Macro::Exists, (1, 2), false),
        "exists_one" | "existsOne" => (Macro::ExistsOne, (1, 2), false),
        "filter" => (Macro::Filter, (1, 1), false),
        "map" => (Macro::Map, (1, 1), true),
        "transformList" => (Macro::Map, (2, 2), true),
        "transformMap" => (Macro::TransformMap, (2, 2), true),
        "transformMapEntry" => (Macro::TransformMapEntry, (2, 2), true),
        _ => return None,
    };
    Some(Walk { kind, vars, makes })
}

fn usage(name: &str) -> String {
    let usage = match name {
        "map" => "list.map(x, value)` or `list.map(x, condition, value)",
        "filter" => "list.filter(x, condition)",
        "transformList" => "list.transformList(i, x, value)",
        "transformMap" => "map.transformMap(k, v, value)",
        "transformMapEntry" => "map.transformMapEntry(k, v, {key: value})",
        "bind" => "cel.bind(x, value, expression with x)",
        "optMap" => "optional.optMap(x, value)",
        "optFlatMap" => "optional.optFlatMap(x, optional)",
        "existsOne" | "exists_one" => "list.exists_one(x, condition)",
        "all" => "list.all(x, condition)",
        _ => "list.exists(x, condition)",
    };
    format!("write `{usage}`")
}

pub(super) fn arguments(count: usize) -> String {
    match count {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        count => format!("{count} arguments"),
    }
}
