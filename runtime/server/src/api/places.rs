//! Places of runs: bounded in number, and for each tenant too, so that one that asks for more than there are leaves some to others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use admit_runtime::tenant::TenantId;

/// The places.
pub struct Places {
    most: usize,
    /// The most that one tenant has at once: three in four.
    share: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    tenants: HashMap<TenantId, usize>,
}

/// A place, given back when it is dropped.
pub struct Place {
    places: Arc<Places>,
    tenant: TenantId,
}

impl Places {
    /// So many, at least one.
    pub fn new(most: usize) -> Arc<Self> {
        let most = most.max(1);
        Arc::new(Self { most, share: most.saturating_sub(most / 4).max(1), taken: Mutex::default() })
    }

    /// One for the tenant, where there is one.
    pub fn take(self: &Arc<Self>, tenant: &TenantId) -> Option<Place> {
        let mut taken = self.taken();
        let own = taken.tenants.get(tenant).copied().unwrap_or(0);
        if taken.all >= self.most || own >= self.share {
            return None;
        }
        taken.all += 1;
        taken.tenants.insert(tenant.clone(), own + 1);
        Some(Place { places: Arc::clone(self), tenant: tenant.clone() })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all = taken.all.saturating_sub(1);
        let own = taken.tenants.get(&self.tenant).copied().unwrap_or(0);
        if own > 1 {
            taken.tenants.insert(self.tenant.clone(), own - 1);
        } else {
            taken.tenants.remove(&self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t42_a_tenant_that_asks_for_all_places_leaves_some_to_others() {
        let places = Places::new(8);
        let (loud, quiet): (TenantId, TenantId) = ("loud".parse().unwrap(), "quiet".parse().unwrap());
        let held: Vec<Place> = (0..100).filter_map(|_| places.take(&loud)).collect();
        assert_eq!(held.len(), 6);
        let other: Vec<Place> = (0..100).filter_map(|_| places.take(&quiet)).collect();
        assert_eq!(other.len(), 2);
        drop(held);
        assert!(places.take(&loud).is_some());
        assert!(Places::new(1).take(&quiet).is_some());
        drop(other);
        assert!(places.taken().tenants.is_empty() && places.taken().all == 0, "all were given back");
    }
}
