//! What is known of values at one point of a flow: which places are present, and which values they can still have.
//!
//! Facts over-approximate: every state that can occur satisfies one of the alternatives. So `impossible` proves that
//! a point is never reached (a case is never taken, the cases before are exhaustive), and a place that is present in
//! all alternatives is present. Places are dotted paths: `event.user.email`, `step.mfa.verified`.
//!
//! Checking a flow is mostly comparing and extending alternatives, so these share what they have in common (see
//! `bucket`) and compare hashes of places (see `place`), and a step that teaches nothing new copies nothing.

mod bucket;
mod place;
mod state;
pub mod values;

use std::rc::Rc;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use bucket::{Known, Made, Presence};
use place::Key;
pub use place::Place;
use state::State;
use values::Values;

/// More alternatives than this are joined into one.
const ALTERNATIVES: usize = 8;

/// Facts: any of the alternatives may hold; none: the point is never reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    alternatives: Vec<Rc<State>>,
}

impl Default for Facts {
    fn default() -> Self {
        Self::nothing()
    }
}

impl Facts {
    /// Nothing is known.
    pub fn nothing() -> Self {
        Self { alternatives: vec![Rc::default()] }
    }

    /// The point is never reached.
    pub fn impossible() -> Self {
        Self { alternatives: Vec::new() }
    }

    /// The place is there (and so is all around it).
    pub fn present(place: &str) -> Self {
        Self::of(place, Known { presence: Presence::Present, values: Values::Any })
    }

    /// The place is not there.
    pub fn absent(place: &str) -> Self {
        Self::of(place, Known { presence: Presence::Absent, values: Values::Any })
    }

    /// The place is there, with one of these values.
    pub fn one_of(place: &str, values: Values) -> Self {
        if values.is_empty() {
            return Self::impossible();
        }
        Self::of(place, Known { presence: Presence::Present, values })
    }

    /// The place is there and is this bool.
    pub fn is(place: &str, value: bool) -> Self {
        Self::one_of(place, Values::bool(value))
    }

