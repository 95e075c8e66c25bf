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
      "117 school.view_audit_log"
    ]
    "#);
}
