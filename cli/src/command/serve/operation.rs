//! How `admit serve` is operated: where its settings are from, what it logs, measures and traces, its TLS, how it stops, and what it
//! does beside requests.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use admit_actions::Pool;
use admit_host::{Exporter, FeedFiles};
use admit_server::api::{Operation, Serving};
use admit_server::spans::{Sender, Spans};
use admit_server::tls::Tls;
use admit_store::SqlStore;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use crate::failure::Failure;
use crate::log::{self, LogArgs};
use crate::notify;
use crate::retention::{Age, RetentionArgs, prune};
use crate::world;

/// Who is said to have cut off audit entries.
const ACTOR: &str = "admit serve";
/// How often files of certificates are looked at.
const TLS_POLL: Duration = Duration::from_secs(10);
/// How often what is old goes, and when first.
const RETENTION: Duration = Duration::from_secs(60 * 60);
const FIRST_RETENTION: Duration = Duration::from_secs(60);
/// How often it is said that a certificate ends soon.
const WARNING: Duration = Duration::from_secs(24 * 60 * 60);

/// Arguments of how it is operated.
#[derive(Debug, clap::Args)]
pub struct OperationArgs {
    /// Settings that flags and variables do not give: TOML, a key for each flag
    #[arg(long, value_name = "FILE", env = "ADMIT_CONFIG")]
    config: Option<PathBuf>,
    /// Print each setting and where it is from, and start nothing
    #[arg(long)]
    pub print_config: bool,
    /// Metrics, liveness and readiness on a port of their own; without it there are no metrics
    #[arg(long, value_name = "ADDRESS:PORT")]
    management: Option<SocketAddr>,
    /// Speak TLS with this certificate: PEM, the server's own first, then those above it
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate: PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Told to stop, take requests for this long and say that it is not ready
    #[arg(long, value_name = "TIME", default_value = "0s")]
    drain: Age,
    /// Told to stop, give requests that are under way this long
    #[arg(long, value_name = "TIME", default_value = "30s")]
    stop_after: Age,
    /// What is logged, to standard error
    #[command(flatten)]
    pub log: LogArgs,
    /// Send traces to this collector, by OTLP over HTTP
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// A header field for the collector
    #[arg(long, value_name = "NAME=VALUE", hide_env_values = true)]
    otlp_header: Vec<String>,
    /// Of the traces that begin here, how many are sent: 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    otlp_share: f64,
    /// For how long what is kept
    #[command(flatten)]
    retention: RetentionArgs,
}

/// What is made of them before anything is written.
pub struct Prepared {
    /// The ports.
    pub serving: Serving,
    tls: Option<Arc<Tls>>,
    operation: Operation,
    sender: Option<Sender>,
}

impl Prepared {
    /// What answers are to be asked for with.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// What the server says of itself; `observed` are what it does not know.
    pub fn operation(&mut self, observed: Observed) -> Operation {
        let operation = std::mem::take(&mut self.operation);
        Operation { observe: Some(Arc::new(move || observed.set())), ..operation }
    }

    /// Takes what it is served on, and what works beside requests until it is dropped.
    pub fn start(self, args: &OperationArgs, store: &SqlStore) -> Result<(Serving, Background), Failure> {
        let mut beside = JoinSet::new();
        // Heard from here on, also where there is nothing to read anew: it ends no server.
        let asked = signal(SignalKind::hangup());
        let asked = asked.map_err(|error| Failure::new(format!("cannot hear signals: {error}")))?;
        match self.tls {
            Some(tls) => beside.spawn(renew(tls, asked)),
            None => beside.spawn(deaf(asked)),
        };
        beside.spawn(retain(args.retention, store.clone()));
        beside.spawn(notify::watchdog());
        Ok((self.serving, Background { _beside: beside, sender: self.sender }))
    }
}

/// What works beside requests.
pub struct Background {
    _beside: JoinSet<()>,
    sender: Option<Sender>,
}

impl Background {
    /// Ends it: spans that are left are sent. The server must be gone.
    pub async fn end(self) {
        let Self { _beside, sender } = self;
        drop(_beside);
        if let Some(sender) = sender {
            sender.end().await;
        }
    }
}

/// What is looked at when metrics are asked for.
pub struct Observed {
    /// The workers.
    pub pool: Arc<Pool>,
    /// The feeds.
    pub feeds: Arc<FeedFiles>,
}

