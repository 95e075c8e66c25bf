//! Guardians, accounts and text messages of an erased student.

use serde_json::{Value, json};

use super::{PASSWORD, Place, login, refused};

const MOTHER: &str = "+263771000001";

fn rows(place: &Place, sql: &str) -> Vec<Vec<Value>> {
    place.app.rows(&place.school.slot, sql)
}

#[test]
fn a_guardian_with_another_child_stays_and_what_was_sent_of_the_student_does_not() {
    let place = Place::new();
    let mother = place.guardian("Ada", MOTHER);
    let registration = format!(
        "sessions/{}/student-sessions/{}/",
        place.golden.form.session, place.golden.students[1]
    );
    let sister = place.admin().get(&registration).status(200).str("student");
    place.link(&sister, &mother);
    let sent = |student: &str, text: &str| {
        let body = json!({"guardian": mother, "student": student, "message": text});
        place.made("sms/messages/", &body)
    };
    let (about, other) = (
        sent(&place.student, "Anesu is ill"),
        sent(&sister, "Bongai is well"),
    );
    let _ = place.app.work_queue();
    place.leave();
    place.erase().expect(200);
    let children = place
        .admin()
        .get(&format!("guardians/{mother}/students/"))
        .status(200);
    assert_eq!(children.column("student"), [sister]);
    let message = |id: &str| {
        let path = format!("sms/messages/{id}/");
        place.admin().get(&path).status(200).json
    };
    let (about, other) = (message(&about), message(&other));
    assert_eq!(
        (&about["message"], &about["destination"]),
        (&json!(""), &json!(MOTHER))
    );
    assert_eq!(about["student_name"], "Erased student");
    assert_eq!(
        (&other["message"], &other["destination"]),
        (&json!("Bongai is well"), &json!(MOTHER))
    );
}

#[test]
fn a_message_that_waits_is_withdrawn_and_not_sent_without_its_text() {
    let place = Place::new();
    let mother = place.guardian("Ada", MOTHER);
    let body = json!({"guardian": mother, "student": place.student, "message": "Anesu is ill"});
    let id = place.made("sms/messages/", &body);
    place.leave();
    place.erase().expect(200);
    let _ = place.app.work_queue();
    assert_eq!(place.app.take_submissions().len(), 0);
    let shown = place
        .admin()
        .get(&format!("sms/messages/{id}/"))
        .status(200)
        .json;
    assert_eq!(
        (&shown["status"], &shown["message"], &shown["destination"]),
        (&json!("DELETED"), &json!(""), &json!(""))
    );
    assert_eq!(shown["guardian"], json!(null));
}

#[test]
fn a_number_that_opted_out_stays_on_that_list_alone() {
    let place = Place::new();
    let _ = place.guardian("Ada", MOTHER);
    let number = json!({"number": MOTHER});
    place.admin().post("sms/opt-outs/", &number).expect(200);
    place.leave();
    place.erase().expect(200);
    let kept = rows(&place, "select number from sms_opt_outs");
    assert_eq!(kept, [[json!("263771000001")]]);
    let all = place.dump();
    let lines = all.lines().filter(|line| line.contains("263771000001"));
    let tables: Vec<&str> = lines.filter_map(|line| line.split(':').next()).collect();
    // The log names the entry of the list.
    assert_eq!(tables, ["audit_logs", "sms_opt_outs"]);
}

#[test]
fn an_account_goes_with_its_sign_ins_and_the_platform_forgets_it() {
    let place = Place::new();
    let user = place.account("anesu@people.example");
    place.change(&json!({"user": user})).expect(200);
    place.app.visit_schools();
    let door = place.school.anonymous();
    let access = login(&door, "anesu@people.example", PASSWORD).status(200);
    let own = door.bearer(&access.str("access"));
    own.get("auth/me/").expect(200);
    let known = format!("select count(*) from directory where present = 1 and user_id = '{user}'");
    assert_eq!(place.app.count("CONTROL", &known), 1);
    place.leave();
    place.erase().expect(200);
    own.get("auth/me/").expect(401);
    let refresh = json!({"refresh": access.str("refresh")});
    door.post("auth/refresh/", &refresh).expect(401);
    login(&door, "anesu@people.example", PASSWORD).expect(401);
    assert_eq!(place.app.count("CONTROL", &known), 0);
    // The address is free for another.
    let _ = place.account("anesu@people.example");
}

