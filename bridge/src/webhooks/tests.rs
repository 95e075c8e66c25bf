//! Against a platform of our own that misbehaves, and a store of our own that only knows events.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use homeroom_sms_contract::submit::{Cancelled, SwitchedOff};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::clock::SystemClock;
use crate::message::{Attempted, Claimed, InboundPart, NewMessage, Receipt};
use crate::store::{
    Accepted, Depths, HistoryLine, MessageView, Policy, Provider, QueueLimits, Retention, Unheard,
};

mod faults;
mod recovery;

const SECRET: &str = "a secret of thirty-two bytes, ok";

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Due(i64),
    Delivered,
    Dead(String),
}

#[derive(Default)]
struct Events(Mutex<Vec<(Outgoing, State)>>);

impl Events {
    fn add(&self, id: &str, path: &str, topic: &str) {
        let mut events = self.0.lock().unwrap();
        let event = Outgoing {
            id: id.to_owned(),
            sequence: i64::try_from(events.len()).unwrap(),
            path: path.to_owned(),
            topic: topic.to_owned(),
            body: json!({ "message_id": topic }).to_string(),
            attempts: 0,
            created_at: SystemClock.now().millis(),
        };
        events.push((event, State::Due(0)));
    }

    fn state(&self, id: &str) -> (State, u32) {
        let events = self.0.lock().unwrap();
        let (event, state) = events.iter().find(|(event, _)| event.id == id).unwrap();
        (state.clone(), event.attempts)
    }

    fn waiting(&self) -> usize {
        let events = self.0.lock().unwrap();
        events
            .iter()
            .filter(|(_, state)| matches!(state, State::Due(_)))
            .count()
    }

