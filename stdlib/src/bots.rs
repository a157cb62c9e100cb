//! Signs of a program: what user agent and header fields of a request give away.

use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Event};
use admit_runtime::host::Host;

use crate::agent::{Machine, describe};
use crate::config::{event_text, text};

/// What gave a program away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sign {
    /// `crawler`, `library`, ...
    pub kind: &'static str,
    /// In words.
    pub reason: String,
}

/// What user agent and header fields give away. Reads nothing but the event.
pub(crate) async fn assess(host: &dyn Host, event: &dyn Event) -> Result<Option<Sign>, BlockError> {
    let headers = headers(event);
    let user_agent =
        event_text(event, "request.user_agent").or_else(|| field(&headers, "user-agent").map(str::to_owned));
    let Some(user_agent) = user_agent.filter(|it| !it.trim().is_empty()) else {
        let reason = "it sends no user agent".to_owned();
        return Ok((!headers.is_empty()).then_some(Sign { kind: "library", reason }));
    };
    let job = move || {
        let agent = describe(&user_agent);
        let name = agent.browser.clone().unwrap_or_else(|| "a program".to_owned());
        let sign = match agent.machine {
            Some(Machine::Crawler) => Some(Sign { kind: "crawler", reason: format!("its user agent is {name}") }),
            Some(Machine::Library) => Some(Sign { kind: "library", reason: format!("its user agent is {name}") }),
            Some(Machine::Headless) => Some(Sign { kind: "headless", reason: format!("its user agent is {name}") }),
            None => contradiction(&user_agent, agent.os.as_deref(), &headers),
        };
        match sign {
            Some(sign) => Datum::List(vec![text(sign.kind), text(sign.reason)]),
            None => Datum::Null,
        }
    };
    let Datum::List(found) = host.blocking(Box::new(job)).await? else { return Ok(None) };
    let [Datum::Str(kind), Datum::Str(reason)] = found.as_slice() else { return Ok(None) };
    let kinds = ["crawler", "library", "headless", "spoofed"];
    let kind = kinds.into_iter().find(|known| **known == **kind);
    Ok(kind.map(|kind| Sign { kind, reason: reason.to_string() }))
}

/// Where the header fields do not fit the user agent. None where the event holds no header fields.
fn contradiction(user_agent: &str, os: Option<&str>, headers: &[(String, String)]) -> Option<Sign> {
    if headers.is_empty() || !user_agent.starts_with("Mozilla/") {
        return None;
    }
    let spoofed = |reason: &str| Some(Sign { kind: "spoofed", reason: reason.to_owned() });
    if field(headers, "user-agent").is_some_and(|sent| sent != user_agent) {
        return spoofed("its header field `user-agent` says something else");
    }
    let hints = field(headers, "sec-ch-ua");
    if hints.is_some_and(|hints| hints.contains("Headless")) {
        return Some(Sign { kind: "headless", reason: "its client hints name a headless browser".to_owned() });
    }
    // Firefox and Safari send no client hints.
    if hints.is_some() && !user_agent.contains("Chrome/") && !user_agent.contains("CriOS/") {
        return spoofed("it sends client hints, which its browser does not");
    }
    if let Some(platform) = field(headers, "sec-ch-ua-platform").map(|platform| platform.trim_matches('"')) {
        let fits = match (platform, os) {
            ("Windows", Some(os)) => os == "Windows",
            ("macOS", Some(os)) => os == "Mac OS X",
            ("Android", Some(os)) => os == "Android",
            ("iOS", Some(os)) => os == "iOS",
            _ => true,
        };
        if !fits {
            return spoofed("its client hints name another system");
        }
    }
    if field(headers, "accept-language").is_none() && field(headers, "accept").is_none() {
        return spoofed("it sends neither `accept` nor `accept-language`, as every browser does");
    }
    None
}

/// Header fields of the event, names in lower case.
fn headers(event: &dyn Event) -> Vec<(String, String)> {
    let Some(Datum::Map(fields)) = event.get("request.headers") else { return Vec::new() };
    let pair = |(name, value): &(Datum, Datum)| Some((name.as_str()?.to_ascii_lowercase(), value.as_str()?.to_owned()));
    fields.iter().filter_map(pair).collect()
}

fn field<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

    #[test]
    fn header_fields_that_no_such_browser_sends_give_it_away() {
        let accepts = ("accept-language", "en");
        for (user_agent, os, headers, kind) in [
            (CHROME, "Windows", vec![], None),
            (
                CHROME,
                "Windows",
                vec![accepts, ("sec-ch-ua", "\"Chromium\";v=\"142\""), ("sec-ch-ua-platform", "\"Windows\"")],
                None,
            ),
            (CHROME, "Windows", vec![accepts, ("sec-ch-ua-platform", "\"Linux\"")], None),
            (CHROME, "Windows", vec![accepts, ("sec-ch-ua-platform", "\"Android\"")], Some("spoofed")),
            (CHROME, "Windows", vec![accepts, ("sec-ch-ua", "\"HeadlessChrome\";v=\"142\"")], Some("headless")),
            (CHROME, "Windows", vec![("host", "x")], Some("spoofed")),
            (CHROME, "Windows", vec![accepts, ("user-agent", FIREFOX)], Some("spoofed")),
            (FIREFOX, "Linux", vec![accepts, ("sec-ch-ua", "\"Chromium\"")], Some("spoofed")),
            (FIREFOX, "Linux", vec![accepts], None),
            ("MyApp/3.1", "", vec![("host", "x")], None),
        ] {
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let found = contradiction(user_agent, Some(os).filter(|os| !os.is_empty()), &headers);
            assert_eq!(found.map(|sign| sign.kind), kind, "{headers:?}");
        }
    }
}
