//! `/api/v1/school/auth/password-reset/`.

use homeroom_api_tests::{Client, PASSWORD, Reply, School, TestApp};
use http::Method;
use serde_json::{Value, json};

use super::{greenwood, login, person, refused};

pub(super) const ASK: &str = "auth/password-reset/";
pub(super) const CONFIRM: &str = "auth/password-reset/confirm/";
pub(super) const EMAIL: &str = "chipo@greenwood.example";
const PHONE: &str = "+263771000001";
const NEW: &str = "staple of the day";

pub(super) struct Forgetful {
    pub(super) app: TestApp,
    pub(super) school: School,
    pub(super) door: Client,
    user: String,
}

impl Forgetful {
    /// A user with a phone.
    pub(super) fn new() -> Self {
        let (app, school) = greenwood();
        let door = school.anonymous().from("203.0.113.9");
        let user = school.admin.post("users/", &with_phone(EMAIL, PHONE));
        Self {
            user: user.status(201).id(),
            app,
            school,
            door,
        }
    }

    pub(super) fn ask(&self) -> Reply {
        self.door.post(ASK, &json!({"email": EMAIL}))
    }

    /// The texts that reach phones.
    pub(super) fn texts(&self) -> Vec<(String, String)> {
        let _ = self.app.work_queue();
        let bodies = self.app.take_submissions();
        let all = bodies.into_iter().flatten();
        all.map(|one| (one.destination, one.text)).collect()
    }

    /// Asks for a code, and reads it from the phone.
    pub(super) fn code(&self) -> String {
        // The burst of an address is back after a moment.
        self.app.pass_seconds(2);
        self.ask().expect(202);
        let mut texts = self.texts();
        assert_eq!(texts.len(), 1, "{texts:?}");
        let (number, text) = texts.remove(0);
        assert_eq!(number, "263771000001");
        text[..6].to_owned()
    }

    pub(super) fn confirm(&self, code: &str) -> Reply {
        self.try_body(&confirm(EMAIL, code))
    }

    fn try_body(&self, body: &Value) -> Reply {
        self.app.pass_seconds(3);
        self.door.post(CONFIRM, body)
    }

    pub(super) fn count(&self, sql: &str) -> i64 {
        self.app.count(&self.school.slot, sql)
    }
}

fn with_phone(email: &str, phone: &str) -> Value {
    let mut body = person(email);
    body["phone_number"] = json!(phone);
    body
}

pub(super) fn confirm(email: &str, code: &str) -> Value {
    json!({"email": email, "code": code, "new_password": NEW})
}