    async fn settled(&self) {
        tokio::time::timeout(Duration::from_mins(1), async {
            while self.waiting() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("events are still waiting");
    }
}

#[async_trait]
impl Store for Events {
    async fn events(
        &self,
        limit: usize,
        lease: Duration,
        now: i64,
    ) -> Result<Vec<Outgoing>, StoreError> {
        let mut topics = HashSet::new();
        let mut given = Vec::new();
        for (event, state) in self.0.lock().unwrap().iter_mut() {
            let State::Due(at) = state else { continue };
            if topics.insert(event.topic.clone()) && *at <= now && given.len() < limit {
                *at = now + i64::try_from(lease.as_millis()).unwrap();
                given.push(event.clone());
            }
        }
        Ok(given)
    }

    async fn delivered(&self, ids: Vec<String>, _: i64) -> Result<(), StoreError> {
        for (event, state) in self.0.lock().unwrap().iter_mut() {
            if ids.contains(&event.id) {
                *state = State::Delivered;
            }
        }
        Ok(())
    }

    async fn undelivered(
        &self,
        ids: Vec<(String, Option<i64>)>,
        _: Fault,
        error: &str,
        _: i64,
    ) -> Result<(), StoreError> {
        let ids: HashMap<_, _> = ids.into_iter().collect();
        for (event, state) in self.0.lock().unwrap().iter_mut() {
            if let Some(at) = ids.get(&event.id) {
                event.attempts += 1;
                *state = at.map_or_else(|| State::Dead(error.to_owned()), State::Due);
            }
        }
        Ok(())
    }

    async fn hasten(&self, _: &str, _: Duration, _: i64) -> Result<(), StoreError> {
        Ok(())
    }

    async fn accept(
        &self,
        _: Vec<NewMessage>,
        _: QueueLimits,
        _: i64,
    ) -> Result<Vec<Accepted>, StoreError> {
        unreachable!()
    }
    async fn unheard(&self, _: i64, _: i64, _: i64, _: usize) -> Result<Vec<Unheard>, StoreError> {
        unreachable!()
    }
    async fn claim(&self, _: i64, _: usize, _: i64) -> Result<Vec<Claimed>, StoreError> {
        unreachable!()
    }
    async fn record(&self, _: Vec<(Attempted, Provider)>, _: i64) -> Result<(), StoreError> {
        unreachable!()
    }
    async fn receipts(&self, _: Vec<Receipt>, _: i64) -> Result<usize, StoreError> {
        unreachable!()
    }
    async fn inbound(&self, _: InboundPart, _: i64) -> Result<(), StoreError> {
        unreachable!()
    }
    fn follow(&self, _: Policy) {
        unreachable!()
    }
    async fn recover(&self, _: i64) -> Result<u64, StoreError> {
        unreachable!()
    }
    async fn sweep(&self, _: Retention, _: i64) -> Result<(), StoreError> {
        unreachable!()
    }
    async fn cancel(&self, _: i64, _: &str, _: i64) -> Result<Cancelled, StoreError> {
        unreachable!()
    }
    async fn find(&self, _: Option<i64>, _: &str) -> Result<Option<MessageView>, StoreError> {
        unreachable!()
    }
    async fn history(&self, _: &str) -> Result<Vec<HistoryLine>, StoreError> {
        unreachable!()
    }
    async fn announce(&self, _: &str, _: &str, _: String, _: i64) -> Result<(), StoreError> {
        unreachable!()
    }
    async fn replay(&self, _: Option<&str>, _: i64) -> Result<u64, StoreError> {
        unreachable!()
    }
    async fn switch_off(&self, _: SwitchedOff) -> Result<(), StoreError> {
        unreachable!()
    }
    async fn switched_off(&self) -> Result<SwitchedOff, StoreError> {
        unreachable!()
    }
    async fn depths(&self, _: i64) -> Result<Depths, StoreError> {
        unreachable!()
    }
    async fn writable(&self) -> Result<(), StoreError> {
        unreachable!()
    }
}

/// What the platform of the test does with the next request.
#[derive(Clone, Debug)]
enum Does {
    Answers(&'static str),
    Stalls,
    /// A byte of the answer now and then.
    Drips,
    /// Takes a moment.
    Pauses,
    /// 401 where the signature is not right by the platform's clock.
    Checks,
    HangsUp,
    RefusesWith(&'static str, &'static str),
}

#[derive(Clone, Debug)]
struct Seen {
    path: String,
    id: String,
    events: Vec<String>,
    signed: bool,
}

#[derive(Default)]
struct Receiver {
    plan: Mutex<VecDeque<Does>>,
    seen: Mutex<Vec<Seen>>,
    /// Requests at a time, now and at most.
    busy: Mutex<(usize, usize)>,
}

impl Receiver {
    fn with(plan: &[Does]) -> Arc<Self> {
        Arc::new(Self {
            plan: Mutex::new(plan.iter().cloned().collect()),
            ..Self::default()
        })
    }

    async fn listen(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let receiver = self.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(receiver.clone().connection(stream));
            }
        });
        format!("http://{address}")
    }

