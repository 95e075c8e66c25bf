//! What phones said to a school, and which of them want no messages, with the guardians whose they are.

use homeroom_kernel::{Id, Listing, PageRequest, Timestamp, page::FilterKind};
use serde::Deserialize;

use super::messages::of_app;
use crate::{
    connection::TenantDb,
    error::StoreError,
    list::{self, Page, Source},
    sms::inbound::InboundRow,
};

/// A number that wants no messages.
#[derive(Clone, Debug, Deserialize)]
pub struct OptedOut {
    /// Without a plus.
    pub number: String,
    /// `stop`: it said so itself; `api`: somebody wrote it down.
    pub reason: String,
    /// Since when.
    pub created_at: Timestamp,
    /// The guardian whose number it is.
    pub guardian: Option<Id<()>>,
    /// The guardian's name.
    pub guardian_name: Option<String>,
}

/// What opt-outs can be ordered, searched and filtered by.
pub static OPT_OUTS: Listing = Listing {
    orderings: &[("created_at", "o.created_at"), ("number", "o.number")],
    default_ordering: "-created_at",
    search: &["o.number", "ifnull(g.first_name || ' ' || g.last_name, '')"],
    filters: &[
        ("number", FilterKind::Text, "o.number = ltrim(?, ' +')"),
        ("reason", FilterKind::Text, "o.reason = ?"),
    ],
};

/// One page of those who want no messages of the school.
pub async fn list_opt_outs(
    db: &TenantDb,
    app_id: i64,
    request: &PageRequest,
) -> Result<Page<OptedOut>, StoreError> {
    let source = Source {
        columns: "o.number, o.reason, o.created_at, g.id as guardian, \
                  g.first_name || ' ' || g.last_name as guardian_name",
        from: "sms_opt_outs o left join guardians g on g.phone_number = '+' || o.number",
        condition: "true",
        key: "o.number",
    };
    let request = of_app(request, "o.app_id = ?", app_id);
    list::fetch(&db.connection, &source, OPT_OUTS.search, &request).await
}

/// A message from a phone.
#[derive(Clone, Debug, Deserialize)]
pub struct Heard {
    /// The message.
    #[serde(flatten)]
    pub message: InboundRow,
    /// The guardian whose number it is.
    pub guardian: Option<Id<()>>,
    /// The guardian's name.
    pub guardian_name: Option<String>,
}

/// What messages from phones can be ordered, searched and filtered by.
pub static INBOUND: Listing = Listing {
    orderings: &[("received_at", "i.received_at")],
    default_ordering: "-received_at",
    search: &[
        "i.text",
        "i.source",
        "ifnull(g.first_name || ' ' || g.last_name, '')",
    ],
    filters: &[
        ("source", FilterKind::Text, "i.source = ltrim(?, ' +')"),
        ("keyword", FilterKind::Text, "ifnull(i.keyword, '') = ?"),
        ("guardian", FilterKind::Id, "g.id = ?"),
    ],
};

/// One page of the messages from phones.
pub async fn list_inbound(
    db: &TenantDb,
    app_id: i64,
    request: &PageRequest,
) -> Result<Page<Heard>, StoreError> {
    let source = Source {
        columns: "i.id, i.esme, i.source, i.destination, i.text, i.missing_parts, i.keyword, i.received_at, \
                  g.id as guardian, g.first_name || ' ' || g.last_name as guardian_name",
        from: "sms_inbound i left join guardians g on g.phone_number = '+' || i.source",
        condition: "true",
        key: "i.id",
    };
    let request = of_app(request, "i.app_id = ?", app_id);
    list::fetch(&db.connection, &source, INBOUND.search, &request).await
}
