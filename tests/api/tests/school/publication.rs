use homeroom_api_tests::School;
use http::Method;
use serde_json::{Value, json};

use super::{
    greenwood, refused,
    report_cards::{Golden, golden},
};

pub(super) fn publish(school: &School, golden: &Golden) -> homeroom_api_tests::Reply {
    let body = json!({"accept_incomplete": true});
    school
        .admin
        .post(&format!("{}publish/", golden.form.path()), &body)
}

pub(super) fn submit(school: &School, golden: &Golden) {
    let path = format!("{}submit/", golden.form.path());
    school.admin.act(&path).expect(200);
}

#[test]
fn cards_with_missing_marks_are_published_only_when_accepted() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let path = format!("{}publish/", golden.form.path());
    let before = app.dump(&school.slot);
    let reply = school.admin.act(&path);
    refused(&reply, 409, "cards_incomplete");
    assert_eq!(reply.json["incomplete"][0]["student_name"], "Eve Banda");
    assert_eq!(reply.json["incomplete"][0]["missing"], json!(["English G"]));
    assert_eq!(reply.json["code"], "cards_incomplete");
    assert_eq!(app.dump(&school.slot), before);
    // The class without Eve is complete. One class alone would end the entering of marks in the others.
    let alone = school
        .admin
        .post(&path, &json!({"academic_class": golden.b}));
    refused(&alone, 409, "marks_not_submitted");
    submit(&school, &golden);
    let of_b = school
        .admin
        .post(&path, &json!({"academic_class": golden.b}))
        .status(200);
    assert_eq!(
        (&of_b.json["version"], &of_b.json["cards"]),
        (&json!(1), &json!(1))
    );
    let done = publish(&school, &golden).status(200);
    assert_eq!(
        (
            &done.json["version"],
            &done.json["cards"],
            &done.json["unchanged"],
            &done.json["state"]
        ),
        (&json!(2), &json!(5), &json!(1), &json!("published"))
    );
    let unknown = json!({"academic_class": golden.form.form});
    assert_eq!(
        school.admin.post(&path, &unknown).fields(),
        ["academic_class"]
    );
}

#[test]
fn a_faulty_scale_keeps_cards_from_being_published() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let list = school.admin.get("academic-settings/?grade=B").status(200);
    let band = format!("academic-settings/{}/", list.str("results/0/id"));
    school.admin.delete(&band).expect(204);
    let reply = publish(&school, &golden);
    refused(&reply, 409, "scale_incomplete");
    assert_eq!(
        reply.json["scale_faults"],
        json!([{"level": "O Level", "faults": ["The marks between 49 (grade C) and 70 (grade A) have no grade."]}])
    );
    for grade in ["A", "C", "U"] {
        let list = school
            .admin
            .get(&format!("academic-settings/?grade={grade}"))
            .status(200);
        let band = format!("academic-settings/{}/", list.str("results/0/id"));
        school.admin.delete(&band).expect(204);
    }
    submit(&school, &golden);
    refused(
        &school.admin.post(
            &format!("{}publish/", golden.form.path()),
            &json!({"academic_class": golden.b}),
        ),
        409,
        "scale_incomplete",
    );
    publish(&school, &golden).expect(200);
    assert_eq!(
        golden.card(&school, 0).json["subjects"][0]["grade"],
        json!(null)
    );
}

#[test]
fn published_cards_do_not_drift() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    publish(&school, &golden).expect(200);
    let cards = || -> Vec<Value> { (0..6).map(|n| golden.card(&school, n).json).collect() };
    let sheet = || {
        let path = format!(
            "{}broadsheet/?academic_class={}",
            golden.form.path(),
            golden.a
        );
        school.admin.get(&path).status(200).json
    };
    let (frozen, wide) = (cards(), sheet());
    assert_eq!(frozen[0]["status"], "published");

    app.execute(
        &school.slot,
        "update marks set mark = 10000, version = version + 1 where mark is not null",
    );
    golden
        .form
        .scale("O Level", &[("Pass", 10.0, 100.0), ("Fail", 0.0, 9.0)]);
    let settings = json!({"o_level": ["Total marks"], "a_level": ["Total marks"]});
    school.admin.put("report-settings/", &settings).expect(200);
    let pass = json!({"form": golden.form.form, "subject": null, "mark": 1});
    school.admin.post("pass-marks/", &pass).expect(201);
    let comment = json!({"level": "O Level", "min_mark": 0, "max_mark": 100, "text": "New"});
    school
        .admin
        .post("class-teacher-comments/", &comment)
        .expect(201);
    let form = json!({"name": "Renamed", "level": "A Level"});
    school
        .admin
        .put(&format!("form/{}/", golden.form.form), &form)
        .expect(200);
    app.execute(&school.slot, "update curriculum set coefficient = 500");
    app.execute(&school.slot, "update students set last_name = 'Other'");
    assert_eq!(cards(), frozen);
    assert_eq!(sheet(), wide);

    let publications = app.rows(&school.slot, "select scales, settings from publications");
    let scales: Value = serde_json::from_str(publications[0][0].as_str().unwrap()).unwrap();
    assert_eq!(scales["O Level"].as_array().unwrap().len(), 4);
    let settings: Value = serde_json::from_str(publications[0][1].as_str().unwrap()).unwrap();
    assert_eq!(settings["o_level"][0], "Subjects Passed");

    // Publishing anew takes everything over, and the first version stays readable.
    publish(&school, &golden).expect(200);
    let second = golden.card(&school, 0).json;
    assert_eq!(
        (&second["version"], &second["average"]),
        (&json!(2), &json!(100))
    );
    let mut first = golden.card_in(&school, 0, "?version=1").status(200).json;
    assert_eq!(first, frozen[0]);
    first["version"] = json!(2);
    assert_ne!(first, second);
    refused(&golden.card_in(&school, 0, "?version=3"), 404, "not_found");
    assert_eq!(
        golden.card_in(&school, 0, "?version=0").fields(),
        ["version"]
    );
}

