//! What the host answers an Action: every call is checked here, whatever the worker has checked before.

use admit_runtime::action::ActionCall;
use admit_runtime::host::{BoxFuture, Host, HttpRequest};
use tokio::time::Instant;
use url::Url;

use crate::wire::{Ask, Limits, Rate, Reply, Response};

/// Methods of `api.fetch`.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/// Header fields that belong to the connection, or that the client sets.
const NOT_ITS_OWN: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
const MOST_HEADERS: usize = 50;
const MOST_HEADER_BYTES: usize = 16 << 10;
const LONGEST_KEY: usize = 256;
/// A window of `api.rateLimit` at most, in seconds: 31 days.
const LONGEST_WINDOW: u64 = 31 * 24 * 60 * 60;
const MOST_COUNTED: u64 = 1_000_000_000;
/// Calls besides `api.fetch` of one invocation; what comes after is refused.
const MOST_CALLS: u32 = 100;

/// Answers the calls of one invocation.
pub(crate) struct Answerer<'a> {
    host: &'a dyn Host,
    call: &'a ActionCall<'a>,
    limits: Limits,
    deadline: Instant,
    fetches: u32,
    calls: u32,
    budget: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

/// An answer under way, and which.
pub(crate) type Answer<'a> = BoxFuture<'a, (u32, Reply)>;

impl<'a> Answerer<'a> {
    pub fn new(host: &'a dyn Host, call: &'a ActionCall<'a>, limits: Limits, deadline: Instant) -> Self {
        let budget = std::sync::Arc::new(limits.fetch_response.into());
        Self { host, call, limits, deadline, fetches: 0, calls: 0, budget }
    }

    /// Fetches that were let out.
    pub fn fetches(&self) -> u32 {
        self.fetches
    }

