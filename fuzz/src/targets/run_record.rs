//! The record of a suspended run comes back as it was written, and hostile bytes are refused without a panic.

use admit_eval::datum::Datum;
use admit_eval::value::{Instant, Span};
use admit_runtime::record::packed::{pack, unpack};
use admit_runtime::record::{Record, decode, encode};
use admit_runtime::tenant::TenantId;

use super::Target;
use crate::choices::Choices;
use crate::histogram;

/// The target.
pub const TARGET: Target = Target {
    name: "run-record",
    promise: "the record of a suspended run comes back as it was, and hostile bytes are refused",
    run,
    kinds,
};

const KINDS: [&str; 17] = [
    "null",
    "bool",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "timestamp",
    "duration",
    "list",
    "map",
    "optional",
    "type",
    "ip",
    "cidr",
    "refused",
    "damaged",
];

/// Runs one input: the first choice says what becomes of the rest.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    match choices.below(4) {
        0 => hostile(choices.rest()),
        _ => round_trip(&mut choices),
    }
}

/// Kinds of values, and the two ways of refusal.
pub fn kinds() -> Vec<String> {
    KINDS.map(str::to_owned).into()
}

fn hostile(bytes: &[u8]) {
    if unpack(bytes).is_none() {
        histogram::count("refused");
    }
    let _ = decode(bytes);
    let headed: Vec<u8> = b"ADMR\x02\x00".iter().chain(bytes).copied().collect();
    if let Ok(record) = decode(&headed) {
        stable(&record);
    }
}

fn round_trip(choices: &mut Choices<'_>) {
    let values: Vec<Datum> = (0..choices.below(4)).map(|_| value(choices, 4)).collect();
    for value in &values {
        let mut bytes = Vec::new();
        assert!(pack(value, &mut bytes).is_ok(), "a value of few levels is not written");
        let mut again = Vec::new();
        let read = unpack(&bytes);
        assert!(read.as_ref().is_some_and(|read| pack(read, &mut again).is_ok()), "{value:?} is not read");
        assert_eq!(bytes, again, "{value:?} came back as {read:?}");
    }
    let Ok(tenant) = "fuzz".parse::<TenantId>() else { return };
    let expires_at = Instant { seconds: i64::from(below(choices, 1_000_000)), nanos: below(choices, 1_000_000_000) };
    let record = Record::of_values(tenant, &values, below(choices, 1_000_000), expires_at);
    let bytes = stable(&record);
    // One byte is changed: it is refused, or read as a record that is as stable.
    let (at, with) = (choices.below(bytes.len()), choices.byte());
    let damaged: Vec<u8> =
        bytes.iter().enumerate().map(|(index, byte)| if index == at { with } else { *byte }).collect();
    match decode(&damaged) {
        Ok(record) => drop(stable(&record)),
        Err(_) => histogram::count("damaged"),
    }
    assert!(decode(bytes.get(..at).unwrap_or_default()).is_err(), "a record that is cut off is read");
}

/// What is read can be written, and what is written is read as the same.
fn stable(record: &Record) -> Vec<u8> {
    let bytes = match encode(record) {
        Ok(bytes) => bytes,
        Err(error) => panic_with(&error.to_string()),
    };
    match decode(&bytes).and_then(|read| encode(&read)) {
        Ok(again) => assert_eq!(bytes, again, "a record changes when it is read"),
        Err(error) => panic_with(&error.to_string()),
    }
    bytes
}

#[expect(clippy::panic, reason = "a broken promise of a target is a panic")]
fn panic_with(what: &str) -> ! {
    panic!("a record that was written is not read: {what}")
}

fn value(choices: &mut Choices<'_>, depth: u32) -> Datum {
    let kinds = if depth == 0 { 12 } else { 15 };
    let (name, value) = match choices.below(kinds) {
        0 => ("null", Datum::Null),
        1 => ("bool", Datum::Bool(choices.below(2) == 1)),
        2 => ("int", Datum::Int(number(choices).cast_signed())),
        3 => ("uint", Datum::Uint(number(choices))),
        4 => ("double", Datum::Double(f64::from_bits(number(choices)))),
        5 => ("string", Datum::Str(format!("é{}", choices.below(1_000)).into())),
        6 => ("bytes", Datum::Bytes(number(choices).to_le_bytes().into())),
        7 => {
            let (seconds, nanos) = (number(choices).cast_signed(), below(choices, 1_000_000_000));
            ("timestamp", Datum::Timestamp(Instant { seconds, nanos }))
        }
        8 => {
            let (seconds, nanos) = (number(choices).cast_signed(), below(choices, 1_000_000_000));
            ("duration", Datum::Duration(Span { seconds, nanos }))
        }
        9 => ("type", Datum::Type("int".into())),
        10 => ("ip", Datum::Ip(std::net::Ipv4Addr::from_bits(below(choices, u32::MAX)).into())),
        11 => ("cidr", "10.0.0.0/8".parse().map_or(Datum::Null, Datum::Cidr)),
        12 => ("list", Datum::List((0..choices.below(4)).map(|_| value(choices, depth - 1)).collect())),
        13 => {
            let entries = (0..choices.below(4)).map(|_| (value(choices, depth - 1), value(choices, depth - 1)));
            ("map", Datum::Map(entries.collect()))
        }
        _ => {
            let inner = (choices.below(2) == 1).then(|| Box::new(value(choices, depth - 1)));
            ("optional", Datum::Optional(inner))
        }
    };
    histogram::count(name);
    value
}

/// Any number, small ones as often as large ones.
fn number(choices: &mut Choices<'_>) -> u64 {
    let bytes = choices.below(9);
    (0..bytes).fold(0, |number, _| number << 8 | u64::from(choices.byte()))
}

fn below(choices: &mut Choices<'_>, end: u32) -> u32 {
    (number(choices) % u64::from(end)) as u32
}
