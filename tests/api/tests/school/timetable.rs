//! `/api/v1/school/timetable/` and `timetable/check/`.

use homeroom_domain::academics::timetable::{Entry, conflicts};
use homeroom_store::school::timetable::CONFLICT;
use homeroom_store_sqlite::TENANT_SCHEMA;
use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{refused, year::Year};

#[test]
fn a_lesson_shows_the_names_of_class_subject_and_teacher() {
    let year = Year::new();
    let id = year.lesson(1, json!({"room": " Lab "}));
    let reply = year.admin.get(&format!("timetable/{id}/")).status(200);
    let shown = ["class_name", "subject_name", "teacher_name", "room"].map(|name| reply.str(name));
    assert_eq!(shown, ["3A", "Mathematics", "Mrs Chipo Dube", "Lab"]);
    assert_eq!(
        (&reply.json["revision"], &reply.json["valid_to"]),
        (&json!(0), &json!(null))
    );
    for (query, count) in [
        ("weekday=1".to_owned(), 1),
        ("weekday=2".into(), 0),
        ("room=Lab".into(), 1),
        (format!("teacher={}", year.colleague.staff), 1),
        (format!("teacher={}", year.leader.staff), 0),
        (format!("academic_class={}", year.class), 1),
        (format!("subject={}", year.mathematics), 1),
        // Mondays.
        ("date=2026-01-12".into(), 1),
        ("date=2026-01-13".into(), 0),
        ("date=2025-08-25".into(), 0),
    ] {
        let list = year.admin.get(&format!("timetable/?{query}")).status(200);
        assert_eq!(list.results().len(), count, "{query}");
    }
}

#[test]
fn a_lesson_is_valid_within_the_session_by_the_schools_own_calendar() {
    let year = Year::new();
    // West of Greenwich the session, midnight to midnight there, begins and ends a day earlier.
    for (zone, first, last) in [
        (
            "UTC",
            ["2025-08-31", "2025-09-01"],
            ["2026-07-31", "2026-08-01"],
        ),
        (
            "America/New_York",
            ["2025-08-30", "2025-08-31"],
            ["2026-07-30", "2026-07-31"],
        ),
    ] {
        year.in_zone(zone);
        let create = |from: &str, to: Option<&str>| {
            let body = year.lesson_body(1, json!({"valid_from": from, "valid_to": to}));
            year.admin.post("timetable/", &body)
        };
        let said = |field: &str| {
            let session = format!("{} to {}", first[1], last[0]);
            json!({field: [format!("The date is outside the session, which runs from {session}.")]})
        };
        let early = year.lesson_body(1, json!({"valid_from": first[0]}));
        let checked = year.admin.post("timetable/check/", &early);
        assert_eq!(checked.status(400).json, said("valid_from"), "{zone}");
        let reply = create(first[0], None).status(400);
        assert_eq!(reply.json, said("valid_from"), "{zone}");
        let reply = create(first[1], Some(last[1])).status(400);
        assert_eq!(reply.json, said("valid_to"), "{zone}");
        let lesson = create(first[1], Some(last[0])).status(201).id();
        let path = format!("timetable/{lesson}/");
        let late = json!({"valid_from": last[1], "valid_to": null});
        let reply = year.admin.patch(&path, &late).status(400);
        assert_eq!(reply.json, said("valid_from"), "{zone}");
        year.admin.delete(&path).expect(204);
    }
}

#[test]
fn a_lesson_that_is_none_is_refused_on_its_fields() {
    let year = Year::new();
    let missing = "01890000-0000-7000-8000-00000000dead";
    let physics = json!({"name": "Physics", "code": "PHY"});
    let physics = year.admin.post("subjects/", &physics).status(201).id();
    for (changes, field) in [
        (json!({"ends_at": "08:00"}), "ends_at"),
        (json!({"ends_at": "07:59"}), "ends_at"),
        (json!({"ends_at": "24:00"}), "ends_at"),
        (json!({"starts_at": "8:00"}), "starts_at"),
        (json!({"weekday": 0}), "weekday"),
        (json!({"weekday": 8}), "weekday"),
        (json!({"valid_to": "2025-08-31"}), "valid_to"),
        (json!({"subject": physics}), "subject"),
        (json!({"academic_class": year.other_class}), "subject"),
        (json!({"teacher": missing}), "teacher"),
        (json!({"academic_class": missing}), "academic_class"),
    ] {
        let body = year.lesson_body(1, changes.clone());
        assert_eq!(
            year.admin.post("timetable/", &body).fields(),
            [field],
            "{changes}"
        );
        assert_eq!(
            year.admin.post("timetable/check/", &body).fields(),
            [field],
            "{changes}"
        );
    }
}

