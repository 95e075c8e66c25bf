//! Carrying out a portion: rows, audit, results and counters in one transaction, which only one who asks gets through.

use homeroom_domain::records::{self, Field, Record};
use homeroom_kernel::{FieldErrors, Timestamp};
use serde_json::{Value as Json, json};

use super::{
    Chunk, Job,
    layout::{LINKS, Rules, Sheet},
    plan::{Plan, Write},
};
use crate::{
    batch::{Action, Batch, Stamp, difference},
    connection::TenantDb,
    error::StoreError,
    records::{Table, stored},
    school::{outbox::SetupProgress, people::end_registrations},
    sql::{Statement, Value, sql},
};

/// Why a student's history has an entry.
const REASON: &str = "import";

/// What settles a portion; without `chunk`, of a job that has none stored.
pub fn settle(
    db: &TenantDb,
    stamp: &Stamp<'_>,
    job: &Job,
    sheet: &'static Sheet,
    chunk: Option<&Chunk>,
    plan: &Plan,
) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    if let Some(chunk) = chunk {
        batch.take_chunk(job, chunk);
    }
    let writes = !plan.writes.is_empty() || !plan.links.is_empty();
    if writes && !job.is_dry_run {
        let written: Vec<_> = sheet.written().collect();
        write_records(&mut batch, stamp, sheet.table, &written, &plan.writes)?;
        let linked: Vec<_> = LINKS.fields.iter().collect();
        write_records(&mut batch, stamp, &LINKS, &linked, &plan.links)?;
        if sheet.rules == Rules::Students {
            note_students(&mut batch, stamp, plan);
        }
        hold_rules(&mut batch, sheet, job, plan);
        if sheet.rules == Rules::Marks {
            outdate_cards(&mut batch, stamp, job, plan);
        }
        if sheet.rules == Rules::Staff && plan.created > 0 {
            batch.announce_progress(db, SetupProgress::Completed, stamp.now);
        }
    }
    write_results(&mut batch, job, plan);
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    batch.push(sql!(
        "update imports set done = done + ?2, created = created + ?3, updated = updated + ?4, skipped = skipped + ?5, \
         failed = failed + ?6, status = case when done + ?2 >= total then 'completed' else status end, updated_at = ?7 \
         where id = ?1",
        &job.id,
        count(plan.done),
        count(plan.created),
        count(plan.updated),
        count(plan.skipped()),
        count(plan.failed),
        stamp.now,
    ));
    Ok(batch)
}

/// Puts two halves in the place of a portion that was refused, until the row that is refused stands alone.
pub fn split(job: &Job, chunk: &Chunk) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    batch.take_chunk(job, chunk);
    let half = chunk.rows.len().div_ceil(2);
    let position = |number: usize| chunk.position + i64::try_from(number).unwrap_or(0);
    let halves = chunk.rows.chunks(half.max(1)).zip([0, half]);
    for (rows, number) in halves {
        let rows = serde_json::to_string(rows)?;
        batch.push(chunk_statement(&job.id, position(number), rows));
    }
    Ok(batch)
}

pub(super) fn chunk_statement(job: &str, position: i64, rows: String) -> Statement {
    sql!(
        "insert into import_chunks (import, position, rows) values (?1, ?2, ?3)",
        job,
        position,
        rows
    )
}

impl Batch {
    /// Takes a portion away, or refuses everything where somebody else did; a half is not the portion that it was.
    fn take_chunk(&mut self, job: &Job, chunk: &Chunk) {
        let rows = i64::try_from(chunk.rows.len()).unwrap_or(i64::MAX);
        self.guard_academics(
            "import_advanced",
            "not exists (select 1 from import_chunks where import = ?1 and position = ?2 \
             and json_array_length(rows) = ?3)",
            vec![Value::from(&job.id), chunk.position.into(), rows.into()],
        );
        self.push(sql!(
            "delete from import_chunks where import = ?1 and position = ?2",
            &job.id,
            chunk.position
        ));
    }
}

