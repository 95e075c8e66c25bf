//! Everything about the cards of an exam session, in one trip.

use std::collections::BTreeMap;

use homeroom_domain::{
    UserId,
    academics::{
        grading::{Band, Scale, ScaleFault, is_of_level},
        marks::{Mark, Score},
        report::{Candidate, Cohort, ReportSettings, SubjectPlan},
    },
    records::Record,
};
use homeroom_kernel::Id;

use super::rows::{
    ClassRow, ExamRow, FrozenRow, HoldRow, PlanRow, SessionFacts, StudentRow, TemplateRow,
    WrittenRow,
};
use crate::{
    connection::TenantDb,
    error::StoreError,
    records::{self, Scope},
    school::{
        exams::EXAM_SESSIONS,
        grading::{BANDS, BandRow},
    },
    sql::{Statement, Value, sql},
};

/// Which students: always whole forms, as positions in the form need everybody.
#[derive(Clone, Debug)]
pub enum Which {
    /// Everybody.
    All,
    /// The form.
    Form(String),
    /// The form of a class.
    FormOfClass(String),
    /// The form of a student's class.
    FormOfStudent(String),
}

/// Who reads, and which frozen cards.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reader {
    /// The user, where there is one: classes that are the user's own are marked.
    pub user: Option<UserId>,
    /// The version of the published cards; none: the newest of each.
    pub version: Option<u32>,
    /// Whether the text of published cards is needed, or only their state.
    pub with_cards: bool,
}

/// Everything that the cards of some forms are computed from, and the cards that were published.
#[derive(Debug)]
pub struct Loaded {
    /// The exam session.
    pub exam_session: Record,
    /// What it lies in.
    pub facts: SessionFacts,
    /// What positions follow.
    pub settings: ReportSettings,
    /// The classes, by form and name.
    pub classes: Vec<ClassRow>,
    /// The subjects of the forms, by name.
    pub plans: Vec<PlanRow>,
    /// The students, by name.
    pub students: Vec<StudentRow>,
    /// The exams.
    pub exams: Vec<ExamRow>,
    /// The bands of all scales.
    pub bands: Vec<BandRow>,
    /// The comments for bands of marks.
    pub templates: Vec<TemplateRow>,
    /// The comments written by hand.
    pub written: Vec<WrittenRow>,
    /// The published cards.
    pub frozen: Vec<FrozenRow>,
    /// The withheld cards.
    pub holds: Vec<HoldRow>,
    /// What there is of each student in each subject.
    pub sheet: Sheet,
}

/// A mark with what belongs to it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The mark, absent or missing.
    pub score: Score,
    /// The remark written with the mark.
    pub comment: String,
    /// Whether it is from the student's present class.
    is_own_class: bool,
}

/// Entries by student and subject.
pub type Sheet = BTreeMap<String, BTreeMap<String, Entry>>;

const CLASSES: &str = "(select a.id from academic_classes a join classes c on c.id = a.class where a.session = ?2 and {forms})";
const NAME: &str = "select trim(w.title || ' ' || ifnull(trim(u.first_name || ' ' || u.last_name), w.staff_number)) \
     from staff w left join users u on u.id = w.user_id where w.id = ";

/// Loads the cards' sources; not found where the exam session is not one of the
/// session. Of a class or student elsewhere there are no classes.
pub async fn load(
    db: &TenantDb,
    session: Id<()>,
    exam_session: Id<()>,
    which: &Which,
    reader: Reader,
) -> Result<Loaded, StoreError> {
    let (forms, about) = match which {
        Which::All => ("?3 is null", None),
        Which::Form(form) => ("c.form = ?3", Some(form.clone())),
        Which::FormOfClass(class) => (
            "c.form = (select k.form from academic_classes w join classes k on k.id = w.class \
             where w.id = ?3 and w.session = ?2)",
            Some(class.clone()),
        ),
        Which::FormOfStudent(student) => (
            "c.form = (select k.form from student_sessions r join academic_classes w on w.id = r.academic_class \
             join classes k on k.id = w.class where r.id = ?3 and r.session = ?2)",
            Some(student.clone()),
        ),
    };
    let classes = CLASSES.replace("{forms}", forms);
    let common = || {
        vec![
            Value::from(exam_session),
            Value::from(session),
            Value::from(about.clone()),
        ]
    };
    let statement = |text: &str, more: Option<Value>| {
        let sql = text
            .replace("{classes}", &classes)
            .replace("{forms}", forms)
            .replace("{name}", NAME);
        let mut params = common();
        params.extend(more);
        Statement {
            sql: sql.into(),
            params,
        }
    };
    let scope = Scope(vec![("t.session = ?", session.to_string())]);
    let frozen = if reader.with_cards {
        FROZEN
    } else {
        FROZEN_STATE
    };
    let statements = vec![
        records::select(&EXAM_SESSIONS, &scope, exam_session),
        sql!(facts(&reader), exam_session, session),
        statement(CLASS_ROWS, Some(reader.user.into())),
        statement(PLANS, None),
        statement(STUDENTS, None),
        statement(EXAMS, None),
        sql!(BANDS),
        sql!("select kind, level, min_mark, max_mark, text from comment_templates"),
        sql!(WRITTEN, exam_session),
        statement(frozen, Some(reader.version.map(i64::from).into())),
        sql!(HOLDS, exam_session),
    ];
    let mut outcomes = db.connection.batch(statements).await?;
    let exam_session = records::take_record(&EXAM_SESSIONS, &mut outcomes)?;
    let facts: Vec<SessionFacts> = outcomes.rows()?;
    let facts = facts.into_iter().next();
    let (Some(exam_session), Some(facts)) = (exam_session, facts) else {
        return Err(StoreError::NotFound);
    };
    let settings = facts
        .settings
        .as_deref()
        .map_or_else(|| Ok(ReportSettings::default()), serde_json::from_str)?;
    let mut loaded = Loaded {
        exam_session,
        facts,
        settings,
        classes: outcomes.rows()?,
        plans: outcomes.rows()?,
        students: outcomes.rows()?,
        exams: outcomes.rows()?,
        bands: outcomes.rows()?,
        templates: outcomes.rows()?,
        written: outcomes.rows()?,
        frozen: outcomes.rows()?,
        holds: outcomes.rows()?,
        sheet: Sheet::new(),
    };
    loaded.read_marks()?;
    Ok(loaded)
}

