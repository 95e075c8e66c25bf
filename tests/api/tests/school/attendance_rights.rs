//! Who enters attendance, and for whom.

use homeroom_api_tests::error_of;
use serde_json::{Value, json};

use super::{attendance::entry, key_for, refused, year::Year};

#[test]
fn teachers_enter_attendance_for_the_classes_that_they_lead_or_teach() {
    let year = Year::new();
    let (_, own) = year.student("Chipo", &year.class);
    let (_, other) = year.student("Tariro", &year.other_class);
    year.teach(&year.other_class, &year.mathematics, &year.colleague.staff);
    // Stands in on Thursdays.
    let lesson = year.lesson(4, json!({"teacher": year.stranger.staff}));
    let key = key_for(&year.app, &year.school, &["school.add_attendance"]);
    let office = year
        .school
        .user_who_may(&["school.add_attendance", "school.delete_attendance"]);
    let bulk = |student: &str, class: &str, lesson: Value| json!({"academic_class": class, "date": "2026-01-15", "lesson": lesson, "entries": [{"student_session": student, "status": "present"}]});
    for (who, client, student, class, lesson, may) in [
        (
            "who leads it",
            &year.leader.client,
            &own,
            &year.class,
            json!(null),
            true,
        ),
        (
            "who leads another",
            &year.leader.client,
            &other,
            &year.other_class,
            json!(null),
            false,
        ),
        (
            "who teaches it",
            &year.colleague.client,
            &own,
            &year.class,
            json!(null),
            true,
        ),
        (
            "who teaches the other",
            &year.colleague.client,
            &other,
            &year.other_class,
            json!(null),
            true,
        ),
        (
            "a stranger",
            &year.stranger.client,
            &own,
            &year.class,
            json!(null),
            false,
        ),
        (
            "who stands in",
            &year.stranger.client,
            &own,
            &year.class,
            json!(lesson),
            true,
        ),
        ("a key", &key, &own, &year.class, json!(null), false),
        (
            "the office",
            &office,
            &other,
            &year.other_class,
            json!(null),
            true,
        ),
    ] {
        let mut body = entry(student, "2026-01-15", "present");
        body["lesson"] = lesson.clone();
        let replies = [
            (client.post("attendance/", &body), 201),
            (
                client.post("attendance/bulk/", &bulk(student, class, lesson)),
                200,
            ),
        ];
        for (reply, good) in replies {
            let expected = if may {
                (good, String::new())
            } else {
                (403, "not_your_class".into())
            };
            assert_eq!(error_of(&reply), expected, "{who}: {}", reply.text);
        }
        year.app
            .execute(&year.school.slot, "delete from attendance");
    }
}

#[test]
fn an_entry_is_neither_taken_from_nor_given_to_a_class_of_others() {
    let year = Year::new();
    let (_, own) = year.student("Chipo", &year.class);
    let (_, other) = year.student("Tariro", &year.other_class);
    let date = "2026-01-15";
    let mine = year
        .admin
        .post("attendance/", &entry(&own, date, "present"))
        .status(201)
        .id();
    let theirs = year
        .admin
        .post("attendance/", &entry(&other, date, "present"))
        .status(201)
        .id();
    let leader = &year.leader.client;
    leader
        .patch(&format!("attendance/{mine}/"), &json!({"status": "late"}))
        .expect(200);
    for (id, body) in [
        (&theirs, json!({"status": "late"})),
        (
            &theirs,
            json!({"student_session": own, "date": "2026-01-14"}),
        ),
        (
            &mine,
            json!({"student_session": other, "date": "2026-01-14"}),
        ),
    ] {
        refused(
            &leader.patch(&format!("attendance/{id}/"), &body),
            403,
            "not_your_class",
        );
    }
    refused(
        &leader.delete(&format!("attendance/{mine}/")),
        403,
        "permission_denied",
    );
    year.admin
        .delete(&format!("attendance/{mine}/"))
        .expect(204);
}

#[test]
fn an_entry_of_a_lesson_is_corrected_after_a_change_of_class() {
    let year = Year::new();
    let (_, chipo) = year.student("Chipo", &year.class);
    let lesson = year.lesson(4, json!({}));
    let mut body = entry(&chipo, "2026-01-15", "absent");
    body["lesson"] = json!(lesson);
    let id = year.admin.post("attendance/", &body).status(201).id();
    let one = format!("attendance/{id}/");
    let moved = json!({"academic_class": year.other_class});
    let registration = format!("sessions/{}/student-sessions/{chipo}/", year.session);
    year.admin.patch(&registration, &moved).expect(200);
    // Who gives the lesson, and who enters for all; who only led the class then does no longer.
    let late = json!({"status": "late"});
    year.colleague.client.patch(&one, &late).expect(200);
    body["status"] = json!("excused");
    year.admin
        .send(&http::Method::PUT, &one, Some(&body))
        .expect(200);
    for other in [&year.leader, &year.stranger] {
        refused(&other.client.patch(&one, &late), 403, "not_your_class");
    }
    // What would be another lesson or day is one of the present class.
    let earlier = year.admin.patch(&one, &json!({"date": "2026-01-08"}));
    assert_eq!(earlier.status(400).fields(), ["lesson"]);
    let mut new = body;
    new["date"] = json!("2026-01-08");
    let reply = year.colleague.client.post("attendance/", &new);
    assert_eq!(reply.status(400).fields(), ["lesson"]);
}
