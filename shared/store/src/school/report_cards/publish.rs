//! Freezing cards into a new version, in one transaction whatever their number.

use homeroom_domain::{academics::exam_state::ExamState, records};
use homeroom_kernel::Id;
use serde_json::{Value as Json, json};

use super::Loaded;
use crate::{
    batch::{Action, Batch, Stamp},
    error::StoreError,
    school::exams,
    sql::{Value, sql},
};

/// Largest text bound at once, well below D1's limit of a value.
const CHUNK: usize = 900_000;

/// A card as it is frozen.
#[derive(Debug)]
pub struct Frozen {
    /// Whose.
    pub student_session: String,
    /// The class in which it is published.
    pub academic_class: String,
    /// Everything that it shows.
    pub card: Json,
}

/// What a publication is of.
#[derive(Debug)]
pub struct Publication {
    /// The class; none: all.
    pub academic_class: Option<String>,
    /// The cards.
    pub cards: Vec<Frozen>,
    /// How many of them are incomplete.
    pub incomplete: usize,
}

/// Freezes cards with the scales and settings that they used as the next version, and publishes the exam session. Refused
/// with `exam_state_changed` where its state is no longer the one that was read, or another publication came first, and
/// with `changed_meanwhile` where a mark was written after it was read.
pub fn publish(
    stamp: &Stamp<'_>,
    loaded: &Loaded,
    publication: Publication,
) -> Result<Batch, StoreError> {
    let version = i64::from(loaded.facts.version) + 1;
    let exam_session = records::text(&loaded.exam_session, "id");
    let mut batch = advance(stamp, loaded);
    // D1 binds numbers as floats, and JSON shows them as such.
    batch.guard(
        "changed_meanwhile",
        "(select json_array(count(*), ifnull(sum(m.version), 0)) from exams e join marks m on m.exam = e.id \
         where e.exam_session = ?1) <> json_array(cast(?2 as integer), cast(?3 as integer))",
        vec![
            exam_session.into(),
            loaded.facts.marks.into(),
            loaded.facts.mark_versions.into(),
        ],
    );
    let id: Id<()> = stamp.ids.next();
    let scales: serde_json::Map<String, Json> = loaded
        .forms()
        .into_iter()
        .map(|(_, level)| (level.to_owned(), json!(loaded.bands_of(level))))
        .collect();
    batch.push(sql!(
        "insert into publications (id, exam_session, version, scales, settings, published_at, published_by) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        id,
        exam_session,
        version,
        Json::Object(scales).to_string(),
        serde_json::to_string(&loaded.settings)?,
        stamp.now,
        stamp.created_by(),
    ));
    let summary = json!({
        "exam_session": exam_session,
        "version": version,
        "academic_class": publication.academic_class,
        "cards": publication.cards.len(),
        "incomplete": publication.incomplete,
    });
    for chunk in chunks(stamp, publication.cards)? {
        batch.push(sql!(
            "update report_cards set is_current = 0, updated_at = ?3 where exam_session = ?2 and is_current = 1 \
             and student_session in (select json_extract(j.value, '$[1]') from json_each(?1) j)",
            &chunk,
            exam_session,
            stamp.now,
        ));
        batch.push(sql!(
            "insert into report_cards (id, publication, exam_session, student_session, academic_class, version, card, \
             is_outdated, is_current, created_at, updated_at, created_by) \
             select json_extract(j.value, '$[0]'), ?2, ?3, json_extract(j.value, '$[1]'), \
             json_extract(j.value, '$[2]'), ?4, json_extract(j.value, '$[3]'), 0, 1, ?5, ?5, ?6 from json_each(?1) j",
            chunk,
            id,
            exam_session,
            version,
            stamp.now,
            stamp.created_by(),
        ));
    }
    let id = id.to_string();
    batch.audit(
        stamp,
        Action::Create,
        "publications",
        &id,
        None::<&Json>,
        Some(&summary),
    );
    Ok(batch)
}

/// The step to the published state; of what is published already, the moment of the new version.
fn advance(stamp: &Stamp<'_>, loaded: &Loaded) -> Batch {
    let before = &loaded.exam_session;
    if exams::state(before) != Some(ExamState::Published) {
        return exams::step(stamp, before, ExamState::Published, None).0;
    }
    let id = records::text(before, "id");
    let mut after = before.clone();
    after.insert("published_at".to_owned(), json!(stamp.now));
    let mut batch = Batch::default();
    batch.push(sql!(
        "update exam_sessions set published_at = ?2, updated_at = ?2 \
         where id = ?1 and state = 'published' and is_deleted = 0",
        id,
        stamp.now,
    ));
    batch.guard_academics("exam_state_changed", "changes() = 0", Vec::<Value>::new());
    batch.audit(
        stamp,
        Action::Update,
        "exam_sessions",
        id,
        Some(before),
        Some(&after),
    );
    batch
}

/// The cards as JSON arrays of `[id, student_session, academic_class, card]`, none longer than a value may be.
fn chunks(stamp: &Stamp<'_>, cards: Vec<Frozen>) -> Result<Vec<String>, StoreError> {
    let mut chunks = Vec::new();
    let mut chunk = String::new();
    for card in cards {
        let id: Id<()> = stamp.ids.next();
        let row = (id, card.student_session, card.academic_class, card.card);
        let row = serde_json::to_string(&row)?;
        if !chunk.is_empty() && chunk.len() + row.len() > CHUNK {
            chunk.push(']');
            chunks.push(std::mem::take(&mut chunk));
        }
        chunk.push(if chunk.is_empty() { '[' } else { ',' });
        chunk.push_str(&row);
    }
    if !chunk.is_empty() {
        chunk.push(']');
        chunks.push(chunk);
    }
    Ok(chunks)
}
