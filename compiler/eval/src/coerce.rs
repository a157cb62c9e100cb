//! Data against a declared type: params, tenants' values, stubs, block outputs, answers of webhooks.

use std::fmt;

use admit_plan::types::{Kind, Range, Type};

use crate::datum::Datum;
use crate::func::convert;
use crate::value::Value;

/// Data that does not fit its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Where: `body.risk_score`, `groups[2]`; empty for the whole.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.problem) } else { write!(f, "`{}`: {}", self.path, self.problem) }
    }
}

/// The data as a value of the type: numbers of JSON become the number type asked for where they fit exactly, text
/// becomes a timestamp, duration, address or base64 bytes where one is asked for; optional fields may be missing or
/// null, and fields that the type does not know are refused.
pub fn coerce(ty: &Type, datum: Datum) -> Result<Datum, Mismatch> {
    coerce_at(ty, datum, Mode { unknown: Unknown::Refused, hidden: false })
}

/// The same, but fields that a record does not know are left out: for answers of others, who may add fields.
pub fn coerce_lenient(ty: &Type, datum: Datum) -> Result<Datum, Mismatch> {
    coerce_at(ty, datum, Mode { unknown: Unknown::LeftOut, hidden: false })
}

/// How data is read, from here down.
#[derive(Clone, Copy)]
struct Mode {
    unknown: Unknown,
    /// The type, or one around it, is `pii` or `secret`: what is wrong is told without the value.
    hidden: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Refused,
    LeftOut,
}

fn coerce_at(ty: &Type, datum: Datum, mode: Mode) -> Result<Datum, Mismatch> {
    let hidden = mode.hidden || ty.labels.pii || ty.labels.secret;
    let mode = Mode { hidden, ..mode };
    let shown = |value: &dyn fmt::Display| if hidden { "the value".to_owned() } else { format!("`{value}`") };
    match (&ty.kind, datum) {
        (Kind::Dyn | Kind::Error, datum) => Ok(datum),
        (Kind::Null, Datum::Null) => Ok(Datum::Null),
        (Kind::Bool, datum @ Datum::Bool(_)) => Ok(datum),
        (Kind::Int(range), datum) => int(&datum)
            .ok_or_else(|| wrong(ty, &datum))
            .and_then(|number| within(range, number, Datum::Int(number)).ok_or_else(|| outside(ty, &shown(&number)))),
        (Kind::Uint(range), datum) => uint(&datum)
            .ok_or_else(|| wrong(ty, &datum))
            .and_then(|number| within(range, number, Datum::Uint(number)).ok_or_else(|| outside(ty, &shown(&number)))),
        (Kind::Double(range), datum) => {
            let number = double(&datum).ok_or_else(|| wrong(ty, &datum))?;
            let low = range.min.is_none_or(|min| number >= min.0);
            if low && range.max.is_none_or(|max| number <= max.0) {
                Ok(Datum::Double(number))
            } else {
                Err(outside(ty, &shown(&number)))
            }
        }
        (Kind::String, datum @ Datum::Str(_)) => Ok(datum),
        (Kind::Enum(words), Datum::Str(text)) => {
            if words.iter().any(|word| *word == *text) {
                Ok(Datum::Str(text))
            } else {
                Err(here(format!("{} is none of {ty}", shown(&text))))
            }
        }
        (Kind::Bytes, datum @ Datum::Bytes(_)) => Ok(datum),
        (Kind::Timestamp, datum @ Datum::Timestamp(_)) => Ok(datum),
        (Kind::Duration, datum @ Datum::Duration(_)) => Ok(datum),
        (Kind::Ip, datum @ Datum::Ip(_)) => Ok(datum),
        (Kind::Cidr, datum @ Datum::Cidr(_)) => Ok(datum),
        (Kind::Type, datum @ Datum::Type(_)) => Ok(datum),
        (Kind::Bytes | Kind::Timestamp | Kind::Duration | Kind::Ip | Kind::Cidr, Datum::Str(text)) => {
            from_text(&ty.kind, &text).ok_or_else(|| here(format!("{} is no {ty}", shown(&text))))
        }
        (Kind::List(item), Datum::List(items)) => {
            let items = items.into_iter().enumerate();
            let items = items
                .map(|(index, datum)| coerce_at(item, datum, mode).map_err(|error| error.below(&format!("[{index}]"))));
            items.collect::<Result<_, _>>().map(Datum::List)
        }
        (Kind::Map(key_type, value_type), Datum::Map(entries)) => {
            let entries = entries.into_iter().map(|(key, value)| {
                let name = key_text(&key);
                let key = coerce_at(key_type, key, mode).map_err(|error| error.below(&name))?;
                let value = coerce_at(value_type, value, mode).map_err(|error| error.below(&name))?;
                Ok((key, value))
            });
            entries.collect::<Result<_, _>>().map(Datum::Map)
        }
        (Kind::Record(fields), Datum::Map(entries)) => record(fields, entries, mode),
        (Kind::Optional(_), Datum::Null | Datum::Optional(None)) => Ok(Datum::Optional(None)),
        (Kind::Optional(inner), Datum::Optional(Some(datum))) => {
            coerce_at(inner, *datum, mode).map(|datum| Datum::Optional(Some(Box::new(datum))))
        }
        (Kind::Optional(inner), datum) => {
            coerce_at(inner, datum, mode).map(|datum| Datum::Optional(Some(Box::new(datum))))
        }
        (
            Kind::Null
            | Kind::Bool
            | Kind::String
            | Kind::Enum(_)
            | Kind::Bytes
            | Kind::Timestamp
            | Kind::Duration
            | Kind::List(_)
            | Kind::Map(..)
            | Kind::Record(_)
            | Kind::Type
            | Kind::Ip
            | Kind::Cidr,
            datum,
        ) => Err(wrong(ty, &datum)),
    }
}

