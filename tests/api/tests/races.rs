//! Requests at the same time: they take turns at every batch.

use homeroom_api_tests::{
    Fault, Moment, PASSWORD, PUBLIC_HOST, TestApp, new_school,
    samples::{Scene, user_body},
    sign_in,
};
use http::Method;
use serde_json::json;

fn statuses(replies: &[homeroom_api_tests::Reply]) -> Vec<u16> {
    let mut list: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    list.sort_unstable();
    list
}

#[test]
fn a_half_made_school_is_finished_once_by_many_first_requests() {
    let scene = Scene::new();
    let app = &scene.app;
    for nth in 0..3 {
        let slug = format!("half-{nth}");
        scene.cut_creation_short(&slug);
        let door = app.anonymous(&format!("{slug}.{PUBLIC_HOST}"));
        let login = json!({"email": format!("admin@{slug}.example"), "password": PASSWORD});
        let requests = (0..6).map(|n| {
            door.from(&format!("203.0.113.{n}"))
                .request(&Method::POST, "auth/login/", Some(&login))
        });
        let replies = app.run_together(requests.collect());
        assert_eq!(statuses(&replies), [200; 6], "{replies:?}");
        assert_eq!(
            app.count(&app.slot_of(&slug), "select count(*) from users"),
            1
        );
    }
    app.assert_sound();
}

#[test]
fn a_creation_and_the_first_requests_to_it_do_not_disturb_each_other() {
    let app = TestApp::new();
    let door = app.anonymous(&format!("greenwood.{PUBLIC_HOST}"));
    let mut requests =
        vec![
            app.platform()
                .request(&Method::POST, "schools/", Some(&new_school("greenwood"))),
        ];
    let login = json!({"email": "admin@greenwood.example", "password": PASSWORD});
    requests.extend((0..4).map(|n| {
        door.from(&format!("203.0.113.{n}"))
            .request(&Method::POST, "auth/login/", Some(&login))
    }));
    let replies = app.run_together(requests);
    assert_eq!(replies[0].status, 201, "{}", replies[0].text);
    for reply in &replies[1..] {
        assert!([200, 404].contains(&reply.status), "{}", reply.text);
    }
    sign_in(&door.from("203.0.113.99"), "admin@greenwood.example")
        .get("users/")
        .expect(200);
    app.assert_sound();
}

#[test]
fn of_parallel_rotations_one_key_survives() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let body = json!({"name": "K", "client": school.id, "scopes": ["school.*"]});
    let id = app.platform().post("api-keys/", &body).status(201).id();
    app.pass_seconds(1);
    let replies =
        app.platform()
            .together(5, &Method::POST, &format!("api-keys/{id}/rotate/"), None);
    app.pass_seconds(5);
    let works = |key: &str| school.anonymous().api_key(key).get("users/").status == 200;
    let alive = replies
        .iter()
        .filter(|reply| reply.status == 200 && works(&reply.str("key")))
        .count();
    let answered = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!((alive, answered), (1, 1), "{:?}", statuses(&replies));
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        assert_eq!((reply.status, reply.code()), (409, "changed_meanwhile"));
    }
}

#[test]
fn parallel_suspensions_and_activations_end_in_one_state() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let request = |action: &str| {
        app.platform().request(
            &Method::POST,
            &format!("schools/{}/{action}/", school.id),
            None,
        )
    };
    let replies = app.run_together(vec![
        request("suspend"),
        request("activate"),
        request("suspend"),
        request("activate"),
    ]);
    assert!(
        replies
            .iter()
            .all(|reply| [200, 409].contains(&reply.status)),
        "{replies:?}"
    );
    let status = app
        .platform()
        .get(&format!("schools/{}/", school.id))
        .status(200)
        .str("status");
    let open = school.admin.get("users/").status;
    assert!(
        [("active", 200), ("suspended", 403)].contains(&(status.as_str(), open)),
        "{status} {open}"
    );
    app.assert_sound();
}

