//! Reads of the event, of a block's memory and of records in general. A block's config has a type of its own, written
//! from its declaration: see `generated`.

use admit_eval::datum::Datum;
use admit_eval::value::Span;
use admit_runtime::block::{BlockError, Call, Event, Input};
use admit_runtime::host::{Host, Secret};

/// Reads fields of a record.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub &'a Datum);

impl<'a> Fields<'a> {
    pub fn text(self, name: &str) -> Result<&'a str, BlockError> {
        self.optional_text(name)?.ok_or_else(|| invalid(name, "a string"))
    }

    pub fn words(self, name: &str) -> Result<Vec<&'a str>, BlockError> {
        let Some(Datum::List(items)) = self.get(name) else { return Err(invalid(name, "a list of strings")) };
        items
            .iter()
            .map(|item| match item {
                Datum::Str(word) => Ok(&**word),
                _ => Err(invalid(name, "a list of strings")),
            })
            .collect()
    }

    pub fn duration(self, name: &str) -> Result<Span, BlockError> {
        match self.get(name) {
            Some(Datum::Duration(span)) => Ok(*span),
            Some(_) | None => Err(invalid(name, "a duration")),
        }
    }

    /// The field's value; none where it is absent.
    pub fn get(self, name: &str) -> Option<&'a Datum> {
        let Datum::Map(entries) = self.0 else { return None };
        let (_, value) = entries.iter().find(|(key, _)| matches!(key, Datum::Str(key) if **key == *name))?;
        match value {
            Datum::Optional(inner) => inner.as_deref(),
            value => Some(value),
        }
    }

    pub fn optional_text(self, name: &str) -> Result<Option<&'a str>, BlockError> {
        match self.get(name) {
            None => Ok(None),
            Some(Datum::Str(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(name, "a string")),
        }
    }

    pub fn boolean(self, name: &str) -> Result<bool, BlockError> {
        match self.get(name) {
            Some(Datum::Bool(value)) => Ok(*value),
            Some(_) | None => Err(invalid(name, "a bool")),
        }
    }

    pub fn optional_int(self, name: &str) -> Result<Option<i64>, BlockError> {
        match self.get(name) {
            None => Ok(None),
            Some(Datum::Int(value)) => Ok(Some(*value)),
            Some(_) => Err(invalid(name, "an int")),
        }
    }
}

/// A record of outputs or data.
pub(crate) fn record<const N: usize>(fields: [(&str, Datum); N]) -> Datum {
    Datum::Map(fields.into_iter().map(|(name, value)| (Datum::Str(name.into()), value)).collect())
}

pub(crate) fn text(value: impl AsRef<str>) -> Datum {
    Datum::Str(value.as_ref().into())
}

/// Text in the event; none where it is absent.
pub(crate) fn event_text(event: &dyn Event, path: &str) -> Option<String> {
    match event.get(path)? {
        Datum::Str(text) => Some(text.into()),
        _ => None,
    }
}

/// A flag in the event; absent is false.
pub(crate) fn event_flag(event: &dyn Event, path: &str) -> bool {
    event.get(path) == Some(Datum::Bool(true))
}

/// A number in the event as a double.
pub(crate) fn event_double(event: &dyn Event, path: &str) -> Option<f64> {
    match event.get(path)? {
        Datum::Double(value) => Some(value),
        // Exact for every coordinate and score.
        #[expect(clippy::cast_precision_loss, reason = "coordinates are small")]
        Datum::Int(value) => Some(value as f64),
        _ => None,
    }
}

/// The methods passed so far with one more: what `sets event.authentication.methods` gives.
pub(crate) fn with_method(event: &dyn Event, method: &str) -> (String, Datum) {
    let mut methods = match event.get("authentication.methods") {
        Some(Datum::List(methods)) => methods,
        _ => Vec::new(),
    };
    if !methods.contains(&text(method)) {
        methods.push(text(method));
    }
    ("authentication.methods".to_owned(), Datum::List(methods))
}

/// A secret that the user submitted.
pub(crate) fn secret_input<'a>(input: Option<&'a Input>, name: &str) -> Option<&'a Secret> {
    let (_, secret) = input?.secrets.iter().find(|(field, _)| field == name)?;
    Some(secret)
}

/// What the user submitted that is no secret.
pub(crate) fn field_input<'a>(input: Option<&'a Input>, name: &str) -> Option<&'a Datum> {
    let (_, value) = input?.fields.iter().find(|(field, _)| field == name)?;
    Some(value)
}

/// How many answers of this block were wrong so far in this run.
pub(crate) fn failed_before(call: &Call<'_>) -> i64 {
    call.memory.and_then(|memory| Fields(memory).optional_int("failed").ok().flatten()).unwrap_or(0)
}

/// An unguessable id: the prefix and 160 random bits.
pub(crate) fn fresh_id(host: &dyn Host, prefix: &str) -> String {
    use std::fmt::Write as _;
    let mut bytes = [0; 20];
    host.random(&mut bytes);
    let mut id = format!("{prefix}_");
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

/// A config value that the declaration does not allow.
pub(crate) fn invalid(name: &str, wanted: &str) -> BlockError {
    BlockError::Named { name: "invalid_config", detail: format!("`{name}` must be {wanted}") }
}