    async fn connection(self: Arc<Self>, mut stream: TcpStream) {
        while let Some((head, body)) = request(&mut stream).await {
            let line = |name: &str| {
                let found = head.lines().find_map(|line| line.strip_prefix(name));
                found.unwrap_or_default().trim().to_owned()
            };
            let (id, time) = (line("webhook-id:"), line("webhook-timestamp:"));
            let signature = line("webhook-signature:");
            let now = SystemClock.now().seconds();
            let right = signature::verify(&[SECRET.as_bytes()], &id, &time, &signature, &body, now);
            let sent: Value = serde_json::from_slice(&body).unwrap();
            let ids = sent["events"].as_array().unwrap().iter();
            let events: Vec<String> = ids
                .map(|one| one["id"].as_str().unwrap().to_owned())
                .collect();
            let path = head.split(' ').nth(1).unwrap().to_owned();
            self.seen.lock().unwrap().push(Seen {
                path,
                id,
                events: events.clone(),
                signed: right.is_ok(),
            });
            let next = self.plan.lock().unwrap().pop_front();
            let answer = match next.unwrap_or(Does::Answers("204 No Content")) {
                Does::Answers(answer) => answer.to_owned(),
                Does::RefusesWith(answer, id) if events.iter().any(|one| one == id) => {
                    self.plan
                        .lock()
                        .unwrap()
                        .push_front(Does::RefusesWith(answer, id));
                    answer.to_owned()
                }
                Does::RefusesWith(answer, id) => {
                    self.plan
                        .lock()
                        .unwrap()
                        .push_front(Does::RefusesWith(answer, id));
                    "200 OK".to_owned()
                }
                Does::Stalls => return tokio::time::sleep(Duration::from_mins(1)).await,
                Does::Drips => {
                    let head = format!("HTTP/1.1 200 OK\r\nx-drops: {}\r\n", ".".repeat(170));
                    for byte in head.as_bytes() {
                        let _ = stream.write_all(&[*byte]).await;
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    return;
                }
                Does::Pauses => {
                    let enter = |busy: &mut (usize, usize)| {
                        busy.0 += 1;
                        busy.1 = busy.1.max(busy.0);
                    };
                    enter(&mut self.busy.lock().unwrap());
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    self.busy.lock().unwrap().0 -= 1;
                    "204 No Content".to_owned()
                }
                Does::Checks if right.is_ok() => "204 No Content".to_owned(),
                Does::Checks => "401 Unauthorized".to_owned(),
                Does::HangsUp => return,
            };
            let length = if answer.starts_with("204") {
                ""
            } else {
                "\r\ncontent-length: 0"
            };
            let answer = format!("HTTP/1.1 {answer}{length}\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut all = Vec::new();
    loop {
        if let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(all[..end].to_vec()).unwrap();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.unwrap().trim().parse().unwrap();
            if all.len() >= end + 4 + length {
                return Some((head, all[end + 4..end + 4 + length].to_vec()));
            }
        }
        if stream.read_buf(&mut all).await.ok()? == 0 {
            return None;
        }
    }
}

fn quick() -> Schedule {
    Schedule {
        idle: Duration::from_millis(5),
        first_pause: Duration::from_millis(20),
        longest_pause: Duration::from_secs(2),
        ..Schedule::default()
    }
}

async fn deliver(events: &Arc<Events>, receiver: &Arc<Receiver>, schedule: Schedule) {
    deliver_to(&receiver.listen().await, events, schedule).await;
}

async fn deliver_to(url: &str, events: &Arc<Events>, schedule: Schedule) {
    deliver_by(Arc::new(SystemClock), url, events, schedule).await;
}

async fn deliver_by(clock: Arc<dyn Clock>, url: &str, events: &Arc<Events>, schedule: Schedule) {
    let client = PlatformClient::new(url, None)
        .unwrap()
        .within(Duration::from_secs(1));
    let secret = Secret::from(SECRET.to_owned());
    let webhooks = Webhooks::new(events.clone(), client, secret, clock, schedule);
    let stop = CancellationToken::new();
    let running = tokio::spawn(webhooks.run(stop.clone()));
    events.settled().await;
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn events_go_out_signed_in_batches_of_one_path_and_one_of_each_topic() {
    let events = Arc::new(Events::default());
    for n in 0..150 {
        events.add(
            &format!("e{n}"),
            "/api/v1/sms/dlr",
            &format!("m{}", n % 120),
        );
    }
    events.add("in", "/api/v1/sms/mo", "phone");
    let receiver = Receiver::with(&[]);
    deliver(&events, &receiver, quick()).await;
    let seen = receiver.seen();
    assert!(
        seen.iter()
            .all(|one| one.signed && one.events.len() <= MAX_EVENTS)
    );
    assert!(seen.iter().any(|one| one.events.len() == MAX_EVENTS));
    let place = |id: &str| {
        seen.iter()
            .position(|one| one.events.iter().any(|event| event == id))
            .unwrap()
    };
    for n in 0..30 {
        assert!(
            place(&format!("e{n}")) < place(&format!("e{}", n + 120)),
            "order of topic m{n}"
        );
    }
    let inbound: Vec<_> = seen
        .iter()
        .filter(|one| one.path == "/api/v1/sms/mo")
        .collect();
    assert_eq!(inbound.len(), 1);
    assert_eq!(inbound[0].events, ["in"]);
    assert_eq!(seen.iter().map(|one| one.events.len()).sum::<usize>(), 151);
}

#[tokio::test]
async fn a_platform_in_trouble_is_asked_again_with_the_same_id_until_it_takes_the_event() {
    let events = Arc::new(Events::default());
    events.add("e1", "/api/v1/sms/dlr", "m1");
    let receiver = Receiver::with(&[
        Does::Answers("500 Internal Server Error"),
        Does::Stalls,
        Does::HangsUp,
        Does::Answers("502 Bad Gateway"),
        Does::Answers("401 Unauthorized"),
        Does::Answers("408 Request Timeout"),
        Does::Answers("409 Conflict"),
    ]);
    deliver(&events, &receiver, quick()).await;
    assert_eq!(events.state("e1"), (State::Delivered, 7));
    let seen = receiver.seen();
    assert_eq!(seen.len(), 8);
    assert!(seen.iter().all(|one| one.id == seen[0].id && one.signed));
}

#[tokio::test]
async fn an_event_that_the_platform_calls_wrong_ends_as_a_dead_letter_and_its_neighbours_are_delivered()
 {
    let events = Arc::new(Events::default());
    for n in 0..5 {
        events.add(&format!("e{n}"), "/api/v1/sms/dlr", &format!("m{n}"));
    }
    let receiver = Receiver::with(&[Does::RefusesWith("422 Unprocessable Content", "e3")]);
    deliver(&events, &receiver, quick()).await;
    for n in [0, 1, 2, 4] {
        assert_eq!(
            events.state(&format!("e{n}")),
            (State::Delivered, 0),
            "e{n}"
        );
    }
    let dead = State::Dead("the platform answered 422".to_owned());
    assert_eq!(events.state("e3"), (dead, quick().tries_when_refused));
}

#[tokio::test]
async fn after_three_days_an_event_is_a_dead_letter_though_nobody_answers() {
    let events = Arc::new(Events::default());
    events.add("e1", "/api/v1/sms/dlr", "m1");
    let short = Schedule {
        give_up: Duration::from_secs(1),
        ..quick()
    };
    deliver_to("http://127.0.0.1:9", &events, short).await;
    let (state, attempts) = events.state("e1");
    assert!(matches!(state, State::Dead(_)), "{state:?}");
    assert!(attempts >= 2);
    assert_eq!(Schedule::default().give_up, Duration::from_hours(72));
}

#[test]
fn pauses_double_from_five_seconds_to_a_quarter_of_an_hour_and_vary() {
    let store: Arc<dyn Store> = Arc::new(Events::default());
    let client = PlatformClient::new("http://localhost", None).unwrap();
    let secret = Secret::from(SECRET.to_owned());
    let webhooks = Webhooks::new(
        store,
        client,
        secret,
        Arc::new(SystemClock),
        Schedule::default(),
    );
    let event = |attempts| Outgoing {
        id: String::new(),
        sequence: 0,
        path: String::new(),
        topic: String::new(),
        body: String::new(),
        attempts,
        created_at: 0,
    };
    let now = 1_000;
    for (attempts, seconds) in [
        (0, 5),
        (1, 10),
        (2, 20),
        (5, 160),
        (8, 900),
        (4_000_000, 900),
    ] {
        for _ in 0..50 {
            let pause = webhooks.again(&event(attempts), None, now, None).unwrap() - now;
            let (least, most) = (seconds * 750, seconds * 1_250);
            assert!((least..=most).contains(&pause), "{attempts}: {pause}");
        }
    }
    let asked = webhooks.again(&event(0), Some(60), now, None).unwrap() - now;
    assert_eq!(asked, 60_000);
}
