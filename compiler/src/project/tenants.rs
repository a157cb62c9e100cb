//! `tenants/<slug>.toml`: values of params, checked against the params' types.

use admit_eval::datum::Datum;
use admit_eval::value::{Instant, Span as TimeSpan};
use admit_plan::types::{Kind, Type};
use smol_str::SmolStr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Project;
use super::manifest::{duration, is_slug, parse, to_json};
use super::text::span;
use crate::ast::Param;
use crate::diagnostic::Diagnostic;
use crate::library::types::{Place, resolve};
use crate::nearest::nearest;
use crate::source::{FileId, Span};

/// A tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// The file.
    pub file: FileId,
    /// Its values, checked.
    pub params: Vec<TenantParam>,
    /// The same as they were written.
    pub written: serde_json::Map<String, serde_json::Value>,
}

/// A tenant's value of a param.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantParam {
    /// The param.
    pub name: SmolStr,
    /// Its value, of the param's type.
    pub value: Datum,
    /// Where the value stands.
    pub span: Span,
}

/// Reads a tenant's file into the project.
pub(super) fn read(project: &mut Project, file: FileId, path: &str, text: &str, diagnostics: &mut Vec<Diagnostic>) {
    let slug = path.trim_start_matches("tenants/").trim_end_matches(".toml");
    if !is_slug(slug) {
        let message = format!("`{slug}` is not the slug of a tenant");
        let help = "slugs are lower-case words with `-` between: `tenants/acme.toml`";
        diagnostics.push(Diagnostic::error("A0904", span(file, 0..0), message).help(help));
        return;
    }
    let Some(table) = parse(file, text, diagnostics) else { return };
    let (mut params, mut written) = (Vec::new(), serde_json::Map::new());
    for (key, value) in table.get_ref() {
        let at = span(file, key.span());
        if key.get_ref() != "params" {
            let message = format!("a tenant's file has no key `{}`", key.get_ref());
            diagnostics.push(Diagnostic::error("A0905", at, message).help("values of params stand below `[params]`"));
        } else if let Some(given) = value.get_ref().as_table() {
            params = values(project, file, given, diagnostics);
            written = given.iter().map(|(name, one)| (name.get_ref().to_string(), to_json(one.get_ref()))).collect();
        } else {
            diagnostics.push(Diagnostic::error("A0904", at, "`params` is a table: write `[params]`"));
        }
    }
    for param in project.params() {
        if param.default.is_none() && !params.iter().any(|given| given.name == param.name.text) {
            let message = format!("the tenant `{slug}` gives no value for `{}`", param.name.text);
            diagnostics.push(
                Diagnostic::error("A0911", span(file, 0..0), message)
                    .label(param.name.span, "it has no default")
                    .help(format!("add `{} = ...` below `[params]`", param.name.text)),
            );
        }
    }
    project.tenants.insert(slug.into(), Tenant { file, params, written });
}

fn values(project: &Project, file: FileId, given: &DeTable<'_>, diagnostics: &mut Vec<Diagnostic>) -> Vec<TenantParam> {
    let mut values = Vec::new();
    for (key, value) in given {
        let name = key.get_ref().as_ref();
        let Some(param) = project.params().find(|param| param.name.text == name) else {
            let message = format!("the project has no param `{name}`");
            let mut found = Diagnostic::error("A0905", span(file, key.span()), message);
            if let Some(near) = nearest(name, project.params().map(|param| param.name.text.as_str())) {
                found = found.help(format!("did you mean `{near}`?"));
            }
            diagnostics.push(found);
            continue;
        };
        // What is wrong with the declaration is said where it stands.
        let ty = resolve(&param.ty, Place::Plain, &mut Vec::new()).ty;
        match datum(value, &ty, name) {
            Ok(value_of) => {
                values.push(TenantParam { name: name.into(), value: value_of, span: span(file, value.span()) })
            }
            Err(wrong) => diagnostics.push(mistyped(file, param, wrong)),
        }
    }
    values
}

fn mistyped(file: FileId, param: &Param, wrong: Wrong) -> Diagnostic {
    Diagnostic::error(
        "A0910",
        span(file, wrong.at),
        format!("`{}` is {}, not {}", wrong.place, wrong.wanted, wrong.got),
    )
    .label(param.ty.span, "as declared here")
}

