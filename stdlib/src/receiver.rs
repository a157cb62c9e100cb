//! Addresses of receivers: the part of RFC 5321 that mail servers take, and E.164 numbers. What passes can stand in a header
//! field and in an SMTP command without more.

/// Longest mail address, in bytes (RFC 5321 section 4.5.3.1.3, erratum 1690).
const LONGEST: usize = 254;

/// The address with its domain in lower case and in ASCII (RFC 5891); none where it is none. Quoted local parts and address
/// literals are not taken: no mailbox of a user has them, and much software reads them wrongly.
pub(crate) fn mail(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let domain = self::domain(domain)?;
    let whole = format!("{local}@{domain}");
    (is_local(local) && whole.len() <= LONGEST).then_some(whole)
}

/// `atom.atom` of RFC 5321 section 4.1.2, at most 64 bytes; beyond ASCII (RFC 6531) letters, marks and digits only.
fn is_local(local: &str) -> bool {
    let fits = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        letter if letter.is_ascii() => "!#$%&'*+-/=?^_`{|}~".contains(letter),
        letter => letter.is_alphanumeric(),
    };
    local.len() <= 64 && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(fits))
}

/// The domain in ASCII: two labels or more, or `localhost`.
pub(crate) fn domain(domain: &str) -> Option<String> {
    // Letters that IDNA would map away (a full-width full stop, a soft hyphen) are refused, not mapped: what is shown must
    // be where the mail goes.
    if !domain.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '-') || is_mark(letter)) {
        return None;
    }
    let ascii = idna::domain_to_ascii_strict(domain).ok()?;
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let labels: Vec<&str> = ascii.split('.').collect();
    let last_is_name = labels.last().is_some_and(|label| !label.bytes().all(|byte| byte.is_ascii_digit()));
    let whole = labels.iter().all(|label| is_label(label)) && last_is_name && ascii.len() <= 253;
    (whole && (labels.len() > 1 || ascii == "localhost")).then_some(ascii)
}

/// Marks that scripts need inside words and that `char::is_alphanumeric` does not count (Indic vowel signs and viramas).
fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{900}'..='\u{DFF}' | '\u{E00}'..='\u{EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}')
}

/// A number in E.164: `+` and 8 to 15 digits, the first not 0. Spaces, dots, dashes and brackets between digits are left out.
pub(crate) fn phone(text: &str) -> Option<String> {
    let mut letters = text.trim().chars();
    if letters.next() != Some('+') {
        return None;
    }
    let mut number = "+".to_owned();
    for letter in letters {
        match letter {
            '0'..='9' => number.push(letter),
            ' ' | '-' | '.' | '(' | ')' => {}
            _ => return None,
        }
    }
    ((9..=16).contains(&number.len()) && !number.starts_with("+0")).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t28_only_an_address_passes() {
        for (given, taken) in [
            ("alice@example.com", "alice@example.com"),
            ("  Alice.Smith+tag@EXAMPLE.com ", "Alice.Smith+tag@example.com"),
            ("o'neil@sub.example.co.uk", "o'neil@sub.example.co.uk"),
            ("pelé@bücher.example", "pelé@xn--bcher-kva.example"),
            ("a@localhost", "a@localhost"),
        ] {
            assert_eq!(mail(given).as_deref(), Some(taken), "{given}");
        }
        for refused in [
            "",
            "@",
            "alice",
            "alice@",
            "@example.com",
            "a b@example.com",
            "a@b@example.com",
            "a..b@example.com",
            ".a@example.com",
            "\"a b\"@example.com",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@example",
            "a@-example.com",
            "a@exa_mple.com",
            "a@example.com\r\nBcc: b@example.com",
            "a\r\n@example.com",
            "a@example.com, b@example.com",
            "<a@example.com>",
            "a@example.com>",
            "a\u{0}@example.com",
            "a@exam\u{AD}ple.com",
            "a@example\u{3002}com",
            "a@ex\u{FF0E}ample.com",
            "a\u{202E}b@example.com",
            "a\u{2028}b@example.com",
        ] {
            assert_eq!(mail(refused), None, "{refused:?}");
        }
        assert_eq!(mail(&format!("{}@example.com", "a".repeat(65))), None);
        assert_eq!(mail(&format!("a@{}.com", "a".repeat(250))), None);
    }

    #[test]
    fn only_a_number_passes() {
        assert_eq!(phone("+49 (30) 123-45.67").as_deref(), Some("+49301234567"));
        for refused in [
            "",
            "+",
            "49301234567",
            "+0301234567",
            "+1234567",
            "+1234567890123456",
            "+49\r\n301234567",
            "+49x301234567",
            "+４９301234567",
        ] {
            assert_eq!(phone(refused), None, "{refused:?}");
        }
    }
}
