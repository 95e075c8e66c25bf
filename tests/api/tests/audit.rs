//! Every change is recorded in the very batch that makes it.

use homeroom_api_tests::{
    BatchNote,
    document::operations,
    samples::{Scene, records},
};

/// Tables whose changes are recorded.
const RECORDED: &[&str] = &[
    "users",
    "roles",
    "role_permissions",
    "user_roles",
    "staff",
    "guardians",
    "marks",
    "imports",
    "tenants",
    "tenant_domains",
    "slots",
    "api_keys",
    "webhooks",
    "webhook_deliveries",
    "report_settings",
    "logos",
    "publications",
    "report_cards",
    "card_comments",
    "withheld_cards",
    "promotion_executions",
    "calendar_feeds",
    "password_resets",
    "student_pins",
    "sms_settings",
    "sms_messages",
    "sms_batches",
    "sms_opt_outs",
];
/// What the platform notes by itself, which is no change by anybody.
const NOTES: &[&str] = &[
    "update users set last_login_at",
    "update api_keys set last_used_at",
    "update tenants set setup_progress",
    "update tenants set pending_admin = null",
    "delete from calendar_feeds where user",
    "update password_resets set tries",
    "insert into webhook_deliveries (seq",
    "update webhook_deliveries as c",
    "update webhook_deliveries set attempts",
    "delete from webhook_deliveries where id in",
];

fn changes_a_record(statement: &str) -> bool {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let table = match words.first().copied() {
        Some("insert" | "delete") => words.get(2),
        Some("update") => words.get(1),
        _ => None,
    };
    let plain = |table: &str| records::all().any(|resource| resource.table.name == table);
    table.is_some_and(|table| RECORDED.contains(table) || plain(table))
        && !NOTES.iter().any(|note| statement.starts_with(note))
}

fn is_recorded(batch: &BatchNote) -> bool {
    batch
        .statements
        .iter()
        .any(|statement| statement.starts_with("insert into audit_logs"))
}

#[test]
fn every_batch_that_changes_a_record_says_so_in_the_audit_log() {
    let scene = Scene::new();
    let mut recorded = 0;
    for operation in operations()
        .into_iter()
        .filter(homeroom_api_tests::document::Operation::writes)
    {
        let sample = scene.prepare(&operation);
        let _ = scene.app.take_batches();
        let reply = sample.send();
        assert!(
            (200..300).contains(&reply.status),
            "{}: {}",
            operation.name(),
            reply.text
        );
        let batches = scene.app.take_batches();
        let changing: Vec<&BatchNote> = batches
            .iter()
            .filter(|batch| batch.statements.iter().any(|text| changes_a_record(text)))
            .collect();
        for batch in &changing {
            assert!(
                is_recorded(batch),
                "{}: {:?}",
                operation.name(),
                batch.statements
            );
        }
        recorded += changing.len();
        let is_about_sessions =
            ["login", "refresh", "logout", "logout_all"].contains(&operation.id.as_str());
        let only_looks = [
            "check_timetable",
            "check_sms_text",
            "compute_report_cards",
            "preview_promotions",
        ]
        .contains(&operation.id.as_str());
        assert_eq!(
            changing.is_empty(),
            is_about_sessions || only_looks,
            "{}: {changing:?}",
            operation.name()
        );
    }
    assert!(recorded >= 40, "only {recorded} batches");
}

#[test]
fn reading_writes_nothing() {
    let scene = Scene::new();
    for operation in operations()
        .into_iter()
        .filter(|operation| !operation.writes())
    {
        let sample = scene.prepare(&operation);
        let _ = scene.app.take_batches();
        sample.send().expect(200);
        let written: u64 = scene
            .app
            .take_batches()
            .iter()
            .map(|batch| batch.changes)
            .sum();
        assert_eq!(written, 0, "{}", operation.name());
    }
}
