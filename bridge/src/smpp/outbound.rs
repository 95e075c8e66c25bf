//! A part as `submit_sm`.

use crate::message::{Address, Claimed};

use super::pdu::{Message, Pdu, Tlv, WireAddress, tag};
use super::status;
use super::wire::Wire;

/// Adds it to what goes out; `good_for` milliseconds, if the centre is to know.
pub(super) fn put(wire: &mut Wire, sequence: u32, part: &Claimed, good_for: Option<i64>) {
    let validity = good_for.map(validity);
    let sar = part
        .body
        .sar
        .map(|(reference, total, number)| (reference.to_be_bytes(), [total], [number]));
    let mut message = Message {
        source: address(&part.addresses.source),
        destination: address(&part.addresses.destination),
        esm_class: part.esm_class,
        priority: part.priority,
        validity: validity.as_ref().map_or(b"", |text| text.as_slice()),
        registered_delivery: 1,
        data_coding: part.data_coding,
        short_message: &part.body.short_message,
        ..Message::default()
    };
    if let Some((reference, total, number)) = &sar {
        let fields: [(u16, &[u8]); 3] = [
            (tag::SAR_MSG_REF_NUM, reference),
            (tag::SAR_TOTAL_SEGMENTS, total),
            (tag::SAR_SEGMENT_SEQNUM, number),
        ];
        let fields = fields.map(|(tag, value)| Tlv { tag, value });
        message.tlvs.extend(fields);
    }
    if let Some(payload) = &part.body.payload {
        message.tlvs.push(Tlv {
            tag: tag::MESSAGE_PAYLOAD,
            value: payload,
        });
    }
    wire.put(status::OK, sequence, &Pdu::SubmitSm(message));
}

fn address(address: &Address) -> WireAddress<'_> {
    WireAddress {
        ton: address.ton,
        npi: address.npi,
        address: address.address.as_bytes(),
    }
}

/// A relative `validity_period`, `YYMMDDhhmmss000R`; at least a minute, at most 31 days.
fn validity(millis: i64) -> [u8; 16] {
    let seconds = (millis / 1_000).clamp(60, 31 * 86_400);
    let mut text = *b"000000000000000R";
    let fields = [
        0,
        0,
        // Months have no fixed length, so days do it.
        seconds / 86_400,
        seconds / 3_600 % 24,
        seconds / 60 % 60,
        seconds % 60,
    ];
    for (place, value) in text.as_chunks_mut::<2>().0.iter_mut().zip(fields) {
        let digit = |value: i64| b'0' + u8::try_from(value % 10).unwrap_or_default();
        *place = [digit(value / 10), digit(value)];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::validity;

    #[test]
    fn a_validity_is_relative_and_within_what_the_field_can_say() {
        for (seconds, expected) in [
            (0, "000000000100000R"),
            (61, "000000000101000R"),
            (86_400, "000001000000000R"),
            (30 * 86_400 + 3_723, "000030010203000R"),
        ] {
            let text = validity(seconds * 1_000);
            assert_eq!(std::str::from_utf8(&text).unwrap(), expected);
        }
        assert!(validity(i64::MAX).ends_with(b"000R"));
    }
}
