//! Deliveries of webhooks, signed as Standard Webhooks 1.0 has it: `webhook-id`, `webhook-timestamp` and `webhook-signature`, an
//! HMAC-SHA256 over the three parts `id.timestamp.body`.

use admit_eval::datum::Datum;
use admit_eval::json as datum;
use admit_eval::value::Instant;
use admit_host::RealHost;
use admit_runtime::execute::job::pause_after;
use admit_runtime::host::{Host as _, HttpError, HttpRequest, StoreError};
use admit_runtime::tenant::TenantId;
use admit_store::{AuditRow, Delivered, Job, JobNext, SqlStore};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// What a secret begins with as it is shown.
pub const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a secret.
const SECRET: usize = 32;
/// Time limit of a delivery in milliseconds, connecting included.
const TIMEOUT: u64 = 5_000;

/// A new secret.
///
/// # Errors
/// The system gives no randomness.
pub fn secret() -> Result<Zeroizing<Vec<u8>>, getrandom::Error> {
    let mut bytes = Zeroizing::new(vec![0; SECRET]);
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// A secret as it is shown, once.
pub fn shown(secret: &[u8]) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(secret))
}

/// `v1,<base64>`. `at`: seconds since 1970.
pub fn signature(secret: &[u8], id: &str, at: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, format!("{id}.{at}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

/// What is delivered of an audit entry.
pub fn payload(row: &AuditRow) -> Value {
    let at = datum::to_json(&Datum::Timestamp(row.at));
    json!({
        "type": row.entry.kind,
        "timestamp": at,
        "data": {
            "seq": row.seq,
            "id": row.id,
            "type": row.entry.kind,
            "occurred_at": at,
            "actor": row.entry.actor,
            "target": row.entry.target,
            "outcome": row.entry.outcome,
            "run": row.run_id,
            "data": datum::to_json(&row.entry.data),
        },
    })
}

/// Sends once.
pub async fn send(host: &RealHost, url: &str, secret: &[u8], (id, body): (&str, &Value)) -> Delivered {
    let body = body.to_string();
    let at = host.now().seconds;
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", signature(secret, id, at, &body)),
    ];
    let request = HttpRequest {
        method: "POST",
        url: url.to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
        body: Some(body.into_bytes()),
        timeout: TIMEOUT,
        hosts: None,
    };
    match host.deliver(request).await {
        Ok(answer) if (200..300).contains(&answer.status) => Delivered { status: Some(answer.status), problem: None },
        Ok(answer) => {
            let problem = Some(format!("the receiver answered {}", answer.status));
            Delivered { status: Some(answer.status), problem }
        }
        // It has answered, with more than is read: it may not be said to have taken it.
        Err(
            error @ (HttpError::Refused(_) | HttpError::TimedOut(_) | HttpError::TooLarge(_) | HttpError::Failed(_)),
        ) => Delivered { status: None, problem: Some(error.to_string()) },
    }
}

/// Does a delivery of the queue once, and writes what became of it.
///
/// # Errors
/// The store. `Conflict` where another taker has done it meanwhile.
pub async fn deliver(store: &SqlStore, host: &RealHost, tenant: &TenantId, job: &Job) -> Result<(), StoreError> {
    let webhook_id = String::from_utf8_lossy(&job.payload).into_owned();
    let found = store.webhook(tenant, &webhook_id).await?;
    let delivery = store.delivery(tenant, &job.key).await?;
    let end = match (&found, &delivery) {
        (Some(webhook), _) if webhook.disabled_at.is_some() => lost("the subscription is turned off"),
        (Some(webhook), Some(delivery)) => {
            let row = store.audit(tenant, delivery.seq.saturating_sub(1), 1).await?;
            match row.into_iter().next().filter(|row| row.seq == delivery.seq) {
                Some(row) => {
                    let secret = store.webhook_secret(tenant, &webhook_id).await?;
                    (send(host, &webhook.url, &secret, (&job.key, &payload(&row))).await, false)
                }
                None => lost("the audit entry is not kept any more"),
            }
        }
        (Some(_) | None, _) => lost("the subscription was removed"),
    };
    let (end, is_final) = end;
    let now = host.now();
    let next = next(host, job.attempt, &end, is_final, now);
    store.end_delivery(tenant, (&webhook_id, &job.key, job.attempt), &next, &end, now).await
}

fn lost(why: &str) -> (Delivered, bool) {
    (Delivered { status: None, problem: Some(why.to_owned()) }, true)
}

fn next(host: &RealHost, attempt: u32, end: &Delivered, is_final: bool, now: Instant) -> JobNext {
    let Some(problem) = &end.problem else { return JobNext::Done };
    let mut random = [0; 8];
    host.random(&mut random);
    match pause_after(attempt, u64::from_le_bytes(random)).filter(|_| !is_final) {
        Some(pause) => JobNext::Again { due: later(now, pause) },
        None => JobNext::GivenUp { why: problem.clone() },
    }
}

/// So many milliseconds later.
pub(crate) fn later(now: Instant, millis: u64) -> Instant {
    let nanos = u64::from(now.nanos) + millis % 1_000 * 1_000_000;
    let seconds = millis / 1_000 + nanos / 1_000_000_000;
    Instant {
        seconds: now.seconds.saturating_add_unsigned(seconds),
        nanos: u32::try_from(nanos % 1_000_000_000).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification (Standard Webhooks, "Signature scheme"), as its reference libraries test it.
    #[test]
    fn the_signature_is_that_of_the_specification() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(shown(&secret).starts_with("whsec_MfKQ"));
    }
}
