//! Whatever a client sends, the answer is one of the gateway's: never a 5xx, and every error is `{"error"}`.

use homeroom_api_tests::{
    Client, PUBLIC_HOST, Reply, SMS_ADMIN_KEY, TestApp,
    document::{Operation, gateway_operations},
    text_to,
};
use http::Method;
use serde_json::{Value, json};

fn values() -> Vec<Value> {
    let mut deep = json!([]);
    for _ in 0..60 {
        deep = json!([deep]);
    }
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(7),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1.5),
        json!(1e300),
        json!(""),
        json!(" "),
        json!("7"),
        json!("-7"),
        json!("99999999999999999999999"),
        json!("1e3"),
        json!("\u{0}"),
        json!("\u{202e}\u{feff}"),
        json!("😀".repeat(20_000)),
        json!("'; drop table sms_messages; --"),
        json!("9999-12-31T23:59:59.999999999+23:59"),
        json!([]),
        json!([[], {}, null, "x", 7]),
        json!(vec![7; 5_000]),
        json!({}),
        json!({"a": {"b": [1]}}),
        deep,
    ]
}

/// A body that is right, for each route that takes one.
fn body(operation: &Operation) -> Option<Value> {
    Some(match operation.id.as_str() {
        "register" => {
            json!({"email": "eve@sms.example", "password": "correct horse battery", "app_name": "Eve"})
        }
        "login" => {
            json!({"email": "eve@sms.example", "password": "correct horse battery", "app_id": 999})
        }
        "is_admin" | "delete_user" => json!({"user_id": 999}),
        "send_message" => {
            let mut body = text_to("+263771234567", "Hello");
            for (name, value) in extras() {
                body[name] = value;
            }
            body
        }
        "send_batch" => {
            let mut body = json!({
                "esme": 100, "source": "Greenwood", "message": "Hello", "name": "x",
                "recipients": [{"destination": "+263771234567", "message": "x", "task_id": 5}],
            });
            for (name, value) in extras() {
                body[name] = value;
            }
            body
        }
        "check_esme" => json!({"esme": 100}),
        "check_text" => json!({"message": "Hello", "transliterate": true}),
        "find_message_info" => {
            json!({"esme": 100, "message_id": "01900000-0000-7000-8000-00000000ffff"})
        }
        "replace_callbacks" => json!({
            "status_url": "https://hooks.example.org/sms", "status_level": 3, "inbound_url": "https://hooks.example.org/in",
        }),
        "add_opt_out" => json!({"number": "+263771234567"}),
        "import_opt_outs" => json!({"numbers": ["+263771234567"]}),
        "add_number" => json!({"number": "+263771234567", "app_id": 999}),
        "update_app" => json!({
            "name": "x", "is_active": true, "rate_per_second": 5, "burst": 5, "daily_parts": 50, "monthly_parts": 50,
            "policy": {"daily_cap": 3, "weekly_cap": 5, "duplicate_seconds": 5, "quiet_from": "21:00", "quiet_to": "07:00",
                "timezone": "Africa/Harare", "help_text": "x"},
        }),
        "update_user" => json!({"is_admin": false}),
        "update_link" => json!({"is_enabled": true, "allowed_ips": [], "note": "x"}),
        "replace_allowed" => json!({"allowed_ips": []}),
        _ => return None,
    })
}

fn extras() -> Vec<(&'static str, Value)> {
    vec![
        ("transaction_id", json!("tx")),
        ("task_id", json!(5)),
        ("send_at", json!(1_900_000_000)),
        ("validity_seconds", json!(60)),
        ("priority", json!(1)),
        ("transliterate", json!(false)),
        ("strategy", json!("cp1")),
        ("ston", json!(1)),
        ("snpi", json!(1)),
        ("dton", json!(1)),
        ("dnpi", json!(1)),
        ("callback_url", json!("https://hooks.example.org/sms")),
        ("callback_level", json!(3)),
    ]
}

fn path(operation: &Operation) -> String {
    let mut path = operation.path.clone();
    for (name, value) in [
        ("{message_id}", "01900000-0000-7000-8000-00000000ffff"),
        ("{batch_id}", "01900000-0000-7000-8000-00000000fffe"),
        ("{number}", "263771234567"),
        ("{app_id}", "2"),
        ("{user_id}", "2"),
        ("{esme}", "101"),
        ("{id}", "01900000-0000-7000-8000-00000000fffd"),
    ] {
        path = path.replace(name, value);
    }
    path
}

fn sane(reply: &Reply, what: &str) {
    assert!(
        reply.status < 500,
        "{what}: {} {}",
        reply.status,
        reply.text
    );
    if reply.status >= 400 {
        let keys: Vec<_> = reply
            .json
            .as_object()
            .map_or_else(Vec::new, |map| map.keys().cloned().collect());
        assert_eq!(keys, ["error"], "{what}: {}", reply.text);
        assert!(!reply.code().is_empty(), "{what}");
        assert!(
            reply.text.len() < 10_000,
            "{what}: {} bytes",
            reply.text.len()
        );
    }
}

struct Wire {
    app: TestApp,
    client: Client,
    admin: Client,
}

