//! What makes a new password acceptable: NIST SP 800-63B-4 section 3.1.1.2, with its defaults.
//!
//! A password is hashed and compared byte for byte as it was sent (ASVS 6.2.8): it is not trimmed, cut, folded or
//! normalised, so that what a user types is what is verified. Only the comparison with the lists folds case. Length counts
//! code points, each as one. There are no rules of composition unless a flow asks for them.

use std::collections::HashSet;
use std::sync::LazyLock;

use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Event};
use admit_runtime::host::{Host, Secret};
use zeroize::Zeroizing;

use crate::config::{event_text, invalid, text};
use crate::generated::shared::Class;

/// Least length, in code points, of a password that alone signs a user in.
pub const LEAST_ALONE: usize = 15;
/// Least length, in code points, of one that is only ever used with a second factor.
pub const LEAST_WITH_MFA: usize = 8;
/// Most, where a policy says nothing else. No policy may refuse 64.
pub const MOST: usize = 256;
/// Least score, where a policy says nothing else: 10^6 guesses.
pub const LEAST_SCORE: u8 = 2;

/// Code points that the estimate looks at: its time grows faster than the length.
const SCORED: usize = 64;
/// Words of the user's own that are compared, and the least length of one.
const MOST_PERSONAL: usize = 24;
const LEAST_PERSONAL: usize = 3;

static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("../data/common-passwords.txt").lines().collect());

/// What is asked of a new password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Least length in code points.
    pub min_length: usize,
    /// Most, in code points; at least 64.
    pub max_length: usize,
    /// Kinds of characters that must occur. None by default, as NIST asks.
    pub classes: Vec<Class>,
    /// Words refused besides the common passwords and the user's own, compared without regard to case.
    pub blocklist: Vec<String>,
    /// Least zxcvbn score, 0 to 4.
    pub min_score: u8,
}

/// Why a password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Fewer code points than the policy's least.
    TooShort,
    /// More than its most.
    TooLong,
    /// Not UTF-8.
    NotText,
    /// No character of a class that the policy asks for.
    Lacks(Class),
    /// One of the common passwords.
    Common,
    /// The user's e-mail address, name or the like, with nothing but digits and marks about it.
    Personal,
    /// A word of the policy's own list.
    Listed,
    /// Its score is below the least.
    Weak,
}

/// What [`check`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Why it is refused; none: it may be used.
    pub violations: Vec<Violation>,
    /// The zxcvbn score of its first 64 code points: 0 (guessed at once) to 4.
    pub score: u8,
}

impl Policy {
    /// The defaults: 15 code points at least, 8 where the password is only ever used with a second factor.
    pub fn new(with_mfa: bool) -> Self {
        let min_length = if with_mfa { LEAST_WITH_MFA } else { LEAST_ALONE };
        Self { min_length, max_length: MOST, classes: Vec::new(), blocklist: Vec::new(), min_score: LEAST_SCORE }
    }
}

impl Class {
    /// Digits are those of any script; a symbol is neither letter nor digit, a space too.
    fn holds(self, letter: char) -> bool {
        match self {
            Self::Lower => letter.is_lowercase(),
            Self::Upper => letter.is_uppercase(),
            Self::Digit => letter.is_numeric(),
            Self::Symbol => !letter.is_alphanumeric(),
        }
    }
}

impl Violation {
    /// Its word in `violations`.
    pub fn word(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::NotText => "not_text",
            Self::Lacks(Class::Lower) => "no_lower",
            Self::Lacks(Class::Upper) => "no_upper",
            Self::Lacks(Class::Digit) => "no_digit",
            Self::Lacks(Class::Symbol) => "no_symbol",
            Self::Common => "common",
            Self::Personal => "personal",
            Self::Listed => "listed",
            Self::Weak => "weak",
        }
    }

    /// Why, for the user (SP 800-63B-4 asks for it).
    pub fn reason(self, policy: &Policy) -> String {
        match self {
            Self::TooShort => format!("it has fewer than {} characters", policy.min_length),
            Self::TooLong => format!("it has more than {} characters", policy.max_length),
            Self::NotText => "it is not text".to_owned(),
            Self::Lacks(Class::Lower) => "it has no lower-case letter".to_owned(),
            Self::Lacks(Class::Upper) => "it has no upper-case letter".to_owned(),
            Self::Lacks(Class::Digit) => "it has no digit".to_owned(),
            Self::Lacks(Class::Symbol) => "it has only letters and digits".to_owned(),
            Self::Common => "it is one of the most common passwords".to_owned(),
            Self::Personal => "it is made of your name, your address or the name of this service".to_owned(),
            Self::Listed => "it is on the list of words that may not be used here".to_owned(),
            Self::Weak => "it is easy to guess".to_owned(),
        }
    }
}

