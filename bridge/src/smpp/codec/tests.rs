use proptest::collection::vec;
use proptest::prelude::*;
use tokio_util::codec::{Decoder as _, Encoder as _};

use super::super::pdu::esm;
use super::*;

fn bytes_of(status: u32, sequence: u32, pdu: &Pdu<'_>) -> BytesMut {
    let mut out = BytesMut::new();
    encode(&mut out, status, sequence, pdu);
    out
}

fn raw(id: u32, status: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + body.len()).unwrap();
    let header = [length, id, status, 7].map(u32::to_be_bytes).concat();
    [header.as_slice(), body].concat()
}

/// `deliver_sm` up to its text, `sm_length` not included.
fn deliver_start(source: &[u8]) -> Vec<u8> {
    [b"\0\x01\x01", source, b"\0\x01\x01491\0\0\0\0\0\0\0\0\0\0"].concat()
}

fn read(frame: &[u8]) -> Pdu<'_> {
    decode(frame).unwrap().1
}

#[test]
fn a_length_that_no_pdu_has_ends_the_stream() {
    for length in [
        0,
        1,
        8,
        15,
        16 * 1024 * 1024,
        0x7FFF_FFFF,
        0x8000_0000,
        u32::MAX,
    ] {
        let mut buffer = BytesMut::from(length.to_be_bytes().as_slice());
        assert_eq!(next_frame(&mut buffer), Err(BadLength(length)));
    }
    for other in [
        "HTTP/1.1 400 Bad Request\r\n",
        "GET / HTTP/1.1\r\n",
        "\x15\x03\x03\0\x02\x02\x46",
    ] {
        assert!(next_frame(&mut BytesMut::from(other)).is_err(), "{other:?}");
    }
}

#[test]
fn bytes_that_come_one_at_a_time_make_the_same_pdus_as_all_at_once() {
    let mut stream = bytes_of(0, 1, &Pdu::EnquireLink);
    encode(&mut stream, 0, 2, &Pdu::SubmitSmResp(b"id-1"));
    encode(&mut stream, 0, 3, &Pdu::Unbind);
    let mut at_once = stream.clone();
    let mut expected = Vec::new();
    while let Some(frame) = next_frame(&mut at_once).unwrap() {
        expected.push(frame);
    }
    assert_eq!(expected.len(), 3);
    let mut buffer = BytesMut::new();
    let mut found = Vec::new();
    for byte in stream {
        buffer.extend_from_slice(&[byte]);
        found.extend(next_frame(&mut buffer).unwrap());
    }
    assert_eq!(found, expected);
}

#[test]
fn an_unknown_pdu_costs_itself_and_nothing_after_it() {
    let mut buffer = BytesMut::from(raw(0x0000_0999, 0, b"what").as_slice());
    encode(&mut buffer, 0, 8, &Pdu::EnquireLink);
    let first = next_frame(&mut buffer).unwrap().unwrap();
    let refused = decode(&first).unwrap_err();
    assert_eq!(refused.status, status::INVALID_COMMAND_ID);
    let mut answer = BytesMut::new();
    encode_refusal(&mut answer, &refused);
    assert_eq!(answer, raw(id::GENERIC_NACK, 3, b""));
    let second = next_frame(&mut buffer).unwrap().unwrap();
    assert_eq!(read(&second), Pdu::EnquireLink);
}

#[test]
fn responses_and_notices_that_cannot_be_read_are_not_answered() {
    for command in [0x8000_0999, id::OUTBIND, id::ALERT_NOTIFICATION] {
        let frame = raw(command, 0, b"x");
        let mut answer = BytesMut::new();
        encode_refusal(&mut answer, &decode(&frame).unwrap_err());
        assert!(answer.is_empty(), "{command:#x}");
    }
}

