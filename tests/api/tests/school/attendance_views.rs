//! `GET /api/v1/school/attendance/{sheet,summary,missing}/`.

use serde_json::{Value, json};

use super::year::Year;

impl Year {
    fn enter(&self, student: &str, date: &str, status: &str, lesson: Value) {
        let body =
            json!({"student_session": student, "date": date, "status": status, "lesson": lesson});
        self.admin.post("attendance/", &body).expect(201);
    }
}

#[test]
fn a_sheet_shows_a_month_of_a_class_day_by_day() {
    let year = Year::new();
    let (_, tariro) = year.student("Tariro", &year.class);
    let (_, chipo) = year.student("Chipo", &year.class);
    let (_, left) = year.student("Farai", &year.class);
    let (_, gone) = year.student("Rudo", &year.class);
    let lesson = year.lesson(4, json!({}));
    year.holiday("New Year", "2025-12-30", "2026-01-02");
    for (student, date, status) in [
        (&chipo, "2026-01-05", "present"),
        (&chipo, "2026-01-06", "absent"),
        (&chipo, "2026-01-15", "late"),
        (&tariro, "2026-01-05", "excused"),
        (&tariro, "2025-12-29", "absent"),
        (&left, "2026-01-05", "present"),
    ] {
        year.enter(student, date, status, json!(null));
    }
    year.enter(&chipo, "2026-01-08", "absent", json!(lesson));
    year.leaves(&left);
    year.leaves(&gone);
    let path = format!(
        "attendance/sheet/?academic_class={}&month=2026-01",
        year.class
    );
    let sheet = year.admin.get(&path).status(200);
    assert_eq!(
        (sheet.str("class_name"), sheet.str("month")),
        ("3A".into(), "2026-01".into())
    );
    let days = sheet.json["days"].as_array().unwrap();
    assert_eq!(days.len(), 31);
    assert_eq!(
        days[0],
        json!({"date": "2026-01-01", "weekday": 4, "holiday": "New Year"})
    );
    assert_eq!(
        days[2],
        json!({"date": "2026-01-03", "weekday": 6, "holiday": null})
    );
    let students = sheet.json["students"].as_array().unwrap();
    let names: Vec<&str> = students
        .iter()
        .map(|s| s["student_name"].as_str().unwrap())
        .collect();
    // Who left is shown for what was entered, and not otherwise.
    assert_eq!(names, ["Chipo Dube", "Farai Dube", "Tariro Dube"]);
    let entered: Vec<(usize, &str)> = students[0]["statuses"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .filter_map(|(n, status)| Some((n + 1, status.as_str()?)))
        .collect();
    assert_eq!(entered, [(5, "present"), (6, "absent"), (15, "late")]);
    assert_eq!(
        students[0]["totals"],
        json!({"present": 1, "absent": 1, "late": 1, "excused": 0, "total": 3, "justified": 0, "unjustified": 1, "percentage": 66.67})
    );
    let of_lesson = year
        .admin
        .get(&format!("{path}&lesson={lesson}"))
        .status(200);
    assert_eq!(
        of_lesson.json["students"][0]["statuses"][7],
        json!("absent")
    );
    assert_eq!(of_lesson.json["students"][0]["totals"]["total"], json!(1));
    let february = year.admin.get(&path.replace("-01", "-02")).status(200);
    assert_eq!(february.json["days"].as_array().unwrap().len(), 28);
}

#[test]
fn a_summary_counts_the_days_and_lessons_of_a_term() {
    let year = Year::new();
    let (student, chipo) = year.student("Chipo", &year.class);
    let (_, tariro) = year.student("Tariro", &year.class);
    let (_, _) = year.student("Rudo", &year.other_class);
    let lesson = year.lesson(4, json!({}));
    let term = json!({"session": year.session, "term": "2", "start_date": "2026-01-05", "end_date": "2026-03-27"});
    let term = year.admin.post("terms/", &term).status(201).id();
    for (date, status) in [
        ("2025-12-19", "absent"),
        ("2026-01-05", "present"),
        ("2026-01-06", "excused"),
        ("2026-01-07", "absent"),
        ("2026-01-15", "present"),
    ] {
        year.enter(&chipo, date, status, json!(null));
    }
    year.enter(&chipo, "2026-01-15", "late", json!(lesson));
    // A leave that lies ahead counts once its days come.
    let leave = json!({"student": student, "start_date": "2026-01-16", "end_date": "2026-01-20"});
    let leave = year
        .admin
        .post("leave-applications/", &leave)
        .status(201)
        .id();
    year.admin
        .act(&format!("leave-applications/{leave}/approve/"))
        .expect(200);
    let mine = format!("attendance/summary/?student={student}&term={term}");
    let reply = year.admin.get(&mine).status(200);
    assert_eq!(
        (reply.str("start_date"), reply.str("end_date")),
        ("2026-01-05".into(), "2026-03-27".into())
    );
    assert_eq!(reply.json["students"].as_array().unwrap().len(), 1);
    assert_eq!(
        reply.json["students"][0]["days"],
        json!({"present": 2, "absent": 1, "late": 0, "excused": 1, "total": 4, "justified": 1, "unjustified": 1, "percentage": 50})
    );
    assert_eq!(reply.json["students"][0]["lessons"]["late"], json!(1));
    year.at("2026-01-19T08:00:00Z");
    let reply = year.admin.get(&mine).status(200);
    assert_eq!(reply.json["students"][0]["days"]["excused"], json!(3));
    let class = format!(
        "attendance/summary/?academic_class={}&term={term}",
        year.class
    );
    let reply = year.admin.get(&class).status(200);
    let rows = reply.json["students"].as_array().unwrap();
    let shown: Vec<(&str, &Value)> = rows
        .iter()
        .map(|s| (s["student_name"].as_str().unwrap(), &s["days"]["total"]))
        .collect();
    assert_eq!(
        shown,
        [("Chipo Dube", &json!(6)), ("Tariro Dube", &json!(0))]
    );
    assert_eq!(rows[1]["days"]["percentage"], json!(null));
    assert_eq!(rows[1]["student_session"], json!(tariro));
}

#[test]
fn classes_that_have_not_entered_all_their_students_are_missing() {
    let year = Year::new();
    let students = [
        year.student("Chipo", &year.class).1,
        year.student("Tariro", &year.class).1,
    ];
    let (_, left) = year.student("Farai", &year.class);
    year.leaves(&left);
    let missing = |date: &str| {
        year.admin
            .get(&format!("attendance/missing/?date={date}"))
            .status(200)
    };
    // A class without students misses nothing.
    let reply = year.admin.get("attendance/missing/").status(200);
    assert_eq!(reply.str("date"), "2026-01-15");
    let row = |entered: u32| {
        json!([{
            "academic_class": year.class, "class_name": "3A", "class_teacher": year.leader.staff,
            "class_teacher_name": "Mrs Chipo Dube", "size": 2, "entered": entered,
        }])
    };
    assert_eq!(reply.json["classes"], row(0));
    year.enter(&students[0], "2026-01-15", "present", json!(null));
    assert_eq!(missing("2026-01-15").json["classes"], row(1));
    // An entry of a lesson is one too.
    let lesson = year.lesson(4, json!({}));
    year.enter(&students[1], "2026-01-15", "present", json!(lesson));
    assert_eq!(missing("2026-01-15").json["classes"], json!([]));
    year.holiday("Snow", "2026-01-14", "2026-01-14");
    let reply = missing("2026-01-14");
    assert_eq!(
        (reply.str("holiday"), &reply.json["classes"]),
        ("Snow".into(), &json!([]))
    );
    assert_eq!(missing("2026-01-13").json["classes"], row(0));
    // Saturday: only where there are lessons.
    assert_eq!(missing("2026-01-10").json["classes"], json!([]));
    year.lesson(6, json!({"valid_from": "2026-01-10"}));
    assert_eq!(missing("2026-01-10").json["classes"], row(0));
    assert_eq!(missing("2026-01-03").json["classes"], json!([]));
    year.lesson(7, json!({}));
    assert_eq!(missing("2026-01-11").json["classes"], row(0));
    // Outside the session.
    assert_eq!(missing("2025-08-29").json["classes"], json!([]));
    assert_eq!(missing("2025-09-01").json["classes"], row(0));
    assert_eq!(
        year.admin
            .get("attendance/missing/?date=2026-01-16")
            .fields(),
        ["date"]
    );
}

#[test]
fn the_lessons_of_a_day_whose_attendance_is_missing_are_named_with_who_gives_them() {
    let year = Year::new();
    let (_, chipo) = year.student("Chipo", &year.class);
    let (_, rudo) = year.student("Rudo", &year.class);
    let lessons = [("08:00", "08:40"), ("09:00", "09:40"), ("10:00", "10:40")].map(|(from, to)| {
        let at = |weekday| year.lesson(weekday, json!({"starts_at": from, "ends_at": to}));
        (at(3), at(4))
    });
    year.lesson(
        4,
        json!({"starts_at": "07:00", "ends_at": "07:40", "valid_to": "2026-01-14"}),
    );
    let missing = |date: &str| {
        let path = format!("attendance/missing/?date={date}&by=lesson");
        let reply = year.admin.get(&path).status(200);
        assert_eq!(reply.json["classes"], json!([]), "{date}");
        let lessons = reply.json["lessons"].as_array().unwrap().clone();
        let of = |lesson: &Value| {
            let entered = lesson["entered"].as_u64().unwrap();
            (lesson["lesson"].as_str().unwrap().to_owned(), entered)
        };
        (lessons.iter().map(of).collect::<Vec<_>>(), lessons)
    };
    // It is Thursday, 08:00: the later lessons have not begun.
    let (thursday, full) = missing("2026-01-15");
    assert_eq!(thursday, [(lessons[0].1.clone(), 0)]);
    let shown = [
        "class_name",
        "subject_name",
        "teacher",
        "teacher_name",
        "starts_at",
        "ends_at",
        "size",
    ];
    assert_eq!(
        json!(shown.map(|name| full[0][name].clone())),
        json!([
            "3A",
            "Mathematics",
            year.colleague.staff,
            "Mrs Chipo Dube",
            "08:00",
            "08:40",
            2
        ])
    );
    let wednesday = "2026-01-14";
    let all = lessons.clone().map(|(wednesday, _)| wednesday);
    assert_eq!(missing(wednesday).0, all.clone().map(|lesson| (lesson, 0)));
    year.enter(&chipo, wednesday, "present", json!(all[0]));
    year.enter(&chipo, wednesday, "late", json!(all[1]));
    year.enter(&rudo, wednesday, "absent", json!(all[1]));
    assert_eq!(
        missing(wednesday).0,
        [(all[0].clone(), 1), (all[2].clone(), 0)]
    );
    // Who is there all day may miss a lesson; who is not there misses all.
    year.enter(&chipo, wednesday, "present", json!(null));
    year.enter(&rudo, wednesday, "excused", json!(null));
    assert_eq!(missing(wednesday).0, [(all[2].clone(), 1)]);
    year.holiday("Snow", wednesday, wednesday);
    assert!(missing(wednesday).0.is_empty());
    assert!(missing("2026-01-13").0.is_empty());
    let wrong = year.admin.get("attendance/missing/?by=week");
    assert_eq!(wrong.fields(), ["by"]);
    let by_day = format!("attendance/missing/?date={wednesday}&by=day");
    assert_eq!(
        year.admin.get(&by_day).status(200).json["lessons"],
        json!([])
    );
}

#[test]
fn questions_that_cannot_be_answered_are_400_on_their_names() {
    let year = Year::new();
    let (student, _) = year.student("Chipo", &year.class);
    let class = &year.class;
    let missing = "01890000-0000-7000-8000-00000000dead";
    let term = json!({"session": year.session, "term": "2", "start_date": "2026-01-05", "end_date": "2026-03-27"});
    let term = year.admin.post("terms/", &term).status(201).id();
    for (path, fields) in [
        ("sheet/".to_owned(), vec!["academic_class", "month"]),
        (
            format!("sheet/?academic_class={class}&month=2026-13"),
            vec!["month"],
        ),
        (
            format!("sheet/?academic_class={class}&month=2026-1"),
            vec!["month"],
        ),
        (
            format!("sheet/?academic_class={class}&month=2026-01-01"),
            vec!["month"],
        ),
        (
            format!("sheet/?academic_class={class}&month=2026-01&month=2026-02"),
            vec!["month"],
        ),
        (
            format!("sheet/?academic_class={missing}&month=2026-01"),
            vec!["academic_class"],
        ),
        (
            format!("sheet/?academic_class={class}&month=2026-01&colour=red"),
            vec!["colour"],
        ),
        (format!("summary/?term={term}"), vec!["student"]),
        (
            format!("summary/?term={term}&student={student}&academic_class={class}"),
            vec!["student"],
        ),
        (format!("summary/?student={student}"), vec!["term"]),
        (
            format!("summary/?student={student}&term={missing}"),
            vec!["term"],
        ),
        (
            format!("summary/?student={missing}&term={term}"),
            vec!["student"],
        ),
        (
            format!("summary/?academic_class={missing}&term={term}"),
            vec!["academic_class"],
        ),
        ("missing/?date=yesterday".to_owned(), vec!["date"]),
    ] {
        assert_eq!(
            year.admin.get(&format!("attendance/{path}")).fields(),
            fields,
            "{path}"
        );
    }
}
