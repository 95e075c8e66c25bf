//! A lesson that does not take place has no attendance, whichever is written first.

use homeroom_api_tests::{Intrusion, Reply};
use serde_json::json;

use super::{refused, year::Year};

/// Cancels a lesson from one day to another.
fn cancel(year: &Year, lesson: &str, first: &str, last: &str) -> Reply {
    let body =
        json!({"lesson": lesson, "start_date": first, "end_date": last, "is_cancelled": true});
    year.admin.post("substitutions/", &body)
}

#[test]
fn a_lesson_with_attendance_is_not_cancelled_until_its_entries_are_deleted() {
    let year = Year::new();
    let (lesson, other) = (
        year.lesson(4, json!({})),
        year.lesson(4, json!({"starts_at": "09:00", "ends_at": "09:40"})),
    );
    let (_, chipo) = year.student("Chipo", &year.class);
    let entry = json!({"student_session": chipo, "date": "2026-01-15", "lesson": lesson, "status": "absent"});
    let entry = year.admin.post("attendance/", &entry).status(201).id();
    let said = |reply: Reply| {
        let expected = "Attendance was entered for the lesson on some of these days. Delete the entries, or choose other days.";
        assert_eq!(reply.status(400).json, json!({"is_cancelled": [expected]}));
    };
    said(cancel(&year, &lesson, "2026-01-15", "2026-01-22"));
    cancel(&year, &other, "2026-01-15", "2026-01-15").expect(201);
    // Somebody else may give it.
    let substitute = json!({"lesson": lesson, "start_date": "2026-01-15", "end_date": "2026-01-15", "teacher": year.stranger.staff});
    let substitute = year.admin.post("substitutions/", &substitute).status(201);
    let path = format!("substitutions/{}/", substitute.id());
    let none = json!({"teacher": null, "is_cancelled": true});
    said(year.admin.patch(&path, &none));
    year.admin.delete(&path).expect(204);
    let later = cancel(&year, &lesson, "2026-01-22", "2026-01-22").status(201);
    let path = format!("substitutions/{}/", later.id());
    let earlier = json!({"start_date": "2026-01-15"});
    said(year.admin.patch(&path, &earlier));
    year.admin
        .delete(&format!("attendance/{entry}/"))
        .expect(204);
    year.admin.patch(&path, &earlier).expect(200);
}

#[test]
fn attendance_of_a_lesson_that_is_cancelled_while_it_is_entered_is_refused() {
    let year = Year::new();
    let lesson = year.lesson(4, json!({}));
    let (_, chipo) = year.student("Chipo", &year.class);
    let row = json!({"student_session": chipo, "status": "present"});
    let bulk = json!({"academic_class": year.class, "date": "2026-01-15", "lesson": lesson, "entries": [row]});
    let one =
        json!({"student_session": chipo, "date": "2026-01-15", "lesson": lesson, "status": "late"});
    for (n, (path, body)) in [("attendance/bulk/", bulk), ("attendance/", one)]
        .into_iter()
        .enumerate()
    {
        let entered = year.app.count(
            &year.school.slot,
            "select count(*) from attendance where lesson is not null",
        );
        assert_eq!(entered, 0);
        year.app
            .execute(&year.school.slot, "delete from substitutions");
        year.app.intrude(Some(Intrusion {
            nth: if n == 0 { 2 } else { 3 },
            binding: year.school.slot.clone(),
            sql: format!(
                "insert into substitutions values ('z', '{lesson}', '2026-01-15', '2026-01-15', null, null, 1, '', 0, 0, null)"
            ),
        }));
        let reply = year.admin.post(path, &body);
        assert!(!year.app.intrusion_waits(), "{path}");
        refused(&reply, 409, "attendance_closed");
    }
}
