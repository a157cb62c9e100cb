//! Feeds from real files: what they say together, what a broken one does, and that they change while they are asked.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[path = "support/mmdb.rs"]
mod mmdb;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use admit_host::{FeedFiles, FeedKind, FeedOptions, FeedSource, build_breached};
use admit_runtime::feeds::Feeds as _;
use mmdb::database;
use serde_json::json;

fn list(folder: &Path, name: &str, kind: FeedKind, text: &str) -> FeedSource {
    let path = folder.join(format!("{name}.netset"));
    std::fs::write(&path, text).unwrap();
    FeedSource { name: name.into(), kind, path: Some(path) }
}

/// Puts a file in place in one step, as the pages say.
fn replace(path: &Path, bytes: impl AsRef<[u8]>) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, bytes).unwrap();
    std::fs::rename(beside, path).unwrap();
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn written(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn city() -> Vec<u8> {
    database(
        "GeoLite2-City",
        &[
            (
                "5.188.10.0/24",
                json!({
                    "country": { "iso_code": "IN" },
                    "subdivisions": [{ "iso_code": "MH" }, { "iso_code": "XX" }],
                    "city": { "names": { "en": "Pune" } },
                    "location": { "latitude": 18.52, "longitude": 73.86, "time_zone": "Asia/Kolkata" },
                }),
            ),
            ("5.188.11.0/24", json!({ "country": { "iso_code": "SE" } })),
            (
                "5.188.12.0/24",
                json!({ "country": { "iso_code": "sweden" }, "location": { "latitude": 918.5, "longitude": 1.5 } }),
            ),
            ("5.188.13.0/24", json!({ "country": 7 })),
            ("2a06:e480::/29", json!({ "country": { "iso_code": "NL" } })),
        ],
    )
}

#[test]
fn what_all_files_know_of_an_address_comes_together() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let options = FeedOptions {
        lists: vec![
            list(folder, "tor", FeedKind::Tor, "ExitAddress 5.188.10.7 2026-11-27 19:05:12\n"),
            list(folder, "vpn", FeedKind::Vpn, "5.188.10.0/25\n"),
            list(folder, "proxies", FeedKind::Proxy, "5.188.11.9\n"),
            list(folder, "clouds", FeedKind::Hosting, "2a06:e480::/29\n"),
            list(folder, "level1", FeedKind::Blocklist, "# comment\n5.188.10.0/24\n"),
            list(folder, "level2", FeedKind::Blocklist, "5.188.0.0/16\n"),
            list(folder, "mine", FeedKind::Bogon, "5.188.11.0/24\n"),
        ],
        city: Some(written(folder, "city.mmdb", city())),
        asn: Some(written(
            folder,
            "asn.mmdb",
            database(
                "GeoLite2-ASN",
                &[(
                    "5.188.0.0/16",
                    json!({ "autonomous_system_number": 64_496, "autonomous_system_organization": "Example Net" }),
                )],
            ),
        )),
        anonymous: Some(written(
            folder,
            "anonymous.mmdb",
            database(
                "GeoIP2-Anonymous-IP",
                &[(
                    "5.188.12.0/24",
                    json!({ "is_anonymous_vpn": true, "is_hosting_provider": true, "is_tor_exit_node": false }),
                )],
            ),
        )),
        ..FeedOptions::default()
    };
    let feeds = FeedFiles::open(options).unwrap();
    assert_eq!(feeds.lists(), ["level1", "level2"]);
    let facts = feeds.address(ip("5.188.10.7"));
    assert_eq!(facts.lists, ["level1", "level2"]);
    assert!(facts.is_tor && facts.is_vpn && !facts.is_proxy && !facts.is_hosting && !facts.is_bogon);
    let texts = [&facts.country, &facts.region, &facts.city, &facts.time_zone, &facts.org];
    assert_eq!(texts.map(|text| text.as_deref().unwrap()), ["IN", "IN-MH", "Pune", "Asia/Kolkata", "Example Net"]);
    assert_eq!((facts.asn, facts.position), (Some(64_496), Some((18.52, 73.86))));
    // An IPv6 form that holds an IPv4 address means that one.
    assert_eq!(feeds.address(ip("::ffff:5.188.10.7")), facts);

    let facts = feeds.address(ip("5.188.11.9"));
    assert!(facts.is_proxy && facts.is_bogon && !facts.is_tor);
    assert_eq!((facts.lists.len(), facts.country.as_deref(), facts.region), (1, Some("SE"), None));
    // What a database says that is no country, no degree of latitude or of another form is not known.
    let facts = feeds.address(ip("5.188.12.1"));
    assert!(facts.is_vpn && facts.is_hosting && !facts.is_tor);
    assert_eq!((facts.country, facts.position), (None, None));
    assert_eq!(feeds.address(ip("5.188.13.1")).country, None);
    let facts = feeds.address(ip("2a06:e487::1"));
    assert!(facts.is_hosting && facts.country.as_deref() == Some("NL") && facts.asn.is_none());
    assert_eq!(feeds.address(ip("9.9.9.9")), Default::default());
    let holding: Vec<String> = feeds.holding(ip("5.188.11.9")).iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(holding, ["proxies", "level2", "mine"]);
}

