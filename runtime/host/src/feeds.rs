//! Feeds: files that say what is known of addresses and breached passwords, read whole, and read again when they change.
//!
//! Runs look into what is in memory and never wait for a file (but the offline set of passwords, which is too large). A
//! file that changed is read beside what is in use, and takes its place at once; one that cannot be read changes nothing.

mod breached;
mod geo;
mod netset;
mod ranges;
mod watch;

use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use admit_runtime::feeds::{AddressFacts, BREACHED_RANGES, FeedError, Feeds};
use smol_str::SmolStr;

use crate::address::is_public;
use breached::Breached;
use geo::{Geo, GeoKind};
use netset::Netset;

pub use breached::{Built, build as build_breached};
pub use watch::{POLL, Watch};

/// Largest file of addresses, in bytes.
const LARGEST_LIST: u64 = 256 << 20;
/// Largest database, in bytes.
const LARGEST_DATABASE: u64 = 2 << 30;

/// What the addresses of a feed are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedKind {
    /// Tor exits.
    Tor,
    /// VPNs.
    Vpn,
    /// Proxies.
    Proxy,
    /// Hosting providers.
    Hosting,
    /// Nobody sends from them on the public internet.
    Bogon,
    /// A threat list.
    Blocklist,
}

/// A list of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSource {
    /// Its name in flows.
    pub name: SmolStr,
    /// What its addresses are.
    pub kind: FeedKind,
    /// The file; none: what registries set aside (RFC 6890), for bogons.
    pub path: Option<PathBuf>,
}

/// The files that are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedOptions {
    /// Lists of addresses.
    pub lists: Vec<FeedSource>,
    /// A database of places.
    pub city: Option<PathBuf>,
    /// A database of autonomous systems.
    pub asn: Option<PathBuf>,
    /// A database of anonymisers.
    pub anonymous: Option<PathBuf>,
    /// The offline set of breached passwords.
    pub breached: Option<PathBuf>,
    /// Where ranges of breached passwords are asked for; none: the usual service.
    pub breached_ranges: Option<String>,
}

/// One file, how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedStatus {
    /// `feeds.tor`, `geo.city`, `breached`
    pub name: SmolStr,
    /// `tor`, `vpn`, `proxy`, `hosting`, `bogon`, `blocklist`, `city`, `asn`, `anonymous`, `breached`
    pub kind: &'static str,
    /// The file; none: built in.
    pub path: Option<PathBuf>,
    /// Lines of a list, nodes of a database, hashes of the set.
    pub entries: u64,
    /// Lines that could not be read and were left out.
    pub broken: u64,
    /// Where the first of them are: `in lines 3, 8`.
    pub broken_at: Option<String>,
    /// When a database was built, in seconds since 1970.
    pub built_at: Option<u64>,
    /// Since when the file cannot be read anew: how often it was tried, and why the last time. What was read before is in use.
    pub problem: Option<(u32, String)>,
}

/// The feeds in use.
pub struct FeedFiles {
    sources: Vec<Source>,
    ranges: String,
    now: RwLock<Arc<Vec<Part>>>,
    /// One refresh at a time.
    refreshing: Mutex<()>,
}

/// A file that is configured.
#[derive(Clone, Debug)]
struct Source {
    name: SmolStr,
    is: Is,
    path: Option<PathBuf>,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    List(FeedKind),
    Geo(GeoKind),
    Breached,
}

/// A file that was read, at the place of its source.
#[derive(Clone)]
struct Part {
    content: Arc<Content>,
    stamp: Option<Stamp>,
    /// The file as it was when it could not be read, so that it is read again only when it has changed.
    failed: Option<Stamp>,
    problem: Option<(u32, String)>,
}

enum Content {
    List(Netset),
    Registries,
    Geo(Geo),
    Breached(Breached),
}

/// What tells that a file has changed. A file that is not there has none of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    seconds: i64,
    nanos: i64,
}

impl FeedKind {
    /// The word of `kind`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tor => "tor",
            Self::Vpn => "vpn",
            Self::Proxy => "proxy",
            Self::Hosting => "hosting",
            Self::Bogon => "bogon",
            Self::Blocklist => "blocklist",
        }
    }

    /// The kind of this word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Tor, Self::Vpn, Self::Proxy, Self::Hosting, Self::Bogon, Self::Blocklist]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

