use homeroom_api_tests::{Client, PASSWORD, Reply, School};
use http::Method;
use serde_json::json;

use super::{greenwood, login, refused, someone};

fn refresh(school: &School, token: &str) -> Reply {
    school
        .anonymous()
        .post("auth/refresh/", &json!({"refresh": token}))
}

/// A sign-in of the teacher: the client and the refresh token.
fn sign_in(school: &School) -> (Client, String) {
    let reply = login(&school.anonymous(), "teacher@greenwood.example", PASSWORD).status(200);
    (
        school.anonymous().bearer(&reply.str("access")),
        reply.str("refresh"),
    )
}

#[test]
fn a_refresh_gives_a_new_pair_that_works() {
    let (_, school) = greenwood();
    let (_, first) = sign_in(&school);
    let pair = refresh(&school, &first).status(200);
    assert_ne!(pair.str("refresh"), first);
    school
        .anonymous()
        .bearer(&pair.str("access"))
        .get("auth/me/")
        .expect(200);
    refresh(&school, &pair.str("refresh")).expect(200);
}

#[test]
fn within_thirty_seconds_the_same_token_gives_the_same_successor() {
    let (app, school) = greenwood();
    let (_, first) = sign_in(&school);
    let second = refresh(&school, &first).status(200).str("refresh");
    app.pass_seconds(29);
    assert_eq!(refresh(&school, &first).status(200).str("refresh"), second);
    refresh(&school, &second).expect(200);
}

#[test]
fn a_later_reuse_ends_the_whole_sign_in_and_no_other() {
    let (app, school) = greenwood();
    let (other, other_refresh) = sign_in(&school);
    let (_, first) = sign_in(&school);
    let pair = refresh(&school, &first).status(200);
    app.pass_seconds(31);
    refused(&refresh(&school, &first), 401, "invalid_refresh_token");
    refused(
        &refresh(&school, &pair.str("refresh")),
        401,
        "invalid_refresh_token",
    );
    refused(
        &school
            .anonymous()
            .bearer(&pair.str("access"))
            .get("auth/me/"),
        401,
        "not_authenticated",
    );
    other.get("auth/me/").expect(200);
    refresh(&school, &other_refresh).expect(200);
}

#[test]
fn parallel_refreshes_with_one_token_agree_on_one_successor() {
    let (_, school) = greenwood();
    let (_, first) = sign_in(&school);
    let body = json!({"refresh": first});
    let replies = school
        .anonymous()
        .together(8, &Method::POST, "auth/refresh/", Some(&body));
    let second = replies[0].clone().status(200).str("refresh");
    for reply in replies {
        assert_eq!(reply.status(200).str("refresh"), second);
    }
    refresh(&school, &second).expect(200);
}

#[test]
fn what_is_no_refresh_token_gets_401_and_what_is_no_request_400() {
    let (_, school) = greenwood();
    for garbage in ["x", "A".repeat(43).as_str(), school.admin.token()] {
        let reply = refresh(&school, garbage);
        refused(&reply, 401, "invalid_refresh_token");
    }
    for body in [
        json!({}),
        json!({"refresh": null}),
        json!({"refresh": 7}),
        json!({"refresh": ""}),
    ] {
        assert_eq!(
            school.anonymous().post("auth/refresh/", &body).fields(),
            ["refresh"],
            "{body}"
        );
    }
}

#[test]
fn a_refresh_token_lives_thirty_days_from_its_last_use() {
    let (app, school) = greenwood();
    let (_, first) = sign_in(&school);
    app.pass_seconds(29 * 86_400);
    let second = refresh(&school, &first).status(200).str("refresh");
    app.pass_seconds(29 * 86_400);
    let third = refresh(&school, &second).status(200).str("refresh");
    app.pass_seconds(30 * 86_400 + 1);
    refused(&refresh(&school, &third), 401, "invalid_refresh_token");
}

#[test]
fn logout_ends_this_sign_in_and_leaves_the_others() {
    let (_, school) = greenwood();
    let (client, token) = sign_in(&school);
    let (other, _) = sign_in(&school);
    let reply = client.act("auth/logout/").status(204);
    assert_eq!(reply.text, "");
    refused(&refresh(&school, &token), 401, "invalid_refresh_token");
    refused(&client.get("auth/me/"), 401, "not_authenticated");
    other.get("auth/me/").expect(200);
}

#[test]
fn logout_all_ends_every_sign_in_of_this_user_only() {
    let (_, school) = greenwood();
    let (client, token) = sign_in(&school);
    let (other, other_token) = sign_in(&school);
    client.act("auth/logout-all").expect(204);
    for client in [&client, &other] {
        refused(&client.get("auth/me/"), 401, "not_authenticated");
    }
    for token in [&token, &other_token] {
        refused(&refresh(&school, token), 401, "invalid_refresh_token");
    }
    school.admin.get("auth/me/").expect(200);
}

#[test]
fn an_isolate_that_did_not_hear_of_the_end_believes_a_token_for_less_than_five_seconds() {
    let (app, school) = greenwood();
    let (client, _) = sign_in(&school);
    client.get("auth/me/").expect(200);
    // As another isolate would end it.
    app.execute(&school.slot, "update sessions set revoked_at = 1");
    app.pass_seconds(5);
    refused(&client.get("auth/me/"), 401, "not_authenticated");
}

#[test]
fn deactivation_ends_every_sign_in_and_says_so_at_the_next_one() {
    let (_, school) = greenwood();
    let (client, id) = someone(&school, "chipo@greenwood.example", &["Teacher"]);
    let token = login(&school.anonymous(), "chipo@greenwood.example", PASSWORD)
        .status(200)
        .str("refresh");
    school
        .admin
        .patch(&format!("users/{id}/"), &json!({"is_active": false}))
        .expect(200);
    refused(&client.get("auth/me/"), 401, "not_authenticated");
    refused(&refresh(&school, &token), 401, "invalid_refresh_token");
    refused(
        &login(&school.anonymous(), "chipo@greenwood.example", "wrong"),
        401,
        "invalid_credentials",
    );
    refused(
        &login(&school.anonymous(), "chipo@greenwood.example", PASSWORD),
        403,
        "account_inactive",
    );
    school
        .admin
        .patch(&format!("users/{id}/"), &json!({"is_active": true}))
        .expect(200);
    refused(&client.get("auth/me/"), 401, "not_authenticated");
    refused(&refresh(&school, &token), 401, "invalid_refresh_token");
    login(&school.anonymous(), "chipo@greenwood.example", PASSWORD).expect(200);
}

#[test]
fn a_deleted_user_is_signed_out_and_unknown() {
    let (_, school) = greenwood();
    let (client, id) = someone(&school, "chipo@greenwood.example", &["Teacher"]);
    school.admin.delete(&format!("users/{id}/")).expect(204);
    refused(&client.get("auth/me/"), 401, "not_authenticated");
    refused(
        &login(&school.anonymous(), "chipo@greenwood.example", PASSWORD),
        401,
        "invalid_credentials",
    );
}

#[test]
fn a_role_that_is_taken_away_is_gone_at_the_next_request() {
    let (_, school) = greenwood();
    let (client, id) = someone(&school, "chipo@greenwood.example", &["Head teacher"]);
    client.get("users/").expect(200);
    school
        .admin
        .patch(&format!("users/{id}/"), &json!({"role_ids": []}))
        .expect(200);
    refused(&client.get("users/"), 403, "permission_denied");
}
