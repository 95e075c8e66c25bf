//! PINs, and who makes them.

use homeroom_api_tests::{
    error_of,
    samples::{Family, Scene},
};
use serde_json::{Value, json};

use super::{BASE, bot, by_number, results, wrong};

/// Where the PINs of the family's class are made.
fn pins_of_class(scene: &Scene, family: &Family) -> String {
    let of_class = format!(
        "select r.session, r.academic_class from student_sessions r where r.student = '{}'",
        family.student
    );
    let place = &scene.app.rows(&scene.school.slot, &of_class)[0];
    let [session, class] = [&place[0], &place[1]].map(|id| id.as_str().unwrap());
    format!("sessions/{session}/academic-classes/{class}/pins/")
}

#[test]
fn whoever_is_unknown_and_whoever_has_another_pin_are_told_alike() {
    let scene = Scene::new();
    let (family, stranger) = (scene.family(1), scene.family(2));
    scene
        .school
        .admin
        .delete(&format!("students/{}/pin/", stranger.student))
        .expect(204);
    let bot = bot(&scene, &["chatbot.view_result"]);
    let pin = wrong(&family);
    let mut answers = Vec::new();
    for query in [
        format!("student_id={}&pin={pin}", family.number),
        format!("student_id=NOBODY&pin={pin}"),
        // Without a PIN, whatever is tried.
        format!("student_id={}&pin={}", stranger.number, stranger.pin),
        format!("phone={}&pin={pin}", family.phone),
        format!("phone=263770000000&pin={pin}"),
        // Of another family.
        format!(
            "phone={}&student_id={}&pin={}",
            stranger.phone, family.number, family.pin
        ),
    ] {
        scene.app.pass_seconds(900);
        let _ = results(&bot, &query);
        let reply = results(&bot, &query);
        assert_eq!(error_of(&reply), (403, "wrong_pin".into()), "{query}");
        answers.push((reply.text.clone(), reply.trips()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[test]
fn a_pin_is_in_no_log_and_no_audit_row() {
    let scene = Scene::new();
    let family = scene.family(1);
    let bot = bot(&scene, &["chatbot.view_result"]);
    let visitor = scene
        .app
        .platform()
        .at(&scene.school.host)
        .with("x-schema-name", "alpha")
        .base(BASE);
    let mut logs = Vec::new();
    for client in [&bot, &visitor] {
        logs.push(by_number(client, &family, &family.pin).status(200).log);
        logs.push(by_number(client, &family, "000000").log);
    }
    for log in logs {
        let log = log.to_string();
        assert!(!log.contains(&family.pin) && !log.contains('?'), "{log}");
    }
    let rows = scene.app.rows(
        &scene.school.slot,
        "select action, changes from audit_logs where table_name in ('student_pins', 'schools')",
    );
    assert_eq!(rows.len(), 3, "{rows:?}");
    for row in rows {
        let changes: Value = serde_json::from_str(row[1].as_str().unwrap()).unwrap();
        let shown: Vec<&String> = changes.as_object().unwrap().keys().collect();
        assert!(shown == ["set_at"] || shown == ["request"], "{changes}");
        assert!(!row[1].as_str().unwrap().contains("pin="), "{changes}");
    }
}

#[test]
fn a_pin_is_renewed_removed_and_made_for_a_class() {
    let scene = Scene::new();
    let family = scene.family(1);
    let admin = &scene.school.admin;
    let bot = bot(&scene, &["chatbot.view_result"]);
    let path = format!("students/{}/pin/", family.student);
    let renewed = admin.act(&path).status(200);
    assert_eq!(renewed.str("outcome"), "renewed");
    assert_ne!(renewed.str("pin"), family.pin);
    assert_eq!(by_number(&bot, &family, &family.pin).status, 403);
    by_number(&bot, &family, &renewed.str("pin")).expect(200);
    // Whoever repeats the request with its key gets the PIN that was made.
    let once = admin.key("k-1").act(&path).status(200);
    assert_eq!(
        admin.key("k-1").act(&path).status(200).str("pin"),
        once.str("pin")
    );
    admin.delete(&path).expect(204);
    assert_eq!(admin.delete(&path).status, 404);
    assert_eq!(by_number(&bot, &family, &once.str("pin")).status, 403);

    let path = pins_of_class(&scene, &family);
    let outcomes = ["set", "kept", "renewed"];
    for (outcome, renew) in outcomes.into_iter().zip([false, false, true]) {
        let made = admin.post(&path, &json!({"renew": renew})).status(200);
        assert_eq!(made.column("outcome"), [outcome]);
        let pin = &made.json["results"][0]["pin"];
        match pin.as_str() {
            Some(pin) => by_number(&bot, &family, pin).expect(200),
            None => assert_eq!(outcome, "kept"),
        }
    }
    let class = path.split('/').nth(3).unwrap();
    let elsewhere = format!("sessions/{class}/academic-classes/{class}/pins/");
    assert_eq!(admin.act(&elsewhere).status, 404);
    let logs = scene.app.rows(
        &scene.school.slot,
        "select action from audit_logs where table_name = 'student_pins' order by id",
    );
    let actions: Vec<&str> = logs.iter().map(|row| row[0].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        ["CREATE", "UPDATE", "UPDATE", "DELETE", "CREATE", "UPDATE"]
    );
}

#[test]
fn the_pins_of_a_class_are_printed_as_a_table() {
    let scene = Scene::new();
    let family = scene.family(1);
    let admin = &scene.school.admin;
    let path = pins_of_class(&scene, &family);
    let table = admin
        .post(&format!("{path}?format=csv"), &json!({"renew": true}))
        .status(200);
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    let lines: Vec<&str> = table.text.trim_start_matches('\u{feff}').lines().collect();
    let [header, row] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    assert_eq!(*header, "student_id,student_name,outcome,pin");
    let fields: Vec<&str> = row.split(',').collect();
    assert_eq!(fields[..3], [&family.number, "Tariro Moyo", "renewed"]);
    let bot = bot(&scene, &["chatbot.view_result"]);
    by_number(&bot, &family, fields[3]).expect(200);
    let refused = admin.post(&format!("{path}?format=pdf"), &json!({}));
    assert_eq!(refused.status(400).fields(), ["format"]);
}

#[test]
fn of_two_who_print_the_pins_of_a_class_at_once_one_is_told_to_read_them_again() {
    let scene = Scene::new();
    let family = scene.family(1);
    let admin = &scene.school.admin;
    let path = pins_of_class(&scene, &family);
    admin
        .delete(&format!("students/{}/pin/", family.student))
        .expect(204);
    let body = json!({});
    let request = || admin.request(&http::Method::POST, &path, Some(&body));
    let replies = scene.app.run_together((0..2).map(|_| request()).collect());
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let bot = bot(&scene, &["chatbot.view_result"]);
    for reply in replies {
        if reply.status == 200 {
            let pin = reply.json["results"][0]["pin"].as_str().unwrap();
            by_number(&bot, &family, pin).expect(200);
        } else {
            assert_eq!(error_of(&reply), (409, "changed_meanwhile".into()));
        }
    }
    assert_eq!(
        admin.post(&path, &body).status(200).column("outcome"),
        ["kept"]
    );
}
