use homeroom_api_tests::{TestApp, error_of, samples::user_body};
use serde_json::json;

#[test]
fn the_platforms_log_is_filtered_searched_and_ordered() {
    let app = TestApp::new();
    let client = app.platform().with("x-request-id", "one");
    let user = client.post("users/", &user_body(1)).status(201).id();
    client.delete(&format!("users/{user}/")).expect(204);
    app.platform()
        .post("roles/", &json!({"name": "Zebra", "permissions": []}))
        .expect(201);
    let actions = |query: &str| {
        app.platform()
            .get(&format!("audit-logs/?{query}"))
            .status(200)
            .column("action")
    };
    assert_eq!(actions(""), ["CREATE", "DELETE", "CREATE"]);
    assert_eq!(
        actions("ordering=timestamp&table_name=users"),
        ["CREATE", "DELETE"]
    );
    assert_eq!(actions("action=DELETE"), ["DELETE"]);
    assert_eq!(actions("table_name=roles"), ["CREATE"]);
    assert_eq!(actions("request_id=one"), ["DELETE", "CREATE"]);
    assert_eq!(actions(&format!("record_id={user}")), ["DELETE", "CREATE"]);
    assert_eq!(actions("search=zebra"), ["CREATE"]);
    assert_eq!(actions("actor_kind=api_key").len(), 0);
    assert_eq!(
        app.platform()
            .get("audit-logs/?ordering=ip_address")
            .fields(),
        ["ordering"]
    );
}

#[test]
fn the_log_is_read_only() {
    let app = TestApp::new();
    app.platform()
        .post("roles/", &json!({"name": "R", "permissions": []}))
        .expect(201);
    let id = app
        .platform()
        .get("audit-logs/")
        .status(200)
        .str("results/0/id");
    let path = format!("audit-logs/{id}/");
    app.platform().get(&path).expect(200);
    for reply in [
        app.platform().delete(&path),
        app.platform().put(&path, &json!({})),
        app.platform().patch(&path, &json!({})),
    ] {
        assert_eq!(error_of(&reply), (405, "method_not_allowed".into()));
    }
    assert_eq!(
        error_of(&app.platform().post("audit-logs/", &json!({}))),
        (405, "method_not_allowed".into())
    );
}
