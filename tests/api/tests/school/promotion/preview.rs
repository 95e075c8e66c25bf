//! What the rules would propose.

use serde_json::{Value, json};

use super::{Pupil, Year};

fn of<'a>(preview: &'a Value, pupil: &Pupil) -> &'a Value {
    let students = preview["students"].as_array().unwrap();
    students
        .iter()
        .find(|row| row["student"] == pupil.id)
        .unwrap_or(&Value::Null)
}

fn says(preview: &Value, pupil: &Pupil) -> (String, String) {
    let row = of(preview, pupil);
    (
        row["action"].as_str().unwrap().to_owned(),
        row["reason"].as_str().unwrap().to_owned(),
    )
}

pub(super) fn rule(passed: u32) -> Value {
    json!({"min_subjects_passed": passed})
}

#[test]
fn proposals_follow_the_published_cards_and_say_why() {
    let year = Year::new();
    let [good, weak, last, stale] = [("Rudo", 0), ("Tariro", 0), ("Chipo", 1), ("Farai", 0)]
        .map(|(name, class)| year.pupil(name, class));
    year.card(&good, 0, 61.25, 6, false);
    year.card(&weak, 0, 48.5, 4, false);
    year.card(&last, 1, 70.0, 8, false);
    year.card(&stale, 0, 70.0, 8, true);
    let preview = year.preview(&json!({}));
    assert_eq!(preview["exam_session"], json!(year.exam_session));
    assert_eq!(
        preview["rules"],
        json!({"min_subjects_passed": 5, "min_average": null})
    );
    let row = of(&preview, &good);
    assert_eq!(
        (
            &row["action"],
            &row["destination_session_class"],
            &row["average"],
            &row["subjects_passed"],
            &row["figures"]
        ),
        (
            &json!("promote"),
            &json!(year.new[1]),
            &json!(61.25),
            &json!(6),
            &json!("report_card")
        )
    );
    assert_eq!(row["reason"], "Subjects passed: 6; average 61.25.");
    assert_eq!(
        of(&preview, &weak)["destination_session_class"],
        json!(year.new[0])
    );
    for (pupil, action, reason) in [
        (&weak, "repeat", "Subjects passed: 4 of the 5 required."),
        (&last, "graduate", "Subjects passed: 8; average 70."),
        (
            &stale,
            "pending",
            "The card is outdated: publish the class again.",
        ),
    ] {
        assert_eq!(
            says(&preview, pupil),
            (action.to_owned(), reason.to_owned())
        );
    }
    assert_eq!(
        preview["counts"],
        json!({"pending": 1, "promote": 1, "repeat": 1, "transfer": 0, "graduate": 1, "drop_out": 0})
    );
}

#[test]
fn the_class_pattern_leads_on_where_forms_have_no_order() {
    let year = Year::new();
    for form in &year.forms {
        let path = format!("form/{form}/");
        year.admin()
            .put(&path, &json!({"name": form, "level": "O Level"}))
            .expect(200);
    }
    let [first, last] = [("Rudo", 0), ("Chipo", 1)].map(|(name, class)| {
        let pupil = year.pupil(name, class);
        year.card(&pupil, class, 61.25, 6, false);
        pupil
    });
    let preview = year.preview(&json!({}));
    let leads = |pupil: &Pupil| {
        let row = of(&preview, pupil);
        (
            row["action"].clone(),
            row["destination_session_class"].clone(),
        )
    };
    assert_eq!(leads(&first), (json!("promote"), json!(year.new[1])));
    assert_eq!(leads(&last), (json!("graduate"), Value::Null));
}

