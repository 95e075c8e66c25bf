//! Notices: past and future, for everybody and for some.

use chrono::NaiveDate;

use crate::calendar::{days_after, moment};
use crate::random::Random;
use crate::tables::{Notice, School};
use crate::teaching::YearPlan;

/// Title, body, audience, the day of publication and the last day, counted from today.
const NOTICES: [(&str, &str, &str, i64, Option<i64>); 12] = [
    (
        "Prize-giving day",
        "All are invited.\nDoors open at 08:30; please don't be late.",
        "everyone",
        -6,
        Some(14),
    ),
    (
        "Fees for next term",
        "Fees are due on the first day of term. Ask the bursar about payment plans.",
        "guardians",
        -12,
        None,
    ),
    (
        "Marks are due",
        "Please enter all marks by Friday.\n\n— The deputy head",
        "staff",
        -4,
        Some(5),
    ),
    (
        "Exam timetable",
        "The timetable is on the notice board & on the portal.",
        "students",
        -15,
        Some(10),
    ),
    (
        "Sports day 🏃",
        "Houses: Red \"Lions\", Blue \"Eagles\", Green 'Cobras'.",
        "everyone",
        -40,
        Some(-30),
    ),
    (
        "Science trip",
        "Form 3 visits the observatory; packed lunch needed.",
        "form",
        -3,
        Some(9),
    ),
    (
        "Reunião de pais",
        "A reunião será no salão às 18h. Não falte!",
        "guardians",
        -2,
        Some(6),
    ),
    (
        "Class photograph",
        "Wear the full uniform.",
        "class",
        -1,
        Some(3),
    ),
    (
        "Họp phụ huynh",
        "Kính mời quý phụ huynh đến dự buổi họp.",
        "guardians",
        -20,
        Some(-1),
    ),
    (
        "Opening of next term",
        "Boarders return on Sunday, day scholars on Monday.",
        "everyone",
        10,
        None,
    ),
    (
        "إعلان",
        "تبدأ العطلة بعد الامتحانات.",
        "students",
        -1,
        Some(20),
    ),
    ("Staff meeting", "Staff room, 14:00.", "staff", 2, Some(4)),
];
/// Whom notices to a form or a class are for.
const FORM: usize = 2;
const CLASS: usize = 0;

/// Fills the table.
pub(crate) fn build(school: &mut School, seed: u64, today: NaiveDate, plan: &YearPlan<'_>) {
    let mut random = Random::new(seed, "notices");
    let form = plan
        .classes
        .iter()
        .find(|class| class.class.form_index == FORM)
        .map(|class| class.class.form);
    let class = plan.classes.get(CLASS).map(|class| class.id);
    for (title, body, audience, from, until) in NOTICES {
        let publish_at = moment(days_after(today, from), 6, 0);
        let created_at = moment(days_after(today, from.min(0) - 1), 13, 30);
        school.notices.push(Notice {
            id: random.id(created_at),
            title,
            body,
            audience,
            form: form.filter(|_| audience == "form"),
            academic_class: class.filter(|_| audience == "class"),
            publish_at,
            expires_at: until.map(|days| moment(days_after(today, days), 18, 0)),
            created_at,
            updated_at: created_at,
        });
    }
}
