//! The functions of CEL's standard library and of its strings, math, encoders, network and optional extensions.
//! Dispatch is on the kinds of the arguments; what fits no overload is the error `no such overload`.

pub mod convert;
mod format;
mod math;
mod network;
mod optional;
mod string;
mod text;
mod time;

use admit_plan::func::Func;

use crate::cx::Cx;
use crate::error::EvalError;
use crate::ops::no_overload;
use crate::value::Value;

/// What a function gives.
type Called<'a> = Result<Value<'a>, EvalError>;

/// Calls a function; the receiver of a method is the first argument. `or` and `orValue` are strict here: evaluators skip
/// their second argument where the first has a value.
pub fn call<'a>(func: Func, args: &[Value<'a>], cx: &Cx<'a>) -> Called<'a> {
    match func {
        Func::Unknown => Err(no_overload(func.name(), args)),
        Func::Size => size(args),
        Func::Type
        | Func::Dyn
        | Func::Bool
        | Func::Int
        | Func::Uint
        | Func::Double
        | Func::String
        | Func::Bytes
        | Func::Timestamp
        | Func::Duration => convert::call(func, args, cx),
        Func::Contains
        | Func::StartsWith
        | Func::EndsWith
        | Func::Matches
        | Func::CharAt
        | Func::IndexOf
        | Func::LastIndexOf
        | Func::Join
        | Func::LowerAscii
        | Func::UpperAscii
        | Func::Replace
        | Func::Split
        | Func::Substring
        | Func::Trim
        | Func::Reverse
        | Func::Quote => string::call(func, args, cx),
        Func::Format => format::call(args, cx),
        Func::GetFullYear
        | Func::GetMonth
        | Func::GetDate
        | Func::GetDayOfMonth
        | Func::GetDayOfWeek
        | Func::GetDayOfYear
        | Func::GetHours
        | Func::GetMinutes
        | Func::GetSeconds
        | Func::GetMilliseconds => time::call(func, args),
        Func::Greatest
        | Func::Least
        | Func::Ceil
        | Func::Floor
        | Func::Round
        | Func::Trunc
        | Func::Abs
        | Func::Sign
        | Func::Sqrt
        | Func::IsNan
        | Func::IsInf
        | Func::IsFinite
        | Func::BitAnd
        | Func::BitOr
        | Func::BitXor
        | Func::BitNot
        | Func::BitShiftLeft
        | Func::BitShiftRight => math::call(func, args),
        Func::Base64Encode | Func::Base64Decode => convert::base64(func, args, cx),
        Func::Ip
        | Func::IsIp
        | Func::IpIsCanonical
        | Func::Family
        | Func::IsUnspecified
        | Func::IsLoopback
        | Func::IsGlobalUnicast
        | Func::IsLinkLocalMulticast
        | Func::IsLinkLocalUnicast
        | Func::Cidr
        | Func::IsCidr
        | Func::ContainsIp
        | Func::ContainsCidr
        | Func::Masked
        | Func::PrefixLength => network::call(func, args, cx),
        Func::OptOf
        | Func::OptOfNonZero
        | Func::OptNone
        | Func::OptHasValue
        | Func::OptValue
        | Func::OptOr
        | Func::OptOrValue
        | Func::OptUnwrap
        | Func::First
        | Func::Last => optional::call(func, args, cx),
    }
}

/// `size(x)`: code points, bytes, elements or entries.
fn size<'a>(args: &[Value<'a>]) -> Called<'a> {
    let size = match args {
        [Value::Str(text)] => text.chars().count(),
        [Value::Bytes(bytes)] => bytes.len(),
        [Value::List(items)] => items.len(),
        [Value::Map(map)] => map.entries.len(),
        _ => return Err(no_overload("size", args)),
    };
    Ok(Value::Int(length(size)))
}

/// A length as an int.
fn length(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// An error with a text.
fn invalid(text: impl Into<Box<str>>) -> EvalError {
    EvalError::Invalid(text.into())
}

/// A range error with a text.
fn range(text: impl Into<Box<str>>) -> EvalError {
    EvalError::Range(text.into())
}
