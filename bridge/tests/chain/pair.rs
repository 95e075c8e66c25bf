//! Two bridges on one `PostgreSQL`, under load. The centre is node-smpp's; each bridge has an account of its own there.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::cluster::{self, Database};
use crate::node::PeerCentre;
use crate::rest::{call, message, try_call};
use crate::support::{Chain, WINDOW};

const NAMES: [&str; 2] = ["one", "two"];
/// Callers of each bridge.
const CALLERS: usize = 8;

/// Where a text came from, in which round, each time that it came.
type Arrivals = Arc<Mutex<HashMap<String, Vec<(usize, String)>>>>;

struct Pair {
    bridges: [Chain; 2],
    database: Database,
    arrived: Arrivals,
    round: Arc<AtomicUsize>,
    /// Whether callers go on.
    load: Arc<AtomicBool>,
    _centre: tokio::process::Child,
    _input: tokio::process::ChildStdin,
}

/// What callers saw.
#[derive(Default)]
struct Sent {
    accepted: Vec<String>,
    /// Statuses of refusals that say when to come back.
    refused: Vec<u16>,
}

impl Pair {
    async fn on(database: Database) -> Self {
        let centre = PeerCentre::node(&["-", "-", "50"].map(OsStr::new)).await;
        let links = [(centre.port, "")];
        let first = Chain::over(&links, "").await;
        let second = first.beside(&links, "");
        let bridges = [first, second];
        for (bridge, name) in bridges.iter().zip(NAMES) {
            bridge.edit(|text| in_database(&text, &database, name));
        }
        let arrived = Arrivals::default();
        let round = Arc::new(AtomicUsize::new(0));
        let (mut lines, input, child) = centre.parts();
        let (counting, current) = (Arc::clone(&arrived), Arc::clone(&round));
        tokio::spawn(async move {
            while let Some(line) = lines.next_line().await.unwrap() {
                let line: Value = serde_json::from_str(&line).unwrap();
                let [text, account] = ["text", "account"].map(|name| line[name].as_str().unwrap());
                let came = (current.load(Ordering::SeqCst), account.to_owned());
                let mut counting = counting.lock().unwrap();
                counting.entry(text.to_owned()).or_default().push(came);
            }
        });
        Self {
            bridges,
            database,
            arrived,
            round,
            load: Arc::default(),
            _centre: child,
            _input: input,
        }
    }

    /// Callers of both bridges, until they are told to end.
    fn callers(&self, what: &str) -> JoinSet<Sent> {
        self.load.store(true, Ordering::SeqCst);
        let mut callers = JoinSet::new();
        let [one, two] = [&self.bridges[0], &self.bridges[1]].map(|bridge| bridge.rest);
        for (own, other) in [(one, two), (two, one)] {
            for n in 0..CALLERS {
                let load = Arc::clone(&self.load);
                let name = format!("{what}-{}-{n}", own.port());
                callers.spawn(async move { send(&load, [own, other], &name).await });
            }
        }
        callers
    }

    async fn end(&self, mut callers: JoinSet<Sent>, all: &mut Sent) {
        self.load.store(false, Ordering::SeqCst);
        while let Some(sent) = callers.join_next().await {
            let sent = sent.unwrap();
            all.accepted.extend(sent.accepted);
            all.refused.extend(sent.refused);
        }
    }

    /// The leases of a killed bridge and of its events end, as they do after a minute.
    async fn end_lease(&self, name: &str) {
        let sql = format!(
            "UPDATE bridges SET held_since = held_since - 60000,
                 lease_until = lease_until - CASE WHEN name = '{name}' THEN 60000 ELSE 0 END"
        );
        let client = self.database.client().await;
        client.batch_execute(&sql).await.unwrap();
        self.end_leases_of_events(name).await;
    }

    async fn end_leases_of_events(&self, name: &str) {
        let sql = format!(
            "UPDATE events SET due_at = due_at - 60000 WHERE bridge = (SELECT key FROM bridges WHERE name = '{name}')"
        );
        let client = self.database.client().await;
        client.batch_execute(&sql).await.unwrap();
    }

    /// Parts that a bridge is sending, as far as the database knows.
    async fn sending(&self, name: &str) -> usize {
        self.count(&format!(
            "SELECT count(*) FROM parts WHERE bridge = (SELECT key FROM bridges WHERE name = '{name}')"
        ))
        .await
    }

    async fn count(&self, sql: &str) -> usize {
        let client = self.database.client().await;
        let count: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
        usize::try_from(count).unwrap()
    }

