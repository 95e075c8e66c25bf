use serde_json::json;

use super::{greenwood, key_for, person, refused, someone};

#[test]
fn an_assignment_gives_a_role_and_its_end_takes_it() {
    let (_, school) = greenwood();
    let (client, id) = someone(&school, "chipo@greenwood.example", &[]);
    refused(&client.get("users/"), 403, "permission_denied");
    let body = json!({"user": id, "role": school.role("Head teacher")});
    let reply = school
        .admin
        .post("user-role-assignments/", &body)
        .status(201);
    insta::assert_json_snapshot!(reply.shape(), @r#"
    {
      "created_at": "[time]",
      "created_by": "[id]",
      "id": "[id]",
      "role": "[id]",
      "user": "[id]"
    }
    "#);
    assert_eq!(
        reply.header("location"),
        format!("/api/v1/school/user-role-assignments/{}/", reply.id())
    );
    assert_eq!(
        school.admin.get(reply.header("location")).status(200).json,
        reply.json
    );
    client.get("users/").expect(200);
    assert_eq!(
        client.get("auth/me/").status(200).str("roles/0/name"),
        "Head teacher"
    );
    school.admin.delete(reply.header("location")).expect(204);
    refused(&client.get("users/"), 403, "permission_denied");
    refused(
        &school.admin.get(reply.header("location")),
        404,
        "not_found",
    );
}

#[test]
fn an_assignment_names_a_user_and_a_role_of_this_school() {
    let (app, school) = greenwood();
    let other = app.school("oakhill");
    let path = "user-role-assignments/";
    assert_eq!(
        school.admin.post(path, &json!({"since": "now"})).fields(),
        ["role", "since", "user"]
    );
    let body = json!({"user": other.teacher_id, "role": school.role("Office")});
    assert_eq!(school.admin.post(path, &body).fields(), ["user"]);
    let body = json!({"user": school.teacher_id, "role": other.role("Office")});
    assert_eq!(school.admin.post(path, &body).fields(), ["role"]);
    let body = json!({"user": school.teacher_id, "role": school.role("Teacher")});
    assert_eq!(
        school.admin.post(path, &body).fields(),
        ["non_field_errors"]
    );
    let gone = school
        .admin
        .post("users/", &person("gone@greenwood.example"))
        .status(201)
        .id();
    school.admin.delete(&format!("users/{gone}/")).expect(204);
    let body = json!({"user": gone, "role": school.role("Teacher")});
    assert_eq!(school.admin.post(path, &body).fields(), ["user"]);
}

#[test]
fn an_assignment_can_be_replaced_and_changed() {
    let (_, school) = greenwood();
    let (client, id) = someone(&school, "chipo@greenwood.example", &["Teacher"]);
    let found = school
        .admin
        .get(&format!("user-role-assignments/?user={id}"))
        .status(200);
    let path = format!("user-role-assignments/{}/", found.str("results/0/id"));
    let patched = school
        .admin
        .patch(&path, &json!({"role": school.role("Office")}))
        .status(200);
    assert_eq!(
        (patched.str("user"), patched.str("role")),
        (id.clone(), school.role("Office"))
    );
    client.get("users/").expect(200);
    assert_eq!(
        school
            .admin
            .put(&path, &json!({"role": school.role("Office")}))
            .fields(),
        ["user"]
    );
    let put = json!({"user": school.teacher_id, "role": school.role("Office")});
    school.admin.put(&path, &put).expect(200);
    refused(&client.get("users/"), 403, "permission_denied");
    school.teacher.get("users/").expect(200);
}

#[test]
fn nobody_gives_or_takes_a_role_that_allows_what_they_lack() {
    let (_, school) = greenwood();
    let verbs = ["view", "add", "change", "delete"];
    let codenames = verbs.map(|verb| format!("school.{verb}_user_role_assignment"));
    let mut held: Vec<&str> = codenames.iter().map(String::as_str).collect();
    held.push("school.view_notice");
    let _ = school.new_role("Assigner", &held);
    let (client, _) = someone(&school, "assigner@greenwood.example", &["Assigner"]);
    let path = "user-role-assignments/";
    let me = client.get("auth/me/").status(200).id();
    for role in ["Administrator", "Head teacher", "Teacher"] {
        refused(
            &client.post(path, &json!({"user": me, "role": school.role(role)})),
            403,
            "cannot_grant",
        );
    }
    let teachers = format!("{path}?role={}", school.role("Teacher"));
    let theirs = format!(
        "{path}{}/",
        client.get(&teachers).status(200).str("results/0/id")
    );
    refused(&client.delete(&theirs), 403, "cannot_grant");
    refused(
        &client.patch(&theirs, &json!({"role": school.role("Student")})),
        403,
        "cannot_grant",
    );
    let harmless = json!({"user": me, "role": school.role("Student")});
    let mine = format!("{path}{}/", client.post(path, &harmless).status(201).id());
    refused(
        &client.patch(&mine, &json!({"role": school.role("Administrator")})),
        403,
        "cannot_grant",
    );
    client.delete(&mine).expect(204);
}

#[test]
fn the_last_administrators_assignment_stays() {
    let (app, school) = greenwood();
    let key = key_for(&app, &school, &["school.*", "chatbot.*"]);
    let found = key
        .get(&format!(
            "user-role-assignments/?role={}",
            school.role("Administrator")
        ))
        .status(200);
    let path = format!("user-role-assignments/{}/", found.str("results/0/id"));
    for client in [&key, &school.admin] {
        refused(&client.delete(&path), 409, "last_administrator");
        refused(
            &client.patch(&path, &json!({"role": school.role("Teacher")})),
            409,
            "last_administrator",
        );
    }
    let (_, idle) = someone(&school, "idle@greenwood.example", &[]);
    school
        .admin
        .patch(&format!("users/{idle}/"), &json!({"is_active": false}))
        .expect(200);
    refused(
        &key.patch(&path, &json!({"user": idle})),
        409,
        "last_administrator",
    );
    // To somebody who can sign in, the role can be handed over.
    let (heir, id) = someone(&school, "heir@greenwood.example", &[]);
    key.patch(&path, &json!({"user": id})).expect(200);
    heir.get("roles/").expect(200);
    refused(&school.admin.get("roles/"), 403, "permission_denied");
    app.assert_sound();
}

#[test]
fn assignments_are_filtered_and_not_searched() {
    let (_, school) = greenwood();
    let of_teacher = school
        .admin
        .get(&format!(
            "user-role-assignments/?user={}",
            school.teacher_id
        ))
        .status(200);
    assert_eq!(of_teacher.json["count"], 1);
    assert_eq!(
        school
            .admin
            .get("user-role-assignments/?search=x&user=1")
            .fields(),
        ["search", "user"]
    );
}
