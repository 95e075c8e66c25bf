//! What centres deliver: receipts, and messages from phones.

use homeroom_domain::sms::segments;

use crate::message::{InboundPart, Receipt};

use super::config::LinkConfig;
use super::pdu::{Message, WireAddress, esm, tag};
use super::receipt;
use super::shared::Delivery;

/// What a `deliver_sm` or `data_sm` is; `None` for a receipt that names no message.
pub(super) fn delivery(message: &Message<'_>, config: &LinkConfig, now: i64) -> Option<Delivery> {
    if let Some(parsed) = receipt::parse(message, config.id_source) {
        if parsed.id.is_empty() {
            return None;
        }
        return Some(Delivery::Receipt(Receipt {
            provider: config.provider.clone(),
            provider_id: config.ids.receipt.normalise(&parsed.id),
            status: parsed.status,
            error: parsed.error,
            received_at: now,
        }));
    }
    let octets = message.text();
    let (concat, body) = if message.esm_class & esm::UDHI == 0 {
        (None, octets)
    } else {
        segments::parse_udh(octets)
    };
    let part = concat
        .map(|place| (place.reference, place.total, place.number))
        .or_else(|| sar(message));
    Some(Delivery::Inbound(InboundPart {
        link: config.id,
        provider: config.provider.clone(),
        source: phone(&message.source, config.country.as_deref()),
        destination: address(&message.destination),
        part,
        text: segments::decode(message.data_coding, body, config.cut.alphabet),
        received_at: now,
    }))
}

fn sar(message: &Message<'_>) -> Option<(u16, u8, u8)> {
    let reference = message.tlv(tag::SAR_MSG_REF_NUM)?.first_chunk()?;
    let total = *message.tlv(tag::SAR_TOTAL_SEGMENTS)?.first()?;
    let number = *message.tlv(tag::SAR_SEGMENT_SEQNUM)?.first()?;
    (1..=total)
        .contains(&number)
        .then(|| (u16::from_be_bytes(*reference), total, number))
}

/// The number of a phone; one that the centre writes as people of its country dial it gets the country's code.
fn phone(written: &WireAddress<'_>, country: Option<&str>) -> String {
    let text = address(written);
    let Some(country) = country else {
        return text;
    };
    let is_number = text.len() > 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    let trunk = text.strip_prefix('0').filter(|rest| !rest.starts_with('0'));
    match (written.ton, trunk) {
        (0 | 2, Some(rest)) if is_number => format!("+{country}{rest}"),
        (2, None) if is_number && !text.starts_with('0') => format!("+{country}{text}"),
        _ => text,
    }
}

/// As people write it: an international number has a plus.
fn address(address: &WireAddress<'_>) -> String {
    let text = match std::str::from_utf8(address.address) {
        Ok(text) => text.to_owned(),
        Err(_) => address.address.iter().copied().map(char::from).collect(),
    };
    let international =
        address.ton == 1 && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if international {
        format!("+{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::pdu::Tlv;
    use super::super::provider_id::IdForm;
    use super::*;

    fn from_phone(text: &[u8]) -> Message<'_> {
        Message {
            source: WireAddress {
                ton: 1,
                npi: 1,
                address: b"491701234567",
            },
            destination: WireAddress {
                ton: 0,
                npi: 1,
                address: b"4711",
            },
            short_message: text,
            ..Message::default()
        }
    }

    fn inbound(message: &Message<'_>) -> InboundPart {
        let config = LinkConfig::new(7, "centre", 2775, "me", "secret");
        match delivery(message, &config, 5) {
            Some(Delivery::Inbound(part)) => part,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn numbers_of_the_centre_s_own_country_get_its_code() {
        let table: [(u8, &str, Option<&str>, &str); 9] = [
            (2, "771234567", Some("263"), "+263771234567"),
            (2, "0771234567", Some("263"), "+263771234567"),
            (0, "0771234567", Some("263"), "+263771234567"),
            (0, "771234567", Some("263"), "771234567"),
            (0, "00491701234567", Some("263"), "00491701234567"),
            (1, "491701234567", Some("263"), "+491701234567"),
            (2, "4711", Some("263"), "4711"),
            (5, "0Bank", Some("263"), "0Bank"),
            (2, "0771234567", None, "0771234567"),
        ];
        for (ton, written, country, read) in table {
            let source = WireAddress {
                ton,
                npi: 1,
                address: written.as_bytes(),
            };
            assert_eq!(phone(&source, country), read, "{ton} {written}");
        }
    }

    #[test]
    fn a_message_from_a_phone_has_its_numbers_text_and_part() {
        let part = inbound(&from_phone(b"Hello"));
        assert_eq!(part.source, "+491701234567");
        assert_eq!(part.destination, "4711");
        assert_eq!((part.text.as_str(), part.part), ("Hello", None));
        let mut message = from_phone(b"\x05\x00\x03\x07\x02\x01Hi");
        message.esm_class = esm::UDHI;
        let part = inbound(&message);
        assert_eq!((part.text.as_str(), part.part), ("Hi", Some((7, 2, 1))));
        let mut message = from_phone(b"Hi");
        message.tlvs = vec![
            Tlv {
                tag: tag::SAR_MSG_REF_NUM,
                value: &[1, 2],
            },
            Tlv {
                tag: tag::SAR_TOTAL_SEGMENTS,
                value: &[3],
            },
            Tlv {
                tag: tag::SAR_SEGMENT_SEQNUM,
                value: &[3],
            },
        ];
        assert_eq!(inbound(&message).part, Some((0x0102, 3, 3)));
        message.tlvs.pop();
        assert_eq!(inbound(&message).part, None);
    }

    #[test]
    fn bytes_that_are_no_number_are_still_an_address() {
        let mut message = from_phone(b"x");
        message.source.address = b"\xe9t\xe9";
        assert_eq!(inbound(&message).source, "été");
    }

    #[test]
    fn a_receipt_s_id_is_normalised_and_one_without_an_id_is_nobody_s() {
        let mut config = LinkConfig::new(7, "centre", 2775, "me", "secret");
        config.ids.receipt = IdForm::Decimal;
        let mut message = from_phone(b"id:0012 stat:DELIVRD");
        message.esm_class = esm::RECEIPT;
        let Some(Delivery::Receipt(receipt)) = delivery(&message, &config, 5) else {
            panic!("no receipt");
        };
        assert_eq!(receipt.provider_id, b"12");
        assert_eq!(receipt.provider, "7");
        message.short_message = b"stat:DELIVRD";
        assert_eq!(delivery(&message, &config, 5), None);
    }
}
