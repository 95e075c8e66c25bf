//! Which cards are current: after cards were withdrawn, after one class was published, and in publications of many portions.

use homeroom_api_tests::{Intrusion, TestApp};
use http::Method;
use serde_json::{Value, json};

use super::{
    greenwood,
    publication::{publish, submit},
    refused,
    report_cards::golden,
    someone,
};

#[test]
fn cards_that_were_withdrawn_stay_so_until_their_own_class_is_published() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let path = golden.form.path();
    let (child, user) = someone(&school, "farai@greenwood.example", &["Student"]);
    app.execute(
        &school.slot,
        &format!(
            "update students set user = '{user}' where id = (select student from student_sessions where id = '{}')",
            golden.students[5]
        ),
    );
    publish(&school, &golden).expect(200);
    let seen = || child.get("my/report-cards/").status(200).json["count"].clone();
    let published = || -> Value {
        let status = school.admin.get(&format!("{path}report-card-status/"));
        let status = status.status(200);
        status
            .results()
            .iter()
            .map(|class| class["published"].clone())
            .collect()
    };
    assert_eq!((seen(), published()), (json!(1), json!([5, 1])));
    school.admin.act(&format!("{path}unpublish/")).expect(200);
    assert_eq!((seen(), published()), (json!(0), json!([0, 0])));
    let of = |class: &str| {
        let body = json!({"academic_class": class, "accept_incomplete": true});
        school
            .admin
            .post(&format!("{path}publish/"), &body)
            .status(200)
            .json
    };
    let first = of(&golden.a);
    assert_eq!(
        (&first["cards"], &first["unchanged"]),
        (&json!(0), &json!(5))
    );
    assert_eq!((seen(), published()), (json!(0), json!([5, 0])));
    assert_eq!(golden.card(&school, 5).json["status"], "live");
    // The same card is there again, and no new version.
    app.pass_seconds(60);
    let second = of(&golden.b);
    assert_eq!(
        (&second["cards"], &second["unchanged"], &second["version"]),
        (&json!(0), &json!(1), &json!(1))
    );
    assert_ne!(second["published_at"], first["published_at"]);
    assert_eq!((seen(), published()), (json!(1), json!([5, 1])));
    let cards = "select count(*) from report_cards";
    assert_eq!(app.count(&school.slot, cards), 6);
    app.assert_sound();
}

#[test]
fn a_withdrawn_card_that_says_something_else_comes_back_as_a_new_version() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let path = golden.form.path();
    publish(&school, &golden).expect(200);
    school.admin.act(&format!("{path}unpublish/")).expect(200);
    let comment = golden.comments(5);
    let bravo = json!({"head_teacher": "Bravo"});
    school.admin.put(&comment, &bravo).expect(200);
    let again = publish(&school, &golden).status(200).json;
    assert_eq!(
        (&again["cards"], &again["unchanged"]),
        (&json!(1), &json!(5))
    );
    let versions = "select version from report_cards where is_current = 1 order by version";
    let versions = app.rows(&school.slot, versions);
    assert_eq!(json!(versions), json!([[1], [1], [1], [1], [1], [2]]));
}

#[test]
fn a_position_in_the_form_is_outdated_by_another_class() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    publish(&school, &golden).expect(200);
    // Chipo passes everybody in the other class, and Farai, who was the first of the form.
    app.execute(
        &school.slot,
        &format!(
            "update marks set mark = 10000, is_absent = 0, version = version + 1 where student_session = '{}'",
            golden.students[2]
        ),
    );
    let body = json!({"academic_class": golden.a, "accept_incomplete": true});
    let path = format!("{}publish/", golden.form.path());
    let farai = || golden.card(&school, 5).json;
    assert_eq!(
        (&farai()["position_in_form"], &farai()["is_outdated"]),
        (&json!(1), &json!(false))
    );
    school.admin.post(&path, &body).expect(200);
    assert_eq!(golden.card(&school, 2).json["position_in_form"], 1);
    assert_eq!(farai()["is_outdated"], true);
    // What leaves the places as they are outdates nothing.
    publish(&school, &golden).expect(200);
    let comment = golden.comments(0);
    let bravo = json!({"head_teacher": "Bravo"});
    school.admin.put(&comment, &bravo).expect(200);
    school.admin.post(&path, &body).expect(200);
    assert_eq!(farai()["is_outdated"], false);
}

/// Hundreds of students more than fit into one portion.
fn fill(app: &TestApp, slot: &str, like: &str) {
    app.execute(
        slot,
        &format!(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 700) \
             insert into students select printf('01900000-0000-7000-9000-%012x', i), 'N' || i, first_name || i, middle_name, last_name, \
             gender, dob, admission_year, form, status, enrolment, parent_name, parent_phone, address, null, created_at, updated_at, created_by, null \
             from students, n where id = (select student from student_sessions where id = '{like}'); \
             insert into student_sessions select replace(p.id, '-9000-', '-9001-'), r.session, p.id, r.academic_class, r.boarding_status, \
             r.status, r.created_at, r.updated_at, r.created_by from student_sessions r, students p \
             where r.id = '{like}' and p.id like '01900000-0000-7000-9000-%'"
        ),
    );
}

