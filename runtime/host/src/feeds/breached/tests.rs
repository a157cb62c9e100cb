//! The offline set: what is built is found again, what is broken is refused.

use super::*;

fn sha1(text: &str) -> [u8; 20] {
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()).as_ref().try_into().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Lines of passwords `p0`, `p1`, ..., seen 1, 2, ... times, ordered by hash.
fn dump(count: u64) -> Vec<(String, u64)> {
    let mut lines: Vec<(String, u64)> = (0..count).map(|n| (hex(&sha1(&format!("p{n}"))), n + 1)).collect();
    lines.sort();
    lines
}

fn text(lines: &[(String, u64)]) -> String {
    lines.iter().map(|(hash, count)| format!("{hash}:{count}\r\n")).collect()
}

#[test]
fn counts_are_exact_to_fifteen_and_rounded_up_by_at_most_an_eighth() {
    let mut codes = Vec::new();
    for count in (0..100_000).chain((17..33).map(|bits| (1 << bits) - 1)).chain([3_861_493, 52_579_153, 10_u64.pow(10)])
    {
        let kept = sightings(code(count));
        assert!(kept >= count && (count < 16 && kept == count || kept - count <= count / 8), "{count} became {kept}");
        codes.push((count, code(count)));
    }
    codes.sort_unstable();
    assert!(codes.is_sorted_by_key(|(_, code)| *code), "more is never less");
    assert_eq!(code(u64::MAX), u8::MAX);
}

#[test]
fn what_is_built_is_found_again_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("dump.txt"), folder.path().join("breached.bin"));
    let lines = dump(5_000);
    std::fs::write(&from, text(&lines)).unwrap();
    let built = build(&from, &to, 1).unwrap();
    assert_eq!((built.records, built.rare, built.broken), (5_000, 0, 0));
    let set = Breached::open(&to).unwrap();
    set.verify().unwrap();
    assert_eq!(set.records(), 5_000);
    for n in 0..5_000 {
        assert_eq!(set.count(&sha1(&format!("p{n}"))), Ok(sightings(code(n + 1))), "p{n}");
        assert_eq!(set.count(&sha1(&format!("other {n}"))), Ok(0), "other {n}");
    }
    assert_eq!(set.count(&[0; 20]), Ok(0));
    assert_eq!(set.count(&[255; 20]), Ok(0));
    // The same as range files, which are padded with lines that were seen never.
    let ranges = folder.path().join("ranges");
    std::fs::create_dir(&ranges).unwrap();
    for (hash, count) in &lines {
        let (prefix, suffix) = hash.split_at(5);
        let path = ranges.join(format!("{prefix}.txt"));
        let before = std::fs::read_to_string(&path).unwrap_or_else(|_| format!("{}:0\n", "0".repeat(35)));
        std::fs::write(path, format!("{before}{suffix}:{count}\n")).unwrap();
    }
    std::fs::write(ranges.join("README.md"), "not a range").unwrap();
    let again = folder.path().join("again.bin");
    assert_eq!(build(&ranges, &again, 1).unwrap().records, 5_000);
    assert_eq!(std::fs::read(&again).unwrap(), std::fs::read(&to).unwrap());
    assert_eq!(
        build(&from, &again, 4_001).unwrap(),
        Built { records: 1_000, rare: 4_000, ..Built { broken: 0, bytes: built.bytes - 24_000, ..built } }
    );
}

#[test]
fn a_dump_that_is_none_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("dump.txt"), folder.path().join("breached.bin"));
    let good = dump(50);
    let mut unordered = good.clone();
    unordered.swap(3, 30);
    let hash = &good.first().unwrap().0;
    for (dump, why) in [
        (String::new(), "no hash"),
        ("<html>\n".repeat(5), "no hash"),
        ("password:3\n".repeat(11), "11 lines"),
        (text(&unordered), "out of order"),
        (format!("{hash}\n{hash}:\n{hash}:-1\n{hash}:1e3\n{hash}0:1\n:1\n"), "no hash"),
        (format!("{hash}:9999999999999\n"), "no hash"),
        ("A".repeat(100_000), "lines of the dump"),
    ] {
        std::fs::write(&from, dump).unwrap();
        let error = build(&from, &to, 1).unwrap_err();
        assert!(error.contains(why), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }
    std::fs::write(&from, [b"\xff\xfe\n", text(&good).as_bytes()].concat()).unwrap();
    assert_eq!(build(&from, &to, 1).unwrap().broken, 1);
    assert!(build(&folder.path().join("nothing"), &to, 1).unwrap_err().contains("cannot read"));
    assert!(build(folder.path(), &to, 1).unwrap_err().contains("no range files"));
    assert!(build(&from, &folder.path().join("no/where"), 1).unwrap_err().contains("cannot write"));
}

#[test]
fn a_file_that_was_cut_or_changed_is_refused_or_answers_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("dump.txt"), folder.path().join("breached.bin"));
    std::fs::write(&from, text(&dump(40))).unwrap();
    build(&from, &to, 1).unwrap();
    let whole = std::fs::read(&to).unwrap();
    for length in [0, 1, 15, 16, 23, 24, 100, whole.len() - 1] {
        std::fs::write(&to, whole.get(..length).unwrap()).unwrap();
        assert!(Breached::open(&to).is_err(), "{length} bytes");
    }
    std::fs::write(&to, [whole.as_slice(), b"x"].concat()).unwrap();
    assert!(Breached::open(&to).is_err());
    let mut seed = 7_usize;
    for _ in 0..200 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut changed = whole.clone();
        let at = (seed >> 33) % changed.len();
        *changed.get_mut(at).unwrap() ^= 1 << ((seed >> 20) & 7);
        std::fs::write(&to, &changed).unwrap();
        let Ok(set) = Breached::open(&to) else { continue };
        assert!(set.verify().is_err(), "byte {at}");
        for n in 0..40 {
            // An answer or an error, whatever it says.
            let _ = set.count(&sha1(&format!("p{n}")));
        }
    }
    assert!(Breached::open(folder.path()).is_err());
}
