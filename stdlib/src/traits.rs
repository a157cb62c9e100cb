//! What blocks that write users share: the form of identifiers, names and metadata.

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_runtime::identifier::{identifier_fault, normalise_identifier};

/// Largest `app_metadata` and `user_metadata` of a user, as JSON in bytes: as the store takes them.
const LARGEST: usize = 64 * 1024;
/// Longest name, in characters.
const LONGEST_NAME: usize = 300;

/// An identifier of this kind as it is stored.
///
/// # Errors
/// What is wrong with it, without the value, which is personal.
pub(crate) fn identifier(kind: &str, value: &str) -> Result<String, String> {
    let value = value.trim();
    let wrong = || format!("the {kind} is not one that can be used");
    if identifier_fault(kind, value).is_some() {
        return Err(wrong());
    }
    match kind {
        "email" => crate::receiver::mail(value).ok_or_else(wrong),
        "phone" => crate::receiver::phone(value).ok_or_else(wrong),
        _ => Ok(normal_or(value)),
    }
}

/// A name that people read: bounded, and nothing in it that shows nothing or turns what stands beside it.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_name(name: Option<&str>) -> Result<(), String> {
    let Some(name) = name else { return Ok(()) };
    let hidden = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
    };
    if name.chars().count() > LONGEST_NAME {
        return Err(format!("the name is longer than {LONGEST_NAME} characters"));
    }
    if name.chars().any(hidden) { Err("the name holds what nobody sees".to_owned()) } else { Ok(()) }
}

/// # Errors
/// If it is larger than the store takes.
pub(crate) fn check_metadata(metadata: &Datum) -> Result<(), String> {
    let size = json::to_json(metadata).to_string().len();
    if size > LARGEST { Err(format!("metadata is larger than {LARGEST} bytes")) } else { Ok(()) }
}

/// A user name keeps the case that it is written in; compatibility forms are mapped.
fn normal_or(value: &str) -> String {
    let (_, normal) = normalise_identifier(value);
    if value.to_lowercase() == normal { value.to_owned() } else { normal }
}