/// The value of `name` in a text of one table, as a value of the type.
///
/// # Errors
/// What is wrong with it, and where in it.
pub(super) fn value_of(file: FileId, text: &str, ty: &Type, name: &str) -> Result<Datum, String> {
    let mut found = Vec::new();
    let table = parse(file, text, &mut found);
    let unread = || found.first().map_or_else(|| "there is no value".to_owned(), |first| first.message.clone());
    let table = table.ok_or_else(unread)?;
    let value = table.get_ref().get(name).ok_or_else(unread)?;
    datum(value, ty, name).map_err(|wrong| format!("`{}` is {}, not {}", wrong.place, wrong.wanted, wrong.got))
}

/// A value that is not of its type.
struct Wrong {
    at: std::ops::Range<usize>,
    /// `limits.soft`
    place: String,
    /// What the type says, in words.
    wanted: String,
    got: String,
}

/// A TOML value as a value of the type. TOML nests at most 80 deep.
fn datum(value: &Spanned<DeValue<'_>>, ty: &Type, place: &str) -> Result<Datum, Wrong> {
    let wrong = |wanted: &str| Wrong {
        at: value.span(),
        place: place.to_owned(),
        wanted: wanted.to_owned(),
        got: shown(value.get_ref()),
    };
    let inner = value.get_ref();
    match &ty.kind {
        Kind::Error | Kind::Dyn => free(value, place),
        Kind::Null => Err(wrong("null, which TOML does not have")),
        Kind::Bool => inner.as_bool().map(Datum::Bool).ok_or_else(|| wrong("`true` or `false`")),
        Kind::Int(range) => {
            let number = integer(inner).ok_or_else(|| wrong("a whole number"))?;
            let fits = range.min.is_none_or(|min| number >= min) && range.max.is_none_or(|max| number <= max);
            if fits { Ok(Datum::Int(number)) } else { Err(wrong(&bounds(range.min, range.max))) }
        }
        Kind::Uint(range) => {
            let number = integer(inner).and_then(|number| u64::try_from(number).ok());
            let number = number.ok_or_else(|| wrong("a whole number, 0 or more"))?;
            let fits = range.min.is_none_or(|min| number >= min) && range.max.is_none_or(|max| number <= max);
            if fits { Ok(Datum::Uint(number)) } else { Err(wrong(&bounds(range.min, range.max))) }
        }
        Kind::Double(range) => {
            let number = float(inner).ok_or_else(|| wrong("a number"))?;
            let fits = !number.is_nan()
                && range.min.is_none_or(|min| number >= min.0)
                && range.max.is_none_or(|max| number <= max.0);
            let said = || bounds(range.min.map(|min| min.0), range.max.map(|max| max.0));
            if fits { Ok(Datum::Double(number)) } else { Err(wrong(&said())) }
        }
        Kind::String => inner.as_str().map(|text| Datum::Str(text.into())).ok_or_else(|| wrong("a string")),
        Kind::Enum(words) => {
            let text = inner.as_str().filter(|text| words.iter().any(|word| word == text));
            let said = || words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(" or ");
            text.map(|text| Datum::Str(text.into())).ok_or_else(|| wrong(&said()))
        }
        Kind::Duration => {
            let millis = inner.as_str().and_then(duration).and_then(|millis| i64::try_from(millis).ok());
            let millis = millis.ok_or_else(|| wrong("a duration in quotes, such as `\"8s\"`"))?;
            let nanos = u32::try_from(millis % 1_000).unwrap_or(0).saturating_mul(1_000_000);
            Ok(Datum::Duration(TimeSpan { seconds: millis / 1_000, nanos }))
        }
        // As text too, which is all that JSON has for it.
        Kind::Timestamp => inner
            .as_datetime()
            .and_then(instant)
            .or_else(|| instant(&inner.as_str()?.parse().ok()?))
            .map(Datum::Timestamp)
            .ok_or_else(|| wrong("a point in time with its offset, such as `2026-01-31T12:00:00Z`")),
        Kind::List(item) => {
            let items = inner.as_array().ok_or_else(|| wrong("a list"))?;
            let each = items.iter().enumerate().map(|(at, one)| datum(one, item, &format!("{place}[{at}]")));
            each.collect::<Result<_, _>>().map(Datum::List)
        }
        Kind::Map(key, of) => {
            let table = inner.as_table().ok_or_else(|| wrong("a table"))?;
            if !matches!(key.kind, Kind::String | Kind::Dyn) {
                return Err(wrong("a map whose keys are not strings, which TOML does not have"));
            }
            let each = table.iter().map(|(name, one)| {
                let value = datum(one, of, &format!("{place}.{}", name.get_ref()))?;
                Ok((Datum::Str(name.get_ref().as_ref().into()), value))
            });
            each.collect::<Result<_, _>>().map(Datum::Map)
        }
        Kind::Record(fields) => {
            let table = inner.as_table().ok_or_else(|| wrong("a table"))?;
            if let Some(extra) =
                table.keys().find(|key| !fields.iter().any(|field| field.name == key.get_ref().as_ref()))
            {
                return Err(Wrong {
                    at: extra.span(),
                    place: format!("{place}.{}", extra.get_ref()),
                    wanted: "no field of its type".to_owned(),
                    got: "something to set".to_owned(),
                });
            }
            let mut entries = Vec::with_capacity(fields.len());
            for field in fields.iter() {
                match table.get(field.name.as_str()) {
                    Some(one) => {
                        let value = datum(one, &field.ty, &format!("{place}.{}", field.name))?;
                        entries.push((Datum::Str(field.name.as_str().into()), value));
                    }
                    None if matches!(field.ty.kind, Kind::Optional(_)) => {}
                    None => return Err(wrong(&format!("a table with the key `{}`", field.name))),
                }
            }
            Ok(Datum::Map(entries))
        }
        Kind::Optional(held) => datum(value, held, place),
        Kind::Bytes | Kind::Type | Kind::Ip | Kind::Cidr => Err(wrong("of a type that TOML does not have")),
    }
}

