//! One alternative of what is known: places and what is known of them, in buckets by hash.

use std::rc::Rc;

use super::bucket::{Bucket, Entry, Known, Made, Presence};
use super::place::{Key, Place};

/// How many buckets a state has.
const BUCKETS: usize = 16;

/// One alternative: what is known of each place. What two alternatives have in common they share.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    buckets: [Option<Rc<Bucket>>; BUCKETS],
    /// The bits of all its places. A state that lacks a bit of a place has nothing at or below that place.
    bits: u64,
    /// The bits of its absent places. A place without any of them is not known to be absent.
    gone: u64,
}

impl State {
    /// One place is known.
    pub fn of(place: Place, known: Known) -> Self {
        let mut state = Self::default();
        state.put(place.key().bucket(), Bucket::new(vec![(place, Rc::new(known))]));
        state.sum();
        state
    }

    /// Nothing is known.
    pub fn is_empty(&self) -> bool {
        self.bits == 0
    }

    /// What is known of a place.
    pub fn get(&self, key: &Key<'_>) -> Option<&Known> {
        if self.bits & key.bit() == 0 {
            return None;
        }
        self.buckets.get(key.bucket())?.as_ref()?.get(key).map(|known| &**known)
    }

    /// The bool that a place is known to be.
    pub fn bool(&self, key: &Key<'_>) -> Option<bool> {
        self.get(key)?.values.known_bool()
    }

    /// It says nothing of the places that `other` speaks of.
    pub fn is_silent_on(&self, other: &State) -> bool {
        other.parts().flat_map(|bucket| bucket.entries()).all(|(place, _)| self.get(&place.key()).is_none())
    }

    /// Something at or below the place is present.
    pub fn present(&self, key: &Key<'_>) -> bool {
        self.bits & key.bit() != 0
            && (self.get(key).is_some_and(|known| known.presence == Presence::Present)
                || self.parts().any(|bucket| bucket.present(key)))
    }

    /// The place or one around it is absent.
    pub fn absent(&self, place: &str) -> bool {
        self.gone != 0 && self.parts().any(|bucket| bucket.absent(place))
    }

    /// Without the place and what is below it; none where nothing is known of those.
    pub fn without(&self, key: &Key<'_>, made: &mut Made) -> Option<Self> {
        if self.bits & key.bit() == 0 {
            return None;
        }
        let mut rest = self.clone();
        let mut changed = false;
        for bucket in rest.buckets.iter_mut().filter(|bucket| bucket.is_some()) {
            let new = bucket.as_ref().and_then(|bucket| made.without(bucket, key));
            changed |= !same(bucket.as_ref(), new.as_ref());
            *bucket = new;
        }
        rest.sum();
        changed.then_some(rest)
    }

    /// With something else known of a place.
    pub fn set(&mut self, place: &Place, known: &Rc<Known>, made: &mut Made) {
        let at = place.key().bucket();
        let new = match self.buckets.get(at) {
            Some(Some(bucket)) => made.set(bucket, place, known),
            Some(None) | None => Bucket::new(vec![(place.clone(), Rc::clone(known))]),
        };
        self.put(at, new);
        self.sum();
    }

    /// With other names; places without one are forgotten. Buckets that are as in `like` are shared with it.
    pub fn renamed(&self, mut name: impl FnMut(&Place) -> Option<Place>, like: Option<&State>) -> Self {
        let mut lists: [Vec<Entry>; BUCKETS] = Default::default();
        for (place, known) in self.parts().flat_map(|bucket| bucket.entries()) {
            let Some(place) = name(place) else { continue };
            if let Some(list) = lists.get_mut(place.key().bucket()) {
                list.push((place, Rc::clone(known)));
            }
        }
        let mut renamed = Self::default();
        for (at, mut list) in lists.into_iter().enumerate() {
            list.sort_by(|left, right| left.0.cmp(&right.0));
            let new = Bucket::new(list);
            let known = like.and_then(|like| like.buckets.get(at)?.as_ref());
            let shared = known.filter(|known| new.as_ref().is_some_and(|new| known.is_same(new))).cloned();
            renamed.put(at, shared.or(new));
        }
        renamed.sum();
        renamed
    }

    /// Every state of the world that satisfies this one satisfies `weaker`, as far as can be seen place by place.
    pub fn implies(&self, weaker: &State) -> bool {
        weaker.bits & !self.bits == 0
            && self.buckets.iter().zip(&weaker.buckets).all(|(own, weaker)| match (own, weaker) {
                (_, None) => true,
                (None, Some(_)) => false,
                (Some(own), Some(weaker)) => Rc::ptr_eq(own, weaker) || own.implies(weaker),
            })
    }

