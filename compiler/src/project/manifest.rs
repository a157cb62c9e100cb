//! `admit.toml`: the project's name, its catalogue, and settings, which an environment may override.

mod feeds;
mod identity;
mod messages;
mod webauthn;

use std::collections::BTreeMap;

use smol_str::SmolStr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::CATALOGUE;
use super::text::span;
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::source::{FileId, Span};

pub use feeds::{BLOCKLIST, Breached, Feed, Geo};
pub use identity::{Client, Provider, Tokens};
pub use messages::{Sms, Smtp};
pub use webauthn::WebAuthn;

/// What `admit.toml` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// `[project] name`
    pub name: SmolStr,
    /// `[project] catalogue`: the standard library that it is written for.
    pub catalogue: SmolStr,
    /// Settings of every environment.
    pub settings: Settings,
    /// `[env.<name>]`: settings of one environment, those of all filled in.
    pub env: BTreeMap<SmolStr, Settings>,
}

/// Settings that environments may override, each as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// `[limits]`
    pub limits: Limits,
    /// `[egress] hosts`: `host` or `host:port` that blocks may call; in lower case.
    pub egress: Vec<SmolStr>,
    /// `[redirects] allow`: URLs that an outcome may redirect to.
    pub redirects: Vec<SmolStr>,
    /// `[webauthn]`: who asks for passkeys.
    pub webauthn: Option<WebAuthn>,
    /// `[smtp]`: the mail server.
    pub smtp: Option<Smtp>,
    /// `[sms]`: the gateway of text messages.
    pub sms: Option<Sms>,
    /// `[links] base`: where the links of messages lead, without a `/` at the end.
    pub links: Option<SmolStr>,
    /// `[tokens]`
    pub tokens: Tokens,
    /// `[providers.<name>]`, by name.
    pub providers: Vec<Provider>,
    /// `[clients.<id>]`, by id.
    pub clients: Vec<Client>,
    /// `[feeds.<name>]`, by name.
    pub feeds: Vec<Feed>,
    /// `[geo]`
    pub geo: Geo,
    /// `[breached]`
    pub breached: Breached,
    /// The sections of [`PER_TENANT`] as they were written: what a tenant is set up with where many share a server.
    pub written: serde_json::Map<String, serde_json::Value>,
}

/// Limits of the project, where they differ from the compiler's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The budget of system flows that state none, in milliseconds.
    pub budget: Option<u64>,
}

/// Keys that stand at the top alone.
const TOP: &[&str] = &["project", "limits", "env", "rules"];
/// Keys of a table `env.<name>`, and of the top.
const ENV: &[&str] = &[
    "egress",
    "redirects",
    "smtp",
    "sms",
    "links",
    "webauthn",
    "tokens",
    "providers",
    "clients",
    "feeds",
    "geo",
    "breached",
];
/// Sections that belong to a tenant where many share a server. The others are the server's: its files and limits.
pub const PER_TENANT: &[&str] =
    &["egress", "redirects", "smtp", "sms", "links", "webauthn", "tokens", "providers", "clients"];
/// Keys that a later version reads.
const LATER: &[&str] = &["rules"];

impl Default for Manifest {
    fn default() -> Self {
        Self {
            name: "project".into(),
            catalogue: CATALOGUE.into(),
            settings: Settings::default(),
            env: BTreeMap::new(),
        }
    }
}

impl Manifest {
    /// The settings of an environment: its own, or those of all where it has none.
    pub fn settings(&self, env: Option<&str>) -> &Settings {
        env.and_then(|env| self.env.get(env)).unwrap_or(&self.settings)
    }

    /// The settings of all environments together, those of none first.
    pub fn all_settings(&self) -> impl Iterator<Item = &Settings> {
        std::iter::once(&self.settings).chain(self.env.values())
    }
}

