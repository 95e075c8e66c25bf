//! What no input may do to the parts that read what strangers send. Each target takes bytes and panics at a finding. `bridge/tests/text` runs them
//! over the seeds and what was ever found; libFuzzer makes up the rest.

use bytes::BytesMut;
use homeroom_bridge::accept::{self, Cutting};
use homeroom_bridge::api::Wanted;
use homeroom_bridge::smpp::codec::{self, HEADER, MAX_PDU};
use homeroom_bridge::smpp::pdu::{Message, Pdu, Tlv, tag};
use homeroom_bridge::smpp::provider_id::IdForm;
use homeroom_bridge::smpp::receipt::{self, IdSource};
use homeroom_domain::sms::cut::Cut;
use homeroom_domain::sms::number::{Address, masked};
use homeroom_domain::sms::segments::{self, Options};
use homeroom_domain::sms::text::{self, Alphabet, Encoding, Header};
use homeroom_sms_contract::signature;
use homeroom_sms_contract::submit::{Cancellation, Outcome, Submission, Submissions};

/// A target's name and what it does.
pub(crate) type Target = (&'static str, fn(&[u8]));

pub(crate) const ALL: [Target; 6] = [
    ("codec", codec),
    ("receipts", receipts),
    ("texts", texts),
    ("numbers", numbers),
    ("signatures", signatures),
    ("bodies", bodies),
];

/// Takes the first bytes for itself; zeros where there are none.
fn take<const N: usize>(input: &mut &[u8]) -> [u8; N] {
    let mut taken = [0; N];
    let count = N.min(input.len());
    let (first, rest) = input.split_at(count);
    taken[..count].copy_from_slice(first);
    *input = rest;
    taken
}

/// Cuts the rest in two.
fn halves<'a>(input: &mut &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let [length] = take(input);
    input.split_at(usize::from(length).min(input.len()))
}

/// What was read and written once is read and written the same from then on.
fn settles(frame: &[u8]) {
    let write = |header: codec::Unreadable, pdu: &Pdu<'_>| {
        let mut out = BytesMut::new();
        codec::encode(&mut out, header.header.status, header.header.sequence, pdu);
        out
    };
    match codec::decode(frame) {
        Ok((header, pdu)) => {
            let head = codec::Unreadable { header, status: 0 };
            let once = write(head, &pdu);
            assert!(once.len() <= MAX_PDU + 64);
            let (again, read) = codec::decode(&once).unwrap();
            assert_eq!(again, header);
            assert_eq!(write(head, &read), once);
            let mut buffer = once.clone();
            let framed = codec::next_frame(&mut buffer).unwrap();
            assert_eq!(framed.as_deref(), Some(&once[..]));
            assert!(buffer.is_empty());
        }
        Err(refused) => {
            let mut answer = BytesMut::new();
            codec::encode_refusal(&mut answer, &refused);
            if !answer.is_empty() {
                let (header, _) = codec::decode(&answer).unwrap();
                assert_eq!(header.sequence, refused.header.sequence);
                assert!(header.status != 0);
            }
        }
    }
}

/// Bytes as one PDU, whatever its length says, and as a stream that ends with a good one.
fn codec(input: &[u8]) {
    if input.len() >= HEADER {
        settles(input);
    }
    let mut stream = BytesMut::from(input);
    codec::encode(&mut stream, 0, 7, &Pdu::EnquireLink);
    while let Ok(Some(frame)) = codec::next_frame(&mut stream) {
        assert!((HEADER..=MAX_PDU).contains(&frame.len()));
        settles(&frame);
    }
}

