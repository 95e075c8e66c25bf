//! Between the platform and the bridge: nothing is lost, nothing is done twice.

use homeroom_api_tests::{BRIDGE_SECRET, Fault, Moment, Mood, PUBLIC_HOST, TestApp};
use homeroom_sms::Fate;
use homeroom_sms_contract::signature;
use http::Method;
use serde_json::{Value, json};

use super::receipt;

fn statuses(app: &TestApp) -> Vec<Value> {
    let rows = app.rows("CONTROL", "select status from sms_messages order by id");
    rows.into_iter().map(|mut row| row.remove(0)).collect()
}

#[test]
fn while_the_bridge_is_away_or_full_messages_wait() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let id = user.sent("Hello");
    app.bridge_is(Mood::Away);
    assert_eq!(app.work_queue(), [Fate::Retry { seconds: 5 }]);
    app.bridge_is(Mood::Full(30));
    assert_eq!(app.work_queue(), [Fate::Retry { seconds: 30 }]);
    app.bridge_is(Mood::Mute);
    assert_eq!(app.work_queue(), [Fate::Retry { seconds: 5 }]);
    app.bridge_is(Mood::Taking);
    assert_eq!(app.work_queue(), [Fate::Done]);
    let bodies = app.take_submissions();
    assert!(
        bodies
            .iter()
            .all(|body| body.len() == 1 && body[0].message_id == id)
    );
    assert_eq!(
        bodies.len(),
        3,
        "the same message each time, which the bridge knows by its id"
    );
    assert_eq!(app.work_queue(), []);
}

#[test]
fn every_lost_batch_of_the_adapter_is_made_good_by_another_attempt() {
    for nth in 1..=2 {
        for moment in [Moment::Before, Moment::After] {
            let app = TestApp::new();
            let user = app.public_sms_user("ada");
            let _ = user.sent("Hello");
            app.inject(Some(Fault { nth, moment }));
            assert_eq!(
                app.work_queue(),
                [Fate::Retry { seconds: 5 }],
                "{nth} {moment:?}"
            );
            app.inject(None);
            assert_eq!(app.work_queue(), [Fate::Done]);
            assert_eq!(
                app.count(
                    "CONTROL",
                    "select count(*) from sms_messages where handed_at is not null"
                ),
                1
            );
        }
    }
}

#[test]
fn what_the_bridge_refuses_is_final_and_says_why() {
    for (code, status) in [("unknown_esme", "REJECTED"), ("expired", "EXPIRED")] {
        let app = TestApp::new();
        let user = app.public_sms_user("ada");
        let id = user.sent(&"a".repeat(200));
        app.bridge_is(Mood::Refusing(code));
        assert_eq!(app.work_queue(), [Fate::Done]);
        let info = user.info(&id);
        assert_eq!(info["status"], status);
        assert_eq!(info["parts"], json!({"1": status, "2": status}));
        assert_eq!(info["error"], format!("the bridge says {code}"));
        assert_eq!(
            app.rows("CONTROL", "select delivered, failed from sms_usage"),
            [[json!(0), json!(1)]]
        );
    }
}

#[test]
fn many_messages_go_in_bodies_of_a_hundred() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    app.execute(
        "CONTROL",
        &format!(
            "update sms_apps set rate_per_second = 10000, burst = 100000 where id = {}",
            user.app_id
        ),
    );
    app.restart(1);
    for n in 0..120 {
        let _ = user.send(&format!("+26377{n:07}"), "Hello").status(200);
    }
    let fates = app.work_queue();
    assert!(fates.len() == 120 && fates.iter().all(|fate| *fate == Fate::Done));
    let sizes: Vec<usize> = app.take_submissions().iter().map(Vec::len).collect();
    assert_eq!(sizes, [100, 20]);
}

#[test]
fn what_never_got_into_the_queue_is_found_by_the_sweep() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    app.break_queue(true);
    let id = user.sent("Hello");
    app.break_queue(false);
    assert_eq!(app.queued(), []);
    assert_eq!(app.sweep(), Ok(0), "not before it has had its time");
    app.pass_seconds(121);
    assert_eq!(app.sweep(), Ok(1));
    assert_eq!(app.work_queue(), [Fate::Done]);
    assert_eq!(app.take_submissions()[0][0].message_id, id);
    app.pass_seconds(600);
    assert_eq!(app.sweep(), Ok(0));
}

