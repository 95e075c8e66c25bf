//! One client of the centre.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::RngExt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::smpp::codec::{self, Unreadable};
use crate::smpp::pdu::{
    Bind, BindMode, BindResp, Header, Message, Pdu, Tlv, WireAddress, esm, tag,
};
use crate::smpp::status;
use crate::smpp::wire::Wire;

use super::account::{Account, Parcel};
use super::{Centre, FromPhone, Order, Taken};

/// Before something that was not taken is sent again.
const AGAIN: Duration = Duration::from_secs(1);
/// Most time for the client to answer `unbind`.
const UNBIND: Duration = Duration::from_secs(5);

struct Session {
    wire: Wire,
    centre: Arc<Centre>,
    bound: Option<Bound>,
    /// Answers that are not due yet.
    answers: VecDeque<(Instant, u32, u32, String)>,
    delivering: HashMap<u32, Parcel>,
    next: u32,
    closing: Option<Instant>,
}

struct Bound {
    system_id: String,
    account: Arc<Account>,
    mode: BindMode,
}

/// Runs until the client is gone; what it did not acknowledge waits for its next session.
pub(super) async fn run(wire: Wire, centre: Arc<Centre>, orders: watch::Receiver<Order>) {
    let mut session = Session {
        wire,
        centre,
        bound: None,
        answers: VecDeque::new(),
        delivering: HashMap::new(),
        next: 1,
        closing: None,
    };
    if session.live(orders).await {
        let _ = tokio::time::timeout(Duration::from_secs(1), session.wire.finish()).await;
    }
    if let Some(bound) = &session.bound {
        for (_, parcel) in session.delivering.drain() {
            bound.account.put(Instant::now(), parcel);
        }
    }
}

impl Session {
    /// Whether the connection is to be closed politely.
    async fn live(&mut self, mut orders: watch::Receiver<Order>) -> bool {
        loop {
            let now = Instant::now();
            if self.closing.is_some_and(|until| now >= until) {
                return true;
            }
            self.answer_due(now);
            let due = self.deliver_due(now);
            let next = [
                due,
                self.answers.front().map(|answer| answer.0),
                self.closing,
            ]
            .into_iter()
            .flatten()
            .min();
            let account = self.bound.as_ref().map(|bound| Arc::clone(&bound.account));
            tokio::select! {
                turned = self.wire.turn(true) => match turned {
                    Ok(0) | Err(_) => return false,
                    Ok(_) => if !self.read() {
                        return true;
                    },
                },
                () = sleep_until(next.unwrap_or(now)), if next.is_some() => {}
                () = changed(account) => {}
                changed = orders.changed() => {
                    let order = *orders.borrow_and_update();
                    match order {
                        _ if changed.is_err() => return false,
                        Order::Cut(_) | Order::End => return false,
                        Order::Run => {}
                        Order::Unbind(_) => {
                            let sequence = self.sequence();
                            self.wire.put(status::OK, sequence, &Pdu::Unbind);
                            self.closing = Some(Instant::now() + UNBIND);
                        }
                    }
                }
            }
        }
    }

    fn sequence(&mut self) -> u32 {
        let sequence = self.next;
        self.next = if sequence >= 0x7FFF_FFFF {
            1
        } else {
            sequence + 1
        };
        sequence
    }

    fn answer_due(&mut self, now: Instant) {
        while let Some((due, sequence, code, id)) = self.answers.pop_front() {
            if due > now {
                self.answers.push_front((due, sequence, code, id));
                break;
            }
            self.wire
                .put(code, sequence, &Pdu::SubmitSmResp(id.as_bytes()));
        }
    }

    /// Delivers what is due and says when the next will be.
    fn deliver_due(&mut self, now: Instant) -> Option<Instant> {
        let bound = self.bound.as_ref().filter(|bound| bound.mode.receives())?;
        let account = Arc::clone(&bound.account);
        while self.closing.is_none() && self.delivering.len() < self.centre.config.window {
            match account.next(now) {
                Ok(parcel) => self.deliver(parcel),
                Err(due) => return due,
            }
        }
        None
    }

