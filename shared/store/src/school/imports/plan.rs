//! What is to be done with each row of a portion, decided from what the database knows of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use homeroom_domain::records::{self, Record};
use homeroom_kernel::{FieldErrors, fields::NON_FIELD};
use serde_json::{Value as Json, json};

use super::{
    context::{Earlier, Known},
    file::{FileRow, Messages},
    layout::{Rules, Sheet},
};
use crate::{batch::Stamp, records::new_record};

const NO_SUCH_RECORD: &str = "There is no such record.";

/// What is to be done with a portion.
#[derive(Debug, Default)]
pub struct Plan {
    /// Rows that it settles.
    pub done: usize,
    /// Rows that become new records.
    pub created: usize,
    /// Rows that change a record.
    pub updated: usize,
    /// Rows that are wrong.
    pub failed: usize,
    /// What is to be said of rows, in their order.
    pub results: Vec<RowResult>,
    pub(super) writes: Vec<Write>,
    /// Links of guardians and students.
    pub(super) links: Vec<Write>,
    /// The last number given to students of a year.
    pub(super) numbers: BTreeMap<i64, i64>,
}

/// A record as it is, if it is there, and as it will be.
pub(super) type Write = (Option<Record>, Record);

/// What is to be said of a row.
#[derive(Clone, Debug)]
pub struct RowResult {
    /// The line in the file.
    pub row: usize,
    /// Whether it is a mistake, or else a warning.
    pub is_error: bool,
    /// Messages by column.
    pub messages: Messages,
}

impl Plan {
    /// Rows that change nothing.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.done - self.created - self.updated - self.failed
    }

    /// Notes what a row writes; the rows of one guardian are one change.
    fn write(
        &mut self,
        sheet: &Sheet,
        before: Option<Record>,
        after: Record,
        earlier: &mut Earlier,
    ) {
        if sheet.rules == Rules::Guardians {
            earlier.note(&after);
            let id = after.get("id");
            let mut writes = self.writes.iter_mut();
            if let Some((_, write)) = writes.find(|(_, write)| write.get("id") == id) {
                *write = after;
                return;
            }
        }
        self.writes.push((before, after));
    }

    fn say(&mut self, row: usize, is_error: bool, messages: Messages) {
        self.failed += usize::from(is_error);
        self.results.push(RowResult {
            row,
            is_error,
            messages,
        });
    }

    /// A plan that does nothing but say what is wrong with the rows.
    #[must_use]
    pub fn refusing(rows: &[FileRow], messages: &Messages) -> Self {
        let mut plan = Self {
            done: rows.len(),
            ..Self::default()
        };
        for row in rows {
            plan.say(row.line, true, messages.clone());
        }
        plan
    }
}

/// Decides on the rows of a portion.
#[must_use]
pub fn plan(sheet: &'static Sheet, stamp: &Stamp<'_>, rows: &[FileRow], known: &mut Known) -> Plan {
    let mut plan = Plan {
        done: rows.len(),
        ..Plan::default()
    };
    let own_numbers: BTreeSet<&str> = rows
        .iter()
        .filter_map(|row| row.values.get("student_id").and_then(Json::as_str))
        .collect();
    let (mut doubles, mut earlier) = (HashMap::new(), Earlier::default());
    for (at, row) in rows.iter().enumerate() {
        if !row.errors.is_empty() {
            plan.say(row.line, true, row.errors.clone());
            continue;
        }
        match judge(sheet, stamp, row, at, known, &earlier) {
            Err(errors) => plan.say(row.line, true, errors.messages().clone()),
            Ok(Judged {
                is_same: true,
                links,
                ..
            }) => plan.updated += usize::from(links),
            Ok(Judged {
                before, mut after, ..
            }) => {
                if before.is_some() {
                    plan.updated += 1;
                } else {
                    plan.created += 1;
                    if sheet.rules == Rules::Students {
                        let warnings = known.doubles(at, &after, row.line, &mut doubles);
                        if !warnings.is_empty() {
                            let messages = BTreeMap::from([(NON_FIELD.to_owned(), warnings)]);
                            plan.say(row.line, false, messages);
                        }
                        give_number(&mut after, &own_numbers, known, &mut plan.numbers);
                    }
                }
                plan.write(sheet, before, after, &mut earlier);
            }
        }
    }
    plan.links = std::mem::take(&mut known.links).writes();
    plan
}

/// The record as it is and as it will be.
struct Judged {
    before: Option<Record>,
    after: Record,
    is_same: bool,
    /// Whether a link changes.
    links: bool,
}

