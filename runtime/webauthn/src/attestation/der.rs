//! DER (X.690) as far as extensions of attestation need it: one tag, length and value after the other.

/// Class and number of a tag; constructed or not is left to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Universal(u32),
    Context(u32),
    Other,
}

pub(crate) const INTEGER: Tag = Tag::Universal(2);
pub(crate) const OCTET_STRING: Tag = Tag::Universal(4);
pub(crate) const OID: Tag = Tag::Universal(6);
pub(crate) const SEQUENCE: Tag = Tag::Universal(16);

/// The first value: its tag, its content, and what follows it.
pub(crate) fn tlv(bytes: &[u8]) -> Option<(Tag, &[u8], &[u8])> {
    let (head, mut rest) = bytes.split_first()?;
    let mut number = u32::from(head & 0x1f);
    if number == 0x1f {
        number = 0;
        loop {
            let (next, after) = rest.split_first()?;
            rest = after;
            number = number.checked_mul(128)?.checked_add(u32::from(next & 0x7f))?;
            if next & 0x80 == 0 {
                break;
            }
        }
    }
    let tag = match head >> 6 {
        0 => Tag::Universal(number),
        2 => Tag::Context(number),
        _ => Tag::Other,
    };
    let (length, rest) = length(rest)?;
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The content of a value that is all of the bytes and has this tag.
pub(crate) fn only(bytes: &[u8], tag: Tag) -> Option<&[u8]> {
    let (found, content, rest) = tlv(bytes)?;
    (found == tag && rest.is_empty()).then_some(content)
}

/// The values of a sequence's content.
pub(crate) fn items(mut bytes: &[u8]) -> Option<Vec<(Tag, &[u8])>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (tag, content, rest) = tlv(bytes)?;
        found.push((tag, content));
        bytes = rest;
    }
    Some(found)
}

/// Modulus and exponent of an RSA key (RFC 8017 appendix A.1.1), without the zero that keeps them positive.
pub(crate) fn rsa_key(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let items = items(only(bytes, SEQUENCE)?)?;
    let [(INTEGER, n), (INTEGER, e)] = items.as_slice() else { return None };
    Some((positive(n)?, positive(e)?))
}

fn positive(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0, next, ..] if *next >= 0x80 => bytes.get(1..),
        [first, ..] if (1..0x80).contains(first) => Some(bytes),
        _ => None,
    }
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    if *first < 0x80 {
        return Some((usize::from(*first), rest));
    }
    let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    // The shortest form only, and never indefinite.
    if digits.is_empty() || digits.len() > 4 || digits.first() == Some(&0) {
        return None;
    }
    let length = digits.iter().fold(0, |length: usize, digit| length << 8 | usize::from(*digit));
    (length >= 0x80).then_some((length, rest))
}
