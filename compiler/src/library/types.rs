//! Types as written to types as meant: names, ranges, words, records and labels. Also for params, Actions and configs.

use admit_plan::code::Escape;
use admit_plan::types::{Double, Field, Kind, Labels, Range, Type};
use smol_str::SmolStr;

use crate::ast::expr::{Expr, ExprKind, UnaryOp};
use crate::ast::{FieldDecl, Name, Text, TypeExpr, TypeExprKind};
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::schema::{Inner, Named, PlainField, Rules};

/// Where a type stands, which decides the labels that mean something there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A config field of a block or Action: `constant` and the kinds of templates too.
    Config,
    /// Anywhere else: `pii` and `secret`.
    Plain,
}

/// A resolved type.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The type; `Kind::Error` inside where something is wrong, which a diagnostic says.
    pub ty: Type,
    /// What may be written for it; nothing unless the place is a config.
    pub rules: Rules,
}

/// The names of types that take no arguments.
const NAMES: &[&str] =
    &["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration", "dyn", "null", "type"];

/// The names of types that take arguments.
const APPLIED: &[&str] = &["list", "map", "optional"];

/// The deepest nesting of a type.
const MAX_DEPTH: usize = 32;

/// What the type means.
pub fn resolve(ty: &TypeExpr, place: Place, diagnostics: &mut Vec<Diagnostic>) -> Resolved {
    Resolver { place, diagnostics }.resolve(ty, 0)
}

/// Fields with their types, names unique.
pub fn plain_fields(fields: &[FieldDecl], diagnostics: &mut Vec<Diagnostic>) -> Vec<PlainField> {
    unique(fields, false, diagnostics)
        .map(|field| (field, resolve(&field.ty, Place::Plain, diagnostics)))
        .map(|(field, resolved)| PlainField {
            name: field.name.text.clone(),
            doc: field.doc.clone(),
            ty: resolved.ty,
            default: field.default.clone(),
            span: field.name.span,
        })
        .collect()
}

/// The fields whose name is not there already; the others get a diagnostic. `known when` stands in the event only.
pub(super) fn unique<'a>(
    fields: &'a [FieldDecl],
    event: bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> impl Iterator<Item = &'a FieldDecl> + use<'a> {
    let mut kept: Vec<&FieldDecl> = Vec::with_capacity(fields.len());
    let mut seen = rustc_hash::FxHashMap::default();
    for field in fields {
        if field.known.is_some() && !event {
            let message = format!("`{}` says when it is known, which only fields of the event do", field.name.text);
            diagnostics.push(Diagnostic::error("A0511", field.name.span, message));
        }
        match seen.get(&field.name.text) {
            Some(first) => diagnostics.push(
                Diagnostic::error(
                    "A0502",
                    field.name.span,
                    format!("the field `{}` is declared twice", field.name.text),
                )
                .label(*first, "first here"),
            ),
            None => {
                seen.insert(&field.name.text, field.name.span);
                kept.push(field);
            }
        }
    }
    kept.into_iter()
}

