//! Webhooks: subscriptions of audit types to a URL, and their deliveries. A subscription reads the audit log from a place of its
//! own, so nothing is asked of it by the commits that write there; what it finds becomes jobs of the queue.

use admit_eval::value::Instant;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::AuditEntry;
use zeroize::Zeroizing;

use crate::audit::{AuditOf, append};
use crate::keys::unsealed;
use crate::open::SqlStore;
use crate::queue::{JobNext, payload_place, settle};
use crate::seal::SealKey;
use crate::sql::{Connection, Row, query};
use crate::time::{from_micros, to_micros};
use crate::users::new_id;
use crate::writes::applied;

/// Names deliveries in the queue. The payload of such a job is the id of its webhook; its key is the id of the delivery.
pub const WEBHOOK_JOB: &str = "webhook";

/// How long every delivery may fail until the subscription is given up, in microseconds: five days.
const LONGEST_FAILURE: i64 = 5 * 24 * 60 * 60 * 1_000_000;
/// The most entries that one transaction looks at.
const BATCH: i64 = 500;

const COLUMNS: &str = "SELECT id, sealed_url, types, created_at, failing_since, disabled_at FROM webhooks \
                       WHERE tenant = $1 AND (id = $2 OR $2 = '') ORDER BY id";

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// `whk_...`
    pub id: String,
    /// Where to.
    pub url: String,
    /// Audit types: a type, `family.*`, or `*`.
    pub types: Vec<String>,
    /// When it was made.
    pub created_at: Instant,
    /// Since when no delivery has arrived, where the last one did not.
    pub failing_since: Option<Instant>,
    /// Since when nothing is delivered: somebody has turned it off, or it has failed for five days.
    pub disabled_at: Option<Instant>,
}

/// A subscription to be made. No `Debug`: it holds the secret.
pub struct NewWebhook {
    /// Where to.
    pub url: String,
    /// Audit types.
    pub types: Vec<String>,
    /// What deliveries are signed with.
    pub secret: Zeroizing<Vec<u8>>,
}

/// What is changed of a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookChange {
    /// Where to, from now on.
    pub url: Option<String>,
    /// Audit types, from the next entry on.
    pub types: Option<Vec<String>>,
    /// Turned off, or on again: then entries from now on are delivered, not those of meanwhile.
    pub is_disabled: Option<bool>,
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// `whd_...`: also what the receiver knows it by, the same at every try.
    pub id: String,
    /// The number of the audit entry.
    pub seq: u64,
    /// Its type.
    pub kind: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The status of the last answer.
    pub status: Option<u16>,
    /// Why the last try failed.
    pub problem: Option<String>,
    /// When the entry was found.
    pub created_at: Instant,
    /// When it has arrived.
    pub delivered_at: Option<Instant>,
    /// When it was given up.
    pub failed_at: Option<Instant>,
}

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it failed, if it did.
    pub problem: Option<String>,
}

impl SqlStore {
    /// Makes a subscription, from the next audit entry on; answers its id. The entry that tells of it is made with the id.
    pub async fn add_webhook(
        &self,
        tenant: &TenantId,
        new: &NewWebhook,
        entry: impl FnOnce(&str) -> AuditEntry,
        now: Instant,
    ) -> Result<String, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let id = new_id("whk");
        let mut transaction = self.pool.begin_write(tenant).await?;
        append(&mut transaction, &AuditOf::no_run(tenant, now), &tenant_key, &[entry(&id)]).await?;
        let head = head(&mut transaction, tenant).await?;
        let url = tenant_key.seal(&place(tenant, &id, "url"), new.url.as_bytes()).map_err(unsealed)?;
        let secret = tenant_key.seal(&place(tenant, &id, "secret"), &new.secret).map_err(unsealed)?;
        query(
            "INSERT INTO webhooks (tenant, id, sealed_url, types, sealed_secret, seen, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(tenant.as_str())
        .bind(&id)
        .bind(url)
        .bind(new.types.join(" "))
        .bind(secret)
        .bind(head)
        .bind(to_micros(now))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// All subscriptions of the tenant, by id: in the order in which they were made.
    pub async fn webhooks(&self, tenant: &TenantId) -> Result<Vec<Webhook>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let rows = query(COLUMNS).bind(tenant.as_str()).bind("").fetch_all(&self.pool).await?;
        rows.iter().map(|row| read(tenant, &tenant_key, row)).collect()
    }

    /// One.
    pub async fn webhook(&self, tenant: &TenantId, id: &str) -> Result<Option<Webhook>, StoreError> {
        if id.is_empty() {
            return Ok(None);
        }
        let tenant_key = self.tenant_key(tenant).await?;
        let row = query(COLUMNS).bind(tenant.as_str()).bind(id).fetch_optional(&self.pool).await?;
        row.map(|row| read(tenant, &tenant_key, &row)).transpose()
    }

