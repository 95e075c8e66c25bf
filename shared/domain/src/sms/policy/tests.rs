use chrono::{Offset, Timelike};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const HARARE: &str = "Africa/Harare";
const LONDON: &str = "Europe/London";

fn read(json: Value) -> Result<Policy, FieldErrors> {
    let Value::Object(map) = json else {
        panic!("not an object")
    };
    Policy::from_stored(map)
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}Z")).expect(text)
}

/// The wall clock as the runtime shows it.
fn wall(zone: &'static str) -> impl Fn(Timestamp) -> Option<String> {
    let zone: chrono_tz::Tz = zone.parse().expect(zone);
    move |moment| {
        let utc = chrono::DateTime::from_timestamp_millis(moment.millis())?;
        let shown = utc.with_timezone(&zone).naive_local().and_utc();
        let text = Timestamp::from_millis(shown.timestamp_millis()).to_rfc3339();
        Some(text.chars().take(16).collect())
    }
}

fn quiet(from: &str, to: &str) -> Quiet {
    let time = |text| TimeOfDay::parse(text).expect("a time");
    Quiet {
        from: time(from),
        to: time(to),
    }
}

fn wish() -> Wish {
    Wish {
        priority: 1,
        send_at: None,
        valid_until: None,
    }
}

fn at_night() -> Policy {
    Policy {
        quiet: Some(quiet("21:00", "07:00")),
        ..Policy::default()
    }
}

fn strict() -> Policy {
    Policy {
        daily_cap: Some(2),
        weekly_cap: Some(5),
        duplicate_seconds: 600,
        ..Policy::default()
    }
}

#[test]
fn caps_duplicates_and_opt_outs_refuse_in_this_order() {
    let now = at("2026-05-04T10:00:00");
    let long_ago = Some(now.plus_seconds(-600));
    let just_now = Some(now.plus_seconds(-599));
    for (opted_out, last_day, last_week, same_text_at, expected) in [
        (false, 0, 0, None, None),
        (false, 1, 4, long_ago, None),
        (false, 1, 4, just_now, Some(Refusal::Duplicate)),
        (false, 2, 2, None, Some(Refusal::DailyCap)),
        (false, 3, 9, None, Some(Refusal::DailyCap)),
        (false, 0, 5, None, Some(Refusal::WeeklyCap)),
        (false, 2, 5, just_now, Some(Refusal::Duplicate)),
        (true, 2, 5, just_now, Some(Refusal::OptedOut)),
        (true, 0, 0, None, Some(Refusal::OptedOut)),
    ] {
        let contact = Contact {
            opted_out,
            last_day,
            last_week,
            same_text_at,
        };
        let decision = strict().decide(&wish(), &contact, now, wall("UTC"));
        let expected = expected.map_or(Decision::Send { at: None }, Decision::Refuse);
        assert_eq!(decision, expected, "{contact:?}");
    }
}

#[test]
fn without_a_policy_only_an_opt_out_refuses() {
    let now = at("2026-05-04T23:00:00");
    let contact = Contact {
        last_day: 1_000_000,
        last_week: 1_000_000,
        same_text_at: Some(now),
        opted_out: false,
    };
    let decide = |contact| Policy::default().decide(&wish(), &contact, now, wall(HARARE));
    assert_eq!(decide(contact), Decision::Send { at: None });
    let opted_out = Contact {
        opted_out: true,
        ..contact
    };
    assert_eq!(decide(opted_out), Decision::Refuse(Refusal::OptedOut));
}

#[test]
fn every_refusal_has_a_code_of_its_own() {
    let codes: std::collections::BTreeSet<_> = Refusal::ALL.map(Refusal::code).into();
    assert_eq!(codes.len(), Refusal::ALL.len());
    assert!(
        Refusal::ALL
            .iter()
            .all(|refusal| !refusal.words().is_empty())
    );
}

