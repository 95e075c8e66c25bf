//! Ports for those who have to know theirs before they listen, or listen on it again.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// Below all that systems give to connections and to who asks for any port: between the look at one of those and the listening, or while its listener
/// is started anew, anybody may be given it.
const FIRST: u32 = 11_000;
const COUNT: u32 = 20_000;

/// An address that nobody listens at, and each time another.
pub(crate) fn free() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes side by side begin in different places.
    let begin = std::process::id().wrapping_mul(7_919);
    (0..COUNT)
        .map(|_| begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT)
        .filter_map(|n| u16::try_from(FIRST + n).ok())
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .find(|address| TcpListener::bind(address).is_ok())
        .unwrap()
}
