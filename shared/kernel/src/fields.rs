//! Reading a request body field by field, so that a client hears of every mistake at once.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Messages per field, in the order of the field names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(BTreeMap<String, Vec<String>>);

/// The key for mistakes that belong to no single field.
pub const NON_FIELD: &str = "non_field_errors";

impl FieldErrors {
    /// One mistake.
    #[must_use]
    pub fn one(field: &str, message: &str) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    /// Adds a message to a field.
    pub fn add(&mut self, field: &str, message: &str) {
        self.0
            .entry(field.to_owned())
            .or_default()
            .push(message.to_owned());
    }

    /// `Ok(value)` when nothing was added.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }

    /// The same mistakes as those of a nested object: `outer.field`.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        let named = |(field, messages)| (format!("{outer}.{field}"), messages);
        Self(self.0.into_iter().map(named).collect())
    }

    /// Whether there is no mistake.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields with mistakes, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The messages per field.
    #[must_use]
    pub fn messages(&self) -> &BTreeMap<String, Vec<String>> {
        &self.0
    }
}

/// Something that can be read from a body.
pub trait Input: Sized {
    /// Reads the fields; `None` once a mistake was recorded.
    fn read(fields: &mut Fields) -> Option<Self>;
}

/// A body being read. Each field is taken once; what is left at the end is unknown.
#[derive(Debug)]
pub struct Fields {
    map: Map<String, Value>,
    errors: FieldErrors,
    partial: bool,
}

impl Fields {
    /// Reads a whole input; with `partial`, required fields may be absent (PATCH).
    pub fn parse<T: Input>(map: Map<String, Value>, partial: bool) -> Result<T, FieldErrors> {
        let mut fields = Self {
            map,
            errors: FieldErrors::default(),
            partial,
        };
        let value = T::read(&mut fields);
        for name in fields.map.keys() {
            fields.errors.add(name, "There is no such field.");
        }
        match value {
            Some(value) => fields.errors.into_result(value),
            None if fields.errors.is_empty() => Err(FieldErrors::one(
                NON_FIELD,
                "The request could not be read.",
            )),
            None => Err(fields.errors),
        }
    }

    /// Whether absent fields mean "leave as it is".
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    /// A field that must be there and not null.
    pub fn required<T>(
        &mut self,
        name: &str,
        rule: impl Fn(&Value) -> Result<T, String>,
    ) -> Option<T> {
        match self.map.remove(name) {
            None => {
                self.errors.add(name, "This field is required.");
                None
            }
            Some(value) => self.check(name, &value, rule),
        }
    }

    /// A field that must be there in a full body and may be absent in a partial one: `Some(None)` = absent.
    pub fn settable<T>(
        &mut self,
        name: &str,
        rule: impl Fn(&Value) -> Result<T, String>,
    ) -> Option<Option<T>> {
        if self.partial && !self.map.contains_key(name) {
            return Some(None);
        }
        self.required(name, rule).map(Some)
    }

    /// A field that may be absent, but not null: `Some(None)` = absent.
    pub fn optional<T>(
        &mut self,
        name: &str,
        rule: impl Fn(&Value) -> Result<T, String>,
    ) -> Option<Option<T>> {
        match self.map.remove(name) {
            None => Some(None),
            Some(value) => self.check(name, &value, rule).map(Some),
        }
    }

    /// A field that may be absent or null: `Some(None)` = absent, `Some(Some(None))` = null or empty text.
    pub fn nullable<T>(
        &mut self,
        name: &str,
        rule: impl Fn(&Value) -> Result<T, String>,
    ) -> Option<Option<Option<T>>> {
        match self.map.remove(name) {
            None => Some(None),
            Some(Value::Null) => Some(Some(None)),
            Some(Value::String(text)) if text.is_empty() => Some(Some(None)),
            Some(value) => self
                .check(name, &value, rule)
                .map(|value| Some(Some(value))),
        }
    }

    /// A nested object: its mistakes are reported as `name.field`. `Some(None)` = absent or null.
    pub fn nested<T: Input>(&mut self, name: &str) -> Option<Option<T>> {
        match self.map.remove(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::Object(map)) => match Self::parse(map, self.partial) {
                Ok(value) => Some(Some(value)),
                Err(errors) => {
                    self.errors.0.extend(errors.within(name).0);
                    None
                }
            },
            Some(_) => {
                self.errors.add(name, "Expected an object.");
                None
            }
        }
    }

    /// Fields that clients may send back as they got them, and that are not theirs to set.
    pub fn ignore_read_only(&mut self, names: &[&str]) {
        for name in names {
            self.map.remove(*name);
        }
    }

    /// Leaves the rest of the body unread.
    pub fn ignore_everything(&mut self) {
        self.map.clear();
    }

    /// Records a mistake found between fields.
    pub fn fail(&mut self, field: &str, message: &str) {
        self.errors.add(field, message);
    }

    fn check<T>(
        &mut self,
        name: &str,
        value: &Value,
        rule: impl Fn(&Value) -> Result<T, String>,
    ) -> Option<T> {
        if value.is_null() {
            self.errors.add(name, "This field may not be null.");
            return None;
        }
        match rule(value) {
            Ok(value) => Some(value),
            Err(message) => {
                self.errors.add(name, &message);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules;
    use serde_json::json;

    #[derive(Debug, PartialEq)]
    struct Person {
        name: Option<String>,
        age: Option<Option<i64>>,
    }
    impl Input for Person {
        fn read(fields: &mut Fields) -> Option<Self> {
            let name = fields.settable("name", rules::text(1, 5));
            let age = fields.nullable("age", rules::integer(0, 150));
            Some(Self {
                name: name?,
                age: age?,
            })
        }
    }

    fn parse(body: Value, partial: bool) -> Result<Person, FieldErrors> {
        let Value::Object(map) = body else {
            panic!("not an object")
        };
        Fields::parse(map, partial)
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let errors = parse(json!({"age": "old", "colour": 1}), false).unwrap_err();
        assert_eq!(
            errors.names().collect::<Vec<_>>(),
            ["age", "colour", "name"]
        );
    }

    #[test]
    fn a_partial_body_leaves_absent_fields_alone() {
        assert_eq!(
            parse(json!({}), true),
            Ok(Person {
                name: None,
                age: None
            })
        );
        assert_eq!(
            parse(json!({"age": null}), true),
            Ok(Person {
                name: None,
                age: Some(None)
            })
        );
    }

    #[test]
    fn null_is_refused_where_a_value_is_required() {
        let errors = parse(json!({"name": null}), true).unwrap_err();
        assert_eq!(errors.messages()["name"], ["This field may not be null."]);
    }
}
