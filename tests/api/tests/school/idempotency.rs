use http::Method;
use serde_json::json;

use super::{greenwood, key_for, person, refused};

const REPLAYED: &str = "idempotent-replayed";

#[test]
fn the_same_key_and_body_get_the_stored_answer() {
    let (_, school) = greenwood();
    let mut body = person("chipo@greenwood.example");
    body.as_object_mut().unwrap().remove("password");
    let first = school.admin.key("k-1").post("users/", &body).status(201);
    assert_eq!(first.header(REPLAYED), "");
    let second = school.admin.key("k-1").post("users", &body).status(201);
    assert_eq!(second.header(REPLAYED), "true");
    assert_eq!(second.text, first.text);
    assert_eq!(second.header("location"), first.header("location"));
    assert_eq!(second.header("content-type"), first.header("content-type"));
    assert_eq!(
        school
            .admin
            .get("users/?email=chipo@greenwood.example")
            .status(200)
            .json["count"],
        1
    );
}

#[test]
fn the_same_key_with_another_body_is_422() {
    let (_, school) = greenwood();
    school
        .admin
        .key("k-1")
        .post("staff/", &json!({"staff_number": "T-1"}))
        .expect(201);
    let reply = school
        .admin
        .key("k-1")
        .post("staff/", &json!({"staff_number": "T-2"}));
    insta::assert_json_snapshot!(reply.json, @r#"
    {
      "code": "idempotency_key_reused",
      "detail": "This Idempotency-Key was used with another body. Use a new key."
    }
    "#);
    refused(&reply, 422, "idempotency_key_reused");
    assert_eq!(school.admin.get("staff/").status(200).json["count"], 1);
}

#[test]
fn a_key_belongs_to_one_actor_and_one_route() {
    let (app, school) = greenwood();
    let body = json!({"staff_number": "T-1"});
    school.admin.key("k-1").post("staff/", &body).expect(201);
    let other = key_for(&app, &school, &["school.*"]);
    assert_eq!(
        other.key("k-1").post("staff/", &body).fields(),
        ["staff_number"]
    );
    let role = school
        .admin
        .key("k-1")
        .post("roles/", &json!({"name": "R"}))
        .status(201);
    assert_eq!(role.header(REPLAYED), "");
    refused(
        &school.teacher.key("k-1").post("staff/", &body),
        403,
        "permission_denied",
    );
    refused(
        &school.anonymous().key("k-1").post("staff/", &body),
        401,
        "not_authenticated",
    );
}

#[test]
fn parallel_requests_with_one_key_do_it_once_and_answer_alike() {
    let (app, school) = greenwood();
    for (path, body) in [
        ("staff/", json!({"staff_number": "T-1"})),
        ("users/", person("chipo@greenwood.example")),
        ("roles/", json!({"name": "R"})),
    ] {
        let replies = school
            .admin
            .key("k-1")
            .together(6, &Method::POST, path, Some(&body));
        let first = replies[0].clone().status(201);
        for reply in &replies {
            assert_eq!(reply.clone().status(201).text, first.text);
        }
        assert_eq!(
            replies
                .iter()
                .filter(|reply| reply.header(REPLAYED).is_empty())
                .count(),
            1,
            "{path}"
        );
    }
    assert_eq!(app.count(&school.slot, "select count(*) from staff"), 1);
}

#[test]
fn a_refused_request_leaves_the_key_free() {
    let (_, school) = greenwood();
    school
        .admin
        .key("k-1")
        .post("staff/", &json!({"staff_number": ""}))
        .expect(400);
    school
        .admin
        .key("k-1")
        .post("staff/", &json!({"staff_number": "T-1"}))
        .expect(201);
}

#[test]
fn a_key_is_remembered_for_24_hours() {
    let (app, school) = greenwood();
    let body = json!({"staff_number": "T-1"});
    let key = key_for(&app, &school, &["school.*"]).key("k-1");
    key.post("staff/", &body).expect(201);
    app.pass_seconds(24 * 3600 - 60);
    assert_eq!(
        key.post("staff/", &body).status(201).header(REPLAYED),
        "true"
    );
    app.pass_seconds(120);
    assert_eq!(key.post("staff/", &body).fields(), ["staff_number"]);
}

#[test]
fn a_key_is_1_to_255_visible_characters() {
    let (_, school) = greenwood();
    let long = "k".repeat(256);
    for bad in [" ", long.as_str()] {
        refused(
            &school
                .admin
                .key(bad)
                .post("staff/", &json!({"staff_number": "T"})),
            400,
            "malformed",
        );
    }
    school
        .admin
        .key(&long[1..])
        .post("staff/", &json!({"staff_number": "T"}))
        .expect(201);
}
