use homeroom_api_tests::{Reply, School};
use http::Method;
use serde_json::{Value, json};

use super::{
    greenwood,
    making::{admit, students},
    refused, someone,
};

fn guardian(school: &School, more: &Value) -> Reply {
    let mut body = json!({"first_name": "Chipo", "last_name": "Moyo"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    school.admin.post("guardians/", &body)
}

fn link(school: &School, student: &str, body: &Value) -> Reply {
    school
        .admin
        .post(&format!("students/{student}/guardians/"), body)
}

#[test]
fn a_new_guardian_is_answered_with_what_was_agreed_to() {
    let (_, school) = greenwood();
    let body = json!({
        "phone_number": "+263 77 123 4567", "email": "Chipo@People.example", "consent": {"sms": true},
    });
    let reply = guardian(&school, &body).status(201);
    insta::assert_json_snapshot!(reply.shape(), @r#"
    {
      "consent": {
        "email": false,
        "sms": true,
        "whatsapp": false
      },
      "created_at": "[time]",
      "created_by": "[id]",
      "email": "chipo@people.example",
      "first_name": "Chipo",
      "id": "[id]",
      "last_name": "Moyo",
      "phone_number": "+263771234567",
      "updated_at": "[time]",
      "user": null,
      "warnings": []
    }
    "#);
    let mut found = school.admin.get(reply.header("location")).status(200).json;
    found["warnings"] = json!([]);
    assert_eq!(found, reply.json);
}

#[test]
fn a_guardian_can_be_reached() {
    let (_, school) = greenwood();
    assert_eq!(guardian(&school, &json!({})).fields(), ["non_field_errors"]);
    let phone = json!({"phone_number": "+263771234567"});
    let id = guardian(&school, &phone).status(201).id();
    let path = format!("guardians/{id}/");
    let emptied = school.admin.patch(&path, &json!({"phone_number": null}));
    assert_eq!(emptied.fields(), ["non_field_errors"]);
    let instead = json!({"phone_number": null, "email": "chipo@people.example"});
    school.admin.patch(&path, &instead).expect(200);
}

#[test]
fn a_phone_number_and_an_email_belong_to_one_guardian() {
    let (_, school) = greenwood();
    let both = json!({"phone_number": "+263771234567", "email": "chipo@people.example"});
    guardian(&school, &both).expect(201);
    let phone = guardian(&school, &json!({"phone_number": "+263 77 123 4567"}));
    assert_eq!(
        (phone.status, phone.fields()),
        (400, vec!["phone_number".to_owned()])
    );
    let email = guardian(&school, &json!({"email": "CHIPO@people.example"}));
    assert_eq!(
        (email.status, email.fields()),
        (400, vec!["email".to_owned()])
    );
}

#[test]
fn a_guardian_of_the_same_name_is_created_with_a_warning() {
    let (_, school) = greenwood();
    let first = guardian(&school, &json!({"phone_number": "+263771234567"})).status(201);
    assert_eq!(first.json["warnings"], json!([]));
    let again = json!({"first_name": "CHIPO", "email": "chipo@people.example"});
    let again = guardian(&school, &again).status(201);
    let said = "Chipo Moyo (+263771234567) has the same name: perhaps it is the same person.";
    assert_eq!(again.json["warnings"], json!([said]));
    let other = json!({"first_name": "Rudo", "email": "rudo@people.example"});
    let other = guardian(&school, &other).status(201);
    assert_eq!(other.json["warnings"], json!([]));
    let path = format!("guardians/{}/", again.id());
    let read = school.admin.get(&path).status(200);
    assert!(read.json.get("warnings").is_none(), "{}", read.text);
}

#[test]
fn patch_changes_the_channels_that_it_names_and_put_all_of_them() {
    let (_, school) = greenwood();
    let body = json!({"phone_number": "+263771234567", "consent": {"sms": true, "email": true}});
    let path = format!("guardians/{}/", guardian(&school, &body).status(201).id());
    let patched = school.admin.patch(
        &path,
        &json!({"consent": {"whatsapp": true, "email": false}}),
    );
    assert_eq!(
        patched.status(200).json["consent"],
        json!({"sms": true, "whatsapp": true, "email": false})
    );
    let whole = json!({
        "first_name": "Chipo", "last_name": "Moyo", "phone_number": "+263771234567", "consent": {"email": true},
    });
    let put = school.admin.put(&path, &whole).status(200);
    assert_eq!(
        put.json["consent"],
        json!({"sms": false, "whatsapp": false, "email": true})
    );
    assert_eq!(school.admin.get(&path).status(200).json, put.json);
    let fax = school
        .admin
        .patch(&path, &json!({"consent": {"fax": true}}));
    assert_eq!(fax.fields(), ["consent"]);
}

#[test]
fn guardians_are_searched_by_names_and_by_how_they_are_reached() {
    let (_, school) = greenwood();
    guardian(&school, &json!({"phone_number": "+263771234567"})).expect(201);
    guardian(
        &school,
        &json!({"first_name": "Tinashe", "email": "t@people.example"}),
    )
    .expect(201);
    let names = |query: &str| {
        let reply = school.admin.get(&format!("guardians/?{query}")).status(200);
        reply.column("first_name")
    };
    assert_eq!(names("search=chipo+moyo"), ["Chipo"]);
    assert_eq!(names("search=77123"), ["Chipo"]);
    assert_eq!(names("email=t@people.example"), ["Tinashe"]);
    assert_eq!(names("phone_number=%2B263771234567"), ["Chipo"]);
    assert_eq!(names("ordering=-first_name"), ["Tinashe", "Chipo"]);
}

#[test]
fn a_student_has_guardians_and_the_answer_says_how_to_reach_them() {
    let (_, school) = greenwood();
    let student = students(&school, 1).remove(0);
    let body = json!({"phone_number": "+263771234567", "consent": {"sms": true}});
    let chipo = guardian(&school, &body).status(201).id();
    let body = json!({"guardian": chipo, "relation": "mother", "is_primary": true});
    let reply = link(&school, &student, &body).status(201);
    insta::assert_json_snapshot!(reply.shape(), @r#"
    {
      "consent": {
        "email": false,
        "sms": true,
        "whatsapp": false
      },
      "created_at": "[time]",
      "created_by": "[id]",
      "email": null,
      "guardian": "[id]",
      "guardian_name": "Chipo Moyo",
      "id": "[id]",
      "is_primary": true,
      "phone_number": "+263771234567",
      "relation": "mother",
      "student": "[id]",
      "updated_at": "[time]"
    }
    "#);
    assert_eq!(reply.str("student"), student);
    let path = format!("students/{student}/guardians/");
    let list = school.admin.get(&path).status(200);
    assert_eq!(list.results(), &vec![reply.json.clone()]);
    let changed = school.admin.patch(
        &format!("{path}{}/", reply.id()),
        &json!({"relation": "aunt"}),
    );
    assert_eq!(changed.status(200).str("relation"), "aunt");
    // What is shown is the guardian's own.
    let number = json!({"phone_number": "+263770000000"});
    school
        .admin
        .patch(&format!("guardians/{chipo}/"), &number)
        .expect(200);
    let found = school.admin.get(&format!("{path}{}/", reply.id()));
    assert_eq!(found.status(200).str("phone_number"), "+263770000000");
}

#[test]
fn a_student_has_a_guardian_once_and_only_those_that_exist() {
    let (_, school) = greenwood();
    let student = students(&school, 1).remove(0);
    let phone = json!({"phone_number": "+263771234567"});
    let chipo = guardian(&school, &phone).status(201).id();
    let body = json!({"guardian": chipo, "relation": "mother"});
    let id = link(&school, &student, &body).status(201).id();
    let twice = link(&school, &student, &body);
    assert_eq!(
        (twice.status, twice.fields()),
        (400, vec!["guardian".to_owned()])
    );
    let nobody = "01900000-0000-7000-8000-00000000dead";
    let unknown = link(
        &school,
        &student,
        &json!({"guardian": nobody, "relation": "x"}),
    );
    assert_eq!(unknown.fields(), ["guardian"]);
    refused(&link(&school, nobody, &body), 404, "not_found");
    // A link is found at its own student only.
    let other = admit(&school, &json!({})).status(201).id();
    let elsewhere = format!("students/{other}/guardians/{id}/");
    refused(&school.admin.get(&elsewhere), 404, "not_found");
    refused(&school.admin.delete(&elsewhere), 404, "not_found");
}

#[test]
fn one_guardian_of_a_student_is_called_first() {
    let (app, school) = greenwood();
    let all = students(&school, 2);
    let guardians: Vec<String> = (0..3)
        .map(|n| {
            let phone = json!({"phone_number": format!("+26377000000{n}")});
            guardian(&school, &phone).status(201).id()
        })
        .collect();
    let body =
        |guardian: &String| json!({"guardian": guardian, "relation": "parent", "is_primary": true});
    let elsewhere = link(&school, &all[1], &body(&guardians[0])).status(201);
    let first = link(&school, &all[0], &body(&guardians[0])).status(201);
    let second = link(&school, &all[0], &body(&guardians[1])).status(201);
    let path = format!("students/{}/guardians/", all[0]);
    let primary = || {
        let list = school.admin.get(&format!("{path}?is_primary=true"));
        list.status(200).column("id")
    };
    assert_eq!(primary(), [second.id()]);
    let back = json!({"is_primary": true});
    school
        .admin
        .patch(&format!("{path}{}/", first.id()), &back)
        .expect(200);
    assert_eq!(primary(), [first.id()]);
    let other = format!("students/{}/guardians/{}/", all[1], elsewhere.id());
    assert_eq!(
        school.admin.get(&other).status(200).json["is_primary"],
        true
    );
    // Of several at once, one.
    let third = link(
        &school,
        &all[0],
        &json!({"guardian": guardians[2], "relation": "aunt"}),
    );
    let third = third.status(201).id();
    let requests = [first.id(), second.id(), third].map(|id| {
        let one = format!("{path}{id}/");
        school.admin.request(&Method::PATCH, &one, Some(&back))
    });
    for reply in app.run_together(Vec::from(requests)) {
        assert!([200, 409].contains(&reply.status), "{}", reply.text);
    }
    assert_eq!(primary().len(), 1);
}

#[test]
fn a_guardians_students_are_listed_with_what_the_guardian_is_to_them() {
    let (_, school) = greenwood();
    let all = students(&school, 3);
    let phone = json!({"phone_number": "+263771234567"});
    let chipo = guardian(&school, &phone).status(201).id();
    for (student, relation) in all.iter().zip(["mother", "aunt"]) {
        link(
            &school,
            student,
            &json!({"guardian": chipo, "relation": relation}),
        )
        .expect(201);
    }
    let path = format!("guardians/{chipo}/students/");
    let reply = school.admin.get(&path).status(200);
    insta::assert_json_snapshot!(reply.shape()["results"][0], @r#"
    {
      "enrolment": "active",
      "id": "[id]",
      "is_primary": false,
      "relation": "mother",
      "student": "[id]",
      "student_id": "2026-0001",
      "student_name": "Pupil 0 Moyo"
    }
    "#);
    assert_eq!(reply.column("student"), all[..2]);
    assert_eq!(reply.column("relation"), ["mother", "aunt"]);
    let one = school
        .admin
        .get(&format!("{path}?search=pupil+0002"))
        .status(200);
    assert_eq!(one.column("student"), all[1..2]);
    refused(
        &school
            .admin
            .get("guardians/01900000-0000-7000-8000-00000000dead/students/"),
        404,
        "not_found",
    );
}

#[test]
fn a_guardian_of_students_is_in_use_and_so_is_a_student_with_guardians() {
    let (_, school) = greenwood();
    let student = students(&school, 1).remove(0);
    let phone = json!({"phone_number": "+263771234567"});
    let chipo = guardian(&school, &phone).status(201).id();
    let body = json!({"guardian": chipo, "relation": "mother"});
    let id = link(&school, &student, &body).status(201).id();
    let (guardian, admission) = (
        format!("guardians/{chipo}/"),
        format!("admissions/{student}/"),
    );
    refused(&school.admin.delete(&guardian), 409, "in_use");
    refused(&school.admin.delete(&admission), 409, "in_use");
    school
        .admin
        .delete(&format!("students/{student}/guardians/{id}/"))
        .expect(204);
    school.admin.delete(&guardian).expect(204);
    school.admin.delete(&admission).expect(204);
}

#[test]
fn a_user_is_one_guardian() {
    let (_, school) = greenwood();
    let (_, user) = someone(&school, "chipo@greenwood.example", &[]);
    let body = |n: u8| json!({"phone_number": format!("+26377000000{n}"), "user": user});
    guardian(&school, &body(1)).expect(201);
    assert_eq!(guardian(&school, &body(2)).fields(), ["user"]);
}

#[test]
fn accounts_are_linked_by_who_may_change_users_and_never_to_oneself() {
    let (_, school) = greenwood();
    let [first, second] = students(&school, 2).try_into().unwrap();
    let (office, own) = someone(&school, "office@greenwood.example", &["Office"]);
    let (_, mother) = someone(&school, "mother@greenwood.example", &["Guardian"]);
    let phone = |n: u32| format!("+26377123456{n}");
    let hers = guardian(&school, &json!({"phone_number": phone(1)}))
        .status(201)
        .id();
    let hers = format!("guardians/{hers}/");
    let student = format!("admissions/{first}/");

    let new = json!({"first_name": "A", "last_name": "B", "admission_year": 2026, "user": own});
    for reply in [
        office.post("admissions/", &new),
        office.patch(&student, &json!({"user": own})),
        office.patch(&hers, &json!({"user": own})),
        office.post(
            "guardians/",
            &json!({"first_name": "A", "last_name": "B", "phone_number": phone(2), "user": own}),
        ),
    ] {
        refused(&reply, 409, "own_account");
    }
    for path in [&student, &hers] {
        office.patch(path, &json!({"user": mother})).expect(200);
    }

    let clerk = school.user_who_may(&["school.change_admission", "school.change_guardian"]);
    for path in [&student, &hers] {
        clerk
            .patch(path, &json!({"user": mother, "first_name": "C"}))
            .expect(200);
        clerk.patch(path, &json!({"user": null})).expect(200);
        let reply = clerk.patch(path, &json!({"user": mother}));
        refused(&reply, 403, "permission_denied");
        assert!(reply.text.contains("school.change_user"), "{}", reply.text);
    }

    // Who sees all cards gains nothing by it.
    let admin = json!({"user": school.admin_id});
    school.admin.patch(&student, &admin).expect(200);

    // Who is a guardian of the school and works there has the own children from somebody else.
    let me = guardian(&school, &json!({"phone_number": phone(3), "user": own}))
        .status(201)
        .id();
    let body = json!({"guardian": me, "relation": "uncle"});
    let path = format!("students/{first}/guardians/");
    refused(&office.post(&path, &body), 409, "own_account");
    let other = guardian(&school, &json!({"phone_number": phone(4)}))
        .status(201)
        .id();
    let body = json!({"guardian": other, "relation": "aunt"});
    let link_id = office.post(&path, &body).status(201).id();
    let moved = office.patch(&format!("{path}{link_id}/"), &json!({"guardian": me}));
    refused(&moved, 409, "own_account");
    let own_child = link(
        &school,
        &second,
        &json!({"guardian": me, "relation": "uncle"}),
    )
    .status(201)
    .id();
    let path = format!("students/{second}/guardians/{own_child}/");
    office
        .patch(&path, &json!({"relation": "father"}))
        .expect(200);
    office.delete(&path).expect(204);
}
