//! What the schema asks for, and rules between rows that it cannot express.

use std::collections::BTreeSet;

use homeroom_generator::{Options, School};

use crate::world::{SCHOOL, STUDENT, TEACHER, column, loaded, number, today, with};

#[test]
fn every_constraint_holds_with_foreign_keys_checked_at_once() {
    let databases = loaded(&SCHOOL);
    with(&databases, |connection| {
        assert_eq!(number(connection, "pragma foreign_keys"), 1);
        assert_eq!(
            column(connection, "pragma foreign_key_check"),
            Vec::<String>::new()
        );
        assert_eq!(column(connection, "pragma integrity_check"), ["ok"]);
        for (table, rows) in SCHOOL.counts() {
            let stored = number(connection, &format!("select count(*) from {table}"));
            assert_eq!(stored, i64::try_from(rows).unwrap(), "{table}");
            assert!(rows > 0, "{table}");
        }
    });
}

#[test]
fn schools_of_any_size_year_and_date_fit_the_schema() {
    for (students, years, date) in [
        (0, 1, "2026-11-26"),
        (1, 3, "2024-02-29"),
        (45, 0, "2026-01-01"),
        (252, 2, "2025-12-31"),
        (480, 4, "2026-07-15"),
    ] {
        let options = Options {
            students,
            years,
            seed: 99,
            ..Options::new(date.parse().unwrap())
        };
        let school = School::generate(&options);
        assert_eq!(school.academic_sessions.len(), usize::from(years.max(1)));
        with(&loaded(&school), |connection| {
            assert_eq!(
                column(connection, "pragma foreign_key_check"),
                Vec::<String>::new(),
                "{options:?}"
            );
            let sql =
                "select count(*) from student_sessions join academic_sessions s on s.id = session
                       where status = 'active' and s.is_active";
            assert_eq!(
                number(connection, sql),
                i64::try_from(students).unwrap(),
                "{options:?}"
            );
        });
    }
}

#[test]
fn tables_that_are_left_to_others_stay_empty() {
    let made: BTreeSet<&str> = SCHOOL.counts().iter().map(|(table, _)| *table).collect();
    with(&loaded(&SCHOOL), |connection| {
        let sql = "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name <> 'users'";
        for table in column(connection, sql) {
            if !made.contains(table.as_str()) {
                assert_eq!(
                    number(connection, &format!("select count(*) from {table}")),
                    0,
                    "{table}"
                );
            }
        }
        // Those whom the test put there.
        assert_eq!(number(connection, "select count(*) from users"), 2);
    });
}

