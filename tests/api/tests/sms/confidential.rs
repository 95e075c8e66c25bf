//! Messages whose text is for the receiver alone: the codes of `/api/v1/school/auth/password-reset/`.

use homeroom_api_tests::{Mood, Reply};
use homeroom_sms::Fate;
use serde_json::{Value, json};

use super::school_year::SmsSchool;

const EMAIL: &str = "chipo@greenwood.example";
const PHONE: &str = "+263771000001";
const WORDS: &str = " is your code for a new password";

/// Has somebody with a phone ask for a code; the message.
fn ask(place: &SmsSchool) -> String {
    let body =
        json!({"email": EMAIL, "first_name": "Chipo", "last_name": "Dube", "phone_number": PHONE});
    if place.admin.get(&format!("users/?email={EMAIL}")).json["count"] == 0 {
        place.admin.post("users/", &body).expect(201);
    }
    ask_again(place).expect(202);
    newest(place)
}

fn ask_again(place: &SmsSchool) -> Reply {
    let door = place.school.anonymous();
    door.post("auth/password-reset/", &json!({"email": EMAIL}))
}

fn newest(place: &SmsSchool) -> String {
    let sql = "select id from sms_messages where confidential = 1 order by id desc limit 1";
    let id = place.app.value(&place.school.slot, sql);
    id.as_str().unwrap().to_owned()
}

/// The text as it lies in the database.
fn kept(place: &SmsSchool, id: &str) -> String {
    let sql = format!("select text from sms_messages where id = '{id}'");
    let text = place.app.value(&place.school.slot, &sql);
    text.as_str().unwrap().to_owned()
}

/// What lies in the school's database, all of it.
fn dump(place: &SmsSchool) -> String {
    place.app.dump(&place.school.slot)
}

#[test]
fn nobody_at_the_school_is_shown_a_code_or_finds_out_what_it_is() {
    let place = SmsSchool::new();
    let guardian = place.guardian("Ada", Some(PHONE), true);
    let id = ask(&place);
    let text = kept(&place, &id);
    let code = text.split_once(WORDS).unwrap().0.to_owned();
    // It lies in the message, once, until that has left.
    assert_eq!(dump(&place).matches(WORDS).count(), 1);
    let shown = place.message(&id);
    assert_eq!(
        (&shown["message"], &shown["confidential"]),
        (&Value::Null, &json!(true))
    );
    assert_eq!(shown["destination"], PHONE);
    for part in [code.as_str(), &code[..3], "code", "password"] {
        let found = place.admin.get(&format!("sms/messages/?search={part}"));
        assert_eq!(found.status(200).json["count"], 0, "{part}");
    }
    let found = place
        .admin
        .get("sms/messages/?search=263771000001")
        .status(200);
    assert_eq!(found.column("id"), [id.as_str()]);
    // Who sends the same text learns from no refusal that it is the same.
    let body = json!({"esme": 100, "source": "School", "daily_cap": 1, "duplicate_seconds": 3_600});
    place.admin.put("sms/settings/", &body).expect(200);
    place.app.pass_seconds(5);
    let same = json!({"guardian": guardian, "message": text});
    place.send(&same).expect(201);
    for path in [
        "sms/messages/",
        "sms/batches/",
        "sms/inbound/",
        "sms/usage/",
        "audit-logs/",
        "audit-logs/?search=code",
        "users/",
        "exports/guardians.csv",
        "exports/staff.csv",
    ] {
        let reply = place.admin.get(path);
        let own = reply.text.replace(&same["message"].to_string(), "");
        assert!(!own.contains(WORDS), "{path}: {own}");
        assert!(reply.status < 500, "{path}");
    }
}

#[test]
fn a_code_is_forgotten_once_the_bridge_has_it_whatever_becomes_of_the_message() {
    let place = SmsSchool::new();
    let id = ask(&place);
    let text = kept(&place, &id);
    let sent = place.sent();
    assert_eq!(sent, [("263771000001".to_owned(), text)]);
    assert!(!dump(&place).contains(WORDS));
    assert_eq!(place.message(&id)["status"], "ACCEPTED");
    place.receipt(&id, "DELIVERED");
    let shown = place.message(&id);
    assert_eq!(shown["status"], "DELIVERED");
    assert_eq!(
        (&shown["message"], &shown["confidential"]),
        (&Value::Null, &json!(true))
    );
    // Another text is kept as ever.
    let body = json!({"destination": "+263772000000", "message": "Hello"});
    let other = place.send(&body).status(201);
    assert_eq!(
        (&other.json["message"], &other.json["confidential"]),
        (&json!("Hello"), &json!(false))
    );
    let _ = place.sent();
    assert_eq!(place.message(&other.id())["message"], "Hello");
}

