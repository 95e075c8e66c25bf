//! `…/exam-sessions/`: their life, their exams, and exams made from who teaches what.

use http::Method;
use serde_json::{Value, json};

use super::{classroom::Classroom, key_for, refused};

const STEPS: [&str; 4] = ["submit", "return", "lock", "unlock"];

#[test]
fn every_step_begins_in_its_state_and_nowhere_else() {
    let room = Classroom::new(0);
    let path = room.within("");
    for (state, good) in [
        ("draft", [Some("review"), None, None, None]),
        ("review", [None, Some("draft"), None, None]),
        ("published", [None, None, Some("locked"), None]),
        ("locked", [None, None, None, Some("published")]),
    ] {
        for (step, after) in STEPS.into_iter().zip(good) {
            room.put_into(state);
            let body = json!({"reason": "It must be."});
            let body = (step == "return" || step == "unlock").then_some(&body);
            let reply = room
                .school
                .admin
                .send(&Method::POST, &format!("{path}{step}/"), body);
            if let Some(after) = after {
                let reply = reply.status(200);
                assert_eq!(reply.json["state"], after, "{step} from {state}");
                assert_eq!(
                    room.school.admin.get(&path).status(200).json,
                    reply.json,
                    "{step} from {state}"
                );
            } else {
                refused(&reply, 409, "not_from_here");
                let now = room.school.admin.get(&path).status(200);
                assert_eq!(now.json["state"], state, "{step} from {state}");
            }
        }
    }
}

#[test]
fn what_steps_change_is_never_ignored_in_a_body() {
    let room = Classroom::new(0);
    let admin = &room.school.admin;
    let path = room.within("");
    let list = format!("sessions/{}/exam-sessions/", room.session);
    for (state, is_published) in [("draft", false), ("published", true)] {
        room.put_into(state);
        let own = admin.get(&path).status(200).json;
        assert_eq!(own["is_published"], is_published);
        for (name, other) in [
            ("is_published", json!(!is_published)),
            ("is_deleted", json!(true)),
            ("state", json!("review")),
        ] {
            let mut body = own.clone();
            body[name] = other.clone();
            let replaced = admin.send(&Method::PUT, &path, Some(&body));
            assert_eq!(replaced.status(400).fields(), [name], "{state}");
            let changed = admin.patch(&path, &json!({name: other}));
            assert_eq!(changed.status(400).fields(), [name], "{state}");
            let new = json!({"term": "2", "name": format!("Of {name}"), name: other});
            let created = admin.post(&list, &new);
            let kept = other == json!(false);
            assert_eq!(
                created.status,
                if kept { 201 } else { 400 },
                "{state} {name}"
            );
            if kept {
                assert_eq!(created.json["is_published"], false, "{name}");
                admin
                    .delete(&format!("{list}{}/", created.id()))
                    .expect(204);
            }
        }
        // As it was read, it may be sent back.
        let same = admin.send(&Method::PUT, &path, Some(&own));
        assert_eq!(same.status(200).json["state"], state);
    }
}

#[test]
fn an_exam_outside_the_curriculum_is_created_with_a_warning() {
    let room = Classroom::new(0);
    let admin = &room.school.admin;
    let exams = room.within("exams/");
    let create = |name: &str, in_curriculum: bool| {
        let subject = json!({"name": name, "code": name});
        let subject = admin.post("subjects/", &subject).status(201).id();
        if in_curriculum {
            let body = json!({"form": room.form, "subject": subject, "coefficient": 1});
            admin.post("curriculum/", &body).expect(201);
        }
        let body = json!({"academic_class": room.academic_class, "subject": subject, "teacher": room.teacher_staff});
        admin.post(&exams, &body).status(201).json["warnings"].clone()
    };
    assert_eq!(create("ART", true), json!([]));
    let warnings = create("MUSIC", false);
    let warning = warnings[0].as_str().unwrap();
    assert!(warning.contains("curriculum"), "{warning}");
}

