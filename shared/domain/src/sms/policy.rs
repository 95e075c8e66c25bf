//! When a receiver may be written to: what an app may say of it, and what that means for one message.
//!
//! Caps are counted over the last 24 hours and the last 7 days, not by the calendar: nobody gets two days' worth around midnight, the count
//! needs no time zone, and it is one range of an index. A message counts from when it was taken, also where it is sent later. Quiet hours are
//! those of the wall clock: they are as long as it says, an hour more or less in the nights when it is changed.

use std::fmt;

use homeroom_kernel::{FieldErrors, Fields, Input, Timestamp, rules};
use serde_json::{Map, Value, json};

use crate::schools;

/// Over what the daily cap counts, in seconds.
pub const DAY_SECONDS: i64 = 24 * 60 * 60;
/// Over what the weekly cap counts, in seconds.
pub const WEEK_SECONDS: i64 = 7 * DAY_SECONDS;
/// The priority that wakes people: alarms are sent during quiet hours as well.
pub const URGENT: u8 = 3;

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: u16 = 24 * 60;
/// Three parts of the GSM alphabet: nobody who asks what this is wants a letter.
const MAX_HELP: usize = 459;

/// When receivers of one app may be written to. The default allows everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Most messages to one receiver in 24 hours.
    pub daily_cap: Option<u32>,
    /// Most messages to one receiver in 7 days.
    pub weekly_cap: Option<u32>,
    /// For how long the same text to the same receiver is refused; 0: it never is.
    pub duplicate_seconds: u32,
    /// From when nobody is written to, by the wall clock, and from when they are again.
    pub quiet: Option<Quiet>,
    /// Whose wall clock; where absent, that of the school, or UTC.
    pub timezone: Option<String>,
    /// The answer to HELP; none is sent where it is empty.
    pub help_text: String,
}

/// Hours of the day; over midnight where the end is before the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// The first quiet minute.
    pub from: TimeOfDay,
    /// The first minute that is not.
    pub to: TimeOfDay,
}

/// A minute of the day, `21:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

/// What is known of a receiver when a message for it comes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// It asked for no more messages.
    pub opted_out: bool,
    /// Messages that it was sent in the last 24 hours.
    pub last_day: u32,
    /// Messages that it was sent in the last 7 days.
    pub last_week: u32,
    /// When it was last sent the same text.
    pub same_text_at: Option<Timestamp>,
}

/// A message as the policy sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// 0 to 3.
    pub priority: u8,
    /// When it is to be sent; now where absent.
    pub send_at: Option<Timestamp>,
    /// From when it is of no use any more.
    pub valid_until: Option<Timestamp>,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is sent: at this time, or now where there is none.
    Send {
        /// When; the wish's own time, or the end of the quiet hours after it.
        at: Option<Timestamp>,
    },
    /// It is not.
    Refuse(Refusal),
}

/// Why a receiver is not written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The receiver asked for no more messages.
    OptedOut,
    /// The same text was sent a moment ago.
    Duplicate,
    /// It had its messages of the day.
    DailyCap,
    /// It had its messages of the week.
    WeeklyCap,
    /// The message would be worthless before the quiet hours end.
    QuietHours,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::OptedOut,
        Self::Duplicate,
        Self::DailyCap,
        Self::WeeklyCap,
        Self::QuietHours,
    ];

    /// Its stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::OptedOut => "opted_out",
            Self::Duplicate => "duplicate",
            Self::DailyCap => "daily_cp",
            Self::WeeklyCap => "weekly_cp",
            Self::QuietHours => "quiet_hours",
        }
    }

    /// It in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::OptedOut => "the receiver has opted out",
            Self::Duplicate => "the same text was sent to this receiver a moment ago",
            Self::DailyCap => "the receiver had as many messages in 24 hours as are allowed",
            Self::WeeklyCap => "the receiver had as many messages in 7 days as are allowed",
            Self::QuietHours => "the message would expire before the quiet hours end",
        }
    }
}

impl Policy {
    /// Reads a stored policy.
    pub fn from_stored(stored: Map<String, Value>) -> Result<Self, FieldErrors> {
        Fields::parse(stored, false)
    }

    /// The form in which a policy is stored and shown.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let time = |which: fn(Quiet) -> TimeOfDay| self.quiet.map(|quiet| which(quiet).to_string());
        json!({
            "daily_cap": self.daily_cap,
            "weekly_cap": self.weekly_cap,
            "duplicate_seconds": self.duplicate_seconds,
            "quiet_from": time(|quiet| quiet.from),
            "quiet_to": time(|quiet| quiet.to),
            "timezone": self.timezone,
            "help_text": self.help_text,
        })
    }

    /// What becomes of a message. `clock` shows the wall clock of the policy's time zone at a moment, `2026-01-31T08:00`; UTC where it shows
    /// none.
    #[must_use]
    pub fn decide(
        &self,
        wish: &Wish,
        contact: &Contact,
        now: Timestamp,
        clock: impl Fn(Timestamp) -> Option<String>,
    ) -> Decision {
        if let Some(refusal) = self.refusal(contact, now) {
            return Decision::Refuse(refusal);
        }
        let wished = wish.send_at.filter(|at| *at > now);
        let Some(quiet) = self.quiet.filter(|_| wish.priority < URGENT) else {
            return Decision::Send { at: wished };
        };
        let Some(end) = quiet.end(wished.unwrap_or(now), clock) else {
            return Decision::Send { at: wished };
        };
        if wish.valid_until.is_some_and(|until| until <= end) {
            return Decision::Refuse(Refusal::QuietHours);
        }
        Decision::Send { at: Some(end) }
    }

    fn refusal(&self, contact: &Contact, now: Timestamp) -> Option<Refusal> {
        let is_full = |cap: Option<u32>, sent: u32| cap.is_some_and(|cap| sent >= cap);
        let is_repeated = contact
            .same_text_at
            .is_some_and(|at| at.plus_seconds(self.duplicate_seconds.into()) > now);
        [
            (contact.opted_out, Refusal::OptedOut),
            (
                is_repeated && self.duplicate_seconds > 0,
                Refusal::Duplicate,
            ),
            (is_full(self.daily_cap, contact.last_day), Refusal::DailyCap),
            (
                is_full(self.weekly_cap, contact.last_week),
                Refusal::WeeklyCap,
            ),
        ]
        .into_iter()
        .find_map(|(applies, refusal)| applies.then_some(refusal))
    }
}

