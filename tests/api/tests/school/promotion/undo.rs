//! Taking an execution back.

use http::Method;
use serde_json::{Value, json};

use super::{MOVED, Year, execution::decided, refused};

#[test]
fn undoing_restores_every_byte_of_what_was_there() {
    let (year, _) = decided();
    let before = year.dump(MOVED);
    let execution = year.execute(&json!({})).status(201).id();
    assert_ne!(year.dump(MOVED), before);
    let reply = year.undo(&execution).status(200);
    assert_eq!(reply.trips(), 2);
    assert_eq!(reply.json["changed_since"], 0);
    assert_eq!(reply.str("execution/undone_by"), year.school.admin_id);
    assert_eq!(year.dump(MOVED), before);
    assert_eq!(
        year.count("select count(*) from student_history"),
        8,
        "there and back"
    );
    year.app.assert_sound();
}

#[test]
fn what_was_undone_can_be_carried_out_again_and_both_are_remembered() {
    let (year, _) = decided();
    let first = year.execute(&json!({})).status(201).id();
    year.undo(&first).expect(200);
    let second = year.execute(&json!({})).status(201).id();
    let list = year
        .admin()
        .get(&year.path("promotion-executions/?ordering=executed_at"))
        .status(200);
    assert_eq!(list.column("id"), [first.clone(), second.clone()]);
    for (undone, id) in [(true, &first), (false, &second)] {
        let path = year.path(&format!("promotion-executions/?is_undone={undone}"));
        assert_eq!(
            year.admin().get(&path).status(200).column("id"),
            std::slice::from_ref(id)
        );
        for query in [format!("is_undone={undone}"), format!("execution={id}")] {
            let history = year
                .admin()
                .get(&format!("student-promotion-history/?{query}"))
                .status(200);
            assert_eq!(history.column("execution"), vec![id.clone(); 5], "{query}");
        }
    }
    let of = |query: &str| {
        year.admin()
            .get(&format!("student-promotion-history/?{query}"))
            .status(200)
            .json["count"]
            .clone()
    };
    assert_eq!(of(&format!("session_setup={}", year.setup)), 10);
    assert_eq!(of("action=graduate"), 2);
}

#[test]
fn of_ten_parallel_undoings_one_happens() {
    let (year, _) = decided();
    let before = year.dump(MOVED);
    let execution = year.execute(&json!({})).status(201).id();
    let path = year.path(&format!("promotion-executions/{execution}/undo/"));
    let replies = year.admin().together(10, &Method::POST, &path, None);
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 200).count(),
        1
    );
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        refused(reply, 409, "promotion_undone");
    }
    assert_eq!(year.dump(MOVED), before);
    refused(&year.undo(&execution), 409, "promotion_undone");
}

/// Something that refers to the registrations of 2027.
fn use_registrations(year: &Year, what: &str) {
    let slot = &year.school.slot;
    let registration = format!(
        "select id from student_sessions where session = '{}' and academic_class = '{}'",
        year.to, year.new[1]
    );
    let registration = year.app.value(slot, &registration);
    let registration = registration.as_str().unwrap();
    let path = format!("sessions/{}/exam-sessions/", year.to);
    let exams = year
        .admin()
        .post(&path, &json!({"term": "1", "name": what}))
        .status(201)
        .id();
    let body = json!({"academic_class": year.new[1], "subject": year.subjects[0], "teacher": year.teacher});
    let exam = year
        .admin()
        .post(&format!("{path}{exams}/exams/"), &body)
        .status(201)
        .id();
    let sql = match what {
        "marks" => format!(
            "insert into marks values ('m', '{exam}', '{registration}', 100, 0, '', 1, 1, 1, null, null)"
        ),
        "attendance" => format!(
            "insert into attendance (id, student_session, date, status, reason, created_at, updated_at) \
             values ('a', '{registration}', '2027-02-01', 'present', '', 1, 1)"
        ),
        "comments_on_report_cards" => format!(
            "insert into card_comments values ('{exams}', '{registration}', 'class_teacher', '', 1, null)"
        ),
        "withheld_report_cards" => format!(
            "insert into withheld_cards values ('{exams}', '{registration}', 'Fees.', 1, null)"
        ),
        "report_cards" => format!(
            "insert into publications values ('p-2', '{exams}', 1, '{{}}', '{{}}', 1, null, null); insert into report_cards \
             values ('c', 'p-2', '{exams}', '{registration}', '{}', 1, '{{}}', 0, 1, 1, 1, null, null)",
            year.new[1]
        ),
        other => panic!("{other}"),
    };
    year.app.execute(slot, &sql);
}

#[test]
fn registrations_that_are_used_are_not_taken_back() {
    for what in [
        "marks",
        "attendance",
        "comments_on_report_cards",
        "report_cards",
        "withheld_report_cards",
    ] {
        let (year, _) = decided();
        let execution = year.execute(&json!({})).status(201).id();
        use_registrations(&year, what);
        let before = year.app.dump(&year.school.slot);
        let reply = year.undo(&execution);
        refused(&reply, 409, "registrations_used");
        assert_eq!(reply.json["uses"], json!({what: 1}));
        assert!(
            reply
                .str("detail")
                .contains(&format!("{} (1)", what.replace('_', " "))),
            "{}",
            reply.text
        );
        assert_eq!(year.app.dump(&year.school.slot), before);
    }
}

