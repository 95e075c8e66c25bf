//! Messages from phones, and the words that they say.

use homeroom_api_tests::{Reply, SMS_ADMIN_KEY, SmsUser, TestApp};
use homeroom_sms::Fate;
use http::Method;
use serde_json::{Value, json};

const PHONE: &str = "+263771234567";
const OURS: &str = "33555";

fn number(app: &TestApp, number: &str, user: &SmsUser) -> Reply {
    let admin = app
        .gateway(homeroom_api_tests::PUBLIC_HOST)
        .with("x-admin-key", SMS_ADMIN_KEY);
    admin.post(
        "admin/numbers",
        &json!({"number": number, "app_id": user.app_id}),
    )
}

fn event(app: &TestApp, id: &str, seconds: i64, text: &str) -> Value {
    json!({
        "id": format!("evt-{id}"), "at": app.now().millis() + seconds * 1_000, "inbound_id": id, "esme": 100,
        "source": PHONE, "destination": OURS, "text": text, "missing_parts": 0,
    })
}

fn come_in(app: &TestApp, events: &[Value]) {
    app.webhook("sms/mo", &json!({"events": events}))
        .expect(204);
}

/// The texts that wait for the bridge.
fn replies(app: &TestApp) -> Vec<String> {
    assert!(app.work_queue().iter().all(|fate| *fate == Fate::Done));
    let bodies = app.take_submissions();
    bodies.into_iter().flatten().map(|one| one.text).collect()
}

#[test]
fn a_message_from_a_phone_is_the_apps_whose_number_it_was_sent_to() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let (ada, ben) = (
        app.public_sms_user("ada"),
        app.sms_user(&school.host, "ben"),
    );
    number(&app, OURS, &ben).expect(200);
    let first = event(&app, "in-1", 0, "When does school begin?");
    let mut other = event(&app, "in-2", 1, "Hello?");
    other["destination"] = json!("33666");
    come_in(&app, &[first.clone(), other]);
    come_in(&app, &[first]);
    let list = ben.client.get("sms/inbound").status(200);
    assert_eq!(
        list.json,
        json!({"next": "", "results": [{
            "inbound_id": "in-1", "esme": 100, "source": PHONE, "destination": OURS,
            "message": "When does school begin?", "missing_parts": 0, "keyword": "",
            "received_at": app.now().seconds(),
        }]})
    );
    assert_eq!(
        ada.client.get("sms/inbound").status(200).json["results"],
        json!([])
    );
    assert_eq!(
        app.count(&school.slot, "select count(*) from sms_inbound"),
        1
    );
    let nobodys = app.rows("CONTROL", "select id, app_id from sms_inbound");
    assert_eq!(nobodys, [[json!("in-2"), json!(0)]]);
    assert_eq!(replies(&app), Vec::<String>::new());
}

#[test]
fn stop_and_start_are_heeded_and_answered_once() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let user = app.sms_user(&school.host, "ada");
    number(&app, OURS, &user).expect(200);
    let stop = event(&app, "in-1", 0, " Stop! ");
    come_in(&app, std::slice::from_ref(&stop));
    come_in(&app, std::slice::from_ref(&stop));
    assert_eq!(
        replies(&app),
        ["You will get no more messages. Reply START to get them again."]
    );
    assert_eq!(user.send(PHONE, "Hello").code(), "opted_out");
    let list = user.client.get("sms/opt-outs").status(200);
    assert_eq!(list.json["results"][0]["reason"], "stop");

    app.pass_seconds(60);
    come_in(&app, &[event(&app, "in-2", 0, "START")]);
    assert_eq!(
        replies(&app),
        ["You will get messages again. Reply STOP to end them."]
    );
    come_in(&app, &[stop]);
    user.send(PHONE, "An old STOP that comes again ends nothing")
        .expect(200);
}

#[test]
fn what_a_phone_said_last_counts_in_whatever_order_it_comes_in() {
    for (events, stopped) in [
        (vec![vec![(1, "STOP"), (2, "START")]], false),
        (vec![vec![(2, "START"), (1, "STOP")]], false),
        (vec![vec![(1, "START"), (2, "STOP")]], true),
        (vec![vec![(2, "START")], vec![(1, "STOP")]], false),
        (vec![vec![(2, "STOP")], vec![(1, "START")]], true),
        (vec![vec![(1, "STOP")], vec![(2, "HELP")]], true),
        (vec![vec![(1, "STOP")], vec![(2, "please start")]], true),
    ] {
        let app = TestApp::new();
        let user = app.public_sms_user("ada");
        number(&app, OURS, &user).expect(200);
        for request in &events {
            let request: Vec<Value> = request
                .iter()
                .map(|(at, text)| event(&app, &format!("in-{at}"), *at, text))
                .collect();
            come_in(&app, &request);
        }
        let status = user.send(PHONE, "Hello").status;
        assert_eq!(status, if stopped { 403 } else { 200 }, "{events:?}");
    }
}

#[test]
fn a_stop_that_the_owner_undid_is_not_done_again_when_it_comes_in_twice() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    number(&app, OURS, &user).expect(200);
    let stop = event(&app, "in-1", 0, "STOP");
    come_in(&app, std::slice::from_ref(&stop));
    user.client.delete("sms/opt-outs/263771234567").expect(204);
    come_in(&app, &[stop]);
    user.send(PHONE, "Hello").expect(200);
}

