//! What others do between the reading and the writing of a portion.

use std::fmt::Write as _;

use homeroom_api_tests::{Intrusion, Reply};
use homeroom_store::school::imports::PORTION;
use serde_json::json;

use super::{Year, counts, wrong};

/// The students `B1` to `B6`, and a second class; with a place in `1A` where `placed`.
fn year(placed: bool) -> (Year, String) {
    let year = Year::new();
    let exam_session = year.exam_session();
    let admin = &year.school.admin;
    let made = |path: &str, body| admin.post(path, &body).status(201).id();
    let form = year.app.value(&year.school.slot, "select id from forms");
    let other = made("classes/", json!({"name": "1B", "form": form}));
    let classes = format!("sessions/{}/academic-classes/", year.session);
    made(&classes, json!({"class": other}));
    let subject = made("subjects/", json!({"name": "English", "code": "ENG"}));
    let exams = format!(
        "sessions/{}/exam-sessions/{exam_session}/exams/",
        year.session
    );
    let teacher = year.app.value(&year.school.slot, "select id from staff");
    made(
        &exams,
        json!({"academic_class": year.academic_class, "subject": subject, "teacher": teacher}),
    );
    year.app
        .execute(&year.school.slot, "update classes set capacity = 6");
    let (mut students, mut places) = (String::new(), String::from(PLACES));
    for n in 1..=6 {
        writeln!(students, "B{n},Rudo,Moyo {n},2026").unwrap();
        writeln!(places, "2026,B{n},1A").unwrap();
    }
    year.students(&students).expect(202);
    if placed {
        year.import("registrations", &places).expect(202);
    }
    (year, exam_session)
}

const PLACES: &str = "session,student_id,class\n";

/// What somebody else does, and the lines of the file that are wrong from then on.
type Case = (&'static str, &'static [u64]);

/// Lets the intrusion happen before every batch in turn, and checks that no row was written against the rules, and that
/// at least once rows lost the race between reading and writing.
fn try_all(
    case: Case,
    kind: &str,
    rules: &[(&str, &str)],
    rows: &str,
    prepare: impl Fn() -> (Year, String, String),
) {
    let (sql, lost) = case;
    let mut races = 0;
    for nth in 1.. {
        let (year, path, head) = prepare();
        let slot = &year.school.slot;
        // What is rolled back is not noted.
        year.app
            .execute(slot, "create table against_rules (record text)");
        for (n, (event, broken)) in rules.iter().enumerate() {
            let watch = format!(
                "create trigger watch_{n} after {event} when {broken} begin \
                 insert into against_rules values (new.id); end"
            );
            year.app.execute(slot, &watch);
        }
        year.app.intrude(Some(Intrusion {
            nth,
            binding: slot.clone(),
            sql: sql.to_owned(),
        }));
        let file = format!("{head}{rows}");
        let answer = year.school.admin.file(&path, &file);
        let late = year.app.intrusion_waits();
        year.app.intrude(None);
        let name = format!("{kind}: {sql} before batch {nth}");
        if answer.status != 202 {
            // The exam session was closed before anything was looked at.
            assert_eq!(answer.code(), "marks_closed", "{name}");
            continue;
        }
        let reply = job(&year, &answer);
        assert_eq!(reply.str("status"), "completed", "{name}");
        let lines: Vec<u64> = wrong(&reply)
            .into_iter()
            .map(|(line, _)| line)
            .filter(|line| usize::try_from(*line).unwrap() <= rows.lines().count() + 1)
            .collect();
        assert!(lines.is_empty() || lines == lost, "{name}: {}", reply.text);
        let broken = year.app.count(slot, "select count(*) from against_rules");
        assert_eq!(broken, 0, "{name}");
        let [created, updated, skipped, failed] = counts(&reply);
        assert_eq!(
            Some(created + updated + skipped + failed),
            reply.json["total"].as_u64(),
            "{name}"
        );
        // What is refused when it is written is judged again after the answer.
        races += usize::from(!lines.is_empty() && answer.str("status") == "running");
        year.app.assert_sound();
        if late {
            assert!(lines.is_empty(), "{name}");
            break;
        }
    }
    assert_eq!(races, 1, "{kind}: {sql}");
}

