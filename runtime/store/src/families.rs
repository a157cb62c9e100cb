//! Sessions in use, and refresh families: each token is exchanged once, by compare-and-set; only hashes of tokens are stored,
//! and what the last one got, sealed under the user's key.

use admit_eval::value::Instant;
use admit_runtime::host::{BoxFuture, Secret, StoreError};
use admit_runtime::session::{RefreshToken, Sessions, Used};
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::{Family, Rotation, Session};

use crate::keys::{unsealed, user_key};
use crate::open::SqlStore;
use crate::sessions::session;
use crate::sql::{Connection, query};
use crate::time::{from_micros, to_micros};
use crate::writes::{At, applied};

/// A session that is neither revoked, out of its time nor idle too long, of a user who may sign in; `$3` is now.
macro_rules! live {
    () => {
        "s.revoked_at IS NULL AND s.expires_at > $3 AND (s.idle_micros IS NULL OR s.last_used_at + s.idle_micros > $3) \
         AND EXISTS (SELECT 1 FROM users u WHERE u.tenant = s.tenant AND u.id = s.user_id AND u.status = 'active')"
    };
}

impl Sessions for SqlStore {
    fn use_session<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
        now: Instant,
    ) -> BoxFuture<'a, Result<Option<Session>, StoreError>> {
        Box::pin(async move {
            let row = query(concat!(
                "UPDATE sessions AS s SET last_used_at = CASE WHEN s.last_used_at > $3 THEN s.last_used_at ELSE $3 END WHERE s.tenant = $1 AND s.id = $2 AND ",
                live!(),
                " RETURNING id, user_id, aal, methods, issued_at, expires_at, client_id, idle_micros"
            ))
            .bind(tenant.as_str())
            .bind(id)
            .bind(to_micros(now))
            .fetch_optional(&self.pool)
            .await?;
            row.as_ref().map(session).transpose()
        })
    }

    fn live_sessions<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
        now: Instant,
    ) -> BoxFuture<'a, Result<Vec<Session>, StoreError>> {
        Box::pin(async move {
            let rows = query(concat!(
                "SELECT s.id, s.user_id, s.aal, s.methods, s.issued_at, s.expires_at, s.client_id, s.idle_micros \
                 FROM sessions s WHERE s.tenant = $1 AND s.user_id = $2 AND ",
                live!(),
                " ORDER BY s.issued_at DESC, s.id DESC"
            ))
            .bind(tenant.as_str())
            .bind(user_id)
            .bind(to_micros(now))
            .fetch_all(&self.pool)
            .await?;
            rows.iter().map(session).collect()
        })
    }

    fn refresh_token<'a>(
        &'a self,
        tenant: &'a TenantId,
        hash: [u8; 32],
        now: Instant,
    ) -> BoxFuture<'a, Result<Option<RefreshToken>, StoreError>> {
        Box::pin(self.refresh_token_of(tenant, hash, now))
    }
}

impl SqlStore {
    async fn refresh_token_of(
        &self,
        tenant: &TenantId,
        hash: [u8; 32],
        now: Instant,
    ) -> Result<Option<RefreshToken>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut connection = self.pool.acquire().await?;
        let row = query(concat!(
            "SELECT s.id, s.user_id, s.aal, s.methods, s.issued_at, s.expires_at, s.client_id, s.idle_micros, ",
            "f.id, f.client_id, f.audience, f.scopes, f.expires_at, t.generation, t.used_at, t.used_by_hash, t.sealed_pair, \
             f.revoked_at IS NULL AND f.expires_at > $3 AND ",
            live!(),
            " FROM refresh_tokens t JOIN refresh_families f ON f.tenant = t.tenant AND f.id = t.family_id \
             JOIN sessions s ON s.tenant = f.tenant AND s.id = f.session_id WHERE t.tenant = $1 AND t.token_hash = $2"
        ))
        .bind(tenant.as_str())
        .bind(hash.to_vec())
        .bind(to_micros(now))
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let session = session(&row)?;
        let scopes: String = row.try_get(11)?;
        let family = Family {
            id: row.try_get(8)?,
            session_id: session.id.clone(),
            client_id: row.try_get(9)?,
            audience: row.try_get(10)?,
            scopes: scopes.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
            expires_at: from_micros(row.try_get(12)?),
        };
        let generation: i64 = row.try_get(13)?;
        let used_at: Option<i64> = row.try_get(14)?;
        let used_by: Option<Vec<u8>> = row.try_get(15)?;
        let sealed: Option<Vec<u8>> = row.try_get(16)?;
        let used = match used_at.zip(used_by) {
            None => None,
            Some((at, by)) => {
                let key = user_key(&mut connection, tenant, &tenant_key, &session.user_id).await?;
                let place = pair_place(tenant, &family.id, generation);
                let pair = key.zip(sealed).map(|(key, sealed)| {
                    let pair = key.open(&place.each_ref().map(String::as_str), &sealed).map_err(unsealed)?;
                    Ok::<_, StoreError>(Secret::new(pair.as_slice()))
                });
                let damaged = |_| StoreError::Failed(format!("the refresh family `{}` is damaged", family.id));
                Some(Used { at: from_micros(at), binding: by.try_into().map_err(damaged)?, pair: pair.transpose()? })
            }
        };
        Ok(Some(RefreshToken {
            is_live: row.try_get(17)?,
            generation: u32::try_from(generation).unwrap_or(u32::MAX),
            family,
            session,
            used,
        }))
    }
}