    /// Both; none if they contradict.
    pub fn meet(self: &Rc<Self>, other: &Rc<Self>, made: &mut Made) -> Option<Rc<Self>> {
        if self.is_empty() {
            return Some(Rc::clone(other));
        }
        let mut both = State::clone(self);
        let mut changed = false;
        for (own, new) in both.buckets.iter_mut().zip(&other.buckets) {
            let Some(new) = new else { continue };
            let met = match own {
                Some(own) if Rc::ptr_eq(own, new) => continue,
                Some(own) => made.meet(own, new)?,
                None => Rc::clone(new),
            };
            changed |= !same(own.as_ref(), Some(&met));
            *own = Some(met);
        }
        if !changed {
            return Some(Rc::clone(self));
        }
        both.sum();
        (!self.contradicts(other)).then(|| Rc::new(both))
    }

    /// What both have in common.
    pub fn join(&self, other: &State) -> State {
        let mut joined = self.clone();
        for (own, new) in joined.buckets.iter_mut().zip(&other.buckets) {
            let here = |place: &Place| self.present(&place.key());
            let there = |place: &Place| other.present(&place.key());
            *own = match (own.as_ref(), new) {
                (None, None) => continue,
                (Some(own), Some(new)) if Rc::ptr_eq(own, new) => continue,
                (Some(own), Some(new)) => Bucket::join(own, new, here, there),
                (Some(own), None) => own.alone(there),
                (None, Some(new)) => new.alone(here),
            };
        }
        joined.sum();
        joined
    }

    /// One says that a place is absent in which the other has something; each by itself does not contradict itself,
    /// and of one place alone they agree.
    fn contradicts(&self, other: &State) -> bool {
        (self.gone | other.gone) != 0
            && other.parts().flat_map(|bucket| bucket.entries()).any(|(place, known)| match known.presence {
                Presence::Absent => self.present(&place.key()),
                Presence::Present => self.gone & place.bits() != 0 && self.absent(place.text()),
                Presence::Unknown => false,
            })
    }

    fn parts(&self) -> impl Iterator<Item = &Bucket> {
        self.buckets.iter().flatten().map(|bucket| &**bucket)
    }

    fn put(&mut self, at: usize, bucket: Option<Rc<Bucket>>) {
        if let Some(place) = self.buckets.get_mut(at) {
            *place = bucket;
        }
    }

    /// Gathers the bits of the buckets.
    fn sum(&mut self) {
        let (bits, gone) =
            self.parts().fold((0, 0), |(bits, gone), bucket| (bits | bucket.bits(), gone | bucket.gone()));
        (self.bits, self.gone) = (bits, gone);
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits && self.buckets == other.buckets
    }
}

