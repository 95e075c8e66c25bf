//! What the handle, the places and the task of a link share, and what they say to each other and to the engine.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use homeroom_domain::sms::cut::Cut;
use homeroom_kernel::Clock;
use homeroom_sms_contract::submit::{Link as LinkState, LinkStatus};
use tokio::sync::{mpsc, oneshot};

use crate::message::{Address, AttemptResult, Attempted, Claimed, InboundPart, PartKey, Receipt};
use crate::meters::Meters;
use crate::store::Provider;

use super::config::LinkConfig;
use super::gate::Gate;

/// What a link tells the engine.
#[derive(Debug)]
pub enum LinkEvent {
    /// What came of a part that was sent: exactly one for each, with its place in the window.
    Attempted(Attempted, Provider, Place),
    /// The centre's answer to a part that was `Ambiguous` because it took too long.
    Late(Attempted, Provider),
    /// Something for us; the centre hears that we have it once `ack` says so, and tries again where it says otherwise or is dropped.
    Deliver {
        /// What.
        what: Delivery,
        /// `Ok` once it is stored.
        ack: oneshot::Sender<Result<(), ()>>,
    },
    /// The link's status is another.
    Changed(LinkState),
}

/// The place of a part that has its outcome, which is free once this is dropped: when the outcome is stored, for until then a
/// crash would have the part sent again, and no more than a window may come twice.
pub struct Place(Option<Arc<Shared>>);

impl Place {
    pub(super) fn of(link: &Arc<Shared>) -> Self {
        Self(Some(Arc::clone(link)))
    }

    /// Frees many at once, so that one claim takes them all.
    pub fn free(places: Vec<Self>) {
        let mut counts: Vec<(Arc<Shared>, u32)> = Vec::new();
        for link in places.into_iter().filter_map(|mut place| place.0.take()) {
            match counts
                .iter_mut()
                .find(|(known, _)| Arc::ptr_eq(known, &link))
            {
                Some((_, count)) => *count += 1,
                None => counts.push((link, 1)),
            }
        }
        for (link, count) in counts {
            link.gate.release(count);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(link) = self.0.take() {
            link.gate.release(1);
        }
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a place")
    }
}

/// What a centre delivered.
#[derive(Debug, PartialEq, Eq)]
pub enum Delivery {
    /// What became of a message.
    Receipt(Receipt),
    /// A message from a phone.
    Inbound(InboundPart),
}

/// What the handle, the places and the task of a link share.
pub(super) struct Shared {
    pub(super) gate: Gate,
    pub(super) in_flight: AtomicU32,
    /// When the centre last said something; 0 before that.
    heard_at: AtomicI64,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) meters: Meters,
    view: Mutex<View>,
    sends: mpsc::UnboundedSender<Claimed>,
    events: mpsc::Sender<LinkEvent>,
}

struct View {
    id: i64,
    provider: Provider,
    /// The centre's name, as it last said it; empty before the first bind.
    system_id: String,
    /// Bound, so that it is up or throttled.
    up: bool,
    disabled: bool,
    cut: Cut,
    problem: Option<String>,
}

impl Shared {
    pub(super) fn new(
        config: &LinkConfig,
        sends: mpsc::UnboundedSender<Claimed>,
        events: mpsc::Sender<LinkEvent>,
        clock: Arc<dyn Clock>,
        meters: Meters,
    ) -> Arc<Self> {
        Arc::new(Self {
            gate: Gate::new(config.window, config.rate, config.burst),
            in_flight: AtomicU32::new(0),
            heard_at: AtomicI64::new(0),
            clock,
            meters,
            view: Mutex::new(View {
                id: config.id,
                provider: Provider(config.provider.clone()),
                system_id: String::new(),
                up: false,
                disabled: config.disabled,
                cut: config.cut,
                problem: None,
            }),
            sends,
            events,
        })
    }

    pub(super) fn state(&self) -> LinkState {
        let (slowed, rate) = self.gate.pace();
        let view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        LinkState {
            id: view.id,
            system_id: view.system_id.clone(),
            status: match (view.disabled, view.up, slowed) {
                (true, ..) => LinkStatus::Disabled,
                (_, false, _) => LinkStatus::Down,
                (_, true, true) => LinkStatus::Throttled,
                (_, true, false) => LinkStatus::Up,
            },
            rate: if view.up { rate } else { 0.0 },
            in_flight: self.in_flight.load(Ordering::Relaxed),
            window: self.gate.window(),
            last_check: self.heard_at.load(Ordering::Relaxed),
            // The configuration's to say.
            sends_by: None,
            cut: view.cut,
        }
    }

    pub(super) fn set_up(&self, up: bool, problem: Option<String>) {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        view.up = up;
        view.problem = problem;
    }

    /// Why it is not up, for the operator.
    pub(super) fn problem(&self) -> Option<String> {
        let view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        view.problem.clone()
    }

    /// The centre said something.
    pub(super) fn heard(&self) {
        let now = self.clock.now().millis();
        self.heard_at.store(now, Ordering::Relaxed);
    }

    /// The centre's name.
    pub(super) fn greeted(&self, system_id: String) {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        view.system_id = system_id;
    }

    pub(super) fn configure(&self, config: &LinkConfig) {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        view.provider = Provider(config.provider.clone());
        view.disabled = config.disabled;
        view.cut = config.cut;
        drop(view);
        self.gate.change(config.window, config.rate, config.burst);
    }

    /// The event for a part of which no byte left.
    pub(super) fn not_sent(self: &Arc<Self>, key: PartKey, attempt: u32) -> LinkEvent {
        let view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        let attempted = Attempted {
            key,
            attempt,
            link: view.id,
            result: AttemptResult::Again {
                at: self.clock.now().millis(),
                status: None,
            },
        };
        LinkEvent::Attempted(attempted, view.provider.clone(), Place::of(self))
    }
}

/// A part that the centre is to be asked for: its id there, and its sender.
pub(super) type Question = (Vec<u8>, Address);

/// The task is asked for something.
pub(super) enum Request {
    Reload(Box<LinkConfig>),
    Shutdown(Duration),
}

/// A place in the window of a link that is up, and the permission to send one part now. Given back where it is dropped.
pub struct Slot(Option<Arc<Shared>>);

impl Slot {
    pub(super) fn of(link: &Arc<Shared>) -> Self {
        Self(Some(Arc::clone(link)))
    }

    /// Sends. Neither waits nor fails: what comes of it is a [`LinkEvent::Attempted`], also where the link went down meanwhile.
    pub fn send(mut self, part: Claimed) {
        let Some(shared) = self.0.take() else { return };
        if let Err(mpsc::error::SendError(part)) = shared.sends.send(part) {
            let event = shared.not_sent(part.key, part.attempt);
            if let Err(mpsc::error::TrySendError::Full(event)) = shared.events.try_send(event) {
                let events = shared.events.clone();
                tokio::spawn(async move { events.send(event).await });
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.gate.give_back();
        }
    }
}