/// Rules, each with a query that finds what breaks it.
const RULES: [(&str, &str); 26] = [
    (
        "terms are inside their session",
        "select t.id from terms t join academic_sessions s on s.id = t.session
         where unixepoch(t.start_date) * 1000 < s.start_date or unixepoch(ifnull(t.vacation_end, t.end_date)) * 1000 > s.end_date",
    ),
    (
        "terms and their vacations do not overlap",
        "select a.id from terms a join terms b on a.id < b.id and a.start_date <= ifnull(b.vacation_end, b.end_date)
         and b.start_date <= ifnull(a.vacation_end, a.end_date)",
    ),
    (
        "sessions do not overlap",
        "select a.id from academic_sessions a join academic_sessions b on a.id < b.id
         and a.start_date <= b.end_date and b.start_date <= a.end_date",
    ),
    (
        "one session and one of its terms are active",
        "select 1 where (select count(*) from terms t join academic_sessions s on s.id = t.session
         where t.is_active and s.is_active) <> 1",
    ),
    (
        "no class is fuller than its capacity",
        "select a.id from academic_classes a join classes c on c.id = a.class
         where (select count(*) from student_sessions r where r.academic_class = a.id) > ifnull(a.capacity, c.capacity)",
    ),
    (
        "classes have at least twenty students",
        "select a.id from academic_classes a where (select count(*) from student_sessions r where r.academic_class = a.id) < 20",
    ),
    (
        "a registration's class is of its session",
        "select r.id from student_sessions r join academic_classes a on a.id = r.academic_class where a.session <> r.session",
    ),
    (
        "who is active now is registered now, and nobody else is",
        "select s.id from students s left join student_sessions r on r.student = s.id and r.status = 'active'
         and r.session = (select id from academic_sessions where is_active)
         where (s.enrolment = 'active') <> (r.id is not null)",
    ),
    (
        "a student's form and boarding are those of the class and registration of now",
        "select s.id from students s join student_sessions r on r.student = s.id
         join academic_sessions y on y.id = r.session and y.is_active
         join academic_classes a on a.id = r.academic_class join classes c on c.id = a.class
         where c.form <> s.form or r.boarding_status <> s.status",
    ),
    (
        "students move up by one form, or repeat",
        "select r.id from student_sessions r
         join academic_sessions y on y.id = r.session
         join academic_sessions z on z.start_date = (select min(start_date) from academic_sessions where start_date > y.start_date)
         join student_sessions n on n.student = r.student and n.session = z.id
         join academic_classes a on a.id = r.academic_class join classes c on c.id = a.class
         join academic_classes b on b.id = n.academic_class
         where b.class <> c.id and not exists (select 1 from class_patterns where from_class = c.id and to_class = b.class)",
    ),
    (
        "classes lead to a class of the next form",
        "select p.id from class_patterns p join classes a on a.id = p.from_class join classes b on b.id = p.to_class
         join forms f on f.id = a.form join forms g on g.id = b.form where g.sequence <> f.sequence + 1",
    ),
    (
        "what changed a student's enrolment is in the history",
        "select s.id from students s where s.enrolment <> 'active' and not exists
         (select 1 from student_history h where h.student = s.id and h.field = 'enrolment' and h.new_value = s.enrolment)",
    ),
    (
        "the last change of form is that of the history",
        "select s.id from students s join student_history h on h.student = s.id and h.field = 'form'
         and h.changed_at = (select max(changed_at) from student_history x where x.student = s.id and x.field = 'form')
         where h.new_value <> s.form",
    ),
    (
        "student numbers end at the counter of their year",
        "select n.admission_year from student_numbers n where n.last_number <>
         (select max(cast(substr(student_id, 6) as integer)) from students s where s.admission_year = n.admission_year)
         or n.last_number <> (select count(*) from students s where s.admission_year = n.admission_year)",
    ),
    (
        "student numbers begin with the year of admission",
        "select id from students where student_id not glob admission_year || '-[0-9][0-9][0-9][0-9]*'",
    ),
    (
        "who has guardians has a primary one",
        "select student from student_guardians group by student having sum(is_primary) <> 1",
    ),
    (
        "brothers and sisters are born months apart, or on one day",
        "select a.id from students a join student_guardians g on g.student = a.id
         join student_guardians h on h.guardian = g.guardian join students b on b.id = h.student and b.id > a.id
         where a.dob <> b.dob and abs(julianday(a.dob) - julianday(b.dob)) < 300",
    ),
    (
        "teachers of exams teach the subject to the class",
        "select e.id from exams e where not exists (select 1 from subject_teachers t where t.academic_class = e.academic_class
         and t.subject = e.subject and t.teacher = e.teacher)",
    ),
    (
        "exams are of a class and a subject of the session's year",
        "select e.id from exams e join exam_sessions x on x.id = e.exam_session join academic_classes a on a.id = e.academic_class
         join classes c on c.id = a.class where a.session <> x.session
         or not exists (select 1 from curriculum k where k.form = c.form and k.subject = e.subject)",
    ),
    (
        "every class has an exam in each subject of its curriculum",
        "select a.id from academic_classes a join classes c on c.id = a.class join curriculum k on k.form = c.form
         join exam_sessions x on x.session = a.session where not exists (select 1 from exams e
         where e.exam_session = x.id and e.academic_class = a.id and e.subject = k.subject)",
    ),
    (
        "a mark's student is in the exam's class",
        "select m.id from marks m join exams e on e.id = m.exam join student_sessions r on r.id = m.student_session
         where r.academic_class <> e.academic_class",
    ),
    (
        "locked marks are complete",
        "select r.id from exams e join exam_sessions x on x.id = e.exam_session and x.state = 'locked'
         join student_sessions r on r.academic_class = e.academic_class and r.status = 'active'
         where not exists (select 1 from marks m where m.exam = e.id and m.student_session = r.id
         and (m.mark is not null or m.is_absent))",
    ),
    (
        "attendance is of school days of the session, for students who are there",
        "select t.id from attendance t join student_sessions r on r.id = t.student_session
         join academic_sessions y on y.id = r.session
         where not y.is_active or r.status <> 'active' or strftime('%w', t.date) in ('0', '6') or t.date >= '2026-11-26'
         or exists (select 1 from holidays h where t.date between h.start_date and h.end_date)
         or not exists (select 1 from terms p where t.date between p.start_date and p.end_date)",
    ),
    (
        "who has leave is excused",
        "select t.id from attendance t join student_sessions r on r.id = t.student_session
         join leave_applications l on l.student = r.student and l.status = 'approved' and t.date between l.start_date and l.end_date
         where t.status <> 'excused'",
    ),
    (
        "a code has the status of its table",
        "select t.id from attendance t join attendance_codes c on c.code = t.code where c.status <> t.status",
    ),
    (
        "lessons are of subjects and teachers of the class, in the year of now",
        "select l.id from timetable l join academic_classes a on a.id = l.academic_class
         join academic_sessions y on y.id = a.session where not y.is_active or not exists (select 1 from subject_teachers t
         where t.academic_class = a.id and t.subject = l.subject and t.teacher = l.teacher)",
    ),
];

#[test]
fn rules_between_rows_hold() {
    let databases = loaded(&SCHOOL);
    with(&databases, |connection| {
        for (rule, sql) in RULES {
            assert_eq!(column(connection, sql).first(), None, "{rule}");
        }
    });
}

