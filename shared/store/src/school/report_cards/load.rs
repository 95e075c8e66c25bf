//! Everything about the cards of an exam session, in one trip.

use homeroom_domain::{
    UserId,
    academics::{
        grading::{Band, Scale, ScaleFault, is_of_level},
        marks::Score,
        report::{Candidate, Cohort, ReportSettings, SubjectPlan},
    },
    records::Record,
};
use homeroom_kernel::Id;

use super::{
    Which,
    entries::{Sheet, in_subject},
    rows::{
        ClassRow, ExamRow, FrozenRow, HoldRow, PlanRow, SessionFacts, StudentRow, TemplateRow,
        WrittenRow,
    },
};
use crate::{
    connection::TenantDb,
    error::StoreError,
    records,
    school::names::staff_name,
    school::{
        exams::{self, EXAM_SESSIONS, Part, with_exams_of},
        grading::{BANDS, BandRow},
        logo::LOGO,
    },
    sql::{Statement, Value, sql},
};

/// Who reads, when, and which frozen cards.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The user, where there is one: classes that the user leads are marked.
    pub user: Option<UserId>,
    /// The school's date: days ahead are not counted.
    pub today: String,
    /// The version of the published cards; none: the newest of each.
    pub version: Option<u32>,
    /// What is done with them.
    pub depth: Depth,
}

/// How much of the published cards is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Their state.
    State,
    /// The state of the newest of each, withdrawn or not, and what tells whether something changes until others are published.
    Freeze,
    /// Their text.
    Cards,
    /// Their text and the school's logo.
    Print,
}

/// Everything that the cards of some forms are computed from, and the cards that were published.
#[derive(Debug)]
pub struct Loaded {
    /// The exam session.
    pub exam_session: Record,
    /// The exam sessions that its marks are worked out from; none where it has exams.
    pub parts: Vec<Part>,
    /// The school's date.
    pub today: String,
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
    pub(super) sheet: Sheet,
}

const CLASSES: &str = "(select a.id from academic_classes a join classes c on c.id = a.class where a.session = ?2 and {forms})";
/// Loads the cards' sources; not found where the exam session is not one of the
/// session. Of a class or student elsewhere there are no classes.
pub async fn load(
    db: &TenantDb,
    session: Id<()>,
    exam_session: Id<()>,
    which: &Which,
    reader: Reader,
) -> Result<Loaded, StoreError> {
    let terms = which.terms()?;
    let classes = CLASSES.replace("{forms}", terms.forms);
    let common = || {
        vec![
            Value::from(exam_session),
            Value::from(session),
            Value::from(terms.about.clone()),
        ]
    };
    let statement = |text: &str, more: Option<Value>| {
        let sql = text
            .replace("{frozen}", terms.frozen)
            .replace("{card}", terms.card)
            .replace("{classes}", &classes)
            .replace("{forms}", terms.forms)
            .replace("{wanted}", terms.wanted);
        let mut params = common();
        params.extend(more);
        Statement {
            sql: sql.into(),
            params,
        }
    };
    let scope = EXAM_SESSIONS.within(|_| Ok::<_, StoreError>(session))?;
    let frozen = frozen(&reader);
    let statements = vec![
        records::select(&EXAM_SESSIONS, &scope, exam_session),
        sql!(facts(&reader), exam_session, session),
        statement(CLASS_ROWS, Some(reader.user.into())),
        statement(PLANS, None),
        statement(STUDENTS, Some(reader.today.as_str().into())),
        statement(EXAMS, None),
        sql!(BANDS),
        sql!("select kind, level, min_mark, max_mark, text from comment_templates"),
        sql!(WRITTEN, exam_session),
        statement(&frozen, Some(reader.version.map(i64::from).into())),
        sql!(HOLDS, exam_session),
    ];
    let mut outcomes = db.connection.batch(statements).await?;
    let exam_session = records::take_record(&EXAM_SESSIONS, &mut outcomes)?;
    let facts: Vec<SessionFacts> = outcomes.rows()?;
    let facts = facts.into_iter().next();
    let (Some(exam_session), Some(facts)) = (exam_session, facts) else {
        return Err(StoreError::NotFound);
    };
    let mut settings = facts
        .settings
        .as_deref()
        .map_or_else(|| Ok(ReportSettings::default()), serde_json::from_str)?;
    let parts = exams::parts(&exam_session)?;
    // Its tiers are of the days of one term.
    settings.attendance_bonus &= parts.is_empty();
    let mut loaded = Loaded {
        exam_session,
        parts,
        today: reader.today,
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
        sheet: Sheet::default(),
    };
    loaded.sheet = loaded.read_marks()?;
    Ok(loaded)
}