#[test]
fn quiet_hours_move_a_message_to_their_end_by_the_wall_clock() {
    // Harare is two hours ahead of UTC all year.
    for (now, send_at, expected) in [
        ("2026-05-04T18:59:59", None, None),
        ("2026-05-04T19:00:00", None, Some("2026-05-05T05:00:00")),
        ("2026-05-04T22:30:17", None, Some("2026-05-05T05:00:00")),
        ("2026-05-05T04:59:59.999", None, Some("2026-05-05T05:00:00")),
        ("2026-05-05T05:00:00", None, None),
        // A time of the sender's own is kept by day and moved by night; one that has passed is now.
        (
            "2026-05-04T10:00:00",
            Some("2026-05-04T12:34:56"),
            Some("2026-05-04T12:34:56"),
        ),
        (
            "2026-05-04T10:00:00",
            Some("2026-05-04T20:00:00"),
            Some("2026-05-05T05:00:00"),
        ),
        (
            "2026-05-04T20:00:00",
            Some("2026-05-05T09:00:00"),
            Some("2026-05-05T09:00:00"),
        ),
        ("2026-05-04T10:00:00", Some("2026-05-03T20:00:00"), None),
    ] {
        let wish = Wish {
            send_at: send_at.map(at),
            ..wish()
        };
        let decision = at_night().decide(&wish, &Contact::default(), at(now), wall(HARARE));
        let expected = expected.map(at);
        assert_eq!(
            decision,
            Decision::Send { at: expected },
            "{now} {send_at:?}"
        );
    }
}

#[test]
fn an_alarm_is_sent_at_night_too() {
    let night = at("2026-05-04T22:00:00");
    for (priority, at) in [(2, Some(at("2026-05-05T05:00:00"))), (3, None)] {
        let wish = Wish { priority, ..wish() };
        let decision = at_night().decide(&wish, &Contact::default(), night, wall(HARARE));
        assert_eq!(decision, Decision::Send { at }, "{priority}");
    }
}

#[test]
fn what_would_expire_during_quiet_hours_is_refused() {
    let night = at("2026-05-04T22:00:00");
    for (valid_until, expected) in [
        ("2026-05-05T05:00:00", Decision::Refuse(Refusal::QuietHours)),
        ("2026-05-04T23:00:00", Decision::Refuse(Refusal::QuietHours)),
        (
            "2026-05-05T05:00:01",
            Decision::Send {
                at: Some(at("2026-05-05T05:00:00")),
            },
        ),
    ] {
        let wish = Wish {
            valid_until: Some(at(valid_until)),
            ..wish()
        };
        let decision = at_night().decide(&wish, &Contact::default(), night, wall(HARARE));
        assert_eq!(decision, expected, "{valid_until}");
    }
}

#[test]
fn quiet_hours_of_one_day_and_over_midnight() {
    for (from, to, time, covered) in [
        ("12:00", "14:00", "11:59", false),
        ("12:00", "14:00", "12:00", true),
        ("12:00", "14:00", "13:59", true),
        ("12:00", "14:00", "14:00", false),
        ("21:00", "07:00", "20:59", false),
        ("21:00", "07:00", "21:00", true),
        ("21:00", "07:00", "00:00", true),
        ("21:00", "07:00", "06:59", true),
        ("21:00", "07:00", "07:00", false),
        ("00:00", "06:00", "00:00", true),
        ("00:00", "06:00", "23:59", false),
        ("22:00", "00:00", "23:59", true),
        ("22:00", "00:00", "00:00", false),
    ] {
        let time_of_day = TimeOfDay::parse(time).expect(time);
        assert_eq!(
            quiet(from, to).covers(time_of_day),
            covered,
            "{from}-{to} {time}"
        );
    }
}

