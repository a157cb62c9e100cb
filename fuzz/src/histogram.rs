//! What a run produced, by kind: a fuzzer that never reaches a construct proves nothing about it.

use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local! {
    static COUNTS: RefCell<BTreeMap<String, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Counts one of that kind, on this thread.
pub fn count(kind: &str) {
    COUNTS.with_borrow_mut(|counts| match counts.get_mut(kind) {
        Some(count) => *count += 1,
        None => {
            counts.insert(kind.to_owned(), 1);
        }
    });
}

/// All counts of this thread since the last call.
pub fn take() -> BTreeMap<String, u64> {
    COUNTS.with_borrow_mut(std::mem::take)
}

/// The kinds that were never produced.
pub fn missing(counts: &BTreeMap<String, u64>, kinds: &[String]) -> Vec<String> {
    kinds.iter().filter(|kind| !counts.contains_key(*kind)).cloned().collect()
}
