//! Reading imports: one user a line, all or none, every faulty line named.

use std::collections::HashMap;

use admit_runtime::identifier::{identifier_fault, normalise_identifier};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::profile::{NewUser, identifiers};

/// How hashes begin that a password can be verified against. The store looks no further: [`Passwords::fault`] does.
const HASHES: [&str; 5] = ["$argon2id$", "$scrypt$", "$2a$", "$2b$", "$2y$"];

/// What the caller knows of passwords; the store itself hashes none.
pub struct Passwords<'a> {
    /// Makes a PHC string.
    pub hash: &'a dyn Fn(&[u8]) -> Result<String, String>,
    /// What is wrong with a PHC string.
    pub fault: &'a dyn Fn(&str) -> Option<String>,
}

/// A fault in a line of an import.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {message}")]
pub struct LineError {
    /// 1-based.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// Reads an import: one JSON object a line (see [`NewUser`]), empty lines skipped. Passwords are hashed, which takes its
/// time.
///
/// # Errors
/// All faults, in order.
pub fn parse_users(text: &str, passwords: &Passwords<'_>) -> Result<Vec<(usize, NewUser)>, Vec<LineError>> {
    let mut users = Vec::new();
    let mut faults = Vec::new();
    let mut seen: HashMap<(&'static str, String), usize> = HashMap::new();
    for (index, text) in text.lines().enumerate() {
        let line = index + 1;
        if text.trim().is_empty() {
            continue;
        }
        let mut user: NewUser = match serde_json::from_str(text) {
            Ok(user) => user,
            Err(error) => {
                faults.push(LineError { line, message: json_fault(&error) });
                continue;
            }
        };
        if let Err(message) = take_password(&mut user, passwords) {
            faults.push(LineError { line, message });
        } else if let Some(message) = user_fault(&user) {
            faults.push(LineError { line, message });
        }
        for (_, value) in identifiers(&user.profile()) {
            if let Some(earlier) = seen.insert(normalise_identifier(value), line) {
                faults.push(LineError { line, message: format!("`{value}` is on line {earlier} already") });
            }
        }
        users.push((line, user));
    }
    if faults.is_empty() { Ok(users) } else { Err(faults) }
}

/// Puts the hash in the place of the password.
fn take_password(user: &mut NewUser, passwords: &Passwords<'_>) -> Result<(), String> {
    let hash = user.password.take().map(|password| (passwords.hash)(password.as_bytes()));
    match (hash, &user.password_hash) {
        (Some(_), Some(_)) => Err("write `password` or `password_hash`, not both".to_owned()),
        (Some(hash), None) => {
            user.password_hash = Some(hash?.into());
            Ok(())
        }
        (None, Some(hash)) => (passwords.fault)(hash).map_or(Ok(()), Err),
        (None, None) => Ok(()),
    }
}

/// The parser's message without its line, which is always 1, and without values, which may be secret.
fn json_fault(error: &serde_json::Error) -> String {
    if error.is_syntax() || error.is_eof() {
        return format!("the line is not JSON (column {})", error.column());
    }
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let text = if text.starts_with("invalid type") || text.starts_with("invalid value") {
        text.rsplit_once("expected ").map_or("a value is of the wrong type".to_owned(), |(_, wanted)| {
            format!("a value is of the wrong type: expected {wanted}")
        })
    } else {
        text.to_owned()
    };
    format!("{text} (column {})", error.column())
}

/// What is wrong with a user, but for identifiers that are taken.
pub(crate) fn user_fault(user: &NewUser) -> Option<String> {
    let profile = user.profile();
    let named = identifiers(&profile);
    if named.is_empty() {
        return Some("a user needs an `email`, `phone` or `username`".to_owned());
    }
    if let Some(id) = &user.id {
        let ok = id.strip_prefix("usr_").is_some_and(|rest| {
            !rest.is_empty()
                && rest.len() <= 60
                && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        if !ok {
            return Some(format!("`{id}` is not a user id: `usr_`, then letters, digits and `_`"));
        }
    }
    if user.password.is_some() {
        return Some("a password must be hashed before it is stored".to_owned());
    }
    if let Some(hash) = &user.password_hash
        && !HASHES.iter().any(|kind| hash.starts_with(kind))
    {
        return Some(
            "`password_hash` must be Argon2id, scrypt (PHC strings) or bcrypt (`$2a$`, `$2b$`, `$2y$`)".to_owned(),
        );
    }
    for (name, seed) in [("totp_secret", &user.totp_secret), ("hotp_secret", &user.hotp_secret)] {
        match seed.as_deref().map(decode_base32) {
            None => {}
            Some(Some(seed)) if (16..=128).contains(&seed.len()) => {}
            Some(Some(_)) => return Some(format!("`{name}` must have 16 to 128 bytes (RFC 4226 section 4, R6)")),
            Some(None) => return Some(format!("`{name}` is not base32 (RFC 4648 section 6)")),
        }
    }
    if let Some(fault) = form_fault(user) {
        return Some(fault.to_owned());
    }
    named.into_iter().find_map(|(kind, value)| identifier_fault(kind, value))
}

/// What is wrong with how one-time codes are made.
fn form_fault(user: &NewUser) -> Option<&'static str> {
    let is = |value: Option<i64>, low: i64, high: i64| value.is_none_or(|value| (low..=high).contains(&value));
    if !matches!(user.totp_hash.as_deref(), None | Some("SHA1" | "SHA256" | "SHA512")) {
        return Some("`totp_hash` must be `SHA1`, `SHA256` or `SHA512`");
    }
    if !is(user.totp_digits, 6, 8) || !is(user.hotp_digits, 6, 8) {
        return Some("`totp_digits` and `hotp_digits` must be 6 to 8");
    }
    if !is(user.totp_step, 15, 120) {
        return Some("`totp_step` must be 15 to 120 seconds");
    }
    (user.hotp_counter < 0).then_some("`hotp_counter` must not be negative")
}

/// RFC 4648 section 6: upper or lower case, spaces between groups and padding allowed.
pub(crate) fn decode_base32(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for each in text.trim_end_matches('=').bytes().filter(|byte| *byte != b' ') {
        let value = match each {
            b'A'..=b'Z' => each - b'A',
            b'a'..=b'z' => each - b'a',
            b'2'..=b'7' => each - b'2' + 26,
            _ => return None,
        };
        buffer = (buffer << 5) | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((buffer >> bits) & 0xff).ok()?);
            buffer &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}
