//! Opt-outs as files: out, and in.

use homeroom_api_tests::{Mood, Reply, SmsUser, TestApp, text_to};
use serde_json::{Value, json};

const ADA: &str = "+263771234567";
const BEN: &str = "+263779999999";
const PATH: &str = "sms/opt-outs/import";

fn outcomes(reply: &Reply) -> Vec<(u64, &str, &str)> {
    let results = reply.json["results"].as_array().unwrap();
    results
        .iter()
        .map(|one| {
            (
                one["row"].as_u64().unwrap(),
                one["number"].as_str().unwrap(),
                one["outcome"].as_str().unwrap(),
            )
        })
        .collect()
}

fn counts(reply: &Reply) -> [&Value; 3] {
    ["added", "known", "invalid"].map(|name| &reply.json[name])
}

fn opted_out(user: &SmsUser) -> usize {
    let all = user.client.get("sms/opt-outs").status(200).json;
    all["results"].as_array().unwrap().len()
}

#[test]
fn each_row_of_a_list_has_its_outcome_and_a_dry_run_writes_nothing() {
    let app = TestApp::new();
    let (user, other) = (app.public_sms_user("ada"), app.public_sms_user("bob"));
    let one = json!({"number": BEN});
    user.client.post("sms/opt-outs", &one).expect(200);
    let list = json!({"numbers": [ADA, "0771234567", BEN, "00263771234567", 7, "=1+1"]});
    let expected = [
        (1, ADA, "added"),
        (2, "0771234567", "invalid"),
        (3, BEN, "known"),
        (4, ADA, "known"),
        (5, "", "invalid"),
        (6, "=1+1", "invalid"),
    ];
    let dry = user.client.post(&format!("{PATH}?dry_run=true"), &list);
    assert_eq!(outcomes(&dry), expected);
    assert_eq!((&dry.json["dry_run"], opted_out(&user)), (&json!(true), 1));
    let done = user.client.post(PATH, &list);
    assert_eq!(outcomes(&done), expected);
    assert_eq!(counts(&done), [&json!(1), &json!(2), &json!(3)]);
    assert_eq!((opted_out(&user), opted_out(&other)), (2, 0));
    let again = user.client.post(PATH, &list);
    assert_eq!(counts(&again), [&json!(0), &json!(3), &json!(3)]);
    let audited = app.rows(
        "CONTROL",
        "select action, record_id, json_extract(changes, '$.number.to') from audit_logs \
         where table_name = 'sms_opt_outs' order by id",
    );
    let line = |number: &str| {
        let record = format!("{}/{number}", user.app_id);
        vec![json!("CREATE"), json!(record), json!(number)]
    };
    assert_eq!(audited, [line("263779999999"), line("263771234567")]);
    let refused = user.client.post("sms/send", &text_to(ADA, "Hello"));
    assert_eq!((refused.status, refused.code()), (403, "opted_out"));
}

#[test]
fn what_is_exported_is_no_formula_and_can_be_imported_elsewhere() {
    let app = TestApp::new();
    let (user, other) = (app.public_sms_user("ada"), app.public_sms_user("bob"));
    let numbers: Vec<String> = (0..1_000).map(|n| format!("+26377{n:07}")).collect();
    user.client
        .post(PATH, &json!({ "numbers": numbers }))
        .expect(200);
    let one = json!({"numbers": ["33555"]});
    user.client.post(PATH, &one).expect(200);
    let file = user.client.get("sms/opt-outs.csv").status(200).text.clone();
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(lines.len(), 1_002, "more than one page");
    assert_eq!(lines[0], "number,reason,created_at");
    assert!(
        lines[1].starts_with("'+263770000000,api,2026-"),
        "{}",
        lines[1]
    );
    assert!(lines[1_001].starts_with("33555,api,"), "{}", lines[1_001]);

    let some: Vec<&str> = lines.iter().copied().take(4).collect();
    let read = other.client.file(PATH, &some.join("\r\n"));
    let expected = (2..).zip(&numbers).take(3);
    let expected: Vec<_> = expected
        .map(|(row, number)| (row, number.as_str(), "added"))
        .collect();
    assert_eq!(outcomes(&read), expected);
    assert_eq!(opted_out(&other), 3);
    let marked = other
        .client
        .get("sms/opt-outs.csv?bom=true")
        .status(200)
        .text
        .clone();
    assert!(marked.starts_with("\u{feff}number,"), "{marked}");
}

