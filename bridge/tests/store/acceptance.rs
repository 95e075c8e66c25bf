//! What is accepted, what is refused, and that a queue has an end.

use homeroom_bridge::{
    message::{AttemptResult, PartStatus},
    store::{Accepted, QueueLimits},
};

use crate::place::*;

pub(crate) async fn an_accepted_message_is_found_by_its_app_only(place: Place) {
    let store = place.open().await;
    accept(&store, message("m1", 3), NOW).await;
    let found = store.find(Some(APP), "m1").await.unwrap().unwrap();
    assert_eq!(found.transaction_id, "tx-m1");
    assert_eq!(found.task_id, Some(12));
    assert_eq!(found.tenant.as_deref(), Some("greenwood"));
    assert_eq!((found.accepted_at, found.updated_at), (NOW, NOW));
    assert_eq!(statuses(&store, "m1").await, [PartStatus::Accepted; 3]);
    assert_eq!(store.find(Some(APP + 1), "m1").await.unwrap(), None);
    assert_eq!(store.find(None, "m2").await.unwrap(), None);
    drop(store);
    let store = place.open().await;
    assert_eq!(view(&store, "m1").await, found);
    let parts = store.claim(ESME, 9, NOW).await.unwrap();
    let bodies: Vec<_> = parts.iter().map(|part| part.body.clone()).collect();
    assert_eq!(bodies, message("m1", 3).parts);
    assert!(parts.iter().all(|part| {
        part.addresses == message("m1", 3).addresses
            && part.attempt == 1
            && part.esm_class == 0x40
            && part.valid_until == NOW + 24 * HOUR
    }));
}

pub(crate) async fn a_repetition_is_answered_and_other_content_refused(place: Place) {
    let store = place.open().await;
    let mut other_id = message("m1", 2);
    other_id.message_id.push_str("-again");
    let mut other_content = message("m1", 2);
    other_content.fingerprint = [2; 32];
    let mut other_app = message("m2", 1);
    other_app.app_id = APP + 1;
    "tx-m1".clone_into(&mut other_app.transaction_id);
    let mut taken_id = message("m1", 1);
    taken_id.transaction_id.push_str("-2");
    let outcomes = store
        .accept(
            vec![
                message("m1", 2),
                other_id,
                other_content,
                other_app,
                taken_id,
            ],
            NO_LIMITS,
            NOW,
        )
        .await
        .unwrap();
    let repeated = Accepted::Repeated {
        message_id: "m1".to_owned(),
        parts: 2,
    };
    assert_eq!(
        outcomes,
        [
            Accepted::New,
            repeated.clone(),
            Accepted::Conflict,
            Accepted::New,
            Accepted::Conflict,
        ]
    );
    let later = store
        .accept(vec![message("m1", 2)], NO_LIMITS, NOW + HOUR)
        .await
        .unwrap();
    assert_eq!(later, [repeated]);
    assert_eq!(store.claim(ESME, 100, NOW).await.unwrap().len(), 3);
}

pub(crate) async fn of_many_repetitions_at_once_one_is_new(place: Place) {
    let store = place.open().await;
    let calls = (0..60_u8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut message = message("m1", 1);
            message.message_id = format!("m{n}");
            message.fingerprint = [n % 2; 32];
            store.accept(vec![message], NO_LIMITS, NOW).await.unwrap()
        })
    });
    let mut outcomes = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        outcomes.extend(call.await.unwrap());
    }
    let count = |wanted: fn(&Accepted) -> bool| outcomes.iter().filter(|one| wanted(one)).count();
    assert_eq!(count(|one| *one == Accepted::New), 1);
    assert_eq!(count(|one| matches!(one, Accepted::Repeated { .. })), 29);
    assert_eq!(count(|one| *one == Accepted::Conflict), 30);
    assert_eq!(store.claim(ESME, 100, NOW).await.unwrap().len(), 1);
}

pub(crate) async fn a_full_queue_takes_nothing_new_but_answers_repetitions(place: Place) {
    let store = place.open().await;
    let limits = QueueLimits {
        total: 10,
        per_app: 6,
        per_esme: 4,
    };
    let of = |id: &str, app_id, esme| {
        let mut message = message(id, 2);
        message.app_id = app_id;
        message.esme = esme;
        message
    };
    let all = vec![
        of("a", 1, 100),
        of("b", 1, 100),
        of("c", 1, 100), // its link's queue is full
        of("d", 1, 200),
        of("e", 1, 300), // its app's is
        of("f", 2, 200),
        of("g", 2, 300),
        of("h", 2, 300), // all are
        of("a", 1, 100),
    ];
    let outcomes = store.accept(all, limits, NOW).await.unwrap();
    let full: Vec<usize> = (0..8)
        .filter(|n| outcomes[*n] == Accepted::QueueFull)
        .collect();
    assert_eq!(full, [2, 4, 7]);
    assert!(matches!(outcomes[8], Accepted::Repeated { .. }));

    assert_eq!(store.claim(100, 2, NOW).await.unwrap().len(), 2);
    drop(store);
    let store = place.open().await;
    let outcomes = store
        .accept(vec![of("c", 3, 100), of("i", 3, 100)], limits, NOW)
        .await
        .unwrap();
    assert_eq!(outcomes, [Accepted::New, Accepted::QueueFull]);
}

pub(crate) async fn what_leaves_or_enters_the_queue_is_counted_against_its_limit(place: Place) {
    let store = place.open().await;
    let limits = QueueLimits {
        total: 2,
        per_app: 2,
        per_esme: 2,
    };
    let mut now = NOW;
    let mut number = 0;
    let mut offer = async |now: i64| {
        number += 1;
        let mut message = message(&format!("m{number}"), 2);
        message.valid_until = now + 100;
        let outcome = store.accept(vec![message], limits, now).await.unwrap();
        outcome == [Accepted::New]
    };
    assert!(offer(now).await);
    assert!(!offer(now).await);
    store.cancel(APP, "m1", now).await.unwrap();
    assert!(offer(now).await, "m1 was cancelled");
    now += 101;
    assert!(store.claim(ESME, 9, now).await.unwrap().is_empty());
    assert!(offer(now).await, "m3 has expired");
    let parts = store.claim(ESME, 1, now).await.unwrap();
    assert!(!offer(now).await);
    let back = AttemptResult::Again {
        at: now,
        status: None,
    };
    store
        .record(vec![result(&parts[0], back)], now)
        .await
        .unwrap();
    let parts = store.claim(ESME, 2, now).await.unwrap();
    assert_eq!(parts.len(), 2);
    let lost = parts
        .iter()
        .map(|part| result(part, AttemptResult::Ambiguous));
    store.record(lost.collect(), now).await.unwrap();
    assert!(!offer(now).await, "both wait again");
    store.claim(ESME, 2, now).await.unwrap();
    assert!(offer(now).await);
}
