use homeroom_api_tests::{Client, PASSWORD, School, TestApp, error_of, samples, sign_in};
use homeroom_domain::files::picture;
use http::Method;
use serde_json::json;

use super::{
    greenwood,
    publication::publish,
    refused,
    report_cards::{Golden, golden},
    someone,
};

/// A student and the guardian of the same student, signed in, and somebody else's guardian.
fn family(app: &TestApp, school: &School, golden: &Golden) -> [Client; 3] {
    let student = app.value(
        &school.slot,
        &format!(
            "select student from student_sessions where id = '{}'",
            golden.students[0]
        ),
    );
    let student = student.as_str().unwrap();
    let [own, mother, other] = ["anesu", "mother", "other"].map(|name| {
        let email = format!("{name}@greenwood.example");
        let body =
            json!({"email": email, "first_name": name, "last_name": "Moyo", "password": PASSWORD});
        let id = school.admin.post("users/", &body).status(201).id();
        (id, sign_in(&school.anonymous(), &email))
    });
    let change = json!({"user": own.0});
    school
        .admin
        .patch(&format!("admissions/{student}/"), &change)
        .expect(200);
    let now = app.now().millis();
    for (n, (user, of)) in [
        (&mother.0, golden.students[0].as_str()),
        (&other.0, golden.students[5].as_str()),
    ]
    .into_iter()
    .enumerate()
    {
        app.execute(
            &school.slot,
            &format!(
                "insert into guardians (id, first_name, last_name, phone_number, consent, user, created_at, updated_at) values \
                 ('01900000-0000-7000-8000-0000000000a{n}', 'G', 'G', '+26377100000{n}', '{{}}', '{user}', {now}, {now}); \
                 insert into student_guardians (id, student, guardian, relation, is_primary, created_at, updated_at) \
                 select '01900000-0000-7000-8000-0000000000b{n}', student, '01900000-0000-7000-8000-0000000000a{n}', \
                 'mother', 1, {now}, {now} from student_sessions where id = '{of}'"
            ),
        );
    }
    [own.1, mother.1, other.1]
}

#[test]
fn students_and_guardians_see_own_cards_when_published_released_and_not_withheld() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let [own, mother, other] = family(&app, &school, &golden);
    let count = |client: &Client| client.get("my/report-cards/").status(200).json["count"].clone();
    assert_eq!(count(&own), 0, "not published");
    let path = format!(
        "sessions/{}/exam-sessions/{}/",
        golden.form.session, golden.form.exam_session
    );
    let later = app.now().plus_seconds(300);
    school
        .admin
        .patch(&path, &json!({"release_at": later}))
        .expect(200);
    publish(&school, &golden).expect(200);
    assert_eq!(
        (count(&own), count(&mother)),
        (json!(0), json!(0)),
        "not released"
    );
    let card = |client: &Client, id: &str| client.get(&format!("my/report-cards/{id}/"));
    let id = app.value(
        &school.slot,
        &format!(
            "select id from report_cards where student_session = '{}'",
            golden.students[0]
        ),
    );
    let id = id.as_str().unwrap().to_owned();
    assert_eq!(card(&own, &id).status, 404);
    app.pass_seconds(301);
    let logo = samples::logo(7);
    let png = picture::decode(&logo).unwrap();
    school
        .admin
        .raw(&Method::PUT, "logo/", Some("image/png"), &png)
        .expect(200);
    for client in [&own, &mother] {
        let list = client.get("my/report-cards/").status(200);
        assert_eq!(list.column("student_name"), ["Anesu Moyo"]);
        assert_eq!(list.column("id"), [id.as_str()]);
        let found = card(client, &id).status(200);
        assert_eq!(found.json["average"], 66.67);
        let page = client
            .get(&format!("my/report-cards/{id}/?format=html"))
            .status(200);
        assert!(page.text.contains("Anesu Moyo"));
        assert!(page.text.contains(&logo));
        assert!(
            client
                .get(&format!("my/report-cards/{id}/?format=pdf"))
                .status(200)
                .bytes
                .starts_with(b"%PDF")
        );
        refused(
            &client.get(&format!("{path}report-cards/")),
            403,
            "permission_denied",
        );
    }
    assert_eq!(
        other
            .get("my/report-cards/")
            .status(200)
            .column("student_name"),
        ["Farai Zhou"]
    );
    assert_eq!(error_of(&card(&other, &id)), (404, "not_found".into()));
    let admin = &school.admin;
    assert_eq!(count(admin), 0);

    let held = format!("{path}report-cards/{}/", golden.students[0]);
    let reason = json!({"reason": "Fees are outstanding."});
    admin.post(&format!("{held}withhold/"), &reason).expect(200);
    for client in [&own, &mother] {
        assert_eq!(count(client), 0);
        assert_eq!(error_of(&card(client, &id)), (404, "not_found".into()));
    }
    let staff = admin.get(&held).status(200);
    assert_eq!(
        (&staff.json["is_withheld"], &staff.json["withheld_reason"]),
        (&json!(true), &json!("Fees are outstanding."))
    );
    // A new version is withheld too, and the old id leads to it once it is released.
    let comment = json!({"head_teacher": "Bravo"});
    admin.put(&format!("{held}comments/"), &comment).expect(200);
    let body = json!({"accept_incomplete": true});
    admin.post(&format!("{path}publish/"), &body).expect(200);
    assert_eq!(count(&own), 0);
    admin.act(&format!("{held}release/")).expect(200);
    refused(&admin.act(&format!("{held}release/")), 409, "not_withheld");
    assert_eq!(card(&own, &id).status(200).json["version"], 2);
    admin.act(&format!("{path}unpublish/")).expect(200);
    assert_eq!((count(&own), card(&own, &id).status), (json!(0), 404));
}

#[test]
fn a_card_can_be_withheld_before_it_is_published() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let [own, mother, _] = family(&app, &school, &golden);
    let path = format!(
        "{}report-cards/{}/withhold/",
        golden.form.path(),
        golden.students[0]
    );
    assert_eq!(
        school.admin.post(&path, &json!({"reason": " "})).fields(),
        ["reason"]
    );
    school
        .admin
        .post(&path, &json!({"reason": "Fees"}))
        .expect(200);
    publish(&school, &golden).expect(200);
    for client in [&own, &mother] {
        assert_eq!(client.get("my/report-cards/").status(200).json["count"], 0);
    }
    let (teacher, _) = someone(&school, "t@greenwood.example", &["Teacher"]);
    refused(
        &teacher.post(&path, &json!({"reason": "Fees"})),
        403,
        "permission_denied",
    );
    let missing = path.replace(&golden.students[0], &golden.form.form);
    refused(
        &school.admin.post(&missing, &json!({"reason": "Fees"})),
        404,
        "not_found",
    );
}
