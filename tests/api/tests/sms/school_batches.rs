//! `/api/v1/school/sms/batches/`, notices and absences as text messages.

use serde_json::{Value, json};

use super::school_year::SmsSchool;

/// Two students with one mother, and one with a father; others who are left out.
struct Families {
    place: SmsSchool,
    chipo: String,
    registration: String,
    mother: String,
    father: String,
}

const MOTHER: &str = "263771000001";
const FATHER: &str = "263771000002";

impl Families {
    fn new() -> Self {
        let place = SmsSchool::new();
        let (chipo, registration) = place.student("Chipo");
        let (tendai, _) = place.student("Tendai");
        let (alone, _) = place.student("Alone");
        let mother = place.guardian("Ada", Some("+263771000001"), true);
        let father = place.guardian("Ben", Some("+263771000002"), true);
        let silent = place.guardian("Cleo", Some("+263771000003"), false);
        let numberless = place.guardian("Dan", None, true);
        place.link(&chipo, &mother, true);
        place.link(&tendai, &mother, true);
        place.link(&chipo, &father, false);
        place.link(&tendai, &silent, false);
        place.link(&tendai, &numberless, false);
        let _ = alone;
        Self {
            place,
            chipo,
            registration,
            mother,
            father,
        }
    }

    fn everyone(&self, message: &str) -> homeroom_api_tests::Reply {
        self.place.batch(&json!({"kind": "everyone"}), message)
    }
}

fn codes(rejected: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut codes: Vec<(String, String)> = rejected
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (text(&row["name"]), text(&row["code"])))
        .collect();
    codes.sort();
    codes
}

#[test]
fn a_text_without_a_student_reaches_every_guardian_once_and_says_who_is_left_out() {
    let families = Families::new();
    let made = families.everyone("{school}: closed on Friday.").status(201);
    assert_eq!(
        (&made.json["count"], &made.json["left_out"]),
        (&json!(2), &json!(3))
    );
    let expected = [
        ("Alone Moyo", "no_guardian"),
        ("Cleo Moyo", "no_consent"),
        ("Dan Moyo", "no_number"),
    ];
    let expected = expected.map(|(name, code)| (name.to_owned(), code.to_owned()));
    assert_eq!(codes(&made.json["rejected"]), expected);
    let mut sent = families.place.sent();
    sent.sort();
    let text = "greenwood school: closed on Friday.".to_owned();
    assert_eq!(
        sent,
        [(MOTHER.to_owned(), text.clone()), (FATHER.to_owned(), text)]
    );
    let path = format!("sms/messages/?batch={}", made.id());
    let messages = families.place.admin.get(&path).status(200);
    assert_eq!(messages.json["count"], 2);
    families
        .place
        .receipt(&messages.str("results/0/id"), "DELIVERED");
    let found = families
        .place
        .admin
        .get(&format!("sms/batches/{}/", made.id()))
        .status(200);
    assert_eq!(
        found.json["statuses"],
        json!({"ACCEPTED": 1, "DELIVERED": 1})
    );
    assert_eq!(found.json["rejected"], made.json["rejected"]);
}

#[test]
fn a_text_with_a_student_reaches_a_guardian_for_each() {
    let families = Families::new();
    let made = families
        .everyone("{student} of {class} did well.")
        .status(201);
    assert_eq!(made.json["count"], 3);
    let mut sent = families.place.sent();
    sent.sort();
    let line =
        |number: &str, name: &str| (number.to_owned(), format!("{name} Moyo of 1A did well."));
    assert_eq!(
        sent,
        [
            line(MOTHER, "Chipo"),
            line(MOTHER, "Tendai"),
            line(FATHER, "Chipo")
        ]
    );
    let path = format!("sms/messages/?student={}", families.chipo);
    assert_eq!(families.place.admin.get(&path).status(200).json["count"], 2);
}

