//! Headers in and out, credentials among them.

use homeroom_api_tests::{TestApp, error_of};
use http::Method;
use serde_json::json;

use super::at;

#[test]
fn every_answer_has_the_security_headers_and_a_request_id() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let replies = [
        school.admin.get("users/").status(200),
        school.admin.get("users/x/").status(404),
        school.admin.get("nowhere/").status(404),
        school.admin.delete("users/").status(405),
        school.anonymous().get("users/").status(401),
        school.teacher.get("users/").status(403),
        school.admin.post("users/", &json!({})).status(400),
        school
            .admin
            .with("content-length", "9999999")
            .post("users/", &json!({}))
            .status(413),
        at(&app, "nowhere.example").status(404),
        school
            .admin
            .send(&Method::OPTIONS, "users/", None)
            .status(204),
    ];
    for reply in replies {
        let expected = [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
            ("cache-control", "no-store"),
            ("vary", "Origin"),
        ];
        for (name, value) in expected {
            assert_eq!(reply.header(name), value, "{}: {name}", reply.status);
        }
        assert!(
            reply
                .header("strict-transport-security")
                .starts_with("max-age=")
        );
        assert_eq!(
            reply.header("x-request-id"),
            reply.log["request_id"].as_str().unwrap()
        );
        assert!(!reply.header("x-request-id").is_empty());
        assert_eq!(reply.code().is_empty(), reply.status < 400);
        if reply.status >= 400 && reply.code() != "invalid" {
            assert_eq!(reply.json["code"], reply.code());
            assert!(!reply.json["detail"].as_str().unwrap().is_empty());
        }
        for name in ["server", "x-powered-by", "access-control-allow-origin"] {
            assert_eq!(reply.header(name), "", "{name}");
        }
    }
}

#[test]
fn a_sane_request_id_is_kept_and_another_is_replaced() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let id = |given: &str| {
        school
            .admin
            .with("x-request-id", given)
            .get("auth/me/")
            .status(200)
            .header("x-request-id")
            .to_owned()
    };
    for good in ["abc-123_x.Y", &"a".repeat(64)] {
        assert_eq!(id(good), good);
    }
    for bad in [
        "",
        "a b",
        "a/b",
        "<script>",
        &"a".repeat(65),
        "é",
        "a\tb",
        "{\"x\":1}",
    ] {
        let kept = id(bad);
        assert!(kept != bad && kept.len() == 24, "{bad}: {kept}");
    }
    assert_ne!(id("x y"), id("x y"));
}

#[test]
fn head_answers_as_get_without_a_body() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let reply = school.admin.send(&Method::HEAD, "users/", None).status(200);
    assert_eq!(reply.text, "");
    assert_eq!(
        school
            .anonymous()
            .send(&Method::HEAD, "users/", None)
            .status(401)
            .text,
        ""
    );
}

#[test]
fn bookmarks_go_out_and_come_back() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let created = school
        .admin
        .post("staff/", &json!({"staff_number": "1"}))
        .status(201);
    let bookmark = created.header("x-d1-bookmark").to_owned();
    assert_ne!(bookmark, "");
    app.pass_seconds(10);
    let _ = app.take_batches();
    school
        .admin
        .with("x-d1-bookmark", &bookmark)
        .get("staff/")
        .expect(200);
    let asked: Vec<_> = app
        .take_batches()
        .into_iter()
        .filter(|batch| batch.binding == school.slot)
        .collect();
    assert!(!asked.is_empty());
    for batch in asked {
        assert_eq!(
            batch.consistency,
            homeroom_store::sql::Consistency::After(bookmark.clone())
        );
    }
    for bad in [
        "",
        "first-primary",
        "first-unconstrained",
        "x y",
        "'; drop",
        &"0".repeat(129),
        "é",
    ] {
        let reply = school.admin.with("x-d1-bookmark", bad).get("staff/");
        assert_eq!(error_of(&reply), (400, "malformed".into()), "{bad}");
    }
}

#[test]
fn writes_go_to_the_primary_and_reads_may_go_to_a_replica() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    app.pass_seconds(10);
    let _ = app.take_batches();
    school.admin.get("staff/").expect(200);
    let reads = app.take_batches();
    assert!(
        reads
            .iter()
            .all(|batch| batch.consistency == homeroom_store::sql::Consistency::Any),
        "{reads:?}"
    );
    school
        .admin
        .post("staff/", &json!({"staff_number": "1"}))
        .expect(201);
    let writes: Vec<_> = app
        .take_batches()
        .into_iter()
        .filter(|batch| batch.changes > 0)
        .collect();
    assert!(!writes.is_empty());
    assert!(
        writes
            .iter()
            .all(|batch| batch.consistency == homeroom_store::sql::Consistency::Latest),
        "{writes:?}"
    );
}

#[test]
fn only_one_credential_counts_and_a_bad_one_is_not_saved_by_a_good_one() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let key = json!({"name": "K", "client": school.id, "scopes": ["school.*"]});
    let key = app
        .platform()
        .post("api-keys/", &key)
        .status(201)
        .str("key");
    assert_eq!(
        school
            .anonymous()
            .bearer("garbage")
            .with("x-api-key", &key)
            .get("users/")
            .status,
        401
    );
    assert_eq!(
        school
            .admin
            .with("x-api-key", "garbage")
            .get("users/")
            .status,
        200
    );
    assert_eq!(
        school
            .anonymous()
            .with("cookie", &format!("token={}", school.admin.token()))
            .get("users/")
            .status,
        401
    );
    assert_eq!(
        school
            .anonymous()
            .get(&format!("users/?token={}", school.admin.token()))
            .status,
        401
    );
}
