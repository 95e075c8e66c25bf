//! Network addresses as the limiters count them.

use std::net::IpAddr;

/// What every address that cannot be read is counted as: one common subject, so that a missing
/// or forged address never buys fresh attempts.
pub const UNKNOWN: &str = "unknown";

/// The text that an address is counted under: an IPv4 address as it is (also when it comes
/// mapped into IPv6), an IPv6 address by its /64, because one customer owns all of that.
#[must_use]
pub fn counted_as(ip: &str) -> String {
    match ip.trim().parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(ip)) => ip.to_string(),
        Ok(IpAddr::V6(ip)) => {
            let network = (ip.to_bits() >> 64) << 64;
            format!("{}/64", std::net::Ipv6Addr::from_bits(network))
        }
        Err(_) => UNKNOWN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_counted_by_its_owner() {
        for (ip, counted) in [
            ("203.0.113.9", "203.0.113.9"),
            (" 203.0.113.9 ", "203.0.113.9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:0DB8:0001:0002::", "2001:db8:1:2::/64"),
            ("::1", "::/64"),
            ("", "unknown"),
            ("unknown", "unknown"),
            ("203.0.113.9, 10.0.0.1", "unknown"),
            ("203.0.113.9:443", "unknown"),
        ] {
            assert_eq!(counted_as(ip), counted, "{ip}");
        }
    }
}