/// A family begins with its first token.
pub(crate) async fn insert(
    connection: &mut Connection,
    at: &At<'_>,
    family: &Family,
    first: &[u8; 32],
) -> Result<(), StoreError> {
    let done = query(
        "INSERT INTO refresh_families (tenant, id, session_id, client_id, audience, scopes, created_at, expires_at) \
         SELECT $1, $2, id, $4, $5, $6, $7, $8 FROM sessions WHERE tenant = $1 AND id = $3 AND revoked_at IS NULL \
         AND expires_at >= $8",
    )
    .bind(at.tenant.as_str())
    .bind(&family.id)
    .bind(&family.session_id)
    .bind(&family.client_id)
    .bind(&family.audience)
    .bind(family.scopes.join(" "))
    .bind(to_micros(at.at))
    .bind(to_micros(family.expires_at))
    .execute(&mut *connection)
    .await?;
    applied(done)?;
    insert_token(connection, at, &family.id, first, 0).await
}

/// A token is exchanged: of any number of racing exchanges one applies.
pub(crate) async fn rotate(connection: &mut Connection, at: &At<'_>, rotation: &Rotation) -> Result<(), StoreError> {
    let now = to_micros(at.at);
    let row = query(
        "UPDATE refresh_tokens SET used_at = $4, used_by_hash = $5 WHERE tenant = $1 AND token_hash = $2 AND family_id = $3 \
         AND used_at IS NULL AND EXISTS (SELECT 1 FROM refresh_families f WHERE f.tenant = $1 AND f.id = $3 \
         AND f.revoked_at IS NULL AND f.expires_at > $4 AND f.session_id = $6) RETURNING generation",
    )
    .bind(at.tenant.as_str())
    .bind(rotation.old.to_vec())
    .bind(&rotation.family_id)
    .bind(now)
    .bind(rotation.binding.to_vec())
    .bind(&rotation.session_id)
    .fetch_optional(&mut *connection)
    .await?;
    let generation: i64 = row.ok_or(StoreError::Conflict)?.try_get(0)?;
    let used = query(concat!(
        "UPDATE sessions AS s SET last_used_at = CASE WHEN s.last_used_at > $3 THEN s.last_used_at ELSE $3 END WHERE s.tenant = $1 AND s.id = $2 \
         AND s.user_id = $4 AND ",
        live!()
    ))
    .bind(at.tenant.as_str())
    .bind(&rotation.session_id)
    .bind(now)
    .bind(&rotation.user_id)
    .execute(&mut *connection)
    .await?;
    applied(used)?;
    let key = user_key(connection, at.tenant, at.tenant_key, &rotation.user_id).await?.ok_or(StoreError::Conflict)?;
    let place = pair_place(at.tenant, &rotation.family_id, generation);
    let sealed = key.seal(&place.each_ref().map(String::as_str), rotation.pair.expose()).map_err(unsealed)?;
    // Only the token before the current one may be sent again: what those before it got is forgotten.
    query(
        "UPDATE refresh_tokens SET sealed_pair = CASE WHEN generation = $3 THEN $4 ELSE NULL END \
         WHERE tenant = $1 AND family_id = $2 AND generation IN ($3, $3 - 1)",
    )
    .bind(at.tenant.as_str())
    .bind(&rotation.family_id)
    .bind(generation)
    .bind(sealed)
    .execute(&mut *connection)
    .await?;
    insert_token(connection, at, &rotation.family_id, &rotation.new, generation.saturating_add(1)).await
}

/// A family ends, with its session and all other families of that.
pub(crate) async fn revoke(
    connection: &mut Connection,
    at: &At<'_>,
    family_id: &str,
    session_id: &str,
) -> Result<(), StoreError> {
    query(
        "UPDATE refresh_families SET revoked_at = $4 WHERE tenant = $1 AND (id = $2 OR session_id = $3) \
         AND revoked_at IS NULL",
    )
    .bind(at.tenant.as_str())
    .bind(family_id)
    .bind(session_id)
    .bind(to_micros(at.at))
    .execute(&mut *connection)
    .await?;
    query("UPDATE sessions SET revoked_at = $3 WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL")
        .bind(at.tenant.as_str())
        .bind(session_id)
        .bind(to_micros(at.at))
        .execute(connection)
        .await
        .map(|_| ())
}

async fn insert_token(
    connection: &mut Connection,
    at: &At<'_>,
    family_id: &str,
    hash: &[u8; 32],
    generation: i64,
) -> Result<(), StoreError> {
    query("INSERT INTO refresh_tokens (tenant, token_hash, family_id, generation) VALUES ($1, $2, $3, $4)")
        .bind(at.tenant.as_str())
        .bind(hash.to_vec())
        .bind(family_id)
        .bind(generation)
        .execute(connection)
        .await
        .map(|_| ())
}

/// Where the pair lies that a token was exchanged for.
fn pair_place(tenant: &TenantId, family_id: &str, generation: i64) -> [String; 4] {
    ["refresh pair".to_owned(), tenant.to_string(), family_id.to_owned(), generation.to_string()]
}
