use homeroom_api_tests::PASSWORD;
use http::Method;
use serde_json::json;

use super::{greenwood, person, refused};

const JSON: Option<&str> = Some("application/json");

#[test]
fn a_form_creates_changes_and_nests() {
    let (_, school) = greenwood();
    let form = format!(
        "email=chipo%40greenwood.example&first_name=Chipo&last_name=Dube&password=correct+horse+battery\
         &is_active=true&role_ids={}&role_ids={}&teacher_profile.staff_number=T-1&teacher_profile.title=Mrs",
        school.role("Teacher"),
        school.role("Office")
    );
    let reply = school.admin.form("users/", &form).status(201);
    assert_eq!(reply.json["roles"].as_array().unwrap().len(), 2);
    assert_eq!(reply.str("teacher_profile/title"), "Mrs");
    let path = format!("users/{}", reply.id());
    let form = format!("role_ids={}&is_active=false", school.role("Student"));
    let kind = Some("application/x-www-form-urlencoded; charset=utf-8");
    let patched = school
        .admin
        .raw(&Method::PATCH, &path, kind, form.as_bytes())
        .status(200);
    assert_eq!(patched.str("roles/0/name"), "Student");
    assert_eq!(patched.json["is_active"], false);
    let bad = school
        .admin
        .form("users/", "email=x&is_active=perhaps&colour=red");
    assert_eq!(
        bad.fields(),
        ["colour", "email", "first_name", "is_active", "last_name"]
    );
}