#[test]
fn help_is_answered_in_the_words_of_the_app_if_it_has_any() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    number(&app, OURS, &user).expect(200);
    come_in(&app, &[event(&app, "in-1", 0, "help")]);
    assert_eq!(replies(&app), Vec::<String>::new());
    app.execute(
        "CONTROL",
        r#"update sms_apps set policy = '{"help_text": "Greenwood School", "daily_cap": 1}'"#,
    );
    come_in(
        &app,
        &[
            event(&app, "in-2", 1, "Help?"),
            event(&app, "in-3", 2, "HELP"),
        ],
    );
    assert_eq!(replies(&app), ["Greenwood School"; 2]);
    let reply = app.rows(
        "CONTROL",
        "select transaction_id, source, destination, esme from sms_messages order by transaction_id limit 1",
    );
    let expected = [
        json!("reply-in-2"),
        json!(OURS),
        json!("263771234567"),
        json!(100),
    ];
    assert_eq!(reply, [expected]);
}

#[test]
fn who_stops_at_a_number_of_nobody_is_left_alone_by_everyone() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let (ada, ben) = (
        app.public_sms_user("ada"),
        app.sms_user(&school.host, "ben"),
    );
    come_in(&app, &[event(&app, "in-1", 0, "STOP")]);
    for user in [&ada, &ben] {
        assert_eq!(user.send(PHONE, "Hello").code(), "opted_out");
    }
    assert_eq!(replies(&app), Vec::<String>::new());
    come_in(&app, &[event(&app, "in-2", 1, "START")]);
    for user in [&ada, &ben] {
        user.send(PHONE, "Hello").expect(200);
    }
}

#[test]
fn half_a_message_is_no_word() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    number(&app, OURS, &user).expect(200);
    let mut half = event(&app, "in-1", 0, "stop");
    half["missing_parts"] = json!(1);
    come_in(&app, &[half]);
    user.send(PHONE, "Hello").expect(200);
}

#[test]
fn messages_from_phones_are_found_by_time_and_phone_in_parts() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    number(&app, OURS, &user).expect(200);
    let mut events: Vec<Value> = (1..=4)
        .map(|at| event(&app, &format!("in-{at}"), at / 2, "Hi"))
        .collect();
    events[3]["source"] = json!("+263770000001");
    come_in(&app, &events);
    let found = |query: &str| -> (Vec<String>, String) {
        let list = user.client.get(&format!("sms/inbound?{query}")).status(200);
        let ids = list.json["results"].as_array().unwrap().iter();
        let ids = ids.map(|one| one["inbound_id"].as_str().unwrap().to_owned());
        (ids.collect(), list.str("next"))
    };
    let (first, next) = found("limit=3");
    assert_eq!(first, ["in-4", "in-3", "in-2"]);
    assert_eq!(found(&format!("limit=3&after={next}")).0, ["in-1"]);
    assert_eq!(found("source=%2B263770000001").0, ["in-4"]);
    let now = app.now().seconds();
    assert_eq!(
        found(&format!("from={}&to={}", now + 1, now + 2)).0,
        ["in-3", "in-2"]
    );
    for query in ["after=x", "from=yesterday", "source=nobody", "status=x"] {
        let wrong = user.client.get(&format!("sms/inbound?{query}"));
        assert_eq!((wrong.status, wrong.code()), (400, "invalid"), "{query}");
    }
}

#[test]
fn only_the_bridge_says_what_phones_sent() {
    let app = TestApp::new();
    let body = json!({"events": [event(&app, "in-1", 0, "STOP")]}).to_string();
    let door = app.gateway(homeroom_api_tests::PUBLIC_HOST);
    let forged = door.raw(
        &Method::POST,
        "sms/mo",
        Some("application/json"),
        body.as_bytes(),
    );
    assert_eq!((forged.status, forged.code()), (401, "not_authenticated"));
    assert_eq!(app.count("CONTROL", "select count(*) from sms_inbound"), 0);
}

#[test]
fn numbers_are_given_and_taken_by_administrators_only() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let given = number(&app, "+263 77 000 0009", &user).status(200);
    let expected = json!({"number": "+263770000009", "app_id": user.app_id, "created_at": app.now().seconds()});
    assert_eq!(given.json, expected);
    let taken = number(&app, "+263770000009", &user);
    assert_eq!((taken.status, taken.code()), (409, "number_taken"));
    let admin = app
        .gateway(homeroom_api_tests::PUBLIC_HOST)
        .with("x-admin-key", SMS_ADMIN_KEY);
    assert_eq!(
        admin.get("admin/numbers").status(200).json,
        json!({"next": "", "results": [expected]})
    );
    let nobody = admin.post("admin/numbers", &json!({"number": "33555", "app_id": 999}));
    assert_eq!(
        (nobody.status, nobody.json),
        (400, json!({"error": "app_id: There is no such app"}))
    );

    for (client, status) in [
        (app.gateway(homeroom_api_tests::PUBLIC_HOST), 401),
        (user.client, 403),
    ] {
        assert_eq!(client.get("admin/numbers").status, status);
        let body = json!({"number": "33777", "app_id": user.app_id});
        assert_eq!(client.post("admin/numbers", &body).status, status);
        assert_eq!(client.delete("admin/numbers/263770000009").status, status);
    }
    admin.delete("admin/numbers/%2B263770000009").expect(204);
    assert_eq!(admin.delete("admin/numbers/263770000009").status, 404);
    let log = "select group_concat(action) from audit_logs where table_name = 'sms_numbers'";
    assert_eq!(app.value("CONTROL", log), json!("CREATE,DELETE"));
}
