//! Erasing a student: what tells who it was goes, and what marks and positions of others depend on stays.

use std::collections::BTreeSet;

use homeroom_domain::{
    UserId,
    records::{Record, text},
};
use homeroom_kernel::{Id, Timestamp};
use serde_json::{Value as Json, json};

use crate::{
    batch::{Action, Batch, EMPTIED, Stamp},
    connection::TenantDb,
    error::StoreError,
    sms::DELETED,
    sql::{Statement, Value, sql},
};

/// What an erased student is called.
pub const NAME: [&str; 2] = ["Erased", "student"];

/// Cards of one statement: well below D1's limit of a value.
const PORTION: usize = 50;

/// A student who may be erased.
#[derive(Debug)]
pub struct Erasable {
    /// The school's number.
    pub number: String,
    /// All names of the student, the parent and the guardians, with spaces between them.
    pub names: String,
    /// Whether the student has not left yet.
    pub is_enrolled: bool,
    /// When the student was erased.
    pub erased_at: Option<Timestamp>,
    /// Every version of every published card, as JSON, with its id.
    pub cards: Vec<(String, String)>,
    kin: String,
    /// Accounts that go with the student.
    pub accounts: Vec<UserId>,
    /// Guardians who go with the student.
    guardians: Vec<String>,
    /// `guardians`, `accounts`, phone `numbers`, and the `words` by which audit lines are found that are about these: as JSON.
    family: String,
}

/// Whether student `?1` has not left.
const ENROLLED: &str = "(exists (select 1 from students q where q.id = ?1 and q.enrolment = 'active') \
     or exists (select 1 from student_sessions r join academic_sessions y on y.id = r.session and y.is_active = 1 \
     where r.student = ?1 and r.status = 'active'))";

/// What goes with student `?1`, as JSON: the student's user and the parent's phone; of each guardian of nobody else id, user and phone;
/// the registrations.
const KIN: &str = "(select json_array(q.user, q.parent_phone, json((select json_group_array(json_array(g.id, g.user, g.phone_number)) \
     from student_guardians l join guardians g on g.id = l.guardian where l.student = q.id and not exists \
     (select 1 from student_guardians o where o.guardian = g.id and o.student <> q.id))), \
     json((select json_group_array(r.id) from student_sessions r where r.student = q.id))) from students q where q.id = ?1)";

type Guardian = (String, Option<String>, Option<String>);
type Kin = (Option<String>, String, Vec<Guardian>, Vec<String>);

/// Guardians of student `?1` who were deleted before: the lines of their links tell whose they were.
macro_rules! former {
    () => {
        "(select coalesce(a.changes ->> '$.guardian.to', a.changes ->> '$.guardian.from') as guardian from audit_logs a \
         where a.table_name = 'student_guardians' and instr(a.changes, ?1) > 0 \
         and guardian not in (select g.id from guardians g))"
    };
}

/// Of the users in `?2`, and those that were the family's and were deleted, all that are not staff's by record or by role, nor the
/// family's of somebody who stays; `?3` are the guardians who go.
const ACCOUNTS: &str = concat!(
    "select u.id, ifnull(u.phone_number, '') as phone from users u where u.id in (select value from json_each(?2) \
     union select d.id from audit_logs t join users d on d.id = t.changes ->> '$.user.from' and d.deleted_at is not null \
     where t.table_name = 'students' and t.record_id = ?1 or t.table_name = 'guardians' \
     and (t.record_id in (select value from json_each(?3)) or t.record_id in ",
    former!(),
    ")) and not exists (select 1 from staff f where f.user_id = u.id) \
     and not exists (select 1 from user_roles y join roles r on r.id = y.role_id where y.user_id = u.id \
     and ifnull(r.builtin, '') not in ('student', 'guardian')) \
     and not exists (select 1 from students q where q.user = u.id and q.id <> ?1) and not exists (select 1 from guardians g \
     where g.user = u.id and g.id not in (select value from json_each(?3)))"
);

/// Of the numbers in `?1`, those that are somebody's who stays; `?2` are the guardians and `?3` the accounts that go.
const SHARED: &str = "select n.value as number from json_each(?1) n where exists (select 1 from guardians g \
     where g.phone_number in (n.value, '+' || n.value) and g.id not in (select value from json_each(?2))) \
     or exists (select 1 from users u where u.phone_number in (n.value, '+' || n.value) and u.deleted_at is null \
     and u.id not in (select value from json_each(?3)))";

/// Fewer digits are an extension, and would be found in anything.
const SHORTEST_NUMBER: usize = 7;

