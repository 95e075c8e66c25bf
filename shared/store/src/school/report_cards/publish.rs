//! Freezing cards into a new version, in one transaction whatever their number.

use std::collections::BTreeMap;

use homeroom_domain::{academics::exam_state::ExamState, credentials, records};
use homeroom_kernel::{Id, Timestamp};
use serde::Serialize;
use serde_json::{
    Value as Json, json,
    value::{RawValue, to_raw_value},
};

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
    student_session: String,
    academic_class: String,
    card: Box<RawValue>,
    digest: String,
}

impl Frozen {
    /// Everything that a card shows, of whom, and the class in which it is published.
    pub fn new(
        student_session: &str,
        academic_class: &str,
        card: &impl Serialize,
    ) -> Result<Self, StoreError> {
        let card = to_raw_value(card)?;
        Ok(Self {
            student_session: student_session.to_owned(),
            academic_class: academic_class.to_owned(),
            digest: credentials::digest(card.get()),
            card,
        })
    }
}

/// What a publication is of.
#[derive(Debug)]
pub struct Publication {
    /// The class; none: all.
    pub academic_class: Option<String>,
    /// The cards that say something new.
    pub cards: Vec<Frozen>,
    /// The others, which stay as they are.
    pub unchanged: usize,
    /// How many of all these are incomplete.
    pub incomplete: usize,
    /// The newest version afterwards.
    pub version: u32,
    /// When cards were published last, this publication included.
    pub published_at: Option<Timestamp>,
}

impl Publication {
    /// Leaves out the cards whose newest version says the same and was not corrected since.
    #[must_use]
    pub fn new(
        stamp: &Stamp<'_>,
        loaded: &Loaded,
        academic_class: Option<String>,
        mut cards: Vec<Frozen>,
        incomplete: usize,
    ) -> Self {
        let known: BTreeMap<&str, &str> = loaded
            .frozen
            .iter()
            .filter(|row| row.is_outdated == 0)
            .filter_map(|row| Some((row.student_session.as_str(), row.digest.as_deref()?)))
            .collect();
        let all = cards.len();
        cards.retain(|card| known.get(card.student_session.as_str()) != Some(&&*card.digest));
        let is_new = !cards.is_empty();
        let moves = is_new || exams::state(&loaded.exam_session) != Some(ExamState::Published);
        Self {
            academic_class,
            unchanged: all - cards.len(),
            cards,
            incomplete,
            version: loaded.facts.version + u32::from(is_new),
            published_at: if moves {
                Some(stamp.now)
            } else {
                records::moment(&loaded.exam_session, "published_at")
            },
        }
    }
}

/// Freezes cards with the scales and settings that they used as the next version, and publishes the exam session; where no
/// card is new there is no version. Refused with `exam_state_changed` where the state is no longer the one that was read, or
/// another publication came first, and with `changed_meanwhile` where a mark was written after it was read.
pub fn publish(
    stamp: &Stamp<'_>,
    loaded: &Loaded,
    publication: Publication,
) -> Result<Batch, StoreError> {
    let version = i64::from(publication.version);
    let exam_session = records::text(&loaded.exam_session, "id");
    let is_new = !publication.cards.is_empty();
    let mut batch = advance(stamp, loaded, is_new);
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
    if !is_new {
        return Ok(batch);
    }
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
        "unchanged": publication.unchanged,
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
             digest, is_outdated, is_current, created_at, updated_at, created_by) \
             select json_extract(j.value, '$[0]'), ?2, ?3, json_extract(j.value, '$[1]'), json_extract(j.value, '$[2]'), \
             ?4, json_extract(j.value, '$[3]'), json_extract(j.value, '$[4]'), 0, 1, ?5, ?5, ?6 from json_each(?1) j",
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

/// The step to the published state; of what is published already, the moment of a new version.
fn advance(stamp: &Stamp<'_>, loaded: &Loaded, is_new: bool) -> Batch {
    let before = &loaded.exam_session;
    if exams::state(before) != Some(ExamState::Published) {
        return exams::step(stamp, before, ExamState::Published, None).0;
    }
    let mut batch = Batch::default();
    if !is_new {
        return batch;
    }
    let id = records::text(before, "id");
    let mut after = before.clone();
    after.insert("published_at".to_owned(), json!(stamp.now));
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

/// The cards as JSON arrays of `[id, student_session, academic_class, card, digest]`, none longer than a value may be.
fn chunks(stamp: &Stamp<'_>, cards: Vec<Frozen>) -> Result<Vec<String>, StoreError> {
    let mut chunks = Vec::new();
    let mut chunk = String::new();
    for card in cards {
        let id: Id<()> = stamp.ids.next();
        let row = (
            id,
            card.student_session,
            card.academic_class,
            card.card,
            card.digest,
        );
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
