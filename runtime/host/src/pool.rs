//! Work that takes milliseconds of CPU: a bounded number at once, a bounded number waiting, the rest refused (T13).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use admit_eval::datum::Datum;
use admit_runtime::host::HostError;
use tokio::sync::Semaphore;

/// Jobs that may wait for each that may run.
const WAITING_PER_RUNNING: usize = 16;

pub(crate) struct Pool {
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
}

/// Counts a waiting job for as long as it waits, also if it is given up.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    pub fn new(at_once: usize) -> Self {
        let at_once = at_once.max(1);
        Self {
            running: Arc::new(Semaphore::new(at_once)),
            waiting: AtomicUsize::new(0),
            most_waiting: at_once.saturating_mul(WAITING_PER_RUNNING),
        }
    }

    /// Runs the job on a thread of its own. `Overloaded` if too many wait already; a panic is this job's failure.
    pub async fn run(&self, job: Box<dyn FnOnce() -> Datum + Send>) -> Result<Datum, HostError> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(&self.waiting);
        if before >= self.most_waiting {
            return Err(HostError::Overloaded);
        }
        let permit = self
            .running
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| HostError::Failed("the pool is closed".to_owned()))?;
        drop(waiting);
        // The permit goes with the job: one that nobody waits for any more still takes its place.
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            job()
        })
        .await
        .map_err(|_| HostError::Failed("the job ended in a panic".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn t13_more_than_the_queue_holds_is_refused_and_the_rest_is_done() {
        let pool = Arc::new(Pool::new(2));
        let most = Arc::new(AtomicUsize::new(0));
        let running = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..200)
            .map(|_| {
                let (pool, most, running) = (pool.clone(), most.clone(), running.clone());
                tokio::spawn(async move {
                    pool.run(Box::new(move || {
                        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::sleep(std::time::Duration::from_millis(2));
                        running.fetch_sub(1, Ordering::SeqCst);
                        Datum::Null
                    }))
                    .await
                })
            })
            .collect();
        let (mut done, mut refused) = (0, 0);
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => done += 1,
                Err(error) => {
                    assert_eq!(error, HostError::Overloaded);
                    refused += 1;
                }
            }
        }
        assert!(most.load(Ordering::SeqCst) <= 2);
        assert!(done >= 34 && refused > 0, "{done} done, {refused} refused");
        assert_eq!(pool.waiting.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_panic_is_the_jobs_own() {
        let pool = Pool::new(1);
        let result = pool.run(Box::new(|| panic!("wanted by the test"))).await;
        assert_eq!(result, Err(HostError::Failed("the job ended in a panic".to_owned())));
        assert_eq!(pool.run(Box::new(|| Datum::Bool(true))).await, Ok(Datum::Bool(true)));
    }
}
