//! `[tokens]`, `[providers.<name>]` and `[clients.<id>]`: how tokens are signed, the OpenID providers that users sign in at, and
//! the clients that sessions are made for.

use smol_str::SmolStr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Reader, Settings, is_slug};

/// `[tokens]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// `iss` of the tokens; none: the tenant's URN.
    pub issuer: Option<SmolStr>,
    /// The algorithm of keys that are made from now on; none: EdDSA.
    pub algorithm: Option<SmolStr>,
}

/// `[providers.<name>]`: an OpenID provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name in flows.
    pub name: SmolStr,
    /// Its issuer identifier.
    pub issuer: SmolStr,
    /// Our id there.
    pub client_id: SmolStr,
    /// The name of the secret that proves us.
    pub secret: Option<SmolStr>,
    /// `client_secret_basic`, `client_secret_post`, `private_key_jwt`, `none`
    pub authentication: SmolStr,
    /// Scopes that are asked for where the flow names none.
    pub scopes: Vec<SmolStr>,
    /// Where it sends users back to.
    pub redirect_uri: SmolStr,
    /// Signature algorithms of its ID tokens that are taken.
    pub algorithms: Vec<SmolStr>,
}

/// `[clients.<id>]`: a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// `event.client.id`
    pub id: SmolStr,
    /// `event.client.name`
    pub name: Option<SmolStr>,
    /// `event.client.type`: one of `TYPES`.
    pub kind: Option<SmolStr>,
    /// `event.client.first_party`
    pub first_party: Option<bool>,
    /// Where it may have users sent to when they have signed in.
    pub redirect_uris: Vec<SmolStr>,
    /// Scopes that it may ask for.
    pub scopes: Vec<SmolStr>,
    /// Where its users may go after they have logged out.
    pub post_logout_redirect_uris: Vec<SmolStr>,
    /// Where it is told of sessions that ended.
    pub backchannel_logout_uri: Option<SmolStr>,
    /// The page that is loaded in a frame when its user logs out.
    pub frontchannel_logout_uri: Option<SmolStr>,
}

