//! Who takes over what another bridge was sending, and when. Leases are of the database's clock; what a test says of time is a bridge's.

use std::sync::Arc;

use homeroom_bridge::{message::PartStatus::*, store::Ambiguity};

use crate::{cluster, place::*, postgres_only::two};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bridge_was_sending_is_taken_over_once_its_lease_has_ended() {
    let Some((place, one, two)) = two().await else {
        return;
    };
    let sent = claimed(&one, "m1", 1, NOW).await;
    let now = place.minute(&[&one, &two], NOW).await;
    let now = place.minute(&[&one, &two], now).await;
    assert_eq!(two.recover(now).await.unwrap(), 0, "it lives");
    let now = place.minute(&[&two], now).await;
    assert_eq!(two.recover(now).await.unwrap(), 1);
    let again = two.claim(ESME, 1, now).await.unwrap();
    assert_eq!(again[0].attempt, 2);
    // The first was only slow: its answer is written down, and counts when it turns out to be delivered.
    one.record(vec![taken(&sent[0], "x1")], now).await.unwrap();
    assert_eq!(statuses(&two, "m1").await, [Sending]);
    // Recovery after the start leaves what the bridge itself is sending alone.
    assert_eq!(two.recover(now).await.unwrap(), 0);
    drop((one, two));
    let Place::Postgres(database) = &place else {
        return;
    };
    let two = cluster::open(&database.config(), "two", Arc::new(|_| Ambiguity::Resend)).await;
    assert_eq!(two.recover(now).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_database_was_away_every_bridge_has_a_lease_s_time_to_come_back() {
    // Not even as long as a lease: the one whose turn to prolong came just before has it still, the other not.
    for away in [45_000, 90_000] {
        let Some((place, one, two)) = two().await else {
            return;
        };
        let sent = claimed(&one, "m1", 2, NOW).await;
        let now = place.minute(&[&one, &two], NOW).await;
        let now = place.minute(&[&one, &two], now).await + 20_000;
        place.pass(20_000).await;
        two.sweep(RETENTION, now).await.unwrap();
        let now = now + away;
        place.pass(away).await;
        two.sweep(RETENTION, now).await.unwrap();
        assert_eq!(two.recover(now).await.unwrap(), 0, "{away}");
        one.record(vec![taken(&sent[0], "x1")], now).await.unwrap();
        assert_eq!(statuses(&two, "m1").await, [Submitted, Sending]);
        // By then it is gone.
        let now = place.minute(&[&two], now).await;
        assert_eq!(two.recover(now).await.unwrap(), 1, "{away}");
        assert_eq!(statuses(&two, "m1").await, [Submitted, Accepted]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_starts_takes_over_nothing_before_it_was_there_for_a_lease() {
    let Some((place, one, two)) = two().await else {
        return;
    };
    claimed(&one, "m1", 1, NOW).await;
    place.pass(90_000).await;
    let now = NOW + 90_000;
    assert_eq!(two.recover(now).await.unwrap(), 0);
    let now = place.minute(&[&two], now).await;
    assert_eq!(two.recover(now).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bridge_could_not_record_for_hours_it_does_not_send_again() {
    let Some((place, one, _two)) = two().await else {
        return;
    };
    one.recover(NOW).await.unwrap();
    let sent = claimed(&one, "m1", 1, NOW).await;
    let now = NOW + 2 * HOUR;
    place.pass(2 * HOUR).await;
    one.sweep(RETENTION, now).await.unwrap();
    assert_eq!(one.recover(now).await.unwrap(), 0);
    one.record(vec![taken(&sent[0], "x1")], now).await.unwrap();
    assert_eq!(statuses(&one, "m1").await, [Submitted]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_whose_clock_is_wrong_takes_over_no_sooner_and_is_taken_over_no_later() {
    for wrong in [-HOUR, HOUR] {
        let Some((place, one, two)) = two().await else {
            return;
        };
        claimed(&one, "m1", 1, NOW).await;
        let mut now = NOW;
        for _ in 0..6 {
            now += 20_001;
            place.pass(20_001).await;
            one.sweep(RETENTION, now).await.unwrap();
            two.sweep(RETENTION, now + wrong).await.unwrap();
        }
        assert_eq!(two.recover(now + wrong).await.unwrap(), 0, "{wrong}");
        let now = place.minute(&[&two], now + wrong).await;
        assert_eq!(two.recover(now).await.unwrap(), 1, "{wrong}");
    }
}
