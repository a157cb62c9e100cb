//! Data read against types: what fits, in which form it comes out, and what is said of what does not.

use admit_eval::coerce::{coerce, coerce_lenient};
use admit_eval::datum::Datum;
use admit_eval::json::{from_json, to_json};
use admit_plan::types::{Double, Field, Kind, Labels, Range, Type};
use serde_json::json;

fn record(fields: &[(&str, Type)]) -> Type {
    Kind::Record(fields.iter().map(|(name, ty)| Field { name: (*name).into(), ty: ty.clone() }).collect()).into()
}

fn percent() -> Type {
    Kind::Int(Range { min: Some(0), max: Some(100) }).into()
}

fn severity() -> Type {
    Kind::Enum(["low".into(), "high".into()].into()).into()
}

fn risk() -> Type {
    record(&[
        ("score", percent()),
        ("severity", severity()),
        ("reasons", Type::optional(Type::list(Kind::String.into()))),
        ("at", Type::optional(Kind::Timestamp.into())),
    ])
}

#[test]
fn what_fits_comes_out_in_the_form_of_the_type() {
    for (ty, given, expected) in [
        (risk(), json!({"severity": "low", "score": 7.0}), json!({"score": 7, "severity": "low"})),
        (risk(), json!({"score": 0, "severity": "high", "reasons": null}), json!({"score": 0, "severity": "high"})),
        (
            risk(),
            json!({"score": 1, "severity": "low", "reasons": ["a"]}),
            json!({"score": 1, "severity": "low", "reasons": ["a"]}),
        ),
        (Kind::DOUBLE.into(), json!(3), json!(3.0)),
        (Kind::UINT.into(), json!(3), json!(3)),
        (Type::map(Kind::String.into(), percent()), json!({"a": 1}), json!({"a": 1})),
        (Kind::Dyn.into(), json!([1, "a", null]), json!([1, "a", null])),
        (Kind::Timestamp.into(), json!("2026-01-01T00:00:00+01:00"), json!("2025-12-31T23:00:00Z")),
        (Kind::Duration.into(), json!("300ms"), json!("0.3s")),
        (Kind::Bytes.into(), json!("aGk="), json!("aGk=")),
        (Kind::Ip.into(), json!("::1"), json!("::1")),
        (Kind::Cidr.into(), json!("10.0.0.0/8"), json!("10.0.0.0/8")),
        (Type::optional(percent()), json!(null), json!(null)),
    ] {
        let made = coerce(&ty, from_json(&given)).unwrap_or_else(|error| panic!("{given}: {error}"));
        assert_eq!(to_json(&made), expected, "{given}");
    }
    assert_eq!(coerce(&Kind::UINT.into(), Datum::Int(3)), Ok(Datum::Uint(3)));
    assert_eq!(coerce(&Kind::Ip.into(), from_json(&json!("1.2.3.4"))), Ok(Datum::Ip([1, 2, 3, 4].into())));
}

#[test]
fn what_does_not_fit_is_named_with_its_path() {
    let half = Kind::Double(Range { min: Some(Double(0.0)), max: Some(Double(0.5)) });
    for (ty, given, message) in [
        (risk(), json!({"severity": "low"}), "`score`: it is missing"),
        (risk(), json!({"score": 101, "severity": "low"}), "`score`: `101` is outside int(0 .. 100)"),
        (risk(), json!({"score": 1, "severity": "mid"}), "`severity`: `mid` is none of \"low\" | \"high\""),
        (
            risk(),
            json!({"score": 1, "severity": "low", "reasons": ["a", 2]}),
            "`reasons[1]`: expected string, found int",
        ),
        (risk(), json!({"score": 1, "severity": "low", "more": 1}), "`more`: there is no such field"),
        (risk(), json!([]), "expected {"),
        (percent(), json!(1.5), "expected int(0 .. 100), found double"),
        (Kind::UINT.into(), json!(-1), "expected uint, found int"),
        (half.into(), json!(0.75), "`0.75` is outside double(0.0 .. 0.5)"),
        (Kind::Timestamp.into(), json!("soon"), "`soon` is no timestamp"),
        (Kind::Bool.into(), json!("true"), "expected bool, found string"),
    ] {
        let found = coerce(&ty, from_json(&given)).expect_err(&given.to_string()).to_string();
        assert!(found.starts_with(message), "{given}: {found}");
    }
}

#[test]
fn answers_of_others_may_hold_more_than_is_known() {
    let given = json!({"score": 1, "severity": "low", "vendor": {"x": 1}});
    let made = coerce_lenient(&risk(), from_json(&given)).unwrap();
    assert_eq!(to_json(&made), json!({"score": 1, "severity": "low"}));
}

#[test]
fn a_labelled_value_is_not_told() {
    for labels in [Labels { pii: true, secret: false }, Labels { pii: false, secret: true }] {
        let ty = Type { kind: Kind::List(severity().into()), labels };
        let found = coerce(&ty, from_json(&json!(["hunter2"]))).unwrap_err().to_string();
        assert_eq!(found, "`[0]`: the value is none of \"low\" | \"high\"");
        let ty = Type { kind: percent().kind, labels };
        assert!(!coerce(&ty, Datum::Int(4711)).unwrap_err().to_string().contains("4711"));
    }
}
