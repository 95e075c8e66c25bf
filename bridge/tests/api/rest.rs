use super::support::{Disk, SECRET, bridge, bridge_with, message, now, token, token_at};
use base64ct::{Base64UrlUnpadded, Encoding};
use homeroom_sms_contract::signature;
use http::Method;
use serde_json::{Value, json};

fn with(field: &str, value: Value) -> Value {
    let mut message = message();
    message[field] = value;
    message
}

#[tokio::test]
async fn a_sent_message_is_answered_as_the_source_shows_it() {
    let bridge = bridge().await;
    let answer = bridge
        .post("/api/v1/sms/send", with("task_id", json!(12_345)))
        .await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    let id = body["message_id"].as_str().unwrap();
    assert_eq!(
        body,
        json!({
            "success": true, "error": "", "esme": 1000, "transaction_id": "tx-001", "message_id": id,
            "status": "submitted", "sms_ids": [format!("{id}-1")], "task_id": 12_345,
        })
    );
    let stored = bridge.engine.messages.lock().unwrap();
    let stored = stored.values().next().unwrap();
    assert_eq!(
        (stored.app_id, stored.tenant.as_deref()),
        (7, Some("hillside"))
    );
}

#[tokio::test]
async fn info_shows_every_part_and_finds_a_message_by_its_id_whatever_esme_says() {
    let bridge = bridge().await;
    let long = with("message", json!("x".repeat(161)));
    let sent = bridge.post("/api/v1/sms/send", long).await.json();
    assert_eq!(sent["sms_ids"].as_array().unwrap().len(), 2);
    let id = &sent["message_id"];
    let info = bridge
        .post(
            "/api/v1/sms/info/",
            json!({ "esme": 100, "message_id": id }),
        )
        .await;
    assert_eq!(
        info.json(),
        json!({
            "message_id": id, "mode": "multipart", "parts": { "1": "DELIVERED", "2": "ACCEPTED" },
            "delivered_count": 1, "sent_at": 1_937_082_920, "updated_at": 1_937_082_925,
            "transaction_id": "tx-001", "task_id": 0, "status": "SUBMITTED", "error": "",
        })
    );
    let bearer = format!("Bearer {}", token(8));
    let headers = [("authorization", bearer.as_str()), ("x-app-id", "8")];
    let body = json!({ "esme": 100, "message_id": id }).to_string();
    let foreign = bridge.post_with("/api/v1/sms/info", &headers, body).await;
    assert_eq!(foreign.error(), (404, "message not found".to_owned()));
    let unknown = bridge
        .post(
            "/api/v1/sms/info",
            json!({ "esme": 100, "message_id": "no" }),
        )
        .await;
    assert_eq!(unknown.error(), (404, "message not found".to_owned()));
}

#[tokio::test]
async fn both_names_of_the_addresses_are_taken_and_a_missing_transaction_id_is_made() {
    let bridge = bridge().await;
    let other = json!({ "esme": 100, "saddr": "School", "daddr": "+987654321", "message": "Hi", "ston": 5, "snpi": 0 });
    let sent = bridge.post("/api/v1/sms/send", other).await;
    assert_eq!(sent.status, 200);
    assert_eq!(sent.json()["transaction_id"].as_str().unwrap().len(), 36);
    let stored = bridge.engine.messages.lock().unwrap();
    let stored = stored.values().next().unwrap();
    assert_eq!((stored.source.as_str(), stored.ston), ("School", Some(5)));
}

#[tokio::test]
async fn a_repeated_transaction_is_the_same_message_and_another_body_is_a_conflict() {
    let bridge = bridge().await;
    let (one, two) = tokio::join!(
        bridge.post("/api/v1/sms/send", message()),
        bridge.post("/api/v1/sms/send", message()),
    );
    assert_eq!(one.json(), two.json());
    let other = bridge
        .post("/api/v1/sms/send", with("message", json!("Bye")))
        .await;
    assert_eq!(other.error().0, 409);
}

