//! Set-ups, their steps, and copying a year's classes.

use http::Method;
use serde_json::json;

use super::{Year, refused};

#[test]
fn a_set_up_is_found_by_each_of_its_fields() {
    let year = Year::new();
    let other = json!({"session_type": "exam_session", "academic_session": year.from,
        "exam_session": year.exam_session, "status": "not_started", "current_step": 1});
    let other = year.admin().post("session-setup/", &other).status(201).id();
    for (query, found) in [
        ("session_type=academic_session".to_owned(), &year.setup),
        ("session_type=exam_session".to_owned(), &other),
        (format!("academic_session={}", year.to), &year.setup),
        (format!("exam_session={}", year.exam_session), &other),
        (format!("previous_session={}", year.from), &year.setup),
        ("status=pending".to_owned(), &year.setup),
        ("current_step=1".to_owned(), &other),
    ] {
        let list = year
            .admin()
            .get(&format!("session-setup/?{query}"))
            .status(200);
        assert_eq!(list.column("id"), std::slice::from_ref(found), "{query}");
    }
}

#[test]
fn a_set_up_names_what_its_type_needs() {
    let year = Year::new();
    let foreign = super::session(year.admin(), "2030");
    for (body, field) in [
        (
            json!({"session_type": "exam_session", "academic_session": year.from}),
            "exam_session",
        ),
        (
            json!({"session_type": "exam_session", "academic_session": foreign, "exam_session": year.exam_session}),
            "exam_session",
        ),
        (
            json!({"session_type": "exam_session", "academic_session": year.from, "exam_session": year.exam_session,
                "previous_session": foreign}),
            "previous_session",
        ),
        (
            json!({"session_type": "academic_session", "academic_session": year.from, "exam_session": year.exam_session}),
            "exam_session",
        ),
        (
            json!({"session_type": "academic_session", "academic_session": year.to, "previous_session": year.to}),
            "previous_session",
        ),
        (
            json!({"session_type": "academic_session", "academic_session": year.from, "previous_session": year.to}),
            "previous_session",
        ),
    ] {
        let reply = year.admin().post("session-setup/", &body);
        assert_eq!(reply.fields(), [field], "{body}");
    }
}

#[test]
fn a_set_up_with_decisions_keeps_its_sessions_and_is_not_deleted() {
    let year = Year::new();
    let pupil = year.pupil("Rudo", 0);
    year.decide(&pupil, "promote", Some(&year.new[1]));
    for (field, foreign) in [("academic_session", "2030"), ("previous_session", "2020")] {
        let foreign = super::session(year.admin(), foreign);
        let reply = year.admin().patch(&year.path(""), &json!({field: foreign}));
        assert_eq!(
            reply.fields(),
            ["non_field_errors"],
            "{field}: {}",
            reply.text
        );
    }
    refused(&year.admin().delete(&year.path("")), 409, "in_use");
    year.admin()
        .patch(&year.path(""), &json!({"current_step": 2}))
        .expect(200);
}

fn steps(year: &Year) -> (serde_json::Value, Vec<bool>) {
    let reply = year.admin().get(&year.path("steps/")).status(200);
    let done = reply.json["steps"].as_array().unwrap().iter();
    let done = done
        .map(|step| step["is_done"].as_bool().unwrap())
        .collect();
    (reply.json, done)
}

