//! The gateway's administration.

use homeroom_api_tests::{
    Client, Mood, PUBLIC_HOST, SMS_ADMIN_KEY, SmsUser, TestApp, document::gateway_operations,
};
use http::Method;
use serde_json::{Value, json};

pub(super) fn admin(app: &TestApp) -> Client {
    app.gateway(PUBLIC_HOST)
        .with("x-admin-key", SMS_ADMIN_KEY)
        .from("203.0.113.9")
}

fn audited(app: &TestApp, table: &str) -> Vec<Vec<Value>> {
    app.rows(
        "CONTROL",
        &format!(
            "select action, record_id, actor_kind, actor_name, ip_address, json(changes) from audit_logs \
             where table_name = '{table}' and action != 'CREATE' order by id"
        ),
    )
}

fn account_is_admin(app: &TestApp, user: &SmsUser) {
    app.execute(
        "CONTROL",
        &format!(
            "update sms_accounts set is_admin = 1 where id = {}",
            user.user_id
        ),
    );
    app.pass_seconds(4);
}

#[test]
fn only_the_key_or_an_administrators_account_opens_it_and_only_at_the_public_host() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let (ada, bob) = (app.public_sms_user("ada"), app.public_sms_user("bob"));
    let cyd = app.sms_user(&school.host, "cyd");
    account_is_admin(&app, &ada);
    account_is_admin(&app, &cyd);
    let key = admin(&app);
    let mut routes = 0;
    for operation in gateway_operations() {
        if !operation.path.starts_with("/api/v1/admin/") {
            continue;
        }
        routes += 1;
        let mut path = operation.path.clone();
        for name in ["app_id", "user_id", "esme", "number"] {
            path = path.replace(&format!("{{{name}}}"), "999");
        }
        let body = operation.writes().then(|| json!({}));
        let ask = |client: &Client| client.send(&operation.method, &path, body.as_ref());
        for (client, status, words) in [
            (
                app.gateway(PUBLIC_HOST),
                401,
                "invalid or missing admin key",
            ),
            (
                app.gateway(PUBLIC_HOST).with("x-admin-key", "wrong"),
                401,
                "invalid or missing admin key",
            ),
            (bob.client.clone(), 403, "administrators only"),
            (key.at(&school.host), 404, "Not found."),
            (cyd.client.clone(), 404, "Not found."),
            (cyd.client.at(PUBLIC_HOST), 401, "unknown app_id"),
        ] {
            let reply = ask(&client);
            assert_eq!(reply.status, status, "{} {}", operation.name(), reply.text);
            assert_eq!(reply.json, json!({"error": words}), "{}", operation.name());
        }
        for client in [&key, &ada.client] {
            let reply = ask(client);
            assert!(
                matches!(reply.status, 200 | 204 | 400 | 404),
                "{} {}",
                operation.name(),
                reply.text
            );
        }
    }
    assert_eq!(routes, 16);
}

