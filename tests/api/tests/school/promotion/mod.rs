//! `/api/v1/school/session-setup/`: the move to the next year.

mod bulk;
mod decisions;
mod execution;
mod order;
mod preview;
mod proposals;
mod scale;
mod setup;
mod told;
mod undo;

use homeroom_api_tests::{Client, Reply, School, TestApp};
use serde_json::{Value, json};

use super::{greenwood, key_for, refused, someone};

/// A school at the end of 2026, with 1A and 2A in both years, and a set-up that leads from 2026 to 2027.
struct Year {
    app: TestApp,
    school: School,
    from: String,
    to: String,
    setup: String,
    teacher: String,
    forms: [String; 2],
    classes: [String; 2],
    subjects: [String; 2],
    /// 1A and 2A in 2026.
    old: [String; 2],
    /// 1A and 2A in 2027.
    new: [String; 2],
    exam_session: String,
}

/// A student and the registration in 2026.
#[derive(Clone)]
struct Pupil {
    id: String,
    registration: String,
}

fn session(admin: &Client, name: &str) -> String {
    let body = json!({"name": name, "start_date": format!("{name}-01-05T00:00:00Z"),
        "end_date": format!("{name}-12-04T00:00:00Z")});
    admin.post("sessions/", &body).status(201).id()
}

impl Year {
    fn new() -> Self {
        let (app, school) = greenwood();
        let admin = school.admin.clone();
        let make = |path: &str, body: Value| admin.post(path, &body).status(201).id();
        let (from, to) = (session(&admin, "2026"), session(&admin, "2027"));
        let forms = [1, 2].map(|n| {
            make(
                "form/",
                json!({"name": format!("Form {n}"), "level": "O Level", "sequence": n}),
            )
        });
        let classes = [("1A", &forms[0]), ("2A", &forms[1])]
            .map(|(name, form)| make("classes/", json!({"name": name, "form": form})));
        make(
            "class-patterns/",
            json!({"from_class": classes[0], "to_class": classes[1]}),
        );
        let place = |session: &str, class: &String| {
            make(
                &format!("sessions/{session}/academic-classes/"),
                json!({"class": class}),
            )
        };
        let old = [0, 1].map(|n: usize| place(&from, &classes[n]));
        let new = [0, 1].map(|n: usize| place(&to, &classes[n]));
        let subjects = ["Mathematics", "English"].map(|name| {
            make(
                "subjects/",
                json!({"name": name, "code": name[..4].to_uppercase()}),
            )
        });
        for form in &forms {
            for subject in &subjects {
                make("curriculum/", json!({"form": form, "subject": subject}));
            }
        }
        let teacher = make("staff/", json!({"staff_number": "T-1"}));
        let exam_session = make(
            &format!("sessions/{from}/exam-sessions/"),
            json!({"term": "3", "name": "End of year"}),
        );
        let setup = make(
            "session-setup/",
            json!({"session_type": "academic_session", "academic_session": to, "previous_session": from,
                "status": "pending", "current_step": 4}),
        );
        Self {
            app,
            school,
            from,
            to,
            setup,
            teacher,
            forms,
            classes,
            subjects,
            old,
            new,
            exam_session,
        }
    }

    fn admin(&self) -> &Client {
        &self.school.admin
    }

    fn path(&self, rest: &str) -> String {
        format!("session-setup/{}/{rest}", self.setup)
    }

    /// A student in a class of 2026: 0 is 1A, 1 is 2A.
    fn pupil(&self, name: &str, class: usize) -> Pupil {
        let form = self.forms.get(class);
        let body = json!({"student_id": name, "first_name": name, "last_name": "Moyo", "admission_year": 2026, "form": form,
            "status": "Boarding"});
        let id = self.admin().post("admissions/", &body).status(201).id();
        let body = json!({"student": id, "academic_class": self.old.get(class), "boarding_status": "Boarding"});
        let path = format!("sessions/{}/student-sessions/", self.from);
        let registration = self.admin().post(&path, &body).status(201).id();
        Pupil { id, registration }
    }

    fn decide(&self, pupil: &Pupil, action: &str, destination: Option<&str>) -> Reply {
        let row = json!({"student": pupil.id, "action": action, "destination_session_class": destination});
        let reply = self.bulk(&[row]).status(200);
        assert_eq!(reply.json["refused"], 0, "{}", reply.text);
        reply
    }

