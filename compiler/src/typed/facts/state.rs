//! One alternative of what is known: the places that something is known of, in the order of their hashes.

use std::cmp::Ordering;
use std::rc::Rc;

use super::place::{Key, Place};
use super::values::Values;

/// One alternative: what is known of each place. What two alternatives have in common they share.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    entries: Vec<(Place, Rc<Known>)>,
    /// The bits of all its places. A state that lacks a bit of a place has nothing at or below that place.
    bits: u64,
}

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

impl State {
    /// One place is known.
    pub fn of(place: Place, known: Known) -> Self {
        let bits = place.bits();
        Self { entries: vec![(place, Rc::new(known))], bits }
    }

    /// Nothing is known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is known of a place.
    pub fn get(&self, key: &Key<'_>) -> Option<&Known> {
        let at = self.find(key).ok()?;
        self.entries.get(at).map(|(_, known)| &**known)
    }

    /// The bool that a place is known to be.
    pub fn bool(&self, key: &Key<'_>) -> Option<bool> {
        self.get(key)?.values.known_bool()
    }

    /// Something at or below the place is present.
    pub fn present(&self, key: &Key<'_>) -> bool {
        self.bits & key.bit() != 0
            && (self.get(key).is_some_and(|known| known.presence == Presence::Present)
                || self
                    .entries
                    .iter()
                    .any(|(place, known)| known.presence == Presence::Present && place.is_within(key)))
    }

    /// The place or one around it is absent.
    pub fn absent(&self, place: &str) -> bool {
        self.entries.iter().any(|(known, fact)| fact.presence == Presence::Absent && known.is_around(place))
    }

    /// Without the place and what is below it; none where nothing is known of those.
    pub fn without(&self, key: &Key<'_>) -> Option<Self> {
        if self.bits & key.bit() == 0 || !self.entries.iter().any(|(place, _)| place.is_within(key)) {
            return None;
        }
        let rest = self.entries.iter().filter(|(place, _)| !place.is_within(key)).cloned();
        Some(Self::sorted(rest.collect()))
    }

    /// With something else known of a place.
    pub fn set(&mut self, place: &Place, known: Known) {
        self.bits |= place.bits();
        let known = Rc::new(known);
        match self.find(&place.key()) {
            Ok(at) => {
                if let Some(entry) = self.entries.get_mut(at) {
                    entry.1 = known;
                }
            }
            Err(at) => self.entries.insert(at, (place.clone(), known)),
        }
    }

    /// With other names; places without one are forgotten.
    pub fn renamed(&self, mut name: impl FnMut(&Place) -> Option<Place>) -> Self {
        let mut entries: Vec<_> =
            self.entries.iter().filter_map(|(place, known)| Some((name(place)?, Rc::clone(known)))).collect();
        entries.sort_by(|left, right| left.0.cmp(&right.0));
        Self::sorted(entries)
    }

    /// Every state of the world that satisfies this one satisfies `weaker`, as far as can be seen place by place.
    pub fn implies(&self, weaker: &State) -> bool {
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

    /// Both; none if they contradict.
    pub fn meet(&self, other: &State) -> Option<State> {
        let mut entries = Vec::with_capacity(self.entries.len() + other.entries.len());
        let mut gone = false;
        let mut rest = other.entries.iter().peekable();
        for entry in &self.entries {
            while let Some(new) = rest.next_if(|(place, _)| *place < entry.0) {
                gone |= new.1.presence == Presence::Absent;
                entries.push(new.clone());
            }
            let known = match rest.next_if(|(place, _)| *place == entry.0) {
                Some((_, new)) => meet(&entry.1, new)?,
                None => Rc::clone(&entry.1),
            };
            gone |= known.presence == Presence::Absent;
            entries.push((entry.0.clone(), known));
        }
        for new in rest {
            gone |= new.1.presence == Presence::Absent;
            entries.push(new.clone());
        }
        let both = Self { entries, bits: self.bits | other.bits };
        let contradicts = gone
            && both.entries.iter().any(|(gone, known)| known.presence == Presence::Absent && both.present(&gone.key()));
        (!contradicts).then_some(both)
    }

    /// What both have in common.
    pub fn join(&self, other: &State) -> State {
        let there = || Known { presence: Presence::Present, values: Values::Any };
        let mut entries = Vec::new();
        for (place, known) in &self.entries {
            match other.find(&place.key()).ok().and_then(|at| other.entries.get(at)) {
                Some((_, same)) if Rc::ptr_eq(known, same) || known == same => {
                    entries.push((place.clone(), Rc::clone(known)));
                }
                Some((_, new)) => {
                    let presence = if known.presence == new.presence { known.presence } else { Presence::Unknown };
                    let values = known.values.join(&new.values);
                    if presence != Presence::Unknown || values != Values::Any {
                        entries.push((place.clone(), Rc::new(Known { presence, values })));
                    }
                }
                None if known.presence == Presence::Present && other.present(&place.key()) => {
                    entries.push((place.clone(), Rc::new(there())));
                }
                None => {}
            }
        }
        for (place, known) in &other.entries {
            let key = place.key();
            if known.presence == Presence::Present && self.find(&key).is_err() && self.present(&key) {
                entries.push((place.clone(), Rc::new(there())));
            }
        }
        entries.sort_by(|left, right| left.0.cmp(&right.0));
        Self::sorted(entries)
    }

    fn find(&self, key: &Key<'_>) -> Result<usize, usize> {
        self.entries.binary_search_by(|(place, _)| key.compare(place).reverse())
    }

    fn sorted(entries: Vec<(Place, Rc<Known>)>) -> Self {
        let bits = entries.iter().fold(0, |bits, (place, _)| bits | place.bits());
        Self { entries, bits }
    }
}

impl PartialEq for State {
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
