//! Bodies: what is read, and what is refused.

use homeroom_api_tests::{Client, Reply, TestApp, error_of};
use http::Method;

fn bodies(client: &Client, path: &str) -> Vec<(String, Reply)> {
    let json = Some("application/json");
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let nested = "{\"a\":".repeat(5_000) + "1" + &"}".repeat(5_000);
    let cases: Vec<(&str, Option<&str>, Vec<u8>)> = vec![
        ("half an object", json, b"{\"email\": ".to_vec()),
        ("no JSON", json, b"hello".to_vec()),
        ("a list", json, b"[1, 2]".to_vec()),
        ("a text", json, b"\"x\"".to_vec()),
        ("null", json, b"null".to_vec()),
        ("a number beyond all", json, b"1e999".to_vec()),
        ("two objects", json, b"{}{}".to_vec()),
        ("a comma too many", json, b"{\"a\": 1,}".to_vec()),
        ("single quotes", json, b"{'a': 1}".to_vec()),
        ("bad UTF-8", json, b"{\"email\": \"\xff\xfe\"}".to_vec()),
        ("half a surrogate", json, br#"{"email": "\ud800"}"#.to_vec()),
        ("a byte order mark", json, b"\xef\xbb\xbf{}".to_vec()),
        ("UTF-16", json, vec![0xff, 0xfe, b'{', 0, b'}', 0]),
        ("deep lists", json, deep.into_bytes()),
        ("deep objects", json, nested.into_bytes()),
        ("NaN", json, b"{\"a\": NaN}".to_vec()),
        ("zeros", json, vec![0; 1_000]),
        ("a form as JSON", json, b"a=1".to_vec()),
    ];
    let send = |(name, kind, body): (&str, Option<&str>, Vec<u8>)| {
        (
            name.to_owned(),
            client.raw(&Method::POST, path, kind, &body),
        )
    };
    cases.into_iter().map(send).collect()
}

#[test]
fn a_body_that_cannot_be_read_is_a_400_that_says_why() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    for (client, path) in [
        (school.admin.clone(), "users/"),
        (school.anonymous(), "auth/login/"),
        (app.platform(), "schools/"),
        (school.admin.clone(), "auth/change-password/"),
    ] {
        for (name, reply) in bodies(&client, path) {
            assert_eq!(
                error_of(&reply),
                (400, "malformed".into()),
                "{path}: {name}: {}",
                reply.text
            );
            assert!(
                reply.json["detail"]
                    .as_str()
                    .is_some_and(|detail| detail.len() > 10),
                "{name}: {}",
                reply.text
            );
        }
    }
}

#[test]
fn the_content_type_decides_how_a_body_is_read() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let send = |kind: Option<&str>, body: &str| {
        school
            .admin
            .raw(&Method::POST, "staff/", kind, body.as_bytes())
    };
    for (n, kind) in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        " application/json ;x=y",
    ]
    .iter()
    .enumerate()
    {
        send(Some(kind), &format!("{{\"staff_number\": \"J-{n}\"}}")).expect(201);
    }
    for (n, kind) in [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
    ]
    .iter()
    .enumerate()
    {
        send(
            Some(kind),
            &format!("staff_number=F-{n}&is_active=true&title="),
        )
        .expect(201);
    }
    for kind in [
        "text/plain",
        "text/html",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonx",
        "json",
        "*/*",
        "application/octet-stream",
    ] {
        let reply = send(Some(kind), "{\"staff_number\": \"X\"}");
        assert_eq!(
            error_of(&reply),
            (415, "unsupported_media_type".into()),
            "{kind}"
        );
    }
    assert_eq!(
        error_of(&send(None, "{\"staff_number\": \"X\"}")),
        (415, "unsupported_media_type".into())
    );
    assert_eq!(send(Some("text/plain"), "").fields(), ["staff_number"]);
}

#[test]
fn forms_carry_lists_truth_values_and_one_level_of_objects() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let (teacher, office) = (school.role("Teacher"), school.role("Office"));
    let form = format!(
        "email=f%40people.example&first_name=A+B&last_name=%C3%89&is_active=false&role_ids={teacher}&role_ids={office}\
         &teacher_profile.staff_number=T-1&teacher_profile.title=Mrs"
    );
    let reply = school.admin.form("users/", &form).status(201);
    assert_eq!(
        (reply.str("first_name"), reply.str("last_name")),
        ("A B".into(), "É".into())
    );
    assert_eq!(reply.json["is_active"], false);
    assert_eq!(reply.json["roles"].as_array().unwrap().len(), 2);
    assert_eq!(reply.str("teacher_profile/staff_number"), "T-1");
    let path = format!("users/{}/", reply.id());
    let raw = |method, body: &str| {
        school.admin.raw(
            &method,
            &path,
            Some("application/x-www-form-urlencoded"),
            body.as_bytes(),
        )
    };
    assert_eq!(
        raw(Method::PATCH, "first_name=New")
            .status(200)
            .str("first_name"),
        "New"
    );
    assert_eq!(
        raw(Method::PATCH, &format!("role_ids={teacher}"))
            .status(200)
            .json["roles"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        raw(
            Method::PUT,
            "email=g%40people.example&first_name=X&last_name=Y"
        )
        .status(200)
        .str("email"),
        "g@people.example"
    );
    for odd in [
        "%FF%FE=1",
        "=",
        "&&&",
        "a.b.c=1",
        "email=x&email.x=1",
        "email.x=1&email=x",
        "email=1&email=2",
    ] {
        assert_eq!(school.admin.form("users/", odd).status, 400, "{odd}");
    }
    let many: String = (0..1_001).map(|n| format!("f{n}=1&")).collect();
    assert_eq!(
        error_of(&school.admin.form("users/", &many)),
        (400, "malformed".into())
    );
}

#[test]
fn a_body_over_one_megabyte_is_413_before_it_is_read() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let big = format!("{{\"staff_number\": \"{}\"}}", "x".repeat(1_048_576));
    let reply = school.admin.raw(
        &Method::POST,
        "staff/",
        Some("application/json"),
        big.as_bytes(),
    );
    assert_eq!(error_of(&reply), (413, "payload_too_large".into()));
    let declared = school.admin.with("content-length", "1048577");
    let reply = declared.raw(&Method::POST, "staff/", Some("application/json"), b"{}");
    assert_eq!(
        (error_of(&reply), reply.trips()),
        ((413, "payload_too_large".into()), 0)
    );
    for (method, path) in [
        (Method::PUT, "users/x/"),
        (Method::PATCH, "users/x/"),
        (Method::POST, "auth/login/"),
        (Method::DELETE, "users/x/"),
    ] {
        let reply = declared.raw(&method, path, Some("application/json"), b"{}");
        assert_eq!(reply.status, 413, "{method} {path}");
    }
    let just = format!(
        "{{\"staff_number\": \"1\", \"title\": \"{}\"}}",
        " ".repeat(1_048_000)
    );
    assert!(just.len() <= 1_048_576);
    school
        .admin
        .raw(
            &Method::POST,
            "staff/",
            Some("application/json"),
            just.as_bytes(),
        )
        .expect(201);
}
