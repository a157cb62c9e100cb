//! The static kind of each piece of code, from the declared types of slots and the functions alone: what machine code
//! may assume of a value that was computed without error. Nothing stored is trusted, so a hostile plan cannot lie.

use std::sync::Arc;

use crate::code::{BinOp, Comprehension, Expr, Item, Macro, SlotId};
use crate::func::Func;
use crate::types::{Field, Kind, Type};

/// What is known of a value's kind. Enums are strings, ranges do not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rep {
    /// Any kind.
    Dyn,
    /// `null`
    Null,
    /// A bool.
    Bool,
    /// An int.
    Int,
    /// A uint.
    Uint,
    /// A double.
    Double,
    /// A string.
    Str,
    /// Bytes.
    Bytes,
    /// A point in time.
    Timestamp,
    /// A length of time.
    Duration,
    /// A type.
    Type,
    /// An IP address.
    Ip,
    /// A CIDR block.
    Cidr,
    /// A list of such elements.
    List(Arc<Rep>),
    /// A map of such keys and values.
    Map(Arc<Rep>, Arc<Rep>),
    /// A map with these fields, of these types where they are there.
    Record(Arc<[Field]>),
    /// An optional of such a value.
    Optional(Arc<Rep>),
}

impl From<&Type> for Rep {
    fn from(ty: &Type) -> Self {
        match &ty.kind {
            Kind::Error | Kind::Dyn => Self::Dyn,
            Kind::Null => Self::Null,
            Kind::Bool => Self::Bool,
            Kind::Int(_) => Self::Int,
            Kind::Uint(_) => Self::Uint,
            Kind::Double(_) => Self::Double,
            Kind::String | Kind::Enum(_) => Self::Str,
            Kind::Bytes => Self::Bytes,
            Kind::Timestamp => Self::Timestamp,
            Kind::Duration => Self::Duration,
            Kind::List(item) => Self::list(Self::from(&**item)),
            Kind::Map(key, value) => Self::map(Self::from(&**key), Self::from(&**value)),
            Kind::Record(fields) => Self::Record(Arc::clone(fields)),
            Kind::Optional(inner) => Self::optional(Self::from(&**inner)),
            Kind::Type => Self::Type,
            Kind::Ip => Self::Ip,
            Kind::Cidr => Self::Cidr,
        }
    }
}

/// The kind of `expr`'s value. `slots` gives the declared type of a slot (none: a slot that does not exist, of which
/// nothing is known); `locals` holds the kinds of the variables bound around it and is as it was when this returns.
pub fn rep<'t>(expr: &Expr, slots: &dyn Fn(SlotId) -> Option<&'t Type>, locals: &mut Vec<Rep>) -> Rep {
    match expr {
        Expr::Null => Rep::Null,
        Expr::Int(_) => Rep::Int,
        Expr::Uint(_) => Rep::Uint,
        Expr::Double(_) => Rep::Double,
        Expr::Str(_) | Expr::Template(_) => Rep::Str,
        Expr::Bytes(_) => Rep::Bytes,
        Expr::Duration(_) => Rep::Duration,
        Expr::Type(_) => Rep::Type,
        Expr::Bool(_)
        | Expr::Has(_)
        | Expr::HasField(..)
        | Expr::Not(_)
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::InSet(..)
        | Expr::Matches(..) => Rep::Bool,
        Expr::Slot(slot) => slots(*slot).map_or(Rep::Dyn, Rep::from),
        Expr::OptSlot(slot) => Rep::optional(slots(*slot).map_or(Rep::Dyn, Rep::from)),
        Expr::Local(local) => locals.get(*local as usize).cloned().unwrap_or(Rep::Dyn),
        // Names are numbers of a pool that is not at hand, so a field's own type is not looked for.
        Expr::Select(operand, _) => member(&rep(operand, slots, locals), false),
        Expr::OptSelect(operand, _) => member(&rep(operand, slots, locals), true),
        Expr::Index(parts) => member(&rep(&parts.0, slots, locals), false),
        Expr::OptIndex(parts) => member(&rep(&parts.0, slots, locals), true),
        Expr::Neg(operand) => match rep(operand, slots, locals) {
            Rep::Int => Rep::Int,
            Rep::Double => Rep::Double,
            _ => Rep::Dyn,
        },
        Expr::Binary(op, parts) => {
            let left = rep(&parts.0, slots, locals);
            let right = rep(&parts.1, slots, locals);
            binary(*op, left, right)
        }
        Expr::Cond(parts) => join(rep(&parts.1, slots, locals), rep(&parts.2, slots, locals)),
        Expr::List(items) => Rep::list(items_rep(items, slots, locals)),
        Expr::Map(entries) => {
            let key = entries.iter().map(|entry| rep(&entry.key, slots, locals)).reduce(join);
            let value =
                entries.iter().map(|entry| unwrapped(rep(&entry.value, slots, locals), entry.optional)).reduce(join);
            Rep::map(key.unwrap_or(Rep::Dyn), value.unwrap_or(Rep::Dyn))
        }
        Expr::Call(func, args) => {
            let args: Vec<Rep> = args.iter().map(|arg| rep(arg, slots, locals)).collect();
            call(*func, &args)
        }
        Expr::Comprehension(walk) => comprehension(walk, slots, locals),
        Expr::Bind(parts) => {
            let value = rep(&parts.0, slots, locals);
            locals.push(value);
            let body = rep(&parts.1, slots, locals);
            locals.pop();
            body
        }
    }
}