#[test]
fn a_code_is_forgotten_where_its_message_ends_before_it_left() {
    for end in ["refused", "receipt", "cancelled", "stopped", "late"] {
        let place = SmsSchool::new();
        let id = ask(&place);
        match end {
            "refused" => {
                place.app.bridge_is(Mood::Refusing("too_long"));
                assert_eq!(place.app.work_queue(), [Fate::Done]);
            }
            // What the bridge says of it is faster than its answer, which is lost.
            "receipt" => {
                place.app.bridge_is(Mood::Mute);
                let _ = place.app.work_queue();
                assert!(kept(&place, &id).contains(WORDS));
                place.receipt(&id, "ENROUTE");
            }
            "cancelled" => {
                let path = format!("sms/messages/{id}/cancel/");
                let reply = place.admin.act(&path).status(200);
                assert_eq!(reply.json["message"], Value::Null);
            }
            "stopped" => {
                let stop = json!({"number": PHONE});
                assert!(place.admin.post("sms/opt-outs/", &stop).status < 300);
            }
            _ => {
                place.app.bridge_is(Mood::Away);
                let _ = place.app.work_queue();
                place.app.pass_seconds(9 * 60);
                let _ = place.app.work_queue();
                assert!(kept(&place, &id).contains(WORDS), "it is good still");
                place.app.pass_seconds(2 * 60);
                assert_eq!(place.app.work_queue(), [Fate::Done]);
                assert_eq!(place.message(&id)["status"], "EXPIRED");
            }
        }
        assert!(!dump(&place).contains(WORDS), "{end}");
        assert_eq!(place.message(&id)["message"], Value::Null, "{end}");
    }
}

#[test]
fn a_code_waits_for_no_quiet_hours_and_keeps_no_news_waiting() {
    let place = SmsSchool::new();
    let body = json!({
        "esme": 100, "source": "School", "quiet_from": "07:00", "quiet_to": "08:05", "timezone": "UTC", "weekly_cap": 2,
    });
    place.admin.put("sms/settings/", &body).expect(200);
    let guardian = place.guardian("Ada", Some(PHONE), true);
    for _ in 0..2 {
        let _ = ask(&place);
    }
    let texts = place.sent();
    assert_eq!(texts.len(), 2, "{texts:?}");
    place.app.pass_seconds(6 * 60);
    for nth in 0..3 {
        let text = format!("News {nth}");
        let reply = place.send(&json!({"guardian": guardian, "message": text}));
        assert_eq!(reply.status, if nth < 2 { 201 } else { 403 }, "{nth}");
    }
    assert_eq!(place.sent().len(), 2);
    // However many messages the phone had.
    ask_again(&place).expect(202);
    assert_eq!(place.sent().len(), 1);
}

#[test]
fn a_code_counts_against_the_limits_of_the_school_and_one_that_is_not_sent_does_not() {
    let place = SmsSchool::new();
    let _ = ask(&place);
    let usage = |place: &SmsSchool| place.admin.get("sms/usage/").status(200).json;
    let before = usage(&place);
    assert_eq!(
        (&before["messages"], &before["parts"]),
        (&json!(1), &json!(1))
    );
    let door = place.school.anonymous();
    for n in 0..5 {
        let nobody = json!({"email": format!("nobody-{n}@greenwood.example")});
        door.post("auth/password-reset/", &nobody).expect(202);
    }
    assert_eq!(usage(&place), before);
    // Two parts are left of the day: nobody took any.
    place.app.pass_seconds(5);
    place
        .app
        .execute("CONTROL", "update sms_apps set daily_parts = 3");
    for _ in 0..2 {
        let body = json!({"destination": "+263772000000", "message": "Hello"});
        place.app.pass_seconds(5);
        place.send(&body).expect(201);
    }
    let body = json!({"destination": "+263772000000", "message": "Hello"});
    assert_eq!(place.send(&body).code(), "daily_quota");
}
