//! What a year asks for once, in a school of 2,000 students and in one of 500: the same trips, and rows by what is written.

use std::collections::BTreeMap;

use homeroom_api_tests::{Reply, School, TestApp};
use serde_json::{Value, json};

use super::{
    timed,
    timetable_calendar::{events, occurrences, value},
    whole_school::{STUDENTS, loaded},
};

/// The school beside which nothing may grow but what is asked for.
const SMALL: usize = 500;

/// A request with the rows that it wrote.
fn counted(app: &TestApp, what: &str, work: impl FnOnce() -> Reply) -> (Reply, u64) {
    let _ = app.take_batches();
    let reply = timed(what, work);
    let batches = app.take_batches();
    (reply, batches.iter().map(|batch| batch.changes).sum())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The exam session of the active year whose marks are being entered, and its path.
fn draft(app: &TestApp, school: &School) -> (String, String) {
    let found = app.rows(
        &school.slot,
        "select x.id, x.session from exam_sessions x join academic_sessions y on y.id = x.session and y.is_active = 1 \
         where x.state = 'draft'",
    );
    let [exams, session] = [0, 1].map(|n| text(&found[0][n]).to_owned());
    let path = format!("sessions/{session}/exam-sessions/{exams}/");
    (exams, path)
}

/// Who has a compulsory subject without a mark: the incomplete cards, by plain SQL.
fn incomplete(exams: &str, among: &str) -> String {
    format!(
        "select count(distinct r.id) from exam_sessions x join student_sessions r on r.session = x.session \
         and r.status = 'active' join academic_classes a on a.id = r.academic_class join classes c on c.id = a.class \
         join curriculum k on k.form = c.form and k.is_compulsory = 1 left join exams e on e.exam_session = x.id \
         and e.academic_class = a.id and e.subject = k.subject left join marks m on m.exam = e.id \
         and m.student_session = r.id where x.id = '{exams}' and {among} and m.mark is null and ifnull(m.is_absent, 0) = 0"
    )
}

#[test]
fn a_form_and_then_the_year_are_published_in_two_trips_and_one_for_each_portion_of_cards() {
    let mut trips = Vec::new();
    for students in [SMALL, STUDENTS] {
        let (app, school, _) = loaded(students);
        let (exams, path) = draft(&app, &school);
        let count = |sql: &str| app.count(&school.slot, sql);
        let publish = |body: &Value| {
            let path = format!("{path}publish/");
            counted(&app, "publish", || school.admin.post(&path, body))
        };
        school.admin.act(&format!("{path}submit/")).expect(200);

        // The form of 200, or the largest where none has that many; class by class.
        let active = "student_sessions r on r.academic_class = a.id and r.status = 'active'";
        let forms = format!(
            "select c.form, count(*) from exam_sessions x join academic_classes a on a.session = x.session \
             join classes c on c.id = a.class join {active} where x.id = '{exams}' group by 1 \
             order by iif(count(*) < 200, 1000 - count(*), count(*)) limit 1"
        );
        let form = app.rows(&school.slot, &forms)[0].clone();
        let (form, size) = (text(&form[0]).to_owned(), form[1].as_i64().unwrap());
        assert!(students == SMALL || size >= 200, "{size}");
        let classes = app.rows(
            &school.slot,
            &format!(
                "select a.id, count(*) from exam_sessions x join academic_classes a on a.session = x.session \
                 join classes c on c.id = a.class and c.form = '{form}' join {active} where x.id = '{exams}' group by 1"
            ),
        );
        let (mut cards, mut lacking) = (0, 0);
        for row in &classes {
            let body = json!({"academic_class": row[0], "accept_incomplete": true});
            let (reply, rows) = publish(&body);
            let reply = reply.status(200);
            let of_class = row[1].as_u64().unwrap();
            assert_eq!(reply.json["cards"], row[1]);
            let among = format!("a.id = '{}'", text(&row[0]));
            let missing = reply.json["incomplete"].as_array().unwrap().len();
            assert_eq!(json!(missing), count(&incomplete(&exams, &among)));
            // A row a card, and what a publication is of: nothing of the other classes.
            assert!(rows <= of_class + 10, "{rows} rows, {of_class} cards");
            trips.push(reply.trips());
            cards += row[1].as_i64().unwrap();
            lacking += missing;
        }
        assert!(cards == size && lacking > 0, "{cards} of {size}, {lacking}");
        let current = "select count(*) from report_cards where is_current = 1 and exam_session";
        assert_eq!(count(&format!("{current} = '{exams}'")), size);

        // Everybody else. Each card is frozen with the whole form's size, in whatever step it was published.
        let all = count(&format!(
            "select count(*) from exam_sessions x join academic_classes a on a.session = x.session \
             join {active} where x.id = '{exams}'"
        ));
        let (reply, rows) = publish(&json!({"accept_incomplete": true}));
        let reply = reply.status(200);
        assert_eq!(
            (&reply.json["cards"], &reply.json["unchanged"]),
            (&json!(all - size), &json!(size))
        );
        let missing = reply.json["incomplete"].as_array().unwrap().len();
        assert_eq!(json!(missing), count(&incomplete(&exams, "true")));
        let portions = count(&format!(
            "select sum(length(cast(y.card as blob)) + 220) / 900000 + 1 from report_cards y join publications p \
             on p.id = y.publication where p.exam_session = '{exams}' and p.version > {}",
            classes.len()
        ));
        let most = u64::try_from(portions).unwrap() + 2;
        assert!(reply.trips() <= most, "{} > {most}", reply.trips());
        let fresh = u64::try_from(all - size).unwrap();
        assert!(rows <= fresh + 2 * most + 10, "{rows} rows, {fresh} cards");
        let sizes = format!(
            "select count(*) from report_cards y join academic_classes a on a.id = y.academic_class \
             join classes c on c.id = a.class where y.exam_session = '{exams}' and y.is_current = 1 \
             and y.card ->> '$.form_size' <> (select count(*) from academic_classes w join classes k on k.id = w.class \
             join student_sessions n on n.academic_class = w.id and n.status = 'active' \
             where w.session = a.session and k.form = c.form)"
        );
        assert_eq!(count(&sizes), 0);
        averages(&app, &school, &exams);
        assert_eq!(count("select count(*) from publication_portions"), 0);
        println!(
            "{students}: {all} cards, {} trips, {rows} rows",
            reply.trips()
        );
    }
    assert!(trips.iter().all(|trips| *trips == 2), "{trips:?}");
}

/// Every card's average is that of its marks.
fn averages(app: &TestApp, school: &School, exams: &str) {
    let apart = app.rows(
        &school.slot,
        &format!(
            "select y.id, y.card ->> '$.average', sum(m.mark * k.coefficient) * 1.0 / sum(k.coefficient) / 100 as average \
             from report_cards y join exams e on e.exam_session = y.exam_session and e.academic_class = y.academic_class \
             join marks m on m.exam = e.id and m.student_session = y.student_session and m.mark is not null \
             join academic_classes a on a.id = y.academic_class join classes c on c.id = a.class \
             join curriculum k on k.form = c.form and k.subject = e.subject where y.exam_session = '{exams}' \
             and y.is_current = 1 group by y.id having abs(average - (y.card ->> '$.average')) > 0.0051"
        ),
    );
    assert_eq!(apart, [] as [Vec<Value>; 0]);
}

#[test]
fn who_has_not_entered_marks_is_listed_as_plain_sql_counts_it() {
    let mut trips = Vec::new();
    for students in [SMALL, STUDENTS] {
        let (app, school, _) = loaded(students);
        let (exams, path) = draft(&app, &school);
        let mut listed = BTreeMap::new();
        let mut page = 1;
        loop {
            let path = format!("{path}marks/missing/?page_size=100&page={page}");
            let reply = timed("marks missing", || school.admin.get(&path)).status(200);
            trips.push(reply.trips());
            for row in reply.results() {
                let figures = ["expected", "entered", "absent", "missing"];
                let figures = figures.map(|name| row[name].as_i64().unwrap());
                listed.insert(text(&row["id"]).to_owned(), figures);
            }
            if reply.json["next"].is_null() {
                break;
            }
            page += 1;
        }
        let rows = app.rows(
            &school.slot,
            &format!(
                "select e.id, count(r.id), count(m.mark), count(*) filter (where m.is_absent = 1), \
                 count(r.id) filter (where m.mark is null and ifnull(m.is_absent, 0) = 0) \
                 from exams e join academic_classes a on a.id = e.academic_class join classes c on c.id = a.class \
                 join curriculum k on k.form = c.form and k.subject = e.subject \
                 join student_sessions r on r.academic_class = a.id and r.status = 'active' \
                 left join marks m on m.exam = e.id and m.student_session = r.id where e.exam_session = '{exams}' \
                 and (k.is_compulsory = 1 or m.mark is not null or m.is_absent = 1) group by e.id"
            ),
        );
        let expected: BTreeMap<String, [i64; 4]> = rows
            .iter()
            .map(|row| {
                let figures = [1, 2, 3, 4].map(|n| row[n].as_i64().unwrap());
                (text(&row[0]).to_owned(), figures)
            })
            .collect();
        assert_eq!(listed, expected);
        assert!(listed.values().any(|[.., missing]| *missing > 0));
    }
    assert!(trips.iter().all(|trips| *trips == 1), "{trips:?}");
}

#[test]
fn a_timetable_of_a_whole_school_is_checked_and_subscribed_to_in_as_many_trips_as_a_small_one() {
    let mut trips = Vec::new();
    for students in [SMALL, STUDENTS] {
        let (app, school, _) = loaded(students);
        let rows = |sql: &str| app.rows(&school.slot, sql);
        let mut taken = Vec::new();

        // Lessons put where their teachers have another one, in another class.
        let moved = rows(
            "select t.id, t.academic_class, t.subject, t.teacher, t.room, o.weekday, o.starts_at, o.ends_at, t.valid_from, \
             t.valid_to from timetable t join timetable o on o.teacher = t.teacher and o.academic_class <> t.academic_class \
             group by t.id having o.id = min(o.id) order by t.id limit 12",
        );
        assert_eq!(moved.len(), 12);
        let mut kinds = BTreeMap::new();
        for row in &moved {
            let names = [
                "id",
                "academic_class",
                "subject",
                "teacher",
                "room",
                "weekday",
                "starts_at",
                "ends_at",
                "valid_from",
                "valid_to",
            ];
            let body: Value = names
                .iter()
                .zip(row)
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect();
            let (reply, written) = counted(&app, "check", || {
                school.admin.post("timetable/check/", &body)
            });
            let reply = reply.status(200);
            assert_eq!(written, 0);
            taken.push(reply.trips());
            let mut found: Vec<Value> = reply.json["conflicts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|conflict| json!([conflict["with"], conflict["kind"]]))
                .collect();
            found.sort_by_key(Value::to_string);
            let one = |kind: &str, same: &str| {
                format!(
                    "select o.id, '{kind}' from timetable t join timetable o on o.id <> t.id and {same} \
                     and o.weekday = {} and o.starts_at = '{}' where t.id = '{}'",
                    row[5],
                    text(&row[6]),
                    text(&row[0])
                )
            };
            let mut expected: Vec<Value> = [
                ("class", "o.academic_class = t.academic_class"),
                ("teacher", "o.teacher = t.teacher"),
                ("room", "o.room = t.room"),
            ]
            .iter()
            .flat_map(|(kind, same)| rows(&one(kind, same)))
            .map(Value::from)
            .collect();
            expected.sort_by_key(Value::to_string);
            assert_eq!(found, expected);
            for conflict in expected {
                *kinds.entry(text(&conflict[1]).to_owned()).or_insert(0) += 1;
            }
        }
        assert!(kinds["teacher"] >= 12 && kinds["class"] > 0, "{kinds:?}");

        // The weeks of the teacher and of the class with the most lessons.
        let busiest = |what: &str| {
            let sql = format!(
                "select {what}, count(*) from timetable group by 1 order by 2 desc, 1 limit 1"
            );
            let row = rows(&sql)[0].clone();
            (text(&row[0]).to_owned(), row[1].as_u64().unwrap())
        };
        for (query, what) in [("teacher", "teacher"), ("academic_class", "academic_class")] {
            let (id, lessons) = busiest(what);
            let get = || {
                school
                    .admin
                    .get(&format!("timetable/calendar.ics?{query}={id}"))
            };
            let reply = timed("calendar", get).status(200);
            taken.push(reply.trips());
            let found = events(&reply.text);
            assert_eq!(found.len() as u64, lessons);
            assert!(lessons > 15, "{lessons}");
            let first = value(&found[0], "UID");
            let lesson = first.trim_end_matches("@homeroom");
            let days = rows(&format!(
                "with recursive d (day) as (select min(valid_from) from timetable union all select date(day, '+1 day') from d \
                 where day < (select max(valid_to) from timetable)) select d.day from d join timetable t on t.id = '{lesson}' \
                 where d.day between t.valid_from and t.valid_to and strftime('%w', d.day) + 0 = t.weekday % 7 \
                 and exists (select 1 from terms e join academic_classes a on a.session = e.session \
                 where a.id = t.academic_class and d.day between e.start_date and e.end_date) \
                 and not exists (select 1 from holidays h where d.day between h.start_date and h.end_date)"
            ));
            let told = occurrences(&reply.text, &first);
            let told: Vec<&str> = told.iter().map(|moment| &moment[..10]).collect();
            let days: Vec<&str> = days.iter().map(|row| text(&row[0])).collect();
            assert!(days.len() > 20);
            assert_eq!(told, days);

            let body = json!({"name": "Phone", query: id});
            let feed = school.admin.post("my/calendar-feeds/", &body).status(201);
            let address = feed.str("address");
            let token = address.split_once('?').unwrap().1;
            let feed = school.anonymous().get(&format!("timetable.ics?{token}"));
            let feed = feed.status(200);
            taken.push(feed.trips());
            assert_eq!(feed.text, reply.text);
        }
        trips.push(taken);
    }
    assert_eq!(trips[0], trips[1]);
    assert!(trips[0].iter().all(|trips| *trips <= 2), "{trips:?}");
}

#[test]
fn a_whole_school_moves_on_in_as_many_trips_as_a_small_one() {
    let mut trips = Vec::new();
    for students in [SMALL, STUDENTS] {
        let (app, school, _) = loaded(students);
        let count = |sql: &str| app.count(&school.slot, sql);
        let (exams, _) = draft(&app, &school);
        let from = app.value(
            &school.slot,
            &format!("select session from exam_sessions where id = '{exams}'"),
        );
        let ends = app.value(
            &school.slot,
            "select strftime('%Y', max(end_date) / 1000, 'unixepoch') from academic_sessions",
        );
        let next: u32 = text(&ends).parse::<u32>().unwrap() + 1;
        let body = json!({"name": "The next year", "start_date": format!("{next}-01-10T00:00:00Z"),
            "end_date": format!("{next}-12-04T00:00:00Z")});
        let to = school.admin.post("sessions/", &body).status(201).id();
        let body = json!({"session_type": "academic_session", "academic_session": to, "previous_session": from});
        let setup = school.admin.post("session-setup/", &body).status(201).id();
        let path = |rest: &str| format!("session-setup/{setup}/{rest}");
        let send = |what: &str| {
            let body = match what {
                "copy-structure/" => json!({}),
                "promotion-executions/" => json!({"skip_pending": true}),
                // Otherwise the last exam session with published cards.
                _ => json!({"exam_session": exams}),
            };
            counted(&app, what, || school.admin.post(&path(what), &body))
        };
        let (copied, _) = send("copy-structure/");
        let copied = copied.status(200);
        let classes = count(&format!(
            "select count(*) from academic_classes where session = '{}'",
            text(&from)
        ));
        assert_eq!(copied.json["academic_classes"]["created"], classes);
        // Who repeats and who comes up have room together.
        app.execute(&school.slot, "update academic_classes set capacity = 200");

        let (preview, written) = send("promotion-executions/preview/");
        let preview = preview.status(200);
        assert_eq!((written, &preview.json["exam_session"]), (0, &json!(exams)));
        let told: BTreeMap<String, Value> = preview.json["students"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (text(&row["student"]).to_owned(), row.clone()))
            .collect();
        let figures = app.rows(
            &school.slot,
            &format!(
                "select r.student, count(*) filter (where m.mark >= coalesce((select w.mark from pass_marks w \
                 where w.form = c.form and w.subject = k.subject), (select w.mark from pass_marks w where w.form = c.form \
                 and w.subject is null), 5000)), count(*) filter (where k.is_compulsory = 1 and m.mark is null \
                 and ifnull(m.is_absent, 0) = 0) = 0, p.to_class is not null, not exists (select 1 from forms n \
                 join forms f on f.sequence < n.sequence where f.id = c.form), count(m.mark) > 0 \
                 from student_sessions r join students s on s.id = r.student and s.enrolment = 'active' \
                 join academic_classes a on a.id = r.academic_class join classes c on c.id = a.class \
                 join curriculum k on k.form = c.form left join class_patterns p on p.from_class = c.id \
                 left join exams e on e.exam_session = '{exams}' and e.academic_class = a.id and e.subject = k.subject \
                 left join marks m on m.exam = e.id and m.student_session = r.id \
                 where r.session = '{}' and r.status = 'active' group by r.id",
                text(&from)
            ),
        );
        assert_eq!((told.len(), figures.len()), (students, students));
        let mut actions: BTreeMap<&str, i64> = BTreeMap::new();
        for row in &figures {
            let [passed, complete, goes_on, last, sat] =
                [1, 2, 3, 4, 5].map(|n| row[n].as_i64().unwrap());
            let action = match (complete * sat, passed >= 5, goes_on, last) {
                (0, ..) => "pending",
                (_, false, ..) => "repeat",
                (_, _, 1, _) => "promote",
                (.., 1) => "graduate",
                _ => "pending",
            };
            let row = &told[text(&row[0])];
            assert_eq!(
                (text(&row["action"]), &row["subjects_passed"]),
                (action, &json!(passed)),
                "{row}"
            );
            *actions.entry(action).or_default() += 1;
        }
        assert_eq!(actions.len(), 4, "{actions:?}");

        let (proposed, _) = send("student-promotions/propose/");
        let proposed = proposed.status(200);
        assert_eq!(proposed.json["created"], students);
        let (executed, rows) = send("promotion-executions/");
        let executed = executed.status(201);
        for (action, number) in &actions {
            let done = format!(
                "select count(*) from student_promotion_history where execution = '{}' and action = '{action}'",
                executed.id()
            );
            let skipped = *action == "pending";
            assert_eq!(count(&done), if skipped { 0 } else { *number }, "{action}");
        }
        let registered = count(&format!(
            "select count(*) from student_sessions where session = '{to}'"
        ));
        assert_eq!(registered, actions["promote"] + actions["repeat"]);
        let left = count(
            "select count(*) from student_history where field = 'enrolment' and reason like 'Promotion %The next year'",
        );
        assert_eq!(left, actions["graduate"]);
        // The decision, the student, a line of history in each and a registration: not more a student.
        assert!(rows <= 5 * u64::try_from(students).unwrap() + 20, "{rows}");
        println!("{students}: {rows} rows");
        trips.push([
            copied.trips(),
            preview.trips(),
            proposed.trips(),
            executed.trips(),
        ]);
    }
    assert_eq!(trips[0], trips[1]);
    assert!(trips[0].iter().all(|trips| *trips <= 3), "{trips:?}");
}
