//! Identifiers: how what users type is made equal.

/// Kind and normal form of what a user typed: with `@` an e-mail address (lower case), with a leading `+` a phone
/// number (digits only), else a user name (lower case).
pub fn normalise_identifier(text: &str) -> (&'static str, String) {
    let text = text.trim();
    if text.contains('@') {
        ("email", text.to_lowercase())
    } else if let Some(rest) = text.strip_prefix('+') {
        let digits = rest.chars().filter(|each| !matches!(each, ' ' | '-' | '.' | '(' | ')'));
        ("phone", std::iter::once('+').chain(digits).collect())
    } else {
        ("username", text.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_made_equal() {
        for (typed, kind, normal) in [
            (" Alice@Example.COM ", "email", "alice@example.com"),
            ("+91 (20) 555-0100", "phone", "+91205550100"),
            ("Alice", "username", "alice"),
        ] {
            assert_eq!(normalise_identifier(typed), (kind, normal.to_owned()));
        }
    }
}
