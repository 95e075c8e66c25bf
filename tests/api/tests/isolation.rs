//! Nothing of one school is ever had with a credential of another, on any route of the documents: the two schools have
//! the same row ids, the same sign-in ids and the same emails, and differ in their texts, keys and passwords only.

use std::collections::BTreeSet;

use homeroom_api_tests::{
    Client, PUBLIC_HOST, Reply,
    document::{Operation, operations},
    samples::{Sample, user_body, webhook_body},
    twins::{CANARY_ALPHA, CANARY_BETA, Twin, Twins},
};
use serde_json::{Value, json};

/// A body that is valid in both schools: what refuses the request is the credential alone.
fn body(twins: &Twins, operation: &Operation, other: &Twin) -> Option<Value> {
    if operation.body.is_null() && !operation.id.starts_with("import_") {
        return None;
    }
    let id = |name: &str| {
        twins
            .ids
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap()
            .1
            .clone()
    };
    Some(match operation.id.as_str() {
        "login" => json!({"email": "admin@alpha.example", "password": other.password}),
        "refresh" => json!({"refresh": other.refresh}),
        "change_password" => {
            json!({"old_password": other.password, "new_password": "quite another one"})
        }
        "request_password_reset" => json!({"email": "admin@alpha.example"}),
        "confirm_password_reset" => {
            json!({"email": "admin@alpha.example", "code": "123456", "new_password": "quite another one"})
        }
        "create_user" | "replace_user" | "update_user" => user_body(7),
        "create_role" | "replace_role" | "update_role" => {
            json!({"name": "Broken in", "permissions": [1]})
        }
        "create_staff" | "replace_staff" | "update_staff" => json!({"staff_number": "X-1"}),
        "create_user_role_assignment"
        | "replace_user_role_assignment"
        | "update_user_role_assignment" => {
            json!({"user": id("users"), "role": id("roles")})
        }
        "create_webhook" | "update_webhook" => webhook_body(7),
        "import_students" => {
            json!("student_id,first_name,last_name,admission_year\nX-1,A,B,2026\n")
        }
        "import_guardians" => json!("first_name,last_name,email\nA,B,a@people.example\n"),
        "import_staff" => json!("staff_number\nX-1\n"),
        "import_classes" => json!("name,form\nX-1,X-1\n"),
        "import_registrations" => json!("session,student_id\nX-1,X-1\n"),
        "import_marks" => json!("student_id,subject\nX-1,X-1\n"),
        _ => json!({"name": "Broken in"}),
    })
}

fn sample(twins: &Twins, operation: &Operation, other: &Twin, client: &Client) -> Sample {
    let path = match operation.area {
        "school" => twins.address(&operation.path),
        _ => operation.path.replace("{id}", &twins.beta.school.id),
    };
    let path = if operation.id == "export_marks" || operation.id == "import_marks" {
        format!("{path}?exam_session={}", twins.exam_session())
    } else if operation.id == "find_students_by_phone" {
        format!("{path}?phone=263771234567")
    } else if operation.id == "find_results" {
        format!("{path}?student_id=1&pin=000000")
    } else if operation.id == "read_calendar_feed" {
        format!("{path}?token={}", other.feed)
    } else {
        path
    };
    Sample {
        client: client.clone(),
        method: operation.method.clone(),
        path,
        body: body(twins, operation, other),
    }
}

#[track_caller]
fn assert_gives_nothing_away(reply: &Reply, case: &str) {
    let whole = format!("{:?} {}", reply.headers, reply.text);
    for canary in [CANARY_ALPHA, CANARY_BETA] {
        assert!(!whole.contains(canary), "{case}: {whole}");
    }
    assert!(
        !whole.contains("\"access\""),
        "{case} was given a token: {whole}"
    );
}

