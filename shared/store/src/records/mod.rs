//! Plain records: the statements of a table that is described by its fields.

mod read;
mod write;

use homeroom_domain::{
    academics::marks::Hundredths,
    records::{COMMON, Field, Kind, Record},
};
use homeroom_kernel::{Id, Listing, Timestamp};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value as Json, json};

use crate::{error::StoreError, sql::Value};

pub(crate) use read::list_where;
pub use read::{Resolved, find, find_for_change, list, resolve};
pub(crate) use read::{all, select, take_record};
pub(crate) use write::row;
pub use write::{delete, insert, new_record, update};

/// A table of plain records. Columns are named as the fields; `t` is the table in every condition and expression.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The fields, in the order in which answers show them.
    pub fields: &'static [Field],
    /// Fields that are worked out: name, and a scalar expression over `t`.
    pub computed: &'static [(&'static str, &'static str)],
    /// What the rules of the resource want to know when a record is written, worked out like the computed fields from
    /// the record as it will be, and not shown.
    pub facts: &'static [(&'static str, &'static str)],
    /// What fields with [`Found`](homeroom_domain::records::Literal::Found) are where a body leaves them out: name, and a
    /// scalar expression over `t`.
    pub defaults: &'static [(&'static str, &'static str)],
    /// Columns with one text for all records of the resource.
    pub constants: &'static [(&'static str, &'static str)],
    /// What the list can be ordered, searched and filtered by.
    pub listing: Listing,
    /// A truth value that one record has at a time: setting it takes it from the others.
    pub only_one: Option<OnlyOne>,
    /// Rules that must hold once a record is written.
    pub rules: &'static [Rule],
    /// Whether deleting marks the record with `is_deleted` and keeps it.
    pub keeps_deleted: bool,
    /// Whether deleting also takes the values of the record's audit lines away.
    pub forgets_deleted: bool,
    /// What addresses name around a record, the nearest first: the name in the path, and a condition over `t` with `?` for
    /// the id.
    pub scope: &'static [(&'static str, &'static str)],
}

/// A truth value that one record has at a time.
#[derive(Debug)]
pub struct OnlyOne {
    /// The column.
    pub column: &'static str,
    /// Among the records that agree in this column; among all where there is none.
    pub within: Option<&'static str>,
}

/// A rule between rows.
#[derive(Debug)]
pub struct Rule {
    /// Its name: a constraint of `academic_guards`.
    pub name: &'static str,
    /// The condition under which it is broken; `?1` is the id of the record that was written.
    pub broken: &'static str,
}

impl Table {
    /// The parts that most tables leave empty.
    pub const PLAIN: Self = Self {
        name: "",
        fields: &[],
        computed: &[],
        facts: &[],
        defaults: &[],
        constants: &[],
        listing: Listing {
            orderings: &[],
            default_ordering: "",
            search: &[],
            filters: &[],
        },
        only_one: None,
        rules: &[],
        keeps_deleted: false,
        forgets_deleted: false,
        scope: &[],
    };