#[test]
fn responses_without_a_body_or_with_a_longer_one_are_understood() {
    let response = id::SUBMIT_SM | id::RESPONSE;
    let long = [b'9'; 70];
    for (status, body, message_id) in [
        (0, &b""[..], &b""[..]),
        (0x58, b"", b""),
        (0x0452, b"", b""),
        (0, b"abc\0", b"abc"),
        (0, b"abc", b"abc"),
        (0, b"abc\0trailing", b"abc"),
        (0, b"\xe9\xff\0", b"\xe9\xff"),
        (0, &long, &long),
    ] {
        let frame = raw(response, status, body);
        let (header, pdu) = decode(&frame).unwrap();
        assert_eq!(header.status, status);
        assert_eq!(pdu, Pdu::SubmitSmResp(message_id));
    }
    let bare = raw(id::BIND_TRANSCEIVER | id::RESPONSE, 0, b"");
    assert_eq!(read(&bare), Pdu::BindResp(BindResp::default()));
    let long_name = raw(
        id::BIND_TRANSCEIVER | id::RESPONSE,
        0,
        b"a-centre-with-a-long-name\0\x02\x10\0\x01\x34",
    );
    let Pdu::BindResp(bind) = read(&long_name) else {
        panic!("not a bind_resp");
    };
    assert_eq!(bind.system_id, b"a-centre-with-a-long-name");
    assert_eq!(bind.interface_version, Some(0x34));
    for (command, expected) in [
        (id::ENQUIRE_LINK, Pdu::EnquireLink),
        (id::ENQUIRE_LINK | id::RESPONSE, Pdu::EnquireLinkResp),
        (id::UNBIND | id::RESPONSE, Pdu::UnbindResp),
        (id::DELIVER_SM | id::RESPONSE, Pdu::DeliverSmResp),
        (id::GENERIC_NACK, Pdu::GenericNack),
    ] {
        assert_eq!(read(&raw(command, 0, b"\0\0\0\0")), expected);
    }
}

#[test]
fn parameters_that_are_unknown_repeated_empty_or_cut_do_not_hide_the_message() {
    let start = [deliver_start(b"4917"), vec![2], b"hi".to_vec()].concat();
    for (tail, count) in [
        (&b""[..], 0),
        (b"\x99\x99\0\x01x", 1),
        (b"\x99\x99\0\0", 1),
        (b"\0\x1e\0\x02a\0\0\x1e\0\x02b\0", 2),
        (b"\0\x1e\0\x01a\0\x1e\xff\xffb", 1),
        (b"\0\x1e\0\x01a\0\x1e\0", 1),
        (b"\0", 0),
    ] {
        let frame = raw(id::DELIVER_SM, 0, &[&start, tail].concat());
        let Pdu::DeliverSm(message) = read(&frame) else {
            panic!("not a deliver_sm");
        };
        assert_eq!(message.text(), b"hi");
        assert_eq!(message.tlvs.len(), count, "{tail:?}");
    }
    let repeated = raw(
        id::DELIVER_SM,
        0,
        &[&start[..], b"\0\x1e\0\x01a\0\x1e\0\x01b"].concat(),
    );
    let Pdu::DeliverSm(message) = read(&repeated) else {
        panic!("not a deliver_sm");
    };
    assert_eq!(message.tlv(tag::RECEIPTED_MESSAGE_ID), Some(&b"a"[..]));
}

#[test]
fn odd_addresses_and_texts_of_every_length_are_read() {
    for source in [
        &b"a-very-long-address-of-32-letters"[..],
        b"\xe9t\xe9",
        "é".as_bytes(),
        b"",
    ] {
        let frame = raw(
            id::DELIVER_SM,
            0,
            &[deliver_start(source), vec![0]].concat(),
        );
        let Pdu::DeliverSm(message) = read(&frame) else {
            panic!("not a deliver_sm");
        };
        assert_eq!(message.source.address, source);
    }
    for length in [0u8, 1, 140, 254, 255] {
        let text = vec![b'x'; usize::from(length)];
        let frame = raw(
            id::DELIVER_SM,
            0,
            &[deliver_start(b"1"), vec![length], text.clone()].concat(),
        );
        let Pdu::DeliverSm(message) = read(&frame) else {
            panic!("not a deliver_sm");
        };
        assert_eq!(message.text(), text);
    }
}

