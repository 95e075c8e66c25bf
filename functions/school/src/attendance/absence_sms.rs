//! Guardians hear of absences as they are entered, where the school wants that.

use homeroom_domain::{academics::attendance::Status, sms::school::Template};
use homeroom_edge::{
    ApiError, Caller, SchoolArea,
    school_sms::{self, PreparedBatch, Sender, Wishes},
};
use homeroom_kernel::Id;
use homeroom_store::{
    school::attendance::NewEntry,
    sms::school::{
        audience::{self, Audience},
        settings,
    },
};

/// Students who are absent today, all day, and were not a moment ago: what is entered for other days is no news.
fn absent(caller: &Caller<SchoolArea>, entries: &[NewEntry]) -> Vec<Id<()>> {
    let today = caller
        .app
        .local_time(caller.db.school(), caller.context.now);
    let is_news = |entry: &&NewEntry| {
        let was = entry.before.as_ref().map(|(status, _, _)| *status);
        entry.status == Status::Absent
            && was != Some(Status::Absent)
            && entry.lesson.is_none()
            && today.starts_with(&entry.date)
    };
    let absent = entries.iter().filter(is_news);
    absent
        .filter_map(|entry| Id::parse(&entry.student_session))
        .collect()
}

/// How the school sends, where there is something to tell and it wants that told. Attendance is entered whatever becomes of messages.
pub(super) async fn sender(caller: &Caller<SchoolArea>, entries: &[NewEntry]) -> Option<Sender> {
    if absent(caller, entries).is_empty() {
        return None;
    }
    let saved = settings::find(&caller.db).await.ok()?;
    let saved = saved.filter(|saved| saved.tells_absences)?;
    Sender::with(&caller.app, &caller.context, &caller.db, Some(saved))
        .await
        .ok()
}

/// The messages, to be stored with the entries.
pub(super) async fn prepare<'a>(
    caller: &'a Caller<SchoolArea>,
    sender: &'a Sender,
    entries: &[NewEntry],
) -> Option<PreparedBatch<'a>> {
    try_prepare(caller, sender, entries).await.ok()
}

async fn try_prepare<'a>(
    caller: &'a Caller<SchoolArea>,
    sender: &'a Sender,
    entries: &[NewEntry],
) -> Result<PreparedBatch<'a>, ApiError> {
    let date = entries.first().map_or("", |entry| entry.date.as_str());
    let template = format!("{{school}}: {{student}} ({{class}}) is absent today, {date}.");
    let template = Template::parse(&template).map_err(|error| ApiError::Internal(error.clone()))?;
    let wishes = Wishes {
        transliterate: true,
        ..Wishes::default()
    };
    let audience = Audience::Registrations(absent(caller, entries));
    let found = audience::find(&caller.db, &audience, true).await?;
    let texts = school_sms::texts(&found, &template, &caller.db.school().school().name)?;
    let weighed = sender.weigh(caller, texts, &wishes).await?;
    let name = format!("Absences of {date}");
    sender.prepare_batch(caller, &name, weighed, &wishes).await
}