#[test]
fn a_publication_of_many_cards_comes_in_portions_and_is_there_at_once() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    fill(&app, &school.slot, &golden.students[0]);
    let portions = "select count(*) from publication_portions";
    let current = "select count(*) from report_cards where is_current = 1";
    // What was cut off before is forgotten.
    app.execute(
        &school.slot,
        &format!(
            "insert into publication_portions values ('cut off', 1, '{}', '[]')",
            golden.form.exam_session
        ),
    );
    // What webhooks are told is written with the last portion, and carried out after the answer.
    app.lose_deferred(true);
    let _ = app.take_batches();
    let done = publish(&school, &golden).status(200);
    app.lose_deferred(false);
    assert_eq!(done.json["cards"], 706);
    let writes: Vec<u64> = app
        .take_batches()
        .iter()
        // Webhooks are told after the answer.
        .take(usize::try_from(done.trips()).unwrap())
        .map(|batch| batch.changes)
        .filter(|changes| *changes > 0)
        .collect();
    assert!(writes.len() >= 2, "{writes:?}");
    let (last, ahead) = writes.split_last().unwrap();
    assert!(
        ahead.iter().all(|changes| *changes <= 10) && *last > 706,
        "{writes:?}"
    );
    assert_eq!(app.count(&school.slot, portions), 0);
    assert_eq!(app.count(&school.slot, current), 706);
    app.assert_sound();

    // Of several at once one takes place, whatever portions they lay down beside each other.
    app.execute(&school.slot, "update report_cards set is_outdated = 1");
    let body = json!({"accept_incomplete": true});
    let path = format!("{}publish/", golden.form.path());
    let replies = school.admin.together(3, &Method::POST, &path, Some(&body));
    let (done, lost): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
    assert_eq!((done.len(), &done[0].json["version"]), (1, &json!(2)));
    for reply in &lost {
        refused(reply, 409, "exam_state_changed");
    }
    assert_eq!(app.count(&school.slot, current), 706);
    let versions = "select count(*) from report_cards";
    assert_eq!(app.count(&school.slot, versions), 2 * 706);
    app.assert_sound();
}

#[test]
fn nothing_that_is_saved_while_cards_are_published_is_lost() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    submit(&school, &golden);
    publish(&school, &golden).expect(200);
    let path = golden.form.path();
    let comments = golden.comments(0);
    let body = json!({"accept_incomplete": true});
    for n in 0..4 {
        app.pass_seconds(1);
        let text = format!("New {n}");
        let comment = json!({"head_teacher": text});
        let publication =
            school
                .admin
                .request(&Method::POST, &format!("{path}publish/"), Some(&body));
        let mut requests = vec![
            publication,
            school
                .admin
                .request(&Method::PUT, &comments, Some(&comment)),
        ];
        if n % 2 == 1 {
            requests.reverse();
        }
        let replies = app.run_together(requests);
        let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        assert!(
            statuses.iter().all(|status| [200, 409].contains(status)),
            "{statuses:?}"
        );
        let card = golden.card(&school, 0).json;
        assert!(
            card["head_teacher_comment"]["text"] == json!(text) || card["is_outdated"] == true,
            "{n}: {statuses:?} {}",
            card["head_teacher_comment"]
        );
    }
}

#[test]
fn a_publication_is_refused_where_a_source_was_changed_meanwhile() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let settings = json!({"o_level": ["Total marks"], "a_level": ["Total marks"]});
    school.admin.put("report-settings/", &settings).expect(200);
    let student = &golden.students[0];
    let exam = &golden.form.exam_session;
    let changes = [
        format!(
            "insert into card_comments values ('{exam}', '{student}', 'head_teacher', 'New', 1, null)"
        ),
        "update card_comments set updated_at = 2".to_owned(),
        "update academic_settings set updated_at = updated_at + 1".to_owned(),
        "update curriculum set updated_at = updated_at + 1".to_owned(),
        format!(
            "insert into pass_marks values ('p', '{}', null, 10, 1, 1, null)",
            golden.form.form
        ),
        format!(
            "update student_sessions set status = 'transferred', updated_at = updated_at + 1 where id = '{}'",
            golden.students[4]
        ),
        "update report_settings set updated_at = updated_at + 1".to_owned(),
        "update marks set updated_at = updated_at + 1 where mark = 8000".to_owned(),
    ];
    for change in changes {
        // Between reading and freezing.
        school.admin.get("auth/me/").expect(200);
        app.intrude(Some(Intrusion {
            nth: 2,
            binding: school.slot.clone(),
            sql: change.clone(),
        }));
        refused(&publish(&school, &golden), 409, "changed_meanwhile");
        assert_eq!(
            app.count(&school.slot, "select count(*) from report_cards"),
            0,
            "{change}"
        );
    }
    publish(&school, &golden).expect(200);
}
