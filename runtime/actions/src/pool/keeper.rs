//! The keeper: the one thread that starts workers and waits for dead ones. It lives as long as the pool, because the
//! kernel kills a worker when the thread that started it ends.

use std::process::Child;
use std::sync::{Weak, mpsc};
use std::time::{Duration, Instant};

use super::shared::Shared;
use crate::process::{NoWorker, Place, Process};

const TICK: Duration = Duration::from_secs(1);
/// Pause after a worker could not be started.
const PAUSE: Duration = Duration::from_millis(200);

/// What it is told.
pub(crate) enum Order {
    /// Somebody waits, or a place is free.
    Look,
    /// Wait for this one, which was killed.
    Bury(Child),
}

pub(super) fn start(shared: Weak<Shared>, orders: mpsc::Receiver<Order>) -> Result<(), std::io::Error> {
    std::thread::Builder::new().name("action-keeper".to_owned()).spawn(move || keep(&shared, &orders)).map(drop)
}

fn keep(shared: &Weak<Shared>, orders: &mpsc::Receiver<Order>) {
    let mut swept = Instant::now();
    loop {
        match orders.recv_timeout(TICK) {
            Ok(Order::Bury(mut child)) => {
                let _ = child.wait();
            }
            Ok(Order::Look) | Err(mpsc::RecvTimeoutError::Timeout) => {}
            // The pool is gone, and so are all its workers.
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
        let Some(shared) = shared.upgrade() else { continue };
        while shared.wants_worker() {
            let place = Place::take(&shared.workers, &shared.orders);
            let worker = Process::start(&shared.options.program, place);
            if worker.is_ok() {
                shared.counts.started.add();
            }
            let failed = matches!(worker, Err(NoWorker::NotStarted(_)));
            shared.deliver(worker);
            if failed {
                std::thread::sleep(PAUSE);
                break;
            }
        }
        if swept.elapsed() > TICK {
            shared.sweep();
            swept = Instant::now();
        }
    }
}
