use homeroom_api_tests::PASSWORD;
use serde_json::json;

use super::{greenwood, key_for, login, person, refused, someone};

#[test]
fn a_user_signs_in_by_email_and_the_answer_says_who_it_is() {
    let (_, school) = greenwood();
    let reply = login(&school.anonymous(), " Admin@Greenwood.EXAMPLE ", PASSWORD).status(200);
    insta::assert_json_snapshot!(reply.shape(), @r#"
    {
      "access": "[access]",
      "refresh": "[refresh]",
      "user": {
        "client": "[id]",
        "created_at": "[time]",
        "created_by": null,
        "email": "admin@greenwood.example",
        "first_name": "Rudo",
        "id": "[id]",
        "is_active": true,
        "last_login_at": "[time]",
        "last_name": "Ncube",
        "must_change_password": false,
        "phone_number": null,
        "roles": [
          {
            "id": "[id]",
            "name": "Administrator"
          }
        ],
        "teacher_profile": null,
        "updated_at": "[time]"
      }
    }
    "#);
}

#[test]
fn a_user_signs_in_by_phone_in_any_spelling_of_the_number() {
    let (_, school) = greenwood();
    let mut body = person("chipo@greenwood.example");
    body["phone_number"] = json!("+263 77 212-3456");
    let created = school.admin.post("users/", &body).status(201);
    assert_eq!(created.str("phone_number"), "+263772123456");
    for spelling in ["+263772123456", "00263 772 123 456", " +263 (77) 212.3456 "] {
        let login = json!({"phone_number": spelling, "password": PASSWORD});
        let reply = school.anonymous().post("auth/login/", &login).status(200);
        assert_eq!(reply.str("user/id"), created.id(), "{spelling}");
    }
}

#[test]
fn a_user_without_an_email_signs_in_by_phone() {
    let (_, school) = greenwood();
    let body = json!({"phone_number": "0772 000 111", "first_name": "Q", "last_name": "R", "password": PASSWORD});
    school.admin.post("users/", &body).expect(201);
    let login = json!({"phone_number": "0772000111", "email": null, "password": PASSWORD});
    school.anonymous().post("auth/login/", &login).expect(200);
}

#[test]
fn a_sign_in_names_exactly_one_identifier() {
    let (_, school) = greenwood();
    let door = school.anonymous();
    let none = door.post("auth/login/", &json!({"password": PASSWORD}));
    assert_eq!(none.fields(), ["non_field_errors"]);
    let both =
        json!({"email": "a@b.example", "phone_number": "+263772123456", "password": PASSWORD});
    assert_eq!(
        door.post("auth/login/", &both).fields(),
        ["non_field_errors"]
    );
    let all = door.post("auth/login/", &json!({"remember": true}));
    assert_eq!(all.fields(), ["non_field_errors", "password", "remember"]);
}

#[test]
fn a_form_signs_in_too_and_without_the_final_slash() {
    let (_, school) = greenwood();
    let form = "email=admin%40greenwood.example&password=correct+horse+battery";
    for path in ["auth/login/", "auth/login"] {
        school.anonymous().form(path, form).expect(200);
    }
}

#[test]
fn the_first_sign_in_of_a_user_shows_in_last_login_at() {
    let (_, school) = greenwood();
    let created = school
        .admin
        .post("users/", &person("chipo@greenwood.example"))
        .status(201);
    assert!(created.json["last_login_at"].is_null());
    login(&school.anonymous(), "chipo@greenwood.example", PASSWORD).expect(200);
    let after = school
        .admin
        .get(&format!("users/{}/", created.id()))
        .status(200);
    assert!(after.json["last_login_at"].is_string(), "{}", after.text);
}

#[test]
fn me_shows_user_school_roles_permissions_and_teacher_profile() {
    let (_, school) = greenwood();
    let mut body = person("chipo@greenwood.example");
    body["role_ids"] = json!([school.role("Teacher"), school.role("Office")]);
    body["teacher_profile"] = json!({
        "staff_number": "T-017", "title": "Mrs", "position": "Teacher", "department": "Mathematics",
        "hired_on": "2024-09-01",
    });
    school.admin.post("users/", &body).expect(201);
    let access = login(&school.anonymous(), "chipo@greenwood.example", PASSWORD)
        .status(200)
        .str("access");
    let me = school
        .anonymous()
        .bearer(&access)
        .get("auth/me/")
        .status(200);
    insta::assert_json_snapshot!(me.shape(), @r#"
    {
      "client": "[id]",
      "created_at": "[time]",
      "created_by": "[id]",
      "email": "chipo@greenwood.example",
      "first_name": "Chipo",
      "id": "[id]",
      "is_active": true,
      "last_login_at": "[time]",
      "last_name": "Dube",
      "must_change_password": false,
      "permissions": [
        "school.view_user",
        "school.add_user",
        "school.change_user",
        "school.view_staff",
        "school.add_staff",
        "school.change_staff",
        "school.view_session",
        "school.view_term",
        "school.view_form",
        "school.view_class",
        "school.view_subject",
        "school.view_curriculum",
        "school.view_pass_mark",
        "school.view_academic_class",
        "school.view_subject_teacher",
        "school.view_student_session",
        "school.add_student_session",
        "school.change_student_session",
        "school.view_admission",
        "school.add_admission",
        "school.change_admission",
        "school.view_guardian",
        "school.add_guardian",
        "school.change_guardian",
        "school.view_student_guardian",
        "school.add_student_guardian",
        "school.change_student_guardian",
        "school.delete_student_guardian",
        "school.view_attendance",
        "school.add_attendance",
        "school.change_attendance",
        "school.view_attendance_code",
        "school.view_holiday",
        "school.view_leave_application",
        "school.add_leave_application",
        "school.view_timetable",
        "school.view_exam_session",
        "school.view_exam",
        "school.add_exam",
        "school.view_mark",
        "school.add_mark",
        "school.change_mark",
        "school.view_academic_setting",
        "school.view_comment_template",
        "school.view_notice",
        "school.view_report_card",
        "school.change_report_card",
        "school.view_report_setting",
        "school.view_import",
        "school.add_import",
        "school.view_export",
        "school.view_sms",
        "school.send_sms",
        "school.change_student_pin",
        "school.view_application",
        "school.add_application",
        "school.change_application",
        "school.decide_application"
      ],
      "phone_number": null,
      "roles": [
        {
          "id": "[id]",
          "name": "Office"
        },
        {
          "id": "[id]",
          "name": "Teacher"
        }
      ],
      "school": {
        "code": "greenwood",
        "id": "[id]",
        "locale": "en",
        "name": "greenwood school",
        "schema_name": "greenwood",
        "timezone": "UTC"
      },
      "teacher_profile": {
        "department": "Mathematics",
        "hired_on": "2024-09-01",
        "id": "[id]",
        "position": "Teacher",
        "staff_number": "T-017",
        "title": "Mrs"
      },
      "updated_at": "[time]"
    }
    "#);
}

#[test]
fn an_administrators_permissions_are_spelled_out() {
    let (_, school) = greenwood();
    let own = school.admin.get("auth/permissions/").status(200);
    let known = school.admin.get("permissions/").status(200);
    let names: Vec<String> = known.column("codename");
    assert_eq!(own.json["permissions"], json!(names));
    assert_eq!(known.json["count"], names.len());
    assert!(
        names
            .iter()
            .all(|name| name.starts_with("school.") || name.starts_with("chatbot.")),
        "{names:?}"
    );
    let teacher = school.teacher.get("auth/permissions/").status(200).json["permissions"].clone();
    let teacher: Vec<&str> = teacher
        .as_array()
        .unwrap()
        .iter()
        .filter_map(serde_json::Value::as_str)
        .collect();
    assert!(
        teacher.contains(&"school.change_mark") && !teacher.contains(&"school.manage_mark"),
        "{teacher:?}"
    );
}

#[test]
fn an_api_key_has_permissions_and_no_account() {
    let (app, school) = greenwood();
    let key = key_for(&app, &school, &["school.view_*"]);
    let allowed = key.get("auth/permissions/").status(200);
    let allowed = allowed.json["permissions"].as_array().unwrap().clone();
    assert!(
        allowed
            .iter()
            .all(|name| name.as_str().unwrap().starts_with("school.view_")),
        "{allowed:?}"
    );
    refused(&key.get("auth/me/"), 403, "no_account");
    refused(&key.act("auth/logout/"), 403, "no_account");
    refused(&key.act("auth/logout-all/"), 403, "no_account");
    let change = json!({"old_password": PASSWORD, "new_password": "another good one"});
    refused(
        &key.post("auth/change-password/", &change),
        403,
        "no_account",
    );
    refused(
        &key.post("users/", &person("x@greenwood.example")),
        403,
        "permission_denied",
    );
}

#[test]
fn without_a_credential_every_answer_asks_for_one() {
    let (_, school) = greenwood();
    for path in [
        "auth/me/",
        "users/",
        "staff/",
        "roles/",
        "audit-logs/",
        "permissions/",
        "user-role-assignments/",
    ] {
        let reply = school.anonymous().get(path);
        refused(&reply, 401, "not_authenticated");
        assert_eq!(
            reply.header("www-authenticate"),
            "Bearer realm=\"homeroom\""
        );
        assert_eq!(reply.json["code"], "not_authenticated");
    }
}

#[test]
fn an_access_token_ends_after_fifteen_minutes() {
    let (app, school) = greenwood();
    app.pass_seconds(14 * 60);
    school.admin.get("auth/me/").expect(200);
    app.pass_seconds(70);
    refused(&school.admin.get("auth/me/"), 401, "not_authenticated");
}

#[test]
fn a_token_with_one_letter_changed_is_nobodys() {
    let (_, school) = greenwood();
    let token = school.admin.token();
    let dots: Vec<usize> = token.match_indices('.').map(|(at, _)| at).collect();
    for at in [dots[0] + 5, dots[1] + 5] {
        let letter = if &token[at..=at] == "A" { "B" } else { "A" };
        let forged = format!("{}{letter}{}", &token[..at], &token[at + 1..]);
        refused(
            &school.anonymous().bearer(&forged).get("auth/me/"),
            401,
            "not_authenticated",
        );
    }
}

#[test]
fn an_answer_never_shows_a_password_or_its_hash() {
    let (app, school) = greenwood();
    let (user, id) = someone(&school, "chipo@greenwood.example", &["Head teacher"]);
    let change = json!({"password": "quite another one"});
    school
        .admin
        .patch(&format!("users/{id}/"), &change)
        .expect(200);
    let whole = [
        school.admin.get("users/").text,
        school.admin.get("audit-logs/?page_size=100").text,
        user.get("auth/me/").text,
        app.dump("CONTROL"),
        app.rows(&school.slot, "select changes from audit_logs")
            .iter()
            .map(|row| row[0].to_string())
            .collect(),
    ];
    for text in whole {
        assert!(
            !text.contains("quite another one") && !text.contains(PASSWORD),
            "{text}"
        );
    }
    let shown =
        school.admin.get("users/").text + &school.admin.get("audit-logs/?page_size=100").text;
    assert!(!shown.contains("argon2"), "{shown}");
}
