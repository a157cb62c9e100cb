//! Where the operator sends what the server says of itself: a collector that the command line names, on any network.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::client;

/// The longest time of one message.
const LONGEST: Duration = Duration::from_secs(10);

/// A collector. No `Debug`: its header fields may hold a secret.
pub struct Exporter {
    client: reqwest::Client,
    url: Url,
    headers: HeaderMap,
}

impl Exporter {
    /// For the base address of a collector; `path` is added to it. `headers` are `name=value`.
    ///
    /// # Errors
    /// An address or a field that is none. Values are not quoted.
    pub fn new(base: &str, path: &str, headers: &[String]) -> Result<Self, String> {
        let url = Url::parse(&format!("{}{path}", base.trim_end_matches('/')));
        let url = url.ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or("write the collector's address as `http://HOST:PORT`")?;
        let mut fields = HeaderMap::new();
        for header in headers {
            let bad = || "a header field of the collector is given as `name=value`".to_owned();
            let (name, value) = header.split_once('=').ok_or_else(bad)?;
            let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| bad())?;
            let mut value = HeaderValue::from_str(value).map_err(|_| bad())?;
            value.set_sensitive(true);
            fields.insert(name, value);
        }
        Ok(Self { client: client::operators(LONGEST)?, url, headers: fields })
    }

    /// Sends JSON.
    ///
    /// # Errors
    /// What went wrong, without the address.
    pub async fn post(&self, body: Vec<u8>) -> Result<(), String> {
        let request = self.client.post(self.url.clone()).headers(self.headers.clone());
        let answer = request.header("content-type", "application/json").body(body).send().await;
        let answer = answer.map_err(|error| error.without_url().to_string())?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("it answered {status}")),
        }
    }
}
