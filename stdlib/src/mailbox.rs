//! Mailboxes: what an e-mail address says of its owner. The grammar is that of `receiver`.

use std::sync::LazyLock;

use crate::receiver;

/// Domains of throw-away mail, sorted by bytes.
static DISPOSABLE: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("../data/disposable-domains.txt").lines().collect());

/// Mailboxes of functions, not of people: RFC 2142, and what else is usual. Sorted.
const ROLES: [&str; 41] = [
    "abuse",
    "accounting",
    "accounts",
    "admin",
    "administrator",
    "billing",
    "careers",
    "contact",
    "customerservice",
    "dns",
    "finance",
    "ftp",
    "help",
    "helpdesk",
    "hostmaster",
    "hr",
    "info",
    "inoc",
    "it",
    "jobs",
    "mailer-daemon",
    "marketing",
    "news",
    "no-reply",
    "noc",
    "noreply",
    "office",
    "postmaster",
    "press",
    "privacy",
    "registrar",
    "root",
    "sales",
    "security",
    "support",
    "sysadmin",
    "team",
    "usenet",
    "uucp",
    "webmaster",
    "www",
];

/// An address that is well-formed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mailbox {
    local: String,
    domain: String,
}

impl Mailbox {
    /// Reads an address as it was typed; spaces around it are no part of it. None where it is none, or is one of this
    /// machine.
    pub fn parse(typed: &str) -> Option<Self> {
        let address = receiver::mail(typed)?;
        let (local, domain) = address.rsplit_once('@')?;
        domain.contains('.').then(|| Self { local: local.to_owned(), domain: domain.to_owned() })
    }

    /// The part before the `@`, as it was typed: only its host may fold it (RFC 5321 section 2.4).
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The domain in lower case, other scripts as A-labels (`xn--...`).
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The domain that its owner registered, by the public suffix list: `example.co.uk` of `mail.example.co.uk`. None
    /// where it ends in no public suffix that is known, or is one.
    pub fn registrable(&self) -> Option<&str> {
        let suffix = psl::suffix(self.domain.as_bytes())?;
        suffix.is_known().then(|| psl::domain_str(&self.domain)).flatten()
    }

    /// Whether the domain is one of throw-away mail: it, or a domain above it down to the one that was registered.
    pub fn is_disposable(&self) -> bool {
        let last = self.registrable().unwrap_or(&self.domain).len();
        let mut rest = self.domain.as_str();
        loop {
            if DISPOSABLE.binary_search(&rest).is_ok() {
                return true;
            }
            match rest.split_once('.') {
                Some((_, above)) if above.len() >= last => rest = above,
                Some(_) | None => return false,
            }
        }
    }

    /// Whether it is the mailbox of a function: `postmaster`, `sales`. What follows a `+` does not count.
    pub fn is_role(&self) -> bool {
        let name = self.local.split('+').next().unwrap_or_default().to_lowercase();
        ROLES.binary_search(&name.as_str()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_mailboxes() {
        assert_eq!(Mailbox::parse(" a.b@Mail.Example.com ").map(|it| it.domain), Some("mail.example.com".to_owned()));
        let huge = format!("a@{}example.com", "b.".repeat(200_000));
        for typed in ["", "alice", "a@localhost", "a@127.0.0.1", "a b@example.com", "a@x.com\r\n@y.com", huge.as_str()]
        {
            assert_eq!(Mailbox::parse(typed), None, "{typed}");
        }
    }

    #[test]
    fn the_registrable_domain_follows_the_public_suffix_list() {
        let of = |domain: &str| Mailbox::parse(&format!("a@{domain}")).unwrap().registrable().map(str::to_owned);
        for (domain, registrable) in [
            ("example.com", Some("example.com")),
            ("mail.example.com", Some("example.com")),
            ("a.b.example.co.uk", Some("example.co.uk")),
            ("co.uk", None),
            ("example.invalid", None),
            ("x.github.io", Some("x.github.io")),
            ("\u{43f}\u{43e}\u{447}\u{442}\u{430}.\u{440}\u{444}", Some("xn--80a1acny.xn--p1ai")),
        ] {
            assert_eq!(of(domain).as_deref(), registrable, "{domain}");
        }
    }

    #[test]
    fn throw_away_domains_and_roles_are_known_also_below_and_tagged() {
        let read = |typed: &str| Mailbox::parse(typed).unwrap();
        for disposable in ["a@mailinator.com", "a@x.y.mailinator.com", "a@MAILINATOR.com", "a@yopmail.com"] {
            assert!(read(disposable).is_disposable(), "{disposable}");
        }
        for lasting in ["a@gmail.com", "a@protonmail.com", "a@mailinator.com.example.org"] {
            assert!(!read(lasting).is_disposable(), "{lasting}");
        }
        for role in ["postmaster@x.com", "Admin@x.com", "sales+eu@x.com", "no-reply@x.com"] {
            assert!(read(role).is_role(), "{role}");
        }
        assert!(!read("salesman@x.com").is_role());
        assert!(ROLES.is_sorted());
        assert!(DISPOSABLE.is_sorted() && DISPOSABLE.len() > 5_000);
    }
}
