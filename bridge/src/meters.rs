//! What is counted and timed between the store and the centres. Names no school, number or credential.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use crate::message::{AttemptResult, Attempted, Receipt};
use crate::smpp::status;
use crate::store::Provider;

/// Seconds: a centre near by answers in milliseconds, one in trouble after its time is over.
const ANSWERS: [f64; 11] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];
/// Seconds: a phone that is on has it at once, one that is off has it tomorrow.
const RECEIPTS: [f64; 11] = [
    0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 600.0, 3_600.0, 86_400.0,
];
/// Parts whose receipt is timed, at most; of more, the oldest are not.
const AWAITED: usize = 50_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfLink {
    link: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAnswer {
    link: i64,
    status: Cow<'static, str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReceipt {
    provider: String,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTurn {
    esme: i64,
    link: i64,
}

/// The group of a link and an id of its centre.
type Id = (String, Vec<u8>);

/// Parts that a centre took and of which nothing final was heard: their link, and when that was.
#[derive(Debug, Default)]
struct Awaited {
    since: HashMap<Id, (i64, Instant)>,
    order: VecDeque<Id>,
}

/// The meters. All copies count together.
#[derive(Clone, Debug)]
pub struct Meters {
    turns: Family<OfTurn, Counter>,
    answers: Family<OfAnswer, Counter>,
    answer_seconds: Family<OfLink, Histogram>,
    receipts: Family<OfReceipt, Counter>,
    receipt_seconds: Family<OfLink, Histogram>,
    awaited: Arc<Mutex<Awaited>>,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            turns: Family::default(),
            answers: Family::default(),
            answer_seconds: Family::new_with_constructor(|| Histogram::new(ANSWERS)),
            receipts: Family::default(),
            receipt_seconds: Family::new_with_constructor(|| Histogram::new(RECEIPTS)),
            awaited: Arc::default(),
        }
    }
}

impl Meters {
    /// A part that waited for a link or pool was handed to a link.
    pub fn handed(&self, esme: i64, link: i64) {
        self.turns.get_or_create(&OfTurn { esme, link }).inc();
    }

    /// A centre answered a part after this time.
    pub fn answered(&self, link: i64, after: Duration) {
        self.answer_seconds
            .get_or_create(&OfLink { link })
            .observe(after.as_secs_f64());
    }

    /// What came of an attempt.
    pub fn attempted(&self, attempted: &Attempted, provider: &Provider) {
        let link = attempted.link;
        let status = match &attempted.result {
            AttemptResult::Submitted { provider_id } => {
                self.await_receipt(link, (provider.0.clone(), provider_id.clone()));
                label(status::OK)
            }
            AttemptResult::Again { status: None, .. } => return,
            AttemptResult::Again {
                status: Some(status),
                ..
            }
            | AttemptResult::Throttled { status, .. }
            | AttemptResult::Rejected { status } => label(*status),
            AttemptResult::Ambiguous => "none".into(),
        };
        self.answers.get_or_create(&OfAnswer { link, status }).inc();
    }

    /// A receipt came.
    pub fn received(&self, receipt: &Receipt) {
        let counted = OfReceipt {
            provider: receipt.provider.clone(),
            status: receipt.status.name(),
        };
        self.receipts.get_or_create(&counted).inc();
        if !receipt.status.is_final() {
            return;
        }
        let id = (receipt.provider.clone(), receipt.provider_id.clone());
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((link, since)) = awaited.since.remove(&id) else {
            return;
        };
        drop(awaited);
        self.receipt_seconds
            .get_or_create(&OfLink { link })
            .observe(since.elapsed().as_secs_f64());
    }

    fn await_receipt(&self, link: i64, id: Id) {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        awaited.since.insert(id.clone(), (link, Instant::now()));
        awaited.order.push_back(id);
        // The order also has those whose receipt came.
        if awaited.order.len() > AWAITED
            && let Some(oldest) = awaited.order.pop_front()
        {
            awaited.since.remove(&oldest);
        }
    }

