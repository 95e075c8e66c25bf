//! A mark sheet that is saved as a whole: what becomes of each of its rows.

use homeroom_kernel::{Fields, Id, Input, rules};
use serde_json::Value;

use super::marks::Mark;

/// Most rows of one request.
pub const MAX_ROWS: usize = 200;
/// Most characters of a comment.
pub const COMMENT_LENGTH: usize = 500;
/// Beyond it a number does not survive the way through JSON readers.
const MAX_VERSION: i64 = 1 << 53;

/// What stands on the sheet for a student.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The mark; none: absent, or not entered.
    pub mark: Option<Mark>,
    /// Whether the student did not sit.
    pub is_absent: bool,
    /// For the card.
    pub comment: String,
}

impl Entry {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An entry that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What it says.
    pub entry: Entry,
    /// Counts its changes, from 1.
    pub version: i64,
    /// Whether the last change was by who asks.
    pub is_own: bool,
}

/// A row of the sheet as a client sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The student in the session.
    pub student_session: String,
    /// The mark.
    pub mark: Option<Mark>,
    /// Whether the student did not sit.
    pub is_absent: bool,
    /// Absent: as it is.
    pub comment: Option<String>,
    /// What the client saw: 0 where there was nothing. Absent: what nobody else entered may be replaced.
    pub version: Option<i64>,
}

impl Input for Row {
    fn read(fields: &mut Fields) -> Option<Self> {
        let student_session = fields.required("student_session", rules::id::<()>);
        let mark = fields.nullable("mark", Mark::rule);
        let is_absent = fields.optional("is_absent", rules::boolean);
        let comment = fields.optional("comment", rules::text(0, COMMENT_LENGTH));
        let version = fields.nullable("version", rules::integer(0, MAX_VERSION));
        let (mark, is_absent) = (mark?, is_absent?.unwrap_or(false));
        if mark.is_none() && !is_absent {
            fields.fail("mark", "This field is required.");
        }
        let mark = mark.flatten();
        if mark.is_some() && is_absent {
            fields.fail("mark", ABSENT_WITH_MARK);
        }
        Some(Self {
            student_session: student_session?.to_string(),
            mark,
            is_absent,
            comment: comment?,
            version: version?.flatten(),
        })
    }
}

/// What is wrong with a mark of somebody who did not sit.
pub const ABSENT_WITH_MARK: &str = "Who was absent has no mark.";

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// The field, the first of several; none: the row as a whole.
    pub field: Option<String>,
    /// What is wrong with it, in words.
    pub message: String,
}

impl RowFault {
    /// A fault of one field.
    #[must_use]
    pub fn of(field: &str, message: &str) -> Self {
        Self {
            field: Some(field.to_owned()),
            message: message.to_owned(),
        }
    }

    /// A fault of the row as a whole.
    #[must_use]
    pub fn whole(message: &str) -> Self {
        Self {
            field: None,
            message: message.to_owned(),
        }
    }
}

impl Row {
    /// Reads a row, or says what is wrong with it.
    pub fn parse(value: &Value) -> Result<Self, RowFault> {
        let Value::Object(map) = value else {
            return Err(RowFault::whole("Expected an object."));
        };
        Fields::parse(map.clone(), false).map_err(|errors| {
            let messages = errors.messages();
            let told: Vec<String> = messages
                .iter()
                .map(|(field, messages)| format!("{field}: {}", messages.join(" ")))
                .collect();
            RowFault {
                field: messages.keys().next().map(ToString::to_string),
                message: told.join(" "),
            }
        })
    }

    /// The student that a row names, even where the rest of it is wrong.
    #[must_use]
    pub fn named(value: &Value) -> Option<String> {
        let text = value.get("student_session")?.as_str()?;
        Id::<()>::parse(text).map(|id| id.to_string())
    }
}

/// What becomes of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A first entry.
    Create(Entry),
    /// Another entry in the place of the one with this version.
    Update(Entry, i64),
    /// Nothing: it says what is stored, or nothing where nothing is stored.
    Unchanged,
    /// The client did not see what is stored now.
    Stale,
}

