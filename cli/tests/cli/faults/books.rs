//! What callers were told, held against what the store has.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use admit_host::KeyFile;
use admit_runtime::tenant::TenantId;
use admit_store::SqlStore;
use admit_store::seal::SealKey;

/// What was acknowledged.
#[derive(Default)]
pub struct Told {
    /// Runs that have ended.
    pub ended: HashSet<String>,
    /// Runs that wait, with their tokens; nothing was sent with these yet.
    pub waiting: Vec<(String, String)>,
    /// Hashes of bundles that went live, in order.
    pub deploys: Vec<String>,
}

impl Told {
    /// Both.
    pub fn add(&mut self, more: Self) {
        self.ended.extend(more.ended);
        self.waiting.extend(more.waiting);
        self.deploys.extend(more.deploys);
    }

    /// Opens the database itself, and holds it against what was told.
    pub fn check(&self, database: &str, key_file: &Path) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (keys, _) = KeyFile::open_or_create(key_file).unwrap();
            let store = SqlStore::open(Path::new(database), SealKey::new(keys.sealing())).await.unwrap();
            self.check_store(&store).await;
            store.close().await;
        });
    }

    async fn check_store(&self, store: &SqlStore) {
        let tenant: TenantId = "local".parse().unwrap();
        let count = store.verify_audit(&tenant).await.unwrap().unwrap_or_else(|fault| panic!("{fault}"));
        let (mut completed, mut deploys, mut seen) = (HashSet::new(), 0_usize, 0);
        loop {
            let page = store.audit(&tenant, seen, 1_000).await.unwrap();
            let Some(last) = page.last() else { break };
            seen = last.seq;
            for row in page {
                match row.entry.kind.as_str() {
                    "flow.run_completed" => assert!(completed.insert(row.run_id), "a run has completed twice"),
                    "flow.deployed" | "flow.rolled_back" => deploys += 1,
                    _ => {}
                }
            }
        }
        assert_eq!(seen, count);
        let runs = store.runs(&tenant, u32::MAX).await.unwrap();
        let outcomes: HashMap<&str, &str> = runs.iter().map(|run| (run.id.as_str(), run.outcome.as_str())).collect();
        for run in &self.ended {
            assert!(completed.contains(run), "{run} was acknowledged and has no audit entry");
            assert!(outcomes.get(run.as_str()).is_some_and(|outcome| *outcome != "suspended"), "{run} has no outcome");
        }
        // And nothing is half there: an entry without its run, or a run that has ended without its entry.
        let ended = outcomes.iter().filter(|(_, outcome)| **outcome != "suspended").count();
        assert_eq!(ended, completed.len());
        for (run, _) in &self.waiting {
            assert_eq!(outcomes.get(run.as_str()), Some(&"suspended"), "{run} was acknowledged and does not wait");
        }
        for run in self.ended.iter().take(20) {
            let traces = store.traces(&tenant, run).await.unwrap();
            assert!(!traces.is_empty() && traces.iter().all(Option::is_some), "{run} has no trace");
        }
        let kept = store.deploys(&tenant, None, u32::MAX).await.unwrap();
        assert_eq!(kept.len(), deploys, "a deploy and its audit entry go together");
        let kept: HashSet<String> =
            kept.iter().map(|deploy| admit_plan::encode::ContentHash(deploy.bundle).to_string()).collect();
        for hash in &self.deploys {
            assert!(kept.contains(hash), "the deploy of {hash} was acknowledged and is not there");
        }
    }
}