fn free(value: &Spanned<DeValue<'_>>, place: &str) -> Result<Datum, Wrong> {
    let bad = |wanted: &str| Wrong {
        at: value.span(),
        place: place.to_owned(),
        wanted: wanted.to_owned(),
        got: shown(value.get_ref()),
    };
    match value.get_ref() {
        DeValue::String(text) => Ok(Datum::Str(text.as_ref().into())),
        DeValue::Integer(_) => integer(value.get_ref()).map(Datum::Int).ok_or_else(|| bad("a whole number of 64 bits")),
        DeValue::Float(_) => float(value.get_ref()).map(Datum::Double).ok_or_else(|| bad("a number")),
        DeValue::Boolean(truth) => Ok(Datum::Bool(*truth)),
        DeValue::Datetime(time) => {
            instant(time).map(Datum::Timestamp).ok_or_else(|| bad("a point in time with its offset"))
        }
        DeValue::Array(items) => items.iter().map(|one| free(one, place)).collect::<Result<_, _>>().map(Datum::List),
        DeValue::Table(table) => table
            .iter()
            .map(|(name, one)| Ok((Datum::Str(name.get_ref().as_ref().into()), free(one, place)?)))
            .collect::<Result<_, _>>()
            .map(Datum::Map),
    }
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn float(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Float(number) => number.as_str().parse().ok(),
        _ => integer(value).map(|number| number as f64),
    }
}

/// A point in time; none where it lacks its date, time or offset, or there is no such day.
fn instant(time: &toml::value::Datetime) -> Option<Instant> {
    let (date, clock, offset) = (time.date?, time.time?, time.offset?);
    let minutes = match offset {
        toml::value::Offset::Z => 0,
        toml::value::Offset::Custom { minutes } => i64::from(minutes),
    };
    let days = days_from_civil(i64::from(date.year), i64::from(date.month), i64::from(date.day));
    let of_day = i64::from(clock.hour) * 3_600 + i64::from(clock.minute) * 60 + i64::from(clock.second.unwrap_or(0));
    let seconds = days * 86_400 + of_day - minutes * 60;
    Some(Instant { seconds, nanos: clock.nanosecond.unwrap_or(0) })
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar: years of 400 repeat, and a year that begins in March
/// has its leap day last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn bounds<T: std::fmt::Display>(min: Option<T>, max: Option<T>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("from {min} to {max}"),
        (Some(min), None) => format!("{min} or more"),
        (None, Some(max)) => format!("{max} or less"),
        (None, None) => "a number".to_owned(),
    }
}

fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() <= 40 => format!("`\"{text}\"`"),
        DeValue::Integer(number) => format!("`{}`", number.as_str()),
        DeValue::Float(number) => format!("`{}`", number.as_str()),
        DeValue::Boolean(truth) => format!("`{truth}`"),
        DeValue::Datetime(time) => format!("`{time}`"),
        DeValue::String(_) => "a longer string".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
