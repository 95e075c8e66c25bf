//! Carrying out a portion: rows, audit, results and counters in one transaction, which only one who asks gets through.

use homeroom_domain::records::{self, Record};
use homeroom_kernel::{FieldErrors, Timestamp};
use serde_json::{Value as Json, json};

use super::{
    Chunk, Job,
    plan::Plan,
    sheets::{Rules, Sheet},
};
use crate::{
    batch::{Action, Batch, Stamp, difference},
    connection::TenantDb,
    error::StoreError,
    records::stored,
    school::outbox::SetupProgress,
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
    if !job.is_dry_run && !plan.writes.is_empty() {
        write_records(&mut batch, stamp, sheet, plan)?;
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
    sheet: &'static Sheet,
    plan: &Plan,
) -> Result<(), StoreError> {
    let table = sheet.table.name;
    let mut seen = Vec::new();
    let mut entries = Vec::new();
    let mut history = Vec::new();
    let mut rows = Vec::new();
    for (before, after) in &plan.writes {
        let id = records::text(after, "id");
        if let Some(before) = before {
            seen.push(json!([id, millis(before, "updated_at")]));
            if sheet.rules == Rules::Students {
                history.extend(history_lines(stamp, before, after));
            }
        }
        let action = if before.is_some() {
            Action::Update
        } else {
            Action::Create
        };
        let changes = difference(before.clone().unwrap_or_default(), after.clone());
        entries.push((action, id.to_owned(), Json::Object(changes)));
        rows.push(row(sheet, after)?);
    }
    let changed = format!(
        "exists (select 1 from json_each(?1) j left join {table} t on t.id = json_extract(j.value, '$[0]') \
         where t.updated_at is not json_extract(j.value, '$[1]'))"
    );
    if !seen.is_empty() {
        let seen = Json::Array(seen).to_string();
        batch.guard("changed_meanwhile", &changed, vec![Value::from(seen)]);
    }
    batch.push(upsert(sheet, &Json::Array(rows)));
    batch.audit_all(stamp, table, entries);
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
    Ok(())
}

fn millis(record: &Record, name: &str) -> Option<i64> {
    records::moment(record, name).map(Timestamp::millis)
}

fn row(sheet: &Sheet, record: &Record) -> Result<Json, StoreError> {
    let mut row = vec![
        json!(records::text(record, "id")),
        json!(millis(record, "created_at")),
        json!(millis(record, "updated_at")),
        record.get("created_by").cloned().unwrap_or(Json::Null),
    ];
    for field in sheet.written() {
        let value = record.get(field.name).unwrap_or(&Json::Null);
        row.push(json!(stored(field.kind, value)?));
    }
    Ok(row.into())
}

fn upsert(sheet: &Sheet, rows: &Json) -> Statement {
    const COMMON: [&str; 4] = ["id", "created_at", "updated_at", "created_by"];
    let written: Vec<&str> = sheet.written().map(|field| field.name).collect();
    let columns = [&COMMON[..], &written[..]].concat();
    let read: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(number, name)| format!("json_extract(value, '$[{number}]') as {name}"))
        .collect();
    let values: Vec<String> = columns
        .iter()
        .map(|name| {
            let default = sheet.table.defaults.iter().find(|(known, _)| known == name);
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
        sheet.table.name,
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

fn hold_rules(batch: &mut Batch, sheet: &Sheet, job: &Job, plan: &Plan) {
    match sheet.rules {
        Rules::Registrations => {
            let classes: Json = plan
                .writes
                .iter()
                .filter_map(|(_, after)| after.get("academic_class").cloned())
                .collect();
            batch.guard_academics(
                "class_full",
                "exists (select 1 from academic_classes a join classes c on c.id = a.class \
                 where a.id in (select value from json_each(?1)) and ifnull(a.capacity, c.capacity) < \
                 (select count(*) from student_sessions s where s.academic_class = a.id and s.status = 'active'))",
                vec![Value::from(classes.to_string())],
            );
        }
        Rules::Marks => batch.guard_academics(
            "marks_closed",
            "not exists (select 1 from exam_sessions where id = ?1 and is_deleted = 0 \
             and state in ('draft', 'review'))",
            vec![job.exam_session.clone().into()],
        ),
        Rules::None | Rules::Students | Rules::Guardians | Rules::Staff => {}
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
