//! How types relate: what fits where, what two types have in common, and what can be compared.

use std::sync::Arc;

use admit_plan::types::{Double, Field, Kind, Range, Type};

/// A value of `from` may stand where `to` is wanted. `dyn` fits everywhere and is checked when it is used; ranges fit
/// where they overlap (values are checked when they arrive), words only where each is known.
pub fn fits(from: &Type, to: &Type) -> bool {
    match (&from.kind, &to.kind) {
        (Kind::Error | Kind::Dyn, _) | (_, Kind::Error | Kind::Dyn) => true,
        (Kind::Optional(from), Kind::Optional(to)) => fits(from, to),
        (_, Kind::Optional(to)) => fits(from, to),
        (Kind::Int(from), Kind::Int(to)) => overlap(from.min, from.max, to.min, to.max),
        (Kind::Uint(from), Kind::Uint(to)) => overlap(from.min, from.max, to.min, to.max),
        (Kind::Double(from), Kind::Double(to)) => {
            let value = |bound: Option<Double>| bound.map(|bound| bound.0);
            overlap(value(from.min), value(from.max), value(to.min), value(to.max))
        }
        (Kind::Enum(from), Kind::Enum(to)) => from.iter().all(|word| to.contains(word)),
        (Kind::Enum(_), Kind::String) => true,
        (Kind::List(from), Kind::List(to)) => fits(from, to),
        (Kind::Map(from_key, from), Kind::Map(to_key, to)) => fits(from_key, to_key) && fits(from, to),
        (Kind::Record(from), Kind::Record(to)) => {
            let known = from.iter().all(|field| {
                to.iter().find(|wanted| wanted.name == field.name).is_some_and(|wanted| fits(&field.ty, &wanted.ty))
            });
            let complete = to.iter().all(|wanted| {
                matches!(wanted.ty.kind, Kind::Optional(_)) || from.iter().any(|field| field.name == wanted.name)
            });
            known && complete
        }
        (Kind::Record(from), Kind::Map(key, to)) => {
            matches!(key.kind, Kind::String | Kind::Dyn | Kind::Error)
                && from.iter().all(|field| fits(field.ty.present(), to))
        }
        (from, to) => same_kind(from, to),
    }
}

/// The smallest type around both, where they are of one kind; else none.
pub fn join(left: &Type, right: &Type) -> Option<Type> {
    let mut joined: Type = match (&left.kind, &right.kind) {
        (Kind::Error, _) => right.clone(),
        (_, Kind::Error) => left.clone(),
        (Kind::Dyn, _) | (_, Kind::Dyn) => Kind::Dyn.into(),
        (Kind::Int(a), Kind::Int(b)) => Kind::Int(hull(a, b, i64::min, i64::max)).into(),
        (Kind::Uint(a), Kind::Uint(b)) => Kind::Uint(hull(a, b, u64::min, u64::max)).into(),
        (Kind::Double(a), Kind::Double(b)) => {
            let min = |a: Double, b: Double| Double(a.0.min(b.0));
            let max = |a: Double, b: Double| Double(a.0.max(b.0));
            Kind::Double(hull(a, b, min, max)).into()
        }
        (Kind::Enum(a), Kind::Enum(b)) => {
            let mut words = a.to_vec();
            words.extend(b.iter().filter(|word| !a.contains(word)).cloned());
            Kind::Enum(words.into()).into()
        }
        (Kind::Enum(_), Kind::String) | (Kind::String, Kind::Enum(_)) => Kind::String.into(),
        (Kind::Optional(a), Kind::Optional(b)) => Type::optional(join(a, b)?),
        (Kind::List(a), Kind::List(b)) => Type::list(join_or_dyn(a, b)),
        (Kind::Map(key_a, a), Kind::Map(key_b, b)) => Type::map(join_or_dyn(key_a, key_b), join_or_dyn(a, b)),
        (Kind::Record(a), Kind::Record(b)) if a == b => left.clone(),
        (Kind::Record(a), Kind::Record(b)) => join_records(a, b)?,
        (Kind::Record(_), Kind::Map(key, _)) | (Kind::Map(key, _), Kind::Record(_))
            if matches!(key.kind, Kind::String) =>
        {
            Type::map(Kind::String.into(), Kind::Dyn.into())
        }
        (a, b) if same_kind(a, b) => left.clone(),
        _ => return None,
    };
    joined.labels.pii = left.labels.pii || right.labels.pii;
    joined.labels.secret = left.labels.secret || right.labels.secret;
    Some(joined)
}

