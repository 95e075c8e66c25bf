//! Making the PINs that open results.

use homeroom_api_tests::{error_of, samples::Scene};
use serde_json::json;

use super::chatbot::{bot, by_number};

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

    let of_class = format!(
        "select r.session, r.academic_class from student_sessions r where r.student = '{}'",
        family.student
    );
    let place = &scene.app.rows(&scene.school.slot, &of_class)[0];
    let [session, class] = [&place[0], &place[1]].map(|id| id.as_str().unwrap());
    let path = format!("sessions/{session}/academic-classes/{class}/pins/");
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
    let place = &scene.app.rows(
        &scene.school.slot,
        &format!(
            "select r.session, r.academic_class from student_sessions r where r.student = '{}'",
            family.student
        ),
    )[0];
    let [session, class] = [&place[0], &place[1]].map(|id| id.as_str().unwrap());
    let path = format!("sessions/{session}/academic-classes/{class}/pins/");
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
    let place = &scene.app.rows(
        &scene.school.slot,
        &format!(
            "select r.session, r.academic_class from student_sessions r where r.student = '{}'",
            family.student
        ),
    )[0];
    let [session, class] = [&place[0], &place[1]].map(|id| id.as_str().unwrap());
    let path = format!("sessions/{session}/academic-classes/{class}/pins/");
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
