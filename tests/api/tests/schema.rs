//! The schemas themselves.

use std::collections::BTreeMap;

use homeroom_api_tests::{TestApp, document::operations, samples::Scene};
use homeroom_domain::{RoleId, permissions::DEFAULT_SCHOOL_ROLES};
use homeroom_store_sqlite::{CONTROL_SCHEMA, TENANT_SCHEMA};
use serde_json::Value;

const BOTH: [&str; 2] = ["CONTROL", "SLOT_0001"];

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Roles as the first release of schools had them, brought up to date by the later migrations.
#[test]
fn schools_that_exist_learn_what_new_ones_start_with() {
    let db = rusqlite::Connection::open_in_memory().unwrap();
    let (first, later) = TENANT_SCHEMA.split_first().unwrap();
    db.execute_batch(first).unwrap();
    let first_roles = ["administrator", "teacher", "head", "office", "student"];
    for role in first_roles {
        let sql = "insert into roles (id, builtin, name, description, created_at, updated_at) values (?1, ?1, ?1, '', 0, 0)";
        db.execute(sql, [role]).unwrap();
    }
    let before = "insert into role_permissions values ('administrator', 'school.*'), ('teacher', 'school.view_staff'), \
                  ('head', 'school.view_user'), ('head', 'school.view_role'), ('head', 'school.view_audit_log'), \
                  ('head', 'school.view_user_role_assignment'), ('office', 'school.view_user'), \
                  ('office', 'school.add_user'), ('office', 'school.change_user'), ('office', 'school.view_staff'), \
                  ('office', 'school.add_staff'), ('office', 'school.change_staff')";
    db.execute(before, []).unwrap();
    for migration in later {
        db.execute_batch(migration).unwrap();
    }
    for role in DEFAULT_SCHOOL_ROLES {
        let mut statement = db
            .prepare(
                "select p.codename from role_permissions p join roles r on r.id = p.role_id where r.builtin = ?1 \
                 order by p.codename",
            )
            .unwrap();
        let held = statement
            .query_map([role.builtin], |row| row.get::<_, String>(0))
            .unwrap();
        let held: Vec<String> = held.collect::<Result<_, _>>().unwrap();
        let mut expected: Vec<&str> = role.permissions.to_vec();
        expected.sort_unstable();
        assert_eq!(held, expected, "{}", role.name);
        if !first_roles.contains(&role.builtin) {
            let sql = "select id, name, description from roles where builtin = ?1";
            let texts = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?]);
            let [id, name, description]: [String; 3] =
                db.query_row(sql, [role.builtin], texts).unwrap();
            assert!(RoleId::parse(&id).is_some(), "{id}");
            assert_eq!((&*name, &*description), (role.name, role.description));
        }
    }
}

#[test]
fn the_outbox_of_a_school_that_exists_keeps_its_rows_and_gives_no_number_twice() {
    let (last, before) = (20, &TENANT_SCHEMA[..20]);
    assert!(TENANT_SCHEMA[last].contains("outbox_new"));
    let effect =
        "insert into outbox (kind, payload, created_at) values ('directory', '{\"a\":1}', 5)";
    for (made, carried_out, next) in [(0, 0, 1), (7, 7, 8), (7, 5, 8)] {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        for migration in before {
            db.execute_batch(migration).unwrap();
        }
        for _ in 0..made {
            db.execute(effect, []).unwrap();
        }
        db.execute("delete from outbox where seq <= ?1", [carried_out])
            .unwrap();
        db.execute_batch(TENANT_SCHEMA[last]).unwrap();
        let event = effect.replace("directory", "event");
        db.execute(&event, []).unwrap();
        let mut left = db
            .prepare("select seq, kind, payload, created_at from outbox order by seq")
            .unwrap();
        let row = |row: &rusqlite::Row<'_>| {
            let kind: String = row.get(1)?;
            let payload: String = row.get(2)?;
            Ok((row.get::<_, i64>(0)?, kind, payload, row.get::<_, i64>(3)?))
        };
        let left: Vec<_> = left
            .query_map([], row)
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let line = |seq: i64, kind: &str| (seq, kind.to_owned(), "{\"a\":1}".to_owned(), 5);
        let mut expected: Vec<_> = (carried_out + 1..=made)
            .map(|seq| line(seq, "directory"))
            .collect();
        expected.push(line(next, "event"));
        assert_eq!(left, expected);
    }
}

