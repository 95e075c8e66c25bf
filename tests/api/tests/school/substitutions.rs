//! `/api/v1/school/substitutions/` and `timetable/day/`.

use homeroom_api_tests::Client;
use http::Method;
use serde_json::{Value, json};

use super::{
    refused,
    timetable_calendar::{events, occurrences, value},
    year::Year,
};

/// A substitution of a lesson from one day to another.
fn body(lesson: &str, days: [&str; 2], how: &Value) -> Value {
    let mut body = json!({"lesson": lesson, "start_date": days[0], "end_date": days[1]});
    for (name, value) in how.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn substitute(year: &Year, lesson: &str, days: [&str; 2], how: &Value) -> String {
    let reply = year.admin.post("substitutions/", &body(lesson, days, how));
    reply.status(201).id()
}

/// What is given on a day: the lessons, who gives them, where.
fn given(client: &Client, query: &str) -> Vec<[String; 3]> {
    let reply = client.get(&format!("timetable/day/?{query}")).status(200);
    let lessons = reply.json["lessons"].as_array().unwrap().iter();
    lessons
        .map(|row| ["lesson", "teacher", "room"].map(|name| row[name].as_str().unwrap().to_owned()))
        .collect()
}

/// The days of every event of a calendar, with its description and place.
fn calendar(year: &Year, query: &str) -> Vec<(Vec<String>, String, String)> {
    let path = format!("timetable/calendar.ics?{query}");
    let text = year.admin.get(&path).status(200).text;
    events(&text)
        .iter()
        .map(|event| {
            let days = occurrences(&text, &value(event, "UID"));
            let days = days.iter().map(|moment| moment[..10].to_owned()).collect();
            (days, value(event, "DESCRIPTION"), value(event, "LOCATION"))
        })
        .collect()
}

#[test]
fn a_substitute_gives_the_lesson_on_the_days_and_the_timetable_stays() {
    let year = Year::new();
    let of = |teacher: &str, day: &str| format!("teacher={teacher}&date={day}");
    let (absent, other) = (&year.colleague.staff, &year.stranger.staff);
    let lesson = year.lesson(
        1,
        json!({"room": "Lab", "valid_from": "2026-01-12", "valid_to": "2026-02-09"}),
    );
    let before = year.admin.get(&format!("timetable/{lesson}/")).status(200);
    let how = json!({"teacher": other, "room": "Hall", "reason": "A course"});
    let reply = year.admin.post(
        "substitutions/",
        &body(&lesson, ["2026-01-19", "2026-01-27"], &how),
    );
    let made = reply.status(201);
    let names = [
        "class_name",
        "subject_name",
        "usual_teacher_name",
        "teacher_name",
    ];
    assert_eq!(
        names.map(|name| made.str(name)),
        ["3A", "Mathematics", "Mrs Chipo Dube", "Mrs Chipo Dube"]
    );

    // Day by day.
    for (day, teacher, room) in [
        ("2026-01-12", absent, "Lab"),
        ("2026-01-19", other, "Hall"),
        ("2026-01-26", other, "Hall"),
        ("2026-02-02", absent, "Lab"),
    ] {
        let row = [[lesson.clone(), teacher.clone(), room.to_owned()]];
        assert_eq!(given(&year.admin, &format!("date={day}")), row, "{day}");
        assert_eq!(given(&year.admin, &of(teacher, day)), row, "{day}");
        let gone = if teacher == absent { other } else { absent };
        assert_eq!(
            given(&year.admin, &of(gone, day)),
            [] as [[String; 3]; 0],
            "{day}"
        );
        let class = format!("academic_class={}&date={day}", year.class);
        assert_eq!(given(&year.admin, &class), row, "{day}");
    }
    let after = year.admin.get(&format!("timetable/{lesson}/")).status(200);
    for name in ["teacher", "room", "weekday", "valid_from", "valid_to"] {
        assert_eq!(after.json[name], before.json[name], "{name}");
    }

    // In calendars, as another program reads them.
    let days = |days: &[&str]| days.iter().map(|day| (*day).to_owned()).collect::<Vec<_>>();
    let usual = (
        days(&["2026-01-12", "2026-02-02", "2026-02-09"]),
        "Mrs Chipo Dube".to_owned(),
        "Lab".to_owned(),
    );
    let changed = (
        days(&["2026-01-19", "2026-01-26"]),
        "Mrs Chipo Dube".to_owned(),
        "Hall".to_owned(),
    );
    assert_eq!(
        calendar(&year, &format!("teacher={absent}")),
        std::slice::from_ref(&usual)
    );
    assert_eq!(
        calendar(&year, &format!("teacher={other}")),
        std::slice::from_ref(&changed)
    );
    let mut of_class = calendar(&year, &format!("academic_class={}", year.class));
    of_class.sort();
    assert_eq!(of_class, [usual, changed]);
    let feed = year
        .stranger
        .client
        .post("my/calendar-feeds/", &json!({}))
        .status(201);
    let address = feed.str("address");
    let token = address.split_once('?').unwrap().1;
    let own = year
        .school
        .anonymous()
        .get(&format!("timetable.ics?{token}"))
        .status(200);
    assert_eq!(events(&own.text).len(), 1);

    // Of the lists, that of attendance names who gives the lesson.
    let _ = year.student("Chipo", &year.class);
    year.at("2026-01-26T20:00:00Z");
    for (day, teacher) in [("2026-01-12", absent), ("2026-01-26", other)] {
        let missing = year
            .admin
            .get(&format!("attendance/missing/?by=lesson&date={day}"))
            .status(200);
        assert_eq!(missing.json["lessons"][0]["teacher"], *teacher, "{day}");
    }
}

#[test]
fn a_cancelled_lesson_is_nobodys_on_the_day() {
    let year = Year::new();
    let lesson = year.lesson(
        4,
        json!({"valid_from": "2026-01-08", "valid_to": "2026-01-22"}),
    );
    let (_, chipo) = year.student("Chipo", &year.class);
    let day = "2026-01-15";
    substitute(&year, &lesson, [day, day], &json!({"is_cancelled": true}));
    assert_eq!(
        given(&year.admin, &format!("date={day}")),
        [] as [[String; 3]; 0]
    );
    assert_eq!(given(&year.admin, "date=2026-01-22").len(), 1);
    for query in [
        format!("teacher={}", year.colleague.staff),
        format!("academic_class={}", year.class),
    ] {
        let found = calendar(&year, &query);
        assert_eq!(
            (found.len(), &*found[0].0),
            (1, &["2026-01-08".to_owned(), "2026-01-22".to_owned()][..])
        );
    }
    let missing = format!("attendance/missing/?by=lesson&date={day}");
    year.at("2026-01-15T20:00:00Z");
    assert_eq!(
        year.admin.get(&missing).status(200).json["lessons"],
        json!([])
    );
    let entry =
        json!({"student_session": chipo, "date": day, "lesson": lesson, "status": "present"});
    let reply = year.admin.post("attendance/", &entry).status(400);
    assert_eq!(
        reply.json,
        json!({"lesson": ["The lesson is cancelled on this date."]})
    );
    let list = year
        .admin
        .get(&format!(
            "substitutions/?is_cancelled=true&from={day}&to={day}"
        ))
        .status(200);
    assert_eq!(list.results().len(), 1);
}

#[test]
fn a_substitution_that_says_nothing_or_too_much_is_refused_on_its_fields() {
    let year = Year::new();
    let lesson = year.lesson(1, json!({"valid_to": "2026-02-09"}));
    let stranger = &year.stranger.staff;
    let missing = "01890000-0000-7000-8000-00000000dead";
    for (days, how, field) in [
        (["2026-01-19", "2026-01-19"], json!({}), "non_field_errors"),
        (
            ["2026-01-19", "2026-01-19"],
            json!({"reason": "?"}),
            "non_field_errors",
        ),
        (
            ["2026-01-19", "2026-01-19"],
            json!({"is_cancelled": true, "teacher": stranger}),
            "is_cancelled",
        ),
        (
            ["2026-01-19", "2026-01-19"],
            json!({"is_cancelled": true, "room": "Hall"}),
            "is_cancelled",
        ),
        (
            ["2026-01-19", "2026-01-18"],
            json!({"teacher": stranger}),
            "end_date",
        ),
        (
            ["2026-01-19", "2027-01-20"],
            json!({"teacher": stranger}),
            "end_date",
        ),
        (
            ["2026-01-20", "2026-01-25"],
            json!({"teacher": stranger}),
            "start_date",
        ),
        (
            ["2026-02-10", "2026-03-25"],
            json!({"teacher": stranger}),
            "start_date",
        ),
        (
            ["2026-01-19", "2026-01-19"],
            json!({"teacher": missing}),
            "teacher",
        ),
        (
            ["2026-01-19", "2026-01-19"],
            json!({"room": ""}),
            "non_field_errors",
        ),
    ] {
        let reply = year
            .admin
            .post("substitutions/", &body(&lesson, days, &how));
        assert_eq!(reply.fields(), [field], "{days:?} {how}");
    }
    substitute(
        &year,
        &lesson,
        ["2026-01-12", "2026-01-20"],
        &json!({"teacher": stranger}),
    );
    let again = body(
        &lesson,
        ["2026-01-20", "2026-01-30"],
        &json!({"is_cancelled": true}),
    );
    let reply = year.admin.post("substitutions/", &again);
    assert_eq!(reply.fields(), ["start_date"]);
    refused(
        &year.admin.delete(&format!("timetable/{lesson}/")),
        409,
        "in_use",
    );
}

#[test]
fn nobody_and_no_room_is_in_two_places_on_a_day() {
    let year = Year::new();
    year.teach(&year.other_class, &year.mathematics, &year.stranger.staff);
    let (a, b) = (&year.colleague.staff, &year.stranger.staff);
    let of_a = year.lesson(1, json!({"room": "Lab"}));
    let of_b = year.lesson(1, json!({"academic_class": year.other_class, "teacher": b, "starts_at": "08:30", "ends_at": "09:10", "room": "Hall"}));
    let day = ["2026-01-19", "2026-01-19"];
    let said = |reply: homeroom_api_tests::Reply| {
        assert_eq!(reply.fields(), ["non_field_errors"]);
        reply.json["non_field_errors"][0]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let post = |lesson: &str, days: [&str; 2], how: Value| {
        year.admin.post("substitutions/", &body(lesson, days, &how))
    };
    // B has a lesson then, and the hall is taken.
    let taken = said(post(&of_a, day, json!({"teacher": b})));
    assert_eq!(
        taken,
        format!(
            "Mrs Chipo Dube teaches Mathematics in 3B on 2026-01-19 from 08:30 to 09:10 (lesson {of_b})."
        )
    );
    let taken = said(post(&of_a, day, json!({"room": "Hall"})));
    assert!(
        taken.starts_with("Hall is taken by Mathematics of 3B on 2026-01-19"),
        "{taken}"
    );
    // Where B's lesson is given by somebody else, B may stand in; and then it cannot go back to B.
    let away = substitute(&year, &of_b, day, &json!({"teacher": year.leader.staff}));
    said(post(
        &of_a,
        ["2026-01-19", "2026-01-26"],
        json!({"teacher": b}),
    ));
    let stands_in = substitute(&year, &of_a, day, &json!({"teacher": b}));
    let path = format!("substitutions/{away}/");
    said(year.admin.delete(&path));
    said(year.admin.patch(
        &path,
        &json!({"start_date": "2026-01-26", "end_date": "2026-01-26"}),
    ));
    said(
        year.admin
            .patch(&path, &json!({"teacher": null, "room": "Gym"})),
    );
    year.admin
        .patch(&path, &json!({"teacher": null, "is_cancelled": true}))
        .expect(200);
    // The weekly timetable keeps clear of who stands in: A may have no new lesson in another class, B none at all.
    let new = |teacher: &str| {
        let changes = json!({"academic_class": year.other_class, "teacher": teacher, "starts_at": "08:00",
            "ends_at": "08:30", "valid_from": "2026-01-19", "valid_to": "2026-01-19"});
        year.admin.post("timetable/", &year.lesson_body(1, changes))
    };
    said(new(b));
    year.admin
        .delete(&format!("substitutions/{stands_in}/"))
        .expect(204);
    let id = new(b).status(201).id();
    said(post(&of_a, day, json!({"teacher": b})));
    year.admin.delete(&format!("timetable/{id}/")).expect(204);
    year.admin.delete(&path).expect(204);
    assert_eq!(
        a,
        &year
            .admin
            .get(&format!("timetable/{of_a}/"))
            .status(200)
            .str("teacher")
    );
}

#[test]
fn of_ten_substitutions_that_take_the_same_teacher_at_once_one_is_written() {
    let year = Year::new();
    year.teach(&year.other_class, &year.mathematics, &year.leader.staff);
    let lessons = [
        year.lesson(1, json!({})),
        year.lesson(
            1,
            json!({"academic_class": year.other_class, "teacher": year.leader.staff}),
        ),
    ];
    let requests = (0..10).map(|n| {
        let how = json!({"teacher": year.stranger.staff});
        let body = body(&lessons[n % 2], ["2026-01-19", "2026-01-19"], &how);
        year.admin
            .request(&Method::POST, "substitutions/", Some(&body))
    });
    let replies = year.app.run_together(requests.collect());
    let good = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(good, 1);
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        let [field] = &reply.fields()[..] else {
            panic!("{}", reply.text)
        };
        assert!(
            ["non_field_errors", "start_date"].contains(&&**field),
            "{field}"
        );
    }
}

#[test]
fn a_substitute_enters_the_attendance_of_the_lesson_on_these_days_alone() {
    let year = Year::new();
    let lesson = year.lesson(4, json!({}));
    let (_, chipo) = year.student("Chipo", &year.class);
    substitute(
        &year,
        &lesson,
        ["2026-01-15", "2026-01-15"],
        &json!({"teacher": year.stranger.staff}),
    );
    let enter = |day: &str, lesson: Value| {
        let entries = json!([{"student_session": chipo, "status": "late"}]);
        let body = json!({"academic_class": year.class, "date": day, "lesson": lesson, "entries": entries});
        year.stranger.client.post("attendance/bulk/", &body)
    };
    refused(&enter("2026-01-08", json!(lesson)), 403, "not_your_class");
    refused(&enter("2026-01-15", json!(null)), 403, "not_your_class");
    assert_eq!(
        enter("2026-01-15", json!(lesson)).status(200).json["created"],
        1
    );
    let entry = year
        .stranger
        .client
        .get(&format!("attendance/?lesson={lesson}"))
        .status(200)
        .str("results/0/id");
    let path = format!("attendance/{entry}/");
    year.stranger
        .client
        .patch(&path, &json!({"status": "present"}))
        .expect(200);
}

#[test]
fn calendars_learn_of_every_change_of_a_substitution() {
    let year = Year::new();
    let lesson = year.lesson(1, json!({}));
    let sequences = || {
        let path = format!("timetable/calendar.ics?academic_class={}", year.class);
        let found = events(&year.admin.get(&path).status(200).text);
        let mut found: Vec<_> = found
            .iter()
            .map(|event| ["UID", "SEQUENCE"].map(|name| value(event, name)))
            .collect();
        found.sort_by_key(|[uid, _]| *uid != format!("{lesson}@homeroom"));
        found
    };
    let usual = |n: u32| [format!("{lesson}@homeroom"), n.to_string()];
    assert_eq!(sequences(), [usual(0)]);
    let day = ["2026-01-19", "2026-01-19"];
    let id = substitute(&year, &lesson, day, &json!({"room": "Hall"}));
    let other = |n: u32| [format!("{id}@homeroom"), n.to_string()];
    assert_eq!(sequences(), [usual(1), other(1)]);
    let path = format!("substitutions/{id}/");
    year.admin.patch(&path, &json!({"room": "Gym"})).expect(200);
    assert_eq!(sequences(), [usual(2), other(2)]);
    year.admin.delete(&path).expect(204);
    assert_eq!(sequences(), [usual(3)]);
}

#[test]
fn a_substitution_stays_with_its_lesson() {
    let year = Year::new();
    let (lesson, other) = (year.lesson(1, json!({})), year.lesson(2, json!({})));
    let days = ["2026-01-19", "2026-01-20"];
    let id = substitute(&year, &lesson, days, &json!({"room": "Hall"}));
    let path = format!("substitutions/{id}/");
    // In calendars its SEQUENCE is the lesson's, and would fall.
    let reply = year.admin.patch(&path, &json!({"lesson": other}));
    let message = "A substitution stays with its lesson: delete it, and make another one.";
    assert_eq!(reply.status(400).json, json!({"lesson": [message]}));
    let same = json!({"lesson": lesson, "room": "Gym"});
    year.admin.patch(&path, &same).expect(200);
}

#[test]
fn between_the_terms_of_a_session_no_lesson_is_given() {
    let year = Year::new();
    let _ = year.lesson(1, json!({}));
    let _ = year.student("Chipo", &year.class);
    assert_eq!(given(&year.admin, "date=2026-01-12").len(), 1);
    for (term, first, last, vacation) in [
        ("1", "2025-09-01", "2025-12-05", json!("2025-12-06")),
        ("2", "2026-01-19", "2026-04-02", json!(null)),
    ] {
        // How long the vacation is, is not known.
        let body = json!({"session": year.session, "term": term, "start_date": first, "end_date": last,
            "vacation_start": vacation});
        year.admin.post("terms/", &body).expect(201);
    }
    year.at("2026-04-07T20:00:00Z");
    let class = format!("academic_class={}", year.class);
    let (shown, _, _) = &calendar(&year, &class)[0];
    for (day, count) in [
        ("2025-12-01", 1),
        ("2025-12-08", 0),
        ("2026-01-12", 0),
        ("2026-01-19", 1),
        ("2026-04-06", 0),
    ] {
        assert_eq!(
            given(&year.admin, &format!("date={day}")).len(),
            count,
            "{day}"
        );
        let missing = format!("attendance/missing/?by=lesson&date={day}");
        let missing = year.admin.get(&missing).status(200);
        assert_eq!(
            missing.json["lessons"].as_array().unwrap().len(),
            count,
            "{day}"
        );
        assert_eq!(shown.contains(&day.to_owned()), count == 1, "{day}");
    }
}