fn job(year: &Year, answer: &Reply) -> Reply {
    let path = format!("imports/{}/", answer.id());
    year.school.admin.get(&path).status(200)
}

const AGAINST: &str = "not exists (select 1 from exams x join exam_sessions e on e.id = x.exam_session \
     and e.state in ('draft', 'review') join student_sessions r on r.academic_class = x.academic_class \
     and r.status = 'active' where x.id = new.exam and r.id = new.student_session)";

const MARKS: [Case; 6] = [
    (
        "update student_sessions set status = 'transferred', updated_at = updated_at + 1 \
         where student = (select id from students where student_id = 'B2')",
        &[3, 8],
    ),
    (
        "update student_sessions set updated_at = updated_at + 1, academic_class = \
         (select a.id from academic_classes a join classes c on c.id = a.class where c.name = '1B') \
         where student = (select id from students where student_id = 'B6')",
        &[7],
    ),
    (
        "delete from marks where student_session = (select r.id from student_sessions r join students p \
         on p.id = r.student where p.student_id = 'B3'); delete from student_sessions where student = \
         (select id from students where student_id = 'B3'); delete from students where student_id = 'B3'",
        &[4],
    ),
    (
        "update exams set academic_class = (select a.id from academic_classes a join classes c on c.id = a.class \
         where c.name = '1B') where subject = (select id from subjects where code = 'ENG')",
        &[8, 9],
    ),
    (
        "delete from marks where exam in (select x.id from exams x join subjects s on s.id = x.subject \
         where s.code = 'ENG'); delete from exams where subject = (select id from subjects where code = 'ENG')",
        &[8, 9],
    ),
    (
        "update exam_sessions set state = 'locked'",
        &[2, 3, 4, 5, 6, 7, 8, 9],
    ),
];

const ROWS: &str = "B1,MATH,50\nB2,MATH,51\nB3,MATH,52\nB4,MATH,53\nB5,MATH,54\nB6,MATH,55\nB2,ENG,56\nB1,ENG,57\n";
const MARK_HEAD: &str = "student_id,subject,mark\n";

#[test]
fn no_mark_is_written_for_who_left_or_for_an_exam_that_changed_meanwhile() {
    for case in MARKS {
        try_all(case, "marks", &[("insert on marks", AGAINST)], ROWS, || {
            let (year, exam_session) = year(true);
            let path = format!("imports/marks/?exam_session={exam_session}");
            (year, path, MARK_HEAD.to_owned())
        });
    }
}

#[test]
fn nor_is_a_mark_changed() {
    for case in MARKS {
        let rules = [("insert on marks", AGAINST), ("update on marks", AGAINST)];
        try_all(case, "changed marks", &rules, ROWS, || {
            let (year, exam_session) = year(true);
            let path = format!("imports/marks/?exam_session={exam_session}");
            let file =
                "student_id,subject,mark\nB1,MATH,1\nB2,MATH,1\nB3,MATH,1\nB6,MATH,1\nB2,ENG,1\n";
            year.school.admin.file(&path, file).expect(202);
            (year, path, MARK_HEAD.to_owned())
        });
    }
}