#[test]
fn receipts_may_come_late_twice_or_in_any_order() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let id = user.sent(&"a".repeat(200));
    let event = |version, status, parts: &[&str]| receipt(&user, None, &id, version, status, parts);
    let submitted = event(1, "SUBMITTED", &["SUBMITTED", "SENDING"]);
    let partly = event(3, "SUBMITTED", &["DELIVERED", "SUBMITTED"]);
    let done = event(4, "PARTIALLY_DELIVERED", &["DELIVERED", "UNDELIVERABLE"]);
    let tell = |events: &[&Value]| {
        app.webhook("sms/dlr", &json!({"events": events}))
            .expect(204)
    };
    tell(&[&submitted]);
    assert_eq!(
        user.info(&id)["parts"],
        json!({"1": "SUBMITTED", "2": "ACCEPTED"})
    );
    tell(&[&done, &partly, &submitted]);
    tell(&[&partly]);
    tell(&[&done]);
    let info = user.info(&id);
    assert_eq!(info["status"], "PARTIALLY_DELIVERED");
    assert_eq!(
        info["parts"],
        json!({"1": "DELIVERED", "2": "UNDELIVERABLE"})
    );
    assert_eq!(info["delivered_count"], 1);
    assert_eq!(
        app.rows("CONTROL", "select delivered, failed from sms_usage"),
        [[json!(0), json!(1)]]
    );
    // What the bridge reports it has: it is not handed over again.
    assert_eq!(app.work_queue(), [Fate::Done]);
    assert!(app.take_submissions().is_empty());
}

#[test]
fn a_receipt_changes_only_the_message_that_it_names() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let (ada, bob) = (app.public_sms_user("ada"), app.public_sms_user("bob"));
    let id = ada.sent("Hello");
    let own = |tenant: Option<&str>, user, id: &str| {
        receipt(user, tenant, id, 1, "DELIVERED", &["DELIVERED"])
    };
    let nobody = "01900000-0000-7000-8000-00000000ffff";
    for event in [
        own(None, &bob, &id),
        own(Some(&school.id), &ada, &id),
        own(Some(nobody), &ada, &id),
        own(Some("no school"), &ada, &id),
        own(None, &ada, nobody),
        own(None, &ada, "a message of the bridge's own"),
    ] {
        app.webhook("sms/dlr", &json!({"events": [event]}))
            .expect(204);
    }
    assert_eq!(statuses(&app), ["ACCEPTED"]);
}

#[test]
fn only_what_the_bridge_signed_is_believed() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let id = user.sent("Hello");
    let body =
        json!({"events": [receipt(&user, None, &id, 1, "DELIVERED", &["DELIVERED"])]}).to_string();
    let now = app.now().seconds();
    let post = |host: &str, secret: &[u8], seconds: i64, body: &str, signed: &str| {
        let signature = signature::sign(secret, "evt", seconds, signed.as_bytes());
        let client = app.gateway(host).with(signature::ID, "evt");
        let client = client.with(signature::TIMESTAMP, &seconds.to_string());
        let client = client.with(signature::SIGNATURE, &signature);
        client.raw(
            &Method::POST,
            "sms/dlr",
            Some("application/json"),
            body.as_bytes(),
        )
    };
    let good = BRIDGE_SECRET.as_bytes();
    post(
        PUBLIC_HOST,
        b"another secret, also long enough",
        now,
        &body,
        &body,
    )
    .expect(401);
    post(PUBLIC_HOST, good, now - 400, &body, &body).expect(401);
    post(PUBLIC_HOST, good, now, &body, "{}").expect(401);
    assert_eq!(
        user.client
            .post("sms/dlr", &json!({"events": []}))
            .status(401)
            .json,
        json!({"error": "signature required"})
    );
    post(PUBLIC_HOST, good, now, "{", "{").expect(400);
    let school = app.school("greenwood");
    post(&school.host, good, now, &body, &body).expect(404);
    assert_eq!(statuses(&app), ["ACCEPTED"]);
    post(PUBLIC_HOST, good, now, &body, &body).expect(204);
    assert_eq!(statuses(&app), ["DELIVERED"]);
}

