//! `[webauthn]`: the relying party of passkeys (WebAuthn Level 3 section 5.1.2), checked as browsers will.

use smol_str::SmolStr;
use toml::Spanned;
use toml::de::DeValue;

use super::Reader;

/// The relying party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAuthn {
    /// The domain that passkeys are bound to. It cannot be changed later without losing them.
    pub rp_id: SmolStr,
    /// Its name, for the user; none: the project's.
    pub rp_name: Option<SmolStr>,
    /// Origins of pages that may ask for them.
    pub origins: Vec<SmolStr>,
}

const KEYS: &[&str] = &["rp_id", "rp_name", "origins"];

impl Reader<'_> {
    /// Reads the table; none where it cannot be used, which has been said.
    pub(super) fn webauthn(&mut self, value: &Spanned<DeValue<'_>>) -> Option<WebAuthn> {
        let table = self.table(value, "webauthn")?;
        self.keys(table, KEYS, "`webauthn`");
        let (Some(rp_id), Some(list)) = (table.get("rp_id"), table.get("origins")) else {
            let at = self.at(value);
            self.say("A0904", at, "`webauthn` needs `rp_id` and `origins`")
                .push_help("write `rp_id = \"example.com\"` and `origins = [\"https://login.example.com\"]`");
            return None;
        };
        let id = self.string(rp_id, "webauthn.rp_id")?;
        if let Some((why, help)) = wrong_id(id) {
            let at = self.at(rp_id);
            self.say("A0904", at, format!("`{id}` {why}")).push_help(help);
            return None;
        }
        let Some(items) = list.get_ref().as_array() else {
            self.mistyped(list, "webauthn.origins", "a list of strings");
            return None;
        };
        if items.is_empty() {
            let at = self.at(list);
            self.say("A0904", at, "`webauthn.origins` is empty: no page could ask for a passkey")
                .push_help(format!("name the origin of the sign-in page: `https://{id}`"));
            return None;
        }
        let mut origins = Vec::with_capacity(items.len());
        for item in items {
            let origin = self.string(item, "webauthn.origins")?;
            if let Some((why, help)) = wrong_origin(origin, id) {
                let at = self.at(item);
                self.say("A0904", at, format!("`{origin}` {why}")).push_help(help);
                return None;
            }
            origins.push(origin.into());
        }
        let name = table.get("rp_name").and_then(|name| self.string(name, "webauthn.rp_name"));
        Some(WebAuthn { rp_id: id.into(), rp_name: name.map(Into::into), origins })
    }
}

fn wrong_id(id: &str) -> Option<(&'static str, String)> {
    if id == "localhost" {
        return None;
    }
    if !is_domain(id) {
        let help = "write a domain in lower case, without scheme and port: `example.com`; other scripts as `xn--...`";
        return Some(("is not a domain", help.to_owned()));
    }
    // Browsers refuse what others can register below (HTML, "is a registrable domain suffix of").
    if psl::suffix_str(id) == Some(id) {
        return Some((
            "is a public suffix: browsers bind no passkey to it",
            format!("name your own domain below it: `example.{id}`"),
        ));
    }
    None
}

fn wrong_origin(origin: &str, id: &str) -> Option<(&'static str, String)> {
    let (host, port, is_plain) = match origin.split_once("://") {
        Some(("https", rest)) => split(rest, false),
        Some(("http", rest)) => split(rest, true),
        _ => ("", None, false),
    };
    let fits = |port: &str| {
        let default = if is_plain { 80 } else { 443 };
        port.parse::<u16>().is_ok_and(|number| number != 0 && number != default && number.to_string() == port)
    };
    if host != "localhost" && !is_domain(host) || !port.is_none_or(fits) {
        let help = "write scheme and host in lower case, without path and default port: `https://login.example.com`";
        return Some(("is not an origin", help.to_owned()));
    }
    if is_plain && host != "localhost" {
        return Some(("is not secure: browsers give passkeys to https alone", format!("write `https://{host}`")));
    }
    let is_below = host.strip_suffix(id).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    (!is_below).then(|| ("is not of the domain `rp_id`", format!("its host must be `{id}` or end in `.{id}`")))
}

fn split(rest: &str, is_plain: bool) -> (&str, Option<&str>, bool) {
    match rest.split_once(':') {
        Some((host, port)) => (host, Some(port), is_plain),
        None => (rest, None, is_plain),
    }
}

/// Two labels or more of lower-case letters, digits and `-`, the last no number (an address is no domain).
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(label)
        && text.rsplit('.').next().is_some_and(|last| !is_number(last))
}
