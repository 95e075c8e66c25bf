//! What holds for every route of the gateway, from its document.

use homeroom_api_tests::{
    Client, PUBLIC_HOST, Reply, TestApp,
    document::{Operation, gateway_operations},
};
use serde_json::json;

fn path(operation: &Operation) -> String {
    operation
        .path
        .replace("{message_id}", "01900000-0000-7000-8000-00000000ffff")
        .replace("{batch_id}", "01900000-0000-7000-8000-00000000fffe")
        .replace("{number}", "263771234567")
        .replace("{app_id}", "999")
        .replace("{user_id}", "999")
        .replace("{esme}", "999")
}

fn ask(client: &Client, operation: &Operation) -> Reply {
    let body = operation.writes().then(|| json!({}));
    client.send(&operation.method, &path(operation), body.as_ref())
}

#[test]
fn no_other_credential_opens_a_route_of_an_app() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let (public, own) = (
        app.public_sms_user("ada"),
        app.sms_user(&school.host, "bob"),
    );
    let door = app.gateway(PUBLIC_HOST);
    let id = public.app_id.to_string();
    let strangers = [
        door.clone(),
        door.with("x-app-id", &id),
        door.bearer(app.platform().token()).with("x-app-id", &id),
        door.bearer(school.admin.token()).with("x-app-id", &id),
        door.bearer(own.client.token()).with("x-app-id", &id),
        own.client.at(PUBLIC_HOST),
        public.client.at(&school.host),
        door.api_key("hr_test_x_y_z").with("x-app-id", &id),
    ];
    let mut routes = 0;
    for operation in gateway_operations() {
        // Administration is at the public host only, and open to a key as well.
        let is_for_apps = operation.security.iter().any(|name| name == "sms")
            && !operation.path.starts_with("/api/v1/admin/");
        if !is_for_apps {
            continue;
        }
        routes += 1;
        for stranger in &strangers {
            let reply = ask(stranger, &operation);
            assert_eq!(reply.status, 401, "{} {}", operation.name(), reply.text);
            assert!(reply.json["error"].is_string(), "{}", reply.text);
        }
        let reply = ask(&public.client, &operation);
        assert_ne!(reply.status, 401, "{} {}", operation.name(), reply.text);
    }
    assert!(routes >= 6, "{routes}");
}

#[test]
fn only_the_routes_that_are_for_everyone_are_open() {
    let open: Vec<String> = gateway_operations()
        .into_iter()
        .filter(Operation::is_open)
        .map(|operation| operation.path)
        .collect();
    let expected = [
        "/api/v1/auth/register",
        "/api/v1/auth/login",
        "/healthy",
        "/metrics",
        "/dashboard/stats",
        "/dashboard/smpp-links",
        "/dashboard/load-balancers",
    ];
    let (mut open, mut expected) = (open, expected.map(str::to_owned).to_vec());
    open.sort();
    expected.sort();
    assert_eq!(open, expected);
}

#[test]
fn both_forms_of_a_path_are_the_same_route_and_errors_speak_one_language() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    for operation in gateway_operations() {
        let mut slashed = operation.clone();
        slashed.path = format!("{}/", operation.path);
        let (plain, slashed) = (ask(&user.client, &operation), ask(&user.client, &slashed));
        assert_eq!(plain.status, slashed.status, "{}", operation.name());
        assert!(plain.status < 500, "{} {}", operation.name(), plain.text);
        let is_taken = |method: &http::Method| {
            let mut all = gateway_operations().into_iter();
            all.any(|other| other.path == operation.path && other.method == *method)
        };
        let mut methods = [http::Method::PATCH, http::Method::PUT].into_iter();
        let method = methods.find(|method| !is_taken(method)).unwrap();
        let wrong = user.client.send(&method, &path(&operation), None);
        assert_eq!(wrong.status, 405, "{}", operation.name());
        assert!(wrong.json["error"].is_string() && !wrong.header("allow").is_empty());
    }
    let nothing = user.client.get("sms/nothing").status(404);
    assert_eq!(nothing.json.as_object().map(serde_json::Map::len), Some(1));
}
