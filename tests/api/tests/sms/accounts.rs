//! Accounts: made, signed in, asked about, deleted; and who gets in with what.

use homeroom_api_tests::{
    BRIDGE_SECRET, Client, PASSWORD, PUBLIC_HOST, TestApp, error_of, text_to,
};
use homeroom_sms_contract::signature;
use serde_json::json;

#[test]
fn an_account_is_made_once_per_place_and_its_secret_is_shown_once() {
    let app = TestApp::new();
    let door = app.gateway(PUBLIC_HOST).from("203.0.113.1");
    let body =
        json!({"email": "User@example.com", "password": PASSWORD, "app_name": "my-application"});
    let made = door.post("auth/register", &body).status(200);
    assert_eq!(
        (&made.json["user_id"], &made.json["app_id"]),
        (&json!(1), &json!(1))
    );
    let secret = made.str("app_secret");
    assert!(secret.starts_with("hrs_") && secret.len() > 40, "{secret}");
    let stored = app.rows("CONTROL", "select email, secret_hash, password_hash from sms_accounts a join sms_apps p on p.account_id = a.id");
    assert_eq!(stored[0][0], "user@example.com");
    assert!(!format!("{stored:?}").contains(&secret) && !format!("{stored:?}").contains(PASSWORD));
    let again = door.post("auth/register", &body).status(400);
    assert_eq!(
        again.json,
        json!({"error": "email: An account with this email already exists"})
    );
    let school = app.school("greenwood");
    let there = app.gateway(&school.host).from("203.0.113.1");
    there.post("auth/register", &body).expect(200);
    let audited = "select count(*) from audit_logs where table_name in ('sms_accounts', 'sms_apps') and action = 'CREATE'";
    assert_eq!(app.count("CONTROL", audited), 4);
}

#[test]
fn one_address_makes_three_accounts_and_then_waits() {
    let app = TestApp::new();
    let door = app.gateway(PUBLIC_HOST).from("203.0.113.9");
    let make = |n: u8| {
        let body =
            json!({"email": format!("u{n}@example.com"), "password": PASSWORD, "app_name": "a"});
        door.post("auth/register", &body)
    };
    for n in 1..=3 {
        make(n).expect(200);
    }
    let refused = make(4).status(429);
    assert!(!refused.header("retry-after").is_empty());
    app.pass_seconds(901);
    make(4).expect(200);
}

#[test]
fn signing_in_needs_the_password_and_one_of_the_accounts_own_apps() {
    let app = TestApp::new();
    let (ada, bob) = (app.public_sms_user("ada"), app.public_sms_user("bob"));
    let door = app.gateway(PUBLIC_HOST);
    let login = |email: &str, password: &str, id: i64| {
        door.post(
            "auth/login",
            &json!({"email": email, "password": password, "app_id": id}),
        )
    };
    login(&ada.email, PASSWORD, ada.app_id).expect(200);
    assert_eq!(
        login(&ada.email, PASSWORD, bob.app_id).status(401).json,
        json!({"error": "unknown app_id"})
    );
    assert_eq!(
        error_of(&login(&ada.email, "wrong password", ada.app_id)),
        (401, "invalid_credentials".into())
    );
    assert_eq!(
        error_of(&login("nobody@example.com", PASSWORD, ada.app_id)),
        (401, "invalid_credentials".into())
    );
    login(&ada.email, "wrong password", ada.app_id).expect(401);
    login(&ada.email, "wrong password", ada.app_id).expect(429);
    login(&ada.email, PASSWORD, ada.app_id).expect(429);
}

#[test]
fn clients_of_the_bridge_are_told_apart_by_the_address_that_it_signs() {
    let app = TestApp::new();
    let ada = app.public_sms_user("ada");
    let login = |client: &Client, password: &str| {
        let body = json!({"email": ada.email, "password": password, "app_id": ada.app_id});
        client.post("auth/login", &body).status
    };
    let bridge = app.gateway(PUBLIC_HOST).from("192.0.2.1");
    let signed = |secret: &str, ip: &str, path: &str| {
        let seconds = app.now().seconds();
        let said = signature::client(path, "203.0.113.1");
        let signature = signature::sign(secret.as_bytes(), "a-1", seconds, said.as_bytes());
        bridge
            .with(signature::CLIENT, ip)
            .with(signature::ID, "a-1")
            .with(signature::TIMESTAMP, &seconds.to_string())
            .with(signature::SIGNATURE, &signature)
    };
    let path = "/api/v1/auth/login";
    let attacker = signed(BRIDGE_SECRET, "203.0.113.1", path);
    assert_eq!(login(&attacker, "wrong password"), 401);
    assert_eq!(login(&attacker, "wrong password"), 401);
    assert_eq!(login(&attacker, "wrong password"), 429);
    assert_eq!(login(&attacker, PASSWORD), 429);
    assert_eq!(
        login(&bridge, PASSWORD),
        200,
        "everybody else of the bridge"
    );
    // What is signed for another address or path, or with another secret, is the bridge's own address.
    assert_eq!(login(&bridge, "wrong password"), 401);
    for forged in [
        signed(BRIDGE_SECRET, "203.0.113.9", path),
        signed("another secret, just as long", "203.0.113.1", path),
        signed(BRIDGE_SECRET, "203.0.113.1", "/api/v1/auth/register"),
    ] {
        assert_ne!(login(&forged, "wrong password"), 200);
    }
    assert_eq!(login(&bridge, PASSWORD), 429);
}