#[test]
fn without_a_card_the_marks_count_and_a_missing_one_leaves_it_open() {
    let year = Year::new();
    let [good, weak, missing, none] =
        ["Rudo", "Tariro", "Chipo", "Farai"].map(|name| year.pupil(name, 0));
    let last = year.pupil("Kudzi", 1);
    year.marks(&good, 0, [Some(80), Some(50)]);
    year.marks(&weak, 0, [Some(80), Some(49)]);
    year.marks(&missing, 0, [Some(80), None]);
    let preview = year.preview(&rule(2));
    let row = of(&preview, &good);
    assert_eq!(
        (&row["average"], &row["figures"], &row["is_complete"]),
        (&json!(65), &json!("marks"), &json!(true))
    );
    for (pupil, action, reason) in [
        (&good, "promote", "Subjects passed: 2; average 65."),
        (&weak, "repeat", "Subjects passed: 1 of the 2 required."),
        (&missing, "pending", "Marks are missing."),
        (&none, "pending", "Marks are missing."),
        (&last, "pending", "Marks are missing."),
    ] {
        assert_eq!(
            says(&preview, pupil),
            (action.to_owned(), reason.to_owned())
        );
    }
    let pass = json!({"form": year.forms[0], "subject": year.subjects[1], "mark": 49});
    year.admin().post("pass-marks/", &pass).expect(201);
    assert_eq!(
        says(&year.preview(&rule(2)), &weak).0,
        "promote",
        "the school's own pass mark"
    );
    let optional = format!(
        "select id from curriculum where form = '{}' and subject = '{}'",
        year.forms[0], year.subjects[1]
    );
    let optional = year.app.value(&year.school.slot, &optional);
    let path = format!("curriculum/{}/", optional.as_str().unwrap());
    year.admin()
        .patch(&path, &json!({"is_compulsory": false}))
        .expect(200);
    assert_eq!(
        says(&year.preview(&rule(2)), &none).1,
        "Marks are missing.",
        "of the compulsory subject"
    );
}

#[test]
fn whoever_did_not_pass_a_required_subject_repeats_and_is_told_which() {
    let year = Year::new();
    let [good, weak, absent] = ["Rudo", "Tariro", "Chipo"].map(|name| year.pupil(name, 0));
    let [carded, frozen] = ["Farai", "Kudzi"].map(|name| year.pupil(name, 0));
    year.marks(&good, 0, [Some(80), Some(50)]);
    year.marks(&weak, 0, [Some(80), Some(49)]);
    year.marks(&absent, 0, [Some(80), Some(90)]);
    year.card(&carded, 0, 90.0, 9, false);
    year.card(&frozen, 0, 90.0, 9, false);
    let lines = [(&carded, "false"), (&frozen, "true")];
    for (pupil, passed) in lines {
        let line = format!(
            "{{\"subject\": \"{}\", \"passed\": {passed}}}",
            year.subjects[1]
        );
        let sql = format!(
            "update report_cards set card = json_set(card, '$.subjects', json('[{line}]')) \
             where student_session = '{}'",
            pupil.registration
        );
        year.app.execute(&year.school.slot, &sql);
    }
    let is_absent = format!(
        "update marks set mark = null, is_absent = 1 where student_session = '{}' and exam in \
         (select id from exams where subject = '{}')",
        absent.registration, year.subjects[1]
    );
    year.app.execute(&year.school.slot, &is_absent);
    let everybody = [&good, &weak, &absent, &carded, &frozen];
    let free = year.preview(&rule(1));
    for pupil in everybody {
        assert_eq!(says(&free, pupil).0, "promote", "{}", says(&free, pupil).1);
        assert_eq!(of(&free, pupil)["not_passed"], json!([]));
    }
    let entry = format!(
        "select id from curriculum where form = '{}' and subject = '{}'",
        year.forms[0], year.subjects[1]
    );
    let entry = year.app.value(&year.school.slot, &entry);
    let path = format!("curriculum/{}/", entry.as_str().unwrap());
    let required = json!({"must_pass": true});
    year.admin().patch(&path, &required).expect(200);
    let name = format!("subjects/{}/", year.subjects[1]);
    let name = year.admin().get(&name).status(200).str("name");
    let preview = year.preview(&rule(1));
    for (pupil, action) in everybody
        .into_iter()
        .zip(["promote", "repeat", "repeat", "repeat", "promote"])
    {
        let (proposed, reason) = says(&preview, pupil);
        assert_eq!(proposed, action, "{reason}");
        let failed = action == "repeat";
        let expected = if failed { json!([name]) } else { json!([]) };
        assert_eq!(of(&preview, pupil)["not_passed"], expected);
        let told = format!("Required and not passed: {name}.");
        assert_eq!(reason == told, failed, "{reason}");
    }
    // With another rule that is not met, both are named.
    let (_, reason) = says(&year.preview(&rule(2)), &weak);
    assert_eq!(
        reason,
        format!("Subjects passed: 1 of the 2 required. Required and not passed: {name}.")
    );
    // Required in another form, it asks nothing of this one.
    year.admin()
        .patch(&path, &json!({"must_pass": false}))
        .expect(200);
    assert_eq!(year.preview(&rule(1))["counts"]["promote"], 5);
}