/// The kinds of conflict that a check finds, and what a creation says.
fn tried(year: &Year, body: &Value) -> (Vec<String>, Vec<String>) {
    let before = year.app.dump(&year.school.slot);
    let checked = year.admin.post("timetable/check/", body).status(200);
    assert_eq!(
        before,
        year.app.dump(&year.school.slot),
        "a check writes nothing"
    );
    let found = checked.json["conflicts"].as_array().unwrap();
    let text = |conflict: &Value, name: &str| conflict[name].as_str().unwrap().to_owned();
    let kinds = found
        .iter()
        .map(|conflict| text(conflict, "kind"))
        .collect();
    let messages: Vec<String> = found
        .iter()
        .map(|conflict| text(conflict, "message"))
        .collect();
    let created = year.admin.post("timetable/", body);
    if messages.is_empty() {
        let id = created.status(201).id();
        year.admin.delete(&format!("timetable/{id}/")).expect(204);
    } else {
        assert_eq!(created.fields(), ["non_field_errors"]);
        assert_eq!(created.json["non_field_errors"], json!(messages));
    }
    (kinds, messages)
}

#[test]
fn a_check_names_what_a_lesson_would_take_on_single_days() {
    let year = Year::new();
    for teacher in [&year.stranger, &year.leader] {
        let path = format!(
            "sessions/{}/academic-classes/{}/subject-teachers/",
            year.session, year.other_class
        );
        let body = json!({"subject": year.mathematics, "teacher": teacher.staff});
        let _ = year.admin.post(&path, &body);
    }
    let given = year.lesson(1, json!({}));
    let day = "2026-01-19";
    let how = json!({"lesson": given, "start_date": day, "end_date": day, "teacher": year.stranger.staff, "room": "Hall"});
    let how = year.admin.post("substitutions/", &how).status(201).id();
    let wanted = |teacher: &str, room: &str| {
        let changes = json!({"academic_class": year.other_class, "teacher": teacher, "room": room,
            "starts_at": "08:20", "valid_from": "2026-01-12", "valid_to": "2026-01-26"});
        year.lesson_body(1, changes)
    };
    let when = format!("on {day} from 08:00 to 08:40 (lesson {given}).");
    let (stranger, leader) = (&year.stranger.staff, &year.leader.staff);
    assert_eq!(
        tried(&year, &wanted(stranger, "")),
        (
            vec!["teacher".to_owned()],
            vec![format!("Mrs Chipo Dube teaches Mathematics in 3A {when}")]
        )
    );
    assert_eq!(
        tried(&year, &wanted(leader, "Hall")),
        (
            vec!["room".to_owned()],
            vec![format!("Hall is taken by Mathematics of 3A {when}")]
        )
    );
    let checked = year
        .admin
        .post("timetable/check/", &wanted(stranger, ""))
        .status(200);
    let found = &checked.json["conflicts"][0];
    let shown = ["with", "valid_from", "valid_to", "teacher_name"].map(|name| found[name].clone());
    assert_eq!(
        shown,
        [&*given, day, day, "Mrs Chipo Dube"].map(|text| json!(text))
    );
    assert_eq!(
        (found["weekday"].clone(), &found["room"]),
        (json!(1), &json!("Hall"))
    );
    assert_eq!(tried(&year, &wanted(leader, "")).1, Vec::<String>::new());
    // A lesson that does not take place on the day takes nothing.
    let cancelled = json!({"teacher": null, "room": null, "is_cancelled": true});
    year.admin
        .patch(&format!("substitutions/{how}/"), &cancelled)
        .expect(200);
    assert_eq!(
        tried(&year, &wanted(stranger, "Hall")).1,
        Vec::<String>::new()
    );
}

