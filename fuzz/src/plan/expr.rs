//! Expressions made from choices: of any shape that verification takes, whatever they would give.

use admit_plan::code::{BinOp, Comprehension, Entry, Escape, Expr, Item, LocalId, Macro, Part};
use admit_plan::func::Func;

use crate::choices::Choices;

/// What an expression may name.
#[derive(Clone, Copy)]
pub(super) struct Names {
    pub slots: u32,
    pub locals: LocalId,
}

const OPERATORS: [BinOp; 13] = [
    BinOp::Add,
    BinOp::Sub,
    BinOp::Mul,
    BinOp::Div,
    BinOp::Rem,
    BinOp::Eq,
    BinOp::Ne,
    BinOp::Lt,
    BinOp::Le,
    BinOp::Gt,
    BinOp::Ge,
    BinOp::In,
    BinOp::Eq,
];

const MACROS: [Macro; 7] = [
    Macro::All,
    Macro::Exists,
    Macro::ExistsOne,
    Macro::Filter,
    Macro::Map,
    Macro::TransformMap,
    Macro::TransformMapEntry,
];

/// An expression that gives a bool if it gives anything.
pub(super) fn condition(choices: &mut Choices<'_>, names: Names, depth: usize) -> Expr {
    let below = depth.saturating_sub(1);
    match choices.below(if depth == 0 { 1 } else { 7 }) {
        1 => Expr::Not(Box::new(expr(choices, names, below))),
        2 => Expr::And(vec![condition(choices, names, below), expr(choices, names, below)]),
        3 => Expr::Or(vec![condition(choices, names, below), condition(choices, names, below), Expr::Bool(false)]),
        4 => Expr::InSet(Box::new(expr(choices, names, below)), choices.below(2) as u32),
        5 => Expr::Matches(Box::new(expr(choices, names, below)), choices.below(2) as u32),
        6 => Expr::Binary(BinOp::Eq, Box::new((expr(choices, names, below), expr(choices, names, below)))),
        _ => Expr::Bool(choices.one_in(2)),
    }
}

/// Any expression.
pub(super) fn expr(choices: &mut Choices<'_>, names: Names, depth: usize) -> Expr {
    if depth == 0 || choices.is_empty() {
        return leaf(choices, names);
    }
    let below = depth - 1;
    let mut one = |names: Names| Box::new(expr(choices, names, below));
    let kind = {
        let first = one(names);
        (first, choices.below(20))
    };
    let (first, kind) = kind;
    match kind {
        1 => Expr::Select(first, 9 + choices.below(5) as u32),
        2 => Expr::HasField(first, 9),
        3 => Expr::OptSelect(first, 10),
        4 => Expr::Index(Box::new((*first, expr(choices, names, below)))),
        5 => Expr::OptIndex(Box::new((*first, expr(choices, names, below)))),
        6 => Expr::Not(first),
        7 => Expr::Neg(first),
        8 | 9 => {
            let at = choices.below(OPERATORS.len());
            let op = OPERATORS.get(at).copied().unwrap_or(BinOp::Eq);
            Expr::Binary(op, Box::new((*first, expr(choices, names, below))))
        }
        10 => Expr::And(vec![*first, expr(choices, names, below)]),
        11 => Expr::Or(vec![*first, expr(choices, names, below)]),
        12 => {
            let (yes, no) = (expr(choices, names, below), expr(choices, names, below));
            Expr::Cond(Box::new((*first, yes, no)))
        }
        13 => {
            let mut items = vec![Item { value: *first, optional: false }];
            if choices.one_in(2) {
                items.push(Item { value: leaf(choices, names), optional: true });
            }
            Expr::List(items)
        }
        14 => {
            let optional = choices.one_in(3);
            Expr::Map(vec![Entry { key: leaf(choices, names), value: *first, optional }])
        }
        15 => call(choices, names, *first),
        16 => comprehension(choices, names, *first),
        17 => {
            let inside = Names { locals: names.locals + 1, ..names };
            Expr::Bind(Box::new((*first, expr(choices, inside, below))))
        }
        18 => {
            let escapes = [Escape::Text, Escape::Url, Escape::Header, Escape::Json, Escape::Html];
            let escape = escapes.get(choices.below(escapes.len())).copied().unwrap_or(Escape::Text);
            Expr::Template(vec![Part::Text(20), Part::Hole(*first, escape)])
        }
        19 => condition(choices, names, below),
        _ => leaf(choices, names),
    }
}

fn call(choices: &mut Choices<'_>, names: Names, first: Expr) -> Expr {
    let at = choices.below(Func::ALL.len());
    let func = Func::ALL.get(at).copied().filter(|func| *func != Func::Unknown).unwrap_or(Func::Size);
    let mut args = vec![first];
    for _ in 0..choices.below(3) {
        args.push(leaf(choices, names));
    }
    Expr::Call(func, args)
}

/// One level of comprehensions: more can cost too much.
fn comprehension(choices: &mut Choices<'_>, names: Names, range: Expr) -> Expr {
    let kind = MACROS.get(choices.below(MACROS.len())).copied().unwrap_or(Macro::All);
    let two_vars = choices.one_in(2);
    let inside = Names { locals: names.locals + if two_vars { 2 } else { 1 }, ..names };
    let makes = matches!(kind, Macro::Map | Macro::TransformMap | Macro::TransformMapEntry);
    let cond = (!makes || choices.one_in(2)).then(|| condition(choices, inside, 1));
    let value = makes.then(|| leaf(choices, inside));
    Expr::Comprehension(Box::new(Comprehension { kind, range, two_vars, cond, value }))
}

fn leaf(choices: &mut Choices<'_>, names: Names) -> Expr {
    match choices.below(13) {
        1 => Expr::Bool(choices.one_in(2)),
        2 => Expr::Int(i64::from(choices.byte()) - 100),
        3 => Expr::Uint(u64::from(choices.byte())),
        4 => Expr::Double(f64::from(choices.byte()) / 4.0),
        5 => Expr::Str(9 + choices.below(14) as u32),
        6 => Expr::Bytes(vec![choices.byte(), 0]),
        7 => Expr::Duration(i64::from(choices.byte()) * 1_000_000),
        8 => Expr::Type(9),
        9 if names.slots > 0 => Expr::Slot(choices.below(names.slots as usize) as u32),
        10 if names.slots > 0 => Expr::Has(choices.below(names.slots as usize) as u32),
        11 if names.slots > 0 => Expr::OptSlot(choices.below(names.slots as usize) as u32),
        12 if names.locals > 0 => Expr::Local(choices.below(names.locals as usize) as u32),
        _ => Expr::Null,
    }
}
