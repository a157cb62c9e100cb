//! User agents: what the rules of uap-core say of one. The rules are read when they are first needed or [`warm`]ed, which takes a
//! tenth of a second.

use std::sync::LazyLock;

use ua_parser::{Extractor, Regexes};

/// Bytes of a user agent that are looked at.
const LONGEST: usize = 1_024;

/// Families of uap-core that are libraries and tools, not browsers. Sorted, in lower case.
const LIBRARIES: [&str; 32] = [
    "aiohttp",
    "akka-http",
    "apache-httpclient",
    "axios",
    "boto3",
    "bun",
    "curl",
    "deno",
    "exchangewebservices",
    "faraday",
    "go-http-client",
    "google-http-java-client",
    "got",
    "guzzlehttp",
    "http_request",
    "httpie",
    "httpx",
    "insomnia",
    "java",
    "jersey",
    "libcurl",
    "libwww-perl",
    "lwp-trivial",
    "node-fetch",
    "nodejs",
    "okhttp",
    "postman",
    "python requests",
    "python-requests",
    "python-urllib",
    "requests",
    "wget",
];

static RULES: LazyLock<Option<Extractor<'static>>> = LazyLock::new(|| {
    let rules: Regexes<'static> = serde_json::from_str(include_str!("../data/user-agents.json")).ok()?;
    Extractor::try_from(rules).ok()
});

/// What a user agent says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// Browser, tool or crawler: `Firefox`.
    pub browser: Option<String>,
    /// Operating system: `Windows`.
    pub os: Option<String>,
    /// `desktop`, `mobile`, `tablet`; none where it does not say.
    pub device: Option<&'static str>,
    /// It says that it is no person's browser.
    pub machine: Option<Machine>,
}

/// What is no person's browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// Indexes, previews or monitors sites.
    Crawler,
    /// A library or tool that scripts use.
    Library,
    /// A browser that nobody looks at.
    Headless,
}

/// Reads the rules, if nobody has yet: for who would rather wait now.
pub fn warm() {
    LazyLock::force(&RULES);
}

/// Reads a user agent; of a longer one than 1 KiB the head. Takes up to a millisecond, the first time a tenth of a second:
/// call it off the async threads.
pub fn describe(user_agent: &str) -> Agent {
    let text = head(user_agent);
    let Some(rules) = RULES.as_ref() else { return Agent::default() };
    let (browser, os, device) = rules.extract(text);
    let named = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty() && name != "Other");
    let family = browser.as_ref().map(|found| found.family.as_ref()).unwrap_or_default();
    let os = os.as_ref().map(|found| found.os.as_ref()).unwrap_or_default();
    let device = device.as_ref().map(|found| found.device.as_ref()).unwrap_or_default();
    Agent {
        browser: named(family),
        os: named(os),
        device: form(device, os, text),
        machine: machine(family, device, text),
    }
}

fn machine(family: &str, device: &str, text: &str) -> Option<Machine> {
    let lower = text.to_ascii_lowercase();
    let headless = ["headless", "phantomjs", "puppeteer", "playwright", "selenium", "webdriver", "slimerjs"];
    if headless.iter().any(|word| lower.contains(word)) {
        return Some(Machine::Headless);
    }
    if device == "Spider" {
        return Some(Machine::Crawler);
    }
    let product = lower.split(['/', ' ']).next().unwrap_or_default();
    let is_library = |name: &str| LIBRARIES.binary_search(&name).is_ok();
    (is_library(&family.to_ascii_lowercase()) || is_library(product)).then_some(Machine::Library)
}

fn form(device: &str, os: &str, text: &str) -> Option<&'static str> {
    if device == "iPad" || text.contains("Tablet") || (os == "Android" && !text.contains("Mobile")) {
        Some("tablet")
    } else if matches!(os, "Android" | "iOS") || text.contains("Mobile") {
        Some("mobile")
    } else if matches!(os, "Windows" | "Mac OS X" | "Linux" | "Ubuntu" | "Fedora" | "Chrome OS" | "Debian" | "FreeBSD")
    {
        Some("desktop")
    } else {
        None
    }
}

fn head(text: &str) -> &str {
    let end = text.floor_char_boundary(LONGEST);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_from_machines() {
        use Machine::{Crawler, Headless, Library};
        for (text, browser, os, device, machine) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                Some("Chrome"),
                Some("Windows"),
                Some("desktop"),
                None,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
                Some("Mobile Safari"),
                Some("iOS"),
                Some("mobile"),
                None,
            ),
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                Some("Googlebot"),
                None,
                None,
                Some(Crawler),
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36",
                Some("HeadlessChrome"),
                Some("Linux"),
                Some("desktop"),
                Some(Headless),
            ),
            ("curl/8.5.0", Some("curl"), None, None, Some(Library)),
            ("python-requests/2.32.3", Some("Python Requests"), None, None, Some(Library)),
            ("Go-http-client/2.0", Some("Go-http-client"), None, None, Some(Library)),
            ("", None, None, None, None),
        ] {
            let found = describe(text);
            let found = (found.browser.as_deref(), found.os.as_deref(), found.device, found.machine);
            assert_eq!(found, (browser, os, device, machine), "{text}");
        }
    }

    #[test]
    fn hostile_text_is_read_no_further_than_its_head() {
        let text = "\u{10348}".repeat(100_000);
        assert_eq!(describe(&text), Agent::default());
        assert!(head(&text).len() <= LONGEST);
        assert!(LIBRARIES.is_sorted());
    }
}
