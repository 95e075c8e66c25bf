use homeroom_api_tests::{Client, PASSWORD, PUBLIC_HOST, Reply, School, TestApp, sign_in};
use http::Method;
use serde_json::{Value, json};

use super::{greenwood, key_for, login, refused};

fn visitor(app: &TestApp, slug: &str) -> Client {
    app.platform()
        .base("/api/v1/school/")
        .with("x-schema-name", slug)
}

fn change_school(app: &TestApp, school: &School, change: &Value) {
    app.platform()
        .patch(&format!("schools/{}/", school.id), change)
        .expect(200);
    app.pass_seconds(3);
}

#[test]
fn a_host_is_the_same_in_capitals_with_a_port_or_a_final_dot() {
    let (_, school) = greenwood();
    for host in [
        "GREENWOOD.Homeroom.Example",
        "greenwood.homeroom.example:8787",
        "greenwood.homeroom.example.",
    ] {
        school.admin.at(host).get("auth/me/").expect(200);
    }
}

#[test]
fn nobody_lives_at_an_unknown_host() {
    let (_, school) = greenwood();
    for host in [
        "oakhill.homeroom.example",
        "greenwood.example",
        "a.greenwood.homeroom.example",
        "127.0.0.1",
        "[::1]:80",
        "x y",
    ] {
        for client in [school.admin.at(host), school.anonymous().at(host)] {
            let reply = client.get("auth/me/");
            refused(&reply, 404, "unknown_host");
        }
        refused(
            &login(
                &school.anonymous().at(host),
                "admin@greenwood.example",
                PASSWORD,
            ),
            404,
            "unknown_host",
        );
    }
    let reply = school.admin.at("oakhill.homeroom.example").get("users/");
    insta::assert_json_snapshot!(reply.json, @r#"
    {
      "code": "unknown_host",
      "detail": "There is no school at this address."
    }
    "#);
}

#[test]
fn the_public_host_is_no_school() {
    let (app, school) = greenwood();
    let public = school.admin.at(PUBLIC_HOST);
    refused(&public.get("users/"), 401, "not_authenticated");
    refused(
        &login(&public, "admin@greenwood.example", PASSWORD),
        404,
        "unknown_host",
    );
    refused(
        &app.platform().base("/api/v1/school/").get("users/"),
        401,
        "not_authenticated",
    );
    refused(
        &key_for(&app, &school, &["school.*"])
            .at(PUBLIC_HOST)
            .get("users/"),
        401,
        "not_authenticated",
    );
}

#[test]
fn x_schema_name_is_for_platform_superadministrators() {
    let (app, school) = greenwood();
    let other = app.school("oakhill");
    let at_home = |name: &str| school.admin.with("x-schema-name", name);
    at_home("greenwood").get("users/").expect(200);
    at_home(" greenwood ").get("users/").expect(200);
    at_home("").get("users/").expect(200);
    refused(
        &at_home("oakhill").get("users/"),
        403,
        "schema_name_not_allowed",
    );
    refused(
        &at_home("nowhere").get("users/"),
        403,
        "schema_name_not_allowed",
    );
    for name in ["greenwood", "oakhill"] {
        refused(
            &at_home(name).at(&other.host).get("users/"),
            401,
            "not_authenticated",
        );
    }
    let key = key_for(&app, &school, &["school.*"]);
    refused(
        &key.with("x-schema-name", "greenwood").get("users/"),
        403,
        "schema_name_not_allowed",
    );

    let role = json!({"name": "Clerk", "permissions": [1, 2, 3, 6]});
    let role = app.platform().post("roles/", &role).status(201).id();
    let clerk = json!({"email": "clerk@homeroom.example", "first_name": "C", "last_name": "K", "password": PASSWORD,
        "role_ids": [role]});
    app.platform().post("users/", &clerk).expect(201);
    let clerk =
        sign_in(&app.anonymous(PUBLIC_HOST), "clerk@homeroom.example").base("/api/v1/school/");
    refused(
        &clerk.with("x-schema-name", "greenwood").get("users/"),
        403,
        "schema_name_not_allowed",
    );
}

#[test]
fn a_superadministrator_visits_a_school_by_name_and_is_logged_there() {
    let (app, school) = greenwood();
    let visitor_here = visitor(&app, "greenwood");
    assert_eq!(visitor_here.get("users/").status(200).json["count"], 2);
    refused(&visitor_here.get("auth/me/"), 403, "no_account");
    let made = visitor_here
        .post("roles/", &json!({"name": "Made by a visitor"}))
        .status(201)
        .id();
    let line = school
        .admin
        .get(&format!("audit-logs/?record_id={made}"))
        .status(200);
    assert_eq!(line.column("actor_kind"), ["platform_user"]);
    refused(&visitor(&app, "nowhere").get("users/"), 404, "not_found");
    refused(
        &visitor(&app, "greenwood")
            .at("oakhill.homeroom.example")
            .get("users/"),
        404,
        "unknown_host",
    );
}

#[test]
fn a_suspended_school_answers_403_to_everyone_and_loses_nothing() {
    let (app, school) = greenwood();
    let key = key_for(&app, &school, &["school.*"]);
    let before = app.dump(&school.slot);
    app.platform()
        .act(&format!("schools/{}/suspend/", school.id))
        .expect(200);
    for client in [
        &school.admin,
        &school.teacher,
        &school.anonymous(),
        &key,
        &visitor(&app, "greenwood"),
    ] {
        for path in ["auth/me/", "users/", "staff/", "permissions/"] {
            refused(&client.get(path), 403, "school_suspended");
        }
        refused(&client.post("users/", &json!({})), 403, "school_suspended");
    }
    refused(
        &visitor(&app, "greenwood").at(&school.host).get("users/"),
        403,
        "school_suspended",
    );
    refused(
        &login(&school.anonymous(), "admin@greenwood.example", PASSWORD),
        403,
        "school_suspended",
    );
    refused(
        &login(&school.anonymous(), "admin@greenwood.example", "wrong"),
        403,
        "school_suspended",
    );
    refused(
        &school
            .anonymous()
            .post("auth/refresh/", &json!({"refresh": "x"})),
        403,
        "school_suspended",
    );
    assert_eq!(app.dump(&school.slot), before);
    app.platform()
        .act(&format!("schools/{}/activate/", school.id))
        .expect(200);
    app.pass_seconds(3);
    school.admin.get("users/").expect(200);
}

#[test]
fn a_deleted_school_is_an_unknown_host() {
    let (app, school) = greenwood();
    app.platform()
        .delete(&format!("schools/{}/", school.id))
        .expect(204);
    refused(&school.admin.get("users/"), 404, "unknown_host");
    assert_eq!(visitor(&app, "greenwood").get("users/").status, 404);
    app.platform()
        .act(&format!("schools/{}/restore/", school.id))
        .expect(200);
    app.pass_seconds(3);
    school.admin.get("users/").expect(200);
}

#[test]
fn a_school_answers_at_domains_of_its_own() {
    let (app, school) = greenwood();
    change_school(
        &app,
        &school,
        &json!({"domain": ["portal.greenwood.example"]}),
    );
    let portal = school.admin.at("portal.greenwood.example");
    portal.get("auth/me/").expect(200);
    login(&portal, "admin@greenwood.example", PASSWORD).expect(200);
    let list = portal.get("users/?page_size=1").status(200);
    assert!(
        list.str("next")
            .starts_with("https://portal.greenwood.example/api/v1/school/users/?"),
        "{}",
        list.text
    );
    school.admin.get("auth/me/").expect(200);
    change_school(&app, &school, &json!({"domain": []}));
    refused(&portal.get("auth/me/"), 404, "unknown_host");
    school.admin.get("auth/me/").expect(200);
}

fn cors(reply: &Reply) -> (&str, &str) {
    (
        reply.header("access-control-allow-origin"),
        reply.header("access-control-allow-methods"),
    )
}

#[test]
fn pages_of_the_configured_origins_may_call_and_others_may_not() {
    let (app, school) = greenwood();
    let from = |origin: &str| school.admin.with("origin", origin);
    assert_eq!(
        cors(&from("https://app.greenwood.example").get("users/")),
        ("", "")
    );
    change_school(
        &app,
        &school,
        &json!({"cors_origins": ["https://app.greenwood.example", "http://localhost:5173"]}),
    );
    for origin in ["https://app.greenwood.example", "http://localhost:5173"] {
        let reply = from(origin).get("users/").status(200);
        assert_eq!(cors(&reply), (origin, ""));
        assert!(
            reply
                .header("access-control-expose-headers")
                .contains("x-d1-bookmark")
        );
        assert_eq!(reply.header("vary"), "Origin");
        // An error is readable for the page too.
        let reply = from(origin).anonymous().get("users/").status(401);
        assert_eq!(cors(&reply), (origin, ""));
    }
    for origin in [
        "https://evil.example",
        "null",
        "https://app.greenwood.example.evil.example",
        "https://localhost:5173",
    ] {
        let reply = from(origin).get("users/").status(200);
        assert_eq!(cors(&reply), ("", ""), "{origin}");
        assert_eq!(reply.header("access-control-allow-credentials"), "");
    }
}

#[test]
fn a_preflight_is_answered_for_configured_origins_without_a_credential() {
    let (app, school) = greenwood();
    change_school(
        &app,
        &school,
        &json!({"cors_origins": ["https://app.greenwood.example"]}),
    );
    let ask = |origin: &str| {
        let client = school
            .anonymous()
            .with("origin", origin)
            .with("access-control-request-method", "PATCH");
        client.send(&Method::OPTIONS, "users/", None)
    };
    let reply = ask("https://app.greenwood.example").status(204);
    assert_eq!(
        cors(&reply),
        (
            "https://app.greenwood.example",
            "GET, POST, PUT, PATCH, DELETE"
        )
    );
    let headers = reply.header("access-control-allow-headers");
    for name in [
        "authorization",
        "content-type",
        "x-api-key",
        "idempotency-key",
        "x-d1-bookmark",
        "x-request-id",
    ] {
        assert!(headers.contains(name), "{headers}");
    }
    assert_eq!(cors(&ask("https://evil.example")), ("", ""));
}

#[test]
fn every_answer_has_the_security_headers_and_the_request_id() {
    let (_, school) = greenwood();
    let answers = [
        school.admin.get("users/").status(200),
        school.anonymous().get("users/").status(401),
        school.admin.get("nothing/").status(404),
        school.admin.delete("users/").status(405),
        school.admin.at("nowhere.example").get("users/").status(404),
        school
            .admin
            .with("content-length", "9999999")
            .post("users/", &json!({}))
            .status(413),
    ];
    for reply in answers {
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(
            reply.header("content-security-policy"),
            "default-src 'none'; frame-ancestors 'none'"
        );
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert!(
            reply
                .header("strict-transport-security")
                .starts_with("max-age=")
        );
        assert_eq!(reply.header("content-type"), "application/json");
        assert_eq!(reply.header("x-request-id"), reply.log["request_id"]);
        assert!(!reply.header("x-request-id").is_empty());
        assert_eq!(reply.header("x-error-code").is_empty(), reply.status == 200);
    }
}

#[test]
fn a_request_id_is_echoed_where_it_is_sane_and_made_where_it_is_not() {
    let (_, school) = greenwood();
    let id = |sent: &str| {
        school
            .admin
            .with("x-request-id", sent)
            .get("auth/me/")
            .header("x-request-id")
            .to_owned()
    };
    assert_eq!(id("abc-123_X.y"), "abc-123_X.y");
    for bad in ["", "a b", "<script>", &"x".repeat(65)] {
        let made = id(bad);
        assert_ne!(made, bad);
        assert_eq!(made.len(), 24, "{made}");
    }
}

#[test]
fn a_bookmark_goes_out_and_comes_back() {
    let (app, school) = greenwood();
    let written = school
        .admin
        .post("staff/", &json!({"staff_number": "T-1"}))
        .status(201);
    assert!(!written.header("x-d1-bookmark").is_empty());
    drop(app.take_batches());
    let bookmark = "00000085-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683";
    school
        .admin
        .with("x-d1-bookmark", bookmark)
        .get("staff/")
        .expect(200);
    let after = homeroom_store::sql::Consistency::After(bookmark.to_owned());
    assert!(
        app.take_batches()
            .iter()
            .any(|batch| batch.binding == school.slot && batch.consistency == after)
    );
    for bad in ["first-primary", "", "x y", &"0".repeat(129)] {
        refused(
            &school.admin.with("x-d1-bookmark", bad).get("staff/"),
            400,
            "malformed",
        );
    }
}

#[test]
fn one_log_line_tells_of_a_request_without_its_secrets() {
    let (_, school) = greenwood();
    let reply = school.admin.patch(
        &format!("users/{}/", school.teacher_id),
        &json!({"first_name": "Quite private"}),
    );
    for (field, value) in [
        ("school", json!("greenwood")),
        ("method", json!("PATCH")),
        ("route", json!("/api/v1/school/users/{id}/")),
        ("status", json!(200)),
    ] {
        assert_eq!(reply.log[field], value, "{}", reply.log);
    }
    assert!(reply.trips() > 0);
    let line = reply.log.to_string();
    assert!(
        !line.contains("Quite private") && !line.contains(school.admin.token()),
        "{line}"
    );
}

#[test]
fn reads_take_at_most_two_round_trips_where_the_school_is_known_and_one_where_the_actor_is_too() {
    let (app, school) = greenwood();
    for path in ["auth/me/", "users/", "staff/", "roles/", "audit-logs/"] {
        app.restart(1);
        school.teacher.get("auth/me/").expect(200);
        let fresh = school.admin.get(path).status(200).trips();
        let known = school.admin.get(path).status(200).trips();
        assert!(fresh <= 2 && known <= 1, "{path}: {fresh}, then {known}");
    }
}
