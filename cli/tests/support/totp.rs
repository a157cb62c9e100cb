//! Codes of an authenticator app (RFC 6238 over RFC 4226), written apart from what the blocks use.

use std::time::{SystemTime, UNIX_EPOCH};

/// The seed of the examples' users, in base32.
pub const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// The code that the seed gives now. Steps are waited for that have less than two seconds to go.
pub fn code() -> String {
    let left = 30 - seconds() % 30;
    if left <= 2 {
        std::thread::sleep(std::time::Duration::from_secs(left));
    }
    code_of(SEED, 0)
}

/// The code that a seed in base32 gives so many steps from now.
pub fn code_of(seed: &str, later: u64) -> String {
    at(seed, seconds() / 30 + later)
}

/// The code that comes after the one of so many steps from when this was called first: waits for the step to end.
pub fn code_after(seed: &str, later: u64) -> String {
    let step = seconds() / 30;
    while seconds() / 30 == step {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    code_of(seed, later)
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn at(seed: &str, step: u64) -> String {
    let hash = hmac(&base32(seed), &step.to_be_bytes());
    let offset = usize::from(hash[19] & 15);
    let number = u32::from_be_bytes(hash[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// RFC 4648, section 6, without padding.
pub fn base32(text: &str) -> Vec<u8> {
    let mut bits = 0_u64;
    let mut count = 0;
    let mut bytes = Vec::new();
    for letter in text.bytes() {
        let value = if letter.is_ascii_uppercase() { letter - b'A' } else { letter - b'2' + 26 };
        (bits, count) = (bits << 5 | u64::from(value), count + 5);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 255) as u8);
        }
    }
    bytes
}

/// RFC 2104 with SHA-1.
fn hmac(key: &[u8], text: &[u8]) -> [u8; 20] {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let inner: Vec<u8> = block.iter().map(|byte| byte ^ 0x36).chain(text.iter().copied()).collect();
    let outer: Vec<u8> = block.iter().map(|byte| byte ^ 0x5c).chain(sha1(&inner)).collect();
    sha1(&outer)
}

/// FIPS 180-4, section 6.1.
fn sha1(text: &[u8]) -> [u8; 20] {
    let mut padded = text.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((text.len() as u64 * 8).to_be_bytes());
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded.chunks(64) {
        let mut words: Vec<u32> = block.chunks(4).map(|four| u32::from_be_bytes(four.try_into().unwrap())).collect();
        for at in 16..80 {
            words.push((words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (round, word) in words.iter().enumerate() {
            let (mixed, constant) = match round / 20 {
                0 => (b & c | !b & d, 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => (b & c | b & d | c & d, 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next = a.rotate_left(5).wrapping_add(mixed).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (old, new) in state.iter_mut().zip([a, b, c, d, e]) {
            *old = old.wrapping_add(new);
        }
    }
    let mut hash = [0; 20];
    for (at, word) in state.iter().enumerate() {
        hash[at * 4..at * 4 + 4].copy_from_slice(&word.to_be_bytes());
    }
    hash
}

#[test]
fn sha_1_of_abc() {
    assert_eq!(sha1(b"abc")[..4], [0xa9, 0x99, 0x3e, 0x36]);
}
