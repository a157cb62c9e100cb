//! Machine code gives what the interpreter gives, errors included, for any code over any values of its slots' types.

mod generate;
mod values;

use admit_eval::consts::Consts;
use admit_eval::cx::Cx;
use admit_eval::value::Value;
use admit_plan::code::{BinOp, Comprehension, Expr, Macro, Part};
use admit_runtime::when::jit::{Compiled, Program};
use admit_runtime::when::{self, Frame};
use bumpalo::Bump;

use super::Target;
use crate::choices::{Choices, Random};
use crate::histogram;

/// The target.
pub const TARGET: Target = Target {
    name: "when-agree",
    promise: "machine code gives what the interpreter gives, errors included",
    run,
    kinds,
};

/// Runs one input.
pub fn run(data: &[u8]) {
    // A short input still makes a whole program: what it lacks follows from it.
    let seed = data.iter().fold(data.len() as u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    let mut bytes = data.to_vec();
    bytes.extend(Random::new(seed).bytes(1024));
    let mut choices = Choices::new(&bytes);
    let generated = generate::generate(&mut choices);
    count(&generated.expr);
    let (pool, slots, expr) = (&generated.pool, &generated.slots, &generated.expr);
    let consts = match Consts::new(pool) {
        Ok(consts) => consts,
        Err(why) => {
            assert!(why.is_empty(), "the generated pool is refused: {why}");
            return;
        }
    };
    let programs =
        [Program::Value { expr, locals: 0 }, Program::Decision { cases: vec![expr, &Expr::Bool(true)], locals: 0 }];
    let compiled = Compiled::compile(pool, slots, &programs);
    assert!(compiled.is_ok(), "not compiled: {compiled:?}\n{expr:?}");
    let Ok(compiled) = compiled else { return };
    for _ in 0..3 {
        let arena = Bump::new();
        let values = values::values(slots, &mut choices, &arena);
        let cx = Cx::new(&arena, &consts);
        let frame = Frame { slots: &values, locals: &[], cx: &cx };
        let expected = when::value(expr, &frame);
        cx.refill();
        let found = compiled.value(0, &frame);
        match &expected {
            Ok(value) => histogram::count(&format!("gives {}", value.kind())),
            Err(error) => histogram::count(&format!("fails: {}", error_kind(error))),
        }
        assert_eq!(show(&found), show(&expected), "{expr:?}\nover {values:?}");
        cx.refill();
        let expected = when::decide([expr, &Expr::Bool(true)], &frame);
        cx.refill();
        assert_eq!(compiled.decide(1, &frame), expected, "as a decision: {expr:?}\nover {values:?}");
    }
}

/// Each kind of node, operator and macro, the main kinds of value and each kind of error but of the bounds.
pub fn kinds() -> Vec<String> {
    let nodes = [
        "Null",
        "Bool",
        "Int",
        "Uint",
        "Double",
        "Str",
        "Bytes",
        "Duration",
        "Type",
        "Slot",
        "Has",
        "OptSlot",
        "Local",
        "Select",
        "HasField",
        "OptSelect",
        "Index",
        "OptIndex",
        "Not",
        "Neg",
        "And",
        "Or",
        "Cond",
        "List",
        "List ?",
        "Map",
        "Map ?",
        "InSet",
        "Matches",
        "Call",
        "Bind",
        "Template",
        "Text",
        "Hole",
        "All",
        "Exists",
        "ExistsOne",
        "Filter",
        "Map macro",
        "TransformMap",
        "TransformMapEntry",
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Rem",
        "Eq",
        "Ne",
        "Lt",
        "Le",
        "Gt",
        "Ge",
        "In",
    ];
    let outcomes = [
        "gives bool",
        "gives int",
        "gives uint",
        "gives double",
        "gives string",
        "gives bytes",
        "gives list",
        "gives map",
        "gives optional_type",
        "fails: overload",
        "fails: key",
        "fails: index",
        "fails: range",
        "fails: zero",
        "fails: invalid",
        "fails: absent",
    ];
    nodes.iter().chain(&outcomes).map(|kind| (*kind).to_owned()).collect()
}

/// A value or an error as text: doubles by their bits, so that NaN is itself and zeros differ.
fn show(found: &Result<Value<'_>, admit_eval::error::EvalError>) -> String {
    match found {
        Ok(Value::Double(value)) => format!("{value} {:x}", if value.is_nan() { 0 } else { value.to_bits() }),
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{error:?}"),
    }
}

fn error_kind(error: &admit_eval::error::EvalError) -> &'static str {
    use admit_eval::error::EvalError;
    match error {
        EvalError::NoSuchOverload(_) => "overload",
        EvalError::NoSuchKey(_) => "key",
        EvalError::IndexOutOfBounds(_) => "index",
        EvalError::Range(_) => "range",
        EvalError::DivisionByZero => "zero",
        EvalError::Invalid(_) => "invalid",
        EvalError::Absent(_) => "absent",
        EvalError::TooLarge(_) | EvalError::TooManySteps(_) => "bound",
    }
}