#[test]
fn an_audience_is_a_class_a_form_students_or_guardians() {
    let families = Families::new();
    let place = &families.place;
    for (audience, primary_only, count) in [
        (json!({"kind": "classes", "ids": [place.class]}), false, 2),
        (json!({"kind": "forms", "ids": [place.form]}), false, 2),
        (
            json!({"kind": "students", "ids": [families.chipo]}),
            false,
            2,
        ),
        (
            json!({"kind": "students", "ids": [families.chipo]}),
            true,
            1,
        ),
        (
            json!({"kind": "guardians", "ids": [families.father]}),
            false,
            1,
        ),
        (
            json!({"kind": "guardians", "ids": [families.mother, families.father]}),
            false,
            2,
        ),
    ] {
        let body = json!({
            "audience": audience, "message": "Hello", "primary_only": primary_only, "dry_run": true,
        });
        let seen = place.admin.post("sms/batches/", &body).status(200);
        assert_eq!(
            (&seen.json["count"], &seen.json["segments"]),
            (&json!(count), &json!(count)),
            "{audience}"
        );
    }
    let nothing = "select (select count(*) from sms_messages) + (select count(*) from sms_batches)";
    assert_eq!(place.app.count(&place.school.slot, nothing), 0);
    assert_eq!(place.sent(), []);
    let nobody = "01890000-0000-7000-8000-00000000dead";
    for (audience, field) in [
        (
            json!({"kind": "everyone", "ids": [families.chipo]}),
            "audience.ids",
        ),
        (json!({"kind": "classes"}), "audience.ids"),
        (json!({"kind": "students", "ids": [nobody]}), "audience.ids"),
        (json!({"kind": "planets"}), "audience.kind"),
        (json!({}), "audience.kind"),
        (json!(null), "audience"),
    ] {
        assert_eq!(
            place.batch(&audience, "Hello").fields(),
            [field],
            "{audience}"
        );
    }
    let unknown = families.everyone("Dear {guardian}");
    assert_eq!(unknown.fields(), ["message"]);
}

#[test]
fn where_everybody_is_left_out_nothing_is_stored() {
    let families = Families::new();
    let place = &families.place;
    place
        .admin
        .post("sms/opt-outs/", &json!({"number": format!("+{FATHER}")}))
        .expect(200);
    let audience = json!({"kind": "guardians", "ids": [families.father]});
    let refused = place.batch(&audience, "Hello");
    assert_eq!((refused.status, refused.code()), (409, "no_receivers"));
    assert_eq!(refused.json["rejected"][0]["code"], "opted_out");
    assert_eq!(
        place
            .app
            .count(&place.school.slot, "select count(*) from sms_batches"),
        0
    );
}

#[test]
fn caps_count_what_the_same_batch_sends() {
    let families = Families::new();
    let place = &families.place;
    let body = json!({"esme": 100, "source": "School", "daily_cap": 1});
    place.admin.put("sms/settings/", &body).expect(200);
    let made = families.everyone("{student} did well.").status(201);
    assert_eq!(made.json["count"], 2);
    let over = codes(&made.json["rejected"]);
    assert!(
        over.contains(&("Ada Moyo".to_owned(), "daily_cp".to_owned())),
        "{over:?}"
    );
}

#[test]
fn a_batch_is_withdrawn_as_far_as_it_has_not_left() {
    let families = Families::new();
    let place = &families.place;
    let made = families.everyone("Hello").status(201).id();
    let cancel = || {
        place
            .admin
            .act(&format!("sms/batches/{made}/cancel/"))
            .status(200)
    };
    assert_eq!(cancel().json["remaining"], 0);
    assert_eq!(place.sent(), []);
    let found = place.admin.get(&format!("sms/batches/{made}/")).status(200);
    assert_eq!(found.json["statuses"], json!({"DELETED": 2}));
    assert_eq!(found.json["cancelled_at"], cancel().json["cancelled_at"]);

    let made = families.everyone("Hello again").status(201).id();
    assert_eq!(place.sent().len(), 2);
    let list = place
        .admin
        .get(&format!("sms/messages/?batch={made}"))
        .status(200);
    place.app.bridge_sends(&list.str("results/0/id"));
    let reply = place
        .admin
        .act(&format!("sms/batches/{made}/cancel/"))
        .status(200);
    assert_eq!(reply.json["remaining"], 1);
    let found = place.admin.get(&format!("sms/batches/{made}/")).status(200);
    assert_eq!(found.json["statuses"], json!({"ACCEPTED": 1, "DELETED": 1}));
}

