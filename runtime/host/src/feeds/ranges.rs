//! Sets of addresses as sorted ranges: two binary searches' worth of memory a network, and a look-up touches a handful of
//! cache lines. Networks that overlap or meet are one range.

use std::net::IpAddr;

/// A set of addresses. IPv4 addresses that are written as IPv6 ones (`::ffff:1.2.3.4`) are IPv4 addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl Ranges {
    /// From ranges in any order, first and last address of each. A range of two families is left out.
    pub fn new(ranges: impl IntoIterator<Item = (IpAddr, IpAddr)>) -> Self {
        let mut set = Self::default();
        for (first, last) in ranges {
            match (first.to_canonical(), last.to_canonical()) {
                (IpAddr::V4(first), IpAddr::V4(last)) => set.v4.push((first.to_bits(), last.to_bits())),
                (IpAddr::V6(first), IpAddr::V6(last)) => set.v6.push((first.to_bits(), last.to_bits())),
                (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {}
            }
        }
        merge(&mut set.v4, |last| last.checked_add(1));
        merge(&mut set.v6, |last| last.checked_add(1));
        set
    }

    /// Whether it holds the address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => holds(&self.v4, address.to_bits()),
            IpAddr::V6(address) => holds(&self.v6, address.to_bits()),
        }
    }

    /// How many ranges it holds.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.v4.len().saturating_add(self.v6.len())
    }
}

fn holds<T: Ord + Copy>(ranges: &[(T, T)], address: T) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= address);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|(_, last)| address <= *last)
}

/// Sorts ranges and joins those that overlap or meet.
fn merge<T: Ord + Copy>(ranges: &mut Vec<(T, T)>, next: impl Fn(T) -> Option<T>) {
    ranges.retain(|(first, last)| first <= last);
    ranges.sort_unstable();
    ranges.dedup_by(|range, before| {
        let meets = next(before.1).is_none_or(|next| range.0 <= next);
        if meets {
            before.1 = before.1.max(range.1);
        }
        meets
    });
    ranges.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ranges: &[(&str, &str)]) -> Ranges {
        Ranges::new(ranges.iter().map(|(first, last)| (first.parse().unwrap(), last.parse().unwrap())))
    }

    #[test]
    fn a_set_holds_what_its_ranges_hold_and_nothing_beside_them() {
        let set = set(&[
            ("10.0.0.9", "10.0.0.20"),
            ("10.0.0.0", "10.0.0.10"),
            ("10.0.0.21", "10.0.0.21"),
            ("192.0.2.5", "192.0.2.4"),
            ("255.255.255.255", "255.255.255.255"),
            ("2001:db8::", "2001:db8::ffff"),
            ("::ffff:8.8.8.8", "::ffff:8.8.8.9"),
            ("0.0.0.0", "::"),
        ]);
        assert_eq!(set.len(), 4);
        for (address, held) in [
            ("10.0.0.0", true),
            ("10.0.0.21", true),
            ("10.0.0.22", false),
            ("9.255.255.255", false),
            ("0.0.0.0", false),
            ("192.0.2.4", false),
            ("255.255.255.255", true),
            ("8.8.8.8", true),
            ("::ffff:8.8.8.9", true),
            ("::ffff:8.8.8.10", false),
            ("2001:db8::", true),
            ("2001:db8::1:0", false),
            ("::", false),
        ] {
            assert_eq!(set.contains(address.parse().unwrap()), held, "{address}");
        }
        assert!(!Ranges::default().contains("8.8.8.8".parse().unwrap()));
    }

    /// Against the plainest implementation there is.
    #[test]
    fn a_look_up_agrees_with_looking_at_every_range() {
        let mut seed = 42_u32;
        let mut random = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 16
        };
        for _ in 0..200 {
            let ranges: Vec<(u32, u32)> = (0..random() % 12)
                .map(|_| {
                    let first = random() % 64;
                    (first, first + random() % 8)
                })
                .collect();
            let address = |bits: u32| IpAddr::V4(bits.into());
            let set = Ranges::new(ranges.iter().map(|(first, last)| (address(*first), address(*last))));
            for bits in 0..80 {
                let held = ranges.iter().any(|(first, last)| (*first..=*last).contains(&bits));
                assert_eq!(set.contains(address(bits)), held, "{bits} in {ranges:?}");
            }
        }
    }
}
