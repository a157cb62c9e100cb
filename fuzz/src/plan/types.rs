//! Types made from choices.

use admit_plan::types::{Double, Field, Kind, Labels, Range, Type};

use crate::choices::Choices;

/// A type.
pub(super) fn ty(choices: &mut Choices<'_>, depth: usize) -> Type {
    let inner = depth.saturating_sub(1);
    let kind = match choices.below(if depth == 0 { 13 } else { 18 }) {
        1 => Kind::Dyn,
        2 => Kind::Null,
        3 => Kind::Int(Range { min: Some(-5), max: Some(choices.below(100) as i64) }),
        4 => Kind::Uint(Range { min: None, max: Some(7) }),
        5 => Kind::Double(Range { min: Some(Double(-0.5)), max: Some(Double(1.0)) }),
        6 => Kind::Bytes,
        7 => Kind::Timestamp,
        8 => Kind::Duration,
        9 => Kind::Enum(["alpha".into(), "not in the pool".into()].into()),
        10 => Kind::Type,
        11 => Kind::Ip,
        12 => Kind::Cidr,
        13 => return Type::list(ty(choices, inner)),
        14 => return Type::map(Kind::String.into(), ty(choices, inner)),
        15 => return record(choices, inner),
        16 => return Type::optional(present(choices)),
        17 => Kind::String,
        _ => Kind::Bool,
    };
    let labels = Labels { pii: choices.one_in(8), secret: false };
    Type { kind, labels }
}

/// A type that is no optional.
pub(super) fn present(choices: &mut Choices<'_>) -> Type {
    let made = ty(choices, 1);
    made.present().clone()
}

/// A record, perhaps without fields.
pub(super) fn record(choices: &mut Choices<'_>, depth: usize) -> Type {
    let names = ["alpha", "gamma", "a name of its own"];
    let fields = names.into_iter().take(choices.below(4));
    let fields: Vec<Field> = fields.map(|name| Field { name: name.into(), ty: ty(choices, depth) }).collect();
    Kind::Record(fields.into()).into()
}

/// A secret.
pub(super) fn secret() -> Type {
    Type { kind: Kind::String, labels: Labels { pii: false, secret: true } }
}
