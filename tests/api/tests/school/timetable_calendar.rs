//! `GET /api/v1/school/timetable/calendar.ics`, read by parsers that are not ours.

use chrono::{Datelike, NaiveDate};
use homeroom_domain::academics::{
    attendance::Holiday,
    calendar::{Lesson, Zone, write},
};
use icalendar::parser::{Component, read_calendar, unfold};
use proptest::prelude::*;
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

pub(super) fn value(event: &Component<'_>, name: &str) -> String {
    let property = event
        .properties
        .iter()
        .find(|property| property.name.as_str() == name);
    property.map_or_else(String::new, |property| property.val.as_str().to_owned())
}

pub(super) fn events(text: &str) -> Vec<Component<'static>> {
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

/// When an event takes place, as the crate `rrule` reads it.
fn series(text: &str, uid: &str) -> Vec<chrono::DateTime<rrule::Tz>> {
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
}

/// The same in UTC.
pub(super) fn occurrences(text: &str, uid: &str) -> Vec<String> {
    let utc = |date: &chrono::DateTime<rrule::Tz>| {
        date.with_timezone(&chrono::Utc)
            .format("%Y-%m-%dT%H:%MZ")
            .to_string()
    };
    series(text, uid).iter().map(utc).collect()
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
fn lessons_take_place_within_the_terms_of_their_session() {
    let year = Year::new();
    year.in_zone("Europe/London");
    let lesson = year.lesson(1, json!({}));
    let query = format!("academic_class={}", year.class);
    let uid = format!("{lesson}@homeroom");
    let whole = occurrences(&year.calendar(&query), &uid);
    // Until terms are entered, there is school from the first to the last day of the session.
    assert_eq!((whole.len(), whole[0].as_str()), (48, "2025-09-01T07:00Z"));
    let term = |term: &str, first: &str, last: &str| {
        let body =
            json!({"session": year.session, "term": term, "start_date": first, "end_date": last});
        year.admin.post("terms/", &body).expect(201);
    };
    term("1", "2025-09-02", "2025-10-20");
    term("2", "2026-03-23", "2026-04-13");
    year.holiday("Half term", "2025-09-15", "2025-09-19");
    let text = year.calendar(&query);
    assert_eq!(
        occurrences(&text, &uid),
        [
            "2025-09-08T07:00Z",
            "2025-09-22T07:00Z",
            "2025-09-29T07:00Z",
            "2025-10-06T07:00Z",
            "2025-10-13T07:00Z",
            "2025-10-20T07:00Z",
            "2026-03-23T08:00Z",
            "2026-03-30T07:00Z",
            "2026-04-06T07:00Z",
            "2026-04-13T07:00Z",
        ]
    );
    assert_eq!(value(&events(&text)[0], "DTEND"), "20250908T084000");
    // All of it in a vacation: there is nothing to show.
    let between = year.lesson(
        2,
        json!({"valid_from": "2025-10-21", "valid_to": "2026-03-22"}),
    );
    assert!(!year.calendar(&query).contains(&between));
}

prop_compose! {
    /// Days of the session, first and last.
    fn stretches(most: usize)(mut days in prop::collection::vec(0..330_u64, 0..=most)) -> Vec<(NaiveDate, NaiveDate)> {
        days.sort_unstable();
        let day = |n: u64| NaiveDate::from_ymd_opt(2025, 9, 1).unwrap() + chrono::Days::new(n);
        days.chunks_exact(2).map(|pair| (day(pair[0]), day(pair[1]))).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// As another program reads it, day by day.
    #[test]
    fn a_series_has_the_weekdays_in_terms_that_are_no_holidays(
        terms in stretches(6),
        free in stretches(8),
        (first, length) in (0..300_u64, 0..330_u64),
        weekday in 1..=7_u32,
    ) {
        let from = NaiveDate::from_ymd_opt(2025, 9, 1).unwrap() + chrono::Days::new(first);
        let to = from + chrono::Days::new(length);
        let lesson = Lesson {
            uid: "l1".to_owned(),
            sequence: 0,
            modified: homeroom_kernel::Timestamp::from_millis(0),
            summary: "Mathematics".to_owned(),
            location: String::new(),
            description: String::new(),
            weekday,
            starts_at: 480,
            ends_at: 520,
            from,
            to,
            terms: terms.iter().map(|(first, last)| *first..=*last).collect(),
            without: Vec::new(),
        };
        let holidays: Vec<Holiday> = free
            .iter()
            .map(|(first, last)| Holiday { name: String::new(), days: *first..=*last })
            .collect();
        let clock = |moment: homeroom_kernel::Timestamp| {
            let utc = chrono::DateTime::from_timestamp_millis(moment.millis()).unwrap();
            utc.with_timezone(&chrono_tz::Europe::London).format("%Y-%m-%dT%H:%M").to_string()
        };
        let zone = Zone::observe("Europe/London", from, to, clock);
        let text = write("3A", &zone, &[lesson], &holidays);
        let within = |list: &[(NaiveDate, NaiveDate)], day: NaiveDate| {
            list.iter().any(|(first, last)| (*first..=*last).contains(&day))
        };
        let expected: Vec<String> = from
            .iter_days()
            .take_while(|day| *day <= to)
            .filter(|day| day.weekday().number_from_monday() == weekday)
            .filter(|day| within(&terms, *day) && !within(&free, *day))
            .map(|day| format!("{day}T08:00"))
            .collect();
        let read = if text.contains("BEGIN:VEVENT") {
            series(&text, "l1").iter().map(|date| date.format("%Y-%m-%dT%H:%M").to_string()).collect()
        } else {
            Vec::new()
        };
        prop_assert_eq!(read, expected, "{}", text);
    }
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
        let id = year.lesson(5, json!({}));
        let text = year.calendar(&format!("academic_class={}", year.class));
        let all = occurrences(&text, &format!("{id}@homeroom"));
        assert_eq!(all.last().unwrap(), last, "{zone}");
        assert!(all[0].starts_with("2025-09-0"), "{zone}: {}", all[0]);
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
    // Outside the session, which was longer once.
    let outside = year.lesson(3, json!({}));
    let sql = format!(
        "update timetable set valid_from = '2026-08-01', valid_to = '2026-12-31' where id = '{outside}'"
    );
    year.app.execute(&year.school.slot, &sql);
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
