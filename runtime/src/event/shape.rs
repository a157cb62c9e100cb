//! What a flow reads of an event: a tree of the paths that its slots name, built once per flow.

use admit_eval::value::{Map, Value};
use admit_plan::code::{Pool, Slot, Source};
use admit_plan::types::{Double, Kind, Range, Type};
use smol_str::SmolStr;

use crate::event::RUNTIME_GROUPS;

/// What a flow reads of an event.
#[derive(Clone, Debug)]
pub struct Shape {
    pub(super) root: Node,
    /// Every event slot, to be emptied before an event is read.
    pub(super) slots: Box<[usize]>,
    /// Paths that every event must have.
    pub(super) required: Box<[Required]>,
}

/// A path or a part of one.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// Slots that hold the value here; more than one only if a plan repeats itself.
    pub(super) targets: Vec<Target>,
    /// Fields below that are named too.
    pub(super) children: Keys<Node>,
    /// Only the runtime sets it.
    pub(super) runtime_only: bool,
}

/// A slot and what it holds.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) slot: usize,
    pub(super) want: Want,
}

/// A slot that may not be absent.
#[derive(Clone, Debug)]
pub(super) struct Required {
    pub(super) slot: usize,
    pub(super) path: Box<[SmolStr]>,
    /// What it is where the event says nothing: see [`empty`].
    pub(super) empty: Option<Value<'static>>,
}

/// A declared type, ready for reading.
#[derive(Clone, Debug)]
pub(super) enum Want {
    Dyn,
    Null,
    Bool,
    Int(Range<i64>),
    Uint(Range<u64>),
    Double(Range<Double>),
    Str,
    Enum(Box<[SmolStr]>),
    Bytes,
    Timestamp,
    Duration,
    Ip,
    Cidr,
    List(Box<Want>),
    Map(Box<(Want, Want)>),
    Record(Keys<RecordField>),
    /// No JSON text stands for such a value.
    Never,
}

/// A field of a record.
#[derive(Clone, Debug)]
pub(super) struct RecordField {
    pub(super) want: Want,
    pub(super) optional: bool,
}

/// Names and what they mean: an open-addressed table over the first eight bytes and the length, which together decide
/// nearly every comparison.
#[derive(Clone, Debug)]
pub(super) struct Keys<T> {
    entries: Vec<(KeyHead, SmolStr, T)>,
    /// Index into `entries` plus one; zero is empty. A power of two long, and less than half full.
    table: Box<[u16]>,
}

/// A key's length and first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyHead {
    /// First eight bytes, little endian, zeros after a short key's end.
    pub(super) word: u64,
    pub(super) len: u32,
}

impl Shape {
    /// The shape of a flow with these slots. Paths longer than an event can be nested are never there.
    pub fn new(pool: &Pool, slots: &[Slot]) -> Self {
        let mut root = Node::default();
        for group in RUNTIME_GROUPS {
            root.children.get_or_insert(group).runtime_only = true;
        }
        let mut event_slots = Vec::new();
        let mut required = Vec::new();
        for (index, slot) in slots.iter().enumerate() {
            let Source::Event(path) = &slot.source else { continue };
            let path: Box<[SmolStr]> =
                path.iter().map(|id| pool.strings.get(*id as usize).cloned().unwrap_or_default()).collect();
            event_slots.push(index);
            let by_runtime = path.first().is_none_or(|group| RUNTIME_GROUPS.contains(&group.as_str()));
            if !slot.maybe_absent && !by_runtime {
                required.push(Required { slot: index, path: path.clone(), empty: empty(slot.ty.present()) });
            }
            let mut node = &mut root;
            for name in &path {
                node = node.children.get_or_insert(name);
            }
            node.targets.push(Target { slot: index, want: Want::of(slot.ty.present()) });
        }
        Self { root, slots: event_slots.into(), required: required.into() }
    }
}

/// What a field is that is declared to be always there and that the event leaves out (blocks.md): flags are false, lists
/// and maps are empty. None: the event must have it.
pub(crate) fn empty(ty: &Type) -> Option<Value<'static>> {
    match ty.kind {
        Kind::Bool => Some(Value::Bool(false)),
        Kind::List(_) => Some(Value::List(&[])),
        Kind::Map(..) => Some(Value::Map(&Map { entries: &[] })),
        Kind::Error
        | Kind::Dyn
        | Kind::Null
        | Kind::Int(_)
        | Kind::Uint(_)
        | Kind::Double(_)
        | Kind::String
        | Kind::Enum(_)
        | Kind::Bytes
        | Kind::Timestamp
        | Kind::Duration
        | Kind::Record(_)
        | Kind::Optional(_)
        | Kind::Type
        | Kind::Ip
        | Kind::Cidr => None,
    }
}

