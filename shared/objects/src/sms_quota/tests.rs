mod histories;

use chrono::{DateTime, Datelike, NaiveDate};

use super::*;
use crate::kept::StoredError;

/// 2027-01-15T08:00:00Z.
const MORNING: i64 = 1_800_000_000_000;
const HOUR: i64 = 60 * 60 * 1_000;

const LIMITS: Limits = Limits {
    rate_per_second: 10,
    burst: 20,
    daily_parts: 1_000,
    monthly_parts: 10_000,
};

const NO_RATE: Limits = Limits {
    rate_per_second: 1_000_000,
    burst: 1_000_000,
    ..LIMITS
};

fn granted(taken_at: i64) -> QuotaReply {
    QuotaReply::Granted { taken_at }
}

fn refused(limit: Limit, retry_after: u32) -> QuotaReply {
    QuotaReply::Refused { limit, retry_after }
}

fn time(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text)
        .expect(text)
        .timestamp_millis()
}

#[test]
fn a_burst_goes_through_at_once_and_then_as_many_as_the_rate_allows() {
    let mut quota = SmsQuota::default();
    for _ in 0..20 {
        assert_eq!(quota.take(1, 1, &LIMITS, MORNING), granted(MORNING));
    }
    for (at, reply) in [
        (0, refused(Limit::Rate, 1)),
        (99, refused(Limit::Rate, 1)),
        (100, granted(MORNING + 100)),
        (100, refused(Limit::Rate, 1)),
        (199, refused(Limit::Rate, 1)),
        (350, granted(MORNING + 350)),
        (350, granted(MORNING + 350)),
        (350, refused(Limit::Rate, 1)),
    ] {
        assert_eq!(quota.take(1, 1, &LIMITS, MORNING + at), reply, "{at} ms");
    }
}

#[test]
fn a_pause_fills_the_burst_and_no_more() {
    let mut quota = SmsQuota::default();
    for start in [MORNING, MORNING + 2_000, MORNING + 100 * HOUR] {
        for _ in 0..20 {
            assert_eq!(quota.take(1, 1, &LIMITS, start), granted(start));
        }
        assert_eq!(quota.take(1, 1, &LIMITS, start), refused(Limit::Rate, 1));
    }
}

#[test]
fn a_batch_larger_than_the_burst_waits_for_the_whole_burst_and_is_paid_for_afterwards() {
    let mut quota = SmsQuota::default();
    assert_eq!(quota.take(120, 120, &LIMITS, MORNING), granted(MORNING));
    // 100 more than the burst: ten seconds until it is empty, and two until it is full.
    for (second, messages, reply) in [
        (0, 1, refused(Limit::Rate, 11)),
        (9, 1, refused(Limit::Rate, 2)),
        (10, 20, refused(Limit::Rate, 2)),
        (10, 120, refused(Limit::Rate, 2)),
        (12, 120, granted(MORNING + 12_000)),
    ] {
        let now = MORNING + second * 1_000;
        assert_eq!(
            quota.take(messages, 1, &LIMITS, now),
            reply,
            "{second} {messages}"
        );
    }
}

#[test]
fn parts_of_a_day_and_of_a_month_are_counted_in_utc() {
    let mut quota = SmsQuota::default();
    for (at, parts, reply) in [
        ("2027-01-30T10:00:00Z", 900, None),
        (
            "2027-01-30T10:00:00Z",
            101,
            Some(refused(Limit::Day, 14 * 3_600)),
        ),
        ("2027-01-30T23:59:59.500Z", 100, None),
        ("2027-01-30T23:59:59.500Z", 1, Some(refused(Limit::Day, 1))),
        ("2027-01-31T00:00:00Z", 1_000, None),
        ("2027-01-31T23:00:00Z", 1, Some(refused(Limit::Day, 3_600))),
        ("2027-02-01T00:00:00Z", 1_000, None),
    ] {
        let now = time(at);
        let reply = reply.unwrap_or(granted(now));
        assert_eq!(quota.take(1, parts, &NO_RATE, now), reply, "{at} {parts}");
    }
    let mut quota = SmsQuota::default();
    let days = |day: i64| time("2027-01-01T12:00:00Z") + day * DAY_MS;
    for day in 0..10 {
        assert_eq!(
            quota.take(1, 1_000, &NO_RATE, days(day)),
            granted(days(day))
        );
    }
    let left = 21 * 86_400 - 12 * 3_600;
    assert_eq!(
        quota.take(1, 1, &NO_RATE, days(10)),
        refused(Limit::Month, left)
    );
    assert_eq!(quota.take(1, 1, &NO_RATE, days(31)), granted(days(31)));
}

