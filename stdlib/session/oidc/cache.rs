//! Metadata and keys of providers, kept for a while; keys are looked for again when a token names an unknown one, but not often.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use admit_jose::{Algorithm, VerifyingKey, key_set};
use admit_runtime::block::{BlockError, Call};
use admit_runtime::host::HttpRequest;
use admit_runtime::relying::Provider;
use serde_json::{Map, Value};

use super::{Metadata, allowed, provider_failed};

/// How long metadata and keys are used, in nanoseconds.
const FRESH: u64 = 60 * 60 * 1_000_000_000;
/// How soon keys are looked for again because of a token, so that nobody makes us ask for each.
const AGAIN: u64 = 10 * 1_000_000_000;
/// Providers that are kept; more start anew.
const MOST: usize = 1_000;

type Kept<T> = LazyLock<Mutex<HashMap<String, (u64, T)>>>;

static METADATA: Kept<Metadata> = LazyLock::new(Mutex::default);
static KEYS: Kept<Vec<VerifyingKey>> = LazyLock::new(Mutex::default);

/// The provider's metadata.
pub(super) async fn metadata(call: &Call<'_>, provider: &Provider) -> Result<Metadata, BlockError> {
    let place = format!("{}\0{}", call.tenant, provider.issuer);
    let now = call.host.monotonic();
    if let Some(known) = get(&METADATA, &place, now, FRESH) {
        return Ok(known);
    }
    let url = format!("{}/.well-known/openid-configuration", provider.issuer.trim_end_matches('/'));
    let document = fetch(call, &url).await?;
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    // Discovery 1.0 section 4.3: byte by byte.
    if text("issuer") != Some(provider.issuer.as_str()) {
        return Err(provider_failed("its metadata are of another issuer"));
    }
    let endpoint = |name: &str| {
        let url = text(name).ok_or_else(|| provider_failed(&format!("its metadata lack `{name}`")))?;
        // It does not lead from https to http; the rest is the outbound client's to check.
        let is_kept =
            url.starts_with("https://") || provider.issuer.starts_with("http://") && url.starts_with("http://");
        match is_kept && !url.contains(['#', ' ']) && url.len() <= 2_048 {
            true => Ok(url.to_owned()),
            false => Err(provider_failed(&format!("`{name}` in its metadata is not an address"))),
        }
    };
    let metadata = Metadata {
        authorization: endpoint("authorization_endpoint")?,
        token: endpoint("token_endpoint")?,
        jwks: endpoint("jwks_uri")?,
        names_itself: document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
    };
    put(&METADATA, place, now, metadata.clone());
    Ok(metadata)
}

/// The provider's keys that its ID tokens may be signed with.
pub(super) async fn keys(
    call: &Call<'_>,
    provider: &Provider,
    metadata: &Metadata,
    again: bool,
) -> Result<Vec<VerifyingKey>, BlockError> {
    let place = format!("{}\0{}\0{}", call.tenant, provider.issuer, metadata.jwks);
    let now = call.host.monotonic();
    if let Some(known) = get(&KEYS, &place, now, if again { AGAIN } else { FRESH }) {
        return Ok(allowed(known, provider));
    }
    let set = Value::Object(fetch(call, &metadata.jwks).await?).to_string();
    let rsa = match provider.algorithms.iter().any(|name| name == "PS256") {
        true if !provider.algorithms.iter().any(|name| name == "RS256") => Algorithm::Ps256,
        true | false => Algorithm::Rs256,
    };
    let keys = key_set(set.as_bytes(), rsa).map_err(|error| provider_failed(&format!("its keys: {error}")))?;
    put(&KEYS, place, now, keys.clone());
    Ok(allowed(keys, provider))
}

async fn fetch(call: &Call<'_>, url: &str) -> Result<Map<String, Value>, BlockError> {
    let request = HttpRequest {
        method: "GET",
        url: url.to_owned(),
        headers: vec![("accept".to_owned(), "application/json".to_owned())],
        body: None,
        timeout: call.time_left,
        hosts: None,
    };
    let answer = call.host.http(call.tenant, request).await?;
    if answer.status != 200 {
        return Err(provider_failed(&format!("it answers with status {}", answer.status)));
    }
    admit_jose::object(&answer.body).map_err(|_| provider_failed("it answers with something else than a JSON object"))
}

fn get<T: Clone>(kept: &Kept<T>, place: &str, now: u64, fresh: u64) -> Option<T> {
    let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    let (at, known) = kept.get(place)?;
    // Another host's clock may stand before ours: what it kept is not looked at.
    now.checked_sub(*at).is_some_and(|age| age < fresh).then(|| known.clone())
}

fn put<T>(kept: &Kept<T>, place: String, now: u64, value: T) {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= MOST {
        kept.clear();
    }
    kept.insert(place, (now, value));
}
