//! Results that are worked out from those of other exam sessions: what may be done with them, and with their parts.

use homeroom_api_tests::{Intrusion, School, TestApp};
use serde_json::{Value, json};

use super::{
    greenwood, refused,
    year_results::{Year, publish, year},
};

fn part(id: &str, weight: i64) -> Value {
    json!({"exam_session": id, "weight": weight})
}

fn put(school: &School, path: &str, parts: &[Value]) -> homeroom_api_tests::Reply {
    school
        .admin
        .put(&format!("{path}parts/"), &json!({"parts": parts}))
}

/// An exam session of the year's academic session, with nothing in it.
fn another(school: &School, year: &Year, name: &str) -> (String, String) {
    let sessions = format!("sessions/{}/exam-sessions/", year.form.session);
    let body = json!({"term": "3", "name": name});
    let id = school.admin.post(&sessions, &body).status(201).id();
    (id.clone(), format!("{sessions}{id}/"))
}

#[test]
fn an_exam_session_shows_its_parts_and_loses_them_again() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    let path = year.form.path();
    let shown = || school.admin.get(&path).status(200).json["parts"].clone();
    let expected = json!([
        {"exam_session": year.parts[0], "name": "End of term", "term": "1", "weight": 20, "state": "draft"},
        {"exam_session": year.parts[1], "name": "Midterm", "term": "2", "weight": 30, "state": "draft"},
        {"exam_session": year.parts[2], "name": "Final", "term": "3", "weight": 50, "state": "draft"},
    ]);
    assert_eq!(shown(), expected);
    let again = year.weigh(&school, &[20, 30, 50]).status(200).json;
    assert_eq!(again["parts"], expected);
    assert_eq!(again, school.admin.get(&path).status(200).json);
    let ordinary = school.admin.get(&year.part(0)).status(200).json;
    assert_eq!(ordinary["parts"], json!([]));
    app.pass_seconds(1);
    let none = put(&school, &path, &[]).status(200).json;
    assert_eq!((&none["parts"], shown()), (&json!([]), json!([])));
    let log = school
        .admin
        .get("audit-logs/?table_name=exam_sessions&page_size=1")
        .status(200);
    assert_eq!(
        log.results()[0]["changes"],
        json!({"parts": {"from": expected, "to": []}})
    );
    // Now it has exams like any other.
    let _ = year.form.exam(&year.classes[0], &year.subjects[0], None);
    refused(&year.weigh(&school, &[1, 1]), 409, "exam_session_has_exams");
    app.assert_sound();
}

#[test]
fn every_mistake_in_the_parts_is_told_and_nothing_is_stored() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    let path = year.form.path();
    let [a, b] = [&year.parts[0], &year.parts[1]];
    let elsewhere = homeroom_api_tests::academics::Form::new(&app, &school, "Z", "O Level");
    let before = app.dump(&school.slot);
    let many: Vec<Value> = (0..7).map(|_| part(a, 1)).collect();
    for (parts, message) in [
        (json!("x"), "Item 1: Expected an object."),
        (json!([part(a, 1)]), "Name at least two parts, or none."),
        (json!(many), "Ensure this list has no more than 6 items."),
        (
            json!([part(a, 1), part(a, 2)]),
            "Item 2: This part is named twice.",
        ),
        (
            json!([part(a, 0), part(b, 1)]),
            "Item 1: weight: Ensure this value is from 1 to 100.",
        ),
        (
            json!([part(a, 1), part(b, 101)]),
            "Item 2: weight: Ensure this value is from 1 to 100.",
        ),
        (
            json!([part(a, 1), part("x", 1)]),
            "Item 2: exam_session: Must be a valid UUID.",
        ),
        (
            json!([part(a, 1), {"exam_session": b, "weight": 1, "name": "B"}]),
            "Item 2: name: There is no such field.",
        ),
        // Of another year, and of none.
        (
            json!([part(a, 1), part(&elsewhere.exam_session, 1)]),
            "Item 2: There is no such record.",
        ),
    ] {
        let reply = school
            .admin
            .put(&format!("{path}parts/"), &json!({"parts": parts}));
        assert_eq!(
            (reply.status, &reply.json),
            (400, &json!({"parts": [message]})),
            "{parts}"
        );
    }
    let both = [
        part(&year.students[0], 1),
        part(a, 1),
        part(&year.students[1], 1),
    ];
    assert_eq!(
        put(&school, &path, &both).json,
        json!({"parts": ["Item 1: There is no such record.", "Item 3: There is no such record."]})
    );
    let unknown = format!(
        "sessions/{}/exam-sessions/{}/",
        elsewhere.session, year.form.exam_session
    );
    refused(&put(&school, &unknown, &[]), 404, "not_found");
    assert_eq!(app.dump(&school.slot), before);
}

