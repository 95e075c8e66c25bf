use homeroom_api_tests::{PASSWORD, Reply, error_of};
use http::Method;
use serde_json::json;

use super::{Place, in_both_areas};

in_both_areas! {
    a_refresh_rotates_the_token
    a_lost_answer_is_given_again_within_thirty_seconds
    a_late_repetition_ends_the_whole_sign_in
    parallel_refreshes_with_one_token_leave_one_family
    what_is_no_refresh_token_is_refused
    a_refresh_token_lives_thirty_days_from_its_last_use
    a_refresh_token_is_no_access_token_and_the_other_way_round
    refresh_survives_a_new_master_key
    an_access_token_ends_after_fifteen_minutes
    logging_out_ends_this_sign_in_and_no_other
    logging_out_everywhere_ends_every_sign_in
    another_isolate_hears_of_a_logout_within_five_seconds
    a_deactivation_ends_every_sign_in_within_five_seconds
    a_deletion_ends_every_sign_in
    a_role_that_is_taken_away_ends_its_rights_within_five_seconds
    forged_tokens_are_refused
    ended_sign_ins_are_removed_in_time
}

fn dead(reply: &Reply) {
    assert_eq!(
        error_of(reply),
        (401, "invalid_refresh_token".into()),
        "{}",
        reply.text
    );
}

fn refused(reply: &Reply) {
    assert_eq!(
        error_of(reply),
        (401, "not_authenticated".into()),
        "{}",
        reply.text
    );
    assert_eq!(
        reply.header("www-authenticate"),
        "Bearer realm=\"homeroom\""
    );
}

fn a_refresh_rotates_the_token(place: &Place) {
    let person = place.person(1);
    let mut token = person.refresh;
    for _ in 0..3 {
        place.app.pass_seconds(600);
        let answer = place.refresh(&token).status(200);
        assert_ne!(answer.str("refresh"), token);
        let fresh = place.door.bearer(&answer.str("access"));
        assert_eq!(fresh.get("auth/me/").status(200).id(), person.id);
        token = answer.str("refresh");
    }
}

fn a_lost_answer_is_given_again_within_thirty_seconds(place: &Place) {
    let person = place.person(1);
    let first = place.refresh(&person.refresh).status(200);
    for _ in 0..3 {
        place.app.pass_seconds(9);
        let again = place.refresh(&person.refresh).status(200);
        assert_eq!(again.str("refresh"), first.str("refresh"));
        place
            .door
            .bearer(&again.str("access"))
            .get("auth/me/")
            .expect(200);
    }
    place.refresh(&first.str("refresh")).expect(200);
}

fn a_late_repetition_ends_the_whole_sign_in(place: &Place) {
    let (person, other) = (place.person(1), place.person(2));
    let next = place.refresh(&person.refresh).status(200);
    place.app.pass_seconds(31);
    dead(&place.refresh(&person.refresh));
    dead(&place.refresh(&next.str("refresh")));
    place.app.pass_seconds(5);
    refused(&place.door.bearer(&next.str("access")).get("auth/me/"));
    refused(&person.client.get("auth/me/"));
    place.refresh(&other.refresh).expect(200);
    place.login(&person, PASSWORD).expect(200);
}

fn parallel_refreshes_with_one_token_leave_one_family(place: &Place) {
    let person = place.person(1);
    let body = json!({"refresh": person.refresh});
    let before = place
        .app
        .count(&place.db, "select count(*) from refresh_tokens");
    let replies = place
        .door
        .together(20, &Method::POST, "auth/refresh/", Some(&body));
    let successors: std::collections::BTreeSet<String> = replies
        .into_iter()
        .map(|reply| reply.status(200).str("refresh"))
        .collect();
    assert_eq!(successors.len(), 1, "{successors:?}");
    assert_eq!(
        place
            .app
            .count(&place.db, "select count(*) from refresh_tokens"),
        before + 1
    );
    let successor = successors.first().unwrap();
    place.refresh(successor).expect(200);
}

