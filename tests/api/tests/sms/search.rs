//! Searching messages: filters, and pages that neither leave out nor repeat.

use homeroom_api_tests::{SmsUser, TestApp, text_to};
use serde_json::{Value, json};

use super::{receipt, set};

fn found(user: &SmsUser, query: &str) -> Value {
    user.client
        .get(&format!("sms/messages?{query}"))
        .status(200)
        .json
}

fn ids(found: &Value) -> Vec<String> {
    let results = found["results"].as_array().unwrap();
    results
        .iter()
        .map(|one| one["message_id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn messages_are_found_by_everything_that_is_asked() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let mut sent = Vec::new();
    for (n, number) in ["+263771234567", "+263771234568", "+263771234567"]
        .iter()
        .enumerate()
    {
        let mut body = text_to(number, &format!("Text {n}"));
        body["transaction_id"] = json!(format!("tx-{n}"));
        body["task_id"] = json!(n + 1);
        sent.push(
            user.client
                .post("sms/send", &body)
                .status(200)
                .str("message_id"),
        );
        app.pass_seconds(10);
    }
    app.work_queue();
    let event = receipt(&user, None, &sent[1], 1, "DELIVERED", &["DELIVERED"]);
    app.webhook("sms/dlr", &json!({"events": [event]}))
        .expect(204);
    let all: Vec<String> = sent.iter().rev().cloned().collect();
    let everything = found(&user, "");
    assert_eq!(ids(&everything), all);
    assert_eq!(everything["next"], "");
    let mut shown = user.info(&sent[1]);
    shown["destination"] = json!("+263771234568");
    assert_eq!(everything["results"][1], shown);

    let created = app.rows("CONTROL", "select created_at from sms_messages order by id");
    let second = created[1][0].as_i64().unwrap();
    let (before, at) = (second.div_euclid(1_000) - 1, second.div_euclid(1_000) + 1);
    for (query, expected) in [
        ("status=DELIVERED".to_owned(), vec![1]),
        ("status=accepted".to_owned(), vec![2, 0]),
        ("status=ACCEPTED,DELIVERED".to_owned(), vec![2, 1, 0]),
        ("status=EXPIRED".to_owned(), vec![]),
        ("destination=%2B263771234567".to_owned(), vec![2, 0]),
        ("destination=+263771234567".to_owned(), vec![2, 0]),
        ("destination=263771234568".to_owned(), vec![1]),
        ("transaction_id=tx-2".to_owned(), vec![2]),
        ("task_id=1".to_owned(), vec![0]),
        ("destination=%2B263771234567&task_id=1".to_owned(), vec![0]),
        (format!("from={before}"), vec![2, 1]),
        (format!("to={before}"), vec![0]),
        (format!("from={before}&to={at}"), vec![1]),
        ("from=9999-12-31T23:59:59Z".to_owned(), vec![]),
        ("from=0".to_owned(), vec![2, 1, 0]),
    ] {
        let expected: Vec<String> = expected
            .into_iter()
            .map(|n: usize| sent[n].clone())
            .collect();
        assert_eq!(ids(&found(&user, &query)), expected, "{query}");
    }
}

#[test]
fn pages_are_whole_while_messages_come_in() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    set(&app, &user, "burst = 1000");
    let sent: Vec<String> = (0..7)
        .map(|n| {
            app.pass_millis(1);
            user.sent(&format!("Text {n}"))
        })
        .collect();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = found(&user, &format!("limit=3&cursor={cursor}"));
        seen.extend(ids(&page));
        cursor = page["next"].as_str().unwrap().to_owned();
        assert!(cursor.len() <= 22);
        if cursor.is_empty() {
            break;
        }
        app.pass_millis(1);
        let _ = user.sent("In between");
    }
    let expected: Vec<String> = sent.into_iter().rev().collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_search_for_something_rare_looks_at_five_thousand_at_a_time() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let rare = user.sent("Rare");
    app.execute("CONTROL", "update sms_messages set status = 'EXPIRED'");
    let many = format!(
        "with recursive n (n) as (select 1 union all select n + 1 from n where n < 6000) \
         insert into sms_messages (id, app_id, transaction_id, content_hash, esme, source, destination, text, numbering, \
         transliterate, encoding, segments, priority, status, parts, created_at, updated_at) \
         select printf('ff900000-0000-7000-8000-%012x', n), {}, 'many-' || n, '', 100, 'a', '26377', 't', '{{}}', 0, 'GSM7', 1, 0, \
         'ACCEPTED', '[]', 0, 0 from n",
        user.app_id
    );
    app.execute("CONTROL", &many);
    let first = found(&user, "status=EXPIRED");
    assert_eq!(ids(&first), [] as [String; 0]);
    let cursor = first["next"].as_str().unwrap();
    let second = found(&user, &format!("status=EXPIRED&cursor={cursor}"));
    assert_eq!(ids(&second), [rare]);
    assert_eq!(second["next"], "");
    let reply = user.client.get("sms/messages?status=EXPIRED&task_id=9");
    assert!(reply.status(200).trips() <= 2);
}

#[test]
fn the_plan_of_every_search_is_a_range_of_an_index() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let _ = user.sent("Hello");
    for (query, index) in [
        ("", "sms_messages_app"),
        ("status=EXPIRED&task_id=1&from=5&to=9", "sms_messages_app"),
        (
            "destination=263771234567&from=5",
            "sms_messages_destination",
        ),
        ("transaction_id=x", "sqlite_autoindex_sms_messages"),
        (
            "batch_id=01900000-0000-7000-8000-00000000fffe&to=99",
            "sms_messages_batch",
        ),
    ] {
        let _ = app.take_batches();
        let _ = found(&user, query);
        let statements = app.take_batches().remove(0).statements;
        assert_eq!(statements.len(), 2);
        for statement in statements {
            // The values do not matter for the plan.
            let mut text = statement.clone();
            for n in (1..=9).rev() {
                text = text.replace(&format!("?{n}"), "'[]'");
            }
            let plan = app.rows("CONTROL", &format!("explain query plan {text}"));
            let plan = format!("{plan:?}");
            assert!(plan.contains(index), "{query}: {plan}");
            assert!(!plan.contains("SCAN sms_messages"), "{query}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{query}: {plan}");
        }
    }
}

#[test]
fn another_apps_messages_are_not_found() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let ada = app.public_sms_user("ada");
    let id = ada.sent("Hers");
    for user in [
        app.public_sms_user("bob"),
        app.sms_user(&school.host, "cyd"),
    ] {
        assert_eq!(found(&user, "")["results"], json!([]));
        let info = json!({"message_id": id});
        user.client.post("sms/info", &info).expect(404);
        user.client.act(&format!("sms/{id}/cancel")).expect(404);
    }
}

#[test]
fn a_query_that_means_nothing_is_told_so() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    for query in [
        "status=LOST",
        "status=,",
        "destination=me",
        "batch_id=1",
        "task_id=-1",
        "task_id=99999999999999999999",
        "from=yesterday",
        "cursor=nonsense",
        "cursor=%F0%9F%98%80",
        "limit=0",
        "limit=101",
        "limit=1&limit=2",
        "colour=red",
        "count=true",
    ] {
        let reply = user
            .client
            .get(&format!("sms/messages?{query}"))
            .status(400);
        assert!(reply.json["error"].is_string(), "{query}");
    }
    let long = format!("sms/messages?cursor={}", "A".repeat(5_000));
    user.client.get(&long).expect(400);
}
