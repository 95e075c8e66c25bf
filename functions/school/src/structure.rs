//! The structure of a school year: sessions, terms, forms, classes, subjects, and who teaches what to whom.

use chrono::NaiveDate;
use futures_util::future::BoxFuture;
use homeroom_domain::records::{Record, moment, text};
use homeroom_edge::ApiError;
use homeroom_kernel::{FieldErrors, Timestamp};
use homeroom_store::school::{structure as tables, subjects, years};

use crate::{
    days::{at_most_a_year, in_order, session_days},
    records::{ALONE, Hooks, Resource, Write},
};

const TAG: &str = "structure";

/// Every resource of the structure.
pub(crate) static RESOURCES: &[&Resource] = &[
    &SESSIONS,
    &TERMS,
    &FORMS,
    &CLASSES,
    &CLASS_PATTERNS,
    &SUBJECTS,
    &CURRICULUM,
    &PASS_MARKS,
    &ACADEMIC_CLASSES,
    &SUBJECT_TEACHERS,
];

struct SessionRules;
impl Hooks for SessionRules {
    fn check(&self, session: &Record, errors: &mut FieldErrors) {
        if moment(session, "end_date") <= moment(session, "start_date") {
            errors.add("end_date", "The session must end after it starts.");
        }
        let days = |name| moment(session, name).map(|moment| moment.millis() / DAY);
        if let (Some(first), Some(last)) = (days("start_date"), days("end_date"))
            && last - first > MAX_SESSION_DAYS
        {
            errors.add("end_date", "A session has at most two years.");
        }
    }

    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async {
            let (Some(before), Some(after)) = (write.before, &write.after) else {
                return Ok(());
            };
            let ends = ["start_date", "end_date"].map(|name| moment(after, name));
            if ends == ["start_date", "end_date"].map(|name| moment(before, name)) {
                return Ok(());
            }
            let Some(year) = years::year(&write.caller.db, text(before, "id")).await? else {
                return Ok(());
            };
            let terms = [&year.terms_from, &year.terms_to];
            within(
                write,
                ends,
                terms.map(|day| day.as_deref().unwrap_or_default()),
            )
        })
    }
}

/// Refuses days of terms that the school's calendar does not count to the session.
fn within(
    write: &Write<'_>,
    session: [Option<Timestamp>; 2],
    days: [&str; 2],
) -> Result<(), ApiError> {
    let [Some(start), Some(end)] = session else {
        return Ok(());
    };
    let session = session_days(write.caller, start, end)?;
    let mut days = days.iter().filter_map(|day| day.parse().ok());
    if days.all(|day: NaiveDate| session.contains(&day)) {
        return Ok(());
    }
    let message = "Terms must lie within their session.";
    Err(ApiError::field("start_date", message))
}

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// Two years, one of them a leap year.
const MAX_SESSION_DAYS: i64 = 731;

struct TermRules;
impl Hooks for TermRules {
    fn check(&self, term: &Record, errors: &mut FieldErrors) {
        in_order(
            term,
            "start_date",
            "end_date",
            "The term must end after it starts.",
            errors,
        );
        let message = "A term has at most 366 days.";
        at_most_a_year(term, "start_date", "end_date", message, errors);
        let message = "A vacation has at most 366 days.";
        at_most_a_year(term, "vacation_start", "vacation_end", message, errors);
        in_order(
            term,
            "vacation_start",
            "vacation_end",
            "The vacation must end after it starts.",
            errors,
        );
        let vacation = text(term, "vacation_start");
        if !vacation.is_empty() && vacation <= text(term, "end_date") {
            errors.add(
                "vacation_start",
                "The vacation must start after the term ends.",
            );
        }
        if vacation.is_empty() && !text(term, "vacation_end").is_empty() {
            errors.add("vacation_start", "Say when the vacation starts.");
        }
    }

    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async {
            let Some(term) = &write.after else {
                return Ok(());
            };
            let year = years::year(&write.caller.db, text(term, "session")).await?;
            let session = year.map(|year| [Some(year.start_date), Some(year.end_date)]);
            let days = ["start_date", "end_date"].map(|name| text(term, name));
            within(write, session.unwrap_or_default(), days)
        })
    }
}

struct PatternRules;
impl Hooks for PatternRules {
    fn check(&self, pattern: &Record, errors: &mut FieldErrors) {
        if text(pattern, "from_class") == text(pattern, "to_class") {
            errors.add("to_class", "A class cannot lead to itself.");
        }
    }
}

static SESSIONS: Resource = Resource {
    table: &tables::SESSIONS,
    noun: "session",
    plural: "sessions",
    title: "an academic session",
    path: "/api/v1/school/sessions/",
    tag: TAG,
    hooks: &SessionRules,
    ..ALONE
};

static TERMS: Resource = Resource {
    table: &tables::TERMS,
    tag: TAG,
    noun: "term",
    plural: "terms",
    title: "a term",
    path: "/api/v1/school/terms/",
    hooks: &TermRules,
    ..ALONE
};

static FORMS: Resource = Resource {
    table: &tables::FORMS,
    tag: TAG,
    noun: "form",
    plural: "forms",
    title: "a form",
    path: "/api/v1/school/form/",
    ..ALONE
};

static CLASSES: Resource = Resource {
    table: &tables::CLASSES,
    tag: TAG,
    noun: "class",
    plural: "classes",
    title: "a class",
    path: "/api/v1/school/classes/",
    ..ALONE
};

static CLASS_PATTERNS: Resource = Resource {
    table: &tables::CLASS_PATTERNS,
    tag: TAG,
    noun: "class_pattern",
    plural: "class_patterns",
    title: "a class pattern",
    path: "/api/v1/school/class-patterns/",
    hooks: &PatternRules,
    ..ALONE
};

static SUBJECTS: Resource = Resource {
    table: &subjects::SUBJECTS,
    tag: TAG,
    noun: "subject",
    plural: "subjects",
    title: "a subject",
    path: "/api/v1/school/subjects/",
    ..ALONE
};

static CURRICULUM: Resource = Resource {
    table: &subjects::CURRICULUM,
    tag: TAG,
    noun: "curriculum",
    plural: "curriculum",
    title: "a subject of a form",
    path: "/api/v1/school/curriculum/",
    ..ALONE
};

static PASS_MARKS: Resource = Resource {
    table: &subjects::PASS_MARKS,
    tag: TAG,
    noun: "pass_mark",
    plural: "pass_marks",
    title: "a pass mark",
    path: "/api/v1/school/pass-marks/",
    ..ALONE
};

static ACADEMIC_CLASSES: Resource = Resource {
    table: &tables::ACADEMIC_CLASSES,
    tag: TAG,
    noun: "academic_class",
    plural: "academic_classes",
    title: "a class of a session",
    path: "/api/v1/school/sessions/{session}/academic-classes/",
    ..ALONE
};

static SUBJECT_TEACHERS: Resource = Resource {
    table: &subjects::SUBJECT_TEACHERS,
    tag: TAG,
    noun: "subject_teacher",
    plural: "subject_teachers",
    title: "a subject teacher",
    path: "/api/v1/school/sessions/{session}/academic-classes/{academic_class}/subject-teachers/",
    ..ALONE
};
