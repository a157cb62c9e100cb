//! Laws that hold for all values: equality and order, JSON and data there and back, no function ever panics, and
//! nothing an expression does takes more room or time than it may.

use admit_eval::access;
use admit_eval::consts::{Consts, ReadySet};
use admit_eval::cx::Cx;
use admit_eval::datum::Datum;
use admit_eval::error::EvalError;
use admit_eval::func;
use admit_eval::interpret::{eval, eval_observed};
use admit_eval::json;
use admit_eval::ops;
use admit_eval::order::{compare, equals};
use admit_eval::template;
use admit_eval::value::{Instant, Span, Value};
use admit_plan::code::{BinOp, Comprehension, Escape, Expr, Item, Macro, Pool, Set};
use admit_plan::func::Func;
use bumpalo::Bump;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z%.:/ ]{0,6}",
        ".{0,4}",
        prop::sample::select(vec![
            "1.5s",
            "-1h30m",
            "2009-02-13T23:31:30Z",
            "9999-12-31T23:59:59.999999999Z",
            "US/Central",
            "-09:30",
            "10.0.0.0/8",
            "::1",
            "::ffff:c0a8:1",
            "%s %d %.3f %x %b %e",
            "%",
            "%.",
            "%.9999f",
            "YWJj",
            "(a+)+$",
            "(",
            "true",
            "-1",
            "1e400",
        ])
        .prop_map(str::to_owned),
    ]
}

fn scalar() -> impl Strategy<Value = Datum> {
    let int = prop_oneof![any::<i64>(), -3_i64..70, Just(i64::MIN), Just(i64::MAX)];
    let uint = prop_oneof![any::<u64>(), 0_u64..5, Just(u64::MAX)];
    let double = prop_oneof![
        any::<f64>(),
        (-3_i32..4).prop_map(f64::from),
        prop::sample::select(vec![f64::NAN, f64::INFINITY, -0.0, 9_223_372_036_854_775_808.0, 1e300]),
    ];
    let instant = (-62_135_596_800_i64..=253_402_300_799, 0_u32..1_000_000_000)
        .prop_map(|(seconds, nanos)| Datum::Timestamp(Instant { seconds, nanos }));
    let span = (-315_576_000_000_i64..=315_575_999_999, 0_u32..1_000_000_000)
        .prop_map(|(seconds, nanos)| Datum::Duration(Span { seconds, nanos }));
    prop_oneof![
        Just(Datum::Null),
        any::<bool>().prop_map(Datum::Bool),
        int.prop_map(Datum::Int),
        uint.prop_map(Datum::Uint),
        double.prop_map(Datum::Double),
        text().prop_map(|text| Datum::Str(text.into())),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(|bytes| Datum::Bytes(bytes.into())),
        instant,
        span,
        any::<std::net::IpAddr>().prop_map(Datum::Ip),
        (any::<std::net::IpAddr>(), 0_u8..=32).prop_filter_map("a prefix", |(ip, prefix)| ipnet::IpNet::new(
            ip, prefix
        )
        .ok()
        .map(Datum::Cidr)),
        Just(Datum::Type("int".into())),
    ]
}

fn datum() -> impl Strategy<Value = Datum> {
    scalar().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Datum::List),
            prop::collection::btree_map("[a-c]{1,2}", inner.clone(), 0..3).prop_map(Datum::record),
            prop::option::of(inner).prop_map(|value| Datum::Optional(value.map(Box::new))),
        ]
    })
}