/// Whether attendance adds to averages: then positions need that of the whole form.
macro_rules! attendance_counts {
    () => {
        "exists (select 1 from report_settings b where b.settings ->> '$.attendance_bonus' = 1)"
    };
}

/// Counts everything that cards of the exam session `?1` are worked out from and that somebody may change while they are
/// published. Times are summed up: a change bears the time at which its request began, so the last is not always the newest.
/// Of attendance their last 32 bits are: there are so many entries that the sum of whole times might leave 64.
pub(super) const SOURCES: &str = concat!(
    "(select json_array(\
     (select json_array(count(*), sum(m.version), sum(m.updated_at)) from exams e join marks m on m.exam = e.id \
     where e.exam_session in ",
    with_exams_of!("?1"),
    "), (select json_array(count(*), sum(e.updated_at)) from exams e where e.exam_session in ",
    with_exams_of!("?1"),
    "), (select json_group_array(json_array(q.part, q.place, q.weight)) from exam_session_parts q where q.exam_session = x.id), \
     (select json_array(count(*), sum(c.updated_at)) from card_comments c where c.exam_session = x.id), \
     (select json_array(count(*), sum(r.updated_at)) from student_sessions r where r.session = x.session), \
     (select json_array(count(*), sum(updated_at)) from academic_settings), \
     (select json_array(count(*), sum(updated_at)) from comment_templates), \
     (select json_array(count(*), sum(updated_at)) from curriculum), \
     (select json_array(count(*), sum(updated_at)) from pass_marks), \
     (select json_array(count(*), sum(updated_at), max(settings)) from report_settings), \
     case when ",
    attendance_counts!(),
    " then (select json_array(t.start_date, t.end_date, count(d.id), sum(d.updated_at & 4294967295)) from terms t \
     left join student_sessions r on r.session = t.session left join attendance d on d.student_session = r.id \
     and d.date between t.start_date and t.end_date where t.session = x.session and t.term = x.term) end) \
     from exam_sessions x where x.id = ?1)"
);

/// What is said of the exam session once. Who only reads cards is spared the counting.
fn facts(reader: &Reader) -> String {
    let sources = match reader.depth {
        Depth::Freeze => SOURCES,
        Depth::State | Depth::Cards | Depth::Print => "''",
    };
    let logo = match reader.depth {
        Depth::Print => LOGO,
        Depth::State | Depth::Freeze | Depth::Cards => "null",
    };
    format!(
        "select s.name as session_name, \
         (select t.start_date from terms t where t.session = x.session and t.term = x.term) as term_start, \
         (select t.end_date from terms t where t.session = x.session and t.term = x.term) as term_end, \
         (select settings from report_settings where id = 1) as settings, {logo} as logo, \
         ifnull((select max(version) from publications p where p.exam_session = x.id), 0) as version, \
         {sources} as sources \
         from exam_sessions x join academic_sessions s on s.id = x.session where x.id = ?1 and x.session = ?2"
    )
}

const CLASS_ROWS: &str = concat!(
    "select a.id, c.name, f.id as form, f.name as form_name, f.level, a.class_teacher, ",
    staff_name!("a.class_teacher"),
    " as class_teacher_name, \
     (select count(*) from staff w where w.id = a.class_teacher and w.user_id = ?4 and w.is_active = 1) as is_led \
     from academic_classes a join classes c on c.id = a.class join forms f on f.id = c.form \
     where a.session = ?2 and {forms} order by f.sequence, f.name, c.name, a.id"
);

const PLANS: &str = "select k.form, k.subject, s.name, k.coefficient, k.is_compulsory, coalesce(\
     (select p.mark from pass_marks p where p.form = k.form and ifnull(p.subject, '') = k.subject), \
     (select p.mark from pass_marks p where p.form = k.form and ifnull(p.subject, '') = ''), 5000) as pass_mark \
     from curriculum k join subjects s on s.id = k.subject \
     where k.form in (select c.form from academic_classes a join classes c on c.id = a.class \
     where a.session = ?2 and {forms}) order by s.name collate nocase, s.id";

