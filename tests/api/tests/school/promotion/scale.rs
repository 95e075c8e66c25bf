//! A large school.

use serde_json::json;

use super::{super::timed, MOVED, Year};

const STUDENTS: usize = 2_000;

/// Puts so many students into 1A of 2026, each with a card.
pub(super) fn fill(year: &Year, students: usize) {
    let (from, class, form, exams) = (&year.from, &year.old[0], &year.forms[0], &year.exam_session);
    year.app.execute(
        &year.school.slot,
        &format!(
            "create temp table n as with recursive c(i) as (select 1 union all select i + 1 from c where i < {students}) \
             select printf('01890000-0000-7000-8000-%012x', i) as id, i from c; \
             insert into students select id, printf('S-%05d', i), 'First ' || i, '', 'Last ' || i, 'male', null, 2026, \
             '{form}', 'Day', 'active', '', '', '', null, 1, 1, null, null from n; \
             insert into student_sessions select id, '{from}', id, '{class}', 'Day', 'active', 1, 1, null from n; \
             update exam_sessions set state = 'published' where id = '{exams}'; \
             insert into publications values ('p-1', '{exams}', 1, '{{}}', '{{}}', 1, null, null); \
             insert into report_cards select 'c-' || i, 'p-1', '{exams}', id, '{class}', 1, json_object( \
             'average', 30 + i % 50 + 0.25, 'subjects_passed', i % 10, 'is_complete', json('true')), 0, 1, \
             1, 1, null, null from n; drop table n"
        ),
    );
}

#[test]
fn two_thousand_students_move_on_and_back_in_one_batch_each() {
    let year = Year::new();
    fill(&year, STUDENTS);
    let post = |path: &str| year.admin().post(&year.path(path), &json!({}));
    let preview = timed("preview", || post("promotion-executions/preview/")).status(200);
    assert_eq!(
        (preview.trips(), preview.json["counts"]["promote"].as_u64()),
        (1, Some(1_000))
    );
    println!("preview: {} KB", preview.text.len() / 1_024);
    let proposed = timed("propose", || post("student-promotions/propose/")).status(200);
    assert_eq!(
        (proposed.trips(), proposed.json["created"].as_u64()),
        (2, Some(2_000))
    );

    let before = year.dump(MOVED);
    // What webhooks are told is written with the execution, and carried out after the answer.
    year.app.lose_deferred(true);
    let _ = year.app.take_batches();
    let executed = timed("execute", || post("promotion-executions/")).status(201);
    let batches = year.app.take_batches();
    // Webhooks are told after the answer.
    let answering = batches
        .iter()
        .take(usize::try_from(executed.trips()).unwrap());
    let writing: Vec<_> = answering.filter(|batch| batch.changes > 0).collect();
    assert_eq!((executed.trips(), writing.len()), (2, 1));
    assert!(
        writing[0].statements.len() <= 15,
        "{} statements",
        writing[0].statements.len()
    );
    println!(
        "execute: {} statements, {} rows",
        writing[0].statements.len(),
        writing[0].changes
    );
    assert_eq!(executed.json["summary"]["promote"].as_u64(), Some(1_000));
    let registered = format!(
        "select count(*) from student_sessions where session = '{}'",
        year.to
    );
    assert_eq!(year.count(&registered), 2_000);
    let ids = "select count(distinct id) from student_promotion_history where id like '________-____-7___-8___-____________' \
               and length(id) = 36";
    assert_eq!(year.count(ids), 2_000);

    let undone = timed("undo", || year.undo(&executed.id())).status(200);
    assert_eq!(undone.trips(), 2);
    assert_eq!(year.dump(MOVED), before);
    year.app.assert_sound();
}

#[test]
fn the_marks_of_two_thousand_students_are_weighed_in_two_trips() {
    let year = Year::new();
    let exams: Vec<String> = year
        .subjects
        .iter()
        .map(|subject| year.exam(0, subject))
        .collect();
    fill(&year, STUDENTS);
    for exam in exams {
        year.app.execute(
            &year.school.slot,
            &format!(
                "insert into marks select lower(hex(randomblob(16))), '{exam}', id, 6000, 0, '', 1, 1, 1, null, null \
                 from student_sessions"
            ),
        );
    }
    year.app
        .execute(&year.school.slot, "delete from report_cards");
    let path = year.path("promotion-executions/preview/");
    let rules = json!({"min_subjects_passed": 2});
    let preview = timed("preview by marks", || year.admin().post(&path, &rules)).status(200);
    assert_eq!(
        (preview.trips(), preview.json["counts"]["promote"].as_u64()),
        (2, Some(2_000))
    );
}
