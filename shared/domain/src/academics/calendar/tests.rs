use proptest::prelude::*;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn local(text: &str) -> NaiveDateTime {
    format!("{text}:00").parse().unwrap()
}

/// A clock that shows `winter` minutes more than UTC, and an hour more between two moments.
fn clock(winter: i64, summer: (&'static str, &'static str)) -> impl Fn(Timestamp) -> String {
    move |moment| {
        let utc = chrono::DateTime::from_timestamp_millis(moment.millis())
            .unwrap()
            .naive_utc();
        let is_summer = utc >= local(summer.0) && utc < local(summer.1);
        let shown = after(utc, winter + if is_summer { 60 } else { 0 });
        let text = Timestamp::from_millis(shown.and_utc().timestamp_millis()).to_rfc3339();
        text.chars().take(16).collect()
    }
}

/// London in 2026.
fn london() -> Zone {
    let wall = clock(0, ("2026-03-29T01:00", "2026-10-25T01:00"));
    Zone::observe("Europe/London", day("2026-01-12"), day("2026-12-04"), wall)
}

#[test]
fn a_zones_changes_are_found_to_the_minute() {
    let zone = london();
    assert_eq!(zone.first, 0);
    assert_eq!(
        zone.changes,
        [
            (local("2026-03-29T01:00"), 60),
            (local("2026-10-25T01:00"), 0)
        ]
    );
    let still = clock(120, ("1970-01-01T00:00", "1970-01-01T00:00"));
    let zone = Zone::observe("Africa/Harare", day("2026-01-12"), day("2026-12-04"), still);
    assert_eq!((zone.first, zone.changes), (120, vec![]));
}

#[test]
fn a_wall_clock_is_brought_to_utc_across_changes() {
    let zone = london();
    for (shown, utc) in [
        ("2026-01-12T08:00", "2026-01-12T08:00"),
        ("2026-03-29T00:59", "2026-03-29T00:59"),
        // From 01:00 to 02:00 the clock shows nothing: as before the change.
        ("2026-03-29T01:30", "2026-03-29T01:30"),
        ("2026-03-29T02:00", "2026-03-29T01:00"),
        ("2026-07-01T08:00", "2026-07-01T07:00"),
        // From 01:00 to 02:00 it shows everything twice: the first time.
        ("2026-10-25T01:30", "2026-10-25T00:30"),
        ("2026-10-25T02:00", "2026-10-25T02:00"),
        ("2026-12-04T08:00", "2026-12-04T08:00"),
    ] {
        assert_eq!(zone.to_utc(local(shown)), local(utc), "{shown}");
    }
}

fn lesson() -> Lesson {
    Lesson {
        uid: "l1@homeroom".to_owned(),
        sequence: 3,
        modified: Timestamp::from_millis(1_768_473_000_123),
        summary: "Mathematics, 3A".to_owned(),
        location: "Lab; 2".to_owned(),
        description: String::new(),
        weekday: 1,
        starts_at: 8 * 60,
        ends_at: 8 * 60 + 40,
        from: day("2026-03-17"),
        to: day("2026-04-14"),
        terms: vec![day("2026-01-12")..=day("2026-12-04")],
        without: Vec::new(),
    }
}

#[test]
fn a_calendar_is_written_as_the_standard_says() {
    let holidays = [Holiday {
        name: "Easter".to_owned(),
        days: day("2026-04-03")..=day("2026-04-06"),
    }];
    let text = write("3A", &london(), &[lesson()], &holidays);
    let expected = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Homeroom//Timetable//EN\nCALSCALE:GREGORIAN\n\
        X-WR-CALNAME:3A\nBEGIN:VTIMEZONE\nTZID:Europe/London\n\
        BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0000\nEND:STANDARD\n\
        BEGIN:DAYLIGHT\nDTSTART:20260329T010000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0100\nEND:DAYLIGHT\n\
        BEGIN:STANDARD\nDTSTART:20261025T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0000\nEND:STANDARD\n\
        END:VTIMEZONE\nBEGIN:VEVENT\nUID:l1@homeroom\nDTSTAMP:20260115T103000Z\nLAST-MODIFIED:20260115T103000Z\n\
        SEQUENCE:3\nDTSTART;TZID=Europe/London:20260323T080000\nDTEND;TZID=Europe/London:20260323T084000\n\
        RRULE:FREQ=WEEKLY;UNTIL=20260413T070000Z\nEXDATE;TZID=Europe/London:20260406T080000\n\
        SUMMARY:Mathematics\\, 3A\nLOCATION:Lab\\; 2\nEND:VEVENT\nEND:VCALENDAR\n";
    assert_eq!(text, expected.replace('\n', "\r\n"));
}

