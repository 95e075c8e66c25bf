//! Publishing again, after a correction or without one.

use http::Method;
use serde_json::{Value, json};

use super::{greenwood, publication::publish, refused, report_cards::golden};

#[test]
fn a_correction_marks_the_card_outdated_until_it_is_published_anew() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    publish(&school, &golden).expect(200);
    let path = golden.comments(0);
    school
        .admin
        .put(&path, &json!({"head_teacher": "Bravo"}))
        .expect(200);
    let card = golden.card(&school, 0).json;
    assert_eq!(
        (&card["is_outdated"], &card["head_teacher_comment"]["text"]),
        (&json!(true), &json!(""))
    );
    assert_eq!(golden.card(&school, 1).json["is_outdated"], false);
    let status = school
        .admin
        .get(&format!("{}report-card-status/", golden.form.path()))
        .status(200);
    assert_eq!(status.json["results"][0]["outdated"], 1);
    assert_eq!(status.json["results"][0]["published_version"], 1);
    let computed = school
        .admin
        .post(
            &format!("{}report-cards/compute/", golden.form.path()),
            &json!({}),
        )
        .status(200);
    assert_eq!(computed.json["outdated"], 1);
    publish(&school, &golden).expect(200);
    let card = golden.card(&school, 0).json;
    assert_eq!(
        (&card["is_outdated"], &card["head_teacher_comment"]["text"]),
        (&json!(false), &json!("Bravo"))
    );
    let current = "select count(*) from report_cards where is_current = 1";
    assert_eq!(app.count(&school.slot, current), 6);
    assert_eq!(
        app.count(&school.slot, "select count(*) from report_cards"),
        7
    );
}

#[test]
fn working_out_names_the_published_cards_that_would_say_something_else_now() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let path = format!("{}report-cards/compute/", golden.form.path());
    let compute = |body: Value| school.admin.post(&path, &body).status(200).json;
    let changed = |body: Value| {
        let answer = compute(body);
        let rows = answer["changed"].as_array().unwrap().clone();
        let name = |row: &Value| row["student_name"].as_str().unwrap().to_owned();
        rows.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(changed(json!({})), [""; 0], "nothing is published");
    publish(&school, &golden).expect(200);
    assert_eq!(changed(json!({})), [""; 0]);

    // A correction of one mark moves the others' positions and averages, and nothing in the other class.
    let of_exam = format!(
        "select m.id from marks m join exams e on e.id = m.exam where m.student_session = '{}' and e.subject = '{}'",
        golden.students[3], golden.subjects[1].id
    );
    let mark = app.value(&school.slot, &of_exam);
    let of_mark = format!("{}marks/{}/", golden.form.path(), mark.as_str().unwrap());
    let version = json!({"mark": 89, "reason": "A sum was wrong.", "version": 1});
    school.admin.patch(&of_mark, &version).expect(200);
    let answer = compute(json!({}));
    assert_eq!(answer["outdated"], 1);
    let of_a = [
        "Anesu Moyo",
        "Bongai Ncube",
        "Chipo Dube",
        "Dudu Sibanda",
        "Eve Banda",
    ];
    assert_eq!(changed(json!({})), of_a);
    assert_eq!(answer["changed"][0]["version"], 1);
    assert_eq!(answer["changed"][0]["class_name"], "1A G");
    assert_eq!(changed(json!({"academic_class": golden.b})), [""; 0]);
    // Publishing again replaces just those.
    let again = publish(&school, &golden).status(200).json;
    assert_eq!(
        (&again["cards"], &again["unchanged"]),
        (&json!(5), &json!(1))
    );
    assert_eq!(changed(json!({})), [""; 0]);

    // Nobody's mark is corrected, and yet the scale gives one another grade.
    golden.form.scale(
        "O Level",
        &[
            ("A", 80.0, 100.0),
            ("B", 50.0, 79.0),
            ("C", 40.0, 49.0),
            ("U", 0.0, 39.0),
        ],
    );
    let answer = compute(json!({"academic_class": golden.b}));
    assert_eq!(answer["outdated"], 0);
    assert_eq!(answer["changed"][0]["student_name"], "Farai Zhou");
}

