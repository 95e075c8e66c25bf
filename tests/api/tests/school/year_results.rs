//! Results that are worked out from those of other exam sessions: what is on their cards.

use homeroom_api_tests::{
    Reply, School, TestApp,
    academics::{Form, Subject},
};
use serde_json::{Value, json};

use super::{greenwood, report_cards::SCALE};

/// A form with the exam sessions of three terms, and one of the year over them. Its students, each with the entries of a term
/// after the other: English and Mathematics, which all take, and Art.
pub(super) const STUDENTS: [(usize, &str, [[&str; 3]; 3]); 6] = [
    (
        0,
        "Anesu Moyo",
        [["60", "80", "-"], ["60", "50", "-"], ["80", "66.66", "-"]],
    ),
    (
        0,
        "Bongai Ncube",
        [["absent", "50", "-"], ["60", "50", "-"], ["80", "50", "64"]],
    ),
    (
        0,
        "Chipo Dube",
        [
            ["absent", "33.33", "absent"],
            ["absent", "66.67", "-"],
            ["absent", "100", "-"],
        ],
    ),
    (
        0,
        "Dudu Sibanda",
        [["90", "90", "-"], ["missing", "90", "-"], ["90", "90", "-"]],
    ),
    (
        0,
        "Eve Banda",
        [["90", "90", "-"], ["-", "90", "-"], ["90", "90", "-"]],
    ),
    (
        1,
        "Farai Zhou",
        [["70", "81", "-"], ["70", "80", "-"], ["70", "79", "-"]],
    ),
];

pub(super) struct Year {
    /// Its exam session is that of the year.
    pub(super) form: Form,
    pub(super) parts: Vec<String>,
    pub(super) classes: [String; 2],
    pub(super) subjects: Vec<Subject>,
    pub(super) students: Vec<String>,
    /// By part, class and subject.
    pub(super) exams: Vec<Vec<Vec<String>>>,
}

pub(super) fn year(app: &TestApp, school: &School) -> Year {
    let mut form = Form::new(app, school, "Y", "O Level");
    form.scale("O Level", SCALE);
    let ranking = json!({"o_level": ["Total marks"]});
    school.admin.patch("report-settings/", &ranking).expect(200);
    let classes = ["1A", "1B"].map(|name| form.class(name, None));
    let subjects = vec![
        form.subject("English", 1.0, true),
        form.subject("Mathematics", 2.0, true),
        form.subject("Art", 1.0, false),
    ];
    let students: Vec<String> = STUDENTS
        .iter()
        .map(|(class, name, _)| form.student(&classes[*class], name))
        .collect();
    let sessions = format!("sessions/{}/exam-sessions/", form.session);
    let made = |term: &str, name: &str| {
        let body = json!({"term": term, "name": name});
        school.admin.post(&sessions, &body).status(201).id()
    };
    let parts = vec![
        form.exam_session.clone(),
        made("2", "Midterm"),
        made("3", "Final"),
    ];
    let mut exams = Vec::new();
    for (n, part) in parts.iter().enumerate() {
        form.exam_session.clone_from(part);
        let of_class = |class: &String| -> Vec<String> {
            let exam = |subject| form.exam(class, subject, None);
            subjects.iter().map(exam).collect()
        };
        let own: Vec<Vec<String>> = classes.iter().map(of_class).collect();
        for ((class, _, entries), student) in STUDENTS.iter().zip(&students) {
            for (exam, entry) in own[*class].iter().zip(entries[n]) {
                if entry != "-" {
                    form.mark(exam, student, entry);
                }
            }
        }
        exams.push(own);
    }
    form.exam_session = made("3", "Year");
    let year = Year {
        form,
        parts,
        classes,
        subjects,
        students,
        exams,
    };
    year.weigh(school, &[20, 30, 50]).expect(200);
    year
}

impl Year {
    /// Where the exam session of a part is.
    pub(super) fn part(&self, n: usize) -> String {
        format!(
            "sessions/{}/exam-sessions/{}/",
            self.form.session, self.parts[n]
        )
    }

