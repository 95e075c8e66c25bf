//! One bind, from its `bind_resp` to its end.
//!
//! A single task owns the connection. It never waits for the engine: outcomes queue up in the [`Outbox`], and answers to the centre
//! go out whether or not the window is full.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::oneshot;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout};
use tracing::{debug, warn};

use crate::message::{Claimed, PartStatus, Receipt};

use super::codec;
use super::config::LinkConfig;
use super::inbound;
use super::keeper::{Asked, Keeper};
use super::outbound;
use super::pdu::{Header, Message, Pdu, Query, QueryResp, WireAddress, id};
use super::pending::{Answered, Pending};
use super::questions::Questions;
use super::receipt;
use super::shared::{Delivery, LinkEvent, Place, Question, Request};
use super::status;
use super::wire::{HIGH_WATER, Wire};

use health::Health;

mod health;
mod outcomes;

/// Deliveries that the engine has not stored yet; above it nothing is read from the centre.
const MAX_UNSTORED: usize = 4_096;

/// How a session ended.
pub(super) enum End {
    /// It was asked to; whoever asked waits.
    Shutdown(Option<oneshot::Sender<()>>),
    /// Another configuration is in force.
    Reloaded,
    /// The centre or the network ended it.
    Lost(String),
}

/// Where in its life a session is.
enum Phase {
    Open,
    /// Asked to end: answers are awaited until then.
    Draining(Instant),
    /// `unbind` is out.
    Unbinding(Instant),
    /// The centre said `unbind` under this sequence; answers are awaited until then.
    Leaving(u32, Instant),
    /// All is said.
    Over,
}

/// The answer that a delivery waits for.
struct Ack {
    sequence: u32,
    data: bool,
    stored: bool,
}

type Acks = FuturesUnordered<futures_util::future::BoxFuture<'static, Ack>>;

pub(super) struct Session {
    wire: Wire,
    pending: Pending,
    acks: Acks,
    questions: Questions,
    tick: Interval,
    phase: Phase,
    now: Instant,
    health: Health,
    asked: Option<Asked>,
}

impl Session {
    pub(super) fn new(wire: Wire, config: &LinkConfig) -> Self {
        let timers = &config.timers;
        let shortest = timers.response.min(timers.enquire_link).min(timers.unbind);
        let period = (shortest / 10).clamp(Duration::from_millis(5), Duration::from_secs(1));
        let mut tick = interval(period);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let now = Instant::now();
        Self {
            health: Health::new(now, wire.written()),
            wire,
            // 1 was the bind.
            pending: Pending::starting_at(2),
            acks: FuturesUnordered::new(),
            questions: Questions::default(),
            tick,
            phase: Phase::Open,
            now,
            asked: None,
        }
    }

    /// Runs until the session is over. Every part that it took has its outcome then.
    pub(super) async fn run(mut self, link: &mut Keeper) -> End {
        let end = self.live(link).await;
        let _ = timeout(Duration::from_secs(1), self.wire.finish()).await;
        self.give_up(link);
        // The engine may be behind; what is left goes out with what comes.
        link.shared.in_flight.store(0, Ordering::Relaxed);
        match (end, self.asked) {
            (_, Some((Request::Shutdown(_), done))) => End::Shutdown(Some(done)),
            (_, Some((Request::Reload(config), done))) => {
                link.adopt(*config);
                let _ = done.send(());
                End::Reloaded
            }
            (Ok(()), None) => End::Shutdown(None),
            (Err(reason), None) => End::Lost(reason),
        }
    }