impl Observed {
    fn set(&self) {
        metrics::counter!("admit_log_lines_lost_total").absolute(log::lost());
        let stats = self.pool.stats();
        for (state, count) in [("living", stats.workers), ("spare", stats.spare_worlds), ("idle", stats.idle_worlds)] {
            metrics::gauge!("admit_action_workers", "state" => state).set(count as f64);
        }
        metrics::counter!("admit_action_worlds_used_total").absolute(stats.used);
        metrics::counter!("admit_action_workers_killed_total").absolute(stats.killed + stats.died);
        for feed in self.feeds.status() {
            let written = feed.path.as_ref().and_then(|path| std::fs::metadata(path).ok()?.modified().ok());
            let age = written.and_then(|at| SystemTime::now().duration_since(at).ok());
            if let Some(age) = age {
                metrics::gauge!("admit_feed_age_seconds", "feed" => feed.name.to_string()).set(age.as_secs_f64());
            }
        }
    }
}

/// Binds ports, reads certificates: what is wrong with them is said before anything is written.
pub async fn prepare(args: &OperationArgs, listen: SocketAddr) -> Result<Prepared, Failure> {
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(chain), Some(key)) => Some(Tls::open(chain, key).map_err(|error| Failure::new(error.to_string()))?),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            return Err(Failure::new("a certificate and its key belong together")
                .help("give both `--tls-cert` and `--tls-key`, or neither"));
        }
    };
    if let Some(warning) = tls.as_ref().and_then(|tls| tls.warning(SystemTime::now())) {
        tracing::warn!(problem = warning.as_str(), "certificate");
    }
    let acceptor = tls.as_ref().map(Tls::acceptor).transpose();
    let public = bind(listen, "--listen").await?;
    let management = match args.management {
        Some(address) => Some(bind(address, "--management").await?),
        None => None,
    };
    let prometheus = match management {
        Some(_) => Some(admit_server::metrics::install().map_err(Failure::new)?),
        None => None,
    };
    let (spans, sender) = match &args.otlp_endpoint {
        Some(endpoint) => {
            let exporter = Exporter::new(endpoint, "/v1/traces", &args.otlp_header);
            let exporter = exporter.map_err(|why| Failure::new(format!("`--otlp-endpoint`: {why}")))?;
            let (spans, sender) = Spans::start(exporter, args.otlp_share);
            (Some(spans), Some(sender))
        }
        None => (None, None),
    };
    let serving = Serving {
        public,
        management,
        tls: acceptor.map_err(|error| Failure::new(error.to_string()))?,
        drain: length(args.drain),
        stop_after: length(args.stop_after),
    };
    let operation = Operation { prometheus, observe: None, spans, log_requests: args.log.log_requests };
    Ok(Prepared { serving, tls, operation, sender })
}

/// `never` is as long as anybody waits.
fn length(age: Age) -> Duration {
    Duration::from_secs(age.0.unwrap_or(365 * 24 * 60 * 60))
}

async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(format!("cannot listen on {address}: {error}"))
            .help(format!("choose another with `{flag} ADDRESS:PORT`"))
    })
}

/// Reads the certificate anew when its files have changed, or on SIGHUP.
async fn renew(tls: Arc<Tls>, mut asked: Signal) {
    let mut warned = std::time::Instant::now();
    loop {
        let is_asked = tokio::select! {
            _ = asked.recv() => true,
            () = tokio::time::sleep(TLS_POLL) => false,
        };
        let read = {
            let tls = Arc::clone(&tls);
            tokio::task::spawn_blocking(move || tls.refresh(is_asked)).await
        };
        let is_new = match read {
            Ok(Ok(is_new)) => is_new,
            Ok(Err(error)) => {
                let problem = error.to_string();
                tracing::warn!(problem = problem.as_str(), "the certificate stays as it was");
                false
            }
            Err(_) => false,
        };
        if is_new {
            tracing::info!("the certificate was read anew");
        }
        if (is_new || warned.elapsed() > WARNING)
            && let Some(warning) = tls.warning(SystemTime::now())
        {
            warned = std::time::Instant::now();
            tracing::warn!(problem = warning.as_str(), "certificate");
        }
    }
}

/// SIGHUP ends no server that has nothing to read anew.
async fn deaf(mut asked: Signal) {
    while asked.recv().await.is_some() {}
}

/// Removes what was kept for long enough, every hour. Nodes that do so at once find nothing left to do.
async fn retain(retention: RetentionArgs, store: SqlStore) {
    tokio::time::sleep(FIRST_RETENTION).await;
    loop {
        let tenants = store.every_tenant().await.unwrap_or_default();
        for tenant in &tenants {
            for (kept, before) in retention.due(world::now()) {
                match prune(&store, tenant, kept, before, ACTOR).await {
                    Ok(0) => {}
                    Ok(count) => {
                        tracing::info!(tenant = tenant.as_str(), kept = kept.word(), count, "removed what was old")
                    }
                    Err(failure) => {
                        tracing::warn!(problem = failure.message.as_str(), "what is old could not be removed");
                    }
                }
            }
        }
        tokio::time::sleep(RETENTION).await;
    }
}
