//! Mail over SMTP (RFC 5321): the address is resolved once and checked before it is dialled, and nothing secret goes over a
//! connection that is not encrypted, but to this machine.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use admit_runtime::message::{Message, SendError};
use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::net::TcpStream;

use super::bounded::Bounded;
use super::{Means, format};
use crate::egress::{Egress, Route};

/// Longest time to connect, TLS included.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest time of a whole delivery. The library's own limit is on connecting only.
const WHOLE: Duration = Duration::from_secs(30);
/// Longest answer of a server that is kept, in characters.
const SAID: usize = 200;

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpServer {
    /// Its name.
    pub host: String,
    /// Its port: 465, 587, 25.
    pub port: u16,
    /// How the connection is kept from others.
    pub security: Security,
    /// The user to sign in as; none: nobody signs in.
    pub user: Option<String>,
    /// The name of the secret that is the password.
    pub password: Option<String>,
    /// Who mail is from: `Example <login@example.com>`.
    pub from: Mailbox,
    /// Where answers go, if not there.
    pub reply_to: Option<Mailbox>,
    /// Certificates (PEM) that are trusted besides the public ones: of a server of one's own.
    pub ca: Option<Vec<u8>>,
}

/// How a connection is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314 section 3.3).
    Tls,
    /// TLS after `STARTTLS`; a server that does not offer it gets nothing (RFC 3207).
    StartTls,
    /// None: to this machine only.
    Plain,
}

impl SmtpServer {
    /// A server with the usual port of its security: 465, 587, 25. `host` may end in `:PORT`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(host: &str, security: Security, from: &str) -> Result<Self, String> {
        let usual = match security {
            Security::Tls => 465,
            Security::StartTls => 587,
            Security::Plain => 25,
        };
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !name.ends_with(':') => {
                (name, port.parse().ok().filter(|port| *port != 0).ok_or_else(|| format!("`{host}` has no port"))?)
            }
            Some(_) | None => (host, usual),
        };
        Ok(Self {
            host: name.to_owned(),
            port,
            security,
            user: None,
            password: None,
            from: mailbox(from)?,
            reply_to: None,
            ca: None,
        })
    }
}

/// A sender as settings write it: `login@example.com`, `Example <login@example.com>`.
///
/// # Errors
/// If it is none.
pub fn mailbox(text: &str) -> Result<Mailbox, String> {
    let fault = || format!("`{}` is no sender: write `Example <login@example.com>`", text.escape_debug());
    if text.chars().any(char::is_control) {
        return Err(fault());
    }
    text.parse().map_err(|_| fault())
}

/// Sends one mail.
pub(super) async fn send(
    server: &SmtpServer,
    peers: &Egress,
    means: Means<'_>,
    message: &Message,
) -> Result<(), SendError> {
    let mail = format::mail(message, &server.from, server.reply_to.as_ref())?;
    let work = async {
        let (addresses, route) = addresses(server, peers, &means).await?;
        if route == Route::Public && server.security == Security::Plain {
            return Err(SendError::again("mail goes unencrypted to this machine only"));
        }
        let mut connection = connect(server, &addresses).await?;
        if let (Some(user), Some(password)) = (&server.user, &means.secret) {
            let password = std::str::from_utf8(password.expose());
            let password = password.map_err(|_| SendError::again("the password of the mail server is not text"))?;
            let credentials = Credentials::new(user.clone(), password.to_owned());
            // A wrong password is the operator's to mend: mail waits for it.
            let signed_in = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
            signed_in
                .map_err(|error| SendError::again(format!("the mail server refuses to sign in: {}", said(&error))))?;
        }
        let sent = connection.send(mail.envelope(), &mail.formatted()).await;
        let sent = sent.map_err(|error| failure(&error))?;
        // It is the server's from here on; how it says goodbye changes nothing.
        let _ = tokio::time::timeout(Duration::from_secs(1), connection.quit()).await;
        drop(sent);
        Ok(())
    };
    match tokio::time::timeout(WHOLE, work).await {
        Ok(result) => result,
        Err(_) => Err(SendError::again(format!("the mail server did not take the mail within {} s", WHOLE.as_secs()))),
    }
}

