use homeroom_api_tests::{TestApp, samples::user_body};
use insta::assert_json_snapshot;
use serde_json::json;

use crate::pinned;

#[test]
fn a_platform_user_has_no_school() {
    let app = TestApp::new();
    let reply = app.platform().post("users/", &user_body(1)).status(201);
    assert_json_snapshot!(pinned(&reply), @r#"
    {
      "body": {
        "client": null,
        "created_at": "[time]",
        "created_by": "[id]",
        "email": "user-1@people.example",
        "first_name": "Tariro",
        "id": "[id]",
        "is_active": true,
        "last_login_at": null,
        "last_name": "Moyo 1",
        "must_change_password": false,
        "phone_number": null,
        "roles": [],
        "teacher_profile": null,
        "updated_at": "[time]"
      },
      "status": 201
    }
    "#);
}

#[test]
fn a_platform_user_has_no_staff_record() {
    let app = TestApp::new();
    let mut body = user_body(1);
    body["client"] = json!("01890000-0000-7000-8000-000000000000");
    let created = app.platform().post("users/", &body).status(201);
    assert_eq!(
        created.json["client"],
        json!(null),
        "a platform user belongs to no school"
    );
}
