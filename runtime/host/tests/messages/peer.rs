//! The peers: started by the tests, on loopback, gone with them.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

/// A mail server of npm's `smtp-server`, whose mails a parser of its own reads.
pub struct MailServer {
    pub port: u16,
    child: Child,
    lines: Receiver<Value>,
}

impl MailServer {
    /// One that behaves so: see `.ci/peers/smtp.cjs`.
    pub fn start(how: Value) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let installed = Command::new(root.join(".ci/peers/install")).output().unwrap();
        let said = String::from_utf8_lossy(&installed.stderr).into_owned();
        assert!(installed.status.success(), ".ci/peers/install failed: {said}");
        let modules = String::from_utf8(installed.stdout).unwrap();
        let mut child = Command::new("node")
            .arg(root.join(".ci/peers/smtp.cjs"))
            .arg(how.to_string())
            .env("NODE_PATH", modules.trim())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = std::io::BufReader::new(child.stdout.take().unwrap());
        let (to, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _gone = to.send(serde_json::from_str(&line).unwrap_or(Value::String(line)));
            }
        });
        let hello: Value = lines.recv_timeout(Duration::from_secs(60)).unwrap();
        let port = hello["port"].as_u64().unwrap().try_into().unwrap();
        Self { port, child, lines }
    }

    /// The next mail that it took.
    pub fn mail(&mut self) -> Value {
        self.lines.recv_timeout(Duration::from_secs(30)).unwrap()
    }

    /// It took no further one.
    pub fn no_more_mail(&mut self) -> bool {
        self.lines.recv_timeout(Duration::from_millis(200)).is_err()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

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