/// Another code than this one.
pub(super) fn wrong(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

#[test]
fn a_code_that_a_phone_is_sent_sets_a_new_password_and_ends_every_sign_in() {
    let place = Forgetful::new();
    let before = login(&place.door, EMAIL, PASSWORD).status(200);
    let asked = place.ask().status(202);
    insta::assert_json_snapshot!(asked.json, @r#"
    {
      "detail": "If this is a user with a phone, a code is on its way to it. It is good for 10 minutes."
    }
    "#);
    let (number, text) = place.texts().remove(0);
    assert_eq!(number, "263771000001");
    let (code, words) = text.split_at(6);
    assert_eq!(
        words,
        " is your code for a new password at greenwood school. It is good for 10 minutes. Give it to nobody."
    );
    let reply = place.confirm(code);
    assert_eq!((reply.status, reply.text.as_str()), (204, ""));
    let session = place.door.bearer(&before.str("access"));
    session.get("auth/me/").expect(401);
    let refresh = json!({"refresh": before.str("refresh")});
    place.door.post("auth/refresh/", &refresh).expect(401);
    login(&place.door, EMAIL, PASSWORD).expect(401);
    login(&place.door, EMAIL, NEW).expect(200);
    // Once.
    refused(&place.confirm(code), 401, "invalid_code");
}

#[test]
fn the_audit_log_says_who_did_what_and_no_code() {
    let place = Forgetful::new();
    let code = place.code();
    place.confirm(&code).expect(204);
    let logs = place.school.admin.get("audit-logs/?ordering=-timestamp");
    let seen: Vec<[&Value; 4]> = logs.results()[..3]
        .iter()
        .map(|row| {
            [
                &row["table_name"],
                &row["action"],
                &row["actor_kind"],
                &row["actor_name"],
            ]
        })
        .collect();
    let by_user = |table: &'static str| {
        [
            json!(table),
            json!("UPDATE"),
            json!("user"),
            json!("Chipo Dube"),
        ]
    };
    let asked = [
        json!("password_resets"),
        json!("CREATE"),
        json!("system"),
        json!("Password reset"),
    ];
    for expected in [by_user("users"), by_user("password_resets"), asked] {
        let expected = expected.each_ref();
        assert!(seen.contains(&expected), "{expected:?}: {seen:?}");
    }
    let sql = "select changes from audit_logs where table_name in ('password_resets', 'users')";
    for row in place.app.rows(&place.school.slot, sql) {
        assert!(!row[0].as_str().unwrap().contains(&code), "{row:?}");
    }
}

#[test]
fn who_is_a_user_shows_neither_in_the_answer_nor_in_the_work() {
    let place = Forgetful::new();
    let admin = &place.school.admin;
    let new = |email: &str, phone: &str| {
        let user = admin.post("users/", &with_phone(email, phone));
        user.status(201).id()
    };
    let _ = new("home@greenwood.example", "0771000002");
    let off = new("off@greenwood.example", "+263771000003");
    let path = format!("users/{off}/");
    admin.patch(&path, &json!({"is_active": false})).expect(200);
    let gone = new("gone@greenwood.example", "+263771000004");
    admin.delete(&format!("users/{gone}/")).expect(204);
    let _ = new("stop@greenwood.example", "+263771000005");
    let stop = json!({"number": "+263771000005"});
    assert!(admin.post("sms/opt-outs/", &stop).status < 300);
    let _ = new("stop-all@greenwood.example", "+263771000006");
    let stop_all = "insert into sms_opt_outs values (0, '263771000006', 'stop', 0)";
    place.app.execute("CONTROL", stop_all);
    let _ = new("much@greenwood.example", "+263771000007");
    let door = |n: u32| place.school.anonymous().from(&format!("2001:db8:{n:x}::1"));
    for n in 0..3 {
        let body = json!({"email": "much@greenwood.example"});
        door(1_000 + n).post(ASK, &body).expect(202);
    }
    assert_eq!(place.texts().len(), 3);
    // The isolate knows the school and how it sends; nobody is told apart by that.
    place.ask().expect(202);
    assert_eq!(place.texts().len(), 1);
    let _ = place.app.take_batches();
    let mut seen: Vec<(Value, Value)> = Vec::new();
    let people = [
        json!({"email": EMAIL}),
        json!({"phone_number": "+263 77 100 0001"}),
        json!({"email": "admin@greenwood.example"}),
        json!({"email": "home@greenwood.example"}),
        json!({"email": "off@greenwood.example"}),
        json!({"email": "gone@greenwood.example"}),
        json!({"email": "stop@greenwood.example"}),
        json!({"email": "stop-all@greenwood.example"}),
        json!({"email": "much@greenwood.example"}),
        json!({"email": "nobody@greenwood.example"}),
        json!({"email": "no address"}),
        json!({"phone_number": "+263770000000"}),
        json!({"phone_number": "x"}),
    ];
    for (n, body) in (1..).zip(&people) {
        let reply = door(n).post(ASK, body).status(202);
        let names: Vec<_> = reply.headers.keys().map(ToString::to_string).collect();
        let work: Vec<_> = place
            .app
            .take_batches()
            .into_iter()
            .map(|batch| {
                // The two columns that a user is found by.
                let text = batch.statements.join(";");
                json!([
                    batch.binding,
                    text.replace("phone_number = ?1", "email = ?1")
                ])
            })
            .collect();
        assert_eq!(place.app.queued().len(), usize::try_from(n).unwrap());
        seen.push((
            body.clone(),
            json!([reply.text, names, reply.trips(), work]),
        ));
    }
    let (_, first) = &seen[0];
    for (body, other) in &seen {
        assert_eq!(first, other, "{body}");
    }
    let numbers: Vec<_> = place
        .texts()
        .into_iter()
        .map(|(number, _)| number)
        .collect();
    assert_eq!(numbers, ["263771000001", "263771000001"]);
}

#[test]
fn whatever_is_wrong_with_a_code_the_refusal_is_the_same() {
    let place = Forgetful::new();
    let mut replies = vec![place.confirm("123456")];
    let replaced = place.code();
    let code = place.code();
    for dead in [&wrong(&code), &replaced] {
        // Both codes are the same once in a million runs.
        if *dead != code {
            replies.push(place.confirm(dead));
        }
    }
    place.confirm(&code).expect(204);
    replies.push(place.confirm(&code));
    let late = place.code();
    place.app.pass_seconds(10 * 60);
    replies.push(place.confirm(&late));
    for body in [
        confirm("nobody@greenwood.example", "123456"),
        confirm("admin@greenwood.example", "123456"),
        json!({"phone_number": "+263770000000", "code": "123456", "new_password": NEW}),
    ] {
        replies.push(place.try_body(&body));
    }
    insta::assert_json_snapshot!(replies[0].json, @r#"
    {
      "code": "invalid_code",
      "detail": "The code is wrong or no longer good. Try again, or ask for another one."
    }
    "#);
    for reply in &replies {
        assert_eq!((reply.status, &reply.text), (401, &replies[0].text));
        assert_eq!(reply.trips(), replies[0].trips());
        assert_eq!(reply.header("x-d1-bookmark"), "");
    }
}

#[test]
fn a_body_that_is_no_request_is_told_by_field() {
    let place = Forgetful::new();
    for (path, body, fields) in [
        (ASK, json!({}), vec!["non_field_errors"]),
        (
            ASK,
            json!({"email": "a@b.example", "phone_number": "1"}),
            vec!["non_field_errors"],
        ),
        (
            CONFIRM,
            json!({"email": EMAIL}),
            vec!["code", "new_password"],
        ),
        (CONFIRM, confirm(EMAIL, "12345"), vec!["code"]),
        (
            CONFIRM,
            json!({"email": EMAIL, "code": "123456", "new_password": "password"}),
            vec!["new_password"],
        ),
    ] {
        place.app.pass_seconds(2);
        assert_eq!(place.door.post(path, &body).fields(), fields, "{body}");
    }
}

#[test]
fn of_confirmations_at_the_same_time_one_succeeds() {
    let place = Forgetful::new();
    let code = place.code();
    let many = (0..4).map(|n| {
        let door = place.school.anonymous().from(&format!("2001:db8:{n:x}::1"));
        let body =
            json!({"email": EMAIL, "code": code, "new_password": format!("staple number {n}")});
        door.request(&Method::POST, CONFIRM, Some(&body))
    });
    let replies = place.app.run_together(many.collect());
    let done: Vec<usize> = (0..4).filter(|n| replies[*n].status == 204).collect();
    assert_eq!(done.len(), 1, "{done:?}");
    for reply in replies.iter().filter(|reply| reply.status != 204) {
        refused(reply, 401, "invalid_code");
    }
    let new = format!("staple number {}", done[0]);
    login(&place.door, EMAIL, &new).expect(200);
}

#[test]
fn a_code_is_good_for_the_phone_and_the_password_that_it_was_asked_for() {
    let place = Forgetful::new();
    let path = format!("users/{}/", place.user);
    let changes = [
        json!({"phone_number": "+263771999999"}),
        json!({"password": "another one altogether"}),
        json!({"is_active": false}),
    ];
    for change in changes {
        let code = place.code();
        place.school.admin.patch(&path, &change).expect(200);
        refused(&place.confirm(&code), 401, "invalid_code");
        let back = json!({"phone_number": PHONE, "is_active": true});
        place.school.admin.patch(&path, &back).expect(200);
        // An hour of codes, and not of the administrator's token.
        let earlier = "update password_resets set created_at = created_at - 3600000";
        place.app.execute(&place.school.slot, earlier);
    }
    let code = place.code();
    place.school.admin.delete(&path).expect(204);
    refused(&place.confirm(&code), 401, "invalid_code");
}

#[test]
fn a_new_password_lifts_the_lockout_and_the_duty_to_choose_one() {
    let place = Forgetful::new();
    let path = format!("users/{}/", place.user);
    let must = json!({"must_change_password": true});
    place.school.admin.patch(&path, &must).expect(200);
    for _ in 0..3 {
        let _ = login(&place.door, EMAIL, "wrong");
    }
    login(&place.door, EMAIL, PASSWORD).expect(429);
    let by_phone = json!({"phone_number": PHONE, "password": "wrong"});
    for _ in 0..3 {
        let _ = place.door.post("auth/login/", &by_phone);
    }
    let code = place.code();
    place.confirm(&code).expect(204);
    let signed_in = login(&place.door, EMAIL, NEW).status(200);
    assert_eq!(signed_in.json["user"]["must_change_password"], false);
    let by_phone = json!({"phone_number": PHONE, "password": NEW});
    place.door.post("auth/login/", &by_phone).expect(200);
}

#[test]
fn a_code_is_good_under_a_new_master_key_too() {
    let place = Forgetful::new();
    let code = place.code();
    place.app.restart(2);
    place.confirm(&code).expect(204);
}

#[test]
fn a_code_is_good_at_its_own_school_only() {
    let place = Forgetful::new();
    let other = place.app.school("oakhill");
    other
        .admin
        .post("users/", &with_phone(EMAIL, PHONE))
        .expect(201);
    let code = place.code();
    let door = other.anonymous();
    refused(
        &door.post(CONFIRM, &confirm(EMAIL, &code)),
        401,
        "invalid_code",
    );
    place.confirm(&code).expect(204);
    login(&door, EMAIL, PASSWORD).expect(200);
}

#[test]
fn where_the_school_sends_nothing_the_answer_is_the_same() {
    let place = Forgetful::new();
    let _ = place.code();
    let first = place.ask().status(202);
    assert_eq!(place.texts().len(), 1);
    for sql in [
        "update sms_apps set is_active = 0",
        "update sms_apps set is_active = 1, daily_parts = 0",
    ] {
        place.app.execute("CONTROL", sql);
        place.app.pass_seconds(3_600);
        for email in [EMAIL, "nobody@greenwood.example"] {
            let reply = place.door.post(ASK, &json!({"email": email})).status(202);
            assert_eq!(reply.text, first.text, "{email}: {sql}");
        }
        assert_eq!(place.texts(), Vec::new(), "{sql}");
        assert_eq!(place.count("select count(*) from password_resets"), 2);
    }
}

#[test]
fn without_the_limiter_nothing_is_tried_and_a_queue_that_is_away_is_made_up_for() {
    let place = Forgetful::new();
    let code = place.code();
    place.app.break_login_guard(true);
    for reply in [place.ask(), place.confirm(&code)] {
        refused(&reply, 503, "unavailable");
    }
    place.app.break_login_guard(false);
    place.app.break_queue(true);
    place.app.pass_seconds(2);
    place.ask().expect(202);
    place.app.break_queue(false);
    assert_eq!(place.texts(), Vec::new());
    place.app.pass_seconds(121);
    assert_eq!(place.app.sweep().unwrap(), 1);
    let text = place.texts().remove(0).1;
    place.app.break_passwords(true);
    refused(&place.confirm(&text[..6]), 503, "unavailable");
    place.app.break_passwords(false);
    place.confirm(&text[..6]).expect(204);
}