/// A record: fields in the declared order; an optional field that is missing stays missing, one that is there is there
/// without its optional around it, as paths read it.
fn record(
    fields: &[admit_plan::types::Field],
    mut entries: Vec<(Datum, Datum)>,
    mode: Mode,
) -> Result<Datum, Mismatch> {
    let mut made = Vec::with_capacity(fields.len());
    for field in fields {
        let at = entries.iter().position(|(key, _)| key.as_str() == Some(field.name.as_str()));
        let value = at.map(|at| entries.swap_remove(at).1);
        let value = match (&field.ty.kind, value) {
            (Kind::Optional(_), None | Some(Datum::Null | Datum::Optional(None))) => continue,
            (Kind::Optional(inner), Some(Datum::Optional(Some(value)))) => coerce_at(inner, *value, mode),
            (Kind::Optional(inner), Some(value)) => coerce_at(inner, value, mode),
            (_, Some(value)) => coerce_at(&field.ty, value, mode),
            (_, None) => Err(here("it is missing".to_owned())),
        };
        made.push((Datum::Str(field.name.as_str().into()), value.map_err(|error| error.below(&field.name))?));
    }
    match entries.first() {
        Some((key, _)) if mode.unknown == Unknown::Refused => {
            Err(here("there is no such field".to_owned()).below(&key_text(key)))
        }
        _ => Ok(Datum::Map(made)),
    }
}

impl Mismatch {
    fn below(mut self, parent: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{parent}{dot}{}", self.path);
        self
    }
}

fn here(problem: String) -> Mismatch {
    Mismatch { path: String::new(), problem }
}

fn wrong(ty: &Type, datum: &Datum) -> Mismatch {
    let arena = bumpalo::Bump::new();
    here(format!("expected {ty}, found {}", datum.borrow(&arena).kind()))
}

fn outside(ty: &Type, shown: &str) -> Mismatch {
    here(format!("{shown} is outside {ty}"))
}

fn within<T: PartialOrd + Copy>(range: &Range<T>, number: T, datum: Datum) -> Option<Datum> {
    let low = range.min.is_none_or(|min| number >= min);
    (low && range.max.is_none_or(|max| number <= max)).then_some(datum)
}

#[expect(clippy::cast_possible_truncation, reason = "the double is whole and within the range of exact integers")]
fn int(datum: &Datum) -> Option<i64> {
    match datum {
        Datum::Int(number) => Some(*number),
        Datum::Uint(number) => i64::try_from(*number).ok(),
        Datum::Double(number) if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 => {
            Some(*number as i64)
        }
        _ => None,
    }
}

fn uint(datum: &Datum) -> Option<u64> {
    match datum {
        Datum::Uint(number) => Some(*number),
        other => int(other).and_then(|number| u64::try_from(number).ok()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "JSON does not tell 1 from 1.0")]
fn double(datum: &Datum) -> Option<f64> {
    match datum {
        Datum::Double(number) => Some(*number),
        Datum::Int(number) => Some(*number as f64),
        Datum::Uint(number) => Some(*number as f64),
        _ => None,
    }
}

fn from_text(kind: &Kind, text: &str) -> Option<Datum> {
    use admit_plan::func::Func;
    let func = match kind {
        Kind::Timestamp => Func::Timestamp,
        Kind::Duration => Func::Duration,
        Kind::Bytes => Func::Base64Decode,
        Kind::Ip => Func::Ip,
        Kind::Cidr => Func::Cidr,
        _ => return None,
    };
    let (arena, consts) = (bumpalo::Bump::new(), crate::consts::Consts::default());
    let cx = crate::cx::Cx::new(&arena, &consts);
    crate::func::call(func, &[Value::Str(text)], &cx).ok().map(Datum::from)
}

fn key_text(key: &Datum) -> String {
    let arena = bumpalo::Bump::new();
    convert::to_text(key.borrow(&arena)).unwrap_or_else(|| "?".to_owned())
}
