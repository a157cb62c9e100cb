//! The one outbound client: every request and every redirect goes through the same checks.

use std::sync::Arc;
use std::time::Duration;

use admit_runtime::context;
use admit_runtime::host::{HttpError, HttpRequest, HttpResponse};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response, StatusCode};
use url::Url;

use crate::egress::{Admitted, Egress, Route};
use crate::resolve::{Lookup, LoopbackResolver, PublicResolver, Refusal};

const MOST_REDIRECTS: usize = 3;
/// Largest body of an answer, in bytes.
pub const MOST_BODY: u64 = 1024 * 1024;
const MOST_HEADERS: usize = 100;
/// Longest time of a request with its redirects, in milliseconds, whatever the caller allows.
pub const LONGEST: u64 = 5_000;

/// The client: one connection pool for public hosts, one for peers on this machine.
pub(crate) struct Guarded {
    public: Client,
    loopback: Client,
}

/// One hop.
struct Hop {
    target: Admitted,
    method: Method,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

impl Guarded {
    pub fn new(lookup: Arc<dyn Lookup>) -> Result<Self, String> {
        let tls = tls()?;
        Ok(Self { public: client(tls.clone(), PublicResolver { lookup })?, loopback: client(tls, LoopbackResolver)? })
    }

    pub async fn send(&self, egress: &Egress, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let limit = request.timeout.min(LONGEST);
        match tokio::time::timeout(Duration::from_millis(limit), self.follow(egress, request)).await {
            Ok(answer) => answer,
            Err(_) => Err(HttpError::TimedOut(limit)),
        }
    }

    /// As [`Self::send`], but that a redirect is an answer like others.
    pub async fn once(&self, egress: &Egress, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let limit = request.timeout.min(LONGEST);
        let exchange = async {
            let target = egress.admit(&request.url).map_err(HttpError::Refused)?;
            named(request.hosts.as_deref(), &target).map_err(HttpError::Refused)?;
            let method = Method::from_bytes(request.method.as_bytes())
                .map_err(|_| HttpError::Refused("the method is not valid".to_owned()))?;
            let hop = Hop { target, method, headers: headers(&request.headers)?, body: request.body };
            answer(self.one(&hop).await?).await
        };
        match tokio::time::timeout(Duration::from_millis(limit), exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(HttpError::TimedOut(limit)),
        }
    }

    async fn follow(&self, egress: &Egress, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let hosts = request.hosts.as_deref();
        let target = egress.admit(&request.url).map_err(HttpError::Refused)?;
        named(hosts, &target).map_err(HttpError::Refused)?;
        let mut hop = Hop {
            target,
            method: Method::from_bytes(request.method.as_bytes())
                .map_err(|_| HttpError::Refused("the method is not valid".to_owned()))?,
            headers: headers(&request.headers)?,
            body: request.body,
        };
        for _ in 0..=MOST_REDIRECTS {
            let response = self.one(&hop).await?;
            let Some(location) = redirect(&response) else { return answer(response).await };
            hop = next_hop(egress, hop, response.status(), &location).map_err(HttpError::Refused)?;
            named(hosts, &hop.target).map_err(|why| HttpError::Refused(format!("redirect refused: {why}")))?;
        }
        Err(HttpError::Refused(format!("more than {MOST_REDIRECTS} redirects")))
    }