    /// Both hold.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        if let [more] = other.alternatives.as_slice()
            && self.alternatives.iter().all(|state| state.implies(more))
        {
            return self.clone();
        }
        let mut made = Made::default();
        if let [more] = other.alternatives.as_slice()
            && self.alternatives.iter().all(|state| state.is_silent_on(more))
        {
            // Alternatives that differ without it differ with it, too.
            let alternatives = self.alternatives.iter().filter_map(|state| state.meet(more, &mut made)).collect();
            return Self { alternatives };
        }
        let mut alternatives = Vec::with_capacity(self.alternatives.len());
        for left in &self.alternatives {
            for right in &other.alternatives {
                if let Some(both) = left.meet(right, &mut made) {
                    add(&mut alternatives, both);
                }
            }
        }
        Self { alternatives }.bounded()
    }

    /// One of the two holds.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let mut alternatives = self.alternatives.clone();
        for state in &other.alternatives {
            add(&mut alternatives, Rc::clone(state));
        }
        Self { alternatives }.bounded()
    }

    /// No state can satisfy them.
    pub fn is_impossible(&self) -> bool {
        self.alternatives.is_empty()
    }

    /// The place is known to be there.
    pub fn is_present(&self, place: &str) -> bool {
        let key = Key::new(place);
        self.alternatives.iter().all(|state| state.present(&key))
    }

    /// The place is known not to be there.
    pub fn is_absent(&self, place: &str) -> bool {
        self.alternatives.iter().all(|state| state.absent(place))
    }

    /// The bool that the place is known to be.
    pub fn known_bool(&self, place: &str) -> Option<bool> {
        let key = Key::new(place);
        let mut known = None;
        for state in &self.alternatives {
            let value = state.bool(&key)?;
            if known.is_some_and(|known| known != value) {
                return None;
            }
            known = Some(value);
        }
        known
    }

    /// Forgets all of a place and below it: a block sets it anew.
    #[must_use]
    pub fn forget(&self, place: &str) -> Self {
        let key = Key::new(place);
        let mut made = Made::default();
        let mut alternatives = Vec::with_capacity(self.alternatives.len());
        for state in &self.alternatives {
            add(&mut alternatives, state.without(&key, &mut made).map_or_else(|| Rc::clone(state), Rc::new));
        }
        Self { alternatives }
    }

    /// Something is said of the place.
    pub fn mentions(&self, place: &Place) -> bool {
        let key = place.key();
        self.alternatives.iter().any(|state| state.get(&key).is_some())
    }

    /// Adds `then` to each alternative in which the bools are as `when` says; none if nothing is learnt by it.
    #[must_use]
    pub fn learn_when(&self, when: &[(Place, bool)], then: &Self) -> Option<Self> {
        let holds = |state: &State| when.iter().all(|(place, value)| state.bool(&place.key()) == Some(*value));
        let known = |state: &State| matches!(then.alternatives.as_slice(), [then] if state.implies(then));
        if !self.alternatives.iter().any(|state| holds(state) && !known(state)) {
            return None;
        }
        let mut made = Made::default();
        let mut alternatives = Vec::with_capacity(self.alternatives.len());
        for state in &self.alternatives {
            if !holds(state) {
                add(&mut alternatives, Rc::clone(state));
                continue;
            }
            for more in &then.alternatives {
                if let Some(both) = state.meet(more, &mut made) {
                    add(&mut alternatives, both);
                }
            }
        }
        Some(Self { alternatives }.bounded())
    }

    /// A place gets a new value: what was known of the old one and below it is forgotten, but that the place is there.
    #[must_use]
    pub fn renew(&self, place: &str) -> Self {
        let place = Place::new(place);
        let key = place.key();
        let present = Rc::new(Known { presence: Presence::Present, values: Values::Any });
        let (mut forgotten, mut made) = (Made::default(), Made::default());
        let mut alternatives = Vec::with_capacity(self.alternatives.len());
        for state in &self.alternatives {
            let there = state.present(&key);
            let Some(mut rest) = state.without(&key, &mut forgotten) else {
                add(&mut alternatives, Rc::clone(state));
                continue;
            };
            if there {
                rest.set(&place, &present, &mut made);
            }
            add(&mut alternatives, Rc::new(rest));
        }
        Self { alternatives }
    }

    /// A place gets a value that depends on the old one, which is none where nothing is known of it.
    #[must_use]
    pub fn replace(&self, place: &str, value: impl Fn(Option<&Values>) -> Values) -> Self {
        let place = Place::new(place);
        let key = place.key();
        let (mut forgotten, mut made) = (Made::default(), Made::default());
        let mut replaced: Vec<Rc<Known>> = Vec::new();
        let mut alternatives = Vec::with_capacity(self.alternatives.len());
        for state in &self.alternatives {
            let values = value(state.get(&key).map(|known| &known.values));
            let known = replaced.iter().find(|known| known.values == values).cloned().unwrap_or_else(|| {
                let known = Rc::new(Known { presence: Presence::Present, values });
                replaced.push(Rc::clone(&known));
                known
            });
            let mut new = state.without(&key, &mut forgotten).unwrap_or_else(|| State::clone(state));
            new.set(&place, &known, &mut made);
            add(&mut alternatives, Rc::new(new));
        }
        Self { alternatives }
    }

    /// Calls places by other names; those without one are forgotten.
    #[must_use]
    pub fn rename(&self, name: impl Fn(&SmolStr) -> Option<SmolStr>) -> Self {
        let mut names: FxHashMap<Place, Option<Place>> = FxHashMap::default();
        let mut alternatives: Vec<Rc<State>> = Vec::with_capacity(self.alternatives.len());
        for state in &self.alternatives {
            let like = alternatives.last().cloned();
            let renaming = |place: &Place| {
                if let Some(known) = names.get(place) {
                    return known.clone();
                }
                let new =
                    name(place.text()).map(|new| if new == *place.text() { place.clone() } else { Place::new(&new) });
                names.insert(place.clone(), new.clone());
                new
            };
            let renamed = state.renamed(renaming, like.as_deref());
            add(&mut alternatives, Rc::new(renamed));
        }
        Self { alternatives }
    }

    /// Whether in every alternative one of the bools is known true.
    pub fn always_one_true(&self, places: &[SmolStr]) -> bool {
        self.alternatives.iter().all(|state| places.iter().any(|place| state.bool(&Key::new(place)) == Some(true)))
    }

    fn of(place: &str, known: Known) -> Self {
        Self { alternatives: vec![Rc::new(State::of(Place::new(place), known))] }
    }

    fn bounded(mut self) -> Self {
        if self.alternatives.len() > ALTERNATIVES {
            let joined = self.alternatives.drain(..).reduce(|left, right| Rc::new(left.join(&right)));
            self.alternatives.extend(joined);
        }
        self
    }
}