    /// Shows them.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "parts_handed",
            "Parts handed to a link, by the link or pool that they waited for",
            self.turns.clone(),
        );
        registry.register(
            "link_answers",
            "Answers of centres by status; none: it never came",
            self.answers.clone(),
        );
        registry.register(
            "link_answer_seconds",
            "From a part to the centre's answer",
            self.answer_seconds.clone(),
        );
        registry.register(
            "receipts",
            "Receipts by what they say, repetitions counted",
            self.receipts.clone(),
        );
        registry.register(
            "receipt_seconds",
            "From the centre's answer to the final receipt, of the last 50000 parts of this run",
            self.receipt_seconds.clone(),
        );
    }
}

/// A centre can say four thousand million statuses; only the standard's and the vendors' have a label of their own.
fn label(code: u32) -> Cow<'static, str> {
    match status::name(code) {
        Cow::Owned(_) if !(0x400..0x500).contains(&code) => "other".into(),
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::prometheus_text;

    use super::*;
    use crate::message::{PartKey, PartStatus};

    fn attempted(result: AttemptResult) -> Attempted {
        Attempted {
            key: PartKey {
                message_id: "m".to_owned(),
                number: 1,
            },
            attempt: 1,
            link: 7,
            result,
        }
    }

    fn taken(id: &str) -> Attempted {
        attempted(AttemptResult::Submitted {
            provider_id: id.into(),
        })
    }

    fn receipt(id: &str, status: PartStatus) -> Receipt {
        Receipt {
            provider: "operator".to_owned(),
            provider_id: id.into(),
            status,
            error: None,
            received_at: 0,
        }
    }

    fn shown(meters: &Meters) -> String {
        let mut registry = Registry::default();
        meters.register(&mut registry);
        let mut text = String::new();
        prometheus_text::encode(&mut text, &registry).unwrap();
        text
    }

    #[tokio::test(start_paused = true)]
    async fn a_receipt_is_timed_once_and_only_where_its_part_is_known() {
        let (meters, provider) = (Meters::default(), Provider("operator".to_owned()));
        meters.attempted(&taken("a"), &provider);
        tokio::time::advance(Duration::from_secs(3)).await;
        meters.received(&receipt("a", PartStatus::Enroute));
        meters.received(&receipt("a", PartStatus::Delivered));
        meters.received(&receipt("a", PartStatus::Delivered));
        meters.received(&receipt("b", PartStatus::Delivered));
        let text = shown(&meters);
        for line in [
            "receipt_seconds_sum{link=\"7\"} 3.0",
            "receipt_seconds_count{link=\"7\"} 1",
            "receipts_total{provider=\"operator\",status=\"DELIVERED\"} 3",
            "receipts_total{provider=\"operator\",status=\"ENROUTE\"} 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[tokio::test]
    async fn no_centre_makes_labels_without_end() {
        let (meters, provider) = (Meters::default(), Provider("operator".to_owned()));
        for status in (0..100_000).step_by(7).chain([0x58]) {
            meters.attempted(&attempted(AttemptResult::Rejected { status }), &provider);
        }
        let lines = shown(&meters).matches("link_answers_total").count();
        assert!(lines < 320, "{lines}");
        assert!(shown(&meters).contains("link=\"7\",status=\"ESME_RTHROTTLED\"} 1"));
    }

    #[tokio::test]
    async fn what_waits_for_receipts_that_never_come_has_a_limit() {
        let (meters, provider) = (Meters::default(), Provider("operator".to_owned()));
        for n in 0..AWAITED + 10 {
            meters.attempted(&taken(&n.to_string()), &provider);
        }
        let awaited = meters.awaited.lock().unwrap();
        assert_eq!(
            (awaited.since.len(), awaited.order.len()),
            (AWAITED, AWAITED)
        );
    }
}
