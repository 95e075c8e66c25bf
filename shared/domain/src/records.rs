//! Plain records: resources that are a list of fields with limits. What a field is, is said once; reading bodies,
//! statements, filters and the API's document follow from it.

use homeroom_kernel::{FieldErrors, Timestamp, rules};
use serde_json::{Map, Value, json};

use crate::{
    academics::marks::{Coefficient, Mark},
    identity,
};

/// A record in the form in which clients see it, by the names of its fields.
pub type Record = Map<String, Value>;

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text of `min` to `max` characters after trimming.
    Text {
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
    },
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A whole number.
    Integer {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// A mark, 0 to 100 with two decimals; stored in hundredths.
    Mark,
    /// A weight, 0.01 to 100 with two decimals; stored in hundredths.
    Coefficient,
    /// A truth value.
    Boolean,
    /// A calendar date, `2026-01-31`.
    Date,
    /// A moment, RFC 3339; stored in milliseconds.
    Moment,
    /// A time of day as the school's clock shows it, `08:00`.
    TimeOfDay,
    /// The id of a record of this table.
    Reference(&'static str),
    /// An email address, normalised.
    Email,
    /// A phone number, normalised.
    Phone,
    /// Truth values by these names; stored as JSON.
    Flags(&'static [&'static str]),
    /// A list of objects of this schema, which the store works out; in answers only.
    List(&'static str),
}

/// Whether a field is asked for.
#[derive(Clone, Copy, Debug)]
pub enum Presence {
    /// In every whole body.
    Required,
    /// Absent means this.
    Default(Literal),
    /// Absent means null.
    Nullable,
    /// Named by the address; in answers only.
    Path,
    /// Found by the store or set by an action; in answers only.
    ReadOnly,
    /// What it is at first, and how it changes: by actions. A body may name it as it is; anything else is refused.
    Acted(Literal, &'static str),
    /// In bodies only: noted with the change, and no part of the record.
    Note,
}

/// A constant value.
#[derive(Clone, Copy, Debug)]
pub enum Literal {
    /// Text.
    Text(&'static str),
    /// A whole number.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
    /// Flags that are all off.
    NoFlags,
    /// What the store finds for it: see `defaults` of its table.
    Found,
}

/// A field of a record.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name in bodies and answers, and of the column.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it is asked for.
    pub presence: Presence,
    /// Whether an answer may show null.
    pub nullable: bool,
    /// For people.
    pub about: &'static str,
}

impl Field {
    const fn new(
        name: &'static str,
        kind: Kind,
        presence: Presence,
        nullable: bool,
        about: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            presence,
            nullable,
            about,
        }
    }

    /// A field that every whole body must have.
    #[must_use]
    pub const fn required(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self::new(name, kind, Presence::Required, false, about)
    }

    /// A field that may be absent, and then is this.
    #[must_use]
    pub const fn or(name: &'static str, kind: Kind, default: Literal, about: &'static str) -> Self {
        Self::new(name, kind, Presence::Default(default), false, about)
    }

    /// A field that may be absent or null.
    #[must_use]
    pub const fn nullable(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self::new(name, kind, Presence::Nullable, true, about)
    }

    /// A field that the address names.
    #[must_use]
    pub const fn path(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self::new(name, kind, Presence::Path, false, about)
    }

    /// A field of answers only, never null.
    #[must_use]
    pub const fn shown(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self::new(name, kind, Presence::ReadOnly, false, about)
    }

    /// A field of answers only, perhaps null.
    #[must_use]
    pub const fn shown_or_null(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self::new(name, kind, Presence::ReadOnly, true, about)
    }

    /// A field that actions change, and a body does not.
    #[must_use]
    pub const fn acted(
        name: &'static str,
        kind: Kind,
        first: Literal,
        how: &'static str,
        about: &'static str,
    ) -> Self {
        Self::new(name, kind, Presence::Acted(first, how), false, about)
    }

    /// A field of bodies only.
    #[must_use]
    pub const fn note(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self::new(name, kind, Presence::Note, false, about)
    }

    /// Whether a body may name it.
    #[must_use]
    pub const fn is_settable(&self) -> bool {
        !matches!(self.presence, Presence::Path | Presence::ReadOnly)
    }

    /// Whether it is part of the record, and so of answers.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        !matches!(self.presence, Presence::Note)
    }

    /// What it is where a whole body does not name it; `None` where it must.
    #[must_use]
    pub fn default(&self) -> Option<Value> {
        match self.presence {
            Presence::Default(literal) | Presence::Acted(literal, _) => {
                Some(match (literal, self.kind) {
                    (Literal::Text(text), _) => text.into(),
                    (Literal::Integer(number), _) => number.into(),
                    (Literal::Boolean(truth), _) => truth.into(),
                    (Literal::NoFlags, Kind::Flags(names)) => names
                        .iter()
                        .map(|name| ((*name).to_owned(), Value::from(false)))
                        .collect(),
                    (Literal::NoFlags | Literal::Found, _) => Value::Null,
                })
            }
            Presence::Nullable | Presence::Note => Some(Value::Null),
            Presence::Required | Presence::Path | Presence::ReadOnly => None,
        }
    }
}

