//! How an event is refused: what is wrong, at which path and byte.

use std::fmt;

use thiserror::Error;

/// A refused event.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}: {fault} (byte {offset})", PathText(.path))]
pub struct EventError {
    /// From `event` down to the value; for a fault in a key, down to its object.
    pub path: Vec<Segment>,
    /// Offset of the offending byte or value, in bytes from the start.
    pub offset: usize,
    /// What is wrong.
    pub fault: Fault,
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A field.
    Key(Box<str>),
    /// An element.
    Index(usize),
}

/// What is wrong with an event.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// Longer than allowed.
    #[error("the event has {len} bytes, more than the limit of {limit}")]
    TooLong {
        /// Its length, in bytes.
        len: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("the event is not UTF-8")]
    NotUtf8,
    /// Not JSON.
    #[error("expected {0}")]
    Syntax(&'static str),
    /// A control character inside a string.
    #[error("a control character must be escaped in a string")]
    ControlCharacter,
    /// A `\u` escape that is half of a surrogate pair.
    #[error("a surrogate escape without its pair")]
    LoneSurrogate,
    /// Nested deeper than [`crate::event::MAX_DEPTH`].
    #[error("nested deeper than 32 levels")]
    TooDeep,
    /// Bytes after the event.
    #[error("the event ends here, but more follows")]
    Trailing,
    /// A key that its object has already.
    #[error("the key `{0}` occurs twice")]
    DuplicateKey(Box<str>),
    /// A group that only the runtime sets.
    #[error("`{0}` is set by the runtime and may not be submitted")]
    RuntimeOnly(Box<str>),
    /// A field that the flow needs.
    #[error("the flow needs this field, and the event does not have it")]
    Missing,
    /// A value of another type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What the declaration says.
        expected: Box<str>,
        /// What stands there.
        found: &'static str,
    },
    /// A value of the right type that the declared type does not hold.
    #[error("{0}")]
    BadValue(Box<str>),
}

/// A fault on its way out: the path is collected from the inside.
#[derive(Debug)]
pub(super) struct Found {
    offset: usize,
    fault: Fault,
    path: Vec<Segment>,
}

/// Boxed, so that the results of the reader's functions stay small.
pub(super) type Read<T> = Result<T, Box<Found>>;

impl Found {
    #[cold]
    pub(super) fn at(offset: usize, fault: Fault) -> Box<Self> {
        Box::new(Self { offset, fault, path: Vec::new() })
    }

    #[cold]
    pub(super) fn under_key(mut self: Box<Self>, key: &str) -> Box<Self> {
        self.path.push(Segment::Key(key.into()));
        self
    }

    #[cold]
    pub(super) fn under_index(mut self: Box<Self>, index: usize) -> Box<Self> {
        self.path.push(Segment::Index(index));
        self
    }
}

impl From<Box<Found>> for EventError {
    fn from(found: Box<Found>) -> Self {
        let Found { offset, fault, mut path } = *found;
        path.reverse();
        Self { path, offset, fault }
    }
}

/// `event.request.headers["x-a"][3]`
struct PathText<'a>(&'a [Segment]);

impl fmt::Display for PathText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("event")?;
        for segment in self.0 {
            match segment {
                Segment::Key(key) if is_word(key) => write!(f, ".{key}")?,
                Segment::Key(key) => write!(f, "[{key:?}]")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

fn is_word(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