#[test]
fn nobody_and_no_room_is_in_two_places_at_once() {
    let year = Year::new();
    year.teach(&year.other_class, &year.mathematics, &year.stranger.staff);
    let known = year.lesson(1, json!({"room": "Lab"}));
    let free =
        json!({"academic_class": year.other_class, "teacher": year.stranger.staff, "room": "Hall"});
    let with = |changes: Value| {
        let mut body = year.lesson_body(1, free.clone());
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    for (changes, kinds) in [
        (json!({}), vec![]),
        (json!({"academic_class": year.class}), vec!["class"]),
        (json!({"teacher": year.colleague.staff}), vec!["teacher"]),
        (json!({"room": "Lab"}), vec!["room"]),
        (json!({"room": "lab"}), vec![]),
        (json!({"room": ""}), vec![]),
        (
            json!({"academic_class": year.class, "teacher": year.colleague.staff, "room": "Lab"}),
            vec!["class", "teacher", "room"],
        ),
        (json!({"room": "Lab", "weekday": 2}), vec![]),
        (
            json!({"room": "Lab", "starts_at": "08:40", "ends_at": "09:20"}),
            vec![],
        ),
        (
            json!({"room": "Lab", "starts_at": "08:39", "ends_at": "09:20"}),
            vec!["room"],
        ),
        (
            json!({"room": "Lab", "starts_at": "07:00", "ends_at": "08:00"}),
            vec![],
        ),
        (
            json!({"room": "Lab", "starts_at": "07:00", "ends_at": "08:01"}),
            vec!["room"],
        ),
        // The lesson without an end of its own ends with the session, on a Friday.
        (
            json!({"room": "Lab", "valid_from": "2026-07-27"}),
            vec!["room"],
        ),
        // Days without a Monday.
        (
            json!({"room": "Lab", "valid_from": "2025-09-02", "valid_to": "2025-09-07"}),
            vec![],
        ),
        (
            json!({"room": "Lab", "valid_from": "2025-09-02", "valid_to": "2025-09-08"}),
            vec!["room"],
        ),
    ] {
        assert_eq!(tried(&year, &with(changes.clone())).0, kinds, "{changes}");
    }
    let (_, messages) = tried(&year, &with(json!({"room": "Lab"})));
    assert_eq!(
        messages,
        [format!(
            "Lab is taken by Mathematics of 3A on Monday from 08:00 to 08:40, 2025-09-01 to 2026-08-01 (lesson {known})."
        )]
    );
}

#[test]
fn a_lesson_does_not_conflict_with_itself() {
    let year = Year::new();
    let id = year.lesson(1, json!({"room": "Lab"}));
    let path = format!("timetable/{id}/");
    year.admin
        .patch(&path, &json!({"ends_at": "09:00"}))
        .expect(200);
    let mut body = year.lesson_body(1, json!({"room": "Lab"}));
    body["id"] = json!(id);
    let reply = year.admin.post("timetable/check/", &body).status(200);
    assert_eq!(reply.json, json!({"conflicts": []}));
    let other = year.lesson(2, json!({}));
    let reply = year
        .admin
        .patch(&format!("timetable/{other}/"), &json!({"weekday": 1}));
    assert_eq!(reply.fields(), ["non_field_errors"]);
}

#[test]
fn the_revision_rises_at_each_change() {
    let year = Year::new();
    let id = year.lesson(1, json!({}));
    let path = format!("timetable/{id}/");
    for (changes, revision) in [
        (json!({"room": "Lab"}), 1),
        (json!({"room": "Lab"}), 1),
        (json!({}), 1),
        (json!({"weekday": 2}), 2),
        (json!({"revision": 77}), 2),
    ] {
        let reply = year.admin.patch(&path, &changes).status(200);
        assert_eq!(reply.json["revision"], json!(revision), "{changes}");
        assert_eq!(
            year.admin.get(&path).status(200).json["revision"],
            json!(revision)
        );
    }
}

#[test]
fn of_ten_lessons_that_take_the_same_room_at_once_one_is_written() {
    let year = Year::new();
    let body = year.lesson_body(1, json!({"room": "Lab"}));
    let replies = year
        .admin
        .together(10, &Method::POST, "timetable/", Some(&body));
    let good = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(good, 1);
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!(reply.fields(), ["non_field_errors"]);
    }
    // Two lessons that move to the same hour.
    let others = [year.lesson(2, json!({})), year.lesson(3, json!({}))];
    let changes = json!({"weekday": 4});
    let requests = others.map(|id| {
        year.admin
            .request(&Method::PATCH, &format!("timetable/{id}/"), Some(&changes))
    });
    let replies = year.app.run_together(requests.into());
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 200).count(),
        1,
        "{replies:?}"
    );
}

#[test]
fn a_lesson_with_attendance_stays() {
    let year = Year::new();
    let (_, chipo) = year.student("Chipo", &year.class);
    let id = year.lesson(4, json!({}));
    let body =
        json!({"student_session": chipo, "date": "2026-01-15", "status": "present", "lesson": id});
    year.admin.post("attendance/", &body).expect(201);
    refused(
        &year.admin.delete(&format!("timetable/{id}/")),
        409,
        "in_use",
    );
}

#[derive(Clone, Debug)]
pub(super) struct Lesson {
    class: u8,
    teacher: u8,
    room: u8,
    pub(super) weekday: u8,
    starts_at: u16,
    length: u16,
    from: u64,
    days: Option<u64>,
}

