//! Schools that several tests look at, and an empty database.

use std::sync::LazyLock;

use chrono::NaiveDate;
use homeroom_generator::{Existing, ExistingStudent, Options, School};
use homeroom_store_sqlite::SqliteDatabases;
use rusqlite::Connection;
use uuid::{Uuid, uuid};

const SLOT: &str = "SLOT";
pub(crate) const TEACHER: Uuid = uuid!("0198aa00-0000-7000-8000-000000000001");
pub(crate) const STUDENT: Uuid = uuid!("0198aa00-0000-7000-8000-000000000002");

pub(crate) fn today() -> NaiveDate {
    "2026-11-26".parse().unwrap()
}

/// 600 students, two of the people being users.
pub(crate) static SCHOOL: LazyLock<School> = LazyLock::new(|| {
    School::generate(&Options {
        existing: Existing {
            teacher: Some(TEACHER),
            student: Some(ExistingStudent {
                user: STUDENT,
                name: Some(("Sione".to_owned(), "Marsh".to_owned())),
            }),
        },
        ..Options::new(today())
    })
});

/// A database with D1's limits, the schema and two users.
fn empty_database() -> SqliteDatabases {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/tenant");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let texts: Vec<String> = files
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let migrations: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut databases = SqliteDatabases::default();
    databases.add(SLOT, &migrations).unwrap();
    with(&databases, |connection| {
        for (id, email) in [
            (TEACHER, "teacher@x.example"),
            (STUDENT, "student@x.example"),
        ] {
            let sql = "insert into users (id, email, first_name, last_name, password_hash, created_at, updated_at)
                       values (?1, ?2, 'A', 'B', 'none', 0, 0)";
            connection.execute(sql, (id.to_string(), email)).unwrap();
        }
    });
    databases
}

/// A database that holds the school.
pub(crate) fn loaded(school: &School) -> SqliteDatabases {
    let databases = empty_database();
    with(&databases, |connection| {
        connection.execute_batch("begin").unwrap();
        for statement in school.statements() {
            connection
                .execute(&statement, ())
                .unwrap_or_else(|error| panic!("{error}: {}", statement.lines().next().unwrap()));
        }
        connection.execute_batch("commit").unwrap();
    });
    databases
}

pub(crate) fn with<T>(databases: &SqliteDatabases, work: impl FnOnce(&Connection) -> T) -> T {
    databases.with(SLOT, work).unwrap()
}

/// The first column of the rows.
pub(crate) fn column(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement
        .query_map((), |row| row.get::<_, rusqlite::types::Value>(0))
        .unwrap();
    rows.map(|value| match value.unwrap() {
        rusqlite::types::Value::Text(text) => text,
        rusqlite::types::Value::Integer(number) => number.to_string(),
        other => format!("{other:?}"),
    })
    .collect()
}

pub(crate) fn number(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, (), |row| row.get(0)).unwrap()
}
