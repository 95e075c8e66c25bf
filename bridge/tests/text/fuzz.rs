//! What no input may do to the parts that read what strangers send: each target for five seconds, or as long as `HOMEROOM_FUZZ_SECONDS` says.
//!
//! Inputs are random, and valid ones with some bytes changed, cut or doubled. A finding is made small and printed with the seed that repeats it.

use std::time::Duration;

use bytes::BytesMut;
use homeroom_bridge::smpp::codec::{self, HEADER, MAX_PDU};
use homeroom_bridge::smpp::pdu::{
    Bind, BindMode, BindResp, Message, Pdu, Query, QueryResp, Tlv, WireAddress, tag,
};
use homeroom_bridge::smpp::provider_id::IdForm;
use homeroom_bridge::smpp::receipt::{self, IdSource};
use homeroom_domain::sms::number::{Address, masked};
use homeroom_domain::sms::segments::{self, Alphabet, Header, Options};
use homeroom_domain::sms::text::{self, Encoding};
use homeroom_sms_contract::signature;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use tokio::time::Instant;

/// Runs a target until its time is over.
fn fuzz<S: Strategy>(name: &str, inputs: S, target: impl Fn(S::Value) -> TestCaseResult) {
    let seconds = std::env::var("HOMEROOM_FUZZ_SECONDS");
    let seconds = seconds.map_or(5, |seconds| seconds.parse().unwrap());
    let config = Config {
        cases: 1_000,
        failure_persistence: None,
        ..Config::default()
    };
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut rounds = 0;
    while Instant::now() < until {
        TestRunner::new(config.clone())
            .run(&inputs, &target)
            .unwrap();
        rounds += 1;
    }
    println!("{name}: {rounds},000 inputs in {seconds} s without a finding");
}