struct Resolver<'a> {
    place: Place,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Resolver<'_> {
    fn resolve(&mut self, ty: &TypeExpr, depth: usize) -> Resolved {
        if depth > MAX_DEPTH {
            let message = format!("the type is nested deeper than {MAX_DEPTH} levels");
            self.diagnostics.push(Diagnostic::error("A0505", ty.span, message));
            return Resolved { ty: Kind::Error.into(), rules: Rules::default() };
        }
        let (kind, inner) = match &ty.kind {
            TypeExprKind::Name(name) => (self.named(name), Inner::None),
            TypeExprKind::Apply(name, args) => match self.applied(name, args, ty, depth) {
                // The rules of an optional are those of what it holds.
                Applied::Optional(held) => {
                    let (labels, rules) = self.labels(&ty.labels, held.rules, &ty.kind);
                    return Resolved { ty: Type { kind: Type::optional(held.ty).kind, labels }, rules };
                }
                Applied::Holds(kind, inner) => (kind, inner),
            },
            TypeExprKind::Range(name, low, high) => (self.range(name, low, high, ty), Inner::None),
            TypeExprKind::Words(words) => (self.words(words), Inner::None),
            TypeExprKind::Record(fields) => self.record(fields, depth),
        };
        let (labels, rules) = self.labels(&ty.labels, Rules { inner, ..Rules::default() }, &ty.kind);
        Resolved { ty: Type { kind, labels }, rules }
    }

    fn named(&mut self, name: &Name) -> Kind {
        match name.text.as_str() {
            "bool" => Kind::Bool,
            "int" => Kind::INT,
            "uint" => Kind::UINT,
            "double" => Kind::DOUBLE,
            "string" => Kind::String,
            "bytes" => Kind::Bytes,
            "timestamp" => Kind::Timestamp,
            "duration" => Kind::Duration,
            "dyn" => Kind::Dyn,
            "null" => Kind::Null,
            "type" => Kind::Type,
            word if APPLIED.contains(&word) => {
                let fix = if word == "map" { "map(string, dyn)" } else { "list(string)" };
                let fix = if word == "optional" { "optional(string)" } else { fix };
                self.diagnostics.push(
                    Diagnostic::error("A0504", name.span, format!("`{word}` needs to know what it holds"))
                        .help(format!("write `{fix}`, for example")),
                );
                Kind::Error
            }
            word => {
                self.unknown(name, word);
                Kind::Error
            }
        }
    }

    fn unknown(&mut self, name: &Name, word: &str) {
        let mut found = Diagnostic::error("A0503", name.span, format!("there is no type `{word}`"));
        found = match nearest(word, NAMES.iter().chain(APPLIED).copied()) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found.help(format!("types are {}, a range, words in quotes or a record", listing())),
        };
        self.diagnostics.push(found);
    }

    fn applied(&mut self, name: &Name, args: &[TypeExpr], ty: &TypeExpr, depth: usize) -> Applied {
        match (name.text.as_str(), args) {
            ("list", [item]) => {
                let item = self.resolve(item, depth + 1);
                Applied::Holds(Type::list(item.ty).kind, items(item.rules))
            }
            ("optional", [held]) => {
                let resolved = self.resolve(held, depth + 1);
                if matches!(resolved.ty.kind, Kind::Optional(_)) {
                    let message = "an optional of an optional says nothing more than an optional";
                    self.diagnostics.push(Diagnostic::error("A0504", ty.span, message).help("leave one out"));
                    return Applied::Holds(Kind::Error, Inner::None);
                }
                Applied::Optional(resolved)
            }
            ("map", [key, value]) => {
                let key_type = self.resolve(key, depth + 1).ty;
                let value = self.resolve(value, depth + 1);
                if !key_type.kind.is_key() && key_type.kind != Kind::Error {
                    let message = "a map's keys are of type `string`, `int`, `uint` or `bool`";
                    self.diagnostics.push(Diagnostic::error("A0504", key.span, message));
                }
                Applied::Holds(Type::map(key_type, value.ty).kind, items(value.rules))
            }
            (word @ ("list" | "map" | "optional"), _) => {
                let takes = if word == "map" { "two types: its keys' and its values'" } else { "one type" };
                let message = format!("`{word}` takes {takes}, not {}", args.len());
                self.diagnostics.push(Diagnostic::error("A0504", ty.span, message));
                Applied::Holds(Kind::Error, Inner::None)
            }
            (word, _) => {
                if NAMES.contains(&word) {
                    let message = format!("`{word}` takes no types");
                    self.diagnostics.push(Diagnostic::error("A0504", ty.span, message));
                } else {
                    self.unknown(name, word);
                }
                Applied::Holds(Kind::Error, Inner::None)
            }
        }
    }

    fn range(&mut self, name: &Name, low: &Expr, high: &Expr, ty: &TypeExpr) -> Kind {
        let empty = |resolver: &mut Self| {
            let message = "the range is empty: its first bound is above its last";
            resolver.diagnostics.push(Diagnostic::error("A0506", ty.span, message).help("swap the bounds"));
            Kind::Error
        };
        match name.text.as_str() {
            "int" => match (self.bound(low, int, "an integer"), self.bound(high, int, "an integer")) {
                (Some(min), Some(max)) if min > max => empty(self),
                (Some(min), Some(max)) => Kind::Int(Range { min: Some(min), max: Some(max) }),
                _ => Kind::Error,
            },
            "uint" => {
                match (self.bound(low, uint, "an unsigned integer"), self.bound(high, uint, "an unsigned integer")) {
                    (Some(min), Some(max)) if min > max => empty(self),
                    (Some(min), Some(max)) => Kind::Uint(Range { min: Some(min), max: Some(max) }),
                    _ => Kind::Error,
                }
            }
            "double" => match (self.bound(low, double, "a number"), self.bound(high, double, "a number")) {
                (Some(min), Some(max)) if min > max => empty(self),
                (Some(min), Some(max)) => Kind::Double(Range { min: Some(Double(min)), max: Some(Double(max)) }),
                _ => Kind::Error,
            },
            word => {
                let message = format!("`{word}` has no ranges");
                let help = "ranges are of `int`, `uint` and `double`";
                self.diagnostics.push(Diagnostic::error("A0506", name.span, message).help(help));
                Kind::Error
            }
        }
    }

    fn bound<T>(&mut self, bound: &Expr, read: impl Fn(&Expr) -> Option<T>, what: &str) -> Option<T> {
        let value = read(bound);
        if value.is_none() && bound.kind != ExprKind::Broken {
            let message = format!("the bound is not {what} that is written out");
            self.diagnostics.push(Diagnostic::error("A0506", bound.span, message));
        }
        value
    }

    fn words(&mut self, words: &[Text]) -> Kind {
        let mut kept: Vec<SmolStr> = Vec::with_capacity(words.len());
        for word in words {
            if kept.iter().any(|known| *known == word.value) {
                let message = format!("the word `{}` stands twice", word.value);
                self.diagnostics.push(Diagnostic::error("A0502", word.span, message));
            } else {
                kept.push(SmolStr::new(&word.value));
            }
        }
        Kind::Enum(kept.into())
    }

    fn record(&mut self, fields: &[FieldDecl], depth: usize) -> (Kind, Inner) {
        let mut types = Vec::with_capacity(fields.len());
        let mut rules = Vec::new();
        for field in unique(fields, false, self.diagnostics) {
            if let Some(default) = &field.default {
                let message = format!("the field `{}` of a record has no default", field.name.text);
                let help = "make its type `optional(...)`, or give the whole record a default";
                self.diagnostics.push(Diagnostic::error("A0507", default.span, message).help(help));
            }
            let resolved = self.resolve(&field.ty, depth + 1);
            if resolved.rules != Rules::default() {
                rules.push((field.name.text.clone(), resolved.rules));
            }
            types.push(Field { name: field.name.text.clone(), ty: resolved.ty });
        }
        let inner = if rules.is_empty() { Inner::None } else { Inner::Fields(rules) };
        (Kind::Record(types.into()), inner)
    }

    /// Adds the labels to what is inside already (of an optional: its value's).
    fn labels(&mut self, labels: &[Name], mut rules: Rules, kind: &TypeExprKind) -> (Labels, Rules) {
        let mut plain = Labels::default();
        for label in labels {
            let escape = match label.text.as_str() {
                "pii" => {
                    plain.pii = true;
                    continue;
                }
                "secret" => {
                    plain.secret = true;
                    rules.secret = self.place == Place::Config;
                    continue;
                }
                "constant" if self.place == Place::Config => {
                    rules.constant = true;
                    continue;
                }
                "feed" | "provider" if self.place == Place::Config => {
                    rules.names = Some(if label.text == "feed" { Named::Feed } else { Named::Provider });
                    let list = matches!(kind, TypeExprKind::Apply(name, _) if name.text == "list");
                    if !list && !holds_text(kind) {
                        let message = format!("`{}` stands only before `string` or a list of them", label.text);
                        self.diagnostics.push(Diagnostic::error("A0508", label.span, message));
                    }
                    continue;
                }
                "text" => Escape::Text,
                "url" => Escape::Url,
                "header" => Escape::Header,
                "json" => Escape::Json,
                "html" => Escape::Html,
                other => {
                    let message = format!("the label `{other}` means nothing here");
                    let help = "labels are `pii` and `secret`; before the type of a config field also `constant`, `feed`, `provider`, `text`, `url`, `header`, `json` and `html`";
                    self.diagnostics.push(Diagnostic::error("A0508", label.span, message).help(help));
                    continue;
                }
            };
            if self.place == Place::Plain {
                let message = format!("the label `{}` stands only before the type of a config field", label.text);
                self.diagnostics.push(Diagnostic::error("A0508", label.span, message));
            } else if rules.escape.is_some() {
                let message = format!("`{}` is a second kind of template for one value", label.text);
                self.diagnostics.push(Diagnostic::error("A0508", label.span, message).help("keep one"));
            } else if !holds_text(kind) {
                let message = format!("`{}` stands only before `string` or `dyn`", label.text);
                self.diagnostics.push(Diagnostic::error("A0508", label.span, message));
            } else {
                rules.escape = Some(escape);
            }
        }
        (plain, rules)
    }
}