#[test]
fn quiet_hours_end_when_the_clock_says_so_in_the_nights_when_it_is_changed() {
    for (zone, from, to, moment, end) in [
        // Forward at 01:00 UTC: the night is an hour shorter.
        (
            LONDON,
            "21:00",
            "07:00",
            "2026-03-28T23:00:00",
            "2026-03-29T06:00:00",
        ),
        // Their end is in the hour that is left out: from 01:00 it is 02:00.
        (
            LONDON,
            "21:00",
            "01:30",
            "2026-03-28T23:00:00",
            "2026-03-29T01:00:00",
        ),
        // Their start is: 01:30 to 01:40 are not shown, and what is quiet until 05:00 is so from 02:00.
        (
            LONDON,
            "01:30",
            "05:00",
            "2026-03-29T01:00:00",
            "2026-03-29T04:00:00",
        ),
        // Back at 01:00 UTC: an hour longer.
        (
            LONDON,
            "21:00",
            "07:00",
            "2026-10-24T22:00:00",
            "2026-10-25T07:00:00",
        ),
        // Their end is shown twice: the first one counts.
        (
            LONDON,
            "21:00",
            "01:30",
            "2026-10-24T22:00:00",
            "2026-10-25T00:30:00",
        ),
        // And in the second one's hour it is quiet again until then.
        (
            LONDON,
            "21:00",
            "01:30",
            "2026-10-25T01:10:00",
            "2026-10-25T01:30:00",
        ),
        // Half an hour of summer time.
        (
            "Australia/Lord_Howe",
            "21:00",
            "07:00",
            "2026-10-03T12:00:00",
            "2026-10-03T20:00:00",
        ),
        // A zone that is not a whole number of hours away.
        (
            "Asia/Kathmandu",
            "21:00",
            "07:00",
            "2026-05-04T16:00:30",
            "2026-05-05T01:15:00",
        ),
    ] {
        let found = quiet(from, to).end(at(moment), wall(zone));
        assert_eq!(found, Some(at(end)), "{zone} {from}-{to} {moment}");
    }
}

#[test]
fn a_time_zone_that_the_runtime_does_not_know_counts_as_utc() {
    let night = at("2026-05-04T22:00:00");
    let decision = at_night().decide(&wish(), &Contact::default(), night, |_| None);
    let end = at("2026-05-05T07:00:00");
    assert_eq!(decision, Decision::Send { at: Some(end) });
}

#[test]
fn a_policy_is_stored_as_it_was_read() {
    let json = json!({
        "daily_cap": 3,
        "weekly_cap": 10,
        "duplicate_seconds": 300,
        "quiet_from": "21:00",
        "quiet_to": "07:05",
        "timezone": "Africa/Harare",
        "help_text": "Greenwood School. Reply STOP to end.",
    });
    let policy = read(json.clone()).unwrap();
    assert_eq!(policy.quiet, Some(quiet("21:00", "07:05")));
    assert_eq!(policy.to_json(), json);
    for empty in [
        json!({}),
        json!({"quiet_from": null, "quiet_to": "", "daily_cap": null}),
    ] {
        assert_eq!(read(empty).unwrap(), Policy::default());
    }
    let shown = Policy::default().to_json();
    assert_eq!(read(shown).unwrap(), Policy::default());
}

#[test]
fn mistakes_in_a_policy_are_named_by_field() {
    for (json, fields) in [
        (json!({"daily_cap": 0}), vec!["daily_cap"]),
        (
            json!({"daily_cap": 1001, "weekly_cap": -1}),
            vec!["daily_cap", "weekly_cap"],
        ),
        (
            json!({"duplicate_seconds": 604_801}),
            vec!["duplicate_seconds"],
        ),
        (
            json!({"duplicate_seconds": null}),
            vec!["duplicate_seconds"],
        ),
        (json!({"quiet_from": "21:00"}), vec!["quiet_to"]),
        (json!({"quiet_to": "07:00"}), vec!["quiet_from"]),
        (
            json!({"quiet_from": "07:00", "quiet_to": "07:00"}),
            vec!["quiet_to"],
        ),
        (
            json!({"quiet_from": "24:00", "quiet_to": "7:00"}),
            vec!["quiet_from", "quiet_to"],
        ),
        (
            json!({"quiet_from": "21:60", "quiet_to": "+1:00"}),
            vec!["quiet_from", "quiet_to"],
        ),
        (
            json!({"quiet_from": 21, "quiet_to": "07:00"}),
            vec!["quiet_from"],
        ),
        (json!({"timezone": "Mars/"}), vec!["timezone"]),
        (json!({"help_text": "x".repeat(460)}), vec!["help_text"]),
        (json!({"dayly_cap": 3}), vec!["dayly_cap"]),
    ] {
        let errors = read(json.clone()).unwrap_err();
        assert_eq!(errors.names().collect::<Vec<_>>(), fields, "{json}");
    }
}