/// As [`join`], and `dyn` where the kinds differ (lists and maps of mixed values).
pub fn join_or_dyn(left: &Type, right: &Type) -> Type {
    join(left, right).unwrap_or_else(|| Kind::Dyn.into())
}

/// `==` between the two can be true for some values. Numbers of all kinds compare.
pub fn comparable(left: &Kind, right: &Kind) -> bool {
    match (left, right) {
        (Kind::Error | Kind::Dyn, _) | (_, Kind::Error | Kind::Dyn) => true,
        (Kind::String | Kind::Enum(_), Kind::String | Kind::Enum(_)) => true,
        (Kind::List(a), Kind::List(b)) | (Kind::Optional(a), Kind::Optional(b)) => comparable(&a.kind, &b.kind),
        (Kind::Map(key_a, a), Kind::Map(key_b, b)) => {
            comparable(&key_a.kind, &key_b.kind) && comparable(&a.kind, &b.kind)
        }
        (Kind::Record(_), Kind::Map(key, _)) | (Kind::Map(key, _), Kind::Record(_)) => {
            comparable(&key.kind, &Kind::String)
        }
        (a, b) => (is_number(a) && is_number(b)) || same_kind(a, b),
    }
}

/// The kinds are one but for what is inside them.
pub fn same_kind(left: &Kind, right: &Kind) -> bool {
    std::mem::discriminant(left) == std::mem::discriminant(right)
}

/// `int`, `uint` or `double`.
pub fn is_number(kind: &Kind) -> bool {
    matches!(kind, Kind::Int(_) | Kind::Uint(_) | Kind::Double(_))
}

/// The type is `dyn`, or has a diagnostic already: nothing more can be said of it.
pub fn is_open(kind: &Kind) -> bool {
    matches!(kind, Kind::Dyn | Kind::Error)
}

/// The type without what only typing knows: the unknown elements of `[]` become `dyn`.
pub fn closed(ty: &Type) -> Type {
    let kind = match &ty.kind {
        Kind::Error => Kind::Dyn,
        Kind::List(item) => Kind::List(Arc::new(closed(item))),
        Kind::Map(key, value) => Kind::Map(Arc::new(closed(key)), Arc::new(closed(value))),
        Kind::Optional(inner) => Kind::Optional(Arc::new(closed(inner))),
        Kind::Record(fields) => {
            Kind::Record(fields.iter().map(|field| Field { name: field.name.clone(), ty: closed(&field.ty) }).collect())
        }
        other => other.clone(),
    };
    Type { kind, labels: ty.labels }
}

fn join_records(a: &[Field], b: &[Field]) -> Option<Type> {
    let mut fields = Vec::with_capacity(a.len());
    for field in a {
        let ty = match b.iter().find(|other| other.name == field.name) {
            Some(other) => join_or_dyn(&field.ty, &other.ty),
            None => Type::optional(field.ty.present().clone()),
        };
        fields.push(Field { name: field.name.clone(), ty });
    }
    for field in b.iter().filter(|field| !a.iter().any(|other| other.name == field.name)) {
        fields.push(Field { name: field.name.clone(), ty: Type::optional(field.ty.present().clone()) });
    }
    Some(Kind::Record(fields.into()).into())
}

fn overlap<T: PartialOrd>(min_a: Option<T>, max_a: Option<T>, min_b: Option<T>, max_b: Option<T>) -> bool {
    let below = |max: Option<T>, min: Option<T>| matches!((max, min), (Some(max), Some(min)) if max < min);
    !below(max_a, min_b) && !below(max_b, min_a)
}

fn hull<T: Copy>(a: &Range<T>, b: &Range<T>, min: impl Fn(T, T) -> T, max: impl Fn(T, T) -> T) -> Range<T> {
    let both = |a: Option<T>, b: Option<T>, pick: &dyn Fn(T, T) -> T| Some(pick(a?, b?));
    Range { min: both(a.min, b.min, &min), max: both(a.max, b.max, &max) }
}
