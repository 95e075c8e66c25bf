//! Every text that people can write about a student, and none of it left.

use std::collections::BTreeSet;

use homeroom_api_tests::{PUBLIC_HOST, SMS_ADMIN_KEY, samples::records};
use homeroom_domain::records::Kind;
use serde_json::{Value, json};

use super::{PASSWORD, Place, key_for, login, publish};

const MARK: &str = "Zyxomir";
const PHONES: [&str; 3] = ["+263779990001", "+263779990002", "+263779990003"];
const BORN: &str = "2011-11-11";
/// From where the student asked for a new password.
const ADDRESS: &str = "203.0.113.99";
/// Tables about students that hold no text of anybody's: they need no row here.
const WITHOUT_WORDS: &[&str] = &["student_promotion_history"];

/// The mark in every text of a resource that a body may set, so that a new field is caught too.
fn filled(noun: &str) -> Value {
    let resource = records::all().find(|resource| resource.noun == noun);
    let fields = resource.unwrap().table.fields.iter();
    fields
        .filter(|field| field.is_settable() && matches!(field.kind, Kind::Text { .. }))
        .map(|field| (field.name, json!(MARK)))
        .collect()
}

fn with(mut body: Value, more: &Value) -> Value {
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    body
}

/// People: the student and guardians, all with accounts or phones, one of the guardians deleted before.
fn write_people(place: &Place) -> String {
    let account = |email: &str, phone: Option<&str>| {
        let body = json!({"email": email, "phone_number": phone, "first_name": MARK, "last_name": MARK,
            "password": PASSWORD, "role_ids": [place.school.role("Student")]});
        place.made("users/", &body)
    };
    let former = account("zyxomir.former@people.example", None);
    place.change(&json!({"user": former})).expect(200);
    place.change(&json!({"user": null})).expect(200);
    place
        .admin()
        .delete(&format!("users/{former}/"))
        .expect(204);
    let own = json!({"user": account("zyxomir@people.example", Some(PHONES[0])), "dob": BORN, "gender": "female",
        "parent_phone": "+263 77 999-0003", "status": "Boarding"});
    place.change(&with(filled("admission"), &own)).expect(200);

    let links = format!("students/{}/guardians/", place.student);
    let link = |more: Value| {
        let guardian = place.made("guardians/", &with(filled("guardian"), &more));
        let body = with(filled("student_guardian"), &json!({"guardian": guardian}));
        (place.made(&links, &body), guardian)
    };
    let mail = account("zyxomir.mother@people.example", None);
    let (_, mother) =
        link(json!({"phone_number": PHONES[1], "consent": {"sms": true}, "user": mail}));
    link(json!({"email": "zyxomir.father@people.example"}));
    let (gone, uncle) = link(json!({"email": "zyxomir.uncle@people.example"}));
    // Accounts that were a guardian's and were deleted: of one who goes with the student, and of one who went before.
    for (guardian, email) in [
        (&mother, "zyxomir.former.mother@people.example"),
        (&uncle, "zyxomir.former.uncle@people.example"),
    ] {
        let was = place
            .admin()
            .get(&format!("guardians/{guardian}/"))
            .status(200);
        let user = account(email, None);
        for user in [json!(user), was.json["user"].clone()] {
            let path = format!("guardians/{guardian}/");
            place
                .admin()
                .patch(&path, &json!({"user": user}))
                .expect(200);
        }
        place.admin().delete(&format!("users/{user}/")).expect(204);
    }
    place.admin().delete(&format!("{links}{gone}/")).expect(204);
    place
        .admin()
        .delete(&format!("guardians/{uncle}/"))
        .expect(204);
    place
        .admin()
        .act(&format!("students/{}/pin/", place.student))
        .expect(200);
    mother
}

