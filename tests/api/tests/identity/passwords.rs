use homeroom_api_tests::{PASSWORD, error_of, samples::OTHER_PASSWORD};
use serde_json::json;

use super::{Place, WRONG, in_both_areas, login};

in_both_areas! {
    a_password_change_ends_every_sign_in_and_starts_one
    a_password_change_needs_the_old_password_and_a_good_new_one
    passwords_have_8_to_128_characters_and_are_not_common
    who_is_told_to_change_the_password_can_do_nothing_else
    a_user_without_a_password_gets_a_temporary_one_in_the_answer
    a_password_that_is_set_by_somebody_else_ends_every_sign_in
    no_answer_and_no_audit_row_shows_a_password
}

fn a_password_change_ends_every_sign_in_and_starts_one(place: &Place) {
    let person = place.person(1);
    let elsewhere = place.login(&person, PASSWORD).status(200);
    let body = json!({"old_password": PASSWORD, "new_password": OTHER_PASSWORD});
    let fresh = person
        .client
        .post("auth/change-password/", &body)
        .status(200);
    place.app.pass_seconds(5);
    for token in [person.client.token(), &elsewhere.str("access")] {
        place.door.bearer(token).get("auth/me/").expect(401);
    }
    for token in [&person.refresh, &elsewhere.str("refresh")] {
        place.refresh(token).expect(401);
    }
    place
        .door
        .bearer(&fresh.str("access"))
        .get("auth/me/")
        .expect(200);
    place.refresh(&fresh.str("refresh")).expect(200);
    place.login(&person, PASSWORD).expect(401);
    place.login(&person, OTHER_PASSWORD).expect(200);
    let line = place.last_audit(&person.id);
    assert_eq!(
        (&line["action"], &line["actor"]),
        (&json!("UPDATE"), &json!(person.id))
    );
}

fn a_password_change_needs_the_old_password_and_a_good_new_one(place: &Place) {
    let person = place.person(1);
    let change = |old: &str, new: &str| {
        let body = json!({"old_password": old, "new_password": new});
        person.client.post("auth/change-password/", &body)
    };
    assert_eq!(change(WRONG, OTHER_PASSWORD).fields(), ["old_password"]);
    assert_eq!(change(PASSWORD, "short").fields(), ["new_password"]);
    assert_eq!(change(PASSWORD, "password1").fields(), ["new_password"]);
    assert_eq!(change(PASSWORD, PASSWORD).fields(), ["new_password"]);
    assert_eq!(change("", "").fields(), ["new_password", "old_password"]);
    person.client.get("auth/me/").expect(200);
    place.refresh(&person.refresh).expect(200);
}

fn passwords_have_8_to_128_characters_and_are_not_common(place: &Place) {
    let create = |n: u32, password: &str| {
        let body = json!({
            "email": format!("p{n}@people.example"), "first_name": "A", "last_name": "B", "password": password,
        });
        place.admin.post("users/", &body)
    };
    for (n, bad) in [
        "7 chars",
        "12345678",
        "Password",
        "PASSWORD1",
        &"x".repeat(129),
        "ééééééé",
    ]
    .iter()
    .enumerate()
    {
        let reply = create(u32::try_from(n).unwrap(), bad);
        assert_eq!(reply.fields(), ["password"], "{bad}");
    }
    let good = [
        "8 chars!",
        "žluťoučký kůň",
        &"x".repeat(128),
        &"😀".repeat(128),
        "  spaces  ",
        "nul\u{0}inside",
    ];
    for (n, good) in good.iter().enumerate() {
        let n = u32::try_from(n).unwrap() + 100;
        create(n, good).expect(201);
        login(&place.door, &format!("p{n}@people.example"), good).expect(200);
        login(&place.door, &format!("p{n}@people.example"), good.trim())
            .expect(if good.trim() == *good { 200 } else { 401 });
    }
}

fn who_is_told_to_change_the_password_can_do_nothing_else(place: &Place) {
    let body = json!({
        "email": "new@people.example", "first_name": "A", "last_name": "B", "password": OTHER_PASSWORD,
        "must_change_password": true, "role_ids": [place.viewers_role("Viewers")],
    });
    let created = place.admin.post("users/", &body).status(201);
    assert_eq!(created.json["must_change_password"], true);
    assert_must_change_first(place, OTHER_PASSWORD);
}

fn a_user_without_a_password_gets_a_temporary_one_in_the_answer(place: &Place) {
    let body = json!({
        "email": "new@people.example", "first_name": "A", "last_name": "B", "must_change_password": false,
        "role_ids": [place.viewers_role("Viewers")],
    });
    let created = place.admin.post("users/", &body).status(201);
    assert_eq!(created.json["must_change_password"], true);
    let temporary = created.str("temporary_password");
    assert!(temporary.len() >= 20, "{temporary}");
    let found = place.admin.get(created.header("location")).status(200);
    assert!(
        found.json.get("temporary_password").is_none(),
        "it is shown once"
    );
    assert!(!place.app.dump(&place.db).contains(&temporary));
    assert_must_change_first(place, &temporary);
}

fn assert_must_change_first(place: &Place, password: &str) {
    let signed_in = login(&place.door, "new@people.example", password).status(200);
    assert_eq!(signed_in.json["user"]["must_change_password"], true);
    let client = place.door.bearer(&signed_in.str("access"));
    client.get("auth/me/").expect(200);
    let refused = client.get("users/");
    assert_eq!(error_of(&refused), (403, "password_change_required".into()));
    assert_eq!(
        error_of(&client.post("users/", &json!({}))),
        (403, "password_change_required".into())
    );
    let refreshed = place
        .refresh(&signed_in.str("refresh"))
        .status(200)
        .str("access");
    assert_eq!(place.door.bearer(&refreshed).get("users/").status, 403);
    let same = json!({"old_password": password, "new_password": password});
    assert_eq!(
        client.post("auth/change-password/", &same).fields(),
        ["new_password"]
    );
    let change = json!({"old_password": password, "new_password": PASSWORD});
    let fresh = client.post("auth/change-password/", &change).status(200);
    place
        .door
        .bearer(&fresh.str("access"))
        .get("users/")
        .expect(200);
}

fn a_password_that_is_set_by_somebody_else_ends_every_sign_in(place: &Place) {
    let person = place.person(1);
    let change = json!({"password": OTHER_PASSWORD});
    place
        .admin
        .patch(&format!("users/{}/", person.id), &change)
        .expect(200);
    place.app.pass_seconds(5);
    person.client.get("auth/me/").expect(401);
    place.refresh(&person.refresh).expect(401);
    place.login(&person, PASSWORD).expect(401);
    place.login(&person, OTHER_PASSWORD).expect(200);
}

fn no_answer_and_no_audit_row_shows_a_password(place: &Place) {
    let person = place.person(1);
    let secret = "the quick brown secret";
    let changed = place
        .admin
        .patch(
            &format!("users/{}/", person.id),
            &json!({"password": secret}),
        )
        .status(200);
    let change = json!({"old_password": secret, "new_password": OTHER_PASSWORD});
    let token = place.login(&person, secret).status(200).str("access");
    place
        .door
        .bearer(&token)
        .post("auth/change-password/", &change)
        .expect(200);
    let log = place.admin.get("audit-logs/?page_size=100").status(200);
    for text in [
        &changed.text,
        &log.text,
        &changed.log.to_string(),
        &place.app.dump(&place.db),
    ] {
        assert!(!text.contains(secret) && !text.contains(OTHER_PASSWORD));
        assert!(!changed.text.contains("argon2") && !log.text.contains("argon2"));
    }
}