impl Kind {
    /// The value in the form in which it is kept, or what is wrong with it.
    pub fn read(&self, value: &Value) -> Result<Value, String> {
        match *self {
            Self::Text { min, max } => rules::text(min, max)(value).map(Value::from),
            Self::Choice(choices) => match value.as_str() {
                Some(text) if choices.contains(&text) => Ok(text.into()),
                _ => Err(format!("Choose one of: {}.", list_of(choices))),
            },
            Self::Integer { min, max } => rules::integer(min, max)(value).map(Value::from),
            Self::Mark => Mark::rule(value).map(|mark| json!(mark)),
            Self::Coefficient => Coefficient::rule(value).map(|weight| json!(weight)),
            Self::Boolean => rules::boolean(value).map(Value::from),
            Self::Date => rules::date(value).map(Value::from),
            Self::Moment => rules::timestamp(value).map(|moment| json!(moment)),
            Self::TimeOfDay => time_of_day(value),
            Self::Reference(_) => rules::id::<()>(value).map(|id| id.to_string().into()),
            Self::Email => identity::email(value).map(Value::from),
            Self::Phone => identity::phone_number(value).map(Value::from),
            Self::Flags(names) => flags(names, value, false),
            Self::List(_) => Err("This field is not set here.".into()),
        }
    }
}

fn list_of(choices: &[&str]) -> String {
    let quoted: Vec<String> = choices
        .iter()
        .map(|choice| format!("\"{choice}\""))
        .collect();
    quoted.join(", ")
}

fn time_of_day(value: &Value) -> Result<Value, String> {
    let text = value.as_str().unwrap_or_default();
    let number = |part: &str| part.parse::<u8>().ok().filter(|_| part.len() == 2);
    match text
        .split_once(':')
        .map(|(hour, minute)| (number(hour), number(minute)))
    {
        Some((Some(0..=23), Some(0..=59))) => Ok(text.into()),
        _ => Err("Use the form 08:00.".into()),
    }
}

/// All the flags, those that are not named off; with `partial`, only those that are named.
fn flags(names: &[&str], value: &Value, partial: bool) -> Result<Value, String> {
    let Value::Object(given) = value else {
        return Err("Expected an object.".into());
    };
    if let Some(unknown) = given.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(format!("There is no {unknown}: name {}.", list_of(names)));
    }
    names
        .iter()
        .filter(|name| !partial || given.contains_key(**name))
        .map(|name| {
            let truth = given.get(*name).map_or(Ok(false), rules::boolean);
            truth
                .map(|truth| ((*name).to_owned(), Value::from(truth)))
                .map_err(|error| format!("{name}: {error}"))
        })
        .collect()
}

/// Fields that every record has and that clients may send back as they got them.
pub const COMMON: &[&str] = &["id", "created_at", "updated_at", "created_by"];

/// Reads a body against the fields: the fields that it sets, all mistakes at once. In a whole body the absent ones
/// have their defaults; in a partial one they are left out.
pub fn read(
    fields: &[Field],
    mut body: Map<String, Value>,
    partial: bool,
) -> Result<Record, FieldErrors> {
    let mut errors = FieldErrors::default();
    let mut record = Record::new();
    for name in COMMON {
        body.remove(*name);
    }
    for field in fields {
        let given = body.remove(field.name);
        if !field.is_settable() {
            continue;
        }
        match given {
            None if partial || matches!(field.presence, Presence::Acted(..)) => {}
            None => match field.default() {
                Some(value) => {
                    record.insert(field.name.to_owned(), value);
                }
                None => errors.add(field.name, "This field is required."),
            },
            Some(value) => match read_value(field, &value, partial) {
                Ok(value) => {
                    record.insert(field.name.to_owned(), value);
                }
                Err(message) => errors.add(field.name, &message),
            },
        }
    }
    for name in body.keys() {
        errors.add(name, "There is no such field.");
    }
    errors.into_result(record)
}

fn read_value(field: &Field, value: &Value, partial: bool) -> Result<Value, String> {
    let empty = value.is_null() || value.as_str().is_some_and(str::is_empty);
    match (field.presence, field.kind) {
        (Presence::Nullable, _) if empty => Ok(Value::Null),
        _ if value.is_null() => Err("This field may not be null.".into()),
        (_, Kind::Flags(names)) => flags(names, value, partial),
        (_, kind) => kind.read(value),
    }
}

/// Applies the changes of a partial body; flags that it does not name stay as they are.
pub fn apply(record: &mut Record, changes: Record) {
    for (name, change) in changes {
        match (record.get_mut(&name), change) {
            (Some(Value::Object(flags)), Value::Object(given)) => flags.extend(given),
            (_, change) => {
                record.insert(name, change);
            }
        }
    }
}

