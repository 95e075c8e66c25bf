//! The engine on a clock that is put forward and back.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use homeroom_bridge::app;
use homeroom_bridge::clock::SystemClock;
use homeroom_bridge::config::Config;
use homeroom_bridge::engine::Engine;
use homeroom_bridge::gateway::{Caller, Gateway};
use homeroom_bridge::message::PartStatus;
use homeroom_bridge::smsc::{self, Smsc};
use homeroom_bridge::store::Store;
use homeroom_kernel::{Clock, Timestamp};
use homeroom_sms_contract::submit::Outcome;
use tokio::sync::mpsc;

use crate::platform::message;
use crate::ports::free;
use crate::support::{Folder, config};

/// The system's clock, and how far it is wrong.
struct Jumping(AtomicI64);

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().millis() + self.0.load(Ordering::Relaxed))
    }

    fn local(&self, _: Timestamp, _: &str) -> Option<String> {
        None
    }
}

/// The clock of an engine with a centre, which notes what it takes.
struct World {
    clock: Arc<Jumping>,
    store: Arc<dyn Store>,
    engine: Arc<Engine>,
    _folder: Folder,
}

impl World {
    async fn accept(&self, id: &str, wait: i64) {
        let mut message = message(100, id);
        message.send_at = Some(self.clock.now().millis() + wait);
        let messages = vec![message];
        let outcomes = self.engine.submit(&Caller::Platform, messages).await;
        assert!(matches!(outcomes.unwrap()[0], Outcome::Accepted { .. }));
    }

    /// Waits until a message has one of these statuses.
    async fn becomes(&self, id: &str, wanted: &[PartStatus]) {
        for _ in 0..3_000 {
            let found = self.store.find(None, id).await.unwrap().unwrap();
            if wanted.contains(&found.parts[0].status) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{id} is not one of {wanted:?}");
    }

    fn jump(&self, by: i64) {
        self.clock.0.fetch_add(by, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_delays_what_waits_by_no_more_than_the_jump_and_loses_nothing() {
    const HOUR: i64 = 3_600_000;
    let (record, mut taken) = mpsc::unbounded_channel();
    let settings = smsc::Config {
        receipts: Some(Duration::from_millis(500)),
        record: Some(record),
        ..smsc::Config::default()
    };
    let any = "127.0.0.1:0".parse().unwrap();
    let centre = Smsc::start(any, settings, Arc::new(SystemClock))
        .await
        .unwrap();
    let folder = Folder::new();
    let links = [(centre.address().port(), "")];
    let text = config((free(), free()), &links, 20, "");
    let config = Config::parse(&text, folder.path()).unwrap();
    let clock = Arc::new(Jumping(AtomicI64::new(0)));
    let store = app::open(&config).await.unwrap();
    let engine = Engine::start(&config, Arc::clone(&store), clock.clone())
        .await
        .unwrap();
    let world = World {
        clock,
        store,
        engine,
        _folder: folder,
    };
    for (n, jump) in [HOUR, -2_000, -HOUR].into_iter().enumerate() {
        let [sent, waiting, after] = ["sent", "waiting", "after"].map(|id| format!("{id}-{n}"));
        world.accept(&sent, 0).await;
        // A slow look finds that its receipt is there already.
        let left = [PartStatus::Submitted, PartStatus::Delivered];
        world.becomes(&sent, &left).await;
        world.accept(&waiting, 2_000).await;
        world.jump(jump);
        world.accept(&after, 0).await;
        // Its receipt comes at another time than it was sent.
        world.becomes(&sent, &[PartStatus::Delivered]).await;
        world.becomes(&after, &[PartStatus::Delivered]).await;
        if jump == -HOUR {
            // What waited then waits until the clock is there again.
            world.becomes(&waiting, &[PartStatus::Accepted]).await;
            world.jump(HOUR);
        }
        world.becomes(&waiting, &[PartStatus::Delivered]).await;
    }
    world.engine.shut_down().await;
    let mut arrived = Vec::new();
    while let Ok(one) = taken.try_recv() {
        arrived.push(one.text);
    }
    let once: HashSet<&Vec<u8>> = arrived.iter().collect();
    assert_eq!((arrived.len(), once.len()), (9, 9), "{arrived:?}");
}