#[test]
fn a_lesson_that_never_takes_place_is_left_out() {
    let holidays = [Holiday {
        name: "All of it".to_owned(),
        days: day("2026-03-01")..=day("2026-05-01"),
    }];
    let written = |lesson: Lesson, holidays: &[Holiday]| {
        write("3A", &london(), &[lesson], holidays).contains("VEVENT")
    };
    assert!(written(lesson(), &[]));
    assert!(!written(lesson(), &holidays));
    let between = Lesson {
        to: day("2026-03-22"),
        ..lesson()
    };
    assert!(!written(between, &[]));
}

#[test]
fn a_series_begins_and_ends_with_a_lesson() {
    let holiday = |days: &str| Holiday {
        name: String::new(),
        days: day(days)..=day(days),
    };
    let text = write(
        "3A",
        &london(),
        &[lesson()],
        &[holiday("2026-03-23"), holiday("2026-04-13")],
    );
    assert!(
        text.contains("DTSTART;TZID=Europe/London:20260330T080000\r\n"),
        "{text}"
    );
    assert!(text.contains("UNTIL=20260406T070000Z\r\n"), "{text}");
    assert!(!text.contains("EXDATE"), "{text}");
}

#[test]
fn between_terms_there_is_no_lesson() {
    let terms = vec![
        day("2026-01-12")..=day("2026-03-27"),
        day("2026-04-12")..=day("2026-06-01"),
    ];
    let text = write(
        "3A",
        &london(),
        &[Lesson {
            terms: terms.clone(),
            without: Vec::new(),
            ..lesson()
        }],
        &[],
    );
    assert!(text.contains("DTSTART;TZID=Europe/London:20260323T080000\r\n"));
    assert!(text.contains("UNTIL=20260413T070000Z\r\n"), "{text}");
    assert!(
        text.contains("EXDATE;TZID=Europe/London:20260330T080000,20260406T080000\r\n"),
        "{text}"
    );
    let in_the_vacation = Lesson {
        from: day("2026-03-28"),
        to: day("2026-04-11"),
        terms,
        ..lesson()
    };
    assert!(!write("3A", &london(), &[in_the_vacation], &[]).contains("VEVENT"));
}

proptest! {
    #[test]
    fn lines_are_folded_between_characters_and_unfold_to_what_was_written(text in "\\PC{0,200}") {
        let mut lines = Lines(String::new());
        lines.add(&text);
        let written = lines.0.strip_suffix("\r\n").unwrap();
        prop_assert!(written.split("\r\n").all(|line| line.len() <= LINE));
        prop_assert_eq!(written.replace("\r\n ", ""), text);
    }

    #[test]
    fn no_text_breaks_out_of_its_line(text in any::<String>()) {
        let mut lines = Lines(String::new());
        lines.text("SUMMARY", &text);
        let written = lines.0.strip_suffix("\r\n").unwrap().replace("\r\n ", "");
        prop_assert!(!written.contains(['\r', '\n']));
        let mut read = String::new();
        let mut rest = written.strip_prefix("SUMMARY:").unwrap().chars();
        while let Some(character) = rest.next() {
            match character {
                '\\' => read.push(match rest.next().unwrap() { 'n' => '\n', other => other }),
                ',' | ';' => prop_assert!(false, "not escaped"),
                other => read.push(other),
            }
        }
        let kept: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
        prop_assert_eq!(read, kept);
    }
}
