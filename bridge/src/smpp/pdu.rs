//! The PDUs of SMPP 3.4 that the bridge speaks. They borrow what they carry: nothing is copied to read or to write one.
//!
//! Strings are bytes. Centres put Latin-1, UTF-8 and longer texts than the standard allows into them, and ids must come back as they were.

use serde::Deserialize;

/// What a PDU is, without the bit that marks a response.
pub mod id {
    /// Names a PDU that cannot be answered otherwise.
    pub const GENERIC_NACK: u32 = 0x8000_0000;
    /// Opens a session that only receives.
    pub const BIND_RECEIVER: u32 = 1;
    /// Opens a session that only sends.
    pub const BIND_TRANSMITTER: u32 = 2;
    /// Asks what became of a message.
    pub const QUERY_SM: u32 = 3;
    /// A message from us.
    pub const SUBMIT_SM: u32 = 4;
    /// A message or receipt for us.
    pub const DELIVER_SM: u32 = 5;
    /// Ends a session.
    pub const UNBIND: u32 = 6;
    /// Opens a session that sends and receives.
    pub const BIND_TRANSCEIVER: u32 = 9;
    /// A centre asks to be bound to; not answered.
    pub const OUTBIND: u32 = 0x0B;
    /// Asks whether the other side lives.
    pub const ENQUIRE_LINK: u32 = 0x15;
    /// A phone is reachable again; not answered.
    pub const ALERT_NOTIFICATION: u32 = 0x102;
    /// A message or receipt, the lean form.
    pub const DATA_SM: u32 = 0x103;
    /// Marks a response.
    pub const RESPONSE: u32 = 0x8000_0000;
}

/// Tags of the optional parameters that the bridge reads or writes.
pub mod tag {
    /// The id that a receipt is about.
    pub const RECEIPTED_MESSAGE_ID: u16 = 0x001E;
    /// Reference of a message in parts.
    pub const SAR_MSG_REF_NUM: u16 = 0x020C;
    /// Number of its parts.
    pub const SAR_TOTAL_SEGMENTS: u16 = 0x020E;
    /// Number of this part, from 1.
    pub const SAR_SEGMENT_SEQNUM: u16 = 0x020F;
    /// The version that the centre speaks.
    pub const SC_INTERFACE_VERSION: u16 = 0x0210;
    /// Type and code of the network's error.
    pub const NETWORK_ERROR_CODE: u16 = 0x0423;
    /// The text, where it is too long for `short_message`.
    pub const MESSAGE_PAYLOAD: u16 = 0x0424;
    /// State of a message.
    pub const MESSAGE_STATE: u16 = 0x0427;
}

/// Bits of `esm_class`.
pub mod esm {
    /// The text starts with a user data header.
    pub const UDHI: u8 = 0x40;
    /// The bits that say what kind of message it is.
    pub const KIND: u8 = 0x3C;
    /// A receipt of the centre.
    pub const RECEIPT: u8 = 0x04;
    /// A receipt that is not the last.
    pub const INTERMEDIATE: u8 = 0x20;
}

/// The four numbers in front of every PDU, without its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which PDU; see [`id`].
    pub id: u32,
    /// 0 in requests and where all is well; see [`super::status`].
    pub status: u32,
    /// Joins a response to its request.
    pub sequence: u32,
}

/// An address as it is on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireAddress<'a> {
    /// Type of number.
    pub ton: u8,
    /// Numbering plan indicator.
    pub npi: u8,
    /// Digits or letters.
    pub address: &'a [u8],
}

/// What a session may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BindMode {
    /// Sends and receives.
    #[default]
    Transceiver,
    /// Sends.
    Transmitter,
    /// Receives.
    Receiver,
}

impl BindMode {
    /// The id of the request that opens such a session.
    #[must_use]
    pub const fn command(self) -> u32 {
        match self {
            Self::Transceiver => id::BIND_TRANSCEIVER,
            Self::Transmitter => id::BIND_TRANSMITTER,
            Self::Receiver => id::BIND_RECEIVER,
        }
    }

    /// Whether `submit_sm` may be sent.
    #[must_use]
    pub const fn sends(self) -> bool {
        !matches!(self, Self::Receiver)
    }

    /// Whether `deliver_sm` may come.
    #[must_use]
    pub const fn receives(self) -> bool {
        !matches!(self, Self::Transmitter)
    }
}

/// Asks what became of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<'a> {
    /// The id that the centre gave it.
    pub message_id: &'a [u8],
    /// Its sender, as it was in the message.
    pub source: WireAddress<'a>,
}

/// Answers a [`Query`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryResp<'a> {
    /// The id that was asked for.
    pub message_id: &'a [u8],
    /// When the message became final; empty where it is not.
    pub final_date: &'a [u8],
    /// As in a receipt's `message_state`.
    pub state: u8,
    /// The network's error; 0 for none.
    pub error: u8,
}