/// Reads `admit.toml`.
pub(super) fn read(file: FileId, text: &str, diagnostics: &mut Vec<Diagnostic>) -> Manifest {
    let mut manifest = Manifest::default();
    let Some(table) = parse(file, text, diagnostics) else { return manifest };
    let mut reader = Reader { file, diagnostics };
    let top = table.get_ref();
    reader.keys(top, &[TOP, ENV].concat(), "`admit.toml`");
    match top.get("project") {
        Some(project) => reader.project(project, &mut manifest),
        None => reader
            .say("A0904", span(file, 0..0), "`admit.toml` does not name its project")
            .push_help("write `[project]` and below it `name = \"my-project\"`"),
    }
    reader.settings(top, &mut manifest.settings);
    if let Some(envs) = top.get("env")
        && let Some(envs) = reader.table(envs, "env")
    {
        for (name, env) in envs {
            let mut settings = manifest.settings.clone();
            if let Some(env) = reader.table(env, "env") {
                reader.keys(env, ENV, &format!("`env.{}`", name.get_ref()));
                reader.settings(env, &mut settings);
            }
            manifest.env.insert(name.get_ref().as_ref().into(), settings);
        }
    }
    manifest
}

/// Reads the sections of a tenant's settings alone.
pub(super) fn sections(file: FileId, text: &str, diagnostics: &mut Vec<Diagnostic>) -> Settings {
    let mut settings = Settings::default();
    if let Some(table) = parse(file, text, diagnostics) {
        let mut reader = Reader { file, diagnostics };
        reader.keys(table.get_ref(), PER_TENANT, "the settings of a tenant");
        reader.settings(table.get_ref(), &mut settings);
    }
    settings
}

/// A value as it would be written in JSON: dates as text.
pub(super) fn to_json(value: &DeValue<'_>) -> serde_json::Value {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(serde_json::Value::Null, Into::into)
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(serde_json::Value::Null, Into::into),
        DeValue::Boolean(truth) => (*truth).into(),
        DeValue::Datetime(time) => time.to_string().into(),
        DeValue::Array(items) => items.iter().map(|item| to_json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            table.iter().map(|(name, one)| (name.get_ref().to_string(), to_json(one.get_ref()))).collect()
        }
    }
}

/// Parses TOML. Of mistakes in its syntax the first is said: those after it mostly follow from it.
pub(super) fn parse<'t>(
    file: FileId,
    text: &'t str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Spanned<DeTable<'t>>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if let Some(error) = errors.first() {
        let at = error.span().unwrap_or(0..0);
        let message = error.message().lines().next().unwrap_or("it cannot be read").to_owned();
        diagnostics.push(Diagnostic::error("A0903", span(file, at), format!("this is not TOML: {message}")));
    }
    errors.is_empty().then_some(table)
}

/// A host name, with a port or without: lower-case labels of letters, digits and `-`, or an address.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port))
            if !host.ends_with(':') && !host.contains('[') || text.starts_with('[') && host.ends_with(']') =>
        {
            (host, Some(port))
        }
        _ => (text, None),
    };
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let named = |host: &str| {
        host.len() <= 253
            && host.split('.').all(|label| {
                (1..=63).contains(&label.len())
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            })
    };
    let host_fits = address.map_or_else(|| named(host), |address| address.parse::<std::net::Ipv6Addr>().is_ok());
    host_fits && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0))
}

/// Milliseconds of a duration as the language writes it: `8s`, `300ms`.
pub(super) fn duration(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let scale = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(scale)
}

