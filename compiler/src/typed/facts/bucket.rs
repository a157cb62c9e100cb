//! A part of a state: the places whose hashes begin alike, with what is known of them. States share the buckets in
//! which they do not differ, so that comparing and extending them is mostly comparing pointers.

use std::cmp::Ordering;
use std::rc::Rc;

use super::place::{Key, Place};
use super::values::Values;

/// Places in the order of their hashes. A bucket is never empty: states have none in its place.
#[derive(Debug)]
pub(super) struct Bucket {
    entries: Vec<Entry>,
    /// The bits of all its places, see [`Place::bits`].
    bits: u64,
    /// The bits of those that are absent, without those around them.
    gone: u64,
}

/// A place, and what is known of it.
pub(super) type Entry = (Place, Rc<Known>);

/// What is known of one place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    /// Whether it is there.
    pub presence: Presence,
    /// What it can be.
    pub values: Values,
}

/// Whether a place is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Unknown,
    Present,
    Absent,
}

/// Buckets that were made while one thing was done to all alternatives of some facts: what they shared before, they
/// share after. Pointers are compared only; the buckets live on in the facts, or here.
#[derive(Debug, Default)]
pub(super) struct Made {
    made: Vec<(*const Bucket, *const (), Option<Rc<Bucket>>)>,
}

impl Bucket {
    /// Of these entries, which are in order; none if there are none.
    pub fn new(entries: Vec<Entry>) -> Option<Rc<Self>> {
        let (mut bits, mut gone) = (0, 0);
        for (place, known) in &entries {
            bits |= place.bits();
            if known.presence == Presence::Absent {
                gone |= place.key().bit();
            }
        }
        (!entries.is_empty()).then(|| Rc::new(Self { entries, bits, gone }))
    }

    /// Its entries in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// A bucket that lacks a bit of a place has nothing at or below that place.
    pub fn bits(&self) -> u64 {
        self.bits
    }

    /// A place that lacks all these bits is not absent, nor is one around it, as far as this bucket knows.
    pub fn gone(&self) -> u64 {
        self.gone
    }

    /// What is known of a place.
    pub fn get(&self, key: &Key<'_>) -> Option<&Rc<Known>> {
        self.entries.iter().find(|(place, _)| key.compare(place) == Ordering::Equal).map(|(_, known)| known)
    }

    /// Something at or below the place is present.
    pub fn present(&self, key: &Key<'_>) -> bool {
        self.bits & key.bit() != 0
            && self.entries.iter().any(|(place, known)| known.presence == Presence::Present && place.is_within(key))
    }

    /// The place or one around it is absent.
    pub fn absent(&self, place: &str) -> bool {
        self.gone != 0
            && self.entries.iter().any(|(known, fact)| fact.presence == Presence::Absent && known.is_around(place))
    }

    /// Whatever this allows, `weaker` allows.
    pub fn implies(&self, weaker: &Self) -> bool {
        if weaker.entries.len() > self.entries.len() || weaker.bits & !self.bits != 0 {
            return false;
        }
        let mut own = self.entries.iter();
        weaker.entries.iter().all(|(place, weaker)| {
            // Both are in order, so what is passed over is not looked for again.
            for (known, stronger) in own.by_ref() {
                match known.cmp(place) {
                    Ordering::Less => {}
                    Ordering::Equal => return Rc::ptr_eq(stronger, weaker) || stronger.implies(weaker),
                    Ordering::Greater => return false,
                }
            }
            false
        })
    }

    /// Both have the same entries, known for the same reason.
    pub fn is_same(&self, other: &Self) -> bool {
        self.entries.len() == other.entries.len()
            && self.entries.iter().zip(&other.entries).all(|(a, b)| a.0 == b.0 && Rc::ptr_eq(&a.1, &b.1))
    }

    /// What both buckets have in common, where `left_has` and `right_has` say what is present in the states around.
    pub fn join(
        left: &Rc<Self>,
        right: &Rc<Self>,
        left_has: impl Fn(&Place) -> bool,
        right_has: impl Fn(&Place) -> bool,
    ) -> Option<Rc<Self>> {
        let mut entries = Vec::with_capacity(left.entries.len());
        let mut rest = right.entries.iter().peekable();
        let mut same = true;
        for (place, known) in &left.entries {
            while let Some(new) = rest.next_if(|(new, _)| new < place) {
                entries.extend(only(new, &left_has).inspect(|_| same = false));
            }
            let joined = match rest.next_if(|(new, _)| new == place) {
                Some((_, new)) => join(known, new),
                None if known.presence == Presence::Present && right_has(place) => Some(there()),
                None => None,
            };
            same &= joined.as_ref().is_some_and(|joined| Rc::ptr_eq(joined, known));
            entries.extend(joined.map(|joined| (place.clone(), joined)));
        }
        for new in rest {
            entries.extend(only(new, &left_has).inspect(|_| same = false));
        }
        if same { Some(Rc::clone(left)) } else { Self::new(entries) }
    }

