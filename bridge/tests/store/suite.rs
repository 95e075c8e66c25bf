//! Claims, results, cancellation, expiry, recovery and retention.

use std::{collections::HashSet, sync::Arc};

use homeroom_bridge::{
    message::{AttemptResult, PartStatus::*},
    store::Ambiguity,
};
use homeroom_sms_contract::submit::Cancelled;

use crate::place::*;

pub(crate) async fn no_part_is_given_to_two_claimers(place: Place) {
    let store = place.open().await;
    let all = (0..200).map(|n| message(&format!("m{n}"), 3)).collect();
    store.accept(all, NO_LIMITS, NOW).await.unwrap();
    let claimers = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut keys = Vec::new();
            loop {
                let parts = store.claim(ESME, 17, NOW).await.unwrap();
                if parts.is_empty() {
                    return keys;
                }
                keys.extend(parts.into_iter().map(|part| part.key));
            }
        })
    });
    let mut keys = Vec::new();
    for claimer in claimers.collect::<Vec<_>>() {
        keys.extend(claimer.await.unwrap());
    }
    assert_eq!(keys.len(), 600);
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), 600);
}

pub(crate) async fn urgent_parts_go_first_and_none_before_its_time(place: Place) {
    let store = place.open().await;
    for (id, priority, send_at) in [
        ("old", 0, 0),
        ("urgent", 3, 0),
        ("later", 3, NOW + HOUR),
        ("normal", 1, 0),
        ("new", 0, 0),
    ] {
        let mut message = message(id, 1);
        message.priority = priority;
        message.send_at = send_at;
        accept(&store, message, NOW).await;
    }
    let mut other = message("elsewhere", 1);
    other.esme = 200;
    accept(&store, other, NOW).await;
    let ids = async |limit, now| -> Vec<String> {
        let parts = store.claim(ESME, limit, now).await.unwrap();
        parts.into_iter().map(|part| part.key.message_id).collect()
    };
    assert_eq!(ids(2, NOW).await, ["urgent", "normal"]);
    assert_eq!(ids(9, NOW).await, ["old", "new"]);
    assert!(ids(9, NOW + HOUR - 1).await.is_empty());
    assert_eq!(ids(9, NOW + HOUR).await, ["later"]);
    assert!(ids(0, NOW + HOUR).await.is_empty());
}

pub(crate) async fn an_attempt_that_never_left_keeps_its_place(place: Place) {
    let store = place.open().await;
    let first = claimed(&store, "first", 1, NOW).await;
    accept(&store, message("second", 1), NOW + 1).await;
    let back = AttemptResult::Again {
        at: NOW + 2,
        status: None,
    };
    store
        .record(vec![result(&first[0], back)], NOW + 2)
        .await
        .unwrap();
    let next = store.claim(ESME, 1, NOW + 2).await.unwrap();
    assert_eq!(next[0].key.message_id, "first");
    assert_eq!(next[0].attempt, 2);
    let throttled = AttemptResult::Again {
        at: NOW + 5_000,
        status: Some(0x58),
    };
    store
        .record(vec![result(&next[0], throttled)], NOW + 3)
        .await
        .unwrap();
    let next = store.claim(ESME, 9, NOW + 4_999).await.unwrap();
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].key.message_id, "second");
    let next = store.claim(ESME, 9, NOW + 5_000).await.unwrap();
    assert_eq!(next[0].attempt, 3);
    assert!(drain(&store, NOW + 5_000).await.is_empty());
}

pub(crate) async fn a_refusal_for_good_is_final_and_says_why(place: Place) {
    let store = place.open().await;
    let parts = claimed(&store, "m1", 2, NOW).await;
    let results = vec![
        result(&parts[0], AttemptResult::Rejected { status: 0x0B }),
        taken(&parts[1], "x1"),
    ];
    store.record(results, NOW).await.unwrap();
    assert_eq!(statuses(&store, "m1").await, [Rejected, Submitted]);
    let message = view(&store, "m1").await;
    assert_eq!(message.parts[0].error.as_deref(), Some("0x0000000B"));
    assert_eq!(message.parts[1].link, Some(LINK));
    // The answer of the same attempt, once more and different.
    store
        .record(vec![taken(&parts[0], "x2")], NOW)
        .await
        .unwrap();
    assert_eq!(statuses(&store, "m1").await, [Rejected, Submitted]);
    let events = drain(&store, NOW).await;
    let last = json(events.last().unwrap());
    assert_eq!(last["parts"][0]["status"], "REJECTED");
    assert_eq!(last["parts"][0]["error"], "0x0000000B");
    assert!(last["error"].as_str().unwrap().contains("part 1"));
}