#[test]
fn every_table_is_strict() {
    let app = TestApp::with_slots(1);
    for binding in BOTH {
        let loose = app.rows(
            binding,
            "select name from pragma_table_list where schema = 'main' and type = 'table' and strict = 0 \
             and name not like 'sqlite_%'",
        );
        assert_eq!(loose, Vec::<Vec<Value>>::new(), "{binding}");
        assert!(app.tables(binding).len() > 9);
    }
}

#[test]
fn every_foreign_keys_columns_begin_an_index_or_the_key() {
    let app = TestApp::with_slots(1);
    let mut keys = 0;
    for binding in BOTH {
        for table in app.tables(binding) {
            let foreign = app.rows(
                binding,
                &format!("select \"from\" from pragma_foreign_key_list('{table}')"),
            );
            for column in foreign {
                keys += 1;
                let column = text(&column[0]);
                let indexed = app.rows(
                    binding,
                    &format!(
                        "select l.name from pragma_index_list('{table}') l join pragma_index_info(l.name) i \
                         where i.seqno = 0 and i.name = '{column}'"
                    ),
                );
                let primary = app.rows(
                    binding,
                    &format!("select name from pragma_table_info('{table}') where pk = 1"),
                );
                let leads = primary.first().is_some_and(|row| text(&row[0]) == column);
                assert!(
                    leads || !indexed.is_empty(),
                    "{binding}: {table}.{column} refers to a row and has no index"
                );
            }
        }
    }
    assert!(keys > 15, "only {keys} foreign keys");
}

fn definitions(app: &TestApp, binding: &str) -> BTreeMap<String, String> {
    let sql =
        "select name, sql from sqlite_schema where sql is not null and name not like 'sqlite_%'";
    let squeezed = |sql: &str| sql.split_whitespace().collect::<Vec<_>>().join(" ");
    app.rows(binding, sql)
        .iter()
        .map(|row| (text(&row[0]), squeezed(&text(&row[1]))))
        .collect()
}

#[test]
fn the_tables_of_identity_and_messages_are_the_same_in_both_databases() {
    let app = TestApp::with_slots(1);
    let (control, school) = (definitions(&app, "CONTROL"), definitions(&app, "SLOT_0001"));
    let shared = [
        "users",
        "roles",
        "role_permissions",
        "user_roles",
        "sessions",
        "refresh_tokens",
        "audit_logs",
        "idempotency_keys",
        "guards",
        "users_email",
        "users_phone_number",
        "roles_parent",
        "user_roles_role",
        "sessions_user",
        "refresh_tokens_session",
        "audit_logs_record",
        "idempotency_keys_created_at",
        "sms_batches",
        "sms_messages",
        "sms_opt_outs",
        "sms_inbound",
        "sms_usage",
        "sms_batches_app",
        "sms_messages_app",
        "sms_messages_destination",
        "sms_messages_batch",
        "sms_messages_waiting",
        "sms_inbound_app",
        "sms_inbound_source",
        "sms_usage_day",
        "sms_callback_settings",
        "sms_callbacks",
        "sms_callbacks_app",
        "sms_callbacks_open",
        "sms_callbacks_turn",
        "sms_callbacks_waiting",
        "sms_callbacks_message",
        "sms_callbacks_inbound",
        "sms_messages_told",
        "sms_messages_forgotten",
        "sms_inbound_told",
    ];
    for name in shared {
        assert!(control.contains_key(name), "{name} is missing");
        assert_eq!(control.get(name), school.get(name), "{name}");
    }
    let common = control
        .keys()
        .filter(|name| school.contains_key(*name))
        .count();
    assert_eq!(
        common,
        shared.len(),
        "a table in both databases is not compared"
    );
}

