//! Pages of other origins.

use homeroom_api_tests::{TestApp, new_school, sign_in};
use http::Method;
use serde_json::json;

#[test]
fn cors_follows_the_schools_origins() {
    let app = TestApp::new();
    let mut body = new_school("greenwood");
    body["cors_origins"] = json!(["https://portal.example.org", "http://localhost:3000"]);
    app.platform().post("schools/", &body).expect(201);
    let door = app.anonymous("greenwood.homeroom.example");
    let admin = sign_in(&door, "admin@greenwood.example");
    let other = app.school("riverside");
    for origin in ["https://portal.example.org", "http://localhost:3000"] {
        let reply = admin.with("origin", origin).get("users/").status(200);
        assert_eq!(reply.header("access-control-allow-origin"), origin);
        assert!(
            reply
                .header("access-control-expose-headers")
                .contains("x-request-id")
        );
        assert_eq!(
            reply.header("access-control-allow-credentials"),
            "",
            "no cookies"
        );
        let refused = door.with("origin", origin).get("users/").status(401);
        assert_eq!(
            refused.header("access-control-allow-origin"),
            origin,
            "a page may read why"
        );
        for (method, path) in [(Method::GET, "nothing/"), (Method::DELETE, "auth/me/")] {
            let bare = door.with("origin", origin).send(&method, path, None);
            assert!(matches!(bare.status, 404 | 405), "{}", bare.status);
            assert_eq!(bare.header("access-control-allow-origin"), origin);
        }
        let asks = door
            .with("origin", origin)
            .with("access-control-request-method", "PATCH");
        let preflight = asks.send(&Method::OPTIONS, "users/", None).status(204);
        assert_eq!(preflight.header("access-control-allow-origin"), origin);
        assert!(
            preflight
                .header("access-control-allow-methods")
                .contains("PATCH")
        );
        for name in [
            "authorization",
            "content-type",
            "idempotency-key",
            "x-d1-bookmark",
        ] {
            assert!(
                preflight
                    .header("access-control-allow-headers")
                    .contains(name),
                "{name}"
            );
        }
        let elsewhere = other.admin.with("origin", origin).get("users/").status(200);
        assert_eq!(elsewhere.header("access-control-allow-origin"), "");
    }
    for origin in [
        "https://evil.example",
        "null",
        "*",
        "",
        "https://portal.example.org.evil.example",
        "HTTPS://PORTAL.EXAMPLE.ORG",
        "https://portal.example.org:443",
    ] {
        for method in [Method::GET, Method::OPTIONS] {
            let reply = admin
                .with("origin", origin)
                .with("access-control-request-method", "GET")
                .send(&method, "users/", None);
            for name in [
                "access-control-allow-origin",
                "access-control-allow-methods",
                "access-control-allow-headers",
            ] {
                assert_eq!(reply.header(name), "", "{origin}: {name}");
            }
        }
    }
    let public = app
        .platform()
        .with("origin", "https://portal.example.org")
        .get("schools/")
        .status(200);
    assert_eq!(public.header("access-control-allow-origin"), "");
}

#[test]
fn origins_are_checked_when_they_are_set() {
    let app = TestApp::new();
    for bad in [
        "*",
        "null",
        "http://portal.example.org",
        "https://portal.example.org/",
        "https://portal.example.org/x",
        "portal.example.org",
        "https://*.example.org",
        "https://a b.example",
        "https://user@portal.example.org",
        "javascript:alert(1)",
    ] {
        let mut body = new_school("greenwood");
        body["cors_origins"] = json!([bad]);
        assert_eq!(
            app.platform().post("schools/", &body).fields(),
            ["cors_origins"],
            "{bad}"
        );
    }
}
