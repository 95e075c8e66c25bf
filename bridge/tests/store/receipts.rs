//! Receipts find their part whenever, wherever and however often they come.

use homeroom_bridge::message::{AttemptResult, PartStatus::*};

use crate::place::*;

pub(crate) async fn states_only_move_forward_in_whatever_order_receipts_come(place: Place) {
    let store = place.open().await;
    let orders = [
        ([Enroute, Delivered, Undeliverable], Delivered),
        ([Delivered, Enroute, Enroute], Delivered),
        ([Expired, Delivered, Enroute], Expired),
        ([Enroute, Enroute, Accepted], Enroute),
    ];
    for (n, (order, last)) in orders.into_iter().enumerate() {
        let (id, provider_id) = (format!("m{n}"), format!("x{n}"));
        submitted(&store, &id, &provider_id, NOW).await;
        for status in order {
            store
                .receipts(vec![receipt(&provider_id, status, NOW)], NOW)
                .await
                .unwrap();
        }
        assert_eq!(statuses(&store, &id).await, [last]);
    }
}

pub(crate) async fn a_receipt_before_its_response_is_joined_with_it(place: Place) {
    let store = place.open().await;
    let parts = claimed(&store, "m1", 1, NOW).await;
    let early = vec![
        receipt("x1", Delivered, NOW + 2),
        receipt("x1", Enroute, NOW + 1),
    ];
    assert_eq!(store.receipts(early.clone(), NOW + 2).await.unwrap(), 2);
    assert_eq!(store.receipts(early, NOW + 2).await.unwrap(), 0);
    assert_eq!(store.depths(NOW).await.unwrap().orphans, 2);
    drop(store);

    let store = place.open().await;
    store
        .record(vec![taken(&parts[0], "x1")], NOW + 3)
        .await
        .unwrap();
    assert_eq!(statuses(&store, "m1").await, [Delivered]);
    assert_eq!(store.depths(NOW).await.unwrap().orphans, 0);
    let events = drain(&store, NOW + 3).await;
    assert_eq!(json(&events[0])["status"], "DELIVERED");
}

pub(crate) async fn a_receipt_for_one_part_says_nothing_of_the_others(place: Place) {
    let store = place.open().await;
    let parts = claimed(&store, "m1", 3, NOW).await;
    let ids = ["x1", "x2", "x3"];
    let results = parts.iter().zip(ids).map(|(part, id)| taken(part, id));
    store.record(results.collect(), NOW).await.unwrap();
    let second = vec![receipt("x2", Delivered, NOW + 1)];
    store.receipts(second, NOW + 1).await.unwrap();
    assert_eq!(
        statuses(&store, "m1").await,
        [Submitted, Delivered, Submitted]
    );
    let events = drain(&store, NOW + 1).await;
    let last = json(events.last().unwrap());
    assert_eq!(last["status"], "SUBMITTED", "not all of it has arrived");
    assert_eq!(last["parts"][1]["status"], "DELIVERED");
    assert_eq!(last["parts"][2]["status"], "SUBMITTED");
}

pub(crate) async fn a_repeated_receipt_is_no_news(place: Place) {
    let store = place.open().await;
    submitted(&store, "m1", "x1", NOW).await;
    let same = || vec![receipt("x1", Delivered, NOW), receipt("x1", Delivered, NOW)];
    assert_eq!(store.receipts(same(), NOW).await.unwrap(), 1);
    drain(&store, NOW).await;
    let before = view(&store, "m1").await;
    assert_eq!(store.receipts(same(), NOW + 9).await.unwrap(), 0);
    assert_eq!(view(&store, "m1").await, before);
    assert!(drain(&store, NOW + 9).await.is_empty());
    assert_eq!(store.depths(NOW).await.unwrap().orphans, 0);
}