impl Wire {
    fn new() -> Self {
        let app = TestApp::new();
        let client = app.public_sms_user("ada").client;
        // The second account and app are those that are changed.
        let _ = app.public_sms_user("bob");
        let admin = app.gateway(PUBLIC_HOST).with("x-admin-key", SMS_ADMIN_KEY);
        Self { app, client, admin }
    }

    fn client(&self, operation: &Operation) -> &Client {
        if operation.path.starts_with("/api/v1/admin/") {
            &self.admin
        } else {
            &self.client
        }
    }
}

fn with_bodies() -> Vec<(Operation, Value)> {
    let all: Vec<_> = gateway_operations()
        .into_iter()
        .filter_map(|operation| body(&operation).map(|body| (operation, body)))
        .collect();
    let missing: Vec<String> = gateway_operations()
        .into_iter()
        .filter(|operation| !operation.properties().is_empty())
        .filter(|operation| !operation.security.iter().any(|name| name == "bridge"))
        .filter(|operation| body(operation).is_none())
        .map(|operation| operation.name())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    all
}

#[test]
fn every_field_of_every_body_may_be_anything() {
    let wire = Wire::new();
    for (operation, right) in with_bodies() {
        let client = wire.client(&operation);
        let path = path(&operation);
        let mut changed: Vec<Value> = values();
        for (name, inner) in right.as_object().unwrap() {
            for value in values() {
                let mut body = right.clone();
                body[name] = value.clone();
                changed.push(body);
                // One level further down: policies and receivers.
                for inner_name in inner.as_object().iter().flat_map(|map| map.keys()) {
                    let mut body = right.clone();
                    body[name][inner_name] = value.clone();
                    changed.push(body);
                }
                if let Some(first) = inner.get(0).and_then(Value::as_object) {
                    for inner_name in first.keys() {
                        let mut body = right.clone();
                        body[name][0][inner_name] = value.clone();
                        changed.push(body);
                    }
                }
            }
            let mut body = right.clone();
            body.as_object_mut().unwrap().remove(name);
            changed.push(body);
        }
        let mut unknown = right.clone();
        unknown["no_such_field"] = json!(1);
        let reply = client.send(&operation.method, &path, Some(&unknown));
        assert!(
            matches!(reply.status, 400 | 429),
            "{} {}",
            operation.name(),
            reply.text
        );
        for body in changed {
            let text = body.to_string();
            let what = format!(
                "{} {}",
                operation.name(),
                text.chars().take(300).collect::<String>()
            );
            sane(&client.send(&operation.method, &path, Some(&body)), &what);
        }
        // Links that were closed, and limits that were used up, must not hide what comes next.
        wire.app.execute(
            "CONTROL",
            "update sms_links set allowed_ips = '[]', is_enabled = 1",
        );
        wire.app.pass_seconds(60);
    }
}

#[test]
fn what_is_no_body_is_told_so_in_the_gateways_words() {
    let wire = Wire::new();
    for (operation, right) in with_bodies() {
        let client = wire.client(&operation);
        let path = path(&operation);
        let raw =
            |kind: Option<&str>, body: &[u8]| client.raw(&operation.method, &path, kind, body);
        let json = Some("application/json");
        let mut bad_utf8 = right.to_string().into_bytes();
        bad_utf8.insert(2, 0xff);
        let large = format!("{{\"x\": \"{}\"}}", "x".repeat(1_048_576));
        let deep = "[".repeat(100_000);
        let text = right.to_string();
        for (kind, body, status) in [
            (json, &bad_utf8[..], 400),
            (json, deep.as_bytes(), 400),
            (json, b"[]", 400),
            (json, b"null", 400),
            (json, b"{", 400),
            (json, b"\xef\xbb\xbf{}", 400),
            (json, large.as_bytes(), 413),
            (Some("text/plain"), text.as_bytes(), 415),
            (Some("application/xml"), b"<a/>", 415),
            (None, text.as_bytes(), 415),
        ] {
            let reply = raw(kind, body);
            let what = format!("{} {kind:?} {}", operation.name(), body.len());
            sane(&reply, &what);
            assert_eq!(reply.status, status, "{what} {}", reply.text);
        }
        sane(&raw(None, b""), &operation.name());
    }
    let form = "esme=100&source=Greenwood&destination=%2B263771234567&message=Hello";
    wire.client.form("sms/send", form).expect(200);
}

#[test]
fn numbers_may_be_written_as_text_and_nothing_else() {
    let wire = Wire::new();
    let mut body = text_to("+263771234567", "Hello");
    body["esme"] = json!("100");
    body["task_id"] = json!("12345");
    let sent = wire.client.post("sms/send", &body).status(200);
    assert_eq!(
        (&sent.json["esme"], &sent.json["task_id"]),
        (&json!(100), &json!(12345))
    );
    for wrong in [
        json!("100.0"),
        json!(" 100"),
        json!("0x64"),
        json!(100.5),
        json!([100]),
        json!("1e2"),
    ] {
        body["esme"] = wrong;
        wire.client.post("sms/send", &body).expect(400);
    }
}