/// A token whose header says that it needs no signature.
fn unsigned(token: &str) -> String {
    let body = token.split('.').nth(1).unwrap();
    let head =
        data_encoding::BASE64URL_NOPAD.encode(br#"{"alg":"none","typ":"at+jwt","kid":"k1"}"#);
    format!("{head}.{body}.")
}

/// Credentials of another school, and what they are worth at this school's host.
fn strangers(twins: &Twins, here: &Twin, other: &Twin) -> Vec<(String, Client, u16)> {
    let door = here.school.anonymous();
    let token = other.school.admin.token().to_owned();
    let mut list = vec![
        ("nobody".to_owned(), door.clone()),
        ("garbage".to_owned(), door.bearer("garbage")),
        ("three parts of garbage".to_owned(), door.bearer("a.b.c")),
        (
            "a garbage key".to_owned(),
            door.api_key("hr_test_aaaaaaaaaaaa_b_00000000"),
        ),
        (
            "an access token of the other school".to_owned(),
            door.bearer(&token),
        ),
        (
            "an unsigned token of the other school".to_owned(),
            door.bearer(&unsigned(&token)),
        ),
        (
            "an unsigned token of this school".to_owned(),
            door.bearer(&unsigned(here.school.admin.token())),
        ),
        (
            "an API key of the other school".to_owned(),
            door.api_key(&other.api_key),
        ),
        (
            "an API key of the other school as a token".to_owned(),
            door.bearer(&other.api_key),
        ),
        (
            "a refresh token of the other school as a token".to_owned(),
            door.bearer(&other.refresh),
        ),
        (
            "an access token of the other school as a key".to_owned(),
            door.api_key(&token),
        ),
        (
            "a platform token".to_owned(),
            door.bearer(twins.app.platform().token()),
        ),
    ];
    for name in [&here.school.slug, &other.school.slug] {
        let named: Vec<_> = list
            .iter()
            .filter(|(who, _)| !who.contains("X-Schema-Name") && who != "a platform token")
            .map(|(who, client)| {
                (
                    format!("{who}, with X-Schema-Name: {name}"),
                    client.with("x-schema-name", name),
                )
            })
            .collect();
        list.extend(named);
    }
    list.into_iter()
        .map(|(who, client)| (who, client, 401))
        .collect()
}

fn school_operations() -> Vec<Operation> {
    operations()
        .into_iter()
        .filter(|operation| operation.area == "school")
        .collect()
}

#[test]
fn no_credential_of_another_school_opens_any_route() {
    let twins = Twins::new();
    let mut tried = 0;
    for (here, other) in [(&twins.alpha, &twins.beta), (&twins.beta, &twins.alpha)] {
        let before = [
            twins.app.dump(&twins.alpha.school.slot),
            twins.app.dump(&twins.beta.school.slot),
        ];
        for operation in school_operations() {
            for (who, client, expected) in strangers(&twins, here, other) {
                // Every try is a failure at the door: the address changes, so that the lockout does not answer for it.
                tried += 1;
                let client = client.from(&format!("2001:db8:{tried:x}::1"));
                let reply = sample(&twins, &operation, other, &client).send();
                let case = format!("{who} at {} for {}", here.school.slug, operation.name());
                assert_gives_nothing_away(&reply, &case);
                let locked = operation.id == "login" && reply.status == 429;
                // Which says the same to everybody.
                let expected = if operation.id == "request_password_reset" {
                    202
                } else {
                    expected
                };
                assert!(
                    reply.status == expected || locked,
                    "{case}: {} {}",
                    reply.status,
                    reply.text
                );
            }
        }
        let after = [
            twins.app.dump(&twins.alpha.school.slot),
            twins.app.dump(&twins.beta.school.slot),
        ];
        assert_eq!(before, after, "a refused request changed something");
    }
    assert!(tried > 2 * 30 * 30, "only {tried} tries");
}

#[test]
fn a_schools_credentials_open_nothing_on_the_public_host() {
    let twins = Twins::new();
    let alpha = &twins.alpha;
    let before = twins.app.dump("CONTROL");
    let door = twins.app.anonymous(PUBLIC_HOST);
    for operation in operations() {
        if operation.is_open() {
            continue;
        }
        for (who, client) in [
            ("an access token", door.bearer(alpha.school.admin.token())),
            (
                "an unsigned token",
                door.bearer(&unsigned(alpha.school.admin.token())),
            ),
            ("an API key", door.api_key(&alpha.api_key)),
            ("a refresh token", door.bearer(&alpha.refresh)),
            ("nothing", door.clone()),
        ] {
            let reply = sample(&twins, &operation, alpha, &client).send();
            let case = format!("{who} for {}", operation.name());
            assert_gives_nothing_away(&reply, &case);
            assert_eq!(reply.status, 401, "{case}: {}", reply.text);
            for name in ["alpha", "beta"] {
                let reply = sample(
                    &twins,
                    &operation,
                    alpha,
                    &client.with("x-schema-name", name),
                )
                .send();
                let case = format!("{case} with X-Schema-Name: {name}");
                assert_gives_nothing_away(&reply, &case);
                assert!(
                    matches!(reply.status, 401 | 403),
                    "{case}: {} {}",
                    reply.status,
                    reply.text
                );
            }
        }
    }
    assert_eq!(before, twins.app.dump("CONTROL"));
}

#[test]
fn nobody_reaches_the_system_area_through_a_schools_host() {
    let twins = Twins::new();
    let door = twins.alpha.school.anonymous();
    for operation in operations()
        .into_iter()
        .filter(|operation| operation.area == "system")
    {
        for (who, client) in [
            ("nobody", door.clone()),
            (
                "a platform token",
                door.bearer(twins.app.platform().token()),
            ),
            ("the school's token", twins.alpha.school.admin.clone()),
            ("the school's key", door.api_key(&twins.alpha.api_key)),
        ] {
            let reply = sample(&twins, &operation, &twins.alpha, &client).send();
            let case = format!("{who} for {}", operation.name());
            assert_gives_nothing_away(&reply, &case);
            let expected = if operation.is_open() { 404 } else { 401 };
            assert_eq!(reply.status, expected, "{case}: {}", reply.text);
        }
    }
}

#[test]
fn each_school_reads_its_own_records_under_the_ids_that_both_have() {
    let twins = Twins::new();
    let mut seen = BTreeSet::new();
    for operation in school_operations()
        .into_iter()
        .filter(|operation| !operation.writes())
    {
        for (here, other) in [(&twins.alpha, &twins.beta), (&twins.beta, &twins.alpha)] {
            for client in [
                here.school.admin.clone(),
                here.school.anonymous().api_key(&here.api_key),
            ] {
                let reply = sample(&twins, &operation, other, &client).send();
                let has_account = client.token().starts_with("ey");
                let is_own = operation.id == "find_me" || operation.path.contains("/my/");
                let expected = match operation.id.as_str() {
                    // Its token is of the other school.
                    "read_calendar_feed" => 401,
                    // No student has this number.
                    "find_results" => 403,
                    _ if is_own && !has_account => 403,
                    _ => 200,
                };
                assert_eq!(
                    reply.status,
                    expected,
                    "{}: {}",
                    operation.name(),
                    reply.text
                );
                assert!(
                    !reply.text.contains(other.canary),
                    "{}: {}",
                    operation.name(),
                    reply.text
                );
                if reply.text.contains(here.canary) {
                    seen.insert(operation.id.clone());
                }
            }
        }
    }
    let with_texts = [
        "find_me",
        "list_users",
        "find_user",
        "list_staff",
        "find_staff",
        "list_roles",
        "find_role",
    ];
    for id in with_texts
        .into_iter()
        .chain(["list_audit_logs", "find_audit_log"])
    {
        assert!(
            seen.contains(id),
            "{id} shows nothing of the own school: the test proves nothing"
        );
    }
}

#[test]
fn a_superadministrator_who_names_a_school_gets_that_school() {
    let twins = Twins::new();
    for (here, other) in [(&twins.alpha, &twins.beta), (&twins.beta, &twins.alpha)] {
        let public = twins
            .app
            .platform()
            .base("/api/v1/school/")
            .with("x-schema-name", &here.school.slug);
        for client in [public.clone(), public.at(&here.school.host)] {
            let reply = client.get("users/").status(200);
            assert!(
                reply.text.contains(here.canary) && !reply.text.contains(other.canary),
                "{}",
                reply.text
            );
        }
        let reply = public.at(&other.school.host).get("users/");
        assert_gives_nothing_away(
            &reply,
            "a superadministrator at one school's host who names another",
        );
        assert_eq!(reply.status, 403, "{}", reply.text);
    }
}

#[test]
fn refresh_tokens_work_at_their_own_school_only() {
    let twins = Twins::new();
    for (here, other) in [(&twins.alpha, &twins.beta), (&twins.beta, &twins.alpha)] {
        let body = json!({"refresh": other.refresh});
        for door in [here.school.anonymous(), twins.app.anonymous(PUBLIC_HOST)] {
            let reply = door.post("auth/refresh/", &body);
            assert_eq!((reply.status, reply.code()), (401, "invalid_refresh_token"));
        }
        other
            .school
            .anonymous()
            .post("auth/refresh/", &body)
            .expect(200);
    }
}

#[test]
fn one_schools_idempotency_keys_answer_nothing_at_another() {
    let twins = Twins::new();
    let body = json!({"staff_number": "own-77", "title": "unlike any other"});
    let first = twins
        .alpha
        .school
        .admin
        .key("same")
        .post("staff/", &body)
        .status(201);
    let second = twins
        .beta
        .school
        .admin
        .key("same")
        .post("staff/", &body)
        .status(201);
    assert_ne!(first.id(), second.id());
    assert_eq!(second.header("idempotent-replayed"), "");
}