#[test]
fn a_limit_of_nothing_allows_nothing_and_a_changed_limit_holds_at_once() {
    let mut quota = SmsQuota::default();
    for (limits, limit) in [
        (
            Limits {
                daily_parts: 0,
                ..LIMITS
            },
            Limit::Day,
        ),
        (
            Limits {
                monthly_parts: 0,
                ..LIMITS
            },
            Limit::Month,
        ),
    ] {
        let reply = quota.take(1, 1, &limits, MORNING);
        assert!(
            matches!(reply, QuotaReply::Refused { limit: of, .. } if of == limit),
            "{reply:?}"
        );
    }
    assert_eq!(quota.take(1, 1_000, &LIMITS, MORNING), granted(MORNING));
    assert_eq!(
        quota.take(1, 1, &LIMITS, MORNING),
        refused(Limit::Day, 16 * 3_600)
    );
    let more = Limits {
        daily_parts: 1_001,
        ..LIMITS
    };
    assert_eq!(quota.take(1, 1, &more, MORNING), granted(MORNING));
    // A rate that is raised is not held up by what the old one owed for long.
    let slow = Limits {
        rate_per_second: 1,
        burst: 1,
        ..LIMITS
    };
    let fast = Limits {
        rate_per_second: 1_000,
        burst: 1,
        ..LIMITS
    };
    let mut quota = SmsQuota::default();
    quota.take(600, 1, &slow, MORNING);
    assert_eq!(quota.take(1, 1, &slow, MORNING), refused(Limit::Rate, 600));
    assert_eq!(quota.take(1, 1, &fast, MORNING), refused(Limit::Rate, 2));
    assert_eq!(
        quota.take(1, 1, &fast, MORNING + 1_001),
        granted(MORNING + 1_001)
    );
    for zero in [
        Limits {
            rate_per_second: 0,
            ..LIMITS
        },
        Limits { burst: 0, ..LIMITS },
    ] {
        assert_eq!(
            SmsQuota::default().take(1, 1, &zero, MORNING),
            granted(MORNING)
        );
    }
}

#[test]
fn what_is_refused_is_not_counted() {
    let mut quota = SmsQuota::default();
    quota.take(20, 900, &LIMITS, MORNING);
    let before = quota.clone();
    for (parts, limit) in [(101, Limit::Day), (9_101, Limit::Month), (1, Limit::Rate)] {
        let reply = quota.take(1, parts, &LIMITS, MORNING);
        assert!(
            matches!(reply, QuotaReply::Refused { limit: of, .. } if of == limit),
            "{reply:?}"
        );
        assert_eq!(quota, before);
    }
}

#[test]
fn of_fifty_parallel_requests_exactly_the_burst_gets_through() {
    let mut quota = SmsQuota::default();
    let replies: Vec<_> = (0..50)
        .map(|_| quota.take(1, 1, &LIMITS, MORNING))
        .collect();
    assert!(replies[..20].iter().all(|reply| *reply == granted(MORNING)));
    assert!(
        replies[20..]
            .iter()
            .all(|reply| *reply == refused(Limit::Rate, 1))
    );
}

#[test]
fn what_is_given_back_can_be_taken_again_but_on_the_same_day_only() {
    let mut quota = SmsQuota::default();
    let evening = time("2027-01-31T23:59:00Z");
    quota.take(1, 1_000, &NO_RATE, evening);
    assert_eq!(
        quota.release(300, evening, evening + 1),
        QuotaReply::Released
    );
    assert_eq!(
        quota.take(1, 300, &NO_RATE, evening + 2),
        granted(evening + 2)
    );
    assert_eq!(
        quota.take(1, 1, &NO_RATE, evening + 3),
        refused(Limit::Day, 60)
    );

    let next_day = time("2027-02-01T00:00:00Z");
    quota.take(1, 1_000, &NO_RATE, next_day);
    quota.release(1_000, evening, next_day + 1);
    assert_eq!(
        quota.take(1, 1, &NO_RATE, next_day + 1),
        refused(Limit::Day, 86_400)
    );
    // On another day of the same month the month gets it back.
    let day_after = next_day + DAY_MS;
    quota.release(400, next_day, day_after);
    assert_eq!((quota.day.parts, quota.month.parts), (0, 600));
    quota.release(u32::MAX, next_day, day_after);
    assert_eq!(quota.month.parts, 0);
}