    /// Gives the year as many of the terms as there are weights.
    pub(super) fn weigh(&self, school: &School, weights: &[i64]) -> Reply {
        let parts = self.parts.iter().zip(weights);
        let parts: Vec<Value> = parts
            .map(|(part, weight)| json!({"exam_session": part, "weight": weight}))
            .collect();
        school.admin.put(
            &format!("{}parts/", self.form.path()),
            &json!({"parts": parts}),
        )
    }

    pub(super) fn card(&self, school: &School, n: usize) -> Value {
        let path = format!("{}report-cards/{}/", self.form.path(), self.students[n]);
        school.admin.get(&path).status(200).json
    }

    pub(super) fn publish_parts(&self, school: &School) {
        for n in 0..self.parts.len() {
            publish(school, &self.part(n)).expect(200);
        }
    }

    pub(super) fn publish(&self, school: &School) -> Reply {
        publish(school, &self.form.path())
    }

    /// Corrects a mark of a part as somebody who may.
    pub(super) fn correct(&self, school: &School, part: usize, n: usize, body: &Value) -> Reply {
        let exam = &self.exams[part][STUDENTS[n].0][1];
        let path = format!("{}exams/{exam}/marks/", self.part(part));
        let list = school
            .admin
            .get(&format!("{path}?student_session={}", self.students[n]))
            .status(200);
        let one = format!("{path}{}/", list.str("results/0/id"));
        school.admin.patch(&one, body)
    }
}

pub(super) fn publish(school: &School, path: &str) -> Reply {
    let body = json!({"accept_incomplete": true});
    school.admin.post(&format!("{path}publish/"), &body)
}

/// A subject's line: what it shows of the parts, and the mark with what is made of it.
fn lines(card: &Value) -> Value {
    let lines = card["subjects"].as_array().unwrap().iter();
    lines
        .map(|line| {
            let parts = line["parts"].as_array().unwrap().iter();
            let parts: Vec<&Value> = parts
                .map(|part| {
                    if part["mark"].is_null() {
                        &part["status"]
                    } else {
                        &part["mark"]
                    }
                })
                .collect();
            let name = line["name"].as_str().unwrap().trim_end_matches(" Y");
            let mark = if line["mark"].is_null() {
                &line["status"]
            } else {
                &line["mark"]
            };
            json!([name, parts, mark, line["grade"], line["position_in_class"]])
        })
        .collect()
}

#[test]
fn the_cards_of_a_year_are_those_worked_out_by_hand() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    let list = school
        .admin
        .get(&format!("{}report-cards/", year.form.path()))
        .status(200);
    let figures: Vec<Value> = list
        .results()
        .iter()
        .map(|card| {
            json!([
                card["student_name"],
                card["total"],
                card["average"],
                card["subjects_taken"],
                card["position_in_class"],
                card["position_in_form"],
                card["is_complete"],
            ])
        })
        .collect();
    assert_eq!(
        json!(figures),
        json!([
            // 72.5 + 2 × 50 + 64, of four coefficients.
            ["Bongai Ncube", 236.5, 59.13, 3, 1, 1, true],
            // 70 + 2 × 64.33.
            ["Anesu Moyo", 198.66, 66.22, 2, 2, 3, true],
            // 2 × 76.67: absent in English throughout.
            ["Chipo Dube", 153.34, 76.67, 1, 3, 4, true],
            // What is missing in one part is missing.
            ["Dudu Sibanda", 180, 90, 1, null, null, false],
            ["Eve Banda", 180, 90, 1, null, null, false],
            // 70 + 2 × 79.7.
            ["Farai Zhou", 229.4, 76.47, 2, 1, 2, true],
        ])
    );
    let card = |n| lines(&year.card(&school, n));
    assert_eq!(
        card(0),
        json!([
            // 12 + 18 + 40; 16 + 15 + 33.33.
            ["English", [60, 60, 80], 70, "A", 2],
            ["Mathematics", [80, 50, 66.66], 64.33, "B", 4],
        ])
    );
    assert_eq!(
        card(1),
        json!([
            ["Art", ["not_taken", "not_taken", 64], 64, "B", 1],
            // 30 : 50 of 60 and 80.
            ["English", ["absent", 60, 80], 72.5, "A", 1],
            ["Mathematics", [50, 50, 50], 50, "B", 5],
        ])
    );
    assert_eq!(
        card(2),
        json!([
            [
                "Art",
                ["absent", "not_taken", "not_taken"],
                "absent",
                null,
                null
            ],
            [
                "English",
                ["absent", "absent", "absent"],
                "absent",
                null,
                null
            ],
            // 6.666 + 20.001 + 50 is rounded once.
            ["Mathematics", [33.33, 66.67, 100], 76.67, "A", 3],
        ])
    );
    for n in [3, 4] {
        assert_eq!(
            card(n)[0],
            json!(["English", [90, "missing", 90], "missing", null, null])
        );
    }
    let card = year.card(&school, 0);
    let parts = card["parts"].as_array().unwrap().iter();
    let parts: Vec<_> = parts
        .map(|part| {
            json!([
                part["exam_session"],
                part["name"],
                part["term"],
                part["weight"]
            ])
        })
        .collect();
    assert_eq!(
        json!(parts),
        json!([
            [year.parts[0], "End of term", "1", 20],
            [year.parts[1], "Midterm", "2", 30],
            [year.parts[2], "Final", "3", 50],
        ])
    );
    app.assert_sound();
}

