use homeroom_api_tests::{
    PASSWORD, PUBLIC_HOST, TestApp, error_of, samples::OTHER_PASSWORD, sign_in,
};
use insta::assert_json_snapshot;
use serde_json::json;

use crate::pinned;

const SYSTEM_LOGIN: &str = "auth/login/";

#[test]
fn signing_in_answers_tokens_and_the_user() {
    let app = TestApp::new();
    let body = json!({"email": "ada@homeroom.example", "password": PASSWORD});
    let reply = app
        .anonymous(PUBLIC_HOST)
        .post(SYSTEM_LOGIN, &body)
        .status(200);
    assert_json_snapshot!(pinned(&reply), @r#"
    {
      "body": {
        "access": "[access]",
        "refresh": "[refresh]",
        "user": {
          "client": null,
          "created_at": "[time]",
          "created_by": null,
          "email": "ada@homeroom.example",
          "first_name": "Ada",
          "id": "[id]",
          "is_active": true,
          "last_login_at": "[time]",
          "last_name": "Homeroom",
          "must_change_password": false,
          "phone_number": null,
          "roles": [
            {
              "id": "[id]",
              "name": "Superadministrator"
            }
          ],
          "teacher_profile": null,
          "updated_at": "[time]"
        }
      },
      "status": 200
    }
    "#);
}

#[test]
fn me_shows_the_user_without_a_school_and_all_permissions() {
    let app = TestApp::new();
    let reply = app.platform().get("auth/me/").status(200);
    assert_eq!(reply.json["client"], json!(null));
    let all = app.platform().get("permissions/").status(200);
    let system: Vec<String> = all
        .column("codename")
        .into_iter()
        .filter(|name| name.starts_with("system."))
        .collect();
    assert_eq!(reply.json["permissions"], json!(system));
}

#[test]
fn a_key_is_nobody_and_has_no_me() {
    let app = TestApp::new();
    let key = app
        .platform()
        .post("api-keys/", &json!({"name": "All", "scopes": ["*"]}))
        .status(201)
        .str("key");
    let client = app.anonymous(PUBLIC_HOST).api_key(&key);
    for reply in [
        client.get("auth/me/"),
        client.act("auth/logout/"),
        client.act("auth/logout-all/"),
    ] {
        assert_eq!(error_of(&reply), (403, "no_account".into()));
    }
}

#[test]
fn a_schools_user_gets_403_here_with_the_right_password_only() {
    let app = TestApp::new();
    let _school = app.school("greenwood");
    let door = app.anonymous(PUBLIC_HOST);
    let login = |email: &str, password: &str| {
        door.post(SYSTEM_LOGIN, &json!({"email": email, "password": password}))
    };
    for email in [
        "admin@greenwood.example",
        "teacher@greenwood.example",
        "TEACHER@greenwood.example",
    ] {
        assert_eq!(
            error_of(&login(email, PASSWORD)),
            (403, "school_user".into()),
            "{email}"
        );
        assert_eq!(
            error_of(&login(email, OTHER_PASSWORD)),
            (401, "invalid_credentials".into()),
            "{email}"
        );
    }
    assert_eq!(
        app.count("CONTROL", "select count(*) from sessions"),
        1,
        "only the platform's administrator is signed in"
    );
}

#[test]
fn the_answer_to_a_wrong_password_does_not_tell_whether_a_school_knows_the_person() {
    let app = TestApp::new();
    let _school = app.school("greenwood");
    let door = app.anonymous(PUBLIC_HOST);
    let work = |email: &str| {
        let before = app.password_work()["verify"];
        let reply = door.post(
            SYSTEM_LOGIN,
            &json!({"email": email, "password": OTHER_PASSWORD}),
        );
        (
            reply.status,
            reply.text,
            app.password_work()["verify"] - before,
        )
    };
    assert_eq!(
        work("teacher@greenwood.example"),
        work("nobody@greenwood.example")
    );
    assert_eq!(
        work("ada@homeroom.example"),
        work("nobody2@greenwood.example")
    );
}

#[test]
fn the_403_follows_changes_of_email_phone_and_membership() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let door = app.anonymous(PUBLIC_HOST);
    let code = |body: serde_json::Value| {
        let reply = door.post(SYSTEM_LOGIN, &body);
        reply.code().to_owned()
    };
    let by_email = |email: &str| code(json!({"email": email, "password": PASSWORD}));
    let by_phone = |phone: &str| code(json!({"phone_number": phone, "password": PASSWORD}));
    let path = format!("users/{}/", school.teacher_id);
    let change = json!({"email": "new@greenwood.example", "phone_number": "+263772123456"});
    school.admin.patch(&path, &change).expect(200);
    assert_eq!(by_email("teacher@greenwood.example"), "invalid_credentials");
    assert_eq!(by_email("new@greenwood.example"), "school_user");
    assert_eq!(by_phone("00263 772 123 456"), "school_user");
    school
        .admin
        .patch(&path, &json!({"phone_number": null}))
        .expect(200);
    assert_eq!(by_phone("+263772123456"), "invalid_credentials");
    school.admin.delete(&path).expect(204);
    assert_eq!(by_email("new@greenwood.example"), "invalid_credentials");
}

#[test]
fn a_directory_entry_whose_delivery_was_lost_arrives_with_the_next_visit() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let door = app.anonymous(PUBLIC_HOST);
    app.lose_deferred(true);
    let change = json!({"email": "new@greenwood.example"});
    school
        .admin
        .patch(&format!("users/{}/", school.teacher_id), &change)
        .expect(200);
    app.lose_deferred(false);
    let login = json!({"email": "new@greenwood.example", "password": PASSWORD});
    assert_eq!(
        door.post(SYSTEM_LOGIN, &login).code(),
        "invalid_credentials"
    );
    app.visit_schools();
    assert_eq!(door.post(SYSTEM_LOGIN, &login).code(), "school_user");
}

