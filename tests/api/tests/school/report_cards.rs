use homeroom_api_tests::{
    Reply, School, TestApp,
    academics::{Form, Subject},
};
use serde_json::{Value, json};

use super::{greenwood, refused};

pub(super) const SCALE: &[(&str, f64, f64)] = &[
    ("A", 70.0, 100.0),
    ("B", 50.0, 69.0),
    ("C", 40.0, 49.0),
    ("U", 0.0, 39.0),
];

/// A form of two classes whose cards are worked out by hand in the tests.
pub(super) struct Golden {
    pub(super) form: Form,
    pub(super) a: String,
    pub(super) b: String,
    pub(super) subjects: Vec<Subject>,
    pub(super) students: Vec<String>,
}

pub(super) fn golden(app: &TestApp, school: &School) -> Golden {
    let form = Form::new(app, school, "G", "O Level");
    form.scale("O Level", SCALE);
    let (a, b) = (form.class("1A", None), form.class("1B", None));
    let subjects = vec![
        form.subject("English", 1.0, true),
        form.subject("Mathematics", 2.0, true),
        form.subject("Art", 1.0, false),
    ];
    let students = form.enter(
        &subjects,
        &[
            (&a, "Anesu Moyo", &["80", "60", "-"]),
            (&a, "Bongai Ncube", &["60", "70", "-"]),
            (&a, "Chipo Dube", &["50", "50", "absent"]),
            (&a, "Dudu Sibanda", &["0", "90", "-"]),
            (&a, "Eve Banda", &["-", "95", "-"]),
            (&b, "Farai Zhou", &["70", "80", "40"]),
        ],
    );
    Golden {
        form,
        a,
        b,
        subjects,
        students,
    }
}

impl Golden {
    /// Where the comments of a student's card are written.
    pub(super) fn comments(&self, n: usize) -> String {
        format!(
            "{}report-cards/{}/comments/",
            self.form.path(),
            self.students[n]
        )
    }

    pub(super) fn card(&self, school: &School, n: usize) -> Reply {
        self.card_in(school, n, "").status(200)
    }

    pub(super) fn card_in(&self, school: &School, n: usize, query: &str) -> Reply {
        let path = format!(
            "{}report-cards/{}/{query}",
            self.form.path(),
            self.students[n]
        );
        school.admin.get(&path)
    }
}

pub(super) fn figures(card: &Value) -> Value {
    json!([
        card["student_name"],
        card["total"],
        card["average"],
        card["subjects_taken"],
        card["subjects_passed"],
        card["points"],
        card["position_in_class"],
        card["position_in_form"],
        card["is_complete"],
    ])
}

#[test]
fn the_cards_of_a_form_are_those_worked_out_by_hand() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let path = format!("{}report-cards/", golden.form.path());
    let list = school.admin.get(&path).status(200);
    let rows: Vec<Value> = list.results().iter().map(figures).collect();
    let expected = json!([
        ["Anesu Moyo", 200, 66.67, 2, 2, 5, 1, 2, true],
        ["Bongai Ncube", 200, 66.67, 2, 2, 5, 1, 2, true],
        ["Chipo Dube", 150, 50, 2, 2, 4, 3, 4, true],
        ["Dudu Sibanda", 180, 60, 2, 1, 3, 4, 5, true],
        ["Eve Banda", 190, 95, 1, 1, 3, null, null, false],
        ["Farai Zhou", 270, 67.5, 3, 2, 7, 1, 1, true],
    ]);
    assert_eq!(json!(rows), expected);

    let card = golden.card(&school, 2).json;
    assert_eq!(
        (
            &card["class_size"],
            &card["form_size"],
            &card["status"],
            &card["version"]
        ),
        (&json!(5), &json!(6), &json!("live"), &json!(null))
    );
    assert_eq!(
        (
            &card["class_average"],
            &card["class_highest"],
            &card["class_lowest"]
        ),
        (&json!(60.84), &json!(66.67), &json!(50))
    );
    assert_eq!(
        card["grade_counts"],
        json!([
            {"grade": "A", "count": 0}, {"grade": "B", "count": 2}, {"grade": "C", "count": 0}, {"grade": "U", "count": 0},
        ])
    );
    let lines: Vec<Value> = card["subjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            json!([
                line["name"],
                line["status"],
                line["mark"],
                line["grade"],
                line["passed"],
                line["coefficient"],
                line["position_in_class"],
                line["class_average"],
                line["class_highest"],
                line["class_lowest"],
                line["number_sat"],
            ])
        })
        .collect();
    assert_eq!(
        json!(lines),
        json!([
            [
                "Art G", "absent", null, null, null, 1, null, null, null, null, 0
            ],
            ["English G", "marked", 50, "B", true, 1, 3, 47.5, 80, 0, 4],
            [
                "Mathematics G",
                "marked",
                50,
                "B",
                true,
                2,
                5,
                73,
                95,
                50,
                5
            ],
        ])
    );
    let eve = golden.card(&school, 4).json;
    assert_eq!(eve["missing"], json!([golden.subjects[0].id]));
    assert_eq!(eve["subjects"][0]["status"], "missing");
    for field in [
        "school_name",
        "session_name",
        "exam_session_name",
        "class_name",
        "form_name",
        "student_number",
    ] {
        assert!(!card[field].as_str().unwrap().is_empty(), "{field}");
    }
}