prop_compose! {
    pub(super) fn lessons()(
        (class, teacher, room) in (0..3u8, 0..2u8, 0..2u8),
        weekday in 1..=7u8,
        same in any::<bool>(),
        starts_at in 0..90u16,
        length in 1..90u16,
        from in 0..40u64,
        days in prop::option::of(0..20u64),
    ) -> Lesson {
        // Half of them on Sunday, the day that SQLite and people count differently.
        Lesson { class, teacher, room, weekday: if same { 7 } else { weekday }, starts_at, length, from, days }
    }
}

/// Sessions of the classes end on this day of January and February 2026.
pub(super) const SESSION_ENDS: [u64; 3] = [10, 30, 50];

impl Lesson {
    pub(super) fn day(n: u64) -> chrono::NaiveDate {
        "2026-01-01".parse::<chrono::NaiveDate>().unwrap() + chrono::Days::new(n)
    }

    pub(super) fn entry(&self, id: &str) -> Entry {
        Entry {
            id: id.to_owned(),
            academic_class: format!("c{}", self.class),
            teacher: format!("t{}", self.teacher),
            room: Some(format!("r{}", self.room)).filter(|_| self.room > 0),
            weekday: self.weekday,
            starts_at: 8 * 60 + self.starts_at,
            ends_at: 8 * 60 + self.starts_at + self.length,
            valid_from: Self::day(self.from),
            // To the day after the session, as its last moment is another day in other zones.
            valid_to: Some(match self.days {
                Some(days) => Self::day(self.from + days),
                None => Self::day(SESSION_ENDS[usize::from(self.class)] + 1),
            }),
        }
    }

    pub(super) fn insert(&self, db: &rusqlite::Connection, id: &str) {
        let entry = self.entry(id);
        let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let valid_to = entry.valid_to.filter(|_| self.days.is_some());
        db.execute(
            "insert into timetable values (?1, ?2, 's', ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 0, 0, null)",
            rusqlite::params![
                id,
                entry.academic_class,
                entry.teacher,
                entry.room.unwrap_or_default(),
                entry.weekday,
                time(entry.starts_at),
                time(entry.ends_at),
                entry.valid_from.to_string(),
                valid_to.map(|day| day.to_string()),
            ],
        )
        .unwrap();
    }
}

/// A database with a class in each of three sessions, and nothing that refers to it held.
pub(super) fn classes() -> rusqlite::Connection {
    let db = rusqlite::Connection::open_in_memory().unwrap();
    for migration in TENANT_SCHEMA {
        db.execute_batch(migration).unwrap();
    }
    db.execute_batch("pragma foreign_keys = off").unwrap();
    for (n, end) in SESSION_ENDS.iter().enumerate() {
        let end = Lesson::day(*end)
            .and_hms_opt(12, 0, 0)
            .unwrap()
            .and_utc()
            .timestamp_millis();
        db.execute_batch(&format!(
            "insert into academic_sessions values ('y{n}', 'y{n}', 0, {end}, 0, 0, 0, null); \
             insert into academic_classes values ('c{n}', 'y{n}', 'k', null, null, 0, 0, null);"
        ))
        .unwrap();
    }
    db
}

/// The same cases in every run.
pub(super) fn runner() -> proptest::test_runner::TestRunner {
    let config = proptest::test_runner::Config {
        cases: 4_000,
        failure_persistence: None,
        ..Default::default()
    };
    let rng = proptest::test_runner::TestRng::deterministic_rng(
        proptest::test_runner::RngAlgorithm::ChaCha,
    );
    proptest::test_runner::TestRunner::new_with_rng(config, rng)
}

#[test]
fn the_rule_in_the_database_is_the_one_of_the_domain() {
    let db = classes();
    let conflicting = std::cell::Cell::new(0);
    let mut runner = runner();
    let outcome = runner.run(&(lessons(), lessons()), |(a, b)| {
        db.execute("delete from timetable", []).unwrap();
        a.insert(&db, "a");
        b.insert(&db, "b");
        let expected = !conflicts(&a.entry("a"), &[b.entry("b")]).is_empty();
        conflicting.set(conflicting.get() + u32::from(expected));
        for id in ["a", "b"] {
            let broken: bool = db
                .query_row(&format!("select {CONFLICT}"), [id], |row| row.get(0))
                .unwrap();
            prop_assert_eq!(broken, expected, "{} of {:?} and {:?}", id, a, b);
        }
        Ok(())
    });
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(
        conflicting.get() > 200,
        "only {} conflicts",
        conflicting.get()
    );
}
