//! Attendance as schools look at it: a month of a class, and the sums of a term.

use std::collections::BTreeMap;

use chrono::{Datelike, Months, NaiveDate};
use homeroom_domain::{
    academics::{
        attendance::{Status, Summary},
        marks::Hundredths,
    },
    permissions::school::ViewAttendance,
};
use homeroom_edge::{ApiError, Json, Query, SchoolCan};
use homeroom_kernel::{Fields, Id, Input, rules};
use homeroom_store::school::attendance::{self as store, Pupil, Whose};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::days::{holiday_on, today};

/// How often a student had each status.
#[derive(Clone, Copy, Serialize, ToSchema)]
pub(crate) struct AttendanceTotalsOut {
    /// There.
    present: u32,
    /// Not there, without leave.
    absent: u32,
    /// There, but not from the beginning.
    late: u32,
    /// Not there, with leave.
    excused: u32,
    /// All of them.
    total: u32,
    /// Absences with leave: the same as `excused`.
    justified: u32,
    /// Absences without leave: the same as `absent`.
    unjustified: u32,
    /// Of a hundred, how many times the student was there, late or not; null where nothing was entered.
    #[schema(value_type = Option<f64>)]
    percentage: Option<Hundredths>,
}

impl From<Summary> for AttendanceTotalsOut {
    fn from(summary: Summary) -> Self {
        Self {
            present: summary.present,
            absent: summary.absent,
            late: summary.late,
            excused: summary.excused,
            total: summary.total,
            justified: summary.excused,
            unjustified: summary.absent,
            percentage: summary.percentage(),
        }
    }
}

/// A day of a sheet.
#[derive(Serialize, ToSchema)]
pub(crate) struct SheetDayOut {
    /// The day.
    #[schema(format = Date)]
    date: String,
    /// 1 is Monday, 7 Sunday.
    weekday: u32,
    /// The holiday that it is part of.
    holiday: Option<String>,
}

/// A student of a sheet.
#[derive(Serialize, ToSchema)]
pub(crate) struct SheetStudentOut {
    /// The student in the session.
    #[schema(value_type = uuid::Uuid)]
    student_session: String,
    /// The student.
    #[schema(value_type = uuid::Uuid)]
    student: String,
    /// The school's number of the student.
    student_id: String,
    /// The name, family name last.
    student_name: String,
    /// Whether the student is active in the session.
    is_active: bool,
    /// How each of the `days` was spent, in their order; null: not entered.
    statuses: Vec<Option<&'static str>>,
    /// The sums up to today.
    totals: AttendanceTotalsOut,
}

/// A month of a class.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttendanceSheetOut {
    /// The class of the session.
    #[schema(value_type = uuid::Uuid)]
    academic_class: String,
    /// Its name.
    class_name: String,
    /// The month.
    #[schema(example = "2026-03")]
    month: String,
    /// The lesson; null: whole days.
    #[schema(value_type = Option<uuid::Uuid>)]
    lesson: Option<String>,
    /// The days of the month.
    days: Vec<SheetDayOut>,
    /// The students, by name.
    students: Vec<SheetStudentOut>,
}

/// Which sheet.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; SheetQuery reads them"
)]
pub(crate) struct SheetParams {
    /// The class of a session.
    academic_class: uuid::Uuid,
    /// The month.
    #[param(example = "2026-03", pattern = "^[0-9]{4}-[0-9]{2}$")]
    month: String,
    /// One lesson instead of whole days.
    lesson: Option<uuid::Uuid>,
}

struct SheetQuery {
    academic_class: Id<()>,
    month: NaiveDate,
    lesson: Option<Id<()>>,
}

fn month(value: &Value) -> Result<NaiveDate, String> {
    let text = value.as_str().unwrap_or_default();
    let first = format!("{text}-01").parse();
    first
        .ok()
        .filter(|_| text.len() == 7)
        .ok_or_else(|| "Use the form 2026-03.".to_owned())
}

impl Input for SheetQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let academic_class = fields.required("academic_class", rules::id);
        let month = fields.required("month", month);
        let lesson = fields.optional("lesson", rules::id);
        Some(Self {
            academic_class: academic_class?,
            month: month?,
            lesson: lesson?,
        })
    }
}

