//! What is well typed compiles, and what compiles never meets a value of another kind; any text at all is answered.

use admit_compiler::standalone::compile_expr;
use admit_eval::datum::Datum;
use admit_eval::error::EvalError;
use admit_eval::value::{Instant, Span};
use admit_plan::rep::{Rep, rep};
use admit_plan::types::{Kind, Type};
use proptest::prelude::*;
use smol_str::SmolStr;

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn well_typed_expressions_compile_and_do_not_go_wrong(seed in any::<u64>(), want in 0_usize..KINDS.len()) {
        let want = KINDS[want];
        let text = Random(seed).expr(want, 4);
        let program = match compile_expr(&text, &variables(), "", true) {
            Ok(program) => program,
            // Too costly: texts and lists of undeclared size, multiplied.
            Err(found) if found.iter().all(|found| found.code == "A0123") => return Ok(()),
            Err(found) => panic!("{text}: {found:#?}"),
        };
        let bound: Vec<Option<Datum>> =
            (0..program.slots.len()).map(|slot| program.variable(slot as u32).map(value)).collect();
        match program.interpret(&bound) {
            Ok(value) => {
                prop_assert_eq!(kind(&value), want, "{}", text);
                let types: Vec<Type> = program.slots.iter().map(|slot| slot.ty.clone()).collect();
                let told = rep(&program.code, &|slot| types.get(slot as usize), &mut Vec::new());
                prop_assert!(told_kind(&told).is_none_or(|told| told == want), "{}: machine code is told {:?}", text, told);
            }
            Err(EvalError::NoSuchOverload(why)) => prop_assert!(false, "{}: {}", text, why),
            Err(_) => {}
        }
    }

    #[test]
    fn any_text_is_answered(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24), checked in any::<bool>()) {
        let text = pieces.join(" ");
        if let Ok(program) = compile_expr(&text, &variables(), "a.b", checked) {
            let bound: Vec<Option<Datum>> =
                (0..program.slots.len()).map(|slot| program.variable(slot as u32).map(value)).collect();
            let _ = program.interpret(&bound);
        }
    }
}

const KINDS: &[&str] =
    &["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration", "list", "map", "optional", "type"];

const PIECES: &[&str] = &[
    "b",
    "i",
    "u",
    "d",
    "s",
    "l",
    "m",
    "o",
    "1",
    "2u",
    "1.5",
    "\"a\"",
    "b\"x\"",
    "5m",
    "null",
    "true",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    "?",
    ",",
    ".",
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "<",
    "&&",
    "||",
    "!",
    "in",
    ".?",
    "[?",
    "has(",
    "l.map(x,",
    "l.all(x,",
    "cel.bind(x,",
    "o.optMap(x,",
    ".orValue(",
    ".size()",
    "x",
    ".m",
    "matches(",
    "\"(\"",
    ".transformMap(k, v,",
    "{a:",
    "{\"a\":",
    "math.greatest(",
    "optional.of(",
    "unknown",
    ".x",
    "type(",
    "dyn(",
];

fn variables() -> Vec<(SmolStr, Type)> {
    let of = |name: &str, ty: Type| (SmolStr::from(name), ty);
    vec![
        of("b", Kind::Bool.into()),
        of("i", Kind::INT.into()),
        of("u", Kind::UINT.into()),
        of("d", Kind::DOUBLE.into()),
        of("s", Kind::String.into()),
        of("y", Kind::Bytes.into()),
        of("t", Kind::Timestamp.into()),
        of("r", Kind::Duration.into()),
        of("l", Type::list(Kind::INT.into())),
        of("m", Type::map(Kind::String.into(), Kind::INT.into())),
        of("o", Type::optional(Kind::INT.into())),
    ]
}