fn a_zone() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "UTC",
        HARARE,
        LONDON,
        "America/New_York",
        "America/St_Johns",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Asia/Kathmandu",
        "Africa/Casablanca",
        "Africa/Cairo",
    ])
}

fn quiet_hours() -> impl Strategy<Value = Quiet> {
    (0..DAY_MINUTES, 1..DAY_MINUTES).prop_map(|(from, length)| Quiet {
        from: TimeOfDay(from),
        to: TimeOfDay((from + length) % DAY_MINUTES),
    })
}

proptest! {
    #[test]
    fn quiet_hours_end_at_the_first_minute_that_is_not_quiet_unless_the_clock_is_set_back(
        zone in a_zone(),
        hours in quiet_hours(),
        // 2010 to 2037, in milliseconds.
        moment in 1_262_304_000_000_i64..2_145_916_800_000,
    ) {
        let clock = wall(zone);
        let is_quiet = |minute: i64| {
            let shown = clock(Timestamp::from_millis(minute * MINUTE_MS)).unwrap();
            hours.covers(TimeOfDay::of_local(&shown).unwrap())
        };
        let start = moment.div_euclid(MINUTE_MS);
        let Some(end) = hours.end(Timestamp::from_millis(moment), &clock) else {
            prop_assert!(!is_quiet(start));
            return Ok(());
        };
        let end = end.millis() / MINUTE_MS;
        prop_assert!(is_quiet(start) && is_quiet(end - 1) && !is_quiet(end));
        prop_assert!((1..=2_880).contains(&(end - start)));
        let offset = |minute: i64| {
            let utc = chrono::DateTime::from_timestamp(minute * 60, 0).unwrap();
            let local = utc.with_timezone(&zone.parse::<chrono_tz::Tz>().unwrap());
            local.offset().fix().local_minus_utc()
        };
        if (start..end).all(|minute| offset(minute) <= offset(minute + 1)) {
            let first = (start..=end).find(|minute| !is_quiet(*minute));
            prop_assert_eq!(first, Some(end));
        }
    }

    #[test]
    fn a_message_is_never_sent_earlier_than_wished_nor_at_night(
        zone in a_zone(),
        hours in quiet_hours(),
        now in 1_262_304_000_000_i64..2_145_916_800_000,
        later in prop::option::of(-1_000_000_i64..1_000_000_000),
    ) {
        let policy = Policy { quiet: Some(hours), ..Policy::default() };
        let now = Timestamp::from_millis(now);
        let send_at = later.map(|later| Timestamp::from_millis(now.millis() + later));
        let wish = Wish { send_at, ..wish() };
        let Decision::Send { at } = policy.decide(&wish, &Contact::default(), now, wall(zone)) else {
            panic!("nothing refuses it");
        };
        let sent = at.unwrap_or(now);
        prop_assert!(sent >= now && sent >= send_at.unwrap_or(now));
        let utc = chrono::DateTime::from_timestamp_millis(sent.millis()).unwrap();
        let local = utc.with_timezone(&zone.parse::<chrono_tz::Tz>().unwrap());
        let minute = u16::try_from(local.hour() * 60 + local.minute()).unwrap();
        prop_assert!(!hours.covers(TimeOfDay(minute)));
    }

    #[test]
    fn no_clock_and_no_time_stop_it(
        moment: i64,
        hours in quiet_hours(),
        shown: String,
        minutes in prop::collection::vec(0..DAY_MINUTES, 1..8),
    ) {
        let moment = Timestamp::from_millis(moment);
        let _ = hours.end(moment, |_| Some(shown.clone()));
        let turn = std::cell::Cell::new(0);
        let _ = hours.end(moment, |_| {
            turn.set(turn.get() + 1);
            let minute = minutes[turn.get() % minutes.len()];
            Some(format!("2026-01-31T{:02}:{:02}", minute / 60, minute % 60))
        });
    }

    #[test]
    fn any_text_is_a_time_or_none(text: String) {
        if let Some(time) = TimeOfDay::parse(&text) {
            prop_assert_eq!(time.to_string(), text);
        }
    }
}
