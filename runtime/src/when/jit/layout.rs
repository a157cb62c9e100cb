//! How a value lies in memory, as machine code reads it.

use admit_eval::value::Value;

/// Bytes of a value; lists are rows of them.
pub(super) const VALUE_SIZE: i32 = 24;
/// Offset of the payload: of a string or list, the address of its first byte or element.
pub(super) const PAYLOAD: i32 = 8;
/// Offset of the length of a string or list.
pub(super) const SECOND: i32 = 16;

/// The tags that machine code tests or writes; the order of [`Value`]'s variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Tag {
    Absent = 0,
    Bool = 2,
    Int = 3,
    Uint = 4,
    Double = 5,
    Str = 6,
    List = 10,
    Optional = 12,
}

/// Whether values lie in memory as emitted code assumes. `Value` is `repr(C, u8)`, which fixes all but the order of the
/// two words of `&str` and `&[Value]`; where that differs nothing is compiled, and the interpreter runs.
pub(super) fn is_known() -> bool {
    if size_of::<Value<'_>>() != VALUE_SIZE as usize || align_of::<Value<'_>>() != 8 || cfg!(target_endian = "big") {
        return false;
    }
    let text = "four";
    let items = [Value::Null, Value::Null];
    let inner = Value::Null;
    let cases: [(Value<'_>, Tag, u64, Option<u64>); 9] = [
        (Value::Absent, Tag::Absent, 0, None),
        (Value::Bool(true), Tag::Bool, 1, None),
        (Value::Int(-2), Tag::Int, (-2i64).cast_unsigned(), None),
        (Value::Uint(7), Tag::Uint, 7, None),
        (Value::Double(1.5), Tag::Double, 1.5f64.to_bits(), None),
        (Value::Str(text), Tag::Str, text.as_ptr() as u64, Some(4)),
        (Value::Optional(None), Tag::Optional, 0, None),
        (Value::Optional(Some(&inner)), Tag::Optional, std::ptr::from_ref(&inner) as u64, None),
        (Value::List(&items), Tag::List, items.as_ptr() as u64, Some(2)),
    ];
    cases.iter().all(|(value, tag, payload, second)| {
        let at = std::ptr::from_ref(value);
        // SAFETY: `at` is a live value of 24 bytes, aligned to 8 (checked above). `repr(C, u8)` puts an initialised tag
        // at offset 0 and the variant's fields from offset 8 on; only words that the variant at hand has are read,
        // and of a bool only its one byte.
        unsafe {
            let tag_found = at.cast::<u8>().read();
            let payload_found = match value {
                Value::Absent => 0,
                Value::Bool(_) => u64::from(at.cast::<u8>().add(PAYLOAD as usize).read()),
                _ => at.cast::<u8>().add(PAYLOAD as usize).cast::<u64>().read(),
            };
            let second_found = second.map(|_| at.cast::<u8>().add(SECOND as usize).cast::<u64>().read());
            tag_found == *tag as u8 && payload_found == *payload && second_found == *second
        }
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn values_lie_as_emitted_code_assumes() {
        assert!(super::is_known());
    }
}
