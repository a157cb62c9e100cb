//! What generated code is made of: values of a declaration's types from and to [`Datum`], and the fields of a config.
//! A checked plan never fails here; a plan that does is refused with the field's name.

use std::ops::RangeBounds;

use admit_eval::datum::Datum;
use admit_eval::value::{Instant, Span};
use admit_plan::types::Type;
use admit_runtime::block::{BlockError, Call, Input};
use admit_runtime::host::Secret;

use crate::config::invalid;

/// A Rust type that stands for a type of the language.
pub trait Value: Sized {
    /// What it is called in messages: `a string`.
    const WANTED: &'static str;

    /// The value; none where it is of another type.
    fn read(value: &Datum) -> Option<Self>;

    /// The value as the engine takes it.
    fn give(self) -> Datum;
}

/// The fields of a record of the config, and the secrets and types that stand apart from it.
pub(crate) struct Source<'a> {
    record: &'a Datum,
    secrets: &'a [(String, Secret)],
    types: &'a [(String, Type)],
}

impl<'a> Source<'a> {
    /// The config of a call.
    pub fn config(call: &Call<'a>) -> Self {
        Self { record: call.config, secrets: call.secrets, types: call.types }
    }

    /// A record that holds no secret.
    pub fn record(record: &'a Datum) -> Self {
        Self { record, secrets: &[], types: &[] }
    }

    /// A field that is always there.
    pub fn required<T: Value>(&self, name: &str) -> Result<T, BlockError> {
        self.optional(name)?.ok_or_else(|| invalid(name, T::WANTED))
    }

    /// A field that may be absent.
    pub fn optional<T: Value>(&self, name: &str) -> Result<Option<T>, BlockError> {
        let Some(value) = self.present(name) else { return Ok(None) };
        T::read(value).map(Some).ok_or_else(|| invalid(name, T::WANTED))
    }

    /// The value, if it is there, within the range that is declared.
    pub fn within<T: Value + PartialOrd + Copy>(
        &self,
        name: &str,
        range: impl RangeBounds<T>,
    ) -> Result<Option<T>, BlockError> {
        match self.optional(name)? {
            Some(value) if !range.contains(&value) => Err(invalid(name, "within its range")),
            value => Ok(value),
        }
    }

    /// As [`Source::within`], of a field that is always there.
    pub fn ranged<T: Value + PartialOrd + Copy>(
        &self,
        name: &str,
        range: impl RangeBounds<T>,
    ) -> Result<T, BlockError> {
        self.within(name, range)?.ok_or_else(|| invalid(name, T::WANTED))
    }

    /// Text that may be or hold a secret.
    pub fn secret(&self, name: &str) -> Result<Option<Secret>, BlockError> {
        if let Some((_, secret)) = self.secrets.iter().find(|(path, _)| path == name) {
            return Ok(Some(Secret::new(secret.expose())));
        }
        Ok(self.optional::<String>(name)?.map(|text| Secret::new(text.into_bytes())))
    }

    /// A map whose values may be or hold secrets.
    pub fn secrets(&self, name: &str) -> Result<Vec<(String, Secret)>, BlockError> {
        let plain: Vec<(String, String)> = self.optional(name)?.unwrap_or_default();
        let mut found: Vec<(String, Secret)> =
            plain.into_iter().map(|(key, text)| (key, Secret::new(text.into_bytes()))).collect();
        for (path, secret) in self.secrets {
            if let Some(key) = path.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')) {
                found.push((key.to_owned(), Secret::new(secret.expose())));
            }
        }
        Ok(found)
    }

    /// A type that was written.
    pub fn written(&self, name: &str) -> Option<Type> {
        self.types.iter().find(|(path, _)| path == name).map(|(_, ty)| ty.clone())
    }

    fn present(&self, name: &str) -> Option<&'a Datum> {
        match self.record.get(name)? {
            Datum::Optional(inner) => inner.as_deref(),
            value => Some(value),
        }
    }
}

/// A field of the user's answer that is no secret; none where it was left out or is of another type.
pub(crate) fn answered<T: Value>(input: &Input, name: &str) -> Option<T> {
    let (_, value) = input.fields.iter().find(|(field, _)| field == name)?;
    T::read(value)
}

/// A secret field of the user's answer.
pub(crate) fn answered_secret<'a>(input: &'a Input, name: &str) -> Option<&'a Secret> {
    let (_, secret) = input.secrets.iter().find(|(field, _)| field == name)?;
    Some(secret)
}

/// Adds an output that may be absent.
pub(crate) fn give_some<T: Value>(fields: &mut Vec<(String, Datum)>, name: &str, value: Option<T>) {
    if let Some(value) = value {
        fields.push((name.to_owned(), value.give()));
    }
}

macro_rules! plain {
    ($($ty:ty, $wanted:literal, $kind:ident;)*) => {$(
        impl Value for $ty {
            const WANTED: &'static str = $wanted;

            fn read(value: &Datum) -> Option<Self> {
                match value {
                    Datum::$kind(value) => Some(value.clone().into()),
                    _ => None,
                }
            }

            fn give(self) -> Datum {
                Datum::$kind(self.into())
            }
        }
    )*};
}

plain! {
    bool, "a bool", Bool;
    i64, "an int", Int;
    u64, "a uint", Uint;
    f64, "a double", Double;
    String, "a string", Str;
    Instant, "a timestamp", Timestamp;
    Span, "a duration", Duration;
}

/// `dyn`: any value.
impl Value for Datum {
    const WANTED: &'static str = "a value";

    fn read(value: &Datum) -> Option<Self> {
        Some(value.clone())
    }

    fn give(self) -> Datum {
        self
    }
}

impl<T: Value> Value for Vec<T> {
    const WANTED: &'static str = "a list of the declared type";

    fn read(value: &Datum) -> Option<Self> {
        match value {
            Datum::List(items) => items.iter().map(T::read).collect(),
            _ => None,
        }
    }

    fn give(self) -> Datum {
        Datum::List(self.into_iter().map(T::give).collect())
    }
}

/// A map, in the order written.
impl<K: Value, V: Value> Value for Vec<(K, V)> {
    const WANTED: &'static str = "a map of the declared type";

    fn read(value: &Datum) -> Option<Self> {
        match value {
            Datum::Map(entries) => entries.iter().map(|(key, value)| Some((K::read(key)?, V::read(value)?))).collect(),
            _ => None,
        }
    }

    fn give(self) -> Datum {
        Datum::Map(self.into_iter().map(|(key, value)| (key.give(), value.give())).collect())
    }
}

impl<T: Value> Value for Option<T> {
    const WANTED: &'static str = T::WANTED;

    fn read(value: &Datum) -> Option<Self> {
        match value {
            Datum::Optional(None) => Some(None),
            Datum::Optional(Some(inner)) => T::read(inner).map(Some),
            value => T::read(value).map(Some),
        }
    }

    fn give(self) -> Datum {
        Datum::Optional(self.map(|value| Box::new(value.give())))
    }
}