pub(crate) async fn an_answer_that_never_came_is_resent_or_held_as_the_link_says(place: Place) {
    let store = place
        .open_with(Arc::new(|link| {
            if link == LINK {
                Ambiguity::Hold
            } else {
                Ambiguity::Resend
            }
        }))
        .await;
    let parts = claimed(&store, "m1", 2, NOW).await;
    let held = result(&parts[0], AttemptResult::Ambiguous);
    let mut resent = result(&parts[1], AttemptResult::Ambiguous);
    resent.0.link = LINK + 1;
    store.record(vec![held, resent], NOW).await.unwrap();
    assert_eq!(statuses(&store, "m1").await, [Unknown, Accepted]);
    assert_eq!(store.depths(NOW).await.unwrap().ambiguous, 2);
    let again = store.claim(ESME, 9, NOW).await.unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].key.number, again[0].attempt), (2, 2));
    assert_eq!(again[0].body.short_message, TEXT);
    let message = view(&store, "m1").await;
    assert_eq!(
        message.parts.iter().map(|part| part.ambiguous).sum::<u32>(),
        2
    );
}

pub(crate) async fn an_answer_after_all_takes_the_part_out_of_the_queue(place: Place) {
    let store = place.open().await;
    let parts = claimed(&store, "m1", 1, NOW).await;
    let lost = result(&parts[0], AttemptResult::Ambiguous);
    store.record(vec![lost], NOW).await.unwrap();
    assert_eq!(statuses(&store, "m1").await, [Accepted]);
    store
        .record(vec![taken(&parts[0], "x1")], NOW)
        .await
        .unwrap();
    assert_eq!(statuses(&store, "m1").await, [Submitted]);
    assert!(store.claim(ESME, 9, NOW).await.unwrap().is_empty());
    assert!(store.depths(NOW).await.unwrap().queued.is_empty());
}

pub(crate) async fn a_message_is_cancelled_or_claimed_but_never_both(place: Place) {
    let store = place.open().await;
    assert_eq!(
        store.cancel(APP, "m0", NOW).await.unwrap(),
        Cancelled::Unknown
    );
    let mut outcomes = HashSet::new();
    for round in 0..40 {
        let id = format!("m{round}");
        accept(&store, message(&id, 2), NOW).await;
        assert_eq!(
            store.cancel(APP + 1, &id, NOW).await.unwrap(),
            Cancelled::Unknown
        );
        let claim = tokio::spawn({
            let store = store.clone();
            async move { store.claim(ESME, 1, NOW).await.unwrap() }
        });
        if round % 2 == 0 {
            tokio::task::yield_now().await;
        }
        let cancelled = store.cancel(APP, &id, NOW).await.unwrap();
        let parts = claim.await.unwrap();
        outcomes.insert(cancelled == Cancelled::Cancelled);
        if cancelled == Cancelled::Cancelled {
            assert!(parts.is_empty());
            assert_eq!(statuses(&store, &id).await, [Deleted; 2]);
            assert_eq!(
                store.cancel(APP, &id, NOW).await.unwrap(),
                Cancelled::Cancelled
            );
            assert_eq!(json(&drain(&store, NOW).await[0])["status"], "DELETED");
        } else {
            assert_eq!(cancelled, Cancelled::TooLate);
            assert_eq!(parts.len(), 1);
            let rest = store.claim(ESME, 9, NOW).await.unwrap();
            assert_eq!(rest.len(), 1);
        }
        assert!(store.claim(ESME, 9, NOW).await.unwrap().is_empty());
    }
    assert!(!outcomes.is_empty());
}

