//! The slots of generated programs, and values for them.

use admit_eval::value::{Instant, Map, Span, Value};
use admit_plan::code::Slot;
use admit_plan::types::{Field, Kind, Type};
use bumpalo::Bump;

use super::generate::NOWHERE;
use crate::choices::Choices;

/// Names of fields.
pub const NAMES: [&str; 4] = ["name", "age", "ok", "nobody"];

/// Words of the enum slots.
pub const WORDS: [&str; 3] = ["low", "medium", "high"];

/// Strings in the pool, of every length that machine code compares in its own way.
pub const STRINGS: [&str; 18] = [
    "",
    "a",
    "US",
    "ins",
    "low",
    "high",
    "medium",
    "admins",
    "adminz",
    "1234567",
    "12345678",
    "123456789",
    "@cymmetri.com",
    "alice@cymmetri.com",
    "Straße & <ü> \"q\" ' / %41\r\n",
    "2024-01-02T03:04:05Z",
    "10.0.0.0/8",
    "a string of more than sixty-four bytes, so that it is compared by a call and not inline",
];

/// The slots of every generated program: each type, once always there and once maybe absent.
pub fn slots() -> Vec<Slot> {
    let field = |name: &str, ty: Type| Field { name: name.into(), ty };
    let record = Kind::Record(
        [
            field("name", Kind::String.into()),
            field("age", Type::optional(Kind::INT.into())),
            field("ok", Kind::Bool.into()),
        ]
        .into(),
    );
    let types: [Type; 19] = [
        Kind::Bool.into(),
        Kind::INT.into(),
        Kind::UINT.into(),
        Kind::DOUBLE.into(),
        Kind::String.into(),
        Kind::Enum(WORDS.iter().map(|word| (*word).into()).collect()).into(),
        Kind::Bytes.into(),
        Kind::Timestamp.into(),
        Kind::Duration.into(),
        Kind::Null.into(),
        Type::list(Kind::String.into()),
        Type::list(Kind::INT.into()),
        Type::map(Kind::String.into(), Kind::INT.into()),
        record.into(),
        Kind::Dyn.into(),
        Kind::Ip.into(),
        Kind::Cidr.into(),
        Type::list(Kind::Dyn.into()),
        Type::list(Type::list(Kind::String.into())),
    ];
    let slot = |ty: &Type, maybe_absent| Slot { source: NOWHERE, ty: ty.clone(), maybe_absent };
    types.iter().flat_map(|ty| [slot(ty, false), slot(ty, true)]).collect()
}

/// Values for slots, each of its declared type, absent only where it may be.
pub fn values<'a>(slots: &[Slot], choices: &mut Choices<'_>, arena: &'a Bump) -> Vec<Value<'a>> {
    let value = |slot: &Slot| {
        if slot.maybe_absent && choices.one_in(6) { Value::Absent } else { of_type(&slot.ty, choices, arena, 3) }
    };
    slots.iter().map(value).collect()
}