/// Three bytes of `esm_class`, `data_coding` and which parameters there are, the length of `receipted_message_id`, it, and the text.
fn receipts(mut input: &[u8]) {
    let [class, coding, kind] = take(&mut input);
    let (parameter, text) = halves(&mut input);
    let all = [
        Tlv {
            tag: tag::RECEIPTED_MESSAGE_ID,
            value: parameter,
        },
        Tlv {
            tag: tag::MESSAGE_STATE,
            value: &[kind >> 4],
        },
        Tlv {
            tag: tag::NETWORK_ERROR_CODE,
            value: parameter,
        },
    ];
    let message = Message {
        esm_class: class,
        data_coding: coding,
        short_message: text,
        tlvs: all[..usize::from(kind % 4)].to_vec(),
        ..Message::default()
    };
    for source in [IdSource::Parameter, IdSource::Text] {
        let Some(found) = receipt::parse(&message, source) else {
            assert_ne!(class & 0x3C, 0x04, "a receipt by its class is one");
            continue;
        };
        assert!(found.id.len() <= 3 * text.len().max(parameter.len()));
        assert!(found.error.is_none_or(|error| error.chars().count() <= 32));
        for form in [
            IdForm::Exact,
            IdForm::CaseFold,
            IdForm::StripZeros,
            IdForm::Hex,
            IdForm::Decimal,
        ] {
            let once = form.normalise(&found.id);
            if !matches!(form, IdForm::Hex) {
                assert_eq!(form.normalise(&once), once, "{form:?}");
            }
        }
    }
}

/// Two bytes of how, two of the reference, and the text: as a phone's, and as one that is sent.
fn texts(mut input: &[u8]) {
    let [how, coding] = take(&mut input);
    let reference = u16::from_be_bytes(take(&mut input));
    delivered(input, coding, how & 1 != 0);
    let text = String::from_utf8_lossy(input);
    let headers = [Header::Udh8, Header::Udh16, Header::Sar, Header::Payload];
    let encodings = [None, None, Some(Encoding::Latin1), Some(Encoding::Ucs2)];
    let options = Options {
        encoding: encodings[usize::from(how >> 1 & 3)],
        header: headers[usize::from(how >> 3 & 3)],
        reference,
        ..Options::default()
    };
    sent(&text, options);
    let plain = text::transliterate(&text);
    assert_eq!(text::transliterate(&plain), plain, "twice is once");
}

fn delivered(octets: &[u8], coding: u8, latin: bool) {
    let (place, rest) = segments::parse_udh(octets);
    assert!(octets.ends_with(rest));
    if let Some(place) = place {
        assert!((1..=place.total).contains(&place.number));
    }
    let alphabet = if latin {
        Alphabet::Latin1
    } else {
        Alphabet::Gsm7
    };
    let text = segments::decode(coding, rest, alphabet);
    assert!(text.chars().count() <= rest.len());
}

/// Its parts are within the limits, say where they belong, and join to the same text.
fn sent(text: &str, options: Options) {
    let Ok(split) = segments::split(text, options) else {
        let latin = options.encoding == Some(Encoding::Latin1);
        assert!(text.is_empty() || latin || text::measure(text).segments > 255);
        return;
    };
    let mut joined = String::new();
    let total = split.parts.len();
    for (number, part) in (1..).zip(&split.parts) {
        let octets = part.payload.as_ref().unwrap_or(&part.short_message);
        let gsm = split.encoding == Encoding::Gsm7;
        assert!(part.payload.is_some() || octets.len() <= if gsm { 160 } else { 140 });
        let (place, body) = if split.esm_class == 0x40 {
            segments::parse_udh(octets)
        } else {
            (None, &octets[..])
        };
        let place = place
            .map(|place| (place.reference, place.total, place.number))
            .or(part.sar);
        if total > 1 {
            let reference = match options.header {
                Header::Udh8 => options.reference & 0xFF,
                _ => options.reference,
            };
            let total = u8::try_from(total).unwrap();
            assert_eq!(place, Some((reference, total, number)));
        }
        let read = segments::decode(split.data_coding, body, Alphabet::Gsm7);
        assert!(!read.is_empty());
        joined += &read;
    }
    assert_eq!(joined, text);
    if options.encoding.is_none() && options.header == Header::Udh8 {
        let measured = text::measure(text);
        let found = (measured.encoding, measured.segments);
        assert_eq!(found, (split.encoding, total));
    }
}