#[test]
fn weights_count_by_how_they_compare_and_cards_show_parts_in_their_order() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    year.weigh(&school, &[1, 1]).expect(200);
    assert_eq!(
        lines(&year.card(&school, 0)),
        json!([
            ["English", [60, 60], 60, "B", 1],
            ["Mathematics", [80, 50], 65, "B", 3],
        ])
    );
    let turned = json!({"parts": [
        {"exam_session": year.parts[2], "weight": 1}, {"exam_session": year.parts[0], "weight": 3},
    ]});
    let path = format!("{}parts/", year.form.path());
    school.admin.put(&path, &turned).expect(200);
    assert_eq!(
        lines(&year.card(&school, 0)),
        json!([
            ["English", [80, 60], 65, "B", 4],
            // 66.66 and three times 80: 76.665.
            ["Mathematics", [66.66, 80], 76.67, "A", 3],
        ])
    );
}

#[test]
fn a_card_of_entered_marks_says_nothing_of_parts() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    year.publish_parts(&school);
    let path = format!("{}report-cards/{}/", year.part(0), year.students[0]);
    let card = school.admin.get(&path).status(200);
    assert_eq!(card.json["status"], "published");
    assert!(!card.text.contains("parts"), "{}", card.text);
    let frozen = "select count(*) from report_cards where card like '%parts%'";
    assert_eq!(app.count(&school.slot, frozen), 0);
}

#[test]
fn who_changed_the_class_within_the_form_keeps_the_marks_of_each_part() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    let moved = format!(
        "sessions/{}/student-sessions/{}/",
        year.form.session, year.students[0]
    );
    let to = json!({"academic_class": year.classes[1]});
    school.admin.patch(&moved, &to).expect(200);
    let english = || lines(&year.card(&school, 0))[0].clone();
    assert_eq!(english(), json!(["English", [60, 60, 80], 70, "A", 1]));
    // What is entered in the new class counts in its part, and only there.
    year.form
        .mark(&year.exams[1][1][0], &year.students[0], "40");
    assert_eq!(english(), json!(["English", [60, 40, 80], 64, "B", 2]));
}

#[test]
fn remarks_belong_to_the_parts_and_a_years_come_from_templates() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    year.form
        .mark(&year.exams[2][0][0], &year.students[0], "80: A fine term");
    let line = || year.card(&school, 0)["subjects"][0].clone();
    assert_eq!(
        (&line()["comment"], &line()["comment_source"]),
        (&json!(""), &json!(null))
    );
    let template =
        json!({"level": "O Level", "min_mark": 70, "max_mark": 100, "text": "A fine year"});
    school
        .admin
        .post("teacher-comment-templates/", &template)
        .expect(201);
    assert_eq!(line()["comment"], "A fine year");
}

