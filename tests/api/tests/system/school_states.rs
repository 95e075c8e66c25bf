use homeroom_api_tests::{
    Client, PASSWORD, PUBLIC_HOST, TestApp, document::operations, error_of, samples::Scene, sign_in,
};
use serde_json::json;

const DAY: i64 = 24 * 3_600;

/// Somebody of the platform with these permissions only.
fn platform_user_who_may(app: &TestApp, numbers: &[i64]) -> Client {
    let name = format!("May {numbers:?}");
    let role = app
        .platform()
        .post("roles/", &json!({"name": name, "permissions": numbers}))
        .status(201)
        .id();
    let email = format!(
        "may-{}@homeroom.example",
        numbers
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("-")
    );
    let body = json!({"email": email, "first_name": "A", "last_name": "B", "password": PASSWORD, "role_ids": [role]});
    app.platform().post("users/", &body).expect(201);
    sign_in(&app.anonymous(PUBLIC_HOST), &email)
}

#[test]
fn a_suspended_school_answers_403_on_every_route_for_everyone_and_loses_nothing() {
    let scene = Scene::new();
    let (app, school) = (&scene.app, &scene.school);
    let samples: Vec<_> = operations()
        .into_iter()
        .filter(|operation| operation.area == "school")
        .map(|operation| (operation.name(), scene.prepare(&operation)))
        .collect();
    let key = json!({"name": "Key", "client": school.id, "scopes": ["school.*"]});
    let key = app
        .platform()
        .post("api-keys/", &key)
        .status(201)
        .str("key");
    let before = app.dump(&school.slot);
    let suspended = app
        .platform()
        .act(&format!("schools/{}/suspend/", school.id))
        .status(200);
    assert_eq!(
        (&suspended.json["status"], &suspended.json["is_active"]),
        (&json!("suspended"), &json!(false))
    );
    let superadmin = app.platform().with("x-schema-name", "alpha");
    for (name, sample) in &samples {
        for client in [
            sample.client.clone(),
            school.admin.clone(),
            school.anonymous(),
            school.anonymous().api_key(&key),
            school.anonymous().bearer("garbage"),
            superadmin.clone(),
            superadmin.at(&school.host),
        ] {
            let reply = sample.send_as(&client);
            let is_open = [
                ".login",
                ".refresh",
                ".read_calendar_feed",
                ".request_password_reset",
                ".confirm_password_reset",
            ]
            .iter()
            .any(|end| name.ends_with(end));
            if is_open && client.token() == superadmin.token() && reply.status == 404 {
                continue;
            }
            assert_eq!(
                error_of(&reply),
                (403, "school_suspended".into()),
                "{name}: {}",
                reply.text
            );
        }
    }
    assert_eq!(app.dump(&school.slot), before);
    app.platform()
        .act(&format!("schools/{}/activate/", school.id))
        .expect(200);
    sign_in(&school.anonymous(), "admin@alpha.example")
        .get("users/")
        .expect(200);
}

#[test]
fn the_answer_to_a_suspension_comes_when_no_isolate_lets_anyone_in_any_more() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    school.admin.get("users/").expect(200);
    let before = app.now().millis();
    app.platform()
        .act(&format!("schools/{}/suspend/", school.id))
        .expect(200);
    assert!(app.now().millis() - before >= 2_000);
    assert_eq!(school.admin.get("users/").status, 403);
}

#[test]
fn the_system_area_still_manages_a_suspended_school() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let path = format!("schools/{}/", school.id);
    app.platform()
        .patch(&path, &json!({"is_active": false}))
        .expect(200);
    assert_eq!(school.admin.get("users/").status, 403);
    assert_eq!(
        app.platform().get(&path).status(200).json["status"],
        "suspended"
    );
    app.platform()
        .patch(&path, &json!({"name": "Renamed"}))
        .expect(200);
    app.platform().get(&format!("{path}usage/")).expect(200);
    assert_eq!(
        app.platform()
            .patch(&path, &json!({"is_active": true}))
            .status(200)
            .json["status"],
        "active"
    );
    school.admin.get("users/").expect(200);
}

#[test]
fn suspending_and_activating_twice_changes_nothing_more() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    for action in ["suspend", "suspend", "activate", "activate"] {
        app.platform()
            .act(&format!("schools/{}/{action}/", school.id))
            .expect(200);
    }
    let log = app
        .platform()
        .get(&format!("audit-logs/?record_id={}", school.id))
        .status(200);
    assert_eq!(
        log.json["count"], 3,
        "creation, one suspension, one activation"
    );
}

