//! Writes databases in MaxMind's format (version 2.0 of its specification), so that tests have some of their own: a tree of
//! 24-bit records over IPv6, in which IPv4 lies below ::/96.

use std::net::IpAddr;

use serde_json::{Value, json};

/// Where a record of the tree leads.
#[derive(Clone, Copy)]
enum To {
    Nothing,
    Node(usize),
    Data(usize),
}

/// A database of this type: each network (`5.188.10.0/24`) with what is known of it.
pub fn database(kind: &str, networks: &[(&str, Value)]) -> Vec<u8> {
    let mut nodes = vec![[To::Nothing; 2]];
    let mut data = Vec::new();
    for (network, known) in networks {
        let at = data.len();
        encode(known, &mut data);
        let (address, length) = network.split_once('/').unwrap();
        let (bits, above) = match address.parse().unwrap() {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 96),
            IpAddr::V6(address) => (address.to_bits(), 0),
        };
        let length = above + length.parse::<usize>().unwrap();
        let mut node = 0;
        for depth in 0..length {
            let side = usize::from(bits >> (127 - depth) & 1 == 1);
            if depth + 1 == length {
                nodes[node][side] = To::Data(at);
            } else if let To::Node(next) = nodes[node][side] {
                node = next;
            } else {
                nodes.push([To::Nothing; 2]);
                nodes[node][side] = To::Node(nodes.len() - 1);
                node = nodes.len() - 1;
            }
        }
    }
    let mut out = Vec::new();
    for record in nodes.iter().flatten() {
        let value = match record {
            To::Nothing => nodes.len(),
            To::Node(node) => *node,
            // The sixteen bytes between tree and data count.
            To::Data(at) => nodes.len() + 16 + at,
        };
        out.extend_from_slice(&u32::try_from(value).unwrap().to_be_bytes()[1..]);
    }
    out.extend_from_slice(&[0; 16]);
    out.extend_from_slice(&data);
    out.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    let metadata = json!({
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1_700_000_000,
        "database_type": kind,
        "description": { "en": "of a test" },
        "ip_version": 6,
        "languages": ["en"],
        "node_count": nodes.len(),
        "record_size": 24,
    });
    encode(&metadata, &mut out);
    out
}

/// A value: maps, arrays, strings, doubles, booleans; integers as fields of maps.
fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(fields) => {
            head(7, fields.len(), out);
            for (name, field) in fields {
                encode(&json!(name), out);
                match field.as_u64() {
                    Some(whole) => integer(name, whole, out),
                    None => encode(field, out),
                }
            }
        }
        Value::Array(items) => {
            head(11, items.len(), out);
            items.iter().for_each(|item| encode(item, out));
        }
        Value::String(text) => {
            head(2, text.len(), out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Bool(flag) => head(14, usize::from(*flag), out),
        Value::Number(number) => {
            head(3, 8, out);
            out.extend_from_slice(&number.as_f64().unwrap().to_be_bytes());
        }
        Value::Null => panic!("the format has no null"),
    }
}

/// An integer of the width that the field has by the format.
fn integer(name: &str, value: u64, out: &mut Vec<u8>) {
    let bytes = value.to_be_bytes();
    let (kind, size) = match name {
        "build_epoch" => (9, 8),
        "node_count" | "autonomous_system_number" | "iso_code" => (6, 4),
        _ => (5, 2),
    };
    head(kind, size, out);
    out.extend_from_slice(&bytes[8 - size..]);
}

fn head(kind: u8, size: usize, out: &mut Vec<u8>) {
    let (short, more) = if size < 29 { (size, None) } else { (29, Some(u8::try_from(size - 29).unwrap())) };
    let short = u8::try_from(short).unwrap();
    if kind < 8 {
        out.push(kind << 5 | short);
    } else {
        out.extend_from_slice(&[short, kind - 7]);
    }
    out.extend(more);
}