    /// What its deliveries are signed with.
    pub async fn webhook_secret(&self, tenant: &TenantId, id: &str) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let row = query("SELECT sealed_secret FROM webhooks WHERE tenant = $1 AND id = $2")
            .bind(tenant.as_str())
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        let sealed: Vec<u8> = row.ok_or(StoreError::NotFound)?.try_get(0)?;
        tenant_key.open(&place(tenant, id, "secret"), &sealed).map_err(unsealed)
    }

    /// Changes one, with its audit entry.
    ///
    /// # Errors
    /// `NotFound` where there is none.
    pub async fn change_webhook(
        &self,
        tenant: &TenantId,
        id: &str,
        change: &WebhookChange,
        entry: &AuditEntry,
        now: Instant,
    ) -> Result<(), StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let url = change.url.as_ref().map(|url| tenant_key.seal(&place(tenant, id, "url"), url.as_bytes()));
        let mut transaction = self.pool.begin_write(tenant).await?;
        append(&mut transaction, &AuditOf::no_run(tenant, now), &tenant_key, std::slice::from_ref(entry)).await?;
        let done = query(
            "UPDATE webhooks SET sealed_url = COALESCE($3, sealed_url), types = COALESCE($4, types) \
             WHERE tenant = $1 AND id = $2",
        )
        .bind(tenant.as_str())
        .bind(id)
        .bind(url.transpose().map_err(unsealed)?)
        .bind(change.types.as_ref().map(|types| types.join(" ")))
        .execute(&mut *transaction)
        .await?;
        applied(done).map_err(|_| StoreError::NotFound)?;
        match change.is_disabled {
            None => {}
            Some(true) => {
                query("UPDATE webhooks SET disabled_at = COALESCE(disabled_at, $3) WHERE tenant = $1 AND id = $2")
                    .bind(tenant.as_str())
                    .bind(id)
                    .bind(to_micros(now))
                    .execute(&mut *transaction)
                    .await?;
            }
            Some(false) => {
                let head = head(&mut transaction, tenant).await?;
                query(
                    "UPDATE webhooks SET disabled_at = NULL, failing_since = NULL, seen = $3 \
                     WHERE tenant = $1 AND id = $2 AND disabled_at IS NOT NULL",
                )
                .bind(tenant.as_str())
                .bind(id)
                .bind(head)
                .execute(&mut *transaction)
                .await?;
            }
        }
        transaction.commit().await
    }

    /// Removes one with its deliveries, those that are still to be done too.
    ///
    /// # Errors
    /// `NotFound` where there is none.
    pub async fn remove_webhook(
        &self,
        tenant: &TenantId,
        id: &str,
        entry: &AuditEntry,
        now: Instant,
    ) -> Result<(), StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        for statement in [
            "DELETE FROM queue WHERE tenant = $1 AND kind = 'webhook' AND key IN \
             (SELECT id FROM webhook_deliveries WHERE tenant = $1 AND webhook_id = $2)",
            "DELETE FROM webhook_deliveries WHERE tenant = $1 AND webhook_id = $2",
        ] {
            query(statement).bind(tenant.as_str()).bind(id).execute(&mut *transaction).await?;
        }
        let done = query("DELETE FROM webhooks WHERE tenant = $1 AND id = $2")
            .bind(tenant.as_str())
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        applied(done).map_err(|_| StoreError::NotFound)?;
        append(&mut transaction, &AuditOf::no_run(tenant, now), &tenant_key, std::slice::from_ref(entry)).await?;
        transaction.commit().await
    }

    /// Tenants with a subscription that has entries to look at.
    pub async fn tenants_with_news(&self) -> Result<Vec<TenantId>, StoreError> {
        let rows = query(
            "SELECT DISTINCT webhooks.tenant FROM webhooks JOIN audit_heads ON audit_heads.tenant = webhooks.tenant \
             WHERE webhooks.disabled_at IS NULL AND webhooks.seen < audit_heads.seq",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let slug: String = row.try_get(0)?;
                slug.parse().map_err(StoreError::Failed)
            })
            .collect()
    }

    /// Queues a delivery of each new entry that a subscription is for; answers how many. Each entry is looked at once by each: where
    /// it has read to moves on in the same transaction.
    pub async fn queue_deliveries(&self, tenant: &TenantId, now: Instant) -> Result<u64, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        let webhooks = query("SELECT id, types, seen FROM webhooks WHERE tenant = $1 AND disabled_at IS NULL")
            .bind(tenant.as_str())
            .fetch_all(&mut *transaction)
            .await?;
        let mut queued = 0;
        for webhook in webhooks {
            let (id, types, seen): (String, String, i64) =
                (webhook.try_get(0)?, webhook.try_get(1)?, webhook.try_get(2)?);
            let rows = query("SELECT seq, kind FROM audit WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3")
                .bind(tenant.as_str())
                .bind(seen)
                .bind(BATCH)
                .fetch_all(&mut *transaction)
                .await?;
            let mut last = seen;
            for row in rows {
                let kind: String = row.try_get(1)?;
                last = row.try_get(0)?;
                if types.split(' ').any(|wanted| is_for(wanted, &kind)) {
                    deliver(&mut transaction, tenant, &tenant_key, &id, (last, &kind), now).await?;
                    queued += 1;
                }
            }
            if last > seen {
                query("UPDATE webhooks SET seen = $3 WHERE tenant = $1 AND id = $2")
                    .bind(tenant.as_str())
                    .bind(&id)
                    .bind(last)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        transaction.commit().await?;
        Ok(queued)
    }

    /// Deliveries of a subscription, newest first, those before the entry `before` where it is given, at most `limit`.
    pub async fn deliveries(
        &self,
        tenant: &TenantId,
        webhook: &str,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let before = before.map_or(i64::MAX, |seq| i64::try_from(seq).unwrap_or(i64::MAX));
        let rows = query(
            "SELECT id, seq, kind, attempts, status, problem, created_at, delivered_at, failed_at FROM webhook_deliveries \
             WHERE tenant = $1 AND webhook_id = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4",
        )
        .bind(tenant.as_str())
        .bind(webhook)
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read_delivery).collect()
    }

    /// One delivery.
    pub async fn delivery(&self, tenant: &TenantId, id: &str) -> Result<Option<Delivery>, StoreError> {
        let row = query(
            "SELECT id, seq, kind, attempts, status, problem, created_at, delivered_at, failed_at FROM webhook_deliveries \
             WHERE tenant = $1 AND id = $2",
        )
        .bind(tenant.as_str())
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(read_delivery).transpose()
    }

    /// A try of a delivery has ended: what becomes of its job, what is said of it, and what that says of the subscription are
    /// written together. One that has failed for five days is turned off, and the log says so.
    pub async fn end_delivery(
        &self,
        tenant: &TenantId,
        (webhook, delivery, attempt): (&str, &str, u32),
        next: &JobNext,
        end: &Delivered,
        now: Instant,
    ) -> Result<(), StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        settle(&mut transaction, tenant, &tenant_key, (delivery, attempt), next, now).await?;
        let at = to_micros(now);
        query(
            "UPDATE webhook_deliveries SET attempts = $3, status = $4, problem = $5, delivered_at = $6, failed_at = $7 \
             WHERE tenant = $1 AND id = $2",
        )
        .bind(tenant.as_str())
        .bind(delivery)
        .bind(i64::from(attempt))
        .bind(end.status.map(i64::from))
        .bind(&end.problem)
        .bind(matches!(next, JobNext::Done).then_some(at))
        .bind(matches!(next, JobNext::GivenUp { .. }).then_some(at))
        .execute(&mut *transaction)
        .await?;
        if end.problem.is_none() {
            query("UPDATE webhooks SET failing_since = NULL WHERE tenant = $1 AND id = $2")
                .bind(tenant.as_str())
                .bind(webhook)
                .execute(&mut *transaction)
                .await?;
        } else {
            query("UPDATE webhooks SET failing_since = COALESCE(failing_since, $3) WHERE tenant = $1 AND id = $2")
                .bind(tenant.as_str())
                .bind(webhook)
                .bind(at)
                .execute(&mut *transaction)
                .await?;
            let given_up = query(
                "UPDATE webhooks SET disabled_at = $3 WHERE tenant = $1 AND id = $2 AND disabled_at IS NULL \
                 AND failing_since <= $4",
            )
            .bind(tenant.as_str())
            .bind(webhook)
            .bind(at)
            .bind(at.saturating_sub(LONGEST_FAILURE))
            .execute(&mut *transaction)
            .await?;
            if given_up > 0 {
                let entry = AuditEntry {
                    kind: "webhook.disabled".to_owned(),
                    actor: "admit".to_owned(),
                    target: webhook.to_owned(),
                    outcome: "failure".to_owned(),
                    data: admit_eval::datum::Datum::Null,
                };
                append(&mut transaction, &AuditOf::no_run(tenant, now), &tenant_key, &[entry]).await?;
            }
        }
        transaction.commit().await
    }

    /// Lets a delivery be tried again at once, one that has arrived too, with its audit entry.
    ///
    /// # Errors
    /// `NotFound` where the subscription has no such delivery.
    pub async fn redeliver(
        &self,
        tenant: &TenantId,
        webhook: &str,
        id: &str,
        entry: &AuditEntry,
        now: Instant,
    ) -> Result<(), StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        let done = query(
            "UPDATE webhook_deliveries SET delivered_at = NULL, failed_at = NULL \
             WHERE tenant = $1 AND webhook_id = $2 AND id = $3",
        )
        .bind(tenant.as_str())
        .bind(webhook)
        .bind(id)
        .execute(&mut *transaction)
        .await?;
        applied(done).map_err(|_| StoreError::NotFound)?;
        enqueue(&mut transaction, tenant, &tenant_key, (webhook, id), now).await?;
        append(&mut transaction, &AuditOf::no_run(tenant, now), &tenant_key, std::slice::from_ref(entry)).await?;
        transaction.commit().await
    }
}