#[test]
fn a_large_batch_takes_a_bounded_number_of_round_trips() {
    let place = SmsSchool::new();
    let now = place.app.now().millis();
    place.app.execute(
        &place.school.slot,
        &format!(
            "insert into guardians (id, first_name, last_name, phone_number, consent, created_at, updated_at) \
             with recursive n (n) as (select 1 union all select n + 1 from n where n < 2001) \
             select printf('01890000-0000-7000-8000-%012d', n), 'G', 'N' || n, printf('+26377%07d', n), '{{\"sms\":true}}', \
             {now}, {now} from n; \
             insert into students (id, student_id, first_name, middle_name, last_name, gender, admission_year, status, \
             enrolment, parent_name, parent_phone, address, created_at, updated_at) \
             select replace(id, '7000', '7001'), 'S' || last_name, 'S', '', last_name, '', 2026, 'Day', 'active', '', '', '', \
             {now}, {now} from guardians; \
             insert into student_guardians (id, student, guardian, relation, is_primary, created_at, updated_at) \
             select replace(id, '7000', '7002'), replace(id, '7000', '7001'), id, 'mother', 1, {now}, {now} from guardians;"
        ),
    );
    let audience = json!({"kind": "everyone"});
    assert_eq!(place.batch(&audience, "Hello").fields(), ["audience"]);
    place.app.execute(
        &place.school.slot,
        "delete from student_guardians where id = '01890000-0000-7002-8000-000000002001'",
    );
    let made = place.batch(&audience, &"x".repeat(1_530)).status(201);
    assert_eq!(
        (&made.json["count"], &made.json["segments"]),
        (&json!(2_000), &json!(20_000))
    );
    assert_eq!(made.json["rejected"][0]["code"], "no_guardian");
    assert!(made.trips() <= 10, "{} trips", made.trips());
    let jobs = place.app.queued();
    assert_eq!(jobs.len(), 20);
    let stored = "select count(*) from sms_messages m join sms_receivers r on r.message = m.id where r.guardian is not null";
    assert_eq!(place.app.count(&place.school.slot, stored), 2_000);
}

#[test]
fn a_notice_goes_to_the_guardians_whom_it_concerns_when_it_is_shown() {
    let families = Families::new();
    let place = &families.place;
    let notice = |body: Value| place.admin.post("notices/", &body).status(201).id();
    let send = |id: &str| place.admin.post(&format!("notices/{id}/sms/"), &json!({}));
    let class = notice(json!({
        "title": "Trip", "body": "Bring {student} lunch.", "audience": "class", "academic_class": place.class,
        "publish_at": "2026-01-16T06:00:00Z",
    }));
    let accepted = send(&class).status(202);
    assert_eq!(
        (&accepted.json["count"], &accepted.json["left_out"]),
        (&json!(2), &json!(3))
    );
    let batch = place.admin.get(accepted.header("location")).status(200);
    assert_eq!(batch.json["name"], "Trip");
    let list = place
        .admin
        .get(&format!("sms/messages/?batch={}", batch.id()))
        .status(200);
    assert_eq!(list.str("results/0/send_at"), "2026-01-16T06:00:00.000Z");
    assert_eq!(
        list.str("results/0/message"),
        "Trip\nBring {student} lunch."
    );
    assert_eq!(place.sent().len(), 2);
    let staff = notice(json!({"title": "T", "body": "B", "audience": "staff"}));
    assert_eq!(send(&staff).code(), "not_for_guardians");
    let long = notice(json!({"title": "T", "body": "x".repeat(1_600), "audience": "guardians"}));
    assert_eq!(send(&long).code(), "notice_too_long");
    let over = notice(json!({
        "title": "T", "body": "B", "audience": "guardians", "publish_at": "2026-01-01T06:00:00Z",
        "expires_at": "2026-01-02T06:00:00Z",
    }));
    assert_eq!(send(&over).code(), "notice_expired");
    place
        .school
        .teacher
        .post(&format!("notices/{class}/sms/"), &json!({}))
        .expect(403);
}

#[test]
fn guardians_hear_once_of_an_absence_of_today_where_the_school_wants_that() {
    let families = Families::new();
    let place = &families.place;
    let enter = |date: &str, status: &str| {
        let entries = json!([{"student_session": families.registration, "status": status}]);
        let body = json!({"academic_class": place.class, "date": date, "entries": entries});
        place.admin.post("attendance/bulk/", &body).expect(200);
    };
    enter("2026-01-15", "absent");
    assert_eq!(place.sent(), []);
    let body = json!({"esme": 100, "source": "School", "tells_absences": true});
    place.admin.put("sms/settings/", &body).expect(200);
    enter("2026-01-15", "absent");
    enter("2026-01-14", "absent");
    enter("2026-01-15", "late");
    assert_eq!(place.sent(), []);
    enter("2026-01-15", "absent");
    enter("2026-01-15", "absent");
    let text = "greenwood school: Chipo Moyo (1A) is absent today, 2026-01-15.";
    assert_eq!(place.sent(), [(MOTHER.to_owned(), text.to_owned())]);
    // Attendance is entered whatever becomes of messages.
    place
        .app
        .execute("CONTROL", "update sms_apps set is_active = 0");
    place.app.pass_seconds(4);
    enter("2026-01-15", "present");
    enter("2026-01-15", "absent");
    assert_eq!(place.sent(), []);
}
