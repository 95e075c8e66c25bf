//! Two bridges on one database.

use std::{collections::HashSet, sync::Arc, time::Duration};

use homeroom_bridge::store::{
    Accepted, Ambiguity, QueueLimits, Store, StoreError,
    postgres::{Options, PostgresStore},
};

use crate::{cluster, place::*};

pub(crate) async fn two() -> Option<(Place, Arc<dyn Store>, Arc<dyn Store>)> {
    let place = Place::postgres().await?;
    let Place::Postgres(database) = &place else {
        return None;
    };
    let config = database.config();
    let resend = || Arc::new(|_| Ambiguity::Resend);
    let one = cluster::open(&config, "one", resend()).await;
    let two = cluster::open(&config, "two", resend()).await;
    Some((place, one, two))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_part_is_given_to_two_bridges() {
    let Some((_place, one, two)) = two().await else {
        return;
    };
    let all = (0..200).map(|n| message(&format!("m{n}"), 3)).collect();
    one.accept(all, NO_LIMITS, NOW).await.unwrap();
    let claimers = [&one, &two, &one, &two].map(|store| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut keys = Vec::new();
            loop {
                let parts = store.claim(ESME, 17, NOW).await.unwrap();
                if parts.is_empty() {
                    return keys;
                }
                let results = parts
                    .iter()
                    .map(|part| taken(part, &part.key.message_id))
                    .collect();
                store.record(results, NOW).await.unwrap();
                keys.extend(parts.into_iter().map(|part| part.key));
            }
        })
    });
    let mut keys = Vec::new();
    for claimer in claimers {
        keys.extend(claimer.await.unwrap());
    }
    // Who finds everything locked by the other ends early, with parts left for nobody.
    keys.extend(
        one.claim(ESME, 999, NOW)
            .await
            .unwrap()
            .into_iter()
            .map(|part| part.key),
    );
    assert_eq!(keys.len(), 600);
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), 600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_starts_leaves_the_events_alone_that_another_is_delivering() {
    let Some((place, one, two)) = two().await else {
        return;
    };
    submitted(&one, "m1", "x1", NOW).await;
    let lease = Duration::from_secs(30);
    assert_eq!(one.events(100, lease, NOW).await.unwrap().len(), 1);
    drop(two);
    let Place::Postgres(database) = &place else {
        return;
    };
    let two = cluster::open(&database.config(), "two", Arc::new(|_| Ambiguity::Resend)).await;
    two.recover(NOW + 1).await.unwrap();
    assert!(two.events(100, lease, NOW + 1).await.unwrap().is_empty());
    // Nor is it the first one's any more that the second took over.
    assert_eq!(two.events(100, lease, NOW + 30_000).await.unwrap().len(), 1);
    drop(one);
    let one = cluster::open(&database.config(), "one", Arc::new(|_| Ambiguity::Resend)).await;
    one.recover(NOW + 30_001).await.unwrap();
    assert!(
        one.events(100, lease, NOW + 30_001)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_belongs_to_one_bridge() {
    let Some((place, one, _two)) = two().await else {
        return;
    };
    let Place::Postgres(database) = &place else {
        return;
    };
    let error = PostgresStore::open(&database.config(), Options::new("one"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("the name one"), "{error}");
    drop(one);
    PostgresStore::open(&database.config(), Options::new("one"))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_over_all_bridges_at_once() {
    let Some((_place, one, two)) = two().await else {
        return;
    };
    let limits = QueueLimits {
        total: 100,
        per_app: 100,
        per_esme: 30,
    };
    let calls = (0..80).map(|n| {
        let store = if n % 2 == 0 { one.clone() } else { two.clone() };
        tokio::spawn(async move {
            let all = vec![message(&format!("m{n}"), 1)];
            store.accept(all, limits, NOW).await.unwrap().remove(0)
        })
    });
    let mut new = 0;
    for call in calls.collect::<Vec<_>>() {
        new += usize::from(call.await.unwrap() == Accepted::New);
    }
    assert_eq!(new, 30);
}

/// A receipt and the response that names its part come on different bridges at the same moment: neither is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_and_its_response_at_the_same_moment_find_each_other() {
    let Some((_place, one, two)) = two().await else {
        return;
    };
    for n in 0..60 {
        let id = format!("m{n}");
        let parts = claimed(&one, &id, 1, NOW).await;
        let name = format!("x{n}");
        let (response, news) = (
            vec![taken(&parts[0], &name)],
            vec![receipt(
                &name,
                homeroom_bridge::message::PartStatus::Delivered,
                NOW,
            )],
        );
        let (response, news) = tokio::join!(one.record(response, NOW), two.receipts(news, NOW));
        response.unwrap();
        news.unwrap();
        assert_eq!(
            statuses(&two, &id).await,
            [homeroom_bridge::message::PartStatus::Delivered],
            "{id}"
        );
    }
    assert_eq!(one.depths(NOW).await.unwrap().orphans, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_only_reads_counts_as_full() {
    let Some((place, one, _two)) = two().await else {
        return;
    };
    let Place::Postgres(database) = &place else {
        return;
    };
    accept(&one, message("m1", 1), NOW).await;
    let client = database.client().await;
    let name = client
        .query_one("SELECT current_database()", &[])
        .await
        .unwrap()
        .get::<_, String>(0);
    client
        .batch_execute(&format!(
            "ALTER DATABASE {name} SET default_transaction_read_only = on;
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        ))
        .await
        .unwrap();
    let mut refused = one.writable().await;
    // The first call may find its connection gone.
    while matches!(refused, Err(StoreError::Failed(_) | StoreError::Away(_))) {
        refused = one.writable().await;
    }
    assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
    assert_eq!(view(&one, "m1").await.parts.len(), 1);
    client
        .batch_execute(&format!(
            "SET default_transaction_read_only = off; ALTER DATABASE {name} RESET default_transaction_read_only;
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        ))
        .await
        .unwrap();
    while one.writable().await.is_err() {}
    accept(&one, message("m2", 1), NOW).await;
}