#[test]
fn a_payload_counts_only_where_there_is_no_short_message() {
    let tail = b"\x04\x24\0\x07payload";
    for (short, expected) in [(&b"\0"[..], &b"payload"[..]), (b"\x05short", b"short")] {
        let frame = raw(
            id::DELIVER_SM,
            0,
            &[&deliver_start(b"1"), short, tail].concat(),
        );
        let Pdu::DeliverSm(message) = read(&frame) else {
            panic!("not a deliver_sm");
        };
        assert_eq!(message.text(), expected);
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_own_response() {
    for (body, status) in [
        (
            [deliver_start(b"1"), vec![9], b"hi".to_vec()].concat(),
            0x01,
        ),
        (b"\0\x01\x01no end".to_vec(), 0x02),
        (Vec::new(), 0x02),
    ] {
        let frame = raw(id::DELIVER_SM, 0, &body);
        let refused = decode(&frame).unwrap_err();
        assert_eq!(refused.status, status);
        let mut answer = BytesMut::new();
        encode_refusal(&mut answer, &refused);
        assert_eq!(answer, raw(id::DELIVER_SM | id::RESPONSE, status, b"\0"));
    }
}

#[test]
fn what_is_too_long_for_its_field_is_cut_and_a_nul_ends_it() {
    let frame = bytes_of(
        0,
        1,
        &Pdu::SubmitSm(Message {
            service_type: b"longer",
            source: WireAddress {
                ton: 5,
                npi: 0,
                address: b"in\0side",
            },
            short_message: &[b'x'; 300],
            ..Message::default()
        }),
    );
    let Pdu::SubmitSm(message) = read(&frame) else {
        panic!("not a submit_sm");
    };
    assert_eq!(message.service_type, b"longe");
    assert_eq!(message.source.address, b"in");
    assert_eq!(message.short_message.len(), 254);
}

#[derive(Clone, Debug)]
struct Owned {
    texts: [Vec<u8>; 3],
    numbers: [u8; 5],
    udhi: bool,
    receipt: bool,
    validity: bool,
    short_message: Vec<u8>,
    payload: Option<Vec<u8>>,
    sar: Option<(u16, u8, u8)>,
    sequence: u32,
}

impl Owned {
    /// Calls `check` with what a bridge would send.
    fn with<T>(&self, check: impl FnOnce(&Pdu<'_>) -> T) -> T {
        let [service, source, destination] = &self.texts;
        let [ton, npi, protocol, priority, coding] = self.numbers;
        let sar = self
            .sar
            .map(|(reference, total, number)| (reference.to_be_bytes(), [total], [number]));
        let mut tlvs = Vec::new();
        if let Some((reference, total, number)) = &sar {
            tlvs.push(Tlv {
                tag: tag::SAR_MSG_REF_NUM,
                value: reference,
            });
            tlvs.push(Tlv {
                tag: tag::SAR_TOTAL_SEGMENTS,
                value: total,
            });
            tlvs.push(Tlv {
                tag: tag::SAR_SEGMENT_SEQNUM,
                value: number,
            });
        }
        if let Some(payload) = &self.payload {
            tlvs.push(Tlv {
                tag: tag::MESSAGE_PAYLOAD,
                value: payload,
            });
        }
        check(&Pdu::SubmitSm(Message {
            service_type: service,
            source: WireAddress {
                ton,
                npi,
                address: source,
            },
            destination: WireAddress {
                ton: 1,
                npi: 1,
                address: destination,
            },
            esm_class: if self.udhi { esm::UDHI } else { 0 },
            protocol_id: protocol,
            priority,
            validity: if self.validity {
                b"000001000000000R"
            } else {
                b""
            },
            registered_delivery: u8::from(self.receipt),
            data_coding: coding,
            short_message: &self.short_message,
            tlvs,
            ..Message::default()
        }))
    }
}

fn submits() -> impl Strategy<Value = Owned> {
    let text = |max| vec(0x21u8..0x7F, 0..=max);
    (
        [text(5), text(20), text(20)],
        (
            0u8..=6,
            prop_oneof![Just(0u8), Just(1), Just(8)],
            any::<u8>(),
            0u8..=3,
            any::<u8>(),
        ),
        any::<[bool; 3]>(),
        vec(any::<u8>(), 0..=254),
        proptest::option::of(vec(any::<u8>(), 0..1000)),
        proptest::option::of((any::<u16>(), any::<u8>(), any::<u8>())),
        1u32..0x7FFF_FFFF,
    )
        .prop_map(
            |(texts, numbers, flags, short_message, payload, sar, sequence)| {
                let [udhi, receipt, validity] = flags;
                Owned {
                    texts,
                    numbers: numbers.into(),
                    udhi,
                    receipt,
                    validity,
                    short_message,
                    payload,
                    sar,
                    sequence,
                }
            },
        )
}

proptest! {
    #[test]
    fn what_is_written_reads_back(owned in submits()) {
        owned.with(|pdu| {
            let frame = bytes_of(0, owned.sequence, pdu);
            let (header, found) = decode(&frame).unwrap();
            prop_assert_eq!(&found, pdu);
            prop_assert_eq!(header.sequence, owned.sequence);
            Ok(())
        })?;
    }

    #[test]
    fn two_other_codecs_read_the_same_and_write_the_same_bytes(owned in submits()) {
        let frame = owned.with(|pdu| bytes_of(0, owned.sequence, pdu));
        let header = smpp34::CommandHeader::decode(&frame).unwrap();
        let read = smpp34::submit_sm::decode(header, &frame).unwrap();
        prop_assert_eq!(&read.short_message, &owned.short_message);
        prop_assert_eq!(read.destination_addr.as_bytes(), &owned.texts[2][..]);
        prop_assert_eq!(read.encode(), frame.to_vec());

        let mut codec = rusmpp::tokio_codec::CommandCodec::new();
        let read = codec.decode(&mut frame.clone()).unwrap().unwrap();
        prop_assert_eq!(read.sequence_number(), owned.sequence);
        let mut again = BytesMut::new();
        codec.encode(read, &mut again).unwrap();
        prop_assert_eq!(again, frame);
    }

    #[test]
    fn what_other_codecs_write_is_read(
        message_id in "[!-~]{0,64}",
        name in "[!-~]{0,15}",
        sequence in 1u32..0x7FFF_FFFF,
    ) {
        use rusmpp::pdus::{BindTransceiverResp, SubmitSmResp};
        use rusmpp::types::COctetString;
        use rusmpp::values::InterfaceVersion;

        let mut frame = BytesMut::new();
        let mut codec = rusmpp::tokio_codec::CommandCodec::new();
        let response = SubmitSmResp::builder()
            .message_id(COctetString::from_vec(format!("{message_id}\0").into_bytes()).unwrap())
            .build();
        codec
            .encode(rusmpp::Command::new(rusmpp::CommandStatus::EsmeRok, sequence, response), &mut frame)
            .unwrap();
        let (header, pdu) = decode(&frame).unwrap();
        prop_assert_eq!(header.sequence, sequence);
        prop_assert_eq!(pdu, Pdu::SubmitSmResp(message_id.as_bytes()));

        frame.clear();
        let response = BindTransceiverResp::builder()
            .system_id(COctetString::from_vec(format!("{name}\0").into_bytes()).unwrap())
            .sc_interface_version(Some(InterfaceVersion::Smpp3_4))
            .build();
        codec
            .encode(rusmpp::Command::new(rusmpp::CommandStatus::EsmeRok, sequence, response), &mut frame)
            .unwrap();
        let expected = BindResp {
            mode: BindMode::Transceiver,
            system_id: name.as_bytes(),
            interface_version: Some(0x34),
        };
        prop_assert_eq!(decode(&frame).unwrap().1, Pdu::BindResp(expected));
    }

    #[test]
    fn no_bytes_stop_the_reading(id in any::<u32>(), known in 0usize..12, body in vec(any::<u8>(), 0..400)) {
        const IDS: [u32; 12] = [
            1, 2, 4, 5, 6, 9, 0x103, 0x8000_0001, 0x8000_0004, 0x8000_0005, 0x8000_0009, 0x8000_0103,
        ];
        for id in [id, IDS[known]] {
            let frame = raw(id, 0, &body);
            match decode(&frame) {
                Ok((header, pdu)) => {
                    let mut out = BytesMut::new();
                    encode(&mut out, header.status, header.sequence, &pdu);
                    prop_assert_eq!(decode(&out).unwrap().1.id(), pdu.id());
                }
                Err(refused) => encode_refusal(&mut BytesMut::new(), &refused),
            }
        }
    }

    #[test]
    fn any_stream_is_cut_within_its_bounds(bytes in vec(any::<u8>(), 0..2000)) {
        let mut buffer = BytesMut::from(bytes.as_slice());
        while let Ok(Some(frame)) = next_frame(&mut buffer) {
            prop_assert!(frame.len() >= HEADER);
        }
    }
}
