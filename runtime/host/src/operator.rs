//! A client for a server that the operator names: of commands, never of flows. It goes where it is told, follows no redirect, and
//! trusts the public certificates and those that it is given.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::client::config;

/// A client of one server.
pub struct OperatorClient {
    client: Client,
    key: HeaderValue,
}

/// A call.
pub struct OperatorCall<'a> {
    /// `GET`, `POST`, `PUT`, ...
    pub method: &'a str,
    /// Absolute URL.
    pub url: &'a str,
    /// Fields besides the key.
    pub headers: &'a [(&'a str, String)],
    /// What is sent.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct OperatorReply {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

impl OperatorClient {
    /// A client that shows this key, and trusts the certificates of `ca` (PEM) besides the public ones.
    ///
    /// # Errors
    /// The certificates or the key cannot be read, or the client cannot be made.
    #[expect(clippy::disallowed_methods, reason = "the operator's own server, which the command line names")]
    pub fn new(key: &str, ca: Option<&[u8]>, timeout: Duration) -> Result<Self, String> {
        let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for certificate in ca.into_iter().flat_map(CertificateDer::pem_slice_iter) {
            let certificate = certificate.map_err(|error| format!("the certificates cannot be read: {error}"))?;
            roots.add(certificate).map_err(|error| format!("the certificates cannot be read: {error}"))?;
        }
        let client = Client::builder()
            .tls_backend_preconfigured(config(roots)?)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .timeout(timeout)
            .user_agent(concat!("admit/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("the client cannot start: {error}"))?;
        let mut key = HeaderValue::from_str(&format!("Bearer {}", key.trim())).map_err(|_| "the key is none")?;
        key.set_sensitive(true);
        Ok(Self { client, key })
    }

    /// Calls the server.
    ///
    /// # Errors
    /// It cannot be reached, or what is sent is no request.
    pub async fn call(&self, call: OperatorCall<'_>) -> Result<OperatorReply, String> {
        let method = Method::from_bytes(call.method.as_bytes()).map_err(|_| "the method is none")?;
        let mut headers = HeaderMap::new();
        headers.insert(reqwest::header::AUTHORIZATION, self.key.clone());
        for (name, text) in call.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "a header field cannot be sent")?;
            headers.insert(name, HeaderValue::from_str(text).map_err(|_| "a header field cannot be sent")?);
        }
        let sent = self.client.request(method, call.url).headers(headers).body(call.body).send().await;
        let answer = sent.map_err(|error| reason(&error))?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.map_err(|error| reason(&error))?;
        Ok(OperatorReply { status, body: body.to_vec() })
    }
}

/// The innermost cause: the outer ones say no more than that a request failed.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