#[test]
fn the_year_before_is_not_taken_back_under_a_later_promotion() {
    let (year, _) = decided();
    let first = year.execute(&json!({})).status(201).id();
    let next = super::session(year.admin(), "2028");
    let body = json!({"session_type": "academic_session", "academic_session": next, "previous_session": year.to});
    let setup = year.admin().post("session-setup/", &body).status(201).id();
    let student = format!(
        "sessions/{}/student-sessions/?academic_class={}",
        year.to, year.new[1]
    );
    let student = year
        .admin()
        .get(&student)
        .status(200)
        .str("results/0/student");
    let rows = json!({"rows": [{"student": student, "action": "graduate"}]});
    year.admin()
        .put(
            &format!("session-setup/{setup}/student-promotions/bulk/"),
            &rows,
        )
        .expect(200);
    let path = format!("session-setup/{setup}/promotion-executions/");
    let second = year
        .admin()
        .post(&path, &json!({"skip_pending": true}))
        .status(201)
        .id();
    let reply = year.undo(&first);
    refused(&reply, 409, "registrations_used");
    assert_eq!(reply.json["uses"], json!({"later_promotions": 1}));
    year.admin()
        .act(&format!("{path}{second}/undo/"))
        .expect(200);
    year.undo(&first).expect(200);
}

#[test]
fn what_people_changed_since_stays() {
    let (year, pupils) = decided();
    let execution = year.execute(&json!({})).status(201).id();
    let promoted = &pupils[0].1;
    let path = format!("admissions/{}/", promoted.id);
    let body = json!({"form": null, "enrolment": "dropped_out", "address": "12 Herbert Chitepo"});
    year.admin().patch(&path, &body).expect(200);
    assert_eq!(year.undo(&execution).status(200).json["changed_since"], 1);
    let student = year.student(promoted);
    assert_eq!(
        student["form"],
        Value::Null,
        "the form was changed by the execution and then by hand"
    );
    assert_eq!(student["address"], "12 Herbert Chitepo");
    assert_eq!(
        student["enrolment"], "dropped_out",
        "the execution had not touched it"
    );
    assert_eq!(
        year.student(&pupils[3].1)["enrolment"],
        "active",
        "the others are as before"
    );
}

#[test]
fn a_registration_that_people_changed_since_stays_and_the_student_in_it() {
    for change in [
        json!({"status": "transferred"}),
        json!({"boarding_status": "Day"}),
        json!({"academic_class": null}),
    ] {
        let (year, pupils) = decided();
        let execution = year.execute(&json!({})).status(201).id();
        let (promoted, repeats) = (&pupils[0].1, &pupils[1].1);
        let registration = year.registrations(promoted)[0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let path = format!("sessions/{}/student-sessions/{registration}/", year.to);
        let changed = year.admin().patch(&path, &change).status(200);
        assert_eq!(year.undo(&execution).status(200).json["changed_since"], 1);
        assert_eq!(year.registrations(promoted), [changed.json]);
        assert_eq!(year.student(promoted)["form"], json!(year.forms[1]));
        let history = format!("admissions/{}/history/?field=form", promoted.id);
        let history = year.admin().get(&history).status(200);
        assert_eq!(history.json["count"], 1, "only there: {}", history.text);
        assert_eq!(year.registrations(repeats), Vec::<Value>::new());
        let again = year.execute(&json!({}));
        refused(&again, 409, "promotion_blocked");
        assert_eq!(again.str("students/0/obstacle"), "registered");
        year.app.assert_sound();
    }
}

#[test]
fn an_execution_is_undone_under_its_own_set_up_only() {
    let (year, _) = decided();
    let execution = year.execute(&json!({})).status(201).id();
    let body = json!({"session_type": "academic_session", "academic_session": year.to, "previous_session": year.from});
    let other = year.admin().post("session-setup/", &body).status(201).id();
    let path = format!("session-setup/{other}/promotion-executions/{execution}/");
    refused(&year.admin().get(&path), 404, "not_found");
    refused(&year.admin().act(&format!("{path}undo/")), 404, "not_found");
    let unknown = "session-setup/01890000-0000-7000-8000-00000000dead/promotion-executions/";
    refused(&year.admin().get(unknown), 404, "not_found");
}

#[test]
fn undoing_leaves_an_erased_student_as_erasing_did() {
    let (year, _) = decided();
    let execution = year.execute(&json!({})).status(201).id();
    let gone = year
        .admin()
        .get("student-promotion-history/?action=graduate")
        .status(200)
        .str("results/0/student");
    let record = format!("admissions/{gone}/");
    let number = year.admin().get(&record).status(200).str("student_id");
    let body = json!({"student_id": number, "reason": "Asked for in writing."});
    let erase = format!("students/{gone}/erase/");
    year.admin().post(&erase, &body).expect(200);
    let erased = year.admin().get(&record).status(200).json;
    let reply = year.undo(&execution).status(200);
    assert_eq!(reply.json["changed_since"], 1);
    assert_eq!(year.admin().get(&record).status(200).json, erased);
    assert_eq!(erased["enrolment"], "graduated");
}
