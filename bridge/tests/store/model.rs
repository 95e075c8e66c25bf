//! Random sequences of calls, compared with a model that fits on two screens.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use homeroom_bridge::{
    message::{AttemptResult, Claimed, PartStatus, PartStatus::*},
    store::Store,
};
use homeroom_sms_contract::submit::Cancelled;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::place::*;

#[derive(Clone, Debug)]
enum Op {
    Accept {
        parts: usize,
        priority: u8,
        delay: i64,
        life: i64,
    },
    Claim(usize),
    /// What came of one of all claims so far.
    Record(usize, Kind),
    Receipt(usize, PartStatus),
    Cancel(usize),
    Wait(i64),
    Restart,
    Sweep,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Submitted,
    Later,
    NotSent,
    Rejected,
    Ambiguous,
}

fn op() -> impl Strategy<Value = Op> {
    let kind = prop_oneof![
        5 => Just(Kind::Submitted),
        1 => Just(Kind::Later),
        1 => Just(Kind::NotSent),
        1 => Just(Kind::Rejected),
        2 => Just(Kind::Ambiguous),
    ];
    let status = prop_oneof![
        1 => Just(Enroute),
        3 => Just(Delivered),
        1 => Just(Undeliverable),
        1 => Just(Unknown),
    ];
    prop_oneof![
        4 => (1..4_usize, 0..4_u8, prop_oneof![Just(0), Just(60_i64)], prop_oneof![Just(150), Just(100_000_i64)])
            .prop_map(|(parts, priority, delay, life)| Op::Accept { parts, priority, delay, life }),
        4 => (1..5_usize).prop_map(Op::Claim),
        8 => (any::<usize>(), kind).prop_map(|(n, kind)| Op::Record(n, kind)),
        6 => (any::<usize>(), status).prop_map(|(n, status)| Op::Receipt(n, status)),
        1 => any::<usize>().prop_map(Op::Cancel),
        2 => (1..90_i64).prop_map(Op::Wait),
        1 => Just(Op::Restart),
        1 => Just(Op::Sweep),
    ]
}

#[derive(Clone, Debug)]
struct Part {
    status: PartStatus,
    attempt: u32,
    ambiguous: u32,
    due: i64,
    id: Option<usize>,
}

impl Part {
    fn strand(&mut self, in_time: bool, now: i64) {
        self.ambiguous += 1;
        if in_time && self.ambiguous < 10 {
            self.status = Accepted;
            if let Some(more) = self.ambiguous.checked_sub(2) {
                self.due = now + 5_000 * (1 << more);
            }
        } else {
            self.status = Unknown;
        }
    }
}

#[derive(Clone, Debug)]
struct Message {
    priority: u8,
    valid_until: i64,
    parts: Vec<Part>,
}

/// What the store is to do.
#[derive(Debug, Default)]
struct Model {
    messages: Vec<Message>,
    /// Message, part and attempt of each claim; its number is its id at the centre.
    claims: Vec<(usize, usize, u32)>,
    known: HashSet<usize>,
    orphans: HashMap<usize, Vec<PartStatus>>,
}

impl Model {
    fn expire(&mut self, now: i64) {
        for message in &mut self.messages {
            if message.valid_until < now {
                for part in &mut message.parts {
                    if part.status == Accepted {
                        part.status = Expired;
                    }
                }
            }
        }
    }

    fn claim(&mut self, limit: usize, now: i64) -> Vec<(String, u16, u32)> {
        self.expire(now);
        let mut due = Vec::new();
        for (m, message) in self.messages.iter().enumerate() {
            for (p, part) in message.parts.iter().enumerate() {
                if part.status == Accepted && part.due <= now {
                    due.push((3 - message.priority, part.due, m, p));
                }
            }
        }
        due.sort_unstable();
        due.truncate(limit);
        due.into_iter()
            .map(|(_, _, m, p)| {
                let part = &mut self.messages[m].parts[p];
                part.status = Sending;
                part.attempt += 1;
                self.claims.push((m, p, part.attempt));
                let number = u16::try_from(p + 1).unwrap();
                (format!("m{m}"), number, part.attempt)
            })
            .collect()
    }

