//! `/api/v1/school/sms/messages/`, `settings/`, `opt-outs/`, `inbound/`, `usage/`.

use homeroom_api_tests::{Mood, TestApp};
use homeroom_sms::Fate;
use serde_json::json;

use super::school_year::SmsSchool;

const ADA: &str = "+263771000001";

#[test]
fn a_school_that_set_nothing_up_sends_under_its_name_and_sees_the_message_delivered() {
    let place = SmsSchool::new();
    let guardian = place.guardian("Ada", Some(ADA), true);
    let (student, _) = place.student("Chipo");
    place.link(&student, &guardian, true);
    let body = json!({"guardian": guardian, "student": student, "message": "Hello"});
    let sent = place.send(&body).status(201);
    let id = sent.id();
    assert_eq!(sent.json["source"], "greenwood");
    assert_eq!(sent.json["guardian_name"], "Ada Moyo");
    assert_eq!(sent.json["student_name"], "Chipo Moyo");
    assert_eq!(place.app.work_queue(), [Fate::Done]);
    let submitted = place.app.take_submissions().remove(0).remove(0);
    assert_eq!(submitted.tenant.as_deref(), Some(place.school.id.as_str()));
    assert_eq!(
        (submitted.esme, submitted.destination.as_str()),
        (100, "263771000001")
    );
    place.receipt(&id, "DELIVERED");
    let found = place.message(&id);
    assert_eq!(found["status"], "DELIVERED");
    assert_eq!(
        found["parts"],
        json!([{"number": 1, "status": "DELIVERED", "error": null}])
    );
    let usage = place.admin.get("sms/usage/").status(200);
    assert_eq!(
        (&usage.json["messages"], &usage.json["delivered"]),
        (&json!(1), &json!(1))
    );
    let count = "select count(*) from sms_messages";
    assert_eq!(place.app.count("CONTROL", count), 0);
}

#[test]
fn a_guardian_who_did_not_agree_is_written_to_neither_by_name_nor_by_number() {
    let place = SmsSchool::new();
    let guardian = place.guardian("Ada", Some(ADA), false);
    for body in [
        json!({"guardian": guardian, "message": "Hello"}),
        json!({"destination": ADA, "message": "Hello"}),
        json!({"destination": "00263 77 100 0001", "message": "Hello"}),
    ] {
        let reply = place.send(&body);
        assert_eq!((reply.status, reply.code()), (403, "no_consent"), "{body}");
    }
    assert_eq!(
        place
            .app
            .count(&place.school.slot, "select count(*) from sms_messages"),
        0
    );
    // Nobody's number is nobody's consent to ask for.
    place
        .send(&json!({"destination": "+263772000000", "message": "Hello"}))
        .expect(201);
}

#[test]
fn a_number_as_it_is_dialled_at_home_is_never_taken_for_one_of_another_country() {
    let place = SmsSchool::new();
    // With its zero, without it as spreadsheets leave it, and as a country code that somebody forgot the plus of.
    for (name, number) in [
        ("Ben", "0771000002"),
        ("Cyd", "771000003"),
        ("Dan", "263771000004"),
        ("Eve", "771005"),
    ] {
        let guardian = place.guardian(name, Some(number), true);
        let reply = place.send(&json!({"guardian": guardian, "message": "Hello"}));
        assert_eq!((reply.status, reply.code()), (403, "no_number"), "{number}");
        let audience = json!({"kind": "guardians", "ids": [guardian]});
        let batch = place.batch(&audience, "Hello");
        assert_eq!((batch.status, batch.code()), (409, "no_receivers"));
        let typed = json!({"destination": number, "message": "Hello"});
        assert_eq!(place.send(&typed).fields(), ["destination"], "{number}");
        let stopped = place
            .admin
            .post("sms/opt-outs/", &json!({"number": number}));
        assert_eq!(stopped.fields(), ["number"], "{number}");
    }
    let count = "select count(*) from sms_messages";
    assert_eq!(place.app.count(&place.school.slot, count), 0);
    place
        .send(&json!({"destination": "00263 77 100 0006", "message": "Hello"}))
        .expect(201);
}

