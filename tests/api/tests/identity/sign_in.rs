use homeroom_api_tests::{PASSWORD, error_of};
use serde_json::json;

use super::{Place, WRONG, in_both_areas, login};

in_both_areas! {
    a_wrong_password_and_an_unknown_user_get_the_same_answer_for_the_same_work
    the_first_two_failures_count_down_and_the_third_locks
    a_lock_ends_after_fifteen_minutes
    a_success_resets_the_count
    a_lock_is_for_one_identifier_from_one_address
    addresses_of_one_ipv6_network_count_as_one
    nobody_can_lock_the_owner_out_of_a_known_address
    guessing_from_many_addresses_is_slowed_down
    parallel_guesses_get_no_more_attempts
    somebody_can_sign_in_by_phone_number_however_it_is_written
    an_email_is_recognised_in_any_case
    a_sign_in_names_one_identifier
    a_form_signs_in_as_json_does
    a_deactivated_account_is_told_so_after_the_right_password_only
    a_deleted_account_is_unknown
    a_stored_hash_with_other_parameters_is_renewed_at_sign_in
    a_sign_in_is_noted
}

fn a_wrong_password_and_an_unknown_user_get_the_same_answer_for_the_same_work(place: &Place) {
    let person = place.person(1);
    let work = |email: &str| {
        let before = place.app.password_work();
        let reply = login(&place.door, email, WRONG);
        let after = place.app.password_work();
        let verified = after["verify"] - before["verify"];
        (
            reply.status,
            reply.code().to_owned(),
            reply.text,
            verified,
            after["hash"] - before["hash"],
        )
    };
    let wrong = work(&person.email);
    assert_eq!((wrong.0, wrong.1.as_str()), (401, "invalid_credentials"));
    for unknown in [
        "nobody@people.example",
        "not an address",
        "@",
        "a@b@c",
        "ЖЖ@people.example",
    ] {
        assert_eq!(work(unknown), wrong, "{unknown}");
    }
}

fn the_first_two_failures_count_down_and_the_third_locks(place: &Place) {
    let person = place.person(1);
    let door = place.door.from("203.0.113.9");
    let failure = |password| login(&door, &person.email, password);
    let first = failure(WRONG).status(401);
    assert_eq!(
        first.json,
        json!({"code": "invalid_credentials", "detail": "Invalid credentials. 2 attempts remaining."})
    );
    let second = failure(WRONG).status(401);
    assert_eq!(
        second.json["detail"],
        "Invalid credentials. 1 attempt remaining."
    );
    let third = failure(WRONG).status(429);
    assert_eq!(
        (third.code(), third.header("retry-after")),
        ("too_many_attempts", "900")
    );
    assert_eq!(
        third.json["detail"],
        "Too many attempts. Try again in 900 seconds."
    );
    place.app.pass_seconds(60);
    let right = failure(PASSWORD).status(429);
    let wait: i64 = right.header("retry-after").parse().unwrap();
    assert!((835..=840).contains(&wait), "{wait}");
}

fn a_lock_ends_after_fifteen_minutes(place: &Place) {
    let person = place.person(1);
    for _ in 0..3 {
        let _ = place.login(&person, WRONG);
    }
    place.app.pass_seconds(899);
    place.login(&person, PASSWORD).expect(429);
    place.app.pass_seconds(2);
    place.login(&person, PASSWORD).expect(200);
}

fn a_success_resets_the_count(place: &Place) {
    let person = place.person(1);
    for _ in 0..3 {
        place.login(&person, WRONG).expect(401);
        place.login(&person, WRONG).expect(401);
        place.login(&person, PASSWORD).expect(200);
    }
}

fn a_lock_is_for_one_identifier_from_one_address(place: &Place) {
    let (one, other) = (place.person(1), place.person(2));
    let (here, there) = (
        place.door.from("203.0.113.9"),
        place.door.from("198.51.100.1"),
    );
    for _ in 0..3 {
        let _ = login(&here, &one.email, WRONG);
    }
    login(&here, &one.email, PASSWORD).expect(429);
    login(&here, &one.email.to_uppercase(), PASSWORD).expect(429);
    login(&here, &other.email, PASSWORD).expect(200);
    login(&there, &one.email, PASSWORD).expect(200);
}

