//! A class that sits an exam: for tests of exams and marks.

use homeroom_api_tests::{Client, Reply, School, TestApp};
use serde_json::{Value, json};

use super::{greenwood, someone};

/// A school with a class, its students, and an exam session with an exam in Mathematics.
pub(super) struct Classroom {
    pub(super) app: TestApp,
    pub(super) school: School,
    pub(super) session: String,
    pub(super) form: String,
    pub(super) academic_class: String,
    pub(super) subject: String,
    pub(super) exam_session: String,
    pub(super) exam: String,
    /// The class's students in the session, by family name.
    pub(super) students: Vec<String>,
    /// Who teaches Mathematics.
    pub(super) teacher: Client,
    pub(super) teacher_staff: String,
    /// Who teaches something else.
    pub(super) other: Client,
    pub(super) other_staff: String,
    pub(super) head: Client,
}

impl Classroom {
    /// A class of so many students.
    pub(super) fn new(students: usize) -> Self {
        let (app, school) = greenwood();
        let admin = &school.admin;
        let new = |path: &str, body: Value| admin.post(path, &body).status(201).id();
        let session = new(
            "sessions/",
            json!({"name": "2026", "start_date": "2026-01-01T00:00:00Z", "end_date": "2026-12-04T00:00:00Z"}),
        );
        let form = new(
            "form/",
            json!({"name": "Form 1", "level": "O Level", "sequence": 1}),
        );
        let class = new("classes/", json!({"name": "1A", "form": form}));
        let subject = new("subjects/", json!({"name": "Mathematics", "code": "MAT"}));
        let classes = format!("sessions/{session}/academic-classes/");
        let academic_class = new(&classes, json!({"class": class}));
        let ((teacher, teacher_staff), (other, other_staff)) = (
            teacher(&school, "moyo@greenwood.example", "T-1"),
            teacher(&school, "dube@greenwood.example", "T-2"),
        );
        let (head, _) = someone(&school, "head@greenwood.example", &["Head teacher"]);
        let exam_session = new(
            &format!("sessions/{session}/exam-sessions/"),
            json!({"term": "1", "name": "End of term"}),
        );
        let exam = new(
            &format!("sessions/{session}/exam-sessions/{exam_session}/exams/"),
            json!({"academic_class": academic_class, "subject": subject, "teacher": teacher_staff}),
        );
        let mut room = Self {
            app,
            session,
            form,
            academic_class,
            subject,
            exam_session,
            exam,
            students: Vec::new(),
            teacher,
            teacher_staff,
            other,
            other_staff,
            head,
            school,
        };
        room.students = (0..students)
            .map(|n| room.student(n, Some(&room.academic_class)))
            .collect();
        room
    }

    /// A new student in the session.
    pub(super) fn student(&self, n: usize, academic_class: Option<&str>) -> String {
        let admin = &self.school.admin;
        let body = json!({
            "student_id": format!("S-{n:03}"), "first_name": "Chipo", "last_name": format!("Name {n:03}"),
            "admission_year": 2026,
        });
        let student = admin.post("admissions/", &body).status(201).id();
        let body = json!({"student": student, "academic_class": academic_class});
        let path = format!("sessions/{}/student-sessions/", self.session);
        admin.post(&path, &body).status(201).id()
    }

    /// A path within the exam session.
    pub(super) fn within(&self, path: &str) -> String {
        format!(
            "sessions/{}/exam-sessions/{}/{path}",
            self.session, self.exam_session
        )
    }

    /// A path within the exam.
    pub(super) fn of_exam(&self, path: &str) -> String {
        self.within(&format!("exams/{}/{path}", self.exam))
    }

    /// Saves rows of the mark sheet.
    pub(super) fn save(&self, client: &Client, rows: &[Value]) -> Reply {
        client.put(&self.of_exam("marks/bulk/"), &json!({"marks": rows}))
    }

    /// Puts the exam session into a state, as cards would.
    pub(super) fn put_into(&self, state: &str) {
        let sql = format!(
            "update exam_sessions set state = '{state}' where id = '{}'",
            self.exam_session
        );
        self.app.execute(&self.school.slot, &sql);
    }

    /// Another class of the session, with the subject's teacher.
    pub(super) fn another_class(&self, name: &str) -> String {
        let admin = &self.school.admin;
        let body = json!({"name": name, "form": self.form});
        let class = admin.post("classes/", &body).status(201).id();
        let path = format!("sessions/{}/academic-classes/", self.session);
        admin.post(&path, &json!({"class": class})).status(201).id()
    }

    /// Who teaches a subject to a class from now on.
    pub(super) fn assign(&self, academic_class: &str, subject: &str, teacher: &str) {
        let path = format!(
            "sessions/{}/academic-classes/{academic_class}/subject-teachers/",
            self.session
        );
        let body = json!({"subject": subject, "teacher": teacher});
        self.school.admin.post(&path, &body).expect(201);
    }

    /// A number from the school's database.
    pub(super) fn count(&self, sql: &str) -> i64 {
        self.app.count(&self.school.slot, sql)
    }
}

/// A teacher with a staff record: signed in, and the record's id.
fn teacher(school: &School, email: &str, number: &str) -> (Client, String) {
    let (client, user) = someone(school, email, &["Teacher"]);
    let body = json!({"staff_number": number, "user": user});
    (client, school.admin.post("staff/", &body).status(201).id())
}