/// What is said of the exam session once. A publication must know how many marks there are and how often they were changed,
/// over the whole school; who only reads cards is spared the counting.
fn facts(reader: &Reader) -> String {
    let marks = |what: &str| {
        format!(
            "(select {what} from exams e join marks m on m.exam = e.id where e.exam_session = x.id)"
        )
    };
    let (count, versions) = if reader.with_cards {
        ("0".to_owned(), "0".to_owned())
    } else {
        (marks("count(*)"), marks("ifnull(sum(m.version), 0)"))
    };
    format!(
        "select s.name as session_name, \
         (select t.start_date from terms t where t.session = x.session and t.term = x.term) as term_start, \
         (select t.end_date from terms t where t.session = x.session and t.term = x.term) as term_end, \
         (select settings from report_settings where id = 1) as settings, \
         ifnull((select max(version) from publications p where p.exam_session = x.id), 0) as version, \
         {count} as marks, {versions} as mark_versions \
         from exam_sessions x join academic_sessions s on s.id = x.session where x.id = ?1 and x.session = ?2"
    )
}

const CLASS_ROWS: &str = "select a.id, c.name, f.id as form, f.name as form_name, f.level, a.class_teacher, \
     ({name} a.class_teacher) as class_teacher_name, \
     (select count(*) from staff w where w.id = a.class_teacher and w.user_id = ?4) as is_led, \
     (select count(*) from staff w where w.user_id = ?4 and (w.id = a.class_teacher or exists \
     (select 1 from subject_teachers g where g.academic_class = a.id and g.teacher = w.id))) as is_own \
     from academic_classes a join classes c on c.id = a.class join forms f on f.id = c.form \
     where a.session = ?2 and {forms} order by f.sequence, f.name, c.name, a.id";

const PLANS: &str = "select k.form, k.subject, s.name, k.coefficient, k.is_compulsory, coalesce(\
     (select p.mark from pass_marks p where p.form = k.form and ifnull(p.subject, '') = k.subject), \
     (select p.mark from pass_marks p where p.form = k.form and ifnull(p.subject, '') = ''), 5000) as pass_mark \
     from curriculum k join subjects s on s.id = k.subject \
     where k.form in (select c.form from academic_classes a join classes c on c.id = a.class \
     where a.session = ?2 and {forms}) order by s.name collate nocase, s.id";

const STUDENTS: &str = "select r.id as student_session, r.academic_class, p.id as student, p.student_id as student_number, \
     trim(p.first_name || ' ' || p.middle_name) as given_names, p.last_name, \
     (select json_array(ifnull(sum(d.status = 'present'), 0), ifnull(sum(d.status = 'absent'), 0), \
     ifnull(sum(d.status = 'late'), 0), ifnull(sum(d.status = 'excused'), 0)) from attendance d where d.student_session = r.id and d.lesson is null \
     and d.date between (select t.start_date from exam_sessions x join terms t on t.session = x.session \
     and t.term = x.term where x.id = ?1) and (select t.end_date from exam_sessions x join terms t \
     on t.session = x.session and t.term = x.term where x.id = ?1)) as attendance \
     from student_sessions r join students p on p.id = r.student \
     where r.academic_class in {classes} and r.status = 'active' \
     order by p.last_name collate nocase, p.first_name collate nocase, r.id";

const EXAMS: &str = "select e.academic_class, e.subject, e.teacher, ({name} e.teacher) as teacher_name, \
     (select json_group_array(json_array(m.student_session, m.mark, m.is_absent, m.comment)) from marks m \
     where m.exam = e.id) as marks from exams e where e.exam_session = ?1 and e.academic_class in {classes}";

