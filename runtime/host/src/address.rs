//! Which addresses are public. Everything that a registry sets aside is not (IANA special-purpose registries,
//! RFC 6890), whatever notation it came in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 blocks that are not public: address and prefix length.
const SPECIAL_V4: [([u8; 4], u32); 16] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 31, 196, 0], 24),
    ([192, 52, 193, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    // Multicast, reserved and broadcast: 224.0.0.0 to the end.
    ([224, 0, 0, 0], 3),
];

/// Blocks inside 2000::/3, the only global unicast space, that are not public: first 32 bits and prefix length.
const SPECIAL_V6: [(u32, u32); 5] = [
    // Protocol assignments: Teredo, ORCHID, benchmarking.
    (0x2001_0000, 23),
    // Documentation.
    (0x2001_0db8, 32),
    // 6to4, which holds IPv4 addresses.
    (0x2002_0000, 16),
    // AS112.
    (0x2620_004f, 32),
    // Documentation.
    (0x3fff_0000, 20),
];

/// True if a host on the public internet may have the address. Forms of IPv6 that hold an IPv4 address (mapped,
/// translated, 6to4, Teredo) are not public: no name needs them.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !SPECIAL_V4.iter().any(|(block, length)| same_prefix(bits, u32::from_be_bytes(*block), *length))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let bits = (u32::from(a) << 16) | u32::from(b);
    same_prefix(bits, 0x2000_0000, 3) && !SPECIAL_V6.iter().any(|(block, length)| same_prefix(bits, *block, *length))
}

/// `length` is 1 to 32.
fn same_prefix(a: u32, b: u32, length: u32) -> bool {
    (a ^ b).checked_shr(32 - length).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_end_where_the_registries_say() {
        for (inside, outside) in [
            ("0.255.255.255", "1.0.0.0"),
            ("10.0.0.0", "9.255.255.255"),
            ("100.64.0.0", "100.63.255.255"),
            ("100.127.255.255", "100.128.0.0"),
            ("127.255.255.255", "128.0.0.0"),
            ("172.31.255.255", "172.32.0.0"),
            ("192.168.0.0", "192.167.255.255"),
            ("198.19.255.255", "198.20.0.0"),
            ("224.0.0.0", "223.255.255.255"),
            ("255.255.255.255", "8.8.8.8"),
            ("::1", "2606:4700:4700::1111"),
            ("2001:1ff:ffff::", "2001:200::"),
            ("2001:db8:ffff::", "2001:db9::"),
            ("2002:ffff::", "2003::"),
            ("3fff:fff::", "3fff:1000::"),
            ("4000::", "2000::1"),
            ("::ffff:8.8.8.8", "2a00::1"),
            ("fe80::1", "2001:4860:4860::8888"),
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }
}