fn plain_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<u64>().prop_map(serde_json::Value::from),
        (-1e9_f64..1e9).prop_filter("not whole", |value| value.fract() != 0.0).prop_map(serde_json::Value::from),
        ".{0,6}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map(".{0,3}", inner, 0..4)
                .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn holds_nan(datum: &Datum) -> bool {
    match datum {
        Datum::Double(value) => value.is_nan(),
        Datum::List(items) => items.iter().any(holds_nan),
        Datum::Map(entries) => entries.iter().any(|(_, value)| holds_nan(value)),
        Datum::Optional(Some(value)) => holds_nan(value),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_function_takes_any_arguments(args in prop::collection::vec(datum(), 0..=4)) {
        let consts = Consts::default();
        for func in Func::ALL {
            let arena = Bump::new();
            let cx = Cx::with_limit(&arena, &consts, 64 << 10);
            let args: Vec<Value<'_>> = args.iter().map(|arg| arg.borrow(&arena)).collect();
            if let Ok(value) = func::call(*func, &args, &cx) {
                prop_assert!(!matches!(value, Value::Absent), "{func:?}");
            }
        }
    }

    #[test]
    fn a_function_of_text_takes_any_text(words in prop::collection::vec(text(), 1..=3), number in -2_i64..6) {
        let consts = Consts::default();
        for func in Func::ALL {
            let arena = Bump::new();
            let cx = Cx::with_limit(&arena, &consts, 64 << 10);
            let mut args: Vec<Value<'_>> = words.iter().map(|word| Value::Str(word)).collect();
            let _plain = func::call(*func, &args, &cx);
            args.push(Value::Int(number));
            let _numbered = func::call(*func, &args, &cx);
        }
    }

    #[test]
    fn every_operator_takes_any_operands(a in datum(), b in datum()) {
        use BinOp::{Add, Div, Eq, Ge, Gt, In, Le, Lt, Mul, Ne, Rem, Sub};
        let (arena, consts) = (Bump::new(), Consts::default());
        let cx = Cx::new(&arena, &consts);
        let (a, b) = (a.borrow(&arena), b.borrow(&arena));
        for op in [Add, Sub, Mul, Div, Rem, Eq, Ne, Lt, Le, Gt, Ge, In] {
            let _result = ops::binary(op, a, b, &cx);
        }
        let _results = (ops::not(a), ops::negate(a), access::index(a, b, &cx), access::opt_index(a, b, &cx));
        let _results = (access::select(a, "a", &cx), access::has_field(a, "a"), access::opt_select(a, "a", &cx));
    }

    #[test]
    fn equality_is_symmetric_and_reflexive_but_for_nan(a in datum(), b in datum()) {
        let arena = Bump::new();
        let nan = holds_nan(&a);
        let (left, right) = (a.borrow(&arena), b.borrow(&arena));
        prop_assert_eq!(equals(left, right), equals(right, left));
        prop_assert_eq!(equals(left, left), !nan);
        prop_assert!(nan || equals(Datum::from(left).borrow(&arena), left));
    }

    #[test]
    fn order_is_antisymmetric_and_agrees_with_equality(a in scalar(), b in scalar()) {
        let arena = Bump::new();
        let (a, b) = (a.borrow(&arena), b.borrow(&arena));
        let order = compare(a, b);
        prop_assert_eq!(order.map(|order| order.map(std::cmp::Ordering::reverse)), compare(b, a));
        if let Some(order) = order {
            prop_assert_eq!(order == Some(std::cmp::Ordering::Equal), equals(a, b));
        }
    }

    #[test]
    fn json_is_the_same_after_being_data(value in plain_json()) {
        prop_assert_eq!(json::to_json(&json::from_json(&value)), value);
    }

    #[test]
    fn any_data_is_written_as_json_that_parses(datum in datum()) {
        let arena = Bump::new();
        let mut written = String::new();
        json::write(datum.borrow(&arena), &mut written);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&written).is_ok(), "{}", written);
    }

    #[test]
    fn no_hole_breaks_out_of_its_field(word in "[ -~\\r\\n\\t]{0,12}|.{0,6}") {
        let hole = |escape| {
            let mut text = String::new();
            template::escape_into(Value::Str(&word), escape, &mut text).map(|()| text)
        };
        match hole(Escape::Url) {
            Ok(url) => {
                prop_assert!(url.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)));
            }
            Err(_) => prop_assert!(word == "." || word == "..", "only dot segments are refused"),
        }
        let html = hole(Escape::Html).unwrap();
        prop_assert!(!html.contains(['<', '>', '"', '\'']));
        let json: Result<String, _> = serde_json::from_str(&hole(Escape::Json).unwrap());
        prop_assert_eq!(json.unwrap(), word.as_str());
        if let Ok(header) = hole(Escape::Header) {
            prop_assert!(!header.contains(['\r', '\n', '\0']));
        }
    }

    #[test]
    fn times_are_read_back_as_they_are_written(datum in scalar()) {
        let (arena, consts) = (Bump::new(), Consts::default());
        let cx = Cx::new(&arena, &consts);
        let value = datum.borrow(&arena);
        let read = match value {
            Value::Timestamp(_) => Func::Timestamp,
            Value::Duration(_) => Func::Duration,
            Value::Int(_) => Func::Int,
            Value::Double(double) if !double.is_nan() => Func::Double,
            Value::Ip(ip) if ip.to_canonical() == *ip => Func::Ip,
            Value::Cidr(cidr) if cidr.addr().to_canonical() == cidr.addr() => Func::Cidr,
            _ => return Ok(()),
        };
        let text = func::call(Func::String, &[value], &cx).unwrap();
        let back = func::call(read, &[text], &cx).unwrap();
        prop_assert!(equals(back, value), "{:?} {:?}", text, back);
    }
}

/// `[x, x, ...]` over and over, each level ten times the one below.
fn doubling(levels: u32) -> Expr {
    let tenfold = |inner: Expr| {
        let item = |value| Item { value, optional: false };
        Expr::List(std::iter::once(item(inner)).chain((0..9).map(|_| item(Expr::Int(1)))).collect())
    };
    let mut expr = tenfold(Expr::Int(1));
    for level in 0..levels {
        let local = Expr::Local(level);
        let list = Expr::List((0..10).map(|_| Item { value: local.clone(), optional: false }).collect());
        expr = match expr {
            Expr::Bind(_) | Expr::List(_) if level == 0 => Expr::Bind(Box::new((expr, list))),
            other => bind_innermost(other, list),
        };
    }
    expr
}

