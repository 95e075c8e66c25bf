use serde_json::{Value, json};

use super::{greenwood, refused, someone};

#[test]
fn a_new_role_is_answered_with_the_record_and_its_address() {
    let (_, school) = greenwood();
    let body = json!({
        "name": "Form tutor", "description": "Looks after a form.", "parent_role": school.role("Teacher"),
        "permission_codenames": ["school.view_user", "school.view_role", "school.view_user"],
    });
    let reply = school.admin.post("roles/", &body).status(201);
    insta::assert_json_snapshot!(reply.shape(), @r#"
    {
      "created_at": "[time]",
      "description": "Looks after a form.",
      "id": "[id]",
      "is_builtin": false,
      "name": "Form tutor",
      "parent_role": "[id]",
      "permission_codenames": [
        "school.view_user",
        "school.view_role"
      ],
      "updated_at": "[time]"
    }
    "#);
    assert_eq!(
        reply.header("location"),
        format!("/api/v1/school/roles/{}/", reply.id())
    );
    assert_eq!(
        school.admin.get(reply.header("location")).status(200).json,
        reply.json
    );
}

#[test]
fn a_school_begins_with_its_roles() {
    let (_, school) = greenwood();
    insta::assert_json_snapshot!(school.admin.get("roles/").status(200).column("name"), @r#"
    [
      "Administrator",
      "Guardian",
      "Head teacher",
      "Office",
      "Student",
      "Teacher"
    ]
    "#);
}

#[test]
fn a_role_inherits_from_all_its_ancestors() {
    let (_, school) = greenwood();
    let tutor = json!({"name": "Tutor", "parent_role": school.role("Teacher"), "permission_codenames": ["school.view_role"]});
    let tutor = school.admin.post("roles/", &tutor).status(201).id();
    let lead =
        json!({"name": "Lead", "parent_role": tutor, "permission_codenames": ["school.view_user"]});
    school.admin.post("roles/", &lead).expect(201);
    let (client, _) = someone(&school, "chipo@greenwood.example", &["Lead"]);
    let own = client.get("auth/permissions/").status(200);
    let inherited = school.teacher.get("auth/permissions/").status(200);
    let mut expected: Vec<Value> = inherited.json["permissions"].as_array().unwrap().clone();
    expected.extend([json!("school.view_user"), json!("school.view_role")]);
    let order = |names: &mut Vec<Value>| names.sort_by_key(ToString::to_string);
    let mut own: Vec<Value> = own.json["permissions"].as_array().unwrap().clone();
    order(&mut own);
    order(&mut expected);
    assert_eq!(own, expected);
    client.get("staff/").expect(200);
    // What an ancestor loses, its heirs lose.
    let less = json!({"permission_codenames": []});
    school
        .admin
        .patch(&format!("roles/{tutor}/"), &less)
        .expect(200);
    refused(&client.get("roles/"), 403, "permission_denied");
    school
        .admin
        .patch(&format!("roles/{tutor}/"), &json!({"parent_role": null}))
        .expect(200);
    refused(&client.get("staff/"), 403, "permission_denied");
    client.get("users/").expect(200);
}

#[test]
fn inheritance_has_no_cycles() {
    let (_, school) = greenwood();
    let a = school.new_role("A", &[]);
    let b = school
        .admin
        .post("roles/", &json!({"name": "B", "parent_role": a}))
        .status(201)
        .id();
    let c = school
        .admin
        .post("roles/", &json!({"name": "C", "parent_role": b}))
        .status(201)
        .id();
    for (role, parent) in [(&a, &a), (&a, &b), (&a, &c), (&b, &c)] {
        let reply = school
            .admin
            .patch(&format!("roles/{role}/"), &json!({"parent_role": parent}));
        assert_eq!(reply.fields(), ["parent_role"]);
        let reply = school.admin.put(
            &format!("roles/{role}/"),
            &json!({"name": "X", "parent_role": parent}),
        );
        assert_eq!(reply.fields(), ["parent_role"]);
    }
    assert_eq!(
        school
            .admin
            .get(&format!("roles/{a}/"))
            .status(200)
            .str("name"),
        "A"
    );
}

#[test]
fn a_cycle_cannot_be_closed_from_both_ends_at_once() {
    let (app, school) = greenwood();
    let (a, b) = (school.new_role("A", &[]), school.new_role("B", &[]));
    let request = |role: &str, parent: &str| {
        school.admin.request(
            &http::Method::PATCH,
            &format!("roles/{role}/"),
            Some(&json!({"parent_role": parent})),
        )
    };
    let replies = app.run_together(vec![request(&a, &b), request(&b, &a)]);
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
}

#[test]
fn put_empties_what_it_leaves_out_and_patch_keeps_it() {
    let (_, school) = greenwood();
    let body = json!({
        "name": "Tutor", "description": "D", "parent_role": school.role("Teacher"),
        "permission_codenames": ["school.view_user"],
    });
    let path = format!(
        "roles/{}/",
        school.admin.post("roles/", &body).status(201).id()
    );
    let patched = school
        .admin
        .patch(&path, &json!({"name": "Mentor"}))
        .status(200);
    assert_eq!(
        (patched.str("name"), patched.str("description")),
        ("Mentor".to_owned(), "D".to_owned())
    );
    assert_eq!(
        patched.json["permission_codenames"],
        json!(["school.view_user"])
    );
    let put = school
        .admin
        .put(&path, &json!({"name": "Mentor"}))
        .status(200);
    assert_eq!(
        (&put.json["parent_role"], &put.json["permission_codenames"]),
        (&json!(null), &json!([]))
    );
    assert_eq!(put.str("description"), "");
}

#[test]
fn a_role_names_what_exists() {
    let (_, school) = greenwood();
    let body = json!({
        "name": "", "description": "x".repeat(501), "parent_role": "Teacher",
        "permission_codenames": ["school.fly_dragon"], "is_admin": true,
    });
    let reply = school.admin.post("roles/", &body);
    insta::assert_json_snapshot!(reply.json, @r#"
    {
      "description": [
        "Ensure this field has no more than 500 characters."
      ],
      "is_admin": [
        "There is no such field."
      ],
      "name": [
        "This field may not be blank."
      ],
      "parent_role": [
        "Must be a valid UUID."
      ],
      "permission_codenames": [
        "Item 1: There is no permission school.fly_dragon."
      ]
    }
    "#);
    assert_eq!(reply.status, 400);
    for codename in ["*", "school.*", "system.view_school", ""] {
        let body = json!({"name": "X", "permission_codenames": [codename]});
        assert_eq!(
            school.admin.post("roles/", &body).fields(),
            ["permission_codenames"],
            "{codename}"
        );
    }
    let body = json!({"name": "X", "parent_role": "01900000-0000-7000-8000-00000000dead"});
    assert_eq!(school.admin.post("roles/", &body).fields(), ["parent_role"]);
    assert_eq!(
        school
            .admin
            .post("roles/", &json!({"name": "Teacher"}))
            .fields(),
        ["name"]
    );
}

#[test]
fn the_administrators_role_stays_as_it_is() {
    let (_, school) = greenwood();
    let path = format!("roles/{}/", school.role("Administrator"));
    for reply in [
        school
            .admin
            .patch(&path, &json!({"permission_codenames": []})),
        school.admin.patch(&path, &json!({"name": "Boss"})),
        school.admin.put(&path, &json!({"name": "Administrator"})),
        school.admin.delete(&path),
    ] {
        refused(&reply, 409, "builtin_role");
    }
}

#[test]
fn a_role_in_use_cannot_be_deleted() {
    let (_, school) = greenwood();
    refused(
        &school
            .admin
            .delete(&format!("roles/{}/", school.role("Teacher"))),
        409,
        "in_use",
    );
    let parent = school.new_role("Parent", &[]);
    let child = school
        .admin
        .post("roles/", &json!({"name": "Child", "parent_role": parent}))
        .status(201)
        .id();
    refused(
        &school.admin.delete(&format!("roles/{parent}/")),
        409,
        "in_use",
    );
    let (_, holder) = someone(&school, "chipo@greenwood.example", &["Child"]);
    let reply = school.admin.delete(&format!("roles/{child}/"));
    insta::assert_json_snapshot!(reply.json, @r#"
    {
      "code": "in_use",
      "detail": "Other records refer to this one, or one that it refers to is gone. Change or delete those first."
    }
    "#);
    refused(&reply, 409, "in_use");
    school
        .admin
        .patch(&format!("users/{holder}/"), &json!({"role_ids": []}))
        .expect(200);
    school.admin.delete(&format!("roles/{child}/")).expect(204);
    school.admin.delete(&format!("roles/{parent}/")).expect(204);
    refused(
        &school.admin.get(&format!("roles/{parent}/")),
        404,
        "not_found",
    );
}

#[test]
fn nobody_puts_into_a_role_what_they_lack() {
    let (_, school) = greenwood();
    let client = school.user_who_may(&[
        "school.view_role",
        "school.add_role",
        "school.change_role",
        "school.delete_role",
    ]);
    let more = json!(["school.delete_user"]);
    refused(
        &client.post(
            "roles/",
            &json!({"name": "X", "permission_codenames": more}),
        ),
        403,
        "cannot_grant",
    );
    for parent in ["Administrator", "Head teacher", "Teacher"] {
        let body = json!({"name": "X", "parent_role": school.role(parent)});
        refused(&client.post("roles/", &body), 403, "cannot_grant");
    }
    let own = client
        .post(
            "roles/",
            &json!({"name": "X", "permission_codenames": ["school.view_role"]}),
        )
        .status(201)
        .id();
    let path = format!("roles/{own}/");
    refused(
        &client.patch(&path, &json!({"permission_codenames": more})),
        403,
        "cannot_grant",
    );
    refused(
        &client.patch(&path, &json!({"parent_role": school.role("Teacher")})),
        403,
        "cannot_grant",
    );
    // Nor may they take away from others what they lack.
    refused(
        &client.patch(
            &format!("roles/{}/", school.role("Office")),
            &json!({"name": "Y"}),
        ),
        403,
        "cannot_grant",
    );
    let stronger = school.new_role("Stronger", &["school.delete_user"]);
    refused(
        &client.delete(&format!("roles/{stronger}/")),
        403,
        "cannot_grant",
    );
    client.delete(&path).expect(204);
}

#[test]
fn nobody_cuts_a_role_off_from_a_parent_whose_permissions_they_lack() {
    let (_, school) = greenwood();
    let client = school.user_who_may(&["school.view_role", "school.change_role"]);
    let heir = school.admin.post(
        "roles/",
        &json!({"name": "Heir", "parent_role": school.role("Teacher")}),
    );
    let path = format!("roles/{}/", heir.status(201).id());
    refused(
        &client.patch(&path, &json!({"parent_role": null})),
        403,
        "cannot_grant",
    );
    refused(
        &client.put(&path, &json!({"name": "Heir"})),
        403,
        "cannot_grant",
    );
}

#[test]
fn roles_of_another_school_are_not_found() {
    let (app, school) = greenwood();
    let other = app.school("oakhill").role("Teacher");
    for reply in [
        school.admin.get(&format!("roles/{other}/")),
        school
            .admin
            .patch(&format!("roles/{other}/"), &json!({"name": "X"})),
        school.admin.delete(&format!("roles/{other}/")),
    ] {
        refused(&reply, 404, "not_found");
    }
}

#[test]
fn the_permissions_that_exist_are_listed_on_one_page() {
    let (_, school) = greenwood();
    let reply = school.teacher.get("permissions/").status(200);
    assert_eq!(
        (&reply.json["next"], &reply.json["previous"]),
        (&json!(null), &json!(null))
    );
    insta::assert_json_snapshot!(reply.results()[0], @r#"
    {
      "codename": "school.view_user",
      "id": 101,
      "name": "View users"
    }
    "#);
}