/// The application that the student came of: written in every way, and enrolled as if this student had been made of it.
fn write_application(place: &Place) {
    let of_the_person = json!({"session": place.golden.form.session, "form": place.golden.form.form, "dob": BORN,
        "guardian_phone": PHONES[2], "guardian_email": "zyxomir.aunt@people.example"});
    let id = place.made(
        "applications/",
        &with(filled("application"), &of_the_person),
    );
    let path = format!("applications/{id}/");
    let admin = place.admin();
    admin
        .patch(
            &path,
            &json!({"notes": format!("{MARK} again"), "exam_mark": 50}),
        )
        .expect(200);
    for step in ["waitlist", "reopen", "offer"] {
        let reason = json!({"reason": MARK});
        admin.post(&format!("{path}{step}/"), &reason).expect(200);
    }
    let enrolled = format!(
        "update applications set state = 'enrolled', student = '{}' where id = '{id}'",
        place.student
    );
    place.app.execute(&place.school.slot, &enrolled);
}

/// The student signs in, makes and ends feeds, and forgets the password.
fn write_account(place: &Place) {
    let door = place
        .school
        .anonymous()
        .with("user-agent", MARK)
        .with("cf-connecting-ip", ADDRESS);
    let access = login(&door, "zyxomir@people.example", PASSWORD).status(200);
    let own = place.school.anonymous().bearer(&access.str("access"));
    let feed = json!({"name": MARK});
    let gone = own
        .key("once")
        .post("my/calendar-feeds/", &feed)
        .status(201);
    own.delete(&format!("my/calendar-feeds/{}/", gone.id()))
        .expect(204);
    own.post("my/calendar-feeds/", &feed).expect(201);
    let email = json!({"email": "zyxomir@people.example"});
    door.post("auth/password-reset/", &email).expect(202);
}

/// Attendance, leave, marks, cards and promotion.
fn write_year(place: &Place) {
    let (golden, admin) = (&place.golden, place.admin());
    let program = key_for(&place.app, &place.school, &["school.*"]);
    let registration = &golden.students[0];
    for (date, status) in [("2026-01-13", "late"), ("2026-01-14", "absent")] {
        let body =
            json!({"student_session": registration, "date": date, "status": status, "code": null});
        let body = with(filled("attendance"), &body);
        program.post("attendance/", &body).expect(201);
    }
    let leave = |first: &str, last: &str| {
        let body = json!({"student": place.student, "start_date": first, "end_date": last});
        let id = place.made(
            "leave-applications/",
            &with(filled("leave_application"), &body),
        );
        admin
            .act(&format!("leave-applications/{id}/approve/"))
            .expect(200);
        id
    };
    leave("2026-01-14", "2026-01-15");
    // Its entries go when it is withdrawn, and the lines about them stay.
    let other = format!("leave-applications/{}/", leave("2026-01-20", "2026-01-21"));
    admin.act(&format!("{other}withdraw/")).expect(200);

    let path = golden.form.path();
    let exams = admin.get(&format!(
        "{path}exams/?academic_class={}&subject={}",
        golden.a, golden.subjects[0].id
    ));
    let row = json!({"student_session": registration, "mark": 81, "comment": MARK, "version": 1});
    let exam = exams.status(200).str("results/0/id");
    admin
        .put(
            &format!("{path}exams/{exam}/marks/bulk/"),
            &json!({"marks": [row]}),
        )
        .expect(200);
    let card = format!("{path}report-cards/{registration}/");
    let comments = json!({"class_teacher": MARK, "head_teacher": MARK});
    admin
        .put(&format!("{card}comments/"), &comments)
        .expect(200);
    let reason = json!({"reason": MARK});
    admin.post(&format!("{card}withhold/"), &reason).expect(200);
    publish(&place.school, golden).expect(200);
    let comments = json!({"class_teacher": format!("{MARK} again")});
    admin
        .put(&format!("{card}comments/"), &comments)
        .expect(200);
    publish(&place.school, golden).expect(200);
    place.app.execute(
        &place.school.slot,
        &format!(
            "insert into publication_portions (publication, part, exam_session, cards) \
             values ('cut off', 1, '{}', '[\"{MARK}\"]')",
            golden.form.exam_session
        ),
    );

    let next = json!({"name": "Next", "start_date": "2027-01-01T00:00:00Z", "end_date": "2027-12-01T00:00:00Z"});
    let setup = json!({"session_type": "academic_session", "academic_session": place.made("sessions/", &next),
        "previous_session": golden.form.session, "status": "pending", "current_step": 4});
    let setup = place.made("session-setup/", &setup);
    let decision =
        json!({"student": place.student, "source_session_class": golden.a, "action": "transfer"});
    place.made(
        &format!("session-setup/{setup}/student-promotions/"),
        &with(filled("student_promotion"), &decision),
    );
}