/// Is an entry of this type wanted?
fn is_for(wanted: &str, kind: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(family) => kind.starts_with(family),
        None => wanted == kind,
    }
}

async fn deliver(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
    webhook: &str,
    (seq, kind): (i64, &str),
    now: Instant,
) -> Result<(), StoreError> {
    let id = new_id("whd");
    query(
        "INSERT INTO webhook_deliveries (tenant, id, webhook_id, seq, kind, attempts, created_at) \
         VALUES ($1, $2, $3, $4, $5, 0, $6)",
    )
    .bind(tenant.as_str())
    .bind(&id)
    .bind(webhook)
    .bind(seq)
    .bind(kind)
    .bind(to_micros(now))
    .execute(&mut *connection)
    .await?;
    enqueue(connection, tenant, tenant_key, (webhook, &id), now).await
}

async fn enqueue(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
    (webhook, delivery): (&str, &str),
    now: Instant,
) -> Result<(), StoreError> {
    let payload = tenant_key.seal(&payload_place(tenant, delivery), webhook.as_bytes()).map_err(unsealed)?;
    query(
        "INSERT INTO queue (tenant, key, kind, sealed_payload, attempts, due_at, created_at) \
         VALUES ($1, $2, 'webhook', $3, 0, $4, $4) ON CONFLICT (tenant, key) DO UPDATE SET done_at = NULL, \
         failed_at = NULL, sealed_error = NULL, leased_until = NULL, sealed_payload = excluded.sealed_payload, \
         due_at = excluded.due_at",
    )
    .bind(tenant.as_str())
    .bind(delivery)
    .bind(payload)
    .bind(to_micros(now))
    .execute(connection)
    .await
    .map(|_| ())
}