/// A field's text; empty where there is none.
#[must_use]
pub fn text<'a>(record: &'a Record, name: &str) -> &'a str {
    record.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A field's truth value.
#[must_use]
pub fn flag(record: &Record, name: &str) -> bool {
    record.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// A field's moment.
#[must_use]
pub fn moment(record: &Record, name: &str) -> Option<Timestamp> {
    Timestamp::parse(text(record, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[
        Field::required("name", Kind::Text { min: 1, max: 5 }, ""),
        Field::or(
            "capacity",
            Kind::Integer { min: 1, max: 99 },
            Literal::Integer(40),
            "",
        ),
        Field::nullable("teacher", Kind::Reference("staff"), ""),
        Field::path("session", Kind::Reference("academic_sessions"), ""),
        Field::shown("size", Kind::Integer { min: 0, max: 99 }, ""),
        Field::or(
            "consent",
            Kind::Flags(&["sms", "email"]),
            Literal::NoFlags,
            "",
        ),
        Field::or("boarding", Kind::Choice(&["yes", "no"]), Literal::Found, ""),
        Field::note("reason", Kind::Text { min: 0, max: 9 }, ""),
    ];

    fn parse(body: Value, partial: bool) -> Result<Value, FieldErrors> {
        let Value::Object(map) = body else {
            panic!("not an object")
        };
        read(FIELDS, map, partial).map(Value::Object)
    }

    #[test]
    fn a_whole_body_has_every_settable_field_and_defaults_for_the_absent() {
        assert_eq!(
            parse(
                json!({"name": " 3A ", "size": 7, "session": "x", "id": "y"}),
                false
            ),
            Ok(json!({
                "name": "3A", "capacity": 40, "teacher": null, "consent": {"sms": false, "email": false},
                "boarding": null, "reason": null,
            }))
        );
    }

    #[test]
    fn what_the_store_finds_and_what_is_noted_is_left_out_and_never_null() {
        let errors = parse(json!({"boarding": null, "reason": null}), true).unwrap_err();
        assert_eq!(errors.names().collect::<Vec<_>>(), ["boarding", "reason"]);
        let note = FIELDS.iter().find(|field| field.name == "reason").unwrap();
        assert!(note.is_settable() && !note.is_shown());
    }

    #[test]
    fn a_partial_body_changes_the_flags_that_it_names() {
        let Ok(Value::Object(changes)) = parse(json!({"consent": {"sms": true}}), true) else {
            panic!("refused")
        };
        let mut record = Record::new();
        record.insert("consent".into(), json!({"sms": false, "email": true}));
        apply(&mut record, changes);
        assert_eq!(record["consent"], json!({"sms": true, "email": true}));
    }

    #[test]
    fn a_partial_body_has_what_it_names() {
        assert_eq!(
            parse(json!({"teacher": ""}), true),
            Ok(json!({"teacher": null}))
        );
        assert_eq!(parse(json!({}), true), Ok(json!({})));
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let errors = parse(
            json!({"capacity": 0, "teacher": "Mr Moyo", "consent": {"fax": true}, "colour": "red"}),
            false,
        )
        .unwrap_err();
        let names: Vec<&str> = errors.names().collect();
        assert_eq!(names, ["capacity", "colour", "consent", "name", "teacher"]);
        let errors = parse(json!({"name": null}), true).unwrap_err();
        assert_eq!(errors.messages()["name"], ["This field may not be null."]);
    }

    #[test]
    fn kinds_keep_values_in_one_form() {
        for (kind, given, kept) in [
            (Kind::Choice(&["a", "b"]), json!("b"), Ok(json!("b"))),
            (
                Kind::Choice(&["a", "b"]),
                json!("c"),
                Err("Choose one of: \"a\", \"b\"."),
            ),
            (Kind::Mark, json!("57.50"), Ok(json!(57.5))),
            (
                Kind::Coefficient,
                json!(0),
                Err("Ensure this value is between 0.01 and 100."),
            ),
            (Kind::Boolean, json!("on"), Ok(json!(true))),
            (
                Kind::Moment,
                json!("2026-01-15T12:30:00+02:00"),
                Ok(json!("2026-01-15T10:30:00.000Z")),
            ),
            (Kind::TimeOfDay, json!("23:59"), Ok(json!("23:59"))),
            (Kind::TimeOfDay, json!("24:00"), Err("Use the form 08:00.")),
            (Kind::TimeOfDay, json!("8:00"), Err("Use the form 08:00.")),
            (
                Kind::Flags(&["sms"]),
                json!({"sms": "true"}),
                Ok(json!({"sms": true})),
            ),
            (
                Kind::Flags(&["sms"]),
                json!({"sms": 7}),
                Err("sms: Must be a valid boolean."),
            ),
        ] {
            assert_eq!(kind.read(&given), kept.map_err(str::to_owned), "{given}");
        }
    }
}
