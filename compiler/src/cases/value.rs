//! Values and types of the CEL suite, from protobuf JSON.

use admit_eval::datum::Datum;
use admit_eval::value::{Instant, Span};
use admit_plan::types::{Kind, Type};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use smol_str::SmolStr;

/// A `cel.expr.Value`.
///
/// # Errors
/// What is not of its form, or is of a protobuf message type.
pub fn datum(json: &Json) -> Result<Datum, String> {
    let object = json.as_object().ok_or_else(|| format!("not a value: {json}"))?;
    let Some((kind, inner)) = object.iter().next() else { return Err("an empty value".to_owned()) };
    let wrong = || format!("not a value of `{kind}`: {inner}");
    Ok(match kind.as_str() {
        "null_value" => Datum::Null,
        "bool_value" => Datum::Bool(inner.as_bool().ok_or_else(wrong)?),
        "int64_value" => Datum::Int(number(inner).and_then(|text| text.parse().ok()).ok_or_else(wrong)?),
        "uint64_value" => Datum::Uint(number(inner).and_then(|text| text.parse().ok()).ok_or_else(wrong)?),
        "double_value" => Datum::Double(double(inner).ok_or_else(wrong)?),
        "string_value" => Datum::Str(inner.as_str().ok_or_else(wrong)?.into()),
        "bytes_value" => {
            let bytes = inner.as_str().and_then(|text| STANDARD.decode(text).ok());
            Datum::Bytes(bytes.ok_or_else(wrong)?.into())
        }
        "type_value" => Datum::Type(inner.as_str().ok_or_else(wrong)?.into()),
        "list_value" => {
            let values = inner.get("values").map_or(Some(&[][..]), |values| values.as_array().map(Vec::as_slice));
            Datum::List(values.ok_or_else(wrong)?.iter().map(datum).collect::<Result<_, _>>()?)
        }
        "map_value" => {
            let entries = inner.get("entries").map_or(Some(&[][..]), |entries| entries.as_array().map(Vec::as_slice));
            let mut map = Vec::new();
            for entry in entries.ok_or_else(wrong)? {
                let part = |name: &str| entry.get(name).ok_or_else(wrong);
                map.push((datum(part("key")?)?, datum(part("value")?)?));
            }
            Datum::Map(map)
        }
        "object_value" => message(inner).ok_or_else(|| format!("a protobuf message: {inner}"))?,
        _ => return Err(format!("values of `{kind}` are not known")),
    })
}

/// A declaration of `type_env`: the name and type of a variable; none for a function.
///
/// # Errors
/// What is not of its form.
pub fn declaration(json: &Json) -> Result<Option<(SmolStr, Type)>, String> {
    let name = json.get("name").and_then(Json::as_str).ok_or_else(|| format!("a declaration without name: {json}"))?;
    let Some(ident) = json.get("ident") else { return Ok(None) };
    let ty = ident.get("type").map_or_else(|| Kind::Dyn.into(), ty);
    Ok(Some((SmolStr::from(name), ty)))
}

/// A `cel.expr.Type`; what this language has no type for is `dyn`.
fn ty(json: &Json) -> Type {
    let part = |of: &Json, name: &str| of.get(name).map_or_else(|| Kind::Dyn.into(), ty);
    let Some((kind, inner)) = json.as_object().and_then(|object| object.iter().next()) else { return Kind::Dyn.into() };
    match (kind.as_str(), inner.as_str()) {
        ("primitive", Some("BOOL")) => Kind::Bool.into(),
        ("primitive", Some("INT64")) => Kind::INT.into(),
        ("primitive", Some("UINT64")) => Kind::UINT.into(),
        ("primitive", Some("DOUBLE")) => Kind::DOUBLE.into(),
        ("primitive", Some("STRING")) => Kind::String.into(),
        ("primitive", Some("BYTES")) => Kind::Bytes.into(),
        ("well_known", Some("TIMESTAMP")) => Kind::Timestamp.into(),
        ("well_known", Some("DURATION")) => Kind::Duration.into(),
        ("message_type", Some("google.protobuf.Timestamp")) => Kind::Timestamp.into(),
        ("message_type", Some("google.protobuf.Duration")) => Kind::Duration.into(),
        ("null", _) => Kind::Null.into(),
        ("list_type", _) => Type::list(part(inner, "elem_type")),
        ("map_type", _) => Type::map(part(inner, "key_type"), part(inner, "value_type")),
        ("type", _) => Kind::Type.into(),
        ("abstract_type", _) if inner.get("name").and_then(Json::as_str) == Some("optional_type") => {
            let parameter = inner.get("parameter_types").and_then(Json::as_array).and_then(|types| types.first());
            Type::optional(parameter.map_or_else(|| Kind::Dyn.into(), ty))
        }
        (_, _) => Kind::Dyn.into(),
    }
}

/// The digits of an integer, which protobuf JSON writes as text.
fn number(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

fn double(json: &Json) -> Option<f64> {
    match json {
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            text => text.parse().ok(),
        },
        other => other.as_f64(),
    }
}

/// `{"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1.5s"}`
fn message(json: &Json) -> Option<Datum> {
    let name = json.get("@type")?.as_str()?.rsplit('/').next()?;
    let value = json.get("value")?.as_str()?;
    let (seconds, nanos) = match name {
        "google.protobuf.Duration" => seconds(value.strip_suffix('s')?)?,
        "google.protobuf.Timestamp" => return instant(value),
        _ => return None,
    };
    Some(Datum::Duration(Span { seconds, nanos }))
}

/// Decimal seconds as whole seconds, rounded down, and nanoseconds.
fn seconds(text: &str) -> Option<(i64, u32)> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    let nanos: u32 = if fraction.is_empty() { 0 } else { format!("{fraction:0<9}").get(..9)?.parse().ok()? };
    Some(match (negative, nanos) {
        (false, nanos) => (whole, nanos),
        (true, 0) => (-whole, 0),
        (true, nanos) => (-whole - 1, 1_000_000_000 - nanos),
    })
}

/// RFC 3339 in UTC (`2009-02-13T23:31:30.5Z`), as protobuf JSON writes it.
fn instant(text: &str) -> Option<Datum> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut clock = clock.splitn(3, ':').map(str::parse::<i64>);
    let (hour, minute, second) = (clock.next()?.ok()?, clock.next()?.ok()?, clock.next()?.ok()?);
    // Days from civil (Howard Hinnant): the year begins in March.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let nanos: u32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    Some(Datum::Timestamp(Instant { seconds: days * 86_400 + hour * 3_600 + minute * 60 + second, nanos }))
}