#[test]
fn parts_have_exams_and_no_parts() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    let (whole, path) = another(&school, &year, "Another");
    let parts = |ids: [&str; 2]| ids.map(|id| part(id, 1));
    let nested = |path: &str, ids: [&str; 2]| {
        refused(&put(&school, path, &parts(ids)), 409, "parts_nested");
    };
    nested(&path, [&year.form.exam_session, &year.parts[0]]);
    nested(&path, [&whole, &year.parts[0]]);
    let has_exams = put(
        &school,
        &year.part(0),
        &parts([&year.parts[1], &year.parts[2]]),
    );
    refused(&has_exams, 409, "parts_nested");
    // A part may be one of two.
    put(&school, &path, &parts([&year.parts[0], &year.parts[1]])).expect(200);
    let (empty, empty_path) = another(&school, &year, "Empty");
    put(&school, &path, &parts([&year.parts[0], &empty])).expect(200);
    nested(&empty_path, [&year.parts[1], &year.parts[2]]);
    // The database refuses it, too, whoever writes.
    for (sql, rule) in [
        (
            format!("insert into exam_session_parts values ('{empty}', 1, '{whole}', 1)"),
            "parts_nested",
        ),
        (
            format!(
                "insert into exam_session_parts values ('{whole}', 3, '{}', 0)",
                year.parts[2]
            ),
            "exam_session_parts_weight_in_range",
        ),
        (
            format!(
                "insert into exam_session_parts values ('{whole}', 7, '{}', 1)",
                year.parts[2]
            ),
            "exam_session_parts_place_in_range",
        ),
        (
            format!("update exam_sessions set state = 'published' where id = '{whole}'"),
            "parts_not_published",
        ),
    ] {
        let fault = app.with_db(&school.slot, |db| db.execute_batch(&sql).unwrap_err());
        assert!(fault.to_string().contains(rule), "{rule}: {fault}");
    }
}

#[test]
fn nothing_is_entered_in_what_is_worked_out() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    let path = year.form.path();
    let admin = &school.admin;
    let exam = json!({"academic_class": year.classes[0], "subject": year.subjects[0].id, "teacher": year.form.teacher});
    refused(
        &admin.post(&format!("{path}exams/"), &exam),
        409,
        "exams_in_parts",
    );
    let teaches = format!(
        "sessions/{}/academic-classes/{}/subject-teachers/",
        year.form.session, year.classes[0]
    );
    let assignment = json!({"subject": year.subjects[0].id, "teacher": year.form.teacher});
    admin.post(&teaches, &assignment).expect(201);
    let auto = format!("{path}exams/auto-create-teacher-exams/");
    refused(&admin.act(&auto), 409, "exams_in_parts");
    let import = format!("imports/marks/?exam_session={}", year.form.exam_session);
    let file = "student_id,subject,mark\nY-0001,1Y,50\n";
    refused(&admin.file(&import, file), 409, "exams_in_parts");
    // An exam of a part is none of the year's.
    let exam = &year.exams[0][0][0];
    let mark = json!({"exam": exam, "student_session": year.students[0], "mark": 50});
    let reply = admin.post(&format!("{path}marks/"), &mark);
    assert_eq!(reply.fields(), ["exam"]);
    let rows = json!([{"student_session": year.students[0], "mark": 50}]);
    let bulk = format!("{path}exams/{exam}/marks/bulk/");
    refused(&admin.put(&bulk, &rows), 404, "not_found");
    assert_eq!(admin.get(&format!("{path}exams/")).json["count"], 0);
}

#[test]
fn who_has_not_entered_marks_is_told_of_the_parts() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    let list = |path: &str| {
        let list = school
            .admin
            .get(&format!("{path}marks/missing/?page_size=50"));
        list.status(200).results().clone()
    };
    let of_year = list(&year.form.path());
    let mut of_parts: Vec<Value> = (0..3).flat_map(|n| list(&year.part(n))).collect();
    assert_eq!(of_year.len(), 18);
    let key = |row: &Value| row["id"].as_str().unwrap().to_owned();
    let mut sorted = of_year.clone();
    sorted.sort_by_key(key);
    of_parts.sort_by_key(key);
    assert_eq!(sorted, of_parts);
    // Dudu's mark is empty, and Eve has none.
    assert_eq!(
        [
            &of_year[0]["exam_session"],
            &of_year[0]["subject_name"],
            &of_year[0]["missing"]
        ],
        [&json!(year.parts[1]), &json!("English Y"), &json!(2)]
    );
    let setup = json!({"session_type": "exam_session", "academic_session": year.form.session, "exam_session": year.form.exam_session});
    let setup = school.admin.post("session-setup/", &setup).status(201).id();
    let steps = school
        .admin
        .get(&format!("session-setup/{setup}/steps/"))
        .status(200)
        .json;
    assert_eq!(
        (
            &steps["steps"][0]["counts"]["exams"],
            &steps["steps"][1]["counts"]
        ),
        (&json!(18), &json!({"missing_marks": 2}))
    );
}