#[test]
fn a_clock_that_steps_back_gives_no_second_budget_and_one_that_ran_far_ahead_takes_none_away() {
    let midnight = time("2027-02-01T00:00:00Z");
    let mut quota = SmsQuota::default();
    quota.take(1, 1_000, &NO_RATE, midnight);
    assert_eq!(
        quota.take(1, 1, &NO_RATE, midnight - 500),
        refused(Limit::Day, 86_401)
    );
    assert_eq!((quota.day.parts, quota.month.parts), (1_000, 1_000));
    let a_year_back = midnight - 365 * DAY_MS;
    // The largest request leaves 102 seconds to wait for.
    assert_eq!(
        quota.take(20, 1_000, &LIMITS, a_year_back),
        refused(Limit::Rate, 102)
    );
    let soon = a_year_back + 102_000;
    assert_eq!(quota.take(20, 1_000, &LIMITS, soon), granted(soon));
}

#[test]
fn a_quota_expires_with_the_month_or_the_burst_whichever_is_later() {
    assert_eq!(SmsQuota::default().expires_at(), 0);
    let mut quota = SmsQuota::default();
    quota.take(1, 1, &LIMITS, MORNING);
    assert_eq!(quota.expires_at(), time("2027-02-01T00:00:00Z"));
    quota.release(1, MORNING, MORNING);
    assert_eq!(quota.expires_at(), MORNING + 100);
    let mut quota = SmsQuota::default();
    let last = time("2027-01-31T23:59:59Z");
    quota.take(1_000, 1, &LIMITS, last);
    assert_eq!(quota.expires_at(), last + 100_000);
}

#[test]
fn requests_and_replies_have_the_agreed_form() {
    for (request, json) in [
        (
            QuotaRequest::Take {
                messages: 1,
                parts: 2,
                limits: LIMITS,
            },
            r#"{"op":"take","messages":1,"parts":2,"limits":{"rate_per_second":10,"burst":20,"daily_parts":1000,"monthly_parts":10000}}"#,
        ),
        (
            QuotaRequest::Release {
                parts: 2,
                taken_at: MORNING,
            },
            r#"{"op":"release","parts":2,"taken_at":1800000000000}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&request).unwrap(), json);
        assert_eq!(serde_json::from_str::<QuotaRequest>(json).unwrap(), request);
    }
    for (reply, json) in [
        (
            granted(MORNING),
            r#"{"outcome":"granted","taken_at":1800000000000}"#,
        ),
        (
            refused(Limit::Rate, 1),
            r#"{"outcome":"refused","limit":"rate","retry_after":1}"#,
        ),
        (
            refused(Limit::Day, 9),
            r#"{"outcome":"refused","limit":"day","retry_after":9}"#,
        ),
        (
            refused(Limit::Month, 9),
            r#"{"outcome":"refused","limit":"month","retry_after":9}"#,
        ),
        (QuotaReply::Released, r#"{"outcome":"released"}"#),
    ] {
        assert_eq!(serde_json::to_string(&reply).unwrap(), json);
        assert_eq!(serde_json::from_str::<QuotaReply>(json).unwrap(), reply);
    }
}

#[test]
fn the_stored_form_is_pinned() {
    let mut quota = SmsQuota::default();
    quota.take(3, 7, &LIMITS, MORNING);
    let json = r#"{"version":1,"quota":{"burst_full_at":1800000000300000,"day":{"number":20833,"parts":7},"month":{"number":684,"parts":7}}}"#;
    assert_eq!(quota.to_stored().unwrap(), json);
    assert_eq!(SmsQuota::from_stored(json).unwrap(), quota);
}

#[test]
fn a_stored_quota_of_another_version_or_form_is_refused() {
    for json in [
        "",
        "{}",
        r#"{"version":1}"#,
        r#"{"version":1,"guard":{"ceiling_full_at":0,"addresses":{}}}"#,
        r#"{"version":1,"quota":{"burst_full_at":0,"day":{"number":0,"parts":0}}}"#,
        r#"{"version":1,"quota":{"burst_full_at":0,"day":{"number":0,"parts":-1},"month":{"number":0,"parts":0}}}"#,
    ] {
        let error = SmsQuota::from_stored(json).unwrap_err();
        assert!(
            matches!(error, StoredError::Malformed { name: "quota", .. }),
            "{json}"
        );
    }
    let error = SmsQuota::from_stored(r#"{"version":2,"quota":"new"}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the stored quota has version 2, this code reads version 1"
    );
}

#[test]
fn every_app_has_an_object_of_its_own() {
    assert_eq!(object_name(7), "sms/quota/7");
}

#[test]
fn months_are_those_of_the_calendar() {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
    for date in epoch.iter_days().take(150_000) {
        let day = (date - epoch).num_days();
        let month = i64::from(date.year() - 1970) * 12 + i64::from(date.month0());
        assert_eq!(month_of(day), month, "{date}");
        if date.day() == 1 {
            assert_eq!(first_day_of(month), day, "{date}");
        }
    }
}