#[test]
fn every_constraint_has_a_name() {
    let app = TestApp::with_slots(1);
    for binding in BOTH {
        for (name, sql) in definitions(&app, binding)
            .into_iter()
            .filter(|(_, sql)| sql.starts_with("CREATE TABLE"))
        {
            let words: Vec<&str> = sql
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .filter(|word| !word.is_empty())
                .collect();
            let named = words.iter().filter(|word| **word == "constraint").count();
            let constraints = words
                .windows(2)
                .filter(|pair| *pair == ["primary", "key"])
                .count()
                + words.iter().filter(|word| **word == "references").count()
                + words.iter().filter(|word| **word == "check").count()
                + words.iter().filter(|word| **word == "unique").count();
            assert_eq!(named, constraints, "{binding}: {name}: {sql}");
        }
    }
}

#[test]
fn every_column_that_holds_json_is_checked() {
    let app = TestApp::with_slots(1);
    for binding in BOTH {
        for (table, columns) in [
            ("audit_logs", vec!["changes"]),
            ("outbox", vec!["payload"]),
            ("tenants", vec!["pending_admin", "cors_origins"]),
            ("api_keys", vec!["scopes", "allowed_ips"]),
        ] {
            let Some(sql) = definitions(&app, binding).remove(table) else {
                continue;
            };
            for column in columns {
                assert!(
                    sql.contains(&format!("json_valid({column})")),
                    "{binding}: {table}.{column}"
                );
            }
        }
    }
}

#[test]
fn no_index_serves_nothing() {
    let app = TestApp::with_slots(1);
    for binding in BOTH {
        for table in app.tables(binding) {
            let indexes = app.rows(
                binding,
                &format!(
                    "select l.name, group_concat(i.name) from pragma_index_list('{table}') l, pragma_index_info(l.name) i \
                     group by l.name order by i.seqno"
                ),
            );
            for one in &indexes {
                for other in &indexes {
                    let (one_columns, other_columns) = (text(&one[1]), text(&other[1]));
                    let is_prefix = other_columns.starts_with(&format!("{one_columns},"));
                    let partial = definitions(&app, binding)
                        .get(&text(&one[0]))
                        .is_some_and(|sql| sql.contains(" where ") || sql.contains("UNIQUE"));
                    assert!(
                        !is_prefix || partial,
                        "{binding}: {} is the beginning of {}",
                        one[0],
                        other[0]
                    );
                }
            }
        }
    }
}

/// Tables that grow, by the names that statements give them.
const GROWING: &[&str] = &[
    "users",
    "u",
    "user_roles",
    "ur",
    "sessions",
    "s",
    "refresh_tokens",
    "t",
    "audit_logs",
    "l",
    "tenants",
    "tenant_domains",
    "api_keys",
    "k",
    "staff",
    "directory",
    "idempotency_keys",
    "students",
    "applications",
    "student_sessions",
    "student_guardians",
    "guardians",
    "attendance",
    "marks",
    "exams",
    "report_cards",
    "reg",
    "st",
    "student_promotions",
    "deed",
    "student_promotion_history",
    "h",
    "sms_messages",
    "sms_opt_outs",
    "sms_inbound",
    "sms_usage",
    "sms_callbacks",
];

/// All that an app ever sent, received or was to be told: as bad as the whole table, for most of it is one app's.
const WHOLE_APP: &str = " (app_id=?)";

fn plan(app: &TestApp, binding: &str, statement: &str) -> Vec<String> {
    app.with_db(binding, |db| {
        let mut explained = db
            .prepare(&format!("explain query plan {statement}"))
            .expect(statement);
        let values = vec!["1"; explained.parameter_count()];
        let lines = explained.query_map(rusqlite::params_from_iter(values), |row| row.get(3));
        lines.and_then(Iterator::collect).expect(statement)
    })
}

