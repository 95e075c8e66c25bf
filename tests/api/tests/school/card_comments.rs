//! What is said about a card, by bands and by hand, and what outdates one.

use http::Method;
use serde_json::{Value, json};

use super::{greenwood, publication::publish, refused, report_cards::golden};

#[test]
fn comments_come_from_bands_until_somebody_writes_them() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let template = |path: &str, text: &str| {
        let body = json!({"level": "O Level", "min_mark": 60, "max_mark": 100, "text": text});
        school.admin.post(path, &body).expect(201);
    };
    template("class-teacher-comments/", "A fine term.");
    template("head-teacher-comments/", "Keep it up.");
    template("teacher-comment-templates/", "Good work.");
    let card = golden.card(&school, 0).json;
    assert_eq!(
        card["class_teacher_comment"],
        json!({"text": "A fine term.", "source": "template"})
    );
    assert_eq!(
        card["head_teacher_comment"],
        json!({"text": "Keep it up.", "source": "template"})
    );
    assert_eq!(card["subjects"][0]["comment"], "Good work.");
    template("teacher-grade-comments/", "Well done.");
    assert_eq!(
        golden.card(&school, 0).json["subjects"][0]["comment"],
        "Well done."
    );
    // Chipo's average is below the band, and Eve's average is not final.
    for n in [2, 4] {
        assert_eq!(
            golden.card(&school, n).json["class_teacher_comment"],
            json!({"text": "", "source": null})
        );
    }
    let exam = app.value(
        &school.slot,
        &format!(
            "select exam from marks where student_session = '{}' limit 1",
            golden.students[0]
        ),
    );
    golden.form.mark(
        exam.as_str().unwrap(),
        &golden.students[0],
        "80: Reads beautifully",
    );
    let path = golden.comments(0);
    school
        .admin
        .put(&path, &json!({"class_teacher": "My best pupil"}))
        .expect(200);
    let card = golden.card(&school, 0).json;
    assert_eq!(
        card["class_teacher_comment"],
        json!({"text": "My best pupil", "source": "written"})
    );
    assert_eq!(card["head_teacher_comment"]["source"], "template");
    let written: Vec<&Value> = card["subjects"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["comment_source"] == "written")
        .collect();
    assert_eq!(written.len(), 1);
    assert_eq!(written[0]["comment"], "Reads beautifully");

    let status = school
        .admin
        .get(&format!("{}comment-status/", golden.form.path()))
        .status(200);
    let class = &status.json["results"][0];
    assert_eq!(
        class["class_teacher"],
        json!({"written": 1, "auto": 2, "missing": 2})
    );
    assert_eq!(
        class["head_teacher"],
        json!({"written": 0, "auto": 3, "missing": 2})
    );
    school
        .admin
        .put(&path, &json!({"class_teacher": null}))
        .expect(200);
    assert_eq!(
        golden.card(&school, 0).json["class_teacher_comment"]["source"],
        "template"
    );
    let same = school.admin.put(&path, &json!({})).status(200);
    assert_eq!(same.json["class_teacher"], json!(null));
}

#[test]
fn comments_of_two_people_at_once_both_stay() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let path = golden.comments(0);
    let (class_teacher, head) = (
        json!({"class_teacher": "From the class"}),
        json!({"head_teacher": "From the head"}),
    );
    let requests = [class_teacher, head]
        .iter()
        .map(|body| school.admin.request(&Method::PUT, &path, Some(body)))
        .collect();
    for reply in app.run_together(requests) {
        reply.expect(200);
    }
    let card = golden.card(&school, 0).json;
    assert_eq!(
        (
            &card["class_teacher_comment"]["text"],
            &card["head_teacher_comment"]["text"]
        ),
        (&json!("From the class"), &json!("From the head"))
    );
    let log = school
        .admin
        .get("audit-logs/?table_name=card_comments")
        .status(200);
    assert_eq!(log.json["count"], 2);
    let mut changes: Vec<String> = log
        .results()
        .iter()
        .map(|row| row["changes"].to_string())
        .collect();
    changes.sort();
    assert_eq!(
        changes,
        [
            json!({"class_teacher": {"from": null, "to": "From the class"}}).to_string(),
            json!({"head_teacher": {"from": null, "to": "From the head"}}).to_string(),
        ]
    );
    // What is written again changes nothing; null goes back to the template.
    let again = json!({"head_teacher": "From the head"});
    school.admin.put(&path, &again).expect(200);
    let both = json!({"class_teacher": null, "head_teacher": "From the head"});
    let left = school.admin.put(&path, &both).status(200).json;
    assert_eq!(
        (&left["class_teacher"], &left["head_teacher"]),
        (&json!(null), &json!("From the head"))
    );
    let log = school
        .admin
        .get("audit-logs/?table_name=card_comments")
        .status(200);
    assert_eq!(log.json["count"], 3);
    assert_eq!(
        golden.card(&school, 0).json["class_teacher_comment"]["source"],
        json!(null)
    );
}

#[test]
fn a_comment_on_a_locked_card_needs_a_reason_that_is_recorded() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    publish(&school, &golden).expect(200);
    school
        .admin
        .act(&format!("{}lock/", golden.form.path()))
        .expect(200);
    let path = golden.comments(0);
    let reply = school.admin.put(&path, &json!({"head_teacher": "Later"}));
    refused(&reply, 409, "exam_locked");
    assert_eq!(golden.card(&school, 0).json["is_outdated"], false);
    let body = json!({"head_teacher": "Later", "reason": "A name was wrong."});
    school.admin.put(&path, &body).expect(200);
    assert_eq!(golden.card(&school, 0).json["is_outdated"], true);
    let log = school
        .admin
        .get("audit-logs/?table_name=card_comments")
        .status(200);
    assert_eq!(
        log.json["results"][0]["changes"]["reason"]["to"],
        "A name was wrong."
    );
}

#[test]
fn a_mark_that_is_written_as_it_is_outdates_nothing() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    publish(&school, &golden).expect(200);
    let path = format!("{}marks/", golden.form.path());
    let query = format!("{path}?student_session={}", golden.students[0]);
    let mark = school.admin.get(&query).status(200).results()[0].clone();
    let one = format!("{path}{}/", mark["id"].as_str().unwrap());
    let same = json!({"mark": mark["mark"], "reason": "None."});
    school.admin.patch(&one, &same).expect(200);
    assert_eq!(golden.card(&school, 0).json["is_outdated"], false);
    let other = json!({"mark": 99, "reason": "Counted twice."});
    school.admin.patch(&one, &other).expect(200);
    assert_eq!(golden.card(&school, 0).json["is_outdated"], true);
}
