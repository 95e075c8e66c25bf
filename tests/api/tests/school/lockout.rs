use homeroom_api_tests::PASSWORD;
use serde_json::json;

use super::{greenwood, login, person, refused};

const EMAIL: &str = "admin@greenwood.example";

#[test]
fn two_failures_say_how_many_attempts_remain_and_the_third_locks_for_fifteen_minutes() {
    let (app, school) = greenwood();
    let door = school.anonymous().from("203.0.113.9");
    let first = login(&door, EMAIL, "wrong");
    insta::assert_json_snapshot!(first.json, @r#"
    {
      "code": "invalid_credentials",
      "detail": "Invalid credentials. 2 attempts remaining."
    }
    "#);
    refused(&first, 401, "invalid_credentials");
    assert_eq!(
        login(&door, EMAIL, "wrong").status(401).str("detail"),
        "Invalid credentials. 1 attempt remaining."
    );
    let third = login(&door, EMAIL, "wrong");
    insta::assert_json_snapshot!(third.json, @r#"
    {
      "code": "too_many_attempts",
      "detail": "Too many attempts. Try again in 900 seconds."
    }
    "#);
    refused(&third, 429, "too_many_attempts");
    assert_eq!(third.header("retry-after"), "900");
    refused(&login(&door, EMAIL, PASSWORD), 429, "too_many_attempts");
    app.pass_seconds(300);
    let later = login(&door, EMAIL, PASSWORD).status(429);
    let wait: i64 = later.header("retry-after").parse().unwrap();
    assert!((590..=600).contains(&wait), "{wait}");
    app.pass_seconds(wait);
    login(&door, EMAIL, PASSWORD).expect(200);
}

#[test]
fn a_lock_holds_for_one_address_and_one_identifier_only() {
    let (_, school) = greenwood();
    let door = school.anonymous();
    let attacker = door.from("203.0.113.9");
    for _ in 0..4 {
        drop(login(&attacker, EMAIL, "wrong"));
    }
    login(&attacker, EMAIL, PASSWORD).expect(429);
    login(&door.from("203.0.113.10"), EMAIL, PASSWORD).expect(200);
    login(&attacker, "teacher@greenwood.example", PASSWORD).expect(200);
}

#[test]
fn a_lock_at_one_school_says_nothing_at_another() {
    let (app, school) = greenwood();
    let other = app.school("oakhill");
    school
        .admin
        .post("users/", &person("both@people.example"))
        .expect(201);
    other
        .admin
        .post("users/", &person("both@people.example"))
        .expect(201);
    for _ in 0..3 {
        drop(login(&school.anonymous(), "both@people.example", "wrong"));
    }
    login(&school.anonymous(), "both@people.example", PASSWORD).expect(429);
    login(&other.anonymous(), "both@people.example", PASSWORD).expect(200);
}

#[test]
fn a_success_resets_the_count() {
    let (_, school) = greenwood();
    let door = school.anonymous().from("203.0.113.9");
    for _ in 0..3 {
        login(&door, EMAIL, "wrong").expect(401);
        login(&door, EMAIL, "wrong").expect(401);
        login(&door, EMAIL, PASSWORD).expect(200);
    }
}

#[test]
fn an_unknown_user_gets_the_same_words_and_costs_the_same_work() {
    let (app, school) = greenwood();
    for n in 0..3 {
        let before = app.password_work()["verify"];
        let known = login(&school.anonymous(), EMAIL, "wrong");
        let between = app.password_work()["verify"];
        let unknown = login(&school.anonymous(), "nobody@greenwood.example", "wrong");
        let malformed = login(&school.anonymous(), "not an address", "wrong");
        let after = app.password_work()["verify"];
        assert_eq!(known.text, unknown.text, "attempt {n}");
        assert_eq!(known.text, malformed.text, "attempt {n}");
        assert_eq!(known.header("retry-after"), unknown.header("retry-after"));
        assert_eq!((between - before, after - between), (1, 2), "attempt {n}");
    }
}

#[test]
fn spellings_of_one_identifier_share_one_count() {
    let (_, school) = greenwood();
    let mut body = person("chipo@greenwood.example");
    body["phone_number"] = json!("+263772123456");
    school.admin.post("users/", &body).expect(201);
    let phone = |text: &str| {
        school
            .anonymous()
            .post(
                "auth/login/",
                &json!({"phone_number": text, "password": "wrong"}),
            )
            .status
    };
    assert_eq!(
        [
            phone("+263772123456"),
            phone("00263772123456"),
            phone("+263 77 212 3456")
        ],
        [401, 401, 429]
    );
    let email = |text: &str| login(&school.anonymous(), text, "wrong").status;
    assert_eq!(
        [
            email("chipo@greenwood.example"),
            email("CHIPO@greenwood.example"),
            email(" chipo@Greenwood.example ")
        ],
        [401, 401, 429]
    );
}

#[test]
fn a_request_that_cannot_be_read_is_no_attempt() {
    let (_, school) = greenwood();
    for _ in 0..5 {
        school
            .anonymous()
            .post("auth/login/", &json!({"email": EMAIL}))
            .expect(400);
    }
    login(&school.anonymous(), EMAIL, "wrong").expect(401);
}

#[test]
fn of_many_parallel_attempts_three_reach_the_password() {
    let (app, school) = greenwood();
    let before = app.password_work()["verify"];
    let body = json!({"email": EMAIL, "password": "wrong"});
    let replies = school
        .anonymous()
        .together(20, &http::Method::POST, "auth/login/", Some(&body));
    assert_eq!(app.password_work()["verify"] - before, 3);
    assert!(replies.iter().filter(|reply| reply.status == 429).count() == 18);
}
