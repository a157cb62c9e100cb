//! `[feeds.<name>]`, `[geo]` and `[breached]`: files that say what is known of addresses and breached passwords.

use smol_str::SmolStr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Reader, Settings, is_slug};

/// `[feeds.<name>]`: a file of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Its name in flows.
    pub name: SmolStr,
    /// `kind`: what its addresses are, one of `KINDS`.
    pub kind: SmolStr,
    /// `path`: the file, relative to the project; none: what registries set aside, for the kind `bogon` alone.
    pub path: Option<SmolStr>,
}

/// `[geo]`: databases in MaxMind's format, relative to the project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Geo {
    /// `city`: where addresses are; one of countries will do.
    pub city: Option<SmolStr>,
    /// `asn`: to which networks they belong.
    pub asn: Option<SmolStr>,
    /// `anonymous`: which are Tor exits, VPNs, proxies and hosting providers.
    pub anonymous: Option<SmolStr>,
}

/// `[breached]`: where sightings of passwords are looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breached {
    /// `file`: the offline set, relative to the project.
    pub file: Option<SmolStr>,
    /// `url`: the service, before the slash and the five hex digits.
    pub url: Option<SmolStr>,
}

/// The kind of feeds that a flow names as threat lists.
pub const BLOCKLIST: &str = "blocklist";
/// What the addresses of a feed are.
const KINDS: &[&str] = &["tor", "vpn", "proxy", "hosting", "bogon", BLOCKLIST];

impl Reader<'_> {
    pub(super) fn feeds(&mut self, table: &DeTable<'_>, settings: &mut Settings) {
        if let Some(feeds) = table.get("feeds")
            && let Some(feeds) = self.table(feeds, "feeds")
        {
            settings.feeds.clear();
            for (name, value) in feeds {
                let what = format!("feeds.{}", name.get_ref());
                if !is_slug(name.get_ref()) {
                    let at = self.at(name);
                    self.say("A0904", at, format!("`{}` is not the name of a feed", name.get_ref()))
                        .push_help("names are lower-case words with `-` between: `firehol-level1`");
                } else if let Some(table) = self.table(value, &what)
                    && let Some(feed) = self.feed(name.get_ref(), &what, value, table)
                {
                    settings.feeds.push(feed);
                }
            }
        }
        if let Some(geo) = table.get("geo")
            && let Some(geo) = self.table(geo, "geo")
        {
            self.keys(geo, &["city", "asn", "anonymous"], "`geo`");
            settings.geo = Geo {
                city: self.text_of(geo, "geo", "city"),
                asn: self.text_of(geo, "geo", "asn"),
                anonymous: self.text_of(geo, "geo", "anonymous"),
            };
        }
        if let Some(breached) = table.get("breached")
            && let Some(breached) = self.table(breached, "breached")
        {
            self.keys(breached, &["file", "url"], "`breached`");
            let url = self.address(breached, "breached", "url");
            settings.breached = Breached {
                file: self.text_of(breached, "breached", "file"),
                url: url.map(|url| url.trim_end_matches('/').into()),
            };
        }
    }

    fn feed(&mut self, name: &str, what: &str, value: &Spanned<DeValue<'_>>, table: &DeTable<'_>) -> Option<Feed> {
        self.keys(table, &["path", "kind"], &format!("`{what}`"));
        let path = self.text_of(table, what, "path");
        if !table.contains_key("kind") {
            let at = self.at(value);
            self.say("A0904", at, format!("`{what}` does not say what its addresses are"))
                .push_help(format!("add `kind = \"...\"`: one of {}", super::quoted(KINDS)));
            return None;
        }
        let kind = self.word_of(table, what, "kind", KINDS)?;
        if !table.contains_key("path") && kind != "bogon" {
            let at = self.at(value);
            self.say("A0904", at, format!("`{what}` has no file"))
                .push_help("add `path = \"feeds/list.netset\"`, relative to the project");
            return None;
        }
        Some(Feed { name: name.into(), kind, path })
    }
}