/// A class's month
///
/// Students and days with their statuses. Sums count entries up to today: those of a leave may lie ahead.
#[utoipa::path(get, path = "/api/v1/school/attendance/sheet/", tag = "attendance", params(SheetParams),
    responses((status = 200, body = AttendanceSheetOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_attendance_sheet(
    caller: SchoolCan<ViewAttendance>,
    query: Query,
) -> Result<Json<AttendanceSheetOut>, ApiError> {
    let query: SheetQuery = query.read()?;
    let first = query.month;
    let next = first.checked_add_months(Months::new(1));
    let last = next.and_then(|next| next.pred_opt()).unwrap_or(first);
    let class = query.academic_class.to_string();
    let lesson = query.lesson.map(|lesson| lesson.to_string());
    let range = (first.to_string(), last.to_string());
    let facts = store::sheet(&caller.db, &class, (&range.0, &range.1), lesson.as_deref()).await?;
    let class_name = facts
        .class_name
        .ok_or_else(|| ApiError::field("academic_class", "There is no such record."))?;
    let today = today(&caller)?.to_string();
    let mut marks: BTreeMap<(&str, &str), _> = BTreeMap::new();
    for mark in &facts.marks {
        marks.insert((&mark.student_session, &mark.date), mark.status);
    }
    let days: Vec<NaiveDate> = first.iter_days().take_while(|day| *day <= last).collect();
    let names: Vec<String> = days.iter().map(ToString::to_string).collect();
    let student = |pupil: Pupil| {
        let status = |date: &String| {
            marks
                .get(&(pupil.student_session.as_str(), date.as_str()))
                .copied()
        };
        let past = names.iter().filter(|date| **date <= today);
        let totals = Summary::of(past.filter_map(status));
        let statuses: Vec<_> = names
            .iter()
            .map(|date| status(date).map(Status::as_str))
            .collect();
        let shown = pupil.is_active || statuses.iter().any(Option::is_some);
        shown.then_some(SheetStudentOut {
            statuses,
            totals: totals.into(),
            student_session: pupil.student_session,
            student: pupil.student,
            student_id: pupil.student_id,
            student_name: pupil.student_name,
            is_active: pupil.is_active,
        })
    };
    let students = facts.pupils.into_iter().filter_map(student).collect();
    Ok(Json(AttendanceSheetOut {
        academic_class: class,
        class_name,
        month: first.to_string().chars().take(7).collect(),
        lesson,
        students,
        days: days
            .iter()
            .map(|date| SheetDayOut {
                date: date.to_string(),
                weekday: date.weekday().number_from_monday(),
                holiday: holiday_on(*date, &facts.holidays),
            })
            .collect(),
    }))
}

/// A student's sums.
#[derive(Serialize, ToSchema)]
pub(crate) struct SummaryStudentOut {
    /// The student in the session.
    #[schema(value_type = uuid::Uuid)]
    student_session: String,
    /// The student.
    #[schema(value_type = uuid::Uuid)]
    student: String,
    /// The school's number of the student.
    student_id: String,
    /// The name, family name last.
    student_name: String,
    /// Whether the student is active in the session.
    is_active: bool,
    /// The whole days.
    days: AttendanceTotalsOut,
    /// The lessons.
    lessons: AttendanceTotalsOut,
}

/// The sums of a term.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttendanceSummaryOut {
    /// The term.
    #[schema(value_type = uuid::Uuid)]
    term: String,
    /// Its first day.
    #[schema(format = Date)]
    start_date: String,
    /// Its last day.
    #[schema(format = Date)]
    end_date: String,
    /// The students, by name.
    students: Vec<SummaryStudentOut>,
}

/// Whose sums.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; SummaryQuery reads them"
)]
pub(crate) struct SummaryParams {
    /// The term.
    term: uuid::Uuid,
    /// A student: this or `academic_class`.
    student: Option<uuid::Uuid>,
    /// A class of the term's session: this or `student`.
    academic_class: Option<uuid::Uuid>,
}

struct SummaryQuery {
    term: Id<()>,
    student: Option<Id<()>>,
    academic_class: Option<Id<()>>,
}

impl Input for SummaryQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let term = fields.required("term", rules::id);
        let student = fields.optional("student", rules::id);
        let academic_class = fields.optional("academic_class", rules::id);
        if let (Some(student), Some(class)) = (&student, &academic_class)
            && student.is_some() == class.is_some()
        {
            fields.fail("student", "Name a student or an academic_class.");
        }
        Some(Self {
            term: term?,
            student: student?,
            academic_class: academic_class?,
        })
    }
}

/// A term's sums
///
/// How often a student, or each student of a class, was present, absent, late and excused, by days and by lessons, up to
/// today.
#[utoipa::path(get, path = "/api/v1/school/attendance/summary/", tag = "attendance", params(SummaryParams),
    responses((status = 200, body = AttendanceSummaryOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_attendance_summary(
    caller: SchoolCan<ViewAttendance>,
    query: Query,
) -> Result<Json<AttendanceSummaryOut>, ApiError> {
    let query: SummaryQuery = query.read()?;
    let student = query.student.map(|id| id.to_string());
    let class = query.academic_class.map(|id| id.to_string());
    let (whose, field) = match (&student, &class) {
        (Some(student), _) => (Whose::Student(student), "student"),
        (None, class) => (
            Whose::Class(class.as_deref().unwrap_or_default()),
            "academic_class",
        ),
    };
    let term = query.term.to_string();
    let today = today(&caller)?.to_string();
    let facts = store::summary(&caller.db, whose, &term, &today).await?;
    let missing = |field| ApiError::field(field, "There is no such record.");
    let days = facts.term.ok_or_else(|| missing("term"))?;
    if !facts.exists {
        return Err(missing(field));
    }
    let mut sums: BTreeMap<(&str, bool), Summary> = BTreeMap::new();
    for counted in &facts.counts {
        let sum = sums.entry((&counted.student_session, counted.lesson));
        sum.or_default().add(counted.status, counted.times);
    }
    let students = facts.pupils.into_iter().map(|pupil| {
        let sum = |lesson| {
            let found = sums.get(&(pupil.student_session.as_str(), lesson));
            AttendanceTotalsOut::from(found.copied().unwrap_or_default())
        };
        SummaryStudentOut {
            days: sum(false),
            lessons: sum(true),
            student_session: pupil.student_session,
            student: pupil.student,
            student_id: pupil.student_id,
            student_name: pupil.student_name,
            is_active: pupil.is_active,
        }
    });
    let students = students.collect();
    Ok(Json(AttendanceSummaryOut {
        term,
        start_date: days.start_date,
        end_date: days.end_date,
        students,
    }))
}
