//! Whatever JSON a client sends, the answer is never a 5xx.

use std::{cell::RefCell, collections::BTreeMap};

use homeroom_api_tests::{
    document::{Operation, operations},
    samples::{Sample, Scene},
};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Map, Value, json};

const CASES: u32 = 1_200;

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z0-9@.+-]{0,20}",
        select(vec![
            "",
            " ",
            "null",
            "true",
            "0",
            "-1",
            "'",
            "\"",
            "\\",
            "%",
            "_",
            "*",
            "a@b.example",
            "+263772123456",
            "\u{0}",
            "\u{feff}",
            "\u{202e}",
            "😀",
            "01890000-0000-7000-8000-000000000000",
            "2026-02-30",
            "2026-01-15T10:00:00Z",
            "9999-12-31T23:59:59.999999999+23:59",
            "0000-01-01T00:00:00Z",
            "school.view_user",
            "school.*",
            "*",
            "https://portal.example.org",
            "203.0.113.0/24",
            "::/0",
            "'; drop table users; --",
            "Africa/Harare",
        ])
        .prop_map(str::to_owned),
        Just("x".repeat(10_000)),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((texts(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// What is done to a valid body.
#[derive(Clone, Debug)]
enum Change {
    Whole(Value),
    Set(usize, Value),
    SetInner(usize, usize, Value),
    Remove(usize),
    Add(String, Value),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        1 => values().prop_map(Change::Whole),
        6 => (0..12usize, values()).prop_map(|(n, value)| Change::Set(n, value)),
        2 => (0..12usize, 0..12usize, values()).prop_map(|(n, m, value)| Change::SetInner(n, m, value)),
        2 => (0..12usize).prop_map(Change::Remove),
        1 => (texts(), values()).prop_map(|(name, value)| Change::Add(name, value)),
    ];
    prop::collection::vec(change, 1..3)
}

fn apply(mut body: Value, operation: &Operation, changes: Vec<Change>) -> Value {
    let names: Vec<String> = operation.properties().keys().cloned().collect();
    let name = |n: usize| names[n % names.len()].clone();
    for change in changes {
        if !body.is_object() {
            body = json!({});
        }
        match change {
            Change::Whole(value) => body = value,
            Change::Set(n, value) => body[name(n)] = value,
            Change::SetInner(n, m, value) => {
                let inner = ["email", "staff_number", "password", "first_name", "user"][m % 5];
                match &mut body[name(n)] {
                    Value::Object(map) => drop(map.insert(inner.to_owned(), value)),
                    Value::Array(items) => items.push(value),
                    other => *other = value,
                }
            }
            Change::Remove(n) => drop(
                body.as_object_mut()
                    .map(|map: &mut Map<String, Value>| map.remove(&name(n))),
            ),
            Change::Add(name, value) => body[name] = value,
        }
    }
    body
}

#[test]
fn random_json_is_never_a_5xx() {
    let scene = Scene::new();
    let all: Vec<(Operation, RefCell<Sample>)> = operations()
        .into_iter()
        .filter(|operation| !operation.body.is_null())
        .map(|operation| (operation.clone(), RefCell::new(scene.prepare(&operation))))
        .collect();
    let statuses = RefCell::new(BTreeMap::<u16, u32>::new());
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let strategy = (0..all.len(), changes());
    let outcome = TestRunner::new_with_rng(config, rng).run(&strategy, |(n, changes)| {
        let (operation, sample) = &all[n];
        let body = apply(sample.borrow().body.clone().unwrap(), operation, changes);
        let reply = sample.borrow().with_body(body.clone()).send();
        *statuses.borrow_mut().entry(reply.status).or_default() += 1;
        prop_assert!(
            reply.status < 500,
            "{}: {body}: {} {}",
            operation.name(),
            reply.status,
            reply.log
        );
        if matches!(reply.status, 401 | 404 | 429) {
            // The sign-in, the record or the patience ended: the next case gets fresh ones.
            *sample.borrow_mut() = scene.prepare(operation);
        }
        Ok(())
    });
    assert!(outcome.is_ok(), "{outcome:?}");
    scene.app.assert_sound();
    let statuses = statuses.into_inner();
    let of = |status: u16| statuses.get(&status).copied().unwrap_or(0);
    assert!(
        of(400) > CASES / 3 && of(200) + of(201) > CASES / 20,
        "{statuses:?}"
    );
}

#[test]
fn random_queries_are_never_a_5xx() {
    let scene = Scene::new();
    for operation in operations()
        .iter()
        .filter(|operation| operation.id.starts_with("create_"))
    {
        scene.prepare(operation).send().expect(201);
    }
    let lists: Vec<(Operation, Sample)> = operations()
        .into_iter()
        .filter(|operation| operation.id.starts_with("list_"))
        .map(|operation| (operation.clone(), scene.prepare(&operation)))
        .collect();
    let names = prop_oneof![
        3 => select(vec!["page", "page_size", "ordering", "search", "is_active", "role", "email", "user", "status", "actor"])
            .prop_map(str::to_owned),
        1 => texts(),
    ];
    let strategy = (
        0..lists.len(),
        prop::collection::vec((names, texts()), 0..8),
    );
    let config = Config {
        cases: 600,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, rng).run(&strategy, |(n, pairs)| {
        let (operation, sample) = &lists[n];
        let pair =
            |(name, value): &(String, String)| format!("{}={}", escaped(name), escaped(value));
        let query = pairs.iter().map(pair).collect::<Vec<_>>().join("&");
        let reply = sample.client.get(&format!("{}?{query}", operation.path));
        prop_assert!(
            reply.status < 500,
            "{}: {query}: {} {}",
            operation.name(),
            reply.status,
            reply.log
        );
        Ok(())
    });
    assert!(outcome.is_ok(), "{outcome:?}");
}

/// Percent-encoded, at most 2,000 bytes.
fn escaped(text: &str) -> String {
    text.bytes()
        .take(2_000)
        .map(|byte| format!("%{byte:02X}"))
        .collect()
}

#[test]
fn random_headers_are_never_a_5xx() {
    let scene = Scene::new();
    let names = [
        "authorization",
        "x-api-key",
        "x-schema-name",
        "idempotency-key",
        "cf-connecting-ip",
        "origin",
        "content-type",
        "x-d1-bookmark",
        "x-request-id",
        "user-agent",
        "host",
        "accept",
        "content-length",
        "transfer-encoding",
        "cookie",
    ];
    let value = prop_oneof![
        "[ -~]{0,60}",
        "Bearer [A-Za-z0-9_.-]{0,80}",
        "hr_test_[0-9a-f]{12}_[0-9a-f]{64}_[0-9a-f]{8}",
        select(vec![
            "application/json",
            "0",
            "-1",
            "99999999999999999999",
            "::1",
            "::ffff:0:0",
            "*",
            "null",
            "alpha",
            "é",
            "\u{ff}"
        ])
        .prop_map(str::to_owned),
    ];
    let strategy = prop::collection::vec((select(names.to_vec()), value), 1..4);
    let config = Config {
        cases: 600,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let operations = operations();
    let users = operations
        .iter()
        .find(|operation| operation.name() == "school.create_user")
        .unwrap();
    let sample = scene.prepare(users);
    let outcome = TestRunner::new_with_rng(config, rng).run(&strategy, |headers| {
        for client in [&sample.client, &sample.client.anonymous()] {
            let client = headers
                .iter()
                .fold(client.clone(), |client, (name, value)| {
                    client.with(name, value)
                });
            for reply in [client.get("users/"), sample.send_as(&client)] {
                prop_assert!(
                    reply.status < 500,
                    "{headers:?}: {} {}",
                    reply.status,
                    reply.log
                );
            }
        }
        Ok(())
    });
    assert!(outcome.is_ok(), "{outcome:?}");
    scene.app.assert_sound();
}