#[test]
fn nothing_was_made_tomorrow_and_ids_carry_the_time() {
    let tomorrow = 1_795_737_600_000_i64;
    with(&loaded(&SCHOOL), |connection| {
        for (table, _) in SCHOOL.counts() {
            let columns = column(
                connection,
                &format!("select name from pragma_table_info('{table}')"),
            );
            let has = |name: &str| columns.iter().any(|column| column == name);
            let made = if has("created_at") {
                "created_at"
            } else {
                "changed_at"
            };
            if !has(made) {
                continue;
            }
            let changed = if has("updated_at") {
                "updated_at"
            } else {
                made
            };
            let sql = format!(
                "select id from {table} where {changed} < {made} or {changed} >= {tomorrow}"
            );
            assert_eq!(column(connection, &sql).first(), None, "{table}");
            let ids = column(
                connection,
                &format!("select id from {table} order by {made}, id"),
            );
            let times = column(
                connection,
                &format!("select {made} from {table} order by {made}, id"),
            );
            for (id, time) in ids.iter().zip(&times) {
                let (seconds, nanos) = id
                    .parse::<uuid::Uuid>()
                    .unwrap()
                    .get_timestamp()
                    .unwrap()
                    .to_unix();
                let millis = seconds * 1_000 + u64::from(nanos) / 1_000_000;
                assert_eq!(millis.to_string(), *time, "{table}");
            }
        }
    });
}

#[test]
fn the_change_of_year_matches_the_registrations() {
    let databases = loaded(&SCHOOL);
    with(&databases, |connection| {
        for (rule, sql) in [
            (
                "everybody who was there at the end has a decision, and nobody else has",
                "select r.student from student_sessions r join session_setups s on s.previous_session = r.session
                 left join student_promotions p on p.student = r.student and p.source_session_class = r.academic_class
                 where (r.status = 'active') <> (p.id is not null)",
            ),
            (
                "decisions are what was done",
                "select p.id from student_promotions p left join student_promotion_history h on h.student = p.student
                 where h.id is null or h.action <> p.action or h.source_session_class <> p.source_session_class
                 or h.destination_session_class is not p.destination_session_class",
            ),
            (
                "registrations are those that the execution made",
                "select h.id from student_promotion_history h left join student_sessions r on r.id = h.student_session
                 join promotion_executions e on e.id = h.execution
                 where (r.id is not null) <> (h.action in ('promote', 'repeat'))
                 or r.academic_class <> h.destination_session_class or r.student <> h.student or r.created_at <> e.executed_at",
            ),
            (
                "those who left have left",
                "select h.id from student_promotion_history h join students s on s.id = h.student where s.enrolment <>
                 case h.action when 'graduate' then 'graduated' when 'transfer' then 'transferred' when 'drop_out' then 'dropped_out'
                 else s.enrolment end or (h.action = 'repeat') <> (h.old_form = s.form and s.enrolment in ('active') )
                 and h.action in ('repeat', 'promote') and s.enrolment = 'active'",
            ),
            (
                "the boarding that was decided is that of the registration",
                "select p.id from student_promotions p join student_promotion_history h on h.student = p.student
                 join student_sessions r on r.id = h.student_session where r.boarding_status <> p.boarding_status",
            ),
        ] {
            assert_eq!(column(connection, sql).first(), None, "{rule}");
        }
        let actions = column(
            connection,
            "select distinct action from student_promotions order by action",
        );
        assert_eq!(
            actions,
            ["drop_out", "graduate", "promote", "repeat", "transfer"]
        );
        let summary: serde_json::Value =
            serde_json::from_str(&SCHOOL.promotion_executions[0].summary).unwrap();
        for action in actions {
            let sql = format!("select count(*) from student_promotions where action = '{action}'");
            assert_eq!(summary[&action], number(connection, &sql), "{action}");
        }
    });
}

#[test]
fn users_become_people_of_the_first_class() {
    let teacher = SCHOOL
        .staff
        .iter()
        .find(|member| member.user_id == Some(TEACHER))
        .unwrap();
    let student = SCHOOL
        .students
        .iter()
        .find(|student| student.user == Some(STUDENT))
        .unwrap();
    assert_eq!(
        (student.first_name.as_str(), student.last_name.as_str()),
        ("Sione", "Marsh")
    );
    assert!(teacher.is_active && student.enrolment == "active");
    let registration = SCHOOL
        .student_sessions
        .iter()
        .rfind(|row| row.student == student.id)
        .unwrap();
    let class = SCHOOL
        .academic_classes
        .iter()
        .find(|class| Some(class.id) == registration.academic_class)
        .unwrap();
    assert_eq!(class.class_teacher, Some(teacher.id));
    assert!(
        SCHOOL
            .exams
            .iter()
            .any(|exam| exam.academic_class == class.id && exam.teacher == teacher.id)
    );
    assert!(
        SCHOOL
            .timetable
            .iter()
            .any(|lesson| lesson.teacher == teacher.id)
    );
    // Nobody else signs in.
    let without = School::generate(&Options::new(today()));
    assert!(without.staff.iter().all(|member| member.user_id.is_none()));
}
