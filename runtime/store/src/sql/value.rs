//! The values that statements are bound to.

use std::borrow::Cow;

/// A value; nothing is the SQL NULL of its type.
#[derive(Clone)]
pub(crate) enum Value<'q> {
    Text(Option<Cow<'q, str>>),
    Bytes(Option<Cow<'q, [u8]>>),
    Int(Option<i64>),
}

/// What a placeholder can be bound to.
pub(crate) trait Bind<'q> {
    /// NULL, typed as PostgreSQL wants it.
    const NULL: Value<'q>;

    /// As a value.
    fn value(self) -> Value<'q>;
}

/// As PostgreSQL can hold it: it refuses U+0000 in text. Nothing that is looked for holds the sign that stands for it.
pub(crate) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

impl<'q> Bind<'q> for &'q str {
    const NULL: Value<'q> = Value::Text(None);

    fn value(self) -> Value<'q> {
        Value::Text(Some(Cow::Borrowed(self)))
    }
}

impl<'q> Bind<'q> for &'q String {
    const NULL: Value<'q> = Value::Text(None);

    fn value(self) -> Value<'q> {
        Value::Text(Some(Cow::Borrowed(self)))
    }
}

impl<'q> Bind<'q> for String {
    const NULL: Value<'q> = Value::Text(None);

    fn value(self) -> Value<'q> {
        Value::Text(Some(Cow::Owned(self)))
    }
}

impl<'q> Bind<'q> for &'q [u8] {
    const NULL: Value<'q> = Value::Bytes(None);

    fn value(self) -> Value<'q> {
        Value::Bytes(Some(Cow::Borrowed(self)))
    }
}

impl<'q> Bind<'q> for &'q Vec<u8> {
    const NULL: Value<'q> = Value::Bytes(None);

    fn value(self) -> Value<'q> {
        Value::Bytes(Some(Cow::Borrowed(self)))
    }
}

impl<'q> Bind<'q> for Vec<u8> {
    const NULL: Value<'q> = Value::Bytes(None);

    fn value(self) -> Value<'q> {
        Value::Bytes(Some(Cow::Owned(self)))
    }
}

impl<'q> Bind<'q> for i64 {
    const NULL: Value<'q> = Value::Int(None);

    fn value(self) -> Value<'q> {
        Value::Int(Some(self))
    }
}

impl<'q, T: Bind<'q>> Bind<'q> for Option<T> {
    const NULL: Value<'q> = T::NULL;

    fn value(self) -> Value<'q> {
        self.map_or(T::NULL, T::value)
    }
}

impl<'q> Bind<'q> for &'q Option<String> {
    const NULL: Value<'q> = Value::Text(None);

    fn value(self) -> Value<'q> {
        self.as_deref().value()
    }
}