/// Text messages of every kind, in and out, sent and waiting; and a file that finds the student.
fn write_messages(place: &Place, mother: &str) {
    let admin = place.admin();
    for body in [
        json!({"guardian": mother, "student": place.student, "message": MARK}),
        json!({"guardian": mother, "message": format!("{MARK} alone")}),
        json!({"destination": PHONES[2], "message": MARK}),
    ] {
        admin.post("sms/messages/", &body).expect(201);
    }
    let _ = place.app.work_queue();
    let later = json!({"guardian": mother, "message": format!("{MARK} later"), "send_at": "2026-01-15T18:00:00Z"});
    admin.post("sms/messages/", &later).expect(201);
    let batch = json!({"audience": {"kind": "students", "ids": [place.student]}, "message": "{student} and others"});
    let batch = admin.post("sms/batches/", &batch).status(201);
    assert!(
        batch.text.contains(MARK),
        "nobody was left out: {}",
        batch.text
    );
    let number = json!({"number": "33555", "app_id": place.app.school_app(&place.school.id)});
    let gateway = place.app.gateway(PUBLIC_HOST);
    gateway
        .with("x-admin-key", SMS_ADMIN_KEY)
        .post("admin/numbers", &number)
        .expect(200);
    let heard = json!({"id": "evt-in", "at": place.app.now().millis(), "inbound_id": "in", "esme": 100,
        "source": PHONES[1], "destination": "33555", "text": MARK, "missing_parts": 0});
    place
        .app
        .webhook("sms/mo", &json!({"events": [heard]}))
        .expect(204);
    let file = format!("first_name,last_name,admission_year\n{MARK},{MARK},2026\n");
    let job = admin.file("imports/students/?dry_run=true", &file);
    assert!(job.status(202).text.contains(MARK));
}

/// Tables that refer to one of these records.
fn referring(place: &Place, to: &str) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let slot = &place.school.slot;
    let mut found = BTreeSet::new();
    for table in place.app.tables(slot) {
        let sql = format!(
            "select \"from\" from pragma_foreign_key_list('{table}') where \"table\" = '{to}'"
        );
        for row in place.app.rows(slot, &sql) {
            found.insert((table.clone(), text(&row[0])));
        }
    }
    found
}

#[test]
fn nothing_in_any_table_tells_who_an_erased_student_was() {
    let place = Place::new();
    let mother = write_people(&place);
    write_application(&place);
    write_account(&place);
    write_year(&place);
    write_messages(&place, &mother);
    place
        .change(&json!({"enrolment": "transferred", "reason": MARK}))
        .expect(200);

    // Who adds a table about students writes something into it above.
    for (record, id) in [
        ("students", &place.student),
        ("student_sessions", &place.golden.students[0]),
        ("guardians", &mother),
    ] {
        for (table, column) in referring(&place, record) {
            let rows = format!("select count(*) from {table} where {column} = '{id}'");
            let is_there = place.app.count(&place.school.slot, &rows) > 0;
            assert!(
                is_there || WITHOUT_WORDS.contains(&table.as_str()),
                "write something into {table}.{column} here, and see that erasing takes it away"
            );
        }
    }
    let traces = || -> Vec<&str> {
        let (dump, control) = (place.dump().to_lowercase(), place.app.dump("CONTROL"));
        let dump = dump + &control.to_lowercase();
        let mut all = vec!["zyxomir", BORN, ADDRESS];
        all.extend(PHONES.map(|phone| &phone[1..]));
        all.retain(|trace| dump.contains(trace));
        all
    };
    assert_eq!(
        traces().len(),
        6,
        "all of it is there before: {:?}",
        traces()
    );
    let lines = "select count(*) from audit_logs";
    let before = place.app.count(&place.school.slot, lines);
    place.erase().expect(200);
    let dump = place.dump();
    let left: Vec<&str> = dump
        .lines()
        .filter(|line| line.to_lowercase().contains("zyxomir"))
        .collect();
    assert_eq!(left, Vec::<&str>::new());
    assert_eq!(traces(), Vec::<&str>::new());
    assert!(place.app.count(&place.school.slot, lines) > before);
    place.app.assert_sound();
}

