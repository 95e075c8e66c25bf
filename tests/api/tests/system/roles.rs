use homeroom_api_tests::{PASSWORD, PUBLIC_HOST, TestApp, error_of, sign_in};
use insta::assert_json_snapshot;
use serde_json::json;

use crate::pinned;

#[test]
fn a_role_names_permissions_by_number_or_by_codename() {
    let app = TestApp::new();
    let reply = app.platform().post(
        "roles/",
        &json!({"name": "Support", "permissions": [6, 1, "system.view_role", 1]}),
    );
    assert_json_snapshot!(pinned(&reply.status(201)), @r#"
    {
      "body": {
        "created_at": "[time]",
        "id": "[id]",
        "is_builtin": false,
        "name": "Support",
        "permission_codenames": [
          "system.view_school",
          "system.view_user",
          "system.view_role"
        ],
        "permissions": [
          1,
          6,
          10
        ],
        "updated_at": "[time]"
      },
      "status": 201
    }
    "#);
    for bad in [
        json!([0]),
        json!([99]),
        json!(["school.view_user"]),
        json!(["system.*"]),
        json!(["*"]),
        json!([1.5]),
    ] {
        let reply = app
            .platform()
            .post("roles/", &json!({"name": "Other", "permissions": bad}));
        assert_eq!(reply.fields(), ["permissions"], "{bad}");
    }
}

#[test]
fn the_administrators_role_stays_as_it_is() {
    let app = TestApp::new();
    let role = app
        .platform()
        .get("roles/?name=Superadministrator")
        .status(200)
        .str("results/0/id");
    let path = format!("roles/{role}/");
    for reply in [
        app.platform().patch(&path, &json!({"permissions": []})),
        app.platform().patch(&path, &json!({"name": "X"})),
        app.platform()
            .put(&path, &json!({"name": "X", "permissions": []})),
        app.platform().delete(&path),
    ] {
        assert_eq!(error_of(&reply), (409, "builtin_role".into()));
    }
}

#[test]
fn a_role_that_somebody_holds_cannot_be_deleted() {
    let app = TestApp::new();
    let role = app
        .platform()
        .post("roles/", &json!({"name": "Support", "permissions": [1]}))
        .status(201)
        .id();
    let body = json!({"email": "s@homeroom.example", "first_name": "A", "last_name": "B", "role_ids": [role]});
    let user = app.platform().post("users/", &body).status(201).id();
    assert_eq!(
        error_of(&app.platform().delete(&format!("roles/{role}/"))),
        (409, "in_use".into())
    );
    app.platform().delete(&format!("users/{user}/")).expect(204);
    app.platform().delete(&format!("roles/{role}/")).expect(204);
    assert_eq!(app.platform().get(&format!("roles/{role}/")).status, 404);
}

#[test]
fn nobody_grants_what_they_lack() {
    let app = TestApp::new();
    // May manage roles, and view schools.
    let body = json!({"name": "Role managers", "permissions": [1, 10, 11, 12, 13]});
    let role = app.platform().post("roles/", &body).status(201).id();
    let user = json!({
        "email": "roles@homeroom.example", "first_name": "A", "last_name": "B", "password": PASSWORD, "role_ids": [role],
    });
    app.platform().post("users/", &user).expect(201);
    let manager = sign_in(&app.anonymous(PUBLIC_HOST), "roles@homeroom.example");
    let refused = |reply| {
        assert_eq!(
            error_of(&reply),
            (403, "cannot_grant".into()),
            "{}",
            reply.text
        )
    };
    refused(manager.post("roles/", &json!({"name": "Strong", "permissions": [2]})));
    let own = manager
        .post("roles/", &json!({"name": "Weak", "permissions": [1]}))
        .status(201)
        .id();
    refused(manager.patch(&format!("roles/{own}/"), &json!({"permissions": [1, 2]})));
    refused(manager.patch(
        &format!("roles/{role}/"),
        &json!({"permissions": [1, 2, 10, 11, 12, 13]}),
    ));
    let strong = app
        .platform()
        .post("roles/", &json!({"name": "Strong", "permissions": [2]}))
        .status(201)
        .id();
    refused(manager.patch(&format!("roles/{strong}/"), &json!({"permissions": [1]})));
    refused(manager.delete(&format!("roles/{strong}/")));
    manager.delete(&format!("roles/{own}/")).expect(204);
}

#[test]
fn role_names_are_unique() {
    let app = TestApp::new();
    let body = json!({"name": "Support", "permissions": []});
    app.platform().post("roles/", &body).expect(201);
    assert_eq!(app.platform().post("roles/", &body).fields(), ["name"]);
}

#[test]
fn the_permissions_that_exist_are_listed_with_stable_numbers() {
    let app = TestApp::new();
    let reply = app.platform().get("permissions/").status(200);
    assert_eq!(reply.json["count"], reply.results().len());
    let lines: Vec<String> = reply
        .results()
        .iter()
        .map(|line| format!("{} {}", line["id"], line["codename"].as_str().unwrap()))
        .collect();
    assert_json_snapshot!(lines, @r#"
    [
      "1 system.view_school",
      "2 system.add_school",
      "3 system.change_school",
      "4 system.delete_school",
      "5 system.suspend_school",
      "6 system.view_user",
      "7 system.add_user",
      "8 system.change_user",
      "9 system.delete_user",
      "10 system.view_role",
      "11 system.add_role",
      "12 system.change_role",
      "13 system.delete_role",
      "14 system.view_api_key",
      "15 system.add_api_key",
      "16 system.change_api_key",
      "17 system.delete_api_key",
      "18 system.view_audit_log",
      "19 system.view_webhook",
      "20 system.add_webhook",
      "21 system.change_webhook",
      "22 system.delete_webhook",
      "101 school.view_user",
      "102 school.add_user",
      "103 school.change_user",
      "104 school.delete_user",
      "105 school.view_staff",
      "106 school.add_staff",
      "107 school.change_staff",
      "108 school.delete_staff",
      "109 school.view_role",
      "110 school.add_role",
      "111 school.change_role",
      "112 school.delete_role",
      "113 school.view_user_role_assignment",
      "114 school.add_user_role_assignment",
      "115 school.change_user_role_assignment",
      "116 school.delete_user_role_assignment",
      "117 school.view_audit_log",
      "118 school.view_session",
      "119 school.add_session",
      "120 school.change_session",
      "121 school.delete_session",
      "122 school.view_term",
      "123 school.add_term",
      "124 school.change_term",
      "125 school.delete_term",
      "126 school.view_form",
      "127 school.add_form",
      "128 school.change_form",
      "129 school.delete_form",
      "130 school.view_class",
      "131 school.add_class",
      "132 school.change_class",
      "133 school.delete_class",
      "134 school.view_class_pattern",
      "135 school.add_class_pattern",
      "136 school.change_class_pattern",
      "137 school.delete_class_pattern",
      "138 school.view_subject",
      "139 school.add_subject",
      "140 school.change_subject",
      "141 school.delete_subject",
      "142 school.view_curriculum",
      "143 school.add_curriculum",
      "144 school.change_curriculum",
      "145 school.delete_curriculum",
      "146 school.view_pass_mark",
      "147 school.add_pass_mark",
      "148 school.change_pass_mark",
      "149 school.delete_pass_mark",
      "150 school.view_academic_class",
      "151 school.add_academic_class",
      "152 school.change_academic_class",
      "153 school.delete_academic_class",
      "154 school.view_subject_teacher",
      "155 school.add_subject_teacher",
      "156 school.change_subject_teacher",
      "157 school.delete_subject_teacher",
      "158 school.view_student_session",
      "159 school.add_student_session",
      "160 school.change_student_session",
      "161 school.delete_student_session",
      "162 school.view_admission",
      "163 school.add_admission",
      "164 school.change_admission",
      "165 school.delete_admission",
      "166 school.view_guardian",
      "167 school.add_guardian",
      "168 school.change_guardian",
      "169 school.delete_guardian",
      "170 school.view_student_guardian",
      "171 school.add_student_guardian",
      "172 school.change_student_guardian",
      "173 school.delete_student_guardian",
      "174 school.view_attendance",
      "175 school.add_attendance",
      "176 school.change_attendance",
      "177 school.delete_attendance",
      "178 school.view_attendance_code",
      "179 school.add_attendance_code",
      "180 school.change_attendance_code",
      "181 school.delete_attendance_code",
      "182 school.view_holiday",
      "183 school.add_holiday",
      "184 school.change_holiday",
      "185 school.delete_holiday",
      "186 school.view_leave_application",
      "187 school.add_leave_application",
      "188 school.change_leave_application",
      "189 school.delete_leave_application",
      "190 school.view_timetable",
      "191 school.add_timetable",
      "192 school.change_timetable",
      "193 school.delete_timetable",
      "194 school.view_exam_session",
      "195 school.add_exam_session",
      "196 school.change_exam_session",
      "197 school.delete_exam_session",
      "198 school.view_exam",
      "199 school.add_exam",
      "200 school.change_exam",
      "201 school.delete_exam",
      "202 school.view_mark",
      "203 school.add_mark",
      "204 school.change_mark",
      "205 school.delete_mark",
      "206 school.view_academic_setting",
      "207 school.add_academic_setting",
      "208 school.change_academic_setting",
      "209 school.delete_academic_setting",
      "210 school.view_comment_template",
      "211 school.add_comment_template",
      "212 school.change_comment_template",
      "213 school.delete_comment_template",
      "214 school.view_session_setup",
      "215 school.add_session_setup",
      "216 school.change_session_setup",
      "217 school.delete_session_setup",
      "218 school.view_student_promotion",
      "219 school.add_student_promotion",
      "220 school.change_student_promotion",
      "221 school.delete_student_promotion",
      "222 school.view_notice",
      "223 school.add_notice",
      "224 school.change_notice",
      "225 school.delete_notice",
      "226 school.manage_mark",
      "227 school.view_report_card",
      "228 school.change_report_card",
      "229 school.publish_report_card",
      "230 school.withhold_report_card",
      "231 school.view_report_setting",
      "232 school.change_report_setting",
      "233 school.execute_promotion",
      "234 school.decide_leave_application",
      "235 school.view_import",
      "236 school.add_import",
      "237 school.view_export",
      "238 school.view_sms",
      "239 school.send_sms",
      "240 school.change_sms_settings",
      "241 school.change_student_pin",
      "243 school.erase_student",
      "250 school.view_application",
      "251 school.add_application",
      "252 school.change_application",
      "253 school.delete_application",
      "254 school.decide_application",
      "301 chatbot.view_student",
      "302 chatbot.view_result",
      "303 chatbot.view_notice"
    ]
    "#);
}
