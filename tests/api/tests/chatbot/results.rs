use homeroom_api_tests::{
    error_of,
    samples::{Family, Scene},
};
use serde_json::{Value, json};

use super::{BASE, bot, by_number, results};

/// The card as the staff sees it.
fn card(scene: &Scene, family: &Family) -> Value {
    let path = format!("{}report-cards/", family.exam_session);
    let registration = scene
        .school
        .admin
        .get(&path)
        .status(200)
        .str("results/0/id");
    let mut card = scene
        .school
        .admin
        .get(&format!("{path}{registration}/"))
        .status(200)
        .json;
    card.as_object_mut().unwrap().remove("id");
    card
}

#[test]
fn results_by_number_and_by_phone_say_what_the_published_card_says() {
    let scene = Scene::new();
    let family = scene.family(1);
    let bot = bot(&scene, &["chatbot.view_result"]);
    let (number, phone, pin) = (&family.number, &family.phone, &family.pin);
    for query in [
        format!("student_id={number}&pin={pin}"),
        format!("phone={phone}&pin={pin}"),
        format!("phone=%2B{phone}&pin={pin}"),
        format!("phone=+{phone}&pin={pin}"),
        format!("student_id={number}&phone=00{phone}&pin={pin}&term=1"),
    ] {
        let mut found = results(&bot, &query).status(200).json;
        assert_eq!(found["student"]["student_id"], json!(number), "{query}");
        assert_eq!(
            (&found["is_withheld"], &found["card"]["average"]),
            (&json!(false), &json!(57.5))
        );
        found["card"].as_object_mut().unwrap().remove("id");
        assert_eq!(found["card"], card(&scene, &family), "{query}");
    }
    for query in [
        format!("student_id={number}&pin={pin}&term=2"),
        format!(
            "student_id={number}&pin={pin}&exam_session={}",
            scene.school.id
        ),
    ] {
        assert_eq!(error_of(&results(&bot, &query)), (404, "not_found".into()));
    }
}

#[test]
fn results_are_asked_for_in_three_trips_by_whoever_asks_first() {
    let scene = Scene::new();
    let family = scene.family(1);
    let bot = bot(&scene, &["chatbot.view_result"]);
    for query in [
        format!("student_id={}&pin={}", family.number, family.pin),
        format!("phone={}&pin={}", family.phone, family.pin),
    ] {
        scene.app.restart(1);
        let cold = results(&bot, &query).status(200);
        assert!(cold.trips() <= 3, "{} trips", cold.trips());
        assert_eq!(results(&bot, &query).status(200).trips(), 1);
    }
}

#[test]
fn a_withheld_card_says_so_and_nothing_else() {
    let scene = Scene::new();
    let family = scene.family(1);
    let bot = bot(&scene, &["chatbot.view_result"]);
    let cards = format!("{}report-cards/", family.exam_session);
    let id = scene
        .school
        .admin
        .get(&cards)
        .status(200)
        .str("results/0/id");
    let reason = json!({"reason": "Fees are outstanding."});
    scene
        .school
        .admin
        .post(&format!("{cards}{id}/withhold/"), &reason)
        .expect(200);
    let held = by_number(&bot, &family, &family.pin).status(200);
    assert_eq!(
        (&held.json["is_withheld"], &held.json["card"]),
        (&json!(true), &Value::Null)
    );
    for told in ["Fees", "57.5", "Mathematics"] {
        assert!(!held.text.contains(told), "{}", held.text);
    }
    scene
        .school
        .admin
        .act(&format!("{cards}{id}/release/"))
        .expect(200);
    assert_eq!(
        by_number(&bot, &family, &family.pin).status(200).json["card"]["average"],
        57.5
    );
}

