//! A store with 100,000 messages in it.

use std::time::{Duration, Instant};

use crate::place::*;

pub(crate) async fn a_hundred_thousand_messages_do_not_slow_the_start_or_the_claim(place: Place) {
    let store = place.open().await;
    for block in 0..100 {
        let messages = (0..1_000).map(|n| {
            let mut message = message(&format!("m{block}-{n}"), 1);
            // Half of them wait for a later time, at a priority that is looked at first.
            if n % 2 == 0 {
                message.priority = 3;
                message.send_at = NOW + HOUR;
            }
            message
        });
        store
            .accept(messages.collect(), NO_LIMITS, NOW)
            .await
            .unwrap();
    }
    drop(store);
    let (store, start) = quickest(async || {
        let store = place.open().await;
        store.recover(NOW).await.unwrap();
        store
    })
    .await;
    let (parts, claim) = quickest(async || store.claim(ESME, 100, NOW).await.unwrap()).await;
    let (depths, depth) = quickest(async || store.depths(NOW).await.unwrap()).await;
    println!("100,000 deep: start {start:?}, claim of 100 {claim:?}, depths {depth:?}");
    assert_eq!(parts.len(), 100);
    assert_eq!(depths.queued, [(ESME, 99_700)]);
    assert_eq!(depths.oldest, Some(NOW));
    assert!(start < Duration::from_secs(2), "start took {start:?}");
    assert!(claim < Duration::from_millis(500), "a claim took {claim:?}");
    assert!(depth < Duration::from_secs(1), "depths took {depth:?}");
}

/// What it gives the third time, and how long it took at least: a busy machine adds to one or the other.
async fn quickest<T>(work: impl AsyncFn() -> T) -> (T, Duration) {
    let mut least = Duration::MAX;
    let mut tries = 0;
    loop {
        let begin = Instant::now();
        let done = work().await;
        least = least.min(begin.elapsed());
        tries += 1;
        if tries == 3 {
            return (done, least);
        }
    }
}