#[test]
fn addresses_that_registries_set_aside_are_bogons_only_where_that_is_asked_for() {
    let built_in = FeedSource { name: "bogons".into(), kind: FeedKind::Bogon, path: None };
    let feeds = FeedFiles::open(FeedOptions { lists: vec![built_in], ..FeedOptions::default() }).unwrap();
    for (address, bogon) in [
        ("203.0.113.9", true),
        ("10.1.2.3", true),
        ("127.0.0.1", true),
        ("::1", true),
        ("fe80::1", true),
        ("::ffff:192.168.0.1", true),
        ("8.8.8.8", false),
        ("::ffff:8.8.8.8", false),
        ("2606:4700:4700::1111", false),
    ] {
        assert_eq!(feeds.address(ip(address)).is_bogon, bogon, "{address}");
    }
    assert!(feeds.refresh().is_empty(), "there is no file to change");
    let none = FeedFiles::open(FeedOptions::default()).unwrap();
    assert!(!none.address(ip("203.0.113.9")).is_bogon, "who configures nothing is told nothing");
    assert_eq!(none.breached(&[0; 20]), None);
    assert_eq!(none.breached_ranges(), "https://api.pwnedpasswords.com/range");
}

#[test]
fn t40_files_that_cannot_be_read_stop_the_start_and_all_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let truncated = city();
    let options = FeedOptions {
        lists: vec![
            list(folder, "page", FeedKind::Blocklist, "<!doctype html>\n<title>403</title>\n"),
            list(folder, "empty", FeedKind::Tor, ""),
            FeedSource { name: "gone".into(), kind: FeedKind::Vpn, path: Some(folder.join("gone.txt")) },
            FeedSource { name: "folder".into(), kind: FeedKind::Vpn, path: Some(folder.to_owned()) },
            FeedSource { name: "device".into(), kind: FeedKind::Vpn, path: Some("/dev/zero".into()) },
            list(folder, "good", FeedKind::Blocklist, "8.8.8.8\n"),
        ],
        city: Some(written(folder, "city.mmdb", &truncated[..truncated.len() - 40])),
        asn: Some(written(folder, "asn.mmdb", city())),
        anonymous: Some(written(folder, "anonymous.mmdb", b"not one")),
        breached: Some(written(folder, "breached.bin", b"not one")),
        breached_ranges: None,
    };
    let Err(faults) = FeedFiles::open(options) else { panic!("it opened") };
    for (fault, (section, why)) in faults.iter().zip([
        ("`feeds.page`", "2 of its 2 lines cannot be read"),
        ("`feeds.empty`", "the file is empty"),
        ("`feeds.gone`", "No such file"),
        ("`feeds.folder`", "it is no file"),
        ("`feeds.device`", "it is no file"),
        ("`geo.city`", "no database in MaxMind's format"),
        ("`geo.asn`", "of the type `GeoLite2-City`, which does not answer `asn`"),
        ("`geo.anonymous`", "no database in MaxMind's format"),
        ("`breached`", "admit feeds build-breached"),
    ]) {
        assert!(fault.starts_with(section) && fault.contains(why), "{fault}");
    }
    assert_eq!(faults.len(), 9);
}

