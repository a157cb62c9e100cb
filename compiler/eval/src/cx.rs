//! What an evaluation may use: an arena for new values, constants, and a bound on memory.

use std::cell::Cell;
use std::net::IpAddr;

use bumpalo::Bump;
use ipnet::IpNet;

use crate::consts::Consts;
use crate::error::EvalError;
use crate::value::{Map, Value};

/// Bytes that one evaluation may allocate, where nothing else is said: 4 MiB.
pub const MEMORY: u64 = 4 << 20;

/// The context of one evaluation. Every value that an expression makes is charged to the memory bound, so that no
/// expression, whatever its input, allocates more than the bound.
pub struct Cx<'a> {
    arena: &'a Bump,
    consts: &'a Consts,
    limit: u64,
    left: Cell<u64>,
}

impl<'a> Cx<'a> {
    /// A context with the default bound.
    pub fn new(arena: &'a Bump, consts: &'a Consts) -> Self {
        Self::with_limit(arena, consts, MEMORY)
    }

    /// A context that allocates at most `limit` bytes.
    pub fn with_limit(arena: &'a Bump, consts: &'a Consts, limit: u64) -> Self {
        Self { arena, consts, limit, left: Cell::new(limit) }
    }

    /// Makes the whole bound available again, for the next expression over the same arena.
    pub fn refill(&self) {
        self.left.set(self.limit);
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
        self.charge(size_of_val(values))?;
        Ok(self.arena.alloc_slice_copy(values))
    }

    /// A map of the entries, whose keys differ.
    pub fn map(&self, entries: &[(Value<'a>, Value<'a>)]) -> Result<&'a Map<'a>, EvalError> {
        self.charge(size_of_val(entries) + size_of::<Map<'_>>())?;
        Ok(self.arena.alloc(Map { entries: self.arena.alloc_slice_copy(entries) }))
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
