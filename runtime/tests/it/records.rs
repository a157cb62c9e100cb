//! Records of suspended runs: they come back as they were, and hostile ones are refused.

use admit_eval::datum::Datum;
use admit_eval::value::{Instant, Span};
use admit_runtime::record::packed::{MAX_DEPTH, pack, unpack};
use admit_runtime::record::{RecordError, decode, encode};
use proptest::prelude::*;

use crate::support::*;

/// The record of a real suspended run.
fn real() -> Vec<u8> {
    let mut flow = Flow::new();
    let asks = flow.declare("asks", record_type(&[("verified", bool_type())]), PROMPTS, Does::Asks);
    let allow = flow.terminal("allow", Does::Allow);
    flow.block("asks", asks, Some(1));
    flow.block("allow", allow, None);
    let host = host();
    flow.start(&host);
    host.store.commits(&tenant())[0].suspended.as_ref().unwrap().record.clone()
}

fn datum() -> impl Strategy<Value = Datum> {
    let leaf = prop_oneof![
        Just(Datum::Null),
        any::<bool>().prop_map(Datum::Bool),
        any::<i64>().prop_map(Datum::Int),
        any::<u64>().prop_map(Datum::Uint),
        (-1e300..1e300f64).prop_map(Datum::Double),
        ".{0,12}".prop_map(|text: String| Datum::Str(text.into())),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(|bytes| Datum::Bytes(bytes.into())),
        (any::<i64>(), 0..1_000_000_000u32).prop_map(|(seconds, nanos)| Datum::Timestamp(Instant { seconds, nanos })),
        (any::<i64>(), 0..1_000_000_000u32).prop_map(|(seconds, nanos)| Datum::Duration(Span { seconds, nanos })),
        Just(Datum::Optional(None)),
        any::<std::net::IpAddr>().prop_map(Datum::Ip),
        Just(Datum::Cidr("10.0.0.0/8".parse().unwrap())),
        Just(Datum::Type("int".into())),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Datum::List),
            prop::collection::vec((inner.clone(), inner.clone()), 0..5).prop_map(Datum::Map),
            inner.prop_map(|value| Datum::Optional(Some(Box::new(value)))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn values_come_back_as_they_were(value in datum()) {
        let mut bytes = Vec::new();
        pack(&value, &mut bytes).unwrap();
        prop_assert_eq!(unpack(&bytes), Some(value));
    }

    #[test]
    fn hostile_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = unpack(&bytes);
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn a_damaged_record_never_panics(at in any::<prop::sample::Index>(), with in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut bytes = real();
        let index = at.index(bytes.len());
        bytes[index] = with;
        if let Ok(record) = decode(&bytes) {
            // What is read can be written, and is the same then.
            let again = encode(&record).unwrap();
            prop_assert_eq!(encode(&decode(&again).unwrap()).unwrap(), again);
        }
        bytes.truncate(cut.index(bytes.len()));
        let _ = decode(&bytes);
    }
}

#[test]
fn a_record_comes_back_as_it_was() {
    let bytes = real();
    assert_eq!(encode(&decode(&bytes).unwrap()).unwrap(), bytes);
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    let bytes = real();
    for end in 0..bytes.len() {
        assert!(decode(&bytes[..end]).is_err(), "cut at {end}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(decode(&longer).unwrap_err(), RecordError::Damaged);
}

#[test]
fn another_version_is_named() {
    let mut bytes = real();
    bytes[4] = 9;
    assert_eq!(decode(&bytes).unwrap_err(), RecordError::Version(9));
}

#[test]
fn nesting_is_bounded_both_ways() {
    let mut deep = Datum::Null;
    for _ in 0..=MAX_DEPTH {
        deep = Datum::List(vec![deep]);
    }
    assert!(pack(&deep, &mut Vec::new()).is_err());
    // A list of one, a million times: refused, not a stack overflow.
    let bytes = [10u8, 1].repeat(1_000_000);
    assert_eq!(unpack(&bytes), None);
}
