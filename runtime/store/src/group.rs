//! Commits in groups: while one transaction goes to disk, the commits that come meanwhile gather, and go together in the next.
//!
//! Nobody waits for a group to fill: a commit that comes alone goes at once, and alone.

use std::collections::VecDeque;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use admit_runtime::host::StoreError;
use tokio::sync::oneshot;

use crate::commit::{One, commit_all};
use crate::sql::{Pool, Tries};

/// Most commits in a group: what has to wait for it is not to wait long.
const MOST: usize = 128;

/// Gathers the commits of a store.
pub(crate) struct Committer {
    lanes: Vec<Arc<Lane>>,
    hasher: std::hash::RandomState,
}

/// The commits of some tenants, which go one group after another.
#[derive(Default)]
struct Lane {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    is_running: bool,
}

/// A commit, and who waits for it.
struct Waiting {
    one: One,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

/// A lane at work. Dropped before its end, which only the end of the program's runtime can cause, it leaves nobody waiting.
struct Work(Arc<Lane>);

impl Committer {
    /// With so many groups at a time; the commits of one tenant, which come one after another anyway, share one.
    pub(crate) fn new(lanes: usize) -> Self {
        Self { lanes: (0..lanes.max(1)).map(|_| Arc::default()).collect(), hasher: std::hash::RandomState::new() }
    }

    /// Commits, with others that come meanwhile. It goes on if the caller does not wait for it.
    ///
    /// # Errors
    /// A conflict, or what went wrong; nothing of this commit is written then.
    pub(crate) async fn commit(&self, pool: &Pool, one: One) -> Result<(), StoreError> {
        let interrupted = || StoreError::Unavailable("the commit was interrupted".to_owned());
        let place = self.hasher.hash_one(&one.tenant) % self.lanes.len() as u64;
        let lane = usize::try_from(place).ok().and_then(|place| self.lanes.get(place)).ok_or_else(interrupted)?;
        let (answer, answered) = oneshot::channel();
        if lane.is_first(Waiting { one, answer }) {
            tokio::spawn(work(Work(Arc::clone(lane)), pool.clone()));
        }
        answered.await.unwrap_or_else(|_| Err(interrupted()))
    }
}

impl Lane {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets it wait. Is nobody at work on this lane?
    fn is_first(&self, waiting: Waiting) -> bool {
        let mut state = self.state();
        state.waiting.push_back(waiting);
        !std::mem::replace(&mut state.is_running, true)
    }

    /// The next group; none ends the work.
    fn next(&self) -> Vec<Waiting> {
        let mut state = self.state();
        let count = state.waiting.len().min(MOST);
        let group: Vec<Waiting> = state.waiting.drain(..count).collect();
        state.is_running = !group.is_empty();
        group
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if std::mem::take(&mut state.is_running) {
            state.waiting.clear();
        }
    }
}

async fn work(work: Work, pool: Pool) {
    loop {
        let group = work.0.next();
        if group.is_empty() {
            return;
        }
        let (all, answers): (Vec<One>, Vec<_>) = group.into_iter().map(|waiting| (waiting.one, waiting.answer)).unzip();
        let began = std::time::Instant::now();
        let ends = commit_group(&pool, &all).await;
        metrics::histogram!("admit_store_commit_seconds").record(began.elapsed());
        for (answer, end) in answers.into_iter().zip(ends) {
            // Whoever waited may have gone away.
            let _ = answer.send(end);
        }
    }
}

/// All together; where that does not go, each by itself, so that none fails for another's fault.
async fn commit_group(pool: &Pool, all: &[One]) -> Vec<Result<(), StoreError>> {
    if all.len() > 1 {
        match commit_all(pool, all).await {
            Ok(ends) => return ends,
            // Whoever is told this may try again. To do so here would be late for all, and if the answer alone was lost, wrong.
            Err(StoreError::Unavailable(why)) => return vec![Err(StoreError::Unavailable(why)); all.len()],
            Err(_) => {}
        }
    }
    let mut ends = Vec::with_capacity(all.len());
    for one in all {
        ends.push(commit_alone(pool, one).await);
    }
    ends
}

async fn commit_alone(pool: &Pool, one: &One) -> Result<(), StoreError> {
    let mut tries = Tries::default();
    loop {
        let end = commit_all(pool, std::slice::from_ref(one)).await.map(|_| ());
        if !tries.again(&end).await {
            return end;
        }
    }
}