const AUTHENTICATIONS: &[&str] = &["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
const VERIFIED: &[&str] = &["RS256", "PS256", "ES256", "ES384", "EdDSA"];
const SIGNED: &[&str] = &["EdDSA", "ES256"];
const PROVIDER: &[&str] = &["issuer", "client_id", "secret", "authentication", "scopes", "redirect_uri", "algorithms"];
const CLIENT: &[&str] = &[
    "name",
    "type",
    "first_party",
    "redirect_uris",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "frontchannel_logout_uri",
    "scopes",
    "metadata",
];
/// Words of `type`: in a browser, on a server, on the user's machine, without a user.
const TYPES: &[&str] = &["spa", "web", "native", "m2m"];
/// The longest id of a client, in bytes.
const LONGEST_ID: usize = 255;

impl Reader<'_> {
    pub(super) fn identity(&mut self, table: &DeTable<'_>, settings: &mut Settings) {
        if let Some(tokens) = table.get("tokens")
            && let Some(tokens) = self.table(tokens, "tokens")
        {
            self.keys(tokens, &["issuer", "algorithm"], "`tokens`");
            settings.tokens.issuer = self.address(tokens, "tokens", "issuer");
            settings.tokens.algorithm = self.word_of(tokens, "tokens", "algorithm", SIGNED);
        }
        if let Some(providers) = table.get("providers")
            && let Some(providers) = self.table(providers, "providers")
        {
            settings.providers.clear();
            for (name, value) in providers {
                let what = format!("providers.{}", name.get_ref());
                if !is_slug(name.get_ref()) {
                    let at = self.at(name);
                    self.say("A0904", at, format!("`{}` is not the name of a provider", name.get_ref()))
                        .push_help("names are lower-case words with `-` between: `google`");
                } else if let Some(table) = self.table(value, &what)
                    && let Some(provider) = self.provider(name.get_ref(), &what, value, table)
                {
                    settings.providers.push(provider);
                }
            }
        }
        if let Some(clients) = table.get("clients")
            && let Some(clients) = self.table(clients, "clients")
        {
            settings.clients.clear();
            for (id, value) in clients {
                let what = format!("clients.{}", id.get_ref());
                // RFC 6749 appendix A.1
                if id.get_ref().is_empty()
                    || id.get_ref().len() > LONGEST_ID
                    || !id.get_ref().bytes().all(|byte| (0x20..=0x7e).contains(&byte))
                {
                    let at = self.at(id);
                    self.say("A0904", at, "this is not the id of a client")
                        .push_help("ids are printable ASCII, 255 bytes at most: `portal`");
                } else if let Some(table) = self.table(value, &what) {
                    let client = self.client(id.get_ref(), &what, table);
                    settings.clients.push(client);
                }
            }
        }
    }

    fn client(&mut self, id: &str, what: &str, table: &DeTable<'_>) -> Client {
        self.keys(table, CLIENT, &format!("`{what}`"));
        let kind = self.word_of(table, what, "type", TYPES);
        let first_party = table.get("first_party").and_then(|value| {
            let given = value.get_ref().as_bool();
            if given.is_none() {
                self.mistyped(value, &format!("{what}.first_party"), "`true` or `false`");
            }
            given
        });
        if let Some(metadata) = table.get("metadata") {
            self.table(metadata, &format!("{what}.metadata"));
        }
        let is_native = kind.as_deref() == Some("native");
        let mut redirect_uris = Vec::new();
        for (uri, at) in self.list_of(table, what, "redirect_uris").unwrap_or_default() {
            // A scheme of one's own, as long as somebody owns its name (RFC 8252 section 7.1).
            let own = uri.split_once(':').is_some_and(|(scheme, rest)| {
                scheme.contains('.')
                    && rest.starts_with('/')
                    && scheme
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-+".contains(&byte))
            });
            if is_native && own && !uri.contains(['#', ' ', '\\']) || self.check_address(&uri, at) {
                redirect_uris.push(uri);
            }
        }
        let mut scopes = Vec::new();
        for (scope, at) in self.list_of(table, what, "scopes").unwrap_or_default() {
            // RFC 6749 section 3.3
            if !scope.is_empty()
                && scope.bytes().all(|byte| byte > b' ' && byte < 0x7f && byte != b'"' && byte != b'\\')
            {
                scopes.push(scope);
            } else {
                self.say("A0904", at, format!("`{scope}` is not a scope")).push_help("write words such as `openid`");
            }
        }
        Client {
            id: id.into(),
            name: self.text_of(table, what, "name"),
            kind,
            first_party,
            redirect_uris,
            scopes,
            post_logout_redirect_uris: self.addresses(table, what, "post_logout_redirect_uris"),
            backchannel_logout_uri: self.address(table, what, "backchannel_logout_uri"),
            frontchannel_logout_uri: self.address(table, what, "frontchannel_logout_uri"),
        }
    }

    fn provider(
        &mut self,
        name: &str,
        what: &str,
        value: &Spanned<DeValue<'_>>,
        table: &DeTable<'_>,
    ) -> Option<Provider> {
        self.keys(table, PROVIDER, &format!("`{what}`"));
        for needed in ["issuer", "client_id", "redirect_uri"].into_iter().filter(|key| !table.contains_key(*key)) {
            let at = self.at(value);
            self.say("A0904", at, format!("`{what}` has no `{needed}`"))
                .push_help(format!("add `{needed} = \"...\"`, as it was registered at the provider"));
        }
        let secret = self.text_of(table, what, "secret");
        let authentication = self.word_of(table, what, "authentication", AUTHENTICATIONS);
        let authentication = authentication
            .unwrap_or_else(|| if secret.is_some() { "client_secret_basic".into() } else { "none".into() });
        // A client assertion may be signed with a key of its own, or with the tenant's.
        if authentication != "private_key_jwt" && (authentication == "none") != secret.is_none() {
            let at = self.at(value);
            self.say(
                "A0904",
                at,
                format!("`{what}` authenticates by `{authentication}`, which does not fit its secret"),
            )
            .push_help("name the secret with `secret = \"...\"`, or write `authentication = \"none\"`");
        }
        let algorithms = self.list_of(table, what, "algorithms");
        for (algorithm, at) in algorithms.iter().flatten().filter(|(word, _)| !VERIFIED.contains(&word.as_str())) {
            self.say("A0904", *at, format!("ID tokens signed with `{algorithm}` are not taken"))
                .push_help(format!("those are: {}", VERIFIED.join(", ")));
        }
        let words = |list: Option<Vec<(SmolStr, _)>>| list.map(|list| list.into_iter().map(|(word, _)| word).collect());
        Some(Provider {
            name: name.into(),
            issuer: self.address(table, what, "issuer")?,
            client_id: self.text_of(table, what, "client_id")?,
            secret,
            authentication,
            scopes: words(self.list_of(table, what, "scopes"))
                .unwrap_or_else(|| ["openid", "email", "profile"].map(SmolStr::new_static).to_vec()),
            redirect_uri: self.address(table, what, "redirect_uri")?,
            algorithms: words(algorithms).unwrap_or_else(|| vec!["RS256".into()]),
        })
    }

    pub(super) fn text_of(&mut self, table: &DeTable<'_>, what: &str, key: &str) -> Option<SmolStr> {
        let value = table.get(key)?;
        let text: SmolStr = self.string(value, &format!("{what}.{key}"))?.into();
        if text.is_empty() {
            let at = self.at(value);
            self.say("A0904", at, format!("`{what}.{key}` is empty"));
            return None;
        }
        Some(text)
    }

    pub(super) fn word_of(&mut self, table: &DeTable<'_>, what: &str, key: &str, words: &[&str]) -> Option<SmolStr> {
        let text = self.text_of(table, what, key)?;
        if words.contains(&text.as_str()) {
            return Some(text);
        }
        let at = table.get(key).map(|value| self.at(value))?;
        self.say("A0904", at, format!("`{what}.{key}` is not `{text}`"))
            .push_help(format!("it is one of {}", super::quoted(words)));
        None
    }

    /// A URL over https, or over http to this machine.
    pub(super) fn address(&mut self, table: &DeTable<'_>, what: &str, key: &str) -> Option<SmolStr> {
        let text = self.text_of(table, what, key)?;
        let at = table.get(key).map(|value| self.at(value))?;
        self.check_address(&text, at).then_some(text)
    }

    fn addresses(&mut self, table: &DeTable<'_>, what: &str, key: &str) -> Vec<SmolStr> {
        let list = self.list_of(table, what, key).unwrap_or_default();
        list.into_iter().filter(|(text, at)| self.check_address(text, *at)).map(|(text, _)| text).collect()
    }

    fn check_address(&mut self, text: &str, at: crate::source::Span) -> bool {
        // Without a port where any may be used: a redirect URI of a program on the user's machine (RFC 8252 section 7.3).
        let local = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
        let is_local =
            local.iter().any(|start| text.strip_prefix(start).is_some_and(|rest| rest.starts_with([':', '/'])));
        let rest = text.strip_prefix("https://").unwrap_or("");
        let is_secure = !rest.is_empty() && !rest.starts_with('/');
        let is_clean = !text.contains(['#', '@', ' ', '\\']);
        if (is_local || is_secure) && is_clean {
            return true;
        }
        self.say("A0904", at, format!("`{text}` is not an address"))
            .push_help("write a URL that starts with `https://`, without a user name and without `#`");
        false
    }

    fn list_of(&mut self, table: &DeTable<'_>, what: &str, key: &str) -> Option<Vec<(SmolStr, crate::source::Span)>> {
        let value = table.get(key)?;
        let Some(items) = value.get_ref().as_array() else {
            self.mistyped(value, &format!("{what}.{key}"), "a list of strings");
            return None;
        };
        let mut words = Vec::with_capacity(items.len());
        for item in items {
            if let Some(text) = self.string(item, &format!("{what}.{key}")) {
                words.push((text.into(), self.at(item)));
            }
        }
        Some(words)
    }
}