#[test]
fn cards_are_filtered_searched_and_ordered_alike_before_and_after_publication() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let list = format!("{}report-cards/", golden.form.path());
    let names = |query: &str| {
        let found = school.admin.get(&format!("{list}?{query}")).status(200);
        found.column("student_name")
    };
    let held = format!("{list}{}/withhold/", golden.students[1]);
    school
        .admin
        .post(&held, &json!({"reason": "Fees"}))
        .expect(200);
    let in_b = format!("academic_class={}", golden.b);
    let elsewhere = format!("academic_class={}", golden.students[0]);
    let all = [
        "Anesu Moyo",
        "Bongai Ncube",
        "Chipo Dube",
        "Dudu Sibanda",
        "Eve Banda",
        "Farai Zhou",
    ];
    let check = || {
        for (query, expected) in [
            ("", &all[..]),
            ("ordering=student_name", &all),
            ("page_size=2&page=2", &["Chipo Dube", "Dudu Sibanda"]),
            (&in_b, &["Farai Zhou"]),
            (&elsewhere, &[]),
            ("is_complete=false", &["Eve Banda"]),
            ("is_withheld=true", &["Bongai Ncube"]),
            ("is_outdated=true", &[]),
            ("search=NCUBE", &["Bongai Ncube"]),
            ("search=ncube+bongai", &["Bongai Ncube"]),
            ("search=ncube+anesu", &[]),
            ("search=nobody", &[]),
            (
                "ordering=-average&page_size=2",
                &["Eve Banda", "Farai Zhou"],
            ),
            (
                "ordering=-position&page_size=2",
                &["Farai Zhou", "Eve Banda"],
            ),
            (
                "ordering=student_name&page=2&page_size=4",
                &["Eve Banda", "Farai Zhou"],
            ),
        ] {
            assert_eq!(names(query), expected, "{query}");
        }
        let beyond = school.admin.get(&format!("{list}?page=2&page_size=6"));
        refused(&beyond, 404, "invalid_page");
    };
    check();
    let publish = format!("{}publish/", golden.form.path());
    let body = json!({"accept_incomplete": true});
    school.admin.post(&publish, &body).expect(200);
    check();
    let card = school.admin.get(&format!("{list}?is_withheld=true"));
    let card = card.status(200).results()[0].clone();
    let one = school
        .admin
        .get(&format!("{list}{}/", golden.students[1]))
        .status(200);
    assert_eq!(card, one.json);

    // A page reads its own cards: others could be anything.
    let broken = "update report_cards set card = json_remove(card, '$.subjects') \
                  where card ->> '$.student_name' <> 'Bongai Ncube'";
    app.execute(&school.slot, broken);
    for query in [
        "search=NCUBE",
        "is_withheld=true",
        "ordering=student_name&page=2&page_size=1",
        "page=2&page_size=1",
    ] {
        assert_eq!(names(query), ["Bongai Ncube"], "{query}");
    }
}

#[test]
fn a_subjects_own_pass_mark_comes_before_the_forms() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let pass = |subject: Option<&str>, mark: u32| {
        let body = json!({"form": golden.form.form, "subject": subject, "mark": mark});
        school.admin.post("pass-marks/", &body).expect(201);
    };
    pass(None, 75);
    assert_eq!(golden.card(&school, 0).json["subjects_passed"], 1);
    pass(Some(&golden.subjects[0].id), 81);
    assert_eq!(golden.card(&school, 0).json["subjects_passed"], 0);
    pass(Some(&golden.subjects[1].id), 60);
    assert_eq!(golden.card(&school, 0).json["subjects_passed"], 1);
}

#[test]
fn ranking_follows_the_settings_of_the_level() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    school
        .admin
        .patch("report-settings/", &json!({"o_level": ["Total marks"]}))
        .expect(200);
    let places: Vec<Value> = (0..6)
        .map(|n| golden.card(&school, n).json["position_in_form"].clone())
        .collect();
    assert_eq!(json!(places), json!([2, 2, 5, 4, null, 1]));
}

#[test]
fn a_level_without_bands_of_its_own_has_the_general_ones_or_no_grades() {
    let (app, school) = greenwood();
    let form = Form::new(&app, &school, "P", "Primary");
    let class = form.class("4A", None);
    let maths = [form.subject("Maths", 1.0, true)];
    let students = form.enter(&maths, &[(&class, "Anesu Moyo", &["55.5"])]);
    let path = format!("{}report-cards/{}/", form.path(), students[0]);
    let card = || school.admin.get(&path).status(200).json;
    assert_eq!(
        (&card()["points"], &card()["subjects"][0]["grade"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(card()["position_in_class"], 1);
    let general = json!({"bands": [{"grade": "P", "rank": 1, "min_mark": 0, "max_mark": 100}]});
    school
        .admin
        .put("academic-settings/scale/", &general)
        .expect(200);
    assert_eq!(card()["subjects"][0]["grade"], "P");
    form.scale("Primary", &[("Own", 0.0, 100.0)]);
    assert_eq!(card()["subjects"][0]["grade"], "Own");
}

#[test]
fn who_changed_the_class_within_the_form_keeps_the_marks() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let path = format!(
        "sessions/{}/student-sessions/{}/",
        golden.form.session, golden.students[0]
    );
    school
        .admin
        .patch(&path, &json!({"academic_class": golden.b}))
        .expect(200);
    let card = golden.card(&school, 0).json;
    assert_eq!(
        (&card["average"], &card["class_size"]),
        (&json!(66.67), &json!(2))
    );
}

#[test]
fn who_left_counts_no_longer() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let path = format!(
        "sessions/{}/student-sessions/{}/",
        golden.form.session, golden.students[0]
    );
    school
        .admin
        .patch(&path, &json!({"status": "transferred"}))
        .expect(200);
    refused(&golden.card_in(&school, 0, ""), 404, "not_found");
    let card = golden.card(&school, 1).json;
    assert_eq!(
        (&card["class_size"], &card["position_in_class"]),
        (&json!(4), &json!(1))
    );
}