#[test]
fn a_role_that_is_deleted_while_it_is_given_is_given_to_nobody() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    for n in 0..4 {
        let role = school.new_role(&format!("Role {n}"), &["school.view_user"]);
        let mut body = user_body(n);
        body["role_ids"] = json!([role]);
        let give = school.admin.request(&Method::POST, "users/", Some(&body));
        let delete = school
            .admin
            .request(&Method::DELETE, &format!("roles/{role}/"), None);
        let order = if n % 2 == 0 {
            vec![give, delete]
        } else {
            vec![delete, give]
        };
        let replies = app.run_together(order);
        assert!(
            replies
                .iter()
                .all(|reply| [201, 204, 400, 409].contains(&reply.status)),
            "{replies:?}"
        );
        app.assert_sound();
    }
}

#[test]
fn a_refresh_beside_a_logout_leaves_nothing_alive() {
    let scene = Scene::new();
    for n in 0..4 {
        let (client, _, refresh) = scene.signed_in_user(n);
        let logout = client.request(&Method::POST, "auth/logout/", None);
        let body = json!({"refresh": refresh});
        let renew = scene
            .school
            .anonymous()
            .request(&Method::POST, "auth/refresh/", Some(&body));
        let order = if n % 2 == 0 {
            vec![logout, renew]
        } else {
            vec![renew, logout]
        };
        let replies = scene.app.run_together(order);
        scene.app.pass_seconds(5);
        for reply in replies.iter().filter(|reply| reply.status == 200) {
            scene
                .school
                .anonymous()
                .bearer(&reply.str("access"))
                .get("auth/me/")
                .expect(401);
            scene
                .school
                .anonymous()
                .post("auth/refresh/", &json!({"refresh": reply.str("refresh")}))
                .expect(401);
        }
        client.get("auth/me/").expect(401);
    }
}

#[test]
fn a_deactivation_beside_a_sign_in_leaves_no_sign_in_that_works() {
    let scene = Scene::new();
    for n in 0..4 {
        let (client, email, _) = scene.signed_in_user(n);
        let id = client.get("auth/me/").status(200).id();
        scene.school.admin.get("users/").expect(200);
        let off = scene.school.admin.request(
            &Method::PATCH,
            &format!("users/{id}/"),
            Some(&json!({"is_active": false})),
        );
        let login = json!({"email": email, "password": PASSWORD});
        let on = scene
            .school
            .anonymous()
            .request(&Method::POST, "auth/login/", Some(&login));
        let order = if n % 2 == 0 {
            vec![off, on]
        } else {
            vec![on, off]
        };
        let replies = scene.app.run_together(order);
        scene.app.pass_seconds(5);
        for reply in replies
            .iter()
            .filter(|reply| reply.json.get("access").is_some())
        {
            scene
                .school
                .anonymous()
                .bearer(&reply.str("access"))
                .get("auth/me/")
                .expect(401);
            scene
                .school
                .anonymous()
                .post("auth/refresh/", &json!({"refresh": reply.str("refresh")}))
                .expect(401);
        }
        // Nor does activation bring back what began meanwhile.
        scene
            .school
            .admin
            .patch(&format!("users/{id}/"), &json!({"is_active": true}))
            .expect(200);
        for reply in replies
            .iter()
            .filter(|reply| reply.json.get("access").is_some())
        {
            let revived = scene
                .school
                .anonymous()
                .bearer(&reply.str("access"))
                .get("auth/me/")
                .status;
            assert_eq!(
                revived, 401,
                "a sign-in that began during the deactivation is alive again"
            );
        }
    }
}

#[test]
fn a_password_change_beside_a_sign_in_with_the_old_password_leaves_no_old_sign_in() {
    let scene = Scene::new();
    let mut late = 0;
    for n in 0..4 {
        let (client, email, _) = scene.signed_in_user(n);
        client.get("auth/me/").expect(200);
        let body = json!({"old_password": PASSWORD, "new_password": "another one entirely"});
        let change = client.request(&Method::POST, "auth/change-password/", Some(&body));
        let login = json!({"email": email, "password": PASSWORD});
        let old = scene
            .school
            .anonymous()
            .request(&Method::POST, "auth/login/", Some(&login));
        let replies = scene.app.run_together(if n % 2 == 0 {
            vec![change, old]
        } else {
            vec![old, change]
        });
        scene.app.pass_seconds(5);
        late += replies.iter().filter(|reply| reply.status == 503).count();
        for reply in replies
            .iter()
            .filter(|reply| reply.json.get("user").is_some())
        {
            let status = scene
                .school
                .anonymous()
                .bearer(&reply.str("access"))
                .get("auth/me/")
                .status;
            assert_eq!(
                status, 401,
                "a sign-in with the old password outlived its change"
            );
        }
    }
    assert!(
        late > 0,
        "no sign-in met the change: the test proves nothing"
    );
}