#[test]
fn locking_is_dated_unlocking_needs_a_reason_and_publishes_nothing_anew() {
    let room = Classroom::new(0);
    let admin = &room.school.admin;
    let path = room.within("");
    room.put_into("published");
    let locked = admin.act(&format!("{path}lock/")).status(200);
    assert!(locked.json["locked_at"].is_string());
    let unlock = format!("{path}unlock/");
    assert_eq!(admin.act(&unlock).fields(), ["reason"]);
    assert_eq!(
        admin.post(&unlock, &json!({"reason": " "})).fields(),
        ["reason"]
    );
    let open = admin
        .post(&unlock, &json!({"reason": "A paper was marked twice."}))
        .status(200);
    assert_eq!(
        (&open.json["locked_at"], &open.json["published_at"]),
        (&json!(null), &json!(null))
    );
    let log = admin
        .get(&format!(
            "audit-logs/?table_name=exam_sessions&record_id={}",
            room.exam_session
        ))
        .status(200);
    let changes = &log.results()[0]["changes"];
    assert_eq!(
        changes["state"],
        json!({"from": "locked", "to": "published"})
    );
    assert_eq!(changes["reason"]["to"], "A paper was marked twice.");
}

#[test]
fn steps_are_for_those_who_publish_cards() {
    let room = Classroom::new(0);
    let path = room.within("submit/");
    refused(&room.teacher.act(&path), 403, "permission_denied");
    room.head.act(&path).expect(200);
}

#[test]
fn of_parallel_steps_one_is_taken() {
    let room = Classroom::new(0);
    let path = room.within("submit/");
    let replies = room.school.admin.together(6, &Method::POST, &path, None);
    let taken = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(taken, 1, "{replies:?}");
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        refused(reply, 409, "exam_state_changed");
    }
    let logged = format!(
        "select count(*) from audit_logs where record_id = '{}' and action = 'UPDATE'",
        room.exam_session
    );
    assert_eq!(room.count(&logged), 1);
}

#[test]
fn a_repeated_step_with_a_key_is_answered_as_the_first() {
    let room = Classroom::new(0);
    let client = room.school.admin.key("submit");
    let first = client.act(&room.within("submit/")).status(200);
    let second = client.act(&room.within("submit/")).status(200);
    assert_eq!(first.json, second.json);
    assert_eq!(second.header("idempotent-replayed"), "true");
}

#[test]
fn a_published_exam_session_keeps_its_name_and_is_not_deleted() {
    let room = Classroom::new(0);
    let admin = &room.school.admin;
    let path = room.within("");
    for (state, open) in [
        ("draft", true),
        ("review", true),
        ("published", false),
        ("locked", false),
    ] {
        room.put_into(state);
        for body in [
            json!({"name": format!("While {state}")}),
            json!({"term": "2"}),
            json!({"term": "1"}),
        ] {
            let reply = admin.patch(&path, &body);
            if open {
                reply.expect(200);
            } else if body["term"] == "1" {
                // It says what is so already.
                reply.expect(200);
            } else {
                refused(&reply, 409, "exam_session_closed");
            }
        }
        admin
            .patch(&path, &json!({"release_at": "2026-04-01T06:00:00Z"}))
            .expect(200);
        if !open {
            refused(&admin.delete(&path), 409, "exam_session_closed");
        }
    }
}

#[test]
fn an_exam_session_with_marks_is_not_deleted_and_one_without_is_kept_unseen() {
    let room = Classroom::new(1);
    let admin = &room.school.admin;
    let path = room.within("");
    room.save(
        admin,
        &[json!({"student_session": room.students[0], "mark": 0})],
    )
    .expect(200);
    refused(&admin.delete(&path), 409, "exam_has_marks");
    refused(&admin.delete(&room.of_exam("")), 409, "exam_has_marks");
    let mark = admin
        .get(&room.of_exam("marks/"))
        .status(200)
        .str("results/0/id");
    admin
        .delete(&room.of_exam(&format!("marks/{mark}/")))
        .expect(204);
    admin.delete(&path).expect(204);
    refused(&admin.get(&path), 404, "not_found");
    refused(&admin.get(&room.of_exam("")), 404, "not_found");
    refused(&admin.get(&room.of_exam("sheet/")), 404, "not_found");
    let rows = [json!({"student_session": room.students[0], "mark": 0})];
    refused(&room.save(admin, &rows), 404, "not_found");
    refused(&admin.act(&room.within("submit/")), 404, "not_found");
    assert_eq!(
        room.count("select count(*) from exam_sessions where is_deleted = 1"),
        1
    );
}

