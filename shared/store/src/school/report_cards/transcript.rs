//! All published cards of a student, over all years.

use homeroom_domain::{UserId, records::Record};
use homeroom_kernel::{Id, Timestamp};

use super::{
    ListedRow,
    own::{children, holds, released, withheld, withheld_because},
};
use crate::{
    connection::TenantDb, error::StoreError, school::logo::LOGO, school::names::student_name,
    sql::sql,
};

/// Whose transcript, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The student.
    pub student: Id<()>,
    /// The one session; none: all.
    pub session: Option<Id<()>>,
    /// The student's or a guardian's user, who sees what families see, and when; none: the staff.
    pub family: Option<(UserId, Timestamp)>,
    /// Whether the school's logo is asked for.
    pub with_logo: bool,
}

/// What a transcript is made of.
#[derive(Debug)]
pub struct Transcript {
    /// The student: `student_number`, `student_name`, `dob`, `admission_year`, and the school's `logo`.
    pub student: Record,
    /// The current published cards, the oldest first.
    pub cards: Vec<ListedRow>,
    /// Of the exam sessions of these years: `exam_session`, `session`, `term_start`, `term_end`.
    pub places: Vec<Record>,
}

/// Student `?1`, for the staff or, at the time `?2`, for the family of user `?3`.
const STUDENT: &str = concat!(
    "p.id = ?1 and (?2 is null or p.id in ",
    children!("?3"),
    ")"
);

/// Exam sessions of a term have no dates of their own: they stand in the order in which they were made.
const CARDS: &str = concat!(
    "select r.student_session, r.academic_class, r.version, r.is_outdated, r.is_current, b.published_at, r.card, r.digest, ",
    withheld_because!(),
    " from students p cross join student_sessions s on s.student = p.id cross join report_cards r on r.student_session = s.id \
     and r.is_current = 1 join publications b on b.id = r.publication join exam_sessions x on x.id = r.exam_session \
     join academic_sessions y on y.id = x.session where {student} and (?4 is null or x.session = ?4) \
     and x.is_deleted = 0 and x.state in ('published', 'locked') and (?2 is null or ",
    released!(),
    " and not ",
    withheld!(),
    ") order by y.start_date, y.id, x.term, x.created_at, x.id"
);

const PLACES: &str = "select x.id as exam_session, x.session, t.start_date as term_start, t.end_date as term_end \
     from student_sessions s join exam_sessions x on x.session = s.session \
     left join terms t on t.session = x.session and t.term = x.term where s.student = ?1";

/// Everything in one trip; not found where there is no such student, or not for this family.
pub async fn find_transcript(db: &TenantDb, wanted: Wanted) -> Result<Transcript, StoreError> {
    let (user, now) = wanted.family.unzip();
    let logo = if wanted.with_logo { LOGO } else { "null" };
    let student = format!(
        "select p.student_id as student_number, {} as student_name, p.dob, p.admission_year, {logo} as logo \
         from students p where {STUDENT}",
        student_name!("p"),
    );
    let cards = CARDS.replace("{student}", STUDENT);
    let statements = vec![
        sql!(student, wanted.student, now, user),
        sql!(cards, wanted.student, now, user, wanted.session),
        sql!(PLACES, wanted.student),
    ];
    let mut outcomes = db.connection.batch(statements).await?;
    let student: Vec<Record> = outcomes.rows()?;
    Ok(Transcript {
        student: student.into_iter().next().ok_or(StoreError::NotFound)?,
        cards: outcomes.rows()?,
        places: outcomes.rows()?,
    })
}
