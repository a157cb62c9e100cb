//! The sections of messages: `[smtp]`, `[sms]`, `[links]`.

use smol_str::SmolStr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Reader, Settings, is_host, is_slug, quoted};

/// `[smtp]`: the mail server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Smtp {
    /// `host`: its name, `:PORT` after it where the port is not the usual one.
    pub host: SmolStr,
    /// `security`: one of `SECURITY`.
    pub security: SmolStr,
    /// `user`: who signs in.
    pub user: Option<SmolStr>,
    /// `password`: the name of the secret.
    pub password: Option<SmolStr>,
    /// `from`: `Example <login@example.com>`.
    pub from: SmolStr,
    /// `reply_to`: where answers go.
    pub reply_to: Option<SmolStr>,
    /// `ca`: a file of certificates, relative to the project.
    pub ca: Option<SmolStr>,
    /// `ca_pem`: the certificates themselves.
    pub ca_pem: Option<SmolStr>,
}

/// `[sms]`: the gateway of text messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sms {
    /// `url`: where messages are posted.
    pub url: SmolStr,
    /// `body`: JSON with holes; none: the usual one.
    pub body: Option<SmolStr>,
    /// `token` or `sign`: the name of the secret.
    pub secret: Option<SmolStr>,
    /// The secret signs, and is not sent.
    pub signs: bool,
    /// `countries`: beginnings of the numbers that may be written to.
    pub countries: Vec<SmolStr>,
}

/// Words of `security`: TLS at once, after `STARTTLS`, or none (to this machine only).
const SECURITY: &[&str] = &["tls", "starttls", "none"];

impl Reader<'_> {
    /// Reads the three sections where they are there.
    pub(super) fn messages(&mut self, top: &DeTable<'_>, settings: &mut Settings) {
        if let Some(value) = top.get("smtp")
            && let Some(smtp) = self.smtp(value)
        {
            settings.smtp = Some(smtp);
        }
        if let Some(value) = top.get("sms")
            && let Some(sms) = self.sms(value)
        {
            settings.sms = Some(sms);
        }
        if let Some(value) = top.get("links")
            && let Some(table) = self.table(value, "links")
        {
            self.keys(table, &["base"], "`links`");
            if let Some(base) = self.needed(value, table, "links", "base") {
                let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://localhost"));
                if rest.is_some() && !base.contains(['?', '#', ' ']) && base != "https://" {
                    settings.links = Some(base.trim_end_matches('/').into());
                } else {
                    let at = self.at(value);
                    self.say("A0904", at, format!("`{base}` is no address for links"))
                        .push_help("write `base = \"https://login.example.com\"`, without a query");
                }
            }
        }
    }

    fn smtp(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Smtp> {
        let table = self.table(value, "smtp")?;
        self.keys(table, &["host", "security", "user", "password", "from", "reply_to", "ca", "ca_pem"], "`smtp`");
        let host = self.needed(value, table, "smtp", "host");
        if let Some(host) = &host
            && !is_host(host)
        {
            let at = self.at(table.get("host")?);
            self.say("A0904", at, format!("`{host}` is not a host"))
                .push_help("write `mail.example.com` or `mail.example.com:465`, in lower case");
            return None;
        }
        let security = match table.get("security") {
            None => "tls".into(),
            Some(given) => {
                let word = self.string(given, "smtp.security")?;
                if !SECURITY.contains(&word) {
                    let at = self.at(given);
                    self.say("A0904", at, format!("`smtp.security` is not `{word}`"))
                        .push_help(format!("write one of {}", quoted(SECURITY)));
                    return None;
                }
                word.into()
            }
        };
        let from = self.needed(value, table, "smtp", "from");
        let user = self.optional(table, "smtp", "user");
        let password = self.secret_name(table, "smtp", "password");
        if user.is_some() != password.is_some() {
            let at = self.at(value);
            self.say("A0904", at, "`smtp` has one of `user` and `password`")
                .push_help("give both, `password` as the name of a secret, or neither");
        }
        let (reply_to, ca) = (self.optional(table, "smtp", "reply_to"), self.optional(table, "smtp", "ca"));
        let ca_pem = self.optional(table, "smtp", "ca_pem");
        if ca.is_some() && ca_pem.is_some() {
            let at = self.at(value);
            self.say("A0904", at, "`smtp` has both `ca` and `ca_pem`")
                .push_help("name the file, or give what is in it");
        }
        Some(Smtp { host: host?, security, user, password, from: from?, reply_to, ca, ca_pem })
    }

    fn sms(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Sms> {
        let table = self.table(value, "sms")?;
        self.keys(table, &["url", "body", "token", "sign", "countries"], "`sms`");
        let url = self.needed(value, table, "sms", "url");
        let body = self.optional(table, "sms", "body");
        if let Some(body) = &body
            && serde_json::from_str::<serde_json::Value>(body).is_err()
        {
            let at = table.get("body").map_or(self.at(value), |body| self.at(body));
            self.say("A0904", at, "`sms.body` is not JSON")
                .push_help("write `body = '{\"to\": \"{{ to }}\", \"text\": \"{{ text }}\"}'`");
        }
        let (token, sign) = (self.secret_name(table, "sms", "token"), self.secret_name(table, "sms", "sign"));
        if token.is_some() && sign.is_some() {
            let at = self.at(value);
            self.say("A0904", at, "`sms` has both `token` and `sign`").push_help("a gateway takes one of them");
        }
        let mut countries = Vec::new();
        if let Some(list) = table.get("countries") {
            let Some(items) = list.get_ref().as_array() else {
                self.mistyped(list, "sms.countries", "a list of strings");
                return None;
            };
            for item in items {
                let Some(text) = self.string(item, "sms.countries") else { continue };
                let digits = text.strip_prefix('+').unwrap_or_default();
                if !digits.is_empty() && digits.len() <= 7 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    countries.push(text.into());
                } else {
                    let at = self.at(item);
                    self.say("A0904", at, format!("`{text}` is not the beginning of a number"))
                        .push_help("write the code of the country: `+49`");
                }
            }
        }
        Some(Sms { url: url?, body, signs: sign.is_some(), secret: token.or(sign), countries })
    }

    /// A string that must be there.
    fn needed(
        &mut self,
        section: &Spanned<DeValue<'_>>,
        table: &DeTable<'_>,
        name: &str,
        key: &str,
    ) -> Option<SmolStr> {
        match table.get(key) {
            Some(value) => self.string(value, &format!("{name}.{key}")).map(SmolStr::from),
            None => {
                let at = self.at(section);
                self.say("A0904", at, format!("`{name}` has no `{key}`")).push_help(format!("add `{key} = \"...\"`"));
                None
            }
        }
    }

    fn optional(&mut self, table: &DeTable<'_>, name: &str, key: &str) -> Option<SmolStr> {
        self.string(table.get(key)?, &format!("{name}.{key}")).map(SmolStr::from)
    }

    /// The name of a secret: never its value.
    fn secret_name(&mut self, table: &DeTable<'_>, name: &str, key: &str) -> Option<SmolStr> {
        let value = table.get(key)?;
        let text = self.string(value, &format!("{name}.{key}"))?;
        if is_slug(text) {
            return Some(text.into());
        }
        // Not quoted: whoever mistakes the form may have written the secret itself.
        let at = self.at(value);
        self.say("A0904", at, format!("`{name}.{key}` is the name of a secret, never the secret itself")).push_help(
            "write a name such as `mail-password`, and give its value with `--secret mail-password=env:VAR`",
        );
        None
    }
}