impl Want {
    fn of(ty: &Type) -> Self {
        match &ty.kind {
            Kind::Dyn => Self::Dyn,
            Kind::Null => Self::Null,
            Kind::Bool => Self::Bool,
            Kind::Int(range) => Self::Int(*range),
            Kind::Uint(range) => Self::Uint(*range),
            Kind::Double(range) => Self::Double(*range),
            Kind::String => Self::Str,
            Kind::Enum(words) => Self::Enum(words.iter().cloned().collect()),
            Kind::Bytes => Self::Bytes,
            Kind::Timestamp => Self::Timestamp,
            Kind::Duration => Self::Duration,
            Kind::Ip => Self::Ip,
            Kind::Cidr => Self::Cidr,
            Kind::List(item) => Self::List(Box::new(Self::of(item))),
            Kind::Map(key, value) => Self::Map(Box::new((Self::of(key), Self::of(value)))),
            Kind::Record(fields) => {
                let mut keys = Keys::default();
                for field in fields.iter() {
                    *keys.get_or_insert(&field.name) = RecordField {
                        want: Self::of(field.ty.present()),
                        optional: matches!(field.ty.kind, Kind::Optional(_)),
                    };
                }
                Self::Record(keys)
            }
            // An optional inside a list or map has no JSON form of its own.
            Kind::Optional(inner) => Self::of(inner),
            Kind::Error | Kind::Type => Self::Never,
        }
    }

    /// As a message names it, with its article.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Dyn => "a value",
            Self::Null => "null",
            Self::Bool => "a bool",
            Self::Int(_) => "an int",
            Self::Uint(_) => "a uint",
            Self::Double(_) => "a double",
            Self::Str => "a string",
            Self::Enum(_) => "a word",
            Self::Bytes => "bytes in base64",
            Self::Timestamp => "a timestamp",
            Self::Duration => "a duration",
            Self::Ip => "an IP address",
            Self::Cidr => "a CIDR block",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Record(_) => "a record",
            Self::Never => "nothing",
        }
    }
}

impl Default for RecordField {
    fn default() -> Self {
        Self { want: Want::Never, optional: true }
    }
}

impl<T> Default for Keys<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), table: Box::new([0]) }
    }
}

impl<T> Keys<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&SmolStr, &T)> {
        self.entries.iter().map(|(_, name, value)| (name, value))
    }

    /// The place and value of a name.
    #[inline]
    pub(super) fn get(&self, head: KeyHead, name: &str) -> Option<(usize, &T)> {
        let mask = self.table.len() - 1;
        let mut at = head.hash() as usize & mask;
        loop {
            let index = usize::from(*self.table.get(at)?).checked_sub(1)?;
            let (known, text, value) = self.entries.get(index)?;
            if *known == head && (head.len <= 8 || text == name) {
                return Some((index, value));
            }
            at = (at + 1) & mask;
        }
    }
}

impl<T: Default> Keys<T> {
    fn get_or_insert(&mut self, name: &str) -> &mut T {
        let head = KeyHead::of(name.as_bytes());
        let index = match self.get(head, name) {
            Some((index, _)) => index,
            None => {
                self.entries.push((head, name.into(), T::default()));
                self.rebuild();
                self.entries.len() - 1
            }
        };
        #[expect(clippy::indexing_slicing, reason = "found or pushed just now")]
        &mut self.entries[index].2
    }

    fn rebuild(&mut self) {
        let size = (self.entries.len() * 2 + 1).next_power_of_two();
        let mut table = vec![0u16; size].into_boxed_slice();
        for (index, (head, _, _)) in self.entries.iter().enumerate() {
            let mut at = head.hash() as usize & (size - 1);
            while table.get(at).is_some_and(|taken| *taken != 0) {
                at = (at + 1) & (size - 1);
            }
            // Names over 65,535 in one record are beyond what a source or plan may hold; they are never found.
            if let (Some(place), Ok(id)) = (table.get_mut(at), u16::try_from(index + 1)) {
                *place = id;
            }
        }
        self.table = table;
    }
}

impl KeyHead {
    pub(super) fn of(key: &[u8]) -> Self {
        let mut head = [0; 8];
        for (to, from) in head.iter_mut().zip(key) {
            *to = *from;
        }
        Self { word: u64::from_le_bytes(head), len: key.len() as u32 }
    }

    /// Spread over the low bits and over the high ones alike. Not keyed: those who must not be slowed down by chosen
    /// keys use it only to tell keys apart early.
    #[inline]
    pub(super) fn hash(self) -> u64 {
        let mixed = (self.word ^ u64::from(self.len)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed ^ (mixed >> 32)
    }
}
