//! The reader of events: what it takes, what it refuses and where, and that it agrees with serde_json.

use admit_eval::value::Value;
use admit_plan::code::{Pool, Slot, Source};
use admit_plan::types::{Field, Kind, Range, Type};
use admit_runtime::event::{EventError, Limits, Shape, read_once};
use bumpalo::Bump;
use proptest::prelude::*;

/// A flow that names these paths below `event`; `?` after a path: it may be absent.
fn flow(paths: &[(&str, Type)]) -> (Pool, Vec<Slot>) {
    let mut pool = Pool::default();
    let slots = paths
        .iter()
        .map(|(path, ty)| {
            let names = path.trim_end_matches('?').split('.').filter(|name| !name.is_empty());
            let ids = names
                .map(|name| {
                    pool.strings.push(name.into());
                    pool.strings.len() as u32 - 1
                })
                .collect();
            Slot { source: Source::Event(ids), ty: ty.clone(), maybe_absent: path.ends_with('?') }
        })
        .collect();
    (pool, slots)
}

fn read(paths: &[(&str, Type)], json: &str) -> Result<Vec<String>, EventError> {
    let (pool, slots) = flow(paths);
    let arena = Bump::new();
    let mut out = vec![Value::Null; slots.len()];
    read_once(&pool, &slots, json.as_bytes(), Limits { runtime_groups: true, ..Limits::default() }, &arena, &mut out)?;
    Ok(out.iter().map(show).collect())
}

fn shown(paths: &[(&str, Type)], json: &str) -> String {
    match read(paths, json) {
        Ok(values) => values.join(" "),
        Err(error) => error.to_string(),
    }
}