#[test]
fn nor_where_the_file_is_large() {
    // The portion with the rows that count is the first of two.
    let mut rows = String::from(ROWS);
    for n in 0..PORTION {
        writeln!(rows, "N{n},MATH,50").unwrap();
    }
    for case in [MARKS[0], MARKS[3], MARKS[5]] {
        let (sql, lost) = case;
        let mut raced = 0;
        for nth in 1..14 {
            let (year, exam_session) = year(true);
            let slot = &year.school.slot;
            year.app.execute(
                slot,
                &format!(
                    "create table against_rules (record text); create trigger watch after insert on marks when {AGAINST} \
                     begin insert into against_rules values (new.id); end"
                ),
            );
            let intrusion = Intrusion {
                nth,
                binding: slot.clone(),
                sql: sql.to_owned(),
            };
            year.app.intrude(Some(intrusion));
            let path = format!("imports/marks/?exam_session={exam_session}");
            let answer = year.school.admin.file(&path, &format!("{MARK_HEAD}{rows}"));
            year.app.intrude(None);
            if answer.status != 202 {
                continue;
            }
            let reply = job(&year, &answer);
            let [created, _, _, failed] = counts(&reply);
            let lost = u64::try_from(lost.len()).unwrap();
            assert!(
                [(8 - lost, 200 + lost), (8, 200)].contains(&(created, failed)),
                "{sql} before batch {nth}: {}",
                reply.text
            );
            raced += u64::from(created < 8);
            let broken = year.app.count(slot, "select count(*) from against_rules");
            assert_eq!(broken, 0, "{sql} before batch {nth}");
        }
        assert!(raced > 2, "{sql}");
    }
}

#[test]
fn nobody_who_left_is_registered_and_no_class_gets_too_many() {
    let rules = [(
        "insert on student_sessions",
        "exists (select 1 from students p where p.id = new.student and p.enrolment <> 'active') or (select count(*) \
             from student_sessions s where s.academic_class = new.academic_class) > (select c.capacity from classes c \
             join academic_classes a on a.class = c.id where a.id = new.academic_class)",
    )];
    let mut rows = String::new();
    for n in 1..=6 {
        writeln!(rows, "2026,B{n},1A").unwrap();
    }
    for case in [
        (
            "update students set enrolment = 'transferred' where student_id = 'B3'",
            &[4][..],
        ),
        ("delete from students where student_id = 'B3'", &[4]),
        ("update classes set capacity = 4", &[6, 7]),
    ] {
        try_all(case, "registrations", &rules, &rows, || {
            let path = "imports/registrations/".to_owned();
            (year(false).0, path, PLACES.to_owned())
        });
    }
}

#[test]
fn a_child_who_is_gone_has_no_guardian_and_one_who_is_called_first() {
    let watch = [(
        "insert on student_guardians",
        "not exists (select 1 from students p where p.id = new.student)",
    )];
    let rows = "A,One,+263771000001,B1,mother,true\nB,Two,+263771000002,B2,father,true\n";
    try_all(
        ("delete from students where student_id = 'B2'", &[3]),
        "guardians",
        &watch,
        rows,
        || {
            let head = "first_name,last_name,phone_number,student_id,relation,is_primary\n";
            (
                year(false).0,
                "imports/guardians/".to_owned(),
                head.to_owned(),
            )
        },
    );
    // Somebody else names another first one meanwhile.
    for nth in 1..8 {
        let (year, _) = year(false);
        let slot = &year.school.slot;
        let head = "first_name,last_name,phone_number,student_id,relation,is_primary\n";
        year.import(
            "guardians",
            &format!("{head}C,Three,+263771000003,B1,aunt,\n"),
        )
        .expect(202);
        year.app.intrude(Some(Intrusion {
            nth,
            binding: slot.clone(),
            sql: "update student_guardians set is_primary = 1, updated_at = updated_at + 1"
                .to_owned(),
        }));
        let answer = year.import("guardians", &format!("{head}{rows}"));
        let late = year.app.intrusion_waits();
        year.app.intrude(None);
        let reply = job(&year, &answer);
        assert_eq!(counts(&reply), [2, 0, 0, 0], "{nth}");
        let first = "select g.first_name from student_guardians l join guardians g on g.id = l.guardian \
                     join students p on p.id = l.student where p.student_id = 'B1' and l.is_primary = 1";
        let found = year.app.rows(slot, first);
        assert_eq!(found, [[json!("A")]], "before batch {nth}");
        if late {
            break;
        }
    }
}
