//! A listener on this machine for what a terminal cannot do: a passkey ceremony, which needs a browser, and the way back from
//! a sign-in elsewhere. It shows one page under an address that nobody can guess, takes one answer, and is gone.
//!
//! Who else can reach it: other users and programs of this machine, and any web page in the user's browser. So requests must
//! name `localhost` (or the address that the way back names) and our port as their host (a name that was rebound to this machine does not), answers must come from our own
//! origin, and nothing may hold the page in a frame or read from it.

mod handle;
mod passkey;

use std::io::{Error, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use thiserror::Error;
use tokio::sync::{oneshot, watch};

use handle::Shared;

/// Where the browser comes back to after a sign-in elsewhere: the path of the redirect URI, the same each time, because it is
/// registered there.
pub const CALLBACK: &str = "/callback";

/// The most that an answer may hold.
const LARGEST_ANSWER: usize = 64 * 1024;
/// How long a browser may take to fetch the last answer before its connection is cut.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Ports that are tried until one is free on IPv4 and IPv6 both.
const TRIES: u32 = 16;

/// A listener; each [`Loopback::ask`] is a page of its own.
pub struct Loopback {
    listeners: Vec<TcpListener>,
    port: u16,
}

/// What a page is for.
#[derive(Clone, Debug)]
pub enum Page {
    /// A passkey ceremony.
    Passkey {
        /// Makes a passkey, or shows one.
        ceremony: Ceremony,
        /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON`.
        options: Value,
    },
    /// Sends the browser on, and waits until it comes back to [`CALLBACK`].
    Redirect {
        /// An absolute URL.
        to: String,
        /// How the way back names this machine: the cookie that the browser comes back with belongs to that name.
        home: Home,
    },
}

/// How a page names this machine (RFC 8252 section 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// `localhost`
    Name,
    /// `127.0.0.1`
    V4,
    /// `[::1]`
    V6,
}

impl Home {
    /// By the host of a URL; none where that is not this machine.
    pub fn of(host: &str) -> Option<Self> {
        [Self::Name, Self::V4, Self::V6].into_iter().find(|home| home.host() == host)
    }

    fn host(self) -> &'static str {
        match self {
            Self::Name => "localhost",
            Self::V4 => "127.0.0.1",
            Self::V6 => "[::1]",
        }
    }
}

/// Which ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceremony {
    /// `navigator.credentials.create`
    Create,
    /// `navigator.credentials.get`
    Get,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The credential, as `PublicKeyCredential.toJSON()` gives it. Nothing of it has been checked.
    Passkey(Value),
    /// The query of the callback, decoded, in its order.
    Callback(Vec<(String, String)>),
    /// The user gave up.
    Cancelled,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum LoopbackError {
    /// No port, or no randomness for the address.
    #[error("cannot listen on this machine: {0}")]
    Listen(Error),
    /// Nobody answered in time.
    #[error("nobody answered the page within {0} s")]
    TimedOut(u64),
}

impl Loopback {
    /// Listens on 127.0.0.1 and, where there is IPv6, on ::1: `localhost` may mean either, and nobody else shall have the other.
    ///
    /// # Errors
    /// The port is taken; or, without one, no port is free.
    pub fn bind(port: Option<u16>) -> Result<Self, LoopbackError> {
        let mut last = Error::from(ErrorKind::AddrInUse);
        for _ in 0..if port.is_some() { 1 } else { TRIES } {
            match bind_both(port.unwrap_or(0)) {
                Ok((listeners, port)) => return Ok(Self { listeners, port }),
                Err(error) => last = error,
            }
        }
        Err(LoopbackError::Listen(last))
    }

    /// The origin of its passkey pages. Not an address of digits: browsers give passkeys to `localhost` alone.
    pub fn origin(&self) -> String {
        self.origin_at(Home::Name)
    }

    /// The port, which is the same on every address.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn origin_at(&self, home: Home) -> String {
        format!("http://{}:{}", home.host(), self.port)
    }

    /// Shows a page: `announce` gets its address, for the user to open. Waits for its one answer.
    ///
    /// # Errors
    /// No answer within the limit; no randomness for the address.
    pub async fn ask(&self, page: Page, announce: impl FnOnce(&str), limit: Duration) -> Result<Answer, LoopbackError> {
        let mut token = [0; 32];
        getrandom::fill(&mut token).map_err(|error| LoopbackError::Listen(Error::other(error.to_string())))?;
        let token = URL_SAFE_NO_PAD.encode(token);
        let (answer, answered) = oneshot::channel();
        let origin = match &page {
            Page::Passkey { .. } => self.origin(),
            Page::Redirect { home, .. } => self.origin_at(*home),
        };
        let address = format!("{origin}/{token}/");
        let shared = Shared { origin, token, page, answer: Mutex::new(Some(answer)) };
        let router = Router::new()
            .fallback(handle::handle)
            .layer(DefaultBodyLimit::max(LARGEST_ANSWER))
            .with_state(Arc::new(shared));
        let (end, ended) = watch::channel(());
        let mut servers = tokio::task::JoinSet::new();
        for listener in &self.listeners {
            let listener = listener.try_clone().and_then(tokio::net::TcpListener::from_std);
            let listener = listener.map_err(LoopbackError::Listen)?;
            let mut ended = ended.clone();
            // It ends when the sender is gone.
            let until = async move { while ended.changed().await.is_ok() {} };
            servers.spawn(axum::serve(listener, router.clone()).with_graceful_shutdown(until).into_future());
        }
        drop(router);
        announce(&address);
        let answer = tokio::time::timeout(limit, answered).await;
        drop(end);
        let _ = tokio::time::timeout(LAST_WORDS, async { while servers.join_next().await.is_some() {} }).await;
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(LoopbackError::TimedOut(limit.as_secs())),
        }
    }
}

fn bind_both(port: u16) -> Result<(Vec<TcpListener>, u16), Error> {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let port = first.local_addr()?.port();
    let mut listeners = vec![first];
    match TcpListener::bind((Ipv6Addr::LOCALHOST, port)) {
        Ok(second) => listeners.push(second),
        Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
        // A machine without IPv6.
        Err(_) => {}
    }
    for listener in &listeners {
        listener.set_nonblocking(true)?;
    }
    Ok((listeners, port))
}