#[test]
fn a_year_is_published_after_its_parts_and_withdrawn_before_them() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    publish(&school, &year.part(1)).expect(200);
    let early = year.publish(&school);
    refused(&early, 409, "parts_not_published");
    assert!(
        early
            .str("detail")
            .ends_with("Not published: End of term, Final."),
        "{}",
        early.text
    );
    year.publish_parts(&school);
    let incomplete = school.admin.act(&format!("{}publish/", year.form.path()));
    refused(&incomplete, 409, "cards_incomplete");
    let done = year.publish(&school).status(200).json;
    assert_eq!((&done["cards"], &done["version"]), (&json!(6), &json!(1)));
    let card = year.card(&school, 0);
    assert_eq!(
        (&card["status"], &card["average"]),
        (&json!("published"), &json!(66.22))
    );
    let step = |path: &str, step: &str| school.admin.act(&format!("{path}{step}/"));
    let part = year.part(0);
    refused(&step(&part, "unpublish"), 409, "counts_in_published");
    step(&year.form.path(), "lock").expect(200);
    refused(&step(&part, "unpublish"), 409, "counts_in_published");
    step(&part, "lock").expect(200);
    let reason = json!({"reason": "A paper was marked twice."});
    for path in [&part, &year.form.path()] {
        school
            .admin
            .post(&format!("{path}unlock/"), &reason)
            .expect(200);
    }
    refused(&year.weigh(&school, &[1, 1]), 409, "exam_session_closed");
    step(&year.form.path(), "unpublish").expect(200);
    step(&part, "unpublish").expect(200);
    year.weigh(&school, &[1, 1]).expect(200);
    refused(&year.publish(&school), 409, "parts_not_published");
    app.assert_sound();
}

/// Which cards of the year are outdated.
fn outdated(app: &TestApp, school: &School, year: &Year) -> Vec<usize> {
    let sql = format!(
        "select student_session from report_cards where exam_session = '{}' and is_current = 1 and is_outdated = 1",
        year.form.exam_session
    );
    let rows = app.rows(&school.slot, &sql);
    let is_outdated = |student: &String| rows.iter().any(|row| row[0] == json!(student));
    (0..year.students.len())
        .filter(|n| is_outdated(&year.students[*n]))
        .collect()
}

#[test]
fn a_corrected_mark_of_a_part_outdates_the_card_of_the_year() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    year.publish_parts(&school);
    year.publish(&school).expect(200);
    let remark = json!({"comment": "Neat", "reason": "Asked for."});
    year.correct(&school, 0, 0, &remark).expect(200);
    assert_eq!(outdated(&app, &school, &year), [0_usize; 0]);
    let mark = json!({"mark": 90, "reason": "Question 4 was marked again."});
    year.correct(&school, 0, 0, &mark).expect(200);
    assert_eq!(outdated(&app, &school, &year), [0]);
    let computed = format!("{}report-cards/compute/", year.form.path());
    let computed = school.admin.act(&computed).status(200).json;
    assert_eq!(
        (
            &computed["outdated"],
            &computed["changed"][0]["student_name"]
        ),
        (&json!(1), &json!("Bongai Ncube"))
    );
    refused(&year.publish(&school), 409, "parts_not_published");
    publish(&school, &year.part(0)).expect(200);
    let again = year.publish(&school).status(200).json;
    assert_eq!(again["version"], 2);
    // 18 + 15 + 33.33.
    let maths = &year.card(&school, 0)["subjects"][1];
    assert_eq!(
        (&maths["mark"], &maths["parts"][0]["mark"]),
        (&json!(66.33), &json!(90))
    );
    // A whole sheet, in which one says what it said, one is absent now, and one is new.
    let sheet = format!("{}exams/{}/marks/bulk/", year.part(2), year.exams[2][0][2]);
    let rows = json!({"reason": "Found.", "marks": [
        {"student_session": year.students[1], "mark": 64, "version": 1},
        {"student_session": year.students[2], "mark": 70},
    ]});
    school.admin.put(&sheet, &rows).expect(200);
    let absent = json!({"mark": null, "is_absent": true, "reason": "Was ill."});
    year.correct(&school, 1, 5, &absent).expect(200);
    assert_eq!(outdated(&app, &school, &year), [2, 5]);
    app.assert_sound();
}

