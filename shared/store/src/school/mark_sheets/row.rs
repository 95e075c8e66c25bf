//! A change as the statements that save it read it.

use homeroom_domain::academics::{
    mark_sheet::Entry,
    marks::{Hundredths, Mark},
};
use serde_json::{Map, Value as Json, json};

use super::{Change, Saving};

/// The entry, what it is in the place of, and what the audit log says of both.
pub(super) fn row(saving: &Saving<'_>, change: &Change) -> Json {
    let ids = &saving.stamp.ids;
    let before = change.before.as_ref().map(|(_, stored)| stored);
    let version = before.map_or(0, |stored| stored.version);
    let mut changes = Map::new();
    let mut note = |field: &str, from: Json, to: Json| {
        if from != to {
            changes.insert(field.to_owned(), json!({"from": from, "to": to}));
        }
    };
    let shown = |entry: &Entry| entry.mark.map(Hundredths::from);
    let old = before.map(|stored| &stored.entry);
    note(
        "mark",
        json!(old.and_then(shown)),
        json!(shown(&change.entry)),
    );
    note(
        "is_absent",
        json!(old.map(|entry| entry.is_absent)),
        json!(change.entry.is_absent),
    );
    note(
        "comment",
        json!(old.map(|entry| &entry.comment)),
        json!(change.entry.comment),
    );
    note(
        "version",
        json!(before.map(|_| version)),
        json!(version + 1),
    );
    note("reason", Json::Null, json!(saving.reason));
    if before.is_none() {
        note("exam", Json::Null, json!(saving.exam));
        note("student_session", Json::Null, json!(change.student_session));
    }
    json!({
        "s": change.student_session, "v": version, "id": ids.next::<()>(), "log": ids.next::<()>(),
        "mark": change.entry.mark.map(Mark::hundredths), "absent": i64::from(change.entry.is_absent),
        "comment": change.entry.comment, "changes": changes,
    })
}
