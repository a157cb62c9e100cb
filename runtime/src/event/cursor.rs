//! The reader of JSON text (RFC 8259): a position in bytes that are known to be UTF-8, and the grammar.

use bumpalo::Bump;

use crate::event::MAX_DEPTH;
use crate::event::error::{Fault, Found, Read};
use crate::event::shape::KeyHead;
use crate::event::text::{first_special, head_of};

/// Objects with up to this many keys are searched key by key, where the early test cannot rule a repeat out; larger
/// ones are sorted once at their end, so that no input costs quadratic time.
const FEW_KEYS: usize = 24;

/// A position in an event.
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) pos: usize,
    pub(super) arena: &'a Bump,
    depth: u32,
    /// Keys of the objects that are open, with their offsets; each object owns the tail from where it began.
    keys: Vec<(&'a str, u32)>,
}

/// A number as written.
pub(super) struct Number<'a> {
    pub(super) text: &'a str,
    /// It has neither fraction nor exponent.
    pub(super) whole: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str, arena: &'a Bump) -> Self {
        Self { text, bytes: text.as_bytes(), pos: 0, arena, depth: 0, keys: Vec::with_capacity(64) }
    }

    /// The byte here, after white space; zero at the end, which no rule of the grammar accepts.
    #[inline]
    pub(super) fn peek(&mut self) -> u8 {
        loop {
            match self.bytes.get(self.pos) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.pos += 1,
                Some(byte) => return *byte,
                None => return 0,
            }
        }
    }

    pub(super) fn fault<T>(&self, fault: Fault) -> Read<T> {
        Err(Found::at(self.pos, fault))
    }

    pub(super) fn syntax<T>(&self, expected: &'static str) -> Read<T> {
        self.fault(Fault::Syntax(expected))
    }

    /// Reads an object, from its brace; `each` reads the value of one key.
    #[inline]
    pub(super) fn object(&mut self, mut each: impl FnMut(&mut Self, &'a str, KeyHead, usize) -> Read<()>) -> Read<()> {
        self.enter()?;
        let first = self.keys.len();
        let mut seen = 0u64;
        if self.peek() == b'}' {
            self.leave();
            return Ok(());
        }
        loop {
            if self.peek() != b'"' {
                return self.syntax("a key in double quotes");
            }
            let at = self.pos;
            let (key, head) = self.key()?;
            let bit = 1u64 << (head.hash() >> 58);
            if seen & bit != 0 {
                self.check_few(first, key, at)?;
            }
            seen |= bit;
            self.keys.push((key, at as u32));
            if self.peek() != b':' {
                return self.syntax("`:`");
            }
            self.pos += 1;
            self.peek();
            if let Err(found) = each(self, key, head, at) {
                return Err(found.under_key(key));
            }
            match self.peek() {
                b',' => self.pos += 1,
                b'}' => break,
                _ => return self.syntax("`,` or `}`"),
            }
        }
        if self.keys.len() - first > FEW_KEYS {
            self.check_many(first)?;
        }
        self.keys.truncate(first);
        self.leave();
        Ok(())
    }

    /// Reads an array, from its bracket; `each` reads one element.
    #[inline]
    pub(super) fn array(&mut self, mut each: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        self.enter()?;
        if self.peek() == b']' {
            self.leave();
            return Ok(());
        }
        let mut index = 0;
        loop {
            self.peek();
            if let Err(found) = each(self) {
                return Err(found.under_index(index));
            }
            index += 1;
            match self.peek() {
                b',' => self.pos += 1,
                b']' => break,
                _ => return self.syntax("`,` or `]`"),
            }
        }
        self.leave();
        Ok(())
    }

    /// Passes over any value.
    pub(super) fn skip(&mut self) -> Read<()> {
        match self.peek() {
            b'"' => self.skip_string(),
            b'{' => self.object(|this, _, _, _| this.skip()),
            b'[' => self.array(Self::skip),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            _ => self.syntax("a value"),
        }
    }

    /// `true`, `false` or `null`.
    #[inline]
    pub(super) fn word(&mut self, word: &'static str) -> Read<()> {
        let end = self.pos + word.len();
        if self.bytes.get(self.pos..end) != Some(word.as_bytes()) {
            return self.syntax("a value");
        }
        self.pos = end;
        Ok(())
    }

    /// A number, as written.
    pub(super) fn number(&mut self) -> Read<Number<'a>> {
        let start = self.pos;
        let mut whole = true;
        if self.at(b'-') {
            self.pos += 1;
        }
        if self.at(b'0') {
            self.pos += 1;
        } else {
            self.digits()?;
        }
        if self.at(b'.') {
            whole = false;
            self.pos += 1;
            self.digits()?;
        }
        if self.at(b'e') || self.at(b'E') {
            whole = false;
            self.pos += 1;
            if self.at(b'+') || self.at(b'-') {
                self.pos += 1;
            }
            self.digits()?;
        }
        if self.bytes.get(self.pos).is_some_and(u8::is_ascii_digit) {
            return self.syntax("a number without leading zeros");
        }
        Ok(Number { text: self.text.get(start..self.pos).unwrap_or_default(), whole })
    }

    /// A key, and its head.
    #[inline]
    fn key(&mut self) -> Read<(&'a str, KeyHead)> {
        let start = self.pos + 1;
        let end = first_special(self.bytes, start);
        if self.bytes.get(end) == Some(&b'"') {
            self.pos = end + 1;
            let key = self.text.get(start..end).unwrap_or_default();
            return Ok((key, head_of(self.bytes, start, key.len())));
        }
        let key = self.string()?;
        Ok((key, KeyHead::of(key.as_bytes())))
    }

    #[inline]
    fn at(&self, byte: u8) -> bool {
        self.bytes.get(self.pos) == Some(&byte)
    }

    #[inline]
    fn digits(&mut self) -> Read<()> {
        let start = self.pos;
        while self.bytes.get(self.pos).is_some_and(u8::is_ascii_digit) {
            self.pos += 1;
        }
        if self.pos == start { self.syntax("a digit") } else { Ok(()) }
    }

    #[inline]
    fn enter(&mut self) -> Read<()> {
        if self.depth == MAX_DEPTH {
            return self.fault(Fault::TooDeep);
        }
        self.depth += 1;
        self.pos += 1;
        Ok(())
    }

    #[inline]
    fn leave(&mut self) {
        self.depth -= 1;
        self.pos += 1;
    }

    fn check_few(&self, first: usize, key: &str, at: usize) -> Read<()> {
        let open = self.keys.get(first..).unwrap_or_default();
        if open.len() <= FEW_KEYS && open.iter().any(|(known, _)| *known == key) {
            return Err(Found::at(at, Fault::DuplicateKey(key.into())));
        }
        Ok(())
    }

    #[cold]
    fn check_many(&mut self, first: usize) -> Read<()> {
        let open = self.keys.get_mut(first..).unwrap_or_default();
        open.sort_unstable();
        let mut before = None;
        for (key, at) in open.iter() {
            if before == Some(*key) {
                return Err(Found::at(*at as usize, Fault::DuplicateKey((*key).into())));
            }
            before = Some(*key);
        }
        Ok(())
    }
}