#[test]
fn what_is_wrong_with_a_message_is_told_by_field() {
    let place = SmsSchool::new();
    let guardian = place.guardian("Ada", Some(ADA), true);
    let (stranger, _) = place.student("Chipo");
    let nobody = "01890000-0000-7000-8000-00000000dead";
    for (body, field) in [
        (json!({"message": "x"}), "non_field_errors"),
        (
            json!({"guardian": guardian, "destination": ADA, "message": "x"}),
            "non_field_errors",
        ),
        (json!({"guardian": nobody, "message": "x"}), "guardian"),
        (
            json!({"guardian": guardian, "student": stranger, "message": "x"}),
            "student",
        ),
        (
            json!({"destination": ADA, "student": stranger, "message": "x"}),
            "student",
        ),
        (json!({"destination": "Ada", "message": "x"}), "destination"),
        (
            json!({"guardian": guardian, "message": "x".repeat(1_531)}),
            "message",
        ),
        (
            json!({"guardian": guardian, "message": "x", "priority": 4}),
            "priority",
        ),
    ] {
        assert_eq!(place.send(&body).fields(), [field], "{body}");
    }
}

#[test]
fn messages_are_found_by_what_is_known_of_them_in_a_stable_order() {
    let place = SmsSchool::new();
    let (ada, ben) = (
        place.guardian("Ada", Some(ADA), true),
        place.guardian("Ben", Some("+263771000002"), true),
    );
    let (chipo, _) = place.student("Chipo");
    place.link(&chipo, &ada, true);
    let about = json!({"guardian": ada, "student": chipo, "message": "About Chipo"});
    let first = place.send(&about).status(201).id();
    place
        .send(&json!({"guardian": ben, "message": "Fees"}))
        .expect(201);
    place
        .send(&json!({"guardian": ada, "message": "Bus"}))
        .expect(201);
    place.receipt(&first, "DELIVERED");
    for (query, expected) in [
        (String::new(), vec!["Bus", "Fees", "About Chipo"]),
        (
            "ordering=created_at".into(),
            vec!["About Chipo", "Fees", "Bus"],
        ),
        (format!("guardian={ada}"), vec!["Bus", "About Chipo"]),
        (format!("student={chipo}"), vec!["About Chipo"]),
        ("destination=%2B263771000002".into(), vec!["Fees"]),
        ("status=DELIVERED".into(), vec!["About Chipo"]),
        (
            "from=2026-01-15&to=2026-01-15".into(),
            vec!["Bus", "Fees", "About Chipo"],
        ),
        ("to=2026-01-14".into(), vec![]),
        ("from=2026-01-16".into(), vec![]),
        ("search=ben+moyo".into(), vec!["Fees"]),
        ("search=bus".into(), vec!["Bus"]),
        ("page_size=1&page=2".into(), vec!["Fees"]),
    ] {
        let found = place
            .admin
            .get(&format!("sms/messages/?{query}"))
            .status(200);
        assert_eq!(found.column("message"), expected, "{query}");
    }
}

#[test]
fn an_idempotency_key_sends_once() {
    let place = SmsSchool::new();
    let guardian = place.guardian("Ada", Some(ADA), true);
    let body = json!({"guardian": guardian, "message": "Hello"});
    let keyed = place.admin.key("once");
    let first = keyed.post("sms/messages/", &body).status(201);
    assert_eq!(
        keyed.post("sms/messages/", &body).status(201).id(),
        first.id()
    );
    assert_eq!(place.sent().len(), 1);
}

#[test]
fn a_message_is_withdrawn_here_or_at_the_bridge_until_it_has_left() {
    let place = SmsSchool::new();
    let send = |text: &str| {
        let body = json!({"destination": ADA, "message": text});
        place.send(&body).status(201).id()
    };
    let cancel = |id: &str| place.admin.act(&format!("sms/messages/{id}/cancel/"));
    let here = send("one");
    assert_eq!(cancel(&here).status(200).json["status"], "DELETED");
    cancel(&here).expect(200);
    assert_eq!(place.sent(), []);
    let there = send("two");
    assert_eq!(place.sent().len(), 1);
    assert_eq!(
        cancel(&there).status(200).json["parts"][0]["status"],
        "DELETED"
    );
    assert_eq!(place.message(&there)["status"], "DELETED");
    let gone = send("three");
    assert_eq!(place.sent().len(), 1);
    place.app.bridge_sends(&gone);
    assert_eq!(cancel(&gone).code(), "too_late");
    let unsure = send("four");
    place.app.bridge_is(Mood::Away);
    let _ = place.app.work_queue();
    assert_eq!(cancel(&unsure).status, 503);
    place.app.bridge_is(Mood::Taking);
    assert_eq!(cancel(&unsure).code(), "in_progress");
}

