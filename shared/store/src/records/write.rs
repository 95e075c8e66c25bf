//! Writing plain records: the change, the rules that must hold after it, and its audit row.

use homeroom_domain::records::{self, Record};
use homeroom_kernel::Timestamp;
use serde_json::{Value as Json, json};

use super::{OnlyOne, Table, stored};
use crate::{
    batch::{Action, Batch, EMPTIED, Stamp},
    error::StoreError,
    sql::{Statement, Value, sql},
};

/// A new record with the fields that every record has.
#[must_use]
pub fn new_record(stamp: &Stamp<'_>, mut fields: Record) -> Record {
    fields.insert("id".into(), json!(stamp.ids.next::<()>()));
    fields.insert("created_at".into(), json!(stamp.now));
    fields.insert("updated_at".into(), json!(stamp.now));
    fields.insert("created_by".into(), json!(stamp.created_by()));
    fields
}

/// Creates a record.
pub fn insert(
    stamp: &Stamp<'_>,
    table: &'static Table,
    record: &Record,
) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    take_from_others(&mut batch, table, record, stamp.now);
    let id = records::text(record, "id");
    batch.push(row(table, record)?);
    hold_rules(&mut batch, table, id);
    batch.audit(
        stamp,
        Action::Create,
        table.name,
        id,
        None::<&Record>,
        Some(record),
    );
    Ok(batch)
}

/// Writes a record as a new row; its rules and its audit row are the caller's.
pub(crate) fn row(table: &'static Table, record: &Record) -> Result<Statement, StoreError> {
    let mut columns = vec!["id", "created_at", "updated_at", "created_by"];
    let created_by = records::text(record, "created_by");
    let mut params = vec![
        Value::from(records::text(record, "id")),
        records::moment(record, "created_at").into(),
        records::moment(record, "updated_at").into(),
        Some(created_by).filter(|by| !by.is_empty()).into(),
    ];
    for field in table.stored() {
        columns.push(field.name);
        params.push(stored(
            field.kind,
            record.get(field.name).unwrap_or(&Json::Null),
        )?);
    }
    for (column, text) in table.constants {
        columns.push(column);
        params.push(Value::from(*text));
    }
    let marks = vec!["?"; columns.len()].join(", ");
    let sql = format!(
        "insert into {} ({}) values ({marks})",
        table.name,
        columns.join(", ")
    );
    Ok(Statement {
        sql: sql.into(),
        params,
    })
}

/// Changes a record; `changed_meanwhile` when it is no longer the one that was read.
pub fn update(
    stamp: &Stamp<'_>,
    table: &'static Table,
    before: &Record,
    after: &Record,
) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    take_from_others(&mut batch, table, after, stamp.now);
    let id = records::text(before, "id");
    let mut sets = String::from("updated_at = ?");
    let mut params = vec![Value::from(stamp.now)];
    for field in table
        .stored()
        .filter(|field| before.get(field.name) != after.get(field.name))
    {
        sets.push_str(", ");
        sets.push_str(field.name);
        sets.push_str(" = ?");
        params.push(stored(
            field.kind,
            after.get(field.name).unwrap_or(&Json::Null),
        )?);
    }
    params.push(Value::from(id));
    params.push(records::moment(before, "updated_at").into());
    let sql = format!(
        "update {} set {sets} where id = ? and updated_at = ?",
        table.name
    );
    batch.push_effective(Statement {
        sql: sql.into(),
        params,
    });
    hold_rules(&mut batch, table, id);
    batch.audit(
        stamp,
        Action::Update,
        table.name,
        id,
        Some(before),
        Some(after),
    );
    Ok(batch)
}

/// Deletes a record, or marks it as deleted, or forgets it; what refers to it refuses.
#[must_use]
pub fn delete(stamp: &Stamp<'_>, table: &'static Table, record: &Record) -> Batch {
    let mut batch = Batch::default();
    let id = records::text(record, "id");
    let (sql, params) = if table.keeps_deleted {
        let sql = format!(
            "update {} set is_deleted = 1, updated_at = ? where id = ? and is_deleted = 0",
            table.name
        );
        (sql, vec![stamp.now.into(), Value::from(id)])
    } else {
        (
            format!("delete from {} where id = ?", table.name),
            vec![Value::from(id)],
        )
    };
    batch.push_effective(Statement {
        sql: sql.into(),
        params,
    });
    if table.forgets_deleted {
        batch.push(sql!(
            format!("{EMPTIED} table_name = ?1 and record_id = ?2"),
            table.name,
            id
        ));
    }
    let known = (!table.forgets_deleted).then_some(record);
    batch.audit(
        stamp,
        Action::Delete,
        table.name,
        id,
        known,
        None::<&Record>,
    );
    batch
}

fn take_from_others(batch: &mut Batch, table: &Table, record: &Record, now: Timestamp) {
    let Some(OnlyOne { column, within }) = &table.only_one else {
        return;
    };
    if !records::flag(record, column) {
        return;
    }
    let mut sql = format!(
        "update {} set {column} = 0, updated_at = ? where {column} = 1 and id <> ?",
        table.name
    );
    let mut params = vec![Value::from(now), Value::from(records::text(record, "id"))];
    if let Some(within) = within {
        sql = format!("{sql} and {within} = ?");
        params.push(Value::from(records::text(record, within)));
    }
    batch.push(Statement {
        sql: sql.into(),
        params,
    });
}

fn hold_rules(batch: &mut Batch, table: &Table, id: &str) {
    for rule in table.rules {
        batch.guard_academics(rule.name, rule.broken, vec![Value::from(id)]);
    }
}
