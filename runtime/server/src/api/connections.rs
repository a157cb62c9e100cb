//! Connections: bounded in number, and in what a client may take its time with. A client that is slow costs nobody else.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::metrics::Metrics;

/// Connections at once. More wait to be accepted.
const MOST: usize = 4_096;
/// The time that the head of a request may take, the wait for a next one on the same connection included.
const HEAD: Duration = Duration::from_secs(15);
/// The time that a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The most that a head may hold, and the most fields in it. hyper answers 431 to more.
const LARGEST_HEAD: usize = 32 * 1024;
const MOST_FIELDS: usize = 100;
/// How long requests that are under way may take once the server is told to stop, where nothing else is said.
pub const LAST: Duration = Duration::from_secs(30);
/// The pause where no connection can be accepted for now: too many files are open, say.
const PAUSE: Duration = Duration::from_millis(100);

/// A port that is served.
pub struct Port {
    /// Where connections come from.
    pub listener: TcpListener,
    /// What speaks TLS on them, if anything does.
    pub tls: Option<TlsAcceptor>,
    /// How long requests that are under way may take once it is told to stop.
    pub last: Duration,
}

/// Accepts connections until `stop` is done; then lets requests that are under way end. False where some had not by then.
pub async fn serve(port: Port, router: Router, metrics: &Metrics, stop: impl Future<Output = ()> + Send) -> bool {
    let Port { listener, tls, last } = port;
    let places = Arc::new(Semaphore::new(MOST));
    let under_way = GracefulShutdown::new();
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(LARGEST_HEAD).max_headers(MOST_FIELDS);
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => accepted,
        };
        let Ok((socket, peer)) = accepted else {
            // A connection that is gone already, or no room for it: neither is the server's end.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        // An answer is one write: nothing is gained by waiting for more.
        let _ = socket.set_nodelay(true);
        // Audit entries say where a call came from.
        let router = router.clone().layer(Extension(ConnectInfo(peer)));
        let (builder, watcher) = (builder.clone(), under_way.watcher());
        let (open, tls) = (metrics.connection(), tls.clone());
        tokio::spawn(async move {
            let _place = (place, open);
            match tls {
                None => connection(&builder, socket, router, watcher).await,
                Some(tls) => {
                    // Whoever speaks no TLS, or takes too long to, is hung up on.
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(socket)).await {
                        connection(&builder, stream, router, watcher).await;
                    }
                }
            }
        });
    }
    drop(listener);
    tokio::time::timeout(last, under_way.shutdown()).await.is_ok()
}

async fn connection(
    builder: &http1::Builder,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    watcher: Watcher,
) {
    let service = TowerToHyperService::new(router);
    // What ends a connection early is the client's own business.
    let _ = watcher.watch(builder.serve_connection(TokioIo::new(stream), service)).await;
}
