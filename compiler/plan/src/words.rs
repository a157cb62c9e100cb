//! Words in types (names of fields, words of enums): in a plan they are numbers of the pool's strings, where it has
//! them. Outside a plan (a run's record, JSON) they are strings.

use std::cell::RefCell;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

thread_local! {
    static TABLE: RefCell<Option<Table>> = const { RefCell::new(None) };
}

/// The strings of the plan that is read or written on this thread.
pub(crate) struct Table {
    words: Vec<SmolStr>,
    numbers: FxHashMap<SmolStr, u32>,
}

/// Uses the strings while `work` runs.
pub(crate) fn with<R>(strings: &[SmolStr], work: impl FnOnce() -> R) -> R {
    struct Restore(Option<Table>);
    impl Drop for Restore {
        fn drop(&mut self) {
            TABLE.set(self.0.take());
        }
    }
    let numbers = strings.iter().cloned().zip(0..).collect();
    let _restore = Restore(TABLE.replace(Some(Table { words: strings.to_vec(), numbers })));
    work()
}

/// The number of a word, plus one; 0 where the plan's strings do not have it; none outside a plan.
fn number(word: &SmolStr) -> Option<u32> {
    TABLE.with_borrow(|table| {
        let table = table.as_ref()?;
        Some(table.numbers.get(word).map_or(0, |number| number.saturating_add(1)))
    })
}

/// The word of a number above 0.
fn word(number: u32) -> Option<SmolStr> {
    let at = usize::try_from(number.checked_sub(1)?).ok()?;
    TABLE.with_borrow(|table| table.as_ref()?.words.get(at).cloned())
}

fn in_plan() -> bool {
    TABLE.with_borrow(Option::is_some)
}

/// One word.
pub(crate) mod one {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use smol_str::SmolStr;

    pub(crate) fn serialize<S: Serializer>(word: &SmolStr, serializer: S) -> Result<S::Ok, S::Error> {
        match super::number(word) {
            None => word.serialize(serializer),
            Some(0) => (0u32, word).serialize(serializer),
            Some(number) => number.serialize(serializer),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SmolStr, D::Error> {
        if !super::in_plan() {
            return SmolStr::deserialize(deserializer);
        }
        deserializer.deserialize_tuple(2, Word)
    }

    /// A number above 0, or 0 and a string: read as a tuple of which the second part may be left out.
    struct Word;

    impl<'de> serde::de::Visitor<'de> for Word {
        type Value = SmolStr;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a word of the plan")
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut parts: A) -> Result<SmolStr, A::Error> {
            match parts.next_element::<u32>()? {
                Some(0) => parts.next_element()?.ok_or_else(|| A::Error::custom("a word is missing")),
                Some(number) => super::word(number).ok_or_else(|| A::Error::custom("no such word")),
                None => Err(A::Error::custom("a word is missing")),
            }
        }
    }
}

/// Words of an enum.
pub(crate) mod many {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use smol_str::SmolStr;

    /// A word by itself.
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Word(#[serde(with = "super::one")] SmolStr);

    pub(crate) fn serialize<S: Serializer>(words: &Arc<[SmolStr]>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(words.iter().cloned().map(Word))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[SmolStr]>, D::Error> {
        let words: Vec<Word> = Vec::deserialize(deserializer)?;
        Ok(words.into_iter().map(|word| word.0).collect())
    }
}