/// What becomes of a row where this is stored. What says the same as is stored is never stale, so that a repetition of a
/// request changes nothing and fails nowhere.
#[must_use]
pub fn decide(row: &Row, stored: Option<&Stored>) -> Decision {
    let comment = match (&row.comment, stored) {
        (Some(comment), _) => comment.clone(),
        (None, Some(stored)) => stored.entry.comment.clone(),
        (None, None) => String::new(),
    };
    let entry = Entry {
        mark: row.mark,
        is_absent: row.is_absent,
        comment,
    };
    let version = stored.map_or(0, |stored| stored.version);
    let saw_it = match (row.version, stored) {
        (Some(seen), _) => seen == version,
        (None, Some(stored)) => stored.is_own,
        (None, None) => true,
    };
    match stored {
        Some(stored) if stored.entry == entry => Decision::Unchanged,
        None if entry.is_empty() => Decision::Unchanged,
        _ if !saw_it => Decision::Stale,
        Some(_) => Decision::Update(entry, version),
        None => Decision::Create(entry),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const STUDENT: &str = "01890000-0000-7000-8000-000000000001";

    fn row(mut value: Value) -> Result<Row, RowFault> {
        value["student_session"] = json!(STUDENT);
        Row::parse(&value)
    }

    fn stored(mark: Option<i64>, is_absent: bool, version: i64) -> Stored {
        Stored {
            entry: Entry {
                mark: mark.and_then(Mark::new),
                is_absent,
                comment: "as it was".into(),
            },
            version,
            is_own: true,
        }
    }

    #[test]
    fn absent_zero_and_missing_are_three_things() {
        for (value, mark, is_absent) in [
            (json!({"mark": 0}), Mark::new(0), false),
            (json!({"mark": "57.25"}), Mark::new(5725), false),
            (json!({"mark": null}), None, false),
            (json!({"is_absent": true}), None, true),
            (json!({"mark": null, "is_absent": true}), None, true),
        ] {
            let row = row(value.clone()).unwrap();
            assert_eq!((row.mark, row.is_absent), (mark, is_absent), "{value}");
        }
    }

    #[test]
    fn a_bad_row_says_what_is_wrong_with_it() {
        for (value, message) in [
            (json!({}), "mark: This field is required."),
            (
                json!({"mark": 101}),
                "mark: Ensure this value is between 0 and 100.",
            ),
            (
                json!({"mark": 5.125}),
                "mark: Ensure that there are no more than 2 decimal places.",
            ),
            (
                json!({"mark": 0, "is_absent": true}),
                "mark: Who was absent has no mark.",
            ),
            (
                json!({"mark": 1, "version": -1, "colour": "red"}),
                "colour: There is no such field. version: Ensure this value is from 0 to 9007199254740992.",
            ),
        ] {
            let (field, _) = message.split_once(':').unwrap();
            let fault = RowFault::of(field, message);
            assert_eq!(row(value.clone()), Err(fault), "{value}");
        }
        assert_eq!(
            Row::parse(&json!(7)),
            Err(RowFault::whole("Expected an object."))
        );
        assert_eq!(
            Row::parse(&json!({"mark": 7})),
            Err(RowFault::of(
                "student_session",
                "student_session: This field is required."
            ))
        );
        let bad = json!({"student_session": STUDENT, "mark": "x"});
        assert_eq!(Row::named(&bad).as_deref(), Some(STUDENT));
        assert_eq!(Row::named(&json!({"student_session": "x"})), None);
        assert_eq!(Row::named(&json!([])), None);
    }

    #[test]
    fn what_becomes_of_a_row_follows_from_what_is_stored_and_what_was_seen() {
        let fifty = stored(Some(5000), false, 3);
        let update = |mark: Option<i64>, is_absent, comment: &str| {
            let entry = Entry {
                mark: mark.and_then(Mark::new),
                is_absent,
                comment: comment.into(),
            };
            Decision::Update(entry, 3)
        };
        let create = |mark: Option<i64>, is_absent| {
            let entry = Entry {
                mark: mark.and_then(Mark::new),
                is_absent,
                comment: String::new(),
            };
            Decision::Create(entry)
        };
        let of_others = Stored {
            is_own: false,
            ..fifty.clone()
        };
        for (value, before, expected) in [
            // Nothing is stored.
            (json!({"mark": 50}), None, create(Some(5000), false)),
            (
                json!({"mark": 50, "version": 0}),
                None,
                create(Some(5000), false),
            ),
            (json!({"mark": 50, "version": 2}), None, Decision::Stale),
            (json!({"is_absent": true}), None, create(None, true)),
            (json!({"mark": null}), None, Decision::Unchanged),
            // Something is, by somebody else.
            (json!({"mark": 50}), Some(&of_others), Decision::Unchanged),
            (json!({"mark": 51}), Some(&of_others), Decision::Stale),
            (
                json!({"is_absent": true}),
                Some(&of_others),
                Decision::Stale,
            ),
            (
                json!({"mark": 51, "version": 3}),
                Some(&of_others),
                update(Some(5100), false, "as it was"),
            ),
            // Something is, by the same.
            (json!({"mark": 50}), Some(&fifty), Decision::Unchanged),
            (
                json!({"mark": 50, "version": 1}),
                Some(&fifty),
                Decision::Unchanged,
            ),
            (
                json!({"mark": 51, "version": 3}),
                Some(&fifty),
                update(Some(5100), false, "as it was"),
            ),
            (
                json!({"mark": 51}),
                Some(&fifty),
                update(Some(5100), false, "as it was"),
            ),
            (
                json!({"mark": 51, "version": 2}),
                Some(&fifty),
                Decision::Stale,
            ),
            (
                json!({"mark": 51, "version": 0}),
                Some(&fifty),
                Decision::Stale,
            ),
            (
                json!({"mark": null}),
                Some(&fifty),
                update(None, false, "as it was"),
            ),
            (
                json!({"mark": 50, "comment": ""}),
                Some(&fifty),
                update(Some(5000), false, ""),
            ),
            (
                json!({"is_absent": true}),
                Some(&fifty),
                update(None, true, "as it was"),
            ),
        ] {
            let row = row(value.clone()).unwrap();
            assert_eq!(decide(&row, before), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_unchanged_when_it_is_sent_again(
            mark in proptest::option::of(0_i64..=10_000), absent: bool, comment in proptest::option::of("[a-z]{0,9}"),
            version in proptest::option::of(0_i64..5), before in proptest::option::of(0_i64..=10_000),
        ) {
            let row = Row {
                student_session: STUDENT.into(),
                mark: mark.filter(|_| !absent).and_then(Mark::new),
                is_absent: absent,
                comment,
                version,
            };
            let before = before.map(|mark| stored(Some(mark), false, 2));
            let after = match decide(&row, before.as_ref()) {
                Decision::Create(entry) => Stored { entry, version: 1, is_own: true },
                Decision::Update(entry, version) => Stored { entry, version: version + 1, is_own: true },
                Decision::Unchanged | Decision::Stale => return Ok(()),
            };
            prop_assert_eq!(decide(&row, Some(&after)), Decision::Unchanged);
        }
    }
}