#[test]
fn steps_are_done_when_what_they_ask_for_is_there() {
    let year = Year::new();
    let pupil = year.pupil("Rudo", 0);
    let (whole, done) = steps(&year);
    assert_eq!(done, [false, true, false, false, false]);
    assert_eq!(whole["next_step"], 1);
    assert_eq!(
        whole["steps"][1]["counts"],
        json!({"previous_classes": 2, "classes": 2, "missing_classes": 0})
    );
    let term = json!({"session": year.to, "term": "1", "start_date": "2027-01-10", "end_date": "2027-04-01"});
    year.admin().post("terms/", &term).expect(201);
    assert_eq!(steps(&year).1, [true, true, false, false, false]);
    for class in &year.new {
        for subject in &year.subjects {
            let path = format!(
                "sessions/{}/academic-classes/{class}/subject-teachers/",
                year.to
            );
            let body = json!({"subject": subject, "teacher": year.teacher});
            year.admin().post(&path, &body).expect(201);
        }
    }
    let (whole, done) = steps(&year);
    assert_eq!(done, [true, true, true, false, false]);
    assert_eq!(
        whole["steps"][2]["counts"],
        json!({"subject_teachers": 4, "missing_teachers": 0})
    );
    assert_eq!(
        whole["steps"][3]["counts"],
        json!({"decided": 0, "undecided": 1})
    );
    year.decide(&pupil, "promote", Some(&year.new[1]));
    assert_eq!(steps(&year).1, [true, true, true, true, false]);
    year.execute(&json!({})).expect(201);
    let (whole, done) = steps(&year);
    assert_eq!(done, [true; 5]);
    assert_eq!(whole["next_step"], json!(null));
    let another = json!({"name": "1B", "form": year.forms[0]});
    let another = year.admin().post("classes/", &another).status(201).id();
    let path = format!("sessions/{}/academic-classes/", year.from);
    year.admin()
        .post(&path, &json!({"class": another}))
        .expect(201);
    assert!(
        !steps(&year).1[1],
        "a class of the previous session is missing"
    );
}