const WRITTEN: &str =
    "select w.student_session, w.kind, w.text from card_comments w where w.exam_session = ?1";

const HOLDS: &str =
    "select w.student_session, w.reason from withheld_cards w where w.exam_session = ?1";

const FROZEN: &str = "select r.student_session, r.academic_class, r.version, r.is_outdated, p.published_at, r.card \
     from report_cards r join publications p on p.id = r.publication where r.exam_session = ?1 \
     and r.academic_class in {classes} and (r.is_current = 1 and ?4 is null or r.version = ?4)";

const FROZEN_STATE: &str = "select r.student_session, r.academic_class, r.version, r.is_outdated, p.published_at, null as card \
     from report_cards r join publications p on p.id = r.publication where r.exam_session = ?1 \
     and r.academic_class in {classes} and (r.is_current = 1 and ?4 is null or r.version = ?4)";

impl Loaded {
    /// The classes in the order of the school, each once.
    #[must_use]
    pub fn class(&self, id: &str) -> Option<&ClassRow> {
        self.classes.iter().find(|class| class.id == id)
    }

    fn read_marks(&mut self) -> Result<(), StoreError> {
        let classes: BTreeMap<&str, &str> = self
            .students
            .iter()
            .map(|student| {
                (
                    student.student_session.as_str(),
                    student.academic_class.as_str(),
                )
            })
            .collect();
        for exam in &self.exams {
            let marks: Vec<(String, Option<i64>, i64, String)> = serde_json::from_str(&exam.marks)?;
            for (student, mark, is_absent, comment) in marks {
                let is_own_class =
                    classes.get(student.as_str()).copied() == Some(exam.academic_class.as_str());
                let score = match mark.and_then(Mark::new) {
                    _ if is_absent != 0 => Score::Absent,
                    Some(mark) => Score::Marked(mark),
                    None => Score::Missing,
                };
                let entries = self.sheet.entry(student).or_default();
                // Who changed the class within the form keeps the marks of the former one.
                if entries
                    .get(&exam.subject)
                    .is_none_or(|known| !known.is_own_class)
                {
                    let entry = Entry {
                        score,
                        comment,
                        is_own_class,
                    };
                    entries.insert(exam.subject.clone(), entry);
                }
            }
        }
        Ok(())
    }

    /// The forms that were loaded, with their levels, each once and in order.
    #[must_use]
    pub fn forms(&self) -> Vec<(&str, &str)> {
        let mut forms: Vec<(&str, &str)> = self
            .classes
            .iter()
            .map(|class| (class.form.as_str(), class.level.as_str()))
            .collect();
        forms.dedup();
        forms
    }

    /// The bands of a level: its own, or those of every level without any.
    #[must_use]
    pub fn bands_of(&self, level: &str) -> Vec<Band> {
        let of = |wanted: Option<&str>| -> Vec<Band> {
            let rows = self.bands.iter();
            rows.filter(|row| is_of_level(row.level.as_deref(), wanted))
                .cloned()
                .map(Band::from)
                .collect()
        };
        let own = of(Some(level));
        if own.is_empty() { of(None) } else { own }
    }

    /// A form's students with their marks, ready to be computed; and what is wrong with the scale of its level.
    #[must_use]
    pub fn cohort(&self, form: &str, level: &str) -> (Cohort, Vec<ScaleFault>) {
        let plans: Vec<&PlanRow> = self.plans.iter().filter(|plan| plan.form == form).collect();
        let (scale, faults) = match Scale::new(self.bands_of(level)) {
            Ok(scale) => (Some(scale), Vec::new()),
            Err(faults) => (None, faults),
        };
        let is_here = |class: &str| self.class(class).is_some_and(|class| class.form == form);
        let nothing = BTreeMap::new();
        let students = self
            .students
            .iter()
            .filter(|student| is_here(&student.academic_class))
            .map(|student| {
                let entries = self.sheet.get(&student.student_session).unwrap_or(&nothing);
                let score = |plan: &&PlanRow| match entries.get(&plan.subject) {
                    Some(entry) => Some((plan.subject.clone(), entry.score)),
                    None if plan.is_compulsory != 0 => Some((plan.subject.clone(), Score::Missing)),
                    None => None,
                };
                Candidate {
                    student_session: student.student_session.clone(),
                    academic_class: student.academic_class.clone(),
                    subjects: plans.iter().filter_map(score).collect(),
                }
            })
            .collect();
        let subjects = plans
            .iter()
            .map(|plan| SubjectPlan {
                id: plan.subject.clone(),
                name: plan.name.clone(),
                coefficient: plan.coefficient,
                pass_mark: plan.pass_mark,
            })
            .collect();
        let cohort = Cohort {
            level: level.to_owned(),
            settings: self.settings.clone(),
            scale,
            subjects,
            students,
        };
        (cohort, faults)
    }
}
