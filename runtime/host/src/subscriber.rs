//! Calls to subscribers of webhooks: through the same guard as all that leaves, to the host of the subscription alone.

use admit_runtime::host::{HttpError, HttpRequest, HttpResponse};

use crate::RealHost;
use crate::egress::Egress;

impl RealHost {
    /// Whether deliveries may go to this URL: https to a public host, or a peer on this machine that the operator named.
    ///
    /// # Errors
    /// Why not.
    pub fn may_subscribe(&self, url: &str) -> Result<(), String> {
        self.subscriber(url)?.admit(url).map(|_| ())
    }

    /// Sends a delivery. A redirect is an answer like others: nothing follows it.
    ///
    /// # Errors
    /// It was not sent, or there was no answer.
    pub async fn deliver(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let egress = self.subscriber(&request.url).map_err(HttpError::Refused)?;
        self.client.once(&egress, request).await
    }

    fn subscriber(&self, url: &str) -> Result<Egress, String> {
        let mut egress = self.egress.peers_alone();
        egress.allow_url(url)?;
        Ok(egress)
    }
}