#[test]
fn a_list_that_is_none_is_refused_as_a_whole() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let many: Vec<String> = (0..1_001).map(|n| format!("+26377{n:07}")).collect();
    for list in [json!([]), json!(many), json!("+263771234567")] {
        user.client
            .post(PATH, &json!({ "numbers": list }))
            .expect(400);
    }
    for file in [
        "",
        "number\n",
        "phone\n+263771234567\n",
        "number\n\"+263771234567\n",
    ] {
        user.client.file(PATH, file).expect(400);
    }
    let long = format!("number\n{}", many.join("\n"));
    user.client.file(PATH, &long).expect(400);
    assert_eq!(opted_out(&user), 0);
}

#[test]
fn what_waits_for_the_receivers_of_a_list_is_withdrawn_here_and_at_the_bridge() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let scheduled = |to: &str| {
        let mut body = text_to(to, "tomorrow");
        body["send_at"] = json!(app.now().seconds() + 86_400);
        user.client
            .post("sms/send", &body)
            .status(200)
            .str("message_id")
    };
    let (at_bridge, of_nobody) = (scheduled(ADA), scheduled("+263778888888"));
    app.work_queue();
    let here = scheduled(BEN);
    let list = json!({"numbers": [ADA, BEN]});
    let statuses = || [&at_bridge, &here, &of_nobody].map(|id| user.info(id)["status"].clone());
    user.client
        .post(&format!("{PATH}?dry_run=1"), &list)
        .expect(200);
    assert_eq!(statuses(), ["ACCEPTED", "ACCEPTED", "ACCEPTED"]);
    app.bridge_is(Mood::Away);
    user.client.post(PATH, &list).expect(200);
    assert_eq!(statuses(), ["ACCEPTED", "DELETED", "ACCEPTED"]);
    app.bridge_is(Mood::Taking);
    user.client.post(PATH, &list).expect(200);
    assert_eq!(statuses(), ["DELETED", "DELETED", "ACCEPTED"]);
}

#[test]
fn lists_add_at_most_a_hundred_thousand_opt_outs_to_an_app() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let many = format!(
        "with recursive n (n) as (select 1 union all select n + 1 from n where n < 99999) insert into sms_opt_outs \
         (app_id, number, reason, created_at) select {}, 26377000000 + n, 'stop', 0 from n",
        user.app_id
    );
    app.execute("CONTROL", &many);
    let two = json!({"numbers": [ADA, BEN, ADA]});
    for path in [PATH.to_owned(), format!("{PATH}?dry_run=true")] {
        let refused = user.client.post(&path, &two).status(400);
        assert!(
            refused.text.contains("more than 100000"),
            "{}",
            refused.text
        );
    }
    let one = json!({"numbers": [ADA, ADA, "+26377000001"]});
    let read = user.client.post(PATH, &one).status(200);
    assert_eq!(counts(&read), [&json!(1), &json!(2), &json!(0)]);
    user.client.post(PATH, &one).expect(200);
    user.client.post(PATH, &two).expect(400);
}

#[test]
fn what_is_left_at_the_bridge_is_said_and_withdrawn_by_the_same_list_however_much_is_too_late() {
    const MANY: usize = 201;
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    super::set(
        &app,
        &user,
        "rate_per_second = 1000, burst = 2000, daily_parts = 100000",
    );
    let numbers: Vec<String> = (0..MANY).map(|n| format!("+26377{n:07}")).collect();
    let send = |transaction: &str, send_at: Option<i64>| {
        let recipients: Vec<Value> = numbers
            .iter()
            .map(|number| json!({"destination": number}))
            .collect();
        let mut body = json!({"esme": 100, "source": "Greenwood", "message": transaction, "transaction_id": transaction,
            "recipients": recipients});
        if let Some(send_at) = send_at {
            body["send_at"] = json!(send_at);
        }
        user.client.post("sms/send-batch", &body).expect(200);
        app.work_queue();
    };
    let status = |text: &str, status: &str| {
        app.count(
            "CONTROL",
            &format!(
                "select count(*) from sms_messages where text = '{text}' and status = '{status}'"
            ),
        )
    };
    send("tomorrow", Some(app.now().seconds() + 86_400));
    send("now", None);
    let now = app.rows("CONTROL", "select id from sms_messages where text = 'now'");
    for row in &now {
        app.bridge_sends(row[0].as_str().unwrap());
    }

    let list = json!({"numbers": numbers});
    let first = user.client.post(PATH, &list).status(200);
    assert_eq!(
        (&first.json["added"], &first.json["remaining"]),
        (&json!(MANY), &json!(202))
    );
    assert_eq!(status("tomorrow", "DELETED"), 200);
    let second = user.client.post(PATH, &list).status(200);
    assert_eq!(
        (&second.json["known"], &second.json["remaining"]),
        (&json!(MANY), &json!(2))
    );
    assert_eq!(
        (status("tomorrow", "DELETED"), status("now", "ACCEPTED")),
        (201, 201)
    );
}