/// The kinds of the variables of a comprehension over such a range.
pub fn variables(range: &Rep, two: bool) -> Vec<Rep> {
    let (key, value) = match range {
        Rep::List(item) => (Rep::Int, (**item).clone()),
        Rep::Map(key, value) => ((**key).clone(), (**value).clone()),
        Rep::Record(_) => (Rep::Str, Rep::Dyn),
        _ => (Rep::Dyn, Rep::Dyn),
    };
    match (two, range) {
        (true, _) => vec![key, value],
        (false, Rep::List(_)) => vec![value],
        (false, _) => vec![key],
    }
}

impl Rep {
    fn list(item: Rep) -> Self {
        Self::List(Arc::new(item))
    }

    fn map(key: Rep, value: Rep) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    fn optional(inner: Rep) -> Self {
        Self::Optional(Arc::new(inner))
    }
}

/// What both are.
fn join(left: Rep, right: Rep) -> Rep {
    if left == right { left } else { Rep::Dyn }
}

fn unwrapped(rep: Rep, optional: bool) -> Rep {
    match rep {
        Rep::Optional(inner) if optional => (*inner).clone(),
        _ if optional => Rep::Dyn,
        rep => rep,
    }
}

fn items_rep<'t>(items: &[Item], slots: &dyn Fn(SlotId) -> Option<&'t Type>, locals: &mut Vec<Rep>) -> Rep {
    let reps = items.iter().map(|item| unwrapped(rep(&item.value, slots, locals), item.optional));
    reps.reduce(join).unwrap_or(Rep::Dyn)
}

/// A field or element. On an optional it is an optional, whether asked for as one or not.
fn member(of: &Rep, optional: bool) -> Rep {
    let inner = |of: &Rep| match of {
        Rep::List(item) => (**item).clone(),
        Rep::Map(_, value) => (**value).clone(),
        _ => Rep::Dyn,
    };
    match of {
        // A `dyn` may hold an optional, and then the result is one.
        Rep::Dyn if optional => Rep::optional(Rep::Dyn),
        Rep::Dyn => Rep::Dyn,
        Rep::Optional(of) => Rep::optional(inner(of)),
        of if optional => Rep::optional(inner(of)),
        of => inner(of),
    }
}

fn binary(op: BinOp, left: Rep, right: Rep) -> Rep {
    match op {
        BinOp::Eq | BinOp::Ne | BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge | BinOp::In => Rep::Bool,
        BinOp::Add | BinOp::Sub | BinOp::Mul | BinOp::Div | BinOp::Rem => match (op, left, right) {
            (_, Rep::Int, Rep::Int) => Rep::Int,
            (_, Rep::Uint, Rep::Uint) => Rep::Uint,
            (_, Rep::Double, Rep::Double) => Rep::Double,
            (BinOp::Add, Rep::Str, Rep::Str) => Rep::Str,
            (BinOp::Add, Rep::Bytes, Rep::Bytes) => Rep::Bytes,
            (BinOp::Add, Rep::List(left), Rep::List(right)) => Rep::list(join((*left).clone(), (*right).clone())),
            (BinOp::Add, Rep::Timestamp, Rep::Duration) | (BinOp::Add, Rep::Duration, Rep::Timestamp) => Rep::Timestamp,
            (BinOp::Sub, Rep::Timestamp, Rep::Duration) => Rep::Timestamp,
            (BinOp::Sub, Rep::Timestamp, Rep::Timestamp) => Rep::Duration,
            (BinOp::Add | BinOp::Sub, Rep::Duration, Rep::Duration) => Rep::Duration,
            (_, _, _) => Rep::Dyn,
        },
    }
}

