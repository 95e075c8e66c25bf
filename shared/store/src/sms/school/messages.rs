//! Messages of the school itself.

use homeroom_domain::SmsMessageId;
use homeroom_kernel::{
    Id, Listing, PageRequest, Timestamp,
    page::{FilterKind, FilterValue},
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    list::{self, Page, Source},
    sms::{
        DELETED,
        messages::{self as all, COLUMNS, MessageRow, NewMessage},
    },
    sql::sql,
};

/// Messages of one statement: with texts of ten parts they are less than D1 takes as one value.
const PORTION: usize = 250;
const TABLE: &str = "sms_messages";

/// A message with whom it goes to.
#[derive(Clone, Debug)]
pub struct Addressed {
    /// The message.
    pub message: NewMessage,
    /// The guardian, where it is known that it is one.
    pub guardian: Option<Id<()>>,
    /// The student whom it is about.
    pub student: Option<Id<()>>,
}

/// Stores messages with their receivers. Each of them is new: what was sent under the same idempotency key never comes here.
#[must_use]
pub fn insert(app_id: i64, messages: &[Addressed], now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    for some in messages.chunks(PORTION) {
        let new: Vec<NewMessage> = some.iter().map(|each| each.message.clone()).collect();
        batch.append(all::insert(app_id, &new, now));
        let known = some
            .iter()
            .filter(|each| each.guardian.is_some() || each.student.is_some());
        let lines: Vec<_> = known
            .map(|each| json!([each.message.id, each.guardian, each.student]))
            .collect();
        batch.push(sql!(
            "insert into sms_receivers (message, guardian, student) \
             select value ->> 0, value ->> 1, value ->> 2 from json_each(?1)",
            json!(lines).to_string(),
        ));
    }
    batch
}

/// Records that one message was sent. Its text is in the message, once.
pub fn audit_sent(batch: &mut Batch, stamp: &Stamp<'_>, sent: &Addressed) {
    let record = json!({
        "destination": sent.message.destination, "guardian": sent.guardian, "student": sent.student,
        "segments": sent.message.length.on_air, "send_at": sent.message.send_at,
    });
    let id = sent.message.id.to_string();
    batch.audit(
        stamp,
        Action::Create,
        TABLE,
        &id,
        None::<&()>,
        Some(&record),
    );
}

/// A message of the school as stored.
#[derive(Clone, Debug, Deserialize)]
pub struct SchoolMessage {
    /// The message.
    #[serde(flatten)]
    pub message: MessageRow,
    /// The guardian, where it is known that it is one.
    pub guardian: Option<Id<()>>,
    /// The guardian's name.
    pub guardian_name: Option<String>,
    /// The student whom it is about.
    pub student: Option<Id<()>>,
    /// The student's name.
    pub student_name: Option<String>,
}

const NAMES: &str = "r.guardian, g.first_name || ' ' || g.last_name as guardian_name, r.student, \
     trim(p.first_name || ' ' || p.middle_name) || ' ' || p.last_name as student_name";
const FROM: &str = "sms_messages m left join sms_receivers r on r.message = m.id \
     left join guardians g on g.id = r.guardian left join students p on p.id = r.student";
const OF_APP: &str = "m.app_id = ?";

/// What messages can be ordered, searched and filtered by.
pub static LISTING: Listing = Listing {
    // Ids begin with their time.
    orderings: &[("created_at", "m.id"), ("status", "m.status")],
    default_ordering: "-created_at",
    search: &[
        // Who searches for a confidential text would find out what it says.
        "iif(m.confidential, '', m.text)",
        "m.destination",
        "ifnull(g.first_name || ' ' || g.last_name, '')",
        "ifnull(p.first_name || ' ' || p.last_name, '')",
    ],
    filters: &[
        ("status", FilterKind::Text, "m.status = ?"),
        (
            "destination",
            FilterKind::Text,
            "m.destination = ltrim(?, ' +')",
        ),
        ("guardian", FilterKind::Id, "r.guardian = ?"),
        ("student", FilterKind::Id, "r.student = ?"),
        ("batch", FilterKind::Id, "m.batch_id = ?"),
        (
            "from",
            FilterKind::Date,
            "m.id >= (select printf('%08x-%04x', at >> 16, at & 65535) from (select unixepoch(?) * 1000 as at))",
        ),
        (
            "to",
            FilterKind::Date,
            "m.id < (select printf('%08x-%04x', at >> 16, at & 65535) from (select (unixepoch(?) + 86400) * 1000 as at))",
        ),
    ],
};

/// One page of the school's messages.
pub async fn list(
    db: &TenantDb,
    app_id: i64,
    request: &PageRequest,
) -> Result<Page<SchoolMessage>, StoreError> {
    let columns = format!("{COLUMNS}, {NAMES}");
    let source = Source {
        columns: &columns,
        from: FROM,
        condition: "true",
        key: "m.id",
    };
    let request = of_app(request, OF_APP, app_id);
    list::fetch(&db.connection, &source, LISTING.search, &request).await
}

/// The same request, for what is the app's alone.
pub(super) fn of_app(request: &PageRequest, condition: &'static str, app_id: i64) -> PageRequest {
    let mut request = request.clone();
    let own = FilterValue::Integer(app_id);
    request.filters.insert(0, (condition, own));
    request
}

/// One message of the school.
pub async fn find(
    db: &TenantDb,
    app_id: i64,
    id: SmsMessageId,
) -> Result<SchoolMessage, StoreError> {
    let text = format!("select {COLUMNS}, {NAMES} from {FROM} where m.id = ?1 and m.app_id = ?2");
    let row = db.connection.first(sql!(text, id, app_id)).await?;
    row.ok_or(StoreError::NotFound)
}

/// Withdraws a message: `changed_meanwhile` where its status is another now or, unless the bridge has withdrawn it, where somebody took it to
/// hand it over.
#[must_use]
pub fn withdraw(stamp: &Stamp<'_>, message: &MessageRow, by_the_bridge: bool) -> Batch {
    let untouched = if by_the_bridge {
        ""
    } else {
        " and m.claimed_at is null and m.handed_at is null"
    };
    let text = format!(
        "update sms_messages as m set {} where {}{untouched}",
        DELETED,
        all::WITHDRAWABLE
    );
    let mut batch = Batch::default();
    batch.push_effective(sql!(text, message.id, message.app_id, stamp.now));
    batch.audit(
        stamp,
        Action::Update,
        TABLE,
        &message.id.to_string(),
        Some(&json!({"status": message.status})),
        Some(&json!({"status": "DELETED"})),
    );
    batch
}
