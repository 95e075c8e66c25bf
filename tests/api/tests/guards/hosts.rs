//! Hosts: what leads to a school, and what leads nowhere.

use homeroom_api_tests::{PASSWORD, PUBLIC_HOST, TestApp, error_of};
use http::Method;
use serde_json::{Value, json};

use super::at;

#[test]
fn unknown_and_odd_hosts_are_404_in_the_dialect() {
    let app = TestApp::new();
    let _school = app.school("greenwood");
    for host in [
        "",
        "evil.example",
        "greenwood.evil.example",
        "greenwood.homeroom.example.evil.example",
        "www.homeroom.example",
        "greenwood",
        "x.greenwood.homeroom.example",
        "[::1]",
        "[::1]:8787",
        "127.0.0.1",
        "a..homeroom.example",
        ".homeroom.example",
        "greenwood homeroom.example",
        "greenwood@homeroom.example",
        "greenwood.homeroom.example/x",
        "greenwood.homeroom.example:1:2",
        "greenwood.homeroom.example:x@evil.example",
        "greenwood.homeroom.example:-1",
        "greenwood.homeroom.example, evil.example",
        "%67reenwood.homeroom.example",
        "greenwood_.homeroom.example",
        "*.homeroom.example",
        "'; drop table tenants; --",
        &"a".repeat(5_000),
    ] {
        for path in ["auth/me/", "auth/login/"] {
            let method = if path == "auth/me/" {
                Method::GET
            } else {
                Method::POST
            };
            let reply = app
                .anonymous(host)
                .base("/api/v1/school/")
                .send(&method, path, None);
            assert_eq!(
                error_of(&reply),
                (404, "unknown_host".into()),
                "{host}: {}",
                reply.text
            );
            assert!(reply.json["detail"].is_string());
        }
        let system = app.platform().at(host).get("schools/");
        assert!(
            matches!(system.status, 401 | 404),
            "{host}: {}",
            system.status
        );
    }
}

#[test]
fn a_host_is_known_in_any_case_with_any_port_and_a_final_dot() {
    let app = TestApp::new();
    let _school = app.school("greenwood");
    for host in [
        "greenwood.homeroom.example",
        "GreenWood.HomeRoom.Example",
        "greenwood.homeroom.example:8787",
        "greenwood.homeroom.example.",
    ] {
        assert_eq!(
            error_of(&at(&app, host)),
            (401, "not_authenticated".into()),
            "{host}"
        );
    }
    for host in [PUBLIC_HOST, "HOMEROOM.example:443", "homeroom.example."] {
        assert_eq!(
            app.platform().at(host).get("auth/me/").status,
            200,
            "{host}"
        );
    }
}

#[test]
fn forwarded_hosts_are_not_believed() {
    let app = TestApp::new();
    let (greenwood, riverside) = (app.school("greenwood"), app.school("riverside"));
    for header in [
        "x-forwarded-host",
        "forwarded",
        "x-host",
        "x-original-host",
        "x-tenant",
    ] {
        let reply = greenwood
            .admin
            .with(header, &riverside.host)
            .get("auth/me/")
            .status(200);
        assert_eq!(reply.json["school"]["schema_name"], "greenwood");
    }
}

#[test]
fn school_routes_do_not_exist_on_the_public_host() {
    let app = TestApp::new();
    let door = app.anonymous(PUBLIC_HOST).base("/api/v1/school/");
    assert_eq!(
        error_of(&door.get("users/")),
        (401, "not_authenticated".into())
    );
    let login = json!({"email": "a@b.example", "password": PASSWORD});
    assert_eq!(
        error_of(&door.post("auth/login/", &login)),
        (404, "unknown_host".into())
    );
}

#[test]
fn a_path_that_leads_nowhere_is_404_in_the_dialect() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    for path in [
        "",
        "/",
        "user/",
        "users//",
        "users/x/y/",
        "USERS/",
        "users/%2e%2e/",
        "users/../users/",
        "%75sers/x",
    ] {
        let reply = school.admin.get(path);
        assert_eq!(reply.status, 404, "{path}");
        if reply.log != Value::Null {
            assert_eq!(reply.json["code"], "not_found", "{path}");
        }
    }
}