    fn deliver(&mut self, parcel: Parcel) {
        let sequence = self.sequence();
        match &parcel {
            Parcel::Receipt {
                id,
                source,
                destination,
                delivered,
            } => {
                let (word, state, error) = if *delivered {
                    ("DELIVRD", [2], "000")
                } else {
                    ("UNDELIV", [5], "001")
                };
                let date = date(self.centre.clock.now());
                let text = format!(
                    "id:{id} sub:001 dlvrd:{} submit date:{date} done date:{date} stat:{word} err:{error} text:",
                    if *delivered { "001" } else { "000" }
                );
                let id = [id.as_bytes(), b"\0"].concat();
                let message = Message {
                    source: number(destination),
                    destination: number(source),
                    esm_class: esm::RECEIPT,
                    short_message: text.as_bytes(),
                    tlvs: vec![
                        Tlv {
                            tag: tag::RECEIPTED_MESSAGE_ID,
                            value: &id,
                        },
                        Tlv {
                            tag: tag::MESSAGE_STATE,
                            value: &state,
                        },
                    ],
                    ..Message::default()
                };
                self.wire
                    .put(status::OK, sequence, &Pdu::DeliverSm(message));
            }
            Parcel::Message(from) => {
                let payload = [Tlv {
                    tag: tag::MESSAGE_PAYLOAD,
                    value: &from.text,
                }];
                let long = from.text.len() > 254;
                let message = Message {
                    source: number(&from.source),
                    destination: number(&from.destination),
                    esm_class: from.esm_class,
                    data_coding: from.data_coding,
                    short_message: if long { b"" } else { &from.text },
                    tlvs: if long { payload.to_vec() } else { Vec::new() },
                    ..Message::default()
                };
                self.wire
                    .put(status::OK, sequence, &Pdu::DeliverSm(message));
            }
        }
        self.delivering.insert(sequence, parcel);
    }

    /// Reads what is there; whether the session goes on.
    fn read(&mut self) -> bool {
        loop {
            let frame = match self.wire.frame() {
                Ok(None) => return true,
                Ok(Some(frame)) => frame,
                Err(_) => {
                    let header = Header {
                        id: 0,
                        status: 0,
                        sequence: 0,
                    };
                    self.refuse(header, status::INVALID_COMMAND_LENGTH);
                    return false;
                }
            };
            match codec::decode(&frame) {
                Err(odd) => self.wire.refuse(&odd),
                Ok((header, pdu)) => {
                    if !self.take(header, &pdu) {
                        return false;
                    }
                }
            }
        }
    }

    fn take(&mut self, header: Header, pdu: &Pdu<'_>) -> bool {
        match pdu {
            Pdu::Bind(bind) => self.bind(header, bind),
            Pdu::SubmitSm(message) => self.submit(header, message),
            Pdu::EnquireLink => self
                .wire
                .put(status::OK, header.sequence, &Pdu::EnquireLinkResp),
            Pdu::Unbind => {
                self.wire.put(status::OK, header.sequence, &Pdu::UnbindResp);
                return false;
            }
            Pdu::UnbindResp => return self.closing.is_none(),
            Pdu::DeliverSmResp | Pdu::GenericNack => self.delivered(header),
            Pdu::DeliverSm(_) | Pdu::DataSm(_) => {
                self.refuse(header, status::INVALID_BIND_STATUS);
            }
            // It remembers nothing.
            Pdu::QuerySm(_) => self.refuse(header, status::QUERY_FAILED),
            Pdu::BindResp(_)
            | Pdu::QuerySmResp(_)
            | Pdu::SubmitSmResp(_)
            | Pdu::DataSmResp(_)
            | Pdu::EnquireLinkResp => {}
        }
        true
    }

    fn refuse(&mut self, header: Header, status: u32) {
        self.wire.refuse(&Unreadable { header, status });
    }

    fn bind(&mut self, header: Header, bind: &Bind<'_>) {
        if self.bound.is_some() {
            self.refuse(header, status::ALREADY_BOUND);
            return;
        }
        let system_id = String::from_utf8_lossy(bind.system_id).into_owned();
        if let Some(accounts) = &self.centre.config.accounts {
            let refused = match accounts.get(&system_id) {
                None => Some(status::INVALID_SYSTEM_ID),
                Some(password) if password.as_bytes() != bind.password => {
                    Some(status::INVALID_PASSWORD)
                }
                Some(_) => None,
            };
            if let Some(refused) = refused {
                self.refuse(header, refused);
                return;
            }
        }
        let answer = BindResp {
            mode: bind.mode,
            system_id: b"loopback",
            // Clients of 3.3 know no optional parameters.
            interface_version: (bind.interface_version >= 0x34).then_some(0x34),
        };
        self.wire
            .put(status::OK, header.sequence, &Pdu::BindResp(answer));
        self.bound = Some(Bound {
            account: self.centre.account(&system_id),
            system_id,
            mode: bind.mode,
        });
    }

