//! Freezing cards into a new version: all of them become current in one transaction, whatever their number.

use std::collections::HashMap;

use homeroom_domain::{academics::exam_state::ExamState, credentials, records};
use homeroom_kernel::{Id, Timestamp};
use serde::Serialize;
use serde_json::{Value as Json, json, value::to_raw_value};

use super::{FrozenRow, Loaded, load::SOURCES};
use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    school::exams,
    sql::{Statement, Value, sql},
};

/// Largest text bound at once, well below D1's limit of a value.
const PORTION: usize = 900_000;

/// Cards on their way into a publication, each kept as text only, and only if it says something new.
pub struct Freezing<'a> {
    known: HashMap<&'a str, &'a FrozenRow>,
    portions: Vec<String>,
    fresh: usize,
    unchanged: usize,
    again: Vec<String>,
    places: Vec<(String, Option<u32>, u32)>,
}

impl<'a> Freezing<'a> {
    /// Compares with the newest versions that were loaded.
    #[must_use]
    pub fn new(loaded: &'a Loaded) -> Self {
        let known = loaded.frozen.iter();
        Self {
            known: known
                .map(|row| (row.student_session.as_str(), row))
                .collect(),
            portions: Vec::new(),
            fresh: 0,
            unchanged: 0,
            again: Vec::new(),
            places: Vec::new(),
        }
    }

    /// Takes a card: everything that it shows, of whom, and the class in which it is published.
    pub fn add(
        &mut self,
        stamp: &Stamp<'_>,
        student_session: &str,
        academic_class: &str,
        card: &impl Serialize,
    ) -> Result<(), StoreError> {
        let card = to_raw_value(card)?;
        let digest = credentials::digest(card.get());
        let known = self.known.get(student_session);
        if let Some(row) = known
            && row.is_outdated == 0
            && row.digest.as_ref() == Some(&digest)
        {
            self.unchanged += 1;
            if row.is_current == 0 {
                self.again.push(student_session.to_owned());
            }
            return Ok(());
        }
        self.fresh += 1;
        let id: Id<()> = stamp.ids.next();
        let row = serde_json::to_string(&(id, student_session, academic_class, card, digest))?;
        match self.portions.last_mut() {
            Some(portion) if portion.len() + row.len() < PORTION => {
                portion.push(',');
                portion.push_str(&row);
            }
            _ => {
                self.close();
                self.portions.push(format!("[{row}"));
            }
        }
        Ok(())
    }

    /// Notes where somebody stands in the form whose card is not published now.
    pub fn note_place(&mut self, student_session: &str, position: Option<u32>, size: u32) {
        self.places
            .push((student_session.to_owned(), position, size));
    }

    /// Whether there is no card.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fresh + self.unchanged == 0
    }

    fn close(&mut self) {
        if let Some(portion) = self.portions.last_mut() {
            portion.push(']');
        }
    }
}

/// What a publication is of.
#[derive(Debug)]
pub struct Publication {
    /// The class; none: all.
    pub academic_class: Option<String>,
    /// How many cards say something new.
    pub cards: usize,
    /// How many do not, and stay as they are.
    pub unchanged: usize,
    /// How many of all these are incomplete.
    pub incomplete: usize,
    /// The newest version afterwards.
    pub version: u32,
    /// When cards were published last, this publication included.
    pub published_at: Option<Timestamp>,
    portions: Vec<String>,
    /// Those of the unchanged that were withdrawn.
    again: Vec<String>,
    /// Where those stand in the form who are in other classes.
    places: Vec<(String, Option<u32>, u32)>,
}

