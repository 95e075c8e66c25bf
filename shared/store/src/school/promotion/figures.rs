//! What proposals are made of: the students of the year that ends, their figures, and the classes they could go to.

use serde::Deserialize;

use super::{
    super::exams::{Part, parts_of, with_exams_of},
    decisions::{DecisionRow, Proposed},
    execution::{SETUP, Setup},
    moved_on,
};
use crate::{connection::TenantDb, error::StoreError, rows, school::names::student_name, sql::sql};

/// Everything that a preview needs, but the marks of those without a card.
#[derive(Debug)]
pub struct Preview {
    /// The set-up.
    pub setup: Setup,
    /// The report settings, as stored.
    pub settings: Option<String>,
    /// The exam session whose figures count.
    pub exam_session: Option<String>,
    /// What its marks are worked out from; none where it has exams.
    pub parts: Vec<Part>,
    /// The classes of the year that ends.
    pub sources: Vec<Source>,
    /// The classes of the new year.
    pub places: Vec<Place>,
    /// The students.
    pub candidates: Vec<Candidate>,
}

/// A class of the year that ends.
#[derive(Clone, Debug, Deserialize)]
pub struct Source {
    /// The class of the session.
    pub academic_class: String,
    /// The class of the school.
    pub class: String,
    /// Its name.
    pub class_name: String,
    /// The class of the school to which the pattern leads.
    pub next: Option<String>,
    /// Whether no form follows.
    pub is_final: i64,
}

/// A class of the new year.
#[derive(Clone, Debug, Deserialize)]
pub struct Place {
    /// The class of the session.
    pub academic_class: String,
    /// The class of the school.
    pub class: String,
    /// Its name.
    pub class_name: String,
    /// Its places; none: no limit.
    pub capacity: Option<i64>,
    /// Students who are in it already.
    pub registered: i64,
    /// Students who are decided into it, or proposed from a class that is not previewed.
    pub decided: i64,
}

/// A student of the year that ends.
#[derive(Clone, Debug, Deserialize)]
pub struct Candidate {
    /// The registration.
    pub student_session: String,
    /// The student.
    pub student: String,
    /// The school's number of the student.
    pub student_id: String,
    /// For people.
    pub student_name: String,
    /// The class, if the student is in one.
    pub source_session_class: Option<String>,
    /// What the published card shows; none: no card.
    #[serde(deserialize_with = "rows::optional_json")]
    pub card: Option<Figures>,
    decision: Option<String>,
    decision_source: Option<String>,
    destination_session_class: Option<String>,
    /// The decision that there is.
    pub action: Option<String>,
    boarding_status: Option<String>,
    reason: Option<String>,
    decided_by: Option<String>,
    is_proposed: Option<i64>,
    updated_at: Option<i64>,
}

impl Candidate {
    /// The decision that there is about the student.
    #[must_use]
    pub fn decision(&self) -> Option<Proposed> {
        Some(Proposed {
            id: self.decision.clone()?,
            row: DecisionRow {
                student: self.student.clone(),
                source_session_class: self.decision_source.clone()?,
                destination_session_class: self.destination_session_class.clone(),
                action: self.action.clone()?,
                boarding_status: self.boarding_status.clone(),
                reason: self.reason.clone()?,
                decided_by: self.decided_by.clone(),
                is_proposed: self.is_proposed? != 0,
            },
            updated_at: self.updated_at?,
        })
    }
}

/// The figures of a card.
#[derive(Clone, Debug, Deserialize)]
pub struct Figures {
    /// In hundredths; none of who sat nothing.
    pub average: Option<i64>,
    /// Subjects passed.
    pub subjects_passed: u32,
    /// Whether no mark is missing.
    pub is_complete: i64,
    /// Whether marks were corrected since.
    pub is_outdated: i64,
    /// The names of the subjects that must be passed and were not.
    pub not_passed: Vec<String>,
}