fn what_is_no_refresh_token_is_refused(place: &Place) {
    let person = place.person(1);
    let other = format!("{}A", &person.refresh[..person.refresh.len() - 1]);
    let other = if other == person.refresh {
        format!("{}E", &other[..other.len() - 1])
    } else {
        other
    };
    for token in [
        other.as_str(),
        "x",
        "a.b.c",
        person.client.token(),
        &"A".repeat(43),
        "\u{0}",
        "ЖЖЖ",
    ] {
        dead(&place.refresh(token));
    }
    let empty = place.door.post("auth/refresh/", &json!({"refresh": ""}));
    assert_eq!(empty.fields(), ["refresh"]);
    let long = place
        .door
        .post("auth/refresh/", &json!({"refresh": "A".repeat(513)}));
    assert_eq!(long.fields(), ["refresh"]);
    place.refresh(&person.refresh).expect(200);
}

fn a_refresh_token_lives_thirty_days_from_its_last_use(place: &Place) {
    const DAY: i64 = 24 * 3_600;
    let person = place.person(1);
    place.app.pass_seconds(29 * DAY);
    let next = place.refresh(&person.refresh).status(200).str("refresh");
    place.app.pass_seconds(29 * DAY);
    let next = place.refresh(&next).status(200).str("refresh");
    place.app.pass_seconds(30 * DAY + 1);
    dead(&place.refresh(&next));
}

fn a_refresh_token_is_no_access_token_and_the_other_way_round(place: &Place) {
    let person = place.person(1);
    refused(&place.door.bearer(&person.refresh).get("auth/me/"));
    dead(&place.refresh(person.client.token()));
}

fn refresh_survives_a_new_master_key(place: &Place) {
    let person = place.person(1);
    let first = place.refresh(&person.refresh).status(200);
    place.app.restart(2);
    person.client.get("auth/me/").expect(200);
    let again = place.refresh(&person.refresh).status(200);
    assert_eq!(again.str("refresh"), first.str("refresh"));
    let next = place.refresh(&first.str("refresh")).status(200);
    place
        .door
        .bearer(&next.str("access"))
        .get("auth/me/")
        .expect(200);
    place.login(&person, PASSWORD).expect(200);
}

fn an_access_token_ends_after_fifteen_minutes(place: &Place) {
    let person = place.person(1);
    place.app.pass_seconds(899);
    person.client.get("auth/me/").expect(200);
    place.app.pass_seconds(2);
    refused(&person.client.get("auth/me/"));
}

fn logging_out_ends_this_sign_in_and_no_other(place: &Place) {
    let person = place.person(1);
    let elsewhere = place.login(&person, PASSWORD).status(200);
    let reply = person.client.act("auth/logout/").status(204);
    assert_eq!(reply.text, "");
    dead(&place.refresh(&person.refresh));
    refused(&person.client.get("auth/me/"));
    place
        .door
        .bearer(&elsewhere.str("access"))
        .get("auth/me/")
        .expect(200);
    place.refresh(&elsewhere.str("refresh")).expect(200);
    refused(&person.client.act("auth/logout/"));
}

fn logging_out_everywhere_ends_every_sign_in(place: &Place) {
    let (person, other) = (place.person(1), place.person(2));
    let elsewhere = place.login(&person, PASSWORD).status(200);
    person.client.act("auth/logout-all/").expect(204);
    for token in [&person.refresh, &elsewhere.str("refresh")] {
        dead(&place.refresh(token));
    }
    refused(&place.door.bearer(&elsewhere.str("access")).get("auth/me/"));
    other.client.get("auth/me/").expect(200);
}

fn another_isolate_hears_of_a_logout_within_five_seconds(place: &Place) {
    let person = place.person(1);
    person.client.get("auth/me/").expect(200);
    // What another isolate did: this one heard nothing and may believe its cache a moment longer.
    let now = place.app.now().millis();
    place.app.execute(
        &place.db,
        &format!("update sessions set revoked_at = {now}, revoked_because = 'logout'"),
    );
    place.app.pass_seconds(5);
    refused(&person.client.get("auth/me/"));
    dead(&place.refresh(&person.refresh));
}

fn a_deactivation_ends_every_sign_in_within_five_seconds(place: &Place) {
    let person = place.person(1);
    place
        .admin
        .patch(
            &format!("users/{}/", person.id),
            &json!({"is_active": false}),
        )
        .expect(200);
    dead(&place.refresh(&person.refresh));
    place.app.pass_seconds(5);
    refused(&person.client.get("auth/me/"));
    place
        .admin
        .patch(
            &format!("users/{}/", person.id),
            &json!({"is_active": true}),
        )
        .expect(200);
    refused(&person.client.get("auth/me/"));
    dead(&place.refresh(&person.refresh));
}