#[test]
fn the_last_exam_session_with_published_cards_counts_or_the_one_that_is_named() {
    let year = Year::new();
    let pupil = year.pupil("Rudo", 0);
    let path = format!("sessions/{}/exam-sessions/", year.from);
    let make = |term: &str, name: &str| {
        year.app.pass_seconds(5);
        let body = json!({"term": term, "name": name});
        year.admin().post(&path, &body).status(201).id()
    };
    make("1", "First term");
    let resit = make("3", "Supplementary");
    let preview = year.preview(&json!({}));
    assert_eq!(preview["exam_session"], json!(resit), "none is published");
    year.card(&pupil, 0, 61.0, 6, false);
    let preview = year.preview(&json!({}));
    assert_eq!(preview["exam_session"], json!(year.exam_session));
    assert_eq!(says(&preview, &pupil).0, "promote");
    let preview = year.preview(&json!({"exam_session": resit}));
    assert_eq!(preview["exam_session"], json!(resit));
    assert_eq!(
        says(&preview, &pupil),
        ("pending".to_owned(), "Marks are missing.".to_owned())
    );
    let preview = year.path("promotion-executions/preview/");
    for other in [&year.setup, &year.to] {
        let reply = year.admin().post(&preview, &json!({"exam_session": other}));
        assert_eq!(reply.fields(), ["exam_session"], "{}", reply.text);
    }
}

#[test]
fn withdrawn_cards_do_not_count_and_marks_do() {
    let year = Year::new();
    let pupil = year.pupil("Rudo", 0);
    year.marks(&pupil, 0, [Some(30), Some(20)]);
    year.card(&pupil, 0, 61.0, 6, false);
    let withdraw = "update exam_sessions set state = 'review'";
    year.app.execute(&year.school.slot, withdraw);
    let preview = year.preview(&rule(2));
    assert_eq!(of(&preview, &pupil)["figures"], "marks");
    assert_eq!(says(&preview, &pupil).0, "repeat");
}

#[test]
fn rules_come_from_the_report_settings_and_from_the_request_before_them() {
    let year = Year::new();
    let pupil = year.pupil("Rudo", 0);
    year.card(&pupil, 0, 55.0, 3, false);
    let settings = json!({"o_level": ["Grades"], "a_level": ["Grades"],
        "min_subjects_passed": 3, "min_average": 60});
    let sql = format!("insert into report_settings values (1, '{settings}', 1)");
    year.app.execute(&year.school.slot, &sql);
    let preview = year.preview(&json!({}));
    assert_eq!(
        preview["rules"],
        json!({"min_subjects_passed": 3, "min_average": 60})
    );
    assert_eq!(
        says(&preview, &pupil).1,
        "Average 55, below the 60 required."
    );
    assert_eq!(
        says(&year.preview(&json!({"min_average": 55})), &pupil).0,
        "promote"
    );
    assert_eq!(
        says(&year.preview(&json!({"min_average": null})), &pupil).0,
        "promote"
    );
    assert_eq!(
        says(&year.preview(&rule(4)), &pupil).1,
        "Subjects passed: 3 of the 4 required. Average 55, below the 60 required."
    );
}

#[test]
fn nobody_is_proposed_into_a_class_that_is_not_there() {
    let year = Year::new();
    let [on, again] = ["Rudo", "Tariro"].map(|name| year.pupil(name, 0));
    year.card(&on, 0, 61.0, 6, false);
    year.card(&again, 0, 40.0, 1, false);
    let lost = json!({"student_id": "Lost", "first_name": "Lost", "last_name": "Moyo", "admission_year": 2026});
    let lost = year.admin().post("admissions/", &lost).status(201).id();
    let path = format!("sessions/{}/student-sessions/", year.from);
    let registration = year
        .admin()
        .post(&path, &json!({"student": lost}))
        .status(201)
        .id();
    for class in &year.new {
        let path = format!("sessions/{}/academic-classes/{class}/", year.to);
        year.admin().delete(&path).expect(204);
    }
    let preview = year.preview(&json!({}));
    let none = "The new session does not have the class.";
    for pupil in [&on, &again] {
        let (action, reason) = says(&preview, pupil);
        assert!(
            action == "pending" && reason.ends_with(none),
            "{action}: {reason}"
        );
        assert_eq!(
            of(&preview, pupil)["destination_session_class"],
            json!(null)
        );
    }
    let lost = Pupil {
        id: lost,
        registration,
    };
    assert_eq!(says(&preview, &lost).1, "The student is not in a class.");
    let summary = year.propose(&json!({}));
    assert_eq!(
        (&summary["created"], &summary["without_class"]),
        (&json!(2), &json!(1))
    );
    let pattern = year
        .admin()
        .get("class-patterns/")
        .status(200)
        .str("results/0/id");
    year.admin()
        .delete(&format!("class-patterns/{pattern}/"))
        .expect(204);
    assert!(
        says(&year.preview(&json!({})), &on)
            .1
            .ends_with("No class follows in the class pattern.")
    );
}