pub(crate) async fn an_id_given_again_means_the_newer_part(place: Place) {
    let store = place.open().await;
    let day = 20 * HOUR;
    submitted(&store, "yesterday", "x1", NOW).await;
    store
        .receipts(vec![receipt("x1", Undeliverable, NOW + 1)], NOW + 1)
        .await
        .unwrap();
    // Sent again by the centre, long before the id is given to another part.
    store
        .receipts(vec![receipt("x1", Undeliverable, NOW + 2)], NOW + 2)
        .await
        .unwrap();
    let parts = claimed(&store, "today", 1, NOW + day).await;
    let results = vec![taken(&parts[0], "x1")];
    store.record(results, NOW + day).await.unwrap();
    assert_eq!(statuses(&store, "today").await, [Submitted]);
    store
        .receipts(vec![receipt("x1", Delivered, NOW + day)], NOW + day)
        .await
        .unwrap();
    assert_eq!(statuses(&store, "today").await, [Delivered]);
    assert_eq!(statuses(&store, "yesterday").await, [Undeliverable]);

    // Here the receipt comes before the response, while the id is that of a finished part.
    let parts = claimed(&store, "now", 1, NOW + day + 1).await;
    store
        .receipts(
            vec![receipt("x1", Undeliverable, NOW + day + 2)],
            NOW + day + 2,
        )
        .await
        .unwrap();
    let results = vec![taken(&parts[0], "x1")];
    store.record(results, NOW + day + 3).await.unwrap();
    assert_eq!(statuses(&store, "now").await, [Undeliverable]);
    assert_eq!(statuses(&store, "today").await, [Delivered]);
}

pub(crate) async fn an_older_attempt_can_still_be_delivered_but_not_fail(place: Place) {
    let store = place.open().await;
    for (id, said, becomes) in [("m1", Undeliverable, Sending), ("m2", Delivered, Delivered)] {
        let first = claimed(&store, id, 1, NOW).await;
        let lost = result(&first[0], AttemptResult::Ambiguous);
        store.record(vec![lost], NOW).await.unwrap();
        let second = store.claim(ESME, 1, NOW).await.unwrap();
        let old = format!("old-{id}");
        store
            .record(vec![taken(&first[0], &old)], NOW)
            .await
            .unwrap();
        assert_eq!(statuses(&store, id).await, [Sending]);
        store
            .receipts(vec![receipt(&old, said, NOW)], NOW)
            .await
            .unwrap();
        assert_eq!(statuses(&store, id).await, [becomes]);
        let new = format!("new-{id}");
        store
            .record(vec![taken(&second[0], &new)], NOW)
            .await
            .unwrap();
        let last = if becomes == Delivered {
            Delivered
        } else {
            Submitted
        };
        assert_eq!(statuses(&store, id).await, [last]);
        assert_eq!(store.depths(NOW).await.unwrap().orphans, 0);
    }
}

pub(crate) async fn ids_of_other_centres_are_other_ids(place: Place) {
    let store = place.open().await;
    submitted(&store, "m1", "x1", NOW).await;
    let mut other = receipt("x1", Delivered, NOW);
    other.provider.push_str("-2");
    store.receipts(vec![other], NOW).await.unwrap();
    assert_eq!(statuses(&store, "m1").await, [Submitted]);
    assert_eq!(store.depths(NOW).await.unwrap().orphans, 1);
}

pub(crate) async fn receipts_that_nobody_claims_are_dropped_after_their_time(place: Place) {
    let store = place.open().await;
    store
        .receipts(vec![receipt("x1", Delivered, NOW)], NOW)
        .await
        .unwrap();
    store.sweep(RETENTION, NOW + 24 * HOUR).await.unwrap();
    assert_eq!(store.depths(NOW).await.unwrap().orphans, 1);
    store.sweep(RETENTION, NOW + 24 * HOUR + 1).await.unwrap();
    assert_eq!(store.depths(NOW).await.unwrap().orphans, 0);
}

pub(crate) async fn what_has_no_receipt_can_be_asked_for(place: Place) {
    let store = place.open().await;
    for (n, id) in ["m1", "m2", "m3"].into_iter().enumerate() {
        submitted(
            &store,
            id,
            &format!("p{n}"),
            NOW + i64::try_from(n).unwrap(),
        )
        .await;
    }
    let ids = async |after, before, limit| {
        let found = store.unheard(LINK, after, before, limit).await.unwrap();
        assert!(found.iter().all(|part| !part.source.address.is_empty()));
        let ids = found
            .into_iter()
            .map(|part| String::from_utf8(part.provider_id).unwrap());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(0, NOW + 2, 10).await, ["p0", "p1", "p2"]);
    assert_eq!(ids(NOW, NOW + 1, 10).await, ["p1"]);
    assert_eq!(ids(0, NOW + 2, 1).await, ["p0"]);
    assert!(
        store
            .unheard(LINK + 1, 0, NOW + 2, 10)
            .await
            .unwrap()
            .is_empty()
    );
    store
        .receipts(
            vec![receipt("p0", Enroute, NOW), receipt("p1", Delivered, NOW)],
            NOW,
        )
        .await
        .unwrap();
    assert_eq!(ids(0, NOW + 2, 10).await, ["p0", "p2"]);
}