fn of_type<'a>(ty: &Type, choices: &mut Choices<'_>, arena: &'a Bump, depth: usize) -> Value<'a> {
    match &ty.kind {
        Kind::Error | Kind::Null => Value::Null,
        Kind::Dyn => any(choices, arena, depth),
        Kind::Bool => Value::Bool(choices.one_in(2)),
        Kind::Int(_) => Value::Int(int(choices)),
        Kind::Uint(_) => Value::Uint(uint(choices)),
        Kind::Double(_) => Value::Double(double(choices)),
        Kind::String => Value::Str(pick(choices, &STRINGS)),
        Kind::Enum(_) => Value::Str(pick(choices, &WORDS)),
        Kind::Bytes => Value::Bytes(pick(choices, &[b"".as_slice(), b"abc", b"\xff\x00"])),
        Kind::Timestamp => Value::Timestamp(Instant {
            seconds: pick(choices, &[0, 1_700_000_000, -62_135_596_800, 253_402_300_799]),
            nanos: pick(choices, &[0, 1, 999_999_999]),
        }),
        Kind::Duration => Value::Duration(Span {
            seconds: pick(choices, &[0, 60, -1, 315_576_000_000, -315_576_000_000]),
            nanos: pick(choices, &[0, 500_000_000]),
        }),
        Kind::List(item) => {
            let len = choices.below(4);
            Value::List(arena.alloc_slice_fill_with(len, |_| of_type(item, choices, arena, depth.saturating_sub(1))))
        }
        Kind::Map(_, value) => {
            let len = choices.below(NAMES.len() + 1);
            let entries = NAMES
                .iter()
                .take(len)
                .map(|name| (Value::Str(name), of_type(value, choices, arena, depth.saturating_sub(1))));
            map(arena, entries.collect())
        }
        Kind::Record(fields) => {
            let mut entries = Vec::new();
            for field in fields.iter() {
                if matches!(field.ty.kind, Kind::Optional(_)) && choices.one_in(2) {
                    continue;
                }
                entries.push((
                    Value::Str(arena.alloc_str(&field.name)),
                    of_type(field.ty.present(), choices, arena, depth),
                ));
            }
            map(arena, entries)
        }
        Kind::Optional(inner) => {
            let inner = of_type(inner, choices, arena, depth.saturating_sub(1));
            Value::Optional(if choices.one_in(3) { None } else { Some(arena.alloc(inner)) })
        }
        Kind::Type => Value::Type("int"),
        Kind::Ip => Value::Ip(arena.alloc(std::net::IpAddr::from([10, 0, 0, choices.below(3) as u8]))),
        Kind::Cidr => match pick(choices, &["10.0.0.0/8", "0.0.0.0/0", "fe80::/10"]).parse() {
            Ok(net) => Value::Cidr(arena.alloc(net)),
            Err(_) => Value::Null,
        },
    }
}

fn any<'a>(choices: &mut Choices<'_>, arena: &'a Bump, depth: usize) -> Value<'a> {
    let scalar =
        [Kind::Null, Kind::Bool, Kind::INT, Kind::UINT, Kind::DOUBLE, Kind::String, Kind::Bytes, Kind::Duration];
    let kind = match choices.below(if depth == 0 { 8 } else { 11 }) {
        8 => return of_type(&Type::list(Kind::Dyn.into()), choices, arena, depth - 1),
        9 => return of_type(&Type::map(Kind::String.into(), Kind::Dyn.into()), choices, arena, depth - 1),
        10 => return of_type(&Type::optional(Kind::Dyn.into()), choices, arena, depth - 1),
        other => scalar.get(other).cloned().unwrap_or(Kind::Null),
    };
    of_type(&kind.into(), choices, arena, depth)
}

fn map<'a>(arena: &'a Bump, entries: Vec<(Value<'a>, Value<'a>)>) -> Value<'a> {
    Value::Map(arena.alloc(Map { entries: arena.alloc_slice_copy(&entries) }))
}

/// An int that is often at an edge.
pub fn int(choices: &mut Choices<'_>) -> i64 {
    pick(choices, &[0, 1, 2, -1, 3, 10, 80, 100, i64::MAX, i64::MIN, i64::MIN + 1, 1 << 53])
}

/// A uint that is often at an edge.
pub fn uint(choices: &mut Choices<'_>) -> u64 {
    pick(choices, &[0, 1, 2, 3, 80, u64::MAX, 1 << 63, (1 << 63) - 1])
}

/// A double that is often at an edge.
pub fn double(choices: &mut Choices<'_>) -> f64 {
    pick(choices, &[0.0, -0.0, 1.0, 0.5, -2.5, 80.0, 1e300, f64::NAN, f64::INFINITY, 9_007_199_254_740_993.0])
}

/// One of some, of which there is at least one.
pub(super) fn pick<T: Copy, const N: usize>(choices: &mut Choices<'_>, from: &[T; N]) -> T {
    const { assert!(N > 0, "something to choose from") };
    #[expect(clippy::indexing_slicing, reason = "`below` is less than N, which is not zero")]
    from[choices.below(N)]
}

/// One of some, if there are any.
pub(super) fn pick_of<T: Copy>(choices: &mut Choices<'_>, from: &[T]) -> Option<T> {
    from.get(choices.below(from.len())).copied()
}