#[test]
fn a_mark_corrected_after_publication_outdates_the_card_and_leaves_it_as_it_was() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    publish(&school, &golden).expect(200);
    let path = format!("{}marks/", golden.form.path());
    let query = format!("{path}?student_session={}", golden.students[0]);
    let mark = school.admin.get(&query).status(200).results()[0].clone();
    let one = format!("{path}{}/", mark["id"].as_str().unwrap());
    let change = json!({"mark": 99, "version": mark["version"], "reason": "Counted twice."});
    school.admin.patch(&one, &change).expect(200);
    let card = golden.card(&school, 0).json;
    assert_eq!(
        (&card["is_outdated"], &card["average"], &card["status"]),
        (&json!(true), &json!(66.67), &json!("published"))
    );
    publish(&school, &golden).expect(200);
    let card = golden.card(&school, 0).json;
    assert_eq!(
        (&card["is_outdated"], &card["version"]),
        (&json!(false), &json!(2))
    );
    assert_ne!(card["average"], json!(66.67));
}

#[test]
fn publishing_again_when_nothing_changed_makes_no_version() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let first = publish(&school, &golden).status(200).json;
    assert_eq!(
        (&first["version"], &first["cards"], &first["unchanged"]),
        (&json!(1), &json!(6), &json!(0))
    );
    app.pass_seconds(60);
    let before = app.dump(&school.slot);
    let again = publish(&school, &golden).status(200).json;
    assert_eq!(
        (&again["version"], &again["cards"], &again["unchanged"]),
        (&json!(1), &json!(0), &json!(6))
    );
    assert_eq!(
        (&again["published_at"], &again["incomplete"]),
        (&first["published_at"], &first["incomplete"])
    );
    assert_eq!(app.dump(&school.slot), before);

    // Withdrawn in between, the exam session is published anew and its cards are those that there were.
    let path = golden.form.path();
    school.admin.act(&format!("{path}unpublish/")).expect(200);
    let anew = publish(&school, &golden).status(200).json;
    assert_eq!(
        (&anew["state"], &anew["version"], &anew["unchanged"]),
        (&json!("published"), &json!(1), &json!(6))
    );
    assert_ne!(anew["published_at"], first["published_at"]);
    let cards = "select count(*) from report_cards";
    assert_eq!(app.count(&school.slot, cards), 6);
}

#[test]
fn only_the_cards_that_say_something_new_get_a_new_version() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    publish(&school, &golden).expect(200);
    let path = golden.form.path();
    let comment = golden.comments(1);
    let bravo = json!({"head_teacher": "Bravo"});
    school.admin.put(&comment, &bravo).expect(200);
    // Another class has nothing new.
    let of_b = json!({"academic_class": golden.b, "accept_incomplete": true});
    let of_b = school.admin.post(&format!("{path}publish/"), &of_b);
    let of_b = of_b.status(200).json;
    assert_eq!((&of_b["version"], &of_b["cards"]), (&json!(1), &json!(0)));
    let done = publish(&school, &golden).status(200).json;
    assert_eq!(
        (&done["version"], &done["cards"], &done["unchanged"]),
        (&json!(2), &json!(1), &json!(5))
    );
    let versions: Vec<Value> = (0..6)
        .map(|n| golden.card(&school, n).json["version"].clone())
        .collect();
    assert_eq!(json!(versions), json!([1, 2, 1, 1, 1, 1]));
    // What was corrected and corrected back is published anew: it was said to be outdated.
    let back = json!({"head_teacher": "Brava"});
    school.admin.put(&comment, &back).expect(200);
    school.admin.put(&comment, &bravo).expect(200);
    assert_eq!(publish(&school, &golden).status(200).json["cards"], 1);
    let card = golden.card(&school, 1).json;
    assert_eq!(
        (&card["version"], &card["is_outdated"]),
        (&json!(3), &json!(false))
    );
}

#[test]
fn of_ten_publications_of_a_correction_at_once_one_takes_place() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    publish(&school, &golden).expect(200);
    let path = golden.form.path();
    let body = json!({"accept_incomplete": true});
    let together = || {
        let publish = format!("{path}publish/");
        school
            .admin
            .together(10, &Method::POST, &publish, Some(&body))
    };
    for reply in together() {
        assert_eq!(reply.status(200).json["unchanged"], 6);
    }
    let comment = golden.comments(0);
    let bravo = json!({"head_teacher": "Bravo"});
    school.admin.put(&comment, &bravo).expect(200);
    let (done, lost): (Vec<_>, Vec<_>) = together()
        .into_iter()
        .partition(|reply| reply.status == 200);
    assert_eq!(done.len(), 1);
    assert_eq!(
        (&done[0].json["version"], &done[0].json["cards"]),
        (&json!(2), &json!(1))
    );
    for reply in &lost {
        refused(reply, 409, "exam_state_changed");
    }
    let cards = "select count(*) from report_cards";
    assert_eq!(app.count(&school.slot, cards), 7);
    let current = "select count(*) from report_cards where is_current = 1";
    assert_eq!(app.count(&school.slot, current), 6);
    app.assert_sound();
}