fn same(left: Option<&Rc<Bucket>>, right: Option<&Rc<Bucket>>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => Rc::ptr_eq(left, right),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use smol_str::SmolStr;

    use super::super::values::Values;
    use super::*;

    /// What a state means, as a plain map.
    type Plain = BTreeMap<String, Known>;

    const PLACES: [&str; 14] =
        ["a", "a.b", "a.b.c", "a.b.d", "a.e", "ab", "f", "f.g", "f.g.h", "i", "j.k", "j.l", "step.m.n", "step.m"];

    fn within(inner: &str, outer: &str) -> bool {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    fn plain(state: &State) -> Plain {
        let entries = state.parts().flat_map(|bucket| bucket.entries());
        entries.map(|(place, known)| (place.text().to_string(), Known::clone(known))).collect()
    }

    fn present(plain: &Plain, place: &str) -> bool {
        plain.iter().any(|(known, fact)| fact.presence == Presence::Present && within(known, place))
    }

    fn absent(plain: &Plain, place: &str) -> bool {
        plain.iter().any(|(known, fact)| fact.presence == Presence::Absent && within(place, known))
    }

    fn implies(strong: &Plain, weak: &Plain) -> bool {
        weak.iter().all(|(place, weak)| {
            strong.get(place).is_some_and(|strong| {
                (weak.presence == Presence::Unknown || weak.presence == strong.presence)
                    && weak.values.contains(&strong.values)
            })
        })
    }

    fn meet(left: &Plain, right: &Plain) -> Option<Plain> {
        let mut both = left.clone();
        for (place, new) in right {
            let Some(old) = both.get(place) else {
                both.insert(place.clone(), new.clone());
                continue;
            };
            let presence = match (old.presence, new.presence) {
                (Presence::Unknown, other) | (other, Presence::Unknown) => other,
                (one, other) if one == other => one,
                (Presence::Present | Presence::Absent, Presence::Present | Presence::Absent) => return None,
            };
            let values = old.values.meet(&new.values);
            if values.is_empty() {
                return None;
            }
            both.insert(place.clone(), Known { presence, values });
        }
        let contradicts = both.iter().any(|(place, known)| known.presence == Presence::Absent && present(&both, place));
        (!contradicts).then_some(both)
    }

    fn join(left: &Plain, right: &Plain) -> Plain {
        let there = || Known { presence: Presence::Present, values: Values::Any };
        let mut joined = Plain::new();
        for place in left.keys().chain(right.keys()) {
            let known = match (left.get(place), right.get(place)) {
                (Some(left), Some(right)) => {
                    let presence = if left.presence == right.presence { left.presence } else { Presence::Unknown };
                    let values = left.values.join(&right.values);
                    (presence != Presence::Unknown || values != Values::Any).then_some(Known { presence, values })
                }
                (Some(one), None) => (one.presence == Presence::Present && present(right, place)).then(there),
                (None, Some(one)) => (one.presence == Presence::Present && present(left, place)).then(there),
                (None, None) => None,
            };
            joined.extend(known.map(|known| (place.clone(), known)));
        }
        joined
    }

    fn fact() -> impl Strategy<Value = State> {
        let words = |words: &[&str]| Values::words(words.iter().map(SmolStr::new));
        let values = prop_oneof![
            Just(Values::Any),
            any::<bool>().prop_map(Values::bool),
            Just(words(&["x", "y"])),
            Just(words(&["y", "z"])),
        ];
        (prop::sample::select(&PLACES), values, 0..5_u8).prop_map(|(place, values, presence)| {
            let known = match presence {
                0 => Known { presence: Presence::Absent, values: Values::Any },
                _ => Known { presence: Presence::Present, values },
            };
            State::of(Place::new(place), known)
        })
    }

    /// What can be learnt one after the other; a fact that contradicts those before is left out.
    fn state() -> impl Strategy<Value = Rc<State>> {
        prop::collection::vec(fact(), 0..12).prop_map(|facts| {
            facts.into_iter().fold(Rc::new(State::default()), |state, fact| {
                state.meet(&Rc::new(fact), &mut Made::default()).unwrap_or(state)
            })
        })
    }

    proptest! {
        #[test]
        fn states_mean_what_plain_maps_mean(left in state(), right in state(), new in fact(), place in prop::sample::select(&PLACES)) {
            let (a, b) = (plain(&left), plain(&right));
            prop_assert_eq!(left.implies(&right), implies(&a, &b));
            prop_assert_eq!(left == right, a == b);
            for place in PLACES {
                prop_assert_eq!(left.present(&Key::new(place)), present(&a, place), "{} present", place);
                prop_assert_eq!(left.absent(place), absent(&a, place), "{} absent", place);
            }
            let mut made = Made::default();
            let met = left.meet(&right, &mut made);
            prop_assert_eq!(met.as_deref().map(plain), meet(&a, &b));
            prop_assert_eq!(left.meet(&right, &mut made), met, "made once more");
            let met = left.meet(&Rc::new(new.clone()), &mut Made::default());
            prop_assert_eq!(met.as_deref().map(plain), meet(&a, &plain(&new)));
            let joined = left.join(&right);
            prop_assert_eq!(plain(&joined), join(&a, &b));
            let key = Key::new(place);
            let without = left.without(&key, &mut Made::default());
            let rest: Plain = a.clone().into_iter().filter(|(known, _)| !within(known, place)).collect();
            prop_assert_eq!(without.as_ref().map(plain), (rest.len() < a.len()).then_some(rest));
            let mut set = State::clone(&left);
            let known = Rc::new(Known { presence: Presence::Present, values: Values::bool(true) });
            set.set(&Place::new(place), &known, &mut Made::default());
            let mut expected = a.clone();
            expected.insert(place.to_owned(), Known::clone(&known));
            prop_assert_eq!(plain(&set), expected);
            let other = |place: &Place| (!place.text().starts_with('f')).then(|| Place::new(&format!("p.{}", place.text())));
            let expected: Plain = a
                .iter()
                .filter(|(place, _)| !place.starts_with('f'))
                .map(|(place, known)| (format!("p.{place}"), known.clone()))
                .collect();
            prop_assert_eq!(plain(&left.renamed(other, Some(&joined))), expected);
        }
    }
}
