//! Calls: which function a name means, whether its arguments fit, and what it gives.

use admit_plan::code::Expr as Code;
use admit_plan::func::Func;
use admit_plan::types::{Kind, Type};

use super::macros::arguments;
use super::name::{Chain, did_you_mean};
use super::{Cx, Node};
use crate::ast::Name;
use crate::ast::expr::Expr;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::typed::signatures::{self, Gives, Param, Signature};
use crate::typed::{Typed, fit};

impl Cx<'_> {
    /// `f(a)`, `a.f(b)`, macros included.
    pub(super) fn call(&mut self, span: Span, target: Option<&Expr>, function: &Name, args: &[Expr]) -> Typed {
        if let Some(typed) = self.macro_call(span, target, function, args) {
            return typed;
        }
        if let Some(name) = self.function_name(target, function) {
            return self.apply(span, &name, false, function, args.iter());
        }
        match target {
            Some(target) => self.apply(span, &function.text, true, function, std::iter::once(target).chain(args)),
            None => {
                let overloads = signatures::names(false);
                self.no_function(function, &function.text, overloads, signatures::is_method(&function.text));
                self.values(args);
                self.failing(span, args)
            }
        }
    }

    /// The whole name of the function, if the call names one: `size`, `math.greatest`. In a container, unqualified
    /// names are looked for from the inside outwards, as cel-spec says.
    fn function_name(&self, target: Option<&Expr>, function: &Name) -> Option<String> {
        let (written, root) = match target {
            None => (function.text.to_string(), false),
            Some(target) => {
                let chain = Chain::of(target).filter(|chain| chain.optional_from.is_none())?;
                let shadowed =
                    chain.names.first().is_some_and(|first| self.locals.iter().any(|local| local.name == first.text));
                if shadowed && !chain.root {
                    return None;
                }
                (format!("{}.{}", chain.dotted(), function.text), chain.root)
            }
        };
        let container = if root { "" } else { self.scope.container() };
        let mut candidates = super::name::qualified(container, &written);
        candidates.find(|name| signatures::overloads(name, false).next().is_some())
    }

    fn apply<'e>(
        &mut self,
        span: Span,
        name: &str,
        method: bool,
        function: &Name,
        args: impl Iterator<Item = &'e Expr>,
    ) -> Typed {
        let mut exprs = Vec::new();
        let mut typed = Vec::new();
        for arg in args {
            typed.push(self.value(arg));
            exprs.push(arg);
        }
        let overloads: Vec<&'static Signature> = signatures::overloads(name, method).collect();
        let Some(func) = overloads.first().map(|overload| overload.func) else {
            self.no_method(function, typed.first().map(|receiver| &receiver.ty));
            return self.unknown_call(span, typed);
        };
        let taken: Vec<_> = overloads.iter().copied().filter(|overload| takes_count(overload, typed.len())).collect();
        if taken.is_empty() {
            let given = typed.len() - usize::from(method);
            let message = format!("`{name}` does not take {}", arguments(given));
            self.report(Diagnostic::error("A0105", function.span, message).help(counts(name, &overloads, method)));
            return coded(span, func, typed, Kind::Error.into());
        }
        let fitting: Vec<_> = taken.iter().copied().filter(|overload| takes(overload, &typed)).collect();
        let ty = match fitting.as_slice() {
            [] => {
                self.misfit_argument(name, method, &taken, &exprs, &typed);
                Kind::Error.into()
            }
            [first, rest @ ..] => {
                let ty = self.gives(first, &typed, &exprs);
                if rest.iter().all(|other| other.gives == first.gives) { ty } else { Kind::Dyn.into() }
            }
        };
        if func == Func::Matches
            && let Some(matches) = self.constant_regex(span, &mut typed, &exprs)
        {
            return matches;
        }
        coded(span, func, typed, ty)
    }

    /// What the overload gives for these arguments.
    fn gives(&mut self, signature: &Signature, args: &[Typed], exprs: &[&Expr]) -> Type {
        let first = || args.first().map_or(Type::from(Kind::Error), |arg| arg.ty.clone());
        let second_span = exprs.get(1).or(exprs.first()).map(|expr| expr.span);
        match signature.gives {
            Gives::Bool => Kind::Bool.into(),
            Gives::Int => Kind::INT.into(),
            Gives::Uint => Kind::UINT.into(),
            Gives::Double => Kind::DOUBLE.into(),
            Gives::Text => Kind::String.into(),
            Gives::Bytes => Kind::Bytes.into(),
            Gives::Timestamp => Kind::Timestamp.into(),
            Gives::Duration => Kind::Duration.into(),
            Gives::Texts => Type::list(Kind::String.into()),
            Gives::Type => Kind::Type.into(),
            Gives::Dyn => Kind::Dyn.into(),
            Gives::Ip => Kind::Ip.into(),
            Gives::Cidr => Kind::Cidr.into(),
            Gives::SameNumber => whole(&first()),
            Gives::OneOf => {
                let item = match (&first().kind, args) {
                    (Kind::List(item), [_]) => (**item).clone(),
                    _ => args
                        .iter()
                        .map(|arg| arg.ty.clone())
                        .reduce(|a, b| fit::join_or_dyn(&a, &b))
                        .unwrap_or_else(first),
                };
                whole(&item)
            }
            Gives::OptionalOf => Type::optional(first()),
            Gives::None => Type::optional(Kind::Error.into()),
            Gives::Inner => inner(&first()),
            Gives::Or => match (args, second_span) {
                ([optional, other], Some(span)) => {
                    let (optional, other) = (optional.ty.clone(), other.ty.clone());
                    self.or_optional(&optional, &other, span)
                }
                _ => first(),
            },
            Gives::OrValue => match (args, second_span) {
                ([_, default], Some(span)) => self.or_value(&inner(&first()), default, span),
                _ => inner(&first()),
            },
            Gives::OptionalItem => Type::optional(item(&first())),
            Gives::Unwrapped => Type::list(inner(&item(&first()))),
        }
    }

    /// `s.matches("constant")`: the regex is compiled at check time.
    fn constant_regex(&mut self, span: Span, args: &mut Vec<Typed>, exprs: &[&Expr]) -> Option<Typed> {
        let [_, Typed { code: Code::Str(pattern), .. }] = args.as_slice() else { return None };
        let pattern = self.scope.pool().text(*pattern).to_owned();
        if let Err(error) = admit_eval::consts::regex(&pattern) {
            if self.declared()
                && let Some(at) = exprs.get(1)
            {
                self.report(Diagnostic::error(
                    "A0113",
                    at.span,
                    format!("the regular expression does not compile: {error}"),
                ));
            }
            // Where constants are not checked it fails when it is evaluated.
            return None;
        }
        let regex = self.scope.pool().regex(&pattern);
        args.truncate(1);
        let mut node = Node::new(span);
        let (_, text) = node.child(args.pop()?);
        Some(node.done(Kind::Bool, Code::Matches(Box::new(text), regex)))
    }

    fn misfit_argument(&mut self, name: &str, method: bool, taken: &[&Signature], exprs: &[&Expr], typed: &[Typed]) {
        // The first argument that no overload takes, given that those before it fit.
        let mut left: Vec<&Signature> = taken.to_vec();
        for (index, (expr, arg)) in exprs.iter().zip(typed).enumerate() {
            let fitting: Vec<&Signature> = left
                .iter()
                .copied()
                .filter(|overload| parameter(overload, index).is_some_and(|param| accepts(param, &arg.ty)))
                .collect();
            if !fitting.is_empty() {
                left = fitting;
                continue;
            }
            let mut wanted: Vec<&str> =
                left.iter().filter_map(|overload| parameter(overload, index)).map(Param::what).collect();
            wanted.dedup();
            let wanted = wanted.join(" or ");
            let message = if method && index == 0 {
                format!("`{name}` is called on {wanted}, this is `{}`", arg.ty)
            } else {
                format!("`{name}` takes {wanted} here, this is `{}`", arg.ty)
            };
            let mut diagnostic = Diagnostic::error("A0105", expr.span, message);
            if matches!(arg.ty.kind, Kind::Optional(_)) {
                diagnostic = diagnostic.help("give the optional a default: `.orValue(...)`");
            } else if method && index == 0 && matches!(name, "orValue" | "or" | "hasValue" | "value") {
                diagnostic = diagnostic.help("an optional comes from `.?`: `a.?b.orValue(c)`");
            }
            self.report(diagnostic);
            return;
        }
    }

    fn no_method(&mut self, function: &Name, receiver: Option<&Type>) {
        if receiver.is_some_and(|ty| ty.kind == Kind::Error) {
            return;
        }
        let global = signatures::overloads(&function.text, false).next().is_some();
        self.no_function(function, &function.text, signatures::names(true), global);
    }

    fn no_function(
        &mut self,
        function: &Name,
        name: &str,
        names: impl Iterator<Item = &'static str>,
        other_form: bool,
    ) {
        let mut diagnostic = Diagnostic::error("A0104", function.span, format!("there is no function `{name}`"));
        if other_form && signatures::is_method(name) {
            diagnostic = diagnostic.help(format!("call it on a value: `value.{name}(...)`"));
        } else if other_form {
            diagnostic = diagnostic.help(format!("call it with the value in parentheses: `{name}(...)`"));
        } else if let Some(help) = did_you_mean(name, names) {
            diagnostic = diagnostic.help(help);
        }
        self.report(diagnostic);
    }

    fn values(&mut self, args: &[Expr]) {
        if self.mode != crate::typed::scope::Mode::Unchecked {
            for arg in args {
                self.value(arg);
            }
        }
    }

    fn failing(&mut self, span: Span, args: &[Expr]) -> Typed {
        if self.mode != crate::typed::scope::Mode::Unchecked {
            return self.unknown_code(span);
        }
        let typed = args.iter().map(|arg| self.value(arg)).collect();
        self.unknown_call(span, typed)
    }

    fn unknown_call(&mut self, span: Span, args: Vec<Typed>) -> Typed {
        let ty = self.unknown_code(span).ty;
        let mut typed = coded(span, Func::Unknown, args, ty);
        typed.constant = false;
        typed
    }
}