impl Publication {
    /// Of the cards that were taken.
    #[must_use]
    pub fn new(
        stamp: &Stamp<'_>,
        loaded: &Loaded,
        mut freezing: Freezing<'_>,
        academic_class: Option<String>,
        incomplete: usize,
    ) -> Self {
        freezing.close();
        let is_new = freezing.fresh > 0;
        let moves = is_new
            || !freezing.again.is_empty()
            || exams::state(&loaded.exam_session) != Some(ExamState::Published);
        Self {
            academic_class,
            cards: freezing.fresh,
            unchanged: freezing.unchanged,
            incomplete,
            version: loaded.facts.version + u32::from(is_new),
            published_at: if moves {
                Some(stamp.now)
            } else {
                records::moment(&loaded.exam_session, "published_at")
            },
            portions: freezing.portions,
            again: freezing.again,
            places: freezing.places,
        }
    }
}

/// Freezes cards with the scales and settings that they used as the next version, and publishes the exam session; where no
/// card is new there is no version. What this gives makes all of them current at once; until then the other portions wait
/// where nobody reads them. Refused with `exam_state_changed` where the state is no longer the one that was read, or another
/// publication came first, and with `changed_meanwhile` where something that cards are worked out from was written after it
/// was read.
pub async fn publish(
    db: &TenantDb,
    stamp: &Stamp<'_>,
    loaded: &Loaded,
    mut publication: Publication,
) -> Result<Batch, StoreError> {
    let exam_session = records::text(&loaded.exam_session, "id");
    let id = stamp.ids.next::<()>().to_string();
    let portions = std::mem::take(&mut publication.portions);
    let count = portions.len();
    let mut last = Batch::default();
    for (part, cards) in (1..).zip(portions) {
        let portion = sql!(
            "insert into publication_portions (publication, part, exam_session, cards) values (?1, ?2, ?3, ?4)",
            &id,
            part,
            exam_session,
            cards,
        );
        if usize::try_from(part) == Ok(count) {
            last.push(portion);
            break;
        }
        let mut ahead = Batch::default();
        if part == 1 {
            ahead.push(discard(exam_session));
        }
        ahead.push(portion);
        ahead.commit(db).await?;
    }
    let is_new = count > 0;
    let mut batch = advance(stamp, loaded, is_new || !publication.again.is_empty());
    batch.guard(
        "changed_meanwhile",
        &format!("{SOURCES} is not ?2"),
        vec![exam_session.into(), loaded.facts.sources.as_str().into()],
    );
    if is_new {
        batch.append(last);
        batch.append(freeze(stamp, loaded, &publication, &id, count)?);
    }
    if !publication.again.is_empty() {
        batch.push(sql!(
            "update report_cards set is_current = 1, updated_at = ?3 where exam_session = ?2 \
             and student_session in (select j.value from json_each(?1) j) and version = (select max(n.version) \
             from report_cards n where n.exam_session = ?2 and n.student_session = report_cards.student_session)",
            serde_json::to_string(&publication.again)?,
            exam_session,
            stamp.now,
        ));
    }
    if is_new && !publication.places.is_empty() {
        batch.push(sql!(
            "with now as (select j.value ->> 0 as student_session, j.value ->> 1 as place, j.value ->> 2 as size \
             from json_each(?1) j) update report_cards set is_outdated = 1, updated_at = ?3 \
             where exam_session = ?2 and is_current = 1 and is_outdated = 0 and exists (select 1 from now \
             where now.student_session = report_cards.student_session and (now.place is not card ->> '$.position_in_form' \
             or now.size is not card ->> '$.form_size'))",
            serde_json::to_string(&publication.places)?,
            exam_session,
            stamp.now,
        ));
    }
    Ok(batch)
}

/// Forgets cards that were on their way into a publication of the exam session, of this one or of one that was cut off.
fn discard(exam_session: &str) -> Statement {
    sql!(
        "delete from publication_portions where exam_session = ?1",
        exam_session
    )
}

