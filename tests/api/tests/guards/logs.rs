//! Log lines.

use homeroom_api_tests::{TestApp, document::operations, error_of, samples::Scene};
use serde_json::{Value, json};

#[test]
fn a_log_line_says_what_happened_and_no_secret() {
    let scene = Scene::new();
    for operation in operations() {
        let sample = scene.prepare(&operation);
        let reply = sample
            .client
            .with("user-agent", "secret-agent")
            .from("203.0.113.77")
            .send(
                &sample.method,
                &format!("{}?page=1", sample.path),
                sample.body.as_ref(),
            );
        let log = &reply.log;
        assert_eq!(
            log["route"],
            format!("{}/", operation.path.trim_end_matches('/')),
            "{}",
            operation.name()
        );
        assert_eq!(log["method"], sample.method.as_str());
        assert_eq!(log["status"], reply.status);
        assert_eq!(
            log["school"],
            if operation.area == "school" {
                json!("alpha")
            } else {
                Value::Null
            },
            "{}",
            operation.name()
        );
        assert!(log["millis"].is_i64() && log["d1_trips"].is_u64() && log["level"] == "info");
        let line = log.to_string();
        let token = sample.client.token();
        assert!(token.is_empty() || !line.contains(token));
        for word in [
            "secret-agent",
            "203.0.113",
            "people.example",
            "correct horse",
            "Bearer",
            "argon2",
        ] {
            assert!(!line.contains(word), "{word} in {line}");
        }
        for value in reply
            .json
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| {
                ["access", "refresh", "key"]
                    .contains(&name.as_str())
                    .then_some(value)
            })
        {
            assert!(!line.contains(value.as_str().unwrap()));
        }
    }
}

#[test]
fn what_goes_wrong_inside_is_logged_once_and_not_told() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    app.execute(&school.slot, "drop table staff");
    let reply = school.admin.get("staff/");
    assert_eq!(error_of(&reply), (500, "internal_error".into()));
    assert!(
        !reply.text.contains("staff") && !reply.text.to_lowercase().contains("sql"),
        "{}",
        reply.text
    );
    assert!(reply.log["error"].as_str().unwrap().contains("staff"));
    assert_eq!(reply.log["level"], "error");
}