/// Opens a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bind<'a> {
    /// What for.
    pub mode: BindMode,
    /// The account.
    pub system_id: &'a [u8],
    /// Its password.
    pub password: &'a [u8],
    /// What kind of client this is; most centres want it empty.
    pub system_type: &'a [u8],
    /// 0x34 for SMPP 3.4.
    pub interface_version: u8,
    /// The numbers that the session serves.
    pub range: WireAddress<'a>,
}

/// Answers a [`Bind`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BindResp<'a> {
    /// What was asked for.
    pub mode: BindMode,
    /// The centre's name; empty where the body is missing.
    pub system_id: &'a [u8],
    /// `None` is 3.3 or an early 3.4.
    pub interface_version: Option<u8>,
}

/// The body of `submit_sm` and `deliver_sm`, and of `data_sm`, which has fewer fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message<'a> {
    /// Kind of service; empty for the default.
    pub service_type: &'a [u8],
    /// Sender.
    pub source: WireAddress<'a>,
    /// Receiver.
    pub destination: WireAddress<'a>,
    /// See [`esm`].
    pub esm_class: u8,
    /// 0 for a normal message.
    pub protocol_id: u8,
    /// 0 to 3.
    pub priority: u8,
    /// When to deliver; empty for now.
    pub schedule: &'a [u8],
    /// How long to try; empty for the centre's default.
    pub validity: &'a [u8],
    /// 1 asks for a receipt.
    pub registered_delivery: u8,
    /// 1 replaces an earlier one.
    pub replace_if_present: u8,
    /// Alphabet of the text.
    pub data_coding: u8,
    /// A stored text of the centre; 0 for none.
    pub default_message: u8,
    /// The text, at most 254 bytes by the standard.
    pub short_message: &'a [u8],
    /// Optional parameters in their order.
    pub tlvs: Vec<Tlv<'a>>,
}

/// An optional parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// See [`tag`].
    pub tag: u16,
    /// At most 65,535 bytes.
    pub value: &'a [u8],
}

impl<'a> Message<'a> {
    /// The first optional parameter of this tag.
    #[must_use]
    pub fn tlv(&self, tag: u16) -> Option<&'a [u8]> {
        self.tlvs
            .iter()
            .find(|tlv| tlv.tag == tag)
            .map(|tlv| tlv.value)
    }

    /// The text, wherever it is. `message_payload` counts where both are there and `short_message` is empty.
    #[must_use]
    pub fn text(&self) -> &'a [u8] {
        match self.tlv(tag::MESSAGE_PAYLOAD) {
            Some(payload) if self.short_message.is_empty() => payload,
            _ => self.short_message,
        }
    }
}

/// Everything that may follow a [`Header`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pdu<'a> {
    /// `bind_transceiver`, `bind_transmitter` or `bind_receiver`.
    Bind(Bind<'a>),
    /// The answer to one of them.
    BindResp(BindResp<'a>),
    /// Asks what became of a message.
    QuerySm(Query<'a>),
    /// The answer to that.
    QuerySmResp(QueryResp<'a>),
    /// A message from an ESME.
    SubmitSm(Message<'a>),
    /// The id that the centre gave it; empty on failure.
    SubmitSmResp(&'a [u8]),
    /// A message or receipt for an ESME.
    DeliverSm(Message<'a>),
    /// Taken, or not.
    DeliverSmResp,
    /// The lean form of either.
    DataSm(Message<'a>),
    /// The id that the centre gave it.
    DataSmResp(&'a [u8]),
    /// Ends the session.
    Unbind,
    /// The last PDU of a session.
    UnbindResp,
    /// Asks for a sign of life.
    EnquireLink,
    /// A sign of life.
    EnquireLinkResp,
    /// The other side could not read what we sent.
    GenericNack,
}

impl Pdu<'_> {
    /// The `command_id`.
    #[must_use]
    pub const fn id(&self) -> u32 {
        match self {
            Self::Bind(bind) => bind.mode.command(),
            Self::BindResp(bind) => bind.mode.command() | id::RESPONSE,
            Self::QuerySm(_) => id::QUERY_SM,
            Self::QuerySmResp(_) => id::QUERY_SM | id::RESPONSE,
            Self::SubmitSm(_) => id::SUBMIT_SM,
            Self::SubmitSmResp(_) => id::SUBMIT_SM | id::RESPONSE,
            Self::DeliverSm(_) => id::DELIVER_SM,
            Self::DeliverSmResp => id::DELIVER_SM | id::RESPONSE,
            Self::DataSm(_) => id::DATA_SM,
            Self::DataSmResp(_) => id::DATA_SM | id::RESPONSE,
            Self::Unbind => id::UNBIND,
            Self::UnbindResp => id::UNBIND | id::RESPONSE,
            Self::EnquireLink => id::ENQUIRE_LINK,
            Self::EnquireLinkResp => id::ENQUIRE_LINK | id::RESPONSE,
            Self::GenericNack => id::GENERIC_NACK,
        }
    }
}
