//! TLS of the public port: a certificate chain and its key, read anew when their files change. TLS 1.2 and 1.3 (RFC 9325).

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use tokio_rustls::TlsAcceptor;
use x509_cert::der::Decode as _;

/// Days before its end from which a certificate is warned of.
const SOON: u64 = 14;

/// The certificate in use.
#[derive(Debug)]
pub struct Tls {
    chain: PathBuf,
    key: PathBuf,
    now: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    certified: Arc<CertifiedKey>,
    stamp: Stamp,
}

/// What tells that one of the files has changed.
type Stamp = [Option<(SystemTime, u64)>; 2];

/// Why a certificate cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("cannot read `{0}`: {1}")]
    Unreadable(PathBuf, String),
    /// There is no certificate in it.
    #[error("`{0}` holds no certificate (PEM, `BEGIN CERTIFICATE`, the server's own first)")]
    NoCertificate(PathBuf),
    /// There is no private key in it.
    #[error("`{0}` holds no private key (PEM, `BEGIN PRIVATE KEY`, without a password)")]
    NoKey(PathBuf),
    /// The key cannot be used.
    #[error(
        "the key in `{0}` is of no kind that is used here: ECDSA P-256 or P-384, Ed25519, or RSA of 2048 bits and more"
    )]
    UnknownKey(PathBuf),
    /// They do not belong together.
    #[error("the key in `{key}` is not that of the certificate in `{chain}`")]
    OtherPair {
        /// The certificate's file.
        chain: PathBuf,
        /// The key's.
        key: PathBuf,
    },
    /// It cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    SetUp(String),
}

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn open(chain: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let now = Current { stamp: stamp(chain, key), certified: Arc::new(certified(chain, key)?) };
        Ok(Arc::new(Self { chain: chain.to_owned(), key: key.to_owned(), now: RwLock::new(now) }))
    }

    /// What accepts connections with it, whichever is in use then.
    ///
    /// # Errors
    /// The TLS library does not take it.
    pub fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::SetUp(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files again, where `is_asked` or they have changed. Says whether there is another certificate now; where it cannot be
    /// used, the one before stays in use.
    ///
    /// # Errors
    /// What is wrong with the files.
    pub fn refresh(&self, is_asked: bool) -> Result<bool, TlsError> {
        let stamp = stamp(&self.chain, &self.key);
        {
            let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
            if !is_asked && now.stamp == stamp {
                return Ok(false);
            }
            // What cannot be read now is read again when it has changed again, not all the time.
            now.stamp = stamp;
        }
        let certified = Arc::new(certified(&self.chain, &self.key)?);
        self.now.write().unwrap_or_else(PoisonError::into_inner).certified = certified;
        Ok(true)
    }

    /// What is to be said of the time of the certificate in use: that it is over, not yet come, or over soon.
    pub fn warning(&self, now: SystemTime) -> Option<String> {
        let (from, until) = self.validity()?;
        let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
        let chain = self.chain.display();
        let days = until.saturating_sub(now) / 86_400;
        if now >= until {
            Some(format!("the certificate in `{chain}` has expired: clients will refuse it"))
        } else if now < from {
            Some(format!("the certificate in `{chain}` is not valid yet: clients will refuse it"))
        } else if days < SOON {
            Some(format!("the certificate in `{chain}` expires in {days} days"))
        } else {
            None
        }
    }

    /// From when until when it is valid, in seconds since 1970.
    fn validity(&self) -> Option<(u64, u64)> {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        let certificate = x509_cert::Certificate::from_der(now.certified.cert.first()?).ok()?;
        let validity = certificate.tbs_certificate().validity();
        Some((validity.not_before.to_unix_duration().as_secs(), validity.not_after.to_unix_duration().as_secs()))
    }
}

impl ResolvesServerCert for Tls {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).certified))
    }
}

fn certified(chain: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let read =
        |path: &Path| std::fs::read(path).map_err(|error| TlsError::Unreadable(path.to_owned(), error.to_string()));
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&read(chain)?).filter_map(Result::ok).collect();
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate(chain.to_owned()));
    }
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| TlsError::NoKey(key.to_owned()))?;
    let signing = ring::sign::any_supported_type(&private).map_err(|_| TlsError::UnknownKey(key.to_owned()))?;
    let certified = CertifiedKey::new(certificates, signing);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(certified),
        Err(_) => Err(TlsError::OtherPair { chain: chain.to_owned(), key: key.to_owned() }),
    }
}

fn stamp(chain: &Path, key: &Path) -> Stamp {
    [chain, key].map(|path| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.modified().ok()?, meta.len()))
    })
}
