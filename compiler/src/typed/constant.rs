//! Constants: the value of code that names no slot, at check time.

use admit_eval::consts::Consts;
use admit_eval::cx::Cx;
use admit_eval::datum::Datum;
use admit_eval::error::EvalError;
use admit_eval::interpret::eval;
use admit_plan::code::{Expr, Pool, RegexId, SetId};
use bumpalo::Bump;
use smol_str::SmolStr;

/// The value of constant code over a pool.
///
/// # Errors
/// How it fails.
pub fn evaluate(code: &Expr, pool: &Pool) -> Result<Datum, EvalError> {
    let consts = Consts::new(&used(code, pool)).map_err(|why| EvalError::Invalid(why.into()))?;
    let arena = Bump::new();
    Ok(Datum::from(eval(code, &[], &Cx::new(&arena, &consts))?))
}

/// The smallest part of failing code that fails alike by itself, as its number in preorder.
pub fn failing(code: &Expr, pool: &Pool, error: &EvalError) -> usize {
    let said = error.to_string();
    let (mut at, mut found) = (1, 0);
    code.for_each_child(&mut |child| {
        let fails = found == 0 && evaluate(child, pool).is_err_and(|error| error.to_string() == said);
        if fails {
            found = at + failing(child, pool, error);
        }
        at += nodes(child);
    });
    found
}

fn nodes(code: &Expr) -> usize {
    let mut count = 1;
    code.for_each_child(&mut |child| count += nodes(child));
    count
}

/// The code is a literal, which cannot fail.
pub fn is_literal(code: &Expr) -> bool {
    let mut plain = matches!(
        code,
        Expr::Null
            | Expr::Bool(_)
            | Expr::Int(_)
            | Expr::Uint(_)
            | Expr::Double(_)
            | Expr::Str(_)
            | Expr::Bytes(_)
            | Expr::Duration(_)
            | Expr::Type(_)
            | Expr::List(_)
            | Expr::Map(_)
    );
    code.for_each_child(&mut |child| plain &= is_literal(child));
    plain
}

/// The pool with everything blanked that the code does not name: regular expressions are costly to compile.
fn used(code: &Expr, pool: &Pool) -> Pool {
    let mut sets = vec![];
    let mut regexes = vec![];
    named(code, &mut sets, &mut regexes);
    let mut small = Pool { strings: pool.strings.clone(), ..Pool::default() };
    for (id, set) in (0..).zip(&pool.sets) {
        let used = sets.contains(&id);
        let entries = if used { set.entries.clone() } else { Vec::new() };
        small.sets.push(admit_plan::code::Set { ignore_case: set.ignore_case, entries });
    }
    for (id, regex) in (0..).zip(&pool.regexes) {
        small.regexes.push(if regexes.contains(&id) { regex.clone() } else { SmolStr::default() });
    }
    small
}

fn named(code: &Expr, sets: &mut Vec<SetId>, regexes: &mut Vec<RegexId>) {
    match code {
        Expr::InSet(_, set) => sets.push(*set),
        Expr::Matches(_, regex) => regexes.push(*regex),
        _ => {}
    }
    code.for_each_child(&mut |child| named(child, sets, regexes));
}
