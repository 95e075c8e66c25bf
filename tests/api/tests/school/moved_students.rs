//! The marks and cards of students who changed the class or the form in the year.

use serde_json::{Value, json};

use super::{
    greenwood,
    publication::publish,
    refused,
    report_cards::{Golden, golden},
    someone,
};
use homeroom_api_tests::School;

/// A class of another form that takes the same two compulsory subjects.
fn another_form(school: &School, golden: &Golden) -> String {
    let made = |path: &str, body: &Value| school.admin.post(path, body).status(201).id();
    let form = made(
        "form/",
        &json!({"name": "Form H", "level": "O Level", "sequence": 2}),
    );
    for subject in &golden.subjects[..2] {
        let _ = made("curriculum/", &json!({"form": form, "subject": subject.id}));
    }
    let class = made("classes/", &json!({"name": "2A", "form": form}));
    let path = format!("sessions/{}/academic-classes/", golden.form.session);
    made(&path, &json!({"class": class}))
}

fn move_to(school: &School, golden: &Golden, n: usize, class: &str) {
    let one = format!(
        "sessions/{}/student-sessions/{}/",
        golden.form.session, golden.students[n]
    );
    school
        .admin
        .patch(&one, &json!({"academic_class": class}))
        .expect(200);
}

#[test]
fn a_card_says_the_same_in_every_list_after_a_change_of_form() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let class = another_form(&school, &golden);
    move_to(&school, &golden, 0, &class);
    let alone = golden.card(&school, 0).json;
    assert_eq!(
        (&alone["is_complete"], &alone["average"]),
        (&json!(false), &Value::Null)
    );
    for query in [
        "page_size=100".to_owned(),
        "search=anesu".to_owned(),
        format!("academic_class={class}"),
    ] {
        let list = school
            .admin
            .get(&format!("{}report-cards/?{query}", golden.form.path()));
        let list = list.status(200);
        let listed = list
            .results()
            .iter()
            .find(|card| card["id"] == golden.students[0])
            .cloned();
        assert_eq!(listed, Some(alone.clone()), "{query}");
    }
    let publish = school.admin.act(&format!("{}publish/", golden.form.path()));
    let names: Vec<&Value> = publish.json["incomplete"]
        .as_array()
        .unwrap()
        .iter()
        .map(|card| &card["student_name"])
        .collect();
    assert_eq!(json!(names), json!(["Eve Banda", "Anesu Moyo"]));
}

#[test]
fn published_cards_stay_readable_in_another_form_and_in_no_class() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    publish(&school, &golden).expect(200);
    let before = golden.card(&school, 0).json;
    let class = another_form(&school, &golden);
    let of_class = |class: &str| {
        let path = format!("{}report-cards/?academic_class={class}", golden.form.path());
        school.admin.get(&path).status(200).column("id")
    };
    for destination in [
        format!("'{class}'"),
        "null".to_owned(),
        format!("'{}'", golden.b),
    ] {
        app.execute(
            &school.slot,
            &format!(
                "update student_sessions set academic_class = {destination} where id = '{}'",
                golden.students[0]
            ),
        );
        assert_eq!(golden.card(&school, 0).json, before, "{destination}");
        let old = golden.card_in(&school, 0, "?version=1").status(200).json;
        assert_eq!(old, before, "{destination}");
        assert!(of_class(&golden.a).contains(&golden.students[0]));
        assert!(!of_class(&golden.b).contains(&golden.students[0]));
    }
    // Who sees neither class sees no card.
    let (teacher, _) = someone(&school, "stranger@greenwood.example", &["Teacher"]);
    let path = format!("{}report-cards/{}/", golden.form.path(), golden.students[0]);
    refused(&teacher.get(&path), 404, "not_found");
}

#[test]
fn a_mark_of_the_former_class_is_on_the_sheet_and_not_missing() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    move_to(&school, &golden, 0, &golden.b);
    let path = golden.form.path();
    let card = golden.card(&school, 0).json;
    assert_eq!(
        (&card["is_complete"], &card["average"]),
        (&json!(true), &json!(66.67))
    );
    let figures = || {
        let query = format!(
            "{path}marks/missing/?academic_class={}&subject={}",
            golden.b, golden.subjects[0].id
        );
        let row = school.admin.get(&query).status(200).results()[0].clone();
        json!(["expected", "entered", "missing"].map(|name| &row[name]))
    };
    assert_eq!(figures(), json!([2, 2, 0]));
    let list = format!(
        "{path}exams/?academic_class={}&subject={}",
        golden.b, golden.subjects[0].id
    );
    let exam = school.admin.get(&list).status(200).str("results/0/id");
    let row = || {
        let sheet = school
            .admin
            .get(&format!("{path}exams/{exam}/sheet/"))
            .status(200);
        assert_eq!(sheet.json["counts"]["missing"], 0);
        let rows = sheet.json["rows"].as_array().unwrap().clone();
        rows.into_iter()
            .find(|row| row["student_session"] == golden.students[0])
            .unwrap()
    };
    let shown =
        |row: &Value| json!(["status", "mark", "version", "former_class"].map(|name| &row[name]));
    assert_eq!(shown(&row()), json!(["entered", 80, 0, "1A G"]));
    // A mark of this class counts from then on.
    let marks = json!([{"student_session": golden.students[0], "mark": 90, "version": 0}]);
    school
        .admin
        .put(&format!("{path}exams/{exam}/marks/bulk/"), &marks)
        .expect(200);
    assert_eq!(shown(&row()), json!(["entered", 90, 1, null]));
    assert_eq!(figures(), json!([2, 2, 0]));
    let lines = golden.card(&school, 0).json["subjects"].clone();
    assert!(
        lines
            .as_array()
            .unwrap()
            .iter()
            .any(|line| line["mark"] == 90),
        "{lines}"
    );
    // Back in the first class its own mark counts.
    move_to(&school, &golden, 0, &golden.a);
    assert_eq!(golden.card(&school, 0).json["average"], 66.67);
}
