//! Sessions, refresh families and signing keys of the store in memory.

use std::collections::{BTreeMap, BTreeSet};

use admit_eval::value::Instant;

use crate::host::{BoxFuture, Secret, StoreError};
use crate::session::{RefreshToken, Sessions, Used};
use crate::tenant::TenantId;
use crate::testing::store::{MemoryStore, Rows};
use crate::unit::{Family, Material, Rotation, Session};

/// Refresh families.
#[derive(Clone, Default)]
pub(super) struct Families {
    families: BTreeMap<String, Family>,
    revoked: BTreeSet<String>,
    tokens: BTreeMap<[u8; 32], Token>,
    last_used: BTreeMap<String, Instant>,
}

#[derive(Clone)]
struct Token {
    family_id: String,
    generation: u32,
    used: Option<(Instant, [u8; 32])>,
    pair: Option<Material>,
}

impl MemoryStore {
    /// Adds a session; one that is there stays.
    pub fn put_session(&self, tenant: &TenantId, session: Session) {
        self.rows(tenant, |rows| {
            rows.sessions.entry(session.id.clone()).or_insert(session);
        });
    }

    /// Adds a refresh family with its first token, by its hash; what is there stays.
    pub fn put_family(&self, tenant: &TenantId, family: Family, first: [u8; 32]) {
        self.rows(tenant, |rows| rows.families.insert(&family, first));
    }
}

impl MemoryStore {
    /// Refresh families with the hashes of their tokens.
    pub fn families(&self, tenant: &TenantId) -> Vec<(Family, [u8; 32])> {
        self.rows(tenant, |rows| {
            let Families { families, tokens, .. } = &rows.families;
            let family = |token: &Token| families.get(&token.family_id).cloned();
            tokens.iter().filter_map(|(hash, token)| Some((family(token)?, *hash))).collect()
        })
    }
}

impl Sessions for MemoryStore {
    fn use_session<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
        now: Instant,
    ) -> BoxFuture<'a, Result<Option<Session>, StoreError>> {
        self.try_rows(tenant, |rows| {
            let found = rows.live_session(id, now);
            if found.is_some() {
                rows.families.last_used.insert(id.to_owned(), now);
            }
            Ok(found)
        })
    }

    fn live_sessions<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
        now: Instant,
    ) -> BoxFuture<'a, Result<Vec<Session>, StoreError>> {
        self.try_rows(tenant, |rows| {
            let of_user = rows.sessions.values().filter(|session| session.user_id == user_id);
            let mut live: Vec<Session> = of_user.filter_map(|session| rows.live_session(&session.id, now)).collect();
            live.sort_by(|a, b| b.issued_at.cmp(&a.issued_at).then_with(|| b.id.cmp(&a.id)));
            Ok(live)
        })
    }

    fn refresh_token<'a>(
        &'a self,
        tenant: &'a TenantId,
        hash: [u8; 32],
        now: Instant,
    ) -> BoxFuture<'a, Result<Option<RefreshToken>, StoreError>> {
        self.try_rows(tenant, |rows| {
            let Some(token) = rows.families.tokens.get(&hash) else { return Ok(None) };
            let family = rows.families.families.get(&token.family_id).ok_or(StoreError::NotFound)?;
            let session = rows.sessions.get(&family.session_id).ok_or(StoreError::NotFound)?;
            Ok(Some(RefreshToken {
                is_live: rows.live_session(&session.id, now).is_some()
                    && family.expires_at > now
                    && !rows.families.revoked.contains(&family.id),
                family: family.clone(),
                session: session.clone(),
                generation: token.generation,
                used: token.used.map(|(at, binding)| Used {
                    at,
                    binding,
                    pair: token.pair.as_ref().map(|pair| Secret::new(pair.expose())),
                }),
            }))
        })
    }
}

impl Rows {
    fn live_session(&self, id: &str, now: Instant) -> Option<Session> {
        let session = self.sessions.get(id)?;
        let last = self.families.last_used.get(id).copied().unwrap_or(session.issued_at);
        let is_idle =
            session.idle_seconds.is_some_and(|idle| last.seconds.saturating_add_unsigned(idle) <= now.seconds);
        let is_live =
            session.expires_at > now && !self.revoked.contains(id) && !is_idle && self.may_sign_in(&session.user_id);
        is_live.then(|| session.clone())
    }

    pub(super) fn insert_family(&mut self, family: &Family, first: [u8; 32]) -> Result<(), StoreError> {
        let session = self.sessions.get(&family.session_id).filter(|session| session.expires_at >= family.expires_at);
        session.ok_or(StoreError::Conflict)?;
        self.families.insert(family, first);
        Ok(())
    }

    pub(super) fn rotate(&mut self, rotation: &Rotation, now: Instant) -> Result<(), StoreError> {
        let session = self.live_session(&rotation.session_id, now).filter(|known| known.user_id == rotation.user_id);
        session.ok_or(StoreError::Conflict)?;
        let Families { families, revoked, tokens, last_used } = &mut self.families;
        let is_live = families.get(&rotation.family_id).is_some_and(|family| family.expires_at > now)
            && !revoked.contains(&rotation.family_id);
        let token = tokens
            .get_mut(&rotation.old)
            .filter(|token| is_live && token.used.is_none() && token.family_id == rotation.family_id);
        let token = token.ok_or(StoreError::Conflict)?;
        token.used = Some((now, rotation.binding));
        token.pair = Some(rotation.pair.clone());
        let generation = token.generation;
        for older in tokens.values_mut().filter(|token| token.family_id == rotation.family_id) {
            if older.generation < generation {
                older.pair = None;
            }
        }
        let family_id = rotation.family_id.clone();
        tokens.insert(rotation.new, Token { family_id, generation: generation + 1, used: None, pair: None });
        last_used.insert(rotation.session_id.clone(), now);
        Ok(())
    }

    pub(super) fn revoke_family(&mut self, family_id: &str, session_id: &str) {
        self.families.revoked.insert(family_id.to_owned());
        self.revoked.insert(session_id.to_owned());
    }
}

impl Families {
    fn insert(&mut self, family: &Family, first: [u8; 32]) {
        let token = Token { family_id: family.id.clone(), generation: 0, used: None, pair: None };
        self.tokens.entry(first).or_insert(token);
        self.families.entry(family.id.clone()).or_insert_with(|| family.clone());
    }
}