struct Reader<'a> {
    file: FileId,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn say(&mut self, code: &'static str, at: Span, message: impl Into<String>) -> Said<'_> {
        self.diagnostics.push(Diagnostic::error(code, at, message));
        Said(self.diagnostics)
    }

    fn at<T>(&self, value: &Spanned<T>) -> Span {
        span(self.file, value.span())
    }

    fn keys(&mut self, table: &DeTable<'_>, known: &[&str], whose: &str) {
        for key in table.keys() {
            let (word, at) = (key.get_ref().as_ref(), self.at(key));
            if !known.contains(&word) {
                let help = match nearest(word, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("its keys are {}", quoted(known)),
                };
                self.say("A0905", at, format!("{whose} has no key `{word}`")).push_help(help);
            } else if LATER.contains(&word) {
                let message = format!("`{word}` does nothing yet: no block of this version uses it");
                self.diagnostics.push(Diagnostic::warning("A0908", at, message));
            }
        }
    }

    fn project(&mut self, value: &Spanned<DeValue<'_>>, manifest: &mut Manifest) {
        let Some(table) = self.table(value, "project") else { return };
        self.keys(table, &["name", "catalogue"], "`project`");
        match table.get("name") {
            Some(name) => {
                if let Some(text) = self.string(name, "project.name") {
                    if is_slug(text) {
                        manifest.name = text.into();
                    } else {
                        let at = self.at(name);
                        self.say("A0904", at, format!("`{text}` is not a name"))
                            .push_help("names are lower-case words with `-` between: `my-project`");
                    }
                }
            }
            None => {
                let at = self.at(value);
                self.say("A0904", at, "the project has no name").push_help("add `name = \"my-project\"`");
            }
        }
        if let Some(catalogue) = table.get("catalogue")
            && let Some(text) = self.string(catalogue, "project.catalogue")
            && text != CATALOGUE
        {
            let at = self.at(catalogue);
            self.say("A0904", at, format!("there is no catalogue `{text}`"))
                .push_help(format!("this version has the catalogue `{CATALOGUE}`"));
        }
    }

    fn settings(&mut self, table: &DeTable<'_>, settings: &mut Settings) {
        for (name, section) in table.iter().filter(|(name, _)| PER_TENANT.contains(&name.get_ref().as_ref())) {
            settings.written.insert(name.get_ref().to_string(), to_json(section.get_ref()));
        }
        if let Some(limits) = table.get("limits")
            && let Some(limits) = self.table(limits, "limits")
        {
            self.keys(limits, &["budget"], "`limits`");
            if let Some(budget) = limits.get("budget")
                && let Some(text) = self.string(budget, "limits.budget")
            {
                match duration(text).filter(|time| *time > 0) {
                    Some(time) => settings.limits.budget = Some(time),
                    None => {
                        let at = self.at(budget);
                        self.say("A0904", at, format!("`{text}` is not a duration"))
                            .push_help("write one number and one unit: `8s`, `300ms`");
                    }
                }
            }
        }
        self.messages(table, settings);
        self.identity(table, settings);
        self.feeds(table, settings);
        if let Some(hosts) = self.words(table, "egress", "hosts") {
            settings.egress = Vec::with_capacity(hosts.len());
            for (host, at) in hosts {
                if is_host(&host) {
                    settings.egress.push(host);
                } else {
                    self.say("A0904", at, format!("`{host}` is not a host")).push_help(
                        "write `api.example.com` or `api.example.com:8443`, in lower case, without `https://`",
                    );
                }
            }
        }
        if let Some(webauthn) = table.get("webauthn") {
            settings.webauthn = self.webauthn(webauthn);
        }
        if let Some(urls) = self.words(table, "redirects", "allow") {
            settings.redirects = Vec::with_capacity(urls.len());
            for (url, at) in urls {
                if url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) {
                    settings.redirects.push(url);
                } else {
                    self.say("A0904", at, format!("`{url}` is not an address to redirect to"))
                        .push_help("write a URL that starts with `https://`");
                }
            }
        }
    }

    /// The strings of `[table] key = [...]`, with their places.
    fn words(&mut self, top: &DeTable<'_>, name: &str, key: &str) -> Option<Vec<(SmolStr, Span)>> {
        let table = self.table(top.get(name)?, name)?;
        self.keys(table, &[key], &format!("`{name}`"));
        let value = table.get(key)?;
        let Some(items) = value.get_ref().as_array() else {
            self.mistyped(value, &format!("{name}.{key}"), "a list of strings");
            return None;
        };
        let mut words = Vec::with_capacity(items.len());
        for item in items {
            if let Some(text) = self.string(item, &format!("{name}.{key}")) {
                words.push((text.into(), self.at(item)));
            }
        }
        Some(words)
    }

    fn table<'t, 'd>(&mut self, value: &'t Spanned<DeValue<'d>>, what: &str) -> Option<&'t DeTable<'d>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.mistyped(value, what, "a table");
        }
        table
    }

    fn string<'t>(&mut self, value: &'t Spanned<DeValue<'_>>, what: &str) -> Option<&'t str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.mistyped(value, what, "a string");
        }
        text
    }

    fn mistyped(&mut self, value: &Spanned<DeValue<'_>>, what: &str, wanted: &str) {
        let at = self.at(value);
        let got = value.get_ref().type_str();
        self.say("A0904", at, format!("`{what}` is {wanted}, not a TOML {got}"));
    }
}

/// A diagnostic just said.
struct Said<'a>(&'a mut Vec<Diagnostic>);

impl Said<'_> {
    fn push_help(self, help: impl Into<String>) {
        if let Some(said) = self.0.last_mut() {
            said.help.push(help.into());
        }
    }
}

/// `[a-z][a-z0-9]*(-[a-z0-9]+)*`
pub(super) fn is_slug(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_lowercase())
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
