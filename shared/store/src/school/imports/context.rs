//! What the database knows of the rows of a portion, asked in one trip.

use std::collections::{BTreeMap, HashMap, HashSet};

use homeroom_domain::records::{self, Field, Record};
use homeroom_kernel::{FieldErrors, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{
    Job,
    file::FileRow,
    layout::{LINKS, Rules, Sheet},
    links::{self, Links},
};
use crate::{
    connection::{Outcomes, TenantDb},
    error::StoreError,
    records::shown,
    sql::{Statement, Value},
};

/// What is known of the rows of a portion, by their place in it.
#[derive(Debug, Default)]
pub struct Known {
    found: HashMap<usize, Vec<Record>>,
    references: HashMap<(usize, &'static str), String>,
    doubles: HashMap<usize, Vec<(String, Option<String>)>>,
    numbers: BTreeMap<i64, i64>,
    rooms: HashMap<String, Option<i64>>,
    left: HashSet<usize>,
    pub(super) links: Links,
    pub(super) takes_marks: bool,
}

#[derive(Deserialize)]
struct Referred {
    row: usize,
    id: String,
}

#[derive(Deserialize)]
struct Double {
    row: usize,
    student_id: String,
    dob: Option<String>,
}

#[derive(Deserialize)]
struct Numbered {
    year: i64,
    last: i64,
}

#[derive(Deserialize)]
struct Room {
    id: String,
    room: Option<i64>,
}

#[derive(Deserialize)]
struct Guardian {
    id: String,
}

#[derive(Deserialize)]
struct Only {
    row: usize,
}

/// Asks what is known of the rows.
pub async fn ask(
    db: &TenantDb,
    sheet: &'static Sheet,
    job: &Job,
    rows: &[FileRow],
) -> Result<Known, StoreError> {
    let values: Json = rows
        .iter()
        .map(|row| Json::Object(row.values.clone()))
        .collect();
    let values = values.to_string();
    let named = match sheet.rules {
        Rules::Guardians => job.not_linked(),
        _ => job.exam_session.as_deref(),
    };
    let statement = |sql: String| {
        let mut params = vec![Value::from(&values)];
        if sql.contains("?2") {
            params.push(named.map(str::to_owned).into());
        }
        Statement {
            sql: sql.into(),
            params,
        }
    };
    let mut columns =
        String::from("j.key as \"row?\", t.id, t.created_at, t.updated_at, t.created_by");
    for field in sheet.written() {
        columns.push_str(", t.");
        columns.push_str(field.name);
    }
    let found = sheet
        .found
        .iter()
        .map(|join| statement(format!("select {columns} from json_each(?1) j join {join}")));
    let lookups = sheet
        .columns
        .iter()
        .filter_map(|column| column.lookup)
        .map(|join| {
            statement(format!(
                "select j.key as row, r.id from json_each(?1) j join {join}"
            ))
        });
    let besides = besides(sheet.rules)
        .iter()
        .map(|sql| statement((*sql).to_owned()));
    let mut outcomes = db
        .connection
        .batch(found.chain(lookups).chain(besides).collect())
        .await?;
    take(sheet, &mut outcomes)
}

const DOUBLES: &str = "select j.key as row, t.student_id, t.dob from json_each(?1) j \
     join students t on t.last_name = json_extract(j.value, '$.last_name') collate nocase \
     and t.first_name = json_extract(j.value, '$.first_name') collate nocase";
/// The last number of each year that was given, or that a student has all the same.
const NUMBERS: &str = "select y.year, max(ifnull((select n.last_number from student_numbers n where n.admission_year = y.year), 0), \
     ifnull((select max(cast(substr(t.student_id, 6) as integer)) from students t where t.student_id >= y.year || '-' \
     and t.student_id < y.year || '.' and length(t.student_id) between 9 and 13), 0)) as last \
     from (select distinct json_extract(j.value, '$.admission_year') as year from json_each(?1) j \
     where ifnull(json_extract(j.value, '$.student_id'), '') = '') y where y.year is not null";
const ROOMS: &str = "select a.id, ifnull(a.capacity, c.capacity) - (select count(*) from student_sessions s \
     where s.academic_class = a.id and s.status = 'active') as room \
     from academic_classes a join classes c on c.id = a.class where a.id in (select r.id from json_each(?1) j \
     join academic_sessions y on y.name = json_extract(j.value, '$.session') \
     join classes k on k.name = json_extract(j.value, '$.class') \
     join academic_classes r on r.session = y.id and r.class = k.id)";
const LEFT: &str = "select j.key as row from json_each(?1) j \
     join students p on p.student_id = json_extract(j.value, '$.student_id') where p.enrolment <> 'active'";
const TAKES_MARKS: &str = "select 0 as row from json_each(?1) j join exam_sessions e on e.id = ?2 \
     where j.key = 0 and e.is_deleted = 0 and e.state in ('draft', 'review')";

fn besides(rules: Rules) -> &'static [&'static str] {
    match rules {
        Rules::Students => &[DOUBLES, NUMBERS],
        Rules::Registrations => &[ROOMS, LEFT],
        Rules::Marks => &[TAKES_MARKS],
        Rules::Guardians => &[links::FOUND, links::NOT_LINKED],
        Rules::None | Rules::Staff => &[],
    }
}

fn take(sheet: &'static Sheet, outcomes: &mut Outcomes) -> Result<Known, StoreError> {
    let mut known = Known::default();
    for _ in sheet.found {
        for row in outcomes.rows::<Map<String, Json>>()? {
            let (at, record) = take_record(sheet.written(), row)?;
            known.found.entry(at).or_default().push(record);
        }
    }
    for column in sheet
        .columns
        .iter()
        .filter(|column| column.lookup.is_some())
    {
        for Referred { row, id } in outcomes.rows()? {
            known.references.insert((row, column.name), id);
        }
    }
    match sheet.rules {
        Rules::Students => {
            for double in outcomes.rows::<Double>()? {
                let doubles = known.doubles.entry(double.row).or_default();
                doubles.push((double.student_id, double.dob));
            }
            let numbers = outcomes.rows::<Numbered>()?.into_iter();
            known.numbers = numbers.map(|row| (row.year, row.last)).collect();
        }
        Rules::Registrations => {
            let rooms = outcomes.rows::<Room>()?.into_iter();
            known.rooms = rooms.map(|row| (row.id, row.room)).collect();
            known.left = outcomes
                .rows::<Only>()?
                .into_iter()
                .map(|only| only.row)
                .collect();
        }
        Rules::Marks => known.takes_marks = !outcomes.rows::<Only>()?.is_empty(),
        Rules::Guardians => {
            for row in outcomes.rows::<Map<String, Json>>()? {
                let (_, link) = take_record(LINKS.fields, row)?;
                known.links.know(link);
            }
            let own = outcomes.rows::<Guardian>()?.into_iter();
            known.links.refuse(own.map(|guardian| guardian.id));
        }
        Rules::None | Rules::Staff => {}
    }
    Ok(known)
}

fn take_record(
    fields: impl IntoIterator<Item = &'static Field>,
    mut row: Map<String, Json>,
) -> Result<(usize, Record), StoreError> {
    let at = row.remove("row?").and_then(|at| at.as_u64());
    let at = at.and_then(|at| usize::try_from(at).ok());
    for name in ["created_at", "updated_at"] {
        if let Some(value) = row.get_mut(name) {
            *value = json!(Timestamp::from_millis(value.as_i64().unwrap_or_default()));
        }
    }
    for field in fields {
        if let Some(value) = row.get_mut(field.name) {
            *value = shown(field.kind, value)?;
        }
    }
    Ok((at.unwrap_or(usize::MAX), row))
}

/// Guardians whom earlier rows of the portion write, by id: only theirs can be the subject of several rows.
#[derive(Debug, Default)]
pub(super) struct Earlier(BTreeMap<String, Record>);

impl Earlier {
    pub(super) fn note(&mut self, record: &Record) {
        let id = records::text(record, "id").to_owned();
        self.0.insert(id, record.clone());
    }

    fn named_by(&self, row: &FileRow) -> impl Iterator<Item = &Record> {
        let is_named = |record: &Record| {
            ["phone_number", "email"].iter().any(|name| {
                let value = row.values.get(*name).filter(|value| !value.is_null());
                value.is_some() && record.get(*name) == value
            })
        };
        self.0.values().filter(move |record| is_named(record))
    }
}

impl Known {
    /// The record that a row is about, as earlier rows leave it; an error where its names lead to several.
    pub(super) fn found(
        &self,
        at: usize,
        row: &FileRow,
        earlier: &Earlier,
    ) -> Result<Option<Record>, ()> {
        let stored = self.found.get(&at).into_iter().flatten();
        let stored = stored.filter(|record| !earlier.0.contains_key(records::text(record, "id")));
        let mut all = stored.chain(earlier.named_by(row));
        let Some(first) = all.next() else {
            return Ok(None);
        };
        let id = records::text(first, "id");
        if all.any(|other| records::text(other, "id") != id) {
            return Err(());
        }
        Ok(Some(first.clone()))
    }

    pub(super) fn reference(&self, at: usize, column: &'static str) -> Option<&str> {
        self.references.get(&(at, column)).map(String::as_str)
    }

    pub(super) fn last_number(&self, year: i64) -> i64 {
        self.numbers.get(&year).copied().unwrap_or(0)
    }

    /// Who a new student may be already, in the school or earlier in the file.
    pub(super) fn doubles(
        &self,
        at: usize,
        student: &Record,
        line: usize,
        earlier: &mut HashMap<String, (usize, String)>,
    ) -> Vec<String> {
        let dob = records::text(student, "dob");
        let agree = |other: &str| dob.is_empty() || other.is_empty() || dob == other;
        let known = self.doubles.get(&at).into_iter().flatten();
        let mut warnings: Vec<String> = known
            .filter(|(_, other)| agree(other.as_deref().unwrap_or_default()))
            .map(|(number, _)| format!("The student may be {number} already."))
            .collect();
        let name =
            ["first_name", "last_name"].map(|field| records::text(student, field).to_lowercase());
        match earlier.get(&name.join("\u{1f}")) {
            Some((first, other)) if agree(other) => {
                warnings.push(format!("The student may be the one of line {first}."));
            }
            _ => {
                earlier.insert(name.join("\u{1f}"), (line, dob.to_owned()));
            }
        }
        warnings
    }

    /// Takes a place in a class, if the student may and there is one.
    pub(super) fn place(
        &mut self,
        at: usize,
        before: Option<&Record>,
        after: &Record,
    ) -> Result<(), FieldErrors> {
        if self.left.contains(&at) && records::text(after, "status") == "active" {
            return Err(FieldErrors::one(
                "student_id",
                "The student has left the school.",
            ));
        }
        let seat = |record: &Record| {
            let class = records::text(record, "academic_class");
            let sits = !class.is_empty() && records::text(record, "status") == "active";
            sits.then(|| class.to_owned())
        };
        let (old, new) = (before.and_then(seat), seat(after));
        if old == new {
            return Ok(());
        }
        if let Some(Some(room)) = new.as_ref().and_then(|class| self.rooms.get_mut(class)) {
            if *room < 1 {
                return Err(FieldErrors::one("class", "The class is full."));
            }
            *room -= 1;
        }
        if let Some(Some(room)) = old.as_ref().and_then(|class| self.rooms.get_mut(class)) {
            *room += 1;
        }
        Ok(())
    }
}
