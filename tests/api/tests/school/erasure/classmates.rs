//! What an erased student leaves as it was: everything of everybody else.

use serde_json::{Value, json};

use super::{Place, publish};

/// What the school sees of the exams of the form.
fn seen(place: &Place) -> Vec<(String, String)> {
    let (golden, admin) = (&place.golden, place.admin());
    let path = golden.form.path();
    let mut pages = vec![
        format!("{path}broadsheet/?academic_class={}", golden.a),
        format!("{path}broadsheet/?academic_class={}", golden.b),
        format!("{path}report-cards/"),
        format!("{path}report-card-status/"),
        format!("{path}comment-status/"),
        format!("sessions/{}/academic-classes/", golden.form.session),
    ];
    for registration in &golden.students {
        pages.push(format!("{path}report-cards/{registration}/"));
        pages.push(format!("{path}report-cards/{registration}/?version=1"));
    }
    let read = |page: String| {
        let reply = admin.get(&page).status(200);
        (page, reply.text)
    };
    pages.into_iter().map(read).collect()
}

fn worked_out(place: &Place) -> Value {
    let path = format!("{}report-cards/compute/", place.golden.form.path());
    place.admin().post(&path, &json!({})).status(200).json
}

#[test]
fn cards_broadsheets_and_figures_of_classmates_stay_byte_for_byte() {
    let place = Place::new();
    let number = place.record()["student_id"].as_str().unwrap().to_owned();
    publish(&place.school, &place.golden).expect(200);
    place.leave();
    let before = seen(&place);
    let erased = place.erase().status(200).str("student_id");
    let after = seen(&place);
    for ((page, before), (_, after)) in before.iter().zip(&after) {
        let renamed = before
            .replace("Anesu Moyo", "Erased student")
            .replace(&format!("\"{number}\""), &format!("\"{erased}\""));
        assert_eq!(&renamed, after, "{page}");
    }
    assert!(before.iter().any(|(_, text)| text.contains("Anesu Moyo")));
    // The frozen card is what would be published now: nothing is to be published anew.
    assert_eq!(worked_out(&place)["changed"], json!([]));
    place.app.pass_seconds(5);
    let again = publish(&place.school, &place.golden).status(200).json;
    assert_eq!(
        (&again["cards"], &again["unchanged"]),
        (&json!(0), &json!(6))
    );
}

#[test]
fn what_was_written_by_hand_goes_from_every_version_and_figures_stay() {
    let place = Place::new();
    let (golden, admin) = (&place.golden, place.admin());
    let card = format!("{}report-cards/{}/", golden.form.path(), golden.students[0]);
    for text in ["Anesu is diligent", "Anesu is tall"] {
        let body = json!({"class_teacher": text});
        admin.put(&format!("{card}comments/"), &body).expect(200);
        publish(&place.school, golden).expect(200);
    }
    place.leave();
    let version = |n: u32| admin.get(&format!("{card}?version={n}")).status(200).json;
    let before = [version(1), version(2)];
    place.erase().expect(200);
    for (n, before) in (1..).zip(before) {
        let mut expected = before;
        expected["student_name"] = json!("Erased student");
        expected["student_number"] = json!(format!("erased-{}", place.student));
        expected["class_teacher_comment"] = json!({"text": "", "source": null});
        assert_eq!(version(n), expected);
    }
}

#[test]
fn a_comment_template_takes_the_place_of_a_handwritten_comment_once_it_is_published_again() {
    let place = Place::new();
    let (golden, admin) = (&place.golden, place.admin());
    let template =
        json!({"level": "O Level", "min_mark": 0, "max_mark": 100, "text": "A fine term."});
    place.made("class-teacher-comments/", &template);
    let card = format!("{}report-cards/{}/", golden.form.path(), golden.students[0]);
    let written = json!({"class_teacher": "Anesu is diligent"});
    admin.put(&format!("{card}comments/"), &written).expect(200);
    publish(&place.school, golden).expect(200);
    place.leave();
    assert_eq!(worked_out(&place)["changed"], json!([]));
    place.erase().expect(200);
    let comment = || admin.get(&card).status(200).json["class_teacher_comment"].clone();
    assert_eq!(comment(), json!({"text": "", "source": null}));
    let changed = worked_out(&place)["changed"].clone();
    assert_eq!(changed.as_array().map(Vec::len), Some(1), "{changed}");
    let again = publish(&place.school, golden).status(200).json;
    assert_eq!(
        (&again["cards"], &again["unchanged"]),
        (&json!(1), &json!(5))
    );
    assert_eq!(
        comment(),
        json!({"text": "A fine term.", "source": "template"})
    );
}

#[test]
fn a_publication_at_the_same_time_freezes_no_name() {
    for erases_first in [true, false] {
        let place = Place::new();
        place.leave();
        let number = place.record()["student_id"].clone();
        let body = json!({"student_id": number, "reason": "Asked for."});
        let path = format!("students/{}/erase/", place.student);
        let post = |path: &str, body: &Value| {
            let admin = place.admin();
            admin.request(&http::Method::POST, path, Some(body))
        };
        let publication = format!("{}publish/", place.golden.form.path());
        let mut requests = vec![
            post(&path, &body),
            post(&publication, &json!({"accept_incomplete": true})),
        ];
        if !erases_first {
            requests.reverse();
        }
        let replies = place.app.run_together(requests);
        assert!(replies.iter().any(|reply| reply.status == 200));
        for reply in &replies {
            let known = reply.status == 200
                || ["changed_meanwhile", "exam_state_changed"].contains(&reply.code());
            assert!(known, "{} {}", reply.status, reply.text);
        }
        place.erase().expect(200);
        assert!(!place.dump().contains("Anesu"), "{erases_first}");
    }
}