#[test]
fn a_deleted_school_answers_404_and_keeps_its_data() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let path = format!("schools/{}/", school.id);
    let before = app.dump(&school.slot);
    app.platform().delete(&path).expect(204);
    for client in [
        school.admin.clone(),
        school.anonymous(),
        app.platform()
            .with("x-schema-name", "greenwood")
            .at(&school.host),
    ] {
        assert_eq!(
            error_of(&client.base("/api/v1/school/").get("users/")),
            (404, "unknown_host".into())
        );
    }
    let named = app
        .platform()
        .with("x-schema-name", "greenwood")
        .base("/api/v1/school/")
        .get("users/");
    assert_eq!(named.status, 404);
    assert_eq!(app.platform().get("schools/").status(200).json["count"], 0);
    assert_eq!(
        app.platform()
            .get("schools/?status=deleted")
            .status(200)
            .json["count"],
        1
    );
    let found = app.platform().get(&path).status(200);
    assert_eq!(found.json["status"], "deleted");
    assert_ne!(found.json["deleted_at"], json!(null));
    assert_eq!(app.dump(&school.slot), before);
    app.platform().delete(&path).expect(204);
    for reply in [
        app.platform().patch(&path, &json!({"name": "X"})),
        app.platform().act(&format!("{path}suspend/")),
        app.platform().act(&format!("{path}activate/")),
        app.platform().act(&format!("{path}provision/")),
    ] {
        assert_eq!(error_of(&reply), (409, "school_deleted".into()));
    }
}

#[test]
fn a_deleted_school_can_be_restored_for_thirty_days() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let path = format!("schools/{}/", school.id);
    app.platform().delete(&path).expect(204);
    app.pass_seconds(30 * DAY - 60);
    app.forget_platform_token();
    let restored = app.platform().act(&format!("{path}restore/")).status(200);
    assert_eq!(
        (&restored.json["status"], &restored.json["deleted_at"]),
        (&json!("active"), &json!(null))
    );
    sign_in(&school.anonymous(), "admin@greenwood.example")
        .get("users/")
        .expect(200);
    app.platform().delete(&path).expect(204);
    app.pass_seconds(30 * DAY + 60);
    app.forget_platform_token();
    assert_eq!(
        error_of(&app.platform().act(&format!("{path}restore/"))),
        (409, "too_late".into())
    );
}

#[test]
fn restoring_is_no_way_to_activate_a_suspended_school() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let path = format!("schools/{}/", school.id);
    // May view, delete and restore, not suspend and activate.
    let deleter = platform_user_who_may(&app, &[1, 4]);
    app.platform().act(&format!("{path}suspend/")).expect(200);
    let _ = deleter.act(&format!("{path}restore/"));
    assert_eq!(
        app.platform().get(&path).status(200).json["status"],
        "suspended",
        "restore/ activated it"
    );
}

#[test]
fn a_school_that_was_deleted_before_it_was_filled_is_whole_after_its_restoration() {
    let scene = Scene::new();
    let app = &scene.app;
    scene.cut_creation_short("greenwood");
    let id = app
        .platform()
        .get("schools/?status=provisioning")
        .status(200)
        .str("results/0/id");
    app.platform().delete(&format!("schools/{id}/")).expect(204);
    app.platform()
        .act(&format!("schools/{id}/restore/"))
        .expect(200);
    let door = app.anonymous(&format!("greenwood.{PUBLIC_HOST}"));
    sign_in(&door, "admin@greenwood.example")
        .get("users/")
        .expect(200);
    app.assert_sound();
}

#[test]
fn each_action_on_a_school_needs_its_own_permission() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let path = format!("schools/{}/", school.id);
    let refused = |reply| {
        assert_eq!(
            error_of(&reply),
            (403, "permission_denied".into()),
            "{}",
            reply.text
        )
    };
    let changer = platform_user_who_may(&app, &[1, 3]);
    changer.patch(&path, &json!({"name": "New"})).expect(200);
    refused(changer.patch(&path, &json!({"is_active": false})));
    refused(changer.act(&format!("{path}suspend/")));
    refused(changer.delete(&path));
    refused(changer.post("schools/", &json!({})));
    let viewer = platform_user_who_may(&app, &[1]);
    viewer.get(&path).expect(200);
    viewer.get(&format!("{path}usage/")).expect(200);
    refused(viewer.patch(&path, &json!({"name": "New"})));
    let suspender = platform_user_who_may(&app, &[5]);
    suspender.act(&format!("{path}suspend/")).expect(200);
    refused(suspender.get(&path));
}

#[test]
fn a_school_that_does_not_exist_is_404() {
    let app = TestApp::new();
    for id in [
        "01890000-0000-7000-8000-000000000000",
        "1",
        "nonsense",
        "%F0%9F%98%80",
        "%FF",
        "..",
        "a%2Fb",
    ] {
        let path = format!("schools/{id}/");
        assert_eq!(app.platform().get(&path).status, 404, "{id}");
        assert_eq!(
            app.platform().act(&format!("{path}suspend/")).status,
            404,
            "{id}"
        );
    }
}
