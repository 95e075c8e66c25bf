//! Reading plain records, and asking what is known of one before it is written.

use homeroom_domain::records::{Kind, Presence, Record};
use homeroom_kernel::{Id, PageRequest, page::FilterValue};
use serde_json::{Map, Value as Json};

use super::{Scope, Table, shown, stored};
use crate::{
    connection::{Outcomes, TenantDb},
    error::StoreError,
    list::{self, Page, Source},
    sql::{Statement, Value},
};

/// What the database knows of a record that is about to be written.
#[derive(Debug, Default)]
pub struct Resolved {
    /// Whether the records that the address names exist and belong together.
    pub in_scope: bool,
    /// Settable fields that refer to records that do not exist.
    pub missing: Vec<&'static str>,
    /// The worked out fields.
    pub computed: Record,
    /// What fields are that the body left out.
    pub defaults: Record,
}

/// One page of records.
pub async fn list(
    db: &TenantDb,
    table: &'static Table,
    scope: &Scope,
    request: &PageRequest,
) -> Result<Page<Record>, StoreError> {
    list_where(db, table, scope, "true", request).await
}

/// One page of the records that a condition over `t` holds for.
pub(crate) async fn list_where(
    db: &TenantDb,
    table: &'static Table,
    scope: &Scope,
    condition: &str,
    request: &PageRequest,
) -> Result<Page<Record>, StoreError> {
    let mut request = request.clone();
    let within = scope
        .0
        .iter()
        .map(|(condition, id)| (*condition, FilterValue::Text(id.clone())));
    request.filters.splice(0..0, within);
    let source = Source {
        columns: &table.columns(),
        from: &format!("{} t", table.name),
        condition: &format!("{} and {condition}", table.condition()),
        key: "t.id",
    };
    let page: Page<Map<String, Json>> =
        list::fetch(&db.connection, &source, table.listing.search, &request).await?;
    let rows = page
        .rows
        .into_iter()
        .map(|row| table.record(row))
        .collect::<Result<_, _>>()?;
    Ok(Page {
        count: page.count,
        rows,
    })
}

fn select(table: &Table, scope: &Scope, id: Id<()>) -> Statement {
    let mut params = vec![Value::from(id)];
    let within = scope.conditions(&mut params);
    let sql = format!(
        "select {} from {} t where t.id = ? and {}{within}",
        table.columns(),
        table.name,
        table.condition()
    );
    Statement {
        sql: sql.into(),
        params,
    }
}

fn take_record(table: &Table, outcomes: &mut Outcomes) -> Result<Option<Record>, StoreError> {
    let rows: Vec<Map<String, Json>> = outcomes.rows()?;
    rows.into_iter()
        .next()
        .map(|row| table.record(row))
        .transpose()
}

/// One record.
pub async fn find(
    db: &TenantDb,
    table: &'static Table,
    scope: &Scope,
    id: Id<()>,
) -> Result<Record, StoreError> {
    let mut outcomes = db.connection.batch(vec![select(table, scope, id)]).await?;
    take_record(table, &mut outcomes)?.ok_or(StoreError::NotFound)
}

/// What refers to nothing, and what is worked out, of a record that does not exist yet.
pub async fn resolve(
    db: &TenantDb,
    table: &'static Table,
    scope: &Scope,
    record: &Record,
) -> Result<Resolved, StoreError> {
    let mut outcomes = db
        .connection
        .batch(vec![resolution(table, scope, None, record)?])
        .await?;
    take_resolved(table, record, &mut outcomes)
}

/// The record as it is, and what is known of it with `changes` applied.
pub async fn find_for_change(
    db: &TenantDb,
    table: &'static Table,
    scope: &Scope,
    id: Id<()>,
    changes: &Record,
) -> Result<(Record, Resolved), StoreError> {
    let statements = vec![
        select(table, scope, id),
        resolution(table, scope, Some(id), changes)?,
    ];
    let mut outcomes = db.connection.batch(statements).await?;
    let before = take_record(table, &mut outcomes)?.ok_or(StoreError::NotFound)?;
    let after = take_resolved(table, changes, &mut outcomes)?;
    Ok((before, after))
}

