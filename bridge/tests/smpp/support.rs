//! A scripted centre, parts to send, and a link with its events.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use homeroom_bridge::clock::SystemClock;
use homeroom_bridge::message::{
    Address, Addresses, AttemptResult, Attempted, Claimed, PartBody, PartKey,
};
use homeroom_bridge::meters::Meters;
use homeroom_bridge::smpp::codec;
use homeroom_bridge::smpp::link::{Delivery, LinkConfig, LinkEvent, LinkHandle};
use homeroom_bridge::smpp::pdu::{BindResp, Header, Message, Pdu, Tlv, WireAddress};
use homeroom_kernel::Clock;
use homeroom_sms_contract::submit::LinkStatus;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Longer than anything takes that works.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn claimed(number: u16) -> Claimed {
    Claimed {
        key: PartKey {
            message_id: String::from("m"),
            number,
        },
        attempt: 1,
        refusals: 0,
        esme: 1,
        addresses: Addresses {
            source: Address {
                ton: 5,
                npi: 0,
                address: String::from("School"),
            },
            destination: Address {
                ton: 1,
                npi: 1,
                address: String::from("491701234567"),
            },
        },
        data_coding: 0,
        esm_class: 0,
        priority: 0,
        valid_until: i64::MAX,
        body: PartBody {
            short_message: b"Hello".to_vec(),
            payload: None,
            sar: None,
        },
    }
}

/// A configuration with short times, but for what only a centre that hangs exceeds.
pub(crate) fn config(port: u16) -> LinkConfig {
    let mut config = LinkConfig::new(1, "127.0.0.1", port, "school", "secret");
    config.window = 100;
    config.rate = f64::INFINITY;
    let timers = &mut config.timers;
    timers.connect = Duration::from_secs(5);
    timers.bind = Duration::from_secs(5);
    timers.response = Duration::from_secs(20);
    timers.enquire_link = Duration::from_secs(5);
    timers.backoff_min = Duration::from_millis(20);
    timers.backoff_max = Duration::from_millis(100);
    timers.unbind = Duration::from_millis(500);
    config
}

/// A link and what it says.
pub(crate) struct Running {
    pub(crate) link: Arc<LinkHandle>,
    pub(crate) events: mpsc::Receiver<LinkEvent>,
    /// Deliveries that came while something else was awaited.
    pub(crate) deliveries: VecDeque<(Delivery, oneshot::Sender<Result<(), ()>>)>,
}

impl Running {
    pub(crate) fn start(config: LinkConfig) -> Self {
        Self::with(config, 1_000, Arc::new(SystemClock))
    }

    /// With room for so many events that nobody takes.
    pub(crate) fn with(config: LinkConfig, room: usize, clock: Arc<dyn Clock>) -> Self {
        let (sender, events) = mpsc::channel(room);
        Self {
            link: Arc::new(LinkHandle::spawn(config, sender, clock, Meters::default())),
            events,
            deliveries: VecDeque::new(),
        }
    }

    pub(crate) async fn event(&mut self) -> LinkEvent {
        timeout(PATIENCE, self.events.recv())
            .await
            .expect("an event comes")
            .expect("the link lives")
    }

    /// Waits for a status.
    pub(crate) async fn becomes(&mut self, status: LinkStatus) {
        loop {
            if let LinkEvent::Changed(state) = self.event().await
                && state.status == status
            {
                return;
            }
        }
    }

    pub(crate) async fn attempted(&mut self) -> Attempted {
        loop {
            match self.event().await {
                LinkEvent::Attempted(attempted, ..) => return attempted,
                LinkEvent::Deliver { what, ack } => self.deliveries.push_back((what, ack)),
                LinkEvent::Late(..) | LinkEvent::Changed(_) => {}
            }
        }
    }

    pub(crate) async fn delivery(&mut self) -> (Delivery, oneshot::Sender<Result<(), ()>>) {
        if let Some(earlier) = self.deliveries.pop_front() {
            return earlier;
        }
        loop {
            if let LinkEvent::Deliver { what, ack } = self.event().await {
                return (what, ack);
            }
        }
    }

    /// Sends parts `1..=count` as places become free.
    pub(crate) async fn send(&self, count: u16) {
        let mut number = 0;
        while number < count {
            let slots = timeout(PATIENCE, self.link.reserve((count - number).into()))
                .await
                .expect("there is a place");
            for slot in slots {
                number += 1;
                slot.send(claimed(number));
            }
        }
    }

    /// Sends in the background, for more than the window holds.
    pub(crate) fn sending(&self, count: u16) -> tokio::task::JoinHandle<()> {
        let link = Arc::clone(&self.link);
        tokio::spawn(async move {
            let mut number = 0;
            while number < count {
                for slot in link.reserve((count - number).into()).await {
                    number += 1;
                    slot.send(claimed(number));
                }
            }
        })
    }