/// Finds a student with what goes with the student, and every published card.
pub async fn find_erasable(db: &TenantDb, student: Id<()>) -> Result<Erasable, StoreError> {
    let found = format!(
        "select p.student_id, p.first_name || ' ' || p.middle_name || ' ' || p.last_name || ' ' || p.parent_name || ' ' || \
         ifnull((select group_concat(g.first_name || ' ' || g.last_name, ' ') from student_guardians l join guardians g \
         on g.id = l.guardian where l.student = p.id), '') as names, {ENROLLED} as is_enrolled, p.erased_at, {KIN} as kin from students p where p.id = ?1"
    );
    let statements = vec![
        sql!(found, student),
        sql!(
            "select c.id, c.card from student_sessions r join report_cards c on c.student_session = r.id where r.student = ?1",
            student
        ),
    ];
    let mut outcomes = db.connection.batch(statements).await?;
    let found: Option<Record> = outcomes.rows()?.into_iter().next();
    let found = found.ok_or(StoreError::NotFound)?;
    let cards: Vec<Record> = outcomes.rows()?;
    let number = |name: &str| found.get(name).and_then(Json::as_i64);
    let kin = text(&found, "kin");
    let (user, parent, guardians, registrations): Kin = serde_json::from_str(kin)?;
    let users: Vec<&String> = guardians
        .iter()
        .filter_map(|(_, user, _)| user.as_ref())
        .collect();
    let users = json!([user.iter().collect(), users].concat()).to_string();
    let phones: Vec<&String> = guardians
        .iter()
        .filter_map(|(.., phone)| phone.as_ref())
        .collect();
    let ids: Vec<&String> = guardians.iter().map(|(id, ..)| id).collect();
    let leaving = json!(ids).to_string();
    let accounts = db.connection.rows(sql!(ACCOUNTS, student, users, &leaving));
    let accounts: Vec<Record> = accounts.await?;
    let written = phones.into_iter().map(String::as_str).chain([&*parent]);
    let written = written.chain(accounts.iter().map(|account| text(account, "phone")));
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect();
    let mut numbers: BTreeSet<String> = written.map(digits).collect();
    numbers.retain(|number| number.len() >= SHORTEST_NUMBER);
    let accounts = accounts
        .iter()
        .filter_map(|account| Id::parse(text(account, "id")));
    let accounts: Vec<UserId> = accounts.collect();
    let shared = db.connection.rows(sql!(
        SHARED,
        json!(numbers).to_string(),
        leaving,
        json!(accounts).to_string(),
    ));
    let shared: Vec<Record> = shared.await?;
    for row in &shared {
        numbers.remove(text(row, "number"));
    }
    let own = student.to_string();
    let dialled: Vec<String> = numbers.iter().map(|number| format!("+{number}")).collect();
    let words = registrations.iter().chain(ids.iter().copied());
    let words = words.chain(&numbers).chain(&dialled);
    let words: Vec<&String> = words.chain([&own]).collect();
    let family =
        json!({"guardians": ids, "accounts": accounts, "numbers": numbers, "words": words});
    let own = |row: &Record, name: &str| text(row, name).to_owned();
    let card = |row: &Record| (own(row, "id"), own(row, "card"));
    Ok(Erasable {
        number: own(&found, "student_id"),
        names: own(&found, "names"),
        is_enrolled: number("is_enrolled") != Some(0),
        erased_at: number("erased_at").map(Timestamp::from_millis),
        cards: cards.iter().map(card).collect(),
        kin: kin.to_owned(),
        family: family.to_string(),
        guardians: ids.into_iter().cloned().collect(),
        accounts,
    })
}

/// A list of the family `?2`.
macro_rules! listed {
    ($name:literal) => {
        concat!("(select value from json_each(?2, '$.", $name, "'))")
    };
}

/// The registrations of student `?1`.
macro_rules! registrations {
    () => {
        "(select r.id from student_sessions r where r.student = ?1)"
    };
}

/// The ids of text messages about the student or to the guardians and numbers that go.
macro_rules! messages {
    () => {
        concat!(
            "(select r.message from sms_receivers r where r.student = ?1 \
             union select r.message from sms_receivers r where r.guardian in ",
            listed!("guardians"),
            " union select o.id from sms_messages o where o.app_id in (select day.app_id from sms_usage day) and o.destination in ",
            listed!("numbers"),
            ")"
        )
    };
}

