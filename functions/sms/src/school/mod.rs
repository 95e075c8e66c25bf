//! A school's own text messages, `/api/v1/school/sms/`: with the school's sign-in, permissions, errors and lists.

pub(crate) mod audience;
pub(crate) mod batches;
pub(crate) mod contacts;
pub(crate) mod messages;
pub(crate) mod settings;
pub(crate) mod texts;

use homeroom_domain::sms::number::Address;
use homeroom_edge::{ApiError, Caller, SchoolArea};
use homeroom_kernel::{Fields, Timestamp, rules};
use serde_json::Value;

/// The number of no app: nothing is found under it.
const NOBODY: i64 = -1;

/// The app as which the caller's school sends; where it has none yet, nothing is found.
async fn app_id(caller: &Caller<SchoolArea>) -> Result<i64, ApiError> {
    let known = caller
        .app
        .school_sms_app(&caller.context, &caller.db)
        .await?;
    Ok(known.map_or(NOBODY, |app| app.id))
}

/// The receiver of a message: in plainly international form, since a school's people also write numbers as they dial them at home.
fn receiver(value: &Value) -> Result<Address, String> {
    let text = value.as_str().ok_or("Not a valid string.")?.trim();
    let is_international = text.starts_with('+') || text.starts_with("00");
    Address::receiver(text)
        .ok()
        .filter(|_| is_international)
        .ok_or_else(|| {
            "Enter a phone number in international form, such as +263771234567.".to_owned()
        })
}

/// When and how messages of a request are sent.
fn wishes(fields: &mut Fields) -> Option<homeroom_edge::school_sms::Wishes> {
    let send_at: Option<Option<Option<Timestamp>>> = fields.nullable("send_at", rules::timestamp);
    let priority = fields.optional("priority", rules::integer(0, 3));
    let transliterate = fields.optional("transliterate", rules::boolean);
    Some(homeroom_edge::school_sms::Wishes {
        send_at: send_at?.flatten(),
        priority: priority?
            .and_then(|level| u8::try_from(level).ok())
            .unwrap_or(0),
        transliterate: transliterate?.unwrap_or(false),
    })
}