#[test]
fn apps_are_listed_shown_and_changed_and_every_change_is_recorded() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let (ada, bob) = (
        app.public_sms_user("ada"),
        app.sms_user(&school.host, "bob"),
    );
    let key = admin(&app);
    let all = key.get("admin/apps").status(200).json;
    assert_eq!(all["results"].as_array().unwrap().len(), 2);
    assert_eq!(
        all["results"][0],
        json!({
            "app_id": ada.app_id, "user_id": ada.user_id, "email": ada.email, "tenant": null, "name": "ada",
            "is_active": true, "rate_per_second": 10, "burst": 20, "daily_parts": 1_000, "monthly_parts": 10_000,
            "policy": {}, "senders": [], "created_at": all["results"][0]["created_at"],
        })
    );
    assert_eq!(all["results"][1]["tenant"], school.id);
    let first = key.get("admin/apps?limit=1").status(200).json;
    let next = first["next"].as_str().unwrap();
    let second = key.get(&format!("admin/apps?limit=1&after={next}"));
    assert_eq!(second.status(200).json["results"][0]["app_id"], bob.app_id);
    key.get("admin/apps?after=x").expect(400);

    let path = format!("admin/apps/{}", ada.app_id);
    let patch = json!({
        "rate_per_second": 50, "burst": 100, "daily_parts": 0, "name": "Ada's",
        "policy": {"daily_cap": 3, "quiet_from": "21:00", "quiet_to": "07:00"},
    });
    let changed = key.patch(&path, &patch).status(200).json;
    assert_eq!(changed["policy"]["daily_cap"], 3);
    assert_eq!(key.get(&path).status(200).json, changed);
    assert_eq!(
        ada.send("+263771234567", "x").status(429).code(),
        "daily_quota"
    );
    key.patch(&path, &json!({"is_active": false})).expect(200);
    ada.client.get("sms/usage").expect(401);
    let inactive = key.get("admin/apps?is_active=false").status(200).json;
    assert_eq!(inactive["results"][0]["app_id"], ada.app_id);
    key.patch(&path, &json!({"is_active": true})).expect(200);
    // What changes nothing leaves no trace.
    key.patch(&path, &json!({"is_active": true})).expect(200);
    key.patch(&path, &json!({})).expect(200);
    let rows = audited(&app, "sms_apps");
    assert_eq!(rows.len(), 3);
    assert_eq!(
        rows[1][..5],
        [
            json!("UPDATE"),
            json!(ada.app_id.to_string()),
            json!("system"),
            json!("SMS administrator"),
            json!("203.0.113.9")
        ]
    );
    assert_eq!(
        rows[1][5],
        json!(r#"{"is_active":{"from":true,"to":false}}"#)
    );

    for wrong in [
        json!({"rate_per_second": 0}),
        json!({"burst": 100_001}),
        json!({"daily_parts": -1}),
        json!({"monthly_parts": 1e30}),
        json!({"policy": {"daily_cap": 0}}),
        json!({"policy": {"colour": "red"}}),
        json!({"policy": "none"}),
        json!({"policy": {"quiet_from": "21:00"}}),
        json!({"name": ""}),
        json!({"senders": ["TwelveLetter"]}),
        json!({"senders": vec!["Greenwood"; 101]}),
        json!({"user_id": 7}),
    ] {
        key.patch(&path, &wrong).expect(400);
    }
    let mars = json!({"policy": {"timezone": "Africa/Atlantis"}});
    assert_eq!(
        key.patch(&path, &mars).status(400).json,
        json!({"error": "policy.timezone: There is no such time zone"})
    );
    for unknown in [
        "admin/apps/999",
        "admin/apps/0",
        "admin/apps/x",
        "admin/apps/-1",
    ] {
        key.get(unknown).expect(404);
        key.patch(unknown, &json!({})).expect(404);
    }
}

#[test]
fn an_app_and_a_school_send_as_whom_they_are_given() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let user = app.sms_user(&school.host, "ada");
    let key = admin(&app);
    let mut body = homeroom_api_tests::text_to("+263771234567", "x");
    let mut send = |source: &str| {
        body["source"] = json!(source);
        user.client.post("sms/send", &body)
    };
    send("Anybody").expect(200);
    let path = format!("admin/apps/{}", user.app_id);
    let senders = json!({"senders": ["+263 77 000 0000", "Greenwood"]});
    let changed = key.patch(&path, &senders).status(200).json;
    assert_eq!(changed["senders"], json!(["+263770000000", "Greenwood"]));
    send("Greenwood").expect(200);
    send("+263770000000").expect(200);
    for source in ["Bank", "greenwood", "33555"] {
        let refused = send(source).status(403);
        assert_eq!(refused.code(), "sender_not_allowed");
        assert_eq!(
            refused.json,
            json!({"error": format!("this app may not send as {source}")})
        );
    }
    let batch = json!({
        "esme": 100, "source": "Bank", "message": "x", "recipients": [{"destination": "+263771234567"}],
    });
    let refused = user.client.post("sms/send-batch", &batch).status(403);
    assert_eq!(refused.code(), "sender_not_allowed");

    // The school itself: its name where it has chosen none, and only what it is given once that is something.
    let own = |number: &str| {
        let message = json!({"destination": number, "message": "Hello"});
        school.admin.post("/api/v1/school/sms/messages/", &message)
    };
    let _ = own("+263771111111").status(201);
    let path = format!("admin/apps/{}", app.school_app(&school.id));
    key.patch(&path, &json!({"senders": ["Head", "Office"]}))
        .expect(200);
    app.pass_seconds(4);
    assert_eq!(own("+263772222222").status(201).json["source"], "Head");
    let settings = "/api/v1/school/sms/settings/";
    let choose = |source: &str| {
        let body = json!({"esme": 100, "source": source});
        school.admin.put(settings, &body)
    };
    assert_eq!(choose("Bank").status(400).fields(), ["source"]);
    choose("Office").expect(200);
    assert_eq!(own("+263773333333").status(201).json["source"], "Office");
    key.patch(&path, &json!({"senders": ["Head"]})).expect(200);
    app.pass_seconds(4);
    assert_eq!(
        own("+263774444444").status(403).code(),
        "sender_not_allowed"
    );
}