/// Records about the student or a guardian: with a line that names one of them, all lines of the record. Nothing else tells which
/// records there were that are gone, so this reads the whole log; it is rare.
const MENTIONED: &str = "(table_name, record_id) in (select a.table_name, a.record_id from audit_logs a, json_tree(a.changes) v \
     where v.atom in (select value from json_each(?2, '$.words')))";

const FORMER: &str = concat!("table_name = 'guardians' and record_id in ", former!());

/// Records that are there now, whatever their first line says.
const OF_RECORDS: [(&str, &str); 9] = [
    ("'students', 'student_pins'", "(select ?1)"),
    (
        "'applications'",
        "(select a.id from applications a where a.student = ?1)",
    ),
    (
        "'student_sessions', 'card_comments', 'withheld_cards'",
        registrations!(),
    ),
    ("'guardians'", listed!("guardians")),
    ("'users'", listed!("accounts")),
    (
        "'leave_applications'",
        "(select v.id from leave_applications v where v.student = ?1)",
    ),
    (
        "'student_promotions'",
        "(select d.id from student_promotions d where d.student = ?1)",
    ),
    (
        "'attendance'",
        concat!(
            "(select e.id from attendance e where e.student_session in ",
            registrations!(),
            ")"
        ),
    ),
    (
        "'marks'",
        concat!(
            "(select m.id from marks m where m.student_session in ",
            registrations!(),
            ")"
        ),
    ),
];

/// What is written about the student, and the guardians who go, in this order; `?3` is the time.
const FORGOTTEN: [&str; 18] = [
    // A text that is emptied must not be sent.
    concat!(
        "update sms_messages as m set {DELETED} where m.status = 'ACCEPTED' and m.handed_at is null and m.id in ",
        messages!()
    ),
    concat!(
        "update sms_messages set text = '', error = '', content_hash = '', destination = iif(destination in ",
        listed!("numbers"),
        " or id in (select r.message from sms_receivers r where r.guardian in ",
        listed!("guardians"),
        "), '', destination) where id in ",
        messages!()
    ),
    concat!(
        "update sms_batches set rejected = (select json_group_array(json(iif(e.value ->> 'student' = ?1 \
         or e.value ->> 'guardian' in ",
        listed!("guardians"),
        ", json_set(e.value, '$.name', ''), e.value))) from json_each(sms_batches.rejected) e) where exists \
         (select 1 from json_each(?2, '$.words') w where instr(sms_batches.rejected, w.value) > 0)"
    ),
    concat!(
        "update sms_inbound set text = '', source = '' where source in ",
        listed!("numbers")
    ),
    "delete from import_results where instr(messages, (select 'may be ' || p.student_id || ' already' from students p \
     where p.id = ?1)) > 0",
    // Cards on their way into a publication that was cut off, or that now has to begin anew.
    "delete from publication_portions where exam_session in (select x.id from student_sessions r \
     join exam_sessions x on x.session = r.session where r.student = ?1)",
    // A publication that read the student before this must not freeze what it read.
    "update student_sessions set updated_at = max(updated_at + 1, ?3) where student = ?1",
    concat!(
        "update marks set comment = '', version = version + 1, updated_at = ?3 where comment <> '' and student_session in ",
        registrations!()
    ),
    concat!(
        "delete from card_comments where student_session in ",
        registrations!()
    ),
    concat!(
        "update withheld_cards set reason = '' where student_session in ",
        registrations!()
    ),
    concat!(
        "update attendance set reason = '', before_leave = json_set(before_leave, '$.reason', ''), updated_at = ?3 \
         where (reason <> '' or before_leave is not null) and student_session in ",
        registrations!()
    ),
    "update leave_applications set reason = '', updated_at = ?3 where student = ?1",
    "update student_promotions set reason = '' where student = ?1",
    "update student_history set reason = '' where student = ?1",
    "delete from applications where student = ?1",
    "delete from student_pins where student = ?1",
    "delete from student_guardians where student = ?1",
    concat!("delete from guardians where id in ", listed!("guardians")),
];

/// Calendar feeds of the accounts that go: people name them.
const OF_FEEDS: &str = "table_name = 'calendar_feeds' and exists (select 1 from json_each(?2, '$.accounts') w \
     where instr(audit_logs.changes, w.value) > 0)";