#[test]
fn all_mistakes_are_told_at_once() {
    let (_, school) = greenwood();
    let body = json!({
        "email": "no address", "phone_number": "call me", "first_name": "x".repeat(101), "last_name": "  ",
        "password": "short", "is_active": 7, "role_ids": {}, "colour": "red", "is_superuser": true,
    });
    let reply = school.admin.post("users/", &body);
    insta::assert_json_snapshot!(reply.json, @r#"
    {
      "colour": [
        "There is no such field."
      ],
      "email": [
        "Enter a valid email address."
      ],
      "first_name": [
        "Ensure this field has no more than 100 characters."
      ],
      "is_active": [
        "Must be a valid boolean."
      ],
      "is_superuser": [
        "There is no such field."
      ],
      "last_name": [
        "This field may not be blank."
      ],
      "password": [
        "Ensure this field has at least 8 characters."
      ],
      "phone_number": [
        "Enter a valid phone number."
      ],
      "role_ids": [
        "Expected a list of items."
      ]
    }
    "#);
    assert_eq!((reply.status, reply.code()), (400, "invalid"));
    let nulls = json!({"email": "a@b.example", "first_name": null, "last_name": null, "password": null, "is_active": null});
    assert_eq!(
        school.admin.post("users/", &nulls).fields(),
        ["first_name", "is_active", "last_name", "password"]
    );
    assert_eq!(
        school.admin.act("users/").fields(),
        ["first_name", "last_name", "non_field_errors"]
    );
}

#[test]
fn what_is_not_an_object_of_json_is_malformed() {
    let (_, school) = greenwood();
    let deep = "[".repeat(50_000);
    let cases: [&[u8]; 9] = [
        b"{",
        b"[]",
        b"null",
        b"\"text\"",
        b"{\"email\": \xff}",
        b"{\"email\": \"\\ud800\"}",
        b"{\"email\": 1e999}",
        b"{} {}",
        deep.as_bytes(),
    ];
    for case in cases {
        for (method, path) in [
            (Method::POST, "users/".to_owned()),
            (Method::PUT, format!("users/{}/", school.teacher_id)),
            (Method::PATCH, format!("users/{}/", school.teacher_id)),
            (Method::POST, "auth/login/".to_owned()),
        ] {
            let reply = school.admin.raw(&method, &path, JSON, case);
            refused(&reply, 400, "malformed");
        }
    }
    insta::assert_json_snapshot!(school.admin.raw(&Method::POST, "users/", JSON, b"{").json, @r#"
    {
      "code": "malformed",
      "detail": "The body is not valid JSON."
    }
    "#);
}

#[test]
fn another_content_type_is_unsupported() {
    let (_, school) = greenwood();
    let body = person("x@greenwood.example").to_string();
    for kind in [
        None,
        Some("text/plain"),
        Some("multipart/form-data; boundary=x"),
        Some("application/xml"),
        Some(""),
    ] {
        let reply = school
            .admin
            .raw(&Method::POST, "users/", kind, body.as_bytes());
        refused(&reply, 415, "unsupported_media_type");
    }
    for kind in ["application/json; charset=utf-8", "Application/JSON"] {
        let body = json!({"staff_number": kind}).to_string();
        school
            .admin
            .raw(&Method::POST, "staff/", Some(kind), body.as_bytes())
            .expect(201);
    }
}

#[test]
fn a_body_over_1_mb_is_too_large_declared_or_not() {
    let (app, school) = greenwood();
    let large = format!("{{\"email\": \"{}\"}}", "x".repeat(1_048_576));
    refused(
        &school
            .admin
            .raw(&Method::POST, "users/", JSON, large.as_bytes()),
        413,
        "payload_too_large",
    );
    drop(app.take_batches());
    let declared =
        school
            .admin
            .with("content-length", "1048577")
            .raw(&Method::POST, "users/", JSON, b"{}");
    refused(&declared, 413, "payload_too_large");
    assert!(
        app.take_batches().is_empty(),
        "a body that is too large costs nothing"
    );
    let fits = format!("{{\"email\": \"{}\"}}", "x".repeat(1_000_000));
    refused(
        &school
            .admin
            .raw(&Method::POST, "users/", JSON, fits.as_bytes()),
        400,
        "invalid",
    );
}

#[test]
fn nobody_learns_what_a_body_must_be_without_signing_in() {
    let (_, school) = greenwood();
    for body in [&b"{"[..], b"\xff", b"{\"colour\": 1}"] {
        refused(
            &school.anonymous().raw(&Method::POST, "users/", JSON, body),
            401,
            "not_authenticated",
        );
        refused(
            &school.teacher.raw(&Method::POST, "users/", JSON, body),
            403,
            "permission_denied",
        );
    }
}

#[test]
fn texts_are_trimmed_and_free_of_control_characters() {
    let (_, school) = greenwood();
    let mut body = person("chipo@greenwood.example");
    body["first_name"] = json!("  Chipo\t ");
    assert_eq!(
        school
            .admin
            .post("users/", &body)
            .status(201)
            .str("first_name"),
        "Chipo"
    );
    let mut body = person("other@greenwood.example");
    body["first_name"] = json!("a\u{0}b");
    assert_eq!(school.admin.post("users/", &body).fields(), ["first_name"]);
    body["first_name"] = json!("<script>alert(1)</script> 🙂 ' or 1=1");
    let kept = school.admin.post("users/", &body).status(201);
    assert_eq!(
        kept.str("first_name"),
        "<script>alert(1)</script> 🙂 ' or 1=1"
    );
    assert_eq!(kept.header("content-type"), "application/json");
}

#[test]
fn both_slash_forms_take_writes() {
    let (_, school) = greenwood();
    let id = school
        .admin
        .post("users", &person("chipo@greenwood.example"))
        .status(201)
        .id();
    school
        .admin
        .patch(&format!("users/{id}"), &json!({"first_name": "C"}))
        .expect(200);
    school
        .admin
        .put(&format!("users/{id}"), &person("chipo@greenwood.example"))
        .expect(200);
    school.admin.delete(&format!("users/{id}")).expect(204);
    let login = json!({"email": "admin@greenwood.example", "password": PASSWORD});
    school.anonymous().post("auth/login", &login).expect(200);
}

#[test]
fn a_method_that_a_route_lacks_gets_405_with_allow() {
    let (_, school) = greenwood();
    for (method, path, allow) in [
        (Method::DELETE, "users/", "GET,HEAD,POST"),
        (
            Method::POST,
            "users/01900000-0000-7000-8000-00000000dead/",
            "GET,HEAD,PUT,PATCH,DELETE",
        ),
        (Method::GET, "auth/login/", "POST"),
        (Method::POST, "auth/me/", "GET,HEAD"),
        (Method::TRACE, "permissions/", "GET,HEAD"),
    ] {
        let reply = school.admin.send(&method, path, None);
        refused(&reply, 405, "method_not_allowed");
        assert_eq!(reply.header("allow"), allow, "{path}");
    }
    refused(&school.admin.get("dragons/"), 404, "not_found");
}
