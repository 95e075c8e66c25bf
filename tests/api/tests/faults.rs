//! A database that fails: for every route that writes, the k-th batch is lost before or after it ran, for every k.

use std::collections::BTreeMap;

use homeroom_api_tests::{
    Fault, Moment,
    document::{Operation, operations},
    samples::{Sample, Scene},
};

type Counts = BTreeMap<String, i64>;

/// What an operation adds to each table.
fn difference(before: &Counts, after: &Counts) -> Counts {
    let changed = after.iter().map(|(table, rows)| {
        (
            table.clone(),
            rows - before.get(table).copied().unwrap_or(0),
        )
    });
    changed.filter(|(_, rows)| *rows != 0).collect()
}

/// Where a repetition cannot be told from a second wish: what it may leave behind besides.
fn may_repeat(operation: &Operation, table: &str) -> bool {
    match operation.id.as_str() {
        // Signing in twice makes two sign-ins.
        "login" => table.ends_with(".sessions") || table.ends_with(".refresh_tokens"),
        // Whoever asks twice gets two codes, of which the second is good.
        "request_password_reset" => [".password_resets", ".sms_messages", ".audit_logs"]
            .iter()
            .any(|name| table.ends_with(name)),
        // PUT and PATCH carry no key: the second one is a change of its own and says so.
        _ if operation.method == "PUT" || operation.method == "PATCH" => {
            table.ends_with(".audit_logs")
        }
        _ => false,
    }
}

/// The answer to a repetition where the first attempt had its effect.
fn is_good_repetition(operation: &Operation, status: u16) -> bool {
    match operation.id.as_str() {
        // The credential that asks ended with the first attempt.
        "logout" | "logout_all" | "change_password" | "confirm_password_reset" => {
            (200..300).contains(&status) || status == 401
        }
        // What is gone cannot be deleted again.
        _ if operation.method == "DELETE" => status == 204 || status == 404,
        _ => (200..300).contains(&status),
    }
}

fn undisturbed(scene: &Scene, operation: &Operation) -> Counts {
    let sample = scene.prepare(operation);
    scene.app.visit_schools();
    let before = scene.app.row_counts();
    let reply = keyed(&sample, "undisturbed").send();
    assert!(
        (200..300).contains(&reply.status),
        "{}: {} {}",
        operation.name(),
        reply.status,
        reply.text
    );
    scene.app.visit_schools();
    difference(&before, &scene.app.row_counts())
}

fn keyed(sample: &Sample, key: &str) -> Sample {
    Sample {
        client: sample.client.key(key),
        ..sample.clone()
    }
}

/// One attempt with a fault and its repetition; false when the request passed before the fault's turn.
fn with_fault(scene: &Scene, operation: &Operation, fault: Fault, expected: &Counts) -> bool {
    let app = &scene.app;
    let case = format!("{} with {fault:?}", operation.name());
    let sample = keyed(&scene.prepare(operation), &format!("{fault:?}"));
    app.visit_schools();
    let before = app.row_counts();
    app.inject(Some(fault));
    let first = sample.send();
    app.inject(None);
    let fired = app.fault_fired();
    let after_the_answer = !fired || fault.nth as u64 > first.trips();
    if after_the_answer {
        assert!(
            (200..300).contains(&first.status),
            "{case}: {} {}",
            first.status,
            first.text
        );
    } else {
        assert_eq!(
            (first.status, first.code()),
            (503, "unavailable"),
            "{case}: {}",
            first.text
        );
        app.assert_sound();
        let second = sample.send();
        assert!(
            is_good_repetition(operation, second.status),
            "{case}, repeated: {} {}",
            second.status,
            second.text
        );
    }
    app.knock_everywhere();
    app.visit_schools();
    app.assert_sound();
    let mut changed = difference(&before, &app.row_counts());
    let mut expected = expected.clone();
    changed.retain(|table, _| !may_repeat(operation, table));
    expected.retain(|table, _| !may_repeat(operation, table));
    assert_eq!(changed, expected, "{case}");
    let waiting = app
        .open_slots()
        .iter()
        .map(|slot| app.count(slot, "select count(*) from outbox"))
        .sum::<i64>();
    assert_eq!(waiting, 0, "{case}: the outbox did not catch up");
    fired
}

fn survives(area: &str) {
    let mut attempts = 0;
    let mut failures = Vec::new();
    for operation in operations()
        .into_iter()
        .filter(|operation| operation.area == area && operation.writes())
    {
        let result = std::panic::catch_unwind(|| {
            let mut attempts = 0;
            let scene = Scene::new();
            let expected = undisturbed(&scene, &operation);
            for moment in [Moment::Before, Moment::After] {
                for nth in 1.. {
                    attempts += 1;
                    if !with_fault(&scene, &operation, Fault { nth, moment }, &expected) {
                        assert!(nth > 2, "{} has hardly any batch to lose", operation.name());
                        break;
                    }
                }
            }
            attempts
        });
        match result {
            Ok(count) => attempts += count,
            Err(_) => failures.push(operation.name()),
        }
    }
    assert_eq!(failures, Vec::<String>::new());
    assert!(attempts > 100, "only {attempts} attempts");
}

#[test]
fn every_write_of_the_system_area_survives_the_loss_of_any_batch() {
    survives("system");
}

#[test]
fn every_write_of_the_school_area_survives_the_loss_of_any_batch() {
    survives("school");
}