/// Evaluates references and expressions on the record as it will be, before it is written.
fn resolution(
    table: &'static Table,
    scope: &Scope,
    id: Option<Id<()>>,
    values: &Record,
) -> Result<Statement, StoreError> {
    let mut params = Vec::new();
    let mut row = String::new();
    match id {
        Some(_) => row.push_str("id"),
        None => row.push_str("'' as id"),
    }
    for field in table.stored() {
        match values.get(field.name) {
            Some(value) => {
                params.push(stored(field.kind, value)?);
                row.push_str(", ? as ");
                row.push_str(field.name);
            }
            None if id.is_some() => {
                row.push_str(", ");
                row.push_str(field.name);
            }
            None => {
                row.push_str(", null as ");
                row.push_str(field.name);
            }
        }
    }
    if let Some(id) = id {
        params.push(Value::from(id));
        row.push_str(" from ");
        row.push_str(table.name);
        row.push_str(" where id = ?");
    }
    let mut columns = Vec::new();
    for field in table.fields {
        if let (true, Kind::Reference(target), true) = (
            table.is_stored(field),
            field.kind,
            values.contains_key(field.name),
        ) {
            let alive = match target {
                "users" => " and r.deleted_at is null",
                "exam_sessions" => " and r.is_deleted = 0",
                _ => "",
            };
            let name = field.name;
            columns.push(format!(
                "(t.{name} is null or exists (select 1 from {target} r where r.id = t.{name}{alive})) as \"{name}?\""
            ));
        }
    }
    for (name, sql) in table.computed {
        columns.push(format!("{sql} as {name}"));
    }
    for (name, sql) in table.defaults {
        columns.push(format!("{sql} as \"{name}!\""));
    }
    let mut within = Vec::new();
    let condition = scope.conditions(&mut within);
    let condition = if condition.is_empty() {
        "true"
    } else {
        condition.trim_start_matches(" and ")
    };
    columns.push(format!("({condition}) as \"in_scope?\""));
    // The placeholders of the outer select come first in the text.
    within.append(&mut params);
    let sql = format!("select {} from (select {row}) t", columns.join(", "));
    Ok(Statement {
        sql: sql.into(),
        params: within,
    })
}

fn take_resolved(
    table: &'static Table,
    values: &Record,
    outcomes: &mut Outcomes,
) -> Result<Resolved, StoreError> {
    let rows: Vec<Map<String, Json>> = outcomes.rows()?;
    let Some(row) = rows.into_iter().next() else {
        return Ok(Resolved::default());
    };
    let holds = |name: &str| row.get(&format!("{name}?")).and_then(Json::as_i64) != Some(0);
    let mut resolved = Resolved {
        in_scope: holds("in_scope"),
        ..Resolved::default()
    };
    for field in table
        .fields
        .iter()
        .filter(|field| values.contains_key(field.name))
    {
        match field.presence {
            _ if holds(field.name) => {}
            Presence::Path => resolved.in_scope = false,
            _ => resolved.missing.push(field.name),
        }
    }
    for (name, _) in table.computed {
        let kind = table
            .fields
            .iter()
            .find(|field| field.name == *name)
            .map(|field| field.kind);
        let value = row.get(*name).unwrap_or(&Json::Null);
        let value = kind.map_or(Ok(Json::Null), |kind| shown(kind, value))?;
        resolved.computed.insert((*name).to_owned(), value);
    }
    for (name, _) in table.defaults {
        let value = row.get(&format!("{name}!")).unwrap_or(&Json::Null).clone();
        resolved.defaults.insert((*name).to_owned(), value);
    }
    Ok(resolved)
}