    /// `Ok` where we ended it.
    async fn live(&mut self, link: &mut Keeper) -> Result<(), String> {
        // What came right behind the bind_resp.
        self.read(link)?;
        loop {
            self.now = Instant::now();
            self.fill(link);
            if self.progress(link)? {
                return Ok(());
            }
            let in_flight = u32::try_from(self.pending.waiting()).unwrap_or(u32::MAX);
            link.shared.in_flight.store(in_flight, Ordering::Relaxed);
            let read = self.acks.len() < MAX_UNSTORED;
            let sending = self.sending() && self.wire.backlog() < HIGH_WATER;
            tokio::select! {
                turned = self.wire.turn(read) => match turned {
                    Ok(0) => return Err(String::from("the centre closed the connection")),
                    Ok(_) => {
                        self.now = Instant::now();
                        self.read(link)?;
                    }
                    Err(error) => return Err(error.to_string()),
                },
                Some(part) = link.claimed.recv(), if sending => self.submit(part, link),
                Some(question) = link.questions.recv(), if sending && self.questions.have_room() => {
                    self.query(question);
                }
                Some(ack) = self.acks.next(), if !self.acks.is_empty() => {
                    self.acknowledge(&ack);
                    while let Some(Some(ack)) = self.acks.next().now_or_never() {
                        self.acknowledge(&ack);
                    }
                }
                () = link.outbox.hand_over(), if !link.outbox.is_empty() => {}
                asked = link.requests.recv(), if self.asked.is_none() => self.ask(asked, link),
                _ = self.tick.tick() => {
                    self.now = Instant::now();
                    self.check(link)?;
                }
            }
        }
    }