#[test]
fn a_message_is_withdrawn_while_nothing_of_it_has_left() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let cancel = |id: &str| user.client.act(&format!("sms/{id}/cancel"));
    let here = user.sent("Here");
    assert_eq!(
        cancel(&here).status(200).json,
        json!({"success": true, "message_id": here, "status": "DELETED"})
    );
    cancel(&here).expect(200);
    assert_eq!(user.info(&here)["parts"], json!({"1": "DELETED"}));
    assert_eq!(app.work_queue(), [Fate::Done]);
    assert!(app.take_submissions().is_empty());

    let (there, gone) = (user.sent("There"), user.sent("Gone"));
    app.work_queue();
    cancel(&there).expect(200);
    assert_eq!(user.info(&there)["status"], "DELETED");
    app.bridge_sends(&gone);
    assert_eq!(cancel(&gone).status(409).code(), "too_late");

    let between = user.sent("Between");
    app.bridge_is(Mood::Away);
    app.work_queue();
    assert_eq!(cancel(&between).status(503).code(), "unavailable");
    app.bridge_is(Mood::Taking);
    assert_eq!(cancel(&between).status(409).code(), "in_progress");
    cancel("01900000-0000-7000-8000-00000000ffff").expect(404);
    cancel("nonsense").expect(404);
    assert_eq!(
        app.rows("CONTROL", "select delivered, failed from sms_usage"),
        [[json!(0), json!(0)]]
    );
}

#[test]
fn the_newest_word_on_a_link_is_kept_and_the_administrators_words_stay() {
    let app = TestApp::new();
    app.execute("CONTROL", "insert into sms_links (esme, is_enabled, allowed_ips, updated_at) values (100, 0, '[]', 0)");
    let event = |at: i64, status: &str| {
        let link = json!({
            "id": 100, "system_id": "s", "status": status, "rate": 0.0, "in_flight": 0, "window": 10, "last_check": at,
        });
        json!({"id": format!("l{at}"), "at": at, "link": link})
    };
    let tell = |events: &[Value]| {
        app.webhook("sms/link-state", &json!({"events": events}))
            .expect(204)
    };
    tell(&[event(5, "down"), event(9, "up"), event(7, "throttled")]);
    tell(&[event(8, "down")]);
    let row = app.rows(
        "CONTROL",
        "select is_enabled, state ->> '$.status', state_at from sms_links",
    );
    assert_eq!(row, [[json!(0), json!("up"), json!(9)]]);
}

#[test]
fn a_link_by_which_one_of_several_bridges_sends_is_up_for_as_long_as_that_one_says_so() {
    let app = TestApp::new();
    let tell = |bridge: &str, at: i64, status: &str| {
        let link = json!({
            "id": 100, "system_id": "s", "status": status, "rate": 0.0, "in_flight": 0, "window": 10, "last_check": at,
        });
        json!({"id": format!("{bridge}{at}"), "at": at, "bridge": bridge, "link": link})
    };
    let after = |events: &[Value]| {
        app.webhook("sms/link-state", &json!({"events": events}))
            .expect(204);
        let sql = "select state ->> '$.status', state ->> '$.bridge' from sms_links";
        let row = app.rows("CONTROL", sql).remove(0);
        row.iter()
            .map(|cell| cell.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" by ")
    };
    assert_eq!(after(&[tell("one", 1, "down")]), "down by one");
    let both = [tell("one", 3, "down"), tell("two", 2, "up")];
    assert_eq!(after(&both), "up by two");
    assert_eq!(after(&[tell("one", 4, "down")]), "up by two");
    assert_eq!(after(&[tell("one", 5, "disabled")]), "up by two");
    assert_eq!(after(&[tell("two", 6, "down")]), "down by two");
    assert_eq!(after(&[tell("one", 7, "throttled")]), "throttled by one");
    assert_eq!(after(&[tell("two", 180_007, "down")]), "throttled by one");
    assert_eq!(after(&[tell("two", 180_008, "down")]), "down by two");
}

#[test]
fn while_the_bridge_is_away_a_link_is_as_it_last_told_and_down_after_three_minutes() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let key = app
        .gateway(PUBLIC_HOST)
        .with("x-admin-key", homeroom_api_tests::SMS_ADMIN_KEY);
    app.bridge_is(Mood::Away);
    let check = || user.client.post("sms/check-esme", &json!({"esme": 100}));
    assert_eq!(
        check().status(503).code(),
        "unavailable",
        "nothing was told"
    );
    let at = app.now().millis();
    let link = json!({
        "id": 100, "system_id": "centre", "status": "up", "rate": 50.0, "in_flight": 0, "window": 10, "last_check": at,
    });
    app.webhook(
        "sms/link-state",
        &json!({"events": [{"id": "l1", "at": at, "link": link}]}),
    )
    .expect(204);
    let reported =
        || key.get("admin/links").status(200).json["results"][0]["reported"]["status"].clone();
    app.pass_seconds(179);
    assert_eq!(
        check().status(200).json,
        json!({"persist": true, "system_id": "centre", "error": ""})
    );
    assert_eq!(reported(), "up");
    app.pass_seconds(2);
    assert_eq!(
        check().status(200).json,
        json!({"persist": false, "system_id": "centre", "error": "the connection is down"})
    );
    assert_eq!(reported(), "down");
    user.client
        .post("sms/check-esme", &json!({"esme": 1000}))
        .expect(503);
}

