//! JSON that a user gives, as data. A key that occurs twice is refused: two readers could take different ones.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::datum::Datum;

/// Reads one JSON text (RFC 8259). A number is an int where it is written as one and fits, a uint where only that
/// fits, else a double.
///
/// # Errors
/// Where and why the text is not JSON, without quoting its values: they may be secret.
pub fn read(bytes: &[u8]) -> Result<Datum, String> {
    serde_json::from_slice(bytes).map(|Strict(datum)| datum).map_err(|error| error.to_string())
}

struct Strict(Datum);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Strict)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Datum;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Datum, E> {
        Ok(Datum::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Datum, E> {
        Ok(Datum::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Datum, E> {
        Ok(Datum::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Datum, E> {
        Ok(i64::try_from(value).map_or(Datum::Uint(value), Datum::Int))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Datum, E> {
        Ok(Datum::Double(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Datum, E> {
        Ok(Datum::Str(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Datum, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Datum::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Datum, A::Error> {
        let mut seen = BTreeSet::new();
        let mut map = Vec::new();
        while let Some(key) = fields.next_key::<String>()? {
            let Strict(value) = fields.next_value()?;
            map.push((Datum::Str(key.as_str().into()), value));
            if !seen.insert(key) {
                return Err(A::Error::custom("a key occurs twice"));
            }
        }
        Ok(Datum::Map(map))
    }
}
