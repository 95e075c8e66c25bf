//! A message inside the bridge, and its parts. All times are unix milliseconds.

pub use homeroom_domain::sms::status::PartStatus;
use serde::{Deserialize, Serialize};

/// A message that passed validation and is split: all that the store keeps of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Unique over all apps.
    pub message_id: String,
    /// The account's app.
    pub app_id: i64,
    /// The school, given back in events.
    pub tenant: Option<String>,
    /// Unique within the app.
    pub transaction_id: String,
    /// The sender's campaign.
    pub task_id: Option<i64>,
    /// Link or pool.
    pub esme: i64,
    /// Hash of what was asked for, to tell a repetition from a conflict.
    pub fingerprint: [u8; 32],
    /// Sender and receiver.
    pub addresses: Addresses,
    /// Value of `data_coding`.
    pub data_coding: u8,
    /// Value of `esm_class`: 0x40 where the parts start with a user data header.
    pub esm_class: u8,
    /// 0 to 3.
    pub priority: u8,
    /// Not before this.
    pub send_at: i64,
    /// Not after this.
    pub valid_until: i64,
    /// What each part carries, from the first.
    pub parts: Vec<PartBody>,
}

/// Type of number, numbering plan and address of both ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// The sender.
    pub source: Address,
    /// The receiver.
    pub destination: Address,
}

/// One end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Type of number.
    pub ton: u8,
    /// Numbering plan indicator.
    pub npi: u8,
    /// Without a plus, at most 20 characters.
    pub address: String,
}

/// What one `submit_sm` carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartBody {
    /// `short_message`, with the user data header if there is one; empty where `payload` is used.
    pub short_message: Vec<u8>,
    /// `message_payload`.
    pub payload: Option<Vec<u8>>,
    /// `sar_msg_ref_num`, `sar_total_segments`, `sar_segment_seqnum`.
    pub sar: Option<(u16, u8, u8)>,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PartKey {
    /// The message.
    pub message_id: String,
    /// From 1.
    pub number: u16,
}

/// A part that a link is to send now. The store has it as `Sending`, under this attempt, before this value exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The part.
    pub key: PartKey,
    /// Counts from 1; a result of an older attempt changes nothing but is recorded.
    pub attempt: u32,
    /// How many of the attempts before the centre refused for now; being throttled does not count.
    pub refusals: u32,
    /// The link or pool that it waits for.
    pub esme: i64,
    /// Sender and receiver.
    pub addresses: Addresses,
    /// Value of `data_coding`.
    pub data_coding: u8,
    /// Value of `esm_class`.
    pub esm_class: u8,
    /// 0 to 3.
    pub priority: u8,
    /// Not after this.
    pub valid_until: i64,
    /// What it carries.
    pub body: PartBody,
}

/// What came of an attempt to send a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// The part.
    pub key: PartKey,
    /// Which attempt.
    pub attempt: u32,
    /// The link that made it.
    pub link: i64,
    /// What came of it.
    pub result: AttemptResult,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    /// The centre took it under this id (bytes as received, normalised for the link).
    Submitted {
        /// Its id at the centre.
        provider_id: Vec<u8>,
    },
    /// No byte left, or the centre refused for now: another attempt at `at`.
    Again {
        /// When.
        at: i64,
        /// The centre's status; `None` where nothing left.
        status: Option<u32>,
    },
    /// The centre is too busy: another attempt at `at`, which does not count as a refusal.
    Throttled {
        /// When.
        at: i64,
        /// The centre's status.
        status: u32,
    },
    /// The centre refused for good.
    Rejected {
        /// The centre's status.
        status: u32,
    },
    /// Bytes left and no answer came (time ran out, or the connection broke).
    Ambiguous,
}

/// A receipt as a link understood it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Links whose centre shares its ids have the same group.
    pub provider: String,
    /// The id, normalised for the link.
    pub provider_id: Vec<u8>,
    /// What it says.
    pub status: PartStatus,
    /// The centre's error code.
    pub error: Option<String>,
    /// When it came.
    pub received_at: i64,
}

/// A part of a message from a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundPart {
    /// The link.
    pub link: i64,
    /// Links whose centre is the same have the same group.
    pub provider: String,
    /// The phone.
    pub source: String,
    /// The number that it was sent to.
    pub destination: String,
    /// Reference, total and number of a part; `None` for a whole message.
    pub part: Option<(u16, u8, u8)>,
    /// The text of it.
    pub text: String,
    /// When it came.
    pub received_at: i64,
}
