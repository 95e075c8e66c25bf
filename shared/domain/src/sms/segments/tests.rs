use super::super::text::measure_for;
use super::*;
use proptest::prelude::*;

fn joined(split: &Split, alphabet: Alphabet) -> String {
    split
        .parts
        .iter()
        .map(|part| {
            let octets = part.payload.as_ref().unwrap_or(&part.short_message);
            let body = if split.esm_class == UDH_INDICATOR {
                parse_udh(octets).1
            } else {
                octets
            };
            decode(split.data_coding, body, alphabet)
        })
        .collect()
}

#[test]
fn parts_carry_the_header_that_was_asked_for() {
    let text = "a".repeat(161);
    let with = |header| {
        split(
            &text,
            Options {
                header,
                reference: 0x1234,
                ..Options::default()
            },
        )
        .unwrap()
    };
    let udh8 = with(Header::Udh8);
    assert_eq!(udh8.esm_class, 0x40);
    assert_eq!(udh8.parts[0].short_message[..6], [5, 0, 3, 0x34, 2, 1]);
    assert_eq!(udh8.parts[1].short_message[..6], [5, 0, 3, 0x34, 2, 2]);
    assert_eq!(udh8.parts[0].short_message.len(), 6 + 153);
    let udh16 = with(Header::Udh16);
    assert_eq!(
        udh16.parts[0].short_message[..7],
        [6, 8, 4, 0x12, 0x34, 2, 1]
    );
    assert_eq!(udh16.parts[0].short_message.len(), 7 + 152);
    let sar = with(Header::Sar);
    assert_eq!((sar.esm_class, sar.parts[1].sar), (0, Some((0x1234, 2, 2))));
    assert_eq!(sar.parts[0].short_message.len(), 153);
    let payload = with(Header::Payload);
    assert_eq!(payload.parts.len(), 1);
    assert_eq!(payload.parts[0].payload.as_ref().unwrap().len(), 161);
    let short = split(
        "hello",
        Options {
            header: Header::Payload,
            ..Options::default()
        },
    )
    .unwrap();
    assert_eq!(
        short.parts[0].short_message, b"hello",
        "one part needs no payload"
    );
}

#[test]
fn a_centre_of_ascii_gets_ascii_and_what_it_lacks_in_ucs2() {
    let ascii = |text: &str| {
        let encoding = Some(Alphabet::Ascii.encoding(text));
        let split = split(
            text,
            Options {
                encoding,
                ..Options::default()
            },
        )
        .unwrap();
        (
            split.data_coding,
            split.parts.len(),
            split.parts[0].short_message.clone(),
        )
    };
    assert_eq!(ascii("$5 @ [home]"), (0, 1, b"$5 @ [home]".to_vec()));
    assert_eq!(ascii(&"a".repeat(160)).1, 1);
    // The centre writes each of these as two.
    assert_eq!(ascii(&"[".repeat(81)).1, 2);
    for lacking in ["é", "`", "\u{7}"] {
        assert_eq!(ascii(lacking).0, 8, "{lacking:?}");
    }
}

#[test]
fn neither_an_escape_pair_nor_a_surrogate_pair_is_cut() {
    for character in "^{}\\[~]|€".chars() {
        let split = split(
            &format!("{}{character}{}", "a".repeat(152), "b".repeat(100)),
            Options::default(),
        )
        .unwrap();
        assert_eq!(split.parts[0].short_message.len(), 6 + 152, "{character}");
        assert_eq!(split.parts[1].short_message[6], 0x1B);
    }
    let split = split(
        &format!("{}😀{}", "ж".repeat(66), "ж".repeat(50)),
        Options::default(),
    )
    .unwrap();
    assert_eq!(split.parts[0].short_message.len(), 6 + 132);
}

#[test]
fn two_hundred_and_fifty_five_parts_are_the_most() {
    assert_eq!(
        split(&"a".repeat(255 * 153), Options::default())
            .unwrap()
            .parts
            .len(),
        255
    );
    let error = split(&"a".repeat(255 * 153 + 1), Options::default()).unwrap_err();
    assert_eq!(
        error,
        TextError::TooLong {
            segments: 256,
            max: 255
        }
    );
    let five = Options {
        max_segments: 5,
        ..Options::default()
    };
    assert_eq!(
        split(&"a".repeat(766), five),
        Err(TextError::TooLong {
            segments: 6,
            max: 5
        })
    );
    assert_eq!(split("", Options::default()), Err(TextError::Empty));
    let latin = Options {
        encoding: Some(Encoding::Latin1),
        ..Options::default()
    };
    assert_eq!(
        split("ж", latin),
        Err(TextError::Unwritable(Encoding::Latin1))
    );
    assert_eq!(split("ç", latin).unwrap().parts[0].short_message, [0xE7]);
}