pub(crate) async fn what_is_past_its_time_expires_and_the_platform_hears_of_it(place: Place) {
    let store = place.open().await;
    let short = |id: &str| {
        let mut message = message(id, 2);
        message.valid_until = NOW + 1_000;
        message
    };
    accept(&store, short("claimed"), NOW).await;
    let sent = store.claim(ESME, 1, NOW).await.unwrap();
    accept(&store, short("waiting"), NOW).await;
    accept(&store, message("good", 1), NOW).await;
    let parts = store.claim(ESME, 9, NOW + 1_001).await.unwrap();
    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0].key.message_id, "good");
    assert_eq!(statuses(&store, "waiting").await, [Expired; 2]);
    assert_eq!(statuses(&store, "claimed").await, [Sending, Expired]);
    let events = drain(&store, NOW + 1_001).await;
    let of_waiting: Vec<_> = events
        .iter()
        .map(json)
        .filter(|event| event["message_id"] == "waiting")
        .collect();
    assert_eq!(of_waiting.len(), 1);
    assert_eq!(of_waiting[0]["status"], "EXPIRED");
    // What the centre wants later is too late.
    let again = AttemptResult::Again {
        at: NOW + 5_000,
        status: Some(0x58),
    };
    store
        .record(vec![result(&sent[0], again)], NOW + 1_002)
        .await
        .unwrap();
    assert_eq!(statuses(&store, "claimed").await, [Expired; 2]);
    assert!(store.claim(ESME, 9, NOW + 9_000).await.unwrap().is_empty());

    accept(&store, short("swept"), NOW).await;
    store.sweep(RETENTION, NOW + 1_001).await.unwrap();
    assert_eq!(statuses(&store, "swept").await, [Expired; 2]);
    let depths = store.depths(NOW).await.unwrap();
    assert!(depths.queued.is_empty());
    assert_eq!(depths.oldest, None);
}

pub(crate) async fn what_has_expired_stays_so_by_a_clock_that_was_put_back(place: Place) {
    let store = place.open().await;
    let mut short = message("m1", 2);
    short.valid_until = NOW + 1_000;
    accept(&store, short, NOW).await;
    let sent = store.claim(ESME, 1, NOW).await.unwrap();
    store.sweep(RETENTION, NOW + 1_001).await.unwrap();
    let back = AttemptResult::Again {
        at: NOW + 500,
        status: None,
    };
    let results = vec![result(&sent[0], back)];
    store.record(results, NOW + 500).await.unwrap();
    assert_eq!(statuses(&store, "m1").await, [Expired; 2]);
    assert!(store.depths(NOW).await.unwrap().queued.is_empty());
}

pub(crate) async fn recover_resends_or_holds_and_counts(place: Place) {
    let store = place.open().await;
    claimed(&store, "resent", 2, NOW).await;
    let mut held = message("held", 1);
    held.esme = 200;
    accept(&store, held, NOW).await;
    store.claim(200, 1, NOW).await.unwrap();
    let mut late = message("late", 1);
    late.valid_until = NOW + 10;
    accept(&store, late, NOW).await;
    store.claim(ESME, 1, NOW).await.unwrap();
    submitted(&store, "gone", "x1", NOW).await;
    drop(store);

    let store = place
        .open_with(Arc::new(|esme| {
            if esme == 200 {
                Ambiguity::Hold
            } else {
                Ambiguity::Resend
            }
        }))
        .await;
    assert_eq!(store.depths(NOW).await.unwrap().sending, 4);
    assert_eq!(store.recover(NOW + 11).await.unwrap(), 4);
    assert_eq!(store.recover(NOW + 11).await.unwrap(), 0);
    assert_eq!(statuses(&store, "resent").await, [Accepted; 2]);
    assert_eq!(statuses(&store, "held").await, [Unknown]);
    // Sent again it would arrive after its time.
    assert_eq!(statuses(&store, "late").await, [Unknown]);
    assert_eq!(statuses(&store, "gone").await, [Submitted]);
    let depths = store.depths(NOW).await.unwrap();
    assert_eq!((depths.ambiguous, depths.sending), (4, 0));
    assert_eq!(depths.queued, [(ESME, 2)]);
    let again = store.claim(ESME, 9, NOW + 11).await.unwrap();
    assert_eq!(again.len(), 2);
    assert!(again.iter().all(|part| part.attempt == 2));
    // What may have left cannot be withdrawn any more.
    let back = AttemptResult::Again {
        at: NOW + 12,
        status: None,
    };
    let results = again
        .iter()
        .map(|part| result(part, back.clone()))
        .collect();
    store.record(results, NOW + 12).await.unwrap();
    assert_eq!(
        store.cancel(APP, "resent", NOW + 12).await.unwrap(),
        Cancelled::TooLate
    );
}

