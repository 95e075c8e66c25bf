//! Every PDU against two codecs that others wrote: what we write they read, what they write of it is the same bytes, and we read it back.

use bytes::BytesMut;
use proptest::prelude::*;
use rusmpp::tokio_codec::CommandCodec;
use smpp34::CommandHeader;
use tokio_util::codec::{Decoder, Encoder};

use super::*;

#[derive(Clone, Debug)]
struct Fields {
    texts: [String; 4],
    address: [String; 2],
    octets: Vec<u8>,
    sequence: u32,
}

fn fields() -> impl Strategy<Value = Fields> {
    let texts = ["[!-~]{1,15}", "[!-~]{0,8}", "[!-~]{0,5}", "[!-~]{1,64}"];
    let address = ["[0-9]{1,20}", "[A-Za-z0-9]{1,11}"];
    (
        texts,
        address,
        proptest::collection::vec(any::<u8>(), 0..=254),
        1u32..0x7FFF_FFFF,
    )
        .prop_map(|(texts, address, octets, sequence)| Fields {
            texts,
            address,
            octets,
            sequence,
        })
}

impl Fields {
    fn pdus(&self) -> Vec<Pdu<'_>> {
        let [name, password, service, id] = self.texts.each_ref().map(String::as_bytes);
        let [digits, letters] = self.address.each_ref().map(String::as_bytes);
        let digits = WireAddress {
            ton: 1,
            npi: 1,
            address: digits,
        };
        let letters = WireAddress {
            ton: 5,
            npi: 0,
            address: letters,
        };
        let message = Message {
            service_type: service,
            source: letters,
            destination: digits,
            registered_delivery: 1,
            data_coding: 8,
            short_message: &self.octets,
            tlvs: vec![
                Tlv {
                    tag: tag::SAR_MSG_REF_NUM,
                    value: &[1, 2],
                },
                Tlv {
                    tag: tag::MESSAGE_STATE,
                    value: &[2],
                },
            ],
            ..Message::default()
        };
        let lean = Message {
            short_message: b"",
            tlvs: vec![Tlv {
                tag: tag::MESSAGE_PAYLOAD,
                value: &self.octets,
            }],
            ..message.clone()
        };
        let mut all = Vec::new();
        for mode in [
            BindMode::Transceiver,
            BindMode::Transmitter,
            BindMode::Receiver,
        ] {
            all.push(Pdu::Bind(Bind {
                mode,
                system_id: name,
                password,
                system_type: service,
                interface_version: 0x34,
                range: digits,
            }));
            all.push(Pdu::BindResp(BindResp {
                mode,
                system_id: name,
                interface_version: Some(0x34),
            }));
        }
        all.extend([
            Pdu::QuerySm(Query {
                message_id: id,
                source: letters,
            }),
            Pdu::QuerySmResp(QueryResp {
                message_id: id,
                final_date: b"260115103000000+",
                state: 2,
                error: 7,
            }),
            Pdu::SubmitSm(message.clone()),
            Pdu::SubmitSmResp(id),
            Pdu::DeliverSm(message),
            Pdu::DeliverSmResp,
            Pdu::DataSm(lean),
            Pdu::DataSmResp(id),
            Pdu::Unbind,
            Pdu::UnbindResp,
            Pdu::EnquireLink,
            Pdu::EnquireLinkResp,
            Pdu::GenericNack,
        ]);
        all
    }
}

const R: u32 = id::RESPONSE;

/// What smpp34 writes of what it read.
fn through_smpp34(frame: &[u8]) -> Vec<u8> {
    let header = CommandHeader::decode(frame).unwrap();
    macro_rules! through {
        ($($id:expr => $name:ident),* $(,)?) => {
            match u32::from_be_bytes(frame[4..8].try_into().unwrap()) {
                $(id if id == $id => smpp34::$name::decode(header, frame).unwrap().encode(),)*
                other => panic!("{other:#x}"),
            }
        };
    }
    through! {
        id::BIND_TRANSCEIVER => bind_transceiver,
        id::BIND_TRANSMITTER => bind_transmitter,
        id::BIND_RECEIVER => bind_receiver,
        id::BIND_TRANSCEIVER | R => bind_transceiver_resp,
        id::BIND_TRANSMITTER | R => bind_transmitter_resp,
        id::BIND_RECEIVER | R => bind_receiver_resp,
        id::QUERY_SM => query_sm,
        id::QUERY_SM | R => query_sm_resp,
        id::SUBMIT_SM => submit_sm,
        id::SUBMIT_SM | R => submit_sm_resp,
        id::DELIVER_SM => deliver_sm,
        id::DELIVER_SM | R => deliver_sm_resp,
        id::DATA_SM => data_sm,
        id::DATA_SM | R => data_sm_resp,
        id::UNBIND | R => unbind_resp,
        id::ENQUIRE_LINK => enquire_link,
        id::GENERIC_NACK => generic_nack,
    }
}

proptest! {
    #[test]
    fn every_pdu_is_the_same_to_two_other_codecs(fields in fields()) {
        for pdu in fields.pdus() {
            let mut frame = BytesMut::new();
            encode(&mut frame, 0, fields.sequence, &pdu);
            let mut codec = CommandCodec::new();
            let read = codec.decode(&mut frame.clone()).unwrap().unwrap();
            prop_assert_eq!(read.sequence_number(), fields.sequence);
            let mut again = BytesMut::new();
            codec.encode(read, &mut again).unwrap();
            prop_assert_eq!(&again, &frame, "rusmpp: {:?}", pdu);
            prop_assert_eq!(&decode(&again).unwrap().1, &pdu);
            // These two it only writes.
            if !matches!(pdu, Pdu::Unbind | Pdu::EnquireLinkResp) {
                prop_assert_eq!(&through_smpp34(&frame)[..], &frame[..], "smpp34: {:?}", pdu);
            }
        }
    }
}