    fn sending(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Draining(_))
    }

    /// Takes what there is to send, up to what one write can carry.
    fn fill(&mut self, link: &mut Keeper) {
        while self.sending() && self.wire.backlog() < HIGH_WATER {
            let Ok(part) = link.claimed.try_recv() else {
                return;
            };
            self.submit(part, link);
        }
    }

    fn submit(&mut self, part: Claimed, link: &Keeper) {
        self.health.active(self.now);
        let sequence = self.pending.sequence();
        let position = self.wire.position();
        let good_for = link.config.send_validity.then(|| {
            part.valid_until
                .saturating_sub(link.shared.clock.now().millis())
        });
        outbound::put(&mut self.wire, sequence, &part, good_for);
        let counts = (part.attempt, part.refusals);
        self.pending
            .sent(sequence, part.key, counts, position, self.now);
    }

    /// Everything that is all there.
    fn read(&mut self, link: &mut Keeper) -> Result<(), String> {
        loop {
            match self.wire.frame() {
                Ok(None) => return Ok(()),
                Ok(Some(frame)) => {
                    self.health.heard(self.now);
                    link.shared.heard();
                    match codec::decode(&frame) {
                        Ok((header, pdu)) => self.take(header, pdu, link),
                        Err(odd) => {
                            debug!(link = link.config.id, %odd, "an odd PDU");
                            self.wire.refuse(&odd);
                        }
                    }
                }
                Err(bad) => {
                    let refused = codec::Unreadable {
                        header: Header {
                            id: 0,
                            status: 0,
                            sequence: 0,
                        },
                        status: status::INVALID_COMMAND_LENGTH,
                    };
                    self.wire.refuse(&refused);
                    return Err(format!("the centre sent no SMPP: {bad}"));
                }
            }
        }
    }

    fn take(&mut self, header: Header, pdu: Pdu<'_>, link: &mut Keeper) {
        if !matches!(pdu, Pdu::EnquireLink | Pdu::EnquireLinkResp) {
            self.health.active(self.now);
        }
        match pdu {
            Pdu::SubmitSmResp(message_id) => {
                if let Some(age) = self.pending.age(header.sequence, self.now) {
                    link.shared.meters.answered(link.config.id, age);
                }
                self.answer(header, Some(message_id), link);
            }
            Pdu::GenericNack if self.questions.answered(header.sequence).is_some() => {}
            Pdu::GenericNack => self.answer(header, None, link),
            Pdu::QuerySmResp(answer) => self.learn(header, answer, link),
            Pdu::DeliverSm(message) | Pdu::DataSm(message) => {
                self.deliver(header, &message, link);
            }
            Pdu::EnquireLink => self
                .wire
                .put(status::OK, header.sequence, &Pdu::EnquireLinkResp),
            Pdu::Unbind => {
                link.shared.gate.set_open(false);
                self.phase = Phase::Leaving(header.sequence, self.now + link.config.timers.unbind);
            }
            Pdu::UnbindResp => {
                if let Phase::Unbinding(_) = self.phase {
                    self.phase = Phase::Over;
                }
            }
            Pdu::SubmitSm(_) | Pdu::QuerySm(_) | Pdu::Bind(_) => {
                let odd = codec::Unreadable {
                    header,
                    status: status::INVALID_BIND_STATUS,
                };
                self.wire.refuse(&odd);
            }
            Pdu::EnquireLinkResp | Pdu::BindResp(_) | Pdu::DeliverSmResp | Pdu::DataSmResp(_) => {}
        }
    }

    /// The centre answered a part; `None` where it could not read it.
    fn answer(&mut self, header: Header, message_id: Option<&[u8]>, link: &mut Keeper) {
        let (sent, late) = match self.pending.answered(header.sequence) {
            Answered::InTime(sent) => (sent, false),
            Answered::Late(sent) => (sent, true),
            Answered::Unknown => {
                debug!(
                    link = link.config.id,
                    sequence = header.sequence,
                    "an answer to nothing"
                );
                return;
            }
        };
        let (attempted, provider) = outcomes::answered(link, sent, header.status, message_id);
        link.outbox.put(if late {
            LinkEvent::Late(attempted, provider)
        } else {
            LinkEvent::Attempted(attempted, provider, Place::of(&link.shared))
        });
    }

    fn query(&mut self, (provider_id, source): Question) {
        let sequence = self.pending.sequence();
        let query = Query {
            message_id: &provider_id,
            source: WireAddress {
                ton: source.ton,
                npi: source.npi,
                address: source.address.as_bytes(),
            },
        };
        self.wire.put(status::OK, sequence, &Pdu::QuerySm(query));
        self.questions.asked(sequence, provider_id, self.now);
    }

    /// The centre says what became of a part that was asked for.
    fn learn(&mut self, header: Header, answer: QueryResp<'_>, link: &mut Keeper) {
        let Some(provider_id) = self.questions.answered(header.sequence) else {
            return;
        };
        let known = receipt::of_state(answer.state).filter(|state| *state != PartStatus::Unknown);
        // That it does not know says nothing of the message.
        let Some(status) = known.filter(|_| header.status == status::OK) else {
            debug!(
                link = link.config.id,
                status = header.status,
                "nothing is known of a part"
            );
            return;
        };
        let receipt = Receipt {
            provider: link.config.provider.clone(),
            provider_id,
            status,
            error: (answer.error != 0).then(|| answer.error.to_string()),
            received_at: link.shared.clock.now().millis(),
        };
        // Where it cannot be stored, it is asked again.
        let (ack, _) = oneshot::channel();
        let what = Delivery::Receipt(receipt);
        link.outbox.put(LinkEvent::Deliver { what, ack });
    }

    fn deliver(&mut self, header: Header, message: &Message<'_>, link: &mut Keeper) {
        let ack = Ack {
            sequence: header.sequence,
            data: header.id == id::DATA_SM,
            stored: true,
        };
        let now = link.shared.clock.now().millis();
        let Some(what) = inbound::delivery(message, &link.config, now) else {
            warn!(link = link.config.id, "a receipt that names no message");
            self.acknowledge(&ack);
            return;
        };
        let (done, stored) = oneshot::channel();
        link.outbox.put(LinkEvent::Deliver { what, ack: done });
        let patience = link.config.timers.response;
        let answer = async move {
            let stored = matches!(timeout(patience, stored).await, Ok(Ok(Ok(()))));
            Ack { stored, ..ack }
        };
        self.acks.push(answer.boxed());
    }

    fn acknowledge(&mut self, ack: &Ack) {
        let status = if ack.stored {
            status::OK
        } else {
            status::TEMPORARY_APP_ERROR
        };
        let answer = if ack.data {
            Pdu::DataSmResp(b"")
        } else {
            Pdu::DeliverSmResp
        };
        self.wire.put(status, ack.sequence, &answer);
    }

    fn ask(&mut self, asked: Option<Asked>, link: &mut Keeper) {
        match asked {
            Some((Request::Reload(config), done)) if config.same_session(&link.config) => {
                link.adopt(*config);
                let _ = done.send(());
            }
            Some(asked) => {
                link.shared.gate.set_open(false);
                let drain = match &asked.0 {
                    Request::Shutdown(drain) => *drain,
                    Request::Reload(_) => link.config.timers.response,
                };
                self.asked = Some(asked);
                self.end_by(self.now + drain);
            }
            // The handle was dropped: nobody waits for answers.
            None => {
                let (done, _) = oneshot::channel();
                self.asked = Some((Request::Shutdown(Duration::ZERO), done));
                self.end_by(self.now);
            }
        }
    }

    fn end_by(&mut self, until: Instant) {
        if let Phase::Open = self.phase {
            self.phase = Phase::Draining(until);
        }
    }

    /// Takes the next step towards the end; whether it is reached.
    fn progress(&mut self, link: &Keeper) -> Result<bool, String> {
        let answered = self.pending.waiting() == 0 && self.acks.is_empty();
        match self.phase {
            Phase::Open => {}
            Phase::Draining(until) => {
                if (answered && link.claimed.is_empty()) || self.now >= until {
                    let sequence = self.pending.sequence();
                    self.wire.put(status::OK, sequence, &Pdu::Unbind);
                    self.phase = Phase::Unbinding(self.now + link.config.timers.unbind);
                }
            }
            Phase::Unbinding(until) => return Ok(self.now >= until),
            Phase::Leaving(sequence, until) => {
                if answered || self.now >= until {
                    self.wire.put(status::OK, sequence, &Pdu::UnbindResp);
                    return if self.asked.is_some() {
                        Ok(true)
                    } else {
                        Err(String::from("the centre unbound"))
                    };
                }
            }
            Phase::Over => return Ok(true),
        }
        Ok(false)
    }

    /// What time brings.
    fn check(&mut self, link: &mut Keeper) -> Result<(), String> {
        let timers = link.config.timers.clone();
        for (key, attempt) in self.pending.overdue(timers.response, self.now) {
            let event = outcomes::unanswered(link, key, attempt);
            link.outbox.put(event);
        }
        self.questions.give_up(timers.response, self.now);
        link.announce();
        self.health.takes(&self.wire, timers.response, self.now)?;
        if let (Phase::Open, Some(limit)) = (&self.phase, timers.inactivity)
            && self.health.rests(limit, self.now)
            && self.pending.waiting() == 0
            && self.acks.is_empty()
        {
            let sequence = self.pending.sequence();
            self.wire.put(status::OK, sequence, &Pdu::Unbind);
            return Err(format!("no message since {limit:?}"));
        }
        if self.health.is_quiet(&timers, self.now)? {
            let sequence = self.pending.sequence();
            self.wire.put(status::OK, sequence, &Pdu::EnquireLink);
            self.health.enquired(self.now);
        }
        Ok(())
    }

    /// No answer will come any more. Parts of which nothing left are as good as unsent.
    fn give_up(&mut self, link: &mut Keeper) {
        let written = self.wire.written();
        for sent in self.pending.drain() {
            let event = if sent.position >= written {
                link.shared.not_sent(sent.key, sent.attempt)
            } else {
                outcomes::unanswered(link, sent.key, sent.attempt)
            };
            link.outbox.put(event);
        }
    }
}

#[cfg(test)]
mod tests;
