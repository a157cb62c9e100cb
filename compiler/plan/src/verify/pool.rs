//! The pool of constants.

use regex::RegexBuilder;

use super::Check;
use crate::code::{Pool, Set, fold_case};

/// The most strings, and the most bytes of one.
const MAX_STRINGS: usize = 1 << 20;
const MAX_STRING: usize = 1 << 20;
/// The most sets, and the most entries of one.
const MAX_SETS: usize = 65_536;
const MAX_SET: usize = 1_000_000;
/// The most regular expressions: each costs time and memory to compile.
const MAX_REGEXES: usize = 4_096;
/// The size that a compiled regular expression may have, in bytes (security.md decision 9).
const REGEX_SIZE: usize = 256 * 1024;

pub(super) fn check(pool: &Pool) -> Check {
    if pool.strings.len() > MAX_STRINGS || pool.strings.iter().any(|text| text.len() > MAX_STRING) {
        return Err("too many strings, or one that is too long".to_owned());
    }
    super::distinct(pool.strings.iter())?;
    if pool.sets.len() > MAX_SETS {
        return Err(format!("more than {MAX_SETS} sets"));
    }
    pool.sets.iter().try_for_each(set)?;
    if pool.regexes.len() > MAX_REGEXES {
        return Err(format!("more than {MAX_REGEXES} regular expressions"));
    }
    super::distinct(pool.regexes.iter())?;
    for pattern in &pool.regexes {
        if RegexBuilder::new(pattern).size_limit(REGEX_SIZE).build().is_err() {
            return Err("a regular expression that does not compile within its limit".to_owned());
        }
    }
    Ok(())
}

fn set(set: &Set) -> Check {
    if set.entries.len() > MAX_SET {
        return Err(format!("a set of more than {MAX_SET} entries"));
    }
    if !set.entries.is_sorted_by(|left, right| left < right) {
        return Err("a set that is not in order".to_owned());
    }
    if set.ignore_case && set.entries.iter().any(|entry| fold_case(entry) != entry.as_str()) {
        return Err("a set that ignores case, but is not in lower case".to_owned());
    }
    Ok(())
}