/// Some bytes changed, cut off or doubled.
fn damaged(bytes: &[u8], changes: &[(u8, u16, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for &(kind, place, value) in changes {
        if bytes.is_empty() {
            break;
        }
        let place = usize::from(place) % bytes.len();
        match kind % 6 {
            0 => bytes[place] = value,
            1 => bytes[place] ^= 1 << (value % 8),
            2 => bytes.truncate(place),
            3 => bytes.insert(place, value),
            4 => drop(bytes.remove(place)),
            _ => {
                let tail = bytes[place..].iter().copied().take(usize::from(value));
                let tail: Vec<u8> = tail.collect();
                bytes.extend(tail);
            }
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(u8, u16, u8)>> {
    vec(any::<(u8, u16, u8)>(), 0..6)
}

/// Numbers and strings of a PDU.
type Fields = ([Vec<u8>; 5], [u8; 10], Vec<(u16, Vec<u8>)>, u8);

fn fields() -> impl Strategy<Value = Fields> {
    let text = || vec(any::<u8>(), 0..30);
    let known = prop_oneof![
        any::<u16>(),
        Just(tag::MESSAGE_PAYLOAD),
        Just(tag::RECEIPTED_MESSAGE_ID),
        Just(tag::MESSAGE_STATE),
        Just(tag::SC_INTERFACE_VERSION)
    ];
    let tlvs = vec((known, vec(any::<u8>(), 0..40)), 0..4);
    (
        [text(), text(), text(), text(), text()],
        any::<[u8; 10]>(),
        tlvs,
        any::<u8>(),
    )
}

/// One of the PDUs, by the last number.
fn with_pdu<T>(fields: &Fields, read: impl FnOnce(&Pdu<'_>) -> T) -> T {
    let ([one, two, three, four, five], numbers, tlvs, kind) = fields;
    let address = |at: usize, address| WireAddress {
        ton: numbers[at],
        npi: numbers[at + 1],
        address,
    };
    let mode = [
        BindMode::Transceiver,
        BindMode::Transmitter,
        BindMode::Receiver,
    ];
    let mode = mode[usize::from(numbers[0] % 3)];
    let message = Message {
        service_type: one,
        source: address(1, two),
        destination: address(3, three),
        esm_class: numbers[5],
        protocol_id: numbers[6],
        priority: numbers[7],
        schedule: b"",
        validity: four,
        registered_delivery: numbers[8],
        replace_if_present: 0,
        data_coding: numbers[9],
        default_message: 0,
        short_message: five,
        tlvs: tlvs
            .iter()
            .map(|(tag, value)| Tlv { tag: *tag, value })
            .collect(),
    };
    let lean = Message {
        service_type: one,
        source: message.source,
        destination: message.destination,
        esm_class: numbers[5],
        registered_delivery: numbers[8],
        data_coding: numbers[9],
        tlvs: message.tlvs.clone(),
        ..Message::default()
    };
    read(&match kind % 15 {
        0 => Pdu::Bind(Bind {
            mode,
            system_id: one,
            password: two,
            system_type: three,
            interface_version: numbers[5],
            range: address(1, four),
        }),
        1 => Pdu::BindResp(BindResp {
            mode,
            system_id: one,
            interface_version: (numbers[5] > 127).then_some(numbers[5]),
        }),
        2 => Pdu::SubmitSm(message),
        3 => Pdu::SubmitSmResp(one),
        4 => Pdu::DeliverSm(message),
        5 => Pdu::DeliverSmResp,
        6 => Pdu::DataSm(lean),
        7 => Pdu::DataSmResp(two),
        8 => Pdu::Unbind,
        9 => Pdu::UnbindResp,
        10 => Pdu::EnquireLink,
        11 => Pdu::EnquireLinkResp,
        12 => Pdu::QuerySm(Query {
            message_id: one,
            source: address(1, two),
        }),
        13 => Pdu::QuerySmResp(QueryResp {
            message_id: one,
            final_date: two,
            state: numbers[5],
            error: numbers[6],
        }),
        _ => Pdu::GenericNack,
    })
}

/// What was read and written once is read and written the same from then on.
fn settles(frame: &[u8]) -> TestCaseResult {
    let write = |header: codec::Unreadable, pdu: &Pdu<'_>| {
        let mut out = BytesMut::new();
        codec::encode(&mut out, header.header.status, header.header.sequence, pdu);
        out
    };
    match codec::decode(frame) {
        Ok((header, pdu)) => {
            let head = codec::Unreadable { header, status: 0 };
            let once = write(head, &pdu);
            prop_assert!(once.len() <= MAX_PDU + 64);
            let (again, read) = codec::decode(&once).unwrap();
            prop_assert_eq!(again, header);
            prop_assert_eq!(write(head, &read), once.clone());
            let mut buffer = once.clone();
            let framed = codec::next_frame(&mut buffer).unwrap();
            prop_assert_eq!(framed.as_deref(), Some(&once[..]));
            prop_assert!(buffer.is_empty());
        }
        Err(refused) => {
            let mut answer = BytesMut::new();
            codec::encode_refusal(&mut answer, &refused);
            if !answer.is_empty() {
                let (header, _) = codec::decode(&answer).unwrap();
                prop_assert_eq!(header.sequence, refused.header.sequence);
                prop_assert!(header.status != 0);
            }
        }
    }
    Ok(())
}

#[test]
fn codec() {
    let inputs = (fields(), changes(), vec(any::<u8>(), 0..300), any::<bool>());
    fuzz("codec", inputs, |(fields, changes, noise, raw)| {
        let whole = with_pdu(&fields, |pdu| {
            let mut out = BytesMut::new();
            codec::encode(&mut out, u32::from(fields.3 / 15 % 2) * 8, 7, pdu);
            out
        });
        settles(&whole)?;
        let body = if raw {
            noise
        } else {
            damaged(&whole, &changes)
        };
        // As a PDU on its own, whatever its length says …
        if body.len() >= HEADER {
            settles(&body)?;
        }
        // … and as a stream that ends with a good one.
        let mut stream = BytesMut::from(&body[..]);
        stream.extend_from_slice(&whole);
        while let Ok(Some(frame)) = codec::next_frame(&mut stream) {
            prop_assert!((HEADER..=MAX_PDU).contains(&frame.len()));
            settles(&frame)?;
        }
        Ok(())
    });
}

#[test]
fn receipts() {
    const TEXT: &[u8] = b"id:0A1b sub:001 dlvrd:001 submit date:2601151030 done date:260115103055 stat:DELIVRD err:000 text:Hello id:9";
    let source = prop_oneof![Just(IdSource::Parameter), Just(IdSource::Text)];
    let inputs = (
        changes(),
        any::<(u8, u8, bool)>(),
        source,
        vec(any::<u8>(), 0..80),
        0u8..4,
    );
    fuzz(
        "receipts",
        inputs,
        |(changes, numbers, source, noise, kind)| {
            let (class, coding, wide) = numbers;
            let text = if kind == 0 {
                noise.clone()
            } else {
                damaged(TEXT, &changes)
            };
            let text = if wide {
                text.iter().flat_map(|byte| [0, *byte]).collect()
            } else {
                text
            };
            let all = [
                Tlv {
                    tag: tag::RECEIPTED_MESSAGE_ID,
                    value: &noise,
                },
                Tlv {
                    tag: tag::MESSAGE_STATE,
                    value: &[class],
                },
            ];
            let message = Message {
                esm_class: if kind == 1 { class } else { 4 },
                data_coding: if wide { 8 } else { coding },
                short_message: &text,
                tlvs: all[..usize::from(kind % 3)].to_vec(),
                ..Message::default()
            };
            if let Some(found) = receipt::parse(&message, source) {
                prop_assert!(found.id.len() <= 3 * text.len().max(noise.len()));
                for form in [
                    IdForm::Exact,
                    IdForm::CaseFold,
                    IdForm::StripZeros,
                    IdForm::Hex,
                    IdForm::Decimal,
                ] {
                    let once = form.normalise(&found.id);
                    if !matches!(form, IdForm::Hex) {
                        prop_assert_eq!(form.normalise(&once), once.clone(), "{:?}", form);
                    }
                }
            }
            Ok(())
        },
    );
}

#[test]
fn delivered_texts() {
    let inputs = (vec(any::<u8>(), 0..200), any::<(u8, bool)>());
    fuzz("delivered texts", inputs, |(octets, (coding, latin))| {
        let (place, rest) = segments::parse_udh(&octets);
        prop_assert!(octets.ends_with(rest));
        if let Some(place) = place {
            prop_assert!((1..=place.total).contains(&place.number));
        }
        let alphabet = if latin {
            Alphabet::Latin1
        } else {
            Alphabet::Gsm7
        };
        let text = segments::decode(coding, rest, alphabet);
        prop_assert!(text.chars().count() <= rest.len());
        Ok(())
    });
}

fn texts() -> impl Strategy<Value = String> {
    let pool = || {
        prop_oneof![
            8 => "[a-z @£\\r\\n]",
            2 => "[\\^{}\\\\\\[~\\]|€\\x0C]",
            1 => "[ж中😀𝕏é́ש\\x00`ç]",
            1 => "\\PC",
        ]
    };
    prop_oneof![
        vec(pool(), 1..60).prop_map(|all| all.concat()),
        // Around the boundaries, of one kind of character with another one in it.
        ("[a€ж😀ÿ]", 60usize..330, pool(), 0usize..330).prop_map(|(most, count, other, place)| {
            let mut all = vec![most; count];
            all.insert(place.min(count), other);
            all.concat()
        }),
        any::<String>(),
    ]
}

#[test]
fn sent_texts() {
    let header = prop_oneof![
        Just(Header::Udh8),
        Just(Header::Udh16),
        Just(Header::Sar),
        Just(Header::Payload)
    ];
    let encoding = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Encoding::Latin1)),
        1 => Just(Some(Encoding::Ucs2)),
    ];
    fuzz(
        "sent texts",
        (texts(), header, encoding, any::<u16>()),
        |(text, header, encoding, reference)| {
            let options = Options {
                encoding,
                header,
                reference,
                ..Options::default()
            };
            let Ok(split) = segments::split(&text, options) else {
                prop_assert!(text.is_empty() || encoding == Some(Encoding::Latin1));
                return Ok(());
            };
            let mut joined = String::new();
            let total = split.parts.len();
            for (number, part) in (1..).zip(&split.parts) {
                let octets = part.payload.as_ref().unwrap_or(&part.short_message);
                let limit = if split.encoding == Encoding::Gsm7 {
                    160
                } else {
                    140
                };
                prop_assert!(part.payload.is_some() || octets.len() <= limit);
                let (place, body) = if split.esm_class == 0x40 {
                    segments::parse_udh(octets)
                } else {
                    (None, &octets[..])
                };
                let place = place
                    .map(|place| (place.reference, place.total, place.number))
                    .or(part.sar);
                if total > 1 {
                    let reference = if header == Header::Udh8 {
                        reference & 0xFF
                    } else {
                        reference
                    };
                    let total = u8::try_from(total).unwrap();
                    prop_assert_eq!(place, Some((reference, total, number)));
                }
                let read = segments::decode(split.data_coding, body, Alphabet::Gsm7);
                prop_assert!(!read.is_empty());
                joined += &read;
            }
            prop_assert_eq!(joined, text.clone());
            if encoding.is_none() && header == Header::Udh8 {
                let measured = text::measure(&text);
                prop_assert_eq!(
                    (measured.encoding, measured.segments),
                    (split.encoding, total)
                );
            }
            Ok(())
        },
    );
}

#[test]
fn numbers() {
    let inputs = prop_oneof![
        "[+0-9 ()./-]{0,24}",
        "(\\+|00)?[0-9]{1,3} ?(\\(0\\))?[0-9 ]{4,14}",
        "[A-Za-z0-9 _.&+'-]{0,14}",
        any::<String>(),
    ];
    fuzz("numbers", inputs, |text| {
        if let Ok(address) = Address::receiver(&text) {
            let digits = address.as_str();
            prop_assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
            prop_assert!((3..=15).contains(&digits.len()));
            prop_assert_eq!(
                address.ton == 1,
                (7..=15).contains(&digits.len()) && !digits.starts_with('0')
            );
            prop_assert_eq!(Address::receiver(&address.display()), Ok(address.clone()));
            prop_assert_eq!(Address::sender(&text), Ok(address.clone()));
        }
        if let Ok(address) = Address::sender(&text) {
            prop_assert!((1..=20).contains(&address.as_str().len()));
            prop_assert_eq!(Address::sender(&address.display()), Ok(address.clone()));
        }
        let hidden = masked(&text);
        prop_assert_eq!(hidden.chars().count(), text.chars().count());
        Ok(())
    });
}

#[test]
fn signatures() {
    const SECRET: &[u8] = b"a secret of thirty-two bytes, ok";
    const NOW: i64 = 1_768_473_000;
    let inputs = (
        changes(),
        vec(any::<u8>(), 0..100),
        -400i64..400,
        any::<String>(),
        0u8..6,
    );
    fuzz("signatures", inputs, |(changes, body, off, words, kind)| {
        let seconds = NOW + off;
        let right = signature::sign(SECRET, "id_1", seconds, &body);
        let verify = |id: &str, time: &str, given: &str, body: &[u8]| {
            signature::verify(&[SECRET], id, time, given, body, NOW).is_ok()
        };
        let time = seconds.to_string();
        let near = off.abs() <= signature::TOLERANCE_SECONDS;
        prop_assert_eq!(verify("id_1", &time, &right, &body), near);
        match kind {
            0 => {
                let other = damaged(&body, &changes);
                prop_assert_eq!(verify("id_1", &time, &right, &other), near && other == body);
            }
            1 => {
                let other =
                    String::from_utf8_lossy(&damaged(right.as_bytes(), &changes)).into_owned();
                let kept = other.split(' ').any(|one| one == right);
                prop_assert_eq!(verify("id_1", &time, &other, &body), near && kept);
            }
            2 => prop_assert_eq!(
                verify(&words, &time, &right, &body),
                near && words == "id_1"
            ),
            3 => {
                prop_assert!(
                    !verify("id_1", &words, &right, &body) || words.parse() == Ok(seconds)
                );
            }
            4 => prop_assert!(!verify("id_1", &time, &words, &body)),
            _ => {
                let both = format!("{words} {right}");
                prop_assert_eq!(
                    verify("id_1", &time, &both, &body),
                    near && both.len() <= 1_024
                );
            }
        }
        Ok(())
    });
}