#[test]
fn what_is_not_published_or_not_released_is_not_found() {
    let scene = Scene::new();
    let family = scene.family(1);
    let bot = bot(&scene, &["chatbot.view_result"]);
    let admin = &scene.school.admin;
    let released = || bot.get("released-exam-sessions/").status(200).json["count"].clone();
    assert_eq!(released(), 1);
    let later = json!({"release_at": scene.app.now().plus_seconds(300)});
    admin.patch(&family.exam_session, &later).expect(200);
    assert_eq!(
        error_of(&by_number(&bot, &family, &family.pin)),
        (404, "not_found".into())
    );
    assert_eq!(released(), 0);
    scene.app.pass_seconds(301);
    by_number(&bot, &family, &family.pin).expect(200);
    admin
        .act(&format!("{}unpublish/", family.exam_session))
        .expect(200);
    assert_eq!(
        error_of(&by_number(&bot, &family, &family.pin)),
        (404, "not_found".into())
    );
    assert_eq!(released(), 0);
    let sessions = bot.get("academic-sessions/").status(200);
    assert_eq!(sessions.column("name"), ["Year C1"]);
}

#[test]
fn each_child_of_a_phone_number_has_a_pin_and_the_others_are_named_to_choose_from() {
    let scene = Scene::new();
    let (first, second) = (scene.family(1), scene.family(2));
    let admin = &scene.school.admin;
    let guardian = admin
        .get("guardians/?ordering=created_at")
        .status(200)
        .str("results/0/id");
    let link = json!({"guardian": guardian, "relation": "aunt", "is_primary": false});
    admin
        .post(&format!("students/{}/guardians/", second.student), &link)
        .expect(201);
    let bot = bot(&scene, &["chatbot.view_*"]);
    let students = bot
        .get(&format!("students/?phone={}", first.phone))
        .status(200);
    let numbers = [first.number.as_str(), second.number.as_str()];
    assert_eq!(students.column("student_id"), numbers);
    assert_eq!(students.column("relation"), ["mother", "aunt"]);
    assert_eq!(students.json["results"][0]["whatsapp_consent"], true);
    for child in [&first, &second] {
        let found = results(&bot, &format!("phone={}&pin={}", first.phone, child.pin)).status(200);
        assert_eq!(found.str("student/student_id"), child.number);
        assert_eq!(found.str("card/student_number"), child.number);
        let named: Vec<_> = found.json["students"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| &s["student_id"])
            .collect();
        assert_eq!(named, numbers);
    }
    // The other guardian is of one of them only.
    let alone = results(&bot, &format!("phone={}&pin={}", second.phone, first.pin));
    assert_eq!(error_of(&alone), (403, "wrong_pin".into()));
}

#[test]
fn the_newest_card_is_that_of_the_newest_term_whichever_was_published_last() {
    let scene = Scene::new();
    let family = scene.family(1);
    let bot = bot(&scene, &["chatbot.view_result"]);
    let (admin, slot) = (&scene.school.admin, &scene.school.slot);
    let parts: Vec<&str> = family.exam_session.split('/').collect();
    let (session, first) = (parts[1], parts[3]);
    let registration = scene
        .app
        .value(slot, "select student_session from report_cards");
    // The card once more, as that of another term, published a day later.
    let publish = |session: &str, registration: &Value, term: &str| {
        let body = json!({"term": term, "name": format!("Term {term}")});
        let path = format!("sessions/{session}/exam-sessions/");
        let exams = admin.post(&path, &body).status(201).id();
        scene.app.execute(
            slot,
            &format!(
                "update exam_sessions set state = 'published' where id = '{exams}'; insert into publications \
                 (id, exam_session, version, scales, settings, published_at) select 'p-{term}', '{exams}', 1, scales, settings, \
                 published_at + 86400000 from publications where exam_session = '{first}'; insert into report_cards (id, \
                 publication, exam_session, student_session, academic_class, version, card, digest, is_outdated, is_current, \
                 created_at, updated_at) select 'c-{term}', 'p-{term}', '{exams}', '{}', academic_class, 1, card, digest, 0, 1, \
                 0, 0 from report_cards where exam_session = '{first}'",
                registration.as_str().unwrap()
            ),
        );
        exams
    };
    let shown = |query: &str| {
        let query = format!("student_id={}&pin={}{query}", family.number, family.pin);
        results(&bot, &query).status(200).str("exam_session")
    };
    let before = json!({"name": "2025", "start_date": "2025-01-01T00:00:00Z", "end_date": "2025-12-31T00:00:00Z"});
    let before = admin.post("sessions/", &before).status(201).id();
    let path = format!("sessions/{before}/student-sessions/");
    let body = json!({"student": family.student});
    let registered = admin.post(&path, &body).status(201).id();
    let old = publish(&before, &json!(registered), "3");
    assert_eq!(shown(""), first);
    let second = publish(session, &registration, "2");
    scene.app.execute(
        slot,
        &format!("update publications set published_at = published_at + 172800000 where exam_session = '{first}'"),
    );
    assert_eq!(shown(""), second);
    for (term, exams) in [("1", first), ("2", &second), ("3", &old)] {
        assert_eq!(shown(&format!("&term={term}")), exams);
    }
}

