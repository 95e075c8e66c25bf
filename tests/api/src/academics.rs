//! A form with its classes, students and marks, made through the API.

use std::cell::Cell;

use serde_json::{Value, json};

use crate::{app::TestApp, client::Client, people::School};

/// A form in an exam session.
pub struct Form {
    app: TestApp,
    admin: Client,
    slot: String,
    tag: String,
    next: Cell<u32>,
    /// The session.
    pub session: String,
    /// The term's record.
    pub term: String,
    /// The form.
    pub form: String,
    /// The exam session.
    pub exam_session: String,
    /// Who teaches everything, unless said otherwise.
    pub teacher: String,
}

/// A subject of the form.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl Form {
    /// A form of a level, in a session and term of its own; `tag` keeps its names apart from those of others.
    #[must_use]
    pub fn new(app: &TestApp, school: &School, tag: &str, level: &str) -> Self {
        let admin = school.admin.clone();
        let made = |path: &str, body: &Value| admin.post(path, body).status(201).id();
        let session = made(
            "sessions/",
            &json!({"name": format!("Year {tag}"), "start_date": "2026-01-01T00:00:00Z", "end_date": "2026-12-31T00:00:00Z"}),
        );
        let term = made(
            "terms/",
            &json!({"session": session, "term": "1", "start_date": "2026-01-12", "end_date": "2026-04-02"}),
        );
        let form = made(
            "form/",
            &json!({"name": format!("Form {tag}"), "level": level}),
        );
        let exam_session = made(
            &format!("sessions/{session}/exam-sessions/"),
            &json!({"term": "1", "name": "End of term"}),
        );
        let teacher = made("staff/", &json!({"staff_number": format!("T {tag}")}));
        Self {
            app: app.clone(),
            slot: school.slot.clone(),
            tag: tag.to_owned(),
            next: Cell::new(0),
            admin,
            session,
            term,
            form,
            exam_session,
            teacher,
        }
    }

    fn next(&self) -> u32 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    fn made(&self, path: &str, body: &Value) -> String {
        self.admin.post(path, body).status(201).id()
    }

    /// The path of the exam session.
    #[must_use]
    pub fn path(&self) -> String {
        format!(
            "sessions/{}/exam-sessions/{}/",
            self.session, self.exam_session
        )
    }

    /// A class of the session.
    #[must_use]
    pub fn class(&self, name: &str, class_teacher: Option<&str>) -> String {
        let name = format!("{name} {}", self.tag);
        let class = self.made("classes/", &json!({"name": name, "form": self.form}));
        let path = format!("sessions/{}/academic-classes/", self.session);
        self.made(
            &path,
            &json!({"class": class, "class_teacher": class_teacher}),
        )
    }

    /// A subject of the form.
    #[must_use]
    pub fn subject(&self, name: &str, coefficient: f64, is_compulsory: bool) -> Subject {
        let name = format!("{name} {}", self.tag);
        let code = format!("{}{}", self.next(), self.tag);
        let id = self.made("subjects/", &json!({"name": name, "code": code}));
        let body = json!({"form": self.form, "subject": id, "coefficient": coefficient, "is_compulsory": is_compulsory});
        let _ = self.made("curriculum/", &body);
        Subject { id, name }
    }

    /// A student of a class: the registration.
    #[must_use]
    pub fn student(&self, class: &str, name: &str) -> String {
        let student = self.person(name, None);
        self.register(&student, class)
    }

    /// A student who is not registered yet.
    #[must_use]
    pub fn person(&self, name: &str, user: Option<&str>) -> String {
        let (first, last) = name.split_once(' ').unwrap_or((name, "Moyo"));
        let number = format!("{}-{:04}", self.tag, self.next());
        let body = json!({
            "first_name": first, "last_name": last, "student_id": number, "admission_year": 2026, "user": user,
        });
        self.made("admissions/", &body)
    }

    /// Places a student in a class.
    #[must_use]
    pub fn register(&self, student: &str, class: &str) -> String {
        let path = format!("sessions/{}/student-sessions/", self.session);
        self.made(&path, &json!({"student": student, "academic_class": class}))
    }

    /// An exam of a class in a subject.
    #[must_use]
    pub fn exam(&self, class: &str, subject: &Subject, teacher: Option<&str>) -> String {
        let teacher = teacher.unwrap_or(&self.teacher);
        let body = json!({"academic_class": class, "subject": subject.id, "teacher": teacher});
        self.made(&format!("{}exams/", self.path()), &body)
    }

    /// Enters a mark: a number, `absent` or `missing`, perhaps followed by `: a remark`.
    pub fn mark(&self, exam: &str, student: &str, entry: &str) {
        let (entry, comment) = entry.split_once(": ").unwrap_or((entry, ""));
        let (mark, absent) = match entry {
            "absent" => ("null".to_owned(), 1),
            "missing" => ("null".to_owned(), 0),
            number => {
                let number: f64 = number.parse().expect("a mark");
                ((number * 100.0).round().to_string(), 0)
            }
        };
        let now = self.app.now().millis();
        let tail = format!(
            "{:012x}",
            self.app.count(&self.slot, "select count(*) from marks")
        );
        self.app.execute(
            &self.slot,
            &format!(
                "insert into marks (id, exam, student_session, mark, is_absent, comment, version, created_at, updated_at) \
                 values ('01900000-0000-7000-8000-{tail}', '{exam}', '{student}', {mark}, {absent}, '{comment}', 1, {now}, {now}) \
                 on conflict (exam, student_session) do update set mark = excluded.mark, is_absent = excluded.is_absent, \
                 comment = excluded.comment, version = version + 1"
            ),
        );
    }

    /// Whole classes of marks: per student the class, a name and an entry for each subject; `-` for none.
    #[must_use]
    pub fn enter(&self, subjects: &[Subject], students: &[(&str, &str, &[&str])]) -> Vec<String> {
        let mut exams: Vec<(String, String, String)> = Vec::new();
        students
            .iter()
            .map(|(class, name, entries)| {
                let student = self.student(class, name);
                for (subject, entry) in subjects.iter().zip(*entries) {
                    if *entry == "-" {
                        continue;
                    }
                    let known = exams
                        .iter()
                        .find(|(c, s, _)| c == class && *s == subject.id);
                    let exam = match known {
                        Some((_, _, exam)) => exam.clone(),
                        None => {
                            let exam = self.exam(class, subject, None);
                            exams.push(((*class).to_owned(), subject.id.clone(), exam.clone()));
                            exam
                        }
                    };
                    self.mark(&exam, &student, entry);
                }
                student
            })
            .collect()
    }

    /// A scale for a level: `grade min max` per band, the best first.
    pub fn scale(&self, level: &str, bands: &[(&str, f64, f64)]) {
        let bands: Vec<Value> = (1..)
            .zip(bands)
            .map(|(rank, (grade, min, max))| {
                json!({"grade": grade, "rank": rank, "min_mark": min, "max_mark": max})
            })
            .collect();
        self.admin
            .put(
                "academic-settings/scale/",
                &json!({"level": level, "bands": bands}),
            )
            .expect(200);
    }
}
