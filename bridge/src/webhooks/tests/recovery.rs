//! The end of an outage, with a store that remembers.

use super::*;
use crate::store::sqlite::{Options, SqliteStore};

const PATH: &str = "/api/v1/sms/dlr";

/// Pauses that no test waits for.
fn patient() -> Schedule {
    Schedule {
        first_pause: Duration::from_hours(1),
        longest_pause: Duration::from_hours(2),
        spread: Duration::from_secs(1),
        outage: Duration::ZERO,
        rush_every: Duration::ZERO,
        idle: Duration::from_millis(5),
        ..Schedule::default()
    }
}

struct Running {
    store: Arc<SqliteStore>,
    receiver: Arc<Receiver>,
    stop: CancellationToken,
    file: std::path::PathBuf,
}

impl Running {
    async fn start(name: &str, plan: &[Does]) -> Self {
        let file = format!("bridge-recovery-{}-{name}.db", std::process::id());
        let file = std::env::temp_dir().join(file);
        let store = SqliteStore::open(&file, Options::default()).unwrap();
        let (store, receiver) = (Arc::new(store), Receiver::with(plan));
        let client = PlatformClient::new(&receiver.listen().await, None)
            .unwrap()
            .within(Duration::from_secs(1));
        let secret = Secret::from(SECRET.to_owned());
        let clock = Arc::new(SystemClock);
        let webhooks = Webhooks::new(store.clone(), client, secret, clock, patient());
        let stop = CancellationToken::new();
        tokio::spawn(webhooks.run(stop.clone()));
        Self {
            store,
            receiver,
            stop,
            file,
        }
    }

    /// Returns once the receiver has seen it.
    async fn announce(&self, id: &str) {
        let body = json!({ "id": id }).to_string();
        let now = SystemClock.now().millis();
        self.store.announce(PATH, id, body, now).await.unwrap();
        until(|| self.tries(id) > 0).await;
    }

    fn tries(&self, id: &str) -> usize {
        let seen = self.receiver.seen();
        let of = |one: &&Seen| one.events.iter().any(|event| event == id);
        seen.iter().filter(of).count()
    }

    fn plan(&self, plan: &[Does]) {
        *self.receiver.plan.lock().unwrap() = plan.iter().cloned().collect();
    }

    async fn waiting(&self) -> u64 {
        self.store.depths(0).await.unwrap().events
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        for end in ["", "-wal", "-shm", ".lock"] {
            let name = format!("{}{end}", self.file.display());
            let _ = std::fs::remove_file(name);
        }
    }
}

async fn until(done: impl Fn() -> bool) {
    tokio::time::timeout(Duration::from_mins(1), async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("that never happened");
}

#[tokio::test]
async fn when_the_platform_is_back_everything_arrives_soon_but_what_it_calls_wrong_is_not_tried_more_often()
 {
    let wrong = Does::RefusesWith("422 Unprocessable Content", "wrong");
    let running = Running::start("back", std::slice::from_ref(&wrong)).await;
    // The first success after the start counts as the end of an outage.
    running.announce("before").await;
    running.announce("wrong").await;
    let mut trouble = vec![Does::Answers("503 Service Unavailable"); 6];
    trouble.extend([
        Does::HangsUp,
        Does::Stalls,
        Does::Answers("401 Unauthorized"),
    ]);
    running.plan(&trouble);
    for n in 0..9 {
        running.announce(&format!("away {n}")).await;
    }
    until(|| running.receiver.plan.lock().unwrap().is_empty()).await;
    running.plan(&[wrong]);
    // The last but one of them stalled for a second.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(running.waiting().await, 10);
    running.announce("after").await;
    let since = tokio::time::Instant::now();
    until(|| (0..9).all(|n| running.tries(&format!("away {n}")) == 2)).await;
    // Without that it takes an hour.
    assert!(since.elapsed() < Duration::from_secs(20));
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(running.tries("wrong"), 1);
    assert_eq!(running.waiting().await, 1);
}