#[test]
fn no_single_record_is_found_by_reading_a_whole_table() {
    let mut statements = 0;
    for operation in operations() {
        let whole = operation.id.starts_with("list_")
            || operation.id.starts_with("export_")
            || operation.id == "find_school_usage";
        if whole {
            continue;
        }
        // A scene of its own: sign-ins end after a quarter of an hour.
        let scene = Scene::new();
        let sample = scene.prepare(&operation);
        scene.app.pass_seconds(10);
        let _ = scene.app.take_batches();
        let _ = sample.send();
        for batch in scene.app.take_batches() {
            for statement in batch.statements {
                statements += 1;
                let lines = plan(&scene.app, &batch.binding, &statement);
                // A row of constants that an expression is evaluated on.
                let constant = lines.iter().any(|line| line.starts_with("CO-ROUTINE t"))
                    || lines.iter().any(|line| line == "SCAN CONSTANT ROW");
                for line in lines
                    .into_iter()
                    .filter(|line| !(constant && line == "SCAN t"))
                {
                    let scanned = line
                        .strip_prefix("SCAN ")
                        .and_then(|rest| rest.split(' ').next());
                    // Nothing but its lines tells which records of a student there were, and who wrote is not known by app.
                    let whole_log = operation.id == "erase_student"
                        && matches!(scanned, Some("audit_logs" | "sms_inbound"));
                    let whole_app = line.ends_with(WHOLE_APP)
                        || scanned.is_some() && line.contains(" INDEX sms_messages_");
                    assert!(
                        whole_log
                            || !whole_app && !scanned.is_some_and(|name| GROWING.contains(&name)),
                        "{}: {line}: {statement}",
                        operation.name()
                    );
                }
            }
        }
    }
    assert!(statements > 300, "only {statements} statements");
}

#[test]
fn the_newest_lines_of_the_audit_log_are_found_without_sorting_all() {
    let scene = Scene::new();
    let _ = scene.app.take_batches();
    scene.school.admin.get("audit-logs/").expect(200);
    let batches = scene.app.take_batches();
    let page = batches
        .iter()
        .flat_map(|batch| &batch.statements)
        .find(|text| text.contains("limit ?"));
    let lines = plan(&scene.app, &scene.school.slot, page.expect("a page"));
    assert!(
        !lines.iter().any(|line| line.contains("TEMP B-TREE")),
        "{lines:?}"
    );
}

/// The names in a text that follow one of these words, as the first text in quotes there.
fn quoted_after<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let after = text.split(word).skip(1).map(str::trim_start);
    let named = after.filter_map(|rest| rest.strip_prefix('"')?.split('"').next());
    named.collect()
}

/// A table of guards stores a rule that it does not know, and refuses nothing.
#[test]
fn every_rule_is_a_constraint_of_the_table_that_its_guard_writes_to() {
    fn sources(folder: &std::path::Path, all: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, all);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                all.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
    }
    let mut all = Vec::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/store/src");
    sources(folder.as_ref(), &mut all);
    let app = TestApp::with_slots(1);
    let definitions = definitions(&app, "SLOT_0001");
    let mut seen = 0;
    for (table, words) in [
        ("guards", &["guard("][..]),
        ("academic_guards", &["guard_academics(", "Rule { name: "]),
    ] {
        let known = &definitions[table];
        let uses = all
            .iter()
            .flat_map(|text| words.iter().map(move |word| (text, *word)));
        for name in uses.flat_map(|(text, word)| quoted_after(text, word)) {
            seen += 1;
            assert!(
                known.contains(&format!("rule <> '{name}'")),
                "{table} does not know {name}"
            );
        }
    }
    assert!(seen > 40, "only {seen} rules were found");
}

/// D1 takes a file of migrations apart at the semicolons outside of BEGIN and END, which it knows in capitals only.
#[test]
fn triggers_begin_and_end_in_capitals() {
    for migration in CONTROL_SCHEMA.iter().chain(TENANT_SCHEMA) {
        for line in migration.lines().map(str::trim) {
            let word = line.trim_end_matches(';').to_lowercase();
            if word == "begin" || word == "end" {
                assert_eq!(line, line.to_uppercase());
            }
        }
    }
}
