//! Bytes to PDUs and back.
//!
//! A PDU is cut out of the stream by its length before anything in it is looked at, so that an odd one costs itself and nothing
//! after it. Reading is tolerant: what a centre sends wrongly but unmistakably is understood. Writing follows the standard.

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

use super::pdu::{
    Bind, BindMode, BindResp, Header, Message, Pdu, Query, QueryResp, Tlv, WireAddress, id, tag,
};
use super::status;

/// Bytes of a header.
pub const HEADER: usize = 16;
/// Most bytes of a PDU: the largest optional parameter, and room for the rest.
pub const MAX_PDU: usize = 72 * 1024;

/// The stream cannot be cut into PDUs any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a PDU cannot be {0} bytes long")]
pub struct BadLength(pub u32);

/// Takes the next whole PDU off a buffer; `None` until it is all there.
pub fn next_frame(buffer: &mut BytesMut) -> Result<Option<Bytes>, BadLength> {
    let Some(length) = buffer.first_chunk().map(|bytes| u32::from_be_bytes(*bytes)) else {
        return Ok(None);
    };
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    if !(HEADER..=MAX_PDU).contains(&size) {
        return Err(BadLength(length));
    }
    if buffer.len() < size {
        // One allocation for a long PDU instead of one at each doubling.
        buffer.reserve(size - buffer.len());
        return Ok(None);
    }
    Ok(Some(buffer.split_to(size).freeze()))
}

/// A PDU whose header could be read and whose body could not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("PDU {:#010x} cannot be read: {}", header.id, status::name(*status))]
pub struct Unreadable {
    /// Its header, to answer it.
    pub header: Header,
    /// The status to answer with.
    pub status: u32,
}

/// Reads one PDU as [`next_frame`] cut it.
pub fn decode(frame: &[u8]) -> Result<(Header, Pdu<'_>), Unreadable> {
    let mut body = Reader(frame);
    let header = {
        let mut word = || body.u32();
        let _length = word();
        Header {
            id: word().unwrap_or_default(),
            status: word().unwrap_or_default(),
            sequence: word().unwrap_or_default(),
        }
    };
    let unreadable = |status| Unreadable { header, status };
    let cut = || unreadable(status::INVALID_COMMAND_LENGTH);
    let pdu = match header.id {
        id::GENERIC_NACK => Pdu::GenericNack,
        id::ENQUIRE_LINK => Pdu::EnquireLink,
        id::UNBIND => Pdu::Unbind,
        id::QUERY_SM => Pdu::QuerySm(query(body).ok_or_else(cut)?),
        id::SUBMIT_SM => Pdu::SubmitSm(message(body).map_err(unreadable)?),
        id::DELIVER_SM => Pdu::DeliverSm(message(body).map_err(unreadable)?),
        id::DATA_SM => Pdu::DataSm(data(body).ok_or_else(cut)?),
        id::BIND_RECEIVER | id::BIND_TRANSMITTER | id::BIND_TRANSCEIVER => {
            Pdu::Bind(bind(mode(header.id), body).ok_or_else(cut)?)
        }
        other if other & id::RESPONSE != 0 => match other & !id::RESPONSE {
            id::ENQUIRE_LINK => Pdu::EnquireLinkResp,
            id::UNBIND => Pdu::UnbindResp,
            // Some send a message id here, some nothing: neither says anything.
            id::DELIVER_SM => Pdu::DeliverSmResp,
            id::QUERY_SM => Pdu::QuerySmResp(query_resp(body)),
            id::SUBMIT_SM => Pdu::SubmitSmResp(body.string()),
            id::DATA_SM => Pdu::DataSmResp(body.string()),
            request @ (id::BIND_RECEIVER | id::BIND_TRANSMITTER | id::BIND_TRANSCEIVER) => {
                Pdu::BindResp(bind_resp(mode(request), body))
            }
            _ => return Err(unreadable(status::INVALID_COMMAND_ID)),
        },
        _ => return Err(unreadable(status::INVALID_COMMAND_ID)),
    };
    Ok((header, pdu))
}

