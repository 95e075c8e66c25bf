//! What a receipt says. Centres agree on little more than `id:` and `stat:`.

use serde::Deserialize;

use crate::message::PartStatus;

use super::pdu::{Message, esm, tag};

/// Where a receipt's id is taken from when text and optional parameter both have one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdSource {
    /// `receipted_message_id`, else the text.
    #[default]
    Parameter,
    /// The text, else `receipted_message_id`.
    Text,
}

/// A receipt, before its id is normalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedReceipt {
    /// The id as the centre wrote it.
    pub id: Vec<u8>,
    /// What became of the message.
    pub status: PartStatus,
    /// The centre's error code; `None` where it is zero or missing.
    pub error: Option<String>,
}

/// Reads a receipt; `None` where the message is none, however much its text looks like one.
/// `Some` with an empty id is a receipt that nobody can assign.
#[must_use]
pub fn parse(message: &Message<'_>, source: IdSource) -> Option<ParsedReceipt> {
    let kind = message.esm_class & esm::KIND;
    let intermediate = kind == esm::INTERMEDIATE;
    let parameter = message
        .tlv(tag::RECEIPTED_MESSAGE_ID)
        .map(until_nul)
        .filter(|id| !id.is_empty());
    let state = message
        .tlv(tag::MESSAGE_STATE)
        .and_then(|value| value.first().copied());
    // Some centres leave the class at 0 and rely on the parameters, which no message from a phone has.
    if !(intermediate || kind == esm::RECEIPT || (parameter.is_some() && state.is_some())) {
        return None;
    }
    let text = readable(message);
    let fields = Fields::of(&text);
    let written = fields.get("id").map(str::as_bytes);
    let id = match source {
        IdSource::Parameter => parameter.or(written),
        IdSource::Text => written.or(parameter),
    };
    let status = state
        .and_then(of_state)
        .or_else(|| fields.get("stat").and_then(of_word));
    let status = if intermediate {
        // It is not the last word, whatever it says.
        PartStatus::Enroute
    } else {
        status.unwrap_or(PartStatus::Unknown)
    };
    Some(ParsedReceipt {
        id: id.unwrap_or_default().to_vec(),
        status,
        error: error(&fields, message.tlv(tag::NETWORK_ERROR_CODE)),
    })
}

fn error(fields: &Fields<'_>, network: Option<&[u8]>) -> Option<String> {
    let written = fields
        .get("err")
        .filter(|code| code.bytes().any(|byte| byte != b'0'))
        .map(|code| code.chars().take(32).collect());
    written.or_else(|| match network {
        Some(&[kind, high, low]) if (high, low) != (0, 0) => {
            Some(format!("{kind}:{}", u16::from_be_bytes([high, low])))
        }
        _ => None,
    })
}

/// `message_state` of the standard.
pub(super) const fn of_state(state: u8) -> Option<PartStatus> {
    Some(match state {
        // Scheduled, on the way, or accepted: more is to come.
        0 | 1 | 6 => PartStatus::Enroute,
        2 => PartStatus::Delivered,
        3 => PartStatus::Expired,
        4 => PartStatus::Deleted,
        5 => PartStatus::Undeliverable,
        7 => PartStatus::Unknown,
        8 => PartStatus::Rejected,
        _ => return None,
    })
}

/// `stat:`, also cut short or written out.
fn of_word(word: &str) -> Option<PartStatus> {
    let mut start = word.bytes().map(|byte| byte.to_ascii_uppercase());
    let mut letter = || start.next().unwrap_or_default();
    Some(match [letter(), letter(), letter(), letter()] {
        [b'D', b'E', b'L', b'I'] => PartStatus::Delivered,
        [b'E', b'X', b'P', _] => PartStatus::Expired,
        [b'D', b'E', b'L', b'E'] => PartStatus::Deleted,
        [b'U', b'N', b'D', _] => PartStatus::Undeliverable,
        [b'R', b'E', b'J', _] => PartStatus::Rejected,
        [b'A', b'C', b'C', _] | [b'E', b'N', b'R', _] | [b'S', b'C', b'H', _] => {
            PartStatus::Enroute
        }
        [b'U', b'N', b'K', _] => PartStatus::Unknown,
        _ => return None,
    })
}

