//! `/api/v1/school/my/calendar-feeds/` and what is read at their addresses.

use homeroom_api_tests::{Client, PASSWORD, Reply, TestApp};
use serde_json::{Value, json};

use super::{
    login, refused, someone,
    timetable_calendar::{events, occurrences, value},
    year::Year,
};

const FEEDS: &str = "my/calendar-feeds/";

fn feed(client: &Client, body: &Value) -> Reply {
    client.post(FEEDS, body).status(201)
}

/// What a calendar program sees: it knows the address and nothing else.
fn read(door: &Client, address: &str) -> Reply {
    let (origin, path) = address.split_once("/api/").unwrap();
    assert_eq!(origin, "https://greenwood.homeroom.example");
    door.get(&format!("/api/{path}"))
}

/// The events by UID.
fn uids(reply: &Reply) -> Vec<String> {
    let mut uids: Vec<String> = events(&reply.text)
        .iter()
        .map(|event| value(event, "UID").replace("@homeroom", ""))
        .collect();
    uids.sort();
    uids
}

#[test]
fn a_calendar_program_reads_a_teachers_own_lessons_at_the_address_alone() {
    let year = Year::new();
    year.in_zone("Africa/Harare");
    let mine = year.lesson(1, json!({"valid_to": "2025-09-10"}));
    year.lesson(2, json!({"teacher": year.stranger.staff}));
    let made = feed(&year.colleague.client, &json!({"name": "Phone"}));
    let address = made.str("address");
    assert_eq!(
        made.header("location"),
        format!("/api/v1/school/{FEEDS}{}/", made.id())
    );
    let door = year.school.anonymous();
    let reply = read(&door, &address).status(200);
    assert_eq!(reply.header("content-type"), "text/calendar; charset=utf-8");
    assert!(reply.header("cache-control").contains("no-store"));
    assert_eq!(uids(&reply), [mine.as_str()]);
    assert_eq!(
        value(&events(&reply.text)[0], "SUMMARY").replace('\\', ""),
        "Mathematics, 3A"
    );
    assert_eq!(
        occurrences(&reply.text, &mine),
        ["2025-09-01T06:00Z", "2025-09-08T06:00Z"]
    );
    // As it is now, each time it is read.
    year.admin.delete(&format!("timetable/{mine}/")).expect(204);
    assert_eq!(uids(&read(&door, &address)), Vec::<String>::new());
}

#[test]
fn students_and_guardians_subscribe_to_the_classes_they_are_concerned_with() {
    let year = Year::new();
    let (pupil, user) = someone(&year.school, "pupil@people.example", &["Student"]);
    let (mother, parent) = someone(&year.school, "mother@people.example", &[]);
    let (student, registered) = year.student("tendai", &year.class);
    let own = format!("admissions/{student}/");
    year.admin.patch(&own, &json!({"user": user})).expect(200);
    let (sister, _) = year.student("rudo", &year.other_class);
    let body =
        json!({"first_name": "M", "last_name": "D", "email": "m@people.example", "user": parent});
    let guardian = year.admin.post("guardians/", &body).status(201).id();
    for child in [&student, &sister] {
        let body = json!({"guardian": guardian, "relation": "mother"});
        let path = format!("students/{child}/guardians/");
        year.admin.post(&path, &body).expect(201);
    }
    year.teach(&year.other_class, &year.mathematics, &year.stranger.staff);
    let first = year.lesson(1, json!({}));
    let other = year.lesson(
        2,
        json!({"academic_class": year.other_class, "teacher": year.stranger.staff}),
    );
    let door = year.school.anonymous();
    let [of_pupil, of_mother] =
        [&pupil, &mother].map(|client| feed(client, &json!({})).str("address"));
    assert_eq!(uids(&read(&door, &of_pupil)), [first.as_str()]);
    assert_eq!(
        uids(&read(&door, &of_mother)),
        [first.clone(), other.clone()]
    );
    year.leaves(&registered);
    assert_eq!(uids(&read(&door, &of_pupil)), Vec::<String>::new());
    assert_eq!(uids(&read(&door, &of_mother)), [other]);
}

