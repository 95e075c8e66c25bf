//! Messages a second through one link: `session_rate ADDRESS [WINDOW] [COUNT]`; `loopback` starts a centre of our own,
//! `loopback:200` one that answers after 200 ms.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use homeroom_bridge::clock::SystemClock;
use homeroom_bridge::message::{Address, Addresses, AttemptResult, Claimed, PartBody, PartKey};
use homeroom_bridge::meters::Meters;
use homeroom_bridge::smpp::link::{LinkConfig, LinkEvent, LinkHandle, Place};
use homeroom_bridge::smsc::{Config, Smsc};
use homeroom_sms_contract::submit::LinkStatus;
use tokio::sync::mpsc;
use tokio::time::Instant;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments
        .next()
        .context("session_rate ADDRESS [WINDOW] [COUNT]")?;
    let window: u32 = arguments.next().unwrap_or("100".into()).parse()?;
    let count: u32 = arguments.next().unwrap_or("200000".into()).parse()?;
    let mut latency = None;
    let centre;
    let address = if let Some(rest) = address.strip_prefix("loopback") {
        let millis = rest.strip_prefix(':').unwrap_or("0").parse()?;
        latency = Some(Duration::from_millis(millis)).filter(|time| !time.is_zero());
        let config = Config {
            latency: latency.unwrap_or_default(),
            receipts: None,
            ..Config::default()
        };
        centre = Smsc::start(([127, 0, 0, 1], 0).into(), config, Arc::new(SystemClock)).await?;
        centre.address().to_string()
    } else {
        address
    };
    let (host, port) = address.rsplit_once(':').context("ADDRESS is host:port")?;
    let mut config = LinkConfig::new(1, host, port.parse()?, "bench", "bench");
    config.window = window;
    config.rate = f64::INFINITY;
    // Optional, and an eighth of node-smpp's time to parse: what is measured is the session.
    config.send_validity = false;
    let (sender, mut events) = mpsc::channel(10_000);
    let link = Arc::new(LinkHandle::spawn(
        config,
        sender,
        Arc::new(SystemClock),
        Meters::default(),
    ));
    loop {
        match events.recv().await {
            Some(LinkEvent::Changed(state)) if state.status == LinkStatus::Up => break,
            Some(_) => {}
            None => bail!("the link ended"),
        }
        if let Some(problem) = link.problem() {
            bail!("{problem}");
        }
    }
    let start = Instant::now();
    let sending = tokio::spawn(send(Arc::clone(&link), count));
    let (mut taken, mut other, mut receipts) = (0u32, 0u32, 0u32);
    // As the engine does, but for the store.
    let mut batch = Vec::new();
    while taken + other < count {
        if events.recv_many(&mut batch, 512).await == 0 {
            bail!("the link ended");
        }
        let mut places = Vec::new();
        for event in batch.drain(..) {
            match event {
                LinkEvent::Attempted(attempted, _, place) => {
                    match attempted.result {
                        AttemptResult::Submitted { .. } => taken += 1,
                        _ => other += 1,
                    }
                    places.push(place);
                }
                LinkEvent::Deliver { ack, .. } => {
                    receipts += 1;
                    let _ = ack.send(Ok(()));
                }
                LinkEvent::Late(..) | LinkEvent::Changed(_) => {}
            }
        }
        Place::free(places);
    }
    let seconds = start.elapsed().as_secs_f64();
    sending.await?;
    let rate = f64::from(count) / seconds;
    print!(
        "{rate:.0} messages/s: {taken} taken, {other} not, {receipts} receipts, window {window}, {seconds:.2} s"
    );
    match latency {
        Some(latency) => {
            let most = f64::from(window) / latency.as_secs_f64();
            println!(", {:.1} % of window / latency", 100.0 * rate / most);
        }
        None => println!(),
    }
    link.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

async fn send(link: Arc<LinkHandle>, count: u32) {
    let part = Claimed {
        key: PartKey {
            message_id: String::from("0198f000-0000-7000-8000-000000000000"),
            number: 1,
        },
        attempt: 1,
        refusals: 0,
        esme: 1,
        addresses: Addresses {
            source: address(5, 0, "School"),
            destination: address(1, 1, "491701234567"),
        },
        data_coding: 0,
        esm_class: 0,
        priority: 0,
        valid_until: i64::MAX,
        body: PartBody {
            short_message: b"School is closed tomorrow because of the snow.".to_vec(),
            payload: None,
            sar: None,
        },
    };
    let mut left = count;
    while left > 0 {
        for slot in link.reserve(left).await {
            slot.send(part.clone());
            left -= 1;
        }
    }
}

fn address(ton: u8, npi: u8, address: &str) -> Address {
    Address {
        ton,
        npi,
        address: address.into(),
    }
}