fn value(name: &str) -> Datum {
    match name {
        "b" => Datum::Bool(true),
        "i" => Datum::Int(7),
        "u" => Datum::Uint(3),
        "d" => Datum::Double(-2.5),
        "s" => Datum::Str("Grüße".into()),
        "y" => Datum::Bytes([0, 255].into()),
        "t" => Datum::Timestamp(Instant { seconds: 1_700_000_000, nanos: 5 }),
        "r" => Datum::Duration(Span { seconds: 90, nanos: 0 }),
        "l" => Datum::List(vec![Datum::Int(1), Datum::Int(-9)]),
        "m" => Datum::Map(vec![(Datum::Str("a".into()), Datum::Int(4))]),
        _ => Datum::Optional(Some(Box::new(Datum::Int(2)))),
    }
}

fn kind(value: &Datum) -> &'static str {
    match value {
        Datum::Null => "null",
        Datum::Bool(_) => "bool",
        Datum::Int(_) => "int",
        Datum::Uint(_) => "uint",
        Datum::Double(_) => "double",
        Datum::Str(_) => "string",
        Datum::Bytes(_) => "bytes",
        Datum::Timestamp(_) => "timestamp",
        Datum::Duration(_) => "duration",
        Datum::List(_) => "list",
        Datum::Map(_) => "map",
        Datum::Optional(_) => "optional",
        Datum::Type(_) => "type",
        Datum::Ip(_) | Datum::Cidr(_) => "net",
    }
}

fn told_kind(rep: &Rep) -> Option<&'static str> {
    Some(match rep {
        Rep::Dyn => return None,
        Rep::Null => "null",
        Rep::Bool => "bool",
        Rep::Int => "int",
        Rep::Uint => "uint",
        Rep::Double => "double",
        Rep::Str => "string",
        Rep::Bytes => "bytes",
        Rep::Timestamp => "timestamp",
        Rep::Duration => "duration",
        Rep::List(_) => "list",
        Rep::Map(..) | Rep::Record(_) => "map",
        Rep::Optional(_) => "optional",
        Rep::Type => "type",
        Rep::Ip | Rep::Cidr => "net",
    })
}

/// A source of well-typed expressions. Lists are of ints, maps from strings to ints, optionals of ints.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) % bound as u64) as usize
    }

    fn pick<'f>(&mut self, forms: &[&'f str]) -> &'f str {
        forms.get(self.below(forms.len())).copied().unwrap_or("b")
    }

    /// An expression of a kind: a form in which `<kind>` stands for another expression.
    fn expr(&mut self, kind: &str, depth: usize) -> String {
        let form = if depth == 0 || self.below(5) == 0 { self.pick(leaves(kind)) } else { self.pick(forms(kind)) };
        let mut text = String::new();
        let mut rest = form;
        while let Some((before, after)) = rest.split_once('<') {
            match after.split_once('>') {
                Some((inner, after)) if KINDS.contains(&inner) => {
                    text.push_str(before);
                    text.push_str(&self.expr(inner, depth.saturating_sub(1)));
                    rest = after;
                }
                _ => {
                    text.push_str(before);
                    text.push('<');
                    rest = after;
                }
            }
        }
        text.push_str(rest);
        format!("({text})")
    }
}

fn leaves(kind: &str) -> &'static [&'static str] {
    match kind {
        "bool" => &["true", "false", "b"],
        "int" => &["0", "42", "-9223372036854775808", "i"],
        "uint" => &["0u", "18446744073709551615u", "u"],
        "double" => &["0.0", "1e300", "d"],
        "string" => &["\"\"", "'µ'", "s"],
        "bytes" => &["b''", "y"],
        "timestamp" => &["t", "timestamp(0)"],
        "duration" => &["r", "1500ms"],
        "list" => &["[]", "[1, 2, 3]", "l"],
        "map" => &["{}", "{'a': 1}", "m"],
        "optional" => &["o", "optional.none()", "m.?zz"],
        _ => &["int", "type(s)", "net.IP", "google.protobuf.Timestamp"],
    }
}

