//! CBOR in the canonical form of CTAP2 (CTAP 2.1 section 8; WebAuthn section 2 asks decoders to refuse any other): shortest
//! integers and lengths, no indefinite lengths, sorted unique keys, no tags, no floats, four levels at most.
//!
//! Libraries read more than this, and what they have read no longer shows its form. The subset is small enough to read
//! strictly at once; a test compares it with a library.

use crate::Refusal;

/// Levels of arrays and maps (CTAP 2.1 section 8).
const DEEPEST: u8 = 4;

/// An item; strings stay where they are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item<'b> {
    /// Major types 0 and 1.
    Int(i64),
    Bytes(&'b [u8]),
    Text(&'b str),
    Array(Vec<Item<'b>>),
    Map(Vec<(Item<'b>, Item<'b>)>),
    Bool(bool),
    Null,
}

impl<'b> Item<'b> {
    /// An item that is all of the bytes.
    pub(crate) fn read(bytes: &'b [u8]) -> Result<Self, Refusal> {
        let (item, rest) = Self::read_first(bytes)?;
        if rest.is_empty() { Ok(item) } else { Err(Refusal::Cbor("bytes follow its end")) }
    }

    /// The first item, and the bytes after it.
    pub(crate) fn read_first(bytes: &'b [u8]) -> Result<(Self, &'b [u8]), Refusal> {
        item(bytes, DEEPEST)
    }

    /// The value under an integer key.
    pub(crate) fn at(&self, key: i64) -> Option<&Self> {
        self.find(&Item::Int(key))
    }

    /// The value under a text key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(known, _)| matches!(known, Item::Text(known) if *known == key)).map(|(_, value)| value)
    }

    /// How many entries a map has; 0 where it is none.
    pub(crate) fn entries(&self) -> usize {
        if let Self::Map(entries) = self { entries.len() } else { 0 }
    }

    pub(crate) fn int(&self) -> Option<i64> {
        if let Self::Int(value) = self { Some(*value) } else { None }
    }

    pub(crate) fn bytes(&self) -> Option<&'b [u8]> {
        if let Self::Bytes(value) = self { Some(value) } else { None }
    }

    pub(crate) fn text(&self) -> Option<&'b str> {
        if let Self::Text(value) = self { Some(value) } else { None }
    }

    fn find(&self, key: &Item<'_>) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }
}

fn item(bytes: &[u8], levels: u8) -> Result<(Item<'_>, &[u8]), Refusal> {
    let (head, rest) = bytes.split_first().ok_or(Refusal::Cbor("it is cut off"))?;
    let (major, info) = (head >> 5, head & 0x1f);
    if major == 7 {
        let item = match info {
            20 => Item::Bool(false),
            21 => Item::Bool(true),
            22 => Item::Null,
            _ => return Err(Refusal::Cbor("floats and other simple values have no place in it")),
        };
        return Ok((item, rest));
    }
    let (number, rest) = argument(info, rest)?;
    match major {
        0 => Ok((Item::Int(integer(number)?), rest)),
        1 => Ok((Item::Int(-1 - integer(number)?), rest)),
        2 => string(number, rest).map(|(bytes, rest)| (Item::Bytes(bytes), rest)),
        3 => {
            let (bytes, rest) = string(number, rest)?;
            let text = std::str::from_utf8(bytes).map_err(|_| Refusal::Cbor("a text is not UTF-8"))?;
            Ok((Item::Text(text), rest))
        }
        4 => array(number, rest, deeper(levels)?),
        5 => map(number, rest, deeper(levels)?),
        _ => Err(Refusal::Cbor("tags have no place in it")),
    }
}

/// The number of an item's head, in its shortest form.
fn argument(info: u8, bytes: &[u8]) -> Result<(u64, &[u8]), Refusal> {
    let width = match info {
        0..=23 => return Ok((u64::from(info), bytes)),
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        31 => return Err(Refusal::Cbor("a length is indefinite")),
        _ => return Err(Refusal::Cbor("a head is reserved")),
    };
    let (number, rest) = bytes.split_at_checked(width).ok_or(Refusal::Cbor("it is cut off"))?;
    let number = number.iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    let least = match width {
        1 => 24,
        2 => 1 << 8,
        4 => 1 << 16,
        _ => 1 << 32,
    };
    if number < least { Err(Refusal::Cbor("a number is not in its shortest form")) } else { Ok((number, rest)) }
}

fn integer(number: u64) -> Result<i64, Refusal> {
    i64::try_from(number).map_err(|_| Refusal::Cbor("a number is too large"))
}

fn string(length: u64, bytes: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    let length = usize::try_from(length).map_err(|_| Refusal::Cbor("it is cut off"))?;
    bytes.split_at_checked(length).ok_or(Refusal::Cbor("it is cut off"))
}

fn deeper(levels: u8) -> Result<u8, Refusal> {
    levels.checked_sub(1).ok_or(Refusal::Cbor("it nests too deeply"))
}

fn array(count: u64, mut bytes: &[u8], levels: u8) -> Result<(Item<'_>, &[u8]), Refusal> {
    // Not reserved by what the head says: it may lie.
    let mut items = Vec::new();
    for _ in 0..count {
        let (next, rest) = item(bytes, levels)?;
        items.push(next);
        bytes = rest;
    }
    Ok((Item::Array(items), bytes))
}

fn map(count: u64, mut bytes: &[u8], levels: u8) -> Result<(Item<'_>, &[u8]), Refusal> {
    let mut entries = Vec::new();
    let mut before: Option<&[u8]> = None;
    for _ in 0..count {
        let (key, after_key) = item(bytes, levels)?;
        if !matches!(key, Item::Int(_) | Item::Text(_)) {
            return Err(Refusal::Cbor("a key is neither a number nor a text"));
        }
        let encoded = bytes.get(..bytes.len() - after_key.len()).unwrap_or_default();
        match before.map(|before| order(before).cmp(&order(encoded))) {
            None | Some(std::cmp::Ordering::Less) => {}
            Some(std::cmp::Ordering::Equal) => return Err(Refusal::Cbor("a key stands twice")),
            Some(std::cmp::Ordering::Greater) => return Err(Refusal::Cbor("the keys are not in order")),
        }
        before = Some(encoded);
        let (value, rest) = item(after_key, levels)?;
        entries.push((key, value));
        bytes = rest;
    }
    Ok((Item::Map(entries), bytes))
}

/// Keys are in order by major type, then length, then bytes.
fn order(key: &[u8]) -> (u8, usize, &[u8]) {
    (key.first().map_or(0, |head| head >> 5), key.len(), key)
}

#[cfg(test)]
#[path = "cbor/tests.rs"]
mod tests;