/// Appends a PDU. What is longer than its field allows is cut: callers check before.
pub fn encode(out: &mut BytesMut, status: u32, sequence: u32, pdu: &Pdu<'_>) {
    let start = out.len();
    out.put_u32(0);
    out.put_u32(pdu.id());
    out.put_u32(status);
    out.put_u32(sequence);
    match pdu {
        Pdu::Bind(bind) => {
            put_string(out, bind.system_id, 15);
            // The standard allows 8; many centres give out longer ones.
            put_string(out, bind.password, 64);
            put_string(out, bind.system_type, 12);
            out.put_u8(bind.interface_version);
            put_address(out, &bind.range, 40);
        }
        Pdu::BindResp(bind) if status == status::OK => {
            put_string(out, bind.system_id, 15);
            if let Some(version) = bind.interface_version {
                put_tlv(out, tag::SC_INTERFACE_VERSION, &[version]);
            }
        }
        Pdu::QuerySm(query) => {
            put_string(out, query.message_id, 64);
            put_address(out, &query.source, 20);
        }
        Pdu::QuerySmResp(answer) if status == status::OK => {
            put_string(out, answer.message_id, 64);
            put_string(out, answer.final_date, 16);
            out.put_u8(answer.state);
            out.put_u8(answer.error);
        }
        Pdu::SubmitSm(message) | Pdu::DeliverSm(message) => put_message(out, message),
        Pdu::DataSm(message) => put_data(out, message),
        Pdu::SubmitSmResp(message_id) if status == status::OK => put_string(out, message_id, 64),
        Pdu::DataSmResp(message_id) if status == status::OK => put_string(out, message_id, 64),
        // The standard has an unused message id here.
        Pdu::DeliverSmResp => out.put_u8(0),
        Pdu::BindResp(_)
        | Pdu::QuerySmResp(_)
        | Pdu::SubmitSmResp(_)
        | Pdu::DataSmResp(_)
        | Pdu::Unbind
        | Pdu::UnbindResp
        | Pdu::EnquireLink
        | Pdu::EnquireLinkResp
        | Pdu::GenericNack => {}
    }
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

/// Appends the answer to a PDU that could not be read: its own response where it has one, else `generic_nack`.
pub fn encode_refusal(out: &mut BytesMut, refused: &Unreadable) {
    let answer = match refused.header.id {
        // A response, or a notice that is not answered.
        other if other & id::RESPONSE != 0 => return,
        id::OUTBIND | id::ALERT_NOTIFICATION => return,
        id::DELIVER_SM => Pdu::DeliverSmResp,
        id::QUERY_SM => Pdu::QuerySmResp(QueryResp::default()),
        id::SUBMIT_SM => Pdu::SubmitSmResp(b""),
        id::DATA_SM => Pdu::DataSmResp(b""),
        bind @ (id::BIND_RECEIVER | id::BIND_TRANSMITTER | id::BIND_TRANSCEIVER) => {
            Pdu::BindResp(BindResp {
                mode: mode(bind),
                ..BindResp::default()
            })
        }
        _ => Pdu::GenericNack,
    };
    encode(out, refused.status, refused.header.sequence, &answer);
}

const fn mode(request: u32) -> BindMode {
    match request {
        id::BIND_RECEIVER => BindMode::Receiver,
        id::BIND_TRANSMITTER => BindMode::Transmitter,
        _ => BindMode::Transceiver,
    }
}

fn bind(mode: BindMode, mut body: Reader<'_>) -> Option<Bind<'_>> {
    Some(Bind {
        mode,
        system_id: body.terminated()?,
        password: body.terminated()?,
        system_type: body.terminated()?,
        interface_version: body.u8()?,
        // Some clients stop here.
        range: WireAddress {
            ton: body.u8().unwrap_or_default(),
            npi: body.u8().unwrap_or_default(),
            address: body.string(),
        },
    })
}

fn bind_resp(mode: BindMode, mut body: Reader<'_>) -> BindResp<'_> {
    let system_id = body.string();
    let version = body
        .tlvs()
        .iter()
        .find(|tlv| tlv.tag == tag::SC_INTERFACE_VERSION)
        .and_then(|tlv| tlv.value.first().copied());
    BindResp {
        mode,
        system_id,
        interface_version: version,
    }
}

fn query(mut body: Reader<'_>) -> Option<Query<'_>> {
    Some(Query {
        message_id: body.terminated()?,
        source: WireAddress {
            ton: body.u8()?,
            npi: body.u8()?,
            address: body.string(),
        },
    })
}

fn query_resp(mut body: Reader<'_>) -> QueryResp<'_> {
    QueryResp {
        message_id: body.string(),
        final_date: body.string(),
        state: body.u8().unwrap_or_default(),
        error: body.u8().unwrap_or_default(),
    }
}

fn message(mut body: Reader<'_>) -> Result<Message<'_>, u32> {
    let fixed = fixed_fields(&mut body).ok_or(status::INVALID_COMMAND_LENGTH)?;
    let (mut message, length) = fixed;
    message.short_message = body
        .take(usize::from(length))
        .ok_or(status::INVALID_MESSAGE_LENGTH)?;
    message.tlvs = body.tlvs();
    Ok(message)
}

/// All up to `short_message`, and its length.
fn fixed_fields<'a>(body: &mut Reader<'a>) -> Option<(Message<'a>, u8)> {
    let message = Message {
        service_type: body.terminated()?,
        source: body.address()?,
        destination: body.address()?,
        esm_class: body.u8()?,
        protocol_id: body.u8()?,
        priority: body.u8()?,
        schedule: body.terminated()?,
        validity: body.terminated()?,
        registered_delivery: body.u8()?,
        replace_if_present: body.u8()?,
        data_coding: body.u8()?,
        default_message: body.u8()?,
        ..Message::default()
    };
    Some((message, body.u8()?))
}

fn data(mut body: Reader<'_>) -> Option<Message<'_>> {
    let mut message = Message {
        service_type: body.terminated()?,
        source: body.address()?,
        destination: body.address()?,
        esm_class: body.u8()?,
        registered_delivery: body.u8()?,
        data_coding: body.u8()?,
        ..Message::default()
    };
    message.tlvs = body.tlvs();
    Some(message)
}

fn put_message(out: &mut BytesMut, message: &Message<'_>) {
    put_string(out, message.service_type, 5);
    put_address(out, &message.source, 20);
    put_address(out, &message.destination, 20);
    out.put_u8(message.esm_class);
    out.put_u8(message.protocol_id);
    out.put_u8(message.priority);
    put_string(out, message.schedule, 16);
    put_string(out, message.validity, 16);
    out.put_u8(message.registered_delivery);
    out.put_u8(message.replace_if_present);
    out.put_u8(message.data_coding);
    out.put_u8(message.default_message);
    let text = cut(message.short_message, 254);
    out.put_u8(u8::try_from(text.len()).unwrap_or(u8::MAX));
    out.put_slice(text);
    for tlv in &message.tlvs {
        put_tlv(out, tlv.tag, tlv.value);
    }
}

fn put_data(out: &mut BytesMut, message: &Message<'_>) {
    put_string(out, message.service_type, 5);
    put_address(out, &message.source, 64);
    put_address(out, &message.destination, 64);
    out.put_u8(message.esm_class);
    out.put_u8(message.registered_delivery);
    out.put_u8(message.data_coding);
    for tlv in &message.tlvs {
        put_tlv(out, tlv.tag, tlv.value);
    }
}

/// A string with its NUL; one inside it would end it early on the other side.
fn put_string(out: &mut BytesMut, value: &[u8], max: usize) {
    let value = value.split(|byte| *byte == 0).next().unwrap_or_default();
    out.put_slice(cut(value, max));
    out.put_u8(0);
}

fn put_address(out: &mut BytesMut, address: &WireAddress<'_>, max: usize) {
    out.put_u8(address.ton);
    out.put_u8(address.npi);
    put_string(out, address.address, max);
}

fn put_tlv(out: &mut BytesMut, tag: u16, value: &[u8]) {
    let value = cut(value, usize::from(u16::MAX));
    out.put_u16(tag);
    out.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
    out.put_slice(value);
}

fn cut(value: &[u8], max: usize) -> &[u8] {
    value.get(..max).unwrap_or(value)
}

/// What is left of a PDU.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// A string that something follows; its end must be there.
    fn terminated(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let value = self.take(end)?;
        self.take(1)?;
        Some(value)
    }

    /// A string that may be the last: the PDU's end ends it too.
    fn string(&mut self) -> &'a [u8] {
        match self.terminated() {
            Some(value) => value,
            None => std::mem::take(&mut self.0),
        }
    }

    fn address(&mut self) -> Option<WireAddress<'a>> {
        Some(WireAddress {
            ton: self.u8()?,
            npi: self.u8()?,
            address: self.terminated()?,
        })
    }

    /// All that are whole; a cut one and what follows it are left alone, for the message before them is whole.
    fn tlvs(&mut self) -> Vec<Tlv<'a>> {
        let mut found = Vec::new();
        while let (Some(tag), Some(length)) = (self.u16(), self.u16()) {
            let Some(value) = self.take(usize::from(length)) else {
                break;
            };
            found.push(Tlv { tag, value });
        }
        found
    }
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