/// Judges a password. `personal` holds words that the user or the service is known by ([`personal_words`]).
///
/// Takes milliseconds of CPU: call it off the async threads, as [`judge`] does.
pub fn check(password: &[u8], policy: &Policy, personal: &[String]) -> Verdict {
    let Ok(password) = std::str::from_utf8(password) else {
        return Verdict { violations: vec![Violation::NotText], score: 0 };
    };
    let mut violations = Vec::new();
    let length = password.chars().count();
    if length < policy.min_length {
        violations.push(Violation::TooShort);
    }
    if length > policy.max_length {
        violations.push(Violation::TooLong);
    }
    let lacking = policy.classes.iter().filter(|class| !password.chars().any(|letter| class.holds(letter)));
    violations.extend(lacking.map(|class| Violation::Lacks(*class)));

    let folded = Zeroizing::new(password.to_lowercase());
    if COMMON.contains(folded.as_str()) {
        violations.push(Violation::Common);
    }
    if personal.iter().any(|word| is_made_of(&folded, word)) {
        violations.push(Violation::Personal);
    }
    if policy.blocklist.iter().any(|word| word.to_lowercase() == *folded) {
        violations.push(Violation::Listed);
    }
    let score = score(password, personal);
    if score < policy.min_score {
        violations.push(Violation::Weak);
    }
    Verdict { violations, score }
}

/// [`check`] on a thread for CPU work.
///
/// # Errors
/// `overloaded`, or the host's own.
pub(crate) async fn judge(
    host: &dyn Host,
    password: &Secret,
    policy: &Policy,
    personal: Vec<String>,
) -> Result<Verdict, BlockError> {
    let password = Zeroizing::new(password.expose().to_vec());
    let ours = policy.clone();
    let job = move || {
        let verdict = check(&password, &ours, &personal);
        let words = verdict.violations.iter().map(|violation| text(violation.word())).collect();
        Datum::List(vec![Datum::Int(verdict.score.into()), Datum::List(words)])
    };
    // What crosses the threads is plain data; the words are turned back into what they stand for.
    let found = host.blocking(Box::new(job)).await?;
    let Datum::List(parts) = &found else { return Err(invalid("password", "judged")) };
    let [Datum::Int(score), Datum::List(words)] = parts.as_slice() else { return Err(invalid("password", "judged")) };
    let violations = words.iter().filter_map(Datum::as_str).filter_map(of_word).collect();
    Ok(Verdict { violations, score: u8::try_from(*score).unwrap_or(0) })
}

/// Words that the user and the service are known by: e-mail address, names, phone number, tenant and application.
pub(crate) fn personal_words(event: &dyn Event) -> Vec<String> {
    let paths = [
        "identifier",
        "user.email",
        "user.username",
        "user.name",
        "user.phone",
        "tenant.slug",
        "tenant.name",
        "client.name",
    ];
    let mut words = Vec::new();
    for known in paths.iter().filter_map(|path| event_text(event, path)) {
        let known = known.to_lowercase();
        let parts = known.split(|letter: char| !letter.is_alphanumeric()).map(str::to_owned);
        words.extend(parts.collect::<Vec<_>>());
        words.push(known);
    }
    words.retain(|word| word.chars().count() >= LEAST_PERSONAL);
    words.sort_unstable();
    words.dedup();
    words.truncate(MOST_PERSONAL);
    words
}

/// Whether a folded password is a word with nothing but digits and marks about it, or that word again and again.
fn is_made_of(folded: &str, word: &str) -> bool {
    let word = word.to_lowercase();
    if word.chars().count() < LEAST_PERSONAL {
        return false;
    }
    let core = folded.trim_matches(|letter: char| !letter.is_alphabetic());
    let bare = word.trim_matches(|letter: char| !letter.is_alphabetic());
    folded == word
        || (!bare.is_empty()
            && (core == bare || core.split(bare).all(|between| !between.contains(char::is_alphabetic))))
}

fn score(password: &str, personal: &[String]) -> u8 {
    let head: Zeroizing<String> = Zeroizing::new(password.chars().take(SCORED).collect());
    let words: Vec<&str> = personal.iter().map(String::as_str).collect();
    u8::from(zxcvbn::zxcvbn(&head, &words).score())
}