#[test]
fn attendance_is_that_of_the_parts_terms_and_gives_no_points() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    let term = |term: &str, first: u32, last: u32| {
        json!({"session": year.form.session, "term": term,
               "start_date": format!("2026-01-{first:02}"), "end_date": format!("2026-01-{last:02}")})
    };
    let first = format!("terms/{}/", year.form.term);
    school.admin.put(&first, &term("1", 5, 8)).expect(200);
    for (number, first, last) in [("2", 10, 12), ("3", 14, 16)] {
        let body = term(number, first, last);
        school.admin.post("terms/", &body).expect(201);
    }
    let student = &year.students[0];
    for (day, status) in [
        ("05", "present"),
        ("06", "absent"),
        ("09", "present"),
        ("11", "present"),
        ("14", "late"),
    ] {
        app.execute(
            &school.slot,
            &format!(
                "insert into attendance (id, student_session, date, status, reason, created_at, updated_at) \
                 values ('{day}', '{student}', '2026-01-{day}', '{status}', '', 0, 0)"
            ),
        );
    }
    let bonus = json!({"attendance_bonus": true});
    school.admin.patch("report-settings/", &bonus).expect(200);
    let days = |card: &Value| {
        let of = |name: &str| card["attendance"][name].as_u64().unwrap();
        (of("present"), of("absent"), of("late"))
    };
    let path = format!("{}report-cards/{student}/", year.part(0));
    let ordinary = school.admin.get(&path).status(200).json;
    assert_eq!(days(&ordinary), (1, 1, 0));
    assert!(ordinary["raw_average"].is_number());
    let card = year.card(&school, 0);
    assert_eq!(days(&card), (2, 1, 1));
    // The points for attendance are for the days of one term.
    assert!(card.get("raw_average").is_none());
    assert_eq!(card["average"], 66.22);
}

#[test]
fn files_of_a_card_show_the_parts_as_columns() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    let path = format!("{}report-cards/{}/", year.form.path(), year.students[1]);
    let get = |format: &str| {
        let reply = school.admin.get(&format!("{path}?format={format}"));
        reply.status(200).text
    };
    let csv = get("csv");
    let mut rows = csv.lines();
    let head = rows.next().unwrap();
    assert!(
        head.ends_with(",card_position_in_form,End of term,Midterm,Final"),
        "{head}"
    );
    let ends: Vec<String> = rows
        .map(|row| row.rsplit(',').take(3).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(ends, ["64 not_taken not_taken", "80 60 absent", "50 50 50"]);
    let html = get("html");
    for text in [
        "End of term</th>",
        "20 × End of term, 30 × Midterm, 50 × Final",
        "<td class=\"end\">72.5</td>",
        "Year · Year Y",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    school.admin.get(&format!("{path}?format=pdf")).expect(200);
    let wide = format!(
        "{}broadsheet/?academic_class={}",
        year.form.path(),
        year.classes[0]
    );
    let wide = school.admin.get(&wide).status(200).json;
    assert_eq!(wide["students"][0]["marks"][1]["mark"], 72.5);
}

#[test]
fn a_transcript_shows_the_year_and_counts_it_in_place_of_its_terms() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    year.publish_parts(&school);
    let card = year.card(&school, 1);
    let path = format!("students/{}/transcript/", card["student"].as_str().unwrap());
    let figures = || {
        let all = school.admin.get(&path).status(200).json;
        let cards = all["report_cards"].as_array().unwrap();
        let parts: Vec<bool> = cards.iter().map(|card| card["has_parts"] == true).collect();
        let sums = ["cumulative_average", "subjects_taken", "subjects_passed"];
        (parts, sums.map(|name| all[name].clone()))
    };
    let (before, terms) = figures();
    assert_eq!(before, [false; 3]);
    // Absent in English once, and Art in the last term only.
    assert_eq!(terms[1..], [json!(6), json!(6)]);
    year.publish(&school).expect(200);
    let (mut after, all) = figures();
    after.sort_unstable();
    assert_eq!(after, [false, false, false, true]);
    let card = year.card(&school, 1);
    let of_year = ["average", "subjects_taken", "subjects_passed"].map(|name| card[name].clone());
    assert_eq!(all, of_year);
    assert_ne!(all, terms);
}
