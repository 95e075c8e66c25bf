//! `GET /api/v1/school/timetable/calendar.ics`, read by parsers that are not ours.

use icalendar::parser::{Component, read_calendar, unfold};
use serde_json::json;

use super::year::Year;

impl Year {
    fn calendar(&self, query: &str) -> String {
        let reply = self
            .admin
            .get(&format!("timetable/calendar.ics?{query}"))
            .status(200);
        assert_eq!(reply.header("content-type"), "text/calendar; charset=utf-8");
        assert!(
            reply.text.split("\r\n").all(|line| line.len() <= 75),
            "{}",
            reply.text
        );
        assert!(!reply.text.replace("\r\n", "").contains(['\r', '\n']));
        reply.text
    }
}

fn value(event: &Component<'_>, name: &str) -> String {
    let property = event
        .properties
        .iter()
        .find(|property| property.name.as_str() == name);
    property.map_or_else(String::new, |property| property.val.as_str().to_owned())
}

fn events(text: &str) -> Vec<Component<'static>> {
    let unfolded: &'static str = Box::leak(unfold(text).into_boxed_str());
    let calendar = read_calendar(unfolded).unwrap();
    assert_eq!(
        calendar
            .components
            .iter()
            .filter(|part| part.name.as_str() == "VTIMEZONE")
            .count(),
        1
    );
    let parts = calendar.components.into_iter();
    parts
        .filter(|part| part.name.as_str() == "VEVENT")
        .collect()
}

/// When an event takes place, in UTC, as the crate `rrule` reads it.
fn occurrences(text: &str, uid: &str) -> Vec<String> {
    let unfolded = unfold(text);
    let event = unfolded
        .split("BEGIN:VEVENT")
        .find(|event| event.contains(&format!("UID:{uid}")))
        .unwrap();
    let lines: Vec<&str> = event
        .lines()
        .filter(|line| {
            ["DTSTART", "RRULE", "EXDATE"]
                .iter()
                .any(|name| line.starts_with(name))
        })
        .collect();
    let set: rrule::RRuleSet = lines.join("\n").parse().unwrap();
    let all = set.all(1_000);
    assert!(!all.limited);
    all.dates
        .iter()
        .map(|date| {
            date.with_timezone(&chrono::Utc)
                .format("%Y-%m-%dT%H:%MZ")
                .to_string()
        })
        .collect()
}

#[test]
fn a_lesson_recurs_weekly_without_holidays_in_the_schools_own_time() {
    let year = Year::new();
    year.in_zone("Europe/London");
    year.holiday("Easter", "2026-03-30", "2026-04-06");
    let id = year.lesson(
        1,
        json!({"valid_from": "2026-03-17", "valid_to": "2026-04-26", "room": "Lab; 2"}),
    );
    let text = year.calendar(&format!("academic_class={}", year.class));
    let uid = format!("{id}@homeroom");
    // 08:00 at the school is 08:00 UTC in winter and 07:00 UTC in summer.
    assert_eq!(
        occurrences(&text, &uid),
        [
            "2026-03-23T08:00Z",
            "2026-04-13T07:00Z",
            "2026-04-20T07:00Z"
        ]
    );
    let events = events(&text);
    assert_eq!(events.len(), 1);
    assert_eq!(value(&events[0], "DTEND"), "20260323T084000");
    assert_eq!(value(&events[0], "SUMMARY"), "Mathematics");
    assert_eq!(value(&events[0], "LOCATION").replace('\\', ""), "Lab; 2");
    assert_eq!(value(&events[0], "DESCRIPTION"), "Mrs Chipo Dube");
    assert!(text.contains("BEGIN:DAYLIGHT\r\nDTSTART:20260329T010000\r\nTZOFFSETFROM:+0000\r\nTZOFFSETTO:+0100\r\n"), "{text}");
}