#[test]
fn of_two_changes_of_an_app_at_once_none_is_lost() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let key = admin(&app);
    let path = format!("admin/apps/{}", user.app_id);
    let replies = key.together(
        4,
        &Method::PATCH,
        &path,
        Some(&json!({"rate_per_second": 77})),
    );
    for reply in &replies {
        assert!(matches!(reply.status, 200 | 409), "{}", reply.text);
    }
    let changed = replies.iter().filter(|reply| reply.status == 200);
    assert!(changed.count() >= 1);
    assert_eq!(audited(&app, "sms_apps").len(), 1);
}

#[test]
fn accounts_are_listed_raised_and_removed() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let (ada, bob) = (
        app.public_sms_user("ada"),
        app.sms_user(&school.host, "bob"),
    );
    let key = admin(&app);
    let all = key.get("admin/users").status(200).json;
    assert_eq!(
        all["results"][1],
        json!({
            "user_id": bob.user_id, "email": bob.email, "is_admin": false, "tenant": school.id,
            "apps": [bob.app_id], "created_at": all["results"][1]["created_at"],
        })
    );
    assert!(!all.to_string().contains("argon2"));
    let path = |user: &SmsUser| format!("admin/users/{}", user.user_id);
    ada.client.get("admin/users").expect(403);
    let raised = key
        .patch(&path(&ada), &json!({"is_admin": true}))
        .status(200);
    assert_eq!(raised.json["is_admin"], true);
    ada.client.get("admin/users").expect(200);
    ada.client
        .patch(&path(&ada), &json!({"is_admin": false}))
        .expect(200);
    ada.client.get("admin/users").expect(403);
    key.patch(&path(&ada), &json!({})).expect(400);
    key.patch(&path(&ada), &json!({"is_admin": "perhaps"}))
        .expect(400);

    key.delete(&path(&bob)).expect(204);
    key.delete(&path(&bob)).expect(404);
    key.patch(&path(&bob), &json!({"is_admin": true}))
        .expect(404);
    bob.client.get("sms/usage").expect(401);
    let left = key.get("admin/users").status(200).json;
    assert_eq!(left["results"].as_array().unwrap().len(), 1);
    key.get(&format!("admin/apps/{}", bob.app_id)).expect(404);
    let actions: Vec<Value> = audited(&app, "sms_accounts")
        .into_iter()
        .map(|row| json!([row[0], row[3]]))
        .collect();
    assert_eq!(
        actions,
        [
            json!(["UPDATE", "SMS administrator"]),
            json!(["UPDATE", format!("SMS account {}", ada.user_id)]),
            json!(["DELETE", "SMS administrator"]),
        ]
    );
}

