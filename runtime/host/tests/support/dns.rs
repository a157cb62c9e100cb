//! A name server for tests (RFC 1035): answers over UDP on this machine from a table, as honestly or not as the table says.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;

/// What is answered to a question.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Records, TTL 0.
    Records(Vec<Record>),
    /// The name is not there.
    NoSuchName,
    /// The server cannot say.
    Broken,
    /// Nothing at all.
    Silence,
    /// Bytes that are no message.
    Garbage,
}

/// A record.
#[derive(Clone, Debug)]
pub enum Record {
    Address(IpAddr),
    Mail(u16, &'static str),
    Alias(&'static str),
}

/// A running server.
pub struct NameServer {
    pub address: SocketAddr,
    /// Every question: name and type (`A`, `AAAA`, `MX`).
    pub asked: Arc<Mutex<Vec<(String, &'static str)>>>,
}

/// Replies by name and type; of several, one after the other, the last stays. What is not in the table has no records.
pub type Table = HashMap<(&'static str, &'static str), Vec<Reply>>;

impl NameServer {
    #[expect(clippy::disallowed_methods, reason = "it answers on this machine and calls nobody")]
    pub async fn start(table: Table) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut counts: HashMap<(String, &'static str), usize> = HashMap::new();
            let mut buffer = [0; 1_500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let query = &buffer[..length];
                let (name, kind, end) = question(query);
                log.lock().unwrap().push((name.clone(), kind));
                let count = counts.entry((name.clone(), kind)).or_default();
                let replies =
                    table.iter().find(|((known, of), _)| *known == name && *of == kind).map(|(_, replies)| replies);
                let reply = replies.map(|replies| replies[(*count).min(replies.len() - 1)].clone());
                *count += 1;
                let message = match reply.unwrap_or(Reply::Records(Vec::new())) {
                    Reply::Records(records) => message(&query[..end], 0, &records),
                    Reply::NoSuchName => message(&query[..end], 3, &[]),
                    Reply::Broken => message(&query[..end], 2, &[]),
                    Reply::Garbage => vec![0xff; 40],
                    Reply::Silence => continue,
                };
                socket.send_to(&message, from).await.unwrap();
            }
        });
        Self { address, asked }
    }
}

/// Name and type of the question, and where it ends.
fn question(query: &[u8]) -> (String, &'static str, usize) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while query[at] != 0 {
        let length = usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..at + 1 + length]).to_ascii_lowercase());
        at += 1 + length;
    }
    let kind = match u16::from_be_bytes([query[at + 1], query[at + 2]]) {
        1 => "A",
        15 => "MX",
        28 => "AAAA",
        _ => "other",
    };
    (labels.join("."), kind, at + 5)
}

/// An answer to the question, with every record's name that of the question or of the alias before it.
fn message(query: &[u8], code: u8, records: &[Record]) -> Vec<u8> {
    let mut out = query.to_vec();
    // An answer, recursion as asked for and had; one question, so many answers, nothing besides.
    (out[2], out[3]) = (0x81, 0x80 | code);
    out[4..12].copy_from_slice(&[0, 1, 0, u8::try_from(records.len()).unwrap(), 0, 0, 0, 0]);
    let mut owner = vec![0xc0, 12];
    for record in records {
        let (kind, data) = match record {
            Record::Address(IpAddr::V4(address)) => (1_u16, address.octets().to_vec()),
            Record::Address(IpAddr::V6(address)) => (28, address.octets().to_vec()),
            Record::Mail(preference, host) => (15, [preference.to_be_bytes().to_vec(), encoded(host)].concat()),
            Record::Alias(name) => (5, encoded(name)),
        };
        out.extend_from_slice(&owner);
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&[0, 1, 0, 0, 0, 0]);
        out.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        out.extend_from_slice(&data);
        if let Record::Alias(name) = record {
            owner = encoded(name);
        }
    }
    out
}

fn encoded(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut out: Vec<u8> =
        labels.flat_map(|label| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat()).collect();
    out.push(0);
    out
}
