//! Literals: numbers, durations, lists, maps and records, and whether a value fits where it stands.

use admit_plan::code::{Entry, Expr as Code, Item};
use admit_plan::types::{Double, Field, Kind, Range, Type};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;

use super::name::no_field;
use super::{Cx, Node, leaf};
use crate::ast::Name;
use crate::ast::expr::{Expr, ExprKind, MapEntry, MapKey};
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::source::Span;
use crate::typed::{Typed, fit};

impl Cx<'_> {
    /// An integer literal without a sign.
    pub(super) fn int(&self, value: u64, span: Span) -> Typed {
        match i64::try_from(value) {
            Ok(value) => leaf(Kind::INT, Code::Int(value), span),
            // The parser has said so.
            Err(_) => Typed::error(span),
        }
    }

    /// A duration literal.
    pub(super) fn duration(&self, millis: u64, span: Span) -> Typed {
        match i64::try_from(millis).ok().and_then(|millis| millis.checked_mul(1_000_000)) {
            Some(nanos) => leaf(Kind::Duration, Code::Duration(nanos), span),
            // The parser has said so.
            None => Typed::error(span),
        }
    }

    /// `[a, ?b]`
    pub(super) fn list(&mut self, expr: &Expr, want: Option<&Type>) -> Typed {
        let ExprKind::List(elements) = &expr.kind else { return Typed::error(expr.span) };
        let want = match want.map(|want| &want.present().kind) {
            Some(Kind::List(item)) => Some((**item).clone()),
            Some(Kind::Dyn) => Some(Kind::Dyn.into()),
            _ => None,
        };
        let mut ty = Type::from(Kind::Error);
        let mut node = Node::new(expr.span);
        let mut items = Vec::with_capacity(elements.len());
        let templates = self.templates.items();
        for element in elements {
            let typed = self.inside(templates, |cx| cx.entry(&element.value, want.as_ref(), element.optional));
            ty = fit::join_or_dyn(&ty, if element.optional { typed.ty.present() } else { &typed.ty });
            items.push(Item { value: node.child(typed).1, optional: element.optional });
        }
        let item = match want {
            Some(want) if !elements.is_empty() => want,
            Some(_) | None => ty,
        };
        node.done(Type::list(item), Code::List(items))
    }

    /// `{...}`: a record where its keys are bare names, else a map.
    pub(super) fn map(&mut self, expr: &Expr, want: Option<&Type>) -> Typed {
        let ExprKind::Map(entries) = &expr.kind else { return Typed::error(expr.span) };
        let want = want.map(|want| want.present());
        let bare = entries.iter().find_map(|entry| match &entry.key {
            MapKey::Bare(name) => Some(name),
            MapKey::Expr(_) => None,
        });
        let quoted = entries.iter().find_map(|entry| match &entry.key {
            MapKey::Bare(_) => None,
            MapKey::Expr(key) => Some(key),
        });
        self.duplicates(entries);
        match (want.map(|want| &want.kind), bare, quoted) {
            (_, Some(bare), Some(quoted)) => {
                self.report(
                    Diagnostic::error(
                        "A0115",
                        quoted.span,
                        "a literal has either field names or quoted keys, not both",
                    )
                    .label(bare.span, "a field name")
                    .help("in a map every key is quoted; a variable as key stands in parentheses: `{(name): v}`"),
                );
                self.map_literal(expr, entries, None)
            }
            (Some(Kind::Record(fields)), _, None) => {
                let fields = fields.clone();
                self.record(expr, entries, Some(&fields))
            }
            (Some(Kind::Record(_)), None, Some(quoted)) => {
                self.report(
                    Diagnostic::error("A0115", quoted.span, "a record's fields are names, not keys")
                        .help("write the names without quotes: `{name: value}`"),
                );
                Typed::error(expr.span)
            }
            (Some(Kind::Map(..) | Kind::Dyn), Some(bare), None) => {
                self.report(
                    Diagnostic::error("A0115", bare.span, format!("the key `{}` must be quoted here", bare.text)).help(
                        format!(
                            "write `\"{}\": ...`; `{{({}): ...}}` takes the key from a variable",
                            bare.text, bare.text
                        ),
                    ),
                );
                self.record(expr, entries, None);
                Typed::error(expr.span)
            }
            (Some(Kind::Map(key, value)), None, _) => {
                let (key, value) = ((**key).clone(), (**value).clone());
                self.map_literal(expr, entries, Some((&key, &value)))
            }
            (Some(Kind::Dyn), None, _) => {
                let dynamic = Kind::Dyn.into();
                self.map_literal(expr, entries, Some((&dynamic, &dynamic)))
            }
            (_, Some(_), None) => self.record(expr, entries, None),
            (_, None, _) => self.map_literal(expr, entries, None),
        }
    }

    /// Reports a value that does not fit where it stands.
    pub(super) fn fit(&mut self, typed: Typed, want: &Type, span: Span) -> Typed {
        if let Some(diagnostic) = self.out_of_range(&typed, want.present(), span) {
            self.report(diagnostic);
            return typed;
        }
        if !fit::fits(&typed.ty, want) {
            self.misfit(&typed, want, span);
        } else if self.declared() && matches!((&typed.ty.kind, &want.kind), (Kind::Optional(_), Kind::Dyn)) {
            self.report(
                Diagnostic::error("A0108", span, "an optional cannot stand here").help(
                    "give it a default with `.orValue(...)`; in a map or list, `?` before the entry leaves it out",
                ),
            );
        }
        typed
    }

    fn misfit(&mut self, typed: &Typed, want: &Type, span: Span) {
        let of = if self.what.is_empty() { String::new() } else { format!("{}: ", self.what) };
        let found = &typed.ty;
        if let (Kind::Optional(inner), false) = (&found.kind, matches!(want.kind, Kind::Optional(_)))
            && fit::fits(inner, want)
        {
            self.report(
                Diagnostic::error("A0108", span, format!("{of}`{want}` is wanted, this may be absent"))
                    .help("give it a default: `.orValue(...)`"),
            );
            return;
        }
        // Where a value may be left out, it is still a value of the plain type that stands there.
        let mut plain = if matches!(found.kind, Kind::Optional(_)) { want.clone() } else { want.present().clone() };
        plain.labels = admit_plan::types::Labels::default();
        let message = format!("{of}`{plain}` is wanted, this is `{found}`");
        let mut diagnostic = Diagnostic::error("A0101", span, message);
        match (&want.present().kind, &found.kind, &typed.code) {
            (Kind::Double(_), Kind::Int(_), Code::Int(value)) => {
                diagnostic = diagnostic.help(format!("write it as a double: `{value}.0`"));
            }
            (Kind::Uint(_), Kind::Int(_), Code::Int(value)) if *value >= 0 => {
                diagnostic = diagnostic.help(format!("write it as a uint: `{value}u`"));
            }
            (Kind::Duration, Kind::Int(_), _) => diagnostic = diagnostic.help("a duration has a unit: `300ms`, `5s`"),
            (Kind::String, _, _) if !matches!(found.kind, Kind::List(_) | Kind::Map(..) | Kind::Record(_)) => {
                diagnostic = diagnostic.help("convert it: `string(...)`");
            }
            (Kind::List(_), _, _) if fit::fits(&Type::list(found.clone()), want) => {
                diagnostic = diagnostic.help("write a list of one: `[...]`");
            }
            _ => {}
        }
        self.report(diagnostic);
    }

    /// A constant number outside the range that is wanted.
    fn out_of_range(&self, typed: &Typed, want: &Type, span: Span) -> Option<Diagnostic> {
        let outside = match (&want.kind, &typed.code) {
            (Kind::Int(range), Code::Int(value)) => outside(range, value),
            (Kind::Uint(range), Code::Uint(value)) => outside(range, value),
            (Kind::Double(Range { min, max }), Code::Double(value)) => {
                let bound = |bound: &Option<Double>| bound.map(|bound| bound.0);
                outside(&Range { min: bound(min), max: bound(max) }, value)
            }
            _ => false,
        };
        let range = Type::from(want.kind.clone());
        outside.then(|| Diagnostic::error("A0125", span, format!("this number is not in `{range}`")))
    }

    /// An element or entry: an optional of the type that is wanted where it is marked with `?`.
    fn entry(&mut self, value: &Expr, want: Option<&Type>, optional: bool) -> Typed {
        let typed = match (want, optional) {
            (Some(want), false) => return self.fitted(value, want),
            (Some(want), true) => {
                let wanted = Type { labels: want.labels, ..Type::optional(want.present().clone()) };
                self.fitted(value, &wanted)
            }
            (None, _) => self.value(value),
        };
        if optional && !matches!(typed.ty.kind, Kind::Optional(_) | Kind::Dyn | Kind::Error) {
            self.report(
                Diagnostic::error("A0108", value.span, format!("`?` takes an optional, this is `{}`", typed.ty))
                    .help("leave the `?` out: the value is always there"),
            );
        }
        typed
    }

    fn record(&mut self, expr: &Expr, entries: &[MapEntry], declared: Option<&[Field]>) -> Typed {
        let mut node = Node::new(expr.span);
        let mut codes = Vec::with_capacity(entries.len());
        let mut fields: Vec<Field> = Vec::with_capacity(entries.len());
        // Fields that misspelt names seem to mean, which are not missing too.
        let mut meant: Vec<&str> = Vec::new();
        for entry in entries {
            let MapKey::Bare(name) = &entry.key else { continue };
            let want = match declared {
                Some(declared) => match declared.iter().find(|field| field.name == name.text) {
                    Some(field) => Some(&field.ty),
                    None => {
                        let names = declared.iter().map(|field| field.name.as_str());
                        meant.extend(nearest(&name.text, names.clone()));
                        let mut diagnostic = no_field("this record", name, names);
                        diagnostic.code = "A0117";
                        diagnostic.message = format!("this record has no field `{}`", name.text);
                        self.report(diagnostic);
                        None
                    }
                },
                None => None,
            };
            let templates = self.templates.field(&name.text);
            let typed = self.inside(templates, |cx| cx.entry(&entry.value, want, entry.optional));
            self.plain_optional(&typed, entry, want, &name.text);
            let ty = match want {
                Some(want) => want.clone(),
                None if entry.optional => Type::optional(typed.ty.present().clone()),
                None => typed.ty.clone(),
            };
            fields.push(Field { name: name.text.clone(), ty });
            codes.push(self.coded(&mut node, name, typed, entry.optional));
        }
        if let Some(declared) = declared {
            self.missing(expr, &fields, declared, &meant);
            return node.done(Kind::Record(declared.into()), Code::Map(codes));
        }
        node.done(Kind::Record(fields.into()), Code::Map(codes))
    }

    fn coded(&mut self, node: &mut Node, name: &Name, typed: Typed, optional: bool) -> Entry {
        let key = self.text(&name.text, name.span);
        let (_, key) = node.child(key);
        let (_, value) = node.child(typed);
        Entry { key, value, optional }
    }

    /// A field whose value is an optional is marked with `?`: records leave out what is absent.
    fn plain_optional(&mut self, typed: &Typed, entry: &MapEntry, want: Option<&Type>, name: &str) {
        let misfit = want.is_some_and(|want| !matches!(want.kind, Kind::Optional(_)));
        if self.declared() && !entry.optional && !misfit && matches!(typed.ty.kind, Kind::Optional(_)) {
            self.report(
                Diagnostic::error("A0108", entry.value.span, format!("`{name}` may be absent here"))
                    .help(format!("leave the field out where it is absent: `?{name}: ...`")),
            );
        }
    }

    fn missing(&mut self, expr: &Expr, fields: &[Field], declared: &[Field], meant: &[&str]) {
        let missing: Vec<String> = declared
            .iter()
            .filter(|field| !matches!(field.ty.kind, Kind::Optional(_)))
            .filter(|field| !fields.iter().any(|given| given.name == field.name))
            .filter(|field| !meant.contains(&field.name.as_str()))
            .map(|field| format!("`{}`", field.name))
            .collect();
        if !missing.is_empty() {
            let fields = if missing.len() == 1 { "field" } else { "fields" };
            let message = format!("the record lacks the {fields} {}", missing.join(", "));
            self.report(Diagnostic::error("A0116", expr.span, message));
        }
    }

    fn map_literal(&mut self, expr: &Expr, entries: &[MapEntry], want: Option<(&Type, &Type)>) -> Typed {
        let mut node = Node::new(expr.span);
        let mut key_ty = Type::from(Kind::Error);
        let mut value_ty = Type::from(Kind::Error);
        let mut codes = Vec::with_capacity(entries.len());
        for entry in entries {
            let key = match &entry.key {
                MapKey::Bare(name) => self.text(&name.text, name.span),
                MapKey::Expr(key) => self.key(key, want.map(|want| want.0)),
            };
            let templates = self.templates.items();
            let value = self.inside(templates, |cx| cx.entry(&entry.value, want.map(|want| want.1), entry.optional));
            key_ty = fit::join_or_dyn(&key_ty, &key.ty);
            value_ty = fit::join_or_dyn(&value_ty, if entry.optional { value.ty.present() } else { &value.ty });
            let (_, key) = node.child(key);
            let (_, value) = node.child(value);
            codes.push(Entry { key, value, optional: entry.optional });
        }
        let ty = match want {
            Some((key, value)) if !fit::is_open(&key.kind) => Type::map(key.clone(), value.clone()),
            Some(_) | None => Type::map(key_ty, value_ty),
        };
        node.done(ty, Code::Map(codes))
    }

    fn key(&mut self, key: &Expr, want: Option<&Type>) -> Typed {
        let typed = match want {
            Some(want) => self.fitted(key, want),
            None => self.value(key),
        };
        if !typed.ty.kind.is_key() && !fit::is_open(&typed.ty.kind) {
            let message = format!("a map's key is a `bool`, `int`, `uint` or `string`, this is `{}`", typed.ty);
            self.report(Diagnostic::error("A0101", key.span, message));
        }
        typed
    }

    /// Keys and fields that are written twice.
    fn duplicates(&mut self, entries: &[MapEntry]) {
        if !self.declared() {
            return;
        }
        let mut seen: FxHashSet<SmolStr> = FxHashSet::default();
        for entry in entries {
            let (key, span) = match &entry.key {
                MapKey::Bare(name) => (format!("{:?}", name.text), name.span),
                MapKey::Expr(key) => match literal_key(key) {
                    Some(text) => (text, key.span),
                    None => continue,
                },
            };
            if !seen.insert(SmolStr::from(&key)) {
                self.report(Diagnostic::error("A0114", span, format!("the key `{key}` is written twice")));
            }
        }
    }
}

/// A text that is the same for equal literal keys: an int and a uint of one value are one key.
fn literal_key(key: &Expr) -> Option<String> {
    match &key.kind {
        ExprKind::Str(text) => Some(format!("{text:?}")),
        ExprKind::Int(value) | ExprKind::Uint(value) => Some(value.to_string()),
        ExprKind::Bool(value) => Some(value.to_string()),
        ExprKind::Unary(crate::ast::expr::UnaryOp::Neg, inner) => match &inner.kind {
            ExprKind::Int(value) => Some(format!("-{value}")),
            _ => None,
        },
        ExprKind::Paren(inner) => literal_key(inner),
        _ => None,
    }
}

fn outside<T: PartialOrd>(range: &Range<T>, value: &T) -> bool {
    let below = range.min.as_ref().is_some_and(|min| value.partial_cmp(min).is_none_or(|order| order.is_lt()));
    let above = range.max.as_ref().is_some_and(|max| value.partial_cmp(max).is_none_or(|order| order.is_gt()));
    below || above
}