fn show(value: &Value<'_>) -> String {
    match value {
        Value::Absent => "absent".into(),
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => format!("{value}u"),
        Value::Double(value) => format!("{value:?}"),
        Value::Str(value) => format!("{value:?}"),
        Value::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(",")),
        Value::Map(map) => {
            let entries = map.entries.iter().map(|(key, value)| format!("{}:{}", show(key), show(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        other => format!("{other:?}"),
    }
}

fn ty(kind: Kind) -> Type {
    kind.into()
}

fn dynamic() -> Type {
    ty(Kind::Dyn)
}

#[test]
fn values_of_each_type_are_read() {
    let cases: &[(Type, &str, &str)] = &[
        (ty(Kind::Bool), "true", "true"),
        (ty(Kind::INT), "-9223372036854775808", "-9223372036854775808"),
        (ty(Kind::UINT), "18446744073709551615", "18446744073709551615u"),
        (ty(Kind::DOUBLE), "1e2", "100.0"),
        (ty(Kind::DOUBLE), "-7", "-7.0"),
        (ty(Kind::String), r#""a\u00e9\ud83d\ude00\n\"""#, "\"aé😀\\n\\\"\""),
        (ty(Kind::Enum(["low".into(), "high".into()].into())), r#""high""#, "\"high\""),
        (Type::list(ty(Kind::INT)), "[1 , 2,3]", "[1,2,3]"),
        (Type::list(Type::list(ty(Kind::String))), r#"[[],["a"]]"#, "[[],[\"a\"]]"),
        (Type::map(ty(Kind::String), ty(Kind::INT)), r#"{"b":1,"a":2}"#, "{\"b\":1,\"a\":2}"),
        (Type::map(ty(Kind::INT), ty(Kind::Bool)), r#"{"-1":true}"#, "{-1:true}"),
        (dynamic(), r#"{"a":[1,1.0,18446744073709551615,null,{}]}"#, "{\"a\":[1,1.0,18446744073709551615u,null,{}]}"),
        (ty(Kind::Ip), r#""::1""#, "Ip(::1)"),
        (ty(Kind::INT), "null", "absent"),
    ];
    for (ty, json, expected) in cases {
        assert_eq!(&shown(&[("x?", ty.clone())], &format!("{{\"x\":{json}}}")), expected, "{json}");
    }
}

#[test]
fn records_keep_known_fields_and_need_the_others() {
    let field = |name: &str, ty: Type| Field { name: name.into(), ty };
    let record = ty(Kind::Record([field("ip", ty(Kind::String)), field("port", Type::optional(ty(Kind::INT)))].into()));
    let paths = [("request", record), ("request.ip", ty(Kind::String))];
    assert_eq!(shown(&paths, r#"{"request":{"x":[{}],"ip":"::1","port":null}}"#), r#"{"ip":"::1"} "::1""#);
    assert_eq!(shown(&paths, r#"{"request":{"port":4,"ip":"::1"}}"#), r#"{"port":4,"ip":"::1"} "::1""#);
    assert_eq!(
        shown(&paths, r#"{"request":{"port":4}}"#),
        "event.request.ip: the flow needs this field, and the event does not have it (byte 11)"
    );
}

#[test]
fn faults_name_their_path_and_byte() {
    let severity = ty(Kind::Enum(["low".into(), "high".into()].into()));
    let score = ty(Kind::Int(Range { min: Some(0), max: Some(100) }));
    let paths = [
        ("risk.score?", score),
        ("risk.severity?", severity),
        ("groups?", Type::list(ty(Kind::String))),
        ("geo.country?", ty(Kind::String)),
    ];
    let cases = [
        (r#"{"risk":{"score":101}}"#, "event.risk.score: 101 is more than 100 (byte 17)"),
        (r#"{"risk":{"score":1.5}}"#, "event.risk.score: `1.5` is not an int (byte 17)"),
        (r#"{"risk":{"score":"1"}}"#, "event.risk.score: expected an int, found a string (byte 17)"),
        (r#"{"risk":[]}"#, "event.risk: expected a record, found an array (byte 8)"),
        (r#"{"risk":{"severity":"mid"}}"#, "event.risk.severity: \"mid\" is none of `low`, `high` (byte 20)"),
        (r#"{"groups":["a",1]}"#, "event.groups[1]: expected a string, found a number (byte 15)"),
        (r#"{"z":{"a b":[{},{"k":1,"\u006b":2}]}}"#, "event.z[\"a b\"][1]: the key `k` occurs twice (byte 23)"),
        (r#"{"z":"\ud800"}"#, "event.z: a surrogate escape without its pair (byte 6)"),
        (r#"{"z":01}"#, "event.z: expected a number without leading zeros (byte 6)"),
        (r#"{"z":1} x"#, "event: the event ends here, but more follows (byte 8)"),
        (r#"{"z":1,}"#, "event: expected a key in double quotes (byte 7)"),
        (r#"[1]"#, "event: expected an object (byte 0)"),
        ("", "event: expected an object (byte 0)"),
        ("{\"z\":\"a\tb\"}", "event.z: a control character must be escaped in a string (byte 7)"),
        (r#"{"z":"a"#, "event.z: expected the closing quote of a string (byte 7)"),
        (r#"{"z":tru}"#, "event.z: expected a value (byte 5)"),
        (r#"{"geo":{"country":nul}}"#, "event.geo.country: expected a value (byte 18)"),
    ];
    for (json, expected) in cases {
        assert_eq!(shown(&paths, json), expected, "{json}");
    }
}

#[test]
fn a_needed_field_is_named_with_the_innermost_object_that_lacks_it() {
    let paths = [("request.geo.country", ty(Kind::String))];
    let expected = |byte| {
        format!("event.request.geo.country: the flow needs this field, and the event does not have it (byte {byte})")
    };
    assert_eq!(shown(&paths, r#"{"a":{},"request":{"geo":{}}}"#), expected(25));
    assert_eq!(shown(&paths, r#" {"a":{},"request":null}"#), expected(1));
}

#[test]
fn groups_of_the_runtime_are_refused_in_what_was_submitted() {
    let (pool, slots) = flow(&[("user.id", ty(Kind::String))]);
    let shape = Shape::new(&pool, &slots);
    let arena = Bump::new();
    let mut out = [Value::Null];
    let read = |json: &'static str, out: &mut [Value<'static>]| {
        let arena: &'static Bump = Box::leak(Box::new(Bump::new()));
        shape.read(json.as_bytes(), Limits::default(), arena, out)
    };
    for group in ["user", "authentication", "tenant"] {
        let json = format!("{{\"a\":1,\"{group}\":{{}}}}");
        let error = shape.read(json.as_bytes(), Limits::default(), &arena, &mut [Value::Null]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("event.{group}: `{group}` is set by the runtime and may not be submitted (byte 7)")
        );
    }
    assert!(read("{\"\\u0075ser\":{}}", &mut out).is_err(), "an escaped key is the same key");
    // What the runtime provides later is not needed yet.
    read("{}", &mut out).unwrap();
    assert!(matches!(out[0], Value::Absent));
}

#[test]
fn repeated_keys_are_found_in_objects_of_every_size() {
    for size in [2, 8, 23, 24, 25, 26, 60, 3000] {
        let keys = |count: usize| (0..count).map(|key| format!("\"key-{key}\":0")).collect::<Vec<_>>().join(",");
        let unique = format!("{{\"o\":{{{}}}}}", keys(size));
        assert!(read(&[], &unique).is_ok(), "{size}");
        for repeated in [0, size / 2, size - 1] {
            let json = format!("{{\"o\":{{{},\"key-{repeated}\":0}}}}", keys(size));
            let error = read(&[], &json).unwrap_err().to_string();
            assert!(error.contains(&format!("event.o: the key `key-{repeated}` occurs twice")), "{size}: {error}");
        }
    }
}

#[test]
fn nesting_stops_at_32_and_length_at_the_limit() {
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(&[], &nested(31)).is_ok());
    assert!(read(&[("a", dynamic())], &nested(31)).is_ok());
    assert!(read(&[], &nested(32)).unwrap_err().to_string().ends_with("nested deeper than 32 levels (byte 36)"));
    assert!(read(&[], &format!("{{\"a\":{}", "[".repeat(60_000))).is_err());
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(64 * 1024));
    assert_eq!(
        read(&[], &long).unwrap_err().to_string(),
        "event: the event has 65544 bytes, more than the limit of 65536 (byte 65536)"
    );
}

/// Texts of the kinds of Seriot's "Parsing JSON is a Minefield", each as a member's value.
#[test]
fn texts_are_taken_or_refused_as_rfc_8259_says() {
    let taken = [
        "123e65",
        "0e+1",
        "0e1",
        "-0",
        "-0.0",
        "1E22",
        "1E-2",
        "1.5e+9",
        "123.456789",
        "-123",
        "[]",
        "[[]   ]",
        "[\"\"]",
        "[null, 1, \"1\", {}]",
        "[1,null,null,null,2]",
        " [1]",
        "[true]",
        "{\"\":0}",
        "{\"a\":[]}",
        "{\"title\":\"\\u041f\"}",
        "\"\\u0060\\u012a\\u12AB\"",
        "\"\\uD801\\udc37\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\\\u0000\"",
        "\"\u{7f}\"",
        "\"\\u0000\"",
        "\"\\uFFFF\"",
        "\"\u{2028}\"",
        "\"π\"",
        "\"a/*b*/c\"",
        "\"𝄞\"",
        "\"\\uDBFF\\uDFFF\"",
        "\t\n\r false ",
    ];
    let refused = [
        "1.",
        ".5",
        "-",
        "-a",
        "+1",
        "01",
        "-01",
        "0x1",
        "1e",
        "1e+",
        "1.e1",
        "1.2.3",
        "1 000",
        "Infinity",
        "NaN",
        "nan",
        "[1,]",
        "[,1]",
        "[1,,2]",
        "[1 2]",
        "[",
        "]",
        "[1",
        "[\"a\"",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\" 1}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1,}",
        "{,}",
        "{1:1}",
        "{\"a\":1 \"b\":2}",
        "'a'",
        "\"\\x00\"",
        "\"\\a\"",
        "\"\\u00\"",
        "\"\\u00G0\"",
        "\"\\uD800\\u0061\"",
        "\"\\uDC00\"",
        "\"\\uD800\"",
        "\"\\uD800\\\"",
        "\"\u{1f}\"",
        "\"a\nb\"",
        "True",
        "TRUE",
        "nulll",
        "tru",
        "/**/1",
        "1//",
        "\u{a0}1",
        "\u{feff}1",
        "[\u{c}]",
        "undefined",
        "",
        "\"a",
        "a",
        "<null>",
    ];
    for text in taken {
        assert!(read(&[], &format!("{{\"m\":{text}}}")).is_ok(), "skipped: {text}");
        assert!(read(&[("m?", dynamic())], &format!("{{\"m\":{text}}}")).is_ok(), "read: {text}");
    }
    for text in refused {
        assert!(read(&[], &format!("{{\"m\":{text}}}")).is_err(), "skipped: {text}");
        assert!(read(&[("m?", dynamic())], &format!("{{\"m\":{text}}}")).is_err(), "read: {text}");
    }
    assert!(read(&[], "{\"m\":1e999}").is_ok());
    assert!(read(&[("m", dynamic())], "{\"m\":1e999}").is_err(), "no double is as large");
    let arena = Bump::new();
    let error = read_once(&Pool::default(), &[], b"{\"m\":\"\xff\"}", Limits::default(), &arena, &mut []).unwrap_err();
    assert_eq!(error.to_string(), "event: the event is not UTF-8 (byte 6)");
}

/// What serde_json makes of a text; none where it refuses it.
fn by_serde(text: &str) -> Option<serde_json::Value> {
    serde_json::from_str(text).ok()
}

fn same(value: &Value<'_>, json: &serde_json::Value) -> bool {
    use serde_json::Value as Json;
    match (value, json) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(a), Json::Bool(b)) => a == b,
        // `-0` is written as an int, and is one; serde_json takes it for a double, to keep its sign.
        (Value::Int(0), Json::Number(b)) => b.as_f64() == Some(0.0),
        (Value::Int(a), Json::Number(b)) => b.as_i64() == Some(*a),
        (Value::Uint(a), Json::Number(b)) => b.as_u64() == Some(*a),
        // serde_json may be a unit in the last place off without its feature `float_roundtrip`.
        (Value::Double(a), Json::Number(b)) => {
            b.as_f64().is_some_and(|b| (a - b).abs() <= f64::EPSILON * 4.0 * a.abs().max(f64::MIN_POSITIVE))
        }
        (Value::Str(a), Json::String(b)) => a == b,
        (Value::List(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Map(a), Json::Object(b)) => {
            a.entries.len() == b.len()
                && a.entries.iter().all(|(key, value)| match key {
                    Value::Str(key) => b.get(*key).is_some_and(|b| same(value, b)),
                    _ => false,
                })
        }
        _ => false,
    }
}

/// JSON texts, nearly JSON texts, and repeats of keys.
#[expect(clippy::unwrap_used, reason = "a test's generator")]
fn text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|int| int.to_string()),
        any::<u64>().prop_map(|int| int.to_string()),
        any::<f64>().prop_map(|double| serde_json::to_string(&double).unwrap()),
        "[-+0-9.eE]{1,9}",
        "[a-c\"\\\\\u{1}-\u{1f}é😀]{0,12}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        "\"[a-z\\\\u0-9dD\"]{0,14}\"",
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(("[a-e]{1,2}|[a-m]{7,10}", inner), 0..6).prop_map(|entries| {
                let entries = entries.iter().map(|(key, value)| format!(" \"{key}\" : {value}"));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
            }),
        ]
    })
}

fn any<T: Arbitrary>() -> T::Strategy {
    proptest::prelude::any::<T>()
}

proptest! {
    #[test]
    fn reading_agrees_with_serde_json(inner in text(), cut in any::<Option<u8>>(), byte in any::<Option<(u8, u8)>>()) {
        let mut bytes = format!("{{\"x\":{inner}}}").into_bytes();
        if let Some(cut) = cut.filter(|cut| *cut < 64) {
            bytes.truncate(usize::from(cut));
        }
        if let Some((at, byte)) = byte.filter(|(at, _)| usize::from(*at) < bytes.len()) {
            bytes[usize::from(at)] = byte;
        }
        let (pool, slots) = flow(&[("?", Type::from(Kind::Dyn))]);
        let arena = Bump::new();
        let mut out = [Value::Absent];
        let limits = Limits { runtime_groups: true, ..Limits::default() };
        let ours = read_once(&pool, &slots, &bytes, limits, &arena, &mut out);
        let theirs = std::str::from_utf8(&bytes).ok().and_then(by_serde);
        match (ours, theirs) {
            (Ok(()), Some(json)) => prop_assert!(same(&out[0], &json), "{out:?} {json}"),
            (Ok(()), None) => prop_assert!(false, "only we took {}", String::from_utf8_lossy(&bytes)),
            (Err(error), Some(json)) => prop_assert!(
                error.to_string().contains("occurs twice") || !json.is_object(),
                "only we refused {}: {error}", String::from_utf8_lossy(&bytes)
            ),
            (Err(_), None) => {}
        }
        // Skipped parts are read as strictly, but for the size of numbers.
        let skipped = read_once(&Pool::default(), &[], &bytes, limits, &arena, &mut []);
        match (ours_again(&pool, &slots, &bytes, limits), skipped) {
            (Ok(()), Err(error)) => prop_assert!(false, "only skipping refused: {error}"),
            (Err(error), Ok(())) => prop_assert!(error.to_string().contains("is not a double"), "{error}"),
            _ => {}
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (pool, slots) = flow(&[("?", Type::from(Kind::Dyn)), ("a.b?", Kind::INT.into())]);
        let arena = Bump::new();
        let _ = read_once(&pool, &slots, &bytes, Limits::default(), &arena, &mut [Value::Absent, Value::Absent]);
    }
}

fn ours_again(pool: &Pool, slots: &[Slot], bytes: &[u8], limits: Limits) -> Result<(), EventError> {
    let arena = Bump::new();
    read_once(pool, slots, bytes, limits, &arena, &mut [Value::Absent])
}