#[test]
fn settings_hold_for_what_is_sent_from_then_on_and_are_in_the_audit_log() {
    let place = SmsSchool::new();
    let shown = place.admin.get("sms/settings/").status(200);
    assert_eq!(shown.json["updated_at"], json!(null));
    assert_eq!(
        (&shown.json["esme"], &shown.json["source"]),
        (&json!(100), &json!("greenwood"))
    );
    let body = json!({"esme": 1000, "source": "Head Office", "daily_cap": 1, "help_text": "Ask"});
    place.admin.put("sms/settings/", &body).expect(200);
    let changed = place
        .admin
        .patch("sms/settings/", &json!({"duplicate_seconds": 60}));
    let changed = changed.status(200);
    assert_eq!(
        (&changed.json["daily_cap"], &changed.json["help_text"]),
        (&json!(1), &json!("Ask"))
    );
    let found = place.admin.get("sms/settings/").status(200);
    assert_eq!(found.json, changed.json);
    let sent = place
        .send(&json!({"destination": ADA, "message": "one"}))
        .status(201);
    assert_eq!(
        (&sent.json["esme"], &sent.json["source"]),
        (&json!(1000), &json!("Head Office"))
    );
    let over = place.send(&json!({"destination": ADA, "message": "two"}));
    assert_eq!((over.status, over.code()), (403, "daily_cp"));
    for (body, field) in [
        (json!({"esme": 7}), "esme"),
        (json!({"source": "far too long a name"}), "source"),
        (json!({"quiet_from": "21:00"}), "quiet_to"),
        (json!({"timezone": "Mars"}), "timezone"),
        (json!({"colour": 1}), "colour"),
    ] {
        assert_eq!(
            place.admin.patch("sms/settings/", &body).fields(),
            [field],
            "{body}"
        );
    }
    let logs = place
        .admin
        .get("audit-logs/?table_name=sms_settings")
        .status(200);
    assert_eq!(logs.results().len(), 2);
    let apps = "select count(*) from sms_apps where account_id is null";
    assert_eq!(place.app.count("CONTROL", apps), 1);
}

#[test]
fn a_link_that_is_gone_or_closed_to_the_caller_is_refused_before_anything_is_stored() {
    let place = SmsSchool::new();
    let body = json!({"destination": ADA, "message": "Hello"});
    let settings = json!({"esme": 101, "source": "School"});
    place.admin.put("sms/settings/", &settings).expect(200);
    place.app.execute(
        "CONTROL",
        "insert into sms_links (esme, allowed_ips, updated_at) values (101, '[\"203.0.113.0/24\"]', 0)",
    );
    let send = |ip: &str| place.admin.from(ip).post("sms/messages/", &body);
    let far = send("198.51.100.7");
    assert_eq!((far.status, far.code()), (403, "ip_not_allowed"));
    send("203.0.113.9").expect(201);
    let slot = &place.school.slot;
    place.app.execute(slot, "update sms_settings set esme = 7");
    let gone = send("203.0.113.9");
    assert_eq!((gone.status, gone.code()), (409, "unknown_esme"));
    let count = "select count(*) from sms_messages";
    assert_eq!(place.app.count(slot, count), 1);
}

#[test]
fn quiet_hours_are_those_of_the_schools_clock_and_alarms_do_not_heed_them() {
    let place = SmsSchool::new();
    let body = json!({"esme": 100, "source": "School", "quiet_from": "07:00", "quiet_to": "09:30", "timezone": "UTC"});
    place.admin.put("sms/settings/", &body).expect(200);
    let later = place
        .send(&json!({"destination": ADA, "message": "one"}))
        .status(201);
    assert_eq!(later.json["send_at"], "2026-01-15T09:30:00.000Z");
    let alarm = place
        .send(&json!({"destination": ADA, "message": "two", "priority": 3}))
        .status(201);
    assert_eq!(alarm.json["send_at"], json!(null));
}

#[test]
fn who_opted_out_is_refused_until_opted_in_again() {
    let place = SmsSchool::new();
    let guardian = place.guardian("Ada", Some(ADA), true);
    let added = place
        .admin
        .post("sms/opt-outs/", &json!({"number": ADA}))
        .status(200);
    assert_eq!(
        (&added.json["guardian"], &added.json["reason"]),
        (&json!(guardian), &json!("api"))
    );
    place
        .admin
        .post("sms/opt-outs/", &json!({"number": ADA}))
        .expect(200);
    let body = json!({"guardian": guardian, "message": "Hello"});
    let refused = place.send(&body);
    assert_eq!((refused.status, refused.code()), (403, "opted_out"));
    let list = place.admin.get("sms/opt-outs/?search=ada").status(200);
    assert_eq!(list.results(), &vec![added.json.clone()]);
    place.admin.delete("sms/opt-outs/263771000001/").expect(204);
    place.admin.delete("sms/opt-outs/263771000001/").expect(404);
    place.send(&body).expect(201);
}

