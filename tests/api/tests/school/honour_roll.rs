//! `/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/honour-roll/`.

use homeroom_api_tests::{Client, School, academics::Form};
use serde_json::{Value, json};

use super::{
    greenwood,
    publication::publish,
    refused,
    report_cards::{Golden, SCALE, golden},
    someone,
};

fn roll(client: &Client, form: &Form, query: &str) -> Value {
    let path = format!("{}honour-roll/{query}", form.path());
    client.get(&path).status(200).json
}

fn lines(roll: &Value) -> Value {
    let students = roll["students"].as_array().unwrap().iter();
    let line = |student: &Value| {
        json!([
            student["class_name"],
            student["position_in_class"],
            student["position_in_form"],
            student["student_name"],
            student["average"],
            student["status"],
        ])
    };
    students.map(line).collect()
}

fn names(roll: &Value) -> Vec<&str> {
    let students = roll["students"].as_array().unwrap().iter();
    students
        .map(|student| student["student_name"].as_str().unwrap())
        .collect()
}

/// A mark that is another one now, past the rules.
fn correct(
    app: &homeroom_api_tests::TestApp,
    school: &School,
    golden: &Golden,
    n: usize,
    from: u32,
    to: u32,
) {
    app.execute(
        &school.slot,
        &format!(
            "update marks set mark = {to} where student_session = '{}' and mark = {from}",
            golden.students[n]
        ),
    );
}

#[test]
fn the_best_of_each_class_stand_by_the_positions_of_their_cards() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let admin = &school.admin;
    let found = roll(admin, &golden.form, "");
    // Eve's card is incomplete: without a position nobody is on it.
    assert_eq!(
        lines(&found),
        json!([
            ["1A G", 1, 2, "Anesu Moyo", 66.67, "live"],
            ["1A G", 1, 2, "Bongai Ncube", 66.67, "live"],
            ["1A G", 3, 4, "Chipo Dube", 50, "live"],
            ["1A G", 4, 5, "Dudu Sibanda", 60, "live"],
            ["1B G", 1, 1, "Farai Zhou", 67.5, "live"],
        ])
    );
    assert_eq!(
        json!([
            found["exam_session_name"],
            found["term"],
            found["by"],
            found["top"],
            found["min_average"]
        ]),
        json!(["End of term", "1", "class", 10, null])
    );
    let card = golden.card(&school, 0).json;
    for (name, figure) in found["students"][0].as_object().unwrap() {
        assert_eq!(*figure, card[name], "{name}");
    }
}

#[test]
fn ten_positions_are_eleven_students_where_two_share_one() {
    let (app, school) = greenwood();
    let form = Form::new(&app, &school, "H", "O Level");
    form.scale("O Level", SCALE);
    let class = form.class("1A", None);
    let maths = [form.subject("Maths", 1.0, true)];
    let marks = [
        "99", "98", "97", "96", "95", "94", "93", "92", "91", "90", "90", "89", "88",
    ];
    let marks = marks.map(|mark| [mark]);
    let students: Vec<(String, &[&str])> = (b'A'..)
        .zip(&marks)
        .map(|(letter, mark)| (format!("{} Moyo", char::from(letter)), &mark[..]))
        .collect();
    let entries: Vec<(&str, &str, &[&str])> = students
        .iter()
        .map(|(name, mark)| (class.as_str(), name.as_str(), *mark))
        .collect();
    let _ = form.enter(&maths, &entries);
    for published in [false, true] {
        if published {
            school
                .admin
                .act(&format!("{}publish/", form.path()))
                .expect(200);
        }
        let count = |query: &str| {
            roll(&school.admin, &form, query)["students"]
                .as_array()
                .unwrap()
                .len()
        };
        assert_eq!(count(""), 11);
        assert_eq!(count("?top=10&by=form"), 11);
        assert_eq!(
            [
                count("?top=1"),
                count("?top=9"),
                count("?top=12"),
                count("?top=1000")
            ],
            [1, 9, 12, 13]
        );
        assert_eq!(
            [
                count("?min_average=95"),
                count("?min_average=95.01"),
                count("?min_average=0")
            ],
            [5, 4, 11]
        );
    }
}

#[test]
fn published_and_worked_out_cards_give_the_same_roll() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let queries = [
        String::new(),
        "?top=1".to_owned(),
        "?top=2&by=form".to_owned(),
        "?min_average=66.67".to_owned(),
        "?min_average=60&top=4&by=form".to_owned(),
        format!("?academic_class={}", golden.b),
        format!("?form={}&by=form", golden.form.form),
        format!(
            "?form={}&academic_class={}&top=3",
            golden.form.form, golden.a
        ),
    ];
    let all = || {
        queries
            .clone()
            .map(|query| roll(&school.admin, &golden.form, &query))
    };
    let before = all();
    let expected: [&[&str]; 8] = [
        &[
            "Anesu Moyo",
            "Bongai Ncube",
            "Chipo Dube",
            "Dudu Sibanda",
            "Farai Zhou",
        ],
        &["Anesu Moyo", "Bongai Ncube", "Farai Zhou"],
        &["Farai Zhou", "Anesu Moyo", "Bongai Ncube"],
        &["Anesu Moyo", "Bongai Ncube", "Farai Zhou"],
        &["Farai Zhou", "Anesu Moyo", "Bongai Ncube"],
        &["Farai Zhou"],
        &[
            "Farai Zhou",
            "Anesu Moyo",
            "Bongai Ncube",
            "Chipo Dube",
            "Dudu Sibanda",
        ],
        &["Anesu Moyo", "Bongai Ncube", "Chipo Dube"],
    ];
    for (roll, expected) in before.iter().zip(expected) {
        assert_eq!(names(roll), expected);
    }
    publish(&school, &golden).expect(200);
    for (before, mut after) in before.into_iter().zip(all()) {
        for student in after["students"].as_array_mut().unwrap() {
            assert_eq!(student["status"], "published");
            student["status"] = json!("live");
        }
        assert_eq!(after, before);
    }
    // The frozen figures stay, whatever is corrected; withdrawn, they are worked out again.
    correct(&app, &school, &golden, 0, 8000, 100);
    let frozen = roll(&school.admin, &golden.form, "?top=1");
    assert_eq!(frozen["students"][0]["average"], 66.67);
    school
        .admin
        .act(&format!("{}unpublish/", golden.form.path()))
        .expect(200);
    assert_eq!(
        names(&roll(&school.admin, &golden.form, "?top=1")),
        ["Bongai Ncube", "Farai Zhou"]
    );
}