#[test]
fn an_exam_is_of_a_class_of_the_same_session() {
    let room = Classroom::new(0);
    let admin = &room.school.admin;
    let session = json!({"name": "2027", "start_date": "2027-01-01T00:00:00Z", "end_date": "2027-12-04T00:00:00Z"});
    let session = admin.post("sessions/", &session).status(201).id();
    let class = admin.get("classes/").status(200).str("results/0/id");
    let path = format!("sessions/{session}/academic-classes/");
    let class = admin.post(&path, &json!({"class": class})).status(201).id();
    let subject = json!({"name": "Physics", "code": "PHY"});
    let subject = admin.post("subjects/", &subject).status(201).id();
    let body = json!({"academic_class": class, "subject": subject, "teacher": room.teacher_staff});
    assert_eq!(
        admin.post(&room.within("exams/"), &body).fields(),
        ["academic_class"]
    );
    let moved = admin.patch(&room.of_exam(""), &json!({"academic_class": class}));
    assert_eq!(moved.fields(), ["academic_class"]);
}

#[test]
fn exams_are_made_moved_and_deleted_before_publication_only() {
    let room = Classroom::new(0);
    let admin = &room.school.admin;
    let other = room.another_class("1B");
    let body =
        json!({"academic_class": other, "subject": room.subject, "teacher": room.teacher_staff});
    for state in ["published", "locked"] {
        room.put_into(state);
        refused(
            &admin.post(&room.within("exams/"), &body),
            409,
            "exam_session_closed",
        );
        refused(&admin.delete(&room.of_exam("")), 409, "exam_session_closed");
        let moved = admin.patch(&room.of_exam(""), &json!({"academic_class": other}));
        refused(&moved, 409, "exam_session_closed");
        let change = json!({"teacher": room.other_staff, "marks_due": "2026-03-20"});
        admin.patch(&room.of_exam(""), &change).expect(200);
    }
    for state in ["draft", "review"] {
        room.put_into(state);
        let exam = admin.post(&room.within("exams/"), &body).status(201).id();
        assert_eq!(
            admin.post(&room.within("exams/"), &body).fields(),
            ["subject"]
        );
        admin
            .delete(&room.within(&format!("exams/{exam}/")))
            .expect(204);
    }
}

#[test]
fn an_exam_with_marks_stays_that_of_its_class_and_subject() {
    let room = Classroom::new(1);
    let admin = &room.school.admin;
    let other = room.another_class("1B");
    room.save(
        admin,
        &[json!({"student_session": room.students[0], "is_absent": true})],
    )
    .expect(200);
    let moved = admin.patch(&room.of_exam(""), &json!({"academic_class": other}));
    refused(&moved, 409, "exam_has_marks");
    admin
        .patch(&room.of_exam(""), &json!({"teacher": room.other_staff}))
        .expect(200);
}

#[test]
fn teachers_make_exams_of_their_own_subjects() {
    let room = Classroom::new(0);
    let other = room.another_class("1B");
    let body =
        json!({"academic_class": other, "subject": room.subject, "teacher": room.other_staff});
    let path = room.within("exams/");
    refused(&room.other.post(&path, &body), 403, "not_your_subject");
    room.assign(&other, &room.subject, &room.other_staff);
    room.other.post(&path, &body).expect(201);
}

/// The numbers of a summary.
fn summary(reply: &homeroom_api_tests::Reply) -> [i64; 5] {
    [
        "total_assignments",
        "newly_created",
        "already_existed",
        "created_by_you",
        "created_by_others",
    ]
    .map(|name| reply.json["summary"][name].as_i64().unwrap())
}

/// Three more classes: the teacher has the subject in two of them, somebody else in one.
fn with_assignments() -> Classroom {
    let room = Classroom::new(0);
    for (name, teacher) in [
        ("1B", &room.teacher_staff),
        ("1C", &room.teacher_staff),
        ("1D", &room.other_staff),
    ] {
        let class = room.another_class(name);
        room.assign(&class, &room.subject, teacher);
    }
    room.assign(&room.academic_class, &room.subject, &room.teacher_staff);
    room
}