#[test]
fn of_ten_publications_at_once_one_takes_place() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let body = json!({"accept_incomplete": true});
    let path = format!("{}publish/", golden.form.path());
    let replies = school.admin.together(10, &Method::POST, &path, Some(&body));
    let (done, lost): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
    assert_eq!(done.len(), 1);
    for reply in &lost {
        refused(reply, 409, "exam_state_changed");
    }
    assert_eq!(
        app.count(&school.slot, "select count(*) from publications"),
        1
    );
    assert_eq!(
        app.count(&school.slot, "select count(*) from report_cards"),
        6
    );
    app.assert_sound();

    // The same of a new version, and with one key all answer alike.
    app.execute(&school.slot, "update report_cards set is_outdated = 1");
    let replies = school
        .admin
        .key("once")
        .together(10, &Method::POST, &path, Some(&body));
    let first = replies[0].clone().status(200).json;
    assert_eq!(first["version"], 2);
    for reply in replies {
        assert_eq!(reply.status(200).json, first);
    }
    assert_eq!(
        app.count(&school.slot, "select count(*) from publications"),
        2
    );
}

#[test]
fn a_mark_that_is_written_meanwhile_stops_the_publication() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    // As another isolate would, between reading and writing.
    app.execute(
        &school.slot,
        "create trigger meanwhile before insert on publications begin \
         select raise(abort, 'CHECK constraint failed: changed_meanwhile'); end",
    );
    let reply = publish(&school, &golden);
    refused(&reply, 409, "changed_meanwhile");
    app.execute(&school.slot, "drop trigger meanwhile");
    publish(&school, &golden).expect(200);
}

#[test]
fn withdrawn_cards_are_live_again_and_locked_ones_stay() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let withdraw = || {
        school
            .admin
            .act(&format!("{}unpublish/", golden.form.path()))
    };
    refused(&withdraw(), 409, "not_published");
    publish(&school, &golden).expect(200);
    let reply = withdraw().status(200);
    assert_eq!(
        (&reply.json["state"], &reply.json["version"]),
        (&json!("review"), &json!(null))
    );
    assert_eq!(golden.card(&school, 0).json["status"], "live");
    assert_eq!(
        golden.card_in(&school, 0, "?version=1").status(200).json["status"],
        "published"
    );
    publish(&school, &golden).expect(200);
    assert_eq!(golden.card(&school, 0).json["status"], "published");
    app.execute(&school.slot, "update exam_sessions set state = 'locked'");
    refused(&publish(&school, &golden), 409, "exam_locked");
    refused(&withdraw(), 409, "not_published");
    assert_eq!(golden.card(&school, 0).json["status"], "published");
}

#[test]
fn an_exam_session_without_students_has_nothing_to_publish() {
    let (app, school) = greenwood();
    let form = homeroom_api_tests::academics::Form::new(&app, &school, "E", "O Level");
    refused(
        &school.admin.act(&format!("{}publish/", form.path())),
        409,
        "nothing_to_publish",
    );
    let _ = form.class("1A", None);
    refused(
        &school.admin.act(&format!("{}publish/", form.path())),
        409,
        "nothing_to_publish",
    );
    let elsewhere = form.path().replace(&form.session, &form.form);
    refused(
        &school.admin.act(&format!("{elsewhere}publish/")),
        404,
        "not_found",
    );
}

#[test]
fn publishing_is_recorded_with_what_it_published() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    publish(&school, &golden).expect(200);
    let log = school
        .admin
        .get("audit-logs/?table_name=publications")
        .status(200);
    assert_eq!(log.json["results"][0]["changes"]["cards"]["to"], 6);
    assert_eq!(log.json["results"][0]["changes"]["incomplete"]["to"], 1);
    let log = school
        .admin
        .get("audit-logs/?table_name=exam_sessions&action=UPDATE")
        .status(200);
    assert_eq!(
        log.json["results"][0]["changes"]["state"],
        json!({"from": "draft", "to": "published"})
    );
}
