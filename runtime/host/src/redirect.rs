//! Where an outcome may redirect to: the allowlist of `admit.toml`.

use url::Url;

/// Allowed addresses. An entry allows its own origin (scheme, host and port, all exactly), and there its own path and every
/// path below it: `https://app.example.com/beta` allows `/beta`, `/beta/` and `/beta/new`, not `/betamax`; an entry that
/// ends in `/` allows what is below it alone. Query and fragment are free. Paths are compared as a browser reads them, with
/// dot segments resolved.
#[derive(Clone, Debug, Default)]
pub struct Redirects(Vec<Url>);

impl Redirects {
    /// The entries of the allowlist: https URLs.
    ///
    /// # Errors
    /// An entry that is none, or names a user, a query or a fragment.
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let entry = |text: &str| {
            let wanted =
                || format!("`{text}` is not an address to redirect to: write an https URL, without `?` and `#`");
            let url = read(text).filter(|url| url.scheme() == "https").ok_or_else(wanted)?;
            if url.query().is_some() || url.fragment().is_some() { Err(wanted()) } else { Ok(url) }
        };
        entries.into_iter().map(entry).collect::<Result<_, _>>().map(Self)
    }

    /// Whether this is one of them, or below one.
    pub fn allow(&self, text: &str) -> bool {
        let Some(url) = read(text) else { return false };
        // An escaped separator is a path of its own here and another one behind some proxies.
        let path = url.path().to_ascii_lowercase();
        if path.contains("%2f") || path.contains("%5c") {
            return false;
        }
        self.0.iter().any(|entry| entry.origin() == url.origin() && is_below(entry.path(), url.path()))
    }
}

/// A URL that everybody reads alike; none for what browsers mend.
fn read(text: &str) -> Option<Url> {
    if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f || byte == b'\\') {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let named = !url.username().is_empty() || url.password().is_some() || !text.contains("://");
    (!named && url.has_host()).then_some(url)
}

fn is_below(entry: &str, path: &str) -> bool {
    match path.strip_prefix(entry) {
        Some(rest) => rest.is_empty() || entry.ends_with('/') || rest.starts_with('/'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Redirects;

    #[test]
    fn an_entry_allows_its_origin_and_what_is_below_its_path() {
        let allowed =
            Redirects::new(["https://app.example.com/beta", "https://beta.example.com", "https://x.example.com/a/"]);
        let allowed = allowed.unwrap();
        for url in [
            "https://app.example.com/beta",
            "https://app.example.com/beta/",
            "https://app.example.com/beta/new?x=1#y",
            "https://APP.example.com:443/beta",
            "https://beta.example.com",
            "https://beta.example.com/anything",
            "https://x.example.com/a/b",
        ] {
            assert!(allowed.allow(url), "{url}");
        }
        for url in [
            "https://app.example.com/betamax",
            "https://app.example.com/",
            "https://app.example.com/beta/../admin",
            "https://app.example.com/beta/%2e%2e/admin",
            "https://app.example.com/beta%2fadmin",
            "https://app.example.com/beta/..%2fadmin",
            "http://app.example.com/beta",
            "https://app.example.com:8443/beta",
            "https://app.example.com.evil.example/beta",
            "https://evil.example/https://app.example.com/beta",
            "https://user@beta.example.com/",
            "https://beta.example.com@evil.example/",
            "https:\\\\beta.example.com/",
            "https:/beta.example.com/",
            "https:beta.example.com/",
            "//beta.example.com/",
            "/beta",
            " https://beta.example.com/",
            "https://beta.example.com/\n",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://x.example.com/a",
            "",
        ] {
            assert!(!allowed.allow(url), "{url}");
        }
    }

    #[test]
    fn entries_that_are_no_plain_https_urls_are_refused() {
        for entry in ["http://a.example.com", "https://", "https://a.example.com/?x", "https://u@a.example.com/", "x"] {
            assert!(Redirects::new([entry]).is_err(), "{entry}");
        }
    }
}