fn a_deletion_ends_every_sign_in(place: &Place) {
    let person = place.person(1);
    place
        .admin
        .delete(&format!("users/{}/", person.id))
        .expect(204);
    place.app.pass_seconds(5);
    refused(&person.client.get("auth/me/"));
    dead(&place.refresh(&person.refresh));
}

fn a_role_that_is_taken_away_ends_its_rights_within_five_seconds(place: &Place) {
    let person = place.person(1);
    let role = place.viewers_role("Viewers");
    place
        .admin
        .patch(
            &format!("users/{}/", person.id),
            &json!({"role_ids": [role]}),
        )
        .expect(200);
    place.app.pass_seconds(5);
    person.client.get("users/").expect(200);
    // As another isolate would do it.
    place.app.execute(
        &place.db,
        &format!("delete from user_roles where user_id = '{}'", person.id),
    );
    place.app.pass_seconds(5);
    assert_eq!(
        error_of(&person.client.get("users/")),
        (403, "permission_denied".into())
    );
}

fn forged_tokens_are_refused(place: &Place) {
    let token = place.admin.token().to_owned();
    let parts: Vec<&str> = token.split('.').collect();
    let encode = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
    let head = |text: &str| format!("{}.{}.{}", encode(text), parts[1], parts[2]);
    let body = data_encoding::BASE64URL_NOPAD
        .decode(parts[1].as_bytes())
        .unwrap();
    let body = String::from_utf8(body).unwrap();
    let later = body.replace("\"exp\":1", "\"exp\":9");
    assert_ne!(body, later, "{body}");
    let other_sub = encode(&body.replace("\"sub\":\"0", "\"sub\":\"1"));
    let forged = [
        head(r#"{"alg":"none","kid":"k1","typ":"at+jwt"}"#),
        head(r#"{"alg":"None","kid":"k1"}"#),
        head(r#"{"alg":"HS512","kid":"k1"}"#),
        head(r#"{"alg":"RS256","kid":"k1"}"#),
        head(r#"{"alg":"HS256","kid":"k9"}"#),
        head(r#"{"alg":"HS256"}"#),
        head(r#"{"alg":"HS256","kid":"k1","jwk":{"kty":"oct","k":"AAAA"}}"#),
        format!("{}.{}.", encode(r#"{"alg":"none"}"#), parts[1]),
        format!("{}.{}.{}", parts[0], encode(&later), parts[2]),
        format!("{}.{other_sub}.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{token}x"),
        format!("{token}.x"),
        "..".to_owned(),
        ".".repeat(3_000),
        "a".repeat(10_000),
        String::new(),
    ];
    for token in forged {
        refused(&place.door.bearer(&token).get("auth/me/"));
    }
    place.admin.get("auth/me/").expect(200);
    for scheme in ["bearer", "BEARER", "Bearer "] {
        place
            .door
            .with("authorization", &format!("{scheme} {token}"))
            .get("auth/me/")
            .expect(200);
    }
    for scheme in ["Basic", "Token", "JWT"] {
        refused(
            &place
                .door
                .with("authorization", &format!("{scheme} {token}"))
                .get("auth/me/"),
        );
    }
    refused(&place.door.with("authorization", &token).get("auth/me/"));
}

fn ended_sign_ins_are_removed_in_time(place: &Place) {
    const DAY: i64 = 24 * 3_600;
    let person = place.person(1);
    let mine = format!(
        "select count(*) from sessions where user_id = '{}'",
        person.id
    );
    person.client.act("auth/logout-all/").expect(204);
    assert!(place.app.count(&place.db, &mine) > 0);
    place.app.visit_schools();
    assert!(
        place.app.count(&place.db, &mine) > 0,
        "a sign-in is kept for a day after its end"
    );
    place.app.pass_seconds(DAY + 1);
    place.app.visit_schools();
    assert_eq!(place.app.count(&place.db, &mine), 0);
    let orphans =
        "select count(*) from refresh_tokens where session_id not in (select id from sessions)";
    assert_eq!(place.app.count(&place.db, orphans), 0);
}
