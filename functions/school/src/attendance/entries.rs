//! Single entries.

use homeroom_domain::{
    academics::attendance::{Status, StatusFault, counts_as},
    records::{Record, text},
};
use homeroom_edge::ApiError;
use homeroom_store::school::attendance::{self as store, Day};
use serde_json::{Value, json};

use super::{announce, check_place};
use crate::records::Write;

/// What a status that cannot be settled means to a client.
pub(super) fn status_fault(fault: StatusFault) -> (&'static str, String) {
    let field = match fault {
        StatusFault::Missing | StatusFault::Contradiction(_) => "status",
        StatusFault::UnknownCode => "code",
    };
    (field, fault.to_string())
}

/// Refuses an entry that cannot be, settles its status, and takes it from the leave that wrote it.
pub(super) async fn settle(write: &mut Write<'_>) -> Result<(), ApiError> {
    let Some(after) = write.after.as_mut() else {
        return Ok(());
    };
    if write.set.is_empty() {
        return Ok(());
    }
    let filled = |name: &str| Some(text(after, name)).filter(|text| !text.is_empty());
    let student = text(after, "student_session");
    let other = write.before.map(|before| text(before, "student_session"));
    let other = other.filter(|other| *other != student);
    let user = write.caller.actor.user.map(|user| user.to_string());
    let (lesson, code) = (filled("lesson"), filled("code"));
    let asked = Day {
        date: text(after, "date"),
        lesson,
        user: user.as_deref(),
    };
    // Whoever changed the class since was in the lesson of the former one all the same.
    let stays = |before: &Record| {
        let same = |name: &&str| before.get(*name) == after.get(*name);
        ["student_session", "date", "lesson"].iter().all(same)
    };
    let stays = write.before.is_some_and(stays);
    let known = store::student_day(&write.caller.db, &asked, student, other, code).await?;
    for place in &known.places {
        if place.id == student {
            let lesson = lesson.filter(|_| !stays).map(|_| known.lesson.as_ref());
            check_place(write.caller, place, asked.date, &known.holidays, lesson)?;
            let is_new = write.before.is_none() || other.is_some();
            if is_new && place.status.as_deref() != Some("active") {
                let message = "The student has left this session.";
                return Err(ApiError::field("student_session", message));
            }
        } else if !place.own && !super::enters_for_all(write.caller) {
            return Err(super::not_your_class());
        }
    }
    let set = |name: &str| write.set.get(name);
    let named = match set("status") {
        Some(status) => status.as_str(),
        // A new code decides anew.
        None if set("code").is_some_and(Value::is_string) => None,
        None => Some(text(after, "status")),
    };
    if set("status").is_some() || set("code").is_some() {
        let code = code.map(|_| known.code);
        let status = counts_as(named.and_then(Status::parse), code).map_err(|fault| {
            let (field, message) = status_fault(fault);
            ApiError::field(field, &message)
        })?;
        after.insert("status".to_owned(), json!(status));
    }
    after.insert("leave_application".to_owned(), Value::Null);
    let status = Status::parse(text(after, "status"));
    let before = write.before.filter(|_| stays);
    let before = before.and_then(|before| Status::parse(text(before, "status")));
    if let Some(status) = status.filter(|status| Some(*status) != before) {
        let student = text(after, "student_session");
        let place = known.places.iter().find(|place| place.id == student);
        let class = place.and_then(|place| place.academic_class.as_deref());
        let lesson = Some(text(after, "lesson")).filter(|lesson| !lesson.is_empty());
        let place = (class, text(after, "date"), lesson);
        announce(write.caller, &mut write.batch, place, &[(student, status)]);
    }
    if let Some(before) = write.before {
        write.batch.append(store::detach(text(before, "id")));
    }
    Ok(())
}
