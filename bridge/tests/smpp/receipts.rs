//! What centres deliver, and when they hear that we have it.

use std::time::Duration;

use homeroom_bridge::message::{PartStatus, Receipt};
use homeroom_bridge::smpp::codec;
use homeroom_bridge::smpp::link::Delivery;
use homeroom_bridge::smpp::pdu::{Message, Pdu, QueryResp, Tlv, tag};
use homeroom_bridge::smpp::provider_id::IdForm;

use homeroom_sms_contract::submit::LinkStatus;

use crate::support::{Centre, Running, config, receipt, submitted};

fn of(delivery: Delivery) -> Receipt {
    match delivery {
        Delivery::Receipt(receipt) => receipt,
        Delivery::Inbound(part) => panic!("{part:?}"),
    }
}

#[tokio::test]
async fn a_receipt_is_acknowledged_only_once_it_is_stored() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.bound().await;
    for (sequence, stored, status) in [
        (1, Some(Ok(())), 0),
        (2, Some(Err(())), 0x64),
        (3, None, 0x64),
    ] {
        peer.write(
            0,
            sequence,
            &Pdu::DeliverSm(receipt(b"id:7 stat:DELIVRD", &[])),
        )
        .await;
        let (what, ack) = link.delivery().await;
        assert_eq!(of(what).status, PartStatus::Delivered);
        tokio::time::sleep(Duration::from_millis(50)).await;
        peer.lives().await;
        match stored {
            Some(answer) => ack.send(answer).unwrap(),
            None => drop(ack),
        }
        let (header, frame) = peer.read().await;
        assert_eq!(codec::decode(&frame).unwrap().1, Pdu::DeliverSmResp);
        assert_eq!((header.sequence, header.status), (sequence, status));
    }
}

#[tokio::test]
async fn a_store_that_hangs_does_not_hold_the_centre_for_ever() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.timers.response = Duration::from_millis(200);
    let mut link = Running::start(config);
    let mut peer = centre.bound().await;
    peer.write(0, 1, &Pdu::DeliverSm(receipt(b"id:7 stat:DELIVRD", &[])))
        .await;
    let (_, _held) = link.delivery().await;
    assert_eq!(peer.read().await.0.status, 0x64);
}

#[tokio::test]
async fn a_receipt_may_come_before_the_answer_and_its_id_meets_it() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.provider = String::from("operator");
    config.ids.response = IdForm::Hex;
    config.ids.receipt = IdForm::Decimal;
    let mut link = Running::start(config);
    let mut peer = centre.bound().await;
    link.send(1).await;
    let sequence = peer.submits(1).await[0];
    peer.write(
        0,
        1,
        &Pdu::DeliverSm(receipt(b"id:0000000255 stat:DELIVRD", &[])),
    )
    .await;
    let (what, _ack) = link.delivery().await;
    let receipt = of(what);
    assert_eq!(
        (receipt.provider.as_str(), receipt.provider_id.as_slice()),
        ("operator", &b"255"[..])
    );
    peer.answer(sequence, "00fF").await;
    assert_eq!(link.attempted().await.result, submitted("255"));
}

#[tokio::test]
async fn data_sm_is_a_delivery_with_an_answer_of_its_own() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.bound().await;
    let tlvs = [
        Tlv {
            tag: tag::RECEIPTED_MESSAGE_ID,
            value: b"77\0",
        },
        Tlv {
            tag: tag::MESSAGE_STATE,
            value: &[5],
        },
    ];
    peer.write(0, 4, &Pdu::DataSm(receipt(b"", &tlvs))).await;
    let (what, ack) = link.delivery().await;
    let receipt = of(what);
    assert_eq!(receipt.provider_id, b"77");
    assert_eq!(receipt.status, PartStatus::Undeliverable);
    ack.send(Ok(())).unwrap();
    let (header, frame) = peer.read().await;
    assert_eq!(header.sequence, 4);
    assert_eq!(codec::decode(&frame).unwrap().1, Pdu::DataSmResp(b""));
}

#[tokio::test]
async fn a_receipt_without_an_id_is_taken_and_dropped() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.bound().await;
    peer.write(0, 6, &Pdu::DeliverSm(receipt(b"stat:DELIVRD", &[])))
        .await;
    let (header, _) = peer.read().await;
    assert_eq!((header.sequence, header.status), (6, 0));
    link.quiet(Duration::from_millis(50)).await;
}

