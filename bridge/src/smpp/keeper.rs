//! The task of a link: connects, binds, runs the session, waits and does it again.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use homeroom_sms_contract::submit::LinkStatus;
use rand::RngExt;
use secrecy::ExposeSecret;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tracing::{error, info, warn};

use crate::message::Claimed;
use crate::tls::TlsError;

use super::codec::{self, BadLength};
use super::config::LinkConfig;
use super::outbox::Outbox;
use super::pdu::{Bind, BindResp, Pdu, WireAddress};
use super::session::{End, Session};
use super::shared::{LinkEvent, Question, Request, Shared};
use super::status;
use super::wire::{Stream, Wire};

/// Most characters of a centre's name that are shown; the standard allows 15.
const MAX_NAME: usize = 64;

/// SMPP 3.4.
const VERSION: u8 = 0x34;

/// Someone who asked for something and waits until it is done.
pub(super) type Asked = (Request, oneshot::Sender<()>);

pub(super) struct Keeper {
    pub(super) config: LinkConfig,
    pub(super) shared: Arc<Shared>,
    pub(super) claimed: mpsc::UnboundedReceiver<Claimed>,
    pub(super) requests: mpsc::Receiver<Asked>,
    pub(super) questions: mpsc::Receiver<Question>,
    pub(super) outbox: Outbox,
    /// Failures in a row.
    failures: u32,
    announced: Option<LinkStatus>,
}

/// Why there is no session.
#[derive(Debug, Error)]
enum NoSession {
    #[error("no connection within {0:?}")]
    Slow(Duration),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    #[error("the other side speaks no SMPP: {0}")]
    Garbage(#[from] BadLength),
    #[error("the centre closed the connection before it answered the bind")]
    Closed,
    #[error("no answer to the bind within {0:?}")]
    Silent(Duration),
    #[error("the centre refused the bind: {}", status::name(*.0))]
    Refused(u32),
    #[error(
        "the centre speaks SMPP {}.{}, which has no parameters for this link's `header`: write \"udh8\" or \"udh16\"",
        .0 >> 4, .0 & 15
    )]
    TooOld(u8),
}

/// What a wait ended with.
enum Waited {
    Over,
    Reloaded,
    Shutdown(oneshot::Sender<()>),
    /// The handle is gone.
    Abandoned,
}

impl Keeper {
    pub(super) fn new(
        config: LinkConfig,
        shared: Arc<Shared>,
        claimed: mpsc::UnboundedReceiver<Claimed>,
        (requests, questions): (mpsc::Receiver<Asked>, mpsc::Receiver<Question>),
        events: mpsc::Sender<LinkEvent>,
    ) -> Self {
        Self {
            outbox: Outbox::new(events),
            config,
            shared,
            claimed,
            requests,
            questions,
            failures: 0,
            announced: None,
        }
    }

    pub(super) async fn run(mut self) {
        let waiting = loop {
            self.announce();
            let waited = if self.config.disabled {
                self.wait(None).await
            } else {
                let pause = match self.connect().await {
                    Ok(Ok((wire, greeting))) => match self.session(wire, greeting).await {
                        End::Shutdown(waiting) => break waiting,
                        End::Reloaded => Duration::ZERO,
                        End::Lost(reason) => self.lost(&reason),
                    },
                    Ok(Err(no)) => self.refused(&no),
                    Err(Waited::Over | Waited::Reloaded) => Duration::ZERO,
                    Err(Waited::Shutdown(waiting)) => break Some(waiting),
                    Err(Waited::Abandoned) => break None,
                };
                self.announce();
                self.wait(Some(pause)).await
            };
            match waited {
                Waited::Over | Waited::Reloaded => {}
                Waited::Shutdown(waiting) => break Some(waiting),
                Waited::Abandoned => break None,
            }
        };
        self.shared.gate.end();
        // From here on, places give back what they are asked to send.
        self.claimed.close();
        while let Some(part) = self.claimed.recv().await {
            self.not_sent(part);
        }
        self.announce();
        self.outbox.empty().await;
        if let Some(waiting) = waiting {
            let _ = waiting.send(());
        }
    }

    /// Until the time is over, or for ever. Whatever is sent meanwhile goes back.
    async fn wait(&mut self, pause: Option<Duration>) -> Waited {
        match pause {
            None => self.idle().await,
            Some(pause) => timeout(pause, self.idle()).await.unwrap_or(Waited::Over),
        }
    }

    /// Serves those who ask while there is no session.
    async fn idle(&mut self) -> Waited {
        loop {
            tokio::select! {
                asked = self.requests.recv() => match asked {
                    None => return Waited::Abandoned,
                    Some((Request::Shutdown(_), done)) => return Waited::Shutdown(done),
                    Some((Request::Reload(config), done)) => {
                        self.adopt(*config);
                        let _ = done.send(());
                        return Waited::Reloaded;
                    }
                },
                Some(part) = self.claimed.recv() => self.not_sent(part),
                () = self.outbox.hand_over(), if !self.outbox.is_empty() => {}
            }
        }
    }

    fn not_sent(&mut self, part: Claimed) {
        let event = self.shared.not_sent(part.key, part.attempt);
        self.outbox.put(event);
    }

    /// Takes over a configuration.
    pub(super) fn adopt(&mut self, config: LinkConfig) {
        if !config.same_session(&self.config) {
            // What another centre said of itself.
            self.shared.greeted(String::new());
        }
        self.shared.configure(&config);
        self.config = config;
        self.failures = 0;
        self.announce();
    }

    /// Tells the engine if the status is another.
    pub(super) fn announce(&mut self) {
        let state = self.shared.state();
        if self.announced != Some(state.status) {
            self.announced = Some(state.status);
            self.outbox.put(LinkEvent::Changed(state));
        }
    }