fn until_nul(value: &[u8]) -> &[u8] {
    value.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The text as Latin-1, which keeps every byte of an id, or out of UCS-2.
fn readable(message: &Message<'_>) -> String {
    let text = message.text();
    let wide = message.data_coding & 0x0C == 0x08 || text.first() == Some(&0);
    if wide {
        let units = text.as_chunks::<2>().0.iter().copied();
        char::decode_utf16(units.map(u16::from_be_bytes))
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    } else {
        text.iter().map(|byte| char::from(*byte)).collect()
    }
}

/// `key:value` pairs up to `text:`, keys in any case.
struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    fn of(text: &'a str) -> Self {
        let mut found = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(':') {
            let key = before
                .rsplit([' ', '\r', '\n', '\0'])
                .next()
                .unwrap_or(before);
            // What follows was written by the sender of the message.
            if key.eq_ignore_ascii_case("text") {
                break;
            }
            let value = after.trim_start_matches(' ');
            // `err: text:…`: the value is missing.
            let next = value
                .split([' ', '\r', '\n', '\0'])
                .next()
                .filter(|word| !word.contains(':') || key.eq_ignore_ascii_case("id"))
                .unwrap_or_default();
            if !next.is_empty() {
                found.push((key, next));
            }
            rest = after;
        }
        Self(found)
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        let found = self
            .0
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key));
        found.map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pdu::Tlv;
    use super::*;

    const TEXT: &str = "id:0123456789 sub:001 dlvrd:001 submit date:2601151030 done date:2601151031 stat:DELIVRD err:000 text:Hello";

    fn receipt(text: &[u8]) -> Message<'_> {
        Message {
            esm_class: esm::RECEIPT,
            short_message: text,
            ..Message::default()
        }
    }

    fn read(text: &str) -> (String, PartStatus, Option<String>) {
        let parsed = parse(&receipt(text.as_bytes()), IdSource::Parameter).unwrap();
        (
            String::from_utf8(parsed.id).unwrap(),
            parsed.status,
            parsed.error,
        )
    }

    #[test]
    fn the_usual_text_is_read_with_dates_of_any_length() {
        let expected = (String::from("0123456789"), PartStatus::Delivered, None);
        assert_eq!(read(TEXT), expected);
        for (short, long) in [
            ("2601151030", "260115103000"),
            ("2601151031", "20260115103100"),
        ] {
            assert_eq!(read(&TEXT.replace(short, long)), expected);
        }
    }

    #[test]
    fn keys_in_other_case_missing_fields_and_cut_text_are_read_as_far_as_they_go() {
        use PartStatus::{Delivered, Expired, Undeliverable, Unknown};
        for (text, id, status, error) in [
            ("ID:ab-1 Stat:delivrd Err:0", "ab-1", Delivered, None),
            (
                "id:1 sub:001 stat:UNDELIV err:0A5",
                "1",
                Undeliverable,
                Some("0A5"),
            ),
            ("id:1 stat:UNDELIV err: text:", "1", Undeliverable, None),
            ("id:1 stat:UNDELIV", "1", Undeliverable, None),
            ("id: 7 stat: EXPIRED err: 12", "7", Expired, Some("12")),
            ("id:1 sub:001 dlvrd:0", "1", Unknown, None),
            ("id:1 stat:BANANAS err:3", "1", Unknown, Some("3")),
            ("id:1 stat:DELIV", "1", Delivered, None),
            ("id:1 stat:DELIVERED", "1", Delivered, None),
            ("stat:DELIVRD id:a:b", "a:b", Delivered, None),
            ("id:1 stat:EXPIRED\r\nerr:7\r\n", "1", Expired, Some("7")),
            ("", "", Unknown, None),
        ] {
            assert_eq!(
                read(text),
                (id.into(), status, error.map(String::from)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_the_sender_wrote_says_nothing_about_the_delivery() {
        let (id, status, error) = read("id:1 err:5 text:id:2 stat:DELIVRD err:9");
        assert_eq!((id.as_str(), status), ("1", PartStatus::Unknown));
        assert_eq!(error.as_deref(), Some("5"));
    }

    #[test]
    fn every_word_of_the_standard_has_its_status() {
        use PartStatus::{Deleted, Delivered, Enroute, Expired, Rejected, Undeliverable, Unknown};
        for (word, state, status) in [
            ("ENROUTE", 1, Enroute),
            ("DELIVRD", 2, Delivered),
            ("EXPIRED", 3, Expired),
            ("DELETED", 4, Deleted),
            ("UNDELIV", 5, Undeliverable),
            ("ACCEPTD", 6, Enroute),
            ("UNKNOWN", 7, Unknown),
            ("REJECTD", 8, Rejected),
        ] {
            assert_eq!(of_word(word), Some(status), "{word}");
            assert_eq!(of_state(state), Some(status), "{state}");
        }
        assert_eq!(of_state(99), None);
    }

    #[test]
    fn the_id_comes_from_where_the_link_says_if_it_is_in_both_places() {
        let mut message = receipt(TEXT.as_bytes());
        message.tlvs = vec![
            Tlv {
                tag: tag::RECEIPTED_MESSAGE_ID,
                value: b"75BCD15\0",
            },
            Tlv {
                tag: tag::MESSAGE_STATE,
                value: &[2],
            },
        ];
        let id = |message: &Message<'_>, source| parse(message, source).unwrap().id;
        assert_eq!(id(&message, IdSource::Parameter), b"75BCD15");
        assert_eq!(id(&message, IdSource::Text), b"0123456789");
        message.short_message = b"";
        assert_eq!(id(&message, IdSource::Text), b"75BCD15");
        let text_only = receipt(TEXT.as_bytes());
        assert_eq!(id(&text_only, IdSource::Parameter), b"0123456789");
        message.esm_class = 0;
        assert_eq!(id(&message, IdSource::Parameter), b"75BCD15");
    }

    #[test]
    fn a_message_from_a_phone_that_looks_like_a_receipt_is_a_message() {
        let mut message = receipt(TEXT.as_bytes());
        message.esm_class = 0;
        assert_eq!(parse(&message, IdSource::Parameter), None);
        message.esm_class = esm::UDHI;
        assert_eq!(parse(&message, IdSource::Parameter), None);
    }

    #[test]
    fn an_intermediate_notice_is_never_final() {
        let mut message = receipt(b"id:1 stat:UNDELIV err:1");
        message.esm_class = esm::INTERMEDIATE;
        let parsed = parse(&message, IdSource::Parameter).unwrap();
        assert_eq!(parsed.status, PartStatus::Enroute);
    }

    #[test]
    fn wide_text_and_bytes_that_are_no_text_are_read() {
        let wide: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let mut message = receipt(&wide);
        for coding in [8, 0] {
            message.data_coding = coding;
            let parsed = parse(&message, IdSource::Parameter).unwrap();
            assert_eq!(parsed.id, b"0123456789");
            assert_eq!(parsed.status, PartStatus::Delivered);
        }
        assert!(parse(&receipt(b"\xff\xfe\x00:\xd8"), IdSource::Parameter).is_some());
    }

    #[test]
    fn the_network_s_code_is_the_error_where_the_text_has_none() {
        let mut message = receipt(b"id:1 stat:UNDELIV err:000");
        message.tlvs = vec![Tlv {
            tag: tag::NETWORK_ERROR_CODE,
            value: &[3, 0, 34],
        }];
        let parsed = parse(&message, IdSource::Parameter).unwrap();
        assert_eq!(parsed.error.as_deref(), Some("3:34"));
    }
}