/// The number of the last audit entry.
async fn head(connection: &mut Connection, tenant: &TenantId) -> Result<i64, StoreError> {
    let row =
        query("SELECT seq FROM audit_heads WHERE tenant = $1").bind(tenant.as_str()).fetch_optional(connection).await?;
    row.map_or(Ok(0), |row| row.try_get(0))
}

fn read(tenant: &TenantId, tenant_key: &SealKey, row: &Row) -> Result<Webhook, StoreError> {
    let (id, sealed, types): (String, Vec<u8>, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let url = tenant_key.open(&place(tenant, &id, "url"), &sealed).map_err(unsealed)?;
    let (failing, disabled): (Option<i64>, Option<i64>) = (row.try_get(4)?, row.try_get(5)?);
    Ok(Webhook {
        url: String::from_utf8_lossy(&url).into_owned(),
        types: types.split(' ').map(ToOwned::to_owned).collect(),
        created_at: from_micros(row.try_get(3)?),
        failing_since: failing.map(from_micros),
        disabled_at: disabled.map(from_micros),
        id,
    })
}

fn read_delivery(row: &Row) -> Result<Delivery, StoreError> {
    let (seq, attempts, status): (i64, i64, Option<i64>) = (row.try_get(1)?, row.try_get(3)?, row.try_get(4)?);
    let (delivered, failed): (Option<i64>, Option<i64>) = (row.try_get(7)?, row.try_get(8)?);
    Ok(Delivery {
        id: row.try_get(0)?,
        seq: seq.unsigned_abs(),
        kind: row.try_get(2)?,
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        status: status.and_then(|status| u16::try_from(status).ok()),
        problem: row.try_get(5)?,
        created_at: from_micros(row.try_get(6)?),
        delivered_at: delivered.map(from_micros),
        failed_at: failed.map(from_micros),
    })
}

fn place<'a>(tenant: &'a TenantId, id: &'a str, what: &'a str) -> [&'a str; 4] {
    ["webhook", tenant.as_str(), id, what]
}

#[cfg(test)]
mod tests {
    use super::is_for;

    #[test]
    fn a_subscription_names_types_families_or_everything() {
        for (wanted, kind, is) in [
            ("user.created", "user.created", true),
            ("user.created", "user.created.twice", false),
            ("user.*", "user.created", true),
            ("user.*", "username.taken", false),
            ("*", "key.revoked", true),
        ] {
            assert_eq!(is_for(wanted, kind), is, "{wanted} {kind}");
        }
    }
}