/// The exam session `?3` of the year that a set-up `g` ends; where none is named, the last: of those whose cards are
/// published, else of all; in a term, one that is worked out from others.
const LAST_EXAMS: &str = "(select x.id from exam_sessions x where x.session = g.previous_session and x.is_deleted = 0 \
     and (?3 is null or x.id = ?3) order by x.state in ('published', 'locked') desc, x.term desc, \
     exists (select 1 from exam_session_parts q where q.exam_session = x.id) desc, x.created_at desc, x.id desc limit 1)";

/// Whether the card `y` counts: the newest version, and not withdrawn.
const COUNTS: &str = "y.is_current = 1 and exists (select 1 from exam_sessions w where w.id = y.exam_session \
     and w.state in ('published', 'locked'))";

#[derive(Deserialize)]
struct Basis {
    settings: Option<String>,
    exam_session: Option<String>,
    #[serde(deserialize_with = "rows::json")]
    parts: Vec<Part>,
}

/// What a preview of a set-up needs, of one class or of all; by the figures of an exam session, or of the last.
pub async fn preview(
    db: &TenantDb,
    setup: &str,
    class: Option<&str>,
    exam_session: Option<&str>,
) -> Result<Preview, StoreError> {
    let settings = format!(
        "select (select settings from report_settings where id = 1) as settings, n.id as exam_session, {} as parts \
         from session_setups g left join exam_sessions n on n.id = {LAST_EXAMS} where g.id = ?1",
        parts_of!("n.id"),
    );
    let sources = "select a.id as academic_class, a.class, c.name as class_name, w.to_class as next, \
         not exists (select 1 from forms f join forms n on n.sequence > f.sequence where f.id = c.form) as is_final \
         from session_setups g join academic_classes a on a.session = g.previous_session \
         join classes c on c.id = a.class left join class_patterns w on w.from_class = a.class where g.id = ?1";
    let places = "select a.id as academic_class, a.class, c.name as class_name, \
         ifnull(a.capacity, c.capacity) as capacity, (select count(*) from student_sessions reg \
         where reg.academic_class = a.id and reg.status = 'active') as registered, \
         (select count(*) from student_promotions deed where deed.destination_session_class = a.id \
         and deed.session_setup = g.id and deed.action in ('promote', 'repeat') and deed.execution_date is null \
         and (deed.is_proposed = 0 or deed.source_session_class <> ?2)) as decided \
         from session_setups g join academic_classes a on a.session = g.academic_session \
         join classes c on c.id = a.class join forms f on f.id = c.form where g.id = ?1 order by f.sequence, c.name";
    let candidates = format!(
        "select reg.id as student_session, reg.student, st.student_id, \
         {name} as student_name, \
         reg.academic_class as source_session_class, case when y.id is not null then json_object( \
         'average', cast(round((y.card ->> '$.average') * 100) as integer), \
         'subjects_passed', ifnull(y.card ->> '$.subjects_passed', 0), \
         'is_complete', ifnull(y.card ->> '$.is_complete', 0), 'is_outdated', y.is_outdated, \
         'not_passed', json((select json_group_array(name) from (select j.name from curriculum r \
         join subjects j on j.id = r.subject where r.form = c.form and r.must_pass = 1 \
         and not exists (select 1 from json_each(y.card, '$.subjects') line \
         where line.value ->> '$.subject' = r.subject and line.value ->> '$.passed') order by j.name)))) end as card, \
         d.id as decision, d.source_session_class as decision_source, d.destination_session_class, d.action, \
         d.boarding_status, d.reason, d.decided_by, d.is_proposed, d.updated_at \
         from session_setups g join student_sessions reg on reg.session = g.previous_session \
         and reg.status = 'active' join students st on st.id = reg.student and st.enrolment = 'active' \
         left join academic_classes a on a.id = reg.academic_class left join classes c on c.id = a.class \
         left join report_cards y on y.exam_session = {LAST_EXAMS} and y.student_session = reg.id \
         and {COUNTS} left join student_promotions d on d.session_setup = g.id and d.student = reg.student \
         where g.id = ?1 and (?2 is null or reg.academic_class = ?2) and not {moved_on} \
         order by c.name, st.last_name collate nocase, st.first_name collate nocase, st.id",
        name = student_name!("st"),
        moved_on = moved_on!("reg.student")
    );
    let statements = vec![
        sql!(SETUP, setup),
        sql!(settings, setup, class, exam_session),
        sql!(sources, setup),
        sql!(places, setup, class),
        sql!(candidates, setup, class, exam_session),
    ];
    let mut outcomes = db.connection.batch(statements).await?;
    let setup = outcomes.rows::<Setup>()?.into_iter().next();
    let Basis {
        settings,
        exam_session,
        parts,
    } = outcomes
        .rows()?
        .into_iter()
        .next()
        .ok_or(StoreError::NotFound)?;
    Ok(Preview {
        setup: setup.ok_or(StoreError::NotFound)?,
        settings,
        exam_session,
        parts,
        sources: outcomes.rows()?,
        places: outcomes.rows()?,
        candidates: outcomes.rows()?,
    })
}

