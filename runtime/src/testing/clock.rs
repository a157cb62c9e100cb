//! A clock that stands still until something sleeps: then it jumps to the first time that anything waits for.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use admit_eval::value::Instant;

/// A virtual clock; clones are the same clock.
#[derive(Clone)]
pub struct Clock(Arc<Mutex<State>>);

struct State {
    start: Instant,
    /// Nanoseconds since `start`.
    elapsed: u64,
    /// Those who sleep: number and time to wake.
    sleepers: Vec<(u64, u64)>,
    next: u64,
    /// Those that hold it: while there is one, it does not jump.
    holds: u32,
    /// Those who sleep meanwhile.
    wakers: Vec<Waker>,
}

/// Holds a clock while something outside takes time of the world.
pub struct Hold(Clock);

struct Sleep {
    clock: Clock,
    nanos: u64,
    number: Option<u64>,
}

impl Clock {
    /// Stands at this time.
    pub fn at(start: Instant) -> Self {
        Self(Arc::new(Mutex::new(State {
            start,
            elapsed: 0,
            sleepers: Vec::new(),
            next: 0,
            holds: 0,
            wakers: Vec::new(),
        })))
    }

    /// Moves on.
    pub fn advance(&self, nanos: u64) {
        self.with(|state| state.elapsed = state.elapsed.saturating_add(nanos));
    }

    /// Sets the wall clock, by seconds from where it is; what is slept and measured does not change.
    pub fn step(&self, seconds: i64) {
        self.with(|state| state.start.seconds = state.start.seconds.saturating_add(seconds));
    }

    /// Wall-clock time.
    pub fn now(&self) -> Instant {
        self.with(|state| {
            let nanos = u64::from(state.start.nanos) + state.elapsed % 1_000_000_000;
            let seconds = (state.elapsed / 1_000_000_000 + nanos / 1_000_000_000) as i64;
            Instant { seconds: state.start.seconds.saturating_add(seconds), nanos: (nanos % 1_000_000_000) as u32 }
        })
    }

    /// Nanoseconds since the start.
    pub fn elapsed(&self) -> u64 {
        self.with(|state| state.elapsed)
    }

    /// Sleeps without taking any time of the world.
    pub fn sleep(&self, nanos: u64) -> impl Future<Output = ()> + Send + use<> {
        Sleep { clock: self.clone(), nanos, number: None }
    }

    /// Lets nobody's sleep end before this is dropped: a process outside does its work now, whatever the clock says.
    pub fn hold(&self) -> Hold {
        self.with(|state| state.holds += 1);
        Hold(self.clone())
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let (nanos, known) = (self.nanos, self.number);
        let (number, is_over) = self.clock.with(|state| match known {
            Some(number) if state.holds > 0 => {
                state.wakers.push(context.waker().clone());
                (number, None)
            }
            // All that is polled in this round gets the chance to say how long it sleeps first.
            None => {
                let number = state.next;
                state.next += 1;
                state.sleepers.push((number, state.elapsed.saturating_add(nanos)));
                (number, Some(false))
            }
            Some(number) => {
                let wake = state.sleepers.iter().find(|(known, _)| *known == number).map_or(0, |(_, wake)| *wake);
                let first = state.sleepers.iter().map(|(_, wake)| *wake).min().unwrap_or(0);
                if wake <= first {
                    state.elapsed = state.elapsed.max(wake);
                }
                (number, Some(wake <= state.elapsed))
            }
        });
        self.number = Some(number);
        match is_over {
            Some(true) => return Poll::Ready(()),
            Some(false) => context.waker().wake_by_ref(),
            None => {}
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let number = self.number;
        self.clock.with(|state| state.sleepers.retain(|(known, _)| Some(*known) != number));
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let wakers = self.0.with(|state| {
            state.holds = state.holds.saturating_sub(1);
            if state.holds == 0 { std::mem::take(&mut state.wakers) } else { Vec::new() }
        });
        wakers.into_iter().for_each(Waker::wake);
    }
}
