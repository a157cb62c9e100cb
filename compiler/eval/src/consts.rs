//! Constants made ready: strings, sets as hash sets, regular expressions compiled.

use admit_plan::code::{Pool, RegexId, SetId, StrId, fold_case};
use regex::{Regex, RegexBuilder};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;

/// The compiled size that a regular expression may have (security.md decision 9): 256 KiB.
pub const REGEX_SIZE: usize = 256 << 10;

/// A pool made ready for evaluation.
#[derive(Debug, Default)]
pub struct Consts {
    strings: Vec<SmolStr>,
    sets: Vec<ReadySet>,
    regexes: Vec<Regex>,
}

/// A set made ready.
#[derive(Debug)]
pub struct ReadySet {
    ignore_case: bool,
    entries: FxHashSet<SmolStr>,
}

impl Consts {
    /// Compiles the pool's regular expressions and hashes its sets; the error names the pattern that does not compile.
    pub fn new(pool: &Pool) -> Result<Self, String> {
        let sets = pool
            .sets
            .iter()
            .map(|set| ReadySet { ignore_case: set.ignore_case, entries: set.entries.iter().cloned().collect() });
        let regexes = pool.regexes.iter().map(|pattern| {
            regex(pattern).map_err(|why| format!("the regular expression `{pattern}` does not compile: {why}"))
        });
        Ok(Self { strings: pool.strings.clone(), sets: sets.collect(), regexes: regexes.collect::<Result<_, _>>()? })
    }

    /// The string; empty for an id that is not in the pool, which no verified code holds.
    pub fn str(&self, id: StrId) -> &str {
        self.strings.get(id as usize).map_or("", SmolStr::as_str)
    }

    /// The set.
    pub fn set(&self, id: SetId) -> Option<&ReadySet> {
        self.sets.get(id as usize)
    }

    /// The regular expression.
    pub fn regex(&self, id: RegexId) -> Option<&Regex> {
        self.regexes.get(id as usize)
    }
}

impl ReadySet {
    /// Whether the text is in the set.
    pub fn contains(&self, text: &str) -> bool {
        if self.ignore_case { self.entries.contains(&*fold_case(text)) } else { self.entries.contains(text) }
    }

    /// Whether matching ignores case.
    pub fn ignores_case(&self) -> bool {
        self.ignore_case
    }

    /// The entries, in no order.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(SmolStr::as_str)
    }
}

/// Compiles a pattern within the size limit; matching takes time linear in the text.
pub fn regex(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(REGEX_SIZE).dfa_size_limit(REGEX_SIZE).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => format!("it needs more than {limit} bytes when compiled"),
        regex::Error::Syntax(text) => {
            text.lines().last().unwrap_or("it is malformed").trim_start_matches("error: ").to_owned()
        }
        _ => "it is malformed".to_owned(),
    })
}