#[test]
fn a_teacher_gets_the_exams_of_the_own_assignments_once() {
    let room = with_assignments();
    let path = room.within("exams/auto-create-teacher-exams/");
    let first = room.teacher.post(&path, &json!({})).status(200);
    assert_eq!(summary(&first), [3, 2, 1, 0, 1]);
    let keys: Vec<&String> = first.json.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "details",
            "exam_session",
            "message",
            "success",
            "summary",
            "teacher"
        ]
    );
    assert_eq!(first.json["teacher"], room.teacher_staff.as_str());
    assert_eq!(first.json["exam_session"], room.exam_session.as_str());
    let created = first.json["details"]["created_exams"].as_array().unwrap();
    let names: Vec<&Value> = created.iter().map(|exam| &exam["class_name"]).collect();
    assert_eq!(names, ["1B", "1C"]);
    for exam in created {
        let path = room.within(&format!("exams/{}/", exam["id"].as_str().unwrap()));
        let found = room.school.admin.get(&path).status(200);
        for field in ["academic_class", "subject", "teacher", "subject_name"] {
            assert_eq!(found.json[field], exam[field]);
        }
        let log = format!(
            "audit-logs/?table_name=exams&record_id={}",
            exam["id"].as_str().unwrap()
        );
        let log = room.school.admin.get(&log).status(200);
        assert_eq!(log.json["count"], 1);
        assert_eq!(
            log.results()[0]["changes"]["teacher"]["to"],
            room.teacher_staff.as_str()
        );
    }
    let second = room.teacher.post(&path, &json!({})).status(200);
    assert_eq!(summary(&second), [3, 0, 3, 2, 1]);
    assert!(second.trips() <= 1, "{} trips", second.trips());
}

#[test]
fn an_administrator_gets_the_exams_of_all_assignments() {
    let room = with_assignments();
    let path = room.within("exams/auto-create-teacher-exams/");
    for client in [&room.head, &room.school.admin] {
        let reply = client.post(&path, &json!({})).status(200);
        let new = if reply.json["summary"]["created_by_you"] == 0
            && reply.json["summary"]["newly_created"] == 3
        {
            3
        } else {
            0
        };
        assert_eq!(summary(&reply)[..2], [4, new], "{}", reply.text);
        assert_eq!(reply.json["teacher"], json!(null));
    }
    assert_eq!(room.count("select count(*) from exams"), 4);
}

#[test]
fn whoever_has_no_staff_record_has_no_own_assignments() {
    let room = with_assignments();
    let path = room.within("exams/auto-create-teacher-exams/");
    let key = key_for(&room.app, &room.school, &["school.add_exam"]);
    refused(&key.post(&path, &json!({})), 409, "no_staff_record");
    refused(
        &room.school.teacher.post(&path, &json!({})),
        409,
        "no_staff_record",
    );
    room.put_into("published");
    refused(
        &room.teacher.post(&path, &json!({})),
        409,
        "exam_session_closed",
    );
}

#[test]
fn ten_at_once_create_every_exam_once_and_tell_the_truth() {
    let room = with_assignments();
    let path = room.within("exams/auto-create-teacher-exams/");
    let body = json!({});
    let mut requests = Vec::new();
    for n in 0..10 {
        let client = if n % 2 == 0 {
            &room.teacher
        } else {
            &room.school.admin
        };
        requests.push(client.request(&Method::POST, &path, Some(&body)));
    }
    let replies = room.app.run_together(requests);
    let mut created = Vec::new();
    for (n, reply) in replies.iter().enumerate() {
        assert_eq!(reply.status, 200, "{}", reply.text);
        let [total, new, existed, own, others] = summary(reply);
        assert_eq!(total, if n % 2 == 0 { 3 } else { 4 });
        assert_eq!(
            (new + existed, own + others),
            (total, existed),
            "{}",
            reply.text
        );
        for exam in reply.json["details"]["created_exams"].as_array().unwrap() {
            created.push(exam["id"].as_str().unwrap().to_owned());
        }
    }
    created.sort_unstable();
    created.dedup();
    // One there was before.
    assert_eq!(
        (created.len(), room.count("select count(*) from exams")),
        (3, 4)
    );
    for exam in created {
        room.school
            .admin
            .get(&room.within(&format!("exams/{exam}/")))
            .expect(200);
    }
    let logged = "select count(*) from audit_logs where table_name = 'exams'";
    assert_eq!(room.count(logged), 4);
}