#[test]
fn one_school_that_cannot_be_visited_does_not_keep_the_others_waiting() {
    let app = TestApp::new();
    let (first, second) = (app.school("greenwood"), app.school("riverside"));
    app.execute(&first.slot, "drop table outbox");
    app.lose_deferred(true);
    let change = json!({"email": "new@riverside.example"});
    second
        .admin
        .patch(&format!("users/{}/", second.teacher_id), &change)
        .expect(200);
    app.lose_deferred(false);
    let _ = app.try_visit_schools();
    assert_eq!(app.count(&second.slot, "select count(*) from outbox"), 0);
}

#[test]
fn a_person_of_several_schools_is_found_in_each() {
    let app = TestApp::new();
    let door = app.anonymous(PUBLIC_HOST);
    for (n, slug) in ["greenwood", "riverside", "lakeside"].iter().enumerate() {
        let school = app.school(slug);
        let password = format!("the password of {slug}");
        let body = json!({"email": "shared@people.example", "first_name": "A", "last_name": "B", "password": password});
        school.admin.post("users/", &body).expect(201);
        let login = json!({"email": "shared@people.example", "password": password});
        let reply = door
            .from(&format!("203.0.113.{n}"))
            .post(SYSTEM_LOGIN, &login);
        assert_eq!(error_of(&reply), (403, "school_user".into()), "{slug}");
    }
}

#[test]
fn the_right_school_password_clears_the_lock_as_a_sign_in_does() {
    let app = TestApp::new();
    let _school = app.school("greenwood");
    let door = app.anonymous(PUBLIC_HOST);
    let login = |password: &str| {
        door.post(
            SYSTEM_LOGIN,
            &json!({"email": "teacher@greenwood.example", "password": password}),
        )
        .status
    };
    for _ in 0..3 {
        assert_eq!(
            [
                login(OTHER_PASSWORD),
                login(OTHER_PASSWORD),
                login(PASSWORD)
            ],
            [401, 401, 403]
        );
    }
}

#[test]
fn locks_of_the_platform_and_of_a_school_are_separate() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let body = json!({"email": "teacher@greenwood.example", "password": OTHER_PASSWORD});
    for _ in 0..3 {
        let _ = school.anonymous().post("auth/login/", &body);
    }
    let _ = app
        .anonymous(PUBLIC_HOST)
        .post(SYSTEM_LOGIN, &body)
        .status(401);
    let other = app.school("riverside");
    let _ = other.anonymous().post("auth/login/", &body).status(401);
}

#[test]
fn schema_name_is_for_superadministrators_only() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let role = app
        .platform()
        .post("roles/", &json!({"name": "Support", "permissions": [1, 6]}))
        .status(201)
        .id();
    let body = json!({
        "email": "support@homeroom.example", "first_name": "S", "last_name": "T", "password": PASSWORD, "role_ids": [role],
    });
    app.platform().post("users/", &body).expect(201);
    let support = sign_in(&app.anonymous(PUBLIC_HOST), "support@homeroom.example");
    support.get("users/").expect(200);
    let named = support.with("x-schema-name", "greenwood");
    assert_eq!(
        error_of(&named.get("users/")),
        (403, "schema_name_not_allowed".into())
    );
    let at_school = named.base("/api/v1/school/");
    assert_eq!(
        error_of(&at_school.get("users/")),
        (403, "schema_name_not_allowed".into())
    );
    assert!(matches!(
        at_school.at(&school.host).get("users/").status,
        401 | 403
    ));

    let admin = app
        .platform()
        .with("x-schema-name", "greenwood")
        .base("/api/v1/school/");
    admin.get("users/").expect(200);
    assert_eq!(admin.get("auth/me/").code(), "no_account");
    let missing = app
        .platform()
        .with("x-schema-name", "atlantis")
        .base("/api/v1/school/");
    assert_eq!(missing.get("users/").status, 404);
}

#[test]
fn what_a_superadministrator_does_in_a_school_is_in_the_schools_audit_log() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let admin = app
        .platform()
        .with("x-schema-name", "greenwood")
        .base("/api/v1/school/");
    let created = admin
        .post("staff/", &json!({"staff_number": "T-1"}))
        .status(201);
    assert_eq!(
        created.json["created_by"],
        json!(null),
        "a platform user is no user of the school"
    );
    let line = school
        .admin
        .get(&format!("audit-logs/?record_id={}", created.id()))
        .status(200);
    let line = &line.results()[0];
    let me = app.platform().get("auth/me/").status(200).id();
    assert_eq!(
        (&line["actor_kind"], &line["actor"]),
        (&json!("platform_user"), &json!(me))
    );
    assert_eq!(line["actor_name"], "Ada Homeroom");
    school
        .admin
        .get(&format!("audit-logs/{}/", line["id"].as_str().unwrap()))
        .expect(200);
}

#[test]
fn a_superadministrator_who_only_reads_a_school_is_in_its_audit_log_too() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let visitor = app.platform().with("x-schema-name", "greenwood");
    let visitor = visitor
        .base("/api/v1/school/")
        .with("x-request-id", "a-visit");
    visitor.get("users/").expect(200);
    let lines = school
        .admin
        .get("audit-logs/?request_id=a-visit")
        .status(200);
    assert_eq!(lines.column("actor_kind"), ["platform_user"]);
}
