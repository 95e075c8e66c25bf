//! What only a file can suffer: a second bridge, no room, a torn log.

use std::{fs, sync::Arc};

use homeroom_bridge::store::{
    Store, StoreError,
    sqlite::{Options, SqliteStore},
};

use crate::place::*;

#[tokio::test]
async fn a_second_bridge_cannot_open_the_same_file() {
    let place = Place::sqlite();
    let first = place.open().await;
    let error = SqliteStore::open(&place.file(), Options::default()).unwrap_err();
    assert!(error.to_string().contains("another bridge"), "{error}");
    drop(first);
    SqliteStore::open(&place.file(), Options::default()).unwrap();
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_left_alone() {
    let place = Place::sqlite();
    drop(place.open().await);
    let connection = rusqlite::Connection::open(place.file()).unwrap();
    connection
        .execute("INSERT INTO versions VALUES (99, 0)", [])
        .unwrap();
    drop(connection);
    let error = SqliteStore::open(&place.file(), Options::default()).unwrap_err();
    assert!(error.to_string().contains("version 99"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_file_or_its_log() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::sqlite();
    let store = place.open().await;
    accept(&store, message("m1", 1), NOW).await;
    for name in ["bridge.db", "bridge.db-wal"] {
        let path = place.file().with_file_name(name);
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} has {mode:o}");
    }
}

#[tokio::test]
async fn without_room_nothing_is_accepted_and_nothing_is_lost() {
    let place = Place::sqlite();
    let options = Options {
        most_bytes: Some(1 << 20),
        ..Options::default()
    };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&place.file(), options).unwrap());
    let mut stored = Vec::new();
    let error = loop {
        let id = format!("m{}", stored.len());
        match store.accept(vec![message(&id, 8)], NO_LIMITS, NOW).await {
            Ok(_) => stored.push(id),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full(_)), "{error}");
    assert!(stored.len() > 50);
    // It still reads, and still says that it is full instead of ending.
    let refused = store.accept(vec![message("more", 8)], NO_LIMITS, NOW).await;
    assert!(matches!(refused, Err(StoreError::Full(_))));
    for id in &stored {
        assert_eq!(view(&store, id).await.parts.len(), 8);
    }
    drop(store);
    // With room again it goes on, and counts right.
    let store = place.open().await;
    accept(&store, message("more", 8), NOW).await;
    store.writable().await.unwrap();
    let queued = u64::try_from(stored.len() * 8 + 8).unwrap();
    assert_eq!(store.depths(NOW).await.unwrap().queued, [(ESME, queued)]);
}

/// A crash leaves the file, and the log up to some byte. All that was answered before that byte was written is there.
#[tokio::test]
async fn a_torn_log_costs_only_what_was_not_answered_yet() {
    let place = Place::sqlite();
    let store = place.open().await;
    let log = place.file().with_file_name("bridge.db-wal");
    let mut answered = Vec::new();
    for n in 0..60 {
        let id = format!("m{n}");
        let parts = claimed(&store, &id, 2, NOW).await;
        let results = parts.iter().map(|part| taken(part, &id)).collect();
        store.record(results, NOW).await.unwrap();
        answered.push((fs::metadata(&log).unwrap().len(), id));
    }
    let whole = fs::read(&log).unwrap();
    let file = fs::read(place.file()).unwrap();
    drop(store);
    let mut random = 7_u64;
    for round in 0..60 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let cut = usize::try_from((random >> 16) % (whole.len() as u64 + 1)).unwrap();
        let copy = Place::sqlite();
        fs::write(copy.file(), &file).unwrap();
        let mut torn = whole[..cut].to_vec();
        if round % 3 == 0 {
            // The disk had made room for it already.
            torn.resize(whole.len(), 0);
        }
        fs::write(copy.file().with_file_name("bridge.db-wal"), torn).unwrap();
        let store = copy.open().await;
        for (length, id) in &answered {
            let found = store.find(None, id).await.unwrap();
            if *length <= cut as u64 {
                assert!(found.is_some(), "{id} is lost with {cut} bytes");
            }
            assert!(found.is_none_or(|message| message.parts.len() == 2));
        }
        drop(store);
        let connection = rusqlite::Connection::open(copy.file()).unwrap();
        let check: String = connection
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(check, "ok");
        let broken: i64 = connection
            .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(broken, 0);
    }
}

/// Bytes of the log beside the file.
fn log(place: &Place) -> u64 {
    let log = place.file().with_file_name("bridge.db-wal");
    fs::metadata(log).unwrap().len()
}

#[tokio::test]
async fn a_sweep_brings_the_log_into_the_file_unless_a_reader_is_in_the_way() {
    let place = Place::sqlite();
    let store = place.open().await;
    accept(&store, message("m1", 8), NOW).await;
    assert!(log(&place) > 0);
    let reader = rusqlite::Connection::open(place.file()).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let rows = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        reader.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(rows("messages"), 1);
    accept(&store, message("m2", 8), NOW).await;
    // It only puts it off, and holds nobody up for long.
    store.sweep(RETENTION, NOW).await.unwrap();
    accept(&store, message("m3", 8), NOW).await;
    assert!(log(&place) > 0);
    assert_eq!(rows("messages"), 1, "the reader sees what it saw");
    reader.execute_batch("COMMIT").unwrap();
    store.sweep(RETENTION, NOW).await.unwrap();
    // The sweep only asks for it: the next write comes after it.
    store.writable().await.unwrap();
    assert!(log(&place) < 100_000, "{}", log(&place));
    assert_eq!(rows("messages"), 3);
}

#[tokio::test]
async fn between_sweeps_the_log_does_not_grow_without_end() {
    let place = Place::sqlite();
    let store = place.open().await;
    let mut most = 0;
    for n in 0..60 {
        let mut message = message(&format!("m{n}"), 40);
        for part in &mut message.parts {
            part.payload = Some(vec![b'x'; 39_000]);
        }
        accept(&store, message, NOW).await;
        most = most.max(log(&place));
    }
    assert!(fs::metadata(place.file()).unwrap().len() > 60 << 20);
    assert!(most < 32 << 20, "{most}");
}