    fn record(&mut self, claim: usize, kind: Kind, now: i64) {
        let (m, p, attempt) = self.claims[claim];
        let in_time = now <= self.messages[m].valid_until;
        let part = &mut self.messages[m].parts[p];
        let open = attempt == part.attempt && !part.status.is_final() && part.id.is_none();
        match kind {
            Kind::Submitted => {
                if part.id == Some(claim) {
                    return;
                }
                if attempt == part.attempt && part.id.is_none() {
                    part.id = Some(claim);
                    if open {
                        part.status = Submitted;
                    }
                }
                self.known.insert(claim);
                for status in self.orphans.remove(&claim).unwrap_or_default() {
                    self.receipt(claim, status);
                }
            }
            Kind::Later | Kind::NotSent if open && part.status != Accepted => {
                part.status = if in_time { Accepted } else { Expired };
                if matches!(kind, Kind::Later) {
                    part.due = now + 40;
                }
            }
            Kind::Rejected if open => part.status = Rejected,
            Kind::Ambiguous if open && part.status == Sending => {
                part.strand(in_time, now);
            }
            _ => {}
        }
    }

    fn receipt(&mut self, claim: usize, status: PartStatus) {
        let (m, p, _) = self.claims[claim];
        if !self.known.contains(&claim) {
            // A repetition counts from its last time: an id may be given to another message in between.
            let parked = self.orphans.entry(claim).or_default();
            parked.retain(|earlier| *earlier != status);
            parked.push(status);
            return;
        }
        let part = &mut self.messages[m].parts[p];
        if part.id == Some(claim) || status == Delivered {
            part.status = homeroom_domain::sms::status::advance(part.status, status);
        }
    }

    fn cancel(&mut self, m: usize) -> Cancelled {
        let parts = &mut self.messages[m].parts;
        // What the centre deleted was not withdrawn here.
        let withdrawn = |part: &Part| part.status == Deleted && part.id.is_none();
        if parts.iter().all(withdrawn) {
            return Cancelled::Cancelled;
        }
        if parts
            .iter()
            .any(|part| part.status != Accepted || part.ambiguous > 0)
        {
            return Cancelled::TooLate;
        }
        for part in parts {
            part.status = Deleted;
        }
        Cancelled::Cancelled
    }

    fn recover(&mut self, now: i64) -> u64 {
        let mut count = 0;
        for message in &mut self.messages {
            let in_time = now <= message.valid_until;
            for part in &mut message.parts {
                if part.status == Sending {
                    part.strand(in_time, now);
                    count += 1;
                }
            }
        }
        count
    }

    fn count(&self, status: PartStatus) -> u64 {
        let parts = self.messages.iter().flat_map(|message| &message.parts);
        parts.filter(|part| part.status == status).count() as u64
    }
}

/// One sequence against one store.
async fn follow(place: &Place, ops: &[Op]) {
    let mut store = place.open().await;
    store.recover(NOW).await.unwrap();
    let mut model = Model::default();
    let mut claims: Vec<Claimed> = Vec::new();
    let mut now = NOW;
    for op in ops {
        // Every call has a time of its own, so that receipts have an order.
        now += 1;
        match op.clone() {
            Op::Restart => {
                drop(store);
                store = place.open().await;
                let count = store.recover(now).await.unwrap();
                assert_eq!(count, model.recover(now));
            }
            Op::Wait(time) => now += time,
            Op::Claim(limit) => {
                let parts = store.claim(ESME, limit, now).await.unwrap();
                let got: Vec<_> = parts
                    .iter()
                    .map(|part| (part.key.message_id.clone(), part.key.number, part.attempt))
                    .collect();
                assert_eq!(got, model.claim(limit, now));
                claims.extend(parts);
            }
            op => step(&store, &mut model, &claims, op, now).await,
        }
        compare(&store, &model).await;
    }
    for event in drain(&store, now).await {
        let event = json(&event);
        let id = event["message_id"].as_str().unwrap();
        let shown = event["parts"].as_array().unwrap();
        for (part, seen) in shown.iter().zip(statuses(&store, id).await) {
            // That a part waits or is sent again needs no event.
            if ![Accepted, Sending].contains(&seen) {
                assert_eq!(part["status"], seen.name(), "{id}");
            }
        }
    }
}