#[test]
fn monitoring_is_public_unless_it_is_for_administrators() {
    let app = TestApp::new();
    let door = app.gateway(PUBLIC_HOST);
    assert_eq!(
        door.get("/healthy").status(200).json,
        json!({"status": "ok"})
    );
    let metrics = door.get("/metrics").status(200);
    assert!(
        metrics
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    assert!(
        metrics.text.contains("\nbridge_links 3\n")
            && metrics.text.ends_with("homeroom_bridge_up 1\n")
    );
    let pages = [
        "/dashboard/stats",
        "/dashboard/smpp-links",
        "/dashboard/load-balancers",
    ];
    for page in pages {
        assert_eq!(door.get(page).status(200).json["data"]["page"], page);
    }
    app.bridge_is(Mood::Away);
    app.pass_seconds(3);
    door.get("/healthy").expect(200);
    assert!(
        door.get("/metrics")
            .status(200)
            .text
            .ends_with("homeroom_bridge_up 0\n")
    );
    for page in pages {
        assert!(door.get(page).status(503).json["error"].is_string());
    }
    app.bridge_is(Mood::Taking);
    app.configure_sms(false, true);
    door.get("/healthy").expect(200);
    assert_eq!(
        door.get("/metrics").status(401).json,
        json!({"error": "invalid or missing admin key"})
    );
    door.with("x-admin-key", "wrong")
        .get("/metrics")
        .expect(401);
    let key = door.with("x-admin-key", homeroom_api_tests::SMS_ADMIN_KEY);
    key.get("/metrics").expect(200);
    let user = app.public_sms_user("ada");
    user.client.get("/dashboard/stats").expect(403);
    app.execute("CONTROL", "update sms_accounts set is_admin = 1");
    app.restart(1);
    user.client.get("/dashboard/stats").expect(200);
}

#[test]
fn what_is_no_page_of_a_bridge_is_not_passed_on() {
    let app = TestApp::new();
    let door = app.gateway(PUBLIC_HOST);
    for page in [
        "<html><body>502 Bad Gateway</body></html>",
        "{\"error\": \"no\"}",
        "bridge_links many\n",
        "bridge_links 3\n5\n",
        "3 bridge_links\n",
    ] {
        app.bridge_shows("/metrics", page);
        app.pass_seconds(3);
        let metrics = door.get("/metrics").status(200);
        let lines: Vec<&str> = metrics.text.lines().collect();
        assert_eq!(lines.last(), Some(&"homeroom_bridge_up 0"), "{page}");
        assert!(
            lines[..2].iter().all(|line| line.starts_with("# ")) && lines.len() == 3,
            "{page}"
        );
        for path in [
            "/dashboard/stats",
            "/dashboard/smpp-links",
            "/dashboard/load-balancers",
        ] {
            app.bridge_shows(path, page);
            let reply = door.get(path).status(503);
            assert_eq!(reply.code(), "unavailable");
            assert!(reply.json["error"].is_string());
            assert!(!reply.header("retry-after").is_empty());
        }
    }
    let right = "# HELP bridge_parts Parts\n# TYPE bridge_parts gauge\nbridge_parts{link=\"100\",of=\"a b\"} 3.5\n\
                 bridge_seconds_bucket{le=\"+Inf\"} 7 1395066363000\nbridge_age NaN\n# EOF\n";
    app.bridge_shows("/metrics", right);
    app.pass_seconds(3);
    let metrics = door.get("/metrics").status(200).text;
    assert!(metrics.starts_with(right.trim_end()));
    assert!(metrics.ends_with("\nhomeroom_bridge_up 1\n"));
}

#[test]
fn the_bridge_is_asked_once_in_two_seconds() {
    let app = TestApp::new();
    let door = app.gateway(PUBLIC_HOST);
    let data = |n: u8| format!("{{\"success\": true, \"data\": {{\"n\": {n}}}}}");
    let shown = || door.get("/dashboard/stats").status(200).json["data"]["n"].clone();
    app.bridge_shows("/dashboard/stats", &data(1));
    assert_eq!(shown(), 1);
    app.bridge_shows("/dashboard/stats", &data(2));
    assert_eq!(shown(), 1);
    app.pass_seconds(2);
    assert_eq!(shown(), 2);
}
