//! What is known at one point of a walk over a flow: facts, what follows from results, what was settled, time used.

use std::rc::Rc;

use crate::source::Span;
use crate::typed::facts::{Facts, Place};
use crate::typed::flow::StepId;

/// What is known at one point of a flow.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Some path leads here.
    pub alive: bool,
    /// What is known of places; impossible only where no path leads.
    pub facts: Facts,
    /// What follows from blocks' results, learnt when they are tested. It only grows.
    pub implied: Rc<Vec<Rc<Implied>>>,
    /// Steps that may have run.
    pub ran: Ran,
    /// The settling terminal that may have run.
    pub settled: Option<Span>,
    /// A path leads here on which nothing has settled.
    pub unsettled: bool,
    /// The worst engine time since the run began or was resumed, in milliseconds.
    pub elapsed: u64,
    /// The terminal after which nothing runs, where no path leads here.
    pub ended: Option<Span>,
}

/// If these results are what they are here, those facts hold: that a place is there, or of the level of assurance,
/// neither of which a later block undoes.
#[derive(Debug)]
pub(super) struct Implied {
    /// Places of bools, and what they must be.
    pub when: Vec<(Place, bool)>,
    /// What holds then. It says nothing of results.
    pub then: Facts,
}

/// Steps by number, a bit each.
#[derive(Clone, Debug, Default)]
pub(super) struct Ran {
    bits: Vec<u64>,
}

impl State {
    /// The beginning of a run.
    pub fn start(facts: Facts) -> Self {
        Self {
            alive: true,
            facts,
            implied: Rc::default(),
            ran: Ran::default(),
            settled: None,
            unsettled: true,
            elapsed: 0,
            ended: None,
        }
    }

    /// No path leads here.
    pub fn dead(ended: Option<Span>) -> Self {
        Self { alive: false, facts: Facts::impossible(), unsettled: false, ended, ..Self::start(Facts::nothing()) }
    }

    /// Learns facts and what follows from them.
    pub fn learn(&mut self, facts: &Facts) {
        let mut all = self.facts.and(facts);
        self.imply(&mut all, facts);
        self.facts = all;
    }

    /// Adds what follows from facts, of which `learnt` is new.
    pub fn imply(&self, facts: &mut Facts, learnt: &Facts) {
        for implied in self.implied.iter() {
            if implied.when.iter().any(|(place, _)| learnt.mentions(place))
                && let Some(more) = facts.learn_when(&implied.when, &implied.then)
            {
                *facts = more;
            }
        }
    }

    /// From here on, `then` holds where the results are as `when` says.
    pub fn follow(&mut self, when: Vec<(Place, bool)>, then: Facts) {
        if let Some(more) = self.facts.learn_when(&when, &then) {
            self.facts = more;
        }
        Rc::make_mut(&mut self.implied).push(Rc::new(Implied { when, then }));
    }

    /// A block sets a place: what was known of its value is known no longer.
    pub fn renew(&mut self, place: &str) {
        self.facts = self.facts.renew(place);
    }

    /// Notes that a step may have run.
    pub fn mark(&mut self, id: StepId) {
        self.ran.add(id);
    }

    /// Either way leads here. `before` is what followed from results where the ways parted.
    #[must_use]
    pub fn join(self, other: Self, before: &[Rc<Implied>]) -> Self {
        if !self.alive {
            return Self { ended: other.ended.or(self.ended), ..other };
        }
        if !other.alive {
            return Self { ended: self.ended.or(other.ended), ..self };
        }
        let mut ran = self.ran;
        ran.add_all(&other.ran);
        Self {
            alive: true,
            facts: self.facts.or(&other.facts),
            implied: join_implied(before, self.implied, &other.implied),
            ran,
            settled: self.settled.or(other.settled),
            unsettled: self.unsettled || other.unsettled,
            elapsed: self.elapsed.max(other.elapsed),
            ended: None,
        }
    }
}

impl Ran {
    /// Whether the step may have run.
    pub fn contains(&self, id: StepId) -> bool {
        let (word, bit) = Self::at(id);
        self.bits.get(word).is_some_and(|bits| bits & bit != 0)
    }

    fn add(&mut self, id: StepId) {
        let (word, bit) = Self::at(id);
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        if let Some(bits) = self.bits.get_mut(word) {
            *bits |= bit;
        }
    }

    fn add_all(&mut self, other: &Self) {
        if self.bits.len() < other.bits.len() {
            self.bits.resize(other.bits.len(), 0);
        }
        for (own, other) in self.bits.iter_mut().zip(&other.bits) {
            *own |= other;
        }
    }

    fn at(id: StepId) -> (usize, u64) {
        ((id.0 / 64) as usize, 1 << (id.0 % 64))
    }
}

/// What either side adds is about results that only that side has, so it holds after both.
fn join_implied(
    before: &[Rc<Implied>],
    mut left: Rc<Vec<Rc<Implied>>>,
    right: &Rc<Vec<Rc<Implied>>>,
) -> Rc<Vec<Rc<Implied>>> {
    let new = right.get(before.len()..).unwrap_or(&[]);
    if !Rc::ptr_eq(&left, right) && !new.is_empty() {
        Rc::make_mut(&mut left).extend(new.iter().cloned());
    }
    left
}
