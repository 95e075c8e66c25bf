//! Peers that this project did not write: node-smpp, `smpp34`, `rusmppc`, smpplib. Their sources are in `tests/bridge`.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use homeroom_bridge::clock::SystemClock;
use homeroom_bridge::message::{AttemptResult, PartStatus};
use homeroom_bridge::smpp::link::Delivery;
use homeroom_bridge::smsc::{Config, Smsc};
use homeroom_sms_contract::submit::LinkStatus;
use rusmpp::Pdu;
use rusmpp::pdus::{BindTransceiver, DeliverSmResp, SubmitSm};
use rusmpp::types::{COctetString, OctetString};
use rusmpp::values::RegisteredDelivery;
use rusmppc::{ConnectionBuilder, Event};
use serde_json::json;
use smpp34::server::ESME;
use smpp34::{
    SmppConnectionInformation, SmppServer, SmppServerListener, bind_transceiver,
    bind_transceiver_resp, submit_sm, submit_sm_resp,
};
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::authority::Authority;
use crate::node::{PeerCentre, folder, node, run};
use crate::python::python;
use crate::support::{PATIENCE, Running, claimed, config};

#[tokio::test]
async fn node_smpp_takes_what_we_send_and_we_take_what_it_delivers() {
    let mut centre = PeerCentre::node(&[]).await;
    let mut link = Running::start(config(centre.port));
    let mut udh = claimed(1);
    udh.esm_class = 0x40;
    udh.body.short_message = b"\x05\x00\x03\x2a\x02\x01first".to_vec();
    let mut sar = claimed(2);
    sar.body.sar = Some((7, 2, 1));
    let mut payload = claimed(3);
    payload.body.short_message.clear();
    payload.body.payload = Some(vec![b'x'; 1_000]);
    let mut wide = claimed(4);
    wide.data_coding = 8;
    wide.body.short_message = "Ж😀".encode_utf16().flat_map(u16::to_be_bytes).collect();
    for part in [udh, sar, payload, wide] {
        link.link.reserve(1).await.pop().unwrap().send(part);
    }
    let outcomes = link.outcomes(4).await;
    let lines = [
        centre.line().await,
        centre.line().await,
        centre.line().await,
        centre.line().await,
    ];
    for (line, outcome) in lines.iter().zip(&outcomes) {
        let id = line["id"].as_str().unwrap().as_bytes().to_vec();
        assert_eq!(*outcome, AttemptResult::Submitted { provider_id: id });
        assert_eq!(line["destination"], "491701234567");
        assert_eq!(line["source"], "School");
        assert_eq!(line["ton"], 1);
    }
    assert_eq!(lines[0]["text"], "first");
    assert_eq!(lines[0]["udh"], json!(["00032a0201"]));
    assert_eq!(lines[1]["sar"], json!([7, 2, 1]));
    assert_eq!(lines[2]["text"].as_str().unwrap().len(), 1_000);
    assert_eq!(lines[3]["text"], "Ж😀");
    for outcome in &outcomes {
        let (what, ack) = link.delivery().await;
        let Delivery::Receipt(receipt) = what else {
            panic!("{what:?}");
        };
        assert_eq!(receipt.status, PartStatus::Delivered);
        let provider_id = receipt.provider_id;
        assert_eq!(AttemptResult::Submitted { provider_id }, *outcome);
        ack.send(Ok(())).unwrap();
    }
    centre.command("mo Grüße & STOP").await;
    let (what, ack) = link.delivery().await;
    let Delivery::Inbound(part) = what else {
        panic!("{what:?}");
    };
    assert_eq!(part.text, "Grüße & STOP");
    assert_eq!(part.source, "+491701234567");
    ack.send(Ok(())).unwrap();
    centre.command("unbind").await;
    link.becomes(LinkStatus::Down).await;
    link.becomes(LinkStatus::Up).await;
    link.link.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn node_smpp_counts_every_part_once_over_tls_too() {
    let authority = Authority::new("node", false);
    for tls in [None, Some(&authority)] {
        let files =
            tls.map(|authority| ["client.pem", "client.key"].map(|name| authority.file(name)));
        let files: Vec<_> = files
            .iter()
            .flatten()
            .map(|file| file.as_os_str())
            .collect();
        let mut centre = PeerCentre::node(&files).await;
        let mut config = config(centre.port);
        config.tls = tls.map(Authority::trusted);
        let mut link = Running::start(config);
        let _sending = link.sending(5_000);
        let mut ids = std::collections::HashSet::new();
        let mut receipts = 0;
        for _ in 0..5_000 {
            let attempted = link.attempted().await;
            for (_, ack) in link.deliveries.drain(..) {
                ack.send(Ok(())).unwrap();
                receipts += 1;
            }
            let AttemptResult::Submitted { provider_id } = attempted.result else {
                panic!("{attempted:?}");
            };
            assert!(ids.insert(provider_id));
            centre.line().await;
        }
        while receipts < 5_000 {
            let (_, ack) = link.delivery().await;
            ack.send(Ok(())).unwrap();
            receipts += 1;
        }
        centre.command("count").await;
        assert_eq!(centre.line().await, json!({ "count": 5_000 }));
    }
}

#[tokio::test]
async fn node_smpp_s_refusal_of_the_account_is_understood() {
    let centre = PeerCentre::node(&[]).await;
    let mut config = config(centre.port);
    config.system_id = String::from("stranger");
    crate::link::expect_problem(config, "ESME_RINVPASWD").await;
}

async fn loopback() -> Smsc {
    let any = (Ipv4Addr::LOCALHOST, 0).into();
    Smsc::start(any, Config::default(), Arc::new(SystemClock))
        .await
        .unwrap()
}

#[tokio::test]
async fn node_smpp_is_served_by_the_loopback_centre() {
    let smsc = loopback().await;
    let mut client = node("client.mjs").await;
    run(client.arg(smsc.address().port().to_string()), "").await;
    assert_eq!((smsc.taken(), smsc.receipted()), (200, 200));
}

#[tokio::test]
async fn smpplib_is_served_by_the_loopback_centre() {
    let smsc = loopback().await;
    let mut client = Command::new(python().await);
    client
        .arg(folder().join("client.py"))
        .arg(smsc.address().port().to_string());
    run(&mut client, "").await;
    assert_eq!(smsc.taken(), 100);
}

#[tokio::test]
async fn rusmppc_is_served_by_the_loopback_centre() {
    let smsc = loopback().await;
    let (client, mut events) = ConnectionBuilder::new()
        // It asks by itself too, and gives up where nobody answers.
        .enquire_link_interval(Duration::from_millis(100))
        .enquire_link_response_timeout(PATIENCE)
        .response_timeout(PATIENCE)
        .connect(format!("smpp://{}", smsc.address()))
        .await
        .unwrap();
    let bind = BindTransceiver::builder()
        .system_id(COctetString::from_str("school").unwrap())
        .password(COctetString::from_str("secret").unwrap());
    client.bind_transceiver(bind.build()).await.unwrap();
    let mut sent = HashSet::new();
    for number in 0..100 {
        let part = SubmitSm::builder()
            .source_addr(COctetString::from_str("School").unwrap())
            .destination_addr(COctetString::from_str("491701234567").unwrap())
            .registered_delivery(RegisteredDelivery::request_all())
            .short_message(OctetString::from_str(&format!("Message {number}")).unwrap());
        let answer = client.submit_sm(part.build()).await.unwrap();
        assert!(sent.insert(answer.message_id().to_string()), "{answer:?}");
    }
    let mut receipted = HashSet::new();
    while receipted.len() < 100 {
        let wait = tokio::time::timeout(PATIENCE, events.next()).await;
        let Event::Incoming(command) = wait.unwrap().unwrap() else {
            panic!("not a command");
        };
        let Some(Pdu::DeliverSm(receipt)) = command.pdu() else {
            panic!("{command:?}");
        };
        let text = String::from_utf8(receipt.short_message().as_ref().to_vec()).unwrap();
        assert!(text.contains("stat:DELIVRD"), "{text}");
        let id = text.strip_prefix("id:").unwrap().split(' ').next().unwrap();
        assert!(receipted.insert(id.to_owned()), "{id} twice");
        client
            .deliver_sm_resp(command.sequence_number(), DeliverSmResp::default())
            .await
            .unwrap();
    }
    assert_eq!(receipted, sent);
    client.enquire_link().await.unwrap();
    client.unbind().await.unwrap();
    // The centre closes the connection then.
    client.closed().await;
    assert_eq!((smsc.taken(), smsc.receipted()), (100, 100));
}

/// Takes everything, and delivers a receipt to whoever is bound.
#[derive(Default)]
struct Smpp34 {
    esme: Mutex<Option<Arc<ESME>>>,
}

#[async_trait]
impl SmppServerListener for Smpp34 {
    async fn on_bind_transceiver(
        &self,
        request: bind_transceiver,
        _: &SmppConnectionInformation,
        _: &String,
    ) -> bind_transceiver_resp {
        request.accept(String::from("smpp34"), Some(0x34))
    }

    async fn on_esme_bound(&self, esme: ESME, _: &String) {
        *self.esme.lock().await = Some(Arc::new(esme));
    }

    async fn on_submit_sm(
        &self,
        request: submit_sm,
        _: &SmppConnectionInformation,
        _: &String,
    ) -> submit_sm_resp {
        assert_eq!(request.destination_addr, "491701234567");
        let id = String::from_utf8(request.short_message.clone()).unwrap();
        request.accept(id)
    }
}

#[tokio::test]
async fn the_smpp34_server_takes_our_parts_and_its_receipts_are_acknowledged() {
    let port = crate::ports::free().port();
    let centre = Arc::new(Smpp34::default());
    let mut server = SmppServer::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port, centre.clone());
    server.start().await;
    let mut link = Running::start(config(port));
    link.becomes(LinkStatus::Up).await;
    let sender = Arc::clone(&link.link);
    let sending = tokio::spawn(async move {
        for number in 1..=500u16 {
            let mut part = claimed(number);
            part.body.short_message = number.to_string().into_bytes();
            sender.reserve(1).await.pop().unwrap().send(part);
        }
    });
    let outcomes = link.outcomes(500).await;
    sending.await.unwrap();
    for (number, outcome) in (1..).zip(outcomes) {
        assert_eq!(outcome, crate::support::submitted(&format!("{number}")));
    }
    let esme = centre.esme.lock().await.clone().expect("it is bound");
    let receipt = tokio::spawn(async move {
        esme.deliver_sm()
            .esm_class(4)
            .source_addr("491701234567")
            .short_message(b"id:17 stat:UNDELIV err:005".to_vec())
            .send()
            .await
    });
    let (what, ack) = link.delivery().await;
    let Delivery::Receipt(found) = what else {
        panic!("{what:?}");
    };
    assert_eq!(found.provider_id, b"17");
    assert_eq!(found.error.as_deref(), Some("005"));
    ack.send(Ok(())).unwrap();
    assert!(receipt.await.unwrap().unwrap().is_success());
    link.link.shutdown(Duration::from_secs(2)).await;
}