fn judge(
    sheet: &'static Sheet,
    stamp: &Stamp<'_>,
    row: &FileRow,
    at: usize,
    known: &mut Known,
    earlier: &Earlier,
) -> Result<Judged, FieldErrors> {
    let before = known.found(at, row, earlier).map_err(|()| {
        FieldErrors::one(
            NON_FIELD,
            "The phone number and the email belong to different guardians.",
        )
    })?;
    let mut after = before.clone().unwrap_or_else(|| {
        let defaults = sheet.written().map(|field| {
            let default = field.default().unwrap_or(Json::Null);
            (field.name.to_owned(), default)
        });
        new_record(stamp, defaults.collect())
    });
    let mut errors = FieldErrors::default();
    for column in sheet.columns {
        let Some(value) = row.values.get(column.name) else {
            continue;
        };
        let value = match (column.lookup, value) {
            (Some(_), Json::String(_)) => match known.reference(at, column.name) {
                Some(id) => Json::from(id),
                None => {
                    errors.add(column.name, missing(sheet, column.name));
                    continue;
                }
            },
            _ => value.clone(),
        };
        if !sheet.is_own(column) {
            continue;
        }
        match column.flag() {
            Some(flag) => {
                if let Some(Json::Object(flags)) = after.get_mut(column.field) {
                    flags.insert(flag.to_owned(), value);
                }
            }
            None => {
                after.insert(column.field.to_owned(), value);
            }
        }
    }
    errors.into_result(())?;
    if sheet.rules == Rules::Marks {
        settle_mark(row, &mut after);
    }
    let is_same = match &before {
        Some(before) => before == &after,
        None => sheet.rules == Rules::Marks && says_nothing(&after),
    };
    let mut links = false;
    if sheet.rules == Rules::Guardians
        && let Some(student) = known.reference(at, "student_id").map(str::to_owned)
    {
        let guardian = records::text(&after, "id");
        links = known.links.settle(stamp, row, &student, guardian)?;
    }
    if is_same {
        return Ok(Judged {
            before,
            after,
            is_same,
            links,
        });
    }
    match sheet.rules {
        Rules::Registrations => known.place(at, before.as_ref(), &after)?,
        Rules::Marks => {
            if !known.takes_marks {
                let closed = "The marks of this exam session are closed.";
                return Err(FieldErrors::one("mark", closed));
            }
            let version = before
                .as_ref()
                .and_then(|mark| mark.get("version")?.as_i64());
            after.insert("version".to_owned(), json!(version.unwrap_or(0) + 1));
            after.insert("updated_by".to_owned(), json!(stamp.actor_id));
        }
        _ => {}
    }
    after.insert("updated_at".to_owned(), json!(stamp.now));
    Ok(Judged {
        before,
        after,
        is_same,
        links,
    })
}

fn missing(sheet: &Sheet, column: &str) -> &'static str {
    match (sheet.rules, column) {
        (Rules::Marks, "student_id") => {
            "There is no active student with this number in the session."
        }
        (Rules::Marks, _) => "The class of the student has no exam in this subject.",
        (Rules::Registrations, "class") => "The session has no such class.",
        _ => NO_SUCH_RECORD,
    }
}

/// A mark that is given ends an absence, and the other way round.
fn settle_mark(row: &FileRow, mark: &mut Record) {
    let names = |column: &str| row.values.get(column).is_some_and(|value| !value.is_null());
    if names("mark") {
        mark.insert("is_absent".to_owned(), false.into());
    } else if records::flag(mark, "is_absent") {
        mark.insert("mark".to_owned(), Json::Null);
    }
}

/// A line of an exported sheet that nobody filled in.
fn says_nothing(mark: &Record) -> bool {
    mark.get("mark") == Some(&Json::Null)
        && !records::flag(mark, "is_absent")
        && records::text(mark, "comment").is_empty()
}

fn give_number(
    student: &mut Record,
    own_numbers: &BTreeSet<&str>,
    known: &Known,
    numbers: &mut BTreeMap<i64, i64>,
) {
    if !records::text(student, "student_id").is_empty() {
        return;
    }
    let year = student
        .get("admission_year")
        .and_then(Json::as_i64)
        .unwrap_or_default();
    let last = numbers
        .entry(year)
        .or_insert_with(|| known.last_number(year));
    let number = loop {
        *last += 1;
        let number = format!("{year}-{last:04}");
        if !own_numbers.contains(number.as_str()) {
            break number;
        }
    };
    student.insert("student_id".to_owned(), number.into());
}