    /// The records within what an address names; `id` knows the ids by their names.
    pub fn within<E>(&self, id: impl Fn(&str) -> Result<Id<()>, E>) -> Result<Scope, E> {
        let condition = |(name, condition): &(&str, &'static str)| Ok((*condition, id(name)?));
        let conditions: Result<Vec<_>, E> = self.scope.iter().map(condition).collect();
        Ok(Scope::of(conditions?))
    }

    fn expression(&self, field: &Field) -> String {
        let computed = self.computed.iter().find(|(name, _)| *name == field.name);
        computed.map_or_else(|| format!("t.{}", field.name), |(_, sql)| (*sql).to_owned())
    }

    /// Whether a field is a column.
    #[must_use]
    pub fn is_stored(&self, field: &Field) -> bool {
        field.is_shown() && !self.computed.iter().any(|(name, _)| *name == field.name)
    }

    fn stored(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().filter(|field| self.is_stored(field))
    }

    fn columns(&self) -> String {
        let mut columns = String::from("t.id, t.created_at, t.updated_at, t.created_by");
        for field in self.fields.iter().filter(|field| field.is_shown()) {
            columns.push_str(", ");
            columns.push_str(&self.expression(field));
            columns.push_str(" as ");
            columns.push_str(field.name);
        }
        columns
    }

    fn condition(&self) -> String {
        let mut condition = String::from(if self.keeps_deleted {
            "t.is_deleted = 0"
        } else {
            "true"
        });
        for (column, text) in self.constants {
            condition.push_str(" and t.");
            condition.push_str(column);
            condition.push_str(" = '");
            condition.push_str(text);
            condition.push('\'');
        }
        condition
    }

    /// A row in the form that clients see.
    fn record(&self, mut row: Map<String, Json>) -> Result<Record, StoreError> {
        for name in ["created_at", "updated_at"] {
            if let Some(value) = row.get_mut(name) {
                *value = shown(Kind::Moment, value)?;
            }
        }
        for field in self.fields {
            if let Some(value) = row.get_mut(field.name) {
                *value = shown(field.kind, value)?;
            }
        }
        Ok(row)
    }
}

/// A column's value as clients see it.
pub(crate) fn shown(kind: Kind, value: &Json) -> Result<Json, StoreError> {
    Ok(match (kind, value) {
        (_, Json::Null) => Json::Null,
        (Kind::Mark | Kind::Coefficient, Json::Number(number)) => {
            json!(Hundredths(number.as_i64().unwrap_or_default()))
        }
        (Kind::Boolean, Json::Number(number)) => json!(number.as_i64() != Some(0)),
        (Kind::Moment, Json::Number(number)) => {
            json!(Timestamp::from_millis(number.as_i64().unwrap_or_default()))
        }
        (Kind::Flags(_) | Kind::List(_), Json::String(text)) => serde_json::from_str(text)?,
        (_, value) => value.clone(),
    })
}

/// A value as it is stored.
pub(crate) fn stored(kind: Kind, value: &Json) -> Result<Value, StoreError> {
    let broken = |what: String| StoreError::Broken(what);
    Ok(match (kind, value) {
        (_, Json::Null) => Value::Null,
        (Kind::Mark | Kind::Coefficient, value) => {
            Value::Int(Hundredths::parse(value).map_err(broken)?.0)
        }
        (Kind::Moment, Json::String(text)) => Value::from(
            Timestamp::parse(text).ok_or_else(|| broken(format!("not a moment: {text}")))?,
        ),
        (Kind::Flags(_), flags) => Value::from(flags.to_string()),
        (_, Json::Bool(truth)) => Value::from(*truth),
        (_, Json::Number(number)) => Value::from(number.as_i64()),
        (_, Json::String(text)) => Value::from(text),
        (_, other) => return Err(broken(format!("a column cannot hold {other}"))),
    })
}

/// The records that a request is about: conditions over `t` with `?` for a text each. Conditions are SQL, so only this crate
/// makes them.
#[derive(Clone, Debug, Default)]
pub struct Scope(Vec<(&'static str, String)>);

impl Scope {
    pub(crate) fn of<T: ToString>(conditions: impl IntoIterator<Item = (&'static str, T)>) -> Self {
        let text = |(condition, value): (&'static str, T)| (condition, value.to_string());
        Self(conditions.into_iter().map(text).collect())
    }

    /// What lies in both.
    pub fn narrow(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn conditions(&self, params: &mut Vec<Value>) -> String {
        let mut all = String::new();
        for (condition, id) in &self.0 {
            all.push_str(" and ");
            all.push_str(condition);
            params.push(Value::from(id));
        }
        all
    }
}

/// A record with its fields in the order of the table.
pub struct Ordered<'a>(pub &'static Table, pub &'a Record);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(table, record) = self;
        let mut map = serializer.serialize_map(Some(record.len()))?;
        let shown = table.fields.iter().filter(|field| field.is_shown());
        let names = shown.map(|field| field.name);
        let common = COMMON.iter().copied();
        for name in common.clone().take(1).chain(names).chain(common.skip(1)) {
            map.serialize_entry(name, record.get(name).unwrap_or(&Json::Null))?;
        }
        map.end()
    }
}