    /// Waits until every part has its receipt and the platform knows of it.
    async fn wait_quiet(&self, seconds: u64) {
        let client = self.database.client().await;
        let sql = "SELECT format('part %s of %s, status %s, attempt %s, log %s', number, message, status, attempt, log) FROM parts WHERE status < 5
                   UNION ALL SELECT format('event of %s, state %s, attempts %s', topic, state, attempts) FROM events WHERE topic NOT LIKE 'link-%'";
        let mut looks = 0;
        loop {
            let open = client.query(sql, &[]).await.unwrap();
            if open.is_empty() {
                return;
            }
            let open: Vec<String> = open.iter().map(|row| row.get(0)).collect();
            looks += 1;
            assert!(looks < seconds * 5, "still open: {open:#?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until nothing more comes of what was on its way.
    async fn settle(&self) {
        let count = || {
            let arrived = self.arrived.lock().unwrap();
            arrived.values().map(Vec::len).sum::<usize>()
        };
        let (mut before, mut quiet) = (count(), 0);
        while quiet < 4 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            quiet = if count() == before { quiet + 1 } else { 0 };
            before = count();
        }
    }

    /// Waits until a bridge has sent enough to count, and is sending something.
    async fn busy(&self, name: &str) {
        let sent = || {
            let arrived = self.arrived.lock().unwrap();
            arrived
                .values()
                .flatten()
                .filter(|came| came.1 == name)
                .count()
        };
        for _ in 0..6_000 {
            if sent() > 10 && self.sending(name).await > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{name} sent {}, and sends nothing now", sent());
    }

    async fn message_id(&self, text: &str) -> String {
        let client = self.database.client().await;
        let sql = "SELECT message_id FROM messages WHERE transaction_id = $1";
        client.query_one(sql, &[&text]).await.unwrap().get(0)
    }

    /// Nothing that was accepted is lost, and both bridges sent something; how often each text came.
    fn all_came(&self, sent: &Sent) -> HashMap<String, Vec<(usize, String)>> {
        let arrived = self.arrived.lock().unwrap().clone();
        let lost = |text: &&String| !arrived.contains_key(*text);
        let lost: Vec<_> = sent.accepted.iter().filter(lost).collect();
        assert!(
            lost.is_empty(),
            "{} of {} lost: {lost:?}",
            lost.len(),
            sent.accepted.len()
        );
        for name in NAMES {
            let by = arrived.values().flatten().filter(|came| came.1 == name);
            let by = by.count();
            println!("{name} sent {by}");
            assert!(by > 10, "{name} sent {by}");
        }
        arrived
    }
}

/// The same configuration for a bridge of this name on the database.
fn in_database(text: &str, database: &Database, name: &str) -> String {
    let store = format!("postgres = \"{}\"\nname = \"{name}\"", database.config());
    text.replace("sqlite = \"store/bridge.sqlite\"", &store)
        .replace("system_id = \"school\"", &format!("system_id = \"{name}\""))
}

/// Sends one message after the other, each until it is accepted: by the other bridge where the first is gone.
async fn send(load: &AtomicBool, bridges: [SocketAddr; 2], name: &str) -> Sent {
    let mut sent = Sent::default();
    for n in 0.. {
        let text = format!("{name}-{n}");
        for attempt in 0.. {
            if !load.load(Ordering::SeqCst) {
                return sent;
            }
            let bridge = bridges[attempt % 2];
            let Some(answer) = try_call(bridge, "/api/v1/sms/send", message(100, &text)).await
            else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let status = answer.status.as_u16();
            if status == 200 {
                sent.accepted.push(text);
                break;
            }
            assert!(
                answer.headers.contains_key("retry-after"),
                "{status} for {text}: {:?}",
                answer.body
            );
            sent.refused.push(status);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    sent
}

fn is_long() -> bool {
    std::env::var_os("HOMEROOM_LONG").is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_bridge_was_sending_its_neighbour_on_the_database_sends() {
    let Some(database) = cluster::database().await else {
        return;
    };
    let long = is_long();
    let kills = if long { 50 } else { 2 };
    let mut pair = Pair::on(database).await;
    let mut sent = Sent::default();
    for bridge in &mut pair.bridges {
        bridge.start().await;
    }
    let mut cut_off = 0;
    for round in 0..kills {
        let victim = round % 2;
        let callers = pair.callers(&round.to_string());
        let moment = u64::from(uuid::Uuid::now_v7().as_bytes()[15]) * 3;
        tokio::time::sleep(Duration::from_millis(300 + moment)).await;
        pair.busy(NAMES[victim]).await;
        pair.bridges[victim].kill();
        // The neighbour goes on, and what the victim did not answer is asked of it.
        tokio::time::sleep(Duration::from_millis(200)).await;
        pair.end(callers, &mut sent).await;
        pair.settle().await;
        cut_off += usize::from(pair.sending(NAMES[victim]).await > 0);
        pair.round.store(round + 1, Ordering::SeqCst);
        // The last one never comes back; before, the neighbour is the next victim.
        if round + 1 < kills {
            pair.bridges[victim].start().await;
        }
    }
    let victim = (kills - 1) % 2;
    if !long {
        pair.end_lease(NAMES[victim]).await;
    }
    pair.wait_quiet(150).await;
    let survivor = &pair.bridges[1 - victim];
    let arrived = pair.all_came(&sent);
    // A text comes again only for the kill of the bridge that sent it.
    let mut again = vec![0; kills];
    for pair in arrived.values().flat_map(|came| came.windows(2)) {
        let (round, account) = &pair[0];
        assert!(pair[1].0 > *round, "sent twice without a kill");
        assert_eq!(account, NAMES[round % 2], "its bridge was not killed then");
        again[*round] += 1;
    }
    let twice: u64 = again.iter().sum();
    let unsure = survivor
        .wait_metric("bridge_attempts_ambiguous_total", |value| value >= twice)
        .await;
    println!(
        "{kills} kills, {cut_off} of them with parts on their way: {} accepted, 0 lost, {twice} sent twice {again:?} (a window is {WINDOW}), {unsure} attempts counted as ambiguous",
        sent.accepted.len()
    );
    assert!(
        again.iter().all(|one| *one <= u64::from(WINDOW)),
        "{again:?}"
    );
    assert!(cut_off > 0, "no kill met anything on its way");
    for (id, came) in arrived.iter().filter(|(_, came)| came.len() > 1) {
        let history = survivor.inspect(&pair.message_id(id).await);
        assert!(
            history.matches(": no answer").count() >= came.len() - 1,
            "{came:?}: {history}"
        );
    }
    pair.bridges[1 - victim].stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_nothing_is_accepted_and_then_everything_goes_on() {
    let Some(database) = cluster::own_database().await else {
        return;
    };
    let mut pair = Pair::on(database).await;
    let mut sent = Sent::default();
    for bridge in &mut pair.bridges {
        bridge.start().await;
    }
    let callers = pair.callers("m");
    for _ in 0..if is_long() { 10 } else { 1 } {
        tokio::time::sleep(Duration::from_millis(700)).await;
        pair.database.stop();
        tokio::time::sleep(Duration::from_millis(500)).await;
        for bridge in &pair.bridges {
            assert_eq!(call(bridge.rest, "/ready", None).await.status, 503);
            assert_eq!(call(bridge.rest, "/healthy", None).await.status, 200);
        }
        pair.database.start();
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    for name in NAMES {
        pair.busy(name).await;
    }
    pair.end(callers, &mut sent).await;
    // Of an event that was out when the database went, nobody could write down that it arrived.
    for name in NAMES {
        pair.end_leases_of_events(name).await;
    }
    pair.wait_quiet(90).await;
    let arrived = pair.all_came(&sent);
    println!(
        "{} accepted, {} refused while it was away",
        sent.accepted.len(),
        sent.refused.len()
    );
    assert!(sent.refused.len() > 4, "nobody asked while it was away");
    assert!(sent.refused.iter().all(|status| *status == 503));
    let twice: Vec<_> = arrived.iter().filter(|(_, came)| came.len() > 1).collect();
    assert!(twice.is_empty(), "no bridge ended: {twice:?}");
    for bridge in &mut pair.bridges {
        bridge.stop();
    }
}

/// The first to come back finds that nobody prolonged a lease, and that its neighbour has something out.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_bridge_sent_before_the_database_was_away_for_longer_than_a_lease_comes_once() {
    let Some(database) = cluster::own_database().await else {
        return;
    };
    let mut pair = Pair::on(database).await;
    let mut sent = Sent::default();
    for bridge in &mut pair.bridges {
        bridge.start().await;
    }
    let callers = pair.callers("m");
    tokio::time::sleep(Duration::from_millis(700)).await;
    for name in NAMES.into_iter().rev() {
        pair.busy(name).await;
    }
    pair.database.stop();
    // The centre answers; what it said cannot be written down.
    tokio::time::sleep(Duration::from_millis(500)).await;
    pair.end(callers, &mut sent).await;
    pair.bridges[0].signal("STOP");
    let over = "UPDATE bridges SET lease_until = lease_until - 90000";
    pair.database.change_stopped(over);
    pair.database.start();
    let out = pair.sending(NAMES[0]).await;
    assert!(out > 0, "nothing was out");
    // A sweep of the neighbour.
    tokio::time::sleep(Duration::from_secs(22)).await;
    assert_eq!(pair.sending(NAMES[0]).await, out, "taken over");
    pair.bridges[0].signal("CONT");
    // Of an event that was out when the database went, nobody could write down that it arrived.
    for name in NAMES {
        pair.end_leases_of_events(name).await;
    }
    pair.wait_quiet(90).await;
    let arrived = pair.all_came(&sent);
    let twice: Vec<_> = arrived.iter().filter(|(_, came)| came.len() > 1).collect();
    assert!(twice.is_empty(), "no bridge ended: {twice:?}");
    for bridge in &mut pair.bridges {
        bridge.stop();
    }
}