fn addresses_of_one_ipv6_network_count_as_one(place: &Place) {
    let person = place.person(1);
    for n in 1..=3 {
        let _ = login(
            &place.door.from(&format!("2001:db8:1:2::{n}")),
            &person.email,
            WRONG,
        );
    }
    login(
        &place.door.from("2001:db8:1:2:ffff::9"),
        &person.email,
        PASSWORD,
    )
    .expect(429);
    login(&place.door.from("2001:db8:1:3::1"), &person.email, PASSWORD).expect(200);
}

fn nobody_can_lock_the_owner_out_of_a_known_address(place: &Place) {
    let person = place.person(1);
    let home = place.door.from("203.0.113.9");
    login(&home, &person.email, PASSWORD).expect(200);
    for n in 0..120 {
        let _ = login(
            &place.door.from(&format!("198.51.{n}.1")),
            &person.email,
            WRONG,
        );
    }
    login(&home, &person.email, PASSWORD).expect(200);
}

fn guessing_from_many_addresses_is_slowed_down(place: &Place) {
    let person = place.person(1);
    let tries = (0..60).map(|n| {
        login(
            &place.door.from(&format!("198.51.{n}.1")),
            &person.email,
            WRONG,
        )
        .status
    });
    let (looked_at, refused): (Vec<u16>, Vec<u16>) = tries.partition(|status| *status == 401);
    assert!(
        looked_at.len() <= 31 && refused.iter().all(|status| *status == 429),
        "{looked_at:?} {refused:?}"
    );
    place.app.pass_seconds(3_600);
    login(&place.door.from("198.51.200.1"), &person.email, PASSWORD).expect(200);
}

fn parallel_guesses_get_no_more_attempts(place: &Place) {
    let person = place.person(1);
    let body = json!({"email": person.email, "password": WRONG});
    let replies = place.door.from("203.0.113.9").together(
        50,
        &http::Method::POST,
        "auth/login/",
        Some(&body),
    );
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(&statuses[..3], [401, 401, 429]);
    let before = place.app.password_work()["verify"];
    let _ =
        place
            .door
            .from("203.0.113.9")
            .together(5, &http::Method::POST, "auth/login/", Some(&body));
    assert_eq!(
        place.app.password_work()["verify"],
        before,
        "a locked pair still costs password work"
    );
}

fn somebody_can_sign_in_by_phone_number_however_it_is_written(place: &Place) {
    let person = place.person(1);
    let change = json!({"phone_number": "+263 77 212-3456"});
    let changed = place
        .admin
        .patch(&format!("users/{}/", person.id), &change)
        .status(200);
    assert_eq!(changed.str("phone_number"), "+263772123456");
    for phone in ["+263772123456", "00263 772 123 456", "+263 (77) 212.3456"] {
        let body = json!({"phone_number": phone, "password": PASSWORD});
        let reply = place.door.post("auth/login/", &body).status(200);
        assert_eq!(reply.str("user/id"), person.id);
    }
    let wrong = place.door.post(
        "auth/login/",
        &json!({"phone_number": "call me", "password": PASSWORD}),
    );
    assert_eq!(error_of(&wrong), (401, "invalid_credentials".into()));
}

fn an_email_is_recognised_in_any_case(place: &Place) {
    let person = place.person(1);
    login(
        &place.door,
        &format!("  {}  ", person.email.to_uppercase()),
        PASSWORD,
    )
    .expect(200);
}