#[test]
fn a_lesson_without_an_end_recurs_to_the_end_of_the_session() {
    let year = Year::new();
    for (zone, last) in [
        ("Africa/Harare", "2026-07-31T06:00Z"),
        ("Asia/Kolkata", "2026-07-31T02:30Z"),
        ("Pacific/Auckland", "2026-07-30T20:00Z"),
        ("America/New_York", "2026-07-24T12:00Z"),
    ] {
        year.in_zone(zone);
        let id = year.lesson(5, json!({"valid_from": "2025-01-01"}));
        let text = year.calendar(&format!("academic_class={}", year.class));
        let all = occurrences(&text, &format!("{id}@homeroom"));
        assert_eq!(all.last().unwrap(), last, "{zone}");
        assert!(
            all[0].starts_with("2025-09-0") || all[0].starts_with("2025-08-29"),
            "{zone}: {}",
            all[0]
        );
        year.admin.delete(&format!("timetable/{id}/")).expect(204);
    }
}

#[test]
fn an_event_keeps_its_uid_and_raises_its_sequence() {
    let year = Year::new();
    let id = year.lesson(1, json!({}));
    let query = format!("teacher={}", year.colleague.staff);
    let first = events(&year.calendar(&query));
    year.app.pass_seconds(60);
    year.admin
        .patch(
            &format!("timetable/{id}/"),
            &json!({"weekday": 2, "room": "Räume, \"alt\"; 1\\2"}),
        )
        .expect(200);
    let text = year.calendar(&query);
    let second = events(&text);
    let of = |event: &Component<'_>| ["UID", "SEQUENCE"].map(|name| value(event, name));
    assert_eq!(of(&first[0]), [format!("{id}@homeroom"), "0".into()]);
    assert_eq!(of(&second[0]), [format!("{id}@homeroom"), "1".into()]);
    assert!(value(&second[0], "LAST-MODIFIED") > value(&first[0], "LAST-MODIFIED"));
    assert_eq!(
        value(&second[0], "SUMMARY").replace('\\', ""),
        "Mathematics, 3A"
    );
    assert!(
        text.contains("LOCATION:Räume\\, \"alt\"\\; 1\\\\2\r\n"),
        "{text}"
    );
    // Read again, it is the same to the byte.
    year.app.pass_seconds(3_600);
    assert_eq!(year.calendar(&query), text);
}

#[test]
fn every_lesson_of_a_class_or_a_teacher_is_there_and_no_other() {
    let year = Year::new();
    year.teach(&year.other_class, &year.mathematics, &year.stranger.staff);
    let mine = [
        year.lesson(1, json!({})),
        year.lesson(7, json!({"teacher": year.stranger.staff})),
    ];
    let other = year.lesson(
        1,
        json!({"academic_class": year.other_class, "teacher": year.stranger.staff}),
    );
    // Never within the session.
    year.lesson(
        3,
        json!({"valid_from": "2026-08-01", "valid_to": "2026-12-31"}),
    );
    for (query, ids) in [
        (
            format!("academic_class={}", year.class),
            vec![&mine[0], &mine[1]],
        ),
        (format!("academic_class={}", year.other_class), vec![&other]),
        (format!("teacher={}", year.colleague.staff), vec![&mine[0]]),
        (
            format!("teacher={}", year.stranger.staff),
            vec![&mine[1], &other],
        ),
        (format!("teacher={}", year.leader.staff), vec![]),
    ] {
        let mut expected: Vec<String> = ids.iter().map(|id| format!("{id}@homeroom")).collect();
        expected.sort();
        let events = events(&year.calendar(&query));
        let mut found: Vec<String> = events.iter().map(|event| value(event, "UID")).collect();
        found.sort();
        assert_eq!(found, expected, "{query}");
    }
}

#[test]
fn a_calendar_is_one_of_a_class_or_of_a_teacher() {
    let year = Year::new();
    let missing = "01890000-0000-7000-8000-00000000dead";
    for (query, field) in [
        (String::new(), "academic_class"),
        (
            format!(
                "academic_class={}&teacher={}",
                year.class, year.leader.staff
            ),
            "academic_class",
        ),
        (format!("academic_class={missing}"), "academic_class"),
        (format!("teacher={missing}"), "teacher"),
        ("teacher=me".into(), "teacher"),
    ] {
        let reply = year.admin.get(&format!("timetable/calendar.ics?{query}"));
        assert_eq!(reply.fields(), [field], "{query}");
        assert_eq!(reply.header("content-type"), "application/json");
    }
}