fn forms(kind: &str) -> &'static [&'static str] {
    match kind {
        "bool" => &[
            "<int> < <double>",
            "<uint> >= <int>",
            "<string> == <string>",
            "<list> != <list>",
            "<bool> && <bool>",
            "<bool> || <bool>",
            "!<bool>",
            "<string>.startsWith(<string>)",
            "<int> in <list>",
            "<string> in <map>",
            "<list>.exists(x, x > <int>)",
            "<list>.all(i, x, i == x)",
            "<map>.exists_one(k, k == <string>)",
            "<optional>.hasValue()",
            "has(m.a)",
            "<string>.matches('a+')",
            "<string>.matches(<string>)",
            "<timestamp> < <timestamp>",
            "<duration> == <duration>",
            "<bool> ? <bool> : <bool>",
            "<bytes> <= <bytes>",
            "math.isNaN(<double>)",
            "<type> == <type>",
            "isIP(<string>)",
            "<string> in ['a', 'b']",
            "ip('10.0.0.1').isLoopback()",
            "bool(<string>)",
            "<optional> == <optional>",
        ],
        "int" => &[
            "<int> + <int>",
            "<int> - <int>",
            "<int> * <int>",
            "<int> / <int>",
            "<int> % <int>",
            "-<int>",
            "size(<string>)",
            "<list>.size()",
            "int(<double>)",
            "int(<uint>)",
            "int(<timestamp>)",
            "<string>.indexOf(<string>)",
            "<timestamp>.getHours()",
            "<duration>.getSeconds()",
            "math.abs(<int>)",
            "<optional>.orValue(<int>)",
            "<list>[<int>]",
            "<map>[<string>]",
            "<map>.a",
            "math.bitAnd(<int>, <int>)",
            "cel.bind(x, <int>, x + x)",
            "<optional>.value()",
            "math.greatest(<int>, <int>)",
            "int(<string>)",
            "<bool> ? <int> : <int>",
            "{name: <int>, other: <string>}.name",
        ],
        "uint" => {
            &["<uint> + <uint>", "<uint> / <uint>", "uint(<int>)", "math.bitShiftLeft(<uint>, <int>)", "uint(<double>)"]
        }
        "double" => &[
            "<double> + <double>",
            "<double> / <double>",
            "-<double>",
            "double(<int>)",
            "math.round(<double>)",
            "math.sqrt(<int>)",
        ],
        "string" => &[
            "<string> + <string>",
            "string(<int>)",
            "string(<timestamp>)",
            "<string>.substring(<int>)",
            "<string>.replace(<string>, <string>)",
            "<string>.lowerAscii()",
            "<string>.charAt(<int>)",
            "'%s %d'.format([<string>, <int>])",
            "<string>.split(<string>).join('-')",
            "base64.encode(<bytes>)",
            "<bool> ? <string> : <string>",
            "strings.quote(<string>)",
            "<string>.reverse()",
            "string(<duration>)",
        ],
        "bytes" => &["<bytes> + <bytes>", "bytes(<string>)", "base64.decode(<string>)"],
        "timestamp" => {
            &["<timestamp> + <duration>", "<timestamp> - <duration>", "timestamp(<int>)", "timestamp(<string>)"]
        }
        "duration" => &["<duration> + <duration>", "<timestamp> - <timestamp>", "duration(<string>)"],
        "list" => &[
            "<list> + <list>",
            "[<int>, <int>]",
            "[<int>, ?<optional>]",
            "<list>.map(x, x * <int>)",
            "<list>.filter(x, x != <int>)",
            "<list>.map(x, x > 0, x)",
            "<list>.transformList(i, x, i + x)",
            "<map>.map(k, size(k))",
            "optional.unwrap([<optional>, <optional>])",
        ],
        "map" => &[
            "{<string>: <int>}",
            "{'k': <int>, ?'o': <optional>}",
            "<map>.transformMap(k, v, v + <int>)",
            "<map>.transformMapEntry(k, v, {k + <string>: v})",
            "<bool> ? <map> : <map>",
        ],
        "optional" => &[
            "optional.of(<int>)",
            "optional.ofNonZeroValue(<int>)",
            "<map>.?a",
            "<list>[?<int>]",
            "<optional>.or(<optional>)",
            "<optional>.optMap(x, x + <int>)",
            "<optional>.optFlatMap(x, <list>[?x])",
            "<map>[?<string>]",
            "<list>.first()",
            "<list>.last()",
        ],
        _ => &["type(<int>)", "type(<list>)", "type(<optional>)", "type(<type>)"],
    }
}
