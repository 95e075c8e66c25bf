//! Students and decisions come in any order.

use serde_json::{Value, json};

use super::{Pupil, Year, preview::rule};

/// Name, class, and marks in both subjects; with a card where there is no mark at all.
const PUPILS: [(&str, usize, [Option<i64>; 2]); 8] = [
    ("Amina", 0, [Some(80), Some(60)]),
    ("Bheki", 0, [Some(60), Some(80)]),
    ("Chipo", 0, [Some(80), Some(20)]),
    ("Dalia", 0, [Some(90), None]),
    ("Eshe", 0, [None, None]),
    ("Farai", 1, [Some(80), Some(80)]),
    ("Gugu", 1, [Some(10), Some(20)]),
    ("Hama", 1, [None, None]),
];

/// What people decide against the rules.
const DECIDED: [(&str, &str); 3] = [
    ("Bheki", "repeat"),
    ("Dalia", "promote"),
    ("Gugu", "drop_out"),
];

/// A year whose students were made in this order, and who they are.
fn year(order: &[usize]) -> (Year, Vec<(&'static str, Pupil)>) {
    let year = Year::new();
    for class in [0, 1] {
        for subject in &year.subjects {
            let _ = year.exam(class, subject);
        }
    }
    let room = json!({"capacity": 2});
    let path = format!("sessions/{}/academic-classes/{}/", year.to, year.new[0]);
    year.admin().patch(&path, &room).expect(200);
    let pupils: Vec<(&str, Pupil)> = order
        .iter()
        .map(|&n| {
            let (name, class, marks) = PUPILS[n];
            let pupil = year.pupil(name, class);
            match marks {
                [None, None] => year.card(&pupil, class, 61.25, 2, false),
                marks => year.marks(&pupil, class, marks),
            }
            (name, pupil)
        })
        .collect();
    (year, pupils)
}

/// An answer with names in place of the ids that differ from year to year.
fn named(year: &Year, pupils: &[(&str, Pupil)], answer: &Value) -> Value {
    let mut text = answer.to_string();
    let mut call = |id: &str, name: &str| text = text.replace(id, name);
    for (name, pupil) in pupils {
        call(&pupil.id, name);
    }
    for (n, (old, new)) in year.old.iter().zip(&year.new).enumerate() {
        call(old, &format!("old class {n}"));
        call(new, &format!("new class {n}"));
    }
    call(&year.setup, "set-up");
    call(&year.exam_session, "exams");
    serde_json::from_str(&text).unwrap()
}

/// Where everybody is after all: by name the form, the enrolment, and the registration of the new year.
fn outcome(year: &Year, pupils: &[(&str, Pupil)]) -> Value {
    let mut rows: Vec<(&str, Value)> = pupils
        .iter()
        .map(|(name, pupil)| {
            let student = year.student(pupil);
            let form = year.forms.iter().position(|form| student["form"] == *form);
            let registered: Vec<Value> = year
                .registrations(pupil)
                .iter()
                .map(|row| json!([row["academic_class"], row["boarding_status"], row["status"]]))
                .collect();
            let now = json!([form, student["enrolment"], student["status"], registered]);
            (*name, now)
        })
        .collect();
    rows.sort_by_key(|(name, _)| *name);
    named(year, pupils, &json!(rows))
}

/// Preview, execution and where it leads, all of it in one value.
fn story(order: &[usize]) -> Value {
    let (year, pupils) = year(order);
    let seen = year.preview(&rule(2));
    year.propose(&rule(2));
    let find = |name: &str| &pupils.iter().find(|(known, _)| *known == name).unwrap().1;
    let rows: Vec<Value> = order
        .iter()
        .filter_map(|&n| DECIDED.iter().find(|(name, _)| *name == PUPILS[n].0))
        .map(|(name, action)| {
            let to = match *action {
                "promote" => Some(&year.new[1]),
                "repeat" => Some(&year.new[0]),
                _ => None,
            };
            json!({"student": find(name).id, "action": action, "destination_session_class": to})
        })
        .collect();
    let decided = year.bulk(&rows).status(200);
    assert_eq!(decided.json["updated"], 3, "{}", decided.text);
    let before = year.preview(&rule(2));
    let executed = year.execute(&json!({})).status(201);
    let after = outcome(&year, &pupils);
    // What was shown is what was done.
    assert_eq!(executed.json["summary"], before["counts"]);
    let shown = named(&year, &pupils, &before);
    for row in shown["students"].as_array().unwrap() {
        let mut done = after.as_array().unwrap().iter();
        let done = done.find(|done| done[0] == row["student"]).unwrap();
        let (action, place) = (&row["decision"], &done[1][3][0][0]);
        match DECIDED.iter().find(|(name, _)| row["student"] == *name) {
            Some((_, decided)) => {
                let to = match *decided {
                    "promote" => json!("new class 1"),
                    "repeat" => json!("new class 0"),
                    _ => Value::Null,
                };
                assert_eq!((action, place), (&json!(decided), &to));
            }
            None => assert_eq!(
                (action, place),
                (&row["action"], &row["destination_session_class"])
            ),
        }
    }
    json!({
        "preview": named(&year, &pupils, &seen), "decided": shown, "summary": executed.json["summary"], "outcome": after,
    })
}

#[test]
fn preview_and_execution_are_the_same_in_whatever_order_students_and_decisions_were_made() {
    let straight: Vec<usize> = (0..PUPILS.len()).collect();
    let expected = story(&straight);
    let counts = &expected["summary"];
    assert_eq!(
        *counts,
        json!({"pending": 0, "promote": 3, "repeat": 2, "transfer": 0, "graduate": 2, "drop_out": 1})
    );
    // Every step is coprime to eight: each walk comes by everybody once.
    for (first, step) in [(7, 7), (3, 5), (6, 3)] {
        let order: Vec<usize> = (0..PUPILS.len())
            .map(|n| (first + n * step) % PUPILS.len())
            .collect();
        assert_eq!(story(&order), expected, "{order:?}");
    }
}
