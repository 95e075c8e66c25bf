//! `/api/v1/school/students/{student}/transcript/` and `/api/v1/school/my/transcripts/{id}/`.

use homeroom_api_tests::{Client, PASSWORD, Reply, School, TestApp, academics::Form, sign_in};
use serde_json::{Value, json};

use super::{greenwood, refused, report_cards::SCALE, someone};

/// A student with cards of two years: the later one is made first.
pub(super) struct Years {
    pub(super) app: TestApp,
    pub(super) school: School,
    pub(super) student: String,
    /// The earlier year, with a brother.
    first: Form,
    second: Form,
    /// The registrations in the first and the second year.
    pub(super) cards: [String; 2],
    brother: String,
}

fn publish(school: &School, form: &Form) {
    let body = json!({"accept_incomplete": true});
    let path = format!("{}publish/", form.path());
    school.admin.post(&path, &body).expect(200);
}

/// The marks of one student of a class; a subject that is named again is another one.
fn enter(form: &Form, class: &str, student: &str, marks: &[(&str, f64, &str)]) -> String {
    let registration = form.register(student, class);
    for (name, coefficient, entry) in marks {
        let subject = form.subject(name, *coefficient, false);
        form.mark(&form.exam(class, &subject, None), &registration, entry);
    }
    registration
}

impl Years {
    fn new() -> Self {
        let (app, school) = greenwood();
        let second = Form::new(&app, &school, "S", "O Level");
        second.scale("O Level", SCALE);
        let student = second.person("Anesu Moyo", None);
        let class = second.class("2A", None);
        let marks = [
            ("English", 1.0, "80"),
            ("Maths", 2.0, "35"),
            ("Art", 1.0, "absent"),
        ];
        let of_second = enter(&second, &class, &student, &marks);
        let first = Form::new(&app, &school, "F", "O Level");
        app.execute(
            &school.slot,
            &format!(
                "update academic_sessions set start_date = start_date - 31536000000 where id = '{}'; \
                 update students set dob = '2012-03-04' where id = '{student}'",
                first.session
            ),
        );
        let class = first.class("1A", None);
        let of_first = enter(&first, &class, &student, &[("English", 1.0, "60.5")]);
        let brother = first.person("Brian Moyo", None);
        let _ = first.register(&brother, &class);
        Self {
            app,
            school,
            student,
            first,
            second,
            cards: [of_first, of_second],
            brother,
        }
    }

    pub(super) fn published() -> Self {
        let years = Self::new();
        for form in [&years.first, &years.second] {
            publish(&years.school, form);
        }
        years
    }

    pub(super) fn get(&self, query: &str) -> Reply {
        let path = format!("students/{}/transcript/{query}", self.student);
        self.school.admin.get(&path).status(200)
    }

    fn own(&self, client: &Client, query: &str) -> Reply {
        client.get(&format!("my/transcripts/{}/{query}", self.student))
    }

    /// A guardian of the student, signed in.
    fn mother(&self) -> Client {
        let email = "mother@greenwood.example";
        let body =
            json!({"email": email, "first_name": "M", "last_name": "Moyo", "password": PASSWORD});
        let user = self.school.admin.post("users/", &body).status(201).id();
        let body = json!({"first_name": "M", "last_name": "Moyo", "phone_number": "+263771000001", "user": user});
        let guardian = self.school.admin.post("guardians/", &body).status(201).id();
        let body = json!({"guardian": guardian, "relation": "mother"});
        let path = format!("students/{}/guardians/", self.student);
        self.school.admin.post(&path, &body).expect(201);
        sign_in(&self.school.anonymous(), email)
    }

    /// Where the card of the first or the second year is.
    fn card(&self, n: usize) -> String {
        let form = [&self.first, &self.second][n];
        format!("{}report-cards/{}/", form.path(), self.cards[n])
    }

    fn withhold(&self, n: usize) {
        let body = json!({"reason": "Fees are outstanding."});
        let path = format!("{}withhold/", self.card(n));
        self.school.admin.post(&path, &body).expect(200);
    }
}

fn averages(transcript: &Value) -> Vec<Value> {
    let cards = transcript["report_cards"].as_array().unwrap();
    let average = |card: &Value| card["figures"]["average"].clone();
    cards.iter().map(average).collect()
}