impl FeedFiles {
    /// Reads every file.
    ///
    /// # Errors
    /// What is wrong with each that cannot be read: a decision on a feed that was never read would decide on nothing.
    pub fn open(options: FeedOptions) -> Result<Self, Vec<String>> {
        let ranges = options.breached_ranges.clone().unwrap_or_else(|| BREACHED_RANGES.to_owned());
        let sources = sources(options);
        let mut parts = Vec::with_capacity(sources.len());
        let mut faults = Vec::new();
        for source in &sources {
            match source.read() {
                Ok((content, stamp)) => {
                    parts.push(Part { content: Arc::new(content), stamp, failed: None, problem: None });
                }
                Err((why, _)) => faults.push(source.fault(&why)),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self { sources, ranges, now: RwLock::new(Arc::new(parts)), refreshing: Mutex::new(()) })
    }

    /// Reads the files that have changed, off the async threads, and puts them in place together. Of a file that cannot be
    /// read what was read before stays. Answers what happened to each that had changed: how it stands, or what is wrong.
    pub fn refresh(&self) -> Vec<Result<FeedStatus, String>> {
        let _one = self.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.parts();
        let mut parts = Vec::with_capacity(old.len());
        let mut happened = Vec::new();
        for (source, part) in self.sources.iter().zip(old.iter()) {
            let stamp = source.stamp();
            if stamp == part.stamp && part.problem.is_none() || stamp.is_some() && stamp == part.failed {
                parts.push(part.clone());
                continue;
            }
            match source.read() {
                Ok((content, read)) => {
                    let part = Part { content: Arc::new(content), stamp: read, failed: None, problem: None };
                    happened.push(Ok(source.status(&part)));
                    parts.push(part);
                }
                // It is being written: the next time is soon enough.
                Err((_, changed)) if changed => parts.push(part.clone()),
                Err((why, _)) => {
                    let times = part.problem.as_ref().map_or(0, |(times, _)| *times).saturating_add(1);
                    let known = part.problem.as_ref().is_some_and(|(_, before)| *before == why);
                    if !known {
                        happened.push(Err(source.fault(&why)));
                    }
                    parts.push(Part { failed: stamp, problem: Some((times, why)), ..part.clone() });
                }
            }
        }
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(parts);
        happened
    }

    /// How each file stands.
    pub fn status(&self) -> Vec<FeedStatus> {
        self.sources.iter().zip(self.parts().iter()).map(|(source, part)| source.status(part)).collect()
    }

    /// Reads all of what is too large to be read at each start, and compares it with what was built.
    ///
    /// # Errors
    /// The offline set of breached passwords is not what was built.
    pub fn verify(&self) -> Result<(), String> {
        for (source, part) in self.sources.iter().zip(self.parts().iter()) {
            if let Content::Breached(set) = &*part.content {
                set.verify().map_err(|why| source.fault(&why))?;
            }
        }
        Ok(())
    }

    /// The names of all lists that hold the address, with their kinds, in the order of the configuration.
    pub fn holding(&self, address: IpAddr) -> Vec<(SmolStr, FeedKind)> {
        self.lists_with(address, &self.parts())
    }

    fn parts(&self) -> Arc<Vec<Part>> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn lists_with(&self, address: IpAddr, parts: &[Part]) -> Vec<(SmolStr, FeedKind)> {
        let mut found = Vec::new();
        for (source, part) in self.sources.iter().zip(parts) {
            let Is::List(kind) = source.is else { continue };
            let holds = match &*part.content {
                Content::List(list) => list.ranges.contains(address),
                Content::Registries => !is_public(address.to_canonical()),
                Content::Geo(_) | Content::Breached(_) => false,
            };
            if holds {
                found.push((source.name.clone(), kind));
            }
        }
        found
    }
}

impl Feeds for FeedFiles {
    fn address(&self, address: IpAddr) -> AddressFacts {
        let address = address.to_canonical();
        let parts = self.parts();
        let mut facts = AddressFacts::default();
        for (name, kind) in self.lists_with(address, &parts) {
            match kind {
                FeedKind::Tor => facts.is_tor = true,
                FeedKind::Vpn => facts.is_vpn = true,
                FeedKind::Proxy => facts.is_proxy = true,
                FeedKind::Hosting => facts.is_hosting = true,
                FeedKind::Bogon => facts.is_bogon = true,
                FeedKind::Blocklist => facts.lists.push(name),
            }
        }
        for part in parts.iter() {
            if let Content::Geo(geo) = &*part.content {
                geo.tell(address, &mut facts);
            }
        }
        facts
    }