#[tokio::test]
async fn messages_from_phones_come_with_their_parts_in_any_order() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.bound().await;
    for (sequence, number) in [(1u32, 2u8), (2, 1)] {
        let text = [&[5, 0, 3, 42, 2, number][..], b"part"].concat();
        let message = Message {
            esm_class: 0x40,
            ..receipt(&text, &[])
        };
        peer.write(0, sequence, &Pdu::DeliverSm(message)).await;
        let (what, ack) = link.delivery().await;
        let Delivery::Inbound(part) = what else {
            panic!("{what:?}");
        };
        assert_eq!(part.part, Some((42, 2, number)));
        assert_eq!(
            (part.text.as_str(), part.source.as_str()),
            ("part", "+491701234567")
        );
        assert_eq!(part.link, 1);
        ack.send(Ok(())).unwrap();
        assert_eq!(peer.read().await.0.sequence, sequence);
    }
}

#[tokio::test]
async fn a_hundred_thousand_receipts_at_once_are_all_stored_and_answered() {
    const COUNT: u32 = 100_000;
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let peer = centre.bound().await;
    let storing = tokio::spawn(async move {
        let mut seen = vec![false; COUNT as usize];
        for _ in 0..COUNT {
            let (what, ack) = link.delivery().await;
            let id: usize = String::from_utf8(of(what).provider_id)
                .unwrap()
                .parse()
                .unwrap();
            assert!(!std::mem::replace(&mut seen[id], true), "twice {id}");
            let _ = ack.send(Ok(()));
        }
        link
    });
    let mut storm = bytes::BytesMut::new();
    for number in 0..COUNT {
        let text = format!("id:{number} stat:DELIVRD err:000");
        codec::encode(
            &mut storm,
            0,
            number + 1,
            &Pdu::DeliverSm(receipt(text.as_bytes(), &[])),
        );
    }
    let (mut reading, mut writing) = peer.stream.into_split();
    let sending = tokio::spawn(async move {
        tokio::io::AsyncWriteExt::write_all(&mut writing, &storm)
            .await
            .unwrap();
        writing
    });
    let mut buffer = bytes::BytesMut::new();
    let mut answered = 0;
    while answered < COUNT {
        while let Some(frame) = codec::next_frame(&mut buffer).unwrap() {
            let (header, pdu) = codec::decode(&frame).unwrap();
            if pdu == Pdu::DeliverSmResp {
                assert_eq!(header.status, 0);
                answered += 1;
            }
        }
        if answered < COUNT {
            let count = tokio::io::AsyncReadExt::read_buf(&mut reading, &mut buffer)
                .await
                .unwrap();
            assert!(count > 0, "{answered}");
        }
    }
    storing.await.unwrap();
    sending.await.unwrap();
}

#[tokio::test]
async fn a_centre_that_is_asked_for_a_message_is_heard_as_with_a_receipt() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.bound().await;
    link.becomes(LinkStatus::Up).await;
    let source = homeroom_bridge::message::Address {
        ton: 5,
        npi: 0,
        address: String::from("School"),
    };
    let answers = [(0, 1), (0, 7), (0x67, 0), (0, 200), (0, 2)];
    for number in 0..answers.len() {
        assert!(
            link.link
                .query(format!("id-{number}").into_bytes(), source.clone())
        );
    }
    for (number, (status, state)) in answers.into_iter().enumerate() {
        let (header, frame) = peer.read().await;
        let (_, pdu) = codec::decode(&frame).unwrap();
        let Pdu::QuerySm(query) = pdu else {
            panic!("{pdu:?}");
        };
        assert_eq!(query.message_id, format!("id-{number}").as_bytes());
        assert_eq!(
            (query.source.ton, query.source.address),
            (5, &b"School"[..])
        );
        let answer = QueryResp {
            message_id: query.message_id,
            final_date: b"",
            state,
            error: 0,
        };
        peer.write(status, header.sequence, &Pdu::QuerySmResp(answer))
            .await;
        // A second answer is nobody's.
        peer.write(status, header.sequence, &Pdu::QuerySmResp(answer))
            .await;
    }
    for (id, expected) in [
        (&b"id-0"[..], PartStatus::Enroute),
        (b"id-4", PartStatus::Delivered),
    ] {
        let (what, _) = link.delivery().await;
        let Delivery::Receipt(found) = what else {
            panic!("{what:?}");
        };
        assert_eq!((found.provider_id.as_slice(), found.status), (id, expected));
    }
    peer.lives().await;
    link.quiet(std::time::Duration::from_millis(100)).await;
}