/// The addresses of the server, every one checked: one bad answer refuses them all.
async fn addresses(
    server: &SmtpServer,
    peers: &Egress,
    means: &Means<'_>,
) -> Result<(Vec<SocketAddr>, Route), SendError> {
    let host = server.host.trim_start_matches('[').trim_end_matches(']');
    let literal: Option<IpAddr> = host.parse().ok();
    let route = if peers.is_peer(host, server.port) { Route::Loopback } else { Route::Public };
    let answers = match (literal, route) {
        (Some(address), _) => vec![address],
        // Never looked up (RFC 6761 section 6.3).
        (None, Route::Loopback) => {
            vec![IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)]
        }
        (None, Route::Public) => means.lookup.lookup(host).await.map_err(SendError::again)?,
    };
    route.check(host, &answers).map_err(|why| SendError::again(format!("egress refused: {why}")))?;
    Ok((answers.into_iter().map(|address| SocketAddr::new(address, server.port)).collect(), route))
}

async fn connect(server: &SmtpServer, addresses: &[SocketAddr]) -> Result<AsyncSmtpConnection, SendError> {
    let hello = server.from.email.domain();
    let hello = ClientId::Domain(hello.to_owned());
    let tls = match server.security {
        Security::Plain => None,
        Security::Tls | Security::StartTls => Some(tls(server)?),
    };
    let opened = match server.security {
        // A server that has shown its certificate is the one that is meant: it may say as much as it likes.
        #[expect(clippy::disallowed_methods, reason = "the addresses are checked")]
        Security::Tls => AsyncSmtpConnection::connect_tokio1(addresses, Some(CONNECT), &hello, tls.clone(), None).await,
        Security::Plain | Security::StartTls => {
            let stream = Box::new(Bounded::new(dial(addresses).await?));
            AsyncSmtpConnection::connect_with_transport(stream, &hello).await
        }
    };
    let mut connection = opened.map_err(|error| failure(&error).again_if_refused())?;
    if server.security == Security::StartTls {
        let Some(tls) = tls else { return Err(SendError::again("there is no TLS")) };
        if !connection.can_starttls() {
            connection.abort().await;
            return Err(SendError::again("the mail server does not offer STARTTLS"));
        }
        connection.starttls(tls, &hello).await.map_err(|error| failure(&error).again_if_refused())?;
    }
    Ok(connection)
}

/// The first of the addresses that answers.
async fn dial(addresses: &[SocketAddr]) -> Result<TcpStream, SendError> {
    let mut why = "it has no address".to_owned();
    for address in addresses {
        #[expect(clippy::disallowed_methods, reason = "the addresses are checked")]
        let dialled = tokio::time::timeout(CONNECT, TcpStream::connect(address)).await;
        match dialled {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => why = error.to_string(),
            Err(_) => why = format!("no answer within {} s", CONNECT.as_secs()),
        }
    }
    Err(SendError::again(format!("the mail server cannot be reached: {why}")))
}

fn tls(server: &SmtpServer) -> Result<TlsParameters, SendError> {
    let fault = |error: &Error| SendError::again(format!("TLS cannot start: {}", said(error)));
    let mut parameters = TlsParameters::builder(server.host.clone());
    if let Some(ca) = &server.ca {
        let certificate = Certificate::from_pem(ca).map_err(|error| fault(&error))?;
        parameters = parameters.add_root_certificate(certificate);
    }
    parameters.build_rustls().map_err(|error| fault(&error))
}

trait Refused {
    fn again_if_refused(self) -> Self;
}

impl Refused for SendError {
    /// A server that refuses before it has heard of the mail refuses us, not the mail.
    fn again_if_refused(self) -> Self {
        Self { is_final: false, ..self }
    }
}

/// A 5yz answer is for good, everything else for now (RFC 5321 section 4.2.1): greylisting answers 4yz.
fn failure(error: &Error) -> SendError {
    let detail = format!("the mail server did not take the mail: {}", said(error));
    SendError { detail, is_final: error.is_permanent() }
}

/// What the server or the connection said, without addresses that it repeats.
fn said(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    let code = error.status().map_or_else(String::new, |code| format!("{code} "));
    let words = text.split_whitespace().map(|word| if word.contains('@') { "(address)" } else { word });
    let text: String =
        words.collect::<Vec<_>>().join(" ").chars().filter(|letter| !letter.is_control()).take(SAID).collect();
    format!("{code}{text}")
}