    /// What is left of a bucket that the other state lacks: what is known to be there in both.
    pub fn alone(&self, other_has: impl Fn(&Place) -> bool) -> Option<Rc<Self>> {
        Self::new(self.entries.iter().filter_map(|entry| only(entry, &other_has)).collect())
    }

    /// Both; none if they contradict.
    fn meet(left: &Rc<Self>, right: &Rc<Self>) -> Option<Rc<Self>> {
        let mut entries = Vec::with_capacity(left.entries.len() + right.entries.len());
        let mut rest = right.entries.iter().peekable();
        let mut same = true;
        for entry in &left.entries {
            while let Some(new) = rest.next_if(|(place, _)| *place < entry.0) {
                entries.push(new.clone());
                same = false;
            }
            let known = match rest.next_if(|(place, _)| *place == entry.0) {
                Some((_, new)) => meet(&entry.1, new)?,
                None => Rc::clone(&entry.1),
            };
            same &= Rc::ptr_eq(&known, &entry.1);
            entries.push((entry.0.clone(), known));
        }
        same &= rest.peek().is_none();
        entries.extend(rest.cloned());
        if same { Some(Rc::clone(left)) } else { Self::new(entries) }
    }
}

impl Made {
    /// Both; none if they contradict.
    pub fn meet(&mut self, left: &Rc<Bucket>, right: &Rc<Bucket>) -> Option<Rc<Bucket>> {
        self.once(left, Rc::as_ptr(right).cast(), || Bucket::meet(left, right))
    }

    /// Without a place and what is below it, the same in all calls.
    pub fn without(&mut self, bucket: &Rc<Bucket>, key: &Key<'_>) -> Option<Rc<Bucket>> {
        if bucket.bits & key.bit() == 0 || !bucket.entries.iter().any(|(place, _)| place.is_within(key)) {
            return Some(Rc::clone(bucket));
        }
        self.once(bucket, std::ptr::null(), || {
            Bucket::new(bucket.entries.iter().filter(|(place, _)| !place.is_within(key)).cloned().collect())
        })
    }

    /// With something else known of a place, the same in all calls.
    pub fn set(&mut self, bucket: &Rc<Bucket>, place: &Place, known: &Rc<Known>) -> Option<Rc<Bucket>> {
        self.once(bucket, Rc::as_ptr(known).cast(), || {
            let mut entries = bucket.entries.clone();
            match entries.binary_search_by(|(one, _)| one.cmp(place)) {
                Ok(at) => {
                    if let Some(entry) = entries.get_mut(at) {
                        entry.1 = Rc::clone(known);
                    }
                }
                Err(at) => entries.insert(at, (place.clone(), Rc::clone(known))),
            }
            Bucket::new(entries)
        })
    }

    fn once(
        &mut self,
        bucket: &Rc<Bucket>,
        with: *const (),
        make: impl FnOnce() -> Option<Rc<Bucket>>,
    ) -> Option<Rc<Bucket>> {
        let bucket = Rc::as_ptr(bucket);
        if let Some((_, _, made)) =
            self.made.iter().find(|(known, known_with, _)| *known == bucket && *known_with == with)
        {
            return made.clone();
        }
        let made = make();
        self.made.push((bucket, with, made.clone()));
        made
    }
}

impl PartialEq for Bucket {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits && self.entries == other.entries
    }
}

impl Known {
    /// Whatever this allows, `weaker` allows.
    fn implies(&self, weaker: &Self) -> bool {
        (weaker.presence == Presence::Unknown || weaker.presence == self.presence)
            && weaker.values.contains(&self.values)
    }
}

/// Both; none if they contradict.
fn meet(old: &Rc<Known>, new: &Rc<Known>) -> Option<Rc<Known>> {
    if Rc::ptr_eq(old, new) || old.implies(new) {
        return (!old.values.is_empty()).then(|| Rc::clone(old));
    }
    let presence = match (old.presence, new.presence) {
        (Presence::Unknown, other) | (other, Presence::Unknown) => other,
        (one, other) if one == other => one,
        (Presence::Present | Presence::Absent, Presence::Present | Presence::Absent) => return None,
    };
    let values = old.values.meet(&new.values);
    (!values.is_empty()).then(|| Rc::new(Known { presence, values }))
}

/// What both have in common; none if that is nothing.
fn join(left: &Rc<Known>, right: &Rc<Known>) -> Option<Rc<Known>> {
    if Rc::ptr_eq(left, right) || left == right {
        return Some(Rc::clone(left));
    }
    let presence = if left.presence == right.presence { left.presence } else { Presence::Unknown };
    let values = left.values.join(&right.values);
    (presence != Presence::Unknown || values != Values::Any).then(|| Rc::new(Known { presence, values }))
}

/// An entry that one of two states has: what both have in common.
fn only((place, known): &Entry, other_has: impl Fn(&Place) -> bool) -> Option<Entry> {
    (known.presence == Presence::Present && other_has(place)).then(|| (place.clone(), there()))
}

fn there() -> Rc<Known> {
    Rc::new(Known { presence: Presence::Present, values: Values::Any })
}