#[test]
fn an_account_of_staff_or_of_another_childs_guardian_stays() {
    let place = Place::new();
    let (teacher, parent) = (
        place.account("teacher@people.example"),
        place.account("parent@people.example"),
    );
    place.made("staff/", &json!({"staff_number": "T-9", "user": teacher}));
    let mother = place.guardian("Ada", MOTHER);
    let account = json!({"user": teacher});
    place
        .admin()
        .patch(&format!("guardians/{mother}/"), &account)
        .expect(200);
    // One account for the student and for somebody else's guardian.
    let other = json!({"first_name": "Ben", "last_name": "Dube", "email": "ben@people.example", "user": parent});
    place.made("guardians/", &other);
    place.change(&json!({"user": parent})).expect(200);
    place.leave();
    place.erase().expect(200);
    for email in ["teacher@people.example", "parent@people.example"] {
        login(&place.school.anonymous(), email, PASSWORD).expect(200);
    }
    let gone = format!("guardians/{mother}/");
    place.admin().get(&gone).expect(404);
}

#[test]
fn an_account_with_a_role_of_staff_stays_whether_there_is_a_staff_record_or_not() {
    let place = Place::new();
    let account = |name: &str, role: &str| {
        let email = format!("{}@people.example", name.to_lowercase());
        let body = json!({"email": email, "first_name": name, "last_name": "Dube", "password": PASSWORD,
            "role_ids": [place.school.role(role), place.school.role("Guardian")]});
        let user = place.made("users/", &body);
        let phone = format!("+26377100001{}", name.len());
        let guardian = place.guardian(name, &phone);
        let link = json!({"user": user});
        let path = format!("guardians/{guardian}/");
        place.admin().patch(&path, &link).expect(200);
        let client = place.school.anonymous();
        let access = login(&client, &email, PASSWORD).status(200);
        (user, client.bearer(&access.str("access")))
    };
    let (ada, administrator) = account("Ada", "Administrator");
    let (_, clerk) = account("Tariro", "Office");
    let path = format!("admissions/{}/", place.student);
    for (client, address) in [(&administrator, "1 High Street"), (&clerk, "2 High Street")] {
        let body = json!({"address": address});
        client.patch(&path, &body).expect(200);
    }
    place.leave();
    place.erase().expect(200);
    for email in ["ada@people.example", "tariro@people.example"] {
        login(&place.school.anonymous(), email, PASSWORD).expect(200);
    }
    administrator.get("auth/me/").expect(200);
    clerk.get("auth/me/").expect(200);
    let lines = place
        .admin()
        .get(&format!("audit-logs/?actor={ada}"))
        .status(200);
    assert_eq!(lines.column("actor_name"), ["Ada Dube"]);
    // They go as guardians alone.
    assert_eq!(
        place
            .app
            .count(&place.school.slot, "select count(*) from guardians"),
        0
    );
}

#[test]
fn nobody_erases_the_own_account_with_a_child() {
    let place = Place::new();
    let user = place.account("ada@people.example");
    let mother = place.guardian("Ada", MOTHER);
    let own = json!({"user": user});
    place
        .admin()
        .patch(&format!("guardians/{mother}/"), &own)
        .expect(200);
    place.leave();
    let role = place.school.role("Student");
    let may = format!("insert into role_permissions values ('{role}', 'school.erase_student')");
    place.app.execute(&place.school.slot, &may);
    let client = place.school.anonymous();
    let access = login(&client, "ada@people.example", PASSWORD).status(200);
    let number = place.record()["student_id"].clone();
    let before = place.dump();
    let body = json!({"student_id": number, "reason": "It was asked for in writing."});
    let path = format!("students/{}/erase/", place.student);
    let reply = client.bearer(&access.str("access")).post(&path, &body);
    refused(&reply, 409, "own_account");
    assert_eq!(place.dump(), before);
}
