//! Students' PINs: one each, kept as a keyed hash. The audit log knows when one was set, and never which.

use homeroom_kernel::{Id, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    rows,
    school::names::{class_name, student_name},
    sql::{Value, sql},
};

/// The constraints of `student_pins`, and whose PINs these are.
const TABLE: &str = "student_pins";

/// A student as far as the PIN goes.
#[derive(Clone, Debug, Deserialize)]
pub struct PinHolder {
    /// The student.
    pub student: Id<()>,
    /// The school's number of the student.
    pub student_id: String,
    /// The student's name, family name last.
    pub student_name: String,
    /// Whether there is a PIN.
    #[serde(deserialize_with = "rows::flag")]
    pub has_pin: bool,
}

/// A PIN to be kept.
#[derive(Clone, Debug)]
pub struct NewPin<'a> {
    /// Whose.
    pub holder: &'a PinHolder,
    /// Its form at rest.
    pub hash: String,
}

/// What the audit log shows of a PIN.
#[derive(Serialize)]
struct Audited {
    set_at: Timestamp,
}

const HOLDER: &str = concat!(
    "p.id as student, p.student_id, ",
    student_name!("p"),
    " as student_name, exists (select 1 from student_pins n where n.student = p.id) as has_pin"
);

/// A student.
pub async fn find_holder(db: &TenantDb, student: Id<()>) -> Result<PinHolder, StoreError> {
    let text = format!("select {HOLDER} from students p where p.id = ?1");
    let found = db.connection.first(sql!(text, student)).await?;
    found.ok_or(StoreError::NotFound)
}

/// The name of a class of a session, and its active students by name.
pub async fn find_class(
    db: &TenantDb,
    session: Id<()>,
    class: Id<()>,
) -> Result<(String, Vec<PinHolder>), StoreError> {
    #[derive(Deserialize)]
    struct Class {
        name: String,
    }
    let of_class = concat!(
        "select ",
        class_name!("w.id"),
        " as name from academic_classes w where w.id = ?1 and w.session = ?2"
    );
    let students = format!(
        "select {HOLDER} from student_sessions r join students p on p.id = r.student where r.academic_class = ?1 \
         and r.session = ?2 and r.status = 'active' and p.erased_at is null order by p.last_name collate nocase, p.first_name collate nocase, p.id"
    );
    let statements = vec![
        sql!(of_class, class, session),
        sql!(students, class, session),
    ];
    let mut outcomes = db.connection.batch(statements).await?;
    let found: Option<Class> = outcomes.rows()?.into_iter().next();
    let found = found.ok_or(StoreError::NotFound)?;
    Ok((found.name, outcomes.rows()?))
}

/// Sets PINs, or renews them. Who had none and has one by now was printed another one meanwhile: `changed_meanwhile`, unless
/// `renew` says that it is to be replaced.
#[must_use]
pub fn set(stamp: &Stamp<'_>, pins: &[NewPin<'_>], renew: bool) -> Batch {
    let mut batch = Batch::default();
    if pins.is_empty() {
        return batch;
    }
    let lines: Vec<_> = pins
        .iter()
        .map(|pin| json!([pin.holder.student, pin.hash]))
        .collect();
    let lines = json!(lines).to_string();
    if !renew {
        batch.guard(
            "changed_meanwhile",
            "exists (select 1 from json_each(?1) j join student_pins n on n.student = json_extract(j.value, '$[0]'))",
            vec![Value::from(&lines)],
        );
    }
    // Who was deleted meanwhile is refused by the foreign key.
    batch.push(sql!(
        "insert into student_pins (student, hash, set_at, set_by) \
         select json_extract(j.value, '$[0]'), json_extract(j.value, '$[1]'), ?2, ?3 from json_each(?1) j where true \
         on conflict (student) do update set hash = excluded.hash, set_at = excluded.set_at, set_by = excluded.set_by",
        lines,
        stamp.now,
        stamp.created_by(),
    ));
    let set_at = json!({"set_at": {"from": null, "to": stamp.now}});
    let entries = pins.iter().map(|pin| {
        let action = if pin.holder.has_pin {
            Action::Update
        } else {
            Action::Create
        };
        (action, pin.holder.student.to_string(), set_at.clone())
    });
    batch.audit_all(stamp, TABLE, entries);
    batch
}

/// Removes a student's PIN.
pub async fn remove(
    db: &TenantDb,
    stamp: &Stamp<'_>,
    student: Id<()>,
) -> Result<Batch, StoreError> {
    #[derive(Deserialize)]
    struct Kept {
        set_at: Timestamp,
    }
    let found = db.connection.first(sql!(
        "select set_at from student_pins where student = ?1",
        student
    ));
    let Kept { set_at } = found.await?.ok_or(StoreError::NotFound)?;
    let mut batch = Batch::default();
    batch.push_effective(sql!("delete from student_pins where student = ?1", student));
    let before = Audited { set_at };
    let id = student.to_string();
    batch.audit(
        stamp,
        Action::Delete,
        TABLE,
        &id,
        Some(&before),
        None::<&Audited>,
    );
    Ok(batch)
}