fn count(expr: &Expr) {
    let kind = match expr {
        Expr::Null => "Null",
        Expr::Bool(_) => "Bool",
        Expr::Int(_) => "Int",
        Expr::Uint(_) => "Uint",
        Expr::Double(_) => "Double",
        Expr::Str(_) => "Str",
        Expr::Bytes(_) => "Bytes",
        Expr::Duration(_) => "Duration",
        Expr::Type(_) => "Type",
        Expr::Slot(_) => "Slot",
        Expr::Has(_) => "Has",
        Expr::OptSlot(_) => "OptSlot",
        Expr::Local(_) => "Local",
        Expr::Select(..) => "Select",
        Expr::HasField(..) => "HasField",
        Expr::OptSelect(..) => "OptSelect",
        Expr::Index(_) => "Index",
        Expr::OptIndex(_) => "OptIndex",
        Expr::Not(_) => "Not",
        Expr::Neg(_) => "Neg",
        Expr::Binary(op, _) => operator(*op),
        Expr::And(_) => "And",
        Expr::Or(_) => "Or",
        Expr::Cond(_) => "Cond",
        Expr::List(items) if items.iter().any(|item| item.optional) => "List ?",
        Expr::List(_) => "List",
        Expr::Map(entries) if entries.iter().any(|entry| entry.optional) => "Map ?",
        Expr::Map(_) => "Map",
        Expr::InSet(..) => "InSet",
        Expr::Matches(..) => "Matches",
        Expr::Call(..) => "Call",
        Expr::Comprehension(walk) => walked(walk),
        Expr::Bind(_) => "Bind",
        Expr::Template(parts) => {
            for part in parts {
                histogram::count(if matches!(part, Part::Text(_)) { "Text" } else { "Hole" });
            }
            "Template"
        }
    };
    histogram::count(kind);
    expr.for_each_child(&mut |child| count(child));
}

fn operator(op: BinOp) -> &'static str {
    match op {
        BinOp::Add => "Add",
        BinOp::Sub => "Sub",
        BinOp::Mul => "Mul",
        BinOp::Div => "Div",
        BinOp::Rem => "Rem",
        BinOp::Eq => "Eq",
        BinOp::Ne => "Ne",
        BinOp::Lt => "Lt",
        BinOp::Le => "Le",
        BinOp::Gt => "Gt",
        BinOp::Ge => "Ge",
        BinOp::In => "In",
    }
}

fn walked(walk: &Comprehension) -> &'static str {
    match walk.kind {
        Macro::All => "All",
        Macro::Exists => "Exists",
        Macro::ExistsOne => "ExistsOne",
        Macro::Filter => "Filter",
        Macro::Map => "Map macro",
        Macro::TransformMap => "TransformMap",
        Macro::TransformMapEntry => "TransformMapEntry",
    }
}
