//! Fields that several resources read alike, and how a stored number is shown.

use homeroom_domain::{sms::number::Address, webhooks::MAX_URL};
use homeroom_kernel::{Fields, Timestamp, rules};
use homeroom_store::sms::messages::Callback;
use serde_json::Value;

/// Characters of a text; parts are counted besides.
pub(crate) const MAX_TEXT: usize = 10_000;
/// Numbers that every client writes alike.
pub(crate) const MAX_INTEGER: i64 = (1 << 53) - 1;

/// Unix seconds, or RFC 3339.
pub(crate) fn moment(value: &Value) -> Result<Timestamp, String> {
    let seconds = rules::integer(0, 253_402_300_799)(value);
    seconds
        .map(|seconds| Timestamp::from_millis(seconds * 1_000))
        .or_else(|_| rules::timestamp(value))
        .map_err(|_| "Use unix seconds, or the form 2026-01-31T08:00:00Z.".to_owned())
}

/// The receiver of a message.
pub(crate) fn receiver(value: &Value) -> Result<Address, String> {
    let text = value.as_str().ok_or("Not a valid string.")?;
    Address::receiver(text).map_err(|error| error.to_string())
}

/// A stored number as people write it.
pub(crate) fn shown(number: &str) -> String {
    Address::receiver(number).map_or_else(|_| number.to_owned(), |address| address.display())
}

/// The sender's own id of a message.
pub(crate) fn transaction_id(value: &Value) -> Result<String, String> {
    own_id(value, 64)
}

/// An id of the sender's, on one line: the bridge takes no other.
pub(crate) fn own_id(value: &Value, max: usize) -> Result<String, String> {
    let text = rules::text(1, max)(value)?;
    if text.contains(char::is_control) {
        return Err("Use no line breaks or other control characters.".to_owned());
    }
    Ok(text)
}

/// An address that is told. That it is somewhere is checked with what the deployment says.
pub(crate) fn callback_url(value: &Value) -> Result<String, String> {
    rules::text(1, MAX_URL)(value)
}

/// Of which changes it is told.
pub(crate) fn callback_level(value: &Value) -> Result<u8, String> {
    let level = rules::integer(1, 3)(value)?;
    u8::try_from(level).map_err(|error| error.to_string())
}

/// Where the sender of messages wants to be told of them.
pub(crate) fn callback(fields: &mut Fields) -> Option<Callback> {
    let url = fields.nullable("callback_url", callback_url);
    let level = fields.nullable("callback_level", callback_level);
    Some(Callback {
        url: url?.flatten(),
        level: level?.flatten(),
    })
}
