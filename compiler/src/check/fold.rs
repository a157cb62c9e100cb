//! Constants that can fail are evaluated at check time, and their failure is an error there.

use admit_eval::coerce::coerce;
use admit_eval::consts::Consts;
use admit_eval::cx::Cx;
use admit_eval::datum::Datum;
use admit_eval::interpret::eval;
use admit_plan::code::{Expr as Code, Pool};
use admit_plan::types::{Kind, Type};
use bumpalo::Bump;

use crate::ast::expr::Expr;
use crate::diagnostic::Diagnostic;
use crate::typed::Typed;

/// What is wrong with a constant, if it fails or its value is not one of the type.
pub(super) fn fold(expr: &Expr, typed: &Typed, ty: Option<&Type>, pool: &Pool) -> Option<Diagnostic> {
    if !typed.constant || typed.secret || !may_fail(&typed.code) {
        return None;
    }
    let problem = evaluate(&typed.code, ty, pool).err()?;
    Some(
        Diagnostic::error("A0222", expr.span, format!("this constant fails whenever it is evaluated: {problem}"))
            .help("nothing in it varies: write a value that stands"),
    )
}

fn evaluate(code: &Code, ty: Option<&Type>, pool: &Pool) -> Result<(), String> {
    let arena = Bump::new();
    let consts = Consts::new(pool)?;
    let cx = Cx::new(&arena, &consts);
    let value = eval(code, &[], &cx).map_err(|error| error.to_string())?;
    let Some(ty) = ty.filter(|ty| ty.present().kind != Kind::Type) else { return Ok(()) };
    let datum = match Datum::from(value) {
        Datum::Optional(Some(datum)) => *datum,
        Datum::Optional(None) => return Ok(()),
        datum => datum,
    };
    coerce(ty.present(), datum).map(drop).map_err(|mismatch| mismatch.to_string())
}

/// Literals stand as they are, and typing has compared them with their type.
fn may_fail(code: &Code) -> bool {
    match code {
        Code::Null
        | Code::Bool(_)
        | Code::Int(_)
        | Code::Uint(_)
        | Code::Double(_)
        | Code::Str(_)
        | Code::Bytes(_)
        | Code::Duration(_)
        | Code::Type(_) => false,
        Code::List(items) => items.iter().any(|item| may_fail(&item.value)),
        Code::Map(entries) => entries.iter().any(|entry| may_fail(&entry.key) || may_fail(&entry.value)),
        Code::Slot(_)
        | Code::Has(_)
        | Code::OptSlot(_)
        | Code::Local(_)
        | Code::Select(..)
        | Code::HasField(..)
        | Code::OptSelect(..)
        | Code::Index(_)
        | Code::OptIndex(_)
        | Code::Not(_)
        | Code::Neg(_)
        | Code::Binary(..)
        | Code::And(_)
        | Code::Or(_)
        | Code::Cond(_)
        | Code::InSet(..)
        | Code::Matches(..)
        | Code::Call(..)
        | Code::Comprehension(_)
        | Code::Bind(_)
        | Code::Template(_) => true,
    }
}