#[test]
fn classes_that_are_not_published_yet_are_worked_out() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    super::publication::submit(&school, &golden);
    let body = json!({"academic_class": golden.b});
    let path = format!("{}publish/", golden.form.path());
    school.admin.post(&path, &body).expect(200);
    correct(&app, &school, &golden, 5, 8000, 100);
    correct(&app, &school, &golden, 1, 7000, 100);
    assert_eq!(
        lines(&roll(&school.admin, &golden.form, "?top=2")),
        json!([
            ["1A G", 1, 1, "Anesu Moyo", 66.67, "live"],
            ["1A G", 2, 2, "Chipo Dube", 50, "live"],
            ["1B G", 1, 1, "Farai Zhou", 67.5, "published"],
        ])
    );
}

#[test]
fn whose_card_is_withheld_is_on_no_roll() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let path = format!(
        "{}report-cards/{}/withhold/",
        golden.form.path(),
        golden.students[0]
    );
    let body = json!({"reason": "Fees"});
    school.admin.post(&path, &body).expect(200);
    for published in [false, true] {
        if published {
            publish(&school, &golden).expect(200);
        }
        let found = roll(&school.admin, &golden.form, "?top=1");
        // Nobody moves up.
        assert_eq!(names(&found), ["Bongai Ncube", "Farai Zhou"]);
        assert!(
            roll(&school.admin, &golden.form, "?by=form")["students"][1]["position_in_form"] == 2
        );
    }
}

#[test]
fn class_teachers_see_the_roll_of_their_classes() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let (teacher, user) = someone(&school, "t@greenwood.example", &["Teacher"]);
    let body = json!({"user": user, "staff_number": "T 1"});
    let staff = school.admin.post("staff/", &body).status(201).id();
    for published in [false, true] {
        if published {
            publish(&school, &golden).expect(200);
        }
        assert_eq!(roll(&teacher, &golden.form, "")["students"], json!([]));
        let class = format!(
            "{}honour-roll/?academic_class={}",
            golden.form.path(),
            golden.b
        );
        assert_eq!(teacher.get(&class).fields(), ["academic_class"]);
    }
    let path = format!(
        "sessions/{}/academic-classes/{}/",
        golden.form.session, golden.b
    );
    let lead = json!({"class_teacher": staff});
    school.admin.patch(&path, &lead).expect(200);
    for published in [true, false] {
        if !published {
            school
                .admin
                .act(&format!("{}unpublish/", golden.form.path()))
                .expect(200);
        }
        for query in ["", "?by=form"] {
            assert_eq!(names(&roll(&teacher, &golden.form, query)), ["Farai Zhou"]);
        }
    }
    let (student, _) = someone(&school, "s@greenwood.example", &["Student"]);
    let path = format!("{}honour-roll/", golden.form.path());
    refused(&student.get(&path), 403, "permission_denied");
}

#[test]
fn what_there_is_not_is_refused() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let path = format!("{}honour-roll/", golden.form.path());
    let fields = |query: &str| school.admin.get(&format!("{path}?{query}")).fields();
    assert_eq!(
        fields("top=0&min_average=101&by=school&format=xlsx&form=x&academic_class=y"),
        [
            "academic_class",
            "by",
            "form",
            "format",
            "min_average",
            "top"
        ]
    );
    assert_eq!(fields(&format!("form={}", golden.a)), ["form"]);
    assert_eq!(
        fields(&format!("academic_class={}", golden.form.form)),
        ["academic_class"]
    );
    for (session, exam_session) in [
        (&golden.form.session, &golden.form.form),
        (&golden.form.form, &golden.form.exam_session),
    ] {
        let path = format!("sessions/{session}/exam-sessions/{exam_session}/honour-roll/");
        refused(&school.admin.get(&path), 404, "not_found");
    }
}

#[test]
fn a_roll_is_a_table_and_a_paper_too() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let get = |format: &str| {
        let path = format!("{}honour-roll/?top=1&format={format}", golden.form.path());
        school.admin.get(&path).status(200)
    };
    let number = golden.card(&school, 5).str("student_number");
    let lines: Vec<String> = get("csv")
        .text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(
        lines[0],
        "position_in_class,position_in_form,student_number,student_name,class_name,form_name,average,points,\
         subjects_taken,subjects_passed,class_size,form_size"
    );
    assert_eq!(
        lines[3],
        format!("1,1,{number},Farai Zhou,1B G,Form G,67.5,7,3,2,1,6")
    );
    let page = get("html").text;
    assert!(
        page.contains("Honour roll") && page.contains("DRAFT") && page.contains("2 of 6"),
        "{page}"
    );
    assert!(get("pdf").bytes.starts_with(b"%PDF"));
    publish(&school, &golden).expect(200);
    assert!(!get("html").text.contains("DRAFT"));
}
