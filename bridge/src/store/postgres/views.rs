//! What can be read without writing.

use async_trait::async_trait;
use homeroom_sms_contract::submit::SwitchedOff;

use super::{
    rows,
    session::{Failure, Operation, READ, Session},
};
use crate::message::Address;
use crate::store::{Depths, HistoryLine, MessageView, Unheard, work};

pub(super) struct Find<'a> {
    pub(super) app_id: Option<i64>,
    pub(super) message_id: &'a str,
}

#[async_trait]
impl Operation for Find<'_> {
    type Output = Option<MessageView>;
    const BEGIN: &'static str = READ;

    async fn run(&self, session: &mut Session) -> Result<Self::Output, Failure> {
        let head = session
            .maybe(
                "SELECT key, transaction_id, task_id, accepted_at FROM messages
                 WHERE message_id = $1 AND ($2::bigint IS NULL OR app_id = $2)",
                &[&self.message_id, &self.app_id],
            )
            .await?;
        let Some(head) = head else {
            return Ok(None);
        };
        let mut messages = rows::read(session, &[head.get(0)]).await?;
        Ok(messages
            .pop_first()
            .map(|(_, message)| message.view(head.get(1), head.get(2), head.get(3))))
    }
}

pub(super) struct History<'a>(pub(super) &'a str);

#[async_trait]
impl Operation for History<'_> {
    type Output = Vec<HistoryLine>;
    const BEGIN: &'static str = READ;

    async fn run(&self, session: &mut Session) -> Result<Self::Output, Failure> {
        let found = session
            .all(
                "SELECT m.accepted_at, p.number, p.log FROM messages m JOIN parts p ON p.message = m.key
                 WHERE m.message_id = $1 ORDER BY p.number",
                &[&self.0],
            )
            .await?;
        let Some(first) = found.first() else {
            return Ok(Vec::new());
        };
        let logs: Vec<(u16, String)> = found
            .iter()
            .map(|row| (rows::small(row.get(1)), row.get(2)))
            .collect();
        Ok(work::history(first.get(0), &logs))
    }
}

/// Links and pools that have parts whose answer is out.
pub(super) struct Sending;

#[async_trait]
impl Operation for Sending {
    type Output = Vec<i64>;
    const BEGIN: &'static str = READ;

    async fn run(&self, session: &mut Session) -> Result<Self::Output, Failure> {
        let found = session
            .all(
                "SELECT DISTINCT esme FROM parts WHERE bridge IS NOT NULL",
                &[],
            )
            .await?;
        Ok(found.iter().map(|row| row.get(0)).collect())
    }
}

pub(super) struct Silent {
    pub(super) link: i64,
    pub(super) after: i64,
    pub(super) before: i64,
    pub(super) limit: i64,
}

#[async_trait]
impl Operation for Silent {
    type Output = Vec<Unheard>;
    const BEGIN: &'static str = READ;

    async fn run(&self, session: &mut Session) -> Result<Self::Output, Failure> {
        let found = session
            .all(
                "SELECT p.provider_id, m.source_ton, m.source_npi, m.source, p.submitted_at
                 FROM parts p JOIN messages m ON m.key = p.message
                 WHERE p.status IN (3, 4) AND p.link = $1 AND p.submitted_at > $2 AND p.submitted_at <= $3
                 ORDER BY p.submitted_at LIMIT $4",
                &[&self.link, &self.after, &self.before, &self.limit],
            )
            .await?;
        let octet = |number: i16| u8::try_from(number).unwrap_or_default();
        let read = |row: &tokio_postgres::Row| Unheard {
            provider_id: row.get(0),
            source: Address {
                ton: octet(row.get(1)),
                npi: octet(row.get(2)),
                address: row.get(3),
            },
            submitted_at: row.get(4),
        };
        Ok(found.iter().map(read).collect())
    }
}

pub(super) struct SwitchedOffNow;

#[async_trait]
impl Operation for SwitchedOffNow {
    type Output = SwitchedOff;
    const BEGIN: &'static str = READ;

    async fn run(&self, session: &mut Session) -> Result<SwitchedOff, Failure> {
        let at = session
            .one(
                "SELECT value FROM counters WHERE name = 'switched_off_at'",
                &[],
            )
            .await?;
        let found = session
            .all("SELECT esme FROM switched_off ORDER BY esme", &[])
            .await?;
        Ok(SwitchedOff {
            esmes: found.iter().map(|row| row.get(0)).collect(),
            at: at.get(0),
        })
    }
}

pub(super) struct Count;

#[async_trait]
impl Operation for Count {
    type Output = Depths;
    const BEGIN: &'static str = READ;

    async fn run(&self, session: &mut Session) -> Result<Depths, Failure> {
        let unsigned = |number: i64| u64::try_from(number).unwrap_or_default();
        let queued = session
            .all(
                "SELECT esme, count(*) FROM parts WHERE status = 0 GROUP BY esme ORDER BY esme",
                &[],
            )
            .await?;
        let row = session
            .one(
                "SELECT (SELECT accepted_at FROM messages WHERE key = (SELECT min(message) FROM parts WHERE status = 0)),
                     (SELECT count(*) FROM parts WHERE bridge IS NOT NULL),
                     (SELECT value FROM counters WHERE name = 'ambiguous'),
                     (SELECT count(*) FROM events WHERE state < 2),
                     (SELECT count(*) FROM events WHERE state = 2),
                     (SELECT count(*) FROM orphans WHERE NOT repeated)",
                &[],
            )
            .await?;
        Ok(Depths {
            queued: queued
                .iter()
                .map(|row| (row.get(0), unsigned(row.get(1))))
                .collect(),
            oldest: row.get(0),
            sending: unsigned(row.get(1)),
            ambiguous: unsigned(row.get(2)),
            events: unsigned(row.get(3)),
            dead_events: unsigned(row.get(4)),
            orphans: unsigned(row.get(5)),
        })
    }
}

/// Writes a row that means nothing.
pub(super) struct Probe;

#[async_trait]
impl Operation for Probe {
    type Output = ();

    async fn run(&self, session: &mut Session) -> Result<(), Failure> {
        session
            .execute(
                "UPDATE counters SET value = value + 1 WHERE name = 'probe'",
                &[],
            )
            .await?;
        Ok(())
    }
}