#[test]
fn an_address_that_two_take_at_once_goes_to_one() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let replies = school
        .admin
        .together(5, &Method::POST, "users/", Some(&user_body(1)));
    assert_eq!(statuses(&replies), [201, 400, 400, 400, 400]);
    for reply in replies.iter().filter(|reply| reply.status == 400) {
        assert_eq!(reply.fields(), ["email"]);
    }
    app.assert_sound();
}

#[test]
fn a_record_that_two_delete_at_once_is_deleted_once() {
    let scene = Scene::new();
    let create = json!({"staff_number": "1"});
    let id = scene.school.admin.post("staff/", &create).status(201).id();
    let replies = scene
        .school
        .admin
        .together(3, &Method::DELETE, &format!("staff/{id}/"), None);
    let gone = replies.iter().filter(|reply| reply.status == 204).count();
    assert_eq!(gone, 1, "{replies:?}");
    assert!(
        replies
            .iter()
            .all(|reply| [204, 404, 409].contains(&reply.status)),
        "{replies:?}"
    );
    let lines = scene
        .school
        .admin
        .get(&format!("audit-logs/?record_id={id}&action=DELETE"))
        .status(200);
    assert_eq!(lines.json["count"], 1);
}

#[test]
fn an_outbox_that_two_deliver_at_once_is_delivered_once_in_order() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    app.lose_deferred(true);
    for n in 0..90 {
        school.admin.post("users/", &user_body(n)).expect(201);
    }
    app.lose_deferred(false);
    let rename = |n: u32| {
        school
            .admin
            .request(&Method::POST, "users/", Some(&user_body(n)))
    };
    let _ = app.run_together((100..106).map(rename).collect());
    app.visit_schools();
    assert_eq!(app.count(&school.slot, "select count(*) from outbox"), 0);
    let present = app.count(
        "CONTROL",
        "select count(*) from directory where present = 1",
    );
    let users = app.count(
        &school.slot,
        "select count(*) from users where deleted_at is null",
    );
    assert_eq!(
        present, users,
        "every user has one address in the directory"
    );
}

#[test]
fn an_old_effect_that_arrives_late_changes_nothing() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let door = app.anonymous(PUBLIC_HOST);
    let path = format!("users/{}/", school.teacher_id);
    let mut round = 0;
    // The deliveries' last batch, which empties the outbox, is lost: everything is delivered again.
    for email in [
        "one@people.example",
        "two@people.example",
        "one@people.example",
        "three@people.example",
    ] {
        for nth in 1..12 {
            app.inject(Some(Fault {
                nth,
                moment: Moment::After,
            }));
            let _ = school.admin.patch(&path, &json!({"email": email}));
            app.inject(None);
        }
        app.visit_schools();
        round += 1;
        let known = |email: &str| {
            let body = json!({"email": email, "password": PASSWORD});
            door.from(&format!("203.0.113.{round}"))
                .post("auth/login/", &body)
                .code()
                == "school_user"
        };
        for other in [
            "one@people.example",
            "two@people.example",
            "three@people.example",
        ] {
            assert_eq!(known(other), other == email, "{other} after {email}");
        }
    }
}

#[test]
fn every_school_has_its_turn_to_be_visited() {
    let app = TestApp::new();
    let slugs = ["ash", "beech", "cedar", "dogwood", "elm"];
    for slug in slugs {
        let _ = app.school(slug);
    }
    let mut seen: Vec<_> = (7..10)
        .flat_map(|turn| app.schools_in_turn(turn, 2))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, slugs, "three turns of two reach all five, each once");
    assert_eq!(app.schools_in_turn(4, 2), app.schools_in_turn(1, 2));
}
