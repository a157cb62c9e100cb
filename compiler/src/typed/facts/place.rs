//! Places: dotted paths that facts are about, hashed once so that facts compare numbers and not texts.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use smol_str::SmolStr;

/// A dotted path: `event.user.email`, `step.mfa.verified`.
#[derive(Clone, Debug)]
pub struct Place {
    hash: u64,
    path: Rc<Path>,
}

#[derive(Debug)]
struct Path {
    text: SmolStr,
    /// The hashes of the places around it, outermost first: of `event.user.email`, `event` and `event.user`.
    around: Vec<u64>,
    /// See [`Place::bits`].
    bits: u64,
}

impl Place {
    /// The place that a path names.
    pub fn new(text: &str) -> Self {
        let mut around = Vec::new();
        let hash = hash(text, |outer| around.push(outer));
        let bits = around.iter().fold(bit(hash), |bits, outer| bits | bit(*outer));
        Self { hash, path: Rc::new(Path { text: text.into(), around, bits }) }
    }

    /// Its path.
    pub fn text(&self) -> &SmolStr {
        &self.path.text
    }

    /// It or a place around it is the one that the key names.
    pub(super) fn is_within(&self, key: &Key<'_>) -> bool {
        (self.hash == key.hash || self.path.around.contains(&key.hash)) && covers(key.text, &self.path.text)
    }

    /// It is the one that the key names, or one around that.
    pub(super) fn is_around(&self, inner: &str) -> bool {
        covers(&self.path.text, inner)
    }

    /// A few bits of it and of the places around it: a set of places without these bits has none at or below it.
    pub(super) fn bits(&self) -> u64 {
        self.path.bits
    }

    /// It as a key.
    pub(super) fn key(&self) -> Key<'_> {
        Key { hash: self.hash, text: &self.path.text }
    }
}

/// A place to look for.
#[derive(Clone, Copy)]
pub(super) struct Key<'k> {
    hash: u64,
    text: &'k str,
}

impl<'k> Key<'k> {
    /// The key of a path.
    pub fn new(text: &'k str) -> Self {
        Self { hash: hash(text, |_| ()), text }
    }

    /// How it compares with a place in the order of places.
    pub fn compare(&self, place: &Place) -> Ordering {
        self.hash.cmp(&place.hash).then_with(|| self.text.cmp(&place.path.text))
    }

    /// Which of 16 buckets it belongs to: by the first bits of the hash, so that buckets are in the order of places.
    pub fn bucket(&self) -> usize {
        usize::try_from(self.hash >> 60).unwrap_or_default()
    }

    /// The bit that it has in the bits of every place at or below it.
    pub fn bit(&self) -> u64 {
        bit(self.hash)
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && (Rc::ptr_eq(&self.path, &other.path) || self.path.text == other.path.text)
    }
}

impl Eq for Place {}

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By hash, which is quick; the same in every run.
impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        if Rc::ptr_eq(&self.path, &other.path) { Ordering::Equal } else { self.key().compare(other) }
    }
}

/// FNV-1a of the path; `outer` is given the hash of each place around it.
fn hash(text: &str, mut outer: impl FnMut(u64)) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        if byte == b'.' {
            outer(hash);
        }
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}

/// One bit of 64. The high bits of the hash are the well mixed ones.
fn bit(hash: u64) -> u64 {
    1 << (hash >> 58)
}

/// `outer` is `inner` or a place around it.
fn covers(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_within_itself_and_those_around_it_only() {
        let email = Place::new("event.user.email");
        for outer in ["event", "event.user", "event.user.email"] {
            let key = Key::new(outer);
            assert!(email.is_within(&key) && email.bits() & key.bit() != 0, "{outer}");
        }
        for other in ["event.use", "event.user.email.x", "step", "event.user.emai", ""] {
            assert!(!email.is_within(&Key::new(other)), "{other}");
        }
    }
}
