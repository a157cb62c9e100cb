//! The peers: started by the tests, on loopback, gone with them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

/// A certificate for `localhost` that nobody trusts but who is given it.
pub struct Certificates {
    pub pem: Vec<u8>,
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Certificates {
    pub fn write(folder: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        let pem = made.cert.pem();
        std::fs::write(&cert, &pem).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        Self { pem: pem.into_bytes(), cert, key }
    }
}

/// A server that says this to everybody, and then nothing more: it hangs, or hangs up.
pub async fn misbehaving(said: String, hangs: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let _gone = socket.write_all(said.as_bytes()).await;
            if hangs {
                held.push(socket);
            } else {
                let _gone = socket.shutdown().await;
            }
        }
    });
    port
}

/// A server that takes the dialogue up to `at` (a command's first word, or the dot that ends a mail), each command answered as it should be, and
/// then says nothing more. What it heard is kept.
pub async fn hanging(at: &'static str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = heard.clone();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            let mut socket = BufReader::new(socket);
            let _gone = socket.write_all(b"220 mail.example ESMTP\r\n").await;
            let mut line = String::new();
            let mut is_body = false;
            while socket.read_line(&mut line).await.is_ok_and(|read| read > 0) {
                let said = std::mem::take(&mut line);
                let word = said.split([' ', '\r']).next().unwrap_or_default().to_owned();
                log.lock().unwrap().push(said.trim_end().to_owned());
                let answer = match (is_body, word.as_str()) {
                    (true, ".") => {
                        is_body = false;
                        if at == "." {
                            break;
                        }
                        "250 taken\r\n"
                    }
                    (true, _) => continue,
                    (false, word) if word == at => break,
                    (false, "EHLO") => "250-mail.example\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n",
                    (false, "DATA") => {
                        is_body = true;
                        "354 go on\r\n"
                    }
                    (false, "AUTH") => "235 welcome\r\n",
                    (false, _) => "250 well\r\n",
                };
                let _gone = socket.write_all(answer.as_bytes()).await;
            }
            held.push(socket);
        }
    });
    (port, heard)
}

/// A server with `STARTTLS` behind somebody on the way, who puts `injected` behind the answer that TLS follows. What the server
/// hears under TLS is kept.
pub async fn injecting(ca: &Certificates, injected: &'static str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let certificates = CertificateDer::pem_file_iter(&ca.cert).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(&ca.key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(certificates, key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = heard.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (acceptor, log) = (acceptor.clone(), log.clone());
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                socket.write_all(b"220 mail.example ESMTP\r\n").await?;
                if socket.read(&mut buffer).await? == 0 {
                    return Ok(());
                }
                socket.write_all(b"250-mail.example\r\n250 STARTTLS\r\n").await?;
                if socket.read(&mut buffer).await? == 0 {
                    return Ok(());
                }
                socket.write_all(format!("220 go ahead\r\n{injected}").as_bytes()).await?;
                let mut socket = acceptor.accept(socket).await?;
                loop {
                    let read = socket.read(&mut buffer).await?;
                    if read == 0 {
                        return std::io::Result::Ok(());
                    }
                    let said = String::from_utf8_lossy(&buffer[..read]).into_owned();
                    let answer = match said.split([' ', '\r']).next().unwrap_or_default() {
                        "EHLO" => "250-mail.example\r\n250 AUTH PLAIN\r\n",
                        "AUTH" => "235 welcome\r\n",
                        "DATA" => "354 go on\r\n",
                        _ => "250 well\r\n",
                    };
                    log.lock().unwrap().push(said);
                    socket.write_all(answer.as_bytes()).await?;
                }
            });
        }
    });
    (port, heard)
}

/// A gateway that answers every request with this status, and keeps what it was sent.
pub async fn gateway(status: u16) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !is_whole(&request) {
                match socket.read(&mut buffer).await {
                    Ok(0) | Err(_) => break,
                    Ok(read) => request.extend_from_slice(&buffer[..read]),
                }
            }
            log.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _gone = socket.write_all(answer.as_bytes()).await;
            let _gone = socket.shutdown().await;
        }
    });
    (port, seen)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).into_owned();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    body.len() >= length.parse().unwrap_or(0)
}
