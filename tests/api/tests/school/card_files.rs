//! Cards and broadsheets as CSV, read back by a reader of others' making.

use homeroom_api_tests::{Reply, School, TestApp, academics::Form};
use serde_json::Value;

use super::{greenwood, report_cards::SCALE};

/// The heads, and each line as they name its cells.
fn read(reply: &Reply) -> (Vec<String>, Vec<Vec<String>>) {
    let text = reply
        .text
        .strip_prefix('\u{feff}')
        .expect("a mark of UTF-8");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let cells =
        |row: &csv::StringRecord| -> Vec<String> { row.iter().map(str::to_owned).collect() };
    let heads = cells(reader.headers().unwrap());
    let rows = reader.records().map(|row| cells(&row.unwrap())).collect();
    (heads, rows)
}

/// A JSON value as its cell shows it; a text that a spreadsheet would calculate is expected behind an apostrophe.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@']) => format!("'{text}"),
        Value::String(text) => text.clone(),
        // Hundredths have no zeros at the end.
        value => value.to_string().trim_end_matches(".0").to_owned(),
    }
}

const NAMES: [&str; 4] = [
    "=HYPERLINK(\"http://x\") \"Zoé\", Ñandú",
    "Amina محمد; عبد",
    "@SUM(1) 王\t小明",
    "-1+2 O'Brien",
];

/// A class with awkward names, subjects and remarks: its form, the class and the students.
fn awkward(app: &TestApp, school: &School) -> (Form, String, Vec<String>) {
    let form = Form::new(app, school, "V", "O Level");
    form.scale("O Level", SCALE);
    let class = form.class("+1A", None);
    let subjects = vec![
        form.subject("=Maths, \"pure\"", 2.0, true),
        form.subject("Français; oral", 0.25, true),
        form.subject("Art", 1.0, false),
    ];
    let students = form.enter(
        &subjects,
        &[
            (
                &class,
                NAMES[0],
                &["79.5: =1+1", "0: Says \"no\", twice", "-"],
            ),
            (&class, NAMES[1], &["33.33", "absent", "61"]),
            (&class, NAMES[2], &["100: \nOn two lines", "12.5", "absent"]),
            (&class, NAMES[3], &["50: -", "missing", "-"]),
        ],
    );
    (form, class, students)
}

#[test]
fn the_csv_of_a_card_has_the_figures_of_its_json_and_no_formula() {
    let (app, school) = greenwood();
    let (form, _, students) = awkward(&app, &school);
    let mut lines = 0;
    for student in &students {
        let path = format!("{}report-cards/{student}/", form.path());
        let card = school.admin.get(&path).status(200).json;
        let file = school.admin.get(&format!("{path}?format=csv")).status(200);
        let (heads, rows) = read(&file);
        let of_line = [
            "status",
            "mark",
            "grade",
            "passed",
            "coefficient",
            "position_in_class",
            "class_average",
            "comment",
        ];
        let mut expected = vec!["student_number", "student_name", "class_name", "subject"];
        expected.extend(of_line);
        expected.extend([
            "total",
            "average",
            "card_position_in_class",
            "card_position_in_form",
        ]);
        assert_eq!(heads, expected);
        let subjects = card["subjects"].as_array().unwrap();
        let expected: Vec<Vec<String>> = subjects
            .iter()
            .map(|line| {
                let mut row: Vec<&Value> = ["student_number", "student_name", "class_name"]
                    .map(|field| &card[field])
                    .into();
                row.push(&line["name"]);
                row.extend(of_line.map(|field| &line[field]));
                row.extend(
                    ["total", "average", "position_in_class", "position_in_form"]
                        .map(|field| &card[field]),
                );
                row.into_iter().map(cell).collect()
            })
            .collect();
        assert_eq!(rows, expected);
        lines += rows.len();
    }
    // Three subjects of four students, of whom two take no Art.
    assert_eq!(lines, 10);
    let (_, rows) = read(&school.admin.get(&format!(
        "{}report-cards/{}/?format=csv",
        form.path(),
        students[0]
    )));
    let maths = &rows[0];
    assert_eq!(
        [&maths[1], &maths[2], &maths[3], &maths[5], &maths[11]],
        [
            "'=HYPERLINK(\"http://x\") \"Zoé\", Ñandú",
            "'+1A V",
            "'=Maths, \"pure\" V",
            "79.5",
            "'=1+1"
        ]
    );
}

#[test]
fn the_csv_of_a_broadsheet_has_the_figures_of_its_json_and_no_formula() {
    let (app, school) = greenwood();
    let (form, class, students) = awkward(&app, &school);
    let path = format!("{}broadsheet/?academic_class={class}", form.path());
    let sheet = school.admin.get(&path).status(200).json;
    let (heads, rows) = read(&school.admin.get(&format!("{path}&format=csv")).status(200));
    let subjects = sheet["subjects"].as_array().unwrap();
    let first = ["position_in_class", "student_number", "student_name"];
    let last = [
        "total",
        "average",
        "subjects_taken",
        "subjects_passed",
        "position_in_form",
        "is_complete",
    ];
    let mut expected: Vec<String> = first.map(str::to_owned).into();
    expected.extend(subjects.iter().map(|subject| cell(&subject["name"])));
    expected.extend(last.map(str::to_owned));
    assert_eq!(heads, expected);
    assert_eq!(
        heads[3..6],
        ["'=Maths, \"pure\" V", "Art V", "Français; oral V"]
    );

    let mut expected: Vec<Vec<String>> = sheet["students"]
        .as_array()
        .unwrap()
        .iter()
        .map(|student| {
            let mut row: Vec<String> = first.map(|field| cell(&student[field])).into();
            row.extend(student["marks"].as_array().unwrap().iter().map(|mark| {
                match mark["status"].as_str() {
                    Some("absent") => "Absent".to_owned(),
                    Some("missing") => "Missing".to_owned(),
                    _ => cell(&mark["mark"]),
                }
            }));
            row.extend(last.map(|field| cell(&student[field])));
            row
        })
        .collect();
    assert_eq!(expected.len(), students.len());
    // The figures of the subjects stand below.
    let mut averages = vec![String::new(), String::new(), "Average".to_owned()];
    averages.extend(subjects.iter().map(|subject| cell(&subject["average"])));
    averages.extend([String::new(), cell(&sheet["class_average"])]);
    averages.extend(vec![String::new(); 4]);
    expected.push(averages);
    assert_eq!(rows, expected);
    for cell in heads.iter().chain(rows.iter().flatten()) {
        assert!(
            !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
            "{cell}"
        );
    }
}
