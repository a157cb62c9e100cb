//! What is known at one point of a walk over a flow: facts, what follows from results, what was settled, time used.

use std::rc::Rc;

use smol_str::SmolStr;

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
    /// What follows from a block's results, learnt when they are tested.
    pub implied: Vec<Rc<Implied>>,
    /// Steps that may have run, in order.
    pub ran: Vec<StepId>,
    /// The settling terminal that may have run.
    pub settled: Option<Span>,
    /// A path leads here on which nothing has settled.
    pub unsettled: bool,
    /// The worst engine time since the run began or was resumed, in milliseconds.
    pub elapsed: u64,
    /// The terminal after which nothing runs, where no path leads here.
    pub ended: Option<Span>,
}

/// If these results are what they are here, those facts hold.
#[derive(Debug)]
pub(super) struct Implied {
    /// Places of bools, and what they must be.
    pub when: Vec<(Place, bool)>,
    /// What holds then.
    pub then: Facts,
    /// The place that the facts are about: a block that sets it ends them. None: only that the place is there, which
    /// no block undoes.
    pub about: Option<SmolStr>,
}

impl State {
    /// The beginning of a run.
    pub fn start(facts: Facts) -> Self {
        Self {
            alive: true,
            facts,
            implied: Vec::new(),
            ran: Vec::new(),
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
        self.imply(&mut all);
        self.facts = all;
    }

    /// Adds what follows from facts.
    pub fn imply(&self, facts: &mut Facts) {
        for implied in &self.implied {
            if let Some(more) = facts.learn_when(&implied.when, &implied.then) {
                *facts = more;
            }
        }
    }

    /// A block sets a place: what was known of its value is known no longer.
    pub fn renew(&mut self, place: &str) {
        self.facts = self.facts.renew(place);
        self.implied.retain(|implied| implied.about.as_deref() != Some(place));
    }

    /// Notes that a step may have run.
    pub fn mark(&mut self, id: StepId) {
        if !self.ran.contains(&id) {
            self.ran.push(id);
        }
    }

    /// Either way leads here. `before` is the state that both came from.
    #[must_use]
    pub fn join(self, other: Self, before: &[Rc<Implied>]) -> Self {
        if !self.alive {
            return Self { ended: other.ended.or(self.ended), ..other };
        }
        if !other.alive {
            return Self { ended: self.ended.or(other.ended), ..self };
        }
        let mut ran = self.ran;
        for id in other.ran {
            if !ran.contains(&id) {
                ran.push(id);
            }
        }
        Self {
            alive: true,
            facts: self.facts.or(&other.facts),
            implied: join_implied(before, &self.implied, &other.implied),
            ran,
            settled: self.settled.or(other.settled),
            unsettled: self.unsettled || other.unsettled,
            elapsed: self.elapsed.max(other.elapsed),
            ended: None,
        }
    }
}

/// What was known before holds where neither side has ended it. What one side adds is about results that only that
/// side has, so it holds after both.
fn join_implied(before: &[Rc<Implied>], left: &[Rc<Implied>], right: &[Rc<Implied>]) -> Vec<Rc<Implied>> {
    let has = |all: &[Rc<Implied>], one: &Rc<Implied>| all.iter().any(|known| Rc::ptr_eq(known, one));
    let old = before.iter().filter(|one| has(left, one) && has(right, one));
    let new = left.iter().chain(right).filter(|one| !has(before, one));
    let mut joined: Vec<Rc<Implied>> = Vec::new();
    for one in old.chain(new) {
        if !has(&joined, one) {
            joined.push(Rc::clone(one));
        }
    }
    joined
}
