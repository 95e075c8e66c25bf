use homeroom_api_tests::PASSWORD;
use serde_json::{Value, json};

use super::{greenwood, login, person, refused, someone};

const NEW: &str = "staple of the day";

fn change(old: &str, new: &str) -> Value {
    json!({"old_password": old, "new_password": new})
}

#[test]
fn a_wrong_old_password_is_told_on_its_field_and_changes_nothing() {
    let (_, school) = greenwood();
    let reply = school
        .teacher
        .post("auth/change-password/", &change("wrong", NEW));
    insta::assert_json_snapshot!(reply.json, @r#"
    {
      "old_password": [
        "This is not your password."
      ]
    }
    "#);
    assert_eq!(reply.fields(), ["old_password"]);
    school.teacher.get("auth/me/").expect(200);
    login(&school.anonymous(), "teacher@greenwood.example", PASSWORD).expect(200);
}

#[test]
fn a_new_password_is_8_to_128_characters_and_none_of_the_most_common() {
    let (_, school) = greenwood();
    let long = "x".repeat(129);
    for bad in [
        "1234567",
        "password",
        "PASSWORD",
        "qwertyuiop",
        long.as_str(),
        "",
    ] {
        let reply = school
            .teacher
            .post("auth/change-password/", &change(PASSWORD, bad));
        assert_eq!(reply.fields(), ["new_password"], "{bad}");
        let mut user = person("chipo@greenwood.example");
        user["password"] = json!(bad);
        assert_eq!(
            school.admin.post("users/", &user).fields(),
            ["password"],
            "{bad}"
        );
    }
    let reply = school
        .teacher
        .post("auth/change-password/", &json!({"new_password": "short"}));
    assert_eq!(reply.fields(), ["new_password", "old_password"]);
    let same = school
        .teacher
        .post("auth/change-password/", &change(PASSWORD, PASSWORD));
    assert_eq!(same.fields(), ["new_password"]);
    let longest = "ž".repeat(128);
    school
        .teacher
        .post("auth/change-password/", &change(PASSWORD, &longest))
        .expect(200);
    login(&school.anonymous(), "teacher@greenwood.example", &longest).expect(200);
}

#[test]
fn a_change_ends_every_sign_in_and_the_answer_starts_a_new_one() {
    let (_, school) = greenwood();
    let email = "teacher@greenwood.example";
    let other = login(&school.anonymous(), email, PASSWORD).status(200);
    let reply = school
        .teacher
        .post("auth/change-password/", &change(PASSWORD, NEW))
        .status(200);
    insta::assert_json_snapshot!(reply.shape(), @r#"
    {
      "access": "[access]",
      "refresh": "[refresh]"
    }
    "#);
    for token in [school.teacher.token(), &other.str("access")] {
        refused(
            &school.anonymous().bearer(token).get("auth/me/"),
            401,
            "not_authenticated",
        );
    }
    let refresh = |token: &str| {
        school
            .anonymous()
            .post("auth/refresh/", &json!({"refresh": token}))
            .status
    };
    assert_eq!(refresh(&other.str("refresh")), 401);
    assert_eq!(refresh(&reply.str("refresh")), 200);
    school
        .anonymous()
        .bearer(&reply.str("access"))
        .get("auth/me/")
        .expect(200);
    login(&school.anonymous(), email, PASSWORD).expect(401);
    login(&school.anonymous(), email, NEW).expect(200);
}

#[test]
fn a_user_created_without_a_password_gets_a_temporary_one_and_must_change_it() {
    let (_, school) = greenwood();
    let body = json!({
        "email": "chipo@greenwood.example", "first_name": "Chipo", "last_name": "Dube",
        "role_ids": [school.role("Administrator")],
    });
    let created = school.admin.post("users/", &body).status(201);
    let temporary = created.str("temporary_password");
    assert_eq!(created.json["must_change_password"], true);
    assert!(
        !school
            .admin
            .get(&format!("users/{}/", created.id()))
            .text
            .contains("temporary_password")
    );

    let signed_in = login(&school.anonymous(), "chipo@greenwood.example", &temporary).status(200);
    assert_eq!(signed_in.json["user"]["must_change_password"], true);
    let client = school.anonymous().bearer(&signed_in.str("access"));
    client.get("auth/me/").expect(200);
    for path in [
        "users/",
        "staff/",
        "roles/",
        "audit-logs/",
        "user-role-assignments/",
    ] {
        refused(&client.get(path), 403, "password_change_required");
    }
    refused(
        &client.post("users/", &person("x@greenwood.example")),
        403,
        "password_change_required",
    );
    let refreshed = school.anonymous().post(
        "auth/refresh/",
        &json!({"refresh": signed_in.str("refresh")}),
    );
    let client = school
        .anonymous()
        .bearer(&refreshed.status(200).str("access"));
    refused(&client.get("users/"), 403, "password_change_required");

    let pair = client
        .post("auth/change-password/", &change(&temporary, NEW))
        .status(200);
    let client = school.anonymous().bearer(&pair.str("access"));
    client.get("users/").expect(200);
    assert_eq!(
        client.get("auth/me/").status(200).json["must_change_password"],
        false
    );
}

#[test]
fn a_temporary_password_is_temporary_even_if_the_body_says_otherwise() {
    let (_, school) = greenwood();
    let mut body = person("chipo@greenwood.example");
    body.as_object_mut().unwrap().remove("password");
    body["must_change_password"] = json!(false);
    assert_eq!(
        school.admin.post("users/", &body).status(201).json["must_change_password"],
        true
    );
}

#[test]
fn a_password_set_by_an_administrator_ends_every_sign_in_and_can_be_marked_for_change() {
    let (_, school) = greenwood();
    let (client, id) = someone(&school, "chipo@greenwood.example", &["Head teacher"]);
    let set = json!({"password": NEW, "must_change_password": true});
    school
        .admin
        .patch(&format!("users/{id}/"), &set)
        .expect(200);
    refused(&client.get("users/"), 401, "not_authenticated");
    let access = login(&school.anonymous(), "chipo@greenwood.example", NEW)
        .status(200)
        .str("access");
    refused(
        &school.anonymous().bearer(&access).get("users/"),
        403,
        "password_change_required",
    );
}
