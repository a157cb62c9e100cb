//! Identifiers: how what users type is made equal, and what may become one.
//!
//! Two texts are one identifier where their normal forms are equal: NFKC, then lower case, of a domain its ASCII form
//! (RFC 5891), of a phone number its digits. That follows UsernameCaseMapped of PRECIS (RFC 8265 section 3.3) with
//! compatibility forms mapped, not refused, since identifiers are typed into fields that keyboards fill as they like.
//! What looks like another name is refused where a user is made or renamed, not where one is looked up: letters outside
//! the identifier profile of UTS 39 and letters of scripts that are not written together.

use unicode_normalization::UnicodeNormalization;
use unicode_security::{GeneralSecurityProfile, MixedScript};

/// Longest identifier in bytes: 320, an e-mail address of 64 + 1 + 255 octets (RFC 5321 section 4.5.3.1).
const LONGEST: usize = 320;

/// Kind and normal form of what a user typed: with `@` an e-mail address, with a leading `+` a phone number, else a user
/// name. What is longer than an identifier can be is cut off first, so that it costs nothing and is nobody's.
pub fn normalise_identifier(text: &str) -> (&'static str, String) {
    let end = text.char_indices().map(|(at, _)| at).find(|at| *at > 4 * LONGEST).unwrap_or(text.len());
    let text: String = text.get(..end).unwrap_or_default().nfkc().collect();
    let text = text.trim();
    if let Some((local, domain)) = text.rsplit_once('@') {
        let domain = idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_lowercase());
        ("email", format!("{}@{domain}", lower(local)))
    } else if let Some(rest) = text.strip_prefix('+') {
        let digits = rest.chars().filter(|each| !matches!(each, ' ' | '-' | '.' | '(' | ')'));
        ("phone", std::iter::once('+').chain(digits).collect())
    } else {
        ("username", lower(text))
    }
}

/// Why a text cannot become an identifier of this kind (`email`, `phone`, `username`); none where it can.
pub fn identifier_fault(kind: &str, value: &str) -> Option<String> {
    let (looks_like, normal) = normalise_identifier(value);
    if normal.is_empty() || normal.len() > LONGEST || value.len() > LONGEST {
        return Some(format!("`{kind}` must have 1 to {LONGEST} bytes"));
    }
    if value.chars().any(char::is_control) {
        return Some(format!("`{kind}` holds a control character"));
    }
    if looks_like != kind {
        return Some(match kind {
            "email" => format!("`{value}` is not an e-mail address"),
            "phone" => format!("`{value}` is not a phone number: write `+` and digits (E.164)"),
            _ => format!("`{value}` cannot be a user name: it must hold no `@` and not begin with `+`"),
        });
    }
    let well_formed = match kind {
        "email" => normal.rsplit_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.is_empty()
                && !local.contains('@')
                && !normal.contains(char::is_whitespace)
                && !is_deceptive(local)
        }),
        "phone" => (3..=16).contains(&normal.len()) && normal.bytes().skip(1).all(|byte| byte.is_ascii_digit()),
        _ => !is_deceptive(&normal),
    };
    (!well_formed).then(|| format!("`{value}` is not a valid `{kind}`"))
}

/// Letters that no identifier needs, or of scripts that are not written together (UTS 39 sections 3 and 5.1).
fn is_deceptive(normal: &str) -> bool {
    let refused = |letter: char| !letter.is_ascii() && !letter.identifier_allowed();
    normal.chars().any(refused) || !normal.is_single_script()
}

/// Lower case, and composed again: lowering can take apart what NFKC has composed.
fn lower(text: &str) -> String {
    text.to_lowercase().nfkc().collect()
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
            ("ａｌｉｃｅ＠ｅｘａｍｐｌｅ．ｃｏｍ", "email", "alice@example.com"),
            ("jose\u{301}", "username", "jos\u{e9}"),
            ("post@b\u{fc}cher.example", "email", "post@xn--bcher-kva.example"),
            ("\u{fb01}nn", "username", "finn"),
            ("\u{212a}elvin", "username", "kelvin"),
        ] {
            assert_eq!(normalise_identifier(typed), (kind, normal.to_owned()));
            assert_eq!(normalise_identifier(normal), (kind, normal.to_owned()), "a normal form is its own");
        }
    }

    #[test]
    fn identifiers_of_the_wrong_form_are_refused() {
        for (kind, value) in [
            ("email", "alice"),
            ("email", "@x"),
            ("email", "a@"),
            ("email", "a@b@c"),
            ("email", "a b@c"),
            ("phone", "5550100"),
            ("phone", "+12a"),
            ("phone", "+"),
            ("username", "a@b"),
            ("username", "+1"),
            ("username", ""),
            ("username", "a\u{1b}b"),
        ] {
            assert!(identifier_fault(kind, value).is_some(), "{kind} {value}");
        }
        for (kind, value) in [
            ("email", "a@b.example"),
            ("email", "j\u{f6}rg+news@x.example"),
            ("phone", "+91 20 5550100"),
            ("username", "alice.b"),
            ("username", "\u{0430}\u{043b}\u{0438}\u{0441}\u{0430}"),
        ] {
            assert_eq!(identifier_fault(kind, value), None);
        }
    }

    #[test]
    fn what_looks_like_another_name_is_refused() {
        for (what, value) in [
            ("a Cyrillic letter in a Latin name", "\u{0430}lice"),
            ("a Greek letter in a Latin name", "ali\u{03f2}e"),
            ("a mark that shows nothing", "al\u{200b}ice"),
            ("a turned direction", "ali\u{202e}ce"),
            ("a joiner", "ali\u{2060}ce"),
        ] {
            assert!(identifier_fault("username", value).is_some(), "{what}");
            assert!(identifier_fault("email", &format!("{value}@x.example")).is_some(), "{what}");
        }
    }

    #[test]
    fn what_is_far_too_long_is_nobodys_and_costs_nothing() {
        let (_, normal) = normalise_identifier(&"\u{fdfa}".repeat(1_000_000));
        assert!(normal.len() < 50_000);
    }
}
