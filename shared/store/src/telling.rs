//! What servers of others are to be told: rows that one deliverer at a time takes, and what came of each attempt.

use homeroom_kernel::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::{
    batch::Batch,
    connection::Outcomes,
    error::StoreError,
    sql::{Statement, Value, sql},
};

/// Something that is to be told.
#[derive(Clone, Debug, Deserialize)]
pub struct Told<O, T> {
    /// Its id, which the receiver sees.
    pub callback: String,
    /// Whom.
    pub owner: O,
    /// How often it was tried, this time included.
    pub attempts: u32,
    /// When that was for the first time.
    pub since: Timestamp,
    /// When it happened.
    pub at: Timestamp,
    /// Where; none: nowhere any more.
    pub url: Option<String>,
    /// What it is signed with, sealed, and what it was signed with before that was there.
    pub secret: Option<String>,
    /// The one before.
    pub secret_before: Option<String>,
    /// Since when the secret is good.
    pub secret_at: Option<Timestamp>,
    /// What.
    #[serde(flatten)]
    pub what: T,
}

/// What came of an attempt to tell.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// What was told.
    pub callback: String,
    /// Which attempt.
    pub attempts: u32,
    /// The status of the answer; 0: there was none; none: nobody was asked.
    pub answered: Option<u16>,
    /// Whether it was taken.
    pub delivered: bool,
    /// When to try again where it was not; none: never.
    pub again: Option<Timestamp>,
    /// Whether nothing was tried, since its owner may not be told now: its day has not begun.
    pub held: bool,
}

/// What is taken at once.
#[derive(Clone, Debug)]
pub struct Claim {
    /// At most so much, of all owners or of one.
    pub limit: u16,
    /// Nothing of these.
    pub except: Vec<String>,
    /// Until when it is nobody else's.
    pub until: Timestamp,
}

#[derive(Deserialize)]
struct Count {
    count: u32,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// What becomes of what is taken at `?1` until `?3`.
const TAKEN: &str = "attempts = attempts + 1, due_at = ?3, since = ifnull(since, ?1), tried_at = ?1, answered = null";

/// A table of what is to be told.
pub(crate) struct Tells {
    /// Its name.
    pub(crate) table: &'static str,
    /// The column that says whom.
    pub(crate) owner: &'static str,
}

impl Tells {
    /// Whether something is to be told now: `count` is 0 or 1.
    pub(crate) fn due(&self, now: Timestamp) -> Statement {
        let table = self.table;
        let text = format!(
            "select exists (select 1 from {table} where state = 'waiting' and due_at <= ?1) as count"
        );
        sql!(text, now)
    }

    /// Takes what is to be told now, what was never tried first: the first of each owner before the second of any, so that whoever has
    /// many holds up nobody else.
    pub(crate) fn claim(&self, claim: &Claim, now: Timestamp) -> Statement {
        let Self { table, owner } = self;
        let text = format!(
            "with recursive owners (owner) as (select min({owner}) from {table} where state = 'waiting' union all \
             select (select min(c.{owner}) from {table} c where c.state = 'waiting' and c.{owner} > o.owner) from owners o \
             where o.owner is not null), \
             due as (select c.id, c.due_at, row_number() over (partition by c.{owner} order by c.due_at, c.id) as turn \
             from owners o join {table} c on c.id in (select d.id from {table} d where d.state = 'waiting' \
             and d.{owner} = o.owner and d.due_at <= ?1 order by d.due_at, d.id limit ?2) \
             where o.owner not in (select value from json_each(?4))) \
             update {table} set {TAKEN} where id in (select id from due order by turn, due_at, id limit ?2) returning id"
        );
        sql!(
            text,
            now,
            i64::from(claim.limit),
            claim.until,
            json!(claim.except).to_string()
        )
    }

    /// Takes this alone, if it is to be told now.
    pub(crate) fn claim_one(&self, id: &str, until: Timestamp, now: Timestamp) -> Statement {
        let text = format!(
            "update {} set {TAKEN} where id = ?2 and state = 'waiting' and due_at <= ?1 returning id",
            self.table
        );
        sql!(text, now, id, until)
    }

    /// Forgets what happened before a moment, some at a time.
    pub(crate) fn forget(&self, before: Timestamp) -> Statement {
        let table = self.table;
        let millis = before.millis();
        let first = format!("{:08x}-{:04x}-", millis >> 16, millis & 0xffff);
        let text = format!(
            "delete from {table} where id in (select id from {table} where id < ?1 order by id limit 500)"
        );
        sql!(text, first)
    }

    /// Notes what came of attempts, unless others were begun meanwhile.
    pub(crate) fn note(&self, attempts: &[Attempt]) -> Batch {
        let line = |one: &Attempt| {
            let state = match (one.delivered, one.again) {
                (true, _) => "delivered",
                (false, Some(_)) => "waiting",
                (false, None) => "dead",
            };
            let due = one.again.map_or(0, Timestamp::millis);
            json!([
                one.callback,
                one.attempts,
                state,
                due,
                one.answered,
                one.held
            ])
        };
        let lines: Vec<Json> = attempts.iter().map(line).collect();
        let text = format!(
            "update {} as c set state = e.value ->> 2, due_at = e.value ->> 3, answered = e.value ->> 4, \
             since = iif(e.value ->> 5, null, c.since), attempts = c.attempts - (e.value ->> 5), \
             tried_at = iif(e.value ->> 5, null, c.tried_at) \
             from json_each(?1) e where c.id = e.value ->> 0 and c.attempts = e.value ->> 1 and c.state = 'waiting'",
            self.table
        );
        let mut batch = Batch::default();
        batch.push(sql!(text, json!(lines).to_string()));
        batch
    }

    /// Begins anew to tell something, at once and for a day; what is being told goes on.
    pub(crate) fn retry(&self, owner: impl Into<Value>, id: &str, now: Timestamp) -> Statement {
        let text = format!(
            "update {} set state = 'waiting', attempts = 0, due_at = 0, since = ?3 where {} = ?1 and id = ?2 \
             and not (state = 'waiting' and tried_at is not null and answered is null and due_at > ?3)",
            self.table, self.owner
        );
        Statement {
            sql: text.into(),
            params: vec![owner.into(), id.into(), now.into()],
        }
    }
}

/// Reads what [`Tells::due`] gave.
pub(crate) fn is_due(outcomes: &mut Outcomes) -> Result<bool, StoreError> {
    let rows: Vec<Count> = outcomes.rows()?;
    Ok(rows.first().is_some_and(|row| row.count > 0))
}

/// Reads what [`Tells::claim`] gave.
pub(crate) fn claimed(outcomes: &mut Outcomes) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Id> = outcomes.rows()?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
