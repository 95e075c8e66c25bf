use http::Method;
use serde_json::{Value, json};

use super::{greenwood, key_for, person};

#[test]
fn a_change_is_logged_with_from_and_to_actor_address_and_request() {
    let (_, school) = greenwood();
    let id = school
        .admin
        .post("users/", &person("chipo@greenwood.example"))
        .status(201)
        .id();
    let admin = school
        .admin
        .from("203.0.113.9")
        .with("x-request-id", "req-42");
    admin
        .patch(
            &format!("users/{id}/"),
            &json!({"last_name": "Moyo", "first_name": "Chipo"}),
        )
        .expect(200);
    let found = school
        .admin
        .get("audit-logs/?request_id=req-42")
        .status(200);
    insta::assert_json_snapshot!(found.shape(), @r#"
    {
      "count": 1,
      "next": null,
      "previous": null,
      "results": [
        {
          "action": "UPDATE",
          "actor": "[id]",
          "actor_kind": "user",
          "actor_name": "Rudo Ncube",
          "changes": {
            "last_name": {
              "from": "Dube",
              "to": "Moyo"
            }
          },
          "id": "[id]",
          "ip_address": "203.0.113.9",
          "record_id": "[id]",
          "request_id": "[request_id]",
          "table_name": "users",
          "timestamp": "[time]"
        }
      ]
    }
    "#);
    let row = &found.results()[0];
    assert_eq!(
        (&row["actor"], &row["record_id"]),
        (&json!(school.admin_id), &json!(id))
    );
    let one = school
        .admin
        .get(&format!("audit-logs/{}/", found.str("results/0/id")))
        .status(200);
    assert_eq!(&one.json, row);
}

#[test]
fn creation_and_deletion_are_logged_from_and_to_nothing() {
    let (_, school) = greenwood();
    let staff = school
        .admin
        .post("staff/", &json!({"staff_number": "T-1", "title": "Mr"}))
        .status(201)
        .id();
    school.admin.delete(&format!("staff/{staff}/")).expect(204);
    let rows = school
        .admin
        .get(&format!("audit-logs/?record_id={staff}&ordering=timestamp"))
        .status(200);
    assert_eq!(rows.column("action"), ["CREATE", "DELETE"]);
    assert_eq!(
        rows.results()[0]["changes"]["title"],
        json!({"from": null, "to": "Mr"})
    );
    assert_eq!(
        rows.results()[1]["changes"]["title"],
        json!({"from": "Mr", "to": null})
    );
}

#[test]
fn every_kind_of_change_leaves_a_line() {
    let (app, school) = greenwood();
    let admin = &school.admin;
    let lines = || app.count(&school.slot, "select count(*) from audit_logs");
    let mut known = lines();
    let mut grew = |what: &str| {
        let now = lines();
        assert!(now > known, "{what} left no line");
        known = now;
    };
    let user = admin
        .post("users/", &person("chipo@greenwood.example"))
        .status(201)
        .id();
    grew("a new user");
    let role = school.new_role("R", &[]);
    grew("a new role");
    admin
        .patch(
            &format!("roles/{role}/"),
            &json!({"permission_codenames": ["school.view_user"]}),
        )
        .expect(200);
    grew("a changed role");
    let held = admin
        .post(
            "user-role-assignments/",
            &json!({"user": user, "role": role}),
        )
        .status(201)
        .id();
    grew("a new assignment");
    admin
        .delete(&format!("user-role-assignments/{held}/"))
        .expect(204);
    grew("an assignment that ended");
    admin.delete(&format!("roles/{role}/")).expect(204);
    grew("a deleted role");
    admin
        .patch(
            &format!("users/{user}/"),
            &json!({"teacher_profile": {"staff_number": "T-1"}}),
        )
        .expect(200);
    grew("a changed user");
    admin.delete(&format!("users/{user}/")).expect(204);
    grew("a deleted user");
    let change =
        json!({"old_password": homeroom_api_tests::PASSWORD, "new_password": "another good one"});
    school
        .teacher
        .post("auth/change-password/", &change)
        .expect(200);
    grew("a changed password");
}

#[test]
fn a_password_that_somebody_sets_is_logged_as_such() {
    let (_, school) = greenwood();
    let path = format!("users/{}/", school.teacher_id);
    let admin = school.admin.with("x-request-id", "reset");
    admin
        .patch(&path, &json!({"password": "another good one"}))
        .expect(200);
    let rows = school.admin.get("audit-logs/?request_id=reset").status(200);
    assert!(
        !rows.results()[0]["changes"]["password"].is_null(),
        "{}",
        rows.text
    );
}

#[test]
fn a_request_that_fails_leaves_no_line() {
    let (app, school) = greenwood();
    let before = app.count(&school.slot, "select count(*) from audit_logs");
    school
        .admin
        .post("users/", &person("teacher@greenwood.example"))
        .expect(400);
    school
        .admin
        .patch(
            &format!("users/{}/", school.admin_id),
            &json!({"role_ids": []}),
        )
        .expect(409);
    school
        .teacher
        .post("users/", &person("x@greenwood.example"))
        .expect(403);
    assert_eq!(
        app.count(&school.slot, "select count(*) from audit_logs"),
        before
    );
}

#[test]
fn keys_and_platform_users_are_named_as_such() {
    let (app, school) = greenwood();
    let key = key_for(&app, &school, &["school.*"]);
    key.with("x-request-id", "by-key")
        .post("staff/", &json!({"staff_number": "K-1"}))
        .expect(201);
    let visitor = app
        .platform()
        .base("/api/v1/school/")
        .with("x-schema-name", "greenwood");
    let made = visitor
        .with("x-request-id", "by-visitor")
        .post("staff/", &json!({"staff_number": "V-1"}))
        .status(201);
    assert_eq!(made.json["created_by"], Value::Null);
    let line = |request: &str| {
        let found = school
            .admin
            .get(&format!("audit-logs/?request_id={request}"))
            .status(200);
        (
            found.str("results/0/actor_kind"),
            found.str("results/0/actor_name"),
        )
    };
    assert_eq!(line("by-key"), ("api_key".to_owned(), "Chatbot".to_owned()));
    assert_eq!(
        line("by-visitor"),
        ("platform_user".to_owned(), "Ada Homeroom".to_owned())
    );
    let shown = school
        .admin
        .get("audit-logs/?actor_kind=api_key")
        .status(200);
    let prefix_free = key.token().split('_').nth(3).unwrap();
    assert!(
        !shown.text.contains(prefix_free),
        "the log shows a key's secret"
    );
}

#[test]
fn the_log_is_filtered_searched_and_ordered() {
    let (_, school) = greenwood();
    school
        .admin
        .post("staff/", &json!({"staff_number": "ZZ-9"}))
        .expect(201);
    let get = |query: &str| {
        school
            .admin
            .get(&format!("audit-logs/?{query}"))
            .status(200)
    };
    assert_eq!(get("table_name=staff").column("action"), ["CREATE"]);
    assert_eq!(get("search=zz-9").json["count"], 1);
    assert!(
        get("action=CREATE")
            .column("action")
            .iter()
            .all(|action| action == "CREATE")
    );
    assert_eq!(get("action=create").json["count"], 0);
    assert!(get(&format!("actor={}", school.admin_id)).json["count"].as_i64() > Some(1));
    let newest = get("page_size=100").column("timestamp");
    let mut oldest = get("page_size=100&ordering=timestamp").column("timestamp");
    oldest.reverse();
    assert_eq!(newest, oldest);
    assert_eq!(
        school
            .admin
            .get("audit-logs/?ordering=ip_address&changes=x")
            .fields(),
        ["changes", "ordering"]
    );
}

#[test]
fn the_log_is_read_only() {
    let (_, school) = greenwood();
    let id = school
        .admin
        .get("audit-logs/")
        .status(200)
        .str("results/0/id");
    let body = json!({"action": "DELETE"});
    for (path, methods) in [
        (
            "audit-logs/".to_owned(),
            vec![Method::POST, Method::PUT, Method::PATCH, Method::DELETE],
        ),
        (
            format!("audit-logs/{id}/"),
            vec![Method::POST, Method::PUT, Method::PATCH, Method::DELETE],
        ),
    ] {
        for method in methods {
            let reply = school.admin.send(&method, &path, Some(&body));
            super::refused(&reply, 405, "method_not_allowed");
            assert_eq!(reply.header("allow"), "GET,HEAD");
            assert_eq!(reply.json["code"], "method_not_allowed");
        }
    }
}

#[test]
fn another_schools_lines_are_not_found() {
    let (app, school) = greenwood();
    let other = app.school("oakhill");
    let id = other
        .admin
        .get("audit-logs/")
        .status(200)
        .str("results/0/id");
    super::refused(
        &school.admin.get(&format!("audit-logs/{id}/")),
        404,
        "not_found",
    );
    super::refused(&school.teacher.get("audit-logs/"), 403, "permission_denied");
}