fn write_records(
    batch: &mut Batch,
    stamp: &Stamp<'_>,
    table: &Table,
    fields: &[&Field],
    writes: &[Write],
) -> Result<(), StoreError> {
    if writes.is_empty() {
        return Ok(());
    }
    let mut seen = Vec::new();
    let mut entries = Vec::new();
    let mut rows = Vec::new();
    for (before, after) in writes {
        let id = records::text(after, "id");
        if let Some(before) = before {
            seen.push(json!([id, millis(before, "updated_at")]));
        }
        let action = if before.is_some() {
            Action::Update
        } else {
            Action::Create
        };
        let changes = difference(before.clone().unwrap_or_default(), after.clone());
        entries.push((action, id.to_owned(), Json::Object(changes)));
        rows.push(row(fields, after)?);
    }
    if !seen.is_empty() {
        let changed = format!(
            "exists (select 1 from json_each(?1) j left join {} t on t.id = json_extract(j.value, '$[0]') \
             where t.updated_at is not json_extract(j.value, '$[1]'))",
            table.name
        );
        let seen = Json::Array(seen).to_string();
        batch.guard("changed_meanwhile", &changed, vec![Value::from(seen)]);
    }
    batch.push(upsert(table, fields, &Json::Array(rows)));
    batch.audit_all(stamp, table.name, entries);
    Ok(())
}

/// What changes in students leaves a history, who left takes no seat, and numbers that were given are not given again.
fn note_students(batch: &mut Batch, stamp: &Stamp<'_>, plan: &Plan) {
    let pairs = plan.writes.iter();
    let pairs: Vec<_> = pairs
        .filter_map(|(before, after)| Some((before.as_ref()?, after)))
        .collect();
    end_registrations(batch, stamp, &pairs);
    let changed = plan.writes.iter();
    let history: Vec<Json> = changed
        .filter_map(|(before, after)| Some(history_lines(stamp, before.as_ref()?, after)))
        .flatten()
        .collect();
    if !history.is_empty() {
        batch.push(sql!(
            "insert into student_history (id, student, field, old_value, new_value, reason, actor_name, changed_at) \
             select json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), \
             json_extract(value, '$[3]'), json_extract(value, '$[4]'), ?2, ?3, ?4 from json_each(?1)",
            Json::Array(history).to_string(),
            REASON,
            &stamp.actor_name,
            stamp.now,
        ));
    }
    if !plan.numbers.is_empty() {
        let numbers: Json = plan
            .numbers
            .iter()
            .map(|(year, last)| json!([year, last]))
            .collect();
        batch.push(sql!(
            "insert into student_numbers (admission_year, last_number) \
             select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each(?1) where true \
             on conflict (admission_year) do update set last_number = max(last_number, excluded.last_number)",
            numbers.to_string(),
        ));
    }
}

fn millis(record: &Record, name: &str) -> Option<i64> {
    records::moment(record, name).map(Timestamp::millis)
}

fn row(fields: &[&Field], record: &Record) -> Result<Json, StoreError> {
    let mut row = vec![
        json!(records::text(record, "id")),
        json!(millis(record, "created_at")),
        json!(millis(record, "updated_at")),
        record.get("created_by").cloned().unwrap_or(Json::Null),
    ];
    for field in fields {
        let value = record.get(field.name).unwrap_or(&Json::Null);
        row.push(json!(stored(field.kind, value)?));
    }
    Ok(row.into())
}

fn upsert(table: &Table, fields: &[&Field], rows: &Json) -> Statement {
    const COMMON: [&str; 4] = ["id", "created_at", "updated_at", "created_by"];
    let written: Vec<&str> = fields.iter().map(|field| field.name).collect();
    let columns = [&COMMON[..], &written[..]].concat();
    let read: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(number, name)| format!("json_extract(value, '$[{number}]') as {name}"))
        .collect();
    let values: Vec<String> = columns
        .iter()
        .map(|name| {
            let default = table.defaults.iter().find(|(known, _)| known == name);
            match default {
                Some((_, expression)) => format!("ifnull(t.{name}, {expression})"),
                None => format!("t.{name}"),
            }
        })
        .collect();
    let sets: Vec<String> = written
        .iter()
        .chain(["updated_at"].iter())
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    let text = format!(
        "insert into {} ({}) select {} from (select {} from json_each(?1)) t where true \
         on conflict (id) do update set {}",
        table.name,
        columns.join(", "),
        values.join(", "),
        read.join(", "),
        sets.join(", ")
    );
    sql!(text, rows.to_string())
}

