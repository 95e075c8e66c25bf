//! Whose guardians a file's rows are: links of guardians and students.

use std::collections::{BTreeMap, BTreeSet};

use homeroom_domain::records::{self, Record};
use homeroom_kernel::FieldErrors;
use serde_json::{Map, Value as Json, json};

use super::file::FileRow;
use crate::{batch::Stamp, records::new_record};

/// The links of all students that the rows of a portion name.
pub(super) const FOUND: &str = "select distinct l.id, l.created_at, l.updated_at, l.created_by, l.student, l.guardian, l.relation, \
     l.is_primary from json_each(?1) j join students p on p.student_id = json_extract(j.value, '$.student_id') \
     join student_guardians l on l.student = p.id";

const OWN_ACCOUNT: &str = "You cannot give yourself students. Ask somebody else to.";

/// The guardians that the sender is: nobody makes the own account a family's.
pub(super) const NOT_LINKED: &str = "select g.id from guardians g where g.user = ?2";

/// The links of some students, as they are and as they will be.
#[derive(Debug, Default)]
pub(super) struct Links {
    all: BTreeMap<(String, String), Link>,
    refused: BTreeSet<String>,
}

#[derive(Debug)]
struct Link {
    before: Option<Record>,
    after: Record,
    is_changed: bool,
}

fn key(link: &Record) -> (String, String) {
    let id = |name| records::text(link, name).to_owned();
    (id("student"), id("guardian"))
}

impl Links {
    /// Takes a link that is stored.
    pub(super) fn know(&mut self, link: Record) {
        let known = Link {
            before: Some(link.clone()),
            after: link,
            is_changed: false,
        };
        self.all.insert(key(&known.after), known);
    }

    /// Takes guardians who get no other students.
    pub(super) fn refuse(&mut self, guardians: impl Iterator<Item = String>) {
        self.refused.extend(guardians);
    }

    /// Links a student with a guardian as a row says, and tells whether that changes anything.
    pub(super) fn settle(
        &mut self,
        stamp: &Stamp<'_>,
        row: &FileRow,
        student: &str,
        guardian: &str,
    ) -> Result<bool, FieldErrors> {
        let key = (student.to_owned(), guardian.to_owned());
        let known = self.all.get(&key);
        if known.is_none() && self.refused.contains(guardian) {
            return Err(FieldErrors::one("student_id", OWN_ACCOUNT));
        }
        let mut after = known.map_or_else(
            || {
                let ids = json!({"student": student, "guardian": guardian, "is_primary": false});
                let fields: Map<String, Json> = ids.as_object().cloned().unwrap_or_default();
                new_record(stamp, fields)
            },
            |known| known.after.clone(),
        );
        for name in ["relation", "is_primary"] {
            if let Some(value) = row.values.get(name).filter(|value| !value.is_null()) {
                after.insert(name.to_owned(), value.clone());
            }
        }
        if records::text(&after, "relation").is_empty() {
            return Err(FieldErrors::one("relation", "This field is required."));
        }
        if known.is_some_and(|known| known.after == after) {
            return Ok(false);
        }
        after.insert("updated_at".to_owned(), json!(stamp.now));
        if records::flag(&after, "is_primary") {
            self.take_from_others(stamp, &key);
        }
        let before = known_before(self.all.remove(&key));
        let link = Link {
            before,
            after,
            is_changed: true,
        };
        self.all.insert(key, link);
        Ok(true)
    }

    /// A student has one who is called first.
    fn take_from_others(&mut self, stamp: &Stamp<'_>, key: &(String, String)) {
        let others = self.all.iter_mut();
        for (_, other) in others.filter(|(other, _)| other.0 == key.0 && other.1 != key.1) {
            if records::flag(&other.after, "is_primary") {
                other.after.insert("is_primary".to_owned(), false.into());
                other
                    .after
                    .insert("updated_at".to_owned(), json!(stamp.now));
                other.is_changed = true;
            }
        }
    }

    /// What is to be written; whoever is no longer the first comes before whoever is.
    pub(super) fn writes(self) -> Vec<(Option<Record>, Record)> {
        let changed = self.all.into_values().filter(|link| link.is_changed);
        let mut writes: Vec<_> = changed.map(|link| (link.before, link.after)).collect();
        writes.sort_by_key(|(_, link)| records::flag(link, "is_primary"));
        writes
    }
}

fn known_before(link: Option<Link>) -> Option<Record> {
    link.and_then(|link| link.before)
}
