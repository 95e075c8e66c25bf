//! Cards of an A Level form, worked out by hand: principal subjects weigh 2, the subsidiary one 0.5, and points come before
//! the number of best grades.

use homeroom_api_tests::academics::Form;
use serde_json::{Value, json};

use super::{greenwood, report_cards::figures};

/// Worth 5, 4, 3, 2, 1 and 0 points.
const SCALE: &[(&str, f64, f64)] = &[
    ("A", 80.0, 100.0),
    ("B", 70.0, 79.0),
    ("C", 60.0, 69.0),
    ("D", 50.0, 59.0),
    ("E", 40.0, 49.0),
    ("F", 0.0, 39.0),
];

#[test]
fn the_cards_of_an_a_level_form_are_those_worked_out_by_hand() {
    let (app, school) = greenwood();
    let form = Form::new(&app, &school, "L", "A Level");
    form.scale("A Level", SCALE);
    let class = form.class("L6", None);
    let subjects = vec![
        form.subject("Physics", 2.0, true),
        form.subject("Chemistry", 2.0, true),
        form.subject("Biology", 2.0, false),
        form.subject("Mathematics", 2.0, false),
        form.subject("General Paper", 0.5, true),
    ];
    // A principal subject is passed with an E, the subsidiary one with a D.
    for (subject, mark) in [(None, 40), (Some(&subjects[4].id), 50)] {
        let body = json!({"form": form.form, "subject": subject, "mark": mark});
        school.admin.post("pass-marks/", &body).expect(201);
    }
    let students = form.enter(
        &subjects,
        &[
            // Physics, Chemistry, Biology, Mathematics, General Paper: the grades, their points.
            // A D E – E: 5 + 2 + 1 + 1
            (&class, "Anesu Moyo", &["80", "50", "45", "-", "40"]),
            // C C – C E: 3 + 3 + 3 + 1
            (&class, "Bongai Ncube", &["60", "60", "-", "60", "45"]),
            // A A – – D: 5 + 5 + 2, Biology not counted
            (&class, "Chipo Dube", &["95", "92", "absent", "-", "50"]),
            // E E – E D: 1 + 1 + 1 + 2
            (&class, "Dudu Sibanda", &["40", "40", "-", "40", "55"]),
            // C C C – E: 3 + 3 + 3 + 1
            (&class, "Eve Banda", &["60", "60", "60", "-", "45"]),
            // B F – C and one that is missing: 4 + 0 + 3; 79.5 is no A yet, 39.5 no E
            (&class, "Farai Zhou", &["79.5", "39.5", "-", "60", "-"]),
            // C C – C E: 3 + 3 + 3 + 1
            (&class, "Gugu Phiri", &["69", "60", "-", "60", "45"]),
        ],
    );
    let list = format!("{}report-cards/", form.path());
    let cards = || school.admin.get(&list).status(200);
    let rows: Vec<Value> = cards().results().iter().map(figures).collect();
    // Name, total, average, subjects taken and passed, points, position in class and form.
    let expected = json!([
        // The General Paper is the fourth pass, before any points.
        ["Dudu Sibanda", 267.5, 41.15, 4, 4, 5, 1, 1, true],
        ["Chipo Dube", 399, 88.67, 3, 3, 12, 2, 2, true],
        // 10 points each: the total decides, and two are equal.
        ["Gugu Phiri", 400.5, 61.62, 4, 3, 10, 3, 3, true],
        ["Bongai Ncube", 382.5, 58.85, 4, 3, 10, 4, 4, true],
        ["Eve Banda", 382.5, 58.85, 4, 3, 10, 4, 4, true],
        // More best grades than the three before, and fewer points.
        ["Anesu Moyo", 370, 56.92, 4, 3, 9, 6, 6, true],
        ["Farai Zhou", 358, 59.67, 3, 2, 7, null, null, false],
    ]);
    assert_eq!(json!(rows), expected);

    let card = school.admin.get(&format!("{list}{}/", students[0]));
    let card = card.status(200).json;
    let lines: Vec<Value> = card["subjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            json!([
                line["name"],
                line["mark"],
                line["grade"],
                line["rank"],
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
    // Mathematics is not taken.
    let expected = json!([
        ["Biology L", 45, "E", 5, true, 2, 2, 52.5, 60, 45, 2],
        ["Chemistry L", 50, "D", 4, true, 2, 5, 57.36, 92, 39.5, 7],
        [
            "General Paper L",
            40,
            "E",
            5,
            false,
            0.5,
            6,
            46.67,
            55,
            40,
            6
        ],
        ["Physics L", 80, "A", 1, true, 2, 2, 69.07, 95, 40, 7],
    ]);
    assert_eq!(json!(lines), expected);
    let counts: Vec<Value> = ["A", "B", "C", "D", "E", "F"]
        .iter()
        .zip([1, 0, 0, 1, 2, 0])
        .map(|(grade, count)| json!({"grade": grade, "count": count}))
        .collect();
    assert_eq!(card["grade_counts"], json!(counts));
    // Of the six who have a position: 366.06 ÷ 6.
    let of_class = ["class_average", "class_highest", "class_lowest"].map(|field| &card[field]);
    assert_eq!(json!(of_class), json!([61.01, 88.67, 41.15]));
    assert_eq!(card["coefficients"], 6.5);

    // What O Level follows moves nobody here.
    let places = |settings: Value| -> Vec<Value> {
        school
            .admin
            .patch("report-settings/", &settings)
            .expect(200);
        let cards = cards();
        let place = |name: &str| {
            let mut rows = cards.results().iter();
            let row = rows.find(|row| row["student_name"] == name).unwrap();
            row["position_in_class"].clone()
        };
        ["Dudu Sibanda", "Chipo Dube", "Anesu Moyo", "Gugu Phiri"]
            .map(place)
            .into()
    };
    let by_total = json!(["Total marks"]);
    assert_eq!(places(json!({"o_level": by_total})), [1, 2, 6, 3]);
    let by_grades = json!(["Subjects Passed", "Grades", "Total marks"]);
    assert_eq!(places(json!({"a_level": by_grades})), [1, 2, 3, 4]);
    assert_eq!(places(json!({"a_level": by_total})), [6, 2, 5, 1]);
}