async fn step(store: &Arc<dyn Store>, model: &mut Model, claims: &[Claimed], op: Op, now: i64) {
    match op {
        Op::Accept {
            parts,
            priority,
            delay,
            life,
        } => {
            let mut new = message(&format!("m{}", model.messages.len()), parts);
            new.priority = priority;
            new.send_at = now + delay;
            new.valid_until = now + life;
            accept(store, new, now).await;
            let part = Part {
                status: Accepted,
                attempt: 0,
                ambiguous: 0,
                due: now + delay,
                id: None,
            };
            model.messages.push(Message {
                priority,
                valid_until: now + life,
                parts: vec![part; parts],
            });
        }
        Op::Record(n, kind) if !claims.is_empty() => {
            let n = n % claims.len();
            let outcome = match kind {
                Kind::Submitted => AttemptResult::Submitted {
                    provider_id: n.to_string().into_bytes(),
                },
                Kind::Later => AttemptResult::Again {
                    at: now + 40,
                    status: Some(0x58),
                },
                Kind::NotSent => AttemptResult::Again {
                    at: now,
                    status: None,
                },
                Kind::Rejected => AttemptResult::Rejected { status: 0x0B },
                Kind::Ambiguous => AttemptResult::Ambiguous,
            };
            let results = vec![result(&claims[n], outcome)];
            store.record(results, now).await.unwrap();
            model.record(n, kind, now);
        }
        Op::Receipt(n, status) if !claims.is_empty() => {
            let n = n % claims.len();
            let receipts = vec![receipt(&n.to_string(), status, now)];
            store.receipts(receipts, now).await.unwrap();
            model.receipt(n, status);
        }
        Op::Cancel(n) if !model.messages.is_empty() => {
            let n = n % model.messages.len();
            let outcome = store.cancel(APP, &format!("m{n}"), now).await.unwrap();
            assert_eq!(outcome, model.cancel(n));
        }
        Op::Sweep => {
            store.sweep(RETENTION, now).await.unwrap();
            model.expire(now);
        }
        _ => {}
    }
}

async fn compare(store: &Arc<dyn Store>, model: &Model) {
    for (n, message) in model.messages.iter().enumerate() {
        let found = view(store, &format!("m{n}")).await;
        let of = |part: &Part| (part.status, part.attempt, part.ambiguous);
        let expected: Vec<_> = message.parts.iter().map(of).collect();
        let got: Vec<_> = found
            .parts
            .iter()
            .map(|part| (part.status, part.attempts, part.ambiguous))
            .collect();
        assert_eq!(got, expected, "m{n}");
    }
    let depths = store.depths(NOW).await.unwrap();
    let queued: u64 = depths.queued.iter().map(|(_, count)| count).sum();
    assert_eq!(queued, model.count(Accepted));
    assert_eq!(depths.sending, model.count(Sending));
    assert_eq!(
        depths.orphans,
        model
            .orphans
            .values()
            .map(|all| all.len() as u64)
            .sum::<u64>()
    );
}

fn run(cases: u32, place: impl AsyncFn() -> Option<Place>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let sequences = prop::collection::vec(op(), 1..60);
    TestRunner::new(config)
        .run(&sequences, |ops| {
            runtime.block_on(async {
                if let Some(place) = place().await {
                    follow(&place, &ops).await;
                }
            });
            Ok(())
        })
        .unwrap();
}

#[test]
fn whatever_happens_in_whatever_order_sqlite_does_what_the_model_does() {
    run(40, async || Some(Place::sqlite()));
}

#[test]
fn whatever_happens_in_whatever_order_postgres_does_what_the_model_does() {
    run(10, async || Place::postgres().await);
}
