//! Walking over typed code.

use admit_plan::code::{Expr, Part};

/// Calls `visit` on every node, children before parents.
pub(super) fn for_each_mut(expr: &mut Expr, visit: &mut dyn FnMut(&mut Expr)) {
    match expr {
        Expr::Null
        | Expr::Bool(_)
        | Expr::Int(_)
        | Expr::Uint(_)
        | Expr::Double(_)
        | Expr::Str(_)
        | Expr::Bytes(_)
        | Expr::Duration(_)
        | Expr::Type(_)
        | Expr::Slot(_)
        | Expr::Has(_)
        | Expr::OptSlot(_)
        | Expr::Local(_) => {}
        Expr::Select(inner, _)
        | Expr::HasField(inner, _)
        | Expr::OptSelect(inner, _)
        | Expr::Not(inner)
        | Expr::Neg(inner)
        | Expr::InSet(inner, _)
        | Expr::Matches(inner, _) => for_each_mut(inner, visit),
        Expr::Index(pair) | Expr::OptIndex(pair) | Expr::Binary(_, pair) | Expr::Bind(pair) => {
            for_each_mut(&mut pair.0, visit);
            for_each_mut(&mut pair.1, visit);
        }
        Expr::And(all) | Expr::Or(all) | Expr::Call(_, all) => {
            for one in all {
                for_each_mut(one, visit);
            }
        }
        Expr::Cond(three) => {
            for_each_mut(&mut three.0, visit);
            for_each_mut(&mut three.1, visit);
            for_each_mut(&mut three.2, visit);
        }
        Expr::List(items) => {
            for item in items {
                for_each_mut(&mut item.value, visit);
            }
        }
        Expr::Map(entries) => {
            for entry in entries {
                for_each_mut(&mut entry.key, visit);
                for_each_mut(&mut entry.value, visit);
            }
        }
        Expr::Comprehension(comprehension) => {
            for_each_mut(&mut comprehension.range, visit);
            for inner in comprehension.cond.iter_mut().chain(&mut comprehension.value) {
                for_each_mut(inner, visit);
            }
        }
        Expr::Template(parts) => {
            for part in parts {
                match part {
                    Part::Text(_) => {}
                    Part::Hole(inner, _) => for_each_mut(inner, visit),
                }
            }
        }
    }
    visit(expr);
}

/// Calls `visit` on every slot that is read, and not only tested by `has`.
pub(super) fn for_each_read(expr: &Expr, visit: &mut dyn FnMut(u32)) {
    let mut copy = expr.clone();
    for_each_mut(&mut copy, &mut |node| {
        if let Expr::Slot(slot) | Expr::OptSlot(slot) = node {
            visit(*slot);
        }
    });
}
