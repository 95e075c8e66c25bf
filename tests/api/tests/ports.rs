//! What happens when something that a request depends on is away.

use homeroom_api_tests::{
    Fault, Moment, PASSWORD, PUBLIC_HOST, TestApp,
    document::operations,
    error_of, new_school,
    samples::{Scene, user_body},
};
use serde_json::json;

#[test]
fn a_read_whose_database_is_away_is_503_and_works_a_moment_later() {
    for operation in operations()
        .into_iter()
        .filter(|operation| !operation.writes())
    {
        // A scene of its own: sign-ins end after a quarter of an hour.
        let scene = Scene::new();
        for moment in [Moment::Before, Moment::After] {
            for nth in 1.. {
                let sample = scene.prepare(&operation);
                scene.app.pass_seconds(4);
                scene.app.inject(Some(Fault { nth, moment }));
                let reply = sample.send();
                scene.app.inject(None);
                if !scene.app.fault_fired() {
                    assert_eq!(reply.status, 200, "{}: {}", operation.name(), reply.text);
                    break;
                }
                assert_eq!(
                    error_of(&reply),
                    (503, "unavailable".into()),
                    "{}: {}",
                    operation.name(),
                    reply.text
                );
                assert_eq!(reply.header("retry-after"), "5");
                assert!(!reply.text.contains("injected"));
                assert!(reply.log["error"].as_str().unwrap().contains("injected"));
                sample.send().expect(200);
            }
        }
    }
}

#[test]
fn without_the_limiter_nobody_signs_in() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    app.break_login_guard(true);
    for (door, email) in [
        (school.anonymous(), "teacher@greenwood.example"),
        (app.anonymous(PUBLIC_HOST), "ada@homeroom.example"),
    ] {
        for password in [PASSWORD, "not the password"] {
            let before = app.password_work()["verify"];
            let reply = door.post(
                "auth/login/",
                &json!({"email": email, "password": password}),
            );
            assert_eq!(
                error_of(&reply),
                (503, "unavailable".into()),
                "{}",
                reply.text
            );
            assert_eq!(
                app.password_work()["verify"],
                before,
                "no guess without a count"
            );
        }
    }
    school.admin.get("users/").expect(200);
    app.break_login_guard(false);
    school
        .anonymous()
        .post(
            "auth/login/",
            &json!({"email": "teacher@greenwood.example", "password": PASSWORD}),
        )
        .expect(200);
}

#[test]
fn without_the_passwords_worker_nothing_half_is_stored() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let _ = app.platform();
    app.break_passwords(true);
    let before = app.row_counts();
    let login = json!({"email": "teacher@greenwood.example", "password": PASSWORD});
    let change = json!({"old_password": PASSWORD, "new_password": "another one entirely"});
    for reply in [
        school.anonymous().post("auth/login/", &login),
        app.anonymous(PUBLIC_HOST).post("auth/login/", &login),
        school.admin.post("users/", &user_body(1)),
        app.platform().post("users/", &user_body(1)),
        app.platform().post("schools/", &new_school("riverside")),
        school.teacher.post("auth/change-password/", &change),
        school.admin.patch(
            &format!("users/{}/", school.teacher_id),
            &json!({"password": "another one entirely"}),
        ),
    ] {
        assert_eq!(
            error_of(&reply),
            (503, "unavailable".into()),
            "{}",
            reply.text
        );
    }
    assert_eq!(app.row_counts(), before);
    app.break_passwords(false);
    school.teacher.get("auth/me/").expect(200);
    school.anonymous().post("auth/login/", &login).expect(200);
}

#[test]
fn a_failure_of_ours_does_not_count_as_a_wrong_password() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let login = json!({"email": "teacher@greenwood.example", "password": PASSWORD});
    for _ in 0..5 {
        app.break_passwords(true);
        let reply = school.anonymous().post("auth/login/", &login);
        app.break_passwords(false);
        assert_eq!(error_of(&reply), (503, "unavailable".into()));
    }
    school.anonymous().post("auth/login/", &login).expect(200);
}
