//! Lists of addresses: the netsets and ipsets of FireHOL, Spamhaus' DROP, Tor's exit lists, and whatever holds one address,
//! network or range a line. A line that is none of these is left out and counted; a file with too many of them is none.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::ranges::Ranges;

/// So many lines of a file may be broken whatever its size.
const FORGIVEN: u64 = 10;
/// Beyond that, one line in so many.
const SHARE: u64 = 100;
/// Broken lines that are told by their numbers.
const TOLD: usize = 5;

/// A list that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Netset {
    /// Its addresses.
    pub ranges: Ranges,
    /// Lines that hold an address, network or range.
    pub entries: u64,
    /// Lines that could not be read.
    pub broken: u64,
    /// The numbers of the first of them, from 1.
    pub broken_lines: Vec<u64>,
}

/// What a line holds.
enum Line {
    Nothing,
    Range(IpAddr, IpAddr),
    Broken,
}

impl Netset {
    /// Reads a list.
    ///
    /// # Errors
    /// It is empty, as a failed download leaves it, or too much of it cannot be read: more than ten lines and more than one
    /// in a hundred, or all of them.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        if bytes.trim_ascii().is_empty() {
            return Err("the file is empty".to_owned());
        }
        let mut set = Self::default();
        let mut ranges = Vec::new();
        for (number, line) in (1_u64..).zip(bytes.split(|byte| *byte == b'\n')) {
            match std::str::from_utf8(line).map_or(Line::Broken, read_line) {
                Line::Nothing => {}
                Line::Range(first, last) => {
                    set.entries += 1;
                    ranges.push((first, last));
                }
                Line::Broken => {
                    set.broken += 1;
                    if set.broken_lines.len() < TOLD {
                        set.broken_lines.push(number);
                    }
                }
            }
        }
        let too_many = set.broken > FORGIVEN && set.broken > (set.entries + set.broken) / SHARE;
        if too_many || (set.entries == 0 && set.broken > 0) {
            let (broken, all) = (set.broken, set.entries + set.broken);
            return Err(format!("{broken} of its {all} lines cannot be read, the first {}", set.first_broken()));
        }
        set.ranges = Ranges::new(ranges);
        Ok(set)
    }

    /// The first broken lines in words: `in line 3`, `in lines 3, 8`.
    pub fn first_broken(&self) -> String {
        let numbers: Vec<String> = self.broken_lines.iter().map(u64::to_string).collect();
        format!("in line{} {}", if numbers.len() == 1 { "" } else { "s" }, numbers.join(", "))
    }
}

fn read_line(line: &str) -> Line {
    // Comments: `#` of FireHOL, `;` of Spamhaus, to the end of the line.
    let line = line.trim_start_matches('\u{feff}').split(['#', ';']).next().unwrap_or_default().trim();
    if line.is_empty() {
        return Line::Nothing;
    }
    let mut words = line.split_ascii_whitespace();
    let range = match words.next() {
        // Tor's `exit-addresses`: the address, and when it was seen; three other lines for each exit.
        Some("ExitNode" | "Published" | "LastStatus") => return Line::Nothing,
        Some("ExitAddress") => words.next().and_then(network),
        Some(_) | None => match line.split_once('-') {
            Some((first, last)) => between(first.trim(), last.trim()),
            None => network(line),
        },
    };
    match range {
        // A list that holds the whole of a family says nothing of any address: it is a mistake, or an attack.
        Some((first, last)) if !is_whole(first, last) => Line::Range(first, last),
        Some(_) | None => Line::Broken,
    }
}

/// An address or a network. Bits below the prefix are ignored: lists write `10.0.0.1/8`.
fn network(text: &str) -> Option<(IpAddr, IpAddr)> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some((address, address));
    }
    let network: IpNet = text.parse().ok()?;
    let (first, last) = (network.network(), network.broadcast());
    // `::ffff:0:0/80` is no network of IPv4 and none of IPv6 either.
    (first.to_canonical().is_ipv4() == last.to_canonical().is_ipv4()).then_some((first, last))
}

fn between(first: &str, last: &str) -> Option<(IpAddr, IpAddr)> {
    let (first, last): (IpAddr, IpAddr) = (first.parse().ok()?, last.parse().ok()?);
    let (first, last) = (first.to_canonical(), last.to_canonical());
    (first.is_ipv4() == last.is_ipv4() && first <= last).then_some((first, last))
}

