//! Breached passwords: the offline set, or ranges of the form of Have I Been Pwned.
//!
//! The password never leaves, nor its hash: of the 40 hex digits of its SHA-1 five are sent, and the answer holds every
//! hash that begins so, padded to a length that says nothing (k-anonymity). SHA-1 is what the format asks for; nothing
//! rests on its strength.

use std::fmt::Write as _;

use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call};
use admit_runtime::host::{HttpRequest, Secret};
use ring::digest;

use crate::config::text;

/// Hex digits that are sent.
const SENT: usize = 5;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sightings {
    /// How often the password was seen in breaches.
    pub count: u64,
    /// Lines of the answer that could not be read.
    pub skipped: u64,
}

/// How often a password was seen in breaches.
///
/// # Errors
/// `unavailable`: neither the set nor the service could say.
pub(crate) async fn sightings(call: &Call<'_>, password: &Secret) -> Result<Sightings, BlockError> {
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.expose());
    let feeds = call.host.feeds();
    if let Ok(hash) = <[u8; 20]>::try_from(hash.as_ref())
        && let Some(count) = offline(call, hash).await?
    {
        return Ok(Sightings { count, skipped: 0 });
    }
    let digits = hex(hash.as_ref());
    let (sent, kept) = digits.split_at_checked(SENT).unwrap_or_default();
    let request = HttpRequest {
        method: "GET",
        url: format!("{}/{sent}", feeds.breached_ranges()),
        headers: vec![("add-padding".to_owned(), "true".to_owned())],
        body: None,
        timeout: call.time_left,
        hosts: None,
    };
    let answer = call.host.http(call.tenant, request).await.map_err(|error| unavailable(error.to_string()))?;
    if answer.status != 200 {
        return Err(unavailable(format!("the service answered with status {}", answer.status)));
    }
    read(&answer.body, kept)
}

/// The offline set's answer; none where there is no set.
async fn offline(call: &Call<'_>, hash: [u8; 20]) -> Result<Option<u64>, BlockError> {
    let feeds = call.host.feeds();
    let job = move || match feeds.breached(&hash) {
        None => Datum::Null,
        Some(Ok(count)) => Datum::Int(i64::try_from(count).unwrap_or(i64::MAX)),
        Some(Err(error)) => text(error.0),
    };
    match call.host.blocking(Box::new(job)).await? {
        Datum::Int(count) => Ok(u64::try_from(count).ok()),
        Datum::Str(why) => Err(unavailable(why.to_string())),
        _ => Ok(None),
    }
}

/// Looks for a suffix among lines `SUFFIX:COUNT`. Lines of another form are skipped and counted; an answer that holds no
/// line of this form is none.
fn read(body: &[u8], wanted: &str) -> Result<Sightings, BlockError> {
    let (mut count, mut good, mut skipped) = (0, 0_u64, 0);
    for line in body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        match line_of(line, wanted.len()) {
            Some((suffix, times)) => {
                good += 1;
                if suffix.eq_ignore_ascii_case(wanted) {
                    count = count.max(times);
                }
            }
            None => skipped += 1,
        }
    }
    if good == 0 {
        return Err(unavailable(format!("the service answered with no line that can be read, and {skipped} others")));
    }
    Ok(Sightings { count, skipped })
}

fn line_of(line: &[u8], length: usize) -> Option<(&str, u64)> {
    let (suffix, count) = std::str::from_utf8(line).ok()?.split_once(':')?;
    let is_suffix = suffix.len() == length && suffix.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_count = (1..=12).contains(&count.len()) && count.bytes().all(|byte| byte.is_ascii_digit());
    if is_suffix && is_count { Some((suffix, count.parse().ok()?)) } else { None }
}

fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02X}");
    }
    digits
}

fn unavailable(detail: String) -> BlockError {
    BlockError::Named { name: "unavailable", detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";

    #[test]
    fn lines_are_read_strictly_and_broken_ones_skipped() {
        let other = "0".repeat(35);
        for (body, expected) in [
            (format!("{other}:3\r\n{WANTED}:3861493\r\n"), Ok((3_861_493, 0))),
            (format!("{other}:0\n{}:7", WANTED.to_lowercase()), Ok((7, 0))),
            (format!("{other}:1\n{WANTED}:0\n"), Ok((0, 0))),
            (format!("{other}:1\n{WANTED}\n{WANTED}:\n{WANTED}:-1\n{WANTED}:1e9\n{WANTED}0:5\n:9\n"), Ok((0, 6))),
            (format!("{other}:1\n{WANTED}:99999999999999999999\n\u{0}\n"), Ok((0, 2))),
            (String::new(), Err(())),
            ("<html>blocked</html>".to_owned(), Err(())),
        ] {
            let found = read(body.as_bytes(), WANTED).map(|found| (found.count, found.skipped)).map_err(|_| ());
            assert_eq!(found, expected, "{body}");
        }
        assert!(read(&[0xff; 64], WANTED).is_err());
    }

    #[test]
    fn the_hash_is_that_of_the_format() {
        let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, b"password");
        assert_eq!(hex(hash.as_ref()), format!("5BAA6{WANTED}"));
    }
}
