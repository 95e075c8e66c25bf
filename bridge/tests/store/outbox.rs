//! Events for the platform: their order, their leases, dead letters.

use std::{collections::HashSet, sync::Arc, time::Duration};

use homeroom_bridge::{
    message::PartStatus::*,
    store::{Fault, Outgoing, Store},
};

use crate::place::*;

const LEASE: Duration = Duration::from_secs(30);

async fn due(store: &Arc<dyn Store>, now: i64) -> Vec<Outgoing> {
    store.events(100, LEASE, now).await.unwrap()
}

async fn deliver(store: &Arc<dyn Store>, id: &str, now: i64) {
    store.delivered(vec![id.to_owned()], now).await.unwrap();
}

pub(crate) async fn events_of_a_message_come_one_after_the_other(place: Place) {
    let store = place.open().await;
    submitted(&store, "m1", "x1", NOW).await;
    submitted(&store, "m2", "x2", NOW).await;
    let first = due(&store, NOW).await;
    assert_eq!(first.len(), 2);
    assert!(first[0].sequence < first[1].sequence);
    assert_eq!(first[0].path, "/api/v1/sms/dlr");
    assert_eq!(json(&first[0])["id"], first[0].id);
    assert_eq!(json(&first[0])["status"], "SUBMITTED");
    assert_eq!(json(&first[0])["version"], 1);
    assert_eq!(json(&first[0])["tenant"], "greenwood");

    let news = vec![receipt("x1", Delivered, NOW), receipt("x2", Enroute, NOW)];
    store.receipts(news, NOW).await.unwrap();
    assert!(
        due(&store, NOW).await.is_empty(),
        "the first are on their way"
    );
    deliver(&store, &first[0].id, NOW).await;
    let second = due(&store, NOW).await;
    assert_eq!(second.len(), 1);
    assert_eq!(json(&second[0])["message_id"], "m1");
    assert_eq!(json(&second[0])["status"], "DELIVERED");
    assert_eq!(json(&second[0])["version"], 2);
    let all = [&first[0].id, &first[1].id, &second[0].id];
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 3);
    assert_eq!(store.depths(NOW).await.unwrap().events, 3);
}

pub(crate) async fn an_event_that_nobody_has_seen_is_replaced_by_the_newer_state(place: Place) {
    let store = place.open().await;
    submitted(&store, "m1", "x1", NOW).await;
    for status in [Enroute, Delivered] {
        let news = vec![receipt("x1", status, NOW)];
        store.receipts(news, NOW).await.unwrap();
    }
    let events = drain(&store, NOW).await;
    assert_eq!(events.len(), 1);
    assert_eq!(json(&events[0])["status"], "DELIVERED");
    assert_eq!(json(&events[0])["version"], 3);
    assert_eq!(json(&events[0])["id"], events[0].id);
}

pub(crate) async fn an_event_is_given_out_again_after_its_lease(place: Place) {
    let store = place.open().await;
    submitted(&store, "m1", "x1", NOW).await;
    let first = due(&store, NOW).await;
    assert!(due(&store, NOW + 29_999).await.is_empty());
    let again = due(&store, NOW + 30_000).await;
    assert_eq!(again[0].id, first[0].id);
    assert_eq!(again[0].body, first[0].body);
    let later = vec![(again[0].id.clone(), Some(NOW + 90_000))];
    store
        .undelivered(later, Fault::Platform, "status 500", NOW + 31_000)
        .await
        .unwrap();
    assert!(due(&store, NOW + 89_999).await.is_empty());
    let again = due(&store, NOW + 90_000).await;
    assert_eq!(again[0].attempts, 1);
    deliver(&store, &again[0].id, NOW).await;
    assert!(due(&store, NOW + 999_000).await.is_empty());
}

pub(crate) async fn events_that_were_out_when_the_bridge_ended_are_due_at_its_next_start(
    place: Place,
) {
    let store = place.open().await;
    for id in ["out", "failed"] {
        submitted(&store, id, id, NOW).await;
    }
    let given = due(&store, NOW).await;
    let failed = given
        .iter()
        .find(|event| json(event)["message_id"] == "failed");
    let pause = vec![(failed.unwrap().id.clone(), Some(NOW + 5_000))];
    store
        .undelivered(pause, Fault::Platform, "status 500", NOW)
        .await
        .unwrap();
    drop(store);
    let store = place.open().await;
    store.recover(NOW + 1).await.unwrap();
    let again = due(&store, NOW + 1).await;
    let ids: Vec<_> = again
        .iter()
        .map(|event| json(event)["message_id"].clone())
        .collect();
    assert_eq!(ids, ["out"], "what failed keeps its pause");
    // While it runs, what is out is in good hands.
    store.recover(NOW + 2).await.unwrap();
    assert!(due(&store, NOW + 2).await.is_empty());
}

