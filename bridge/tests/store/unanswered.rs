//! Attempts that the centre leaves unanswered, or answers with "not now".

use std::sync::Arc;

use homeroom_bridge::{
    message::{AttemptResult, PartStatus::*},
    store::Ambiguity,
};

use crate::place::*;

pub(crate) async fn a_part_that_is_never_answered_is_sent_ever_later_and_then_held(place: Place) {
    let store = place.open().await;
    accept(&store, message("m1", 1), NOW).await;
    let mut now = NOW;
    for (attempt, seconds) in (1..).zip([0, 0, 5, 10, 20, 40, 80, 160, 320, 640]) {
        if seconds > 0 {
            now += seconds * 1_000;
            assert!(store.claim(ESME, 1, now - 1).await.unwrap().is_empty());
        }
        let parts = store.claim(ESME, 1, now).await.unwrap();
        assert_eq!(parts[0].attempt, attempt);
        let lost = result(&parts[0], AttemptResult::Ambiguous);
        store.record(vec![lost], now).await.unwrap();
    }
    assert_eq!(statuses(&store, "m1").await, [Unknown]);
    assert_eq!(store.depths(now).await.unwrap().ambiguous, 10);
    let later = now + 2 * HOUR;
    assert!(store.claim(ESME, 1, later).await.unwrap().is_empty());
}

pub(crate) async fn being_throttled_counts_as_no_refusal(place: Place) {
    let store = place.open().await;
    accept(&store, message("m1", 1), NOW).await;
    let mut refusals = Vec::new();
    for status in [Some(0x08), None, Some(0x58), Some(0x14), Some(0x08), None] {
        let parts = store.claim(ESME, 1, NOW).await.unwrap();
        refusals.push(parts[0].refusals);
        let again = match status {
            Some(status @ (0x58 | 0x14)) => AttemptResult::Throttled { at: NOW, status },
            status => AttemptResult::Again { at: NOW, status },
        };
        let result = result(&parts[0], again);
        store.record(vec![result], NOW).await.unwrap();
    }
    assert_eq!(refusals, [0, 1, 1, 1, 1, 2]);
    let parts = store.claim(ESME, 1, NOW).await.unwrap();
    assert_eq!((parts[0].attempt, parts[0].refusals), (7, 2));
}

pub(crate) async fn what_is_decided_about_missing_answers_can_change(place: Place) {
    let store = place.open().await;
    let parts = claimed(&store, "m1", 2, NOW).await;
    let lost = |n: usize| vec![result(&parts[n], AttemptResult::Ambiguous)];
    store.record(lost(0), NOW).await.unwrap();
    store.follow(Arc::new(|_| Ambiguity::Hold));
    store.record(lost(1), NOW).await.unwrap();
    assert_eq!(statuses(&store, "m1").await, [Accepted, Unknown]);
}

pub(crate) async fn a_claim_that_nobody_heard_of_is_recovered_after_an_hour(place: Place) {
    let store = place.open().await;
    store.recover(NOW).await.unwrap();
    claimed(&store, "m1", 1, NOW).await;
    place.minute(&[&store], NOW + HOUR - 60_003).await;
    assert_eq!(store.recover(NOW + 3_600_000).await.unwrap(), 0);
    assert_eq!(statuses(&store, "m1").await, [Sending]);
    assert_eq!(store.recover(NOW + 3_600_001).await.unwrap(), 1);
    assert_eq!(statuses(&store, "m1").await, [Accepted]);
    assert_eq!(store.depths(NOW).await.unwrap().ambiguous, 1);
}