/// More than an eighth of IPv4, or all of global unicast IPv6 (2000::/3): lists of bogons hold whole eighths.
fn is_whole(first: IpAddr, last: IpAddr) -> bool {
    match (first.to_canonical(), last.to_canonical()) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            last.to_bits() - first.to_bits() > Ipv4Addr::new(31, 255, 255, 255).to_bits()
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            let (start, end) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0));
            first <= start && last >= end
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(set: &Netset, address: &str) -> bool {
        set.ranges.contains(address.parse().unwrap())
    }

    #[test]
    fn every_form_of_a_line_is_read() {
        let text = "\u{feff}# FireHOL\n#\n1.10.16.0/20\r\n2.56.192.0/22 ; SBL459831\n  5.188.10.7  # one\n\n\
                    5.188.11.0-5.188.11.9\n5.188.12.1 - 5.188.12.3\n2a06:e480::/29\n2001:db8::5\n::ffff:9.9.9.9\n\
                    10.0.0.1/8\nExitNode 0011BD2485AD45D984EC4159C88FC066E5E3300E\nPublished 2026-11-27 18:00:00\n\
                    LastStatus 2026-11-27 19:00:00\nExitAddress 162.247.74.201 2026-11-27 19:05:12\n224.0.0.0/3\n";
        let set = Netset::read(text.as_bytes()).unwrap();
        assert_eq!((set.entries, set.broken), (11, 0));
        for (address, held) in [
            ("1.10.31.255", true),
            ("1.10.32.0", false),
            ("2.56.195.1", true),
            ("5.188.10.7", true),
            ("5.188.10.8", false),
            ("5.188.11.9", true),
            ("5.188.12.0", false),
            ("5.188.12.3", true),
            ("2a06:e487:ffff::1", true),
            ("2a06:e488::", false),
            ("2001:db8::5", true),
            ("9.9.9.9", true),
            ("::ffff:5.188.10.7", true),
            ("10.255.255.255", true),
            ("162.247.74.201", true),
            ("255.255.255.255", true),
        ] {
            assert_eq!(holds(&set, address), held, "{address}");
        }
    }

    #[test]
    fn broken_lines_are_counted_and_too_many_refuse_the_file() {
        let broken = [
            "1.2.3",
            "1.2.3.4/33",
            "1.2.3.256",
            "01.2.3.4",
            "1.2.3.4-",
            "9.0.0.0-8.0.0.0",
            "1.2.3.4-::1",
            "::/0",
            "0.0.0.0/0",
            "128.0.0.0/1",
            "0.0.0.0 - 255.255.255.255",
            "::1/129",
            "fe80::1%eth0",
            "example.com",
            "1.2.3.4 5.6.7.8",
            "<html>",
            "ExitAddress",
            "ExitAddress x",
            "::ffff:0:0/80",
            "1.2.3.4/-1",
            "1.2.3.4//8",
            "0x7f.0.0.1",
            "١.2.3.4",
        ];
        for line in broken {
            let set = Netset::read(format!("8.8.8.8\n{line}\n").as_bytes()).unwrap();
            assert_eq!((set.entries, set.broken, &set.broken_lines), (1, 1, &vec![2]), "{line}");
            assert_eq!(set.ranges.len(), 1, "{line}");
        }
        let good: String = (0..2_000).map(|number| format!("1.2.{}.{}\n", number / 250, number % 250)).collect();
        let with = |count: usize| Netset::read(format!("{}{good}", "nonsense\n".repeat(count)).as_bytes());
        assert_eq!(with(20).unwrap().broken, 20);
        assert_eq!(with(21).unwrap_err(), "21 of its 2021 lines cannot be read, the first in lines 1, 2, 3, 4, 5");
        let page = "<!doctype html>\n<title>503</title>\n";
        assert_eq!(
            Netset::read(page.as_bytes()).unwrap_err(),
            "2 of its 2 lines cannot be read, the first in lines 1, 2"
        );
        let mut binary = b"8.8.8.8\n\xff\xfe\x00\n".to_vec();
        assert_eq!(Netset::read(&binary).unwrap().broken, 1);
        binary.truncate(0);
        assert_eq!(Netset::read(&binary).unwrap_err(), "the file is empty");
        assert_eq!(Netset::read(b" \n\r\n\t").unwrap_err(), "the file is empty");
        assert_eq!(Netset::read(b"# nobody today\n").unwrap(), Netset::default());
    }
}