#[test]
fn links_show_what_the_bridge_and_administrators_say() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let key = admin(&app);
    let link = json!({
        "id": 100, "system_id": "s", "status": "down", "rate": 0.0, "in_flight": 0, "window": 10, "last_check": 5_000,
    });
    let event = json!({"id": "l1", "at": 5_000, "link": link});
    app.webhook("sms/link-state", &json!({"events": [event]}))
        .expect(204);
    let all = key.get("admin/links").status(200).json;
    assert_eq!(all["bridge_up"], true);
    let esmes: Vec<_> = all["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["esme"].clone())
        .collect();
    assert_eq!(esmes, [100, 101, 102]);
    assert_eq!(all["results"][0]["live"]["status"], "up");
    assert_eq!(all["results"][0]["reported"]["status"], "down");
    assert_eq!(all["results"][0]["reported_at"], 5);
    assert_eq!(all["results"][1]["reported"], json!(null));

    let patch = json!({"is_enabled": false, "note": "Moved", "allowed_ips": ["203.0.113.7/24", "203.0.113.0/24", "::1"]});
    let changed = key.patch("admin/links/101", &patch).status(200).json;
    assert_eq!(changed["allowed_ips"], json!(["203.0.113.0/24", "::1/128"]));
    assert_eq!(changed["live"]["status"], "down");
    let mut body = homeroom_api_tests::text_to("+263771234567", "x");
    body["esme"] = json!(101);
    let near = user.client.from("203.0.113.5");
    assert_eq!(
        near.post("sms/send", &body).status(409).code(),
        "link_disabled"
    );
    key.patch("admin/links/101", &json!({"is_enabled": true}))
        .expect(200);
    near.post("sms/send", &body).expect(200);
    let far = user.client.from("198.51.100.1");
    assert_eq!(
        far.post("sms/send", &body).status(403).json,
        json!({"error": "IP not in whitelist for the requested SMPP link"})
    );
    let mut many = body.clone();
    many["recipients"] = json!([{"destination": "+263771234567"}]);
    many.as_object_mut().unwrap().remove("destination");
    assert_eq!(
        far.post("sms/send-batch", &many).status(403).code(),
        "ip_not_allowed"
    );
    assert_eq!(
        far.post("sms/check-esme", &json!({"esme": 101}))
            .status(403)
            .code(),
        "ip_not_allowed"
    );

    // Pools are closed in the same way, and are listed apart.
    key.patch("admin/links/1000", &json!({"note": "Both"}))
        .expect(200);
    let pools = key.get("admin/pools").status(200).json;
    assert_eq!(
        pools["results"],
        json!([{
            "esme": 1000, "rate": 50.0, "links": [101, 100], "distribution": [0, 1], "queued": 0, "is_enabled": true,
            "allowed_ips": [], "note": "Both",
        }])
    );
    assert_eq!(
        key.get("admin/links").status(200).json["results"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(
        key.patch("admin/links/999", &json!({})).status(404).json,
        json!({"error": "unknown esme"})
    );
    for wrong in [
        json!({"allowed_ips": ["here"]}),
        json!({"allowed_ips": vec!["10.0.0.1"; 101]}),
        json!({"allowed_ips": [7]}),
        json!({"note": "x".repeat(501)}),
        json!({"state": "up"}),
    ] {
        key.patch("admin/links/101", &wrong).expect(400);
    }

    app.bridge_is(Mood::Away);
    app.pass_seconds(3);
    let alone = key.get("admin/links").status(200).json;
    assert_eq!(alone["bridge_up"], false);
    assert_eq!(alone["results"][0]["live"], json!(null));
    key.patch("admin/links/101", &json!({"note": ""}))
        .expect(200);
    key.get("admin/pools").expect(503);
    key.patch("admin/links/555", &json!({})).expect(503);
    assert_eq!(audited(&app, "sms_links").len(), 4);
}

#[test]
fn the_whitelist_names_who_may_send_by_what() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let key = admin(&app);
    assert_eq!(
        key.get("admin/whitelist").status(200).json,
        json!({"results": []})
    );
    let put = key
        .put(
            "admin/whitelist/100",
            &json!({"allowed_ips": ["2001:db8::/48", "203.0.113.5"]}),
        )
        .status(200);
    let expected = json!({"esme": 100, "allowed_ips": ["2001:db8::/48", "203.0.113.5/32"]});
    assert_eq!(put.json, expected);
    assert_eq!(
        key.get("admin/whitelist").status(200).json["results"],
        json!([expected])
    );
    user.send("+263771234567", "x").expect(403);
    key.put("admin/whitelist/100", &json!({"allowed_ips": []}))
        .expect(200);
    user.send("+263771234567", "x").expect(200);
    key.put("admin/whitelist/100", &json!({})).expect(400);
    key.put("admin/whitelist/999", &json!({"allowed_ips": []}))
        .expect(404);
    assert_eq!(audited(&app, "sms_links").len(), 2);
}

#[test]
fn what_waits_for_the_bridge_is_counted_by_place() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let (ada, bob) = (
        app.public_sms_user("ada"),
        app.sms_user(&school.host, "bob"),
    );
    let key = admin(&app);
    let waiting = |query: &str| key.get(&format!("admin/messages/waiting{query}"));
    let none = json!({"count": 0, "oldest_at": 0});
    assert_eq!(waiting("").status(200).json, none);
    let _ = (ada.sent("One"), ada.sent("Two"), bob.sent("Three"));
    assert_eq!(waiting("").status(200).json["count"], 2);
    let of_school = format!("?tenant={}", school.id);
    assert_eq!(waiting(&of_school).status(200).json["count"], 1);
    assert_ne!(waiting(&of_school).status(200).json["oldest_at"], 0);
    app.work_queue();
    assert_eq!(waiting("").status(200).json, none);
    assert_eq!(waiting(&of_school).status(200).json, none);
    waiting("?tenant=01900000-0000-7000-8000-00000000ffff").expect(404);
    waiting("?tenant=greenwood").expect(400);
}