    fn lists(&self) -> Vec<SmolStr> {
        let lists = self.sources.iter().filter(|source| source.is == Is::List(FeedKind::Blocklist));
        lists.map(|source| source.name.clone()).collect()
    }

    fn breached(&self, sha1: &[u8; 20]) -> Option<Result<u64, FeedError>> {
        self.parts().iter().find_map(|part| match &*part.content {
            Content::Breached(set) => Some(set.count(sha1).map_err(FeedError)),
            Content::List(_) | Content::Registries | Content::Geo(_) => None,
        })
    }

    fn breached_ranges(&self) -> &str {
        &self.ranges
    }
}

/// The files of the options, lists first.
fn sources(options: FeedOptions) -> Vec<Source> {
    let lists = options.lists.into_iter();
    let mut sources: Vec<Source> =
        lists.map(|list| Source { name: list.name, is: Is::List(list.kind), path: list.path }).collect();
    let databases =
        [(GeoKind::City, options.city), (GeoKind::Asn, options.asn), (GeoKind::Anonymous, options.anonymous)];
    for (kind, path) in databases {
        let source = path.map(|path| Source { name: kind.word().into(), is: Is::Geo(kind), path: Some(path) });
        sources.extend(source);
    }
    let set = options.breached.map(|path| Source { name: "breached".into(), is: Is::Breached, path: Some(path) });
    sources.extend(set);
    sources
}

impl Source {
    /// What it is called in `admit.toml`.
    fn section(&self) -> SmolStr {
        match self.is {
            Is::List(_) => smol_str::format_smolstr!("feeds.{}", self.name),
            Is::Geo(_) => smol_str::format_smolstr!("geo.{}", self.name),
            Is::Breached => self.name.clone(),
        }
    }

    fn fault(&self, why: &str) -> String {
        let path = self.path.as_ref().map_or_else(String::new, |path| format!(" `{}`", path.display()));
        format!("`{}`: the file{path} cannot be used: {why}", self.section())
    }

    /// None where there is no file.
    fn stamp(&self) -> Option<Stamp> {
        let about = std::fs::metadata(self.path.as_ref()?).ok()?;
        Some(Stamp { inode: about.ino(), length: about.len(), seconds: about.mtime(), nanos: about.mtime_nsec() })
    }

    /// Reads it. An error says why, and whether the file changed meanwhile.
    fn read(&self) -> Result<(Content, Option<Stamp>), (String, bool)> {
        let stamp = self.stamp();
        let content = match (&self.path, self.is) {
            (None, _) => Ok(Content::Registries),
            (Some(path), Is::List(_)) => {
                bytes(path, LARGEST_LIST).and_then(|bytes| Netset::read(&bytes)).map(Content::List)
            }
            (Some(path), Is::Geo(kind)) => {
                bytes(path, LARGEST_DATABASE).and_then(|bytes| Geo::read(kind, bytes)).map(Content::Geo)
            }
            (Some(path), Is::Breached) => Breached::open(path).map(Content::Breached),
        };
        let changed = stamp != self.stamp();
        match content {
            Ok(content) if !changed => Ok((content, stamp)),
            Ok(_) => Err(("it changed while it was read".to_owned(), true)),
            Err(why) => Err((why, changed)),
        }
    }

    fn status(&self, part: &Part) -> FeedStatus {
        let (entries, broken, broken_at, built_at) = match &*part.content {
            Content::List(list) => {
                let at = (list.broken > 0).then(|| list.first_broken());
                (list.entries, list.broken, at, None)
            }
            Content::Registries => (0, 0, None, None),
            Content::Geo(geo) => (geo.len(), 0, None, Some(geo.built_at())),
            Content::Breached(set) => (set.records(), 0, None, None),
        };
        let kind = match self.is {
            Is::List(kind) => kind.word(),
            Is::Geo(kind) => kind.word(),
            Is::Breached => "breached",
        };
        let problem = part.problem.clone();
        let path = self.path.clone();
        FeedStatus { name: self.section(), kind, path, entries, broken, broken_at, built_at, problem }
    }
}

/// The bytes of a file, bounded. What is no file (a pipe, a device) is not opened.
fn bytes(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let about = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("it is no file".to_owned());
    }
    if about.len() > most {
        return Err(format!("it is larger than {} MiB", most >> 20));
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0));
    file.take(most).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}
