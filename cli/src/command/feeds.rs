//! `admit feeds`: the files behind risk signals, checked, listed and asked; and the offline set of breached passwords, built.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use admit_compiler::render::sanitize;
use admit_host::{FeedFiles, FeedOptions, FeedStatus, build_breached};
use admit_runtime::feeds::Feeds as _;
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::output::{Output, note, print};
use crate::project;
use crate::world;

/// Arguments of `admit feeds`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    what: What,
}

/// What to do with feeds.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Read every file in full, and say what is wrong with each
    Check(Of),
    /// List the files with what they hold
    List(Of),
    /// Say what they know of an address
    Lookup(Lookup),
    /// Build the offline set of breached passwords from a dump of SHA-1 hashes
    BuildBreached(Build),
}

/// Whose feeds.
#[derive(Debug, clap::Args)]
struct Of {
    /// The project's folder
    #[arg(default_value = ".")]
    path: PathBuf,
    /// The settings of this `[env.NAME]` of admit.toml
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
}

/// Arguments of `admit feeds lookup`.
#[derive(Debug, clap::Args)]
struct Lookup {
    /// The address
    address: IpAddr,
    /// Whose feeds
    #[command(flatten)]
    of: Of,
}

/// Arguments of `admit feeds build-breached`.
#[derive(Debug, clap::Args)]
struct Build {
    /// A file of `SHA1:COUNT` lines ordered by hash, or a folder of range files
    dump: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Leave out what was seen more rarely
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    min_count: u64,
}

/// Does it.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    match &args.what {
        What::Check(of) => check(of, output),
        What::List(of) => {
            list(&open(of)?.status(), output);
            Ok(Exit::Ok)
        }
        What::Lookup(lookup) => {
            let feeds = open(&lookup.of)?;
            tell(&feeds, lookup.address, output);
            Ok(Exit::Ok)
        }
        What::BuildBreached(build) => built(build, output),
    }
}

fn options(of: &Of) -> Result<FeedOptions, Failure> {
    let loaded = project::load(&of.path)?;
    Ok(world::feed_options(loaded.settings(of.env.as_deref())?, loaded.root.as_deref()))
}

fn open(of: &Of) -> Result<FeedFiles, Failure> {
    world::feeds(options(of)?)
}

fn check(of: &Of, output: &Output) -> Result<Exit, Failure> {
    let faults = match FeedFiles::open(options(of)?) {
        Err(faults) => faults,
        Ok(feeds) => {
            let fault = feeds.verify().err();
            list(&feeds.status(), output);
            fault.into_iter().collect()
        }
    };
    for fault in &faults {
        note(&format!("error: {}\n", sanitize::lines(fault)));
    }
    Ok(if faults.is_empty() { Exit::Ok } else { Exit::Findings })
}

fn list(feeds: &[FeedStatus], output: &Output) {
    let shown = |path: &Option<PathBuf>| path.as_deref().map(|path| path.display().to_string());
    if !output.human() {
        let feeds: Vec<_> = feeds
            .iter()
            .map(|feed| {
                json!({
                    "name": feed.name.as_str(),
                    "kind": feed.kind,
                    "path": shown(&feed.path),
                    "entries": feed.entries,
                    "broken": feed.broken,
                    "built_at": feed.built_at,
                })
            })
            .collect();
        print(&format!("{}\n", json!({ "feeds": feeds })));
        return;
    }
    if feeds.is_empty() {
        note("no feeds: `[feeds.NAME]`, `[geo]` and `[breached]` of admit.toml name their files\n");
    }
    for feed in feeds {
        let what = match feed.kind {
            "city" | "asn" | "anonymous" => "nodes",
            "breached" => "hashes",
            _ => "entries",
        };
        let path = shown(&feed.path);
        let line = match &path {
            Some(path) => format!("{:<9}  {} {what}  {}", feed.kind, feed.entries, sanitize::lines(path)),
            None => format!("{:<9}  what registries set aside", feed.kind),
        };
        print(&format!("{:<24}  {line}\n", feed.name));
        if let Some(at) = &feed.broken_at {
            note(&format!(
                "warning: `{}`: {} lines cannot be read and are left out, the first {at}\n",
                feed.name, feed.broken
            ));
        }
    }
}