/// A number as people write it.
fn numbers(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(address) = Address::receiver(&text) {
        let digits = address.as_str();
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
        assert!((3..=15).contains(&digits.len()));
        let international = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
        assert_eq!(address.ton == 1, international);
        assert_eq!(Address::receiver(&address.display()), Ok(address.clone()));
        assert_eq!(Address::sender(&text), Ok(address));
    }
    if let Ok(address) = Address::sender(&text) {
        assert!((1..=20).contains(&address.as_str().len()));
        assert_eq!(Address::sender(&address.display()), Ok(address.clone()));
    }
    assert_eq!(masked(&text).chars().count(), text.chars().count());
}

/// Two bytes of how far off the clock is, the length of what stands where the signature does, it, and the body.
fn signatures(mut input: &[u8]) {
    const SECRET: &[u8] = b"a secret of thirty-two bytes, ok";
    const NOW: i64 = 1_768_473_000;
    let off = i64::from(i16::from_be_bytes(take(&mut input)) % 400);
    let (words, body) = halves(&mut input);
    let words = String::from_utf8_lossy(words);
    let seconds = NOW + off;
    let right = signature::sign(SECRET, "id_1", seconds, body);
    let verify = |id: &str, time: &str, given: &str| {
        signature::verify(&[SECRET], id, time, given, body, NOW).is_ok()
    };
    let time = seconds.to_string();
    let near = off.abs() <= signature::TOLERANCE_SECONDS;
    assert_eq!(verify("id_1", &time, &right), near);
    assert!(!verify("id_1", &time, &words));
    assert_eq!(verify(&words, &time, &right), near && words == "id_1");
    assert!(!verify("id_1", &words, &right) || words.parse() == Ok(seconds));
    let both = format!("{words} {right}");
    let fits = both.len() <= 1_024;
    assert_eq!(verify("id_1", &time, &both), near && fits);
}

/// A byte of how texts are cut, and the body of a request: an app's, or the platform's.
fn bodies(mut input: &[u8]) {
    let [how] = take(&mut input);
    if let Ok(wanted) = serde_json::from_slice::<Wanted>(input)
        && let Ok(submission) = wanted.submission(7, None)
    {
        assert_eq!(submission.app_id, 7);
        accepted(submission, how);
    }
    if let Ok(asked) = serde_json::from_slice::<Submissions>(input) {
        let written = serde_json::to_vec(&asked).unwrap();
        assert_eq!(
            serde_json::from_slice::<Submissions>(&written).unwrap(),
            asked
        );
        for submission in asked.messages {
            accepted(submission, how);
        }
    }
    if let Ok(asked) = serde_json::from_slice::<Cancellation>(input) {
        let written = serde_json::to_vec(&asked).unwrap();
        assert!(serde_json::from_slice::<Cancellation>(&written).is_ok());
    }
}

/// What is stored of it can be sent, and what is refused says why.
fn accepted(asked: Submission, how: u8) {
    const NOW: i64 = 1_768_473_000_000;
    let headers = [Header::Udh8, Header::Udh16, Header::Sar, Header::Payload];
    let cutting = Cutting {
        cut: Cut {
            alphabet: if how & 4 == 0 {
                Alphabet::Gsm7
            } else {
                Alphabet::Latin1
            },
            header: headers[usize::from(how & 3)],
            max_segments: 10,
        },
        validity: 86_400_000,
    };
    match accept::prepare(asked, cutting, 7, NOW) {
        Ok(message) => {
            for id in [&message.message_id, &message.transaction_id] {
                assert!((1..=64).contains(&id.len()) && !id.contains(char::is_control));
            }
            assert!((1..=10).contains(&message.parts.len()));
            assert!(
                message
                    .parts
                    .iter()
                    .all(|part| part.short_message.len() <= 160)
            );
            assert!(message.send_at >= NOW && message.valid_until > message.send_at);
            assert!(message.priority <= 3);
            for end in [&message.addresses.source, &message.addresses.destination] {
                assert!((1..=20).contains(&end.address.len()) && end.address.is_ascii());
            }
        }
        Err(refused) => match *refused {
            Outcome::Refused { code, error, .. } => assert!(!code.is_empty() && !error.is_empty()),
            other => panic!("{other:?}"),
        },
    }
}