    fn submit(&mut self, header: Header, message: &Message<'_>) {
        let Some(bound) = self.bound.as_ref().filter(|bound| bound.mode.sends()) else {
            self.refuse(header, status::INVALID_BIND_STATUS);
            return;
        };
        let centre = &self.centre;
        let config = &centre.config;
        let now = Instant::now();
        let refused = if centre.too_fast() {
            Some(status::THROTTLED)
        } else if happens(config.error_rate) {
            Some(config.error_status)
        } else {
            None
        };
        let due = now + config.latency;
        let (code, id) = match refused {
            Some(code) => (code, String::new()),
            None => {
                let id = centre.next_id.fetch_add(1, Ordering::Relaxed).to_string();
                centre.taken.fetch_add(1, Ordering::Relaxed);
                accept(centre, bound, message, &id, due);
                (status::OK, id)
            }
        };
        if config.latency.is_zero() {
            self.wire
                .put(code, header.sequence, &Pdu::SubmitSmResp(id.as_bytes()));
        } else {
            self.answers.push_back((due, header.sequence, code, id));
        }
    }

    fn delivered(&mut self, header: Header) {
        let Some(parcel) = self.delivering.remove(&header.sequence) else {
            return;
        };
        if header.status == status::OK {
            if let Parcel::Receipt { .. } = parcel {
                self.centre.receipted.fetch_add(1, Ordering::Relaxed);
            }
        } else if let Some(bound) = &self.bound {
            bound.account.put(Instant::now() + AGAIN, parcel);
        }
    }
}

/// What a message that was taken leads to.
fn accept(centre: &Centre, bound: &Bound, message: &Message<'_>, id: &str, due: Instant) {
    let config = &centre.config;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if message.registered_delivery & 3 != 0
        && let Some(delay) = config.receipts
    {
        let receipt = Parcel::Receipt {
            id: id.to_owned(),
            source: text(message.source.address),
            destination: text(message.destination.address),
            delivered: !happens(config.undeliverable),
        };
        bound.account.put(due + delay, receipt);
    }
    if config.echo {
        let answer = FromPhone {
            source: text(message.destination.address),
            destination: text(message.source.address),
            esm_class: message.esm_class & esm::UDHI,
            data_coding: message.data_coding,
            text: message.text().to_vec(),
        };
        bound.account.put(due, Parcel::Message(answer));
    }
    if let Some(record) = &config.record {
        let byte = |tag| message.tlv(tag).and_then(|value| value.first().copied());
        let reference = message
            .tlv(tag::SAR_MSG_REF_NUM)
            .and_then(|value| value.first_chunk().copied().map(u16::from_be_bytes));
        let taken = Taken {
            id: id.to_owned(),
            system_id: bound.system_id.clone(),
            source: text(message.source.address),
            destination: text(message.destination.address),
            esm_class: message.esm_class,
            data_coding: message.data_coding,
            validity: text(message.validity),
            text: message.text().to_vec(),
            sar: reference
                .zip(byte(tag::SAR_TOTAL_SEGMENTS))
                .zip(byte(tag::SAR_SEGMENT_SEQNUM))
                .map(|((reference, total), number)| (reference, total, number)),
        };
        // Nobody listens any more: nothing to do about it.
        let _ = record.send(taken);
    }
}

async fn changed(account: Option<Arc<Account>>) {
    match account {
        Some(account) => account.changed.notified().await,
        None => std::future::pending().await,
    }
}

fn happens(share: f64) -> bool {
    share > 0.0 && rand::rng().random_bool(share.min(1.0))
}

fn number(address: &str) -> WireAddress<'_> {
    let digits = address.bytes().all(|byte| byte.is_ascii_digit());
    WireAddress {
        ton: if digits {
            u8::from(address.len() > 8)
        } else {
            5
        },
        npi: u8::from(digits),
        address: address.as_bytes(),
    }
}

/// `YYMMDDhhmm`.
fn date(now: homeroom_kernel::Timestamp) -> String {
    now.to_rfc3339()
        .bytes()
        .filter(u8::is_ascii_digit)
        .skip(2)
        .take(10)
        .map(char::from)
        .collect()
}