#[tokio::test]
async fn what_cannot_be_sent_is_told_in_the_shape_of_the_source() {
    let bridge = bridge().await;
    for (body, status) in [
        (with("esme", json!(77)), 400),
        (with("esme", json!(-1)), 400),
        (with("esme", json!("1000")), 400),
        (with("esme", json!(1e30)), 400),
        (with("message", json!("")), 400),
        (with("message", json!(5)), 400),
        (with("transaction_id", json!("x".repeat(65))), 400),
        (with("app_id", json!(8)), 401),
        (with("esme", json!(102)), 403),
        (json!({ "esme": 1000 }), 400),
        (json!([]), 400),
    ] {
        let (found, error) = bridge.post("/api/v1/sms/send", body.clone()).await.error();
        assert_eq!(found, status, "{body} {error}");
        assert!(!error.is_empty());
    }
    let bearer = format!("Bearer {}", token(7));
    let headers = [("authorization", bearer.as_str()), ("x-app-id", "7")];
    for body in [
        &b"\xff\xfe"[..],
        b"",
        b"{",
        b"{\"esme\":1000,\"message\":\"\xff\"}",
        // Half a surrogate pair, alone, before a letter and in the wrong order.
        br#"{"esme":1000,"source":"School","destination":"+987654321","message":"\ud83d"}"#,
        br#"{"esme":1000,"source":"School","destination":"+987654321","message":"\ud83da"}"#,
        br#"{"esme":1000,"source":"School","destination":"+987654321","message":"\ude00\ud83d"}"#,
    ] {
        let answer = bridge.post_with("/api/v1/sms/send", &headers, body).await;
        assert_eq!(answer.error().0, 400);
    }
    assert!(bridge.engine.messages.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_client_of_an_allowed_network_behind_a_trusted_proxy_may_use_the_link() {
    let bridge = bridge().await;
    let bearer = format!("Bearer {}", token(7));
    let body = with("esme", json!(102)).to_string();
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-app-id", "7"),
        ("x-forwarded-for", "203.0.113.9"),
    ];
    assert_eq!(
        bridge
            .post_with("/api/v1/sms/send", &headers, body)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn only_a_good_token_for_the_named_app_gets_in() {
    let bridge = bridge().await;
    let good = token(7);
    let foreign = token_at(7, "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE", now());
    let expired = token_at(7, super::support::KEYS, now().plus_seconds(-12 * 3600 - 5));
    let (_, rest) = good.split_once('.').unwrap();
    let none = Base64UrlUnpadded::encode_string(br#"{"alg":"none","kid":"k1"}"#);
    let unsigned = format!("{none}.{}.", rest.split_once('.').unwrap().0);
    let app = |id: &'static str| Some(id);
    for (authorization, app_id, expected) in [
        (None, app("7"), (401, "authorization header required")),
        (
            Some(format!("Bearer {good}")),
            None,
            (401, "X-App-ID header required"),
        ),
        (
            Some(format!("Bearer {good}")),
            app("seven"),
            (400, "invalid X-App-ID"),
        ),
        (
            Some(format!("Bearer {good}")),
            app("8"),
            (401, "unknown app_id"),
        ),
        (
            Some(format!("Basic {good}")),
            app("7"),
            (401, "invalid or expired token"),
        ),
        (
            Some(good.clone()),
            app("7"),
            (401, "invalid or expired token"),
        ),
        (
            Some(format!("Bearer {foreign}")),
            app("7"),
            (401, "invalid or expired token"),
        ),
        (
            Some(format!("Bearer {expired}")),
            app("7"),
            (401, "invalid or expired token"),
        ),
        (
            Some(format!("Bearer {unsigned}")),
            app("7"),
            (401, "invalid or expired token"),
        ),
        (
            Some("Bearer ".to_owned()),
            app("7"),
            (401, "invalid or expired token"),
        ),
    ] {
        let mut headers = Vec::new();
        headers.extend(
            authorization
                .as_deref()
                .map(|value| ("authorization", value)),
        );
        headers.extend(app_id.map(|value| ("x-app-id", value)));
        for path in ["send", "check-esme", "info", "check-text"] {
            let answer = bridge
                .post_with(&format!("/api/v1/sms/{path}"), &headers, "{}")
                .await;
            assert_eq!(
                answer.error(),
                (expected.0, expected.1.to_owned()),
                "{headers:?}"
            );
        }
    }
}

#[tokio::test]
async fn check_esme_tells_of_links_and_pools() {
    let bridge = bridge().await;
    for (esme, persist, system_id, error) in [
        (100, true, "school100", ""),
        (101, false, "school101", "the connection is down"),
        (102, false, "school102", "the connection is switched off"),
        (1000, true, "school100", ""),
    ] {
        let answer = bridge
            .post("/api/v1/sms/check-esme", json!({ "esme": esme }))
            .await;
        assert_eq!(
            answer.json(),
            json!({ "persist": persist, "system_id": system_id, "error": error })
        );
    }
    let unknown = bridge
        .post("/api/v1/sms/check-esme", json!({ "esme": -5 }))
        .await;
    assert_eq!(unknown.error(), (400, "unknown esme -5".to_owned()));
}

#[tokio::test]
async fn check_text_counts_for_the_link_that_is_named_and_with_similar_characters() {
    let bridge = bridge().await;
    for (body, expected) in [
        (
            json!({ "message": "x".repeat(160), "esme": 102 }),
            ("LATIN1", 2, 133),
        ),
        (
            json!({ "message": "x".repeat(160), "esme": 0 }),
            ("GSM7", 1, 160),
        ),
        (json!({ "message": "“x”" }), ("UCS2", 1, 70)),
        (
            json!({ "message": "“x”", "transliterate": true }),
            ("GSM7", 1, 160),
        ),
    ] {
        let found = bridge.post("/api/v1/sms/check-text", body.clone()).await;
        let found = found.json();
        assert_eq!(
            (
                &found["encoding"],
                &found["segments"],
                &found["per_segment"]
            ),
            (&json!(expected.0), &json!(expected.1), &json!(expected.2)),
            "{body}"
        );
    }
    let unknown = json!({ "message": "x", "esme": 7 });
    let answer = bridge.post("/api/v1/sms/check-text", unknown).await;
    assert_eq!(answer.error(), (400, "unknown esme 7".to_owned()));
}

#[tokio::test]
async fn check_text_counts_as_sending_does() {
    let bridge = bridge().await;
    for (text, encoding, length, segments) in [
        ("x".repeat(160), "GSM7", 160, 1),
        ("x".repeat(161), "GSM7", 161, 2),
        ("€".repeat(80), "GSM7", 160, 1),
        ("ж".repeat(71), "UCS2", 71, 2),
    ] {
        let answer = bridge
            .post("/api/v1/sms/check-text", json!({ "message": text }))
            .await
            .json();
        let found = (&answer["encoding"], &answer["length"], &answer["segments"]);
        assert_eq!(
            found,
            (&json!(encoding), &json!(length), &json!(segments)),
            "{text}"
        );
        let sent = with("message", json!(text));
        let sent = bridge.post("/api/v1/sms/send", sent).await;
        if sent.status == 200 {
            assert_eq!(sent.json()["sms_ids"].as_array().unwrap().len(), segments);
        }
    }
}

#[tokio::test]
async fn a_full_disk_accepts_nothing_and_says_so() {
    let bridge = bridge().await;
    *bridge.engine.disk.lock().unwrap() = Disk::Full;
    let answer = bridge.post("/api/v1/sms/send", message()).await;
    assert_eq!(answer.error().0, 503);
    assert_eq!(answer.headers["retry-after"], "30");
    assert_eq!(bridge.get("/ready").await.error().0, 503);
    assert_eq!(
        bridge.get("/healthy").await.json(),
        json!({ "status": "ok" })
    );
    *bridge.engine.disk.lock().unwrap() = Disk::Broken;
    let answer = bridge.post("/api/v1/sms/send", message()).await;
    assert_eq!(answer.error(), (500, "internal error".to_owned()));
    *bridge.engine.disk.lock().unwrap() = Disk::Good;
    assert_eq!(
        bridge.get("/ready").await.json(),
        json!({ "status": "ready" })
    );
    assert!(bridge.engine.messages.lock().unwrap().is_empty());
}

#[tokio::test]
async fn unknown_paths_and_methods_have_the_shape_of_errors() {
    let bridge = bridge().await;
    assert_eq!(
        bridge.get("/nothing").await.error(),
        (404, "not found".to_owned())
    );
    let wrong = bridge
        .call(Method::DELETE, "/api/v1/sms/send", &[], "")
        .await;
    assert_eq!(wrong.error(), (405, "method not allowed".to_owned()));
}

#[tokio::test]
async fn accounts_are_asked_of_the_platform_with_the_callers_credential_alone() {
    use axum::{Router, extract::Request, http::StatusCode, routing::post};
    let answer = async |request: Request| {
        let headers = request.headers();
        let kept = headers.contains_key("authorization") && headers["x-app-id"] == "7";
        let more = headers.contains_key("cookie") || headers.contains_key("x-forwarded-for");
        let text = |name: &str| headers[name].to_str().unwrap();
        let said = signature::client(request.uri().path(), text(signature::CLIENT));
        let seconds = text(signature::TIMESTAMP);
        let good = signature::verify(
            &[SECRET.as_bytes()],
            text(signature::ID),
            seconds,
            text(signature::SIGNATURE),
            said.as_bytes(),
            seconds.parse().unwrap(),
        );
        let client = good.map(|()| text(signature::CLIENT)).unwrap_or_default();
        (
            [("retry-after", "900")],
            axum::Json(json!({
                "path": request.uri().path(), "kept": kept, "more": more, "client": client,
            })),
        )
    };
    let platform = Router::new()
        .route("/api/v1/auth/login", post(answer))
        .route(
            "/api/v1/auth/register",
            post(async || (StatusCode::BAD_REQUEST, "{\"error\":\"email is taken\"}")),
        )
        .route(
            "/api/v1/auth/is-admin",
            post(async || (StatusCode::OK, "<html>")),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, platform).await.unwrap() });
    let bridge = bridge_with(&url, "").await;
    let headers = [
        ("authorization", "Bearer x"),
        ("x-app-id", "7"),
        ("cookie", "a=b"),
        ("x-forwarded-for", "1.2.3.4"),
    ];
    let login = bridge
        .post_with("/api/v1/auth/login/", &headers, "{}")
        .await;
    assert_eq!(
        login.json(),
        json!({ "path": "/api/v1/auth/login", "kept": true, "more": false, "client": "1.2.3.4" })
    );
    assert_eq!(login.headers["retry-after"], "900");
    assert_eq!(login.headers["cache-control"], "no-store");
    let register = bridge.post_with("/api/v1/auth/register", &[], "{}").await;
    assert_eq!(register.error(), (400, "email is taken".to_owned()));
    let page = bridge.post_with("/api/v1/auth/is-admin", &[], "{}").await;
    assert_eq!(
        page.error(),
        (503, "accounts are not available at the moment".to_owned())
    );
    let missing = bridge
        .post_with("/api/v1/auth/delete-user", &[], "{}")
        .await;
    assert_eq!(missing.error().0, 503);
}