#[test]
fn every_byte_of_a_database_may_be_wrong_and_nothing_panics() {
    let folder = tempfile::tempdir().unwrap();
    let whole = city();
    let (mut refused, mut opened, mut seed) = (0, 0, 1_u64);
    for _ in 0..600 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut bytes = whole.clone();
        let at = usize::try_from(seed >> 33).unwrap() % bytes.len();
        bytes[at] ^= 1 << ((seed >> 20) & 7);
        let city = Some(written(folder.path(), "city.mmdb", bytes));
        match FeedFiles::open(FeedOptions { city, ..FeedOptions::default() }) {
            Err(_) => refused += 1,
            Ok(feeds) => {
                opened += 1;
                for address in ["5.188.10.7", "5.188.12.1", "2a06:e480::1", "9.9.9.9", "::1"] {
                    let facts = feeds.address(ip(address));
                    assert!(facts.country.is_none_or(|country| country.len() == 2));
                }
            }
        }
    }
    assert!(refused > 20 && opened > 20, "{refused} refused, {opened} opened");
}

#[test]
fn a_refresh_that_fails_keeps_the_old_copy_and_says_so_once() {
    let folder = tempfile::tempdir().unwrap();
    let source = list(folder.path(), "level1", FeedKind::Blocklist, "5.188.10.0/24\n");
    let path = source.path.clone().unwrap();
    let other = list(folder.path(), "tor", FeedKind::Tor, "5.188.10.1\n");
    let other_path = other.path.clone().unwrap();
    let feeds = FeedFiles::open(FeedOptions { lists: vec![source, other], ..FeedOptions::default() }).unwrap();
    let listed = |address: &str| !feeds.address(ip(address)).lists.is_empty();
    assert!(feeds.refresh().is_empty(), "nothing has changed");

    for bad in ["<html>\n", "", "nonsense\n8.8.8\n"] {
        replace(&path, bad);
        replace(&other_path, "5.188.10.2\n");
        let happened = feeds.refresh();
        let faults: Vec<_> = happened.iter().filter_map(|one| one.as_ref().err()).collect();
        assert!(faults.len() == 1 && faults[0].starts_with("`feeds.level1`"), "{happened:?}");
        assert!(
            happened.iter().any(|one| one.as_ref().is_ok_and(|status| status.name == "feeds.tor")),
            "the other is read"
        );
        assert!(listed("5.188.10.7"), "the old copy stays");
        assert!(feeds.address(ip("5.188.10.2")).is_tor);
        assert!(feeds.refresh().is_empty(), "it is not read again until it changes");
        assert!(feeds.status()[0].problem.is_some());
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(feeds.refresh().len(), 1);
    assert!(feeds.refresh().is_empty() && listed("5.188.10.7"));
    let (times, why) = feeds.status()[0].problem.clone().unwrap();
    assert!(times >= 4 && why.contains("No such file"), "{times} {why}");

    replace(&path, "9.9.9.9\nnonsense\n");
    let happened = feeds.refresh();
    let status = happened[0].as_ref().unwrap();
    assert_eq!((status.entries, status.broken, status.broken_at.as_deref()), (1, 1, Some("in line 2")));
    assert!(status.problem.is_none() && listed("9.9.9.9") && !listed("5.188.10.7"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn feeds_change_while_they_are_asked_and_no_answer_is_a_mixture() {
    let folder = tempfile::tempdir().unwrap();
    // Two networks that are always both listed or both not.
    let both = "5.188.10.0/24\n9.9.9.0/24\n";
    let neither = "1.1.1.1\n";
    let source = list(folder.path(), "level1", FeedKind::Blocklist, both);
    let path = source.path.clone().unwrap();
    let feeds = Arc::new(FeedFiles::open(FeedOptions { lists: vec![source], ..FeedOptions::default() }).unwrap());
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let watch = feeds.watch(Duration::from_millis(5), move |happened| log.lock().unwrap().push(happened));
    let stop = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = (0..2)
        .map(|_| {
            let (feeds, stop) = (Arc::clone(&feeds), Arc::clone(&stop));
            std::thread::spawn(move || {
                let (mut listed, mut free) = (0_u64, 0_u64);
                while !stop.load(Ordering::Relaxed) {
                    match feeds.address(ip("5.188.10.7")).lists.as_slice() {
                        [] => free += 1,
                        [name] => {
                            assert_eq!(name, "level1");
                            listed += 1;
                        }
                        more => panic!("{more:?}"),
                    }
                }
                (listed, free)
            })
        })
        .collect();
    for round in 0..10 {
        replace(&path, if round % 2 == 0 { neither } else { both });
        let wanted = round % 2 == 1;
        let is = || feeds.address(ip("9.9.9.9")).lists.len() == 1;
        for _ in 0..2_000 {
            if is() == wanted {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(is(), wanted, "round {round}");
    }
    replace(&path, "<html>\n");
    for _ in 0..2_000 {
        if told.lock().unwrap().iter().any(Result::is_err) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(feeds.address(ip("9.9.9.9")).lists.len(), 1, "the old copy stays");
    stop.store(true, Ordering::Relaxed);
    for thread in asking {
        let (listed, free) = thread.join().unwrap();
        assert!(listed > 0 && free > 0);
    }
    drop(watch);
    let said = told.lock().unwrap().len();
    replace(&path, neither);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(told.lock().unwrap().len(), said, "nobody watches any more");
    assert_eq!(feeds.address(ip("9.9.9.9")).lists.len(), 1);
}

#[test]
fn the_offline_set_is_opened_anew_when_it_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let build = |name: &str, lines: &str| {
        let dump = written(folder.path(), "dump.txt", lines);
        let to = folder.path().join(name);
        build_breached(&dump, &to, 1).unwrap();
        to
    };
    // SHA-1 of `password` and of `123456`.
    let password = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8";
    let digits = "7C4A8D09CA3762AF61E59520943DC26494F8941B";
    let bytes =
        |hex: &str| -> [u8; 20] { std::array::from_fn(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()) };
    let path = build("breached.bin", &format!("{password}:12\n"));
    let feeds = FeedFiles::open(FeedOptions { breached: Some(path.clone()), ..FeedOptions::default() }).unwrap();
    assert_eq!(feeds.breached(&bytes(password)), Some(Ok(12)));
    assert_eq!(feeds.breached(&bytes(digits)), Some(Ok(0)));
    feeds.verify().unwrap();
    let newer = build("newer.bin", &format!("{password}:13\n{digits}:5\n"));
    std::fs::rename(newer, &path).unwrap();
    assert_eq!(feeds.breached(&bytes(digits)), Some(Ok(0)), "the old one is asked until the refresh");
    assert_eq!(feeds.refresh()[0].as_ref().unwrap().entries, 2);
    assert_eq!(feeds.breached(&bytes(digits)), Some(Ok(5)));
    replace(&path, "nothing");
    assert!(feeds.refresh()[0].is_err());
    assert_eq!(feeds.breached(&bytes(password)), Some(Ok(13)), "the old one stays open");
}
