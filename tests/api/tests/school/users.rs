use homeroom_api_tests::PASSWORD;
use serde_json::json;

use super::{greenwood, key_for, login, person, refused, someone};

fn teacher(number: &str) -> serde_json::Value {
    let mut body = person("chipo@greenwood.example");
    body["teacher_profile"] =
        json!({"staff_number": number, "title": "Mrs", "department": "Mathematics"});
    body
}

#[test]
fn a_new_user_is_answered_with_the_record_and_its_address() {
    let (_, school) = greenwood();
    let mut body = teacher("T-1");
    body["email"] = json!(" Chipo@Greenwood.Example ");
    body["phone_number"] = json!("00263 77 212 3456");
    body["role_ids"] = json!([school.role("Teacher"), school.role("Teacher")]);
    let reply = school.admin.post("users/", &body).status(201);
    insta::assert_json_snapshot!(reply.shape(), @r#"
    {
      "client": "[id]",
      "created_at": "[time]",
      "created_by": "[id]",
      "email": "chipo@greenwood.example",
      "first_name": "Chipo",
      "id": "[id]",
      "is_active": true,
      "last_login_at": null,
      "last_name": "Dube",
      "must_change_password": false,
      "phone_number": "+263772123456",
      "roles": [
        {
          "id": "[id]",
          "name": "Teacher"
        }
      ],
      "teacher_profile": {
        "department": "Mathematics",
        "hired_on": null,
        "id": "[id]",
        "position": "",
        "staff_number": "T-1",
        "title": "Mrs"
      },
      "updated_at": "[time]"
    }
    "#);
    assert_eq!(
        reply.header("location"),
        format!("/api/v1/school/users/{}/", reply.id())
    );
    assert_eq!(reply.str("created_by"), school.admin_id);
    assert_eq!(reply.str("client"), school.id);
    let found = school.admin.get(reply.header("location")).status(200);
    assert_eq!(found.json, reply.json);
    assert_eq!(
        school
            .admin
            .get(reply.header("location").trim_end_matches('/'))
            .status(200)
            .json,
        reply.json
    );
}

#[test]
fn put_empties_what_it_leaves_out_and_patch_keeps_it() {
    let (_, school) = greenwood();
    let mut body = teacher("T-1");
    body["phone_number"] = json!("+263772123456");
    body["is_active"] = json!(false);
    let path = format!(
        "users/{}/",
        school.admin.post("users/", &body).status(201).id()
    );
    let patched = school
        .admin
        .patch(&path, &json!({"last_name": "Moyo"}))
        .status(200);
    assert_eq!(patched.str("phone_number"), "+263772123456");
    assert_eq!(patched.str("last_name"), "Moyo");
    assert_eq!(patched.json["is_active"], false);
    let short =
        json!({"email": "other@greenwood.example", "first_name": "Chipo", "last_name": "Moyo"});
    let put = school.admin.put(&path, &short).status(200);
    assert_eq!(put.json["phone_number"], json!(null));
    assert_eq!(put.str("email"), "other@greenwood.example");
    assert_eq!(put.json["is_active"], true);
    assert_eq!(
        school
            .admin
            .put(&path, &json!({"email": "other@greenwood.example"}))
            .fields(),
        ["first_name", "last_name"]
    );
    assert_eq!(school.admin.get(&path).status(200).json, put.json);
}

#[test]
fn a_record_can_be_sent_back_as_it_was_read() {
    let (_, school) = greenwood();
    let mut body = teacher("T-1");
    body["role_ids"] = json!([school.role("Teacher")]);
    let path = format!(
        "users/{}/",
        school.admin.post("users/", &body).status(201).id()
    );
    let read = school.admin.get(&path).status(200);
    let mut put = school.admin.put(&path, &read.json).status(200).json;
    put["updated_at"] = read.json["updated_at"].clone();
    assert_eq!(put, read.json);
}

#[test]
fn an_identifier_cannot_be_taken_twice_or_taken_away() {
    let (_, school) = greenwood();
    let mut body = person("chipo@greenwood.example");
    body["phone_number"] = json!("+263772123456");
    let first = school.admin.post("users/", &body).status(201).id();
    let taken = school
        .admin
        .post("users/", &person("CHIPO@greenwood.example"));
    insta::assert_json_snapshot!(taken.json, @r#"
    {
      "email": [
        "A user with this email already exists."
      ]
    }
    "#);
    assert_eq!(taken.fields(), ["email"]);
    let mut other = person("other@greenwood.example");
    other["phone_number"] = json!("00263 77 2123456");
    assert_eq!(
        school.admin.post("users/", &other).fields(),
        ["phone_number"]
    );
    other["phone_number"] = json!(null);
    let second = school.admin.post("users/", &other).status(201).id();
    let reply = school.admin.patch(
        &format!("users/{second}/"),
        &json!({"email": "chipo@greenwood.example"}),
    );
    assert_eq!(reply.fields(), ["email"]);
    let reply = school
        .admin
        .patch(&format!("users/{second}/"), &json!({"email": null}));
    assert_eq!(reply.fields(), ["non_field_errors"]);
    let reply = school
        .admin
        .patch(&format!("users/{first}/"), &json!({"email": ""}))
        .status(200);
    assert_eq!(reply.json["email"], json!(null));
    let nobody = json!({"first_name": "A", "last_name": "B", "password": PASSWORD});
    assert_eq!(
        school.admin.post("users/", &nobody).fields(),
        ["non_field_errors"]
    );
}

#[test]
fn a_role_that_does_not_exist_is_refused_on_the_field() {
    let (app, school) = greenwood();
    let other = app.school("oakhill");
    for role in [
        "01900000-0000-7000-8000-00000000dead",
        &other.role("Teacher"),
    ] {
        let mut body = person("chipo@greenwood.example");
        body["role_ids"] = json!([school.role("Teacher"), role]);
        assert_eq!(school.admin.post("users/", &body).fields(), ["role_ids"]);
    }
    let mut body = person("chipo@greenwood.example");
    body["role_ids"] = json!(["Teacher"]);
    assert_eq!(school.admin.post("users/", &body).fields(), ["role_ids"]);
    body["role_ids"] = json!(vec!["01900000-0000-7000-8000-00000000dead"; 33]);
    assert_eq!(school.admin.post("users/", &body).fields(), ["role_ids"]);
    assert_eq!(
        school
            .admin
            .get("users/?email=chipo@greenwood.example")
            .status(200)
            .json["count"],
        0
    );
}

#[test]
fn a_teacher_profile_is_made_changed_and_kept() {
    let (_, school) = greenwood();
    let id = school
        .admin
        .post("users/", &person("chipo@greenwood.example"))
        .status(201)
        .id();
    let path = format!("users/{id}/");
    let made = school
        .admin
        .patch(&path, &json!({"teacher_profile": {"staff_number": "T-9"}}))
        .status(200);
    let staff = made.str("teacher_profile/id");
    let changed =
        json!({"teacher_profile": {"staff_number": "T-10", "position": "Head of department"}});
    let changed = school.admin.patch(&path, &changed).status(200);
    assert_eq!(changed.str("teacher_profile/id"), staff);
    assert_eq!(changed.str("teacher_profile/staff_number"), "T-10");
    let kept = school
        .admin
        .patch(&path, &json!({"teacher_profile": null, "first_name": "C"}))
        .status(200);
    assert_eq!(
        kept.json["teacher_profile"],
        changed.json["teacher_profile"]
    );
    let record = school.admin.get(&format!("staff/{staff}/")).status(200);
    assert_eq!(
        (record.str("user"), record.str("staff_number")),
        (id, "T-10".to_owned())
    );
}

#[test]
fn mistakes_in_a_teacher_profile_are_named_with_it() {
    let (_, school) = greenwood();
    let mut body = teacher("T-1");
    body["teacher_profile"] = json!({"hired_on": "yesterday", "colour": "red"});
    assert_eq!(
        school.admin.post("users/", &body).fields(),
        [
            "teacher_profile.colour",
            "teacher_profile.hired_on",
            "teacher_profile.staff_number"
        ]
    );
    body["teacher_profile"] = json!("T-1");
    assert_eq!(
        school.admin.post("users/", &body).fields(),
        ["teacher_profile"]
    );
    school
        .admin
        .post("staff/", &json!({"staff_number": "T-1"}))
        .expect(201);
    assert_eq!(
        school.admin.post("users/", &teacher("T-1")).fields(),
        ["teacher_profile.staff_number"]
    );
    assert_eq!(
        school
            .admin
            .get("users/?email=chipo@greenwood.example")
            .status(200)
            .json["count"],
        0
    );
    let id = school
        .admin
        .post("users/", &person("chipo@greenwood.example"))
        .status(201)
        .id();
    let patch = json!({"teacher_profile": {"staff_number": "T-1"}});
    assert_eq!(
        school.admin.patch(&format!("users/{id}/"), &patch).fields(),
        ["teacher_profile.staff_number"]
    );
}

#[test]
fn a_teacher_profile_needs_the_permissions_of_staff() {
    let (_, school) = greenwood();
    let without =
        school.user_who_may(&["school.view_user", "school.add_user", "school.change_user"]);
    refused(
        &without.post("users/", &teacher("T-1")),
        403,
        "permission_denied",
    );
    let id = without
        .post("users/", &person("chipo@greenwood.example"))
        .status(201)
        .id();
    let patch = json!({"teacher_profile": {"staff_number": "T-1"}});
    refused(
        &without.patch(&format!("users/{id}/"), &patch),
        403,
        "permission_denied",
    );
    let changes = school.user_who_may(&["school.change_user", "school.change_staff"]);
    refused(
        &changes.patch(&format!("users/{id}/"), &patch),
        403,
        "permission_denied",
    );
    school
        .admin
        .patch(&format!("users/{id}/"), &patch)
        .expect(200);
    let patch = json!({"teacher_profile": {"staff_number": "T-2"}});
    changes.patch(&format!("users/{id}/"), &patch).expect(200);
    let adds = school.user_who_may(&["school.change_user", "school.add_staff"]);
    refused(
        &adds.patch(&format!("users/{id}/"), &patch),
        403,
        "permission_denied",
    );
}

#[test]
fn a_deleted_user_is_gone_and_the_address_is_free() {
    let (app, school) = greenwood();
    let mut body = person("chipo@greenwood.example");
    body["phone_number"] = json!("+263772123456");
    let first = school.admin.post("users/", &body).status(201).id();
    let reply = school.admin.delete(&format!("users/{first}/")).status(204);
    assert_eq!(reply.text, "");
    for reply in [
        school.admin.get(&format!("users/{first}/")),
        school
            .admin
            .patch(&format!("users/{first}/"), &json!({"first_name": "X"})),
        school.admin.delete(&format!("users/{first}/")),
    ] {
        refused(&reply, 404, "not_found");
    }
    assert_eq!(
        app.count(
            &school.slot,
            &format!("select count(*) from users where id = '{first}'")
        ),
        1
    );
    let second = school.admin.post("users/", &body).status(201).id();
    assert_ne!(first, second);
    login(&school.anonymous(), "chipo@greenwood.example", PASSWORD).expect(200);
}

#[test]
fn another_schools_user_is_not_found() {
    let (app, school) = greenwood();
    let other = app.school("oakhill");
    let path = format!("users/{}/", other.teacher_id);
    for reply in [
        school.admin.get(&path),
        school.admin.put(&path, &person("x@greenwood.example")),
        school.admin.patch(&path, &json!({"first_name": "X"})),
        school.admin.delete(&path),
        school.admin.get("users/not-an-id/"),
        school.admin.get("users/%ff/"),
    ] {
        refused(&reply, 404, "not_found");
    }
}

#[test]
fn who_may_do_less_cannot_touch_who_may_do_more() {
    let (_, school) = greenwood();
    let clerk = school.user_who_may(&[
        "school.view_user",
        "school.add_user",
        "school.change_user",
        "school.delete_user",
        "school.view_notice",
    ]);
    let path = format!("users/{}/", school.admin_id);
    for reply in [
        clerk.patch(&path, &json!({"password": "a new one for me"})),
        clerk.patch(&path, &json!({"email": "mine@greenwood.example"})),
        clerk.patch(&path, &json!({"role_ids": []})),
        clerk.put(&path, &person("mine@greenwood.example")),
        clerk.delete(&path),
    ] {
        refused(&reply, 403, "cannot_grant");
    }
    let (_, pupil) = someone(&school, "pupil@greenwood.example", &["Student"]);
    clerk
        .patch(&format!("users/{pupil}/"), &json!({"first_name": "New"}))
        .expect(200);
    let grant = json!({"role_ids": [school.role("Head teacher")]});
    refused(
        &clerk.patch(&format!("users/{pupil}/"), &grant),
        403,
        "cannot_grant",
    );
    let mut body = person("new@greenwood.example");
    body["role_ids"] = grant["role_ids"].clone();
    refused(&clerk.post("users/", &body), 403, "cannot_grant");
    assert_eq!(
        school
            .admin
            .get("users/?email=new@greenwood.example")
            .status(200)
            .json["count"],
        0
    );
}

#[test]
fn nobody_takes_the_own_account_out_of_action() {
    let (_, school) = greenwood();
    let (second, id) = someone(&school, "second@greenwood.example", &["Administrator"]);
    let path = format!("users/{id}/");
    refused(
        &second.patch(&path, &json!({"is_active": false})),
        409,
        "own_account",
    );
    refused(&second.delete(&path), 409, "own_account");
}

#[test]
fn the_last_administrator_stays_whoever_tries() {
    let (app, school) = greenwood();
    let path = format!("users/{}/", school.admin_id);
    let visitor = app
        .platform()
        .base("/api/v1/school/")
        .with("x-schema-name", "greenwood");
    let key = key_for(&app, &school, &["school.*", "chatbot.*"]);
    // An administrator who is not active does not count.
    let (_, idle) = someone(&school, "idle@greenwood.example", &["Administrator"]);
    school
        .admin
        .patch(&format!("users/{idle}/"), &json!({"is_active": false}))
        .expect(200);
    let teacher = json!({"role_ids": [school.role("Teacher")]});
    for client in [&visitor, &key, &school.admin] {
        refused(
            &client.patch(&path, &json!({"role_ids": []})),
            409,
            "last_administrator",
        );
        refused(&client.patch(&path, &teacher), 409, "last_administrator");
    }
    for client in [&visitor, &key] {
        let reply = client.patch(&path, &json!({"is_active": false}));
        insta::allow_duplicates! { insta::assert_json_snapshot!(reply.json, @r#"
        {
          "code": "last_administrator",
          "detail": "This would leave nobody who can administer. Make somebody else an administrator first."
        }
        "#); }
        refused(&reply, 409, "last_administrator");
        refused(&client.delete(&path), 409, "last_administrator");
    }
    let mut put = person("admin@greenwood.example");
    put["role_ids"] = json!([]);
    refused(&school.admin.put(&path, &put), 409, "last_administrator");
    app.assert_sound();
    school.admin.get("users/").expect(200);
}

#[test]
fn of_two_administrators_who_remove_each_other_at_once_one_stays() {
    let (app, school) = greenwood();
    let (second, id) = someone(&school, "second@greenwood.example", &["Administrator"]);
    let replies = app.run_together(vec![
        school
            .admin
            .request(&http::Method::DELETE, &format!("users/{id}/"), None),
        second.request(
            &http::Method::DELETE,
            &format!("users/{}/", school.admin_id),
            None,
        ),
    ]);
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    app.assert_sound();
}

#[test]
fn of_two_changes_at_once_one_is_told_to_repeat() {
    let (_, school) = greenwood();
    let id = school
        .admin
        .post("users/", &person("chipo@greenwood.example"))
        .status(201)
        .id();
    let body = json!({"first_name": "Once"});
    let replies = school.admin.together(
        3,
        &http::Method::PATCH,
        &format!("users/{id}/"),
        Some(&body),
    );
    let done = replies.iter().filter(|reply| reply.status == 200).count();
    let meanwhile = replies
        .iter()
        .filter(|reply| reply.code() == "changed_meanwhile")
        .count();
    assert!(done >= 1 && done + meanwhile == 3, "{replies:?}");
}
