//! `Idempotency-Key`: one effect and one answer, however often and however parallel the request comes.

use homeroom_api_tests::{
    PASSWORD, TestApp,
    document::operations,
    error_of,
    samples::{Scene, user_body},
};
use http::Method;
use serde_json::{Value, json};

#[test]
fn every_creation_and_action_is_replayed() {
    let scene = Scene::new();
    let mut replayed = 0;
    for operation in operations()
        .into_iter()
        .filter(|operation| operation.method == Method::POST)
    {
        if operation.path.contains("/auth/") {
            continue;
        }
        let mut sample = scene.prepare(&operation);
        sample.client = sample.client.key("a key");
        let first = sample.send();
        assert!(
            (200..300).contains(&first.status),
            "{}: {}",
            operation.name(),
            first.text
        );
        assert_eq!(
            first.header("idempotent-replayed"),
            "",
            "{}",
            operation.name()
        );
        let before = scene.app.row_counts();
        let second = sample.send();
        assert_eq!(
            (second.status, &second.text),
            (first.status, &first.text),
            "{}",
            operation.name()
        );
        assert_eq!(
            second.header("location"),
            first.header("location"),
            "{}",
            operation.name()
        );
        assert_eq!(
            scene.app.row_counts(),
            before,
            "{} had a second effect",
            operation.name()
        );
        if operation.id == "provision_school" || operation.path.ends_with("/preview/") {
            continue;
        }
        assert_eq!(
            second.header("idempotent-replayed"),
            "true",
            "{}",
            operation.name()
        );
        replayed += 1;
        if let Some(mut body) = sample.body.clone() {
            match &mut body {
                Value::String(file) => file.push('\n'),
                body => body["name"] = json!("another"),
            }
            let other = sample.with_body(body).send();
            assert_eq!(
                error_of(&other),
                (422, "idempotency_key_reused".into()),
                "{}",
                operation.name()
            );
        }
    }
    assert!(replayed >= 11, "only {replayed} replays");
}

#[test]
fn parallel_requests_with_one_key_have_one_effect_and_one_answer() {
    let scene = Scene::new();
    for operation in operations()
        .into_iter()
        .filter(|operation| operation.id.starts_with("create_"))
    {
        let sample = scene.prepare(&operation);
        let client = sample.client.key("parallel");
        let before = scene.app.row_counts();
        let replies = client.together(6, &sample.method, &sample.path, sample.body.as_ref());
        let texts: std::collections::BTreeSet<String> =
            replies.iter().map(|reply| reply.text.clone()).collect();
        assert_eq!(texts.len(), 1, "{}: {texts:?}", operation.name());
        assert!(
            replies.iter().all(|reply| reply.status == 201),
            "{}",
            operation.name()
        );
        let after = scene.app.row_counts();
        for table in ["control.idempotency_keys", "school.idempotency_keys"] {
            let grown = after[table] - before[table];
            assert!(grown <= 1, "{}: {grown} rows in {table}", operation.name());
        }
        scene.app.assert_sound();
    }
}

#[test]
fn secrets_are_the_same_in_the_replay_and_nowhere_in_the_database() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let key = json!({"name": "K", "client": school.id, "scopes": ["school.*"]});
    let first = app.platform().key("k").post("api-keys/", &key).status(201);
    let again = app.platform().key("k").post("api-keys/", &key).status(201);
    assert_eq!(again.str("key"), first.str("key"));
    let mut user = user_body(1);
    user.as_object_mut().unwrap().remove("password");
    let first_user = school.admin.key("k").post("users/", &user).status(201);
    let again_user = school.admin.key("k").post("users/", &user).status(201);
    assert_eq!(
        again_user.str("temporary_password"),
        first_user.str("temporary_password")
    );
    let dumps = app.dump("CONTROL") + &app.dump(&school.slot);
    for secret in [first.str("key"), first_user.str("temporary_password")] {
        assert!(!dumps.contains(&secret));
    }
    school
        .anonymous()
        .api_key(&again.str("key"))
        .get("users/")
        .expect(200);
    app.restart(2);
    let sealed_before = app.platform().key("k").post("api-keys/", &key).status(201);
    assert_eq!(
        sealed_before.str("key"),
        first.str("key"),
        "a new master key still opens what the old one sealed"
    );
}

#[test]
fn a_key_belongs_to_one_actor_and_one_route() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let other = school.user_who_may(&["school.add_staff", "school.add_user", "school.view_staff"]);
    let body = json!({"staff_number": "T-1"});
    school.admin.key("same").post("staff/", &body).expect(201);
    let reply = other.key("same").post("staff/", &body);
    assert_eq!(
        reply.fields(),
        ["staff_number"],
        "another actor's key is another key"
    );
    school
        .admin
        .key("same")
        .post("roles/", &json!({"name": "R"}))
        .expect(201);
    let replayed = school.admin.key("same").post("staff", &body).status(201);
    assert_eq!(
        replayed.header("idempotent-replayed"),
        "true",
        "both slash forms are one route"
    );
}

#[test]
fn a_key_is_forgotten_after_24_hours() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let body = json!({"name": "K", "client": school.id, "scopes": ["school.*"]});
    let key = app
        .platform()
        .post("api-keys/", &body)
        .status(201)
        .str("key");
    let client = school.anonymous().api_key(&key).key("k");
    let body = json!({"staff_number": "T-1"});
    let first = client.post("staff/", &body).status(201);
    app.pass_seconds(24 * 3_600 - 60);
    assert_eq!(client.post("staff/", &body).status(201).id(), first.id());
    app.pass_seconds(120);
    assert_eq!(client.post("staff/", &body).fields(), ["staff_number"]);
    let second = client
        .post("staff/", &json!({"staff_number": "T-2"}))
        .status(201);
    assert_ne!(second.id(), first.id());
}

#[test]
fn refused_requests_leave_the_key_free() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let client = school.admin.key("k");
    assert_eq!(client.post("staff/", &json!({})).fields(), ["staff_number"]);
    let _ = school
        .teacher
        .key("k")
        .post("staff/", &json!({"staff_number": "1"}))
        .status(403);
    client
        .post("staff/", &json!({"staff_number": "1"}))
        .expect(201);
}

#[test]
fn a_replay_needs_the_permission_still() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let clerk = school.user_who_may(&["school.add_staff"]);
    let body = json!({"staff_number": "1"});
    clerk.key("k").post("staff/", &body).expect(201);
    app.execute(
        &school.slot,
        "delete from role_permissions where codename = 'school.add_staff'",
    );
    app.pass_seconds(5);
    assert_eq!(
        error_of(&clerk.key("k").post("staff/", &body)),
        (403, "permission_denied".into())
    );
}

#[test]
fn keys_have_1_to_255_visible_characters() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    for bad in ["", " ", &"k".repeat(256), "ключ"] {
        let reply = school
            .admin
            .key(bad)
            .post("staff/", &json!({"staff_number": "1"}));
        assert_eq!(error_of(&reply), (400, "malformed".into()), "{bad}");
    }
    school
        .admin
        .key(&"k".repeat(255))
        .post("staff/", &json!({"staff_number": "1"}))
        .expect(201);
}

#[test]
fn signing_in_with_a_key_stores_no_token() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let login = json!({"email": "teacher@greenwood.example", "password": PASSWORD});
    let first = school
        .anonymous()
        .key("k")
        .post("auth/login/", &login)
        .status(200);
    assert_eq!(
        app.count(&school.slot, "select count(*) from idempotency_keys"),
        0
    );
    assert!(!app.dump(&school.slot).contains(&first.str("refresh")));
}