#[test]
fn a_transcript_says_what_the_published_cards_say_the_oldest_first() {
    let years = Years::published();
    let transcript = years.get("").json;
    let head = [
        "school_name",
        "student",
        "student_name",
        "dob",
        "admission_year",
    ];
    assert_eq!(
        json!(head.map(|field| &transcript[field])),
        json!([
            "greenwood school",
            years.student,
            "Anesu Moyo",
            "2012-03-04",
            2026
        ])
    );
    let cards = transcript["report_cards"].as_array().unwrap();
    let places: Vec<Value> = cards
        .iter()
        .map(|card| {
            json!([
                card["session_name"],
                card["session"],
                card["term"],
                card["term_start"],
                card["term_end"],
                card["exam_session"],
                card["class_name"],
                card["form_name"],
                card["student_session"],
                card["version"],
            ])
        })
        .collect();
    let (first, second) = (&years.first, &years.second);
    let place = |form: &Form, tag: &str, class: &str, card: &str| {
        json!([
            format!("Year {tag}"),
            form.session,
            "1",
            "2026-01-12",
            "2026-04-02",
            form.exam_session,
            format!("{class} {tag}"),
            format!("Form {tag}"),
            card,
            1
        ])
    };
    assert_eq!(
        json!(places),
        json!([
            place(first, "F", "1A", &years.cards[0]),
            place(second, "S", "2A", &years.cards[1])
        ])
    );
    // Every figure is the card's.
    for (n, card) in cards.iter().enumerate() {
        let own = years.school.admin.get(&years.card(n)).status(200).json;
        for (name, figure) in card["figures"].as_object().unwrap() {
            if name != "subjects" {
                assert_eq!(*figure, own[name], "{name}");
            }
        }
        let lines = card["figures"]["subjects"].as_array().unwrap();
        assert_eq!(lines.len(), own["subjects"].as_array().unwrap().len());
        for (line, own) in lines.iter().zip(own["subjects"].as_array().unwrap()) {
            for (name, figure) in line.as_object().unwrap() {
                assert_eq!(*figure, own[name], "{name}");
            }
        }
    }
    // (60.5 × 1 + 50 × 3) ÷ 4, and English, English and Maths, of which Maths is not passed.
    assert_eq!(json!(averages(&transcript)), json!([60.5, 50]));
    assert_eq!(
        json!([
            transcript["cumulative_average"],
            transcript["subjects_taken"],
            transcript["subjects_passed"]
        ]),
        json!([52.63, 3, 2])
    );

    let one = years.get(&format!("?session={}", second.session)).json;
    assert_eq!(json!(averages(&one)), json!([50]));
    assert_eq!(one["cumulative_average"], 50);
    let none = years.get(&format!("?session={}", years.student)).json;
    assert_eq!(
        (&none["report_cards"], &none["cumulative_average"]),
        (&json!([]), &json!(null))
    );
}

#[test]
fn what_is_not_published_is_on_no_transcript() {
    let years = Years::new();
    let empty = years.get("").json;
    assert_eq!(empty["report_cards"], json!([]));
    assert_eq!(empty["cumulative_average"], json!(null));
    assert!(years.get("?format=pdf").bytes.starts_with(b"%PDF"));

    publish(&years.school, &years.second);
    assert_eq!(json!(averages(&years.get("").json)), json!([50]));
    // A corrected mark is on it when the card is published anew.
    years.app.execute(
        &years.school.slot,
        &format!(
            "update marks set mark = 9500 where student_session = '{}' and mark = 3500",
            years.cards[1]
        ),
    );
    assert_eq!(json!(averages(&years.get("").json)), json!([50]));
    publish(&years.school, &years.second);
    let again = years.get("").json;
    assert_eq!(json!(averages(&again)), json!([90]));
    assert_eq!(again["report_cards"][0]["version"], 2);
    let path = format!("{}unpublish/", years.second.path());
    years.school.admin.act(&path).expect(200);
    assert_eq!(years.get("").json["report_cards"], json!([]));
}

#[test]
fn of_a_withheld_card_a_transcript_says_only_that_there_is_one() {
    let years = Years::published();
    years.withhold(1);
    let transcript = years.get("").json;
    let card = &transcript["report_cards"][1];
    assert_eq!(
        (&card["is_withheld"], &card["figures"], &card["class_name"]),
        (&json!(true), &json!(null), &json!("2A S"))
    );
    assert_eq!(
        json!([
            transcript["cumulative_average"],
            transcript["subjects_taken"]
        ]),
        json!([60.5, 1])
    );
    let lines = years.get("?format=csv").text;
    let line = lines
        .lines()
        .find(|line| line.contains("withheld"))
        .unwrap();
    assert!(line.ends_with(",,withheld,,,,,,,,,,,,"), "{line}");
    let page = years.get("?format=html").text;
    assert!(page.contains("Withheld"));
    for text in [&lines, &page, &transcript.to_string()] {
        assert!(
            !text.contains("Maths S") && !text.contains("Fees"),
            "{text}"
        );
        assert!(text.contains("60.5"), "{text}");
    }
}