    fn bulk(&self, rows: &[Value]) -> Reply {
        self.admin().put(
            &self.path("student-promotions/bulk/"),
            &json!({"rows": rows}),
        )
    }

    fn propose(&self, body: &Value) -> Value {
        let path = self.path("student-promotions/propose/");
        self.admin().post(&path, body).status(200).json
    }

    fn preview(&self, body: &Value) -> Value {
        let path = self.path("promotion-executions/preview/");
        self.admin().post(&path, body).status(200).json
    }

    fn execute(&self, body: &Value) -> Reply {
        self.admin().post(&self.path("promotion-executions/"), body)
    }

    fn undo(&self, execution: &str) -> Reply {
        let path = self.path(&format!("promotion-executions/{execution}/undo/"));
        self.admin().act(&path)
    }

    fn student(&self, pupil: &Pupil) -> Value {
        let path = format!("admissions/{}/", pupil.id);
        self.admin().get(&path).status(200).json
    }

    /// The registrations of a student in 2027.
    fn registrations(&self, pupil: &Pupil) -> Vec<Value> {
        let path = format!(
            "sessions/{}/student-sessions/?student={}",
            self.to, pupil.id
        );
        self.admin().get(&path).status(200).results().clone()
    }

    /// Gives a student of a class marks in both subjects.
    fn marks(&self, pupil: &Pupil, class: usize, marks: [Option<i64>; 2]) {
        for (subject, mark) in self.subjects.iter().zip(marks) {
            let exam = self.exam(class, subject);
            let mark = mark.map_or("null".to_owned(), |mark| (mark * 100).to_string());
            self.app.execute(
                &self.school.slot,
                &format!(
                    "insert into marks (id, exam, student_session, mark, is_absent, comment, version, created_at, \
                     updated_at) values ('{exam}-{0}', '{exam}', '{0}', {mark}, 0, '', 1, 1, 1)",
                    pupil.registration
                ),
            );
        }
    }

    /// The exam of a class in a subject, made where it is not there yet.
    fn exam(&self, class: usize, subject: &str) -> String {
        let path = format!(
            "sessions/{}/exam-sessions/{}/exams/",
            self.from, self.exam_session
        );
        let class = &self.old[class];
        let known = self
            .admin()
            .get(&format!("{path}?academic_class={class}&subject={subject}"))
            .status(200);
        if let Some(exam) = known.results().first() {
            return exam["id"].as_str().unwrap().to_owned();
        }
        let body = json!({"academic_class": class, "subject": subject, "teacher": self.teacher});
        self.admin().post(&path, &body).status(201).id()
    }

    /// Publishes a card of a student of a class.
    fn card(&self, pupil: &Pupil, class: usize, average: f64, passed: u32, is_outdated: bool) {
        let card = json!({"average": average, "subjects_passed": passed, "is_complete": true});
        let (exams, class, outdated) =
            (&self.exam_session, &self.old[class], i64::from(is_outdated));
        self.app.execute(
            &self.school.slot,
            &format!(
                "update exam_sessions set state = 'published' where id = '{exams}'; \
                 insert or ignore into publications values ('p-1', '{exams}', 1, '{{}}', '{{}}', 1, null, null); \
                 insert into report_cards (id, publication, exam_session, student_session, academic_class, version, \
                 card, is_outdated, is_current, created_at, updated_at) values \
                 ('card-{0}', 'p-1', '{exams}', '{0}', '{class}', 1, '{card}', {outdated}, 1, 1, 1)",
                pupil.registration
            ),
        );
    }

    /// Tables as text, without when their rows were last changed.
    fn dump(&self, tables: &[&str]) -> String {
        let slot = &self.school.slot;
        let dumps = tables.iter().map(|table| {
            let columns = self.app.rows(
                slot,
                &format!(
                    "select name from pragma_table_info('{table}') where name <> 'updated_at'"
                ),
            );
            let names: Vec<&str> = columns.iter().map(|row| row[0].as_str().unwrap()).collect();
            let rows = self.app.rows(
                slot,
                &format!("select {} from {table} order by id", names.join(", ")),
            );
            format!("{table}: {rows:?}")
        });
        dumps.collect::<Vec<_>>().join("\n")
    }

    fn count(&self, sql: &str) -> i64 {
        self.app.count(&self.school.slot, sql)
    }
}

/// What an execution changes.
const MOVED: &[&str] = &[
    "students",
    "student_sessions",
    "student_promotions",
    "session_setups",
];
