//! A change: statements, the guards that must hold, and the audit rows that record it, carried out as one transaction.

use homeroom_domain::credentials::Plane;
use homeroom_kernel::{IdSource, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::{
    connection::Connected,
    error::StoreError,
    sql::{Statement, Value, sql},
};

/// Who is behind a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorKind {
    /// A user of the database's own plane.
    User,
    /// A platform superadministrator who acts inside a school.
    PlatformUser,
    /// An API key.
    ApiKey,
    /// The platform itself.
    System,
}

impl ActorKind {
    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::PlatformUser => "platform_user",
            Self::ApiKey => "api_key",
            Self::System => "system",
        }
    }

    /// From its stored form.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "user" => Self::User,
            "platform_user" => Self::PlatformUser,
            "api_key" => Self::ApiKey,
            _ => Self::System,
        }
    }
}

/// Who changes something, when, and from where: every change needs one.
#[derive(Clone)]
pub struct Stamp<'a> {
    /// Makes the ids of audit rows.
    pub ids: IdSource<'a>,
    /// The moment of the change.
    pub now: Timestamp,
    /// What kind of actor.
    pub kind: ActorKind,
    /// The actor's id.
    pub actor_id: Option<String>,
    /// The actor's name at the time.
    pub actor_name: String,
    /// The client's address.
    pub ip: Option<String>,
    /// The request.
    pub request_id: String,
    /// The plane of the database that is changed.
    pub plane: Plane,
}

impl Stamp<'_> {
    /// The user to note as creator: only a user of the same database.
    #[must_use]
    pub fn created_by(&self) -> Option<String> {
        self.actor_id
            .clone()
            .filter(|_| self.kind == ActorKind::User)
    }
}

/// What an audit row records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A new record.
    Create,
    /// A changed record.
    Update,
    /// A record that is gone, or marked as gone.
    Delete,
    /// A superadministrator of the platform who looks into a school.
    Visit,
}

impl Action {
    /// As stored and shown.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Visit => "VISIT",
        }
    }
}

/// Audit lines keep which fields were changed and lose the values; which lines follows.
pub(crate) const EMPTIED: &str = "update audit_logs set changes = (select json_group_object(c.key, json_object('from', null, 'to', null)) \
     from json_each(audit_logs.changes) c) where";

/// Statements that are carried out together or not at all.
#[derive(Debug, Default)]
pub struct Batch {
    statements: Vec<Statement>,
    effects: usize,
}

impl Batch {
    /// Adds a statement.
    pub(crate) fn push(&mut self, statement: Statement) {
        self.statements.push(statement);
    }

    /// Adds a statement that must change a row, or the whole batch is refused with `changed_meanwhile`.
    pub(crate) fn push_effective(&mut self, statement: Statement) {
        self.statements.push(statement);
        self.statements.push(sql!(
            "insert into guards (rule) select 'changed_meanwhile' where changes() = 0"
        ));
    }

    /// Refuses the whole batch with the name of the rule where the condition finds it broken.
    pub(crate) fn guard(&mut self, rule: &'static str, broken: &str, params: Vec<Value>) {
        let text = format!("insert into guards (rule) select '{rule}' where {broken}");
        self.statements.push(Statement {
            sql: text.into(),
            params,
        });
    }

    /// The same for the rules of `academic_guards`.
    pub(crate) fn guard_academics(&mut self, rule: &'static str, broken: &str, params: Vec<Value>) {
        let text = format!("insert into academic_guards (rule) select '{rule}' where {broken}");
        self.statements.push(Statement {
            sql: text.into(),
            params,
        });
    }

    /// Records a change: the fields that differ between the two forms of the record, as `{field: {from, to}}`.
    pub fn audit(
        &mut self,
        stamp: &Stamp<'_>,
        action: Action,
        table: &str,
        record_id: &str,
        before: Option<&impl Serialize>,
        after: Option<&impl Serialize>,
    ) {
        let changes = changes(before, after);
        self.statements.push(sql!(
            "insert into audit_logs (id, actor_kind, actor_id, actor_name, action, table_name, record_id, changes, \
             ip_address, request_id, timestamp) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            stamp.ids.next::<()>(),
            stamp.kind.as_str(),
            stamp.actor_id.clone(),
            &stamp.actor_name,
            action.as_str(),
            table,
            record_id,
            changes.to_string(),
            stamp.ip.clone(),
            &stamp.request_id,
            stamp.now,
        ));
    }