fn bind_innermost(expr: Expr, body: Expr) -> Expr {
    match expr {
        Expr::Bind(pair) => {
            let (value, inner) = *pair;
            Expr::Bind(Box::new((value, bind_innermost(inner, body))))
        }
        value => Expr::Bind(Box::new((value, body))),
    }
}

#[test]
fn a_small_expression_cannot_stand_for_a_huge_value() {
    let (arena, consts) = (Bump::new(), Consts::default());
    let result = eval(&doubling(3), &[], &Cx::new(&arena, &consts)).unwrap();
    assert!(matches!(result, Value::List(items) if items.len() == 10));
    let result = eval(&doubling(12), &[], &Cx::new(&arena, &consts));
    assert!(matches!(result, Err(EvalError::TooLarge(_))), "{result:?}");
}

#[test]
fn nested_macros_end() {
    let range = || Expr::List((0..100).map(|value| Item { value: Expr::Int(value), optional: false }).collect());
    let all = |cond| {
        let parts = Comprehension { kind: Macro::All, range: range(), two_vars: false, cond: Some(cond), value: None };
        Expr::Comprehension(Box::new(parts))
    };
    let expr = (0..30).fold(Expr::Bool(true), |inner, _| all(inner));
    let (arena, consts) = (Bump::new(), Consts::default());
    let cx = Cx::with_limit(&arena, &consts, u64::MAX);
    assert!(matches!(eval(&expr, &[], &cx), Err(EvalError::TooManySteps(_) | EvalError::TooLarge(_))));
}

#[test]
fn code_as_deep_as_may_be_fits_a_small_stack() {
    let not = (0..1000).fold(Expr::Bool(true), |inner, _| Expr::Not(Box::new(inner)));
    let mixed = (0..250).fold(Expr::Int(1), |inner, level| match level % 5 {
        0 => Expr::Call(Func::Dyn, vec![inner]),
        1 => Expr::Bind(Box::new((Expr::Int(0), inner))),
        2 => Expr::Cond(Box::new((Expr::Bool(true), inner, Expr::Null))),
        3 => Expr::Index(Box::new((Expr::List(vec![Item { value: inner, optional: false }]), Expr::Int(0)))),
        _ => Expr::Binary(BinOp::Add, Box::new((inner, Expr::Int(0)))),
    });
    let run = move || {
        let (arena, consts) = (Bump::new(), Consts::default());
        let cx = Cx::new(&arena, &consts);
        (Datum::from(eval(&not, &[], &cx).unwrap()), Datum::from(eval(&mixed, &[], &cx).unwrap()))
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap();
    assert_eq!(thread.join().unwrap(), (Datum::Bool(true), Datum::Int(1)));
}

#[test]
fn observers_see_what_was_evaluated_by_its_number() {
    // `(slot0 == 1 || slot1) ? "" : slot2`, with slot0 = 1: neither slot1 nor slot2 is looked at.
    let equal = Expr::Binary(BinOp::Eq, Box::new((Expr::Slot(0), Expr::Int(1))));
    let expr = Expr::Cond(Box::new((Expr::Or(vec![equal, Expr::Slot(1)]), Expr::Int(7), Expr::Slot(2))));
    let (arena, consts) = (Bump::new(), Consts::default());
    let mut seen = Vec::new();
    let result = eval_observed(&expr, &[Value::Int(1)], &Cx::new(&arena, &consts), &mut |number, result| {
        seen.push((number, Datum::from(*result.as_ref().unwrap())));
    });
    assert!(equals(result.unwrap(), Value::Int(7)));
    let (yes, one) = (Datum::Bool(true), Datum::Int(1));
    let order = [(3, one.clone()), (4, one), (2, yes.clone()), (1, yes), (6, Datum::Int(7)), (0, Datum::Int(7))];
    assert_eq!(seen, order);
}

#[test]
fn sets_ignore_case_only_where_they_say_so() {
    let entries = ["admin", "straße"];
    let set = |ignore_case| Set { ignore_case, entries: entries.map(Into::into).to_vec() };
    let pool = Pool { sets: vec![set(false), set(true)], ..Pool::default() };
    let consts = Consts::new(&pool).unwrap();
    let has = |id, text: &str| consts.set(id).is_some_and(|set: &ReadySet| set.contains(text));
    assert!(has(0, "admin") && !has(0, "ADMIN") && !has(0, ""));
    assert!(has(1, "ADMIN") && has(1, "STRAßE") && !has(1, "admi"));
}