/// Adds an alternative unless it is there already or is a special case of one that is.
fn add(alternatives: &mut Vec<Rc<State>>, state: Rc<State>) {
    if !alternatives.iter().any(|known| Rc::ptr_eq(&state, known) || state.implies(known)) {
        alternatives.retain(|known| !known.implies(&state));
        alternatives.push(state);
    }
}

#[cfg(test)]
mod tests {
    use super::values::Numbers;
    use super::*;

    fn at_least(place: &str, bound: i64) -> Facts {
        Facts::one_of(place, Values::Numbers(Numbers::ints(i128::from(bound), 100)))
    }

    fn below(place: &str, bound: i64) -> Facts {
        Facts::one_of(place, Values::Numbers(Numbers::ints(0, i128::from(bound) - 1)))
    }

    #[test]
    fn a_case_within_an_earlier_case_is_impossible() {
        let after_first = below("step.risk.score", 80);
        assert!(after_first.and(&at_least("step.risk.score", 91)).is_impossible());
        assert!(!after_first.and(&at_least("step.risk.score", 60)).is_impossible());
    }

    #[test]
    fn presence_reaches_outwards_and_absence_inwards() {
        assert!(Facts::present("event.user.email").is_present("event.user"));
        assert!(!Facts::present("event.user").is_present("event.user.email"));
        assert!(Facts::absent("event.user").is_absent("event.user.email"));
        assert!(Facts::absent("event.user").and(&Facts::present("event.user.email")).is_impossible());
        assert!(!Facts::absent("event.user").and(&Facts::present("event.username")).is_impossible());
    }

    #[test]
    fn alternatives_are_kept_apart_so_that_covered_cases_are_seen() {
        // a && b, !a, a && !b: exhaustive.
        let not_both = Facts::is("a", false).or(&Facts::is("b", false));
        let rest = not_both.and(&Facts::is("a", true)).and(&Facts::is("b", true));
        assert!(rest.is_impossible());
    }

    #[test]
    fn many_alternatives_are_joined_without_losing_what_they_share() {
        let mut facts = Facts::impossible();
        for bound in 0..40 {
            let word = Values::words([SmolStr::from(format!("w{bound}"))]);
            facts = facts.or(&Facts::is("a", true).and(&Facts::one_of("b", word)));
        }
        assert_eq!(facts.known_bool("a"), Some(true));
        assert!(facts.is_present("b"));
        assert!(!facts.is_impossible());
    }

    #[test]
    fn forgetting_a_place_forgets_what_is_below_it() {
        let facts = Facts::is("event.user.blocked", true).and(&Facts::is("event.users", true));
        let after = facts.forget("event.user");
        assert_eq!((after.known_bool("event.user.blocked"), after.known_bool("event.users")), (None, Some(true)));
    }
}