#[test]
fn an_application_goes_with_the_student_who_came_of_it_and_all_that_enrolling_made() {
    let place = Place::new();
    let admin = place.admin();
    let of_the_person = json!({"session": place.golden.form.session, "form": place.golden.form.form, "dob": BORN,
        "guardian_phone": PHONES[2], "guardian_email": "zyxomir.aunt@people.example"});
    let id = place.made(
        "applications/",
        &with(filled("application"), &of_the_person),
    );
    let path = format!("applications/{id}/");
    for step in ["offer", "enrol"] {
        let body = if step == "offer" {
            json!({"reason": MARK})
        } else {
            json!({})
        };
        admin.post(&format!("{path}{step}/"), &body).expect(200);
    }
    let student = admin.get(&path).status(200).json;
    let (number, student) = (&student["student_id"], student["student"].as_str().unwrap());
    let gone = json!({"enrolment": "transferred"});
    admin
        .patch(&format!("admissions/{student}/"), &gone)
        .expect(200);
    let traces = || {
        let dump = place.dump().to_lowercase();
        ["zyxomir", BORN, &PHONES[2][1..]].map(|trace| dump.contains(trace))
    };
    assert_eq!(traces(), [true; 3]);
    let body = json!({"student_id": number, "reason": "It was asked for in writing."});
    admin
        .post(&format!("students/{student}/erase/"), &body)
        .expect(200);
    assert_eq!(traces(), [false; 3]);
    admin.get(&path).expect(404);
    let lines = admin.get(&format!("audit-logs/?record_id={id}&ordering=timestamp"));
    let actions = lines.status(200).column("action");
    assert_eq!(actions, ["CREATE", "UPDATE", "UPDATE", "DELETE"]);
    place.app.assert_sound();
}

#[test]
fn the_audit_log_keeps_who_changed_what_and_forgets_the_values() {
    let place = Place::new();
    place
        .change(&json!({"last_name": "Zulu", "address": "1 High Street"}))
        .expect(200);
    place.leave();
    let lines = || {
        let path = format!(
            "audit-logs/?table_name=students&record_id={}&ordering=timestamp",
            place.student
        );
        place.admin().get(&path).status(200)
    };
    let before = lines();
    let erased = place.erase().status(200);
    let after = lines();
    let (old, new) = (before.results(), after.results());
    assert_eq!(new.len(), old.len() + 1);
    for (old, new) in old.iter().zip(new) {
        for field in ["id", "actor_name", "action", "timestamp", "request_id"] {
            assert_eq!(old[field], new[field], "{field}");
        }
        let names = |line: &Value| -> Vec<String> {
            line["changes"]
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect()
        };
        assert_eq!(names(old), names(new));
        for change in new["changes"].as_object().unwrap().values() {
            assert_eq!(change, &json!({"from": null, "to": null}));
        }
    }
    let last = new.last().unwrap();
    assert_eq!(
        (&last["action"], &last["changes"]),
        (
            &json!("UPDATE"),
            &json!({
                "erased_at": {"from": null, "to": erased.json["erased_at"]},
                "reason": {"from": null, "to": "It was asked for in writing."},
            })
        )
    );
}
