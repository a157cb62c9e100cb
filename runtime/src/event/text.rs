//! Strings of JSON: finding their end eight bytes at a time, and their escapes.

use crate::event::cursor::Cursor;
use crate::event::error::{Fault, Read};
use crate::event::shape::KeyHead;

/// Each byte one.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The high bit of each byte.
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Where, from `at` on, the first quote, backslash or control character stands; the length where there is none.
#[inline]
pub(super) fn first_special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = word_at(bytes, at) {
        let special = specials(word);
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        at += 1;
    }
    at
}

/// The head of the key that stands at `start` and has `len` bytes.
#[inline]
pub(super) fn head_of(bytes: &[u8], start: usize, len: usize) -> KeyHead {
    match word_at(bytes, start) {
        Some(word) if len < 8 => KeyHead { word: word & ((1 << (8 * len)) - 1), len: len as u32 },
        Some(word) => KeyHead { word, len: len as u32 },
        None => KeyHead::of(bytes.get(start..start + len).unwrap_or_default()),
    }
}

#[inline]
fn word_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// The high bit of the lowest byte that is a quote, a backslash or a control character is set, and no lower bit;
/// higher ones may be set wrongly (the borrow of the subtraction), so only the lowest counts.
#[inline]
fn specials(word: u64) -> u64 {
    let quote = word ^ (ONES * u64::from(b'"'));
    let backslash = word ^ (ONES * u64::from(b'\\'));
    let zero = |x: u64| x.wrapping_sub(ONES) & !x;
    (zero(quote) | zero(backslash) | (word.wrapping_sub(ONES * 0x20) & !word)) & HIGHS
}

impl<'a> Cursor<'a> {
    /// A string, from its quote: borrowed where it has no escapes, else in the arena.
    #[inline]
    pub(super) fn string(&mut self) -> Read<&'a str> {
        let start = self.pos + 1;
        let end = first_special(self.bytes, start);
        if self.bytes.get(end) == Some(&b'"') {
            self.pos = end + 1;
            return Ok(self.text.get(start..end).unwrap_or_default());
        }
        self.string_with_escapes()
    }

    /// Passes over a string, from its quote.
    #[inline]
    pub(super) fn skip_string(&mut self) -> Read<()> {
        self.pos = first_special(self.bytes, self.pos + 1);
        while self.bytes.get(self.pos) != Some(&b'"') {
            self.escape()?;
            self.pos = first_special(self.bytes, self.pos);
        }
        self.pos += 1;
        Ok(())
    }

    #[cold]
    fn string_with_escapes(&mut self) -> Read<&'a str> {
        let mut out = bumpalo::collections::String::new_in(self.arena);
        self.pos += 1;
        loop {
            let start = self.pos;
            self.pos = first_special(self.bytes, start);
            out.push_str(self.text.get(start..self.pos).unwrap_or_default());
            if self.bytes.get(self.pos) == Some(&b'"') {
                self.pos += 1;
                return Ok(out.into_bump_str());
            }
            out.push(self.escape()?);
        }
    }

    /// One escape, from its backslash; whatever else can end a run of plain characters is an error.
    #[cold]
    fn escape(&mut self) -> Read<char> {
        match self.bytes.get(self.pos) {
            Some(b'\\') => {}
            Some(_) => return self.fault(Fault::ControlCharacter),
            None => return self.syntax("the closing quote of a string"),
        }
        let plain = match self.bytes.get(self.pos + 1) {
            Some(b'u') => return self.unicode_escape(),
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(*byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            _ => return self.syntax("an escape of JSON"),
        };
        self.pos += 2;
        Ok(plain)
    }

    fn unicode_escape(&mut self) -> Read<char> {
        let first = self.hex_at(self.pos + 2)?;
        if let Some(plain) = char::from_u32(first) {
            self.pos += 6;
            return Ok(plain);
        }
        if first >= 0xdc00 || self.bytes.get(self.pos + 6..self.pos + 8) != Some(b"\\u") {
            return self.fault(Fault::LoneSurrogate);
        }
        let second = self.hex_at(self.pos + 8)?;
        if !(0xdc00..=0xdfff).contains(&second) {
            return self.fault(Fault::LoneSurrogate);
        }
        self.pos += 12;
        Ok(char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
            .unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex_at(&self, at: usize) -> Read<u32> {
        let mut code = 0;
        for offset in 0..4 {
            let digit = self.bytes.get(at + offset).and_then(|byte| char::from(*byte).to_digit(16));
            match digit {
                Some(digit) => code = code * 16 + digit,
                None => return self.syntax("four hexadecimal digits"),
            }
        }
        Ok(code)
    }
}
