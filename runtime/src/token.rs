//! Ids and resume tokens. A token is 256 bits from the CSPRNG in base64url without padding (RFC 4648 section 5);
//! only its SHA-256 is ever stored.

use admit_eval::value::Instant;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use smol_str::SmolStr;

use crate::host::Host;

/// A new token and its hash.
pub(crate) fn new(host: &dyn Host) -> (String, [u8; 32]) {
    let mut bytes = [0; 32];
    host.random(&mut bytes);
    (URL_SAFE_NO_PAD.encode(bytes), Sha256::digest(bytes).into())
}

/// The hash of a token as the caller gave it; none if it can be no token.
pub(crate) fn hash(token: &str) -> Option<[u8; 32]> {
    let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
    Some(Sha256::digest(bytes).into())
}

/// The id of a run: milliseconds since the epoch and 80 random bits, as 32 hexadecimal digits, so that ids sort by
/// time.
pub(crate) fn run_id(host: &dyn Host, now: Instant) -> SmolStr {
    let mut bytes = [0; 16];
    host.random(&mut bytes);
    let millis = now.seconds.wrapping_mul(1000).wrapping_add(i64::from(now.nanos / 1_000_000));
    for (to, from) in bytes.iter_mut().zip(millis.to_be_bytes().into_iter().skip(2)) {
        *to = from;
    }
    prefixed("run_", &bytes)
}

/// The id of an error: names it, and says nothing of it.
pub(crate) fn error_id(host: &dyn Host) -> SmolStr {
    let mut bytes = [0; 8];
    host.random(&mut bytes);
    prefixed("err_", &bytes)
}

fn prefixed(prefix: &str, bytes: &[u8]) -> SmolStr {
    let mut text = String::with_capacity(prefix.len() + 2 * bytes.len());
    text.push_str(prefix);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 0x0F] {
            text.push(char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }));
        }
    }
    text.into()
}
