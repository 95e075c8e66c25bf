//! A school of 2,000 students with three years behind it, as the generator makes it.

use std::collections::{BTreeMap, BTreeSet};

use homeroom_api_tests::{School, TestApp};
use homeroom_generator as generator;
use serde_json::{Value, json};

use super::{greenwood, timed};

pub(super) const STUDENTS: usize = 2_000;

/// A school of so many students as the generator makes it, in its database.
pub(super) fn loaded(students: usize) -> (TestApp, School, generator::School) {
    let (app, school) = greenwood();
    let made = generator::School::generate(&generator::Options {
        students,
        ..generator::Options::new("2026-01-15".parse().unwrap())
    });
    let rows = |table: &str| app.count(&school.slot, &format!("select count(*) from {table}"));
    let before: Vec<i64> = made.counts().iter().map(|(table, _)| rows(table)).collect();
    app.with_db(&school.slot, |db| {
        db.execute_batch("begin").unwrap();
        for statement in made.statements() {
            db.execute(&statement, ()).unwrap();
        }
        db.execute_batch("commit").unwrap();
    });
    for ((table, count), before) in made.counts().into_iter().zip(before) {
        assert_eq!(
            rows(table) - before,
            i64::try_from(count).unwrap(),
            "{table}"
        );
    }
    (app, school, made)
}