fn tell(feeds: &FeedFiles, address: IpAddr, output: &Output) {
    let facts = feeds.address(address);
    let lists = feeds.holding(address);
    if !output.human() {
        let lists: Vec<_> =
            lists.iter().map(|(name, kind)| json!({ "name": name.as_str(), "kind": kind.word() })).collect();
        let facts = json!({
            "address": address.to_canonical().to_string(),
            "feeds": lists,
            "is_tor": facts.is_tor,
            "is_vpn": facts.is_vpn,
            "is_proxy": facts.is_proxy,
            "is_hosting": facts.is_hosting,
            "is_bogon": facts.is_bogon,
            "country": facts.country.as_deref(),
            "region": facts.region.as_deref(),
            "city": facts.city.as_deref(),
            "position": facts.position.map(|(lat, long)| [lat, long]),
            "time_zone": facts.time_zone.as_deref(),
            "asn": facts.asn,
            "org": facts.org.as_deref(),
        });
        print(&format!("{facts}\n"));
        return;
    }
    let mut lines = Vec::new();
    lines.extend(lists.iter().map(|(name, kind)| ("held by", format!("feeds.{name} ({})", kind.word()))));
    let flags = [
        ("Tor", facts.is_tor),
        ("VPN", facts.is_vpn),
        ("proxy", facts.is_proxy),
        ("hosting", facts.is_hosting),
        ("bogon", facts.is_bogon),
    ];
    let flags: Vec<&str> = flags.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect();
    if !flags.is_empty() {
        lines.push(("is", flags.join(", ")));
    }
    let place: Vec<&str> =
        [&facts.city, &facts.region, &facts.country].into_iter().filter_map(|part| part.as_deref()).collect();
    if !place.is_empty() {
        lines.push(("place", place.join(", ")));
    }
    let network: Vec<String> =
        facts.asn.map(|number| format!("AS{number}")).into_iter().chain(facts.org.map(|org| org.to_string())).collect();
    if !network.is_empty() {
        lines.push(("network", network.join(" ")));
    }
    if lines.is_empty() {
        print(&format!("nothing is known of {}\n", address.to_canonical()));
    }
    for (name, value) in lines {
        print(&format!("{name:<8} {}\n", sanitize::lines(&value)));
    }
}

fn built(build: &Build, output: &Output) -> Result<Exit, Failure> {
    let built = build_breached(&build.dump, &build.out, build.min_count).map_err(|why| {
        Failure::new(why)
            .help("nothing was written; see `https://haveibeenpwned.com/Passwords` for the dump of SHA-1 hashes")
    })?;
    if !output.human() {
        let built =
            json!({ "records": built.records, "rare": built.rare, "broken": built.broken, "bytes": built.bytes });
        print(&format!("{built}\n"));
        return Ok(Exit::Ok);
    }
    let rare = match built.rare {
        0 => String::new(),
        rare => format!(", {rare} seen fewer than {} times left out", build.min_count),
    };
    print(&format!("{} hashes in {} bytes{rare}\n", built.records, built.bytes));
    if built.broken > 0 {
        note(&format!("warning: {} lines of the dump cannot be read and are left out\n", built.broken));
    }
    let shown = shown_from_project(&build.out);
    note(&format!("name it in admit.toml: below `[breached]`, `file = \"{shown}\"`\n"));
    Ok(Exit::Ok)
}

/// The path as `admit.toml` of the project around it writes it; as it is where there is none.
fn shown_from_project(path: &Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let root = whole.parent().and_then(crate::files::project_root);
    let root = root.and_then(|root| std::path::absolute(root).ok());
    let shown = root.as_deref().and_then(|root| whole.strip_prefix(root).ok()).unwrap_or(path);
    sanitize::lines(&shown.display().to_string()).to_string()
}
