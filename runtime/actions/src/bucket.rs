//! A tenant's CPU time: a bucket that fills steadily and is drawn from after the fact, so that it can stand below zero.

use std::time::{Duration, Instant};

/// The bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// CPU time left, in nanoseconds.
    level: f64,
    /// When it was.
    at: Instant,
    rate: Rate,
}

/// How it fills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// CPU seconds a second: the part of one core that a tenant may use for long.
    pub share: f64,
    /// CPU time that it may use at once after a pause.
    pub burst: Duration,
}

impl Bucket {
    /// A full one.
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self { level: nanos(rate.burst), at: now, rate }
    }

    /// How long until something is in it.
    pub fn wait(&mut self, now: Instant) -> Duration {
        self.fill(now);
        if self.level > 0.0 {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64((1.0 - self.level) / (self.rate.share * 1e9)).unwrap_or(Duration::MAX)
    }

    /// Draws so many nanoseconds of CPU time.
    pub fn draw(&mut self, cpu: u64, now: Instant) {
        self.fill(now);
        #[expect(clippy::cast_precision_loss, reason = "a time of 104 days is exact")]
        let cpu = cpu as f64;
        self.level -= cpu;
    }

    /// Whether it is full: nothing has to be remembered.
    pub fn is_full(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.level >= nanos(self.rate.burst)
    }

    fn fill(&mut self, now: Instant) {
        let passed = nanos(now.saturating_duration_since(self.at));
        self.level = (self.level + passed * self.rate.share).min(nanos(self.rate.burst));
        self.at = now;
    }
}

fn nanos(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_drawn_comes_back_at_the_rate_and_no_more_than_the_burst() {
        let rate = Rate { share: 0.5, burst: Duration::from_millis(100) };
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut bucket = Bucket::new(rate, start);
        assert_eq!(bucket.wait(start), Duration::ZERO);
        bucket.draw(200_000_000, start);
        let wait = bucket.wait(start).as_millis();
        assert!((199..=201).contains(&wait), "100 ms are owed, at half a core: {wait}");
        assert_eq!(bucket.wait(after(201)), Duration::ZERO);
        assert!(!bucket.is_full(after(201)));
        assert!(bucket.is_full(after(10_000)));
        bucket.draw(100_000_001, after(10_000));
        assert!(bucket.wait(after(10_000)) > Duration::ZERO, "a long pause gives no more than the burst");
    }
}