impl Quiet {
    /// Whether a minute of the day is quiet.
    #[must_use]
    pub fn covers(self, time: TimeOfDay) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        }
    }

    /// When the quiet hours end that a moment is in, a whole minute; none where it is in none. A clock that is set back just after they have
    /// begun ends them for a while: those minutes are of the same night and not meant.
    #[must_use]
    pub fn end(
        self,
        moment: Timestamp,
        clock: impl Fn(Timestamp) -> Option<String>,
    ) -> Option<Timestamp> {
        let shown = |minute: i64| {
            let moment = Timestamp::from_millis(minute.saturating_mul(MINUTE_MS));
            let text = clock(moment).unwrap_or_else(|| moment.to_rfc3339());
            TimeOfDay::of_local(&text).unwrap_or(TimeOfDay(0))
        };
        let mut quiet = moment.millis().div_euclid(MINUTE_MS);
        let mut time = shown(quiet);
        if !self.covers(time) {
            return None;
        }
        // A clock that is set back meanwhile shows a quiet minute again where the end was expected. No zone does so thrice a day.
        for _ in 0..3 {
            let expected = quiet.saturating_add(time.until(self.to).into());
            time = shown(expected);
            if !self.covers(time) {
                let end = if time == self.to {
                    expected
                } else {
                    first(quiet, expected, |minute| !self.covers(shown(minute)))
                };
                return Some(Timestamp::from_millis(end.saturating_mul(MINUTE_MS)));
            }
            quiet = expected;
        }
        None
    }
}

/// The first number above `no` that fits, where `yes` is the last that is known to.
fn first(mut no: i64, mut yes: i64, fits: impl Fn(i64) -> bool) -> i64 {
    while yes.saturating_sub(no) > 1 {
        let middle = no.midpoint(yes);
        if fits(middle) {
            yes = middle;
        } else {
            no = middle;
        }
    }
    yes
}

impl TimeOfDay {
    /// Reads `21:00`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (hours, minutes) = text.split_once(':')?;
        let number = |text: &str, end: u16| {
            let two_digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            let number: u16 = text.parse().ok()?;
            (two_digits && number < end).then_some(number)
        };
        Some(Self(number(hours, 24)? * 60 + number(minutes, 60)?))
    }

    /// The time of `2026-01-31T08:00`, with or without what follows.
    fn of_local(text: &str) -> Option<Self> {
        Self::parse(text.get(11..16)?)
    }

    /// Minutes until another time comes next: 1 to 1440.
    fn until(self, other: Self) -> u16 {
        match (other.0 + DAY_MINUTES - self.0) % DAY_MINUTES {
            0 => DAY_MINUTES,
            minutes => minutes,
        }
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Input for Policy {
    fn read(fields: &mut Fields) -> Option<Self> {
        let count = |max: i64| {
            move |value: &Value| {
                let number = rules::integer(1, max)(value)?;
                u32::try_from(number).map_err(|error| error.to_string())
            }
        };
        let daily_cap = fields.nullable("daily_cap", count(1_000));
        let weekly_cap = fields.nullable("weekly_cap", count(10_000));
        let duplicate_seconds = fields.optional("duplicate_seconds", |value| {
            let number = rules::integer(0, WEEK_SECONDS)(value)?;
            u32::try_from(number).map_err(|error| error.to_string())
        });
        let quiet = quiet(fields);
        let timezone = fields.nullable("timezone", schools::timezone);
        let help_text = fields.optional("help_text", rules::text(0, MAX_HELP));
        Some(Self {
            daily_cap: daily_cap?.flatten(),
            weekly_cap: weekly_cap?.flatten(),
            duplicate_seconds: duplicate_seconds?.unwrap_or_default(),
            quiet: quiet?,
            timezone: timezone?.flatten(),
            help_text: help_text?.unwrap_or_default(),
        })
    }
}

fn quiet(fields: &mut Fields) -> Option<Option<Quiet>> {
    let time = |value: &Value| {
        let time = value.as_str().and_then(TimeOfDay::parse);
        time.ok_or_else(|| "Enter a time such as 21:00.".to_owned())
    };
    let from = fields.nullable("quiet_from", time);
    let to = fields.nullable("quiet_to", time);
    match (from?.flatten(), to?.flatten()) {
        (None, None) => Some(None),
        (Some(from), Some(to)) if from != to => Some(Some(Quiet { from, to })),
        (from, _) => {
            let (field, message) = match from {
                None => ("quiet_from", "Quiet hours need a start and an end."),
                Some(_) => (
                    "quiet_to",
                    "Quiet hours need an end, and one that is not their start.",
                ),
            };
            fields.fail(field, message);
            None
        }
    }
}

#[cfg(test)]
mod tests;