pub(crate) async fn finished_messages_are_kept_for_their_time_only(place: Place) {
    let store = place.open().await;
    submitted(&store, "finished", "x1", NOW).await;
    let delivered = vec![receipt("x1", Delivered, NOW + HOUR)];
    store.receipts(delivered, NOW + HOUR).await.unwrap();
    submitted(&store, "no receipt", "x2", NOW).await;
    accept(&store, message("waiting", 1), NOW).await;
    let gone = async |id: &str| store.find(None, id).await.unwrap().is_none();

    store.sweep(RETENTION, NOW + 25 * HOUR).await.unwrap();
    assert!(!gone("finished").await);
    store.sweep(RETENTION, NOW + 25 * HOUR + 1).await.unwrap();
    assert!(gone("finished").await);
    assert!(!gone("no receipt").await);
    assert_eq!(statuses(&store, "waiting").await, [Expired]);
    // Its time was 24 hours, and it is kept for 24 more.
    store.sweep(RETENTION, NOW + 48 * HOUR + 1).await.unwrap();
    assert!(gone("no receipt").await);
    assert!(!gone("waiting").await);
    store.sweep(RETENTION, NOW + 49 * HOUR + 2).await.unwrap();
    assert!(gone("waiting").await);
    assert!(store.history("waiting").await.unwrap().is_empty());
    accept(&store, message("finished", 1), NOW + 50 * HOUR).await;
}

pub(crate) async fn the_history_tells_what_happened_without_text_or_number(place: Place) {
    let store = place.open().await;
    let parts = claimed(&store, "m1", 1, NOW).await;
    let lost = result(&parts[0], AttemptResult::Ambiguous);
    store.record(vec![lost], NOW + 1).await.unwrap();
    let parts = store.claim(ESME, 1, NOW + 2).await.unwrap();
    store
        .record(vec![taken(&parts[0], "x\n1")], NOW + 3)
        .await
        .unwrap();
    store
        .receipts(vec![receipt("x\n1", Undeliverable, NOW + 4)], NOW + 4)
        .await
        .unwrap();
    let lines = store.history("m1").await.unwrap();
    let times: Vec<i64> = lines.iter().map(|line| line.at - NOW).collect();
    assert_eq!(times, [0, 0, 1, 1, 2, 3, 4]);
    assert_eq!(lines[0].part, 0);
    assert!(lines[1..].iter().all(|line| line.part == 1));
    let all: Vec<&str> = lines.iter().map(|line| line.what.as_str()).collect();
    let all = all.join("; ");
    assert!(all.contains("UNDELIVERABLE, error 027"), "{all}");
    assert!(all.contains("taken as x\\n1"), "{all}");
    assert!(!all.contains(NUMBER) && !all.contains("Maths"), "{all}");
}

pub(crate) async fn the_text_is_kept_no_longer_than_it_is_needed(place: Place) {
    let store = place.open().await;
    let parts = claimed(&store, "m1", 3, NOW).await;
    let results = vec![
        taken(&parts[0], "x1"),
        result(&parts[1], AttemptResult::Rejected { status: 0x45 }),
        result(&parts[2], AttemptResult::Ambiguous),
    ];
    store.record(results, NOW).await.unwrap();
    let left = place.texts().await;
    assert_eq!(left, [Vec::new(), Vec::new(), TEXT.to_vec()]);
}