fn of_word(word: &str) -> Option<Violation> {
    let classes = [Class::Lower, Class::Upper, Class::Digit, Class::Symbol].map(Violation::Lacks);
    let others = [
        Violation::TooShort,
        Violation::TooLong,
        Violation::NotText,
        Violation::Common,
        Violation::Personal,
        Violation::Listed,
        Violation::Weak,
    ];
    classes.into_iter().chain(others).find(|violation| violation.word() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(password: &str, policy: &Policy, personal: &[&str]) -> String {
        let personal: Vec<String> = personal.iter().map(|word| (*word).to_owned()).collect();
        let verdict = check(password.as_bytes(), policy, &personal);
        verdict.violations.iter().map(|violation| violation.word()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_defaults_are_those_of_nist() {
        let alone = Policy::new(false);
        let with_mfa = Policy::new(true);
        for (password, expected) in [
            ("correct horse battery staple", ""),
            (
                "\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c} \u{441} \u{434}\u{43b}\u{438}\u{43d}\u{43d}\u{44b}\u{43c}",
                "",
            ),
            // 14 code points and 15, four bytes each.
            (
                "\u{1f40e}\u{1f50b}\u{1f4ce}\u{1f951}\u{1f9ea}\u{1f6a2}\u{1f3b7}\u{1f98a}\u{1f335}\u{1f9ca}\u{1f9e9}\u{1f4a1}\u{1f680}\u{1f308}",
                "too_short",
            ),
            (
                "\u{1f40e}\u{1f50b}\u{1f4ce}\u{1f951}\u{1f9ea}\u{1f6a2}\u{1f3b7}\u{1f98a}\u{1f335}\u{1f9ca}\u{1f9e9}\u{1f4a1}\u{1f680}\u{1f308}\u{1f9f2}",
                "",
            ),
            ("aaaaaaaaaaaaaaa", "weak"),
            ("", "too_short weak"),
        ] {
            assert_eq!(words(password, &alone, &[]), expected, "{password}");
        }
        assert_eq!(words("tr0ub4dor&3x", &with_mfa, &[]), "");
        assert_eq!(words("iloveyou2", &with_mfa, &[]), "common weak");
        assert_eq!(words("ILoveYou2", &with_mfa, &[]), "common weak", "case does not hide it");
        let long: String = "Ab3$ kqzv9!wm".chars().cycle().take(64).collect();
        assert_eq!(words(&long, &alone, &[]), "", "64 characters are always taken");
        let longest: String = long.chars().cycle().take(257).collect();
        assert_eq!(words(&longest, &alone, &[]), "too_long");
    }

    #[test]
    fn own_words_are_refused_alone_and_decorated_but_not_inside_a_phrase() {
        let policy = Policy { min_length: 8, min_score: 0, ..Policy::new(true) };
        let own = ["alice@cymmetri.com", "alice", "cymmetri"];
        for password in ["alice@cymmetri.com", "Cymmetri", "cymmetri2026!", "!!!CYMMETRI!!!", "alice-alice-alice"] {
            assert_eq!(words(password, &policy, &own), "personal", "{password}");
        }
        for password in ["malice aforethought", "alice in wonderland", "cymmetrically opposed"] {
            assert_eq!(words(password, &policy, &own), "", "{password}");
        }
    }

    #[test]
    fn a_flow_may_ask_for_more() {
        let policy = Policy {
            classes: vec![Class::Upper, Class::Digit, Class::Symbol],
            blocklist: vec!["Open Sesame Open Sesame".to_owned()],
            min_score: 0,
            ..Policy::new(false)
        };
        assert_eq!(words("open sesame open sesame", &policy, &[]), "no_upper no_digit listed");
        assert_eq!(words("OPENSESAME0123456789", &policy, &[]), "no_symbol");
        assert_eq!(check(&[0xff; 20], &policy, &[]).violations, [Violation::NotText]);
        assert_eq!(Violation::TooShort.reason(&policy), "it has fewer than 15 characters");
    }

    #[test]
    fn every_word_stands_for_one_violation_and_the_list_is_long_enough() {
        for class in [Class::Lower, Class::Upper, Class::Digit, Class::Symbol] {
            assert_eq!(of_word(Violation::Lacks(class).word()), Some(Violation::Lacks(class)));
        }
        for violation in [Violation::TooShort, Violation::Weak, Violation::Personal, Violation::Listed] {
            assert_eq!(of_word(violation.word()), Some(violation));
        }
        // ASVS 6.2.4 asks for the top 3,000 that fit the policy.
        assert!(COMMON.len() > 3_000 && COMMON.contains("password1"));
        assert!(COMMON.iter().all(|word| word.to_lowercase() == **word), "compared in lower case");
    }

    #[test]
    fn a_hostile_password_costs_no_more_than_its_first_characters() {
        // No bound on time here: the head alone is scored, so both have the same score.
        let head = "a1!".repeat(22);
        let long = format!("{head}{}", "a1!".repeat(100_000));
        let policy = Policy::new(false);
        assert_eq!(check(head.as_bytes(), &policy, &[]).score, check(long.as_bytes(), &policy, &[]).score);
    }
}