#[test]
fn of_a_phone_number_with_more_than_fifty_students_one_is_to_be_named() {
    let scene = Scene::new();
    let family = scene.family(1);
    let bot = bot(&scene, &["chatbot.view_result"]);
    let admin = &scene.school.admin;
    let guardian = admin.get("guardians/").status(200).str("results/0/id");
    let by_phone = format!("phone={}&pin={}", family.phone, family.pin);
    for n in 1..=50 {
        let body = json!({"first_name": "Ann", "last_name": "Moyo", "admission_year": 2026, "student_id": format!("H-{n}")});
        let student = admin.post("admissions/", &body).status(201).id();
        let link = json!({"guardian": guardian, "relation": "aunt", "is_primary": false});
        let path = format!("students/{student}/guardians/");
        admin.post(&path, &link).expect(201);
        if n == 49 {
            results(&bot, &by_phone).expect(200);
        }
    }
    for _ in 0..6 {
        let reply = results(&bot, &by_phone).status(400);
        let message = "This phone number has more than 50 students: name the student's number too.";
        assert_eq!(reply.json, json!({"student_id": [message]}));
    }
    let both = results(&bot, &format!("student_id={}&{by_phone}", family.number));
    assert_eq!(both.status(200).str("student/student_id"), family.number);
}

#[test]
fn a_phone_number_of_another_school_shows_nothing() {
    let scene = Scene::new();
    let family = scene.family(1);
    let beta = scene.app.school("beta").admin.base(BASE);
    let found = beta
        .get(&format!("students/?phone={}", family.phone))
        .status(200);
    assert_eq!(
        (&found.json["count"], &found.json["results"]),
        (&json!(0), &json!([]))
    );
    for query in [
        format!("phone={}&pin={}", family.phone, family.pin),
        format!("student_id={}&pin={}", family.number, family.pin),
    ] {
        assert_eq!(error_of(&results(&beta, &query)), (403, "wrong_pin".into()));
    }
    // What is counted there is not counted here.
    for _ in 0..5 {
        let _ = by_number(&beta, &family, "000000");
    }
    by_number(&scene.school.admin.base(BASE), &family, &family.pin).expect(200);
}

#[test]
fn mistakes_in_a_query_are_named_and_count_nothing() {
    let scene = Scene::new();
    let family = scene.family(1);
    let bot = bot(&scene, &["chatbot.view_*"]);
    for (query, field) in [
        ("pin=000000", "student_id"),
        ("student_id=1", "pin"),
        ("student_id=1&pin=12345", "pin"),
        ("student_id=1&pin=000000&term=4", "term"),
        ("student_id=1&pin=000000&exam_session=x", "exam_session"),
        ("phone=Ada&pin=000000", "phone"),
        ("student_id=1&pin=000000&name=x", "name"),
    ] {
        assert_eq!(
            results(&bot, query).status(400).fields(),
            [field],
            "{query}"
        );
    }
    assert_eq!(bot.get("students/").status(400).fields(), ["phone"]);
    for _ in 0..6 {
        by_number(&bot, &family, "12345").expect(400);
    }
    by_number(&bot, &family, &family.pin).expect(200);
}