fn coded(span: Span, func: Func, args: Vec<Typed>, ty: Type) -> Typed {
    let mut node = Node::new(span);
    let args = args.into_iter().map(|arg| node.child(arg).1).collect();
    node.done(ty, Code::Call(func, args))
}

fn takes_count(signature: &Signature, count: usize) -> bool {
    if signature.many { count >= signature.params.len() } else { count == signature.params.len() }
}

fn takes(signature: &Signature, args: &[Typed]) -> bool {
    args.iter().enumerate().all(|(index, arg)| parameter(signature, index).is_some_and(|param| accepts(param, &arg.ty)))
}

fn parameter(signature: &Signature, index: usize) -> Option<Param> {
    let last = if signature.many { signature.params.last() } else { None };
    signature.params.get(index).or(last).copied()
}

fn accepts(param: Param, ty: &Type) -> bool {
    match (&ty.kind, param) {
        (Kind::Error | Kind::Dyn, _) | (_, Param::Any) => true,
        (Kind::Bool, Param::Bool)
        | (Kind::Int(_), Param::Int | Param::Number)
        | (Kind::Uint(_), Param::Uint | Param::Number)
        | (Kind::Double(_), Param::Double | Param::Number)
        | (Kind::String | Kind::Enum(_), Param::Text | Param::IpText | Param::CidrText)
        | (Kind::Bytes, Param::Bytes)
        | (Kind::Timestamp, Param::Timestamp)
        | (Kind::Duration, Param::Duration)
        | (Kind::List(_), Param::List)
        | (Kind::Map(..) | Kind::Record(_), Param::Map)
        | (Kind::Optional(_), Param::Optional)
        | (Kind::Ip, Param::Ip | Param::IpText)
        | (Kind::Cidr, Param::Cidr | Param::CidrText) => true,
        (_, _) => false,
    }
}

fn counts(name: &str, overloads: &[&Signature], method: bool) -> String {
    let mut counts: Vec<usize> = overloads.iter().map(|overload| overload.params.len() - usize::from(method)).collect();
    counts.sort_unstable();
    counts.dedup();
    let counts: Vec<String> = counts.into_iter().map(arguments).collect();
    format!("`{name}` takes {}", counts.join(" or "))
}

/// A number of this kind, of any size.
fn whole(ty: &Type) -> Type {
    match &ty.kind {
        Kind::Int(_) => Kind::INT.into(),
        Kind::Uint(_) => Kind::UINT.into(),
        Kind::Double(_) => Kind::DOUBLE.into(),
        Kind::Error => Kind::Error.into(),
        _ => Kind::Dyn.into(),
    }
}

fn inner(ty: &Type) -> Type {
    match &ty.kind {
        Kind::Optional(inner) => (**inner).clone(),
        other => other.clone().into(),
    }
}

fn item(ty: &Type) -> Type {
    match &ty.kind {
        Kind::List(item) => (**item).clone(),
        other => other.clone().into(),
    }
}
