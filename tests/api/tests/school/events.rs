//! What happens in a school and webhooks are told: each once, with the change that it is about, and no name or mark.

use homeroom_api_tests::{Fault, Moment, TestApp};
use serde_json::{Value, json};

use super::{
    greenwood,
    publication::{publish, submit},
    report_cards::golden,
    year::Year,
};

/// A webhook that is told of everything.
pub(super) fn listen(app: &TestApp) {
    let body = json!({
        "url": "https://hooks.example.org/",
        "events": ["results.published", "results.unpublished", "attendance.recorded", "promotion.executed", "promotion.undone"],
    });
    app.platform().post("webhooks/", &body).expect(201);
}

/// What it was told since this was last asked: events and their data.
pub(super) fn told(app: &TestApp) -> Vec<(String, Value)> {
    app.tell_webhooks().unwrap();
    let posts = app.take_posts();
    let event = |body: Value| {
        let name = body["type"].as_str().unwrap().to_owned();
        (name, body["data"].clone())
    };
    posts.iter().map(|post| event(post.json())).collect()
}

fn event(name: &str, data: Value) -> (String, Value) {
    (name.to_owned(), data)
}

#[test]
fn a_publication_and_its_withdrawal_are_told_once_each() {
    let (app, school) = greenwood();
    listen(&app);
    let golden = golden(&app, &school);
    submit(&school, &golden);
    let of_b = json!({"academic_class": golden.b});
    let path = format!("{}publish/", golden.form.path());
    let (session, exam_session) = (&golden.form.session, &golden.form.exam_session);
    assert_eq!(told(&app), []);
    school.admin.post(&path, &of_b).expect(200);
    let first = json!({
        "session": session, "exam_session": exam_session, "academic_class": golden.b,
        "academic_classes": [golden.b], "version": 1, "cards": 1, "release_at": null,
    });
    assert_eq!(told(&app), [event("results.published", first)]);
    publish(&school, &golden).expect(200);
    let second = told(&app);
    assert_eq!(second.len(), 1);
    let mut classes = vec![golden.a.clone(), golden.b.clone()];
    classes.sort();
    let mut named: Vec<String> =
        serde_json::from_value(second[0].1["academic_classes"].clone()).unwrap();
    named.sort();
    assert_eq!(named, classes);
    assert_eq!(
        (
            &second[0].1["version"],
            &second[0].1["cards"],
            &second[0].1["academic_class"]
        ),
        (&json!(2), &json!(5), &json!(null))
    );
    // Nothing new is to be seen.
    publish(&school, &golden).expect(200);
    assert_eq!(told(&app), []);
    let withdraw = format!("{}unpublish/", golden.form.path());
    school.admin.act(&withdraw).expect(200);
    let withdrawn = json!({"session": session, "exam_session": exam_session});
    assert_eq!(told(&app), [event("results.unpublished", withdrawn)]);
    assert_eq!(school.admin.act(&withdraw).status, 409);
    assert_eq!(told(&app), []);
    // Nothing is told when families may see it: the event says when that is.
    let release = json!({"release_at": "2026-12-20T08:00:00.000Z"});
    school
        .admin
        .patch(&golden.form.path(), &release)
        .expect(200);
    publish(&school, &golden).expect(200);
    assert_eq!(told(&app)[0].1["release_at"], release["release_at"]);
}

#[test]
fn the_attendance_of_a_class_is_one_event_with_counts_and_who_is_absent() {
    let year = Year::new();
    listen(&year.app);
    let (_, chipo) = year.student("Chipo", &year.class);
    let (_, tariro) = year.student("Tariro", &year.class);
    let (_, rudo) = year.student("Rudo", &year.class);
    let enter = |status: &str| {
        let body = json!({"academic_class": year.class, "date": "2026-01-15", "entries": [
            {"student_session": chipo, "status": status, "reason": "Flu"},
            {"student_session": tariro, "status": "present"},
            {"student_session": rudo, "status": "present"},
        ]});
        year.admin.post("attendance/bulk/", &body).expect(200);
    };
    enter("absent");
    let data = |counts: Value, absent: Value| {
        json!({
            "academic_class": year.class, "date": "2026-01-15", "lesson": null, "counts": counts, "absent": absent,
        })
    };
    let recorded =
        |counts: Value, absent: Value| [event("attendance.recorded", data(counts, absent))];
    assert_eq!(
        told(&year.app),
        recorded(json!({"absent": 1, "present": 2}), json!([chipo]))
    );
    enter("absent");
    assert_eq!(told(&year.app), [], "nothing changed");
    enter("late");
    assert_eq!(told(&year.app), recorded(json!({"late": 1}), json!([])));
    // Single entries too.
    let entries = year
        .admin
        .get(&format!("attendance/?student_session={chipo}"));
    let path = format!("attendance/{}/", entries.status(200).str("results/0/id"));
    let set = |body: Value| year.admin.patch(&path, &body).expect(200);
    set(json!({"status": "absent"}));
    assert_eq!(
        told(&year.app),
        recorded(json!({"absent": 1}), json!([chipo]))
    );
    set(json!({"reason": "Malaria"}));
    assert_eq!(told(&year.app), [], "who was where is as before");
}

#[test]
fn an_event_is_written_with_its_change_or_not_at_all() {
    let year = Year::new();
    listen(&year.app);
    let (_, chipo) = year.student("Chipo", &year.class);
    let body = json!({"academic_class": year.class, "date": "2026-01-15", "entries": [
        {"student_session": chipo, "status": "present"},
    ]});
    let count = |table: &str| {
        let sql = format!("select count(*) from {table}");
        year.app.count(&year.school.slot, &sql)
    };
    year.app.lose_deferred(true);
    for nth in 1.. {
        year.app.inject(Some(Fault {
            nth,
            moment: Moment::Before,
        }));
        let reply = year.admin.post("attendance/bulk/", &body);
        year.app.inject(None);
        if reply.status == 200 {
            assert!(nth > 2, "hardly a batch to lose");
            break;
        }
        assert_eq!(reply.status, 503, "{}", reply.text);
        assert_eq!((count("attendance"), count("outbox")), (0, 0));
    }
    assert_eq!((count("attendance"), count("outbox")), (1, 1));
    assert_eq!(told(&year.app), [], "the Worker ended before it could tell");
    year.app.lose_deferred(false);
    year.app.visit_schools();
    assert_eq!(count("outbox"), 0);
    assert_eq!(told(&year.app).len(), 1);
    let closed = json!({"academic_class": year.class, "date": "2026-01-17", "entries": [
        {"student_session": chipo, "status": "absent"},
    ]});
    let reply = year.admin.post("attendance/bulk/", &closed);
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert_eq!(told(&year.app), []);
}