fn a_sign_in_names_one_identifier(place: &Place) {
    let none = place
        .door
        .post("auth/login/", &json!({"password": PASSWORD}));
    assert_eq!(none.fields(), ["non_field_errors"]);
    let both =
        json!({"email": "a@b.example", "phone_number": "+263772123456", "password": PASSWORD});
    assert_eq!(
        place.door.post("auth/login/", &both).fields(),
        ["non_field_errors"]
    );
    let empty = place
        .door
        .post("auth/login/", &json!({"email": "", "phone_number": null}));
    assert_eq!(empty.fields(), ["non_field_errors", "password"]);
    let long = json!({"email": "a@b.example", "password": "x".repeat(129)});
    assert_eq!(place.door.post("auth/login/", &long).fields(), ["password"]);
}

fn a_form_signs_in_as_json_does(place: &Place) {
    let person = place.person(1);
    let email = person.email.replace('@', "%40");
    let form = format!("email={email}&password=correct+horse%20battery");
    assert_eq!(
        place
            .door
            .form("auth/login/", &form)
            .status(200)
            .str("user/email"),
        person.email
    );
}

fn a_deactivated_account_is_told_so_after_the_right_password_only(place: &Place) {
    let person = place.person(1);
    place
        .admin
        .patch(
            &format!("users/{}/", person.id),
            &json!({"is_active": false}),
        )
        .expect(200);
    assert_eq!(
        error_of(&place.login(&person, WRONG)),
        (401, "invalid_credentials".into())
    );
    assert_eq!(
        error_of(&place.login(&person, PASSWORD)),
        (403, "account_inactive".into())
    );
    place
        .admin
        .patch(
            &format!("users/{}/", person.id),
            &json!({"is_active": true}),
        )
        .expect(200);
    place.login(&person, PASSWORD).expect(200);
}

fn a_deleted_account_is_unknown(place: &Place) {
    let person = place.person(1);
    place
        .admin
        .delete(&format!("users/{}/", person.id))
        .expect(204);
    assert_eq!(
        error_of(&place.login(&person, PASSWORD)),
        (401, "invalid_credentials".into())
    );
}

fn a_stored_hash_with_other_parameters_is_renewed_at_sign_in(place: &Place) {
    let person = place.person(1);
    let stored = format!("select password_hash from users where id = '{}'", person.id);
    let expensive = "$argon2id$v=19$m=16,t=1,p=1$";
    // The hash of PASSWORD with twice the memory, made once.
    let old = homeroom_passwords::Hasher::new(16, 1, 1).unwrap();
    let request = homeroom_objects::passwords::PasswordRequest::Hash {
        password: PASSWORD.into(),
    };
    let homeroom_objects::passwords::PasswordReply::Hashed { phc } =
        old.answer(&request, [7; 16]).unwrap()
    else {
        panic!("not a hash");
    };
    assert!(phc.starts_with(expensive));
    place.app.execute(
        &place.db,
        &format!(
            "update users set password_hash = '{phc}' where id = '{}'",
            person.id
        ),
    );
    place.login(&person, WRONG).expect(401);
    assert_eq!(place.app.value(&place.db, &stored), phc.as_str());
    place.login(&person, PASSWORD).expect(200);
    let renewed = place.app.value(&place.db, &stored);
    assert!(
        renewed
            .as_str()
            .unwrap()
            .starts_with("$argon2id$v=19$m=8,t=1,p=1$"),
        "{renewed}"
    );
    place.login(&person, PASSWORD).expect(200);
}

fn a_sign_in_is_noted(place: &Place) {
    let person = place.person(1);
    place.app.pass_seconds(3_600);
    let door = place
        .door
        .from("203.0.113.9")
        .with("user-agent", &"Browser ".repeat(100));
    let answer = login(&door, &person.email, PASSWORD).status(200);
    let found = place.app.platform();
    drop(found);
    let shown = place
        .door
        .bearer(&answer.str("access"))
        .get("auth/me/")
        .status(200);
    assert_eq!(shown.str("last_login_at"), answer.str("user/last_login_at"));
    let sql = "select ip_address, length(user_agent) from sessions order by created_at desc, id desc limit 1";
    assert_eq!(
        place.app.rows(&place.db, sql)[0],
        [json!("203.0.113.9"), json!(200)]
    );
}
