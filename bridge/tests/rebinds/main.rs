//! A link that is thrown out again and again, in a process of its own so that what it holds can be counted.

// Clippy allows these in tests, but does not see that what tests call is part of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

#[path = "../smpp/support.rs"]
#[allow(dead_code, reason = "only a part of it is needed here")]
mod support;

use std::time::Duration;

use homeroom_bridge::smpp::pdu::Pdu;

use support::{Centre, Running, config, submitted};

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Bytes in memory.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096
}

#[tokio::test]
async fn ten_thousand_sessions_leave_neither_descriptors_nor_memory_behind() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.timers.backoff_min = Duration::from_micros(10);
    config.timers.backoff_max = Duration::from_micros(10);
    let mut link = Running::start(config);
    let mut before = (0, 0);
    for round in 0..10_000 {
        // What every process allocates once, it has by then.
        if round == 1_000 {
            before = (descriptors(), resident());
        }
        let mut peer = centre.bound().await;
        // A part each time, and each way in which a session ends.
        link.send(1).await;
        let sequence = peer.submits(1).await[0];
        peer.answer(sequence, "1").await;
        assert_eq!(link.attempted().await.result, submitted("1"));
        match round % 3 {
            0 => peer.write(0, 1, &Pdu::Unbind).await,
            1 => peer.raw(&[0; 4]).await,
            _ => peer.stream.set_zero_linger().unwrap(),
        }
        if round % 3 < 2 {
            peer.closed().await;
        }
    }
    let after = (descriptors(), resident());
    println!(
        "descriptors {} -> {}, memory {} -> {} KB",
        before.0,
        after.0,
        before.1 / 1024,
        after.1 / 1024
    );
    assert!(after.0 <= before.0 + 2, "{before:?} {after:?}");
    assert!(after.1 <= before.1 + (2 << 20), "{before:?} {after:?}");
}