#[test]
fn every_path_and_query_may_be_anything() {
    let wire = Wire::new();
    let segments = [
        "0",
        "-1",
        "99999999999999999999",
        "%00",
        "%ff",
        "..",
        "%2e%2e",
        "a%2fb",
        "😀",
        "x".repeat(3_000).leak(),
    ];
    for operation in gateway_operations() {
        let client = wire.client(&operation);
        if let (Some(start), Some(end)) = (operation.path.find('{'), operation.path.find('}')) {
            for segment in segments {
                let segment: String = form_urlencoded_if_needed(segment);
                let path = format!(
                    "{}{segment}{}",
                    &operation.path[..start],
                    &operation.path[end + 1..]
                );
                let body = body(&operation);
                sane(
                    &client.send(&operation.method, &path, body.as_ref()),
                    &format!("{} {segment}", operation.name()),
                );
            }
        }
        if operation.method == Method::GET {
            for query in [
                "",
                "?",
                "?&&&",
                "?=",
                "?%ff=%00",
                "?limit=-1",
                "?after=%00&limit=1",
                "?x=1",
                "?limit=1&limit=1",
            ] {
                let reply = client.get(&format!("{}{query}", path(&operation)));
                sane(&reply, &format!("{}{query}", operation.name()));
            }
        }
    }
}

fn form_urlencoded_if_needed(segment: &str) -> String {
    if segment.is_ascii() {
        segment.to_owned()
    } else {
        segment.bytes().map(|byte| format!("%{byte:02x}")).collect()
    }
}

#[test]
fn what_the_bridge_signs_may_be_anything_too() {
    let wire = Wire::new();
    for path in ["sms/dlr", "sms/mo", "sms/link-state"] {
        for value in values() {
            sane(&wire.app.webhook(path, &value), path);
            sane(&wire.app.webhook(path, &json!({"events": value})), path);
            sane(&wire.app.webhook(path, &json!({"events": [value]})), path);
        }
        let many = json!({"events": vec![json!({}); 101]});
        wire.app.webhook(path, &many).expect(400);
    }
    let right = json!({
        "id": "e", "at": 5, "message_id": "01900000-0000-7000-8000-00000000ffff", "app_id": 1, "tenant": null, "version": 1,
        "status": "DELIVERED", "parts": [{"number": 1, "status": "DELIVERED", "error": null}], "error": "",
    });
    for name in right.as_object().unwrap().keys() {
        for value in values() {
            let mut event = right.clone();
            event[name] = value;
            sane(
                &wire.app.webhook("sms/dlr", &json!({"events": [event]})),
                name,
            );
        }
    }
}

#[test]
fn sending_takes_few_trips_to_databases() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    for user in [
        app.public_sms_user("ada"),
        app.sms_user(&school.host, "bob"),
    ] {
        let at_school = u64::from(user.email.starts_with("bob"));
        let first = user.send("+263771234567", "One").status(200);
        let second = user.send("+263771234567", "Two").status(200);
        assert_eq!(second.trips(), 2 + at_school);
        assert!(second.trips() <= 3);
        // An isolate that knows nobody asks for the app, the link and the school besides.
        assert!(first.trips() <= 5 + at_school, "{}", first.trips());
        let body = json!({
            "esme": 100, "source": "Greenwood", "message": "Hello",
            "recipients": [{"destination": "+263771234567"}, {"destination": "+263771234568"}],
        });
        let batch = user.client.post("sms/send-batch", &body).status(200);
        assert_eq!(batch.trips(), 2 + at_school);
        assert_eq!(user.client.get("sms/messages").status(200).trips(), 1);
        let id = batch.str("batch_id");
        assert_eq!(
            user.client
                .get(&format!("sms/batch/{id}"))
                .status(200)
                .trips(),
            1
        );
        assert_eq!(
            user.client
                .delete(&format!("sms/batch/{id}"))
                .status(200)
                .trips(),
            2
        );
    }
}

/// Rows and index entries that are written, as D1 counts them.
#[test]
fn a_message_writes_two_rows_and_a_batch_two_more() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let changes = |app: &TestApp| -> u64 {
        let notes = app.take_batches();
        notes.iter().map(|note| note.changes).sum()
    };
    let _ = user.sent("First");
    let _ = changes(&app);
    let _ = user.sent("Second");
    assert_eq!(changes(&app), 2);
    let many: Vec<Value> = (0..50)
        .map(|n| json!({"destination": format!("+26377123{n:04}")}))
        .collect();
    let body = json!({"esme": 100, "source": "Greenwood", "message": "Hello", "recipients": many});
    let mut limits = json!({"burst": 1000});
    let path = format!("admin/apps/{}", user.app_id);
    limits["rate_per_second"] = json!(1000);
    app.gateway(PUBLIC_HOST)
        .with("x-admin-key", SMS_ADMIN_KEY)
        .patch(&path, &limits)
        .expect(200);
    let _ = changes(&app);
    user.client.post("sms/send-batch", &body).expect(200);
    // The batch, the messages, the usage, and the count of the batch.
    assert_eq!(changes(&app), 50 + 3);
}
