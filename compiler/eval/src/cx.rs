//! What an evaluation may use: an arena for new values, constants, and a bound on memory.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;

use bumpalo::Bump;
use ipnet::IpNet;
use regex::Regex;

use crate::consts::{Consts, regex};
use crate::error::EvalError;
use crate::value::{Map, Value};

/// Bytes that one evaluation may allocate, where nothing else is said: 4 MiB.
pub const MEMORY: u64 = 4 << 20;

/// Elements that the macros of one evaluation may walk over, where nothing else is said. Checked code stays far below
/// it, by its static cost bound; code that is not checked meets it.
pub const STEPS: u64 = 5_000_000;

/// The context of one evaluation. Every value that an expression makes is charged to the memory bound, so that no
/// expression, whatever its input, allocates more than the bound.
pub struct Cx<'a> {
    arena: &'a Bump,
    consts: &'a Consts,
    limit: u64,
    left: Cell<u64>,
    steps: Cell<u64>,
    pattern: RefCell<Option<(Box<str>, Regex)>>,
}

impl<'a> Cx<'a> {
    /// A context with the default bound.
    pub fn new(arena: &'a Bump, consts: &'a Consts) -> Self {
        Self::with_limit(arena, consts, MEMORY)
    }

    /// A context that allocates at most `limit` bytes.
    pub fn with_limit(arena: &'a Bump, consts: &'a Consts, limit: u64) -> Self {
        Self { arena, consts, limit, left: Cell::new(limit), steps: Cell::new(STEPS), pattern: RefCell::new(None) }
    }

    /// Makes the whole bound available again, for the next expression over the same arena.
    pub fn refill(&self) {
        self.left.set(self.limit);
        self.steps.set(STEPS);
    }

    /// The arena.
    pub fn arena(&self) -> &'a Bump {
        self.arena
    }

    /// The constants.
    pub fn consts(&self) -> &'a Consts {
        self.consts
    }

    /// Takes `bytes` from the bound. Call it before building something large.
    pub fn charge(&self, bytes: usize) -> Result<(), EvalError> {
        let left = self.left.get().checked_sub(bytes as u64).ok_or(EvalError::TooLarge(self.limit))?;
        self.left.set(left);
        Ok(())
    }

    /// Takes the elements that a macro is about to walk over from the bound on steps. Once it is used up no macro
    /// walks any more, so that macros in macros end however deep they nest.
    pub fn walk(&self, elements: usize) -> Result<(), EvalError> {
        let left = self.steps.get().checked_sub(elements as u64);
        self.steps.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or(EvalError::TooManySteps(STEPS))
    }

    /// The regular expression of a pattern that is not constant. The last one is kept: patterns seldom change within
    /// one evaluation, and compiling one costs far more than matching.
    pub fn regex(&self, pattern: &str) -> Result<Regex, EvalError> {
        let mut kept = self.pattern.borrow_mut();
        if let Some((text, regex)) = &*kept
            && **text == *pattern
        {
            return Ok(regex.clone());
        }
        let made = regex(pattern).map_err(|why| EvalError::Invalid(format!("bad regular expression: {why}").into()))?;
        *kept = Some((pattern.into(), made.clone()));
        Ok(made)
    }

    /// A copy of the text.
    pub fn str(&self, text: impl AsRef<str>) -> Result<&'a str, EvalError> {
        self.charge(text.as_ref().len())?;
        Ok(self.arena.alloc_str(text.as_ref()))
    }

    /// A copy of the bytes.
    pub fn bytes(&self, bytes: &[u8]) -> Result<&'a [u8], EvalError> {
        self.charge(bytes.len())?;
        Ok(self.arena.alloc_slice_copy(bytes))
    }

    /// A list of the values.
    pub fn list(&self, values: &[Value<'a>]) -> Result<&'a [Value<'a>], EvalError> {
        self.charge_whole(values.iter().copied())?;
        Ok(self.arena.alloc_slice_copy(values))
    }

    /// A map of the entries, whose keys differ.
    pub fn map(&self, entries: &[(Value<'a>, Value<'a>)]) -> Result<&'a Map<'a>, EvalError> {
        self.charge_whole(entries.iter().flat_map(|(key, value)| [*key, *value]))?;
        self.charge(size_of::<Map<'_>>())?;
        Ok(self.arena.alloc(Map { entries: self.arena.alloc_slice_copy(entries) }))
    }

    /// Charges values that go into a list or map with all they hold. A list may hold another one many times over
    /// without taking room; written out it would, and comparing it takes time accordingly.
    pub(crate) fn charge_whole(&self, values: impl IntoIterator<Item = Value<'a>>) -> Result<(), EvalError> {
        let mut left = self.left.get();
        let fits = values.into_iter().all(|value| weigh(value, &mut left));
        self.left.set(left);
        if fits { Ok(()) } else { Err(EvalError::TooLarge(self.limit)) }
    }

    /// A value behind a reference.
    pub fn value(&self, value: Value<'a>) -> Result<&'a Value<'a>, EvalError> {
        self.charge(size_of::<Value<'_>>())?;
        Ok(self.arena.alloc(value))
    }

    /// `optional.of(value)`
    pub fn some(&self, value: Value<'a>) -> Result<Value<'a>, EvalError> {
        Ok(Value::Optional(Some(self.value(value)?)))
    }

    /// An IP address.
    pub fn ip(&self, address: IpAddr) -> Result<Value<'a>, EvalError> {
        self.charge(size_of::<IpAddr>())?;
        Ok(Value::Ip(self.arena.alloc(address)))
    }

    /// A CIDR block.
    pub fn cidr(&self, block: IpNet) -> Result<Value<'a>, EvalError> {
        self.charge(size_of::<IpNet>())?;
        Ok(Value::Cidr(self.arena.alloc(block)))
    }
}

/// Takes what a value holds, written out, from the bytes left; false when they do not suffice.
fn weigh(value: Value<'_>, left: &mut u64) -> bool {
    let own = match value {
        Value::Str(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Absent
        | Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Timestamp(_)
        | Value::Duration(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Optional(_)
        | Value::Type(_)
        | Value::Ip(_)
        | Value::Cidr(_) => 0,
    };
    let Some(rest) = left.checked_sub((own + size_of::<Value<'_>>()) as u64) else { return false };
    *left = rest;
    match value {
        Value::List(items) => items.iter().all(|item| weigh(*item, left)),
        Value::Map(map) => map.entries.iter().all(|(key, value)| weigh(*key, left) && weigh(*value, left)),
        Value::Optional(Some(inner)) => weigh(*inner, left),
        _ => true,
    }
}