pub(crate) async fn a_dead_letter_lets_the_next_one_pass_and_can_be_replayed(place: Place) {
    let store = place.open().await;
    submitted(&store, "m1", "x1", NOW).await;
    let first = due(&store, NOW).await;
    store
        .receipts(vec![receipt("x1", Delivered, NOW)], NOW)
        .await
        .unwrap();
    let dead = vec![(first[0].id.clone(), None)];
    store
        .undelivered(dead, Fault::Event, "status 410", NOW)
        .await
        .unwrap();
    let depths = store.depths(NOW).await.unwrap();
    assert_eq!((depths.events, depths.dead_events), (1, 1));
    let next = due(&store, NOW).await;
    assert_eq!(json(&next[0])["status"], "DELIVERED");

    assert_eq!(store.replay(Some("nobody"), NOW).await.unwrap(), 0);
    assert_eq!(store.replay(Some(&first[0].id), NOW).await.unwrap(), 1);
    assert!(
        due(&store, NOW).await.is_empty(),
        "one of a topic at a time"
    );
    deliver(&store, &next[0].id, NOW).await;
    let replayed = due(&store, NOW).await;
    assert_eq!(replayed[0].id, first[0].id);
    assert_eq!(replayed[0].attempts, 0);
    let dead = vec![(first[0].id.clone(), None)];
    store
        .undelivered(dead, Fault::Event, "status 410", NOW)
        .await
        .unwrap();
    assert_eq!(store.replay(None, NOW).await.unwrap(), 1);
    let dead = vec![(first[0].id.clone(), None)];
    assert_eq!(due(&store, NOW).await.len(), 1);
    store
        .undelivered(dead, Fault::Event, "status 410", NOW)
        .await
        .unwrap();
    store.sweep(RETENTION, NOW + 720 * HOUR + 1).await.unwrap();
    assert_eq!(store.depths(NOW).await.unwrap().dead_events, 0);
}

pub(crate) async fn what_waits_for_the_platform_is_due_soon_once_it_is_back(place: Place) {
    let store = place.open().await;
    let announce = async |path: &str, topic: &str| {
        let body = format!(r#"{{"id":"{topic}"}}"#);
        store.announce(path, topic, body, NOW).await.unwrap();
    };
    for n in 0..20 {
        announce("/receipts", &format!("away {n}")).await;
    }
    announce("/receipts", "wrong").await;
    announce("/receipts", "out").await;
    announce("/links", "elsewhere").await;
    let failed = async |fault: Fault, ids: &[String], now: i64| {
        let later = ids.iter().map(|id| (id.clone(), Some(now + HOUR)));
        let later = later.collect();
        let failed = store.undelivered(later, fault, "status 500", now);
        failed.await.unwrap();
    };
    let mut away: Vec<_> = (0..20).map(|n| format!("away {n}")).collect();
    assert_eq!(due(&store, NOW).await.len(), 23);
    failed(Fault::Platform, &away, NOW).await;
    failed(Fault::Platform, &["elsewhere".to_owned()], NOW).await;
    failed(Fault::Event, &["wrong".to_owned()], NOW).await;
    let back = NOW + 1_000;
    let spread = Duration::from_secs(5);
    store.hasten("/receipts", spread, back).await.unwrap();
    // What is out, what the platform calls wrong, and what goes elsewhere keeps its time.
    let some = due(&store, back + 2).await;
    assert!((1..20).contains(&some.len()), "{} at once", some.len());
    let rest = due(&store, back + 5_000).await;
    let mut all: Vec<_> = some.iter().chain(&rest).map(|one| one.id.clone()).collect();
    all.sort();
    away.sort();
    assert_eq!(all, away);
    // It goes out in company, however often it failed.
    for round in 1..=8 {
        failed(Fault::Platform, &away, back + round * HOUR).await;
        due(&store, back + (round + 1) * HOUR).await;
    }
    failed(Fault::Platform, &away, back + 9 * HOUR).await;
    let back = back + 9 * HOUR + 1;
    store.hasten("/receipts", spread, back).await.unwrap();
    let again = due(&store, back + 5_000).await;
    let again: Vec<_> = again
        .iter()
        .filter(|one| one.id.starts_with("away"))
        .collect();
    assert_eq!(again.len(), 20);
    assert!(again.iter().all(|one| one.attempts == 3));
}

pub(crate) async fn only_the_newest_announcement_of_a_topic_is_kept(place: Place) {
    let store = place.open().await;
    let announce = async |topic: &str, body: &str| {
        store
            .announce("/api/v1/sms/link-state", topic, body.to_owned(), NOW)
            .await
    };
    announce("link:1", r#"{"status":"up"}"#).await.unwrap();
    announce("link:2", r#"{"status":"up"}"#).await.unwrap();
    announce("link:1", r#"{"status":"down"}"#).await.unwrap();
    let events = drain(&store, NOW).await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].topic, "link:1");
    assert_eq!(json(&events[0])["status"], "down");
    assert_eq!(json(&events[0])["id"], events[0].id);
    assert_eq!(json(&events[0])["at"], NOW);
    assert!(announce("link:1", "[]").await.is_err());
    assert!(announce("link:1", r#"{"id":5}"#).await.is_err());
}
