//! Every kind of file, with each batch lost in turn, before and after it ran.

use std::fmt::Write as _;

use homeroom_api_tests::{Fault, Moment};
use serde_json::{Value, json};

use super::{Year, counts};

/// Two portions.
const ROWS: i64 = 210;

/// A file of rows that are new, where it is sent, and what it leaves: tables, each with the condition of its records.
struct Sent {
    path: String,
    file: String,
    leaves: Vec<(&'static str, String)>,
}

/// A school with what the files refer to.
fn year(kind: &str) -> Year {
    let year = Year::new();
    year.app
        .execute(&year.school.slot, "update classes set capacity = null");
    let mut students = String::new();
    let mut places = String::from("session,student_id,class\n");
    for n in 0..ROWS {
        writeln!(students, "S{n},Rudo,Moyo {n},2026").unwrap();
        writeln!(places, "2026,S{n},1A").unwrap();
    }
    if kind != "students" {
        year.students(&students).expect(202);
    }
    if kind == "marks" {
        year.exam_session();
        year.import("registrations", &places).expect(202);
    }
    year
}

fn sent(year: &Year, kind: &str, tried: usize) -> Sent {
    let tag = format!("F{tried}x");
    let rows = |head: &str, row: &dyn Fn(i64) -> String| {
        let lines = (0..ROWS).map(row);
        lines.fold(format!("{head}\n"), |file, line| file + &line + "\n")
    };
    let made = |path: &str, body: &Value| year.school.admin.post(path, body).status(201).id();
    let path = format!("imports/{kind}/");
    match kind {
        "students" => Sent {
            // Half of them get their number here.
            file: rows("student_id,first_name,last_name,admission_year", &|n| {
                let number = if n % 2 == 0 {
                    format!("{tag}{n}")
                } else {
                    String::new()
                };
                format!("{number},Rudo {n},{tag},2026")
            }),
            path,
            leaves: vec![("students", format!("last_name = '{tag}'"))],
        },
        "guardians" => {
            let of = format!("(select g.id from guardians g where g.last_name = '{tag}')");
            Sent {
                file: rows(
                    "first_name,last_name,phone_number,student_id,relation,is_primary",
                    &|n| format!("Chipo {n},{tag},+2637{tried:04}{n:05},S{n},mother,true"),
                ),
                path,
                leaves: vec![
                    ("guardians", format!("last_name = '{tag}'")),
                    (
                        "student_guardians",
                        format!("is_primary = 1 and guardian in {of}"),
                    ),
                ],
            }
        }
        "staff" => Sent {
            file: rows("staff_number,title", &|n| format!("{tag}{n},Mrs")),
            path,
            leaves: vec![("staff", format!("staff_number like '{tag}%'"))],
        },
        "classes" => Sent {
            file: rows("name,form", &|n| format!("{tag}{n},Form 1")),
            path,
            leaves: vec![("classes", format!("name like '{tag}%'"))],
        },
        "registrations" => {
            let session = json!({"name": tag, "start_date": "2027-01-01T00:00:00Z", "end_date": "2027-12-04T22:00:00Z"});
            let session = made("sessions/", &session);
            Sent {
                file: rows("session,student_id", &|n| format!("{tag},S{n}")),
                path,
                leaves: vec![("student_sessions", format!("session = '{session}'"))],
            }
        }
        _ => {
            let sessions = format!("sessions/{}/exam-sessions/", year.session);
            let session = made(&sessions, &json!({"term": "1", "name": tag}));
            let one = |table: &str| {
                let sql = format!("select id from {table} limit 1");
                year.app.value(&year.school.slot, &sql)
            };
            let exam = json!({"academic_class": year.academic_class, "subject": one("subjects"), "teacher": one("staff")});
            let exam = made(&format!("{sessions}{session}/exams/"), &exam);
            Sent {
                file: rows("student_id,subject,mark", &|n| {
                    format!("S{n},MATH,{}", n % 100)
                }),
                path: format!("{path}?exam_session={session}"),
                leaves: vec![(
                    "marks",
                    format!(
                        "exam = '{exam}' and version = 1 and updated_by = '{}'",
                        year.school.admin_id
                    ),
                )],
            }
        }
    }
}

/// That every row of the file became one record, once, with one line in the log.
#[track_caller]
fn assert_all_there(year: &Year, sent: &Sent, case: &str) {
    let slot = &year.school.slot;
    for (table, own) in &sent.leaves {
        let there = format!("select count(*) from {table} where {own}");
        assert_eq!(year.app.count(slot, &there), ROWS, "{case}: {table}");
        let logged = format!(
            "select count(*) from audit_logs where table_name = '{table}' and action = 'CREATE' and actor_id = '{}' \
             and record_id in (select id from {table} where {own})",
            year.school.admin_id
        );
        assert_eq!(
            year.app.count(slot, &logged),
            ROWS,
            "{case}: log of {table}"
        );
    }
    assert_eq!(year.rows("import_chunks"), 0, "{case}");
    year.app.assert_sound();
}

fn survives(kind: &str) {
    let year = year(kind);
    let before = year.rows("imports");
    let mut tried = 0;
    for by_visit in [false, true] {
        for moment in [Moment::Before, Moment::After] {
            for nth in 1.. {
                tried += 1;
                let case = format!("{kind}, {moment:?} {nth}, carried on by the visit: {by_visit}");
                let sent = sent(&year, kind, tried);
                let client = year.school.admin.key(&format!("F{tried}"));
                year.app.inject(Some(Fault { nth, moment }));
                let first = client.file(&sent.path, &sent.file);
                year.app.inject(None);
                let fired = year.app.fault_fired();
                let id = if first.status == 202 {
                    first.id()
                } else {
                    assert_eq!((first.status, first.code()), (503, "unavailable"), "{case}");
                    client.file(&sent.path, &sent.file).status(202).id()
                };
                if by_visit {
                    year.app.visit_schools();
                }
                let poll = || {
                    let path = format!("imports/{id}/");
                    year.school.admin.get(&path).status(200)
                };
                let mut reply = poll();
                for _ in 0..2 {
                    reply = poll();
                }
                assert_eq!(
                    (reply.str("status"), counts(&reply)),
                    ("completed".into(), [ROWS.unsigned_abs(), 0, 0, 0]),
                    "{case}"
                );
                assert_all_there(&year, &sent, &case);
                if !fired {
                    assert!(nth > 5, "{kind}: only {nth} batches");
                    break;
                }
                // Sign-ins end after a quarter of an hour.
                assert!(nth < 30, "{case}");
            }
        }
    }
    let imports = i64::try_from(tried).unwrap();
    assert_eq!(year.rows("imports"), before + imports, "{kind}");
}

macro_rules! kinds {
    ($($test:ident: $kind:literal),* $(,)?) => {
        $(#[test]
        fn $test() {
            survives($kind);
        })*

        #[test]
        fn no_kind_of_file_is_left_out() {
            let kinds = homeroom_store::school::imports::SHEETS.map(|sheet| sheet.name);
            assert_eq!(kinds.as_slice(), [$($kind),*]);
        }
    };
}

kinds! {
    students_survive_the_loss_of_any_batch: "students",
    guardians_and_their_links_survive_the_loss_of_any_batch: "guardians",
    staff_survives_the_loss_of_any_batch: "staff",
    classes_survive_the_loss_of_any_batch: "classes",
    registrations_survive_the_loss_of_any_batch: "registrations",
    marks_survive_the_loss_of_any_batch: "marks",
}