/// A subject of a form.
#[derive(Clone, Debug, Deserialize)]
pub struct Subject {
    /// The form.
    pub form: String,
    /// The subject.
    pub subject: String,
    /// Its name.
    pub name: String,
    /// Its weight, in hundredths.
    pub coefficient: i64,
    /// Whether every student takes it.
    pub is_compulsory: i64,
    /// Whether promotion asks that it was passed.
    pub must_pass: i64,
    /// The lowest mark that passes, in hundredths.
    pub pass_mark: i64,
}

/// A mark: the subject, hundredths if there are any, 1 for who was absent, the exam session, 1 for an exam of the student's present
/// class.
pub type Entry = (String, Option<i64>, i64, String, i64);

/// The marks of a student in an exam session.
#[derive(Clone, Debug, Deserialize)]
pub struct Scores {
    /// The registration.
    pub student_session: String,
    /// The class.
    pub academic_class: String,
    /// The form.
    pub form: String,
    /// What there is.
    #[serde(deserialize_with = "rows::json")]
    pub entries: Vec<Entry>,
}

/// The subjects of the forms, and the marks that active students without a card have in an exam session. The loader of report
/// cards would read everybody, with the names, remarks, attendance and scales of cards that nobody looks at here.
pub async fn scores(
    db: &TenantDb,
    exam_session: &str,
) -> Result<(Vec<Subject>, Vec<Scores>), StoreError> {
    let subjects = "select r.form, r.subject, j.name, r.coefficient, r.is_compulsory, r.must_pass, coalesce( \
         (select w.mark from pass_marks w where w.form = r.form and ifnull(w.subject, '') = r.subject), \
         (select w.mark from pass_marks w where w.form = r.form and ifnull(w.subject, '') = ''), 5000) as pass_mark \
         from curriculum r join subjects j on j.id = r.subject order by r.form, j.name";
    let scores = format!(
        "select reg.id as student_session, reg.academic_class, c.form, json_group_array( \
         json_array(m.subject, v.mark, v.is_absent, m.exam_session, m.academic_class = reg.academic_class) order by m.id) \
         filter (where m.id is not null) as entries \
         from exam_sessions x join student_sessions reg on reg.session = x.session and reg.status = 'active' \
         join academic_classes a on a.id = reg.academic_class join classes c on c.id = a.class \
         left join marks v on v.student_session = reg.id \
         left join exams m on m.id = v.exam and m.exam_session in {exams} and c.form = (select k.form \
         from academic_classes w join classes k on k.id = w.class where w.id = m.academic_class) \
         where x.id = ?1 and not exists (select 1 from report_cards y where y.exam_session = x.id \
         and y.student_session = reg.id and {COUNTS}) group by reg.id",
        exams = with_exams_of!("?1"),
    );
    let statements = vec![sql!(subjects), sql!(scores, exam_session)];
    let mut outcomes = db.connection.batch(statements).await?;
    Ok((outcomes.rows()?, outcomes.rows()?))
}