#[test]
fn the_calendar_of_a_class_needs_the_permission_when_it_is_made_and_when_it_is_read() {
    let year = Year::new();
    let lesson = year.lesson(1, json!({}));
    let (pupil, _) = someone(&year.school, "pupil@people.example", &["Student"]);
    let of_class = json!({"academic_class": year.class});
    refused(&pupil.post(FEEDS, &of_class), 403, "permission_denied");
    let (viewer, user) = someone(&year.school, "viewer@people.example", &["Office"]);
    let of_teacher = json!({"teacher": year.colleague.staff});
    let addresses = [&of_class, &of_teacher].map(|body| feed(&viewer, body).str("address"));
    let own = feed(&viewer, &json!({})).str("address");
    let door = year.school.anonymous();
    for address in &addresses {
        assert_eq!(uids(&read(&door, address)), [lesson.as_str()]);
    }
    let roles = json!({"role_ids": [year.school.role("Student")]});
    year.school
        .admin
        .patch(&format!("users/{user}/"), &roles)
        .expect(200);
    for address in &addresses {
        refused(&read(&door, address), 401, "not_authenticated");
    }
    // What is the own needs none.
    read(&door, &own).expect(200);
}

#[test]
fn every_token_that_opens_nothing_is_answered_alike() {
    let year = Year::new();
    let elsewhere = year.app.school("elsewhere");
    let foreign = elsewhere
        .admin
        .post(FEEDS, &json!({}))
        .status(201)
        .str("address");
    let (_, foreign) = foreign.split_once("?token=").unwrap();
    let (client, user) = someone(&year.school, "gone@people.example", &["Teacher"]);
    let made = feed(&client, &json!({}));
    let address = made.str("address");
    let (_, token) = address.split_once("?token=").unwrap();
    let door = year.school.anonymous();
    let wrong = format!("{}A", &token[..42]);
    let wrong = if wrong == token {
        format!("{}E", &token[..42])
    } else {
        wrong
    };
    let get = |query: &str| door.get(&format!("timetable.ics{query}"));
    get(&format!("?token={token}")).expect(200);
    client.delete(&format!("{FEEDS}{}/", made.id())).expect(204);
    let inactive = feed(&client, &json!({})).str("address");
    year.school
        .admin
        .patch(&format!("users/{user}/"), &json!({"is_active": false}))
        .expect(200);
    let (_, inactive) = inactive.split_once("?token=").unwrap();
    let unknown = get("?token=").text;
    for query in [
        String::new(),
        format!("?token={wrong}"),
        format!("?token={token}"),
        format!("?token={foreign}"),
        format!("?token={inactive}"),
        format!("?token={}", "A".repeat(43)),
        format!("?token={}", "A".repeat(2_000)),
        "?token=%00".to_owned(),
        "?token=%27%20or%201=1--".to_owned(),
    ] {
        let reply = get(&query);
        refused(&reply, 401, "not_authenticated");
        assert_eq!(reply.text, unknown, "{query}");
    }
    // A feed's token is no other credential, and no other credential is a feed's token.
    let live = feed(&year.colleague.client, &json!({})).str("address");
    let (_, live) = live.split_once("?token=").unwrap();
    refused(
        &door.bearer(live).get("timetable/"),
        401,
        "not_authenticated",
    );
    refused(
        &door.api_key(live).get("timetable/"),
        401,
        "not_authenticated",
    );
    let bearer = year.colleague.client.token();
    refused(&get(&format!("?token={bearer}")), 401, "not_authenticated");
    refused(
        &year.colleague.client.get("timetable.ics"),
        401,
        "not_authenticated",
    );
}

#[test]
fn a_suspended_school_answers_for_every_token_alike() {
    let year = Year::new();
    let address = feed(&year.colleague.client, &json!({})).str("address");
    let door = year.school.anonymous();
    let school = format!("schools/{}/", year.school.id);
    year.app
        .platform()
        .act(&format!("{school}suspend/"))
        .expect(200);
    let [known, unknown] = [
        read(&door, &address),
        door.get(&format!("timetable.ics?token={}", "A".repeat(43))),
    ];
    refused(&known, 403, "school_suspended");
    assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
    year.app
        .platform()
        .act(&format!("{school}activate/"))
        .expect(200);
    year.app.pass_seconds(5);
    read(&door, &address).expect(200);
}

/// Does what ends every sign-in of the user, as the user or as the administrator.
type End = fn(&Year, &Client, &str);