#[test]
fn an_administrator_of_the_platform_switches_a_school_off() {
    let place = SmsSchool::new();
    let body = json!({"destination": ADA, "message": "one"});
    place.send(&body).expect(201);
    place
        .app
        .execute("CONTROL", "update sms_apps set is_active = 0");
    place.app.pass_seconds(4);
    let refused = place.send(&body);
    assert_eq!((refused.status, refused.code()), (403, "sms_disabled"));
    place.app.execute(
        "CONTROL",
        "update sms_apps set is_active = 1, daily_parts = 1",
    );
    place.app.pass_seconds(4);
    let over = place.send(&body);
    assert_eq!((over.status, over.code()), (429, "daily_quota"));
    assert!(!over.header("retry-after").is_empty());
}

#[test]
fn one_schools_messages_are_nobody_elses() {
    let place = SmsSchool::new();
    let id = place
        .send(&json!({"destination": ADA, "message": "one"}))
        .status(201)
        .id();
    let other = place.app.school("hillside");
    other.admin.get(&format!("sms/messages/{id}/")).expect(404);
    other
        .admin
        .act(&format!("sms/messages/{id}/cancel/"))
        .expect(404);
    assert_eq!(
        other.admin.get("sms/messages/").status(200).json["count"],
        0
    );
    // An app of somebody at the same school has messages of its own.
    let user = place.app.sms_user(&place.school.host, "ada");
    let theirs = user.sent("Hello");
    place
        .admin
        .get(&format!("sms/messages/{theirs}/"))
        .expect(404);
    let body = json!({"esme": 100, "message_id": id});
    user.client.post("sms/info", &body).expect(404);
}

#[test]
fn a_message_that_the_queue_did_not_take_is_found_by_the_sweep() {
    let place = SmsSchool::new();
    place.app.break_queue(true);
    place
        .send(&json!({"destination": ADA, "message": "one"}))
        .expect(201);
    place.app.break_queue(false);
    assert_eq!(place.sent(), []);
    place.app.pass_seconds(121);
    assert_eq!(place.app.sweep().unwrap(), 1);
    assert_eq!(place.sent().len(), 1);
}

#[test]
fn the_first_settings_survive_the_loss_of_any_batch() {
    for nth in 1..9 {
        for moment in [
            homeroom_api_tests::Moment::Before,
            homeroom_api_tests::Moment::After,
        ] {
            let app = TestApp::new();
            let school = app.school("greenwood");
            let body = json!({"esme": 100, "source": "Office", "daily_cap": 3});
            app.inject(Some(homeroom_api_tests::Fault { nth, moment }));
            let _ = school.admin.put("sms/settings/", &body);
            app.inject(None);
            school.admin.put("sms/settings/", &body).expect(200);
            app.pass_seconds(4);
            let found = school.admin.get("sms/settings/").status(200);
            assert_eq!(found.json["daily_cap"], 3, "{nth} {moment:?}");
            let apps = "select count(*) from sms_apps";
            assert_eq!(app.count("CONTROL", apps), 1, "{nth} {moment:?}");
        }
    }
}

#[test]
fn a_school_sends_no_text_of_which_nothing_is_left() {
    let place = SmsSchool::new();
    let guardian = place.guardian("Ben", Some(ADA), true);
    let unseen = "\u{200B}\u{AD}";
    let wanted = json!({"guardian": guardian, "message": unseen, "transliterate": true});
    let alone = place.send(&wanted);
    assert_eq!(
        (alone.status, alone.fields()),
        (400, vec!["message".to_owned()])
    );
    let checked = json!({"message": unseen, "transliterate": true});
    let checked = place.admin.post("sms/check-text/", &checked);
    assert_eq!(
        (checked.status, checked.fields()),
        (400, vec!["message".to_owned()])
    );
    let batch = json!({
        "audience": {"kind": "guardians", "ids": [guardian]}, "message": unseen, "transliterate": true, "dry_run": true,
    });
    let batch = place.admin.post("sms/batches/", &batch).status(200).json;
    assert_eq!(batch["rejected"][0]["code"], "blank");
}
