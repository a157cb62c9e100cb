//! What is known of values at one point of a flow: which places are present, and which values they can still have.
//!
//! Facts over-approximate: every state that can occur satisfies one of the alternatives. So `impossible` proves that
//! a point is never reached (a case is never taken, the cases before are exhaustive), and a place that is present in
//! all alternatives is present. Places are dotted paths: `event.user.email`, `step.mfa.verified`.

pub mod values;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use smol_str::SmolStr;
use values::Values;

/// More alternatives than this are joined into one.
const ALTERNATIVES: usize = 8;

/// Facts: any of the alternatives may hold; none: the point is never reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    alternatives: Vec<Arc<State>>,
}

/// One alternative: what is known of each place.
type State = BTreeMap<SmolStr, Known>;

/// What is known of one place.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    presence: Presence,
    values: Values,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Unknown,
    Present,
    Absent,
}

impl Default for Facts {
    fn default() -> Self {
        Self::nothing()
    }
}

impl Facts {
    /// Nothing is known.
    pub fn nothing() -> Self {
        Self { alternatives: vec![Arc::default()] }
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
        if other.is_nothing() {
            return self.clone();
        }
        let mut alternatives = Vec::new();
        for left in &self.alternatives {
            for right in &other.alternatives {
                if let Some(both) = meet(left, right) {
                    add(&mut alternatives, Arc::new(both));
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
            add(&mut alternatives, Arc::clone(state));
        }
        Self { alternatives }.bounded()
    }

    /// No state can satisfy them.
    pub fn is_impossible(&self) -> bool {
        self.alternatives.is_empty()
    }

    /// The place is known to be there.
    pub fn is_present(&self, place: &str) -> bool {
        self.alternatives.iter().all(|state| present_in(state, place))
    }

    /// The place is known not to be there.
    pub fn is_absent(&self, place: &str) -> bool {
        self.alternatives.iter().all(|state| absent_in(state, place))
    }

    /// The bool that the place is known to be.
    pub fn known_bool(&self, place: &str) -> Option<bool> {
        let mut known = None;
        for state in &self.alternatives {
            let value = state.get(place)?.values.known_bool()?;
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
        let mut alternatives = Vec::new();
        for state in &self.alternatives {
            if !state.keys().any(|name| covers(place, name)) {
                add(&mut alternatives, Arc::clone(state));
                continue;
            }
            let mut state = State::clone(state);
            state.retain(|name, _| !covers(place, name));
            add(&mut alternatives, Arc::new(state));
        }
        Self { alternatives }
    }

    /// Places known to be a bool in each alternative, with it: what `imply` and `provides` conditions look at.
    pub fn bools(&self) -> Vec<(SmolStr, bool)> {
        let Some(first) = self.alternatives.first() else { return Vec::new() };
        first.keys().filter_map(|place| Some((place.clone(), self.known_bool(place)?))).collect()
    }

    /// Applies `learn` to each alternative alone: what follows from it is added to it.
    #[must_use]
    pub fn each(&self, learn: impl Fn(&Facts) -> Facts) -> Self {
        let mut all = Self::impossible();
        for state in &self.alternatives {
            let one = Self { alternatives: vec![Arc::clone(state)] };
            let more = learn(&one);
            all = all.or(&one.and(&more));
        }
        all
    }

    /// Adds `then` to each alternative in which the bools are as `when` says; none if there is none.
    #[must_use]
    pub fn learn_when(&self, when: &[(SmolStr, bool)], then: &Self) -> Option<Self> {
        let holds = |state: &State| {
            when.iter()
                .all(|(place, value)| state.get(place).is_some_and(|known| known.values.known_bool() == Some(*value)))
        };
        if !self.alternatives.iter().any(|state| holds(state)) {
            return None;
        }
        let mut alternatives = Vec::with_capacity(self.alternatives.len());
        for state in &self.alternatives {
            if !holds(state) {
                add(&mut alternatives, Arc::clone(state));
                continue;
            }
            for more in &then.alternatives {
                if let Some(both) = meet(state, more) {
                    add(&mut alternatives, Arc::new(both));
                }
            }
        }
        Some(Self { alternatives }.bounded())
    }

    /// A place gets a new value: what was known of the old one and below it is forgotten, but that the place is there.
    #[must_use]
    pub fn renew(&self, place: &str) -> Self {
        let mut alternatives = Vec::with_capacity(self.alternatives.len());
        for state in &self.alternatives {
            let there = present_in(state, place);
            let mut state = State::clone(state);
            state.retain(|name, _| !covers(place, name));
            if there {
                state.insert(SmolStr::from(place), Known { presence: Presence::Present, values: Values::Any });
            }
            add(&mut alternatives, Arc::new(state));
        }
        Self { alternatives }
    }

    /// A place gets a value that depends on the old one, which is none where nothing is known of it.
    #[must_use]
    pub fn replace(&self, place: &str, value: impl Fn(Option<&Values>) -> Values) -> Self {
        let mut alternatives = Vec::with_capacity(self.alternatives.len());
        for state in &self.alternatives {
            let values = value(state.get(place).map(|known| &known.values));
            let mut state = State::clone(state);
            state.retain(|name, _| !covers(place, name));
            state.insert(SmolStr::from(place), Known { presence: Presence::Present, values });
            add(&mut alternatives, Arc::new(state));
        }
        Self { alternatives }
    }

    /// Calls places by other names; those without one are forgotten.
    #[must_use]
    pub fn rename(&self, name: impl Fn(&SmolStr) -> Option<SmolStr>) -> Self {
        let mut alternatives = Vec::with_capacity(self.alternatives.len());
        for state in &self.alternatives {
            let renamed: State =
                state.iter().filter_map(|(place, known)| Some((name(place)?, known.clone()))).collect();
            add(&mut alternatives, Arc::new(renamed));
        }
        Self { alternatives }
    }

    /// Whether in every alternative one of the bools is known true.
    pub fn always_one_true(&self, places: &[SmolStr]) -> bool {
        let is_true = |state: &State, place: &SmolStr| {
            state.get(place).is_some_and(|known| known.values.known_bool() == Some(true))
        };
        self.alternatives.iter().all(|state| places.iter().any(|place| is_true(state, place)))
    }

    fn of(place: &str, known: Known) -> Self {
        let mut state = State::new();
        state.insert(SmolStr::from(place), known);
        Self { alternatives: vec![Arc::new(state)] }
    }

    fn is_nothing(&self) -> bool {
        matches!(self.alternatives.as_slice(), [only] if only.is_empty())
    }

    fn bounded(mut self) -> Self {
        if self.alternatives.len() > ALTERNATIVES {
            let joined = self.alternatives.drain(..).reduce(|left, right| Arc::new(join(&left, &right)));
            self.alternatives.extend(joined);
        }
        self
    }
}

/// Adds an alternative unless it is there already or is a special case of one that is.
fn add(alternatives: &mut Vec<Arc<State>>, state: Arc<State>) {
    if !alternatives.iter().any(|known| implies(&state, known)) {
        alternatives.retain(|known| !implies(known, &state));
        alternatives.push(state);
    }
}

/// Every state of the world that satisfies `left` satisfies `right`, as far as can be seen place by place.
fn implies(left: &State, right: &State) -> bool {
    right.iter().all(|(place, weaker)| {
        let Some(stronger) = left.get(place) else { return false };
        (weaker.presence == Presence::Unknown || weaker.presence == stronger.presence)
            && weaker.values.meet(&stronger.values) == stronger.values
    })
}

/// Both; none if they contradict.
fn meet(left: &State, right: &State) -> Option<State> {
    let mut both = left.clone();
    for (place, known) in right {
        let merged = match both.get(place) {
            None => known.clone(),
            Some(old) => Known {
                presence: match (old.presence, known.presence) {
                    (Presence::Unknown, other) | (other, Presence::Unknown) => other,
                    (one, other) if one == other => one,
                    (Presence::Present | Presence::Absent, Presence::Present | Presence::Absent) => return None,
                },
                values: old.values.meet(&known.values),
            },
        };
        if merged.values.is_empty() {
            return None;
        }
        both.insert(place.clone(), merged);
    }
    let contradicts = both.iter().any(|(gone, known)| known.presence == Presence::Absent && present_in(&both, gone));
    (!contradicts).then_some(both)
}

/// What both have in common.
fn join(left: &State, right: &State) -> State {
    let mut common = State::new();
    for (place, known) in left {
        if let Some(other) = right.get(place) {
            let presence = if known.presence == other.presence { known.presence } else { Presence::Unknown };
            let values = known.values.join(&other.values);
            if presence != Presence::Unknown || values != Values::Any {
                common.insert(place.clone(), Known { presence, values });
            }
        } else if known.presence == Presence::Present && present_in(right, place) {
            common.insert(place.clone(), Known { presence: Presence::Present, values: Values::Any });
        }
    }
    for (place, known) in right {
        if known.presence == Presence::Present && !left.contains_key(place) && present_in(left, place) {
            common.insert(place.clone(), Known { presence: Presence::Present, values: Values::Any });
        }
    }
    common
}

/// Something at or below the place is present. Places below it follow it in the order of the map.
fn present_in(state: &State, place: &str) -> bool {
    let at_or_after = state.range::<str, _>((Bound::Included(place), Bound::Unbounded));
    at_or_after
        .take_while(|(known, _)| known.starts_with(place))
        .any(|(known, fact)| fact.presence == Presence::Present && covers(place, known))
}

fn absent_in(state: &State, place: &str) -> bool {
    state.iter().any(|(known, fact)| fact.presence == Presence::Absent && covers(known, place))
}

/// `outer` is `inner` or a place around it.
fn covers(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
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
