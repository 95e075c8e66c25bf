//! A message centre on the loopback, for development, tests and benchmarks. It takes messages, answers after a while, and sends
//! receipts until they are acknowledged. It keeps nothing: it is no centre for real messages.

mod account;
mod session;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use homeroom_kernel::Clock;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::smpp::wire::{Stream, Wire};

use self::account::{Account, Parcel};

/// How it behaves.
#[derive(Clone)]
pub struct Config {
    /// TLS; plain where absent.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Accounts with their passwords; `None` lets everyone in.
    pub accounts: Option<HashMap<String, String>>,
    /// From a message to its answer.
    pub latency: Duration,
    /// From the answer to the receipt; `None` sends none.
    pub receipts: Option<Duration>,
    /// Share of the messages that come back `UNDELIV`, 0 to 1.
    pub undeliverable: f64,
    /// Share of the messages that are refused with `error_status`, 0 to 1.
    pub error_rate: f64,
    /// The status of a refusal; a temporary one by default.
    pub error_status: u32,
    /// Messages a second above which it says "throttled", over all sessions.
    pub rate: Option<u32>,
    /// Receipts and messages that may wait for their answer on one session.
    pub window: usize,
    /// Every message comes back from its receiver as if a person had answered.
    pub echo: bool,
    /// Hears of every message that was taken.
    pub record: Option<mpsc::UnboundedSender<Taken>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tls: None,
            accounts: None,
            latency: Duration::ZERO,
            receipts: Some(Duration::from_millis(100)),
            undeliverable: 0.0,
            error_rate: 0.0,
            error_status: crate::smpp::status::SYSTEM_ERROR,
            rate: None,
            window: 100,
            echo: false,
            record: None,
        }
    }
}

/// A message that the centre took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The id that it was given.
    pub id: String,
    /// Who sent it.
    pub system_id: String,
    /// From.
    pub source: String,
    /// To.
    pub destination: String,
    /// Value of `esm_class`.
    pub esm_class: u8,
    /// Value of `data_coding`.
    pub data_coding: u8,
    /// Value of `validity_period`.
    pub validity: String,
    /// `short_message`, or `message_payload` where that is empty.
    pub text: Vec<u8>,
    /// Reference, total and number of a part, as `sar_*` say.
    pub sar: Option<(u16, u8, u8)>,
}

/// A message from a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromPhone {
    /// The phone, an international number without its plus.
    pub source: String,
    /// The number that it writes to.
    pub destination: String,
    /// Value of `esm_class`: 0, or 0x40 with a user data header.
    pub esm_class: u8,
    /// Value of `data_coding`.
    pub data_coding: u8,
    /// The text.
    pub text: Vec<u8>,
}

/// A centre that runs; it ends when it is dropped.
pub struct Smsc {
    address: SocketAddr,
    centre: Arc<Centre>,
    stop: watch::Sender<Order>,
}

/// What all sessions are told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Run,
    /// Say `unbind`; counted, so that a second time is another order.
    Unbind(u64),
    /// Close without a word.
    Cut(u64),
    End,
}

/// What the sessions share.
struct Centre {
    config: Config,
    clock: Arc<dyn Clock>,
    accounts: Mutex<HashMap<String, Arc<Account>>>,
    next_id: AtomicU64,
    taken: AtomicU64,
    receipted: AtomicU64,
    /// Messages in the current second.
    pace: Mutex<(Instant, u32)>,
}

impl Centre {
    fn account(&self, system_id: &str) -> Arc<Account> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(accounts.entry(system_id.to_owned()).or_default())
    }

    fn too_fast(&self) -> bool {
        let Some(rate) = self.config.rate else {
            return false;
        };
        let now = Instant::now();
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if now - pace.0 >= Duration::from_secs(1) {
            *pace = (now, 0);
        }
        pace.1 = pace.1.saturating_add(1);
        pace.1 > rate
    }
}

impl Smsc {
    /// Listens; port 0 takes a free one.
    pub async fn start(
        listen: SocketAddr,
        config: Config,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let centre = Arc::new(Centre {
            config,
            clock,
            accounts: Mutex::default(),
            next_id: AtomicU64::new(1),
            taken: AtomicU64::new(0),
            receipted: AtomicU64::new(0),
            pace: Mutex::new((Instant::now(), 0)),
        });
        let (stop, orders) = watch::channel(Order::Run);
        tokio::spawn(serve(listener, Arc::clone(&centre), orders));
        Ok(Self {
            address,
            centre,
            stop,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Messages taken since the start.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.centre.taken.load(Ordering::Relaxed)
    }

    /// Receipts that were acknowledged.
    #[must_use]
    pub fn receipted(&self) -> u64 {
        self.centre.receipted.load(Ordering::Relaxed)
    }

    /// Sends an account a message from a phone, as soon as it has a session that receives.
    pub fn send(&self, system_id: &str, message: FromPhone) {
        let account = self.centre.account(system_id);
        account.put(Instant::now(), Parcel::Message(message));
    }

    /// Unbinds all sessions.
    pub fn unbind(&self) {
        self.stop.send_modify(|order| {
            *order = Order::Unbind(order.count() + 1);
        });
    }

    /// Closes all connections without a word.
    pub fn cut(&self) {
        self.stop.send_modify(|order| {
            *order = Order::Cut(order.count() + 1);
        });
    }
}

impl Order {
    fn count(self) -> u64 {
        match self {
            Self::Unbind(count) | Self::Cut(count) => count,
            Self::Run | Self::End => 0,
        }
    }
}

impl Drop for Smsc {
    fn drop(&mut self) {
        let _ = self.stop.send(Order::End);
    }
}

async fn serve(listener: TcpListener, centre: Arc<Centre>, mut orders: watch::Receiver<Order>) {
    loop {
        let tcp = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((tcp, _)) => tcp,
                // Out of descriptors, or the client is gone: it will come back.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            changed = orders.changed() => {
                if changed.is_err() || *orders.borrow() == Order::End {
                    return;
                }
                continue;
            }
        };
        let centre = Arc::clone(&centre);
        let mut orders = orders.clone();
        orders.mark_unchanged();
        tokio::spawn(async move {
            let _ = tcp.set_nodelay(true);
            let stream: Box<dyn Stream> = match &centre.config.tls {
                None => Box::new(tcp),
                Some(tls) => match TlsAcceptor::from(Arc::clone(tls)).accept(tcp).await {
                    Ok(stream) => Box::new(stream),
                    Err(error) => {
                        tracing::debug!(%error, "no TLS");
                        return;
                    }
                },
            };
            session::run(Wire::new(stream), centre, orders).await;
        });
    }
}
