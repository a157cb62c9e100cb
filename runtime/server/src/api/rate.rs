//! How many calls a key may make: a bucket of tokens for each key, on this node. Only keys that are good have one, so there are
//! never more buckets than keys.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Buckets from here on are looked through for those that are full again, which say nothing.
const MANY: usize = 4_096;

/// The buckets.
pub struct Rates {
    /// Calls a second, and at once.
    rate: Option<f64>,
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Rates {
    /// So many calls a second for each key; none: as many as it likes.
    pub fn new(per_second: Option<u32>) -> Self {
        Self { rate: per_second.map(f64::from), buckets: Mutex::default() }
    }

    /// Calls a second that a key may make.
    pub fn per_second(&self) -> Option<f64> {
        self.rate
    }

    /// Takes a token of a key, at a time.
    ///
    /// # Errors
    /// There is none: how long until there is.
    pub fn take(&self, key: &str, now: Instant) -> Result<(), Duration> {
        let Some(rate) = self.rate else { return Ok(()) };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MANY && !buckets.contains_key(key) {
            buckets.retain(|_, bucket| bucket.at_time(rate, now) < rate);
        }
        let bucket = buckets.entry(key.to_owned()).or_insert(Bucket { tokens: rate, at: now });
        bucket.tokens = bucket.at_time(rate, now);
        bucket.at = bucket.at.max(now);
        if bucket.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.tokens) / rate));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

impl Bucket {
    fn at_time(&self, rate: f64, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.tokens + since * rate).min(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_calls_each_second_and_no_others() {
        let rates = Rates::new(Some(3));
        let start = Instant::now();
        let at = |millis: u64| start + Duration::from_millis(millis);
        let taken = |key: &str, millis: u64| (0..9).filter(|_| rates.take(key, at(millis)).is_ok()).count();
        assert_eq!(taken("a", 0), 3);
        assert_eq!(taken("b", 0), 3, "another key has its own");
        assert_eq!(taken("a", 100), 0);
        let wait = rates.take("a", at(100)).unwrap_err();
        assert!(wait > Duration::from_millis(230) && wait < Duration::from_millis(235), "{wait:?}");
        assert_eq!(taken("a", 400), 1);
        assert_eq!(taken("a", 60_000), 3, "no more than a second's worth is saved up");
        assert_eq!(taken("a", 50_000), 0, "a clock that goes back gives nothing");
    }

    #[test]
    fn without_a_rate_everything_goes_and_full_buckets_are_forgotten() {
        let free = Rates::new(None);
        let now = Instant::now();
        assert!((0..10_000).all(|_| free.take("a", now).is_ok()));
        let rates = Rates::new(Some(1));
        for key in 0..MANY {
            rates.take(&key.to_string(), now).unwrap();
        }
        rates.take("one more", now + Duration::from_secs(2)).unwrap();
        assert_eq!(rates.buckets.lock().unwrap().len(), 1);
    }
}
