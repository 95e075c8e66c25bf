//! How often somebody may ask for a code, and try one.

use http::Method;
use serde_json::json;

use super::{
    password_resets::{ASK, CONFIRM, EMAIL, Forgetful, confirm, wrong},
    refused,
};

#[test]
fn five_wrong_tries_kill_a_code_and_four_do_not() {
    let place = Forgetful::new();
    for (tries, status) in [(5, 401), (4, 204)] {
        let code = place.code();
        for _ in 0..tries {
            refused(&place.confirm(&wrong(&code)), 401, "invalid_code");
        }
        assert_eq!(place.confirm(&code).status, status, "after {tries}");
    }
}

#[test]
fn tries_at_the_same_time_do_not_outrun_the_count() {
    let place = Forgetful::new();
    let code = place.code();
    let body = confirm(EMAIL, &wrong(&code));
    let many = (0..12).map(|n| {
        let door = place.school.anonymous().from(&format!("2001:db8:{n:x}::1"));
        door.request(&Method::POST, CONFIRM, Some(&body))
    });
    for reply in place.app.run_together(many.collect()) {
        refused(&reply, 401, "invalid_code");
    }
    assert_eq!(place.count("select tries from password_resets"), 5);
    refused(&place.confirm(&code), 401, "invalid_code");
}

#[test]
fn a_user_gets_three_codes_an_hour_and_ten_a_day_and_the_last_one_stays_good() {
    let place = Forgetful::new();
    let mut sent = 0;
    for hour in 0..5 {
        for _ in 0..4 {
            place.app.pass_seconds(2);
            place.ask().expect(202);
        }
        let texts = place.texts();
        assert_eq!(texts.len(), [3, 3, 3, 1, 0][hour], "hour {hour}");
        sent += texts.len();
        if let Some((_, text)) = texts.last().filter(|_| hour == 3) {
            place.confirm(&text[..6]).expect(204);
        }
        place.app.pass_seconds(3_600);
    }
    assert_eq!(sent, 10);
    place.app.pass_seconds(20 * 3_600);
    let _ = place.code();
    place.app.pass_seconds(25 * 3_600);
    place.app.visit_schools();
    assert_eq!(place.count("select count(*) from password_resets"), 0);
}

#[test]
fn an_address_is_held_to_its_limit_whoever_it_asks_about() {
    let place = Forgetful::new();
    let ask = |n: u32| {
        let email = format!("user-{n}@greenwood.example");
        if n.is_multiple_of(2) {
            place.door.post(ASK, &json!({"email": email}))
        } else {
            place.door.post(CONFIRM, &confirm(&email, "123456"))
        }
    };
    let burst: Vec<u16> = (0..11).map(|n| ask(n).status).collect();
    assert_eq!(burst[..10], [202, 401].repeat(5), "{burst:?}");
    assert_eq!(burst[10], 429);
    let reply = ask(0);
    refused(&reply, 429, "too_many_attempts");
    assert_eq!(reply.header("retry-after"), "1");
    for n in 0..90 {
        place.app.pass_seconds(2);
        assert_ne!(ask(n).status, 429, "{n}");
    }
    place.app.pass_seconds(60);
    let wait: i64 = ask(0).status(429).header("retry-after").parse().unwrap();
    assert!(wait > 3_600, "{wait}");
    // The /64 of another, and the user whom the first one asked about.
    let other = place.school.anonymous().from("2001:db8::1");
    other.post(ASK, &json!({"email": EMAIL})).expect(202);
    assert_eq!(place.texts().len(), 1);
    place.app.pass_seconds(wait);
    ask(0).expect(202);
}