#[test]
fn a_family_has_what_it_sees_on_cards_and_no_more() {
    let years = Years::published();
    let mother = years.mother();
    let student = someone(&years.school, "anesu@greenwood.example", &["Student"]);
    let body = json!({"user": student.1});
    let path = format!("admissions/{}/", years.student);
    years.school.admin.patch(&path, &body).expect(200);
    for client in [&mother, &student.0] {
        let own = years.own(client, "").status(200).json;
        let staff = years.get("").json;
        assert_eq!(own, staff);
        assert!(
            years
                .own(client, "?format=pdf")
                .status(200)
                .bytes
                .starts_with(b"%PDF")
        );
        assert!(
            years
                .own(client, "?format=csv")
                .status(200)
                .text
                .contains("Maths S")
        );
        // Others are not there, and the staff's address is not theirs.
        for other in [&years.brother, &years.first.form] {
            let path = format!("my/transcripts/{other}/");
            refused(&client.get(&path), 404, "not_found");
        }
        let path = format!("students/{}/transcript/", years.student);
        refused(&client.get(&path), 403, "permission_denied");
    }
    refused(&years.own(&years.school.admin, ""), 404, "not_found");

    years.withhold(0);
    let path = format!(
        "sessions/{}/exam-sessions/{}/",
        years.second.session, years.second.exam_session
    );
    let later = years.app.now().plus_seconds(300);
    let body = json!({"release_at": later});
    years.school.admin.patch(&path, &body).expect(200);
    let own = years.own(&mother, "").status(200).json;
    assert_eq!(
        (&own["report_cards"], &own["subjects_taken"]),
        (&json!([]), &json!(0))
    );
    // The staff sees what is not released yet.
    assert_eq!(json!(averages(&years.get("").json)), json!([null, 50]));
    years.app.pass_seconds(301);
    let own = years.own(&mother, "").status(200).json;
    assert_eq!(json!(averages(&own)), json!([50]));
    assert_eq!(own["cumulative_average"], 50);
}

#[test]
fn only_who_sees_all_cards_sees_transcripts() {
    let years = Years::published();
    let (teacher, user) = someone(&years.school, "t@greenwood.example", &["Teacher"]);
    let body = json!({"user": user, "staff_number": "T 1"});
    let staff = years.school.admin.post("staff/", &body).status(201).id();
    let path = format!("sessions/{}/academic-classes/", years.second.session);
    let class = years
        .school
        .admin
        .get(&path)
        .status(200)
        .str("results/0/id");
    let lead = json!({"class_teacher": staff});
    let path = format!("{path}{class}/");
    years.school.admin.patch(&path, &lead).expect(200);
    teacher.get(&years.card(1)).expect(200);
    let path = format!("students/{}/transcript/", years.student);
    for query in ["", "?format=pdf"] {
        let reply = teacher.get(&format!("{path}{query}"));
        refused(&reply, 403, "permission_denied");
    }
    let (head, _) = someone(&years.school, "h@greenwood.example", &["Head teacher"]);
    head.get(&path).expect(200);
    let unknown = format!("students/{}/transcript/", years.first.form);
    refused(&head.get(&unknown), 404, "not_found");
    let bad = head.get(&format!("{path}?format=xlsx&session=x"));
    assert_eq!(bad.fields(), ["format", "session"]);
}

#[test]
fn the_transcript_of_an_erased_student_tells_nobody_who_it_was() {
    let years = Years::published();
    let path = format!("admissions/{}/", years.student);
    let body = json!({"enrolment": "transferred"});
    let number = years
        .school
        .admin
        .patch(&path, &body)
        .status(200)
        .str("student_id");
    let body = json!({"student_id": number, "reason": "It was asked for."});
    let path = format!("students/{}/erase/", years.student);
    let figures = years.get("").json["report_cards"].clone();
    years.school.admin.post(&path, &body).expect(200);
    let transcript = years.get("").json;
    assert_eq!(
        json!([
            transcript["student_name"],
            transcript["dob"],
            transcript["student_number"]
        ]),
        json!(["Erased student", null, format!("erased-{}", years.student)])
    );
    assert_eq!(transcript["report_cards"], figures);
    for format in ["json", "csv", "html"] {
        let text = years.get(&format!("?format={format}")).text;
        assert!(!text.contains("Anesu") && !text.contains(&number), "{text}");
    }
}