    /// The outcomes of this many parts, by number; each part once.
    pub(crate) async fn outcomes(&mut self, count: u16) -> Vec<AttemptResult> {
        let mut found = vec![None; usize::from(count)];
        for _ in 0..count {
            let attempted = self.attempted().await;
            let place = &mut found[usize::from(attempted.key.number) - 1];
            assert_eq!(*place, None, "two outcomes for {:?}", attempted.key);
            *place = Some(attempted.result);
        }
        found.into_iter().map(Option::unwrap).collect()
    }

    /// Nothing comes for a while but changes of state.
    pub(crate) async fn quiet(&mut self, time: Duration) {
        let until = tokio::time::Instant::now() + time;
        while let Ok(event) = tokio::time::timeout_at(until, self.events.recv()).await {
            match event {
                Some(LinkEvent::Changed(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

pub(crate) fn submitted(id: &str) -> AttemptResult {
    AttemptResult::Submitted {
        provider_id: id.as_bytes().to_vec(),
    }
}

/// A centre that does what the test says.
pub(crate) struct Centre {
    listener: TcpListener,
}

impl Centre {
    pub(crate) async fn start() -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (Self { listener }, port)
    }

    pub(crate) async fn connection(&self) -> Peer {
        let (stream, _) = timeout(PATIENCE, self.listener.accept())
            .await
            .expect("the link connects")
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Peer::over(stream)
    }

    /// A connection whose bind was answered with yes.
    pub(crate) async fn bound(&self) -> Peer {
        let mut peer = self.connection().await;
        peer.accept_bind().await;
        peer
    }
}

pub(crate) struct Peer<S = TcpStream> {
    pub(crate) stream: S,
    buffer: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
        }
    }

    pub(crate) async fn accept_bind(&mut self) {
        let (header, frame) = self.read().await;
        assert!(matches!(codec::decode(&frame).unwrap().1, Pdu::Bind(_)));
        let answer = BindResp {
            system_id: b"centre",
            interface_version: Some(0x34),
            ..BindResp::default()
        };
        self.write(0, header.sequence, &Pdu::BindResp(answer)).await;
    }

    /// The next PDU.
    pub(crate) async fn read(&mut self) -> (Header, Bytes) {
        timeout(PATIENCE, self.next())
            .await
            .expect("the link says something")
            .expect("the link is there")
    }

    /// The next PDU, or `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<(Header, Bytes)> {
        loop {
            if let Some(frame) = codec::next_frame(&mut self.buffer).unwrap() {
                let header = match codec::decode(&frame) {
                    Ok((header, _)) => header,
                    Err(odd) => odd.header,
                };
                return Some((header, frame));
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    pub(crate) async fn write(&mut self, status: u32, sequence: u32, pdu: &Pdu<'_>) {
        let mut out = BytesMut::new();
        codec::encode(&mut out, status, sequence, pdu);
        self.raw(&out).await;
    }

    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Sequences of this many `submit_sm`; a sign of life is given when asked for.
    pub(crate) async fn submits(&mut self, count: usize) -> Vec<u32> {
        let mut found = Vec::new();
        while found.len() < count {
            let (header, frame) = self.read().await;
            match codec::decode(&frame).unwrap().1 {
                Pdu::SubmitSm(_) => found.push(header.sequence),
                Pdu::EnquireLink => self.write(0, header.sequence, &Pdu::EnquireLinkResp).await,
                other => panic!("{other:?}"),
            }
        }
        found
    }

    pub(crate) async fn answer(&mut self, sequence: u32, id: &str) {
        self.write(0, sequence, &Pdu::SubmitSmResp(id.as_bytes()))
            .await;
    }

    /// Shows that the session still works.
    pub(crate) async fn lives(&mut self) {
        self.write(0, 0x0123_4567, &Pdu::EnquireLink).await;
        loop {
            let (header, frame) = self.read().await;
            if header.sequence == 0x0123_4567 {
                assert_eq!(codec::decode(&frame).unwrap().1, Pdu::EnquireLinkResp);
                return;
            }
        }
    }

    /// Waits until the link closes.
    pub(crate) async fn closed(&mut self) {
        timeout(PATIENCE, async { while self.next().await.is_some() {} })
            .await
            .expect("the link closes");
    }
}

pub(crate) fn receipt<'a>(text: &'a [u8], tlvs: &[Tlv<'a>]) -> Message<'a> {
    Message {
        source: WireAddress {
            ton: 1,
            npi: 1,
            address: b"491701234567",
        },
        esm_class: 0x04,
        short_message: text,
        tlvs: tlvs.to_vec(),
        ..Message::default()
    }
}