#[test]
fn headers_from_phones_are_read_and_broken_ones_are_text() {
    let place = |reference, total, number| {
        Some(Concat {
            reference,
            total,
            number,
        })
    };
    for (octets, concat, rest) in [
        (&[5, 0, 3, 7, 2, 1, b'x'][..], place(7, 2, 1), &b"x"[..]),
        (&[6, 8, 4, 1, 2, 3, 3, b'x'], place(0x102, 3, 3), b"x"),
        // Ports first, then the place.
        (
            &[11, 5, 4, 0, 80, 0, 80, 0, 3, 7, 2, 2, b'x'],
            place(7, 2, 2),
            b"x",
        ),
        (&[5, 0, 3, 7, 2, 0, b'x'], None, b"x"),
        (&[5, 0, 3, 7, 2, 3, b'x'], None, b"x"),
        (&[5, 0, 9, 7, 2, 1, b'x'], None, b"x"),
        (&[200, 0, 3], None, &[200, 0, 3]),
        (&[0, b'x'], None, b"x"),
        (&[], None, &[]),
    ] {
        assert_eq!(parse_udh(octets), (concat, rest), "{octets:?}");
    }
}

#[test]
fn delivered_text_is_read_as_its_coding_says() {
    assert_eq!(
        decode(8, &[0x04, 0x16, 0xD8, 0x3D, 0xDE, 0x00], Alphabet::Gsm7),
        "Ж😀"
    );
    assert_eq!(
        decode(8, &[0xD8, 0x3D], Alphabet::Gsm7),
        "\u{FFFD}",
        "a surrogate alone"
    );
    assert_eq!(
        decode(8, &[0x00, 0x41, 0x00], Alphabet::Gsm7),
        "A\u{FFFD}",
        "half a unit"
    );
    assert_eq!(decode(3, &[0xE7], Alphabet::Gsm7), "ç");
    assert_eq!(decode(0, &[0x00, 0x1B, 0x65], Alphabet::Gsm7), "@€");
    assert_eq!(decode(0, &[0x40], Alphabet::Latin1), "@");
    assert_eq!(decode(1, &[0x41, 0xFF], Alphabet::Gsm7), "A\u{FFFD}");
    assert_eq!(decode(0, &[0x40, 0xFF], Alphabet::Ascii), "@\u{FFFD}");
    assert_eq!(decode(0, &[0x40], Alphabet::Gsm7), "¡");
}

proptest! {
    #[test]
    fn what_is_split_joins_to_the_same_text_within_the_limits(
        text in "[a-z{}€\\[~ж😀ü\\r\\n]{1,700}",
        header in prop_oneof![Just(Header::Udh8), Just(Header::Udh16), Just(Header::Sar), Just(Header::Payload)],
        alphabet in prop_oneof![Just(Alphabet::Gsm7), Just(Alphabet::Latin1), Just(Alphabet::Ascii)],
        reference: u16,
    ) {
        let encoding = Some(alphabet.encoding(&text));
        let split = split(&text, Options { encoding, header, reference, ..Options::default() }).unwrap();
        prop_assert_eq!(joined(&split, alphabet), text.clone());
        let promised = measure_for(&text, alphabet, header);
        prop_assert_eq!((split.parts.len(), split.encoding), (promised.segments, promised.encoding), "as check-text promised");
        for part in &split.parts {
            let octets = part.short_message.len();
            let limit = if matches!(split.encoding, Encoding::Gsm7 | Encoding::Ascii) { 160 } else { 140 };
            prop_assert!(octets <= limit, "{} octets", octets);
        }
    }

    #[test]
    fn nothing_from_a_phone_stops_it(octets: Vec<u8>, coding: u8) {
        let (_, rest) = parse_udh(&octets);
        let _ = decode(coding, rest, Alphabet::Gsm7);
    }
}