    /// Records many changes at once: one row for each that `changes` gives, a select of `log` (the id of the row), `action`,
    /// `record_id` and `changes`, which may use the values `?1` to `?4`.
    pub(crate) fn audit_each(
        &mut self,
        stamp: &Stamp<'_>,
        table: &str,
        changes: &str,
        mut params: Vec<Value>,
    ) {
        let text = format!(
            "insert into audit_logs (id, actor_kind, actor_id, actor_name, action, table_name, record_id, changes, \
             ip_address, request_id, timestamp) select c.log, ?5, ?6, ?7, c.action, ?8, c.record_id, c.changes, ?9, ?10, \
             ?11 from ({changes}) c"
        );
        params.resize(4, Value::Null);
        params.extend([
            Value::from(stamp.kind.as_str()),
            stamp.actor_id.clone().into(),
            Value::from(&stamp.actor_name),
            Value::from(table),
            stamp.ip.clone().into(),
            Value::from(&stamp.request_id),
            stamp.now.into(),
        ]);
        self.statements.push(Statement {
            sql: text.into(),
            params,
        });
    }

    /// The same for changes that are known here: what was done to which record, and its `{field: {from, to}}`.
    pub(crate) fn audit_all(
        &mut self,
        stamp: &Stamp<'_>,
        table: &str,
        entries: impl IntoIterator<Item = (Action, String, Json)>,
    ) {
        let line = |(action, record, changes): (Action, String, Json)| {
            json!([
                stamp.ids.next::<()>(),
                action.as_str(),
                record,
                changes.to_string()
            ])
        };
        let lines: Vec<Json> = entries.into_iter().map(line).collect();
        if lines.is_empty() {
            return;
        }
        self.audit_each(
            stamp,
            table,
            "select json_extract(value, '$[0]') as log, json_extract(value, '$[1]') as action, \
             json_extract(value, '$[2]') as record_id, json_extract(value, '$[3]') as changes from json_each(?1)",
            vec![Value::from(Json::from(lines).to_string())],
        );
    }

    /// Whether something waits in the outbox once this is carried out.
    #[must_use]
    pub fn has_effects(&self) -> bool {
        self.effects > 0
    }

    pub(crate) fn note_effect(&mut self) {
        self.effects += 1;
    }

    /// Joins another batch behind this one.
    pub fn append(&mut self, mut other: Self) {
        self.statements.append(&mut other.statements);
        self.effects += other.effects;
    }

    pub(crate) fn into_statements(self) -> Vec<Statement> {
        self.statements
    }

    /// Carries everything out in one transaction.
    #[expect(
        private_bounds,
        reason = "sealed: only the handles of this crate are databases"
    )]
    pub async fn commit(self, db: &impl Connected) -> Result<(), StoreError> {
        if self.statements.is_empty() {
            return Ok(());
        }
        db.connection().batch(self.statements).await.map(|_| ())
    }
}

/// The fields that differ between two forms of a record, as `{field: {from, to}}`.
pub(crate) fn changes(before: Option<&impl Serialize>, after: Option<&impl Serialize>) -> Json {
    Json::Object(difference(to_map(before), to_map(after)))
}

fn to_map(record: Option<&impl Serialize>) -> Map<String, Json> {
    match record.map(serde_json::to_value) {
        Some(Ok(Json::Object(map))) => map,
        _ => Map::new(),
    }
}

pub(crate) fn difference(
    mut before: Map<String, Json>,
    after: Map<String, Json>,
) -> Map<String, Json> {
    let mut changes = Map::new();
    for (field, to) in after {
        let from = before.remove(&field).unwrap_or(Json::Null);
        if from != to && field != "updated_at" {
            changes.insert(field, json!({"from": from, "to": to}));
        }
    }
    for (field, from) in before {
        if !from.is_null() {
            changes.insert(field, json!({"from": from, "to": null}));
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: Json) -> Map<String, Json> {
        to_map(Some(&value))
    }

    #[test]
    fn an_audit_row_shows_only_what_changed() {
        let changes = difference(
            map(json!({"name": "Ada", "role": "teacher", "updated_at": 1})),
            map(json!({"name": "Ada", "role": "head", "updated_at": 2})),
        );
        assert_eq!(
            Json::Object(changes),
            json!({"role": {"from": "teacher", "to": "head"}})
        );
    }

    #[test]
    fn a_new_record_comes_from_nothing_and_a_deleted_one_goes_to_nothing() {
        let created = difference(Map::new(), map(json!({"name": "Ada", "phone": null})));
        assert_eq!(
            Json::Object(created),
            json!({"name": {"from": null, "to": "Ada"}})
        );
        let deleted = difference(map(json!({"name": "Ada", "phone": null})), Map::new());
        assert_eq!(
            Json::Object(deleted),
            json!({"name": {"from": "Ada", "to": null}})
        );
    }
}
