//! How a block's modifiers are written: one byte says which it has, then those alone. Most blocks have none, and a plan is
//! mostly blocks.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeTuple as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bundle::{BlockNode, OnError};

const ACTION: u8 = 1;
const RETRY: u8 = 1 << 1;
const ON_ERROR: u8 = 1 << 2;
const ASYNC: u8 = 1 << 3;
const SETS: u8 = 1 << 4;
const PROVIDES: u8 = 1 << 5;
const ENSURES: u8 = 1 << 6;
const ALL: u8 = (1 << 7) - 1;

/// Block, config, time-out and the byte come first, whatever it says; `ASYNC` has no part of its own.
const FIRST: usize = 4;
const MOST: usize = FIRST + 6;

impl Serialize for BlockNode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { block, action, config, timeout, retry, on_error, is_async, sets, provides, ensures } = self;
        let bit = |flag: u8, has: bool| if has { flag } else { 0 };
        let parts = bit(ACTION, action.is_some())
            | bit(RETRY, retry.is_some())
            | bit(ON_ERROR, *on_error != OnError::Halt)
            | bit(SETS, !sets.is_empty())
            | bit(PROVIDES, !provides.is_empty())
            | bit(ENSURES, !ensures.is_empty());
        let mut out = serializer.serialize_tuple(FIRST + parts.count_ones() as usize)?;
        out.serialize_element(block)?;
        out.serialize_element(config)?;
        out.serialize_element(timeout)?;
        out.serialize_element(&(parts | bit(ASYNC, *is_async)))?;
        if let Some(action) = action {
            out.serialize_element(action)?;
        }
        if let Some(retry) = retry {
            out.serialize_element(retry)?;
        }
        if parts & ON_ERROR != 0 {
            out.serialize_element(on_error)?;
        }
        if parts & SETS != 0 {
            out.serialize_element(sets)?;
        }
        if parts & PROVIDES != 0 {
            out.serialize_element(provides)?;
        }
        if parts & ENSURES != 0 {
            out.serialize_element(ensures)?;
        }
        out.end()
    }
}

impl<'de> Deserialize<'de> for BlockNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(MOST, Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = BlockNode;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a block with its modifiers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<BlockNode, A::Error> {
        let block = next(&mut seq)?;
        let config = next(&mut seq)?;
        let timeout = next(&mut seq)?;
        let has: u8 = next(&mut seq)?;
        if has & !ALL != 0 {
            return Err(A::Error::custom("unknown modifiers"));
        }
        Ok(BlockNode {
            block,
            config,
            timeout,
            action: if has & ACTION != 0 { Some(next(&mut seq)?) } else { None },
            retry: if has & RETRY != 0 { Some(next(&mut seq)?) } else { None },
            on_error: if has & ON_ERROR != 0 { next(&mut seq)? } else { OnError::Halt },
            is_async: has & ASYNC != 0,
            sets: if has & SETS != 0 { next(&mut seq)? } else { Vec::new() },
            provides: if has & PROVIDES != 0 { next(&mut seq)? } else { Vec::new() },
            ensures: if has & ENSURES != 0 { next(&mut seq)? } else { Vec::new() },
        })
    }
}

fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(seq: &mut A) -> Result<T, A::Error> {
    seq.next_element()?.ok_or_else(|| A::Error::custom("a block ends too early"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::SetEffect;
    use crate::code::Expr;

    fn plain() -> BlockNode {
        BlockNode {
            block: 3,
            action: None,
            config: Vec::new(),
            timeout: 5,
            retry: None,
            on_error: OnError::Halt,
            is_async: false,
            sets: Vec::new(),
            provides: Vec::new(),
            ensures: Vec::new(),
        }
    }

    #[test]
    fn each_modifier_is_read_as_it_was_written_and_costs_nothing_where_it_is_not() {
        assert_eq!(postcard::to_allocvec(&plain()).unwrap(), [3, 0, 5, 0]);
        let set = SetEffect { path: vec![1], to: None, when: None };
        let many = [
            BlockNode { retry: Some((2, 100)), ..plain() },
            BlockNode { on_error: OnError::Deny(7), ..plain() },
            BlockNode { on_error: OnError::Continue, is_async: true, ..plain() },
            BlockNode { sets: vec![set.clone()], ..plain() },
            BlockNode { provides: vec![(vec![2], None)], ..plain() },
            BlockNode { ensures: vec![(Expr::Null, None)], sets: vec![set], retry: Some((1, 1)), ..plain() },
        ];
        for node in many {
            let bytes = postcard::to_allocvec(&(&node, 9_u8)).unwrap();
            assert_eq!(postcard::from_bytes::<(BlockNode, u8)>(&bytes).unwrap(), (node, 9));
        }
    }

    #[test]
    fn unknown_modifiers_and_cut_off_ones_are_refused() {
        assert!(postcard::from_bytes::<BlockNode>(&[3, 0, 5, 1 << 7]).is_err());
        assert!(postcard::from_bytes::<BlockNode>(&[3, 0, 5, RETRY, 1]).is_err());
    }
}