enum Applied {
    Optional(Resolved),
    Holds(Kind, Inner),
}

fn items(rules: Rules) -> Inner {
    if rules == Rules::default() { Inner::None } else { Inner::Items(Box::new(rules)) }
}

fn holds_text(kind: &TypeExprKind) -> bool {
    matches!(kind, TypeExprKind::Name(name) if name.text == "string" || name.text == "dyn")
}

fn listing() -> String {
    NAMES.iter().chain(APPLIED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn int(bound: &Expr) -> Option<i64> {
    match &bound.kind {
        ExprKind::Int(value) => i64::try_from(*value).ok(),
        ExprKind::Unary(UnaryOp::Neg, inner) => match &inner.kind {
            ExprKind::Int(value) => 0i64.checked_sub_unsigned(*value),
            _ => None,
        },
        _ => None,
    }
}

fn uint(bound: &Expr) -> Option<u64> {
    match &bound.kind {
        ExprKind::Uint(value) | ExprKind::Int(value) => Some(*value),
        _ => None,
    }
}

fn double(bound: &Expr) -> Option<f64> {
    let value = match &bound.kind {
        ExprKind::Double(value) => *value,
        ExprKind::Int(value) => *value as f64,
        ExprKind::Unary(UnaryOp::Neg, inner) => -double(inner)?,
        _ => return None,
    };
    value.is_finite().then_some(value)
}