    /// The answer to a call, which may take a while.
    pub fn answer(&mut self, id: u32, ask: Ask) -> Answer<'a> {
        match ask {
            Ask::Fetch { method, url, headers, body } => match self.request(&method, url, headers, body) {
                Ok(request) => self.fetch(id, request),
                Err(why) => at_once(id, Reply::Fetch(Err(why))),
            },
            Ask::Secret(name) => match self.counted().and_then(|()| self.declared(&name)) {
                Ok(name) => self.secret(id, name),
                Err(why) => at_once(id, Reply::Secret(Err(why))),
            },
            Ask::RateLimit { key, limit, window } => match self.counted().and_then(|()| counter(&key, limit, window)) {
                Ok(()) => self.rate(id, &key, limit, window),
                Err(why) => at_once(id, Reply::RateLimit(Err(why))),
            },
        }
    }

    fn counted(&mut self) -> Result<(), String> {
        self.calls = self.calls.saturating_add(1);
        if self.calls > MOST_CALLS { Err(format!("more than {MOST_CALLS} calls of the api")) } else { Ok(()) }
    }

    fn request(
        &mut self,
        method: &str,
        url: String,
        mut headers: Vec<(String, String)>,
        body: Option<Vec<u8>>,
    ) -> Result<HttpRequest, String> {
        let limits = self.limits;
        if self.fetches >= limits.fetches {
            return Err(format!("more than {} fetches", limits.fetches));
        }
        let Some(method) = METHODS.into_iter().find(|known| *known == method) else {
            return Err(format!("`api.fetch` has no such method; it has {}", METHODS.join(", ")));
        };
        self.declared_host(&url)?;
        if body.as_ref().is_some_and(|body| body.len() as u64 > limits.fetch_request) {
            return Err(format!("the body is larger than {} bytes", limits.fetch_request));
        }
        if headers.len() > MOST_HEADERS
            || headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MOST_HEADER_BYTES
        {
            return Err(format!("more than {MOST_HEADERS} header fields, or {MOST_HEADER_BYTES} bytes of them"));
        }
        for (name, value) in &headers {
            header_fault(name, value).map_or(Ok(()), Err)?;
        }
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("idempotency-key")) {
            let key = format!("{}-{}", self.call.idempotency_key, self.fetches);
            headers.push(("Idempotency-Key".to_owned(), key));
        }
        self.fetches += 1;
        let hosts = self.call.fetch.iter().map(|host| (*host).to_owned()).collect();
        let timeout = u64::try_from(self.deadline.saturating_duration_since(Instant::now()).as_millis()).unwrap_or(0);
        Ok(HttpRequest { method, url, headers, body, timeout: timeout.max(1), hosts: Some(hosts) })
    }

    fn declared_host(&self, url: &str) -> Result<(), String> {
        let url = Url::parse(url).map_err(|error| format!("the url is not valid: {error}"))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(format!("`api.fetch` has no scheme `{}`", url.scheme()));
        }
        let host = url.host_str().unwrap_or_default();
        if self.call.fetch.contains(&host) {
            return Ok(());
        }
        let declared = self.call.fetch.join("`, `");
        Err(format!("the host `{host}` is not declared: `fetch` of the action names `{declared}`"))
    }

    fn fetch(&self, id: u32, request: HttpRequest) -> Answer<'a> {
        use std::sync::atomic::Ordering;
        let (host, tenant, most) = (self.host, self.call.tenant, self.limits.fetch_response);
        let budget = std::sync::Arc::clone(&self.budget);
        let asked = Instant::now();
        Box::pin(async move {
            let answer = host.http(tenant, request).await.map_err(|error| error.to_string());
            let answer = answer.and_then(|answer| {
                let size = answer.body.len() as u64;
                let room = |left: u64| left.checked_sub(size);
                if budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_err() {
                    return Err(format!("the answers are larger than {most} bytes together"));
                }
                let (status, headers, body) = (answer.status, answer.headers, answer.body);
                Ok(Response { status, headers, body, waited: since(asked) })
            });
            (id, Reply::Fetch(answer))
        })
    }

    /// The declared name: what the worker sent is not passed on.
    fn declared(&self, name: &str) -> Result<&'a str, String> {
        let declared = self.call.secrets.iter().find(|declared| **declared == name);
        declared.copied().ok_or_else(|| "the secret is not declared: name it under `secrets` of the action".to_owned())
    }

    fn secret(&self, id: u32, name: &'a str) -> Answer<'a> {
        let (host, tenant, revealed) = (self.host, self.call.tenant, self.call.revealed);
        Box::pin(async move {
            let secret = host.secret(tenant, name).await.map_err(|error| error.to_string());
            let secret = secret.and_then(|secret| {
                revealed.add(name, &secret);
                let text = std::str::from_utf8(secret.expose()).map(str::to_owned);
                text.map_err(|_| format!("the secret `{name}` is not text"))
            });
            (id, Reply::Secret(secret))
        })
    }

    fn rate(&self, id: u32, key: &str, limit: u64, window: u64) -> Answer<'a> {
        let (host, tenant) = (self.host, self.call.tenant);
        let slug = self.call.name.split('@').next().unwrap_or_default();
        let key = format!("action/{slug}/{key}");
        let asked = Instant::now();
        Box::pin(async move {
            let now = host.now();
            let counted = host.store().count_in(tenant, &key, window, now).await;
            let rate = counted.map_err(|error| error.to_string()).map(|counted| Rate {
                allowed: counted.count <= limit,
                count: counted.count,
                remaining: limit.saturating_sub(counted.count),
                retry_after: if counted.count <= limit { 0 } else { counted.seconds_left(now, window) },
                waited: since(asked),
            });
            (id, Reply::RateLimit(rate))
        })
    }
}

fn at_once<'a>(id: u32, reply: Reply) -> Answer<'a> {
    Box::pin(std::future::ready((id, reply)))
}

fn header_fault(name: &str, value: &str) -> Option<String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Some("the name of a header field is not valid".to_owned());
    }
    if NOT_ITS_OWN.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        return Some(format!("the header field `{name}` is set by the client"));
    }
    // RFC 9110 section 5.5, without what is obsolete.
    let bad = value.bytes().any(|byte| byte != b'\t' && !(b' '..=b'~').contains(&byte));
    bad.then(|| format!("the value of the header field `{name}` is not valid"))
}

fn counter(key: &str, limit: u64, window: u64) -> Result<(), String> {
    if key.is_empty() || key.len() > LONGEST_KEY {
        return Err(format!("the key of `api.rateLimit` has 1 to {LONGEST_KEY} bytes"));
    }
    if limit > MOST_COUNTED {
        return Err(format!("the limit of `api.rateLimit` is at most {MOST_COUNTED}"));
    }
    if window == 0 || window > LONGEST_WINDOW {
        return Err(format!("the window of `api.rateLimit` is 1 to {LONGEST_WINDOW} seconds"));
    }
    Ok(())
}

/// In whole milliseconds.
fn since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}
