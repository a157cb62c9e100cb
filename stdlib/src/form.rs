//! `application/x-www-form-urlencoded` (WHATWG URL section 5.2), for queries and bodies alike.

use std::fmt::Write as _;

/// One name or value.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            // Writing to a string does not fail.
            other => drop(write!(out, "%{other:02X}")),
        }
    }
    out
}

/// Pairs.
pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::form;

    #[test]
    fn everything_but_unreserved_characters_is_encoded() {
        assert_eq!(form(&[("a b", "c&d=e"), ("ü", "~._-%")]), "a%20b=c%26d%3De&%C3%BC=~._-%25");
    }
}
