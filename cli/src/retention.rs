//! How long things are kept: settings of `admit serve` and of `admit retention`, and the work itself.

use std::str::FromStr;
use std::time::Duration;

use admit_eval::value::Instant;
use admit_runtime::tenant::TenantId;
use admit_store::{Kept, SqlStore};

use crate::failure::Failure;
use crate::world;

/// Rows of one transaction: few enough that nobody waits for it.
const BATCH: u32 = 500;
/// Entries of an audit log that are cut off at a time, since each cut is an entry itself.
const AUDIT_BATCH: u32 = 20_000;
/// A pause between batches, so that requests come between.
const PAUSE: Duration = Duration::from_millis(20);

/// How long something is kept; `never` is for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age(pub Option<u64>);

/// For how long what is kept.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct RetentionArgs {
    /// Remove runs, with their traces, that ended longer ago than this: `90d`, `12h`, `never`
    #[arg(long, value_name = "AGE", default_value = "never")]
    retention_runs: Age,
    /// Remove the traces of runs after this long
    #[arg(long, value_name = "AGE", default_value = "never")]
    retention_traces: Age,
    /// Cut the audit log off behind entries of this age; the chain still verifies
    #[arg(long, value_name = "AGE", default_value = "never")]
    retention_audit: Age,
    /// Remove queued work, and deliveries of webhooks, that were done or given up this long ago
    #[arg(long, value_name = "AGE", default_value = "30d")]
    retention_jobs: Age,
    /// Remove challenges that expired this long ago
    #[arg(long, value_name = "AGE", default_value = "1d")]
    retention_challenges: Age,
    /// Remove sessions that ended this long ago
    #[arg(long, value_name = "AGE", default_value = "30d")]
    retention_sessions: Age,
}

impl RetentionArgs {
    /// How long this is kept.
    pub fn of(&self, kept: Kept) -> Age {
        match kept {
            Kept::Runs => self.retention_runs,
            Kept::Traces => self.retention_traces,
            Kept::Audit => self.retention_audit,
            Kept::Jobs => self.retention_jobs,
            Kept::Challenges => self.retention_challenges,
            Kept::Sessions => self.retention_sessions,
        }
    }

    /// What is kept for a time, with the moment before which it may go.
    pub fn due(&self, now: Instant) -> Vec<(Kept, Instant)> {
        let due = |kept: Kept| Some((kept, before(now, self.of(kept).0?)));
        Kept::ALL.into_iter().filter_map(due).collect()
    }
}

/// Removes all that may go of one kind in one tenant; answers how many.
pub async fn prune(
    store: &SqlStore,
    tenant: &TenantId,
    kept: Kept,
    before: Instant,
    actor: &str,
) -> Result<u64, Failure> {
    let most = if kept == Kept::Audit { AUDIT_BATCH } else { BATCH };
    let mut removed = 0;
    loop {
        let by = (actor, world::now());
        let batch = store.prune(tenant, kept, before, most, by).await;
        let batch = batch.map_err(|error| Failure::new(format!("{} of tenant `{tenant}`: {error}", kept.word())))?;
        removed += batch;
        // What is cut off adds the entry that says so: a cut that takes little is the last.
        if batch < u64::from(most) {
            return Ok(removed);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn before(now: Instant, seconds: u64) -> Instant {
    Instant { seconds: now.seconds.saturating_sub_unsigned(seconds), nanos: now.nanos }
}

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self(None));
        }
        let wanted = || format!("`{text}` is no age: write `90d`, `12h`, `30m`, `45s` or `never`");
        let unit = match text.chars().last() {
            Some('d') => 86_400,
            Some('h') => 3_600,
            Some('m') => 60,
            Some('s') => 1,
            Some(_) | None => return Err(wanted()),
        };
        let number = text.get(..text.len() - 1).and_then(|number| number.parse::<u64>().ok()).ok_or_else(wanted)?;
        number.checked_mul(unit).map(|seconds| Self(Some(seconds))).ok_or_else(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::Age;

    #[test]
    fn ages_have_a_unit() {
        for (text, seconds) in [("never", None), ("45s", Some(45)), ("30m", Some(1_800)), ("90d", Some(7_776_000))] {
            assert_eq!(text.parse(), Ok(Age(seconds)), "{text}");
        }
        for text in ["", "d", "90", "-1d", "1.5h", "90 d", "1w", "é", "99999999999999999999d"] {
            assert!(text.parse::<Age>().is_err(), "{text}");
        }
    }
}
