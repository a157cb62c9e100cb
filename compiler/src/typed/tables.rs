//! The tables that typed code points into: the pool of constants and the slots, with their reverse look-ups.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hash};

use admit_plan::code::{Pool, RegexId, Set, SetId, SlotId, StrId, fold_case};
use admit_plan::types::Type;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// A [`Pool`] under construction: the same text is stored once.
#[derive(Clone, Debug, Default)]
pub struct Interner {
    pool: Pool,
    strings: FxHashMap<SmolStr, StrId>,
    /// By hash, since the entries of a list are many and stand in the pool.
    sets: FxHashMap<u64, Vec<SetId>>,
    regexes: FxHashMap<SmolStr, RegexId>,
}

impl Interner {
    /// The number of a string.
    pub fn string(&mut self, text: &str) -> StrId {
        if let Some(id) = self.strings.get(text) {
            return *id;
        }
        let id = number(self.pool.strings.len());
        let text = SmolStr::from(text);
        self.pool.strings.push(text.clone());
        self.strings.insert(text, id);
        id
    }

    /// The number of a set; its entries are sorted and made unique here.
    pub fn set(&mut self, mut entries: Vec<SmolStr>, ignore_case: bool) -> SetId {
        if ignore_case {
            for entry in &mut entries {
                if let Cow::Owned(folded) = fold_case(entry) {
                    *entry = folded.into();
                }
            }
        }
        if !entries.is_sorted() {
            entries.sort_unstable();
        }
        entries.dedup();
        let set = Set { ignore_case, entries };
        let known = self.sets.entry(self.sets.hasher().hash_one((ignore_case, &set.entries))).or_default();
        if let Some(id) = known.iter().find(|id| self.pool.sets.get(**id as usize) == Some(&set)) {
            return *id;
        }
        let id = number(self.pool.sets.len());
        self.pool.sets.push(set);
        known.push(id);
        id
    }

    /// The number of a regular expression, which compiles.
    pub fn regex(&mut self, pattern: &str) -> RegexId {
        if let Some(id) = self.regexes.get(pattern) {
            return *id;
        }
        let id = number(self.pool.regexes.len());
        let pattern = SmolStr::from(pattern);
        self.pool.regexes.push(pattern.clone());
        self.regexes.insert(pattern, id);
        id
    }

    /// The text of a string of this pool.
    pub fn text(&self, id: StrId) -> &str {
        self.pool.strings.get(id as usize).map_or("", SmolStr::as_str)
    }

    /// What was interned so far.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The finished pool.
    pub fn into_pool(self) -> Pool {
        self.pool
    }
}

/// The slots of a flow under construction: one slot for each source, with the place it is called in messages and facts.
/// Sources are the flow's own (`flow::Source`) or the plan's.
#[derive(Clone, Debug)]
pub struct Slots<S> {
    slots: Vec<SlotEntry<S>>,
    by_source: FxHashMap<S, SlotId>,
}

/// One slot.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotEntry<S> {
    /// Where its value comes from.
    pub source: S,
    /// The type of the value when it is there.
    pub ty: Type,
    /// It may be absent where some expression names it.
    pub maybe_absent: bool,
    /// Its dotted path, the key of facts about it: `step.risk.score`.
    pub place: SmolStr,
}

impl<S> Default for Slots<S> {
    fn default() -> Self {
        Self { slots: Vec::new(), by_source: FxHashMap::default() }
    }
}

impl<S: Clone + Eq + Hash> Slots<S> {
    /// The slot of `source`. A slot that one reader may find absent is `maybe_absent` for all.
    pub fn slot(&mut self, source: S, place: &str, ty: &Type, maybe_absent: bool) -> SlotId {
        if let Some(id) = self.by_source.get(&source) {
            if let Some(slot) = self.slots.get_mut(*id as usize) {
                slot.maybe_absent |= maybe_absent;
            }
            return *id;
        }
        let id = number(self.slots.len());
        self.by_source.insert(source.clone(), id);
        self.slots.push(SlotEntry { source, ty: ty.clone(), maybe_absent, place: SmolStr::from(place) });
        id
    }

    /// What typing must know of a slot: the answer to `Scope::slot`.
    pub fn info(&self, id: SlotId) -> Option<SlotInfo<'_>> {
        let slot = self.slots.get(id as usize)?;
        Some(SlotInfo { ty: &slot.ty, place: &slot.place, maybe_absent: slot.maybe_absent })
    }

    /// All slots in order.
    pub fn all(&self) -> &[SlotEntry<S>] {
        &self.slots
    }

    /// The finished slots.
    pub fn into_slots(self) -> Vec<SlotEntry<S>> {
        self.slots
    }
}

/// What typing must know of a slot.
#[derive(Clone, Copy, Debug)]
pub struct SlotInfo<'a> {
    /// The type of the value when it is there.
    pub ty: &'a Type,
    /// Its dotted path.
    pub place: &'a str,
    /// It may be absent where some expression names it.
    pub maybe_absent: bool,
}

/// A length as an index. Sources of at most 1 MiB cannot hold 2^32 names, so nothing is ever cut off.
fn number(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
