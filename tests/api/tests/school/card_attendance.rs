//! The days on a card.

use serde_json::json;

use super::{greenwood, key_for, report_cards::golden};

#[test]
fn attendance_of_the_term_is_on_the_card() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let student = &golden.students[0];
    for (n, (date, status)) in [
        ("2026-01-11", "excused"),
        ("2026-01-12", "present"),
        ("2026-01-13", "absent"),
        ("2026-01-14", "present"),
        // Today.
        ("2026-01-15", "late"),
        // Leave ahead.
        ("2026-01-16", "excused"),
    ]
    .into_iter()
    .enumerate()
    {
        app.execute(
            &school.slot,
            &format!(
                "insert into attendance (id, student_session, date, status, reason, created_at, updated_at) \
                 values ('01900000-0000-7000-8000-00000000000{n}', '{student}', '{date}', '{status}', '', 1, 1)"
            ),
        );
    }
    assert_eq!(
        golden.card(&school, 0).json["attendance"],
        json!({"present": 2, "absent": 1, "late": 1, "excused": 0})
    );
    let ends = json!({"end_date": "2026-01-14"});
    let term = format!("terms/{}/", golden.form.term);
    school.admin.patch(&term, &ends).expect(200);
    assert_eq!(
        golden.card(&school, 0).json["attendance"],
        json!({"present": 2, "absent": 1, "late": 0, "excused": 0})
    );
}

#[test]
fn a_day_with_lessons_only_counts_on_the_card_by_what_its_lessons_say() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let (session, class, teacher) = (&golden.form.session, &golden.a, &golden.form.teacher);
    let subject = &golden.subjects[0].id;
    let path = format!("sessions/{session}/academic-classes/{class}/subject-teachers/");
    let body = json!({"subject": subject, "teacher": teacher});
    school.admin.post(&path, &body).expect(201);
    let lessons = [("08:00", "08:40"), ("09:00", "09:40")].map(|(from, to)| {
        let body = json!({"academic_class": class, "subject": subject, "teacher": teacher, "weekday": 1,
            "starts_at": from, "ends_at": to, "valid_from": "2026-01-12"});
        school.admin.post("timetable/", &body).status(201).id()
    });
    let student = &golden.students[0];
    let mut expected = json!({"present": 0, "absent": 0, "late": 0, "excused": 0});
    for (n, (day, entries, counts)) in [
        (None, ["present", "absent"], "present"),
        (None, ["late", "present"], "late"),
        (None, ["absent", "late"], "late"),
        (None, ["absent", "absent"], "absent"),
        (None, ["excused", "absent"], "absent"),
        (None, ["excused", "excused"], "excused"),
        // What is said of the day holds.
        (Some("present"), ["absent", "absent"], "present"),
        (Some("absent"), ["present", "late"], "absent"),
    ]
    .into_iter()
    .enumerate()
    {
        let date = format!("2026-01-{}", 20 + n);
        let lesson = |n: usize| format!("'{}'", lessons[n]);
        let rows = [
            (lesson(0), Some(entries[0])),
            (lesson(1), Some(entries[1])),
            ("null".to_owned(), day),
        ];
        for (m, (lesson, status)) in rows.into_iter().enumerate() {
            let Some(status) = status else { continue };
            app.execute(
                &school.slot,
                &format!(
                    "insert into attendance (id, student_session, date, lesson, status, reason, created_at, updated_at) \
                     values ('01900000-0000-7000-8000-0000000000{n}{m}', '{student}', '{date}', {lesson}, '{status}', '', 1, 1)"
                ),
            );
        }
        expected[counts] = json!(expected[counts].as_u64().unwrap() + 1);
    }
    // A sign-in would not last that long.
    let admin = key_for(&app, &school, &["school.*"]);
    app.pass_seconds(20 * 86_400);
    let path = format!("{}report-cards/{student}/", golden.form.path());
    let card = admin.get(&path).status(200);
    assert_eq!(card.json["attendance"], expected);
}