#[test]
fn the_gateways_words_say_what_is_missing() {
    let app = TestApp::new();
    let ada = app.public_sms_user("ada");
    let bob = app.public_sms_user("bob");
    let body = text_to("+263771234567", "Hello");
    let token = ada.client.token();
    let door = app.gateway(PUBLIC_HOST);
    let own = ada.app_id.to_string();
    for (client, status, words) in [
        (door.clone(), 401, "authorization header required"),
        (door.bearer(token), 401, "X-App-ID header required"),
        (
            door.bearer(token).with("x-app-id", "one"),
            400,
            "invalid X-App-ID",
        ),
        (
            door.bearer(token).with("x-app-id", "0"),
            400,
            "invalid X-App-ID",
        ),
        (
            door.bearer("nonsense").with("x-app-id", &own),
            401,
            "invalid or expired token",
        ),
        (
            door.bearer(token).with("x-app-id", &bob.app_id.to_string()),
            401,
            "unknown app_id",
        ),
        (
            door.bearer(token).with("x-app-id", "999"),
            401,
            "unknown app_id",
        ),
    ] {
        let reply = client.post("sms/send", &body).status(status);
        assert_eq!(reply.json, json!({"error": words}));
    }
    app.pass_seconds(12 * 3_600 + 1);
    let late = ada.client.post("sms/send", &body).status(401);
    assert_eq!(late.json, json!({"error": "invalid or expired token"}));
}

#[test]
fn a_token_is_good_at_its_own_place_only() {
    let app = TestApp::new();
    let (greenwood, hillside) = (app.school("greenwood"), app.school("hillside"));
    let public = app.public_sms_user("ada");
    let own = app.sms_user(&greenwood.host, "ada");
    let id = own.sent("Hello");
    let ask = json!({"message_id": id});
    for (client, host) in [
        (&own.client, PUBLIC_HOST),
        (&own.client, hillside.host.as_str()),
        (&public.client, greenwood.host.as_str()),
    ] {
        let reply = client.at(host).post("sms/info", &ask).status(401);
        assert_eq!(reply.json, json!({"error": "unknown app_id"}));
    }
    // Neither platform nor school accepts it, and it accepts none of theirs.
    greenwood
        .admin
        .bearer(own.client.token())
        .get("users/")
        .expect(401);
    app.platform()
        .bearer(public.client.token())
        .get("schools/")
        .expect(401);
    let foreign = own
        .client
        .bearer(greenwood.admin.token())
        .post("sms/info", &ask);
    assert_eq!(
        foreign.status(401).json,
        json!({"error": "invalid or expired token"})
    );
    // Another app of the same school finds nothing.
    let other = app.sms_user(&greenwood.host, "bob");
    assert_eq!(
        other.client.post("sms/info", &ask).status(404).json,
        json!({"error": "message not found"})
    );
    other.client.act(&format!("sms/{id}/cancel")).expect(404);
}

#[test]
fn administrators_ask_for_everyone_and_others_for_themselves() {
    let app = TestApp::new();
    let (ada, bob) = (app.public_sms_user("ada"), app.public_sms_user("bob"));
    let ask = |client: &homeroom_api_tests::SmsUser, id: i64| {
        client.client.post("auth/is-admin", &json!({"user_id": id}))
    };
    assert_eq!(
        ask(&ada, ada.user_id).status(200).json,
        json!({"is_admin": false})
    );
    ask(&ada, bob.user_id).expect(403);
    app.execute(
        "CONTROL",
        &format!(
            "update sms_accounts set is_admin = 1 where id = {}",
            ada.user_id
        ),
    );
    app.restart(1);
    assert_eq!(
        ask(&ada, ada.user_id).status(200).json,
        json!({"is_admin": true})
    );
    assert_eq!(
        ask(&ada, bob.user_id).status(200).json,
        json!({"is_admin": false})
    );
    ask(&ada, 999).expect(404);
    let delete = json!({"user_id": bob.user_id});
    assert_eq!(
        ada.client
            .post("auth/delete-user", &delete)
            .status(200)
            .json,
        json!({"result": true})
    );
    ada.client.post("auth/delete-user", &delete).expect(404);
    assert_eq!(
        bob.send("+263771234567", "Hello").status(401).json,
        json!({"error": "unknown app_id"})
    );
    let _ = app.public_sms_user("bob");
}

#[test]
fn where_apps_wait_for_approval_nobody_sends_before() {
    let app = TestApp::new();
    app.configure_sms(true, false);
    let door = app.gateway(PUBLIC_HOST).from("203.0.113.1");
    let body = json!({"email": "user@example.com", "password": PASSWORD, "app_name": "a"});
    let made = door.post("auth/register", &body).status(200);
    assert_eq!(made.json["is_active"], false);
    let login =
        json!({"email": "user@example.com", "password": PASSWORD, "app_id": made.json["app_id"]});
    assert_eq!(
        error_of(&door.post("auth/login", &login)),
        (403, "app_inactive".into())
    );
    app.execute("CONTROL", "update sms_apps set is_active = 1");
    door.post("auth/login", &login).expect(200);
}