#[test]
fn a_year_is_not_published_from_what_was_changed_meanwhile() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    year.publish_parts(&school);
    let exam = &year.exams[1][0][0];
    let whole = &year.form.exam_session;
    for (change, code) in [
        (
            format!(
                "update marks set mark = 1, version = version + 1 where exam = '{exam}' and mark is not null"
            ),
            "changed_meanwhile",
        ),
        (
            format!(
                "update exam_session_parts set weight = 31 where exam_session = '{whole}' and place = 2"
            ),
            "changed_meanwhile",
        ),
        (
            format!(
                "update exam_sessions set state = 'draft' where id = '{}'",
                year.parts[0]
            ),
            "parts_not_published",
        ),
    ] {
        // Between reading and freezing.
        school.admin.get("auth/me/").expect(200);
        app.intrude(Some(Intrusion {
            nth: 2,
            binding: school.slot.clone(),
            sql: change.clone(),
        }));
        refused(&year.publish(&school), 409, code);
        let frozen = format!("select count(*) from report_cards where exam_session = '{whole}'");
        assert_eq!(app.count(&school.slot, &frozen), 0, "{change}");
    }
}

#[test]
fn a_part_is_not_deleted_as_long_as_a_year_is_worked_out_from_it() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    let (empty, empty_path) = another(&school, &year, "Empty");
    let parts = [part(&year.parts[0], 1), part(&empty, 1)];
    put(&school, &year.form.path(), &parts).expect(200);
    refused(&school.admin.delete(&empty_path), 409, "in_use");
    school.admin.delete(&year.form.path()).expect(204);
    school.admin.delete(&empty_path).expect(204);
    let left = "select count(*) from exam_session_parts";
    assert_eq!(app.count(&school.slot, left), 0);
    let (_, path) = another(&school, &year, "Another");
    assert_eq!(put(&school, &path, &parts).fields(), ["parts"]);
    app.assert_sound();
}

#[test]
fn promotion_follows_the_year_by_its_cards_or_by_the_marks_of_its_parts() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    let next = json!({"name": "Next", "start_date": "2027-01-01T00:00:00Z", "end_date": "2027-12-31T00:00:00Z"});
    let next = school.admin.post("sessions/", &next).status(201).id();
    let setup = json!({"session_type": "academic_session", "academic_session": next, "previous_session": year.form.session});
    let setup = school.admin.post("session-setup/", &setup).status(201).id();
    let preview = || {
        let path = format!("session-setup/{setup}/promotion-executions/preview/");
        let preview = school.admin.post(&path, &json!({})).status(200).json;
        assert_eq!(preview["exam_session"], json!(year.form.exam_session));
        let students = preview["students"].as_array().unwrap().iter();
        let figures = students.map(|row| {
            let names = [
                "student_name",
                "average",
                "subjects_passed",
                "is_complete",
                "figures",
            ];
            json!(names.map(|name| &row[name]))
        });
        figures.collect::<Vec<Value>>()
    };
    let expected = |figures: &str| {
        json!([
            ["Eve Banda", 90, 1, false, figures],
            ["Chipo Dube", 76.67, 1, true, figures],
            ["Anesu Moyo", 66.22, 2, true, figures],
            ["Bongai Ncube", 59.13, 3, true, figures],
            ["Dudu Sibanda", 90, 1, false, figures],
            ["Farai Zhou", 76.47, 2, true, figures],
        ])
    };
    assert_eq!(json!(preview()), expected("marks"));
    year.publish_parts(&school);
    year.publish(&school).expect(200);
    assert_eq!(json!(preview()), expected("report_card"));
}

#[test]
fn a_year_costs_no_more_trips_than_a_term() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    let _ = app.take_batches();
    let cost = |path: &str| {
        let card = format!("{path}report-cards/{}/", year.students[0]);
        let compute = format!("{path}report-cards/compute/");
        let status = format!("{path}report-card-status/");
        let reads = [&card, &status].map(|path| school.admin.get(path).status(200).trips());
        let computed = school.admin.act(&compute).status(200).trips();
        (reads, computed, publish(&school, path).status(200).trips())
    };
    let of_parts: Vec<_> = (0..3).map(|n| cost(&year.part(n))).collect();
    let of_year = cost(&year.form.path());
    assert!(
        of_parts.iter().all(|cost| *cost == of_year),
        "{of_parts:?} {of_year:?}"
    );
    let status = school
        .admin
        .get(&format!("{}report-card-status/", year.form.path()))
        .status(200);
    let class = &status.results()[0];
    assert_eq!(
        (
            &class["students"],
            &class["complete"],
            &class["marks_missing"],
            &class["published"]
        ),
        (&json!(5), &json!(3), &json!(2), &json!(5))
    );
    // The exam of the last part tells whose subject it is.
    assert_eq!(class["subjects"][1]["teacher"], json!(year.form.teacher));
}
