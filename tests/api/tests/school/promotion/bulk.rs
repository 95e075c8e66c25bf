//! Many decisions at once.

use serde_json::{Value, json};

use super::Year;

fn outcomes(reply: &homeroom_api_tests::Reply) -> Vec<String> {
    let results = reply.json["results"].as_array().unwrap();
    results
        .iter()
        .map(|row| row["outcome"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_row_has_a_result_and_good_rows_are_written_beside_bad_ones() {
    let year = Year::new();
    let (one, two, three) = (
        year.pupil("Rudo", 0),
        year.pupil("Tariro", 0),
        year.pupil("Chipo", 1),
    );
    let rows = [
        json!({"student": one.id, "action": "promote", "destination_session_class": year.new[1], "boarding_status": "Day"}),
        json!({"student": two.id, "action": "promote"}),
        json!({"student": two.id, "action": "promote", "destination_session_class": year.old[1]}),
        json!({"student": "01890000-0000-7000-8000-00000000dead"}),
        json!({"student": three.id, "source_session_class": year.old[0], "action": "graduate"}),
        json!({"student": three.id, "source_session_class": year.new[1], "action": "graduate"}),
        json!({"student": one.id, "action": "graduate"}),
        json!({"action": "fly", "colour": "red"}),
        json!("no object"),
    ];
    let reply = year.bulk(&rows).status(200);
    let fields: Vec<Vec<&String>> = reply.json["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["errors"].as_object().unwrap().keys().collect())
        .collect();
    let expected: Vec<Vec<&str>> = vec![
        vec![],
        vec!["destination_session_class"],
        vec!["destination_session_class"],
        vec!["student"],
        vec!["student"],
        vec!["student"],
        vec!["student"],
        vec!["action", "colour", "student"],
        vec!["non_field_errors"],
    ];
    assert_eq!(fields, expected, "{}", reply.text);
    assert_eq!(outcomes(&reply)[0], "created");
    let counts = ["created", "updated", "unchanged", "refused"]
        .map(|name| reply.json[name].as_u64().unwrap());
    assert_eq!(counts, [1, 0, 0, 8]);
    let list = year
        .admin()
        .get(&year.path("student-promotions/"))
        .status(200);
    assert_eq!(list.column("student"), [one.id]);
    assert_eq!(list.str("results/0/source_session_class"), year.old[0]);
    assert_eq!(list.str("results/0/boarding_status"), "Day");
    assert_eq!(list.str("results/0/decided_by"), year.school.admin_id);
}

#[test]
fn a_row_that_says_what_is_decided_already_changes_nothing() {
    let year = Year::new();
    let pupil = year.pupil("Rudo", 0);
    let row = json!({"student": pupil.id, "action": "transfer", "reason": "Moves."});
    assert_eq!(
        outcomes(&year.bulk(std::slice::from_ref(&row)).status(200)),
        ["created"]
    );
    let before = year.app.dump(&year.school.slot);
    assert_eq!(outcomes(&year.bulk(&[row]).status(200)), ["unchanged"]);
    assert_eq!(year.app.dump(&year.school.slot), before);
    let other = json!({"student": pupil.id, "action": "drop_out"});
    assert_eq!(outcomes(&year.bulk(&[other]).status(200)), ["updated"]);
    let changes = "select changes from audit_logs where table_name = 'student_promotions' and action = 'UPDATE'";
    let changes: Value =
        serde_json::from_str(year.app.value(&year.school.slot, changes).as_str().unwrap()).unwrap();
    assert_eq!(
        changes,
        json!({"action": {"from": "transfer", "to": "drop_out"}, "reason": {"from": "Moves.", "to": ""}})
    );
}

#[test]
fn five_hundred_rows_cost_two_trips_and_more_are_refused() {
    let year = Year::new();
    super::scale::fill(&year, 501);
    let students = year.app.rows(
        &year.school.slot,
        "select id from students order by student_id",
    );
    let row = |student: &Vec<Value>| json!({"student": student[0], "action": "promote", "destination_session_class": year.new[1]});
    let rows: Vec<Value> = students.iter().map(row).collect();
    assert_eq!(year.bulk(&rows).fields(), ["rows"]);
    assert_eq!(year.bulk(&[]).fields(), ["rows"]);
    let reply = year.bulk(&rows[..500]).status(200);
    assert_eq!(
        (reply.json["created"].as_u64(), reply.trips()),
        (Some(500), 2)
    );
    assert_eq!(
        year.count("select count(*) from audit_logs where table_name = 'student_promotions'"),
        500
    );
    year.app.assert_sound();
}
