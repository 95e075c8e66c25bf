//! Who was there on the last school days, and leave.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use homeroom_kernel::Timestamp;
use uuid::Uuid;

use crate::calendar::{days_after, moment};
use crate::people::Pupil;
use crate::random::Random;
use crate::sessions::prepared;
use crate::tables::{self, School};
use crate::teaching::YearPlan;

/// Days that are marked.
const DAYS: usize = 15;

/// Of a thousand students, how many asked for leave of late.
const ASKED: usize = 40;

const CODES: [(&str, &str, &str); 7] = [
    ("P", "Present", "present"),
    ("A", "Absent without notice", "absent"),
    ("T", "Truant", "absent"),
    ("L", "Late", "late"),
    ("B", "School bus late", "late"),
    ("S", "Sick", "excused"),
    ("F", "Family matter", "excused"),
];

const REASONS: [&str; 5] = [
    "Grandmother's funeral.",
    "Hospital appointment.",
    "Sister's wedding in Bulawayo.",
    "Provincial athletics.",
    "Voyage en famille: l'avion part à 6 h.",
];

/// Leave that was granted: first and last day.
type Leave = (NaiveDate, NaiveDate);

/// Fills the tables. `decided_by` is who decided on leave.
pub(crate) fn build(
    school: &mut School,
    seed: u64,
    today: NaiveDate,
    plan: &YearPlan<'_>,
    pupils: &[Pupil<'_>],
    decided_by: Option<Uuid>,
) {
    let mut random = Random::new(seed, "attendance");
    let at = prepared(plan.year);
    for (code, name, status) in CODES {
        school.attendance_codes.push(tables::AttendanceCode {
            id: random.id(at),
            code,
            name,
            status,
            created_at: at,
            updated_at: at,
        });
    }
    let present: Vec<(&Pupil<'_>, Uuid)> = pupils
        .iter()
        .filter(|pupil| pupil.class.is_some())
        .filter_map(|pupil| Some((pupil, pupil.registrations.last()?.id)))
        .collect();
    let mut leaves: BTreeMap<Uuid, Leave> = BTreeMap::new();
    for (pupil, _) in &present {
        if random.chance(ASKED)
            && let Some(leave) = ask(school, &mut random, today, pupil.id, decided_by)
        {
            leaves.insert(pupil.id, leave);
        }
    }
    for date in plan.year.school_days_before(today, DAYS) {
        let morning = moment(date, 7, 35).millis();
        for (pupil, registration) in &present {
            let leave = leaves
                .get(&pupil.id)
                .filter(|(first, last)| *first <= date && date <= *last);
            let (status, code, reason) = if leave.is_some() {
                ("excused", Some("F"), "On leave.")
            } else {
                day(&mut random)
            };
            let at = Timestamp::from_millis(morning + random.between(0, 900_000));
            school.attendance.push(tables::Attendance {
                id: random.id(at),
                student_session: *registration,
                date,
                lesson: None,
                status,
                code,
                reason,
                created_at: at,
                updated_at: at,
            });
        }
    }
}

/// Status, code and reason of a usual day.
fn day(random: &mut Random) -> (&'static str, Option<&'static str>, &'static str) {
    match random.below(1_000) {
        0..20 => ("absent", None, ""),
        20..27 => ("absent", Some("A"), ""),
        27..30 => ("absent", Some("T"), "Seen at the market."),
        30..40 => ("late", Some("L"), ""),
        40..45 => ("late", Some("B"), "The bus didn't start."),
        45..60 => ("excused", Some("S"), "Sick."),
        _ => ("present", None, ""),
    }
}

/// One application; answers the days when it was granted.
fn ask(
    school: &mut School,
    random: &mut Random,
    today: NaiveDate,
    student: Uuid,
    decided_by: Option<Uuid>,
) -> Option<Leave> {
    let start_date = days_after(today, random.between(-20, 12));
    let end_date = days_after(start_date, random.between(0, 3));
    let asked = days_after(start_date, -random.between(2, 9)).min(days_after(today, -2));
    let created_at = moment(asked, 17, 0);
    let status = match random.below(10) {
        0..6 => "approved",
        6 => "rejected",
        7 => "withdrawn",
        _ => "pending",
    };
    let is_decided = matches!(status, "approved" | "rejected");
    let decided_at = is_decided.then(|| moment(days_after(asked, 1), 10, 0));
    school.leave_applications.push(tables::LeaveApplication {
        id: random.id(created_at),
        student,
        start_date,
        end_date,
        reason: random.pick(&REASONS),
        status,
        decided_by: decided_by.filter(|_| is_decided),
        decided_at,
        created_at,
        updated_at: decided_at.unwrap_or(created_at),
    });
    (status == "approved").then_some((start_date, end_date))
}