/// A day without an entry of its own is what its lessons say: late or present where the student came to any of them.
const STUDENTS: &str = concat!(
    "select r.id as student_session, r.academic_class, p.id as student, p.student_id as student_number, \
     trim(p.first_name || ' ' || p.middle_name) as given_names, p.last_name, \
     case when {wanted} or ",
    attendance_counts!(),
    " then (select json_array(ifnull(sum(day.status = 'present'), 0), ifnull(sum(day.status = 'absent'), 0), \
     ifnull(sum(day.status = 'late'), 0), ifnull(sum(day.status = 'excused'), 0)) from (select case \
     when sum(d.lesson is null) then max(d.status) filter (where d.lesson is null) when sum(d.status = 'late') then 'late' \
     when sum(d.status = 'present') then 'present' when sum(d.status = 'absent') then 'absent' else 'excused' end as status \
     from (select distinct t.start_date, t.end_date from exam_sessions x join terms t on t.session = x.session \
     and t.term = x.term where x.id in ",
    with_exams_of!("?1"),
    ") v cross join attendance d on d.student_session = r.id and d.date between v.start_date and min(v.end_date, ?4) \
     group by d.date) day) end as attendance \
     from student_sessions r join students p on p.id = r.student \
     where r.academic_class in {classes} and r.status = 'active' \
     order by p.last_name collate nocase, p.first_name collate nocase, r.id"
);

/// Thousands of marks are read for each broadsheet: as plain text they take a fraction of what JSON arrays take.
const EXAMS: &str = concat!(
    "select e.academic_class, e.subject, e.teacher, ",
    staff_name!("e.teacher"),
    " as teacher_name, n.place, \
     (select json_array(ifnull(group_concat(m.student_session || ' ' || iif(m.is_absent, 'a', ifnull(m.mark, '')), ';'), ''), \
     json_group_array(json_array(m.student_session, m.comment)) filter (where m.comment <> '' and n.id = ?1 \
     and m.student_session in (select r.id from student_sessions r where {wanted}))) from marks m \
     where m.exam = e.id) as marks from (select ifnull(q.part, w.id) as id, ifnull(q.place, 1) as place from exam_sessions w \
     left join exam_session_parts q on q.exam_session = w.id where w.id = ?1) n \
     cross join exams e on e.exam_session = n.id and e.academic_class in {classes} order by n.place, e.id"
);

const WRITTEN: &str =
    "select w.student_session, w.kind, w.text from card_comments w where w.exam_session = ?1";

/// A card's own reason comes before those of its parts.
const HOLDS: &str = "select w.student_session, w.reason from withheld_cards w where w.exam_session in \
     (select ?1 union all select q.part from exam_session_parts q where q.exam_session = ?1) \
     order by w.exam_session = ?1 desc, w.withheld_at";

/// The published cards; `?4` is the version.
fn frozen(reader: &Reader) -> String {
    let card = match reader.depth {
        Depth::State | Depth::Freeze => "null",
        Depth::Cards | Depth::Print => "{card}",
    };
    let version = match (reader.version, reader.depth) {
        (Some(_), _) => "r.version = ?4",
        (None, Depth::Freeze) => {
            "?4 is null and r.version = (select max(n.version) from report_cards n \
             where n.exam_session = r.exam_session and n.student_session = r.student_session)"
        }
        (None, _) => "?4 is null and r.is_current = 1",
    };
    format!(
        "select r.student_session, r.academic_class, r.version, r.is_outdated, r.is_current, p.published_at, \
         {card} as card, r.digest from report_cards r join publications p on p.id = r.publication \
         where r.exam_session = ?1 and {{frozen}} and {version}"
    )
}

impl Loaded {
    /// The classes in the order of the school, each once.
    #[must_use]
    pub fn class(&self, id: &str) -> Option<&ClassRow> {
        self.classes.iter().find(|class| class.id == id)
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
        let numbered: Vec<(&PlanRow, Option<usize>)> = plans
            .iter()
            .map(|plan| (*plan, self.sheet.subjects.get(&plan.subject).copied()))
            .collect();
        let students = self
            .students
            .iter()
            .filter(|student| is_here(&student.academic_class))
            .map(|student| {
                let entries = self.sheet.of(&student.student_session);
                let score = |(plan, subject): &(&PlanRow, Option<usize>)| match in_subject(
                    entries, *subject,
                ) {
                    Some(entry) => Some((plan.subject.clone(), entry.score)),
                    None if plan.is_compulsory != 0 => Some((plan.subject.clone(), Score::Missing)),
                    None => None,
                };
                Candidate {
                    student_session: student.student_session.clone(),
                    academic_class: student.academic_class.clone(),
                    subjects: numbered.iter().filter_map(score).collect(),
                    absences: student.absences(),
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