#[test]
fn a_school_of_two_thousand_is_counted_searched_and_worked_out() {
    let (app, school, made) = loaded(STUDENTS);
    let admin = &school.admin;
    let get = |what: &str, path: &str| timed(what, || admin.get(path)).status(200);

    // Counts: what the lists say is what was made.
    let active = made
        .students
        .iter()
        .filter(|student| student.enrolment == "active");
    assert_eq!(active.count(), STUDENTS);
    let list = get(
        "students",
        "admissions/?enrolment=active&page=40&page_size=50",
    );
    assert_eq!(
        (&list.json["count"], list.results().len()),
        (&json!(STUDENTS), 50)
    );
    assert_eq!(admin.get("sessions/").status(200).json["count"], 3);
    for session in &made.academic_sessions {
        let registered = made
            .student_sessions
            .iter()
            .filter(|row| row.session == session.id);
        let list = get(
            "registrations",
            &format!("sessions/{}/student-sessions/", session.id),
        );
        assert_eq!(list.json["count"], registered.count());
    }

    // A search finds who bears the name, or whose parent does, in whatever case, and nobody else.
    let mut families: BTreeMap<&str, usize> = BTreeMap::new();
    for student in &made.students {
        *families.entry(&student.last_name).or_default() += 1;
    }
    let rare = families
        .iter()
        .filter(|(name, _)| name.len() > 5 && name.is_ascii());
    let (family, _) = rare.min_by_key(|(_, count)| **count).unwrap();
    let bears = |student: &&generator::Student| {
        let needle = family.to_lowercase();
        [
            &*student.first_name,
            student.middle_name,
            &student.last_name,
            &student.parent_name,
        ]
        .iter()
        .any(|name| name.to_lowercase().contains(&needle))
    };
    let mut expected: Vec<&str> = made
        .students
        .iter()
        .filter(bears)
        .map(|student| &*student.student_id)
        .collect();
    expected.sort_unstable();
    let found = get(
        "search",
        &format!("admissions/?search={}&page_size=100", family.to_uppercase()),
    );
    let mut numbers = found.column("student_id");
    numbers.sort_unstable();
    assert_eq!(numbers, expected, "{family}");

    // The broadsheet of the largest class of the first year, beside what SQL alone says.
    let first = &made.academic_sessions[0].id;
    let largest = app.rows(
        &school.slot,
        &format!(
            "select x.id, r.academic_class, count(*) from exam_sessions x join student_sessions r on r.session = x.session \
             where x.session = '{first}' and x.term = '1' and r.status = 'active' and r.academic_class is not null \
             group by 1, 2 order by 3 desc, 2 limit 1"
        ),
    );
    let [exams, class, size] = &largest[0][..] else {
        panic!("no class")
    };
    let (exams, class) = (exams.as_str().unwrap(), class.as_str().unwrap());
    let path = format!("sessions/{first}/exam-sessions/{exams}/broadsheet/?academic_class={class}");
    let sheet = get("broadsheet", &path);
    assert_eq!(sheet.trips(), 1);
    let students = sheet.json["students"].as_array().unwrap();
    assert_eq!(json!(students.len()), *size);
    assert!(students.len() > 20, "{size}");
    let totals = app.rows(
        &school.slot,
        &format!(
            "select r.id, round(sum(m.mark * k.coefficient) / 10000.0, 2), \
             round(sum(m.mark * k.coefficient) * 1.0 / sum(k.coefficient) / 100, 2), count(*) \
             from student_sessions r join marks m on m.student_session = r.id join exams e on e.id = m.exam \
             join academic_classes a on a.id = r.academic_class join classes c on c.id = a.class \
             join curriculum k on k.form = c.form and k.subject = e.subject where r.academic_class = '{class}' \
             and e.exam_session = '{exams}' and e.academic_class = '{class}' and m.mark is not null and r.status = 'active' group by 1"
        ),
    );
    assert_eq!(totals.len(), students.len());
    let close = |a: &Value, b: &Value| (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 0.011;
    let mut last = 0;
    for student in students {
        let row = totals
            .iter()
            .find(|row| row[0] == student["student_session"])
            .unwrap();
        assert!(close(&student["total"], &row[1]), "{student} {row:?}");
        assert!(close(&student["average"], &row[2]), "{student} {row:?}");
        assert_eq!(student["subjects_taken"], row[3]);
        if let Some(place) = student["position_in_class"].as_u64() {
            assert!(place >= last);
            last = place;
        }
    }
    assert!(last > 1);
}

#[test]
fn the_attendance_and_the_files_of_a_school_of_two_thousand_are_those_of_plain_sql() {
    let (app, school, _) = loaded(STUDENTS);
    let admin = &school.admin;
    let get = |what: &str, path: &str| timed(what, || admin.get(path)).status(200);
    let rows = |sql: &str| app.rows(&school.slot, sql);

    // The summary of the largest class over the term of the last entries, and the sheet of their month.
    let last = rows("select max(date) from attendance")[0][0].clone();
    let last = last.as_str().unwrap();
    let terms = rows(&format!(
        "select id, session, start_date, end_date from terms where '{last}' between start_date and end_date"
    ));
    let [term, session, start, end] = [0, 1, 2, 3].map(|n| terms[0][n].as_str().unwrap());
    let largest = rows(&format!(
        "select academic_class, count(*) from student_sessions where session = '{session}' and status = 'active' \
         and academic_class is not null group by 1 order by 2 desc, 1 limit 1"
    ));
    let class = largest[0][0].as_str().unwrap();
    let counted = |dates: &str| {
        let sql = format!(
            "select r.id, count(*) filter (where a.status = 'present'), count(*) filter (where a.status = 'absent'), \
             count(*) filter (where a.status = 'late'), count(*) filter (where a.status = 'excused'), count(a.id) \
             from student_sessions r left join attendance a on a.student_session = r.id and a.lesson is null and {dates} \
             where r.academic_class = '{class}' and r.status = 'active' group by 1"
        );
        let rows = rows(&sql).into_iter();
        let by_id: BTreeMap<String, Vec<Value>> = rows
            .map(|row| (row[0].as_str().unwrap().to_owned(), row[1..].to_vec()))
            .collect();
        by_id
    };
    let told = |students: &Value, field: &str| {
        let students = students.as_array().unwrap().iter();
        let by_id: BTreeMap<String, Vec<Value>> = students
            .map(|student| {
                let figures = ["present", "absent", "late", "excused", "total"];
                let figures = figures.map(|name| student[field][name].clone());
                let id = student["student_session"].as_str().unwrap();
                (id.to_owned(), figures.to_vec())
            })
            .collect();
        by_id
    };
    let path = format!("attendance/summary/?academic_class={class}&term={term}");
    let summary = get("summary", &path);
    let expected = counted(&format!("a.date between '{start}' and '{end}'"));
    assert!(expected.len() > 20 && expected.values().any(|row| row[4] != 0));
    assert_eq!(told(&summary.json["students"], "days"), expected);
    let month = &last[..7];
    let path = format!("attendance/sheet/?academic_class={class}&month={month}");
    let sheet = get("sheet", &path);
    let expected = counted(&format!("a.date like '{month}-%'"));
    assert_eq!(told(&sheet.json["students"], "totals"), expected);

    // Who has not entered a day: nobody, then the class whose entries are taken away.
    let path = format!("attendance/missing/?date={last}");
    let missing = || {
        let reply = get("missing", &path);
        let classes = reply.json["classes"].as_array().unwrap().iter();
        let told = classes.map(|row| {
            let id = row["academic_class"].as_str().unwrap().to_owned();
            (id, [row["size"].clone(), row["entered"].clone()])
        });
        told.collect::<BTreeMap<_, _>>()
    };
    let lacking = || {
        let found = rows(&format!(
            "select r.academic_class, count(*), count(a.id) from student_sessions r left join attendance a \
             on a.student_session = r.id and a.date = '{last}' where r.session = '{session}' and r.status = 'active' \
             and r.academic_class is not null group by 1 having count(a.id) < count(*)"
        ));
        let told = found.into_iter().map(|row| {
            let id = row[0].as_str().unwrap().to_owned();
            (id, [row[1].clone(), row[2].clone()])
        });
        told.collect::<BTreeMap<_, _>>()
    };
    assert_eq!(missing(), BTreeMap::new());
    app.with_db(&school.slot, |db| {
        let away = "delete from attendance where date = ?1 and student_session in \
                    (select id from student_sessions where academic_class = ?2 order by id limit 7)";
        assert_eq!(db.execute(away, (last, class)).unwrap(), 7);
    });
    let now = missing();
    assert_eq!(now, lacking());
    assert!(now.contains_key(class), "{now:?}");

    files(&app, &school, class);
}

/// A file has a line for each student, and one of a class for its own alone.
fn files(app: &TestApp, school: &School, class: &str) {
    let file = |what: &str, path: &str| {
        let reply = timed(what, || school.admin.get(path)).status(200);
        let mut reader = csv::Reader::from_reader(reply.text.as_bytes());
        let firsts: Vec<String> = reader
            .records()
            .map(|row| row.unwrap()[0].to_owned())
            .collect();
        let different: BTreeSet<String> = firsts.iter().cloned().collect();
        assert_eq!(firsts.len(), different.len(), "{path}");
        different
    };
    let numbers = |sql: &str| -> BTreeSet<String> {
        let rows = app.rows(&school.slot, sql).into_iter();
        rows.map(|row| row[0].as_str().unwrap().to_owned())
            .collect()
    };
    let all = file("export of all", "exports/students.csv");
    assert!(all.len() >= STUDENTS);
    assert_eq!(all, numbers("select student_id from students"));
    let path = format!("exports/students.csv?academic_class={class}");
    let own = "select s.student_id from students s join student_sessions r on r.student = s.id";
    assert_eq!(
        file("export of a class", &path),
        numbers(&format!("{own} where r.academic_class = '{class}'"))
    );
}