#[test]
fn a_feed_ends_with_every_sign_in_of_its_user() {
    let ends: [End; 4] = [
        |_, client, _| client.act("auth/logout-all/").expect(204),
        |_, client, _| {
            let body = json!({"old_password": PASSWORD, "new_password": "a rather different one"});
            client.post("auth/change-password/", &body).expect(200);
        },
        |year, _, user| {
            let admin = &year.school.admin;
            let path = format!("users/{user}/");
            admin.patch(&path, &json!({"is_active": false})).expect(200);
            admin.patch(&path, &json!({"is_active": true})).expect(200);
        },
        |year, _, user| {
            year.school
                .admin
                .delete(&format!("users/{user}/"))
                .expect(204)
        },
    ];
    let year = Year::new();
    let (door, kept) = (
        year.school.anonymous(),
        feed(&year.colleague.client, &json!({})).str("address"),
    );
    for (n, end) in ends.into_iter().enumerate() {
        let (client, user) = someone(&year.school, &format!("t{n}@people.example"), &["Teacher"]);
        let address = feed(&client, &json!({})).str("address");
        read(&door, &address).expect(200);
        // Ending this one sign-in ends no feed.
        let access = login(&door, &format!("t{n}@people.example"), PASSWORD)
            .status(200)
            .str("access");
        door.bearer(&access).act("auth/logout/").expect(204);
        read(&door, &address).expect(200);
        end(&year, &client, &user);
        refused(&read(&door, &address), 401, "not_authenticated");
    }
    read(&door, &kept).expect(200);
}

#[test]
fn everybody_lists_and_ends_the_own_feeds_only() {
    let year = Year::new();
    let (one, other) = (&year.colleague.client, &year.leader.client);
    let made = feed(one, &json!({"name": "Phone"}));
    let list = one.get(FEEDS).status(200);
    assert_eq!(list.column("name"), ["Phone"]);
    assert_eq!(list.str("results/0/id"), made.id());
    assert!(!list.text.contains("address") && !list.text.contains("token"));
    assert_eq!(other.get(FEEDS).status(200).json["count"], 0);
    let path = format!("{FEEDS}{}/", made.id());
    refused(&other.get(&path), 404, "not_found");
    refused(&other.delete(&path), 404, "not_found");
    refused(&year.school.admin.delete(&path), 404, "not_found");
    // A key has no feeds, and a platform user none in a school.
    refused(&year.admin.post(FEEDS, &json!({})), 403, "no_account");
    read(&year.school.anonymous(), &made.str("address")).expect(200);
    one.delete(&path).expect(204);
    refused(&one.get(&path), 404, "not_found");
    refused(&one.delete(&path), 404, "not_found");
}

#[test]
fn a_feed_names_at_most_one_class_or_teacher_that_exist() {
    let year = Year::new();
    let client = &year.colleague.client;
    let missing = "01890000-0000-7000-8000-00000000dead";
    for (body, field) in [
        (json!({"academic_class": missing}), "academic_class"),
        (json!({"teacher": missing}), "teacher"),
        (
            json!({"academic_class": year.class, "teacher": year.colleague.staff}),
            "academic_class",
        ),
        (json!({"name": "x".repeat(101)}), "name"),
        (json!({"user": missing}), "user"),
    ] {
        assert_eq!(client.post(FEEDS, &body).fields(), [field], "{body}");
    }
}

fn everywhere(app: &TestApp, slot: &str) -> String {
    app.dump("CONTROL") + &app.dump(slot)
}

#[test]
fn the_token_is_in_no_table_log_or_audit_line() {
    let year = Year::new();
    let client = year.colleague.client.key("once");
    let made = feed(&client, &json!({"name": "Phone"}));
    let address = made.str("address");
    let (_, token) = address.split_once("?token=").unwrap();
    let reply = read(&year.school.anonymous(), &address);
    for log in [&made.log, &reply.log] {
        assert!(log.is_object() && !log.to_string().contains(token), "{log}");
    }
    assert!(
        reply.log.to_string().contains("timetable.ics"),
        "{}",
        reply.log
    );
    let again = feed(&client, &json!({"name": "Phone"}));
    assert_eq!(
        (again.header("idempotent-replayed"), &again.text),
        ("true", &made.text)
    );
    client
        .delete(&format!("{FEEDS}{}/", made.json["id"].as_str().unwrap()))
        .expect(204);
    assert!(!everywhere(&year.app, &year.school.slot).contains(token));
    let audit = year
        .school
        .admin
        .get("audit-logs/?table_name=calendar_feeds&ordering=timestamp")
        .status(200);
    assert_eq!(audit.column("action"), ["CREATE", "DELETE"]);
    assert!(!audit.text.contains("token"), "{}", audit.text);
}