fn history_lines(stamp: &Stamp<'_>, before: &Record, after: &Record) -> Vec<Json> {
    let line = |field: &&str| {
        let (old, new) = (before.get(*field), after.get(*field));
        let student = records::text(after, "id");
        (old != new).then(|| json!([stamp.ids.next::<()>(), student, field, old, new]))
    };
    ["enrolment", "status", "form"]
        .iter()
        .filter_map(line)
        .collect()
}

/// What must hold once the portion is written, whatever others did since its rows were judged: as for single records.
fn hold_rules(batch: &mut Batch, sheet: &Sheet, job: &Job, plan: &Plan) {
    let written = |fields: [&str; 2]| -> Value {
        let row = |(_, after): &Write| json!(fields.map(|name| records::text(after, name)));
        let rows: Json = plan.writes.iter().map(row).collect();
        Value::from(rows.to_string())
    };
    for rule in sheet.table.rules {
        let broken = rule.broken.replace("?1", "json_extract(w.value, '$[0]')");
        let broken = format!("exists (select 1 from json_each(?1) w where {broken})");
        batch.guard_academics(rule.name, &broken, vec![written(["id", "id"])]);
    }
    if sheet.rules == Rules::Marks {
        let exam_session = || Value::from(job.exam_session.clone());
        batch.guard_academics(
            "marks_closed",
            "not exists (select 1 from exam_sessions where id = ?1 and is_deleted = 0 \
             and state in ('draft', 'review'))",
            vec![exam_session()],
        );
        batch.guard_academics(
            "student_of_another_class",
            "exists (select 1 from json_each(?1) w where not exists (select 1 from exams x join student_sessions r \
             on r.academic_class = x.academic_class and r.status = 'active' where x.exam_session = ?2 \
             and x.id = json_extract(w.value, '$[0]') and r.id = json_extract(w.value, '$[1]')))",
            vec![written(["exam", "student_session"]), exam_session()],
        );
    }
}

/// Marks the published cards that changed marks contradict.
fn outdate_cards(batch: &mut Batch, stamp: &Stamp<'_>, job: &Job, plan: &Plan) {
    let changed = plan.writes.iter();
    let students: Json = changed
        .filter_map(|(_, mark)| mark.get("student_session").cloned())
        .collect();
    batch.push(sql!(
        "update report_cards set is_outdated = 1, updated_at = ?3 where is_current = 1 and is_outdated = 0 \
         and exam_session = ?1 and student_session in (select value from json_each(?2))",
        job.exam_session.clone(),
        students.to_string(),
        stamp.now,
    ));
}

fn write_results(batch: &mut Batch, job: &Job, plan: &Plan) {
    if plan.results.is_empty() {
        return;
    }
    let lines: Json = plan
        .results
        .iter()
        .map(|result| {
            let outcome = if result.is_error { "error" } else { "warning" };
            json!([result.row, outcome, json!(result.messages).to_string()])
        })
        .collect();
    batch.push(sql!(
        "insert into import_results (import, row, outcome, messages) \
         select ?2, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]') \
         from json_each(?1)",
        lines.to_string(),
        &job.id,
    ));
}

/// What the database said of the only row of a portion, as the result of its line.
#[must_use]
pub fn refuse(sheet: &Sheet, chunk: &Chunk, errors: &FieldErrors) -> Plan {
    let column = |field: &String| {
        let found = sheet.columns.iter().find(|column| column.field == field);
        found
            .map_or(field.as_str(), |column| column.name)
            .to_owned()
    };
    let named = errors.messages().iter();
    let messages = named.map(|(field, texts)| (column(field), texts.clone()));
    Plan::refusing(&chunk.rows, &messages.collect())
}
