//! When families see results that are worked out from those of other exam sessions, which stand on the same card.

use homeroom_api_tests::{Client, PASSWORD, School, TestApp, sign_in};
use serde_json::json;

use super::{
    greenwood, refused,
    year_results::{Year, publish, year},
};

/// The second student, signed in.
fn student(app: &TestApp, school: &School, year: &Year) -> Client {
    let email = "bongai@greenwood.example";
    let body =
        json!({"email": email, "first_name": "Bongai", "last_name": "Ncube", "password": PASSWORD});
    let user = school.admin.post("users/", &body).status(201).id();
    let sql = format!(
        "update students set user = '{user}' where id = (select student from student_sessions where id = '{}')",
        year.students[1]
    );
    app.execute(&school.slot, &sql);
    sign_in(&school.anonymous(), email)
}

/// Names of the exam sessions whose cards somebody sees.
fn seen(own: &Client) -> Vec<String> {
    let list = own.get("my/report-cards/?page_size=50").status(200);
    let mut names = list.column("exam_session_name");
    names.sort_unstable();
    names
}

#[test]
fn a_year_waits_for_the_release_of_each_of_its_parts() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    year.publish_parts(&school);
    year.publish(&school).expect(200);
    let own = student(&app, &school, &year);
    assert_eq!(seen(&own), ["End of term", "Final", "Midterm", "Year"]);
    let release = |seconds: i64| {
        let at = app.now().plus_seconds(seconds).millis();
        let id = &year.parts[1];
        let sql = format!("update exam_sessions set release_at = {at} where id = '{id}'");
        app.execute(&school.slot, &sql);
    };
    release(60);
    assert_eq!(seen(&own), ["End of term", "Final"]);
    app.pass_seconds(60);
    assert_eq!(seen(&own), ["End of term", "Final", "Midterm", "Year"]);
}

#[test]
fn a_withheld_card_of_a_part_withholds_the_year_of_that_student_until_it_is_released() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    year.publish_parts(&school);
    year.publish(&school).expect(200);
    let own = student(&app, &school, &year);
    let held = format!("{}report-cards/{}/", year.part(2), year.students[1]);
    let reason = json!({"reason": "Fees are outstanding."});
    school
        .admin
        .post(&format!("{held}withhold/"), &reason)
        .expect(200);
    assert_eq!(seen(&own), ["End of term", "Midterm"]);
    let card = year.card(&school, 1);
    assert_eq!(card["is_withheld"], true);
    assert_eq!(card["withheld_reason"], "Fees are outstanding.");
    assert_eq!(year.card(&school, 0)["is_withheld"], false);
    let list = format!("{}report-cards/?is_withheld=true", year.form.path());
    let names = school.admin.get(&list).status(200).column("student_name");
    assert_eq!(names, ["Bongai Ncube"]);
    let path = format!("students/{}/transcript/", card["student"].as_str().unwrap());
    let transcript = school.admin.get(&path).status(200).json;
    let cards = transcript["report_cards"].as_array().unwrap();
    let hidden = cards.iter().filter(|card| card["figures"].is_null());
    let mut hidden: Vec<&str> = hidden
        .map(|card| card["exam_session_name"].as_str().unwrap())
        .collect();
    hidden.sort_unstable();
    assert_eq!(hidden, ["Final", "Year"]);
    school.admin.act(&format!("{held}release/")).expect(200);
    assert_eq!(seen(&own), ["End of term", "Final", "Midterm", "Year"]);
}

#[test]
fn a_year_is_published_for_the_classes_of_which_each_part_is() {
    let (app, school) = greenwood();
    let year = year(&app, &school);
    for part in [1, 2] {
        publish(&school, &year.part(part)).expect(200);
    }
    let part = year.part(0);
    school.admin.act(&format!("{part}submit/")).expect(200);
    let one = json!({"academic_class": year.classes[0], "accept_incomplete": true});
    school
        .admin
        .post(&format!("{part}publish/"), &one)
        .expect(200);
    refused(&year.publish(&school), 409, "parts_not_published");
    let path = year.form.path();
    school.admin.act(&format!("{path}submit/")).expect(200);
    let done = school
        .admin
        .post(&format!("{path}publish/"), &one)
        .status(200);
    assert_eq!(done.json["cards"], 5);
    publish(&school, &part).expect(200);
    year.publish(&school).expect(200);
    app.assert_sound();
}