#[test]
fn a_preview_shows_which_classes_would_overflow() {
    let year = Year::new();
    let [one, two, three] = ["Rudo", "Tariro", "Chipo"].map(|name| year.pupil(name, 0));
    year.card(&one, 0, 61.0, 6, false);
    year.card(&two, 0, 61.0, 6, false);
    year.decide(&three, "promote", Some(&year.new[1]));
    let path = format!("sessions/{}/academic-classes/{}/", year.to, year.new[1]);
    let place = |capacity: u32| {
        year.admin()
            .patch(&path, &json!({"capacity": capacity}))
            .expect(200);
        let preview = year.preview(&json!({}));
        let row = preview["destinations"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["academic_class"] == year.new[1])
            .unwrap()
            .clone();
        (
            row["capacity"].clone(),
            row["incoming"].clone(),
            row["is_over"].clone(),
        )
    };
    assert_eq!(place(3), (json!(3), json!(3), json!(false)));
    assert_eq!(place(2), (json!(2), json!(3), json!(true)));
}

#[test]
fn what_is_proposed_is_counted_once_before_and_after_it_is_written() {
    let year = Year::new();
    let [one, two] = ["Rudo", "Tariro"].map(|name| year.pupil(name, 0));
    let own = year.pupil("Chipo", 1);
    for (pupil, class) in [(&one, 0), (&two, 0)] {
        year.card(pupil, class, 61.0, 6, false);
    }
    // Repeats in the class that the others go to.
    year.card(&own, 1, 20.0, 0, false);
    let incoming = |class: Option<&String>| {
        let preview = year.preview(&json!({"source_session_class": class}));
        let rows = preview["destinations"].as_array().unwrap();
        let of = |class: &String| rows.iter().find(|row| row["academic_class"] == *class);
        of(&year.new[1]).unwrap()["incoming"].clone()
    };
    let (all, first) = (json!(3), json!(2));
    assert_eq!(
        (incoming(None), incoming(Some(&year.old[0]))),
        (all.clone(), first)
    );
    year.propose(&json!({}));
    assert_eq!(incoming(None), all);
    // A class alone is added to what is proposed for the others.
    for class in &year.old {
        assert_eq!(incoming(Some(class)), all);
    }
    year.decide(&one, "promote", Some(&year.new[1]));
    year.decide(&two, "transfer", None);
    assert_eq!(incoming(None), json!(2));
    for class in &year.old {
        assert_eq!(incoming(Some(class)), json!(2));
    }
}

#[test]
fn a_preview_writes_nothing_whatever_is_sent_along() {
    let year = Year::new();
    let pupil = year.pupil("Rudo", 0);
    year.card(&pupil, 0, 61.0, 6, false);
    let before = year.app.dump(&year.school.slot);
    let path = year.path("promotion-executions/preview/");
    for client in [
        year.admin().clone(),
        year.admin().key("k"),
        year.admin().key("k"),
    ] {
        client.post(&path, &rule(2)).expect(200);
    }
    assert_eq!(year.app.dump(&year.school.slot), before);
}

#[test]
fn a_preview_can_be_of_one_class() {
    let year = Year::new();
    let (one, _) = (year.pupil("Rudo", 0), year.pupil("Tariro", 1));
    let preview = year.preview(&json!({"source_session_class": year.old[0]}));
    let students: Vec<&Value> = preview["students"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["student"])
        .collect();
    assert_eq!(students, [&json!(one.id)]);
    let path = year.path("promotion-executions/preview/");
    for class in [&year.new[0], &year.setup] {
        let reply = year
            .admin()
            .post(&path, &json!({"source_session_class": class}));
        assert_eq!(reply.fields(), ["source_session_class"]);
    }
}

#[test]
fn a_year_without_exams_proposes_nothing() {
    let year = Year::new();
    let pupil = year.pupil("Rudo", 0);
    let path = format!(
        "sessions/{}/exam-sessions/{}/",
        year.from, year.exam_session
    );
    year.admin().delete(&path).expect(204);
    let preview = year.preview(&json!({}));
    assert_eq!(preview["exam_session"], Value::Null);
    assert_eq!(
        says(&preview, &pupil),
        ("pending".to_owned(), "There are no marks.".to_owned())
    );
}