fn comprehension<'t>(walk: &Comprehension, slots: &dyn Fn(SlotId) -> Option<&'t Type>, locals: &mut Vec<Rep>) -> Rep {
    let range = rep(&walk.range, slots, locals);
    let variables = variables(&range, walk.two_vars);
    let first = variables.first().cloned().unwrap_or(Rep::Dyn);
    let depth = locals.len();
    locals.extend(variables);
    let value = walk.value.as_ref().map_or(Rep::Dyn, |value| rep(value, slots, locals));
    locals.truncate(depth);
    match walk.kind {
        Macro::All | Macro::Exists | Macro::ExistsOne => Rep::Bool,
        Macro::Filter => Rep::list(first),
        Macro::Map => Rep::list(value),
        // With two variables the first is the key.
        Macro::TransformMap => Rep::map(first, value),
        Macro::TransformMapEntry => match value {
            Rep::Map(key, value) => Rep::Map(key, value),
            _ => Rep::map(Rep::Dyn, Rep::Dyn),
        },
    }
}

fn call(func: Func, args: &[Rep]) -> Rep {
    let first = args.first().cloned().unwrap_or(Rep::Dyn);
    match func {
        Func::Unknown => Rep::Dyn,
        Func::Dyn => first,
        Func::Bool
        | Func::Contains
        | Func::StartsWith
        | Func::EndsWith
        | Func::Matches
        | Func::IsNan
        | Func::IsInf
        | Func::IsFinite
        | Func::IsIp
        | Func::IpIsCanonical
        | Func::IsUnspecified
        | Func::IsLoopback
        | Func::IsGlobalUnicast
        | Func::IsLinkLocalMulticast
        | Func::IsLinkLocalUnicast
        | Func::IsCidr
        | Func::ContainsIp
        | Func::ContainsCidr
        | Func::OptHasValue => Rep::Bool,
        Func::Size
        | Func::Int
        | Func::GetFullYear
        | Func::GetMonth
        | Func::GetDate
        | Func::GetDayOfMonth
        | Func::GetDayOfWeek
        | Func::GetDayOfYear
        | Func::GetHours
        | Func::GetMinutes
        | Func::GetSeconds
        | Func::GetMilliseconds
        | Func::IndexOf
        | Func::LastIndexOf
        | Func::Family
        | Func::PrefixLength => Rep::Int,
        Func::Uint => Rep::Uint,
        Func::Double | Func::Ceil | Func::Floor | Func::Round | Func::Trunc | Func::Sqrt => Rep::Double,
        Func::String
        | Func::CharAt
        | Func::Join
        | Func::LowerAscii
        | Func::UpperAscii
        | Func::Replace
        | Func::Substring
        | Func::Trim
        | Func::Reverse
        | Func::Format
        | Func::Quote
        | Func::Base64Encode => Rep::Str,
        Func::Split => Rep::list(Rep::Str),
        Func::Bytes | Func::Base64Decode => Rep::Bytes,
        Func::Timestamp => Rep::Timestamp,
        Func::Duration => Rep::Duration,
        Func::Type => Rep::Type,
        Func::Ip => Rep::Ip,
        Func::Cidr | Func::Masked => Rep::Cidr,
        Func::Abs | Func::Sign | Func::BitNot | Func::BitShiftLeft | Func::BitShiftRight => number(first),
        Func::BitAnd | Func::BitOr | Func::BitXor => number(args.iter().cloned().reduce(join).unwrap_or(Rep::Dyn)),
        Func::Greatest | Func::Least => match (&first, args) {
            (Rep::List(item), [_]) => number((**item).clone()),
            _ => number(args.iter().cloned().reduce(join).unwrap_or(Rep::Dyn)),
        },
        Func::OptOf | Func::OptOfNonZero => Rep::optional(first),
        Func::OptNone => Rep::optional(Rep::Dyn),
        Func::OptValue => inner(first),
        Func::OptOr => args.iter().cloned().reduce(optionals).unwrap_or(Rep::Dyn),
        Func::OptOrValue => join(inner(first), args.get(1).cloned().unwrap_or(Rep::Dyn)),
        Func::OptUnwrap => Rep::list(match first {
            Rep::List(item) => inner((*item).clone()),
            _ => Rep::Dyn,
        }),
        Func::First | Func::Last => Rep::optional(match first {
            Rep::List(item) => (*item).clone(),
            _ => Rep::Dyn,
        }),
    }
}

fn optionals(left: Rep, right: Rep) -> Rep {
    match (left, right) {
        (Rep::Optional(left), Rep::Optional(right)) => Rep::optional(join((*left).clone(), (*right).clone())),
        (_, _) => Rep::Dyn,
    }
}

fn inner(rep: Rep) -> Rep {
    match rep {
        Rep::Optional(inner) => (*inner).clone(),
        _ => Rep::Dyn,
    }
}

fn number(rep: Rep) -> Rep {
    match rep {
        Rep::Int | Rep::Uint | Rep::Double => rep,
        _ => Rep::Dyn,
    }
}