#[test]
fn the_steps_of_an_exam_session_are_exams_marks_and_publication() {
    let year = Year::new();
    let pupil = year.pupil("Rudo", 0);
    let body = json!({"session_type": "exam_session", "academic_session": year.from, "exam_session": year.exam_session});
    let setup = year.admin().post("session-setup/", &body).status(201).id();
    let done = || {
        let reply = year
            .admin()
            .get(&format!("session-setup/{setup}/steps/"))
            .status(200);
        let steps = reply.json["steps"].as_array().unwrap().clone();
        steps
            .iter()
            .map(|step| step["is_done"].as_bool().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(done(), [false, false, false]);
    year.marks(&pupil, 0, [Some(50), None]);
    assert_eq!(done(), [true, false, false]);
    year.app.execute(
        &year.school.slot,
        "update marks set is_absent = 1 where mark is null",
    );
    assert_eq!(done(), [true, true, false]);
    year.app.execute(
        &year.school.slot,
        "update exam_sessions set state = 'published'",
    );
    assert_eq!(done(), [true, true, true]);
}

#[test]
fn the_step_of_marks_asks_for_none_in_subjects_that_a_student_does_not_take() {
    let year = Year::new();
    let art = json!({"name": "Art", "code": "ART"});
    let art = year.admin().post("subjects/", &art).status(201).id();
    let optional = json!({"form": year.forms[0], "subject": art, "is_compulsory": false});
    year.admin().post("curriculum/", &optional).expect(201);
    let pupil = year.pupil("Rudo", 0);
    year.marks(&pupil, 0, [Some(80), Some(20)]);
    let exam = year.exam(0, &art);
    let body = json!({"session_type": "exam_session", "academic_session": year.from, "exam_session": year.exam_session});
    let setup = year.admin().post("session-setup/", &body).status(201).id();
    let marks = || {
        let path = format!("session-setup/{setup}/steps/");
        let step = year.admin().get(&path).status(200).json["steps"][1].clone();
        (
            step["is_done"].clone(),
            step["counts"]["missing_marks"].clone(),
        )
    };
    assert_eq!(marks(), (json!(true), json!(0)));
    let begun = format!(
        "insert into marks (id, exam, student_session, mark, is_absent, comment, version, created_at, updated_at) \
         values ('begun', '{exam}', '{}', null, 0, '', 1, 1, 1)",
        pupil.registration
    );
    year.app.execute(&year.school.slot, &begun);
    assert_eq!(
        marks(),
        (json!(false), json!(1)),
        "now the student takes it"
    );
}

/// A year of which 2027 has no class yet, and three assignments of 2026, one of them of somebody who has left.
fn to_be_copied() -> Year {
    let year = Year::new();
    for class in &year.new {
        let path = format!("sessions/{}/academic-classes/{class}/", year.to);
        year.admin().delete(&path).expect(204);
    }
    let gone = json!({"staff_number": "T-2", "is_active": false});
    let gone = year.admin().post("staff/", &gone).status(201).id();
    for (class, subject, teacher) in [(0, 0, &year.teacher), (0, 1, &gone), (1, 0, &year.teacher)] {
        let path = format!(
            "sessions/{}/academic-classes/{}/subject-teachers/",
            year.from, year.old[class]
        );
        let body = json!({"subject": year.subjects[subject], "teacher": teacher});
        year.admin().post(&path, &body).expect(201);
    }
    let path = format!("sessions/{}/academic-classes/{}/", year.from, year.old[0]);
    let body = json!({"capacity": 31, "class_teacher": year.teacher});
    year.admin().patch(&path, &body).expect(200);
    year
}

#[test]
fn copying_makes_the_classes_and_teachers_of_the_new_session_once() {
    let year = to_be_copied();
    let copy = |body| {
        year.admin()
            .post(&year.path("copy-structure/"), &body)
            .status(200)
    };
    let first = copy(json!({}));
    assert_eq!(
        first.json["academic_classes"],
        json!({"created": 2, "existing": 0, "left_out": 0})
    );
    assert_eq!(
        first.json["subject_teachers"],
        json!({"created": 0, "existing": 0, "left_out": 0})
    );
    assert_eq!(first.trips(), 2);
    let path = format!("sessions/{}/academic-classes/", year.to);
    let made = year.admin().get(&path).status(200);
    assert_eq!(made.column("class_name"), ["1A", "2A"]);
    assert_eq!(made.json["results"][0]["capacity"], 31);
    assert_eq!(
        made.json["results"][0]["class_teacher"],
        json!(year.teacher)
    );
    let second = copy(json!({"subject_teachers": true}));
    assert_eq!(
        second.json["academic_classes"],
        json!({"created": 0, "existing": 2, "left_out": 0})
    );
    assert_eq!(
        second.json["subject_teachers"],
        json!({"created": 2, "existing": 0, "left_out": 1})
    );
    let before = year.app.row_counts();
    let third = copy(json!({"subject_teachers": true}));
    assert_eq!(
        third.json["subject_teachers"],
        json!({"created": 0, "existing": 2, "left_out": 1})
    );
    assert_eq!(year.app.row_counts(), before);
    let audited = "select count(*) from audit_logs l where l.action = 'CREATE' and l.record_id in \
                   (select id from academic_classes union all select id from subject_teachers)";
    let records =
        "select (select count(*) from academic_classes) + (select count(*) from subject_teachers)";
    assert_eq!(year.count(audited), year.count(records));
}

#[test]
fn copying_leaves_out_classes_that_the_school_no_longer_has() {
    let year = to_be_copied();
    let path = format!("classes/{}/", year.classes[1]);
    year.admin()
        .patch(&path, &json!({"is_active": false}))
        .expect(200);
    let reply = year
        .admin()
        .post(
            &year.path("copy-structure/"),
            &json!({"subject_teachers": true}),
        )
        .status(200);
    assert_eq!(
        reply.json["academic_classes"],
        json!({"created": 1, "existing": 0, "left_out": 1})
    );
    assert_eq!(
        reply.json["subject_teachers"],
        json!({"created": 1, "existing": 0, "left_out": 2})
    );
}

#[test]
fn parallel_copies_make_every_class_once() {
    let year = to_be_copied();
    let body = json!({"subject_teachers": true});
    let replies =
        year.admin()
            .together(6, &Method::POST, &year.path("copy-structure/"), Some(&body));
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 200).count(),
        1
    );
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        refused(reply, 409, "changed_meanwhile");
    }
    assert_eq!(
        year.count(&format!(
            "select count(*) from academic_classes where session = '{}'",
            year.to
        )),
        2
    );
    assert_eq!(year.count("select count(*) from subject_teachers"), 5);
}

#[test]
fn a_set_up_without_a_previous_session_leads_nowhere() {
    let year = Year::new();
    let body = json!({"session_type": "academic_session", "academic_session": year.to});
    let setup = year.admin().post("session-setup/", &body).status(201).id();
    for path in [
        "copy-structure/",
        "student-promotions/propose/",
        "promotion-executions/preview/",
        "promotion-executions/",
    ] {
        let reply = year
            .admin()
            .post(&format!("session-setup/{setup}/{path}"), &json!({}));
        refused(&reply, 409, "setup_incomplete");
    }
}