    async fn one(&self, hop: &Hop) -> Result<Response, HttpError> {
        let client = match hop.target.route {
            Route::Public => &self.public,
            Route::Loopback => &self.loopback,
        };
        let mut request = client.request(hop.method.clone(), hop.target.url.clone()).headers(hop.headers.clone());
        if let Some(body) = &hop.body {
            request = request.body(body.clone());
        }
        // The peer's spans belong below the request's, unless the flow says otherwise.
        let trace = context::current().and_then(|context| context.trace);
        if let Some(trace) = trace.filter(|_| !hop.headers.contains_key("traceparent")) {
            request = request.header("traceparent", trace.text());
        }
        request.send().await.map_err(|error| failure(&error))
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where a client is made")]
fn client(tls: rustls::ClientConfig, resolver: impl reqwest::dns::Resolve + 'static) -> Result<Client, String> {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(Arc::new(resolver))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .http1_max_headers(MOST_HEADERS)
        .connect_timeout(Duration::from_millis(LONGEST))
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(8)
        .user_agent(concat!("admit/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| format!("the outbound client cannot start: {error}"))
}

/// For addresses that the operator gave on the command line: none of the checks of what tenants name, and no redirect.
#[expect(clippy::disallowed_methods, reason = "the one place where a client is made")]
pub(crate) fn operators(longest: Duration) -> Result<Client, String> {
    Client::builder()
        .tls_backend_preconfigured(tls()?)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(longest)
        .user_agent(concat!("admit/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| format!("the outbound client cannot start: {error}"))
}

fn tls() -> Result<rustls::ClientConfig, String> {
    config(rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
}

pub(crate) fn config(roots: rustls::RootCertStore) -> Result<rustls::ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("the outbound client cannot start: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, HttpError> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let refused = || HttpError::Refused(format!("the header field `{name}` is not valid"));
        let field = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        // Framing is the client's: a flow that sets it could smuggle a second request.
        if ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"]
            .contains(&field.as_str())
        {
            return Err(HttpError::Refused(format!("the header field `{name}` is set by the client")));
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| refused())?;
        value.set_sensitive(true);
        headers.append(field, value);
    }
    Ok(headers)
}

/// Where an answer redirects to; none if it does not.
fn redirect(response: &Response) -> Option<String> {
    let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(LOCATION).filter(|_| redirects)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

/// The next hop, checked like the first. A redirect never changes the scheme, never leads from the public internet to
/// this machine, and takes header fields along only to the same origin, since they may hold secrets.
fn next_hop(egress: &Egress, hop: Hop, status: StatusCode, location: &str) -> Result<Hop, String> {
    let from = &hop.target.url;
    let to = from.join(location).map_err(|error| format!("the redirect is not a valid url: {error}"))?;
    let target = egress.admit(to.as_str()).map_err(|why| format!("redirect refused: {why}"))?;
    if target.url.scheme() != from.scheme() {
        return Err("redirect refused: it changes the scheme".to_owned());
    }
    if target.route != hop.target.route {
        return Err("redirect refused: it leads to this machine or away from it".to_owned());
    }
    let mut headers = hop.headers;
    if !same_origin(from, &target.url) {
        headers = headers
            .into_iter()
            .filter_map(|(name, value)| name.map(|name| (name, value)))
            .filter(|(name, _)| *name == CONTENT_TYPE)
            .collect();
    }
    let keeps = matches!(status.as_u16(), 307 | 308) || hop.method == Method::GET;
    Ok(if keeps {
        Hop { target, method: hop.method, headers, body: hop.body }
    } else {
        headers.remove(CONTENT_TYPE);
        Hop { target, method: Method::GET, headers, body: None }
    })
}

/// Whether the request may go to this host, beyond what the tenant may do.
fn named(hosts: Option<&[String]>, target: &Admitted) -> Result<(), String> {
    let host = target.url.host_str().unwrap_or_default();
    match hosts {
        Some(hosts) if !hosts.iter().any(|named| named == host) => Err(format!("the host `{host}` is not declared")),
        Some(_) | None => Ok(()),
    }
}

fn same_origin(a: &Url, b: &Url) -> bool {
    a.origin() == b.origin()
}

/// Reads the body up to its limit, whatever length was announced.
async fn answer(mut response: Response) -> Result<HttpResponse, HttpError> {
    if response.content_length().is_some_and(|length| length > MOST_BODY) {
        return Err(HttpError::TooLarge(MOST_BODY));
    }
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
        if (body.len() + chunk.len()) as u64 > MOST_BODY {
            return Err(HttpError::TooLarge(MOST_BODY));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpResponse { status, headers, body })
}

/// A refusal of the resolver stays one; other errors lose their URL, which may hold personal data.
fn failure(error: &reqwest::Error) -> HttpError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut innermost = String::new();
    while let Some(cause) = source {
        if let Some(refusal) = cause.downcast_ref::<Refusal>() {
            return HttpError::Refused(refusal.0.clone());
        }
        innermost = cause.to_string();
        source = cause.source();
    }
    let what = if error.is_connect() { "cannot connect" } else { "the exchange failed" };
    HttpError::Failed(format!("{what}: {innermost}"))
}

#[cfg(test)]
mod tests;