/// The publication, and report cards of its portions.
fn freeze(
    stamp: &Stamp<'_>,
    loaded: &Loaded,
    publication: &Publication,
    id: &str,
    portions: usize,
) -> Result<Batch, StoreError> {
    let version = i64::from(publication.version);
    let exam_session = records::text(&loaded.exam_session, "id");
    let scales: serde_json::Map<String, Json> = loaded
        .forms()
        .into_iter()
        .map(|(_, level)| (level.to_owned(), json!(loaded.bands_of(level))))
        .collect();
    let mut batch = Batch::default();
    batch.push(sql!(
        "insert into publications (id, exam_session, version, scales, settings, published_at, published_by, day) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        id,
        exam_session,
        version,
        Json::Object(scales).to_string(),
        serde_json::to_string(&loaded.settings)?,
        stamp.now,
        stamp.created_by(),
        loaded.today.as_str(),
    ));
    // Of two publications on their way at once, the one that began last took away what the other had laid down.
    batch.guard_academics(
        "exam_state_changed",
        "(select count(*) from publication_portions where publication = ?1) <> ?2",
        vec![
            id.into(),
            i64::try_from(portions).unwrap_or(i64::MAX).into(),
        ],
    );
    // What is worked out from parts shows their marks: whoever has some there has a card of them that says the same.
    batch.guard_academics(
        "parts_not_published",
        "exists (select 1 from publication_portions p, json_each(p.cards) j cross join exam_session_parts q on q.exam_session = ?2 \
         where p.publication = ?1 and exists (select 1 from marks m join exams e on e.id = m.exam \
         where m.student_session = j.value ->> '$[1]' and e.exam_session = q.part) \
         and not exists (select 1 from report_cards c where c.exam_session = q.part \
         and c.student_session = j.value ->> '$[1]' and c.is_current = 1 and c.is_outdated = 0))",
        vec![id.into(), exam_session.into()],
    );
    batch.push(sql!(
        "update report_cards set is_current = 0, updated_at = ?3 where exam_session = ?2 and is_current = 1 \
         and student_session in (select json_extract(j.value, '$[1]') from publication_portions p, json_each(p.cards) j \
         where p.publication = ?1)",
        id,
        exam_session,
        stamp.now,
    ));
    batch.push(sql!(
        "insert into report_cards (id, publication, exam_session, student_session, academic_class, version, card, \
         digest, is_outdated, is_current, created_at, updated_at, created_by) \
         select json_extract(j.value, '$[0]'), ?1, ?2, json_extract(j.value, '$[1]'), json_extract(j.value, '$[2]'), \
         ?3, json_extract(j.value, '$[3]'), json_extract(j.value, '$[4]'), 0, 1, ?4, ?4, ?5 \
         from publication_portions p, json_each(p.cards) j where p.publication = ?1",
        id,
        exam_session,
        version,
        stamp.now,
        stamp.created_by(),
    ));
    batch.push(discard(exam_session));
    let summary = json!({
        "exam_session": exam_session,
        "version": version,
        "academic_class": publication.academic_class,
        "cards": publication.cards,
        "unchanged": publication.unchanged,
        "incomplete": publication.incomplete,
    });
    batch.audit(
        stamp,
        Action::Create,
        "publications",
        id,
        None::<&Json>,
        Some(&summary),
    );
    Ok(batch)
}

/// Withdraws the cards that students and guardians see of an exam session; each comes back when it is published again.
#[must_use]
pub fn withdraw(stamp: &Stamp<'_>, exam_session: &str) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "update report_cards set is_current = 0, updated_at = ?2 where exam_session = ?1 and is_current = 1",
        exam_session,
        stamp.now,
    ));
    batch
}

/// The step to the published state; of what is published already, the moment at which there is more to see.
fn advance(stamp: &Stamp<'_>, loaded: &Loaded, shows_more: bool) -> Batch {
    let before = &loaded.exam_session;
    if exams::state(before) != Some(ExamState::Published) {
        return exams::step(stamp, before, ExamState::Published, None).0;
    }
    let mut batch = Batch::default();
    if !shows_more {
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
