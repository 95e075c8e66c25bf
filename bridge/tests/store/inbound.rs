//! Messages from phones.

use homeroom_bridge::message::InboundPart;

use crate::place::*;

fn part(part: Option<(u16, u8, u8)>, text: &str) -> InboundPart {
    InboundPart {
        link: LINK,
        provider: "main".to_owned(),
        source: NUMBER.to_owned(),
        destination: "1234".to_owned(),
        part,
        text: text.to_owned(),
        received_at: NOW,
    }
}

pub(crate) async fn parts_from_a_phone_are_joined_in_their_order(place: Place) {
    let store = place.open().await;
    for (number, text) in [(3, "c"), (1, "a")] {
        let part = part(Some((9, 3, number)), text);
        store.inbound(part, NOW).await.unwrap();
    }
    store
        .inbound(part(Some((10, 2, 1)), "other"), NOW)
        .await
        .unwrap();
    assert!(drain(&store, NOW).await.is_empty());
    drop(store);
    let store = place.open().await;
    store
        .inbound(part(Some((9, 3, 2)), "b"), NOW)
        .await
        .unwrap();
    let events = drain(&store, NOW).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].path, "/api/v1/sms/mo");
    let event = json(&events[0]);
    assert_eq!(event["text"], "abc");
    assert_eq!(event["source"], NUMBER);
    assert_eq!(event["esme"], LINK);
    assert_eq!(event["missing_parts"], 0);
}

pub(crate) async fn a_part_that_is_sent_twice_counts_once(place: Place) {
    let store = place.open().await;
    for number in [1, 1, 2, 2, 1] {
        let part = part(Some((9, 2, number)), &format!("text {number}"));
        store.inbound(part, NOW).await.unwrap();
    }
    assert_eq!(drain(&store, NOW).await.len(), 1);
    store.sweep(RETENTION, NOW + HOUR + 1).await.unwrap();
    assert!(drain(&store, NOW + HOUR + 1).await.is_empty());
    // The phone counts to 9 again, with other words.
    for number in [2, 1] {
        let part = part(Some((9, 2, number)), &format!("new {number}"));
        store.inbound(part, NOW + HOUR).await.unwrap();
    }
    let events = drain(&store, NOW + HOUR).await;
    assert_eq!(json(&events[0])["text"], "new 1new 2");
}

pub(crate) async fn what_never_became_whole_is_handed_on_after_an_hour(place: Place) {
    let store = place.open().await;
    for number in [4, 2] {
        let part = part(Some((9, 4, number)), &number.to_string());
        store.inbound(part, NOW).await.unwrap();
    }
    store.sweep(RETENTION, NOW + HOUR).await.unwrap();
    assert!(drain(&store, NOW + HOUR).await.is_empty());
    store.sweep(RETENTION, NOW + HOUR + 1).await.unwrap();
    store.sweep(RETENTION, NOW + HOUR + 2).await.unwrap();
    let events = drain(&store, NOW + HOUR + 2).await;
    assert_eq!(events.len(), 1);
    assert_eq!(json(&events[0])["text"], "24");
    assert_eq!(json(&events[0])["missing_parts"], 2);
}

pub(crate) async fn two_equal_messages_are_two(place: Place) {
    let store = place.open().await;
    for _ in 0..2 {
        store.inbound(part(None, "STOP"), NOW).await.unwrap();
    }
    assert_eq!(drain(&store, NOW).await.len(), 2);
}
