//! Watching feeds: now and then their files are looked at, and those that changed are read anew, off the async threads.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::{FeedFiles, FeedStatus};

/// How often files are looked at.
pub const POLL: Duration = Duration::from_secs(30);

/// A watch over feeds, which ends when this is dropped.
pub struct Watch(JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl FeedFiles {
    /// Looks at the files every so often, and tells what happened to each that changed: how it stands, or what is wrong with it.
    /// A file that is replaced in one step (renamed over the old one) is never seen in part.
    pub fn watch(
        self: &Arc<Self>,
        every: Duration,
        tell: impl Fn(Result<FeedStatus, String>) + Send + 'static,
    ) -> Watch {
        let feeds = Arc::clone(self);
        Watch(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(every);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            // The first is at once, when they have just been read.
            ticks.tick().await;
            loop {
                ticks.tick().await;
                let reading = Arc::clone(&feeds);
                // One that panics has changed nothing: the next look is another try.
                let happened = tokio::task::spawn_blocking(move || reading.refresh()).await.unwrap_or_default();
                happened.into_iter().for_each(&tell);
            }
        }))
    }
}