    async fn connect(&mut self) -> Result<Result<(Wire, Greeting), NoSession>, Waited> {
        let config = self.config.clone();
        tokio::select! {
            bound = bound(&config) => Ok(bound),
            waited = self.idle() => Err(waited),
        }
    }

    async fn session(&mut self, wire: Wire, greeting: Greeting) -> End {
        let link = self.config.id;
        info!(link, "bound");
        self.shared.greeted(greeting.system_id);
        self.shared.heard();
        let since = Instant::now();
        self.shared.set_up(true, None);
        self.shared.gate.set_open(self.config.bind.sends());
        self.announce();
        let end = Session::new(wire, &self.config).run(self).await;
        self.shared.gate.set_open(false);
        self.shared.set_up(false, None);
        if since.elapsed() >= self.config.timers.stable {
            self.failures = 0;
        }
        end
    }

    fn lost(&mut self, reason: &str) -> Duration {
        let link = self.config.id;
        warn!(link, reason, "the session is over");
        self.shared.set_up(false, Some(reason.to_owned()));
        self.backoff()
    }

    fn refused(&mut self, no: &NoSession) -> Duration {
        let link = self.config.id;
        let reason = no.to_string();
        self.shared.set_up(false, Some(reason.clone()));
        match *no {
            NoSession::Refused(status::INVALID_PASSWORD | status::INVALID_SYSTEM_ID) => {
                error!(
                    link,
                    reason, "the account is refused: check system_id and password"
                );
                jittered(self.config.timers.refused)
            }
            NoSession::TooOld(_) => {
                error!(link, reason, "the link cannot be used");
                jittered(self.config.timers.refused)
            }
            NoSession::Refused(status::ALREADY_BOUND) => {
                warn!(link, reason, "waiting for the old session to end");
                jittered(self.config.timers.already_bound)
            }
            _ => {
                warn!(link, reason, "no session");
                self.backoff()
            }
        }
    }

    fn backoff(&mut self) -> Duration {
        let timers = &self.config.timers;
        let factor = 2u32.saturating_pow(self.failures.min(30));
        self.failures = self.failures.saturating_add(1);
        jittered(
            timers
                .backoff_min
                .saturating_mul(factor)
                .min(timers.backoff_max),
        )
    }
}

/// Between half of it and all of it, so that many links do not come back at once.
pub(super) fn jittered(time: Duration) -> Duration {
    time.mul_f64(rand::rng().random_range(0.5..=1.0))
}

/// What a centre says of itself when it takes a bind.
struct Greeting {
    system_id: String,
    /// Where it says so; many that speak 3.4 do not.
    version: Option<u8>,
}

impl Greeting {
    fn of(answer: &BindResp<'_>, config: &LinkConfig) -> Self {
        // Some centres say the account's name back, which is half a credential.
        let known = answer.system_id != config.system_id.as_bytes();
        let text = String::from_utf8_lossy(if known { answer.system_id } else { b"" });
        let shown = text.chars().filter(|one| !one.is_control());
        Self {
            system_id: shown.take(MAX_NAME).collect(),
            version: answer.interface_version,
        }
    }
}

/// Connects and binds.
async fn bound(config: &LinkConfig) -> Result<(Wire, Greeting), NoSession> {
    let timers = &config.timers;
    let stream = timeout(timers.connect, stream(config))
        .await
        .map_err(|_| NoSession::Slow(timers.connect))??;
    let mut wire = Wire::new(stream);
    let greeting = timeout(timers.bind, bind(&mut wire, config))
        .await
        .map_err(|_| NoSession::Silent(timers.bind))??;
    match greeting.version {
        Some(version) if version < VERSION && config.parameters => {
            wire.put(status::OK, 2, &Pdu::Unbind);
            let _ = timeout(timers.unbind, wire.finish()).await;
            Err(NoSession::TooOld(version))
        }
        _ => Ok((wire, greeting)),
    }
}

async fn stream(config: &LinkConfig) -> Result<Box<dyn Stream>, NoSession> {
    let tcp = TcpStream::connect((config.host.as_str(), config.port)).await?;
    tcp.set_nodelay(true)?;
    let Some(tls) = &config.tls else {
        return Ok(Box::new(tcp));
    };
    let connector = TlsConnector::from(tls.load()?);
    let stream = connector.connect(tls.name(&config.host)?, tcp).await?;
    Ok(Box::new(stream))
}

async fn bind(wire: &mut Wire, config: &LinkConfig) -> Result<Greeting, NoSession> {
    let request = Bind {
        mode: config.bind,
        system_id: config.system_id.as_bytes(),
        password: config.password.expose_secret().as_bytes(),
        system_type: config.system_type.as_bytes(),
        interface_version: VERSION,
        range: WireAddress::default(),
    };
    wire.put(status::OK, 1, &Pdu::Bind(request));
    loop {
        while let Some(frame) = wire.frame()? {
            match codec::decode(&frame) {
                Ok((header, Pdu::BindResp(answer))) if header.status == status::OK => {
                    return Ok(Greeting::of(&answer, config));
                }
                Ok((header, Pdu::BindResp(_) | Pdu::GenericNack)) => {
                    return Err(NoSession::Refused(header.status));
                }
                Ok((header, Pdu::EnquireLink)) => {
                    wire.put(status::OK, header.sequence, &Pdu::EnquireLinkResp);
                }
                Ok((_, Pdu::Unbind)) => return Err(NoSession::Closed),
                // Nothing else has a meaning before the answer.
                Ok(_) | Err(_) => {}
            }
        }
        if wire.turn(true).await? == 0 {
            return Err(NoSession::Closed);
        }
    }
}
