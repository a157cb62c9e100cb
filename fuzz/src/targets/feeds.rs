//! Feeds: a list holds the addresses of its lines and no other, the offline set of breached passwords what it was built from,
//! and hostile bytes are refused or answered without a panic.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use admit_host::{FeedFiles, FeedKind, FeedOptions, FeedSource, build_breached};
use admit_runtime::feeds::Feeds as _;

use super::Target;
use crate::choices::Choices;
use crate::histogram;

/// The target.
pub const TARGET: Target = Target {
    name: "feeds",
    promise: "lists and sets hold what their files say, and hostile files are refused or answered",
    run,
    kinds,
};

const KINDS: [&str; 8] = ["list", "held", "free", "set", "seen", "unseen", "refused", "opened"];

/// Runs one input: the first choice says what becomes of the rest.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let Ok(folder) = tempfile::tempdir() else { return };
    match choices.below(4) {
        0 => hostile(&mut choices, folder.path()),
        1 => set(&mut choices, folder.path()),
        _ => list(&mut choices, folder.path()),
    }
}

/// What is asked and answered.
pub fn kinds() -> Vec<String> {
    KINDS.map(str::to_owned).into()
}

/// The same bytes as each kind of file. Half of them begin as one does.
fn hostile(choices: &mut Choices<'_>, folder: &Path) {
    let begins: &[u8] = match choices.below(4) {
        0 => b"admit-breached 1",
        1 => b"1.2.3.4\n",
        _ => b"",
    };
    let bytes = [begins, choices.rest()].concat();
    let Some(path) = written(folder, "hostile", &bytes) else { return };
    let some = || Some(path.clone());
    let list = FeedSource { name: "list".into(), kind: FeedKind::Blocklist, path: some() };
    for options in [
        FeedOptions { lists: vec![list], ..FeedOptions::default() },
        FeedOptions { city: some(), ..FeedOptions::default() },
        FeedOptions { anonymous: some(), ..FeedOptions::default() },
        FeedOptions { breached: some(), ..FeedOptions::default() },
    ] {
        let Ok(feeds) = FeedFiles::open(options) else {
            histogram::count("refused");
            continue;
        };
        histogram::count("opened");
        let _ = feeds.address(IpAddr::V4(Ipv4Addr::new(1, 2, 3, 4)));
        let _ = feeds.address(IpAddr::V6(Ipv6Addr::LOCALHOST));
        let _ = (feeds.breached(&[0x5b; 20]), feeds.verify());
    }
    let _ = build_breached(&path, &folder.join("built"), 1);
}

/// Lines in every form, from a small range of addresses so that they overlap; each address is held where any line has it.
fn list(choices: &mut Choices<'_>, folder: &Path) {
    let mut text = "# a list\n".to_owned();
    let mut ranges = Vec::new();
    for _ in 0..choices.below(12) {
        let (first, more) = (small(choices), small(choices) % 9);
        let last = first + more;
        let (line, range) = match choices.below(5) {
            0 => (v4(first).to_string(), (first, first)),
            1 => (format!("{}-{}", v4(first), v4(last)), (first, last)),
            2 => (format!("  {} - {} ; note", v4(first), v4(last)), (first, last)),
            3 => (format!("ExitAddress {} 2026-11-27 19:05:12", v4(first)), (first, first)),
            _ => {
                let length = 24 + more;
                let size = 1_u32 << (32 - length);
                (format!("{}/{length} # {more}", v4(first)), (first / size * size, first / size * size + size - 1))
            }
        };
        text.push_str(&line);
        text.push_str(if choices.below(2) == 0 { "\n" } else { "\r\n" });
        ranges.push(range);
    }
    let Some(path) = written(folder, "list", text.as_bytes()) else { return };
    let source = FeedSource { name: "list".into(), kind: FeedKind::Blocklist, path: Some(path) };
    let feeds = FeedFiles::open(FeedOptions { lists: vec![source], ..FeedOptions::default() });
    assert!(feeds.is_ok(), "a list is refused: {text}");
    let Ok(feeds) = feeds else { return };
    histogram::count("list");
    for offset in 0..320 {
        let holds = ranges.iter().any(|(first, last)| (*first..=*last).contains(&offset));
        histogram::count(if holds { "held" } else { "free" });
        let address = v4(offset);
        for form in [IpAddr::V4(address), IpAddr::V6(address.to_ipv6_mapped())] {
            assert_eq!(!feeds.address(form).lists.is_empty(), holds, "{form} in\n{text}");
        }
    }
}

/// Hashes that differ in the seven bytes that are kept; what was seen is found with no smaller count, what was not is not.
fn set(choices: &mut Choices<'_>, folder: &Path) {
    let mut counts = BTreeMap::new();
    for _ in 0..=choices.below(24) {
        counts.insert(hash(choices), 1 + u64::from(choices.byte()) * u64::from(choices.byte()));
    }
    let hex = |hash: &[u8; 20]| hash.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    let lines: String = counts.iter().map(|(hash, count)| format!("{}:{count}\n", hex(hash))).collect();
    let Some(dump) = written(folder, "dump", lines.as_bytes()) else { return };
    let path = folder.join("set");
    let built = build_breached(&dump, &path, 1);
    assert!(built.as_ref().is_ok_and(|built| built.records == counts.len() as u64), "{built:?} of\n{lines}");
    let Ok(feeds) = FeedFiles::open(FeedOptions { breached: Some(path), ..FeedOptions::default() }) else { return };
    histogram::count("set");
    for (hash, count) in &counts {
        let found = feeds.breached(hash).and_then(Result::ok).unwrap_or(0);
        assert!(found >= *count && found <= count + count / 8, "{} was seen {count} times, not {found}", hex(hash));
        histogram::count("seen");
    }
    for _ in 0..8 {
        let other = hash(choices);
        if !counts.contains_key(&other) {
            assert_eq!(feeds.breached(&other), Some(Ok(0)), "{} was never seen", hex(&other));
            histogram::count("unseen");
        }
    }
}

/// Few first bytes, so that hashes fall together.
fn hash(choices: &mut Choices<'_>) -> [u8; 20] {
    let mut hash = [0; 20];
    for (at, byte) in hash.iter_mut().enumerate().take(7) {
        *byte = if at < 5 { choices.byte() & 3 } else { choices.byte() };
    }
    hash
}

fn small(choices: &mut Choices<'_>) -> u32 {
    u32::from(choices.byte())
}

fn v4(offset: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0500_0000 + offset)
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> Option<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, bytes).ok().map(|()| path)
}