/// What the accounts that go leave behind; they are marked as deleted already.
const OF_ACCOUNTS: [&str; 8] = [
    // Who asks for a new password has not signed in yet.
    concat!(
        "update audit_logs set ip_address = null where table_name = 'password_resets' and changes ->> '$.user.to' in ",
        listed!("accounts")
    ),
    concat!(
        "update audit_logs set actor_name = 'Erased', ip_address = null where actor_kind = 'user' and actor_id in ",
        listed!("accounts")
    ),
    concat!(
        "update imports set actor = json_set(actor, '$.name', '', '$.ip', null) where created_by in ",
        listed!("accounts")
    ),
    concat!(
        "delete from sessions where user_id in ",
        listed!("accounts")
    ),
    concat!(
        "delete from password_resets where user_id in ",
        listed!("accounts")
    ),
    concat!(
        "delete from calendar_feeds where user in ",
        listed!("accounts")
    ),
    concat!(
        "delete from idempotency_keys where actor_id in ",
        listed!("accounts")
    ),
    concat!(
        "update users set email = 'erased-' || id, phone_number = null, first_name = '', last_name = '', password_hash = '' \
         where id in ",
        listed!("accounts")
    ),
];

/// Erases a student whose accounts are marked as deleted before this. The cards are `[id, card, digest]` as they are from now on. Refused with
/// `student_enrolled` and `import_running`, and with `changed_meanwhile` where the student, a card or the family is not as it was
/// read.
#[must_use]
pub fn erase(
    stamp: &Stamp<'_>,
    student: Id<()>,
    found: &Erasable,
    number: &str,
    cards: &[Json],
    reason: &str,
) -> Batch {
    let mut batch = Batch::default();
    batch.guard_academics("student_enrolled", ENROLLED, vec![student.into()]);
    batch.guard_academics(
        "import_running",
        "exists (select 1 from import_chunks)",
        Vec::new(),
    );
    let as_read = format!(
        "{KIN} is not ?2 or (select count(*) from student_sessions r join report_cards c on c.student_session = r.id \
         where r.student = ?1) <> ?3"
    );
    let count = i64::try_from(cards.len()).unwrap_or(i64::MAX);
    batch.guard(
        "changed_meanwhile",
        &as_read,
        vec![student.into(), Value::from(&found.kin), count.into()],
    );
    batch.audit_each(
        stamp,
        "applications",
        "select ?2 as log, 'DELETE' as action, a.id as record_id, '{}' as changes from applications a where a.student = ?1",
        vec![student.into(), stamp.ids.next::<()>().into()],
    );
    let all = [student.into(), Value::from(&found.family), stamp.now.into()];
    let mut push = |text: String| batch.push(about(text, &all));
    push(format!("{EMPTIED} {FORMER}"));
    push(format!("{EMPTIED} {MENTIONED}"));
    for (tables, ids) in OF_RECORDS {
        push(format!(
            "{EMPTIED} table_name in ({tables}) and record_id in {ids}"
        ));
    }
    for text in FORGOTTEN {
        push(text.replace("{DELETED}", DELETED));
    }
    if !found.accounts.is_empty() {
        push(format!("{EMPTIED} {OF_FEEDS}"));
        for text in OF_ACCOUNTS {
            push(text.to_owned());
        }
    }
    for portion in cards.chunks(PORTION) {
        batch.push(sql!(
            "update report_cards set card = j.value ->> 1, digest = j.value ->> 2 from json_each(?1) j \
             where report_cards.id = j.value ->> 0",
            json!(portion).to_string(),
        ));
    }
    // Last: nothing fills an erased student, not even this.
    batch.push_effective(sql!(
        "update students set student_id = ?2, first_name = ?3, middle_name = '', last_name = ?4, gender = '', dob = null, \
         parent_name = '', parent_phone = '', address = '', user = null, erased_at = ?5, updated_at = ?5 \
         where id = ?1 and student_id = ?6 and erased_at is null",
        student,
        number,
        NAME[0],
        NAME[1],
        stamp.now,
        &found.number,
    ));
    let gone = found.guardians.iter();
    batch.audit_all(
        stamp,
        "guardians",
        gone.map(|id| (Action::Delete, id.clone(), json!({}))),
    );
    batch.audit(
        stamp,
        Action::Update,
        "students",
        &student.to_string(),
        None::<&()>,
        Some(&json!({"erased_at": stamp.now, "reason": reason})),
    );
    batch
}

/// A statement with as many of the values as it names.
fn about(text: String, all: &[Value; 3]) -> Statement {
    let named = (1..=all.len()).rev();
    let count = named
        .into_iter()
        .find(|n| text.contains(&format!("?{n}")))
        .unwrap_or_default();
    Statement {
        sql: text.into(),
        params: all.iter().take(count).cloned().collect(),
    }
}
