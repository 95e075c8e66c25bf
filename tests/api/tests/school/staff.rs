use serde_json::json;

use super::{greenwood, person, refused};

#[test]
fn a_new_member_of_staff_is_answered_with_the_record_and_its_address() {
    let (_, school) = greenwood();
    let body = json!({
        "user": school.teacher_id, "staff_number": " T-017 ", "title": "Mrs", "position": "Teacher",
        "department": "Mathematics", "hired_on": "2024-09-01",
    });
    let reply = school.admin.post("staff/", &body).status(201);
    insta::assert_json_snapshot!(reply.shape(), @r#"
    {
      "created_at": "[time]",
      "created_by": "[id]",
      "department": "Mathematics",
      "hired_on": "2024-09-01",
      "id": "[id]",
      "is_active": true,
      "name": "Mrs Tendai Teacher",
      "position": "Teacher",
      "staff_number": "T-017",
      "title": "Mrs",
      "updated_at": "[time]",
      "user": "[id]",
      "warnings": []
    }
    "#);
    assert_eq!(
        reply.header("location"),
        format!("/api/v1/school/staff/{}/", reply.id())
    );
    let mut read = school.admin.get(reply.header("location")).status(200).json;
    read["warnings"] = json!([]);
    assert_eq!(read, reply.json);
    let me = school.teacher.get("auth/me/").status(200);
    assert_eq!(me.str("teacher_profile/id"), reply.id());
}

#[test]
fn staff_of_the_same_name_are_created_with_a_warning() {
    let (_, school) = greenwood();
    let new = |number: &str, user: Option<&str>| {
        let body = json!({"staff_number": number, "title": "Mrs", "user": user});
        school.admin.post("staff/", &body).status(201).json["warnings"].clone()
    };
    let namesake = |email: &str, first: &str| {
        let body = json!({"email": email, "first_name": first, "last_name": "TEACHER"});
        school.admin.post("users/", &body).status(201).id()
    };
    assert_eq!(new("T-1", Some(&school.teacher_id)), json!([]));
    let twin = namesake("twin@greenwood.example", "tendai");
    let said = "Mrs tendai TEACHER (T-1) has the same name: perhaps it is the same person.";
    assert_eq!(new("T-2", Some(&twin)), json!([said]));
    let other = namesake("other@greenwood.example", "Rudo");
    assert_eq!(new("T-3", Some(&other)), json!([]));
    assert_eq!(new("T-4", None), json!([]));
}

#[test]
fn put_empties_what_it_leaves_out_and_patch_keeps_it() {
    let (_, school) = greenwood();
    let body = json!({
        "user": school.teacher_id, "staff_number": "T-1", "title": "Mr", "hired_on": "2024-09-01", "is_active": false,
    });
    let path = format!(
        "staff/{}/",
        school.admin.post("staff/", &body).status(201).id()
    );
    let patched = school
        .admin
        .patch(&path, &json!({"position": "Librarian"}))
        .status(200);
    assert_eq!(
        (patched.str("title"), patched.str("user")),
        ("Mr".to_owned(), school.teacher_id.clone())
    );
    assert_eq!(patched.json["is_active"], false);
    let put = school
        .admin
        .put(&path, &json!({"staff_number": "T-2"}))
        .status(200);
    assert_eq!(
        (put.str("title"), put.str("position")),
        (String::new(), String::new())
    );
    assert_eq!(
        (&put.json["user"], &put.json["hired_on"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(put.json["is_active"], true);
    assert_eq!(
        school.admin.put(&path, &json!({"title": "Mr"})).fields(),
        ["staff_number"]
    );
    let mut again = school.admin.put(&path, &put.json).status(200).json;
    again["updated_at"] = put.json["updated_at"].clone();
    assert_eq!(again, put.json);
}

#[test]
fn a_staff_number_belongs_to_one_person() {
    let (_, school) = greenwood();
    school
        .admin
        .post("staff/", &json!({"staff_number": "T-1"}))
        .expect(201);
    assert_eq!(
        school
            .admin
            .post("staff/", &json!({"staff_number": "T-1"}))
            .fields(),
        ["staff_number"]
    );
    let second = school
        .admin
        .post("staff/", &json!({"staff_number": "T-2"}))
        .status(201)
        .id();
    let reply = school
        .admin
        .patch(&format!("staff/{second}/"), &json!({"staff_number": "T-1"}));
    insta::assert_json_snapshot!(reply.json, @r#"
    {
      "staff_number": [
        "A member of staff with this number already exists."
      ]
    }
    "#);
    assert_eq!(reply.fields(), ["staff_number"]);
}

#[test]
fn a_user_is_one_member_of_staff_of_the_same_school() {
    let (app, school) = greenwood();
    let other = app.school("oakhill");
    let linked = json!({"staff_number": "T-1", "user": school.teacher_id});
    let id = school.admin.post("staff/", &linked).status(201).id();
    let twice = json!({"staff_number": "T-2", "user": school.teacher_id});
    assert_eq!(school.admin.post("staff/", &twice).fields(), ["user"]);
    for nobody in [
        other.teacher_id.as_str(),
        "01900000-0000-7000-8000-00000000dead",
        "no id",
    ] {
        let body = json!({"staff_number": "T-2", "user": nobody});
        assert_eq!(
            school.admin.post("staff/", &body).fields(),
            ["user"],
            "{nobody}"
        );
        assert_eq!(
            school.admin.patch(&format!("staff/{id}/"), &body).fields(),
            ["user"],
            "{nobody}"
        );
    }
    let gone = school
        .admin
        .post("users/", &person("gone@greenwood.example"))
        .status(201)
        .id();
    school.admin.delete(&format!("users/{gone}/")).expect(204);
    assert_eq!(
        school
            .admin
            .post("staff/", &json!({"staff_number": "T-2", "user": gone}))
            .fields(),
        ["user"]
    );
    school
        .admin
        .patch(&format!("staff/{id}/"), &json!({"user": null}))
        .expect(200);
    school.admin.post("staff/", &twice).expect(201);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let (_, school) = greenwood();
    let body = json!({
        "user": 7, "staff_number": "x".repeat(51), "title": null, "position": "x".repeat(101), "department": [],
        "hired_on": "2024-02-30", "is_active": "perhaps", "salary": 1,
    });
    let reply = school.admin.post("staff/", &body);
    insta::assert_json_snapshot!(reply.json, @r#"
    {
      "department": [
        "Not a valid string."
      ],
      "hired_on": [
        "Use the form 2026-01-31."
      ],
      "is_active": [
        "Must be a valid boolean."
      ],
      "position": [
        "Ensure this field has no more than 100 characters."
      ],
      "salary": [
        "There is no such field."
      ],
      "staff_number": [
        "Ensure this field has no more than 50 characters."
      ],
      "title": [
        "This field may not be null."
      ],
      "user": [
        "Must be a valid UUID."
      ]
    }
    "#);
    assert_eq!(reply.status, 400);
}

#[test]
fn a_deleted_record_is_gone_and_its_number_free() {
    let (_, school) = greenwood();
    let id = school
        .admin
        .post(
            "staff/",
            &json!({"staff_number": "T-1", "user": school.teacher_id}),
        )
        .status(201)
        .id();
    school.admin.delete(&format!("staff/{id}/")).expect(204);
    refused(&school.admin.get(&format!("staff/{id}/")), 404, "not_found");
    refused(
        &school.admin.delete(&format!("staff/{id}/")),
        404,
        "not_found",
    );
    school
        .admin
        .post(
            "staff/",
            &json!({"staff_number": "T-1", "user": school.teacher_id}),
        )
        .expect(201);
}

#[test]
fn each_action_needs_its_own_permission() {
    let (_, school) = greenwood();
    let path = format!(
        "staff/{}/",
        school
            .admin
            .post("staff/", &json!({"staff_number": "T-1"}))
            .status(201)
            .id()
    );
    school.teacher.get("staff/").expect(200);
    school.teacher.get(&path).expect(200);
    let body = json!({"staff_number": "T-2"});
    for reply in [
        school.teacher.post("staff/", &body),
        school.teacher.put(&path, &body),
        school.teacher.patch(&path, &body),
        school.teacher.delete(&path),
    ] {
        refused(&reply, 403, "permission_denied");
    }
    let (denied, detail) = (school.teacher.delete(&path), "school.delete_staff");
    assert!(denied.str("detail").contains(detail), "{}", denied.text);
}

#[test]
fn staff_are_searched_by_their_users_names_and_filtered() {
    let (_, school) = greenwood();
    for (number, user, department) in [
        ("T-1", json!(school.teacher_id), "Science"),
        ("T-2", json!(null), "Arts"),
    ] {
        let body = json!({"staff_number": number, "user": user, "department": department});
        school.admin.post("staff/", &body).expect(201);
    }
    let numbers = |query: &str| {
        school
            .admin
            .get(&format!("staff/?{query}"))
            .status(200)
            .column("staff_number")
    };
    assert_eq!(numbers("search=tendai"), ["T-1"]);
    assert_eq!(numbers("department=Arts"), ["T-2"]);
    assert_eq!(numbers(&format!("user={}", school.teacher_id)), ["T-1"]);
    assert_eq!(
        numbers("is_active=true&ordering=-staff_number"),
        ["T-2", "T-1"]
    );
    assert_eq!(
        school
            .admin
            .get("staff/?user=x&salary=1&is_active=maybe")
            .fields(),
        ["is_active", "salary", "user"]
    );
}

#[test]
fn a_member_of_staff_is_called_by_the_title_with_the_users_names_or_with_the_number() {
    let (_, school) = greenwood();
    let name = |body: serde_json::Value| {
        let reply = school.admin.post("staff/", &body).status(201);
        let found = school.admin.get(reply.header("location")).status(200);
        assert_eq!(found.json["name"], reply.json["name"]);
        reply.str("name")
    };
    assert_eq!(name(json!({"staff_number": "T-1"})), "T-1");
    let head = json!({"staff_number": "T-2", "position": "Head"});
    assert_eq!(name(head), "T-2");
    let titled = json!({"staff_number": "T-3", "title": "Mrs", "position": "Head"});
    assert_eq!(name(titled), "Mrs T-3");
    let user = json!({"staff_number": "T-4", "title": "Mr", "user": school.teacher_id});
    let reply = school.admin.post("staff/", &user).status(201);
    assert_eq!(reply.str("name"), "Mr Tendai Teacher");
    let path = format!("staff/{}/", reply.id());
    // It cannot be set, and follows the user.
    let sent = school
        .admin
        .patch(&path, &json!({"name": "Nobody"}))
        .status(200);
    assert_eq!(sent.str("name"), "Mr Tendai Teacher");
    let renamed = json!({"first_name": "Tafadzwa"});
    school
        .admin
        .patch(&format!("users/{}/", school.teacher_id), &renamed)
        .expect(200);
    assert_eq!(
        school.admin.get(&path).status(200).str("name"),
        "Mr Tafadzwa Teacher"
    );
    let alone = school.admin.patch(&path, &json!({"user": null}));
    assert_eq!(alone.status(200).str("name"), "Mr T-4");
    let again = school
        .admin
        .patch(&path, &json!({"user": school.teacher_id}));
    assert_eq!(again.status(200).str("name"), "Mr Tafadzwa Teacher");
    let list = school
        .admin
        .get("staff/?ordering=-staff_number")
        .status(200);
    assert_eq!(
        list.column("name"),
        ["Mr Tafadzwa Teacher", "Mrs T-3", "T-2", "T-1"]
    );
}
