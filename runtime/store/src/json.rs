//! Data as JSON in sealed columns.

use admit_eval::datum::Datum;
use admit_runtime::host::StoreError;
use zeroize::Zeroizing;

/// As JSON text.
pub(crate) fn to_json(data: &Datum) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let text = serde_json::to_vec(&admit_eval::json::to_json(data));
    text.map(Zeroizing::new).map_err(|error| StoreError::Failed(error.to_string()))
}

/// Back from JSON text.
pub(crate) fn from_json(text: &[u8]) -> Result<Datum, StoreError> {
    let value: serde_json::Value =
        serde_json::from_slice(text).map_err(|error| StoreError::Failed(error.to_string()))?;
    Ok(json(&value))
}

/// An object as a record.
pub(crate) fn json_object(object: &serde_json::Map<String, serde_json::Value>) -> Datum {
    Datum::Map(object.iter().map(|(key, value)| (Datum::Str(key.as_str().into()), json(value))).collect())
}

/// Depth is bounded by the parser that made the value (128).
fn json(value: &serde_json::Value) -> Datum {
    match value {
        serde_json::Value::Null => Datum::Null,
        serde_json::Value::Bool(value) => Datum::Bool(*value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Datum::Int(int),
            (None, Some(double)) => Datum::Double(double),
            (None, None) => Datum::Null,
        },
        serde_json::Value::String(text) => Datum::Str(text.as_str().into()),
        serde_json::Value::Array(items) => Datum::List(items.iter().map(json).collect()),
        serde_json::Value::Object(object) => json_object(object),
    }
}
